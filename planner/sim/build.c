// Putting a world together: by hand (tests, scenarios) and the default one.
#include <string.h>

#include "planner/sim/group_internal.h"
#include "planner/sim/instant.h"

int world_add_cluster(struct world *w, const char *name)
{
    w->clusters = arena_grow(&w->arena, w->clusters, w->cluster_count, &w->cluster_cap, sizeof *w->clusters);
    struct world_cluster *c = &w->clusters[w->cluster_count];
    *c = (struct world_cluster){0};
    world_copy(c->name, sizeof c->name, name);
    return (int)w->cluster_count++;
}

int world_add_taskdef(struct world *w, const struct world_taskdef *t)
{
    struct world_taskdef d = *t;
    for (size_t i = 0; t->revision == 0 && i < w->taskdef_count; i++)
        if (!strcmp(w->taskdefs[i].family, t->family) && w->taskdefs[i].revision >= d.revision)
            d.revision = w->taskdefs[i].revision;
    d.revision += t->revision == 0;
    d.registered_ms = w->now_ms;
    taskdef_keep(w, &d);
    w->taskdefs = arena_grow(&w->arena, w->taskdefs, w->taskdef_count, &w->taskdef_cap, sizeof *w->taskdefs);
    w->taskdefs[w->taskdef_count] = d;
    return (int)w->taskdef_count++;
}

int world_add_service(struct world *w, const struct world_service_spec *spec)
{
    w->services = arena_grow(&w->arena, w->services, w->service_count, &w->service_cap, sizeof *w->services);
    struct world_service *s = &w->services[w->service_count];
    *s = (struct world_service){.cluster = spec->cluster, .daemon = spec->daemon, .desired = spec->daemon ? 0 : spec->desired,
                                .min_percent = spec->min_percent, .max_percent = spec->max_percent, .deployment_count = 1,
                                .created_ms = w->now_ms, .first_task = -1};
    if (spec->rules)
        s->rules = *spec->rules;
    rules_keep(w, &s->rules);
    assert(spec->balancer_count <= WORLD_BALANCERS);
    for (; s->balancer_count < spec->balancer_count; s->balancer_count++) {
        const struct world_balancer *b = &spec->balancers[s->balancer_count];
        s->balancers[s->balancer_count] = (struct world_balancer){arena_strdup(&w->arena, b->target_group), arena_strdup(&w->arena, b->container), b->port};
    }
    s->desired_was = (struct world_lagged){s->desired, s->desired, w->now_ms};
    world_copy(s->name, sizeof s->name, spec->name);
    s->deployments[0] = (struct world_deployment){.taskdef = spec->taskdef, .primary = true, .completed = true, .desired = s->desired,
                                                  .created_ms = w->now_ms, .updated_ms = w->now_ms};
    world_new_id(w, "ecs-svc/", -19, s->deployments[0].id, sizeof s->deployments[0].id);
    service_wake(w, (int)w->service_count, w->now_ms);
    return (int)w->service_count++;
}

int world_add_type(struct world *w, const struct world_type *t)
{
    w->types = arena_grow(&w->arena, w->types, w->type_count, &w->type_cap, sizeof *w->types);
    w->types[w->type_count] = *t;
    market_add_type(w, (int)w->type_count);
    return (int)w->type_count++;
}

int world_add_provider(struct world *w, const char *name, bool managed)
{
    w->providers = arena_grow(&w->arena, w->providers, w->provider_count, &w->provider_cap, sizeof *w->providers);
    struct world_provider *p = &w->providers[w->provider_count];
    *p = (struct world_provider){.managed = managed, .target_percent = 100};
    world_copy(p->name, sizeof p->name, name);
    return (int)w->provider_count++;
}

