#include "planner/consolidate.h"

#include <assert.h>
#include <string.h>

#include "base/parse.h"
#include "planner/breaker.h"
#include "planner/explain.h"
#include "planner/fallback.h"
#include "planner/launch.h"
#include "planner/modes.h"
#include "planner/on_demand.h"
#include "planner/packing.h"
#include "planner/scale_out.h"
#include "planner/use.h"
#include "planner/zones.h"

#define HOUR_MS (60 * 60 * 1000LL)
#define SET_MAX 8                    // instances replaced at once, beside L4
#define SWAP_BACK_MS (6 * HOUR_MS)
#define DRAIN_MS (5 * 60 * 1000)     // both are paid while the tasks move

// ---- stamps ---------------------------------------------------------------------------------------------------------------
static bool ordered(const struct memo_stamp *s, int64_t now_ms)
{
    return s && s->count == 1 && s->until_ms > now_ms;
}

static bool stands(const struct work *w, const struct memo_stamp *x)
{
    return x->kind == STAMP_REPLACE && x->since_ms <= w->s->now_ms && x->until_ms > w->s->now_ms;
}

void consolidate_observe(struct work *w)
{
    bool any = false;
    for (size_t k = 0; w->old && k < w->old->stamp_count; k++)
        any = any || stands(w, &w->old->stamps[k]);
    for (size_t k = 0; w->old && k < w->old->stamp_count; k++) {
        const struct memo_stamp *x = &w->old->stamps[k];
        bool victim = any && x->kind == STAMP_VICTIM && ordered(x, w->s->now_ms) && work_find(w, x->key) >= 0;
        bool swap = x->kind == STAMP_SWAP && x->since_ms <= w->s->now_ms && x->until_ms > w->s->now_ms;
        if (victim || swap || stands(w, x))
            work_stamp_set(w, *x);
    }
}

// Its replacement is ordered.
static bool is_victim(struct work *w, int instance)
{
    return ordered(work_stamp(w, STAMP_VICTIM, w->s->instances[instance].id), w->s->now_ms);
}

static int first_victim(const struct work *w)
{
    for (size_t k = 0; k < w->memo->stamp_count; k++) {
        const struct memo_stamp *x = &w->memo->stamps[k];
        int i = x->kind == STAMP_VICTIM && ordered(x, w->s->now_ms) ? work_find(w, x->key) : -1;
        if (i >= 0 && w->inst[i].live)
            return i;
    }
    return -1;
}

const char *consolidate_hold(struct work *w, int instance)
{
    int victim = is_victim(w, instance) ? -1 : first_victim(w);
    return victim < 0 ? NULL : explain_text(w, "room was ordered to replace %s", w->s->instances[victim].id);
}

// ---- what a set costs, and what would replace it --------------------------------------------------------------------------
struct swap {
    const int *victims;
    size_t count;
    int fleet;                 // that grows
    int64_t instances, target;
    int64_t before_micro, after_micro, disturbance_micro;  // an hour, an hour, once
    int32_t tasks;
    struct pack_task *moved;   // what must have a place in the new room
    size_t moved_count;
};

static int64_t saving(const struct swap *x)
{
    return x->before_micro - x->after_micro;
}

static bool pays(const struct work *w, const struct swap *x)
{
    int64_t save = saving(x);
    return save > 0 && save * 100 >= x->before_micro * w->p->min_saving_percent &&
           (double)save * (double)w->p->payback_ms / HOUR_MS >= (double)x->disturbance_micro;
}

// Those of a service with a strategy go to an instance of the same provider.
static void add_task(const struct work *w, struct pack_task *v, size_t *n, int service, int shape, int victim, int32_t count)
{
    int provider = w->s->services[service].provider_count == 0 ? PROVIDER_ANY : w->kinds.v[w->kinds.kind_of[victim]].provider;
    for (size_t k = 0; k < *n; k++)
        if (v[k].service == service && v[k].shape == shape && v[k].provider == provider) {
            v[k].count += count;
            return;
        }
    v[(*n)++] = (struct pack_task){.service = service, .shape = shape, .provider = provider, .count = count};
}

