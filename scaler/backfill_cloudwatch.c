#include "scaler/backfill_cloudwatch.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "scaler/aws/cloudwatch.h"

// Of each line: the amount, and the percentage of what is registered (NULL: an amount as well).
static const struct {
    enum series series;
    const char *insights, *plain;
    int resource;                  // -1: none
} lines[CLOUDWATCH_LINES] = {
    {SERIES_NEED_CPU_UNITS, "CpuReserved", "CPUReservation", RES_CPU},       {SERIES_NEED_MEMORY_MIB, "MemoryReserved", "MemoryReservation", RES_MEMORY},
    {SERIES_USED_CPU_UNITS, "CpuUtilized", "CPUUtilization", RES_CPU},       {SERIES_USED_MEMORY_MIB, "MemoryUtilized", "MemoryUtilization", RES_MEMORY},
    {SERIES_RUNNING_TASKS, "TaskCount", "LiveTaskCount", -1},                {SERIES_DESIRED_TASKS, "TaskCount", "LiveTaskCount", -1},
};

// ---- what one unit of a fleet is ------------------------------------------------------------------------------------------
static bool size_of(const struct snapshot *s, const char *fleet, double ret[RES_MEMORY + 1])
{
    double weight = 0, sum[RES_MEMORY + 1] = {0};
    for (size_t i = 0; s && i < s->instance_count; i++) {
        const struct instance *x = &s->instances[i];
        if (x->fleet < 0 || strcmp(s->fleets[x->fleet].id, fleet) != 0 || (x->ecs != ECS_ACTIVE && x->ecs != ECS_DRAINING) || x->weight_milli <= 0)
            continue;
        weight += (double)x->weight_milli / 1000;
        for (int k = RES_CPU; k <= RES_MEMORY; k++)
            sum[k] += (double)x->registered.v[k];
    }
    for (int k = RES_CPU; k <= RES_MEMORY; k++)
        ret[k] = weight > 0 ? sum[k] / weight : 0;
    return weight > 0;
}

void cloudwatch_past_of(struct cloudwatch_past *ret, const struct policy_cluster *p, const struct snapshot *s)
{
    const char *slash = strrchr(p->name, '/');
    *ret = (struct cloudwatch_past){.cluster = slash ? slash + 1 : p->name, .sizes_known = s != NULL};
    for (size_t i = 0; s && i < s->instance_count; i++)
        ret->sizes_known = ret->sizes_known && (s->instances[i].fleet >= 0 || s->instances[i].ecs != ECS_ACTIVE);
    for (size_t i = 0; i < p->fleet_count && ret->fleet_count < CLOUDWATCH_FLEETS_MAX; i++) {
        struct cloudwatch_fleet *f = &ret->fleets[ret->fleet_count++];
        f->id = p->fleets[i].id;
        ret->sizes_known = ret->sizes_known && policy_fleet_kind(&p->fleets[i]) == FLEET_SPOT_FLEET && f->id[0] && size_of(s, f->id, f->units);
    }
    ret->sizes_known = ret->sizes_known && p->fleet_count <= CLOUDWATCH_FLEETS_MAX;
    ret->fleet_count = ret->sizes_known ? ret->fleet_count : 0;
}

// ---- points by their step -------------------------------------------------------------------------------------------------
// One a step from from_ms on, NaN where there is none.
static double *by_step(const struct cloudwatch_series *s, int64_t from_ms, int64_t step_ms, size_t steps, struct arena *a)
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

// What was registered, by the fleets' sizes then.
static double *registered(const struct cloudwatch_past *p, double *const *fulfilled, int resource, size_t steps, struct arena *a)
{
    double *v = arena_array(a, double, steps + 1);
    for (size_t k = 0; k < steps; k++) {
        v[k] = p->sizes_known ? 0 : (double)NAN;
        for (size_t f = 0; f < p->fleet_count; f++)
            v[k] += fulfilled[f][k] * p->fleets[f].units[resource];
    }
    return v;
}

static struct cloudwatch_line line_of(enum series series, const double *values, int64_t from_ms, int64_t step_ms, size_t steps, struct arena *a)
{
    struct cloudwatch_line l = {.series = series, .points = arena_array(a, struct history_point, steps + 1)};
    for (size_t k = 0; k < steps; k++)
        if (isfinite(values[k]) && values[k] > 0 && values[k] < 1e15)
            l.points[l.count++] = (struct history_point){from_ms + (int64_t)k * step_ms, llround(values[k])};
    return l;
}

// ---- asking ---------------------------------------------------------------------------------------------------------------
static size_t add_metrics(const struct cloudwatch_past *p, struct cloudwatch_metric *m)
{
    size_t n = 0;
    for (size_t i = 0; i < CLOUDWATCH_LINES; i++) {
        m[n++] = (struct cloudwatch_metric){"ECS/ContainerInsights", lines[i].insights, {{"ClusterName", p->cluster}}, "Average"};
        m[n++] = (struct cloudwatch_metric){"AWS/ECS", lines[i].plain, {{"ClusterName", p->cluster}}, "Average"};
    }
    for (size_t f = 0; f < p->fleet_count; f++)
        m[n++] = (struct cloudwatch_metric){"AWS/EC2Spot", "FulfilledCapacity", {{"FleetRequestId", p->fleets[f].id}}, "Average"};
    return n;
}

int cloudwatch_past_read(const struct cloudwatch_past *p, struct aws_clients *clients, struct aws *aws, int64_t from_ms, int64_t to_ms, int64_t step_ms,
                         int64_t until_ms, struct arena *a, struct cloudwatch_line ret[CLOUDWATCH_LINES], struct err *err)
{
    struct cloudwatch_metric metrics[2 * CLOUDWATCH_LINES + CLOUDWATCH_FLEETS_MAX];
    struct cloudwatch_data d;
    size_t count = add_metrics(p, metrics), steps = (size_t)((to_ms - from_ms + step_ms - 1) / step_ms);
    cloudwatch_get_metric_data((struct aws_with){.aws = aws, .arena = a}, &(struct cloudwatch_ask){metrics, count, from_ms, to_ms, step_ms / 1000}, &d);
    aws_run(clients, until_ms);
    if (d.call.state != AWS_CALL_COMPLETE) {
        *err = d.call.err;
        return err->kind ? err->kind : err_set(err, ERR_TRANSIENT, "GetMetricData was not answered");
    }
    double *fulfilled[CLOUDWATCH_FLEETS_MAX] = {NULL};
    for (size_t i = 0; i < d.count; i++) {
        if (!d.series[i].whole)
            return err_set(err, ERR_TRANSIENT, "GetMetricData: a part of %s is missing", metrics[i].name);
        if (i >= 2 * CLOUDWATCH_LINES)
            fulfilled[i - 2 * CLOUDWATCH_LINES] = by_step(&d.series[i], from_ms, step_ms, steps, a);
    }
    for (size_t i = 0; i < CLOUDWATCH_LINES; i++) {
        double *amount = by_step(&d.series[2 * i], from_ms, step_ms, steps, a), *plain = by_step(&d.series[2 * i + 1], from_ms, step_ms, steps, a);
        const double *whole = lines[i].resource >= 0 ? registered(p, fulfilled, lines[i].resource, steps, a) : NULL;
        for (size_t k = 0; k < steps; k++)
            if (isnan(amount[k]))
                amount[k] = whole ? plain[k] * whole[k] / 100 : plain[k];
        ret[i] = line_of(lines[i].series, amount, from_ms, step_ms, steps, a);
    }
    return 0;
}
