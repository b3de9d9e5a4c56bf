#include "planner/pools.h"

#include <assert.h>
#include <string.h>

#include "planner/work.h"

static bool same_pool(const struct work *w, const struct pool *a, const struct pool *b)
{
    return a->type == b->type && a->weight_milli == b->weight_milli && memcmp(a->fits, b->fits, w->kinds.rule_count) == 0;
}

static const struct policy_fleet *policy_of(const struct work *w, size_t fleet)
{
    return policy_fleet_find(w->p, fleet_name(&w->s->fleets[fleet]));
}

static bool is_batch(const struct work *w, size_t fleet)
{
    const struct policy_fleet *p = policy_of(w, fleet);
    return p && p->role == FLEET_ROLE_BATCH;
}

bool pools_share_gpus(const struct work *w, size_t fleet)
{
    const struct policy_fleet *p = policy_of(w, fleet);
    return p && p->gpus_shared;
}

// What some fleet that is no batch pool may run, whatever the size: a batch pool is not grown for it. A fleet whose pools are not
// known may run anything.
static void mark_general(struct work *w, size_t fleet)
{
    const struct fleet *x = &w->s->fleets[fleet];
    for (size_t k = 0; k < w->s->shape_count; k++) {
        bool may = x->pool_count == 0;
        for (size_t n = 0; n < x->pool_count && !may; n++)
            may = w->kinds.classes[w->kinds.pool_class[fleet][n]].fits[w->kinds.rule_of[k]] != FIT_NO;
        w->pools[k].general = w->pools[k].general || may;
    }
}

struct pool pools_of(const struct work *w, size_t f, size_t k)
{
    const struct fleet_pool *p = &w->s->fleets[f].pools[k];
    const struct kind_class *c = &w->kinds.classes[w->kinds.pool_class[f][k]];
    struct pool pool = {.type = p->type, .weight_milli = p->weight_milli, .fits = c->fits, .gpu = c->gpu, .gpu_only = c->gpu && !pools_share_gpus(w, f), .provider = w->kinds.fleet_provider[f],
                        .usd_micro = p->spot_usd_micro > 0 ? p->spot_usd_micro : p->type < 0 ? 0 : w->s->types[p->type].spot_usd_micro};
    pool.sized = p->type >= 0 && !res_is_zero(instance_type_capacity(&w->s->types[p->type]));
    pool.room = p->type >= 0 ? w->fresh[p->type] : (struct res){{0}};
    pool.small_room = small_of(pool.room);
    return pool;
}

void pools_init(struct work *w)
{
    bool any_batch = false;
    for (size_t f = 0; f < w->s->fleet_count; f++)
        any_batch = any_batch || is_batch(w, f);
    for (size_t f = 0; f < w->s->fleet_count && any_batch; f++)
        if (!is_batch(w, f))
            mark_general(w, f);
    w->fleet_pools = arena_array(w->a, struct pool_list, w->s->fleet_count + 1);
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        const struct fleet *x = &w->s->fleets[f];
        struct pool_list *list = &w->fleet_pools[f];
        list->v = arena_array(w->a, struct pool, x->pool_count + 1);
        bool batch = any_batch && is_batch(w, f);
        for (size_t k = 0; k < x->pool_count; k++) {
            const struct fleet_pool *p = &x->pools[k];
            struct pool pool = pools_of(w, f, k);
            pool.batch = batch;
            bool there = p->subnet_full || x->no_launch;  // out of stock, for us
            for (size_t m = 0; m < list->count && !there; m++)
                there = same_pool(w, &list->v[m], &pool);
            if (!there)
                list->v[list->count++] = pool;
        }
    }
}

bool pools_size_known(const struct work *w, const struct pool *x)
{
    (void)w;
    return !res_is_zero(x->room);
}

// By what is reserved, in a view by use too: ECS places by that. What is used, or not known to be, makes no need one that no instance cures (F4).
static inline enum fit hold(const struct work *w, const struct pool *x, int shape)
{
    const struct shape_facts *need = &w->facts[shape];
    enum fit fit = (enum fit)x->fits[w->kinds.rule_of[shape]];
    assert(fit != FIT_ASK);
    if (fit == FIT_NO || !need->anywhere || (x->batch && w->pools[shape].general) || (x->gpu_only && work_shape(w, shape)->need.v[RES_GPU] == 0))
        return FIT_NO;
    if (!x->sized)
        return FIT_MAYBE;
    return small_fits(need->reserved_need, x->small_room) && (small_exact(need->reserved_need) || res_fits(need->reserved->need, x->room)) ? fit : FIT_NO;
}

enum fit pools_hold(const struct work *w, const struct pool *x, int shape)
{
    return hold(w, x, shape);
}

bool pools_serve(const struct work *w, const struct pool *x, int shape)
{
    bool waste = x->gpu && work_shape(w, shape)->need.v[RES_GPU] == 0 && w->pools[shape].plain;
    return !waste && pools_size_known(w, x) && hold(w, x, shape) == FIT_YES;
}

static void mark(const struct work *w, const struct pool *x, int shape, struct shape_pools *y)
{
    bool known = pools_size_known(w, x);
    enum fit fit = hold(w, x, shape);
    y->sure = y->sure || fit == FIT_YES;
    y->plain = y->plain || (fit == FIT_YES && !x->gpu);
    y->narrow = y->narrow || fit != FIT_YES;
    y->maybe = y->maybe || (fit == FIT_MAYBE && known);
    y->doubt = y->doubt || (fit == FIT_MAYBE && !known);
}

void pools_mark(struct work *w, size_t fleet)
{
    const struct pool_list *list = &w->fleet_pools[fleet];
    for (size_t n = 0; n < list->count; n++)
        for (size_t k = 0; k < w->s->shape_count; k++)
            mark(w, &list->v[n], (int)k, &w->pools[k]);
}

struct shape_pools pools_for(const struct work *w, int shape, int provider)
{
    if (provider == PROVIDER_ANY)
        return w->pools[shape];
    struct shape_pools ret = {.general = w->pools[shape].general};
    for (size_t f = 0; f < w->s->fleet_count && provider != PROVIDER_ABSENT; f++) {
        const struct pool_list *list = &w->fleet_pools[f];
        for (size_t n = 0; n < list->count && !w->fleet[f].closed; n++)
            if (list->v[n].provider == provider)
                mark(w, &list->v[n], shape, &ret);
    }
    return ret;
}
