// AWS STS: who are we?
//
// As in ecs.h: begins a call that aws_run() finishes; strings live in the arena and are never NULL.
#pragma once

#include "scaler/aws/aws.h"

struct sts_identity {
    struct aws_call call;
    const char *account, *arn, *user_id;
};
void sts_get_caller_identity(struct aws_with w, struct sts_identity *ret);
