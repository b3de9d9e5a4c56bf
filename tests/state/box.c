#include "tests/state/box.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <unistd.h>

int box_setup(void **state)
{
    struct box *b = calloc(1, sizeof(*b));
    snprintf(b->dir, sizeof(b->dir), "/tmp/masu-state-test-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    snprintf(b->path, sizeof(b->path), "%s/state.db", b->dir);
    clock_init_virtual(&b->clock, FACTS_NOW_MS);
    arena_init(&b->arena, 0);
    facts_fill(&b->facts, FACTS_NOW_MS);
    *state = b;
    return 0;
}

int box_teardown(void **state)
{
    struct box *b = *state;
    char command[200];
    snprintf(command, sizeof(command), "rm -rf %s", b->dir);
    assert_int_equal(system(command), 0);
    arena_release(&b->arena);
    free(b);
    return 0;
}

struct state *box_open(struct box *b, const char *path, struct state_opened *ret)
{
    struct err err = {0};
    struct state *s = NULL;
    const struct state_options o = {.path = path, .clock = &b->clock};
    if (state_open(&o, &s, ret, &err) != 0)
        fail_msg("%s", err.msg);
    return s;
}

int64_t box_cluster(struct state *s)
{
    int64_t id = 0;
    assert_int_equal(state_cluster(s, "123456789012", "eu-west-1", "east", &id, NULL), 0);
    return id;
}

int64_t box_begin(struct state *s, int64_t cluster, int64_t at_ms)
{
    int64_t tick = 0;
    const struct state_tick_start t = {.cluster = cluster, .at_ms = at_ms, .policy_hash = "0123456789abcdef", .mode = "act"};
    assert_int_equal(state_tick_begin(s, &t, &tick, NULL), 0);
    return tick;
}

void box_record(struct box *b, struct state *s, int64_t tick, const struct plan *plan)
{
    struct err err = {0};
    const struct state_tick_end e = {.tick = tick, .duration_ms = 9, .ok = (int32_t)plan->action_count,
                                     .snapshot = &b->facts.snapshot, .plan = plan, .memo = &b->facts.memo};
    if (state_tick_record(s, &e, &err) != 0)
        fail_msg("%s", err.msg);
}

int64_t box_quiet_tick(struct box *b, struct state *s, int64_t cluster, int64_t at_ms)
{
    int64_t tick = box_begin(s, cluster, at_ms);
    box_record(b, s, tick, &b->facts.quiet_plan);
    return tick;
}

struct state_intent box_intent(struct box *b, int64_t tick)
{
    const struct action *a = &b->facts.actions[0];
    return (struct state_intent){.tick = tick, .action = 0, .kind = a->kind, .target = a->target, .params = "{\"TargetCapacity\":24}",
                                 .client_token = "tok-1", .fact = a->fact, .verdict = a->verdict};
}

struct state_tick_whole box_whole(struct box *b, struct state *s, int64_t tick)
{
    struct state_tick_whole t = {0};
    struct err err = {0};
    if (state_query_tick(state_reader_of(s), tick, &b->arena, &t, &err) != 0)
        fail_msg("%s", err.msg);
    return t;
}

int64_t box_count_ticks(struct state *s)
{
    int64_t n = 0;
    assert_int_equal(db_pragma_int(&s->db, "SELECT count(*) FROM ticks", &n, NULL), 0);
    return n;
}

struct state_series box_series(struct box *b, struct state *s, const struct state_series_query *q)
{
    struct state_series r;
    struct err err = {0};
    struct state_series_query x = *q;
    x.now_ms = x.now_ms ? x.now_ms : FACTS_NOW_MS;
    if (state_query_series(state_reader_of(s), &x, &b->arena, &r, &err) != 0)
        fail_msg("%s", err.msg);
    return r;
}
