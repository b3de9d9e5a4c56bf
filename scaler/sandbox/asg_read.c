// Auto Scaling: what is read.
#include "scaler/sandbox/asg.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "scaler/sandbox/requirements.h"

// ---- DescribeAutoScalingGroups --------------------------------------------------------------------------------------------
static bool passes(const struct world_fleet *f, const struct asg_filters *filters)
{
    for (size_t i = 0; i < filters->count; i++) {
        const struct asg_filter *x = &filters->items[i];
        bool some = strncmp(x->name, "tag:", 4) == 0 && play_asg_has(x, world_tag_value(f->tags, f->tag_count, x->name + 4));
        for (int t = 0; t < f->tag_count && !some; t++)
            some = (strcmp(x->name, "tag-key") == 0 && play_asg_has(x, f->tags[t].key)) ||
                   (strcmp(x->name, "tag-value") == 0 && play_asg_has(x, f->tags[t].value));
        if (!some)
            return false;
    }
    return true;
}

static void write_specification(struct call *c, const struct world_template *t, const char *element)
{
    xo_open(c->out, element);
    xo_text(c->out, "LaunchTemplateId", t->id);
    xo_text(c->out, "LaunchTemplateName", "ecs");
    xo_int(c->out, "Version", t->version);
    xo_close(c->out, element);
}

static const char *const spot_strategies[] = {
    [WALLOC_LOWEST_PRICE] = "lowest-price", [WALLOC_DIVERSIFIED] = "lowest-price", [WALLOC_CAPACITY_OPTIMIZED] = "capacity-optimized",
    [WALLOC_PRICE_CAPACITY_OPTIMIZED] = "price-capacity-optimized"};

static void write_mixed(struct call *c, const struct world_fleet *f, const struct world_group *g)
{
    struct buf *o = c->out;
    xo_open(o, "MixedInstancesPolicy");
    xo_open(o, "LaunchTemplate");
    write_specification(c, &c->view.templates[f->template], "LaunchTemplateSpecification");
    xo_open(o, "Overrides");
    if (f->by_attributes)
        requirements_write(o, REQUIREMENTS_OF_GROUP, &f->needs);
    for (int i = 0; !f->by_attributes && i < f->override_count; i++) {
        xo_open(o, "member");
        xo_text(o, "InstanceType", c->view.types[f->overrides[i].type].name);
        if (f->overrides[i].weight_milli != 1000)
            xo_int(o, "WeightedCapacity", f->overrides[i].weight_milli / 1000);
        xo_close(o, "member");
    }
    xo_close(o, "Overrides");
    xo_close(o, "LaunchTemplate");
    xo_open(o, "InstancesDistribution");
    xo_text(o, "OnDemandAllocationStrategy", "prioritized");
    xo_int(o, "OnDemandBaseCapacity", g->on_demand_base);
    xo_int(o, "OnDemandPercentageAboveBaseCapacity", g->on_demand_percent);
    xo_text(o, "SpotAllocationStrategy", spot_strategies[f->allocation]);
    xo_close(o, "InstancesDistribution");
    xo_close(o, "MixedInstancesPolicy");
}

static bool has_zone(const struct world_fleet *f, int zone)
{
    for (int i = 0; i < f->override_count; i++)
        if (f->overrides[i].zone < 0 || f->overrides[i].zone == zone)
            return true;
    return false;
}

static void write_zones(struct call *c, const struct world_fleet *f)
{
    const char *subnets = "";
    xo_open(c->out, "AvailabilityZones");
    for (int z = 0; z < c->view.zone_count; z++)
        if (has_zone(f, z))
            xo_text(c->out, "member", c->view.zones[z]);
    xo_close(c->out, "AvailabilityZones");
    for (int s = 0; s < c->view.subnet_count; s++)
        if (has_zone(f, c->view.subnets[s].zone))
            subnets = arena_printf(c->arena, "%s%s%s", subnets, *subnets ? "," : "", c->view.subnets[s].id);
    xo_text(c->out, "VPCZoneIdentifier", subnets);
}

static void write_suspended(struct call *c, const struct world_group *g)
{
    char when[32];
    format_iso8601(g->suspended_ms, false, when);
    xo_open(c->out, "SuspendedProcesses");
    for (int p = 0; p < WP_COUNT; p++) {
        if (!(g->suspended >> p & 1))
            continue;
        bool by_aws = p == WP_LAUNCH && g->suspended_by_aws;
        xo_open(c->out, "member");
        xo_text(c->out, "ProcessName", play_asg_process(p));
        xo_text(c->out, "SuspensionReason", arena_printf(c->arena, by_aws ? "Administratively suspended at %s" : "User suspended at %s", when));
        xo_close(c->out, "member");
    }
    xo_close(c->out, "SuspendedProcesses");
}

