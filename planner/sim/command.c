#include <string.h>

#include "planner/sim/group_internal.h"
#include "planner/sim/orders.h"

static bool has_instance(const struct world *w, int n)
{
    return n >= 0 && (size_t)n < w->instance_count && w->instances[n].used;
}
static bool has_fleet(const struct world *w, int n)
{
    return n >= 0 && (size_t)n < w->fleet_count;
}
static bool has_task(const struct world *w, int n)
{
    return n >= 0 && (size_t)n < w->task_count && w->tasks[n].used;
}
static bool has_service(const struct world *w, int n)
{
    return n >= 0 && (size_t)n < w->service_count;
}

struct world_call world_call_of(enum world_op op, enum world_actor by)
{
    return (struct world_call){.op = op, .actor = by, .cluster = -1, .instance = -1, .fleet = -1, .service = -1, .task = -1,
                               .target = -1, .on_demand = -1, .excess = -1, .key = "", .value = ""};
}

void world_tell_before(struct world *w, const struct world_call *c)
{
    if (w->hook.before)
        w->hook.before(w->hook.arg, w, c);
}

enum world_answer world_tell_after(struct world *w, const struct world_call *c, enum world_answer answer)
{
    w->dirty = true;
    if (w->hook.after)
        w->hook.after(w->hook.arg, w, c, answer);
    return answer;
}

static enum world_answer set_state(struct world *w, enum world_actor by, int cluster, int n, enum world_ecs_status status)
{
    if (!has_instance(w, n) || w->instances[n].cluster != cluster || w->instances[n].status.now == WE_NONE)
        return WORLD_NOT_FOUND;
    struct world_instance *i = &w->instances[n];
    if (status != WE_ACTIVE && status != WE_DRAINING)
        return WORLD_INVALID;
    if (i->status.now != WE_ACTIVE && i->status.now != WE_DRAINING)
        return WORLD_BAD_STATE;
    if ((int64_t)status == i->status.now)
        return WORLD_OK;
    if (status == WE_DRAINING) {
        i->drained_by = by;
        i->draining_ms = w->now_ms;
        w->counters.drains_begun += by == WORLD_OURS;
    } else {
        w->counters.drains_undone += by == WORLD_OURS && i->drained_by == WORLD_OURS;
    }
    world_lag(w, &i->status, status);
    i->version++;
    service_wake_cluster(w, cluster, false);
    machine_drained_check(w, n);
    return WORLD_OK;
}

enum world_answer world_set_container_instance_state(struct world *w, enum world_actor by, int cluster, int instance,
                                                     enum world_ecs_status status)
{
    struct world_call c = world_call_of(WOP_SET_STATE, by);
    c.cluster = cluster;
    c.instance = instance;
    c.status = status;
    world_tell_before(w, &c);
    return world_tell_after(w, &c, set_state(w, by, cluster, instance, status));
}

static enum world_answer modify(struct world *w, enum world_actor by, int n, int64_t target, int64_t on_demand, int excess)
{
    if (!has_fleet(w, n))
        return WORLD_NOT_FOUND;
    struct world_fleet *f = &w->fleets[n];
    if (f->group >= 0)
        return WORLD_NOT_FOUND;
    if (!f->maintain || (f->state.now != WF_ACTIVE && !(f->ec2_fleet && f->state.now == WF_SUBMITTED)))
        return WORLD_FLEET_NOT_MODIFIABLE;
    int64_t new_target = target < 0 ? f->wanted : target, new_on_demand = on_demand < 0 ? f->wanted_on_demand : on_demand;
    if (new_target > 10000 || new_on_demand > new_target || excess > WX_NO_TERMINATION)
        return WORLD_INVALID;
    f->wanted = new_target;
    f->wanted_on_demand = new_on_demand;
    f->excess = excess < 0 ? WX_DEFAULT : (enum world_excess)excess;
    f->modified_by = by;
    world_lag(w, &f->state, WF_MODIFYING);
    news_fleet(w, n, "modify_in_progress");
    f->modify_done_ms = w->now_ms + w->o.modify_ms / 2 + (int64_t)rng_below(&w->booting, (uint64_t)w->o.modify_ms + 1);
    queue_push(w, f->modify_done_ms, WEV_FLEET_MODIFIED, n, 0, 0);
    int64_t soon_ms = w->now_ms + (f->modify_done_ms - w->now_ms) / 4;  // it works while it is still modifying
    queue_push(w, soon_ms, WEV_FLEET_CHECK, n, 0, 0);
    return WORLD_OK;
}

