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
struct ec2_launch_pool {
    const char *type, *subnet;
};
struct ec2_launch {
    const char *token;           // up to 64 ASCII characters: the same one with the same content launches once; NULL for a dry run
    bool dry_run;                // COMPLETE means permitted, and nothing was launched
    const char *launch_template; // "lt-…" or a name
    const char *version;
    int64_t count, on_demand;    // instances; of them on demand, the others spot
    const struct ec2_launch_pool *pools;
    size_t pool_count;           // 1 … 100
    const struct aws_tag *tags;  // of the fleet and of its instances
    size_t tag_count;
};
struct ec2_launched {
    const char *instance, *type, *subnet, *zone, *lifecycle;  // lifecycle "spot", "on-demand"; zone "" not told
};
struct ec2_launch_error {
    const char *type, *subnet, *zone, *code, *message;        // type and so on "" not told
};
struct ec2_launch_answer {
    struct aws_call call;
    const char *fleet_id;
    struct ec2_launched *items;
    size_t count, cap;
    struct ec2_launch_error *errors;
    size_t error_count, error_cap;
};
// CreateFleet of type instant, price-capacity-optimized. COMPLETE may have launched less than asked for, or nothing: errors say why.
// Repeated in place after a timeout, by its token. ERR_CONFLICT: the token was used with other content.
void ec2_create_fleet(struct aws_with w, const struct ec2_launch *l, struct ec2_launch_answer *ret);
// Total, on-demand and spot part, always with no-termination. ERR_CONFLICT: not in a state that can be modified. Not repeated in
// place after a timeout.
void ec2_modify_ec2_fleet(struct aws_with w, const struct ec2_fleet_target *t, struct aws_call *ret);
