// Container instances.
#include "scaler/sandbox/ecs.h"

#include <string.h>

#include "planner/sim/query.h"

static const char *const status_names[] = {
    [WE_NONE] = "", [WE_REGISTERING] = "REGISTERING", [WE_ACTIVE] = "ACTIVE", [WE_DRAINING] = "DRAINING", [WE_DEREGISTERING] = "DEREGISTERING",
    [WE_INACTIVE] = "INACTIVE", [WE_FAILED] = "REGISTRATION_FAILED"};
static const char *const reserved_ports[] = {"22", "2375", "2376", "51678", "51679", "51680"};

static bool visible(const struct call *c, const struct world_instance *in)
{
    return in->used && in->ci_id[0] != '\0' && in->registered_ms <= c->seen_ms && world_seen(&in->status, c->seen_ms) != WE_NONE;
}

void play_ecs_list_container_instances(struct call *c)
{
    int cluster = -1;
    const char *status = NULL, *filter = NULL;
    const struct world_query *query = NULL;
    struct page page;
    struct err err = {0};
    if (!play_ecs_cluster(c, &cluster) || !play_ecs_str(c, "filter", &filter) || !play_ecs_str(c, "status", &status) || !play_ecs_page(c, 100, 100, &page))
        return;
    if (filter != NULL && world_query_parse(filter, c->arena, &query, &err) != 0) {
        call_fail(c, 400, "InvalidParameterException", "Invalid filter: %s", err.msg);
        return;
    }
    bool known = status == NULL;
    for (size_t i = WE_REGISTERING; i < ARRAY_LEN(status_names) && !known; i++)
        known = i != WE_INACTIVE && strcmp(status, status_names[i]) == 0;
    if (!known) {
        call_fail(c, 400, "InvalidParameterException", "Container instance status is invalid.");
        return;
    }
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "containerInstanceArns", '[');
    for (int i = 0; i < c->view.instance_count; i++) {
        const struct world_instance *in = &c->view.instances[i];
        if (in->cluster != cluster || !visible(c, in))
            continue;
        int64_t seen = world_seen(&in->status, c->seen_ms);
        bool wanted = status == NULL ? seen != WE_INACTIVE : strcmp(status, status_names[seen]) == 0;
        if (wanted && (query == NULL || world_query_matches(c->world, i, query)) && page_take(&page, i))
            jo_str(&o, NULL, play_ecs_arn(c, cluster, "container-instance", in->ci_id));
    }
    jo_close(&o, ']');
    const char *token = page_token(c, &page);
    if (token != NULL)
        jo_str(&o, "nextToken", token);
    jo_close(&o, '}');
}

// ---- one instance ---------------------------------------------------------------------------------------------------------
static void begin_resource(struct json_out *o, const char *name, const char *type, int64_t value)
{
    jo_open(o, NULL, '{');
    jo_str(o, "name", name);
    jo_str(o, "type", type);
    jo_zero(o, "doubleValue");
    jo_int(o, "longValue", 0);
    jo_int(o, "integerValue", value);
}

static void write_number(struct json_out *o, const char *name, int64_t value)
{
    begin_resource(o, name, "INTEGER", value);
    jo_close(o, '}');
}

// In the registered list the reserved ports, in the remaining one those and all that tasks hold: the inverse of a remainder.
static void write_ports(struct call *c, struct json_out *o, const struct world_instance *in, bool remaining, bool udp)
{
    begin_resource(o, udp ? "PORTS_UDP" : "PORTS", "STRINGSET", 0);
    jo_open(o, "stringSetValue", '[');
    for (size_t i = 0; !udp && i < ARRAY_LEN(reserved_ports); i++)
        jo_str(o, NULL, reserved_ports[i]);
    for (int t = remaining ? in->first_task : -1; t >= 0; t = c->view.tasks[t].next_of_instance) {
        const struct world_task *task = &c->view.tasks[t];
        if (task->desired.now == WD_STOPPED)
            continue;
        const struct world_taskdef *def = &c->view.taskdefs[task->taskdef];
        for (int i = 0; i < def->port_count; i++)
            if (def->ports[i].udp == udp)
                jo_decimal(o, NULL, def->ports[i].host);
    }
    jo_close(o, ']');
    jo_close(o, '}');
}

// All ids in the registered list, in the remaining one those that no task holds.
static void write_gpus(struct call *c, struct json_out *o, const struct world_instance *in, bool remaining)
{
    uint32_t held = 0;
    for (int t = remaining ? in->first_task : -1; t >= 0; t = c->view.tasks[t].next_of_instance)
        if (c->view.tasks[t].desired.now == WD_RUNNING)
            held |= c->view.tasks[t].gpu_mask;
    if (in->registered.v[RES_GPU] == 0)
        return;
    begin_resource(o, "GPU", "STRINGSET", 0);
    jo_open(o, "stringSetValue", '[');
    for (int64_t i = 0; i < in->registered.v[RES_GPU]; i++)
        if (!(held >> i & 1))
            jo_str(o, NULL, arena_printf(c->arena, "GPU-%08x-%02x", (unsigned)in->serial, (unsigned)i));
    jo_close(o, ']');
    jo_close(o, '}');
}

static void write_resources(struct call *c, struct json_out *o, const struct world_instance *in, bool remaining)
{
    const struct res *r = remaining ? &in->remaining : &in->registered;
    jo_open(o, remaining ? "remainingResources" : "registeredResources", '[');
    write_number(o, "CPU", r->v[RES_CPU]);
    write_number(o, "MEMORY", r->v[RES_MEMORY]);
    write_ports(c, o, in, remaining, false);
    write_ports(c, o, in, remaining, true);
    write_gpus(c, o, in, remaining);
    jo_close(o, ']');
}

