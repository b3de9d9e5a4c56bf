#include "scaler/cell.h"

#include "base/check.h"
#include "base/json.h"
#include "base/parse.h"
#include "scaler/gather_notices.h"
#include "scaler/warnings.h"

enum { LINE_MAX_BYTES = 64 << 10, RESTORE_MAX_BYTES = 64 << 20, POLICY_MAX_BYTES = 4 << 20 };
#define NOTICE_LIFE_MS 120000
#define LAUNCH_KEPT_MS 120000  // as planner/launch.h says
#define LAST_TASK_MS 60000  // D2, as in planner/drain_notice.c: then it is drained whatever it holds

// ---- the steps ------------------------------------------------------------------------------------------------------------

static int stopping(const struct cell *c, struct err *err)
{
    return *c->shared->stop ? err_set(err, ERR_TRANSIENT, "the daemon is stopping -> not begun") : 0;
}

// The last look, with the notice and what we wrote since: no read but of fleets that we changed.
static int gather_notice(struct cell *c, struct tick_frame *f, struct snapshot *ret, struct err *err)
{
    if (c->looked == NULL)
        return err_set(err, ERR_TRANSIENT, "there was no look yet that a notice could be added to");
    gather_notice_snapshot(c->gather, &c->looked->snapshot, c->fresh_fleets, c->aws.lane, f->arena, ret);
    if (c->shared->desk)
        desk_control(c->shared->desk, c->index, f->arena, ret);
    return 0;
}

static int step_gather(void *arg, struct tick_frame *f, struct snapshot *ret, struct err *err)
{
    struct cell *c = arg;
    if (stopping(c, err) != 0)
        return err->kind;
    if (f->notice)
        return gather_notice(c, f, ret, err);
    if (c->looked == f)
        c->looked = NULL;  // it is written over
    int64_t limit_ms = c->policy->period_ms > 20000 ? c->policy->period_ms : 20000;
    int rc = region_identify(c->region, clock_wall_ms(c->tick.clock) + limit_ms, err);
    if (rc == 0 && !c->restored)
        rc = cell_restore(c, err);
    rc = rc != 0 ? rc : gather_look(c->gather, c->policy, limit_ms, f->arena, ret, err);
    for (const char *note; (note = gather_note(c->gather)) != NULL && c->shared->log;)
        log_event(c->shared->log, LOG_WARN, "gather", note, LOG_S("cluster", c->policy->name));
    if (rc == 0) {
        ret->policy_hash = arena_strdup(f->arena, c->shared->policy_hash ? c->shared->policy_hash : "");
        ret->owner = arena_strdup(f->arena, c->shared->owner ? c->shared->owner : "");
        ret->confirmed = arena_strdup(f->arena, c->shared->confirmed ? c->shared->confirmed : "");
    }
    if (rc == 0)
        cell_add_facts(c, f->arena, ret);
    if (rc == 0 && c->shared->desk)
        desk_control(c->shared->desk, c->index, f->arena, ret);
    rc = rc != 0 ? rc : stopping(c, err);
    c->looked = rc == 0 ? f : c->looked;
    return rc;
}

static int step_plan(void *arg, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err)
{
    (void)arg;
    return planner_run(in, f->arena, ret, err);
}

static int no_journal(struct err *err)
{
    return err_set(err, ERR_IO, "there is no journal");
}

static int step_begin(void *arg, struct tick_frame *f, struct err *err)
{
    struct cell *c = arg;
    if (c->shared->state == NULL || c->state_id == 0)
        return no_journal(err);
    struct state_tick_start start = {.cluster = c->state_id, .at_ms = f->has_snapshot ? f->snapshot.now_ms : f->begun_ms,
                                     .policy_hash = c->shared->policy_hash, .mode = policy_mode_name(f->policy.mode),
                                     .dry_run = c->shared->dry_run};
    return state_tick_begin(c->shared->state, &start, &f->id, err);
}

