#include "scaler/rig.h"

#include "base/check.h"
#include "base/json.h"
#include "planner/sim/world_policy.h"
#include "scaler/record.h"
#include "scaler/sandbox/inproc.h"

enum { RIG_ARENA_MAX_BYTES = 512 << 20, REPORT_MAX_BYTES = 1 << 20 };

// ---- what watches the daemon ----------------------------------------------------------------------------------------------

struct rig_watch {
    struct rig *rig;
    struct invariants *invariants;
    struct tick_ops inner;
};

static int watch_gather(void *arg, struct tick_frame *f, struct snapshot *ret, struct err *err)
{
    struct rig_watch *w = arg;
    return w->inner.gather(w->inner.arg, f, ret, err);
}

static int watch_plan(void *arg, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err)
{
    struct rig_watch *w = arg;
    int rc = w->inner.plan(w->inner.arg, f, in, ret, err);
    if (rc != 0)
        return rc;
    sandbox_lock(w->rig->sandbox);  // calls of awscli reach the invariants, too, from other threads
    invariants_check_plan(w->invariants, in, ret);
    sandbox_unlock(w->rig->sandbox);
    return 0;
}

static int watch_begin(void *arg, struct tick_frame *f, struct err *err)
{
    struct rig_watch *w = arg;
    return w->inner.begin(w->inner.arg, f, err);
}

static int watch_recheck(void *arg, struct tick_frame *f, const struct action *a, struct err *err)
{
    struct rig_watch *w = arg;
    return w->inner.recheck(w->inner.arg, f, a, err);
}

// An intent counts wherever it went: to the journal, or as a line to stdout where there is none.
static int watch_intent(void *arg, struct tick_frame *f, int action, int64_t *ret_intent, struct err *err)
{
    struct rig_watch *w = arg;
    int rc = w->inner.intent(w->inner.arg, f, action, ret_intent, err);
    const struct action *a = &f->result.plan.actions[action];
    sandbox_lock(w->rig->sandbox);
    if (rc == 0 || !action_removes(a, &f->snapshot))
        invariants_intent(w->invariants, action_kind_name(a->kind), a->target);
    sandbox_unlock(w->rig->sandbox);
    return rc;
}

static int watch_apply(void *arg, struct tick_frame *f, const struct action *a, struct err *err)
{
    struct rig_watch *w = arg;
    return w->inner.apply(w->inner.arg, f, a, err);
}

static void watch_apply_many(void *arg, struct tick_frame *f, const int *actions, size_t count, struct err *errs)
{
    struct rig_watch *w = arg;
    w->inner.apply_many(w->inner.arg, f, actions, count, errs);
}

static int watch_outcome(void *arg, struct tick_frame *f, int action, int64_t intent, enum outcome_kind kind, const struct err *of_call,
                         struct err *err)
{
    struct rig_watch *w = arg;
    const struct action *a = &f->result.plan.actions[action];
    sandbox_lock(w->rig->sandbox);
    invariants_outcome(w->invariants, action_kind_name(a->kind), a->target);
    sandbox_unlock(w->rig->sandbox);
    return w->inner.outcome(w->inner.arg, f, action, intent, kind, of_call, err);
}

static int watch_record(void *arg, struct tick_frame *f, struct err *err)
{
    struct rig_watch *w = arg;
    sandbox_lock(w->rig->sandbox);
    for (size_t i = 0; f->has_plan && i < f->result.memo.drain_count; i++)
        if (f->result.memo.drains[i].reported_ms == f->snapshot.now_ms)
            invariants_reported(w->invariants, f->result.memo.drains[i].instance);
    sandbox_unlock(w->rig->sandbox);
    return w->inner.record(w->inner.arg, f, err);
}

static void watch_publish(void *arg, struct tick_frame *f)
{
    struct rig_watch *w = arg;
    w->inner.publish(w->inner.arg, f);
}

static int region_of_cluster(const struct rig *r, size_t cluster)
{
    size_t each = r->policy.cluster_count / (size_t)r->region_count;
    return (int)(cluster / each);
}

