// A changed policy (L14): it settles for ten minutes before a new drain, and one that would remove much more than the policy before
// it, or no longer names a fleet, waits until a person confirms its hash (`confirm` in the policy, or the API). Only drains wait:
// a policy may always add.
//
// "Much more": over 20 % of the cluster's instances, beyond those that were proven unneeded under the policy before. Measured once,
// at the first tick after the settling in which drains could begin at all. Memo: policy_hash, policy_since_ms, STAMP_FLEET for each
// fleet named, STAMP_CONFIRM for a policy that is not settled yet.
#pragma once

#include "planner/work.h"

void confirm_init(struct work *w);
// Why no new drain begins, NULL when they may.
const char *confirm_hold(struct work *w);
// Whether it must be measured now; the answer goes into confirm_measured.
bool confirm_asks(struct work *w);
void confirm_measured(struct work *w, int64_t removable, int64_t members);
