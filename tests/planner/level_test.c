// The level rule and the bank it asks: against the definitions written again here, and on series whose truth is known.
#include <math.h>

#include "base/check.h"
#include "base/rng.h"
#include "planner/forecast/bank_parts.h"
#include "planner/forecast/level.h"
#include "planner/sim/bound.h"
#include "tests/cm.h"

enum { DAY = 2880, BOOT_S = 120, PER = 8 };

static struct arena arena;
static const struct level_rule RULE = {.lambda = 10, .phi = 0.3, .per_instance = PER, .boot_s = BOOT_S, .most = 1000, .memory = 2};

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

// ---- a bank whose distributions are given --------------------------------------------------------------------------------------

// Errors are spread evenly over -1 … 1 units of scale in every target.
static struct bank *even_bank(const double m[BANK_TARGETS], const double s[BANK_TARGETS])
{
    struct bank *b = bank_new(&arena, 30, BOOT_S);
    double scratch[2000];
    b->fitted = true;
    for (int i = 0; i < BANK_TARGETS; i++) {
        for (int k = 0; k < 2000; k++)
            bank_table_add(&b->target[i], 3 * DAY, -1 + 2 * (double)k / 1999, s[i]);
        bank_table_make(&b->target[i], 3 * DAY, scratch);
        b->target[i].m = m[i];
        b->target[i].s = s[i];
    }
    return b;
}

// decision.md section 3, as it stands there.
static int direct_up(const struct level_rule *r, const struct bank *b, double y, int n)
{
    const double dur[BANK_LEADS] = {30, 60, 180, 480};
    int k = n;
    for (;; k++) {
        double p[BANK_LEADS], sum = 0;
        bool earns = false;
        for (int i = 0; i < BANK_LEADS; i++) {
            p[i] = bank_survivor(b, i, r->per_instance * (k + 1 - 1) + 0.5 - y);
            sum += (r->lambda * p[i] - 1) * dur[i];
            earns |= sum >= r->boot_s;
        }
        if (!(r->lambda * p[0] >= 1 && earns))
            return k;
    }
}

static int direct_keep(const struct level_rule *r, const struct bank *b, double y, int from)
{
    const double w[BANK_WINDOWS] = {60, 180, 420, 900}, back = r->boot_s * (1 + r->lambda * r->phi);
    int k = from;
    for (;; k++) {
        bool keep = false;
        for (int i = 0; i < BANK_WINDOWS; i++) {
            double p = bank_survivor(b, BANK_LEADS + i, r->per_instance * (k + 1 - 1) + 0.5 - y);
            keep |= p * back >= w[i] * (1 - p / 2);
        }
        if (!keep)
            return k;
    }
}

static void test_it_decides_as_its_definition_does(void **state)
{
    (void)state;
    struct rng rng;
    int started = 0, kept = 0;
    rng_init(&rng, 5);
    for (int round = 0; round < 300; round++) {
        double m[BANK_TARGETS], s[BANK_TARGETS], y = (double)rng_below(&rng, 400);
        for (int i = 0; i < BANK_TARGETS; i++) {
            m[i] = 60 * rng_double(&rng) - 20;
            s[i] = 0.2 + 40 * rng_double(&rng);
        }
        arena_reset(&arena);
        struct bank *b = even_bank(m, s);
        struct level_rule rule = RULE;
        struct level_memory memory = {0};
        rule.lambda = 1 + 60 * rng_double(&rng);
        struct level_answer a = level_decide(&rule, b, y, &memory);
        assert_int_equal(a.now, (int)ceil(y / PER));
        assert_int_equal(a.up, direct_up(&rule, b, y, a.now));
        assert_int_equal(a.keep, direct_keep(&rule, b, y, a.up));
        started += a.up > a.now;
        kept += a.keep > a.up;
    }
    assert_true(started > 50 && kept > 50);
}

static void test_a_dearer_wait_never_has_fewer(void **state)
{
    (void)state;
    const double m[BANK_TARGETS] = {5, 6, 9, 12, 2, 5, 8, 12}, s[BANK_TARGETS] = {10, 12, 15, 20, 5, 8, 12, 20};
    struct bank *b = even_bank(m, s);
    struct level_answer before = {0};
    for (double lambda = 1; lambda < 5000; lambda *= 1.5) {
        struct level_rule rule = RULE;
        struct level_memory memory = {0};
        rule.lambda = lambda;
        struct level_answer a = level_decide(&rule, b, 100, &memory);
        assert_true(a.up >= before.up && a.keep >= before.keep && a.keep >= a.up && a.up >= a.now);
        before = a;
    }
    assert_true(before.up > 13);
}

