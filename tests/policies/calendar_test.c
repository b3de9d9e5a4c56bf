// When entries of the calendar hold: once, each week, each year; over midnight, leap days and changes of the clock; and which are refused.
#include "policies/calendar.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "tests/cm.h"

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

static int64_t at(const char *text)
{
    int64_t ms = 0;
    assert_true(parse_iso8601_ms(slice_of(text), &ms));
    return ms;
}

static struct policy_event event(void)
{
    return (struct policy_event){.name = "x", .start = "", .end = "", .date = "", .window = {"", "", "", "UTC"}, .times_milli = 2000};
}

static void expect(struct policy_event e, const char *after, const char *start, const char *end)
{
    const struct calendar *k = calendar_load(&(struct policy_calendar){&e, 1}, &arena);
    int64_t start_ms, end_ms;
    char text[32];
    if (!calendar_next(k, 0, at(after), &start_ms, &end_ms))
        fail_msg("after %s: none", after);
    assert_string_equal(format_iso8601(start_ms, false, text), start);
    assert_string_equal(format_iso8601(end_ms, false, text), end);
}

static void what_comes_once_is_over_at_its_end(void **state)
{
    (void)state;
    struct policy_event e = event();
    e.start = "2027-02-14T08:00:00+09:00";
    e.end = "2027-02-15T02:00:00+09:00";
    expect(e, "2026-11-29T00:00:00Z", "2027-02-13T23:00:00Z", "2027-02-14T17:00:00Z");
    expect(e, "2027-02-14T16:59:59Z", "2027-02-13T23:00:00Z", "2027-02-14T17:00:00Z");
    const struct calendar *k = calendar_load(&(struct policy_calendar){&e, 1}, &arena);
    int64_t start_ms, end_ms;
    assert_false(calendar_next(k, 0, at("2027-02-14T17:00:00Z"), &start_ms, &end_ms));
    assert_true(calendar_multiplies(k, at("2027-02-13T23:00:00Z")));
    assert_false(calendar_multiplies(k, at("2027-02-13T22:59:59Z")));
}

static void a_day_of_each_year_is_the_zones_own(void **state)
{
    (void)state;
    struct policy_event e = event();
    e.date = "02-14";
    e.window.zone = "Asia/Tokyo";
    expect(e, "2026-11-29T00:00:00Z", "2027-02-13T15:00:00Z", "2027-02-14T15:00:00Z");
    expect(e, "2027-02-14T14:59:59Z", "2027-02-13T15:00:00Z", "2027-02-14T15:00:00Z");
    expect(e, "2027-02-14T15:00:00Z", "2028-02-13T15:00:00Z", "2028-02-14T15:00:00Z");
    e.date = "12-31";
    e.window.from = "22:00";
    e.window.to = "03:00";
    e.window.zone = "UTC";
    expect(e, "2027-01-01T02:59:00Z", "2026-12-31T22:00:00Z", "2027-01-01T03:00:00Z");
}

