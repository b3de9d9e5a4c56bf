#include "base/buf.h"

#include "tests/cm.h"

static void building_keeps_a_nul_behind_the_last_byte(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    assert_string_equal(buf_str(&b), "");
    buf_add_str(&b, "a=");
    buf_printf(&b, "%d", 12);
    buf_add_char(&b, ';');
    buf_add_slice(&b, SLICE_LIT("end"));
    assert_string_equal(buf_str(&b), "a=12;end");
    assert_int_equal(b.len, 8);
    buf_clear(&b);
    assert_string_equal(buf_str(&b), "");
    buf_release(&b);
    buf_release(NULL);
}

static void passing_the_maximum_fails_and_drops_the_rest(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 8);
    buf_add_str(&b, "12345678");
    assert_false(buf_failed(&b));
    buf_add_char(&b, '9');
    assert_true(buf_failed(&b));
    buf_printf(&b, "x");
    assert_string_equal(buf_str(&b), "12345678");
    buf_clear(&b);
    assert_false(buf_failed(&b));
    buf_printf(&b, "%d", 123456789);
    assert_true(buf_failed(&b));
    buf_release(&b);
}

static void cut_always_progresses(void **state)
{
    (void)state;
    struct slice s = SLICE_LIT("a,,b");
    assert_true(slice_eq_str(slice_cut(&s, ','), "a"));
    assert_true(slice_eq_str(slice_cut(&s, ','), ""));
    assert_true(slice_eq_str(slice_cut(&s, ','), "b"));
    assert_int_equal(s.len, 0);
    assert_int_equal(slice_cut(&s, ',').len, 0);
}

static void slices_compare_and_trim(void **state)
{
    (void)state;
    assert_true(slice_eq_nocase(SLICE_LIT("Content-Type"), SLICE_LIT("content-type")));
    assert_false(slice_eq_nocase(SLICE_LIT("a"), SLICE_LIT("ab")));
    assert_false(slice_eq(SLICE_LIT("a"), SLICE_LIT("A")));
    assert_true(slice_eq((struct slice){NULL, 0}, SLICE_LIT("")));
    assert_true(slice_starts(SLICE_LIT("http://x"), "http://"));
    assert_false(slice_starts(SLICE_LIT("ht"), "http"));
    assert_true(slice_eq_str(slice_trim(SLICE_LIT(" \t a b\r\n")), "a b"));
    assert_int_equal(slice_trim(SLICE_LIT(" \n")).len, 0);
}

static void uri_encoding_keeps_only_unreserved_bytes(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    buf_add_uri(&b, SLICE_LIT("aZ0-_.~ /+\xe1\x88\xb4"));
    assert_string_equal(buf_str(&b), "aZ0-_.~%20%2F%2B%E1%88%B4");
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(building_keeps_a_nul_behind_the_last_byte),
        cmocka_unit_test(passing_the_maximum_fails_and_drops_the_rest),
        cmocka_unit_test(cut_always_progresses),
        cmocka_unit_test(slices_compare_and_trim),
        cmocka_unit_test(uri_encoding_keeps_only_unreserved_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
