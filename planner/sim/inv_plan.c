// V10, V17, V26 on plans, V27 on the journal.
#include <string.h>

#include "base/strmap.h"
#include "planner/sim/instant.h"
#include "planner/sim/invariants_internal.h"

#define CLOCK_OFF_MS 60000  // safety.md G6

static bool sound(const struct planner_input *in, enum source_kind k)
{
    const struct source *s = &in->snapshot->sources[k];
    return s->state == SOURCE_OK && in->snapshot->now_ms - s->read_ms <= in->policy->max_age_ms;
}

static const struct memo_drain *drain_of(const struct memo *m, const char *instance)
{
    for (size_t i = 0; m && i < m->drain_count; i++)
        if (!strcmp(m->drains[i].instance, instance))
            return &m->drains[i];
    return NULL;
}

// The end of a drain that fresh facts show empty may go on.
static bool ends_empty(const struct planner_input *in, const struct action *a)
{
    if (!sound(in, SOURCE_CONTAINER_INSTANCES) || !sound(in, SOURCE_TASKS))
        return false;
    if (a->instance < 0)
        return a->kind == ACTION_SET_TARGET;
    const struct memo_drain *d = drain_of(in->memo, in->snapshot->instances[a->instance].id);
    return d && d->state >= DRAIN_EMPTY && d->state <= DRAIN_ENDING && in->snapshot->instances[a->instance].tasks_known;
}

static bool removes(const struct planner_input *in, const struct action *a)
{
    switch (a->kind) {
    case ACTION_DRAIN:
        return a->instance >= 0 && in->snapshot->instances[a->instance].notice_ms == 0 &&
               !instance_group_ends(&in->snapshot->instances[a->instance]);
    case ACTION_SET_TARGET:
        return a->capacity < a->target_before;
    case ACTION_TERMINATE:
    case ACTION_END_MEMBER:
    case ACTION_DEREGISTER:
        return true;
    case ACTION_LAUNCH:
    case ACTION_HEARTBEAT:
    case ACTION_COMPLETE:
    case ACTION_MARK:
    case ACTION_UNMARK:
    case ACTION_UNDRAIN:
    case ACTION_CLAIM:
    case ACTION_COUNT:
        break;
    }
    return false;
}

static const enum source_kind depends[] = {SOURCE_CONTAINER_INSTANCES, SOURCE_SERVICES, SOURCE_TASKS, SOURCE_TASK_DEFINITIONS,
                                           SOURCE_EC2_INSTANCES, SOURCE_FLEETS};

static void judge_facts(struct invariants *inv, const struct planner_input *in, const struct plan *p)
{
    for (size_t k = 0; k < ARRAY_LEN(depends); k++) {
        if (sound(in, depends[k]))
            continue;
        for (size_t i = 0; i < p->action_count; i++) {
            const struct action *a = &p->actions[i];
            if (removes(in, a) && !(a->kind != ACTION_DRAIN && ends_empty(in, a)))
                inv_tell(inv, V10, "%s %s although %s is not known", action_kind_name(a->kind), a->target, source_kind_name(depends[k]));
        }
    }
}

bool inv_takes_back(const struct snapshot *s, int fleet, int64_t target)
{
    int64_t stay_milli = 0;
    for (size_t i = 0; i < s->instance_count; i++) {
        const struct instance *x = &s->instances[i];
        stay_milli += x->fleet == fleet && (x->ec2 == EC2_PENDING || x->ec2 == EC2_RUNNING) && x->notice_ms == 0 ? x->weight_milli : 0;
    }
    return target * 1000 + 999 >= stay_milli;
}

// A step of the clock makes every age wrong: beyond a minute nothing is removed by it.
static void judge_clock(struct invariants *inv, const struct planner_input *in, const struct plan *p)
{
    int64_t off_ms = in->snapshot->clock_off_ms < 0 ? -in->snapshot->clock_off_ms : in->snapshot->clock_off_ms;
    for (size_t i = 0; i < p->action_count && off_ms > CLOCK_OFF_MS; i++)
        if (removes(in, &p->actions[i]) &&
            !(p->actions[i].kind == ACTION_SET_TARGET && inv_takes_back(in->snapshot, p->actions[i].fleet, p->actions[i].capacity)))
            inv_tell(inv, V35, "%s %s although our clock is off by %" PRId64 " s", action_kind_name(p->actions[i].kind), p->actions[i].target, off_ms / 1000);
}

