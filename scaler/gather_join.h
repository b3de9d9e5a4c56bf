// Joining facts to a snapshot: what gather_snapshot.c, gather_shapes.c and gather_attributes.c share of one look.
//
// The snapshot may point into the facts, which live as long.
#pragma once

#include <string.h>

#include "scaler/gather_internal.h"

struct join {
    struct look *l;
    struct arena *a;
    const struct facts *f;
    struct snapshot *s;
    struct strmap types, services, shapes, containers, subnets, our_providers;
    size_t shape_cap;
    const char **subnet_zones;
    size_t subnet_count;
    const struct fact_container **set_of;  // whose attributes a set is, by set; NULL: a pool's
};

// What follows the last c, else s.
static inline const char *join_after_last(const char *s, char c)
{
    const char *at = strrchr(s, c);
    return at ? at + 1 : s;
}

const char *join_zone_of_subnet(const struct join *j, struct slice subnet);  // "" unknown

// ---- gather_shapes.c ------------------------------------------------------------------------------------------------------
// Index of the shape; -1: no definition. `own`: a task whose overrides make it a shape of its own, else NULL.
int join_shape(struct join *j, int service, const char *definition, const struct fact_task *own);
void join_services(struct join *j);
void join_young(struct join *j);

// ---- gather_attributes.c --------------------------------------------------------------------------------------------------
void join_attribute_sets(struct join *j);  // makes room; before the others
const struct attribute_set *join_attributes_of(struct join *j, const struct fact_container *c);  // NULL: ECS told none
// What a new member of the pool will register with; pool->zone, subnet and type_name are set.
void join_pool_attributes(struct join *j, const struct policy_fleet *p, struct fleet_pool *pool);

// ---- gather_groups.c --------------------------------------------------------------------------------------------------------
// Which provider's instances a group launches, and whether that provider scales it; after instances and fleets.
void join_group_providers(struct join *j);
