// The table of a simulation for people.
#include "scaler/simulate.h"

#include "base/parse.h"

struct column {
    const char *head;
    int width, decimals;
    size_t offset;   // of the figure in a row
};
#define COLUMN(head, width, decimals, field) {head, width, decimals, offsetof(struct simulate_row, field)}
static const struct column columns[] = {
    COLUMN("cost $", 16, 2, cost_usd), COLUMN("/ bound", 13, 3, over_bound), COLUMN("waiting %", 14, 3, waiting_percent), COLUMN("p50 s", 10, 0, wait_p50_s),
    COLUMN("p99 s", 12, 0, wait_p99_s), COLUMN("inst.", 13, 1, instances), COLUMN("use %", 9, 0, use_percent), COLUMN("taken", 11, 0, interruptions),
    COLUMN("drains", 12, 0, drains), COLUMN("moved", 13, 0, tasks_moved), COLUMN("restart $", 14, 2, restarts_usd),
};

static void add_head(const struct simulate *s, struct buf *out)
{
    char all[32], from[32], period[32], counted[32];
    double tasks = 0;
    for (size_t i = 0; i < s->scene.service_count; i++)
        tasks += (double)s->scene.services[i].tasks;
    buf_printf(out, "%s   %zu services, %.0f tasks on average, %zu types; %s after a warm-up of %s of %s, a decision each %s; ", s->scene.name,
               s->scene.service_count, tasks, s->scene.type_count, format_duration(s->scene.for_ms - s->scene.warmup_ms, counted),
               format_duration(s->scene.warmup_ms, from), format_duration(s->scene.for_ms, all), format_duration(s->scene.period_ms, period));
    if (s->seeds > 1)
        buf_printf(out, "seeds %" PRIu64 " to %" PRIu64 "\n", s->first_seed, s->first_seed + (uint64_t)s->seeds - 1);
    else
        buf_printf(out, "seed %" PRIu64 "\n", s->first_seed);
}

static void add_violations(const struct simulate *s, struct buf *out)
{
    for (size_t k = 0; k < s->run_count; k++) {
        const struct simulate_run *run = &s->runs[k];
        for (int64_t v = 0; v < run->r.violation_count && v < TRIAL_VIOLATIONS_MAX; v++)
            buf_printf(out, "! %s %s %.6g, seed %" PRIu64 ": V%d %+" PRId64 " s %s\n", rule_info(run->kind)->name, rule_info(run->kind)->knob, run->knob,
                       run->seed, (int)run->r.violations[v].id, (run->r.violations[v].at_ms - s->scene.start_ms) / 1000, run->r.violations[v].text);
    }
}

static const struct simulate_figure *figure(const struct simulate_row *r, const struct column *c)
{
    return (const struct simulate_figure *)(const void *)((const char *)r + c->offset);
}

// Below the means; not where the seeds agree in all.
static void add_spreads(const struct simulate_row *r, struct buf *out)
{
    bool any = false;
    for (size_t k = 0; k < ARRAY_LEN(columns); k++)
        any |= figure(r, &columns[k])->most > figure(r, &columns[k])->least;
    if (!any)
        return;
    buf_printf(out, "%45s", "");
    for (size_t k = 0; k < ARRAY_LEN(columns); k++) {
        const struct column *c = &columns[k];
        char spread[64] = "";
        if (figure(r, c)->most > figure(r, c)->least)
            snprintf(spread, sizeof spread, "%.*f-%.*f", c->decimals, figure(r, c)->least, c->decimals, figure(r, c)->most);
        buf_printf(out, "%*s", c->width, spread);
    }
    buf_add_char(out, '\n');
}

void simulate_text(const struct simulate *s, struct arena *a, struct buf *out)
{
    struct simulate_row *rows;
    size_t n = simulate_rows(s, a, &rows);
    add_head(s, out);
    for (size_t k = 0; k < s->left_out_count; k++)
        buf_printf(out, "%s%s\n", k == 0 ? "left out   " : "           ", s->left_out[k]);
    buf_printf(out, "\n%-22s %-22s", "rule", "knob");
    for (size_t k = 0; k < ARRAY_LEN(columns); k++)
        buf_printf(out, "%*s", columns[k].width, columns[k].head);
    buf_add_char(out, '\n');
    for (size_t k = 0; k < n; k++) {
        const struct simulate_row *r = &rows[k];
        buf_printf(out, "%-22s %-16s %5.6g", rule_info(r->kind)->name, rule_info(r->kind)->knob, r->knob);
        for (size_t i = 0; i < ARRAY_LEN(columns); i++)
            buf_printf(out, "%*.*f", columns[i].width, columns[i].decimals, figure(r, &columns[i])->mean);
        if (r->violations > 0)
            buf_printf(out, "  %" PRId64 " violations", r->violations);
        buf_add_char(out, '\n');
        add_spreads(r, out);
    }
    buf_add_str(out, "\nmeans over the seeds, and below them the least and the most where they differ\n"
                     "cost       instances from launch to end at the price of the moment; restart $: tasks of interrupted instances and tasks moved by drains,\n"
                     "           each at scale_in.task_restart_usd of the policy\n"
                     "/ bound    over the least that anybody could pay who knew all demand and prices, let no task wait, and booted in the shortest time\n"
                     "waiting    task-seconds without a place, of all that were wanted; p50, p99: of the waits of tasks started\n"
                     "inst.      instances from launch to end, on average over the time; use: what was wanted, packed without loss, over these\n"
                     "taken      spot notices; drains: instances that the rule began to empty, or of ECS managed scaling ended empty; moved: tasks that\n"
                     "           drains stopped, to start elsewhere\n");
    add_violations(s, out);
}
