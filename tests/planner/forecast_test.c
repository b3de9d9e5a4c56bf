// The forecast on series whose truth is known: what it must get right, what it must survive, and what it must not claim.
#include <math.h>

#include "base/check.h"
#include "base/rng.h"
#include "planner/forecast/forecast.h"
#include "planner/forecast/profile.h"
#include "planner/forecast/quantile.h"
#include "planner/forecast/regress.h"
#include "planner/forecast/smooth.h"
#include "tests/cm.h"

enum { SEASON = 288, STEP_MS = 300000, DAYS = 14, COUNT = DAYS * SEASON, LONGEST = 40 * SEASON };

static struct arena arena;
static double series[LONGEST];
static const struct forecast_spec SPEC = {.step_ms = STEP_MS, .horizon = SEASON, .later = SEASON, .quantile_count = 3, .quantile = {0.1, 0.5, 0.9}};

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

static struct forecast *fit(const double *value, size_t count)
{
    struct forecast *f = NULL;
    struct err err = {0};
    int rc = forecast_fit(&arena, &SPEC, value, count, &f, &err);
    if (rc)
        fail_msg("%s", err.msg);
    return f;
}

static double wave(size_t i)
{
    return 100 + 40 * sin(2 * M_PI * (double)(i % SEASON) / SEASON);
}

// ---- regression against answers known beforehand ---------------------------------------------------------------------------------

static double cell[400 * REGRESS_STRIDE], weight[400];
static uint8_t fold[400];

static struct regress_rows line_rows(double outlier)
{
    for (int i = 0; i < 400; i++) {
        double *row = cell + i * REGRESS_STRIDE, x = (double)i / 400;
        row[0] = 1;
        row[1] = x;
        row[2] = 3 + 2 * x + (i % 10 == 0 ? outlier : 0);
        fold[i] = (uint8_t)(i % 4);
    }
    return (struct regress_rows){.count = 400, .columns = 2, .x = cell, .fold = fold, .until = fold, .weight = weight};
}

static void test_absolute_deviations_find_the_line_under_a_tenth_of_outliers(void **state)
{
    (void)state;
    struct regress_rows r = line_rows(50);
    double prior[2] = {0}, coef[2] = {0};
    regress_absolute(&r, -1, prior, 1e-9, 40, coef);
    assert_true(fabs(coef[0] - 3) < 0.02 && fabs(coef[1] - 2) < 0.02);
    regress_absolute(&r, 0, prior, 1e-9, 40, coef);
    assert_true(fabs(coef[0] - 3) < 0.02 && fabs(coef[1] - 2) < 0.02);
}

static void test_a_part_is_judged_by_what_was_known_before_it(void **state)
{
    (void)state;
    static uint8_t until[400];
    struct regress_rows r = line_rows(0);
    double prior[2] = {0}, coef[2] = {0};
    for (int i = 0; i < 400; i++) {
        fold[i] = (uint8_t)(i / 80);
        until[i] = (uint8_t)((i + 10) / 80);  // ten rows of each come out in the next
        if (i >= 150)
            cell[i * REGRESS_STRIDE + 2] += 1000;
    }
    r.until = until;
    regress_absolute(&r, 2, prior, 1e-9, 40, coef);
    assert_true(fabs(coef[0] - 3) < 0.02 && fabs(coef[1] - 2) < 0.1);
    regress_absolute(&r, 0, prior, 1e-9, 40, coef);  // the first: by all that is after it
    assert_true(coef[0] + coef[1] > 900);
}

static void test_a_strong_prior_is_kept_and_a_weak_one_is_not(void **state)
{
    (void)state;
    struct regress_rows r = line_rows(0);
    double prior[2] = {0, -1}, coef[2] = {0};
    regress_absolute(&r, -1, prior, 1000, 10, coef);
    assert_true(fabs(coef[1] + 1) < 0.05);
    regress_absolute(&r, -1, prior, 1e-6, 30, coef);
    assert_true(fabs(coef[1] - 2) < 0.05);
}

static void test_the_quantile_has_its_share_of_rows_below(void **state)
{
    (void)state;
    struct rng rng;
    struct regress_rows r = line_rows(0);
    double prior[2] = {0}, coef[2] = {0};
    size_t below = 0;
    rng_init(&rng, 1);
    for (int i = 0; i < 400; i++)
        cell[i * REGRESS_STRIDE + 2] += rng_exponential(&rng, 1 + cell[i * REGRESS_STRIDE + 1]);
    regress_quantile(&r, 0.8, prior, 1e-9, 60, coef);
    for (int i = 0; i < 400; i++)
        below += cell[i * REGRESS_STRIDE + 2] <= regress_fitted(cell + i * REGRESS_STRIDE, coef, 2);
    assert_in_range(below, 312, 328);
}

