// Orders of instant fleets: which types, exactly, and what becomes of an order that AWS has not answered.
//
// Until the guard has run, an instant fleet is like any other: its target is the members that stay, what it needs is a higher one, and
// every cap weakens that. launch_plan then turns a raise into launches: the tasks given to the fleet are packed into the pools that
// hold them for the least money, and each launch offers, beside the one chosen, the pools that hold the same tasks in as many
// instances for little more, so that EC2 (price-capacity-optimized) can take the one least likely to be interrupted. Pools that are
// avoided (pool_memory.h) are not offered as long as there are others.
//
// An order is remembered in the memo for two minutes. Until AWS has said what became of it, it counts as coming and is sent again by
// the same client token with the same content, which launches nothing twice (A11); the same after a start, where what a lagging
// read does not show yet would be ordered again.
#pragma once

#include "planner/packing.h"
#include "planner/work.h"

// On how many instances the tasks would be launched on spot, and what these cost an hour at most, whichever of the offered pools EC2
// takes. False: not all of them have a place there, or a price is not known.
bool launch_price(struct work *w, int fleet, struct pack_task *tasks, size_t n, int64_t *ret_instances, int64_t *ret_micro);
// On demand, because spot has given nothing for as long as the policy says (L17).
bool launch_on_demand(struct work *w, int fleet);
// A launch of it got nothing, after since_ms and since the last tick.
bool launch_refused(const struct work *w, int fleet, int64_t since_ms);
void launch_sums(struct work *w, int fleet);  // the fleet's target and part of work_fleets
void launch_plan(struct work *w);             // after all that reads raises: actions and memo