static void watch(struct rig *r, struct rig_watch *w, size_t cluster, struct tick_ops *ops)
{
    if (r->o.plant)
        r->o.plant(r->o.plant_arg, ops);
    *w = (struct rig_watch){.rig = r, .invariants = r->invariants[region_of_cluster(r, cluster)], .inner = *ops};
    *ops = (struct tick_ops){.arg = w, .gather = watch_gather, .plan = watch_plan, .begin = watch_begin, .recheck = watch_recheck,
                             .intent = watch_intent, .apply = watch_apply, .apply_many = ops->apply_many ? watch_apply_many : NULL, .outcome = watch_outcome, .record = watch_record,
                             .publish = watch_publish};
    if (r->o.plant_outer)
        r->o.plant_outer(r->o.plant_arg, ops);
}

static void decorate(void *arg, size_t cluster, struct tick_ops *ops)
{
    struct rig *r = arg;
    watch(r, &r->watches[cluster], cluster, ops);
}

static void decorate_second(void *arg, size_t cluster, struct tick_ops *ops)
{
    struct rig *r = arg;
    watch(r, &r->second.watches[cluster], cluster, ops);
}

// ---- the policy -----------------------------------------------------------------------------------------------------------

static const char *region_name_of(int region)
{
    static const char *const NAMES[RIG_REGIONS_MAX] = {SANDBOX_REGION, "eu-west-1"};
    return NAMES[region];
}

// The largest service of the cluster gets whole tasks of headroom, as production-spot.json advises.
static void built_in_settings(struct arena *a, const struct world_view *v, int cluster, struct policy_cluster *c)
{
    int largest = -1;
    policy_cluster_defaults(c);
    c->headroom_percent = 5;
    for (int s = 0; s < v->service_count; s++)
        if (v->services[s].cluster == cluster && !v->services[s].daemon && (largest < 0 || v->services[s].desired > v->services[largest].desired))
            largest = s;
    if (largest < 0)
        return;
    c->headroom_tasks = arena_new(a, struct policy_headroom_task);
    c->headroom_tasks[0] = (struct policy_headroom_task){.service = arena_strdup(a, v->services[largest].name), .tasks = 2};
    c->headroom_task_count = 1;
}

static const struct policy_cluster *given_settings(const struct policy *given, const char *name)
{
    for (size_t i = 0; i < given->cluster_count; i++)
        if (strcmp(given->clusters[i].name, name) == 0)
            return &given->clusters[i];
    return given->cluster_count > 0 ? &given->clusters[0] : NULL;
}

static int read_policy(struct rig *r, struct policy *ret, struct err *err)
{
    struct buf report;
    buf_init(&report, REPORT_MAX_BYTES);
    int rc = policy_load_file(r->o.policy_path, &r->arena, ret, &report, err);
    if (rc != 0 && report.len > 0)
        err_set(err, ERR_INVALID, "%s", buf_str(&report));
    buf_release(&report);
    return rc;
}

static int make_policy(struct rig *r, struct err *err)
{
    struct policy given = {.cluster_count = 0};
    if (r->o.policy_path && read_policy(r, &given, err) != 0)
        return err->kind;
    size_t count = 0;
    for (int w = 0; w < r->region_count; w++)
        count += (size_t)world_view(r->worlds[w]).cluster_count;
    policy_defaults(&r->policy);
    r->policy.path = r->o.policy_path ? r->o.policy_path : "(built in)";
    r->policy.clusters = arena_array(&r->arena, struct policy_cluster, count);
    r->policy.queues = arena_array(&r->arena, struct policy_queue, (size_t)r->region_count);
    for (int w = 0; w < r->region_count && r->o.events; w++)
        r->policy.queues[r->policy.queue_count++] = (struct policy_queue){.url = SANDBOX_EVENTS_URL, .region = region_name_of(w), .account = ""};
    snprintf(r->policy.hash, sizeof r->policy.hash, "%s", r->o.policy_path ? given.hash : "demo");
    for (int w = 0; w < r->region_count; w++) {
        struct world_view v = world_view(r->worlds[w]);
        for (int k = 0; k < v.cluster_count; k++) {
            struct policy_cluster *c = &r->policy.clusters[r->policy.cluster_count++];
            const struct policy_cluster *settings = given_settings(&given, v.clusters[k].name);
            if (settings)
                *c = *settings;
            else
                built_in_settings(&r->arena, &v, k, c);
            c->name = arena_strdup(&r->arena, v.clusters[k].name);
            c->region = region_name_of(w);
            c->account = SANDBOX_ACCOUNT;
            world_policy_fleets(&r->arena, &v, k, c);
            if (r->o.settings)
                r->o.settings(c);
        }
    }
    return 0;
}

