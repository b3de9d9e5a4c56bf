// What callers may do to an Auto Scaling group, and what a scenario may order.
#include <string.h>

#include "planner/sim/group_internal.h"

static bool is_group(const struct world *w, int fleet)
{
    return fleet >= 0 && (size_t)fleet < w->fleet_count && w->fleets[fleet].group >= 0;
}

static bool is_member(const struct world *w, int n)
{
    return n >= 0 && (size_t)n < w->instance_count && w->instances[n].used && w->instances[n].member.state.now != WM_NONE &&
           w->instances[n].member.state.now != WM_TERMINATED && w->instances[n].member.state.now != WM_DETACHED;
}

int world_add_group(struct world *w, const struct world_group_spec *s)
{
    struct world_fleet_spec spec = {.cluster = s->cluster, .target = s->desired, .allocation = s->allocation, .overrides = s->overrides,
                                    .override_count = s->override_count, .needs = s->needs, .template = s->template};
    int fleet = world_add_fleet(w, &spec);
    w->groups = arena_grow(&w->arena, w->groups, w->group_count, &w->group_cap, sizeof *w->groups);
    struct world_group *g = &w->groups[w->group_count];
    *g = (struct world_group){.fleet = fleet, .min = s->min, .max = s->max, .mixed = s->mixed, .on_demand_base = s->on_demand_base,
                              .on_demand_percent = s->on_demand_percent, .protects_new = s->protects_new, .cooldown_ms = 300000,
                              .unbalanced_by = WORLD_AWS, .excess_by = WORLD_AWS};
    char hex[40];
    world_new_id(w, "", 32, hex, sizeof hex);
    snprintf(g->uuid, sizeof g->uuid, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    struct world_fleet *f = &w->fleets[fleet];
    f->group = (int)w->group_count++;
    f->state = (struct world_lagged){WF_ACTIVE, WF_ACTIVE, w->now_ms};
    world_copy(f->id, sizeof f->id, s->name);
    queue_push(w, w->now_ms + 30000, WEV_GROUP_TICK, fleet, 0, 0);
    return fleet;
}

void world_bind_provider(struct world *w, int provider, int fleet)
{
    assert(is_group(w, fleet));
    w->providers[provider].group = fleet + 1;
    for (size_t n = 0; n < w->instance_count; n++)
        if (w->instances[n].used && w->instances[n].fleet == fleet)
            w->instances[n].provider = provider;
}

const struct world_group *world_group_of(const struct world *w, int fleet)
{
    return is_group(w, fleet) ? &w->groups[w->fleets[fleet].group] : NULL;
}

int world_find_group(const struct world *w, const char *name)
{
    int fleet = world_find_fleet(w, name);
    return is_group(w, fleet) ? fleet : -1;
}

// ---- commands --------------------------------------------------------------------------------------------------------------
static void resized(struct world *w, int fleet, int64_t desired, enum world_actor by)
{
    struct world_fleet *f = &w->fleets[fleet];
    struct world_group *g = group_of(w, fleet);
    if (desired < f->wanted)
        g->excess_by = (int)by;
    f->wanted = desired;
    f->modified_by = by;
    world_lag(w, &f->target, desired);
    g->moved_ms = w->now_ms;
    queue_push(w, w->now_ms + 1000, WEV_FLEET_CHECK, fleet, 0, 0);
}

static enum world_answer set_desired(struct world *w, enum world_actor by, int fleet, int64_t desired, bool honor_cooldown)
{
    if (!is_group(w, fleet))
        return WORLD_NOT_FOUND;
    struct world_group *g = group_of(w, fleet);
    if (desired < g->min || desired > g->max || g->deleting)
        return WORLD_INVALID;
    if (honor_cooldown && g->moved_ms > 0 && w->now_ms - g->moved_ms < g->cooldown_ms)
        return WORLD_BUSY;
    resized(w, fleet, desired, by);
    return WORLD_OK;
}

enum world_answer world_group_desired(struct world *w, enum world_actor by, int fleet, int64_t desired, bool honor_cooldown)
{
    struct world_call c = world_call_of(WOP_GROUP_DESIRED, by);
    c.fleet = fleet;
    c.target = desired;
    world_tell_before(w, &c);
    return world_tell_after(w, &c, set_desired(w, by, fleet, desired, honor_cooldown));
}

static enum world_answer refuse(const char **ret_why, const char *why)
{
    *ret_why = why;
    return WORLD_INVALID;
}

static enum world_answer terminate(struct world *w, enum world_actor by, int n, bool decrement, const char **ret_why)
{
    if (!is_member(w, n))
        return refuse(ret_why, "Instance Id not found - No managed instance found for this instance ID.");
    struct world_instance *i = &w->instances[n];
    struct world_fleet *f = &w->fleets[i->fleet];
    struct world_group *g = group_of(w, i->fleet);
    int64_t units = (i->weight_milli + 999) / 1000, state = i->member.state.now;
    if (state >= WM_WARMED_PENDING)
        return refuse(ret_why, "The instance is in a warm pool.");
    if (state >= WM_TERMINATING && state <= WM_TERMINATING_PROCEED)
        return WORLD_OK;  // it goes already
    if (g->suspended >> WP_TERMINATE & 1)
        return refuse(ret_why, "The Terminate process of this Auto Scaling group is suspended.");
    bool counts = world_member_counts(state);
    if (decrement && counts && f->wanted - units < g->min)
        return refuse(ret_why, "Currently, desiredSize equals minSize. Terminating instance without replacement will violate group's min size "
                               "constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.");
    int was = group_zone_gap(w, i->fleet, -1), gap = group_zone_gap(w, i->fleet, n);
    if (gap > 1 && gap > was)
        g->unbalanced_by = (int)by;
    if (decrement && counts) {
        resized(w, i->fleet, f->wanted - units, by);
        g->excess_by = WORLD_AWS;  // the instance itself makes up for it
    }
    group_end_member(w, n, WEND_BY_ID, by, "an instance was taken out of service in response to a user request.");
    return WORLD_OK;
}

enum world_answer world_group_terminate(struct world *w, enum world_actor by, int instance, bool decrement, const char **ret_why)
{
    struct world_call c = world_call_of(WOP_GROUP_TERMINATE, by);
    const char *why = "";
    c.instance = instance;
    c.fleet = is_member(w, instance) ? w->instances[instance].fleet : -1;
    c.target = decrement;
    world_tell_before(w, &c);
    enum world_answer answer = terminate(w, by, instance, decrement, ret_why ? ret_why : &why);
    return world_tell_after(w, &c, answer);
}

static enum world_answer protect(struct world *w, int fleet, const int *instances, int n, bool on, const char **ret_why)
{
    for (int k = 0; k < n; k++) {
        if (!is_member(w, instances[k]) || w->instances[instances[k]].fleet != fleet)
            return refuse(ret_why, "The instance is not part of this Auto Scaling group.");
        int64_t state = w->instances[instances[k]].member.state.now;
        if (state != WM_IN_SERVICE && !(state >= WM_PENDING && state <= WM_PENDING_PROCEED))
            return refuse(ret_why, "The instance is not in InService or Pending.");
    }
    for (int k = 0; k < n; k++)
        w->instances[instances[k]].member.protected = on;
    return WORLD_OK;
}

enum world_answer world_group_protect(struct world *w, enum world_actor by, int fleet, const int *instances, int n, bool on,
                                      const char **ret_why)
{
    struct world_call c = world_call_of(WOP_GROUP_PROTECT, by);
    const char *why = "";
    c.fleet = fleet;
    c.instances = instances;
    c.instance_count = n;
    c.target = on;
    world_tell_before(w, &c);
    return world_tell_after(w, &c, is_group(w, fleet) ? protect(w, fleet, instances, n, on, ret_why ? ret_why : &why) : WORLD_NOT_FOUND);
}

static enum world_answer suspend(struct world *w, int fleet, uint32_t processes, bool on)
{
    if (!is_group(w, fleet))
        return WORLD_NOT_FOUND;
    struct world_group *g = group_of(w, fleet);
    g->suspended = on ? g->suspended | processes : g->suspended & ~processes;
    g->suspended_ms = on ? w->now_ms : g->suspended_ms;
    if (!on && (processes >> WP_LAUNCH & 1)) {
        g->failing_ms = 0;
        g->suspended_by_aws = false;
    }
    queue_push(w, w->now_ms + 1000, WEV_FLEET_CHECK, fleet, 0, 0);
    return WORLD_OK;
}

enum world_answer world_group_suspend(struct world *w, enum world_actor by, int fleet, uint32_t processes, bool on)
{
    struct world_call c = world_call_of(WOP_GROUP_SUSPEND, by);
    c.fleet = fleet;
    world_tell_before(w, &c);
    return world_tell_after(w, &c, suspend(w, fleet, processes, on));
}

// The member that waits for the hook; -1: none.
static int waiting(const struct world *w, int fleet, const char *hook, int instance, const char *token)
{
    const struct world_group *g = &w->groups[w->fleets[fleet].group];
    for (size_t n = 0; n < w->instance_count; n++) {
        const struct world_instance *i = &w->instances[n];
        bool waits = i->member.state.now == WM_PENDING_WAIT || i->member.state.now == WM_TERMINATING_WAIT;
        if (!i->used || i->fleet != fleet || !waits || strcmp(g->hooks[i->member.hook].name, hook) != 0)
            continue;
        if (instance >= 0 ? (int)n == instance : token && !strcmp(i->member.token, token))
            return (int)n;
    }
    return -1;
}

static bool has_hook(const struct world *w, int fleet, const char *name)
{
    const struct world_group *g = &w->groups[w->fleets[fleet].group];
    for (int k = 0; k < g->hook_count; k++)
        if (!strcmp(g->hooks[k].name, name))
            return true;
    return false;
}

static struct world_call hook_call(enum world_actor by, int fleet, const char *hook, int instance)
{
    struct world_call c = world_call_of(WOP_GROUP_HOOK, by);
    c.fleet = fleet;
    c.instance = instance;
    c.key = hook;
    return c;
}

enum world_answer world_group_complete(struct world *w, enum world_actor by, int fleet, const char *hook, int instance, const char *token,
                                       bool abandon)
{
    struct world_call c = hook_call(by, fleet, hook, instance);
    c.value = abandon ? "ABANDON" : "CONTINUE";
    world_tell_before(w, &c);
    if (!is_group(w, fleet) || !has_hook(w, fleet, hook))
        return world_tell_after(w, &c, WORLD_NOT_FOUND);
    int n = waiting(w, fleet, hook, instance, token);
    if (n < 0)
        return world_tell_after(w, &c, WORLD_INVALID);
    group_proceed(w, n, abandon);
    return world_tell_after(w, &c, WORLD_OK);
}

enum world_answer world_group_heartbeat(struct world *w, enum world_actor by, int fleet, const char *hook, int instance, const char *token)
{
    struct world_call c = hook_call(by, fleet, hook, instance);
    c.value = "heartbeat";
    world_tell_before(w, &c);
    if (!is_group(w, fleet) || !has_hook(w, fleet, hook))
        return world_tell_after(w, &c, WORLD_NOT_FOUND);
    int n = waiting(w, fleet, hook, instance, token);
    if (n < 0)
        return world_tell_after(w, &c, WORLD_INVALID);
    struct world_membership *m = &w->instances[n].member;
    int64_t until_ms = w->now_ms + group_of(w, fleet)->hooks[m->hook].heartbeat_ms;
    m->hook_until_ms = until_ms < m->hook_limit_ms ? until_ms : m->hook_limit_ms;
    queue_push(w, m->hook_until_ms, WEV_INST_HOOK, n, 0, w->instances[n].serial);
    return world_tell_after(w, &c, WORLD_OK);
}

// ---- what a scenario may order ---------------------------------------------------------------------------------------------
enum world_answer world_group_add_hook(struct world *w, int fleet, const struct world_hook_of_group *hook)
{
    if (!is_group(w, fleet) || group_of(w, fleet)->hook_count == WORLD_HOOKS)
        return is_group(w, fleet) ? WORLD_LIMIT : WORLD_NOT_FOUND;
    struct world_group *g = group_of(w, fleet);
    g->hooks[g->hook_count++] = *hook;
    return WORLD_OK;
}

enum world_answer world_group_add_policy(struct world *w, int fleet, const char *name, const char *type)
{
    if (!is_group(w, fleet) || group_of(w, fleet)->policy_count == WORLD_POLICIES)
        return is_group(w, fleet) ? WORLD_LIMIT : WORLD_NOT_FOUND;
    struct world_group *g = group_of(w, fleet);
    world_copy(g->policies[g->policy_count].name, sizeof g->policies[0].name, name);
    world_copy(g->policies[g->policy_count++].type, sizeof g->policies[0].type, type);
    return WORLD_OK;
}

enum world_answer world_group_refresh(struct world *w, int fleet)
{
    if (!is_group(w, fleet))
        return WORLD_NOT_FOUND;
    struct world_group *g = group_of(w, fleet);
    if (g->refresh == WR_PENDING || g->refresh == WR_IN_PROGRESS)
        return WORLD_BUSY;
    g->refresh = WR_PENDING;
    g->refresh_ms = w->now_ms;
    g->refresh_end_ms = 0;
    g->refresh_total = 0;
    for (size_t n = 0; n < w->instance_count; n++)
        g->refresh_total += w->instances[n].used && w->instances[n].fleet == fleet && w->instances[n].member.state.now == WM_IN_SERVICE;
    world_new_id(w, "", 32, g->refresh_id, sizeof g->refresh_id);
    return WORLD_OK;
}

enum world_answer world_group_cancel_refresh(struct world *w, int fleet)
{
    if (!is_group(w, fleet))
        return WORLD_NOT_FOUND;
    struct world_group *g = group_of(w, fleet);
    if (g->refresh != WR_PENDING && g->refresh != WR_IN_PROGRESS)
        return WORLD_INVALID;
    g->refresh = WR_CANCELLED;
    g->refresh_end_ms = w->now_ms;
    return WORLD_OK;
}

enum world_answer world_group_bounds(struct world *w, int fleet, int64_t min, int64_t max)
{
    if (!is_group(w, fleet))
        return WORLD_NOT_FOUND;
    struct world_group *g = group_of(w, fleet);
    g->min = min;
    g->max = max;
    int64_t wanted = w->fleets[fleet].wanted;
    if (wanted < min || wanted > max)
        resized(w, fleet, wanted < min ? min : max, WORLD_PERSON);
    return WORLD_OK;
}

enum world_answer world_group_lifetime(struct world *w, int fleet, int64_t ms)
{
    if (!is_group(w, fleet))
        return WORLD_NOT_FOUND;
    group_of(w, fleet)->lifetime_ms = ms;
    return WORLD_OK;
}

enum world_answer world_group_delete(struct world *w, int fleet)
{
    if (!is_group(w, fleet))
        return WORLD_NOT_FOUND;
    group_of(w, fleet)->deleting = true;
    group_of(w, fleet)->moved_ms = w->now_ms;
    return WORLD_OK;
}

enum world_answer world_group_unhealthy(struct world *w, int instance)
{
    if (!is_member(w, instance))
        return WORLD_NOT_FOUND;
    w->instances[instance].member.unhealthy = true;
    return WORLD_OK;
}

enum world_answer world_group_rebalance_ends_protected(struct world *w, int fleet)
{
    if (!is_group(w, fleet))
        return WORLD_NOT_FOUND;
    group_of(w, fleet)->rebalance_ends_protected = true;
    return WORLD_OK;
}

enum world_answer world_group_capacity_rebalance(struct world *w, int fleet)
{
    if (!is_group(w, fleet))
        return WORLD_NOT_FOUND;
    group_of(w, fleet)->capacity_rebalance = true;
    return WORLD_OK;
}

enum world_answer world_group_set_member(struct world *w, int n, enum world_member state)
{
    if (!is_member(w, n))
        return WORLD_NOT_FOUND;
    struct world_instance *i = &w->instances[n];
    int fleet = i->fleet;
    int64_t units = (i->weight_milli + 999) / 1000;
    bool counted = world_member_counts(i->member.state.now), counts = world_member_counts(state);
    world_lag(w, &i->member.state, state);
    if (counted != counts)
        resized(w, fleet, w->fleets[fleet].wanted + (counts ? units : -units), WORLD_PERSON);
    if (state == WM_DETACHED)
        i->fleet = -1;
    fleet_recount(w, fleet);
    return WORLD_OK;
}

int world_group_add_warm(struct world *w, int fleet, int type, int zone, enum world_member state, bool registered)
{
    int n = world_add_instance(w, w->fleets[fleet].cluster, fleet, type, zone);
    struct world_instance *i = &w->instances[n];
    group_of(w, fleet)->has_warm_pool = true;
    i->member.state = (struct world_lagged){state, state, w->now_ms};
    if (state != WM_WARMED_RUNNING) {
        i->state = (struct world_lagged){WL_STOPPED, WL_STOPPED, w->now_ms};
        i->agent_connected = false;
    }
    if (!registered) {
        i->status = (struct world_lagged){WE_NONE, WE_NONE, w->now_ms};
        i->ci_id[0] = 0;
        i->registered_ms = 0;
    }
    fleet_recount(w, fleet);
    return n;
}

const char *world_member_name(int64_t member)
{
    static const char *const names[WM_COUNT] = {
        [WM_NONE] = "", [WM_PENDING] = "Pending", [WM_PENDING_WAIT] = "Pending:Wait", [WM_PENDING_PROCEED] = "Pending:Proceed",
        [WM_IN_SERVICE] = "InService", [WM_TERMINATING] = "Terminating", [WM_TERMINATING_WAIT] = "Terminating:Wait",
        [WM_TERMINATING_PROCEED] = "Terminating:Proceed", [WM_TERMINATED] = "Terminated", [WM_DETACHING] = "Detaching",
        [WM_DETACHED] = "Detached", [WM_ENTERING_STANDBY] = "EnteringStandby", [WM_STANDBY] = "Standby", [WM_QUARANTINED] = "Quarantined",
        [WM_WARMED_PENDING] = "Warmed:Pending", [WM_WARMED_STOPPED] = "Warmed:Stopped", [WM_WARMED_RUNNING] = "Warmed:Running",
        [WM_WARMED_HIBERNATED] = "Warmed:Hibernated", [WM_WARMED_TERMINATING] = "Warmed:Terminating"};
    return names[member];
}
