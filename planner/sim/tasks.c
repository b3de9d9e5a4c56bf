#include <string.h>

#include "planner/sim/world_internal.h"

enum { WAIT_MS = 10000 };  // a task without a place looks again

bool task_daemon(const struct world *w, const struct world_task *t)
{
    return t->service >= 0 && w->services[t->service].daemon;
}

// Adds (+1) or takes away (−1) what the task contributes to the counts that ECS tells. Around each change of a task.
static void count(struct world *w, const struct world_task *t, int sign)
{
    w->dirty = true;
    if (!task_wanted(t))
        return;
    bool running = t->last.now == WT_RUNNING;
    if (t->instance >= 0) {
        struct world_instance *i = &w->instances[t->instance];
        *(running ? &i->running_tasks : &i->pending_tasks) += sign;
    }
    if (t->service < 0) {
        w->standalone += t->instance >= 0 ? sign : 0;
        return;
    }
    struct world_service *s = &w->services[t->service];
    s->unplaced += t->instance < 0 ? sign : 0;
    *(running ? &s->running : &s->pending) += sign;
    for (int d = 0; d < s->deployment_count; d++)
        if (s->deployment_count == 1 || !strcmp(s->deployments[d].id, t->deployment))
            *(running ? &s->deployments[d].running : &s->deployments[d].pending) += sign;
}

static void set_last(struct world *w, struct world_task *t, enum world_task_status status)
{
    count(w, t, -1);
    world_lag(w, &t->last, status);
    count(w, t, +1);
}

static int take_slot(struct world *w)
{
    if (w->free_task_count > 0)
        return w->free_tasks[--w->free_task_count];
    assert(w->task_count < WORLD_TASKS_MAX);
    w->tasks = arena_grow(&w->arena, w->tasks, w->task_count, &w->task_cap, sizeof *w->tasks);
    return (int)w->task_count++;
}

// Takes what the task reserves off the instance and links it there.
static void take_place(struct world *w, int n, int instance)
{
    struct world_task *t = &w->tasks[n];
    struct world_instance *i = &w->instances[instance];
    uint32_t held = 0;
    for (int k = i->first_task; k >= 0; k = w->tasks[k].next_of_instance)
        if (task_wanted(&w->tasks[k]))
            held |= w->tasks[k].gpu_mask;
    for (int64_t gpu = 0, left = t->need.v[RES_GPU]; left > 0 && gpu < 32; gpu++) {
        if (held >> gpu & 1)
            continue;
        t->gpu_mask |= 1u << gpu;
        left--;
    }
    t->instance = instance;
    t->next_of_instance = i->first_task;
    i->first_task = n;
    i->remaining = res_sub(i->remaining, t->need);
    i->version++;
    double spread = 0.6 + rng_double(&w->living);
    queue_push(w, w->now_ms + (int64_t)((double)w->taskdefs[t->taskdef].start_ms * spread), WEV_TASK_START, n, 0, t->serial);
}

static const struct world_rules *kept_rules(struct world *w, const struct world_rules *rules)
{
    struct world_rules *own = arena_new(&w->arena, struct world_rules);
    *own = *rules;
    rules_keep(w, own);
    return own;
}

int task_create(struct world *w, const struct world_ask *ask, int instance, const struct world_run *run)
{
    int n = take_slot(w);
    struct world_task *t = &w->tasks[n];
    *t = (struct world_task){.used = true, .serial = w->next_serial++, .cluster = ask->cluster, .service = ask->service, .taskdef = ask->taskdef,
                             .instance = -1, .provider = ask->provider, .need = ask->need, .created_ms = w->now_ms, .stop_code = "",
                             .stop_reason = "", .stopped_by = WORLD_ECS, .next_of_service = -1, .next_of_instance = -1};
    world_new_id(w, "", 32, t->id, sizeof t->id);
    world_copy(t->group, sizeof t->group, ask->group);
    t->last.now = t->last.before = instance < 0 || ask->need.v[RES_ENI] > 0 ? WT_PROVISIONING : WT_PENDING;
    t->last.changed_ms = t->desired.changed_ms = w->now_ms;
    if (ask->service >= 0) {
        struct world_service *s = &w->services[ask->service];
        world_copy(t->deployment, sizeof t->deployment, service_primary(s)->id);
        world_copy(t->started_by, sizeof t->started_by, t->deployment);
        t->next_of_service = s->first_task;
        s->first_task = n;
    }
    if (run) {
        world_copy(t->started_by, sizeof t->started_by, run->started_by ? run->started_by : "");
        t->runs_ms = run->runs_ms;
        t->override = override_keep(w, run->override);
    }
    if (instance >= 0) {
        take_place(w, n, instance);
    } else {
        t->rules = ask->service < 0 ? kept_rules(w, ask->rules) : NULL;
        queue_push(w, w->now_ms + WAIT_MS, WEV_TASK_START, n, 0, t->serial);
    }
    count(w, t, +1);
    w->counters.tasks_started++;
    return n;
}

