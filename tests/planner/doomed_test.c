// The fleet's target around those that end: what a notice takes, what is ordered and no longer wanted, what others and late looks say of it.
#include "tests/planner/drain_bed.h"

static void d1_a_notice_drains_and_orders_in_the_same_tick(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        b.s.instances[inst[k]].holdings[0].running = 4;
        b.s.instances[inst[k]].ecs_running = 4;
    }
    victim()->holdings[0].running = victim()->ecs_running = 4;
    b.s.services[web].desired = b.s.services[web].running = 16;
    build_noticed(&b, inst[1]);
    struct plan *p = build_plan(&b);
    const struct action *x = plan_action(p, ACTION_DRAIN, "i-002");
    assert_non_null(x);
    assert_string_equal(x->value, "reason=notice");
    assert_int_equal(x->recheck, RECHECK_NONE);
    assert_int_equal(plan_target(p, "sfr-1"), 5);  // the doomed one still counts in what is fulfilled (A4)
}

// i-002 is doomed and drains, and we sent the target that the fleet shows.
static void to_doomed_ordered(void **state, int64_t target)
{
    static struct memo_target sent;
    d1_a_notice_drains_and_orders_in_the_same_tick(state);
    sent = (struct memo_target){"sfr-1", target, T0};
    b.s.fleets[fleet].target = target;
    b.memo.targets = &sent;
    b.memo.target_count = 1;
    b.s.instances[inst[1]].ecs = ECS_DRAINING;
}

static void a4_the_doomed_weight_leaves_the_target_once_the_replacement_is_launched(void **state)
{
    (void)state;
    d1_a_notice_drains_and_orders_in_the_same_tick(state);
    b.s.fleets[fleet].target = 5;
    b.s.instances[inst[1]].ecs = ECS_DRAINING;
    int i = build_instance(&b, fleet, type);
    b.s.instances[i].ecs = ECS_UNREGISTERED;
    b.s.instances[i].launched_ms = T0 + 5 * SECOND;
    struct plan *p = next();
    assert_int_equal(plan_target(p, "sfr-1"), 4);
}

// i-002 is doomed and the others hold its tasks: no replacement is wanted.
static void to_doomed_unwanted(void)
{
    build_noticed(&b, inst[1]);
    b.s.instances[inst[1]].holdings[0].running = b.s.instances[inst[1]].ecs_running = 0;
    b.s.services[web].desired = b.s.services[web].running = 7;
    b.p.scale_in = true;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), -1);  // the look may be older than the notice
    b.s.instances[inst[1]].ecs = ECS_DRAINING;
}

static void a4_the_doomed_weight_leaves_at_once_where_no_replacement_is_wanted(void **state)
{
    (void)state;
    to_doomed_unwanted();
    assert_int_equal(plan_target(next(), "sfr-1"), 3);
}

static void a4_once_the_doomed_may_have_been_replaced_a_late_look_lowers_nothing(void **state)
{
    (void)state;
    to_doomed_unwanted();
    b.p.scale_in = false;  // so the fleet is to replace it
    for (int k = 0; k < 3; k++)
        assert_int_equal(plan_target(next(), "sfr-1"), -1);
    b.p.scale_in = true;
    for (int k = 0; k < 3; k++)  // 2 min after the notice and later, and yet the look shows that it runs, and nobody else
        assert_int_equal(plan_target(next(), "sfr-1"), -1);
}

static void a4_what_is_still_on_order_may_be_there_and_is_waited_for_while_there_is_time(void **state)
{
    (void)state;
    to_doomed_ordered(state, 6);  // two of the lightest were ordered; one is seen, and it holds what waits
    int i = build_instance(&b, fleet, type);
    b.s.instances[i].ecs = ECS_UNREGISTERED;
    b.s.instances[i].launched_ms = T0 + 5 * SECOND;
    assert_int_equal(plan_target(next(), "sfr-1"), -1);
    assert_int_equal(plan_target(next(), "sfr-1"), -1);
    assert_int_equal(plan_target(next(), "sfr-1"), 4);  // 100 s after the notice
}

// Its pools are dry: had the doomed one stayed in the target to its end, the fleet would launch its weight and what was ordered, when it can.
static void a4_what_was_ordered_stays_alone_on_order_when_the_doomed_end_and_nothing_is_launched(void **state)
{
    (void)state;
    to_doomed_ordered(state, 5);
    assert_int_equal(plan_target(next(), "sfr-1"), -1);
    assert_int_equal(plan_target(next(), "sfr-1"), -1);
    assert_int_equal(plan_target(next(), "sfr-1"), 4);  // 100 s after the notice: three that stay, one on order
}

// It was launched, as the fleet tells, and no look shows it yet: what stays is more than the sum of what is seen.
static void v4_what_was_launched_and_is_not_seen_yet_is_no_order_and_stays_in_the_target(void **state)
{
    (void)state;
    to_doomed_ordered(state, 6);
    b.unseen_milli = 2000;
    for (int k = 0; k < 3; k++)
        assert_int_equal(plan_target(next(), "sfr-1"), -1);  // three, the doomed one, and two
}

// What the fleet counts is not what we see.
static int64_t target_while_it_counts(int64_t fulfilled_milli, int64_t later_ms)
{
    struct err err = {0};
    build_later(&b, later_ms);
    build_settle(&b);
    b.s.fleets[fleet].fulfilled_milli = fulfilled_milli;
    struct planner_input in = {&b.s, &b.memo, &b.p};
    assert_int_equal(planner_run(&in, &b.a, &b.r, &err), 0);
    b.memo = b.r.memo;
    return plan_target(&b.r.plan, "sfr-1");
}

