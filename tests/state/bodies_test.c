// The bodies of the journal: every tick comes back as it was written, through chains of differences, crashes, damage and pruning.
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/json.h"
#include "planner/model/model_json.h"
#include "tests/state/box.h"

#define PERIOD_MS 30000
#define POLICY SLICE_LIT("{\"clusters\":[{\"name\":\"east\"}]}")

// ---- what is written ------------------------------------------------------------------------------------------------------
static const char *text_of(struct box *b, json_t *j)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    json_write(j, &text);
    json_decref(j);
    const char *copy = arena_strdup(&b->arena, buf_str(&text));
    buf_release(&text);
    return copy;
}

// Times, counts and a list that grows and shrinks, as in a living cluster.
static void change_facts(struct box *b, int i)
{
    struct facts *f = &b->facts;
    f->snapshot.now_ms = f->plan.now_ms = f->quiet_plan.now_ms = f->memo.now_ms = FACTS_NOW_MS + (int64_t)i * PERIOD_MS;
    f->snapshot.complete_looks = 90 + i;
    f->snapshot.instance_count = 2 + (size_t)(i % 3);
    f->services[0].running = 8 + i % 7;
    f->services[1].last_event = i % 5 == 0 ? "(service worker) was unable to place a task" : "";
    for (int k = 0; k < SOURCE_COUNT; k++)
        f->snapshot.sources[k].read_ms = f->snapshot.now_ms - 500;
}

static int64_t record(struct box *b, struct state *s, int64_t cluster, int i, bool acts, const struct memo *before)
{
    struct err err = {0};
    if (acts)
        body_forget_all(s);  // a chain of its own
    change_facts(b, i);
    int64_t tick = box_begin(s, cluster, b->facts.snapshot.now_ms);
    const struct state_tick_end e = {.tick = tick, .snapshot = &b->facts.snapshot, .memo_before = before,
                                     .plan = acts ? &b->facts.plan : &b->facts.quiet_plan, .memo = &b->facts.memo, .policy = POLICY};
    if (state_tick_record(s, &e, &err) != 0)
        fail_msg("%s", err.msg);
    return tick;
}

static void assert_body(struct box *b, const struct state_tick_whole *t, int i, bool acts, const struct memo *before)
{
    change_facts(b, i);
    const struct facts *f = &b->facts;
    assert_true(t->tick.has_body);
    assert_true(slice_eq_str(t->snapshot_json, text_of(b, snapshot_to_json(&f->snapshot))));
    assert_true(slice_eq_str(t->plan_json, text_of(b, plan_to_json(acts ? &f->plan : &f->quiet_plan, &f->snapshot))));
    assert_true(slice_eq_str(t->memo_json, text_of(b, memo_to_json(&f->memo))));
    assert_true(slice_eq_str(t->memo_before_json, before ? text_of(b, memo_to_json(before)) : ""));
}

static int64_t count(struct state *s, const char *sql)
{
    int64_t n = -1;
    assert_int_equal(db_pragma_int(&s->db, sql, &n, NULL), 0);
    return n;
}

static bool is_whole(struct state *s, int64_t tick)
{
    char sql[96];
    snprintf(sql, sizeof(sql), "SELECT base IS NULL FROM bodies WHERE tick = %lld", (long long)tick);
    return count(s, sql) == 1;
}

// ---- tests ----------------------------------------------------------------------------------------------------------------
static void every_tick_comes_back_whatever_the_order(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    int64_t c = box_cluster(s), other = 0, ticks[200];
    assert_int_equal(state_cluster(s, "123456789012", "eu-west-1", "west", &other, NULL), 0);
    for (int i = 0; i < 200; i++) {
        ticks[i] = record(b, s, c, i, i == 77, i % 2 ? &b->facts.memo : NULL);
        record(b, s, other, 3 * i, false, NULL);
    }
    for (int k = 0; k < 200; k++) {
        int i = (k * 83) % 200;  // here and there
        struct state_tick_whole t = box_whole(b, s, ticks[i]);
        change_facts(b, i);
        assert_body(b, &t, i, i == 77, i % 2 ? &b->facts.memo : NULL);
    }
    state_close(s);
}

static void a_body_is_whole_at_the_start_and_hourly(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    int64_t c = box_cluster(s);
    for (int i = 0; i < 241; i++) {
        int64_t tick = record(b, s, c, i, false, NULL);
        assert_int_equal(is_whole(s, tick), i % 120 == 0);
    }
    int64_t whole = count(s, "SELECT sum(length(body)) FROM bodies WHERE base IS NULL") / 3;
    int64_t delta = count(s, "SELECT sum(length(body)) FROM bodies WHERE base IS NOT NULL") / 238;
    assert_true(delta * 4 < whole);
    state_close(s);
}

