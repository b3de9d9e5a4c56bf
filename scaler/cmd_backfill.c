// masu backfill: weeks of history from a Prometheus, or from CloudWatch, on the first day. What is known already stays; what it is cut short in goes on the next time.
#include "base/check.h"
#include "base/parse.h"
#include "policies/policy.h"
#include "scaler/backfill_cloudwatch.h"
#include "scaler/backfill_prometheus.h"
#include "scaler/cmds.h"
#include "scaler/gather.h"
#include "scaler/options.h"
#include "state/state.h"

enum { ARENA_MAX_BYTES = 512 << 20, DAYS_DEFAULT = 35, DAYS_MAX = 395, FINE_DAYS = 62 };
#define DAY_MS INT64_C(86400000)
#define HOUR_MS INT64_C(3600000)
#define STEP_MS PROMETHEUS_PAST_STEP_MS
#define TIMEOUT_MS 60000
#define IDENTIFY_MS 20000

struct backfill {
    const char *policy_path, *state_path, *cluster, *from;
    bool cloudwatch;
    int64_t days;
    struct arena arena;
    struct policy policy;
    struct clock clock;
    struct transport *transport;
    struct aws_clients *clients;
    struct state *state;
    int64_t points;            // filled or known, in all
};

// ---- days -----------------------------------------------------------------------------------------------------------------
// Of one cluster, in turn.
struct target {
    const struct policy_cluster *policy;
    struct region *region;
    struct cloudwatch_past past;
    struct prometheus_past told;
    int64_t id;                // in the state
};

struct filled {
    size_t series;
    int64_t points;
};

static int keep(struct backfill *b, const struct target *t, enum series series, const char *subject, int64_t step_ms, const struct history_point *v, size_t count,
                struct filled *f, struct err *err)
{
    f->series += count > 0;
    f->points += (int64_t)count;
    return state_history_fill(b->state, t->id, series, subject, step_ms, v, count, err);
}

static int fill_from_prometheus(struct backfill *b, const struct target *t, int64_t from_ms, int64_t to_ms, struct arena *a, struct filled *f, struct err *err)
{
    struct past_line *got;
    size_t count;
    int rc = prometheus_past_read(&t->told, b->clients, b->transport, from_ms, to_ms, a, &got, &count, err);
    for (size_t k = 0; rc == 0 && k < count; k++)
        rc = keep(b, t, got[k].series, got[k].subject, STEP_MS, got[k].points, got[k].count, f, err);
    return rc;
}

// What is older than CloudWatch keeps by five minutes it still has by the hour.
static int fill_from_cloudwatch(struct backfill *b, const struct target *t, int64_t from_ms, int64_t to_ms, struct arena *a, struct filled *f, struct err *err)
{
    struct past_line *got;
    size_t count;
    int64_t now_ms = clock_wall_ms(&b->clock), step_ms = now_ms - from_ms < FINE_DAYS * DAY_MS ? STEP_MS : HOUR_MS;
    int64_t whole_ms = now_ms / step_ms * step_ms;  // a period that is under way is not told yet
    to_ms = to_ms < whole_ms ? to_ms : whole_ms;
    if (to_ms <= from_ms)
        return 0;
    int rc = cloudwatch_past_read(&t->past, b->clients, region_aws(t->region), from_ms, to_ms, step_ms, now_ms + TIMEOUT_MS, a, &got, &count, err);
    for (size_t k = 0; rc == 0 && k < count; k++)
        rc = keep(b, t, got[k].series, got[k].subject, step_ms, got[k].points, got[k].count, f, err);
    return rc;
}

static int fill_day(struct backfill *b, const struct target *t, int64_t day, struct err *err)
{
    _cleanup_(arena_release) struct arena a;
    int64_t from_ms = day * DAY_MS, to_ms = from_ms + DAY_MS, now_ms = clock_wall_ms(&b->clock);
    struct filled f = {0, 0};
    char date[32];
    arena_init(&a, ARENA_MAX_BYTES);
    to_ms = to_ms < now_ms + STEP_MS ? to_ms : now_ms + STEP_MS;
    int rc = b->cloudwatch ? fill_from_cloudwatch(b, t, from_ms, to_ms, &a, &f, err) : fill_from_prometheus(b, t, from_ms, to_ms, &a, &f, err);
    if (rc)
        return err_wrap(err, "%s", format_iso8601(from_ms, false, date));
    b->points += f.points;
    printf("%s %.10s: %zu series, %lld points\n", t->policy->name, format_iso8601(from_ms, false, date), f.series, (long long)f.points);
    fflush(stdout);
    return 0;
}

