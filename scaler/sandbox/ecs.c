// ECS: the table of operations, parameters and names.
#include "scaler/sandbox/ecs.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"

const struct op ecs_ops[] = {
    {"ecs:ListClusters", play_ecs_list_clusters, BUCKET_ECS_CLUSTER_READ, false, true, NULL},
    {"ecs:DescribeClusters", play_ecs_describe_clusters, BUCKET_ECS_CLUSTER_READ, false, true, NULL},
    {"ecs:ListContainerInstances", play_ecs_list_container_instances, BUCKET_ECS_RESOURCE_READ, false, true, NULL},
    {"ecs:DescribeContainerInstances", play_ecs_describe_container_instances, BUCKET_ECS_RESOURCE_READ, false, true, NULL},
    {"ecs:UpdateContainerInstancesState", play_ecs_update_container_instances_state, BUCKET_ECS_RESOURCE_MODIFY, true, true, NULL},
    {"ecs:ListServices", play_ecs_list_services, BUCKET_ECS_SERVICE_READ, false, true, NULL},
    {"ecs:DescribeServices", play_ecs_describe_services, BUCKET_ECS_SERVICE_READ, false, true, NULL},
    {"ecs:UpdateService", play_ecs_update_service, BUCKET_ECS_SERVICE_MODIFY, true, true, NULL},
    {"ecs:ListTasks", play_ecs_list_tasks, BUCKET_ECS_RESOURCE_READ, false, true, NULL},
    {"ecs:DescribeTasks", play_ecs_describe_tasks, BUCKET_ECS_RESOURCE_READ, false, true, NULL},
    {"ecs:DescribeTaskDefinition", play_ecs_describe_task_definition, BUCKET_ECS_TASKDEF_READ, false, true, NULL},
    {"ecs:GetTaskProtection", play_ecs_get_task_protection, BUCKET_ECS_PROTECTION, false, true, NULL},
    {"ecs:UpdateTaskProtection", play_ecs_update_task_protection, BUCKET_ECS_PROTECTION, true, true, NULL},
    {"ecs:StopTask", play_ecs_stop_task, BUCKET_ECS_RESOURCE_MODIFY, true, true, NULL},
    {"ecs:RunTask", play_ecs_run_task, BUCKET_ECS_RESOURCE_MODIFY, true, true, NULL},
    {"ecs:StartTask", play_ecs_start_task, BUCKET_ECS_RESOURCE_MODIFY, true, true, NULL},
    {"ecs:CreateService", play_ecs_create_service, BUCKET_ECS_SERVICE_MODIFY, true, true, NULL},
    {"ecs:RegisterTaskDefinition", play_ecs_register_task_definition, BUCKET_ECS_TASKDEF_MODIFY, true, true, NULL},
    {"ecs:DeregisterTaskDefinition", play_ecs_deregister_task_definition, BUCKET_ECS_TASKDEF_MODIFY, true, true, NULL},
    {"ecs:PutAttributes", play_ecs_put_attributes, BUCKET_ECS_RESOURCE_MODIFY, true, true, NULL},
    {"ecs:DeleteAttributes", play_ecs_delete_attributes, BUCKET_ECS_RESOURCE_MODIFY, true, true, NULL},
    {"ecs:ListAttributes", play_ecs_list_attributes, BUCKET_ECS_RESOURCE_READ, false, true, NULL},
    {"ecs:DeregisterContainerInstance", play_ecs_deregister_container_instance, BUCKET_ECS_RESOURCE_MODIFY, true, true, NULL},
    {"ecs:DescribeCapacityProviders", play_ecs_describe_capacity_providers, BUCKET_ECS_PROVIDER_READ, false, true, NULL},
    {"ecs:ListAccountSettings", play_ecs_list_account_settings, BUCKET_ECS_SETTING_READ, false, true, NULL},
    {"ecs:ListTagsForResource", play_ecs_list_tags, BUCKET_ECS_TAG_READ, false, true, NULL},
};
const size_t ecs_op_count = ARRAY_LEN(ecs_ops);

// ---- parameters -----------------------------------------------------------------------------------------------------------
static bool wrong_type(struct call *c, const char *key)
{
    call_fail(c, 400, "SerializationException", "%s has a value of the wrong type", key);
    return false;
}

static json_t *member(struct call *c, const char *key)
{
    json_t *v = json_object_get(c->json, key);
    return json_is_null(v) ? NULL : v;
}

bool play_ecs_str(struct call *c, const char *key, const char **ret)
{
    json_t *v = member(c, key);
    if (v != NULL && !json_is_string(v))
        return wrong_type(c, key);
    if (v != NULL)
        *ret = json_string_value(v);
    return true;
}

