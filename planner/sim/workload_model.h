// Demand that never was, like demand that was: a generated series whose parameters were fitted on recorded ones (docs/workload.md).
//
// ln(demand over its mean) = a wave of a day + habit (what else comes again each day at that hour) + what a weekend is less or more + noise of
// five levels, of five minutes, an hour, six hours, a day and four days (the drift of the level) + bursts. The parameters of a kind are of all
// recorded series of that kind; tests/sim/workload_fit.py fits them again and holds the table and what is generated against that. Nothing is
// tuned to one series. A pure function of kind, seed and time: the hour of the peak, habit, noise and bursts are the seed's.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct workload_model {
    const char *name;
    double daily;                            // half the height of the wave, in ln
    double weekend;                          // what Saturday and Sunday (UTC) are more, in ln
    double habit[2], noise[5];               // deviations, in ln; habit by the hour and by five minutes
    double bursts_per_day, burst_height, burst_minutes;  // mean height in ln, mean length
};

#define WORKLOAD_MODEL_COUNT 4
const struct workload_model *workload_model(size_t k);       // k < WORKLOAD_MODEL_COUNT
// The factor of the mean then: its own mean is about 1.
double workload_model_at(const struct workload_model *m, uint64_t seed, int64_t wall_ms);
