// The life of an EC2 instance and of its container instance.
//
//   pending ─► running ─► (registers: ACTIVE) ─► shutting-down ─► terminated ─► forgotten after an hour
#include <math.h>
#include <string.h>

#include "planner/sim/group_internal.h"
#include "planner/sim/market.h"

struct res machine_registers(const struct world_type *t, const struct world_template *m)
{
    // what the kernel and the agent keep: about 3 % and 200 MiB
    struct res r = res_make((int64_t)t->vcpus * 1024, (int64_t)t->memory_mib * 97 / 100 - 200 - m->memory_lost_mib);
    r.v[RES_GPU] = t->gpus;
    r.v[RES_ENI] = m->trunking && t->trunk_slots > 0 ? t->trunk_slots : t->max_enis - 1;
    return r;
}

bool machine_counts(const struct world *w, const struct world_instance *i)
{
    if (!i->used || (i->state.now != WL_PENDING && i->state.now != WL_RUNNING))
        return false;
    if (i->member.state.now != WM_NONE)
        return world_member_counts(i->member.state.now);
    if (i->rebalance_ms > 0 && i->fleet >= 0 && w->fleets[i->fleet].rebalance != WREB_OFF)
        return false;  // with capacity rebalancing one at risk is not fulfilled capacity
    bool doomed = i->notice_ms > 0 && i->end != WEND_NONE;
    return !(doomed && w->o.forget_doomed_at_notice);
}

static int take_slot(struct world *w)
{
    if (w->free_instance_count > 0)
        return w->free_instances[--w->free_instance_count];
    assert(w->instance_count < WORLD_INSTANCES_MAX);
    w->instances = arena_grow(&w->arena, w->instances, w->instance_count, &w->instance_cap, sizeof *w->instances);
    w->instance_keys = arena_grow(&w->arena, w->instance_keys, w->instance_count, &w->instance_key_cap, sizeof *w->instance_keys);
    return (int)w->instance_count++;
}

static void register_now(struct world *w, struct world_instance *i)
{
    const struct world_template *m = &w->templates[i->template];
    world_new_id(w, "", 32, i->ci_id, sizeof i->ci_id);
    i->registered = i->remaining = machine_registers(&w->types[w->pools[i->pool].type], m);
    i->registered_ms = w->now_ms;
    i->agent_connected = true;
    i->version++;
    if (m->trunking)
        world_new_id(w, "eni-0", 16, i->trunk_id, sizeof i->trunk_id);
    for (int k = 0; k < m->attribute_count; k++)
        attributes_put(w, i, m->attributes[k].name, m->attributes[k].value);
    world_lag(w, &i->status, m->registration_fails ? WE_FAILED : WE_ACTIVE);
}

// Time from launch to registration: log-normal through the two quantiles asked for.
static int64_t draw_boot_ms(struct world *w)
{
    double p50 = (double)w->o.boot_p50_ms, p90 = (double)w->o.boot_p90_ms;
    double sigma = p90 > p50 ? log(p90 / p50) / 1.2816 : 0;
    double ms = p50 * exp(sigma * rng_normal(&w->booting));
    return (int64_t)fmin(fmax(ms, p50 * 0.5), p50 * 4);
}