// ---- world and invariants -------------------------------------------------------------------------------------------------

static int read_records(struct rig *r, struct world_options *w, struct err *err)
{
    struct slice text;
    if (r->o.trace_path) {
        if (record_read(r->o.trace_path, &r->arena, &text, err) != 0 ||
            workload_trace_parse(text, r->o.trace_path, &r->arena, &r->trace, err) != 0)
            return err->kind;
        w->trace = &r->trace;
        w->trace_service = r->o.trace_service;
        if (r->o.trace_mean > 0)
            w->trace_mean = r->o.trace_mean;
    }
    if (r->o.market_path) {
        if (record_read(r->o.market_path, &r->arena, &text, err) != 0 ||
            market_trace_parse(text, r->o.market_path, &r->arena, &r->market, err) != 0)
            return err->kind;
        w->market = &r->market;
    }
    return 0;
}

static int make_worlds(struct rig *r, struct err *err)
{
    struct world_options w;
    world_options_default(&w);
    if (r->o.world)
        w = *r->o.world;
    if (read_records(r, &w, err) != 0)
        return err->kind;
    r->start_ms = w.start_ms;
    if (r->o.speed > 0 && r->o.daemon_elsewhere)
        clock_init_accelerated(&r->clock, w.start_ms, r->o.speed);
    else if (r->o.speed > 0)
        clock_init_paced(&r->clock, w.start_ms, r->o.speed);
    else
        clock_init_virtual(&r->clock, w.start_ms);
    int rc = sandbox_new(&r->clock, r->o.sandbox, &r->sandbox, err);
    for (int i = 0; rc == 0 && i < r->region_count; i++) {
        rc = r->o.build ? r->o.build(&w, &r->worlds[i], err) : world_default(r->o.seed + (uint64_t)i, &w, &r->worlds[i], err);
        if (rc == 0)
            rc = sandbox_add_region(r->sandbox, SANDBOX_ACCOUNT, region_name_of(i), r->worlds[i], err);
    }
    return rc;
}

static struct res headroom_tasks(const struct world_view *v, int cluster, const struct policy_cluster *c)
{
    struct res whole = res_make(0, 0);
    for (size_t h = 0; h < c->headroom_task_count; h++)
        for (int s = 0; s < v->service_count; s++)
            if (v->services[s].cluster == cluster && strcmp(v->services[s].name, c->headroom_tasks[h].service) == 0)
                whole = res_add(whole, res_scale(v->taskdefs[v->services[s].deployments[0].taskdef].need, c->headroom_tasks[h].tasks));
    return whole;
}

static void watch_worlds(struct rig *r)
{
    size_t next = 0;
    for (int w = 0; w < r->region_count; w++) {
        struct world_view v = world_view(r->worlds[w]);
        const struct policy_cluster *first = &r->policy.clusters[next];
        struct invariants_options o;
        invariants_options_default(&o);
        o.drain_deadline_ms = first->drain_deadline_ms;
        o.facts_age_ms += (int64_t)(r->o.speed * 200);  // a busy machine holds an accelerated world up for a fifth of a second
        o.drain_percent = first->drain_percent;
        o.service_percent = first->service_percent;
        o.shrink_percent = first->shrink_percent;
        o.dry_run = r->o.dry_run;
        o.step_instances = first->step_instances;
        o.headroom_permyriad = first->headroom_percent * 100;
        o.judge_orders = true;
        o.spare_instances = 8;
        o.max_usd_micro = first->max_usd_micro;
        for (size_t h = 0; h < first->headroom_task_count; h++)
            o.headroom_tasks += first->headroom_tasks[h].tasks;
        if (r->o.sandbox && r->o.sandbox->weather)
            o.notice_ms = 15000;  // calls hang, and one that was begun is waited for
        if (r->o.notice_ms > 0)
            o.notice_ms = r->o.notice_ms;
        o.notice_ms = r->o.dry_run ? 0 : o.notice_ms + 4 * r->o.latency_ms + (int64_t)(r->o.speed * 200);
        o.under_way_ms = 1000 + 4 * r->o.latency_ms + (int64_t)(r->o.speed * 200);
        r->invariants[w] = invariants_attach(r->worlds[w], &o);
        for (int k = 0; k < v.cluster_count; k++) {
            const struct policy_cluster *c = &r->policy.clusters[next++];
            world_set_headroom(r->worlds[w], k, c->headroom_percent * 100, headroom_tasks(&v, k, c));
            for (size_t f = 0; f < c->fleet_count; f++) {
                if (policy_fleet_kind(&c->fleets[f]) == FLEET_INSTANT)
                    invariants_instant_bound(r->invariants[w], arena_printf(&r->arena, "%s/%s", c->name, c->fleets[f].instant.name), c->fleets[f].max);
                int fleet = world_find_fleet(r->worlds[w], policy_fleet_name(&c->fleets[f]));
                if (fleet >= 0)  // one that is found by its tag may be another tomorrow
                    invariants_bounds(r->invariants[w], fleet, c->fleets[f].min, c->fleets[f].max);
            }
        }
    }
}

