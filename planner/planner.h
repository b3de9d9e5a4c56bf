// The planner: snapshot, memo and policy in, plan and new memo out. A pure function: no clock, no I/O, no globals, no logging.
//
// The order of its stages: check facts, demand, placement of demand on what is there, drains in progress (go on, undo),
// scale-out, scale-in, guard, explain. Same input, same plan, to the byte. What each stage may do is in its own header.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "planner/model/memo.h"
#include "planner/model/plan.h"
#include "planner/model/snapshot.h"
#include "policies/policy.h"

struct planner_input {
    const struct snapshot *snapshot;
    const struct memo *memo;                // NULL: none (first tick, disk lost)
    const struct policy_cluster *policy;
};

struct planner_result {
    struct plan plan;
    struct memo memo;
};

// Result and all it points to live in the arena and may point into the input. ERR_INVALID when the snapshot breaks its own
// rules (an index out of range); nothing is planned then.
int planner_run(const struct planner_input *in, struct arena *a, struct planner_result *ret, struct err *err);
