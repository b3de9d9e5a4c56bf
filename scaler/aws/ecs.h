// Amazon ECS: the operations used, as typed requests and plain answers.
//
// Every function begins a call: fill-in happens inside aws_run(), after which ret->call says COMPLETE, PARTIAL or FAILED.
// `ret` is zeroed first; it and the arena must live until then. Pages are followed to their end and batches are split to
// AWS's limits and sent at once. Strings live in the arena and are never NULL (""). Unknown values of enums stay strings.
// failures[] holds what AWS reported inside a 200; MISSING is a fact about the id asked for, any other reason makes the
// call PARTIAL.
#pragma once

#include "planner/model/res.h"
#include "scaler/aws/aws.h"

struct ecs_failure {
    const char *arn, *reason, *detail;
};
struct ecs_failures {
    struct ecs_failure *items;
    size_t count, cap;
};
struct aws_tag {
    const char *key, *value;
};
struct aws_tags {
    struct aws_tag *items;
    size_t count, cap;
};
const char *aws_tag_get(const struct aws_tags *t, const char *key);  // "" when absent

struct ecs_arns {
    struct aws_call call;
    const char **items;
    size_t count, cap;
};

// ---- clusters ---------------------------------------------------------------------------------------------------------------
struct ecs_cluster {
    const char *arn, *name, *status;
    int32_t registered_instances, running_tasks, pending_tasks, active_services;
};
struct ecs_clusters {
    struct aws_call call;
    struct ecs_cluster *items;
    size_t count, cap;
    struct ecs_failures failures;
};
void ecs_list_clusters(struct aws_with w, struct ecs_arns *ret);
void ecs_describe_clusters(struct aws_with w, const char *const *names, size_t count, struct ecs_clusters *ret);

// ---- container instances ----------------------------------------------------------------------------------------------------
struct ecs_resources {
    struct res amount;        // CPU, MEMORY, GPU count; ENI is not told by ECS (0)
    const char **ports, **udp_ports;  // as told ("22"): in `remaining` these are the ports in use
    size_t port_count, udp_port_count;
};
struct ecs_attribute {
    const char *name, *value;
};
struct ecs_container_instance {
    const char *arn, *ec2_id, *status, *capacity_provider, *agent_version;
    bool agent_connected;
    int32_t running_tasks, pending_tasks;
    int64_t version, registered_ms;
    struct ecs_resources registered, remaining;
    struct ecs_attribute *attributes;
    size_t attribute_count;
    struct aws_tags tags;     // of the container instance, not of EC2
};
struct ecs_container_instances {
    struct aws_call call;
    struct ecs_container_instance *items;
    size_t count, cap;
    struct ecs_failures failures;
};
const char *ecs_attribute_get(const struct ecs_container_instance *ci, const char *name);  // NULL when absent
void ecs_list_container_instances(struct aws_with w, const char *cluster, struct ecs_arns *ret);  // all but INACTIVE
// Of these, those that the expression of the cluster query language holds for.
void ecs_find_container_instances(struct aws_with w, const char *cluster, const char *filter, struct ecs_arns *ret);
void ecs_describe_container_instances(struct aws_with w, const char *cluster, const char *const *arns, size_t count,
                                      struct ecs_container_instances *ret);
// status "DRAINING" or "ACTIVE"; count <= 10. COMPLETE: all changed. A failure of one instance makes it PARTIAL, of all FAILED
// (ERR_NOT_FOUND for MISSING, else ERR_CONFLICT).
void ecs_set_instance_state(struct aws_with w, const char *cluster, const char *const *arns, size_t count, const char *status,
                            struct ecs_container_instances *ret);
// Forced: tasks that ECS still counts there are let go. Only for an instance that EC2 has ended. ret: COMPLETE or FAILED; not
// repeated in place after a timeout, because a second time ECS does not know it any more.
void ecs_deregister_container_instance(struct aws_with w, const char *cluster, const char *arn, struct aws_call *ret);

