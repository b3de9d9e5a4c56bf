// Quotas of the account (L23): orders stop at 95 % of the vCPUs that it may run, with an alert from 80 % on. What is used is what we
// see in the region, so it may be more: a launch that AWS refuses for its quota holds orders of that class for 15 min, longer where those
// after it are refused as well (30, 60 min); the other classes go on. Memo: STAMP_QUOTA by the quota's code.
#pragma once

#include "planner/work.h"

void quota_observe(struct work *w);  // carries and updates the memo's stamps
// vCPUs that are left for orders of the type; INT64_MAX where its quota is not known.
int64_t quota_vcpus_left(const struct work *w, const char *type, bool spot);
// How many more instances the fleet may launch, on demand or on spot, before the quota of the class with the most room is at its limit; INT64_MAX where no
// quota is known. *ret_why (may be NULL) is the fact where it limits.
int64_t quota_room(struct work *w, int fleet, bool on_demand, const char **ret_why);
// The largest target of the fleet, in its units, that the quota leaves it; INT64_MAX where none is known.
int64_t quota_most(struct work *w, int fleet, const char **ret_why);
// How far the fleet may be asked to grow, `bound` at most, so that the rest is asked of others (D6): nothing where one of its class, asked
// before it (`asked` by fleet), was not given all. Never less than its target.
int64_t quota_bound(struct work *w, int fleet, int64_t bound, const bool *asked);
void quota_alert(struct work *w);
