#include "scaler/aws/ecs.h"

#include "scaler/aws/aws_job.h"
#include "scaler/aws/ecs_decode.h"

#define PAGE_MAX 100
#define DESCRIBE_MAX 100
#define DESCRIBE_SERVICES_MAX 10
#define STATE_CHANGE_MAX 10

static const struct aws_operation list_clusters = {AWS_ECS, "ListClusters", false, false, ecs_decode_cluster_arns, NULL, NULL};
static const struct aws_operation describe_clusters = {AWS_ECS, "DescribeClusters", false, false, ecs_decode_clusters, NULL, NULL};
static const struct aws_operation list_instances = {AWS_ECS, "ListContainerInstances", false, false, ecs_decode_instance_arns,
                                                    NULL, NULL};
static const struct aws_operation describe_instances = {AWS_ECS, "DescribeContainerInstances", false, false, ecs_decode_instances,
                                                        NULL, NULL};
static const struct aws_operation list_services = {AWS_ECS, "ListServices", false, false, ecs_decode_service_arns, NULL, NULL};
static const struct aws_operation describe_services = {AWS_ECS, "DescribeServices", false, false, ecs_decode_services, NULL,
                                                        "events"};
static const struct aws_operation list_tasks = {AWS_ECS, "ListTasks", false, false, ecs_decode_task_arns, NULL, NULL};
static const struct aws_operation describe_tasks = {AWS_ECS, "DescribeTasks", false, false, ecs_decode_tasks, NULL, NULL};
static const struct aws_operation get_protection = {AWS_ECS, "GetTaskProtection", false, false, ecs_decode_protections, NULL, NULL};
// Absolute: saying DRAINING twice is saying it once.
static const struct aws_operation update_state = {AWS_ECS, "UpdateContainerInstancesState", true, true,
                                                  ecs_decode_instances_changed, NULL, NULL};
static const struct aws_operation deregister = {AWS_ECS, "DeregisterContainerInstance", true, false, ecs_decode_deregistered, NULL, NULL};

static void begin(struct buf *b, const char *cluster)
{
    buf_init(b, AWS_REQUEST_MAX);
    buf_add_char(b, '{');
    if (cluster)
        aws_json_str(b, "cluster", cluster);
}

const char *aws_tag_get(const struct aws_tags *t, const char *key)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->items[i].key, key) == 0)
            return t->items[i].value;
    return "";
}

const char *ecs_attribute_get(const struct ecs_container_instance *ci, const char *name)
{
    for (size_t i = 0; i < ci->attribute_count; i++)
        if (strcmp(ci->attributes[i].name, name) == 0)
            return ci->attributes[i].value;
    return NULL;
}

// ---- lists ------------------------------------------------------------------------------------------------------------------
static void list(struct aws_with w, const struct aws_operation *op, struct buf *b, struct ecs_arns *ret)
{
    aws_json_int(b, "maxResults", PAGE_MAX);
    aws_job_submit(&(struct aws_job){.with = w, .op = op, .call = &ret->call, .ret = ret}, b);
    aws_call_settle(&ret->call);
}

static void list_filtered(struct aws_with w, const struct aws_operation *op, const char *cluster, const char *filter, struct ecs_arns *ret)
{
    *ret = (struct ecs_arns){0};
    aws_call_begin(&ret->call);
    _cleanup_(buf_release) struct buf b;
    begin(&b, cluster);
    if (filter)
        aws_json_str(&b, "filter", filter);
    list(w, op, &b, ret);
}

void ecs_list_clusters(struct aws_with w, struct ecs_arns *ret)
{
    list_filtered(w, &list_clusters, NULL, NULL, ret);
}

void ecs_list_container_instances(struct aws_with w, const char *cluster, struct ecs_arns *ret)
{
    list_filtered(w, &list_instances, cluster, NULL, ret);
}

void ecs_find_container_instances(struct aws_with w, const char *cluster, const char *filter, struct ecs_arns *ret)
{
    list_filtered(w, &list_instances, cluster, filter, ret);
}

void ecs_list_services(struct aws_with w, const char *cluster, struct ecs_arns *ret)
{
    list_filtered(w, &list_services, cluster, NULL, ret);
}

