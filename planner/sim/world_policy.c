#include "planner/sim/world_policy.h"

#include <string.h>

#include "planner/sim/instant.h"

enum { OF_TARGET = 20, MAX_OF_NONE = 100 };

static struct policy_instant instant_of(struct arena *a, const struct world_view *v, const struct world_fleet *f)
{
    const char *tag = world_tag_value(f->launch.tags, f->launch.tag_count, WORLD_INSTANT_TAG), *slash = tag ? strchr(tag, '/') : NULL;
    struct policy_instant p = {.name = slash ? arena_strdup(a, slash + 1) : "", .launch_template = arena_strdup(a, v->templates[f->template].id), .version = "$Default"};
    p.types = arena_array(a, struct policy_word, (size_t)f->override_count + 1);
    p.subnets = arena_array(a, struct policy_word, (size_t)v->subnet_count + 1);
    for (int k = 0; k < f->override_count; k++)
        p.types[p.type_count++].text = arena_strdup(a, v->types[f->overrides[k].type].name);
    for (int k = 0; k < v->subnet_count; k++)
        p.subnets[p.subnet_count++].text = arena_strdup(a, v->subnets[k].id);
    return p;
}

void world_policy_fleets(struct arena *a, const struct world_view *v, int cluster, struct policy_cluster *c)
{
    c->fleets = arena_array(a, struct policy_fleet, (size_t)v->fleet_count);
    c->fleet_count = 0;
    for (int f = 0; f < v->fleet_count; f++) {
        const struct world_fleet *x = &v->fleets[f];
        if (x->cluster != cluster)
            continue;
        struct policy_fleet *to = &c->fleets[c->fleet_count++];
        *to = (struct policy_fleet){.id = "", .tag = "", .group = "", .max = !x->instant && x->wanted > 0 ? x->wanted * OF_TARGET : MAX_OF_NONE};
        if (x->instant)
            to->instant = instant_of(a, v, x);
        else if (x->group >= 0)
            to->group = arena_strdup(a, x->id);
        else
            to->id = arena_strdup(a, x->id);
    }
}
