// Pools: what a fleet can launch, each different thing once, and whether a task could run on it. Private to planner/.
//
// A pool is a prototype instance: its type's fresh room, its attributes and zone as far as they are known, its fleet's capacity provider, the
// ports that agent and daemons take. Pools of a subnet without addresses are none (E7). What only may hold a task for want of
// facts is FIT_MAYBE: one instance is ordered to find out (F5).
#pragma once

#include "planner/kinds.h"
#include "planner/small.h"

struct pool {
    int type;              // index, -1 unknown
    int64_t weight_milli;
    int64_t usd_micro;     // an hour, spot; 0 unknown
    double interruptions_per_hour;  // our own of late, mean over its zones: pool_memory.h
    double scarcity;       // by the placement scores of its zones: 0 none, 1 the worst; pool_memory.h
    const unsigned char *fits;  // enum fit, by rule
    int provider;          // whose instances it launches: index into the kinds' providers, -1 none
    bool gpu;
    bool gpu_only;         // and only for tasks that reserve one (E7)
    bool batch;            // of a fleet of that role: only for what no other fleet can run
    bool sized;            // its type's size is learned or nominal
    bool out;              // of stock in every zone, as far as is remembered (pool_memory.h): not reckoned with
    struct res room;       // of a fresh instance, for tasks
    struct small small_room;
};

struct pool_list {
    struct pool *v;
    size_t count;
};

// What the fleets that can grow could launch for a shape.
struct shape_pools {
    bool sure;    // some pool holds it
    bool plain;   // such a one without GPUs
    bool maybe;   // some pool of known size holds it if it has the attributes: a probe tells
    bool doubt;   // some pool of unknown size may hold it
    bool narrow;  // some pool does not hold it: what the fleet launches may not help
    bool general; // some fleet that is no batch pool may run it (found only where there is a batch pool)
};

// Its spot price as a choice sees it: where AWS says that capacity is unlikely, up to a quarter dearer. 0: unknown.
static inline double pool_price(const struct pool *x)
{
    return (double)x->usd_micro * (1 + 0.25 * x->scarcity);
}

void pools_init(struct work *w);
bool pools_share_gpus(const struct work *w, size_t fleet);  // by its policy
// The pool of one override of the fleet.
struct pool pools_of(const struct work *w, size_t fleet, size_t k);
// Adds what the fleet can launch to the work's `pools` by shape.
void pools_mark(struct work *w, size_t fleet);
// What could be launched for tasks of the shape that run on instances of that provider only; PROVIDER_ANY: on any.
struct shape_pools pools_for(const struct work *w, int shape, int provider);
// FIT_MAYBE: the size is not known, or whether it has what the rules ask.
enum fit pools_hold(const struct work *w, const struct pool *x, int shape);
// Whether it is launched for such tasks: it holds them, and has no GPUs where they need none and another pool does.
bool pools_serve(const struct work *w, const struct pool *x, int shape);
bool pools_size_known(const struct work *w, const struct pool *x);
