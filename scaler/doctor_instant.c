// Instant fleets for masu doctor: EC2 has no such fleet that could be asked about, only what one would launch, from what and where.
#include "scaler/doctor.h"

#include "base/check.h"
#include "scaler/gather.h"

enum { POOLS_TRIED = 20 };

#define ADD(...) doctor_add(d, (struct doctor_check){__VA_ARGS__})

// One instance of any of its types in any of its subnets, tagged as masu tags what it launches; DryRun, so that nothing is.
static void try_launch(struct aws_with w, struct doctor_fleet *f)
{
    const struct policy_instant *p = &f->policy->instant;
    const struct aws_tag tag = {.key = GATHER_FLEET_TAG, .value = f->id};
    struct ec2_launch_pool pools[POOLS_TRIED];
    size_t count = 0;
    for (size_t t = 0; t < p->type_count; t++)
        for (size_t s = 0; s < p->subnet_count && count < POOLS_TRIED; s++)
            pools[count++] = (struct ec2_launch_pool){p->types[t].text, p->subnets[s].text};
    if (p->type_count == 0 && p->subnet_count > 0)  // it says what types must have: one of them stands for all, to see that it is permitted
        pools[count++] = (struct ec2_launch_pool){"m5.large", p->subnets[0].text};
    if (p->subnet_count > 0)
        ec2_create_fleet(w, &(struct ec2_launch){.dry_run = true, .launch_template = p->launch_template, .version = p->version, .count = 1, .pools = pools,
                                                 .pool_count = count, .tags = &tag, .tag_count = 1}, &f->launch);
}

void doctor_ask_instant(struct aws_with w, const struct doctor_cluster *c, struct doctor_fleet *f)
{
    const struct policy_instant *p = &f->policy->instant;
    const char *slash = strrchr(c->policy->name, '/');
    f->id = arena_printf(w.arena, "%s/%s", slash ? slash + 1 : c->policy->name, p->name);
    ec2_describe_tagged_instances(w, GATHER_FLEET_TAG, f->id, &f->members);
    ec2_describe_template(w, p->launch_template, p->version, &f->template);
    if (c->policy->mode != MODE_OBSERVE)
        try_launch(w, f);
}

static void judge_template(struct doctor *d, const struct doctor_fleet *f)
{
    const struct policy_instant *p = &f->policy->instant;
    const struct aws_call *told = &f->template.call;
    const char *named = arena_printf(d->arena, "launch template %s, version %s", p->launch_template, p->version);
    if (told->state == AWS_CALL_FAILED && (told->err.kind == ERR_NOT_FOUND || told->err.kind == ERR_INVALID)) {
        ADD("template", DOCTOR_FAIL, f->id, arena_printf(d->arena, "%s: %s", named, told->err.msg), "correct instant.launch_template or its version in the policy, or make that version");
        return;
    }
    if (told->state != AWS_CALL_COMPLETE)
        return;  // said by its permission
    if (f->template.count == 0) {
        ADD("template", DOCTOR_FAIL, f->id, arena_printf(d->arena, "%s: EC2 tells of none", named), "correct instant.launch_template or its version in the policy");
        return;
    }
    const struct ec2_template *t = &f->template.items[0];
    if (!t->image[0])
        ADD("template", DOCTOR_FAIL, f->id, arena_printf(d->arena, "%s names no image", named), "name an ECS-optimized AMI in it: nothing can be launched without");
    else if (!t->profile[0])
        ADD("template", DOCTOR_WARN, f->id, arena_printf(d->arena, "%s names no instance profile", named), "name one whose role the ECS agent may register with");
    else
        ADD("template", DOCTOR_OK, f->id, arena_printf(d->arena, "%s is version %" PRId64 " of %s, image %s", named, t->version, t->id, t->image), NULL);
}

static const struct ec2_subnet *find_subnet(const struct ec2_subnets *in, const char *id)
{
    for (size_t i = 0; i < in->count; i++)
        if (strcmp(in->items[i].id, id) == 0)
            return &in->items[i];
    return NULL;
}

static void judge_subnets(struct doctor *d, const struct doctor_region *r, const struct doctor_fleet *f)
{
    const struct policy_instant *p = &f->policy->instant;
    int64_t free_addresses = 0;
    if (r->subnets.call.state != AWS_CALL_COMPLETE)
        return;  // said by its permission
    for (size_t k = 0; k < p->subnet_count; k++) {
        const char *id = p->subnets[k].text;
        const struct ec2_subnet *s = find_subnet(&r->subnets, id);
        if (s == NULL)
            ADD("subnets", DOCTOR_FAIL, f->id, arena_printf(d->arena, "there is no subnet %s", id), "correct instant.subnets in the policy");
        else if (s->free_addresses == 0)
            ADD("subnets", DOCTOR_WARN, f->id, arena_printf(d->arena, "%s in %s has no free address", id, s->zone), "free some, or name another subnet: nothing can be launched there");
        if (s == NULL || s->free_addresses == 0)
            return;
        free_addresses += s->free_addresses;
    }
    ADD("subnets", DOCTOR_OK, f->id, arena_printf(d->arena, "%zu subnet%s with %" PRId64 " free addresses", p->subnet_count, p->subnet_count == 1 ? "" : "s", free_addresses), NULL);
}

// Denied is said by its permission, a template or subnet that is not there above.
static void judge_launch(struct doctor *d, const struct doctor_fleet *f)
{
    const struct aws_call *told = &f->launch.call;
    if (f->policy->instant.type_count == 0)
        return;
    if (told->state == AWS_CALL_COMPLETE)
        ADD("launch", DOCTOR_OK, f->id, "a dry run of CreateFleet with its types and subnets is accepted", NULL);
    else if (told->state == AWS_CALL_FAILED && told->err.kind == ERR_INVALID)
        ADD("launch", DOCTOR_FAIL, f->id, arena_printf(d->arena, "a dry run of CreateFleet is refused: %s", told->err.msg), "correct the fleet's instant in the policy: nothing could be launched");
}

void doctor_check_instant(struct doctor *d, const struct doctor_region *r, const struct doctor_fleet *f)
{
    judge_template(d, f);
    judge_subnets(d, r, f);
    judge_launch(d, f);
}
