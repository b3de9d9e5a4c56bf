#include "scaler/recorded.h"

#include <string.h>

#include "base/parse.h"
#include "scaler/journal_cli.h"
#include "scaler/recorded_internal.h"

enum { DAYS_BY_DEFAULT = 7, FINE_DAYS = 3, MIDDLE_DAYS = 35, TICKS_BACK = 50, LEAST_MS = 3600000 };
#define DAY_MS INT64_C(86400000)

void recorded_leave_out(struct reading *g, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = arena_vprintf(g->a, fmt, ap);
    va_end(ap);
    g->ret->left_out = arena_grow(g->a, g->ret->left_out, g->ret->left_out_count, &g->left_cap, sizeof *g->ret->left_out);
    g->ret->left_out[g->ret->left_out_count++] = text;
}

// ---- which time -------------------------------------------------------------------------------------------------------------

static int choose_cluster(struct reading *g, const char *name)
{
    struct state_cluster_row *rows;
    size_t count;
    int rc = journal_cluster(g->r, name, g->a, &g->cluster, g->err);
    rc = rc ? rc : state_query_clusters(g->r, g->a, &rows, &count, g->err);
    if (rc)
        return rc;
    if (!name && count != 1) {
        char *known = arena_strdup(g->a, "");
        for (size_t i = 0; i < count; i++)
            known = arena_printf(g->a, "%s%s%s", known, i ? ", " : "", rows[i].name);
        return err_set(g->err, ERR_INVALID, count ? "which cluster? -> --cluster NAME, one of %s" : "it has no cluster yet%s", known);
    }
    g->cluster = name ? g->cluster : rows[0].id;
    g->ret->cluster = name ? name : rows[0].name;
    return 0;
}

static int choose_time(struct reading *g, const struct recorded_query *q)
{
    struct state_span span;
    int rc = state_query_span(g->r, g->cluster, &span, g->err);
    if (rc)
        return rc;
    if (span.last_ms == 0)
        return err_set(g->err, ERR_NOT_FOUND, "%s has no tick in the journal yet", g->ret->cluster);
    g->newest_ms = span.last_ms;
    int64_t from_ms = q->from_ms < 0 ? span.last_ms + q->from_ms : q->from_ms, to_ms = q->to_ms < 0 ? span.last_ms + q->to_ms : q->to_ms;
    g->ret->to_ms = (to_ms && to_ms < span.last_ms ? to_ms : span.last_ms) / MINUTE_MS * MINUTE_MS;
    g->ret->from_ms = (from_ms ? from_ms : g->ret->to_ms - DAYS_BY_DEFAULT * DAY_MS) / MINUTE_MS * MINUTE_MS;
    int64_t age_ms = span.last_ms - g->ret->from_ms;
    g->step_ms = age_ms <= FINE_DAYS * DAY_MS ? MINUTE_MS : age_ms <= MIDDLE_DAYS * DAY_MS ? 5 * MINUTE_MS : 60 * MINUTE_MS;
    return 0;
}

static int read_newest(struct reading *g, bool own_policy)
{
    int64_t before = 0;
    for (bool more = true; more;) {
        const struct state_ticks_query q = {.cluster = g->cluster, .before = before, .limit = TICKS_BACK};
        struct state_tick *ticks;
        size_t count;
        int rc = state_query_ticks(g->r, &q, g->a, &ticks, &count, &more, g->err);
        if (rc)
            return rc;
        for (size_t i = 0; i < count; i++) {
            struct state_tick_whole whole;
            before = ticks[i].id;
            if (ticks[i].at_ms > g->ret->to_ms + MINUTE_MS || !ticks[i].has_body || !ticks[i].planned || !*ticks[i].planned_policy)
                continue;
            rc = state_query_tick(g->r, ticks[i].id, g->a, &whole, g->err);
            return rc ? rc : own_policy ? replay_read_snapshot(&whole, g->a, &g->newest->snapshot, g->err) : replay_read(g->r, &whole, g->a, g->newest, g->err);
        }
        more = more && count > 0;
    }
    return err_set(g->err, ERR_NOT_FOUND, "the journal has no whole tick of %s up to that time", g->ret->cluster);
}

