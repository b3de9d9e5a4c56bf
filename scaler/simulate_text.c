// The table of a simulation for people.
#include "scaler/simulate.h"

#include "base/parse.h"

static void add_spread(struct buf *out, const struct simulate_figure *f, int width, int decimals)
{
    char spread[64] = "";
    if (f->most - f->least > 0)
        snprintf(spread, sizeof spread, "%.*f-%.*f", decimals, f->least, decimals, f->most);
    buf_printf(out, "%*.*f %-15s ", width, decimals, f->mean, spread);
}

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

void simulate_text(const struct simulate *s, struct arena *a, struct buf *out)
{
    struct simulate_row *rows;
    size_t n = simulate_rows(s, a, &rows);
    add_head(s, out);
    for (size_t k = 0; k < s->left_out_count; k++)
        buf_printf(out, "%s%s\n", k == 0 ? "left out   " : "           ", s->left_out[k]);
    buf_printf(out, "\n%-22s %-22s %10s %-15s %9s %-15s %10s %-15s %9s %-15s %6s %5s %7s %7s %7s %9s\n", "rule", "knob", "cost $", "", "/ bound", "", "waiting %",
               "", "p99 s", "", "inst.", "use", "taken", "drains", "moved", "restart $");
    for (size_t k = 0; k < n; k++) {
        const struct simulate_row *r = &rows[k];
        buf_printf(out, "%-22s %-16s %5.6g ", rule_info(r->kind)->name, rule_info(r->kind)->knob, r->knob);
        add_spread(out, &r->cost_usd, 10, 2);
        add_spread(out, &r->over_bound, 9, 3);
        add_spread(out, &r->waiting_percent, 10, 3);
        add_spread(out, &r->wait_p99_s, 9, 0);
        buf_printf(out, "%6.1f %4.0f%% %7.0f %7.0f %7.0f %9.2f", r->instances, 100 * r->utilisation, r->interruptions, r->drains, r->tasks_moved, r->restarts_usd);
        if (r->violations > 0)
            buf_printf(out, "  %" PRId64 " violations", r->violations);
        buf_add_char(out, '\n');
    }
    buf_add_str(out, "\nmeans over the seeds, and the least and the most of them where they differ\n"
                     "cost       instances from launch to end at the price of the moment; restart $: tasks of interrupted instances and tasks moved by drains,\n"
                     "           each at scale_in.task_restart_usd of the policy\n"
                     "/ bound    over the least that anybody could pay who knew all demand and prices, let no task wait, and booted in the shortest time\n"
                     "waiting    task-seconds without a place, of all that were wanted; p99: of the waits of tasks started\n"
                     "use        what was wanted, packed without loss, over the instances there were; taken: spot notices\n");
    add_violations(s, out);
}
