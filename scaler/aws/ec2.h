// Amazon EC2: instances, Spot Fleets, instance types and prices, as typed requests and plain answers.
//
// As in ecs.h: every function begins a call that aws_run() finishes; `ret` is zeroed first and lives, like the arena, until
// then; strings are never NULL. Weights are × 1,000, prices integer micro-dollars an hour, times wall milliseconds (0 none).
#pragma once

#include "planner/model/type_rules.h"
#include "scaler/aws/aws.h"
#include "scaler/aws/ecs.h"

// ---- instances --------------------------------------------------------------------------------------------------------------
struct ec2_filter {
    const char *name;            // "instance-id", "tag:aws:ec2spot:fleet-request-id", "instance-state-name"
    const char *const *values;   // more than 200 values: the first such filter is split over several calls
    size_t count;
};
struct ec2_instance {
    const char *id, *type, *zone, *subnet, *vpc, *arch, *image, *lifecycle;  // lifecycle "spot", "" on demand
    const char *address;         // private IPv4, "" none yet
    const char *state;           // "pending", "running", …
    int32_t state_code;          // low byte: 0 pending, 16 running, 32 shutting-down, 48 terminated, 64 stopping, 80 stopped
    const char *state_reason;    // code such as "Server.SpotInstanceTermination", ""
    const char *reservation_owner;
    int64_t launched_ms;
    bool volume_attached;        // an EBS volume is attached that came later than a minute after the launch
    struct aws_tags tags;
};
struct ec2_instances {
    struct aws_call call;
    struct ec2_instance *items;
    size_t count, cap;
};
// At least one filter (unfiltered calls use a smaller bucket). Never by InstanceId: one unknown id would fail the whole.
void ec2_describe_instances(struct aws_with w, const struct ec2_filter *filters, size_t filter_count, struct ec2_instances *ret);
void ec2_describe_instances_by_id(struct aws_with w, const char *const *ids, size_t count, struct ec2_instances *ret);
#define EC2_SPOT_FLEET_TAG "aws:ec2spot:fleet-request-id"
#define EC2_FLEET_TAG "aws:ec2:fleet-id"
// Those that carry the tag, in all states but terminated.
void ec2_describe_tagged_instances(struct aws_with w, const char *key, const char *value, struct ec2_instances *ret);
// Those of one zone alone: where a zone fails, calls that span it may fail whole.
void ec2_describe_tagged_instances_in(struct aws_with w, const char *key, const char *value, const char *zone, struct ec2_instances *ret);
// Members of a Spot Fleet ("sfr-…") or an EC2 Fleet ("fleet-…"), by the tag that EC2 gives them.
void ec2_describe_fleet_instances(struct aws_with w, const char *fleet_id, struct ec2_instances *ret);
bool ec2_is_ec2_fleet(const char *fleet_id);

struct ec2_state_change {
    const char *instance_id, *before, *after;
};
struct ec2_state_changes {
    struct aws_call call;
    struct ec2_state_change *items;
    size_t count, cap;
};
// count 1 … 20. One bad id and none is terminated (ERR_NOT_FOUND, which does not mean that it is gone). dry_run: COMPLETE means
// permitted. Not repeated in place after a timeout: what a termination depends on must be looked at anew.
// items may be empty: some servers name nobody, and then only the next look tells.
void ec2_terminate_instances(struct aws_with w, const char *const *ids, size_t count, bool dry_run, struct ec2_state_changes *ret);

// count 1 … 100 resources, 1 … 10 tags. ret: COMPLETE or FAILED.
void ec2_create_tags(struct aws_with w, const char *const *resources, size_t count, const struct aws_tag *tags, size_t tag_count,
                     struct aws_call *ret);
// value NULL deletes the key whatever its value; "" only where the value is empty.
void ec2_delete_tags(struct aws_with w, const char *const *resources, size_t count, const struct aws_tag *tags, size_t tag_count,
                     struct aws_call *ret);
// May these tags be set, or deleted? Asks by DryRun and changes nothing: COMPLETE means permitted.
void ec2_try_tags(struct aws_with w, const char *const *resources, size_t count, const struct aws_tag *tag, bool deleting,
                  struct aws_call *ret);

