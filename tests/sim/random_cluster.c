#include "tests/sim/random_cluster.h"

#include <stdio.h>
#include <string.h>

#include "planner/sim/query.h"

static const char *pick(struct rng *r, const char *const *of, size_t n)
{
    return of[rng_below(r, n)];
}
#define PICK(r, list) pick((r), (list), ARRAY_LEN(list))

static bool one_in(struct rng *r, uint64_t n)
{
    return rng_below(r, n) == 0;
}

static const char *const expressions[] = {
    "attribute:ecs.instance-type =~ [cm]5\\..*", "attribute:ecs.availability-zone in [us-east-1a, us-east-1b]", "attribute:stack == prod",
    "attribute:stack != prod", "attribute:rack exists && attribute:rack < 5", "attribute:rack !exists || attribute:rack >= 3",
    "attribute:ecs.cpu-architecture == x86_64", "attribute:ecs.ami-id =~ ami-0.*", "not(task:group == service:s1)", "task:group == service:s0",
    "agentVersion >= 1.50.0", "agentConnected == true", "runningTasksCount < 6", "registeredAt > 2026-01-01", "attribute:tier in [gold, silver]",
    "attribute:tier !in [gold] and !(attribute:ecs.instance-type == r5.2xlarge)", "ec2InstanceId =~ i-0[0-7].*",
    "(attribute:stack == test or attribute:tier exists) and attribute:ecs.os-type == linux", "attribute:tier !~ g.*", "attribute:marked exists",
};
static const char *const spread_attributes[] = {"ecs.cpu-architecture", "rack", "stack", "tier", "ecs.ami-id", "marked", "nobody-has-it"};

static void random_rules(struct rng *r, const struct world_view *v, struct world_rules *ret)
{
    *ret = (struct world_rules){.distinct_instance = one_in(r, 5)};
    int n = one_in(r, 3) ? (int)rng_between(r, 1, 2) : 0;
    for (int i = 0; i < n; i++)
        ret->member_of[ret->member_of_count++] = PICK(r, expressions);
    n = (int)rng_below(r, 4);
    for (int i = 0; i < n; i++) {
        struct world_strategy *s = &ret->strategies[ret->strategy_count++];
        s->kind = (enum world_strategy_kind)rng_below(r, WS_RANDOM + 1);
        s->attribute = s->kind == WS_SPREAD_ATTRIBUTE ? PICK(r, spread_attributes) : NULL;
    }
    n = one_in(r, 3) ? (int)rng_between(r, 1, v->subnet_count) : 0;
    for (int i = 0; i < n; i++)
        ret->subnets[ret->subnet_count++] = (int)rng_below(r, (uint64_t)v->subnet_count);
    n = one_in(r, 4) ? (int)rng_between(r, 1, v->provider_count) : 0;
    for (int i = 0; i < n; i++)
        ret->shares[ret->share_count++] = (struct world_share){i, i == 0 ? (int64_t)rng_below(r, 3) : 0, (int64_t)rng_between(r, 1, 3)};
}

static void random_container(struct rng *r, struct world_container *k, int at)
{
    static const int32_t ports[] = {80, 443, 8080, 9090, 22, 51678, 53};
    snprintf(k->name, sizeof k->name, "c%d", at);
    k->essential = at == 0;
    k->cpu_units = one_in(r, 6) ? 0 : 64 * rng_between(r, 1, 12);
    k->memory_mib = one_in(r, 4) ? 0 : 128 * rng_between(r, 1, 24);
    k->soft_mib = k->memory_mib == 0 || one_in(r, 3) ? 128 * rng_between(r, 1, 12) : 0;
    k->gpus = one_in(r, 16) ? (int32_t)rng_between(r, 1, 2) : 0;
    if (one_in(r, 4))
        k->ports[k->port_count++] = (struct world_port){.host = ports[rng_below(r, ARRAY_LEN(ports))], .container = 80, .udp = one_in(r, 3)};
    if (one_in(r, 3))
        k->ports[k->port_count++] = (struct world_port){.container = 8000 + (int32_t)rng_below(r, 2)};
}