static void test_a_scale_is_never_negative(void **state)
{
    (void)state;
    struct regress_rows r = line_rows(0);
    double coef[2];
    for (int i = 0; i < 400; i++)
        cell[i * REGRESS_STRIDE + 2] = 2 - cell[i * REGRESS_STRIDE + 1];  // falls with its column
    regress_scale(&r, 4, coef);
    assert_true(coef[0] >= 0 && coef[1] >= 0);
    assert_true(coef[0] > 1);
}

// ---- what the time of day was ----------------------------------------------------------------------------------------------------

static void test_the_profile_looks_at_earlier_days_and_weeks_at_the_same_time(void **state)
{
    (void)state;
    struct profile p;
    for (size_t i = 0; i < LONGEST; i++)
        series[i] = (double)(i / SEASON) * 10 + (double)(i % SEASON) / 1000;  // ten more each day
    profile_init(&p, &arena, series, LONGEST, SEASON, 7 * SEASON, 0);
    size_t at = 39 * SEASON + 100;
    assert_true(fabs(p.yesterday[at] - 380.1) < 0.01);
    assert_true(fabs(p.mean_days[at] - (380 + 370 + 360 + 350 + 340 + 330) / 6.0) < 0.2);
    assert_true(fabs(p.median[at] - 315) < 5.2);       // of days 25 to 38
    assert_true(p.high[at] > 365 && p.high[at] < 381);
    assert_true(fabs(p.week_median[at] - 180) < 0.2);  // of days 4, 11, 18, 25, 32
    assert_true(p.median[LONGEST + SEASON - 1] > p.median[at]);
    assert_true(fabs(profile_mean(&p, at, 12) - (390.0945)) < 0.001);
}

