// The small modules of base: err, clock, rng, fsm, log.
#include "base/check.h"

#include <poll.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fsm.h"
#include "base/json.h"
#include "base/log.h"
#include "base/rng.h"
#include "tests/cm.h"

static void errors_carry_kind_and_wrapped_message(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(err_set(&e, ERR_THROTTLED, "DescribeTasks: %s", "ThrottlingException"), ERR_THROTTLED);
    assert_int_equal(err_wrap(&e, "cluster %s", "web"), ERR_THROTTLED);
    assert_string_equal(e.msg, "cluster web: DescribeTasks: ThrottlingException");
    assert_int_equal(err_set(NULL, ERR_IO, "x"), ERR_IO);
    assert_int_equal(err_wrap(NULL, "x"), ERR_INVALID);
    assert_string_equal(err_kind_name(ERR_LIMIT), "limit");
}

static void a_long_message_is_cut(void **state)
{
    (void)state;
    struct err e = {0};
    char big[2000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    err_set(&e, ERR_IO, "%s", big);
    err_wrap(&e, "%s", big);
    assert_int_equal(strlen(e.msg), sizeof e.msg - 1);
}

static void virtual_time_moves_only_when_told(void **state)
{
    (void)state;
    struct clock c;
    clock_init_virtual(&c, 1000);
    assert_int_equal(clock_wall_ms(&c), 1000);
    assert_int_equal(clock_real_delay_ms(&c, 99999), 0);
    clock_advance_to(&c, 5000);
    assert_int_equal(clock_mono_ms(&c), 5000);
}

static void go_back(void *arg)
{
    clock_advance_to(arg, 1);
}

static void virtual_time_never_goes_back(void **state)
{
    (void)state;
    struct clock c;
    clock_init_virtual(&c, 1000);
    assert_true(aborts(go_back, &c));
}

static void accelerated_time_is_real_time_times_speed(void **state)
{
    (void)state;
    struct clock c;
    clock_init_accelerated(&c, 5000, 1000.0);
    assert_in_range(clock_wall_ms(&c), 5000, 5000 + 60 * 1000 * 1000);
    int64_t until = clock_wall_ms(&c) + 10 * 1000 * 1000;
    assert_in_range(clock_real_delay_ms(&c, until), 1, 10000);
    assert_int_equal(clock_real_delay_ms(&c, 0), 0);
}

static void a_steady_clock_follows_forward_at_once_and_back_at_half_speed(void **state)
{
    (void)state;
    struct clock c, other;
    clock_init_real(&other);
    clock_init_steady(&c);
    assert_in_range(clock_wall_ms(&c) - clock_wall_ms(&other) + 1000, 0, 2000);
    int64_t before_ms = clock_wall_ms(&c);
    assert_int_equal(clock_follow(&c, 3600000), 3600000);
    assert_true(clock_wall_ms(&c) - before_ms >= 3600000);
    poll(NULL, 0, 20);
    int64_t was_ms = clock_wall_ms(&c), mono_ms = clock_mono_ms(&c), moved_ms = clock_follow(&c, -3600000);
    assert_in_range(-moved_ms, 10, (mono_ms - c.base_real_ms) / 2);
    for (int k = 0; k < 5; k++) {  // what passes is never undone: half of it remains
        poll(NULL, 0, 4);
        clock_follow(&c, -3600000);
        assert_true(clock_wall_ms(&c) >= was_ms + moved_ms);
        was_ms = clock_wall_ms(&c);
        moved_ms = 0;
    }
    assert_int_equal(clock_follow(&other, 1000), 0);
}

static void paced_time_stands_still_where_it_may_not_go_on(void **state)
{
    (void)state;
    struct clock c;
    clock_init_paced(&c, 5000, 1e6);  // a millisecond is a thousand seconds
    poll(NULL, 0, 3);
    assert_int_equal(clock_wall_ms(&c), 5000);
    clock_pace_to(&c, 6000);
    assert_int_equal(clock_wall_ms(&c), 6000);
    clock_pace_to(&c, 5500);
    assert_int_equal(clock_wall_ms(&c), 6000);
    assert_int_equal(clock_real_delay_ms(&c, 6000), 0);
}

static void paced_time_does_not_race_after_a_stall(void **state)
{
    (void)state;
    struct clock c;
    clock_init_paced(&c, 0, 1000);
    c.base_real_ms -= 3600 * 1000;  // an hour passed while nobody let it go on
    clock_pace_to(&c, INT64_C(1) << 50);
    assert_in_range(clock_wall_ms(&c), 1000 * 1000, 60 * 1000 * 1000);  // a second's worth, and what this test took
}

static void real_time_is_after_the_year_2020(void **state)
{
    (void)state;
    struct clock c;
    clock_init_real(&c);
    assert_true(clock_wall_ms(&c) > INT64_C(1577836800000));
    int64_t first = clock_mono_ms(&c);
    assert_true(clock_mono_ms(&c) >= first);
    assert_int_equal(clock_real_delay_ms(&c, clock_wall_ms(&c) - 1), 0);
}

static void the_same_seed_gives_the_same_numbers(void **state)
{
    (void)state;
    // First outputs of xoshiro256** from splitmix64 with seed 0, as its authors' code prints them.
    struct rng r;
    rng_init(&r, 0);
    assert_true(rng_u64(&r) == UINT64_C(0x99ec5f36cb75f2b4));
    assert_true(rng_u64(&r) == UINT64_C(0xbf6e1f784956452a));
    struct rng a, b;
    rng_init(&a, 7);
    rng_init(&b, 7);
    struct rng fork_a = rng_fork(&a, 1), fork_b = rng_fork(&b, 1), other = rng_fork(&b, 2);
    assert_true(rng_u64(&fork_a) == rng_u64(&fork_b));
    assert_true(rng_u64(&fork_a) != rng_u64(&other));
}

static void draws_stay_in_bounds_and_near_their_means(void **state)
{
    (void)state;
    enum { N = 20000 };
    struct rng r;
    rng_init(&r, 42);
    double uniform = 0, normal = 0, square = 0, exponential = 0, few = 0, many = 0;
    int seen[5] = {0};
    for (int i = 0; i < N; i++) {
        double u = rng_double(&r), n = rng_normal(&r);
        assert_true(u >= 0 && u < 1);
        uniform += u / N;
        normal += n / N;
        square += n * n / N;
        exponential += rng_exponential(&r, 3) / N;
        few += (double)rng_poisson(&r, 4.5) / N;
        many += (double)rng_poisson(&r, 2000) / N;
        int64_t between = rng_between(&r, -2, 2);
        assert_true(between >= -2 && between <= 2);
        seen[between + 2]++;
    }
    assert_true(fabs(uniform - 0.5) < 0.01);
    assert_true(fabs(normal) < 0.03);
    assert_true(fabs(square - 1) < 0.05);
    assert_true(fabs(exponential - 3) < 0.1);
    assert_true(fabs(few - 4.5) < 0.06);
    assert_true(fabs(many - 2000) < 2);
    for (int i = 0; i < 5; i++)
        assert_in_range(seen[i], N / 5 - 300, N / 5 + 300);
    assert_int_equal(rng_poisson(&r, 0), 0);
    rng_between(&r, INT64_MIN, INT64_MAX);
}

static const struct fsm_state light_states[] = {{"red", 1u << 1, false}, {"green", 1u << 2, false}, {"off", 0, true}};
static const struct fsm_table light = {light_states, ARRAY_LEN(light_states)};

static void go_from_off_to_red(void *arg)
{
    (void)arg;
    int s = 2;
    fsm_move(&light, &s, 0);
}

static void a_table_allows_its_edges_only(void **state)
{
    (void)state;
    int s = 0;
    fsm_move(&light, &s, 1);
    assert_int_equal(s, 1);
    assert_false(fsm_allows(&light, 1, 0));
    assert_false(fsm_allows(&light, 1, 9));
    assert_string_equal(fsm_name(&light, 2), "off");
    assert_string_equal(fsm_name(&light, 7), "unknown");
    assert_int_equal(fsm_by_name(&light, "green"), 1);
    assert_int_equal(fsm_by_name(&light, "blue"), -1);
    assert_true(aborts(go_from_off_to_red, NULL));
}

static size_t log_line(bool json, enum log_level level, const char *text, char *out, size_t size)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct clock c;
    clock_init_virtual(&c, INT64_C(1768480496123));
    struct logger l;
    logger_init(&l, fds[1], &c);
    assert_true(l.json);  // a pipe is no terminal
    l.json = json;
    log_event(&l, level, "tick", text, LOG_S("cluster", "web"), LOG_I("actions", 3), LOG_F("share", 0.25));
    close(fds[1]);
    ssize_t n = read(fds[0], out, size - 1);
    close(fds[0]);
    assert_true(n >= 0);
    out[n] = '\0';
    return (size_t)n;
}

