// The book of use: percentiles of an hour, and what is no measurement.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "scaler/metrics/book.h"

#define T0 INT64_C(1770000000000)
#define MIN INT64_C(60000)

static bool add(struct book *b, int minute, double cpu)
{
    return book_add(b, "web", T0 + minute * MIN, (struct book_use){cpu * 4, 100 * 4, 0}, 4);
}

static void the_percentile_is_of_one_task_over_an_hour(void **state)
{
    (void)state;
    struct book *b = book_new();
    struct book_entry e;
    for (int k = 0; k < 100; k++)
        assert_true(add(b, k, k));
    assert_true(book_read(b, "web", T0 + 99 * MIN, &e));
    assert_int_equal(e.samples, 60);
    assert_true(e.p95.cpu_units == 96);  // the 57th of 40 … 99
    assert_true(e.newest.cpu_units == 99 && e.p95.memory_mib == 100 && e.tasks == 4);
    assert_true(book_read(b, "web", T0 + 140 * MIN, &e));
    assert_int_equal(e.samples, 19);
    assert_false(book_read(b, "web", T0 + 155 * MIN, &e));
    assert_false(book_read(b, "api", T0 + 99 * MIN, &e));
    book_free(b);
}

static void few_minutes_are_no_percentile(void **state)
{
    (void)state;
    struct book *b = book_new();
    struct book_entry e;
    for (int k = 0; k < BOOK_SAMPLES_MIN - 1; k++)
        for (int again = 0; again < 3; again++)
            add(b, k, 7);
    assert_false(book_read(b, "web", T0 + 10 * MIN, &e));
    add(b, BOOK_SAMPLES_MIN, 7);
    assert_true(book_read(b, "web", T0 + 10 * MIN, &e));
    book_free(b);
}

static void g2_lies_are_no_measurement(void **state)
{
    (void)state;
    struct book *b = book_new();
    static const double bad[] = {-1, NAN, INFINITY, 1e12};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(book_add(b, "web", T0, (struct book_use){bad[i], 1, 0}, 1));
        assert_false(book_add(b, "web", T0, (struct book_use){1, bad[i], 0}, 1));
        assert_false(book_add(b, "web", T0, (struct book_use){1, 1, 0}, bad[i]));
    }
    assert_false(book_add(b, "web", T0, (struct book_use){1, 1, 0}, 0));
    assert_false(book_add(b, "", T0, (struct book_use){1, 1, 0}, 1));
    assert_int_equal(book_families(b), 0);
    book_free(b);
}

static void g2_a_jump_is_believed_the_third_time_in_a_row(void **state)
{
    (void)state;
    struct book *b = book_new();
    struct book_entry e;
    for (int k = 0; k < 10; k++)
        assert_true(add(b, k, 50));
    assert_false(add(b, 10, 5000));
    assert_true(add(b, 11, 60));   // it was a bad join
    assert_false(add(b, 12, 5000));
    assert_false(add(b, 13, 5000));
    assert_true(book_read(b, "web", T0 + 13 * MIN, &e) && e.p95.cpu_units == 60);
    assert_true(add(b, 14, 5000));
    assert_true(add(b, 15, 5000));
    assert_true(book_read(b, "web", T0 + 15 * MIN, &e) && e.p95.cpu_units == 5000);
    book_free(b);
}

static void families_of_which_nothing_is_seen_make_room(void **state)
{
    (void)state;
    struct book *b = book_new();
    char name[32];
    for (int k = 0; k < BOOK_FAMILIES_MAX; k++) {
        snprintf(name, sizeof name, "f%d", k);
        assert_true(book_add(b, name, T0, (struct book_use){1, 1, 0}, 1));
    }
    assert_false(book_add(b, "new", T0 + MIN, (struct book_use){1, 1, 0}, 1));
    assert_true(book_add(b, "f7", T0 + 30 * MIN, (struct book_use){1, 1, 0}, 1));
    assert_true(book_add(b, "new", T0 + 61 * MIN, (struct book_use){1, 1, 0}, 1));
    assert_int_equal(book_families(b), 2);
    book_free(b);
    book_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_percentile_is_of_one_task_over_an_hour),
        cmocka_unit_test(few_minutes_are_no_percentile),
        cmocka_unit_test(g2_lies_are_no_measurement),
        cmocka_unit_test(g2_a_jump_is_believed_the_third_time_in_a_row),
        cmocka_unit_test(families_of_which_nothing_is_seen_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
