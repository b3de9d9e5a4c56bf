// The history as a whole: rows become packed days without losing or doubling a sample, whatever the clock and the daemon do meanwhile.
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/rng.h"
#include "state/history_internal.h"
#include "state/history_read.h"
#include "state/migrations.h"
#include "tests/state/box.h"

enum { MINUTE_MS = 60000, HOUR_MS = 3600000, ROUND = 240 };
#define DAY_MS HISTORY_DAY_MS
#define NOON_MS (FACTS_NOW_MS / DAY_MS * DAY_MS + 12 * HOUR_MS)

static void add(struct state *s, int64_t c, int64_t at_ms, int64_t value)
{
    const struct state_sample v[] = {{SERIES_NEED_CPU_UNITS, value, NULL}, {SERIES_SERVICE_DESIRED, value / 2, "web"}, {SERIES_SERVICE_DESIRED, 7, "api"}};
    assert_int_equal(state_samples_add(s, c, at_ms, v, ARRAY_LEN(v), NULL), 0);
}

static int64_t count(struct state *s, const char *sql)
{
    int64_t n = -1;
    assert_int_equal(db_pragma_int(&s->db, sql, &n, NULL), 0);
    return n;
}

static struct state_series need(struct box *b, struct state *s, int64_t from_ms, int64_t to_ms, int64_t step_ms)
{
    return box_series(b, s, &(struct state_series_query){.cluster = 1, .from_ms = from_ms, .to_ms = to_ms, .step_ms = step_ms, .spread = true,
                                                         .now_ms = clock_wall_ms(&b->clock)});
}

// Samples and their sum over all, by each way that a range can be read.
static void expect_samples(struct box *b, struct state *s, int64_t from_ms, int64_t to_ms, int64_t samples, int64_t mean)
{
    static const int64_t steps_ms[] = {MINUTE_MS, 5 * MINUTE_MS, HOUR_MS, DAY_MS};
    for (size_t i = 0; i < ARRAY_LEN(steps_ms); i++) {
        struct state_series r = need(b, s, from_ms, to_ms, steps_ms[i]);
        assert_int_equal(r.spread[SERIES_NEED_CPU_UNITS].samples, samples);
        assert_int_equal(r.spread[SERIES_NEED_CPU_UNITS].mean, mean);
    }
}

static void rows_are_folded_and_read_the_same_before_and_after(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    int64_t c = box_cluster(s), sum = 0;
    for (int i = 0; i < 3 * ROUND + 17; i++) {
        add(s, c, NOON_MS + i * 30000, i);
        sum += i;
        if (i % 100 == 99)
            expect_samples(b, s, NOON_MS / DAY_MS * DAY_MS, NOON_MS / DAY_MS * DAY_MS + DAY_MS, i + 1, sum / (i + 1));
    }
    assert_int_equal(count(s, "SELECT count(*) FROM looks"), 17);
    assert_int_equal(count(s, "SELECT count(*) FROM folds"), 0);
    assert_int_equal(count(s, "SELECT count(*) FROM history"), 9);  // three tracks, three resolutions
    struct state_series r = need(b, s, NOON_MS, NOON_MS + HOUR_MS, MINUTE_MS);
    for (int k = 0; k < 60; k++)
        assert_int_equal(r.values[SERIES_NEED_CPU_UNITS][k], 2 * k + 1);
    state_close(s);
}

