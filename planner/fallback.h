// Fallback (A10, D9, L17, L18): a fleet that does not fulfil is dry; its need moves to other fleets, then to on-demand, and comes back
// only after quiet.
//
//   well ── short for the policy's seconds without a launch, or no pool has capacity ──► dry ── its time is over, 3 → 30 min ──► well
//
// While a fleet is dry, what it has on order is not counted as coming and other fleets are asked first; where they take the need, what
// it has not fulfilled is withdrawn in the same plan. Where none can, and it stays short for the policy's time, the missing part is
// asked of it on demand: the on-demand part rises to what runs there and is missing, and spot is asked for no more than it has. That
// part goes back when it was kept for an hour and nothing was dry for 30 min; what runs on demand stays until scale-in takes it, which
// takes such instances first, or consolidation replaces it, which begins no sooner than that.
// Memo: STAMP_SHORT (fleet; amount = weight that it had), STAMP_DRY (fleet; count grows and decays as in pool_memory.h),
// STAMP_ON_DEMAND (fleet; amount = its own part before ours).
#pragma once

#include "planner/work.h"

// Needs work_fleets and owner_watch_targets.
void fallback_observe(struct work *w);
bool fallback_dry(struct work *w, int fleet);
const char *fallback_why(struct work *w, int fleet);  // of a dry one, in words
// Whether the need of a dry fleet has another place: then its open order is withdrawn. Needs scale_out_order.
bool fallback_moved(struct work *w, int fleet);
struct fallback_target {
    int64_t target, on_demand;  // in all, and the on-demand part of it
};
// What to send in place of this target and on-demand part: the same, or, where spot gives nothing, all that is missing on demand; the
// total then counts all that runs. Needs scale_out_order.
struct fallback_target fallback_on_demand(struct work *w, int fleet, int64_t target, int64_t on_demand);
// Whether our on-demand part goes back now, and to what; the total rises where on-demand members count again that were above their part.
bool fallback_returns(struct work *w, int fleet, struct fallback_target *ret);
const char *fallback_on_demand_fact(struct work *w, int fleet);  // why it differs
// Launched from a template, so that it can be asked for on-demand.
bool fallback_can_on_demand(const struct work *w, int fleet);
// More is needed of it than a cheaper replacement alone.
bool fallback_needs_for_tasks(struct work *w, int fleet);
int64_t fallback_dry_ms(struct work *w, int fleet);  // for how long it has been dry; 0: it is not
// L18: why no spot instance may be drained; NULL: none.
const char *fallback_hold(struct work *w);
const char *fallback_keep(struct work *w, int fleet);  // L17: why none of its on-demand instances may be drained yet; NULL: none
void fallback_commit(struct work *w);  // what was sent becomes memo
