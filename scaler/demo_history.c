#include "scaler/demo_history.h"

#include <math.h>

#include "base/check.h"

enum { STEP_MS = 300000, INSTANCE_CPU_UNITS = 4096, INSTANCE_MEMORY_MIB = 15680, INSTANCE_USD_MICRO = 76000 };

struct past {
    struct rig *rig;
    int region;
    int64_t from_ms;
    size_t count;                 // steps
    struct history_point *point;  // scratch
    int64_t *tasks;               // of the service in hand, by step
    struct res *need, *used;      // of the cluster in hand, by step
    int64_t *all;                 // tasks of the cluster in hand, by step
    int64_t *instances;           // of the region's clusters so far, by step
};

// As the world has it (planner/sim/demand.c): a service of the trace by its share, another by its profile, with some inertia.
static bool takes_trace(const struct past *p, const struct world_service *s)
{
    if (p->rig->trace.count == 0 || s->mean_tasks == 0 || s->profile)
        return false;
    return p->rig->o.trace_service ? strcmp(p->rig->o.trace_service, s->name) == 0 : s->cluster == 0 && !s->rules.distinct_instance;
}

static double share_of(const struct past *p, const struct world_view *v, const struct world_service *s)
{
    double all = 0;
    for (int i = 0; i < v->service_count; i++)
        all += takes_trace(p, &v->services[i]) ? (double)v->services[i].mean_tasks : 0;
    return p->rig->o.trace_service ? 1 : (double)s->mean_tasks / all;
}

static double wanted(const struct past *p, const struct world_view *v, int service, int64_t at_ms)
{
    const struct world_service *s = &v->services[service];
    const struct workload_trace *t = &p->rig->trace;
    if (!takes_trace(p, s))
        return (double)s->mean_tasks * workload_profile_at((p->rig->o.seed + (uint64_t)p->region) * 1000 + (uint64_t)service, at_ms);
    int64_t length_ms = (t->at_s[t->count - 1] - t->at_s[0] + t->step_s) * 1000, elapsed_ms = (at_ms - p->rig->start_ms) % length_ms;
    double mean = (double)(p->rig->o.trace_mean > 0 ? p->rig->o.trace_mean : 100);
    return workload_trace_at(t, elapsed_ms < 0 ? elapsed_ms + length_ms : elapsed_ms, mean) * share_of(p, v, s);
}

static void follow(struct past *p, const struct world_view *v, int service)
{
    const struct world_service *s = &v->services[service];
    bool moves = s->mean_tasks > 0 && (takes_trace(p, s) || s->max_percent > 100);
    double desired = s->desired;
    for (size_t k = 0; k < p->count; k++) {
        double x = moves ? wanted(p, v, service, p->from_ms + (int64_t)k * STEP_MS) : desired;
        if (fabs(x - desired) > 0.7)
            desired = fmax(takes_trace(p, s) ? 0 : 1, floor(x + 0.5));
        p->tasks[k] = (int64_t)desired;
    }
}

static int put(struct past *p, int64_t cluster, enum series series, const char *subject, struct err *err)
{
    return state_history_fill(p->rig->state, cluster, series, subject, STEP_MS, p->point, p->count, err);
}

// One series of the service in hand: its tasks, times `each`.
static int put_tasks(struct past *p, int64_t cluster, enum series series, const char *subject, int64_t each, struct err *err)
{
    for (size_t k = 0; k < p->count; k++)
        p->point[k] = (struct history_point){p->from_ms + (int64_t)k * STEP_MS, p->tasks[k] * each};
    return put(p, cluster, series, subject, err);
}