static void after_a_restart_or_a_failed_write_the_next_body_is_whole(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, b->path, NULL);
    int64_t c = box_cluster(s), before = record(b, s, c, 0, false, NULL);
    state_abandon(s);
    s = box_open(b, b->path, NULL);
    assert_true(is_whole(s, record(b, s, c, 1, false, NULL)));
    assert_false(is_whole(s, record(b, s, c, 2, false, NULL)));

    struct err err = {0};
    char limit[64], noise[40000];  // does not pack
    uint32_t x = 7;
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (char)('!' + (x = x * 1664525 + 1013904223) / 65536 % 90);
    noise[sizeof(noise) - 1] = '\0';
    snprintf(limit, sizeof(limit), "PRAGMA max_page_count=%lld", (long long)count(s, "PRAGMA page_count"));
    assert_int_equal(db_exec(&s->db, limit, NULL), 0);
    change_facts(b, 3);
    b->facts.services[2].last_event = noise;
    const struct state_tick_end e = {.tick = box_begin(s, c, b->facts.snapshot.now_ms), .snapshot = &b->facts.snapshot,
                                     .plan = &b->facts.quiet_plan, .memo = &b->facts.memo};
    assert_int_equal(state_tick_record(s, &e, &err), ERR_IO);
    assert_int_equal(db_exec(&s->db, "PRAGMA max_page_count=1000000", NULL), 0);
    b->facts.services[2].last_event = "";
    int64_t after = record(b, s, c, 4, false, NULL);
    assert_true(is_whole(s, after));
    struct state_tick_whole t = box_whole(b, s, after);
    assert_body(b, &t, 4, false, NULL);
    t = box_whole(b, s, before);
    assert_body(b, &t, 0, false, NULL);
    state_close(s);
}

static void a_look_that_failed_has_no_body_and_the_chain_goes_on(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    int64_t c = box_cluster(s);
    record(b, s, c, 0, false, NULL);
    int64_t failed = box_begin(s, c, FACTS_NOW_MS + PERIOD_MS);
    const struct state_tick_end e = {.tick = failed, .error = "ListServices: 503"};
    assert_int_equal(state_tick_record(s, &e, NULL), 0);
    int64_t next = record(b, s, c, 2, false, NULL);
    assert_false(is_whole(s, next));
    assert_false(box_whole(b, s, failed).tick.has_body);
    struct state_tick_whole t = box_whole(b, s, next);
    assert_body(b, &t, 2, false, NULL);
    state_close(s);
}

static int read_tick(struct box *b, struct state *s, int64_t tick, struct err *err)
{
    struct state_tick_whole t;
    return state_query_tick(state_reader_of(s), tick, &b->arena, &t, err);
}

static void a_missing_link_and_a_changed_byte_are_told_and_hurt_no_other_chain(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    int64_t c = box_cluster(s), ticks[9];
    for (int i = 0; i < 9; i++)
        ticks[i] = record(b, s, c, i, i == 6, NULL);
    char sql[256];
    struct err err = {0};
    snprintf(sql, sizeof(sql), "UPDATE bodies SET body = CAST(substr(body, 1, length(body) - 9) || x'2a' || substr(body, -8) AS BLOB) WHERE tick = %lld",
             (long long)ticks[4]);
    assert_int_equal(db_exec(&s->db, sql, NULL), 0);
    assert_int_equal(read_tick(b, s, ticks[3], &err), 0);
    assert_int_equal(read_tick(b, s, ticks[4], &err), ERR_CORRUPT);
    assert_non_null(strstr(err.msg, "tick 5"));
    assert_int_equal(read_tick(b, s, ticks[5], &err), ERR_CORRUPT);
    assert_int_equal(read_tick(b, s, ticks[7], &err), 0);
    snprintf(sql, sizeof(sql), "DELETE FROM bodies WHERE tick = %lld", (long long)ticks[1]);
    assert_int_equal(db_exec(&s->db, sql, NULL), 0);
    assert_int_equal(read_tick(b, s, ticks[2], &err), ERR_CORRUPT);
    assert_non_null(strstr(err.msg, "builds on tick 2"));
    state_close(s);
}

static void a_walk_goes_through_a_cluster_and_over_what_is_broken(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    int64_t c = box_cluster(s), last = 0;
    for (int i = 0; i < 12; i++)
        last = record(b, s, c, i, i == 8, NULL);
    assert_int_equal(db_exec(&s->db, "UPDATE bodies SET body = x'00' WHERE tick = 6", NULL), 0);
    struct state_walk *w = NULL;
    struct state_tick_whole t;
    bool found = true;
    int read = 0, broken = 0;
    assert_int_equal(state_walk_new(state_reader_of(s), c, &w, NULL), 0);
    for (int64_t at = 3; at <= last && found; at++) {
        int rc = state_walk_next(w, at, last, &b->arena, &t, &found, NULL);
        assert_true(found);
        assert_int_equal(t.tick.id, at);
        assert_int_equal(rc, at >= 6 && at <= 8 ? ERR_CORRUPT : 0);
        if (rc == 0)
            assert_body(b, &t, (int)at - 1, at == 9, NULL);
        read += rc == 0;
        broken += rc != 0;
    }
    assert_int_equal(read, 7);
    assert_int_equal(broken, 3);
    assert_int_equal(state_walk_next(w, last + 1, INT64_MAX, &b->arena, &t, &found, NULL), 0);
    assert_false(found);
    state_walk_free(w);
    state_close(s);
}