static int random_taskdef(struct rng *r, struct world *w, int n)
{
    static const struct world_attribute wants[] = {
        {"com.amazonaws.ecs.capability.docker-remote-api.1.18", ""}, {"com.amazonaws.ecs.capability.task-iam-role", ""}, {"stack", "prod"}, {"tier", ""}};
    struct world_container k[3];
    memset(k, 0, sizeof k);
    struct world_taskdef d = {.containers = k, .container_count = (int)rng_between(r, 1, 3), .start_ms = 5000, .stop_timeout_ms = 30000, .stops_in_ms = 3000};
    snprintf(d.family, sizeof d.family, "f%d", n);
    for (int i = 0; i < d.container_count; i++)
        random_container(r, &k[i], i);
    d.network = (enum world_network)rng_below(r, 4);
    d.cpu_units = one_in(r, 3) ? 128 * rng_between(r, 1, 16) : 0;
    d.memory_mib = one_in(r, 3) ? 256 * rng_between(r, 1, 24) : 0;
    d.requires = &wants[rng_below(r, ARRAY_LEN(wants))];
    d.require_count = one_in(r, 5);
    if (one_in(r, 5))
        d.member_of[d.member_of_count++] = PICK(r, expressions);
    return world_add_taskdef(w, &d);
}

static int random_template(struct rng *r, struct world *w)
{
    static const char *const amis[] = {"ami-0a", "ami-0b", "ami-1c"}, *const versions[] = {"1.9.0", "1.49.2", "1.98.0"};
    static const char *const stacks[] = {"prod", "test"}, *const tiers[] = {"gold", "silver", "bronze"}, *const racks[] = {"1", "3", "7", "12"};
    struct world_template m = {.id = "lt-0random", .trunking = one_in(r, 2), .lacks_capabilities = one_in(r, 6)};
    snprintf(m.ami, sizeof m.ami, "%s", PICK(r, amis));
    snprintf(m.agent_version, sizeof m.agent_version, "%s", PICK(r, versions));
    if (!one_in(r, 3))
        m.attributes[m.attribute_count++] = (struct world_attribute){"stack", PICK(r, stacks)};
    if (!one_in(r, 3))
        m.attributes[m.attribute_count++] = (struct world_attribute){"tier", PICK(r, tiers)};
    if (!one_in(r, 2))
        m.attributes[m.attribute_count++] = (struct world_attribute){"rack", PICK(r, racks)};
    return world_add_template(w, &m);
}

static void add_instances(struct rng *r, struct random_cluster *c, int most)
{
    struct world *w = c->w;
    static const struct world_type gpu_types[] = {{"g4dn.xlarge", "x86_64", 4, 16384, 3, 1, 0, 526000}, {"p3.8xlarge", "x86_64", 32, 249856, 8, 4, 60, 12240000}};
    int gpu[] = {world_add_type(w, &gpu_types[0]), world_add_type(w, &gpu_types[1])};
    int types = gpu[0], n = (int)rng_between(r, 0, most), fleets[4];
    for (size_t f = 0; f < ARRAY_LEN(fleets); f++) {
        struct world_override o = {(int)rng_below(r, (uint64_t)types), -1, 1000};
        fleets[f] = world_add_fleet(w, &(struct world_fleet_spec){.overrides = &o, .override_count = 1, .template = random_template(r, w)});
    }
    for (int i = 0; i < n; i++) {
        int type = one_in(r, 6) ? gpu[rng_below(r, 2)] : (int)rng_below(r, (uint64_t)types);
        int at = world_add_instance(w, 0, fleets[rng_below(r, ARRAY_LEN(fleets))], type, (int)rng_below(r, 3));
        if (one_in(r, 3))
            world_set_provider(w, at, (int)rng_below(r, 2));
        if (one_in(r, 5))
            world_put_attribute(w, WORLD_PERSON, at, "marked", "");
        if (one_in(r, 6))
            world_put_attribute(w, WORLD_PERSON, at, "rack", one_in(r, 2) ? "4" : "x");
    }
}

static void disturb(struct rng *r, struct random_cluster *c)
{
    struct world_view v = world_view(c->w);
    for (int i = 0; i < v.instance_count; i++) {
        if (one_in(r, 10))
            world_set_agent(c->w, i, false);
        if (one_in(r, 8))
            world_set_container_instance_state(c->w, WORLD_PERSON, 0, i, WE_DRAINING);
    }
    for (int t = 0; t < v.task_count; t++)
        if (v.tasks[t].used && v.tasks[t].last.now == WT_RUNNING && one_in(r, 12))
            world_stop_task(c->w, WORLD_PERSON, t);
}