enum world_answer world_modify_spot_fleet(struct world *w, enum world_actor by, int fleet, int64_t target, int64_t on_demand, int excess)
{
    struct world_call c = world_call_of(WOP_MODIFY_FLEET, by);
    c.fleet = fleet;
    c.target = target;
    c.on_demand = on_demand;
    c.excess = excess;
    world_tell_before(w, &c);
    return world_tell_after(w, &c, modify(w, by, fleet, target, on_demand, excess));
}

enum world_answer world_cancel_fleet(struct world *w, enum world_actor by, int fleet, bool terminate)
{
    if (!has_fleet(w, fleet) || w->fleets[fleet].group >= 0)
        return WORLD_NOT_FOUND;
    struct world_fleet *f = &w->fleets[fleet];
    if (f->state.now >= WF_CANCELLED_RUNNING)
        return WORLD_FLEET_NOT_MODIFIABLE;
    world_lag(w, &f->state, terminate ? WF_CANCELLED_TERMINATING : WF_CANCELLED_RUNNING);
    news_fleet(w, fleet, terminate ? "cancelled_terminating" : "cancelled_running");
    for (size_t n = 0; terminate && n < w->instance_count; n++)
        if (w->instances[n].used && w->instances[n].fleet == fleet)
            machine_end(w, (int)n, WEND_FLEET_CANCELLED, by);
    fleet_recount(w, fleet);
    return WORLD_OK;
}

enum world_answer world_terminate(struct world *w, enum world_actor by, const int *instances, int n)
{
    struct world_call c = world_call_of(WOP_TERMINATE, by);
    c.instances = instances;
    c.instance_count = n;
    c.instance = n == 1 ? instances[0] : -1;
    world_tell_before(w, &c);
    for (int k = 0; k < n; k++)  // one bad id: none is terminated
        if (!has_instance(w, instances[k]))
            return world_tell_after(w, &c, WORLD_NOT_FOUND);
    for (int k = 0; k < n; k++)
        machine_end(w, instances[k], WEND_BY_ID, by);
    return world_tell_after(w, &c, WORLD_OK);
}

static enum world_answer put_tag(struct world_tag *tags, int *count, const char *key, const char *value)
{
    if (!strncmp(key, "aws:", 4) || strlen(key) >= sizeof tags->key || strlen(value) >= sizeof tags->value || !*key)
        return WORLD_INVALID;
    int k = 0;
    while (k < *count && strcmp(tags[k].key, key))
        k++;
    if (k == WORLD_TAGS)
        return WORLD_LIMIT;
    if (k == *count)
        ++*count;
    world_copy(tags[k].key, sizeof tags[k].key, key);
    world_copy(tags[k].value, sizeof tags[k].value, value);
    return WORLD_OK;
}

enum world_answer world_tag(struct world *w, enum world_actor by, int instance, const char *key, const char *value)
{
    struct world_call c = world_call_of(WOP_TAG, by);
    c.instance = instance;
    c.key = key;
    c.value = value;
    world_tell_before(w, &c);
    if (!has_instance(w, instance))
        return world_tell_after(w, &c, WORLD_NOT_FOUND);
    struct world_instance *i = &w->instances[instance];
    return world_tell_after(w, &c, put_tag(i->tags, &i->tag_count, key, value));
}

static void take_tag(struct world_tag *tags, int *count, const char *key)
{
    for (int k = 0; k < *count; k++) {
        if (strcmp(tags[k].key, key))
            continue;
        memmove(&tags[k], &tags[k + 1], (size_t)(*count - k - 1) * sizeof *tags);
        --*count;
        break;
    }
}

