#include "planner/scale_in_rules.h"

#include <assert.h>
#include <string.h>

#include "planner/alert.h"
#include "planner/check.h"
#include "planner/consolidate.h"
#include "planner/demand.h"
#include "planner/drain.h"
#include "planner/explain.h"
#include "planner/groups.h"
#include "planner/loop_guard.h"
#include "planner/modes.h"
#include "planner/owner.h"
#include "planner/risk.h"

#define DENIED_AGAIN_MS (60 * 60 * 1000)
#define DENIED_TRY_MS (5 * 60 * 1000)

// A rule returns NULL, or the fact that speaks for the instance.
struct rule {
    const char *(*fact)(struct work *w, int i, const struct instance *x);
    enum verdict_code code;
    const char *verdict;
};

// ---- what it is -----------------------------------------------------------------------------------------------------------
static const char *no_fleet(struct work *w, int i, const struct instance *x)
{
    (void)w, (void)i;
    return x->fleet < 0 ? "in no fleet of the policy" : NULL;
}

static const char *ended(struct work *w, int i, const struct instance *x)
{
    (void)i;
    bool ends = x->ec2 != EC2_RUNNING && x->ec2 != EC2_PENDING && x->ec2 != EC2_UNKNOWN;
    return ends ? explain_text(w, "EC2 says %s", ec2_state_name(x->ec2)) : NULL;
}

static const char *coming(struct work *w, int i, const struct instance *x)
{
    return w->inst[i].role != ROLE_COMING ? NULL
                                          : explain_text(w, "launched %s ago, registers within %s",
                                                         explain_duration(w, modes_aws_now_ms(w) - x->launched_ms),
                                                         explain_duration(w, w->p->boot_limit_ms));
}

static const char *late(struct work *w, int i, const struct instance *x)
{
    return w->inst[i].role != ROLE_LATE ? NULL
                                        : explain_text(w, "launched %s ago and not registered, limit %s",
                                                       explain_duration(w, modes_aws_now_ms(w) - x->launched_ms),
                                                       explain_duration(w, w->p->boot_limit_ms));
}

static const char *strangers_drain(struct work *w, int i, const struct instance *x)
{
    struct drain_mark mark;
    int32_t tasks = w->inst[i].tasks;
    bool by_another = x->mark[0] && !drain_mark_parse(w->a, x->mark, &mark);
    if (x->ecs == ECS_DRAINING)
        return explain_text(w, "DRAINING %s, %d task%s", by_another ? "and marked by another" : "without our mark", tasks,
                            tasks == 1 ? "" : "s");
    return by_another ? "marked by another" : NULL;
}

static const char *odd_state(struct work *w, int i, const struct instance *x)
{
    if (x->ecs != ECS_ACTIVE)
        return explain_text(w, "ECS says %s", ecs_state_name(x->ecs));
    if (x->ec2 != EC2_RUNNING)
        return explain_text(w, "EC2 says %s", ec2_state_name(x->ec2));
    return w->inst[i].role == ROLE_OTHER ? "its state is not understood" : NULL;
}

static const char *disconnected(struct work *w, int i, const struct instance *x)
{
    (void)i;
    if (x->agent_connected)
        return NULL;
    if (x->disconnected_since_ms == 0)
        return "agent disconnected";
    return explain_text(w, "agent disconnected for %s", explain_duration(w, w->s->now_ms - x->disconnected_since_ms));
}

// ---- what somebody said ---------------------------------------------------------------------------------------------------
static const char *forbidden(struct work *w, int i, const struct instance *x)
{
    (void)w, (void)i;
    return x->forbidden ? "tag masu:keep" : NULL;
}

static const char *at_risk(struct work *w, int i, const struct instance *x)
{
    (void)x;
    return risk_hold(w, i);
}

static const char *fleet_closed(struct work *w, int i, const struct instance *x)
{
    (void)i;
    const char *closed = w->fleet[x->fleet].closed;
    return closed && !w->fleet[x->fleet].loose ? explain_text(w, "fleet %s: %s", w->s->fleets[x->fleet].id, closed) : NULL;
}

static const char *group_refuses(struct work *w, int i, const struct instance *x)
{
    (void)x;
    return groups_refuse(w, i);
}

static const char *fleet_mode(struct work *w, int i, const struct instance *x)
{
    (void)i;
    return w->fleet[x->fleet].drains ? NULL : modes_hold(w, x->fleet);
}

static const char *fleet_owner(struct work *w, int i, const struct instance *x)
{
    (void)i;
    return w->fleet[x->fleet].drains ? NULL : owner_hold(w, x->fleet);
}

