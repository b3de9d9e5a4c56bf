// What masu doctor finds of other hands on the same capacity: another owner, another scaler, ECS itself; and of what stands in a
// fleet's way.
#include "base/check.h"
#include "scaler/doctor.h"

enum { ADDRESSES_MIN = 16, TYPES_TOLD = 5, SCORED_TYPES_MIN = 3 };

#define ADD(...) doctor_add(d, (struct doctor_check){__VA_ARGS__})

static bool judge_owner(struct doctor *d, const struct doctor_fleet *f)
{
    const char *owner = aws_tag_get(&f->told->tags, "masu:owner");
    if (owner[0] == '\0' || strcmp(owner, d->policy->owner) == 0)
        return true;
    ADD("conflict", DOCTOR_FAIL, f->id, arena_printf(d->arena, "belongs to \"%s\" (tag masu:owner), this policy is \"%s\"", owner, d->policy->owner),
        "take it out of one of the two policies, or give \"owner\" the same name where it is one masu; until then it is only read");
    return false;
}

static bool judge_scaler(struct doctor *d, const struct doctor_region *r, const struct doctor_fleet *f)
{
    const char *resource = arena_printf(d->arena, "spot-fleet-request/%s", f->id);
    for (size_t i = 0; i < r->targets.count; i++) {
        const struct appscaling_target *t = &r->targets.items[i];
        if (strcmp(t->resource, resource) != 0 || t->suspended)
            continue;
        ADD("conflict", DOCTOR_FAIL, f->id, arena_printf(d->arena, "Application Auto Scaling scales it, too (%" PRId64 " … %" PRId64 ")", t->min, t->max),
            "suspend or deregister that scalable target: two scalers on one fleet undo each other's work");
        return false;
    }
    return true;
}

static bool judge_rebalance(struct doctor *d, const struct doctor_fleet *f)
{
    if (f->told->rebalance[0] == '\0')
        return true;
    ADD("conflict", DOCTOR_WARN, f->id, arena_printf(d->arena, "capacity rebalancing (%s): the fleet replaces instances by itself, unseen by ECS", f->told->rebalance),
        "a fleet without it leaves the drain to masu");
    return false;
}

static void judge_events(struct doctor *d, const struct doctor_fleet *f)
{
    const struct ec2_fleet_event *newest = NULL;
    size_t errors = 0;
    for (size_t i = 0; i < f->events.count; i++) {
        const struct ec2_fleet_event *e = &f->events.items[i];
        if (strcmp(e->kind, "error") != 0 && strcmp(e->kind, "service-error") != 0)
            continue;
        errors++;
        if (newest == NULL || e->at_ms > newest->at_ms)
            newest = e;
    }
    if (newest)
        ADD("fleet-errors", DOCTOR_WARN, f->id,
            arena_printf(d->arena, "%zu error%s in the last hour, the newest: %s%s%.200s", errors, errors == 1 ? "" : "s", newest->sub_kind,
                         newest->description[0] ? ": " : "", newest->description),
            "mend it before masu orders there: role, launch template, quota, price limit");
}

static void judge_subnets(struct doctor *d, const struct doctor_region *r, const struct doctor_fleet *f)
{
    for (size_t i = 0; i < r->subnets.count; i++) {
        const struct ec2_subnet *s = &r->subnets.items[i];
        bool ours = false;
        for (size_t k = 0; k < f->told->override_count && !ours; k++)
            ours = strstr(f->told->overrides[k].subnet, s->id) != NULL;
        if (ours && s->free_addresses >= 0 && s->free_addresses < ADDRESSES_MIN)
            ADD("subnet", DOCTOR_WARN, f->id, arena_printf(d->arena, "%s (%s) has %" PRId64 " free addresses", s->id, s->zone, s->free_addresses),
                "give the fleet a larger subnet in that zone: orders there will fail");
    }
}

