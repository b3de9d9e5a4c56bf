// masu simulate --faults: seeds put through a day of faults (planner/sim/ordeal.h), without the wire or on it (ordeal_wire.h).
//
// What broke is told with the one command that runs it again; shrunk, also with the fewest faults and the shortest run that still break it.
#pragma once

#include "base/err.h"
#include "base/buf.h"

struct simulate_faults {
    int64_t seed, seeds, for_ms;  // for_ms 0: 24 h
    const char *fleet;            // NULL: by the seed
    const char *only;             // "3,7" or "none": items of the schedule; NULL: all
    bool on_wire, shrink;
    void (*progress)(void *arg, int64_t done, int64_t of);  // NULL: none
    void *arg;
    int64_t broken;               // seeds that broke something
};

// ERR_INVALID: fleet or only name what is not there; else as the planner or the wire says.
int simulate_faults(struct simulate_faults *s, bool json, struct buf *out, struct err *err);
