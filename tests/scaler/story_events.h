// What stories about notices and warnings ask: seconds, who was called how often and when, hosts that are full.
#pragma once

#include "planner/alert.h"
#include "tests/scaler/story.h"

static inline void seconds(struct story *s, int64_t n)
{
    loop_run(s->rig.loop, now_ms(s) + n * 1000);
}

// The first change by ours of the operation on the target since then, in ms after it; -1 none. "" any target.
static inline int64_t first_after(struct story *s, const char *operation, const char *target, int64_t since_ms)
{
    static struct sandbox_change changes[STORY_CHANGES];
    size_t count = sandbox_changes(s->rig.sandbox, changes, STORY_CHANGES);
    for (size_t i = 0; i < count; i++)
        if (changes[i].actor == WORLD_OURS && changes[i].world_ms >= since_ms && strcmp(changes[i].operation, operation) == 0 &&
            changes[i].error[0] == '\0' && (target[0] == '\0' || strstr(changes[i].target, target)))
            return changes[i].world_ms - since_ms;
    return -1;
}

static inline int64_t calls_of(struct story *s, const char *operation)
{
    struct sandbox_call_count counts[128];
    size_t n = sandbox_calls(s->rig.sandbox, counts, ARRAY_LEN(counts));
    for (size_t i = 0; i < n; i++)
        if (strcmp(counts[i].operation, operation) == 0)
            return counts[i].calls;
    return 0;
}

// Full: what one of the hosts holds has no place on the others.
static inline void open_full(struct story *s, struct rig_options o)
{
    story_open(s, o);
    want(s, 28);
    pass(s, 10);
    assert_int_equal(running(s, s->web), 28);
}

static inline void interrupt(struct story *s, int instance)
{
    assert_int_equal(world_interrupt(world_of(s), instance), WORLD_OK);
}

static inline int draining(struct story *s)
{
    struct world_view v = see(s);
    int n = 0;
    for (int i = 0; i < v.instance_count; i++)
        n += v.instances[i].used && v.instances[i].notice_ms > 0 && v.instances[i].status.now == WE_DRAINING;
    return n;
}