static int step_recheck(void *arg, struct tick_frame *f, const struct action *a, struct err *err)
{
    struct cell *c = arg;
    if (stopping(c, err) != 0)
        return err->kind;
    return c->executor.recheck(c->executor.arg, &f->snapshot, a, err);
}

// A stop that comes while the call is on the wire waits for its answer: a change is never half known.
static int step_apply(void *arg, struct tick_frame *f, const struct action *a, struct err *err)
{
    struct cell *c = arg;
    *c->shared->in_change += 1;  // a notice may be answered meanwhile
    int rc = stopping(c, err);
    if (rc == 0)
        rc = c->executor.apply(c->executor.arg, &f->snapshot, a, err);
    *c->shared->in_change -= 1;
    if (*c->shared->stop && !*c->shared->in_change)
        *c->shared->cut = 1;
    return rc;
}

static void step_apply_many(void *arg, struct tick_frame *f, const int *actions, size_t count, struct err *errs)
{
    struct cell *c = arg;
    const struct action **list = arena_array(f->arena, const struct action *, count);
    for (size_t i = 0; i < count; i++)
        list[i] = &f->result.plan.actions[actions[i]];
    *c->shared->in_change += 1;
    for (size_t i = 0; i < count && stopping(c, &errs[i]) != 0; i++)
        list[i] = NULL;
    if (count > 0 && list[0] && c->executor.apply_many)
        c->executor.apply_many(c->executor.arg, &f->snapshot, list, count, errs);
    for (size_t i = 0; i < count && list[i] && c->executor.apply_many == NULL; i++)
        c->executor.apply(c->executor.arg, &f->snapshot, list[i], &errs[i]);
    *c->shared->in_change -= 1;
    if (*c->shared->stop && !*c->shared->in_change)
        *c->shared->cut = 1;
}

static const char *params_of(struct tick_frame *f, const struct action *a)
{
    if (a->kind == ACTION_SET_TARGET)
        return arena_printf(f->arena, "{\"target\":%" PRId64 ",\"target_before\":%" PRId64 ",\"on_demand\":%" PRId64 "}", a->capacity,
                            a->target_before, a->on_demand);
    if (a->kind == ACTION_LAUNCH)  // words and ids without a quote: policy_check
        return arena_printf(f->arena, "{\"count\":%" PRId64 ",\"on_demand\":%" PRId64 ",\"content\":\"%s\"}", a->capacity, a->on_demand, a->value);
    if (a->kind == ACTION_MARK) {
        struct buf b;
        buf_init(&b, LINE_MAX_BYTES);
        buf_add_str(&b, "{\"value\":");
        json_add_string(&b, slice_of(a->value ? a->value : ""));
        buf_add_char(&b, '}');
        const char *text = arena_strdup(f->arena, buf_str(&b));
        buf_release(&b);
        return text;
    }
    return "";
}

// The journal of last resort: one JSON line, flushed before the call.
static void intent_to_stdout(struct cell *c, struct tick_frame *f, const char *event, const struct action *a, const char *outcome,
                             const char *detail)
{
    char at[32];
    json_t *line = json_object();
    json_object_set_new(line, "event", json_string(event));
    json_object_set_new(line, "at", json_string(format_iso8601(f->has_snapshot ? f->snapshot.now_ms : f->begun_ms, true, at)));
    json_object_set_new(line, "cluster", json_string(c->policy->name));
    json_object_set_new(line, "kind", json_string(action_kind_name(a->kind)));
    json_object_set_new(line, "target", json_string(a->target));
    if (a->token)
        json_object_set_new(line, "token", json_string(a->token));
    if (a->kind == ACTION_SET_TARGET || a->kind == ACTION_LAUNCH)
        json_object_set_new(line, "capacity", json_integer(a->capacity));
    json_object_set_new(line, "reason", json_sprintf("%s -> %s", a->fact, a->verdict));
    if (outcome) {
        json_object_set_new(line, "outcome", json_string(outcome));
        json_object_set_new(line, "detail", json_string(detail));
    }
    struct buf b;
    buf_init(&b, LINE_MAX_BYTES);
    json_write(line, &b);
    json_decref(line);
    fprintf(c->shared->intents, "%s\n", buf_str(&b));
    fflush(c->shared->intents);
    buf_release(&b);
}