static bool said(const char *text)
{
    return text && *text;
}

static size_t verdicts_on(const struct plan *p, enum candidate_kind kind, const char *target)
{
    size_t n = 0;
    for (size_t i = 0; i < p->verdict_count; i++)
        n += p->verdicts[i].kind == kind && !strcmp(p->verdicts[i].target, target);
    return n;
}

static void judge_words(struct invariants *inv, const struct plan *p)
{
    for (size_t i = 0; i < p->action_count; i++)
        if (!said(p->actions[i].fact) || !said(p->actions[i].verdict))
            inv_tell(inv, V26, "%s %s has no reason", action_kind_name(p->actions[i].kind), p->actions[i].target);
    for (size_t i = 0; i < p->verdict_count; i++) {
        const struct verdict *v = &p->verdicts[i];
        if (!said(v->fact) || !said(v->verdict))
            inv_tell(inv, V26, "verdict on %s says nothing", v->target);
        if (v->code == VERDICT_CAPPED && v->wanted == v->allowed)
            inv_tell(inv, V26, "%s is capped but the number wanted is not kept", v->target);
    }
}

// Each instance and fleet of the snapshot has one verdict, and nothing has two.
static void judge_once(struct invariants *inv, const struct planner_input *in, const struct plan *p)
{
    size_t on_instances = 0;
    struct strmap counts;
    arena_reset(&inv->scratch);
    strmap_init(&counts, &inv->scratch, in->snapshot->instance_count);
    for (size_t i = 0; i < p->verdict_count; i++)
        if (p->verdicts[i].kind == CANDIDATE_INSTANCE) {
            int n = strmap_get(&counts, p->verdicts[i].target);
            strmap_put(&counts, p->verdicts[i].target, n < 0 ? 1 : n + 1);
        }
    for (size_t i = 0; i < in->snapshot->instance_count; i++) {
        const char *id = in->snapshot->instances[i].id;
        int n = strmap_get(&counts, id);
        if (n != 1)
            inv_tell(inv, V26, "instance %s has %d verdicts", id, n < 0 ? 0 : n);
    }
    for (size_t f = 0; f < in->snapshot->fleet_count; f++)
        if (verdicts_on(p, CANDIDATE_FLEET, in->snapshot->fleets[f].id) == 0)
            inv_tell(inv, V26, "fleet %s has no verdict", in->snapshot->fleets[f].id);
    for (size_t i = 0; i < p->verdict_count; i++) {
        const struct verdict *v = &p->verdicts[i];
        on_instances += v->kind == CANDIDATE_INSTANCE;
        size_t n = v->kind == CANDIDATE_INSTANCE ? 1 : verdicts_on(p, v->kind, v->target);
        if (n != 1)
            inv_tell(inv, V26, "%s %s has %zu verdicts", candidate_kind_name(v->kind), v->target, n);
    }
    if (on_instances > in->snapshot->instance_count)
        inv_tell(inv, V26, "%zu verdicts on %zu instances", on_instances, in->snapshot->instance_count);
}

void invariants_check_plan(struct invariants *inv, const struct planner_input *in, const struct planner_result *result)
{
    if (inv->again_every <= 1 || inv->plans % inv->again_every == 0) {
        inv_judge_again(inv, in, result);
        inv_judge_beside(inv, in, result);
    }
    inv->plans++;
    inv_note_orders(inv, in, result);
    for (size_t k = 0; k < ARRAY_LEN(depends); k++)
        if (!sound(in, depends[k]))
            invariants_hindered(inv);
    struct world_view v = world_view(inv->w);
    bool sees = in->snapshot->sources[SOURCE_CONTAINER_INSTANCES].read_ms > 0 && in->snapshot->sources[SOURCE_EC2_INSTANCES].read_ms > 0;
    inv_plan_made(inv, &v, world_find_cluster(inv->w, in->snapshot->cluster), sees, in->snapshot->control.mode >= CONTROL_FREEZE || in->policy->mode == MODE_OBSERVE);
    bool whole = true;
    for (size_t k = 0; k < ARRAY_LEN(depends); k++)
        whole &= sound(in, depends[k]);
    if (whole)
        inv_judge_money(inv, &v, in, &result->plan);
    judge_facts(inv, in, &result->plan);
    judge_clock(inv, in, &result->plan);
    inv_judge_mode(inv, in, &result->plan);
    judge_words(inv, &result->plan);
    judge_once(inv, in, &result->plan);
}

