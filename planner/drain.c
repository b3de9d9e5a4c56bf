#include "planner/drain.h"

#include <assert.h>
#include <string.h>

#include "planner/capacity_rebalance.h"
#include "planner/demand.h"
#include "planner/explain.h"
#include "planner/groups.h"
#include "planner/modes.h"

#define DAEMON_GRACE_MS (120 * 1000)         // C8: then daemons are ignored
#define GONE_KEPT_MS (10 * 60 * 1000)        // L7 counts them
#define VETO_EXCLUDE_MS (24 * 3600 * 1000LL) // L16
#define REPORT_EVERY_MS (3600 * 1000)

#define BIT(s) (1u << (s))
static const struct fsm_state drain_states[DRAIN_STATE_COUNT] = {
    [DRAIN_CHOSEN] = {"chosen", BIT(DRAIN_DRAINING) | BIT(DRAIN_UNDOING) | BIT(DRAIN_GONE), false},
    [DRAIN_DRAINING] = {"draining", BIT(DRAIN_EMPTY) | BIT(DRAIN_UNDOING) | BIT(DRAIN_GONE), false},
    [DRAIN_EMPTY] = {"empty", BIT(DRAIN_DRAINING) | BIT(DRAIN_LOWERED) | BIT(DRAIN_ENDING) | BIT(DRAIN_UNDOING) | BIT(DRAIN_GONE), false},
    [DRAIN_LOWERED] = {"lowered", BIT(DRAIN_DRAINING) | BIT(DRAIN_ENDING) | BIT(DRAIN_UNDOING) | BIT(DRAIN_GONE), false},
    [DRAIN_ENDING] = {"ending", BIT(DRAIN_DRAINING) | BIT(DRAIN_GONE), false},
    [DRAIN_GONE] = {"gone", 0, true},
    [DRAIN_UNDOING] = {"undoing", BIT(DRAIN_UNDONE) | BIT(DRAIN_GONE), false},
    [DRAIN_UNDONE] = {"undone", 0, true},
};
const struct fsm_table drain_fsm = {drain_states, DRAIN_STATE_COUNT};

// ---- what became true -----------------------------------------------------------------------------------------------------
void drain_move(struct work *w, struct memo_drain *d, enum drain_state to)
{
    int state = (int)d->state;
    fsm_move(&drain_fsm, &state, (int)to);
    d->state = to;
    d->state_since_ms = w->s->now_ms;
    w->memo->drains_finished += to == DRAIN_GONE;
    w->memo->drains_undone += to == DRAIN_UNDONE;
}

static struct memo_drain *add_drain(struct work *w, struct memo_drain x)
{
    struct memo *m = w->memo;
    m->drains = arena_grow(w->a, m->drains, m->drain_count, &m->drain_cap, sizeof *m->drains);
    m->drains[m->drain_count] = x;
    return &m->drains[m->drain_count++];
}

static void take_over(struct work *w)
{
    const struct memo *old = w->old;
    if (!old)
        return;
    w->memo->drains_begun = old->drains_begun;
    w->memo->drains_finished = old->drains_finished;
    w->memo->drains_undone = old->drains_undone;
    for (size_t k = 0; k < old->drain_count; k++) {
        const struct memo_drain *d = &old->drains[k];
        bool over = d->state == DRAIN_UNDONE ||
                    (d->state == DRAIN_GONE && w->s->now_ms - d->state_since_ms > GONE_KEPT_MS);
        int i = work_find(w, d->instance);
        if (over || (i >= 0 && w->inst[i].drain >= 0))
            continue;
        struct memo_drain *mine = add_drain(w, *d);
        mine->since_ms = i64_min(mine->since_ms, w->s->now_ms);  // a clock that stepped back, an old backup
        mine->state_since_ms = i64_min(mine->state_since_ms, w->s->now_ms);
        if (i >= 0)
            w->inst[i].drain = (int)w->memo->drain_count - 1;
    }
}

// The policy's, or the fleet's where that ends it by itself before (A9).
static int64_t deadline_of(const struct work *w, int i, int64_t since_ms)
{
    return i64_min(since_ms + w->p->drain_deadline_ms, capacity_rebalance_ends_ms(w->s, i));
}

