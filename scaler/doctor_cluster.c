// What masu doctor finds of one cluster and its fleets.
#include "base/check.h"
#include "base/parse.h"
#include "scaler/doctor.h"

enum { NAMES_SHOWN = 5, NAMES_BYTES_MAX = 4096, CLUSTER_NAMES_MAX = 1000 };
#define WEEK_MS (7 * INT64_C(86400000))

#define ADD(...) doctor_add(d, (struct doctor_check){__VA_ARGS__})

// "a, b, c and 4 more"
struct names {
    struct buf text;
    size_t count;
};

static void names_add(struct names *n, const char *name)
{
    if (n->count == 0)
        buf_init(&n->text, NAMES_BYTES_MAX);
    if (n->count++ < NAMES_SHOWN)
        buf_printf(&n->text, "%s%s", n->count > 1 ? ", " : "", name);
}

static const char *names_text(struct names *n, struct arena *a)
{
    if (n->count == 0)
        return "";
    if (n->count > NAMES_SHOWN)
        buf_printf(&n->text, " and %zu more", n->count - NAMES_SHOWN);
    const char *text = arena_strdup(a, buf_str(&n->text));
    buf_release(&n->text);
    return text;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static const char *short_name(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

static bool whole(const struct aws_call *c)
{
    return c->state == AWS_CALL_COMPLETE;
}

// ---- the cluster ----------------------------------------------------------------------------------------------------------

static const char *nearest_cluster(struct doctor *d, const struct doctor_region *r, const char *name)
{
    size_t count = r->all_clusters.count < CLUSTER_NAMES_MAX ? r->all_clusters.count : CLUSTER_NAMES_MAX;
    const char **names = arena_array(d->arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        names[i] = short_name(r->all_clusters.items[i]);
    const char *near = options_nearest(name, names, count);
    if (near)
        return arena_printf(d->arena, "did you mean \"%s\"?", near);
    return whole(&r->all_clusters.call) ? arena_printf(d->arena, "%s has %zu clusters, none of that name: is the region right?", r->region, r->all_clusters.count)
                                        : "see its name and region in the policy";
}

// False where there is nothing more to say about it.
static bool judge_presence(struct doctor *d, const struct doctor_region *r, const struct doctor_cluster *c)
{
    const char *name = short_name(c->policy->name);
    if (c->described.call.state == AWS_CALL_FAILED && c->described.call.err.kind != ERR_NOT_FOUND)
        return false;  // said by its permission
    if (c->described.count == 0) {
        ADD("cluster", DOCTOR_FAIL, name, arena_printf(d->arena, "not found in %s", r->region), nearest_cluster(d, r, name));
        return false;
    }
    const struct ecs_cluster *k = &c->described.items[0];
    if (strcmp(k->status, "ACTIVE") != 0) {
        ADD("cluster", DOCTOR_FAIL, name, arena_printf(d->arena, "is %s", k->status), "take it out of the policy");
        return false;
    }
    ADD("cluster", DOCTOR_OK, name, arena_printf(d->arena, "ACTIVE: %d instances, %d services, %d tasks run, %d wait", k->registered_instances,
                                                 k->active_services, k->running_tasks, k->pending_tasks), NULL);
    return true;
}

static const struct ec2_instance *member_of(const struct doctor_cluster *c, const char *ec2_id)
{
    for (size_t f = 0; f < c->policy->fleet_count; f++)
        for (size_t i = 0; i < c->fleets[f].members.count; i++)
            if (strcmp(c->fleets[f].members.items[i].id, ec2_id) == 0)
                return &c->fleets[f].members.items[i];
    return NULL;
}

static void judge_instances(struct doctor *d, const struct doctor_cluster *c)
{
    struct names deaf = {.count = 0}, draining = {.count = 0}, others = {.count = 0};
    for (size_t i = 0; i < c->instances.count; i++) {
        const struct ecs_container_instance *x = &c->instances.items[i];
        const struct ec2_instance *member = member_of(c, x->ec2_id);
        if (!x->agent_connected)
            names_add(&deaf, x->ec2_id);
        if (strcmp(x->status, "DRAINING") == 0 && (member == NULL || aws_tag_get(&member->tags, "masu:drain")[0] == '\0'))
            names_add(&draining, x->ec2_id);
        if (member == NULL)
            names_add(&others, x->ec2_id);
    }
    const char *name = short_name(c->policy->name), *text = names_text(&deaf, d->arena);
    if (deaf.count > 0)
        ADD("agents", DOCTOR_WARN, name, arena_printf(d->arena, "%zu agent%s without connection: %s", deaf.count, plural(deaf.count), text),
            "see the ECS agent there: such an instance takes no task and is never drained");
    text = names_text(&draining, d->arena);
    if (draining.count > 0)
        ADD("conflict", DOCTOR_WARN, name, arena_printf(d->arena, "%zu instance%s DRAINING, not by masu: %s", draining.count, plural(draining.count), text),
            "a person, or managed draining of a capacity provider? masu serves their tasks and leaves them alone");
    text = names_text(&others, d->arena);
    if (others.count > 0)
        ADD("members", DOCTOR_WARN, name, arena_printf(d->arena, "%zu instance%s of none of its fleets: %s", others.count, plural(others.count), text),
            "they count as capacity and are never ended; add their fleet to the policy where masu should scale it");
}

// ---- services that no drain can move (safety.md C1) -------------------------------------------------------------------------

static int64_t percent_of(int64_t of, int64_t percent, bool up)
{
    return (of * percent + (up ? 99 : 0)) / 100;
}

static bool unmovable(const struct ecs_service *s)
{
    bool ecs = s->deployment_controller[0] == '\0' || strcmp(s->deployment_controller, "ECS") == 0;
    int64_t min = ecs ? s->min_percent : 100, max = ecs ? s->max_percent : 200;
    if (s->desired == 0 || strcmp(s->scheduling, "DAEMON") == 0 || strcmp(s->launch_type, "FARGATE") == 0)
        return false;
    bool may_start = percent_of(s->desired, max, false) > s->desired, may_stop = s->desired > percent_of(s->desired, min, true);
    return !may_start && !may_stop;
}

static void judge_services(struct doctor *d, const struct doctor_cluster *c)
{
    struct names stuck = {.count = 0};
    for (size_t i = 0; i < c->services.count; i++) {
        const struct ecs_service *s = &c->services.items[i];
        if (unmovable(s))
            names_add(&stuck, arena_printf(d->arena, "%s (desired %d at %d/%d %%)", s->name, s->desired, s->min_percent, s->max_percent));
    }
    const char *name = short_name(c->policy->name), *text = names_text(&stuck, d->arena);
    if (stuck.count > 0)
        ADD("drain-risk", DOCTOR_WARN, name, arena_printf(d->arena, "%zu service%s can neither start nor stop a task: %s", stuck.count, plural(stuck.count), text),
            "lower minimumHealthyPercent or raise maximumPercent: their instances are never drained");
    else if (whole(&c->services.call))
        ADD("drain-risk", DOCTOR_OK, name, "every service can move its tasks", NULL);
}

// ---- fleets ---------------------------------------------------------------------------------------------------------------

static bool unread(const struct aws_call *c)
{
    return c->state != AWS_CALL_NONE && c->err.kind != ERR_NOT_FOUND && c->err.kind != ERR_INVALID && !whole(c);
}

static void judge_group(struct doctor *d, const struct doctor_region *r, const struct doctor_fleet *f)
{
    if (!whole(&f->group.call))
        return;  // said by its permission
    if (f->group.count == 0) {
        ADD("fleet", DOCTOR_FAIL, f->id, arena_printf(d->arena, "no such Auto Scaling group in %s", r->region),
            "correct clusters[].fleets[].group, or the cluster's region");
        return;
    }
    const struct asg_group *g = &f->group.items[0];
    ADD("fleet", DOCTOR_OK, f->id, arena_printf(d->arena, "group: desired %" PRId64 " within %" PRId64 " … %" PRId64 ", %zu member%s", g->desired, g->min,
                                                g->max, g->instance_count, plural(g->instance_count)), NULL);
    if (!asg_suspended(g, "AZRebalance") && g->zone_count > 1)
        ADD("conflict", DOCTOR_WARN, f->id, "AZRebalance may end instances unseen by ECS",
            "suspend the process AZRebalance: until then masu removes only what leaves the zones within one");
    if (asg_suspended(g, "Terminate") || asg_suspended(g, "Launch"))
        ADD("conflict", DOCTOR_WARN, f->id, "its process Launch or Terminate is suspended", "resume it, or masu can not resize the group");
    for (size_t i = 0; i < f->group_policies.count; i++)
        if (f->group_policies.items[i].enabled)
            ADD("conflict", DOCTOR_FAIL, f->id, arena_printf(d->arena, "policy %s (%s) scales it", f->group_policies.items[i].name, f->group_policies.items[i].type),
                "remove the policy, or the group from masu: two autoscalers on one group undo each other");
}

static bool judge_fleet_found(struct doctor *d, const struct doctor_region *r, const struct doctor_fleet *f)
{
    const char *id = f->id;
    const struct ec2_spot_fleet *t = f->told;
    bool by_tag = policy_fleet_kind(f->policy) == FLEET_KIND_COUNT;
    if (t == NULL && (unread(&r->fleets.call) || unread(&r->ec2_fleets.call)))
        return false;  // said by its permission
    if (t == NULL && by_tag) {
        ADD("fleet", DOCTOR_FAIL, id, arena_printf(d->arena, "%zu active fleets in %s carry this tag", f->tagged, r->region),
            "tag exactly one, or correct clusters[].fleets[].tag, or the cluster's region");
        return false;
    }
    if (t == NULL) {
        ADD("fleet", DOCTOR_FAIL, id, arena_printf(d->arena, "not found in %s%s%s", r->region, f->alone.call.code[0] ? ": " : "", f->alone.call.code),
            "correct clusters[].fleets[].id, or the cluster's region");
        return false;
    }
    if (strcmp(t->type, "maintain") != 0) {
        ADD("fleet", DOCTOR_FAIL, id, arena_printf(d->arena, "is of type %s", t->type), "make a fleet of type maintain: another cannot be resized");
        return false;
    }
    bool active = strcmp(t->state, "active") == 0, for_now = strcmp(t->state, "modifying") == 0 || strcmp(t->state, "submitted") == 0;
    if (!active)
        ADD("fleet", for_now ? DOCTOR_WARN : DOCTOR_FAIL, id, arena_printf(d->arena, "is %s", t->state),
            for_now ? "masu waits until it is active" : "name its successor in the policy: this one is never resized again");
    else
        ADD("fleet", DOCTOR_OK, id, arena_printf(d->arena, "active: target %" PRId64 ", fulfilled %" PRId64 ", %zu member%s", t->target,
                                                 t->fulfilled_milli / 1000, f->members.count, plural(f->members.count)), NULL);
    return active || for_now;
}

static void judge_fleet_bounds(struct doctor *d, const struct doctor_fleet *f)
{
    const struct ec2_spot_fleet *t = f->told;
    int64_t heaviest = 0, lightest = 0;
    for (size_t i = 0; i < t->override_count; i++) {
        heaviest = t->overrides[i].weight_milli > heaviest ? t->overrides[i].weight_milli : heaviest;
        lightest = lightest == 0 || t->overrides[i].weight_milli < lightest ? t->overrides[i].weight_milli : lightest;
    }
    if (t->target > f->policy->max)
        ADD("bounds", DOCTOR_WARN, f->id, arena_printf(d->arena, "target %" PRId64 " is above max %" PRId64, t->target, f->policy->max),
            "raise max in the policy: masu will not grow this fleet, and ends nothing because of max");
    else if (t->target < f->policy->min)
        ADD("bounds", DOCTOR_WARN, f->id, arena_printf(d->arena, "target %" PRId64 " is below min %" PRId64, t->target, f->policy->min),
            "masu will raise it to min, in steps; lower min where that is not wanted");
    else if (heaviest > f->policy->max * 1000)
        ADD("bounds", DOCTOR_WARN, f->id, arena_printf(d->arena, "one instance may weigh %g, max is %" PRId64, (double)heaviest / 1000, f->policy->max),
            "max is in the fleet's own units: raise it to at least one instance of every type");
    else
        ADD("bounds", DOCTOR_OK, f->id, arena_printf(d->arena, "target %" PRId64 " within %" PRId64 " … %" PRId64 ", weights %g … %g", t->target,
                                                             f->policy->min, f->policy->max, (double)lightest / 1000, (double)heaviest / 1000), NULL);
}

static void judge_fleet_settings(struct doctor *d, const struct doctor_region *r, const struct doctor_fleet *f)
{
    char left[32];
    const struct ec2_spot_fleet *t = f->told;
    int64_t left_ms = t->valid_until_ms - aws_health(r->aws).now_ms;
    if (t->valid_until_ms > 0 && left_ms < WEEK_MS)
        ADD("expiry", left_ms > 0 ? DOCTOR_WARN : DOCTOR_FAIL, f->id,
            left_ms > 0 ? arena_printf(d->arena, "ends in %s (ValidUntil)%s", format_duration(left_ms, left), t->terminate_with_expiration ? ", its instances with it" : "")
                        : "has ended (ValidUntil)",
            "make its successor and name it in the policy");
}

// A fleet whose instances register elsewhere looks like a fleet of instances that never come up (safety.md E2).
void doctor_check_members(struct doctor *d, const struct doctor_region *r, const struct doctor_cluster *c, const struct doctor_fleet *f)
{
    struct names absent = {.count = 0};
    size_t registered = 0;
    int64_t now_ms = aws_health(r->aws).now_ms;
    if (!whole(&f->members.call) || !whole(&c->instance_arns.call) || (c->instance_arns.count > 0 && !whole(&c->instances.call)))
        return;
    for (size_t i = 0; i < f->members.count; i++) {
        const struct ec2_instance *m = &f->members.items[i];
        bool found = false;
        for (size_t k = 0; k < c->instances.count && !found; k++)
            found = strcmp(c->instances.items[k].ec2_id, m->id) == 0;
        registered += found;
        if (!found && m->state_code == 16 && now_ms - m->launched_ms > c->policy->boot_limit_ms)
            names_add(&absent, m->id);
    }
    const char *name = short_name(c->policy->name), *text = names_text(&absent, d->arena);
    if (absent.count > 0 && registered == 0)
        ADD("members", DOCTOR_FAIL, f->id, arena_printf(d->arena, "fleet and cluster do not match: %zu running instance%s of it, none registered in %s", absent.count, plural(absent.count), name),
            "name the cluster that its user data joins, or mend ECS_CLUSTER there");
    else if (absent.count > 0)
        ADD("members", DOCTOR_WARN, f->id, arena_printf(d->arena, "%zu of %zu instances run and are not registered in %s: %s", absent.count, f->members.count, name, text),
            "see the ECS agent and user data there: they cost and serve nothing");
    else
        ADD("members", DOCTOR_OK, f->id, arena_printf(d->arena, "%zu of %zu instances are registered in %s", registered, f->members.count, name), NULL);
}

void doctor_check_cluster(struct doctor *d, const struct doctor_region *r, const struct doctor_cluster *c)
{
    bool present = judge_presence(d, r, c);
    if (present) {
        judge_instances(d, c);
        judge_services(d, c);
    }
    for (size_t i = 0; i < c->policy->fleet_count; i++) {
        const struct doctor_fleet *f = &c->fleets[i];
        if (policy_fleet_kind(f->policy) == FLEET_GROUP) {
            judge_group(d, r, f);
            continue;
        }
        if (policy_fleet_kind(f->policy) == FLEET_INSTANT) {
            doctor_check_instant(d, r, f);
            if (present)
                doctor_check_members(d, r, c, f);
            continue;
        }
        if (!judge_fleet_found(d, r, f))
            continue;
        judge_fleet_bounds(d, f);
        judge_fleet_settings(d, r, f);
        if (present)
            doctor_check_members(d, r, c, f);
    }
    doctor_check_on_demand(d, c);
    if (present)
        doctor_check_usage(d, r, c);
}
