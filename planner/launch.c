#include "planner/launch.h"

#include <assert.h>
#include <string.h>

#include "planner/explain.h"
#include "planner/fallback.h"
#include "planner/launch_pack.h"
#include "planner/modes.h"
#include "planner/on_demand.h"
#include "planner/pool_memory.h"
#include "planner/pool_share.h"
#include "planner/quota.h"
#include "planner/zones.h"

enum { OFFERS_MAX = 20, DEARER_PERCENT = 130 };
#define CALL_MS 10000   // a call's answer is there by then
#define BEFORE_MS 5000  // EC2's launch time may lie so long before our own note of it

// ---- what is on order -----------------------------------------------------------------------------------------------------
bool launch_on_demand(struct work *w, int f)
{
    return w->p->on_demand_ms > 0 && fallback_dry_ms(w, f) >= w->p->on_demand_ms;
}

bool launch_refused(const struct work *w, int f, int64_t since_ms)
{
    int64_t at_ms = w->s->fleets[f].capacity_error_ms;
    return at_ms > 0 && at_ms > since_ms && w->old && at_ms >= w->old->now_ms && at_ms <= w->s->now_ms;
}

static bool recent(const struct work *w, const struct memo_launch *x)
{
    return x->sent_ms <= w->s->now_ms && w->s->now_ms - x->sent_ms <= WORK_LAG_MS && x->capacity > 0 && x->capacity <= INT32_MAX;
}

// Its instances are not known, or only to the process that ended.
static bool to_ask_again(const struct work *w, const struct memo_launch *x)
{
    return recent(w, x) && (!x->answered || x->sent_ms < w->s->started_ms);
}

// The answer to a notice is planned by a look that may be older than the order.
static bool counts(const struct work *w, int f, const struct memo_launch *x)
{
    bool old_look = recent(w, x) && w->s->sources[SOURCE_EC2_INSTANCES].read_ms < x->sent_ms + CALL_MS;
    return strcmp(x->fleet, w->s->fleets[f].id) == 0 && (old_look || to_ask_again(w, x));
}

// Of what a tick's orders asked for, on demand alone or in all, what no look has shown yet; `first` is the first of them.
static int64_t unseen(const struct work *w, int f, size_t first, bool on_demand)
{
    const struct memo_launch *v = w->old->launches;
    int64_t ordered = 0, seen = 0, before_ms = BEFORE_MS + i64_max(0, w->s->clock_off_ms);
    for (size_t k = first; k < w->old->launch_count; k++)
        ordered += v[k].sent_ms != v[first].sent_ms || !counts(w, f, &v[k]) ? 0 : on_demand ? v[k].on_demand : v[k].capacity;
    for (size_t i = 0; i < w->s->instance_count; i++)
        seen += w->s->instances[i].fleet == f && w->s->instances[i].launched_ms >= v[first].sent_ms - before_ms && !(on_demand && w->s->instances[i].spot);
    return i64_max(0, ordered - seen);
}

void launch_sums(struct work *w, int f)
{
    struct work_fleet *y = &w->fleet[f];
    y->target = y->stay_milli / 1000;
    y->lagging = false;
    y->doomed_milli = 0;  // it counts nothing and replaces nothing
    for (size_t k = 0; w->old && k < w->old->launch_count; k++) {
        bool first = counts(w, f, &w->old->launches[k]);
        for (size_t b = 0; b < k && first; b++)
            first = !counts(w, f, &w->old->launches[b]) || w->old->launches[b].sent_ms != w->old->launches[k].sent_ms;
        y->target += first ? unseen(w, f, k, false) : 0;
        y->od_stay_milli += first ? 1000 * unseen(w, f, k, true) : 0;
    }
}

// ---- what is offered ------------------------------------------------------------------------------------------------------
struct offer {
    size_t k;          // of the fleet's pools
    double cost;
    int64_t instances;  // of it for the whole group
};

