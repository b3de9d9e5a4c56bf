#include "planner/packing.h"

#include <assert.h>

#include "planner/bins.h"
#include "planner/placement.h"

enum { PORTS_MAX = 6 };

// ---- equal bins -----------------------------------------------------------------------------------------------------------
// Bins with the same room left are kept as one: a fleet's new instances are alike until the last few.
struct group {
    struct res free;
    int64_t bins;
    int ports[PORTS_MAX], port_count;  // shapes on it that take host ports
};

enum { BLOCK = 16 };

struct groups {
    struct group *v;
    size_t n, cap;
    struct res *most;  // by BLOCK groups: no group of the block has more room in any component
    size_t most_cap;
    struct res least;  // of each component, what the smallest task needs
};

static const struct res nothing = {{-1, -1, -1, -1}};

// Bins that are too full for every task are looked at no more.
static struct res useful(const struct groups *g, struct res free)
{
    return res_fits(g->least, free) ? free : nothing;
}

// Bins like `like`, with `shape`'s tasks put on each when it is not -1.
static void groups_add(struct work *w, struct groups *g, const struct group *like, struct res free, int64_t bins, int shape)
{
    if (bins == 0 || !res_fits(g->least, free))
        return;
    assert(bins > 0);
    g->v = arena_grow(w->a, g->v, g->n, &g->cap, sizeof *g->v);
    if (g->n % BLOCK == 0) {
        g->most = arena_grow(w->a, g->most, g->n / BLOCK, &g->most_cap, sizeof *g->most);
        g->most[g->n / BLOCK] = nothing;
    }
    g->most[g->n / BLOCK] = res_max(g->most[g->n / BLOCK], free);
    struct group *x = &g->v[g->n++];
    *x = *like;
    x->free = free;
    x->bins = bins;
    if (shape >= 0 && work_shape(w, shape)->ports.count > 0)
        x->ports[x->port_count++] = shape;
}

static int64_t per_bin(const struct shape *x, struct res free)
{
    int64_t n = res_times(x->need, free);
    return x->distinct_instance || x->ports.count > 0 ? i64_min(n, 1) : n;
}

static int64_t per_group(const struct work *w, const struct group *g, const struct shape *x)
{
    for (int k = 0; k < g->port_count && x->ports.count > 0; k++)
        if (g->port_count == PORTS_MAX || port_sets_meet(x->ports, work_shape(w, g->ports[k])->ports))
            return 0;
    return per_bin(x, g->free);
}

// Puts up to `count` tasks into one group; returns what is left.
static int64_t fill_group(struct work *w, struct groups *g, size_t k, int shape, int64_t count)
{
    const struct shape *x = work_shape(w, shape);
    struct group was = g->v[k];
    int64_t each = per_group(w, &was, x);
    if (each <= 0)
        return count;
    int64_t full = i64_min(was.bins, count / each);
    int64_t rest = full < was.bins ? i64_min(count - full * each, each) : 0;
    assert(rest >= 0);
    if (full > 0) {
        g->v[k].free = useful(g, res_sub(was.free, res_scale(x->need, each)));
        g->v[k].bins = full;
        if (x->ports.count > 0)
            g->v[k].ports[g->v[k].port_count++] = shape;
        groups_add(w, g, &was, was.free, was.bins - full - (rest > 0), -1);
    } else {
        g->v[k].bins -= rest > 0;
        if (g->v[k].bins == 0)
            g->v[k].free = nothing;
    }
    if (rest > 0)
        groups_add(w, g, &was, res_sub(was.free, res_scale(x->need, rest)), 1, shape);
    return count - full * each - rest;
}

