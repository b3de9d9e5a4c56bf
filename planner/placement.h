// Placement: what ECS will do with a task, as far as the facts say: room, host ports, the shape's rules (kinds.h), distinctInstance,
// the provider of its strategy, then the strategies in their order (spread over instances or any attribute, binpack, random). ECS
// chooses among equally good instances as it likes; here the lowest id is taken, so equal facts give equal plans. Headroom is
// packed first fit, as nothing places it; where it needs no GPU and another type can hold it, not on instances with GPUs.
//
// Instances are asked by kind, through an index (bins.h). placement_set looks at each: it is the same in plain words, for tests.
#pragma once

#include "planner/work.h"

struct pass_options {
    bool all_movable;  // see demand.h
    bool now_only;     // on room that is there, never on room that comes
};

// Demand collected and placed with the roles as they are: first on what takes tasks now, then on what comes.
void placement_pass(struct work *w, struct pass_options o, struct pass *ret);
// A pass with nothing placed yet: what the options say of demand, room and index only. placement_pass goes on from it.
void placement_begin(struct work *w, struct pass_options o, struct pass *ret);
// Places what it can of an item; returns how many.
int32_t placement_item(struct work *w, struct pass *p, int item, enum takes takes);
// All equally good instances for the next task of the item, lowest index first; 0 where none takes it. `ret` holds one entry an
// instance.
size_t placement_set(struct work *w, const struct pass *p, int item, enum takes takes, int *ret);
// Whether a task of the shape can be on the instance with this room: rules and ports asked, what is planned there and
// distinctInstance not.
bool placement_fits(struct work *w, int shape, int instance, struct res room);
// On how many of the instances that take tasks now one of the item's has room, by what is on them now.
int32_t placement_count(struct work *w, const struct pass *p, const struct small *rooms, const struct item *it);
// For it: the room of each that takes tasks now, by its place in kinds.bins.
struct small *placement_rooms(struct work *w, const struct pass *p);
// Whether host ports that the shape takes are in use on the instance, by what runs there or what the pass (may be NULL) planned.
bool placement_ports_clash(const struct work *w, const struct pass *p, int shape, int instance);
// Puts `count` tasks on a bin and takes the room.
void placement_put(struct work *w, struct pass *p, int service, int shape, int bin, int32_t count);

// Instances that take tasks now and have room, of the kinds that hold the shape, lowest index first.
struct place_walk {
    int shape, provider;
    bool avoid_gpu;
    int *next;  // by kind: position of the next one, -1 none
    int last;   // kind of the one last given, which is still its next; -1 none
};
void placement_walk(struct work *w, const struct pass *p, int shape, int provider, bool avoid_gpu, struct place_walk *ret);
int placement_step(struct work *w, const struct pass *p, struct place_walk *walk);  // -1: no more
