// The least that a demand can cost: lower bounds that know the future.
//
// An instance is billed from its launch and is of use a boot later, so each launch wastes a boot; what is not needed for a while costs that
// while or another boot, whichever is less.
//   one size        levels k = 1, 2, … are independent: level k costs the time that at least k are needed, a boot, and min(gap, boot) for each
//                   gap (ski rental with known future; Karlin et al. 1988 for the unknown one). Exact for one size and fluid demand.
//   levels          the same with prices that move, and with waiting allowed at a price: a level is a shortest path through "on" and "off".
//                   Of several types one that has the most of each resource any has, at the lowest price any has, costs no more.
//   mix             several types and resources: the linear programme min Σ price·x + boot·u over instances x and launches u, x(t) − x(t − 1) ≤ u(t),
//                   Σ capacity·x ≥ demand (dynamic right-sizing: Lin et al. 2011; several types: Albers and Quedenfeld 2021). Solved from its dual by
//                   primal-dual hybrid gradients (Chambolle and Pock 2011; Applegate et al. 2021); the dual point is made feasible before it is
//                   taken, so what is told is a bound however far the iteration came.
// All are valid for whole tasks too: they move tasks freely, and pack them without loss.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

// need[i]: instances in step i, at least 0. The sum in instance-seconds.
double bound_one_size(const int32_t *need, size_t count, double step_s, double boot_s);

struct bound_levels {
    const int32_t *need;     // instances in each step
    const double *price;     // of an instance and a second in each step, more than 0
    size_t count;
    double step_s, boot_s;
    bool free_start;         // what is there at the beginning was launched before
    double waiting_price;    // of an instance-second that waits, in mean prices; 0: nothing may wait
};
struct bound_point {
    double cost, waited_s;   // of instances; instance-seconds that were needed and not there
};
void bound_levels(const struct bound_levels *b, struct bound_point *ret);

enum { BOUND_RESOURCES = 2, BOUND_TYPES_MAX = 32 };
struct bound_mix {
    size_t count, type_count;
    const double *demand;    // BOUND_RESOURCES a step
    const double *capacity;  // BOUND_RESOURCES a type
    const double *price;     // of each type in each step, for the whole step: type_count a step
    double boot_steps;       // length of a boot in steps
    bool free_start;
};
// In the unit of the prices. `rounds`: at most so many iterations; fewer when it moves no more. ret_rounds may be NULL.
double bound_mix(const struct bound_mix *b, int rounds, struct arena *a, int *ret_rounds);
