// The virtual world's truth as plain structs: read freely, change only through the commands of world.h.
//
// References are indices into the world's arrays, -1 is none. Slots of tasks and instances are used again after they were
// no longer visible (an hour after their end): `used` says whether a slot holds something, ids never return. Pointers into
// the arrays are valid until the next command or world_advance. Times are wall milliseconds, 0 is never.
//
// Lag: a field of type struct world_lagged keeps its value before the last change, so that a reader may ask for the view
// at an earlier time with world_seen(&field, at_ms); an object exists in a view when created_ms <= at_ms. Only one change back
// is kept: a view older than the last two changes shows the later of them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/sim/group_state.h"
#include "planner/sim/instant_state.h"
#include "planner/sim/requirements.h"
#include "planner/sim/world_market.h"
#include "planner/sim/world_rules.h"

#define WORLD_TAGS 16         // an instance or fleet
#define WORLD_DEPLOYMENTS 6   // of a service at once; a further deploy is refused
#define WORLD_EVENTS 32       // kept of a service
#define WORLD_FLEET_EVENTS 32 // kept of a fleet

enum world_actor { WORLD_OURS, WORLD_PERSON, WORLD_AWS, WORLD_ECS, WORLD_ACTOR_COUNT };

enum world_lifecycle { WL_PENDING, WL_RUNNING, WL_SHUTTING_DOWN, WL_TERMINATED, WL_STOPPING, WL_STOPPED };  // EC2 state
enum world_ecs_status { WE_NONE, WE_REGISTERING, WE_ACTIVE, WE_DRAINING, WE_DEREGISTERING, WE_INACTIVE, WE_FAILED };  // REGISTRATION_FAILED
enum world_task_status { WT_PROVISIONING, WT_PENDING, WT_ACTIVATING, WT_RUNNING, WT_DEACTIVATING, WT_STOPPING, WT_STOPPED };
enum world_desired { WD_RUNNING, WD_STOPPED };
enum world_fleet_state { WF_SUBMITTED, WF_ACTIVE, WF_MODIFYING, WF_CANCELLED_RUNNING, WF_CANCELLED_TERMINATING, WF_CANCELLED };
enum world_activity { WA_PENDING_FULFILLMENT, WA_FULFILLED, WA_PENDING_TERMINATION, WA_ERROR };
enum world_allocation { WALLOC_LOWEST_PRICE, WALLOC_DIVERSIFIED, WALLOC_CAPACITY_OPTIMIZED, WALLOC_PRICE_CAPACITY_OPTIMIZED };
// What a fleet does at a rebalance recommendation for a member, by itself.
enum world_rebalance { WREB_OFF, WREB_LAUNCH, WREB_LAUNCH_BEFORE_TERMINATE };
enum world_excess { WX_DEFAULT, WX_NO_TERMINATION };
// How an instance came to its end: who made the call that led to it is in ended_by.
enum world_end { WEND_NONE, WEND_BY_ID, WEND_FLEET_EXCESS, WEND_INTERRUPTED, WEND_FLEET_CANCELLED, WEND_GROUP };  // chosen by its group

struct world_type {
    char name[24], arch[12];
    int32_t vcpus, memory_mib, max_enis, gpus, trunk_slots;  // trunk_slots: awsvpc tasks with trunking, 0 = has none
    int64_t on_demand_usd_micro;   // an hour
};

struct world_deployment {
    char id[WORLD_ID];             // "ecs-svc/…"
    int taskdef;
    bool primary, completed;
    int32_t desired, running, pending, failed;
    int64_t created_ms, updated_ms;
};

struct world_event {
    char id[40], text[WORLD_TEXT];
    int64_t at_ms;
};

