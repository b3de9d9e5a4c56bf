#include "scaler/backfill_prometheus.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "scaler/usage_server.h"

enum { ANSWER_BYTES = 32 << 20, QUERY_BYTES = 32768, TRIES = 3 };
#define TIMEOUT_MS 60000
#define STEP_MS PROMETHEUS_PAST_STEP_MS
#define NONE SERIES_COUNT
#define OF_CLUSTER "{container_label_com_amazonaws_ecs_cluster=~\"(.*/)?$cluster\"}"

static const char *cpu(const struct policy_usage *p)
{
    return p->cpu_query;
}

static const char *memory(const struct policy_usage *p)
{
    return p->memory_query;
}

static const char *tasks(const struct policy_usage *p)
{
    return p->tasks_query;
}

static const char *largest(const struct policy_usage *p)
{
    return p->largest_query;
}

static const char *overflow(const struct policy_usage *p)
{
    return p->overflow_query;
}

static const char *shares(const struct policy_usage *p)
{
    (void)p;
    return "container_spec_cpu_shares" OF_CLUSTER;
}

// Without a reservation that is 0; without a limit the limit is 0 or an exbibyte.
static const char *given_memory(const struct policy_usage *p)
{
    (void)p;
    return "(container_spec_memory_reservation_limit_bytes" OF_CLUSTER " > 0) or (container_spec_memory_limit_bytes" OF_CLUSTER " < 1e15)";
}

static const struct line {
    enum series cluster[2], service[2];
    const char *(*query)(const struct policy_usage *p);  // "" or NULL: not asked
    double scale;
    bool most;                     // of the tasks of a family: not their sum
} lines[] = {
    {{SERIES_USED_CPU_UNITS, NONE}, {SERIES_SERVICE_USED_CPU_UNITS, NONE}, cpu, 1024, false},
    {{SERIES_USED_MEMORY_MIB, NONE}, {SERIES_SERVICE_USED_MEMORY_MIB, NONE}, memory, 1.0 / 1048576, false},
    {{SERIES_RUNNING_TASKS, SERIES_DESIRED_TASKS}, {SERIES_SERVICE_RUNNING, SERIES_SERVICE_DESIRED}, tasks, 1, false},
    {{SERIES_NEED_CPU_UNITS, NONE}, {SERIES_SERVICE_RESERVED_CPU_UNITS, NONE}, shares, 1, false},
    {{SERIES_NEED_MEMORY_MIB, NONE}, {SERIES_SERVICE_RESERVED_MEMORY_MIB, NONE}, given_memory, 1.0 / 1048576, false},
    {{NONE, NONE}, {SERIES_SERVICE_LARGEST_MEMORY_MIB, NONE}, largest, 1.0 / 1048576, true},
    {{SERIES_OVERFLOW, NONE}, {NONE, NONE}, overflow, 1, false},
};

struct past_line past_line_of(enum series series, const char *subject, const double *values, int64_t from_ms, int64_t step_ms, size_t steps, struct arena *a)
{
    struct past_line l = {.series = series, .subject = subject, .points = arena_array(a, struct history_point, steps + 1)};
    bool counts = series == SERIES_SERVICE_REQUESTS_PER_MINUTE;
    for (size_t k = 0; k < steps; k++)
        if (isfinite(values[k]) && (values[k] > 0 || (counts && values[k] == 0)) && values[k] < 1e15)
            l.points[l.count++] = (struct history_point){from_ms + (int64_t)k * step_ms, llround(values[k])};
    return l;
}

// ---- whose a family is ----------------------------------------------------------------------------------------------------
void prometheus_past_of(struct prometheus_past *ret, const struct policy_cluster *p, const struct snapshot *s, struct arena *a)
{
    int count = 0;
    *ret = (struct prometheus_past){.policy = p, .services = arena_array(a, const char *, s ? s->service_count + 1 : 1)};
    strmap_init(&ret->families, a, s ? s->service_count : 1);
    for (size_t k = 0; s && k < s->service_count; k++) {
        const struct service *x = &s->services[k];
        int shape = x->primary >= 0 ? x->deployments[x->primary].shape : -1;
        if (shape < 0)
            continue;
        const char *name = s->shapes[shape].name, *family = arena_strndup(a, name, strcspn(name, ": "));
        int known = strmap_get(&ret->families, family);
        if (known < 0)
            strmap_put(&ret->families, family, count);
        ret->services[known < 0 ? count : known] = known < 0 && x->on_ec2 && x->kind == SERVICE_REPLICA ? x->name : NULL;
        count += known < 0;
    }
}

// ---- one question ---------------------------------------------------------------------------------------------------------
// Values by step, NaN where there is none.
struct column {
    const char *service;
    double *value;
};

struct answer {
    const struct prometheus_past *past;
    struct arena *arena;
    int64_t from_ms;
    size_t steps;
    double *sum;
    struct column *columns;
    size_t count, cap;
    struct err err;
    bool over;
};

static double *unknown(const struct answer *to)
{
    double *v = arena_array(to->arena, double, to->steps + 1);
    for (size_t k = 0; k < to->steps; k++)
        v[k] = (double)NAN;
    return v;
}

