// What the tests of pools and fleets that fail stand on: two fleets of one type, of which the first runs all.
#pragma once

#include "tests/planner/build.h"

#include <string.h>

static struct build b;
static int type, spot, other, web;

// Two fleets of one type; all that runs is in the first, which has four full members in two zones.
static inline int setup(void **state)
{
    (void)state;
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    b.s.types[type].spot_usd_micro = 70000;
    spot = build_fleet(&b, "sfr-1", 4);
    other = build_fleet(&b, "sfr-2", 0);
    static const char *const zones[] = {"us-east-1a", "us-east-1b"};
    for (int z = 0; z < 2; z++) {
        build_pool(&b, spot, type, 1000);
        b.s.fleets[spot].pools[z].zone = zones[z];
        b.s.fleets[spot].pools[z].launch_template = "lt-1:1";
    }
    build_pool(&b, other, type, 1000);
    b.s.fleets[other].pools[0].zone = "us-east-1c";
    b.s.fleets[other].pools[0].launch_template = "lt-1:1";
    web = build_service(&b, "web", build_shape(&b, "web:1", 1024, 2048), 16);
    for (int k = 0; k < 4; k++) {
        int i = build_instance(&b, spot, type);
        b.s.instances[i].zone = zones[k % 2];
        b.s.instances[i].spot = true;
        build_hold(&b, i, web, 4);
    }
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static inline void want(int32_t tasks)
{
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = tasks;
}
