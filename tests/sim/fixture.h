// A small calm world for tests: one cluster, nothing happens by chance but boot times.
#pragma once

#include <string.h>

#include "planner/sim/summary.h"
#include "planner/sim/world.h"
#include "tests/cm.h"

static inline struct world_options calm_options(void)
{
    struct world_options o;
    world_options_default(&o);
    o.interruptions_per_instance_day = 0;
    o.shortages_per_pool_day = 0;
    o.batch_per_hour = 0;
    o.deployments_per_day = 0;
    return o;
}

static inline struct world *calm_world_with(const struct world_options *o)
{
    struct world *w = NULL;
    struct err err;
    assert_int_equal(world_empty(7, o, &w, &err), 0);
    assert_int_equal(world_add_cluster(w, "main"), 0);
    return w;
}

static inline struct world *calm_world(void)
{
    struct world_options o = calm_options();
    return calm_world_with(&o);
}

static inline void later(struct world *w, int64_t ms)
{
    world_advance(w, world_view(w).now_ms + ms);
}

static inline int a_def(struct world *w, const char *family, int64_t cpu_units, int64_t memory_mib)
{
    struct world_taskdef d = {.need = res_make(cpu_units, memory_mib), .stop_timeout_ms = 30000, .stops_in_ms = 5000, .start_ms = 10000};
    snprintf(d.family, sizeof d.family, "%s", family);
    return world_add_taskdef(w, &d);
}

struct a_service {
    const char *name;
    int64_t cpu_units, memory_mib;
    int32_t desired, min_percent, max_percent;
    enum world_strategy_kind strategy;
    bool distinct, daemon;
};

static inline int add_service(struct world *w, struct a_service a)
{
    struct world_rules rules = {.distinct_instance = a.distinct, .strategies = {{.kind = a.strategy}}, .strategy_count = a.daemon ? 0 : 1};
    return world_add_service(w, &(struct world_service_spec){
                                    .name = a.name, .cluster = 0, .taskdef = a_def(w, a.name, a.cpu_units, a.memory_mib), .daemon = a.daemon,
                                    .desired = a.desired, .min_percent = a.min_percent, .max_percent = a.max_percent, .rules = &rules});
}

static inline int add_fleet(struct world *w, int64_t target, const char *type, int64_t weight)
{
    struct world_override o = {world_type_index(w, type), -1, weight * 1000};
    return world_add_fleet(w, &(struct world_fleet_spec){.cluster = 0, .target = target, .allocation = WALLOC_LOWEST_PRICE, .overrides = &o,
                                                         .override_count = 1});
}

static inline int add_host(struct world *w, int fleet, int zone)
{
    return world_add_instance(w, 0, fleet, world_type_index(w, "m5.xlarge"), zone);
}

static inline struct world_instance host(const struct world *w, int n)
{
    return world_view(w).instances[n];
}

static inline struct world_service service(const struct world *w, int n)
{
    return world_view(w).services[n];
}

static inline struct world_fleet fleet(const struct world *w, int n)
{
    return world_view(w).fleets[n];
}

// Tasks of the service on the instance that ECS wants to run; service -1: standalone ones.
static inline int tasks_on(const struct world *w, int service_index, int instance)
{
    struct world_view v = world_view(w);
    int n = 0;
    for (int t = 0; t < v.task_count; t++)
        n += v.tasks[t].used && v.tasks[t].service == service_index && v.tasks[t].instance == instance &&
             v.tasks[t].desired.now == WD_RUNNING && v.tasks[t].last.now != WT_STOPPED;
    return n;
}

static inline int alive_on(const struct world *w, int instance)
{
    struct world_view v = world_view(w);
    int n = 0;
    for (int t = 0; t < v.task_count; t++)
        n += v.tasks[t].used && v.tasks[t].instance == instance && v.tasks[t].last.now != WT_STOPPED;
    return n;
}

static inline int first_task_on(const struct world *w, int service_index, int instance)
{
    struct world_view v = world_view(w);
    for (int t = 0; t < v.task_count; t++)
        if (v.tasks[t].used && v.tasks[t].service == service_index && v.tasks[t].instance == instance && v.tasks[t].last.now != WT_STOPPED)
            return t;
    return -1;
}

static inline int healthy_of(const struct world *w, int service_index)
{
    struct world_view v = world_view(w);
    int n = 0;
    for (int t = 0; t < v.task_count; t++)
        n += v.tasks[t].used && v.tasks[t].service == service_index && v.tasks[t].desired.now == WD_RUNNING &&
             v.tasks[t].last.now == WT_RUNNING && v.tasks[t].healthy_ms <= v.now_ms;
    return n;
}

static inline int members(const struct world *w, int fleet_index)
{
    struct world_view v = world_view(w);
    int n = 0;
    for (int i = 0; i < v.instance_count; i++)
        n += v.instances[i].used && v.instances[i].fleet == fleet_index && v.instances[i].state.now <= WL_RUNNING;
    return n;
}

static inline enum world_answer drain(struct world *w, enum world_actor by, int instance)
{
    return world_set_container_instance_state(w, by, 0, instance, WE_DRAINING);
}
