// Spot Fleets of type maintain: keep fulfilled capacity at or above the target, rounding up by weights.
#include <string.h>

#include "planner/sim/group_internal.h"

void fleet_event(struct world *w, int fleet, const char *type, const char *sub_type, int pool)
{
    enum { NOT_TRIED_AGAIN_MS = 13 * 60000 };
    struct world_fleet *f = &w->fleets[fleet];
    for (int k = 0; k < WORLD_FLEET_EVENTS && f->events[k].at_ms > 0; k++)
        if (f->events[k].pool == pool && !strcmp(f->events[k].sub_type, sub_type) && w->now_ms - f->events[k].at_ms < NOT_TRIED_AGAIN_MS)
            return;
    memmove(&f->events[1], &f->events[0], (WORLD_FLEET_EVENTS - 1) * sizeof f->events[0]);
    f->events[0] = (struct world_fleet_event){w->now_ms, type, sub_type, pool};
    if (f->group < 0 && !f->instant)
        news_trouble(w, fleet, strcmp(type, "error") == 0 ? WNEWS_FLEET_ERROR : WNEWS_FLEET_INFO, sub_type, pool);
}

int fleet_pool(const struct world *w, int type, int zone)
{
    for (size_t p = 0; p < w->pool_count; p++)
        if (w->pools[p].type == type && w->pools[p].zone == zone)
            return (int)p;
    return -1;
}

static int64_t on_demand_milli(const struct world *w, int fleet)
{
    int64_t sum = 0;
    for (size_t n = 0; n < w->instance_count; n++)
        if (w->instances[n].fleet == fleet && !w->instances[n].spot && machine_counts(w, &w->instances[n]))
            sum += w->instances[n].weight_milli;
    return sum;
}

void fleet_recount(struct world *w, int fleet)
{
    struct world_fleet *f = &w->fleets[fleet];
    f->fulfilled_milli = 0;
    bool ending = false;
    for (size_t n = 0; n < w->instance_count; n++) {
        const struct world_instance *i = &w->instances[n];
        if (i->fleet != fleet)
            continue;
        if (machine_counts(w, i))
            f->fulfilled_milli += i->weight_milli;
        ending |= i->used && i->end == WEND_FLEET_EXCESS && i->state.now == WL_RUNNING;
    }
    bool over = f->state.now == WF_CANCELLED_RUNNING || f->state.now == WF_CANCELLED_TERMINATING;
    if (over && f->fulfilled_milli == 0)
        world_lag(w, &f->state, WF_CANCELLED);
    f->activity = ending ? WA_PENDING_TERMINATION : f->fulfilled_milli >= f->wanted * 1000 ? WA_FULFILLED : WA_PENDING_FULFILLMENT;
    w->dirty = true;
}

static void end_replaced(struct world *w, int fleet);

static int64_t pool_weight_in_fleet(const struct world *w, int fleet, int pool)
{
    int64_t sum = 0;
    for (size_t n = 0; n < w->instance_count; n++)
        if (w->instances[n].fleet == fleet && w->instances[n].pool == pool && machine_counts(w, &w->instances[n]))
            sum += w->instances[n].weight_milli;
    return sum;
}

// Lower is better.
double fleet_pool_score(const struct world *w, int fleet, int pool, int64_t weight_milli, bool spot)
{
    const struct world_pool *p = &w->pools[pool];
    int64_t price = spot ? p->spot_usd_micro : w->types[p->type].on_demand_usd_micro;
    double by_price = (double)price / (double)weight_milli;
    if (!spot)
        return by_price;
    switch (w->fleets[fleet].allocation) {
    case WALLOC_LOWEST_PRICE:
        return by_price;
    case WALLOC_DIVERSIFIED:
        return (double)pool_weight_in_fleet(w, fleet, pool);
    case WALLOC_CAPACITY_OPTIMIZED:
        return -(double)p->depth;
    case WALLOC_PRICE_CAPACITY_OPTIMIZED:
        break;
    }
    return by_price * (1 + 10.0 / (1 + p->depth));
}

struct choice {
    int override, pool;
};

// Of the zone's subnet: each instance takes one, and each task that has an interface of its own.
int64_t fleet_addresses_left(const struct world *w, int zone)
{
    int64_t left = 0, most_used = (int64_t)(w->instance_count + w->task_count);
    for (int s = 0; s < w->subnet_count; s++)
        left += w->subnets[s].zone != zone ? 0 : w->subnets[s].addresses > most_used ? 1 : world_free_addresses(w, s);
    return left;
}

