#include "tests/planner/build.h"

#include <string.h>

#include "planner/alert.h"

// Four instances, three full, the fourth to be drained; what the modes of safety.md section 4 let happen.
static struct build b;
static int fleet, web;

static int setup(void **state)
{
    (void)state;
    build_init(&b);
    int type = build_type(&b, "m5.xlarge", 4096, 15700);
    fleet = build_fleet(&b, "sfr-1", 4);
    build_pool(&b, fleet, type, 1000);
    int shape = build_shape(&b, "web:1", 1024, 2048);
    web = build_service(&b, "web", shape, 10);
    for (int k = 0; k < 4; k++)
        build_instance(&b, fleet, type);
    for (int k = 0; k < 3; k++)
        build_hold(&b, k, web, 3);
    build_hold(&b, 3, web, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static void control(enum control_mode m)
{
    b.s.control = (struct control){m, "POST /api/v1/pause by 10.0.0.7", "incident 4711", b.s.now_ms - HOUR, 0};
}

static void want_more(int32_t tasks)
{
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = tasks;
}

static void h2_a_run_drains_and_other_modes_begin_no_drain(void **state)
{
    (void)state;
    assert_int_equal(plan_count(build_ticks(&b, 3), ACTION_MARK), 1);
    static const enum control_mode modes[] = {CONTROL_ADD_ONLY, CONTROL_PAUSE, CONTROL_FREEZE};
    for (size_t k = 0; k < ARRAY_LEN(modes); k++) {
        b.has_memo = false;
        control(modes[k]);
        struct plan *p = build_ticks(&b, 6);
        assert_int_equal(p->action_count, 0);
        assert_string_equal(p->mode, control_mode_name(modes[k]));
        const struct verdict *v = plan_verdict(p, "i-004");
        assert_int_equal(v->code, VERDICT_HOLD);
        assert_non_null(strstr(v->fact, "by POST /api/v1/pause by 10.0.0.7"));
        assert_non_null(strstr(v->fact, "incident 4711"));
        assert_string_equal(plan_alert(p, "mode", "c")->what, v->fact);
    }
}

static void h2_need_is_ordered_in_add_only_and_not_in_pause_or_freeze(void **state)
{
    (void)state;
    static const struct {
        enum control_mode mode;
        bool orders;
    } cases[] = {{CONTROL_RUN, true}, {CONTROL_ADD_ONLY, true}, {CONTROL_PAUSE, false}, {CONTROL_FREEZE, false}};
    want_more(40);
    for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
        b.has_memo = false;
        control(cases[k].mode);
        struct plan *p = build_plan(&b);
        assert_int_equal(plan_target(p, "sfr-1") > 4, cases[k].orders);
        if (!cases[k].orders)
            assert_non_null(strstr(plan_verdict(p, "sfr-1")->fact, "incident 4711"));
    }
}

// V28: drained in every mode but freeze; in pause what is doomed is ordered, and no more than that.
static void h2_a_notice_is_answered_in_every_mode_but_freeze(void **state)
{
    (void)state;
    want_more(40);
    build_noticed(&b, 0);
    for (int m = CONTROL_RUN; m < CONTROL_COUNT; m++) {
        b.has_memo = false;
        control((enum control_mode)m);
        struct plan *p = build_plan(&b);
        bool frozen = m == CONTROL_FREEZE;
        assert_int_equal(plan_action(p, ACTION_DRAIN, "i-001") != NULL, !frozen);
        if (m == CONTROL_PAUSE)
            assert_int_equal(plan_target(p, "sfr-1"), 5);
        if (!frozen)
            continue;
        assert_int_equal(p->action_count, 0);
        const struct alert *a = plan_alert(p, "mode-unanswered", "c");
        assert_int_equal(a->severity, ALERT_CRITICAL);
        assert_non_null(strstr(a->what, "1 interrupted instance is not answered"));
        assert_string_equal(plan_verdict(p, "i-001")->verdict, "not answered");
    }
}

static void h2_pause_undoes_drains_that_are_not_empty_and_freeze_leaves_them(void **state)
{
    (void)state;
    build_ticks(&b, 3);
    build_drained(&b, 3);
    build_later(&b, 30 * SECOND);
    build_plan(&b);
    struct memo before = b.memo;
    build_later(&b, 30 * SECOND);
    control(CONTROL_FREEZE);
    assert_int_equal(build_plan(&b)->action_count, 0);
    assert_int_equal(memo_drain_of(&b.memo, "i-004")->state, DRAIN_DRAINING);
    b.memo = before;
    control(CONTROL_PAUSE);
    struct plan *p = build_plan(&b);
    assert_non_null(plan_action(p, ACTION_UNDRAIN, "i-004"));
    assert_non_null(strstr(plan_verdict(p, "i-004")->fact, "mode pause"));
}

static void h2_pause_neither_lowers_nor_ends_what_is_empty(void **state)
{
    (void)state;
    b.s.instances[3].holding_count = 0;
    b.s.instances[3].ecs_running = 0;
    b.s.instances[3].remaining = b.s.instances[3].registered;
    b.s.services[web].running = b.s.services[web].deployments[0].running = 9;
    want_more(9);
    build_ticks(&b, 3);
    build_drained(&b, 3);
    for (int k = 0; k < 4 && plan_count(&b.r.plan, ACTION_SET_TARGET) == 0; k++) {
        control(k < 1 ? CONTROL_RUN : CONTROL_PAUSE);
        build_later(&b, 30 * SECOND);
        build_plan(&b);
        assert_int_equal(plan_count(&b.r.plan, ACTION_SET_TARGET), 0);
        assert_int_equal(plan_count(&b.r.plan, ACTION_UNDRAIN), 0);
    }
    assert_int_equal(memo_drain_of(&b.memo, "i-004")->state, DRAIN_EMPTY);
    control(CONTROL_RUN);
    build_later(&b, 30 * SECOND);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 3);
}

