#include "scaler/demo.h"

#include "base/check.h"
#include "base/json.h"
#include "base/parse.h"

enum { CALLS_MAX = 256, LISTED_MAX = 50 };

static json_t *calls_json(struct rig *r)
{
    struct sandbox_call_count calls[CALLS_MAX];
    size_t count = sandbox_calls(r->sandbox, calls, CALLS_MAX);
    json_t *o = json_object();
    for (size_t i = 0; i < count; i++)
        json_object_set_new(o, calls[i].operation, json_integer(calls[i].calls));
    return o;
}

static double share_percent(int64_t part, int64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0.0;
}

static double in_time(const struct world_summary *s)
{
    return share_percent(s->interrupted_tasks_in_time, s->interrupted_tasks) / 100;
}

static json_t *violations_json(struct rig *r)
{
    json_t *list = json_array();
    for (int w = 0; w < r->region_count; w++) {
        size_t n;
        const struct violation *v = invariants_list(r->invariants[w], &n);
        for (size_t i = 0; i < n && i < LISTED_MAX; i++) {
            char at[32];
            json_array_append_new(list, json_pack("{s:o, s:s, s:s}", "id", json_sprintf("V%d", (int)v[i].id), "at",
                                                  format_iso8601(v[i].at_ms, false, at), "text", v[i].text));
        }
    }
    return list;
}

void demo_summary_json(struct rig *r, const struct demo_run *run, struct buf *out)
{
    struct rig_figures f;
    rig_figures(r, &f);
    const struct world_summary *s = &f.sum;
    json_t *o = json_object();
    json_object_set_new(o, "seed", json_integer((json_int_t)run->seed));
    json_object_set_new(o, "hours", json_real((double)run->virtual_ms / 3600000.0));
    json_object_set_new(o, "ticks", json_integer(f.ticks));
    json_object_set_new(o, "instances", json_pack("{s:I, s:f, s:I}", "min", (json_int_t)s->instances_min, "mean", s->instances_mean, "max",
                                                  (json_int_t)s->instances_max));
    json_object_set_new(o, "task_seconds", json_integer(s->task_seconds));
    json_object_set_new(o, "task_seconds_waited", json_integer(s->task_seconds_waited));
    json_object_set_new(o, "batch_seconds_waited", json_integer(s->batch_seconds_waited));
    json_object_set_new(o, "instance_hours", json_real(s->instance_hours));
    json_object_set_new(o, "cost_usd_micro", json_integer(s->cost_usd_micro));
    json_object_set_new(o, "drains", json_pack("{s:I, s:I, s:I}", "begun", (json_int_t)s->drains_begun, "finished",
                                               (json_int_t)s->drains_finished, "undone", (json_int_t)s->drains_undone));
    json_object_set_new(o, "interruptions", json_integer(s->interruptions));
    json_object_set_new(o, "interrupted_tasks", json_integer(s->interrupted_tasks));
    json_object_set_new(o, "interrupted_tasks_replaced_in_time", s->interrupted_tasks > 0 ? json_real(in_time(s)) : json_null());
    json_object_set_new(o, "tasks_killed", json_integer(s->tasks_killed));
    json_object_set_new(o, "invariant_violations", json_integer(f.violations));
    json_object_set_new(o, "violations", violations_json(r));
    json_object_set_new(o, "need_instances_mean", json_real(s->need_mean));
    json_object_set_new(o, "low_hours", json_pack("{s:f, s:f}", "mean_instances", s->lowest2h_instances, "need_instances", s->lowest2h_need));
    json_object_set_new(o, "faults_served", json_integer(sandbox_weather_faults(r->sandbox)));
    json_object_set_new(o, "api_calls", calls_json(r));
    json_object_set_new(o, "real_ms", json_integer(run->real_ms));
    json_write_pretty(o, out);
    buf_add_char(out, '\n');
    json_decref(o);
}

static void violations_text(struct rig *r, struct buf *out)
{
    for (int w = 0; w < r->region_count; w++) {
        size_t n;
        const struct violation *v = invariants_list(r->invariants[w], &n);
        for (size_t i = 0; i < n && i < LISTED_MAX; i++) {
            char at[32];
            buf_printf(out, "! V%-2d  %s  %s\n", (int)v[i].id, format_iso8601(v[i].at_ms, false, at), v[i].text);
        }
    }
}

void demo_summary_text(struct rig *r, const struct demo_run *run, struct buf *out)
{
    struct rig_figures f;
    rig_figures(r, &f);
    const struct world_summary *s = &f.sum;
    char usd[32], real[32], length[32];
    buf_printf(out, "%s are over: seed %" PRIu64 ", %" PRId64 " ticks in %s\n", format_duration(run->virtual_ms, length), run->seed, f.ticks,
               format_duration(run->real_ms, real));
    buf_printf(out, "  %-13s %s\n", "cost", format_usd(s->cost_usd_micro, usd));
    buf_printf(out, "  %-13s %.2f %% of task-seconds\n", "waiting", share_percent(s->task_seconds_waited, s->task_seconds));
    buf_printf(out, "  %-13s %" PRId64 " to %" PRId64 ", mean %.1f; need with headroom %.1f; %.0f instance-hours\n", "instances",
               s->instances_min, s->instances_max, s->instances_mean, s->need_mean, s->instance_hours);
    if (s->lowest2h_need > 0)
        buf_printf(out, "  %-13s %.1f instances where %.1f are needed\n", "lowest 2 h", s->lowest2h_instances, s->lowest2h_need);
    buf_printf(out, "  %-13s %" PRId64 " begun, %" PRId64 " finished, %" PRId64 " undone; %" PRId64 " interruption%s; %" PRId64
               " tasks killed, %" PRId64 " violated\n", "drains", s->drains_begun, s->drains_finished, s->drains_undone, s->interruptions,
               s->interruptions == 1 ? "" : "s", s->tasks_killed, f.violations);
    if (s->interrupted_tasks > 0)
        buf_printf(out, "  %-13s %" PRId64 " tasks; for %.1f %% of them capacity was registered within the two minutes\n", "interrupted",
                   s->interrupted_tasks, 100 * in_time(s));
    int64_t faults = sandbox_weather_faults(r->sandbox);
    if (faults > 0)
        buf_printf(out, "  %-13s %" PRId64 " calls throttled, failed, lost or garbled\n", "faults", faults);
    violations_text(r, out);
    const struct world_options *w = r->o.world;
    const char *fleets = w && w->groups ? " --groups" : w && w->fleet_mix == WMIX_EC2 ? " --ec2-fleet" : w && w->fleet_mix == WMIX_INSTANT ? " --instant" : "";
    buf_printf(out, "  again: masu demo%s%s --seed %" PRIu64 "\n", faults > 0 ? " --faults" : "", fleets, run->seed);
}
