// RegisterTaskDefinition and DeregisterTaskDefinition.
#include "scaler/sandbox/ecs.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "planner/sim/orders.h"

// Images and stops of definitions that clients register: a typical pull, and containers that stop soon.
#define START_MS 12000
#define STOPS_IN_MS 3000
#define STOP_TIMEOUT_MS 30000

static bool refuse(struct call *c, const char *fmt, ...) _printf_(2, 3);
static bool refuse(struct call *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    call_fail(c, 400, "ClientException", "%s", arena_vprintf(c->arena, fmt, ap));
    va_end(ap);
    return false;
}

// "256", "1 vCPU", ".5 vCPU"; "512", "1GB", "0.5 GB": a number, or one thousand and twenty-four times a decimal with its unit.
static bool read_size(struct call *c, const char *key, const char *unit, int64_t *ret)
{
    const char *text = NULL;
    if (!play_ecs_str(c, key, &text))
        return false;
    if (text == NULL)
        return true;
    size_t len = strlen(text), unit_len = strlen(unit);
    double n = 0;
    if (len > unit_len && strcasecmp(text + len - unit_len, unit) == 0) {
        const char *number = arena_printf(c->arena, "%s%.*s", text[0] == '.' ? "0" : "", (int)(len - unit_len), text);
        if (parse_double(slice_trim(slice_of(number)), &n) && n > 0 && n < 100000) {
            *ret = (int64_t)(n * 1024 + 0.5);
            return true;
        }
    }
    return (parse_i64(slice_of(text), ret) && *ret > 0) || refuse(c, "Invalid '%s' setting for task.", key);
}

static bool read_ports(struct call *c, json_t *object, struct world_container *k)
{
    json_t *list;
    if (!play_json_list(c, object, "portMappings", WORLD_MAPPINGS, &list))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *p = json_array_get(list, i);
        const char *protocol = "tcp";
        int64_t host = 0, container = 0;
        if (!play_json_int(c, p, "hostPort", &host) || !play_json_int(c, p, "containerPort", &container) || !play_json_str(c, p, "protocol", &protocol))
            return false;
        if (host < 0 || host > 65535 || container < 1 || container > 65535)
            return refuse(c, "Invalid port mapping of container '%s'.", k->name);
        k->ports[k->port_count++] = (struct world_port){(int32_t)host, (int32_t)container, strcmp(protocol, "udp") == 0};
    }
    return true;
}

static bool read_container(struct call *c, json_t *object, struct world_taskdef *d, struct world_container *k)
{
    const char *name = NULL;
    int64_t stop_s = 0;
    *k = (struct world_container){.essential = true};
    if (!play_json_str(c, object, "name", &name) || !play_json_int(c, object, "cpu", &k->cpu_units) ||
        !play_json_int(c, object, "memory", &k->memory_mib) || !play_json_int(c, object, "memoryReservation", &k->soft_mib) ||
        !play_json_bool(c, object, "essential", &k->essential) || !play_json_int(c, object, "stopTimeout", &stop_s) ||
        !play_ecs_gpus(c, object, &k->gpus))
        return false;
    if (name == NULL || *name == '\0' || strlen(name) >= sizeof k->name)
        return refuse(c, "Container.name should not be null or empty, nor longer than this sandbox keeps it.");
    snprintf(k->name, sizeof k->name, "%s", name);
    if (k->memory_mib <= 0 && k->soft_mib <= 0 && d->memory_mib == 0)
        return refuse(c, "Invalid setting for container '%s'. At least one of 'memory' or 'memoryReservation' must be specified.", name);
    if (k->memory_mib > 0 && k->soft_mib > k->memory_mib)
        return refuse(c, "Invalid setting for container '%s'. memoryReservation must be less than memory.", name);
    if (k->cpu_units < 0 || stop_s < 0 || stop_s > 120)
        return refuse(c, "Invalid cpu or stopTimeout of container '%s'.", name);
    if (stop_s > 0)
        d->stop_timeout_ms = stop_s * 1000;
    return read_ports(c, object, k);
}

static bool read_volumes(struct call *c, struct world_taskdef *d)
{
    json_t *list;
    if (!play_json_list(c, c->json, "volumes", WORLD_VOLUMES, &list))
        return false;
    struct world_volume *v = arena_array(c->arena, struct world_volume, WORLD_VOLUMES);
    d->volumes = v;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *object = json_array_get(list, i), *host, *docker;
        const char *name = "", *path = "", *scope = "task";
        if (!play_json_str(c, object, "name", &name) || !play_json_object(c, object, "host", &host) ||
            !play_json_object(c, object, "dockerVolumeConfiguration", &docker) || !play_json_str(c, host, "sourcePath", &path) ||
            !play_json_str(c, docker, "scope", &scope))
            return false;
        struct world_volume *own = &v[d->volume_count++];
        snprintf(own->name, sizeof own->name, "%s", name);
        snprintf(own->source_path, sizeof own->source_path, "%s", path);
        own->docker = docker != NULL;
        own->shared = docker != NULL && strcmp(scope, "shared") == 0;
    }
    return true;
}