void ecs_list_tasks(struct aws_with w, const char *cluster, const struct ecs_task_filter *f, struct ecs_arns *ret)
{
    *ret = (struct ecs_arns){0};
    aws_call_begin(&ret->call);
    const struct {
        const char *key, *value;
    } filters[] = {
        {"containerInstance", f->container_instance}, {"serviceName", f->service},   {"family", f->family},
        {"launchType", f->launch_type},               {"startedBy", f->started_by}, {"desiredStatus", f->desired_status},
    };
    _cleanup_(buf_release) struct buf b;
    begin(&b, cluster);
    for (size_t i = 0; i < ARRAY_LEN(filters); i++)
        if (filters[i].value && *filters[i].value)
            aws_json_str(&b, filters[i].key, filters[i].value);
    list(w, &list_tasks, &b, ret);
}

// ---- describes --------------------------------------------------------------------------------------------------------------
struct describe {
    const struct aws_operation *op;
    const char *cluster;  // NULL: not a parameter
    const char *ids_key;
    const char *include;  // NULL: nothing
    size_t batch;
};

static void describe(struct aws_with w, const struct describe *d, const char *const *ids, size_t count, struct aws_call *call)
{
    aws_call_begin(call);
    for (size_t from = 0; from < count; from += d->batch) {
        size_t n = count - from < d->batch ? count - from : d->batch;
        _cleanup_(buf_release) struct buf b;
        begin(&b, d->cluster);
        aws_json_list(&b, d->ids_key, ids + from, n);
        if (d->include)
            aws_json_list(&b, "include", &d->include, 1);
        // call is the first member of every result struct
        aws_job_submit(&(struct aws_job){.with = w, .op = d->op, .call = call, .ret = call, .asked = n}, &b);
    }
    aws_call_settle(call);
}

void ecs_describe_clusters(struct aws_with w, const char *const *names, size_t count, struct ecs_clusters *ret)
{
    *ret = (struct ecs_clusters){0};
    describe(w, &(struct describe){&describe_clusters, NULL, "clusters", NULL, DESCRIBE_MAX}, names, count, &ret->call);
}

void ecs_describe_container_instances(struct aws_with w, const char *cluster, const char *const *arns, size_t count,
                                      struct ecs_container_instances *ret)
{
    *ret = (struct ecs_container_instances){0};
    const struct describe d = {&describe_instances, cluster, "containerInstances", "TAGS", DESCRIBE_MAX};
    describe(w, &d, arns, count, &ret->call);
}

void ecs_describe_services(struct aws_with w, const char *cluster, const char *const *arns, size_t count,
                           struct ecs_services *ret)
{
    *ret = (struct ecs_services){0};
    describe(w, &(struct describe){&describe_services, cluster, "services", NULL, DESCRIBE_SERVICES_MAX}, arns, count, &ret->call);
}

void ecs_describe_tasks(struct aws_with w, const char *cluster, const char *const *arns, size_t count, struct ecs_tasks *ret)
{
    *ret = (struct ecs_tasks){0};
    describe(w, &(struct describe){&describe_tasks, cluster, "tasks", NULL, DESCRIBE_MAX}, arns, count, &ret->call);
}

void ecs_get_task_protection(struct aws_with w, const char *cluster, const char *const *arns, size_t count,
                             struct ecs_protections *ret)
{
    *ret = (struct ecs_protections){0};
    describe(w, &(struct describe){&get_protection, cluster, "tasks", NULL, DESCRIBE_MAX}, arns, count, &ret->call);
}

// ---- changes ---------------------------------------------------------------------------------------------------------------
void ecs_set_instance_state(struct aws_with w, const char *cluster, const char *const *arns, size_t count, const char *status,
                            struct ecs_container_instances *ret)
{
    *ret = (struct ecs_container_instances){0};
    aws_call_begin(&ret->call);
    assert(count >= 1);
    assert(count <= STATE_CHANGE_MAX);
    assert(strcmp(status, "ACTIVE") == 0 || strcmp(status, "DRAINING") == 0);
    _cleanup_(buf_release) struct buf b;
    begin(&b, cluster);
    aws_json_list(&b, "containerInstances", arns, count);
    aws_json_str(&b, "status", status);
    aws_job_submit(&(struct aws_job){.with = w, .op = &update_state, .call = &ret->call, .ret = ret, .asked = count}, &b);
    aws_call_settle(&ret->call);
}

void ecs_deregister_container_instance(struct aws_with w, const char *cluster, const char *arn, struct aws_call *ret)
{
    aws_call_begin(ret);
    _cleanup_(buf_release) struct buf b;
    begin(&b, cluster);
    aws_json_str(&b, "containerInstance", arn);
    aws_json_flag(&b, "force", true);
    aws_job_submit(&(struct aws_job){.with = w, .op = &deregister, .call = ret, .ret = ret}, &b);
    aws_call_settle(ret);
}