// A task of a managed provider that has no place yet looks for one.
static void find_place(struct world *w, int n)
{
    struct world_task *t = &w->tasks[n];
    struct world_ask ask = {.cluster = t->cluster, .taskdef = t->taskdef, .service = t->service, .provider = t->provider,
                            .rules = t->service >= 0 ? &w->services[t->service].rules : t->rules, .need = t->need};
    world_copy(ask.group, sizeof ask.group, t->group);
    int host = placement_choose(w, &ask);
    if (host < 0) {
        queue_push(w, w->now_ms + WAIT_MS, WEV_TASK_START, n, 0, t->serial);
        return;
    }
    count(w, t, -1);
    take_place(w, n, host);
    world_lag(w, &t->last, t->need.v[RES_ENI] > 0 ? WT_PROVISIONING : WT_PENDING);
    count(w, t, +1);
}

// Whether the host really has room: containers that are still stopping hold theirs, though ECS has given it away already.
static bool host_has_room(const struct world *w, const struct world_task *t)
{
    const struct world_instance *i = &w->instances[t->instance];
    struct res used = t->need;
    for (int n = i->first_task; n >= 0; n = w->tasks[n].next_of_instance)
        if (&w->tasks[n] != t && task_alive(&w->tasks[n]) && w->tasks[n].last.now >= WT_ACTIVATING)
            used = res_add(used, w->tasks[n].need);
    return res_fits(used, i->registered);
}

static void draw_protection(struct world *w, struct world_task *t, int n)
{
    int64_t for_ms = w->services[t->service].protects_ms;
    if (rng_double(&w->living) < 0.4) {
        t->protected_since_ms = w->now_ms;
        t->protected_until_ms = w->now_ms + (int64_t)((double)for_ms * (0.5 + rng_double(&w->living)));
    }
    int64_t again_ms = t->protected_until_ms > w->now_ms ? t->protected_until_ms : w->now_ms + 2 * for_ms;
    queue_push(w, again_ms, WEV_TASK_PROTECT, n, 0, t->serial);
}

void task_protect_step(struct world *w, int n)
{
    struct world_task *t = &w->tasks[n];
    if (!task_wanted(t))
        return;
    service_wake(w, t->service, w->now_ms);
    if (w->services[t->service].protects_ms > 0)
        draw_protection(w, t, n);
}

void task_start_step(struct world *w, int n)
{
    struct world_task *t = &w->tasks[n];
    const struct world_taskdef *d = &w->taskdefs[t->taskdef];
    if (!task_wanted(t) || t->last.now >= WT_RUNNING)
        return;
    if (t->instance < 0) {
        find_place(w, n);
        return;
    }
    if (w->instances[t->instance].ghost)
        return;  // nobody is there to start it
    if (d->fails_to_start) {
        task_stop(w, n, WORLD_ECS, "TaskFailedToStart", "CannotPullContainerError: the image cannot be pulled");
        service_failed(w, n);
        return;
    }
    if (!host_has_room(w, t)) {
        queue_push(w, w->now_ms + 2000, WEV_TASK_START, n, 0, t->serial);
        return;
    }
    set_last(w, t, WT_RUNNING);
    t->started_ms = w->now_ms;
    t->healthy_ms = w->now_ms + w->o.healthy_after_ms;
    if (t->service >= 0) {
        queue_push(w, t->healthy_ms, WEV_TASK_HEALTHY, n, 0, t->serial);
        service_wake(w, t->service, w->now_ms);
        if (w->services[t->service].protects_ms > 0)
            draw_protection(w, t, n);
    }
    if (d->crashes)
        queue_push(w, w->now_ms + 2000, WEV_TASK_DONE, n, 0, t->serial);
    else if (t->runs_ms > 0)
        queue_push(w, w->now_ms + t->runs_ms, WEV_TASK_DONE, n, 0, t->serial);
}

