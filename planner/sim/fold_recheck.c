// What the daemon reads again right before it destroys: by the time an action's turn comes, those before it have changed the world.
#include <string.h>

#include "planner/model/wanted.h"
#include "planner/sim/fold_internal.h"
#include "planner/sim/group_internal.h"

static bool is_empty(const struct world *w, const struct fold_sight *sight, const struct world_instance *i)
{
    for (int t = i->first_task; t >= 0; t = w->tasks[t].next_of_instance) {
        const struct world_task *x = &w->tasks[t];
        int64_t at_ms = fold_seen(sight, SOURCE_TASKS, x->serial);
        if (x->used && x->created_ms <= at_ms && world_seen(&x->last, at_ms) != WT_STOPPED && !task_daemon(w, x))
            return false;
    }
    return true;
}

static bool is_unprotected(const struct world *w, const struct world_instance *i)
{
    for (int t = i->first_task; t >= 0; t = w->tasks[t].next_of_instance)
        if (task_wanted(&w->tasks[t]) && w->tasks[t].protected_until_ms > w->now_ms)
            return false;
    return true;
}

static bool has_no_more(const struct world *w, const struct fold_sight *sight, const struct world_instance *i, const struct snapshot *s, const struct instance *x)
{
    for (int t = i->first_task; t >= 0; t = w->tasks[t].next_of_instance) {
        int32_t n = 0;
        if (task_daemon(w, &w->tasks[t]))
            continue;
        for (int k = i->first_task; k >= 0; k = w->tasks[k].next_of_instance)
            n += w->tasks[k].service == w->tasks[t].service && w->tasks[k].created_ms <= fold_seen(sight, SOURCE_TASKS, w->tasks[k].serial) && task_wanted(&w->tasks[k]);
        if (n > (w->tasks[t].service < 0 ? 0 : snapshot_tasks_on(s, x, w->services[w->tasks[t].service].name)))
            return false;
    }
    return true;
}

static bool instance_is_so(const struct world *w, const struct fold_sight *sight, int n, unsigned recheck)
{
    const struct world_instance *i = &w->instances[n];
    int64_t ecs_ms = fold_seen(sight, SOURCE_CONTAINER_INSTANCES, i->serial), status = world_seen(&i->status, ecs_ms);
    bool registered = i->registered_ms <= ecs_ms && status >= WE_REGISTERING && status <= WE_DEREGISTERING;
    if ((recheck & RECHECK_EMPTY) && !is_empty(w, sight, i))
        return false;
    if ((recheck & RECHECK_PROTECTION) && !is_unprotected(w, i))
        return false;
    if ((recheck & RECHECK_DRAINING) && (status != WE_DRAINING || !world_tag_value(i->tags, i->tag_count, "masu:drain")))
        return false;
    if ((recheck & RECHECK_UNREGISTERED) && registered)
        return false;
    return !(recheck & RECHECK_ENDED) || world_seen(&i->state, fold_seen(sight, SOURCE_EC2_INSTANCES, i->serial)) == WL_TERMINATED;
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

static bool fleet_is_so(const struct world *w, const struct fold_sight *sight, int fleet, const struct snapshot *s, const struct action *a)
{
    const struct world_fleet *f = &w->fleets[fleet];
    const char *owner = world_tag_value(f->tags, f->tag_count, "masu:owner"), *ours = a->kind == ACTION_CLAIM ? a->value : s->owner;
    if ((a->recheck & RECHECK_OWNER) && owner && *owner && strcmp(owner, ours))
        return false;
    int64_t at_ms = fold_seen(sight, SOURCE_FLEETS, (uint64_t)fleet);
    if ((a->recheck & RECHECK_RAISE) && sight->sources[SOURCE_FLEETS].state == SOURCE_OK && world_seen(&f->target, at_ms) > a->capacity)
        return false;
    return !(a->recheck & RECHECK_FLEET_ACTIVE) || (world_seen(&f->state, at_ms) == WF_ACTIVE && world_seen(&f->target, at_ms) == a->target_before);
}

// What cannot be read again is not taken for granted.
static bool can_read(const struct fold_sight *sight, unsigned recheck)
{
    static const struct {
        unsigned recheck;
        enum source_kind source;
    } READS[] = {{RECHECK_EMPTY | RECHECK_PROTECTION | RECHECK_TASKS, SOURCE_TASKS}, {RECHECK_DRAINING | RECHECK_UNREGISTERED, SOURCE_CONTAINER_INSTANCES},
                 {RECHECK_DRAINING | RECHECK_ENDED, SOURCE_EC2_INSTANCES}, {RECHECK_FLEET_ACTIVE | RECHECK_OWNER | RECHECK_GROUP, SOURCE_FLEETS}};
    for (size_t k = 0; k < ARRAY_LEN(READS); k++)
        if ((recheck & READS[k].recheck) && sight->sources[READS[k].source].state != SOURCE_OK)
            return false;
    return true;
}

bool fold_recheck(const struct fold_cluster *c, const struct fold_sight *sight, const struct snapshot *s, const struct action *a)
{
    const struct world *w = c->w;
    int n = a->instance >= 0 ? world_find_instance(w, s->instances[a->instance].id) : -1, fleet = a->fleet >= 0 ? c->fleets[a->fleet].fleet : -1;
    bool of_instance = (a->recheck & ~(unsigned)(RECHECK_FLEET_ACTIVE | RECHECK_OWNER | RECHECK_RAISE)) != 0;
    if (!can_read(sight, a->recheck))
        return false;
    if (of_instance && n < 0)
        return a->recheck == RECHECK_ENDED;  // EC2 does not know it any more
    if (of_instance && !instance_is_so(w, sight, n, a->recheck))
        return false;
    if ((a->recheck & RECHECK_TASKS) && !has_no_more(w, sight, &w->instances[n], s, &s->instances[a->instance]))
        return false;
    if ((a->recheck & RECHECK_GROUP) && !group_lets_go(w, fleet, n, a))
        return false;
    return fleet < 0 || fleet_is_so(w, sight, fleet, s, a);
}
