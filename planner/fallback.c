#include "planner/fallback.h"

#include <assert.h>

#include "planner/alert.h"
#include "planner/consolidate.h"
#include "planner/explain.h"
#include "planner/launch.h"
#include "planner/on_demand.h"
#include "planner/parts.h"

#define DRY_MS (3 * 60 * 1000LL)          // L17, as pools are
#define DRY_MAX_MS (30 * 60 * 1000LL)
#define DOUBLINGS_MAX 10
#define QUIET_MS (30 * 60 * 1000LL)       // L17, L18
#define ON_DEMAND_KEPT_MS (60 * 60 * 1000LL)
#define ANSWER_MS 1000                    // what one answer tells is noted within so long
#define MODIFYING_MS (10 * 60 * 1000LL)   // A5
#define OPEN_LONG_MS (2 * 60 * 1000LL)    // L18: an order that is open so long

static bool past(const struct work *w, const struct memo_stamp *x)
{
    return x && x->since_ms <= w->s->now_ms;
}

static bool is_short(const struct work *w, int f)
{
    const struct work_fleet *y = &w->fleet[f];
    return !y->closed && y->target * 1000 > y->live_milli + y->unseen_milli;
}

// Since when it has been short without a launch; each member that comes begins the time anew.
static void stamp_short(struct work *w, int f)
{
    const char *id = w->s->fleets[f].id;
    const struct memo_stamp *was = work_old_stamp(w, STAMP_SHORT, id);
    int64_t live = w->fleet[f].live_milli;
    if (!is_short(w, f))
        return;
    bool goes_on = past(w, was) && live <= was->amount;
    // Short by the order of the tick before: an error which that met at once counts.
    const struct memo_stamp *raised = was ? NULL : work_old_stamp(w, STAMP_RAISED, id);
    int64_t begun_ms = past(w, raised) && raised->since_ms == w->old->now_ms ? raised->since_ms : w->s->now_ms;
    work_stamp_set(w, (struct memo_stamp){STAMP_SHORT, id, goes_on ? was->since_ms : w->s->now_ms, goes_on ? was->until_ms : begun_ms, 0, live});
}

static int64_t short_ms(const struct work *w, int f)
{
    const struct memo_stamp *x = work_old_stamp(w, STAMP_SHORT, w->s->fleets[f].id);
    return is_short(w, f) && past(w, x) && w->fleet[f].live_milli <= x->amount ? w->s->now_ms - x->since_ms : 0;
}

static int32_t decayed(const struct memo_stamp *x, int64_t now_ms)
{
    int64_t quiet = (now_ms - x->until_ms) / QUIET_MS;
    return quiet <= 0 ? x->count : quiet > DOUBLINGS_MAX ? 0 : x->count >> quiet;
}

// An error newer than the last launch, or than the last time it was dry, whichever is later.
static bool has_error(struct work *w, int f, const struct memo_stamp *dry)
{
    const struct memo_stamp *x = work_stamp(w, STAMP_SHORT, w->s->fleets[f].id);
    int64_t since = i64_max(!x ? w->s->now_ms : x->until_ms > 0 ? x->until_ms : x->since_ms, dry ? dry->until_ms : 0);
    return w->s->fleets[f].capacity_error_ms > since;
}

// What AWS refused is known by its pools, and others are left: these are asked next, and nothing is dry.
static bool refused_in_part(const struct work *w, int f)
{
    const struct fleet *x = &w->s->fleets[f];
    bool named = false, left = false;
    for (size_t k = 0; k < x->pool_count; k++)
        named = named || x->pools[k].refused_ms >= x->capacity_error_ms - ANSWER_MS;
    for (size_t k = 0; k < w->fleet_pools[f].count; k++)
        left = left || (!w->fleet_pools[f].v[k].out && pools_size_known(w, &w->fleet_pools[f].v[k]));
    return named && left;
}

// A5: nothing can be sent to it, whatever it would give.
static bool modifies_long(const struct work *w, int f)
{
    const struct fleet *x = &w->s->fleets[f];
    return x->state == FLEET_MODIFYING && w->s->now_ms - alert_since(w, ALERT_FLEET_MODIFYING, x->id) >= MODIFYING_MS;
}

