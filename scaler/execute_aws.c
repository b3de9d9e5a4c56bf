// The AWS executor: fresh reads before what destroys, then exactly one call.
#include "base/check.h"
#include "scaler/aws/autoscaling.h"
#include "scaler/aws/ec2.h"
#include "scaler/aws/ecs.h"
#include "scaler/execute.h"
#include "scaler/execute_fleet.h"
#include "scaler/execute_many.h"
#include "scaler/execute_tasks.h"

enum { READS_MAX_BYTES = 64 << 20, LIMIT_DEFAULT_MS = 9000 };

// Fresh facts about one instance or fleet, all asked for at once.
struct reads {
    struct aws_executor *e;
    const struct snapshot *s;
    const struct instance *instance;  // NULL for a fleet's action without one
    struct arena arena;
    struct aws_with with;
    struct ecs_arns running, stopped, registered;
    struct ecs_container_instances container;
    struct ec2_instances ec2;
    struct ec2_spot_fleets fleet;
    struct asg_refreshes refreshes;
    struct ecs_tasks tasks;
    struct ecs_protections protections;
};

static void run(struct aws_executor *e)
{
    int64_t limit_ms = e->limit_ms ? e->limit_ms : LIMIT_DEFAULT_MS;
    aws_run_lane(region_clients(e->region), e->lane, clock_wall_ms(e->clock) + limit_ms);
}

static struct aws_with with_arena(struct aws_executor *e, struct arena *a, bool urgent)
{
    return (struct aws_with){.aws = region_aws(e->region), .arena = a, .urgent = urgent || e->lane >= AWS_LANE_NOTICE, .lane = e->lane};
}

// 0 when the call was answered in full, else its error: what could not be read is not taken for granted.
static int answered(const struct aws_call *c, const char *what, struct err *err)
{
    if (c->state == AWS_CALL_COMPLETE)
        return 0;
    return err_set(err, c->err.kind ? c->err.kind : ERR_TRANSIENT, "%s could not be read again: %s", what, c->err.msg);
}

static void read_lists(struct reads *r, unsigned recheck)
{
    struct ecs_task_filter f = {.container_instance = r->instance->arn, .desired_status = "RUNNING"};
    ecs_list_tasks(r->with, r->e->cluster, &f, &r->running);
    f.desired_status = "STOPPED";
    if (recheck & RECHECK_EMPTY)
        ecs_list_tasks(r->with, r->e->cluster, &f, &r->stopped);
}

static void read_all(struct reads *r, const struct action *a)
{
    if (a->recheck & (RECHECK_EMPTY | RECHECK_PROTECTION))
        read_lists(r, a->recheck);
    if (a->recheck & RECHECK_DRAINING)
        ecs_describe_container_instances(r->with, r->e->cluster, &r->instance->arn, 1, &r->container);
    if (a->recheck & (RECHECK_DRAINING | RECHECK_ENDED))
        ec2_describe_instances_by_id(r->with, &r->instance->id, 1, &r->ec2);
    if (a->recheck & RECHECK_UNREGISTERED)
        ecs_find_container_instances(r->with, r->e->cluster, arena_printf(&r->arena, "ec2InstanceId == %s", r->instance->id), &r->registered);
    if (a->recheck & (RECHECK_FLEET_ACTIVE | RECHECK_OWNER | RECHECK_GROUP | RECHECK_RAISE))
        fleet_read(r->with, &r->s->fleets[a->fleet], &r->fleet);
    if (a->recheck & RECHECK_GROUP)
        asg_describe_refreshes(r->with, r->s->fleets[a->fleet].id, &r->refreshes);
    run(r->e);
}

