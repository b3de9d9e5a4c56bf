#include "scaler/execute_fleet.h"

#include "base/check.h"
#include "scaler/aws/ec2_fleets.h"

void fleet_read(struct aws_with w, const struct fleet *f, struct ec2_spot_fleets *ret)
{
    switch (f->kind) {
    case FLEET_SPOT_FLEET:
        ec2_describe_spot_fleets(w, &f->id, 1, ret);
        return;
    case FLEET_EC2_FLEET:
        ec2_describe_ec2_fleets(w, &f->id, 1, ret);
        return;
    case FLEET_GROUP:
    case FLEET_INSTANT:
    case FLEET_KIND_COUNT:
        break;
    }
    assert(!"a fleet of a kind that the planner closes");
}

void fleet_set_target(struct aws_with w, const struct fleet *f, const struct action *a, struct aws_call *ret)
{
    struct ec2_fleet_target t = {.fleet_id = f->id, .target = a->capacity, .on_demand = a->on_demand,
                                 .split = f->on_demand_target > 0 || a->on_demand > 0};
    switch (f->kind) {
    case FLEET_SPOT_FLEET:
        ec2_modify_spot_fleet(w, &t, ret);
        return;
    case FLEET_EC2_FLEET:
        ec2_modify_ec2_fleet(w, &t, ret);
        return;
    case FLEET_GROUP:
    case FLEET_INSTANT:
    case FLEET_KIND_COUNT:
        break;
    }
    assert(!"a fleet of a kind that the planner closes");
}

const char *fleet_set_target_name(enum fleet_kind k)
{
    static const char *const NAMES[FLEET_KIND_COUNT] = {
        [FLEET_SPOT_FLEET] = "ec2:ModifySpotFleetRequest", [FLEET_EC2_FLEET] = "ec2:ModifyFleet",
        [FLEET_GROUP] = "autoscaling:SetDesiredCapacity", [FLEET_INSTANT] = "ec2:CreateFleet",
    };
    return NAMES[k];
}
