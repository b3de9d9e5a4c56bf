#include "planner/sim/trial.h"

#include "planner/sim/fold.h"
#include "planner/sim/managed.h"
#include "planner/sim/world_internal.h"
#include "planner/sim/world_policy.h"

enum { MINUTE_MS = 60000, TELL_MS = 3600000, MAX_OVER_MEAN = 40, MAX_UNITS = 10000, AGAIN_EVERY = 16 };

struct run {
    const struct trial *t;
    struct world *w;
    struct arena arena;
    struct rule rule;
    struct crew crew;
    struct managed managed;
    struct fold *fold;            // of masu
    struct policy_cluster policy;
    struct world_summary from;    // at the end of the warm-up
    int64_t drains_from;
    int64_t ended;                // by managed scaling
};

// ---- the rule decides -------------------------------------------------------------------------------------------------------

static int64_t fleet_units(const struct world *w)
{
    int64_t units = w->fleets[0].wanted;
    for (size_t i = 0; i < w->service_count; i++)
        units += w->services[i].mean_tasks;
    return units;
}

static int begin_masu(struct run *r, struct err *err)
{
    const struct scene *s = r->t->scene;
    if (s->policy)
        r->policy = *s->policy;
    else
        policy_cluster_defaults(&r->policy);
    struct world_view v = world_view(r->w);
    world_policy_fleets(&r->arena, &v, 0, &r->policy);
    r->policy.name = "main";
    r->policy.usage.url = "";  // a virtual task uses what it reserves, and nobody measures it: unknown use would hold all scale-in
    r->policy.usage.cadvisor_port = 0;
    r->policy.fleets[0].max = fleet_units(r->w) * MAX_OVER_MEAN < MAX_UNITS ? fleet_units(r->w) * MAX_OVER_MEAN : MAX_UNITS;
    r->policy.period_ms = s->period_ms;
    if (r->t->knob > 0) {
        r->policy.waiting_costs_milli = (int64_t)(r->t->knob * 1000 + 0.5);
        r->policy.headroom_percent = s->headroom_given ? r->policy.headroom_percent : 0;
    }
    int rc = fold_new(r->w, &r->policy, 1, &r->fold, err);
    if (rc == 0)
        invariants_again_every(fold_invariants(r->fold), AGAIN_EVERY);
    return rc;
}

static void decide(struct run *r)
{
    struct crew_facts f;
    int64_t up, keep;
    if (r->t->kind == RULE_MANAGED) {
        r->ended += managed_act(&r->managed, r->w);
        return;
    }
    crew_tidy(&r->crew);
    crew_look(&r->crew, &f);
    rule_decide(&r->rule, &f, &up, &keep);
    crew_order(&r->crew, up, keep);
}

static int advance(struct run *r, int64_t to_ms, struct err *err)
{
    if (r->fold)
        return fold_run(r->fold, to_ms, err);
    while (r->w->now_ms < to_ms) {
        int64_t since_ms = r->w->now_ms - r->t->scene->start_ms, period_ms = r->t->kind == RULE_MANAGED ? MINUTE_MS : r->t->scene->period_ms;
        int64_t next_ms = r->t->scene->start_ms + (since_ms / period_ms + 1) * period_ms;
        world_advance(r->w, next_ms < to_ms ? next_ms : to_ms);
        if (r->w->now_ms == next_ms)
            decide(r);
    }
    return 0;
}

// ---- what came of it ----------------------------------------------------------------------------------------------------------

static int64_t drains_of(const struct run *r)
{
    return r->fold ? r->w->counters.drains_begun : r->t->kind == RULE_MANAGED ? r->ended : r->crew.drains;
}

static void begin_counting(struct run *r)
{
    world_advance(r->w, r->w->now_ms);
    account_to(r->w, r->w->now_ms);
    world_summary(r->w, &r->from);
    waits_clear(&r->w->waits);
    r->drains_from = drains_of(r);
}

// Of the time that counts, from the mean until it began and the one over all.
static double mean_since(const struct run *r, const struct world_summary *to, double before, double all)
{
    return (all * (double)to->virtual_ms - before * (double)r->from.virtual_ms) / (double)(to->virtual_ms - r->from.virtual_ms);
}

