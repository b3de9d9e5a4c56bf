// Files that masu forecast reads: a series of demand, and the splits of its past on which a forecast is judged.
//
// A series is what planner/sim/workload.h reads, on a regular grid; rows that are missing become gaps, but a splits file counts rows,
// so there the rows are taken as they come. Splits: CSV with a header that has series, k, first_train_index and origin_index: the
// forecast of split k is made from rows first_train_index … origin_index - 1 and is of origin_index and later.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct forecast_series {
    const char *name;    // the file's name without folder and ending
    double *value;       // NaN: gap
    size_t count;
    int64_t step_s, first_s;
};

struct forecast_split {
    int64_t k;
    size_t first, origin;  // first < origin <= count
};

// `regular`: missing rows become gaps (at most 2,000,000 values in all).
int forecast_series_read(const char *path, bool regular, struct arena *a, struct forecast_series *ret, struct err *err);
// The splits of this series in the order of the file; ERR_NOT_FOUND names the series when there are none. From text, and from a file.
int forecast_splits_parse(struct slice text, const char *path, const struct forecast_series *s, struct arena *a, struct forecast_split **ret, size_t *ret_count,
                          struct err *err);
int forecast_splits_read(const char *path, const struct forecast_series *s, struct arena *a, struct forecast_split **ret, size_t *ret_count, struct err *err);
