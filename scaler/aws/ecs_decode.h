// Answers of ECS into the structs of ecs.h; one function an operation, see struct aws_operation.
#pragma once

#include "scaler/aws/aws_job.h"
#include "scaler/aws/ecs.h"

int ecs_decode_cluster_arns(struct aws_job *job, const json_t *root, struct err *err);
int ecs_decode_instance_arns(struct aws_job *job, const json_t *root, struct err *err);
int ecs_decode_service_arns(struct aws_job *job, const json_t *root, struct err *err);
int ecs_decode_task_arns(struct aws_job *job, const json_t *root, struct err *err);
int ecs_decode_clusters(struct aws_job *job, const json_t *root, struct err *err);
int ecs_decode_instances(struct aws_job *job, const json_t *root, struct err *err);
int ecs_decode_instances_changed(struct aws_job *job, const json_t *root, struct err *err);
int ecs_decode_deregistered(struct aws_job *job, const json_t *root, struct err *err);
int ecs_decode_providers(struct aws_job *job, const json_t *root, struct err *err);
int ecs_decode_services(struct aws_job *job, const json_t *root, struct err *err);
int ecs_decode_tasks(struct aws_job *job, const json_t *root, struct err *err);
int ecs_decode_protections(struct aws_job *job, const json_t *root, struct err *err);
int ecs_decode_definition(struct aws_job *job, const json_t *root, struct err *err);

// ---- shared by the decoders -------------------------------------------------------------------------------------------------
const char *ecs_text(const json_t *o, const char *key, struct arena *a);  // "" when absent
int32_t ecs_i32(const json_t *o, const char *key, int32_t fallback);      // clamped
int64_t ecs_time_ms(const json_t *o, const char *key);                     // epoch seconds with fraction; 0 when absent
// "256", "0.5 vCPU" / "512", "1 GB", or a number; -1 when absent or none of these.
int64_t ecs_cpu_units(const json_t *o, const char *key);
int64_t ecs_memory_mib(const json_t *o, const char *key);
int64_t ecs_gpus(const json_t *container);  // sum of resourceRequirements of type GPU; -1 when there are none named
// Lists of {name, value}, of {type, field or expression}, of strings.
struct ecs_attribute *ecs_attributes(const json_t *list, struct arena *a, size_t *ret_count);
struct ecs_placement *ecs_placements(const json_t *list, const char *field, struct arena *a, size_t *ret_count);
const char **ecs_strings(const json_t *list, struct arena *a, size_t *ret_count);
// The array `key`; ERR_CORRUPT where it is absent.
int ecs_list(const json_t *root, const char *key, const json_t **ret, struct err *err);
// Copies failures[] and checks that each id asked for is answered. True: some failure is not MISSING (or `benign`).
bool ecs_failures(struct aws_job *job, const json_t *root, struct ecs_failures *ret, size_t answered, const char *benign);
