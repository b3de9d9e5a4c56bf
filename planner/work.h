// The planner's working state for one tick: private to planner/, made by work_init, owned by the tick's arena.
//
// It holds what the stages share: the role of each instance, the free room on it, the sums of each fleet, the drains, and
// the actions and verdicts as they are decided. Arrays run parallel to the snapshot's. Roles follow from facts, memo and what
// this tick has decided (`planned_drain`, `planned_undo`), so a stage can ask "what if" by setting one and assessing again.
//
// Stamps used beside their plain meaning: STAMP_EXCLUDED with the cluster's name is the hold after a start (L1, since_ms = that start);
// STAMP_UNNEEDED with a fleet's id is since when its target at rest is off (V23, A10).
#pragma once

#include "planner/kinds.h"
#include "planner/model/memo.h"
#include "planner/model/plan.h"
#include "planner/model/snapshot.h"
#include "planner/number.h"
#include "planner/pass.h"
#include "planner/planner.h"
#include "planner/pools.h"

#define WORK_DISCONNECTED_MS (3 * 60 * 1000)  // L20
#define WORK_LAG_MS (2 * 60 * 1000)           // J1: reads lag our own writes by at most this
#define WORK_DOOMED_MS (110 * 1000)           // A4: the doomed weight is out of the target 10 s before it ends, or stays

enum role {
    ROLE_ACTIVE,       // takes tasks now
    ROLE_SHAKY,        // stays, takes tasks soon: agent away for seconds, or an undo not yet read back
    ROLE_UNREACHABLE,  // agent away for minutes: no room, but its tasks run and are no demand
    ROLE_COMING,       // member of a fleet that will register
    ROLE_LATE,         // should have registered long ago: not counted
    ROLE_LEAVING,      // takes nothing; its movable tasks are demand
    ROLE_GONE,         // ended, holds nothing
    ROLE_OTHER,        // not ours to understand: counts for nothing
};

struct work_instance {
    enum role role;
    bool doomed;         // notice, or EC2 ends it: its tasks die whatever a service allows
    bool live;           // EC2 pending or running: weighs in its fleet
    int zone, type;      // index into zones, into types, -1 unknown
    int drain;           // index into the memo's drains (ours), -1
    bool planned_drain, planned_undo, moves;
    int risk_order;      // 1 = first, 0 not chosen; it and `moves`: risk.h
    int undo_action;     // after which its drain is undone, -1
    struct res free;     // room for more tasks: own view and ECS's, the smaller; of one that comes, what it will have
    struct res room;     // that of one that is there
    struct res reserved; // by tasks on it that run or start
    int32_t tasks, daemon_tasks;  // that are not stopped
    bool tasks_move;     // none of these is standalone, protected or of a service or shape that does not move
    bool judged, undone_empty;    // the latter: its drain was empty, and is undone since a look or two (A3)
    struct verdict verdict;
};

// One service's tasks on one instance.
struct work_hold {
    int instance, holding;
};

struct work_service {
    size_t hold_start, hold_count;  // in holds
    int32_t moving, doomed;         // tasks on draining instances of ours (L5, V6), new ones of this tick included; where a notice came
    int shape;                      // of the PRIMARY deployment, -1 unknown
    double size;                    // of a task, a share of the largest instance; 0 unknown
    bool moves;                     // in no deployment, and ECS can move tasks of it
    bool incurable;                 // demand_incurable
};

struct work_fleet {
    const struct policy_fleet *policy;  // NULL: not named in the policy
    const char *closed;          // why it cannot be changed, NULL when it can
    bool loose;                  // closed, and nothing replaces its members: they leave first, ended by id without a target to lower
    bool drains; const char *loop;  // no mode, owner or loop holds it from being made smaller; loop_hold: scale_in_ask_fleets
    int64_t target;              // what AWS shows, or what we sent within the last two minutes
    bool lagging, ending;        // the shown target is still the one before ours; a member ends, what replaces it may not be seen yet
    int64_t live_milli;          // weight of all pending and running members; on-demand ones up to their part of the target (A2)
    int64_t unseen_milli;        // what the fleet counts beyond them, whatever their part: a look may leave a member out
    int64_t stay_milli;          // of these neither doomed nor about to be ended by us
    int64_t on_demand_milli, od_stay_milli, od_short_milli, od_keep_milli;  // all weight of on-demand members; of those that stay; what they lack of their part; see on_demand.h
    int64_t doomed_milli, first_notice_ms;  // doomed weight that the fleet still counts; the first notice of the doomed, 0 none
    bool launched;               // a member was launched after it
    bool leaving;                // every doomed member is seen to drain, or beyond: the look is younger than the notices
    bool replaced;               // launched, or nothing that is ordered now could be before the first of them ends
    int32_t live, coming;
    int64_t weight_max_milli, weight_min_milli;  // of its pools
    bool sizes_in_doubt;         // the size of a pool is neither learned nor nominal
    int64_t need_target;         // for the demand given to it, 0 none
    int64_t task_target;         // of that for tasks alone, headroom left out; found where money is limited
    int32_t need_instances;      // the most that this launches
    const char *need_fact;
    enum verdict_code code; const char *fact, *verdict;  // the fleet's one verdict
    struct pack_task *given; size_t given_count;  // of an instant fleet: for what it is to launch
    int64_t wanted, allowed;     // the guard capped a raise: the target wanted and the one left; 0 not capped
};