struct world_service {
    char name[WORLD_ID];
    int cluster;
    bool daemon; struct world_balancer balancers[WORLD_BALANCERS]; int balancer_count;
    int32_t desired, running, pending;  // pending: not yet RUNNING, desired RUNNING
    int32_t unplaced;              // of those pending: in PROVISIONING, without an instance
    struct world_lagged desired_was;    // the same desired, with its last change
    int32_t min_percent, max_percent;
    struct world_rules rules;
    struct world_deployment deployments[WORLD_DEPLOYMENTS];  // newest first
    int deployment_count;
    struct world_event events[WORLD_EVENTS];  // newest first
    int event_count;
    int64_t created_ms;
    int first_task;                // list through world_task.next_of_service
    // the scheduler's own
    int32_t missing;               // replica: desired − placed, as of its last look
    int64_t retry_ms, pause_ms;    // next attempt after a failed placement; its present back-off
    int32_t failures;              // of tasks that did not stay, in a row
    int64_t restart_ms;            // it is throttled: no start before
    bool queued, steady;
    int64_t mean_tasks;            // workload: about so many
    bool profile; const struct workload_model *model;  // workload: never from the trace, by this model; NULL: the plain profile
    const struct workload_trace *recorded; double recorded_factor;  // workload: what it wants, times that; NULL: none of its own
    int32_t late;                  // replaced.c: tasks of interrupted instances that still wait for capacity, already counted as late
    int64_t protects_ms;           // workload: > 0: some of its tasks protect themselves for so long
};

// What is asked of every task and instance all the time comes first, side by side; what is large comes last.
struct world_task {
    bool used;
    int cluster, service, taskdef, instance;  // service -1: standalone; instance -1: PROVISIONING without a place
    int next_of_service, next_of_instance;
    struct world_lagged last, desired;  // enum world_task_status, enum world_desired
    int64_t healthy_ms;            // counts as healthy from here on, 0 = not running
    int64_t protected_until_ms, protected_since_ms;  // 0 = not protected
    int64_t created_ms, started_ms, stopping_ms, stopped_ms;
    uint64_t serial;
    int provider;                  // -1: launch type EC2
    uint32_t gpu_mask;             // the GPUs that it holds
    struct res need;               // what it reserves, overrides included
    const struct world_task_override *override;  // NULL: none
    const struct world_rules *rules;  // of one that waits for a place and is of no service
    const char *stop_code, *stop_reason;  // static text, "" while it runs
    enum world_actor stopped_by;
    int64_t runs_ms;               // standalone: length of its work, 0 = until stopped
    char id[40];                   // 32 hex digits, the end of its ARN
    char group[WORLD_ID + 8];      // "service:NAME", "family:FAMILY" or the caller's
    char deployment[WORLD_ID];     // "" for standalone tasks
    char started_by[WORLD_ID];
};

// An EC2 instance and, once registered, its container instance.
struct world_instance {
    bool used;
    bool spot;
    bool agent_connected;
    bool never_registers;          // scripted: bad AMI
    bool replaced;                 // by its fleet, which ends it after its delay
    bool ghost;                    // scripted: ended without deregistering; ECS keeps it and its tasks as they were
    uint64_t serial;
    struct world_lagged state;     // enum world_lifecycle
    struct world_lagged status;    // enum world_ecs_status
    enum world_actor drained_by;   // meaning only while status is WE_DRAINING
    int cluster, fleet, pool;      // fleet -1: launched by a person
    int first_task;                // list through world_task.next_of_instance
    int64_t notice_ms, deadline_ms;  // spot notice: when it came, when it ends; 0 = none
    int64_t draining_ms, rebalance_ms;
    const char *event; int64_t event_ms;  // of EC2, which ends it then: "instance-retirement", …, static text; NULL none
    enum world_end end; enum world_actor ended_by;  // the latter means something only with end
    struct world_membership member;  // of an Auto Scaling group
    int64_t weight_milli;
    struct res registered, remaining;  // remaining as ECS tells it: tasks with desired STOPPED are already off
    int32_t running_tasks, pending_tasks;  // as ECS tells it
    int64_t version;               // grows with each change of the container instance
    int64_t created_ms, launched_ms, running_ms, registered_ms, ended_ms, terminated_ms;
    int template, subnet, provider;  // provider -1: of none
    const struct world_held *held; // by service, at an interruption's notice
    int held_count;
    char id[24];                   // "i-0…"
    char ci_id[40];                // container instance id, "" before registration
    char trunk_id[24];             // "eni-…" where its template has trunking
    int attribute_count, tag_count;
    struct world_attribute attributes[WORLD_ATTRIBUTES];
    struct world_tag tags[WORLD_TAGS];
};

