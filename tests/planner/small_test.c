#include "planner/small.h"

#include "base/check.h"
#include "base/rng.h"
#include "tests/cm.h"

// Values at and about the ends that a small vector can tell apart.
static struct res random_res(struct rng *r)
{
    static const int64_t ends[] = {INT64_MIN, -1, 0, 1, 2, 1024, SMALL_MAX - 1, SMALL_MAX, (int64_t)SMALL_MAX + 1, INT64_MAX};
    struct res x;
    for (int k = 0; k < RES_COUNT; k++)
        x.v[k] = ends[rng_below(r, ARRAY_LEN(ends))];
    return x;
}

static void fits_where_the_whole_vector_fits(void **state)
{
    (void)state;
    struct rng r;
    int yes = 0, cut = 0;
    rng_init(&r, 1);
    for (int n = 0; n < 200000; n++) {
        struct res need = random_res(&r), room = random_res(&r);
        bool fits = res_fits(need, room), small = small_fits(small_of(need), small_of(room));
        if (small_exact(small_of(need)))
            assert_int_equal(small, fits);
        assert_true(small || !fits);
        yes += fits;
        cut += small && !fits;
    }
    assert_true(yes > 1000);
    assert_true(cut > 1000);  // the words of small_exact are worth something
}

static void the_larger_of_two_is_by_component(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 2);
    for (int n = 0; n < 100000; n++) {
        struct res a = random_res(&r), b = random_res(&r);
        assert_true(small_eq(small_max(small_of(a), small_of(b)), small_of(res_max(a, b))));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fits_where_the_whole_vector_fits), cmocka_unit_test(the_larger_of_two_is_by_component)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