static void count(struct run *r, struct trial_result *ret)
{
    struct world_summary to;
    const struct world_counters *a = &r->from.counters, *b = &to.counters;
    world_summary(r->w, &to);
    int64_t started = b->tasks_started - a->tasks_started;
    int64_t restart = r->policy.task_restart_usd_micro;
    *ret = (struct trial_result){.cost_usd_micro = to.cost_usd_micro - r->from.cost_usd_micro, .task_seconds = to.task_seconds - r->from.task_seconds,
                                 .task_seconds_waited = to.task_seconds_waited - r->from.task_seconds_waited,
                                 .wait_p50_s = waits_quantile_s(&r->w->waits, started, 0.5), .wait_p90_s = waits_quantile_s(&r->w->waits, started, 0.9),
                                 .wait_p99_s = waits_quantile_s(&r->w->waits, started, 0.99), .launches = b->launches - a->launches,
                                 .interruptions = b->interruptions - a->interruptions, .interrupted_tasks = b->interrupted_tasks - a->interrupted_tasks,
                                 .tasks_moved = b->tasks_moved - a->tasks_moved, .tasks_killed = b->tasks_killed - a->tasks_killed,
                                 .drains = drains_of(r) - r->drains_from};
    ret->interruption_usd_micro = ret->interrupted_tasks * restart;
    ret->disturbance_usd_micro = ret->tasks_moved * restart;
    if (to.virtual_ms > r->from.virtual_ms) {
        const struct world_spare *x = &r->from.spare_mean, *y = &to.spare_mean;
        double need = mean_since(r, &to, r->from.need_mean, to.need_mean);
        ret->instances_mean = mean_since(r, &to, r->from.instances_mean, to.instances_mean);
        ret->booting_mean = mean_since(r, &to, x->booting, y->booting);
        ret->draining_mean = mean_since(r, &to, x->draining, y->draining);
        ret->empty_mean = mean_since(r, &to, x->empty, y->empty);
        ret->utilisation = ret->instances_mean > 0 ? need / ret->instances_mean : 0;
    }
    if (!r->fold)
        return;
    size_t n;
    const struct violation *v = invariants_list(fold_invariants(r->fold), &n);
    ret->violation_count = invariants_count(fold_invariants(r->fold));
    for (size_t i = 0; i < n && i < TRIAL_VIOLATIONS_MAX; i++)
        ret->violations[i] = v[i];
}

// ---- the whole --------------------------------------------------------------------------------------------------------------

static int run_all(struct run *r, struct err *err)
{
    const struct scene *s = r->t->scene;
    int64_t done_ms = 0, loss_ms = scene_losses(s, r->w);
    bool counting = s->warmup_ms <= 0;
    if (counting)
        begin_counting(r);
    while (done_ms < s->for_ms) {
        int64_t next_ms = (done_ms / TELL_MS + 1) * TELL_MS;
        next_ms = next_ms > s->for_ms ? s->for_ms : next_ms;
        next_ms = loss_ms < next_ms ? loss_ms : next_ms;
        next_ms = !counting && s->warmup_ms < next_ms ? s->warmup_ms : next_ms;
        int rc = advance(r, s->start_ms + next_ms, err);
        if (rc)
            return rc;
        done_ms = next_ms;
        if (done_ms == loss_ms)
            loss_ms = scene_losses(s, r->w);
        if (!counting && done_ms >= s->warmup_ms) {
            begin_counting(r);
            counting = true;
        }
        if (r->t->progress)
            r->t->progress(r->t->arg, done_ms);
    }
    return 0;
}

int trial_run(const struct trial *t, struct trial_result *ret, struct err *err)
{
    struct run r = {.t = t};
    assert(t->kind != RULE_CLAIRVOYANT);
    arena_init(&r.arena, 0);
    policy_cluster_defaults(&r.policy);
    if (t->scene->policy)
        r.policy = *t->scene->policy;
    int rc = scene_world(t->scene, t->seed, t->kind == RULE_MASU ? SCENE_OWN : rule_info(t->kind)->fleet, &r.arena, &r.w, err);
    if (rc == 0) {
        r.crew.w = r.w;
        rule_init(&r.rule, t->kind, t->knob, t->scene, &r.arena);
        managed_init(&r.managed, t->knob);
        if (t->kind == RULE_MASU)
            rc = begin_masu(&r, err);
    }
    if (rc == 0)
        rc = run_all(&r, err);
    if (rc == 0 && r.fold)
        fold_finish(r.fold);
    if (rc == 0)
        count(&r, ret);
    fold_free(r.fold);
    world_free(r.w);
    arena_release(&r.arena);
    return rc;
}
