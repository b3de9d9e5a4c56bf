// The virtual world: ECS clusters on Spot Fleets in virtual time. It moves only when told (world_advance) and draws all chance
// from its seed: the same seed, options and calls give the same world, to the byte. No clock, no I/O.
//
// It plays AWS from AWS's documented behaviour, not from our planner: a scheduler, services under min/max percent, drains,
// deployments, fleets with weights, a spot market. The sandbox serves it as AWS wire, simulations fold the planner over it.
// Commands answer as AWS would (enum world_answer); the sandbox turns that into codes. Faults of the wire are not played here.
// Memory belongs to the world; not thread-safe.
#pragma once

#include "base/err.h"
#include "base/rng.h"
#include "planner/sim/market_trace.h"
#include "planner/sim/workload.h"
#include "planner/sim/placement.h"

enum world_answer {
    WORLD_OK,
    WORLD_NOT_FOUND,              // cluster, instance, fleet, service, task: no such thing (any more)
    WORLD_INVALID,                // a value that AWS refuses
    WORLD_BAD_STATE,              // container instance is neither ACTIVE nor DRAINING (INACTIVE, REGISTERING …)
    WORLD_FLEET_NOT_MODIFIABLE,   // FleetNotInModifiableState / InvalidSpotFleetRequestConfig: modifying, cancelled, not maintain
    WORLD_NOT_SERVICE_TASK,       // protection of a standalone task: TASK_NOT_VALID
    WORLD_NO_ROOM,                // RunTask: failures[] with a reason
    WORLD_LIMIT,                  // tags, deployments … of one thing
    WORLD_BUSY,                   // ScalingActivityInProgress
    WORLD_ANSWER_COUNT
};

enum world_op {
    WOP_SET_STATE, WOP_MODIFY_FLEET, WOP_TERMINATE, WOP_TAG, WOP_UNTAG, WOP_PROTECT, WOP_DESIRED, WOP_DEPLOY, WOP_RUN_TASK, WOP_STOP_TASK,
    WOP_DEREGISTER, WOP_GROUP_DESIRED, WOP_GROUP_TERMINATE, WOP_GROUP_PROTECT, WOP_GROUP_SUSPEND, WOP_GROUP_HOOK,
    WOP_CREATE_FLEET,
    WOP_COUNT
};

// One command as the hook sees it, before it takes effect.
struct world_call {
    enum world_op op;
    enum world_actor actor;
    int cluster, instance, fleet, service, task;  // -1 where it has none
    const int *instances;                         // WOP_TERMINATE, WOP_GROUP_PROTECT
    int instance_count;
    enum world_ecs_status status;                 // WOP_SET_STATE
    int64_t target, on_demand;                    // WOP_MODIFY_FLEET, on_demand -1 = left out; WOP_GROUP_TERMINATE: 1 = with decrement; WOP_CREATE_FLEET
    int excess;                                   // enum world_excess, -1 = left out
    const char *key, *value;                      // WOP_TAG, WOP_UNTAG
    const struct world_create *create;            // WOP_CREATE_FLEET: instant.h
};

struct world_create; struct world;
// Watchers of the truth (invariants.h). Any member may be NULL. They must not call commands.
struct world_hook {
    void (*before)(void *arg, const struct world *w, const struct world_call *c);
    void (*after)(void *arg, const struct world *w, const struct world_call *c, enum world_answer answer);
    void (*ending)(void *arg, const struct world *w, int instance);  // EC2 begins to shut it down; end and ended_by are set
    void (*step)(void *arg, const struct world *w);                  // after each moment in which something happened
    void (*read)(void *arg, const struct world *w, int instance, int kind);  // world_note_read
    void *arg;
};

// What the default world's clusters run on: all on Spot Fleet requests, all on EC2 Fleets, its second cluster on an EC2 Fleet, or
// all on instances launched one order at a time, which carry the tag masu:fleet = "CLUSTER/instant".
enum world_mix { WMIX_SPOT, WMIX_EC2, WMIX_BOTH, WMIX_INSTANT };

