// A schedule of faults: what goes wrong around the daemon, when, for how long and where, as a plain value made from a seed.
//
// The same seed gives the same schedule; the one of a shorter run is the beginning of that of a longer one, so a run can be cut. Played
// without the wire by ordeal.h, on the wire by scaler/ordeal_wire.h; any of it can be left out (shrink.h). Faults overlap.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "planner/sim/world.h"

enum fault_kind {
    FAULT_THROTTLE,     // the calls of one part are refused: a source that cannot be read, or no write
    FAULT_ERRORS,       // each second call is answered by a 500 or 503, without effect
    FAULT_LOST,         // each second write takes effect, and its answer never comes
    FAULT_TRUNCATED,    // each second answer ends half way: nothing was read; what was written is
    FAULT_STALE,        // reads show the world as it was `amount` ago
    FAULT_PARTIAL,      // each second thing of one part is not told of
    FAULT_DEAF,         // no event comes
    FAULT_TWICE,        // events come twice
    FAULT_CLOCK,        // our wall clock is off by `amount`, then right again
    FAULT_RESTART,      // the daemon ends in the middle of what it does, and begins again with its disk
    FAULT_FRESH_DISK,   // … without
    FAULT_TWO,          // a second daemon with the same policy, beside the first
    FAULT_DROUGHT,      // no spot capacity in a zone, or in any
    FAULT_KIND_COUNT
};

// Whose calls fail. The order of planner/model/snapshot.h's sources, then writes.
enum { FAULT_PARTS = 6, FAULT_WRITES = 5 };

struct fault {
    enum fault_kind kind;
    int64_t at_ms, for_ms;     // since the beginning; for_ms 0: a moment
    int target;                // THROTTLE, PARTIAL: a part; DROUGHT: a zone, -1 all
    int64_t amount_ms;         // STALE, CLOCK
    uint64_t chance;           // decides which of each two
};

struct faults {
    uint64_t seed;
    struct fault *v;
    size_t count;
};

// About one an hour, one kind as likely as another. None begins before the first 40 minutes are over. The arena's.
struct faults faults_make(uint64_t seed, int64_t for_ms, struct arena *a);
const char *fault_kind_name(enum fault_kind k);               // "throttle", "lost-answers", …
void fault_print(const struct fault *f, struct buf *out);     // "3h12m throttle services for 4m", without a line end
// Of calls that fail by halves: whether this one does. `call` tells calls apart.
bool fault_strikes(const struct fault *f, int64_t now_ms, uint64_t call);
