// One rule through one scene: the world is built from the seed, the rule decides every period, and what came of it is counted.
//
// What is counted begins after the scene's warm-up. Money is what the market took for instances from launch to end (`cost`), and what
// restarts of tasks are worth at the policy's price, apart: of tasks on interrupted instances, and of tasks that a drain moved. The masu rule
// is the planner of the daemon, folded over the world (fold.h) with all invariants watching. Pure; the same input gives the same result.
#pragma once

#include "planner/sim/invariants.h"
#include "planner/sim/rule.h"
#include "planner/sim/scene.h"

enum { TRIAL_VIOLATIONS_MAX = 20 };

struct trial {
    const struct scene *scene;
    enum rule_kind kind;           // not the clairvoyant
    double knob;
    uint64_t seed;
    // Told now and then how far it is, in ms of the scene; may be NULL.
    void (*progress)(void *arg, int64_t done_ms);
    void *arg;
};

struct trial_result {
    int64_t cost_usd_micro, interruption_usd_micro, disturbance_usd_micro;
    int64_t task_seconds, task_seconds_waited;
    int64_t wait_p50_s, wait_p90_s, wait_p99_s;      // over the tasks started
    double instances_mean, utilisation;              // what was needed, packed without loss, over what there was
    double booting_mean, draining_mean, empty_mean;  // parts of instances_mean (struct world_spare)
    int64_t launches, interruptions, interrupted_tasks, drains, tasks_moved, tasks_killed;
    int64_t violation_count;
    struct violation violations[TRIAL_VIOLATIONS_MAX];
};

// ERR_INVALID: the scene names what the world does not know; else what the planner says.
int trial_run(const struct trial *t, struct trial_result *ret, struct err *err);
