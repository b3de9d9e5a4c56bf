#include "planner/scale_out.h"

#include <assert.h>
#include <string.h>

#include "planner/breaker.h"
#include "planner/explain.h"
#include "planner/fallback.h"
#include "planner/launch.h"
#include "planner/launch_pack.h"
#include "planner/packing.h"
#include "planner/patience.h"
#include "planner/placement.h"
#include "planner/pool_memory.h"
#include "planner/pool_share.h"
#include "planner/quota.h"
#include "planner/runaway.h"
#include "planner/surge.h"

// ---- pools ----------------------------------------------------------------------------------------------------------------
struct order {
    bool exact;          // of an instant fleet: what is launched is ours to say
    struct pool *pools;  // distinct type and weight, usable
    size_t pool_count;
    uint64_t **served;   // by pool: see waiting_served
    struct pool *worst;  // of these, the ones that can decide: see keep_worst
    size_t worst_count;
    struct pack_task *tasks;  // given to this fleet
    size_t task_count;
    double price;        // of one fitting task an hour, when a fleet was last chosen: as fleet_price()
    const char *chosen;  // why this fleet was asked before others; NULL: there was no choice
};

static size_t usable_pools(struct work *w, size_t fleet, struct pool **ret)
{
    const struct pool_list *list = &w->fleet_pools[fleet];
    struct pool *v = arena_array(w->a, struct pool, list->count + 1);
    size_t n = 0;
    // Those out of stock are not launched from, so the order need not bear them, unless that is all there is.
    // An instant fleet is not asked for what it cannot give: the call would fail each time.
    bool exact = w->s->fleets[fleet].kind == FLEET_INSTANT, on_demand = exact && launch_on_demand(w, (int)fleet);
    for (int out = on_demand; out < (exact && !on_demand ? 1 : 2) && n == 0; out++)
        for (size_t k = 0; k < list->count; k++)
            if (pools_size_known(w, &list->v[k]) && (out || !list->v[k].out))
                v[n++] = list->v[k];
    *ret = v;
    return n;
}

// Which of the items that wait the pool is launched for, a bit each.
static uint64_t *waiting_served(struct work *w, const struct pool *x)
{
    uint64_t *bits = arena_array(w->a, uint64_t, w->now.item_count / 64 + 1);
    for (size_t k = 0; k < w->now.item_count; k++) {
        const struct item *it = &w->now.items[k];
        struct pack_task one = {.shape = it->shape, .provider = it->provider, .probe = it->probing};
        if (!it->hopeless && it->now + it->later < it->count && packing_takes(w, x, &one))
            bits[k / 64] |= UINT64_C(1) << (k % 64);
    }
    return bits;
}

// True if whatever fits n instances of `a` fits as many of `b`'s weight or more: then `a` never needs the higher target.
static bool no_worse(const struct work *w, const struct order *o, size_t a, size_t b)
{
    const struct pool *x = &o->pools[a], *y = &o->pools[b];
    struct res rx = w->fresh[x->type], ry = w->fresh[y->type];
    if (y->weight_milli < x->weight_milli)
        return false;
    for (int k = 0; k < RES_COUNT; k++)
        if (rx.v[k] < ry.v[k])
            return false;
    for (size_t k = 0; k <= w->now.item_count / 64; k++)
        if (o->served[a][k] & ~o->served[b][k])
            return false;
    return true;
}

// A fleet of forty types is decided by its few smallest.
static void keep_worst(struct work *w, struct order *o)
{
    o->worst = arena_array(w->a, struct pool, o->pool_count + 1);
    o->served = arena_array(w->a, uint64_t *, o->pool_count + 1);
    for (size_t k = 0; k < o->pool_count; k++)
        o->served[k] = waiting_served(w, &o->pools[k]);
    for (size_t k = 0; k < o->pool_count; k++) {
        bool decides = true;
        for (size_t m = 0; m < o->pool_count && decides; m++)
            decides = m == k || !no_worse(w, o, k, m) || (k < m && no_worse(w, o, m, k));
        if (decides)
            o->worst[o->worst_count++] = o->pools[k];
    }
    assert(o->worst_count > 0 || o->pool_count == 0);
}

