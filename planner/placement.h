// Placement: what ECS will do with a task, as far as the facts say: fit, architecture, distinctInstance, then the service's
// strategies in their order (spread over zones or instances, binpack, random). ECS chooses among equally good instances
// as it likes; here the lowest id is taken, so equal facts give equal plans. Headroom is packed first fit, as nothing places it.
#pragma once

#include "planner/work.h"

struct pass_options {
    bool all_movable;  // see demand.h
    bool now_only;     // on room that is there, never on room that comes
};

// Demand collected and placed with the roles as they are: first on what takes tasks now, then on what comes.
void placement_pass(struct work *w, struct pass_options o, struct pass *ret);
// All equally good instances for the next task of the item, lowest index first; 0 where none takes it. `ret` holds one entry an
// instance.
size_t placement_set(struct work *w, const struct pass *p, int item, enum takes takes, int *ret);
// Whether tasks of the shape can be on the instance with this room at all.
bool placement_fits(const struct work *w, int shape, int instance, struct res room);
// Puts `count` tasks on a bin and takes the room.
void placement_put(struct work *w, struct pass *p, int service, int shape, int bin, int32_t count);
// After the room of a bin, or whether it takes tasks, changed.
void placement_touch(struct work *w, struct pass *p, int bin);
// The first bin at or after `from` that takes tasks now and has room; instance_count when there is none.
size_t placement_next(const struct work *w, const struct pass *p, int shape, size_t from);
