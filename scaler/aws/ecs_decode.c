#include "scaler/aws/ecs_decode.h"

#include <math.h>

#include "base/json.h"
#include "base/parse.h"

// ---- shared -----------------------------------------------------------------------------------------------------------------
const char *ecs_text(const json_t *o, const char *key, struct arena *a)
{
    const char *s = json_str_arena(o, key, a);
    return s ? s : "";
}

int32_t ecs_i32(const json_t *o, const char *key, int32_t fallback)
{
    int64_t v = json_int(o, key, fallback);
    return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (int32_t)v;
}

int64_t ecs_time_ms(const json_t *o, const char *key)
{
    double s = json_num(o, key, 0);
    int64_t ms = 0;
    const char *text = json_str(o, key);
    if (text)  // some emulators write ISO 8601
        return parse_iso8601_ms(slice_of(text), &ms) ? ms : 0;
    return s > 0 && s < 1e11 ? (int64_t)floor(s * 1000 + 0.5) : 0;
}

// A number as such, or as text with an optional unit that multiplies it.
static int64_t quantity(const json_t *o, const char *key, const char *unit, double factor)
{
    const json_t *v = json_object_get(o, key);
    if (json_is_integer(v))
        return json_integer_value(v) >= 0 && json_integer_value(v) <= INT32_MAX ? json_integer_value(v) : -1;
    struct slice s = slice_trim(slice_of(json_string_value(v)));
    size_t n = strlen(unit);
    double scale = 1, number;
    if (s.len > n && slice_eq_nocase((struct slice){s.ptr + s.len - n, n}, slice_of(unit))) {
        s = slice_trim((struct slice){s.ptr, s.len - n});
        scale = factor;
    }
    if (s.len == 0 || !parse_double(s, &number) || number < 0 || number * scale > INT32_MAX)
        return -1;
    return (int64_t)floor(number * scale + 0.5);
}

int64_t ecs_cpu_units(const json_t *o, const char *key)
{
    return quantity(o, key, "vcpu", 1024);
}

int64_t ecs_memory_mib(const json_t *o, const char *key)
{
    return quantity(o, key, "gb", 1024);
}

int64_t ecs_gpus(const json_t *container)
{
    const json_t *list = json_object_get(container, "resourceRequirements");
    int64_t sum = -1;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *r = json_array_get(list, i);
        const char *type = json_str(r, "type");
        int64_t n = quantity(r, "value", "gpu", 1);
        if (type && strcmp(type, "GPU") == 0 && n >= 0)
            sum = (sum < 0 ? 0 : sum) + n;
    }
    return sum;
}

struct ecs_attribute *ecs_attributes(const json_t *list, struct arena *a, size_t *ret_count)
{
    size_t n = json_array_size(list);
    struct ecs_attribute *items = arena_array(a, struct ecs_attribute, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *o = json_array_get(list, i);
        items[i] = (struct ecs_attribute){ecs_text(o, "name", a), ecs_text(o, "value", a)};
    }
    *ret_count = n;
    return items;
}

struct ecs_placement *ecs_placements(const json_t *list, const char *field, struct arena *a, size_t *ret_count)
{
    size_t n = json_array_size(list);
    struct ecs_placement *items = arena_array(a, struct ecs_placement, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *o = json_array_get(list, i);
        items[i] = (struct ecs_placement){ecs_text(o, "type", a), ecs_text(o, field, a)};
    }
    *ret_count = n;
    return items;
}

const char **ecs_strings(const json_t *list, struct arena *a, size_t *ret_count)
{
    size_t n = 0, size = json_array_size(list);
    const char **items = arena_array(a, const char *, size);
    for (size_t i = 0; i < size; i++) {
        const json_t *v = json_array_get(list, i);
        if (json_is_string(v))
            items[n++] = arena_strndup(a, json_string_value(v), json_string_length(v));
    }
    *ret_count = n;
    return items;
}

static bool is_fact(const char *reason, const char *benign)
{
    return strcmp(reason, "MISSING") == 0 || (benign && strcmp(reason, benign) == 0);
}