// What must have a place when these are gone: their service tasks, and headroom that is planned there.
static size_t tasks_of(struct work *w, const struct pass *base, const int *victims, size_t count, struct pack_task **ret, int32_t *ret_moved)
{
    size_t most = 1, n = 0;
    *ret_moved = 0;
    for (size_t k = 0; k < count; k++) {
        most += w->s->instances[victims[k]].holding_count;
        for (int b = base ? base->bin_head[victims[k]] : -1; b >= 0; b = base->planned[b].next_of_bin)
            most++;
    }
    struct pack_task *v = arena_array(w->a, struct pack_task, most);
    for (size_t k = 0; k < count; k++) {
        const struct instance *x = &w->s->instances[victims[k]];
        for (size_t h = 0; h < x->holding_count; h++) {
            const struct holding *y = &x->holdings[h];
            if (y->service < 0 || work_is_daemon(w, y->service) || y->running + y->pending == 0)
                continue;
            add_task(w, v, &n, y->service, y->shape, victims[k], y->running + y->pending);
            *ret_moved += y->running + y->pending;
        }
        for (int b = base ? base->bin_head[victims[k]] : -1; b >= 0; b = base->planned[b].next_of_bin)
            add_task(w, v, &n, base->planned[b].service, base->planned[b].shape, victims[k], base->planned[b].count);
    }
    *ret = v;
    return n;
}

static bool grows(const struct work *w, int f)
{
    const struct work_fleet *y = &w->fleet[f];
    return !y->closed && y->coming == 0 && w->s->fleets[f].state == FLEET_ACTIVE && !y->lagging && y->target * 1000 <= y->live_milli &&
           y->doomed_milli == 0 && breaker_room(w, f) == INT64_MAX;
}

// By the pool that costs most for these tasks; false where one of the fleet's pools does not hold them all or has no price.
static bool price_on(struct work *w, int f, struct pack_task *v, size_t n, struct swap *ret)
{
    const struct pool_list *list = &w->fleet_pools[f];
    const struct work_fleet *y = &w->fleet[f];
    ret->fleet = f;
    ret->after_micro = ret->target = ret->instances = 0;
    if (w->s->fleets[f].kind == FLEET_INSTANT) {  // of exact types: nothing else can come
        bool whole = launch_price(w, f, v, n, &ret->instances, &ret->after_micro);
        ret->target = y->target + ret->instances;
        return whole && ret->after_micro < ret->before_micro && ret->target <= y->policy->max;
    }
    for (size_t p = 0; p < list->count; p++) {
        const struct pool *x = &list->v[p];
        if (x->usd_micro == 0 || !pools_size_known(w, x))
            return false;
        int64_t bins = packing_count(w, v, n, x, INT32_MAX);
        for (size_t k = 0; k < n; k++)
            if (v[k].placed < v[k].count)
                return false;
        ret->after_micro = i64_max(ret->after_micro, bins * x->usd_micro);
        ret->instances = i64_max(ret->instances, bins);
        ret->target = i64_max(ret->target, scale_out_target(y->stay_milli, bins, x->weight_milli));
        if (ret->after_micro >= ret->before_micro)
            return false;
    }
    return list->count > 0 && ret->target <= y->policy->max;
}

// Both are paid for a boot and a drain, and each moved task is started once more.
static int64_t disturbance(const struct work *w, const struct swap *x)
{
    int64_t boot_ms = w->s->boot_p90_ms > 0 ? w->s->boot_p90_ms : w->p->boot_limit_ms;
    return x->after_micro * (boot_ms + DRAIN_MS) / HOUR_MS + x->tasks * w->p->task_restart_usd_micro;
}

static const char *swap_key(struct work *w, const char *from, const char *to)
{
    return explain_text(w, "%s, %s", from, to);
}

static bool swapped_back(struct work *w, const struct swap *x)
{
    const char *to = w->s->fleets[x->fleet].id;
    for (size_t k = 0; k < x->count; k++) {
        const char *from = w->s->fleets[w->s->instances[x->victims[k]].fleet].id;
        if (strcmp(from, to) != 0 && work_stamp(w, STAMP_SWAP, swap_key(w, to, from)))
            return true;
    }
    return false;
}

