#include "scaler/aws/autoscaling_decode.h"

#include "scaler/aws/autoscaling.h"

static const struct xml_node *result_of(struct aws_job *job, const struct xml_node *root, const char *wrapper)
{
    const struct xml_node *result = xml_at(root, wrapper);
    job->token = xml_text_in(result, "NextToken", job->with.arena);
    return result;
}

static const char **texts_of(const struct xml_node *n, const char *path, const char *inner, struct arena *a, size_t *ret_count)
{
    const struct xml_node *first = xml_first(n, path, "member");
    const char **texts = arena_array(a, const char *, xml_count(first) + 1);
    *ret_count = 0;
    for (const struct xml_node *i = first; i; i = xml_next(i))
        texts[(*ret_count)++] = xml_text_in(i, inner, a);
    return texts;
}

static const char *template_of(const struct xml_node *n, struct arena *a)
{
    const char *id = xml_text(n, "LaunchTemplateId"), *version = xml_text(n, "Version");
    return *id && *version ? arena_printf(a, "%s:%s", id, version) : "";
}

// A weight is a string of a whole number; nothing told is 1.
static int64_t weight_of(const struct xml_node *n)
{
    int64_t weight = xml_milli(n, "WeightedCapacity", 1000);
    return weight > 0 ? weight : 1000;
}

static struct asg_instance instance_of(const struct xml_node *n, struct arena *a)
{
    return (struct asg_instance){
        .id = xml_text_in(n, "InstanceId", a),
        .type = xml_text_in(n, "InstanceType", a),
        .zone = xml_text_in(n, "AvailabilityZone", a),
        .lifecycle = xml_text_in(n, "LifecycleState", a),
        .health = xml_text_in(n, "HealthStatus", a),
        .launch_template = template_of(xml_at(n, "LaunchTemplate"), a),
        .protected_from_scale_in = xml_flag(n, "ProtectedFromScaleIn", false),
        .weight_milli = weight_of(n),
    };
}

// Seconds as told; nonsense is the fallback.
static int64_t seconds_ms(const struct xml_node *n, const char *path, int64_t fallback_s)
{
    int64_t s = xml_int(n, path, fallback_s);
    return (s < 0 || s > INT32_MAX ? fallback_s : s) * 1000;
}

// ---- groups ------------------------------------------------------------------------------------------------------------------
static int read_instances(struct asg_group *g, const struct xml_node *n, struct arena *a, struct err *err)
{
    const struct xml_node *first = xml_first(n, "Instances", "member");
    g->instances = arena_array(a, struct asg_instance, xml_count(first) + 1);
    for (const struct xml_node *i = first; i; i = xml_next(i)) {
        struct asg_instance x = instance_of(i, a);
        if (!*x.id || !*x.lifecycle)
            return err_set(err, ERR_CORRUPT, "a member of group %.80s without id or state", g->name);
        g->instances[g->instance_count++] = x;
    }
    return 0;
}

static enum trait_rule trait_of(const struct xml_node *n, const char *path)
{
    const char *word = xml_text(n, path);
    return strcmp(word, "included") == 0 ? TRAIT_INCLUDED : strcmp(word, "required") == 0 ? TRAIT_REQUIRED : TRAIT_EXCLUDED;
}

static bool names(const struct xml_node *n, const char *list, const char *word)
{
    for (const struct xml_node *i = xml_first(n, list, "member"); i; i = xml_next(i))
        if (strcmp(i->text, word) == 0)
            return true;
    return false;
}

