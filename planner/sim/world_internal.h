// The inside of the virtual world, for planner/sim/*.c only: its state, its queue of events, and who does what.
//
//   queue.c     what happens when                      tasks.c    life of a task, counts, room
//   placement.c where ECS puts a task                  service.c  what a service starts and stops
//   reserve.c   what a task reserves                   attributes.c what an instance is
//   machine.c   life of an instance                    fleet.c, group.c targets, orders, excess
//   market.c    prices, shortages, interruptions       demand.c   workload, batch, deployments, protection
//   command.c, group_command.c what callers may do     account.c  areas under the curves
//   replaced.c  whether interruptions were made good in time
//   orders.c    what a scenario may order               news.c    what EventBridge would tell
// Each function that changes what the summary counts sets w->dirty.
#pragma once

#include "base/arena.h"
#include "base/strmap.h"
#include "planner/sim/market.h"
#include "planner/sim/query.h"
#include "planner/sim/queue.h"
#include "planner/sim/summary.h"
#include "planner/sim/waits.h"
#include "planner/sim/world.h"

#define WORLD_INSTANCES_MAX 100000
#define WORLD_TASKS_MAX 1000000
#define WORLD_EVENTS_MAX 4000000
#define WORLD_KEPT_MS 3600000        // ended tasks and instances stay visible so long
#define WORLD_DOOM_MS 120000

// A standalone task that somebody wants and ECS refused for lack of room.
struct world_batch {
    int cluster, taskdef;
    int64_t runs_ms, asked_ms;
};

// What is true now, so that account.c can add areas.
struct world_now {
    int64_t demanded, waiting, batch_waiting, instances;
    int64_t cost_usd_micro_hour;
    struct world_spare spare;  // whole instances
    double need;
};

struct world {
    int64_t now_ms;
    struct world_options o;
    uint64_t seed;
    struct arena arena;
    struct world_queue queue;
    struct world_hook hook;
    struct rng ids, placing, booting, market, demand, living;
    struct rng prices;                     // of world_options.prices_apart
    char zones[8][16];
    int zone_count;
    struct world_cluster *clusters;
    struct world_type *types;
    struct world_pool *pools;
    struct world_taskdef *taskdefs;
    struct world_service *services;
    struct world_fleet *fleets;
    struct world_group *groups;  // of those fleets that are one
    struct world_instance *instances;
    struct world_task *tasks;
    struct world_notice *notices;
    struct world_news *news;
    struct world_batch *batch;
    size_t cluster_count, cluster_cap, type_count, type_cap, pool_count, pool_cap, taskdef_count, taskdef_cap;
    size_t service_count, service_cap, fleet_count, fleet_cap, instance_count, instance_cap, task_count, task_cap;
    size_t notice_count, notice_cap, news_count, news_cap, batch_count, batch_cap, group_count, group_cap;
    int *free_tasks, *free_instances;      // slots to use again
    uint64_t *instance_keys;               // of their ids by strmap_hash(), to find them by
    size_t free_task_count, free_task_cap, free_instance_count, free_instance_cap, instance_key_cap;
    uint64_t next_serial, next_notice, next_news;
    struct world_subnet subnets[8];
    int subnet_count;
    struct world_template *templates;
    struct world_provider *providers;
    size_t template_count, template_cap, provider_count, provider_cap;
    struct arena placing_room;             // of the placement in progress
    bool workload_on;
    struct world_counters counters;
    // account.c
    bool dirty;
    struct world_now is;
    int64_t standalone;                    // tasks of no service that are wanted and have an instance
    int64_t accounted_ms, demanded_ms, waited_ms, batch_waited_ms, cost_area, min_instances, max_instances;
    double instance_ms, need_ms;
    struct world_spare spare_ms;
    struct world_point *series;
    struct world_hour *hours;
    size_t series_count, series_cap, hour_count, hour_cap;
    struct waits waits;
    struct world_point open_point;         // sums, not yet means
    struct world_hour open_hour;
    int64_t open_cost;
};

// world.c
void world_lag(struct world *w, struct world_lagged *v, int64_t value);
void world_new_id(struct world *w, const char *prefix, int hex_digits, char *out, size_t size);
void world_copy(char *out, size_t size, const char *text);
void world_ended(struct world *w, int instance);  // tells the hook
int world_service_taskdef(const struct world_service *s);

