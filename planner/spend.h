// Money (L15): what an hour may cost, and what is not bought beyond it.
//
// The limit is the policy's, else twice the dearest hour of fourteen days, else what the fleets' max costs on demand. An instance
// costs its spot price, else its on-demand price, else the dearest that is known: unknown is never nothing. Near the limit people
// are told; what is bought for headroom stops at it. Tasks that exist and replacements are bought up to max, with an alert.
#pragma once

#include "planner/work.h"

// Finds cost and limit of this tick. Needs work_fleets.
void spend_init(struct work *w);
// How many of the fleet's instances headroom may still order; INT64_MAX where there is no limit.
int64_t spend_room(const struct work *w, int fleet);
// "12.40 of 12.00 USD an hour"
const char *spend_fact(struct work *w);
void spend_alert(struct work *w);
// An hour of the dearest type whose price is known: what one of unknown price counts as. 0: no price is known.
int64_t spend_dearest(const struct work *w);
// One verdict where what runs or may be launched has no price; none where no price is known and the policy sets no limit either.
void spend_explain(struct work *w);
