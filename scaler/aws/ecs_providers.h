// ECS capacity providers: who scales the instances that a service's strategy binds its tasks to.
//
// As in ecs.h. A provider that ECS does not know is in failures[] as MISSING, which is a fact.
#pragma once

#include "scaler/aws/ecs.h"

struct ecs_provider {
    const char *name, *arn, *status;
    const char *type;      // "EC2_AUTOSCALING", "MANAGED_INSTANCES", "FARGATE", "FARGATE_SPOT"; "" where the server is older
    const char *group;     // ARN of its Auto Scaling group, "" none
    bool managed_scaling;  // ECS itself sets the size of the group
    bool managed_draining; // ECS itself sets members DRAINING
};
struct ecs_providers {
    struct aws_call call;
    struct ecs_provider *items;
    size_t count, cap;
    struct ecs_failures failures;
};
void ecs_describe_providers(struct aws_with w, const char *const *names, size_t count, struct ecs_providers *ret);