static int by_cost(const void *a, const void *b)
{
    const struct offer *x = a, *y = b;
    return x->cost != y->cost ? (x->cost < y->cost ? -1 : 1) : (x->k > y->k) - (x->k < y->k);
}

// Instances of the pool that hold what the group does, no more than the group has; 0: they do not.
static int64_t holds_group(struct work *w, const struct pool *x, const struct launch_group *g, size_t n)
{
    struct pack_task *tasks = arena_array(w->a, struct pack_task, n + 1);
    for (size_t k = 0; k < n; k++) {
        tasks[k] = g->tasks[k];
        tasks[k].count = g->tasks[k].placed;
        if (tasks[k].count > 0 && !packing_takes(w, x, &tasks[k]))
            return 0;
    }
    int64_t used = x->type == g->pool->type ? g->count : packing_count(w, tasks, n, x, g->count);
    for (size_t k = 0; k < n; k++)
        if (tasks[k].placed < g->tasks[k].placed)
            return 0;
    return used;
}

static int64_t vcpus_of(const struct work *w, int type)
{
    return type < 0 ? 0 : (w->s->types[type].nominal.v[RES_CPU] + 1023) / 1024;
}

// Pools of the fleet for the group, the cheapest first, none much dearer than that; those to avoid only where there is no other.
static size_t find_offers(struct work *w, int f, const struct launch_group *g, size_t n, bool on_demand, struct offer *ret)
{
    const struct fleet *x = &w->s->fleets[f];
    size_t count = 0;
    for (int avoided = 0; avoided < 2 && count == 0; avoided++)
        for (size_t k = 0; k < x->pool_count; k++) {
            const struct fleet_pool *p = &x->pools[k];
            struct pool pool = pools_of(w, (size_t)f, k);
            bool out = !on_demand && (pool_memory_avoided(w, p->type_name, p->zone) != NULL || pool_share_taken(w, g->tasks, n, p->type_name, p->zone));
            pool.batch = g->pool->batch;
            int64_t instances = p->subnet_full || p->type < 0 || out != (avoided == 1) ? 0 : holds_group(w, &pool, g, n);
            if (instances == 0)
                continue;
            pool.scarcity = on_demand ? 0 : pool_memory_scarcity(w, f, p->zone);
            pool.interruptions_per_hour = on_demand ? 0 : pool_memory_rate(w, p->type_name, p->zone);
            if (on_demand)
                pool.usd_micro = w->s->types[p->type].on_demand_usd_micro;
            ret[count++] = (struct offer){k, launch_cost_of(w, &pool, launch_placed_of(g->tasks, n) / (double)g->count), instances};
        }
    if (count > 1)
        qsort(ret, count, sizeof *ret, by_cost);
    size_t kept = 0;
    while (kept < count && kept < OFFERS_MAX && ret[kept].cost * 100 <= ret[0].cost * DEARER_PERCENT)
        kept++;
    return kept;
}

// ---- the actions ----------------------------------------------------------------------------------------------------------
static uint64_t hash(uint64_t h, const char *text)
{
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return (h ^ '|') * UINT64_C(0x100000001b3);
}

// Of the tick, the fleet and the content: another order never has it, the same one always.
static const char *token_of(struct work *w, int f, const char *content)
{
    const char *when = explain_text(w, "%" PRId64, w->s->now_ms);
    uint64_t v[2];
    for (int k = 0; k < 2; k++)
        v[k] = hash(hash(hash(hash(hash(UINT64_C(0xcbf29ce484222325) + (uint64_t)k, w->s->account), w->s->region), w->s->fleets[f].id), when), content);
    return explain_text(w, "masu-%016" PRIx64 "%016" PRIx64, v[0], v[1]);
}

static void remember(struct work *w, struct memo_launch x)
{
    struct memo *m = w->memo;
    m->launches = arena_grow(w->a, m->launches, m->launch_count, &m->launch_cap, sizeof *m->launches);
    m->launches[m->launch_count++] = x;
}

