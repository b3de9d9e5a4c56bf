#include "planner/guard.h"

#include <assert.h>

#include "planner/breaker.h"
#include "planner/explain.h"
#include "planner/fallback.h"
#include "planner/modes.h"
#include "planner/on_demand.h"
#include "planner/quota.h"
#include "planner/spend.h"

#define TROUBLE_PROBE_MS (30 * 60 * 1000)

// ---- targets --------------------------------------------------------------------------------------------------------------
// What a fleet has, by what it shows or by what we sent last, is never taken by a cap.
static int64_t has_already(const struct work *w, const struct action *x)
{
    return i64_max(w->fleet[x->fleet].target, w->s->fleets[x->fleet].target);
}

static void cap(struct work *w, struct action *x, int64_t to, const char *fact)
{
    struct work_fleet *y = &w->fleet[x->fleet];
    bool again = y->wanted > 0;
    assert(to < x->capacity);
    assert(to >= y->target);
    y->wanted = again ? y->wanted : x->capacity;
    y->allowed = to;
    // What is cut off was to come on demand, where that part grows, unless the policy asks for it.
    const struct fleet *f = &w->s->fleets[x->fleet];
    int64_t part = f->on_demand_target, asked = i64_min(on_demand_least(w, x->fleet, to), to - (f->target - part));
    bool grows = x->on_demand > part;
    x->on_demand = grows ? i64_max(i64_max(part, x->on_demand - (x->capacity - to)), i64_min(x->on_demand, asked)) : i64_min(x->on_demand, to);
    x->capacity = to;
    x->verdict = to > y->target ? explain_raise(w, x->fleet, to)
                                 : explain_text(w, "hold the target at %" PRId64, to);
    x->fact = again ? explain_text(w, "%s; %s", x->fact, fact)
                    : explain_text(w, "%s; target %" PRId64 " wanted, %s", x->fact, y->wanted, fact);
    y->code = VERDICT_CAPPED;
    y->fact = x->fact;
    y->verdict = x->verdict;
}

// Above max only by the doomed weight, which leaves by itself (V18). Max stops growth; it never lowers.
static void cap_max(struct work *w, struct action *x)
{
    const struct work_fleet *y = &w->fleet[x->fleet];
    int64_t most = i64_max(y->policy->max + (y->replaced ? 0 : y->doomed_milli / 1000), has_already(w, x));
    if (x->capacity > most)
        cap(w, x, most, explain_text(w, "max %" PRId64 " in the policy", y->policy->max));
}

struct step {
    int64_t limit, coming, doomed;
};

// Weight of members that the fleet counts and that stay or are not yet replaced.
static int64_t counted_milli(const struct work_fleet *y)
{
    return y->stay_milli + (y->replaced ? 0 : y->doomed_milli);
}

// What it has on order and not launched, in its lightest instances. A dry fleet's is not coming (fallback.h).
static int64_t on_order(struct work *w, int f)
{
    const struct work_fleet *y = &w->fleet[f];
    int64_t more_milli = y->target * 1000 - counted_milli(y);
    return y->closed || y->weight_min_milli == 0 || fallback_dry(w, f) ? 0 : i64_max(0, more_milli) / y->weight_min_milli;
}

static struct step count_step(struct work *w)
{
    struct step s = {0};
    int64_t active = 0;
    for (size_t i = 0; i < w->s->instance_count; i++) {
        active += w->inst[i].role == ROLE_ACTIVE;
        s.coming += w->inst[i].role == ROLE_COMING;
        s.doomed += w->inst[i].doomed && w->inst[i].live && w->s->instances[i].fleet >= 0;
    }
    for (size_t f = 0; f < w->s->fleet_count; f++)
        s.coming += on_order(w, (int)f);
    s.limit = i64_max(w->p->step_instances, active);
    return s;
}

