#include "scaler/view_copy.h"

#include <string.h>

static const char *text(const char *s, struct arena *a)
{
    return s && *s ? arena_strdup(a, s) : "";
}

static void *items(const void *from, size_t count, size_t size, struct arena *a)
{
    if (count == 0)
        return NULL;
    void *to = arena_alloc(a, count, size);
    memcpy(to, from, count * size);
    return to;
}

static const struct attribute *copy_attributes(const struct attribute *v, size_t count, struct arena *a)
{
    struct attribute *to = items(v, count, sizeof(*to), a);
    for (size_t i = 0; i < count; i++)
        to[i] = (struct attribute){text(v[i].name, a), text(v[i].value, a)};
    return to;
}

static void copy_texts(const char ***v, size_t count, struct arena *a)
{
    *v = items(*v, count, sizeof(**v), a);
    for (size_t i = 0; i < count; i++)
        (*v)[i] = text((*v)[i], a);
}

static struct port_set copy_ports(struct port_set p, struct arena *a)
{
    return (struct port_set){items(p.v, p.count, sizeof(*p.v), a), p.count};
}

// The copy of a set is where the set is in the copied table.
static const struct attribute_set *same_set(const struct snapshot *from, const struct snapshot *to, const struct attribute_set *set)
{
    return set ? to->attribute_sets + (set - from->attribute_sets) : NULL;
}

static void copy_shape(struct shape *s, struct arena *a)
{
    s->required = (struct attribute *)(uintptr_t)copy_attributes(s->required, s->required_count, a);
    copy_texts(&s->member_of, s->member_of_count, a);
    copy_texts(&s->zones, s->zone_count, a);
    s->ports = copy_ports(s->ports, a);
    s->vpc = text(s->vpc, a);
    s->name = text(s->name, a);
    s->arch = text(s->arch, a);
    s->unmodelled = text(s->unmodelled, a);
    for (int i = 0; i < s->strategy_count; i++)
        s->strategies[i].field = text(s->strategies[i].field, a);
}

static void copy_service(struct service *s, struct arena *a)
{
    s->name = text(s->name, a);
    s->arn = text(s->arn, a);
    s->last_event = text(s->last_event, a);
    s->not_ours = text(s->not_ours, a);
    copy_texts(&s->target_groups, s->target_group_count, a);
    s->providers = items(s->providers, s->provider_count, sizeof(*s->providers), a);
    for (size_t i = 0; i < s->provider_count; i++)
        s->providers[i].provider = text(s->providers[i].provider, a);
    s->deployments = items(s->deployments, s->deployment_count, sizeof(*s->deployments), a);
    for (size_t i = 0; i < s->deployment_count; i++)
        s->deployments[i].id = text(s->deployments[i].id, a);
}

static void copy_instance(struct instance *i, struct arena *a)
{
    i->id = text(i->id, a);
    i->arn = text(i->arn, a);
    i->type = text(i->type, a);
    i->zone = text(i->zone, a);
    i->arch = text(i->arch, a);
    i->mark = text(i->mark, a);
    i->provider = text(i->provider, a);
    i->agent_version = text(i->agent_version, a);
    i->launch_template = text(i->launch_template, a);
    i->elsewhere = text(i->elsewhere, a);
    i->member = text(i->member, a);
    i->ports = copy_ports(i->ports, a);
    i->holdings = items(i->holdings, i->holding_count, sizeof(*i->holdings), a);
    for (size_t k = 0; k < i->holding_count; k++)
        i->holdings[k].example_task = text(i->holdings[k].example_task, a);
}

static void copy_fleet(struct fleet *f, struct arena *a)
{
    f->id = text(f->id, a);
    f->name = text(f->name, a);
    f->unfound = text(f->unfound, a);
    f->hook = text(f->hook, a);
    f->provider = text(f->provider, a);
    f->replaces = text(f->replaces, a);
    f->activity = text(f->activity, a);
    f->allocation = text(f->allocation, a);
    f->owner = text(f->owner, a);
    f->foreign = text(f->foreign, a);
    f->control = text(f->control, a);
    f->denied = text(f->denied, a);
    f->last_error = text(f->last_error, a);
    f->pools = items(f->pools, f->pool_count, sizeof(*f->pools), a);
    for (size_t i = 0; i < f->pool_count; i++) {
        f->pools[i].type_name = text(f->pools[i].type_name, a);
        f->pools[i].zone = text(f->pools[i].zone, a);
        f->pools[i].subnet = text(f->pools[i].subnet, a);
        f->pools[i].launch_template = text(f->pools[i].launch_template, a);
    }
}