// Disk lost: a marked and DRAINING instance is a drain that we began. Its deadline counts from the mark.
static void resume(struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    struct drain_mark mark;
    if (!x->mark[0] || !drain_mark_parse(w->a, x->mark, &mark) || x->ecs != ECS_DRAINING)
        return;
    int64_t at = x->marked_ms > 0 ? x->marked_ms : mark.at_ms;
    if (at <= 0 || at > w->s->now_ms)
        at = w->s->now_ms;
    add_drain(w, (struct memo_drain){.instance = x->id, .state = DRAIN_DRAINING, .since_ms = at, .state_since_ms = w->s->now_ms,
                                     .read_back_ms = w->s->sources[SOURCE_CONTAINER_INSTANCES].read_ms,
                                     .deadline_ms = deadline_of(w, i, at), .reason = mark.reason});
    w->inst[i].drain = (int)w->memo->drain_count - 1;
}

// Empty is two looks at the tasks, 15 s apart, both later than the one that read DRAINING back. A look that knows less than all
// begins the count anew. What a slow look tells may have come true at its end: from there to the begin of the second one counts.
static void look_at_tasks(struct work *w, int i, struct memo_drain *d)
{
    const struct instance *x = &w->s->instances[i];
    int64_t look_ms = w->s->sources[SOURCE_TASKS].read_ms;
    bool empty = x->tasks_known && x->ecs_running + x->ecs_pending <= w->inst[i].daemon_tasks &&
                 w->inst[i].tasks == 0 && w->s->sources[SOURCE_TASKS].state == SOURCE_OK;
    if (!empty) {
        d->empty_first_ms = 0;
        if (d->state != DRAIN_DRAINING)
            drain_move(w, d, DRAIN_DRAINING);
        return;
    }
    if (d->empty_first_ms == 0 && d->state != DRAIN_DRAINING)
        drain_move(w, d, DRAIN_DRAINING);  // a memo that says empty and not since when
    if (d->empty_first_ms == 0 && look_ms > d->read_back_ms)
        d->empty_first_ms = w->s->now_ms;
    if (d->state != DRAIN_DRAINING || d->empty_first_ms == 0)
        return;
    bool daemons_done = w->inst[i].daemon_tasks == 0 || w->s->now_ms - d->empty_first_ms >= DAEMON_GRACE_MS;
    if (look_ms - d->empty_first_ms >= DRAIN_LOOKS_APART_MS && daemons_done)
        drain_move(w, d, DRAIN_EMPTY);
}

static void observe_one(struct work *w, struct memo_drain *d)
{
    int i = work_find(w, d->instance);
    const struct instance *x = i < 0 ? NULL : &w->s->instances[i];
    if (d->state == DRAIN_GONE || d->state == DRAIN_UNDONE)
        return;
    if (!x || x->ec2 == EC2_SHUTTING_DOWN || x->ec2 == EC2_TERMINATED) {
        drain_move(w, d, DRAIN_GONE);
        return;
    }
    if (d->state == DRAIN_UNDOING) {
        if (x->ecs == ECS_ACTIVE && !x->mark[0])
            drain_move(w, d, DRAIN_UNDONE);
        return;
    }
    if (x->ecs != ECS_DRAINING)
        return;
    if (d->state == DRAIN_CHOSEN) {
        drain_move(w, d, DRAIN_DRAINING);
        d->read_back_ms = w->s->sources[SOURCE_CONTAINER_INSTANCES].read_ms;
        d->empty_first_ms = 0;
        return;
    }
    look_at_tasks(w, i, d);
}

