// Limits ahead: dates by the trend of daily peaks.
#include <math.h>

#include "base/rng.h"
#include "planner/limit_ahead.h"
#include "tests/cm.h"

enum { DAYS = 90 };

static struct arena arena;

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

static struct limit_ahead of(const double *peak, size_t days, double limit)
{
    struct limit_ahead r;
    limit_ahead_of(peak, days, limit, &arena, &r);
    return r;
}

static void steady_growth_reaches_the_limit_on_its_day(void **state)
{
    (void)state;
    double peak[DAYS];
    for (int k = 0; k < DAYS; k++)
        peak[k] = 10 + 0.5 * k;  // 54.5 on the last day
    struct limit_ahead r = of(peak, DAYS, 60);
    assert_int_equal(r.days_known, DAYS);
    assert_true(fabs(r.a_day - 0.5) < 1e-9);
    assert_true(fabs(r.peak_7d - 54.5) < 1e-9);
    assert_int_equal(r.q50_day, 11);
    assert_int_equal(r.q90_day, 11);  // no noise, so no doubt
    assert_int_equal(of(peak, DAYS, 200).q90_day, LIMIT_NEVER);
    assert_int_equal(of(peak, DAYS, 54).q50_day, 0);
}

static void a_constant_series_never_reaches_what_is_above_it(void **state)
{
    (void)state;
    double peak[DAYS];
    for (int k = 0; k < DAYS; k++)
        peak[k] = 24;
    struct limit_ahead r = of(peak, DAYS, 24.5);
    assert_int_equal(r.q50_day, LIMIT_NEVER);
    assert_int_equal(r.q90_day, LIMIT_NEVER);
    assert_true(r.a_day == 0);
    r = of(peak, DAYS, 24);
    assert_int_equal(r.q50_day, 0);
}

static void quiet_weekends_and_one_wild_day_bend_no_trend(void **state)
{
    (void)state;
    double peak[DAYS];
    for (int k = 0; k < DAYS; k++)
        peak[k] = k % 7 >= 5 ? 10 : 30;
    peak[80] = 300;
    struct limit_ahead r = of(peak, DAYS, 40);
    assert_true(r.a_day == 0);
    assert_int_equal(r.q50_day, LIMIT_NEVER);
    assert_int_equal(r.q90_day, LIMIT_NEVER);
}

static void less_than_two_weeks_give_no_date_and_say_how_much_there_is(void **state)
{
    (void)state;
    double peak[DAYS];
    for (int k = 0; k < DAYS; k++)
        peak[k] = k < DAYS - 13 ? (double)NAN : 10.0 + k;
    struct limit_ahead r = of(peak, DAYS, 105);
    assert_int_equal(r.days_known, 13);
    assert_int_equal(r.q50_day, LIMIT_NEVER);
    assert_true(fabs(r.peak_7d - 99) < 1e-9);
    peak[DAYS - 14] = 10 + DAYS - 14;
    r = of(peak, DAYS, 105);
    assert_int_equal(r.days_known, 14);
    assert_int_equal(r.q50_day, 6);
    r = of(peak, 0, 105);
    assert_int_equal(r.days_known, 0);
    assert_true(isnan(r.peak_7d));
}

// Later or never is larger.
static int when(int day)
{
    return day == LIMIT_NEVER ? LIMIT_AHEAD_DAYS + 1 : day;
}

static void random_series(struct rng *rng, double *peak)
{
    double slope = rng_double(rng) - 0.4, weekend = rng_double(rng) * 20;
    for (int k = 0; k < DAYS; k++)
        peak[k] = rng_below(rng, 10) == 0 ? (double)NAN : 100 + slope * k - (k % 7 >= 5 ? weekend : 0) + 5 * rng_normal(rng);
}

static void more_growth_a_lower_limit_or_more_doubt_is_never_later(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 11);
    int reached = 0;
    for (int run = 0; run < 200; run++) {
        double peak[DAYS], more[DAYS], grow = rng_double(&rng);
        double limit = 100 + 60 * rng_double(&rng);
        random_series(&rng, peak);
        for (int k = 0; k < DAYS; k++)
            more[k] = peak[k] + grow * k;
        struct limit_ahead r = of(peak, DAYS, limit), m = of(more, DAYS, limit), l = of(peak, DAYS, limit - 5);
        assert_true(when(r.q90_day) <= when(r.q50_day));
        assert_true(when(m.q50_day) <= when(r.q50_day));
        assert_true(when(m.q90_day) <= when(r.q90_day));
        assert_true(when(l.q50_day) <= when(r.q50_day));
        assert_true(when(l.q90_day) <= when(r.q90_day));
        for (int d = 0; d <= LIMIT_AHEAD_DAYS; d++)
            assert_true(isfinite(r.q50[d]) && r.q90[d] >= r.q50[d]);
        reached += r.q50_day > 0;
    }
    assert_true(reached > 20);
}

// Not calibrated to the digit: it is a trend. But the true peak of a trend with noise stays below its 0.9 quantile about that often.
static void the_upper_quantile_is_above_what_comes_about_nine_times_of_ten(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 5);
    int below = 0, all = 0;
    for (int run = 0; run < 300; run++) {
        double peak[DAYS];
        for (int k = 0; k < DAYS; k++)
            peak[k] = 100 + 0.2 * k + 5 * rng_normal(&rng);
        struct limit_ahead r = of(peak, DAYS, 1e9);
        for (int d = 1; d <= 30; d++, all++)
            below += 100 + 0.2 * (DAYS - 1 + d) + 5 * rng_normal(&rng) <= r.q90[d];
    }
    assert_in_range(below * 100 / all, 86, 98);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(steady_growth_reaches_the_limit_on_its_day, setup, teardown),
        cmocka_unit_test_setup_teardown(a_constant_series_never_reaches_what_is_above_it, setup, teardown),
        cmocka_unit_test_setup_teardown(quiet_weekends_and_one_wild_day_bend_no_trend, setup, teardown),
        cmocka_unit_test_setup_teardown(less_than_two_weeks_give_no_date_and_say_how_much_there_is, setup, teardown),
        cmocka_unit_test_setup_teardown(more_growth_a_lower_limit_or_more_doubt_is_never_later, setup, teardown),
        cmocka_unit_test_setup_teardown(the_upper_quantile_is_above_what_comes_about_nine_times_of_ten, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
