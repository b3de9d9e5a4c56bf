// By how much AWS's clock differs from ours: one a registry, since it is our clock that is off, for all services alike.
//
// Every answer's Date measures it (to the second). It is applied, to signing and to the expiry of credentials, only after AWS
// refused a signature and the difference is 300 s or more: below that a refusal has another reason.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "scaler/aws/transport.h"

struct aws_skew {
    int64_t applied_ms;   // add it to wire time
    int64_t measured_ms;  // AWS's clock minus ours, as of the newest answer with a Date
    bool measured;
};

void aws_skew_measure(struct aws_skew *s, const struct transport_response *r, int64_t wire_ms);
// A request that was signed with signed_ms added to wire time was refused: is that why? Then it is applied from now on, and
// the request may be tried again.
bool aws_skew_correct(struct aws_skew *s, const struct transport_response *r, int64_t wire_ms, int64_t signed_ms);