enum world_answer world_untag(struct world *w, enum world_actor by, int instance, const char *key)
{
    struct world_call c = world_call_of(WOP_UNTAG, by);
    c.instance = instance;
    c.key = key;
    world_tell_before(w, &c);
    if (!has_instance(w, instance))
        return world_tell_after(w, &c, WORLD_NOT_FOUND);
    take_tag(w->instances[instance].tags, &w->instances[instance].tag_count, key);
    return world_tell_after(w, &c, WORLD_OK);  // EC2 is content when there was none
}

enum world_answer world_untag_fleet(struct world *w, enum world_actor by, int fleet, const char *key)
{
    struct world_call c = world_call_of(WOP_UNTAG, by);
    c.fleet = fleet;
    c.key = key;
    world_tell_before(w, &c);
    if (!has_fleet(w, fleet))
        return world_tell_after(w, &c, WORLD_NOT_FOUND);
    take_tag(w->fleets[fleet].tags, &w->fleets[fleet].tag_count, key);
    return world_tell_after(w, &c, WORLD_OK);
}

enum world_answer world_tag_fleet(struct world *w, enum world_actor by, int fleet, const char *key, const char *value)
{
    struct world_call c = world_call_of(WOP_TAG, by);
    c.fleet = fleet;
    c.key = key;
    c.value = value;
    world_tell_before(w, &c);
    if (!has_fleet(w, fleet))
        return world_tell_after(w, &c, WORLD_NOT_FOUND);
    return world_tell_after(w, &c, put_tag(w->fleets[fleet].tags, &w->fleets[fleet].tag_count, key, value));
}

enum world_answer world_set_task_protection(struct world *w, enum world_actor by, int task, bool on, int64_t for_ms)
{
    struct world_call c = world_call_of(WOP_PROTECT, by);
    c.task = task;
    world_tell_before(w, &c);
    if (!has_task(w, task) || !task_wanted(&w->tasks[task]))
        return world_tell_after(w, &c, WORLD_NOT_FOUND);
    struct world_task *t = &w->tasks[task];
    if (t->service < 0)
        return world_tell_after(w, &c, WORLD_NOT_SERVICE_TASK);
    if (on && (for_ms < 60000 || for_ms > 2880 * 60000LL))
        return world_tell_after(w, &c, WORLD_INVALID);
    t->protected_until_ms = on ? w->now_ms + for_ms : 0;
    t->protected_since_ms = w->now_ms;
    service_wake(w, t->service, on ? t->protected_until_ms : w->now_ms);
    return world_tell_after(w, &c, WORLD_OK);
}

enum world_answer world_set_desired(struct world *w, enum world_actor by, int service, int32_t desired)
{
    struct world_call c = world_call_of(WOP_DESIRED, by);
    c.service = service;
    c.target = desired;
    world_tell_before(w, &c);
    if (!has_service(w, service))
        return world_tell_after(w, &c, WORLD_NOT_FOUND);
    if (w->services[service].daemon || desired < 0 || desired > 5000)
        return world_tell_after(w, &c, WORLD_INVALID);
    w->services[service].desired = desired;
    world_lag(w, &w->services[service].desired_was, desired);
    w->services[service].steady = false;
    service_wake(w, service, w->now_ms);
    return world_tell_after(w, &c, WORLD_OK);
}

static enum world_answer begin_deployment(struct world *w, int service, int taskdef)
{
    struct world_service *s = &w->services[service];
    memmove(&s->deployments[1], &s->deployments[0], (size_t)s->deployment_count * sizeof s->deployments[0]);
    s->deployment_count++;
    s->deployments[1].primary = false;
    s->deployments[0] = (struct world_deployment){.taskdef = taskdef, .primary = true, .desired = s->desired, .created_ms = w->now_ms,
                                                  .updated_ms = w->now_ms};
    world_new_id(w, "ecs-svc/", -19, s->deployments[0].id, sizeof s->deployments[0].id);
    s->steady = false;
    s->failures = 0;
    s->restart_ms = 0;
    w->counters.deployments++;
    service_wake(w, service, w->now_ms);
    return WORLD_OK;
}

