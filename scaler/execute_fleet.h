// What differs by the kind of a fleet when it is changed or read again: the one place that knows which call does it.
#pragma once

#include "planner/model/plan.h"
#include "planner/model/snapshot.h"
#include "scaler/aws/ec2_fleets.h"

// Begins a describe of this one fleet.
void fleet_read(struct aws_with w, const struct fleet *f, struct ec2_spot_fleets *ret);
// Begins the call that sets the target of a SET_TARGET, absolute and with nothing terminated.
void fleet_set_target(struct aws_with w, const struct fleet *f, const struct action *a, struct aws_call *ret);
// Begins the call of a LAUNCH. false: its content is not what a plan of ours holds, and nothing was begun.
bool fleet_launch(struct aws_with w, const struct snapshot *s, const struct action *a, struct ec2_launch_answer *ret);
// Begins the call that claims it: the tag masu:owner.
void fleet_claim(struct aws_with w, const struct fleet *f, const char *owner, struct aws_call *ret);
// Begins the call that ends one member without lowering the target: the fleet may replace it.
void fleet_end(struct aws_with w, const struct fleet *f, const char *const *instance, struct ec2_state_changes *ret);
// What is known of an Auto Scaling group right before a drained member is ended, and whether it may go (B1, B2). ERR_CONFLICT: it may not.
int fleet_group_lets_go(const struct ec2_spot_fleets *told, const struct fleet *f, const struct action *a, struct err *err);
// The API action that does so, as IAM calls it: "ec2:ModifyFleet".
const char *fleet_set_target_name(enum fleet_kind k);
