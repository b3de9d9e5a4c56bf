// What people allow: tags, freeze windows over changes of the clock, switches; and what they are told: the book of alerts.
#include "tests/cm.h"

#include "base/parse.h"
#include "scaler/alerts.h"
#include "scaler/control.h"
#include "scaler/shell_alerts.h"
#include "scaler/switches.h"

#define MINUTE_MS 60000

static int64_t at(const char *text)
{
    int64_t ms = 0;
    if (!parse_iso8601_ms(slice_of(text), &ms))
        fail_msg("%s is no time", text);
    return ms;
}

// ---- tags -----------------------------------------------------------------------------------------------------------------

static void a_tag_names_a_mode_and_why(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        enum control_mode mode;
        const char *why;
    } cases[] = {
        {"", CONTROL_RUN, ""}, {"run", CONTROL_RUN, ""}, {"  ", CONTROL_RUN, ""}, {"pause", CONTROL_PAUSE, ""},
        {"Freeze", CONTROL_FREEZE, ""}, {"add-only: month end", CONTROL_ADD_ONLY, "month end"}, {"pause incident 4711", CONTROL_PAUSE, "incident 4711"},
        {"stop", CONTROL_PAUSE, "stop"}, {"paused by hana", CONTROL_PAUSE, "paused by hana"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *why;
        assert_int_equal(control_of_tag(cases[i].value, &why), cases[i].mode);
        assert_string_equal(why, cases[i].why);
    }
}

static void the_strictest_fleet_counts(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    struct fleet fleets[3] = {{.id = "sfr-1", .control = "add-only"}, {.id = "sfr-2", .control = "freeze flood"}, {.id = "sfr-3", .control = "pause"}};
    struct snapshot s = {.fleets = fleets, .fleet_count = 3};
    struct control c = control_of_fleets(&s, &a);
    assert_int_equal(c.mode, CONTROL_FREEZE);
    assert_string_equal(c.who, "tag masu:mode of sfr-2");
    assert_string_equal(c.why, "flood");
    c = control_take_tags(&s, &a);
    assert_string_equal(c.why, "flood");
    assert_string_equal(fleets[1].control, "freeze");  // the planner reads the mode alone
    s.fleet_count = 0;
    assert_int_equal(control_of_fleets(&s, &a).mode, CONTROL_RUN);
    arena_release(&a);
}

// ---- freeze windows -------------------------------------------------------------------------------------------------------