static void a_fold_in_slices_loses_and_doubles_nothing_over_restarts(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, b->path, NULL);
    enum { SERVICES = 300 };
    int64_t c = box_cluster(s), slices = 0;
    for (int i = 0; i < ROUND + 5; i++) {
        struct state_sample v[SERVICES];
        for (int k = 0; k < SERVICES; k++)
            v[k] = (struct state_sample){SERIES_SERVICE_DESIRED, i + k, arena_printf(&b->arena, "service-%03d", k)};
        assert_int_equal(state_samples_add(s, c, NOON_MS + i * 30000, v, SERVICES, NULL), 0);
        slices += count(s, "SELECT count(*) FROM folds");
        if (i >= ROUND - 1) {
            state_close(s);
            s = box_open(b, b->path, NULL);
        }
        for (int k = 0; i % 60 == 59 && k < SERVICES; k += 37) {
            struct state_series r = box_series(b, s, &(struct state_series_query){.cluster = c, .kind = HISTORY_SERVICE, .subject = arena_printf(&b->arena, "service-%03d", k),
                                                                                   .from_ms = NOON_MS, .to_ms = NOON_MS + 4 * HOUR_MS, .step_ms = HOUR_MS, .spread = true});
            assert_int_equal(r.spread[SERIES_SERVICE_DESIRED].samples, i + 1);
            assert_int_equal(r.spread[SERIES_SERVICE_DESIRED].max, i + k);
        }
    }
    assert_true(slices >= 2);  // it was seen half done
    assert_int_equal(count(s, "SELECT count(*) FROM folds"), 0);
    assert_int_equal(count(s, "SELECT count(*) FROM looks"), 5);
    state_close(s);
}

static void a_clock_that_steps_back_adds_to_earlier_buckets(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    int64_t c = box_cluster(s);
    for (int i = 0; i < ROUND; i++)
        add(s, c, NOON_MS + i * 30000, 10);
    for (int i = 0; i < ROUND; i++)
        add(s, c, NOON_MS - 30 * HOUR_MS + i * 30000, 20);  // a day earlier, and over its midnight
    for (int i = 0; i < ROUND; i++)
        add(s, c, NOON_MS + i * 30000, 30);
    expect_samples(b, s, NOON_MS / DAY_MS * DAY_MS - 2 * DAY_MS, NOON_MS / DAY_MS * DAY_MS + DAY_MS, 3 * ROUND, 20);
    struct state_series r = need(b, s, NOON_MS, NOON_MS + MINUTE_MS, MINUTE_MS);
    assert_int_equal(r.spread[SERIES_NEED_CPU_UNITS].samples, 4);
    assert_int_equal(r.spread[SERIES_NEED_CPU_UNITS].min, 10);
    assert_int_equal(r.values[SERIES_NEED_CPU_UNITS][0], 30);
    add(s, c, -5, 1);  // a clock before the epoch, or beyond reason: not kept, and harmless
    add(s, c, INT64_MAX - 3, 1);
    state_close(s);
}

static void what_is_unknown_stays_unknown(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    int64_t c = box_cluster(s);
    for (int i = 0; i < 2 * ROUND; i++)
        if (i % 60 >= 20)  // ten minutes of each half hour are not known
            add(s, c, NOON_MS + i * 30000, 5);
    struct state_series r = need(b, s, NOON_MS, NOON_MS + 2 * HOUR_MS, 5 * MINUTE_MS);
    assert_true(r.values[SERIES_NEED_CPU_UNITS][0] == STATE_NO_VALUE);
    assert_true(r.values[SERIES_NEED_CPU_UNITS][1] == STATE_NO_VALUE);
    assert_int_equal(r.values[SERIES_NEED_CPU_UNITS][2], 5);
    assert_true(r.values[SERIES_INSTANCES][2] == STATE_NO_VALUE);
    assert_int_equal(r.spread[SERIES_INSTANCES].samples, 0);
    assert_null(r.values[SERIES_SERVICE_DESIRED]);
    state_close(s);
}

