// Auto Scaling: the table of operations with the parameters each takes, and names.
#include "scaler/sandbox/asg.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

#define PAGED "MaxRecords", "NextToken"
#define GROUP "AutoScalingGroupName"

static const char *const groups_params[] = {"AutoScalingGroupNames.member.N", "Filters.member.N.Name", "Filters.member.N.Values.member.N",
                                            "IncludeInstances", PAGED, NULL};
static const char *const instances_params[] = {"InstanceIds.member.N", PAGED, NULL};
static const char *const activities_params[] = {GROUP, "ActivityIds.member.N", PAGED, NULL};
static const char *const refreshes_params[] = {GROUP, "InstanceRefreshIds.member.N", PAGED, NULL};
static const char *const policies_params[] = {GROUP, "PolicyNames.member.N", "PolicyTypes.member.N", PAGED, NULL};
static const char *const hooks_params[] = {GROUP, "LifecycleHookNames.member.N", NULL};
static const char *const warm_params[] = {GROUP, PAGED, NULL};
static const char *const desired_params[] = {GROUP, "DesiredCapacity", "HonorCooldown", NULL};
static const char *const terminate_params[] = {"InstanceId", "ShouldDecrementDesiredCapacity", NULL};
static const char *const protect_params[] = {GROUP, "InstanceIds.member.N", "ProtectedFromScaleIn", NULL};
static const char *const processes_params[] = {GROUP, "ScalingProcesses.member.N", NULL};
static const char *const complete_params[] = {GROUP, "LifecycleHookName", "LifecycleActionToken", "LifecycleActionResult", "InstanceId", NULL};
static const char *const heartbeat_params[] = {GROUP, "LifecycleHookName", "LifecycleActionToken", "InstanceId", NULL};
static const char *const tag_params[] = {"Tags.member.N.ResourceId", "Tags.member.N.ResourceType", "Tags.member.N.Key", "Tags.member.N.Value",
                                         "Tags.member.N.PropagateAtLaunch", NULL};

const struct op asg_ops[] = {
    {"autoscaling:DescribeAutoScalingGroups", play_asg_describe_groups, BUCKET_ASG_READ, false, true, groups_params},
    {"autoscaling:DescribeAutoScalingInstances", play_asg_describe_instances, BUCKET_ASG_READ, false, true, instances_params},
    {"autoscaling:DescribeScalingActivities", play_asg_describe_activities, BUCKET_ASG_READ, false, true, activities_params},
    {"autoscaling:DescribeInstanceRefreshes", play_asg_describe_refreshes, BUCKET_ASG_READ, false, true, refreshes_params},
    {"autoscaling:DescribePolicies", play_asg_describe_policies, BUCKET_ASG_READ, false, true, policies_params},
    {"autoscaling:DescribeLifecycleHooks", play_asg_describe_hooks, BUCKET_ASG_READ, false, true, hooks_params},
    {"autoscaling:DescribeWarmPool", play_asg_describe_warm_pool, BUCKET_ASG_READ, false, true, warm_params},
    {"autoscaling:SetDesiredCapacity", play_asg_set_desired, BUCKET_ASG_WRITE, true, true, desired_params},
    {"autoscaling:TerminateInstanceInAutoScalingGroup", play_asg_terminate, BUCKET_ASG_WRITE, true, true, terminate_params},
    {"autoscaling:SetInstanceProtection", play_asg_protect, BUCKET_ASG_WRITE, true, true, protect_params},
    {"autoscaling:SuspendProcesses", play_asg_suspend, BUCKET_ASG_WRITE, true, true, processes_params},
    {"autoscaling:ResumeProcesses", play_asg_resume, BUCKET_ASG_WRITE, true, true, processes_params},
    {"autoscaling:CompleteLifecycleAction", play_asg_complete, BUCKET_ASG_WRITE, true, true, complete_params},
    {"autoscaling:RecordLifecycleActionHeartbeat", play_asg_heartbeat, BUCKET_ASG_WRITE, true, true, heartbeat_params},
    {"autoscaling:CreateOrUpdateTags", play_asg_tag, BUCKET_ASG_WRITE, true, true, tag_params},
};
const size_t asg_op_count = ARRAY_LEN(asg_ops);

