// A cluster query of a client: parsed, and held against an instance when it parses.
#include <string.h>

#include "planner/sim/query.h"

static const char *attribute(void *arg, const char *name)
{
    (void)arg;
    return strlen(name) % 2 ? "c5.large" : NULL;
}

static const char *group(void *arg, int n)
{
    (void)arg;
    return n < 2 ? "service:web" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    arena_init(&a, 0);
    const struct world_query *q = NULL;
    struct err err = {0};
    struct world_query_facts f = {.agent_version = "1.2.3", .ec2_instance_id = "i-0", .attribute = attribute, .group = group};
    if (world_query_parse(arena_strndup(&a, (const char *)data, size), &a, &q, &err) == 0)
        (void)world_query_holds(q, &f);
    arena_release(&a);
    return 0;
}
