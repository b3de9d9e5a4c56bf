// Forecasts a series of demand at the resolution of its own samples, up to a day ahead, as quantiles.
//
// For each of the first twelve parts of the horizon alone and for twelve buckets beyond: three linear models of level and time of day,
// least absolute deviations, each held to a prior by another strength; they, exponential smoothing with seasons of the day and the week
// (smooth.h) and two plain experts (median of the time of day, yesterday) are blended by a rolling-origin backtest: in four parts of the
// history, by what each said of one when only what was before it was known. Quantiles come from those errors too, and from those of the part before all
// others (which later ones judge), divided by a scale that grows with level, spread of the time of day and unrest: split conformal
// prediction (Papadopoulos et al. 2002; Romano et al. 2019), so they cover what they say without a model of the noise.
//
// Honest when history is short: below a day of it there is no forecast; below two, no time of day in it. From three weeks on the day of
// the week takes part. Pure and deterministic; a fit costs tens of milliseconds, a step of a fitted model microseconds.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { FORECAST_QUANTILES_MAX = 8, FORECAST_SEASON_MIN = 24, FORECAST_SEASON_MAX = 2880 };

struct forecast_spec {
    int64_t step_ms;                          // between two values; 30 s to an hour, and a whole part of a day
    size_t horizon;                           // steps ahead, at most a day
    size_t later;                             // values that will be pushed before the next fit
    size_t quantile_count;
    double quantile[FORECAST_QUANTILES_MAX];  // ascending, within 0.01 … 0.999
};

struct forecast;

// `value` is the history, oldest first, NaN where there is a gap; it is not kept. ERR_INVALID names what the spec or the history lacks,
// ERR_NOT_FOUND: less than a day of known values. Memory is the arena's, and so is *ret.
int forecast_fit(struct arena *a, const struct forecast_spec *spec, const double *value, size_t count, struct forecast **ret, struct err *err);
// The history by the local clock that demand follows, which went forward by `by` values (negative: back) at value `changed`: values that it left out are gaps, and
// of those that came twice the larger counts. Forecast from both, the larger of them is right whichever clock demand follows. ret: room for
// count values and as many as |by|; returns how many there are, the last one as before.
size_t forecast_local_days(const double *value, size_t count, size_t changed, int64_t by, double *ret);
// The next value came (NaN: it did not). false: as many as `later` were pushed, fit anew.
bool forecast_push(struct forecast *f, double value);
// The quantiles of the value `ahead` steps after the last one (1 … horizon), ascending, finite, and not below 0 where the series never
// was. ret: quantile_count.
void forecast_step(const struct forecast *f, size_t ahead, double *ret);
// What the forecast rests on, for people: "level", "time of day" or "day of the week".
const char *forecast_basis(const struct forecast *f);
