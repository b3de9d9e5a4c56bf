// Words for the enums of the model, by value: the one table behind the *_name functions, the JSON form and its schema.
#pragma once

#include "planner/model/memo.h"
#include "planner/model/plan.h"
#include "planner/model/snapshot.h"

extern const char *const source_kind_names[SOURCE_COUNT];
extern const char *const source_state_names[SOURCE_OK + 1];
extern const char *const place_kind_names[PLACE_RANDOM + 1];
extern const char *const service_kind_names[SERVICE_DAEMON + 1];
extern const char *const ecs_state_names[ECS_STATE_COUNT];
extern const char *const ec2_state_names[EC2_STATE_COUNT];
extern const char *const fleet_kind_names[FLEET_KIND_COUNT];
extern const char *const fleet_state_names[FLEET_STATE_COUNT];
extern const char *const drain_state_names[DRAIN_STATE_COUNT];
extern const char *const memo_stamp_kind_names[STAMP_COUNT];
extern const char *const control_mode_names[CONTROL_COUNT];
extern const char *const alert_severity_names[ALERT_SEVERITY_COUNT];
extern const char *const action_kind_names[ACTION_COUNT];
extern const char *const candidate_kind_names[CANDIDATE_KIND_COUNT];
extern const char *const verdict_code_names[VERDICT_COUNT];

// The value whose name it is, -1 for none.
int name_to_value(const char *const *names, int count, const char *name);
