// The columns of the models: level at the origin, time of day at the origin and at the target, and what the size of an error follows.
#include <math.h>

#include "base/check.h"
#include "planner/forecast/model.h"

enum { QUARTER = 3, HOUR = 12, THREE_HOURS = 36, DAY = 288 };  // parts of a day in 1/288

size_t model_columns(const struct forecast *f, size_t origin, size_t ahead, double *row)
{
    const struct profile *p = &f->profile;
    double unit = 1 / p->scale;
    size_t target = origin + ahead, n = 0;
    row[n++] = 1;
    row[n++] = p->value[origin] * unit;
    row[n++] = profile_mean(p, origin, QUARTER) * unit;
    row[n++] = profile_mean(p, origin, HOUR) * unit;
    row[n++] = profile_mean(p, origin, THREE_HOURS) * unit;
    if (f->basis == BASIS_LEVEL)
        return n;
    row[n++] = profile_mean(p, origin, DAY) * unit;
    row[n++] = p->mean_days[target] * unit;
    row[n++] = p->yesterday[target] * unit;
    row[n++] = p->median[target] * unit;
    row[n++] = p->yesterday[origin] * unit;
    row[n++] = p->mean_days[origin] * unit;
    row[n++] = p->median[origin] * unit;
    if (f->basis == BASIS_DAY)
        return n;
    row[n++] = p->week_median[target] * unit;
    row[n++] = p->week_median[origin] * unit;
    return n;
}

void model_experts(const struct forecast *f, size_t origin, size_t ahead, double *ret)
{
    const struct profile *p = &f->profile;
    bool level = f->basis == BASIS_LEVEL;
    ret[0] = (level ? profile_mean(p, origin, HOUR) : f->basis == BASIS_WEEK ? p->week_median[origin + ahead] : p->median[origin + ahead]) / p->scale;
    ret[1] = (level ? p->value[origin] : p->yesterday[origin + ahead]) / p->scale;
    ret[2] = smooth_ahead(&f->smooth, origin, ahead) / p->scale;
}

// Within the hour the first four; beyond, where there is time to be surprised, also the ones that tell surprise from habit.
size_t model_spread_count(const struct forecast *f, const struct model *m)
{
    return f->basis == BASIS_LEVEL ? 3 : m->near ? 4 : MODEL_SPREADS;
}

void model_spreads(const struct forecast *f, size_t origin, size_t ahead, double median, double *ret)
{
    const struct profile *p = &f->profile;
    double unit = 1 / p->scale, now = p->value[origin] * unit, hour = profile_mean(p, origin, HOUR) * unit;
    size_t target = origin + ahead, n = 0;
    ret[n++] = 0.02;
    ret[n++] = fmax(median, 0);
    ret[n++] = fabs(now - hour);
    if (f->basis == BASIS_LEVEL)
        return;
    double high = p->high[target] * unit;
    ret[n++] = fmax(high - p->median[target] * unit, 0);
    ret[n++] = fmax(hour - now, 0);
    ret[n++] = fabs(p->yesterday[origin] * unit - now);
    ret[n++] = fmax(high - median, 0);
    assert(n == MODEL_SPREADS);
}
