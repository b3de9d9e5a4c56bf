// CloudWatch: GetMetricData of what metrics.c kept, in the query protocol. Metrics that nobody records have no data; expressions are not played.
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/parse.h"
#include "scaler/sandbox/metrics_rings.h"

enum { QUERIES_MAX = 500, POINTS_MAX = 100800 };
#define INSIGHTS "ECS/ContainerInsights"

static void get_metric_data(struct call *c);

#define QUERY "MetricDataQueries.member.N."
static const char *const data_params[] = {QUERY "Id", QUERY "Label", QUERY "ReturnData", QUERY "MetricStat.Metric.Namespace", QUERY "MetricStat.Metric.MetricName",
                                          QUERY "MetricStat.Metric.Dimensions.member.N.Name", QUERY "MetricStat.Metric.Dimensions.member.N.Value",
                                          QUERY "MetricStat.Period", QUERY "MetricStat.Stat", QUERY "MetricStat.Unit", "StartTime", "EndTime", "ScanBy",
                                          "MaxDatapoints", "NextToken", NULL};
const struct op metrics_ops[] = {{"cloudwatch:GetMetricData", get_metric_data, BUCKET_METRICS, false, true, data_params}};
const size_t metrics_op_count = ARRAY_LEN(metrics_ops);

// ---- what is recorded -----------------------------------------------------------------------------------------------------
#define AT(field) offsetof(struct metric_minute, field)

static const struct recorded {
    const char *name_space, *name;
    const char *dimensions[2];  // in the order of the alphabet
    size_t value;               // where it stands in a minute
    size_t whole;               // the value is a percentage of this; 0: it is an amount
    size_t most;                // there is a sample a task, this the highest; 0: one a minute
} recorded[] = {
    {"AWS/ECS", "CPUReservation", {"ClusterName"}, AT(taken[RES_CPU]), AT(registered[RES_CPU]), 0},
    {"AWS/ECS", "MemoryReservation", {"ClusterName"}, AT(taken[RES_MEMORY]), AT(registered[RES_MEMORY]), 0},
    {"AWS/ECS", "CPUUtilization", {"ClusterName"}, AT(used[RES_CPU]), AT(registered[RES_CPU]), 0},
    {"AWS/ECS", "MemoryUtilization", {"ClusterName"}, AT(used[RES_MEMORY]), AT(registered[RES_MEMORY]), 0},
    {"AWS/ECS", "LiveTaskCount", {"ClusterName"}, AT(tasks), 0, 0},
    {INSIGHTS, "CpuReserved", {"ClusterName"}, AT(reserved[RES_CPU]), 0, AT(reserved_most[RES_CPU])},
    {INSIGHTS, "MemoryReserved", {"ClusterName"}, AT(reserved[RES_MEMORY]), 0, AT(reserved_most[RES_MEMORY])},
    {INSIGHTS, "CpuUtilized", {"ClusterName"}, AT(used[RES_CPU]), 0, AT(used_most[RES_CPU])},
    {INSIGHTS, "MemoryUtilized", {"ClusterName"}, AT(used[RES_MEMORY]), 0, AT(used_most[RES_MEMORY])},
    {INSIGHTS, "TaskCount", {"ClusterName"}, AT(tasks), 0, 0},
    {INSIGHTS, "CpuReserved", {"ClusterName", "ServiceName"}, AT(reserved[RES_CPU]), 0, AT(reserved_most[RES_CPU])},
    {INSIGHTS, "MemoryReserved", {"ClusterName", "ServiceName"}, AT(reserved[RES_MEMORY]), 0, AT(reserved_most[RES_MEMORY])},
    {INSIGHTS, "CpuUtilized", {"ClusterName", "ServiceName"}, AT(used[RES_CPU]), 0, AT(used_most[RES_CPU])},
    {INSIGHTS, "MemoryUtilized", {"ClusterName", "ServiceName"}, AT(used[RES_MEMORY]), 0, AT(used_most[RES_MEMORY])},
    {INSIGHTS, "RunningTaskCount", {"ClusterName", "ServiceName"}, AT(tasks), 0, 0},
    {INSIGHTS, "DesiredTaskCount", {"ClusterName", "ServiceName"}, AT(desired), 0, 0},
    {"AWS/ApplicationELB", "RequestCountPerTarget", {"TargetGroup"}, AT(requests), 0, 0},
    {"AWS/EC2Spot", "FulfilledCapacity", {"FleetRequestId"}, AT(fulfilled), 0, 0},
    {"AWS/EC2Spot", "TargetCapacity", {"FleetRequestId"}, AT(target), 0, 0},
};

