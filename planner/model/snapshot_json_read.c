#include "planner/model/model_json.h"

#include <string.h>

#include "planner/model/names.h"
#include "planner/model/snapshot_json.h"

// ---- the reader -------------------------------------------------------------------------------------------------------------

enum { HAND_STARTED_MS = 24 * 60 * 60 * 1000 };  // a file that says nothing was looked at for a day: no start hold

struct reader {
    struct json_reader json;
    struct snapshot *s;
    struct name_index types, fleets, shapes, services;  // in `shapes` by key, the inline ones of services left out
    size_t shape_cap;
};

static struct json_path element(const struct json_path *up, const char *key, size_t index)
{
    return (struct json_path){.up = up, .key = key, .index = (int)index};
}

// What a table of the snapshot needs: its array in the JSON and as many zeroed elements.
static int begin_table(struct reader *r, const json_t *obj, const struct json_path *at, const char *key, size_t size, size_t extra,
                       const json_t **ret_array, void *ret_items, size_t *ret_count)
{
    if (json_reader_array(&r->json, obj, at, key, ret_array, ret_count))
        return ERR_INVALID;
    void *items = arena_alloc(r->json.arena, *ret_count + extra, size);
    memcpy(ret_items, &items, sizeof items);
    return 0;
}

static void begin_names(struct reader *r, struct name_index *x, size_t count)
{
    *x = (struct name_index){.entries = arena_array(r->json.arena, struct name_entry, count)};
}

static void add_name(struct name_index *x, const char *name)
{
    x->entries[x->count] = (struct name_entry){name, (int)x->count};
    x->count++;
}

static int end_names(struct reader *r, struct name_index *x, const struct json_path *root, const char *table, const char *key)
{
    int twice = name_index_sort(x);
    if (twice < 0)
        return 0;
    const char *name = "";
    for (size_t i = 0; i < x->count; i++)
        if (x->entries[i].index == twice)
            name = x->entries[i].name;
    struct json_path at = element(root, table, (size_t)twice);
    return json_reader_fail(&r->json, &at, key, "\"%s\" is there twice", name);
}

// A name that must be one of the index; absent or null leaves -1.
static int read_ref(struct reader *r, const json_t *obj, const struct json_path *at, const char *key, const struct name_index *x,
                    const char *what, int *ret)
{
    const json_t *v = json_object_get(obj, key);
    *ret = -1;
    if (!v || json_is_null(v))
        return 0;
    if (!json_is_string(v))
        return json_reader_fail(&r->json, at, key, "expected the name of a %s", what);
    *ret = name_index_find(x, json_string_value(v));
    return *ret < 0 ? json_reader_fail(&r->json, at, key, "there is no %s \"%s\"", what, json_string_value(v)) : 0;
}

// ---- sources, types, fleets, shapes -------------------------------------------------------------------------------------------

static int read_sources(struct reader *r, const json_t *obj, const struct json_path *root)
{
    const json_t *all = json_object_get(obj, "sources");
    struct json_path at = {.up = root, .key = "sources", .index = -1};
    if (all && !json_is_object(all))
        return json_reader_fail(&r->json, &at, "", "expected an object by source");
    for (int k = 0; k < SOURCE_COUNT; k++) {
        struct source *source = &r->s->sources[k];
        const json_t *one = json_object_get(all, source_kind_names[k]);
        struct json_path here = {.up = &at, .key = source_kind_names[k], .index = -1};
        *source = (struct source){.state = SOURCE_OK, .read_ms = r->s->now_ms, .detail = ""};
        if (!one)
            continue;
        if (json_fields_read(&r->json, one, &here, source_fields, source))
            return ERR_INVALID;
        if (!json_given(one, "read_at"))
            source->read_ms = r->s->now_ms;
    }
    return 0;
}

