// V21: who waits for a place has capacity there, or on its way, as long as a fleet may grow and the market gives.
//
// Judged where it is plain: a service that is not in deployment, a need that was seen for `serve_ms` by a daemon which nothing hindered, no
// instance that ECS could place the task on, nothing that boots or is ordered, and a maintained fleet below its max with a member that holds it.
#include <string.h>

#include "planner/sim/instant.h"
#include "planner/sim/invariants_internal.h"
#include "planner/sim/placement.h"

static bool boots(const struct world_view *v, int cluster)
{
    for (int n = 0; n < v->instance_count; n++) {
        const struct world_instance *i = &v->instances[n];
        if (i->used && i->cluster == cluster && i->state.now <= WL_RUNNING && (i->status.now == WE_NONE || i->status.now == WE_REGISTERING))
            return true;
    }
    return false;
}

// Orders that the fleet has not launched, and what it replaces by itself.
static bool is_ordered(const struct world_view *v, int cluster)
{
    for (int f = 0; f < v->fleet_count; f++)
        if (v->fleets[f].cluster == cluster && v->fleets[f].state.now <= WF_MODIFYING && !v->fleets[f].instant && v->fleets[f].fulfilled_milli < v->fleets[f].wanted * 1000)
            return true;
    return false;
}

// A pool from which the fleet gets a member that has room for the need beside the agent and daemons (an eighth is left for these).
static bool market_gives(const struct world_view *v, const struct world_fleet *f, const struct res *need)
{
    for (int o = 0; o < f->override_count; o++)
        for (int p = 0; p < v->pool_count; p++) {
            const struct world_type *t = &v->types[v->pools[p].type];
            if (v->pools[p].type == f->overrides[o].type && (f->overrides[o].zone < 0 || f->overrides[o].zone == v->pools[p].zone) &&
                v->pools[p].depth > 0 && v->pools[p].shortage_until_ms <= v->now_ms && need->v[RES_CPU] <= (int64_t)t->vcpus * 1024 * 7 / 8 &&
                need->v[RES_MEMORY] <= t->memory_mib * 7 / 8 && need->v[RES_GPU] <= t->gpus)
                return true;
        }
    return false;
}

static bool another_holds(const struct invariants *inv, const struct world_fleet *f)
{
    const char *owner = world_tag_value(f->tags, f->tag_count, "masu:owner");
    return world_tag_value(f->tags, f->tag_count, "masu:mode") || (owner && strcmp(owner, inv->o.owner) != 0);
}

static int64_t largest(const struct world_fleet *f)
{
    int64_t most = 0;
    for (int o = 0; o < f->override_count; o++)
        most = f->overrides[o].weight_milli > most ? f->overrides[o].weight_milli : most;
    return (most + 999) / 1000;
}

static bool may_grow(const struct invariants *inv, const struct world_view *v, int fleet, const struct res *need)
{
    const struct world_fleet *f = &v->fleets[fleet];
    const struct world_template *t = f->template >= 0 ? &v->templates[f->template] : NULL;
    bool launches = f->group < 0 || !(v->groups[f->group].suspended >> WP_LAUNCH & 1);
    return f->maintain && !f->instant && f->state.now == WF_ACTIVE && inv->fleets[fleet].bounded && f->wanted + largest(f) <= inv->fleets[fleet].max && launches &&
           !f->stuck && f->activity != WA_ERROR && !(t && t->never_registers) && !another_holds(inv, f) && market_gives(v, f, need);
}

static bool could_be_served(const struct invariants *inv, const struct world_view *v, int cluster, const struct res *need)
{
    for (int f = 0; f < v->fleet_count; f++)
        if (v->fleets[f].cluster == cluster && may_grow(inv, v, f, need))
            return true;
    return false;
}

static bool waits_in_vain(struct invariants *inv, const struct world_view *v, int service)
{
    const struct world_service *s = &v->services[service];
    if (s->daemon || moment_in_deployment(s, v->now_ms) || inv_missing_of(v, service, v->now_ms) == 0 || boots(v, s->cluster) || is_ordered(v, s->cluster))
        return false;
    struct world_ask ask;
    world_ask_service(inv->w, service, &ask);
    if (!could_be_served(inv, v, s->cluster, &ask.need))
        return false;
    for (int n = 0; n < v->instance_count; n++)
        if (world_place_of(inv->w, &ask, n) == WPLACE_OK)
            return false;
    return true;
}

void inv_served_slow(struct invariants *inv, const struct world_view *v)
{
    bool judged = inv->o.serve_ms > 0 && v->now_ms >= inv->silent_until_ms && !inv->o.dry_run;
    for (int s = 0; s < v->service_count; s++) {
        struct inv_service *x = &inv->services[s];
        int64_t life_ms = inv_life_ms(inv, v->services[s].cluster);
        if (!judged || life_ms == 0 || !waits_in_vain(inv, v, s)) {
            x->waits_ms = 0;
            x->waits_told = false;
            continue;
        }
        x->waits_ms = x->waits_ms > 0 ? x->waits_ms : v->now_ms;
        int64_t since_ms = x->waits_ms > inv->hindered_ms ? x->waits_ms : inv->hindered_ms;
        since_ms = life_ms > since_ms ? life_ms : since_ms;
        if (v->now_ms - since_ms < inv->o.serve_ms || x->waits_told)
            continue;
        x->waits_told = true;
        inv_tell(inv, V21, "%s lacks %" PRId64 " of %d tasks for %" PRId64 " s: no instance can take one, none boots or is ordered", v->services[s].name,
                 inv_missing_of(v, s, v->now_ms), v->services[s].desired, (v->now_ms - since_ms) / 1000);
    }
}
