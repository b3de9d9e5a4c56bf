// Demand: which tasks need a place, and why.
//
// For each replica service on EC2: what its PRIMARY deployment lacks, as far as the maximum per cent lets ECS start it; the
// movable tasks on instances that leave, whoever makes them leave; and headroom in whole tasks. Never more of a service than
// its desired count. Standalone tasks and daemons are no demand. Sorted: tasks before headroom, then the largest first.
#pragma once

#include "planner/work.h"

struct demand_options {
    bool all_movable;  // count each task of a drain of ours, however slowly ECS may move it: for proofs (V7)
};

// The list and its counts; nothing is placed yet. Owned by the arena.
size_t demand_collect(struct work *w, struct demand_options o, struct item **ret);
// True where more capacity cannot help this service; *ret_why says what would.
bool demand_incurable(struct work *w, int service, const char **ret_why);
// How many of the service's tasks ECS can move at all, now: surge it may start plus tasks it may stop first (C1).
int64_t demand_movable(const struct service *s);