static int step_intent(void *arg, struct tick_frame *f, int action, int64_t *ret_intent, struct err *err)
{
    struct cell *c = arg;
    const struct action *a = &f->result.plan.actions[action];
    struct state_intent intent = {.tick = f->id, .action = action, .kind = a->kind, .target = a->target, .params = params_of(f, a),
                                  .client_token = a->token ? a->token : "", .fact = a->fact, .verdict = a->verdict};
    *ret_intent = 0;
    int rc = f->id == 0 ? no_journal(err) : state_intent(c->shared->state, &intent, ret_intent, err);
    if (rc != 0)
        intent_to_stdout(c, f, "intent", a, NULL, NULL);
    return rc;
}

static void log_act(struct cell *c, struct tick_frame *f, const struct action *a, enum outcome_kind kind, const struct err *of_call)
{
    if (c->shared->log == NULL)
        return;
    const char *reason = arena_printf(f->arena, "%s -> %s", a->fact, a->verdict);
    log_event(c->shared->log, kind == OUTCOME_FAILED ? LOG_WARN : LOG_INFO, action_kind_name(a->kind), reason, LOG_S("cluster", c->policy->name),
              LOG_S("target", a->target), LOG_I("tick", f->id), LOG_S("outcome", outcome_kind_name(kind)),
              LOG_S("detail", of_call ? of_call->msg : ""));
}

static int step_outcome(void *arg, struct tick_frame *f, int action, int64_t intent, enum outcome_kind kind, const struct err *of_call,
                        struct err *err)
{
    struct cell *c = arg;
    const struct action *a = &f->result.plan.actions[action];
    log_act(c, f, a, kind, of_call);
    if (intent != 0)
        return state_outcome(c->shared->state, intent, kind, of_call, err);
    intent_to_stdout(c, f, "outcome", a, outcome_kind_name(kind), of_call ? of_call->msg : "");
    return no_journal(err);
}

// As the planner got it, weakened and all: with this a replay makes the same plan.
static struct slice policy_text(struct tick_frame *f)
{
    struct policy one = {.clusters = &f->policy, .cluster_count = 1};
    struct buf b;
    buf_init(&b, POLICY_MAX_BYTES);
    json_t *all = policy_to_json(&one), *j = json_pack("{s:O}", "clusters", json_object_get(all, "clusters"));
    json_write(j, &b);
    json_decref(j);
    json_decref(all);
    struct slice text = {arena_strdup(f->arena, buf_str(&b)), b.len};
    buf_release(&b);
    return text;
}

// Seldom: when a type registers for the first time, or otherwise than before. What cannot be written is tried again at the next tick.
static void save_learned(struct cell *c)
{
    struct err err;
    size_t count;
    int64_t changes;
    const struct learned_type *v = gather_learned_types(c->gather, &count, &changes);
    if (changes != c->learned_changes && state_learned_save(c->shared->state, c->state_id, v, count, &err) == 0)
        c->learned_changes = changes;
}

static int step_record(void *arg, struct tick_frame *f, struct err *err)
{
    struct cell *c = arg;
    if (f->id == 0)
        return no_journal(err);
    struct state_tick_end end = {.tick = f->id, .duration_ms = f->duration_ms, .ok = f->ok, .failed = f->failed, .skipped = f->skipped,
                                 .error = f->error, .snapshot = f->has_snapshot ? &f->snapshot : NULL, .memo_before = f->memo_before,
                                 .plan = f->has_plan ? &f->result.plan : NULL, .memo = f->has_plan ? &f->memo_after : NULL,
                                 .planned_memo = f->has_plan ? &f->result.memo : NULL, .policy = f->has_plan ? policy_text(f) : (struct slice){0}};
    int rc = f->has_plan ? warnings_save(c->shared->state, c->state_id, &f->snapshot, &c->warnings_saved, err) : 0;
    rc = rc ? rc : state_tick_record(c->shared->state, &end, err);
    save_learned(c);
    return rc;
}

