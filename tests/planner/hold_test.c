#include "tests/planner/build.h"

#include <string.h>

// Four instances, three full, the fourth to be drained: what holds or undoes that (H5, J4, C11, C12, H1, A10).
static struct build b;
static int type, fleet, shape, web;

static int setup(void **state)
{
    (void)state;
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    fleet = build_fleet(&b, "sfr-1", 4);
    build_pool(&b, fleet, type, 1000);
    shape = build_shape(&b, "web:1", 1024, 2048);
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

static struct plan *next(void)
{
    build_later(&b, 30 * SECOND);
    return build_plan(&b);
}

static void to_draining(void)
{
    build_ticks(&b, 3);
    build_drained(&b, 3);
    next();
    assert_int_equal(memo_drain_of(&b.memo, "i-004")->state, DRAIN_DRAINING);
}

// Of raised and lowered fleets `count` is what was wanted, in CPU units, and `amount` one more than the forecast's level.
static void stamp(enum memo_stamp_kind k, int64_t since_ms, int32_t count, int64_t amount)
{
    b.memo.stamps = arena_grow(&b.a, b.memo.stamps, b.memo.stamp_count, &b.memo.stamp_cap, sizeof *b.memo.stamps);
    b.memo.stamps[b.memo.stamp_count++] = (struct memo_stamp){k, "sfr-1", since_ms, 0, count, amount};
}

// H5: the third turn within the hour holds the fleet's drains for an hour, the next for two.
static void h5_three_reversals_in_an_hour_hold_new_drains(void **state)
{
    (void)state;
    for (int holds = 0; holds < 5; holds++) {
        b.has_memo = false;
        b.s.services[web].desired = b.s.services[web].deployments[0].desired = 10;
        build_ticks(&b, 2);
        stamp(STAMP_RAISED, b.s.now_ms - 10 * MINUTE, 0, 0);
        stamp(STAMP_LOWERED, b.s.now_ms - 20 * MINUTE, 0, 0);
        stamp(STAMP_REVERSAL, b.s.now_ms - 30 * MINUTE, 2, holds);
        assert_int_equal(plan_count(next(), ACTION_MARK), 1);
        static const int64_t hours[] = {1, 2, 4, 6, 6};
        assert_int_equal(memo_stamp_of(&b.memo, STAMP_REVERSAL, "sfr-1")->until_ms, b.s.now_ms + hours[holds] * HOUR);
        struct memo held = b.memo;
        held.drain_count = 0;  // as if it never began
        b.memo = held;
        struct plan *p = next();
        assert_int_equal(plan_count(p, ACTION_MARK), 0);
        assert_non_null(strstr(plan_alert(p, "fleet-loop", "sfr-1")->what, "3 times in turn"));
        b.s.services[web].desired = b.s.services[web].deployments[0].desired = 40;
        assert_true(plan_target(next(), "sfr-1") > 4);  // an order is never held by it
    }
}

static void h5_raises_and_drains_further_apart_are_no_loop(void **state)
{
    (void)state;
    build_ticks(&b, 2);
    stamp(STAMP_RAISED, b.s.now_ms - 61 * MINUTE, 0, 0);
    stamp(STAMP_LOWERED, b.s.now_ms - 70 * MINUTE, 0, 0);
    stamp(STAMP_REVERSAL, b.s.now_ms - 30 * MINUTE, 2, 0);
    assert_int_equal(plan_count(next(), ACTION_MARK), 1);
    assert_int_equal(memo_stamp_of(&b.memo, STAMP_REVERSAL, "sfr-1")->until_ms, 0);
}

// What follows demand is no turn, though it be the third of the hour: a drain when less is wanted than at the raise, a raise when more than at the drain.
static void h5_what_follows_demand_is_no_loop(void **state)
{
    (void)state;
    enum { WEB_UNITS = 1024, WANTED = 10 * WEB_UNITS };
    for (int32_t more = -1; more <= 1; more++) {
        b.has_memo = false;
        b.s.services[web].desired = b.s.services[web].deployments[0].desired = 10;
        build_ticks(&b, 2);
        stamp(STAMP_RAISED, b.s.now_ms - 10 * MINUTE, 0, 0);
        b.memo.stamps[b.memo.stamp_count - 1].count = WANTED + more;
        stamp(STAMP_LOWERED, b.s.now_ms - 20 * MINUTE, 0, 0);
        stamp(STAMP_REVERSAL, b.s.now_ms - 30 * MINUTE, 2, 0);
        assert_int_equal(plan_count(next(), ACTION_MARK), 1);
        assert_int_equal(memo_stamp_of(&b.memo, STAMP_LOWERED, "sfr-1")->count, WANTED);
        assert_int_equal(memo_stamp_of(&b.memo, STAMP_REVERSAL, "sfr-1")->until_ms > 0, more <= 0);
    }
    for (int32_t more = -1; more <= 1; more++) {
        b.has_memo = false;
        b.s.services[web].desired = b.s.services[web].deployments[0].desired = 10;
        build_ticks(&b, 2);
        stamp(STAMP_LOWERED, b.s.now_ms - 10 * MINUTE, 0, 0);
        b.memo.stamps[b.memo.stamp_count - 1].count = 4 * WANTED + more;
        stamp(STAMP_RAISED, b.s.now_ms - 20 * MINUTE, 0, 0);
        stamp(STAMP_REVERSAL, b.s.now_ms - 30 * MINUTE, 2, 0);
        b.s.services[web].desired = b.s.services[web].deployments[0].desired = 40;
        assert_true(plan_target(next(), "sfr-1") > 4);
        assert_int_equal(memo_stamp_of(&b.memo, STAMP_RAISED, "sfr-1")->count, 4 * WANTED);
        assert_int_equal(memo_stamp_of(&b.memo, STAMP_REVERSAL, "sfr-1")->until_ms > 0, more >= 0);
    }
}

// Memory counts where it is more, at 4 MiB a CPU unit.
static void h5_what_is_wanted_is_the_larger_of_cpu_and_memory(void **state)
{
    (void)state;
    b.s.shapes[shape].need = res_make(512, 3000);
    build_ticks(&b, 2);
    assert_int_equal(plan_count(next(), ACTION_MARK), 1);
    assert_int_equal(memo_stamp_of(&b.memo, STAMP_LOWERED, "sfr-1")->count, 10 * 3000 / 4);
}

static void h5_more_wanted_than_at_the_drain_ends_a_hold_without_a_forecast_too(void **state)
{
    (void)state;
    for (int32_t desired = 12; desired <= 13; desired++) {
        b.has_memo = false;
        b.s.services[web].desired = b.s.services[web].deployments[0].desired = 10;
        build_ticks(&b, 2);
        stamp(STAMP_LOWERED, b.s.now_ms - 10 * MINUTE, 0, 0);
        b.memo.stamps[b.memo.stamp_count - 1].count = 12 * 1024;
        stamp(STAMP_RAISED, b.s.now_ms - 5 * MINUTE, 0, 0);
        stamp(STAMP_REVERSAL, b.s.now_ms - 30 * MINUTE, 0, 1);
        b.memo.stamps[b.memo.stamp_count - 1].until_ms = b.s.now_ms + HOUR;
        b.s.services[web].desired = b.s.services[web].deployments[0].desired = desired;
        next();
        assert_int_equal(memo_stamp_of(&b.memo, STAMP_REVERSAL, "sfr-1")->until_ms <= b.s.now_ms, desired == 13);
    }
}

// With a forecast its levels are compared: what was raised to against what is kept now.
static void h5_what_the_forecast_foresees_is_no_loop(void **state)
{
    (void)state;
    b.p.waiting_costs_milli = 10000;
    for (int k = 0; k < 2; k++) {
        b.has_memo = false;
        b.s.outlook = (struct outlook){.at_ms = b.s.now_ms, .need_milli = 2500, .up = 3, .keep = 3, .boot_ms = 2 * MINUTE};
        build_ticks(&b, 2);
        stamp(STAMP_RAISED, b.s.now_ms - 10 * MINUTE, 0, k == 0 ? 5 : 4);
        stamp(STAMP_LOWERED, b.s.now_ms - 20 * MINUTE, 0, 4);
        stamp(STAMP_REVERSAL, b.s.now_ms - 30 * MINUTE, 2, 0);
        build_later(&b, 30 * SECOND);
        b.s.outlook.at_ms = b.s.now_ms;
        assert_int_equal(plan_count(build_plan(&b), ACTION_MARK), 1);
        assert_int_equal(memo_stamp_of(&b.memo, STAMP_LOWERED, "sfr-1")->amount, 4);
        assert_int_equal(memo_stamp_of(&b.memo, STAMP_REVERSAL, "sfr-1")->until_ms > 0, k == 1);
    }
}

// Nothing wanted is a level as well: demand that falls to nothing and comes back again and again is followed, not held with all that it had.
static void h5_demand_that_falls_to_nothing_and_comes_back_is_no_loop(void **state)
{
    (void)state;
    b.p.waiting_costs_milli = 10000;
    struct service *x = &b.s.services[web];
    x->desired = x->running = x->deployments[0].desired = x->deployments[0].running = 0;
    for (size_t k = 0; k < b.s.instance_count; k++) {
        struct instance *y = &b.s.instances[k];
        y->holding_count = 0;
        y->ecs_running = 0;
        y->remaining = y->registered;
    }
    b.s.outlook = (struct outlook){.at_ms = b.s.now_ms, .boot_ms = 2 * MINUTE};
    build_ticks(&b, 2);
    stamp(STAMP_RAISED, b.s.now_ms - 10 * MINUTE, 0, 5);
    stamp(STAMP_LOWERED, b.s.now_ms - 20 * MINUTE, 0, 1);
    stamp(STAMP_REVERSAL, b.s.now_ms - 30 * MINUTE, 2, 0);
    build_later(&b, 30 * SECOND);
    b.s.outlook.at_ms = b.s.now_ms;
    assert_true(plan_count(build_plan(&b), ACTION_MARK) > 0);
    assert_int_equal(memo_stamp_of(&b.memo, STAMP_LOWERED, "sfr-1")->amount, 1);
    assert_int_equal(memo_stamp_of(&b.memo, STAMP_REVERSAL, "sfr-1")->until_ms, 0);

    build_later(&b, 30 * SECOND);
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 40;
    b.s.outlook = (struct outlook){.at_ms = b.s.now_ms, .need_milli = 10000, .up = 10, .keep = 10, .boot_ms = 2 * MINUTE};
    assert_true(plan_target(build_plan(&b), "sfr-1") > 4);
    assert_int_equal(memo_stamp_of(&b.memo, STAMP_REVERSAL, "sfr-1")->until_ms, 0);
}

// Capacity that new demand asked for is no part of the loop: more wanted than what was drained to ends the hold. A raise that is only foreseen does not.
static void h5_demand_above_what_was_drained_to_ends_the_hold_and_a_forecast_does_not(void **state)
{
    (void)state;
    static const struct {
        int64_t lowered;
        int32_t desired;
        bool ends;
    } cases[] = {{7, 24, false}, {3, 24, true}, {3, 12, false}};
    b.p.waiting_costs_milli = 10000;
    for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
        b.has_memo = false;
        b.s.services[web].desired = b.s.services[web].deployments[0].desired = 10;
        b.s.outlook.at_ms = 0;
        build_ticks(&b, 2);
        stamp(STAMP_LOWERED, b.s.now_ms - 10 * MINUTE, 0, cases[k].lowered + 1);
        stamp(STAMP_RAISED, b.s.now_ms - 5 * MINUTE, 0, 0);
        stamp(STAMP_REVERSAL, b.s.now_ms - 30 * MINUTE, 0, 1);
        b.memo.stamps[b.memo.stamp_count - 1].until_ms = b.s.now_ms + HOUR;
        build_later(&b, 30 * SECOND);
        b.s.services[web].desired = b.s.services[web].deployments[0].desired = cases[k].desired;
        b.s.outlook = (struct outlook){.at_ms = b.s.now_ms, .need_milli = cases[k].desired * 250, .up = 8, .keep = 8, .boot_ms = 2 * MINUTE};
        assert_true(plan_target(build_plan(&b), "sfr-1") > 4);
        assert_true(memo_stamp_of(&b.memo, STAMP_RAISED, "sfr-1")->amount > 3);
        assert_int_equal(memo_stamp_of(&b.memo, STAMP_REVERSAL, "sfr-1")->until_ms <= b.s.now_ms, cases[k].ends);
    }
}

