// ECS task definitions: what one task reserves, where it may be placed, and what of it would be lost or slow to stop.
//
// As in ecs.h. A revision never changes what it says here, so an answer may be kept for ever.
#pragma once

#include "scaler/aws/ecs.h"

struct ecs_port {
    int32_t port;
    bool udp;
};
struct ecs_container_def {
    const char *name;
    int64_t cpu_units, memory_mib, soft_memory_mib, gpus;  // 0 = none
};
struct ecs_task_definition {
    struct aws_call call;
    const char *arn, *family, *status, *network_mode;  // network_mode "" = bridge
    int32_t revision;
    struct res need;             // what ECS reserves for one task without overrides
    int64_t cpu_units, memory_mib;  // task level, 0 = none
    struct ecs_container_def *containers;
    size_t container_count;
    struct ecs_port *ports;      // fixed host ports
    size_t port_count;
    struct ecs_placement *constraints;
    size_t constraint_count;
    struct ecs_attribute *required_attributes;
    size_t required_attribute_count;
    const char *arch;            // "x86_64", "arm64", "" = any
    const char *os_family;       // "" = any
    bool local_data;             // a volume of the host outlives the task
    const char *local_data_volume;  // its name, "" none
    int64_t stop_timeout_ms;     // longest of the containers; 30,000 where none is named
};
// arn: full ARN or family:revision.
void ecs_describe_task_definition(struct aws_with w, const char *arn, struct ecs_task_definition *ret);
// What ECS reserves for this task: the definition with the task's overrides applied.
struct res ecs_task_need(const struct ecs_task_definition *d, const struct ecs_task *t);