static enum view_outcome view_outcome_of(const struct tick_act *act)
{
    static const enum view_outcome OF[OUTCOME_COUNT] = {
        [OUTCOME_OK] = VIEW_OK, [OUTCOME_FAILED] = VIEW_FAILED, [OUTCOME_SKIPPED] = VIEW_SKIPPED, [OUTCOME_DRY_RUN] = VIEW_DRY_RUN};
    return act->known ? OF[act->outcome] : VIEW_UNKNOWN;
}

// A drain past its deadline is told with what holds it (safety.md C12); the planner says when.
static void log_held_drains(struct cell *c, struct tick_frame *f)
{
    for (size_t i = 0; i < f->result.memo.drain_count; i++) {
        const struct memo_drain *d = &f->result.memo.drains[i];
        if (d->reported_ms != f->snapshot.now_ms)
            continue;
        const char *why = "";
        for (size_t v = 0; v < f->result.plan.verdict_count; v++)
            if (f->result.plan.verdicts[v].kind == CANDIDATE_INSTANCE && strcmp(f->result.plan.verdicts[v].target, d->instance) == 0)
                why = arena_printf(f->arena, "%s -> %s", f->result.plan.verdicts[v].fact, f->result.plan.verdicts[v].verdict);
        log_event(c->shared->log, LOG_WARN, "drain_held", why, LOG_S("cluster", c->policy->name), LOG_S("target", d->instance),
                  LOG_I("minutes", (f->snapshot.now_ms - d->since_ms) / 60000));
    }
}

static void log_tick(struct cell *c, struct tick_frame *f)
{
    const struct logger *log = c->shared->log;
    if (log == NULL)
        return;
    if (f->error[0]) {
        log_event(log, LOG_ERROR, "tick", f->error, LOG_S("cluster", c->policy->name), LOG_I("tick", f->id));
        return;
    }
    for (int k = 0; k < SOURCE_COUNT; k++)
        if (f->snapshot.sources[k].state != SOURCE_OK)
            log_event(log, LOG_WARN, "source", f->snapshot.sources[k].detail, LOG_S("cluster", c->policy->name),
                      LOG_S("source", source_kind_name((enum source_kind)k)),
                      LOG_S("state", f->snapshot.sources[k].state == SOURCE_PARTIAL ? "partial" : "unknown"));
    log_held_drains(c, f);
    const struct plan_summary *p = &f->result.plan.summary;
    log_event(log, LOG_INFO, f->notice ? "notice" : "tick", f->removals_held ? "the journal cannot be written -> add only" : "done",
              LOG_S("cluster", c->policy->name), LOG_I("tick", f->id), LOG_I("instances", p->instances), LOG_I("draining", p->draining),
              LOG_I("coming", p->coming), LOG_I("waiting_tasks", p->waiting_tasks), LOG_I("actions", f->result.plan.action_count),
              LOG_I("failed", f->failed), LOG_I("skipped", f->skipped), LOG_I("duration_ms", f->duration_ms));
}

static void step_publish(void *arg, struct tick_frame *f)
{
    struct cell *c = arg;
    log_tick(c, f);
    if (c->shared->box == NULL)
        return;
    if (f->error[0]) {
        view_box_publish_failed(c->shared->box, c->index, f->id, f->begun_ms, f->error);
        return;
    }
    size_t count = f->result.plan.action_count;
    struct view_act *acts = arena_array(f->arena, struct view_act, count);
    for (size_t i = 0; i < count; i++)
        acts[i] = view_act_of(&f->result.plan.actions[i], view_outcome_of(&f->acts[i]), f->acts[i].detail ? f->acts[i].detail : "");
    struct view_tick t = {.snapshot = &f->snapshot, .plan = &f->result.plan, .memo = &f->memo_after, .acts = acts, .act_count = count,
                          .tick = f->id, .duration_ms = f->duration_ms, .dry_run = c->shared->dry_run, .policy_hash = c->shared->policy_hash};
    view_box_publish(c->shared->box, c->index, c->policy, &t);
}

