// Patience: where a wait is worth less than the instance that ends it (policy, scale_out.waiting_costs below 1), a peak may pass before one has
// booted. Tasks wait so long for room before one is ordered for them: about a boot, as one waits no longer for what would cost less to buy
// (ski rental: Karlin, Manasse, Rudolph, Sleator, "Competitive snoopy caching", 1988). The forecast has no say in it (V12).
#pragma once

#include "planner/work.h"

#define PATIENCE_MS (90 * 1000)

static inline int64_t patience_of(const struct policy_cluster *p)
{
    return p->waiting_costs_milli > 0 && p->waiting_costs_milli < 1000 ? PATIENCE_MS : 0;
}

// Holds back orders for what services lack and have lacked for less than that; before orders are placed. Not for what leaves with an
// interrupted or drained instance, nor what a deployment starts, nor tasks of no service: those are no peak.
void patience_hold(struct work *w);