int64_t scale_out_target(int64_t stay_milli, int64_t instances, int64_t weight_milli)
{
    assert(instances > 0);
    assert(weight_milli > 0);
    int64_t target = (stay_milli + (instances - 1) * weight_milli) / 1000 + 1;
    // The fleet stops launching when it has the target: one fewer of this weight must not reach it.
    assert(stay_milli + (instances - 1) * weight_milli < target * 1000);
    return target;
}

// What the fleet counts before it launches: the members that stay, and doomed ones that it has not dropped yet.
static int64_t counted_milli(const struct work_fleet *y)
{
    bool late = y->replaced;
    return y->stay_milli + (late ? 0 : y->doomed_milli);
}

// How many of each task fit whatever type the fleet picks when it grows to `target`.
static void absorb(struct work *w, const struct order *o, int64_t counted, int64_t target, struct pack_task *tasks, size_t n)
{
    if (o->exact) {
        launch_pack(w, o->pools, o->pool_count, tasks, n, i64_max(0, target - counted / 1000));
        return;
    }
    int32_t *least = arena_array(w->a, int32_t, n + 1);
    for (size_t k = 0; k < n; k++)
        least[k] = -1;
    for (size_t p = 0; p < o->worst_count; p++) {
        const struct pool *x = &o->worst[p];
        int64_t room_milli = i64_max(0, target * 1000 - counted);
        int64_t bins = (room_milli + x->weight_milli - 1) / x->weight_milli;
        packing_count(w, tasks, n, x, bins);
        for (size_t k = 0; k < n; k++)
            if (packing_takes(w, x, &tasks[k]))
                least[k] = least[k] < 0 ? tasks[k].placed : (int32_t)i64_min(least[k], tasks[k].placed);
    }
    for (size_t k = 0; k < n; k++)
        tasks[k].placed = least[k] < 0 ? 0 : least[k];
}

// Tasks of one service, headroom or not, are packed together.
static void give(struct work *w, struct order *o, const struct pack_task *t, int32_t count)
{
    if (count == 0)
        return;
    for (size_t k = 0; k < o->task_count; k++)
        if (o->tasks[k].service == t->service && o->tasks[k].shape == t->shape && o->tasks[k].provider == t->provider) {
            o->tasks[k].count += count;
            return;
        }
    assert(o->task_count < w->now.item_count);
    o->tasks[o->task_count] = *t;
    o->tasks[o->task_count++].count = count;
}

static size_t remaining(struct work *w, struct pack_task *v, bool headroom)
{
    size_t n = 0;
    for (size_t k = 0; k < w->now.item_count; k++) {
        const struct item *it = &w->now.items[k];
        int32_t left = it->count - it->now - it->later - it->open - it->ordered - it->capped - it->held;
        assert(left >= 0);
        if (left > 0 && !it->hopeless && it->headroom == headroom)
            v[n++] = (struct pack_task){.service = it->service, .shape = it->shape, .count = left, .item = (int)k, .provider = it->provider,
                                        .probe = it->probing};
    }
    return n;
}

// ---- which fleet ----------------------------------------------------------------------------------------------------------
// Expected price of one fitting task, over the pools with equal chance, with the restarts that their interruptions of late make likely; 0 when a price is not known, -1 when nothing fits.
static double fleet_price(struct work *w, const struct order *o, struct pack_task *tasks, size_t n)
{
    double sum = 0;
    size_t used = 0;
    bool known = true;
    if (w->s->fleet_count == 1) {  // no choice: only whether anything fits is asked
        for (size_t p = 0; p < o->worst_count; p++)
            for (size_t k = 0; k < n; k++)
                if (packing_takes(w, &o->worst[p], &tasks[k]))
                    return 0;
        return -1;
    }
    for (size_t p = 0; p < o->pool_count; p++) {
        const struct pool *x = &o->pools[p];
        int64_t bins = packing_count(w, tasks, n, x, INT32_MAX);
        int64_t placed = 0;
        for (size_t k = 0; k < n; k++)
            placed += tasks[k].placed;
        if (placed == 0)
            continue;
        known = known && x->usd_micro > 0;
        sum += (double)bins * pool_price(x) / (double)placed + x->interruptions_per_hour * (double)w->p->task_restart_usd_micro;
        used++;
    }
    if (used == 0)
        return -1;
    return known ? sum / (double)used : 0;
}

