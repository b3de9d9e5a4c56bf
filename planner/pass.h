// An assessment of the cluster: what needs a place, and where it would go. Private to planner/; made by placement_pass.
#pragma once

#include "planner/model/res.h"

enum takes { TAKES_NONE, TAKES_NOW, TAKES_LATER };

#define PROVIDER_ANY (-1)
#define PROVIDER_ABSENT (-2)  // one of which the cluster has no instance

// Tasks of one service that need a place.
struct item {
    int service, shape;
    int provider;              // on whose instances only: index into the kinds' providers, PROVIDER_ANY or PROVIDER_ABSENT
    const char *provider_name; // "" any
    bool headroom;
    int32_t missing, leaving;  // why; both 0 for headroom
    int32_t count;             // missing + leaving, or headroom
    int32_t surge;             // of missing: what a deployment runs beside the desired count for a while
    int32_t now, later;        // placed on room that is there; on room that comes
    int32_t open, ordered;     // answered by open orders; by new ones
    int32_t capped;            // would be ordered but for a fleet's max
    int32_t held;              // would be ordered but for `hold`
    const char *hold, *remedy; // a probe is under way, orders for it had no effect, or its turn has not come
    bool in_turn;              // the last of these
    bool probing, narrow;      // it is the former; what is launched for it may be of no use to it
    bool hopeless;             // capacity cannot cure it, or no pool holds it
    double size;               // share of the largest instance, for the order
};

// Where an assessment would put tasks.
struct planned {
    int service, shape, bin;
    int32_t count;
    int next_of_bin, next_of_service;
};

struct bins;

// Does all that needs a place have one?
struct pass {
    struct item *items;
    size_t item_count;
    struct res *free;          // a copy, by instance
    unsigned char *takes;      // enum takes
    int32_t now_bins;          // that take tasks now, at the start
    struct bins *bins;         // an index over free and takes: see bins.h
    struct planned *planned;
    size_t planned_count, planned_cap;
    int *bin_head, *service_head;  // first planned of a bin, of a service
    int64_t unplaced_now;      // tasks without room that is there
    int64_t unplaced;          // tasks without room that is there or comes, headroom included
    int64_t hopeless;          // tasks without room that no order would help; not in the two above
};