// NULL: it tells of no service.
static double *column_of(struct answer *to, const struct prometheus_series *s)
{
    const char *family = prometheus_label(s, to->past->policy->usage.label);
    int k = family ? strmap_get(&to->past->families, family) : -1;
    const char *service = k >= 0 ? to->past->services[k] : NULL;
    if (service == NULL)
        return NULL;
    to->columns = arena_grow(to->arena, to->columns, to->count, &to->cap, sizeof *to->columns);
    to->columns[to->count] = (struct column){service, unknown(to)};
    return to->columns[to->count++].value;
}

// What is no number of one makes none of the sum.
static void add(double *to, double value)
{
    *to = !isfinite(value) ? (double)INFINITY : isnan(*to) ? value : *to + value;
}

static void take(void *arg, const struct prometheus_answer *a, const struct err *err)
{
    struct answer *to = arg;
    to->over = true;
    to->err = *err;
    if (a && a->warning_count > 0)
        err_set(&to->err, ERR_TRANSIENT, "answered in part: %s", a->warning);
    for (size_t i = 0; to->err.kind == 0 && i < a->series_count; i++) {
        double *mine = column_of(to, &a->series[i]);
        for (size_t k = 0; k < a->series[i].point_count; k++) {
            const struct prometheus_point *p = &a->series[i].points[k];
            int64_t at = p->at_ms >= to->from_ms ? (p->at_ms - to->from_ms) / STEP_MS : -1;
            if (at < 0 || at >= (int64_t)to->steps)
                continue;
            add(&to->sum[at], p->value);
            if (mine)
                add(&mine[at], p->value);
        }
    }
}

struct asking {
    struct transport *transport;
    const struct prometheus_server *server;
    int64_t from_ms, to_ms;
};

static int ask(const struct prometheus_past *p, const struct asking *with, const struct line *line, struct arena *a, struct answer *ret, struct err *err)
{
    struct transport *t = with->transport;
    _cleanup_(buf_release) struct buf text;
    buf_init(&text, QUERY_BYTES);
    buf_printf(&text, "%s by (%s) (", line->most ? "max" : "sum", p->policy->usage.label);
    usage_query(&text, line->query(&p->policy->usage), p->policy->name, p->policy->usage.label);
    buf_add_char(&text, ')');
    for (int try = 0; try < TRIES; try++) {
        *ret = (struct answer){.past = p, .arena = a, .from_ms = with->from_ms, .steps = (size_t)((with->to_ms - with->from_ms + STEP_MS - 1) / STEP_MS)};
        ret->sum = unknown(ret);
        struct prometheus_query q = {.promql = buf_str(&text), .from_ms = with->from_ms, .to_ms = with->to_ms - STEP_MS, .step_ms = STEP_MS, .timeout_ms = TIMEOUT_MS,
                                     .max_bytes = ANSWER_BYTES};
        prometheus_ask(t, with->server, &q, take, ret);
        while (!ret->over)
            t->ops->wait(t, clock_wall_ms(t->clock) + TIMEOUT_MS);
        if (ret->err.kind != ERR_TRANSIENT && ret->err.kind != ERR_THROTTLED)
            break;
        t->ops->wait(t, clock_wall_ms(t->clock) + 1000 * (try + 1));
    }
    *err = ret->err;
    return ret->err.kind ? err_wrap(err, "%s", series_name(line->cluster[0] < NONE ? line->cluster[0] : line->service[0])) : 0;
}

// ---- all of them ----------------------------------------------------------------------------------------------------------
struct told {
    struct past_line *v;
    size_t count, cap;
};

static void tell(struct told *t, const struct answer *from, const struct line *line, bool service, const char *subject, double *values)
{
    const enum series *series = service ? line->service : line->cluster;
    for (size_t k = 0; k < from->steps; k++) {
        values[k] *= line->scale;
        if (line->query == overflow)
            values[k] = values[k] > 0 ? 1 : (double)NAN;
        else if (line->most && isfinite(values[k]) && values[k] < 1e15)
            values[k] = (double)history_coarse_mib(llround(values[k]));
    }
    for (int k = 0; k < 2 && series[k] < NONE; k++) {
        t->v = arena_grow(from->arena, t->v, t->count, &t->cap, sizeof *t->v);
        t->v[t->count++] = past_line_of(series[k], subject, values, from->from_ms, STEP_MS, from->steps, from->arena);
    }
}

int prometheus_past_read(const struct prometheus_past *p, struct aws_clients *clients, struct transport *t, int64_t from_ms, int64_t to_ms, struct arena *a,
                         struct past_line **ret, size_t *ret_count, struct err *err)
{
    struct prometheus_server server;
    struct told told = {0};
    char secret[SECRET_MAX];
    int rc = usage_server(clients, NULL, p->policy->account, &p->policy->usage, &server, secret, err);
    const struct asking with = {t, &server, from_ms, to_ms};
    for (size_t k = 0; k < ARRAY_LEN(lines) && rc == 0; k++) {
        const char *query = lines[k].query(&p->policy->usage);
        struct answer got;
        if (!query || !*query)
            continue;
        rc = ask(p, &with, &lines[k], a, &got, err);
        for (size_t i = 0; rc == 0 && i < got.count; i++)
            tell(&told, &got, &lines[k], true, got.columns[i].service, got.columns[i].value);
        if (rc == 0)
            tell(&told, &got, &lines[k], false, "", got.sum);
    }
    *ret = told.v;
    *ret_count = rc == 0 ? told.count : 0;
    return rc;
}