bool ecs_failures(struct aws_job *job, const json_t *root, struct ecs_failures *ret, size_t answered, const char *benign)
{
    struct arena *a = job->with.arena;
    const json_t *list = json_object_get(root, "failures");
    const struct ecs_failure *real = NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        struct ecs_failure *f = &ret->items[ret->count++];
        *f = (struct ecs_failure){ecs_text(o, "arn", a), ecs_text(o, "reason", a), ecs_text(o, "detail", a)};
        if (!is_fact(f->reason, benign))
            real = f;
    }
    if (real)
        aws_call_doubt(job->call, ERR_TRANSIENT, "%s: %s: %s %s", job->op->name, real->arn, real->reason, real->detail);
    else if (answered + json_array_size(list) < job->asked)
        aws_call_doubt(job->call, ERR_CORRUPT, "%s: %zu of %zu ids answered", job->op->name, answered + json_array_size(list),
                       job->asked);
    return real != NULL;
}

int ecs_list(const json_t *root, const char *key, const json_t **ret, struct err *err)
{
    *ret = json_object_get(root, key);
    return json_is_array(*ret) ? 0 : err_set(err, ERR_CORRUPT, "the answer has no %s", key);
}

// ---- lists ------------------------------------------------------------------------------------------------------------------
static int take_arns(struct aws_job *job, const json_t *root, const char *key, struct err *err)
{
    struct ecs_arns *ret = job->ret;
    struct arena *a = job->with.arena;
    const json_t *list;
    int rc = ecs_list(root, key, &list, err);
    if (rc)
        return rc;
    size_t n;
    const char **arns = ecs_strings(list, a, &n);
    if (n != json_array_size(list))
        return err_set(err, ERR_CORRUPT, "%s holds something else than strings", key);
    for (size_t i = 0; i < n; i++) {
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = arns[i];
    }
    job->token = json_str_arena(root, "nextToken", a);
    return 0;
}

int ecs_decode_cluster_arns(struct aws_job *job, const json_t *root, struct err *err)
{
    return take_arns(job, root, "clusterArns", err);
}

int ecs_decode_instance_arns(struct aws_job *job, const json_t *root, struct err *err)
{
    return take_arns(job, root, "containerInstanceArns", err);
}

int ecs_decode_service_arns(struct aws_job *job, const json_t *root, struct err *err)
{
    return take_arns(job, root, "serviceArns", err);
}

int ecs_decode_task_arns(struct aws_job *job, const json_t *root, struct err *err)
{
    return take_arns(job, root, "taskArns", err);
}

// ---- clusters ---------------------------------------------------------------------------------------------------------------
int ecs_decode_clusters(struct aws_job *job, const json_t *root, struct err *err)
{
    struct ecs_clusters *ret = job->ret;
    struct arena *a = job->with.arena;
    const json_t *list;
    int rc = ecs_list(root, "clusters", &list, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = (struct ecs_cluster){
            ecs_text(o, "clusterArn", a),
            ecs_text(o, "clusterName", a),
            ecs_text(o, "status", a),
            ecs_i32(o, "registeredContainerInstancesCount", 0),
            ecs_i32(o, "runningTasksCount", 0),
            ecs_i32(o, "pendingTasksCount", 0),
            ecs_i32(o, "activeServicesCount", 0),
        };
    }
    ecs_failures(job, root, &ret->failures, json_array_size(list), NULL);
    return 0;
}

// ---- container instances ----------------------------------------------------------------------------------------------------
// The value stands in the field that `type` names; the others are 0.
static int64_t resource_value(const json_t *r)
{
    const char *type = json_str(r, "type");
    if (!type)
        return 0;
    if (strcmp(type, "INTEGER") == 0)
        return json_int(r, "integerValue", 0);
    if (strcmp(type, "LONG") == 0)
        return json_int(r, "longValue", 0);
    if (strcmp(type, "DOUBLE") == 0)
        return (int64_t)fmin(fmax(json_num(r, "doubleValue", 0), -9e15), 9e15);
    return strcmp(type, "STRINGSET") == 0 ? (int64_t)json_array_size(json_object_get(r, "stringSetValue")) : 0;
}

static struct ecs_resources resources_of(const json_t *list, struct arena *a)
{
    static const struct {
        const char *name;
        enum res_kind kind;
    } kinds[] = {{"CPU", RES_CPU}, {"MEMORY", RES_MEMORY}, {"GPU", RES_GPU}};
    struct ecs_resources ret = {0};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *r = json_array_get(list, i);
        const char *name = json_str(r, "name");
        if (!name)
            continue;
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
            if (strcmp(name, kinds[k].name) == 0)
                ret.amount.v[kinds[k].kind] = resource_value(r);
        if (strcmp(name, "PORTS") == 0)
            ret.ports = ecs_strings(json_object_get(r, "stringSetValue"), a, &ret.port_count);
        if (strcmp(name, "PORTS_UDP") == 0)
            ret.udp_ports = ecs_strings(json_object_get(r, "stringSetValue"), a, &ret.udp_port_count);
    }
    return ret;
}

