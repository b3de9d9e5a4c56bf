#include "scaler/backfill_cloudwatch.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "scaler/aws/cloudwatch.h"
#include "scaler/requests.h"
#include "state/history.h"

// Of each line of the cluster: the amount, and the percentage of what is registered, or a count as well.
static const struct {
    enum series series;
    const char *insights, *plain;
    int resource;                  // -1: none, a count
} lines[] = {
    {SERIES_NEED_CPU_UNITS, "CpuReserved", "CPUReservation", RES_CPU},       {SERIES_NEED_MEMORY_MIB, "MemoryReserved", "MemoryReservation", RES_MEMORY},
    {SERIES_USED_CPU_UNITS, "CpuUtilized", "CPUUtilization", RES_CPU},       {SERIES_USED_MEMORY_MIB, "MemoryUtilized", "MemoryUtilization", RES_MEMORY},
    {SERIES_RUNNING_TASKS, "TaskCount", "LiveTaskCount", -1},                {SERIES_DESIRED_TASKS, "TaskCount", "LiveTaskCount", -1},
};
enum { LINES = ARRAY_LEN(lines) };

// Of each line of a service: amounts, and counts.
static const struct {
    enum series series;
    const char *name;
    bool count, high;              // high: of use, so the highest sample counts too
} service_lines[] = {
    {SERIES_SERVICE_RESERVED_CPU_UNITS, "CpuReserved", false, false}, {SERIES_SERVICE_RESERVED_MEMORY_MIB, "MemoryReserved", false, false},
    {SERIES_SERVICE_USED_CPU_UNITS, "CpuUtilized", false, true},      {SERIES_SERVICE_USED_MEMORY_MIB, "MemoryUtilized", false, true},
    {SERIES_SERVICE_RUNNING, "RunningTaskCount", true, false},        {SERIES_SERVICE_DESIRED, "DesiredTaskCount", true, false},
};
enum { SERVICE_LINES = ARRAY_LEN(service_lines) };
#define INSIGHTS "ECS/ContainerInsights"
#define MINUTE_MS 60000

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

void cloudwatch_past_of(struct cloudwatch_past *ret, const struct policy_cluster *p, const struct snapshot *s, struct arena *a)
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
    const struct service **services = arena_array(a, const struct service *, s ? s->service_count + 1 : 1);
    for (size_t i = 0; s && i < s->service_count && ret->service_count < CLOUDWATCH_SERVICES_MAX; i++)
        if (s->services[i].on_ec2 && s->services[i].kind == SERVICE_REPLICA)
            services[ret->service_count++] = &s->services[i];
    ret->services = services;
}

// ---- points by their step -------------------------------------------------------------------------------------------------
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

static void scale(double *v, size_t steps, double by)
{
    for (size_t k = 0; k < steps; k++)
        v[k] *= by;
}

// ---- asking ---------------------------------------------------------------------------------------------------------------
struct reading {
    struct aws_clients *clients;
    struct aws_with with;
    int64_t from_ms, to_ms, step_ms, until_ms;
    size_t steps;
    struct past_line *lines;
    size_t count;
};

static int read_all(struct reading *r, const struct cloudwatch_metric *metrics, size_t count, struct cloudwatch_data *ret, struct err *err)
{
    cloudwatch_get_metric_data(r->with, &(struct cloudwatch_ask){metrics, count, r->from_ms, r->to_ms, r->step_ms / 1000}, ret);
    aws_run(r->clients, r->until_ms);
    if (ret->call.state != AWS_CALL_COMPLETE) {
        *err = ret->call.err;
        return err->kind ? err->kind : err_set(err, ERR_TRANSIENT, "GetMetricData was not answered");
    }
    for (size_t i = 0; i < count; i++)
        if (!ret->series[i].whole)
            return err_set(err, ERR_TRANSIENT, "GetMetricData: a part of %s is missing", metrics[i].name);
    return 0;
}

static double *values(const struct reading *r, const struct cloudwatch_data *d, size_t i)
{
    return cloudwatch_by_step(&d->series[i], r->from_ms, r->step_ms, r->steps, r->with.arena);
}

static void keep(struct reading *r, enum series series, const char *subject, const double *v)
{
    r->lines[r->count++] = past_line_of(series, subject, v, r->from_ms, r->step_ms, r->steps, r->with.arena);
}

// *ret_insights: they have told anything.
static int read_cluster(struct reading *r, const struct cloudwatch_past *p, bool *ret_insights, struct err *err)
{
    struct cloudwatch_metric m[2 * LINES + CLOUDWATCH_FLEETS_MAX];
    struct cloudwatch_data d;
    double *fulfilled[CLOUDWATCH_FLEETS_MAX] = {NULL};
    size_t n = 0;
    for (size_t i = 0; i < LINES; i++) {
        m[n++] = (struct cloudwatch_metric){INSIGHTS, lines[i].insights, {{"ClusterName", p->cluster}}, lines[i].resource >= 0 ? "Sum" : "Average"};
        m[n++] = (struct cloudwatch_metric){"AWS/ECS", lines[i].plain, {{"ClusterName", p->cluster}}, "Average"};
    }
    for (size_t f = 0; f < p->fleet_count; f++)
        m[n++] = (struct cloudwatch_metric){"AWS/EC2Spot", "FulfilledCapacity", {{"FleetRequestId", p->fleets[f].id}}, "Average"};
    int rc = read_all(r, m, n, &d, err);
    for (size_t f = 0; f < p->fleet_count && rc == 0; f++)
        fulfilled[f] = values(r, &d, 2 * LINES + f);
    for (size_t i = 0; i < LINES && rc == 0; i++) {
        double *amount = values(r, &d, 2 * i), *plain = values(r, &d, 2 * i + 1);
        const double *whole = lines[i].resource >= 0 ? registered(p, fulfilled, lines[i].resource, r->steps, r->with.arena) : NULL;
        *ret_insights |= d.series[2 * i].count > 0;
        if (whole)
            scale(amount, r->steps, (double)MINUTE_MS / (double)r->step_ms);
        for (size_t k = 0; k < r->steps; k++)
            if (isnan(amount[k]))
                amount[k] = whole ? plain[k] * whole[k] / 100 : plain[k];
        keep(r, lines[i].series, "", amount);
    }
    return rc;
}