// *ret_refused: the pool that its strategy would have liked better, had it not been out of stock; -1: none. On-demand has its own stock.
static struct choice choose_pool(const struct world *w, int fleet, bool spot, int *ret_refused)
{
    const struct world_fleet *f = &w->fleets[fleet];
    struct choice best = {-1, -1};
    double best_score = 0, refused_score = 0;
    *ret_refused = -1;
    for (int o = 0; o < f->override_count; o++) {
        for (int z = 0; z < w->zone_count; z++) {
            if (f->overrides[o].zone >= 0 && f->overrides[o].zone != z)
                continue;
            int pool = fleet_pool(w, f->overrides[o].type, z);
            if (pool < 0 || fleet_addresses_left(w, z) <= 0)
                continue;
            double s = fleet_pool_score(w, fleet, pool, f->overrides[o].weight_milli, spot);
            if (spot && w->pools[pool].depth <= 0) {
                if (*ret_refused < 0 || s < refused_score) {
                    *ret_refused = pool;
                    refused_score = s;
                }
                continue;
            }
            if (best.pool < 0 || s < best_score) {
                best_score = s;
                best = (struct choice){o, pool};
            }
        }
    }
    if (best.pool >= 0 && refused_score >= best_score)
        *ret_refused = -1;
    return best;
}

static bool launches(const struct world *w, const struct world_fleet *f)
{
    if (f->instant)
        return false;
    if (f->state.now != WF_ACTIVE && f->state.now != WF_MODIFYING && f->state.now != WF_SUBMITTED)
        return false;
    if (f->valid_until_ms > 0 && w->now_ms >= f->valid_until_ms)
        return false;
    return f->maintain || f->state.now == WF_SUBMITTED;  // a request fleet asks once
}

// Past ValidUntil nothing is launched; with terminateInstancesWithExpiration its members end.
static void expire(struct world *w, int fleet)
{
    struct world_fleet *f = &w->fleets[fleet];
    if (f->state.now >= WF_CANCELLED_RUNNING)
        return;
    world_lag(w, &f->state, f->ends_with_expiration ? WF_CANCELLED_TERMINATING : WF_CANCELLED_RUNNING);
    for (size_t n = 0; f->ends_with_expiration && n < w->instance_count; n++)
        if (w->instances[n].used && w->instances[n].fleet == fleet)
            machine_end(w, (int)n, WEND_FLEET_CANCELLED, WORLD_AWS);
    fleet_recount(w, fleet);
}

static bool short_of_spot(const struct world_fleet *f, int64_t have_milli, int64_t on_demand_milli)
{
    int64_t over = on_demand_milli > f->wanted_on_demand * 1000 ? on_demand_milli - f->wanted_on_demand * 1000 : 0;
    return have_milli - (f->wanted_on_demand > 0 ? over : 0) < f->wanted * 1000;
}

void fleet_check_step(struct world *w, int fleet)
{
    fleet_recount(w, fleet);
    struct world_fleet *f = &w->fleets[fleet];
    if (f->group >= 0) {
        group_check(w, fleet);
        return;
    }
    if (f->valid_until_ms > 0 && w->now_ms >= f->valid_until_ms)
        expire(w, fleet);
    if (!launches(w, f))
        return;
    if (f->stuck && f->fulfilled_milli + f->open_milli < f->wanted * 1000) {
        if (f->activity != WA_ERROR)
            news_trouble(w, fleet, WNEWS_FLEET_ERROR, f->stuck, -1);
        f->activity = WA_ERROR;
        w->counters.launch_failures++;
        queue_push(w, w->now_ms + 30000, WEV_FLEET_CHECK, fleet, 0, 0);
        return;
    }
    if (f->state.now == WF_SUBMITTED)
        world_lag(w, &f->state, WF_ACTIVE);
    int64_t on_demand = on_demand_milli(w, fleet) + f->open_on_demand_milli;
    int64_t have = f->fulfilled_milli + f->open_milli;
    // Each part is fulfilled by itself: what one has above its target is none of the other's.
    for (int limit = 0; limit < WORLD_INSTANCES_MAX && (on_demand < f->wanted_on_demand * 1000 || short_of_spot(f, have, on_demand)); limit++) {
        bool spot = on_demand >= f->wanted_on_demand * 1000;
        int refused;
        struct choice c = choose_pool(w, fleet, spot, &refused);
        if (refused >= 0)
            fleet_event(w, fleet, "information", "launchSpecTemporarilyBlacklisted", refused);
        if (c.pool < 0) {
            f->activity = WA_ERROR;
            fleet_event(w, fleet, "error", "allLaunchSpecsTemporarilyBlacklisted", -1);
            w->counters.launch_failures++;
            queue_push(w, w->now_ms + 30000, WEV_FLEET_CHECK, fleet, 0, 0);
            return;
        }
        int64_t weight = f->overrides[c.override].weight_milli;
        w->pools[c.pool].depth -= spot;
        f->open_milli += weight;
        have += weight;
        if (!spot) {
            f->open_on_demand_milli += weight;
            on_demand += weight;
        }
        int64_t in_ms = w->o.launch_ms / 2 + (int64_t)rng_below(&w->booting, (uint64_t)w->o.launch_ms + 1);
        queue_push(w, w->now_ms + in_ms, WEV_FLEET_LAUNCH, fleet, c.override * FLEET_PACK + c.pool, spot);
    }
}