static enum world_answer deploy(struct world *w, int service, const struct res *need)
{
    if (!has_service(w, service))
        return WORLD_NOT_FOUND;
    if (w->services[service].deployment_count == WORLD_DEPLOYMENTS)
        return WORLD_LIMIT;
    struct world_taskdef d = w->taskdefs[service_primary(&w->services[service])->taskdef];
    d.revision = 0;
    if (need) {
        d.need = *need;
        d.container_count = 0;
        d.cpu_units = d.memory_mib = 0;
    }
    return begin_deployment(w, service, world_add_taskdef(w, &d));
}

enum world_answer world_deploy(struct world *w, enum world_actor by, int service, const struct res *need)
{
    struct world_call c = world_call_of(WOP_DEPLOY, by);
    c.service = service;
    world_tell_before(w, &c);
    return world_tell_after(w, &c, deploy(w, service, need));
}

static enum world_answer update_service(struct world *w, int service, const struct world_service_change *change)
{
    if (!has_service(w, service))
        return WORLD_NOT_FOUND;
    struct world_service *s = &w->services[service];
    bool deploys = change->taskdef >= 0 || change->rules;
    if (change->taskdef >= (int)w->taskdef_count)
        return WORLD_NOT_FOUND;
    if (deploys && s->deployment_count == WORLD_DEPLOYMENTS)
        return WORLD_LIMIT;
    if (change->min_percent >= 0)
        s->min_percent = change->min_percent;
    if (change->max_percent >= 0)
        s->max_percent = change->max_percent;
    if (change->rules) {
        s->rules = *change->rules;
        rules_keep(w, &s->rules);
    }
    service_wake(w, service, w->now_ms);
    return deploys ? begin_deployment(w, service, change->taskdef >= 0 ? change->taskdef : service_primary(s)->taskdef) : WORLD_OK;
}

enum world_answer world_update_service(struct world *w, enum world_actor by, int service, const struct world_service_change *change)
{
    struct world_call c = world_call_of(WOP_DEPLOY, by);
    c.service = service;
    world_tell_before(w, &c);
    return world_tell_after(w, &c, update_service(w, service, change));
}

static enum world_answer deregister(struct world *w, int cluster, int n, bool force)
{
    if (!has_instance(w, n) || w->instances[n].cluster != cluster || w->instances[n].status.now == WE_NONE || w->instances[n].status.now == WE_INACTIVE)
        return WORLD_NOT_FOUND;
    for (int t = w->instances[n].first_task; t >= 0; t = w->tasks[t].next_of_instance)
        if (task_wanted(&w->tasks[t]) && !force)
            return WORLD_BAD_STATE;
    w->instances[n].ghost = false;
    machine_deregister_step(w, n);
    return WORLD_OK;
}

enum world_answer world_deregister(struct world *w, enum world_actor by, int cluster, int instance, bool force)
{
    struct world_call c = world_call_of(WOP_DEREGISTER, by);
    c.cluster = cluster;
    c.instance = instance;
    world_tell_before(w, &c);
    return world_tell_after(w, &c, deregister(w, cluster, instance, force));
}

// Where the task of a call goes; -1: nowhere, or (with WPLACE_OK) it waits for its managed provider.
static int place_run(struct world *w, const struct world_ask *ask, const struct world_run *run, enum world_place *ret_why, int *ret_closest)
{
    *ret_why = WPLACE_OK;
    if (run->instance >= 0) {  // StartTask: the caller chose; draining instances take it, constraints are not asked
        *ret_closest = run->instance;
        *ret_why = placement_has_room(w, ask, run->instance);
        return *ret_why == WPLACE_OK ? run->instance : -1;
    }
    int host = placement_choose(w, ask);
    if (host >= 0)
        return host;
    if (ask->provider >= 0 && w->providers[ask->provider].managed)
        return -1;
    *ret_why = WPLACE_NOT_ACTIVE;
    *ret_closest = world_closest(w, ask, ret_why);
    return -1;
}

