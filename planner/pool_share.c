#include "planner/pool_share.h"

#include <assert.h>
#include <string.h>

#include "planner/alert.h"
#include "planner/explain.h"
#include "planner/packing.h"

#define TOLD_AFTER_MS (10 * 60 * 1000LL)  // ECS spreads by and by; what is uneven for so long stays so

struct share_pool {
    const char *type, *zone;
};

struct pool_shares {
    struct share_pool *pools;
    size_t count, cap;
    int32_t *tasks;    // spot, by service and pool
    int32_t *allowed;  // by service
};

static int find(const struct pool_shares *x, const char *type, const char *zone)
{
    for (size_t k = 0; k < x->count; k++)
        if (strcmp(x->pools[k].type, type) == 0 && strcmp(x->pools[k].zone, zone) == 0)
            return (int)k;
    return -1;
}

// Interrupted instances are lost already, and drained ones leave: what stays counts.
static bool counts(const struct work *w, size_t i)
{
    const struct instance *x = &w->s->instances[i];
    return x->spot && x->type[0] && x->zone[0] && x->notice_ms == 0 && w->inst[i].role <= ROLE_UNREACHABLE;
}

static void find_pools(struct work *w, struct pool_shares *x, int *pool_of)
{
    int last = -1;
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *in = &w->s->instances[i];
        pool_of[i] = -1;
        if (!counts(w, i))
            continue;
        bool same = last >= 0 && strcmp(x->pools[last].type, in->type) == 0 && strcmp(x->pools[last].zone, in->zone) == 0;
        last = same ? last : find(x, in->type, in->zone);
        if (last < 0) {
            x->pools = arena_grow(w->a, x->pools, x->count, &x->cap, sizeof *x->pools);
            last = (int)x->count;
            x->pools[x->count++] = (struct share_pool){in->type, in->zone};
        }
        pool_of[i] = last;
    }
}

void pool_share_init(struct work *w)
{
    if (w->p->pool_share_percent <= 0)
        return;
    struct pool_shares *x = arena_new(w->a, struct pool_shares);
    int *pool_of = arena_array(w->a, int, w->s->instance_count + 1);
    *x = (struct pool_shares){0};
    find_pools(w, x, pool_of);
    x->tasks = arena_array(w->a, int32_t, w->s->service_count * x->count + 1);
    x->allowed = arena_array(w->a, int32_t, w->s->service_count + 1);
    for (size_t s = 0; s < w->s->service_count; s++) {
        int64_t desired = w->s->services[s].desired;
        x->allowed[s] = (int32_t)i64_max(1, (desired * w->p->pool_share_percent + 99) / 100);
    }
    for (size_t i = 0; i < w->s->instance_count; i++)
        for (size_t k = 0; pool_of[i] >= 0 && k < w->s->instances[i].holding_count; k++) {
            const struct holding *h = &w->s->instances[i].holdings[k];
            if (h->service >= 0)
                x->tasks[(size_t)h->service * x->count + (size_t)pool_of[i]] += h->running + h->pending;
        }
    w->shares = x;
}

bool pool_share_full(const struct work *w, int service, const char *type, const char *zone)
{
    const struct pool_shares *x = w->shares;
    if (!x || service < 0 || w->s->services[service].kind == SERVICE_DAEMON)
        return false;
    assert((size_t)service < w->s->service_count);
    int k = find(x, type, zone);
    return k >= 0 && x->tasks[(size_t)service * x->count + (size_t)k] >= x->allowed[service];
}

bool pool_share_taken(const struct work *w, const struct pack_task *tasks, size_t n, const char *type, const char *zone)
{
    for (size_t k = 0; w->shares && k < n; k++)
        if (tasks[k].placed > 0 && pool_share_full(w, tasks[k].service, type, zone))
            return true;
    return false;
}

bool pool_share_crowded(const struct work *w, int fleet, const struct pack_task *tasks, size_t n)
{
    const struct fleet *f = &w->s->fleets[fleet];
    bool any = false;
    for (size_t k = 0; w->shares && k < f->pool_count; k++) {
        if (f->pools[k].subnet_full)
            continue;
        for (size_t t = 0; t < n; t++)
            if (!pool_share_full(w, tasks[t].service, f->pools[k].type_name, f->pools[k].zone))
                return false;
        any = n > 0;
    }
    return any;
}

void pool_share_watch(struct work *w)
{
    const struct pool_shares *x = w->shares;
    for (size_t s = 0; x && s < w->s->service_count; s++) {
        const struct service *service = &w->s->services[s];
        const int32_t *tasks = &x->tasks[s * x->count];
        size_t most = 0;
        for (size_t k = 0; k < x->count; k++)
            most = tasks[k] > tasks[most] ? k : most;
        if (service->kind == SERVICE_DAEMON || service->desired < 2 || x->count == 0 || tasks[most] <= x->allowed[s])
            continue;
        alert_raise_after(w, ALERT_POOL_SHARE, service->name, TOLD_AFTER_MS,
                          explain_text(w, "%d of %d tasks of %s, %d %%, run on spot instances of %s in %s; pool_share_percent is %" PRId64, tasks[most],
                                       service->desired, service->name, (int)((int64_t)tasks[most] * 100 / service->desired), x->pools[most].type,
                                       x->pools[most].zone, w->p->pool_share_percent),
                          NULL);
    }
}