// ---- the daemon -----------------------------------------------------------------------------------------------------------

static const struct aws_env_pair ENV_PAIRS[] = {
    {"AWS_ACCESS_KEY_ID", SANDBOX_KEY_ID}, {"AWS_SECRET_ACCESS_KEY", SANDBOX_SECRET}, {"AWS_REGION", SANDBOX_REGION},
    {"AWS_ENDPOINT_URL", "http://127.0.0.1:4566"},
};
static const struct aws_env ENV = {ENV_PAIRS, ARRAY_LEN(ENV_PAIRS)};

static int open_state(struct rig *r, struct state_opened *opened, struct err *err)
{
    const char *path = r->o.state_path ? r->o.state_path : r->has_box ? ":temp:" : ":memory:";
    struct state_options o = {.path = path, .clock = &r->clock, .no_sync = true};
    return state_open(&o, &r->state, opened, err);
}

static int start_daemon(struct rig *r, const struct state_opened *opened, struct err *err)
{
    if (inproc_new(r->sandbox, &r->clock, &(struct inproc_options){.seed = r->o.seed, .latency_min_ms = r->o.latency_ms, .latency_max_ms = r->o.latency_ms}, &r->transport, err) != 0)
        return err->kind;
    struct loop_options o = {.transport = r->transport, .env = &ENV, .policy = &r->policy, .state = r->state, .opened = opened,
                             .box = r->has_box ? &r->box : NULL, .inbox = r->o.inbox, .log = r->o.log, .dry_run = r->o.dry_run, .seed = r->o.seed,
                             .speed = r->o.speed, .decorate = decorate, .decorate_arg = r, .intents = r->o.intents};
    return loop_new(&o, &r->loop, err);
}

static void stop_daemon(struct rig *r)
{
    loop_free(r->loop);
    r->loop = NULL;
    if (r->transport)
        r->transport->ops->free(r->transport);
    r->transport = NULL;
}

static void stop_second(struct rig *r)
{
    loop_free(r->second.loop);
    if (r->second.transport)
        r->second.transport->ops->free(r->second.transport);
    state_close(r->second.state);
    r->second = (struct rig_daemon){.loop = NULL};
}

int rig_second(struct rig *r, bool on, struct err *err)
{
    struct rig_daemon *d = &r->second;
    struct state_opened opened = {.fresh = true};
    struct state_options disk = {.path = ":memory:", .clock = &r->clock, .no_sync = true};
    if (on == (d->loop != NULL))
        return 0;
    stop_second(r);
    if (!on)
        return 0;
    d->watches = arena_array(&r->arena, struct rig_watch, r->policy.cluster_count);
    int rc = state_open(&disk, &d->state, &opened, err);
    if (rc == 0)
        rc = inproc_new(r->sandbox, &r->clock, &(struct inproc_options){.seed = r->o.seed + 1, .latency_min_ms = r->o.latency_ms, .latency_max_ms = r->o.latency_ms}, &d->transport, err);
    struct loop_options o = {.transport = d->transport, .env = &ENV, .policy = &r->policy, .state = d->state, .opened = &opened, .log = r->o.log,
                             .seed = r->o.seed + 1, .decorate = decorate_second, .decorate_arg = r, .intents = r->o.intents};
    if (rc == 0)
        rc = loop_new(&o, &d->loop, err);
    if (rc != 0)
        stop_second(r);
    return rc;
}