// ---- services ---------------------------------------------------------------------------------------------------------------
struct ecs_deployment {
    const char *id, *status, *task_definition, *rollout_state, *launch_type;
    int32_t desired, running, pending, failed;
    int64_t created_ms, updated_ms;
};
struct ecs_task_set {        // of a service whose deployment controller is CODE_DEPLOY or EXTERNAL
    const char *id, *status, *task_definition, *launch_type;
    int32_t desired, running, pending;
    int64_t created_ms;
};
struct ecs_event {
    const char *id, *message;
    int64_t created_ms;
};
struct ecs_placement {       // strategy: type, field; constraint: type, expression
    const char *type, *field;
};
struct ecs_provider_share {
    const char *provider;
    int32_t weight, base;
};
#define ECS_EVENTS_KEPT 10   // newest of the 100 that AWS sends
struct ecs_service {
    const char *arn, *name, *status, *launch_type, *scheduling, *task_definition, *deployment_controller, *az_rebalancing;
    int32_t desired, running, pending;
    int32_t min_percent, max_percent;  // AWS's defaults where absent: REPLICA 100/200, DAEMON 0/100
    int64_t created_ms;
    struct ecs_deployment *deployments;
    size_t deployment_count;
    struct ecs_task_set *task_sets;
    size_t task_set_count;
    struct ecs_event *events;
    size_t event_count;
    struct ecs_placement *strategies, *constraints;
    size_t strategy_count, constraint_count;
    struct ecs_provider_share *providers;
    size_t provider_count;
    const char **subnets;    // awsvpc
    size_t subnet_count;
    const char **target_groups;  // of load balancers, as CloudWatch names them: "targetgroup/web/6d0ecf831eec9f09"; one each time its tasks are put into it
    size_t target_group_count;
};
struct ecs_services {
    struct aws_call call;
    struct ecs_service *items;
    size_t count, cap;
    struct ecs_failures failures;
};
void ecs_list_services(struct aws_with w, const char *cluster, struct ecs_arns *ret);
void ecs_describe_services(struct aws_with w, const char *cluster, const char *const *arns, size_t count,
                           struct ecs_services *ret);

// ---- tasks ------------------------------------------------------------------------------------------------------------------
struct ecs_task_filter {     // "" or NULL: not sent. AWS joins them with AND; started_by must stand alone
    const char *container_instance, *service, *family, *launch_type, *started_by;
    const char *desired_status;  // "RUNNING" (AWS's default), "STOPPED"
};
struct ecs_container_override {
    const char *name;
    int64_t cpu_units, memory_mib, soft_memory_mib, gpus;  // -1: not overridden
};
struct ecs_task {
    const char *arn, *task_definition, *container_instance, *cluster, *group, *started_by, *launch_type, *capacity_provider;
    const char *last_status, *desired_status, *stop_code, *stopped_reason, *zone;
    int64_t version, created_ms, started_ms, stopping_ms;
    int64_t cpu_units, memory_mib;                    // task level as told, 0 = none
    int64_t override_cpu_units, override_memory_mib;  // -1: not overridden
    struct ecs_container_override *overrides;
    size_t override_count;
};
struct ecs_tasks {
    struct aws_call call;
    struct ecs_task *items;
    size_t count, cap;
    struct ecs_failures failures;
};
void ecs_list_tasks(struct aws_with w, const char *cluster, const struct ecs_task_filter *f, struct ecs_arns *ret);
void ecs_describe_tasks(struct aws_with w, const char *cluster, const char *const *arns, size_t count, struct ecs_tasks *ret);

struct ecs_protection {
    const char *task_arn;
    bool enabled;
    int64_t expires_ms;      // 0: none told
};
struct ecs_protections {
    struct aws_call call;    // TASK_NOT_VALID (not a service's task) counts as a fact, like MISSING
    struct ecs_protection *items;
    size_t count, cap;
    struct ecs_failures failures;
};
void ecs_get_task_protection(struct aws_with w, const char *cluster, const char *const *arns, size_t count,
                             struct ecs_protections *ret);