void drain_observe(struct work *w)
{
    take_over(w);
    const struct source *s = w->s->sources;
    if (s[SOURCE_CONTAINER_INSTANCES].state != SOURCE_OK || s[SOURCE_EC2_INSTANCES].state != SOURCE_OK)
        return;  // nothing became true that we know of
    for (size_t k = 0; k < w->memo->drain_count; k++)
        observe_one(w, &w->memo->drains[k]);
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct memo_drain *d = work_drain(w, (int)i);
        bool lives = w->s->instances[i].ec2 == EC2_PENDING || w->s->instances[i].ec2 == EC2_RUNNING;
        w->inst[i].undone_empty = d && d->empty_first_ms > 0 && (d->state == DRAIN_UNDOING || d->state == DRAIN_UNDONE);
        if (d && (d->state == DRAIN_UNDONE || (d->state == DRAIN_GONE && lives)))
            w->inst[i].drain = -1;  // over; a memo that says gone of one that runs is wrong
        if (w->inst[i].drain < 0)
            resume(w, (int)i);
    }
}

// ---- begin and undo -------------------------------------------------------------------------------------------------------
static int send_drain(struct work *w, int i, int after, const char *fact, const char *verdict)
{
    int f = w->s->instances[i].fleet;
    bool at_risk = w->s->instances[i].rebalance_ms > 0;
    bool of_group = f >= 0 && w->s->fleets[f].kind == FLEET_GROUP && !w->fleet[f].loose;  // B2, B3: asked again, of the group itself
    return work_action(w, (struct action){.kind = ACTION_DRAIN,
                                          .target = w->s->instances[i].id,
                                          .instance = i,
                                          .fleet = f,
                                          .target_before = of_group ? w->s->fleets[f].target : 0,
                                          .recheck = RECHECK_PROTECTION | (at_risk ? RECHECK_NONE : RECHECK_TASKS) | (of_group ? RECHECK_GROUP : RECHECK_NONE),
                                          .after = after,
                                          .fact = fact,
                                          .verdict = verdict});
}

static int send_mark(struct work *w, int i, bool after_drains, const char *fact, const char *verdict)
{
    const char *reason = w->inst[i].tasks == 0 ? DRAIN_REASON_EMPTY : w->s->instances[i].rebalance_ms > 0 ? "at-risk" : "unneeded";
    return work_action(w, (struct action){.kind = ACTION_MARK,
                                          .target = w->s->instances[i].id,
                                          .instance = i,
                                          .fleet = w->s->instances[i].fleet,
                                          .value = drain_mark_format(w->a, w->s->now_ms, reason),
                                          .after = -1,
                                          .after_drains = after_drains,
                                          .fact = fact,
                                          .verdict = verdict});
}

void drain_begin(struct work *w, int i, bool after_drains, const char *fact, const char *verdict)
{
    assert(w->inst[i].drain < 0 || !work_drains(w, i));
    assert(w->s->instances[i].ecs == ECS_ACTIVE);
    assert(!w->no_removal);
    w->inst[i].planned_drain = true;
    send_drain(w, i, send_mark(w, i, after_drains, fact, "mark"), fact, verdict);
    explain_judge(w, i, VERDICT_DRAIN, fact, verdict);
}

static int send_unmark(struct work *w, int i, int after, const char *fact)
{
    return work_action(w, (struct action){.kind = ACTION_UNMARK,
                                          .target = w->s->instances[i].id,
                                          .instance = i,
                                          .fleet = w->s->instances[i].fleet,
                                          .after = after,
                                          .fact = fact,
                                          .verdict = "unmark"});
}

static int send_undrain(struct work *w, int i, const char *fact)
{
    return work_action(w, (struct action){.kind = ACTION_UNDRAIN,
                                          .target = w->s->instances[i].id,
                                          .instance = i,
                                          .fleet = w->s->instances[i].fleet,
                                          .after = -1,
                                          .fact = fact,
                                          .verdict = "undo the drain"});
}

void drain_undo(struct work *w, int i, const char *fact, const char *verdict)
{
    const struct instance *x = &w->s->instances[i];
    assert(work_drain(w, i) && work_drain(w, i)->state <= DRAIN_LOWERED);
    assert(x->notice_ms == 0);  // V25
    w->inst[i].planned_undo = true;
    w->inst[i].undo_action = send_undrain(w, i, fact);
    send_unmark(w, i, w->inst[i].undo_action, fact);
    explain_judge(w, i, VERDICT_UNDO, fact, verdict);
}