static int fill_service(struct past *p, const struct world_view *v, int service, int64_t cluster, struct err *err)
{
    const struct world_service *s = &v->services[service];
    const struct world_taskdef *d = &v->taskdefs[s->deployments[0].taskdef];
    struct res need = d->need, use = sandbox_use_of(d->family, need);
    const struct {
        enum series series;
        int64_t each;
    } rows[] = {
        {SERIES_SERVICE_DESIRED, 1}, {SERIES_SERVICE_RUNNING, 1}, {SERIES_SERVICE_PENDING, 0}, {SERIES_SERVICE_WAITING, 0},
        {SERIES_SERVICE_NEED_CPU_UNITS, need.v[RES_CPU]}, {SERIES_SERVICE_NEED_MEMORY_MIB, need.v[RES_MEMORY]},
        {SERIES_SERVICE_RESERVED_CPU_UNITS, need.v[RES_CPU]}, {SERIES_SERVICE_RESERVED_MEMORY_MIB, need.v[RES_MEMORY]},
        {SERIES_SERVICE_USED_CPU_UNITS, use.v[RES_CPU]}, {SERIES_SERVICE_USED_MEMORY_MIB, use.v[RES_MEMORY]},
    };
    int rc = 0;
    follow(p, v, service);
    for (size_t k = 0; k < p->count; k++) {
        p->need[k] = res_add(p->need[k], res_scale(need, p->tasks[k]));
        p->used[k] = res_add(p->used[k], res_scale(use, p->tasks[k]));
        p->all[k] += p->tasks[k];
    }
    if (s->balancer_count > 0)
        rc = put_tasks(p, cluster, SERIES_SERVICE_REQUESTS_PER_MINUTE, s->name, need.v[RES_CPU] * SANDBOX_REQUESTS_A_VCPU_MINUTE / 1024, err);
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(rows); i++)
        rc = put_tasks(p, cluster, rows[i].series, s->name, rows[i].each, err);
    for (size_t k = 0; k < p->count; k++)  // all tasks of one are alike
        p->point[k].value = use.v[RES_MEMORY];
    return rc ? rc : put(p, cluster, SERIES_SERVICE_LARGEST_MEMORY_MIB, s->name, err);
}

static int64_t instances_for(struct res need)
{
    int64_t cpu = need.v[RES_CPU] * 9 / 8, memory = need.v[RES_MEMORY] * 9 / 8;
    int64_t by_cpu = (cpu + INSTANCE_CPU_UNITS - 1) / INSTANCE_CPU_UNITS, by_memory = (memory + INSTANCE_MEMORY_MIB - 1) / INSTANCE_MEMORY_MIB;
    return by_cpu > by_memory ? by_cpu : by_memory;
}

// What the policy keeps free of it: a share, and whole tasks.
static struct res headroom_of(const struct policy_cluster *c, const struct world_view *v, int cluster, struct res need)
{
    struct res sum = res_make(need.v[RES_CPU] * c->headroom_percent / 100, need.v[RES_MEMORY] * c->headroom_percent / 100);
    for (size_t h = 0; h < c->headroom_task_count; h++)
        for (int s = 0; s < v->service_count; s++)
            if (v->services[s].cluster == cluster && strcmp(v->services[s].name, c->headroom_tasks[h].service) == 0)
                sum = res_add(sum, res_scale(v->taskdefs[v->services[s].deployments[0].taskdef].need, c->headroom_tasks[h].tasks));
    return sum;
}

static int64_t cluster_value(struct res need, struct res headroom, struct res used, enum series series)
{
    int64_t instances = instances_for(need);
    if (series == SERIES_NEED_CPU_UNITS || series == SERIES_RESERVED_CPU_UNITS)
        return need.v[RES_CPU] + (series == SERIES_NEED_CPU_UNITS ? headroom.v[RES_CPU] : 0);
    if (series == SERIES_NEED_MEMORY_MIB || series == SERIES_RESERVED_MEMORY_MIB)
        return need.v[RES_MEMORY] + (series == SERIES_NEED_MEMORY_MIB ? headroom.v[RES_MEMORY] : 0);
    if (series == SERIES_USED_CPU_UNITS || series == SERIES_USED_MEMORY_MIB)
        return used.v[series == SERIES_USED_CPU_UNITS ? RES_CPU : RES_MEMORY];
    if (series == SERIES_CAPACITY_CPU_UNITS)
        return instances * INSTANCE_CPU_UNITS;
    if (series == SERIES_CAPACITY_MEMORY_MIB)
        return instances * INSTANCE_MEMORY_MIB;
    if (series == SERIES_COST_USD_MICRO_PER_HOUR)
        return instances * INSTANCE_USD_MICRO;
    return series == SERIES_INSTANCES ? instances : 0;
}

static int fill_cluster(struct past *p, const struct world_view *v, int c, int64_t cluster, struct err *err)
{
    const struct policy_cluster *policy = NULL;
    int rc = 0;
    for (size_t i = 0; i < p->rig->policy.cluster_count; i++)
        if (strcmp(p->rig->policy.clusters[i].name, v->clusters[c].name) == 0 && strcmp(p->rig->policy.clusters[i].region, v->region) == 0)
            policy = &p->rig->policy.clusters[i];
    assert(policy);
    for (int series = 0; rc == 0 && series < SERIES_COUNT; series++) {
        if (series > SERIES_COST_USD_MICRO_PER_HOUR && series != SERIES_USED_CPU_UNITS && series != SERIES_USED_MEMORY_MIB)
            continue;
        for (size_t k = 0; k < p->count; k++)
            p->point[k] = (struct history_point){p->from_ms + (int64_t)k * STEP_MS, cluster_value(p->need[k], headroom_of(policy, v, c, p->need[k]), p->used[k], (enum series)series)};
        rc = put(p, cluster, (enum series)series, NULL, err);
    }
    for (size_t k = 0; k < p->count; k++)
        p->point[k].value = p->all[k];
    rc = rc ? rc : put(p, cluster, SERIES_DESIRED_TASKS, NULL, err);  // what a forecast begins with
    return rc ? rc : put(p, cluster, SERIES_RUNNING_TASKS, NULL, err);
}

