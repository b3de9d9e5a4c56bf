#include "scaler/execute_fleet.h"

#include "base/check.h"
#include "scaler/aws/autoscaling.h"
#include "scaler/aws/ec2_fleets.h"
#include "scaler/gather.h"

enum { LAUNCH_POOLS_MAX = 64 };

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
        asg_describe_as_fleets(w, &f->id, 1, ret);
        return;
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
        asg_set_desired(w, f->id, a->capacity, ret);
        return;
    case FLEET_INSTANT:
    case FLEET_KIND_COUNT:
        break;
    }
    assert(!"a fleet of a kind that the planner closes");
}

// "lt-0abc:7 c5.large@subnet-1 m5.large@subnet-1", as launch.c of the planner writes it. The same action gives the same bytes.
bool fleet_launch(struct aws_with w, const struct snapshot *s, const struct action *a, struct ec2_launch_answer *ret)
{
    struct slice rest = slice_of(a->value), template = slice_cut(&rest, ' '), name = slice_cut(&template, ':');
    const struct aws_tag tags[] = {{.key = GATHER_FLEET_TAG, .value = a->target}, {.key = "masu:owner", .value = s->owner}};
    struct ec2_launch_pool pools[LAUNCH_POOLS_MAX];
    struct ec2_launch l = {.token = a->token, .launch_template = arena_strndup(w.arena, name.ptr, name.len),
                           .version = arena_strndup(w.arena, template.ptr, template.len), .count = a->capacity, .on_demand = a->on_demand,
                           .pools = pools, .tags = tags, .tag_count = s->owner[0] ? 2 : 1};
    while (rest.len > 0 && l.pool_count < LAUNCH_POOLS_MAX) {
        struct slice subnet = slice_cut(&rest, ' '), type = slice_cut(&subnet, '@');
        pools[l.pool_count++] = (struct ec2_launch_pool){arena_strndup(w.arena, type.ptr, type.len), arena_strndup(w.arena, subnet.ptr, subnet.len)};
    }
    if (l.pool_count == 0 || rest.len > 0 || name.len == 0 || template.len == 0)
        return false;
    ec2_create_fleet(w, &l, ret);
    return true;
}

void fleet_claim(struct aws_with w, const struct fleet *f, const char *owner, struct aws_call *ret)
{
    const struct aws_tag tag = {.key = "masu:owner", .value = owner};
    if (f->kind == FLEET_GROUP)
        asg_tag(w, f->id, &tag, ret);
    else
        ec2_create_tags(w, &f->id, 1, &tag, 1, ret);
}

void fleet_end(struct aws_with w, const struct fleet *f, const char *const *instance, struct ec2_state_changes *ret)
{
    if (f->kind == FLEET_GROUP)
        asg_terminate(w, *instance, false, &ret->call);
    else
        ec2_terminate_instances(w, instance, 1, false, ret);
}

// ---- a group, right before ---------------------------------------------------------------------------------------------------
static int64_t units_of(const struct asg_group *g, const char *instance)
{
    for (size_t i = 0; i < g->instance_count; i++)
        if (strcmp(g->instances[i].id, instance) == 0 && strcmp(g->instances[i].lifecycle, "InService") == 0)
            return (g->instances[i].weight_milli + 999) / 1000;
    return -1;
}

static bool would_rebalance(const struct asg_group *g, const char *without)
{
    int64_t most = 0, least = INT64_MAX;
    bool unprotected = false;
    for (size_t z = 0; z < g->zone_count; z++) {
        int64_t n = 0;
        for (size_t i = 0; i < g->instance_count; i++) {
            const struct asg_instance *x = &g->instances[i];
            if (strcmp(x->lifecycle, "InService") != 0 || strcmp(x->id, without) == 0 || strcmp(x->zone, g->zones[z]) != 0)
                continue;
            n++;
            unprotected = unprotected || !x->protected_from_scale_in;
        }
        most = n > most ? n : most;
        least = n < least ? n : least;
    }
    return !asg_suspended(g, "AZRebalance") && unprotected && g->zone_count > 0 && most - least > 1;
}

int fleet_group_lets_go(const struct ec2_spot_fleets *told, const struct fleet *f, const struct action *a, struct err *err)
{
    const struct asg_group *g = told->count == 1 ? told->items[0].group : NULL;
    if (g == NULL)
        return err_set(err, ERR_CONFLICT, "group %s is unknown -> later", f->id);
    int64_t units = units_of(g, a->target);
    if (units < 0)
        return err_set(err, ERR_CONFLICT, "%s is not in service in %s -> left alone", a->target, f->id);
    if (*g->status)
        return err_set(err, ERR_CONFLICT, "%s: %s -> left alone", f->id, g->status);
    if (g->desired != a->target_before)
        return err_set(err, ERR_CONFLICT, "%s shows desired %" PRId64 ", the plan was made with %" PRId64 " -> planned anew", f->id, g->desired,
                       a->target_before);
    if (g->desired - units < g->min)
        return err_set(err, ERR_CONFLICT, "desired %" PRId64 " of %s less %" PRId64 " is below MinSize %" PRId64 " -> left alone", g->desired, f->id,
                       units, g->min);
    if (asg_suspended(g, "Terminate"))
        return err_set(err, ERR_CONFLICT, "Terminate is suspended in %s -> left alone", f->id);
    if (would_rebalance(g, a->target))
        return err_set(err, ERR_CONFLICT, "AZRebalance of %s would end another -> left alone", f->id);
    return 0;
}

const char *fleet_set_target_name(enum fleet_kind k)
{
    static const char *const NAMES[FLEET_KIND_COUNT] = {
        [FLEET_SPOT_FLEET] = "ec2:ModifySpotFleetRequest", [FLEET_EC2_FLEET] = "ec2:ModifyFleet",
        [FLEET_GROUP] = "autoscaling:SetDesiredCapacity", [FLEET_INSTANT] = "ec2:CreateFleet",
    };
    return NAMES[k];
}
