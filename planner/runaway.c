#include "planner/runaway.h"

#include <assert.h>

#include "planner/explain.h"

#define ORDERS_MAX 2                    // L11
#define HELD_MS (30 * 60 * 1000)
#define PROBE_MS (30 * 60 * 1000)       // or the boot limit, whichever is more
#define CLOCKS_APART_MS (5 * 1000)      // AWS's launch times and our ticks

static const char *key_of(struct work *w, const struct item *it)
{
    return explain_text(w, "%s %s", w->s->services[it->service].name, work_shape(w, it->shape)->name);
}

// ---- did it help ----------------------------------------------------------------------------------------------------------
enum effect { EFFECT_OPEN, EFFECT_NONE, EFFECT_SOME };

// Of what was launched since: does any of it hold the shape, as far as is known?
static enum effect effect_of(struct work *w, int shape, int64_t since_ms, int32_t *ret_launched)
{
    const struct shape *x = work_shape(w, shape);
    bool open = false;
    *ret_launched = 0;
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *y = &w->s->instances[i];
        if (y->fleet < 0 || !w->inst[i].live || y->launched_ms <= since_ms - CLOCKS_APART_MS)
            continue;
        bool boots = w->inst[i].role == ROLE_COMING;
        enum fit fit = kinds_fit(w, shape, w->kinds.kind_of[i]);
        ++*ret_launched;
        if (fit == FIT_MAYBE && boots)
            open = true;
        else if (fit != FIT_NO && fit != FIT_MAYBE && res_fits(x->need, boots ? w->inst[i].free : y->registered))
            return EFFECT_SOME;
    }
    return open || *ret_launched == 0 ? EFFECT_OPEN : EFFECT_NONE;
}

static void hold_all(struct work *w, struct item *it, int32_t left, int32_t launched)
{
    const struct shape *x = work_shape(w, it->shape);
    it->held = left;
    const char *of = launched > 0 ? explain_text(w, "none of %d instance%s launched since holds one", launched, launched == 1 ? "" : "s")
                                  : "nothing launched since holds one";
    if (x->zone_count > 0) {
        it->hold = explain_text(w, "runs in %s%s only, %d orders had no effect: %s", x->zones[0], x->zone_count > 1 ? " and the like" : "",
                                ORDERS_MAX, of);
        it->remedy = explain_text(w, "name a fleet whose subnets are all in %s", x->zones[0]);
    } else {
        it->hold = explain_text(w, "%d orders had no effect: %s", ORDERS_MAX, of);
        it->remedy = "name a fleet of which every type holds one";
    }
}

static void hold_runaway(struct work *w, struct item *it, int32_t left)
{
    const char *key = key_of(w, it);
    const struct memo_stamp *was = work_old_stamp(w, STAMP_RUNAWAY, key), *seen = work_stamp(w, STAMP_RUNAWAY, key);
    struct memo_stamp s = seen ? *seen : was ? *was : (struct memo_stamp){0};
    int32_t launched = 0;
    bool expired = s.until_ms > 0 && s.until_ms <= w->s->now_ms;
    if (!was || expired || was->since_ms > w->s->now_ms)
        return;
    if (!seen && s.until_ms == 0) {
        enum effect e = effect_of(w, it->shape, s.since_ms, &launched);
        if (e == EFFECT_SOME)
            return;
        if (e == EFFECT_NONE) {
            s.count++;
            s.since_ms = w->s->now_ms;
            s.until_ms = s.count >= ORDERS_MAX ? w->s->now_ms + HELD_MS : 0;
        }
    }
    if (!seen)
        work_stamp_set(w, s);
    if (s.until_ms > w->s->now_ms)
        hold_all(w, it, left, launched);
}

// ---- probes ---------------------------------------------------------------------------------------------------------------
static void hold_probe(struct work *w, struct item *it, int32_t left)
{
    const char *key = key_of(w, it);
    const struct memo_stamp *was = work_old_stamp(w, STAMP_PROBE, key);
    bool over = was && was->until_ms <= w->s->now_ms;
    if (over && was->count >= ORDERS_MAX && w->s->now_ms - was->until_ms < HELD_MS) {
        int32_t launched = 0;
        (void)effect_of(w, it->shape, was->since_ms, &launched);
        work_stamp_set(w, *was);
        hold_all(w, it, left, launched);
        return;
    }
    it->probing = true;
    it->remedy = "known once that instance registers; or declare the fleet's attributes in the policy";
    if (was && was->since_ms <= w->s->now_ms && was->until_ms > w->s->now_ms) {
        work_stamp_set(w, *was);
        it->held = left;
        it->hold = explain_text(w, "one instance was ordered %s to see whether it has what the task asks",
                                explain_time(w, was->since_ms));
        return;
    }
    it->held = left - 1;
    it->hold = "one instance is ordered first, to see whether it has what the task asks";
}

void runaway_hold(struct work *w)
{
    for (size_t k = 0; k < w->now.item_count; k++) {
        struct item *it = &w->now.items[k];
        int32_t left = it->count - it->now - it->later;
        if (left == 0 || it->hopeless)
            continue;
        struct shape_pools pools = pools_for(w, it->shape, it->provider);
        it->narrow = pools.narrow;
        if (!pools.sure && pools.maybe)
            hold_probe(w, it, left);
        else if (pools.sure && pools.narrow)
            hold_runaway(w, it, left);
    }
}

// ---- after the guard ------------------------------------------------------------------------------------------------------
static bool any_raised(const struct work *w)
{
    for (size_t k = 0; k < w->plan->action_count; k++) {
        const struct action *x = &w->plan->actions[k];
        if (x->kind == ACTION_SET_TARGET && w->fleet[x->fleet].need_target > 0 && x->capacity > w->fleet[x->fleet].target)
            return true;
    }
    return false;
}

void runaway_commit(struct work *w)
{
    if (!any_raised(w))
        return;
    for (size_t k = 0; k < w->now.item_count; k++) {
        const struct item *it = &w->now.items[k];
        if (it->ordered == 0 || !(it->probing || it->narrow))
            continue;
        const char *key = key_of(w, it);
        if (it->probing) {
            int64_t until = w->s->now_ms + i64_max(w->p->boot_limit_ms, PROBE_MS);
            const struct memo_stamp *was = work_old_stamp(w, STAMP_PROBE, key);
            work_stamp_set(w, (struct memo_stamp){.kind = STAMP_PROBE, .key = key, .since_ms = w->s->now_ms, .until_ms = until,
                                                  .count = was ? was->count + 1 : 1});
        } else if (!work_stamp(w, STAMP_RUNAWAY, key)) {
            work_stamp_set(w, (struct memo_stamp){.kind = STAMP_RUNAWAY, .key = key, .since_ms = w->s->now_ms});
        }
    }
}
