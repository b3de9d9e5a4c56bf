// Auto Scaling groups: what they do by themselves, and so what we may do (safety.md group B).
//
// Only members in service are capacity. A group is made smaller by one call that ends a drained member and lowers the desired
// capacity by it; the desired capacity itself is only ever raised. What the group ends is drained while a hook of ours keeps it.
#pragma once

#include "planner/work.h"

// In a warm pool, in standby, on its way out of the group …: it takes no part, whatever ECS says of it.
bool group_idle(const struct instance *x);

// Why the group may not be made smaller by this member (B1 to B4), in words; NULL: it may, or is in no group.
const char *groups_refuse(struct work *w, int instance);

// The same of one that is being drained: it is then no candidate for an hour.
const char *groups_give_up(struct work *w, int instance);

// The empty ones of the group end; hold: why nothing does, NULL none.
void groups_end(struct work *w, int fleet, const char *hold);

// Members that the group ends: drained, kept waiting, let go. Before the drains advance.
void groups_hooks(struct work *w);