// The serial of a launch event says whether it is a spot order.
void fleet_launch_step(struct world *w, int fleet, int packed, bool spot)
{
    struct world_fleet *f = &w->fleets[fleet];
    int pool = packed % FLEET_PACK;
    int64_t weight = f->overrides[packed / FLEET_PACK].weight_milli;
    f->open_milli -= weight;
    if (!spot)
        f->open_on_demand_milli -= weight;
    if (f->group >= 0) {
        group_launch_step(w, fleet, packed / FLEET_PACK, pool, spot);
        return;
    }
    int64_t on_demand = on_demand_milli(w, fleet);
    bool lacks = spot ? short_of_spot(f, f->fulfilled_milli, on_demand) : on_demand < f->wanted_on_demand * 1000;
    bool still_wanted = lacks && f->state.now <= WF_MODIFYING;
    if (!still_wanted) {  // a lower target cancels open orders first
        w->pools[pool].depth += spot;
        return;
    }
    if (spot && w->pools[pool].shortage_until_ms > w->now_ms) {
        w->counters.launch_failures++;
        fleet_event(w, fleet, "information", "launchSpecTemporarilyBlacklisted", pool);
        queue_push(w, w->now_ms + 1000, WEV_FLEET_CHECK, fleet, 0, 0);
        return;
    }
    machine_create(w, fleet, pool, weight, spot, false);
    end_replaced(w, fleet);
    fleet_recount(w, fleet);
}

// The member that the fleet itself would end: dearest pool, or fullest, or shallowest.
static int excess_victim(struct world *w, int fleet)
{
    const struct world_fleet *f = &w->fleets[fleet];
    int best = -1;
    double best_score = 0;
    for (size_t n = 0; n < w->instance_count; n++) {
        const struct world_instance *i = &w->instances[n];
        if (i->fleet != fleet || !machine_counts(w, i) || i->notice_ms > 0 || !i->spot)
            continue;
        if (f->fulfilled_milli - i->weight_milli < f->wanted * 1000)
            continue;
        double s = fleet_pool_score(w, fleet, i->pool, i->weight_milli, true);
        if (best < 0 || s > best_score) {
            best = (int)n;
            best_score = s;
        }
    }
    return best;
}

static void end_excess(struct world *w, int fleet)
{
    struct world_fleet *f = &w->fleets[fleet];
    int64_t real = f->fulfilled_milli;
    for (int n; (n = excess_victim(w, fleet)) >= 0;) {
        machine_doom(w, n, WEND_FLEET_EXCESS, f->modified_by);
        f->fulfilled_milli -= w->instances[n].weight_milli;  // so that the loop ends; told as it is below
    }
    f->fulfilled_milli = real;
    fleet_recount(w, fleet);
}

// ---- capacity rebalancing --------------------------------------------------------------------------------------------------
void fleet_at_risk(struct world *w, int fleet)
{
    fleet_recount(w, fleet);
    if (w->fleets[fleet].rebalance != WREB_OFF)
        queue_push(w, w->now_ms + 5000, WEV_FLEET_CHECK, fleet, 0, 0);
}

// launch-before-terminate: the delay of the oldest one at risk begins when a replacement is launched.
static void end_replaced(struct world *w, int fleet)
{
    int oldest = -1;
    if (w->fleets[fleet].rebalance != WREB_LAUNCH_BEFORE_TERMINATE)
        return;
    for (size_t n = 0; n < w->instance_count; n++) {
        const struct world_instance *i = &w->instances[n];
        bool waits = i->used && i->fleet == fleet && i->state.now == WL_RUNNING && i->rebalance_ms > 0 && !i->replaced;
        if (waits && (oldest < 0 || i->rebalance_ms < w->instances[oldest].rebalance_ms))
            oldest = (int)n;
    }
    if (oldest < 0)
        return;
    struct world_instance *i = &w->instances[oldest];
    i->replaced = true;
    i->end = WEND_FLEET_CANCELLED;
    i->ended_by = WORLD_AWS;
    queue_push(w, w->now_ms + w->fleets[fleet].rebalance_delay_ms, WEV_INST_DOOM, oldest, 0, i->serial);
}

void fleet_modified_step(struct world *w, int fleet)
{
    struct world_fleet *f = &w->fleets[fleet];
    if (f->state.now != WF_MODIFYING)
        return;
    world_lag(w, &f->state, WF_ACTIVE);
    news_fleet(w, fleet, "modify_succeeded");
    world_lag(w, &f->target, f->wanted);
    world_lag(w, &f->on_demand, f->wanted_on_demand);
    if (f->excess == WX_DEFAULT)
        end_excess(w, fleet);
    fleet_check_step(w, fleet);
}
