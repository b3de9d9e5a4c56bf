#include "scaler/tick.h"

#include "base/check.h"

enum { TICK_ARENA_MAX_BYTES = 1 << 30, MEMO_ARENA_MAX_BYTES = 64 << 20 };

void tick_init(struct tick *t, const struct clock *clock, const struct policy_cluster *policy, const struct tick_ops *ops)
{
    *t = (struct tick){.clock = clock, .policy = policy, .ops = *ops};
    for (int i = 0; i < 2; i++) {
        arena_init(&t->arenas[i], TICK_ARENA_MAX_BYTES);
        arena_init(&t->memo_arenas[i], MEMO_ARENA_MAX_BYTES);
    }
    arena_init(&t->notice_arena, TICK_ARENA_MAX_BYTES);
}

void tick_release(struct tick *t)
{
    if (t == NULL)
        return;
    for (int i = 0; i < 2; i++) {
        arena_release(&t->arenas[i]);
        arena_release(&t->memo_arenas[i]);
    }
    arena_release(&t->notice_arena);
}

void tick_restore(struct tick *t, const struct memo *m)
{
    t->memo_turn ^= 1;
    struct arena *a = &t->memo_arenas[t->memo_turn];
    arena_reset(a);
    memo_copy(a, m, &t->memo);
    t->has_memo = true;
}

bool action_removes(const struct action *a, const struct snapshot *s)
{
    bool doomed = a->instance >= 0 && (s->instances[a->instance].notice_ms > 0 || instance_group_ends(&s->instances[a->instance]));
    switch (a->kind) {
    case ACTION_MARK:
    case ACTION_DRAIN:
        return !doomed;
    case ACTION_SET_TARGET:
        return a->capacity < a->target_before;
    case ACTION_TERMINATE:
    case ACTION_END_MEMBER:
    case ACTION_DEREGISTER:
        return true;
    case ACTION_LAUNCH:
    case ACTION_HEARTBEAT:
    case ACTION_COMPLETE:
    case ACTION_UNMARK:
    case ACTION_UNDRAIN:
    case ACTION_CLAIM:
    case ACTION_COUNT:
        return false;
    }
    assert(!"action kind");
    return true;
}

// ---- execute --------------------------------------------------------------------------------------------------------------

static void settle(struct tick_frame *f, int i, enum outcome_kind outcome, const struct err *why)
{
    bool unsure = outcome == OUTCOME_FAILED && (why->kind == ERR_TRANSIENT || why->kind == ERR_THROTTLED || why->kind == ERR_IO || why->kind == ERR_CORRUPT);
    f->acts[i] = (struct tick_act){.outcome = outcome, .detail = arena_strdup(f->arena, why->msg), .known = true, .unsure = unsure};
    f->ok += outcome == OUTCOME_OK || outcome == OUTCOME_DRY_RUN;
    f->failed += outcome == OUTCOME_FAILED;
    f->skipped += outcome == OUTCOME_SKIPPED;
}

static void skip(struct tick_frame *f, int i, const char *why)
{
    struct err err = {0};
    err_set(&err, ERR_CONFLICT, "%s", why);
    settle(f, i, OUTCOME_SKIPPED, &err);
}

static bool raises(const struct action *a)
{
    return a->kind == ACTION_LAUNCH || (a->kind == ACTION_SET_TARGET && a->capacity > a->target_before);
}

// What the answer to a notice consists of; all else waits for a look of its own.
static bool answers_notice(const struct action *a, const struct snapshot *s)
{
    return !action_removes(a, s) && (a->kind != ACTION_SET_TARGET || raises(a));
}

static bool has_doomed(const struct snapshot *s, int fleet)
{
    for (size_t i = 0; i < s->instance_count; i++)
        if (s->instances[i].fleet == fleet && s->instances[i].notice_ms > 0)
            return true;
    return false;
}

static bool happened(const struct tick_frame *f, int i)
{
    return f->acts[i].outcome == OUTCOME_OK || f->acts[i].outcome == OUTCOME_DRY_RUN;
}

static bool drains_happened(const struct tick_frame *f, int before)
{
    for (int k = 0; k < before; k++)
        if (f->result.plan.actions[k].kind == ACTION_DRAIN && !happened(f, k))
            return false;
    return true;
}

