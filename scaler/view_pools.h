// The pools of a cluster as the page shows them, a part of its view (scaler/view.h): what its fleets can launch, a type in a zone,
// over the subnets there. What failed is by type and zone, over all fleets. Strings and stamps are of the view's own copies.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "planner/model/memo.h"
#include "planner/model/res.h"

struct view_pool {
    int fleet;                   // index in the snapshot
    const char *type, *zone;     // zone "": any of the fleet
    int64_t weight_milli;
    int64_t spot_usd_micro, on_demand_usd_micro;  // an hour; 0 unknown
    struct res nominal, capacity;  // of the EC2 type; what it registers. Zero unknown
    bool measured;               // capacity is what an instance of the type registered, else reckoned from the nominal size
    int32_t spot_instances, on_demand_instances;  // members now, coming ones too
    int32_t subnets, full_subnets;                // full: without a free address, nothing can launch there
    const struct memo_stamp *score;               // AWS's placement score of its zone, NULL none
    const struct memo_stamp *failed;              // its memory, NULL: none that lasts
};

struct view_cluster;
// Fills pools of a view whose copies are there. Private to scaler/view_facts.c.
void view_pools_fill(struct view_cluster *c);