static void a_log_line_is_one_json_object(void **state)
{
    (void)state;
    char out[1000];
    size_t n = log_line(true, LOG_WARN, "he said \"no\"\n\xff", out, sizeof out);
    assert_string_equal(out,
                        "{\"time\":\"2026-01-15T12:34:56.123Z\",\"level\":\"warn\",\"event\":\"tick\",\"message\":\"he said "
                        "\\\"no\\\"\\n\xef\xbf\xbd\",\"cluster\":\"web\",\"actions\":3,\"share\":0.25}\n");
    json_t *j = NULL;
    assert_int_equal(json_parse((struct slice){out, n}, "line", &j, NULL), 0);
    json_decref(j);
}

static void a_text_line_cannot_be_forged_by_a_name(void **state)
{
    (void)state;
    char out[1000];
    log_line(false, LOG_INFO, "a\nb\033[2J", out, sizeof out);
    assert_string_equal(out, "2026-01-15T12:34:56.123Z info  tick  a\\x0ab\\x1b[2J  cluster=web  actions=3  share=0.25\n");
}

static void lines_below_the_level_are_not_written(void **state)
{
    (void)state;
    char out[1000];
    assert_int_equal(log_line(true, LOG_DEBUG, "x", out, sizeof out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_carry_kind_and_wrapped_message),
        cmocka_unit_test(a_long_message_is_cut),
        cmocka_unit_test(virtual_time_moves_only_when_told),
        cmocka_unit_test(virtual_time_never_goes_back),
        cmocka_unit_test(accelerated_time_is_real_time_times_speed),
        cmocka_unit_test(a_steady_clock_follows_forward_at_once_and_back_at_half_speed),
        cmocka_unit_test(paced_time_stands_still_where_it_may_not_go_on),
        cmocka_unit_test(paced_time_does_not_race_after_a_stall),
        cmocka_unit_test(real_time_is_after_the_year_2020),
        cmocka_unit_test(the_same_seed_gives_the_same_numbers),
        cmocka_unit_test(draws_stay_in_bounds_and_near_their_means),
        cmocka_unit_test(a_table_allows_its_edges_only),
        cmocka_unit_test(a_log_line_is_one_json_object),
        cmocka_unit_test(a_text_line_cannot_be_forged_by_a_name),
        cmocka_unit_test(lines_below_the_level_are_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
