// The snapshot: everything one tick knows about one cluster, and how old each fact is.
//
// Plain structs, owned by the tick's arena (or the test that made them); strings are NUL-terminated and never NULL unless
// said so. Unknown is explicit: a source that failed is not an empty list. The planner reads it and nothing else.
// References between tables are indices into the arrays here; -1 is none. Array order is by id, so equal worlds give
// equal snapshots. Times are wall milliseconds; 0 is never.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/model/allowed.h"
#include "planner/model/res.h"
#include "planner/model/shape.h"

// ---- where facts come from ------------------------------------------------------------------------------------------------
enum source_kind {
    SOURCE_CONTAINER_INSTANCES,  // ECS container instances, their state and resources
    SOURCE_SERVICES,             // ECS services and deployments
    SOURCE_TASKS,                // ECS tasks: what is where
    SOURCE_TASK_DEFINITIONS,     // shapes
    SOURCE_EC2_INSTANCES,        // EC2 instances of our fleets and of the cluster
    SOURCE_FLEETS,               // Spot Fleet requests: target, weights, state
    SOURCE_INSTANCE_TYPES,       // what a type has and costs
    SOURCE_COUNT
};

enum source_state {
    SOURCE_UNKNOWN,  // never read, or the last read failed: nothing may be removed because of it
    SOURCE_PARTIAL,  // some of it failed: counts as unknown for removal
    SOURCE_OK,
};

struct source {
    enum source_state state;
    int64_t read_ms;     // when the facts held; 0 if never
    const char *detail;  // what failed, for people; "" when fine
};

// ---- services -------------------------------------------------------------------------------------------------------------
struct deployment {
    const char *id;
    bool primary;
    int shape;        // index; -1 unknown
    int32_t desired, running, pending, failed;
    bool in_progress;  // rolloutState IN_PROGRESS, or more than one deployment
    int64_t created_ms;  // 0 unknown
};

enum service_kind { SERVICE_REPLICA, SERVICE_DAEMON };

// A part of a capacity provider strategy: the first `base` tasks, then by weight.
struct provider_share {
    const char *provider;
    int32_t base, weight;
};

struct service {
    const char *name;
    const char *arn;
    enum service_kind kind;
    bool on_ec2;             // launch type EC2 or a provider of our fleets; false: Fargate, EXTERNAL, managed: never ours
    const char *not_ours;    // where on_ec2 is false: why, "Fargate", "provider web-cp has managed scaling"; "" = on_ec2
    struct provider_share *providers;  // its strategy: each task runs on its provider's instances only; none: on any
    size_t provider_count;
    int32_t desired, running, pending;
    int32_t min_percent, max_percent;
    struct deployment *deployments;
    size_t deployment_count;
    int primary;             // index into deployments; -1 none
    int32_t young;           // of running, those that may not be healthy yet: ECS counts a task so after 40 s (safety.md N3)
    int64_t unsteady_since_ms;  // 0 = steady; when running left desired (kept by gather)
    int64_t unplaced_since_ms;  // 0 = all placed; since when desired > running + pending (kept by gather)
    bool crash_looping;         // failedTasks grows or "unable to consistently start": no new capacity
    const char *last_event;     // newest placement-related event text, "" if none
    const char **target_groups;  // of load balancers, "targetgroup/web/6d0ecf831eec9f09"; one each time its tasks are put into it
    size_t target_group_count;
};

// ---- instances ------------------------------------------------------------------------------------------------------------
enum ecs_state {
    ECS_UNREGISTERED,  // EC2 instance of a fleet that ECS does not know (yet)
    ECS_REGISTERING,
    ECS_REGISTRATION_FAILED,
    ECS_ACTIVE,
    ECS_DRAINING,
    ECS_DEREGISTERING,
    ECS_INACTIVE,
    ECS_OTHER,  // a state of a newer API: counts for nothing, is touched by nobody
    ECS_STATE_COUNT
};
enum ec2_state { EC2_UNKNOWN, EC2_PENDING, EC2_RUNNING, EC2_SHUTTING_DOWN, EC2_TERMINATED, EC2_STOPPING, EC2_STOPPED, EC2_STATE_COUNT };

// Tasks of one shape and service on one instance. `service` is -1 for standalone tasks.
struct holding {
    int service, shape;
    int32_t running;    // lastStatus RUNNING, desired RUNNING
    int32_t pending;    // PROVISIONING … ACTIVATING, desired RUNNING
    int32_t stopping;   // desired STOPPED, lastStatus not STOPPED: still in the box
    int32_t protected_; // of these, protected from scale-in
    const char *example_task;  // id of one of them, for explanations; "" unknown
    int64_t oldest_ms;         // when the first of those running started, 0 unknown
};

