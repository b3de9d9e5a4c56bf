// Task definitions.
#include "scaler/sandbox/ecs.h"

#include <string.h>

// Three documented forms, chosen by the family's name: the need stated for the task, by hard limits of its containers, or by soft
// limits below hard ones (where the soft one is what the scheduler reserves). Their sums are the world's need in each.
struct ecs_layout play_ecs_layout_of(const struct world_taskdef *t)
{
    int64_t cpu = t->need.v[RES_CPU], memory = t->need.v[RES_MEMORY];
    struct ecs_layout l = {.count = 1, .containers = {{.name = "app", .essential = true}, {.name = "logs"}}};
    switch (hash_bytes(0, t->family, strlen(t->family)) % 3) {
    case 0:
        l.cpu_units = cpu;
        l.memory_mib = memory;
        l.containers[0].memory_mib = memory;
        break;
    case 1:
        l.containers[0].cpu_units = cpu;
        l.containers[0].memory_mib = memory;
        break;
    default:
        l.containers[0].cpu_units = cpu;
        l.containers[0].soft_mib = memory;
        l.containers[0].memory_mib = memory * 2;
        if (cpu >= 128 && memory >= 256) {
            l.count = 2;
            l.containers[0].cpu_units = cpu - 32;
            l.containers[0].soft_mib = memory - 64;
            l.containers[1].cpu_units = 32;
            l.containers[1].memory_mib = 64;
        }
        break;
    }
    return l;
}

static void write_port_mappings(struct json_out *o, const struct world_taskdef *t, bool awsvpc)
{
    jo_open(o, "portMappings", '[');
    for (int i = 0; i < t->port_count; i++) {
        jo_open(o, NULL, '{');
        jo_int(o, "containerPort", t->ports[i]);
        jo_int(o, "hostPort", t->ports[i]);
        jo_str(o, "protocol", "tcp");
        jo_close(o, '}');
    }
    if (t->port_count == 0 && !awsvpc) {
        jo_open(o, NULL, '{');
        jo_int(o, "containerPort", 8080);
        jo_int(o, "hostPort", 0);
        jo_str(o, "protocol", "tcp");
        jo_close(o, '}');
    }
    jo_close(o, ']');
}

static void write_container(struct call *c, struct json_out *o, const struct world_taskdef *t, const struct ecs_container *k)
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
    if (k->essential) {
        write_port_mappings(o, t, t->need.v[RES_ENI] > 0);
        if (t->need.v[RES_GPU] > 0) {
            jo_open(o, "resourceRequirements", '[');
            jo_open(o, NULL, '{');
            jo_str(o, "type", "GPU");
            jo_str(o, "value", arena_printf(c->arena, "%lld", (long long)t->need.v[RES_GPU]));
            jo_close(o, '}');
            jo_close(o, ']');
        }
    }
    if (t->stop_timeout_ms > 0 && k->essential)
        jo_int(o, "stopTimeout", t->stop_timeout_ms / 1000);
    jo_close(o, '}');
}

static void write_taskdef(struct call *c, struct json_out *o, int taskdef)
{
    const struct world_taskdef *t = &c->view.taskdefs[taskdef];
    struct ecs_layout layout = play_ecs_layout_of(t);
    bool awsvpc = t->need.v[RES_ENI] > 0;
    jo_open(o, "taskDefinition", '{');
    jo_str(o, "taskDefinitionArn", play_ecs_taskdef_arn(c, taskdef));
    jo_open(o, "containerDefinitions", '[');
    for (int i = 0; i < layout.count; i++)
        write_container(c, o, t, &layout.containers[i]);
    jo_close(o, ']');
    jo_str(o, "family", t->family);
    jo_int(o, "revision", t->revision);
    jo_str(o, "networkMode", awsvpc ? "awsvpc" : "bridge");
    jo_open(o, "volumes", '[');
    jo_close(o, ']');
    jo_str(o, "status", "ACTIVE");
    jo_open(o, "requiresAttributes", '[');
    if (awsvpc) {
        jo_open(o, NULL, '{');
        jo_str(o, "name", "ecs.capability.task-eni");
        jo_close(o, '}');
    }
    jo_close(o, ']');
    jo_open(o, "placementConstraints", '[');
    jo_close(o, ']');
    jo_open(o, "compatibilities", '[');
    jo_str(o, NULL, "EC2");
    jo_close(o, ']');
    if (layout.cpu_units > 0)
        jo_str(o, "cpu", arena_printf(c->arena, "%lld", (long long)layout.cpu_units));
    if (layout.memory_mib > 0)
        jo_str(o, "memory", arena_printf(c->arena, "%lld", (long long)layout.memory_mib));
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
    write_taskdef(c, &o, taskdef);
    jo_open(&o, "tags", '[');
    jo_close(&o, ']');
    jo_close(&o, '}');
}
