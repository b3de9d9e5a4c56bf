#include "planner/sim/workload.h"

#include <math.h>

#include "base/rng.h"

// Value s seconds after the first row: linear within a usual step, the last value where rows are missing.
static double raw_at(const struct workload_trace *t, int64_t at_s)
{
    size_t low = 0, high = t->count - 1;
    while (low < high) {
        size_t mid = (low + high + 1) / 2;
        if (t->at_s[mid] <= at_s)
            low = mid;
        else
            high = mid - 1;
    }
    if (low + 1 >= t->count)
        return t->value[low];
    int64_t gap_s = t->at_s[low + 1] - t->at_s[low];
    if (gap_s > 3 * t->step_s)
        return t->value[low];
    double part = (double)(at_s - t->at_s[low]) / (double)gap_s;
    return t->value[low] + part * (t->value[low + 1] - t->value[low]);
}

double workload_trace_value(const struct workload_trace *t, int64_t elapsed_ms)
{
    assert(t->count >= 2 && elapsed_ms >= 0);
    int64_t length_s = t->at_s[t->count - 1] - t->at_s[0] + t->step_s;
    return raw_at(t, t->at_s[0] + elapsed_ms / 1000 % length_s);
}

double workload_trace_at(const struct workload_trace *t, int64_t elapsed_ms, double mean_tasks)
{
    return fmin(workload_trace_value(t, elapsed_ms) / t->mean * mean_tasks, 20 * mean_tasks);
}

// A number in [0, 1) that belongs to seed, purpose and index alone.
static double chance(uint64_t seed, uint64_t purpose, int64_t index)
{
    struct rng r;
    rng_init(&r, seed * 0x9e3779b97f4a7c15u + purpose * 0xc2b2ae3d27d4eb4fu + (uint64_t)index);
    return rng_double(&r);
}

// Noise that moves smoothly from one grid point to the next, in [-1, 1].
static double smooth(uint64_t seed, uint64_t purpose, int64_t wall_ms, int64_t grid_ms)
{
    int64_t i = wall_ms / grid_ms;
    double x = (double)(wall_ms % grid_ms) / (double)grid_ms;
    double s = x * x * (3 - 2 * x);
    double a = chance(seed, purpose, i), b = chance(seed, purpose, i + 1);
    return 2 * (a + s * (b - a)) - 1;
}

double workload_profile_at(uint64_t seed, int64_t wall_ms)
{
    const int64_t hour_ms = 3600000, day_ms = 24 * hour_ms;
    double hour = (double)(wall_ms % day_ms) / (double)hour_ms;
    int64_t day = wall_ms / day_ms;
    double peak = 13 + 3 * chance(seed, 1, 0);          // hour of the day
    double depth = 0.35 + 0.25 * chance(seed, 2, 0);    // night below, day above the mean
    double daily = 1 + depth * cos((hour - peak) / 24 * 2 * 3.14159265358979323846);
    bool weekend = (day + 4) % 7 == 0 || (day + 4) % 7 == 6;  // 1970-01-01 was a Thursday
    double weekly = weekend ? 0.65 : 1.05;
    double noise = 1 + 0.06 * smooth(seed, 3, wall_ms, 15 * 60000) + 0.05 * smooth(seed, 4, wall_ms, 3 * hour_ms);
    // one hour in thirty begins with a burst that fades within half an hour
    int64_t slot = wall_ms / hour_ms;
    double since = (double)(wall_ms % hour_ms) / 60000;
    double burst = 0;
    if (chance(seed, 5, slot) < 1.0 / 30 && since < 30)
        burst = (0.3 + 0.6 * chance(seed, 6, slot)) * fmin(since / 2, 1) * (1 - since / 30);
    return daily * weekly * noise * (1 + burst);
}
