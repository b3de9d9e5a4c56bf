#include "base/parse.h"

#include "tests/cm.h"

static void integers_are_strict(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "-", "+1", " 1", "1 ", "0x1", "1.0", "9223372036854775808", "-9223372036854775809", "1e3"};
    int64_t v = 77;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(parse_i64(slice_of(bad[i]), &v));
    assert_int_equal(v, 77);
    assert_true(parse_i64(SLICE_LIT("-9223372036854775808"), &v));
    assert_true(v == INT64_MIN);
    assert_true(parse_i64(SLICE_LIT("9223372036854775807"), &v));
    assert_true(v == INT64_MAX);
    uint64_t u = 0;
    assert_true(parse_u64(SLICE_LIT("18446744073709551615"), &u));
    assert_true(u == UINT64_MAX);
    assert_false(parse_u64(SLICE_LIT("18446744073709551616"), &u));
    assert_false(parse_u64(SLICE_LIT("-1"), &u));
}

static void doubles_are_finite_decimals(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "nan", "inf", "0x1p3", "1.", ".5", "1e", "1e+", " 1", "1,5", "1e999", "--1"};
    double d = 7;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(parse_double(slice_of(bad[i]), &d));
    assert_true(parse_double(SLICE_LIT("-12.5e-1"), &d));
    assert_true(d == -1.25);
    assert_true(parse_double(SLICE_LIT("7"), &d));
    assert_true(d == 7);
}

static void money_is_exact_to_the_millionth(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t micro;
    } good[] = {{"0.0816", 81600},       {"0.0816000000", 81600}, {"1", 1000000},          {"-0.5", -500000},
                {"0.0000004", 0},        {"0.0000005", 1},        {"0.00000049999999", 0}, {"123.456789", 123456789},
                {"9223372036854.775807", INT64_MAX}};
    static const char *const bad[] = {"", ".5", "5.", "1e3", "0,5", "$1", "--1", "-", "9223372036855", "9223372036854.775808"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t v = -1;
        assert_true(parse_decimal_micro(slice_of(good[i].text), &v));
        assert_int_equal(v, good[i].micro);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t v = -1;
        assert_false(parse_decimal_micro(slice_of(bad[i]), &v));
        assert_int_equal(v, -1);
    }
}

static void durations_need_a_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"90s", 90000}, {"15m", 900000}, {"24h", 86400000}, {"7d", 604800000}, {"500ms", 500}, {"0s", 0}};
    static const char *const bad[] = {"", "90", "s", "-1s", "1.5h", "1 h", "1w", "1h30m", "999999999999999999d"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t v = -1;
        assert_true(parse_duration_ms(slice_of(good[i].text), &v));
        assert_int_equal(v, good[i].ms);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t v = -1;
        assert_false(parse_duration_ms(slice_of(bad[i]), &v));
        assert_int_equal(v, -1);
    }
}

static void times_are_read_with_fraction_and_zone(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"1970-01-01T00:00:00Z", 0},
                {"2026-01-15T12:34:56Z", INT64_C(1768480496000)},
                {"2026-01-15T12:34:56.123Z", INT64_C(1768480496123)},
                {"2026-01-15T12:34:56.1Z", INT64_C(1768480496100)},
                {"2026-01-15T12:34:56.123456789Z", INT64_C(1768480496123)},
                {"2026-01-15T21:34:56+09:00", INT64_C(1768480496000)},
                {"2026-01-15T07:04:56-05:30", INT64_C(1768480496000)},
                {"2024-02-29T00:00:00Z", INT64_C(1709164800000)},
                {"1969-12-31T23:59:59.999Z", -1}};
    static const char *const bad[] = {
        "",
        "2026-01-15",
        "2026-01-15T12:34Z",
        "2026-01-15T12:34:56",
        "2026-01-15 12:34:56Z",
        "2026-13-15T12:34:56Z",
        "2026-02-29T12:34:56Z",
        "2026-01-32T12:34:56Z",
        "2026-01-00T12:34:56Z",
        "2026-01-15T24:00:00Z",
        "2026-01-15T12:34:60Z",
        "2026-01-15T12:34:56.Z",
        "2026-01-15T12:34:56.1234567890Z",
        "2026-01-15T12:34:56+0900",
        "2026-01-15T12:34:56Zx",
        "0000-01-01T00:00:00Z",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t v = 5;
        assert_true(parse_iso8601_ms(slice_of(good[i].text), &v));
        assert_int_equal(v, good[i].ms);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t v = 5;
        assert_false(parse_iso8601_ms(slice_of(bad[i]), &v));
        assert_int_equal(v, 5);
    }
}

