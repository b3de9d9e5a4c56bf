#include "planner/spend.h"

#include "base/parse.h"
#include "planner/alert.h"
#include "planner/explain.h"

enum { NEAR_PERCENT = 80, TOLD_TYPES = 8 };

static int64_t type_price(const struct instance_type *t, bool spot)
{
    return spot && t->spot_usd_micro > 0 ? t->spot_usd_micro : t->on_demand_usd_micro;
}

int64_t spend_dearest(const struct work *w)
{
    int64_t most = 0;
    for (size_t k = 0; k < w->s->type_count; k++)
        most = i64_max(most, i64_max(w->s->types[k].spot_usd_micro, w->s->types[k].on_demand_usd_micro));
    return most;
}

// The dearest instance that the fleet may launch, and what a unit of its weight costs on demand.
static int64_t fleet_price(const struct work *w, int f, int64_t *ret_unit_micro)
{
    const struct fleet *x = &w->s->fleets[f];
    int64_t most = 0, unit = 0;
    for (size_t k = 0; k < x->pool_count; k++) {
        if (x->pools[k].type < 0)
            continue;
        const struct instance_type *t = &w->s->types[x->pools[k].type];
        most = i64_max(most, type_price(t, true));
        unit = i64_max(unit, t->on_demand_usd_micro * 1000 / x->pools[k].weight_milli);
    }
    *ret_unit_micro = unit;
    return most > 0 ? most : spend_dearest(w);
}

static int64_t cost_now(const struct work *w)
{
    int64_t sum = 0, unknown = spend_dearest(w);
    for (size_t i = 0; i < w->s->instance_count; i++)
        if (w->s->instances[i].fleet >= 0 && w->inst[i].live) {
            int64_t micro = work_price(w, (int)i).micro;
            sum += micro > 0 ? micro : unknown;
        }
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        const struct work_fleet *y = &w->fleet[f];
        int64_t unit, open_milli = i64_max(0, y->target * 1000 - y->live_milli);
        sum += (open_milli + y->weight_min_milli - 1) / y->weight_min_milli * fleet_price(w, (int)f, &unit);
    }
    return sum;
}

static int64_t limit_of(const struct work *w)
{
    int64_t sum = 0;
    if (w->p->max_usd_micro > 0)
        return w->p->max_usd_micro;
    if (w->s->dearest_usd_micro > 0)
        return 2 * w->s->dearest_usd_micro;
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        int64_t unit;
        (void)fleet_price(w, (int)f, &unit);
        if (w->fleet[f].policy && unit == 0)
            return 0;  // no price, no limit
        sum += w->fleet[f].policy ? w->fleet[f].policy->max * unit : 0;
    }
    return sum;
}

void spend_init(struct work *w)
{
    w->cost_micro = cost_now(w);
    w->cost_limit_micro = limit_of(w);
}

int64_t spend_room(const struct work *w, int fleet)
{
    int64_t unit, each = fleet_price(w, fleet, &unit);
    if (w->cost_limit_micro == 0 || each == 0)
        return INT64_MAX;
    return i64_max(0, w->cost_limit_micro - w->cost_micro) / each;
}

const char *spend_fact(struct work *w)
{
    char cost[32], limit[32];
    return explain_text(w, "%s of %s an hour", format_usd(w->cost_micro, cost), format_usd(w->cost_limit_micro, limit));
}

void spend_alert(struct work *w)
{
    if (w->cost_limit_micro == 0)
        return;
    const char *what = explain_text(w, "The cluster costs %s", spend_fact(w));
    if (w->cost_micro > w->cost_limit_micro)
        alert_raise(w, ALERT_COST_OVER, w->s->cluster, what, NULL);
    else if (w->cost_micro * 100 >= w->cost_limit_micro * NEAR_PERCENT)
        alert_raise(w, ALERT_COST_NEAR, w->s->cluster, what, NULL);
}

// On demand by its on-demand price, else by either.
static void find_unpriced(const struct work *w, bool *ret)
{
    for (size_t i = 0; i < w->s->instance_count; i++)
        if (w->s->instances[i].fleet >= 0 && w->inst[i].live && w->inst[i].type >= 0 && work_price(w, (int)i).micro == 0)
            ret[w->inst[i].type] = true;
    for (size_t f = 0; f < w->s->fleet_count; f++)
        for (size_t k = 0; k < w->s->fleets[f].pool_count; k++) {
            int type = w->s->fleets[f].pools[k].type;
            if (type >= 0 && type_price(&w->s->types[type], true) == 0)
                ret[type] = true;
        }
}

void spend_explain(struct work *w)
{
    char usd[32];
    int64_t dearest = spend_dearest(w);
    bool *unpriced = arena_array(w->a, bool, w->s->type_count + 1);
    const char *names = "";
    size_t count = 0;
    find_unpriced(w, unpriced);
    for (size_t k = 0; k < w->s->type_count; k++)
        if (unpriced[k] && count++ < TOLD_TYPES)
            names = explain_text(w, "%s%s%s", names, count > 1 ? ", " : "", w->s->types[k].name);
    if (count == 0 || (dearest == 0 && w->p->max_usd_micro == 0))
        return;
    if (count > TOLD_TYPES)
        names = explain_text(w, "%s and %zu more", names, count - TOLD_TYPES);
    explain_verdict(w, (struct verdict){.kind = CANDIDATE_CLUSTER, .code = VERDICT_UNKNOWN, .target = explain_text(w, "%s prices", w->s->cluster),
                                        .fact = explain_text(w, "no price is known of %s", names),
                                        .verdict = dearest > 0 ? explain_text(w, "each counts as the dearest known, %s an hour", format_usd(dearest, usd))
                                                               : "max_usd_per_hour cannot hold anything"});
}
