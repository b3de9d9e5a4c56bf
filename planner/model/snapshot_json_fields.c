#include "planner/model/snapshot_json.h"

#include "planner/model/names.h"
#include "planner/model/quota_class.h"

// One row: type, member, key, kind, then any of .flags, .fallback, .min, .names. What the reader derives from other facts where
// it is absent is FIELD_ALWAYS: left out on writing, it would come back changed.
#define ROW(type, member, name, what, ...) \
    {                                      \
        .key = (name), .kind = (what), .offset = offsetof(struct type, member), __VA_ARGS__ \
    }
#define NAMES(list) .names = (list), .name_count = (int)ARRAY_LEN(list)
#define TABLE(rows) {(rows), ARRAY_LEN(rows)}

static const struct json_field snapshot_rows[] = {
    ROW(snapshot, now_ms, "at", FIELD_TIME, .flags = FIELD_REQUIRED),
    ROW(snapshot, account, "account", FIELD_STR, .flags = 0),
    ROW(snapshot, region, "region", FIELD_STR, .flags = 0),
    ROW(snapshot, cluster, "cluster", FIELD_STR, .flags = FIELD_REQUIRED),
    ROW(snapshot, started_ms, "started_at", FIELD_TIME, .flags = FIELD_ALWAYS),
    ROW(snapshot, complete_looks, "complete_looks", FIELD_I32, .fallback = 2, .max = INT32_MAX),
    ROW(snapshot, boot_p90_ms, "boot_p90_ms", FIELD_I64, .fallback = 0),
    ROW(snapshot, boot_p95_ms, "boot_p95_ms", FIELD_I64, .fallback = 0),
    ROW(snapshot, confirmed, "confirmed", FIELD_STR, .flags = 0),
    ROW(snapshot, dearest_usd_micro, "dearest_usd_micro", FIELD_I64, .fallback = 0),
    ROW(snapshot, owner, "owner", FIELD_STR, .flags = 0),
    ROW(snapshot, policy_hash, "policy_hash", FIELD_STR, .flags = 0),
    ROW(snapshot, listed_ms, "listed_at", FIELD_TIME, .flags = FIELD_ALWAYS),
    ROW(snapshot, overflowing, "overflowing", FIELD_STR, .flags = 0),
    ROW(snapshot, clock_off_ms, "clock_off_ms", FIELD_I64, .fallback = 0, .min = -JSON_NUMBER_MAX),
};
const struct json_fields snapshot_fields = TABLE(snapshot_rows);

static const struct json_field control_rows[] = {
    ROW(control, mode, "mode", FIELD_ENUM, .flags = FIELD_ALWAYS, .fallback = CONTROL_RUN, NAMES(control_mode_names)),
    ROW(control, who, "who", FIELD_STR, .flags = 0),
    ROW(control, why, "why", FIELD_STR, .flags = 0),
    ROW(control, since_ms, "since", FIELD_TIME, .flags = 0),
    ROW(control, until_ms, "until", FIELD_TIME, .flags = 0),
};
const struct json_fields control_fields = TABLE(control_rows);

static const struct json_field outlook_rows[] = {
    ROW(outlook, at_ms, "at", FIELD_TIME, .flags = FIELD_REQUIRED),
    ROW(outlook, need_milli, "need_milli", FIELD_I64, .fallback = 0),
    ROW(outlook, up, "up", FIELD_I32, .fallback = 0),
    ROW(outlook, keep, "keep", FIELD_I32, .fallback = 0),
    ROW(outlook, boot_ms, "boot_ms", FIELD_I64, .fallback = 0),
    ROW(outlook, most_28d_milli, "most_28d_milli", FIELD_I64, .fallback = 0),
};
const struct json_fields outlook_fields = TABLE(outlook_rows);

static const struct json_field local_time_rows[] = {
    ROW(local_time, zone, "zone", FIELD_STR, .flags = FIELD_REQUIRED),
    ROW(local_time, minute_of_week, "minute_of_week", FIELD_I32, .flags = FIELD_ALWAYS, .fallback = -1, .min = -1, .max = 7 * 24 * 60 - 1),
};
const struct json_fields local_time_fields = TABLE(local_time_rows);

