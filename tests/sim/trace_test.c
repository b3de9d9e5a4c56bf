#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "planner/sim/workload.h"
#include "tests/cm.h"

// Every good form below is the same trace: these times, these values.
static const int64_t AT_S[] = {1767225600, 1767225900, 1767226200};
static const double VALUES[] = {5, 7.5, 6};

static void reads_as(struct slice text, const int64_t *at_s, const double *values, size_t count, size_t gaps)
{
    struct arena a;
    struct workload_trace t;
    struct err err;
    arena_init(&a, 0);
    if (workload_trace_parse(text, "t.csv", &a, &t, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(t.count, count);
    assert_int_equal(t.gaps, gaps);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(t.at_s[i], at_s[i]);
        assert_true(t.value[i] == values[i]);
    }
    arena_release(&a);
}

static void takes(const char *text)
{
    reads_as(slice_of(text), AT_S, VALUES, 3, 0);
}

static void refuses(const char *text, const char *message)
{
    struct arena a;
    struct workload_trace t;
    struct err err;
    arena_init(&a, 0);
    assert_int_equal(workload_trace_parse(slice_of(text), "t.csv", &a, &t, &err), ERR_CORRUPT);
    if (!strstr(err.msg, message))
        fail_msg("\"%s\" is not in: %s", message, err.msg);
    arena_release(&a);
}

static void the_plain_form_is_taken_with_and_without_a_last_newline(void **state)
{
    (void)state;
    takes("timestamp,value\n1767225600,5\n1767225900,7.5\n1767226200,6\n");
    takes("timestamp,value\n1767225600,5\n1767225900,7.5\n1767226200,6");
}

static void byte_order_mark_crlf_blank_lines_and_comments_do_not_matter(void **state)
{
    (void)state;
    takes("\xef\xbb\xbftimestamp,value\r\n1767225600,5\r\n\r\n# lunch\r\n1767225900,7.5\r\n1767226200,6\r\n\r\n\r\n");
    takes("# made by hand\n\n  # twice\n1767225600,5\n1767225900,7.5\n   \n1767226200,6\n");
}

static void a_header_is_optional(void **state)
{
    (void)state;
    takes("1767225600,5\n1767225900,7.5\n1767226200,6\n");
    takes("\xef\xbb\xbf" "1767225600,5\n1767225900,7.5\n1767226200,6\n");
}

static void semicolons_and_tabs_separate_too(void **state)
{
    (void)state;
    takes("time;value\n1767225600;5\n1767225900;7.5\n1767226200;6\n");
    takes("time\tvalue\n1767225600\t5\n1767225900\t7.5\n1767226200\t6\n");
    takes("\"cpu, all\";time\n5;1767225600\n7.5;1767225900\n6;1767226200\n");
    takes("\tds\ty\n0\t1767225600\t5\n1\t1767225900\t7.5\n2\t1767226200\t6\n");
}

static void fields_may_be_quoted_and_padded(void **state)
{
    (void)state;
    takes("\"timestamp\", \"value\"\n\"1767225600\",\"5\"\n \"1767225900\" , \"7.5\" \n1767226200 , 6\n");
    takes("host,ts,y\n\"a,\"\"b\"\"\",1767225600,5\n\"\",1767225900,7.5\n\"#c\",1767226200,6\n");
}

static void columns_are_found_by_name_wherever_they_stand(void **state)
{
    (void)state;
    takes("id,y,ds\n1,5,1767225600\n2,7.5,1767225900\n3,6,1767226200\n");
    takes("Region,CPU,Date\neu,5,1767225600\nus,7.5,1767225900\neu,6,1767226200\n");
    takes("id,timestamp,cpu,count\n9,1767225600,0,5\n9,1767225900,0,7.5\n9,1767226200,0,6\n");
}

static void columns_without_known_names_are_found_by_what_they_hold(void **state)
{
    (void)state;
    takes("when,where,orders\n1767225600,eu,5\n1767225900,us,7.5\n1767226200,eu,6\n");
    takes("orders,when\n5,2026-01-01T00:00:00Z\n7.5,2026-01-01T00:05:00Z\n6,2026-01-01T00:10:00Z\n");
    takes("eu,2026-01-01 00:00:00,5\nus,2026-01-01 00:05:00,7.5\nus,2026-01-01 00:10:00,6\n");
    takes("orders,value\n1767225600,5\n1767225900,7.5\n1767226200,6\n");
}

static void times_are_seconds_milliseconds_or_fractions(void **state)
{
    (void)state;
    takes("t,v\n1767225600000,5\n1767225900000,7.5\n1767226200000,6\n");
    takes("t,v\n1767225600.0,5\n1767225900.25,7.5\n1767226199.9999998,6\n");
    takes("t,v\n1.7672256e9,5\n1.7672259e+09,7.5\n1767226200,6\n");
    static const int64_t both_s[] = {100000000, 100000000000};
    static const double both[] = {1, 2};
    reads_as(slice_of("100000000001,1\n100000000000000,2\n"), both_s, both, 2, 0);
}

static void times_are_iso_8601_in_all_its_habits(void **state)
{
    (void)state;
    takes("2026-01-01T00:00:00Z,5\n2026-01-01T00:05:00z,7.5\n2026-01-01T00:10:00.123Z,6\n");
    takes("2026-01-01T00:00:00,5\n2026-01-01 00:05:00,7.5\n2026-01-01 00:10,6\n");
    takes("2026-01-01 02:00:00+02:00,5\n2026-01-01T02:05:00+0200,7.5\n2025-12-31 19:10:00 -05,6\n");
    takes("2026-01-01 00:00:00 UTC,5\n2026-01-01 00:05:00 GMT,7.5\n2026-01-01 00:10:00 +00:00,6\n");
    takes("2026-01-01,5\n2026-01-01 00:05:00.000000,7.5\n2026-01-01 00:10:00,6\n");
}

static void dates_alone_are_a_value_a_day(void **state)
{
    (void)state;
    static const int64_t days_s[] = {1767225600, 1767312000, 1767398400};
    reads_as(slice_of("Date,Close\n2026-01-01,5\n2026-01-02,7.5\n2026-01-03,6\n"), days_s, VALUES, 3, 0);
}

static void a_single_column_of_numbers_is_a_value_each_five_minutes(void **state)
{
    (void)state;
    static const int64_t at_s[] = {0, 300, 600};
    reads_as(slice_of("5\n7.5\n6\n"), at_s, VALUES, 3, 0);
    reads_as(slice_of("cpu\n5\n7.5\n6\n"), at_s, VALUES, 3, 0);
    static const double carried[] = {5, 5, 6};
    reads_as(slice_of("orders\n5\n\"\"\n6\n"), at_s, carried, 3, 1);
}

static void a_missing_value_carries_the_last_one_forward_and_is_counted(void **state)
{
    (void)state;
    static const char *const missing[] = {"", "NaN", "nan", "NA", "null", "\"\""};
    static const double carried[] = {5, 5, 6};
    for (size_t i = 0; i < ARRAY_LEN(missing); i++) {
        char text[128];
        snprintf(text, sizeof text, "ds,y\n1767225600,5\n1767225900,%s\n1767226200,6\n", missing[i]);
        reads_as(slice_of(text), AT_S, carried, 3, 1);
    }
    reads_as(slice_of("ds,y\n1767225000,\n1767225300,nan\n1767225600,5\n1767225900,7.5\n1767226200,6\n"), AT_S, VALUES, 3, 2);
}

static void a_time_that_is_none_is_refused_with_its_place(void **state)
{
    (void)state;
    refuses("timestamp,value\n1,2\nx,3\n", "t.csv:3: column 1: time \"x\": expected epoch seconds or milliseconds, or ISO 8601");
    refuses("\n# a\nvalue;date\n1;2026-01-01\n2;2026-02-30\n", "t.csv:5: column 2: time \"2026-02-30\"");
    refuses("timestamp,value\n1,2\n,3\n", "t.csv:3: column 1: time \"\"");
    refuses("timestamp,value\n-5,2\n1,3\n", "t.csv:2: column 1: time \"-5\"");
    refuses("timestamp,value\n1,2\n1e15,3\n", "t.csv:3: column 1: time \"1e15\"");
    refuses("timestamp,value\n1,2\ninf,3\n", "t.csv:3: column 1: time \"inf\"");
    refuses("ds,y\n2026-01-01T,2\n", "t.csv:2: column 1: time \"2026-01-01T\"");
    refuses("ds,y\n2026-01-01 10:00 CET,2\n", "t.csv:2: column 1: time \"2026-01-01 10:00 CET\"");
    refuses("ds,y\n\x01\xff,2\n", "t.csv:2: column 1: time \"??\"");
}

static void times_that_do_not_rise_are_refused(void **state)
{
    (void)state;
    refuses("timestamp,value\n1,2\n1,3\n", "t.csv:3: column 1: time \"1\": expected a later second than in the row before");
    refuses("value,timestamp\n1,9\n1,3\n", "t.csv:3: column 2: time \"3\": expected a later second");
    refuses("timestamp,value\n9,nan\n3,1\n", "t.csv:3: column 1: time \"3\": expected a later second");
}

static void a_value_that_is_none_is_refused_with_its_place(void **state)
{
    (void)state;
    refuses("timestamp,value\n1,2\n2,-1\n", "t.csv:3: column 2: value \"-1\": expected a number from 0 to 1e18");
    refuses("timestamp,value\n1,inf\n2,1\n", "t.csv:2: column 2: value \"inf\": expected a number");
    refuses("when,what\n1,-Infinity\n2,1\n", "t.csv:2: column 2: value \"-Infinity\": expected a number");
    refuses("1,1e999\n2,1\n", "t.csv:1: column 2: value \"1e999\": expected a number");
    refuses("timestamp,value\n1,2\n2,1e19\n", "t.csv:3: column 2: value \"1e19\"");
    refuses("timestamp;value\n1;2\n2;3,5\n", "t.csv:3: column 2: value \"3,5\"");
    refuses("5\n-6\n", "t.csv:2: column 1: value \"-6\"");
}

static void rows_of_other_lengths_and_open_quotes_are_refused(void **state)
{
    (void)state;
    refuses("timestamp,value\n1,2\n2,3,4\n", "t.csv:3: column 3: 3 fields: expected 2 as in the first row");
    refuses("timestamp,value\n1,2\n2\n", "t.csv:3: column 2: 1 fields: expected 2 as in the first row");
    refuses("timestamp,value\n1,\"2\n", "t.csv:2: column 2: field \"\"2\": expected a closing quote on the same line");
    refuses("timestamp,value\n\"1\"0,2\n", "t.csv:2: column 1: text behind a quote \"0\": expected a separator");
}

static void a_file_without_rows_says_so(void **state)
{
    (void)state;
    refuses("", "t.csv:1: no rows");
    refuses("\xef\xbb\xbf", "t.csv:1: no rows");
    refuses("timestamp,value\n", "t.csv:1: no rows");
    refuses("# nothing\n\n\r\n", "t.csv:1: no rows");
    refuses("one,two\nthree,four\n", "t.csv:1: column 1: first row begins with \"one\": expected a column of times");
    refuses("date,host\n2026-01-01,a\n", "t.csv:1: column 1: first row begins with \"date\": expected a column of numbers");
    refuses("2026-01-01\n2026-01-02\n", "t.csv:1: column 1: first row begins with \"2026-01-01\": expected a column of numbers");
}

static void too_little_to_scale_is_refused(void **state)
{
    (void)state;
    refuses("timestamp,value\n1,2\n", "t.csv:2: 1 rows with a value: expected at least 2");
    refuses("timestamp,value\n1,nan\n2,2\n", "t.csv:3: 1 rows with a value: expected at least 2");
    refuses("timestamp,value\n1,0\n2,0\n", "t.csv:3: all values are zero");
}

static void more_columns_or_rows_than_the_limit_are_refused(void **state)
{
    (void)state;
    struct arena a;
    struct workload_trace t;
    struct err err;
    struct buf b;
    arena_init(&a, 0);
    buf_init(&b, 8 << 20);
    for (int i = 0; i < 257; i++)
        buf_add_str(&b, i ? ",1" : "1");
    assert_int_equal(workload_trace_parse(buf_slice(&b), "t.csv", &a, &t, &err), ERR_LIMIT);
    assert_string_equal(err.msg, "t.csv:1: more than 256 columns");
    buf_clear(&b);
    for (int i = 0; i <= WORKLOAD_ROWS_MAX; i++)
        buf_add_str(&b, "1\n");
    assert_int_equal(workload_trace_parse(buf_slice(&b), "t.csv", &a, &t, &err), ERR_LIMIT);
    assert_string_equal(err.msg, "t.csv:2000001: more than 2000000 rows");
    buf_release(&b);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plain_form_is_taken_with_and_without_a_last_newline),
        cmocka_unit_test(byte_order_mark_crlf_blank_lines_and_comments_do_not_matter),
        cmocka_unit_test(a_header_is_optional),
        cmocka_unit_test(semicolons_and_tabs_separate_too),
        cmocka_unit_test(fields_may_be_quoted_and_padded),
        cmocka_unit_test(columns_are_found_by_name_wherever_they_stand),
        cmocka_unit_test(columns_without_known_names_are_found_by_what_they_hold),
        cmocka_unit_test(times_are_seconds_milliseconds_or_fractions),
        cmocka_unit_test(times_are_iso_8601_in_all_its_habits),
        cmocka_unit_test(dates_alone_are_a_value_a_day),
        cmocka_unit_test(a_single_column_of_numbers_is_a_value_each_five_minutes),
        cmocka_unit_test(a_missing_value_carries_the_last_one_forward_and_is_counted),
        cmocka_unit_test(a_time_that_is_none_is_refused_with_its_place),
        cmocka_unit_test(times_that_do_not_rise_are_refused),
        cmocka_unit_test(a_value_that_is_none_is_refused_with_its_place),
        cmocka_unit_test(rows_of_other_lengths_and_open_quotes_are_refused),
        cmocka_unit_test(a_file_without_rows_says_so),
        cmocka_unit_test(too_little_to_scale_is_refused),
        cmocka_unit_test(more_columns_or_rows_than_the_limit_are_refused),
    };
    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
