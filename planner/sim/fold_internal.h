// One cluster of a fold: what is kept between looks. For planner/sim/fold*.c only.
#pragma once

#include "planner/forecast/outlook.h"
#include "planner/sim/fold.h"
#include "planner/sim/world_internal.h"

struct fold_service {
    int64_t unsteady_since_ms, unplaced_since_ms;
    int32_t failed_base;             // of the primary deployment when it was first seen
    char deployment[WORLD_ID];
};

struct fold_cluster {
    struct world *w;
    int cluster;
    const struct policy_cluster *policy;
    struct arena arena;              // of this tick
    unsigned turn;
    struct arena memo_arenas[2];
    struct memo memo;
    struct outlook_keeper outlook;
    bool has_memo;
    int64_t next_ms, started_ms;
    int32_t looks;
    uint64_t notices_seen;
    struct fold_service *services;   // by the world's index
    size_t service_cap;
    struct attribute_set *pool_sets; // by the world's pool: as its first member registered; count 0: none seen
    struct arena kept;
};

// The snapshot of this moment; `a` owns it, strings may be the world's.
void fold_look(struct fold_cluster *c, struct arena *a, struct snapshot *ret);