static const int GROWS[FLEET_ROLE_COUNT] = {[FLEET_ROLE_BASE] = 0, [FLEET_ROLE_SPOT] = 1, [FLEET_ROLE_BATCH] = 1, [FLEET_ROLE_BURST] = 2};

// Of the fleets not yet tried, the first by role, then the cheapest; the policy's order where a price is unknown. Fleets whose
// launches do not register, whose pools all failed lately, or have their share of the service already, come last.
static bool is_ill(struct work *w, size_t f, const struct pack_task *tasks, size_t n)
{
    return breaker_room(w, (int)f) != INT64_MAX || pool_memory_all_avoided(w, (int)f) || pool_share_crowded(w, (int)f, tasks, n);
}

static int next_fleet(struct work *w, struct order *orders, bool dry, const bool *tried, struct pack_task *tasks, size_t n)
{
    int best = -1;
    double best_price = 0;
    bool best_ill = false;
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        bool ill = is_ill(w, f, tasks, n);
        if (tried[f] || w->fleet[f].closed || fallback_dry(w, (int)f) != dry)
            continue;
        double price = orders[f].price = fleet_price(w, &orders[f], tasks, n);
        if (price < 0)
            continue;
        int order = best < 0 ? -1 : (ill - best_ill) * FLEET_ROLE_COUNT + GROWS[w->fleet[f].policy->role] - GROWS[w->fleet[best].policy->role];
        if (order < 0 || (order == 0 && price > 0 && best_price > 0 && price < best_price)) {
            best = (int)f;
            best_ill = ill;
            best_price = price;
        }
    }
    return best;
}

// Why the fleet was asked first of those that could take it: what decided against the nearest of the others.
static const char *choice_fact(struct work *w, const struct order *orders, bool dry, const bool *tried, int best,
                               const struct pack_task *tasks, size_t n)
{
    const char *fact = NULL;
    int rank = GROWS[w->fleet[best].policy->role];
    double next_price = 0;
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        if ((int)f == best || tried[f] || w->fleet[f].closed || fallback_dry(w, (int)f) != dry || orders[f].price < 0)
            continue;
        const char *id = w->s->fleets[f].id;
        bool worse_rank = GROWS[w->fleet[f].policy->role] > rank, priced = orders[f].price > 0 && orders[best].price > 0;
        if (is_ill(w, f, tasks, n) && !is_ill(w, (size_t)best, tasks, n))
            fact = fact ? fact : explain_text(w, pool_share_crowded(w, (int)f, tasks, n) ? "the pools of %s have their share of these" : "launches of %s fail", id);
        else if (worse_rank)
            fact = fact ? fact : explain_text(w, "%s serves as %s", id, policy_fleet_role_name(w->fleet[f].policy->role));
        else if (priced && (next_price <= 0 || orders[f].price < next_price))
            fact = explain_text(w, "$%.4f/h a task, %s $%.4f/h", orders[best].price / 1e6, id, (next_price = orders[f].price) / 1e6);
        else if (!priced)
            fact = fact ? fact : explain_text(w, "before %s in the policy, a price is unknown", id);
    }
    return fact;
}

// Beside what was given to the fleet already, which keeps its part of the growth. Returns given tasks, then `v`.
static struct pack_task *absorb_with(struct work *w, const struct order *o, int64_t target, int64_t counted,
                                     const struct pack_task *v, size_t n)
{
    size_t had = o->task_count;
    struct pack_task *all = arena_array(w->a, struct pack_task, had + n + 1);
    memcpy(all, o->tasks, had * sizeof *all);
    memcpy(all + had, v, n * sizeof *all);
    for (size_t k = 0; k < had; k++)
        all[k].first = true;
    absorb(w, o, counted, target, all, had + n);
    return all;
}

static void take_open_orders(struct work *w, struct order *orders, struct pack_task *v, bool headroom, bool dry)
{
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        const struct work_fleet *y = &w->fleet[f];
        if (y->closed || fallback_dry(w, (int)f) != dry || y->target * 1000 <= counted_milli(y))
            continue;
        size_t n = remaining(w, v, headroom), had = orders[f].task_count;
        struct pack_task *all = absorb_with(w, &orders[f], y->target, counted_milli(y), v, n);
        for (size_t k = 0; k < n; k++) {
            w->now.items[v[k].item].open += all[had + k].placed;
            give(w, &orders[f], &v[k], all[had + k].placed);
        }
    }
}