// The fleet on which the set costs least, where that pays.
static bool best_fleet(struct work *w, const struct pass *base, const int *victims, size_t count, struct swap *ret)
{
    struct swap x = {.victims = victims, .count = count};
    struct pack_task *v;
    bool found = false;
    for (size_t k = 0; k < count; k++) {
        int64_t micro = work_price(w, victims[k]).micro;
        if (micro == 0)
            return false;
        x.before_micro += micro;
    }
    size_t n = tasks_of(w, base, victims, count, &v, &x.tasks);
    x.moved = v;
    x.moved_count = n;
    for (size_t f = 0; f < w->s->fleet_count && n > 0; f++) {
        if (!grows(w, (int)f) || !price_on(w, (int)f, v, n, &x) || swapped_back(w, &x))
            continue;
        x.disturbance_micro = disturbance(w, &x);
        if (pays(w, &x) && (!found || saving(&x) > saving(ret))) {
            *ret = x;
            found = true;
        }
    }
    return found;
}

// ---- find -----------------------------------------------------------------------------------------------------------------
struct waste {
    int i;
    double price;  // an hour, for each part of the reference size that its tasks take
    int64_t zone_members;
};

static int by_waste(const void *a, const void *b)
{
    const struct waste *x = a, *y = b;
    if (x->price != y->price)
        return x->price > y->price ? -1 : 1;
    if (x->zone_members != y->zone_members)
        return x->zone_members > y->zone_members ? -1 : 1;  // V33 lets those go
    return x->i - y->i;
}

static double waste_of(struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    double used = res_share(res_sub(x->registered, x->remaining), w->reference);
    return (double)work_price(w, i).micro / (used > 0.01 ? used : 0.01);
}

void consolidate_find(struct work *w, const struct pass *base, const int *stay, size_t count)
{
    struct waste *v = arena_array(w->a, struct waste, count + 1);
    struct swap best = {0};
    size_t n = 0, most;
    if (w->p->payback_ms == 0 || first_victim(w) >= 0 || fallback_hold(w))
        return;
    for (size_t k = 0; k < count; k++) {
        const struct instance *x = &w->s->instances[stay[k]];
        if (w->s->now_ms - i64_max(x->launched_ms, x->registered_ms) >= w->p->payback_ms)
            v[n++] = (struct waste){stay[k], waste_of(w, stay[k]), zones_count(w, x->zone)};
    }
    if (n > 1)
        qsort(v, n, sizeof *v, by_waste);
    most = (size_t)i64_min(i64_min((int64_t)n, SET_MAX), i64_max(1, (int64_t)w->s->instance_count * w->p->drain_percent / 100));
    int *set = arena_array(w->a, int, most + 1);
    for (size_t k = 0; k < most; k++) {
        struct swap x;
        set[k] = v[k].i;
        if (on_demand_spares(w, set, k + 1) && best_fleet(w, base, set, k + 1, &x) && saving(&x) > saving(&best))
            best = x;
    }
    for (size_t k = 0; k < best.count; k++) {
        const char *id = w->s->instances[set[k]].id;
        const struct memo_stamp *was = work_old_stamp(w, STAMP_VICTIM, id);
        int64_t since = was && was->count == 0 && was->since_ms <= w->s->now_ms ? was->since_ms : w->s->now_ms;
        work_stamp_set(w, (struct memo_stamp){STAMP_VICTIM, id, since, w->s->now_ms + HOUR_MS, 0, saving(&best)});
    }
}

// ---- order ----------------------------------------------------------------------------------------------------------------
static const char *swap_fact(struct work *w, const struct swap *x)
{
    char before[32], after[32], once[32];
    return explain_text(w, "%s%s costs %s an hour, %" PRId64 " of %s at most %s; moving %d task%s costs %s once", w->s->instances[x->victims[0]].id,
                        x->count > 1 ? explain_text(w, " and %zu more", x->count - 1) : "", format_usd(x->before_micro, before), x->instances,
                        w->s->fleets[x->fleet].id, format_usd(x->after_micro, after), x->tasks, x->tasks == 1 ? "" : "s",
                        format_usd(x->disturbance_micro, once));
}

