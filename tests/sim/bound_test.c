// Clairvoyant bounds: against every way there is on small cases, and for what must hold on any.
#include "planner/sim/bound.h"

#include <math.h>

#include "base/rng.h"
#include "planner/sim/course.h"
#include "tests/sim/fixture.h"

enum { STEPS = 9, MOST = 4 };

// The cheapest way over all whole numbers of running instances in each step; a launch costs boot × the lowest price since it must have begun.
static double brute_levels(const struct bound_levels *b)
{
    double best[MOST + 1], next[MOST + 1];
    for (int x = 0; x <= MOST; x++)
        best[x] = b->free_start ? 0 : x == 0 ? 0 : INFINITY;
    double mean = 0;
    for (size_t i = 0; i < b->count; i++)
        mean += b->price[i] / (double)b->count;
    for (size_t i = 0; i < b->count; i++) {
        double boot = b->price[i];
        for (size_t k = i; k-- > 0 && (double)(i - k) < b->boot_s / b->step_s + 1;)
            boot = fmin(boot, b->price[k]);
        boot = i == 0 && b->free_start ? 0 : boot * b->boot_s;
        for (int to = 0; to <= MOST; to++) {
            next[to] = INFINITY;
            int missing = b->need[i] > to ? b->need[i] - to : 0;
            if (missing > 0 && b->waiting_price <= 0)
                continue;
            for (int from = 0; from <= MOST; from++)
                next[to] = fmin(next[to], best[from] + (to > from ? (to - from) * boot : 0) + to * b->price[i] * b->step_s +
                                              missing * b->waiting_price * mean * b->step_s);
        }
        memcpy(best, next, sizeof best);
    }
    double least = INFINITY;
    for (int x = 0; x <= MOST; x++)
        least = fmin(least, best[x]);
    return least;
}

static void levels_are_the_least_of_all_ways(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 1);
    for (int round = 0; round < 2000; round++) {
        int32_t need[STEPS];
        double price[STEPS];
        for (int i = 0; i < STEPS; i++) {
            need[i] = (int32_t)rng_below(&r, MOST + 1);
            price[i] = 1 + rng_double(&r);
        }
        struct bound_levels b = {.need = need, .price = price, .count = STEPS, .step_s = 60, .boot_s = 20 + 200 * rng_double(&r), .free_start = round % 2,
                                 .waiting_price = round % 3 == 0 ? 0 : 3 * rng_double(&r)};
        struct bound_point p;
        double mean = 0;
        for (int i = 0; i < STEPS; i++)
            mean += price[i] / STEPS;
        bound_levels(&b, &p);
        double all = p.cost + p.waited_s * b.waiting_price * mean, brute = brute_levels(&b);
        assert_true(fabs(all - brute) < 1e-6 * (1 + brute));
        assert_true(b.waiting_price > 0 || p.waited_s <= 0);
    }
}

static void at_one_price_levels_are_the_bound_of_one_size(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 2);
    for (int round = 0; round < 200; round++) {
        int32_t need[50];
        double price[50];
        for (int i = 0; i < 50; i++) {
            need[i] = (int32_t)rng_below(&r, 8);
            price[i] = 2;
        }
        struct bound_levels b = {.need = need, .price = price, .count = 50, .step_s = 60, .boot_s = 130};
        struct bound_point p;
        bound_levels(&b, &p);
        assert_true(fabs(p.cost - 2 * bound_one_size(need, 50, 60, 130)) < 1e-6);
    }
}

// Whole instances of two types, every way.
static double brute_mix(const struct bound_mix *b)
{
    enum { SIDE = MOST + 1 };
    double best[SIDE * SIDE], next[SIDE * SIDE];
    for (int x = 0; x < SIDE * SIDE; x++)
        best[x] = b->free_start || x == 0 ? 0 : INFINITY;
    for (size_t t = 0; t < b->count; t++) {
        double boot[2] = {INFINITY, INFINITY};
        for (int i = 0; i < 2; i++) {
            for (size_t k = t + 1; k-- > 0 && (double)(t - k) < b->boot_steps + 1;)
                boot[i] = fmin(boot[i], b->price[k * 2 + (size_t)i]);
            boot[i] = t == 0 && b->free_start ? 0 : boot[i] * b->boot_steps;
        }
        for (int to = 0; to < SIDE * SIDE; to++) {
            int n[2] = {to / SIDE, to % SIDE};
            next[to] = INFINITY;
            bool enough = true;
            for (int k = 0; k < BOUND_RESOURCES; k++)
                enough &= n[0] * b->capacity[k] + n[1] * b->capacity[BOUND_RESOURCES + k] >= b->demand[t * BOUND_RESOURCES + (size_t)k] - 1e-9;
            for (int from = 0; enough && from < SIDE * SIDE; from++) {
                double cost = best[from];
                for (int i = 0; i < 2; i++) {
                    int was = i == 0 ? from / SIDE : from % SIDE;
                    cost += n[i] * b->price[t * 2 + (size_t)i] + (n[i] > was ? (n[i] - was) * boot[i] : 0);
                }
                next[to] = fmin(next[to], cost);
            }
        }
        memcpy(best, next, sizeof best);
    }
    double least = INFINITY;
    for (int x = 0; x < SIDE * SIDE; x++)
        least = fmin(least, best[x]);
    return least;
}