// Left out or null: as it is.
static int read_object(struct reader *r, const json_t *obj, const struct json_path *root, const char *key, struct json_fields fields, void *base)
{
    const json_t *one = json_object_get(obj, key);
    struct json_path at = {.up = root, .key = key, .index = -1};
    return one && !json_is_null(one) ? json_fields_read(&r->json, one, &at, fields, base) : 0;
}

// A table of rows without references.
static int read_rows(struct reader *r, const json_t *obj, const struct json_path *root, const char *key, struct json_fields fields, size_t size,
                     void *table, size_t *count)
{
    const json_t *items;
    if (begin_table(r, obj, root, key, size, 0, &items, table, count))
        return ERR_INVALID;
    char *rows;
    memcpy(&rows, table, sizeof rows);
    for (size_t i = 0; i < *count; i++) {
        struct json_path at = {.up = root, .key = key, .index = (int)i};
        if (json_fields_read(&r->json, json_array_get(items, i), &at, fields, rows + i * size))
            return ERR_INVALID;
    }
    return 0;
}

static int read_types(struct reader *r, const json_t *obj, const struct json_path *root)
{
    struct snapshot *s = r->s;
    const json_t *items;
    if (begin_table(r, obj, root, "types", sizeof *s->types, 0, &items, &s->types, &s->type_count))
        return ERR_INVALID;
    begin_names(r, &r->types, s->type_count);
    for (size_t i = 0; i < s->type_count; i++) {
        struct json_path at = element(root, "types", i);
        if (json_fields_read(&r->json, json_array_get(items, i), &at, type_fields, &s->types[i]))
            return ERR_INVALID;
        add_name(&r->types, s->types[i].name);
    }
    return end_names(r, &r->types, root, "types", "name");
}

static int read_fleet(struct reader *r, const json_t *obj, const struct json_path *at, struct fleet *f)
{
    const json_t *pools;
    if (json_fields_read(&r->json, obj, at, fleet_fields, f))
        return ERR_INVALID;
    if (begin_table(r, obj, at, "pools", sizeof *f->pools, 0, &pools, &f->pools, &f->pool_count))
        return ERR_INVALID;
    for (size_t i = 0; i < f->pool_count; i++) {
        struct json_path here = element(at, "pools", i);
        if (json_fields_read(&r->json, json_array_get(pools, i), &here, pool_fields, &f->pools[i]))
            return ERR_INVALID;
        f->pools[i].type = name_index_find(&r->types, f->pools[i].type_name);
        if (json_set_ref_read(&r->json, json_array_get(pools, i), &here, r->s, &f->pools[i].attributes))
            return ERR_INVALID;
    }
    return 0;
}

static int read_fleets(struct reader *r, const json_t *obj, const struct json_path *root)
{
    struct snapshot *s = r->s;
    const json_t *items;
    if (begin_table(r, obj, root, "fleets", sizeof *s->fleets, 0, &items, &s->fleets, &s->fleet_count))
        return ERR_INVALID;
    begin_names(r, &r->fleets, s->fleet_count);
    for (size_t i = 0; i < s->fleet_count; i++) {
        struct json_path at = element(root, "fleets", i);
        if (read_fleet(r, json_array_get(items, i), &at, &s->fleets[i]))
            return ERR_INVALID;
        add_name(&r->fleets, s->fleets[i].id);
    }
    return end_names(r, &r->fleets, root, "fleets", "id");
}

static int read_strategies(struct reader *r, const json_t *obj, const struct json_path *at, struct shape *shape)
{
    const json_t *items;
    size_t count;
    if (json_reader_array(&r->json, obj, at, "strategies", &items, &count))
        return ERR_INVALID;
    if (count > PLACE_MAX)
        return json_reader_fail(&r->json, at, "strategies", "%zu, ECS takes at most %d", count, PLACE_MAX);
    for (size_t i = 0; i < count; i++) {
        struct json_path here = element(at, "strategies", i);
        if (json_fields_read(&r->json, json_array_get(items, i), &here, strategy_fields, &shape->strategies[i]))
            return ERR_INVALID;
        if (shape->strategies[i].kind == PLACE_SPREAD && !*shape->strategies[i].field)
            shape->strategies[i].field = "instanceId";
    }
    shape->strategy_count = (int)count;
    return 0;
}

