// Placement as the ECS guide documents it: resources and ports, then attributes and constraints, then strategies one after the
// other, each narrowing what the one before left; among equals by chance.
#include "planner/sim/placement.h"

#include <string.h>

#include "planner/sim/world_internal.h"

// ---- one instance --------------------------------------------------------------------------------------------------------------
static bool agent_port(const struct world_port *p)
{
    return !p->udp && (p->host == 22 || p->host == 2375 || p->host == 2376 || (p->host >= 51678 && p->host <= 51680));
}

static bool port_taken(const struct world *w, const struct world_instance *i, const struct world_taskdef *d)
{
    for (int b = 0; b < d->port_count; b++)
        if (agent_port(&d->ports[b]))
            return true;
    for (int n = d->port_count > 0 ? i->first_task : -1; n >= 0; n = w->tasks[n].next_of_instance) {
        const struct world_taskdef *other = &w->taskdefs[w->tasks[n].taskdef];
        for (int a = 0; task_wanted(&w->tasks[n]) && a < other->port_count; a++)
            for (int b = 0; b < d->port_count; b++)
                if (other->ports[a].host == d->ports[b].host && other->ports[a].udp == d->ports[b].udp)
                    return true;
    }
    return false;
}

static enum world_place room(const struct world *w, const struct world_ask *ask, const struct world_instance *i)
{
    static const enum world_place lacks[RES_COUNT] = {[RES_CPU] = WPLACE_CPU, [RES_MEMORY] = WPLACE_MEMORY, [RES_GPU] = WPLACE_GPU, [RES_ENI] = WPLACE_ENI};
    static const enum res_kind order[] = {RES_CPU, RES_MEMORY, RES_COUNT, RES_GPU, RES_ENI};  // RES_COUNT: the ports
    for (size_t k = 0; k < ARRAY_LEN(order); k++) {
        if (order[k] == RES_COUNT && port_taken(w, i, &w->taskdefs[ask->taskdef]))
            return WPLACE_PORTS;
        if (order[k] != RES_COUNT && ask->need.v[order[k]] > 0 && ask->need.v[order[k]] > i->remaining.v[order[k]])
            return lacks[order[k]];
    }
    return WPLACE_OK;
}

static bool has_required(const struct world *w, const struct world_taskdef *d, int instance)
{
    for (int k = 0; k < d->require_count; k++) {
        const char *value = world_attribute(w, instance, d->requires[k].name);
        if (!value || (*d->requires[k].value && strcmp(value, d->requires[k].value)))
            return false;
    }
    return true;
}

static bool in_subnets(const struct world *w, const struct world_ask *ask, int instance)
{
    if (ask->need.v[RES_ENI] == 0 || ask->rules->subnet_count == 0)
        return true;
    const struct world_subnet *mine = &w->subnets[w->instances[instance].subnet];
    for (int k = 0; k < ask->rules->subnet_count; k++) {
        const struct world_subnet *s = &w->subnets[ask->rules->subnets[k]];
        if (s->zone == mine->zone && !strcmp(s->vpc, mine->vpc))
            return true;
    }
    return false;
}

static bool is_member(const struct world *w, const struct world_ask *ask, int instance)
{
    const struct world_taskdef *d = &w->taskdefs[ask->taskdef];
    for (int k = 0; k < d->member_of_count; k++)
        if (!world_query_matches(w, instance, d->queries[k]))
            return false;
    for (int k = 0; k < ask->rules->member_of_count; k++)
        if (!world_query_matches(w, instance, ask->rules->queries[k]))
            return false;
    return true;
}

// Whether t is one of those whom the next task is spread among and kept apart from.
static bool is_kin(const struct world_ask *ask, const struct world_task *t)
{
    if (!task_wanted(t) || t->instance < 0)
        return false;
    return ask->service >= 0 ? t->service == ask->service : t->service < 0 && t->cluster == ask->cluster && !strcmp(t->group, ask->group);
}

static bool holds_kin(const struct world *w, const struct world_ask *ask, const struct world_instance *i)
{
    for (int n = i->first_task; n >= 0; n = w->tasks[n].next_of_instance)
        if (is_kin(ask, &w->tasks[n]))
            return true;
    return false;
}

static enum world_place allowed(const struct world *w, const struct world_ask *ask, int instance)
{
    if (!has_required(w, &w->taskdefs[ask->taskdef], instance))
        return WPLACE_ATTRIBUTE;
    if (!in_subnets(w, ask, instance))
        return WPLACE_LOCATION;
    return is_member(w, ask, instance) ? WPLACE_OK : WPLACE_MEMBER_OF;
}

static bool considered(const struct world *w, const struct world_ask *ask, int instance)
{
    const struct world_instance *i = &w->instances[instance];
    return i->used && i->cluster == ask->cluster && i->status.now == WE_ACTIVE && (ask->provider < 0 || i->provider == ask->provider);
}

