// What an instance is, as its container instance tells: attributes that the agent registers, capabilities, custom ones.
#include <string.h>

#include "planner/sim/world_internal.h"

// What an agent of our time can do. An old one (world_template.lacks_capabilities) has the first only.
static const char *const capabilities[] = {
    "com.amazonaws.ecs.capability.docker-remote-api.1.18", "com.amazonaws.ecs.capability.docker-remote-api.1.44",
    "com.amazonaws.ecs.capability.logging-driver.fluentd", "com.amazonaws.ecs.capability.task-iam-role", "ecs.capability.task-eni",
};
enum { OLD_CAPABILITIES = 1 };

enum built_in { ZONE, TYPE, ARCH, OS_TYPE, OS_FAMILY, AMI, VPC, SUBNET, BUILT_IN_COUNT };
static const char *const built_in_names[BUILT_IN_COUNT] = {
    [ZONE] = "ecs.availability-zone", [TYPE] = "ecs.instance-type",   [ARCH] = "ecs.cpu-architecture", [OS_TYPE] = "ecs.os-type",
    [OS_FAMILY] = "ecs.os-family",    [AMI] = "ecs.ami-id",           [VPC] = "ecs.vpc-id",            [SUBNET] = "ecs.subnet-id",
};

static const char *built_in_value(const struct world *w, const struct world_instance *i, enum built_in k)
{
    const struct world_pool *p = &w->pools[i->pool];
    switch (k) {
    case ZONE:
        return w->zones[p->zone];
    case TYPE:
        return w->types[p->type].name;
    case ARCH:
        return w->types[p->type].arch;
    case OS_TYPE:
        return "linux";
    case OS_FAMILY:
        return "LINUX";
    case AMI:
        return w->templates[i->template].ami;
    case VPC:
        return w->subnets[i->subnet].vpc;
    case SUBNET:
        return w->subnets[i->subnet].id;
    case BUILT_IN_COUNT:
        break;
    }
    return NULL;
}

static int capability_count(const struct world *w, const struct world_instance *i)
{
    return w->templates[i->template].lacks_capabilities ? OLD_CAPABILITIES : (int)ARRAY_LEN(capabilities);
}

static bool trunked(const struct world *w, const struct world_instance *i)
{
    return w->templates[i->template].trunking && w->types[w->pools[i->pool].type].trunk_slots > 0;
}

const char *world_attribute(const struct world *w, int instance, const char *name)
{
    const struct world_instance *i = &w->instances[instance];
    for (int k = 0; k < i->attribute_count; k++)
        if (!strcmp(i->attributes[k].name, name))
            return i->attributes[k].value;
    for (int k = 0; k < BUILT_IN_COUNT; k++)
        if (!strcmp(built_in_names[k], name))
            return built_in_value(w, i, (enum built_in)k);
    for (int k = 0; k < capability_count(w, i); k++)
        if (!strcmp(capabilities[k], name))
            return "";
    return trunked(w, i) && !strcmp(name, "ecs.awsvpc-trunk-id") ? i->trunk_id : NULL;
}

int world_attributes(const struct world *w, int instance, struct world_attribute ret[WORLD_ATTRIBUTES_ALL])
{
    const struct world_instance *i = &w->instances[instance];
    int n = 0;
    for (int k = 0; k < BUILT_IN_COUNT; k++)
        ret[n++] = (struct world_attribute){built_in_names[k], built_in_value(w, i, (enum built_in)k)};
    for (int k = 0; k < capability_count(w, i); k++)
        ret[n++] = (struct world_attribute){capabilities[k], ""};
    if (trunked(w, i))
        ret[n++] = (struct world_attribute){"ecs.awsvpc-trunk-id", i->trunk_id};
    for (int k = 0; k < i->attribute_count; k++)
        ret[n++] = i->attributes[k];
    assert(n <= WORLD_ATTRIBUTES_ALL);
    return n;
}

// ---- as the query language asks ------------------------------------------------------------------------------------------------
struct asked {
    const struct world *w;
    int instance;
};

static const char *attribute_of(void *arg, const char *name)
{
    const struct asked *a = arg;
    return world_attribute(a->w, a->instance, name);
}

static const char *group_of_task(void *arg, int n)
{
    const struct asked *a = arg;
    for (int t = a->w->instances[a->instance].first_task; t >= 0; t = a->w->tasks[t].next_of_instance)
        if (task_wanted(&a->w->tasks[t]) && n-- == 0)
            return a->w->tasks[t].group;
    return NULL;
}

bool world_query_matches(const struct world *w, int instance, const struct world_query *q)
{
    const struct world_instance *i = &w->instances[instance];
    struct asked a = {w, instance};
    struct world_query_facts f = {.agent_connected = i->agent_connected, .agent_version = w->templates[i->template].agent_version,
                                  .ec2_instance_id = i->id, .registered_ms = i->registered_ms, .running_tasks = i->running_tasks,
                                  .arg = &a, .attribute = attribute_of, .group = group_of_task};
    return world_query_holds(q, &f);
}

// ---- custom ones ---------------------------------------------------------------------------------------------------------------
static bool reserved(const char *name)
{
    return !strncmp(name, "ecs.", 4) || !strncmp(name, "com.amazonaws.", 14) || !strncmp(name, "aws:", 4);
}

enum world_answer attributes_put(struct world *w, struct world_instance *i, const char *name, const char *value)
{
    if (!*name || strlen(name) > 128 || strlen(value) > 128 || reserved(name))
        return WORLD_INVALID;
    int k = 0;
    while (k < i->attribute_count && strcmp(i->attributes[k].name, name))
        k++;
    if (k == WORLD_ATTRIBUTES)
        return WORLD_LIMIT;
    i->attribute_count += k == i->attribute_count;
    i->attributes[k] = (struct world_attribute){arena_strdup(&w->arena, name), arena_strdup(&w->arena, value)};
    return WORLD_OK;
}

bool attributes_remove(struct world_instance *i, const char *name)
{
    for (int k = 0; k < i->attribute_count; k++) {
        if (strcmp(i->attributes[k].name, name))
            continue;
        memmove(&i->attributes[k], &i->attributes[k + 1], (size_t)(i->attribute_count - k - 1) * sizeof i->attributes[0]);
        i->attribute_count--;
        return true;
    }
    return false;
}
