#include "planner/sim/faults.h"

#include <inttypes.h>

#include "base/parse.h"
#include "base/rng.h"

#define MINUTE_MS 60000
#define QUIET_MS (40 * MINUTE_MS)   // until the daemon may remove at all
#define BETWEEN_MS (60 * MINUTE_MS)

static const char *const KINDS[FAULT_KIND_COUNT] = {
    [FAULT_THROTTLE] = "throttle", [FAULT_ERRORS] = "errors", [FAULT_LOST] = "lost-answers", [FAULT_TRUNCATED] = "truncated-answers",
    [FAULT_STALE] = "stale-reads", [FAULT_PARTIAL] = "partial-reads", [FAULT_DEAF] = "lost-events", [FAULT_TWICE] = "doubled-events",
    [FAULT_CLOCK] = "clock-step", [FAULT_RESTART] = "restart", [FAULT_FRESH_DISK] = "restart-without-disk", [FAULT_TWO] = "two-daemons",
    [FAULT_DROUGHT] = "drought",
};
static const char *const PARTS[FAULT_PARTS] = {"container-instances", "services", "tasks", "instances", "fleets", "writes"};

const char *fault_kind_name(enum fault_kind k)
{
    return KINDS[k];
}

static int64_t length_ms(struct rng *r, enum fault_kind k)
{
    switch (k) {
    case FAULT_RESTART:
    case FAULT_FRESH_DISK:
        return 0;
    case FAULT_DROUGHT:
    case FAULT_TWO:
        return rng_between(r, 10, 45) * MINUTE_MS;
    case FAULT_THROTTLE:
    case FAULT_ERRORS:
    case FAULT_LOST:
    case FAULT_TRUNCATED:
    case FAULT_STALE:
    case FAULT_PARTIAL:
    case FAULT_DEAF:
    case FAULT_TWICE:
    case FAULT_CLOCK:
    case FAULT_KIND_COUNT:
        break;
    }
    return rng_between(r, 1, 12) * MINUTE_MS;
}

// A clock that steps is set by a few seconds more often than by an hour, to either side.
static int64_t step_ms(struct rng *r)
{
    int64_t most_s = rng_below(r, 4) == 0 ? 3600 : 90, s = rng_between(r, 2, most_s);
    return (rng_below(r, 2) ? s : -s) * 1000;
}

struct faults faults_make(uint64_t seed, int64_t for_ms, struct arena *a)
{
    struct faults ret = {.seed = seed, .v = arena_array(a, struct fault, (size_t)(for_ms / MINUTE_MS) + 1)};
    struct rng r;
    rng_init(&r, seed ^ UINT64_C(0x6661756c7473));
    for (int64_t at_ms = QUIET_MS; ret.count < (size_t)(for_ms / MINUTE_MS);) {
        at_ms += MINUTE_MS + (int64_t)rng_exponential(&r, BETWEEN_MS - MINUTE_MS) / 1000 * 1000;
        struct fault f = {.kind = (enum fault_kind)rng_below(&r, FAULT_KIND_COUNT), .at_ms = at_ms, .chance = rng_u64(&r)};
        f.for_ms = length_ms(&r, f.kind);
        f.target = f.kind == FAULT_THROTTLE ? (int)rng_below(&r, FAULT_PARTS) : f.kind == FAULT_PARTIAL ? (int)rng_below(&r, FAULT_WRITES)
                   : f.kind == FAULT_DROUGHT ? (int)rng_below(&r, 4) - 1 : 0;
        f.amount_ms = f.kind == FAULT_STALE ? rng_between(&r, 5, 60) * 1000 : f.kind == FAULT_CLOCK ? step_ms(&r) : 0;
        if (at_ms >= for_ms)
            break;
        ret.v[ret.count++] = f;
    }
    return ret;
}

void fault_print(const struct fault *f, struct buf *out)
{
    char text[32];
    buf_printf(out, "%s %s", format_duration(f->at_ms, text), KINDS[f->kind]);
    if (f->kind == FAULT_THROTTLE || f->kind == FAULT_PARTIAL)
        buf_printf(out, " %s", PARTS[f->target]);
    if (f->kind == FAULT_DROUGHT)
        buf_printf(out, f->target < 0 ? " everywhere" : " in us-east-1%c", 'a' + f->target);
    if (f->kind == FAULT_STALE)
        buf_printf(out, " of %" PRId64 " s ago", f->amount_ms / 1000);
    if (f->kind == FAULT_CLOCK)
        buf_printf(out, " by %+" PRId64 " s", f->amount_ms / 1000);
    if (f->for_ms > 0)
        buf_printf(out, " for %s", format_duration(f->for_ms, text));
}

bool fault_strikes(const struct fault *f, int64_t now_ms, uint64_t call)
{
    uint64_t h = f->chance ^ ((uint64_t)now_ms * UINT64_C(0x9e3779b97f4a7c15)) ^ (call * UINT64_C(0xc2b2ae3d27d4eb4f));
    h ^= h >> 31;
    h *= UINT64_C(0x94d049bb133111eb);
    return h >> 63;
}
