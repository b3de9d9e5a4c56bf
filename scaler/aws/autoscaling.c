#include "scaler/aws/autoscaling.h"

#include "scaler/aws/autoscaling_decode.h"

#define VERSION "2011-01-01"
#define NAMES_MAX 50

static const struct aws_operation describe_groups = {AWS_AUTOSCALING, "DescribeAutoScalingGroups", false, false, NULL, asg_decode_groups, NULL};
static const struct aws_operation describe_fleets = {AWS_AUTOSCALING, "DescribeAutoScalingGroups", false, false, NULL, asg_decode_as_fleets, NULL};
static const struct aws_operation describe_warm_pool = {AWS_AUTOSCALING, "DescribeWarmPool", false, false, NULL, asg_decode_warm_pool, NULL};
static const struct aws_operation describe_refreshes = {AWS_AUTOSCALING, "DescribeInstanceRefreshes", false, false, NULL, asg_decode_refreshes, NULL};
static const struct aws_operation describe_policies = {AWS_AUTOSCALING, "DescribePolicies", false, false, NULL, asg_decode_policies, NULL};
static const struct aws_operation describe_hooks = {AWS_AUTOSCALING, "DescribeLifecycleHooks", false, false, NULL, asg_decode_hooks, NULL};
static const struct aws_operation describe_activities = {AWS_AUTOSCALING, "DescribeScalingActivities", false, false, NULL, asg_decode_activities, NULL};
static const struct aws_operation set_desired = {AWS_AUTOSCALING, "SetDesiredCapacity", true, false, NULL, asg_decode_done, NULL};
static const struct aws_operation terminate = {AWS_AUTOSCALING, "TerminateInstanceInAutoScalingGroup", true, false, NULL, asg_decode_done, NULL};
// The same twice is the same once.
static const struct aws_operation complete = {AWS_AUTOSCALING, "CompleteLifecycleAction", true, false, NULL, asg_decode_done, NULL};
static const struct aws_operation heartbeat = {AWS_AUTOSCALING, "RecordLifecycleActionHeartbeat", true, true, NULL, asg_decode_done, NULL};
static const struct aws_operation tag_group = {AWS_AUTOSCALING, "CreateOrUpdateTags", true, true, NULL, asg_decode_done, NULL};

static void begin(struct buf *b, const struct aws_operation *op)
{
    buf_init(b, AWS_REQUEST_MAX);
    aws_form_begin(b, op->name, VERSION);
}

static void submit(struct aws_with w, const struct aws_operation *op, struct aws_call *call, void *ret, const struct buf *b)
{
    aws_job_submit(&(struct aws_job){.with = w, .op = op, .call = call, .ret = ret}, b);
}

// ---- reading -----------------------------------------------------------------------------------------------------------------
static void ask_by_name(struct aws_with w, const struct aws_operation *op, const char *const *names, size_t count, struct aws_call *call, void *ret)
{
    aws_call_begin(call);
    for (size_t from = 0; from < count; from += NAMES_MAX) {
        _cleanup_(buf_release) struct buf b;
        begin(&b, op);
        aws_form_add_list(&b, "AutoScalingGroupNames.member", names + from, count - from < NAMES_MAX ? count - from : NAMES_MAX);
        submit(w, op, call, ret, &b);
    }
    aws_call_settle(call);
}

void asg_describe_groups(struct aws_with w, const char *const *names, size_t count, struct asg_groups *ret)
{
    *ret = (struct asg_groups){0};
    ask_by_name(w, &describe_groups, names, count, &ret->call, ret);
}

void asg_describe_as_fleets(struct aws_with w, const char *const *names, size_t count, struct ec2_spot_fleets *ret)
{
    *ret = (struct ec2_spot_fleets){0};
    ask_by_name(w, &describe_fleets, names, count, &ret->call, ret);
}

// The reads of one group by its name: they differ in nothing but the operation.
static void ask_group(struct aws_with w, const struct aws_operation *op, const char *group, struct aws_call *call, void *ret)
{
    aws_call_begin(call);
    _cleanup_(buf_release) struct buf b;
    begin(&b, op);
    aws_form_add(&b, "AutoScalingGroupName", group);
    submit(w, op, call, ret, &b);
    aws_call_settle(call);
}

void asg_describe_warm_pool(struct aws_with w, const char *group, struct asg_members *ret)
{
    *ret = (struct asg_members){0};
    ask_group(w, &describe_warm_pool, group, &ret->call, ret);
}