struct instance {
    const char *id;        // EC2 id "i-…", never ""
    const char *arn;       // container instance ARN, "" when unregistered
    const char *type;      // "c5.2xlarge", "" unknown
    const char *zone;      // "us-east-1a", "" unknown
    const char *arch;      // "x86_64", "arm64", "" unknown
    bool spot;
    int fleet;             // index, -1: not of our fleets
    int64_t weight_milli;  // its weightedCapacity × 1,000; 1,000 by default
    enum ecs_state ecs;
    enum ec2_state ec2;
    bool agent_connected;
    int64_t disconnected_since_ms;  // 0 = connected (kept by gather)
    int64_t launched_ms, registered_ms;
    struct res registered, remaining;  // as ECS says; zero when unregistered
    struct holding *holdings;
    size_t holding_count;
    bool tasks_known;       // holdings are complete and fresh
    int32_t ecs_running, ecs_pending;  // counts as ECS says, to cross-check
    const char *mark;       // value of the tag masu:drain, "" = not marked: never ours
    int64_t marked_ms;      // from the tag's value
    bool forbidden;         // tag masu:keep: never chosen
    int64_t notice_ms;      // spot notice: when its two minutes began, 0 = none
    int64_t rebalance_ms;   // since when it is at risk: rebalance recommendation, scheduled event; 0 = not
    int64_t event_ms;       // a scheduled event of EC2 stops or ends it then, 0 = none
    const struct attribute_set *attributes;  // one of attribute_sets: as registered, or as its pool's when it boots; NULL unknown
    struct port_set ports;  // host ports in use or reserved, as ECS says
    const char *provider;   // capacity provider that it registered with, "" none
    const char *agent_version;  // of the ECS agent, "1.105.1"; "" unknown
    const char *launch_template;   // "lt-0abc:3" id and version it was launched from, "" unknown
    const char *elsewhere;  // another cluster that we watch in which it is registered, "" none
    bool ever_registered;   // was seen registered since we look (gather remembers)
    bool volume_attached;   // an EBS volume was attached after launch (safety.md C11)
    const char *member;     // LifecycleState in its Auto Scaling group, "InService", "Terminating:Wait"; "" or NULL: of none
    bool scale_in_protected;  // in its group
};

// ---- fleets ---------------------------------------------------------------------------------------------------------------
// GROUP is an Auto Scaling group; INSTANT stands for the EC2 Fleets of type instant, one an order, whose members nothing replaces.
enum fleet_kind { FLEET_SPOT_FLEET, FLEET_EC2_FLEET, FLEET_GROUP, FLEET_INSTANT, FLEET_KIND_COUNT };
enum fleet_state {
    FLEET_STATE_UNKNOWN,
    FLEET_SUBMITTED,
    FLEET_ACTIVE,
    FLEET_MODIFYING,
    FLEET_CANCELLED_RUNNING,
    FLEET_CANCELLED_TERMINATING,
    FLEET_CANCELLED,
    FLEET_FAILED,
    FLEET_STATE_COUNT
};

// One override of a fleet: a type in a zone and what it weighs.
struct fleet_pool {
    int type;              // index into types, -1 unknown
    const char *type_name;
    const char *zone;      // "" = any zone of the fleet
    int64_t weight_milli;
    const char *subnet;    // "" unknown
    bool subnet_full;      // the subnet has no free address: nothing can launch there
    const char *launch_template;  // "lt-0abc:3" of what it launches now, "" unknown
    const struct attribute_set *attributes;  // one of attribute_sets: what a new member will have; NULL nothing known
    int64_t spot_usd_micro, refused_ms;  // an hour in its zone, 0 unknown; when its fleet's history last refused it, 0 never
    int32_t score;         // AWS's placement score of its zone for the fleet's types, 1 to 10; 0 not asked
    int64_t scored_ms;     // when it was told
    bool attributes_known; // seen on a registered member of this very pool: what the set lacks, a new member will lack
};

struct fleet {
    const char *id;        // "sfr-…", "fleet-…"; where none was found: what the policy calls it
    const char *name;      // what the policy calls it (policy_fleet_name), "" where that is the id
    enum fleet_kind kind;
    enum fleet_state state;
    bool found;            // false: AWS does not know it (the policy may be wrong)
    const char *unfound;   // why not, for people: "2 active fleets carry Team=web: sfr-1, sfr-2"; "" it does not know the id
    bool maintain;         // type maintain: replaces and can be modified
    const char *activity;  // activityStatus as told, "" unknown
    const char *replaces;     // members at risk, by itself: "launch", "launch-before-terminate", of a group "group"; "" or NULL: it does not
    int64_t replace_delay_ms; // "launch-before-terminate": it ends them so long after the replacement was launched
    int64_t target, on_demand_target;  // in weight units
    int64_t fulfilled_milli;
    struct fleet_pool *pools;
    size_t pool_count;
    // of an Auto Scaling group
    const char *provider;     // capacity provider whose instances it launches, "" or NULL none known
    int64_t min_size, max_size;
    int64_t on_demand_base, on_demand_percent;  // of its mixed instances policy, 0 none
    bool no_launch, no_terminate;  // processes suspended: Launch (by a person, or by AWS after a day of failures), Terminate
    bool rebalances;          // AZRebalance is not suspended
    bool refreshing;          // an instance refresh waits or runs
    const char *hook;         // its termination hook that the policy lets us complete, "" or NULL none
    int64_t hook_heartbeat_ms, hook_limit_ms;
    const char *allocation;   // "lowestPrice", …, "" unknown
    int64_t valid_until_ms;   // 0 = none
    bool ends_with_expiration;  // and its instances with it
    const char *owner;        // tag masu:owner, "" none
    bool foreign_scaling;     // another controller scales it: read-only
    const char *foreign;      // which one, for people; "" none
    const char *control;      // tag masu:mode: "pause", "freeze", "add-only", "" none
    const char *denied;       // API action of ours that was denied on it and has not succeeded since, "" none (kept by the shell)
    const char *last_error;   // newest error of its history, "" none
    int64_t last_error_ms, capacity_error_ms;  // 0 none; …: the newest that says that no pool of it has capacity
};