static void steps_are_raised_to_what_is_kept_of_that_time(void **state)
{
    (void)state;
    static const struct {
        int64_t age_ms, step_ms, want_ms;
        enum history_resolution r;
    } rows[] = {
        {HOUR_MS, MINUTE_MS, MINUTE_MS, HISTORY_MINUTE},       {HOUR_MS, 7 * MINUTE_MS, 7 * MINUTE_MS, HISTORY_MINUTE},
        {HOUR_MS, 10 * MINUTE_MS, 10 * MINUTE_MS, HISTORY_FIVE_MINUTES}, {DAY_MS, 2 * HOUR_MS, 2 * HOUR_MS, HISTORY_HOUR},
        {3 * DAY_MS, MINUTE_MS, 3 * MINUTE_MS, HISTORY_MINUTE}, {10 * DAY_MS, MINUTE_MS, 10 * MINUTE_MS, HISTORY_FIVE_MINUTES},
        {5 * DAY_MS, MINUTE_MS, 5 * MINUTE_MS, HISTORY_FIVE_MINUTES}, {35 * DAY_MS, HOUR_MS, HOUR_MS, HISTORY_HOUR},
        {90 * DAY_MS, HOUR_MS, 2 * HOUR_MS, HISTORY_HOUR},     {100 * DAY_MS, 100 * MINUTE_MS, 2 * HOUR_MS, HISTORY_HOUR},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct history_window w = history_window_of(NOON_MS - rows[i].age_ms, NOON_MS, rows[i].step_ms, STATE_POINTS_MAX, NOON_MS);
        assert_int_equal(w.step_ms, rows[i].want_ms);
        assert_int_equal(w.resolution, rows[i].r);
        assert_true(w.count <= STATE_POINTS_MAX);
    }
}

static void finer_days_go_first_and_hours_after_thirteen_months(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    int64_t c = box_cluster(s);
    static const int64_t later_days[] = {0, 4, 36, 396}, left[] = {9, 6, 3, 0};
    bool more = false;
    for (int i = 0; i < ROUND; i++)
        add(s, c, NOON_MS + i * 30000, 5);
    for (size_t i = 0; i < ARRAY_LEN(later_days); i++) {
        clock_advance_to(&b->clock, FACTS_NOW_MS + later_days[i] * DAY_MS);
        for (int k = 0; k < 3; k++)  // one walk over the tracks, and its end
            assert_int_equal(state_prune(s, &more, NULL), 0);
        assert_int_equal(count(s, "SELECT count(*) FROM history"), left[i]);
    }
    clock_advance_to(&b->clock, NOON_MS + 401 * DAY_MS);
    for (int k = 0; k < 3; k++)
        assert_int_equal(state_prune(s, &more, NULL), 0);
    assert_int_equal(count(s, "SELECT count(*) FROM tracks"), 0);
    add(s, c, NOON_MS + 401 * DAY_MS, 5);  // the same names again
    assert_int_equal(count(s, "SELECT count(*) FROM tracks"), 3);
    state_close(s);
}

static void history_goes_by_size_only_when_the_journal_is_down_to_a_day(void **state)
{
    struct box *b = *state;
    struct state *s = NULL;
    const struct state_options o = {.path = ":memory:", .clock = &b->clock, .keep_mib = 1, .no_sync = true};
    assert_int_equal(state_open(&o, &s, NULL, NULL), 0);
    int64_t c = box_cluster(s), oldest = FACTS_NOW_MS - 300 * DAY_MS;
    struct history_point *v = arena_array(&b->arena, struct history_point, 300 * 24);
    for (int i = 0; i < 300 * 24; i++)
        v[i] = (struct history_point){oldest + i * (int64_t)HOUR_MS, (i * 7919) % 100003};
    bool more = false;
    for (int k = 0; k < 40; k++)
        assert_int_equal(state_history_fill(s, c, SERIES_CAPACITY_CPU_UNITS, arena_printf(&b->arena, "%d", k), HOUR_MS, v, 300 * 24, NULL), 0);
    assert_int_equal(state_history_fill(s, c, SERIES_CAPACITY_CPU_UNITS, NULL, HOUR_MS, v, 300 * 24, NULL), 0);
    int64_t before = count(s, "SELECT count(*) FROM history");
    box_quiet_tick(b, s, c, FACTS_NOW_MS - 3 * DAY_MS);
    assert_int_equal(state_prune(s, &more, NULL), 0);
    assert_true(more);
    assert_int_equal(box_count_ticks(s), 0);
    for (int i = 0; more && i < 400; i++)
        assert_int_equal(state_prune(s, &more, NULL), 0);
    assert_false(more);
    int64_t after = count(s, "SELECT count(*) FROM history");
    assert_true(after < before);
    assert_true(after > 13 * 20);
    state_close(s);
}

