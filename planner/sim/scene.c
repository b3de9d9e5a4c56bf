#include "planner/sim/scene.h"

#include <math.h>
#include <string.h>

#include "planner/sim/group_internal.h"
#include "planner/sim/market.h"

void scene_default(struct scene *s, int64_t tasks)
{
    enum { SERVICES = 8 };
    static const char *const names[SERVICES] = {"web", "api", "search", "cart", "images", "mail", "feed", "login"};
    static const char *const types[] = {"c5.xlarge", "m5.xlarge", "r5.xlarge"};
    struct world_options o;
    world_options_default(&o);
    *s = (struct scene){.name = "default", .start_ms = o.start_ms, .for_ms = 7 * 86400000LL, .period_ms = 60000, .service_count = SERVICES,
                        .type_count = ARRAY_LEN(types), .allocation = WALLOC_PRICE_CAPACITY_OPTIMIZED, .boot_p50_ms = o.boot_p50_ms,
                        .boot_p90_ms = o.boot_p90_ms, .interruptions_per_instance_day = o.interruptions_per_instance_day,
                        .shortages_per_pool_day = o.shortages_per_pool_day};
    int64_t given = 0;
    for (int i = 0; i < SERVICES; i++) {
        int64_t until = tasks * (i + 1) / SERVICES;
        s->services[i] = (struct scene_service){.name = names[i], .cpu_units = 512, .memory_mib = 896, .tasks = until - given, .follow = SCENE_TRACE,
                                                .min_percent = 100, .max_percent = 200, .strategies = {WS_SPREAD_ZONE, WS_BINPACK_CPU},
                                                .strategy_count = 2};
        given = until;
    }
    for (size_t t = 0; t < ARRAY_LEN(types); t++)
        s->types[t] = (struct scene_type){types[t], 1};
}

const char *scene_zone(const struct scene *s, const char *name)
{
    static const char *const zones[] = {"us-east-1a", "us-east-1b", "us-east-1c"};
    for (size_t i = 0; i < ARRAY_LEN(zones); i++)
        if (s->zone_names[i] && !strcmp(s->zone_names[i], name))
            return zones[i];
    return name;
}

// ---- building ---------------------------------------------------------------------------------------------------------------

static void add_service(struct world *w, const struct scene *s, const struct scene_service *v, int provider)
{
    struct world_taskdef d = {.need = res_make(v->cpu_units, v->memory_mib), .stop_timeout_ms = 30000, .stops_in_ms = 5000, .start_ms = 12000};
    struct world_rules rules = {.strategy_count = v->strategy_count};
    world_copy(d.family, sizeof d.family, v->name);
    for (int k = 0; k < v->strategy_count; k++)
        rules.strategies[k].kind = v->strategies[k];
    if (provider >= 0) {
        rules.shares[0] = (struct world_share){.provider = provider, .weight = 1};
        rules.share_count = 1;
    }
    int32_t first = (int32_t)(v->recorded ? floor(workload_trace_value(v->recorded, 0) * v->factor + 0.5) : (double)v->tasks);
    struct world_service_spec spec = {.name = v->name, .cluster = 0, .taskdef = world_add_taskdef(w, &d), .desired = first, .daemon = v->daemon,
                                      .min_percent = v->min_percent, .max_percent = v->max_percent, .rules = &rules};
    int at = world_add_service(w, &spec);
    bool model = v->follow >= SCENE_MODEL && v->follow < SCENE_RECORDED, moves = model || v->follow == SCENE_PROFILE || (v->follow == SCENE_TRACE && s->trace);
    w->services[at].mean_tasks = moves || v->recorded ? v->tasks : 0;
    w->services[at].recorded = v->recorded;
    w->services[at].recorded_factor = v->factor;
    w->services[at].profile = model || v->follow == SCENE_PROFILE;
    w->services[at].model = model ? workload_model((size_t)v->follow - SCENE_MODEL) : NULL;
}

