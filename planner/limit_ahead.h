// Limits ahead: when the daily peak of what is used reaches what there may be of it.
//
// The trend of daily peaks is Sen's slope over pairs of the same day of the week (the seasonal Kendall slope: Hirsch, Slack and Smith,
// Water Resources Research 1982), which no weekend and no single outlier bends. The median of the peak is that line; its 0.9 quantile
// is the line with the slope's one-sided upper 90 % bound (Sen 1968) plus the 0.9 quantile of what peaks were above the line. Both are
// equivariant: a series that grows more reaches its limit no later, a constant one below it never.
// Below two weeks of known days there is no answer but how many there are. Pure; the caller's arena.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum { LIMIT_AHEAD_DAYS = 90, LIMIT_DAYS_MIN = 14, LIMIT_DAYS_MAX = 400, LIMIT_NEVER = -1 };

struct limit_ahead {
    int days_known;       // of the history; below LIMIT_DAYS_MIN nothing of the rest but peak_7d
    double peak_7d;       // the highest of the last 7 days; NaN unknown
    double a_day;         // growth
    int q50_day, q90_day; // days after the last of the series, 0: it is there; LIMIT_NEVER: not within LIMIT_AHEAD_DAYS
    double q50[LIMIT_AHEAD_DAYS + 1], q90[LIMIT_AHEAD_DAYS + 1];  // the peak of each day ahead, the last of the series first
};

// peak: of whole days, oldest first, NaN where unknown, at most LIMIT_DAYS_MAX. limit > 0.
void limit_ahead_of(const double *peak, size_t days, double limit, struct arena *a, struct limit_ahead *ret);