static enum world_answer run_one(struct world *w, const struct world_run *run, int *ret_task, enum world_place *ret_why, int *ret_closest)
{
    static const struct world_rules none;
    if (run->cluster < 0 || (size_t)run->cluster >= w->cluster_count || run->taskdef < 0 || (size_t)run->taskdef >= w->taskdef_count)
        return WORLD_NOT_FOUND;
    if (run->instance >= 0 && (!has_instance(w, run->instance) || w->instances[run->instance].cluster != run->cluster))
        return WORLD_NOT_FOUND;
    const struct world_taskdef *d = &w->taskdefs[run->taskdef];
    struct world_ask ask = {.cluster = run->cluster, .taskdef = run->taskdef, .service = -1, .provider = run->provider,
                            .rules = run->rules ? run->rules : &none, .need = world_reservation(d, run->override)};
    struct world_rules own = *ask.rules;
    rules_keep(w, &own);  // its expressions are parsed
    ask.rules = &own;
    snprintf(ask.group, sizeof ask.group, "%s%s", run->group ? "" : "family:", run->group ? run->group : d->family);
    int host = place_run(w, &ask, run, ret_why, ret_closest);
    if (host < 0 && *ret_why != WPLACE_OK)
        return WORLD_NO_ROOM;
    *ret_task = task_create(w, &ask, host, run);
    return WORLD_OK;
}

enum world_answer world_run(struct world *w, enum world_actor by, const struct world_run *run, int *ret_task, enum world_place *ret_why,
                            int *ret_closest)
{
    struct world_call c = world_call_of(WOP_RUN_TASK, by);
    c.cluster = run->cluster;
    *ret_closest = -1;
    world_tell_before(w, &c);
    return world_tell_after(w, &c, run_one(w, run, ret_task, ret_why, ret_closest));
}

enum world_answer world_run_task(struct world *w, enum world_actor by, int cluster, int taskdef, int64_t runs_ms, int *ret_task)
{
    struct world_run run = {.cluster = cluster, .taskdef = taskdef, .instance = -1, .provider = -1, .runs_ms = runs_ms, .started_by = "batch"};
    enum world_place why;
    int closest;
    return world_run(w, by, &run, ret_task, &why, &closest);
}

enum world_answer world_stop_task(struct world *w, enum world_actor by, int task)
{
    struct world_call c = world_call_of(WOP_STOP_TASK, by);
    c.task = task;
    world_tell_before(w, &c);
    if (!has_task(w, task))
        return world_tell_after(w, &c, WORLD_NOT_FOUND);
    task_stop(w, task, by, "UserInitiated", "Task stopped by user");
    return world_tell_after(w, &c, WORLD_OK);
}

enum world_answer world_interrupt(struct world *w, int instance)
{
    if (!has_instance(w, instance))
        return WORLD_NOT_FOUND;
    struct world_instance *i = &w->instances[instance];
    if (!i->spot || i->state.now > WL_RUNNING)
        return WORLD_INVALID;
    if (i->notice_ms == 0)
        w->counters.interruptions++;
    machine_doom(w, instance, WEND_INTERRUPTED, WORLD_AWS);
    return WORLD_OK;
}

enum world_answer world_rebalance_hint(struct world *w, int instance)
{
    if (!has_instance(w, instance))
        return WORLD_NOT_FOUND;
    w->instances[instance].rebalance_ms = w->now_ms;
    if (w->instances[instance].fleet >= 0)
        fleet_at_risk(w, w->instances[instance].fleet);
    machine_tell(w, instance, true);
    news_instance(w, WNEWS_REBALANCE, instance);
    return WORLD_OK;
}

enum world_answer world_set_agent(struct world *w, int instance, bool connected)
{
    if (!has_instance(w, instance) || w->instances[instance].status.now == WE_NONE)
        return WORLD_NOT_FOUND;
    w->instances[instance].agent_connected = connected && w->instances[instance].state.now == WL_RUNNING;
    w->instances[instance].version++;
    service_wake_cluster(w, w->instances[instance].cluster, true);
    return WORLD_OK;
}

enum world_answer world_set_shortage(struct world *w, int pool, int64_t until_ms)
{
    if (pool < 0 || (size_t)pool >= w->pool_count)
        return WORLD_NOT_FOUND;
    w->pools[pool].depth = 0;
    w->pools[pool].shortage_until_ms = until_ms;
    return WORLD_OK;
}
