// Consolidation by price: instances whose tasks fit nowhere else are replaced by fewer or cheaper ones of a fleet that can grow,
// where the saving pays back the disturbance within the policy's time (issue: price-aware consolidation; the pay-back test is a
// ski-rental comparison of rent and switching cost).
//
//   find (after scale-in, nothing else under way) ─► seen again for `unneeded` ─► order ─► its capacity ACTIVE ─► ordinary drains
//
// The order is counted by the worst mix that the fleet may pick. Nothing is drained here: once the new room is there, scale-in proves
// and drains the victims, before any other instance. Replaced back and forth is excluded twice: an instance younger than the pay-back
// time is no victim, so each replacement has paid before the next; and from fleet B back to A nothing moves for six hours after A to B.
//
// In a drought (L18) nothing is found or ordered. Memo: STAMP_VICTIM by instance (found since since_ms; `count` 1 = its replacement is ordered; `amount` saving an hour,
// micro-dollars), STAMP_REPLACE by fleet (ordered at since_ms; `amount` the absolute target; `count` 2 = all is there), STAMP_SWAP by
// "fleet of the victims, fleet of the replacement".
#pragma once

#include "planner/work.h"

// Carries the stamps on; once an order is over, so are its victims. Needs work_roles.
void consolidate_observe(struct work *w);
// Keeps the target of an order until it is launched, and orders what the ticks before found and still pays. After scale_out_order.
void consolidate_order(struct work *w);
// Why an instance that is no victim does not leave now, NULL when it may: the room was ordered for the victims.
const char *consolidate_hold(struct work *w, int instance);
// Looks for the best set among `stay`, instances whose tasks fit nowhere else, and stamps it. `base` has what is planned on them.
void consolidate_find(struct work *w, const struct pass *base, const int *stay, size_t count);
// The target that this tick orders of the fleet for that, 0 none.
int64_t consolidate_target(const struct work *w, int fleet);
// What was really sent becomes memo.
void consolidate_commit(struct work *w);