static const struct json_field occasion_rows[] = {
    ROW(occasion, name, "name", FIELD_STR, .flags = FIELD_REQUIRED),
    ROW(occasion, start_ms, "start", FIELD_TIME, .flags = 0),
    ROW(occasion, end_ms, "end", FIELD_TIME, .flags = 0),
    ROW(occasion, usual_tasks, "usual_tasks", FIELD_I32, .fallback = 0, .max = INT32_MAX),
};
const struct json_fields occasion_fields = TABLE(occasion_rows);

static const struct json_field quota_rows[] = {
    ROW(quota, class_, "class", FIELD_ENUM, .flags = FIELD_ALWAYS, .fallback = QUOTA_STANDARD_SPOT, NAMES(quota_class_names)),
    ROW(quota, limit_vcpus, "limit_vcpus", FIELD_I64, .fallback = 0),
    ROW(quota, used_vcpus, "used_vcpus", FIELD_I64, .fallback = 0),
    ROW(quota, refused_ms, "refused_at", FIELD_TIME, .flags = 0),
};
const struct json_fields quota_fields = TABLE(quota_rows);

static const struct json_field subnet_rows[] = {
    ROW(subnet, id, "id", FIELD_STR, .flags = FIELD_REQUIRED),
    ROW(subnet, addresses, "addresses", FIELD_I64, .flags = FIELD_ALWAYS, .fallback = 0),
    ROW(subnet, free, "free", FIELD_I64, .flags = FIELD_ALWAYS, .fallback = 0),
};
const struct json_fields subnet_fields = TABLE(subnet_rows);

static const struct json_field source_rows[] = {
    ROW(source, state, "state", FIELD_ENUM, .flags = FIELD_ALWAYS, .fallback = SOURCE_OK, NAMES(source_state_names)),
    ROW(source, read_ms, "read_at", FIELD_TIME, .flags = FIELD_ALWAYS),
    ROW(source, detail, "detail", FIELD_STR, .flags = 0),
};
const struct json_fields source_fields = TABLE(source_rows);

static const struct json_field type_rows[] = {
    ROW(instance_type, name, "name", FIELD_STR, .flags = FIELD_REQUIRED),
    ROW(instance_type, arch, "arch", FIELD_STR, .flags = 0),
    ROW(instance_type, nominal, "nominal", FIELD_RES, .flags = 0),
    ROW(instance_type, registered, "registered", FIELD_RES, .flags = 0),
    ROW(instance_type, spot_usd_micro, "spot_usd_micro", FIELD_I64, .fallback = 0),
    ROW(instance_type, on_demand_usd_micro, "on_demand_usd_micro", FIELD_I64, .fallback = 0),
};
const struct json_fields type_fields = TABLE(type_rows);