struct tick_ops cell_ops(struct cell *c)
{
    return (struct tick_ops){.arg = c, .gather = step_gather, .plan = step_plan, .begin = step_begin, .recheck = step_recheck,
                             .intent = step_intent, .apply = step_apply, .apply_many = step_apply_many, .outcome = step_outcome, .record = step_record,
                             .publish = step_publish};
}

// ---- life -----------------------------------------------------------------------------------------------------------------

void cell_init(struct cell *c, struct cell_shared *shared, size_t index, const struct policy_cluster *policy, struct region *r,
               const struct clock *clock)
{
    *c = (struct cell){.shared = shared, .index = index, .policy = policy, .region = r};
    c->gather = gather_new(r, clock, policy->name);
    c->aws = (struct aws_executor){.region = r, .gather = c->gather, .cluster = policy->name, .clock = clock, .limit_ms = 8000};
    c->executor = shared->dry_run ? executor_dry_run() : executor_aws(&c->aws);
    struct tick_ops ops = cell_ops(c);
    tick_init(&c->tick, clock, policy, &ops);
    c->tick.dry_run = shared->dry_run;
    c->requests = requests_new(r, clock);
    c->usage = usage_new(&(struct usage_options){region_clients(r), aws_transport(region_aws(r)), shared->env, policy->account, &shared->open_pages, (int64_t)index * 250});
}

int cell_answer_notice(struct cell *c, bool fresh_fleets, struct err *err)
{
    c->fresh_fleets = fresh_fleets;
    c->aws.lane = (enum aws_lane)(AWS_LANE_NOTICE + c->shared->answers++);
    int rc = tick_run_notice(&c->tick, &(struct tick_frame *){NULL}, err);
    c->shared->answers--;
    c->aws.lane = AWS_LANE_LOOK;
    return rc;
}

// While its fleet takes no order, or the last one was held, what is doomed has no replacement yet.
bool cell_order_waits(const struct cell *c, const struct tick_frame *f, int64_t now_ms)
{
    bool waits = false;
    if (f == NULL || !f->has_plan)
        return false;
    for (size_t k = 0; k < f->snapshot.fleet_count && !waits; k++)
        waits = f->snapshot.fleets[k].state == FLEET_MODIFYING || f->snapshot.fleets[k].state == FLEET_SUBMITTED;
    waits = waits || now_ms < c->tick.hold_orders_until_ms;
    for (size_t i = 0; waits && i < f->snapshot.instance_count; i++)
        if (f->snapshot.instances[i].fleet >= 0 && f->snapshot.instances[i].notice_ms > now_ms - NOTICE_LIFE_MS)
            return true;
    return false;
}

static bool sent(const struct tick_frame *f, enum action_kind kind, int instance)
{
    for (size_t i = 0; i < f->result.plan.action_count; i++)
        if (f->result.plan.actions[i].kind == kind && f->result.plan.actions[i].instance == instance)
            return f->acts[i].known && f->acts[i].outcome == OUTCOME_OK;
    return false;
}

bool cell_drain_waits(const struct tick_frame *f, int64_t now_ms, int64_t *ret_due_ms)
{
    bool any = false;
    *ret_due_ms = 0;
    for (size_t i = 0; f && f->has_plan && i < f->snapshot.instance_count; i++) {
        const struct instance *x = &f->snapshot.instances[i];
        bool young = x->ecs == ECS_UNREGISTERED || x->ecs == ECS_REGISTERING, last = x->ecs == ECS_ACTIVE && !sent(f, ACTION_DRAIN, (int)i);
        if (x->fleet < 0 || x->ec2 > EC2_RUNNING || now_ms - x->notice_ms >= NOTICE_LIFE_MS || (!young && !last))
            continue;
        any = true;
        int64_t due_ms = x->notice_ms + LAST_TASK_MS;
        if (last && due_ms > now_ms && (*ret_due_ms == 0 || due_ms < *ret_due_ms))
            *ret_due_ms = due_ms;
    }
    return any;
}

