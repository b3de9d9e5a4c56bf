// The inside of targets, for planner/targets*.c only: one fleet's sums in this tick, and the stages that send its one target.
#pragma once

#include "planner/targets.h"

// What one fleet's target is made of in this tick.
struct sums {
    int64_t empty_milli;    // of our empty drains, not yet lowered
    int32_t empty, lowered, drains;
    int first_empty;
    int64_t keep_milli;     // members to keep: those that stay, less the empty ones
    int64_t on_demand;      // their on-demand part
    bool part_falls;        // that part is less than before
    int64_t open;           // ordered and not launched
    bool undone_low;        // a drain that had lowered the target is undone
    int undo_action;
};

void targets_say(struct work *w, int fleet, enum verdict_code code, const char *fact, const char *verdict);
// Once a fleet and tick; `after`: the action that it waits for, -1 none.
void targets_send(struct work *w, int fleet, int64_t target, int64_t on_demand, int after, const char *fact, enum verdict_code code);
const char *targets_fact(struct work *w, int fleet);

// targets_rest.c: changes that end nothing, true where one was sent. These go with raising, whatever holds scale-in.
bool targets_rest(struct work *w, int fleet, const struct sums *x);
// The on-demand part alone: up where spot gives nothing, back down when it does again.
bool targets_on_demand(struct work *w, int fleet);
