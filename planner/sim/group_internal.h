// The inside of the world's Auto Scaling groups, for planner/sim/*.c only.
#pragma once

#include "planner/sim/group.h"
#include "planner/sim/world_internal.h"

// group.c: the life
struct world_group *group_of(struct world *w, int fleet);        // NULL: not a group
void group_tick_step(struct world *w, int fleet);                // each half minute
void group_check(struct world *w, int fleet);                    // more or fewer, now
void group_launch_step(struct world *w, int fleet, int override, int pool, bool spot);
void group_joined(struct world *w, int instance, bool booted);   // a machine of the group was made
void group_running(struct world *w, int instance);               // EC2 says running
void group_ended(struct world *w, int instance);                 // EC2 begins to shut it down
void group_hook_step(struct world *w, int instance);             // a heartbeat may have run out
void group_proceed(struct world *w, int instance, bool abandon); // the wait is over
void group_end_member(struct world *w, int instance, enum world_end end, enum world_actor by, const char *cause);
int group_zone_gap(const struct world *w, int fleet, int without);  // fullest − emptiest zone, InService only
// ret may be NULL
struct world_scaling *group_note(struct world *w, int fleet, int instance, const char *text, const char *cause);

// command.c
struct world_call world_call_of(enum world_op op, enum world_actor by);
void world_tell_before(struct world *w, const struct world_call *c);
enum world_answer world_tell_after(struct world *w, const struct world_call *c, enum world_answer answer);

// fleet.c
void fleet_at_risk(struct world *w, int fleet);  // a member has been recommended to be replaced
enum { FLEET_PACK = 4096 };  // override and pool in one number of an event
double fleet_pool_score(const struct world *w, int fleet, int pool, int64_t weight_milli, bool spot);  // lower is better
int64_t fleet_addresses_left(const struct world *w, int zone);