// As of a fleet (ec2_type_rules_of), in this protocol's names. What is not read only makes the real choice narrower.
static const struct type_rules *rules_of(const struct xml_node *override, struct arena *a)
{
    const struct xml_node *n = xml_at(override, "InstanceRequirements");
    if (!n)
        return NULL;
    struct type_rules r = type_rules_any();
    r.vcpus_min = xml_int(n, "VCpuCount/Min", 0);
    r.vcpus_max = xml_int(n, "VCpuCount/Max", 0);
    r.memory_min_mib = xml_int(n, "MemoryMiB/Min", 0);
    r.memory_max_mib = xml_int(n, "MemoryMiB/Max", 0);
    r.gpus_max = xml_int(n, "AcceleratorCount/Max", -1);
    r.burstable = trait_of(n, "BurstablePerformance");
    r.bare_metal = trait_of(n, "BareMetal");
    bool current = names(n, "InstanceGenerations", "current"), previous = names(n, "InstanceGenerations", "previous");
    if (current != previous) {
        r.current = current ? TRAIT_INCLUDED : TRAIT_EXCLUDED;
        r.previous = previous ? TRAIT_INCLUDED : TRAIT_EXCLUDED;
    }
    r.only = texts_of(n, "AllowedInstanceTypes", "", a, &r.only_count);
    r.except = texts_of(n, "ExcludedInstanceTypes", "", a, &r.except_count);
    struct type_rules *kept = arena_new(a, struct type_rules);
    *kept = r;
    return kept;
}

static void read_mixed(struct asg_group *g, const struct xml_node *n, struct arena *a)
{
    const struct xml_node *mixed = xml_at(n, "MixedInstancesPolicy"), *t = xml_at(mixed, "LaunchTemplate");
    const struct xml_node *first = xml_first(t, "Overrides", "member");
    g->mixed = mixed != NULL;
    g->launch_template = template_of(mixed ? xml_at(t, "LaunchTemplateSpecification") : xml_at(n, "LaunchTemplate"), a);
    g->on_demand_base = xml_int(mixed, "InstancesDistribution/OnDemandBaseCapacity", 0);
    g->on_demand_percent = xml_int(mixed, "InstancesDistribution/OnDemandPercentageAboveBaseCapacity", 100);
    g->spot_allocation = xml_text_in(mixed, "InstancesDistribution/SpotAllocationStrategy", a);
    g->overrides = arena_array(a, struct asg_override, xml_count(first) + 1);
    for (const struct xml_node *i = first; i; i = xml_next(i))
        g->overrides[g->override_count++] = (struct asg_override){xml_text_in(i, "InstanceType", a), weight_of(i), rules_of(i, a)};
}

static void read_suspended(struct asg_group *g, const struct xml_node *n, struct arena *a)
{
    g->suspended = texts_of(n, "SuspendedProcesses", "ProcessName", a, &g->suspended_count);
    g->launch_suspended_why = "";
    for (const struct xml_node *i = xml_first(n, "SuspendedProcesses", "member"); i; i = xml_next(i))
        if (strcmp(xml_text(i, "ProcessName"), "Launch") == 0)
            g->launch_suspended_why = xml_text_in(i, "SuspensionReason", a);
}

static void read_tags(struct asg_group *g, const struct xml_node *n, struct arena *a)
{
    const struct xml_node *first = xml_first(n, "Tags", "member");
    g->tags.cap = xml_count(first);
    g->tags.items = arena_array(a, struct aws_tag, g->tags.cap + 1);
    for (const struct xml_node *i = first; i; i = xml_next(i))
        g->tags.items[g->tags.count++] = (struct aws_tag){xml_text_in(i, "Key", a), xml_text_in(i, "Value", a)};
}

