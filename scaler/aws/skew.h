// By how much AWS's clock differs from ours: one a registry, since it is our clock that is off, for all services alike.
//
// Every answer's Date measures it (to the second). It is applied, to signing and to the expiry of credentials, only after AWS
// refused a signature and the difference is 300 s or more: below that a refusal has another reason.
//
// The daemon's own clock (base/clock.h, steady) is measured beside the machine's: after a step of the one the other is right.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "scaler/aws/transport.h"

struct aws_skew {
    int64_t applied_ms;   // add it to wire time
    int64_t measured_ms;  // AWS's clock minus ours, as of the newest answer with a Date
    bool measured;
    int64_t clock_ms;     // AWS's clock minus the transport's world time, as far as an answer proves it; not yet followed
    bool clock_measured;  // since aws_skew_follow
};

void aws_skew_measure(struct aws_skew *s, const struct transport_response *r, int64_t wire_ms);
// The same for a clock that follows (of any other the time is another world's, of which a Date says nothing): the request was sent at
// sent_ms of it, the answer came now. What lies within the second of a Date and the time under way counts as 0.
void aws_skew_measure_clock(struct aws_skew *s, const struct transport_response *r, int64_t sent_ms, const struct clock *clock);
// Lets the clock follow what was measured since the last call, where it is more than a few seconds.
void aws_skew_follow(struct aws_skew *s, struct clock *clock);
// A request that was signed with signed_ms added to wire time was refused: is that why? Then it is applied from now on, and
// the request may be tried again.
bool aws_skew_correct(struct aws_skew *s, const struct transport_response *r, int64_t wire_ms, int64_t signed_ms);
