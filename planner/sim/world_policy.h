// The fleets of a virtual world as a policy names them: by id, by a group's name, or by the tag that instant members carry.
#pragma once

#include "planner/sim/world.h"
#include "policies/policy.h"

// Sets the fleets of `c` to those of the world's cluster: from 0 to twenty times their target, 100 where that is 0. An instant fleet may
// launch the same types, in all subnets. What they point to is the arena's.
void world_policy_fleets(struct arena *a, const struct world_view *v, int cluster, struct policy_cluster *c);
