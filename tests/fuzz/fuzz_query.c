#include <stdint.h>
#include <string.h>

#include "planner/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Whatever the bytes: an expression that is refused says where and why, one that is understood answers, and its negation answers
// the opposite. An instance of which nothing is known is never a plain yes to what a fact could deny.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct err err = {0};
    const struct query *q, *negated;
    arena_init(&a, 64 << 20);
    char *text = arena_strndup(&a, (const char *)data, size < 3000 ? size : 3000);
    struct attribute pairs[] = {{"ecs.instance-type", "m5.2xlarge"}, {"gpu", ""}, {"stack", "prod"}};
    const struct attribute_set set = {pairs, ARRAY_LEN(pairs)};
    const char *groups[] = {"service:web", "family:db"};
    struct query_facts known = {.attributes = &set, .zone = "eu-west-1a", .type = "m5.2xlarge", .arch = "x86_64",
                                .agent_version = "1.68.2", .ec2_instance_id = "i-0a1b", .agent_connected = 1,
                                .registered_ms = 1767225600000, .running_tasks = 3, .groups = groups, .group_count = 2};
    struct query_facts nothing = {.zone = "", .type = "", .arch = "", .agent_version = "", .ec2_instance_id = "",
                                  .agent_connected = -1, .running_tasks = -1, .groups_partial = true};
    if (query_parse(&a, text, &q, &err) == 0) {
        enum query_answer told = query_ask(q, &a, &known);
        assert(told != QUERY_UNKNOWN);
        (void)query_ask(q, &a, &nothing);
        if (strlen(text) < QUERY_TEXT_MAX - 3 && query_parse(&a, arena_printf(&a, "!(%s)", text), &negated, &err) == 0) {
            assert(query_ask(negated, &a, &known) != told);
            assert(query_is_static(negated) == query_is_static(q));
        }
    } else {
        assert(strncmp(err.msg, "column ", strlen("column ")) == 0);
    }
    arena_release(&a);
    return 0;
}