static struct aws_tags tags_of(const json_t *list, struct arena *a)
{
    struct aws_tags t = {.cap = json_array_size(list)};
    t.items = arena_array(a, struct aws_tag, t.cap);
    for (; t.count < t.cap; t.count++) {
        const json_t *o = json_array_get(list, t.count);
        t.items[t.count] = (struct aws_tag){ecs_text(o, "key", a), ecs_text(o, "value", a)};
    }
    return t;
}

static int instance_of(const json_t *o, struct arena *a, struct ecs_container_instance *ret, struct err *err)
{
    *ret = (struct ecs_container_instance){
        .arn = ecs_text(o, "containerInstanceArn", a),
        .ec2_id = ecs_text(o, "ec2InstanceId", a),
        .status = ecs_text(o, "status", a),
        .capacity_provider = ecs_text(o, "capacityProviderName", a),
        .agent_version = ecs_text(json_object_get(o, "versionInfo"), "agentVersion", a),
        .agent_connected = json_flag(o, "agentConnected", false),
        .running_tasks = ecs_i32(o, "runningTasksCount", 0),
        .pending_tasks = ecs_i32(o, "pendingTasksCount", 0),
        .version = json_int(o, "version", 0),
        .registered_ms = ecs_time_ms(o, "registeredAt"),
        .registered = resources_of(json_object_get(o, "registeredResources"), a),
        .remaining = resources_of(json_object_get(o, "remainingResources"), a),
        .tags = tags_of(json_object_get(o, "tags"), a),
    };
    ret->attributes = ecs_attributes(json_object_get(o, "attributes"), a, &ret->attribute_count);
    if (!*ret->arn || !*ret->status)
        return err_set(err, ERR_CORRUPT, "a container instance without ARN or status");
    return 0;
}

static int take_instances(struct aws_job *job, const json_t *root, size_t *ret_count, struct err *err)
{
    struct ecs_container_instances *ret = job->ret;
    size_t before = ret->count;
    const json_t *list;
    int rc = ecs_list(root, "containerInstances", &list, err);
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        struct ecs_container_instance ci;
        rc = instance_of(json_array_get(list, i), job->with.arena, &ci, err);
        if (rc)
            break;
        ret->items = arena_grow(job->with.arena, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = ci;
    }
    if (rc)
        ret->count = before;
    *ret_count = ret->count - before;
    return rc;
}

int ecs_decode_instances(struct aws_job *job, const json_t *root, struct err *err)
{
    struct ecs_container_instances *ret = job->ret;
    size_t n;
    int rc = take_instances(job, root, &n, err);
    if (rc == 0)
        ecs_failures(job, root, &ret->failures, n, NULL);
    return rc;
}

// For a change MISSING is no mere fact: the change was not made.
int ecs_decode_instances_changed(struct aws_job *job, const json_t *root, struct err *err)
{
    struct ecs_container_instances *ret = job->ret;
    size_t n;
    int rc = take_instances(job, root, &n, err);
    if (rc)
        return rc;
    ecs_failures(job, root, &ret->failures, n, NULL);
    if (ret->failures.count == 0)
        return 0;
    const struct ecs_failure *f = &ret->failures.items[0];
    enum err_kind kind = strcmp(f->reason, "MISSING") == 0 ? ERR_NOT_FOUND : ERR_CONFLICT;
    job->call->err = (struct err){0};
    if (n == 0)
        return err_set(err, kind, "%s: %s %s", f->arn, f->reason, f->detail);
    aws_call_doubt(job->call, kind, "%s: %s: %s %s", job->op->name, f->arn, f->reason, f->detail);
    return 0;
}

int ecs_decode_deregistered(struct aws_job *job, const json_t *root, struct err *err)
{
    (void)job;
    const char *arn = json_str(json_object_get(root, "containerInstance"), "containerInstanceArn");
    return arn ? 0 : err_set(err, ERR_CORRUPT, "the answer names no container instance");
}
