#include "tests/planner/random_cluster.h"

#include <string.h>

static bool chance(struct rng *r, uint64_t percent)
{
    return rng_below(r, 100) < percent;
}

#define PICK(r, list) ((list)[rng_below((r), ARRAY_LEN(list))])

static struct attribute_set *random_sets(struct build *b, struct rng *r, size_t n)
{
    static const char *const racks[] = {"1", "2", "10"}, *const vpcs[] = {"vpc-a", "vpc-a", "vpc-b"};
    struct attribute_set *sets = arena_array(&b->a, struct attribute_set, n);
    for (size_t k = 0; k < n; k++) {
        struct attribute *v = arena_array(&b->a, struct attribute, 5);
        size_t count = 0;
        if (chance(r, 80))
            v[count++] = (struct attribute){"ecs.capability.x", ""};
        if (chance(r, 50))
            v[count++] = (struct attribute){"ecs.vpc-id", PICK(r, vpcs)};
        if (chance(r, 70))
            v[count++] = (struct attribute){"rack", PICK(r, racks)};
        if (chance(r, 30))
            v[count++] = (struct attribute){"ssd", ""};
        if (chance(r, 60))
            v[count++] = (struct attribute){"stack", chance(r, 50) ? "prod" : "dev"};
        sets[k] = (struct attribute_set){v, count};
    }
    b->s.attribute_sets = sets;
    b->s.attribute_set_count = n;
    return sets;
}

static void random_rules(struct build *b, struct rng *r, struct shape *x)
{
    static const char *const queries[] = {
        "attribute:stack == prod",
        "attribute:rack in [1, 10] or attribute:ssd exists",
        "attribute:ecs.instance-type =~ m5.* && attribute:stack !exists",
        "!(attribute:rack > 1)",
        "task:group != service:s0",
        "not(task:group =~ service:s[12])",
        "runningTasksCount < 3",
        "ec2InstanceId != i-001",
        "attribute:ecs.availability-zone != eu-west-1b",
    };
    static const char *const zones[] = {"eu-west-1a", "eu-west-1b", "eu-west-1c"};
    x->required = arena_array(&b->a, struct attribute, 2);
    if (chance(r, 40))
        x->required[x->required_count++] = (struct attribute){"ecs.capability.x", ""};
    if (chance(r, 10))
        x->required[x->required_count++] = (struct attribute){"stack", "prod"};
    x->member_of = arena_array(&b->a, const char *, 2);
    for (int k = 0; k < 2; k++)
        if (chance(r, 25))
            x->member_of[x->member_of_count++] = PICK(r, queries);
    if (chance(r, 20)) {
        x->zones = arena_array(&b->a, const char *, 2);
        x->zones[x->zone_count++] = PICK(r, zones);
        if (chance(r, 50))
            x->vpc = "vpc-a";
    }
    if (chance(r, 25)) {
        uint32_t *ports = arena_array(&b->a, uint32_t, 1);
        ports[0] = port_make(80 + (uint32_t)rng_below(r, 3), chance(r, 20));
        x->ports = (struct port_set){ports, 1};
    }
    x->need.v[RES_GPU] = chance(r, 10);
    x->need.v[RES_ENI] = chance(r, 20);
    x->distinct_instance = chance(r, 15);
    x->arch = chance(r, 15) ? "arm64" : "";
}

static void random_strategies(struct rng *r, struct shape *x)
{
    static const enum place_kind kinds[] = {PLACE_SPREAD, PLACE_SPREAD, PLACE_BINPACK_CPU, PLACE_BINPACK_MEMORY, PLACE_RANDOM};
    static const char *const fields[] = {"instanceId", "host", "attribute:ecs.availability-zone", "attribute:rack", "attribute:stack",
                                         "attribute:ecs.instance-type"};
    x->strategy_count = (int)rng_below(r, 4);
    if (chance(r, 5))
        x->strategy_count = PLACE_MAX;
    for (int k = 0; k < x->strategy_count; k++) {
        enum place_kind kind = PICK(r, kinds);
        x->strategies[k] = (struct place_strategy){kind, kind == PLACE_SPREAD ? PICK(r, fields) : ""};
    }
}