static int read_types(const struct world *w, const struct scene *s, bool weights, struct world_override *ret, struct err *err)
{
    for (size_t t = 0; t < s->type_count; t++) {
        int type = world_type_index(w, s->types[t].name);
        if (type < 0)
            return err_set(err, ERR_INVALID, "type %s: the virtual world has no such type", s->types[t].name);
        ret[t] = (struct world_override){type, -1, (weights ? s->types[t].weight : 1) * 1000};
    }
    return 0;
}

static int check_losses(const struct world *w, const struct scene *s, struct err *err)
{
    for (size_t k = 0; k < s->loss_count; k++) {
        int zone = 0;
        while (zone < w->zone_count && strcmp(w->zones[zone], s->losses[k].zone))
            zone++;
        if (zone == w->zone_count)
            return err_set(err, ERR_INVALID, "zone %s: expected us-east-1a, us-east-1b or us-east-1c", s->losses[k].zone);
        if (*s->losses[k].type && world_type_index(w, s->losses[k].type) < 0)
            return err_set(err, ERR_INVALID, "type %s: the virtual world has no such type", s->losses[k].type);
    }
    return 0;
}

// A market in which each type costs what it costs on demand, for ever, and nothing is taken back.
static int on_demand_market(const struct scene *s, struct arena *a, struct market_trace **ret, struct err *err)
{
    struct world_options o;
    struct world *w;
    struct market_trace *m = arena_new(a, struct market_trace);
    world_options_default(&o);
    o.types = s->world_types;
    o.type_count = s->world_type_count;
    int rc = world_empty(0, &o, &w, err);
    if (rc)
        return rc;
    *m = (struct market_trace){.prices = true, .series = arena_array(a, struct market_series, w->pool_count),
                               .types = arena_array(a, const char *, w->type_count)};
    for (size_t t = 0; t < w->type_count; t++)
        m->types[m->type_count++] = arena_strdup(a, w->types[t].name);
    for (size_t p = 0; p < w->pool_count; p++) {
        double full = (double)w->types[w->pools[p].type].on_demand_usd_micro, usd = full / 1e6;
        if (usd * 1e6 > full)  // above it the pool would be out of stock
            usd = nextafter(usd, 0);
        struct market_point *at = arena_new(a, struct market_point);
        at->value = usd;
        m->series[m->series_count++] = (struct market_series){.zone = arena_strdup(a, w->zones[w->pools[p].zone]), .type = m->types[w->pools[p].type],
                                                              .points = at, .count = 1, .length_s = 2 * s->for_ms / 1000 + 86400, .most = usd,
                                                              .median = usd};
    }
    world_free(w);
    *ret = m;
    return 0;
}

static void add_group(struct world *w, const struct scene *s, const struct world_override *types, int provider)
{
    int fleet = world_add_group(w, &(struct world_group_spec){.name = "main-group", .cluster = 0, .max = 10000, .overrides = types,
                                                              .override_count = (int)s->type_count, .mixed = true, .allocation = s->allocation,
                                                              .protects_new = provider >= 0});
    w->groups[0].suspended = 1u << WP_AZ_REBALANCE;
    if (provider >= 0)
        world_bind_provider(w, provider, fleet);
}

// The provider is there before the services that name it, and is bound to the group that comes after.
static void add_fleet(struct world *w, const struct scene *s, enum scene_fleet kind, struct world_override *types, int provider)
{
    enum scene_kind own = kind == SCENE_OWN ? s->fleet : SCENE_SPOT_FLEET;
    if (kind == SCENE_GROUP || own == SCENE_AUTO_SCALING) {
        add_group(w, s, types, provider);
        return;
    }
    struct world_fleet_spec spec = {.cluster = 0, .allocation = s->allocation, .overrides = types, .override_count = (int)s->type_count,
                                    .ec2_fleet = own != SCENE_SPOT_FLEET};
    if (own == SCENE_INSTANT) {
        spec.instant = spec.request_type = true;
        spec.tag = "main/instant";
        spec.allocation = WALLOC_PRICE_CAPACITY_OPTIMIZED;
        for (size_t t = 0; t < s->type_count; t++)
            types[t].weight_milli = 1000;  // it launches instances
    }
    world_add_fleet(w, &spec);
}