// Each fleet's target, as it is now times what the cluster's instances were to what they are.
static int fill_limits(struct past *p, const struct world_view *v, int c, int64_t cluster, struct err *err)
{
    int64_t now = p->count ? instances_for(p->need[p->count - 1]) : 0;
    int rc = 0;
    for (int f = 0; rc == 0 && now > 0 && f < v->fleet_count; f++) {
        if (v->fleets[f].cluster != c || v->fleets[f].instant)
            continue;
        for (size_t k = 0; k < p->count; k++)
            p->point[k] = (struct history_point){p->from_ms + (int64_t)k * STEP_MS, (v->fleets[f].wanted * instances_for(p->need[k]) + now - 1) / now};
        rc = put(p, cluster, SERIES_LIMIT_USED, history_limit_fleet(&p->rig->arena, &(struct fleet){.id = v->fleets[f].id, .name = ""}), err);
    }
    return rc;
}

// The quota is the account's, and stands in the history of each cluster.
static int fill_quota(struct past *p, const struct world_view *v, struct err *err)
{
    const char *subject = history_limit_quota(&p->rig->arena, &(struct quota){.class_ = QUOTA_STANDARD_SPOT});
    int rc = 0;
    for (int c = 0; rc == 0 && c < v->cluster_count; c++) {
        int64_t id = 0;
        for (size_t k = 0; k < p->count; k++)
            p->point[k] = (struct history_point){p->from_ms + (int64_t)k * STEP_MS, p->instances[k] * INSTANCE_CPU_UNITS / 1024};
        rc = state_cluster(p->rig->state, v->account, v->region, v->clusters[c].name, &id, err);
        if (rc == 0)
            rc = put(p, id, SERIES_LIMIT_USED, subject, err);
    }
    return rc;
}

static int fill_region(struct past *p, const struct demo_history_options *o, struct err *err)
{
    struct world_view v = world_view(p->rig->worlds[p->region]);
    int rc = 0, done = 0;
    for (int c = 0; rc == 0 && c < v.cluster_count; c++) {
        int64_t id = 0;
        memset(p->need, 0, p->count * sizeof *p->need);
        memset(p->used, 0, p->count * sizeof *p->used);
        memset(p->all, 0, p->count * sizeof *p->all);
        rc = state_cluster(p->rig->state, v.account, v.region, v.clusters[c].name, &id, err);
        for (int s = 0; rc == 0 && s < v.service_count; s++) {
            if (v.services[s].cluster != c)
                continue;
            if (!v.services[s].daemon)
                rc = fill_service(p, &v, s, id, err);
            if (o->progress)
                o->progress(o->arg, ++done, v.service_count);
        }
        if (rc == 0)
            rc = fill_cluster(p, &v, c, id, err);
        if (rc == 0)
            rc = fill_limits(p, &v, c, id, err);
        for (size_t k = 0; k < p->count; k++)
            p->instances[k] = (c > 0 ? p->instances[k] : 0) + instances_for(p->need[k]);
    }
    return rc == 0 ? fill_quota(p, &v, err) : rc;
}

int demo_history_fill(struct rig *r, const struct demo_history_options *o, struct err *err)
{
    struct past p = {.rig = r, .from_ms = (r->start_ms - o->span_ms) / STEP_MS * STEP_MS};
    int rc = 0;
    p.count = (size_t)((r->start_ms - p.from_ms) / STEP_MS);
    p.point = calloc(p.count + 1, sizeof *p.point);
    p.tasks = calloc(p.count + 1, sizeof *p.tasks);
    p.need = calloc(p.count + 1, sizeof *p.need);
    p.used = calloc(p.count + 1, sizeof *p.used);
    p.all = calloc(p.count + 1, sizeof *p.all);
    p.instances = calloc(p.count + 1, sizeof *p.instances);
    assert(p.point && p.tasks && p.need && p.used && p.all && p.instances);
    for (p.region = 0; rc == 0 && p.region < r->region_count; p.region++)
        rc = fill_region(&p, o, err);
    free(p.point);
    free(p.tasks);
    free(p.need);
    free(p.used);
    free(p.all);
    free(p.instances);
    return rc;
}
