// The published view: what the web threads see of the loop, immutable and reference-counted.
//
// After each tick the loop builds a struct view_cluster, a deep copy in an arena of its own, and swaps it into the box. A
// reader acquires a struct view (all clusters and the daemon's own facts at one moment), reads it without locks for as long
// as it likes, and releases it. Clusters that did not change are shared between views. view_box_* may be called from any
// thread; building and publishing is the loop's. Nothing here computes a decision; it gathers facts that the page shows.
//
// A cluster is named by its index in the policy. Times are world wall milliseconds; *_real_ms are real monotonic ones.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "planner/model/memo.h"
#include "planner/model/plan.h"
#include "planner/model/snapshot.h"
#include "policies/policy.h"
#include "scaler/view_events.h"
#include "scaler/view_outlook.h"
#include "scaler/view_pools.h"
#include "scaler/view_services.h"
#include "scaler/view_sizes.h"

enum view_outcome { VIEW_UNKNOWN, VIEW_OK, VIEW_FAILED, VIEW_SKIPPED, VIEW_DRY_RUN, VIEW_OUTCOME_COUNT };
const char *view_outcome_name(enum view_outcome o);  // "unknown", "ok", "failed", "skipped", "dry_run"

// An action of a tick and what became of it.
struct view_act {
    enum action_kind kind;
    const char *target, *fact, *verdict;
    int64_t capacity, capacity_before;  // SET_TARGET only
    int64_t hourly_delta_usd_micro;
    enum view_outcome outcome;
    const char *outcome_detail;         // "" none
};
struct view_decision {
    int64_t tick, at_ms;
    bool dry_run;
    const char *error;  // why the tick ended early, ""
    struct view_act *acts;
    size_t act_count;
};
#define VIEW_DECISIONS_MAX 50
enum view_progress_kind { PROGRESS_NOTICE, PROGRESS_DRAIN, PROGRESS_LAUNCH };
struct view_progress {
    enum view_progress_kind kind;
    const char *instance;        // "" for an order that AWS has not filled
    const char *fleet;           // "" not of our fleets
    const char *type, *zone;     // "" unknown
    int64_t weight_milli;        // of the instance, or still to be filled
    const char *state;           // one of steps
    const char *const *steps;
    int step_count, step;
    int64_t since_ms, state_since_ms, deadline_ms;  // 0 = none
    int32_t tasks_left;          // not daemons, not stopped
    bool held;
    const char *holder_service, *holder_task, *holder_why;  // "" when not held
    const char *reason;          // "fact -> verdict", "" none
};

struct view_service {
    int index;                   // in the snapshot
    int32_t waiting, instances;
    int64_t waiting_since_ms;
    struct res task, reserved, used;  // one task of the primary shape; all its tasks here; what they use now, where that is known
    struct view_cost cost;       // its part of the instances that its tasks are on
    int64_t stop_timeout_ms;     // of the primary shape, 0 unknown
    struct view_risk risks[VIEW_RISK_COUNT];
    int risk_count, unmeasured;  // tasks here whose use is not known
};

struct view_counts {
    int64_t ticks_ok, ticks_failed;
    int64_t actions[ACTION_COUNT][VIEW_OUTCOME_COUNT];
    int64_t tick_duration_ms_sum;
};
struct view_cluster {
    atomic_int refs;             // private
    struct arena arena;          // private; all below lives in it
    const char *name, *account, *region;  // account and region "" before the first tick
    bool ticked;                 // a complete tick was published; else only name, mode and counts are set
    bool failed;                 // the newest tick ended early: facts below are of the last complete one
    const char *error;
    int64_t error_ms;
    int64_t tick, at_ms, duration_ms, period_ms, max_age_ms, done_real_ms;
    const char *mode, *policy_hash;
    bool dry_run;
    const struct snapshot *snapshot;   // whole copies
    const struct plan *plan;
    const struct memo *memo;
    const struct policy_fleet *bounds; // by fleet of the snapshot; max 0 = not in the policy
    int32_t *fleet_instances; struct policy_calendar calendar;  // same; the policy's entries, which the snapshot's occasions are of
    struct view_service *services;     // by reserved CPU, largest first
    size_t service_count;
    int *service_rank;                 // snapshot index -> position in services
    double vcpu_usd_micro, gib_usd_micro;  // an hour of one, where half of an instance's price is for each; 0 unknown
    struct view_cost standalone_cost, free_cost;  // of tasks that no service started; what nobody holds of the instances
    struct view_pool *pools;           // most members first, then those that ail, then by fleet, type and zone
    size_t pool_count;
    struct view_progress *progress;    // worst first
    size_t progress_count;
    const struct verdict **instance_verdict;  // by instance of the snapshot, NULL none
    const struct memo_drain **instance_drain; // same; only drains in progress
    struct res *instance_capacity, *instance_reserved;  // same; capacity zero = unknown
    int64_t *instance_usd_micro, saved_usd_micro;  // same; 0 unknown. An hour of all, by not being on demand; -1 unknown: some price is
    const char **instance_box;         // same; "coming", "active", "draining", "held", "empty", "interrupted", "disconnected",
                                       // "foreign", "leaving"
    bool *source_stale;                // by source kind: unknown, partial or older than the policy allows
    int32_t spot_count, drain_count, stale_sources;
    int64_t waiting_since_ms;          // 0 none waits
    struct view_decision *decisions;   // newest first
    size_t decision_count;
    struct view_counts counts;         // since the daemon started
};