// ---- parameters -----------------------------------------------------------------------------------------------------------
bool play_asg_refuse(struct call *c, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    call_fail(c, 400, "ValidationError", "%s", text);
    return false;
}

static bool bad_value(struct call *c, const char *name, struct slice v)
{
    return play_asg_refuse(c, "Value '%.*s' at '%s' failed to satisfy constraint.", (int)(v.len < 80 ? v.len : 80), v.ptr, name);
}

bool play_asg_int(struct call *c, const char *name, int64_t min, int64_t max, int64_t *ret, bool *ret_present)
{
    struct slice v = form_get(&c->form, name);
    int64_t value = 0;
    if (ret_present != NULL)
        *ret_present = v.ptr != NULL;
    if (v.ptr == NULL)
        return true;
    if (!parse_i64(v, &value) || value < min || value > max)
        return bad_value(c, name, v);
    *ret = value;
    return true;
}

bool play_asg_bool(struct call *c, const char *name, bool *ret, bool *ret_present)
{
    struct slice v = form_get(&c->form, name);
    if (ret_present != NULL)
        *ret_present = v.ptr != NULL;
    if (v.ptr == NULL)
        return true;
    if (!slice_eq_str(v, "true") && !slice_eq_str(v, "false"))
        return bad_value(c, name, v);
    *ret = slice_eq_str(v, "true");
    return true;
}

bool play_asg_group(struct call *c, int *ret_fleet)
{
    const char *name = form_str(&c->form, GROUP, c->arena);
    if (name == NULL) {
        call_missing(c, "autoScalingGroupName");
        return false;
    }
    *ret_fleet = world_find_group(c->world, name);
    return *ret_fleet >= 0 || play_asg_refuse(c, "AutoScalingGroup name not found - AutoScalingGroup %.200s not found", name);
}

bool play_asg_instances(struct call *c, size_t max, int **ret, size_t *ret_count)
{
    size_t count = 0;
    struct slice *ids = form_list(&c->form, "InstanceIds.member", c->arena, &count);
    int *found = arena_array(c->arena, int, count + 1);
    if (count > max)
        return play_asg_refuse(c, "The number of instance ids must be at most %zu.", max);
    for (size_t i = 0; i < count; i++) {
        const char *id = arena_strndup(c->arena, ids[i].ptr, ids[i].len);
        found[i] = world_find_instance(c->world, id);
        if (found[i] < 0)
            return play_asg_refuse(c, "The instance %.40s is not valid.", id);
    }
    *ret = found;
    *ret_count = count;
    return true;
}

bool play_asg_page(struct call *c, int64_t fallback, int64_t max, struct page *ret)
{
    int64_t limit = fallback;
    if (!play_asg_int(c, "MaxRecords", 1, max, &limit, NULL))
        return false;
    if (page_open(c, form_str(&c->form, "NextToken", c->arena), limit, ret))
        return true;
    call_fail(c, 400, "InvalidNextToken", "The NextToken value is not valid.");
    return false;
}

void play_asg_end(struct call *c, const struct page *page)
{
    if (page != NULL)
        xo_text(c->out, "NextToken", page_token(c, page));
    call_end_xml(c);
}

void play_asg_void(struct call *c)
{
    buf_printf(c->out, "<%sResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><ResponseMetadata><RequestId>%s</RequestId>"
               "</ResponseMetadata></%sResponse>", op_action(c->op), c->ret->request_id, op_action(c->op));
}

// ---- filters --------------------------------------------------------------------------------------------------------------
bool play_asg_filters(struct call *c, struct asg_filters *ret)
{
    *ret = (struct asg_filters){.items = arena_array(c->arena, struct asg_filter, 16)};
    for (int n = 1; n <= 16; n++) {
        const char *name = form_str(&c->form, arena_printf(c->arena, "Filters.member.%d.Name", n), c->arena);
        if (name == NULL)
            break;
        if (strcmp(name, "tag-key") != 0 && strcmp(name, "tag-value") != 0 && (strncmp(name, "tag:", 4) != 0 || name[4] == '\0'))
            return play_asg_refuse(c, "The filter '%.80s' is not valid.", name);
        size_t count = 0;
        struct slice *values = form_list(&c->form, arena_printf(c->arena, "Filters.member.%d.Values.member", n), c->arena, &count);
        struct asg_filter *f = &ret->items[ret->count++];
        *f = (struct asg_filter){name, arena_array(c->arena, const char *, count + 1), count};
        for (size_t i = 0; i < count; i++)
            f->values[i] = arena_strndup(c->arena, values[i].ptr, values[i].len);
    }
    return true;
}

