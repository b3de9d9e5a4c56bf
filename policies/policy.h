// The policy: what the operator allows and wants, typed. Read once from JSON through the key table (policy_keys.c), which is also
// the source of defaults, bounds, units, help, the JSON Schema and the reference text. Durations are milliseconds here and
// whole seconds in the file (`*_s`). Strings and arrays are owned by the arena given to the loader.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "planner/model/snapshot.h"
#include "policies/policy_calendar.h"
#include "policies/policy_instant.h"
#include "policies/policy_requirements.h"
#include "policies/policy_usage.h"

enum policy_mode { MODE_ACT, MODE_ADD_ONLY, MODE_OBSERVE, MODE_COUNT };
enum on_deadline { ON_DEADLINE_UNDO, ON_DEADLINE_WAIT };

// An attribute that every instance of a fleet registers with; value "" = none.
struct policy_attribute {
    const char *name, *value;
};

struct policy_subnet {
    const char *id, *zone;  // "subnet-…", "eu-west-1a"
};

// Which part of a cluster's need a fleet serves.
enum fleet_role {
    FLEET_ROLE_SPOT,
    FLEET_ROLE_BASE,   // raised first, shrunk last
    FLEET_ROLE_BURST,  // raised only for what the others cannot serve, shrunk first
    FLEET_ROLE_BATCH,  // only for standalone tasks, and for services whose provider or attributes no other fleet has
    FLEET_ROLE_COUNT
};

struct policy_hook {
    const char *name;    // of a lifecycle hook
};

// Named by exactly one of id, group, tag and instant.
struct policy_fleet {
    const char *id;      // "sfr-…" or "fleet-…", "" none
    const char *tag;     // "Key=Value": the one active fleet that carries it when masu looks; "" none
    const char *group;   // name of an Auto Scaling group; "" none
    struct policy_hook *hooks;  // lifecycle hooks of the group that masu may complete
    size_t hook_count;
    struct policy_instant instant;
    struct policy_requirements requirements;
    enum fleet_role role;
    bool gpus_shared;    // E7: its GPU types may be ordered for tasks that reserve no GPU, where no other type holds them
    int64_t min, max;    // target capacity in the fleet's own units (instances where it has no weights); max is required, min 0
    int64_t on_demand_base, on_demand_percent;  // the first units of the target, and so much above them, run on demand
    // What its instances are like, where nothing registered has shown it yet.
    const char *arch;    // "x86_64", "arm64", "" = learned
    struct policy_attribute *attributes;
    size_t attribute_count;
    struct policy_subnet *subnets;
    size_t subnet_count;
};

// While its window holds, the mode is no freer than this.
enum freeze_mode { FREEZE_ADD_ONLY, FREEZE_PAUSE, FREEZE_FREEZE, FREEZE_MODE_COUNT };
struct policy_freeze {
    struct policy_window window;
    enum freeze_mode mode;
    const char *reason;    // for people
};

// While its window holds, at most so many drains of its reason at once; the strictest of all that hold counts.
enum budget_reason { BUDGET_ANY, BUDGET_EMPTY, BUDGET_TASKS, BUDGET_REASON_COUNT };
struct policy_budget {
    enum budget_reason reason;  // any drain; of an instance without tasks; of one with tasks
    int64_t percent;            // of the cluster's instances, rounded down but at least 1 unless 0
    int64_t instances;
    struct policy_window window;
};

struct policy_header {
    const char *name;
    const char *value_env;  // environment variable that holds the value: no secret in the file
    const char *value_file; // or a file whose first line it is
};

enum alert_level { ALERT_LEVEL_INFO, ALERT_LEVEL_WARNING, ALERT_LEVEL_CRITICAL, ALERT_LEVEL_COUNT };
enum webhook_format { WEBHOOK_MASU, WEBHOOK_SLACK, WEBHOOK_ALERTMANAGER, WEBHOOK_FORMAT_COUNT };
struct policy_alerts {
    const char *webhook_url;      // "" none
    const char *webhook_url_env;  // environment variable that holds it, "" none
    struct policy_header *webhook_headers;
    size_t webhook_header_count;
    enum webhook_format webhook_format;
    enum alert_level webhook_level;  // alerts of this severity and above are sent
};

// A queue (SQS) that brings events of EC2, ECS and Auto Scaling, as EventBridge or SNS put them there.
struct policy_queue {
    const char *url;      // "https://sqs.eu-west-1.amazonaws.com/111122223333/masu"; required
    const char *region;   // "" = as the URL's host says, else AWS_REGION
    const char *account;  // whose credentials read it; "" = the clusters' own
    bool shared;          // others read it too: what is not ours is left there
};

struct policy_headroom_task {
    const char *service;  // whose shape
    int64_t tasks;        // whole tasks that must fit at any time
};

