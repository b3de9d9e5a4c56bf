#include "planner/model/model_json.h"

#include <string.h>

#include "base/json.h"
#include "planner/model/names.h"
#include "planner/model/snapshot_json.h"

// What references a shape by. A shape's name is unique with its service only: a later one of equal name gets "name#2", "name#3"
// (task definitions have no '#' in their names).
static const char **make_shape_keys(const struct snapshot *s, struct arena *a)
{
    const char **keys = arena_array(a, const char *, s->shape_count);
    struct name_index x = {.entries = arena_array(a, struct name_entry, s->shape_count), .count = s->shape_count};
    for (size_t i = 0; i < s->shape_count; i++)
        x.entries[i] = (struct name_entry){s->shapes[i].name, (int)i};
    name_index_sort(&x);
    int number = 1;
    for (size_t at = 0; at < x.count; at++) {
        const struct name_entry *e = &x.entries[at];
        number = at > 0 && strcmp(x.entries[at - 1].name, e->name) == 0 ? number + 1 : 1;
        keys[e->index] = number == 1 ? e->name : arena_printf(a, "%s#%d", e->name, number);
    }
    return keys;
}

struct writer {
    const struct snapshot *s;
    const char **shape_keys;
};

static json_t *object_of(struct json_fields fields, const void *base)
{
    json_t *obj = json_object();
    json_fields_write(obj, fields, base);
    return obj;
}

static void set_shape(const struct writer *w, json_t *obj, int shape)
{
    assert(shape < (int)w->s->shape_count);
    json_object_set_new(obj, "shape", shape >= 0 ? json_text(w->shape_keys[shape]) : json_null());
}

static json_t *sources_to_json(const struct snapshot *s)
{
    json_t *all = json_object();
    for (int k = 0; k < SOURCE_COUNT; k++)
        json_object_set_new(all, source_kind_names[k], object_of(source_fields, &s->sources[k]));
    return all;
}

static json_t *pool_to_json(const struct snapshot *s, const struct fleet_pool *p)
{
    json_t *obj = object_of(pool_fields, p);
    json_set_ref_write(obj, s, p->attributes);
    return obj;
}

static json_t *fleet_to_json(const struct snapshot *s, const struct fleet *f)
{
    json_t *obj = object_of(fleet_fields, f);
    json_t *pools = json_array();
    for (size_t i = 0; i < f->pool_count; i++)
        json_array_append_new(pools, pool_to_json(s, &f->pools[i]));
    json_object_set_new(obj, "pools", pools);
    return obj;
}

static json_t *shape_to_json(const struct writer *w, size_t i)
{
    const struct shape *shape = &w->s->shapes[i];
    json_t *obj = object_of(shape_fields, shape);
    if (strcmp(w->shape_keys[i], shape->name) != 0)
        json_object_set_new(obj, "key", json_text(w->shape_keys[i]));
    json_t *strategies = json_array();
    assert(shape->strategy_count <= PLACE_MAX);
    for (int k = 0; k < shape->strategy_count; k++)
        json_array_append_new(strategies, object_of(strategy_fields, &shape->strategies[k]));
    json_object_set_new(obj, "strategies", strategies);
    json_shape_lists_write(obj, shape);
    return obj;
}

static json_t *service_to_json(const struct writer *w, const struct service *service)
{
    json_t *obj = object_of(service_fields, service);
    json_t *deployments = json_array();
    int first_primary = -1;
    for (size_t i = 0; i < service->deployment_count; i++) {
        const struct deployment *d = &service->deployments[i];
        json_t *item = object_of(deployment_fields, d);
        set_shape(w, item, d->shape);
        json_array_append_new(deployments, item);
        first_primary = first_primary < 0 && d->primary ? (int)i : first_primary;
    }
    json_object_set_new(obj, "deployments", deployments);
    json_t *providers = json_array();
    for (size_t i = 0; i < service->provider_count; i++)
        json_array_append_new(providers, object_of(provider_fields, &service->providers[i]));
    if (service->provider_count > 0)
        json_object_set(obj, "providers", providers);
    json_decref(providers);
    json_texts_write(obj, "target_groups", service->target_groups, service->target_group_count);
    if (service->primary != first_primary)
        json_object_set_new(obj, "primary_index", json_integer(service->primary));
    return obj;
}

