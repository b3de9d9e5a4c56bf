#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/parse.h"
#include "base/zone.h"

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

static const struct zone *zone(const char *name)
{
    const struct zone *z = NULL;
    struct err err = {0};
    if (zone_load(name, &arena, &z, &err) != 0)
        fail_msg("%s: %s (these tests need Debian's tzdata)", name, err.msg);
    return z;
}

// "2026-03-29T01:00:00Z" as seconds; also for local times, read as if they were UTC.
static int64_t at(const char *text)
{
    int64_t ms = 0;
    assert_true(parse_iso8601_ms(slice_of(text), &ms));
    return ms / 1000;
}

// The changes of 2026 as the zones' laws have them; offsets in minutes.
static const struct {
    const char *name, *forward, *back;
    int winter_min, summer_min;
} changes[] = {
    {"Europe/Berlin", "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", 60, 120},
    {"America/New_York", "2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z", -300, -240},
    {"Australia/Lord_Howe", "2026-10-03T15:30:00Z", "2026-04-04T15:00:00Z", 630, 660},
    {"Pacific/Auckland", "2026-09-26T14:00:00Z", "2026-04-04T14:00:00Z", 720, 780},
    {"America/Santiago", "2026-09-06T04:00:00Z", "2026-04-05T03:00:00Z", -240, -180},
};

static void g5_offsets_change_when_the_law_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        const struct zone *z = zone(changes[i].name);
        int64_t forward = at(changes[i].forward), back = at(changes[i].back);
        assert_int_equal(zone_offset_s(z, forward - 1), changes[i].winter_min * 60);
        assert_int_equal(zone_offset_s(z, forward), changes[i].summer_min * 60);
        assert_int_equal(zone_offset_s(z, back - 1), changes[i].summer_min * 60);
        assert_int_equal(zone_offset_s(z, back), changes[i].winter_min * 60);
    }
}

static void g5_a_local_time_that_is_left_out_moves_forward(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        const struct zone *z = zone(changes[i].name);
        int64_t forward = at(changes[i].forward), step = (changes[i].summer_min - changes[i].winter_min) * 60;
        int64_t gap = forward + changes[i].winter_min * 60;  // local: the first second that is left out
        assert_int_equal(zone_unix_s(z, gap - 1), forward - 1);
        assert_int_equal(zone_unix_s(z, gap), forward);
        assert_int_equal(zone_unix_s(z, gap + step / 2), forward + step / 2);
        assert_int_equal(zone_unix_s(z, gap + step), forward);
    }
}

static void g5_a_local_time_that_comes_twice_is_its_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        const struct zone *z = zone(changes[i].name);
        int64_t back = at(changes[i].back), step = (changes[i].summer_min - changes[i].winter_min) * 60;
        int64_t twice = back + changes[i].winter_min * 60;  // local: the first second that comes twice
        assert_int_equal(zone_unix_s(z, twice - 1), back - step - 1);
        assert_int_equal(zone_unix_s(z, twice), back - step);
        assert_int_equal(zone_unix_s(z, twice + step - 1), back - 1);
        assert_int_equal(zone_unix_s(z, twice + step), back + step);
    }
}

static void g5_the_newest_change_is_known_for_as_long_as_is_asked(void **state)
{
    (void)state;
    enum { DAY_S = 86400, WITHIN_S = 15 * DAY_S };
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        const struct zone *z = zone(changes[i].name);
        const int64_t when[] = {at(changes[i].forward), at(changes[i].back)}, by = (changes[i].summer_min - changes[i].winter_min) * 60;
        for (int k = 0; k < 2; k++) {
            assert_int_equal(zone_last_change(z, when[k] - 1, WITHIN_S).by_s, 0);
            assert_int_equal(zone_last_change(z, when[k] + WITHIN_S + 1, WITHIN_S).by_s, 0);
            for (int64_t later = 0; later <= WITHIN_S; later += 6997) {
                struct zone_change c = zone_last_change(z, when[k] + later, WITHIN_S);
                assert_int_equal(c.at_s, when[k]);
                assert_int_equal(c.by_s, k ? -by : by);
            }
        }
    }
    assert_int_equal(zone_last_change(zone("Asia/Tokyo"), at("2026-04-01T00:00:00Z"), 400 * DAY_S).by_s, 0);
}

static void g5_every_hour_of_a_year_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        const struct zone *z = zone(changes[i].name);
        int odd = 0;
        for (int64_t t = at("2026-01-01T00:00:00Z"); t < at("2027-01-01T00:00:00Z"); t += 900)
            odd += zone_unix_s(z, t + zone_offset_s(z, t)) != t;
        assert_int_equal(odd, (changes[i].summer_min - changes[i].winter_min) / 15);  // the hour that came twice, its second time
    }
}

