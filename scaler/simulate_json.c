// A simulation as JSON: the same bytes for the same seeds and version.
#include "scaler/simulate.h"

#include "base/json.h"

static json_t *violations(const struct simulate *s, const struct trial_result *r)
{
    json_t *list = json_array();
    for (int64_t v = 0; v < r->violation_count && v < TRIAL_VIOLATIONS_MAX; v++) {
        char id[16];
        snprintf(id, sizeof id, "V%d", (int)r->violations[v].id);
        json_array_append_new(list, json_pack("{s:s, s:I, s:o}", "id", id, "at_s", (json_int_t)((r->violations[v].at_ms - s->scene.start_ms) / 1000), "text",
                                              json_text(r->violations[v].text)));
    }
    return list;
}

static json_t *run_json(const struct simulate *s, const struct simulate_run *run)
{
    const struct trial_result *r = &run->r;
    json_t *o = json_pack("{s:s, s:{s:f}, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "policy", rule_info(run->kind)->name, "params", rule_info(run->kind)->knob,
                          run->knob, "seed", (json_int_t)run->seed, "cost_usd_micro", (json_int_t)r->cost_usd_micro, "bound_usd_micro",
                          (json_int_t)run->bound_usd_micro, "task_seconds", (json_int_t)r->task_seconds, "task_seconds_waited",
                          (json_int_t)r->task_seconds_waited, "interruptions", (json_int_t)r->interruptions, "violations", violations(s, r));
    json_object_set_new(o, "violation_count", json_integer(r->violation_count));
    json_object_set_new(o, "interruption_usd_micro", json_integer(r->interruption_usd_micro));
    json_object_set_new(o, "disturbance_usd_micro", json_integer(r->disturbance_usd_micro));
    json_object_set_new(o, "wait_p50_s", json_integer(r->wait_p50_s));
    json_object_set_new(o, "wait_p90_s", json_integer(r->wait_p90_s));
    json_object_set_new(o, "wait_p99_s", json_integer(r->wait_p99_s));
    json_object_set_new(o, "instances_mean", json_real(r->instances_mean));
    json_object_set_new(o, "booting_mean", json_real(r->booting_mean));
    json_object_set_new(o, "draining_mean", json_real(r->draining_mean));
    json_object_set_new(o, "empty_mean", json_real(r->empty_mean));
    json_object_set_new(o, "utilisation", json_real(r->utilisation));
    json_object_set_new(o, "launches", json_integer(r->launches));
    json_object_set_new(o, "interrupted_tasks", json_integer(r->interrupted_tasks));
    json_object_set_new(o, "drains", json_integer(r->drains));
    json_object_set_new(o, "tasks_moved", json_integer(r->tasks_moved));
    json_object_set_new(o, "tasks_killed", json_integer(r->tasks_killed));
    return o;
}

// Of a rule and knob, over the seeds.
struct figure {
    const char *key;
    size_t offset;
};
#define FIGURE(field) {#field, offsetof(struct simulate_row, field)}
static const struct figure figures[] = {
    FIGURE(cost_usd), FIGURE(over_bound), FIGURE(waiting_percent), FIGURE(wait_p50_s), FIGURE(wait_p99_s), FIGURE(instances), FIGURE(use_percent),
    FIGURE(interruptions), FIGURE(drains), FIGURE(tasks_moved), FIGURE(restarts_usd),
};

static json_t *row_json(const struct simulate_row *r)
{
    json_t *o = json_pack("{s:s, s:{s:f}}", "policy", rule_info(r->kind)->name, "params", rule_info(r->kind)->knob, r->knob);
    for (size_t k = 0; k < ARRAY_LEN(figures); k++) {
        const struct simulate_figure *f = (const struct simulate_figure *)(const void *)((const char *)r + figures[k].offset);
        json_object_set_new(o, figures[k].key, json_pack("{s:f, s:f, s:f}", "mean", f->mean, "least", f->least, "most", f->most));
    }
    json_object_set_new(o, "violation_count", json_integer(r->violations));
    return o;
}