static double at(const struct metric_minute *m, size_t field)
{
    return *(const double *)(const void *)((const char *)m + field);
}

static double recorded_value(const struct recorded *r, const struct metric_minute *m)
{
    double value = at(m, r->value), whole = r->whole ? at(m, r->whole) : 0;
    return !r->whole ? value : whole > 0 ? 100 * value / whole : (double)NAN;
}

static bool of_fleet(const struct recorded *r)
{
    return strcmp(r->dimensions[0], "FleetRequestId") == 0;
}

static bool of_group(const struct recorded *r)
{
    return strcmp(r->dimensions[0], "TargetGroup") == 0;
}

// ---- what is asked --------------------------------------------------------------------------------------------------------
struct query {
    const char *id, *label, *stat;
    const struct recorded *of;            // NULL: no data
    const struct metric_ring *ring;       // NULL: no data
    int64_t period_ms;
};

struct ask {
    struct query *queries;
    size_t count;
    int64_t from_ms, to_ms;
    bool ascending;
    struct page page;
};

static bool refuse(struct call *c, const char *what)
{
    call_fail(c, 400, "ValidationError", "%s", what);
    return false;
}

static const char *text_of(struct call *c, size_t n, const char *name)
{
    return form_str(&c->form, arena_printf(c->arena, "MetricDataQueries.member.%zu.%s", n, name), c->arena);
}

static bool good_id(const struct ask *a, const char *id)
{
    bool good = id && id[0] >= 'a' && id[0] <= 'z' && strlen(id) <= 255;
    for (const char *p = id; good && *p; p++)
        good = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '_';
    for (size_t i = 0; good && i < a->count; i++)
        good = strcmp(a->queries[i].id, id) != 0;
    return good;
}

static bool good_stat(const char *stat)
{
    static const char *const stats[] = {"Average", "Maximum", "Minimum", "Sum", "SampleCount"};
    for (size_t i = 0; stat && i < ARRAY_LEN(stats); i++)
        if (strcmp(stat, stats[i]) == 0)
            return true;
    return false;
}

// The dimension is the ARN from "targetgroup/" on.
static bool has_group(const struct world_service *s, const char *name)
{
    bool found = false;
    for (int i = 0; i < s->balancer_count; i++) {
        const char *at = strstr(s->balancers[i].target_group, ":targetgroup/");
        found = found || (at && strcmp(at + 1, name) == 0);
    }
    return found;
}

static const struct metric_ring *ring_of(struct call *c, const struct recorded *of, const char *const subjects[2])
{
    const struct metrics *m = c->region->metrics;
    for (int k = 0; m && of_fleet(of) && k < m->fleet_count; k++)
        if (strcmp(c->view.fleets[k].id, subjects[0]) == 0)
            return m->fleets[k];
    for (int k = 0; m && of->dimensions[1] && k < m->service_count; k++)
        if (strcmp(c->view.services[k].name, subjects[1]) == 0 && strcmp(c->view.clusters[c->view.services[k].cluster].name, subjects[0]) == 0)
            return m->services[k];
    for (int k = 0; m && of_group(of) && k < m->service_count; k++)
        if (has_group(&c->view.services[k], subjects[0]))
            return m->services[k];
    for (int k = 0; m && !of_fleet(of) && !of_group(of) && !of->dimensions[1] && k < m->cluster_count; k++)
        if (strcmp(c->view.clusters[k].name, subjects[0]) == 0)
            return m->clusters[k];
    return NULL;
}