static void exclude(struct work *w, int i, int64_t for_ms, bool failed)
{
    const char *id = w->s->instances[i].id;
    const struct memo_stamp *was = work_stamp(w, STAMP_EXCLUDED, id);
    int32_t count = (was ? was->count : 0) + failed;
    int64_t until = w->s->now_ms + (failed && count >= 2 ? i64_max(for_ms, VETO_EXCLUDE_MS) : for_ms);
    work_stamp_set(w, (struct memo_stamp){STAMP_EXCLUDED, id, w->s->now_ms, until, count, 0});
}

// ---- what ends a drain of itself ------------------------------------------------------------------------------------------
static const char *disturbed(struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    for (size_t k = 0; k < x->holding_count; k++) {
        const struct holding *h = &x->holdings[k];
        if (h->running + h->pending == 0 || h->service < 0 || work_is_daemon(w, h->service))
            continue;
        const struct service *s = &w->s->services[h->service];
        if (h->protected_ > 0)
            return explain_text(w, "%d task%s of %s protected", h->protected_, h->protected_ == 1 ? "" : "s", s->name);
        if (work_in_deployment(s))
            return explain_text(w, "a deployment of %s began, %d of its tasks here", s->name, h->running + h->pending);
    }
    return x->forbidden ? "the tag masu:keep appeared" : x->volume_attached ? "a volume was attached to it" : NULL;
}

// J4, H1: what was denied or is no longer ours to do, before the target was lowered.
static const char *not_to_be_done(struct work *w, int i, const struct memo_drain *d)
{
    int fleet = w->s->instances[i].fleet;
    const struct source *s = w->s->sources;
    if (fleet < 0)
        return s[SOURCE_FLEETS].state == SOURCE_OK && s[SOURCE_EC2_INSTANCES].state == SOURCE_OK
                   ? "it is in no fleet of the policy any more"
                   : NULL;
    if (w->s->fleets[fleet].denied[0] && d->state <= DRAIN_EMPTY && d->state != DRAIN_CHOSEN)
        return explain_text(w, "AWS denied us %s", w->s->fleets[fleet].denied);
    return d->state == DRAIN_CHOSEN || d->state > DRAIN_EMPTY || instance_group_ends(&w->s->instances[i]) ? NULL : groups_give_up(w, i);
}

const char *drain_holder(struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    for (size_t k = 0; k < x->holding_count; k++) {
        const struct holding *h = &x->holdings[k];
        int32_t tasks = h->running + h->pending;
        const char *task = h->example_task && h->example_task[0] ? explain_text(w, " (%s)", h->example_task) : "";
        if (tasks + h->stopping == 0 || work_is_daemon(w, h->service))
            continue;
        const char *name = explain_tasks(w, h->service, h->shape, tasks + h->stopping);
        if (tasks == 0)
            return explain_text(w, "%s%s still stop", name, task);
        if (h->service < 0)
            return explain_text(w, "%s%s of no service: never moved", name, task);
        const struct service *s = &w->s->services[h->service];
        if (h->protected_ > 0)
            return explain_text(w, "%s%s: %d protected", name, task, h->protected_);
        if (demand_movable(s) == 0)
            return explain_text(w, "%s%s: desired %d at %d/%d %% neither starts nor stops one", name, task, s->desired,
                                s->min_percent, s->max_percent);
        return explain_text(w, "%s%s: not moved by ECS", name, task);
    }
    return x->tasks_known ? "daemons only" : "its tasks are not known";
}

static void past_deadline(struct work *w, int i, struct memo_drain *d)
{
    const char *fact = explain_text(w, "%s; deadline %s passed", drain_holder(w, i), explain_time(w, d->deadline_ms));
    if (w->p->on_deadline == ON_DEADLINE_UNDO && w->s->instances[i].rebalance_ms == 0) {
        exclude(w, i, w->p->exclude_ms, true);
        drain_undo(w, i, fact, "undo the drain, exclude the instance");
        return;
    }
    if (w->s->now_ms - d->reported_ms >= REPORT_EVERY_MS)
        d->reported_ms = w->s->now_ms;
    explain_judge(w, i, VERDICT_GO_ON, fact, "wait, as the policy says");
}