static int read_shapes(struct reader *r, const json_t *obj, const struct json_path *root)
{
    struct snapshot *s = r->s;
    const json_t *items, *services;
    size_t service_count;
    // Each service may bring one more, written inline as its `task`.
    if (json_reader_array(&r->json, obj, root, "services", &services, &service_count) ||
        begin_table(r, obj, root, "shapes", sizeof *s->shapes, service_count, &items, &s->shapes, &s->shape_count))
        return ERR_INVALID;
    r->shape_cap = s->shape_count + service_count;
    begin_names(r, &r->shapes, s->shape_count);
    for (size_t i = 0; i < s->shape_count; i++) {
        struct json_path at = element(root, "shapes", i);
        const json_t *item = json_array_get(items, i);
        if (json_fields_read(&r->json, item, &at, shape_fields, &s->shapes[i]) ||
            read_strategies(r, item, &at, &s->shapes[i]) || json_shape_lists_read(&r->json, item, &at, &s->shapes[i]))
            return ERR_INVALID;
        const char *key = json_string_value(json_object_get(item, "key"));
        add_name(&r->shapes, key ? arena_strdup(r->json.arena, key) : s->shapes[i].name);
    }
    return end_names(r, &r->shapes, root, "shapes", "name");
}

// ---- services ---------------------------------------------------------------------------------------------------------------

// A task written by hand inside its service: {"cpu_units": 512, "memory_mib": 1024} and any key of a shape but need.
static int read_inline_task(struct reader *r, const json_t *task, const struct json_path *at, const char *service, int *ret)
{
    struct snapshot *s = r->s;
    struct json_path here = {.up = at, .key = "task", .index = -1};
    json_t *shape = json_copy((json_t *)(uintptr_t)task);
    if (!json_given(task, "name"))
        json_object_set_new(shape, "name", json_sprintf("%s:1", service));
    struct shape *to = &s->shapes[s->shape_count];
    assert(s->shape_count < r->shape_cap);
    int rc = json_fields_read(&r->json, shape, &here, shape_fields, to);
    rc = rc ? rc : json_res_read(&r->json, task, &here, &to->need);
    rc = rc ? rc : read_strategies(r, shape, &here, to);
    rc = rc ? rc : json_shape_lists_read(&r->json, shape, &here, to);
    json_decref(shape);
    if (rc)
        return rc;
    if (to->need.v[RES_CPU] <= 0 && to->need.v[RES_MEMORY] <= 0)
        return json_reader_fail(&r->json, at, "task", "needs cpu_units or memory_mib");
    *ret = (int)s->shape_count++;
    return 0;
}

static int read_service_task(struct reader *r, const json_t *obj, const struct json_path *at, const char *service, int *ret)
{
    const json_t *task = json_object_get(obj, "task");
    if (json_is_object(task))
        return read_inline_task(r, task, at, service, ret);
    return read_ref(r, obj, at, "task", &r->shapes, "shape", ret);
}

static int read_deployment(struct reader *r, const json_t *obj, const struct json_path *at, int service_shape, struct deployment *d)
{
    if (json_fields_read(&r->json, obj, at, deployment_fields, d))
        return ERR_INVALID;
    d->shape = service_shape;
    return json_given(obj, "shape") ? read_ref(r, obj, at, "shape", &r->shapes, "shape", &d->shape) : 0;
}

