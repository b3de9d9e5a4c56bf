// What a series looked like: the time of day on past days, and its level at each moment. The columns of the forecast's models.
//
// A position is an index into the series, 0 the oldest value; statistics of the time of day exist up to one season past the end, for each
// is made of whole seasons before it. Gaps are filled (the season before, else the value before) for levels, and count as nothing in
// the statistics of the time of day. Pure; all memory is the arena's.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

enum { PROFILE_DAYS_MAX = 14, PROFILE_WEEKS_MAX = 5, PROFILE_PARTS = 288 };

struct profile {
    size_t season, week;             // values in a day, and in a week (0: no weekly columns)
    size_t count, room;              // values there, and room for later ones
    size_t reach;                    // positions below it have statistics of the time of day
    double *value;                   // gaps filled
    bool *known;                     // no gap
    double *sum;                     // room + 1: sums of the values before
    double *mean_days, *yesterday;   // of the last 6 days at this time (three values each); one season before
    double *median, *high;           // of up to 14 days, ten minutes around: the 0.5 and 0.9 quantiles
    double *week_median;             // the same of up to 5 weeks, same day of the week
    double scale;                    // mean |value| of the series, at least a hair: what columns are divided by
    double least, most;              // smallest known value; above `most` no value counts for more than it
};

// `value` is read only here; NaN is a gap. season 0: none of the time of day. `later`: how many values may be pushed.
void profile_init(struct profile *p, struct arena *a, const double *value, size_t count, size_t season, size_t week, size_t later);
bool profile_push(struct profile *p, double value);  // false: no room left, fit anew
// Mean of the values in (origin - part of a day in 1/288, origin]: profile_mean(p, o, 12) is the hour before.
double profile_mean(const struct profile *p, size_t origin, size_t part);
// How many values after its own time the statistics of a position look at on days before, as far as they are known.
size_t profile_around(const struct profile *p);
bool profile_has_day(const struct profile *p, size_t position);  // at least one season before it