static const char *content_of(struct work *w, int f, const struct offer *offers, size_t count)
{
    const struct fleet *x = &w->s->fleets[f];
    const struct policy_instant *p = &w->fleet[f].policy->instant;
    const char *text = explain_text(w, "%s:%s", p->launch_template, p->version);
    for (size_t k = 0; k < count; k++)
        text = explain_text(w, "%s %s@%s", text, x->pools[offers[k].k].type_name, x->pools[offers[k].k].subnet);
    return text;
}

// Any of the offers may be what comes: so many that each of them holds all, as the group's own type may not be among them.
static int64_t instances_of(const struct work *w, int f, const struct offer *offers, size_t count, bool on_demand)
{
    const struct fleet *x = &w->s->fleets[f];
    int64_t instances = 0, vcpus = 1;
    for (size_t k = 0; k < count; k++) {
        instances = i64_max(instances, offers[k].instances);
        vcpus = i64_max(vcpus, vcpus_of(w, x->pools[offers[k].k].type));
    }
    for (size_t k = 0; k < count; k++)
        instances = i64_min(instances, quota_vcpus_left(w, x->pools[offers[k].k].type_name, !on_demand) / vcpus);
    return instances;
}

static void launch_from(struct work *w, const struct action *raise, int64_t instances, bool on_demand, const struct offer *offers, size_t count)
{
    int f = raise->fleet;
    const struct fleet *x = &w->s->fleets[f];
    const struct fleet_pool *first = &x->pools[offers[0].k];
    struct action a = *raise;
    assert(count > 0 && instances > 0);
    a.kind = ACTION_LAUNCH;
    a.capacity = instances;
    a.on_demand = on_demand ? instances : 0;
    a.value = content_of(w, f, offers, count);
    a.token = token_of(w, f, explain_text(w, "%zu %s", w->memo->launch_count, a.value));
    if (on_demand && !launch_on_demand(w, f))
        a.fact = explain_text(w, "%s; of the fleet %s", a.fact, on_demand_fact(w, f));
    a.hourly_delta = (struct usd){(on_demand ? w->s->types[first->type].on_demand_usd_micro : first->spot_usd_micro) * instances};
    a.verdict = explain_text(w, "launch %" PRId64 " %s%s in %s%s", instances, first->type_name, on_demand ? " on demand" : "", first->zone,
                             count == 1 ? "" : explain_text(w, ", or of %zu other pool%s", count - 1, count == 2 ? "" : "s"));
    remember(w, (struct memo_launch){a.token, x->id, a.value, a.capacity, a.on_demand, w->s->now_ms, false});
    work_action(w, a);
}

static size_t pools_that_give(struct work *w, int f, bool on_demand, struct pool **ret)
{
    const struct pool_list *list = &w->fleet_pools[f];
    struct pool *pools = arena_array(w->a, struct pool, list->count + 1);
    size_t count = 0;
    for (size_t k = 0; k < list->count; k++) {
        pools[count] = list->v[k];
        pools[count].interruptions_per_hour = on_demand ? 0 : list->v[k].interruptions_per_hour;
        count += pools_size_known(w, &list->v[k]) && (!list->v[k].out || on_demand);
    }
    *ret = pools;
    return count;
}

// The dearest of the offers; 0: there is none, or one without a price.
static int64_t dearest_micro(struct work *w, int f, const struct launch_group *g, size_t n)
{
    struct offer *offers = arena_array(w->a, struct offer, w->s->fleets[f].pool_count + 1);
    size_t count = find_offers(w, f, g, n, false, offers);
    int64_t most = 0;
    for (size_t k = 0; k < count; k++) {
        struct pool x = pools_of(w, (size_t)f, offers[k].k);
        if (x.usd_micro <= 0)
            return 0;
        most = i64_max(most, x.usd_micro);
    }
    return most;
}

