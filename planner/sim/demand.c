// What people and other programs want of the clusters: desired counts, deployments, standalone tasks.
#include <math.h>
#include <string.h>

#include "planner/sim/workload_model.h"
#include "planner/sim/world_internal.h"

enum { STEP_MS = 60000 };

static bool takes_trace(const struct world *w, int service)
{
    const struct world_service *s = &w->services[service];
    if (s->daemon || s->profile || s->recorded || !w->o.trace)
        return false;
    if (w->o.trace_service)
        return !strcmp(s->name, w->o.trace_service);
    return s->cluster == 0 && !s->rules.distinct_instance && s->mean_tasks > 0;
}

static double trace_share(const struct world *w, int service)
{
    double all = 0;
    for (size_t s = 0; s < w->service_count; s++)
        all += takes_trace(w, (int)s) ? (double)w->services[s].mean_tasks : 0;
    return w->o.trace_service ? 1 : (double)w->services[service].mean_tasks / all;
}

static void follow_profile(struct world *w, int service)
{
    struct world_service *s = &w->services[service];
    uint64_t seed = w->seed * 1000 + (uint64_t)service;
    double factor = s->model ? fmin(workload_model_at(s->model, seed, w->now_ms), 20) : workload_profile_at(seed, w->now_ms);  // as high as a trace goes
    double x = (double)s->mean_tasks * factor;
    // whole tasks with some inertia, as target tracking has
    if (fabs(x - s->desired) > 0.7) {
        int32_t desired = (int32_t)fmax(1, floor(x + 0.5));
        if (desired != s->desired)
            world_set_desired(w, WORLD_PERSON, service, desired);
    }
}

void demand_workload_step(struct world *w)
{
    double trace = w->o.trace ? workload_trace_at(w->o.trace, w->now_ms - w->o.start_ms, (double)w->o.trace_mean) : 0;
    double given = 0, owed = 0;
    for (size_t n = 0; n < w->service_count; n++) {
        struct world_service *s = &w->services[n];
        if (s->daemon || s->mean_tasks == 0)
            continue;
        if (s->recorded) {
            int32_t wanted = (int32_t)floor(workload_trace_value(s->recorded, w->now_ms - w->o.start_ms) * s->recorded_factor + 0.5);
            if (wanted != s->desired)
                world_set_desired(w, WORLD_PERSON, (int)n, wanted);
            continue;
        }
        if (!takes_trace(w, (int)n)) {
            if (s->max_percent > 100)
                follow_profile(w, (int)n);
            continue;
        }
        // whole tasks whose sum is the whole number of the trace: the part left over goes to the next service
        owed += trace * trace_share(w, (int)n);
        double mine = floor(owed + 0.5) - given;
        given += mine;
        if ((int32_t)mine != s->desired)
            world_set_desired(w, WORLD_PERSON, (int)n, (int32_t)mine);
    }
    queue_push(w, w->now_ms + STEP_MS, WEV_WORKLOAD, 0, 0, 0);
}

// True when it has a place now.
static bool ask(struct world *w, const struct world_batch *b)
{
    int task;
    bool placed = world_run_task(w, WORLD_PERSON, b->cluster, b->taskdef, b->runs_ms, &task) == WORLD_OK;
    w->counters.batch_refused += !placed;
    w->dirty = true;
    return placed;
}

static void keep_asking(struct world *w, struct world_batch b)
{
    w->batch = arena_grow(&w->arena, w->batch, w->batch_count, &w->batch_cap, sizeof *w->batch);
    w->batch[w->batch_count++] = b;
    if (w->batch_count == 1)
        queue_push(w, w->now_ms + w->o.batch_retry_ms, WEV_BATCH_RETRY, 0, 0, 0);
}

void demand_batch_step(struct world *w)
{
    int candidates[256], n = 0;
    for (size_t s = 0; s < w->service_count && n < 256; s++)
        if (!w->services[s].daemon && !w->services[s].rules.distinct_instance && s % 5 == 1)
            candidates[n++] = (int)s;
    int64_t jobs = n > 0 ? rng_between(&w->demand, 1, 3) : 0;
    for (int64_t j = 0; j < jobs; j++) {
        struct world_service *s = &w->services[candidates[rng_below(&w->demand, (uint64_t)n)]];
        int64_t runs_ms = 30000 + (int64_t)rng_exponential(&w->demand, 300000);
        struct world_batch b = {s->cluster, service_primary(s)->taskdef, runs_ms, w->now_ms};
        w->counters.batch_asked++;
        if (!ask(w, &b))
            keep_asking(w, b);
    }
    double mean_ms = 3600000.0 * 2 / w->o.batch_per_hour;  // two at a time, on average
    queue_push(w, w->now_ms + 1 + (int64_t)rng_exponential(&w->demand, mean_ms), WEV_BATCH, 0, 0, 0);
}

void demand_retry_step(struct world *w)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->batch_count; i++)
        if (!ask(w, &w->batch[i]))
            w->batch[kept++] = w->batch[i];
    w->batch_count = kept;
    if (kept > 0)
        queue_push(w, w->now_ms + w->o.batch_retry_ms, WEV_BATCH_RETRY, 0, 0, 0);
}

void demand_deploy_step(struct world *w)
{
    int candidates[256], n = 0;
    for (size_t s = 0; s < w->service_count && n < 256; s++)
        if (!w->services[s].daemon && w->services[s].deployment_count == 1 && w->services[s].max_percent > 100)
            candidates[n++] = (int)s;
    if (n > 0)
        world_deploy(w, WORLD_PERSON, candidates[rng_below(&w->demand, (uint64_t)n)], NULL);
    queue_push(w, w->now_ms + 1 + (int64_t)rng_exponential(&w->demand, 86400000.0 / (double)w->o.deployments_per_day), WEV_DEPLOY, 0, 0, 0);
}

void demand_start(struct world *w)
{
    w->workload_on = true;
    queue_push(w, w->now_ms + STEP_MS, WEV_WORKLOAD, 0, 0, 0);
    if (w->o.batch_per_hour > 0)
        queue_push(w, w->now_ms + 120000, WEV_BATCH, 0, 0, 0);
    if (w->o.deployments_per_day > 0)
        queue_push(w, w->now_ms + 1 + (int64_t)rng_exponential(&w->demand, 86400000.0 / (double)w->o.deployments_per_day), WEV_DEPLOY, 0, 0, 0);
}
