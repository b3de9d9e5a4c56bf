// What differs by the kind of a fleet when it is changed or read again: the one place that knows which call does it.
#pragma once

#include "planner/model/plan.h"
#include "planner/model/snapshot.h"
#include "scaler/aws/ec2.h"

// Begins a describe of this one fleet.
void fleet_read(struct aws_with w, const struct fleet *f, struct ec2_spot_fleets *ret);
// Begins the call that sets the target of a SET_TARGET, absolute and with nothing terminated.
void fleet_set_target(struct aws_with w, const struct fleet *f, const struct action *a, struct aws_call *ret);
// The API action that does so, as IAM calls it: "ec2:ModifyFleet".
const char *fleet_set_target_name(enum fleet_kind k);