static void h2_leaving_pause_or_freeze_holds_new_drains_as_a_start_does(void **state)
{
    (void)state;
    control(CONTROL_PAUSE);
    build_ticks(&b, 4);
    control(CONTROL_RUN);
    build_later(&b, 30 * SECOND);
    struct plan *p = build_plan(&b);
    assert_non_null(strstr(plan_verdict(p, "i-004")->fact, "pause or freeze was left"));
    for (int k = 0; k < 29; k++) {
        build_later(&b, 30 * SECOND);
        assert_int_equal(plan_count(build_plan(&b), ACTION_MARK), 0);
    }
    build_later(&b, 30 * SECOND);
    assert_int_equal(plan_count(build_ticks(&b, 3), ACTION_MARK), 1);
}

static void h2_a_fleet_may_be_paused_by_its_tag_and_the_others_go_on(void **state)
{
    (void)state;
    want_more(40);
    b.s.fleets[fleet].control = "pause";
    struct plan *p = build_plan(&b);
    assert_int_equal(p->action_count, 0);
    assert_string_equal(p->mode, "act");
    assert_non_null(strstr(plan_alert(p, "mode", "sfr-1")->what, "masu:mode=pause"));
    b.s.fleets[fleet].control = "stpo";  // a word that nobody knows
    assert_int_equal(build_plan(&b)->action_count, 0);
    b.s.fleets[fleet].control = "run";
    assert_true(plan_target(build_plan(&b), "sfr-1") > 4);
}

static void g6_a_clock_that_is_a_minute_off_removes_nothing(void **state)
{
    (void)state;
    static const int64_t off[] = {61 * SECOND, -61 * SECOND};
    for (size_t k = 0; k < ARRAY_LEN(off); k++) {
        b.has_memo = false;
        b.s.clock_off_ms = off[k];
        struct plan *p = build_ticks(&b, 6);
        assert_int_equal(p->action_count, 0);
        assert_string_equal(p->mode, "add-only");
    }
    b.has_memo = false;
    b.s.clock_off_ms = 60 * SECOND;
    assert_int_equal(plan_count(build_ticks(&b, 3), ACTION_MARK), 1);
}

// The clock was half an hour ahead and is right again, in a look that is not whole: what the memo dates from then begins now.
static void g6_a_clock_that_is_set_back_moves_what_the_memo_remembers_to_now(void **state)
{
    (void)state;
    static const int64_t back[] = {30 * MINUTE, 30 * SECOND};
    for (size_t k = 0; k < ARRAY_LEN(back); k++) {
        b.has_memo = false;
        build_ticks(&b, 2);  // unneeded, and not yet for long enough
        build_later(&b, -back[k]);
        b.s.sources[SOURCE_EC2_INSTANCES].state = SOURCE_UNKNOWN;
        assert_int_equal(build_plan(&b)->action_count, 0);
        assert_true(b.memo.stamp_count > 0);
        for (size_t i = 0; i < b.memo.stamp_count; i++)
            assert_true(b.memo.stamps[i].since_ms <= b.s.now_ms);
        b.s.sources[SOURCE_EC2_INSTANCES].state = SOURCE_OK;
        build_later(&b, 30 * SECOND);
        assert_int_equal(plan_count(build_ticks(&b, 3), ACTION_MARK), 1);  // by a minute of the right clock
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(h2_a_run_drains_and_other_modes_begin_no_drain),
        TEST(h2_need_is_ordered_in_add_only_and_not_in_pause_or_freeze),
        TEST(h2_a_notice_is_answered_in_every_mode_but_freeze),
        TEST(h2_pause_undoes_drains_that_are_not_empty_and_freeze_leaves_them),
        TEST(h2_pause_neither_lowers_nor_ends_what_is_empty),
        TEST(h2_leaving_pause_or_freeze_holds_new_drains_as_a_start_does),
        TEST(h2_a_fleet_may_be_paused_by_its_tag_and_the_others_go_on),
        TEST(g6_a_clock_that_is_a_minute_off_removes_nothing),
        TEST(g6_a_clock_that_is_set_back_moves_what_the_memo_remembers_to_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