static void undo_one(struct work *w, int i, struct memo_drain *d)
{
    const struct instance *x = &w->s->instances[i];
    int64_t shown_for = w->s->now_ms - d->state_since_ms;
    if (d->state > DRAIN_LOWERED || x->notice_ms > 0 || w->inst[i].role == ROLE_GONE)
        return;
    if (x->ecs == ECS_ACTIVE && shown_for > WORK_LAG_MS) {
        // Ours made ACTIVE by another is a veto (C7); DRAINING that never showed is a failure of ours.
        bool veto = d->state != DRAIN_CHOSEN;
        exclude(w, i, veto ? VETO_EXCLUDE_MS : w->p->exclude_ms, !veto);
        drain_undo(w, i,
                   veto ? "ACTIVE though we drain it: somebody wants it"
                        : explain_text(w, "DRAINING not read back in %s", explain_duration(w, shown_for)),
                   veto ? "leave it, exclude for 24 h" : "undo the drain");
        return;
    }
    const char *why = disturbed(w, i);
    if (!why)
        why = not_to_be_done(w, i, d);
    if (!why && modes_of(w, x->fleet) == PLAN_PAUSE && d->state <= DRAIN_DRAINING && w->inst[i].tasks > 0)
        why = modes_why(w, x->fleet);
    if (why && x->rebalance_ms == 0)
        drain_undo(w, i, why, "undo the drain");
    else if (d->state <= DRAIN_DRAINING && d->deadline_ms < w->s->now_ms && d->empty_first_ms == 0)
        past_deadline(w, i, d);
}

// Past its deadline, and calls or looks fail (J4): reported like one that cannot get empty; its verdict says why.
static bool stuck(const struct work *w, const struct memo_drain *d, bool known)
{
    bool undone_late = d->state == DRAIN_UNDOING && w->s->now_ms - d->state_since_ms > WORK_LAG_MS / 2;
    return d->deadline_ms < w->s->now_ms && (undone_late || (d->state <= DRAIN_ENDING && (!known || d->state >= DRAIN_EMPTY)));
}

void drain_undo_own(struct work *w)
{
    bool known = w->s->sources[SOURCE_CONTAINER_INSTANCES].state == SOURCE_OK;
    for (size_t i = 0; i < w->s->instance_count; i++) {
        struct memo_drain *d = work_drain(w, (int)i);
        if (!d || !modes_may(w, w->s->instances[i].fleet, DEED_UNDO))
            continue;
        if (known)
            undo_one(w, (int)i, d);
        if (stuck(w, d, known) && w->s->now_ms - d->reported_ms >= REPORT_EVERY_MS)
            d->reported_ms = w->s->now_ms;
    }
}

// ---- the next step --------------------------------------------------------------------------------------------------------
// It was acknowledged: what still shows ACTIVE is late, or another's veto. To send it again would begin a drain without a proof.
static void advance_chosen(struct work *w, int i, const struct memo_drain *d)
{
    const char *fact = explain_text(w, "DRAINING sent %s ago, not yet read back", explain_duration(w, w->s->now_ms - d->since_ms));
    explain_judge(w, i, VERDICT_GO_ON, fact, "wait");
}

static void advance_undoing(struct work *w, int i, const struct memo_drain *d)
{
    const struct instance *x = &w->s->instances[i];
    const char *fact = explain_text(w, "ACTIVE sent %s ago", explain_duration(w, w->s->now_ms - d->state_since_ms));
    bool old_news = w->s->sources[SOURCE_CONTAINER_INSTANCES].read_ms <= d->state_since_ms;
    if (!old_news) {
        int undrain = x->ecs == ECS_DRAINING ? send_undrain(w, i, fact) : -1;
        if (x->mark[0])
            send_unmark(w, i, undrain, fact);
    }
    explain_judge(w, i, VERDICT_UNDO, fact, "undoes the drain");
}

