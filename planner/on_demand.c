#include "planner/on_demand.h"

#include <assert.h>
#include <string.h>

#include "planner/breaker.h"
#include "planner/explain.h"
#include "planner/parts.h"
#include "planner/risk.h"
#include "planner/scale_out.h"

// ---- what is asked ---------------------------------------------------------------------------------------------------------
struct share {
    int64_t base, percent;  // units, and of what is above
};

static int64_t asked(struct share x, int64_t total)
{
    return total <= x.base ? total : x.base + ((total - x.base) * x.percent + 99) / 100;
}

static bool is_group(const struct work *w, int f)
{
    return w->s->fleets[f].kind == FLEET_GROUP;
}

// One that masu may ask for on-demand; a group asks itself.
static bool takes(struct work *w, int f)
{
    return !w->fleet[f].closed && !is_group(w, f) && (w->s->fleets[f].kind == FLEET_INSTANT || fallback_can_on_demand(w, f));
}

static struct share own(struct work *w, int f)
{
    const struct fleet *x = &w->s->fleets[f];
    const struct policy_fleet *p = w->fleet[f].policy;
    if (is_group(w, f))
        return (struct share){x->on_demand_base, x->on_demand_percent};
    return takes(w, f) ? (struct share){p->on_demand_base, i64_max(p->on_demand_percent, w->p->on_demand_percent)} : (struct share){0, 0};
}

// As many instances at least are so many units, whatever types AWS chooses.
static int64_t instances_of(const struct work *w, int f, int64_t units)
{
    int64_t each = w->fleet[f].weight_max_milli;
    return (units * 1000 + each - 1) / each;
}

// Of role base first, then in the policy's order.
static bool is_before(const struct work *w, int f, int g)
{
    bool a = w->fleet[f].policy->role == FLEET_ROLE_BASE, b = w->fleet[g].policy->role == FLEET_ROLE_BASE;
    return a != b ? a : f < g;
}

// Instances of the cluster's base that are this fleet's.
static int64_t dealt(struct work *w, int f)
{
    int64_t left = w->p->on_demand_base;
    for (size_t g = 0; g < w->s->fleet_count && left > 0; g++)
        if ((int)g != f && (is_group(w, (int)g) || takes(w, (int)g)))
            left -= instances_of(w, (int)g, asked(own(w, (int)g), w->fleet[g].target));
    for (size_t g = 0; g < w->s->fleet_count && left > 0; g++)
        if ((int)g != f && takes(w, (int)g) && is_before(w, (int)g, f))
            left -= i64_min(left, instances_of(w, (int)g, w->fleet[g].target) - instances_of(w, (int)g, asked(own(w, (int)g), w->fleet[g].target)));
    return i64_max(left, 0);
}

static struct share share_of(struct work *w, int f)
{
    struct share x = own(w, f);
    int64_t more = takes(w, f) ? dealt(w, f) : 0;
    if (more > 0)
        x.base = i64_max(x.base, scale_out_target(0, more, w->fleet[f].weight_max_milli));
    return x;
}

static int64_t to_leave(struct work *w, int f)
{
    const struct memo_stamp *x = work_stamp(w, STAMP_SHARE, w->s->fleets[f].id);
    return x ? x->amount : 0;
}

static int64_t doomed_units(const struct work_fleet *y)
{
    return y->replaced ? 0 : y->doomed_milli / 1000;
}

static int64_t least_without(struct work *w, int f, int64_t target, int64_t leaving)
{
    return is_group(w, f) ? 0 : asked(share_of(w, f), i64_max(0, target - leaving - doomed_units(&w->fleet[f])));
}

int64_t on_demand_least(struct work *w, int f, int64_t target)
{
    return least_without(w, f, target, to_leave(w, f));
}

const char *on_demand_fact(struct work *w, int f)
{
    struct share x = share_of(w, f);
    if (x.percent == 0)
        return explain_text(w, "base %" PRId64 " on demand", x.base);
    return x.base == 0 ? explain_text(w, "%" PRId64 " %% on demand", x.percent)
                       : explain_text(w, "base %" PRId64 " and %" PRId64 " %% above it on demand", x.base, x.percent);
}

