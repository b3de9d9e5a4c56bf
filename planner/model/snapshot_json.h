// The field tables of the snapshot's parts, shared by its writer and its reader (private to the model).
#pragma once

#include "planner/model/json_fields.h"
#include "planner/model/snapshot.h"

extern const struct json_fields snapshot_fields, source_fields, type_fields, fleet_fields, pool_fields, shape_fields,
    strategy_fields, service_fields, deployment_fields, instance_fields, holding_fields;

// Reads a snapshot that stands at `root`; json->bad_path says where the first mistake is.
int snapshot_from_json_at(const json_t *j, const struct json_path *root, struct json_reader *json, struct snapshot *ret);
// Fills the counts of services and fleets that obj leaves out from the instances.
void snapshot_derive_counts(struct snapshot *s, const json_t *obj, struct arena *a);