struct policy_cluster {
    const char *name;    // short name or ARN; required
    const char *region;  // "" = AWS_REGION
    const char *account; // "" = that of the credentials
    struct policy_fleet *fleets;
    size_t fleet_count;  // at least 1
    enum policy_mode mode;
    int64_t period_ms;              // a tick each
    int64_t max_age_ms;             // facts older than this are unknown
    int64_t fallback_ms;            // a fleet unfulfilled for so long: its need moves to others (L17)
    int64_t on_demand_ms;           // … and for so long: to on-demand; 0 never
    int64_t max_usd_micro;          // an hour (L15); 0 = twice the dearest hour of 14 days, else what max costs on demand
    struct policy_freeze *freeze;
    size_t freeze_count;
    struct policy_calendar calendar;
    int64_t waiting_costs_milli;    // of an instance-second that tasks wait, in thousandths of an instance-second; 0: no forecast in the plan
    const char *time_zone;          // whose clock demand's days follow; "UTC"
    int64_t placement_scores_ms;    // spot placement scores are asked for at most so often; 0: never
    int64_t pool_share_percent;     // of a service, in one pool of spot instances; 0: no bound
    int64_t on_demand_base, on_demand_percent;  // so many instances of the cluster run on demand, and so much of each fleet above that
    struct policy_usage usage;
    int64_t requests_ms;            // what load balancers sent to each service is asked for so often; 0: never
    // headroom
    int64_t headroom_percent;       // of the reserved capacity
    struct policy_headroom_task *headroom_tasks;
    size_t headroom_task_count;
    // scale-out
    int64_t step_instances;         // L10: at most this many (or 100 % of ACTIVE, the larger) coming at once
    int64_t boot_limit_ms;          // not registered after this: no longer counted as coming
    int64_t surge_services;         // F7: deployments of the largest so many services get their whole surge at once
    // scale-in
    bool scale_in;                  // false: never drains
    int64_t start_hold_ms;          // L1: no new drain after a start (with a restored memo half of it)
    int64_t unneeded_ms;            // L2
    int64_t min_age_ms;             // L3
    int64_t drain_percent;          // L4: of the cluster's instances, at least 1, at most 50
    int64_t service_percent;        // L5: of a service's tasks on draining instances, at least 1 task
    int64_t settle_ms;              // L6: a service whose tasks moved is steady for so long
    int64_t shrink_percent;         // L7: of capacity in any 10 min, at least 1 instance
    int64_t drain_deadline_ms;      // L19
    enum on_deadline on_deadline;
    int64_t exclude_ms;             // L16: a failed drain's instance is no candidate for so long
    int64_t demand_hold_ms;         // F2: capacity ordered for a demand is no candidate for so long
    struct policy_budget *budgets;
    size_t budget_count;
    // consolidation by price
    int64_t payback_ms;             // a replacement saves what it costs within so long; 0: none
    int64_t min_saving_percent;     // of what the replaced ones cost
    int64_t task_restart_usd_micro; // what moving a task costs, beside the capacity paid twice
};

struct policy {
    const char *path;     // of the file, for messages
    char hash[17];        // first 16 hex digits of the SHA-256-independent FNV-1a 64 of the canonical text, `confirm` left out
    const char *owner;    // what is written into the tag masu:owner of each fleet (L28)
    const char *confirm;  // hash of a policy whose large removal or dropped fleet is meant (L14), "" none
    struct policy_alerts alerts;
    struct policy_queue *queues;
    size_t queue_count;
    struct policy_cluster *clusters;
    size_t cluster_count;
    struct policy_warning { const char *text; } *warnings;
    size_t warning_count;
};

// All mistakes found, one a line, in *ret_report ("file:line:col: error: path: …" with the source line, a caret and the
// remedy); returns ERR_INVALID when any is an error. Unknown keys are errors that name the nearest known key.
int policy_load_file(const char *path, struct arena *a, struct policy *ret, struct buf *ret_report, struct err *err);
int policy_load_text(struct slice text, const char *name, struct arena *a, struct policy *ret, struct buf *ret_report,
                     struct err *err);
void policy_defaults(struct policy *p);  // every default, no cluster
// A cluster policy with every default; name and fleets empty.
void policy_cluster_defaults(struct policy_cluster *c);

void policy_write_schema(struct buf *out);     // JSON Schema 2020-12; policies/policy.schema.json is this text (a test compares)
void policy_write_reference(struct buf *out);  // the keys as an aligned text table: `masu check-policy --keys`
json_t *policy_to_json(const struct policy *p);  // every key with its effective value
// What names the fleet in the policy, whichever key does; the snapshot's fleet_name() is the same text. NULL strings count as "".
const char *policy_fleet_name(const struct policy_fleet *f);
// Which kind its id says it is; FLEET_KIND_COUNT: AWS tells (a tag).
enum fleet_kind policy_fleet_kind(const struct policy_fleet *f);
const struct policy_fleet *policy_fleet_find(const struct policy_cluster *c, const char *name);  // NULL: none of that name
const char *policy_fleet_role_name(enum fleet_role r);  // "base", …
// The region that a queue is in: its own word, or its URL's host, in a static buffer of the caller; "" neither says.
const char *policy_queue_region(const struct policy_queue *q, char ret[64]);
const char *policy_mode_name(enum policy_mode m);  // "act", "add-only", "observe"