void invariants_hindered(struct invariants *inv)
{
    inv->hindered_ms = world_view(inv->w).now_ms;
}

// ---- V27 -------------------------------------------------------------------------------------------------------------------

static struct inv_intent *find_intent(struct invariants *inv, const char *op, const char *target)
{
    for (int i = 0; i < INV_INTENTS; i++)
        if (inv->intents[i].open && !strcmp(inv->intents[i].op, op) && !strcmp(inv->intents[i].target, target))
            return &inv->intents[i];
    return NULL;
}

void invariants_intent(struct invariants *inv, const char *op, const char *target)
{
    struct world_view v = world_view(inv->w);
    if (strcmp(op, action_kind_name(ACTION_DRAIN)) == 0)
        inv_answered(inv, &v, target);
    for (int i = 0; i < INV_INTENTS; i++) {
        struct inv_intent *t = &inv->intents[i];
        if (t->open)
            continue;
        t->open = true;
        snprintf(t->op, sizeof t->op, "%s", op);
        snprintf(t->target, sizeof t->target, "%s", target);
        return;
    }
    inv_tell(inv, V27, "more than %d intents without an outcome", INV_INTENTS);
}

void invariants_outcome(struct invariants *inv, const char *op, const char *target)
{
    struct inv_intent *t = find_intent(inv, op, target);
    if (t)
        t->open = false;
    else
        inv_tell(inv, V27, "outcome of %s %s without an intent before it, or a second one", op, target);
}

void invariants_crashed(struct invariants *inv)
{
    for (int i = 0; i < INV_INTENTS; i++)
        inv->intents[i].open = false;
    inv_life_over(inv);
}

static const char *op_name(const struct world_call *c)
{
    switch (c->op) {
    case WOP_SET_STATE:
        return action_kind_name(c->status == WE_ACTIVE ? ACTION_UNDRAIN : ACTION_DRAIN);
    case WOP_MODIFY_FLEET:
    case WOP_GROUP_DESIRED:
        return action_kind_name(ACTION_SET_TARGET);
    case WOP_GROUP_TERMINATE:
        return action_kind_name(c->target ? ACTION_END_MEMBER : ACTION_TERMINATE);
    case WOP_GROUP_HOOK:
        return action_kind_name(!strcmp(c->value, "heartbeat") ? ACTION_HEARTBEAT : ACTION_COMPLETE);
    case WOP_CREATE_FLEET:
        return action_kind_name(ACTION_LAUNCH);
    case WOP_TERMINATE:
        return action_kind_name(ACTION_TERMINATE);
    case WOP_TAG:
        return !strcmp(c->key, INV_MARK) ? action_kind_name(ACTION_MARK) : NULL;
    case WOP_UNTAG:
        return !strcmp(c->key, INV_MARK) ? action_kind_name(ACTION_UNMARK) : NULL;
    case WOP_PROTECT:
    case WOP_DESIRED:
    case WOP_DEPLOY:
    case WOP_RUN_TASK:
    case WOP_STOP_TASK:
    case WOP_DEREGISTER:
    case WOP_GROUP_PROTECT:
    case WOP_GROUP_SUSPEND:
    case WOP_COUNT:
        break;
    }
    return NULL;
}

void inv_before_any(struct invariants *inv, const struct world_view *v, const struct world_call *c)
{
    const char *op = op_name(c);
    if (!op)
        return;
    int count = c->op == WOP_TERMINATE ? c->instance_count : 1;
    for (int k = 0; k < count; k++) {
        int n = c->op == WOP_TERMINATE ? c->instances[k] : c->instance;
        const char *target = c->create        ? inv_launch_tag(c, WORLD_INSTANT_TAG)
                             : c->fleet >= 0 && c->op != WOP_GROUP_TERMINATE && c->op != WOP_GROUP_HOOK && c->fleet < v->fleet_count ? v->fleets[c->fleet].id
                             : n >= 0 && n < v->instance_count          ? v->instances[n].id
                                                                        : "";
        if (!find_intent(inv, op, target))
            inv_tell(inv, V27, "%s %s was called without an intent before it", op, target);
    }
}