static void g5_a_window_holds_over_changes_of_the_clock(void **state)
{
    (void)state;
    static const struct {
        struct policy_window w;
        const char *when;
        bool holds;
        const char *until;
    } cases[] = {
        // plain days; Friday evening to Saturday morning crosses midnight
        {{"mon-fri", "09:00", "17:00", "Europe/Berlin"}, "2026-01-14T08:00:00Z", true, "2026-01-14T16:00:00Z"},
        {{"mon-fri", "09:00", "17:00", "Europe/Berlin"}, "2026-01-14T07:59:59Z", false, ""},
        {{"mon-fri", "09:00", "17:00", "Europe/Berlin"}, "2026-01-14T16:00:00Z", false, ""},
        {{"mon-fri", "09:00", "17:00", "Europe/Berlin"}, "2026-01-17T12:00:00Z", false, ""},
        {{"fri", "22:00", "06:00", "Asia/Tokyo"}, "2026-01-16T20:59:59Z", true, "2026-01-16T21:00:00Z"},
        {{"fri", "22:00", "06:00", "Asia/Tokyo"}, "2026-01-15T20:00:00Z", false, ""},
        {{"sun", "", "", "UTC"}, "2026-01-18T23:59:59Z", true, "2026-01-19T00:00:00Z"},
        // 2026-03-29, 02:00 to 03:00 is left out: what begins in it begins as much later
        {{"sun", "02:15", "02:45", "Europe/Berlin"}, "2026-03-29T01:14:59Z", false, ""},
        {{"sun", "02:15", "02:45", "Europe/Berlin"}, "2026-03-29T01:15:00Z", true, "2026-03-29T01:45:00Z"},
        {{"sun", "01:00", "04:00", "Europe/Berlin"}, "2026-03-29T01:59:59Z", true, "2026-03-29T02:00:00Z"},
        // 2026-10-25, 02:00 to 03:00 comes twice: it counts at the first, and a window around it has no hole
        {{"sun", "02:30", "03:30", "Europe/Berlin"}, "2026-10-25T00:29:59Z", false, ""},
        {{"sun", "02:30", "03:30", "Europe/Berlin"}, "2026-10-25T00:30:00Z", true, "2026-10-25T02:30:00Z"},
        {{"sun", "02:30", "03:30", "Europe/Berlin"}, "2026-10-25T01:10:00Z", true, "2026-10-25T02:30:00Z"},
        {{"sun", "01:00", "02:30", "Europe/Berlin"}, "2026-10-25T01:10:00Z", false, ""},
        // other hemispheres, half an hour, the other side of midnight
        {{"sun", "01:30", "02:30", "Australia/Lord_Howe"}, "2026-04-04T15:15:00Z", true, "2026-04-04T16:00:00Z"},
        {{"sun", "00:00", "01:00", "America/New_York"}, "2026-11-01T04:30:00Z", true, "2026-11-01T05:00:00Z"},
        {{"sat", "22:00", "02:00", "America/Santiago"}, "2026-04-05T03:30:00Z", true, "2026-04-05T06:00:00Z"},
        {{"sun", "02:00", "03:30", "Pacific/Auckland"}, "2026-09-26T14:29:59Z", true, "2026-09-26T14:30:00Z"},
        {{"sun", "02:00", "03:00", "Pacific/Auckland"}, "2026-09-26T14:00:00Z", false, ""},  // the very hour that is left out
    };
    struct zones z;
    zones_init(&z);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t from_ms, to_ms;
        const struct zone *zone = zones_get(&z, cases[i].w.zone);
        assert_non_null(zone);
        if (window_span(&cases[i].w, zone, at(cases[i].when), &from_ms, &to_ms) != cases[i].holds)
            fail_msg("case %zu at %s", i, cases[i].when);
        if (cases[i].holds && to_ms != at(cases[i].until)) {
            char text[32];
            fail_msg("case %zu at %s ends at %s", i, cases[i].when, format_iso8601(to_ms, false, text));
        }
        assert_true(!cases[i].holds || from_ms <= at(cases[i].when));
    }
    zones_release(&z);
}

static void the_minute_of_the_week_is_the_walls(void **state)
{
    (void)state;
    struct zones z;
    zones_init(&z);
    const struct zone *utc = zones_get(&z, "UTC"), *tokyo = zones_get(&z, "Asia/Tokyo"), *berlin = zones_get(&z, "Europe/Berlin");
    assert_int_equal(minute_of_week(utc, at("2026-01-12T00:00:59Z")), 0);          // a Monday
    assert_int_equal(minute_of_week(utc, at("2026-01-11T23:59:59Z")), 7 * 24 * 60 - 1);
    assert_int_equal(minute_of_week(utc, at("1969-12-29T00:01:00Z")), 1);
    assert_int_equal(minute_of_week(tokyo, at("2026-01-11T15:30:00Z")), 30);
    assert_int_equal(minute_of_week(berlin, at("2026-07-13T22:00:00Z")), 24 * 60);  // summer time
    zones_release(&z);
}

