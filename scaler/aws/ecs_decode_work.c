// Services, deployments, tasks and their protection.
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "scaler/aws/ecs_decode.h"

enum { TARGET_GROUP_MAX = 128 };

// ---- services ---------------------------------------------------------------------------------------------------------------
static void add_deployments(struct ecs_service *s, const json_t *list, struct arena *a)
{
    s->deployment_count = json_array_size(list);
    s->deployments = arena_array(a, struct ecs_deployment, s->deployment_count);
    for (size_t i = 0; i < s->deployment_count; i++) {
        const json_t *o = json_array_get(list, i);
        s->deployments[i] = (struct ecs_deployment){
            .id = ecs_text(o, "id", a),
            .status = ecs_text(o, "status", a),
            .task_definition = ecs_text(o, "taskDefinition", a),
            .rollout_state = ecs_text(o, "rolloutState", a),
            .launch_type = ecs_text(o, "launchType", a),
            .desired = ecs_i32(o, "desiredCount", 0),
            .running = ecs_i32(o, "runningCount", 0),
            .pending = ecs_i32(o, "pendingCount", 0),
            .failed = ecs_i32(o, "failedTasks", 0),
            .created_ms = ecs_time_ms(o, "createdAt"),
            .updated_ms = ecs_time_ms(o, "updatedAt"),
        };
    }
}

static void add_task_sets(struct ecs_service *s, const json_t *list, struct arena *a)
{
    s->task_set_count = json_array_size(list);
    s->task_sets = arena_array(a, struct ecs_task_set, s->task_set_count);
    for (size_t i = 0; i < s->task_set_count; i++) {
        const json_t *o = json_array_get(list, i);
        s->task_sets[i] = (struct ecs_task_set){
            .id = ecs_text(o, "id", a),
            .status = ecs_text(o, "status", a),
            .task_definition = ecs_text(o, "taskDefinition", a),
            .launch_type = ecs_text(o, "launchType", a),
            .desired = ecs_i32(o, "computedDesiredCount", 0),
            .running = ecs_i32(o, "runningCount", 0),
            .pending = ecs_i32(o, "pendingCount", 0),
            .created_ms = ecs_time_ms(o, "createdAt"),
        };
    }
}

static void add_events(struct ecs_service *s, const json_t *list, struct arena *a)
{
    size_t n = json_array_size(list);
    s->event_count = n < ECS_EVENTS_KEPT ? n : ECS_EVENTS_KEPT;  // newest first
    s->events = arena_array(a, struct ecs_event, s->event_count);
    for (size_t i = 0; i < s->event_count; i++) {
        const json_t *o = json_array_get(list, i);
        s->events[i] = (struct ecs_event){ecs_text(o, "id", a), ecs_text(o, "message", a), ecs_time_ms(o, "createdAt")};
    }
}

static void add_providers(struct ecs_service *s, const json_t *list, struct arena *a)
{
    s->provider_count = json_array_size(list);
    s->providers = arena_array(a, struct ecs_provider_share, s->provider_count);
    for (size_t i = 0; i < s->provider_count; i++) {
        const json_t *o = json_array_get(list, i);
        s->providers[i] =
            (struct ecs_provider_share){ecs_text(o, "capacityProvider", a), ecs_i32(o, "weight", 0), ecs_i32(o, "base", 0)};
    }
}

// Of an ARN of a target group what follows the account; NULL: it is none. A Classic Load Balancer has a name instead.
static const char *target_group_of(const char *arn)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/";
    struct slice rest = slice_of(arn), part[5];
    for (size_t i = 0; i < ARRAY_LEN(part); i++)
        part[i] = slice_cut(&rest, ':');
    struct slice id = rest, kind = slice_cut(&id, '/'), name = slice_cut(&id, '/');
    bool fine = slice_eq_str(part[0], "arn") && slice_eq_str(part[2], "elasticloadbalancing") && slice_eq_str(kind, "targetgroup") && name.len > 0 &&
                id.len > 0 && rest.len <= TARGET_GROUP_MAX && strspn(rest.ptr, allowed) == rest.len;
    return fine ? rest.ptr : NULL;
}

static void add_target_groups(struct ecs_service *s, const json_t *list, struct arena *a)
{
    s->target_groups = arena_array(a, const char *, json_array_size(list));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = target_group_of(ecs_text(json_array_get(list, i), "targetGroupArn", a));
        if (name)
            s->target_groups[s->target_group_count++] = name;
    }
}

