#include "tests/model/random_snapshot.h"

#include <string.h>

// One check a member: a macro, because C has no other way to say its name. It returns from the caller, which product code must not.
#define SAME(member) \
    if (a->member != b->member) \
        return #member
#define SAME_TEXT(member) \
    if (strcmp(a->member, b->member) != 0) \
        return #member
#define SAME_RES(member) \
    if (!res_eq(a->member, b->member)) \
        return #member
#define SAME_TABLE(items, count, type) \
    SAME(count); \
    for (size_t i = 0; i < a->count; i++) { \
        const char *inner = type##_difference(&a->items[i], &b->items[i]); \
        if (inner) \
            return inner; \
    }

static const char *source_difference(const struct source *a, const struct source *b)
{
    SAME(state);
    SAME(read_ms);
    SAME_TEXT(detail);
    return NULL;
}

static const char *type_difference(const struct instance_type *a, const struct instance_type *b)
{
    SAME(spot_usd_micro);
    SAME(on_demand_usd_micro);
    SAME_TEXT(name);
    SAME_TEXT(arch);
    SAME_RES(nominal);
    SAME_RES(registered);
    return NULL;
}

static const char *attribute_difference(const struct attribute *a, const struct attribute *b)
{
    SAME_TEXT(name);
    SAME_TEXT(value);
    return NULL;
}

static const char *set_difference(const struct attribute_set *a, const struct attribute_set *b)
{
    SAME_TABLE(v, count, attribute)
    return NULL;
}

static const char *ref_difference(const struct attribute_set *a, const struct attribute_set *b)
{
    if (!a || !b)
        return a == b ? NULL : "attributes";
    return set_difference(a, b);
}

static const char *ports_difference(const struct port_set *a, const struct port_set *b)
{
    SAME(count);
    return a->count > 0 && memcmp(a->v, b->v, a->count * sizeof *a->v) != 0 ? "ports" : NULL;
}

static const char *text_difference(const char *const *a, const char *const *b)
{
    return strcmp(*a, *b) != 0 ? "a text" : NULL;
}

static const char *control_difference(const struct control *a, const struct control *b)
{
    SAME(mode);
    SAME(since_ms);
    SAME(until_ms);
    SAME_TEXT(who);
    SAME_TEXT(why);
    return NULL;
}

static const char *local_time_difference(const struct local_time *a, const struct local_time *b)
{
    SAME(minute_of_week);
    SAME_TEXT(zone);
    return NULL;
}

static const char *occasion_difference(const struct occasion *a, const struct occasion *b)
{
    SAME_TEXT(name);
    SAME(start_ms);
    SAME(end_ms);
    SAME(usual_tasks);
    return NULL;
}

static const char *quota_difference(const struct quota *a, const struct quota *b)
{
    SAME(class_);
    SAME(limit_vcpus);
    SAME(used_vcpus);
    SAME(refused_ms);
    return NULL;
}

static const char *subnet_difference(const struct subnet *a, const struct subnet *b)
{
    SAME_TEXT(id);
    SAME(addresses);
    SAME(free);
    return NULL;
}

static const char *provider_difference(const struct provider_share *a, const struct provider_share *b)
{
    SAME(base);
    SAME(weight);
    SAME_TEXT(provider);
    return NULL;
}

static const char *pool_difference(const struct fleet_pool *a, const struct fleet_pool *b)
{
    SAME(type);
    SAME(weight_milli);
    SAME_TEXT(type_name);
    SAME_TEXT(zone);
    SAME(subnet_full);
    SAME(attributes_known);
    SAME(spot_usd_micro);
    SAME(refused_ms);
    SAME(score);
    SAME(scored_ms);
    SAME_TEXT(subnet);
    SAME_TEXT(launch_template);
    return ref_difference(a->attributes, b->attributes);
}

