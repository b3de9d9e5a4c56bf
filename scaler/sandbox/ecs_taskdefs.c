// Task definitions.
#include "scaler/sandbox/ecs.h"

#include <string.h>

static const char *const network_names[] = {[WN_BRIDGE] = "bridge", [WN_HOST] = "host", [WN_AWSVPC] = "awsvpc", [WN_NONE] = "none"};

static void write_port_mappings(struct json_out *o, const struct world_container *k)
{
    jo_open(o, "portMappings", '[');
    for (int i = 0; i < k->port_count; i++) {
        jo_open(o, NULL, '{');
        jo_int(o, "containerPort", k->ports[i].container);
        jo_int(o, "hostPort", k->ports[i].host);
        jo_str(o, "protocol", k->ports[i].udp ? "udp" : "tcp");
        jo_close(o, '}');
    }
    jo_close(o, ']');
}

static void write_container(struct call *c, struct json_out *o, const struct world_taskdef *t, const struct world_container *k)
{
    jo_open(o, NULL, '{');
    jo_str(o, "name", k->name);
    jo_str(o, "image", arena_printf(c->arena, "registry.example/%s:%d", t->family, t->revision));
    jo_int(o, "cpu", k->cpu_units);
    if (k->memory_mib > 0)
        jo_int(o, "memory", k->memory_mib);
    if (k->soft_mib > 0)
        jo_int(o, "memoryReservation", k->soft_mib);
    jo_bool(o, "essential", k->essential);
    write_port_mappings(o, k);
    if (k->gpus > 0) {
        jo_open(o, "resourceRequirements", '[');
        jo_open(o, NULL, '{');
        jo_str(o, "type", "GPU");
        jo_decimal(o, "value", k->gpus);
        jo_close(o, '}');
        jo_close(o, ']');
    }
    if (t->stop_timeout_ms > 0 && k->essential)
        jo_int(o, "stopTimeout", t->stop_timeout_ms / 1000);
    jo_close(o, '}');
}

static void write_volumes(struct json_out *o, const struct world_taskdef *t)
{
    jo_open(o, "volumes", '[');
    for (int i = 0; i < t->volume_count; i++) {
        const struct world_volume *v = &t->volumes[i];
        jo_open(o, NULL, '{');
        jo_str(o, "name", v->name);
        jo_open(o, v->docker ? "dockerVolumeConfiguration" : "host", '{');
        if (v->docker)
            jo_str(o, "scope", v->shared ? "shared" : "task");
        else if (v->source_path[0] != '\0')
            jo_str(o, "sourcePath", v->source_path);
        jo_close(o, '}');
        jo_close(o, '}');
    }
    jo_close(o, ']');
}

static void write_demands(struct json_out *o, const struct world_taskdef *t)
{
    jo_open(o, "requiresAttributes", '[');
    for (int i = 0; i < t->require_count; i++) {
        jo_open(o, NULL, '{');
        jo_str(o, "name", t->requires[i].name);
        if (*t->requires[i].value != '\0')
            jo_str(o, "value", t->requires[i].value);
        jo_close(o, '}');
    }
    jo_close(o, ']');
    jo_open(o, "placementConstraints", '[');
    for (int i = 0; i < t->member_of_count; i++) {
        jo_open(o, NULL, '{');
        jo_str(o, "type", "memberOf");
        jo_str(o, "expression", t->member_of[i]);
        jo_close(o, '}');
    }
    jo_close(o, ']');
}

void play_ecs_write_taskdef(struct call *c, struct json_out *o, int taskdef)
{
    const struct world_taskdef *t = &c->view.taskdefs[taskdef];
    jo_open(o, "taskDefinition", '{');
    jo_str(o, "taskDefinitionArn", play_ecs_taskdef_arn(c, taskdef));
    jo_open(o, "containerDefinitions", '[');
    for (int i = 0; i < t->container_count; i++)
        write_container(c, o, t, &t->containers[i]);
    jo_close(o, ']');
    jo_str(o, "family", t->family);
    jo_int(o, "revision", t->revision);
    jo_str(o, "networkMode", network_names[t->network]);
    write_volumes(o, t);
    jo_str(o, "status", t->inactive ? "INACTIVE" : "ACTIVE");
    write_demands(o, t);
    jo_open(o, "compatibilities", '[');
    jo_str(o, NULL, "EC2");
    jo_close(o, ']');
    if (t->cpu_units > 0)
        jo_decimal(o, "cpu", t->cpu_units);
    if (t->memory_mib > 0)
        jo_decimal(o, "memory", t->memory_mib);
    jo_time(o, "registeredAt", t->registered_ms);
    jo_close(o, '}');
}

void play_ecs_describe_task_definition(struct call *c)
{
    const char *name = NULL;
    if (!play_ecs_str(c, "taskDefinition", &name))
        return;
    if (name == NULL) {
        call_missing(c, "taskDefinition");
        return;
    }
    int taskdef = play_ecs_find_taskdef(c, name);
    if (taskdef < 0) {
        call_fail(c, 400, "ClientException", "Unable to describe task definition.");
        return;
    }
    struct json_out o;
    call_begin_json(c, &o);
    play_ecs_write_taskdef(c, &o, taskdef);
    jo_open(&o, "tags", '[');
    jo_close(&o, ']');
    jo_close(&o, '}');
}