bool play_asg_has(const struct asg_filter *f, const char *value)
{
    for (size_t i = 0; value != NULL && i < f->value_count; i++)
        if (strcmp(f->values[i], value) == 0)
            return true;
    return false;
}

// ---- names ----------------------------------------------------------------------------------------------------------------
const struct world_group *play_asg_of(const struct call *c, int fleet)
{
    return fleet >= 0 && c->view.fleets[fleet].group >= 0 ? &c->view.groups[c->view.fleets[fleet].group] : NULL;
}

const char *play_asg_arn(struct call *c, int fleet)
{
    return arena_printf(c->arena, "arn:aws:autoscaling:%s:%s:autoScalingGroup:%s:autoScalingGroupName/%s", c->region->name, c->region->account,
                        play_asg_of(c, fleet)->uuid, c->view.fleets[fleet].id);
}

const char *play_asg_process(int process)
{
    static const char *const names[WP_COUNT] = {
        [WP_LAUNCH] = "Launch", [WP_TERMINATE] = "Terminate", [WP_ADD_TO_LOAD_BALANCER] = "AddToLoadBalancer",
        [WP_ALARM_NOTIFICATION] = "AlarmNotification", [WP_AZ_REBALANCE] = "AZRebalance", [WP_HEALTH_CHECK] = "HealthCheck",
        [WP_INSTANCE_REFRESH] = "InstanceRefresh", [WP_REPLACE_UNHEALTHY] = "ReplaceUnhealthy", [WP_SCHEDULED_ACTIONS] = "ScheduledActions"};
    return names[process];
}

bool play_asg_listed(const struct call *c, int instance, bool warm)
{
    const struct world_instance *in = &c->view.instances[instance];
    int64_t state = world_seen(&in->member.state, c->seen_ms);
    bool gone = state == WM_NONE || state == WM_TERMINATED || state == WM_DETACHED;
    return in->used && in->fleet >= 0 && in->created_ms <= c->seen_ms && !gone && (state >= WM_WARMED_PENDING) == warm;
}

static void write_template(struct call *c, int template)
{
    const struct world_template *t = &c->view.templates[template];
    xo_open(c->out, "LaunchTemplate");
    xo_text(c->out, "LaunchTemplateId", t->id);
    xo_text(c->out, "LaunchTemplateName", "ecs");
    xo_int(c->out, "Version", t->version);
    xo_close(c->out, "LaunchTemplate");
}

void play_asg_write_instance(struct call *c, int instance, bool with_group)
{
    const struct world_instance *in = &c->view.instances[instance];
    const struct world_pool *pool = &c->view.pools[in->pool];
    struct buf *o = c->out;
    xo_open(o, "member");
    xo_text(o, "InstanceId", in->id);
    xo_text(o, "InstanceType", c->view.types[pool->type].name);
    if (with_group)
        xo_text(o, "AutoScalingGroupName", c->view.fleets[in->fleet].id);
    xo_text(o, "AvailabilityZone", c->view.zones[pool->zone]);
    xo_text(o, "LifecycleState", world_member_name(world_seen(&in->member.state, c->seen_ms)));
    // the two operations spell it differently
    const char *health = in->member.unhealthy ? (with_group ? "UNHEALTHY" : "Unhealthy") : (with_group ? "HEALTHY" : "Healthy");
    xo_text(o, "HealthStatus", health);
    write_template(c, in->template);
    xo_bool(o, "ProtectedFromScaleIn", in->member.protected);
    if (in->weight_milli != 1000)
        xo_int(o, "WeightedCapacity", in->weight_milli / 1000);
    xo_close(o, "member");
}
