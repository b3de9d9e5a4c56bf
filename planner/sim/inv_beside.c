// V11, V12, V13: beside a plan, what it would have been with a source worse, without the forecast, with one task more. Judged on one plan in
// BESIDE_EVERY, each time by the next of these questions: a plan costs as much again.
#include <string.h>

#include "planner/sim/invariants_internal.h"

#define BESIDE_EVERY 5
#define OLD_MS 3600000

static const struct action *action_on(const struct plan *p, enum action_kind kind, const char *target)
{
    for (size_t k = 0; k < p->action_count; k++)
        if (p->actions[k].kind == kind && !strcmp(p->actions[k].target, target))
            return &p->actions[k];
    return NULL;
}

// By our own choice; what answers a notice is none, nor the end of what has ended.
static bool removes(const struct plan *p, const char *instance)
{
    return action_on(p, ACTION_MARK, instance) || action_on(p, ACTION_TERMINATE, instance) || action_on(p, ACTION_END_MEMBER, instance);
}

static int64_t target_after(const struct plan *p, const struct fleet *f)
{
    const struct action *x = action_on(p, ACTION_SET_TARGET, f->id);
    return x ? x->capacity : f->target;
}

// What a fleet never fulfilled is withdrawn when another takes the need (A10): no capacity that is there or comes.
static bool withdrawn(const struct plan *p, const struct fleet *f)
{
    const struct action *x = action_on(p, ACTION_SET_TARGET, f->id);
    return x && x->capacity * 1000 >= f->fulfilled_milli && x->capacity < f->target;
}

// No removal that `base` lacks, no target lowered that `base` does not lower. For a task more, what is taken back of an order is judged in all.
static void takes_no_more(struct invariants *inv, enum invariant id, const struct snapshot *s, const struct plan *base, const struct plan *other, const char *what)
{
    for (size_t i = 0; i < s->instance_count; i++)
        if (removes(other, s->instances[i].id) && !removes(base, s->instances[i].id))
            inv_tell(inv, id, "%s: %s would be removed, and is not without", what, s->instances[i].id);
    for (size_t f = 0; f < s->fleet_count; f++) {
        int64_t now = target_after(other, &s->fleets[f]), was = target_after(base, &s->fleets[f]);
        bool order = withdrawn(other, &s->fleets[f]) || (id == V13 && inv_takes_back(s, (int)f, now));
        if (now < s->fleets[f].target && now < was && !order)
            inv_tell(inv, id, "%s: target of %s would be %" PRId64 ", and is %" PRId64 " without", what, s->fleets[f].id, now, was);
    }
}

static bool plan_of(struct invariants *inv, enum invariant id, const struct planner_input *in, struct arena *a, struct planner_result *ret)
{
    struct err err;
    if (planner_run(in, a, ret, &err) == 0)
        return true;
    inv_tell(inv, id, "planned beside: %s", err.msg);
    return false;
}

// ---- V11, V12 --------------------------------------------------------------------------------------------------------------
static void judge_worse(struct invariants *inv, const struct planner_input *in, const struct plan *base, int64_t turn, struct arena *a)
{
    struct snapshot s = *in->snapshot;
    enum source_kind k = (enum source_kind)(turn % SOURCE_COUNT);
    struct planner_result r;
    if (turn / SOURCE_COUNT % 3 == 2)
        s.sources[k].read_ms -= OLD_MS;
    else
        s.sources[k].state = turn / SOURCE_COUNT % 3 == 0 ? SOURCE_UNKNOWN : SOURCE_PARTIAL;
    if (plan_of(inv, V11, &(struct planner_input){&s, in->memo, in->policy}, a, &r))
        takes_no_more(inv, V11, &s, base, &r.plan, arena_printf(a, "with source %d worse", (int)k));
}

static void judge_forecast(struct invariants *inv, const struct planner_input *in, const struct plan *base, struct arena *a)
{
    struct snapshot s = *in->snapshot;
    struct planner_result r;
    s.outlook = (struct outlook){0};
    if (in->snapshot->outlook.at_ms > 0 && plan_of(inv, V12, &(struct planner_input){&s, in->memo, in->policy}, a, &r))
        takes_no_more(inv, V12, &s, &r.plan, base, "with the forecast");
}

// ---- V13 -------------------------------------------------------------------------------------------------------------------
struct planned {
    int64_t kept_milli, launched_milli;  // by the fleets that are kept at a target, and at once
};

