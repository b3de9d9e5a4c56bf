#include "planner/spend.h"

#include "base/parse.h"
#include "planner/alert.h"
#include "planner/explain.h"

#define NEAR_PERCENT 80

static int64_t type_price(const struct instance_type *t, bool spot)
{
    return spot && t->spot_usd_micro > 0 ? t->spot_usd_micro : t->on_demand_usd_micro;
}

static int64_t dearest(const struct work *w)
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
    return most > 0 ? most : dearest(w);
}

static int64_t cost_now(const struct work *w)
{
    int64_t sum = 0, unknown = dearest(w);
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
