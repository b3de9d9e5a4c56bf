#include "tests/planner/build.h"

#include <string.h>

// Four instances, three full, the fourth to be drained: whose is the fleet, and who moved its target?
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

static void want_more(void)
{
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 40;
}

static void h4_an_unowned_fleet_is_claimed_before_the_first_write(void **state)
{
    (void)state;
    want_more();
    b.s.fleets[fleet].owner = "";
    struct plan *p = build_plan(&b);
    const struct action *claim = plan_action(p, ACTION_CLAIM, "sfr-1"), *raise = plan_action(p, ACTION_SET_TARGET, "sfr-1");
    assert_non_null(claim);
    assert_non_null(raise);
    assert_string_equal(claim->value, "masu");
    assert_true(claim->recheck & RECHECK_OWNER);
    assert_int_equal(raise->after, claim - p->actions);
    b.s.fleets[fleet].owner = "masu";
    b.has_memo = false;
    p = build_plan(&b);
    assert_null(plan_action(p, ACTION_CLAIM, "sfr-1"));
    assert_int_equal(plan_action(p, ACTION_SET_TARGET, "sfr-1")->after, -1);
}

static void h4_nothing_leaves_before_the_claim_is_read_back(void **state)
{
    (void)state;
    b.s.fleets[fleet].owner = "";
    for (int k = 0; k < 6; k++) {
        struct plan *p = build_plan(&b);
        assert_int_equal(plan_count(p, ACTION_MARK), 0);
        assert_int_equal(plan_count(p, ACTION_CLAIM), 1);
        build_later(&b, 30 * SECOND);
    }
    b.s.fleets[fleet].owner = "masu";
    assert_int_equal(plan_count(build_ticks(&b, 3), ACTION_MARK), 1);
}

static void h4_a_claim_that_is_denied_does_not_keep_capacity_from_tasks(void **state)
{
    (void)state;
    want_more();
    b.s.fleets[fleet].owner = "";
    b.s.fleets[fleet].denied = "ec2:CreateTags";
    assert_int_equal(plan_action(build_plan(&b), ACTION_SET_TARGET, "sfr-1")->after, -1);
}

// V16, whatever it would need.
static void h4_anothers_fleet_is_only_read_in_words(void **state)
{
    (void)state;
    want_more();
    build_noticed(&b, 0);
    b.s.fleets[fleet].owner = "masu-blue";
    struct plan *p = build_ticks(&b, 4);
    for (size_t k = 0; k < p->action_count; k++)
        assert_int_equal(p->actions[k].kind, ACTION_DRAIN);  // ECS's instance, of a notice; no write to the fleet
    assert_int_equal(plan_verdict(p, "sfr-1")->code, VERDICT_FOREIGN);
    assert_string_equal(plan_verdict(p, "sfr-1")->fact, "owned by masu-blue, we are masu");
    assert_non_null(strstr(plan_alert(p, "fleet-owner", "sfr-1")->what, "owned by masu-blue"));
    b.s.fleets[fleet].owner = "masu";
    b.s.fleets[fleet].foreign_scaling = true;
    b.s.fleets[fleet].foreign = "the scalable target of sfr-1";
    p = build_plan(&b);
    assert_int_equal(plan_count(p, ACTION_SET_TARGET), 0);
    assert_non_null(strstr(plan_verdict(p, "sfr-1")->fact, "the scalable target of sfr-1"));
}

static void a6_a_target_that_another_raised_is_kept_for_30_min_and_told(void **state)
{
    (void)state;
    build_plan(&b);
    build_later(&b, 30 * SECOND);
    b.s.fleets[fleet].target = 5;
    build_instance(&b, fleet, 0);
    int64_t moved_ms = b.s.now_ms;
    for (int k = 0; k < 60; k++) {
        struct plan *p = build_plan(&b);
        assert_int_equal(p->action_count, 0);
        assert_non_null(strstr(plan_alert(p, "fleet-moved", "sfr-1")->what, "moved the target from 4"));
        assert_non_null(strstr(plan_alert(p, "fleet-moved", "sfr-1")->what, "it is 5 now"));
        assert_int_equal(plan_alert(p, "fleet-moved", "sfr-1")->since_ms, moved_ms);
        build_later(&b, 30 * SECOND);
    }
    assert_true(plan_count(build_ticks(&b, 3), ACTION_MARK) > 0);  // then as any other capacity
}

static void a6_a_lowered_target_is_raised_only_as_far_as_the_need(void **state)
{
    (void)state;
    build_plan(&b);
    build_later(&b, 30 * SECOND);
    b.s.fleets[fleet].target = 2;  // with termination: its victims come as notices
    build_noticed(&b, 2);
    build_noticed(&b, 3);
    struct plan *p = build_plan(&b);
    assert_non_null(strstr(plan_alert(p, "fleet-moved", "sfr-1")->what, "from 4"));
    assert_non_null(plan_action(p, ACTION_DRAIN, "i-003"));
    assert_true(plan_target(p, "sfr-1") > 2);
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 6;  // what fits on two
    b.has_memo = false;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), -1);
}

static void a6_what_we_sent_ourselves_is_no_move(void **state)
{
    (void)state;
    want_more();
    int64_t sent = plan_target(build_plan(&b), "sfr-1");
    build_later(&b, 30 * SECOND);
    build_plan(&b);  // still the old one
    build_later(&b, 30 * SECOND);
    b.s.fleets[fleet].target = sent;
    struct plan *p = build_ticks(&b, 10);
    for (size_t k = 0; k < p->alert_count; k++)
        assert_string_not_equal(p->alerts[k].id, "fleet-moved");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(h4_an_unowned_fleet_is_claimed_before_the_first_write),
        TEST(h4_nothing_leaves_before_the_claim_is_read_back),
        TEST(h4_a_claim_that_is_denied_does_not_keep_capacity_from_tasks),
        TEST(h4_anothers_fleet_is_only_read_in_words),
        TEST(a6_a_target_that_another_raised_is_kept_for_30_min_and_told),
        TEST(a6_a_lowered_target_is_raised_only_as_far_as_the_need),
        TEST(a6_what_we_sent_ourselves_is_no_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
