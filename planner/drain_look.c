// When a look of its own takes a drain its next step.
#include "planner/drain.h"
#include "planner/number.h"

#define STEP_LOOK_MS (10 * 1000)   // AWS shows what was asked of it within seconds
#define TASKS_LOOK_MS (15 * 1000)  // tasks that move start elsewhere first
#define STEP_MS (60 * 1000)        // what has not come by then is held by something

static int64_t next_look_ms(const struct memo *m, const struct memo_drain *d)
{
    switch (d->state) {
    case DRAIN_CHOSEN:
    case DRAIN_EMPTY:
    case DRAIN_LOWERED:
        return STEP_LOOK_MS;
    case DRAIN_DRAINING:
        if (d->empty_first_ms > 0)
            return i64_max(STEP_LOOK_MS, d->empty_first_ms + DRAIN_LOOKS_APART_MS - m->now_ms);
        return drain_was_empty(d) ? STEP_LOOK_MS : TASKS_LOOK_MS;
    case DRAIN_ENDING:
    case DRAIN_GONE:
    case DRAIN_UNDOING:
    case DRAIN_UNDONE:
    case DRAIN_STATE_COUNT:
        break;
    }
    return 0;
}

int64_t drain_look_again_ms(const struct memo *m)
{
    int64_t soonest_ms = 0;
    for (size_t k = 0; k < m->drain_count; k++) {
        int64_t ms = m->now_ms - m->drains[k].state_since_ms < STEP_MS ? next_look_ms(m, &m->drains[k]) : 0;
        if (ms > 0 && (soonest_ms == 0 || ms < soonest_ms))
            soonest_ms = ms;
    }
    return soonest_ms;
}