static bool read_constraints(struct call *c, struct world_taskdef *d)
{
    json_t *list;
    if (!play_json_list(c, c->json, "placementConstraints", WORLD_CONSTRAINTS, &list))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *type = "", *expression = NULL;
        if (!play_json_str(c, json_array_get(list, i), "type", &type) || !play_json_str(c, json_array_get(list, i), "expression", &expression))
            return false;
        if (strcmp(type, "memberOf") != 0)
            return refuse(c, "%s is not a placement constraint of a task definition: memberOf is.", type);
        if (!play_ecs_expression(c, expression))
            return false;
        d->member_of[d->member_of_count++] = expression;
    }
    return true;
}

static bool read_network(struct call *c, struct world_taskdef *d)
{
    static const char *const names[] = {[WN_BRIDGE] = "bridge", [WN_HOST] = "host", [WN_AWSVPC] = "awsvpc", [WN_NONE] = "none"};
    const char *mode = "bridge";
    if (!play_ecs_str(c, "networkMode", &mode))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i], mode) != 0)
            continue;
        d->network = (enum world_network)i;
        return true;
    }
    return refuse(c, "Invalid network mode %s.", mode);
}

// ECS derives from a definition what the agent must be able to do.
static void derive_requirements(struct call *c, struct world_taskdef *d, json_t *containers)
{
    struct world_attribute *a = arena_array(c->arena, struct world_attribute, 4);
    const char *role = NULL;
    bool logs = false;
    for (size_t i = 0; i < json_array_size(containers); i++) {
        json_t *driver = json_object_get(json_object_get(json_array_get(containers, i), "logConfiguration"), "logDriver");
        logs = logs || (json_is_string(driver) && strcmp(json_string_value(driver), "fluentd") == 0);
    }
    a[d->require_count++] = (struct world_attribute){"com.amazonaws.ecs.capability.docker-remote-api.1.18", ""};
    if (logs)
        a[d->require_count++] = (struct world_attribute){"com.amazonaws.ecs.capability.logging-driver.fluentd", ""};
    if (play_ecs_str(c, "taskRoleArn", &role) && role != NULL)
        a[d->require_count++] = (struct world_attribute){"com.amazonaws.ecs.capability.task-iam-role", ""};
    d->requires = a;
}

void play_ecs_register_task_definition(struct call *c)
{
    json_t *list;
    const char *family = NULL;
    struct world_taskdef d = {.start_ms = START_MS, .stops_in_ms = STOPS_IN_MS, .stop_timeout_ms = STOP_TIMEOUT_MS};
    if (!play_ecs_str(c, "family", &family) || !read_size(c, "cpu", "vcpu", &d.cpu_units) || !read_size(c, "memory", "gb", &d.memory_mib) ||
        !play_json_list(c, c->json, "containerDefinitions", WORLD_CONTAINERS, &list) || !read_network(c, &d) || !read_volumes(c, &d) || !read_constraints(c, &d))
        return;
    if (family == NULL || *family == '\0' || strlen(family) >= sizeof d.family || json_array_size(list) == 0) {
        refuse(c, "Family and container definitions should not be null or empty, nor the family longer than this sandbox keeps it.");
        return;
    }
    call_note(c, family, "containers=%zu", json_array_size(list));
    snprintf(d.family, sizeof d.family, "%s", family);
    struct world_container *k = arena_array(c->arena, struct world_container, WORLD_CONTAINERS);
    d.containers = k;
    int fixed = 0;
    for (size_t i = 0; i < json_array_size(list); i++, d.container_count++) {
        if (!read_container(c, json_array_get(list, i), &d, &k[i]))
            return;
        fixed += k[i].port_count;
    }
    if (fixed > WORLD_PORTS) {
        refuse(c, "More port mappings than this sandbox keeps in %s.", family);
        return;
    }
    derive_requirements(c, &d, list);
    int taskdef = world_add_taskdef(c->world, &d);
    c->view = world_view(c->world);
    struct json_out o;
    call_begin_json(c, &o);
    play_ecs_write_taskdef(c, &o, taskdef);
    jo_close(&o, '}');
}

void play_ecs_deregister_task_definition(struct call *c)
{
    const char *name = NULL;
    if (!play_ecs_str(c, "taskDefinition", &name))
        return;
    int taskdef = name != NULL && strchr(name, ':') != NULL ? play_ecs_find_taskdef(c, name) : -1;
    if (taskdef < 0) {
        refuse(c, "The specified task definition does not exist, or is named without its revision.");
        return;
    }
    call_note(c, name, "INACTIVE");
    world_deregister_taskdef(c->world, taskdef);
    c->view = world_view(c->world);
    struct json_out o;
    call_begin_json(c, &o);
    play_ecs_write_taskdef(c, &o, taskdef);
    jo_close(&o, '}');
}
