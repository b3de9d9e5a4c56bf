// What a scene will ask and what it will cost, minute by minute and before anybody acts: the future that the clairvoyant knows.
//
// Demand is what services want (standalone tasks are left out, which makes the bound lower, and so still one). Prices are the lowest over the
// zones; a boot is the shortest that the world draws. From the end of the warm-up on.
#pragma once

#include "planner/sim/bound.h"
#include "planner/sim/scene.h"

struct course {
    size_t minutes, type_count;
    double *demand;              // BOUND_RESOURCES a minute: CPU units, MiB
    double *price;               // type_count a minute, in micro-dollars for the minute
    double capacity[BOUND_TYPES_MAX * BOUND_RESOURCES];
    int32_t *need;               // instances a minute of a type that has the most of each resource
    double *least;               // micro-dollars for a second of the cheapest type
    double boot_s, need_s;       // need_s: the sum of need, in instance-seconds
    double task_s;               // task-seconds wanted
};

// Lives in the arena. ERR_INVALID as scene_world.
int course_read(const struct scene *s, uint64_t seed, struct arena *a, struct course *ret, struct err *err);
// The least that nothing waiting can cost, in micro-dollars: the larger of the bound by levels and, where there are several sizes, the one by
// the mix.
double course_bound(const struct course *c, struct arena *a);
// The least by levels where waiting costs so many mean prices, 0: nothing waits. waited_s: instance-seconds, of need_s.
void course_levels(const struct course *c, double waiting_price, struct bound_point *ret);
