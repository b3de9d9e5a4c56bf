#include "planner/sim/requirements.h"

#include "planner/sim/world_internal.h"

static bool like(const char *pattern, const char *name)
{
    if (*pattern == '\0')
        return *name == '\0';
    if (*pattern != '*')
        return *pattern == *name && like(pattern + 1, name + 1);
    for (; *name; name++)
        if (like(pattern + 1, name))
            return true;
    return like(pattern + 1, name);
}

static bool like_one(const char (*patterns)[24], int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (like(patterns[i], name))
            return true;
    return false;
}

bool world_meets(const struct world_requirements *r, const struct world_type *t)
{
    bool size = t->vcpus >= r->vcpus_min && (r->vcpus_max == 0 || t->vcpus <= r->vcpus_max) && t->memory_mib >= r->memory_mib_min &&
                (r->memory_mib_max == 0 || t->memory_mib <= r->memory_mib_max);
    bool named = (r->allowed_count == 0 || like_one(r->allowed, r->allowed_count, t->name)) && !like_one(r->excluded, r->excluded_count, t->name);
    bool image = r->arch[0] == '\0' || strcmp(r->arch, t->arch) == 0;
    return size && named && image && (r->burstable || t->name[0] != 't');
}

int world_meeting(const struct world *w, const struct world_requirements *r, struct world_override *ret)
{
    int n = 0;
    for (size_t i = 0; i < w->type_count && n < WORLD_OVERRIDES; i++)
        if (world_meets(r, &w->types[i]))
            ret[n++] = (struct world_override){(int)i, -1, 1000};
    return n;
}