static int64_t growth_bound(const struct work *w, size_t f)
{
    const struct work_fleet *y = &w->fleet[f];
    return i64_max(y->policy->max + y->doomed_milli / 1000, y->target);
}

// Returns the fleet that was asked first, -1: none.
static int place_orders(struct work *w, struct order *orders, struct pack_task *v, bool headroom, bool dry)
{
    bool *tried = arena_array(w->a, bool, w->s->fleet_count + 1);
    int first = -1;
    for (size_t round = 0; round < w->s->fleet_count; round++) {
        size_t n = remaining(w, v, headroom);
        int f = n > 0 ? next_fleet(w, orders, dry, tried, v, n) : -1;
        if (f < 0)
            break;
        if (!orders[f].chosen)
            orders[f].chosen = choice_fact(w, orders, dry, tried, f, v, n);
        tried[f] = true;
        first = first < 0 ? f : first;
        const struct work_fleet *y = &w->fleet[f];
        size_t had = orders[f].task_count;
        int64_t bound = quota_bound(w, f, growth_bound(w, (size_t)f), tried);
        struct pack_task *all = absorb_with(w, &orders[f], bound, counted_milli(y), v, n);
        for (size_t k = 0; k < n; k++) {
            w->now.items[v[k].item].ordered += all[had + k].placed;
            give(w, &orders[f], &v[k], all[had + k].placed);
        }
    }
    return first;
}

static bool takes_wherever(struct work *w, const struct order *o, const struct pack_task *t)
{
    for (size_t p = 0; p < o->pool_count; p++)
        if (!packing_takes(w, &o->pools[p], t))
            return false;
    return o->pool_count > 0;
}

// A8: what is bound to a zone, and some fleets may or may not launch there, goes to those that launch nowhere else.
static void place_bound(struct work *w, struct order *orders, struct pack_task *v, bool headroom, bool dry)
{
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        const struct work_fleet *y = &w->fleet[f];
        if (orders[f].exact || y->closed || fallback_dry(w, (int)f) != dry || breaker_room(w, (int)f) != INT64_MAX)
            continue;
        size_t n = 0, all = remaining(w, v, headroom), had = orders[f].task_count;
        for (size_t k = 0; k < all; k++) {
            const struct shape *x = work_shape(w, v[k].shape);
            if (x && x->zone_count > 0 && pools_for(w, v[k].shape, v[k].provider).narrow && takes_wherever(w, &orders[f], &v[k]))
                v[n++] = v[k];
        }
        struct pack_task *packed = absorb_with(w, &orders[f], growth_bound(w, f), counted_milli(y), v, n);
        for (size_t k = 0; k < n; k++) {
            w->now.items[v[k].item].ordered += packed[had + k].placed;
            give(w, &orders[f], &v[k], packed[had + k].placed);
        }
    }
}

// A8: what no other fleet is sure to hold, bound to a zone or too large for some of its types, goes where the pool can be chosen.
static void place_exact(struct work *w, struct order *orders, struct pack_task *v, bool headroom)
{
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        const struct work_fleet *y = &w->fleet[f];
        if (!orders[f].exact || y->closed || fallback_dry(w, (int)f))
            continue;
        size_t n = 0, all = remaining(w, v, headroom);
        for (size_t k = 0; k < all; k++) {
            bool sure = false;
            for (size_t g = 0; g < w->s->fleet_count && !sure; g++)
                sure = !orders[g].exact && !w->fleet[g].closed && takes_wherever(w, &orders[g], &v[k]);
            if (!sure)
                v[n++] = v[k];
        }
        size_t had = orders[f].task_count;
        struct pack_task *packed = absorb_with(w, &orders[f], i64_max(y->policy->max, y->target), counted_milli(y), v, n);
        for (size_t k = 0; k < n; k++) {
            w->now.items[v[k].item].ordered += packed[had + k].placed;
            give(w, &orders[f], &v[k], packed[had + k].placed);
        }
    }
}

