// Tasks: lists and descriptions, protection, and the two calls that people make.
#include "scaler/sandbox/ecs.h"

#include <stdio.h>
#include <string.h>

static const char *const task_status_names[] = {
    [WT_PROVISIONING] = "PROVISIONING", [WT_PENDING] = "PENDING", [WT_ACTIVATING] = "ACTIVATING", [WT_RUNNING] = "RUNNING",
    [WT_DEACTIVATING] = "DEACTIVATING", [WT_STOPPING] = "STOPPING", [WT_STOPPED] = "STOPPED"};

// ---- ListTasks ------------------------------------------------------------------------------------------------------------
struct task_filter {
    int cluster, instance, service;  // -1 = any
    const char *family, *started_by, *launch_type;
    enum world_desired desired;
    bool none;                       // PENDING: matches nothing
};

static bool read_filter(struct call *c, struct task_filter *f)
{
    const char *instance = NULL, *service = NULL, *desired = NULL;
    *f = (struct task_filter){.instance = -1, .service = -1, .desired = WD_RUNNING};
    if (!play_ecs_cluster(c, &f->cluster) || !play_ecs_str(c, "containerInstance", &instance) || !play_ecs_str(c, "serviceName", &service) ||
        !play_ecs_str(c, "family", &f->family) || !play_ecs_str(c, "startedBy", &f->started_by) || !play_ecs_str(c, "launchType", &f->launch_type) ||
        !play_ecs_str(c, "desiredStatus", &desired))
        return false;
    if (f->started_by != NULL && (instance != NULL || service != NULL || f->family != NULL || f->launch_type != NULL)) {
        call_fail(c, 400, "InvalidParameterException", "startedBy cannot be combined with other filters.");
        return false;
    }
    if (service != NULL && (f->service = play_ecs_find_service(c, f->cluster, service)) < 0) {
        call_fail(c, 400, "ServiceNotFoundException", "Service not found.");
        return false;
    }
    if (instance != NULL && (f->instance = play_ecs_find_instance(c, f->cluster, instance)) < 0) {
        call_fail(c, 400, "InvalidParameterException", "The container instance was not found.");
        return false;
    }
    if (desired != NULL && strcmp(desired, "STOPPED") == 0)
        f->desired = WD_STOPPED;
    else if (desired != NULL && strcmp(desired, "PENDING") == 0)
        f->none = true;
    else if (desired != NULL && strcmp(desired, "RUNNING") != 0) {
        call_fail(c, 400, "InvalidParameterException", "The desired status is invalid.");
        return false;
    }
    return true;
}

static bool filter_passes(struct call *c, const struct task_filter *f, const struct world_task *t)
{
    if (!t->used || f->none || t->cluster != f->cluster || t->created_ms > c->seen_ms)
        return false;
    if (f->instance >= 0 && t->instance != f->instance)
        return false;
    if (f->service >= 0 && t->service != f->service)
        return false;
    if ((enum world_desired)world_seen(&t->desired, c->seen_ms) != f->desired)
        return false;
    if (f->family != NULL && strcmp(f->family, c->view.taskdefs[t->taskdef].family) != 0)
        return false;
    if (f->started_by != NULL && strcmp(f->started_by, t->started_by) != 0)
        return false;
    return f->launch_type == NULL || strcmp(f->launch_type, "EC2") == 0;
}

void play_ecs_list_tasks(struct call *c)
{
    static const char *const unplayed[] = {"daemonName", NULL};
    struct task_filter f;
    struct page page;
    if (!read_filter(c, &f) || !play_ecs_refuse_members(c, unplayed) || !play_ecs_page(c, 100, 100, &page))
        return;
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "taskArns", '[');
    bool any = false;
    for (int i = 0; i < c->view.task_count; i++) {
        if (!filter_passes(c, &f, &c->view.tasks[i]) || !page_take(&page, i))
            continue;
        jo_str(&o, NULL, play_ecs_arn(c, f.cluster, "task", c->view.tasks[i].id));
        any = true;
    }
    jo_close(&o, ']');
    const char *token = page_token(c, &page);
    if (token != NULL)
        jo_str(&o, "nextToken", token);
    jo_close(&o, '}');
    bool whole = !f.none && f.service < 0 && f.family == NULL && f.launch_type == NULL && token == NULL;
    if (f.instance >= 0 && whole)
        call_told_tasks(c, f.instance, f.desired == WD_STOPPED, any);
}

