// Which types an instant fleet launches for tasks: those that hold most for their money, all but the last instance of the best one, then
// the best for what the last would have held, and so on.
#pragma once

#include "planner/packing.h"
#include "planner/work.h"

enum { LAUNCH_GROUPS_MAX = 16 };

// Instances that are launched for the same tasks.
struct launch_group {
    const struct pool *pool;
    int64_t count;
    struct pack_task *tasks;  // placed: what they hold
};

// An hour of one instance that holds so many tasks, with the restarts that interruptions of late make likely; micro-dollars.
double launch_cost_of(const struct work *w, const struct pool *x, double tasks);
double launch_placed_of(const struct pack_task *tasks, size_t n);
// Returns the number of groups, LAUNCH_GROUPS_MAX at most, of `limit` instances in all.
size_t launch_pack_groups(struct work *w, const struct pool *pools, size_t pool_count, const struct pack_task *tasks, size_t n, int64_t limit,
                          struct launch_group *ret);
// The same in sums: tasks[k].placed is written. Returns how many instances are used.
int64_t launch_pack(struct work *w, const struct pool *pools, size_t pool_count, struct pack_task *tasks, size_t n, int64_t limit);