bool launch_price(struct work *w, int f, struct pack_task *tasks, size_t n, int64_t *ret_instances, int64_t *ret_micro)
{
    struct launch_group groups[LAUNCH_GROUPS_MAX];
    struct pool *pools;
    size_t pool_count = pools_that_give(w, f, false, &pools);
    size_t count = launch_pack_groups(w, pools, pool_count, tasks, n, INT32_MAX, groups);
    int64_t placed = 0, wanted = 0;
    *ret_instances = *ret_micro = 0;
    for (size_t k = 0; k < n; k++)
        wanted += tasks[k].count;
    for (size_t g = 0; g < count; g++) {
        int64_t micro = dearest_micro(w, f, &groups[g], n);
        if (micro == 0)
            return false;
        *ret_instances += groups[g].count;
        *ret_micro += groups[g].count * micro;
        for (size_t k = 0; k < n; k++)
            placed += groups[g].tasks[k].placed;
    }
    return count > 0 && placed == wanted;
}

// Zones whose cheapest offer is not so much dearer that consolidation would take it away again. A pool without a zone: none.
static struct zone_shares zones_of(struct work *w, int f, const struct offer *offers, size_t count, const struct zone_shares *dealt)
{
    struct zone_shares ret = {.count = 0};
    for (size_t k = 0; k < count; k++) {
        const char *zone = w->s->fleets[f].pools[offers[k].k].zone;
        size_t at = 0;
        while (at < ret.count && strcmp(ret.v[at].zone, zone) != 0)
            at++;
        if (!zone[0])
            return (struct zone_shares){.count = 0};
        if (at < ret.count || at == ZONES_DEALT_MAX || offers[k].cost * (double)(100 - w->p->min_saving_percent) > offers[0].cost * 100)
            continue;
        ret.v[ret.count++] = (struct zone_share){zone, zones_count(w, zone), 0};
        for (size_t d = 0; d < dealt->count; d++)
            ret.v[at].has += strcmp(dealt->v[d].zone, zone) == 0 ? dealt->v[d].given : 0;
    }
    return ret;
}

static void add_dealt(struct zone_shares *dealt, const struct zone_share *x)
{
    size_t at = 0;
    while (at < dealt->count && strcmp(dealt->v[at].zone, x->zone) != 0)
        at++;
    if (at == ZONES_DEALT_MAX)
        return;
    if (at == dealt->count)
        dealt->v[dealt->count++] = (struct zone_share){x->zone, 0, 0};
    dealt->v[at].given += x->given;
}

// One order a zone that gets some. `dealt`: what this tick's orders before it brought. Returns how many instances were ordered.
static int64_t launch_group(struct work *w, const struct action *raise, const struct launch_group *g, size_t n, bool on_demand, struct zone_shares *dealt)
{
    int f = raise->fleet;
    const struct fleet *x = &w->s->fleets[f];
    struct offer *offers = arena_array(w->a, struct offer, x->pool_count + 1), *here = arena_array(w->a, struct offer, x->pool_count + 1);
    size_t count = find_offers(w, f, g, n, on_demand, offers);
    int64_t instances = instances_of(w, f, offers, count, on_demand);
    if (count == 0 || instances <= 0)
        return 0;
    struct zone_shares z = zones_of(w, f, offers, count, dealt);
    if (z.count < 2) {
        launch_from(w, raise, instances, on_demand, offers, count);
        return instances;
    }
    zones_deal(&z, instances);
    for (size_t k = 0; k < z.count; k++) {
        size_t kept = 0;
        for (size_t o = 0; o < count && z.v[k].given > 0; o++)
            if (strcmp(x->pools[offers[o].k].zone, z.v[k].zone) == 0)
                here[kept++] = offers[o];
        if (kept > 0)
            launch_from(w, raise, z.v[k].given, on_demand, here, kept);
        add_dealt(dealt, &z.v[k]);
    }
    return instances;
}

