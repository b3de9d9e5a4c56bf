// On-demand base and share: how much of a fleet must run on demand, by the policy or by an Auto Scaling group's own distribution.
//
//   asked of a target T = base + ceil((T - base) x percent), never more than T
//
// A fleet's keys are in its own units. The cluster's base is in instances: groups and the fleets' own keys count for it first, the rest is
// dealt to fleets of role base, then in the policy's order, each as far as its target goes; its percentage is of every fleet. A group
// launches by its own distribution, which is never fought: it is only kept by scale-in.
//
// Orders for tasks are split so that the part is whole after them. At rest what is lacking is ordered beside what runs, and the spot that
// it is in place of leaves by ordinary scale-in; until then that weight is no part of the T above, so that on-demand is not ordered for
// what is about to leave. Where EC2 has nothing on demand, the part goes back to what there is and spot is asked; the next try is made
// once the fleet is dry no more (fallback.h). An instant fleet has no target: its share is made whole by what it launches next.
//
// Scale-in takes no on-demand member that the share needs, nor does consolidation. Memo: STAMP_SHARE (fleet; amount = units to leave).
#pragma once

#include "planner/fallback.h"
#include "planner/work.h"

void on_demand_observe(struct work *w);  // carries the stamps on
// What is asked of a target of this fleet; 0 where none is, where the fleet can launch none, and of a group.
int64_t on_demand_least(struct work *w, int fleet, int64_t target);
// What to send in place of this target and on-demand part: the same, or with the part that is asked; the total counts all that stays.
struct fallback_target on_demand_raise(struct work *w, int fleet, int64_t target, int64_t part);
// At rest: whether the part is to change, to what, and why. Needs scale_out_order.
bool on_demand_lacks(struct work *w, int fleet, struct fallback_target *ret, const char **ret_fact);
const char *on_demand_fact(struct work *w, int fleet);  // what is asked, in words: "base 2 and 20 % above it on demand"
// Of so many instances that an instant fleet launches for tasks, how many are to be on demand.
int64_t on_demand_of_launch(struct work *w, int fleet, int64_t instances);

// For scale-in: members that stay are counted once (kept, od_kept, od_keep_milli), then each that is chosen (sign 1) or given up again (-1).
void on_demand_count(struct work *w);
void on_demand_take(struct work *w, int instance, int sign);
// Why the member may not leave, NULL: it may. keep_milli: of its fleet, without it, all our drains and those chosen.
const char *on_demand_hold(struct work *w, int instance, int64_t keep_milli);
// Whether these members may all be replaced, by spot.
bool on_demand_spares(struct work *w, const int *instances, size_t count);
void on_demand_commit(struct work *w);  // what was sent becomes memo
