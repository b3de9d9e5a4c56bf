// What the parts of recorded.h share: one reading of a past (private to scaler/recorded*.c).
#pragma once

#include "scaler/recorded.h"
#include "scaler/replay.h"

enum { MINUTE_MS = 60000 };

struct reading {
    struct state_reader *r;
    struct arena *a;
    struct scene *s;
    struct recorded *ret;
    size_t left_cap, type_cap, notice_cap;
    int64_t cluster, newest_ms, step_ms;
    struct replay_input *newest;  // of the last tick of the time; the arena's
    const char *zones[64];        // recorded ones, sorted
    size_t zone_count;
    size_t buckets;               // of the whole time
    int64_t *all;                 // desired tasks of the cluster by bucket
    struct world_type *types;
    struct scene_notice *notices;
    struct err *err;
};

void recorded_leave_out(struct reading *g, const char *fmt, ...) _printf_(2, 3);  // a sentence about what could not be taken
// Series of a subject over the whole time, by bucket; STATE_NO_VALUE where nothing was sampled.
int recorded_series(struct reading *g, enum history_kind kind, const char *subject, const enum series *which, int64_t *const *ret, size_t count);
void recorded_zones(struct reading *g, const struct state_subject *subjects, size_t count);  // first: which zones there are
int recorded_types(struct reading *g);    // of the fleets of the newest tick, and their allocation
int recorded_market(struct reading *g, const struct state_subject *subjects, size_t count);  // prices of the pools
int recorded_notices(struct reading *g);  // reads the bodies of ticks with somebody interrupted