int machine_create(struct world *w, int fleet, int pool, int64_t weight_milli, bool spot, bool booted)
{
    int n = take_slot(w);
    struct world_instance *i = &w->instances[n];
    *i = (struct world_instance){.used = true, .serial = w->next_serial++, .fleet = fleet, .pool = pool, .spot = spot,
                                 .weight_milli = weight_milli, .created_ms = w->now_ms, .launched_ms = w->now_ms, .first_task = -1,
                                 .provider = -1, .subnet = w->pools[pool].zone};
    i->cluster = fleet >= 0 ? w->fleets[fleet].cluster : -1;
    i->template = fleet >= 0 ? w->fleets[fleet].template : 0;
    world_new_id(w, "i-0", 16, i->id, sizeof i->id);
    w->instance_keys[n] = strmap_hash(i->id);
    world_copy(i->tags[0].key, sizeof i->tags[0].key, "Name");
    world_copy(i->tags[0].value, sizeof i->tags[0].value, i->cluster >= 0 ? w->clusters[i->cluster].name : "stray");
    i->tag_count = 1;
    if (fleet >= 0) {
        const struct world_fleet *f = &w->fleets[fleet];
        world_copy(i->tags[1].key, sizeof i->tags[1].key, f->group >= 0 ? "aws:autoscaling:groupName" : f->ec2_fleet ? "aws:ec2:fleet-id" : "aws:ec2spot:fleet-request-id");
        world_copy(i->tags[1].value, sizeof i->tags[1].value, w->fleets[fleet].id);
        world_copy(i->tags[2].key, sizeof i->tags[2].key, "aws:ec2launchtemplate:id");
        world_copy(i->tags[2].value, sizeof i->tags[2].value, w->templates[i->template].id);
        world_copy(i->tags[3].key, sizeof i->tags[3].key, "aws:ec2launchtemplate:version");
        snprintf(i->tags[3].value, sizeof i->tags[3].value, "%d", w->templates[i->template].version);
        i->tag_count = 4;
        for (int k = 0; k < f->launch.tag_count; k++)
            i->tags[i->tag_count++] = f->launch.tags[k];
    }
    i->state = (struct world_lagged){booted ? WL_RUNNING : WL_PENDING, WL_PENDING, w->now_ms};
    w->dirty = true;
    group_joined(w, n, booted);
    if (booted) {
        i->running_ms = w->now_ms;
        register_now(w, i);
    } else {
        int64_t boot_ms = draw_boot_ms(w);
        w->counters.launches++;
        news_instance(w, WNEWS_STATE, n);
        news_instance(w, WNEWS_LAUNCHED, n);
        queue_push(w, w->now_ms + boot_ms / 3, WEV_INST_RUNNING, n, 0, i->serial);
        queue_push(w, w->now_ms + boot_ms, WEV_INST_REGISTER, n, 0, i->serial);
    }
    return n;
}

void machine_running_step(struct world *w, int n)
{
    struct world_instance *i = &w->instances[n];
    if (i->state.now != WL_PENDING)
        return;
    world_lag(w, &i->state, WL_RUNNING);
    news_instance(w, WNEWS_STATE, n);
    i->running_ms = w->now_ms;
    group_running(w, n);
}

void machine_register_step(struct world *w, int n)
{
    struct world_instance *i = &w->instances[n];
    bool never = i->never_registers || (w->templates[i->template].never_registers >> w->pools[i->pool].zone & 1);
    if (i->state.now != WL_RUNNING || never || i->cluster < 0)
        return;
    register_now(w, i);
    w->dirty = true;
    service_wake_cluster(w, i->cluster, true);
}

// What becomes of the tasks of an instance that ends now is whose doing?
static void charge_tasks(struct world *w, const struct world_instance *i)
{
    int64_t hurt = 0;
    for (int t = i->first_task; t >= 0; t = w->tasks[t].next_of_instance)
        hurt += task_alive(&w->tasks[t]) && !task_daemon(w, &w->tasks[t]);
    bool ours = i->ended_by == WORLD_OURS;
    *(ours ? &w->counters.tasks_killed : &w->counters.tasks_lost) += hurt;
    if (i->status.now == WE_DRAINING && i->drained_by == WORLD_OURS && hurt == 0)
        w->counters.drains_finished++;
}

void machine_end(struct world *w, int n, enum world_end end, enum world_actor by)
{
    struct world_instance *i = &w->instances[n];
    if (i->state.now == WL_SHUTTING_DOWN || i->state.now == WL_TERMINATED)
        return;
    i->end = end;
    i->ended_by = by;
    replaced_judge(w, n);
    charge_tasks(w, i);
    world_ended(w, n);
    world_lag(w, &i->state, WL_SHUTTING_DOWN);
    news_instance(w, WNEWS_STATE, n);
    group_ended(w, n);
    i->ended_ms = w->now_ms;
    i->agent_connected = false;
    i->version++;
    w->counters.terminations++;
    w->dirty = true;
    queue_push(w, w->now_ms + rng_between(&w->booting, 3000, 10000), WEV_INST_DEREGISTER, n, 0, i->serial);
    queue_push(w, w->now_ms + rng_between(&w->booting, 20000, 40000), WEV_INST_TERMINATED, n, 0, i->serial);
    if (i->fleet >= 0) {
        fleet_recount(w, i->fleet);
        queue_push(w, w->now_ms + rng_between(&w->booting, 5000, 15000), WEV_FLEET_CHECK, i->fleet, 0, 0);
    }
}