// Until it is launched the order is need; once there, its room is kept for the victims as long as any demand's.
static void keep_order(struct work *w)
{
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        struct work_fleet *y = &w->fleet[f];
        const struct memo_stamp *was = work_stamp(w, STAMP_REPLACE, w->s->fleets[f].id);
        if (!was || y->closed || first_victim(w) < 0)
            continue;
        struct memo_stamp s = *was;
        if (s.count == 1 && y->live_milli >= s.amount * 1000 && y->coming == 0) {
            s.count = 2;
            s.until_ms = w->s->now_ms + w->p->demand_hold_ms;
            work_stamp_set(w, s);
        }
        // What an instant fleet was asked for is there at once, or will not be: launch.h asks again where that is not known.
        if (s.count == 1 && s.amount > y->need_target && w->s->fleets[f].kind != FLEET_INSTANT) {
            y->need_target = s.amount;
            y->need_fact = explain_text(w, "ordered %s to replace %s", explain_time(w, s.since_ms), w->s->instances[first_victim(w)].id);
        }
    }
}

// The victims that were found, all of them due and as they were; 0: none.
static size_t due_victims(struct work *w, int *ret)
{
    size_t n = 0;
    for (size_t k = 0; w->old && k < w->old->stamp_count; k++) {
        const struct memo_stamp *x = &w->old->stamps[k];
        if (x->kind != STAMP_VICTIM || x->count != 0)
            continue;
        int i = work_find(w, x->key);
        bool due = x->since_ms < w->s->now_ms && w->s->now_ms - x->since_ms >= w->p->unneeded_ms;
        if (!due || i < 0 || w->inst[i].planned_drain || w->inst[i].role != ROLE_ACTIVE || n == SET_MAX)
            return 0;
        ret[n++] = i;
    }
    return n;
}

void consolidate_order(struct work *w)
{
    int *victims = arena_array(w->a, int, SET_MAX);
    struct swap x;
    keep_order(w);
    bool held = w->no_order || w->no_removal || w->now.unplaced > 0 || first_victim(w) >= 0 || fallback_hold(w);
    size_t n = held ? 0 : due_victims(w, victims);
    struct use_view v = {.on = false};
    on_demand_count(w);
    bool found = n > 0 && on_demand_spares(w, victims, n) && best_fleet(w, use_view_begin(&v, w, &w->now, (struct pass_options){0}), victims, n, &x);
    use_view_end(&v, w);
    if (!found || !modes_may(w, x.fleet, DEED_RAISE) || !modes_may(w, x.fleet, DEED_REMOVE))
        return;
    struct work_fleet *y = &w->fleet[x.fleet];
    if (w->s->fleets[x.fleet].kind == FLEET_INSTANT) {
        if (y->given_count > 0)
            return;  // it is asked for something else
        y->given = x.moved;
        y->given_count = x.moved_count;
    }
    y->need_target = i64_max(y->need_target, x.target);
    y->need_instances = (int32_t)i64_max(y->need_instances, x.instances);
    y->need_fact = swap_fact(w, &x);
    w->swap = arena_new(w->a, struct swap);
    *w->swap = x;
}

int64_t consolidate_target(const struct work *w, int fleet)
{
    return w->swap && w->swap->fleet == fleet ? w->swap->target : 0;
}

void consolidate_commit(struct work *w)
{
    const struct swap *x = w->swap;
    bool sent = false;
    for (size_t k = 0; x && k < w->plan->action_count; k++) {
        const struct action *a = &w->plan->actions[k];
        sent = sent || (a->kind == ACTION_SET_TARGET && a->fleet == x->fleet && a->capacity >= x->target);
    }
    if (!sent)
        return;
    const char *to = w->s->fleets[x->fleet].id;
    int64_t now = w->s->now_ms;
    work_stamp_set(w, (struct memo_stamp){STAMP_REPLACE, to, now, now + w->p->boot_limit_ms, 1, x->target});
    for (size_t k = 0; k < x->count; k++) {
        const struct instance *i = &w->s->instances[x->victims[k]];
        const char *from = w->s->fleets[i->fleet].id;
        work_stamp_set(w, (struct memo_stamp){STAMP_VICTIM, i->id, now, now + w->p->boot_limit_ms + w->p->demand_hold_ms, 1, saving(x)});
        if (strcmp(from, to) != 0)
            work_stamp_set(w, (struct memo_stamp){STAMP_SWAP, swap_key(w, from, to), now, now + SWAP_BACK_MS, 1, 0});
    }
}
