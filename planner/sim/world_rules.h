// What tasks ask of the instances that hold them: task definitions, overrides of one task, and the placement rules of a service or
// of a RunTask; and what decides whether an instance answers: its launch template, subnet and capacity provider. Part of
// world_state.h; texts and arrays behind pointers belong to the world once it has been given them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "planner/model/res.h"

#define WORLD_ID 48           // bytes of an id or name, NUL included
#define WORLD_PORTS 16        // host ports of a task definition
#define WORLD_MAPPINGS 8      // port mappings of a container
#define WORLD_CONTAINERS 10
#define WORLD_VOLUMES 8
#define WORLD_STRATEGIES 5
#define WORLD_CONSTRAINTS 10
#define WORLD_SUBNETS 16
#define WORLD_ATTRIBUTES 10   // custom ones of an instance
#define WORLD_BALANCERS 5     // of a service
#define WORLD_SHARES 6        // of a capacity provider strategy
#define WORLD_LEFT_OUT (-1)   // of a number that a request or definition leaves out

enum world_network { WN_BRIDGE, WN_HOST, WN_AWSVPC, WN_NONE };
enum world_strategy_kind { WS_SPREAD_INSTANCE, WS_SPREAD_ZONE, WS_SPREAD_TYPE, WS_SPREAD_ATTRIBUTE, WS_BINPACK_CPU, WS_BINPACK_MEMORY, WS_RANDOM };

struct world_query;

struct world_strategy {
    enum world_strategy_kind kind;
    const char *attribute;         // of WS_SPREAD_ATTRIBUTE; zone and type have kinds of their own
};

struct world_port {
    int32_t host, container;       // host 0: dynamic, not reserved
    bool udp;
};

struct world_attribute {
    const char *name, *value;      // value "" = it has none
};

struct world_container {
    char name[WORLD_ID];
    int64_t cpu_units, memory_mib, soft_mib;  // 0 = left out; soft: memoryReservation
    int32_t gpus;
    bool essential;
    struct world_port ports[WORLD_MAPPINGS];
    int port_count;
};

struct world_volume {
    char name[WORLD_ID];
    char source_path[128];         // of the host; "" = none
    bool docker, shared;           // dockerVolumeConfiguration; its scope is shared
};

// A definition is given either as a need (containers are then made up in one of the documented forms) or by its containers and
// task-level numbers (need is then what ECS reserves of them). world_add_taskdef fills in the other side.
struct world_balancer {          // the tasks of a service are put into a target group; nothing of the world depends on it
    const char *target_group, *container;  // its ARN; whose port it is
    int32_t port;
};

struct world_taskdef {
    char family[WORLD_ID];
    int32_t revision;
    int64_t registered_ms;
    struct res need;               // RES_ENI 1 = awsvpc
    struct world_port ports[WORLD_PORTS];  // that it holds on its host
    int port_count;
    enum world_network network;
    int64_t cpu_units, memory_mib; // of the task; 0 = left out
    const struct world_container *containers;
    int container_count;
    const struct world_volume *volumes;
    int volume_count;
    const struct world_attribute *requires;   // requiresAttributes: name, and value unless ""
    int require_count;
    const char *member_of[WORLD_CONSTRAINTS];
    const struct world_query *queries[WORLD_CONSTRAINTS];  // of member_of, by world_add_taskdef
    int member_of_count;
    int64_t stop_timeout_ms;       // containers' stopTimeout
    int64_t stops_in_ms;           // how long its containers really take; more than the timeout: killed at the timeout
    int64_t start_ms;              // typical image pull and start
    bool crashes;                  // ends right after its start
    bool fails_to_start;           // its image cannot be pulled: TaskFailedToStart
    bool inactive;                 // deregistered: what runs goes on, RunTask is refused
};

// Overrides of one task; numbers are WORLD_LEFT_OUT where the definition's stand.
struct world_container_override {
    char name[WORLD_ID];
    int64_t cpu_units, memory_mib, soft_mib;
    int32_t gpus;
};
struct world_task_override {
    int64_t cpu_units, memory_mib;
    const struct world_container_override *containers;
    int container_count;
};

struct world_share {
    int provider;
    int64_t base, weight;
};

// Placement rules of a service or of a RunTask; those of the task definition apply too.
struct world_rules {
    bool distinct_instance;
    const char *member_of[WORLD_CONSTRAINTS];
    const struct world_query *queries[WORLD_CONSTRAINTS];
    int member_of_count;
    struct world_strategy strategies[WORLD_STRATEGIES];
    int strategy_count;
    int subnets[WORLD_SUBNETS];    // of awsvpc tasks; none: anywhere
    int subnet_count;
    struct world_share shares[WORLD_SHARES];  // none: launch type EC2
    int share_count;
};

struct world_subnet {
    char id[32], vpc[32];
    int zone;
    int32_t addresses;             // for instances and awsvpc tasks; a used up subnet takes no launches
};

// A version of a launch template: what an instance launched from it becomes. Faults of a version are here (faults.h).
struct world_template {
    char id[32], ami[32], agent_version[16];
    char name[64];                 // "" none
    int32_t version;
    int cluster;                   // whose name is in its user data: what CreateFleet launches from it registers there
    bool trunking;                 // instances get ecs.awsvpc-trunk-id and the slots that come with it
    bool lacks_capabilities;       // an old agent: no com.amazonaws.ecs.capability.* but the oldest
    uint32_t never_registers;      // bits of zones
    bool registration_fails;       // REGISTRATION_FAILED (no ENI, no trunk …)
    int64_t memory_lost_mib;       // registers so much less
    struct world_attribute attributes[WORLD_ATTRIBUTES];  // ECS_INSTANCE_ATTRIBUTES
    int attribute_count;
};

struct world_provider {
    char name[WORLD_ID];
    bool managed;                  // managedScaling ENABLED: what has no place waits in PROVISIONING
    int32_t target_percent;
    int group;                     // the fleet of its Auto Scaling group, plus one; 0: a group that this world does not play
};

// reserve.c: what the scheduler reserves for a task of the definition, which has containers.
struct res world_reservation(const struct world_taskdef *d, const struct world_task_override *o);  // o may be NULL
