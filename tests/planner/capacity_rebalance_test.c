// Fleets that replace members at risk by themselves (a9 of safety.md), each against a plan. The test plays AWS.
#include <string.h>

#include "planner/capacity_rebalance.h"
#include "tests/planner/build.h"

// Four members with three tasks of web each, target 4; the first is at risk, and its fleet has launched the fifth for it.
static struct build b;
static int type, fleet, web, inst[5];

static int setup(void **state)
{
    (void)state;
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    fleet = build_fleet(&b, "sfr-1", 4);
    build_pool(&b, fleet, type, 1000);
    b.s.fleets[fleet].replaces = "launch";
    web = build_service(&b, "web", build_shape(&b, "web:1", 1024, 2048), 12);
    for (int k = 0; k < 5; k++) {
        inst[k] = build_instance(&b, fleet, type);
        b.s.instances[inst[k]].spot = true;
        if (k < 4)
            build_hold(&b, inst[k], web, 3);
    }
    b.s.instances[inst[0]].rebalance_ms = b.s.now_ms - MINUTE;
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

// Drained by us, and its tasks run on the fifth.
static void drained(void)
{
    build_drained(&b, inst[0]);
    member(0)->holdings[0].running = 0;
    member(0)->ecs_running = 0;
    build_hold(&b, inst[4], web, 3);
    b.s.services[web].running = 12;
    if (b.s.services[web].deployment_count > 0)
        b.s.services[web].deployments[0].running = 12;
}

static struct plan *until(enum action_kind k)
{
    struct plan *p = next();
    for (int n = 0; n < 8 && plan_count(p, k) == 0; n++) {
        assert_int_equal(plan_count(p, ACTION_SET_TARGET), 0);
        p = next();
    }
    return p;
}

static void a9_a_member_that_its_fleet_replaces_is_in_no_sum(void **state)
{
    (void)state;
    for (int k = 0; k < 30; k++)
        assert_int_equal(plan_target(next(), "sfr-1"), -1);  // five members on a target of four: nothing was left low
    b.s.fleets[fleet].replaces = "";
    int64_t sent = -1;
    for (int k = 0; k < 30 && sent < 0; k++)
        sent = plan_target(next(), "sfr-1");
    assert_int_equal(sent, 5);  // a fleet that counts it
}

static void a9_launch_leaves_the_end_to_us_and_the_target_as_it_is(void **state)
{
    (void)state;
    drained();
    struct plan *p = until(ACTION_TERMINATE);
    const struct action *x = plan_action(p, ACTION_TERMINATE, "i-001");
    assert_non_null(x);
    assert_int_equal(x->recheck, RECHECK_EMPTY | RECHECK_DRAINING);
    assert_int_equal(plan_count(p, ACTION_SET_TARGET), 0);
    assert_int_equal(memo_drain_of(&b.memo, "i-001")->state, DRAIN_ENDING);
    assert_int_equal(plan_count(next(), ACTION_TERMINATE), 0);  // once
}

static void a9_launch_before_terminate_ends_it_itself(void **state)
{
    (void)state;
    b.s.fleets[fleet].replaces = "launch-before-terminate";
    b.s.fleets[fleet].replace_delay_ms = 30 * MINUTE;
    drained();
    for (int k = 0; k < 12; k++)
        assert_int_equal(next()->action_count, 0);
    assert_true(strstr(plan_verdict(&b.r.plan, "i-001")->verdict, "by itself") != NULL);
}

static void a9_a_fleet_that_ends_them_too_soon_is_told(void **state)
{
    (void)state;
    b.s.boot_p95_ms = 90 * SECOND;
    b.s.fleets[fleet].replaces = "launch-before-terminate";
    b.s.fleets[fleet].replace_delay_ms = 2 * MINUTE;
    plan_alert(next(), "fleet-hasty", "sfr-1");
    b.s.fleets[fleet].replace_delay_ms = 10 * MINUTE;
    struct plan *p = next();
    for (size_t k = 0; k < p->alert_count; k++)
        assert_string_not_equal(p->alerts[k].id, "fleet-hasty");
    b.s.fleets[fleet].kind = FLEET_GROUP;
    b.s.fleets[fleet].max_size = 20;
    b.s.fleets[fleet].replaces = "group";
    plan_alert(next(), "fleet-hasty", "sfr-1");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a9_a_member_that_its_fleet_replaces_is_in_no_sum),
        TEST(a9_launch_leaves_the_end_to_us_and_the_target_as_it_is),
        TEST(a9_launch_before_terminate_ends_it_itself),
        TEST(a9_a_fleet_that_ends_them_too_soon_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
