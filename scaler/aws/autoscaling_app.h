// Application Auto Scaling, which can change the target of a Spot Fleet: is somebody else's hand on ours?
//
// As in ecs.h. Resource ids are "spot-fleet-request/sfr-…".
#pragma once

#include "scaler/aws/aws.h"

struct appscaling_target {
    const char *resource;
    int64_t min, max;
    bool suspended;    // neither scales in nor out nor by schedule
};
struct appscaling_targets {
    struct aws_call call;
    struct appscaling_target *items;
    size_t count, cap;
};
// The scalable targets among these Spot Fleets; those that are none are left out.
void appscaling_describe_targets(struct aws_with w, const char *const *resources, size_t count, struct appscaling_targets *ret);

struct appscaling_policy {
    const char *resource, *name, *type;  // type "TargetTrackingScaling", "StepScaling", …
};
struct appscaling_policies {
    struct aws_call call;
    struct appscaling_policy *items;
    size_t count, cap;
};
void appscaling_describe_policies(struct aws_with w, const char *resource, struct appscaling_policies *ret);