static void the_strictest_window_counts_and_a_zone_that_is_gone_holds(void **state)
{
    (void)state;
    struct arena a;
    struct zones z;
    arena_init(&a, 1 << 20);
    zones_init(&z);
    struct policy_freeze freeze[] = {
        {{"", "", "", "UTC"}, FREEZE_ADD_ONLY, "always"},
        {{"wed", "00:00", "12:00", "UTC"}, FREEZE_FREEZE, "release day"},
        {{"", "00:00", "01:00", "Nowhere/Gone"}, FREEZE_PAUSE, "night"},
    };
    struct policy_cluster p = {.freeze = freeze, .freeze_count = 2};
    struct control c = control_of_freeze(&p, &z, at("2026-01-14T11:00:00Z"), &a);
    assert_int_equal(c.mode, CONTROL_FREEZE);
    assert_string_equal(c.who, "freeze window 2 of the policy");
    assert_string_equal(c.why, "release day");
    assert_true(c.until_ms == at("2026-01-14T12:00:00Z"));
    c = control_of_freeze(&p, &z, at("2026-01-14T12:00:00Z"), &a);
    assert_int_equal(c.mode, CONTROL_ADD_ONLY);
    p.freeze_count = 3;
    c = control_of_freeze(&p, &z, at("2026-01-14T13:00:00Z"), &a);
    assert_int_equal(c.mode, CONTROL_PAUSE);
    assert_non_null(strstr(c.who, "Nowhere/Gone cannot be read"));
    zones_release(&z);
    arena_release(&a);
}

// ---- switches -------------------------------------------------------------------------------------------------------------

static struct inbox_switch change(bool resume, enum control_mode mode, const char *cluster, int64_t until_ms)
{
    struct inbox_switch s = {.resume = resume, .mode = resume ? CONTROL_RUN : mode, .until_ms = until_ms, .who = "hana \"h\"", .why = "incident"};
    snprintf(s.cluster, sizeof s.cluster, "%s", cluster);
    return s;
}

static enum control_mode mode_of(const struct switches *s, const char *cluster, int64_t now_ms)
{
    // What holds is what holds after a restart, too.
    struct switches again;
    struct buf b;
    buf_init(&b, 1 << 20);
    switches_write(s, &b);
    assert_int_equal(switches_read(buf_slice(&b), &again, NULL), 0);
    buf_release(&b);
    struct control c = switches_control(s, cluster, now_ms), kept = switches_control(&again, cluster, now_ms);
    assert_int_equal(c.mode, kept.mode);
    assert_string_equal(c.who, kept.who);
    assert_string_equal(c.why, kept.why);
    assert_true(c.since_ms == kept.since_ms && c.until_ms == kept.until_ms);
    return c.mode;
}

static void do_switch(struct switches *s, bool resume, enum control_mode mode, const char *cluster, int64_t now_ms)
{
    struct inbox_switch x = change(resume, mode, cluster, 0);
    assert_int_equal(switches_apply(s, &x, now_ms, NULL), 0);
}

static void a_switch_for_all_and_one_of_a_cluster_stand_beside_each_other(void **state)
{
    (void)state;
    static struct switches s;
    s.count = 0;
    assert_int_equal(mode_of(&s, "east", 1), CONTROL_RUN);
    do_switch(&s, false, CONTROL_FREEZE, "east", 1);
    do_switch(&s, false, CONTROL_PAUSE, "", 2);
    assert_int_equal(mode_of(&s, "east", 3), CONTROL_FREEZE);  // a pause for all does not thaw it
    assert_int_equal(mode_of(&s, "west", 3), CONTROL_PAUSE);
    do_switch(&s, true, CONTROL_RUN, "west", 4);
    assert_int_equal(mode_of(&s, "west", 5), CONTROL_RUN);  // that one alone goes on
    assert_int_equal(mode_of(&s, "east", 5), CONTROL_FREEZE);
    assert_int_equal(mode_of(&s, "south", 5), CONTROL_PAUSE);
    do_switch(&s, false, CONTROL_PAUSE, "", 6);
    assert_int_equal(mode_of(&s, "west", 7), CONTROL_PAUSE);  // switched anew
    do_switch(&s, true, CONTROL_RUN, "", 8);
    assert_int_equal(mode_of(&s, "east", 9), CONTROL_RUN);
    assert_int_equal(s.count, 0);
    do_switch(&s, false, CONTROL_ADD_ONLY, "east", 10);
    do_switch(&s, true, CONTROL_RUN, "east", 11);
    assert_int_equal(s.count, 0);
}

