// The first stage: which facts can be used, and for what.
//
// A source that is unknown, partial, older than the policy allows, or contradicted by another forbids every removal in the
// cluster; it may add capacity, never take it away. Orders stop only where the room that is there is itself unknown.
#pragma once

#include "base/err.h"
#include "planner/work.h"

// The snapshot's own rules: indices in range, nothing negative that cannot be. ERR_INVALID with the place.
int check_snapshot(const struct snapshot *s, struct err *err);
// Sets no_removal and no_order of the work and says why in a verdict of the cluster. Needs roles.
void check_facts(struct work *w);
// True where each fact about tasks on the instance is known and agrees with ECS's own counts.
bool check_tasks(const struct work *w, int instance);
