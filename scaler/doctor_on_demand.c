// Whether what runs on demand, and what groups would launch, is as the policy's on_demand_base and on_demand_percent say.
#include "base/check.h"
#include "scaler/doctor.h"

#define ADD(...) doctor_add(d, (struct doctor_check){__VA_ARGS__})

struct share {
    int64_t base, percent;
};

static struct share share_of(const struct doctor_cluster *c, const struct policy_fleet *f)
{
    return (struct share){f->on_demand_base, f->on_demand_percent > c->policy->on_demand_percent ? f->on_demand_percent : c->policy->on_demand_percent};
}

static int64_t asked(struct share x, int64_t total)
{
    return total <= x.base ? total : x.base + ((total - x.base) * x.percent + 99) / 100;
}

static const char *words(struct doctor *d, struct share x)
{
    return arena_printf(d->arena, "base %" PRId64 " and %" PRId64 " %% above it on demand", x.base, x.percent);
}

// What a group launches is its own to say, and masu keeps to it.
static void judge_group(struct doctor *d, const struct doctor_fleet *f, struct share x)
{
    if (f->group.call.state != AWS_CALL_COMPLETE || f->group.count == 0)
        return;  // said already
    const struct asg_group *g = &f->group.items[0];
    struct share own = {g->on_demand_base, g->on_demand_percent};
    if (!g->mixed)
        ADD("on-demand", DOCTOR_WARN, f->id, arena_printf(d->arena, "has no mixed instances policy, and the policy asks for %s", words(d, x)),
            "give the group one: what it launches is its template's to say until then");
    else if (own.base < x.base || own.percent < x.percent)
        ADD("on-demand", DOCTOR_WARN, f->id, arena_printf(d->arena, "launches %s, the policy asks for %s", words(d, own), words(d, x)),
            "change the group's InstancesDistribution or the policy: masu keeps to the group's own and never changes it");
    else
        ADD("on-demand", DOCTOR_OK, f->id, arena_printf(d->arena, "launches %s, which the policy asks for", words(d, own)), NULL);
}

static bool from_template(const struct ec2_spot_fleet *t)
{
    return t->on_demand_target > 0 || (t->override_count > 0 && t->overrides[0].launch_template[0] != '\0');
}

static void judge_fleet(struct doctor *d, const struct doctor_fleet *f, struct share x)
{
    const struct ec2_spot_fleet *t = f->told;
    if (!t)
        return;  // said already
    int64_t least = asked(x, t->target);
    const char *has = arena_printf(d->arena, "%" PRId64 " of target %" PRId64 " on demand, the policy asks for %" PRId64, t->on_demand_target, t->target, least);
    if (!from_template(t))
        ADD("on-demand", DOCTOR_WARN, f->id, "launches from launch specifications, which the policy's share of on-demand can not be asked of",
            "make its successor from a launch template, or take the share out of the policy");
    else if (t->on_demand_target < least)
        ADD("on-demand", DOCTOR_WARN, f->id, has, "masu will order it beside what runs, and spot leaves for it; change the policy where that is not wanted");
    else
        ADD("on-demand", DOCTOR_OK, f->id, has, NULL);
}

static void judge_cluster(struct doctor *d, const struct doctor_cluster *c)
{
    const char *slash = strrchr(c->policy->name, '/');
    int64_t n = 0;
    for (size_t i = 0; i < c->policy->fleet_count; i++) {
        if (c->fleets[i].members.call.state != AWS_CALL_COMPLETE)
            return;  // said by its permission
        for (size_t k = 0; k < c->fleets[i].members.count; k++)
            n += strcmp(c->fleets[i].members.items[k].lifecycle, "spot") != 0 && c->fleets[i].members.items[k].state_code <= 16;
    }
    bool enough = n >= c->policy->on_demand_base;
    ADD("on-demand", enough ? DOCTOR_OK : DOCTOR_WARN, slash ? slash + 1 : c->policy->name,
        arena_printf(d->arena, "%" PRId64 " instances run on demand, on_demand_base is %" PRId64, n, c->policy->on_demand_base),
        enough ? NULL : "masu orders them as far as its fleets' targets go; groups launch by their own distribution");
}

void doctor_check_on_demand(struct doctor *d, const struct doctor_cluster *c)
{
    if (c->policy->on_demand_base > 0)
        judge_cluster(d, c);
    for (size_t i = 0; i < c->policy->fleet_count; i++) {
        const struct doctor_fleet *f = &c->fleets[i];
        struct share x = share_of(c, f->policy);
        if (x.base + x.percent == 0 || policy_fleet_kind(f->policy) == FLEET_INSTANT)
            continue;  // an instant fleet launches what it is asked for
        if (policy_fleet_kind(f->policy) == FLEET_GROUP)
            judge_group(d, f, x);
        else
            judge_fleet(d, f, x);
    }
}