static void j4_a_denied_call_holds_new_drains_but_for_a_try_an_hour(void **state)
{
    (void)state;
    b.s.fleets[fleet].denied = "ec2:TerminateInstances";
    int held = 0;
    struct plan *p = build_plan(&b);
    while (plan_count(p, ACTION_MARK) == 0 && held < 200) {
        assert_non_null(strstr(plan_verdict(p, "i-004")->fact, held < 119 ? "ec2:TerminateInstances" : ""));
        held++;
        p = next();
    }
    assert_in_range(held, 120, 124);
    b.has_memo = false;
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 40;
    assert_true(plan_target(build_plan(&b), "sfr-1") > 4);
}

static void j4_drains_before_lowering_are_undone_when_a_step_is_denied(void **state)
{
    (void)state;
    to_draining();
    b.s.fleets[fleet].denied = "ec2:ModifySpotFleetRequest";
    struct plan *p = next();
    assert_non_null(plan_action(p, ACTION_UNDRAIN, "i-004"));
    assert_non_null(strstr(plan_verdict(p, "i-004")->fact, "ec2:ModifySpotFleetRequest"));
}

static void c11_an_instance_with_a_volume_attached_later_is_no_candidate(void **state)
{
    (void)state;
    b.s.instances[3].volume_attached = true;
    struct plan *p = build_ticks(&b, 6);
    assert_int_equal(plan_count(p, ACTION_MARK), 0);
    assert_int_equal(plan_verdict(p, "i-004")->code, VERDICT_KEEP);
    assert_non_null(strstr(plan_verdict(p, "i-004")->fact, "volume"));
}