static void write_group_tags(struct call *c, const struct world_fleet *f)
{
    xo_open(c->out, "Tags");
    for (int t = 0; t < f->tag_count; t++) {
        xo_open(c->out, "member");
        xo_text(c->out, "ResourceId", f->id);
        xo_text(c->out, "ResourceType", "auto-scaling-group");
        xo_text(c->out, "Key", f->tags[t].key);
        xo_text(c->out, "Value", f->tags[t].value);
        xo_bool(c->out, "PropagateAtLaunch", false);
        xo_close(c->out, "member");
    }
    xo_close(c->out, "Tags");
}

static int warm_count(const struct call *c, int fleet)
{
    int n = 0;
    for (int i = 0; i < c->view.instance_count; i++)
        n += c->view.instances[i].fleet == fleet && play_asg_listed(c, i, true);
    return n;
}

static void write_warm_configuration(struct call *c)
{
    xo_open(c->out, "WarmPoolConfiguration");
    xo_int(c->out, "MinSize", 0);
    xo_text(c->out, "PoolState", "Stopped");
    xo_close(c->out, "WarmPoolConfiguration");
}

static void write_numbers(struct call *c, const struct world_fleet *f, const struct world_group *g)
{
    struct buf *o = c->out;
    xo_int(o, "MinSize", g->min);
    xo_int(o, "MaxSize", g->max);
    xo_int(o, "DesiredCapacity", world_seen(&f->target, c->seen_ms));
    xo_int(o, "DefaultCooldown", g->cooldown_ms / 1000);
    xo_text(o, "HealthCheckType", "EC2");
    xo_int(o, "HealthCheckGracePeriod", 0);
    xo_time(o, "CreatedTime", f->created_ms);
    if (g->deleting)
        xo_text(o, "Status", "Delete in progress");
    if (g->lifetime_ms > 0)
        xo_int(o, "MaxInstanceLifetime", g->lifetime_ms / 1000);
    xo_bool(o, "NewInstancesProtectedFromScaleIn", g->protects_new);
    xo_bool(o, "CapacityRebalance", g->capacity_rebalance);
}

static void write_group(struct call *c, int fleet, bool instances)
{
    const struct world_fleet *f = &c->view.fleets[fleet];
    const struct world_group *g = play_asg_of(c, fleet);
    struct buf *o = c->out;
    xo_open(o, "member");
    xo_text(o, "AutoScalingGroupName", f->id);
    xo_text(o, "AutoScalingGroupARN", play_asg_arn(c, fleet));
    if (g->mixed)
        write_mixed(c, f, g);
    else
        write_specification(c, &c->view.templates[f->template], "LaunchTemplate");
    write_numbers(c, f, g);
    write_zones(c, f);
    xo_open(o, "Instances");
    for (int i = 0; instances && i < c->view.instance_count; i++)
        if (c->view.instances[i].fleet == fleet && play_asg_listed(c, i, false))
            play_asg_write_instance(c, i, false);
    xo_close(o, "Instances");
    write_suspended(c, g);
    write_group_tags(c, f);
    xo_open(o, "TerminationPolicies");
    xo_text(o, "member", "Default");
    xo_close(o, "TerminationPolicies");
    if (g->has_warm_pool) {
        write_warm_configuration(c);
        xo_int(o, "WarmPoolSize", warm_count(c, fleet));
    }
    xo_close(o, "member");
}

void play_asg_describe_groups(struct call *c)
{
    struct page page;
    struct asg_filters filters;
    size_t count = 0;
    bool instances = true;
    struct slice *names = form_list(&c->form, "AutoScalingGroupNames.member", c->arena, &count);
    if (!play_asg_bool(c, "IncludeInstances", &instances, NULL) || !play_asg_filters(c, &filters) || !play_asg_page(c, 50, 100, &page))
        return;
    if (count > 100) {
        play_asg_refuse(c, "The number of group names must be at most 100.");
        return;
    }
    bool *wanted = arena_array(c->arena, bool, (size_t)c->view.fleet_count + 1);
    for (size_t i = 0; i < count; i++) {  // unknown names are silently absent
        int fleet = world_find_group(c->world, arena_strndup(c->arena, names[i].ptr, names[i].len));
        if (fleet >= 0)
            wanted[fleet] = true;
    }
    call_begin_xml(c);
    xo_open(c->out, "AutoScalingGroups");
    for (int i = 0; i < c->view.fleet_count; i++)
        if (play_asg_of(c, i) != NULL && (count == 0 || wanted[i]) && passes(&c->view.fleets[i], &filters) && page_take(&page, i))
            write_group(c, i, instances);
    xo_close(c->out, "AutoScalingGroups");
    play_asg_end(c, &page);
}

