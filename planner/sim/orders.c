#include "planner/sim/orders.h"

#include <string.h>

#include "planner/sim/world_internal.h"

static bool has_instance(const struct world *w, int n)
{
    return n >= 0 && (size_t)n < w->instance_count && w->instances[n].used;
}

static bool has_fleet(const struct world *w, int n)
{
    return n >= 0 && (size_t)n < w->fleet_count;
}

static bool has_template(const struct world *w, int n)
{
    return n >= 0 && (size_t)n < w->template_count;
}

// ---- the machine room ------------------------------------------------------------------------------------------------------
enum world_answer world_break_registration(struct world *w, int template, int zone, bool on)
{
    if (!has_template(w, template) || zone >= w->zone_count)
        return WORLD_NOT_FOUND;
    uint32_t bits = zone < 0 ? ~0u : 1u << zone;
    struct world_template *m = &w->templates[template];
    m->never_registers = on ? m->never_registers | bits : m->never_registers & ~bits;
    return WORLD_OK;
}

enum world_answer world_fail_registration(struct world *w, int template, bool on)
{
    if (!has_template(w, template))
        return WORLD_NOT_FOUND;
    w->templates[template].registration_fails = on;
    return WORLD_OK;
}

enum world_answer world_lose_memory(struct world *w, int template, int64_t mib)
{
    if (!has_template(w, template))
        return WORLD_NOT_FOUND;
    w->templates[template].memory_lost_mib = mib;
    return WORLD_OK;
}

int world_set_agents(struct world *w, int cluster, int zone, bool connected)
{
    int n = 0;
    for (size_t i = 0; i < w->instance_count; i++)
        if (w->instances[i].used && w->instances[i].cluster == cluster && (zone < 0 || w->pools[w->instances[i].pool].zone == zone))
            n += world_set_agent(w, (int)i, connected) == WORLD_OK;
    return n;
}

enum world_answer world_make_ghost(struct world *w, int instance)
{
    if (!has_instance(w, instance) || w->instances[instance].status.now == WE_NONE)
        return WORLD_NOT_FOUND;
    if (w->instances[instance].state.now != WL_RUNNING)
        return WORLD_BAD_STATE;
    w->instances[instance].ghost = true;
    machine_end(w, instance, WEND_BY_ID, WORLD_PERSON);
    return WORLD_OK;
}

enum world_answer world_stop_instance(struct world *w, int instance)
{
    if (!has_instance(w, instance))
        return WORLD_NOT_FOUND;
    struct world_instance *i = &w->instances[instance];
    if (i->state.now != WL_RUNNING)
        return WORLD_BAD_STATE;
    world_lag(w, &i->state, WL_STOPPED);
    news_instance(w, WNEWS_STATE, instance);
    i->agent_connected = false;
    i->version++;
    if (i->fleet >= 0) {
        fleet_recount(w, i->fleet);
        queue_push(w, w->now_ms + 10000, WEV_FLEET_CHECK, i->fleet, 0, 0);
    }
    return WORLD_OK;
}

enum world_answer world_start_instance(struct world *w, int instance)
{
    if (!has_instance(w, instance))
        return WORLD_NOT_FOUND;
    struct world_instance *i = &w->instances[instance];
    if (i->state.now != WL_STOPPED)
        return WORLD_BAD_STATE;
    world_lag(w, &i->state, WL_RUNNING);
    news_instance(w, WNEWS_STATE, instance);
    i->launched_ms = w->now_ms;
    if (i->fleet >= 0)
        fleet_recount(w, i->fleet);
    return i->status.now == WE_NONE ? WORLD_OK : world_set_agent(w, instance, true);
}

enum world_answer world_set_addresses(struct world *w, int subnet, int32_t addresses)
{
    if (subnet < 0 || subnet >= w->subnet_count)
        return WORLD_NOT_FOUND;
    w->subnets[subnet].addresses = addresses;
    return WORLD_OK;
}

// ---- fleets ----------------------------------------------------------------------------------------------------------------
enum world_answer world_stick_fleet(struct world *w, int fleet, const char *sub_type)
{
    if (!has_fleet(w, fleet))
        return WORLD_NOT_FOUND;
    w->fleets[fleet].stuck = sub_type;
    w->fleets[fleet].stuck_ms = w->now_ms;
    queue_push(w, w->now_ms, WEV_FLEET_CHECK, fleet, 0, 0);
    return WORLD_OK;
}