static void filling_adds_to_what_is_unknown_only_and_twice_is_once(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    int64_t c = box_cluster(s), from = NOON_MS / DAY_MS * DAY_MS - 50 * DAY_MS;
    clock_advance_to(&b->clock, NOON_MS + 4 * HOUR_MS);
    for (int i = 0; i < ROUND; i++)
        add(s, c, NOON_MS + i * 30000, 1000);
    struct history_point *v = arena_array(&b->arena, struct history_point, 50 * 288 + 150);
    for (int i = 0; i < 50 * 288 + 150; i++)
        v[i] = (struct history_point){from + i * (int64_t)(5 * MINUTE_MS), 10};
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(state_history_fill(s, c, SERIES_NEED_CPU_UNITS, NULL, 5 * MINUTE_MS, v, 50 * 288 + 150, NULL), 0);
        struct state_series r = need(b, s, from, NOON_MS + 2 * HOUR_MS, HOUR_MS);
        assert_int_equal(r.values[SERIES_NEED_CPU_UNITS][0], 10);
        assert_int_equal(r.values[SERIES_NEED_CPU_UNITS][r.count - 1], 1000);  // seen: not touched
        assert_int_equal(r.spread[SERIES_NEED_CPU_UNITS].samples, 50 * 288 + 144 + ROUND);
        r = need(b, s, NOON_MS - DAY_MS, NOON_MS - DAY_MS + HOUR_MS, MINUTE_MS);
        for (size_t k = 0; k < r.count; k++)  // minutes of five minutes without a hole
            assert_int_equal(r.values[SERIES_NEED_CPU_UNITS][k], 10);
    }
    assert_int_equal(count(s, "SELECT count(*) FROM history WHERE key >> 18 & 3 = 1"), 36 + 2);  // no finer than its age allows; api's and web's
    state_close(s);
}

static void a_broken_day_or_row_is_unknown_and_mends(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    int64_t c = box_cluster(s);
    for (int i = 0; i < ROUND; i++)
        add(s, c, NOON_MS + i * 30000, 5);
    assert_int_equal(db_exec(&s->db, "UPDATE history SET body = x'01ff00'", NULL), 0);
    expect_samples(b, s, NOON_MS, NOON_MS + HOUR_MS, 0, 0);
    for (int i = 0; i < ROUND; i++) {
        add(s, c, NOON_MS + i * 30000, 6);
        if (i == 100)
            assert_int_equal(db_exec(&s->db, "UPDATE looks SET body = x'ff' WHERE id = (SELECT max(id) FROM looks)", NULL), 0);
    }
    struct state_series r = need(b, s, NOON_MS, NOON_MS + 2 * HOUR_MS, HOUR_MS);
    assert_int_equal(r.spread[SERIES_NEED_CPU_UNITS].samples, ROUND - 1);
    assert_int_equal(r.spread[SERIES_NEED_CPU_UNITS].min, 6);
    state_close(s);
}

// ---- what a tick says -----------------------------------------------------------------------------------------------------

static int64_t said(const struct state_sample *v, size_t n, enum series series, const char *subject)
{
    int64_t found = STATE_NO_VALUE;
    for (size_t i = 0; i < n; i++)
        if (v[i].series == series && strcmp(v[i].subject, subject) == 0) {
            assert_true(found == STATE_NO_VALUE);
            found = v[i].value;
        }
    return found;
}

