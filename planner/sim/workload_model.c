#include "planner/sim/workload_model.h"

#include <math.h>

#include "base/check.h"
#include "base/rng.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define BURST_MAX_MINUTES 360
enum { LEVELS = 5 };
enum { PEAK = 1, HABIT, HABIT_FINE, BURST, HEIGHT, LENGTH, BEGIN, NOISE };  // what a number is drawn for; NOISE and on: its levels

// Source: the public series named in tests/sim/workload_fit.py, medians over those of a kind, fitted 2026-11.
static const struct workload_model MODELS[WORKLOAD_MODEL_COUNT] = {
    {"jobs", 0.632, -0.734, {0.548, 0.471}, {0.208, 0.556, 0.340, 0.169, 0.135}, 2.556, 0.822, 11.79},
    {"crowd", 0.036, -0.051, {0.008, 0.007}, {0.027, 0.021, 0.036, 0.018, 0.026}, 0.000, 0.457, 5.00},
    {"requests", 0.539, -0.459, {0.087, 0.104}, {0.555, 0.263, 0.310, 0.143, 0.341}, 1.584, 2.228, 7.63},
    {"host", 0.038, 0.119, {0.039, 0.137}, {0.144, 0.071, 0.066, 0.156, 0.089}, 1.364, 0.633, 5.32},
};

const struct workload_model *workload_model(size_t k)
{
    assert(k < WORKLOAD_MODEL_COUNT);
    return &MODELS[k];
}

static struct rng chance(uint64_t seed, int purpose, int64_t index)
{
    struct rng r;
    rng_init(&r, seed * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)purpose * UINT64_C(0xc2b2ae3d27d4eb4f) + (uint64_t)index);
    return r;
}

static double normal(uint64_t seed, int purpose, int64_t index)
{
    struct rng r = chance(seed, purpose, index);
    return rng_normal(&r);
}

static double uniform(uint64_t seed, int purpose, int64_t index)
{
    struct rng r = chance(seed, purpose, index);
    return rng_double(&r);
}

// Of deviation 1 on average: smooth from one grid point to the next. `turn` > 0: so many grid points, then the same again.
static double smooth(uint64_t seed, int purpose, int64_t wall_ms, int64_t grid_ms, int64_t turn)
{
    static const double MEAN_SQUARE = 1 - 2 * (0.5 - 13.0 / 35);  // of s² + (1 - s)²
    int64_t i = wall_ms / grid_ms, next = i + 1;
    double x = (double)(wall_ms % grid_ms) / (double)grid_ms, s = x * x * (3 - 2 * x);
    if (turn > 0) {
        i %= turn;
        next %= turn;
    }
    double a = normal(seed, purpose, i);
    return (a + s * (normal(seed, purpose, next) - a)) / sqrt(MEAN_SQUARE);
}

static double noise(uint64_t seed, int level, int64_t wall_ms)
{
    static const int64_t GRID_MS[LEVELS] = {5 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS, DAY_MS, 4 * DAY_MS};
    if (level == 0)
        return normal(seed, NOISE, wall_ms / GRID_MS[0]);
    return smooth(seed, NOISE + level, wall_ms, GRID_MS[level], 0);
}

static double wave(const struct workload_model *m, double hours_after_peak)
{
    return m->daily * cos(hours_after_peak / 24 * 2 * M_PI);
}

// What bursts add: an hour may begin one, at a minute of its own.
static double burst(const struct workload_model *m, uint64_t seed, int64_t wall_ms)
{
    double sum = 0;
    int64_t hour = wall_ms / HOUR_MS;
    for (int64_t h = hour - BURST_MAX_MINUTES / 60; h <= hour; h++) {
        if (uniform(seed, BURST, h) >= m->bursts_per_day / 24)
            continue;
        int64_t begin_ms = h * HOUR_MS + (int64_t)(12 * uniform(seed, BEGIN, h)) * 5 * MINUTE_MS;
        double minutes = fmin(m->burst_minutes * (0.5 + uniform(seed, LENGTH, h)), BURST_MAX_MINUTES);
        double since = (double)(wall_ms - begin_ms) / (double)MINUTE_MS;
        if (since >= 0 && since < fmax(minutes, 5))
            sum = fmax(sum, m->burst_height * (0.6 + 0.8 * uniform(seed, HEIGHT, h)));
    }
    return sum;
}

// ln of the mean of all but bursts, which take about their part.
static double mean_ln(const struct workload_model *m)
{
    double day = 0, variance = m->habit[0] * m->habit[0] + m->habit[1] * m->habit[1];
    for (int h = 0; h < 24; h++)
        day += exp(wave(m, h)) / 24;
    for (int k = 0; k < LEVELS; k++)
        variance += m->noise[k] * m->noise[k];
    double bursts = m->bursts_per_day * m->burst_minutes / 1440 * (exp(m->burst_height) - 1);
    return log(day) + log((5 + 2 * exp(m->weekend)) / 7) + variance / 2 + log(1 + bursts);
}

double workload_model_at(const struct workload_model *m, uint64_t seed, int64_t wall_ms)
{
    int64_t day = wall_ms / DAY_MS;
    double hour = (double)(wall_ms % DAY_MS) / (double)HOUR_MS;
    double ln = wave(m, hour - 13 - 3 * uniform(seed, PEAK, 0)) - mean_ln(m);
    ln += m->habit[0] * smooth(seed, HABIT, wall_ms, HOUR_MS, 24) + m->habit[1] * normal(seed, HABIT_FINE, wall_ms % DAY_MS / (5 * MINUTE_MS));
    ln += (day + 4) % 7 == 0 || (day + 4) % 7 == 6 ? m->weekend : 0;  // 1970-01-01 was a Thursday
    for (int k = 0; k < LEVELS; k++)
        ln += m->noise[k] * noise(seed, k, wall_ms);
    return exp(ln + burst(m, seed, wall_ms));
}
