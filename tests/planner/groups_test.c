// Auto Scaling groups: stories b1 to b6 (safety.md), each against a plan.
#include <string.h>

#include "planner/drain.h"
#include "planner/groups.h"
#include "tests/planner/build.h"

// A group of four members in service: three hold three tasks of web each, the last none. The test plays AWS.
static struct build b;
static int type, fleet, shape, web, inst[4];

static int setup(void **state)
{
    (void)state;
    static const char *const zones[] = {"us-east-1a", "us-east-1b", "us-east-1c", "us-east-1a"};
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    fleet = build_fleet(&b, "web-asg", 4);
    build_pool(&b, fleet, type, 1000);
    b.s.fleets[fleet].kind = FLEET_GROUP;
    b.s.fleets[fleet].max_size = 20;
    shape = build_shape(&b, "web:1", 1024, 2048);
    web = build_service(&b, "web", shape, 9);
    for (int k = 0; k < 4; k++) {
        inst[k] = build_instance(&b, fleet, type);
        b.s.instances[inst[k]].zone = zones[k];
        b.s.instances[inst[k]].member = "InService";
        if (k < 3)
            build_hold(&b, inst[k], web, 3);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static struct instance *member(int k)
{
    return &b.s.instances[inst[k]];
}

static struct plan *next(void)
{
    build_later(&b, 30 * SECOND);
    return build_plan(&b);
}

// The last one is the only candidate.
static int drains(void)
{
    int n = 0;
    for (int k = 0; k < 3; k++)
        member(k)->forbidden = true;
    for (int k = 0; k < 8; k++)
        n += plan_count(next(), ACTION_DRAIN);
    return n;
}

// The last member, drained by us and empty in two looks.
static struct plan *to_end(void)
{
    build_drained(&b, inst[3]);
    struct plan *p = next();
    for (int k = 0; k < 6 && plan_count(p, ACTION_END_MEMBER) == 0; k++)
        p = next();
    return p;
}

static void refused(struct plan *p, int k, const char *words)
{
    const struct verdict *v = plan_verdict(p, member(k)->id);
    if (strstr(v->fact, words) == NULL)
        fail_msg("no \"%s\" in \"%s\"", words, v->fact);
}

// ---- the way out -----------------------------------------------------------------------------------------------------------
static void b5_a_drained_member_ends_by_one_call_that_also_lowers(void **state)
{
    (void)state;
    struct plan *p = to_end();
    const struct action *x = plan_action(p, ACTION_END_MEMBER, "i-004");
    assert_non_null(x);
    assert_int_equal(p->action_count, 1);
    assert_int_equal(x->target_before, 4);
    assert_int_equal(x->recheck, RECHECK_EMPTY | RECHECK_DRAINING | RECHECK_GROUP);
    assert_int_equal(memo_drain_of(&b.memo, "i-004")->state, DRAIN_ENDING);
    b.s.fleets[fleet].target = 3;
    member(3)->member = "Terminating";
    p = next();
    assert_int_equal(p->action_count, 0);
    member(3)->ec2 = EC2_SHUTTING_DOWN;
    next();
    assert_int_equal(memo_drain_of(&b.memo, "i-004")->state, DRAIN_GONE);
}

static void b5_an_end_whose_answer_was_lost_is_looked_at_and_decided_anew(void **state)
{
    (void)state;
    to_end();
    assert_int_equal(next()->action_count, 0);  // not again in the next tick
    struct plan *p = next();
    for (int k = 0; k < 6 && plan_count(p, ACTION_END_MEMBER) == 0; k++) {
        assert_int_equal(plan_count(p, ACTION_SET_TARGET), 0);
        p = next();
    }
    // two fresh looks have seen it empty, and it goes with the desired capacity that is shown now
    assert_int_equal(plan_count(p, ACTION_END_MEMBER), 1);
    assert_true(memo_drain_of(&b.memo, "i-004")->empty_first_ms > T0 + 2 * MINUTE);
}

static void b5_a_group_is_never_set_below_the_desired_capacity_that_is_shown(void **state)
{
    (void)state;
    b.s.fleets[fleet].target = 9;  // five on order that nobody needs: not withdrawn
    for (int k = 0; k < 200; k++)
        assert_int_equal(plan_count(next(), ACTION_SET_TARGET), 0);
    b.s.services[web].desired = 60;  // and raised where there is need
    int64_t sent = -1;
    for (int k = 0; k < 4 && sent < 0; k++)
        sent = plan_target(next(), "web-asg");
    assert_true(sent > 9);
    assert_true(sent <= 20);  // MaxSize of the group: more would be refused
}

// Slow and throttled, it lists the tasks in its first second and hears 20 s later that they have stopped.
static void c8_a_slow_look_has_seen_the_member_empty_at_its_end_and_no_sooner(void **state)
{
    (void)state;
    build_drained(&b, inst[3]);
    next();
    build_later(&b, 30 * SECOND);
    build_age(&b, SOURCE_TASKS, 20 * SECOND);
    build_plan(&b);
    build_later(&b, 10 * SECOND);
    assert_int_equal(plan_count(build_plan(&b), ACTION_END_MEMBER), 0);
    assert_int_equal(memo_drain_of(&b.memo, "i-004")->state, DRAIN_DRAINING);
    assert_int_equal(plan_count(next(), ACTION_END_MEMBER), 1);
}

// ---- B1 ---------------------------------------------------------------------------------------------------------------------
static void b1_no_drain_where_az_rebalance_would_end_another(void **state)
{
    (void)state;
    b.s.fleets[fleet].rebalances = true;
    member(3)->zone = "us-east-1c";
    member(0)->zone = member(1)->zone = "us-east-1a";  // 2 in a, 0 in b, 2 in c
    b.s.fleets[fleet].pools[0].zone = "";
    member(2)->zone = "us-east-1b";                    // 2, 1, 1: without i-004 c has none
    assert_int_equal(drains(), 0);
    refused(&b.r.plan, 3, "AZRebalance would end another");
    b.s.fleets[fleet].rebalances = false;
    b.s.fleets[fleet].rebalances = true;
    for (int k = 0; k < 3; k++)
        member(k)->scale_in_protected = true;  // all others are: nothing can be rebalanced
    assert_true(strstr(plan_verdict(next(), "i-004")->fact, "AZRebalance") == NULL);
}

static void b1_a_zone_of_the_group_without_any_instance_counts_as_empty(void **state)
{
    (void)state;
    b.s.fleets[fleet].rebalances = true;
    for (int k = 0; k < 4; k++)
        member(k)->zone = k < 2 ? "us-east-1a" : "us-east-1b";
    b.s.fleets[fleet].pools[0].zone = "us-east-1a";
    static const char *const zones[] = {"us-east-1b", "us-east-1c"};
    for (int z = 0; z < 2; z++) {
        build_pool(&b, fleet, type, 1000);
        b.s.fleets[fleet].pools[b.s.fleets[fleet].pool_count - 1].zone = zones[z];
    }
    assert_int_equal(drains(), 0);  // 2, 1, 0: another of a would follow
    refused(&b.r.plan, 3, "2 apart");
    b.s.fleets[fleet].pool_count--;
    assert_int_equal(drains(), 1);
}

static void b1_a_drain_that_leaves_the_zones_level_is_fine(void **state)
{
    (void)state;
    b.s.fleets[fleet].rebalances = true;  // a has two, b and c one: one of a may go
    struct plan *p = to_end();
    assert_int_equal(plan_count(p, ACTION_END_MEMBER), 1);
}

// ---- B2 ---------------------------------------------------------------------------------------------------------------------
static void b2_what_the_group_would_refuse_is_asked_before_the_drain(void **state)
{
    (void)state;
    static const char *const words[] = {"MinSize 4", "Terminate is suspended", "instance refresh", "Pending:Wait"};
    for (int k = 0; k < 4; k++) {
        b.s.fleets[fleet].min_size = k == 0 ? 4 : 0;
        b.s.fleets[fleet].no_terminate = k == 1;
        b.s.fleets[fleet].refreshing = k == 2;
        member(3)->member = k == 3 ? "Pending:Wait" : "InService";
        assert_int_equal(drains(), 0);
        refused(&b.r.plan, 3, words[k]);
    }
}

static void the_min_of_the_group_raises_it_and_says_so(void **state)
{
    (void)state;
    b.s.fleets[fleet].min_size = 6;
    assert_int_equal(plan_target(next(), "web-asg"), 6);
    assert_string_equal(plan_verdict(&b.r.plan, "web-asg")->fact, "min 6 of the group");
}

static void v4_a_raise_sums_what_a_look_leaves_out_as_far_as_max_size_goes(void **state)
{
    (void)state;
    b.unseen_milli = 3000;
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 20;
    b.s.fleets[fleet].max_size = 6;
    assert_int_equal(plan_target(next(), "web-asg"), 6);
    b.s.fleets[fleet].max_size = 20;
    b.has_memo = false;
    assert_int_equal(plan_target(next(), "web-asg"), 7);
}

static void b2_a_drain_that_the_group_would_refuse_now_is_undone(void **state)
{
    (void)state;
    build_drained(&b, inst[3]);
    next();
    b.s.fleets[fleet].min_size = 4;
    struct plan *p = next();
    assert_non_null(plan_action(p, ACTION_UNDRAIN, "i-004"));
    assert_int_equal(plan_count(p, ACTION_END_MEMBER), 0);
    refused(p, 3, "MinSize");
    member(3)->ecs = ECS_ACTIVE;  // undone, and MinSize is lowered again: not that one within the hour
    member(3)->mark = "";
    b.s.fleets[fleet].min_size = 0;
    for (int k = 0; k < 3; k++)
        member(k)->forbidden = true;
    for (int k = 0; k < 119; k++)
        assert_int_equal(plan_count(next(), ACTION_DRAIN), 0);
    assert_int_equal(drains(), 1);
}

static void b2_two_drains_together_stay_above_the_minimum(void **state)
{
    (void)state;
    b.s.fleets[fleet].min_size = 3;
    build_drained(&b, inst[3]);
    next();
    for (int k = 0; k < 3; k++)
        refused(&b.r.plan, k, "MinSize");
}

static void b2_an_end_that_is_refused_twice_is_given_up(void **state)
{
    (void)state;
    to_end();
    int ends = 1;
    struct plan *p = next();
    for (int k = 0; k < 20 && !plan_action(p, ACTION_UNDRAIN, "i-004"); k++) {
        ends += plan_count(p, ACTION_END_MEMBER);
        p = next();
    }
    assert_int_equal(ends, 2);
    refused(p, 3, "its end was sent to its group 2 times");
    assert_int_equal(memo_stamp_of(&b.memo, STAMP_EXCLUDED, "i-004")->until_ms, b.s.now_ms + HOUR);
}

// ---- B3 ---------------------------------------------------------------------------------------------------------------------
static void b3_a_refresh_that_begins_undoes_our_drain(void **state)
{
    (void)state;
    build_drained(&b, inst[3]);
    next();
    b.s.fleets[fleet].refreshing = true;
    struct plan *p = next();
    assert_non_null(plan_action(p, ACTION_UNDRAIN, "i-004"));
}

static void b3_what_the_group_ends_is_drained_kept_waiting_and_let_go(void **state)
{
    (void)state;
    b.s.fleets[fleet].hook = "drain";
    b.s.fleets[fleet].hook_heartbeat_ms = 300 * SECOND;
    b.s.fleets[fleet].hook_limit_ms = 3000 * SECOND;
    member(0)->member = "Terminating:Wait";
    struct plan *p = next();
    const struct action *x = plan_action(p, ACTION_DRAIN, "i-001");
    assert_non_null(x);
    assert_string_equal(x->value, "reason=group");
    assert_int_equal(x->after, -1);
    member(0)->ecs = ECS_DRAINING;
    int beats = 0;
    for (int k = 0; k < 20; k++) {
        p = next();
        beats += plan_count(p, ACTION_HEARTBEAT);
        assert_int_equal(plan_count(p, ACTION_COMPLETE), 0);
        assert_int_equal(plan_count(p, ACTION_END_MEMBER) + plan_count(p, ACTION_UNDRAIN), 0);
    }
    assert_int_equal(beats, 7);  // at once, and in ten minutes never more than 100 s apart
    member(0)->holdings[0].running = 0;
    member(0)->ecs_running = 0;
    x = plan_action(next(), ACTION_COMPLETE, "i-001");
    assert_non_null(x);
    assert_string_equal(x->value, "drain");
    assert_int_equal(x->recheck, RECHECK_EMPTY);
}

// At the hook's limit the group ends it by itself; a completion of ours would end what still runs there (V1).
static void b3_at_its_limit_a_hook_is_not_completed_over_running_tasks(void **state)
{
    (void)state;
    b.s.fleets[fleet].hook = "drain";
    b.s.fleets[fleet].hook_heartbeat_ms = 300 * SECOND;
    b.s.fleets[fleet].hook_limit_ms = 600 * SECOND;
    member(0)->member = "Terminating:Wait";
    member(0)->ecs = ECS_DRAINING;
    for (int k = 0; k < 24; k++)
        assert_int_equal(plan_count(next(), ACTION_COMPLETE), 0);
    assert_string_equal(plan_verdict(&b.r.plan, "i-001")->verdict, "the hook's limit: it ends by itself");
}

static void b3_a_hook_that_the_policy_does_not_name_is_left_alone(void **state)
{
    (void)state;
    b.s.fleets[fleet].hook = "";
    member(0)->member = "Terminating:Wait";
    member(0)->ecs = ECS_DRAINING;
    member(0)->holdings[0].running = 0;
    member(0)->ecs_running = 0;
    struct plan *p = next();
    assert_int_equal(plan_count(p, ACTION_COMPLETE) + plan_count(p, ACTION_HEARTBEAT), 0);
    assert_int_equal(plan_verdict(p, "i-001")->code, VERDICT_FOREIGN);
}

// ---- B4 ---------------------------------------------------------------------------------------------------------------------
static void b4_only_members_in_service_are_capacity_candidates_or_orphans(void **state)
{
    (void)state;
    static const char *const states[] = {"Warmed:Pending", "Warmed:Stopped", "Warmed:Running", "Warmed:Hibernated", "Warmed:Terminating:Wait", "Standby",
                                         "EnteringStandby", "Detached", "Detaching", "Quarantined", "ReplacingRootVolume:Wait", "RootVolumeReplaced",
                                         "SomethingNew"};
    for (size_t k = 0; k < ARRAY_LEN(states); k++) {
        member(3)->member = states[k];
        assert_true(group_idle(member(3)));
        member(3)->ecs = ECS_ACTIVE;
        assert_int_equal(drains(), 0);
        struct res three = res_scale(member(0)->registered, 3), four = res_scale(member(0)->registered, 4);
        assert_true(res_fits(three, b.r.plan.summary.capacity) && !res_fits(four, b.r.plan.summary.capacity));
        // and never registered, for hours: no orphan
        member(3)->ecs = ECS_UNREGISTERED;
        member(3)->arn = "";
        for (int n = 0; n < 4; n++)
            assert_int_equal(plan_count(next(), ACTION_TERMINATE), 0);
    }
    assert_false(group_idle(member(0)));
}

// ---- B6 ---------------------------------------------------------------------------------------------------------------------
static void b6_a_group_that_another_scales_is_refused_by_name(void **state)
{
    (void)state;
    b.s.fleets[fleet].foreign_scaling = true;
    b.s.fleets[fleet].foreign = "target tracking policy cpu60";
    b.s.services[web].desired = 60;
    for (int k = 0; k < 6; k++)
        assert_int_equal(next()->action_count, 0);
    refused(&b.r.plan, 3, "cpu60");
}

// A provider without managed scaling, whose group is at zero: its tasks run there or nowhere.
static void f3_a_providers_group_is_scaled_from_zero_for_its_tasks_alone(void **state)
{
    (void)state;
    int empty = build_fleet(&b, "jobs-asg", 0);
    build_pool(&b, empty, type, 1000);
    b.s.fleets[empty].kind = FLEET_GROUP;
    b.s.fleets[empty].max_size = 20;
    b.s.services[web].providers = (struct provider_share[]){{"jobs", 0, 1}};
    b.s.services[web].provider_count = 1;
    b.s.services[web].desired = 17;  // eight wait
    b.s.fleets[empty].provider = "another";
    struct plan *p = next();
    assert_int_equal(plan_count(p, ACTION_SET_TARGET), 0);
    assert_string_equal(p->alerts[0].id, "demand-incurable");
    b.s.fleets[empty].provider = "jobs";
    p = next();
    assert_int_equal(plan_target(p, "jobs-asg"), 2);  // four fit on each
    assert_int_equal(plan_target(p, "web-asg"), -1);
    b.s.fleets[empty].target = 2;
    for (int k = 0; k < 2; k++) {  // what boots is the provider's, though it has not registered
        int i = build_instance(&b, empty, type);
        b.s.instances[i].member = "Pending";
        b.s.instances[i].ecs = ECS_UNREGISTERED;
        b.s.instances[i].arn = "";
        b.s.instances[i].launched_ms = b.s.now_ms - 20 * SECOND;
    }
    assert_int_equal(plan_count(next(), ACTION_SET_TARGET), 0);
    b.s.fleets[empty].foreign_scaling = true;  // managed after all: not ours
    b.s.services[web].desired = 40;
    assert_int_equal(plan_count(next(), ACTION_SET_TARGET), 0);
}

static void b6_a_suspended_launch_is_out_of_stock(void **state)
{
    (void)state;
    int other = build_fleet(&b, "sfr-1", 0);
    build_pool(&b, other, type, 1000);
    b.s.fleets[fleet].no_launch = true;
    b.s.services[web].desired = 60;
    int64_t elsewhere = -1;
    for (int k = 0; k < 4; k++) {
        struct plan *p = next();
        assert_int_equal(plan_target(p, "web-asg"), -1);
        elsewhere = plan_target(p, "sfr-1") > 0 ? plan_target(p, "sfr-1") : elsewhere;
    }
    assert_true(elsewhere > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(b5_a_drained_member_ends_by_one_call_that_also_lowers, setup, teardown),
        cmocka_unit_test_setup_teardown(b5_an_end_whose_answer_was_lost_is_looked_at_and_decided_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(b5_a_group_is_never_set_below_the_desired_capacity_that_is_shown, setup, teardown),
        cmocka_unit_test_setup_teardown(c8_a_slow_look_has_seen_the_member_empty_at_its_end_and_no_sooner, setup, teardown),
        cmocka_unit_test_setup_teardown(b1_no_drain_where_az_rebalance_would_end_another, setup, teardown),
        cmocka_unit_test_setup_teardown(b1_a_zone_of_the_group_without_any_instance_counts_as_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(b1_a_drain_that_leaves_the_zones_level_is_fine, setup, teardown),
        cmocka_unit_test_setup_teardown(b2_what_the_group_would_refuse_is_asked_before_the_drain, setup, teardown),
        cmocka_unit_test_setup_teardown(the_min_of_the_group_raises_it_and_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(v4_a_raise_sums_what_a_look_leaves_out_as_far_as_max_size_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(b2_a_drain_that_the_group_would_refuse_now_is_undone, setup, teardown),
        cmocka_unit_test_setup_teardown(b2_two_drains_together_stay_above_the_minimum, setup, teardown),
        cmocka_unit_test_setup_teardown(b3_a_refresh_that_begins_undoes_our_drain, setup, teardown),
        cmocka_unit_test_setup_teardown(b3_what_the_group_ends_is_drained_kept_waiting_and_let_go, setup, teardown),
        cmocka_unit_test_setup_teardown(b2_an_end_that_is_refused_twice_is_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(b3_at_its_limit_a_hook_is_not_completed_over_running_tasks, setup, teardown),
        cmocka_unit_test_setup_teardown(b3_a_hook_that_the_policy_does_not_name_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(b4_only_members_in_service_are_capacity_candidates_or_orphans, setup, teardown),
        cmocka_unit_test_setup_teardown(b6_a_group_that_another_scales_is_refused_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(f3_a_providers_group_is_scaled_from_zero_for_its_tasks_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(b6_a_suspended_launch_is_out_of_stock, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
