// Placement as the ECS guide documents it: resources and ports, then constraints, then strategies one after the other, each
// narrowing what the one before left; among equals by chance.
#include <string.h>

#include "planner/sim/world_internal.h"

static bool port_taken(const struct world *w, const struct world_instance *i, const struct world_taskdef *d)
{
    if (d->port_count == 0)
        return false;
    for (int n = i->first_task; n >= 0; n = w->tasks[n].next_of_instance) {
        const struct world_taskdef *other = &w->taskdefs[w->tasks[n].taskdef];
        for (int a = 0; task_wanted(&w->tasks[n]) && a < other->port_count; a++)
            for (int b = 0; b < d->port_count; b++)
                if (other->ports[a] == d->ports[b])
                    return true;
    }
    return false;
}

static bool holds_service(const struct world *w, const struct world_instance *i, int service)
{
    for (int n = i->first_task; n >= 0; n = w->tasks[n].next_of_instance)
        if (w->tasks[n].service == service && task_wanted(&w->tasks[n]))
            return true;
    return false;
}

bool world_fits(const struct world *w, int service, int taskdef, int instance)
{
    const struct world_instance *i = &w->instances[instance];
    const struct world_taskdef *d = &w->taskdefs[taskdef];
    if (!i->used || i->status.now != WE_ACTIVE || !i->agent_connected)
        return false;
    if (!res_fits(d->need, i->remaining) || port_taken(w, i, d))
        return false;
    return service < 0 || !w->services[service].distinct_instance || !holds_service(w, i, service);
}

// How many tasks of the same service (or, standalone, of the same family) each instance has, into w->scratch.
static void count_kin(struct world *w, int service, int cluster, int taskdef)
{
    if (w->scratch_cap < w->instance_cap) {
        w->scratch = arena_array(&w->arena, int32_t, w->instance_cap);
        w->scratch_cap = w->instance_cap;
    }
    memset(w->scratch, 0, w->instance_count * sizeof *w->scratch);
    if (service >= 0) {
        for (int n = w->services[service].first_task; n >= 0; n = w->tasks[n].next_of_service)
            if (task_wanted(&w->tasks[n]))
                w->scratch[w->tasks[n].instance]++;
        return;
    }
    for (size_t n = 0; n < w->task_count; n++) {
        const struct world_task *t = &w->tasks[n];
        if (task_wanted(t) && t->service < 0 && t->cluster == cluster && t->taskdef == taskdef)
            w->scratch[t->instance]++;
    }
}

// The group of an instance under a spread strategy: instances of one group count together.
static int group_of(const struct world *w, enum world_strategy_kind kind, int instance)
{
    const struct world_pool *p = &w->pools[w->instances[instance].pool];
    switch (kind) {
    case WS_SPREAD_ZONE:
        return p->zone;
    case WS_SPREAD_TYPE:
        return p->type;
    case WS_SPREAD_INSTANCE:
    case WS_BINPACK_CPU:
    case WS_BINPACK_MEMORY:
    case WS_RANDOM:
        break;
    }
    return instance;
}

static int64_t kin_of_group(const struct world *w, enum world_strategy_kind kind, int cluster, int instance)
{
    if (kind == WS_SPREAD_INSTANCE)
        return w->scratch[instance];
    int64_t sum = 0;
    int group = group_of(w, kind, instance);
    for (size_t i = 0; i < w->instance_count; i++)
        if (w->scratch[i] > 0 && w->instances[i].cluster == cluster && group_of(w, kind, (int)i) == group)
            sum += w->scratch[i];
    return sum;
}

static int64_t score(const struct world *w, enum world_strategy_kind kind, int cluster, int instance)
{
    switch (kind) {
    case WS_SPREAD_INSTANCE:
    case WS_SPREAD_ZONE:
    case WS_SPREAD_TYPE:
        return kin_of_group(w, kind, cluster, instance);
    case WS_BINPACK_CPU:
        return w->instances[instance].remaining.v[RES_CPU];
    case WS_BINPACK_MEMORY:
        return w->instances[instance].remaining.v[RES_MEMORY];
    case WS_RANDOM:
        break;
    }
    return 0;
}

int placement_choose(struct world *w, int service, int cluster, int taskdef)
{
    enum { MOST = 4096 };
    int candidates[MOST];
    int n = 0;
    for (size_t i = 0; i < w->instance_count && n < MOST; i++)
        if (w->instances[i].cluster == cluster && world_fits(w, service, taskdef, (int)i))
            candidates[n++] = (int)i;
    if (n <= 1)
        return n == 1 ? candidates[0] : -1;
    int strategies = service >= 0 ? w->services[service].strategy_count : 0;
    if (strategies > 0)
        count_kin(w, service, cluster, taskdef);
    for (int k = 0; k < strategies && n > 1; k++) {
        enum world_strategy_kind kind = w->services[service].strategies[k];
        int64_t best = INT64_MAX, scores[MOST];
        for (int c = 0; c < n; c++) {
            scores[c] = score(w, kind, cluster, candidates[c]);
            best = scores[c] < best ? scores[c] : best;
        }
        int kept = 0;
        for (int c = 0; c < n; c++)
            if (scores[c] == best)
                candidates[kept++] = candidates[c];
        n = kept;
    }
    return candidates[rng_below(&w->placing, (uint64_t)n)];
}
