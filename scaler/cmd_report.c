// masu report: the capacity report of the journal as one file, and in words. Reads; the daemon may be running or long dead.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/check.h"
#include "base/json.h"
#include "base/parse.h"
#include "base/zone.h"
#include "planner/forecast/outlook.h"
#include "planner/planner.h"
#include "scaler/cmds.h"
#include "scaler/foresight.h"
#include "scaler/journal_cli.h"
#include "scaler/options.h"
#include "scaler/replay.h"
#include "scaler/view.h"
#include "web/file.h"

enum { ARENA_MAX_BYTES = 1 << 30, FILE_MAX_BYTES = 256 << 20, DATA_MAX_BYTES = 820 << 10, LOOK_BACK = 50 };

struct report {
    const char *out, *state_path;
    bool json;
    struct arena arena;
    struct state_reader *reader;
    struct state_cluster_row *rows;
    size_t count;
    struct policy policy;            // one cluster for each row, as its newest tick was planned with
    struct view_box box;
    bool box_ready;
    int64_t now_ms, first_ms;
};

struct seen {
    struct state_tick_whole whole;
    struct replay_input *in;
    struct planner_result result;
    bool planned;                    // else only the cluster's name is known
    char why[512];
};

// ---- the newest tick of each cluster --------------------------------------------------------------------------------------
static int newest_planned(struct report *r, int64_t cluster, int64_t *ret, struct err *err)
{
    const struct state_ticks_query q = {.cluster = cluster, .limit = LOOK_BACK};
    struct state_tick *ticks;
    size_t count;
    bool more;
    *ret = 0;
    int rc = state_query_ticks(r->reader, &q, &r->arena, &ticks, &count, &more, err);
    for (size_t i = 0; rc == 0 && i < count && !*ret; i++)
        if (ticks[i].recorded && ticks[i].planned && ticks[i].has_body && *ticks[i].planned_policy)
            *ret = ticks[i].id;
    return rc;
}

// The same plan again: the journal keeps what it was made from.
static int plan_again(struct report *r, struct seen *s, struct err *err)
{
    s->in = arena_new(&r->arena, struct replay_input);
    int rc = replay_read(r->reader, &s->whole, &r->arena, s->in, err);
    if (rc)
        return rc;
    const struct planner_input input = {.snapshot = &s->in->snapshot, .memo = s->whole.memo_before_json.len ? &s->in->memo : NULL,
                                        .policy = &s->in->policy.clusters[0]};
    return planner_run(&input, &r->arena, &s->result, err);
}

// A cluster without a whole tick, or with one that cannot be read, is told as such; the others go on.
static void look(struct report *r, const struct state_cluster_row *row, struct seen *s)
{
    int64_t tick = 0;
    struct err err = {0};
    int rc = newest_planned(r, row->id, &tick, &err);
    if (rc == 0 && tick == 0)
        rc = err_set(&err, ERR_NOT_FOUND, "the journal has no whole tick of it");
    if (rc == 0)
        rc = state_query_tick(r->reader, tick, &r->arena, &s->whole, &err);
    if (rc == 0)
        rc = plan_again(r, s, &err);
    s->planned = rc == 0;
    if (rc)
        snprintf(s->why, sizeof(s->why), "%s", err.msg);
    else if (s->whole.tick.at_ms > r->now_ms)
        r->now_ms = s->whole.tick.at_ms;
}

// ---- the view that the daemon would have published ------------------------------------------------------------------------
static enum view_outcome outcome_of(const struct state_tick *t, size_t action, const char **ret_detail)
{
    *ret_detail = "";
    for (size_t i = 0; i < t->act_count; i++) {
        if (t->acts[i].action != (int)action || !t->acts[i].finished)
            continue;
        *ret_detail = t->acts[i].message;
        for (int o = 0; o < VIEW_OUTCOME_COUNT; o++)
            if (strcmp(view_outcome_name((enum view_outcome)o), t->acts[i].outcome) == 0)
                return (enum view_outcome)o;
    }
    return VIEW_UNKNOWN;
}

// The newest change of the clock that its demand follows.
static struct zone_change clock_of(struct report *r, const struct policy_cluster *p, int64_t at_ms)
{
    const struct zone *zone = NULL;
    if (zone_load(p->time_zone, &r->arena, &zone, NULL) != 0 || !zone)
        return (struct zone_change){0};
    return zone_last_change(zone, at_ms / 1000, OUTLOOK_CLOCK_S);
}