// ---- DescribeTasks --------------------------------------------------------------------------------------------------------
static void write_containers(struct call *c, struct json_out *o, const struct world_task *t, const char *status)
{
    const struct world_taskdef *def = &c->view.taskdefs[t->taskdef];
    jo_open(o, "containers", '[');
    for (int i = 0; i < def->container_count; i++) {
        const struct world_container *k = &def->containers[i];
        jo_open(o, NULL, '{');
        jo_str(o, "containerArn", arena_printf(c->arena, "%s/%s", play_ecs_arn(c, t->cluster, "container", t->id), k->name));
        jo_str(o, "taskArn", play_ecs_arn(c, t->cluster, "task", t->id));
        jo_str(o, "name", k->name);
        jo_str(o, "lastStatus", status);
        jo_decimal(o, "cpu", k->cpu_units);
        if (k->memory_mib > 0)
            jo_decimal(o, "memory", k->memory_mib);
        if (k->soft_mib > 0)
            jo_decimal(o, "memoryReservation", k->soft_mib);
        jo_str(o, "healthStatus", "UNKNOWN");
        jo_close(o, '}');
    }
    jo_close(o, ']');
}

static void write_life(struct call *c, struct json_out *o, const struct world_task *t)
{
    jo_time(o, "createdAt", t->created_ms);
    if (t->started_ms > 0 && t->started_ms <= c->seen_ms)
        jo_time(o, "startedAt", t->started_ms);
    if (t->stopping_ms > 0 && t->stopping_ms <= c->seen_ms)
        jo_time(o, "stoppingAt", t->stopping_ms);
    if (t->stopped_ms > 0 && t->stopped_ms <= c->seen_ms)
        jo_time(o, "stoppedAt", t->stopped_ms);
    if (t->stop_code != NULL && t->stop_code[0] != '\0' && t->stopping_ms <= c->seen_ms) {
        jo_str(o, "stopCode", t->stop_code);
        jo_str(o, "stoppedReason", t->stop_reason != NULL ? t->stop_reason : "");
    }
}

static void write_gpus(struct json_out *o, int64_t gpus)
{
    if (gpus < 0)
        return;
    jo_open(o, "resourceRequirements", '[');
    jo_open(o, NULL, '{');
    jo_str(o, "type", "GPU");
    jo_decimal(o, "value", gpus);
    jo_close(o, '}');
    jo_close(o, ']');
}

static void write_override(struct json_out *o, const struct world_task_override *v)
{
    jo_open(o, "overrides", '{');
    jo_open(o, "containerOverrides", '[');
    for (int i = 0; v != NULL && i < v->container_count; i++) {
        const struct world_container_override *k = &v->containers[i];
        jo_open(o, NULL, '{');
        jo_str(o, "name", k->name);
        if (k->cpu_units >= 0)
            jo_int(o, "cpu", k->cpu_units);
        if (k->memory_mib >= 0)
            jo_int(o, "memory", k->memory_mib);
        if (k->soft_mib >= 0)
            jo_int(o, "memoryReservation", k->soft_mib);
        write_gpus(o, k->gpus);
        jo_close(o, '}');
    }
    jo_close(o, ']');
    if (v != NULL && v->cpu_units >= 0)
        jo_decimal(o, "cpu", v->cpu_units);
    if (v != NULL && v->memory_mib >= 0)
        jo_decimal(o, "memory", v->memory_mib);
    jo_close(o, '}');
}

