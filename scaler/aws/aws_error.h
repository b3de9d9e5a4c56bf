// What AWS's errors mean: code first, then HTTP status, by table.
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "scaler/aws/aws.h"
#include "scaler/aws/transport.h"

enum aws_retry {
    AWS_RETRY_NO,
    AWS_RETRY_TRANSIENT,  // the peer failed: again after backoff (a mutating call may have had its effect)
    AWS_RETRY_THROTTLED,  // refused for its rate: certainly without effect
    AWS_RETRY_SKEW,       // signature or date refused: again if our clock is off
    AWS_RETRY_EXPIRED,    // credentials expired: again with new ones
};

struct aws_error {
    enum err_kind kind;
    enum aws_retry retry;
    bool skew_possible;  // RequestExpired may be either
    char code[80];       // "" when the answer has none
    char message[320];   // one line, without what would show the signed request
};

// Decodes an answer that is not 2xx (JSON or XML, by its form).
void aws_error_decode(const struct transport_response *r, struct aws_error *ret);
// Kind and retry of a code; of the status when the code is unknown or "".
void aws_error_classify(const char *code, int status, struct aws_error *ret);
// A header's value, "" if absent.
struct slice aws_header(const struct transport_response *r, const char *name);