int rig_restart(struct rig *r, bool keep_state, struct err *err)
{
    struct state_opened opened = {.fresh = true};
    stop_daemon(r);
    for (int w = 0; w < r->region_count; w++)
        invariants_crashed(r->invariants[w]);
    if (!keep_state || r->o.state_path) {
        state_abandon(r->state);
        r->state = NULL;
        if (open_state(r, &opened, err) != 0)
            return err->kind;
    }
    return start_daemon(r, &opened, err);
}

static void open_box(struct rig *r)
{
    struct view_daemon d = {.version = MASU_VERSION, .started_ms = clock_wall_ms(&r->clock), .dry_run = r->o.dry_run, .speed = r->o.speed,
                            .state_ok = true, .state_detail = "", .shell_mode = "act", .shell_mode_reason = ""};
    view_box_init(&r->box, &r->policy, &d);
    r->has_box = true;
}

int rig_open(const struct rig_options *o, struct rig *ret, struct err *err)
{
    struct rig *r = ret;
    struct state_opened opened = {.fresh = true};
    *r = (struct rig){.o = *o, .region_count = o->regions ? o->regions : 1};
    assert(r->region_count <= RIG_REGIONS_MAX);
    arena_init(&r->arena, RIG_ARENA_MAX_BYTES);
    int rc = make_worlds(r, err);
    if (rc == 0)
        rc = make_policy(r, err);
    if (rc == 0) {
        watch_worlds(r);
        r->watches = arena_array(&r->arena, struct rig_watch, r->policy.cluster_count);
        if (o->speed > 0)
            open_box(r);
        rc = open_state(r, &opened, err);
    }
    if (rc == 0)
        rc = start_daemon(r, &opened, err);
    if (rc != 0)
        rig_close(r);
    return rc;
}

void rig_close(struct rig *r)
{
    if (r == NULL)
        return;
    stop_second(r);
    stop_daemon(r);
    if (r->has_box)
        view_box_release(&r->box);
    r->has_box = false;
    state_close(r->state);
    r->state = NULL;
    for (int w = 0; w < r->region_count; w++)
        invariants_free(r->invariants[w]);
    sandbox_free(r->sandbox);
    r->sandbox = NULL;
    for (int w = 0; w < r->region_count; w++) {
        world_free(r->worlds[w]);
        r->worlds[w] = NULL;
        r->invariants[w] = NULL;
    }
    arena_release(&r->arena);
}

// ---- figures --------------------------------------------------------------------------------------------------------------

void rig_finish(struct rig *r)
{
    sandbox_sync(r->sandbox);
    for (int w = 0; w < r->region_count; w++)
        invariants_finish(r->invariants[w]);
}

int64_t rig_violations(const struct rig *r)
{
    int64_t sum = 0;
    for (int w = 0; w < r->region_count; w++)
        sum += invariants_count(r->invariants[w]);
    return sum;
}

static void add_figures(struct world_summary *to, const struct world_summary *s)
{
    to->task_seconds += s->task_seconds;
    to->task_seconds_waited += s->task_seconds_waited;
    to->batch_seconds_waited += s->batch_seconds_waited;
    to->instance_hours += s->instance_hours;
    to->cost_usd_micro += s->cost_usd_micro;
    to->instances_min += s->instances_min;
    to->instances_max += s->instances_max;
    to->instances_mean += s->instances_mean;
    to->need_mean += s->need_mean;
    to->lowest2h_instances += s->lowest2h_instances;
    to->lowest2h_need += s->lowest2h_need;
    to->tasks_killed += s->tasks_killed;
    to->interruptions += s->interruptions;
    to->interrupted_tasks += s->interrupted_tasks;
    to->interrupted_tasks_in_time += s->interrupted_tasks_in_time;
    to->drains_begun += s->drains_begun;
    to->drains_finished += s->drains_finished;
    to->drains_undone += s->drains_undone;
}

void rig_figures(struct rig *r, struct rig_figures *ret)
{
    *ret = (struct rig_figures){.ticks = loop_ticks(r->loop), .violations = rig_violations(r)};
    sandbox_lock(r->sandbox);
    world_summary(r->worlds[0], &ret->sum);
    for (int w = 1; w < r->region_count; w++) {
        struct world_summary s;
        world_summary(r->worlds[w], &s);
        add_figures(&ret->sum, &s);
    }
    sandbox_unlock(r->sandbox);
}
