#include "scaler/simulate.h"

#include <math.h>

struct told {
    const struct simulate *s;
    size_t at, of;
    const char *rule;
};

void simulate_defaults(struct simulate *s)
{
    *s = (struct simulate){.first_seed = 1, .seeds = 3};
    scene_default(&s->scene, 200);
    s->chosen[RULE_MASU] = true;
    for (int k = 0; k < RULE_COUNT; k++)
        s->knob[k] = rule_info((enum rule_kind)k)->usual;
}

static void tell(void *arg, int64_t done_ms)
{
    const struct told *t = arg;
    if (t->s->progress)
        t->s->progress(t->s->arg, t->at, t->of, t->rule, (double)done_ms / (double)t->s->scene.for_ms);
}

static struct trial_result clairvoyant(const struct course *c, double waiting_price, double bound)
{
    struct bound_point p;
    course_levels(c, waiting_price, &p);
    double share = c->need_s > 0 ? p.waited_s / c->need_s : 0;
    struct trial_result r = {.task_seconds = (int64_t)c->task_s, .task_seconds_waited = (int64_t)(share * c->task_s)};
    r.cost_usd_micro = (int64_t)(waiting_price > 0 ? p.cost : bound);
    r.instances_mean = c->minutes > 0 ? c->need_s / 60 / (double)c->minutes : 0;
    r.utilisation = 1;
    return r;
}

static size_t knobs_of(const struct simulate *s, int rule)
{
    return s->sweep ? (size_t)rule_info((enum rule_kind)rule)->sweep_count : 1;
}

int simulate_all(struct simulate *s, struct arena *a, struct err *err)
{
    size_t points = 0, seeds = (size_t)s->seeds;
    for (int k = 0; k < RULE_COUNT; k++)
        points += s->chosen[k] ? knobs_of(s, k) : 0;
    struct course *course = arena_array(a, struct course, seeds);
    double *bound = arena_array(a, double, seeds);
    for (size_t i = 0; i < seeds; i++) {
        int rc = course_read(&s->scene, s->first_seed + i, a, &course[i], err);
        if (rc)
            return rc;
        bound[i] = course_bound(&course[i], a);
    }
    s->runs = arena_array(a, struct simulate_run, points * seeds + 1);
    for (int k = 0; k < RULE_COUNT; k++) {
        for (size_t n = 0; s->chosen[k] && n < knobs_of(s, k); n++) {
            for (size_t i = 0; i < seeds; i++) {
                const struct rule_kind_info *info = rule_info((enum rule_kind)k);
                struct simulate_run *run = &s->runs[s->run_count];
                struct told told = {s, s->run_count, points * seeds, info->name};
                double knob = s->sweep ? info->sweep[n] : s->knob[k];
                bool own = k == RULE_MASU && knob == 0 && s->scene.policy;
                *run = (struct simulate_run){.kind = (enum rule_kind)k, .knob = own ? (double)s->scene.policy->waiting_costs_milli / 1000 : knob,
                                             .seed = s->first_seed + i, .bound_usd_micro = (int64_t)bound[i]};
                tell(&told, 0);
                struct trial t = {.scene = &s->scene, .kind = run->kind, .knob = knob, .seed = run->seed, .progress = tell, .arg = &told};
                int rc = 0;
                if (k == RULE_CLAIRVOYANT)
                    run->r = clairvoyant(&course[i], run->knob, bound[i]);
                else
                    rc = trial_run(&t, &run->r, err);
                if (rc)
                    return err_wrap(err, "%s, seed %" PRIu64, info->name, run->seed);
                s->run_count++;
            }
        }
    }
    return 0;
}

// ---- over the seeds ---------------------------------------------------------------------------------------------------------

static void add(struct simulate_figure *f, double x, double part)
{
    f->least = fmin(f->least, x);
    f->most = fmax(f->most, x);
    f->mean += x * part;
}

static void add_run(struct simulate_row *row, const struct simulate_run *run, double part)
{
    const struct trial_result *r = &run->r;
    add(&row->cost_usd, (double)r->cost_usd_micro / 1e6, part);
    add(&row->over_bound, run->bound_usd_micro > 0 ? (double)r->cost_usd_micro / (double)run->bound_usd_micro : 0, part);
    add(&row->waiting_percent, r->task_seconds > 0 ? 100 * (double)r->task_seconds_waited / (double)r->task_seconds : 0, part);
    add(&row->wait_p99_s, (double)r->wait_p99_s, part);
    add(&row->wait_p50_s, (double)r->wait_p50_s, part);
    add(&row->instances, r->instances_mean, part);
    add(&row->use_percent, 100 * r->utilisation, part);
    add(&row->interruptions, (double)r->interruptions, part);
    add(&row->drains, (double)r->drains, part);
    add(&row->tasks_moved, (double)r->tasks_moved, part);
    add(&row->restarts_usd, (double)(r->interruption_usd_micro + r->disturbance_usd_micro) / 1e6, part);
    row->violations += r->violation_count;
}

size_t simulate_rows(const struct simulate *s, struct arena *a, struct simulate_row **ret)
{
    size_t seeds = (size_t)s->seeds, n = s->run_count / seeds;
    struct simulate_row *rows = arena_array(a, struct simulate_row, n + 1);
    for (size_t k = 0; k < n; k++) {
        const struct simulate_figure none = {.least = INFINITY, .most = -INFINITY};
        rows[k] = (struct simulate_row){s->runs[k * seeds].kind, s->runs[k * seeds].knob, none, none, none, none, none, none, none, none, none, none, none, 0};
        for (size_t i = 0; i < seeds; i++)
            add_run(&rows[k], &s->runs[k * seeds + i], 1 / (double)seeds);
    }
    *ret = rows;
    return n;
}
