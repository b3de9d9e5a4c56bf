// V3, V9, V16, V18 where the fleet is an Auto Scaling group.
#include <string.h>

#include "planner/sim/group.h"
#include "planner/sim/invariants_internal.h"

static const struct world_group *group_at(const struct world_view *v, int fleet)
{
    return fleet >= 0 && fleet < v->fleet_count && v->fleets[fleet].group >= 0 ? &v->groups[v->fleets[fleet].group] : NULL;
}

void inv_before_foreign(struct invariants *inv, const struct world_view *v, int fleet, const char *what)
{
    const struct world_group *g = group_at(v, fleet);
    if (!g)
        return;
    if (g->policy_count > 0)
        inv_tell(inv, V16, "%s of %s: its scaling policy %s moves it", what, v->fleets[fleet].id, g->policies[0].name);
    for (int p = 0; p < v->provider_count; p++)
        if (v->providers[p].managed && v->providers[p].group == fleet + 1)
            inv_tell(inv, V16, "%s of %s: capacity provider %s scales it", what, v->fleets[fleet].id, v->providers[p].name);
}

void inv_before_desired(struct invariants *inv, const struct world_view *v, const struct world_call *c)
{
    const struct world_group *g = group_at(v, c->fleet);
    if (!g)
        return;
    const struct world_fleet *f = &v->fleets[c->fleet];
    const struct inv_fleet *x = &inv->fleets[c->fleet];
    inv_before_write(inv, v, c->fleet, "desired capacity");
    if (c->target < f->wanted)
        inv_tell(inv, V3, "desired capacity of %s: %" PRId64 " is less than %" PRId64 ": the group would choose a victim", f->id, c->target, f->wanted);
    inv_judge_growth(inv, v, c);
    inv_judge_need(inv, v, c);
    if (x->bounded && c->target > x->max && c->target > f->wanted)
        inv_tell(inv, V18, "desired capacity of %s: %" PRId64 " goes from %" PRId64 " further above max %" PRId64, f->id, c->target, f->wanted, x->max);
}

// Whether AZRebalance would end another member after this one has left, by what was true then.
static bool may_rebalance(const struct world_view *v, int without, int64_t at_ms)
{
    int fleet = v->instances[without].fleet, count[16] = {0}, most = 0, least = INT32_MAX;
    bool used[16] = {false}, unprotected = false;
    const struct world_fleet *f = &v->fleets[fleet];
    for (int z = 0; z < v->zone_count; z++)
        for (int o = 0; o < f->override_count; o++)
            used[z] |= f->overrides[o].zone < 0 || f->overrides[o].zone == z;
    for (int n = 0; n < v->instance_count; n++) {
        const struct world_instance *i = &v->instances[n];
        if (!i->used || i->fleet != fleet || n == without || world_seen(&i->member.state, at_ms) != WM_IN_SERVICE)
            continue;
        count[v->pools[i->pool].zone]++;
        unprotected |= !i->member.protected;
    }
    for (int z = 0; z < v->zone_count; z++) {
        most = used[z] && count[z] > most ? count[z] : most;
        least = used[z] && count[z] < least ? count[z] : least;
    }
    return unprotected && least != INT32_MAX && most - least > 1;
}

void inv_before_group_end(struct invariants *inv, const struct world_view *v, const struct world_call *c)
{
    const struct world_group *g = group_at(v, c->fleet);
    if (!g || c->instance < 0)
        return;
    inv_before_write(inv, v, c->fleet, "end of a member");
    if (v->instances[c->instance].status.now == WE_NONE) {
        struct world_call reap = *c;
        reap.instances = &c->instance;
        reap.instance_count = 1;
        inv_before_reap(inv, v, &reap);
    }
    if (c->target == 0 || g->suspended >> WP_AZ_REBALANCE & 1 || v->instances[c->instance].member.state.now != WM_IN_SERVICE)
        return;
    for (int k = 0; inv_moments(inv, v->now_ms, k) >= 0; k++)
        if (!may_rebalance(v, c->instance, inv_moments(inv, v->now_ms, k)))
            return;
    inv_tell(inv, V3, "end of %s with decrement: zones of %s are then further apart than 1, and AZRebalance may end another",
             v->instances[c->instance].id, v->fleets[c->fleet].id);
}
