// What an Auto Scaling group knows of itself and of its members. Part of world_state.h: read freely, change only through group.h.
//
// A group is a fleet of the world (world_fleet.group >= 0): its desired capacity is the fleet's target, its tags, template and overrides
// are the fleet's. An instance of it has a membership; an instance of another fleet, or of none, has the state WM_NONE.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define WORLD_HOOKS 4
#define WORLD_POLICIES 4
#define WORLD_ACTIVITIES 64      // kept of a group

struct world_lagged {
    int64_t now, before, changed_ms;
};

enum world_member {              // LifecycleState
    WM_NONE, WM_PENDING, WM_PENDING_WAIT, WM_PENDING_PROCEED, WM_IN_SERVICE, WM_TERMINATING, WM_TERMINATING_WAIT, WM_TERMINATING_PROCEED,
    WM_TERMINATED, WM_DETACHING, WM_DETACHED, WM_ENTERING_STANDBY, WM_STANDBY, WM_QUARANTINED, WM_WARMED_PENDING, WM_WARMED_STOPPED,
    WM_WARMED_RUNNING, WM_WARMED_HIBERNATED, WM_WARMED_TERMINATING, WM_COUNT
};

enum world_process {             // what can be suspended; bits of world_group.suspended
    WP_LAUNCH, WP_TERMINATE, WP_ADD_TO_LOAD_BALANCER, WP_ALARM_NOTIFICATION, WP_AZ_REBALANCE, WP_HEALTH_CHECK, WP_INSTANCE_REFRESH,
    WP_REPLACE_UNHEALTHY, WP_SCHEDULED_ACTIONS, WP_COUNT
};

enum world_refresh { WR_NONE, WR_PENDING, WR_IN_PROGRESS, WR_SUCCESSFUL, WR_FAILED, WR_CANCELLED };

struct world_membership {
    struct world_lagged state;   // enum world_member
    bool protected, unhealthy;   // from scale-in; health check failed
    int hook;                    // that it waits for; meaning only in a …:Wait state
    int64_t hook_until_ms, hook_limit_ms;  // end of the heartbeat, and what no heartbeat passes
    char token[40];
    int end, by;                 // enum world_end and world_actor, of the end that a hook holds up
};

struct world_hook_of_group {
    char name[48];
    bool launching, abandons;    // else of terminating; what happens at the timeout
    int64_t heartbeat_ms;
};

struct world_scaling {         // an activity, as DescribeScalingActivities tells it
    char id[40], instance_id[24], text[96], cause[160], message[160];
    int64_t start_ms, end_ms;    // end 0: in progress
    bool failed;
};

struct world_group {
    char uuid[40];               // of its ARN
    int fleet;
    int64_t min, max;
    bool mixed;                  // a mixed instances policy; else on-demand instances of one type
    int64_t on_demand_base, on_demand_percent;
    uint32_t suspended;          // bits of enum world_process
    int64_t suspended_ms;        // the last time
    bool suspended_by_aws;       // Launch, after a day of failures
    bool protects_new, deleting;
    bool capacity_rebalance;        // replaces spot members at risk: one more first, then those end
    bool rebalance_ends_protected;  // whether protection stops AZRebalance is not documented: both can be played
    int64_t cooldown_ms, moved_ms;  // default cooldown; the last change of size
    int64_t lifetime_ms;         // MaxInstanceLifetime, 0 = none
    bool has_warm_pool;
    struct world_hook_of_group hooks[WORLD_HOOKS];
    int hook_count;
    struct {
        char name[48], type[32];
    } policies[WORLD_POLICIES];  // dynamic scaling: TargetTrackingScaling …
    int policy_count;
    enum world_refresh refresh;
    char refresh_id[40];
    int64_t refresh_ms, refresh_end_ms;
    int refresh_total;
    int open_in_zone[8];         // ordered from EC2, not launched yet
    int64_t told_ms;             // when an event last told of a launch that failed
    int64_t failing_ms;          // launches have failed since; 0 = they have not
    bool rebalancing;            // one more than wanted was ordered for the emptiest zone
    int unbalanced_by, excess_by;  // enum world_actor: whose call led to what the group does now
    struct world_scaling activities[WORLD_ACTIVITIES];  // ring
    int64_t activity_count;
};

// Whether EC2's answer to the desired capacity is this instance: Pending and InService.
static inline bool world_member_counts(int64_t state)
{
    return state >= WM_PENDING && state <= WM_IN_SERVICE;
}
