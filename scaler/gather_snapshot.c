// Joins facts to a snapshot: names become indices, tasks become holdings, instances of EC2 and ECS become one.
#include "base/check.h"
#include "planner/drain.h"
#include "scaler/gather_internal.h"

struct join {
    struct look *l;
    struct arena *a;
    const struct facts *f;
    struct snapshot *s;
    struct strmap types, services, shapes, containers, subnets, attributes;
    size_t shape_cap;
    const char **subnet_zones;
    size_t subnet_count;
};

static const char *after_last(const char *s, char c)
{
    const char *at = strrchr(s, c);
    return at ? at + 1 : s;
}

static int by_string(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

// ---- types ----------------------------------------------------------------------------------------------------------------

static void note_name(struct strmap *seen, const char **names, size_t *count, const char *name)
{
    if (name[0] == '\0' || strmap_get(seen, name) >= 0)
        return;
    strmap_put(seen, name, 1);
    names[(*count)++] = name;
}

static struct instance_type join_type(const struct join *j, const char *name)
{
    const struct cached_type *t = region_type(j->l->region, name);
    const struct learned *learned = gather_learned(j->l->g, name);
    struct instance_type ret = {.name = name, .arch = t ? t->type.arch : ""};
    if (t) {
        ret.nominal = res_make(t->type.vcpus * 1024, t->type.memory_mib);
        ret.nominal.v[RES_GPU] = t->type.gpus;
        ret.nominal.v[RES_ENI] = region_eni_slots(t, learned && learned->trunk);
        ret.spot_usd_micro = t->spot_usd_micro;
    }
    if (learned) {
        ret.registered = learned->registered;
        ret.registered.v[RES_ENI] = region_eni_slots(t, learned->trunk);
    }
    return ret;
}

static void join_types(struct join *j)
{
    const struct facts *f = j->f;
    size_t most = f->ec2_count + f->container_count, count = 0;
    for (size_t i = 0; i < f->fleet_count; i++)
        most += f->fleets[i].override_count;
    const char **names = arena_array(j->a, const char *, most);
    struct strmap seen;
    strmap_init(&seen, j->a, 64);
    for (size_t i = 0; i < f->fleet_count; i++)
        for (size_t o = 0; o < f->fleets[i].override_count; o++)
            note_name(&seen, names, &count, f->fleets[i].overrides[o].type);
    for (size_t i = 0; i < f->ec2_count; i++)
        note_name(&seen, names, &count, f->ec2[i].type);
    for (size_t i = 0; i < f->container_count; i++)
        note_name(&seen, names, &count, f->containers[i].type);
    if (count > 0)
        qsort(names, count, sizeof *names, by_string);
    strmap_init(&j->types, j->a, count);
    j->s->types = arena_array(j->a, struct instance_type, count);
    j->s->type_count = count;
    for (size_t i = 0; i < count; i++) {
        j->s->types[i] = join_type(j, names[i]);
        strmap_put(&j->types, names[i], (int)i);
    }
}

// ---- fleets ---------------------------------------------------------------------------------------------------------------

// Which zone a subnet is in: learned from the instances that are in it.
static void join_subnets(struct join *j)
{
    const struct facts *f = j->f;
    strmap_init(&j->subnets, j->a, 32);
    j->subnet_zones = arena_array(j->a, const char *, f->ec2_count + f->container_count);
    for (size_t i = 0; i < f->ec2_count + f->container_count; i++) {
        bool ec2 = i < f->ec2_count;
        const char *subnet = ec2 ? f->ec2[i].subnet : f->containers[i - f->ec2_count].subnet;
        const char *zone = ec2 ? f->ec2[i].zone : f->containers[i - f->ec2_count].zone;
        if (subnet[0] == '\0' || zone[0] == '\0' || strmap_get(&j->subnets, subnet) >= 0)
            continue;
        j->subnet_zones[j->subnet_count] = zone;
        strmap_put(&j->subnets, subnet, (int)j->subnet_count++);
    }
}

static const char *zone_of_subnet(const struct join *j, struct slice subnet)
{
    int i = strmap_get(&j->subnets, arena_strndup(j->a, subnet.ptr, subnet.len));
    return i >= 0 ? j->subnet_zones[i] : "";
}

// An override over several subnets is one pool in each of their zones.
static void join_pools(struct join *j, const struct fact_fleet *f, struct fleet *to)
{
    size_t cap = 0;
    for (size_t i = 0; i < f->override_count; i++) {
        const struct ec2_fleet_override *o = &f->overrides[i];
        struct slice rest = slice_of(o->subnet);
        do {
            struct slice subnet = slice_trim(slice_cut(&rest, ','));
            to->pools = arena_grow(j->a, to->pools, to->pool_count, &cap, sizeof *to->pools);
            to->pools[to->pool_count++] = (struct fleet_pool){
                .type = o->type[0] ? strmap_get(&j->types, o->type) : -1, .type_name = o->type,
                .zone = o->zone[0] || subnet.len == 0 ? o->zone : zone_of_subnet(j, subnet), .weight_milli = o->weight_milli,
                .subnet = arena_strndup(j->a, subnet.ptr, subnet.len), .launch_template = "",
            };
        } while (rest.len > 0);
    }
}

static void join_fleets(struct join *j)
{
    j->s->fleet_count = j->f->fleet_count;
    j->s->fleets = arena_array(j->a, struct fleet, j->f->fleet_count);
    for (size_t i = 0; i < j->f->fleet_count; i++) {
        const struct fact_fleet *f = &j->f->fleets[i];
        j->s->fleets[i] = (struct fleet){
            .id = f->id, .kind = FLEET_SPOT_FLEET, .state = f->state, .found = f->found, .maintain = f->maintain,
            .activity = f->activity, .target = f->target, .on_demand_target = f->on_demand_target,
            .fulfilled_milli = f->fulfilled_milli, .allocation = f->allocation, .valid_until_ms = f->valid_until_ms, .owner = f->owner,
            .foreign = "", .control = f->control, .denied = "", .last_error = "",
        };
        join_pools(j, f, &j->s->fleets[i]);
    }
}

// The override that an instance came from: its type and subnet, else its type and zone, else its type.
static int64_t weight_of(const struct join *j, int fleet, const struct fact_ec2 *e)
{
    const struct fact_fleet *f = &j->f->fleets[fleet];
    int64_t weight = 1000;
    int best = 0;
    for (size_t i = 0; i < f->override_count; i++) {
        const struct ec2_fleet_override *o = &f->overrides[i];
        if (strcmp(o->type, e->type) != 0)
            continue;
        int match = e->subnet[0] && strstr(o->subnet, e->subnet) ? 3 : o->zone[0] && strcmp(o->zone, e->zone) == 0 ? 2 : 1;
        if (match > best) {
            best = match;
            weight = o->weight_milli;
        }
    }
    return weight;
}

// ---- shapes and services --------------------------------------------------------------------------------------------------

// An attribute that a definition requires and not every instance has is a rule about where tasks may go.
static bool attribute_everywhere(struct join *j, const struct ecs_attribute *wanted)
{
    int known = strmap_get(&j->attributes, wanted->name);
    if (known >= 0 && wanted->value[0] == '\0')
        return known == 1;
    bool all = true;
    for (size_t i = 0; i < j->f->container_count && all; i++) {
        const struct fact_container *c = &j->f->containers[i];
        bool has = c->state != ECS_ACTIVE;
        for (size_t k = 0; k < c->attribute_count && !has; k++)
            has = strcmp(c->attributes[k].name, wanted->name) == 0 &&
                  (wanted->value[0] == '\0' || strcmp(c->attributes[k].value, wanted->value) == 0);
        all = has;
    }
    if (wanted->value[0] == '\0')
        strmap_put(&j->attributes, wanted->name, all);
    return all;
}

static const char *unmodelled(struct join *j, const struct ecs_task_definition *d, const struct fact_service *s)
{
    if (s && s->constraint[0])
        return arena_printf(j->a, "memberOf %s", s->constraint);
    if (s && s->odd_strategy[0])
        return s->odd_strategy;
    if (d == NULL)
        return "";
    if (d->constraint_count > 0)
        return arena_printf(j->a, "memberOf %s", d->constraints[0].field);
    if (strncmp(d->os_family, "WINDOWS", 7) == 0)
        return arena_printf(j->a, "operating system %s", d->os_family);
    for (size_t i = 0; i < d->required_attribute_count; i++)
        if (!attribute_everywhere(j, &d->required_attributes[i]))
            return arena_printf(j->a, "attribute %s is not on every instance", d->required_attributes[i].name);
    return "";
}

static struct shape make_shape(struct join *j, int service, const char *definition, const struct fact_task *own)
{
    const struct ecs_task_definition *d = region_definition(j->l->region, definition);
    const struct fact_service *s = service >= 0 ? &j->f->services[service] : NULL;
    const char *name = arena_strdup(j->a, after_last(definition, '/'));
    if (own)
        name = arena_printf(j->a, "%s with %" PRId64 " CPU units, %" PRId64 " MiB", name, own->need.v[RES_CPU], own->need.v[RES_MEMORY]);
    struct shape shape = {.name = name, .known = d != NULL, .arch = "", .unmodelled = unmodelled(j, d, s), .vpc = "", .stop_timeout_ms = 30000};
    if (s) {
        memcpy(shape.strategies, s->strategies, sizeof shape.strategies);
        shape.strategy_count = s->strategy_count;
        shape.distinct_instance = s->distinct_instance;
    }
    if (d) {
        shape.need = own ? own->need : d->need;
        shape.arch = strcmp(d->arch, "X86_64") == 0 ? "x86_64" : strcmp(d->arch, "ARM64") == 0 ? "arm64" : d->arch;
        shape.local_data = d->local_data;
        shape.stop_timeout_ms = d->stop_timeout_ms;
        shape.distinct_instance |= d->port_count > 0;  // two of them cannot share a host port
    }
    return shape;
}

static int shape_index(struct join *j, int service, const char *definition, const struct fact_task *own)
{
    if (definition[0] == '\0')
        return -1;
    const char *key = own ? arena_printf(j->a, "%d %s %" PRId64 " %" PRId64, service, definition, own->need.v[RES_CPU], own->need.v[RES_MEMORY])
                          : arena_printf(j->a, "%d %s", service, definition);
    int i = strmap_get(&j->shapes, key);
    if (i >= 0)
        return i;
    struct snapshot *s = j->s;
    s->shapes = arena_grow(j->a, s->shapes, s->shape_count, &j->shape_cap, sizeof *s->shapes);
    s->shapes[s->shape_count] = make_shape(j, service, definition, own);
    strmap_put(&j->shapes, key, (int)s->shape_count);
    return (int)s->shape_count++;
}

static struct service join_service(struct join *j, int index)
{
    const struct fact_service *f = &j->f->services[index];
    struct service s = {
        .name = f->name, .arn = f->arn, .kind = f->daemon ? SERVICE_DAEMON : SERVICE_REPLICA, .on_ec2 = f->on_ec2,
        .desired = f->desired, .running = f->running, .pending = f->pending, .young = f->young,
        .min_percent = f->min_percent, .max_percent = f->max_percent, .primary = -1,
        .unsteady_since_ms = f->unsteady_since_ms, .unplaced_since_ms = f->unplaced_since_ms,
        .crash_looping = f->crash_text, .last_event = f->last_event, .not_ours = "",
        .deployment_count = f->deployment_count, .deployments = arena_array(j->a, struct deployment, f->deployment_count),
    };
    for (size_t i = 0; i < f->deployment_count; i++) {
        const struct fact_deployment *d = &f->deployments[i];
        s.deployments[i] = (struct deployment){
            .id = d->id, .primary = d->primary, .shape = shape_index(j, index, d->definition, NULL), .desired = d->desired,
            .running = d->running, .pending = d->pending, .failed = d->failed, .in_progress = d->in_progress,
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

static void join_services(struct join *j)
{
    size_t count = j->f->service_count;
    strmap_init(&j->services, j->a, count);
    strmap_init(&j->shapes, j->a, count * 2);
    strmap_init(&j->attributes, j->a, 64);
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
static void join_young(struct join *j)
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

// ---- instances ------------------------------------------------------------------------------------------------------------

static void from_ec2(struct join *j, const struct fact_ec2 *e, struct instance *i)
{
    i->id = e->id;
    i->type = e->type;
    i->zone = e->zone;
    i->arch = e->arch;
    i->spot = e->spot;
    i->ec2 = e->state;
    i->launched_ms = e->launched_ms;
    i->mark = e->mark;
    i->forbidden = e->forbidden;
    i->notice_ms = e->interrupted ? e->interrupted_since_ms : 0;
    struct drain_mark mark;
    if (e->mark[0] && drain_mark_parse(j->a, e->mark, &mark))
        i->marked_ms = mark.at_ms;
    for (size_t f = 0; f < j->f->fleet_count; f++)
        if (strcmp(j->f->fleets[f].id, e->fleet) == 0)
            i->fleet = (int)f;
    if (i->fleet >= 0)
        i->weight_milli = weight_of(j, i->fleet, e);
}

static void from_container(struct join *j, const struct fact_container *c, struct instance *i)
{
    i->id = c->ec2_id;
    i->arn = c->arn;
    i->ecs = c->state;
    i->agent_connected = c->agent_connected;
    i->disconnected_since_ms = c->disconnected_since_ms;
    i->registered_ms = c->registered_ms;
    i->registered = c->registered;
    i->remaining = c->remaining;
    i->ecs_running = c->running;
    i->ecs_pending = c->pending;
    i->forbidden |= c->forbidden;
    if (i->type[0] == '\0')
        i->type = c->type;
    if (i->zone[0] == '\0')
        i->zone = c->zone;
    if (c->arch[0])
        i->arch = c->arch;
    int64_t slots = region_eni_slots(region_type(j->l->region, i->type), c->trunk);
    i->registered.v[RES_ENI] = i->remaining.v[RES_ENI] = slots;
}

static int by_instance_id(const void *x, const void *y)
{
    return strcmp(((const struct instance *)x)->id, ((const struct instance *)y)->id);
}

static const struct instance UNREAD_INSTANCE = {
    .id = "", .arn = "", .type = "", .zone = "", .arch = "", .mark = "", .provider = "", .launch_template = "",
    .elsewhere = "", .fleet = -1, .weight_milli = 1000, .ecs = ECS_UNREGISTERED,
};

static void join_instances(struct join *j)
{
    const struct facts *f = j->f;
    struct snapshot *s = j->s;
    struct strmap by_id;
    strmap_init(&by_id, j->a, f->ec2_count + f->container_count);
    s->instances = arena_array(j->a, struct instance, f->ec2_count + f->container_count);
    for (size_t i = 0; i < f->ec2_count; i++) {
        s->instances[s->instance_count] = UNREAD_INSTANCE;
        from_ec2(j, &f->ec2[i], &s->instances[s->instance_count]);
        strmap_put(&by_id, f->ec2[i].id, (int)s->instance_count++);
    }
    for (size_t i = 0; i < f->container_count; i++) {
        int at = strmap_get(&by_id, f->containers[i].ec2_id);
        if (at < 0) {
            at = (int)s->instance_count++;
            s->instances[at] = UNREAD_INSTANCE;
            strmap_put(&by_id, f->containers[i].ec2_id, at);
        }
        from_container(j, &f->containers[i], &s->instances[at]);
    }
    if (s->instance_count > 0)
        qsort(s->instances, s->instance_count, sizeof *s->instances, by_instance_id);
    strmap_init(&j->containers, j->a, s->instance_count);
    for (size_t i = 0; i < s->instance_count; i++)
        if (s->instances[i].arn[0])
            strmap_put(&j->containers, s->instances[i].arn, (int)i);
}

// ---- holdings -------------------------------------------------------------------------------------------------------------

static void add_task(struct join *j, const struct fact_task *t)
{
    int at = strmap_get(&j->containers, t->container);
    if (at < 0 || t->stopped)
        return;
    struct instance *i = &j->s->instances[at];
    int service = strncmp(t->group, "service:", 8) == 0 ? strmap_get(&j->services, t->group + 8) : -1;
    int shape = shape_index(j, service, t->definition, t->own_need ? t : NULL);
    struct holding *h = NULL;
    for (size_t k = 0; k < i->holding_count && !h; k++)
        if (i->holdings[k].service == service && i->holdings[k].shape == shape)
            h = &i->holdings[k];
    if (h == NULL) {
        size_t cap = i->holding_count;  // grows by one each time: few shapes share a box
        i->holdings = arena_grow(j->a, i->holdings, i->holding_count, &cap, sizeof *i->holdings);
        h = &i->holdings[i->holding_count++];
        *h = (struct holding){.service = service, .shape = shape, .example_task = arena_strdup(j->a, after_last(t->arn, '/'))};
    }
    h->running += t->running && !t->stopping;
    h->pending += !t->running && !t->stopping;
    h->stopping += t->stopping;
    h->protected_ += t->protected_until_ms > j->s->now_ms;
    i->remaining.v[RES_ENI] -= shape >= 0 ? j->s->shapes[shape].need.v[RES_ENI] : 0;
}

static int by_shape(const void *x, const void *y)
{
    const struct holding *a = x, *b = y;
    return a->service != b->service ? (a->service > b->service) - (a->service < b->service) : (a->shape > b->shape) - (a->shape < b->shape);
}

static void join_holdings(struct join *j)
{
    for (size_t i = 0; i < j->f->task_count; i++)
        add_task(j, &j->f->tasks[i]);
    bool fresh = j->s->sources[SOURCE_TASKS].state == SOURCE_OK;
    for (size_t k = 0; k < j->s->instance_count; k++) {
        struct instance *i = &j->s->instances[k];
        int32_t known = 0;
        for (size_t h = 0; h < i->holding_count; h++)
            known += i->holdings[h].running + i->holdings[h].pending;
        i->tasks_known = fresh && i->arn[0] && known >= i->ecs_running + i->ecs_pending;
        j->l->new->tasks_wanted |= i->arn[0] && known != i->ecs_running + i->ecs_pending;
        if (i->holding_count > 0)
            qsort(i->holdings, i->holding_count, sizeof *i->holdings, by_shape);
    }
}

void snapshot_from_facts(struct look *l, struct arena *a, struct snapshot *ret)
{
    struct gather *g = l->g;
    *ret = (struct snapshot){
        .now_ms = clock_wall_ms(g->clock), .account = arena_strdup(a, region_account(l->region)),
        .region = arena_strdup(a, region_name(l->region)), .cluster = arena_strdup(a, g->cluster),
        .started_ms = g->started_ms, .complete_looks = g->complete_looks, .boot_p90_ms = gather_boot_ms(g, 90), .boot_p95_ms = gather_boot_ms(g, 95), .owner = "", .policy_hash = "",
        .confirmed = "", .control = {.who = "", .why = ""},
    };
    memcpy(ret->sources, l->new->sources, sizeof ret->sources);
    struct join j = {.l = l, .a = a, .f = l->new, .s = ret};
    join_types(&j);
    join_subnets(&j);
    join_fleets(&j);
    join_services(&j);
    join_young(&j);
    join_instances(&j);
    join_holdings(&j);
}