static int add_group(struct aws_job *job, const struct xml_node *n, struct err *err)
{
    struct asg_groups *ret = job->ret;
    struct arena *a = job->with.arena;
    struct asg_group g = {
        .name = xml_text_in(n, "AutoScalingGroupName", a),
        .arn = xml_text_in(n, "AutoScalingGroupARN", a),
        .min = xml_int(n, "MinSize", -1),
        .max = xml_int(n, "MaxSize", -1),
        .desired = xml_int(n, "DesiredCapacity", -1),
        .max_lifetime_ms = seconds_ms(n, "MaxInstanceLifetime", 0),
        .status = xml_text_in(n, "Status", a),
        .protects_new = xml_flag(n, "NewInstancesProtectedFromScaleIn", false),
        .capacity_rebalance = xml_flag(n, "CapacityRebalance", false),
        .has_warm_pool = xml_at(n, "WarmPoolConfiguration") != NULL,
    };
    g.zones = texts_of(n, "AvailabilityZones", "", a, &g.zone_count);
    if (!*g.name || g.min < 0 || g.max < 0 || g.desired < 0)
        return err_set(err, ERR_CORRUPT, "a group without name, bounds or desired capacity");
    int rc = read_instances(&g, n, a, err);
    if (rc)
        return rc;
    read_mixed(&g, n, a);
    read_suspended(&g, n, a);
    read_tags(&g, n, a);
    ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
    ret->items[ret->count++] = g;
    return 0;
}

int asg_decode_groups(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    struct asg_groups *ret = job->ret;
    size_t before = ret->count;
    const struct xml_node *result = result_of(job, root, "DescribeAutoScalingGroupsResult");
    for (const struct xml_node *i = xml_first(result, "AutoScalingGroups", "member"); i; i = xml_next(i)) {
        int rc = add_group(job, i, err);
        if (rc) {
            ret->count = before;
            return rc;
        }
    }
    return result ? 0 : err_set(err, ERR_CORRUPT, "the answer holds no result");
}

// Whether it is part of what the desired capacity counts.
static bool counts(const struct asg_instance *i)
{
    return strcmp(i->lifecycle, "InService") == 0 || strncmp(i->lifecycle, "Pending", 7) == 0;
}

static void add_pools(struct ec2_spot_fleet *f, size_t *cap, const struct asg_group *g, struct asg_override o, struct arena *a)
{
    for (size_t z = 0; z < g->zone_count; z++) {
        f->overrides = arena_grow(a, f->overrides, f->override_count, cap, sizeof *f->overrides);
        f->overrides[f->override_count++] = (struct ec2_fleet_override){.type = o.type, .subnet = "", .zone = g->zones[z], .rules = o.rules,
                                                                        .launch_template = g->launch_template, .weight_milli = o.weight_milli};
    }
}

// A group of one launch template names no type: it has those of its members.
static void add_types_of_members(struct ec2_spot_fleet *f, size_t *cap, const struct asg_group *g, struct arena *a)
{
    for (size_t i = 0; i < g->instance_count; i++) {
        bool there = false;
        for (size_t k = 0; k < f->override_count && !there; k++)
            there = strcmp(f->overrides[k].type, g->instances[i].type) == 0;
        if (!there && *g->instances[i].type)
            add_pools(f, cap, g, (struct asg_override){g->instances[i].type, g->instances[i].weight_milli, NULL}, a);
    }
}

static struct ec2_spot_fleet as_fleet(const struct asg_group *g, struct arena *a)
{
    size_t cap = 0;
    struct ec2_spot_fleet f = {.id = g->name, .state = *g->status ? "cancelled_terminating" : "active", .activity = "", .type = "maintain",
                               .allocation = g->spot_allocation, .excess_policy = "", .rebalance = g->capacity_rebalance ? "group" : "", .target = g->desired, .tags = g->tags, .group = g};
    for (size_t i = 0; i < g->instance_count; i++)
        f.fulfilled_milli += counts(&g->instances[i]) ? g->instances[i].weight_milli : 0;
    for (size_t i = 0; i < g->override_count; i++)
        add_pools(&f, &cap, g, g->overrides[i], a);
    if (f.override_count == 0)
        add_types_of_members(&f, &cap, g, a);
    return f;
}

