// Services and the shapes of their tasks: what ECS reserves for one, and where it may place it.
#include "base/check.h"
#include "scaler/gather_join.h"

static const char *unmodelled(struct join *j, const struct ecs_task_definition *d, const struct fact_service *s)
{
    if (s && s->odd_strategy[0])
        return s->odd_strategy;
    if (d && strncmp(d->os_family, "WINDOWS", 7) == 0)
        return arena_printf(j->a, "operating system %s", d->os_family);
    return "";
}

static void add_text(struct join *j, const char **list, size_t *count, const char *text)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(list[i], text) == 0)
            return;
    list[(*count)++] = arena_strdup(j->a, text);
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

// Tasks with an address of their own start only where the service has a subnet. One subnet whose zone nobody told makes the
// zones unknown, which is said as "any": the wrong zone is found out by an order without effect, a wrong "never" by nobody.
static void take_subnets(struct join *j, const struct fact_service *s, struct shape *shape)
{
    bool all = true;
    shape->zones = arena_array(j->a, const char *, s->subnet_count);
    for (size_t i = 0; i < s->subnet_count; i++) {
        const struct cached_subnet *known = region_subnet(j->l->region, s->subnets[i]);
        const char *zone = join_zone_of_subnet(j, slice_of(s->subnets[i]));
        all = all && zone[0];
        if (zone[0])
            add_text(j, shape->zones, &shape->zone_count, zone);
        if (known)
            shape->vpc = known->vpc;
    }
    if (!all)
        shape->zone_count = 0;
    if (shape->zone_count > 0)
        qsort(shape->zones, shape->zone_count, sizeof *shape->zones, by_text);
}

static int by_port(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return (a > b) - (a < b);
}

static struct port_set ports_of(struct join *j, const struct ecs_task_definition *d)
{
    uint32_t *v = arena_array(j->a, uint32_t, d->port_count);
    size_t kept = 0;
    for (size_t i = 0; i < d->port_count; i++)
        v[i] = port_make((uint32_t)d->ports[i].port, d->ports[i].udp);
    if (d->port_count > 0)
        qsort(v, d->port_count, sizeof *v, by_port);
    for (size_t i = 0; i < d->port_count; i++)
        if (kept == 0 || v[kept - 1] != v[i])
            v[kept++] = v[i];
    return (struct port_set){v, kept};
}

static void take_constraints(struct join *j, const struct ecs_task_definition *d, const struct fact_service *s, struct shape *shape)
{
    size_t most = (d ? d->constraint_count : 0) + (s ? s->member_of_count : 0);
    shape->member_of = arena_array(j->a, const char *, most);
    for (size_t i = 0; s && i < s->member_of_count; i++)
        add_text(j, shape->member_of, &shape->member_of_count, s->member_of[i]);
    for (size_t i = 0; d && i < d->constraint_count; i++)
        add_text(j, shape->member_of, &shape->member_of_count, d->constraints[i].field);
}

static void take_definition(struct join *j, const struct ecs_task_definition *d, const struct fact_task *own, struct shape *shape)
{
    shape->need = own ? own->need : d->need;
    shape->arch = d->arch;
    shape->local_data = d->local_data;
    shape->stop_timeout_ms = d->stop_timeout_ms;
    shape->ports = ports_of(j, d);
    shape->required = arena_array(j->a, struct attribute, d->required_attribute_count);
    for (size_t i = 0; i < d->required_attribute_count; i++)
        shape->required[shape->required_count++] = (struct attribute){d->required_attributes[i].name, d->required_attributes[i].value};
}