static void a_policy_is_stored_once_for_each_hash(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    int64_t c = box_cluster(s), tick = 0;
    for (int i = 0; i < 5; i++)
        tick = record(b, s, c, i, false, NULL);
    struct state_tick_whole t = box_whole(b, s, tick);
    struct slice policy = {0};
    struct err err = {0};
    assert_int_equal(count(s, "SELECT count(*) FROM policies"), 1);
    assert_int_equal(state_query_policy(state_reader_of(s), t.tick.planned_policy, &b->arena, &policy, NULL), 0);
    assert_true(slice_eq(policy, POLICY));
    assert_string_equal(t.tick.masu, MASU_VERSION);
    assert_int_equal(state_query_policy(state_reader_of(s), "0123", &b->arena, &policy, &err), ERR_NOT_FOUND);
    state_close(s);
}

// ---- pruning --------------------------------------------------------------------------------------------------------------
static void prune_all(struct state *s)
{
    bool more = true;
    for (int i = 0; more && i < 100; i++)
        assert_int_equal(state_prune(s, &more, NULL), 0);
    assert_false(more);
}

static void pruning_at_any_moment_leaves_no_tick_without_its_base(void **state)
{
    struct box *b = *state;
    struct state *s = NULL;
    const struct state_options o = {.path = ":memory:", .clock = &b->clock, .keep_days = 1};
    assert_int_equal(state_open(&o, &s, NULL, NULL), 0);
    int64_t c = box_cluster(s), oldest = 1;
    for (int i = 0; i < 600; i++)
        record(b, s, c, i, i % 101 == 0, NULL);
    for (int i = 0; i < 600; i += 37) {
        clock_advance_to(&b->clock, FACTS_NOW_MS + 86400000 + (int64_t)i * PERIOD_MS);
        prune_all(s);
        struct err err = {0};
        int64_t first = count(s, "SELECT min(id) FROM ticks");
        assert_true(first <= i + 1);            // nothing that is young enough went
        assert_true(first >= oldest && first + 120 > i);  // and all but the chain that is needed did
        oldest = first;
        for (int64_t tick = first; tick < first + 130 && tick <= 600; tick++)
            if (read_tick(b, s, tick, &err) != 0)
                fail_msg("at %d: %s", i, err.msg);
        arena_reset(&b->arena);
    }
    assert_true(oldest > 400);
    state_close(s);
}

static void ticks_without_bodies_and_old_policies_are_pruned_too(void **state)
{
    struct box *b = *state;
    struct state *s = NULL;
    const struct state_options o = {.path = ":memory:", .clock = &b->clock, .keep_days = 1};
    assert_int_equal(state_open(&o, &s, NULL, NULL), 0);
    int64_t c = box_cluster(s);
    record(b, s, c, 0, false, NULL);
    for (int i = 1; i < 100; i++) {
        const struct state_tick_end e = {.tick = box_begin(s, c, FACTS_NOW_MS + (int64_t)i * PERIOD_MS), .error = "no answer"};
        assert_int_equal(state_tick_record(s, &e, NULL), 0);
    }
    clock_advance_to(&b->clock, FACTS_NOW_MS + 86400000 + 50 * (int64_t)PERIOD_MS);
    prune_all(s);
    assert_int_equal(count(s, "SELECT min(id) FROM ticks"), 51);
    assert_true(is_whole(s, record(b, s, c, 100, false, NULL)));  // its old base went
    clock_advance_to(&b->clock, FACTS_NOW_MS + 3 * 86400000LL);
    prune_all(s);
    assert_int_equal(box_count_ticks(s), 0);
    assert_int_equal(count(s, "SELECT count(*) FROM bodies"), 0);
    assert_int_equal(count(s, "SELECT count(*) FROM policies"), 0);
    state_close(s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {
        T(every_tick_comes_back_whatever_the_order),
        T(a_body_is_whole_at_the_start_and_hourly),
        T(after_a_restart_or_a_failed_write_the_next_body_is_whole),
        T(a_look_that_failed_has_no_body_and_the_chain_goes_on),
        T(a_missing_link_and_a_changed_byte_are_told_and_hurt_no_other_chain),
        T(a_walk_goes_through_a_cluster_and_over_what_is_broken),
        T(a_policy_is_stored_once_for_each_hash),
        T(pruning_at_any_moment_leaves_no_tick_without_its_base),
        T(ticks_without_bodies_and_old_policies_are_pruned_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