struct world_options {           // world_options_default() fills all
    int64_t start_ms;            // wall time of the beginning; 2026-01-12T00:00:00Z, a Monday
    int64_t boot_p50_ms, boot_p90_ms;      // launch → registered: 75 s, 95 s
    int64_t modify_ms;                     // a fleet stays `modifying` about so long: 8 s
    int64_t launch_ms;                     // fleet notices a shortfall → instance exists: about 5 s
    int64_t retry_first_ms, retry_cap_ms;  // back-off of a service that cannot place: 5 s, doubling to 60 s (AWS: up to 15 min)
    int64_t healthy_after_ms;              // RUNNING → healthy without checks: 40 s
    double interruptions_per_instance_day; // 0.2; spread unevenly over the pools
    double shortages_per_pool_day;         // 0.3 of about half an hour
    const struct world_type *types; size_t type_count;  // in place of those of the table with their names, and besides it
    const struct market_trace *market;     // NULL: chance; must outlive the world. market.c says which pool follows which record
    int64_t flat_permyriad;                // > 0: each pool costs so much of its on-demand price, always
    bool prices_apart;                     // prices of one seed are the same whatever the fleets do; else one chance moves the whole market
    bool forget_doomed_at_notice;          // N2: the fleet stops counting a doomed member at its notice, not at its end
    bool drain_waits_for_protection;       // a drain does not stop protected tasks: true
    int64_t deployments_per_day;           // over all services: 6
    double batch_per_hour;                 // standalone tasks: 12
    int64_t batch_retry_ms;                // a refused RunTask is asked again: 30 s
    bool groups;                           // the default world's fleets are Auto Scaling groups
    enum world_mix fleet_mix;              // else: Spot Fleet requests
    int scale_permyriad;                   // size of the default world: 10,000 = 2 clusters, 20 services, about 30 instances
    const struct workload_trace *trace;    // NULL: profile; must outlive the world
    int64_t trace_mean;                    // tasks, 100
    const char *trace_service;             // NULL: shared over the services of the first cluster
};
void world_options_default(struct world_options *o);
int world_default(uint64_t seed, const struct world_options *o, struct world **ret, struct err *err);
void world_free(struct world *w);  // NULL-safe
void world_set_hook(struct world *w, const struct world_hook *hook);  // one watcher; copied; NULL removes

// ---- building a scripted world (tests, scenarios) ------------------------------------------------------------------------
// Empty: the table of types, three zones, no cluster, no workload. Everything returns an index.
int world_empty(uint64_t seed, const struct world_options *o, struct world **ret, struct err *err);
int world_add_cluster(struct world *w, const char *name);
int world_add_taskdef(struct world *w, const struct world_taskdef *t);  // revision 0: the next of its family; copied with all behind it
int world_add_type(struct world *w, const struct world_type *t);        // one more than the table has, with its pools
int world_add_provider(struct world *w, const char *name, bool managed);
int world_add_template(struct world *w, const struct world_template *t);  // version 0: the next of its id; index 0 is there already
struct world_service_spec {
    const char *name;
    int cluster, taskdef;
    bool daemon;
    int32_t desired, min_percent, max_percent;
    const struct world_rules *rules; const struct world_balancer *balancers; int balancer_count;  // copied; NULL: none
};
int world_add_service(struct world *w, const struct world_service_spec *s);
struct world_fleet_spec {
    int cluster;
    int64_t target;
    enum world_allocation allocation;
    const struct world_override *overrides;
    int override_count; const struct world_requirements *needs;  // needs: in place of overrides; NULL: those
    bool request_type;           // not maintain
    bool ec2_fleet;              // an EC2 Fleet, not a Spot Fleet request
    int64_t on_demand;           // part of the target
    int template;
    bool instant; const char *tag;  // launches nothing by itself; what its members carry as masu:fleet, NULL nothing
};
int world_add_fleet(struct world *w, const struct world_fleet_spec *s);
// A member that has long been registered; fleet -1: of no fleet. The pool must be one of the fleet's.
int world_add_instance(struct world *w, int cluster, int fleet, int type, int zone);
void world_set_provider(struct world *w, int instance, int provider);  // -1: of none
int world_type_index(const struct world *w, const char *name);  // -1 unknown

// ---- time ------------------------------------------------------------------------------------------------------------------
void world_advance(struct world *w, int64_t to_ms);     // all that happens until to_ms, included; never backwards
int64_t world_next_ms(const struct world *w);           // when something happens next; INT64_MAX: never

