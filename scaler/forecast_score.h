// How good forecasts were: scaled errors of quantiles, averaged over origins.
//
// Of one origin and horizon: MASE = mean |x - q50| / scale and pinball loss at q = mean max(q e, (q - 1) e) / scale with e = x - quantile, where
// scale = mean |x[i] - x[i - season]| within the training window (Hyndman and Koehler 2006); cover = the share of values at or below the
// quantile. Values that are not known do not count; an origin whose scale is 0 counts for coverage alone.
#pragma once

#include <stddef.h>

struct forecast_score {
    size_t steps;                                    // the horizon: steps 1 … steps
    double mase, pinball50, pinball90, cover90;      // means over the origins that count
    size_t origins, covered;                         // that count for the errors, and for coverage
};

// Mean |x[i] - x[i - season]| over the known pairs, 0 where there is none.
double forecast_scale(const double *value, size_t count, size_t season);
// Adds one origin. `actual` are the values after it, `quantiles` rows of `width` of which `at50` and `at90` are the two (-1: not asked for).
void forecast_score_add(struct forecast_score *s, const double *actual, size_t count, const double *quantiles, size_t width, int at50, int at90, double scale);
void forecast_score_mean(struct forecast_score *s);  // sums to means, once, at the end