// Why the action is not even begun; "" when it may be.
static const char *held_back(const struct tick *t, const struct tick_frame *f, int i)
{
    const struct plan *plan = &f->result.plan;
    const struct action *a = &plan->actions[i];
    assert(a->after < i);
    if (f->notice && !answers_notice(a, &f->snapshot))
        return "planned by an older look -> left to the next one";
    if (!f->notice && t->interrupted)
        return "a notice came -> planned anew";
    if (raises(a) && clock_wall_ms(t->clock) < t->hold_orders_until_ms && has_doomed(&f->snapshot, a->fleet))
        return "notices still come -> ordered together with what they take";
    if (a->after >= 0 && !happened(f, a->after))
        return arena_printf(f->arena, "%s of %s did not happen -> skipped", action_kind_name(plan->actions[a->after].kind),
                            plan->actions[a->after].target);
    if (a->after_drains && !drains_happened(f, i))
        return "a drain in another zone did not happen, and its own can spare it only then -> left to the next look";
    if (f->removals_held && action_removes(a, &f->snapshot))
        return "the journal cannot be written -> nothing is removed";
    return "";
}

// The first failure of a tick is the one that is told.
static void journal_fails(struct tick *t, const struct err *err)
{
    if (!t->journal_broken)
        t->journal_err = *err;
    t->journal_broken = true;
}

// The intent is stored before the re-check, so that a skip is in the journal as well; the call comes last.
static void execute_one(struct tick *t, struct tick_frame *f, int i)
{
    const struct action *a = &f->result.plan.actions[i];
    struct err err = {0}, journal_err = {0};
    const char *held = held_back(t, f, i);
    if (held[0]) {
        skip(f, i, held);
        return;
    }
    int64_t intent = 0;
    if (t->ops.intent(t->ops.arg, f, i, &intent, &journal_err) != 0) {
        journal_fails(t, &journal_err);
        f->removals_held = true;
        if (action_removes(a, &f->snapshot)) {
            skip(f, i, "the journal cannot be written -> nothing is removed");
            return;
        }
    }
    enum outcome_kind outcome = t->dry_run ? OUTCOME_DRY_RUN : OUTCOME_OK;
    if (t->ops.recheck(t->ops.arg, f, a, &err) != 0)
        outcome = OUTCOME_SKIPPED;
    else if (t->ops.apply(t->ops.arg, f, a, &err) != 0)
        outcome = OUTCOME_FAILED;
    settle(f, i, outcome, &err);
    if (t->ops.outcome(t->ops.arg, f, i, intent, outcome, err.kind == ERR_OK ? NULL : &err, &journal_err) != 0) {
        journal_fails(t, &journal_err);
        f->removals_held = true;
    }
}

static void execute(struct tick *t, struct tick_frame *f)
{
    t->executing = true;
    t->interrupted = false;
    for (size_t i = 0; i < f->result.plan.action_count; i++)
        execute_one(t, f, (int)i);
    t->executing = t->interrupted = false;
}

// ---- execute the answer to a notice ---------------------------------------------------------------------------------------

// The intent is stored, and what must be read again was. True: the action is to be sent.
static bool prepare(struct tick *t, struct tick_frame *f, int i, int64_t *ret_intent)
{
    struct err err = {0}, journal_err = {0};
    const char *held = held_back(t, f, i);
    if (held[0]) {
        skip(f, i, held);
        return false;
    }
    if (t->ops.intent(t->ops.arg, f, i, ret_intent, &journal_err) != 0) {
        journal_fails(t, &journal_err);
        f->removals_held = true;
    }
    if (t->ops.recheck(t->ops.arg, f, &f->result.plan.actions[i], &err) == 0)
        return true;
    settle(f, i, OUTCOME_SKIPPED, &err);
    if (t->ops.outcome(t->ops.arg, f, i, *ret_intent, OUTCOME_SKIPPED, &err, &journal_err) != 0)
        journal_fails(t, &journal_err);
    return false;
}

static void send_wave(struct tick *t, struct tick_frame *f, const int *wave, const int64_t *intents, size_t count)
{
    struct err *errs = arena_array(f->arena, struct err, count), journal_err = {0};
    if (t->ops.apply_many)
        t->ops.apply_many(t->ops.arg, f, wave, count, errs);
    for (size_t k = 0; k < count; k++) {
        if (t->ops.apply_many == NULL)
            t->ops.apply(t->ops.arg, f, &f->result.plan.actions[wave[k]], &errs[k]);
        enum outcome_kind outcome = errs[k].kind ? OUTCOME_FAILED : t->dry_run ? OUTCOME_DRY_RUN : OUTCOME_OK;
        settle(f, wave[k], outcome, &errs[k]);
        if (t->ops.outcome(t->ops.arg, f, wave[k], intents[k], outcome, errs[k].kind ? &errs[k] : NULL, &journal_err) != 0) {
            journal_fails(t, &journal_err);
            f->removals_held = true;
        }
    }
}