static void the_leap_day_comes_in_leap_years_only(void **state)
{
    (void)state;
    struct policy_event e = event();
    e.date = "02-29";
    expect(e, "2026-11-29T00:00:00Z", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z");
    expect(e, "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z", "2104-03-01T00:00:00Z");  // 2100 is none
    int month, day;
    assert_true(calendar_date("02-29", &month, &day));
    static const char *const wrong[] = {"", "2-14", "02-30", "13-01", "00-10", "04-31", "02/14", "ab-cd", "02-14x"};
    for (size_t k = 0; k < ARRAY_LEN(wrong); k++)
        assert_false(calendar_date(wrong[k], &month, &day));
}

static void a_window_may_cross_midnight_and_the_week(void **state)
{
    (void)state;
    struct policy_event e = event();
    e.window = (struct policy_window){"sun", "22:00", "02:00", "UTC"};
    expect(e, "2026-11-30T01:59:00Z", "2026-11-29T22:00:00Z", "2026-11-30T02:00:00Z");  // a Monday
    expect(e, "2026-11-30T02:00:00Z", "2026-12-06T22:00:00Z", "2026-12-07T02:00:00Z");
    e.window = (struct policy_window){"", "12:00", "12:00", "UTC"};
    expect(e, "2026-11-30T11:59:00Z", "2026-11-29T12:00:00Z", "2026-11-30T12:00:00Z");
    expect(e, "2026-11-30T12:00:00Z", "2026-11-30T12:00:00Z", "2026-12-01T12:00:00Z");
}

// Berlin leaves out 02:00 to 03:00 on 2026-03-29 and has it twice on 2026-10-25.
static void a_change_of_the_clock_moves_no_window_from_its_local_time(void **state)
{
    (void)state;
    struct policy_event e = event();
    e.window = (struct policy_window){"", "08:00", "10:00", "Europe/Berlin"};
    expect(e, "2026-03-28T09:00:00Z", "2026-03-29T06:00:00Z", "2026-03-29T08:00:00Z");
    expect(e, "2026-10-24T08:00:00Z", "2026-10-25T07:00:00Z", "2026-10-25T09:00:00Z");
    e.window = (struct policy_window){"", "02:30", "04:00", "Europe/Berlin"};
    expect(e, "2026-03-28T03:00:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:00:00Z");  // 03:30 to 04:00
    expect(e, "2026-10-24T02:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T03:00:00Z");  // from the first 02:30
    e.window = (struct policy_window){"", "02:59", "03:00", "Europe/Berlin"};
    expect(e, "2026-03-28T03:00:00Z", "2026-03-29T01:59:00Z", "2026-03-29T02:00:00Z");  // a minute, as the clock says, not less than none
}

static void the_next_three_of_each_entry_are_told(void **state)
{
    (void)state;
    struct policy_event e[3] = {event(), event(), event()};
    e[0].window.days = "mon";
    e[1].start = "2020-01-01T00:00:00Z";
    e[1].end = "2020-01-02T00:00:00Z";
    e[2].name = "y";
    e[2].window.zone = "No/Such";
    struct snapshot s = {.now_ms = at("2026-11-30T12:00:00Z")};
    calendar_tell(calendar_load(&(struct policy_calendar){e, 3}, &arena), &arena, &s);
    assert_int_equal(s.occasion_count, 3);
    assert_int_equal(s.occasions[0].start_ms, at("2026-11-30T00:00:00Z"));
    assert_int_equal(s.occasions[1].start_ms, at("2026-12-07T00:00:00Z"));
    assert_int_equal(s.occasions[2].end_ms, at("2026-12-15T00:00:00Z"));
    calendar_tell(NULL, &arena, &s);
    assert_int_equal(s.occasion_count, 0);
}

// ---- the policy --------------------------------------------------------------------------------------------------------------
static const char *report_of(const char *entries, struct policy *p)
{
    struct buf report;
    struct err err = {0};
    buf_init(&report, 1 << 20);
    const char *text = arena_printf(&arena, "{\"clusters\":[{\"name\":\"w\",\"fleets\":[{\"id\":\"sfr-1\",\"max\":4}],\"calendar\":[%s]}]}", entries);
    int rc = policy_load_text(slice_of(text), "p.json", &arena, p, &report, &err);
    const char *said = arena_strdup(&arena, buf_str(&report));
    assert_int_equal(rc == 0, said[0] == '\0');
    buf_release(&report);
    return said;
}

static void entries_are_read(void **state)
{
    (void)state;
    struct policy p;
    assert_string_equal(report_of("{\"name\":\"valentine\",\"date\":\"02-14\",\"zone\":\"Asia/Tokyo\",\"times\":2},"
                                  "{\"name\":\"tv\",\"start\":\"2027-01-01T10:00:00Z\",\"end\":\"2027-01-01T12:00:00Z\",\"times\":1.25,"
                                  "\"at_least\":{\"vcpus\":64,\"memory_gib\":128,\"instances\":9}}", &p), "");
    const struct policy_calendar *c = &p.clusters[0].calendar;
    assert_int_equal(c->count, 2);
    assert_string_equal(c->events[0].date, "02-14");
    assert_int_equal(c->events[0].times_milli, 2000);
    assert_false(policy_event_has_floor(&c->events[0]));
    assert_int_equal(c->events[1].times_milli, 1250);
    assert_int_equal(c->events[1].least_vcpus, 64);
    assert_int_equal(c->events[1].least_memory_gib, 128);
    assert_int_equal(c->events[1].least_instances, 9);
    // What the journal keeps is read as the same.
    json_t *j = policy_to_json(&p);
    char *text = json_dumps(json_object_get(json_array_get(json_object_get(j, "clusters"), 0), "calendar"), JSON_COMPACT);
    struct policy again;
    assert_int_equal(report_of(arena_printf(&arena, "%.*s", (int)strlen(text) - 2, text + 1), &again)[0], 0);
    assert_int_equal(again.clusters[0].calendar.events[1].times_milli, 1250);
    free(text);
    json_decref(j);
}

static void mistakes_name_their_place_and_remedy(void **state)
{
    (void)state;
    static const struct {
        const char *entry, *path, *what, *remedy;
    } cases[] = {
        {"{\"date\":\"02-14\",\"times\":2}", "calendar[0].name", "is required", "valentine"},
        {"{\"name\":\"a\",\"times\":2}", "calendar[0]", "says not when", "\"start\""},
        {"{\"name\":\"a\",\"date\":\"02-14\"}", "calendar[0]", "changes nothing", "\"times\": 2"},
        {"{\"name\":\"a\",\"date\":\"02-14\",\"times\":0.5}", "calendar[0].times", "out of bounds", "1 to 20"},
        {"{\"name\":\"a\",\"date\":\"02-30\",\"times\":2}", "calendar[0].date", "is no day of a year", "\"MM-DD\""},
        {"{\"name\":\"a\",\"date\":\"02-14\",\"days\":\"mon\",\"times\":2}", "calendar[0].days", "date is there too", "one of the two"},
        {"{\"name\":\"a\",\"days\":\"mon\",\"zone\":\"Mars\",\"times\":2}", "calendar[0].zone", "", "Asia/Tokyo"},
        {"{\"name\":\"a\",\"days\":\"mon\",\"from\":\"25:00\",\"to\":\"26:00\",\"times\":2}", "calendar[0].from", "no time of day", "HH:MM"},
        {"{\"name\":\"a\",\"start\":\"2027-01-01T10:00:00Z\",\"times\":2}", "calendar[0].end", "is required", "go together"},
        {"{\"name\":\"a\",\"start\":\"tomorrow\",\"end\":\"2027-01-01T10:00:00Z\",\"times\":2}", "calendar[0].start", "is no time", "+09:00"},
        {"{\"name\":\"a\",\"start\":\"2027-01-01T10:00:00Z\",\"end\":\"2027-01-01T10:00:00Z\",\"times\":2}", "calendar[0].end", "is not after start", "later"},
        {"{\"name\":\"a\",\"start\":\"2027-01-01T10:00:00Z\",\"end\":\"2027-01-01T11:00:00Z\",\"days\":\"mon\",\"times\":2}", "calendar[0].days",
         "start is there too", "comes again"},
        {"{\"name\":\"a\",\"start\":\"2027-01-01T10:00:00Z\",\"end\":\"2027-01-01T11:00:00Z\",\"zone\":\"Asia/Tokyo\",\"times\":2}", "calendar[0].zone",
         "is not asked", "leave it out"},
        {"{\"name\":\"a\",\"date\":\"02-14\",\"times\":2},{\"name\":\"a\",\"date\":\"02-15\",\"times\":2}", "calendar[1].name", "is also clusters[0].calendar[0]", "of its own"},
    };
    for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
        struct policy p;
        const char *said = report_of(cases[k].entry, &p);
        if (!strstr(said, cases[k].path) || !strstr(said, cases[k].what) || !strstr(said, cases[k].remedy) || strncmp(said, "p.json:1:", 9) != 0)
            fail_msg("%s:\n%s", cases[k].entry, said);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_comes_once_is_over_at_its_end),
        T(a_day_of_each_year_is_the_zones_own),
        T(the_leap_day_comes_in_leap_years_only),
        T(a_window_may_cross_midnight_and_the_week),
        T(a_change_of_the_clock_moves_no_window_from_its_local_time),
        T(the_next_three_of_each_entry_are_told),
        T(entries_are_read),
        T(mistakes_name_their_place_and_remedy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