int scene_world(const struct scene *s, uint64_t seed, enum scene_fleet kind, struct arena *a, struct world **ret, struct err *err)
{
    struct world_override types[WORLD_OVERRIDES];
    struct market_trace *fixed;
    struct world_options o;
    struct world *w;
    int rc;
    world_options_default(&o);
    o.start_ms = s->start_ms;
    o.boot_p50_ms = s->boot_p50_ms;
    o.boot_p90_ms = s->boot_p90_ms;
    o.interruptions_per_instance_day = s->interruptions_per_instance_day;
    o.shortages_per_pool_day = s->shortages_per_pool_day;
    o.batch_per_hour = s->batch_per_hour;
    o.deployments_per_day = s->deployments_per_day;
    o.market = s->market;
    o.prices_apart = true;
    o.types = s->world_types;
    o.type_count = s->world_type_count;
    o.flat_permyriad = s->price_percent * 100;
    o.trace = s->trace;
    o.trace_mean = 0;
    for (size_t i = 0; i < s->service_count; i++)
        o.trace_mean += s->services[i].follow == SCENE_TRACE ? s->services[i].tasks : 0;
    if (o.trace_mean == 0)
        o.trace = NULL;
    if (kind == SCENE_ON_DEMAND) {
        rc = on_demand_market(s, a, &fixed, err);
        if (rc)
            return rc;
        o.market = fixed;
    }
    rc = world_empty(seed, &o, &w, err);
    if (rc)
        return rc;
    world_add_cluster(w, "main");
    rc = read_types(w, s, kind != SCENE_GROUP, types, err);
    if (rc == 0)
        rc = check_losses(w, s, err);
    if (rc) {
        world_free(w);
        return rc;
    }
    int provider = kind == SCENE_GROUP ? world_add_provider(w, "main", true) : -1;
    for (size_t i = 0; i < s->service_count; i++)
        add_service(w, s, &s->services[i], provider);
    add_fleet(w, s, kind, types, provider);
    if (kind == SCENE_NOTHING) {
        w->fleets[0].stuck = "nothing";
        for (size_t i = 0; i < w->service_count; i++)
            w->services[i].restart_ms = INT64_MAX;
        demand_start(w);
        demand_workload_step(w);
    } else {
        world_begin(w);
    }
    *ret = w;
    return 0;
}

// ---- losses -----------------------------------------------------------------------------------------------------------------

static bool is_lost(const struct world *w, const struct scene_loss *l, int pool)
{
    return !strcmp(w->zones[w->pools[pool].zone], l->zone) && (!*l->type || !strcmp(w->types[w->pools[pool].type].name, l->type));
}

// Returns when the next one comes.
static int64_t bring_notices(const struct scene *s, struct world *w, int64_t now_ms)
{
    for (size_t k = 0; k < s->notice_count; k++) {
        const struct scene_notice *n = &s->notices[k];
        if (n->at_ms > now_ms)
            return n->at_ms;
        const struct scene_loss where = {.zone = n->zone, .type = n->type};
        for (size_t p = 0; n->at_ms == now_ms && p < w->pool_count; p++)
            if (is_lost(w, &where, (int)p))
                market_interrupt_part(w, (int)p, n->part);
    }
    return INT64_MAX;
}

int64_t scene_losses(const struct scene *s, struct world *w)
{
    int64_t now_ms = w->now_ms - s->start_ms, next_ms = bring_notices(s, w, now_ms);
    for (size_t k = 0; k < s->loss_count; k++) {
        const struct scene_loss *l = &s->losses[k];
        if (l->from_ms > now_ms)
            next_ms = l->from_ms < next_ms ? l->from_ms : next_ms;
        if (l->from_ms != now_ms)
            continue;
        for (size_t p = 0; p < w->pool_count; p++)
            if (is_lost(w, l, (int)p))
                world_set_shortage(w, (int)p, s->start_ms + l->to_ms);
        for (size_t n = 0; n < w->instance_count; n++)
            if (w->instances[n].used && is_lost(w, l, w->instances[n].pool))
                (void)world_interrupt(w, (int)n);
    }
    return next_ms;
}