static void random_service(struct build *b, struct rng *r, size_t n)
{
    int shape = build_shape(b, arena_printf(&b->a, "s%zu:1", n), 128 * rng_between(r, 1, 8), 256 * rng_between(r, 1, 8));
    random_rules(b, r, &b->s.shapes[shape]);
    random_strategies(r, &b->s.shapes[shape]);
    const char *name = arena_printf(&b->a, "s%zu", n);
    int service = chance(r, 10) ? build_daemon(b, name, shape) : build_service(b, name, shape, 0);
    struct service *s = &b->s.services[service];
    if (s->kind == SERVICE_REPLICA && chance(r, 20)) {
        s->providers = arena_array(&b->a, struct provider_share, 2);
        s->providers[s->provider_count++] = (struct provider_share){"cp-a", (int32_t)rng_below(r, 3), (int32_t)rng_below(r, 3)};
        if (chance(r, 60))
            s->providers[s->provider_count++] = (struct provider_share){"cp-b", 0, 1 + (int32_t)rng_below(r, 3)};
    }
}

static void random_instance(struct build *b, struct rng *r, const struct attribute_set *sets, size_t set_count)
{
    static const uint32_t more[] = {2 * 22, 2 * 80, 2 * 81, 2 * 82 + 1, 2 * 2375, 2 * 2376, 2 * 51678, 2 * 51679, 2 * 51680};
    int i = build_instance(b, 0, (int)rng_below(r, b->s.type_count));
    struct instance *x = &b->s.instances[i];
    x->registered.v[RES_GPU] = x->remaining.v[RES_GPU] = chance(r, 25) ? 2 : 0;
    x->registered.v[RES_ENI] = x->remaining.v[RES_ENI] = rng_between(r, 0, 3);
    x->attributes = chance(r, 95) ? &sets[rng_below(r, set_count)] : NULL;
    x->arch = chance(r, 85) ? "x86_64" : "arm64";
    x->provider = chance(r, 30) ? "cp-a" : chance(r, 20) ? "cp-b" : "";
    if (chance(r, 20))
        x->ports = (struct port_set){more, ARRAY_LEN(more)};
    if (chance(r, 10))
        x->agent_connected = false;  // takes tasks later
    for (size_t k = 0; k < b->s.service_count; k++)
        if (chance(r, 25))
            build_hold(b, i, (int)k, 1);
    if (chance(r, 10))
        build_hold_shape(b, i, -1, 0, 1);
}

void random_cluster(struct build *b, struct rng *r)
{
    static const char *const types[] = {"m5.large", "m5.xlarge", "c5.large"};
    build_init(b);
    size_t sets = 1 + rng_below(r, 5);
    random_sets(b, r, sets);
    for (size_t k = 0; k < ARRAY_LEN(types); k++)
        build_type(b, types[k], 1024 * rng_between(r, 1, 4), 2048 * rng_between(r, 1, 4));
    build_fleet(b, "sfr-1", 0);
    for (size_t k = 0; k < ARRAY_LEN(types); k++)
        build_pool(b, 0, (int)k, 1000);
    size_t services = 1 + rng_below(r, 6), instances = rng_below(r, 16);
    for (size_t k = 0; k < services; k++)
        random_service(b, r, k);
    for (size_t k = 0; k < instances; k++)
        random_instance(b, r, b->s.attribute_sets, sets);
    b->s.fleets[0].target = (int64_t)instances;
    for (size_t k = 0; k < b->s.service_count; k++) {
        struct service *s = &b->s.services[k];
        s->desired = s->running + (s->kind == SERVICE_REPLICA ? (int32_t)rng_below(r, 6) : 0);
        s->deployments[0].desired = s->desired;
    }
    b->p.headroom_percent = chance(r, 50) ? 20 : 0;
}