static const struct json_field fleet_rows[] = {
    ROW(fleet, id, "id", FIELD_STR, .flags = FIELD_REQUIRED),
    ROW(fleet, name, "name", FIELD_STR, .flags = 0),
    ROW(fleet, kind, "kind", FIELD_ENUM, .fallback = FLEET_SPOT_FLEET, NAMES(fleet_kind_names)),
    ROW(fleet, state, "state", FIELD_ENUM, .fallback = FLEET_ACTIVE, NAMES(fleet_state_names)),
    ROW(fleet, found, "found", FIELD_BOOL, .fallback = true),
    ROW(fleet, unfound, "unfound", FIELD_STR, .flags = 0),
    ROW(fleet, maintain, "maintain", FIELD_BOOL, .fallback = true),
    ROW(fleet, activity, "activity", FIELD_STR, .flags = 0),
    ROW(fleet, target, "target", FIELD_I64, .flags = FIELD_ALWAYS),
    ROW(fleet, on_demand_target, "on_demand_target", FIELD_I64, .fallback = 0),
    ROW(fleet, fulfilled_milli, "fulfilled_milli", FIELD_I64, .flags = FIELD_ALWAYS),
    ROW(fleet, allocation, "allocation", FIELD_STR, .flags = 0),
    ROW(fleet, valid_until_ms, "valid_until", FIELD_TIME, .flags = 0),
    ROW(fleet, ends_with_expiration, "ends_with_expiration", FIELD_BOOL, .fallback = false),
    ROW(fleet, replaces, "replaces", FIELD_STR, .flags = 0),
    ROW(fleet, replace_delay_ms, "replace_delay_ms", FIELD_I64, .fallback = 0),
    ROW(fleet, provider, "provider", FIELD_STR, .flags = 0),
    ROW(fleet, min_size, "min_size", FIELD_I64, .fallback = 0),
    ROW(fleet, max_size, "max_size", FIELD_I64, .fallback = 0),
    ROW(fleet, on_demand_base, "on_demand_base", FIELD_I64, .fallback = 0),
    ROW(fleet, on_demand_percent, "on_demand_percent", FIELD_I64, .fallback = 0),
    ROW(fleet, no_launch, "no_launch", FIELD_BOOL, .fallback = false),
    ROW(fleet, no_terminate, "no_terminate", FIELD_BOOL, .fallback = false),
    ROW(fleet, rebalances, "rebalances", FIELD_BOOL, .fallback = false),
    ROW(fleet, refreshing, "refreshing", FIELD_BOOL, .fallback = false),
    ROW(fleet, hook, "hook", FIELD_STR, .flags = 0),
    ROW(fleet, hook_heartbeat_ms, "hook_heartbeat_ms", FIELD_I64, .fallback = 0),
    ROW(fleet, hook_limit_ms, "hook_limit_ms", FIELD_I64, .fallback = 0),
    ROW(fleet, owner, "owner", FIELD_STR, .flags = 0),
    ROW(fleet, foreign_scaling, "foreign_scaling", FIELD_BOOL, .fallback = false),
    ROW(fleet, foreign, "foreign", FIELD_STR, .flags = 0),
    ROW(fleet, control, "control", FIELD_STR, .flags = 0),
    ROW(fleet, denied, "denied", FIELD_STR, .flags = 0),
    ROW(fleet, last_error, "last_error", FIELD_STR, .flags = 0),
    ROW(fleet, last_error_ms, "last_error_at", FIELD_TIME, .flags = 0),
    ROW(fleet, capacity_error_ms, "capacity_error_at", FIELD_TIME, .flags = 0),
};
const struct json_fields fleet_fields = TABLE(fleet_rows);

static const struct json_field pool_rows[] = {
    ROW(fleet_pool, type_name, "type", FIELD_STR, .flags = FIELD_REQUIRED),
    ROW(fleet_pool, zone, "zone", FIELD_STR, .flags = 0),
    ROW(fleet_pool, weight_milli, "weight_milli", FIELD_I64, .fallback = 1000, .min = 1),
    ROW(fleet_pool, subnet, "subnet", FIELD_STR, .flags = 0),
    ROW(fleet_pool, subnet_full, "subnet_full", FIELD_BOOL, .fallback = false),
    ROW(fleet_pool, launch_template, "launch_template", FIELD_STR, .flags = 0),
    ROW(fleet_pool, spot_usd_micro, "spot_usd_micro", FIELD_I64, .fallback = 0),
    ROW(fleet_pool, refused_ms, "refused_at", FIELD_TIME, .flags = 0),
    ROW(fleet_pool, score, "placement_score", FIELD_I32, .fallback = 0, .max = 10),
    ROW(fleet_pool, scored_ms, "scored_at", FIELD_TIME, .flags = 0),
    ROW(fleet_pool, attributes_known, "attributes_known", FIELD_BOOL, .fallback = false),
};
const struct json_fields pool_fields = TABLE(pool_rows);

