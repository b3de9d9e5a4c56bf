// What was read of one cluster, look by look, joined by nobody yet: gather fills it, gather_snapshot.c makes a snapshot of it.
//
// Each look makes a new struct facts in an arena of its own; what could not be read again is copied from the look before with
// its old age. Strings are never NULL. Times are wall milliseconds, 0 is never.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/model/snapshot.h"
#include "scaler/aws/ecs.h"

struct fact_container {          // ECS container instance
    const char *arn, *ec2_id, *type, *zone, *subnet, *arch, *provider, *agent_version;
    enum ecs_state state;
    bool agent_connected, trunk, forbidden;
    int64_t disconnected_since_ms, registered_ms, version;
    int32_t running, pending;    // tasks, as ECS counts them
    struct res registered, remaining;
    struct port_set ports;       // in use or reserved
    const struct ecs_attribute *attributes;  // as told, but for values that differ on each instance: those are ""
    size_t attribute_count;
};

struct fact_ec2 {                // EC2 instance
    const char *id, *type, *zone, *subnet, *arch, *fleet, *mark, *launch_template;
    const char *address;         // private IPv4, "" none told
    enum ec2_state state;
    const char *member;          // LifecycleState in its Auto Scaling group, "" of none
    bool spot, forbidden, interrupted, volume_attached, scale_in_protected;
    bool ever_registered;        // in this or an earlier look
    int64_t launched_ms;
    int64_t vanished_ms;        // since this look ECS does not show it, and did before; 0 it does, or never did
    int64_t interrupted_since_ms;
};

struct fact_deployment {
    const char *id, *definition;
    bool primary, in_progress;
    int32_t desired, running, pending, failed;
    int64_t created_ms;
};

#define FACT_SEEN_MAX 16  // looks at the shortest period in FACT_HEALTHY_MS, with room
#define FACT_HEALTHY_MS 60000  // a task that ran this long is healthy: 40 s by ECS, and reads lag

struct fact_service {
    const char *arn, *name, *last_event;
    const char *launch;          // launch type: "EC2", "FARGATE", …; "" not told, or a strategy of providers
    const struct ecs_provider_share *providers;
    size_t provider_count;
    const char *const *subnets;  // awsvpc
    const char **target_groups;  // as in ecs.h
    size_t subnet_count, target_group_count;
    bool daemon, crash_text;
    int32_t desired, running, pending, min_percent, max_percent;
    int32_t young;               // as the counts of the looks tell; the starts of the tasks may tell of more
    struct { int64_t at_ms; int32_t running; } seen[FACT_SEEN_MAX];  // looks of the last minute, newest first
    int seen_count;
    struct fact_deployment *deployments;
    size_t deployment_count;
    struct place_strategy strategies[PLACE_MAX];
    int strategy_count;
    bool distinct_instance;
    const char **member_of;      // expressions
    size_t member_of_count;
    const char *odd_strategy;    // a strategy that we cannot evaluate, "" none
    int64_t unsteady_since_ms, unplaced_since_ms;
    int32_t failed_base;         // failedTasks of the primary at failed_base_ms
    int64_t failed_base_ms;
    int32_t absent_looks;        // describes that did not know it (safety.md F9: gone after 3)
};

#define FACT_REFUSALS_MAX 64

// A pool that a fleet's history says it gets nothing from.
struct fact_refusal {
    char type[32], zone[32];
    int64_t at_ms;
};

// Of an Auto Scaling group, beside what it shares with fleets.
struct fact_group {
    int64_t min, max;
    int64_t on_demand_base, on_demand_percent;  // of its mixed instances policy, 0 none
    bool no_launch, no_terminate, rebalances, refreshing;
    const char *scaler;          // a policy or capacity provider of AWS that scales it, in words, "" none
    const char *hook;            // its termination hook that the policy names, "" none
    int64_t heartbeat_ms, limit_ms;
};

struct fact_fleet {
    const char *id, *activity, *allocation, *owner, *control;
    const char *name;            // what the policy calls it
    const char *unfound;         // why it was not found, "" AWS does not know the id
    const char *rebalance;       // replacement strategy of its capacity rebalancing, "" off
    enum fleet_kind kind;
    bool ends_with_expiration;
    int64_t rebalance_delay_ms;
    const char *last_error;      // of its history, "" none
    struct fact_refusal refusals[FACT_REFUSALS_MAX];  // the newest of each pool
    size_t refusal_count;
    int64_t capacity_error_ms;   // no pool of it has capacity, 0 never
    int64_t last_error_ms, history_ms, trouble_since_ms;  // history_ms: when it was last asked for
    enum fleet_state state;
    bool found, maintain;
    int64_t target, on_demand_target, fulfilled_milli, valid_until_ms;
    const struct ec2_fleet_override *overrides;
    size_t override_count;
    struct fact_group group;     // of kind FLEET_GROUP
};

struct fact_task {
    const char *arn, *definition, *container, *group;  // container: ARN of the container instance, "" none yet
    bool running;                // lastStatus RUNNING
    bool stopping;               // desired STOPPED
    bool stopped;                // lastStatus STOPPED: out of the box, remembered so that it is not described again
    int64_t started_ms;          // since when it is RUNNING; where AWS does not tell, the first look that saw it so; 0 not yet
    int64_t protected_until_ms;  // INT64_MAX: no end told
    bool own_need;               // overrides change what it reserves: `need` counts
    struct res need;
    const struct ecs_task *told; // as described in this very look, NULL when carried over
};

struct facts {
    int64_t at_ms;
    struct source sources[SOURCE_COUNT];
    const char **container_arns, **service_arns;
    size_t container_arn_count, service_arn_count;
    struct fact_container *containers;
    size_t container_count;
    struct fact_ec2 *ec2;
    size_t ec2_count;
    struct fact_service *services;
    size_t service_count;
    struct fact_fleet *fleets;
    size_t fleet_count;
    struct fact_task *tasks;     // by ARN
    size_t task_count;
    int64_t listed_ms;           // when both lists were last read whole
    int64_t tasks_listed_ms;     // last complete cluster-wide list
    // In the next look, though its turn has not come: all lists, because one of these failed or services went missing; the
    // container instances, because something boots or vanished; the tasks, because counts disagreed.
    bool lists_wanted, containers_wanted, tasks_wanted;
};