static void times_are_written_as_they_are_read(void **state)
{
    (void)state;
    char out[32];
    assert_string_equal(format_iso8601(INT64_C(1768480496123), true, out), "2026-01-15T12:34:56.123Z");
    assert_string_equal(format_iso8601(INT64_C(1768480496123), false, out), "2026-01-15T12:34:56Z");
    assert_string_equal(format_iso8601(INT64_C(1768480496000), true, out), "2026-01-15T12:34:56Z");
    assert_string_equal(format_amz_date(INT64_C(1768480496000), out), "20260115T123456Z");
    assert_string_equal(format_http_date(INT64_C(1768480496000), out), "Thu, 15 Jan 2026 12:34:56 GMT");
    // Every 11 days and a bit over four centuries: leap rules and month ends.
    for (int64_t ms = 0; ms < INT64_C(400) * 366 * 86400000; ms += INT64_C(987654321)) {
        int64_t back = -1;
        assert_true(parse_iso8601_ms(slice_of(format_iso8601(ms, true, out)), &back));
        assert_int_equal(back, ms);
        assert_true(parse_http_date_ms(slice_of(format_http_date(ms, out)), &back));
        assert_int_equal(back, ms - ms % 1000);
    }
    assert_true(strlen(format_iso8601(INT64_MAX, true, out)) < 32);
    assert_true(strlen(format_iso8601(INT64_MIN, true, out)) < 32);
}

static void http_dates_are_strict(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "Thu, 15 Jan 2026 12:34:56", "Thu, 15 Foo 2026 12:34:56 GMT", "Thu 15 Jan 2026 12:34:56 GMT",
                                      "Xxx, 15 Jan 2026 12:34:56 GMT", "Thu, 32 Jan 2026 12:34:56 GMT"};
    int64_t v = 3;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(parse_http_date_ms(slice_of(bad[i]), &v));
    assert_int_equal(v, 3);
}

static void durations_read_well(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {{0, "0 ms"},           {500, "500 ms"},      {71000, "71 s"},          {119000, "119 s"},
                 {120000, "2 min"},     {1380000, "23 min"},  {3600000, "1 h"},         {5040000, "1 h 24 min"},
                 {172800000, "2 days"}, {-5000, "\u22125 s"}, {3599999, "1 h"}};
    char out[32];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(format_duration(cases[i].ms, out), cases[i].text);
    assert_true(strlen(format_duration(INT64_MIN, out)) < 32);
}

static void money_shows_the_digits_that_matter(void **state)
{
    (void)state;
    static const struct {
        int64_t micro;
        const char *text;
    } cases[] = {{0, "$0"},
                 {5230000, "$5.23"},
                 {184000, "$0.184"},
                 {91800, "$0.0918"},
                 {3716000000, "$3,720"},
                 {12000000, "$12.00"},
                 {102410000, "$102"},
                 {999600, "$1.00"},
                 {99996000, "$100"},
                 {-30000, "\u2212$0.0300"},
                 {18, "$0.000018"},
                 {INT64_C(1234567000000), "$1,230,000"}};
    char out[32];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(format_usd(cases[i].micro, out), cases[i].text);
    assert_true(strlen(format_usd(INT64_MIN, out)) < 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_strict),
        cmocka_unit_test(doubles_are_finite_decimals),
        cmocka_unit_test(money_is_exact_to_the_millionth),
        cmocka_unit_test(durations_need_a_unit),
        cmocka_unit_test(times_are_read_with_fraction_and_zone),
        cmocka_unit_test(times_are_written_as_they_are_read),
        cmocka_unit_test(http_dates_are_strict),
        cmocka_unit_test(durations_read_well),
        cmocka_unit_test(money_shows_the_digits_that_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
