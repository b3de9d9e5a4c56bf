// The world's scheduler as one question without side effects: which instances are equally good for the next task? Tests hold it
// against the planner's own model of ECS, which is written apart from it.
//
// In this order: room (CPU, memory, host ports, GPUs, ENIs), then required attributes, subnets (LOCATION), memberOf and
// distinctInstance; what is left is narrowed by each strategy in turn. An instance takes part when it is ACTIVE with a connected
// agent and, for a task of a capacity provider, belongs to that provider; a task of launch type EC2 may use all.
//
// spread: the group of instances with the fewest tasks of the same service (standalone: of the same task group). Tasks count that
//   are desired RUNNING, of all deployments, wherever they are, on DRAINING instances too. Instances that lack the attribute form
//   one group together. instanceId and host: each instance is a group.
// A service without strategies spreads over the zones; RunTask without them takes any.
// binpack: the instance with the least of that one resource left. random, and what is left in the end: all are equally good.
// distinctInstance: no task of the service (standalone: of the group) that is desired RUNNING.
#pragma once

#include "base/arena.h"
#include "planner/sim/world_state.h"

struct world;

// Why an instance cannot take a task: the first that fails, in the order of the checks. A later one is a closer match.
enum world_place {
    WPLACE_NOT_ACTIVE,    // draining, of another cluster, of another provider: not considered
    WPLACE_AGENT,
    WPLACE_CPU,
    WPLACE_MEMORY,
    WPLACE_PORTS,
    WPLACE_GPU,
    WPLACE_ENI,
    WPLACE_ATTRIBUTE,
    WPLACE_LOCATION,
    WPLACE_MEMBER_OF,
    WPLACE_DISTINCT,
    WPLACE_OK,
    WPLACE_COUNT
};
const char *world_place_reason(enum world_place p);  // as in failures[].reason: "RESOURCE:CPU", "MemberOf placement constraint unsatisfied."

struct world_ask {
    int cluster, taskdef;
    int service;                      // -1: standalone
    int provider;                     // -1: launch type EC2
    char group[WORLD_ID + 8];         // of the task: "service:NAME", "family:FAMILY" or the caller's
    const struct world_rules *rules;
    struct res need;
};
// The next task of a service by its PRIMARY deployment; its provider is the one whose turn it is in the strategy.
void world_ask_service(const struct world *w, int service, struct world_ask *ret);
enum world_place world_place_of(const struct world *w, const struct world_ask *ask, int instance);
// The equally good instances, as ascending indices in the arena; 0: none can take it.
size_t world_places(const struct world *w, const struct world_ask *ask, struct arena *a, int **ret);
// The closest match among the ACTIVE instances considered and why it cannot; -1: there is none to consider.
int world_closest(const struct world *w, const struct world_ask *ask, enum world_place *ret_why);
// Of an instance: an attribute's value, "" where it has none, NULL where the instance lacks it.
const char *world_attribute(const struct world *w, int instance, const char *name);
#define WORLD_ATTRIBUTES_ALL 32
int world_attributes(const struct world *w, int instance, struct world_attribute ret[WORLD_ATTRIBUTES_ALL]);  // how many there are
bool world_query_matches(const struct world *w, int instance, const struct world_query *q);
// Whether a definition's rules and these allow an instance at all, whatever room it has.
bool world_admits(const struct world *w, const struct world_ask *ask, int instance);
