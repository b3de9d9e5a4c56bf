// The virtual AWS in process: struct transport over sandbox_handle, the same bytes without sockets.
//
// With a virtual clock, wait() moves the clock (and the worlds) to the next completion or to `until`, so a day passes as fast
// as the machine allows; each call takes a seeded latency of virtual time. With a paced clock it really sleeps, and time stands
// still while the caller works. Wire time is world time, but for what inproc_step_clock says; answers have a Date. A request's effect happens when it is half its latency old, its
// completion is delivered at the end.
#pragma once

#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "scaler/aws/transport.h"
#include "scaler/sandbox/sandbox.h"

struct inproc_options {
    uint64_t seed;
    int64_t latency_min_ms, latency_max_ms;  // both 0 = 20 and 80
};

// `clock` and `sandbox` outlive the transport. options may be NULL.
int inproc_new(struct sandbox *s, struct clock *clock, const struct inproc_options *options, struct transport **ret, struct err *err);
// The wall clock of the daemon's machine is off_ms ahead of the world's from now on: what it signs by. (Its deadlines go by a clock
// that does not step, which is the world's.)
void inproc_step_clock(struct transport *t, int64_t off_ms);
