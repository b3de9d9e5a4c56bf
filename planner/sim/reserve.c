// What ECS reserves: CPU and memory of the task where they are stated, else the sums over its containers, of memory the soft limit
// before the hard one; host ports that are fixed; GPUs; one ENI in awsvpc mode.
#include <string.h>

#include "planner/sim/world_internal.h"

static int64_t overridden(int64_t value, int64_t override)
{
    return override == WORLD_LEFT_OUT ? value : override;
}

static struct world_container effective(const struct world_container *k, const struct world_task_override *o)
{
    struct world_container e = *k;
    for (int i = 0; o && i < o->container_count; i++) {
        const struct world_container_override *c = &o->containers[i];
        if (strcmp(c->name, k->name))
            continue;
        e.cpu_units = overridden(e.cpu_units, c->cpu_units);
        e.memory_mib = overridden(e.memory_mib, c->memory_mib);
        e.soft_mib = overridden(e.soft_mib, c->soft_mib);
        e.gpus = (int32_t)overridden(e.gpus, c->gpus);
    }
    return e;
}

struct res world_reservation(const struct world_taskdef *d, const struct world_task_override *o)
{
    struct res r = {{0}};
    for (int i = 0; i < d->container_count; i++) {
        struct world_container k = effective(&d->containers[i], o);
        r.v[RES_CPU] += k.cpu_units;
        r.v[RES_MEMORY] += k.soft_mib > 0 ? k.soft_mib : k.memory_mib;
        r.v[RES_GPU] += k.gpus;
    }
    int64_t cpu = o ? overridden(d->cpu_units, o->cpu_units) : d->cpu_units;
    int64_t memory = o ? overridden(d->memory_mib, o->memory_mib) : d->memory_mib;
    if (cpu > 0)
        r.v[RES_CPU] = cpu;
    if (memory > 0)
        r.v[RES_MEMORY] = memory;
    r.v[RES_ENI] = d->network == WN_AWSVPC;
    return r;
}

// Three documented forms, chosen by the family's name: the need stated for the task, by hard limits of its containers, or by soft
// limits below hard ones (where the soft one is what the scheduler reserves). Their sums are the need in each.
static void make_up_containers(struct world *w, struct world_taskdef *d)
{
    int64_t cpu = d->need.v[RES_CPU], memory = d->need.v[RES_MEMORY];
    struct world_container *k = arena_array(&w->arena, struct world_container, 2);
    unsigned form = 0;
    for (const char *c = d->family; *c; c++)
        form = form * 31 + (unsigned char)*c;
    d->containers = k;
    d->container_count = 1;
    world_copy(k[0].name, sizeof k[0].name, "app");
    world_copy(k[1].name, sizeof k[1].name, "logs");
    k[0].essential = true;
    k[0].gpus = (int32_t)d->need.v[RES_GPU];
    k[0].memory_mib = memory;
    switch (form % 3) {
    case 0:
        d->cpu_units = cpu;
        d->memory_mib = memory;
        break;
    case 1:
        k[0].cpu_units = cpu;
        break;
    default:
        k[0].cpu_units = cpu;
        k[0].soft_mib = memory;
        k[0].memory_mib = memory * 2;
        if (cpu < 128 || memory < 256)
            break;
        d->container_count = 2;
        k[0].cpu_units = cpu - 32;
        k[0].soft_mib = memory - 64;
        k[1].cpu_units = 32;
        k[1].memory_mib = 64;
    }
    if (d->need.v[RES_ENI] > 0)
        d->network = WN_AWSVPC;
    for (int i = 0; i < d->port_count && i < WORLD_MAPPINGS; i++) {
        k[0].ports[i] = d->ports[i];
        k[0].ports[i].container = d->ports[i].container ? d->ports[i].container : d->ports[i].host;
        k[0].port_count++;
    }
    if (k[0].port_count == 0 && d->network == WN_BRIDGE)
        k[0].ports[k[0].port_count++] = (struct world_port){.container = 8080};
}