void machine_deregister_step(struct world *w, int n)
{
    struct world_instance *i = &w->instances[n];
    if (i->status.now == WE_NONE || i->status.now == WE_INACTIVE || i->ghost)
        return;
    world_lag(w, &i->status, WE_INACTIVE);
    i->agent_connected = false;
    i->version++;
    for (int t = i->first_task; t >= 0; t = w->tasks[t].next_of_instance)
        task_lose(w, t, "TerminationNotice", "Host EC2 instance was terminated");
    service_wake_cluster(w, i->cluster, false);
}

void machine_terminated_step(struct world *w, int n)
{
    struct world_instance *i = &w->instances[n];
    world_lag(w, &i->state, WL_TERMINATED);
    news_instance(w, WNEWS_STATE, n);
    if (i->spot && i->end != WEND_INTERRUPTED)
        market_take_back(w, i->pool);
    if (i->member.state.now != WM_NONE)
        world_lag(w, &i->member.state, WM_TERMINATED);
    i->terminated_ms = w->now_ms;
    queue_push(w, w->now_ms + 2 * WORLD_KEPT_MS, WEV_INST_GONE, n, 0, i->serial);
}

void machine_gone_step(struct world *w, int n)
{
    struct world_instance *i = &w->instances[n];
    if (i->ghost || i->first_task >= 0) {  // ECS still knows it
        queue_push(w, w->now_ms + WORLD_KEPT_MS, WEV_INST_GONE, n, 0, i->serial);
        return;
    }
    assert(i->first_task < 0);  // its tasks ended with it and are kept for a shorter time
    i->used = false;
    w->free_instances = arena_grow(&w->arena, w->free_instances, w->free_instance_count, &w->free_instance_cap, sizeof(int));
    w->free_instances[w->free_instance_count++] = n;
}

void machine_tell(struct world *w, int n, bool rebalance)
{
    const struct world_instance *i = &w->instances[n];
    size_t old = 0;
    while (old < w->notice_count && w->notices[old].at_ms < w->now_ms - WORLD_KEPT_MS)
        old++;
    if (old > 0) {
        memmove(w->notices, w->notices + old, (w->notice_count - old) * sizeof *w->notices);
        w->notice_count -= old;
    }
    w->notices = arena_grow(&w->arena, w->notices, w->notice_count, &w->notice_cap, sizeof *w->notices);
    struct world_notice *note = &w->notices[w->notice_count++];
    *note = (struct world_notice){.seq = w->next_notice++, .instance = n, .at_ms = w->now_ms, .deadline_ms = i->deadline_ms,
                                   .rebalance = rebalance};
    world_copy(note->instance_id, sizeof note->instance_id, i->id);
}

void machine_doom(struct world *w, int n, enum world_end end, enum world_actor by)
{
    struct world_instance *i = &w->instances[n];
    if (i->notice_ms > 0)
        return;
    i->notice_ms = w->now_ms;
    i->deadline_ms = w->now_ms + WORLD_DOOM_MS;
    i->end = end;
    i->ended_by = by;
    if (end == WEND_INTERRUPTED)
        replaced_note(w, n);
    machine_tell(w, n, false);
    news_instance(w, WNEWS_INTERRUPTION, n);
    news_instance(w, WNEWS_TERMINATION_NOTIFIED, n);
    queue_push(w, i->deadline_ms, WEV_INST_DOOM, n, 0, i->serial);
    if (i->fleet >= 0 && w->o.forget_doomed_at_notice) {
        fleet_recount(w, i->fleet);
        queue_push(w, w->now_ms + 5000, WEV_FLEET_CHECK, i->fleet, 0, 0);
    }
}

void machine_doom_step(struct world *w, int n)
{
    machine_end(w, n, w->instances[n].end, w->instances[n].ended_by);
}

void machine_drained_check(struct world *w, int n)
{
    if (n < 0 || w->instances[n].status.now != WE_DRAINING)
        return;
    const struct world_instance *i = &w->instances[n];
    for (int t = i->first_task; t >= 0; t = w->tasks[t].next_of_instance)
        if (task_alive(&w->tasks[t]) && !task_daemon(w, &w->tasks[t]) && w->tasks[t].last.now <= WT_RUNNING)
            return;
    for (int t = i->first_task; t >= 0; t = w->tasks[t].next_of_instance)
        if (task_wanted(&w->tasks[t]) && task_daemon(w, &w->tasks[t]))
            task_stop(w, t, WORLD_ECS, "ServiceSchedulerInitiated", "Task stopped: container instance is draining");
}