static const char *fleet_loop(struct work *w, int i, const struct instance *x)
{
    (void)i;
    return w->fleet[x->fleet].loop;
}

// J4: no new drain where a step of one was denied, but for one try an hour, which tells when the permission is back.
static const char *fleet_denied(struct work *w, int i, const struct instance *x)
{
    (void)i;
    const struct fleet *f = &w->s->fleets[x->fleet];
    if (f->denied[0] == '\0')
        return NULL;
    int64_t age_ms = w->s->now_ms - alert_since(w, ALERT_FLEET_DENIED, f->id);
    if (age_ms >= DENIED_AGAIN_MS && age_ms % DENIED_AGAIN_MS < DENIED_TRY_MS)
        return NULL;
    return explain_text(w, "AWS denied us %s", f->denied);
}

static const char *volume(struct work *w, int i, const struct instance *x)
{
    (void)w, (void)i;
    return x->volume_attached ? "a volume was attached after its launch" : NULL;
}

static const char *excluded(struct work *w, int i, const struct instance *x)
{
    (void)i;
    const struct memo_stamp *s = work_stamp(w, STAMP_EXCLUDED, x->id);
    return s && s->until_ms > w->s->now_ms ? explain_text(w, "excluded until %s", explain_time(w, s->until_ms)) : NULL;
}

// ---- what is on it --------------------------------------------------------------------------------------------------------
static const char *tasks_unknown(struct work *w, int i, const struct instance *x)
{
    (void)x;
    return check_tasks(w, i) ? NULL : "its tasks or their shapes are not known in full";
}

static const char *each_task(struct work *w, int i, const struct instance *x,
                             const char *(*speak)(struct work *, const struct holding *, const struct service *))
{
    if (w->inst[i].tasks_move)
        return NULL;  // none of these rules speaks
    for (size_t k = 0; k < x->holding_count; k++) {
        const struct holding *h = &x->holdings[k];
        if (h->running + h->pending + h->stopping == 0 || work_is_daemon(w, h->service))
            continue;
        const char *fact = speak(w, h, h->service < 0 ? NULL : &w->s->services[h->service]);
        if (fact)
            return fact;
    }
    return NULL;
}

static const char *speak_standalone(struct work *w, const struct holding *h, const struct service *s)
{
    return s ? NULL : explain_text(w, "%s, of no service", explain_tasks(w, -1, h->shape, h->running + h->pending + h->stopping));
}

static const char *speak_protected(struct work *w, const struct holding *h, const struct service *s)
{
    return !s || h->protected_ == 0
               ? NULL
               : explain_text(w, "%d task%s of %s protected", h->protected_, h->protected_ == 1 ? "" : "s", s->name);
}

static const char *speak_data(struct work *w, const struct holding *h, const struct service *s)
{
    return work_shape(w, h->shape)->local_data ? explain_text(w, "data of %s on the host", s ? s->name : "a task") : NULL;
}

static const char *speak_unmodelled(struct work *w, const struct holding *h, const struct service *s)
{
    const char *rule = kinds_unmodelled(w, h->shape);
    return rule[0] ? explain_text(w, "%s has a rule not understood: %s", s ? s->name : "a task", rule) : NULL;
}

static const char *speak_deployment(struct work *w, const struct holding *h, const struct service *s)
{
    (void)h;
    return s && work_in_deployment(s) ? explain_text(w, "%s is in deployment", s->name) : NULL;
}

static const char *speak_unmovable(struct work *w, const struct holding *h, const struct service *s)
{
    if (!s || h->running + h->pending == 0 || demand_movable(s) > 0)
        return NULL;
    return explain_text(w, "%s, desired %d at %d/%d %%, can neither start nor stop a task", s->name, s->desired, s->min_percent,
                        s->max_percent);
}

static const char *standalone(struct work *w, int i, const struct instance *x)
{
    return each_task(w, i, x, speak_standalone);
}
static const char *protection(struct work *w, int i, const struct instance *x)
{
    return each_task(w, i, x, speak_protected);
}
static const char *local_data(struct work *w, int i, const struct instance *x)
{
    return each_task(w, i, x, speak_data);
}
static const char *unmodelled(struct work *w, int i, const struct instance *x)
{
    return each_task(w, i, x, speak_unmodelled);
}
static const char *deployment(struct work *w, int i, const struct instance *x)
{
    return each_task(w, i, x, speak_deployment);
}
static const char *unmovable(struct work *w, int i, const struct instance *x)
{
    return each_task(w, i, x, speak_unmovable);
}

