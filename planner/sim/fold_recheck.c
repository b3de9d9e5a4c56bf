// What the daemon reads again right before it destroys: by the time an action's turn comes, those before it have changed the world.
#include <string.h>

#include "planner/sim/fold_internal.h"
#include "planner/sim/group_internal.h"

static bool is_empty(const struct world *w, const struct world_instance *i)
{
    for (int t = i->first_task; t >= 0; t = w->tasks[t].next_of_instance)
        if (task_alive(&w->tasks[t]) && !task_daemon(w, &w->tasks[t]))
            return false;
    return true;
}

static bool is_unprotected(const struct world *w, const struct world_instance *i)
{
    for (int t = i->first_task; t >= 0; t = w->tasks[t].next_of_instance)
        if (task_wanted(&w->tasks[t]) && w->tasks[t].protected_until_ms > w->now_ms)
            return false;
    return true;
}

static bool instance_is_so(const struct world *w, int n, unsigned recheck)
{
    const struct world_instance *i = &w->instances[n];
    bool registered = i->status.now >= WE_REGISTERING && i->status.now <= WE_DEREGISTERING;
    if ((recheck & RECHECK_EMPTY) && !is_empty(w, i))
        return false;
    if ((recheck & RECHECK_PROTECTION) && !is_unprotected(w, i))
        return false;
    if ((recheck & RECHECK_DRAINING) && (i->status.now != WE_DRAINING || !world_tag_value(i->tags, i->tag_count, "masu:drain")))
        return false;
    if ((recheck & RECHECK_UNREGISTERED) && registered)
        return false;
    return !(recheck & RECHECK_ENDED) || i->state.now == WL_TERMINATED;
}

// Whether AZRebalance would answer the loss of the member with the end of another.
static bool would_rebalance(const struct world *w, int fleet, int n)
{
    bool unprotected = false;
    for (size_t k = 0; k < w->instance_count; k++) {
        const struct world_instance *i = &w->instances[k];
        unprotected |= i->used && i->fleet == fleet && (int)k != n && i->member.state.now == WM_IN_SERVICE && !i->member.protected;
    }
    return !(w->groups[w->fleets[fleet].group].suspended >> WP_AZ_REBALANCE & 1) && unprotected && group_zone_gap(w, fleet, n) > 1;
}

static bool group_lets_go(const struct world *w, int fleet, int n, const struct action *a)
{
    const struct world_fleet *f = &w->fleets[fleet];
    const struct world_group *g = &w->groups[f->group];
    const struct world_instance *i = &w->instances[n];
    return g->refresh != WR_PENDING && g->refresh != WR_IN_PROGRESS && i->member.state.now == WM_IN_SERVICE && !g->deleting &&
           f->wanted == a->target_before && f->wanted - (i->weight_milli + 999) / 1000 >= g->min && !(g->suspended >> WP_TERMINATE & 1) &&
           !would_rebalance(w, fleet, n);
}

static bool fleet_is_so(const struct world *w, int fleet, const struct snapshot *s, const struct action *a)
{
    const struct world_fleet *f = &w->fleets[fleet];
    const char *owner = world_tag_value(f->tags, f->tag_count, "masu:owner"), *ours = a->kind == ACTION_CLAIM ? a->value : s->owner;
    if ((a->recheck & RECHECK_OWNER) && owner && *owner && strcmp(owner, ours))
        return false;
    return !(a->recheck & RECHECK_FLEET_ACTIVE) || (f->state.now == WF_ACTIVE && f->target.now == a->target_before);
}

bool fold_recheck(const struct fold_cluster *c, const struct snapshot *s, const struct action *a)
{
    const struct world *w = c->w;
    int n = a->instance >= 0 ? world_find_instance(w, s->instances[a->instance].id) : -1, fleet = a->fleet >= 0 ? c->fleets[a->fleet].fleet : -1;
    bool of_instance = (a->recheck & ~(unsigned)(RECHECK_FLEET_ACTIVE | RECHECK_OWNER)) != 0;
    if (of_instance && n < 0)
        return a->recheck == RECHECK_ENDED;  // EC2 does not know it any more
    if (of_instance && !instance_is_so(w, n, a->recheck))
        return false;
    if ((a->recheck & RECHECK_GROUP) && !group_lets_go(w, fleet, n, a))
        return false;
    return fleet < 0 || fleet_is_so(w, fleet, s, a);
}
