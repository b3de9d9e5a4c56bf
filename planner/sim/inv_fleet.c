// V3, V4, V18, V23: targets.
#include "planner/sim/invariants_internal.h"

// Of a target with an on-demand part each part is fulfilled by itself: what one has above its part is none of the other's.
struct parts {
    int64_t spot_milli, on_demand_milli;
};

static int64_t on_demand_counted(struct parts x, int64_t part)
{
    return part > 0 && x.on_demand_milli > part * 1000 ? part * 1000 : x.on_demand_milli;
}

// What of the target is covered, when neither part covers for the other.
static int64_t covered_milli(const struct world_fleet *f, struct parts x)
{
    int64_t part = f->wanted_on_demand, spot = (f->wanted - part) * 1000;
    return on_demand_counted(x, part) + (part > 0 && x.spot_milli > spot ? spot : x.spot_milli);
}

// With capacity rebalancing a fleet counts no member at risk.
static bool forgotten(const struct world_view *v, const struct world_instance *i)
{
    return i->rebalance_ms > 0 && i->fleet >= 0 && v->fleets[i->fleet].rebalance != WREB_OFF;
}

// Σ weights of the members that count at that moment, without those that ours drains or that are doomed.
static struct parts kept_weight(const struct world_view *v, int fleet, int64_t at_ms)
{
    struct parts sum = {0, 0};
    for (int n = 0; n < v->instance_count; n++) {
        const struct world_instance *i = &v->instances[n];
        if (!i->used || i->fleet != fleet || i->created_ms > at_ms || world_seen(&i->state, at_ms) > WL_RUNNING || forgotten(v, i))
            continue;
        if (!inv_drained_by_ours(i) && !(i->notice_ms > 0 && i->notice_ms <= at_ms))
            *(i->spot ? &sum.spot_milli : &sum.on_demand_milli) += i->weight_milli;
    }
    return sum;
}

static int64_t kept_sum(const struct world_view *v, int fleet, int64_t at_ms, int64_t part)
{
    struct parts x = kept_weight(v, fleet, at_ms);
    return (x.spot_milli + on_demand_counted(x, part)) / 1000;
}

static int64_t doomed_weight(const struct world_view *v, int fleet)
{
    int64_t sum = 0;
    for (int n = 0; n < v->instance_count; n++) {
        const struct world_instance *i = &v->instances[n];
        if (i->used && i->fleet == fleet && i->notice_ms > 0 && i->state.now <= WL_RUNNING)
            sum += i->weight_milli;
    }
    return sum;
}

void inv_before_modify(struct invariants *inv, const struct world_view *v, const struct world_call *c)
{
    if (c->fleet < 0 || c->fleet >= v->fleet_count)
        return;
    const struct world_fleet *f = &v->fleets[c->fleet];
    const struct inv_fleet *x = &inv->fleets[c->fleet];
    if (c->excess != WX_NO_TERMINATION)
        inv_tell(inv, V3, "target of %s: sent without noTermination", f->id);
    if (c->target < 0)
        return;
    inv_judge_growth(inv, v, c);
    inv_judge_need(inv, v, c);
    int64_t keep = INT64_MAX, part = c->on_demand >= 0 ? c->on_demand : f->wanted_on_demand;
    for (int k = 0; inv_moments(inv, v->now_ms, k) >= 0; k++) {
        int64_t then = kept_sum(v, c->fleet, inv_moments(inv, v->now_ms, k), part);
        keep = then < keep ? then : keep;
    }
    if (c->target < keep)
        inv_tell(inv, V4, "target of %s: %" PRId64 " is less than %" PRId64 ", the sum of what stays", f->id, c->target, keep);
    if (!x->bounded)
        return;
    int64_t doomed = (doomed_weight(v, c->fleet) + 999) / 1000;
    if (c->target > x->max + doomed && c->target > f->wanted)
        inv_tell(inv, V18, "target of %s: %" PRId64 " goes from %" PRId64 " further above max %" PRId64, f->id, c->target, f->wanted, x->max);
    if (c->target < x->min && c->target < f->wanted)
        inv_tell(inv, V18, "target of %s: %" PRId64 " goes from %" PRId64 " further below min %" PRId64, f->id, c->target, f->wanted, x->min);
}

void inv_after_modify(struct invariants *inv, const struct world_view *v, const struct world_call *c)
{
    struct inv_fleet *x = &inv->fleets[c->fleet];
    const struct world_fleet *f = &v->fleets[c->fleet];
    x->orders = f->wanted - covered_milli(f, kept_weight(v, c->fleet, v->now_ms)) / 1000;
    x->modified_ms = v->now_ms;
}