static void advance_draining(struct work *w, int i, const struct memo_drain *d)
{
    const struct instance *x = &w->s->instances[i];
    int32_t tasks = w->inst[i].tasks;
    const char *fact;
    if (!x->tasks_known)
        fact = "its tasks are not known";
    else if (tasks == 0)
        fact = d->empty_first_ms ? explain_text(w, "empty since %s", explain_time(w, d->empty_first_ms)) : "no task left";
    else
        fact = explain_text(w, "%d task%s left, deadline %s", tasks, tasks == 1 ? "" : "s", explain_time(w, d->deadline_ms));
    explain_judge(w, i, VERDICT_GO_ON, fact, tasks == 0 && x->tasks_known ? "look once more" : "go on draining");
}

static void advance_stray_mark(struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    int64_t age_ms = w->s->now_ms - x->marked_ms;
    const char *fact = explain_text(w, "marked %s ago, ACTIVE, no drain known", explain_duration(w, age_ms));
    if (age_ms <= 5 * 60 * 1000) {
        explain_judge(w, i, VERDICT_HOLD, fact, "wait for DRAINING until 5 min");
        return;
    }
    send_unmark(w, i, -1, fact);
    explain_judge(w, i, VERDICT_UNDO, fact, "unmark");
}

static void advance_one(struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    const struct memo_drain *d = work_drain(w, i);
    if (x->notice_ms > 0 && (!d || d->state <= DRAIN_DRAINING || d->state >= DRAIN_GONE) && w->inst[i].role != ROLE_GONE) {
        drain_noticed(w, i);
        return;
    }
    if (!d) {
        struct drain_mark mark;
        if (drain_before_event(w, i))
            return;
        if (x->ecs == ECS_ACTIVE && x->mark[0] && drain_mark_parse(w->a, x->mark, &mark))
            advance_stray_mark(w, i);
        return;
    }
    switch (d->state) {
    case DRAIN_CHOSEN:
        advance_chosen(w, i, d);
        break;
    case DRAIN_DRAINING:
        advance_draining(w, i, d);
        break;
    case DRAIN_UNDOING:
        advance_undoing(w, i, d);
        break;
    case DRAIN_GONE:
        explain_judge(w, i, VERDICT_END, "EC2 ends it", "gone");
        break;
    case DRAIN_EMPTY:  // the fleet's target comes first: targets.c
    case DRAIN_LOWERED:
    case DRAIN_ENDING:
    case DRAIN_UNDONE:
    case DRAIN_STATE_COUNT:
        break;
    }
}

void drain_advance(struct work *w)
{
    for (size_t i = 0; i < w->s->instance_count; i++)
        if (!w->inst[i].judged)
            advance_one(w, (int)i);
}

// ---- what was sent --------------------------------------------------------------------------------------------------------
static void commit_begin(struct work *w, const struct action *x)
{
    if (work_drains(w, x->instance) || !w->inst[x->instance].planned_drain)
        return;  // sent again, or an interrupted instance, which ends by itself
    add_drain(w, (struct memo_drain){.instance = x->target,
                                     .state = DRAIN_CHOSEN,
                                     .since_ms = w->s->now_ms,
                                     .state_since_ms = w->s->now_ms,
                                     .deadline_ms = deadline_of(w, x->instance, w->s->now_ms),
                                     .reason = w->inst[x->instance].tasks == 0 ? DRAIN_REASON_EMPTY : x->fact});
    w->inst[x->instance].drain = (int)w->memo->drain_count - 1;
    w->memo->drains_begun++;
}

bool drain_was_empty(const struct memo_drain *d)
{
    return strcmp(d->reason, DRAIN_REASON_EMPTY) == 0;
}

void drain_commit(struct work *w)
{
    for (size_t k = 0; k < w->plan->action_count; k++) {
        const struct action *x = &w->plan->actions[k];
        struct memo_drain *d = x->instance < 0 ? NULL : work_drain(w, x->instance);
        if (x->kind == ACTION_DRAIN)
            commit_begin(w, x);
        else if (x->kind == ACTION_UNDRAIN && d && d->state <= DRAIN_LOWERED)
            drain_move(w, d, DRAIN_UNDOING);
        else if (d && ((x->kind == ACTION_TERMINATE && d->state == DRAIN_LOWERED) || x->kind == ACTION_END_MEMBER))
            drain_move(w, d, DRAIN_ENDING);
    }
}