// The values of exactly these dimensions, whatever their order in the request; false: it has others.
static bool take_dimensions(struct call *c, size_t n, const struct recorded *r, const char *ret[2])
{
    size_t want = r->dimensions[1] ? 2 : 1, found = 0;
    for (size_t d = 1; d <= 3; d++) {
        const char *name = text_of(c, n, arena_printf(c->arena, "MetricStat.Metric.Dimensions.member.%zu.Name", d));
        const char *value = text_of(c, n, arena_printf(c->arena, "MetricStat.Metric.Dimensions.member.%zu.Value", d));
        size_t at = name && strcmp(name, r->dimensions[0]) == 0 ? 0 : name && want > 1 && strcmp(name, r->dimensions[1]) == 0 ? 1 : 2;
        if (name == NULL)
            break;
        if (at == 2 || value == NULL)
            return false;
        ret[at] = value;
        found++;
    }
    return found == want && ret[0] && (want == 1 || ret[1]);
}

// A metric is its name and exactly its dimensions.
static void find_metric(struct call *c, size_t n, const char *name_space, const char *name, struct query *q)
{
    for (size_t i = 0; i < ARRAY_LEN(recorded) && q->of == NULL; i++) {
        const struct recorded *r = &recorded[i];
        const char *subjects[2] = {NULL, NULL};
        if (strcmp(r->name_space, name_space) != 0 || strcmp(r->name, name) != 0 || !take_dimensions(c, n, r, subjects) ||
            (strcmp(name_space, INSIGHTS) == 0 && !c->s->options.insights))
            continue;
        q->of = r;
        q->ring = ring_of(c, r, subjects);
    }
}

static bool read_query(struct call *c, struct ask *a, size_t n)
{
    struct query q = {.id = text_of(c, n, "Id"), .label = text_of(c, n, "Label"), .stat = text_of(c, n, "MetricStat.Stat")};
    const char *name_space = text_of(c, n, "MetricStat.Metric.Namespace"), *name = text_of(c, n, "MetricStat.Metric.MetricName");
    const char *period = text_of(c, n, "MetricStat.Period");
    int64_t period_s = 0;
    if (!good_id(a, q.id))
        return refuse(c, "The value for a MetricDataQueries Id is missing, not unique, or does not begin with a lower-case letter.");
    if (!name_space || !name)
        return refuse(c, "A MetricStat needs the Namespace and the MetricName of its Metric.");
    if (!good_stat(q.stat))
        return refuse(c, "The value for Stat is not one that is known here.");
    if (!period || !parse_i64(slice_of(period), &period_s) || period_s < 60 || period_s % 60 != 0 || period_s > 86400)
        return refuse(c, "The value for Period must be a multiple of 60.");
    q.period_ms = period_s * 1000;
    q.label = q.label ? q.label : name;
    find_metric(c, n, name_space, name, &q);
    a->queries[a->count++] = q;
    return true;
}

static bool read_time(struct call *c, const char *name, int64_t *ret)
{
    struct slice v = form_get(&c->form, name);
    if (v.ptr == NULL) {
        call_missing(c, name);
        return false;
    }
    return parse_iso8601_ms(v, ret) || refuse(c, "A time is not in ISO 8601.");
}

static bool read_ask(struct call *c, struct ask *a)
{
    struct slice order = form_get(&c->form, "ScanBy"), most = form_get(&c->form, "MaxDatapoints");
    int64_t limit = POINTS_MAX;
    if (!read_time(c, "StartTime", &a->from_ms) || !read_time(c, "EndTime", &a->to_ms))
        return false;
    if (a->from_ms >= a->to_ms)
        return refuse(c, "The parameter StartTime must be less than the parameter EndTime.");
    if (order.ptr && !slice_eq_str(order, "TimestampAscending") && !slice_eq_str(order, "TimestampDescending"))
        return refuse(c, "The value for ScanBy is not TimestampDescending or TimestampAscending.");
    if (most.ptr && (!parse_i64(most, &limit) || limit < 1 || limit > POINTS_MAX))
        return refuse(c, "The value for MaxDatapoints must be from 1 to 100800.");
    a->ascending = slice_eq_str(order, "TimestampAscending");
    a->queries = arena_array(c->arena, struct query, QUERIES_MAX + 1);
    for (size_t n = 1; text_of(c, n, "Id"); n++)
        if (n > QUERIES_MAX)
            return refuse(c, "The collection MetricDataQueries must not have a size greater than 500.");
        else if (!read_query(c, a, n))
            return false;
    if (a->count == 0)
        return refuse(c, "The collection MetricDataQueries must not be empty.");
    if (page_open(c, form_str(&c->form, "NextToken", c->arena), limit, &a->page))
        return true;
    call_fail(c, 400, "InvalidNextToken", "The next token is not valid.");
    return false;
}

