#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <unistd.h>

#include "state/learned.h"
#include "tests/state/box.h"

// ---- journal --------------------------------------------------------------------------------------------------------------
static void a_tick_comes_back_with_summary_acts_and_bodies(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, b->path, NULL);
    int64_t tick = box_begin(s, box_cluster(s), FACTS_NOW_MS), intent = 0;
    const struct state_intent i = box_intent(b, tick);
    assert_int_equal(state_intent(s, &i, &intent, NULL), 0);
    const struct err busy = {.kind = ERR_CONFLICT, .http_status = 400, .msg = "fleet is modifying"};
    assert_int_equal(state_outcome(s, intent, OUTCOME_FAILED, &busy, NULL), 0);
    box_record(b, s, tick, &b->facts.plan);
    struct state_tick_whole t = box_whole(b, s, tick);
    assert_true(t.tick.recorded);
    assert_true(t.tick.planned);
    assert_string_equal(t.tick.cluster_name, "east");
    assert_int_equal(t.tick.actions, 1);
    assert_int_equal(t.tick.summary.instances, 4);
    assert_int_equal(t.tick.summary.hourly.micro, 442000);
    assert_true(res_eq(t.tick.summary.need, b->facts.plan.summary.need));
    assert_int_equal(t.tick.act_count, 1);
    assert_string_equal(t.tick.acts[0].kind, "set_target");
    assert_string_equal(t.tick.acts[0].outcome, "failed");
    assert_string_equal(t.tick.acts[0].err_kind, "conflict");
    assert_int_equal(t.tick.acts[0].http_status, 400);
    assert_string_equal(t.tick.acts[0].message, "fleet is modifying");
    assert_true(t.snapshot_json.len > 0 && t.snapshot_json.ptr[0] == '{');
    assert_true(t.plan_json.len > 0 && t.plan_json.ptr[0] == '{');
    state_close(s);
}

static void a_failed_tick_keeps_its_error_and_has_no_summary(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    int64_t tick = box_begin(s, box_cluster(s), FACTS_NOW_MS);
    const struct state_tick_end e = {.tick = tick, .duration_ms = 2000, .error = "ListClusters: timed out"};
    assert_int_equal(state_tick_record(s, &e, NULL), 0);
    struct state_tick_whole t = box_whole(b, s, tick);
    assert_string_equal(t.tick.error, "ListClusters: timed out");
    assert_false(t.tick.planned);
    assert_true(t.tick.recorded);
    state_close(s);
}

static void an_intent_has_exactly_one_outcome(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    int64_t tick = box_begin(s, box_cluster(s), FACTS_NOW_MS), intent = 0;
    const struct state_intent i = box_intent(b, tick);
    struct err err = {0};
    assert_int_equal(state_intent(s, &i, &intent, NULL), 0);
    assert_int_equal(state_outcome(s, intent, OUTCOME_OK, NULL, NULL), 0);
    assert_int_equal(state_outcome(s, intent, OUTCOME_OK, NULL, &err), ERR_INVALID);
    assert_int_equal(state_outcome(s, intent + 77, OUTCOME_OK, NULL, &err), ERR_INVALID);
    state_close(s);
}

static void an_intent_of_a_tick_that_was_not_begun_is_refused(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    const struct state_intent i = box_intent(b, 4711);
    int64_t intent = 0;
    struct err err = {0};
    assert_int_equal(state_intent(s, &i, &intent, &err), ERR_INVALID);
    assert_int_equal(intent, 0);
    state_close(s);
}

static void pages_follow_each_other_without_gap_or_repetition(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    int64_t c = box_cluster(s), other = 0;
    assert_int_equal(state_cluster(s, "123456789012", "eu-west-1", "west", &other, NULL), 0);
    for (int i = 0; i < 25; i++) {
        box_quiet_tick(b, s, c, FACTS_NOW_MS + i * 30000);
        box_quiet_tick(b, s, other, FACTS_NOW_MS + i * 30000);
    }
    struct state_ticks_query q = {.cluster = c, .limit = 10};
    struct state_tick *ticks;
    size_t count, seen = 0;
    bool more = true;
    int64_t last = INT64_MAX;
    while (more) {
        assert_int_equal(state_query_ticks(state_reader_of(s), &q, &b->arena, &ticks, &count, &more, NULL), 0);
        assert_true(count > 0);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(ticks[i].cluster, c);
            assert_true(ticks[i].id < last);
            last = ticks[i].id;
        }
        seen += count;
        q.before = last;
    }
    assert_int_equal(seen, 25);
    state_close(s);
}

