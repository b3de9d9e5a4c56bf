// Custom attributes of container instances, and their deregistration.
#include "scaler/sandbox/ecs.h"

#include <string.h>

#include "planner/sim/orders.h"

enum { ATTRIBUTES_MAX = 10 };

struct attribute {
    const char *name, *value, *target;
    int instance;
};

static void write_attribute(struct call *c, struct json_out *o, int cluster, int instance, const char *name, const char *value)
{
    jo_open(o, NULL, '{');
    jo_str(o, "name", name);
    if (*value != '\0')
        jo_str(o, "value", value);
    jo_str(o, "targetType", "container-instance");
    jo_str(o, "targetId", play_ecs_arn(c, cluster, "container-instance", c->view.instances[instance].ci_id));
    jo_close(o, '}');
}

static bool read_attributes(struct call *c, int *ret_cluster, struct attribute *all, size_t *ret_count)
{
    json_t *list;
    if (!play_ecs_cluster(c, ret_cluster) || !play_json_list(c, c->json, "attributes", ATTRIBUTES_MAX, &list))
        return false;
    *ret_count = json_array_size(list);
    if (*ret_count == 0) {
        call_missing(c, "Attributes");
        return false;
    }
    for (size_t i = 0; i < *ret_count; i++) {
        json_t *object = json_array_get(list, i);
        const char *type = "container-instance";
        all[i] = (struct attribute){.value = ""};
        if (!play_json_str(c, object, "name", &all[i].name) || !play_json_str(c, object, "value", &all[i].value) ||
            !play_json_str(c, object, "targetId", &all[i].target) || !play_json_str(c, object, "targetType", &type))
            return false;
        if (all[i].name == NULL || all[i].target == NULL || strcmp(type, "container-instance") != 0) {
            call_fail(c, 400, "InvalidParameterException", "An attribute has a name and a target of type container-instance.");
            return false;
        }
        all[i].instance = play_ecs_find_instance(c, *ret_cluster, all[i].target);
        if (all[i].instance < 0) {
            call_fail(c, 400, "TargetNotFoundException", "Unable to find the target %.80s.", all[i].target);
            return false;
        }
    }
    call_note(c, all[0].target, "%.60s=%.60s count=%zu", all[0].name, all[0].value, *ret_count);
    return true;
}

static void write_answer(struct call *c, int cluster, const struct attribute *all, size_t count)
{
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "attributes", '[');
    for (size_t i = 0; i < count; i++)
        write_attribute(c, &o, cluster, all[i].instance, all[i].name, all[i].value);
    jo_close(&o, ']');
    jo_close(&o, '}');
}

void play_ecs_put_attributes(struct call *c)
{
    struct attribute all[ATTRIBUTES_MAX];
    size_t count = 0;
    int cluster = -1;
    if (!read_attributes(c, &cluster, all, &count))
        return;
    for (size_t i = 0; i < count; i++) {
        enum world_answer a = world_put_attribute(c->world, c->key->actor, all[i].instance, all[i].name, all[i].value);
        if (a == WORLD_OK)
            continue;
        call_fail(c, 400, a == WORLD_LIMIT ? "AttributeLimitExceededException" : "InvalidParameterException",
                  a == WORLD_LIMIT ? "An instance can have at most 10 custom attributes: %.60s." : "The attribute %.60s is not valid.", all[i].name);
        return;
    }
    write_answer(c, cluster, all, count);
}

void play_ecs_delete_attributes(struct call *c)
{
    struct attribute all[ATTRIBUTES_MAX];
    size_t count = 0;
    int cluster = -1;
    if (!read_attributes(c, &cluster, all, &count))
        return;
    for (size_t i = 0; i < count; i++)
        world_delete_attribute(c->world, c->key->actor, all[i].instance, all[i].name);  // one that is not there is no error
    write_answer(c, cluster, all, count);
}

void play_ecs_list_attributes(struct call *c)
{
    int cluster = -1;
    const char *type = NULL, *name = NULL, *value = NULL;
    struct page page;
    if (!play_ecs_cluster(c, &cluster) || !play_ecs_str(c, "targetType", &type) || !play_ecs_str(c, "attributeName", &name) ||
        !play_ecs_str(c, "attributeValue", &value) || !play_ecs_page(c, 100, 100, &page))
        return;
    if (type == NULL || strcmp(type, "container-instance") != 0 || (value != NULL && name == NULL)) {
        call_fail(c, 400, "InvalidParameterException", "targetType is container-instance, and a value is asked for with its name.");
        return;
    }
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "attributes", '[');
    for (int i = 0; i < c->view.instance_count; i++) {
        const struct world_instance *in = &c->view.instances[i];
        struct world_attribute all[WORLD_ATTRIBUTES_ALL];
        bool shown = in->used && in->cluster == cluster && in->ci_id[0] != '\0' && in->registered_ms <= c->seen_ms && in->status.now != WE_INACTIVE;
        int count = shown ? world_attributes(c->world, i, all) : 0;
        for (int k = 0; k < count; k++) {
            bool wanted = (name == NULL || strcmp(name, all[k].name) == 0) && (value == NULL || strcmp(value, all[k].value) == 0);
            if (wanted && page_take(&page, (int64_t)i * WORLD_ATTRIBUTES_ALL + k))
                write_attribute(c, &o, cluster, i, all[k].name, all[k].value);
        }
    }
    jo_close(&o, ']');
    const char *token = page_token(c, &page);
    if (token != NULL)
        jo_str(&o, "nextToken", token);
    jo_close(&o, '}');
}

void play_ecs_deregister_container_instance(struct call *c)
{
    int cluster = -1;
    const char *id = NULL;
    bool force = false;
    if (!play_ecs_cluster(c, &cluster) || !play_ecs_str(c, "containerInstance", &id) || !play_ecs_bool(c, "force", &force, NULL))
        return;
    if (id == NULL) {
        call_missing(c, "Container instance");
        return;
    }
    call_note(c, id, "force=%d", force);
    int instance = play_ecs_find_instance(c, cluster, id);
    enum world_answer a = instance < 0 ? WORLD_NOT_FOUND : world_deregister(c->world, c->key->actor, cluster, instance, force);
    if (a != WORLD_OK) {
        call_fail(c, 400, "InvalidParameterException", a == WORLD_BAD_STATE ? "Found running tasks on the instance." : "The container instance was not found.");
        return;
    }
    c->view = world_view(c->world);
    c->seen_ms = c->now_ms;
    struct json_out o;
    call_begin_json(c, &o);
    buf_add_str(c->out, "\"containerInstance\":");
    play_ecs_write_instance(c, &o, instance, false);
    jo_close(&o, '}');
}
