// One seed's ordeal: the planner over the default world, a small one, while a schedule of faults holds, every invariant watching.
//
// World, demand, market and schedule come from the seed: the same ordeal gives the same result. Pure. On the wire:
// scaler/ordeal_wire.h.
#pragma once

#include "planner/sim/faults.h"
#include "planner/sim/fold.h"

enum ordeal_fleets { ORDEAL_SPOT, ORDEAL_EC2, ORDEAL_GROUPS, ORDEAL_INSTANT, ORDEAL_FLEETS_COUNT };

struct ordeal {
    uint64_t seed;
    enum ordeal_fleets fleets;
    int64_t for_ms;
    const size_t *only;            // of the schedule's items, rising; NULL: all
    size_t only_count;
    // A planted bug of the planner's (fold_set_plant); NULL: none.
    void (*plant)(void *arg, const struct planner_input *in, struct planner_result *r, struct arena *a);
    void *plant_arg;
};

enum { ORDEAL_VIOLATIONS_MAX = 20 };

struct ordeal_result {
    int64_t ticks, faults_met;     // looks and calls that met one
    int64_t launches, drains, interruptions, tasks_killed;
    int64_t violation_count, first_ms;  // when the first was, since the beginning; -1: none
    struct violation violations[ORDEAL_VIOLATIONS_MAX];
};

// spot and EC2 Fleets, groups and instant fleets in turn.
struct ordeal ordeal_of(uint64_t seed, int64_t for_ms);
const char *ordeal_fleets_name(enum ordeal_fleets k);  // "spot-fleet", …
bool ordeal_fleets_find(const char *name, enum ordeal_fleets *ret);
// The schedule with only what the ordeal has; the arena's.
struct faults ordeal_faults(const struct ordeal *o, struct arena *a);
void ordeal_world(const struct ordeal *o, struct world_options *ret);
// The first violations, and when the first was.
void ordeal_judge(const struct invariants *inv, int64_t began_ms, struct ordeal_result *ret);
// ERR_*: as the planner says. A violation is no error.
int ordeal_run(const struct ordeal *o, struct ordeal_result *ret, struct err *err);
// "masu simulate --faults --seed 17 --fleet instant --for 3h12m --only 4,9": what runs it again.
void ordeal_command(const struct ordeal *o, bool on_wire, struct buf *out);