// V3: an instance ended by id while the target still asks for it is replaced by the fleet.
static void judge_end(struct invariants *inv, const struct world_view *v, const struct world_call *c, int fleet)
{
    const struct inv_fleet *x = &inv->fleets[fleet];
    if (!v->fleets[fleet].maintain || v->fleets[fleet].state.now >= WF_CANCELLED_RUNNING)
        return;  // it replaces nothing
    struct parts left = {0, 0};
    int64_t fresh = 0, lost = 0;
    bool counted = false;
    for (int k = 0; k < c->instance_count; k++)
        counted |= !forgotten(v, &v->instances[c->instances[k]]);
    if (!counted)
        return;  // they are replaced already
    for (int n = 0; n < v->instance_count; n++) {
        const struct world_instance *i = &v->instances[n];
        if (!i->used || i->fleet != fleet)
            continue;
        bool named = false;
        for (int k = 0; k < c->instance_count; k++)
            named |= c->instances[k] == n;
        bool here = i->state.now <= WL_RUNNING && !forgotten(v, i);
        *(i->spot ? &left.spot_milli : &left.on_demand_milli) += here && !named ? i->weight_milli : 0;
        fresh += here && i->created_ms > x->modified_ms ? i->weight_milli : 0;
        lost += i->ended_ms > x->modified_ms && i->ended_by != WORLD_OURS ? i->weight_milli : 0;
    }
    int64_t others = covered_milli(&v->fleets[fleet], left), orders = x->orders * 1000 - fresh;
    orders = (orders > 0 ? orders : 0) + lost;
    int64_t wanted = v->fleets[fleet].wanted * 1000;
    if (wanted > others + orders)
        inv_tell(inv, V3, "end of a member of %s: target %" PRId64 " asks for more than the %" PRId64 " of the others: it will be replaced",
                 v->fleets[fleet].id, wanted / 1000, others / 1000);
}

void inv_before_terminate(struct invariants *inv, const struct world_view *v, const struct world_call *c)
{
    for (int f = 0; f < v->fleet_count; f++) {
        bool member = false;
        for (int k = 0; k < c->instance_count; k++) {
            int n = c->instances[k];
            member |= n >= 0 && n < v->instance_count && v->instances[n].used && v->instances[n].fleet == f &&
                      v->instances[n].state.now <= WL_RUNNING && v->instances[n].status.now != WE_NONE;
        }
        if (member && v->fleets[f].maintain && v->fleets[f].state.now <= WF_MODIFYING)
            judge_end(inv, v, c, f);
    }
}

// When something last moved in the fleet; INT64_MAX: something moves now.
static int64_t last_move_ms(const struct world_view *v, int fleet)
{
    const struct world_fleet *f = &v->fleets[fleet];
    if (f->state.now != WF_ACTIVE || f->open_milli > 0)
        return INT64_MAX;
    int64_t last_ms = f->state.changed_ms > f->target.changed_ms ? f->state.changed_ms : f->target.changed_ms;  // a group has no state for it
    for (int n = 0; n < v->instance_count; n++) {
        const struct world_instance *i = &v->instances[n];
        if (!i->used || i->fleet != fleet)
            continue;
        bool here = i->state.now <= WL_RUNNING;
        if (here && (i->status.now != WE_ACTIVE || i->notice_ms > 0))
            return INT64_MAX;
        int64_t moved_ms = here ? i->status.changed_ms : i->ended_ms;
        last_ms = moved_ms > last_ms ? moved_ms : last_ms;
    }
    return last_ms;
}

// Of each part by itself, where there are two.
static struct parts fulfilled(const struct world_view *v, int fleet)
{
    struct parts sum = {0, 0};
    for (int n = 0; n < v->instance_count; n++) {
        const struct world_instance *i = &v->instances[n];
        if (i->used && i->fleet == fleet && i->state.now <= WL_RUNNING)
            *(i->spot ? &sum.spot_milli : &sum.on_demand_milli) += i->weight_milli;
    }
    return sum;
}

static int64_t i64_later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void inv_fleet_slow(struct invariants *inv, const struct world_view *v)
{
    for (int n = 0; n < v->fleet_count; n++) {
        const struct world_fleet *f = &v->fleets[n];
        struct inv_fleet *x = &inv->fleets[n];
        bool cannot = f->group >= 0 && v->groups[f->group].suspended >> WP_LAUNCH & 1;
        if (f->modified_by != WORLD_OURS || f->activity == WA_ERROR)
            continue;
        int64_t moved_ms = i64_later(last_move_ms(v, n), inv->hindered_ms), largest = 0, part = f->group >= 0 ? 0 : f->wanted_on_demand;
        if (moved_ms == INT64_MAX || v->now_ms - moved_ms < inv->o.rest_ms || x->rest_told_ms > moved_ms)
            continue;
        for (int o = 0; o < f->override_count; o++)
            largest = f->overrides[o].weight_milli > largest ? f->overrides[o].weight_milli : largest;
        struct parts has = part > 0 ? fulfilled(v, n) : (struct parts){f->fulfilled_milli, 0};
        int64_t spot = (f->wanted - part) * 1000;
        bool above = has.spot_milli >= spot + largest || (part > 0 && has.on_demand_milli >= part * 1000 + largest);
        bool below = (has.spot_milli < spot || has.on_demand_milli < part * 1000) && !cannot;
        if (!above && !below)
            continue;
        x->rest_told_ms = v->now_ms;
        if (part > 0)
            inv_tell(inv, V23, "%s at rest: target %" PRId64 ", of it on demand %" PRId64 "; members weigh %" PRId64 "/1000 on spot, %" PRId64 "/1000 on demand",
                     f->id, f->wanted, part, has.spot_milli, has.on_demand_milli);
        else
            inv_tell(inv, V23, "%s at rest: target %" PRId64 ", members weigh %" PRId64 "/1000", f->id, f->wanted, f->fulfilled_milli);
    }
}