// Launches for these tasks, `limit` instances at most; what is ordered for is taken out of them. Returns how many are ordered.
static int64_t launch_part(struct work *w, const struct action *raise, struct pack_task *tasks, int64_t limit, bool on_demand, struct zone_shares *dealt)
{
    const struct work_fleet *y = &w->fleet[raise->fleet];
    struct launch_group groups[LAUNCH_GROUPS_MAX];
    struct pool *pools;
    int64_t ordered = 0;
    size_t pool_count = limit > 0 ? pools_that_give(w, raise->fleet, on_demand, &pools) : 0;
    size_t n = pool_count > 0 ? launch_pack_groups(w, pools, pool_count, tasks, y->given_count, limit, groups) : 0;
    for (size_t g = 0; g < n; g++) {
        int64_t came = launch_group(w, raise, &groups[g], y->given_count, on_demand, dealt);
        for (size_t k = 0; k < y->given_count && came > 0; k++)
            tasks[k].count -= groups[g].tasks[k].placed;
        ordered += came;
    }
    return ordered;
}

// On demand first, where all is or the policy asks for some; what no quota lets through there is asked of spot.
static void launch_raise(struct work *w, const struct action *raise, struct zone_shares *dealt)
{
    const struct work_fleet *y = &w->fleet[raise->fleet];
    int64_t all = raise->capacity - y->target;
    if (y->given_count == 0)
        return;
    struct pack_task *tasks = arena_array(w->a, struct pack_task, y->given_count + 1);
    memcpy(tasks, y->given, y->given_count * sizeof *tasks);
    bool only = launch_on_demand(w, raise->fleet);
    int64_t first = launch_part(w, raise, tasks, only ? all : on_demand_of_launch(w, raise->fleet, all), true, dealt);
    if (!only)
        launch_part(w, raise, tasks, all - first, false, dealt);
}

static int fleet_of(const struct work *w, const char *id)
{
    for (size_t f = 0; f < w->s->fleet_count; f++)
        if (w->s->fleets[f].kind == FLEET_INSTANT && strcmp(w->s->fleets[f].id, id) == 0)
            return (int)f;
    return -1;
}

static void ask_again(struct work *w)
{
    for (size_t k = 0; w->old && k < w->old->launch_count; k++) {
        const struct memo_launch *x = &w->old->launches[k];
        int f = fleet_of(w, x->fleet);
        if (!recent(w, x) || f < 0)
            continue;
        remember(w, *x);
        if (!to_ask_again(w, x) || w->fleet[f].closed || w->no_order || w->p->mode == MODE_OBSERVE || !modes_may(w, f, DEED_RAISE))
            continue;
        work_action(w, (struct action){.kind = ACTION_LAUNCH, .target = w->s->fleets[f].id, .instance = -1, .fleet = f, .capacity = x->capacity,
                                       .on_demand = x->on_demand, .value = x->value, .token = x->token, .after = -1,
                                       .fact = explain_text(w, "ordered %s, what became of it is not known", explain_time(w, x->sent_ms)),
                                       .verdict = "ask again by the same token"});
    }
}

void launch_plan(struct work *w)
{
    struct plan *p = w->plan;
    struct action *was = p->actions;
    size_t n = p->action_count;
    int *moved_to = arena_array(w->a, int, n + 1);
    struct zone_shares dealt = {.count = 0};
    p->actions = NULL;
    p->action_count = p->action_cap = 0;
    ask_again(w);
    for (size_t k = 0; k < n; k++) {
        struct action x = was[k];
        moved_to[k] = (int)p->action_count;
        x.after = x.after < 0 ? -1 : moved_to[x.after];
        if (x.kind == ACTION_SET_TARGET && w->s->fleets[x.fleet].kind == FLEET_INSTANT)
            launch_raise(w, &x, &dealt);
        else
            work_action(w, x);
    }
    for (size_t k = 0; k < p->action_count; k++)
        assert(p->actions[k].kind != ACTION_LAUNCH || (p->actions[k].token[0] && p->actions[k].value[0] && p->actions[k].capacity > 0));
}
