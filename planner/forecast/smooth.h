// A series as level, damped trend, and seasons of the day and the week, each smoothed exponentially: what level-aware methods say of its future.
//
// Additive Holt-Winters with two seasons (Taylor 2003), made robust as Gelper, Fried and Croux (2010) do it: a surprise counts for at most some
// deviations of the usual ones, which are smoothed too. The seasons are of the deviation from the mean of the day that ends at the value,
// so that a level that shifts is none of them, as in a decomposition by LOESS, but in one pass. Gaps teach nothing. Pure; memory is the arena's.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct smooth {
    size_t season, week;        // values in a day and a week; 0: none such
    size_t count, reach;        // values seen; seasons are kept below that position
    double *day, *of_week;      // seasons of each position, up to `ahead` after the last value
    double *level, *trend;      // after the value of each position
    double *reached;            // by steps ahead: how often the trend is added by then
    double off, season_off;     // mean size of the last surprises, of the level and the seasons
};

// room: values that may be pushed; ahead: the most steps that are asked for.
void smooth_init(struct smooth *s, struct arena *a, size_t season, size_t week, size_t room, size_t ahead);
// The next value, known or filled in, and the mean of the day that ends with it.
void smooth_push(struct smooth *s, double value, bool known, double day_mean);
// Of the value `ahead` steps after the one at `origin`, by those up to it alone; at most as many as smooth_init was told.
double smooth_ahead(const struct smooth *s, size_t origin, size_t ahead);