struct instance_type {
    const char *name;
    struct res nominal;        // of the EC2 type; zero when unknown
    struct res registered;     // newest registration seen (gather learns); zero = not seen yet
    const char *arch;
    int64_t spot_usd_micro, on_demand_usd_micro;  // an hour; 0 = unknown
};

// What the forecast asks for (planner/forecast/outlook.h), in instances of one size.
struct outlook {
    int64_t at_ms;             // 0: there is none
    int64_t need_milli;        // what is wanted now
    int32_t up;                // as many should run or come: worth their boot
    int32_t keep;              // running ones up to this are worth keeping; never below up
    int64_t boot_ms, most_28d_milli;  // how far ahead it looks; the most that was wanted in 28 days, 0 unknown
};

// A subnet of our fleets or of a service's tasks.
struct subnet {
    const char *id;
    int64_t addresses, free;   // that there are for instances and interfaces, and that nobody has
};

struct snapshot {
    int64_t now_ms;            // the tick's only time
    const char *account, *region, *cluster;
    const char *owner;         // what we write into masu:owner; "" = claims nothing
    const char *policy_hash;   // of the whole policy in force, "" unknown
    const char *confirmed;     // hash, or its first 7 digits and more, of the policy that a person confirmed (L14), "" none
    struct control control;
    struct local_time *local_times;  // of the zones of the policy's budgets
    size_t local_time_count;
    struct occasion *occasions;  // of the policy's calendar: the next ones of each entry, in the policy's order
    size_t occasion_count;
    struct quota *quotas;      // of the classes that our fleets use
    size_t quota_count;
    struct subnet *subnets;    // of which both numbers are known
    size_t subnet_count;
    int64_t dearest_usd_micro; // the dearest hour of the last 14 days (L15), 0 unknown
    int64_t listed_ms;         // when the lists of instances and services were last read whole, 0 never
    int64_t clock_off_ms;      // our wall clock less AWS's
    int64_t started_ms;        // when this daemon began to look at this cluster (L1)
    int32_t complete_looks;    // looks since then with all sources OK
    struct source sources[SOURCE_COUNT];
    struct attribute_set *attribute_sets;
    size_t attribute_set_count;
    struct instance_type *types;
    size_t type_count;
    struct fleet *fleets;      // in the policy's order
    size_t fleet_count;
    struct shape *shapes;
    size_t shape_count;
    struct service *services;
    size_t service_count;
    struct instance *instances;
    size_t instance_count;
    int64_t boot_p90_ms, boot_p95_ms;  // learned launch → registered, 0 = not yet known
    struct outlook outlook;
    struct source usage;       // measured use (shape.used_p95), where the policy names a source of it; detail may be NULL
    struct source overflow;    // circuit breakers between services, where the policy asks for them; detail may be NULL
    struct source requests;    // of load balancers, where the policy asks for them: for people, no plan reads them; detail may be NULL
    const char *overflowing;   // whose are open, for people: "main-web, main-api"; "" or NULL none
};

const char *source_kind_name(enum source_kind k);   // "container_instances", …
const char *ecs_state_name(enum ecs_state s);       // "ACTIVE", … as ECS writes it; "UNREGISTERED"
const char *ec2_state_name(enum ec2_state s);       // "running", … as EC2 writes it; "unknown"
const char *fleet_state_name(enum fleet_state s);   // "active", …
const char *fleet_kind_name(enum fleet_kind k);     // "spot_fleet", "ec2_fleet", "group", "instant"
bool instance_group_ends(const struct instance *x); // its Auto Scaling group ends it: "Terminating", "Terminating:Wait", …
const char *fleet_name(const struct fleet *f);      // what the policy calls it
const char *control_mode_name(enum control_mode m); // "run", "add-only", "pause", "freeze"
// Circuit breakers are open: less is asked than is wanted (G7).
static inline bool snapshot_overflows(const struct snapshot *s)
{
    return s->overflow.state == SOURCE_OK && s->overflowing && s->overflowing[0];
}

// What a type registers: learned, else 94 % of nominal memory − 256 MiB and all CPU (safety.md F5); zero when unknown.
struct res instance_type_capacity(const struct instance_type *t);