// ---- spot fleets ------------------------------------------------------------------------------------------------------------
struct ec2_fleet_override {      // a launch template override or a launch specification
    const char *type;            // "" = by attributes
    const struct type_rules *rules;  // these; NULL none told
    const char *subnet;          // "" none; several are told as one comma-separated string
    const char *zone;            // "" none
    const char *launch_template; // "lt-0abc:3", or "lt-0abc:$Latest" and the like; "" none told by id
    int64_t weight_milli;        // 1,000 by default
    int64_t max_price_usd_micro; // 0 none
};
struct ec2_spot_fleet {
    const char *id, *state, *activity, *type, *allocation, *excess_policy, *rebalance;  // rebalance "launch", "", …
    int64_t target, on_demand_target;
    int64_t fulfilled_milli, on_demand_fulfilled_milli;
    int64_t created_ms, valid_until_ms;
    int64_t rebalance_delay_s;   // of "launch-before-terminate"
    bool terminate_with_expiration, replace_unhealthy;
    struct ec2_fleet_override *overrides;
    size_t override_count;
    struct aws_tags tags;
    const struct asg_group *group;  // autoscaling.h: of an Auto Scaling group told as a fleet, else NULL
};
struct asg_group;
struct ec2_spot_fleets {
    struct aws_call call;
    struct ec2_spot_fleet *items;
    size_t count, cap;
};
// count 0: every fleet of the region. One unknown id fails the call with ERR_NOT_FOUND (InvalidSpotFleetRequestId.NotFound): ask
// for the rest then.
void ec2_describe_spot_fleets(struct aws_with w, const char *const *ids, size_t count, struct ec2_spot_fleets *ret);

struct ec2_fleet_member {
    const char *instance_id, *type, *health;
};
struct ec2_fleet_members {
    struct aws_call call;
    struct ec2_fleet_member *items;
    size_t count, cap;
};
// "Refreshed periodically and might be out of date": the truth is ec2_describe_fleet_instances.
void ec2_describe_spot_fleet_instances(struct aws_with w, const char *fleet_id, struct ec2_fleet_members *ret);

struct ec2_fleet_event {
    int64_t at_ms;
    const char *kind, *sub_kind, *description;  // kind "error", "information", "fleetRequestChange", "instanceChange"
};
struct ec2_fleet_events {
    struct aws_call call;
    struct ec2_fleet_event *items;
    size_t count, cap;
};
// From since_ms on, delayed by up to 30 s; kept for 48 h by AWS.
void ec2_describe_fleet_history(struct aws_with w, const char *fleet_id, int64_t since_ms, struct ec2_fleet_events *ret);

struct ec2_fleet_target {
    const char *fleet_id;
    int64_t target;              // absolute, on-demand part included
    int64_t on_demand;           // Spot Fleet: sent when > 0
    bool split;                  // the fleet has an on-demand part: both numbers are sent, 0 included
};
// Always with ExcessCapacityTerminationPolicy=noTermination. ERR_CONFLICT: not in a state that can be modified. Not repeated in
// place after a timeout.
void ec2_modify_spot_fleet(struct aws_with w, const struct ec2_fleet_target *t, struct aws_call *ret);

// ---- subnets ----------------------------------------------------------------------------------------------------------------
struct ec2_subnet {
    const char *id, *zone, *zone_id, *vpc;  // zone_id "use1-az1", "" not told
    int64_t free_addresses;      // -1 not told
    int64_t addresses;           // that instances and interfaces can have: of its IPv4 block less AWS's five; 0 not told
};
struct ec2_subnets {
    struct aws_call call;
    struct ec2_subnet *items;
    size_t count, cap;
};
// By filter: an id that EC2 does not know is left out.
void ec2_describe_subnets(struct aws_with w, const char *const *ids, size_t count, struct ec2_subnets *ret);

// ---- spot requests ------------------------------------------------------------------------------------------------------------
struct ec2_spot_request {
    const char *instance;        // "" none yet
    const char *status;          // "instance-terminated-no-capacity", …
    int64_t status_ms;           // since when, 0 unknown
};
struct ec2_spot_requests {
    struct aws_call call;
    struct ec2_spot_request *items;
    size_t count, cap;
};
// Those whose status says that AWS takes the instance back: while it still runs, that is its notice (safety.md N1).
void ec2_describe_interrupted(struct aws_with w, struct ec2_spot_requests *ret);

// ---- scheduled events -----------------------------------------------------------------------------------------------------------
struct ec2_scheduled_event {
    const char *instance;
    const char *code;            // "instance-retirement", …
    int64_t starts_ms;           // not before this, 0 unknown
};
struct ec2_scheduled_events {
    struct aws_call call;
    struct ec2_scheduled_event *items;
    size_t count, cap;
};
// What EC2 will do to running instances of the region that ends or stops what runs on them; not what is over or called off.
void ec2_describe_scheduled(struct aws_with w, struct ec2_scheduled_events *ret);
