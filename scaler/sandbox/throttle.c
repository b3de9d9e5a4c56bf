// Token buckets of the documented sizes, one set per account and region, in world time.
//
// ECS: "Amazon ECS API request throttling" (ECS API reference); EC2: "Request throttling for the Amazon EC2 API" (EC2 developer
// guide); both as of 2026-01. EC2 gives each action a bucket of its own, of its category's size unless listed there.
#include "scaler/sandbox/throttle.h"

#include "scaler/sandbox/internal.h"

#include <math.h>

static const struct {
    double burst, refill_per_s;
} sizes[BUCKET_COUNT] = {
    [BUCKET_NONE] = {0, 0},
    [BUCKET_ECS_CLUSTER_READ] = {50, 20},
    [BUCKET_ECS_RESOURCE_READ] = {100, 20},
    [BUCKET_ECS_RESOURCE_MODIFY] = {100, 40},
    [BUCKET_ECS_SERVICE_READ] = {100, 20},
    [BUCKET_ECS_SERVICE_MODIFY] = {50, 5},
    [BUCKET_ECS_TASKDEF_READ] = {50, 20},
    [BUCKET_ECS_TASKDEF_MODIFY] = {20, 1},
    [BUCKET_ECS_PROVIDER_READ] = {50, 20},
    [BUCKET_ECS_TAG_READ] = {50, 20},
    [BUCKET_ECS_SETTING_READ] = {50, 20},
    [BUCKET_ECS_PROTECTION] = {200, 80},
    [BUCKET_EC2_INSTANCES] = {100, 20},
    [BUCKET_EC2_INSTANCES_UNFILTERED] = {50, 10},
    [BUCKET_EC2_STATUS] = {100, 20},
    [BUCKET_EC2_STATUS_UNFILTERED] = {50, 10},
    [BUCKET_EC2_SPOT_REQUESTS] = {100, 20},
    [BUCKET_EC2_TERMINATE] = {100, 5},
    [BUCKET_EC2_TERMINATE_RESOURCES] = {1000, 20},
    [BUCKET_EC2_CREATE_TAGS] = {100, 10},
    [BUCKET_EC2_DELETE_TAGS] = {100, 10},
    [BUCKET_EC2_FLEETS] = {50, 3},
    [BUCKET_EC2_FLEET_INSTANCES] = {100, 5},
    [BUCKET_EC2_FLEET_HISTORY] = {100, 5},
    [BUCKET_EC2_MODIFY_FLEET] = {50, 5},
    [BUCKET_EC2_EC2_FLEETS] = {100, 20},
    [BUCKET_EC2_EC2_FLEET_INSTANCES] = {100, 20},
    [BUCKET_EC2_EC2_FLEET_HISTORY] = {100, 20},
    [BUCKET_EC2_MODIFY_EC2_FLEET] = {50, 5},
    [BUCKET_EC2_CREATE_FLEET] = {50, 5},
    [BUCKET_EC2_TYPES] = {100, 20},
    [BUCKET_EC2_OFFERINGS] = {100, 20},
    [BUCKET_EC2_PRICES] = {100, 20},
    [BUCKET_EC2_SCORES] = {20, 1},  // not documented
    [BUCKET_EC2_ZONES] = {100, 20},
    [BUCKET_EC2_REGIONS] = {100, 20},
    [BUCKET_EC2_SUBNETS] = {100, 20},
    [BUCKET_EC2_TEMPLATES] = {100, 20},
    [BUCKET_EC2_TAGS] = {100, 20},
    [BUCKET_SCALING] = {40, 10},  // not documented: about what is seen
    [BUCKET_QUOTAS] = {10, 5},    // not documented either
    [BUCKET_ASG_READ] = {100, 10},  // nor these
    [BUCKET_ASG_WRITE] = {40, 5},
    [BUCKET_METRICS] = {500, 500},
};

bool throttle_take(struct call *c, enum bucket b, double tokens)
{
    if (b == BUCKET_NONE || c->s->options.unlimited)
        return true;
    struct bucket_level *level = &c->region->buckets[b];
    if (!level->started) {
        *level = (struct bucket_level){sizes[b].burst, c->now_ms, true};
    } else if (c->now_ms > level->at_ms) {
        double refill = (double)(c->now_ms - level->at_ms) / 1000.0 * sizes[b].refill_per_s;
        level->tokens = fmin(sizes[b].burst, level->tokens + refill);
        level->at_ms = c->now_ms;
    }
    if (level->tokens < tokens)
        return false;
    level->tokens -= tokens;
    return true;
}

bool sandbox_bucket_of(const char *operation, struct sandbox_bucket *ret)
{
    enum bucket b = strcmp(operation, "ec2:DescribeInstances") == 0        ? BUCKET_EC2_INSTANCES
                    : strcmp(operation, "ec2:DescribeInstanceStatus") == 0 ? BUCKET_EC2_STATUS
                                                                           : BUCKET_NONE;
    for (int s = 0; s < AWS_SERVICE_COUNT; s++) {
        size_t count = 0;
        const struct op *ops = ops_of((enum service_kind_aws)s, &count);
        for (size_t i = 0; i < count; i++)
            if (ops[i].bucket != BUCKET_NONE && strcmp(ops[i].name, operation) == 0)
                b = ops[i].bucket;
    }
    if (b == BUCKET_NONE)
        return false;
    *ret = (struct sandbox_bucket){.id = (int)b, .burst = sizes[b].burst, .refill_s = sizes[b].refill_per_s};
    return true;
}