static int read_tasks(struct reads *r, unsigned recheck, struct err *err)
{
    if (answered(&r->running.call, "its list of tasks", err) != 0)
        return err->kind;
    if ((recheck & RECHECK_EMPTY) && answered(&r->stopped.call, "its list of stopped tasks", err) != 0)
        return err->kind;
    size_t count = r->running.count + r->stopped.count;
    if (count == 0)
        return 0;
    const char **arns = arena_array(&r->arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        arns[i] = i < r->running.count ? r->running.items[i] : r->stopped.items[i - r->running.count];
    ecs_describe_tasks(r->with, r->e->cluster, arns, count, &r->tasks);
    if ((recheck & RECHECK_PROTECTION) && r->running.count > 0)
        ecs_get_task_protection(r->with, r->e->cluster, r->running.items, r->running.count, &r->protections);
    run(r->e);
    return answered(&r->tasks.call, "its tasks", err);
}

static int check_protection(struct reads *r, struct err *err)
{
    if (r->running.count > 0 && answered(&r->protections.call, "task protection", err) != 0)
        return err->kind;
    for (size_t i = 0; i < r->protections.count; i++)
        if (r->protections.items[i].enabled)
            return err_set(err, ERR_CONFLICT, "%s is protected -> not drained", r->protections.items[i].task_arn);
    return 0;
}

// By its id: a server that knows no filter tells of more than was asked for.
static const struct ec2_instance *told_instance(const struct reads *r)
{
    for (size_t i = 0; i < r->ec2.count; i++)
        if (strcmp(r->ec2.items[i].id, r->instance->id) == 0)
            return &r->ec2.items[i];
    return NULL;
}

static int check_draining(struct reads *r, struct err *err)
{
    if (answered(&r->container.call, "the container instance", err) != 0 || answered(&r->ec2.call, "the instance", err) != 0)
        return err->kind;
    if (r->container.count != 1 || strcmp(r->container.items[0].status, "DRAINING") != 0)
        return err_set(err, ERR_CONFLICT, "%s is %s, not DRAINING -> left alone", r->instance->id,
                       r->container.count == 1 ? r->container.items[0].status : "unknown to ECS");
    const struct ec2_instance *told = told_instance(r);
    if (told == NULL)
        return err_set(err, ERR_CONFLICT, "%s is unknown to EC2 -> left alone", r->instance->id);
    if (aws_tag_get(&told->tags, "masu:drain")[0] == '\0')
        return err_set(err, ERR_CONFLICT, "%s does not carry our mark -> left alone", r->instance->id);
    return 0;
}

// A server that knows no filter tells of all that it has: then the instance is not proven unknown, and stays.
static int check_unregistered(struct reads *r, struct err *err)
{
    if (answered(&r->registered.call, "what is registered", err) != 0)
        return err->kind;
    if (r->registered.count > 0)
        return err_set(err, ERR_CONFLICT, "%s is registered as %s -> left alone", r->instance->id, r->registered.items[0]);
    return 0;
}

static int check_ended(struct reads *r, struct err *err)
{
    if (answered(&r->ec2.call, "the instance", err) != 0)
        return err->kind;
    const struct ec2_instance *told = told_instance(r);
    if (told && told->state_code != 48)
        return err_set(err, ERR_CONFLICT, "%s is %s, not terminated -> left alone", r->instance->id, told->state);
    return 0;
}

// Whose the fleet is by its tag, NULL where the fleet was not told of.
static const char *told_owner(const struct ec2_spot_fleets *fleets, const char *fleet_id)
{
    for (size_t i = 0; i < fleets->count; i++)
        if (strcmp(fleets->items[i].id, fleet_id) == 0)
            return aws_tag_get(&fleets->items[i].tags, "masu:owner");
    return NULL;
}

static int check_owner(struct reads *r, const struct action *a, const char *fleet_id, struct err *err)
{
    if (answered(&r->fleet.call, "the fleet", err) != 0)
        return err->kind;
    const char *owner = told_owner(&r->fleet, fleet_id), *ours = a->kind == ACTION_CLAIM ? a->value : r->s->owner;
    if (owner == NULL)
        return err_set(err, ERR_CONFLICT, "%s is unknown to EC2 -> left alone", fleet_id);
    if (owner[0] && strcmp(owner, ours) != 0)
        return err_set(err, ERR_CONFLICT, "%s belongs to %s -> read-only", fleet_id, owner);
    return 0;
}

static int check_fleet(struct reads *r, const struct action *a, const char *fleet_id, struct err *err)
{
    if (answered(&r->fleet.call, "the fleet", err) != 0)
        return err->kind;
    const struct ec2_spot_fleet *f = r->fleet.count == 1 ? &r->fleet.items[0] : NULL;
    if (f == NULL || strcmp(f->state, "active") != 0)
        return err_set(err, ERR_CONFLICT, "%s is %s, not active -> later", fleet_id, f ? f->state : "unknown");
    if (f->target != a->target_before)
        return err_set(err, ERR_CONFLICT, "%s shows target %" PRId64 ", the plan was made with %" PRId64 " -> planned anew", fleet_id,
                       f->target, a->target_before);
    return 0;
}

static int check_raise(struct reads *r, const struct action *a, const char *group, struct err *err)
{
    struct err unread = {0};
    if (answered(&r->fleet.call, "the group", &unread) != 0 || r->fleet.count != 1 || r->fleet.items[0].target <= a->capacity)
        return 0;
    return err_set(err, ERR_CONFLICT, "%s has desired capacity %" PRId64 ", %" PRId64 " would let it end members of its choice -> planned anew", group,
                   r->fleet.items[0].target, a->capacity);
}

static int check_group(struct reads *r, const struct action *a, struct err *err)
{
    for (size_t i = 0; i < r->refreshes.count; i++)
        if (asg_refresh_runs(r->refreshes.items[i].status))
            return err_set(err, ERR_CONFLICT, "instance refresh %s is %s -> left alone", r->refreshes.items[i].id, r->refreshes.items[i].status);
    return fleet_group_lets_go(&r->fleet, &r->s->fleets[a->fleet], a, err);
}

static int check_facts(struct reads *r, const struct action *a, const char *fleet_id, struct err *err)
{
    if ((a->recheck & (RECHECK_EMPTY | RECHECK_PROTECTION)) && read_tasks(r, a->recheck, err) != 0)
        return err->kind;
    if ((a->recheck & RECHECK_DRAINING) && check_draining(r, err) != 0)
        return err->kind;
    if ((a->recheck & RECHECK_UNREGISTERED) && check_unregistered(r, err) != 0)
        return err->kind;
    if ((a->recheck & RECHECK_ENDED) && check_ended(r, err) != 0)
        return err->kind;
    if ((a->recheck & RECHECK_OWNER) && check_owner(r, a, fleet_id, err) != 0)
        return err->kind;
    if ((a->recheck & RECHECK_EMPTY) && tasks_check_empty(&r->tasks, r->s, r->instance, err) != 0)
        return err->kind;
    if ((a->recheck & RECHECK_PROTECTION) && check_protection(r, err) != 0)
        return err->kind;
    if ((a->recheck & RECHECK_TASKS) && tasks_check_known(&r->tasks, r->s, r->instance, err) != 0)
        return err->kind;
    if ((a->recheck & RECHECK_GROUP) && (answered(&r->fleet.call, "the group", err) != 0 ||
                                         answered(&r->refreshes.call, "its instance refreshes", err) != 0 || check_group(r, a, err) != 0))
        return err->kind;
    if ((a->recheck & RECHECK_RAISE) && check_raise(r, a, fleet_id, err) != 0)
        return err->kind;
    if (a->recheck & RECHECK_FLEET_ACTIVE)
        return check_fleet(r, a, fleet_id, err);
    return 0;
}

static int recheck(void *arg, const struct snapshot *s, const struct action *a, struct err *err)
{
    struct aws_executor *e = arg;
    if (a->recheck == RECHECK_NONE)
        return 0;
    struct reads r = {.e = e, .s = s, .instance = a->instance >= 0 ? &s->instances[a->instance] : NULL};
    assert(r.instance || (a->recheck & ~(unsigned)(RECHECK_FLEET_ACTIVE | RECHECK_OWNER | RECHECK_RAISE)) == 0);
    assert(a->fleet >= 0 || (a->recheck & (RECHECK_FLEET_ACTIVE | RECHECK_GROUP | RECHECK_RAISE)) == 0);
    arena_init(&r.arena, READS_MAX_BYTES);
    r.with = with_arena(e, &r.arena, false);
    const char *fleet_id = a->fleet >= 0 ? s->fleets[a->fleet].id : "";
    read_all(&r, a);
    int rc = check_facts(&r, a, fleet_id, err);
    arena_release(&r.arena);
    return rc;
}

// ---- apply ----------------------------------------------------------------------------------------------------------------

static int outcome_of(const struct aws_call *c, struct err *err)
{
    if (c->state == AWS_CALL_COMPLETE)
        return 0;
    return err_set(err, c->err.kind ? c->err.kind : ERR_TRANSIENT, "%s%s", c->err.msg,
                   c->timed_out ? " (its effect is unknown: the next look tells)" : "");
}

static int tag(struct aws_executor *e, struct aws_with w, const struct action *a, struct err *err)
{
    struct aws_call call = {.state = AWS_CALL_NONE};
    bool set = a->kind != ACTION_UNMARK;
    struct aws_tag t = {.key = "masu:drain", .value = set ? a->value : NULL};
    if (set)
        ec2_create_tags(w, &a->target, 1, &t, 1, &call);
    else
        ec2_delete_tags(w, &a->target, 1, &t, 1, &call);
    run(e);
    return outcome_of(&call, err);
}

// A server of the protocols that has no tags: nobody can claim anything there. AWS itself never says so of CreateTags.
static bool has_no_tags(const struct aws_call *c)
{
    return strcmp(c->code, "InvalidAction") == 0 || strcmp(c->code, "NotImplemented") == 0;
}

// The tag is read back: of two that claim at once, the one whose value is shown has the fleet. Not shown yet is no loss.
static int claim(struct aws_executor *e, struct aws_with w, const struct snapshot *s, const struct action *a, struct err *err)
{
    struct ec2_spot_fleets fleets = {.count = 0};
    struct aws_call call = {.state = AWS_CALL_NONE};
    fleet_claim(w, &s->fleets[a->fleet], a->value, &call);
    run(e);
    if (has_no_tags(&call))
        return 0;
    if (outcome_of(&call, err) != 0)
        return err->kind;
    assert(a->fleet >= 0);
    fleet_read(w, &s->fleets[a->fleet], &fleets);
    run(e);
    const char *owner = told_owner(&fleets, a->target);
    if (owner && owner[0] && strcmp(owner, a->value) != 0)
        return err_set(err, ERR_CONFLICT, "%s was claimed by %s at the same time -> read-only", a->target, owner);
    return 0;
}

static int deregister(struct aws_executor *e, struct aws_with w, const struct snapshot *s, const struct action *a, struct err *err)
{
    struct aws_call call = {.state = AWS_CALL_NONE};
    assert(a->instance >= 0);
    ecs_deregister_container_instance(w, e->cluster, s->instances[a->instance].arn, &call);
    run(e);
    return outcome_of(&call, err);
}

static int set_state(struct aws_executor *e, struct aws_with w, const struct snapshot *s, const struct action *a, struct err *err)
{
    struct ecs_container_instances answer = {.count = 0};
    assert(a->instance >= 0);
    const char *arn = s->instances[a->instance].arn;
    ecs_set_instance_state(w, e->cluster, &arn, 1, a->kind == ACTION_DRAIN ? "DRAINING" : "ACTIVE", &answer);
    run(e);
    return outcome_of(&answer.call, err);
}

static int set_target(struct aws_executor *e, struct aws_with w, const struct snapshot *s, const struct action *a, struct err *err)
{
    struct aws_call call = {.state = AWS_CALL_NONE};
    assert(a->fleet >= 0);
    fleet_set_target(w, &s->fleets[a->fleet], a, &call);
    run(e);
    return outcome_of(&call, err);
}

static int terminate(struct aws_executor *e, struct aws_with w, const struct snapshot *s, const struct action *a, struct err *err)
{
    struct ec2_state_changes answer = {.count = 0};
    assert(a->fleet >= 0);
    fleet_end(w, &s->fleets[a->fleet], &a->target, &answer);
    run(e);
    return outcome_of(&answer.call, err);
}

// Ends a drained member of a group with decrement, or answers the lifecycle hook that holds one.
static int of_group(struct aws_executor *e, struct aws_with w, const struct snapshot *s, const struct action *a, struct err *err)
{
    struct aws_call call = {.state = AWS_CALL_NONE};
    assert(a->fleet >= 0);
    const char *group = s->fleets[a->fleet].id;
    if (a->kind == ACTION_END_MEMBER)
        asg_terminate(w, a->target, true, &call);
    else if (a->kind == ACTION_HEARTBEAT)
        asg_heartbeat(w, group, a->value, a->target, &call);
    else
        asg_complete(w, group, a->value, a->target, &call);
    run(e);
    return outcome_of(&call, err);
}

static const char *zone_of(const struct fleet *f, const char *type, const char *subnet, const char *zone)
{
    for (size_t k = 0; k < f->pool_count && !zone[0]; k++)
        if (strcmp(f->pools[k].subnet, subnet) == 0 && (!type[0] || strcmp(f->pools[k].type_name, type) == 0))
            zone = f->pools[k].zone;
    return zone;
}

// The answer is a fact for the next look, which may not show it yet. Nothing at all is a failure, with EC2's first word for it.
static int launch(struct aws_executor *e, struct aws_with w, const struct snapshot *s, const struct action *a, struct err *err)
{
    struct ec2_launch_answer answer = {.count = 0};
    assert(a->fleet >= 0);
    const struct fleet *f = &s->fleets[a->fleet];
    if (!fleet_launch(w, s, a, &answer))
        return err_set(err, ERR_INVALID, "\"%.80s\" is no content of a launch", a->value);
    run(e);
    if (outcome_of(&answer.call, err) != 0)
        return err->kind;
    const char *first = answer.error_count > 0 ? answer.errors[0].code : "nothing was launched";
    for (size_t i = 0; i < answer.count && e->gather; i++) {
        const struct ec2_launched *x = &answer.items[i];
        gather_launched(e->gather, a->target, &(struct gather_launch){.instance = x->instance, .type = x->type, .subnet = x->subnet, .launch_template = "",
                                                                      .zone = zone_of(f, x->type, x->subnet, x->zone), .spot = strcmp(x->lifecycle, "spot") == 0});
    }
    for (size_t i = 0; i < answer.error_count && e->gather; i++) {
        const struct ec2_launch_error *x = &answer.errors[i];
        gather_refused(e->gather, a->target, &(struct gather_refusal){.type = x->type, .zone = zone_of(f, x->type, x->subnet, x->zone), .code = x->code,
                                                                      .nothing_came = answer.count == 0, .spot = a->on_demand == 0});
    }
    return answer.count > 0 ? 0 : err_set(err, ERR_CAPACITY, "%s: none of %" PRId64 " instances came", first, a->capacity);
}

static const char *api_action_of(const struct snapshot *s, const struct action *a)
{
    static const char *const ACTIONS[ACTION_COUNT] = {
        [ACTION_MARK] = "ec2:CreateTags", [ACTION_UNMARK] = "ec2:DeleteTags", [ACTION_DRAIN] = "ecs:UpdateContainerInstancesState",
        [ACTION_UNDRAIN] = "ecs:UpdateContainerInstancesState",
        [ACTION_LAUNCH] = "ec2:CreateFleet", [ACTION_TERMINATE] = "ec2:TerminateInstances", [ACTION_DEREGISTER] = "ecs:DeregisterContainerInstance",
        [ACTION_CLAIM] = "ec2:CreateTags", [ACTION_END_MEMBER] = "autoscaling:TerminateInstanceInAutoScalingGroup",
        [ACTION_HEARTBEAT] = "autoscaling:RecordLifecycleActionHeartbeat", [ACTION_COMPLETE] = "autoscaling:CompleteLifecycleAction",
    };
    return a->kind == ACTION_SET_TARGET ? fleet_set_target_name(s->fleets[a->fleet].kind) : ACTIONS[a->kind];
}

static void tell_gather(struct aws_executor *e, const struct snapshot *s, const struct action *a, int rc)
{
    if (e->gather == NULL)
        return;
    if (a->fleet >= 0 && (rc == 0 || rc == ERR_DENIED))
        gather_denied(e->gather, s->fleets[a->fleet].id, api_action_of(s, a), rc == ERR_DENIED);
    if (rc == 0)
        gather_wrote(e->gather, a->kind, a->target, a->value);
}

static int apply(void *arg, const struct snapshot *s, const struct action *a, struct err *err)
{
    struct aws_executor *e = arg;
    struct arena arena;
    arena_init(&arena, READS_MAX_BYTES);
    bool doomed = a->instance >= 0 && s->instances[a->instance].notice_ms > 0;
    struct aws_with w = with_arena(e, &arena, doomed || a->kind == ACTION_UNDRAIN);
    int rc = 0;
    switch (a->kind) {
    case ACTION_MARK:
    case ACTION_UNMARK:
        rc = tag(e, w, a, err);
        break;
    case ACTION_CLAIM:
        rc = claim(e, w, s, a, err);
        break;
    case ACTION_DRAIN:
    case ACTION_UNDRAIN:
        rc = set_state(e, w, s, a, err);
        break;
    case ACTION_SET_TARGET:
        rc = set_target(e, w, s, a, err);
        break;
    case ACTION_LAUNCH:
        rc = launch(e, w, s, a, err);
        break;
    case ACTION_TERMINATE:
        rc = terminate(e, w, s, a, err);
        break;
    case ACTION_DEREGISTER:
        rc = deregister(e, w, s, a, err);
        break;
    case ACTION_END_MEMBER:
    case ACTION_HEARTBEAT:
    case ACTION_COMPLETE:
        rc = of_group(e, w, s, a, err);
        break;
    case ACTION_COUNT:
        assert(!"action kind");
    }
    arena_release(&arena);
    tell_gather(e, s, a, rc);
    return rc;
}

static void run_all(void *arg)
{
    run(arg);
}

static void told(void *arg, const struct snapshot *s, const struct action *a, int rc)
{
    tell_gather(arg, s, a, rc);
}

static void apply_many(void *arg, const struct snapshot *s, const struct action *const *actions, size_t count, struct err *errs)
{
    struct aws_executor *e = arg;
    execute_many(&(struct executor_many){.arg = e, .with = with_arena(e, NULL, true), .cluster = e->cluster, .one = apply, .run = run_all, .told = told},
                 s, actions, count, errs);
}

struct executor executor_aws(struct aws_executor *e)
{
    return (struct executor){.arg = e, .recheck = recheck, .apply = apply, .apply_many = apply_many};
}
