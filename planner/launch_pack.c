#include "planner/launch_pack.h"

#include <assert.h>
#include <string.h>

#include "planner/pool_memory.h"

static double value_of(const struct work *w, const struct pack_task *tasks, size_t n)
{
    double sum = 0;
    for (size_t k = 0; k < n; k++)
        sum += tasks[k].placed * res_share(work_shape(w, tasks[k].shape)->need, w->reference);
    return sum;
}

double launch_cost_of(const struct work *w, const struct pool *x, double tasks)
{
    double restarts = tasks * x->interruptions_per_hour * (double)w->p->task_restart_usd_micro;
    return x->usd_micro > 0 ? pool_price(x) + restarts : 1e6 * res_share(x->room, w->reference);
}

double launch_placed_of(const struct pack_task *tasks, size_t n)
{
    double sum = 0;
    for (size_t k = 0; k < n; k++)
        sum += tasks[k].placed;
    return sum;
}

// The pool that holds most for its money, tried with all that is left.
static const struct pool *best_pool(struct work *w, const struct pool *pools, size_t pool_count, struct pack_task *left, size_t n, int64_t limit,
                                    int64_t *ret_used)
{
    const struct pool *best = NULL;
    double best_score = 0;
    for (size_t p = 0; p < pool_count; p++) {
        int64_t used = packing_count(w, left, n, &pools[p], limit);
        double each = used > 0 ? launch_placed_of(left, n) / (double)used : 0;
        double score = used > 0 ? value_of(w, left, n) / ((double)used * launch_cost_of(w, &pools[p], each)) : 0;
        if (used > 0 && (!best || score > best_score)) {
            best = &pools[p];
            best_score = score;
            *ret_used = used;
        }
    }
    return best;
}

static void merge(struct launch_group *to, const struct launch_group *g, size_t n)
{
    to->count += g->count;
    for (size_t k = 0; k < n; k++)
        to->tasks[k].placed += g->tasks[k].placed;
}

static size_t pack_up_to(struct work *w, const struct pool *pools, size_t pool_count, const struct pack_task *tasks, size_t n, int64_t limit,
                          struct launch_group *ret)
{
    size_t count = 0;
    struct pack_task *left = arena_array(w->a, struct pack_task, n + 1);
    memcpy(left, tasks, n * sizeof *left);
    while (count < LAUNCH_GROUPS_MAX && limit > 0) {
        int64_t used = 0;
        const struct pool *x = best_pool(w, pools, pool_count, left, n, limit, &used);
        if (!x)
            break;
        struct launch_group *g = &ret[count];
        g->pool = x;
        g->count = packing_count(w, left, n, x, used == 1 || count + 1 == LAUNCH_GROUPS_MAX ? used : used - 1);
        g->tasks = arena_array(w->a, struct pack_task, n + 1);
        memcpy(g->tasks, left, n * sizeof *left);
        for (size_t k = 0; k < n; k++)
            left[k].count -= left[k].placed;
        assert(g->count > 0 && g->count <= limit);
        limit -= g->count;
        if (count > 0 && ret[count - 1].pool == x)
            merge(&ret[count - 1], g, n);
        else
            count++;
    }
    return count;
}

static int64_t instances_in(const struct launch_group *groups, size_t count)
{
    int64_t sum = 0;
    for (size_t g = 0; g < count; g++)
        sum += groups[g].count;
    return sum;
}

// The limit has no say in which types where all is within it: so few instances of a small one are full, and look the better for it.
size_t launch_pack_groups(struct work *w, const struct pool *pools, size_t pool_count, const struct pack_task *tasks, size_t n, int64_t limit,
                          struct launch_group *ret)
{
    size_t count = pack_up_to(w, pools, pool_count, tasks, n, INT32_MAX, ret);
    return instances_in(ret, count) <= limit ? count : pack_up_to(w, pools, pool_count, tasks, n, limit, ret);
}

int64_t launch_pack(struct work *w, const struct pool *pools, size_t pool_count, struct pack_task *tasks, size_t n, int64_t limit)
{
    struct launch_group groups[LAUNCH_GROUPS_MAX];
    size_t count = launch_pack_groups(w, pools, pool_count, tasks, n, limit, groups);
    for (size_t k = 0; k < n; k++) {
        tasks[k].placed = 0;
        for (size_t g = 0; g < count; g++)
            tasks[k].placed += groups[g].tasks[k].placed;
    }
    return instances_in(groups, count);
}