// AWS picks the types of a fleet, also those that the policy does not mean.
static void judge_types(struct doctor *d, const struct doctor_region *r, const struct doctor_fleet *f)
{
    if (f->policy->requirements.vcpus_min == 0 || r->launched.call.state != AWS_CALL_COMPLETE)
        return;
    const struct type_rules rules = policy_type_rules(&f->policy->requirements, f->policy->arch, d->arena);
    const char *names = "";
    size_t outside = 0;
    for (size_t i = 0; i < r->launched.count; i++) {
        const struct ec2_type *t = &r->launched.items[i];
        const struct type_facts facts = {t->name, t->arch, t->vcpus, t->memory_mib, t->gpus, t->current, t->burstable, t->bare_metal};
        const char *miss = type_rules_miss(&rules, &facts);
        bool named = false;
        for (size_t k = 0; k < f->told->override_count; k++)
            named = named || strcmp(f->told->overrides[k].type, t->name) == 0;
        if (!named || !miss)
            continue;
        if (outside++ < TYPES_TOLD)
            names = arena_printf(d->arena, "%s%s%s (%s)", names, *names ? ", " : "", t->name, miss);
    }
    if (outside > TYPES_TOLD)
        names = arena_printf(d->arena, "%s and %zu more", names, outside - TYPES_TOLD);
    if (outside > 0)
        ADD("conflict", DOCTOR_WARN, f->id, arena_printf(d->arena, "may launch %s, which the policy's requirements do not mean", names),
            "take them out of the fleet, or widen the requirements: AWS picks the type, masu cannot refuse one");
}

// EC2 scores three types or more: of fewer it is always low.
static void judge_scores(struct doctor *d, const struct doctor_cluster *c, const struct doctor_fleet *f)
{
    size_t types = 0;
    for (size_t k = 0; k < f->told->override_count; k++) {
        bool again = false;
        for (size_t m = 0; m < k && !again; m++)
            again = strcmp(f->told->overrides[m].type, f->told->overrides[k].type) == 0;
        types += f->told->overrides[k].rules ? SCORED_TYPES_MIN : again ? 0 : 1;
    }
    if (c->policy->placement_scores_ms > 0 && types < SCORED_TYPES_MIN)
        ADD("conflict", DOCTOR_WARN, f->id, arena_printf(d->arena, "has %zu type%s: EC2 scores none that has fewer than three", types, types == 1 ? "" : "s"),
            "give the fleet more types, or leave scale_out.placement_scores_s out");
}

// Tasks that such a provider places are never this build's demand (safety.md F3).
static void judge_providers(struct doctor *d, const struct doctor_region *r)
{
    for (size_t i = 0; i < r->providers.count; i++) {
        const struct ecs_provider *p = &r->providers.items[i];
        if (p->managed_scaling || p->managed_draining)
            ADD("conflict", DOCTOR_WARN, p->name,
                arena_printf(d->arena, "ECS itself %s%s%s the instances of this capacity provider", p->managed_scaling ? "scales" : "",
                             p->managed_scaling && p->managed_draining ? " and " : "", p->managed_draining ? "drains" : ""),
                "fine where it is meant: masu leaves them and the tasks that are bound to them alone");
    }
}

static void judge_cluster(struct doctor *d, const struct doctor_region *r, const struct doctor_cluster *c)
{
    bool alone = true;
    for (size_t i = 0; i < c->policy->fleet_count; i++) {
        const struct doctor_fleet *f = &c->fleets[i];
        if (f->told == NULL)
            continue;
        alone = judge_owner(d, f) && alone;
        alone = judge_scaler(d, r, f) && alone;
        alone = judge_rebalance(d, f) && alone;
        judge_events(d, f);
        judge_subnets(d, r, f);
        judge_types(d, r, f);
        judge_scores(d, c, f);
    }
    if (alone && r->targets.call.state == AWS_CALL_COMPLETE)
        ADD("conflict", DOCTOR_OK, c->policy->name, "no other owner and no other scaler on its fleets", NULL);
}

void doctor_check_conflicts(struct doctor *d, const struct doctor_region *r)
{
    judge_providers(d, r);
    for (size_t i = 0; i < r->cluster_count; i++)
        judge_cluster(d, r, &r->clusters[i]);
}