static int read_deployments(struct reader *r, const json_t *obj, const struct json_path *at, int shape, struct service *service)
{
    const json_t *items;
    size_t count;
    if (json_reader_array(&r->json, obj, at, "deployments", &items, &count))
        return ERR_INVALID;
    bool none = !json_given(obj, "deployments");
    service->deployment_count = none ? 1 : count;
    service->deployments = arena_array(r->json.arena, struct deployment, service->deployment_count);
    // A service written by hand has one deployment, which is the service; its counts follow in derive_services.
    if (none)
        service->deployments[0] = (struct deployment){.id = "primary", .primary = true, .shape = shape, .desired = service->desired};
    service->primary = -1;
    for (size_t i = 0; i < service->deployment_count; i++) {
        struct json_path here = element(at, "deployments", i);
        const json_t *item = json_array_get(items, i);
        struct deployment *d = &service->deployments[i];
        if (!none && read_deployment(r, item, &here, shape, d))
            return ERR_INVALID;
        if (!none && !json_given(item, "primary"))
            d->primary = i == 0;
        if (!none && !json_given(item, "desired") && d->primary)
            d->desired = service->desired;
        service->primary = service->primary < 0 && d->primary ? (int)i : service->primary;
    }
    const json_t *index = json_object_get(obj, "primary_index");
    if (!index)
        return 0;
    json_int_t n = json_integer_value(index);
    if (!json_is_integer(index) || n < -1 || n >= (json_int_t)service->deployment_count)
        return json_reader_fail(&r->json, at, "primary_index", "expected the place of a deployment");
    service->primary = (int)n;
    return 0;
}

static int read_providers(struct reader *r, const json_t *obj, const struct json_path *at, struct service *service)
{
    const json_t *items;
    if (begin_table(r, obj, at, "providers", sizeof *service->providers, 0, &items, &service->providers, &service->provider_count))
        return ERR_INVALID;
    for (size_t i = 0; i < service->provider_count; i++) {
        struct json_path here = element(at, "providers", i);
        if (json_fields_read(&r->json, json_array_get(items, i), &here, provider_fields, &service->providers[i]))
            return ERR_INVALID;
    }
    return 0;
}

static int read_service(struct reader *r, const json_t *obj, const struct json_path *at, struct service *service)
{
    int shape = -1;
    if (json_fields_read(&r->json, obj, at, service_fields, service))
        return ERR_INVALID;
    if (!json_given(obj, "min_percent"))
        service->min_percent = service->kind == SERVICE_DAEMON ? 0 : 100;
    if (!json_given(obj, "max_percent"))
        service->max_percent = service->kind == SERVICE_DAEMON ? 100 : 200;
    if (!json_given(obj, "arn"))
        service->arn = arena_printf(r->json.arena, "arn:aws:ecs:%s:%s:service/%s/%s", r->s->region, r->s->account, r->s->cluster, service->name);
    if (read_service_task(r, obj, at, service->name, &shape) || read_providers(r, obj, at, service) ||
        json_texts_read(&r->json, obj, at, "target_groups", &service->target_groups, &service->target_group_count))
        return ERR_INVALID;
    return read_deployments(r, obj, at, shape, service);
}

static int read_services(struct reader *r, const json_t *obj, const struct json_path *root)
{
    struct snapshot *s = r->s;
    const json_t *items;
    if (begin_table(r, obj, root, "services", sizeof *s->services, 0, &items, &s->services, &s->service_count))
        return ERR_INVALID;
    begin_names(r, &r->services, s->service_count);
    for (size_t i = 0; i < s->service_count; i++) {
        struct json_path at = element(root, "services", i);
        if (read_service(r, json_array_get(items, i), &at, &s->services[i]))
            return ERR_INVALID;
        add_name(&r->services, s->services[i].name);
    }
    return end_names(r, &r->services, root, "services", "name");
}

// ---- instances --------------------------------------------------------------------------------------------------------------

static int read_holding(struct reader *r, const json_t *obj, const struct json_path *at, struct holding *h)
{
    if (json_fields_read(&r->json, obj, at, holding_fields, h) ||
        read_ref(r, obj, at, "service", &r->services, "service", &h->service) ||
        read_ref(r, obj, at, "shape", &r->shapes, "shape", &h->shape))
        return ERR_INVALID;
    if (!json_given(obj, "running"))
        h->running = h->pending == 0 && h->stopping == 0;
    if (json_given(obj, "shape"))
        return 0;
    if (h->service < 0)
        return json_reader_fail(&r->json, at, "", "a standalone task needs a shape");
    const struct service *service = &r->s->services[h->service];
    h->shape = service->primary >= 0 ? service->deployments[service->primary].shape : -1;
    return 0;
}