bool play_ecs_int(struct call *c, const char *key, int64_t *ret, bool *ret_present)
{
    json_t *v = member(c, key);
    if (v != NULL && !json_is_integer(v))
        return wrong_type(c, key);
    if (v != NULL)
        *ret = json_integer_value(v);
    if (ret_present != NULL)
        *ret_present = v != NULL;
    return true;
}

bool play_ecs_bool(struct call *c, const char *key, bool *ret, bool *ret_present)
{
    json_t *v = member(c, key);
    if (v != NULL && !json_is_boolean(v))
        return wrong_type(c, key);
    if (v != NULL)
        *ret = json_is_true(v);
    if (ret_present != NULL)
        *ret_present = v != NULL;
    return true;
}

bool play_ecs_strings(struct call *c, const char *key, size_t max, struct ecs_list *ret)
{
    json_t *v = member(c, key);
    *ret = (struct ecs_list){0};
    if (v == NULL)
        return true;
    if (!json_is_array(v))
        return wrong_type(c, key);
    size_t count = json_array_size(v);
    if (count > max) {
        call_fail(c, 400, "InvalidParameterException", "%s can have at most %zu items.", key, max);
        return false;
    }
    ret->items = arena_array(c->arena, const char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        ret->items[i] = json_string_value(json_array_get(v, i));
        if (ret->items[i] == NULL)
            return wrong_type(c, key);
    }
    ret->count = count;
    ret->present = true;
    return true;
}

bool play_ecs_includes(const struct ecs_list *include, const char *what)
{
    for (size_t i = 0; i < include->count; i++)
        if (strcmp(include->items[i], what) == 0)
            return true;
    return false;
}

bool play_ecs_refuse_members(struct call *c, const char *const *names)
{
    for (; *names != NULL; names++) {
        json_t *v = member(c, *names);
        if (v == NULL || (json_is_array(v) && json_array_size(v) == 0))
            continue;
        call_fail(c, 400, "InvalidParameterException", "%s is not played by this sandbox.", *names);
        return false;
    }
    return true;
}

// ---- names ----------------------------------------------------------------------------------------------------------------
const char *play_ecs_cluster_arn(struct call *c, int cluster)
{
    return arena_printf(c->arena, "arn:aws:ecs:%s:%s:cluster/%s", c->region->name, c->region->account, c->view.clusters[cluster].name);
}

// Lists hold hundreds of ARNs that differ in their last part only.
const char *play_ecs_arn(struct call *c, int cluster, const char *kind, const char *id)
{
    size_t i = 0;
    while (i < ARRAY_LEN(c->arn_prefixes) - 1 && c->arn_prefixes[i].kind != NULL &&
           (c->arn_prefixes[i].cluster != cluster || strcmp(c->arn_prefixes[i].kind, kind) != 0))
        i++;
    if (c->arn_prefixes[i].kind == NULL || c->arn_prefixes[i].cluster != cluster || strcmp(c->arn_prefixes[i].kind, kind) != 0) {
        c->arn_prefixes[i].kind = kind;
        c->arn_prefixes[i].cluster = cluster;
        c->arn_prefixes[i].prefix = arena_printf(c->arena, "arn:aws:ecs:%s:%s:%s/%s/", c->region->name, c->region->account, kind, c->view.clusters[cluster].name);
        c->arn_prefixes[i].len = strlen(c->arn_prefixes[i].prefix);
    }
    size_t id_len = strlen(id), len = c->arn_prefixes[i].len;
    char *arn = arena_alloc(c->arena, 1, len + id_len + 1);
    memcpy(arn, c->arn_prefixes[i].prefix, len);
    memcpy(arn + len, id, id_len);
    return arn;
}

const char *play_ecs_taskdef_arn(struct call *c, int taskdef)
{
    const struct world_taskdef *t = &c->view.taskdefs[taskdef];
    if (taskdef >= c->taskdef_arn_count) {
        c->taskdef_arn_count = c->view.taskdef_count;
        c->taskdef_arns = arena_array(c->arena, const char *, (size_t)c->view.taskdef_count);
    }
    if (c->taskdef_arns[taskdef] == NULL)
        c->taskdef_arns[taskdef] = arena_printf(c->arena, "arn:aws:ecs:%s:%s:task-definition/%s:%d", c->region->name, c->region->account, t->family, t->revision);
    return c->taskdef_arns[taskdef];
}

