// Errors of fleets and groups as events tell them, kept by the region until the next look of whoever has the fleet (safety.md D9, L17, L23).
#pragma once

#include "scaler/gather_region.h"

// True: it is news. Kept whether we know the fleet or not; the newest TROUBLES_MAX.
bool region_trouble_add(struct region *r, const struct fleet_trouble *x);
// AWS refused a launch of the type because of the account's quota of its class.
void region_quota_refused(struct region *r, const char *type, bool spot, int64_t at_ms);

struct look;
void look_trouble_ask(struct look *l);   // histories of fleets that are not fulfilled
void look_trouble_take(struct look *l);  // what they say, and what was heard of fleets since
