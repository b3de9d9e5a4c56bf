// What the world is asked to run: desired counts over time, from a seeded profile or from a trace.
//
// A trace is CSV text, read by what it holds (trace.c): separated by comma, semicolon or tab; quoted fields, a header, a byte order
// mark, blank lines and # comments may be there. The time column is one named timestamp, datetime, date, time, ts or ds, else the
// first of dates, else of numbers: epoch seconds, epoch milliseconds (above 1e11) or ISO 8601 (no zone: UTC), rounded to seconds,
// strictly rising. The value column is one named value, y, count, cpu, …, else the first other one of numbers: 0 to 1e18. An empty
// value or NaN carries the last one forward. A single column of numbers is a value each 5 minutes.
// It is scaled so that its mean is `mean` tasks, capped at 20 × mean; between rows it is linear, a gap (more than 3 usual steps)
// carries the last value forward; it starts at the trace's beginning and loops. Pure functions of time: no state between calls.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct workload_trace {
    int64_t *at_s;
    double *value;
    size_t count;
    size_t gaps;      // rows without a value
    int64_t step_s;   // the usual step: the median difference of rows
    double mean;      // over time, of the interpolated values
};

#define WORKLOAD_ROWS_MAX 2000000

// ERR_CORRUPT with "name:line: column n: what stood there: what is expected"; ERR_LIMIT for too many rows or columns. Rows live in the arena.
int workload_trace_parse(struct slice text, const char *name, struct arena *a, struct workload_trace *ret, struct err *err);
// The same text as a plain series: every row as it is, NaN where it has no value; all may be zero. `mean` is 0.
int workload_series_parse(struct slice text, const char *name, struct arena *a, struct workload_trace *ret, struct err *err);
// The value elapsed_ms after the beginning, as it stands there.
double workload_trace_value(const struct workload_trace *t, int64_t elapsed_ms);
// Tasks wanted then, scaled and capped, not rounded.
double workload_trace_at(const struct workload_trace *t, int64_t elapsed_ms, double mean_tasks);

// Daily and weekly profile: a factor around 1 for a service of this seed at this wall time (UTC), noise and bursts included.
double workload_profile_at(uint64_t seed, int64_t wall_ms);
