// Packing: how many instances of one kind hold these tasks, and whether what is on one instance has places elsewhere.
//
// First fit, the largest first. What is packed is proven (there is a place for each task at the same time); what is not
// packed might still fit by a cleverer arrangement: the error is always towards keeping capacity.
#pragma once

#include "planner/work.h"

// Tasks of one service to be packed. `placed` is written.
struct pack_task {
    int service, shape;
    int32_t count, placed;
    int item;    // for the caller
    int provider;  // on whose instances only, or PROVIDER_ANY
    bool probe;  // placed also where only facts are missing
    bool first;  // packed before all that is not
};

// Whether the pool is launched for such tasks; for a probe, if it may hold them.
bool packing_takes(const struct work *w, const struct pool *pool, const struct pack_task *t);
// Packs into equal fresh instances of a pool, at most `limit`; returns how many are used. Tasks that it is not launched for stay
// unplaced. The order of `tasks` is not changed.
int64_t packing_count(struct work *w, struct pack_task *tasks, size_t n, const struct pool *pool, int64_t limit);

// True if all that the assessment has on the instance, and all movable tasks that run there, fit at once on the other
// instances that take tasks now. With `keep` the assessment then has them there, and the instance takes nothing any more;
// else it is as it was.
bool packing_moves_off(struct work *w, struct pass *p, int instance, bool keep);

// The joint proof (V7): with the roles as planned, every task that needs a place has one on room that is there, and nothing that
// no order would help is worse off than in `base`.
bool packing_proves(struct work *w, const struct pass *base, struct pass *ret);