// L10, counted in the lightest instances that the fleet may pick; replacements are exempt.
static void cap_step(struct work *w, struct action *x, struct step *s)
{
    const struct work_fleet *y = &w->fleet[x->fleet];
    int64_t counted = counted_milli(y);
    s->coming -= on_order(w, x->fleet);
    int64_t allowed = i64_max(0, s->limit + s->doomed - s->coming);
    int64_t most = i64_max((counted + allowed * y->weight_min_milli) / 1000, has_already(w, x));
    if (x->capacity > most)
        cap(w, x, most,
            explain_text(w, "step limit %" PRId64 " at once, %" PRId64 " coming", s->limit + s->doomed, s->coming));
    int64_t known = fallback_dry(w, x->fleet) ? i64_max(counted, y->target * 1000) : counted;  // on_order() leaves that out
    int64_t more_milli = i64_max(0, x->capacity * 1000 - known);
    s->coming += (more_milli + y->weight_min_milli - 1) / y->weight_min_milli;
}

// In pause what interruptions take comes back, and nothing else grows: the members that stay, the doomed weight, and this once
// more while the fleet still counts it.
static void cap_pause(struct work *w, struct action *x)
{
    const struct work_fleet *y = &w->fleet[x->fleet];
    if (modes_may(w, x->fleet, DEED_RAISE) || !modes_may(w, x->fleet, DEED_REPLACE))
        return;
    int64_t most = i64_max((y->stay_milli + (y->replaced ? 0 : 2 * y->doomed_milli)) / 1000, has_already(w, x));
    if (x->capacity > most)
        cap(w, x, most, modes_why(w, x->fleet));
}

// L15: headroom stops at the limit of an hour's cost; tasks do not.
static void cap_spend(struct work *w, struct action *x)
{
    const struct work_fleet *y = &w->fleet[x->fleet];
    int64_t room = spend_room(w, x->fleet);
    if (room == INT64_MAX || x->capacity != y->need_target || y->need_target <= y->task_target)
        return;
    int64_t affordable = y->target + room * y->weight_min_milli / 1000;
    int64_t most = i64_max(i64_max(y->task_target, affordable), has_already(w, x));
    if (x->capacity > most)
        cap(w, x, most, explain_text(w, "no more headroom, %s", spend_fact(w)));
}

// L12: what is launched where nothing registers, replacements too, is a probe.
static void cap_breaker(struct work *w, struct action *x)
{
    const struct work_fleet *y = &w->fleet[x->fleet];
    int64_t room = breaker_room(w, x->fleet);
    if (room == INT64_MAX)
        return;
    int64_t counted = counted_milli(y);
    int64_t most = i64_max((counted + i64_max(0, room - y->coming) * y->weight_min_milli) / 1000, has_already(w, x));
    if (x->capacity > most)
        cap(w, x, most, breaker_why(w, x->fleet));
}

static bool trouble_probe_due(const struct work *w, const struct memo_stamp *s)
{
    return w->s->now_ms - s->since_ms >= TROUBLE_PROBE_MS;
}

// L8, E5: while the cluster as a whole is in doubt one step is ordered, and no other until an instance of it registers; but for a
// probe now and then, so that the doubt can end by itself.
static void cap_trouble(struct work *w, struct action *x)
{
    const struct work_fleet *y = &w->fleet[x->fleet];
    const struct memo_stamp *s = work_stamp(w, STAMP_PROBE, w->s->cluster);
    if (!w->mass_trouble || !s || s->since_ms == w->s->now_ms)
        return;
    bool probe = trouble_probe_due(w, s) && y->coming == 0;
    int64_t counted = y->stay_milli + (probe ? y->weight_min_milli : 0);
    int64_t most = i64_max((counted + (y->replaced ? 0 : 2 * y->doomed_milli)) / 1000, has_already(w, x));
    if (x->capacity > most)
        cap(w, x, most, explain_text(w, "%s, ordered at %s and nothing registered since", w->mass_trouble, explain_time(w, s->since_ms)));
}

static bool registered_since(const struct work *w, int64_t at_ms)
{
    for (size_t i = 0; i < w->s->instance_count; i++)
        if (w->s->instances[i].fleet >= 0 && w->s->instances[i].ecs == ECS_ACTIVE && w->s->instances[i].launched_ms >= at_ms)
            return true;
    return false;
}