static void random_runs(struct rng *r, struct random_cluster *c, int taskdefs)
{
    static const char *const groups[] = {"batch", "nightly"};
    static const struct world_container_override k[] = {{"c0", 128, WORLD_LEFT_OUT, 256, WORLD_LEFT_OUT}};
    static const struct world_task_override override = {WORLD_LEFT_OUT, 1024, k, 1}, small = {256, WORLD_LEFT_OUT, k, 1};
    for (c->run_count = 0; c->run_count < RANDOM_RUNS; c->run_count++) {
        struct world_run *run = &c->runs[c->run_count];
        struct world_view v = world_view(c->w);
        random_rules(r, &v, &c->rules[c->run_count]);
        *run = (struct world_run){.cluster = 0, .taskdef = (int)rng_below(r, (uint64_t)taskdefs), .instance = -1, .rules = &c->rules[c->run_count],
                                  .provider = one_in(r, 4) ? (int)rng_below(r, 2) : -1, .group = one_in(r, 2) ? PICK(r, groups) : NULL,
                                  .override = one_in(r, 3) ? &override : one_in(r, 3) ? &small : NULL};
    }
}

void random_cluster_make(uint64_t seed, int instances_max, struct random_cluster *c)
{
    struct world_options o;
    struct err err = {0};
    struct rng r;
    world_options_default(&o);
    o.interruptions_per_instance_day = o.shortages_per_pool_day = 0;
    rng_init(&r, seed * 7919 + 11);
    *c = (struct random_cluster){0};
    int rc = world_empty(seed, &o, &c->w, &err);
    assert(rc == 0);
    world_add_cluster(c->w, "main");
    world_add_provider(c->w, "unmanaged", false);
    world_add_provider(c->w, "managed", true);
    add_instances(&r, c, instances_max);
    int taskdefs = (int)rng_between(&r, 4, 16);
    for (int i = 0; i < taskdefs; i++)
        random_taskdef(&r, c->w, i);
    c->service_count = (int)rng_between(&r, 1, RANDOM_SERVICES);
    for (int i = 0; i < c->service_count; i++) {
        char name[16];
        struct world_rules rules;
        struct world_view v = world_view(c->w);
        random_rules(&r, &v, &rules);
        snprintf(name, sizeof name, "s%d", i);
        c->services[i] = world_add_service(c->w, &(struct world_service_spec){.name = name, .taskdef = (int)rng_below(&r, (uint64_t)taskdefs),
                                                 .daemon = one_in(&r, 8), .desired = (int32_t)rng_between(&r, 0, 12), .min_percent = 50,
                                                 .max_percent = 200, .rules = &rules});
    }
    world_advance(c->w, world_view(c->w).now_ms + rng_between(&r, 1, 90000));
    random_runs(&r, c, taskdefs);
    for (int i = 0; i < c->run_count / 2; i++) {  // half of them are made, some twice
        int task, closest;
        enum world_place why;
        for (uint64_t k = rng_below(&r, 3); k > 0; k--)
            world_run(c->w, WORLD_PERSON, &c->runs[i], &task, &why, &closest);
    }
    disturb(&r, c);
    world_advance(c->w, world_view(c->w).now_ms + 1 + (int64_t)rng_below(&r, 30000));
    struct world_view v = world_view(c->w);
    for (int i = 0; i < c->run_count; i++)
        for (int k = 0; k < c->rules[i].member_of_count; k++) {
            // a taskdef of the world keeps the parsed expression for us
            struct world_taskdef d = {.family = "kept", .need = res_make(1, 1), .member_of = {c->rules[i].member_of[k]}, .member_of_count = 1};
            int at = world_add_taskdef(c->w, &d);
            v = world_view(c->w);
            c->rules[i].queries[k] = v.taskdefs[at].queries[0];
        }
}

struct world_ask random_ask(const struct random_cluster *c, int run)
{
    const struct world_run *r = &c->runs[run];
    const struct world_taskdef *d = &world_view(c->w).taskdefs[r->taskdef];
    struct world_ask ask = {.cluster = 0, .taskdef = r->taskdef, .service = -1, .provider = r->provider, .rules = r->rules,
                            .need = world_reservation(d, r->override)};
    snprintf(ask.group, sizeof ask.group, "%s%s", r->group ? "" : "family:", r->group ? r->group : d->family);
    return ask;
}