static void a_tick_says_what_each_service_and_pool_is_like(void **state)
{
    struct box *b = *state;
    struct state_sample *v;
    struct snapshot *s = &b->facts.snapshot;
    const char *web = b->facts.services[0].name, *pool = arena_printf(&b->arena, "%s m5.xlarge eu-west-1a", fleet_name(&b->facts.fleets[0]));
    s->sources[SOURCE_TASKS].state = SOURCE_OK;
    b->facts.instances[0].registered_ms = s->now_ms - 10000;
    b->facts.instances[0].launched_ms = s->now_ms - 100000;
    b->facts.fleets[0].found = true;
    struct quota quotas[] = {{QUOTA_STANDARD_SPOT, 640, 96, 0}, {QUOTA_G_SPOT, 0, 8, 0}};  // of one the limit is not known
    s->quotas = quotas;
    s->quota_count = ARRAY_LEN(quotas);
    struct subnet subnets[] = {{"subnet-1", 251, 11}};
    s->subnets = subnets;
    s->subnet_count = ARRAY_LEN(subnets);
    size_t n = state_samples_of_tick(s, &b->facts.plan, s->now_ms - 30000, &b->arena, &v);
    assert_int_equal(said(v, n, SERIES_NEED_CPU_UNITS, ""), 5120);
    assert_int_equal(said(v, n, SERIES_DESIRED_TASKS, ""), 6);
    assert_int_equal(said(v, n, SERIES_RUNNING_TASKS, ""), 4);
    assert_int_equal(said(v, n, SERIES_SERVICE_DESIRED, web), 3);
    assert_int_equal(said(v, n, SERIES_SERVICE_WAITING, web), 1);
    assert_int_equal(said(v, n, SERIES_SERVICE_NEED_MEMORY_MIB, web), 6144);
    assert_int_equal(said(v, n, SERIES_SERVICE_RESERVED_CPU_UNITS, web), 2048);
    assert_true(said(v, n, SERIES_SERVICE_DESIRED, "logs") == STATE_NO_VALUE);  // a daemon
    assert_int_equal(said(v, n, SERIES_POOL_SPOT_INSTANCES, pool), 3);
    assert_int_equal(said(v, n, SERIES_POOL_ON_DEMAND_INSTANCES, pool), 1);
    assert_int_equal(said(v, n, SERIES_POOL_SPOT_USD_MICRO_PER_HOUR, pool), 76000);
    assert_int_equal(said(v, n, SERIES_LIMIT_USED, history_limit_fleet(&b->arena, &b->facts.fleets[0])), b->facts.fleets[0].target);
    assert_int_equal(said(v, n, SERIES_LIMIT_USED, "quota L-34B43A08"), 96);
    assert_int_equal(said(v, n, SERIES_LIMIT_USED, "subnet subnet-1"), 240);
    assert_true(said(v, n, SERIES_LIMIT_USED, history_limit_quota(&b->arena, &quotas[1])) == STATE_NO_VALUE);
    assert_int_equal(said(v, n, SERIES_BOOT_MS, ""), 90000);
    assert_int_equal(said(v, n, SERIES_POOL_BOOT_MS, pool), 90000);
    n = state_samples_of_tick(s, &b->facts.plan, s->now_ms, &b->arena, &v);
    assert_true(said(v, n, SERIES_BOOT_MS, "") == STATE_NO_VALUE);  // said before
    s->quotas = NULL;
    s->subnets = NULL;
    s->quota_count = s->subnet_count = 0;
}

static void a_source_that_is_not_known_says_nothing(void **state)
{
    struct box *b = *state;
    struct state_sample *v;
    struct snapshot *s = &b->facts.snapshot;
    const char *web = b->facts.services[0].name;
    b->facts.plan.summary.interrupted = 2;
    size_t n = state_samples_of_tick(s, &b->facts.plan, 0, &b->arena, &v);  // tasks are known in part
    assert_int_equal(said(v, n, SERIES_INTERRUPTED, ""), 2);
    assert_true(said(v, n, SERIES_SERVICE_RESERVED_CPU_UNITS, web) == STATE_NO_VALUE);
    assert_int_equal(said(v, n, SERIES_SERVICE_DESIRED, web), 3);
    s->sources[SOURCE_SERVICES].state = SOURCE_UNKNOWN;
    n = state_samples_of_tick(s, &b->facts.plan, 0, &b->arena, &v);
    assert_true(said(v, n, SERIES_SERVICE_DESIRED, web) == STATE_NO_VALUE);
    assert_true(said(v, n, SERIES_NEED_CPU_UNITS, "") == STATE_NO_VALUE);
    assert_int_equal(said(v, n, SERIES_CAPACITY_CPU_UNITS, ""), 4096);
    s->sources[SOURCE_CONTAINER_INSTANCES].state = SOURCE_PARTIAL;
    s->sources[SOURCE_FLEETS].state = SOURCE_PARTIAL;
    s->sources[SOURCE_INSTANCE_TYPES].state = SOURCE_UNKNOWN;
    assert_int_equal(state_samples_of_tick(s, &b->facts.plan, 0, &b->arena, &v), 0);
}