// What was ordered in doubt is remembered while the doubt lasts and nothing of it registered.
static void recall_trouble(struct work *w)
{
    const struct memo_stamp *was = work_old_stamp(w, STAMP_PROBE, w->s->cluster);
    if (w->mass_trouble && was && was->since_ms <= w->s->now_ms && !registered_since(w, was->since_ms))
        work_stamp_set(w, *was);
}

static void remember_trouble(struct work *w)
{
    for (size_t k = 0; k < w->plan->action_count && w->mass_trouble; k++) {
        const struct action *x = &w->plan->actions[k];
        const struct memo_stamp *s = work_stamp(w, STAMP_PROBE, w->s->cluster);
        if (x->kind == ACTION_SET_TARGET && x->capacity > w->fleet[x->fleet].target && (!s || trouble_probe_due(w, s)))
            work_stamp_set(w, (struct memo_stamp){.kind = STAMP_PROBE, .key = w->s->cluster, .since_ms = w->s->now_ms});
    }
}

static bool grows_on_demand(const struct work *w, const struct action *x)
{
    return x->on_demand > w->s->fleets[x->fleet].on_demand_target;
}

// L23. What is replaced gives its vCPUs back, so replacements are limited as well: AWS would refuse them.
static void cap_quota(struct work *w, struct action *x)
{
    const char *why = "";
    int64_t room = quota_most(w, x->fleet, &why);
    if (room == INT64_MAX)
        return;
    int64_t more = grows_on_demand(w, x) ? x->on_demand - w->s->fleets[x->fleet].on_demand_target : 0;  // by the other quota
    int64_t most = i64_max(room + more, has_already(w, x));
    if (x->capacity > most)
        cap(w, x, most, why);
}

// The on-demand part by a quota of its own; what it cuts off stays asked of spot where the total does not grow, or where tasks need it
// and spot gives.
static void cap_on_demand(struct work *w, struct action *x)
{
    struct work_fleet *y = &w->fleet[x->fleet];
    const char *why = "";
    int64_t room = quota_room(w, x->fleet, true, &why), has = w->s->fleets[x->fleet].on_demand_target;
    if (room >= INT64_MAX / 1000 || !grows_on_demand(w, x))
        return;
    int64_t most = i64_max((y->on_demand_milli + room * i64_max(y->weight_min_milli, 1)) / 1000, has), cut = x->on_demand - most;
    if (cut <= 0)
        return;
    x->fact = explain_text(w, "%s; %" PRId64 " wanted on demand, %s", x->fact, x->on_demand, why);
    y->wanted = x->on_demand;
    y->allowed = x->on_demand = most;
    int64_t least = fallback_dry(w, x->fleet) ? y->target : i64_max(y->target, y->need_target);
    x->capacity = i64_max(i64_min(least, x->capacity), x->capacity - cut);
    x->verdict = explain_text(w, "%s the target at %" PRId64 ", on demand %" PRId64 " of it", x->capacity > y->target ? "raise" : "keep", x->capacity, most);
    y->code = VERDICT_CAPPED;
    y->fact = x->fact;
    y->verdict = x->verdict;
}

static void cap_targets(struct work *w)
{
    struct step s = count_step(w);
    for (size_t k = 0; k < w->plan->action_count; k++) {
        struct action *x = &w->plan->actions[k];
        if (x->kind != ACTION_SET_TARGET)
            continue;
        cap_on_demand(w, x);
        if (x->capacity <= w->fleet[x->fleet].target)
            continue;
        cap_spend(w, x);
        cap_max(w, x);
        cap_pause(w, x);
        cap_quota(w, x);
        cap_breaker(w, x);
        cap_trouble(w, x);
        cap_step(w, x, &s);
    }
}

// ---- modes and freshness --------------------------------------------------------------------------------------------------
static bool is_notice(const struct action *x)
{
    return x->kind == ACTION_DRAIN && x->value[0] != '\0';
}

// Withdrawing what was ordered ends nothing, and a replaced doomed weight leaves by itself: these go with raising.
static bool ends_something(const struct work *w, const struct action *x)
{
    const struct work_fleet *y = &w->fleet[x->fleet];
    return x->capacity < y->target && !y->replaced && x->capacity * 1000 + 999 < y->live_milli - y->doomed_milli;
}

