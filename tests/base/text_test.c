#include "base/text.h"

#include "tests/cm.h"

__attribute__((format(printf, 2, 3))) static void same_as_printf(size_t max, const char *fmt, ...)
{
    char ours[300], theirs[300];
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    memset(ours, '#', sizeof ours);
    int n = text_vformat(ours, max, fmt, ap);
    assert_int_equal(n, vsnprintf(theirs, max, fmt, again));
    va_end(again);
    va_end(ap);
    if (max > 0)
        assert_string_equal(ours, theirs);
    assert_int_equal(ours[max], '#');  // nothing behind the limit
}

static void formats_as_printf_does(void **state)
{
    (void)state;
    const char *volatile none = NULL;  // the compiler must not see it
    same_as_printf(256, "%s", "no directive");
    same_as_printf(256, "%s of %d, %ld and %zu%% %c", "web", -7, -123456789012L, (size_t)99, 'x');
    same_as_printf(256, "%d %d %d", 0, INT32_MIN, INT32_MAX);
    same_as_printf(256, "%ld %ld %zu", INT64_MIN, INT64_MAX, SIZE_MAX);
    same_as_printf(256, "%s|%s", "", "end");
    same_as_printf(256, "%s then %s", "a", none);
}

static void leaves_other_directives_to_printf(void **state)
{
    (void)state;
    same_as_printf(256, "%d of %g", 3, 1.25);
    same_as_printf(256, "%s %.3s", "a", "abcdef");
    same_as_printf(256, "%s %5d|%-5d|%05d", "a", 7, 7, 7);
    same_as_printf(256, "%s %lu %lld %u %x", "a", 7UL, -7LL, 7U, 255U);
}

static void cuts_where_printf_cuts(void **state)
{
    (void)state;
    for (size_t max = 0; max < 20; max++)
        same_as_printf(max, "%s %d", "twelve bytes", 42);  // 15 bytes
}

static void a_text_tells_that_it_was_cut(void **state)
{
    (void)state;
    char out[8] = "#######";
    struct text t = {.out = out, .max = 4};
    text_put(&t, "abc");
    assert_false(t.cut);
    text_put_i64(&t, -15);
    assert_true(t.cut);
    assert_int_equal(t.n, 4);
    assert_memory_equal(out, "abc-###", 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_as_printf_does),
        cmocka_unit_test(leaves_other_directives_to_printf),
        cmocka_unit_test(cuts_where_printf_cuts),
        cmocka_unit_test(a_text_tells_that_it_was_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
