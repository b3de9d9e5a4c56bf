#include "web/guests.h"
#include "web/routes.h"

// The Prometheus text format, version 0.0.4. Base units: cores, bytes, seconds, dollars. A family's lines stand together, so
// the outer loop is over families and the inner one over clusters.

struct out {
    struct buf *b;
    const struct web_request *r;
};

static void escape(struct buf *b, const char *s)
{
    for (; *s; s++) {
        if (*s == '\\' || *s == '"')
            buf_add_char(b, '\\');
        if (*s == '\n')
            buf_add_str(b, "\\n");
        else
            buf_add_char(b, *s);
    }
}

static void label(struct buf *b, const char *key, const char *value, bool first)
{
    buf_printf(b, "%s%s=\"", first ? "" : ",", key);
    escape(b, value);
    buf_add_char(b, '"');
}

static void family(struct out *o, const char *name, const char *type, const char *help)
{
    buf_printf(o->b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

// name{account,region,cluster[,key=value …]} value; keys and values come in pairs, NULL ends.
static void cluster_line(struct out *o, const char *name, const struct view_cluster *c, const char *const *labels, double value)
{
    buf_printf(o->b, "%s{", name);
    label(o->b, "account", c->account, true);
    label(o->b, "region", c->region, false);
    label(o->b, "cluster", c->name, false);
    for (; labels && labels[0]; labels += 2)
        label(o->b, labels[0], labels[1], false);
    buf_printf(o->b, "} %.15g\n", value);
}

#define LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})

// ---- the daemon -----------------------------------------------------------------------------------------------------------
static void plain(struct out *o, const char *name, const char *type, const char *help, double value)
{
    family(o, name, type, help);
    buf_printf(o->b, "%s %.15g\n", name, value);
}

static void write_daemon(struct out *o)
{
    const struct view_daemon *d = &o->r->view->daemon;
    const char *detail;
    family(o, "masu_build_info", "gauge", "The version that runs; always 1.");
    buf_add_str(o->b, "masu_build_info{");
    label(o->b, "version", d->version, true);
    buf_add_str(o->b, "} 1\n");
    plain(o, "masu_start_time_seconds", "gauge", "When the daemon started, in seconds since 1970.", (double)d->started_ms / 1000);
    plain(o, "masu_dry_run", "gauge", "1 when it records and does not act.", d->dry_run);
    plain(o, "masu_state_up", "gauge", "1 when the journal can be written.", d->state_ok);
    plain(o, "masu_weakened", "gauge", "1 when the daemon holds itself to add-only or observe.", strcmp(d->shell_mode, "act") != 0);
    plain(o, "masu_ready", "gauge", "1 when each cluster had a complete tick within 3 periods.", web_ready(o->r, &detail));
    plain(o, "masu_loop_age_seconds", "gauge", "Time since the loop last turned.", (double)o->r->beat_age_ms / 1000);
}

static void write_posts(struct out *o)
{
    family(o, "masu_posts_total", "counter", "POST requests by what became of them.");
    for (int i = 0; o->r->posts && i < POST_RESULT_COUNT; i++) {
        buf_add_str(o->b, "masu_posts_total{");
        label(o->b, "result", web_post_result_name((enum web_post_result)i), true);
        buf_printf(o->b, "} %lld\n", (long long)atomic_load(&o->r->posts->counts[i]));
    }
}

// One line a cluster, id and severity: ids are constants of the program, so there are not many.
static void write_alerts(struct out *o)
{
    const struct view *v = o->r->view;
    const struct view_notes *n = v->notes;
    family(o, "masu_alerts", "gauge", "Alerts that hold, by id and severity; an empty cluster is the daemon itself.");
    for (size_t i = 0; i < n->alert_count; i++) {
        const struct view_alert *a = &n->alerts[i];
        int64_t count = 0;
        bool first = true;
        for (size_t k = 0; k < n->alert_count; k++) {
            const struct view_alert *b = &n->alerts[k];
            bool same = a->cluster == b->cluster && a->alert.severity == b->alert.severity && strcmp(a->alert.id, b->alert.id) == 0;
            first &= !same || k >= i;
            count += same;
        }
        static const struct view_cluster daemon = {.name = "", .account = "", .region = ""};
        if (first)
            cluster_line(o, "masu_alerts", a->cluster >= 0 ? v->clusters[a->cluster] : &daemon,
                         LABELS("id", a->alert.id, "severity", alert_severity_name(a->alert.severity)), (double)count);
    }
}

static void write_controls(struct out *o)
{
    const struct view *v = o->r->view;
    family(o, "masu_control", "gauge", "1 for what people allow in the cluster now, beside the policy.");
    for (size_t i = 0; i < v->cluster_count; i++)
        for (int m = 0; m < CONTROL_COUNT; m++)
            cluster_line(o, "masu_control", v->clusters[i], LABELS("mode", control_mode_name((enum control_mode)m)),
                         v->notes->controls[i].mode == (enum control_mode)m);
}

static void write_histogram(struct out *o, const char *name, const char *help, const struct event_histogram *h)
{
    long long below = 0;
    family(o, name, "histogram", help);
    for (int k = 0; k < EVENT_BUCKETS; k++) {
        below += h->counts[k];
        buf_printf(o->b, "%s_bucket{le=\"%g\"} %lld\n", name, (double)event_bucket_ms[k] / 1000, below);
    }
    below += h->counts[EVENT_BUCKETS];
    buf_printf(o->b, "%s_bucket{le=\"+Inf\"} %lld\n%s_sum %g\n%s_count %lld\n", name, below, name, (double)h->sum_ms / 1000, name, below);
}

static void write_events(struct out *o)
{
    const struct event_counts *e = &o->r->view->daemon.events;
    family(o, "masu_events_received_total", "counter", "Messages of the queues of events by kind.");
    for (int k = 0; k < e->kind_count; k++) {
        buf_add_str(o->b, "masu_events_received_total{");
        label(o->b, "kind", e->kind_names[k], true);
        buf_printf(o->b, "} %lld\n", (long long)e->received[k]);
    }
    family(o, "masu_events_total", "counter", "The same by what came of them.");
    for (int k = 0; k < EVENT_RESULT_COUNT; k++) {
        buf_add_str(o->b, "masu_events_total{");
        label(o->b, "result", event_result_name((enum event_result)k), true);
        buf_printf(o->b, "} %lld\n", (long long)e->results[k]);
    }
    family(o, "masu_event_queue_errors_total", "counter", "Polls of the queues that failed.");
    buf_printf(o->b, "masu_event_queue_errors_total %lld\n", (long long)e->queue_errors);
    write_histogram(o, "masu_event_age_seconds", "Age of events when they were received.", &e->age);
    write_histogram(o, "masu_event_answer_seconds", "From receiving a notice to its answer in the journal.", &e->answer);
}

static void write_api_calls(struct out *o)
{
    const struct view_daemon *d = &o->r->view->daemon;
    family(o, "masu_api_calls_total", "counter", "Calls to AWS by operation and result.");
    for (size_t i = 0; i < d->api_call_count; i++) {
        const struct view_api_call *c = &d->api_calls[i];
        const struct {
            const char *result;
            int64_t count;
        } rows[] = {{"ok", c->ok}, {"failed", c->failed}, {"throttled", c->throttled}};
        for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
            buf_add_str(o->b, "masu_api_calls_total{");
            label(o->b, "service", c->service, true);
            label(o->b, "operation", c->operation, false);
            label(o->b, "result", rows[k].result, false);
            buf_printf(o->b, "} %lld\n", (long long)rows[k].count);
        }
    }
}

// ---- clusters: families with one line a cluster, by table -----------------------------------------------------------------
#define MIB 1048576.0

static double last_tick(const struct view_cluster *c) { return (double)c->at_ms / 1000; }
static double capacity_cpu(const struct view_cluster *c) { return (double)c->plan->summary.capacity.v[RES_CPU] / 1024; }
static double capacity_memory(const struct view_cluster *c) { return (double)c->plan->summary.capacity.v[RES_MEMORY] * MIB; }
static double reserved_cpu(const struct view_cluster *c) { return (double)c->plan->summary.reserved.v[RES_CPU] / 1024; }
static double reserved_memory(const struct view_cluster *c) { return (double)c->plan->summary.reserved.v[RES_MEMORY] * MIB; }
static double need_cpu(const struct view_cluster *c) { return (double)c->plan->summary.need.v[RES_CPU] / 1024; }
static double need_memory(const struct view_cluster *c) { return (double)c->plan->summary.need.v[RES_MEMORY] * MIB; }
static double waiting(const struct view_cluster *c) { return c->plan->summary.waiting_tasks; }
static double drains(const struct view_cluster *c) { return c->drain_count; }
static double cost(const struct view_cluster *c) { return (double)c->plan->summary.hourly.micro / 1e6; }

static const struct {
    const char *name, *help;
    double (*value)(const struct view_cluster *c);
} gauges[] = {
    {"masu_last_tick_timestamp_seconds", "World time of the newest complete tick.", last_tick},
    {"masu_capacity_cpu_cores", "CPU of the connected active instances.", capacity_cpu},
    {"masu_capacity_memory_bytes", "Memory of the connected active instances.", capacity_memory},
    {"masu_reserved_cpu_cores", "CPU that their tasks reserve.", reserved_cpu},
    {"masu_reserved_memory_bytes", "Memory that their tasks reserve.", reserved_memory},
    {"masu_need_cpu_cores", "CPU that demand takes, headroom included.", need_cpu},
    {"masu_need_memory_bytes", "Memory that demand takes, headroom included.", need_memory},
    {"masu_waiting_tasks", "Tasks that should run and have no place.", waiting},
    {"masu_drains_in_progress", "Drains begun and neither finished nor undone.", drains},
    {"masu_cost_usd_per_hour", "What the cluster's instances cost an hour, where prices are known.", cost},
};

static void write_gauges(struct out *o)
{
    for (size_t g = 0; g < ARRAY_LEN(gauges); g++) {
        family(o, gauges[g].name, "gauge", gauges[g].help);
        for (size_t i = 0; i < o->r->view->cluster_count; i++)
            if (o->r->view->clusters[i]->ticked)
                cluster_line(o, gauges[g].name, o->r->view->clusters[i], NULL, gauges[g].value(o->r->view->clusters[i]));
    }
}

// ---- clusters: families with more labels ----------------------------------------------------------------------------------
static void write_ticks(struct out *o, const struct view_cluster *c)
{
    cluster_line(o, "masu_ticks_total", c, LABELS("result", "ok"), (double)c->counts.ticks_ok);
    cluster_line(o, "masu_ticks_total", c, LABELS("result", "failed"), (double)c->counts.ticks_failed);
}

static void write_durations(struct out *o, const struct view_cluster *c)
{
    cluster_line(o, "masu_tick_duration_seconds_sum", c, NULL, (double)c->counts.tick_duration_ms_sum / 1000);
    cluster_line(o, "masu_tick_duration_seconds_count", c, NULL, (double)c->counts.ticks_ok);
}

static void write_mode(struct out *o, const struct view_cluster *c)
{
    for (int m = 0; m < MODE_COUNT; m++) {
        const char *mode = policy_mode_name((enum policy_mode)m);
        cluster_line(o, "masu_mode", c, LABELS("mode", mode), strcmp(mode, c->mode) == 0);
    }
}

static void write_actions(struct out *o, const struct view_cluster *c)
{
    for (int k = 0; k < ACTION_COUNT; k++)
        for (int i = 0; i < VIEW_OUTCOME_COUNT; i++)
            if (c->counts.actions[k][i] || i == VIEW_OK)
                cluster_line(o, "masu_actions_total", c,
                             LABELS("kind", action_kind_name((enum action_kind)k), "outcome", view_outcome_name((enum view_outcome)i)),
                             (double)c->counts.actions[k][i]);
}

static void write_drains(struct out *o, const struct view_cluster *c)
{
    if (!c->ticked)
        return;
    cluster_line(o, "masu_drains_total", c, LABELS("end", "begun"), (double)c->memo->drains_begun);
    cluster_line(o, "masu_drains_total", c, LABELS("end", "finished"), (double)c->memo->drains_finished);
    cluster_line(o, "masu_drains_total", c, LABELS("end", "undone"), (double)c->memo->drains_undone);
}

static void write_instances(struct out *o, const struct view_cluster *c)
{
    if (!c->ticked)
        return;
    const struct plan_summary *p = &c->plan->summary;
    const struct {
        const char *state;
        int32_t count;
    } rows[] = {{"active", p->active}, {"draining", p->draining}, {"coming", p->coming}, {"interrupted", p->interrupted}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cluster_line(o, "masu_instances", c, LABELS("state", rows[i].state), rows[i].count);
}

static void write_fleets(struct out *o, const struct view_cluster *c)
{
    for (size_t i = 0; c->ticked && i < c->snapshot->fleet_count; i++) {
        const struct fleet *f = &c->snapshot->fleets[i];
        cluster_line(o, "masu_fleet_capacity_units", c, LABELS("fleet", f->id, "of", "target"), (double)f->target);
        cluster_line(o, "masu_fleet_capacity_units", c, LABELS("fleet", f->id, "of", "fulfilled"), (double)f->fulfilled_milli / 1000);
        cluster_line(o, "masu_fleet_capacity_units", c, LABELS("fleet", f->id, "of", "max"), (double)c->bounds[i].max);
    }
}

static void write_source_ages(struct out *o, const struct view_cluster *c)
{
    for (int i = 0; c->ticked && i < SOURCE_COUNT; i++)
        if (c->snapshot->sources[i].read_ms)
            cluster_line(o, "masu_source_age_seconds", c, LABELS("source", source_kind_name((enum source_kind)i)),
                         (double)(o->r->now_ms - c->snapshot->sources[i].read_ms) / 1000);
    if (c->ticked && c->snapshot->usage.read_ms)
        cluster_line(o, "masu_source_age_seconds", c, LABELS("source", "usage"), (double)(o->r->now_ms - c->snapshot->usage.read_ms) / 1000);
    if (c->ticked && c->snapshot->requests.read_ms)
        cluster_line(o, "masu_source_age_seconds", c, LABELS("source", "requests"), (double)(o->r->now_ms - c->snapshot->requests.read_ms) / 1000);
}

static void write_source_up(struct out *o, const struct view_cluster *c)
{
    for (int i = 0; c->ticked && i < SOURCE_COUNT; i++)
        cluster_line(o, "masu_source_up", c, LABELS("source", source_kind_name((enum source_kind)i)), !c->source_stale[i]);
    if (c->ticked && c->snapshot->usage.detail && (c->snapshot->usage.read_ms > 0 || c->snapshot->usage.detail[0]))
        cluster_line(o, "masu_source_up", c, LABELS("source", "usage"), c->snapshot->usage.state == SOURCE_OK);
    if (c->ticked && c->snapshot->requests.detail && (c->snapshot->requests.read_ms > 0 || c->snapshot->requests.detail[0]))
        cluster_line(o, "masu_source_up", c, LABELS("source", "requests"), c->snapshot->requests.state == SOURCE_OK);
}

static const struct {
    const char *name, *type, *help;
    void (*write)(struct out *o, const struct view_cluster *c);
} families[] = {
    {"masu_ticks_total", "counter", "Ticks by how they ended.", write_ticks},
    {"masu_tick_duration_seconds", "summary", "What complete ticks took.", write_durations},
    {"masu_mode", "gauge", "1 for the mode the cluster is in.", write_mode},
    {"masu_actions_total", "counter", "Actions by kind and outcome.", write_actions},
    {"masu_drains_total", "counter", "Drains begun, finished and undone.", write_drains},
    {"masu_instances", "gauge", "Instances by state.", write_instances},
    {"masu_fleet_capacity_units", "gauge", "A fleet's target, what is fulfilled, and the policy's max, in its own units.", write_fleets},
    {"masu_source_age_seconds", "gauge", "Age of the facts of a source.", write_source_ages},
    {"masu_source_up", "gauge", "1 when a source's facts are complete and fresh.", write_source_up},
};

// ---- forecasts ------------------------------------------------------------------------------------------------------------
#define ERROR_HELP "Errors of the last 7 days' forecasts, in mean changes over a day (1: as yesterday), by how far ahead."

static const struct {
    const char *name, *help, *measure;  // help NULL: of the family before
    size_t offset;                      // of a double; of the samples else
} forecast_rows[] = {
    {"masu_forecast_error", ERROR_HELP, "mase", offsetof(struct outlook_error, mase)},
    {"masu_forecast_error", NULL, "pinball50", offsetof(struct outlook_error, pinball50)},
    {"masu_forecast_error", NULL, "pinball90", offsetof(struct outlook_error, pinball90)},
    {"masu_forecast_coverage", "Share of the need that was at or below the forecast 0.9 quantile; 0.9 is right.", NULL, offsetof(struct outlook_error, cover90)},
};

static void write_forecast_row(struct out *o, size_t row, size_t cluster)
{
    for (int of = 0; of < OUTLOOK_OF_COUNT; of++)
        for (int lead = 0; lead < OUTLOOK_LEADS; lead++) {
            const struct outlook_error *e = &o->r->view->outlooks->clusters[cluster].of[of].error[lead];
            const char *of_name = outlook_of_name((enum outlook_of)of), *ahead = outlook_lead_name(lead), *measure = forecast_rows[row].measure;
            double value;
            memcpy(&value, (const char *)e + forecast_rows[row].offset, sizeof(value));
            if (e->samples > 0)
                cluster_line(o, forecast_rows[row].name, o->r->view->clusters[cluster],
                             LABELS("of", of_name, "ahead", ahead, measure ? "measure" : NULL, measure), value);
        }
}

static void write_forecasts(struct out *o)
{
    for (size_t k = 0; k < ARRAY_LEN(forecast_rows); k++) {
        if (forecast_rows[k].help)
            family(o, forecast_rows[k].name, "gauge", forecast_rows[k].help);
        for (size_t i = 0; i < o->r->view->cluster_count; i++)
            write_forecast_row(o, k, i);
    }
    family(o, "masu_level_coverage", "gauge", "Share of moments whose need was at most what sizing had asked for a boot before; 1 - 1 / waiting_costs or a little more is right.");
    for (size_t i = 0; i < o->r->view->cluster_count; i++)
        if (o->r->view->outlooks->clusters[i].levels_judged > 0)
            cluster_line(o, "masu_level_coverage", o->r->view->clusters[i], LABELS(NULL), o->r->view->outlooks->clusters[i].levels_cover);
}

static void write_guests(struct out *o)
{
    const struct guests_counts c = guests_count(o->r->guests);
    family(o, "masu_web_connections", "gauge", "Connections to this page and API, by what they do.");
    buf_printf(o->b, "masu_web_connections{state=\"waiting\"} %zu\nmasu_web_connections{state=\"served\"} %zu\n", c.waiting, c.served);
    buf_printf(o->b, "masu_web_connections{state=\"stream\"} %zu\nmasu_web_connections{state=\"closing\"} %zu\n", c.streams, c.leaving);
    plain(o, "masu_web_answer_bytes", "gauge", "Bytes of answers that are being sent.", (double)c.answer_bytes);
    plain(o, "masu_web_cut_off_total", "counter", "Connections that were slow and made room for others.", (double)c.sent_off);
}

void web_metrics(struct web_request *r, struct web_response *w)
{
    struct out o = {.b = &w->body, .r = r};
    w->type = WEB_METRICS;
    write_daemon(&o);
    write_api_calls(&o);
    write_events(&o);
    write_posts(&o);
    write_guests(&o);
    write_alerts(&o);
    write_controls(&o);
    write_gauges(&o);
    write_forecasts(&o);
    for (size_t f = 0; f < ARRAY_LEN(families); f++) {
        family(&o, families[f].name, families[f].type, families[f].help);
        for (size_t i = 0; i < r->view->cluster_count; i++)
            families[f].write(&o, r->view->clusters[i]);
    }
}