static void c11_a_volume_attached_in_mid_drain_undoes_it(void **state)
{
    (void)state;
    to_draining();
    b.s.instances[3].volume_attached = true;
    assert_non_null(plan_action(next(), ACTION_UNDRAIN, "i-004"));
}

static void h1_a_fleet_dropped_in_mid_drain_gets_its_instance_back(void **state)
{
    (void)state;
    to_draining();
    b.s.instances[3].fleet = -1;
    struct plan *p = next();
    assert_non_null(plan_action(p, ACTION_UNDRAIN, "i-004"));
    b.has_memo = false;
    b.s.instances[3].fleet = fleet;
    build_plan(&b);
    b.s.instances[3].fleet = -1;
    b.s.sources[SOURCE_FLEETS].state = SOURCE_UNKNOWN;  // not read is not dropped
    assert_null(plan_action(build_plan(&b), ACTION_UNDRAIN, "i-004"));
}

// L8: what the lists no longer show and EC2 did not end holds removal for a quarter of an hour; what EC2 ended does not.
static struct plan *members_leave(int count, bool ended)
{
    for (int k = 0; k < 6; k++)
        build_instance(&b, fleet, type);
    b.s.fleets[fleet].target = 10;
    build_plan(&b);
    build_later(&b, 30 * SECOND);
    b.s.fleets[fleet].target = 10 - count;
    for (int k = 10 - count; k < 10 && ended; k++) {
        b.s.instances[k].ecs = ECS_UNREGISTERED;
        b.s.instances[k].ec2 = EC2_TERMINATED;
    }
    if (!ended)
        b.s.instance_count -= (size_t)count;
    return build_plan(&b);
}

