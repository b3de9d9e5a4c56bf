// Answers of the Prometheus HTTP API (/api/v1/query, /api/v1/query_range), read from bytes. Pure: no clock, no I/O.
//
// What it says is kept as it is: a sample may be NaN or infinite, and the caller decides what that is worth (never zero). An
// answer with warnings is one of which parts failed (remote read, Thanos, a lost shard). Samples that are native histograms
// are no numbers: their series has no points.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { PROMETHEUS_SERIES_MAX = 20000, PROMETHEUS_POINTS_MAX = 1 << 20, PROMETHEUS_LABELS_MAX = 64 };

enum prometheus_type { PROMETHEUS_VECTOR, PROMETHEUS_MATRIX, PROMETHEUS_SCALAR, PROMETHEUS_STRING };

struct prometheus_label {
    const char *name, *value;
};

struct prometheus_point {
    int64_t at_ms;  // of an instant query: the time asked for, not the sample's own
    double value;
};

struct prometheus_series {
    struct prometheus_label *labels;  // as told; "__name__" is one of them
    size_t label_count;
    struct prometheus_point *points;
    size_t point_count;
};

struct prometheus_answer {
    enum prometheus_type type;
    struct prometheus_series *series;  // of a scalar: one without labels; of a string: none
    size_t series_count, point_count;
    const char *warning;               // the first, "" none: the answer may be partial
    size_t warning_count;
};

// Lives in the arena. ERR_CORRUPT: not an answer of this API. ERR_LIMIT: more series, points or labels than above, or Prometheus's own limit
// on samples. Else by its error type and the HTTP status: ERR_INVALID (the query is wrong), ERR_AUTH, ERR_DENIED, ERR_NOT_FOUND,
// ERR_THROTTLED, ERR_TRANSIENT; the message quotes it.
int prometheus_decode(struct slice body, int http_status, struct arena *a, struct prometheus_answer *ret, struct err *err);
// NULL: the series has no such label.
const char *prometheus_label(const struct prometheus_series *s, const char *name);
