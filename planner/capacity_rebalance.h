// Fleets that replace members at risk by themselves (capacityRebalance, safety.md A9). Pure, like all here.
//
// At a rebalance recommendation such a fleet launches a replacement and counts the old member no longer, for raises and lowerings too
// (N8). So nothing is ordered for it, its weight is in no sum, and once its tasks have a place it is drained: `launch` leaves its end
// to us, by id and with the target untouched; `launch-before-terminate` and groups end it by themselves.
#pragma once

#include "planner/work.h"

// The fleet replaces this member by itself: it is at risk, and a recommendation says so.
bool capacity_rebalance_replaces(const struct snapshot *s, int instance);
// And therefore does not count it any more.
bool capacity_rebalance_forgets(const struct snapshot *s, int instance);
// When the fleet ends it at the earliest, drained or not; INT64_MAX: never by itself, or nobody knows.
int64_t capacity_rebalance_ends_ms(const struct snapshot *s, int instance);
// Its drained ones end, or wait for their fleet. hold: why nothing ends, NULL none.
void capacity_rebalance_ends(struct work *w, int fleet, const char *hold);
// Why the time that the fleet leaves to the old member is too short to drain it, in words; NULL: it is not.
const char *capacity_rebalance_too_short(struct work *w, const struct fleet *f);
