// EC2 Fleets of type instant in the virtual world, played from AWS's documentation: one launch, whose answer says what came and what was
// refused (world_fleet.launch), and which nothing replaces.
#pragma once

#include "planner/sim/world.h"

#define WORLD_INSTANT_TAG "masu:fleet"  // of the default world's members: "CLUSTER/instant"

struct world_create {
    int template;
    const struct world_override *overrides;  // each in a zone
    int override_count;
    int64_t target, on_demand;    // the rest is spot
    enum world_allocation allocation;
    const struct world_tag *tags, *launch_tags;  // of the fleet; of its instances
    int tag_count, launch_tag_count;
    const char *token;            // "" none
    uint64_t asked;
};
enum world_answer world_create_fleet(struct world *w, enum world_actor by, const struct world_create *create, int *ret_fleet);
