// Vector packing: every packing is one, small ones are the best there is, and no bound is above them.
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "planner/vector_pack.h"
#include "tests/cm.h"

enum { SMALL_MAX = 7, ROUNDS = 200 };

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

static struct res sum_of(const struct res *items, size_t n)
{
    struct res sum = {0};
    for (size_t i = 0; i < n; i++)
        sum = res_add(sum, items[i]);
    return sum;
}

// Each item once; no bin holds more than it has room for; what is unpacked is in no type.
static void check(const struct vector_packing *p, const struct vector_type *types, size_t type_count, const struct res *items, size_t n)
{
    int *seen = arena_array(&arena, int, n + 1);
    int64_t price = 0;
    for (size_t b = 0; b < p->bin_count; b++) {
        const struct vector_bin *x = &p->bins[b];
        struct res load = {0};
        assert_true(x->count > 0);
        for (size_t i = 0; i < x->count; i++) {
            seen[x->items[i]]++;
            load = res_add(load, items[x->items[i]]);
        }
        assert_true(res_eq(load, x->load));
        assert_true(res_fits(load, types[x->type].room));
        price += types[x->type].price;
    }
    assert_int_equal(price, p->price);
    for (size_t i = 0; i < p->unpacked_count; i++) {
        seen[p->unpacked[i]]++;
        for (size_t j = 0; j < type_count; j++)
            assert_false(res_fits(items[p->unpacked[i]], types[j].room));
    }
    for (size_t i = 0; i < n; i++)
        assert_int_equal(seen[i], 1);
}

// The least price by trying every partition: the item i joins each set there is, or begins one.
static int64_t brute(const struct vector_type *types, size_t type_count, const struct res *items, size_t n, size_t i, struct res *sets, size_t set_count)
{
    if (i == n) {
        int64_t price = 0;
        for (size_t s = 0; s < set_count; s++) {
            int64_t least = INT32_MAX;
            for (size_t j = 0; j < type_count; j++)
                if (res_fits(sets[s], types[j].room) && types[j].price < least)
                    least = types[j].price;
            price += least;
        }
        return price;
    }
    int64_t best = INT64_MAX;
    for (size_t s = 0; s <= set_count; s++) {
        struct res old = sets[s];
        sets[s] = s == set_count ? items[i] : res_add(old, items[i]);
        int64_t price = brute(types, type_count, items, n, i + 1, sets, set_count + (s == set_count));
        best = price < best ? price : best;
        sets[s] = old;
    }
    return best;
}

static struct vector_type random_type(struct rng *r)
{
    struct vector_type t = {.room = res_make(rng_between(r, 4, 12), rng_between(r, 4, 12))};
    t.price = rng_between(r, 3, 12);
    return t;
}

static void small_packings_are_the_best_there_is(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 11);
    int64_t ours = 0, best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct vector_type types[3];
        struct res items[SMALL_MAX], sets[SMALL_MAX + 1] = {0};
        size_t type_count = (size_t)rng_between(&r, 1, 3), n = (size_t)rng_between(&r, 1, SMALL_MAX);
        for (size_t j = 0; j < type_count; j++)
            types[j] = random_type(&r);
        for (size_t i = 0; i < n; i++)
            items[i] = res_make(rng_between(&r, 0, 4), rng_between(&r, 0, 4));
        struct vector_packing p = vector_pack(&arena, types, type_count, items, n, 20000);
        check(&p, types, type_count, items, n);
        int64_t least = brute(types, type_count, items, n, 0, sets, 0);
        assert_true(p.price >= least);
        assert_true(vector_bound(&arena, types, type_count, sum_of(items, n), NULL) <= (double)least + 1e-6);
        if (type_count == 1)
            assert_true(vector_bound_equal(&arena, types[0].room, items, n) * types[0].price <= least);
        ours += p.price;
        best += least;
    }
    assert_true((double)ours <= 1.003 * (double)best);
}