static void what_tasks_use_is_said_where_it_is_measured(void **state)
{
    struct box *b = *state;
    struct state_sample *v;
    struct snapshot *s = &b->facts.snapshot;
    const char *web = b->facts.services[0].name;
    s->sources[SOURCE_TASKS].state = SOURCE_OK;
    for (size_t k = 0; k < s->shape_count; k++) {
        s->shapes[k].used_now = res_make(100, 300);
        s->shapes[k].used_at_ms = s->now_ms;
    }
    size_t n = state_samples_of_tick(s, &b->facts.plan, 0, &b->arena, &v);
    assert_true(said(v, n, SERIES_SERVICE_USED_CPU_UNITS, web) == STATE_NO_VALUE);  // no source, or one that fails
    s->usage = (struct source){.state = SOURCE_OK, .read_ms = s->now_ms, .detail = ""};
    n = state_samples_of_tick(s, &b->facts.plan, 0, &b->arena, &v);
    int64_t cpu = said(v, n, SERIES_SERVICE_USED_CPU_UNITS, web);
    assert_in_range(cpu, 100, 200);
    assert_int_equal(said(v, n, SERIES_SERVICE_USED_MEMORY_MIB, web), 3 * cpu);
    assert_true(said(v, n, SERIES_USED_CPU_UNITS, "") >= cpu);
    assert_true(said(v, n, SERIES_SERVICE_LARGEST_MEMORY_MIB, web) == STATE_NO_VALUE);  // of no task is known that it is the largest
    for (size_t k = 0; k < s->shape_count; k++)
        s->shapes[k].used_largest_mib = 301;
    n = state_samples_of_tick(s, &b->facts.plan, 0, &b->arena, &v);
    assert_int_equal(said(v, n, SERIES_SERVICE_LARGEST_MEMORY_MIB, web), 304);
    for (size_t k = 0; k < s->shape_count; k++)
        s->shapes[k].used_largest_mib = 9001;
    n = state_samples_of_tick(s, &b->facts.plan, 0, &b->arena, &v);
    assert_int_equal(said(v, n, SERIES_SERVICE_LARGEST_MEMORY_MIB, web), 9216);
    for (size_t k = 0; k < s->shape_count; k++)
        s->shapes[k].used_at_ms = 0;
    n = state_samples_of_tick(s, &b->facts.plan, 0, &b->arena, &v);
    assert_true(said(v, n, SERIES_SERVICE_USED_CPU_UNITS, web) == STATE_NO_VALUE);
    assert_true(said(v, n, SERIES_USED_CPU_UNITS, "") == STATE_NO_VALUE);
}

static void g7_open_circuit_breakers_are_in_the_history_and_the_unknown_is_not(void **state)
{
    struct box *b = *state;
    struct state_sample *v;
    struct snapshot *s = &b->facts.snapshot;
    size_t n = state_samples_of_tick(s, &b->facts.plan, 0, &b->arena, &v);
    assert_true(said(v, n, SERIES_OVERFLOW, "") == STATE_NO_VALUE);
    s->overflow.state = SOURCE_OK;
    n = state_samples_of_tick(s, &b->facts.plan, 0, &b->arena, &v);
    assert_int_equal(said(v, n, SERIES_OVERFLOW, ""), 0);
    s->overflowing = "main-web";
    n = state_samples_of_tick(s, &b->facts.plan, 0, &b->arena, &v);
    assert_int_equal(said(v, n, SERIES_OVERFLOW, ""), 1);
}