// ---- series -----------------------------------------------------------------------------------------------------------------

int recorded_series(struct reading *g, enum history_kind kind, const char *subject, const enum series *which, int64_t *const *ret, size_t count)
{
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < g->buckets; i++)
            ret[k][i] = STATE_NO_VALUE;
    int64_t page_ms = (STATE_POINTS_MAX - 1) * g->step_ms;
    struct arena page;
    int rc = 0;
    arena_init(&page, 0);
    for (int64_t from = g->ret->from_ms; rc == 0 && from < g->ret->to_ms; from += page_ms) {
        int64_t to = from + page_ms < g->ret->to_ms ? from + page_ms : g->ret->to_ms;
        const struct state_series_query q = {.cluster = g->cluster, .kind = kind, .subject = subject, .from_ms = from, .to_ms = to, .step_ms = g->step_ms,
                                             .now_ms = g->newest_ms};
        struct state_series v;
        rc = state_query_series(g->r, &q, &page, &v, g->err);
        for (size_t i = 0; rc == 0 && v.known && i < v.count; i++) {
            // a coarser bucket than was asked for fills all that it covers
            for (int64_t at = v.from_ms + (int64_t)i * v.step_ms, end = at + v.step_ms; at < end; at += g->step_ms) {
                int64_t bucket = (at - g->ret->from_ms) / g->step_ms;
                if (at < g->ret->from_ms || bucket >= (int64_t)g->buckets)
                    continue;
                for (size_t k = 0; k < count; k++)
                    if (v.values[which[k]])
                        ret[k][bucket] = v.values[which[k]][i];
            }
        }
        arena_reset(&page);
    }
    arena_release(&page);
    return rc;
}

// ---- services ---------------------------------------------------------------------------------------------------------------

static const struct service *find_service(const struct snapshot *s, const char *name)
{
    for (size_t i = 0; i < s->service_count; i++)
        if (!strcmp(s->services[i].name, name))
            return &s->services[i];
    return NULL;
}

static void set_strategies(const struct shape *x, struct scene_service *ret)
{
    for (int i = 0; x && i < x->strategy_count && ret->strategy_count < WORLD_STRATEGIES; i++) {
        const struct place_strategy *p = &x->strategies[i];
        bool zone = p->kind == PLACE_SPREAD && strstr(p->field, "availability-zone"), type = p->kind == PLACE_SPREAD && strstr(p->field, "instance-type");
        enum world_strategy_kind kind = p->kind == PLACE_BINPACK_CPU ? WS_BINPACK_CPU : p->kind == PLACE_BINPACK_MEMORY ? WS_BINPACK_MEMORY
                                        : p->kind == PLACE_RANDOM ? WS_RANDOM : zone ? WS_SPREAD_ZONE : type ? WS_SPREAD_TYPE : WS_SPREAD_INSTANCE;
        ret->strategies[ret->strategy_count++] = kind;
    }
}

// Where the service has no sample and the cluster has, it was not there; where neither has, nobody looked, and it stays as it was.
static struct workload_trace *demand_of(struct reading *g, const int64_t *desired)
{
    struct workload_trace *t = arena_new(g->a, struct workload_trace);
    double last = 0, sum = 0;
    t->at_s = arena_array(g->a, int64_t, g->buckets);
    t->value = arena_array(g->a, double, g->buckets);
    t->step_s = g->step_ms / 1000;
    for (size_t i = 0; i < g->buckets && last == 0 && g->all[i] == STATE_NO_VALUE; i++)
        last = i + 1 < g->buckets && desired[i + 1] != STATE_NO_VALUE ? (double)desired[i + 1] : 0;
    for (size_t i = 0; i < g->buckets; i++) {
        if (desired[i] != STATE_NO_VALUE)
            last = (double)desired[i];
        else if (g->all[i] != STATE_NO_VALUE)
            last = 0;
        t->at_s[t->count] = (g->ret->from_ms + (int64_t)i * g->step_ms) / 1000;
        t->value[t->count++] = last;
        sum += last;
    }
    t->mean = sum / (double)t->count;
    return t;
}