static void test_quantiles_of_a_sample(void **state)
{
    (void)state;
    double v[] = {5, 1, 4, 2, 3}, w[] = {5, 1, 4, 2, 3};
    quantile_sort(w, 5);
    for (double q = 0; q <= 1; q += 0.05) {
        assert_true(fabs(quantile_of_sorted(w, 5, q) - (1 + 4 * q)) < 1e-9);
        assert_true(fabs(quantile_select(v, 5, q) - (1 + 4 * q)) < 1e-9);
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_samples_of_any_kind_are_sorted(void **state)
{
    (void)state;
    struct rng g;
    rng_init(&g, 5);
    for (size_t n = 0; n < 400; n++)
        for (int kind = 0; kind < 5; kind++) {
            double v[400], expected[400];
            for (size_t i = 0; i < n; i++)
                v[i] = kind == 0 ? rng_normal(&g) : kind == 1 ? (double)rng_below(&g, 3) : kind == 2 ? (double)i : kind == 3 ? -(double)i : (double)(i < n / 2 ? i : n - i);
            memcpy(expected, v, sizeof v);
            qsort(expected, n, sizeof *v, ascending);
            quantile_sort(v, n);
            assert_memory_equal(v, expected, n * sizeof *v);
        }
}

static void test_smoothing_continues_level_trend_and_the_seasons_of_day_and_week(void **state)
{
    (void)state;
    struct smooth s;
    double sum = 0;
    smooth_init(&s, &arena, SEASON, 7 * SEASON, LONGEST, SEASON);
    for (size_t i = 0; i < 36 * SEASON; i++) {
        series[i] = (i / SEASON % 7 >= 5 ? 60 : wave(i)) + 0.01 * (double)i;
        sum += series[i] - (i >= SEASON ? series[i - SEASON] : 0);
        bool wild = i == 34 * SEASON + 7;
        smooth_push(&s, wild ? 1e9 : series[i], i % 50 != 3, sum / (double)(i < SEASON ? i + 1 : SEASON));
    }
    double off = 0, yesterday = 0;
    for (size_t h = 1; h <= SEASON; h++) {  // a working day after one
        double came = wave(h - 1) + 0.01 * (double)(36 * SEASON + h - 1);
        off += fabs(smooth_ahead(&s, 36 * SEASON - 1, h) - came) / SEASON;
        yesterday += fabs(series[36 * SEASON - SEASON + h - 1] - came) / SEASON;
    }
    assert_true(off < 12);
    assert_true(off < yesterday + 10);
}

// ---- what it must get right --------------------------------------------------------------------------------------------------

static void test_a_wave_is_continued(void **state)
{
    (void)state;
    double q[3];
    for (size_t i = 0; i < COUNT; i++)
        series[i] = wave(i);
    struct forecast *f = fit(series, COUNT);
    assert_string_equal(forecast_basis(f), "time of day");
    for (size_t h = 1; h <= SEASON; h++) {
        forecast_step(f, h, q);
        assert_true(fabs(q[1] - wave(COUNT + h - 1)) < 2);
    }
}

static void test_weekends_are_known_after_three_weeks(void **state)
{
    (void)state;
    double q[3], error[2] = {0};
    for (size_t i = 0; i < LONGEST; i++)
        series[i] = i / SEASON % 7 >= 5 ? 20 : wave(i);
    for (int k = 0; k < 2; k++) {
        size_t from = k ? 0 : 19 * SEASON, end = 33 * SEASON;  // the next day is a weekend, the last was not: 14 days and 33 of them
        struct forecast *f = fit(series + from, end - from);
        for (size_t h = 1; h <= SEASON; h++) {
            forecast_step(f, h, q);
            error[k] += fabs(q[1] - series[end + h - 1]) / SEASON;
        }
    }
    assert_true(error[1] < 20);
    assert_true(error[1] < error[0] / 4);
}

static void noise(uint64_t seed, size_t count)
{
    struct rng rng;
    rng_init(&rng, seed);
    for (size_t i = 0; i < count; i++)
        series[i] = fmax(0, wave(i) + (5 + 0.1 * wave(i)) * rng_normal(&rng));
}

static void test_nine_in_ten_values_come_below_the_nine_tenths_quantile(void **state)
{
    (void)state;
    size_t below90 = 0, below10 = 0, all = 0;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        double q[3];
        noise(seed, COUNT + SEASON);
        struct forecast *f = fit(series, COUNT);
        for (size_t h = 1; h <= SEASON; h++, all++) {
            forecast_step(f, h, q);
            below90 += series[COUNT + h - 1] <= q[2];
            below10 += series[COUNT + h - 1] <= q[0];
        }
    }
    assert_in_range(1000 * below90 / all, 870, 945);
    assert_in_range(1000 * below10 / all, 55, 130);
}

static void test_what_comes_each_hour_is_known_within_it(void **state)
{
    (void)state;
    struct rng rng;
    double q[3];
    rng_init(&rng, 12);
    for (size_t i = 0; i < COUNT + 12; i++)
        series[i] = (i % 12 < 2 ? 100 : 20) + 2 * rng_normal(&rng);
    for (size_t now = COUNT - 8; now <= COUNT; now += 4) {
        struct forecast *f = fit(series, now);
        for (size_t h = 1; h <= 12; h++) {
            forecast_step(f, h, q);
            assert_true(fabs(q[1] - series[now + h - 1]) < 12);
        }
    }
}

// Nothing for most of the time, then something: each value on its own.
static double covered(double share, uint64_t first_seed, double *ret_mean_high)
{
    size_t below = 0, all = 0;
    *ret_mean_high = 0;
    for (uint64_t seed = first_seed; seed < first_seed + 5; seed++) {
        struct rng rng;
        double q[3];
        rng_init(&rng, seed);
        for (size_t i = 0; i < COUNT + SEASON; i++)
            series[i] = rng_double(&rng) < share ? rng_exponential(&rng, 30) : 0;
        struct forecast *f = fit(series, COUNT);
        for (size_t h = 1; h <= SEASON; h++, all++) {
            forecast_step(f, h, q);
            below += series[COUNT + h - 1] <= q[2];
            *ret_mean_high += q[2];
        }
    }
    *ret_mean_high /= (double)all;
    return (double)below / (double)all;
}

static void test_sparse_and_bursty_series_are_covered_as_promised(void **state)
{
    (void)state;
    double high, bursty = covered(0.3, 21, &high);
    assert_true(bursty > 0.87 && bursty < 0.93);
    assert_true(high > 25 && high < 42);  // the quantile itself is 33
    double sparse = covered(0.04, 41, &high);
    assert_true(sparse > 0.94 && sparse < 0.98);  // nothing at all covers 0.96
    assert_true(high < 2);
}

static void test_a_level_that_shifted_is_followed(void **state)
{
    (void)state;
    double q[3];
    for (size_t i = 0; i < COUNT; i++)
        series[i] = wave(i) + (i >= COUNT - SEASON / 2 ? 200 : 0);
    struct forecast *f = fit(series, COUNT);
    forecast_step(f, 1, q);
    assert_true(q[1] > 240);
}

static void g5_days_are_counted_by_the_local_clock(void **state)
{
    (void)state;
    const double v[] = {0, 1, 2, 3, 4, 5, 6, 7};
    double w[12];
    assert_int_equal(forecast_local_days(v, 8, 5, 2, w), 10);
    assert_true(w[4] == 4 && isnan(w[5]) && isnan(w[6]) && w[7] == 5 && w[9] == 7);
    assert_int_equal(forecast_local_days(v, 8, 5, -2, w), 6);
    assert_true(w[2] == 2 && w[3] == 5 && w[4] == 6 && w[5] == 7);  // 3 and 4 came twice: as 5 and 6 too
    assert_int_equal(forecast_local_days((const double[]){0, 9, 2, 3}, 4, 3, -2, w), 2);
    assert_true(w[0] == 0 && w[1] == 9);
    assert_int_equal(forecast_local_days(v, 8, 1, -3, w), 7);
    assert_int_equal(forecast_local_days(v, 8, 8, 0, w), 8);
}

// ---- what it must survive ------------------------------------------------------------------------------------------------------

static void check_sane(const struct forecast *f, double most)
{
    double q[3];
    for (size_t h = 1; h <= SEASON; h++) {
        forecast_step(f, h, q);
        for (int i = 0; i < 3; i++)
            assert_true(isfinite(q[i]) && q[i] >= 0 && q[i] <= most);
        assert_true(q[0] <= q[1] && q[1] <= q[2]);
    }
}

static void test_constant_and_zero_series(void **state)
{
    (void)state;
    double q[3];
    for (size_t i = 0; i < COUNT; i++)
        series[i] = 0;
    check_sane(fit(series, COUNT), 1e-6);
    for (size_t i = 0; i < COUNT; i++)
        series[i] = 7;
    struct forecast *f = fit(series, COUNT);
    check_sane(f, 7.01);
    forecast_step(f, 100, q);
    assert_true(fabs(q[1] - 7) < 0.01);
}

static void test_a_forecast_of_what_was_never_negative_is_not(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 9);
    for (size_t i = 0; i < COUNT; i++)
        series[i] = rng_below(&rng, 6) ? 0 : 20 + 10 * rng_double(&rng);
    check_sane(fit(series, COUNT), 200);
    for (size_t i = 0; i < COUNT; i++)
        series[i] -= 25;
    double q[3];
    forecast_step(fit(series, COUNT), 5, q);
    assert_true(q[0] < 0);  // and what was is
}

