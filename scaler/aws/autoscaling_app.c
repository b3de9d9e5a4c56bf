#include "scaler/aws/autoscaling_app.h"

#include "base/json.h"
#include "scaler/aws/autoscaling_app_decode.h"
#include "scaler/aws/ecs_decode.h"

#define PAGE_MAX 50

static const struct aws_operation describe_targets = {AWS_APPLICATION_AUTOSCALING, "DescribeScalableTargets", false, false,
                                                      appscaling_decode_targets, NULL, NULL};
static const struct aws_operation describe_policies = {AWS_APPLICATION_AUTOSCALING, "DescribeScalingPolicies", false, false,
                                                       appscaling_decode_policies, NULL, NULL};

static void begin(struct buf *b)
{
    buf_init(b, AWS_REQUEST_MAX);
    buf_add_char(b, '{');
    aws_json_str(b, "ServiceNamespace", "ec2");
    aws_json_str(b, "ScalableDimension", "ec2:spot-fleet-request:TargetCapacity");
    aws_json_int(b, "MaxResults", PAGE_MAX);
}

void appscaling_describe_targets(struct aws_with w, const char *const *resources, size_t count, struct appscaling_targets *ret)
{
    *ret = (struct appscaling_targets){0};
    aws_call_begin(&ret->call);
    for (size_t from = 0; from < count; from += PAGE_MAX) {
        _cleanup_(buf_release) struct buf b;
        begin(&b);
        aws_json_list(&b, "ResourceIds", resources + from, count - from < PAGE_MAX ? count - from : PAGE_MAX);
        aws_job_submit(&(struct aws_job){.with = w, .op = &describe_targets, .call = &ret->call, .ret = ret}, &b);
    }
    aws_call_settle(&ret->call);
}

void appscaling_describe_policies(struct aws_with w, const char *resource, struct appscaling_policies *ret)
{
    *ret = (struct appscaling_policies){0};
    aws_call_begin(&ret->call);
    _cleanup_(buf_release) struct buf b;
    begin(&b);
    aws_json_str(&b, "ResourceId", resource);
    aws_job_submit(&(struct aws_job){.with = w, .op = &describe_policies, .call = &ret->call, .ret = ret}, &b);
    aws_call_settle(&ret->call);
}

static bool suspended(const json_t *state)
{
    return json_flag(state, "DynamicScalingInSuspended", false) && json_flag(state, "DynamicScalingOutSuspended", false) &&
           json_flag(state, "ScheduledScalingSuspended", false);
}

int appscaling_decode_targets(struct aws_job *job, const json_t *root, struct err *err)
{
    struct appscaling_targets *ret = job->ret;
    struct arena *a = job->with.arena;
    const json_t *list;
    int rc = ecs_list(root, "ScalableTargets", &list, err);
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        if (json_str(o, "ResourceId") == NULL)
            return err_set(err, ERR_CORRUPT, "a scalable target without resource");
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = (struct appscaling_target){
            .resource = ecs_text(o, "ResourceId", a),
            .min = json_int(o, "MinCapacity", 0),
            .max = json_int(o, "MaxCapacity", 0),
            .suspended = suspended(json_object_get(o, "SuspendedState")),
        };
    }
    job->token = json_str_arena(root, "NextToken", a);
    return rc;
}

int appscaling_decode_policies(struct aws_job *job, const json_t *root, struct err *err)
{
    struct appscaling_policies *ret = job->ret;
    struct arena *a = job->with.arena;
    const json_t *list;
    int rc = ecs_list(root, "ScalingPolicies", &list, err);
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] =
            (struct appscaling_policy){ecs_text(o, "ResourceId", a), ecs_text(o, "PolicyName", a), ecs_text(o, "PolicyType", a)};
    }
    job->token = json_str_arena(root, "NextToken", a);
    return rc;
}
