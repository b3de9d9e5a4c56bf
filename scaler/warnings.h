// Warnings of risk outlive the daemon: what an event told is told once, so the state keeps it for the cluster until its time has passed
// (safety.md D7). Notices need none of this: spot requests tell of them as long as they hold.
#pragma once

#include "planner/model/snapshot.h"
#include "scaler/gather_region.h"
#include "state/state.h"

// *mark is what was saved last, 0 to begin with: nothing is written where nothing changed. Errors as state.h.
int warnings_save(struct state *s, int64_t cluster, const struct snapshot *now, uint64_t *mark, struct err *err);
// Told to the region, as if they had just been heard of; those whose time has passed are left out.
void warnings_restore(struct state *s, int64_t cluster, struct region *r, int64_t now_ms);
