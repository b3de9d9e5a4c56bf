// Right size: what is advised, what is not, and what it says why.
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "planner/rightsize.h"
#include "tests/cm.h"

enum { STEP_MS = 300000, DAY = 288, WINDOW = 14 * DAY };

static struct arena arena;
static double used_cpu[WINDOW], used_memory[WINDOW], reserved_cpu[WINDOW], reserved_memory[WINDOW], running[WINDOW], largest[WINDOW];

static struct rightsize_ask plain(double cpu, double memory, double tasks)
{
    for (size_t k = 0; k < WINDOW; k++) {
        used_cpu[k] = cpu * tasks;
        used_memory[k] = memory * tasks;
        reserved_cpu[k] = 1024 * tasks;
        reserved_memory[k] = 2048 * tasks;
        running[k] = tasks;
        largest[k] = (double)NAN;
    }
    return (struct rightsize_ask){used_cpu, used_memory, reserved_cpu, reserved_memory, running, largest, WINDOW, STEP_MS, 1024, 2048, true};
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static void what_one_task_reserves_too_much_is_lowered_with_the_margin(void **state)
{
    (void)state;
    struct rightsize_ask ask = plain(200, 1000, 1);
    struct rightsize r = rightsize_of(&ask, &arena);
    assert_int_equal(r.samples, WINDOW);
    assert_int_equal(r.seen_ms, (int64_t)WINDOW * STEP_MS);
    assert_int_equal(r.cpu.kind, RIGHTSIZE_LOWER);
    assert_int_equal(r.cpu.suggested, 256);       // 230
    assert_int_equal(r.memory.suggested, 1152);   // 1,150
    assert_int_equal(r.cpu.above_permyriad, 0);
    assert_string_equal(r.fact, "p95 200 of 1024 CPU units, memory at most 1000 of 2048 MiB");
    assert_string_equal(r.verdict, "lower to 256 CPU units, 1152 MiB");
    // 824 units and 1,048 MiB of nobody's use, at $0.02 a vCPU-hour and $0.004 a GiB-hour
    assert_int_equal(rightsize_wasted_usd_micro(&r, 20000, 4000), 16094 + 4094);
}

static void memory_of_several_tasks_is_a_mean_and_not_lowered_by_it(void **state)
{
    (void)state;
    struct rightsize_ask ask = plain(200, 1000, 4);
    struct rightsize r = rightsize_of(&ask, &arena);
    assert_true(r.memory.mean_only);
    assert_int_equal(r.memory.kind, RIGHTSIZE_FITS);
    assert_int_equal(r.memory.suggested, 2048);
    assert_int_equal(r.cpu.suggested, 256);
    assert_string_equal(r.verdict, "lower to 256 CPU units");
    assert_non_null(strstr(r.fact, "mean of its tasks"));
}

static void memory_of_several_tasks_is_lowered_by_the_largest_where_that_is_known(void **state)
{
    (void)state;
    struct rightsize_ask ask = plain(200, 600, 4);
    for (size_t k = 0; k < WINDOW; k++)
        largest[k] = 900;
    largest[99] = 1000;
    struct rightsize r = rightsize_of(&ask, &arena);
    assert_false(r.memory.mean_only);
    assert_int_equal(r.memory.max, 1000);
    assert_int_equal(r.memory.p95, 900);
    assert_int_equal(r.memory.kind, RIGHTSIZE_LOWER);
    assert_int_equal(r.memory.suggested, 1152);  // 1,150; by the mean it were 704
    assert_true(r.memory.wasted == 4 * (2048 - 600));
    assert_string_equal(r.verdict, "lower to 256 CPU units, 1152 MiB");
    for (size_t k = 0; k < WINDOW / 20; k++)  // it was not told for a while
        largest[200 + k] = (double)NAN;
    assert_int_equal(rightsize_of(&ask, &arena).memory.kind, RIGHTSIZE_LOWER);
    for (size_t k = 0; k < WINDOW / 10; k++)
        largest[200 + k] = (double)NAN;
    r = rightsize_of(&ask, &arena);
    assert_true(r.memory.mean_only);
    assert_int_equal(r.memory.kind, RIGHTSIZE_FITS);
    largest[50] = 2400;  // and one that uses more than it reserves is raised whatever is known of the others
    assert_int_equal(rightsize_of(&ask, &arena).memory.kind, RIGHTSIZE_RAISE);
}

static void one_high_of_memory_in_two_weeks_counts(void **state)
{
    (void)state;
    struct rightsize_ask ask = plain(800, 500, 1);
    used_memory[77] = 2500;
    struct rightsize r = rightsize_of(&ask, &arena);
    assert_int_equal(r.memory.p99, 500);
    assert_int_equal(r.memory.kind, RIGHTSIZE_RAISE);
    assert_int_equal(r.memory.suggested, 2944);  // 2,875
    assert_string_equal(r.verdict, "raise to 2944 MiB");
}

static void spiky_use_of_cpu_is_sized_by_its_99th_percentile_and_says_what_is_above(void **state)
{
    (void)state;
    struct rightsize_ask ask = plain(40, 2000, 1);
    for (size_t k = 0; k < WINDOW; k += 50)  // 2 % of the time
        used_cpu[k] = 700;
    used_cpu[1] = used_cpu[2] = 4000;
    struct rightsize r = rightsize_of(&ask, &arena);
    assert_int_equal(r.cpu.p95, 40);
    assert_int_equal(r.cpu.p99, 700);
    assert_int_equal(r.cpu.suggested, 1024);  // 805; by the 95th percentile it were 128
    assert_int_equal(r.cpu.kind, RIGHTSIZE_FITS);
    assert_int_equal(r.cpu.above_permyriad, 4);  // 2 of 4,032
}

static void a_task_that_reserves_no_cpu_is_told_what_to_reserve(void **state)
{
    (void)state;
    struct rightsize_ask ask = plain(200, 1500, 2);
    ask.task_cpu_units = 0;
    for (size_t k = 0; k < WINDOW; k++)
        reserved_cpu[k] = 0;
    struct rightsize r = rightsize_of(&ask, &arena);
    assert_int_equal(r.cpu.kind, RIGHTSIZE_RAISE);
    assert_int_equal(r.cpu.suggested, 256);
    assert_true(r.cpu.wasted == 0);
    assert_non_null(strstr(r.fact, "no CPU reserved, p95 200 units used"));
}

static void use_beyond_what_is_reserved_is_no_waste_and_takes_none_away(void **state)
{
    (void)state;
    struct rightsize_ask ask = plain(1500, 1000, 1);
    for (size_t k = 0; k < WINDOW / 2; k++)
        used_cpu[k] = 24;
    struct rightsize r = rightsize_of(&ask, &arena);
    assert_true(r.cpu.wasted == 500);  // 1,000 in half of the time, 0 in the other
    assert_int_equal(r.cpu.suggested, 2048);
    assert_string_equal(r.verdict, "raise to 2048 CPU units");  // and of the memory, that could be lower, nothing while this is short
}

static void too_little_history_gives_words_and_no_advice(void **state)
{
    (void)state;
    struct rightsize_ask ask = plain(200, 1000, 1);
    ask.count = 2 * DAY;
    struct rightsize r = rightsize_of(&ask, &arena);
    assert_int_equal(r.cpu.kind, RIGHTSIZE_UNKNOWN);
    assert_int_equal(r.cpu.suggested, 0);
    assert_int_equal(r.cpu.p95, 200);  // what was seen is told
    assert_string_equal(r.fact, "48 of 168 h of use seen");
    assert_string_equal(r.verdict, "no advice");
    ask = plain(200, 1000, 1);
    for (size_t k = 0; k < WINDOW; k++)
        if (k % 5 != 0)
            used_memory[k] = NAN;
    r = rightsize_of(&ask, &arena);
    assert_int_equal(r.memory.kind, RIGHTSIZE_UNKNOWN);
    assert_string_equal(r.fact, "807 of 1000 samples of use seen");
}

static void what_is_not_measured_or_does_not_run_is_unknown_and_never_zero(void **state)
{
    (void)state;
    struct rightsize_ask ask = plain(NAN, NAN, 1);
    struct rightsize r = rightsize_of(&ask, &arena);
    assert_int_equal(r.samples, 0);
    assert_int_equal(r.cpu.kind, RIGHTSIZE_UNKNOWN);
    assert_true(r.cpu.wasted == 0);
    assert_string_equal(r.fact, "what it uses is not measured");
    ask = plain(200, 1000, 0);
    r = rightsize_of(&ask, &arena);
    assert_int_equal(r.samples, 0);
    ask = plain(200, 1000, 1);
    ask.shape_known = false;
    r = rightsize_of(&ask, &arena);
    assert_int_equal(r.memory.kind, RIGHTSIZE_UNKNOWN);
    assert_int_equal(r.memory.suggested, 0);
}

static void whatever_the_use_memory_is_never_advised_below_its_highest(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 7);
    for (int run = 0; run < 60; run++) {
        struct rightsize_ask ask = plain(100, 100, 1);
        double most = 0;
        ask.task_memory_mib = rng_between(&rng, 64, 8192);
        ask.task_cpu_units = rng_between(&rng, 0, 4096);
        for (size_t k = 0; k < WINDOW; k++) {
            running[k] = (double)rng_between(&rng, 0, run % 3 == 0 ? 5 : 1);
            used_memory[k] = running[k] * rng_exponential(&rng, 500);
            used_cpu[k] = running[k] * rng_exponential(&rng, 300);
            most = running[k] > 0 ? fmax(most, used_memory[k] / running[k]) : most;
        }
        struct rightsize r = rightsize_of(&ask, &arena);
        if (r.memory.kind == RIGHTSIZE_LOWER) {
            assert_false(r.memory.mean_only);
            assert_true((double)r.memory.suggested >= 1.15 * most);
            assert_true(r.memory.suggested < ask.task_memory_mib);
        }
        if (r.memory.kind == RIGHTSIZE_RAISE)
            assert_true((double)r.memory.suggested >= 1.15 * most);
        if (r.cpu.kind == RIGHTSIZE_LOWER)
            assert_true(r.cpu.suggested < ask.task_cpu_units && r.cpu.suggested >= r.cpu.p95 && r.cpu.above_permyriad <= 500);
        assert_true(r.cpu.p50 <= r.cpu.p95 && r.cpu.p95 <= r.cpu.p99 && r.cpu.p99 <= r.cpu.max);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_one_task_reserves_too_much_is_lowered_with_the_margin, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_of_several_tasks_is_a_mean_and_not_lowered_by_it, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_of_several_tasks_is_lowered_by_the_largest_where_that_is_known, setup, teardown),
        cmocka_unit_test_setup_teardown(one_high_of_memory_in_two_weeks_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(spiky_use_of_cpu_is_sized_by_its_99th_percentile_and_says_what_is_above, setup, teardown),
        cmocka_unit_test_setup_teardown(a_task_that_reserves_no_cpu_is_told_what_to_reserve, setup, teardown),
        cmocka_unit_test_setup_teardown(use_beyond_what_is_reserved_is_no_waste_and_takes_none_away, setup, teardown),
        cmocka_unit_test_setup_teardown(too_little_history_gives_words_and_no_advice, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_measured_or_does_not_run_is_unknown_and_never_zero, setup, teardown),
        cmocka_unit_test_setup_teardown(whatever_the_use_memory_is_never_advised_below_its_highest, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