static void only_acting_ticks_can_be_asked_for(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    int64_t c = box_cluster(s);
    box_quiet_tick(b, s, c, FACTS_NOW_MS);
    int64_t acting = box_begin(s, c, FACTS_NOW_MS + 30000);
    box_record(b, s, acting, &b->facts.plan);
    box_quiet_tick(b, s, c, FACTS_NOW_MS + 60000);
    const struct state_ticks_query q = {.cluster = c, .limit = 10, .acting_only = true};
    struct state_tick *ticks;
    size_t count;
    bool more;
    assert_int_equal(state_query_ticks(state_reader_of(s), &q, &b->arena, &ticks, &count, &more, NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(ticks[0].id, acting);
    assert_false(more);
    state_close(s);
}

// ---- memo, samples, odds and ends -----------------------------------------------------------------------------------------
static void the_memo_comes_back_after_a_restart(void **state)
{
    struct box *b = *state;
    struct memo m;
    bool found = true;
    struct state *s = box_open(b, b->path, NULL);
    assert_int_equal(state_query_memo(state_reader_of(s), box_cluster(s), &b->arena, &m, &found, NULL), 0);
    assert_false(found);
    box_quiet_tick(b, s, box_cluster(s), FACTS_NOW_MS);
    state_close(s);
    s = box_open(b, b->path, NULL);
    assert_int_equal(state_query_memo(state_reader_of(s), box_cluster(s), &b->arena, &m, &found, NULL), 0);
    assert_true(found);
    assert_int_equal(m.drain_count, 1);
    assert_string_equal(m.drains[0].instance, "i-0bbb000000000002");
    assert_int_equal(m.drains[0].state, DRAIN_DRAINING);
    assert_int_equal(m.drains[0].deadline_ms, b->facts.drains[0].deadline_ms);
    assert_int_equal(m.drains_finished, 3);
    state_close(s);
}

static void add_sample(struct state *s, int64_t c, int64_t at_ms, enum series series, int64_t value)
{
    const struct state_sample v = {series, value, NULL};
    assert_int_equal(state_samples_add(s, c, at_ms, &v, 1, NULL), 0);
}

static void a_bucket_shows_least_capacity_most_demand_and_mean_cost(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    const int64_t t0 = FACTS_NOW_MS - FACTS_NOW_MS % 3600000;
    int64_t c = box_cluster(s);
    static const int64_t values[] = {10, 30, 20};
    for (int i = 0; i < 3; i++) {
        add_sample(s, c, t0 + i * 40000, SERIES_CAPACITY_CPU_UNITS, values[i]);
        add_sample(s, c, t0 + i * 40000, SERIES_NEED_CPU_UNITS, values[i]);
        add_sample(s, c, t0 + i * 40000, SERIES_COST_USD_MICRO_PER_HOUR, values[i]);
    }
    struct state_series r = box_series(b, s, &(struct state_series_query){.cluster = c, .from_ms = t0, .to_ms = t0 + 600000, .step_ms = 300000});
    assert_int_equal(r.step_ms, 300000);
    assert_int_equal(r.count, 2);
    assert_int_equal(r.values[SERIES_CAPACITY_CPU_UNITS][0], 10);
    assert_int_equal(r.values[SERIES_NEED_CPU_UNITS][0], 30);
    assert_int_equal(r.values[SERIES_COST_USD_MICRO_PER_HOUR][0], 20);
    assert_true(r.values[SERIES_NEED_CPU_UNITS][1] == STATE_NO_VALUE);
    assert_true(r.values[SERIES_INSTANCES][0] == STATE_NO_VALUE);
    state_close(s);
}

static void the_dearest_hour_is_a_mean_over_an_hour_and_unknown_before_a_day_is_kept(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    const int64_t hour_ms = 3600000, t0 = FACTS_NOW_MS - FACTS_NOW_MS % hour_ms - 30 * hour_ms;
    int64_t c = box_cluster(s), dearest = -1;
    for (int h = 0; h < 30; h++) {
        if (h == 23) {
            assert_int_equal(state_query_highest_hour(state_reader_of(s), c, SERIES_COST_USD_MICRO_PER_HOUR, t0, t0 + h * hour_ms, &dearest, NULL), 0);
            assert_int_equal(dearest, 0);
        }
        for (int k = 0; k < 2; k++)  // in hour 7 a spike of 900 beside 100
            add_sample(s, c, t0 + h * hour_ms + k * 1800000, SERIES_COST_USD_MICRO_PER_HOUR, h == 7 ? 100 + 800 * k : 200 + h);
    }
    assert_int_equal(state_query_highest_hour(state_reader_of(s), c, SERIES_COST_USD_MICRO_PER_HOUR, t0, t0 + 30 * hour_ms, &dearest, NULL), 0);
    assert_int_equal(dearest, 500);
    assert_int_equal(state_query_highest_hour(state_reader_of(s), c, SERIES_COST_USD_MICRO_PER_HOUR, t0 + 8 * hour_ms, t0 + 40 * hour_ms, &dearest, NULL), 0);
    assert_int_equal(dearest, 0);  // 22 hours
    state_close(s);
}

static void a_series_never_has_more_points_than_the_limit(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    static const int64_t spans_ms[] = {0, 60000, 1499 * 60000LL, 1500 * 60000LL, 1501 * 60000LL, 35 * 86400000LL, 400 * 86400000LL};
    for (size_t i = 0; i < ARRAY_LEN(spans_ms); i++) {
        const int64_t from = FACTS_NOW_MS - spans_ms[i];
        struct state_series r = box_series(b, s, &(struct state_series_query){.cluster = 1, .from_ms = from, .to_ms = FACTS_NOW_MS, .step_ms = 60000});
        assert_true(r.count <= STATE_POINTS_MAX);
        assert_true(r.from_ms <= from);
        assert_true(r.from_ms + (int64_t)r.count * r.step_ms >= FACTS_NOW_MS);
    }
    struct state_series r;
    const struct state_series_query backwards = {.cluster = 1, .from_ms = 2000, .to_ms = 1000, .step_ms = 60000};
    assert_int_equal(state_query_series(state_reader_of(s), &backwards, &b->arena, &r, NULL), ERR_INVALID);
    state_close(s);
}

static void a_cluster_keeps_its_id_by_short_name_or_arn(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, b->path, NULL);
    int64_t first = box_cluster(s), by_arn = 0, elsewhere = 0;
    state_close(s);
    s = box_open(b, b->path, NULL);
    assert_int_equal(box_cluster(s), first);
    assert_int_equal(state_cluster(s, "123456789012", "eu-west-1", "arn:aws:ecs:eu-west-1:123456789012:cluster/east", &by_arn, NULL), 0);
    assert_int_equal(by_arn, first);
    assert_int_equal(state_cluster(s, "123456789012", "eu-north-1", "east", &elsewhere, NULL), 0);
    assert_int_not_equal(elsewhere, first);
    state_close(s);
}

static void key_values_are_set_replaced_and_removed(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    const char *v = "";
    assert_int_equal(state_kv_get(s, "paused", &b->arena, &v, NULL), 0);
    assert_null(v);
    assert_int_equal(state_kv_set(s, "paused", "yes", NULL), 0);
    assert_int_equal(state_kv_set(s, "paused", "no", NULL), 0);
    assert_int_equal(state_kv_get(s, "paused", &b->arena, &v, NULL), 0);
    assert_string_equal(v, "no");
    assert_int_equal(state_kv_set(s, "paused", NULL, NULL), 0);
    assert_int_equal(state_kv_get(s, "paused", &b->arena, &v, NULL), 0);
    assert_null(v);
    state_close(s);
}

static void pruning_removes_what_is_older_than_the_limit_and_all_that_hangs_on_it(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    int64_t c = box_cluster(s), intent = 0, n = 0;
    int64_t old = box_begin(s, c, FACTS_NOW_MS - 36 * 86400000LL);
    const struct state_intent i = box_intent(b, old);
    assert_int_equal(state_intent(s, &i, &intent, NULL), 0);
    assert_int_equal(state_outcome(s, intent, OUTCOME_OK, NULL, NULL), 0);
    box_record(b, s, old, &b->facts.plan);
    int64_t fresh = box_quiet_tick(b, s, c, FACTS_NOW_MS);
    bool more = true;
    assert_int_equal(state_prune(s, &more, NULL), 0);
    assert_false(more);
    assert_int_equal(box_count_ticks(s), 1);
    assert_int_equal(box_whole(b, s, fresh).tick.id, fresh);
    assert_int_equal(db_pragma_int(&s->db, "SELECT (SELECT count(*) FROM intents) + (SELECT count(*) FROM outcomes)", &n, NULL), 0);
    assert_int_equal(n, 0);
    state_close(s);
}

static void pruning_by_size_takes_the_oldest_and_shrinks_the_file(void **state)
{
    struct box *b = *state;
    struct state *s = NULL;
    const struct state_options o = {.path = b->path, .clock = &b->clock, .keep_mib = 1, .no_sync = true};
    assert_int_equal(state_open(&o, &s, NULL, NULL), 0);
    int64_t c = box_cluster(s), first = 0, last = 0, used = 0;
    for (int i = 0; i < 1000; i++) {
        int64_t at_ms = FACTS_NOW_MS + i * 180000LL, intent;
        clock_advance_to(&b->clock, at_ms);
        last = box_begin(s, c, at_ms);
        struct state_intent large = box_intent(b, last);
        large.params = arena_printf(&b->arena, "{\"x\":\"%03000d\"}", i);
        assert_int_equal(state_intent(s, &large, &intent, NULL), 0);
        box_record(b, s, last, &b->facts.quiet_plan);
        first = first ? first : last;
    }
    bool more = true;
    for (int i = 0; more && i < 100; i++)
        assert_int_equal(state_prune(s, &more, NULL), 0);
    assert_false(more);
    assert_int_equal(db_pragma_int(&s->db, "SELECT (SELECT page_count FROM pragma_page_count) * 4096", &used, NULL), 0);
    assert_true(used < 3 << 20);
    struct state_tick_whole t;
    assert_int_equal(state_query_tick(state_reader_of(s), first, &b->arena, &t, NULL), ERR_NOT_FOUND);
    assert_int_equal(box_whole(b, s, last).tick.id, last);
    state_close(s);
}

// ---- readers --------------------------------------------------------------------------------------------------------------
static void a_reader_sees_what_the_writer_committed_and_cannot_write(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, b->path, NULL);
    struct state_reader *r = NULL;
    struct err err = {0};
    assert_int_equal(state_reader_open(state_path(s), &r, NULL), 0);
    int64_t tick = box_quiet_tick(b, s, box_cluster(s), FACTS_NOW_MS);
    struct state_tick_whole t;
    assert_int_equal(state_query_tick(r, tick, &b->arena, &t, NULL), 0);
    assert_int_equal(t.tick.id, tick);
    assert_int_equal(db_exec(r->db, "DELETE FROM ticks", &err), ERR_IO);
    assert_int_equal(state_query_tick(r, tick + 1, &b->arena, &t, &err), ERR_NOT_FOUND);
    state_reader_free(r);
    state_close(s);
}