static const char *fleet_difference(const struct fleet *a, const struct fleet *b)
{
    SAME(kind);
    SAME(state);
    SAME(found);
    SAME(maintain);
    SAME(target);
    SAME(on_demand_target);
    SAME(fulfilled_milli);
    SAME(valid_until_ms);
    SAME(ends_with_expiration);
    SAME(min_size);
    SAME(max_size);
    SAME(on_demand_base);
    SAME(on_demand_percent);
    SAME(no_launch);
    SAME(no_terminate);
    SAME(rebalances);
    SAME(refreshing);
    SAME(hook_heartbeat_ms);
    SAME(hook_limit_ms);
    SAME(foreign_scaling);
    SAME_TEXT(id);
    SAME_TEXT(activity);
    SAME_TEXT(provider);
    SAME_TEXT(replaces);
    SAME(replace_delay_ms);
    SAME_TEXT(allocation);
    SAME_TEXT(owner);
    SAME(last_error_ms);
    SAME(capacity_error_ms);
    SAME_TEXT(foreign);
    SAME_TEXT(name);
    SAME_TEXT(unfound);
    SAME_TEXT(control);
    SAME_TEXT(denied);
    SAME_TEXT(last_error);
    SAME_TABLE(pools, pool_count, pool)
    return NULL;
}

static const char *shape_difference(const struct shape *a, const struct shape *b)
{
    SAME(known);
    SAME(distinct_instance);
    SAME(strategy_count);
    SAME(local_data);
    SAME(stop_timeout_ms);
    SAME_TEXT(name);
    SAME_TEXT(arch);
    SAME_TEXT(unmodelled);
    SAME_RES(need);
    SAME_RES(used_p95);
    SAME_RES(used_now);
    SAME(used_largest_mib);
    SAME(used_at_ms);
    for (int i = 0; i < a->strategy_count; i++) {
        SAME(strategies[i].kind);
        SAME_TEXT(strategies[i].field);
    }
    SAME_TEXT(vpc);
    SAME_TABLE(required, required_count, attribute)
    SAME_TABLE(member_of, member_of_count, text)
    SAME_TABLE(zones, zone_count, text)
    return ports_difference(&a->ports, &b->ports);
}

static const char *deployment_difference(const struct deployment *a, const struct deployment *b)
{
    SAME(primary);
    SAME(shape);
    SAME(desired);
    SAME(running);
    SAME(pending);
    SAME(failed);
    SAME(in_progress);
    SAME(created_ms);
    SAME_TEXT(id);
    return NULL;
}

static const char *service_difference(const struct service *a, const struct service *b)
{
    SAME(kind);
    SAME(on_ec2);
    SAME(desired);
    SAME(running);
    SAME(pending);
    SAME(min_percent);
    SAME(max_percent);
    SAME(primary);
    SAME(young);
    SAME(unsteady_since_ms);
    SAME(unplaced_since_ms);
    SAME(crash_looping);
    SAME_TEXT(name);
    SAME_TEXT(arn);
    SAME_TEXT(last_event);
    SAME_TEXT(not_ours);
    SAME_TABLE(providers, provider_count, provider)
    SAME_TABLE(target_groups, target_group_count, text)
    SAME_TABLE(deployments, deployment_count, deployment)
    return NULL;
}

static const char *holding_difference(const struct holding *a, const struct holding *b)
{
    SAME(service);
    SAME(shape);
    SAME(running);
    SAME(pending);
    SAME(stopping);
    SAME(protected_);
    SAME_TEXT(example_task);
    SAME(oldest_ms);
    return NULL;
}

static const char *instance_difference(const struct instance *a, const struct instance *b)
{
    SAME(spot);
    SAME(fleet);
    SAME(weight_milli);
    SAME(ecs);
    SAME(ec2);
    SAME(agent_connected);
    SAME(disconnected_since_ms);
    SAME(launched_ms);
    SAME(registered_ms);
    SAME(tasks_known);
    SAME(ecs_running);
    SAME(ecs_pending);
    SAME(marked_ms);
    SAME(forbidden);
    SAME(notice_ms);
    SAME(rebalance_ms);
    SAME(event_ms);
    SAME_TEXT(id);
    SAME_TEXT(arn);
    SAME_TEXT(type);
    SAME_TEXT(zone);
    SAME_TEXT(arch);
    SAME_TEXT(mark);
    SAME_RES(registered);
    SAME_RES(remaining);
    SAME(ever_registered);
    SAME(volume_attached);
    SAME(scale_in_protected);
    SAME_TEXT(provider);
    SAME_TEXT(agent_version);
    SAME_TEXT(launch_template);
    SAME_TEXT(elsewhere);
    const char *where = ref_difference(a->attributes, b->attributes);
    if (!where)
        where = ports_difference(&a->ports, &b->ports);
    if (where)
        return where;
    SAME_TABLE(holdings, holding_count, holding)
    return NULL;
}