static const struct json_field shape_rows[] = {
    ROW(shape, name, "name", FIELD_STR, .flags = FIELD_REQUIRED),
    ROW(shape, need, "need", FIELD_RES, .flags = FIELD_ALWAYS),
    ROW(shape, used_p95, "used_p95", FIELD_RES, .flags = 0),
    ROW(shape, used_now, "used_now", FIELD_RES, .flags = 0),
    ROW(shape, used_largest_mib, "used_largest_mib", FIELD_I64, .fallback = 0),
    ROW(shape, used_at_ms, "used_at", FIELD_TIME, .flags = 0),
    ROW(shape, known, "known", FIELD_BOOL, .fallback = true),
    ROW(shape, distinct_instance, "distinct_instance", FIELD_BOOL, .fallback = false),
    ROW(shape, arch, "arch", FIELD_STR, .flags = 0),
    ROW(shape, unmodelled, "unmodelled", FIELD_STR, .flags = 0),
    ROW(shape, vpc, "vpc", FIELD_STR, .flags = 0),
    ROW(shape, local_data, "local_data", FIELD_BOOL, .fallback = false),
    ROW(shape, stop_timeout_ms, "stop_timeout_ms", FIELD_I64, .fallback = 30000),
};
const struct json_fields shape_fields = TABLE(shape_rows);

static const struct json_field strategy_rows[] = {
    ROW(place_strategy, kind, "kind", FIELD_ENUM, .flags = FIELD_REQUIRED, NAMES(place_kind_names)),
    ROW(place_strategy, field, "field", FIELD_STR, .flags = 0),
};
const struct json_fields strategy_fields = TABLE(strategy_rows);

static const struct json_field provider_rows[] = {
    ROW(provider_share, provider, "provider", FIELD_STR, .flags = FIELD_REQUIRED),
    ROW(provider_share, base, "base", FIELD_I32, .fallback = 0),
    ROW(provider_share, weight, "weight", FIELD_I32, .flags = FIELD_ALWAYS),
};
const struct json_fields provider_fields = TABLE(provider_rows);

static const struct json_field service_rows[] = {
    ROW(service, name, "name", FIELD_STR, .flags = FIELD_REQUIRED),
    ROW(service, arn, "arn", FIELD_STR, .flags = FIELD_ALWAYS),
    ROW(service, kind, "kind", FIELD_ENUM, .fallback = SERVICE_REPLICA, NAMES(service_kind_names)),
    ROW(service, on_ec2, "on_ec2", FIELD_BOOL, .fallback = true),
    ROW(service, not_ours, "not_ours", FIELD_STR, .flags = 0),
    ROW(service, desired, "desired", FIELD_I32, .flags = FIELD_REQUIRED),
    ROW(service, running, "running", FIELD_I32, .flags = FIELD_ALWAYS),
    ROW(service, pending, "pending", FIELD_I32, .flags = FIELD_ALWAYS),
    ROW(service, min_percent, "min_percent", FIELD_I32, .flags = FIELD_ALWAYS),
    ROW(service, max_percent, "max_percent", FIELD_I32, .flags = FIELD_ALWAYS),
    ROW(service, young, "young", FIELD_I32, .flags = 0),
    ROW(service, unsteady_since_ms, "unsteady_since", FIELD_TIME, .flags = 0),
    ROW(service, unplaced_since_ms, "unplaced_since", FIELD_TIME, .flags = 0),
    ROW(service, crash_looping, "crash_looping", FIELD_BOOL, .fallback = false),
    ROW(service, last_event, "last_event", FIELD_STR, .flags = 0),
};
const struct json_fields service_fields = TABLE(service_rows);

static const struct json_field deployment_rows[] = {
    ROW(deployment, id, "id", FIELD_STR, .flags = FIELD_ALWAYS),
    ROW(deployment, primary, "primary", FIELD_BOOL, .flags = FIELD_ALWAYS),
    ROW(deployment, desired, "desired", FIELD_I32, .flags = FIELD_ALWAYS),
    ROW(deployment, running, "running", FIELD_I32, .flags = FIELD_ALWAYS),
    ROW(deployment, pending, "pending", FIELD_I32, .flags = FIELD_ALWAYS),
    ROW(deployment, failed, "failed", FIELD_I32, .fallback = 0),
    ROW(deployment, in_progress, "in_progress", FIELD_BOOL, .fallback = false),
    ROW(deployment, created_ms, "created_at", FIELD_TIME, .flags = 0),
};
const struct json_fields deployment_fields = TABLE(deployment_rows);