int asg_decode_as_fleets(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    struct ec2_spot_fleets *ret = job->ret;
    struct asg_groups groups = {0};
    struct aws_job of_groups = *job;
    of_groups.ret = &groups;
    int rc = asg_decode_groups(&of_groups, root, err);
    job->token = of_groups.token;
    for (size_t i = 0; rc == 0 && i < groups.count; i++) {
        ret->items = arena_grow(job->with.arena, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = as_fleet(&groups.items[i], job->with.arena);
    }
    return rc;
}

// ---- the rest ----------------------------------------------------------------------------------------------------------------
int asg_decode_warm_pool(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    struct asg_members *ret = job->ret;
    const struct xml_node *result = result_of(job, root, "DescribeWarmPoolResult");
    for (const struct xml_node *i = xml_first(result, "Instances", "member"); i; i = xml_next(i)) {
        ret->items = arena_grow(job->with.arena, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = instance_of(i, job->with.arena);
    }
    return result ? 0 : err_set(err, ERR_CORRUPT, "the answer holds no result");
}

int asg_decode_refreshes(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    struct asg_refreshes *ret = job->ret;
    struct arena *a = job->with.arena;
    const struct xml_node *result = result_of(job, root, "DescribeInstanceRefreshesResult");
    for (const struct xml_node *i = xml_first(result, "InstanceRefreshes", "member"); i; i = xml_next(i)) {
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = (struct asg_refresh){xml_text_in(i, "InstanceRefreshId", a), xml_text_in(i, "Status", a)};
    }
    return result ? 0 : err_set(err, ERR_CORRUPT, "the answer holds no result");
}

int asg_decode_policies(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    struct asg_policies *ret = job->ret;
    struct arena *a = job->with.arena;
    const struct xml_node *result = result_of(job, root, "DescribePoliciesResult");
    for (const struct xml_node *i = xml_first(result, "ScalingPolicies", "member"); i; i = xml_next(i)) {
        struct asg_policy p = {xml_text_in(i, "AutoScalingGroupName", a), xml_text_in(i, "PolicyName", a), xml_text_in(i, "PolicyType", a),
                               xml_flag(i, "Enabled", true)};
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = p;
    }
    return result ? 0 : err_set(err, ERR_CORRUPT, "the answer holds no result");
}

int asg_decode_hooks(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    struct asg_hooks *ret = job->ret;
    struct arena *a = job->with.arena;
    const struct xml_node *result = result_of(job, root, "DescribeLifecycleHooksResult");
    for (const struct xml_node *i = xml_first(result, "LifecycleHooks", "member"); i; i = xml_next(i)) {
        const char *transition = xml_text(i, "LifecycleTransition");
        struct asg_hook h = {.name = xml_text_in(i, "LifecycleHookName", a), .launching = strcmp(transition, "autoscaling:EC2_INSTANCE_LAUNCHING") == 0,
                             .heartbeat_ms = seconds_ms(i, "HeartbeatTimeout", 3600), .global_ms = seconds_ms(i, "GlobalTimeout", 172800)};
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = h;
    }
    return result ? 0 : err_set(err, ERR_CORRUPT, "the answer holds no result");
}

int asg_decode_activities(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    struct asg_activities *ret = job->ret;
    struct arena *a = job->with.arena;
    const struct xml_node *result = result_of(job, root, "DescribeScalingActivitiesResult");
    job->token = NULL;  // what is older does not matter
    for (const struct xml_node *i = xml_first(result, "Activities", "member"); i; i = xml_next(i)) {
        struct asg_activity x = {xml_text_in(i, "StatusCode", a), xml_text_in(i, "Description", a), xml_text_in(i, "StatusMessage", a),
                                 xml_time_ms(i, "StartTime")};
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = x;
    }
    return result ? 0 : err_set(err, ERR_CORRUPT, "the answer holds no result");
}

int asg_decode_done(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    (void)job;
    return strstr(root->name, "Response") ? 0 : err_set(err, ERR_CORRUPT, "the answer is <%.40s>", root->name);
}