// "FIRST LAST": the days that earlier runs have done; the last may have been in part.
static void read_done(struct backfill *b, const char *key, int64_t *ret_first, int64_t *ret_last)
{
    const char *text = NULL;
    struct err err;
    *ret_first = 0;
    *ret_last = -1;
    if (state_kv_get(b->state, key, &b->arena, &text, &err) != 0 || text == NULL)
        return;
    struct slice last = slice_of(text), first = slice_cut(&last, ' ');
    if (!parse_i64(first, ret_first) || !parse_i64(last, ret_last)) {
        *ret_first = 0;
        *ret_last = -1;
    }
}

// From today backwards, so that what is newest is there first.
static int fill_days(struct backfill *b, const struct target *t, struct err *err)
{
    int64_t today = clock_wall_ms(&b->clock) / DAY_MS, first, last;
    const char *key = arena_printf(&b->arena, b->cloudwatch ? "backfill.cloudwatch.%lld" : "backfill.%lld", (long long)t->id);
    int rc = 0;
    read_done(b, key, &first, &last);
    for (int64_t day = today; rc == 0 && day > today - b->days; day--) {
        if (day >= first && day < last)
            continue;
        rc = fill_day(b, t, day, err);
        bool none = last < first;
        if (rc == 0 && (none || day <= last))  // what was done before and what is done now is one stretch
            rc = state_kv_set(b->state, key, arena_printf(&b->arena, "%lld %lld", (long long)(none || day < first ? day : first), (long long)today), err);
    }
    return rc;
}

// A look tells which services there are and what one unit of each fleet is; without one, a Prometheus tells of the cluster alone, and CloudWatch
// what Container Insights has. The pasts point into the gather that is returned.
static struct gather *look(struct backfill *b, struct target *t)
{
    struct snapshot s;
    struct err err;
    struct gather *g = gather_new(t->region, &b->clock, t->policy->name);
    bool looked = gather_look(g, t->policy, IDENTIFY_MS, &b->arena, &s, &err) == 0;
    cloudwatch_past_of(&t->past, t->policy, looked ? &s : NULL, &b->arena);
    t->past.state = b->state;
    t->past.state_cluster = t->id;
    prometheus_past_of(&t->told, t->policy, looked ? &s : NULL, &b->arena);
    if (b->cloudwatch && !t->past.sizes_known)
        printf("%s: what its fleets registered before is not known, so percentages tell no amounts: only Container Insights counts\n", t->policy->name);
    else if (!b->cloudwatch && !looked)
        printf("%s: its services are not known, so only the cluster's sums are filled: %s\n", t->policy->name, err.msg);
    return g;
}

static int fill_cluster(struct backfill *b, const struct policy_cluster *p, struct err *err)
{
    struct target t = {.policy = p};
    int rc = region_new(b->clients, p->account, p->region, &t.region, err);
    rc = rc ? rc : region_identify(t.region, clock_wall_ms(&b->clock) + IDENTIFY_MS, err);
    rc = rc ? rc : state_cluster(b->state, region_account(t.region), region_name(t.region), p->name, &t.id, err);
    struct gather *g = rc == 0 ? look(b, &t) : NULL;
    rc = rc ? rc : fill_days(b, &t, err);
    gather_free(g);
    region_free(t.region);
    return rc ? err_wrap(err, "%s", p->name) : 0;
}