static void l8_members_that_leave_unseen_hold_scale_in(void **state)
{
    (void)state;
    struct plan *p = members_leave(3, false);
    assert_non_null(strstr(plan_alert(p, "mass-trouble", "c")->what, "members left between two looks"));
    build_ticks(&b, 29);
    assert_int_equal(b.memo.drains_begun, 0);
    build_ticks(&b, 6);  // 15 min after it, and L2
    assert_true(b.memo.drains_begun > 0);
}

static void l8_members_that_ec2_ended_hold_nothing(void **state)
{
    (void)state;
    members_leave(3, true);
    next();
    assert_true(b.memo.drains_begun > 0);
}

// As many that ended long ago are shown no more.
static void l8_members_that_we_ended_hold_nothing_while_others_are_forgotten(void **state)
{
    (void)state;
    struct memo_drain drains[3];
    for (int k = 0; k < 9; k++)
        build_instance(&b, fleet, type);
    for (int k = 10; k < 13; k++) {
        b.s.instances[k].ecs = ECS_UNREGISTERED;
        b.s.instances[k].ec2 = EC2_TERMINATED;
    }
    b.s.fleets[fleet].target = 7;
    for (int ours = 0; ours < 2; ours++) {
        b.has_memo = false;
        b.s.instance_count = 13;
        for (int k = 7; k < 10; k++) {
            b.s.instances[k].ecs = ECS_ACTIVE;
            b.s.instances[k].ec2 = EC2_RUNNING;
        }
        build_plan(&b);
        for (int k = 0; k < 3; k++)
            drains[k] = (struct memo_drain){.instance = b.s.instances[7 + k].id, .state = DRAIN_ENDING, .since_ms = b.s.now_ms, .state_since_ms = b.s.now_ms,
                                            .deadline_ms = b.s.now_ms + 10 * MINUTE, .reason = ""};
        b.memo.drains = drains;
        b.memo.drain_count = ours ? 3 : 0;
        build_later(&b, 30 * SECOND);
        for (int k = 7; k < 10; k++) {
            b.s.instances[k].ecs = ECS_UNREGISTERED;
            b.s.instances[k].ec2 = EC2_TERMINATED;
        }
        b.s.instance_count = 10;
        build_plan(&b);
        assert_int_equal(memo_stamp_of(&b.memo, STAMP_MEMBERS, "c")->until_ms == 0, ours);
    }
}

