// Balance of instances over zones, as far as it is masu's to say.
//
// What an instant fleet launches is dealt over the zones so that they end as level as they can: those that have more get none, and none
// goes where the pools failed lately (pool_memory.h) or cost so much more that consolidation would take it away again. Nothing is
// ever removed for balance. Of a maintained fleet AWS chooses the zone: there an uneven fleet is told.
#pragma once

#include "planner/work.h"

enum { ZONES_DEALT_MAX = 16 };

struct zone_share {
    const char *zone;
    int64_t has, given;
};
struct zone_shares {
    struct zone_share v[ZONES_DEALT_MAX];
    size_t count;
};

// Raises `given` of these by n in all, one at a time where has + given is least, the first of equals. Needs count > 0 where n > 0.
void zones_deal(struct zone_shares *x, int64_t n);
// Instances of the cluster there that stay or come. Needs work_roles.
int64_t zones_count(const struct work *w, const char *zone);
// Alerts, once for each maintained fleet whose zones stay uneven.
void zones_watch(struct work *w);