void cell_release(struct cell *c)
{
    requests_free(c->requests);
    usage_free(c->usage);
    gather_free(c->gather);
    tick_release(&c->tick);
    outlook_release(&c->outlook);
    calendar_release(&c->calendar);
}

void cell_age_memo(struct memo *m, int64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->target_count; i++)
        if (m->targets[i].sent_ms <= now_ms && now_ms - m->targets[i].sent_ms < 120000)
            m->targets[kept++] = m->targets[i];
    m->target_count = kept;
    for (size_t i = 0; i < m->stamp_count; i++)
        if (m->stamps[i].since_ms > now_ms)
            m->stamps[i].since_ms = now_ms;
}

static bool has_launch(const struct memo *m, const char *token)
{
    for (size_t k = 0; k < m->launch_count; k++)
        if (strcmp(m->launches[k].token, token) == 0)
            return true;
    return false;
}

// Orders that the life before gave and did not live to remember: they are asked for again by their tokens before anything is ordered
// (A11). True: there are some.
static bool recall_launches(struct cell *c, struct arena *a, struct memo *m)
{
    struct memo_launch *v;
    struct err err;
    size_t n = 0, had = m->launch_count;
    if (state_launches_load(c->shared->state, c->state_id, clock_wall_ms(c->tick.clock) - LAUNCH_KEPT_MS, a, &v, &n, &err) != 0)
        return false;
    for (size_t k = 0; k < n; k++) {
        if (has_launch(m, v[k].token))
            continue;
        m->launches = arena_grow(a, m->launches, m->launch_count, &m->launch_cap, sizeof *m->launches);
        m->launches[m->launch_count++] = v[k];
    }
    return m->launch_count > had;
}

static void recall_types(struct cell *c, struct arena *a)
{
    struct learned_type *v;
    struct err err;
    size_t n;
    c->learned_changes = 0;  // another file may lack what is known already
    if (state_learned_load(state_reader_of(c->shared->state), c->state_id, a, &v, &n, &err) == 0)
        gather_teach(c->gather, v, n);
}

// The first account seen is pinned: other credentials on the same disk are a mistake (safety.md L28).
static int check_account(struct cell *c, struct arena *a, struct err *err)
{
    const char *key = arena_printf(a, "account.%s.%s", c->policy->account, region_name(c->region)), *pinned = NULL;
    struct err state_err = {0};
    if (state_kv_get(c->shared->state, key, a, &pinned, &state_err) != 0)
        return 0;
    if (pinned && strcmp(pinned, region_account(c->region)) != 0)
        return err_set(err, ERR_INVALID, "the credentials are of account %s, this state was made in %s -> nothing is done; use another --state",
                       region_account(c->region), pinned);
    if (pinned == NULL)
        state_kv_set(c->shared->state, key, region_account(c->region), &state_err);
    return 0;
}

int cell_restore(struct cell *c, struct err *err)
{
    if (c->shared->state == NULL)
        return 0;
    struct err state_err = {0};
    if (state_cluster(c->shared->state, region_account(c->region), region_name(c->region), c->policy->name, &c->state_id, &state_err) != 0)
        return 0;  // the journal is out of order: the tick goes on, add-only
    struct arena a;
    arena_init(&a, RESTORE_MAX_BYTES);
    struct memo memo = {.version = MEMO_VERSION, .policy_hash = ""};
    bool found = false;
    if (check_account(c, &a, err) != 0) {
        arena_release(&a);
        return err->kind;
    }
    int rc = state_query_memo(state_reader_of(c->shared->state), c->state_id, &a, &memo, &found, &state_err);
    if (rc == 0 && found)
        cell_age_memo(&memo, clock_wall_ms(c->tick.clock));
    bool recalled = recall_launches(c, &a, &memo);
    if (found || recalled)
        tick_restore(&c->tick, &memo);
    if (found)
        gather_recall(c->gather, &memo);
    recall_types(c, &a);
    warnings_restore(c->shared->state, c->state_id, c->region, clock_wall_ms(c->tick.clock));
    c->restored = true;
    arena_release(&a);
    return 0;
}