static bool allowed_target(const struct work *w, const struct action *x)
{
    const struct work_fleet *y = &w->fleet[x->fleet];
    if (x->capacity == y->target && x->on_demand != w->s->fleets[x->fleet].on_demand_target)
        return modes_may(w, x->fleet, DEED_RAISE);  // the on-demand part alone, which ends nothing
    if (x->capacity >= y->target && x->capacity <= has_already(w, x))
        return false;  // capped to nothing
    if (x->capacity > y->target)
        return modes_may(w, x->fleet, DEED_REPLACE);  // cap_pause left no more
    if (w->no_removal)
        return false;
    enum deed d = ends_something(w, x) ? DEED_REMOVE : y->replaced ? DEED_REPLACE : DEED_RAISE;
    return modes_may(w, x->fleet, d);
}

static bool allowed(const struct work *w, const struct action *x)
{
    switch (x->kind) {
    case ACTION_MARK:
        return !w->no_removal && modes_may(w, x->fleet, DEED_DRAIN);
    case ACTION_HEARTBEAT:
    case ACTION_COMPLETE:
        return modes_may(w, x->fleet, DEED_NOTICE);
    case ACTION_TERMINATE:
    case ACTION_END_MEMBER:
    case ACTION_DEREGISTER:
        return !w->no_removal && modes_may(w, x->fleet, DEED_REMOVE);
    case ACTION_DRAIN:
        return is_notice(x) ? modes_may(w, x->fleet, DEED_NOTICE) : !w->no_removal && modes_may(w, x->fleet, DEED_DRAIN);
    case ACTION_SET_TARGET:
        return allowed_target(w, x);
    case ACTION_LAUNCH:
        return modes_may(w, x->fleet, DEED_RAISE);
    case ACTION_UNMARK:
    case ACTION_UNDRAIN:
        return modes_may(w, x->fleet, DEED_UNDO);
    case ACTION_CLAIM:
        return modes_may(w, x->fleet, DEED_REPLACE);
    case ACTION_COUNT:
        break;
    }
    return false;
}

// An action that falls takes those with it that wait for it.
static void drop_forbidden(struct work *w)
{
    struct plan *p = w->plan;
    int *moved_to = arena_array(w->a, int, p->action_count + 1);
    size_t n = 0;
    bool drains_kept = true;
    for (size_t k = 0; k < p->action_count; k++) {
        struct action x = p->actions[k];
        bool keep = w->p->mode != MODE_OBSERVE && allowed(w, &x) && (x.after < 0 || moved_to[x.after] >= 0) && (drains_kept || !x.after_drains);
        moved_to[k] = keep ? (int)n : -1;
        drains_kept = drains_kept && (keep || x.kind != ACTION_DRAIN);
        if (!keep && x.kind == ACTION_SET_TARGET && w->p->mode != MODE_OBSERVE && x.capacity != w->fleet[x.fleet].target) {
            struct work_fleet *y = &w->fleet[x.fleet];
            y->code = y->wanted > 0 ? VERDICT_CAPPED : VERDICT_HOLD;
            y->allowed = y->wanted > 0 ? y->target : 0;
            y->verdict = explain_text(w, "hold the target at %" PRId64, y->target);
            if (modes_why(w, x.fleet))
                y->fact = explain_text(w, "%s; %s", y->fact, modes_why(w, x.fleet));
        }
        if (!keep)
            continue;
        x.after = x.after < 0 ? -1 : moved_to[x.after];
        p->actions[n++] = x;
    }
    assert(n <= p->action_count);
    p->action_count = n;
}

void guard_run(struct work *w)
{
    recall_trouble(w);
    cap_targets(w);
    drop_forbidden(w);
    remember_trouble(w);
    for (size_t k = 0; k < w->plan->action_count; k++) {
        const struct action *x = &w->plan->actions[k];
        assert(x->after < (int)k);
        assert((x->kind != ACTION_TERMINATE && x->kind != ACTION_END_MEMBER) || !w->no_removal);
    }
}