static void write_attributes(struct call *c, struct json_out *o, int instance)
{
    struct world_attribute all[WORLD_ATTRIBUTES_ALL];
    int count = world_attributes(c->world, instance, all);
    jo_open(o, "attributes", '[');
    for (int i = 0; i < count; i++) {
        jo_open(o, NULL, '{');
        jo_str(o, "name", all[i].name);
        if (*all[i].value != '\0')
            jo_str(o, "value", all[i].value);
        jo_close(o, '}');
    }
    jo_close(o, ']');
}

void play_ecs_write_instance(struct call *c, struct json_out *o, int instance, bool health)
{
    const struct world_instance *in = &c->view.instances[instance];
    jo_open(o, NULL, '{');
    jo_str(o, "containerInstanceArn", play_ecs_arn(c, in->cluster, "container-instance", in->ci_id));
    jo_str(o, "ec2InstanceId", in->id);
    jo_int(o, "version", in->version);
    jo_open(o, "versionInfo", '{');
    jo_str(o, "agentVersion", c->view.templates[in->template].agent_version);
    jo_str(o, "agentHash", "5a4db0c5");
    jo_str(o, "dockerVersion", "DockerVersion: 25.0.8");
    jo_close(o, '}');
    write_resources(c, o, in, true);
    write_resources(c, o, in, false);
    jo_str(o, "status", status_names[world_seen(&in->status, c->seen_ms)]);
    jo_bool(o, "agentConnected", in->agent_connected);
    jo_int(o, "runningTasksCount", in->running_tasks);
    jo_int(o, "pendingTasksCount", in->pending_tasks);
    write_attributes(c, o, instance);
    if (in->provider >= 0)
        jo_str(o, "capacityProviderName", c->view.providers[in->provider].name);
    jo_time(o, "registeredAt", in->registered_ms);
    jo_open(o, "attachments", '[');
    jo_close(o, ']');
    // ECS's own tags: those of EC2 are another list, which the agent does not propagate unless told to.
    jo_open(o, "tags", '[');
    jo_close(o, ']');
    if (health) {
        jo_open(o, "healthStatus", '{');
        jo_str(o, "overallStatus", in->agent_connected ? "OK" : "INSUFFICIENT_DATA");
        jo_close(o, '}');
    }
    jo_close(o, '}');
}

void play_ecs_describe_container_instances(struct call *c)
{
    int cluster = -1;
    struct ecs_list ids, include;
    if (!play_ecs_cluster(c, &cluster) || !play_ecs_strings(c, "containerInstances", 100, &ids) || !play_ecs_strings(c, "include", 10, &include))
        return;
    if (ids.count == 0) {
        call_missing(c, "Container instance");
        return;
    }
    bool health = play_ecs_includes(&include, "CONTAINER_INSTANCE_HEALTH");
    int *found = arena_array(c->arena, int, ids.count);
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "containerInstances", '[');
    for (size_t i = 0; i < ids.count; i++) {
        found[i] = play_ecs_left_out(c, i, ids.count) ? -1 : play_ecs_find_instance(c, cluster, ids.items[i]);
        if (found[i] < 0)
            continue;
        play_ecs_write_instance(c, &o, found[i], health);
        call_told_state(c, found[i]);
    }
    jo_close(&o, ']');
    jo_open(&o, "failures", '[');
    for (size_t i = 0; i < ids.count; i++)
        if (found[i] < 0)
            play_ecs_failure(c, &o, cluster, "container-instance", ids.items[i], "MISSING");
    jo_close(&o, ']');
    jo_close(&o, '}');
}

void play_ecs_update_container_instances_state(struct call *c)
{
    int cluster = -1;
    const char *status = NULL;
    struct ecs_list ids;
    if (!play_ecs_cluster(c, &cluster) || !play_ecs_str(c, "status", &status) || !play_ecs_strings(c, "containerInstances", 10, &ids))
        return;
    bool drain = status != NULL && strcmp(status, "DRAINING") == 0;
    if (ids.count == 0 || status == NULL) {
        call_missing(c, ids.count == 0 ? "Container instances" : "Container instance status");
        return;
    }
    if (!drain && strcmp(status, "ACTIVE") != 0) {
        call_fail(c, 400, "InvalidParameterException", "Container instance status should be one of [ACTIVE, DRAINING].");
        return;
    }
    call_note(c, ids.items[0], "status=%s count=%zu", status, ids.count);
    int *found = arena_array(c->arena, int, ids.count);
    enum world_answer *answers = arena_array(c->arena, enum world_answer, ids.count);
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "containerInstances", '[');
    for (size_t i = 0; i < ids.count; i++) {
        found[i] = play_ecs_left_out(c, i, ids.count) ? -1 : play_ecs_find_instance(c, cluster, ids.items[i]);
        answers[i] = found[i] < 0 ? WORLD_NOT_FOUND
                                  : world_set_container_instance_state(c->world, c->key->actor, cluster, found[i], drain ? WE_DRAINING : WE_ACTIVE);
        c->view = world_view(c->world);
        // The answer shows the new state whatever later reads show.
        int64_t seen_ms = c->seen_ms;
        c->seen_ms = c->now_ms;
        if (answers[i] == WORLD_OK)
            play_ecs_write_instance(c, &o, found[i], false);
        c->seen_ms = seen_ms;
    }
    jo_close(&o, ']');
    jo_open(&o, "failures", '[');
    for (size_t i = 0; i < ids.count; i++)
        if (answers[i] != WORLD_OK)
            play_ecs_failure(c, &o, cluster, "container-instance", ids.items[i], answers[i] == WORLD_NOT_FOUND ? "MISSING" : "INACTIVE");
    jo_close(&o, ']');
    jo_close(&o, '}');
}