// How each number of the runs and rows was made.
static const char *const methods[][2] = {
    {"cost_usd_micro", "instances from launch to end, at the price of the moment"},
    {"bound_usd_micro", "the least with all demand and prices known, nothing waiting, the lowest price of each type over the zones and the shortest boot of the world"},
    {"task_seconds", "tasks wanted, over the time"},
    {"task_seconds_waited", "task-seconds without a place on an instance"},
    {"clairvoyant", "a bound, not a run: waiting is its share of needed instance-time left out, of the tasks' time"},
    {"interruptions", "spot notices"},
    {"interrupted_tasks", "tasks that ran where a notice came"},
    {"interruption_usd_micro", "interrupted tasks, each at scale_in.task_restart_usd of the policy"},
    {"tasks_moved", "tasks that a drain stopped, to start elsewhere"},
    {"disturbance_usd_micro", "tasks moved, each at scale_in.task_restart_usd of the policy"},
    {"tasks_killed", "tasks that ran on an instance which the rule ended"},
    {"wait_p50_s", "median wait for a place, over the tasks started; who came first is served first"},
    {"wait_p90_s", "as wait_p50_s, the 90th percentile"},
    {"wait_p99_s", "as wait_p50_s, the 99th percentile"},
    {"instances_mean", "instances from launch to end, on average over the time"},
    {"booting_mean", "of instances_mean: launched and not registered yet"},
    {"draining_mean", "of instances_mean: DRAINING, with tasks or without"},
    {"empty_mean", "of instances_mean: ACTIVE without tasks, but for those of daemons"},
    {"utilisation", "instances needed by what was wanted, packed without loss, over instances_mean"},
    {"launches", "instances launched"},
    {"drains", "instances that the rule began to empty; of ecs-managed-scaling those it ended empty"},
    {"violations", "invariants broken, the first 20 in words; judged for masu alone"},
    {"violation_count", "all of them"},
    {"rows", "each figure over the seeds of a rule and knob: its mean, and the least and the most"},
    {"cost_usd", "cost_usd_micro in dollars"},
    {"over_bound", "cost_usd_micro over bound_usd_micro"},
    {"waiting_percent", "task_seconds_waited, of task_seconds"},
    {"instances", "instances_mean"},
    {"use_percent", "utilisation, per cent"},
    {"restarts_usd", "interruption_usd_micro and disturbance_usd_micro, in dollars"},
};

void simulate_json(const struct simulate *s, struct arena *a, struct buf *out)
{
    json_t *runs = json_array(), *left_out = json_array(), *rows = json_array(), *method = json_object();
    struct simulate_row *row;
    size_t n = simulate_rows(s, a, &row);
    for (size_t k = 0; k < s->left_out_count; k++)
        json_array_append_new(left_out, json_text(s->left_out[k]));
    for (size_t k = 0; k < s->run_count; k++)
        json_array_append_new(runs, run_json(s, &s->runs[k]));
    for (size_t k = 0; k < n; k++)
        json_array_append_new(rows, row_json(&row[k]));
    for (size_t k = 0; k < ARRAY_LEN(methods); k++)
        json_object_set_new(method, methods[k][0], json_string(methods[k][1]));
    json_t *doc = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "version", MASU_VERSION, "scenario", s->scene.name, "for_s",
                            (json_int_t)(s->scene.for_ms / 1000), "warmup_s", (json_int_t)(s->scene.warmup_ms / 1000), "period_s",
                            (json_int_t)(s->scene.period_ms / 1000), "seeds", (json_int_t)s->seeds, "method", method, "rows", rows, "runs", runs);
    json_object_set_new(doc, "left_out", left_out);
    json_write_pretty(doc, out);
    buf_add_char(out, '\n');
    json_decref(doc);
}