static struct shape make_shape(struct join *j, int service, const char *definition, const struct fact_task *own)
{
    const struct ecs_task_definition *d = region_definition(j->l->region, definition);
    const struct fact_service *s = service >= 0 ? &j->f->services[service] : NULL;
    const char *name = arena_strdup(j->a, join_after_last(definition, '/'));
    if (own)
        name = arena_printf(j->a, "%s with %" PRId64 " CPU units, %" PRId64 " MiB", name, own->need.v[RES_CPU], own->need.v[RES_MEMORY]);
    if (own && own->need.v[RES_GPU] > 0)
        name = arena_printf(j->a, "%s, %" PRId64 " GPUs", name, own->need.v[RES_GPU]);
    struct shape shape = {.name = name, .known = d != NULL, .arch = "", .unmodelled = unmodelled(j, d, s), .vpc = "", .stop_timeout_ms = 30000};
    if (s) {
        memcpy(shape.strategies, s->strategies, sizeof shape.strategies);
        shape.strategy_count = s->strategy_count;
        shape.distinct_instance = s->distinct_instance;
    }
    take_constraints(j, d, s, &shape);
    if (d)
        take_definition(j, d, own, &shape);
    if (s && d && strcmp(d->network_mode, "awsvpc") == 0)
        take_subnets(j, s, &shape);
    return shape;
}

int join_shape(struct join *j, int service, const char *definition, const struct fact_task *own)
{
    if (definition[0] == '\0')
        return -1;
    const char *key = arena_printf(j->a, "%d %s", service, definition);
    for (int k = 0; own && k < RES_COUNT; k++)
        key = arena_printf(j->a, "%s %" PRId64, key, own->need.v[k]);
    int i = strmap_get(&j->shapes, key);
    if (i >= 0)
        return i;
    struct snapshot *s = j->s;
    s->shapes = arena_grow(j->a, s->shapes, s->shape_count, &j->shape_cap, sizeof *s->shapes);
    s->shapes[s->shape_count] = make_shape(j, service, definition, own);
    strmap_put(&j->shapes, key, (int)s->shape_count);
    return (int)s->shape_count++;
}

// ---- whose business a service is --------------------------------------------------------------------------------------------

static bool fleet_of_ours(const struct join *j, const char *fleet)
{
    for (size_t i = 0; i < j->f->fleet_count; i++)
        if (strcmp(j->f->fleets[i].id, fleet) == 0)
            return true;
    return false;
}

// Those whose instances are members of a fleet of ours.
static void note_our_providers(struct join *j)
{
    struct strmap members;
    strmap_init(&members, j->a, j->f->ec2_count);
    strmap_init(&j->our_providers, j->a, 16);
    for (size_t i = 0; i < j->f->ec2_count; i++)
        if (fleet_of_ours(j, j->f->ec2[i].fleet))
            strmap_put(&members, j->f->ec2[i].id, 1);
    for (size_t i = 0; i < j->f->container_count; i++) {
        const struct fact_container *c = &j->f->containers[i];
        if (c->provider[0] && strmap_get(&j->our_providers, c->provider) < 0 && strmap_get(&members, c->ec2_id) >= 0)
            strmap_put(&j->our_providers, c->provider, 1);
    }
    for (size_t i = 0; i < j->l->region->provider_count; i++) {  // and those of groups without any
        const struct cached_provider *p = &j->l->region->providers[i];
        if (p->known && p->group[0] && strmap_get(&j->our_providers, p->name) < 0 && fleet_of_ours(j, p->group))
            strmap_put(&j->our_providers, p->name, 1);
    }
}

static const char *why_not_provider(struct join *j, const char *provider)
{
    if (strncmp(provider, "FARGATE", 7) == 0)
        return "Fargate";
    const struct cached_provider *p = region_provider(j->l->region, provider);
    if (p && p->managed_instances)
        return arena_printf(j->a, "provider %s has instances managed by ECS", provider);
    if (p && p->managed_scaling)
        return arena_printf(j->a, "provider %s has managed scaling", provider);
    if (strmap_get(&j->our_providers, provider) < 0)
        return arena_printf(j->a, "provider %s has no instance of our fleets", provider);
    return p ? "" : arena_printf(j->a, "who scales provider %s is unknown", provider);
}

