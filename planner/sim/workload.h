// What the world is asked to run: desired counts over time, from a seeded profile or from a trace.
//
// A trace is CSV text with the header "timestamp,value": epoch seconds, strictly rising; finite values >= 0. It is scaled so that
// its mean is `mean` tasks, capped at 20 × mean; between rows it is linear, a gap (more than 3 usual steps) carries the last value
// forward; it starts at the trace's beginning and loops. Pure functions of time: no state between calls.
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
    int64_t step_s;   // the usual step: the median difference of rows
    double mean;      // over time, of the interpolated values
};

#define WORKLOAD_ROWS_MAX 2000000

// ERR_CORRUPT with "name:line: …"; ERR_LIMIT for too many rows. Rows live in the arena.
int workload_trace_parse(struct slice text, const char *name, struct arena *a, struct workload_trace *ret, struct err *err);
// Tasks wanted elapsed_ms after the beginning, not rounded.
double workload_trace_at(const struct workload_trace *t, int64_t elapsed_ms, double mean_tasks);

// Daily and weekly profile: a factor around 1 for a service of this seed at this wall time (UTC), noise and bursts included.
double workload_profile_at(uint64_t seed, int64_t wall_ms);