// Into the first `known` groups, in their order; a block that was looked at is known anew.
static int64_t fill_groups(struct work *w, struct groups *g, size_t known, int shape, int64_t count)
{
    struct res need = work_shape(w, shape)->need;
    for (size_t block = 0; block * BLOCK < known && count > 0; block++) {
        size_t end = (block + 1) * BLOCK;
        if (!res_fits(need, g->most[block]))
            continue;
        for (size_t k = block * BLOCK; k < end && k < known && count > 0; k++)
            if (res_fits(need, g->v[k].free))
                count = fill_group(w, g, k, shape, count);
        struct res most = nothing;
        for (size_t k = block * BLOCK; k < end && k < g->n; k++)
            most = res_max(most, g->v[k].free);
        g->most[block] = most;
    }
    assert(count >= 0);
    return count;
}

static int64_t open_bins(struct work *w, struct groups *g, int shape, struct res room, int64_t count, int64_t allowed)
{
    const struct group fresh = {.bins = 0};
    const struct shape *x = work_shape(w, shape);
    int64_t each = per_bin(x, room);
    if (each <= 0 || count == 0)
        return 0;
    int64_t bins = i64_min((count + each - 1) / each, allowed);
    if (bins <= 0)
        return 0;
    int64_t last = i64_min(count - (bins - 1) * each, each);
    groups_add(w, g, &fresh, res_sub(room, res_scale(x->need, each)), bins - 1, shape);
    groups_add(w, g, &fresh, res_sub(room, res_scale(x->need, last)), 1, shape);
    return bins;
}

struct order_key {
    bool first;
    size_t index;
    double size;
    int service;
};

static int by_key(const void *a, const void *b)
{
    const struct order_key *x = a, *y = b;
    if (x->first != y->first)
        return x->first ? -1 : 1;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return x->service != y->service ? x->service - y->service : (x->index > y->index) - (x->index < y->index);
}

bool packing_takes(const struct work *w, const struct pool *pool, const struct pack_task *t)
{
    if (t->provider != PROVIDER_ANY && t->provider != pool->provider)
        return false;
    if (pools_serve(w, pool, t->shape))
        return true;
    return t->probe && pools_size_known(w, pool) && pools_hold(w, pool, t->shape) == FIT_MAYBE;
}

int64_t packing_count(struct work *w, struct pack_task *tasks, size_t n, const struct pool *pool, int64_t limit)
{
    struct res room = pool->room;
    struct order_key *order = arena_array(w->a, struct order_key, n + 1);
    struct groups g = {0};
    int64_t used = 0;
    for (size_t k = 0; k < n; k++) {
        tasks[k].placed = 0;
        g.least = k == 0 ? work_shape(w, tasks[k].shape)->need : res_min(g.least, work_shape(w, tasks[k].shape)->need);
        order[k] = (struct order_key){tasks[k].first, k, res_share(work_shape(w, tasks[k].shape)->need, room), tasks[k].service};
    }
    if (n > 1)
        qsort(order, n, sizeof *order, by_key);
    for (size_t k = 0; k < n; k++) {
        struct pack_task *t = &tasks[order[k].index];
        const struct shape *x = work_shape(w, t->shape);
        if (!packing_takes(w, pool, t))
            continue;
        int64_t left = fill_groups(w, &g, g.n, t->shape, t->count);
        int64_t opened = open_bins(w, &g, t->shape, room, left, limit - used);
        used += opened;
        t->placed = (int32_t)(t->count - i64_max(0, left - opened * per_bin(x, room)));
        assert(t->placed >= 0 && t->placed <= t->count);
    }
    assert(used <= i64_max(limit, 0));
    return used;
}

// ---- off one instance -----------------------------------------------------------------------------------------------------
struct moved {
    int service, shape, bin;
    int32_t count;
};
struct moves {
    struct moved *v;
    size_t n, cap;
    int provider;  // of the instance that they leave
};

static bool bin_has(const struct work *w, const struct pass *p, const struct moves *m, int bin, int service)
{
    const struct instance *x = &w->s->instances[bin];
    for (size_t k = 0; k < x->holding_count; k++)
        if (x->holdings[k].service == service && x->holdings[k].running + x->holdings[k].pending > 0)
            return true;
    for (int k = p->bin_head[bin]; k >= 0; k = p->planned[k].next_of_bin)
        if (p->planned[k].service == service)
            return true;
    for (size_t k = 0; k < m->n; k++)
        if (m->v[k].bin == bin && m->v[k].service == service)
            return true;
    return false;
}

