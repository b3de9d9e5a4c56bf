// ECS inside the sandbox: reading parameters, names of things, and the shapes that several operations write.
#pragma once

#include "scaler/sandbox/internal.h"

// ---- parameters: a wrong JSON type answers SerializationException and returns false; absent leaves the result alone.
bool play_ecs_str(struct call *c, const char *key, const char **ret);
bool play_ecs_int(struct call *c, const char *key, int64_t *ret, bool *ret_present);
bool play_ecs_bool(struct call *c, const char *key, bool *ret, bool *ret_present);
struct ecs_list {
    const char **items;
    size_t count;
    bool present;
};
// At most `max` items, or InvalidParameterException.
bool play_ecs_strings(struct call *c, const char *key, size_t max, struct ecs_list *ret);
bool play_ecs_includes(const struct ecs_list *include, const char *what);
// Answers InvalidParameterException when one of these members (NULL-terminated) is there: the sandbox does not play them.
bool play_ecs_refuse_members(struct call *c, const char *const *names);

// ---- members of a nested object (NULL: there is none); as above.
bool play_json_str(struct call *c, json_t *object, const char *key, const char **ret);
bool play_json_int(struct call *c, json_t *object, const char *key, int64_t *ret);
bool play_json_bool(struct call *c, json_t *object, const char *key, bool *ret);
bool play_json_list(struct call *c, json_t *object, const char *key, size_t max, json_t **ret);  // of objects; NULL: absent
bool play_json_object(struct call *c, json_t *object, const char *key, json_t **ret);            // NULL: absent

// ---- placement (ecs_rules.c): InvalidParameterException with words for what ECS refuses
bool play_ecs_expression(struct call *c, const char *text);  // NULL is refused too
// placementConstraints, placementStrategy, networkConfiguration, launchType, capacityProviderStrategy: those given replace what is in *r.
bool play_ecs_rules(struct call *c, struct world_rules *r, bool *ret_given);
bool play_ecs_network_fits(struct call *c, int taskdef, const struct world_rules *r);  // awsvpc needs subnets, others take none
bool play_ecs_gpus(struct call *c, json_t *object, int32_t *ret);                      // resourceRequirements
bool play_ecs_override(struct call *c, int taskdef, struct world_task_override *ret, bool *ret_given);
int play_ecs_find_provider(struct call *c, const char *name_or_arn);                   // -1 unknown

// ---- names
bool play_ecs_cluster(struct call *c, int *ret_cluster);  // "cluster": name or ARN; ClusterNotFoundException
// The id behind an id or ARN of a kind ("task", "container-instance", "service") in this cluster; NULL: an ARN of elsewhere.
const char *play_ecs_id(struct call *c, int cluster, const char *kind, const char *id_or_arn);
const char *play_ecs_arn(struct call *c, int cluster, const char *kind, const char *id);
const char *play_ecs_cluster_arn(struct call *c, int cluster);
const char *play_ecs_taskdef_arn(struct call *c, int taskdef);
int play_ecs_find_instance(struct call *c, int cluster, const char *id_or_arn);  // -1 unknown
int play_ecs_find_task(struct call *c, int cluster, const char *id_or_arn);
int play_ecs_find_service(struct call *c, int cluster, const char *name_or_arn);
int play_ecs_find_taskdef(struct call *c, const char *name);  // "family", "family:7" or ARN; -1 unknown

// Whether the n-th of so many ids is left out by a fault.
bool play_ecs_left_out(const struct call *c, size_t n, size_t count);

// ---- answers
void play_ecs_failure(struct call *c, struct json_out *o, int cluster, const char *kind, const char *id_or_arn, const char *reason);
bool play_ecs_page(struct call *c, int64_t fallback, int64_t max, struct page *ret);  // nextToken, maxResults
void play_ecs_write_instance(struct call *c, struct json_out *o, int instance, bool health);
void play_ecs_write_service(struct call *c, struct json_out *o, int service);
void play_ecs_write_task(struct call *c, struct json_out *o, int task);
void play_ecs_write_taskdef(struct call *c, struct json_out *o, int taskdef);  // as member "taskDefinition"

void play_ecs_list_clusters(struct call *c);
void play_ecs_describe_clusters(struct call *c);
void play_ecs_describe_capacity_providers(struct call *c);
void play_ecs_list_account_settings(struct call *c);
void play_ecs_list_tags(struct call *c);
void play_ecs_list_container_instances(struct call *c);
void play_ecs_describe_container_instances(struct call *c);
void play_ecs_update_container_instances_state(struct call *c);
void play_ecs_list_services(struct call *c);
void play_ecs_describe_services(struct call *c);
void play_ecs_update_service(struct call *c);
void play_ecs_list_tasks(struct call *c);
void play_ecs_describe_tasks(struct call *c);
void play_ecs_describe_task_definition(struct call *c);
void play_ecs_get_task_protection(struct call *c);
void play_ecs_update_task_protection(struct call *c);
void play_ecs_stop_task(struct call *c);
void play_ecs_run_task(struct call *c);
void play_ecs_start_task(struct call *c);
void play_ecs_create_service(struct call *c);
void play_ecs_register_task_definition(struct call *c);
void play_ecs_deregister_task_definition(struct call *c);
void play_ecs_put_attributes(struct call *c);
void play_ecs_delete_attributes(struct call *c);
void play_ecs_list_attributes(struct call *c);
void play_ecs_deregister_container_instance(struct call *c);
