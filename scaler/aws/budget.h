// The rate budget: token buckets of a quarter of what AWS documents, since other tools share AWS's buckets.
//
// A fifth of each is kept for urgent calls, which may also use the rest. World time. One set a client (account and region).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "scaler/aws/aws.h"

#define AWS_BUDGETS_MAX 32

struct aws_budget_lane {
    double tokens;
    int64_t filled_ms;
};
struct aws_budget {
    struct aws_budget_lane normal[AWS_BUDGETS_MAX], urgent[AWS_BUDGETS_MAX];
    bool begun;
};

// The bucket that AWS counts this operation in.
int aws_budget_bucket(enum aws_service service, const char *operation);
// False: the operation is counted in the bucket for whatever was forgotten.
bool aws_budget_known(enum aws_service service, const char *operation);
// Takes a token; 0: taken, else the milliseconds until one may be there.
int64_t aws_budget_take(struct aws_budget *b, int bucket, bool urgent, int64_t now_ms);
// AWS throttled a call: nothing is left, whatever we counted.
void aws_budget_empty(struct aws_budget *b, int bucket, int64_t now_ms);