static int read_services(struct reading *r, const struct cloudwatch_past *p, struct err *err)
{
    struct cloudwatch_metric *m = arena_array(r->with.arena, struct cloudwatch_metric, 2 * SERVICE_LINES * p->service_count + 1);
    struct cloudwatch_data d;
    size_t n = 0;
    for (size_t s = 0; s < p->service_count; s++)
        for (size_t i = 0; i < SERVICE_LINES; i++)
            for (int high = 0; high <= service_lines[i].high; high++)
                m[n++] = (struct cloudwatch_metric){INSIGHTS, service_lines[i].name, {{"ClusterName", p->cluster}, {"ServiceName", p->services[s]->name}},
                                                    high || service_lines[i].count ? "Maximum" : "Sum"};
    int rc = p->service_count > 0 ? read_all(r, m, n, &d, err) : 0;
    n = 0;
    for (size_t s = 0; s < p->service_count && rc == 0; s++)
        for (size_t i = 0; i < SERVICE_LINES; i++) {
            double *v = values(r, &d, n++), *high = service_lines[i].high ? values(r, &d, n++) : NULL;
            if (!service_lines[i].count)
                scale(v, r->steps, (double)MINUTE_MS / (double)r->step_ms);
            for (size_t k = 0; high && k < r->steps; k++)
                v[k] = v[k] < high[k] ? high[k] : v[k];
            keep(r, service_lines[i].series, p->services[s]->name, v);
        }
    return rc;
}

// ---- requests -------------------------------------------------------------------------------------------------------------
// The tasks of each step: by Container Insights (NULL: off), where they do not tell by our own history.
static int tasks_of(const struct reading *r, const struct cloudwatch_past *p, const char *service, const double *told, double **ret, struct err *err)
{
    double *v = arena_array(r->with.arena, double, r->steps + 1);
    int rc = 0;
    for (size_t k = 0; k < r->steps; k++)
        v[k] = (double)NAN;
    if (p->state)
        rc = state_history_values(p->state, p->state_cluster, SERIES_SERVICE_RUNNING, service, r->from_ms, r->step_ms, r->steps, v, err);
    for (size_t k = 0; told && k < r->steps; k++)
        v[k] = isnan(told[k]) ? v[k] : told[k];
    *ret = v;
    return rc;
}

static int keep_requests(struct reading *r, const struct cloudwatch_past *p, const struct service *s, const struct cloudwatch_series *groups,
                         const double *told_tasks, struct err *err)
{
    double *tasks;
    int rc = tasks_of(r, p, s->name, told_tasks, &tasks, err);
    const double *v = rc == 0 ? requests_per_minute(groups, s->target_group_count, tasks, r->from_ms, r->step_ms, r->steps, r->with.arena) : NULL;
    if (v)
        keep(r, SERIES_SERVICE_REQUESTS_PER_MINUTE, s->name, v);
    return rc;
}

static int read_requests(struct reading *r, const struct cloudwatch_past *p, bool insights, struct err *err)
{
    struct cloudwatch_data d;
    size_t n = 0, room = 1;
    for (size_t i = 0; i < p->service_count; i++)
        room += p->services[i]->target_group_count + 1;
    struct cloudwatch_metric *m = arena_array(r->with.arena, struct cloudwatch_metric, room);
    for (size_t i = 0; i < p->service_count; i++) {
        size_t groups = requests_metrics(p->services[i], m + n);
        n += groups;
        if (groups > 0 && insights)
            m[n++] = (struct cloudwatch_metric){INSIGHTS, "RunningTaskCount", {{"ClusterName", p->cluster}, {"ServiceName", p->services[i]->name}}, "Average"};
    }
    int rc = n > 0 ? read_all(r, m, n, &d, err) : 0;
    n = 0;
    for (size_t i = 0; i < p->service_count && rc == 0; i++) {
        size_t groups = p->services[i]->target_group_count;
        if (groups > 0)
            rc = keep_requests(r, p, p->services[i], &d.series[n], insights ? values(r, &d, n + groups) : NULL, err);
        n += groups + (groups > 0 && insights);
    }
    return rc;
}

int cloudwatch_past_read(const struct cloudwatch_past *p, struct aws_clients *clients, struct aws *aws, int64_t from_ms, int64_t to_ms, int64_t step_ms,
                         int64_t until_ms, struct arena *a, struct past_line **ret, size_t *ret_count, struct err *err)
{
    struct reading r = {.clients = clients, .with = {.aws = aws, .arena = a}, .from_ms = from_ms, .to_ms = to_ms, .step_ms = step_ms, .until_ms = until_ms,
                        .steps = (size_t)((to_ms - from_ms + step_ms - 1) / step_ms),
                        .lines = arena_array(a, struct past_line, LINES + (SERVICE_LINES + 1) * p->service_count)};
    bool insights = false;
    int rc = read_cluster(&r, p, &insights, err);
    if (rc == 0 && insights)
        rc = read_services(&r, p, err);
    rc = rc ? rc : read_requests(&r, p, insights, err);
    *ret = r.lines;
    *ret_count = rc == 0 ? r.count : 0;
    return rc;
}
