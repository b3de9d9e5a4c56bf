// Service Quotas: how many vCPUs of a class the account may run in the region.
//
// As in ecs.h.
#pragma once

#include "scaler/aws/aws.h"

struct quota_answer {
    struct aws_call call;
    const char *code;
    double value;      // vCPUs
};
// `code` of service ec2, "L-34B43A08". Fails with ERR_NOT_FOUND where nothing but the default was ever in force: ask for that then.
void quotas_get(struct aws_with w, const char *code, struct quota_answer *ret);
void quotas_get_default(struct aws_with w, const char *code, struct quota_answer *ret);