static void stamp_dry(struct work *w, int f)
{
    const char *id = w->s->fleets[f].id;
    const struct memo_stamp *was = work_old_stamp(w, STAMP_DRY, id);
    int64_t now = w->s->now_ms;
    was = past(w, was) && was->until_ms - was->since_ms <= DRY_MAX_MS ? was : NULL;
    bool still = was && was->until_ms > now, fails = is_short(w, f) && (short_ms(w, f) >= w->p->fallback_ms || has_error(w, f, was));
    fails = fails || modifies_long(w, f);
    fails = fails || (w->s->fleets[f].kind == FLEET_INSTANT && launch_refused(w, f, was ? was->until_ms : 0) && !refused_in_part(w, f));
    if (!still && fails) {
        int32_t count = was ? decayed(was, now) + 1 : 1;
        count = count > DOUBLINGS_MAX ? DOUBLINGS_MAX : count;
        work_stamp_set(w, (struct memo_stamp){STAMP_DRY, id, now, now + i64_min(DRY_MS << (count - 1), DRY_MAX_MS), count, 0});
    } else if (was && (still || decayed(was, now) > 0)) {
        work_stamp_set(w, *was);
    }
}

void fallback_observe(struct work *w)
{
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        stamp_short(w, (int)f);
        stamp_dry(w, (int)f);
        const struct memo_stamp *d = work_old_stamp(w, STAMP_ON_DEMAND, w->s->fleets[f].id);
        bool back = past(w, d) && w->s->fleets[f].on_demand_target <= d->amount && w->s->now_ms - d->since_ms > WORK_LAG_MS;
        if (past(w, d) && !back)
            work_stamp_set(w, *d);
    }
}

int64_t fallback_dry_ms(struct work *w, int f)
{
    return fallback_dry(w, f) ? w->s->now_ms - work_stamp(w, STAMP_DRY, w->s->fleets[f].id)->since_ms : 0;
}

bool fallback_dry(struct work *w, int f)
{
    const struct memo_stamp *x = work_stamp(w, STAMP_DRY, w->s->fleets[f].id);
    return x && x->until_ms > w->s->now_ms;
}

const char *fallback_why(struct work *w, int f)
{
    const struct memo_stamp *x = work_stamp(w, STAMP_DRY, w->s->fleets[f].id);
    assert(x);
    return explain_text(w, "not fulfilled %s", explain_time(w, x->since_ms));
}

bool fallback_moved(struct work *w, int f)
{
    if (!fallback_dry(w, f) || w->fleet[f].need_target > 0)
        return false;
    for (size_t g = 0; g < w->s->fleet_count; g++)
        if ((int)g != f && w->fleet[g].need_target > w->fleet[g].target && !fallback_dry(w, (int)g))
            return true;
    return false;
}

// On demand it launches from a template; what a fleet with its own launch specifications can do is not known.
bool fallback_can_on_demand(const struct work *w, int f)
{
    const struct fleet *x = &w->s->fleets[f];
    return x->kind != FLEET_GROUP && (x->on_demand_target > 0 || (x->pool_count > 0 && x->pools[0].launch_template[0] != '\0'));
}

// The way back: kept long enough, and nothing dry for as long as L17 says.
static bool quiet_again(struct work *w, int f, const struct memo_stamp *ours)
{
    if (w->s->now_ms - ours->since_ms < ON_DEMAND_KEPT_MS || fallback_dry(w, f))
        return false;
    const struct memo_stamp *dry = work_old_stamp(w, STAMP_DRY, w->s->fleets[f].id);
    return !past(w, dry) || w->s->now_ms - dry->until_ms >= QUIET_MS;
}

// What only a cheaper replacement is wanted for (consolidate.h) is not worth an on-demand price.
bool fallback_needs_for_tasks(struct work *w, int f)
{
    const struct memo_stamp *swap = work_stamp(w, STAMP_REPLACE, w->s->fleets[f].id);
    return w->fleet[f].need_target > i64_max(swap && swap->count == 1 ? swap->amount : 0, consolidate_target(w, f));
}