static int read_holdings(struct reader *r, const json_t *obj, const struct json_path *at, struct instance *in)
{
    const json_t *items;
    if (begin_table(r, obj, at, "tasks", sizeof *in->holdings, 0, &items, &in->holdings, &in->holding_count))
        return ERR_INVALID;
    for (size_t i = 0; i < in->holding_count; i++) {
        struct json_path here = element(at, "tasks", i);
        if (read_holding(r, json_array_get(items, i), &here, &in->holdings[i]))
            return ERR_INVALID;
    }
    return 0;
}

static bool registers(enum ecs_state ecs)
{
    return ecs == ECS_ACTIVE || ecs == ECS_DRAINING;
}

// What ECS counts and what its tasks leave free, from the tasks that are written.
static int derive_usage(struct reader *r, const json_t *obj, const struct json_path *at, struct instance *in)
{
    int64_t running = 0, pending = 0;
    struct res used = {0};
    for (size_t i = 0; i < in->holding_count; i++) {
        const struct holding *h = &in->holdings[i];
        running += (int64_t)h->running + h->stopping;
        pending += h->pending;
        if (running + pending > JSON_COUNT_MAX)
            return json_reader_fail(&r->json, at, "tasks", "more than %d on one instance", JSON_COUNT_MAX);
        if (h->shape >= 0)
            used = res_add(used, res_scale(r->s->shapes[h->shape].need, (int64_t)h->running + h->pending + h->stopping));
    }
    if (!json_given(obj, "ecs_running"))
        in->ecs_running = (int32_t)running;
    if (!json_given(obj, "ecs_pending"))
        in->ecs_pending = (int32_t)pending;
    if (!json_given(obj, "remaining"))
        in->remaining = res_sub(in->registered, used);
    return 0;
}

static int64_t pool_weight_milli(const struct snapshot *s, const struct instance *in)
{
    const struct fleet *f = in->fleet >= 0 ? &s->fleets[in->fleet] : NULL;
    for (size_t i = 0; f && i < f->pool_count; i++) {
        const struct fleet_pool *p = &f->pools[i];
        if (strcmp(p->type_name, in->type) == 0 && (!*p->zone || strcmp(p->zone, in->zone) == 0))
            return p->weight_milli;
    }
    return 1000;
}

static int derive_instance(struct reader *r, const json_t *obj, const struct json_path *at, struct instance *in)
{
    const struct snapshot *s = r->s;
    int type = name_index_find(&r->types, in->type);
    bool known_to_ecs = in->ecs != ECS_UNREGISTERED;
    if (!json_given(obj, "arch") && type >= 0)
        in->arch = s->types[type].arch;
    if (!json_given(obj, "arn") && known_to_ecs)
        in->arn = arena_printf(r->json.arena, "arn:aws:ecs:%s:%s:container-instance/%s/%s", s->region, s->account, s->cluster, in->id);
    if (!json_given(obj, "weight_milli"))
        in->weight_milli = pool_weight_milli(s, in);
    if (!json_given(obj, "agent_connected"))
        in->agent_connected = registers(in->ecs) && in->disconnected_since_ms == 0;
    if (!json_given(obj, "launched_at"))
        in->launched_ms = s->now_ms - HAND_STARTED_MS;
    if (!json_given(obj, "registered_at") && registers(in->ecs))
        in->registered_ms = in->launched_ms;
    if (!json_given(obj, "ever_registered"))
        in->ever_registered = known_to_ecs;
    if (!json_given(obj, "ports") && registers(in->ecs))
        in->ports = port_set_reserved;
    if (!json_given(obj, "registered") && registers(in->ecs)) {
        if (type >= 0)
            in->registered = instance_type_capacity(&s->types[type]);
        if (res_is_zero(in->registered))
            return json_reader_fail(&r->json, at, "registered", "neither given nor known: types has no \"%s\" with a size", in->type);
    }
    return derive_usage(r, obj, at, in);
}