static int run_all(struct backfill *b, struct err *err)
{
    struct state_opened opened;
    bool found = false;
    int rc = transport_curl_new(&b->clock, &b->transport, err);
    if (rc)
        return rc;
    b->clients = aws_clients_new(&(struct aws_options){.transport = b->transport, .seed = (uint64_t)clock_wall_ms(&b->clock)});
    rc = state_open(&(struct state_options){.path = b->state_path, .clock = &b->clock}, &b->state, &opened, err);
    for (size_t i = 0; rc == 0 && i < b->policy.cluster_count; i++) {
        const struct policy_cluster *p = &b->policy.clusters[i];
        if ((!b->cloudwatch && !policy_usage_queried(&p->usage)) || (b->cluster && strcmp(b->cluster, p->name) != 0))
            continue;
        found = true;
        rc = fill_cluster(b, p, err);
    }
    const char *which = b->cluster ? b->cluster : "any cluster";
    if (rc == 0 && !found && b->cloudwatch)
        rc = err_set(err, ERR_INVALID, "%s has no cluster %s", b->policy_path, which);
    else if (rc == 0 && !found)
        rc = err_set(err, ERR_INVALID, "%s names no Prometheus for %s -> clusters[].usage.prometheus.url, or --from cloudwatch", b->policy_path, which);
    state_close(b->state);
    aws_clients_free(b->clients);
    b->transport->ops->free(b->transport);
    return rc;
}

static int run(struct backfill *b)
{
    struct err err = {0};
    struct buf report;
    arena_init(&b->arena, ARENA_MAX_BYTES);
    buf_init(&report, 1 << 20);
    clock_init_steady(&b->clock);
    int rc = policy_load_file(b->policy_path, &b->arena, &b->policy, &report, &err);
    if (report.len > 0)
        fputs(buf_str(&report), stderr);
    bool told = rc == ERR_INVALID;
    rc = rc ? rc : run_all(b, &err);
    if (rc == 0)
        printf("%lld points\n", (long long)b->points);
    else if (!told)
        fprintf(stderr, "masu backfill: %s\n", err.msg);
    buf_release(&report);
    arena_release(&b->arena);
    return rc == 0 ? EXIT_DONE : EXIT_FAILED;
}

int cmd_backfill(int argc, char **argv)
{
    struct backfill b = {.days = DAYS_DEFAULT, .from = "prometheus"};
    const struct option options[] = {
        {.name = "policy", .kind = OPTION_STRING, .ret = &b.policy_path, .value = "F", .help = "the policy file (required)"},
        {.name = "state", .kind = OPTION_STRING, .ret = &b.state_path, .value = "F", .help = "the database of masu run, which must not be running (required)"},
        {.name = "from", .kind = OPTION_STRING, .ret = &b.from, .value = "prometheus|cloudwatch", .help = "the Prometheus that the policy names, or CloudWatch (prometheus)"},
        {.name = "days", .kind = OPTION_INT, .ret = &b.days, .value = "N", .help = "so many days back (35)", .min = 1, .max = DAYS_MAX},
        {.name = "cluster", .kind = OPTION_STRING, .ret = &b.cluster, .value = "NAME", .help = "only this cluster of the policy"},
    };
    const struct options_spec spec = {.command = "backfill", .summary = "Fills the history of before masu from a Prometheus or CloudWatch: use, tasks and need of each cluster and service; CloudWatch tells requests too.",
                                      .options = options, .option_count = ARRAY_LEN(options),
                                      .epilogue = "What is known already stays. Cut short, it goes on where it was."};
    switch (options_parse(&spec, argc, argv, NULL)) {
    case OPTIONS_GO:
        break;
    case OPTIONS_HELPED:
        return EXIT_DONE;
    case OPTIONS_WRONG:
        return EXIT_USAGE;
    }
    if (b.policy_path == NULL || b.state_path == NULL) {
        fprintf(stderr, "masu backfill: --%s is missing -> masu backfill --help\n", b.policy_path ? "state" : "policy");
        return EXIT_USAGE;
    }
    b.cloudwatch = strcmp(b.from, "cloudwatch") == 0;
    if (!b.cloudwatch && strcmp(b.from, "prometheus") != 0) {
        fprintf(stderr, "masu backfill: --from %s is neither prometheus nor cloudwatch\n", b.from);
        return EXIT_USAGE;
    }
    return run(&b);
}