void task_healthy_step(struct world *w, int n)
{
    const struct world_task *t = &w->tasks[n];
    if (t->service < 0)
        return;
    if (task_wanted(t))
        w->services[t->service].failures = 0;
    service_wake(w, t->service, w->now_ms);
}

static void give_back(struct world *w, const struct world_task *t)
{
    if (t->instance < 0)
        return;
    struct world_instance *i = &w->instances[t->instance];
    i->remaining = res_add(i->remaining, t->need);
    i->version++;
}

// Takes n out of a list that begins at *head; the task's link is found by `of_service`. Its own link stays, for who walks the list just now.
static void unlink_task(struct world *w, int *head, int n, bool of_service)
{
    int *at = head;
    while (*at >= 0 && *at != n)
        at = of_service ? &w->tasks[*at].next_of_service : &w->tasks[*at].next_of_instance;
    assert(*at == n);
    *at = of_service ? w->tasks[n].next_of_service : w->tasks[n].next_of_instance;
}

// It stays visible for an hour, but in no list: whoever walks one asks for what lives.
static void become_stopped(struct world *w, struct world_task *t, int n)
{
    set_last(w, t, WT_STOPPED);
    t->stopped_ms = w->now_ms;
    t->protected_until_ms = 0;
    w->counters.tasks_stopped++;
    if (t->service >= 0)
        unlink_task(w, &w->services[t->service].first_task, n, true);
    if (t->instance >= 0)
        unlink_task(w, &w->instances[t->instance].first_task, n, false);
    queue_push(w, w->now_ms + WORLD_KEPT_MS, WEV_TASK_GONE, n, 0, t->serial);
}

static void follow_up(struct world *w, const struct world_task *t)
{
    if (t->service >= 0)
        service_wake(w, t->service, w->now_ms);
    machine_drained_check(w, t->instance);
}

void task_stop(struct world *w, int n, enum world_actor by, const char *code, const char *reason)
{
    struct world_task *t = &w->tasks[n];
    const struct world_taskdef *d = &w->taskdefs[t->taskdef];
    if (!task_wanted(t))
        return;
    count(w, t, -1);
    world_lag(w, &t->desired, WD_STOPPED);
    t->stop_code = code;
    t->stop_reason = reason;
    t->stopped_by = by;
    t->stopping_ms = w->now_ms;
    give_back(w, t);
    if (t->last.now < WT_RUNNING || t->instance < 0) {
        become_stopped(w, t, n);
    } else {
        int64_t takes_ms = (int64_t)((double)d->stops_in_ms * (0.7 + 0.6 * rng_double(&w->living)));
        if (takes_ms > d->stop_timeout_ms)
            takes_ms = d->stop_timeout_ms;
        queue_push(w, w->now_ms + 1000, WEV_TASK_STOPPING, n, 0, t->serial);
        queue_push(w, w->now_ms + 1500 + takes_ms, WEV_TASK_STOPPED, n, 0, t->serial);
    }
    follow_up(w, t);
}

void task_stopping_step(struct world *w, int n)
{
    if (!task_alive(&w->tasks[n]))
        return;
    set_last(w, &w->tasks[n], WT_STOPPING);
    follow_up(w, &w->tasks[n]);
}

void task_stopped_step(struct world *w, int n)
{
    if (!task_alive(&w->tasks[n]))
        return;
    become_stopped(w, &w->tasks[n], n);
    follow_up(w, &w->tasks[n]);
}

void task_lose(struct world *w, int n, const char *code, const char *reason)
{
    struct world_task *t = &w->tasks[n];
    if (!task_alive(t))
        return;
    count(w, t, -1);
    if (t->desired.now == WD_RUNNING) {
        give_back(w, t);
        world_lag(w, &t->desired, WD_STOPPED);
        t->stop_code = code;
        t->stop_reason = reason;
        t->stopped_by = WORLD_AWS;
        t->stopping_ms = w->now_ms;
    }
    become_stopped(w, t, n);
    follow_up(w, t);
}

void task_gone_step(struct world *w, int n)
{
    struct world_task *t = &w->tasks[n];
    t->used = false;
    w->free_tasks = arena_grow(&w->arena, w->free_tasks, w->free_task_count, &w->free_task_cap, sizeof *w->free_tasks);
    w->free_tasks[w->free_task_count++] = n;
}