// Without what `more` withdraws: no member of it ever came.
static struct planned planned_of(const struct snapshot *s, const struct plan *p, const struct plan *more)
{
    struct planned sum = {0, 0};
    for (size_t f = 0; f < s->fleet_count; f++) {
        int64_t target = target_after(p, &s->fleets[f]), then = target_after(more, &s->fleets[f]);
        sum.kept_milli += 1000 * (withdrawn(more, &s->fleets[f]) && then < target ? then : target);
    }
    for (size_t i = 0; i < s->instance_count; i++)
        sum.kept_milli += action_on(p, ACTION_UNDRAIN, s->instances[i].id) ? s->instances[i].weight_milli : 0;
    for (size_t k = 0; k < p->action_count; k++)
        sum.launched_milli += p->actions[k].kind == ACTION_LAUNCH ? 1000 * p->actions[k].capacity : 0;
    return sum;
}

// Of the types that the orders name first: what else may come of one holds as much for its tasks (launch.c).
static int64_t launched(const struct snapshot *s, const struct plan *p, enum res_kind r)
{
    int64_t sum = 0;
    for (size_t k = 0; k < p->action_count; k++) {
        const char *type = p->actions[k].kind == ACTION_LAUNCH ? strchr(p->actions[k].value, ' ') : NULL;
        for (size_t t = 0; t < s->type_count && type; t++) {
            size_t n = strlen(s->types[t].name);
            if (!strncmp(type + 1, s->types[t].name, n) && type[1 + n] == '@')
                sum += p->actions[k].capacity * s->types[t].nominal.v[r];
        }
    }
    return sum;
}

// A count of instances that are launched says nothing of their size: for a task more fewer and larger ones may be cheapest.
static bool others_launched(const struct snapshot *s, const struct plan *base, const struct plan *other)
{
    return launched(s, other, RES_CPU) > launched(s, base, RES_CPU) || launched(s, other, RES_MEMORY) > launched(s, base, RES_MEMORY);
}

static int64_t largest_milli(const struct snapshot *s)
{
    int64_t most = 1000;
    for (size_t f = 0; f < s->fleet_count; f++)
        for (size_t k = 0; k < s->fleets[f].pool_count; k++)
            most = s->fleets[f].pools[k].weight_milli > most ? s->fleets[f].pools[k].weight_milli : most;
    return most;
}

// Not of what crashes (no capacity is kept for it), nor of what runs more than it wants (one more wanted is no task more).
static bool grows(const struct service *x)
{
    return x->on_ec2 && x->kind == SERVICE_REPLICA && x->primary >= 0 && x->deployment_count == 1 && !x->crash_looping && x->running + x->pending <= x->desired;
}

static void judge_more(struct invariants *inv, const struct planner_input *in, const struct plan *base, int64_t turn, struct arena *a)
{
    struct snapshot s = *in->snapshot;
    struct planner_result r;
    size_t n = s.service_count > 0 ? (size_t)turn % s.service_count : 0;
    if (s.service_count == 0 || !grows(&s.services[n]))
        return;
    struct service *services = arena_array(a, struct service, s.service_count);
    memcpy(services, s.services, s.service_count * sizeof *services);
    struct deployment *d = arena_array(a, struct deployment, services[n].deployment_count);
    memcpy(d, services[n].deployments, services[n].deployment_count * sizeof *d);
    services[n].desired++;
    d[services[n].primary].desired++;
    services[n].deployments = d;
    s.services = services;
    if (!plan_of(inv, V13, &(struct planner_input){&s, in->memo, in->policy}, a, &r))
        return;
    const char *what = arena_printf(a, "with one task more of %s", services[n].name);
    takes_no_more(inv, V13, &s, base, &r.plan, what);
    // First fit of mixed sizes is not monotone: a task more can save one instance, never two.
    struct planned more = planned_of(&s, &r.plan, &r.plan), was = planned_of(&s, base, &r.plan);
    int64_t one_milli = largest_milli(&s) + 1000, in_all = more.kept_milli + more.launched_milli, was_in_all = was.kept_milli + was.launched_milli;
    bool only_launched = more.kept_milli >= was.kept_milli - one_milli && others_launched(&s, base, &r.plan);
    if (in_all < was_in_all - one_milli && !only_launched)
        inv_tell(inv, V13, "%s: %" PRId64 "/1000 are planned in all, and %" PRId64 "/1000 without", what, in_all, was_in_all);
}

void inv_judge_beside(struct invariants *inv, const struct planner_input *in, const struct planner_result *result)
{
    struct arena a;
    int64_t turn = inv->plans / BESIDE_EVERY;
    if (inv->plans % BESIDE_EVERY != 0)
        return;
    arena_init(&a, 0);
    if (turn % 3 == 0)
        judge_worse(inv, in, &result->plan, turn / 3, &a);
    else if (turn % 3 == 1)
        judge_forecast(inv, in, &result->plan, &a);
    else
        judge_more(inv, in, &result->plan, turn / 3, &a);
    arena_release(&a);
}