static void publish(struct report *r, size_t cluster, struct seen *s)
{
    const struct state_tick *t = &s->whole.tick;
    if (!s->planned) {
        view_box_publish_failed(&r->box, cluster, 0, r->now_ms, s->why);
        return;
    }
    const struct plan *plan = &s->result.plan;
    struct view_act *acts = arena_array(&r->arena, struct view_act, plan->action_count);
    for (size_t i = 0; i < plan->action_count; i++) {
        const char *detail;
        enum view_outcome outcome = outcome_of(t, i, &detail);
        acts[i] = view_act_of(&plan->actions[i], outcome, detail);
    }
    const struct view_tick tick = {.snapshot = &s->in->snapshot, .plan = plan, .memo = &s->result.memo, .acts = acts,
                                   .act_count = plan->action_count, .tick = t->id, .duration_ms = t->duration_ms, .dry_run = t->dry_run,
                                   .policy_hash = t->policy_hash};
    view_box_publish(&r->box, cluster, &r->policy.clusters[cluster], &tick);
    struct view_sizes *sizes = view_sizes_new(r->box.current->clusters[cluster], t->at_ms);
    for (size_t i = 0; i < sizes->count; i++)
        view_sizes_fill(sizes, i, r->reader, r->rows[cluster].id);
    view_box_publish_sizes(&r->box, cluster, sizes);
    struct view_outlook *outlook = arena_new(&r->arena, struct view_outlook);
    foresight_of(r->reader, r->rows[cluster].id, t->at_ms, clock_of(r, &r->policy.clusters[cluster], t->at_ms), outlook);
    view_box_publish_outlook(&r->box, cluster, outlook);
}

static void publish_alerts(struct report *r, const struct seen *seen)
{
    size_t most = 0, n = 0;
    for (size_t i = 0; i < r->count; i++)
        most += seen[i].planned ? seen[i].result.plan.alert_count : 0;
    struct view_alert *alerts = arena_array(&r->arena, struct view_alert, most);
    struct control *controls = arena_array(&r->arena, struct control, r->count);
    for (size_t i = 0; i < r->count; i++) {
        controls[i] = (struct control){.mode = CONTROL_RUN, .who = "", .why = ""};
        for (size_t k = 0; seen[i].planned && k < seen[i].result.plan.alert_count; k++)
            alerts[n++] = (struct view_alert){(int)i, seen[i].result.plan.alerts[k]};
    }
    view_box_publish_notes(&r->box, alerts, n, controls);
}

static struct seen *look_at_all(struct report *r)
{
    struct seen *seen = arena_array(&r->arena, struct seen, r->count);
    policy_defaults(&r->policy);
    r->policy.clusters = arena_array(&r->arena, struct policy_cluster, r->count);
    r->policy.cluster_count = r->count;
    for (size_t i = 0; i < r->count; i++) {
        look(r, &r->rows[i], &seen[i]);
        if (seen[i].planned) {
            r->policy.clusters[i] = seen[i].in->policy.clusters[0];
            continue;
        }
        policy_cluster_defaults(&r->policy.clusters[i]);
        r->policy.clusters[i].name = r->rows[i].name;
        r->policy.clusters[i].region = r->rows[i].region;
    }
    return seen;
}

static int read_journal(struct report *r, struct err *err)
{
    struct state_span span;
    int rc = journal_open(r->state_path, &r->reader, err);
    if (rc == 0)
        rc = state_query_clusters(r->reader, &r->arena, &r->rows, &r->count, err);
    if (rc == 0)
        rc = state_query_span(r->reader, 0, &span, err);
    if (rc)
        return rc;
    if (r->count == 0)
        return err_set(err, ERR_NOT_FOUND, "%s has no cluster yet -> masu run --state %s", r->state_path, r->state_path);
    struct seen *seen = look_at_all(r);
    r->now_ms = r->now_ms ? r->now_ms : span.last_ms;
    const struct view_daemon daemon = {.version = MASU_VERSION, .started_ms = span.first_ms, .speed = 1, .state_ok = true, .state_detail = "",
                                       .shell_mode = "act", .shell_mode_reason = ""};
    view_box_init(&r->box, &r->policy, &daemon);
    r->box_ready = true;
    for (size_t i = 0; i < r->count; i++)
        publish(r, i, &seen[i]);
    publish_alerts(r, seen);
    return 0;
}

