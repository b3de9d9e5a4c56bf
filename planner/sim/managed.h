// ECS managed scaling of a capacity provider, as it is documented, to be compared with: the minute's metric, the two alarms, the steps.
//
// CapacityProviderReservation = 100 × M / N, once a minute. N: instances of the group that run. M while tasks wait in PROVISIONING: N and
// what they need, each group of equal tasks packed on the largest type of the group, the largest of these counts (a lower bound of what all
// need together), within the step sizes; a group that does not fit the smallest type is dropped. M without waiting tasks: instances that
// hold a task (N less the empty ones). With N = 0 the metric is 200 when tasks wait, so two instances start, and 100 otherwise.
//   out  metric above the target for one minute, acted on in the next: N × metric / target, rounded up; then nothing until the warm-up of
//        all new instances has passed
//   in   metric below the target for 15 minutes: then each minute at least one and less than half of the group, only empty ones; a
//        scale-out in between, or a minute that is not low, begins the 15 minutes anew. Of one or two instances one goes.
// Sources: Amazon ECS developer guide, "Amazon ECS cluster auto scaling" (2023-06-15); "Deep dive on Amazon ECS cluster auto scaling";
// "Amazon ECS delivers a faster cluster auto scaling experience for scale-in events" (half in place of 5 per cent, 2022-09-16); that the
// metric is acted on a minute later is our reading of a one-minute datapoint. Pure; hands of its own are in managed_hands.c.
//
// From 334 instances to 34 this takes 15 low minutes and 4 steps. AWS published 10 minutes for it: that leaves the 15 minutes out, and the
// steps of its group, whose instances shut down in between, come slower than one a minute.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/model/res.h"

struct world;

enum { MANAGED_GROUPS_MAX = 64, MANAGED_LOW_MINUTES = 15 };

struct managed {
    double target;                // per cent, 1 to 100
    int64_t warmup_ms;            // 300 s
    int64_t step_min, step_max;   // 1, 10000
    double metric;                // of the last minute; below 0: none yet
    int low_minutes;
};

struct managed_facts {
    int64_t running, empty;       // instances of the group; of these without a task that is no daemon's
    int64_t warming;              // launched, or running for less than the warm-up
    struct res largest, smallest; // of the group's types, each resource by itself
    struct {
        struct res need;
        int64_t tasks;
    } waiting[MANAGED_GROUPS_MAX];
    size_t waiting_count;
};

struct managed_answer {
    int64_t desired;              // of the group, as it should be now
    int64_t end;                  // so many empty instances may be ended
};

void managed_init(struct managed *m, double target_percent);
// Once a minute.
struct managed_answer managed_minute(struct managed *m, const struct managed_facts *f);

// managed_hands.c: looks at the group of fleet 0 and its provider, and does what the minute says. Returns how many instances it ended.
int64_t managed_act(struct managed *m, struct world *w);