static int service_of(const json_t *o, struct arena *a, struct ecs_service *ret, struct err *err)
{
    const json_t *config = json_object_get(o, "deploymentConfiguration");
    const json_t *network = json_object_get(json_object_get(o, "networkConfiguration"), "awsvpcConfiguration");
    *ret = (struct ecs_service){
        .arn = ecs_text(o, "serviceArn", a),
        .name = ecs_text(o, "serviceName", a),
        .status = ecs_text(o, "status", a),
        .launch_type = ecs_text(o, "launchType", a),
        .scheduling = ecs_text(o, "schedulingStrategy", a),
        .task_definition = ecs_text(o, "taskDefinition", a),
        .deployment_controller = ecs_text(json_object_get(o, "deploymentController"), "type", a),
        .az_rebalancing = ecs_text(o, "availabilityZoneRebalancing", a),
        .desired = ecs_i32(o, "desiredCount", 0),
        .running = ecs_i32(o, "runningCount", 0),
        .pending = ecs_i32(o, "pendingCount", 0),
        .created_ms = ecs_time_ms(o, "createdAt"),
    };
    if (!*ret->scheduling)
        ret->scheduling = "REPLICA";
    bool daemon = strcmp(ret->scheduling, "DAEMON") == 0;
    ret->min_percent = ecs_i32(config, "minimumHealthyPercent", daemon ? 0 : 100);
    ret->max_percent = ecs_i32(config, "maximumPercent", daemon ? 100 : 200);
    add_deployments(ret, json_object_get(o, "deployments"), a);
    add_task_sets(ret, json_object_get(o, "taskSets"), a);
    add_events(ret, json_object_get(o, "events"), a);
    add_providers(ret, json_object_get(o, "capacityProviderStrategy"), a);
    add_target_groups(ret, json_object_get(o, "loadBalancers"), a);
    ret->strategies = ecs_placements(json_object_get(o, "placementStrategy"), "field", a, &ret->strategy_count);
    ret->constraints = ecs_placements(json_object_get(o, "placementConstraints"), "expression", a, &ret->constraint_count);
    ret->subnets = ecs_strings(json_object_get(network, "subnets"), a, &ret->subnet_count);
    if (!*ret->arn || !*ret->name)
        return err_set(err, ERR_CORRUPT, "a service without ARN or name");
    return 0;
}

int ecs_decode_services(struct aws_job *job, const json_t *root, struct err *err)
{
    struct ecs_services *ret = job->ret;
    size_t before = ret->count;
    const json_t *list;
    int rc = ecs_list(root, "services", &list, err);
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        struct ecs_service s;
        rc = service_of(json_array_get(list, i), job->with.arena, &s, err);
        if (rc)
            break;
        ret->items = arena_grow(job->with.arena, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = s;
    }
    if (rc)
        ret->count = before;
    else
        ecs_failures(job, root, &ret->failures, ret->count - before, NULL);
    return rc;
}

// ---- tasks ------------------------------------------------------------------------------------------------------------------
static void add_overrides(struct ecs_task *t, const json_t *overrides, struct arena *a)
{
    t->override_cpu_units = ecs_cpu_units(overrides, "cpu");
    t->override_memory_mib = ecs_memory_mib(overrides, "memory");
    const json_t *list = json_object_get(overrides, "containerOverrides");
    t->override_count = json_array_size(list);
    t->overrides = arena_array(a, struct ecs_container_override, t->override_count);
    for (size_t i = 0; i < t->override_count; i++) {
        const json_t *o = json_array_get(list, i);
        t->overrides[i] = (struct ecs_container_override){
            .name = ecs_text(o, "name", a),
            .cpu_units = ecs_cpu_units(o, "cpu"),
            .memory_mib = ecs_memory_mib(o, "memory"),
            .soft_memory_mib = ecs_memory_mib(o, "memoryReservation"),
            .gpus = ecs_gpus(o),
        };
    }
}

static int64_t or_zero(int64_t v)
{
    return v < 0 ? 0 : v;
}

static int task_of(const json_t *o, struct arena *a, struct ecs_task *ret, struct err *err)
{
    *ret = (struct ecs_task){
        .arn = ecs_text(o, "taskArn", a),
        .task_definition = ecs_text(o, "taskDefinitionArn", a),
        .container_instance = ecs_text(o, "containerInstanceArn", a),
        .cluster = ecs_text(o, "clusterArn", a),
        .group = ecs_text(o, "group", a),
        .started_by = ecs_text(o, "startedBy", a),
        .launch_type = ecs_text(o, "launchType", a),
        .capacity_provider = ecs_text(o, "capacityProviderName", a),
        .last_status = ecs_text(o, "lastStatus", a),
        .desired_status = ecs_text(o, "desiredStatus", a),
        .stop_code = ecs_text(o, "stopCode", a),
        .stopped_reason = ecs_text(o, "stoppedReason", a),
        .zone = ecs_text(o, "availabilityZone", a),
        .version = json_int(o, "version", 0),
        .created_ms = ecs_time_ms(o, "createdAt"),
        .started_ms = ecs_time_ms(o, "startedAt"),
        .stopping_ms = ecs_time_ms(o, "stoppingAt"),
        .cpu_units = or_zero(ecs_cpu_units(o, "cpu")),
        .memory_mib = or_zero(ecs_memory_mib(o, "memory")),
    };
    add_overrides(ret, json_object_get(o, "overrides"), a);
    if (!*ret->arn || !*ret->last_status)
        return err_set(err, ERR_CORRUPT, "a task without ARN or lastStatus");
    return 0;
}

int ecs_decode_tasks(struct aws_job *job, const json_t *root, struct err *err)
{
    struct ecs_tasks *ret = job->ret;
    size_t before = ret->count;
    const json_t *list;
    int rc = ecs_list(root, "tasks", &list, err);
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        struct ecs_task t;
        rc = task_of(json_array_get(list, i), job->with.arena, &t, err);
        if (rc)
            break;
        ret->items = arena_grow(job->with.arena, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = t;
    }
    if (rc)
        ret->count = before;
    else
        ecs_failures(job, root, &ret->failures, ret->count - before, NULL);
    return rc;
}

int ecs_decode_protections(struct aws_job *job, const json_t *root, struct err *err)
{
    struct ecs_protections *ret = job->ret;
    struct arena *a = job->with.arena;
    const json_t *list;
    int rc = ecs_list(root, "protectedTasks", &list, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = (struct ecs_protection){ecs_text(o, "taskArn", a), json_flag(o, "protectionEnabled", false),
                                                           ecs_time_ms(o, "expirationDate")};
    }
    ecs_failures(job, root, &ret->failures, json_array_size(list), "TASK_NOT_VALID");
    return 0;
}
