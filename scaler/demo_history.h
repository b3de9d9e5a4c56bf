// The demo's past: weeks of history before its first tick, generated from what its services do (their profiles, or the trace looped backwards).
//
// Demand is exactly what the world would have wanted; capacity, instances and cost are what such a demand takes with an eighth to spare, for
// the world itself did not run then. Use is what the hosts' cAdvisor shows of so many tasks, a fleet's target follows its instances. Same seed,
// same past.
#pragma once

#include "scaler/rig.h"

struct demo_history_options {
    int64_t span_ms;                                       // up to the rig's start
    void (*progress)(void *arg, int done, int all);        // services; NULL: none
    void *arg;
};

// Before the loop runs. Fills only what is unknown, so a second time changes nothing. The state's errors.
int demo_history_fill(struct rig *r, const struct demo_history_options *o, struct err *err);