struct world_override {
    int type, zone;                // zone -1: any
    int64_t weight_milli;
};

struct world_fleet {
    char id[WORLD_ID];             // "sfr-…"; of an EC2 Fleet "fleet-…"; or the group's name
    bool ec2_fleet;                // an EC2 Fleet, not a Spot Fleet request
    enum world_rebalance rebalance;
    int64_t rebalance_delay_ms;    // of WREB_LAUNCH_BEFORE_TERMINATE
    int cluster, template;         // where its instances register (user data), and as what
    int group;                     // index into world.groups: an Auto Scaling group; -1: a Spot Fleet
    bool maintain;
    bool instant;                  // launched once, when it was created
    struct world_launch launch;
    struct world_lagged state;     // enum world_fleet_state
    struct world_lagged target, on_demand;  // as described: the old ones while modifying
    int64_t wanted, wanted_on_demand;       // as last accepted by a modify
    int64_t modify_done_ms;
    enum world_actor modified_by;  // of the last accepted modify
    enum world_excess excess;
    enum world_allocation allocation;
    enum world_activity activity;
    struct world_override overrides[WORLD_OVERRIDES];
    int override_count; bool by_attributes; struct world_requirements needs;  // by_attributes: it asks for these, the overrides are what meets them
    int64_t fulfilled_milli;       // Σ weights of members that count, pending ones too
    int64_t open_milli, open_on_demand_milli;  // ordered from EC2, not launched yet; the on-demand part of it
    int64_t created_ms, valid_until_ms;
    bool ends_with_expiration;     // terminateInstancesWithExpiration
    const char *stuck; int64_t stuck_ms;  // scripted: launches nothing, and this sub-type of error is in its history; NULL: it works
    struct world_fleet_event events[WORLD_FLEET_EVENTS];  // newest first
    struct world_tag tags[WORLD_TAGS];
    int tag_count;
};

struct world_cluster {
    char name[WORLD_ID];
    int64_t headroom_permyriad;    // for need_instances of the summary: of the reserved capacity …
    struct res headroom;           // … and whole tasks
};

// A spot notice as EventBridge would send it; `seq` grows by one each.
struct world_notice {
    uint64_t seq;
    int instance;
    char instance_id[24];
    int64_t at_ms, deadline_ms;
    bool rebalance;                // only a recommendation
};

// What EventBridge would tell: `seq` grows by one each.
enum world_news_kind {
    WNEWS_INTERRUPTION, WNEWS_REBALANCE, WNEWS_STATE,         // of an instance
    WNEWS_LAUNCHED, WNEWS_TERMINATION_NOTIFIED,               // of a member of a fleet
    WNEWS_FLEET,                                              // of a fleet: `word` is its sub-type
    WNEWS_FLEET_ERROR, WNEWS_FLEET_INFO,                      // … and the pool it is about, -1 all
    WNEWS_LAUNCH_FAILED,                                      // of a group: `word` is the message
    WNEWS_HOOK_LAUNCH, WNEWS_HOOK_TERMINATE,                  // a lifecycle hook, `word`, holds a member of a group
};
struct world_news {
    uint64_t seq;
    enum world_news_kind kind;
    int64_t at_ms;
    int fleet, pool;               // -1 none
    char instance_id[24];          // "" none
    enum world_lifecycle state;    // WNEWS_STATE
    const char *word;              // lives as long as the world
};

struct world_counters {
    int64_t launches, terminations, interruptions, replacements, launch_failures;
    int64_t interrupted_tasks, interrupted_tasks_in_time;  // summary.h
    int64_t drains_begun, drains_undone, drains_finished;  // by ours; finished = ended by us afterwards
    int64_t tasks_started, tasks_stopped, tasks_killed, tasks_lost;  // killed: by us; lost: by AWS or a person
    int64_t tasks_moved;           // stopped by ECS because their instance drains, without a notice for it
    int64_t placements_failed, deployments, batch_asked, batch_refused;
};

static inline int64_t world_seen(const struct world_lagged *v, int64_t at_ms)
{
    return at_ms >= v->changed_ms ? v->now : v->before;
}