static void large_packings_hold_and_more_effort_is_never_dearer(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 12);
    for (int round = 0; round < 5; round++) {
        struct vector_type types[6];
        struct res items[150];
        for (int j = 0; j < 6; j++) {
            int64_t cpu = 2048 << rng_below(&r, 4), ratio = 2 << rng_below(&r, 3);
            types[j] = (struct vector_type){.room = res_make(cpu, cpu * ratio), .price = cpu * (20 + ratio * 3) / 100};
        }
        for (int i = 0; i < 150; i++)
            items[i] = res_make(rng_between(&r, 0, 4000), rng_between(&r, 1, 20000));
        struct vector_packing plain = vector_pack(&arena, types, 6, items, 150, 0), p = vector_pack(&arena, types, 6, items, 150, 60000);
        struct vector_packing again = vector_pack(&arena, types, 6, items, 150, 60000);
        check(&plain, types, 6, items, 150);
        check(&p, types, 6, items, 150);
        assert_true(p.price < plain.price);
        assert_int_equal(again.price, p.price);
        assert_int_equal(again.bin_count, p.bin_count);
        for (size_t b = 0; b < p.bin_count; b++)
            assert_memory_equal(again.bins[b].items, p.bins[b].items, p.bins[b].count * sizeof *p.bins[b].items);
        if (p.unpacked_count == 0)
            assert_true((double)p.price >= vector_bound(&arena, types, 6, sum_of(items, 150), NULL) - 1e-6);
    }
}

// Thirds made of three parts that fill a bin in every resource: the heuristics waste, the search finds nearly all.
static void whole_bins_cut_in_three_are_found_again(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 13);
    struct vector_type t = {.room = res_make(100, 100), .price = 1};
    struct res items[60];
    for (int i = 0; i < 60; i += 3) {
        items[i] = res_make(rng_between(&r, 20, 40), rng_between(&r, 20, 40));
        items[i + 1] = res_make(rng_between(&r, 20, 40), rng_between(&r, 20, 40));
        items[i + 2] = res_sub(t.room, res_add(items[i], items[i + 1]));
    }
    struct vector_packing plain = vector_pack(&arena, &t, 1, items, 60, 0), p = vector_pack(&arena, &t, 1, items, 60, VECTOR_EFFORT);
    check(&p, &t, 1, items, 60);
    assert_int_equal(vector_bound_equal(&arena, t.room, items, 60), 20);
    assert_true(p.bin_count < plain.bin_count);
    assert_true(p.bin_count <= 21);
}

static void what_no_type_holds_is_said_and_the_rest_is_packed(void **state)
{
    (void)state;
    struct vector_type types[] = {{.room = res_make(10, 10), .price = 5}, {.room = res_make(4, 40), .price = 6}};
    struct res items[] = {res_make(11, 1), res_make(5, 5), res_make(5, 20), res_make(0, 0), res_make(5, 5)};
    struct vector_packing p = vector_pack(&arena, types, 2, items, 5, 1000);
    check(&p, types, 2, items, 5);
    assert_int_equal(p.unpacked_count, 2);
    assert_int_equal(p.price, 5);
    struct vector_packing none = vector_pack(&arena, types, 2, items, 0, 1000), no_types = vector_pack(&arena, types, 0, items, 5, 1000);
    assert_int_equal(none.bin_count, 0);
    assert_int_equal(no_types.unpacked_count, 5);
}

// By hand: 30 CPU at 2 and 10 memory at 1 a unit: a type of each kind, and one of both that is cheaper than the two.
static void the_bound_is_the_linear_programs(void **state)
{
    (void)state;
    struct vector_type types[] = {{.room = res_make(10, 0), .price = 20}, {.room = res_make(0, 10), .price = 10}, {.room = res_make(10, 10), .price = 25}};
    double value[RES_COUNT];
    assert_float_equal((float)vector_bound(&arena, types, 2, res_make(30, 10), value), 70, 1e-4);
    assert_float_equal((float)value[RES_CPU], 2, 1e-5);
    assert_float_equal((float)value[RES_MEMORY], 1, 1e-5);
    assert_float_equal((float)vector_bound(&arena, types, 3, res_make(30, 10), value), 65, 1e-4);
    assert_float_equal((float)value[RES_CPU], 2, 1e-5);
    assert_float_equal((float)value[RES_MEMORY], 0.5, 1e-5);
    assert_true(isinf(vector_bound(&arena, types, 1, res_make(30, 10), value)));
    assert_float_equal((float)vector_bound(&arena, types, 0, res_make(0, 0), value), 0, 0);
    struct res big[] = {res_make(6, 1), res_make(6, 1), res_make(6, 1), res_make(1, 1)};
    assert_int_equal(vector_bound_equal(&arena, res_make(10, 10), big, 4), 3);  // three that exclude each other; by sums 2
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_packings_are_the_best_there_is),
        cmocka_unit_test(large_packings_hold_and_more_effort_is_never_dearer),
        cmocka_unit_test(whole_bins_cut_in_three_are_found_again),
        cmocka_unit_test(what_no_type_holds_is_said_and_the_rest_is_packed),
        cmocka_unit_test(the_bound_is_the_linear_programs),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
