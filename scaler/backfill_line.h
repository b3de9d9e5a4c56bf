// What a source of the past tells of one series: for masu backfill.
#pragma once

#include "base/arena.h"
#include "state/history.h"

struct past_line {
    enum series series;
    const char *subject;           // a service, or "": the cluster
    struct history_point *points;
    size_t count;
};

// Of values a step each from from_ms on, those that are amounts: nothing and zero look alike in what is not measured. Of requests zero is one.
struct past_line past_line_of(enum series series, const char *subject, const double *values, int64_t from_ms, int64_t step_ms, size_t steps, struct arena *a);
