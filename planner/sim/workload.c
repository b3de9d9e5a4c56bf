#include "planner/sim/workload.h"

#include <math.h>

#include "base/parse.h"
#include "base/rng.h"

static int parse_row(struct slice line, const char *name, int64_t number, int64_t *ret_at_s, double *ret_value, struct err *err)
{
    struct slice rest = line, first = slice_cut(&rest, ',');
    if (!parse_i64(first, ret_at_s))
        return err_set(err, ERR_CORRUPT, "%s:%" PRId64 ": timestamp \"%.*s\": expected epoch seconds", name, number,
                       (int)(first.len < 40 ? first.len : 40), first.len ? first.ptr : "");
    if (!parse_double(rest, ret_value) || *ret_value < 0 || *ret_value > 1e18)
        return err_set(err, ERR_CORRUPT, "%s:%" PRId64 ": value \"%.*s\": expected a number from 0 to 1e18", name, number,
                       (int)(rest.len < 40 ? rest.len : 40), rest.len ? rest.ptr : "");
    return 0;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

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

static int measure(struct workload_trace *t, const char *name, struct arena *a, struct err *err)
{
    int64_t *gaps = arena_array(a, int64_t, t->count);
    for (size_t i = 0; i + 1 < t->count; i++)
        gaps[i] = t->at_s[i + 1] - t->at_s[i];
    qsort(gaps, t->count - 1, sizeof *gaps, by_size);
    t->step_s = gaps[(t->count - 1) / 2];
    double area = 0, seconds = 0;
    for (size_t i = 0; i + 1 < t->count; i++) {
        double dt = (double)(t->at_s[i + 1] - t->at_s[i]);
        bool gap = t->at_s[i + 1] - t->at_s[i] > 3 * t->step_s;
        area += dt * (gap ? t->value[i] : (t->value[i] + t->value[i + 1]) / 2);
        seconds += dt;
    }
    t->mean = (area + (double)t->step_s * t->value[t->count - 1]) / (seconds + (double)t->step_s);
    if (t->mean <= 0)
        return err_set(err, ERR_CORRUPT, "%s: all values are zero: nothing to scale", name);
    return 0;
}

int workload_trace_parse(struct slice text, const char *name, struct arena *a, struct workload_trace *ret, struct err *err)
{
    struct workload_trace t = {0};
    size_t cap_at = 0, cap_value = 0;
    struct slice header = slice_trim(slice_cut(&text, '\n'));
    if (!slice_eq_str(header, "timestamp,value"))
        return err_set(err, ERR_CORRUPT, "%s:1: expected the header \"timestamp,value\"", name);
    for (int64_t number = 2; text.len > 0; number++) {
        struct slice line = slice_cut(&text, '\n');
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (line.len == 0 && text.len == 0)
            break;
        int64_t at_s;
        double value;
        int r = parse_row(line, name, number, &at_s, &value, err);
        if (r < 0)
            return r;
        if (at_s < 0 || at_s > 253402300799)
            return err_set(err, ERR_CORRUPT, "%s:%" PRId64 ": timestamp %" PRId64 ": expected epoch seconds", name, number, at_s);
        if (t.count > 0 && at_s <= t.at_s[t.count - 1])
            return err_set(err, ERR_CORRUPT, "%s:%" PRId64 ": timestamp %" PRId64 ": expected later than the row before", name, number, at_s);
        if (t.count == WORKLOAD_ROWS_MAX)
            return err_set(err, ERR_LIMIT, "%s:%" PRId64 ": more than %d rows", name, number, WORKLOAD_ROWS_MAX);
        t.at_s = arena_grow(a, t.at_s, t.count, &cap_at, sizeof *t.at_s);
        t.value = arena_grow(a, t.value, t.count, &cap_value, sizeof *t.value);
        t.at_s[t.count] = at_s;
        t.value[t.count++] = value;
    }
    if (t.count < 2)
        return err_set(err, ERR_CORRUPT, "%s: %zu rows: expected at least 2", name, t.count);
    int r = measure(&t, name, a, err);
    if (r == 0)
        *ret = t;
    return r;
}

double workload_trace_at(const struct workload_trace *t, int64_t elapsed_ms, double mean_tasks)
{
    assert(t->count >= 2 && elapsed_ms >= 0);
    int64_t length_s = t->at_s[t->count - 1] - t->at_s[0] + t->step_s;
    double tasks = raw_at(t, t->at_s[0] + elapsed_ms / 1000 % length_s) / t->mean * mean_tasks;
    return fmin(tasks, 20 * mean_tasks);
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