// ---- orders ----------------------------------------------------------------------------------------------------------------
// Units beside this target's own that leave again: what is to leave already, and what a cheaper replacement is for. Tasks that have no
// room say that all of it is wanted.
static int64_t leaving_beside(struct work *w, int f, int64_t target)
{
    const struct work_fleet *y = &w->fleet[f];
    if (fallback_needs_for_tasks(w, f))
        return 0;
    return to_leave(w, f) + (y->need_target > 0 ? i64_max(0, target - y->target) : 0);
}

static int64_t spot_units(const struct work *w, int f)
{
    const struct work_fleet *y = &w->fleet[f];
    int64_t spot_milli = y->stay_milli - parts_counted_milli(y->od_stay_milli, w->s->fleets[f].on_demand_target);
    return spot_milli / 1000 + doomed_units(y);
}

struct fallback_target on_demand_raise(struct work *w, int f, int64_t target, int64_t part)
{
    const struct work_fleet *y = &w->fleet[f];
    struct fallback_target t = {target, i64_min(part, target)};
    int64_t least = least_without(w, f, target, leaving_beside(w, f, target));
    if (least <= t.on_demand || fallback_dry(w, f))
        return t;
    if (w->s->fleets[f].on_demand_target == 0)
        least = i64_max(least, y->od_stay_milli / 1000);  // all that runs there is of the part from now on
    int64_t spot = spot_units(w, f), total = i64_min(i64_max(target, spot + least), i64_max(target, y->policy->max));
    return (struct fallback_target){total, i64_max(t.on_demand, i64_min(least, total - spot))};
}

// EC2 gives nothing on demand, and spot is whole: the rest is asked of spot.
static bool gives_way(struct work *w, int f, struct fallback_target *ret, const char **ret_fact)
{
    const struct fleet *x = &w->s->fleets[f];
    const struct work_fleet *y = &w->fleet[f];
    bool spot_whole = spot_units(w, f) >= y->target - x->on_demand_target;
    bool ours = share_of(w, f).base + share_of(w, f).percent > 0 && !work_old_stamp(w, STAMP_ON_DEMAND, x->id);
    if (!ours || y->od_short_milli == 0 || !spot_whole || fallback_dry_ms(w, f) < w->p->fallback_ms || y->doomed_milli > 0 || w->no_removal)
        return false;
    *ret = (struct fallback_target){i64_max(i64_max(y->stay_milli / 1000, y->policy->min), i64_min(y->need_target, y->target)), y->od_stay_milli / 1000};
    *ret_fact = explain_text(w, "on demand %g of %" PRId64 ", %s, spot is whole", (double)y->od_stay_milli / 1000, x->on_demand_target, fallback_why(w, f));
    return true;
}

bool on_demand_lacks(struct work *w, int f, struct fallback_target *ret, const char **ret_fact)
{
    const struct work_fleet *y = &w->fleet[f];
    if (gives_way(w, f, ret, ret_fact))
        return true;
    if (y->od_short_milli > 0 || y->coming > 0 || w->mass_trouble || breaker_room(w, f) != INT64_MAX)
        return false;
    *ret = on_demand_raise(w, f, y->target, w->s->fleets[f].on_demand_target);
    *ret_fact = explain_text(w, "target %" PRId64 ", %" PRId64 " of it on demand, the policy asks for %s", y->target, w->s->fleets[f].on_demand_target,
                             on_demand_fact(w, f));
    return ret->on_demand != w->s->fleets[f].on_demand_target;
}

int64_t on_demand_of_launch(struct work *w, int f, int64_t instances)
{
    const struct work_fleet *y = &w->fleet[f];
    if (w->s->fleets[f].kind != FLEET_INSTANT || fallback_dry(w, f) || !fallback_needs_for_tasks(w, f))
        return 0;
    return i64_min(instances, i64_max(0, least_without(w, f, y->target + instances, 0) - y->od_stay_milli / 1000));
}

// ---- scale-in --------------------------------------------------------------------------------------------------------------
void on_demand_count(struct work *w)
{
    w->kept = w->od_kept = 0;
    for (size_t f = 0; f < w->s->fleet_count; f++)
        w->fleet[f].od_keep_milli = 0;
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *x = &w->s->instances[i];
        bool leaves = (work_drains(w, (int)i) && !w->inst[i].planned_undo) || x->notice_ms > 0;
        if (x->fleet >= 0 && w->inst[i].live && !leaves)
            on_demand_take(w, (int)i, -1);
    }
}

