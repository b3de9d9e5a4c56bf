// The field tables of the snapshot's parts, shared by its writer and its reader (private to the model).
#pragma once

#include "planner/model/json_fields.h"
#include "planner/model/snapshot.h"

extern const struct json_fields snapshot_fields, control_fields, outlook_fields, local_time_fields, occasion_fields, quota_fields, subnet_fields, source_fields, type_fields, fleet_fields, pool_fields, shape_fields,
    strategy_fields, service_fields, provider_fields, deployment_fields, instance_fields, holding_fields;

// ---- small sets (snapshot_json_sets.c) --------------------------------------------------------------------------------------
// "attribute_sets": [{"ecs.os-type": "linux", …}, …]; who has one says "attributes": its place there, or by hand the object itself.
void json_sets_write(json_t *obj, const struct snapshot *s);
int json_sets_read(struct json_reader *r, const json_t *obj, const struct json_path *at, struct snapshot *s);
void json_set_ref_write(json_t *obj, const struct snapshot *s, const struct attribute_set *set);
// Objects in place are added to s->attribute_sets, which json_sets_read made large enough.
int json_set_ref_read(struct json_reader *r, const json_t *obj, const struct json_path *at, struct snapshot *s,
                      const struct attribute_set **ret);
// "ports": ["80/tcp", "53/udp"].
void json_ports_write(json_t *obj, struct port_set ports);
int json_ports_read(struct json_reader *r, const json_t *obj, const struct json_path *at, struct port_set *ret);
// Lists of strings; an empty one is not written.
void json_texts_write(json_t *obj, const char *key, const char *const *v, size_t count);
int json_texts_read(struct json_reader *r, const json_t *obj, const struct json_path *at, const char *key, const char ***ret, size_t *ret_count);
// required, member_of, ports, zones of a shape.
void json_shape_lists_write(json_t *obj, const struct shape *x);
int json_shape_lists_read(struct json_reader *r, const json_t *obj, const struct json_path *at, struct shape *x);

// Reads a snapshot that stands at `root`; json->bad_path says where the first mistake is.
int snapshot_from_json_at(const json_t *j, const struct json_path *root, struct json_reader *json, struct snapshot *ret);
// Fills the counts of services and fleets that obj leaves out from the instances.
void snapshot_derive_counts(struct snapshot *s, const json_t *obj, struct arena *a);