// "" where its tasks run on instances that we scale. A task has a launch type or a strategy, never both (safety.md N4).
static const char *why_not_ours(struct join *j, const struct fact_service *f)
{
    for (size_t i = 0; i < f->provider_count; i++) {
        const char *why = why_not_provider(j, f->providers[i].provider);
        if (why[0])
            return why;
    }
    if (f->provider_count > 0 || f->launch[0] == '\0' || strcmp(f->launch, "EC2") == 0)
        return "";
    if (strcmp(f->launch, "FARGATE") == 0)
        return "Fargate";
    return arena_printf(j->a, "launch type %s", f->launch);
}

static void take_providers(struct join *j, const struct fact_service *f, struct service *s)
{
    s->provider_count = f->provider_count;
    s->providers = arena_array(j->a, struct provider_share, f->provider_count);
    for (size_t i = 0; i < f->provider_count; i++)
        s->providers[i] = (struct provider_share){f->providers[i].provider, f->providers[i].base, f->providers[i].weight};
}

static struct service join_service(struct join *j, int index)
{
    const struct fact_service *f = &j->f->services[index];
    struct service s = {
        .name = f->name, .arn = f->arn, .kind = f->daemon ? SERVICE_DAEMON : SERVICE_REPLICA, .not_ours = why_not_ours(j, f),
        .desired = f->desired, .running = f->running, .pending = f->pending, .young = f->young,
        .min_percent = f->min_percent, .max_percent = f->max_percent, .primary = -1,
        .unsteady_since_ms = f->unsteady_since_ms, .unplaced_since_ms = f->unplaced_since_ms,
        .crash_looping = f->crash_text, .last_event = f->last_event, .target_groups = f->target_groups, .target_group_count = f->target_group_count,
        .deployment_count = f->deployment_count, .deployments = arena_array(j->a, struct deployment, f->deployment_count),
    };
    s.on_ec2 = s.not_ours[0] == '\0';
    take_providers(j, f, &s);
    for (size_t i = 0; i < f->deployment_count; i++) {
        const struct fact_deployment *d = &f->deployments[i];
        s.deployments[i] = (struct deployment){
            .id = d->id, .primary = d->primary, .shape = join_shape(j, index, d->definition, NULL), .desired = d->desired,
            .running = d->running, .pending = d->pending, .failed = d->failed, .in_progress = d->in_progress, .created_ms = d->created_ms,
        };
        if (d->primary) {
            s.primary = (int)i;
            s.crash_looping |= d->failed - f->failed_base >= 3;
        }
    }
    return s;
}

static int by_service_name(const void *x, const void *y)
{
    return strcmp(((const struct fact_service *)x)->name, ((const struct fact_service *)y)->name);
}

void join_services(struct join *j)
{
    size_t count = j->f->service_count;
    strmap_init(&j->services, j->a, count);
    strmap_init(&j->shapes, j->a, count * 2);
    note_our_providers(j);
    if (count > 0)
        qsort(j->f->services, count, sizeof *j->f->services, by_service_name);
    j->s->service_count = count;
    j->s->services = arena_array(j->a, struct service, count);
    for (size_t i = 0; i < count; i++) {
        strmap_put(&j->services, j->f->services[i].name, (int)i);
        j->s->services[i] = join_service(j, (int)i);
    }
}

// A task that died and was replaced between two looks leaves the counts as they were: only its start tells that it is young.
void join_young(struct join *j)
{
    int32_t *young = arena_array(j->a, int32_t, j->s->service_count);
    for (size_t i = 0; i < j->f->task_count; i++) {
        const struct fact_task *t = &j->f->tasks[i];
        int service = strncmp(t->group, "service:", 8) == 0 ? strmap_get(&j->services, t->group + 8) : -1;
        if (service >= 0 && t->running && !t->stopping && j->f->at_ms - t->started_ms < FACT_HEALTHY_MS)
            young[service]++;
    }
    for (size_t i = 0; i < j->s->service_count; i++) {
        struct service *s = &j->s->services[i];
        int32_t told = young[i] < s->running ? young[i] : s->running;  // the two are not read at the same moment
        s->young = s->young > told ? s->young : told;
    }
}