static void a_switch_ends_at_its_time_and_exemptions_with_what_they_are_from(void **state)
{
    (void)state;
    static struct switches s;
    s.count = 0;
    struct inbox_switch x = change(false, CONTROL_PAUSE, "", 1000);
    assert_int_equal(switches_apply(&s, &x, 1, NULL), 0);
    do_switch(&s, true, CONTROL_RUN, "west", 2);
    assert_int_equal(mode_of(&s, "east", 999), CONTROL_PAUSE);
    assert_int_equal(mode_of(&s, "east", 1000), CONTROL_RUN);
    assert_true(switches_expire(&s, 1000));
    assert_int_equal(s.count, 0);
    assert_false(switches_expire(&s, 1001));
}

static void more_switches_than_can_be_kept_are_refused(void **state)
{
    (void)state;
    static struct switches s;
    s.count = 0;
    for (int i = 0; i <= SWITCHES_MAX; i++) {
        char name[32];
        snprintf(name, sizeof name, "c%d", i);
        struct inbox_switch x = change(false, CONTROL_PAUSE, name, 0);
        assert_int_equal(switches_apply(&s, &x, 1, NULL), i < SWITCHES_MAX ? 0 : ERR_LIMIT);
    }
    assert_int_equal(mode_of(&s, "c7", 2), CONTROL_PAUSE);
}

static void what_was_kept_and_is_broken_is_said(void **state)
{
    (void)state;
    static struct switches s;
    static const char *const bad[] = {"", "{}", "[1]", "[{\"cluster\":\"\",\"mode\":\"stop\",\"who\":\"\",\"why\":\"\"}]", "[{\"mode\":\"pause\"}]"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        assert_int_equal(switches_read(slice_of(bad[i]), &s, &err), ERR_CORRUPT);
        assert_int_equal(s.count, 0);
        assert_true(err.msg[0] != '\0');
    }
}

// ---- the book of alerts ---------------------------------------------------------------------------------------------------

struct heard {
    int raised, reminded, cleared;
    char last[256];
};

static void hear(void *arg, const struct alerts_event *e)
{
    struct heard *h = arg;
    assert_true(e->count > 0);
    *(e->news == ALERTS_RAISED ? &h->raised : e->news == ALERTS_REMINDED ? &h->reminded : &h->cleared) += (int)e->count;
    snprintf(h->last, sizeof h->last, "%s %s %s", e->cluster, e->alerts[0]->id, e->alerts[0]->what);
}