static const struct shape *shape_of(const struct snapshot *s, const struct service *x)
{
    return x && x->primary >= 0 && x->deployments[x->primary].shape >= 0 ? &s->shapes[x->deployments[x->primary].shape] : NULL;
}

// `t` NULL: a daemon, of which nothing is recorded but what it is.
static void add_service(struct reading *g, const char *name, const struct service *x, const struct res *size, struct workload_trace *t)
{
    const char *why = size->v[RES_GPU] > 0 ? "its tasks want GPUs, which the virtual world's types have not" : size->v[RES_MEMORY] == 0
                      ? "what its tasks reserve was never known" : g->s->service_count == SCENE_SERVICES_MAX ? "more services than a scene holds" : NULL;
    if (why) {
        recorded_leave_out(g, "service %s: %s", name, why);
        return;
    }
    struct scene_service *out = &g->s->services[g->s->service_count++];
    *out = (struct scene_service){.name = arena_strndup(g->a, name, WORLD_ID - 1), .cpu_units = size->v[RES_CPU], .memory_mib = size->v[RES_MEMORY],
                                  .tasks = !t || t->mean < 1 ? 1 : (int64_t)(t->mean + 0.5), .follow = SCENE_RECORDED, .recorded = t, .factor = 1,
                                  .daemon = !t, .min_percent = x ? x->min_percent : 100, .max_percent = x ? x->max_percent : 200};
    set_strategies(shape_of(&g->newest->snapshot, x), out);
}

static int read_service(struct reading *g, const char *name, int64_t *const v[3])
{
    static const enum series series[] = {SERIES_SERVICE_DESIRED, SERIES_SERVICE_NEED_CPU_UNITS, SERIES_SERVICE_NEED_MEMORY_MIB};
    const struct service *x = find_service(&g->newest->snapshot, name);
    const struct shape *shape = shape_of(&g->newest->snapshot, x);
    if (x && (!x->on_ec2 || x->kind == SERVICE_DAEMON))
        return 0;
    int rc = recorded_series(g, HISTORY_SERVICE, name, series, v, 3);
    if (rc)
        return rc;
    struct workload_trace *t = demand_of(g, v[0]);
    struct res size = shape && shape->known ? shape->need : (struct res){{0}};
    for (size_t i = g->buckets; i-- > 0 && size.v[RES_MEMORY] == 0;)
        if (v[0][i] > 0 && v[1][i] >= 0 && v[2][i] > 0)
            size = res_make(v[1][i] / v[0][i], v[2][i] / v[0][i]);
    if (t->mean > 0)
        add_service(g, name, x, &size, t);
    return 0;
}

static int read_services(struct reading *g, const struct state_subject *subjects, size_t count)
{
    int64_t *v[3];
    for (int k = 0; k < 3; k++)
        v[k] = arena_array(g->a, int64_t, g->buckets);
    g->s->service_count = 0;
    for (size_t i = 0; i < count; i++) {
        int rc = subjects[i].kind == HISTORY_SERVICE ? read_service(g, subjects[i].subject, v) : 0;
        if (rc)
            return rc;
    }
    const struct snapshot *s = &g->newest->snapshot;
    for (size_t i = 0; g->s->service_count > 0 && i < s->service_count; i++) {
        const struct shape *shape = shape_of(s, &s->services[i]);
        if (s->services[i].kind == SERVICE_DAEMON && s->services[i].on_ec2)
            add_service(g, s->services[i].name, &s->services[i], shape ? &shape->need : &(struct res){{0}}, NULL);
    }
    if (g->s->service_count == 0)
        return err_set(g->err, ERR_NOT_FOUND, "no service of %s on EC2 is recorded in that time", g->ret->cluster);
    return 0;
}

// What no series keeps.
static void leave_out_unrecorded(struct reading *g)
{
    const struct snapshot *s = &g->newest->snapshot;
    int64_t alone = 0;
    for (size_t i = 0; i < s->instance_count; i++)
        for (size_t k = 0; k < s->instances[i].holding_count; k++)
            alone += s->instances[i].holdings[k].service < 0 ? s->instances[i].holdings[k].running + s->instances[i].holdings[k].pending : 0;
    if (alone > 0)
        recorded_leave_out(g, "tasks of no service, %" PRId64 " in the newest tick: when they come and go is not recorded", alone);
    recorded_leave_out(g, "deployments and shortages of capacity: they are not recorded");
}

