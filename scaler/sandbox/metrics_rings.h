// The minutes that metrics.c keeps and metrics_answer.c reads: a ring a cluster, a service, a fleet. Private to both.
#pragma once

#include "scaler/sandbox/internal.h"

enum { METRIC_MINUTES = 2 * 24 * 60 };

struct metric_minute {
    int64_t minute;                      // since 1970; another one than asked for: no data
    double registered[2], taken[2];      // by RES_CPU, RES_MEMORY: of ACTIVE and DRAINING instances; what of it is reserved there
    double reserved[2], used[2], tasks;  // of running tasks
    double reserved_most[2], used_most[2];  // of that one of them which has most
    double desired, requests;            // of a service: what is wanted; what load balancers sent to each of its running tasks, in all its target groups alike
    double fulfilled, target;            // of a fleet
};

struct metric_ring {
    struct metric_minute minutes[METRIC_MINUTES];
};

struct metrics {
    int64_t minute;                      // the newest
    struct metric_ring **clusters, **services, **fleets;  // as in the world
    int cluster_count, service_count, fleet_count;
};