void play_asg_describe_instances(struct call *c)
{
    struct page page;
    size_t count = 0;
    struct slice *ids = form_list(&c->form, "InstanceIds.member", c->arena, &count);
    if (!play_asg_page(c, 50, 50, &page))
        return;
    bool *wanted = arena_array(c->arena, bool, (size_t)c->view.instance_count + 1);
    for (size_t i = 0; i < count; i++) {  // ids of no group are silently absent
        int n = world_find_instance(c->world, arena_strndup(c->arena, ids[i].ptr, ids[i].len));
        if (n >= 0)
            wanted[n] = true;
    }
    call_begin_xml(c);
    xo_open(c->out, "AutoScalingInstances");
    for (int i = 0; i < c->view.instance_count; i++)
        if ((count == 0 || wanted[i]) && (play_asg_listed(c, i, false) || play_asg_listed(c, i, true)) && page_take(&page, i))
            play_asg_write_instance(c, i, true);
    xo_close(c->out, "AutoScalingInstances");
    play_asg_end(c, &page);
}

void play_asg_describe_warm_pool(struct call *c)
{
    struct page page;
    int fleet = -1;
    if (!play_asg_group(c, &fleet) || !play_asg_page(c, 50, 50, &page))
        return;
    call_begin_xml(c);
    if (play_asg_of(c, fleet)->has_warm_pool)
        write_warm_configuration(c);
    xo_open(c->out, "Instances");
    for (int i = 0; i < c->view.instance_count; i++)
        if (c->view.instances[i].fleet == fleet && play_asg_listed(c, i, true) && page_take(&page, i))
            play_asg_write_instance(c, i, false);
    xo_close(c->out, "Instances");
    play_asg_end(c, &page);
}

// ---- what a group went through --------------------------------------------------------------------------------------------
static void write_activity(struct call *c, int fleet, const struct world_scaling *a)
{
    xo_open(c->out, "member");
    xo_text(c->out, "ActivityId", a->id);
    xo_text(c->out, "AutoScalingGroupName", c->view.fleets[fleet].id);
    xo_text(c->out, "Description", a->text);
    char when[32];
    format_iso8601(a->start_ms - a->start_ms % 1000, false, when);
    xo_text(c->out, "Cause", arena_printf(c->arena, "At %s %s", when, a->cause));
    xo_time(c->out, "StartTime", a->start_ms);
    xo_time(c->out, "EndTime", a->end_ms);
    xo_text(c->out, "StatusCode", a->failed ? "Failed" : "Successful");
    if (a->message[0] != '\0')
        xo_text(c->out, "StatusMessage", a->message);
    xo_int(c->out, "Progress", 100);
    xo_text(c->out, "AutoScalingGroupARN", play_asg_arn(c, fleet));
    xo_close(c->out, "member");
}

void play_asg_describe_activities(struct call *c)
{
    struct page page;
    int fleet = -1;
    if (!play_asg_group(c, &fleet) || !play_asg_page(c, 100, 100, &page))
        return;
    const struct world_group *g = play_asg_of(c, fleet);
    int64_t kept = g->activity_count < WORLD_ACTIVITIES ? g->activity_count : WORLD_ACTIVITIES;
    call_begin_xml(c);
    xo_open(c->out, "Activities");
    for (int64_t k = 0; k < kept; k++) {  // newest first
        const struct world_scaling *a = &g->activities[(g->activity_count - 1 - k) % WORLD_ACTIVITIES];
        if (a->start_ms <= c->seen_ms && page_take(&page, k))
            write_activity(c, fleet, a);
    }
    xo_close(c->out, "Activities");
    play_asg_end(c, &page);
}

static const char *const refresh_names[] = {[WR_NONE] = "", [WR_PENDING] = "Pending", [WR_IN_PROGRESS] = "InProgress", [WR_SUCCESSFUL] = "Successful",
                                            [WR_FAILED] = "Failed", [WR_CANCELLED] = "Cancelled"};