static const char *drain_difference(const struct memo_drain *a, const struct memo_drain *b)
{
    SAME(state);
    SAME(since_ms);
    SAME(state_since_ms);
    SAME(read_back_ms);
    SAME(empty_first_ms);
    SAME(deadline_ms);
    SAME(reported_ms);
    SAME_TEXT(instance);
    SAME_TEXT(reason);
    return NULL;
}

static const char *stamp_difference(const struct memo_stamp *a, const struct memo_stamp *b)
{
    SAME(kind);
    SAME(since_ms);
    SAME(until_ms);
    SAME(count);
    SAME(amount);
    SAME_TEXT(key);
    return NULL;
}

static const char *target_difference(const struct memo_target *a, const struct memo_target *b)
{
    SAME(target);
    SAME(sent_ms);
    SAME_TEXT(fleet);
    return NULL;
}

const char *snapshot_difference(const struct snapshot *a, const struct snapshot *b)
{
    SAME(now_ms);
    SAME(started_ms);
    SAME(complete_looks);
    SAME(boot_p90_ms);
    SAME(boot_p95_ms);
    SAME(dearest_usd_micro);
    SAME_TEXT(confirmed);
    SAME_TEXT(account);
    SAME_TEXT(region);
    SAME_TEXT(cluster);
    SAME_TEXT(owner);
    SAME_TEXT(policy_hash);
    SAME(listed_ms);
    SAME(clock_off_ms);
    SAME(outlook.at_ms);
    SAME(outlook.need_milli);
    SAME(outlook.up);
    SAME(outlook.keep);
    SAME(outlook.boot_ms);
    SAME(outlook.most_28d_milli);
    const char *control = control_difference(&a->control, &b->control);
    if (control)
        return control;
    const char *usage = source_difference(&a->usage, &b->usage);
    usage = usage ? usage : source_difference(&a->overflow, &b->overflow);
    usage = usage ? usage : source_difference(&a->requests, &b->requests);
    if (usage)
        return usage;
    SAME_TEXT(overflowing);
    SAME_TABLE(local_times, local_time_count, local_time)
    SAME_TABLE(occasions, occasion_count, occasion)
    SAME_TABLE(quotas, quota_count, quota)
    SAME_TABLE(subnets, subnet_count, subnet)
    SAME_TABLE(attribute_sets, attribute_set_count, set)
    for (int k = 0; k < SOURCE_COUNT; k++) {
        const char *inner = source_difference(&a->sources[k], &b->sources[k]);
        if (inner)
            return inner;
    }
    SAME_TABLE(types, type_count, type)
    SAME_TABLE(fleets, fleet_count, fleet)
    SAME_TABLE(shapes, shape_count, shape)
    SAME_TABLE(services, service_count, service)
    SAME_TABLE(instances, instance_count, instance)
    return NULL;
}

static const char *launch_difference(const struct memo_launch *a, const struct memo_launch *b)
{
    SAME(capacity);
    SAME(on_demand);
    SAME(sent_ms);
    SAME(answered);
    SAME_TEXT(token);
    SAME_TEXT(fleet);
    SAME_TEXT(value);
    return NULL;
}

const char *memo_difference(const struct memo *a, const struct memo *b)
{
    SAME(version);
    SAME(now_ms);
    SAME(drains_begun);
    SAME(drains_finished);
    SAME(drains_undone);
    SAME(policy_since_ms);
    SAME_TEXT(policy_hash);
    SAME_TABLE(drains, drain_count, drain)
    SAME_TABLE(stamps, stamp_count, stamp)
    SAME_TABLE(targets, target_count, target)
    SAME_TABLE(launches, launch_count, launch)
    return NULL;
}