// ---- how long it is here --------------------------------------------------------------------------------------------------
static const char *too_young(struct work *w, int i, const struct instance *x)
{
    (void)i;
    int64_t age = w->s->now_ms - i64_max(x->launched_ms, x->registered_ms);
    int64_t least = i64_max(w->p->min_age_ms, 2 * w->s->boot_p90_ms);
    return age >= least ? NULL
                        : explain_text(w, "here for %s, least age %s", explain_duration(w, age), explain_duration(w, least));
}

// F2: what was ordered for a demand is kept for it until that is placed; ECS may wait for up to 15 min before it tries again.
static const char *reserved(struct work *w, int i, const struct instance *x)
{
    (void)i;
    const struct memo_stamp *s = work_stamp(w, STAMP_ORDER, w->s->fleets[x->fleet].id);
    if (!s || s->until_ms <= w->s->now_ms || x->launched_ms < s->since_ms)
        return NULL;
    return explain_text(w, "ordered %s for tasks not yet placed", explain_time(w, s->since_ms));
}

static const char *replaced_first(struct work *w, int i, const struct instance *x)
{
    (void)x;
    return consolidate_hold(w, i);
}

// The last three do not speak for one at risk: it is not here to stay, and what it holds is replaced first.
enum { RULES_OF_TIME = 3 };
static const struct rule rules[] = {
    {no_fleet, VERDICT_FOREIGN, "not ours"},
    {ended, VERDICT_END, "ends by itself"},
    {coming, VERDICT_KEEP, "counts as coming"},
    {late, VERDICT_KEEP, "not counted as coming"},
    {strangers_drain, VERDICT_FOREIGN, "not ours; its tasks are demand"},
    {odd_state, VERDICT_UNKNOWN, "not touched"},
    {disconnected, VERDICT_KEEP, "no candidate"},
    {forbidden, VERDICT_KEEP, "never chosen"},
    {at_risk, VERDICT_HOLD, "not moved yet"},
    {fleet_closed, VERDICT_HOLD, "no candidate"},
    {group_refuses, VERDICT_HOLD, "its group may not be made smaller by it"},
    {fleet_mode, VERDICT_HOLD, "no candidate"},
    {fleet_owner, VERDICT_HOLD, "no candidate until then"},
    {fleet_loop, VERDICT_HOLD, "no candidate until then"},
    {fleet_denied, VERDICT_HOLD, "no candidate until a call succeeds"},
    {volume, VERDICT_KEEP, "keep"},
    {excluded, VERDICT_HOLD, "no candidate until then"},
    {tasks_unknown, VERDICT_UNKNOWN, "no candidate"},
    {standalone, VERDICT_KEEP, "never moved"},
    {protection, VERDICT_KEEP, "keep"},
    {local_data, VERDICT_KEEP, "keep"},
    {unmodelled, VERDICT_KEEP, "keep"},
    {deployment, VERDICT_HOLD, "hold until it is done"},
    {unmovable, VERDICT_KEEP, "keep"},
    {too_young, VERDICT_KEEP, "no candidate yet"},
    {reserved, VERDICT_HOLD, "kept for them"},
    {replaced_first, VERDICT_HOLD, "hold"},
};

void scale_in_ask_fleets(struct work *w)
{
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        w->fleet[f].loop = loop_hold(w, (int)f);
        w->fleet[f].drains = (!w->fleet[f].closed || w->fleet[f].loose) && !modes_hold(w, (int)f) && !owner_hold(w, (int)f) && !w->fleet[f].loop;
    }
}

bool scale_in_spoken_for(struct work *w, int i)
{
    for (size_t k = 0; k < ARRAY_LEN(rules) - RULES_OF_TIME; k++) {
        bool passes = rules[k].fact == at_risk || rules[k].fact == fleet_mode || rules[k].fact == fleet_owner || rules[k].fact == fleet_loop;
        if (!passes && rules[k].fact(w, i, &w->s->instances[i]))
            return true;
    }
    return false;
}

bool scale_in_spares(struct work *w, int i)
{
    size_t count = ARRAY_LEN(rules) - (risk_order(w, i) > 0 ? RULES_OF_TIME : 0);
    for (size_t k = 0; k < count; k++) {
        const char *fact = rules[k].fact(w, i, &w->s->instances[i]);
        if (!fact)
            continue;
        explain_judge(w, i, rules[k].code, fact, rules[k].verdict);
        return true;
    }
    assert(w->inst[i].role == ROLE_ACTIVE);
    return false;
}
