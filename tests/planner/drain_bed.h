// What the tests of drains stand on: four instances of weight 1, i-004 ours to drain with one task of web, or none. The test plays AWS.
#pragma once

#include "tests/planner/build.h"

#include <string.h>

#include "planner/drain.h"

static struct build b;
static int type, fleet, shape, web, inst[4];

static inline int setup(void **state)
{
    (void)state;
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    fleet = build_fleet(&b, "sfr-1", 4);
    build_pool(&b, fleet, type, 1000);
    shape = build_shape(&b, "web:1", 1024, 2048);
    web = build_service(&b, "web", shape, 10);
    for (int k = 0; k < 4; k++)
        inst[k] = build_instance(&b, fleet, type);
    for (int k = 0; k < 3; k++)
        build_hold(&b, inst[k], web, 3);
    build_hold(&b, inst[3], web, 1);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static inline struct instance *victim(void)
{
    return &b.s.instances[inst[3]];
}

static inline struct plan *next(void)
{
    build_later(&b, 30 * SECOND);
    return build_plan(&b);
}

// To where DRAINING was sent and is read back.
