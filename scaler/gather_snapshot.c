// Joins facts to a snapshot: names become indices, tasks become holdings, instances of EC2 and ECS become one.
#include "base/check.h"
#include "planner/drain.h"
#include "scaler/gather_join.h"
#include "scaler/gather_notices.h"
#include "scaler/prices.h"

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
    const struct learned_type *learned = gather_learned(j->l->g, name);
    struct instance_type ret = {.name = name, .arch = t ? t->type.arch : ""};
    if (t) {
        ret.nominal = res_make(t->type.vcpus * 1024, t->type.memory_mib);
        ret.nominal.v[RES_GPU] = t->type.gpus;
        ret.nominal.v[RES_ENI] = region_eni_slots(t, learned && learned->trunk);
        ret.spot_usd_micro = t->spot_usd_micro;
        ret.on_demand_usd_micro = prices_on_demand(name);
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

// Which zone a subnet is in, where EC2 did not tell: learned from the instances that are in it.
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

const char *join_zone_of_subnet(const struct join *j, struct slice subnet)
{
    const char *id = arena_strndup(j->a, subnet.ptr, subnet.len);
    const struct cached_subnet *known = region_subnet(j->l->region, id);
    if (known && known->zone[0])
        return known->zone;
    int i = strmap_get(&j->subnets, id);
    return i >= 0 ? j->subnet_zones[i] : "";
}

// What a template that is told without a number means now: what the newest member was launched from.
static const char *launched_now(const struct join *j, const struct fact_fleet *f, const struct ec2_fleet_override *o)
{
    const char *colon = strchr(o->launch_template, ':');
    if (colon && colon[1] != '$')
        return o->launch_template;
    size_t id_len = colon ? (size_t)(colon - o->launch_template) + 1 : 0;
    const struct fact_ec2 *newest = NULL;
    for (size_t i = 0; i < j->f->ec2_count; i++) {
        const struct fact_ec2 *e = &j->f->ec2[i];
        bool of_it = strcmp(e->fleet, f->id) == 0 && e->launch_template[0] && strncmp(e->launch_template, o->launch_template, id_len) == 0 &&
                     (id_len > 0 || strcmp(e->type, o->type) == 0);
        if (of_it && (newest == NULL || e->launched_ms > newest->launched_ms))
            newest = e;
    }
    return newest ? newest->launch_template : "";
}

static const struct policy_fleet *policy_of(const struct join *j, const char *fleet)
{
    const struct policy_fleet *p = policy_fleet_find(j->l->policy, fleet);
    assert(p);
    return p;
}

static const char *declared_zone(const struct policy_fleet *p, const char *subnet)
{
    for (size_t i = 0; i < p->subnet_count; i++)
        if (strcmp(p->subnets[i].id, subnet) == 0)
            return p->subnets[i].zone;
    return "";
}

static struct fleet_pool make_pool(struct join *j, const struct policy_fleet *p, const struct ec2_fleet_override *o, struct slice subnet)
{
    struct fleet_pool pool = {
        .type = o->type[0] ? strmap_get(&j->types, o->type) : -1, .type_name = o->type, .weight_milli = o->weight_milli,
        .zone = o->zone[0] || subnet.len == 0 ? o->zone : join_zone_of_subnet(j, subnet),
        .subnet = arena_strndup(j->a, subnet.ptr, subnet.len),
    };
    const struct cached_subnet *known = region_subnet(j->l->region, pool.subnet);
    pool.subnet_full = known && known->free_addresses == 0;
    if (pool.zone[0] == '\0')
        pool.zone = declared_zone(p, pool.subnet);
    pool.spot_usd_micro = region_spot_price(region_type(j->l->region, o->type), pool.zone);
    return pool;
}

static int64_t refused_ms(const struct fact_fleet *f, const struct fleet_pool *pool)
{
    int64_t newest = 0;
    for (size_t i = 0; i < f->refusal_count; i++) {
        const struct fact_refusal *x = &f->refusals[i];
        bool here = strcmp(x->type, pool->type_name) == 0 && (!x->zone[0] || strcmp(x->zone, pool->zone) == 0);
        newest = here && x->at_ms > newest ? x->at_ms : newest;
    }
    return newest;
}

// An override over several subnets is one pool in each of their zones.
static void join_pools(struct join *j, const struct fact_fleet *f, struct fleet *to)
{
    const struct policy_fleet *p = policy_of(j, f->name);
    size_t cap = 0;
    for (size_t i = 0; i < f->override_count; i++) {
        const struct ec2_fleet_override *o = &f->overrides[i];
        const char *launch_template = launched_now(j, f, o);
        struct slice rest = slice_of(o->subnet);
        do {
            struct fleet_pool pool = make_pool(j, p, o, slice_trim(slice_cut(&rest, ',')));
            pool.launch_template = launch_template;
            pool.refused_ms = refused_ms(f, &pool);
            look_score_of(j->l, (size_t)(f - j->f->fleets), &pool);
            join_pool_attributes(j, p, &pool);
            to->pools = arena_grow(j->a, to->pools, to->pool_count, &cap, sizeof *to->pools);
            to->pools[to->pool_count++] = pool;
        } while (rest.len > 0);
    }
}

static void join_fleets(struct join *j)
{
    j->s->fleet_count = j->f->fleet_count;
    j->s->fleets = arena_array(j->a, struct fleet, j->f->fleet_count);
    for (size_t i = 0; i < j->f->fleet_count; i++) {
        const struct fact_fleet *f = &j->f->fleets[i];
        const char *foreign = arena_strdup(j->a, region_scaler_of(j->l->region, f->id));
        j->s->fleets[i] = (struct fleet){
            .id = f->id, .name = strcmp(f->name, f->id) == 0 ? "" : f->name, .unfound = f->unfound, .kind = f->kind, .state = f->state, .found = f->found, .maintain = f->maintain,
            .activity = f->activity, .target = f->target, .on_demand_target = f->on_demand_target,
            .replaces = f->rebalance, .replace_delay_ms = f->rebalance_delay_ms, .fulfilled_milli = f->fulfilled_milli, .allocation = f->allocation, .valid_until_ms = f->valid_until_ms, .ends_with_expiration = f->ends_with_expiration, .owner = f->owner,
            .foreign_scaling = foreign[0] != '\0', .foreign = foreign, .control = f->control, .denied = gather_denied_action(j->l->g, f->id),
            .last_error = f->last_error, .last_error_ms = f->last_error_ms,
            .capacity_error_ms = f->capacity_error_ms,
            .min_size = f->group.min, .max_size = f->group.max, .on_demand_base = f->group.on_demand_base, .on_demand_percent = f->group.on_demand_percent,
            .no_launch = f->group.no_launch, .no_terminate = f->group.no_terminate,
            .rebalances = f->group.rebalances, .refreshing = f->group.refreshing, .hook = f->group.hook,
            .hook_heartbeat_ms = f->group.heartbeat_ms, .hook_limit_ms = f->group.limit_ms,
        };
        if (f->group.scaler[0] != '\0') {
            j->s->fleets[i].foreign_scaling = true;
            j->s->fleets[i].foreign = f->group.scaler;
        }
        join_pools(j, f, &j->s->fleets[i]);
    }
}

static void add_subnet(struct join *j, struct strmap *seen, size_t *cap, const char *id)
{
    struct snapshot *s = j->s;
    const struct cached_subnet *known = id[0] && strmap_get(seen, id) < 0 ? region_subnet(j->l->region, id) : NULL;
    if (!known || known->free_addresses < 0 || known->addresses <= 0)
        return;
    strmap_put(seen, known->id, 0);
    s->subnets = arena_grow(j->a, s->subnets, s->subnet_count, cap, sizeof *s->subnets);
    s->subnets[s->subnet_count++] = (struct subnet){arena_strdup(j->a, known->id), known->addresses, known->free_addresses};
}

// Instances take addresses of their fleet's, and tasks with interfaces of their own those of their service's.
static void join_addresses(struct join *j)
{
    struct strmap seen;
    size_t cap = 0;
    strmap_init(&seen, j->a, 16);
    for (size_t i = 0; i < j->s->fleet_count; i++)
        for (size_t k = 0; k < j->s->fleets[i].pool_count; k++)
            add_subnet(j, &seen, &cap, j->s->fleets[i].pools[k].subnet);
    for (size_t i = 0; i < j->f->service_count; i++)
        for (size_t k = 0; k < j->f->services[i].subnet_count; k++)
            add_subnet(j, &seen, &cap, j->f->services[i].subnets[k]);
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

// ---- instances ------------------------------------------------------------------------------------------------------------

// Those of its pool, where they are known whole: what a set lacks, the instance will lack.
static const struct attribute_set *coming_attributes(const struct fleet *f, const struct fact_ec2 *e)
{
    for (size_t i = 0; i < f->pool_count; i++) {
        const struct fleet_pool *p = &f->pools[i];
        bool of_it = strcmp(p->type_name, e->type) == 0 && (p->subnet[0] ? strcmp(p->subnet, e->subnet) == 0 : strcmp(p->zone, e->zone) == 0);
        if (of_it && p->attributes_known)
            return p->attributes;
    }
    return NULL;
}

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
    i->launch_template = e->launch_template;
    i->volume_attached = e->volume_attached;
    i->member = e->member;
    i->scale_in_protected = e->scale_in_protected;
    i->ever_registered = e->ever_registered;
    i->notice_ms = region_notice_ms(j->l->region, e->id, e->launched_ms);
    i->rebalance_ms = region_risk_ms(j->l->region, e->id, e->launched_ms);
    i->event_ms = region_event_ms(j->l->region, e->id, e->launched_ms);
    if (i->notice_ms == 0 && e->interrupted)
        i->notice_ms = e->interrupted_since_ms;
    struct drain_mark mark;
    if (e->mark[0] && drain_mark_parse(j->a, e->mark, &mark))
        i->marked_ms = mark.at_ms;
    for (size_t f = 0; f < j->f->fleet_count; f++)
        if (strcmp(j->f->fleets[f].id, e->fleet) == 0)
            i->fleet = (int)f;
    if (i->fleet < 0)
        return;
    i->weight_milli = weight_of(j, i->fleet, e);
    i->attributes = coming_attributes(&j->s->fleets[i->fleet], e);
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
    i->provider = c->provider;
    i->agent_version = c->agent_version;
    i->ports = c->ports;
    i->ever_registered = true;
    i->attributes = join_attributes_of(j, c);
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
    .elsewhere = "", .agent_version = "", .fleet = -1, .weight_milli = 1000, .ecs = ECS_UNREGISTERED,
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

// An instance that this cluster does not know may have registered in another one that we watch.
static void join_elsewhere(struct join *j)
{
    struct gather *self = j->l->g;
    size_t unknown = 0;
    for (size_t i = 0; i < j->s->instance_count; i++)
        unknown += j->s->instances[i].arn[0] == '\0';
    for (struct gather *g = self->region->gathers; g && unknown > 0; g = g->next) {
        const struct facts *f = g == self ? NULL : g->facts[g->turn];
        if (f == NULL)
            continue;
        struct strmap theirs;
        strmap_init(&theirs, j->a, f->container_count);
        for (size_t i = 0; i < f->container_count; i++)
            strmap_put(&theirs, f->containers[i].ec2_id, 1);
        for (size_t i = 0; i < j->s->instance_count; i++)
            if (j->s->instances[i].arn[0] == '\0' && strmap_get(&theirs, j->s->instances[i].id) >= 0)
                j->s->instances[i].elsewhere = arena_strdup(j->a, g->cluster);
    }
}

// ---- holdings -------------------------------------------------------------------------------------------------------------

static void add_task(struct join *j, const struct fact_task *t)
{
    int at = strmap_get(&j->containers, t->container);
    if (at < 0 || t->stopped)
        return;
    struct instance *i = &j->s->instances[at];
    int service = strncmp(t->group, "service:", 8) == 0 ? strmap_get(&j->services, t->group + 8) : -1;
    int shape = join_shape(j, service, t->definition, t->own_need ? t : NULL);
    struct holding *h = NULL;
    for (size_t k = 0; k < i->holding_count && !h; k++)
        if (i->holdings[k].service == service && i->holdings[k].shape == shape)
            h = &i->holdings[k];
    if (h == NULL) {
        size_t cap = i->holding_count;  // grows by one each time: few shapes share a box
        i->holdings = arena_grow(j->a, i->holdings, i->holding_count, &cap, sizeof *i->holdings);
        h = &i->holdings[i->holding_count++];
        *h = (struct holding){.service = service, .shape = shape, .example_task = arena_strdup(j->a, join_after_last(t->arn, '/'))};
    }
    h->running += t->running && !t->stopping;
    h->pending += !t->running && !t->stopping;
    h->stopping += t->stopping;
    if (t->running && !t->stopping && t->started_ms > 0 && (h->oldest_ms == 0 || t->started_ms < h->oldest_ms))
        h->oldest_ms = t->started_ms;
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

// Of the machine's clock and the one that we live by the worse.
static int64_t clock_off_ms(struct region *r)
{
    struct aws_health h = aws_health(region_aws(r));
    int64_t machine_ms = h.clock_measured ? h.clock_off_ms : 0;
    return llabs(h.world_off_ms) > llabs(machine_ms) ? -h.world_off_ms : -machine_ms;
}

void snapshot_from_facts(struct look *l, struct arena *a, struct snapshot *ret)
{
    struct gather *g = l->g;
    *ret = (struct snapshot){
        .now_ms = clock_wall_ms(g->clock), .account = arena_strdup(a, region_account(l->region)),
        .region = arena_strdup(a, region_name(l->region)), .cluster = arena_strdup(a, g->cluster),
        .started_ms = g->started_ms, .complete_looks = g->complete_looks, .boot_p90_ms = gather_boot_ms(g, 90), .boot_p95_ms = gather_boot_ms(g, 95), .owner = "", .policy_hash = "", .listed_ms = l->new->listed_ms, .clock_off_ms = clock_off_ms(l->region),
        .confirmed = "", .control = {.who = "", .why = ""},
    };
    memcpy(ret->sources, l->new->sources, sizeof ret->sources);
    struct join j = {.l = l, .a = a, .f = l->new, .s = ret};
    join_types(&j);
    join_attribute_sets(&j);
    join_subnets(&j);
    join_fleets(&j);
    join_addresses(&j);
    join_services(&j);
    join_young(&j);
    join_instances(&j);
    join_group_providers(&j);
    join_elsewhere(&j);
    join_holdings(&j);
}
