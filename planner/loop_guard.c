#include "planner/loop_guard.h"

#include <assert.h>
#include <string.h>

#include "planner/ahead.h"
#include "planner/alert.h"
#include "planner/explain.h"
#include "planner/model/wanted.h"

#define HOUR_MS (60 * 60 * 1000LL)
#define REVERSALS 3
#define DOUBLINGS_MAX 3   // 1, 2, 4, then 6 hours
#define HOLD_MAX_MS (6 * HOUR_MS)
#define FORGET_MS (24 * HOUR_MS)  // after so long without a reversal the next hold is an hour again

#define MIB_PER_CPU_UNIT 4  // hosts have 2 to 8

// STAMP_REVERSAL: `count` reversals since since_ms; until_ms = held until; `amount` holds so far. STAMP_RAISED, STAMP_LOWERED: `count` is what
// was wanted then, `amount` one more than the forecast's level that it raised or drained to, 0 without a forecast.
static int64_t level_of(const struct memo_stamp *s)
{
    return s->amount - 1;
}

// What the services want, in CPU units, or in memory where that is more: no change of the hosts moves it.
static int32_t wanted(const struct work *w)
{
    struct res sum = snapshot_wanted(w->s);
    return (int32_t)i64_min(i64_max(sum.v[RES_CPU], sum.v[RES_MEMORY] / MIB_PER_CPU_UNIT), INT32_MAX);
}

static void carry(struct work *w, enum memo_stamp_kind k, const char *fleet)
{
    const struct memo_stamp *was = work_old_stamp(w, k, fleet);
    if (was && was->since_ms <= w->s->now_ms && w->s->now_ms - was->since_ms < FORGET_MS)
        work_stamp_set(w, *was);
}

// Capacity for demand that is new has no part in the loop, and is not to be held when that demand is over. That it is new is a fact, more wanted
// now than when, and than what, was drained to: what is only foreseen ends no hold, and what the forecast kept then may keep one (V12).
static void release(struct work *w, const char *id)
{
    const struct memo_stamp *down = work_stamp(w, STAMP_LOWERED, id);
    struct memo_stamp *s = work_stamp(w, STAMP_REVERSAL, id);
    if (!s || s->until_ms <= w->s->now_ms || !down || wanted(w) <= down->count)
        return;
    int64_t need = ahead_need(w);
    if (need == AHEAD_NONE || need > level_of(down))
        s->until_ms = w->s->now_ms;
}

void loop_observe(struct work *w)
{
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        const char *id = w->s->fleets[f].id;
        carry(w, STAMP_RAISED, id);
        carry(w, STAMP_LOWERED, id);
        carry(w, STAMP_REVERSAL, id);
        release(w, id);
        const char *why = loop_hold(w, (int)f);
        if (why)
            alert_raise(w, ALERT_FLEET_LOOP, id, why, NULL);
    }
}

const char *loop_hold(struct work *w, int fleet)
{
    const char *id = w->s->fleets[fleet].id;
    const struct memo_stamp *s = work_stamp(w, STAMP_REVERSAL, id);
    const struct memo_stamp *up = work_stamp(w, STAMP_RAISED, id), *down = work_stamp(w, STAMP_LOWERED, id);
    if (!s || s->until_ms <= w->s->now_ms || !up || !down)
        return NULL;
    return explain_text(w, "raised at %s and drained at %s, %d times in turn within an hour, without demand that moved; drains nothing before %s",
                        explain_time(w, up->since_ms), explain_time(w, down->since_ms), REVERSALS, explain_time(w, s->until_ms));
}

// To turn is to disagree only where nothing has moved. What is wanted is a fact: more than when it was drained asks for the raise, less than when it
// was raised for the drain, and both follow. With a forecast a level that moved is why, too: to turn back has a price there, which its rule weighed.
// So with a forecast fewer acts are turns, and a hold (L24) that would begin without it may not, or later:
// over many ticks drains can come sooner than without. That is no breach of V12, which is about one plan: by the same memo a plan with a forecast
// drains nothing that the plan without it spares. And L24 is for the loop, not for tasks: each drain is proven by facts as any other, at the
// pace of L3 to L7, and what a forecaster that lies can order and give back in turn is what L13 lets it, in instances and never in tasks.
static bool follows(const struct memo_stamp *other, int32_t want, int64_t level, bool raised)
{
    int64_t was = level_of(other);
    bool foreseen = was != AHEAD_NONE && level != AHEAD_NONE && (raised ? level > was : level < was);
    return foreseen || (raised ? want > other->count : want < other->count);
}

static void turn(struct work *w, const char *id, enum memo_stamp_kind to, enum memo_stamp_kind from)
{
    const struct memo_stamp *other = work_stamp(w, from, id), *same = work_stamp(w, to, id);
    int64_t now = w->s->now_ms, level = ahead_level(w, to == STAMP_LOWERED);
    int32_t want = wanted(w);
    bool moved = other && follows(other, want, level, to == STAMP_RAISED);
    bool reversal = other && now - other->since_ms < HOUR_MS && (!same || same->since_ms < other->since_ms) && !moved;
    work_stamp_set(w, (struct memo_stamp){.kind = to, .key = id, .since_ms = now, .count = want, .amount = level + 1});
    if (!reversal)
        return;
    const struct memo_stamp *was = work_stamp(w, STAMP_REVERSAL, id);
    struct memo_stamp x = was ? *was : (struct memo_stamp){.kind = STAMP_REVERSAL, .key = id, .since_ms = now};
    if (now - x.since_ms >= HOUR_MS || x.count == 0) {
        x.since_ms = now;
        x.count = 0;
    }
    x.count++;
    if (x.count >= REVERSALS) {
        x.until_ms = now + i64_min(HOUR_MS << i64_min(x.amount, DOUBLINGS_MAX), HOLD_MAX_MS);
        x.amount++;
        x.count = 0;
    }
    work_stamp_set(w, x);
}

void loop_commit(struct work *w)
{
    for (size_t k = 0; k < w->plan->action_count; k++) {
        const struct action *x = &w->plan->actions[k];
        if (x->fleet < 0)
            continue;
        const struct work_fleet *y = &w->fleet[x->fleet];
        const char *id = w->s->fleets[x->fleet].id;
        // To replace what is at risk is to raise and to drain in turn, and no disagreement.
        bool raises = x->kind == ACTION_SET_TARGET && x->capacity > y->target && y->need_target > 0;
        if (raises && y->doomed_milli == 0 && !y->replaced && w->risk.count == 0)
            turn(w, id, STAMP_RAISED, STAMP_LOWERED);
        else if (x->kind == ACTION_MARK && w->s->instances[x->instance].rebalance_ms == 0)
            turn(w, id, STAMP_LOWERED, STAMP_RAISED);
    }
}