static json_t *instance_to_json(const struct writer *w, const struct instance *in)
{
    json_t *obj = object_of(instance_fields, in);
    assert(in->fleet < (int)w->s->fleet_count);
    if (in->fleet >= 0)
        json_object_set_new(obj, "fleet", json_text(w->s->fleets[in->fleet].id));
    json_set_ref_write(obj, w->s, in->attributes);
    json_ports_write(obj, in->ports);
    json_t *tasks = json_array();
    for (size_t i = 0; i < in->holding_count; i++) {
        const struct holding *h = &in->holdings[i];
        json_t *item = json_object();
        assert(h->service < (int)w->s->service_count);
        if (h->service >= 0)
            json_object_set_new(item, "service", json_text(w->s->services[h->service].name));
        set_shape(w, item, h->shape);
        json_fields_write(item, holding_fields, h);
        json_array_append_new(tasks, item);
    }
    json_object_set_new(obj, "tasks", tasks);
    return obj;
}

static bool tells(const struct source *x)
{
    return x->state != SOURCE_UNKNOWN || x->read_ms > 0 || (x->detail && x->detail[0]);
}

json_t *snapshot_to_json(const struct snapshot *s)
{
    struct arena a;
    arena_init(&a, 0);
    struct writer w = {.s = s, .shape_keys = make_shape_keys(s, &a)};
    json_t *obj = object_of(snapshot_fields, s);
    json_object_set_new(obj, "sources", sources_to_json(s));
    if (s->outlook.at_ms > 0)
        json_object_set_new(obj, "outlook", object_of(outlook_fields, &s->outlook));
    if (tells(&s->usage))
        json_object_set_new(obj, "usage", object_of(source_fields, &s->usage));
    if (tells(&s->overflow))
        json_object_set_new(obj, "overflow", object_of(source_fields, &s->overflow));
    if (tells(&s->requests))
        json_object_set_new(obj, "requests", object_of(source_fields, &s->requests));
    if (s->control.mode != CONTROL_RUN)
        json_object_set_new(obj, "control", object_of(control_fields, &s->control));
    json_sets_write(obj, s);
    json_t *times = json_array();
    for (size_t i = 0; i < s->local_time_count; i++)
        json_array_append_new(times, object_of(local_time_fields, &s->local_times[i]));
    if (s->local_time_count > 0)
        json_object_set(obj, "local_times", times);
    json_decref(times);
    json_t *occasions = json_array();
    for (size_t i = 0; i < s->occasion_count; i++)
        json_array_append_new(occasions, object_of(occasion_fields, &s->occasions[i]));
    if (s->occasion_count > 0)
        json_object_set(obj, "occasions", occasions);
    json_decref(occasions);
    json_t *quotas = json_array();
    for (size_t i = 0; i < s->quota_count; i++)
        json_array_append_new(quotas, object_of(quota_fields, &s->quotas[i]));
    if (s->quota_count > 0)
        json_object_set(obj, "quotas", quotas);
    json_decref(quotas);
    json_t *subnets = json_array();
    for (size_t i = 0; i < s->subnet_count; i++)
        json_array_append_new(subnets, object_of(subnet_fields, &s->subnets[i]));
    if (s->subnet_count > 0)
        json_object_set(obj, "subnets", subnets);
    json_decref(subnets);
    json_t *types = json_array(), *fleets = json_array(), *shapes = json_array(), *services = json_array(),
           *instances = json_array();
    for (size_t i = 0; i < s->type_count; i++)
        json_array_append_new(types, object_of(type_fields, &s->types[i]));
    for (size_t i = 0; i < s->fleet_count; i++)
        json_array_append_new(fleets, fleet_to_json(s, &s->fleets[i]));
    for (size_t i = 0; i < s->shape_count; i++)
        json_array_append_new(shapes, shape_to_json(&w, i));
    for (size_t i = 0; i < s->service_count; i++)
        json_array_append_new(services, service_to_json(&w, &s->services[i]));
    for (size_t i = 0; i < s->instance_count; i++)
        json_array_append_new(instances, instance_to_json(&w, &s->instances[i]));
    json_object_set_new(obj, "types", types);
    json_object_set_new(obj, "fleets", fleets);
    json_object_set_new(obj, "shapes", shapes);
    json_object_set_new(obj, "services", services);
    json_object_set_new(obj, "instances", instances);
    arena_release(&a);
    return obj;
}