static const struct json_field instance_rows[] = {
    ROW(instance, id, "id", FIELD_STR, .flags = FIELD_REQUIRED),
    ROW(instance, arn, "arn", FIELD_STR, .flags = FIELD_ALWAYS),
    ROW(instance, type, "type", FIELD_STR, .flags = 0),
    ROW(instance, zone, "zone", FIELD_STR, .flags = 0),
    ROW(instance, arch, "arch", FIELD_STR, .flags = FIELD_ALWAYS),
    ROW(instance, spot, "spot", FIELD_BOOL, .fallback = true),
    ROW(instance, weight_milli, "weight_milli", FIELD_I64, .flags = FIELD_ALWAYS, .fallback = 1000, .min = 1),
    ROW(instance, ecs, "ecs", FIELD_ENUM, .flags = FIELD_ALWAYS, .fallback = ECS_ACTIVE, NAMES(ecs_state_names)),
    ROW(instance, ec2, "ec2", FIELD_ENUM, .flags = FIELD_ALWAYS, .fallback = EC2_RUNNING, NAMES(ec2_state_names)),
    ROW(instance, agent_connected, "agent_connected", FIELD_BOOL, .flags = FIELD_ALWAYS),
    ROW(instance, disconnected_since_ms, "disconnected_since", FIELD_TIME, .flags = 0),
    ROW(instance, launched_ms, "launched_at", FIELD_TIME, .flags = FIELD_ALWAYS),
    ROW(instance, registered_ms, "registered_at", FIELD_TIME, .flags = FIELD_ALWAYS),
    ROW(instance, registered, "registered", FIELD_RES, .flags = FIELD_ALWAYS),
    ROW(instance, remaining, "remaining", FIELD_RES, .flags = FIELD_ALWAYS),
    ROW(instance, tasks_known, "tasks_known", FIELD_BOOL, .fallback = true),
    ROW(instance, ecs_running, "ecs_running", FIELD_I32, .flags = FIELD_ALWAYS),
    ROW(instance, ecs_pending, "ecs_pending", FIELD_I32, .flags = FIELD_ALWAYS),
    ROW(instance, mark, "mark", FIELD_STR, .flags = 0),
    ROW(instance, marked_ms, "marked_at", FIELD_TIME, .flags = 0),
    ROW(instance, forbidden, "forbidden", FIELD_BOOL, .fallback = false),
    ROW(instance, notice_ms, "notice_at", FIELD_TIME, .flags = 0),
    ROW(instance, rebalance_ms, "rebalance_at", FIELD_TIME, .flags = 0),
    ROW(instance, event_ms, "event_at", FIELD_TIME, .flags = 0),
    ROW(instance, provider, "provider", FIELD_STR, .flags = 0),
    ROW(instance, agent_version, "agent_version", FIELD_STR, .flags = 0),
    ROW(instance, launch_template, "launch_template", FIELD_STR, .flags = 0),
    ROW(instance, elsewhere, "elsewhere", FIELD_STR, .flags = 0),
    ROW(instance, ever_registered, "ever_registered", FIELD_BOOL, .flags = FIELD_ALWAYS),
    ROW(instance, volume_attached, "volume_attached", FIELD_BOOL, .fallback = false),
    ROW(instance, member, "member", FIELD_STR, .flags = 0),
    ROW(instance, scale_in_protected, "scale_in_protected", FIELD_BOOL, .fallback = false),
};
const struct json_fields instance_fields = TABLE(instance_rows);

static const struct json_field holding_rows[] = {
    ROW(holding, running, "running", FIELD_I32, .flags = FIELD_ALWAYS),
    ROW(holding, pending, "pending", FIELD_I32, .fallback = 0),
    ROW(holding, stopping, "stopping", FIELD_I32, .fallback = 0),
    ROW(holding, protected_, "protected", FIELD_I32, .fallback = 0),
    ROW(holding, example_task, "example_task", FIELD_STR, .flags = 0),
    ROW(holding, oldest_ms, "oldest_at", FIELD_TIME, .flags = 0),
};
const struct json_fields holding_fields = TABLE(holding_rows);