void play_ecs_write_task(struct call *c, struct json_out *o, int task)
{
    const struct world_task *t = &c->view.tasks[task];
    const char *status = task_status_names[world_seen(&t->last, c->seen_ms)];
    jo_open(o, NULL, '{');
    jo_open(o, "attachments", '[');
    jo_close(o, ']');
    if (t->instance >= 0) {
        const struct world_instance *in = &c->view.instances[t->instance];
        jo_str(o, "availabilityZone", c->view.zones[c->view.pools[in->pool].zone]);
        jo_str(o, "containerInstanceArn", play_ecs_arn(c, t->cluster, "container-instance", in->ci_id));
        jo_str(o, "connectivity", in->agent_connected ? "CONNECTED" : "DISCONNECTED");
    }
    jo_str(o, "clusterArn", play_ecs_cluster_arn(c, t->cluster));
    write_containers(c, o, t, status);
    jo_decimal(o, "cpu", t->need.v[RES_CPU]);
    jo_decimal(o, "memory", t->need.v[RES_MEMORY]);
    write_life(c, o, t);
    jo_str(o, "desiredStatus", world_seen(&t->desired, c->seen_ms) == WD_RUNNING ? "RUNNING" : "STOPPED");
    jo_str(o, "group", t->group);
    jo_str(o, "healthStatus", "UNKNOWN");
    jo_str(o, "lastStatus", status);
    if (t->provider >= 0)
        jo_str(o, "capacityProviderName", c->view.providers[t->provider].name);
    else
        jo_str(o, "launchType", "EC2");
    write_override(o, t->override);
    jo_str(o, "startedBy", t->deployment[0] != '\0' ? t->deployment : t->started_by);
    jo_str(o, "taskArn", play_ecs_arn(c, t->cluster, "task", t->id));
    jo_str(o, "taskDefinitionArn", play_ecs_taskdef_arn(c, t->taskdef));
    jo_int(o, "version", 1 + (t->started_ms > 0) + (t->stopping_ms > 0) + (t->stopped_ms > 0));
    jo_close(o, '}');
}

void play_ecs_describe_tasks(struct call *c)
{
    int cluster = -1;
    struct ecs_list ids, include;
    if (!play_ecs_cluster(c, &cluster) || !play_ecs_strings(c, "tasks", 100, &ids) || !play_ecs_strings(c, "include", 10, &include))
        return;
    if (ids.count == 0) {
        call_missing(c, "Tasks");
        return;
    }
    int *found = arena_array(c->arena, int, ids.count);
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "tasks", '[');
    for (size_t i = 0; i < ids.count; i++) {
        found[i] = play_ecs_left_out(c, i, ids.count) ? -1 : play_ecs_find_task(c, cluster, ids.items[i]);
        if (found[i] < 0)
            continue;
        play_ecs_write_task(c, &o, found[i]);
        call_told_task(c, found[i]);
    }
    jo_close(&o, ']');
    jo_open(&o, "failures", '[');
    for (size_t i = 0; i < ids.count; i++)
        if (found[i] < 0)
            play_ecs_failure(c, &o, cluster, "task", ids.items[i], "MISSING");
    jo_close(&o, ']');
    jo_close(&o, '}');
}

// ---- protection -----------------------------------------------------------------------------------------------------------
static void write_protected(struct call *c, struct json_out *o, int task)
{
    const struct world_task *t = &c->view.tasks[task];
    bool on = t->protected_until_ms > c->now_ms;
    jo_open(o, NULL, '{');
    jo_str(o, "taskArn", play_ecs_arn(c, t->cluster, "task", t->id));
    jo_bool(o, "protectionEnabled", on);
    if (on)
        jo_time(o, "expirationDate", t->protected_until_ms);
    jo_close(o, '}');
}

// Why a task has no protection to tell of; NULL: it has.
static const char *protection_refusal(const struct call *c, int task)
{
    if (task < 0)
        return "MISSING";
    const struct world_task *t = &c->view.tasks[task];
    return t->service < 0 || t->last.now == WT_STOPPED ? "TASK_NOT_VALID" : NULL;
}