// ---- the whole --------------------------------------------------------------------------------------------------------------

static int read_boots(struct reading *g)
{
    const struct state_series_query q = {.cluster = g->cluster, .kind = HISTORY_CLUSTER, .subject = "", .from_ms = g->ret->from_ms, .to_ms = g->ret->to_ms,
                                         .step_ms = 60 * MINUTE_MS, .now_ms = g->newest_ms, .spread = true};
    struct state_series v;
    int rc = state_query_series(g->r, &q, g->a, &v, g->err);
    if (rc == 0 && v.known && v.spread[SERIES_BOOT_MS].samples > 0) {
        g->s->boot_p50_ms = v.spread[SERIES_BOOT_MS].p50;
        g->s->boot_p90_ms = v.spread[SERIES_BOOT_MS].p95 > g->s->boot_p50_ms ? v.spread[SERIES_BOOT_MS].p95 : g->s->boot_p50_ms;
    }
    if (g->newest->snapshot.boot_p90_ms >= g->s->boot_p50_ms)
        g->s->boot_p90_ms = g->newest->snapshot.boot_p90_ms;
    if (g->s->boot_p90_ms < g->s->boot_p50_ms)
        g->s->boot_p90_ms = g->s->boot_p50_ms;
    return rc;
}

// The time begins where something was recorded first.
static int begin_at_first(struct reading *g)
{
    char at[32];
    size_t unknown = 0;
    while (unknown < g->buckets && g->all[unknown] == STATE_NO_VALUE)
        unknown++;
    if ((int64_t)(g->buckets - unknown) * g->step_ms < LEAST_MS)
        return err_set(g->err, ERR_NOT_FOUND, "less than an hour of %s is recorded in that time", g->ret->cluster);
    if (unknown == 0)
        return 0;
    g->all += unknown;
    g->buckets -= unknown;
    g->ret->from_ms += (int64_t)unknown * g->step_ms;
    recorded_leave_out(g, "the time before %s: nothing is recorded of it", format_iso8601(g->ret->from_ms, false, at));
    return 0;
}

static int read_all(struct reading *g)
{
    static const enum series all = SERIES_DESIRED_TASKS;
    struct state_subject *subjects;
    size_t count;
    int rc = state_query_subjects(g->r, g->cluster, g->a, &subjects, &count, g->err);
    if (rc)
        return rc;
    recorded_zones(g, subjects, count);
    g->all = arena_array(g->a, int64_t, g->buckets);
    rc = recorded_series(g, HISTORY_CLUSTER, "", &all, &g->all, 1);
    rc = rc ? rc : begin_at_first(g);
    rc = rc ? rc : read_services(g, subjects, count);
    rc = rc ? rc : recorded_types(g);
    rc = rc ? rc : recorded_market(g, subjects, count);
    rc = rc ? rc : recorded_notices(g);
    leave_out_unrecorded(g);
    return rc ? rc : read_boots(g);
}

int recorded_scene(struct state_reader *r, const struct recorded_query *q, struct arena *a, struct scene *s, struct recorded *ret, struct err *err)
{
    struct reading g = {.r = r, .a = a, .s = s, .ret = ret, .newest = arena_new(a, struct replay_input), .err = err};
    *ret = (struct recorded){0};
    int rc = choose_cluster(&g, q->cluster);
    rc = rc ? rc : choose_time(&g, q);
    if (rc)
        return rc;
    if (ret->to_ms - ret->from_ms < LEAST_MS)
        return err_set(err, ERR_INVALID, "less than an hour lies between --from and %s", q->to_ms ? "--to" : "the newest tick");
    g.buckets = (size_t)((ret->to_ms - ret->from_ms) / g.step_ms);
    rc = read_newest(&g, q->own_policy);
    rc = rc ? rc : read_all(&g);
    if (rc)
        return rc;
    s->name = ret->cluster;
    s->start_ms = ret->from_ms;
    s->for_ms = ret->to_ms - ret->from_ms;
    if (!q->own_policy)
        s->policy = &g.newest->policy.clusters[0];
    return 0;
}
