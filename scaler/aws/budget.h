// The rate budget: token buckets of a quarter of what AWS documents, since other tools share AWS's buckets.
//
// In any 60 s no bucket is used above a quarter of its refill, in any second not above a quarter of its burst. A fifth is kept
// for urgent calls, which may also use the rest. A throttled answer takes what normal calls had left and halves their rate,
// which comes back over ten minutes; what is kept for urgent calls is not touched. World time. One set a client (account and
// region).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "scaler/aws/aws.h"

#define AWS_BUDGETS_MAX 64

struct aws_budget_lane {
    double tokens;
    int64_t filled_ms, throttled_ms;
    double pace;  // of the refill, 1 = full
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
void aws_budget_throttled(struct aws_budget *b, int bucket, int64_t now_ms);
// AWS's own figures of the bucket, for tests.
void aws_budget_documented(int bucket, double *ret_burst, double *ret_refill_s);
