#include "planner/sim/world_internal.h"

// Sizes from the EC2 documentation, awsvpc tasks with trunking (the last but one) from the ECS guide, example prices on demand of us-east-1, Linux, as published by AWS, July 2026. Only for the
// virtual world: against AWS the real types and prices are read.
static const struct world_type table[] = {
    {"c5.large", "x86_64", 2, 4096, 3, 0, 10, 85000},     {"c5.xlarge", "x86_64", 4, 8192, 4, 0, 20, 170000},
    {"c5.2xlarge", "x86_64", 8, 16384, 4, 0, 40, 340000}, {"c5.4xlarge", "x86_64", 16, 32768, 8, 0, 60, 680000},
    {"m5.large", "x86_64", 2, 8192, 3, 0, 10, 96000},     {"m5.xlarge", "x86_64", 4, 16384, 4, 0, 20, 192000},
    {"m5.2xlarge", "x86_64", 8, 32768, 4, 0, 40, 384000}, {"m5.4xlarge", "x86_64", 16, 65536, 8, 0, 60, 768000},
    {"r5.large", "x86_64", 2, 16384, 3, 0, 10, 126000},   {"r5.xlarge", "x86_64", 4, 32768, 4, 0, 20, 252000},
    {"r5.2xlarge", "x86_64", 8, 65536, 4, 0, 40, 504000}, {"r5.4xlarge", "x86_64", 16, 131072, 8, 0, 60, 1008000},
    {"c6g.xlarge", "arm64", 4, 8192, 4, 0, 20, 136000},   {"c6g.2xlarge", "arm64", 8, 16384, 4, 0, 40, 272000},
};

static void set_type(struct world *w, const struct world_type *t)
{
    int at = world_type_index(w, t->name);
    if (at < 0) {
        w->types = arena_grow(&w->arena, w->types, w->type_count, &w->type_cap, sizeof *w->types);
        at = (int)w->type_count++;
    }
    w->types[at] = *t;
}

void types_init(struct world *w)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        set_type(w, &table[i]);
    for (size_t i = 0; i < w->o.type_count; i++)
        set_type(w, &w->o.types[i]);
    static const char *const zones[] = {"us-east-1a", "us-east-1b", "us-east-1c"};
    for (size_t i = 0; i < ARRAY_LEN(zones); i++)
        world_copy(w->zones[w->zone_count++], sizeof w->zones[0], zones[i]);
    for (int z = 0; z < w->zone_count; z++) {
        struct world_subnet *s = &w->subnets[w->subnet_count++];
        *s = (struct world_subnet){.zone = z, .vpc = "vpc-0b0c5a4db0c500001", .addresses = 8187};
        snprintf(s->id, sizeof s->id, "subnet-0b0c5a4db0c50000%x", (unsigned)(z + 1));
    }
    world_add_template(w, &(struct world_template){.id = "lt-0b0c5a4db0c500001", .version = 3, .ami = "ami-0b0c5a4db0c500001", .agent_version = "1.98.0"});
}
