// What a run of the world took and gave, by the world's own truth: the numbers of `demo --headless` and `simulate`.
//
// task_seconds: tasks that should run, over time (services' desired counts and standalone tasks asked for); …_waited: of these, the
// time without a place on an instance. Instances and money count from the launch to the end of each EC2 instance, money at
// the spot price of the moment.
//
// interrupted_tasks: tasks of replica services with desired RUNNING on an instance at the moment of its spot notice, for each
// instance that has ended since (standalone tasks, which nothing replaces, and daemons are left out). …_in_time: of these, the ones
// whose replacement capacity was registered when it ended, two minutes later: the service then wants no more than runs or starts
// on instances without a notice, or what it lacks there fits into the free room of registered ACTIVE connected instances without
// a notice, by ECS's own placement rules, all such tasks of that instance at the same time. Whether ECS has used that room yet
// (its back-off, a maximumPercent of 100) does not matter. `need` is what the present demand and headroom take on instances of mean size, fluidly packed.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "planner/sim/world.h"

#define WORLD_SERIES_MS 300000

struct world_point {              // means over five minutes from at_ms
    int64_t at_ms;
    double instances, need, demanded, waiting;
    int64_t cost_usd_micro;       // of these five minutes
};

struct world_hour {
    int64_t at_ms, task_seconds, task_seconds_waited;
};

// Instances that no service's task runs on, or will for long: of them, and of how loosely the others are packed, a cost over the least is made.
struct world_spare {
    double booting;   // launched, not registered yet
    double draining;  // with tasks or without
    double empty;     // ACTIVE, without tasks but of daemons
};

struct world_summary {
    int64_t virtual_ms;
    int64_t task_seconds, task_seconds_waited;
    int64_t batch_seconds_waited;             // the part of the waiting that standalone tasks had
    double instance_hours;
    int64_t cost_usd_micro;
    int64_t instances_min, instances_max;
    double instances_mean, need_mean;
    struct world_spare spare_mean;            // part of instances_mean
    double lowest2h_instances, lowest2h_need; // the two hours in a row with the fewest instances, first hour left out; 0 if too short
    int64_t tasks_killed, interruptions;      // killed: not-STOPPED non-daemon tasks on instances that ended because of our call
    int64_t interrupted_tasks, interrupted_tasks_in_time;
    int64_t drains_begun, drains_finished, drains_undone;
    struct world_counters counters;
    const struct world_point *series;         // in the world, valid until the next advance
    size_t series_count;
    const struct world_hour *hours;
    size_t hour_count;
};

void world_summary(const struct world *w, struct world_summary *ret);
// Headroom that the policy asks for, so that `need` includes it: permyriad of the reserved capacity, and whole tasks.
void world_set_headroom(struct world *w, int cluster, int64_t permyriad, struct res whole);
