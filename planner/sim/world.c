#include "planner/sim/world.h"

#include <string.h>

#include "planner/sim/group_internal.h"

void world_options_default(struct world_options *o)
{
    *o = (struct world_options){
        .start_ms = 1768176000000,  // 2026-01-12T00:00:00Z
        .boot_p50_ms = 75000,
        .boot_p90_ms = 95000,
        .modify_ms = 8000,
        .launch_ms = 5000,
        .retry_first_ms = 5000,
        .retry_cap_ms = 60000,
        .healthy_after_ms = 40000,
        .interruptions_per_instance_day = 0.2,
        .shortages_per_pool_day = 0.3,
        .drain_waits_for_protection = true,
        .deployments_per_day = 6,
        .batch_per_hour = 12,
        .batch_retry_ms = 30000,
        .scale_permyriad = 10000,
        .trace_mean = 100,
    };
}

static int check_options(const struct world_options *o, struct err *err)
{
    if (o->boot_p50_ms <= 0 || o->boot_p90_ms < o->boot_p50_ms)
        return err_set(err, ERR_INVALID, "world: boot quantiles %" PRId64 " and %" PRId64 " ms: expected 0 < p50 <= p90", o->boot_p50_ms, o->boot_p90_ms);
    if (o->modify_ms < 0 || o->launch_ms < 0 || o->retry_first_ms <= 0 || o->retry_cap_ms < o->retry_first_ms || o->batch_retry_ms <= 0)
        return err_set(err, ERR_INVALID, "world: a delay is negative or the back-off's cap is below its first pause");
    if (o->scale_permyriad < 100 || o->scale_permyriad > 1000000)
        return err_set(err, ERR_INVALID, "world: scale %d: expected 100 to 1000000 (10000 = the default world)", o->scale_permyriad);
    if (o->trace && (o->trace_mean < 1 || o->trace_mean > 20000))
        return err_set(err, ERR_INVALID, "world: trace mean %" PRId64 " tasks: expected 1 to 20000", o->trace_mean);
    return 0;
}

int world_empty(uint64_t seed, const struct world_options *o, struct world **ret, struct err *err)
{
    int r = check_options(o, err);
    if (r < 0)
        return r;
    struct world *w = calloc(1, sizeof *w);
    if (!w)
        return err_set(err, ERR_NOMEM, "world: no memory");
    arena_init(&w->arena, 0);
    arena_init(&w->placing_room, 0);
    w->o = *o;
    w->seed = seed;
    w->now_ms = w->accounted_ms = o->start_ms;
    w->min_instances = -1;
    w->next_serial = 1;
    w->dirty = true;
    w->open_point.at_ms = w->open_hour.at_ms = o->start_ms;
    struct rng root;
    rng_init(&root, seed);
    w->ids = rng_fork(&root, 1);
    w->placing = rng_fork(&root, 2);
    w->booting = rng_fork(&root, 3);
    w->market = rng_fork(&root, 4);
    w->demand = rng_fork(&root, 5);
    w->living = rng_fork(&root, 6);
    w->prices = rng_fork(&root, 7);
    types_init(w);
    market_init(w);
    queue_push(w, w->now_ms, WEV_SERIES, 0, 0, 0);
    *ret = w;
    return 0;
}

void world_free(struct world *w)
{
    if (!w)
        return;
    arena_release(&w->arena);
    arena_release(&w->placing_room);
    free(w);
}

void world_set_hook(struct world *w, const struct world_hook *hook)
{
    w->hook = hook ? *hook : (struct world_hook){0};
}

void world_lag(struct world *w, struct world_lagged *v, int64_t value)
{
    if (v->changed_ms != w->now_ms)
        v->before = v->now;
    v->now = value;
    v->changed_ms = w->now_ms;
}

void world_copy(char *out, size_t size, const char *text)
{
    size_t n = strlen(text);
    n = n < size ? n : size - 1;
    memcpy(out, text, n);
    out[n] = 0;
}

// digits > 0: so many hexadecimal ones; < 0: decimal.
void world_new_id(struct world *w, const char *prefix, int digits, char *out, size_t size)
{
    world_copy(out, size, prefix);
    size_t at = strlen(out);
    int n = digits < 0 ? -digits : digits;
    for (int i = 0; i < n && at + 1 < size; i++)
        out[at++] = "0123456789abcdef"[rng_below(&w->ids, digits < 0 ? 10 : 16)];
    out[at] = 0;
}