enum world_answer world_rebalance_fleet(struct world *w, int fleet, enum world_rebalance how, int64_t delay_ms)
{
    if (!has_fleet(w, fleet))
        return WORLD_NOT_FOUND;
    w->fleets[fleet].rebalance = how;
    w->fleets[fleet].rebalance_delay_ms = delay_ms;
    return WORLD_OK;
}

enum world_answer world_expire_fleet(struct world *w, int fleet, int64_t at_ms, bool terminate)
{
    if (!has_fleet(w, fleet))
        return WORLD_NOT_FOUND;
    w->fleets[fleet].valid_until_ms = at_ms;
    w->fleets[fleet].ends_with_expiration = terminate;
    queue_push(w, at_ms > w->now_ms ? at_ms : w->now_ms, WEV_FLEET_CHECK, fleet, 0, 0);
    return WORLD_OK;
}

int world_renew_fleet(struct world *w, enum world_actor by, int fleet, bool terminate)
{
    if (!has_fleet(w, fleet))
        return -1;
    struct world_fleet old = w->fleets[fleet];
    struct world_fleet_spec spec = {.cluster = old.cluster, .target = old.wanted, .allocation = old.allocation, .overrides = old.overrides,
                                    .override_count = old.override_count, .request_type = !old.maintain, .template = old.template};
    int n = world_add_fleet(w, &spec);
    memcpy(w->fleets[n].tags, old.tags, sizeof old.tags);
    w->fleets[n].tag_count = old.tag_count;
    world_cancel_fleet(w, by, fleet, terminate);
    return n;
}

// ---- ECS -------------------------------------------------------------------------------------------------------------------
static enum world_answer changed(struct world *w, int instance, enum world_answer answer)
{
    if (answer != WORLD_OK)
        return answer;
    w->instances[instance].version++;
    service_wake_cluster(w, w->instances[instance].cluster, false);
    return WORLD_OK;
}

static bool registered(const struct world *w, int instance)
{
    return has_instance(w, instance) && w->instances[instance].status.now != WE_NONE && w->instances[instance].status.now != WE_INACTIVE;
}

enum world_answer world_interrupt_at(struct world *w, int instance, int64_t at_ms)
{
    if (instance < 0 || (size_t)instance >= w->instance_count || !w->instances[instance].used)
        return WORLD_NOT_FOUND;
    if (!w->instances[instance].spot || at_ms < w->now_ms)
        return WORLD_INVALID;
    queue_push(w, at_ms, WEV_INST_NOTICE, instance, 0, w->instances[instance].serial);
    return WORLD_OK;
}

enum world_answer world_schedule_event(struct world *w, int instance, const char *code, int64_t at_ms)
{
    if (!has_instance(w, instance))
        return WORLD_NOT_FOUND;
    if (code != NULL && at_ms < w->now_ms)
        return WORLD_INVALID;
    w->instances[instance].event = code;
    w->instances[instance].event_ms = code ? at_ms : 0;
    if (code)
        queue_push(w, at_ms, WEV_INST_EVENT, instance, 0, w->instances[instance].serial);
    return WORLD_OK;
}

void scheduled_event_step(struct world *w, int instance)
{
    const struct world_instance *i = &w->instances[instance];
    if (i->event && i->event_ms <= w->now_ms && i->state.now <= WL_RUNNING)
        machine_end(w, instance, WEND_INTERRUPTED, WORLD_AWS);
}

enum world_answer world_put_attribute(struct world *w, enum world_actor by, int instance, const char *name, const char *value)
{
    (void)by;
    return registered(w, instance) ? changed(w, instance, attributes_put(w, &w->instances[instance], name, value)) : WORLD_NOT_FOUND;
}

enum world_answer world_delete_attribute(struct world *w, enum world_actor by, int instance, const char *name)
{
    (void)by;
    if (!registered(w, instance) || !attributes_remove(&w->instances[instance], name))
        return WORLD_NOT_FOUND;
    return changed(w, instance, WORLD_OK);
}

enum world_answer world_deregister_taskdef(struct world *w, int taskdef)
{
    if (taskdef < 0 || (size_t)taskdef >= w->taskdef_count)
        return WORLD_NOT_FOUND;
    w->taskdefs[taskdef].inactive = true;
    return WORLD_OK;
}

void world_set_backoff(struct world *w, int64_t first_ms, int64_t cap_ms)
{
    assert(first_ms > 0 && cap_ms >= first_ms);
    w->o.retry_first_ms = first_ms;
    w->o.retry_cap_ms = cap_ms;
}
