// Auto Scaling groups: what they are, what they do by themselves, and what we change of them. Query protocol.
//
// As in ec2.h: each function begins a call whose outcome is the first member of its result; results live in with.arena and are whole
// after aws_run(). None of the changes is repeated in place when its effect is unknown, terminate-with-decrement under no
// circumstances: an instance too many would go (safety.md B5).
#pragma once

#include "scaler/aws/ec2.h"

struct asg_instance {
    const char *id, *type, *zone;
    const char *lifecycle;         // "InService", "Terminating:Wait", "Warmed:Stopped", …
    const char *health;            // "Healthy", "Unhealthy", as told
    const char *launch_template;   // "lt-0abc:3", "" unknown
    bool protected_from_scale_in;
    int64_t weight_milli;          // 1,000 where none is told
};

struct asg_override {
    const char *type;              // "" where it asks for types by attributes
    int64_t weight_milli;
    const struct type_rules *rules;  // these; NULL: it names its type
};

struct asg_group {
    const char *name, *arn;
    int64_t min, max, desired;     // units
    int64_t max_lifetime_ms;       // 0 = none
    const char *status;            // "Delete in progress", "" none
    const char *launch_template;   // "lt-0abc:3"
    const char *spot_allocation;   // "price-capacity-optimized", …; "" none
    bool mixed;
    int64_t on_demand_base, on_demand_percent;  // of a mixed group
    bool protects_new, capacity_rebalance, has_warm_pool;
    struct asg_override *overrides;
    size_t override_count;
    const char **zones;
    size_t zone_count;
    const char **suspended;        // "AZRebalance", …
    size_t suspended_count;
    const char *launch_suspended_why;  // SuspensionReason of Launch, "" where it is not suspended
    struct asg_instance *instances;
    size_t instance_count;
    struct aws_tags tags;
};
struct asg_groups {
    struct aws_call call;
    struct asg_group *items;
    size_t count, cap;
};
// By name, at most 50 a request; those that AWS does not know are left out.
void asg_describe_groups(struct aws_with w, const char *const *names, size_t count, struct asg_groups *ret);
// The same, told as fleets of type maintain that weigh their members and replace what is lost: target is the desired capacity.
void asg_describe_as_fleets(struct aws_with w, const char *const *names, size_t count, struct ec2_spot_fleets *ret);
bool asg_suspended(const struct asg_group *g, const char *process);

struct asg_members {
    struct aws_call call;
    struct asg_instance *items;
    size_t count, cap;
};
void asg_describe_warm_pool(struct aws_with w, const char *group, struct asg_members *ret);

struct asg_refresh {
    const char *id, *status;       // "Pending", "InProgress", "Successful", …
};
struct asg_refreshes {
    struct aws_call call;
    struct asg_refresh *items;     // newest first, as told
    size_t count, cap;
};
void asg_describe_refreshes(struct aws_with w, const char *group, struct asg_refreshes *ret);
bool asg_refresh_runs(const char *status);  // pending, under way, or on its way back

struct asg_policy {
    const char *group, *name, *type;
    bool enabled;
};
struct asg_policies {
    struct aws_call call;
    struct asg_policy *items;
    size_t count, cap;
};
void asg_describe_policies(struct aws_with w, const char *group, struct asg_policies *ret);

struct asg_hook {
    const char *name;
    bool launching;                // else terminating
    int64_t heartbeat_ms, global_ms;
};
struct asg_hooks {
    struct aws_call call;
    struct asg_hook *items;
    size_t count, cap;
};
void asg_describe_hooks(struct aws_with w, const char *group, struct asg_hooks *ret);

struct asg_activity {
    const char *status, *text, *message;
    int64_t started_ms;
};
struct asg_activities {
    struct aws_call call;
    struct asg_activity *items;    // newest first
    size_t count, cap;
};
// The newest page only.
void asg_describe_activities(struct aws_with w, const char *group, struct asg_activities *ret);

// ---- changes -----------------------------------------------------------------------------------------------------------------
void asg_set_desired(struct aws_with w, const char *group, int64_t desired, struct aws_call *ret);
void asg_terminate(struct aws_with w, const char *instance, bool decrement, struct aws_call *ret);
void asg_complete(struct aws_with w, const char *group, const char *hook, const char *instance, struct aws_call *ret);  // CONTINUE
void asg_heartbeat(struct aws_with w, const char *group, const char *hook, const char *instance, struct aws_call *ret);
void asg_tag(struct aws_with w, const char *group, const struct aws_tag *tag, struct aws_call *ret);
