#include "scaler/sandbox/metrics.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "scaler/sandbox/metrics_rings.h"

static struct metric_ring *ring_at(struct metric_ring ***rings, int *count, int index)
{
    if (index >= *count) {
        struct metric_ring **grown = realloc(*rings, (size_t)(index + 1) * sizeof *grown);
        assert(grown);
        memset(grown + *count, 0, (size_t)(index + 1 - *count) * sizeof *grown);
        *rings = grown;
        *count = index + 1;
    }
    if ((*rings)[index] == NULL)
        (*rings)[index] = calloc(1, sizeof ***rings);
    assert((*rings)[index]);
    return (*rings)[index];
}

static struct metric_minute *begin_minute(struct metric_ring *ring, int64_t minute)
{
    struct metric_minute *m = &ring->minutes[minute % METRIC_MINUTES];
    *m = (struct metric_minute){.minute = minute};
    return m;
}

static void note_task(struct metric_minute *to, const struct world_task *t, struct res used)
{
    to->tasks++;
    for (int k = RES_CPU; k <= RES_MEMORY; k++) {
        to->reserved[k] += (double)t->need.v[k];
        to->used[k] += (double)used.v[k];
        to->reserved_most[k] = fmax(to->reserved_most[k], (double)t->need.v[k]);
        to->used_most[k] = fmax(to->used_most[k], (double)used.v[k]);
    }
}

static void note_clusters(struct metrics *m, const struct world_view *v, int64_t minute)
{
    for (int k = 0; k < v->cluster_count; k++)
        begin_minute(ring_at(&m->clusters, &m->cluster_count, k), minute);
    for (int k = 0; k < v->service_count; k++)
        begin_minute(ring_at(&m->services, &m->service_count, k), minute)->desired = v->services[k].desired;
    for (int i = 0; i < v->instance_count; i++) {
        const struct world_instance *in = &v->instances[i];
        int64_t status = world_seen(&in->status, v->now_ms);
        if (!in->used || (status != WE_ACTIVE && status != WE_DRAINING))
            continue;
        struct metric_minute *to = &m->clusters[in->cluster]->minutes[minute % METRIC_MINUTES];
        for (int k = RES_CPU; k <= RES_MEMORY; k++) {
            to->registered[k] += (double)in->registered.v[k];
            to->taken[k] += (double)(in->registered.v[k] - in->remaining.v[k]);
        }
    }
    for (int i = 0; i < v->task_count; i++) {
        const struct world_task *t = &v->tasks[i];
        if (!t->used || t->instance < 0 || t->last.now != WT_RUNNING)
            continue;
        struct res used = sandbox_use_of(v->taskdefs[t->taskdef].family, t->need);
        note_task(&m->clusters[t->cluster]->minutes[minute % METRIC_MINUTES], t, used);
        if (t->service >= 0)
            note_task(&m->services[t->service]->minutes[minute % METRIC_MINUTES], t, used);
    }
}

static void note_fleets(struct metrics *m, const struct world_view *v, int64_t minute)
{
    for (int k = 0; k < v->fleet_count; k++) {
        struct metric_minute *to = begin_minute(ring_at(&m->fleets, &m->fleet_count, k), minute);
        to->fulfilled = (double)v->fleets[k].fulfilled_milli / 1000;
        to->target = (double)world_seen(&v->fleets[k].target, v->now_ms);
    }
}

// Callers ask for what the wanted tasks can serve, of each vCPU the same; the tasks that run share it.
static void note_requests(struct metrics *m, const struct world_view *v, int64_t minute)
{
    for (int k = 0; k < v->service_count; k++) {
        const struct world_service *s = &v->services[k];
        struct metric_minute *to = &m->services[k]->minutes[minute % METRIC_MINUTES];
        double vcpus = (double)v->taskdefs[s->deployments[0].taskdef].need.v[RES_CPU] / 1024;
        if (s->balancer_count > 0 && to->tasks > 0)
            to->requests = floor(to->desired * vcpus * SANDBOX_REQUESTS_A_VCPU_MINUTE) / to->tasks / s->balancer_count;
    }
}

void metrics_note(struct region *r)
{
    struct world_view v = world_view(r->world);
    int64_t minute = v.now_ms / 60000;
    if (r->metrics == NULL)
        r->metrics = calloc(1, sizeof *r->metrics);
    assert(r->metrics);
    if (minute == r->metrics->minute)
        return;
    r->metrics->minute = minute;
    note_clusters(r->metrics, &v, minute);
    note_requests(r->metrics, &v, minute);
    note_fleets(r->metrics, &v, minute);
}

static void free_rings(struct metric_ring **rings, int count)
{
    for (int k = 0; k < count; k++)
        free(rings[k]);
    free(rings);
}

void metrics_free(struct metrics *m)
{
    if (m == NULL)
        return;
    free_rings(m->clusters, m->cluster_count);
    free_rings(m->services, m->service_count);
    free_rings(m->fleets, m->fleet_count);
    free(m);
}
