// Auto Scaling groups of the virtual world, played from AWS's documentation: desired capacity with weights, launches into the emptiest
// zone, the default termination policy, AZRebalance, lifecycle hooks, protection, suspended processes, health replacement, instance
// refresh, maximum lifetime, a warm pool. What is read is in group_state.h.
//
// A refusal that AWS words is told in *ret_why (static text, may be NULL where the caller does not care).
#pragma once

#include "planner/sim/world.h"

struct world_group_spec {
    const char *name;
    int cluster, template;
    int64_t min, max, desired;
    const struct world_override *overrides;  // zone -1: each zone of the world
    int override_count;
    const struct world_requirements *needs;  // in place of overrides, of a mixed group; NULL: those
    bool mixed;                  // spot above the on-demand part; else all are on-demand
    int64_t on_demand_base, on_demand_percent;
    enum world_allocation allocation;
    bool protects_new;
};
int world_add_group(struct world *w, const struct world_group_spec *s);   // returns its fleet
const struct world_group *world_group_of(const struct world *w, int fleet);  // NULL: not a group
void world_bind_provider(struct world *w, int provider, int fleet);       // members of the group are the provider's from now on
const char *world_member_name(int64_t member);                             // "Terminating:Wait"; of WM_NONE ""
int world_find_group(const struct world *w, const char *name);            // its fleet; -1

// ---- commands --------------------------------------------------------------------------------------------------------------
// WORLD_INVALID: outside min and max. WORLD_BUSY: honoured cooldown.
enum world_answer world_group_desired(struct world *w, enum world_actor by, int fleet, int64_t desired, bool honor_cooldown);
// WORLD_INVALID: at the minimum, Terminate suspended, no member, or one of the warm pool.
enum world_answer world_group_terminate(struct world *w, enum world_actor by, int instance, bool decrement, const char **ret_why);
enum world_answer world_group_protect(struct world *w, enum world_actor by, int fleet, const int *instances, int n, bool on,
                                      const char **ret_why);
enum world_answer world_group_suspend(struct world *w, enum world_actor by, int fleet, uint32_t processes, bool on);
// By instance (>= 0) or by token. WORLD_INVALID: nothing waits there.
enum world_answer world_group_complete(struct world *w, enum world_actor by, int fleet, const char *hook, int instance, const char *token,
                                       bool abandon);
enum world_answer world_group_heartbeat(struct world *w, enum world_actor by, int fleet, const char *hook, int instance, const char *token);

// ---- what a scenario may order ---------------------------------------------------------------------------------------------
enum world_answer world_group_add_hook(struct world *w, int fleet, const struct world_hook_of_group *hook);
enum world_answer world_group_add_policy(struct world *w, int fleet, const char *name, const char *type);
enum world_answer world_group_refresh(struct world *w, int fleet);
enum world_answer world_group_cancel_refresh(struct world *w, int fleet);
enum world_answer world_group_bounds(struct world *w, int fleet, int64_t min, int64_t max);
enum world_answer world_group_lifetime(struct world *w, int fleet, int64_t ms);
enum world_answer world_group_delete(struct world *w, int fleet);  // its members end in two minutes
enum world_answer world_group_unhealthy(struct world *w, int instance);
enum world_answer world_group_rebalance_ends_protected(struct world *w, int fleet);
enum world_answer world_group_capacity_rebalance(struct world *w, int fleet);
// Standby and back, detached, quarantined; the desired capacity falls with a member that leaves for Standby or for good.
enum world_answer world_group_set_member(struct world *w, int instance, enum world_member state);
// A member of the warm pool (WM_WARMED_STOPPED, WM_WARMED_RUNNING), registered in ECS before or not.
int world_group_add_warm(struct world *w, int fleet, int type, int zone, enum world_member state, bool registered);