void play_ecs_get_task_protection(struct call *c)
{
    int cluster = -1;
    struct ecs_list ids;
    if (!play_ecs_cluster(c, &cluster) || !play_ecs_strings(c, "tasks", 100, &ids))
        return;
    if (ids.count == 0) {
        call_missing(c, "Tasks");
        return;
    }
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "protectedTasks", '[');
    for (size_t i = 0; i < ids.count; i++) {
        int task = play_ecs_left_out(c, i, ids.count) ? -1 : play_ecs_find_task(c, cluster, ids.items[i]);
        if (protection_refusal(c, task) == NULL)
            write_protected(c, &o, task);
    }
    jo_close(&o, ']');
    jo_open(&o, "failures", '[');
    for (size_t i = 0; i < ids.count; i++) {
        const char *reason = protection_refusal(c, play_ecs_left_out(c, i, ids.count) ? -1 : play_ecs_find_task(c, cluster, ids.items[i]));
        if (reason != NULL)
            play_ecs_failure(c, &o, cluster, "task", ids.items[i], reason);
    }
    jo_close(&o, ']');
    jo_close(&o, '}');
}

void play_ecs_update_task_protection(struct call *c)
{
    int cluster = -1;
    struct ecs_list ids;
    bool on = false, has_on = false;
    int64_t minutes = 120;
    if (!play_ecs_cluster(c, &cluster) || !play_ecs_strings(c, "tasks", 10, &ids) || !play_ecs_bool(c, "protectionEnabled", &on, &has_on) ||
        !play_ecs_int(c, "expiresInMinutes", &minutes, NULL))
        return;
    if (ids.count == 0 || !has_on) {
        call_missing(c, ids.count == 0 ? "Tasks" : "protectionEnabled");
        return;
    }
    if (minutes < 1 || minutes > 2880) {
        call_fail(c, 400, "InvalidParameterException", "expiresInMinutes must be between 1 and 2880.");
        return;
    }
    call_note(c, ids.items[0], "protectionEnabled=%d expiresInMinutes=%lld count=%zu", on, (long long)minutes, ids.count);
    const char **reasons = arena_array(c->arena, const char *, ids.count);
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "protectedTasks", '[');
    for (size_t i = 0; i < ids.count; i++) {
        int task = play_ecs_find_task(c, cluster, ids.items[i]);
        reasons[i] = protection_refusal(c, task);
        if (reasons[i] == NULL && world_set_task_protection(c->world, c->key->actor, task, on, minutes * 60000) != WORLD_OK)
            reasons[i] = "TASK_NOT_VALID";
        c->view = world_view(c->world);
        if (reasons[i] == NULL)
            write_protected(c, &o, task);
    }
    jo_close(&o, ']');
    jo_open(&o, "failures", '[');
    for (size_t i = 0; i < ids.count; i++)
        if (reasons[i] != NULL)
            play_ecs_failure(c, &o, cluster, "task", ids.items[i], reasons[i]);
    jo_close(&o, ']');
    jo_close(&o, '}');
}

// ---- people's calls -------------------------------------------------------------------------------------------------------
void play_ecs_stop_task(struct call *c)
{
    int cluster = -1;
    const char *id = NULL, *reason = "";
    if (!play_ecs_cluster(c, &cluster) || !play_ecs_str(c, "task", &id) || !play_ecs_str(c, "reason", &reason))
        return;
    if (id == NULL) {
        call_missing(c, "Task");
        return;
    }
    call_note(c, id, "reason=%s", reason);
    int task = play_ecs_find_task(c, cluster, id);
    if (task < 0 || world_stop_task(c->world, c->key->actor, task) != WORLD_OK) {
        call_fail(c, 400, "InvalidParameterException", "The referenced task was not found.");
        return;
    }
    c->view = world_view(c->world);
    c->seen_ms = c->now_ms;
    struct json_out o;
    call_begin_json(c, &o);
    buf_add_str(c->out, "\"task\":");
    play_ecs_write_task(c, &o, task);
    jo_close(&o, '}');
}
