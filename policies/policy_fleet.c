// How a policy names its fleets.
#include <string.h>

#include "policies/policy.h"

const char *policy_fleet_name(const struct policy_fleet *f)
{
    if (f->id && *f->id)
        return f->id;
    if (f->group && *f->group)
        return f->group;
    if (f->instant.name && *f->instant.name)
        return f->instant.name;
    return f->tag ? f->tag : "";
}

enum fleet_kind policy_fleet_kind(const struct policy_fleet *f)
{
    if (f->group && *f->group)
        return FLEET_GROUP;
    if (f->instant.name && *f->instant.name)
        return FLEET_INSTANT;
    if (f->id == NULL || *f->id == '\0')
        return FLEET_KIND_COUNT;
    return strncmp(f->id, "fleet-", 6) == 0 ? FLEET_EC2_FLEET : FLEET_SPOT_FLEET;
}

const struct policy_fleet *policy_fleet_find(const struct policy_cluster *c, const char *name)
{
    for (size_t i = 0; i < c->fleet_count; i++)
        if (strcmp(policy_fleet_name(&c->fleets[i]), name) == 0)
            return &c->fleets[i];
    return NULL;
}