// ---- reading ---------------------------------------------------------------------------------------------------------------
struct world_view {              // the arrays; counts include unused slots
    int64_t now_ms, start_ms;
    const char *account, *region;
    const char (*zones)[16];
    const struct world_cluster *clusters;
    const struct world_type *types;
    const struct world_pool *pools;
    const struct world_taskdef *taskdefs;
    const struct world_service *services;
    const struct world_fleet *fleets;
    const struct world_group *groups;
    const struct world_instance *instances;
    const struct world_task *tasks;
    const struct world_notice *notices;  // oldest first, those of the last hour
    const struct world_news *news;       // as the notices
    const struct world_subnet *subnets;
    const struct world_template *templates;
    const struct world_provider *providers;
    int subnet_count, template_count, provider_count, news_count;
    int zone_count, cluster_count, type_count, pool_count, taskdef_count, service_count, fleet_count, instance_count, task_count, notice_count;
    const struct world_counters *counters;
};
struct world_view world_view(const struct world *w);
int32_t world_free_addresses(const struct world *w, int subnet);
int world_find_cluster(const struct world *w, const char *name);
int world_find_service(const struct world *w, int cluster, const char *name);
int world_find_fleet(const struct world *w, const char *id);
int world_find_instance(const struct world *w, const char *ec2_id);
int world_find_container_instance(const struct world *w, int cluster, const char *ci_id);
int world_find_task(const struct world *w, int cluster, const char *task_id);
const char *world_tag_value(const struct world_tag *tags, int n, const char *key);  // NULL if absent

// The sandbox tells what it answered about an instance, so that V2 can be judged: its state, or the list of its tasks; and V28: its notice.
enum world_read { WORLD_READ_STATE, WORLD_READ_TASKS, WORLD_READ_NOTICE };
void world_note_read(struct world *w, int instance, enum world_read kind);

// ---- commands --------------------------------------------------------------------------------------------------------------
enum world_answer world_set_container_instance_state(struct world *w, enum world_actor by, int cluster, int instance,
                                                     enum world_ecs_status status);  // WE_ACTIVE, WE_DRAINING
// target, on_demand: -1 left out. excess: enum world_excess or -1 left out (then WX_DEFAULT, as a creation without one).
enum world_answer world_modify_spot_fleet(struct world *w, enum world_actor by, int fleet, int64_t target, int64_t on_demand, int excess);
enum world_answer world_cancel_fleet(struct world *w, enum world_actor by, int fleet, bool terminate);
enum world_answer world_terminate(struct world *w, enum world_actor by, const int *instances, int n);
enum world_answer world_tag(struct world *w, enum world_actor by, int instance, const char *key, const char *value);
enum world_answer world_untag(struct world *w, enum world_actor by, int instance, const char *key);
enum world_answer world_tag_fleet(struct world *w, enum world_actor by, int fleet, const char *key, const char *value);
enum world_answer world_untag_fleet(struct world *w, enum world_actor by, int fleet, const char *key);
enum world_answer world_set_task_protection(struct world *w, enum world_actor by, int task, bool on, int64_t for_ms);
enum world_answer world_set_desired(struct world *w, enum world_actor by, int service, int32_t desired);
enum world_answer world_deploy(struct world *w, enum world_actor by, int service, const struct res *need);  // NULL: same size
enum world_answer world_run_task(struct world *w, enum world_actor by, int cluster, int taskdef, int64_t runs_ms, int *ret_task);
// RunTask in full, for one task; instance >= 0: StartTask there. WORLD_NO_ROOM: *ret_why and *ret_closest (-1: none) say why.
struct world_run {
    int cluster, taskdef, instance;
    int64_t runs_ms;              // 0: until stopped
    const struct world_rules *rules;  // NULL: none
    int provider;                 // -1: launch type EC2
    const char *group, *started_by;   // NULL: "family:FAMILY", ""
    const struct world_task_override *override;  // NULL: none
};
enum world_answer world_run(struct world *w, enum world_actor by, const struct world_run *run, int *ret_task, enum world_place *ret_why,
                            int *ret_closest);
enum world_answer world_stop_task(struct world *w, enum world_actor by, int task);
enum world_answer world_interrupt(struct world *w, int instance);       // notice now, end in two minutes
enum world_answer world_rebalance_hint(struct world *w, int instance);
enum world_answer world_set_agent(struct world *w, int instance, bool connected);
enum world_answer world_set_shortage(struct world *w, int pool, int64_t until_ms);
