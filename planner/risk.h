// Instances at risk (safety.md D7): a rebalance recommendation, an event of EC2 that will stop them, or a fleet that is cancelled and
// leaves them running (A7). Pure, like all here.
//
//   warned ─► chosen (highest risk first, 20 % of capacity at once) ─► its tasks are demand: replacements are ordered ─► they are ACTIVE
//          ─► drained, when all its tasks have a place at the same time, and ended as any drain of ours
//
// Chosen is who could be drained but for the room, in an order that is the same from look to look, so that one goes on until it is gone.
// Nobody is chosen where no fleet has a pool without warnings: a replacement that is warned as well helps nobody. Against an event it is
// drained without a place, too, when no more time is left than the slowest drain takes. Notices and their answers stand above all this.
// What a fleet replaces by itself (A9) is chosen as well, but nothing is ordered for it: it is drained once its tasks have a place.
#pragma once

#include "planner/work.h"

// Chooses, and makes the tasks of the chosen demand for as long as risk_release is not called. Needs roles, fleets, owner and loop.
void risk_choose(struct work *w);
// The chosen are capacity again: scale-in proves and drains them first.
void risk_release(struct work *w);
int risk_order(const struct work *w, int instance);  // 1: the highest risk of the chosen; 0: not chosen
// Why one at risk is not chosen, NULL: it is, or is not at risk.
const char *risk_hold(struct work *w, int instance);
// The words for its warning, "rebalance recommendation 12:00:00Z".
const char *risk_fact(struct work *w, int instance);
// Why no other instance leaves now: the room is for those at risk. NULL: none of them waits for it.
const char *risk_first(struct work *w);