static int read_instances(struct reader *r, const json_t *obj, const struct json_path *root)
{
    struct snapshot *s = r->s;
    struct name_index ids;
    const json_t *items;
    if (begin_table(r, obj, root, "instances", sizeof *s->instances, 0, &items, &s->instances, &s->instance_count))
        return ERR_INVALID;
    begin_names(r, &ids, s->instance_count);
    for (size_t i = 0; i < s->instance_count; i++) {
        struct json_path at = element(root, "instances", i);
        const json_t *item = json_array_get(items, i);
        struct instance *in = &s->instances[i];
        if (json_fields_read(&r->json, item, &at, instance_fields, in) ||
            read_ref(r, item, &at, "fleet", &r->fleets, "fleet", &in->fleet) || read_holdings(r, item, &at, in) ||
            json_set_ref_read(&r->json, item, &at, s, &in->attributes) || json_ports_read(&r->json, item, &at, &in->ports) ||
            derive_instance(r, item, &at, in))
            return ERR_INVALID;
        if (!*in->id)
            return json_reader_fail(&r->json, &at, "id", "is empty");
        add_name(&ids, in->id);
    }
    return end_names(r, &ids, root, "instances", "id");
}

static int read_all(struct reader *r, const json_t *j, const struct json_path *root)
{
    struct snapshot *s = r->s;
    if (json_fields_read(&r->json, j, root, snapshot_fields, s))
        return ERR_INVALID;
    if (!json_given(j, "started_at"))
        s->started_ms = s->now_ms - HAND_STARTED_MS;
    if (!json_given(j, "listed_at"))
        s->listed_ms = s->now_ms;
    s->control = (struct control){.mode = CONTROL_RUN, .who = "", .why = ""};
    s->usage = s->overflow = s->requests = (struct source){.detail = ""};
    if (read_object(r, j, root, "control", control_fields, &s->control) || read_object(r, j, root, "usage", source_fields, &s->usage) ||
        read_object(r, j, root, "overflow", source_fields, &s->overflow) || read_object(r, j, root, "requests", source_fields, &s->requests) || read_object(r, j, root, "outlook", outlook_fields, &s->outlook) ||
        read_rows(r, j, root, "local_times", local_time_fields, sizeof *r->s->local_times, &r->s->local_times, &r->s->local_time_count) ||
        read_rows(r, j, root, "occasions", occasion_fields, sizeof *r->s->occasions, &r->s->occasions, &r->s->occasion_count) ||
        read_rows(r, j, root, "quotas", quota_fields, sizeof *r->s->quotas, &r->s->quotas, &r->s->quota_count) ||
        read_rows(r, j, root, "subnets", subnet_fields, sizeof *r->s->subnets, &r->s->subnets, &r->s->subnet_count) ||
        json_sets_read(&r->json, j, root, s) || read_sources(r, j, root) || read_types(r, j, root) || read_fleets(r, j, root) || read_shapes(r, j, root) ||
        read_services(r, j, root) || read_instances(r, j, root))
        return ERR_INVALID;
    snapshot_derive_counts(s, j, r->json.arena);
    return 0;
}

int snapshot_from_json_at(const json_t *j, const struct json_path *root, struct json_reader *json, struct snapshot *ret)
{
    struct snapshot s = {0};
    struct reader r = {.json = *json, .s = &s};
    int rc = read_all(&r, j, root);
    *json = r.json;
    if (rc == 0)
        *ret = s;
    return rc;
}

int snapshot_from_json(const json_t *j, struct arena *a, struct snapshot *ret, struct err *err)
{
    struct json_reader json = {.arena = a, .err = err};
    struct json_path root = {.key = "", .index = -1};
    return snapshot_from_json_at(j, &root, &json, ret);
}