enum world_place world_place_of(const struct world *w, const struct world_ask *ask, int instance)
{
    const struct world_instance *i = &w->instances[instance];
    if (!considered(w, ask, instance))
        return WPLACE_NOT_ACTIVE;
    if (!i->agent_connected)
        return WPLACE_AGENT;
    enum world_place p = room(w, ask, i);
    if (p == WPLACE_OK)
        p = allowed(w, ask, instance);
    if (p == WPLACE_OK && ask->rules->distinct_instance && holds_kin(w, ask, i))
        p = WPLACE_DISTINCT;
    return p;
}

bool world_admits(const struct world *w, const struct world_ask *ask, int instance)
{
    return (ask->provider < 0 || w->instances[instance].provider == ask->provider) && allowed(w, ask, instance) == WPLACE_OK;
}

enum world_place placement_has_room(const struct world *w, const struct world_ask *ask, int instance)
{
    const struct world_instance *i = &w->instances[instance];
    if (i->status.now != WE_ACTIVE && i->status.now != WE_DRAINING)
        return WPLACE_NOT_ACTIVE;
    return i->agent_connected ? room(w, ask, i) : WPLACE_AGENT;
}

int world_closest(const struct world *w, const struct world_ask *ask, enum world_place *ret_why)
{
    int best = -1;
    for (size_t i = 0; i < w->instance_count; i++) {
        enum world_place p = world_place_of(w, ask, (int)i);
        if (p == WPLACE_NOT_ACTIVE)
            continue;
        bool roomier = best >= 0 && p == *ret_why && w->instances[i].remaining.v[RES_CPU] > w->instances[best].remaining.v[RES_CPU];
        if (best < 0 || p > *ret_why || roomier) {
            best = (int)i;
            *ret_why = p;
        }
    }
    return best;
}

const char *world_place_reason(enum world_place p)
{
    static const char *const reasons[WPLACE_COUNT] = {
        [WPLACE_NOT_ACTIVE] = "INACTIVE", [WPLACE_AGENT] = "AGENT", [WPLACE_CPU] = "RESOURCE:CPU", [WPLACE_MEMORY] = "RESOURCE:MEMORY",
        [WPLACE_PORTS] = "RESOURCE:PORTS", [WPLACE_GPU] = "RESOURCE:GPU", [WPLACE_ENI] = "RESOURCE:ENI", [WPLACE_ATTRIBUTE] = "ATTRIBUTE",
        [WPLACE_LOCATION] = "LOCATION", [WPLACE_MEMBER_OF] = "MemberOf placement constraint unsatisfied.",
        [WPLACE_DISTINCT] = "DistinctInstance placement constraint unsatisfied.", [WPLACE_OK] = ""};
    return reasons[p];
}

// ---- strategies ----------------------------------------------------------------------------------------------------------------
struct field {
    const struct world *w;
    const struct world_ask *ask;
    struct arena *arena;
    int32_t *kin;       // tasks of the service or group, by instance
    int *candidates;
    int count;
};

// The whole list of tasks is long, the service's is not.
static void count_kin(struct field *f)
{
    const struct world *w = f->w;
    f->kin = arena_array(f->arena, int32_t, w->instance_count + 1);
    if (f->ask->service >= 0) {
        for (int n = w->services[f->ask->service].first_task; n >= 0; n = w->tasks[n].next_of_service)
            if (is_kin(f->ask, &w->tasks[n]))
                f->kin[w->tasks[n].instance]++;
        return;
    }
    for (size_t n = 0; n < w->task_count; n++)
        if (is_kin(f->ask, &w->tasks[n]))
            f->kin[w->tasks[n].instance]++;
}

// The value by which an instance is grouped; NULL: it lacks the attribute.
static const char *group_value(const struct world *w, const struct world_strategy *s, int instance)
{
    const struct world_pool *p = &w->pools[w->instances[instance].pool];
    if (s->kind == WS_SPREAD_ZONE)
        return w->zones[p->zone];
    return s->kind == WS_SPREAD_TYPE ? w->types[p->type].name : world_attribute(w, instance, s->attribute);
}