// Fleets that fulfil first; what they cannot take is left to those that do not (A10), which keep asking for it.
static void share_out(struct work *w, struct order *orders, struct pack_task *v, bool headroom)
{
    int first = -1;
    for (int dry = 0; dry < 2; dry++) {
        take_open_orders(w, orders, v, headroom, dry);
        place_bound(w, orders, v, headroom, dry);
        if (!dry)
            place_exact(w, orders, v, headroom);
        int f = place_orders(w, orders, v, headroom, dry);
        first = first < 0 ? f : first;
    }
    size_t n = remaining(w, v, headroom);
    for (size_t k = 0; k < n && first >= 0; k++) {
        w->now.items[v[k].item].capped += v[k].count;
        give(w, &orders[first], &v[k], v[k].count);
    }
}

static const char *order_fact(struct work *w, const struct order *o, size_t fleet)
{
    const char *what = "";
    size_t shown = 0;
    for (size_t k = 0; k < o->task_count && shown < 3; k++, shown++)
        what = explain_text(w, "%s%s%s", what, k ? ", " : "",
                            explain_tasks(w, o->tasks[k].service, o->tasks[k].shape, o->tasks[k].count));
    if (o->task_count > shown)
        what = explain_text(w, "%s and %zu more shapes", what, o->task_count - shown);
    size_t unfit = 0;
    for (size_t p = 0; p < o->pool_count; p++)
        for (size_t k = 0; k < o->task_count; k++)
            if (!packing_takes(w, &o->pools[p], &o->tasks[k])) {
                unfit++;
                break;
            }
    if (unfit > 0)
        what = explain_text(w, "%s; %zu of %zu types %s not hold them all", what, unfit, o->pool_count, unfit == 1 ? "does" : "do");
    int32_t n = w->fleet[fleet].need_instances;
    return explain_text(w, "%s: up to %d instance%s of %s%s%s", what, n, n == 1 ? "" : "s", w->s->fleets[fleet].id, o->chosen ? "; " : "",
                        o->chosen ? o->chosen : "");
}

static void size_order(struct work *w, struct order *o, size_t f)
{
    struct work_fleet *y = &w->fleet[f];
    if (o->task_count == 0)
        return;
    y->given = o->tasks;
    y->given_count = o->task_count;
    if (o->exact) {
        y->need_instances = (int32_t)launch_pack(w, o->pools, o->pool_count, o->tasks, o->task_count, INT32_MAX);
        y->need_target = counted_milli(y) / 1000 + y->need_instances;
    }
    for (size_t p = 0; p < o->worst_count && !o->exact; p++) {
        const struct pool *x = &o->worst[p];
        int64_t n = packing_count(w, o->tasks, o->task_count, x, INT32_MAX);
        if (n == 0)
            continue;
        y->need_instances = (int32_t)i64_max(y->need_instances, n);
        y->need_target = i64_max(y->need_target, scale_out_target(counted_milli(y), n, x->weight_milli));
    }
    y->need_fact = order_fact(w, o, f);
    assert(y->need_target > 0);
}

void scale_out_order(struct work *w)
{
    if (w->no_order || w->now.unplaced == 0)
        return;
    runaway_hold(w);
    surge_hold(w);
    patience_hold(w);
    size_t cap = w->now.item_count + 1;
    struct order *orders = arena_array(w->a, struct order, w->s->fleet_count + 1);
    struct pack_task *v = arena_array(w->a, struct pack_task, cap);
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        orders[f].exact = w->s->fleets[f].kind == FLEET_INSTANT;
        orders[f].pool_count = usable_pools(w, f, &orders[f].pools);
        orders[f].tasks = arena_array(w->a, struct pack_task, cap);
        keep_worst(w, &orders[f]);
    }
    // Tasks first: what max leaves is theirs before it is headroom's.
    for (int headroom = 0; headroom < 2; headroom++) {
        share_out(w, orders, v, headroom);
        for (size_t f = 0; f < w->s->fleet_count && !headroom && w->cost_limit_micro > 0; f++) {
            size_order(w, &orders[f], f);
            w->fleet[f].task_target = w->fleet[f].need_target;
        }
    }
    for (size_t f = 0; f < w->s->fleet_count; f++)
        size_order(w, &orders[f], f);
}
