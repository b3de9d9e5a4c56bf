// Prefix sums for levels; quantiles over past days at the same time for the time of day.
#include "planner/forecast/profile.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "planner/forecast/quantile.h"

enum { AROUND = 2, MEAN_DAYS = 6, PARTS = PROFILE_PARTS, SAMPLE_MAX = PROFILE_DAYS_MAX * (2 * AROUND + 1) };

double profile_mean(const struct profile *p, size_t origin, size_t part)
{
    size_t wide = p->season ? part * p->season / PARTS : part;
    size_t from = origin + 1 > wide ? origin + 1 - (wide ? wide : 1) : 0;
    return (p->sum[origin + 1] - p->sum[from]) / (double)(origin + 1 - from);
}

bool profile_has_day(const struct profile *p, size_t position)
{
    return p->season && position >= p->season;
}

size_t profile_around(const struct profile *p)
{
    size_t stride = p->season > PARTS ? p->season / PARTS : 1;
    return stride * (p->season >= PARTS ? AROUND : p->season >= PARTS / 2 ? 1 : 0);
}

// Values around the same time on earlier days, `apart` values from each other, as far as they are there.
static size_t sample(const struct profile *p, size_t position, size_t apart, size_t times, double *ret)
{
    size_t n = 0, stride = p->season > PARTS ? p->season / PARTS : 1;
    int around = (int)(profile_around(p) / stride);
    for (size_t back = 1; back <= times && position >= back * apart; back++)
        for (int d = -around; d <= around; d++) {
            int64_t at = (int64_t)(position - back * apart) + d * (int64_t)stride;
            if (at >= 0 && (size_t)at < p->count && p->known[at])
                ret[n++] = p->value[at];
        }
    return n;
}

static double mean_of_days(const struct profile *p, size_t position)
{
    double sum = 0;
    size_t n = 0;
    for (size_t day = 1; day <= MEAN_DAYS && position >= day * p->season; day++) {
        size_t at = position - day * p->season;
        size_t from = at ? at - 1 : 0, to = at + 1 < p->count ? at + 1 : at;
        sum += (p->sum[to + 1] - p->sum[from]) / (double)(to + 1 - from);
        n++;
    }
    return sum / (double)(n ? n : 1);
}

static void describe(struct profile *p, size_t position)
{
    double v[SAMPLE_MAX];
    if (!profile_has_day(p, position))
        return;
    p->yesterday[position] = p->value[position - p->season];
    p->mean_days[position] = mean_of_days(p, position);
    size_t n = sample(p, position, p->season, PROFILE_DAYS_MAX, v);
    p->median[position] = n ? quantile_select(v, n, 0.5) : p->yesterday[position];
    p->high[position] = n ? quantile_select(v, n, 0.9) : p->yesterday[position];
    if (!p->week)
        return;
    n = sample(p, position, p->week, PROFILE_WEEKS_MAX, v);
    p->week_median[position] = n ? quantile_select(v, n, 0.5) : p->median[position];
}

static void append(struct profile *p, double value)
{
    size_t i = p->count++;
    p->known[i] = isfinite(value);
    p->value[i] = p->known[i] ? fmin(fmax(value, -p->most), p->most) : profile_has_day(p, i) ? p->value[i - p->season] : i ? p->value[i - 1] : 0;
    p->sum[i + 1] = p->sum[i] + p->value[i];
}

// Ten times what 99.5 % of the values stay below: a counter that went wild is no level, and must not become the unit of all others.
static double most_of(struct arena *a, const double *value, size_t count)
{
    double *v = arena_array(a, double, count);
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(value[i]))
            v[n++] = fabs(value[i]);
    double high = n ? quantile_select(v, n, 0.995) : 0;
    return high > 0 ? 10 * high : INFINITY;
}

void profile_init(struct profile *p, struct arena *a, const double *value, size_t count, size_t season, size_t week, size_t later)
{
    size_t first = 0, known = 0, room = count + later;
    *p = (struct profile){.season = season, .week = week, .room = room, .least = INFINITY};
    assert(count > 0);
    p->most = most_of(a, value, count);
    p->value = arena_array(a, double, room);
    p->known = arena_array(a, bool, room);
    p->sum = arena_array(a, double, room + 1);
    double **by_day[] = {&p->mean_days, &p->yesterday, &p->median, &p->high, &p->week_median};
    for (size_t i = 0; i < sizeof by_day / sizeof *by_day; i++)
        *by_day[i] = arena_array(a, double, room + season);
    while (first < count && !isfinite(value[first]))
        first++;
    for (size_t i = 0; i < count; i++) {
        append(p, i < first && first < count ? value[first] : value[i]);
        p->known[i] = isfinite(value[i]);
        if (!p->known[i])
            continue;
        p->least = fmin(p->least, value[i]);
        p->scale += fabs(p->value[i]);
        known++;
    }
    p->scale = fmax(p->scale / (double)(known ? known : 1), 1e-9);
    p->reach = count + season;
    for (size_t i = season; season && i < p->reach; i++)
        describe(p, i);
}

bool profile_push(struct profile *p, double value)
{
    if (p->count == p->room)
        return false;
    append(p, value);
    p->reach++;
    for (size_t i = p->reach - 1 - profile_around(p); i < p->reach; i++)
        describe(p, i);
    return true;
}
