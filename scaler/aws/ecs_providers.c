#include "scaler/aws/ecs_providers.h"

#include "base/json.h"
#include "scaler/aws/ecs_decode.h"

#define PAGE_MAX 10  // as many names a call as a page holds, so that each call is one page

static const struct aws_operation describe = {AWS_ECS, "DescribeCapacityProviders", false, false, ecs_decode_providers, NULL, NULL};

void ecs_describe_providers(struct aws_with w, const char *const *names, size_t count, struct ecs_providers *ret)
{
    *ret = (struct ecs_providers){0};
    aws_call_begin(&ret->call);
    for (size_t from = 0; from < count; from += PAGE_MAX) {
        size_t n = count - from < PAGE_MAX ? count - from : PAGE_MAX;
        _cleanup_(buf_release) struct buf b;
        buf_init(&b, AWS_REQUEST_MAX);
        buf_add_char(&b, '{');
        aws_json_list(&b, "capacityProviders", names + from, n);
        aws_job_submit(&(struct aws_job){.with = w, .op = &describe, .call = &ret->call, .ret = ret, .asked = n}, &b);
    }
    aws_call_settle(&ret->call);
}

static bool enabled(const json_t *o, const char *key)
{
    const char *told = json_str(o, key);
    return told && strcmp(told, "ENABLED") == 0;
}

int ecs_decode_providers(struct aws_job *job, const json_t *root, struct err *err)
{
    struct ecs_providers *ret = job->ret;
    struct arena *a = job->with.arena;
    const json_t *list;
    int rc = ecs_list(root, "capacityProviders", &list, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_str(json_array_get(list, i), "name") == NULL)
            return err_set(err, ERR_CORRUPT, "a capacity provider without name");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i), *group = json_object_get(o, "autoScalingGroupProvider");
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = (struct ecs_provider){
            .name = ecs_text(o, "name", a),
            .arn = ecs_text(o, "capacityProviderArn", a),
            .status = ecs_text(o, "status", a),
            .type = ecs_text(o, "type", a),
            .group = ecs_text(group, "autoScalingGroupArn", a),
            .managed_scaling = enabled(json_object_get(group, "managedScaling"), "status"),
            .managed_draining = enabled(group, "managedDraining"),
        };
    }
    ecs_failures(job, root, &ret->failures, json_array_size(list), NULL);
    return 0;
}