static void years_beyond_the_table_follow_its_last_rule(void **state)
{
    (void)state;
    const struct zone *berlin = zone("Europe/Berlin"), *auckland = zone("Pacific/Auckland"), *tokyo = zone("Asia/Tokyo");
    assert_int_equal(zone_offset_s(berlin, at("2071-03-29T00:59:59Z")), 3600);
    assert_int_equal(zone_offset_s(berlin, at("2071-03-29T01:00:00Z")), 7200);
    assert_int_equal(zone_offset_s(berlin, at("2071-10-25T01:00:00Z")), 3600);
    assert_int_equal(zone_offset_s(auckland, at("2071-01-15T00:00:00Z")), 13 * 3600);
    assert_int_equal(zone_offset_s(auckland, at("2071-07-15T00:00:00Z")), 12 * 3600);
    assert_int_equal(zone_offset_s(tokyo, at("2071-07-15T00:00:00Z")), 9 * 3600);
}

// A file without a table: all is in the footer.
static int parse_footer_only(const char *footer, const struct zone **ret)
{
    static const unsigned char header[44] = {'T', 'Z', 'i', 'f', '2', [39] = 1, [43] = 1};
    struct buf b;
    buf_init(&b, 4096);
    for (int block = 0; block < 2; block++) {
        buf_add(&b, header, sizeof(header));
        buf_add(&b, "\0\0\0\0\0\0\0", 7);  // one type at offset 0, one byte of names
    }
    buf_printf(&b, "\n%s\n", footer);
    int rc = zone_parse(buf_slice(&b), &arena, ret, NULL);
    buf_release(&b);
    return rc;
}

static void footers_are_read_in_all_their_forms(void **state)
{
    (void)state;
    static const struct {
        const char *footer, *when;
        int32_t offset_s;
    } cases[] = {
        {"EST5", "2026-07-01T00:00:00Z", -18000},
        {"<+0330>-3:30", "2026-07-01T00:00:00Z", 12600},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-07-01T00:00:00Z", 7200},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-01T00:00:00Z", 3600},        // winter time that is "summer" by the letter
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2026-01-01T00:00:00Z", 0},
        {"EET-2EEST,M3.5.5/0,M10.5.5/0", "2026-03-26T22:00:00Z", 10800},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z", -3600},   // a change on the evening before
        {"XXX3YYY,J60,J300", "2024-03-01T05:00:00Z", -7200},                  // J60 is March 1 in leap years too
        {"XXX3YYY,J60,J300", "2024-03-01T04:59:59Z", -10800},
        {"XXX3YYY,59,299", "2024-02-29T05:00:00Z", -7200},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct zone *z;
        if (parse_footer_only(cases[i].footer, &z) != 0)
            fail_msg("%s was refused", cases[i].footer);
        if (zone_offset_s(z, at(cases[i].when)) != cases[i].offset_s)
            fail_msg("%s at %s: %d", cases[i].footer, cases[i].when, zone_offset_s(z, at(cases[i].when)));
    }
    static const char *const bad[] = {"E5", "EST", "EST200", "EST5EDT", "EST5EDT,M13.1.0,M10.1.0", "EST5EDT,M3.6.0,M10.1.0", "EST5EDT,J0,J3",
                                      "EST5EDT,366,3", "EST5EDT,M3.1.0", "EST5EDT,M3.1.0,M10.1.0x", "<A>5"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct zone *z;
        if (parse_footer_only(bad[i], &z) != ERR_CORRUPT)
            fail_msg("%s was taken", bad[i]);
    }
}

static void g5_a_zone_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"Europe/Berlim", "", "../../etc/passwd", "/etc/passwd", "Europe", "zone.tab", "Europe/Berlin ", "UTC\n"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct zone *z = NULL;
        struct err err = {0};
        assert_int_equal(zone_load(names[i], &arena, &z, &err), ERR_INVALID);
        assert_null(z);
        assert_true(err.msg[0] != '\0');
    }
    assert_int_equal(zone_offset_s(zone("UTC"), at("2026-07-01T00:00:00Z")), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(g5_offsets_change_when_the_law_says),
        T(g5_a_local_time_that_is_left_out_moves_forward),
        T(g5_a_local_time_that_comes_twice_is_its_first),
        T(g5_the_newest_change_is_known_for_as_long_as_is_asked),
        T(g5_every_hour_of_a_year_comes_back),
        T(years_beyond_the_table_follow_its_last_rule),
        T(footers_are_read_in_all_their_forms),
        T(g5_a_zone_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