struct fallback_target fallback_on_demand(struct work *w, int f, int64_t target, int64_t base)
{
    const struct work_fleet *y = &w->fleet[f];
    int64_t has = i64_min(base, target), missing = target - y->live_milli / 1000;
    bool needs = fallback_dry(w, f) && fallback_needs_for_tasks(w, f) && w->p->on_demand_ms > 0 && short_ms(w, f) >= w->p->on_demand_ms;
    if (!needs || missing <= 0 || !fallback_can_on_demand(w, f))
        return (struct fallback_target){target, has};
    // All that runs on demand is of its part from now on, and what runs on spot is all of the other: nothing more comes there.
    int64_t spot = (y->live_milli - parts_counted_milli(y->on_demand_milli, w->s->fleets[f].on_demand_target)) / 1000;
    int64_t part = i64_max(has, y->on_demand_milli / 1000 + missing), most = i64_max(target, y->policy->max);
    int64_t total = i64_min(i64_max(target, spot + part), most);
    return (struct fallback_target){total, i64_min(part, i64_max(has, total - spot))};
}

bool fallback_returns(struct work *w, int f, struct fallback_target *ret)
{
    const struct work_fleet *y = &w->fleet[f];
    const struct memo_stamp *ours = work_old_stamp(w, STAMP_ON_DEMAND, w->s->fleets[f].id);
    int64_t has = w->s->fleets[f].on_demand_target;
    if (!past(w, ours) || !quiet_again(w, f, ours))
        return false;
    // A part of its own keeps what runs on demand, which leaves by itself; without one what runs there fills the whole target.
    int64_t part = i64_max(ours->amount, on_demand_least(w, f, y->target));
    int64_t back = part > 0 ? i64_max(part, y->od_stay_milli / 1000) : 0, sum = parts_sum(w, f, back);
    if (back >= has || sum > i64_max(y->target, y->policy->max))
        return false;
    *ret = (struct fallback_target){i64_max(y->target, sum), back};
    return true;
}

const char *fallback_on_demand_fact(struct work *w, int f)
{
    if (fallback_dry(w, f))
        return explain_text(w, "spot %s, short for %s", fallback_why(w, f), explain_duration(w, short_ms(w, f)));
    return "spot has been quiet for 30 min, on-demand was kept for an hour";
}

const char *fallback_hold(struct work *w)
{
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        const struct fleet *x = &w->s->fleets[f];
        if (x->capacity_error_ms > 0 && w->s->now_ms - x->capacity_error_ms < QUIET_MS)
            return explain_text(w, "%s had no capacity %s", x->id, explain_time(w, x->capacity_error_ms));
        if (short_ms(w, (int)f) > OPEN_LONG_MS)
            return explain_text(w, "%s is short for %s", x->id, explain_duration(w, short_ms(w, (int)f)));
        const struct memo_stamp *dry = work_old_stamp(w, STAMP_DRY, x->id);
        if (past(w, dry) && w->s->now_ms - dry->since_ms < QUIET_MS)
            return explain_text(w, "%s was not fulfilled %s", x->id, explain_time(w, dry->since_ms));
    }
    return NULL;
}

const char *fallback_keep(struct work *w, int f)
{
    const struct memo_stamp *ours = f < 0 ? NULL : work_old_stamp(w, STAMP_ON_DEMAND, w->s->fleets[f].id);
    if (!past(w, ours) || w->s->now_ms - ours->since_ms >= ON_DEMAND_KEPT_MS)
        return NULL;
    return explain_text(w, "on-demand was asked for %s, and is kept for an hour", explain_time(w, ours->since_ms));
}

void fallback_commit(struct work *w)
{
    for (size_t k = 0; k < w->plan->action_count; k++) {
        const struct action *a = &w->plan->actions[k];
        if (a->kind != ACTION_SET_TARGET || a->fleet < 0)
            continue;
        const struct fleet *x = &w->s->fleets[a->fleet];
        const struct memo_stamp *was = work_old_stamp(w, STAMP_ON_DEMAND, x->id);
        int64_t asked = on_demand_least(w, a->fleet, a->capacity);
        if (asked > 0)
            asked = i64_max(asked, w->fleet[a->fleet].od_stay_milli / 1000);
        if (a->on_demand > i64_max(x->on_demand_target, asked))
            work_stamp_set(w, (struct memo_stamp){STAMP_ON_DEMAND, x->id, w->s->now_ms, 0, 1, past(w, was) ? was->amount : x->on_demand_target});
    }
}