static void an_alert_is_told_once_reminded_each_hour_and_cleared_when_it_stays_away(void **state)
{
    (void)state;
    struct heard h = {0};
    struct alerts *b = alerts_new(&(struct alerts_options){.notify = hear, .notify_arg = &h});
    char what[] = "2 tasks wait";
    struct alert a = {"runaway", "web", ALERT_WARNING, 500, what, "look"};
    size_t n;
    bool changed;
    alerts_set(b, 0, "east", ALERTS_PLAN, &a, 1, 1000);
    assert_int_equal(h.raised, 1);
    assert_string_equal(h.last, "east runaway 2 tasks wait");
    const struct view_alert *list = alerts_list(b, &n, &changed);
    assert_true(changed && n == 1 && list[0].cluster == 0 && list[0].alert.since_ms == 500);
    what[0] = '3';  // new words are shown, but not told again
    for (int64_t t = 1; t < 60; t++)
        alerts_set(b, 0, "east", ALERTS_PLAN, &a, 1, 1000 + t * MINUTE_MS);
    assert_int_equal(h.raised + h.reminded, 1);
    assert_string_equal(alerts_list(b, &n, &changed)[0].alert.what, "3 tasks wait");
    alerts_set(b, 0, "east", ALERTS_PLAN, &a, 1, 1000 + 60 * MINUTE_MS);
    assert_int_equal(h.reminded, 1);
    a.severity = ALERT_CRITICAL;  // worse: told at once
    alerts_set(b, 0, "east", ALERTS_PLAN, &a, 1, 1000 + 61 * MINUTE_MS);
    assert_int_equal(h.raised, 2);
    // away for half a minute and back: nothing is told, but the page knows at once
    alerts_set(b, 0, "east", ALERTS_PLAN, NULL, 0, 1000 + 62 * MINUTE_MS);
    alerts_list(b, &n, &changed);
    assert_true(changed && n == 0);
    alerts_set(b, 0, "east", ALERTS_PLAN, &a, 1, 31000 + 62 * MINUTE_MS);
    alerts_set(b, 0, "east", ALERTS_PLAN, NULL, 0, 1000 + 63 * MINUTE_MS);
    assert_int_equal(h.raised, 2);
    assert_int_equal(h.cleared, 0);
    alerts_set(b, 0, "east", ALERTS_PLAN, NULL, 0, 1000 + 64 * MINUTE_MS);
    assert_int_equal(h.cleared, 1);
    assert_string_equal(h.last, "east runaway 3 tasks wait");
    alerts_set(b, 0, "east", ALERTS_PLAN, NULL, 0, 1000 + 65 * MINUTE_MS);
    assert_int_equal(h.cleared, 1);
    alerts_free(b);
}

static void sources_and_clusters_do_not_clear_each_others_alerts(void **state)
{
    (void)state;
    struct heard h = {0};
    struct alerts *b = alerts_new(&(struct alerts_options){.notify = hear, .notify_arg = &h});
    const struct alert a = {"x", "t", ALERT_INFO, 0, "w", "r"};
    size_t n;
    bool changed;
    alerts_set(b, 0, "east", ALERTS_PLAN, &a, 1, 1000);
    alerts_set(b, 0, "east", ALERTS_SHELL, &a, 1, 2000);
    alerts_set(b, 1, "west", ALERTS_PLAN, &a, 1, 3000);
    alerts_set(b, -1, "", ALERTS_SHELL, &a, 1, 4000);
    for (int i = 0; i < 5; i++)
        alerts_set(b, 1, "west", ALERTS_PLAN, NULL, 0, 5000 + i * MINUTE_MS);
    const struct view_alert *list = alerts_list(b, &n, &changed);
    assert_int_equal(n, 3);
    assert_true(list[0].alert.since_ms == 1000 && list[2].alert.since_ms == 4000);  // since it was first said, oldest first
    assert_int_equal(h.cleared, 1);
    alerts_free(b);
}

static void a_flood_of_alerts_is_bounded_and_counted(void **state)
{
    (void)state;
    static struct alert flood[5000];
    static char names[5000][16];
    struct heard h = {0};
    struct alerts *b = alerts_new(&(struct alerts_options){.notify = hear, .notify_arg = &h});
    for (int i = 0; i < 5000; i++) {
        snprintf(names[i], sizeof names[i], "t%d", i);
        flood[i] = (struct alert){"x", names[i], i == 4999 ? ALERT_CRITICAL : ALERT_INFO, 1, "w", "r"};
    }
    size_t n;
    bool changed;
    for (int i = 0; i < 3; i++)
        alerts_set(b, 0, "east", ALERTS_PLAN, flood, 5000, 1000 + i);
    const struct view_alert *list = alerts_list(b, &n, &changed);
    assert_int_equal(n, ALERTS_MAX + 1);
    assert_string_equal(list[0].alert.target, "t4999");  // the worst is never among those left out
    assert_int_equal(h.raised, ALERTS_MAX + 1);
    bool said = false;
    for (size_t i = 0; i < n; i++)
        said |= strcmp(list[i].alert.id, "alerts-many") == 0 && strstr(list[i].alert.what, "4800 more") != NULL;
    assert_true(said);
    alerts_free(b);
}

