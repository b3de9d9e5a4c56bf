#include "scaler/requests.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define STEP_MS INT64_C(300000)
#define LATE_MS (2 * STEP_MS)
#define DAY_MS INT64_C(86400000)
enum { ARENA_MAX_BYTES = 256 << 20 };

struct asked {
    const char *service;
    size_t first, groups;      // its series
};

struct requests {
    struct region *region;
    const struct clock *clock;
    struct arena arena;        // of the question that is open
    struct cloudwatch_data data;
    struct asked *services;
    size_t service_count;
    int64_t from_ms, to_ms;    // that it asks for
    bool open;
    int64_t next_ms, good_ms;  // of the next question; when the last good one was answered
    int64_t done_ms;           // what is before is known as far as it ever will be
    char error[160];
};

// ---- shared with masu backfill ----------------------------------------------------------------------------------------------
size_t requests_metrics(const struct service *s, struct cloudwatch_metric *ret)
{
    for (size_t g = 0; g < s->target_group_count; g++)
        ret[g] = (struct cloudwatch_metric){"AWS/ApplicationELB", "RequestCountPerTarget", {{"TargetGroup", s->target_groups[g]}}, "Sum"};
    return s->target_group_count;
}

const double *requests_per_minute(const struct cloudwatch_series *groups, size_t count, const double *tasks, int64_t from_ms, int64_t step_ms,
                                  size_t steps, struct arena *a)
{
    double *sum = arena_array(a, double, steps + 1);
    bool any = false;
    for (size_t g = 0; g < count; g++) {
        const double *v = cloudwatch_by_step(&groups[g], from_ms, step_ms, steps, a);
        for (size_t k = 0; groups[g].count > 0 && k < steps; k++)
            sum[k] += v[k];
        any = any || groups[g].count > 0;
    }
    for (size_t k = 0; k < steps; k++)
        sum[k] *= tasks[k] * 60000 / (double)step_ms;
    return any ? sum : NULL;
}

// ---- a question ---------------------------------------------------------------------------------------------------------------
static void ask(struct requests *q, const struct policy_cluster *p, const struct snapshot *s, int64_t now_ms)
{
    size_t groups = 0, n = 0;
    q->next_ms = now_ms + p->requests_ms;
    q->to_ms = (now_ms - LATE_MS) / STEP_MS * STEP_MS;
    q->from_ms = q->done_ms > q->to_ms - DAY_MS ? q->done_ms : q->to_ms - DAY_MS;  // a metric costs the same for any stretch
    for (size_t i = 0; i < s->service_count; i++)
        groups += s->services[i].on_ec2 ? s->services[i].target_group_count : 0;
    if (groups == 0)
        snprintf(q->error, sizeof q->error, "no service has a target group");
    if (groups == 0 || q->from_ms >= q->to_ms)
        return;
    arena_init(&q->arena, ARENA_MAX_BYTES);
    q->open = true;
    q->services = arena_array(&q->arena, struct asked, s->service_count);
    q->service_count = 0;
    struct cloudwatch_metric *m = arena_array(&q->arena, struct cloudwatch_metric, groups);
    for (size_t i = 0; i < s->service_count; i++) {
        const struct service *x = &s->services[i];
        if (!x->on_ec2 || x->target_group_count == 0)
            continue;
        q->services[q->service_count++] = (struct asked){arena_strdup(&q->arena, x->name), n, x->target_group_count};
        n += requests_metrics(x, m + n);
    }
    const struct aws_with with = {.aws = region_aws(q->region), .arena = &q->arena, .lane = AWS_LANE_WAIT};
    cloudwatch_get_metric_data(with, &(struct cloudwatch_ask){m, n, q->from_ms, q->to_ms, STEP_MS / 1000}, &q->data);
}

static int keep(struct requests *q, const struct asked *x, struct state *state, int64_t cluster, struct err *err)
{
    size_t steps = (size_t)((q->to_ms - q->from_ms) / STEP_MS), n = 0;
    double *tasks = arena_array(&q->arena, double, steps + 1);
    struct history_point *points = arena_array(&q->arena, struct history_point, steps + 1);
    for (size_t g = 0; g < x->groups; g++)
        if (!q->data.series[x->first + g].whole)
            return 0;
    int rc = state_history_values(state, cluster, SERIES_SERVICE_RUNNING, x->service, q->from_ms, STEP_MS, steps, tasks, err);
    const double *v = rc == 0 ? requests_per_minute(&q->data.series[x->first], x->groups, tasks, q->from_ms, STEP_MS, steps, &q->arena) : NULL;
    for (size_t k = 0; v && k < steps; k++)
        if (isfinite(v[k]) && v[k] >= 0 && v[k] < 1e15)
            points[n++] = (struct history_point){q->from_ms + (int64_t)k * STEP_MS, llround(v[k])};
    return n > 0 ? state_history_fill(state, cluster, SERIES_SERVICE_REQUESTS_PER_MINUTE, x->service, STEP_MS, points, n, err) : rc;
}

static void take(struct requests *q, struct state *state, int64_t cluster, int64_t now_ms)
{
    struct err err = q->data.call.err;
    int rc = q->data.call.state == AWS_CALL_COMPLETE ? 0 : err.kind ? err.kind : err_set(&err, ERR_TRANSIENT, "GetMetricData was not answered");
    bool useful = q->data.call.state == AWS_CALL_COMPLETE || q->data.call.state == AWS_CALL_PARTIAL;
    for (size_t i = 0; i < q->service_count && useful; i++) {
        struct err one = {0};
        if (keep(q, &q->services[i], state, cluster, &one) != 0 && rc == 0) {
            rc = one.kind;
            err = one;
        }
    }
    snprintf(q->error, sizeof q->error, "%s", rc ? err.msg : "");
    if (rc == 0) {
        q->good_ms = now_ms;
        q->done_ms = q->to_ms;
    }
    arena_release(&q->arena);
    q->open = false;
}

void requests_turn(struct requests *q, const struct policy_cluster *p, const struct snapshot *s, struct state *state, int64_t cluster)
{
    int64_t now_ms = clock_wall_ms(q->clock);
    if (state == NULL || cluster == 0)
        return;
    if (q->open && q->data.call.state != AWS_CALL_OPEN)
        take(q, state, cluster, now_ms);
    if (q->next_ms == 0)
        q->next_ms = now_ms + STEP_MS;  // who looks once does not ask
    if (!q->open && p->requests_ms > 0 && now_ms >= q->next_ms)
        ask(q, p, s, now_ms);
}

void requests_tell(const struct requests *q, const struct policy_cluster *p, struct arena *a, struct snapshot *s)
{
    if (p->requests_ms <= 0)
        return;
    bool known = q->good_ms > 0 && s->now_ms - q->good_ms <= 2 * p->requests_ms;
    s->requests = (struct source){.state = known ? SOURCE_OK : SOURCE_UNKNOWN, .read_ms = q->good_ms,
                                  .detail = arena_strdup(a, q->error[0] ? q->error : q->good_ms > 0 ? "" : "not read yet")};
}

// ---- life -----------------------------------------------------------------------------------------------------------------

struct requests *requests_new(struct region *r, const struct clock *clock)
{
    struct requests *q = calloc(1, sizeof *q);
    assert(q);
    q->region = r;
    q->clock = clock;
    return q;
}

void requests_free(struct requests *q)
{
    if (q == NULL)
        return;
    if (q->open) {
        aws_cancel(region_clients(q->region), AWS_LANE_WAIT);
        arena_release(&q->arena);
    }
    free(q);
}
