#include "policies/window.h"

#include "tests/cm.h"

enum { MON, TUE, WED, THU, FRI, SAT, SUN };

static int32_t at(int day, int hour, int minute)
{
    return day * WINDOW_DAY_MINUTES + hour * 60 + minute;
}

static bool holds(const char *days, const char *from, const char *to, int32_t minute)
{
    struct policy_window w = {days, from, to, "UTC"};
    return window_holds(&w, minute);
}

static void days_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int days;  // -1: refused
    } cases[] = {{"", 0x7f},         {"mon", 1},         {"Mon-FRI", 0x1f}, {"sat,sun", 0x60}, {"fri-mon", 0x71},
                 {"mon,wed-thu", 0x0d}, {"mon-mon", 1},    {"mo", -1},        {"monday", -1},    {"mon,", -1},
                 {",mon", -1},       {"mon-", -1},       {"mon fri", -1},   {"mon--fri", -1},  {"xyz", -1}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        unsigned days = 0;
        bool good = window_days(cases[k].text, &days);
        if (good != (cases[k].days >= 0) || (good && days != (unsigned)cases[k].days))
            fail_msg("%s: %d, %x", cases[k].text, good, days);
    }
}

static void times_of_day_are_read(void **state)
{
    (void)state;
    int32_t m;
    assert_true(window_minute("00:00", &m) && m == 0);
    assert_true(window_minute("23:59", &m) && m == 1439);
    assert_true(window_minute("24:00", &m) && m == 1440);
    static const char *const bad[] = {"", "9:00", "24:01", "12:60", "ab:cd", "12-00", "12:00 ", "+1:00"};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        assert_false(window_minute(bad[k], &m));
}

static void a_window_holds_from_its_first_minute_to_before_its_last(void **state)
{
    (void)state;
    assert_false(holds("mon-fri", "09:00", "17:00", at(MON, 8, 59)));
    assert_true(holds("mon-fri", "09:00", "17:00", at(MON, 9, 0)));
    assert_true(holds("mon-fri", "09:00", "17:00", at(FRI, 16, 59)));
    assert_false(holds("mon-fri", "09:00", "17:00", at(FRI, 17, 0)));
    assert_false(holds("mon-fri", "09:00", "17:00", at(SAT, 12, 0)));
    assert_true(holds("", "", "", at(SUN, 23, 59)));
    assert_true(holds("wed", "", "", at(WED, 0, 0)));
    assert_false(holds("wed", "", "", at(THU, 0, 0)));
}

static void a_window_past_midnight_belongs_to_the_day_it_begins_on(void **state)
{
    (void)state;
    assert_true(holds("fri", "22:00", "06:00", at(FRI, 22, 0)));
    assert_true(holds("fri", "22:00", "06:00", at(SAT, 5, 59)));
    assert_false(holds("fri", "22:00", "06:00", at(SAT, 6, 0)));
    assert_false(holds("fri", "22:00", "06:00", at(FRI, 5, 0)));
    assert_true(holds("sun", "22:00", "06:00", at(MON, 3, 0)));  // over the end of the week
    assert_true(holds("mon", "00:00", "24:00", at(MON, 23, 59)));
    assert_true(holds("mon", "12:00", "12:00", at(TUE, 11, 59)));
}

static void what_does_not_parse_never_holds(void **state)
{
    (void)state;
    assert_false(holds("x", "", "", 0));
    assert_false(holds("", "x", "10:00", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_read),
        cmocka_unit_test(times_of_day_are_read),
        cmocka_unit_test(a_window_holds_from_its_first_minute_to_before_its_last),
        cmocka_unit_test(a_window_past_midnight_belongs_to_the_day_it_begins_on),
        cmocka_unit_test(what_does_not_parse_never_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