// In waves: all that wait for nothing, then what waited for those.
static void execute_notice(struct tick *t, struct tick_frame *f)
{
    size_t count = f->result.plan.action_count;
    int *wave = arena_array(f->arena, int, count);
    int64_t *intents = arena_array(f->arena, int64_t, count);
    bool more = count > 0;
    t->executing = true;
    while (more) {
        size_t n = 0;
        more = false;
        bool *ready = arena_array(f->arena, bool, count);
        for (size_t i = 0; i < count; i++) {
            int after = f->result.plan.actions[i].after;
            ready[i] = !f->acts[i].known && (after < 0 || f->acts[after].known);
        }
        for (size_t i = 0; i < count; i++) {
            intents[n] = 0;
            more = more || ready[i];
            if (ready[i] && prepare(t, f, (int)i, &intents[n]))
                wave[n++] = (int)i;
        }
        if (n > 0)
            send_wave(t, f, wave, intents, n);
    }
    t->executing = false;
}

// What was not sent, or whose call failed, did not happen as far as we know: the next tick looks, and decides by what is true then.
// A target is absolute, so twice does no harm; a launch whose answer was lost is asked for again by its token; a drain that took place all the same is known by its mark.
// The plan's own memo stays as the planner made it, so that a replay can compare.
static void forget_unsent(const struct tick_frame *f, struct memo *m)
{
    for (size_t i = 0; i < f->result.plan.action_count; i++) {
        const struct action *a = &f->result.plan.actions[i];
        enum outcome_kind outcome = f->acts[i].outcome;
        bool failed = outcome == OUTCOME_FAILED || outcome == OUTCOME_SKIPPED;
        if (!failed)
            memo_answered(m, a);
        else if (a->kind != ACTION_LAUNCH || !f->acts[i].unsure)
            memo_forget(m, a);
    }
}

// ---- the tick -------------------------------------------------------------------------------------------------------------

static void open_frame(struct tick *t, struct tick_frame *f, struct arena *a)
{
    arena_reset(a);
    *f = (struct tick_frame){.arena = a, .begun_ms = clock_wall_ms(t->clock), .policy = *t->policy, .error = ""};
    if (t->hold_drains)
        f->policy.scale_in = false;
    if (t->add_only && f->policy.mode == MODE_ACT)
        f->policy.mode = MODE_ADD_ONLY;
}

// After gather, because the first look finds out whose memo to restore.
static void settle_input(struct tick *t, struct tick_frame *f)
{
    f->memo_was = t->memo;
    f->memo_before = t->has_memo ? &f->memo_was : NULL;
    f->removals_held = t->journal_broken;
    if (t->journal_broken && f->policy.mode == MODE_ACT)
        f->policy.mode = MODE_ADD_ONLY;
}

static void end_early(struct tick_frame *f, const struct err *err)
{
    f->error = arena_strdup(f->arena, err->msg);
}

static int run_frame(struct tick *t, struct tick_frame *f, struct err *err)
{
    struct err journal_err = {0};
    struct tick_ops *ops = &t->ops;
    int rc = ops->gather(ops->arg, f, &f->snapshot, err);
    f->has_snapshot = rc == 0;
    t->journal_broken = false;
    if (ops->begin(ops->arg, f, &journal_err) != 0)
        journal_fails(t, &journal_err);
    settle_input(t, f);
    if (rc == 0) {
        struct planner_input in = {.snapshot = &f->snapshot, .memo = f->memo_before, .policy = &f->policy};
        rc = ops->plan(ops->arg, f, &in, &f->result, err);  // check, plan and guard
        f->has_plan = rc == 0;
    }
    if (rc == 0) {
        f->acts = arena_array(f->arena, struct tick_act, f->result.plan.action_count);
        if (f->notice)
            execute_notice(t, f);
        else
            execute(t, f);  // re-check and execute, an intent before and an outcome after each
        tick_restore(t, &f->result.memo);
        forget_unsent(f, &t->memo);
        f->memo_after = t->memo;
    } else {
        end_early(f, err);
    }
    f->duration_ms = clock_wall_ms(t->clock) - f->begun_ms;
    if (ops->record(ops->arg, f, &journal_err) != 0)
        journal_fails(t, &journal_err);
    ops->publish(ops->arg, f);
    return rc;
}

int tick_run(struct tick *t, struct tick_frame **ret_frame, struct err *err)
{
    t->turn ^= 1;
    *ret_frame = &t->frames[t->turn];
    open_frame(t, *ret_frame, &t->arenas[t->turn]);
    return run_frame(t, *ret_frame, err);
}

int tick_run_notice(struct tick *t, struct tick_frame **ret_frame, struct err *err)
{
    assert(!t->executing);
    *ret_frame = &t->notice_frame;
    open_frame(t, *ret_frame, &t->notice_arena);
    t->notice_frame.notice = true;
    return run_frame(t, *ret_frame, err);
}