// ---- what is told ---------------------------------------------------------------------------------------------------------
static int write_file(const char *path, struct slice text, struct err *err)
{
    const char *tmp_ends = ".part";
    char tmp[4096];
    snprintf(tmp, sizeof(tmp), "%s%s", path, tmp_ends);
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_set(err, ERR_IO, "%s: %s", tmp, strerror(errno));
    size_t done = 0;
    while (done < text.len) {
        ssize_t n = write(fd, text.ptr + done, text.len - done);
        if (n < 0 && errno != EINTR)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    int rc = done == text.len ? 0 : err_set(err, ERR_IO, "%s: %s", tmp, strerror(errno));
    if (close(fd) != 0 && rc == 0)
        rc = err_set(err, ERR_IO, "%s: %s", tmp, strerror(errno));
    if (rc == 0 && rename(tmp, path) != 0)
        rc = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    if (rc)
        unlink(tmp);
    return rc;
}

static int64_t percent(int64_t part, int64_t whole)
{
    return whole > 0 ? (100 * part + whole / 2) / whole : 0;
}

static void print_cluster(const struct view_cluster *c)
{
    char at[32];
    if (!c->ticked) {
        printf("%-24s %s\n", c->name, *c->error ? c->error : "no tick");
        return;
    }
    const struct plan_summary *p = &c->plan->summary;
    printf("%-24s %5d instances  %3lld %% CPU  %3lld %% memory  %4d waiting  $%.2f/h  tick %lld %s\n", c->name, p->instances,
           (long long)percent(p->reserved.v[RES_CPU], p->capacity.v[RES_CPU]), (long long)percent(p->reserved.v[RES_MEMORY], p->capacity.v[RES_MEMORY]),
           p->waiting_tasks, (double)p->hourly.micro / 1e6, (long long)c->tick, format_iso8601(c->at_ms, false, at));
    for (size_t i = 0; i < c->plan->alert_count; i++)
        printf("  ! %s\n", c->plan->alerts[i].what);
}

static int print_json(const struct web_file_options *o, const struct report *r, size_t bytes, struct err *err)
{
    static const char *const routes[] = {"clusters", "services"};
    struct buf out;
    buf_init(&out, FILE_MAX_BYTES);
    int rc = 0;
    buf_add_char(&out, '{');
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(routes); i++) {
        buf_printf(&out, "%s\"%s\":", i ? "," : "", i ? "services" : "estate");
        rc = web_file_answer(o, routes[i], &out, err);
    }
    json_t *path = r->out ? json_string(r->out) : json_null();
    buf_add_str(&out, ",\"out\":");
    json_write(path, &out);
    json_decref(path);
    buf_printf(&out, ",\"bytes\":%zu}\n", bytes);
    if (rc == 0)
        fputs(buf_str(&out), stdout);
    buf_release(&out);
    return rc;
}

static int tell(struct report *r, struct err *err)
{
    struct view *view = view_acquire(&r->box);
    const struct web_file_options o = {.view = view, .state_path = r->state_path, .now_ms = r->now_ms, .data_max_bytes = DATA_MAX_BYTES};
    struct buf html;
    buf_init(&html, FILE_MAX_BYTES);
    int rc = r->out ? web_file_write(&o, &html, err) : 0;
    if (rc == 0 && r->out)
        rc = write_file(r->out, buf_slice(&html), err);
    if (rc == 0 && r->json) {
        rc = print_json(&o, r, html.len, err);
    } else if (rc == 0) {
        for (size_t i = 0; i < view->cluster_count; i++)
            print_cluster(view->clusters[i]);
        if (r->out)
            printf("written: %s, %zu KiB; not live, it loads nothing\n", r->out, html.len / 1024);
    }
    buf_release(&html);
    view_release(view);
    return rc;
}

int cmd_report(int argc, char **argv)
{
    struct report r = {.json = false};
    const struct option options[] = {
        {.name = "out", .kind = OPTION_STRING, .ret = &r.out, .value = "F", .help = "write the page as one self-contained HTML file"},
        {.name = "state", .kind = OPTION_STRING, .ret = &r.state_path, .value = "F", .help = JOURNAL_STATE_HELP},
        {.name = "format", .kind = OPTION_FORMAT, .ret = &r.json, .value = "text|json", .help = "of the summary on stdout; json: as the web API gives it"},
    };
    const struct options_spec spec = {
        .command = "report", .summary = "The capacity report from the journal: a summary, and with --out the page as one file to mail or print.",
        .options = options, .option_count = ARRAY_LEN(options),
        .epilogue = "The journal is only read: the daemon may be running or stopped. Exit 0: told, 1: failed, 64: wrong usage.",
    };
    enum options_outcome outcome = options_parse(&spec, argc, argv, NULL);
    if (outcome != OPTIONS_GO)
        return outcome == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    struct err err = {0};
    r.state_path = r.state_path ? r.state_path : JOURNAL_DEFAULT_PATH;
    arena_init(&r.arena, ARENA_MAX_BYTES);
    int rc = read_journal(&r, &err);
    if (rc == 0)
        rc = tell(&r, &err);
    if (rc)
        fprintf(stderr, "masu report: %s\n", err.msg);
    if (r.box_ready)
        view_box_release(&r.box);
    state_reader_free(r.reader);
    arena_release(&r.arena);
    return rc == 0 ? EXIT_DONE : EXIT_FAILED;
}
