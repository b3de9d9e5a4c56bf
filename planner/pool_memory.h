// Pool memory: which pools (an instance type in a zone) failed lately, and until when they are avoided (L17). Pure, like all here.
//
//   well ── a failure ──► avoided for 3 min ── a failure after that ──► 6, 12, 24, 30 min ── each 30 quiet min halve the count ──► well
//
// Failures: a spot notice to a member, a refusal in a fleet's history (out of stock), a launch that is long overdue,
// a rebalance recommendation, a zone that is down (D8). What happens to
// a pool while it is avoided is the same trouble and makes nothing longer but its end. AWS picks the pool of a maintained fleet, so
// to avoid one is to prefer fleets with others, and not to reckon with it where it is out of stock. The count of a pool that interrupted is its
// rate as well, by which a choice among fleets reckons the restarts to come. Memo: STAMP_POOL by "type zone".
//
// Placement scores (`scale_out.placement_scores_s` of the policy) are AWS's own word on a zone, for the types of a fleet: remembered
// through restarts, worth half after each three hours, and nothing after a day. Memo: STAMP_SCORE by "fleet zone".
#pragma once

#include "planner/work.h"

// Carries and updates the memo's stamps and marks the work's pools. Needs work_roles and work_fleets.
void pool_memory_observe(struct work *w);
// The stamp of a pool that is avoided now; NULL: it is not.
const struct memo_stamp *pool_memory_avoided(const struct work *w, const char *type, const char *zone);
// How unlikely spot capacity of the fleet's types is there: 0 where the score is 10 or nothing is known, 1 where it is 1 now.
double pool_memory_scarcity(struct work *w, int fleet, const char *zone);
// Interruptions an hour that its stamp tells of; 0: none.
double pool_memory_rate(const struct work *w, const char *type, const char *zone);
// Whether every pool of the fleet is avoided.
bool pool_memory_all_avoided(const struct work *w, int fleet);
// One verdict a pool that is avoided.
void pool_memory_explain(struct work *w);
