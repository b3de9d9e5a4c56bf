// EC2 Fleets of type maintain and request: what EC2 calls DescribeFleets and so on. The answers are those of ec2.h's Spot Fleets, so that
// what is not about a call need not know which of the two a fleet is; `state` and `allocation` keep EC2 Fleet's own words
// ("deleted_running", "price-capacity-optimized").
#pragma once

#include "scaler/aws/ec2.h"

// count 0: every fleet of the region, but those of type instant, which only their ids show. One unknown id fails the call with
// ERR_NOT_FOUND (InvalidFleetId.NotFound).
void ec2_describe_ec2_fleets(struct aws_with w, const char *const *ids, size_t count, struct ec2_spot_fleets *ret);
// May be out of date, as the list of a Spot Fleet.
void ec2_describe_ec2_fleet_members(struct aws_with w, const char *fleet_id, struct ec2_fleet_members *ret);
// kind is "instance-change", "fleet-change" or "service-error".
void ec2_describe_ec2_fleet_history(struct aws_with w, const char *fleet_id, int64_t since_ms, struct ec2_fleet_events *ret);
// Total, on-demand and spot part, always with no-termination. ERR_CONFLICT: not in a state that can be modified. Not repeated in
// place after a timeout.
void ec2_modify_ec2_fleet(struct aws_with w, const struct ec2_fleet_target *t, struct aws_call *ret);