// ---- answers --------------------------------------------------------------------------------------------------------------
// Of the samples of one period; false: there is none.
static bool value_of(const struct query *q, int64_t at_ms, double *ret)
{
    double sum = 0, least = INFINITY, most = -INFINITY, n = 0;
    for (int64_t minute = at_ms / 60000; q->ring && minute < (at_ms + q->period_ms) / 60000; minute++) {
        const struct metric_minute *m = &q->ring->minutes[minute % METRIC_MINUTES];
        double v = m->minute == minute ? recorded_value(q->of, m) : (double)NAN, samples = q->of->most ? m->tasks : 1;
        if (isnan(v) || (!of_fleet(q->of) && m->tasks <= 0))
            continue;
        sum += v;
        least = fmin(least, v / samples);
        most = fmax(most, q->of->most ? at(m, q->of->most) : v);
        n += samples;
    }
    if (n <= 0)
        return false;
    *ret = strcmp(q->stat, "Sum") == 0 ? sum : strcmp(q->stat, "Maximum") == 0 ? most : strcmp(q->stat, "Minimum") == 0 ? least : strcmp(q->stat, "SampleCount") == 0 ? n : sum / n;
    return true;
}

struct points {
    int64_t *at_ms;
    double *values;
    size_t count;
    bool more;
};

// Those of this page. A point's slot is its query's and its period's number: what is recorded meanwhile moves none.
static struct points points_of(struct call *c, struct ask *a, size_t index)
{
    const struct query *q = &a->queries[index];
    int64_t first_ms = (a->from_ms / 60000 * 60000 + q->period_ms - 1) / q->period_ms * q->period_ms;
    int64_t periods = a->to_ms > first_ms ? (a->to_ms - first_ms + q->period_ms - 1) / q->period_ms : 0;
    int64_t kept = METRIC_MINUTES * INT64_C(60000) / q->period_ms + 2;
    struct points p = {arena_array(c->arena, int64_t, (size_t)kept + 1), arena_array(c->arena, double, (size_t)kept + 1), 0, false};
    for (int64_t k = 0; k < periods && q->ring; k++) {
        int64_t at_ms = first_ms + (a->ascending ? k : periods - 1 - k) * q->period_ms;
        double value;
        if (!value_of(q, at_ms, &value))
            continue;
        if (page_take(&a->page, (int64_t)index * POINTS_MAX + k)) {
            p.at_ms[p.count] = at_ms;
            p.values[p.count++] = value;
        }
        p.more = a->page.more;
    }
    return p;
}

static void write_result(struct call *c, const struct query *q, const struct points *p)
{
    xo_open(c->out, "member");
    xo_text(c->out, "Id", q->id);
    xo_text(c->out, "Label", q->label);
    xo_open(c->out, "Timestamps");
    for (size_t i = 0; i < p->count; i++)
        xo_time(c->out, "member", p->at_ms[i]);
    xo_close(c->out, "Timestamps");
    xo_open(c->out, "Values");
    for (size_t i = 0; i < p->count; i++)
        xo_text(c->out, "member", arena_printf(c->arena, "%.15g", p->values[i]));
    xo_close(c->out, "Values");
    xo_text(c->out, "StatusCode", p->more ? "PartialData" : "Complete");
    xo_close(c->out, "member");
}

static void get_metric_data(struct call *c)
{
    struct ask a = {.count = 0};
    if (!read_ask(c, &a))
        return;
    call_begin_xml(c);
    xo_open(c->out, "MetricDataResults");
    for (size_t i = 0; i < a.count; i++) {
        struct points p = points_of(c, &a, i);
        write_result(c, &a.queries[i], &p);
    }
    xo_close(c->out, "MetricDataResults");
    xo_text(c->out, "NextToken", page_token(c, &a.page));
    xo_open(c->out, "Messages");
    xo_close(c->out, "Messages");
    call_end_xml(c);
}