static bool ports_moved_there(const struct work *w, const struct moves *m, int bin, const struct shape *x)
{
    for (size_t k = 0; k < m->n && x->ports.count > 0; k++)
        if (m->v[k].bin == bin && port_sets_meet(x->ports, work_shape(w, m->v[k].shape)->ports))
            return true;
    return false;
}

// Tasks of a service with a strategy go to an instance of the same provider: then its shares stay what they are.
static bool move_tasks(struct work *w, struct pass *p, int service, int shape, int64_t count, struct moves *m)
{
    const struct shape *x = work_shape(w, shape);
    struct place_walk walk;
    int provider = w->s->services[service].provider_count == 0 ? PROVIDER_ANY : m->provider;
    placement_walk(w, p, shape, provider, false, &walk);
    for (int i = count > 0 ? placement_step(w, p, &walk) : -1; i >= 0 && count > 0; i = count > 0 ? placement_step(w, p, &walk) : -1) {
        if (x->distinct_instance && bin_has(w, p, m, i, service))
            continue;
        if (placement_ports_clash(w, p, shape, i) || ports_moved_there(w, m, i, x))
            continue;
        int64_t many = i64_min(count, per_bin(x, p->free[i]));
        assert(many > 0);
        p->free[i] = res_sub(p->free[i], res_scale(x->need, many));
        bins_trial(p, true);
        m->v = arena_grow(w->a, m->v, m->n, &m->cap, sizeof *m->v);
        m->v[m->n++] = (struct moved){service, shape, i, (int32_t)many};
        count -= many;
    }
    return count == 0;
}

static bool move_all(struct work *w, struct pass *p, int instance, struct moves *m)
{
    const struct instance *x = &w->s->instances[instance];
    for (size_t k = 0; k < x->holding_count; k++) {
        const struct holding *h = &x->holdings[k];
        if (h->service < 0 || work_is_daemon(w, h->service) || h->running + h->pending == 0)
            continue;
        if (!work_shape_known(w, h->shape) ||
            !move_tasks(w, p, h->service, h->shape, (int64_t)h->running + h->pending, m))
            return false;
    }
    for (int k = p->bin_head[instance]; k >= 0; k = p->planned[k].next_of_bin)
        if (!move_tasks(w, p, p->planned[k].service, p->planned[k].shape, p->planned[k].count, m))
            return false;
    return true;
}

bool packing_moves_off(struct work *w, struct pass *p, int instance, bool keep)
{
    struct moves m = {.provider = w->kinds.v[w->kinds.kind_of[instance]].provider};
    assert(p->takes[instance] == TAKES_NOW);
    p->takes[instance] = TAKES_NONE;
    bool ok = move_all(w, p, instance, &m);
    for (size_t k = m.n; k-- > 0;)
        p->free[m.v[k].bin] = res_add(p->free[m.v[k].bin], res_scale(work_shape(w, m.v[k].shape)->need, m.v[k].count));
    bins_trial(p, false);
    if (!ok || !keep) {
        p->takes[instance] = TAKES_NOW;
        return ok;
    }
    bins_touch(w, p, instance);
    for (size_t k = 0; k < m.n; k++)
        placement_put(w, p, m.v[k].service, m.v[k].shape, m.v[k].bin, m.v[k].count);
    return true;
}

bool packing_proves(struct work *w, const struct pass *base, struct pass *ret)
{
    work_roles(w);
    placement_pass(w, (struct pass_options){.all_movable = true, .now_only = true}, ret);
    assert(ret->unplaced == ret->unplaced_now);
    return ret->unplaced == 0 && ret->hopeless <= base->hopeless;
}