// Host ports that the scheduler reserves: none in awsvpc mode, the container's own in host mode, the fixed ones in bridge mode.
static void collect_ports(struct world_taskdef *d)
{
    d->port_count = 0;
    for (int c = 0; c < d->container_count; c++) {
        for (int i = 0; i < d->containers[c].port_count; i++) {
            struct world_port p = d->containers[c].ports[i];
            if (d->network == WN_HOST)
                p.host = p.container;
            if (d->network == WN_AWSVPC || d->network == WN_NONE || p.host == 0)
                continue;
            assert(d->port_count < WORLD_PORTS);
            d->ports[d->port_count++] = p;
        }
    }
}

static const char *keep(struct world *w, const char *text)
{
    return arena_strdup(&w->arena, text ? text : "");
}

static const struct world_query *query_of(struct world *w, const char *text)
{
    const struct world_query *q = NULL;
    struct err err;
    int rc = world_query_parse(text, &w->arena, &q, &err);
    assert(rc == 0);  // who gives expressions to the world has tried them with world_query_parse
    return q;
}

void rules_keep(struct world *w, struct world_rules *r)
{
    assert(r->member_of_count <= WORLD_CONSTRAINTS && r->strategy_count <= WORLD_STRATEGIES);
    assert(r->subnet_count <= WORLD_SUBNETS && r->share_count <= WORLD_SHARES);
    for (int i = 0; i < r->member_of_count; i++) {
        r->member_of[i] = keep(w, r->member_of[i]);
        r->queries[i] = query_of(w, r->member_of[i]);
    }
    for (int i = 0; i < r->strategy_count; i++)
        if (r->strategies[i].kind == WS_SPREAD_ATTRIBUTE)
            r->strategies[i].attribute = keep(w, r->strategies[i].attribute);
}

// ECS itself adds the capability that the network mode needs.
static void keep_requirements(struct world *w, struct world_taskdef *d)
{
    struct world_attribute *a = arena_array(&w->arena, struct world_attribute, (size_t)d->require_count + 1);
    bool has_eni = d->network != WN_AWSVPC;
    for (int i = 0; i < d->require_count; i++) {
        a[i] = (struct world_attribute){keep(w, d->requires[i].name), keep(w, d->requires[i].value)};
        has_eni |= !strcmp(a[i].name, "ecs.capability.task-eni");
    }
    if (!has_eni)
        a[d->require_count++] = (struct world_attribute){"ecs.capability.task-eni", ""};
    d->requires = a;
}

void taskdef_keep(struct world *w, struct world_taskdef *d)
{
    assert(d->container_count <= WORLD_CONTAINERS && d->volume_count <= WORLD_VOLUMES && d->member_of_count <= WORLD_CONSTRAINTS);
    if (d->container_count == 0) {
        make_up_containers(w, d);
    } else {
        struct world_container *k = arena_array(&w->arena, struct world_container, (size_t)d->container_count);
        memcpy(k, d->containers, (size_t)d->container_count * sizeof *k);
        d->containers = k;
        d->need = world_reservation(d, NULL);
    }
    collect_ports(d);
    struct world_volume *v = arena_array(&w->arena, struct world_volume, (size_t)d->volume_count + 1);
    for (int i = 0; i < d->volume_count; i++)
        v[i] = d->volumes[i];
    d->volumes = v;
    keep_requirements(w, d);
    for (int i = 0; i < d->member_of_count; i++) {
        d->member_of[i] = keep(w, d->member_of[i]);
        d->queries[i] = query_of(w, d->member_of[i]);
    }
}

const struct world_task_override *override_keep(struct world *w, const struct world_task_override *o)
{
    if (!o)
        return NULL;
    struct world_task_override *own = arena_new(&w->arena, struct world_task_override);
    struct world_container_override *k = arena_array(&w->arena, struct world_container_override, (size_t)o->container_count + 1);
    for (int i = 0; i < o->container_count; i++)
        k[i] = o->containers[i];
    *own = (struct world_task_override){o->cpu_units, o->memory_mib, k, o->container_count};
    return own;
}
