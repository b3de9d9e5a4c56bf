// Whose a fleet is (L28): its tag masu:owner. Absent, it is claimed before the first write and drained from only once the tag is
// read back; another's, it is only read (V16). And who moves its target: a change that was not ours is told and, upwards, kept for
// a while before scale-in judges it by need (L16, A6); it is never put back.
#pragma once

#include "planner/work.h"

// Why the fleet is not ours to write to, NULL when it is (or may become ours).
const char *owner_other(struct work *w, const struct fleet *f);
// Sends the claims of this tick. Needs work_fleets.
void owner_claim(struct work *w);
// The action after which the fleet may be written to: its claim of this tick, -1 none.
int owner_after(const struct work *w, int fleet);
// Finds targets that another moved. Needs work_fleets.
void owner_watch_targets(struct work *w);
// Why no new drain begins in the fleet: not yet ours, or raised by another lately. NULL when they may.
const char *owner_hold(struct work *w, int fleet);