static void test_what_was_wanted_a_minute_ago_is_not_released(void **state)
{
    (void)state;
    const double high[BANK_TARGETS] = {40, 40, 40, 40, 0, 0, 0, 0}, low[BANK_TARGETS] = {-50, -50, -50, -50, -50, -50, -50, -50}, s[BANK_TARGETS] = {1, 1, 1, 1, 1, 1, 1, 1};
    struct bank *b = even_bank(high, s), *c = even_bank(low, s);
    struct level_memory memory = {0};
    int up = level_decide(&RULE, b, 80, &memory).up;
    assert_true(up >= 15);
    assert_int_equal(level_decide(&RULE, c, 80, &memory).keep, up);
    assert_int_equal(level_decide(&RULE, c, 80, &memory).keep, up);
    assert_true(level_decide(&RULE, c, 80, &memory).keep < up);
}

static void test_never_above_the_most(void **state)
{
    (void)state;
    const double m[BANK_TARGETS] = {1e6, 1e6, 1e6, 1e6, 1e6, 1e6, 1e6, 1e6}, s[BANK_TARGETS] = {1, 1, 1, 1, 1, 1, 1, 1};
    struct level_rule rule = RULE;
    struct level_memory memory = {0};
    rule.most = 20;
    struct level_answer a = level_decide(&rule, even_bank(m, s), 1e9, &memory);
    assert_true(a.now == 20 && a.up == 20 && a.keep == 20);
}

// ---- the bank on what is known ---------------------------------------------------------------------------------------------------

// 80 tasks, and 160 from 8:00 to 20:00.
static double square(size_t step)
{
    size_t of_day = step % DAY;
    return of_day >= DAY / 3 && of_day < 5 * DAY / 6 ? 160 : 80;
}

static void test_a_jump_of_every_day_is_seen_a_boot_ahead(void **state)
{
    (void)state;
    struct bank *b = bank_new(&arena, 30, BOOT_S);
    size_t at = 0, end = 9 * DAY + DAY / 3 - 4;  // two minutes before a jump
    assert_false(bank_ready(b));
    for (; at <= end; at++) {
        bank_push(b, square(at));
        if (at == end - 60)
            assert_true(bank_survivor(b, 0, 40) < 0.05);
    }
    assert_true(bank_ready(b));
    assert_true(bank_survivor(b, 0, 40) > 0.9);
    assert_true(bank_survivor(b, 0, 81) < 0.1);
    struct level_memory memory = {0};
    assert_true(level_decide(&RULE, b, square(end), &memory).up >= 15);
}

enum { CHANGED = 9, LAST = 18 };

// How likely the morning's jump is, as of a step before each hour of each day. Demand follows a clock that went forward by an hour on day CHANGED (or
// UTC, though the bank is told of it).
static void jump_likely(bool told, bool follows, double ret[LAST][24])
{
    enum { STEP_S = 1800, COARSE = 86400 / STEP_S, FINE = DAY / COARSE };
    struct bank *b = bank_new(&arena, STEP_S, BOOT_S);
    for (size_t at = 0; at + 1 < LAST * COARSE; at++) {
        if (told && at >= CHANGED * COARSE)
            bank_clock(b, at - CHANGED * COARSE, 3600);
        bank_push(b, square(FINE * (follows && at >= CHANGED * COARSE ? at + COARSE / 24 : at)));
        if ((at + 1) % (COARSE / 24) == 0)
            ret[(at + 1) / COARSE][(at + 1) % COARSE * 24 / COARSE] = bank_ready(b) ? bank_survivor(b, 0, 40) : 0;
    }
}

static void g5_for_seven_days_after_a_change_the_forecast_is_the_larger_of_both_phases(void **state)
{
    (void)state;
    static double local[LAST][24], utc[LAST][24], untold[LAST][24];
    jump_likely(true, true, local);
    jump_likely(true, false, utc);
    jump_likely(false, true, untold);
    assert_true(untold[CHANGED][7] < 0.1);  // the first morning comes an hour too early for it
    for (size_t day = CHANGED; day < CHANGED + 7; day++)
        assert_true(local[day][7] > 0.8 && utc[day][8] > 0.8 && local[day][5] < 0.1 && utc[day][5] < 0.1);
    assert_true(utc[CHANGED][7] > 0.8);
    assert_true(local[LAST - 1][7] > 0.8 && local[LAST - 1][8] < 0.1 && utc[LAST - 1][8] > 0.8 && utc[LAST - 1][7] < 0.1);  // over
}