void asg_describe_refreshes(struct aws_with w, const char *group, struct asg_refreshes *ret)
{
    *ret = (struct asg_refreshes){0};
    ask_group(w, &describe_refreshes, group, &ret->call, ret);
}

void asg_describe_policies(struct aws_with w, const char *group, struct asg_policies *ret)
{
    *ret = (struct asg_policies){0};
    ask_group(w, &describe_policies, group, &ret->call, ret);
}

void asg_describe_hooks(struct aws_with w, const char *group, struct asg_hooks *ret)
{
    *ret = (struct asg_hooks){0};
    ask_group(w, &describe_hooks, group, &ret->call, ret);
}

void asg_describe_activities(struct aws_with w, const char *group, struct asg_activities *ret)
{
    *ret = (struct asg_activities){0};
    ask_group(w, &describe_activities, group, &ret->call, ret);
}

// ---- changes -----------------------------------------------------------------------------------------------------------------
void asg_set_desired(struct aws_with w, const char *group, int64_t desired, struct aws_call *ret)
{
    aws_call_begin(ret);
    assert(desired >= 0);
    _cleanup_(buf_release) struct buf b;
    begin(&b, &set_desired);
    aws_form_add(&b, "AutoScalingGroupName", group);
    aws_form_add_int(&b, "DesiredCapacity", desired);
    submit(w, &set_desired, ret, ret, &b);
    aws_call_settle(ret);
}

void asg_terminate(struct aws_with w, const char *instance, bool decrement, struct aws_call *ret)
{
    aws_call_begin(ret);
    _cleanup_(buf_release) struct buf b;
    begin(&b, &terminate);
    aws_form_add(&b, "InstanceId", instance);
    aws_form_add(&b, "ShouldDecrementDesiredCapacity", decrement ? "true" : "false");
    aws_job_submit(&(struct aws_job){.with = w, .op = &terminate, .call = ret, .ret = ret, .once = true}, &b);
    aws_call_settle(ret);
}

static void answer_hook(struct aws_with w, const struct aws_operation *op, const char *const names[3], const char *result, struct aws_call *ret)
{
    aws_call_begin(ret);
    _cleanup_(buf_release) struct buf b;
    begin(&b, op);
    aws_form_add(&b, "LifecycleHookName", names[1]);
    aws_form_add(&b, "AutoScalingGroupName", names[0]);
    aws_form_add(&b, "InstanceId", names[2]);
    if (result)
        aws_form_add(&b, "LifecycleActionResult", result);
    submit(w, op, ret, ret, &b);
    aws_call_settle(ret);
}

void asg_complete(struct aws_with w, const char *group, const char *hook, const char *instance, struct aws_call *ret)
{
    answer_hook(w, &complete, (const char *const[]){group, hook, instance}, "CONTINUE", ret);
}

void asg_heartbeat(struct aws_with w, const char *group, const char *hook, const char *instance, struct aws_call *ret)
{
    answer_hook(w, &heartbeat, (const char *const[]){group, hook, instance}, NULL, ret);
}

void asg_tag(struct aws_with w, const char *group, const struct aws_tag *tag, struct aws_call *ret)
{
    aws_call_begin(ret);
    _cleanup_(buf_release) struct buf b;
    begin(&b, &tag_group);
    aws_form_add(&b, "Tags.member.1.ResourceId", group);
    aws_form_add(&b, "Tags.member.1.ResourceType", "auto-scaling-group");
    aws_form_add(&b, "Tags.member.1.Key", tag->key);
    aws_form_add(&b, "Tags.member.1.Value", tag->value);
    aws_form_add(&b, "Tags.member.1.PropagateAtLaunch", "false");
    submit(w, &tag_group, ret, ret, &b);
    aws_call_settle(ret);
}

// ---- words -------------------------------------------------------------------------------------------------------------------
bool asg_suspended(const struct asg_group *g, const char *process)
{
    for (size_t i = 0; i < g->suspended_count; i++)
        if (strcmp(g->suspended[i], process) == 0)
            return true;
    return false;
}

bool asg_refresh_runs(const char *status)
{
    static const char *const over[] = {"Successful", "Failed", "Cancelled", "RollbackFailed", "RollbackSuccessful"};
    for (size_t i = 0; i < ARRAY_LEN(over); i++)
        if (strcmp(status, over[i]) == 0)
            return false;
    return true;  // a word that we do not know is not an end
}