static bool same_group(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

// Scores by spread: tasks in the group of each candidate. Few groups, so a list of those seen will do.
static void score_by_group(struct field *f, const struct world_strategy *s, int64_t *scores)
{
    const struct world *w = f->w;
    const char **values = arena_array(f->arena, const char *, (size_t)f->count + 1);
    int64_t *sums = arena_array(f->arena, int64_t, (size_t)f->count + 1);
    int *group_of = arena_array(f->arena, int, (size_t)f->count + 1), groups = 0;
    for (int c = 0; c < f->count; c++) {
        const char *v = group_value(w, s, f->candidates[c]);
        int g = 0;
        while (g < groups && !same_group(values[g], v))
            g++;
        if (g == groups)
            values[groups++] = v;
        group_of[c] = g;
    }
    for (size_t i = 0; i < w->instance_count; i++) {
        if (f->kin[i] == 0 || w->instances[i].cluster != f->ask->cluster)
            continue;
        const char *v = group_value(w, s, (int)i);
        for (int g = 0; g < groups; g++)
            if (same_group(values[g], v))
                sums[g] += f->kin[i];
    }
    for (int c = 0; c < f->count; c++)
        scores[c] = sums[group_of[c]];
}

static void score(struct field *f, const struct world_strategy *s, int64_t *scores)
{
    switch (s->kind) {
    case WS_SPREAD_ZONE:
    case WS_SPREAD_TYPE:
    case WS_SPREAD_ATTRIBUTE:
        score_by_group(f, s, scores);
        return;
    case WS_SPREAD_INSTANCE:
    case WS_BINPACK_CPU:
    case WS_BINPACK_MEMORY:
    case WS_RANDOM:
        break;
    }
    for (int c = 0; c < f->count; c++) {
        int i = f->candidates[c];
        scores[c] = s->kind == WS_SPREAD_INSTANCE  ? f->kin[i]
                    : s->kind == WS_BINPACK_CPU    ? f->w->instances[i].remaining.v[RES_CPU]
                    : s->kind == WS_BINPACK_MEMORY ? f->w->instances[i].remaining.v[RES_MEMORY]
                                                   : 0;
    }
}

static void narrow(struct field *f, const struct world_strategy *s)
{
    int64_t *scores = arena_array(f->arena, int64_t, (size_t)f->count + 1), best = INT64_MAX;
    score(f, s, scores);
    for (int c = 0; c < f->count; c++)
        best = scores[c] < best ? scores[c] : best;
    int kept = 0;
    for (int c = 0; c < f->count; c++)
        if (scores[c] == best)
            f->candidates[kept++] = f->candidates[c];
    f->count = kept;
}

static const struct world_strategy spread_zones = {.kind = WS_SPREAD_ZONE};

size_t world_places(const struct world *w, const struct world_ask *ask, struct arena *a, int **ret)
{
    struct field f = {.w = w, .ask = ask, .arena = a, .candidates = arena_array(a, int, w->instance_count + 1)};
    for (size_t i = 0; i < w->instance_count; i++)
        if (world_place_of(w, ask, (int)i) == WPLACE_OK)
            f.candidates[f.count++] = (int)i;
    bool by_default = ask->service >= 0 && ask->rules->strategy_count == 0;
    if (f.count > 1 && (by_default || ask->rules->strategy_count > 0))
        count_kin(&f);
    for (int k = 0; k < ask->rules->strategy_count && f.count > 1; k++)
        narrow(&f, &ask->rules->strategies[k]);
    if (by_default && f.count > 1)
        narrow(&f, &spread_zones);
    *ret = f.candidates;
    return (size_t)f.count;
}

int placement_choose(struct world *w, const struct world_ask *ask)
{
    int *places;
    arena_reset(&w->placing_room);
    size_t n = world_places(w, ask, &w->placing_room, &places);
    return n == 0 ? -1 : n == 1 ? places[0] : places[rng_below(&w->placing, n)];
}

// ---- the next task of a service ------------------------------------------------------------------------------------------------
// The provider whose turn it is: first bases that are not reached, then the one that lags most behind its weight.
static int next_provider(const struct world *w, int service, const struct world_rules *r)
{
    int64_t have[WORLD_SHARES] = {0};
    for (int n = w->services[service].first_task; n >= 0; n = w->tasks[n].next_of_service)
        for (int k = 0; task_wanted(&w->tasks[n]) && k < r->share_count; k++)
            have[k] += w->tasks[n].provider == r->shares[k].provider;
    for (int k = 0; k < r->share_count; k++)
        if (have[k] < r->shares[k].base)
            return r->shares[k].provider;
    int best = -1;
    for (int k = 0; k < r->share_count; k++) {
        const struct world_share *s = &r->shares[k];
        if (s->weight <= 0)
            continue;
        int64_t over = have[k] - s->base + 1;  // with the next one; over / weight is compared without dividing
        if (best < 0 || over * r->shares[best].weight < (have[best] - r->shares[best].base + 1) * s->weight)
            best = k;
    }
    return best < 0 ? -1 : r->shares[best].provider;
}

void world_ask_service(const struct world *w, int service, struct world_ask *ret)
{
    const struct world_service *s = &w->services[service];
    int taskdef = world_service_taskdef(s);
    *ret = (struct world_ask){.cluster = s->cluster, .taskdef = taskdef, .service = service, .rules = &s->rules,
                              .provider = s->rules.share_count > 0 ? next_provider(w, service, &s->rules) : -1,
                              .need = w->taskdefs[taskdef].need};
    snprintf(ret->group, sizeof ret->group, "service:%s", s->name);
}