void on_demand_take(struct work *w, int i, int sign)
{
    const struct instance *x = &w->s->instances[i];
    w->kept -= sign;
    if (x->spot)
        return;
    w->od_kept -= sign;
    w->fleet[x->fleet].od_keep_milli -= sign * x->weight_milli;
}

const char *on_demand_hold(struct work *w, int i, int64_t keep_milli)
{
    const struct instance *x = &w->s->instances[i];
    if (x->spot || w->fleet[x->fleet].loose || risk_order(w, i) > 0)
        return NULL;  // what is at risk is not kept by keeping it
    int64_t od = (w->fleet[x->fleet].od_keep_milli - x->weight_milli) / 1000, keep = keep_milli / 1000;
    // Spot that is to leave goes before what was ordered in its place.
    int64_t least = asked(share_of(w, x->fleet), i64_min(keep, w->fleet[x->fleet].target - to_leave(w, x->fleet)));
    if (od < least)
        return explain_text(w, "%" PRId64 " of %" PRId64 " in %s would stay on demand, %s asks for %" PRId64, od, keep, w->s->fleets[x->fleet].id,
                            is_group(w, x->fleet) ? "the group" : "the policy", least);
    if (w->od_kept - 1 < i64_min(w->p->on_demand_base, w->kept - 1))
        return explain_text(w, "%d instances would stay on demand, on_demand_base is %" PRId64, w->od_kept - 1, w->p->on_demand_base);
    return NULL;
}

bool on_demand_spares(struct work *w, const int *instances, size_t count)
{
    bool may = true;
    size_t taken = 0;
    w->kept += (int32_t)count;  // they are replaced
    for (; taken < count && may; taken++) {
        const struct instance *x = &w->s->instances[instances[taken]];
        int64_t keep = w->fleet[x->fleet].stay_milli;  // by what may well be of the same fleet
        may = on_demand_hold(w, instances[taken], keep) == NULL;
        on_demand_take(w, instances[taken], 1);
    }
    while (taken-- > 0)
        on_demand_take(w, instances[taken], -1);
    w->kept -= (int32_t)count;
    return may;
}

// ---- memo ------------------------------------------------------------------------------------------------------------------
void on_demand_observe(struct work *w)
{
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        const struct memo_stamp *x = work_old_stamp(w, STAMP_SHARE, w->s->fleets[f].id);
        if (x && x->since_ms <= w->s->now_ms && x->amount > 0 && x->amount <= w->fleet[f].target)
            work_stamp_set(w, *x);
    }
}

// A raise beyond what tasks need is of spot that leaves; what the target falls by has left.
static int64_t left_after(struct work *w, const struct action *a)
{
    const struct work_fleet *y = &w->fleet[a->fleet];
    int64_t was = to_leave(w, a->fleet), more = a->capacity - y->target, part = a->on_demand - w->s->fleets[a->fleet].on_demand_target;
    if (more < 0 && part < 0 && y->od_short_milli > 0)
        return 0;  // nothing came in its place
    if (more < 0)
        return i64_max(0, was + more - i64_min(part, 0));
    if (fallback_needs_for_tasks(w, a->fleet))
        return more > 0 ? i64_max(0, a->capacity - i64_max(y->need_target, y->target)) : was;
    return was + (part > 0 || y->need_target > 0 ? more : 0);
}

void on_demand_commit(struct work *w)
{
    for (size_t k = 0; k < w->plan->action_count; k++) {
        const struct action *a = &w->plan->actions[k];
        if (a->kind != ACTION_SET_TARGET || is_group(w, a->fleet) || w->s->fleets[a->fleet].kind == FLEET_INSTANT)
            continue;
        int64_t units = left_after(w, a);
        assert(units >= 0);
        if (units > 0 && share_of(w, a->fleet).base + share_of(w, a->fleet).percent > 0)
            work_stamp_set(w, (struct memo_stamp){STAMP_SHARE, a->target, w->s->now_ms, 0, 0, units});
        else if (work_stamp(w, STAMP_SHARE, a->target))
            work_stamp(w, STAMP_SHARE, a->target)->amount = 0;
    }
}