static int left_to_refresh(const struct call *c, int fleet, const struct world_group *g)
{
    int n = 0;
    for (int i = 0; i < c->view.instance_count; i++)
        n += c->view.instances[i].fleet == fleet && play_asg_listed(c, i, false) && c->view.instances[i].launched_ms < g->refresh_ms;
    return n;
}

void play_asg_describe_refreshes(struct call *c)
{
    struct page page;
    int fleet = -1;
    if (!play_asg_group(c, &fleet) || !play_asg_page(c, 50, 100, &page))
        return;
    const struct world_group *g = play_asg_of(c, fleet);
    call_begin_xml(c);
    xo_open(c->out, "InstanceRefreshes");
    if (g->refresh != WR_NONE && page_take(&page, 0)) {
        int left = left_to_refresh(c, fleet, g), total = g->refresh_total > 0 ? g->refresh_total : 1;
        xo_open(c->out, "member");
        xo_text(c->out, "InstanceRefreshId", g->refresh_id);
        xo_text(c->out, "AutoScalingGroupName", c->view.fleets[fleet].id);
        xo_text(c->out, "Status", refresh_names[g->refresh]);
        xo_time(c->out, "StartTime", g->refresh_ms);
        if (g->refresh_end_ms > 0)
            xo_time(c->out, "EndTime", g->refresh_end_ms);
        xo_int(c->out, "PercentageComplete", left >= total ? 0 : 100 - (int64_t)left * 100 / total);
        xo_int(c->out, "InstancesToUpdate", left);
        xo_close(c->out, "member");
    }
    xo_close(c->out, "InstanceRefreshes");
    play_asg_end(c, &page);
}

void play_asg_describe_policies(struct call *c)
{
    struct page page;
    int only = -1;
    bool named = form_get(&c->form, "AutoScalingGroupName").ptr != NULL;
    if ((named && !play_asg_group(c, &only)) || !play_asg_page(c, 50, 100, &page))
        return;
    call_begin_xml(c);
    xo_open(c->out, "ScalingPolicies");
    for (int i = 0; i < c->view.fleet_count; i++) {
        const struct world_group *g = play_asg_of(c, i);
        for (int k = 0; g != NULL && (only < 0 || only == i) && k < g->policy_count; k++) {
            if (!page_take(&page, i * WORLD_POLICIES + k))
                continue;
            xo_open(c->out, "member");
            xo_text(c->out, "AutoScalingGroupName", c->view.fleets[i].id);
            xo_text(c->out, "PolicyName", g->policies[k].name);
            xo_text(c->out, "PolicyType", g->policies[k].type);
            xo_bool(c->out, "Enabled", true);
            xo_close(c->out, "member");
        }
    }
    xo_close(c->out, "ScalingPolicies");
    play_asg_end(c, &page);
}

void play_asg_describe_hooks(struct call *c)
{
    int fleet = -1;
    size_t count = 0;
    struct slice *names = form_list(&c->form, "LifecycleHookNames.member", c->arena, &count);
    if (!play_asg_group(c, &fleet))
        return;
    const struct world_group *g = play_asg_of(c, fleet);
    call_begin_xml(c);
    xo_open(c->out, "LifecycleHooks");
    for (int k = 0; k < g->hook_count; k++) {
        const struct world_hook_of_group *h = &g->hooks[k];
        bool wanted = count == 0;
        for (size_t i = 0; i < count; i++)
            wanted |= slice_eq_str(names[i], h->name);
        if (!wanted)
            continue;
        int64_t limit_s = h->heartbeat_ms / 10 < 172800 ? h->heartbeat_ms / 10 : 172800;  // 100 heartbeats, at most 48 h
        xo_open(c->out, "member");
        xo_text(c->out, "LifecycleHookName", h->name);
        xo_text(c->out, "AutoScalingGroupName", c->view.fleets[fleet].id);
        xo_text(c->out, "LifecycleTransition", h->launching ? "autoscaling:EC2_INSTANCE_LAUNCHING" : "autoscaling:EC2_INSTANCE_TERMINATING");
        xo_int(c->out, "HeartbeatTimeout", h->heartbeat_ms / 1000);
        xo_int(c->out, "GlobalTimeout", limit_s);
        xo_text(c->out, "DefaultResult", h->abandons ? "ABANDON" : "CONTINUE");
        xo_close(c->out, "member");
    }
    xo_close(c->out, "LifecycleHooks");
    play_asg_end(c, NULL);
}