struct snapshot *view_copy_snapshot(const struct snapshot *s, struct arena *a)
{
    struct snapshot *c = items(s, 1, sizeof(*s), a);
    c->account = text(c->account, a);
    c->region = text(c->region, a);
    c->cluster = text(c->cluster, a);
    c->owner = text(c->owner, a);
    c->policy_hash = text(c->policy_hash, a);
    c->confirmed = text(c->confirmed, a);
    c->local_times = items(c->local_times, c->local_time_count, sizeof(*c->local_times), a);
    for (size_t i = 0; i < c->local_time_count; i++)
        c->local_times[i].zone = text(c->local_times[i].zone, a);
    c->occasions = items(c->occasions, c->occasion_count, sizeof(*c->occasions), a);
    for (size_t i = 0; i < c->occasion_count; i++)
        c->occasions[i].name = text(c->occasions[i].name, a);
    c->quotas = items(c->quotas, c->quota_count, sizeof(*c->quotas), a);
    c->subnets = items(c->subnets, c->subnet_count, sizeof(*c->subnets), a);
    for (size_t i = 0; i < c->subnet_count; i++)
        c->subnets[i].id = text(c->subnets[i].id, a);
    c->control.who = text(c->control.who, a);
    c->control.why = text(c->control.why, a);
    c->attribute_sets = items(c->attribute_sets, c->attribute_set_count, sizeof(*c->attribute_sets), a);
    for (size_t i = 0; i < c->attribute_set_count; i++)
        c->attribute_sets[i].v = (struct attribute *)(uintptr_t)copy_attributes(c->attribute_sets[i].v, c->attribute_sets[i].count, a);
    for (int i = 0; i < SOURCE_COUNT; i++)
        c->sources[i].detail = text(c->sources[i].detail, a);
    c->types = items(c->types, c->type_count, sizeof(*c->types), a);
    for (size_t i = 0; i < c->type_count; i++) {
        c->types[i].name = text(c->types[i].name, a);
        c->types[i].arch = text(c->types[i].arch, a);
    }
    c->fleets = items(c->fleets, c->fleet_count, sizeof(*c->fleets), a);
    for (size_t i = 0; i < c->fleet_count; i++) {
        copy_fleet(&c->fleets[i], a);
        for (size_t k = 0; k < c->fleets[i].pool_count; k++)
            c->fleets[i].pools[k].attributes = same_set(s, c, c->fleets[i].pools[k].attributes);
    }
    c->usage.detail = c->usage.detail ? text(c->usage.detail, a) : NULL;
    c->overflow.detail = c->overflow.detail ? text(c->overflow.detail, a) : NULL;
    c->requests.detail = c->requests.detail ? text(c->requests.detail, a) : NULL;
    c->overflowing = c->overflowing ? text(c->overflowing, a) : NULL;
    c->shapes = items(c->shapes, c->shape_count, sizeof(*c->shapes), a);
    for (size_t i = 0; i < c->shape_count; i++)
        copy_shape(&c->shapes[i], a);
    c->services = items(c->services, c->service_count, sizeof(*c->services), a);
    for (size_t i = 0; i < c->service_count; i++)
        copy_service(&c->services[i], a);
    c->instances = items(c->instances, c->instance_count, sizeof(*c->instances), a);
    for (size_t i = 0; i < c->instance_count; i++) {
        copy_instance(&c->instances[i], a);
        c->instances[i].attributes = same_set(s, c, c->instances[i].attributes);
    }
    return c;
}

struct plan *view_copy_plan(const struct plan *p, struct arena *a)
{
    struct plan *c = items(p, 1, sizeof(*p), a);
    c->cluster = text(c->cluster, a);
    c->mode = text(c->mode, a);
    c->actions = items(c->actions, c->action_count, sizeof(*c->actions), a);
    c->action_cap = c->action_count;
    for (size_t i = 0; i < c->action_count; i++) {
        struct action *x = &c->actions[i];
        x->target = text(x->target, a);
        x->value = text(x->value, a);
        x->fact = text(x->fact, a);
        x->verdict = text(x->verdict, a);
    }
    c->verdicts = items(c->verdicts, c->verdict_count, sizeof(*c->verdicts), a);
    c->verdict_cap = c->verdict_count;
    for (size_t i = 0; i < c->verdict_count; i++) {
        struct verdict *v = &c->verdicts[i];
        v->target = text(v->target, a);
        v->fact = text(v->fact, a);
        v->verdict = text(v->verdict, a);
    }
    c->alerts = items(c->alerts, c->alert_count, sizeof(*c->alerts), a);
    c->alert_cap = c->alert_count;
    for (size_t i = 0; i < c->alert_count; i++) {
        struct alert *x = &c->alerts[i];
        x->id = text(x->id, a);
        x->target = text(x->target, a);
        x->what = text(x->what, a);
        x->remedy = text(x->remedy, a);
    }
    c->demands = items(c->demands, c->demand_count, sizeof(*c->demands), a);
    c->demand_cap = c->demand_count;
    return c;
}

struct memo *view_copy_memo(const struct memo *m, struct arena *a)
{
    struct memo *c = items(m, 1, sizeof(*m), a);
    c->policy_hash = text(c->policy_hash, a);
    c->drains = items(c->drains, c->drain_count, sizeof(*c->drains), a);
    c->drain_cap = c->drain_count;
    for (size_t i = 0; i < c->drain_count; i++) {
        c->drains[i].instance = text(c->drains[i].instance, a);
        c->drains[i].reason = text(c->drains[i].reason, a);
    }
    c->stamps = items(c->stamps, c->stamp_count, sizeof(*c->stamps), a);
    c->stamp_cap = c->stamp_count;
    for (size_t i = 0; i < c->stamp_count; i++)
        c->stamps[i].key = text(c->stamps[i].key, a);
    c->targets = items(c->targets, c->target_count, sizeof(*c->targets), a);
    c->target_cap = c->target_count;
    for (size_t i = 0; i < c->target_count; i++)
        c->targets[i].fleet = text(c->targets[i].fleet, a);
    return c;
}