static void a_mix_is_never_above_the_least_of_all_whole_ways(void **state)
{
    (void)state;
    struct rng r;
    struct arena a;
    double share = 0;
    arena_init(&a, 0);
    rng_init(&r, 3);
    for (int round = 0; round < 300; round++) {
        double demand[STEPS * BOUND_RESOURCES], price[STEPS * 2], capacity[2 * BOUND_RESOURCES] = {4, 8, 4, 16};
        for (int t = 0; t < STEPS; t++) {
            demand[t * 2] = 14 * rng_double(&r);
            demand[t * 2 + 1] = 40 * rng_double(&r);
            price[t * 2] = 1 + rng_double(&r);
            price[t * 2 + 1] = 1.2 + rng_double(&r);
        }
        struct bound_mix b = {.count = STEPS, .type_count = 2, .demand = demand, .capacity = capacity, .price = price, .boot_steps = 0.3 + 3 * rng_double(&r),
                              .free_start = round % 2};
        double bound = bound_mix(&b, 4000, &a, NULL), brute = brute_mix(&b);
        assert_true(bound <= brute * (1 + 1e-9));
        assert_true(bound_mix(&b, 1, &a, NULL) <= brute * (1 + 1e-9));  // however far it came
        share += bound / brute / 300;
        arena_reset(&a);
    }
    assert_true(share > 0.6);  // whole instances of so few cost more than parts of them
    arena_release(&a);
}

static void a_mix_of_one_type_is_the_bound_by_levels_but_for_rounding(void **state)
{
    (void)state;
    enum { N = 300 };
    struct rng r;
    struct arena a;
    arena_init(&a, 0);
    rng_init(&r, 4);
    int32_t *need = arena_array(&a, int32_t, N);
    double *price = arena_array(&a, double, N), *step_price = arena_array(&a, double, N), *demand = arena_array(&a, double, N * BOUND_RESOURCES);
    for (int i = 0; i < N; i++) {
        need[i] = i == 0 ? 20 : need[i - 1] + (int32_t)rng_between(&r, -2, 2);
        need[i] = need[i] < 0 ? 0 : need[i];
        price[i] = 1 + 0.3 * sin(i / 20.0);
        step_price[i] = 60 * price[i];
        demand[i * 2] = 4096.0 * need[i];
        demand[i * 2 + 1] = 100;
    }
    double capacity[BOUND_RESOURCES] = {4096, 7000};
    struct bound_levels b = {.need = need, .price = price, .count = N, .step_s = 60, .boot_s = 90, .free_start = true};
    struct bound_mix m = {.count = N, .type_count = 1, .demand = demand, .capacity = capacity, .price = step_price, .boot_steps = 1.5, .free_start = true};
    struct bound_point p;
    bound_levels(&b, &p);
    double mix = bound_mix(&m, 5000, &a, NULL);
    assert_true(mix <= p.cost * (1 + 1e-9));
    assert_true(mix > 0.995 * p.cost);
    arena_release(&a);
}

static void nothing_asked_costs_nothing(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    double demand[4] = {0}, price[2] = {1, 1}, capacity[2] = {1, 1};
    struct bound_mix m = {.count = 2, .type_count = 1, .demand = demand, .capacity = capacity, .price = price, .boot_steps = 1};
    assert_true(bound_mix(&m, 100, &a, NULL) <= 0);
    m.count = 0;
    assert_true(bound_mix(&m, 100, &a, NULL) <= 0);
    arena_release(&a);
}

static void the_course_of_a_scene_is_what_its_services_want(void **state)
{
    (void)state;
    struct arena a;
    struct scene s;
    struct course c;
    struct err err;
    arena_init(&a, 0);
    scene_default(&s, 80);
    s.for_ms = 3 * 3600000;
    s.warmup_ms = 3600000;
    assert_int_equal(course_read(&s, 1, &a, &c, &err), 0);
    assert_int_equal(c.minutes, 120);
    assert_int_equal(c.type_count, 3);
    for (size_t i = 0; i < c.minutes; i++) {
        assert_int_equal(c.need[i], 10);
        assert_true(c.least[i] * 3600 <= 170000 && c.least[i] > 0);
    }
    double bound = course_bound(&c, &a);
    assert_true(bound > 0.99 * 7200 * 10 * c.least[0] * 0.5 && bound < 7200 * 10 * 170000.0 / 3600);
    struct bound_point waits;
    course_levels(&c, 0.5, &waits);  // waiting is cheaper than running: nothing ever runs
    assert_true(waits.cost <= 0 && fabs(waits.waited_s - c.need_s) < 1);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_are_the_least_of_all_ways),
        cmocka_unit_test(at_one_price_levels_are_the_bound_of_one_size),
        cmocka_unit_test(a_mix_is_never_above_the_least_of_all_whole_ways),
        cmocka_unit_test(a_mix_of_one_type_is_the_bound_by_levels_but_for_rounding),
        cmocka_unit_test(nothing_asked_costs_nothing),
        cmocka_unit_test(the_course_of_a_scene_is_what_its_services_want),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