// ---- what the shell itself has to say -------------------------------------------------------------------------------------

static bool has(const struct alert *list, size_t n, const char *id, enum alert_severity severity)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].id, id) == 0)
            return list[i].severity == severity && list[i].what[0] && list[i].remedy[0];
    return false;
}

static void the_shell_tells_each_of_its_troubles_and_nothing_when_there_is_none(void **state)
{
    (void)state;
    struct arena a;
    struct alert list[SHELL_ALERTS_MAX];
    arena_init(&a, 1 << 20);
    struct shell_facts quiet = {.now_ms = at("2026-01-15T14:00:00Z"), .started_ms = at("2026-01-15T13:00:00Z")};
    assert_int_equal(shell_alerts(&quiet, &a, list), 0);
    struct shell_facts f = quiet;
    f.journal_error = f.restored_aside = f.policy_error = f.webhook_error = f.control_error = "why";
    f.policy_path = "p.json";
    f.add_only_until_ms = f.now_ms + 1;
    size_t n = shell_alerts(&f, &a, list);
    assert_int_equal(n, 6);
    assert_true(has(list, n, "journal-broken", ALERT_CRITICAL) && has(list, n, "crash-loop", ALERT_CRITICAL) &&
                has(list, n, "control-unreadable", ALERT_CRITICAL) && has(list, n, "state-set-aside", ALERT_WARNING) &&
                has(list, n, "policy-refused", ALERT_WARNING) && has(list, n, "webhook-failing", ALERT_WARNING));
    struct reach_facts fine = {.now_ms = f.now_ms, .cluster = "east", .tick_error = "", .credentials_left_ms = INT64_MAX, .credentials_source = "env"};
    assert_int_equal(reach_alerts(&fine, &a, list), 0);
    struct reach_facts one = fine;
    one.tick_error = "ListTasks: 503";
    one.failed_ticks = 1;  // a hiccup
    one.clock_off_ms = -5000;
    one.credentials_left_ms = 300000;
    assert_int_equal(reach_alerts(&one, &a, list), 0);
    one.failed_ticks = 2;
    one.clock_off_ms = -61000;
    one.credentials_left_ms = -1;
    one.breaker = "ecs fails (503)";
    n = reach_alerts(&one, &a, list);
    assert_true(n == 4 && has(list, n, "tick-failing", ALERT_CRITICAL) && has(list, n, "credentials-expiring", ALERT_CRITICAL) &&
                has(list, n, "clock-off", ALERT_CRITICAL) && has(list, n, "api-breaker", ALERT_WARNING));
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tag_names_a_mode_and_why),
        cmocka_unit_test(the_strictest_fleet_counts),
        cmocka_unit_test(g5_a_window_holds_over_changes_of_the_clock),
        cmocka_unit_test(the_minute_of_the_week_is_the_walls),
        cmocka_unit_test(the_strictest_window_counts_and_a_zone_that_is_gone_holds),
        cmocka_unit_test(a_switch_for_all_and_one_of_a_cluster_stand_beside_each_other),
        cmocka_unit_test(a_switch_ends_at_its_time_and_exemptions_with_what_they_are_from),
        cmocka_unit_test(more_switches_than_can_be_kept_are_refused),
        cmocka_unit_test(what_was_kept_and_is_broken_is_said),
        cmocka_unit_test(an_alert_is_told_once_reminded_each_hour_and_cleared_when_it_stays_away),
        cmocka_unit_test(sources_and_clusters_do_not_clear_each_others_alerts),
        cmocka_unit_test(a_flood_of_alerts_is_bounded_and_counted),
        cmocka_unit_test(the_shell_tells_each_of_its_troubles_and_nothing_when_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
