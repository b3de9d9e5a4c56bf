// Random clusters that know every placement rule of the world: types with GPUs and with trunking, templates with custom attributes
// and old agents, providers, disconnected and draining instances, definitions of each network mode with ports, limits, required
// attributes and memberOf, services and standalone tasks with every strategy and constraint, and tasks that run from all of them.
//
// The same seed gives the same cluster. Tests hold the world's scheduler against another one on them.
#pragma once

#include "planner/sim/orders.h"

enum { RANDOM_SERVICES = 24, RANDOM_RUNS = 12 };

struct random_cluster {
    struct world *w;             // world_free it
    int cluster;                 // 0
    int services[RANDOM_SERVICES], service_count;
    // RunTask calls that have not been made: to be asked of both schedulers
    struct world_run runs[RANDOM_RUNS];
    struct world_rules rules[RANDOM_RUNS];
    int run_count;
};
void random_cluster_make(uint64_t seed, int instances_max, struct random_cluster *ret);
// The question that a run stands for. Its rules are the cluster's, with their expressions parsed.
struct world_ask random_ask(const struct random_cluster *r, int run);