void world_ended(struct world *w, int instance)
{
    if (w->hook.ending)
        w->hook.ending(w->hook.arg, w, instance);
}

int world_service_taskdef(const struct world_service *s)
{
    for (int d = 0; d < s->deployment_count; d++)
        if (s->deployments[d].primary)
            return s->deployments[d].taskdef;
    assert(!"a service has a primary deployment");
    return -1;
}

void world_note_read(struct world *w, int instance, enum world_read kind)
{
    if (w->hook.read)
        w->hook.read(w->hook.arg, w, instance, kind);
}

// ---- time ------------------------------------------------------------------------------------------------------------------

static bool stale(const struct world *w, const struct world_item *it)
{
    if (it->kind >= WEV_TASK_START && it->kind <= WEV_TASK_PROTECT)
        return !w->tasks[it->a].used || w->tasks[it->a].serial != it->serial;
    if (it->kind >= WEV_INST_RUNNING && it->kind <= WEV_INST_DOOM)
        return !w->instances[it->a].used || w->instances[it->a].serial != it->serial;
    return false;
}

static void interrupt_step(struct world *w, int instance)
{
    (void)world_interrupt(w, instance);  // one that ends already stays as it is
}

static void task_done_step(struct world *w, int task)
{
    bool stayed = w->tasks[task].healthy_ms <= w->now_ms;
    task_stop(w, task, WORLD_ECS, "EssentialContainerExited", "Essential container in task exited");
    if (!stayed)
        service_failed(w, task);
}

static void dispatch(struct world *w, const struct world_item *it)
{
    static void (*const step_of[WEV_COUNT])(struct world *, int) = {
        [WEV_SERVICE] = service_step,
        [WEV_TASK_START] = task_start_step,
        [WEV_TASK_HEALTHY] = task_healthy_step,
        [WEV_TASK_STOPPING] = task_stopping_step,
        [WEV_TASK_STOPPED] = task_stopped_step,
        [WEV_TASK_DONE] = task_done_step,
        [WEV_TASK_GONE] = task_gone_step,
        [WEV_TASK_PROTECT] = task_protect_step,
        [WEV_INST_RUNNING] = machine_running_step,
        [WEV_INST_REGISTER] = machine_register_step,
        [WEV_INST_DEREGISTER] = machine_deregister_step,
        [WEV_INST_TERMINATED] = machine_terminated_step,
        [WEV_INST_GONE] = machine_gone_step,
        [WEV_INST_DOOM] = machine_doom_step,
        [WEV_INST_NOTICE] = interrupt_step,
        [WEV_INST_EVENT] = scheduled_event_step,
        [WEV_INST_HOOK] = group_hook_step,
        [WEV_GROUP_TICK] = group_tick_step,
        [WEV_FLEET_MODIFIED] = fleet_modified_step,
        [WEV_FLEET_CHECK] = fleet_check_step,
        [WEV_MARKET_CHANGE] = market_change_step,
    };
    static void (*const world_step_of[WEV_COUNT])(struct world *) = {
        [WEV_WORKLOAD] = demand_workload_step, [WEV_SERIES] = account_series_step,    [WEV_MARKET] = market_step,
        [WEV_DRAW] = market_draw_step,         [WEV_BATCH] = demand_batch_step,       [WEV_BATCH_RETRY] = demand_retry_step,
        [WEV_DEPLOY] = demand_deploy_step,
    };
    if (stale(w, it))
        return;
    if (it->kind == WEV_FLEET_LAUNCH)
        fleet_launch_step(w, it->a, it->b, it->serial != 0);
    else if (step_of[it->kind])
        step_of[it->kind](w, it->a);
    else
        world_step_of[it->kind](w);
}

static void tell_step(struct world *w)
{
    if (w->hook.step)
        w->hook.step(w->hook.arg, w);
}

void world_advance(struct world *w, int64_t to_ms)
{
    struct world_item it;
    bool happened = false;
    while (queue_pop(w, to_ms, &it)) {
        if (it.at_ms > w->now_ms) {
            if (happened)
                tell_step(w);
            account_to(w, it.at_ms);
            w->now_ms = it.at_ms;
        }
        dispatch(w, &it);
        happened = true;
    }
    if (happened)
        tell_step(w);
    if (to_ms > w->now_ms) {
        account_to(w, to_ms);
        w->now_ms = to_ms;
    }
}

int64_t world_next_ms(const struct world *w)
{
    return queue_next_ms(w);
}