static void l8_looks_that_are_far_apart_are_not_compared(void **state)
{
    (void)state;
    build_plan(&b);
    build_later(&b, 20 * MINUTE);
    struct memo_stamp *was = (struct memo_stamp *)memo_stamp_of(&b.memo, STAMP_MEMBERS, "c");
    assert_int_equal(was->count, 4);
    was->count = 40;
    build_plan(&b);
    assert_int_equal(memo_stamp_of(&b.memo, STAMP_MEMBERS, "c")->until_ms, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

// What a notice takes in the same tick is gone for the others of its service: an instant fleet's loss is no open order that would hold scale-in.
static void v6_tasks_that_a_notice_takes_are_not_there_to_be_moved(void **state)
{
    (void)state;
    int small = build_shape(&b, "one:1", 64, 128), one = build_service(&b, "one", small, 10), doomed = build_instance(&b, fleet, type);
    b.s.services[one].min_percent = 50;
    b.s.fleets[fleet].kind = FLEET_INSTANT;
    build_hold(&b, 3, one, 1);
    build_hold(&b, doomed, one, 1);
    build_hold(&b, 0, one, 8);
    build_ticks(&b, 2);
    build_noticed(&b, doomed);
    const struct plan *p = build_plan(&b);
    assert_non_null(plan_action(p, ACTION_DRAIN, "i-005"));
    assert_null(plan_action(p, ACTION_DRAIN, "i-004"));
    assert_non_null(strstr(plan_verdict(p, "i-004")->fact, "one would run 8 of 10 healthy, least 9"));
}

// Three of five run, and ECS may stop none below half of five, which is three: but four or less may be wanted in the next minute.
static void v6_a_service_that_lacks_tasks_is_not_trusted_to_stay_as_large(void **state)
{
    (void)state;
    int one = build_service(&b, "one", build_shape(&b, "one:1", 64, 128), 5);
    b.s.services[one].min_percent = 50;
    build_hold(&b, 3, one, 1);
    build_hold(&b, 0, one, 2);
    struct holding *starts = &b.s.instances[0].holdings[b.s.instances[0].holding_count - 1];
    starts->pending = b.s.services[one].pending = b.s.instances[0].ecs_pending = 2;
    const struct plan *p = build_ticks(&b, 3);
    assert_null(plan_action(p, ACTION_DRAIN, "i-004"));
    assert_non_null(strstr(plan_verdict(p, "i-004")->fact, "one would run 2 of 4 healthy, least 3"));
    b.s.services[one].min_percent = 100;  // whatever is wanted, a task comes before one goes
    build_ticks(&b, 3);
    assert_non_null(memo_drain_of(&b.memo, "i-004"));
}

// What the fleet launched for a member that ended is there before a look shows it: the order is not withdrawn under it.
static void a10_nothing_is_withdrawn_while_a_member_ends(void **state)
{
    (void)state;
    b.s.fleets[fleet].target = 6;
    struct memo_target targets[] = {{"sfr-1", 6, T0 - 5 * MINUTE}};
    b.memo = (struct memo){.version = MEMO_VERSION, .now_ms = T0 - 30 * SECOND, .targets = targets, .target_count = 1};
    b.has_memo = true;
    b.s.services[web].running = 10;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), -1);
    enum ec2_state was = b.s.instances[3].ec2;
    b.s.instances[3].ec2 = EC2_SHUTTING_DOWN;
    for (int k = 0; k < 5; k++)
        assert_int_equal(plan_target(next(), "sfr-1"), -1);
    b.s.instances[3].ec2 = was;  // as if another of that kind had come
    assert_int_equal(plan_target(next(), "sfr-1"), -1);
    next();
    assert_int_equal(plan_target(next(), "sfr-1"), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a10_nothing_is_withdrawn_while_a_member_ends),
        TEST(h5_three_reversals_in_an_hour_hold_new_drains),
        TEST(h5_raises_and_drains_further_apart_are_no_loop),
        TEST(h5_what_follows_demand_is_no_loop),
        TEST(h5_what_is_wanted_is_the_larger_of_cpu_and_memory),
        TEST(h5_more_wanted_than_at_the_drain_ends_a_hold_without_a_forecast_too),
        TEST(h5_demand_above_what_was_drained_to_ends_the_hold_and_a_forecast_does_not),
        TEST(h5_what_the_forecast_foresees_is_no_loop),
        TEST(h5_demand_that_falls_to_nothing_and_comes_back_is_no_loop),
        TEST(j4_a_denied_call_holds_new_drains_but_for_a_try_an_hour),
        TEST(j4_drains_before_lowering_are_undone_when_a_step_is_denied),
        TEST(c11_an_instance_with_a_volume_attached_later_is_no_candidate),
        TEST(c11_a_volume_attached_in_mid_drain_undoes_it),
        TEST(l8_members_that_leave_unseen_hold_scale_in),
        TEST(l8_members_that_ec2_ended_hold_nothing),
        TEST(l8_members_that_we_ended_hold_nothing_while_others_are_forgotten),
        TEST(l8_looks_that_are_far_apart_are_not_compared),
        TEST(h1_a_fleet_dropped_in_mid_drain_gets_its_instance_back),
        TEST(v6_tasks_that_a_notice_takes_are_not_there_to_be_moved),
        TEST(v6_a_service_that_lacks_tasks_is_not_trusted_to_stay_as_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