static void a4_what_a_fleet_launches_that_forgot_the_doomed_stays_in_its_target(void **state)
{
    (void)state;
    to_doomed_unwanted();
    for (int k = 0; k < 12; k++)  // it counts the survivors only, and its replacement is not to be seen
        assert_int_equal(target_while_it_counts(3000, 10 * SECOND), -1);
}

static void a4_a_fleet_that_forgets_the_doomed_at_the_notice_replaces_it_itself(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        b.s.instances[inst[k]].holdings[0].running = 4;
        b.s.instances[inst[k]].ecs_running = 4;
    }
    b.s.services[web].desired = b.s.services[web].running = 16;
    build_noticed(&b, inst[1]);
    struct err err = {0};
    b.s.fleets[fleet].fulfilled_milli = 3000;
    struct planner_input in = {&b.s, NULL, &b.p};
    assert_int_equal(planner_run(&in, &b.a, &b.r, &err), 0);
    assert_int_equal(plan_target(&b.r.plan, "sfr-1"), -1);
}

static void a10_what_was_ordered_and_is_no_longer_wanted_is_withdrawn(void **state)
{
    (void)state;
    b.s.fleets[fleet].target = 6;
    struct memo_target targets[] = {{"sfr-1", 6, T0 - 5 * MINUTE}};
    b.memo = (struct memo){.version = MEMO_VERSION, .now_ms = T0 - 30 * SECOND, .targets = targets, .target_count = 1};
    b.has_memo = true;
    b.s.services[web].running = 10;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), -1);
    next();
    assert_int_equal(plan_target(next(), "sfr-1"), 4);
}

static void a10_nothing_is_withdrawn_while_the_fleet_counts_members_that_we_do_not_see(void **state)
{
    (void)state;
    b.s.fleets[fleet].target = 6;
    struct memo_target targets[] = {{"sfr-1", 6, T0 - 5 * MINUTE}};
    b.memo = (struct memo){.version = MEMO_VERSION, .now_ms = T0 - 30 * SECOND, .targets = targets, .target_count = 1};
    b.has_memo = true;
    b.s.services[web].running = 10;
    for (int k = 0; k < 6; k++)
        assert_int_equal(target_while_it_counts(6000, 30 * SECOND), -1);
    for (int k = 0; k < 2; k++)
        assert_int_equal(target_while_it_counts(4000, 30 * SECOND), -1);
    assert_int_equal(target_while_it_counts(4000, 30 * SECOND), 4);
}

// Shown is what was before: to raise that would be to lower what is.
static void j1_a_target_that_we_sent_counts_for_as_long_as_looks_at_fleets_fail(void **state)
{
    (void)state;
    struct memo_target targets[] = {{"sfr-1", 8, T0}};
    b.memo = (struct memo){.version = MEMO_VERSION, .now_ms = T0, .targets = targets, .target_count = 1};
    b.has_memo = true;
    for (int k = 0; k < 3; k++)
        build_hold(&b, inst[k], web, 1);
    b.s.services[web].desired = b.s.services[web].running = 13;
    build_later(&b, 10 * MINUTE);
    b.s.services[web].desired = 20;
    b.s.sources[SOURCE_FLEETS].state = SOURCE_PARTIAL;
    b.s.sources[SOURCE_FLEETS].read_ms = T0 - 30 * SECOND;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), -1);  // eight hold them
    b.s.services[web].desired = 40;
    assert_true(plan_target(build_plan(&b), "sfr-1") > 8);
}

static void a6_a_target_that_another_raised_is_kept_for_half_an_hour(void **state)
{
    (void)state;
    b.s.fleets[fleet].target = 6;
    for (int k = 0; k < 10; k++)
        assert_int_equal(plan_target(next(), "sfr-1"), -1);
    build_later(&b, 30 * MINUTE);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 4);
}

static void v23_a_target_left_low_goes_back_to_the_sum(void **state)
{
    (void)state;
    b.p.scale_in = false;
    b.s.fleets[fleet].target = 2;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), -1);
    next();
    assert_int_equal(plan_target(next(), "sfr-1"), 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(d1_a_notice_drains_and_orders_in_the_same_tick),
        TEST(a4_the_doomed_weight_leaves_the_target_once_the_replacement_is_launched),
        TEST(a4_the_doomed_weight_leaves_at_once_where_no_replacement_is_wanted),
        TEST(a4_once_the_doomed_may_have_been_replaced_a_late_look_lowers_nothing),
        TEST(a4_what_is_still_on_order_may_be_there_and_is_waited_for_while_there_is_time),
        TEST(a4_what_was_ordered_stays_alone_on_order_when_the_doomed_end_and_nothing_is_launched),
        TEST(v4_what_was_launched_and_is_not_seen_yet_is_no_order_and_stays_in_the_target),
        TEST(a4_what_a_fleet_launches_that_forgot_the_doomed_stays_in_its_target),
        TEST(a4_a_fleet_that_forgets_the_doomed_at_the_notice_replaces_it_itself),
        TEST(a10_what_was_ordered_and_is_no_longer_wanted_is_withdrawn),
        TEST(a10_nothing_is_withdrawn_while_the_fleet_counts_members_that_we_do_not_see),
        TEST(j1_a_target_that_we_sent_counts_for_as_long_as_looks_at_fleets_fail),
        TEST(a6_a_target_that_another_raised_is_kept_for_half_an_hour),
        TEST(v23_a_target_left_low_goes_back_to_the_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