static void a_query_past_its_deadline_ends(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, b->path, NULL);
    struct state_reader *r = NULL;
    struct err err = {0};
    assert_int_equal(state_reader_open(state_path(s), &r, NULL), 0);
    state_reader_set_deadline(r, 20);
    db_start_deadline(r->db);
    assert_int_equal(db_exec(r->db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n", &err),
                     ERR_LIMIT);
    state_reader_free(r);
    state_close(s);
}

static void what_types_registered_comes_back_by_name_the_newest_of_each(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, b->path, NULL);
    int64_t cluster = box_cluster(s);
    struct learned_type v[] = {{"r5.large", res_make(2048, 15700), false, 5}, {"c5.large", res_make(2048, 3700), true, 6}, {"x1.broken", res_make(0, 3700), false, 6}};
    v[1].registered.v[RES_GPU] = 2;
    struct learned_type *had;
    size_t count = 9;
    struct err err;
    assert_int_equal(state_learned_load(state_reader_of(s), cluster, &b->arena, &had, &count, &err), 0);
    assert_int_equal(count, 0);
    assert_int_equal(state_learned_save(s, cluster, v, 3, &err), 0);
    v[0].registered = res_make(2048, 15000);
    v[0].registered_ms = 7;
    assert_int_equal(state_learned_save(s, cluster, v, 1, &err), 0);
    assert_int_equal(state_learned_save(s, cluster + 77, v, 1, &err), ERR_INVALID);  // no such cluster
    state_close(s);
    s = box_open(b, b->path, NULL);
    assert_int_equal(state_learned_load(state_reader_of(s), cluster, &b->arena, &had, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_string_equal(had[0].type, "c5.large");
    assert_true(had[0].trunk);
    assert_memory_equal(&had[0].registered, &v[1].registered, sizeof v[1].registered);
    assert_int_equal(had[1].registered.v[RES_MEMORY], 15000);
    assert_int_equal(had[1].registered_ms, 7);
    state_close(s);
}

static void memory_has_no_reader_and_temp_leaves_nothing_behind(void **state)
{
    struct box *b = *state;
    struct state_reader *r = NULL;
    struct err err = {0};
    struct state *s = box_open(b, ":memory:", NULL);
    assert_int_equal(state_reader_open(state_path(s), &r, &err), ERR_NOT_FOUND);
    state_close(s);
    s = box_open(b, ":temp:", NULL);
    char dir[512], path[512];
    snprintf(path, sizeof(path), "%s", state_path(s));
    snprintf(dir, sizeof(dir), "%s", s->temp_dir);
    assert_int_equal(access(path, F_OK), 0);
    state_close(s);
    assert_int_not_equal(access(dir, F_OK), 0);
}

static void warnings_are_kept_by_cluster_and_replaced_whole(void **state)
{
    struct box *b = *state;
    struct arena a;
    struct state_warning *v = NULL;
    const struct state_warning two[] = {{"i-1", 1000, 0}, {"i-2", 2000, 90000}};
    size_t n = 7;
    arena_init(&a, 0);
    struct state *s = box_open(b, b->path, NULL);
    int64_t east = box_cluster(s), west = 0;
    assert_int_equal(state_cluster(s, "1", "r", "west", &west, NULL), 0);
    assert_int_equal(state_warnings_save(s, east, two, 2, NULL), 0);
    assert_int_equal(state_warnings_save(s, west, &two[1], 1, NULL), 0);
    state_close(s);
    s = box_open(b, b->path, NULL);
    assert_int_equal(state_warnings_load(s, east, &a, &v, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_string_equal(v[1].instance, "i-2");
    assert_int_equal(v[1].risk_ms, 2000);
    assert_int_equal(v[1].event_ms, 90000);
    assert_int_equal(state_warnings_save(s, east, NULL, 0, NULL), 0);
    assert_int_equal(state_warnings_load(s, east, &a, &v, &n, NULL), 0);
    assert_int_equal(n, 0);
    assert_int_equal(state_warnings_load(s, west, &a, &v, &n, NULL), 0);
    assert_int_equal(n, 1);
    state_close(s);
    arena_release(&a);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {
        T(a_tick_comes_back_with_summary_acts_and_bodies),
        T(a_failed_tick_keeps_its_error_and_has_no_summary),
        T(an_intent_has_exactly_one_outcome),
        T(an_intent_of_a_tick_that_was_not_begun_is_refused),
        T(pages_follow_each_other_without_gap_or_repetition),
        T(only_acting_ticks_can_be_asked_for),
        T(the_memo_comes_back_after_a_restart),
        T(what_types_registered_comes_back_by_name_the_newest_of_each),
        T(a_bucket_shows_least_capacity_most_demand_and_mean_cost),
        T(the_dearest_hour_is_a_mean_over_an_hour_and_unknown_before_a_day_is_kept),
        T(a_series_never_has_more_points_than_the_limit),
        T(a_cluster_keeps_its_id_by_short_name_or_arn),
        T(warnings_are_kept_by_cluster_and_replaced_whole),
        T(key_values_are_set_replaced_and_removed),
        T(pruning_removes_what_is_older_than_the_limit_and_all_that_hangs_on_it),
        T(pruning_by_size_takes_the_oldest_and_shrinks_the_file),
        T(a_reader_sees_what_the_writer_committed_and_cannot_write),
        T(a_query_past_its_deadline_ends),
        T(memory_has_no_reader_and_temp_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