// tasks.c
static inline bool task_alive(const struct world_task *t)   // not STOPPED
{
    return t->used && t->last.now != WT_STOPPED;
}
static inline bool task_wanted(const struct world_task *t)  // desired RUNNING and not STOPPED
{
    return task_alive(t) && t->desired.now == WD_RUNNING;
}
bool task_daemon(const struct world *w, const struct world_task *t);
// instance -1: it waits in PROVISIONING. run: of a standalone task, else NULL.
int task_create(struct world *w, const struct world_ask *ask, int instance, const struct world_run *run);
void task_stop(struct world *w, int task, enum world_actor by, const char *code, const char *reason);
void task_lose(struct world *w, int task, const char *code, const char *reason);  // its host is gone
void task_start_step(struct world *w, int task);
void task_healthy_step(struct world *w, int task);
void task_stopping_step(struct world *w, int task);
void task_stopped_step(struct world *w, int task);
void task_gone_step(struct world *w, int task);
void task_protect_step(struct world *w, int task);

// placement.c
int placement_choose(struct world *w, const struct world_ask *ask);  // -1: no instance meets all requirements
enum world_place placement_has_room(const struct world *w, const struct world_ask *ask, int instance);  // StartTask

// attributes.c
enum world_answer attributes_put(struct world *w, struct world_instance *i, const char *name, const char *value);
bool attributes_remove(struct world_instance *i, const char *name);  // false: it has none of that name

// reserve.c: the world's own copies
void rules_keep(struct world *w, struct world_rules *r);
void taskdef_keep(struct world *w, struct world_taskdef *d);
const struct world_task_override *override_keep(struct world *w, const struct world_task_override *o);

// service.c
void service_wake(struct world *w, int service, int64_t at_ms);
void service_step(struct world *w, int service);
void service_failed(struct world *w, int task);  // it ended before it was healthy: the scheduler slows down
void service_event(struct world *w, int service, const char *fmt, ...) _printf_(3, 4);
void service_wake_cluster(struct world *w, int cluster, bool daemons_only);
struct world_deployment *service_primary(struct world_service *s);

// machine.c
int machine_create(struct world *w, int fleet, int pool, int64_t weight_milli, bool spot, bool booted);
void machine_running_step(struct world *w, int instance);
void machine_register_step(struct world *w, int instance);
void machine_end(struct world *w, int instance, enum world_end end, enum world_actor by);
void machine_deregister_step(struct world *w, int instance);
void machine_terminated_step(struct world *w, int instance);
void machine_gone_step(struct world *w, int instance);
void machine_doom(struct world *w, int instance, enum world_end end, enum world_actor by);  // notice now, end in two minutes
void machine_tell(struct world *w, int instance, bool rebalance);  // adds a notice
void machine_doom_step(struct world *w, int instance);
void scheduled_event_step(struct world *w, int instance);  // of orders.c
void machine_drained_check(struct world *w, int instance);  // daemons go when the others have left
struct res machine_registers(const struct world_type *t, const struct world_template *m);
bool machine_counts(const struct world *w, const struct world_instance *i);  // in its fleet's fulfilled capacity

// news.c: what EventBridge would tell of it
void news_instance(struct world *w, enum world_news_kind kind, int instance);  // WNEWS_STATE: its present state
void news_fleet(struct world *w, int fleet, const char *word);
void news_trouble(struct world *w, int fleet, enum world_news_kind kind, const char *word, int pool);  // pool -1: all, or not told
void news_launch_failed(struct world *w, int fleet, const char *message, int pool);  // of a group; told once a minute
void news_hook(struct world *w, int instance, enum world_news_kind kind, const char *hook);

// fleet.c
void fleet_check_step(struct world *w, int fleet);
void fleet_modified_step(struct world *w, int fleet);
void fleet_launch_step(struct world *w, int fleet, int packed, bool spot);  // an order that fleet_check_step put in the queue
void fleet_recount(struct world *w, int fleet);
// An entry of its history; the same within 13 minutes, in which EC2 does not try that pool again, is not repeated.
void fleet_event(struct world *w, int fleet, const char *type, const char *sub_type, int pool);
int fleet_pool(const struct world *w, int type, int zone);

// demand.c
void demand_start(struct world *w);
void demand_workload_step(struct world *w);
void demand_batch_step(struct world *w);
void demand_retry_step(struct world *w);
void demand_deploy_step(struct world *w);

// build.c: demand begins, each fleet has what that needs and a fifth more, and all of it runs
void world_begin(struct world *w);

// account.c
void account_to(struct world *w, int64_t at_ms);
void account_series_step(struct world *w);

// types.c
void types_init(struct world *w);
