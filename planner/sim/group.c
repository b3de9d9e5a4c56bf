// The life of an Auto Scaling group and of its members.
//
//   Pending ─► [Pending:Wait] ─► InService ─► [Terminating:Wait] ─► Terminating ─► (EC2 terminated) gone
#include "planner/sim/group.h"

#include <stdio.h>
#include <string.h>

#include "planner/sim/group_internal.h"

enum { TICK_MS = 30000, DAY_MS = 86400000, HOUR_MS = 3600000 };
#define HOOK_LIMIT_MS (48 * (int64_t)HOUR_MS)

struct world_group *group_of(struct world *w, int fleet)
{
    return fleet >= 0 && w->fleets[fleet].group >= 0 ? &w->groups[w->fleets[fleet].group] : NULL;
}

static bool suspended(const struct world_group *g, enum world_process p)
{
    return g->suspended >> p & 1;
}

static bool in_service(const struct world_instance *i)
{
    return i->member.state.now == WM_IN_SERVICE && i->state.now == WL_RUNNING;
}

struct world_scaling *group_note(struct world *w, int fleet, int instance, const char *text, const char *cause)
{
    struct world_group *g = group_of(w, fleet);
    struct world_scaling *a = &g->activities[g->activity_count++ % WORLD_ACTIVITIES];
    *a = (struct world_scaling){.start_ms = w->now_ms, .end_ms = w->now_ms};
    char hex[40];
    world_new_id(w, "", 32, hex, sizeof hex);
    snprintf(a->id, sizeof a->id, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    const char *id = instance >= 0 ? w->instances[instance].id : "";
    world_copy(a->instance_id, sizeof a->instance_id, id);
    snprintf(a->text, sizeof a->text, "%s%s", text, id);
    world_copy(a->cause, sizeof a->cause, cause);
    return a;
}

// ---- zones -----------------------------------------------------------------------------------------------------------------
static bool has_zone(const struct world_fleet *f, int zone)
{
    for (int o = 0; o < f->override_count; o++)
        if (f->overrides[o].zone < 0 || f->overrides[o].zone == zone)
            return true;
    return false;
}

// Members by zone: InService alone, or with all that comes.
static void count_zones(const struct world *w, int fleet, int without, bool coming, int count[8])
{
    const struct world_fleet *f = &w->fleets[fleet];
    for (int z = 0; z < 8; z++)
        count[z] = coming ? w->groups[f->group].open_in_zone[z] : 0;
    for (size_t n = 0; n < w->instance_count; n++) {
        const struct world_instance *i = &w->instances[n];
        if (i->used && i->fleet == fleet && (int)n != without && (coming ? machine_counts(w, i) : in_service(i)))
            count[w->pools[i->pool].zone]++;
    }
}

// The emptiest and the fullest zone of the group.
static int gap_of(const struct world *w, int fleet, const int count[8], int *ret_least, int *ret_most)
{
    int least = -1, most = -1;
    for (int z = 0; z < w->zone_count; z++) {
        if (!has_zone(&w->fleets[fleet], z))
            continue;
        least = least < 0 || count[z] < count[least] ? z : least;
        most = most < 0 || count[z] > count[most] ? z : most;
    }
    *ret_least = least;
    *ret_most = most;
    return least < 0 ? 0 : count[most] - count[least];
}

int group_zone_gap(const struct world *w, int fleet, int without)
{
    int count[8], least, most;
    count_zones(w, fleet, without, false, count);
    return gap_of(w, fleet, count, &least, &most);
}

// ---- launches --------------------------------------------------------------------------------------------------------------
struct choice {
    int override, pool;
};

static struct choice best_in(const struct world *w, int fleet, int zone, bool spot)
{
    const struct world_fleet *f = &w->fleets[fleet];
    struct choice best = {-1, -1};
    double best_score = 0;
    for (int o = 0; o < f->override_count; o++) {
        int pool = f->overrides[o].zone < 0 || f->overrides[o].zone == zone ? fleet_pool(w, f->overrides[o].type, zone) : -1;
        if (pool < 0 || (spot && w->pools[pool].depth <= 0) || fleet_addresses_left(w, zone) <= 0)
            continue;
        double score = fleet_pool_score(w, fleet, pool, f->overrides[o].weight_milli, spot);
        if (best.pool < 0 || score < best_score) {
            best_score = score;
            best = (struct choice){o, pool};
        }
    }
    return best;
}

// In the emptiest zone that has something; only there when it is to bring balance.
static struct choice choose(const struct world *w, int fleet, bool spot, bool for_balance)
{
    int count[8], least, most;
    count_zones(w, fleet, -1, true, count);
    struct choice c = {-1, -1};
    for (int tried = 0; tried < w->zone_count && c.pool < 0; tried++) {
        gap_of(w, fleet, count, &least, &most);
        if (least < 0 || count[least] == INT32_MAX)
            break;
        c = best_in(w, fleet, least, spot);
        count[least] = INT32_MAX;
        if (for_balance)
            break;
    }
    return c;
}

static int64_t on_demand_milli(const struct world *w, int fleet)
{
    int64_t sum = w->fleets[fleet].open_on_demand_milli;
    for (size_t n = 0; n < w->instance_count; n++)
        if (w->instances[n].fleet == fleet && !w->instances[n].spot && machine_counts(w, &w->instances[n]))
            sum += w->instances[n].weight_milli;
    return sum;
}

static bool next_is_spot(const struct world *w, int fleet, int64_t have_milli)
{
    const struct world_group *g = &w->groups[w->fleets[fleet].group];
    if (!g->mixed)
        return false;
    int64_t base = g->on_demand_base * 1000, above = have_milli + 1000 - base;
    int64_t wanted = above <= 0 ? have_milli + 1000 : base + (above * g->on_demand_percent + 99) / 100;
    return on_demand_milli(w, fleet) >= wanted;
}

static void failed_launch(struct world *w, int fleet, int pool, const char *message)
{
    struct world_group *g = group_of(w, fleet);
    if (g->failing_ms == 0)
        g->failing_ms = w->now_ms;
    struct world_scaling *a = group_note(w, fleet, -1, "Launching a new EC2 instance", "an instance was started in response to a difference "
                                          "between desired and actual capacity.");
    a->failed = true;
    world_copy(a->message, sizeof a->message, message);
    w->counters.launch_failures++;
    w->fleets[fleet].activity = WA_ERROR;
    news_launch_failed(w, fleet, message, pool);
    if (w->now_ms - g->failing_ms < DAY_MS)
        return;
    g->suspended |= 1u << WP_LAUNCH;  // AWS gives up on a group that has failed for a day
    g->suspended_by_aws = true;
    g->suspended_ms = w->now_ms;
}

// One from the warm pool; false: there is none.
static bool take_warm(struct world *w, int fleet)
{
    for (size_t n = 0; n < w->instance_count; n++) {
        struct world_instance *i = &w->instances[n];
        int64_t state = i->member.state.now;
        if (!i->used || i->fleet != fleet || (state != WM_WARMED_STOPPED && state != WM_WARMED_RUNNING && state != WM_WARMED_HIBERNATED))
            continue;
        world_lag(w, &i->member.state, WM_PENDING);
        if (i->state.now != WL_RUNNING)
            world_lag(w, &i->state, WL_PENDING);
        queue_push(w, w->now_ms + 10000, WEV_INST_RUNNING, (int)n, 0, i->serial);
        queue_push(w, w->now_ms + 25000, WEV_INST_REGISTER, (int)n, 0, i->serial);
        fleet_recount(w, fleet);
        return true;
    }
    return false;
}

static bool order_one(struct world *w, int fleet, bool for_balance)
{
    struct world_fleet *f = &w->fleets[fleet];
    struct world_group *g = group_of(w, fleet);
    if (!for_balance && take_warm(w, fleet))
        return true;
    bool spot = next_is_spot(w, fleet, f->fulfilled_milli + f->open_milli);
    struct choice c = choose(w, fleet, spot, for_balance);
    if (c.pool < 0) {
        failed_launch(w, fleet, -1, "We currently do not have sufficient capacity in the Availability Zones you requested "
                                "(InsufficientInstanceCapacity). Launching EC2 instance failed.");
        return false;
    }
    int64_t weight = f->overrides[c.override].weight_milli;
    w->pools[c.pool].depth -= spot;
    f->open_milli += weight;
    f->open_on_demand_milli += spot ? 0 : weight;
    g->open_in_zone[w->pools[c.pool].zone]++;
    int64_t in_ms = w->o.launch_ms / 2 + (int64_t)rng_below(&w->booting, (uint64_t)w->o.launch_ms + 1);
    queue_push(w, w->now_ms + in_ms, WEV_FLEET_LAUNCH, fleet, c.override * FLEET_PACK + c.pool, spot);
    return true;
}

void group_launch_step(struct world *w, int fleet, int override, int pool, bool spot)
{
    struct world_fleet *f = &w->fleets[fleet];
    struct world_group *g = group_of(w, fleet);
    g->open_in_zone[w->pools[pool].zone]--;
    if (suspended(g, WP_LAUNCH) || g->deleting) {
        w->pools[pool].depth += spot;
        return;
    }
    if (spot && w->pools[pool].shortage_until_ms > w->now_ms) {
        failed_launch(w, fleet, pool, "We currently do not have sufficient capacity in the Availability Zone you requested "
                                "(InsufficientInstanceCapacity). Launching EC2 instance failed.");
        queue_push(w, w->now_ms + 1000, WEV_FLEET_CHECK, fleet, 0, 0);
        return;
    }
    g->failing_ms = 0;
    int n = machine_create(w, fleet, pool, f->overrides[override].weight_milli, spot, false);
    group_note(w, fleet, n, "Launching a new EC2 instance: ", "an instance was started in response to a difference between desired and actual "
               "capacity.");
    fleet_recount(w, fleet);
}

// ---- members ---------------------------------------------------------------------------------------------------------------
void group_joined(struct world *w, int n, bool booted)
{
    struct world_instance *i = &w->instances[n];
    const struct world_group *g = group_of(w, i->fleet);
    if (!g)
        return;
    for (size_t p = 0; p < w->provider_count; p++)
        if (w->providers[p].group == i->fleet + 1)
            i->provider = (int)p;
    i->member = (struct world_membership){.protected = g->protects_new, .hook = -1};
    i->member.state = (struct world_lagged){booted ? WM_IN_SERVICE : WM_PENDING, WM_PENDING, w->now_ms};
}

static int hook_for(const struct world_group *g, bool launching)
{
    for (int k = 0; k < g->hook_count; k++)
        if (g->hooks[k].launching == launching)
            return k;
    return -1;
}

static void wait_for_hook(struct world *w, int n, int hook, enum world_member state)
{
    struct world_instance *i = &w->instances[n];
    const struct world_hook_of_group *h = &group_of(w, i->fleet)->hooks[hook];
    i->member.hook = hook;
    i->member.hook_until_ms = w->now_ms + h->heartbeat_ms;
    i->member.hook_limit_ms = w->now_ms + (100 * h->heartbeat_ms < HOOK_LIMIT_MS ? 100 * h->heartbeat_ms : HOOK_LIMIT_MS);
    char hex[40];
    world_new_id(w, "", 32, hex, sizeof hex);
    snprintf(i->member.token, sizeof i->member.token, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    world_lag(w, &i->member.state, state);
    queue_push(w, i->member.hook_until_ms, WEV_INST_HOOK, n, 0, i->serial);
    news_hook(w, n, h->launching ? WNEWS_HOOK_LAUNCH : WNEWS_HOOK_TERMINATE, h->name);
}

void group_running(struct world *w, int n)
{
    struct world_instance *i = &w->instances[n];
    if (i->member.state.now != WM_PENDING)
        return;
    int hook = hook_for(group_of(w, i->fleet), true);
    if (hook >= 0)
        wait_for_hook(w, n, hook, WM_PENDING_WAIT);
    else
        world_lag(w, &i->member.state, WM_IN_SERVICE);
    fleet_recount(w, i->fleet);
}

void group_ended(struct world *w, int n)
{
    struct world_instance *i = &w->instances[n];
    if (i->member.state.now == WM_NONE)
        return;
    bool waited = i->member.state.now == WM_TERMINATING_WAIT || i->member.state.now == WM_TERMINATING_PROCEED;
    world_lag(w, &i->member.state, waited ? WM_TERMINATING_PROCEED : WM_TERMINATING);
}

void group_end_member(struct world *w, int n, enum world_end end, enum world_actor by, const char *cause)
{
    struct world_instance *i = &w->instances[n];
    int hook = hook_for(group_of(w, i->fleet), false);
    group_note(w, i->fleet, n, "Terminating EC2 instance: ", cause);
    i->member.end = (int)end;
    i->member.by = (int)by;
    if (hook < 0 || i->state.now != WL_RUNNING) {
        machine_end(w, n, end, by);
        return;
    }
    wait_for_hook(w, n, hook, WM_TERMINATING_WAIT);
    fleet_recount(w, i->fleet);
    queue_push(w, w->now_ms + 1000, WEV_FLEET_CHECK, i->fleet, 0, 0);
}

void group_proceed(struct world *w, int n, bool abandon)
{
    struct world_instance *i = &w->instances[n];
    if (i->member.state.now == WM_TERMINATING_WAIT) {
        world_lag(w, &i->member.state, WM_TERMINATING_PROCEED);
        machine_end(w, n, (enum world_end)i->member.end, (enum world_actor)i->member.by);
    } else if (i->member.state.now == WM_PENDING_WAIT) {
        world_lag(w, &i->member.state, abandon ? WM_TERMINATING : WM_IN_SERVICE);
        if (abandon)
            machine_end(w, n, WEND_GROUP, WORLD_AWS);
        fleet_recount(w, i->fleet);
    }
}

void group_hook_step(struct world *w, int n)
{
    const struct world_instance *i = &w->instances[n];
    bool waits = i->member.state.now == WM_TERMINATING_WAIT || i->member.state.now == WM_PENDING_WAIT;
    if (waits && w->now_ms >= i->member.hook_until_ms)
        group_proceed(w, n, group_of(w, i->fleet)->hooks[i->member.hook].abandons);
}

// ---- fewer -----------------------------------------------------------------------------------------------------------------
static bool at_risk(const struct world *w, int fleet, const struct world_instance *i)
{
    return w->groups[w->fleets[fleet].group].capacity_rebalance && i->used && i->fleet == fleet && i->spot && i->rebalance_ms > 0 && in_service(i);
}

// Whom the default policy ends, those at risk before all: in the zone with most members, of the oldest template, the one that runs longest.
static int excess_victim(const struct world *w, int fleet)
{
    const struct world_group *g = &w->groups[w->fleets[fleet].group];
    int count[8], best = -1;
    int64_t serving = 0;
    count_zones(w, fleet, -1, false, count);
    for (size_t n = 0; n < w->instance_count; n++)
        serving += w->instances[n].used && w->instances[n].fleet == fleet && in_service(&w->instances[n]) ? w->instances[n].weight_milli : 0;
    for (size_t n = 0; n < w->instance_count; n++) {
        const struct world_instance *i = &w->instances[n], *b = best >= 0 ? &w->instances[best] : NULL;
        bool spared = i->member.protected && !(g->rebalancing && g->rebalance_ends_protected);
        if (!i->used || i->fleet != fleet || !in_service(i) || spared || serving - i->weight_milli < w->fleets[fleet].wanted * 1000)
            continue;
        if (at_risk(w, fleet, i))
            return (int)n;
        int more = b ? count[w->pools[i->pool].zone] - count[w->pools[b->pool].zone] : 1;
        bool older = b && (i->template != b->template ? i->template < b->template : i->launched_ms < b->launched_ms);
        if (more > 0 || (more == 0 && older))
            best = (int)n;
    }
    return best;
}

static void end_excess(struct world *w, int fleet)
{
    struct world_group *g = group_of(w, fleet);
    for (int n; !suspended(g, WP_TERMINATE) && (n = excess_victim(w, fleet)) >= 0;)
        group_end_member(w, n, WEND_GROUP, (enum world_actor)g->excess_by, "an instance was taken out of service in response to a difference "
                         "between desired and actual capacity.");
}

void group_check(struct world *w, int fleet)
{
    struct world_fleet *f = &w->fleets[fleet];
    struct world_group *g = group_of(w, fleet);
    fleet_recount(w, fleet);
    if (g->deleting)
        return;
    for (int limit = 0; !suspended(g, WP_LAUNCH) && f->fulfilled_milli + f->open_milli < f->wanted * 1000 && limit < WORLD_INSTANCES_MAX; limit++)
        if (!order_one(w, fleet, false))
            break;
    end_excess(w, fleet);
}

// ---- what a group does by itself -------------------------------------------------------------------------------------------
// One more in the emptiest zone first; what is then too many is ended as any excess. The launch may pass the maximum by a tenth.
static void rebalance(struct world *w, int fleet)
{
    struct world_fleet *f = &w->fleets[fleet];
    struct world_group *g = group_of(w, fleet);
    int count[8], least, most;
    count_zones(w, fleet, -1, true, count);
    bool level = gap_of(w, fleet, count, &least, &most) <= 1;
    if (group_zone_gap(w, fleet, -1) <= 1 && f->fulfilled_milli <= f->wanted * 1000) {
        g->unbalanced_by = g->excess_by = WORLD_AWS;
        g->rebalancing = false;
    }
    int64_t over = g->max / 10 > 1 ? g->max / 10 : 1;
    bool room = f->fulfilled_milli + f->open_milli < (g->max + over) * 1000 && f->fulfilled_milli + f->open_milli <= f->wanted * 1000;
    bool movable = g->rebalance_ends_protected;
    for (size_t n = 0; n < w->instance_count && !movable; n++) {
        const struct world_instance *i = &w->instances[n];
        movable = i->used && i->fleet == fleet && in_service(i) && w->pools[i->pool].zone == most && !i->member.protected;
    }
    if (level || !room || !movable || suspended(g, WP_AZ_REBALANCE) || suspended(g, WP_LAUNCH))
        return;
    if (!order_one(w, fleet, true))
        return;
    g->excess_by = g->unbalanced_by;
    g->rebalancing = true;
}

// Capacity Rebalancing: one more for each member at risk, a tenth above the maximum at most; those at risk are the excess then.
static void replace_at_risk(struct world *w, int fleet)
{
    struct world_fleet *f = &w->fleets[fleet];
    struct world_group *g = group_of(w, fleet);
    int64_t risk_milli = 0, most_milli = (g->max + (g->max / 10 > 1 ? g->max / 10 : 1)) * 1000;
    for (size_t n = 0; n < w->instance_count; n++)
        risk_milli += at_risk(w, fleet, &w->instances[n]) ? w->instances[n].weight_milli : 0;
    if (risk_milli == 0 || suspended(g, WP_LAUNCH))
        return;
    g->excess_by = WORLD_AWS;
    while (f->fulfilled_milli + f->open_milli < f->wanted * 1000 + risk_milli && f->fulfilled_milli + f->open_milli < most_milli)
        if (!order_one(w, fleet, false))
            break;
}

static void replace_unhealthy(struct world *w, int fleet)
{
    const struct world_group *g = group_of(w, fleet);
    bool replaces = !suspended(g, WP_HEALTH_CHECK) && !suspended(g, WP_REPLACE_UNHEALTHY) && !suspended(g, WP_TERMINATE);
    for (size_t n = 0; replaces && n < w->instance_count; n++) {
        const struct world_instance *i = &w->instances[n];
        bool bad = i->member.unhealthy || i->state.now == WL_STOPPED;
        if (i->used && i->fleet == fleet && i->member.state.now == WM_IN_SERVICE && bad)
            group_end_member(w, (int)n, WEND_GROUP, WORLD_AWS, "an instance was taken out of service in response to an EC2 health check.");
    }
}

// A member that is older than what it may be; -1. Only while the group is whole: one after the other.
static int outlived(const struct world *w, int fleet, int64_t before_ms, bool *ret_protected)
{
    *ret_protected = false;
    for (size_t n = 0; n < w->instance_count; n++) {
        const struct world_instance *i = &w->instances[n];
        if (!i->used || i->fleet != fleet || !in_service(i) || i->launched_ms >= before_ms)
            continue;
        if (!i->member.protected)
            return (int)n;
        *ret_protected = true;
    }
    return -1;
}

// Nobody comes or goes.
static bool still(const struct world *w, int fleet)
{
    for (size_t n = 0; n < w->instance_count; n++) {
        int64_t state = w->instances[n].member.state.now;
        if (w->instances[n].used && w->instances[n].fleet == fleet && state != WM_NONE && state < WM_DETACHING && state != WM_IN_SERVICE &&
            state != WM_TERMINATED)
            return false;
    }
    return true;
}

static void replace_old(struct world *w, int fleet)
{
    struct world_fleet *f = &w->fleets[fleet];
    struct world_group *g = group_of(w, fleet);
    bool whole = f->fulfilled_milli >= f->wanted * 1000 && !suspended(g, WP_TERMINATE) && still(w, fleet), held = false;
    int n = g->lifetime_ms > 0 && whole ? outlived(w, fleet, w->now_ms - g->lifetime_ms, &held) : -1;
    if (n >= 0) {
        group_end_member(w, n, WEND_GROUP, WORLD_AWS, "an instance was taken out of service in response to its maximum lifetime.");
        return;
    }
    if (g->refresh == WR_PENDING)
        g->refresh = WR_IN_PROGRESS;
    if (g->refresh != WR_IN_PROGRESS || !whole || suspended(g, WP_INSTANCE_REFRESH))
        return;
    n = outlived(w, fleet, g->refresh_ms, &held);
    if (n >= 0) {
        group_end_member(w, n, WEND_GROUP, WORLD_AWS, "an instance was taken out of service in response to an instance refresh.");
    } else if (!held || w->now_ms - g->refresh_ms > HOUR_MS) {  // protected ones: an hour of waiting, then it fails
        g->refresh = held ? WR_FAILED : WR_SUCCESSFUL;
        g->refresh_end_ms = w->now_ms;
    }
}

void group_tick_step(struct world *w, int fleet)
{
    queue_push(w, w->now_ms + TICK_MS, WEV_GROUP_TICK, fleet, 0, 0);
    struct world_group *g = group_of(w, fleet);
    if (g->deleting) {
        for (size_t n = 0; w->now_ms - g->moved_ms > WORLD_DOOM_MS && n < w->instance_count; n++)
            if (w->instances[n].used && w->instances[n].fleet == fleet)
                machine_end(w, (int)n, WEND_GROUP, WORLD_AWS);
        return;
    }
    replace_unhealthy(w, fleet);
    group_check(w, fleet);
    rebalance(w, fleet);
    replace_at_risk(w, fleet);
    replace_old(w, fleet);
}
