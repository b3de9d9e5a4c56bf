// A cluster's past as a scene: what the daemon recorded of it becomes what a simulation asks of the world (masu simulate --history).
//
// Demand: each service's desired tasks over the time, of the size that its tasks had last. Market: the recorded spot prices of its pools.
// Notices: at the recorded moment the same part of the same pool gets its notice. Types with their weights, boots and masu's settings are
// those of the newest tick of the time. Not recorded, and so not played: shortages of capacity, deployments, standalone tasks. Zones
// become those of the virtual world in their order. What could not be taken is told in words, what is never taken too.
#pragma once

#include "planner/sim/scene.h"
#include "state/query.h"

struct recorded_query {
    const char *cluster;        // NULL: the only one there is
    int64_t from_ms, to_ms;     // 0: seven days before to; the newest tick. Below 0: so long before the newest tick
    bool own_policy;            // the caller has one: the recorded one, which another version may have written, is not read
};

struct recorded {
    const char *cluster;
    int64_t from_ms, to_ms;     // whole minutes
    const char **left_out;      // each a sentence
    size_t left_out_count;
};

// Fills services, types, market, notices, boots, policy (not with own_policy) and length of *s, which scene_default() or a caller has filled before. All in the
// arena. ERR_NOT_FOUND, ERR_INVALID with what there is; ERR_IO, ERR_CORRUPT.
int recorded_scene(struct state_reader *r, const struct recorded_query *q, struct arena *a, struct scene *s, struct recorded *ret, struct err *err);