struct view_api_call {
    const char *service, *operation;   // "ecs", "DescribeServices"
    int64_t ok, failed, throttled;
};
// The daemon's own facts; the shell says them anew when they change.
struct view_daemon {
    const char *version;
    int64_t started_ms;
    bool dry_run;
    double speed;                      // of the world clock; 1.0 real
    bool state_ok;
    const char *state_detail;          // why not
    const char *shell_mode, *shell_mode_reason;  // "act", or what the shell was weakened to (safety.md I5), and why
    const struct view_api_call *api_calls;
    size_t api_call_count;
    struct event_counts events;
};

// What holds beside the ticks: the alerts of all clusters and of the daemon, and what people allow (safety.md 4). It is renewed
// when it changes and shared between views, so that it is true also before a cluster's first tick and while its ticks fail.
struct view_alert {
    int cluster;                       // -1: the daemon's own
    struct alert alert;
};
struct view_notes {
    atomic_int refs;                   // private
    struct arena arena;                // private
    struct view_alert *alerts;         // worst first, then oldest
    size_t alert_count;
    struct control *controls;          // by cluster
};

struct view {
    atomic_int refs;             // private
    struct arena arena;          // private
    struct view_daemon daemon;
    struct view_cluster **clusters;  // in the policy's order
    size_t cluster_count;
    struct view_notes *notes;
    struct view_outlooks *outlooks;
    struct view_sizes **sizes;   // by cluster; NULL: its history was not looked at yet
};
struct view_box {
    pthread_mutex_t lock;
    struct view *current;        // guarded by lock
    atomic_int_least64_t beat_real_ms;
    struct clock real;
};

// One tick of a cluster, as the shell knows it at its end.
struct view_tick {
    const struct snapshot *snapshot;
    const struct plan *plan;
    const struct memo *memo;
    const struct view_act *acts;  // one for each action of the plan, in its order
    size_t act_count;
    int64_t tick, duration_ms;
    bool dry_run;
    const char *policy_hash;
};

// Clusters of the policy, none ticked yet. The policy is not kept.
void view_box_init(struct view_box *b, const struct policy *p, const struct view_daemon *d);
void view_box_release(struct view_box *b);  // after the readers; NULL-safe

// Copies all it is given. policy: that of the cluster, for bounds and period.
void view_box_publish(struct view_box *b, size_t cluster, const struct policy_cluster *policy, const struct view_tick *t);
// A tick that ended early: the facts stay those of the last complete one.
void view_box_publish_failed(struct view_box *b, size_t cluster, int64_t tick, int64_t at_ms, const char *error);
void view_box_publish_daemon(struct view_box *b, const struct view_daemon *d);
// Copies both; controls has one for each cluster.
void view_box_publish_notes(struct view_box *b, const struct view_alert *alerts, size_t count, const struct control *controls);
void view_box_beat(struct view_box *b);     // the loop lives; each turn
int64_t view_box_beat_age_ms(struct view_box *b);

struct view *view_acquire(struct view_box *b);  // never NULL
void view_release(struct view *v);              // NULL-safe

// The action's copy of its plan and an outcome, for view_tick.acts; strings are borrowed.
struct view_act view_act_of(const struct action *a, enum view_outcome outcome, const char *detail);