static void g5_a_clock_may_go_back_or_skip_a_day(void **state)
{
    (void)state;
    struct bank *b = bank_new(&arena, 600, BOOT_S);
    for (size_t at = 0; at < 3 * 144; at++) {
        bank_clock(b, at < 288 ? 1 : at - 288, at < 144 ? 3600 : at < 288 ? -3600 : at % 2 ? 86400 : -86400);  // before any past, and a date line
        bank_push(b, square(20 * at));
        assert_true(!bank_ready(b) || bank_survivor(b, 0, 40) <= 1);
    }
    assert_int_equal(b->clock_by, 0);
}

static void test_what_is_kept_is_the_newest(void **state)
{
    (void)state;
    enum { STEP_S = 600, STEPS = 86400 / STEP_S };
    struct bank *b = bank_new(&arena, STEP_S, BOOT_S);
    size_t pushed = (BANK_KEPT_DAYS + 2) * STEPS + 17;
    for (size_t at = 0; at < pushed; at++)
        bank_push(b, (double)(at % 1000));
    assert_true(b->count >= (BANK_KEPT_DAYS - 1) * STEPS && b->pushed == pushed);
    for (size_t back = 1; back <= b->count; back++)
        assert_true(b->value[b->count - back] == (double)((pushed - back) % 1000));
    assert_true(fabs(b->sum[b->count] - b->sum[b->count - 2] - b->value[b->count - 1] - b->value[b->count - 2]) < 1e-6);
}

static void test_a_flat_series_wants_nothing_more(void **state)
{
    (void)state;
    struct bank *b = bank_new(&arena, 30, BOOT_S);
    struct level_memory memory = {0};
    for (size_t at = 0; at < 4 * DAY; at++)
        bank_push(b, 64);
    struct level_answer a = level_decide(&RULE, b, 64, &memory);
    assert_true(a.now == 8 && a.up == 8 && a.keep == 8);
    for (size_t at = 0; at < 2 * DAY; at++)
        bank_push(b, 0);
    a = level_decide(&RULE, b, 0, &memory);
    assert_true(a.now == 0 && a.up == 0);
}

static void test_survivors_fall_and_stay_within_one(void **state)
{
    (void)state;
    struct rng rng;
    struct bank *b = bank_new(&arena, 30, BOOT_S);
    rng_init(&rng, 3);
    for (size_t at = 0; at < 4 * DAY; at++)
        bank_push(b, fmax(0, 100 + 20 * rng_normal(&rng)));
    for (int i = 0; i < BANK_TARGETS; i++) {
        double before = 1;
        for (double x = -300; x < 300; x += 0.5) {
            double p = bank_survivor(b, i, x);
            assert_true(p >= 0 && p <= before);
            before = p;
        }
        assert_true(before < 0.001);
    }
}

// ---- the bound -------------------------------------------------------------------------------------------------------------------

static double brute(const int32_t *need, size_t n, size_t at, int32_t have, double step_s, double boot_s)
{
    double best = INFINITY;
    if (at == n)
        return 0;
    for (int32_t x = need[at]; x <= 3; x++) {
        double cost = x * step_s + (x > have ? (x - have) * boot_s : 0) + brute(need, n, at + 1, x, step_s, boot_s);
        best = fmin(best, cost);
    }
    return best;
}

static void test_the_bound_is_the_least_of_all_courses(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 11);
    for (int round = 0; round < 200; round++) {
        int32_t need[6];
        double boot_s = 5 + 60 * rng_double(&rng);
        for (int i = 0; i < 6; i++)
            need[i] = (int32_t)rng_below(&rng, 4);
        assert_true(fabs(bound_one_size(need, 6, 10, boot_s) - brute(need, 6, 0, 0, 10, boot_s)) < 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_decides_as_its_definition_does),
        cmocka_unit_test(test_a_dearer_wait_never_has_fewer),
        cmocka_unit_test(test_what_was_wanted_a_minute_ago_is_not_released),
        cmocka_unit_test(test_never_above_the_most),
        cmocka_unit_test(test_a_jump_of_every_day_is_seen_a_boot_ahead),
        cmocka_unit_test(g5_for_seven_days_after_a_change_the_forecast_is_the_larger_of_both_phases),
        cmocka_unit_test(g5_a_clock_may_go_back_or_skip_a_day),
        cmocka_unit_test(test_what_is_kept_is_the_newest),
        cmocka_unit_test(test_a_flat_series_wants_nothing_more),
        cmocka_unit_test(test_survivors_fall_and_stay_within_one),
        cmocka_unit_test(test_the_bound_is_the_least_of_all_courses),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