// Of a shape, found once.
struct shape_facts {
    struct small need, reserved_need; const struct shape *reserved;  // in a view by use (use.h) what that takes; what ECS places by, in every one
    bool ports_clash;  // takes host ports that no fresh instance has free: the agent's, or a daemon's
    bool anywhere;     // known, and no such ports
    bool exact;        // small_fits says no more of it than res_fits
    bool moves;        // no data on the host, no rule that is not understood
};

// What may be done at all: modes.h. `why` is NULL in act.
enum plan_mode { PLAN_ACT, PLAN_ADD_ONLY, PLAN_PAUSE, PLAN_FREEZE, PLAN_MODE_COUNT };
struct work_mode {
    enum plan_mode mode;
    const char *why;
};

struct breaker_lines; struct swap;
struct work {
    const struct snapshot *s;
    const struct memo *old;    // NULL: none
    const struct policy_cluster *p;
    struct arena *a;
    struct plan *plan;
    struct memo *memo;         // being made
    struct work_instance *inst;
    struct work_service *svc;
    int *by_size;              // services, the one with the largest tasks first
    bool leaving;              // some instance has ROLE_LEAVING
    struct work_fleet *fleet;
    struct work_hold *holds;
    const char **zones; int zone_count;
    bool *zone_down;           // by zone: too many of its instances are unready (check.c)
    struct res *fresh;         // by type: work_fresh_room
    struct shape_facts *facts; // by shape
    struct kinds kinds;        // of instances, as placement sees them
    struct pool_list *fleet_pools;  // by fleet: what it can launch, each once
    struct shape_pools *pools; // by shape
    bool pools_marked;
    struct stamp_index {
        struct intern t;       // by kind and key
        uint64_t kinds;        // that there are, a bit each
    } old_stamps, stamps;
    struct res reference;      // the largest of each component over instances and pools
    struct work_mode mode, *fleet_modes;  // of the cluster; by fleet, never freer
    const char *no_removal, *no_order;  // why nothing may be removed, or ordered; NULL when it may
    struct breaker_lines *lines;  // breaker.c
    struct pool_shares *shares;  // of pool_share.c; NULL: the policy has no bound
    struct { struct memo_stamp *v; size_t count; } avoided; bool scored;  // STAMP_POOL of pools avoided now; some zone has a placement score
    int64_t cost_micro, cost_limit_micro;  // spend.h: an hour; limit 0: none
    int *claims;               // owner_after
    int32_t kept, od_kept;     // members of all fleets and those on demand, without drains and what scale-in chose in this tick
    struct { int64_t order, keep; bool off, undid; } ahead;  // per mille that the calendar wants beside the desired tasks: occasions.h; off: ahead.h; undid: a drain, for room
    struct { const char *why; int count; } risk;  // risk.c: why none is chosen; how many are
    struct swap *swap;         // consolidate.c: the replacement ordered in this tick, NULL none
    const char *mass_trouble; struct pass now;  // why the cluster as a whole is in doubt (L8), NULL when it is not; with all that this tick has decided so far
    int *daemons; size_t daemon_count;  // daemon services with a known shape
    int32_t *scratch, **scratch_groups;  // zeroed, by instance; by field and group
    int *scratch_kinds;        // by kind
};

void work_init(struct work *w, const struct planner_input *in, struct arena *a, struct planner_result *ret);
// Role, room and sums from facts, memo and what was planned so far; called again after either changes.
void work_roles(struct work *w);
void work_fleets(struct work *w);
void work_rooms(struct work *w);  // part of work_init

// Appends; returns the action's index.
int work_action(struct work *w, struct action x);
static inline const struct shape *work_shape(const struct work *w, int shape)  // NULL: -1
{
    assert(shape < (int)w->s->shape_count);
    return shape < 0 ? NULL : &w->s->shapes[shape];
}
static inline bool work_shape_known(const struct work *w, int shape)
{
    return shape >= 0 && work_shape(w, shape)->known;
}
static inline bool work_is_daemon(const struct work *w, int service)
{
    assert(service < (int)w->s->service_count);
    return service >= 0 && w->s->services[service].kind == SERVICE_DAEMON;
}
// Ours and on its way out: CHOSEN, DRAINING, EMPTY, LOWERED or ENDING.
static inline bool work_drains(const struct work *w, int instance)
{
    int d = w->inst[instance].drain;
    return d >= 0 && w->memo->drains[d].state <= DRAIN_ENDING;
}
static inline struct memo_drain *work_drain(struct work *w, int instance)  // NULL: none
{
    int d = w->inst[instance].drain;
    assert(d < (int)w->memo->drain_count);
    return d < 0 ? NULL : &w->memo->drains[d];
}
int work_find(const struct work *w, const char *instance_id);  // index, -1 unknown
bool work_in_deployment(const struct service *s);
struct usd work_price(const struct work *w, int instance);     // an hour; 0 unknown
// What a fresh instance of the type has for tasks once each daemon that matches has its share; zero when unknown.
struct res work_fresh_room(const struct work *w, const struct instance_type *t);
bool work_arch_fits(const char *need, const char *have);
// The pool's size is neither learned nor nominal, and its architecture may be the shape's (NULL: any shape's).
bool work_pool_in_doubt(const struct work *w, const struct fleet_pool *pool, const struct shape *x);

// Stamps of the memo being made; find returns NULL where there is none.
struct memo_stamp *work_stamp(struct work *w, enum memo_stamp_kind kind, const char *key);
const struct memo_stamp *work_old_stamp(const struct work *w, enum memo_stamp_kind kind, const char *key);
struct memo_stamp *work_stamp_set(struct work *w, struct memo_stamp x);
