// How much of a service one pool (a type in a zone) may take with it when AWS reclaims it: `pool_share_percent` of the policy.
//
// Where a task runs is ECS's choice, so the bound is not a promise: what is beyond it is told, and where several fleets could take
// the order, those whose pools all have their share of the services that wait are asked last. Tasks on demand count for nothing
// here. One task of a service may be anywhere, so a bound below that holds nobody.
#pragma once

#include "planner/work.h"

struct pool_shares;
struct pack_task;

// Counts what runs where; nothing where the policy has no bound. Needs work_roles.
void pool_share_init(struct work *w);
// Whether one more task of the service there would be beyond its share. False where nothing is bound.
bool pool_share_full(const struct work *w, int service, const char *type, const char *zone);
// Whether it has its share of a service of which some of the tasks are placed.
bool pool_share_taken(const struct work *w, const struct pack_task *tasks, size_t n, const char *type, const char *zone);
// Whether that is so for each pool that the fleet can launch and each of these tasks.
bool pool_share_crowded(const struct work *w, int fleet, const struct pack_task *tasks, size_t n);
// Alerts, once for each service whose largest share is beyond the bound.
void pool_share_watch(struct work *w);