static void test_gaps_do_not_read_as_nothing(void **state)
{
    (void)state;
    double q[3];
    noise(3, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        if (i % 7 == 3 || (i > COUNT - 60 && i < COUNT - 20) || i < 10)
            series[i] = NAN;
    struct forecast *f = fit(series, COUNT);
    check_sane(f, 1000);
    for (size_t h = 1; h <= SEASON; h += 20) {
        forecast_step(f, h, q);
        assert_true(fabs(q[1] - wave(COUNT + h - 1)) < 25);
    }
    assert_true(forecast_push(f, NAN));
    check_sane(f, 1000);
}

static void test_one_wild_value_does_not_move_the_next_day(void **state)
{
    (void)state;
    double q[3];
    for (size_t i = 0; i < COUNT; i++)
        series[i] = wave(i);
    series[COUNT - 2 * SEASON + 7] = 1e9;
    struct forecast *f = fit(series, COUNT);
    forecast_step(f, 7, q);
    assert_true(fabs(q[1] - wave(COUNT + 6)) < 25);
}

// ---- what it must not claim ----------------------------------------------------------------------------------------------------

static void test_less_than_a_day_is_no_forecast(void **state)
{
    (void)state;
    struct forecast *f;
    struct err err = {0};
    noise(4, COUNT);
    assert_int_equal(forecast_fit(&arena, &SPEC, series, SEASON - 1, &f, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "a day of them"));
    check_sane(fit(series, SEASON), 1000);
    assert_string_equal(forecast_basis(fit(series, SEASON + 50)), "level");
    check_sane(fit(series, 2 * SEASON), 1000);
    for (size_t i = 0; i < COUNT; i++)
        series[i] = i % 20 ? NAN : 1;  // 14 days with 202 values in them
    assert_int_equal(forecast_fit(&arena, &SPEC, series, COUNT, &f, &err), ERR_NOT_FOUND);
}

static void test_what_is_asked_for_is_checked(void **state)
{
    (void)state;
    struct forecast *f;
    struct forecast_spec s;
    struct err err = {0};
    noise(5, COUNT);
    const struct forecast_spec wrong[] = {
        {.step_ms = 7000, .horizon = 1, .quantile_count = 1, .quantile = {0.5}},
        {.step_ms = STEP_MS, .horizon = SEASON + 1, .quantile_count = 1, .quantile = {0.5}},
        {.step_ms = STEP_MS, .horizon = 1, .quantile_count = 0},
        {.step_ms = STEP_MS, .horizon = 1, .quantile_count = 2, .quantile = {0.9, 0.5}},
        {.step_ms = STEP_MS, .horizon = 1, .quantile_count = 1, .quantile = {NAN}},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        s = wrong[i];
        assert_int_equal(forecast_fit(&arena, &s, series, COUNT, &f, &err), ERR_INVALID);
    }
}

// ---- metamorphic ------------------------------------------------------------------------------------------------------------------

static void test_in_other_units_it_is_the_same_forecast(void **state)
{
    (void)state;
    double q[3], scaled[3];
    noise(6, COUNT);
    struct forecast *f = fit(series, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        series[i] *= 1024;
    struct forecast *g = fit(series, COUNT);
    for (size_t h = 1; h <= SEASON; h += 13) {
        forecast_step(f, h, q);
        forecast_step(g, h, scaled);
        for (int i = 0; i < 3; i++)
            assert_true(fabs(scaled[i] - 1024 * q[i]) <= 1e-6 * scaled[i] + 1e-6);
    }
}

static void test_what_was_pushed_is_what_was_fitted(void **state)
{
    (void)state;
    noise(7, COUNT + SEASON);
    struct profile whole, pushed;
    profile_init(&whole, &arena, series, COUNT + 50, SEASON, 0, 0);
    profile_init(&pushed, &arena, series, COUNT, SEASON, 0, 50);
    for (size_t i = 0; i < 50; i++)
        assert_true(profile_push(&pushed, series[COUNT + i]));
    assert_false(profile_push(&pushed, 1));
    for (size_t i = SEASON; i < COUNT + 50 + SEASON; i++) {
        assert_true(whole.median[i] == pushed.median[i] && whole.high[i] == pushed.high[i]);
        assert_true(whole.mean_days[i] == pushed.mean_days[i] && whole.yesterday[i] == pushed.yesterday[i]);
    }
    assert_true(profile_mean(&whole, COUNT + 49, 12) == profile_mean(&pushed, COUNT + 49, 12));
}

static void test_it_does_not_see_what_comes_later(void **state)
{
    (void)state;
    double q[3], again[3];
    noise(8, COUNT + SEASON);
    struct forecast *f = fit(series, COUNT);
    for (size_t i = COUNT; i < COUNT + SEASON; i++)
        series[i] = 1e6;
    struct forecast *g = fit(series, COUNT);
    for (size_t h = 1; h <= SEASON; h++) {
        forecast_step(f, h, q);
        forecast_step(g, h, again);
        assert_memory_equal(q, again, sizeof q);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absolute_deviations_find_the_line_under_a_tenth_of_outliers),
        cmocka_unit_test(test_a_part_is_judged_by_what_was_known_before_it),
        cmocka_unit_test(test_a_strong_prior_is_kept_and_a_weak_one_is_not),
        cmocka_unit_test(test_the_quantile_has_its_share_of_rows_below),
        cmocka_unit_test(test_a_scale_is_never_negative),
        cmocka_unit_test(test_the_profile_looks_at_earlier_days_and_weeks_at_the_same_time),
        cmocka_unit_test(test_quantiles_of_a_sample),
        cmocka_unit_test(test_samples_of_any_kind_are_sorted),
        cmocka_unit_test(test_smoothing_continues_level_trend_and_the_seasons_of_day_and_week),
        cmocka_unit_test(test_a_wave_is_continued),
        cmocka_unit_test(test_weekends_are_known_after_three_weeks),
        cmocka_unit_test(test_nine_in_ten_values_come_below_the_nine_tenths_quantile),
        cmocka_unit_test(test_what_comes_each_hour_is_known_within_it),
        cmocka_unit_test(test_sparse_and_bursty_series_are_covered_as_promised),
        cmocka_unit_test(test_a_level_that_shifted_is_followed),
        cmocka_unit_test(g5_days_are_counted_by_the_local_clock),
        cmocka_unit_test(test_constant_and_zero_series),
        cmocka_unit_test(test_a_forecast_of_what_was_never_negative_is_not),
        cmocka_unit_test(test_gaps_do_not_read_as_nothing),
        cmocka_unit_test(test_one_wild_value_does_not_move_the_next_day),
        cmocka_unit_test(test_less_than_a_day_is_no_forecast),
        cmocka_unit_test(test_what_is_asked_for_is_checked),
        cmocka_unit_test(test_in_other_units_it_is_the_same_forecast),
        cmocka_unit_test(test_what_was_pushed_is_what_was_fitted),
        cmocka_unit_test(test_it_does_not_see_what_comes_later),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
