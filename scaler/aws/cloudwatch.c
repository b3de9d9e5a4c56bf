#include "scaler/aws/cloudwatch.h"

#include <math.h>

#include "base/parse.h"
#include "scaler/aws/aws_job.h"

static int decode(struct aws_job *job, const struct xml_node *root, struct err *err);
static const struct aws_operation get_metric_data = {AWS_CLOUDWATCH, "GetMetricData", false, false, NULL, decode, NULL};

// ---- asking ---------------------------------------------------------------------------------------------------------------
// "MetricDataQueries.member.N." and a name below it.
static void add(struct buf *b, size_t n, const char *name, const char *value)
{
    char full[128];
    snprintf(full, sizeof full, "MetricDataQueries.member.%zu.%s", n, name);
    aws_form_add(b, full, value);
}

static void add_query(struct buf *b, size_t n, size_t index, const struct cloudwatch_metric *m, int64_t period_s)
{
    char text[32], name[64];
    snprintf(text, sizeof text, "m%zu", index);
    add(b, n, "Id", text);
    add(b, n, "MetricStat.Metric.Namespace", m->name_space);
    add(b, n, "MetricStat.Metric.MetricName", m->name);
    for (size_t d = 0; d < ARRAY_LEN(m->dimensions) && m->dimensions[d].key; d++) {
        snprintf(name, sizeof name, "MetricStat.Metric.Dimensions.member.%zu.Name", d + 1);
        add(b, n, name, m->dimensions[d].key);
        snprintf(name, sizeof name, "MetricStat.Metric.Dimensions.member.%zu.Value", d + 1);
        add(b, n, name, m->dimensions[d].value);
    }
    snprintf(text, sizeof text, "%lld", (long long)period_s);
    add(b, n, "MetricStat.Period", text);
    add(b, n, "MetricStat.Stat", m->stat);
}

void cloudwatch_get_metric_data(struct aws_with w, const struct cloudwatch_ask *ask, struct cloudwatch_data *ret)
{
    char from[32], to[32];
    *ret = (struct cloudwatch_data){.series = arena_array(w.arena, struct cloudwatch_series, ask->count + 1), .count = ask->count};
    aws_call_begin(&ret->call);
    assert(ask->period_s > 0 && ask->period_s % 60 == 0);
    assert(ask->from_ms < ask->to_ms);
    format_iso8601(ask->from_ms / 1000 * 1000, false, from);
    format_iso8601(ask->to_ms / 1000 * 1000, false, to);
    for (size_t first = 0; first < ask->count; first += CLOUDWATCH_QUERIES_MAX) {
        _cleanup_(buf_release) struct buf b;
        buf_init(&b, AWS_REQUEST_MAX);
        aws_form_begin(&b, get_metric_data.name, "2010-08-01");
        for (size_t i = first; i < ask->count && i < first + CLOUDWATCH_QUERIES_MAX; i++)
            add_query(&b, i - first + 1, i, &ask->metrics[i], ask->period_s);
        aws_form_add(&b, "StartTime", from);
        aws_form_add(&b, "EndTime", to);
        aws_form_add(&b, "ScanBy", "TimestampAscending");
        aws_job_submit(&(struct aws_job){.with = w, .op = &get_metric_data, .call = &ret->call, .ret = ret}, &b);
    }
    aws_call_settle(&ret->call);
}

double *cloudwatch_by_step(const struct cloudwatch_series *s, int64_t from_ms, int64_t step_ms, size_t steps, struct arena *a)
{
    double *v = arena_array(a, double, steps + 1);
    for (size_t k = 0; k < steps; k++)
        v[k] = (double)NAN;
    for (size_t i = 0; i < s->count; i++) {
        int64_t k = s->points[i].at_ms >= from_ms ? (s->points[i].at_ms - from_ms) / step_ms : -1;
        if (k >= 0 && k < (int64_t)steps)
            v[k] = s->points[i].value;
    }
    return v;
}

// ---- answers --------------------------------------------------------------------------------------------------------------
static int add_points(struct cloudwatch_series *s, const struct xml_node *n, struct arena *a, struct err *err)
{
    const struct xml_node *at = xml_first(n, "Timestamps", "member"), *value = xml_first(n, "Values", "member");
    for (; at && value; at = xml_next(at), value = xml_next(value)) {
        struct cloudwatch_point p = {.at_ms = xml_time_ms(at, "")};
        if (p.at_ms <= 0 || !parse_double(slice_of(value->text), &p.value))
            return err_set(err, ERR_CORRUPT, "a point without time or number");
        s->points = arena_grow(a, s->points, s->count, &s->cap, sizeof *s->points);
        s->points[s->count++] = p;
    }
    return at || value ? err_set(err, ERR_CORRUPT, "as many times as values are missing") : 0;
}

// A series goes on over pages: each has its status, the last one's counts.
static int take_result(struct aws_job *job, const struct xml_node *n, struct err *err)
{
    struct cloudwatch_data *ret = job->ret;
    const char *id = xml_text(n, "Id"), *status = xml_text(n, "StatusCode");
    uint64_t index;
    if (id[0] != 'm' || !parse_u64(slice_of(id + 1), &index) || index >= ret->count)
        return err_set(err, ERR_CORRUPT, "a series that was not asked for: %.60s", id);
    struct cloudwatch_series *s = &ret->series[index];
    s->whole = strcmp(status, "Complete") == 0;
    if (strcmp(status, "InternalError") == 0 || strcmp(status, "Forbidden") == 0)
        aws_call_doubt(job->call, status[0] == 'F' ? ERR_DENIED : ERR_TRANSIENT, "GetMetricData: %s for %.60s", status, xml_text(n, "Label"));
    return add_points(s, n, job->with.arena, err);
}

// Of a page that cannot be used nothing is kept.
static void forget_page(struct cloudwatch_data *d, const size_t *before)
{
    for (size_t i = 0; i < d->count; i++) {
        d->series[i].whole = d->series[i].whole && d->series[i].count == before[i];
        d->series[i].count = before[i];
    }
}

static int decode(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    struct cloudwatch_data *ret = job->ret;
    const struct xml_node *result = xml_at(root, "GetMetricDataResult");
    size_t *before = arena_array(job->with.arena, size_t, ret->count + 1);
    int rc = 0;
    for (size_t i = 0; i < ret->count; i++)
        before[i] = ret->series[i].count;
    for (const struct xml_node *n = xml_first(result, "MetricDataResults", "member"); n && rc == 0; n = xml_next(n))
        rc = take_result(job, n, err);
    if (rc)
        forget_page(ret, before);
    else
        job->token = xml_text_in(result, "NextToken", job->with.arena);
    return rc;
}