int world_add_template(struct world *w, const struct world_template *t)
{
    struct world_template own = *t;
    assert(own.attribute_count <= WORLD_ATTRIBUTES);
    for (size_t i = 0; t->version == 0 && i < w->template_count; i++)
        if (!strcmp(w->templates[i].id, own.id) && w->templates[i].version > own.version)
            own.version = w->templates[i].version;
    own.version += t->version == 0;
    for (int k = 0; k < own.attribute_count; k++)
        own.attributes[k] = (struct world_attribute){arena_strdup(&w->arena, own.attributes[k].name), arena_strdup(&w->arena, own.attributes[k].value)};
    w->templates = arena_grow(&w->arena, w->templates, w->template_count, &w->template_cap, sizeof *w->templates);
    w->templates[w->template_count] = own;
    return (int)w->template_count++;
}

void world_set_provider(struct world *w, int instance, int provider)
{
    w->instances[instance].provider = provider;
    w->instances[instance].version++;
    service_wake_cluster(w, w->instances[instance].cluster, false);
}

static void new_fleet_id(struct world *w, bool ec2_fleet, char *out, size_t size)
{
    char hex[40];
    world_new_id(w, "", 32, hex, sizeof hex);
    snprintf(out, size, "%s-%.8s-%.4s-%.4s-%.4s-%.12s", ec2_fleet ? "fleet" : "sfr", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

int world_add_fleet(struct world *w, const struct world_fleet_spec *spec)
{
    assert(spec->needs || (spec->override_count > 0 && spec->override_count <= WORLD_OVERRIDES));
    w->fleets = arena_grow(&w->arena, w->fleets, w->fleet_count, &w->fleet_cap, sizeof *w->fleets);
    int n = (int)w->fleet_count++;
    struct world_fleet *f = &w->fleets[n];
    *f = (struct world_fleet){.cluster = spec->cluster, .template = spec->template, .group = -1, .maintain = !spec->request_type, .wanted = spec->target,
                              .modified_by = WORLD_PERSON, .excess = WX_DEFAULT, .allocation = spec->allocation,
                              .override_count = spec->override_count, .created_ms = w->now_ms};
    f->ec2_fleet = spec->ec2_fleet;
    f->instant = spec->instant;
    if (spec->tag) {
        f->launch.tag_count = 1;
        world_copy(f->launch.tags[0].key, sizeof f->launch.tags[0].key, WORLD_INSTANT_TAG);
        world_copy(f->launch.tags[0].value, sizeof f->launch.tags[0].value, spec->tag);
    }
    f->wanted_on_demand = spec->on_demand;
    f->on_demand = (struct world_lagged){spec->on_demand, spec->on_demand, w->now_ms};
    new_fleet_id(w, f->ec2_fleet, f->id, sizeof f->id);
    f->state = (struct world_lagged){WF_SUBMITTED, WF_SUBMITTED, w->now_ms};
    f->target = (struct world_lagged){spec->target, spec->target, w->now_ms};
    for (int i = 0; i < spec->override_count; i++)
        f->overrides[i] = spec->overrides[i];
    if (spec->needs) {
        f->by_attributes = true;
        f->needs = *spec->needs;
        f->override_count = world_meeting(w, spec->needs, f->overrides);
    }
    queue_push(w, w->now_ms, WEV_FLEET_CHECK, n, 0, 0);
    return n;
}

int world_add_instance(struct world *w, int cluster, int fleet, int type, int zone)
{
    int pool = fleet_pool(w, type, zone);
    int64_t weight_milli = 1000;
    assert(pool >= 0);
    for (int o = 0; fleet >= 0 && o < w->fleets[fleet].override_count; o++)
        if (w->fleets[fleet].overrides[o].type == type)
            weight_milli = w->fleets[fleet].overrides[o].weight_milli;
    int n = machine_create(w, fleet, pool, weight_milli, fleet >= 0 && (w->fleets[fleet].group < 0 || w->groups[w->fleets[fleet].group].mixed), true);
    w->instances[n].cluster = cluster;
    // it has been there for one to three hours
    int64_t age_ms = rng_between(&w->booting, 3600000, 3 * 3600000);
    w->instances[n].created_ms = w->instances[n].launched_ms = w->now_ms - age_ms;
    w->instances[n].running_ms = w->instances[n].launched_ms + 25000;
    w->instances[n].registered_ms = w->instances[n].launched_ms + 75000;
    w->instances[n].state = (struct world_lagged){WL_RUNNING, WL_RUNNING, w->instances[n].running_ms};
    w->instances[n].status = (struct world_lagged){WE_ACTIVE, WE_ACTIVE, w->instances[n].registered_ms};
    if (fleet >= 0)
        fleet_recount(w, fleet);
    service_wake_cluster(w, cluster, false);
    return n;
}

struct plan_service {
    const char *name;
    int cluster, cpu_units, memory_mib, mean_tasks, min_percent, max_percent;
    int strategies[2];
    int stop_timeout_s, stops_in_s;
    unsigned flags;
};

enum { DAEMON = 1, DISTINCT = 2, PROTECTS = 4, BALANCED = 8 };
enum { NO = -1, ZONE = WS_SPREAD_ZONE, HOST = WS_SPREAD_INSTANCE, BINCPU = WS_BINPACK_CPU, BINMEM = WS_BINPACK_MEMORY, ANY = WS_RANDOM };

static const struct plan_service plan[] = {
    {"log-agent", 0, 128, 256, 0, 0, 100, {NO, NO}, 30, 2, DAEMON},
    {"web", 0, 512, 1024, 26, 100, 200, {ZONE, HOST}, 30, 5, BALANCED},
    {"api", 0, 1024, 2048, 18, 100, 200, {ZONE, BINMEM}, 30, 8, BALANCED},
    {"auth", 0, 256, 512, 11, 50, 200, {ZONE, HOST}, 30, 3, BALANCED},
    {"search", 0, 2048, 6144, 7, 100, 150, {BINMEM, NO}, 120, 45, BALANCED},
    {"cart", 0, 512, 1024, 14, 100, 200, {ZONE, HOST}, 30, 4, BALANCED},
    {"images", 0, 1024, 1536, 11, 50, 150, {ANY, NO}, 30, 3, BALANCED},
    {"mail", 0, 256, 512, 5, 50, 200, {BINCPU, NO}, 30, 10, 0},
    {"edge", 0, 256, 512, 4, 50, 200, {ZONE, NO}, 30, 15, DISTINCT},
    {"ledger", 0, 1024, 4096, 5, 100, 200, {ZONE, BINCPU}, 60, 20, PROTECTS},
    {"log-agent", 1, 128, 256, 0, 0, 100, {NO, NO}, 30, 2, DAEMON},
    {"crawler", 1, 1024, 2048, 18, 50, 200, {BINCPU, NO}, 30, 6, 0},
    {"thumbs", 1, 2048, 2048, 8, 100, 200, {BINCPU, NO}, 30, 4, 0},
    {"video", 1, 4096, 8192, 4, 100, 200, {ZONE, NO}, 120, 90, 0},
    {"reports", 1, 1024, 6144, 6, 100, 200, {BINMEM, NO}, 30, 10, 0},
    {"billing", 1, 512, 2048, 4, 100, 200, {ZONE, HOST}, 30, 8, PROTECTS},
    {"clock", 1, 512, 1024, 2, 100, 100, {ZONE, HOST}, 30, 2, 0},
    {"indexer", 1, 2048, 8192, 6, 50, 200, {ZONE, BINMEM}, 60, 25, 0},
    {"notify", 1, 256, 512, 10, 100, 200, {ZONE, HOST}, 30, 2, 0},
    {"etl", 1, 2048, 12288, 4, 50, 200, {BINMEM, NO}, 60, 30, 0},
};

static void add_planned_service(struct world *w, const struct plan_service *p)
{
    struct world_taskdef d = {.need = res_make(p->cpu_units, p->memory_mib), .stop_timeout_ms = p->stop_timeout_s * 1000LL,
                              .stops_in_ms = p->stops_in_s * 1000LL, .start_ms = 12000};
    snprintf(d.family, sizeof d.family, "%s-%s", w->clusters[p->cluster].name, p->name);
    struct world_rules rules = {.distinct_instance = (p->flags & DISTINCT) != 0};
    for (int n = 0; n < 2 && p->strategies[n] != NO; n++)
        rules.strategies[rules.strategy_count++].kind = (enum world_strategy_kind)p->strategies[n];
    struct world_service_spec s = {.name = p->name, .cluster = p->cluster, .taskdef = world_add_taskdef(w, &d), .daemon = (p->flags & DAEMON) != 0,
                                   .min_percent = p->min_percent, .max_percent = p->max_percent, .rules = &rules, .desired = p->mean_tasks};
    char group[WORLD_TEXT];
    struct world_view v = world_view(w);
    snprintf(group, sizeof group, "arn:aws:elasticloadbalancing:%s:%s:targetgroup/%s/%016zx", v.region, v.account, d.family, (size_t)0xa1b0 + w->service_count);
    s.balancers = &(struct world_balancer){group, "app", 8080};
    s.balancer_count = (p->flags & BALANCED) != 0;
    int at = world_add_service(w, &s);
    w->services[at].mean_tasks = p->mean_tasks ? 1 + (p->mean_tasks * (int64_t)w->o.scale_permyriad - 1) / 10000 : 0;
    w->services[at].protects_ms = (p->flags & PROTECTS) ? 900000 : 0;
    if (p->max_percent > 100 && !(p->flags & DAEMON))
        w->services[at].desired = (int32_t)w->services[at].mean_tasks;
}

// A launch template for each cluster says in whose user data its name is.
static void add_planned_instants(struct world *w, const struct world_fleet_spec *s)
{
    char name[2 * WORLD_ID], id[32];
    struct world_override plain[WORLD_OVERRIDES];
    snprintf(id, sizeof id, "lt-0b0c5a4db0c50000%d", 2 + s->cluster);
    snprintf(name, sizeof name, "%s/instant", w->clusters[s->cluster].name);
    struct world_template template = {.ami = "ami-0b0c5a4db0c500001", .agent_version = "1.98.0", .cluster = s->cluster};
    world_copy(template.id, sizeof template.id, id);
    world_copy(template.name, sizeof template.name, w->clusters[s->cluster].name);
    for (int i = 0; i < s->override_count; i++)
        plain[i] = (struct world_override){s->overrides[i].type, -1, 1000};
    struct world_fleet_spec spec = *s;
    spec.overrides = plain;
    spec.template = world_add_template(w, &template);
    spec.ec2_fleet = spec.request_type = spec.instant = true;
    spec.allocation = WALLOC_PRICE_CAPACITY_OPTIMIZED;
    spec.tag = name;
    world_add_fleet(w, &spec);
}

// As groups: the first rebalances its zones, the second has that suspended.
static void add_planned_fleet(struct world *w, const struct world_fleet_spec *s)
{
    if (w->o.fleet_mix == WMIX_INSTANT) {
        add_planned_instants(w, s);
        return;
    }
    if (!w->o.groups) {
        world_add_fleet(w, s);
        return;
    }
    char name[WORLD_ID + 8];
    snprintf(name, sizeof name, "%s-group", w->clusters[s->cluster].name);
    int fleet = world_add_group(w, &(struct world_group_spec){.name = name, .cluster = s->cluster, .max = 1000, .overrides = s->overrides,
                                                              .override_count = s->override_count, .mixed = true, .allocation = s->allocation});
    if (s->cluster > 0)
        world_group_suspend(w, WORLD_PERSON, fleet, 1u << WP_AZ_REBALANCE, true);
}

static void add_planned_fleets(struct world *w)
{
    static const char *const by_vcpu[] = {"c5.xlarge", "m5.xlarge", "c5.2xlarge", "m5.2xlarge", "r5.2xlarge"};
    static const char *const plain[] = {"c5.2xlarge", "m5.2xlarge", "r5.2xlarge"};
    struct world_override o[WORLD_OVERRIDES];
    for (size_t i = 0; i < ARRAY_LEN(by_vcpu); i++) {
        int type = world_type_index(w, by_vcpu[i]);
        o[i] = (struct world_override){type, -1, w->types[type].vcpus * 1000LL};
    }
    add_planned_fleet(w, &(struct world_fleet_spec){.cluster = 0, .ec2_fleet = w->o.fleet_mix == WMIX_EC2, .allocation = WALLOC_PRICE_CAPACITY_OPTIMIZED,
                                                    .overrides = o, .override_count = (int)ARRAY_LEN(by_vcpu)});
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        o[i] = (struct world_override){world_type_index(w, plain[i]), -1, 1000};
    add_planned_fleet(w, &(struct world_fleet_spec){.cluster = 1, .ec2_fleet = w->o.fleet_mix != WMIX_SPOT, .allocation = WALLOC_DIVERSIFIED,
                                                    .overrides = o, .override_count = (int)ARRAY_LEN(plain)});
}

static bool all_placed(struct world *w, int cluster)
{
    bool placed = true;
    for (size_t s = 0; s < w->service_count; s++) {
        struct world_service *v = &w->services[s];
        if (v->cluster != cluster)
            continue;
        v->retry_ms = v->pause_ms = 0;
        service_step(w, (int)s);
        placed &= v->daemon || v->missing == 0;
    }
    return placed;
}

// Members one after the other, over types and zones, until all tasks have a place, and a fifth more. Pools that are out of stock in a
// recorded market have none, unless all are.
static void fill_fleet(struct world *w, int fleet)
{
    int cluster = w->fleets[fleet].cluster, overrides = w->fleets[fleet].override_count, more = -1, out = 0;
    for (int n = 0; n < 5000 && more != 0; n++) {
        int type = w->fleets[fleet].overrides[n % overrides].type, zone = (n / overrides + n) % w->zone_count;
        if (w->pools[fleet_pool(w, type, zone)].depth == 0 && ++out <= overrides * w->zone_count)
            continue;
        out = 0;
        world_add_instance(w, cluster, fleet, type, zone);
        if (more > 0)
            more--;
        else if (all_placed(w, cluster))
            more = 1 + n / 5;
    }
    struct world_fleet *f = &w->fleets[fleet];
    f->wanted = f->fulfilled_milli / 1000;
    f->target.now = f->target.before = f->wanted;
    f->state = (struct world_lagged){WF_ACTIVE, WF_ACTIVE, w->now_ms};
    fleet_recount(w, fleet);
}

// The world does not begin with a thundering herd: what has a place runs.
static void settle(struct world *w)
{
    for (size_t s = 0; s < w->service_count; s++)
        service_step(w, (int)s);
    for (size_t n = 0; n < w->task_count; n++) {
        struct world_task *t = &w->tasks[n];
        task_start_step(w, (int)n);
        t->created_ms = t->started_ms = t->healthy_ms = w->now_ms - 1800000;
        t->last.changed_ms = t->desired.changed_ms = t->created_ms;
        t->last.before = t->last.now;
    }
    for (size_t s = 0; s < w->service_count; s++) {
        w->services[s].event_count = 0;
        w->services[s].created_ms = w->now_ms - 86400000;
        w->services[s].deployments[0].created_ms = w->services[s].deployments[0].updated_ms = w->services[s].created_ms;
        service_step(w, (int)s);
    }
    for (size_t f = 0; f < w->fleet_count; f++)
        w->fleets[f].created_ms = w->now_ms - 86400000;
    w->counters = (struct world_counters){0};
}

void world_begin(struct world *w)
{
    demand_start(w);
    demand_workload_step(w);
    for (size_t f = 0; f < w->fleet_count; f++)
        fill_fleet(w, (int)f);
    settle(w);
}

int world_default(uint64_t seed, const struct world_options *o, struct world **ret, struct err *err)
{
    struct world *w;
    int r = world_empty(seed, o, &w, err);
    if (r < 0)
        return r;
    world_add_cluster(w, "main");
    world_add_cluster(w, "jobs");
    for (size_t i = 0; i < ARRAY_LEN(plan); i++)
        add_planned_service(w, &plan[i]);
    add_planned_fleets(w);
    bool bound = !o->trace_service;
    for (size_t s = 0; s < w->service_count && !bound; s++)
        bound = !strcmp(w->services[s].name, o->trace_service) && !w->services[s].daemon;
    if (!bound) {
        world_free(w);
        return err_set(err, ERR_INVALID, "trace: no service \"%s\" in the default world", o->trace_service);
    }
    world_begin(w);
    *ret = w;
    return 0;
}