bool play_ecs_cluster(struct call *c, int *ret_cluster)
{
    const char *name = "default";
    if (!play_ecs_str(c, "cluster", &name))
        return false;
    if (strncmp(name, "arn:", 4) == 0) {
        const char *prefix = arena_printf(c->arena, "arn:aws:ecs:%s:%s:cluster/", c->region->name, c->region->account);
        if (strncmp(name, prefix, strlen(prefix)) == 0)
            name += strlen(prefix);
    }
    int cluster = world_find_cluster(c->world, name);
    if (cluster < 0) {
        call_fail(c, 400, "ClusterNotFoundException", "Cluster not found.");
        return false;
    }
    *ret_cluster = cluster;
    return true;
}

const char *play_ecs_id(struct call *c, int cluster, const char *kind, const char *id_or_arn)
{
    if (strncmp(id_or_arn, "arn:", 4) != 0)
        return id_or_arn;
    const char *prefix = play_ecs_arn(c, cluster, kind, "");
    size_t len = strlen(prefix);
    return strncmp(id_or_arn, prefix, len) == 0 ? id_or_arn + len : NULL;
}

int play_ecs_find_instance(struct call *c, int cluster, const char *id_or_arn)
{
    const char *id = play_ecs_id(c, cluster, "container-instance", id_or_arn);
    int found = id != NULL && *id != '\0' ? world_find_container_instance(c->world, cluster, id) : -1;
    return found >= 0 && c->view.instances[found].registered_ms <= c->seen_ms ? found : -1;
}

static bool is_task(const struct call *c, int slot, int cluster, const char *id)
{
    if (slot < 0 || slot >= c->view.task_count)
        return false;
    const struct world_task *t = &c->view.tasks[slot];
    return t->used && t->cluster == cluster && strcmp(t->id, id) == 0;
}

int play_ecs_find_task(struct call *c, int cluster, const char *id_or_arn)
{
    const char *id = play_ecs_id(c, cluster, "task", id_or_arn);
    if (id == NULL || *id == '\0')
        return -1;
    int32_t *hint = &c->s->task_slots[hash_bytes(0, id, strlen(id)) % TASK_SLOTS];
    if (!is_task(c, *hint, cluster, id))
        *hint = world_find_task(c->world, cluster, id);
    return *hint >= 0 && c->view.tasks[*hint].created_ms <= c->seen_ms ? *hint : -1;
}

int play_ecs_find_service(struct call *c, int cluster, const char *name_or_arn)
{
    const char *name = play_ecs_id(c, cluster, "service", name_or_arn);
    return name != NULL && *name != '\0' ? world_find_service(c->world, cluster, name) : -1;
}

int play_ecs_find_taskdef(struct call *c, const char *name)
{
    const char *prefix = arena_printf(c->arena, "arn:aws:ecs:%s:%s:task-definition/", c->region->name, c->region->account);
    if (strncmp(name, prefix, strlen(prefix)) == 0)
        name += strlen(prefix);
    struct slice rest = slice_of(name), family = slice_cut(&rest, ':');
    int64_t revision = 0;
    if (strchr(name, ':') != NULL && !parse_i64(rest, &revision))
        return -1;
    int found = -1;
    for (int i = 0; i < c->view.taskdef_count; i++) {
        const struct world_taskdef *t = &c->view.taskdefs[i];
        if (!slice_eq_str(family, t->family) || (revision != 0 && t->revision != revision))
            continue;
        if (found < 0 || t->revision > c->view.taskdefs[found].revision)
            found = i;
    }
    return found;
}

bool play_ecs_left_out(const struct call *c, size_t n, size_t count)
{
    return c->partial && (n % 2 == 1 || count == 1);
}

// ---- answers --------------------------------------------------------------------------------------------------------------
void play_ecs_failure(struct call *c, struct json_out *o, int cluster, const char *kind, const char *id_or_arn, const char *reason)
{
    if (c->change != NULL)
        snprintf(c->change->error, sizeof c->change->error, "%s", reason);
    jo_open(o, NULL, '{');
    jo_str(o, "arn", strncmp(id_or_arn, "arn:", 4) == 0 ? id_or_arn : play_ecs_arn(c, cluster, kind, id_or_arn));
    jo_str(o, "reason", reason);
    jo_close(o, '}');
}

bool play_ecs_page(struct call *c, int64_t fallback, int64_t max, struct page *ret)
{
    const char *token = NULL;
    int64_t limit = fallback;
    if (!play_ecs_str(c, "nextToken", &token) || !play_ecs_int(c, "maxResults", &limit, NULL))
        return false;
    if (limit < 1 || limit > max) {
        call_fail(c, 400, "InvalidParameterException", "maxResults must be between 1 and %lld.", (long long)max);
        return false;
    }
    if (page_open(c, token, limit, ret))
        return true;
    call_fail(c, 400, "InvalidParameterException", "Invalid token: the token is not of this request or has expired.");
    return false;
}