static void subjects_are_told_with_their_days(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    int64_t c = box_cluster(s);
    struct state_subject *v;
    size_t n;
    for (int i = 0; i < ROUND; i++)
        add(s, c, NOON_MS + i * (int64_t)(10 * MINUTE_MS), 5);
    assert_int_equal(state_query_subjects(state_reader_of(s), c, &b->arena, &v, &n, NULL), 0);
    assert_int_equal(n, 3);
    assert_int_equal(v[0].kind, HISTORY_CLUSTER);
    assert_string_equal(v[1].subject, "api");
    assert_string_equal(v[2].subject, "web");
    assert_int_equal(v[2].first_ms, NOON_MS / DAY_MS * DAY_MS);
    assert_int_equal(v[2].last_ms, NOON_MS / DAY_MS * DAY_MS + 2 * DAY_MS);
    state_close(s);
}

static void a_journal_of_old_goes_over_with_its_samples(void **state)
{
    struct box *b = *state;
    struct db d;
    struct buf sql;
    int before = 0;
    assert_int_equal(db_open(&d, b->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), 0);
    assert_int_equal(state_migrate(&d, 3, &before, NULL), 0);
    buf_init(&sql, 1 << 22);
    buf_add_str(&sql, "BEGIN; INSERT INTO clusters (account, region, name) VALUES ('123456789012', 'eu-west-1', 'east');");
    for (int64_t at_ms = NOON_MS - 20 * DAY_MS; at_ms < NOON_MS; at_ms += MINUTE_MS)
        if (at_ms % HOUR_MS < 50 * MINUTE_MS)
            buf_printf(&sql, "INSERT INTO samples VALUES (1, %d, %lld, 2, %lld, 40, 60, 60);", SERIES_NEED_CPU_UNITS, (long long)(at_ms / MINUTE_MS), 100LL);
    buf_add_str(&sql, "INSERT INTO samples VALUES (1, 6, 5, -2, 8, 9, 4, 1); COMMIT");  // nonsense
    assert_false(buf_failed(&sql));
    assert_int_equal(db_exec(&d, buf_str(&sql), NULL), 0);
    buf_release(&sql);
    db_close(&d);
    struct state *s = box_open(b, b->path, NULL);
    struct state_series r = need(b, s, NOON_MS - 20 * DAY_MS, NOON_MS, HOUR_MS);
    assert_int_equal(r.spread[SERIES_NEED_CPU_UNITS].samples, 20 * 24 * 100);
    assert_int_equal(r.spread[SERIES_NEED_CPU_UNITS].mean, 50);
    assert_int_equal(r.values[SERIES_NEED_CPU_UNITS][5], 60);
    r = need(b, s, NOON_MS - 2 * HOUR_MS, NOON_MS, MINUTE_MS);
    assert_int_equal(r.values[SERIES_NEED_CPU_UNITS][49], 60);
    assert_true(r.values[SERIES_NEED_CPU_UNITS][50] == STATE_NO_VALUE);
    assert_int_equal(count(s, "SELECT count(*) FROM sqlite_schema WHERE name = 'samples'"), 0);
    state_close(s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {
        T(rows_are_folded_and_read_the_same_before_and_after),
        T(a_fold_in_slices_loses_and_doubles_nothing_over_restarts),
        T(a_clock_that_steps_back_adds_to_earlier_buckets),
        T(what_is_unknown_stays_unknown),
        T(steps_are_raised_to_what_is_kept_of_that_time),
        T(finer_days_go_first_and_hours_after_thirteen_months),
        T(history_goes_by_size_only_when_the_journal_is_down_to_a_day),
        T(filling_adds_to_what_is_unknown_only_and_twice_is_once),
        T(a_broken_day_or_row_is_unknown_and_mends),
        T(a_tick_says_what_each_service_and_pool_is_like),
        T(a_source_that_is_not_known_says_nothing),
        T(what_tasks_use_is_said_where_it_is_measured),
        T(g7_open_circuit_breakers_are_in_the_history_and_the_unknown_is_not),
        T(subjects_are_told_with_their_days),
        T(a_journal_of_old_goes_over_with_its_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
