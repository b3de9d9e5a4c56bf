#include "tests/planner/build.h"

#include <string.h>

// Nothing, or not everything, that is launched registers. The test plays the fleet: what is ordered is launched at the next look.
#define BASE 20  // instances that are there, full
static struct build b;
static int type, fleet, shape, web;

static int setup(void **state)
{
    (void)state;
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    fleet = build_fleet(&b, "sfr-1", BASE);
    build_pool(&b, fleet, type, 1000);
    shape = build_shape(&b, "web:1", 1024, 2048);
    web = build_service(&b, "web", shape, 4 * BASE);
    for (int k = 0; k < BASE; k++) {
        build_instance(&b, fleet, type);
        build_hold(&b, k, web, 4);
    }
    b.p.scale_in = false;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

// Tasks beside those that run.
static void want(int32_t more)
{
    int32_t tasks = 4 * BASE + more;
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = tasks;
}

static struct instance *launch(const char *zone)
{
    int i = build_instance(&b, fleet, type);
    struct instance *x = &b.s.instances[i];
    x->zone = zone;
    x->launched_ms = b.s.now_ms;
    x->registered_ms = 0;
    x->ecs = ECS_UNREGISTERED;
    x->ever_registered = x->agent_connected = false;
    x->registered = x->remaining = (struct res){{0}};
    x->arn = "";
    return x;
}

static void joins(struct instance *x)
{
    x->ecs = ECS_ACTIVE;
    x->ever_registered = x->agent_connected = true;
    x->registered = x->remaining = b.s.types[type].registered;
    x->registered_ms = b.s.now_ms;
}

// One tick: plan, do what it says, launch what is missing in the zone; returns how many were launched.
static int step(const char *zone)
{
    struct plan *p = build_plan(&b);
    int64_t target = plan_target(p, "sfr-1");
    if (target >= 0)
        b.s.fleets[fleet].target = target;
    for (size_t i = 0; i < b.s.instance_count; i++)
        if (plan_action(p, ACTION_TERMINATE, b.s.instances[i].id))
            b.s.instances[i].ec2 = EC2_TERMINATED;
    build_later(&b, 30 * SECOND);
    int live = 0, launched = 0;
    for (size_t i = 0; i < b.s.instance_count; i++)
        live += b.s.instances[i].ec2 == EC2_RUNNING;
    for (; live < b.s.fleets[fleet].target; live++, launched++)
        launch(zone);
    return launched;
}

// V30: the first order, 4, and a probe each half hour at most.
static void e1_v30_where_nothing_registers_only_probes_go_on(void **state)
{
    (void)state;
    want(12);
    int launched = 0;
    int first = 0;
    for (int k = 0; k < 6 * 120; k++) {
        int n = step("eu-west-1a");
        first = first == 0 ? n : first;
        launched += n;
    }
    assert_int_equal(first, 3);
    assert_in_range(launched, first + 2, first + 4 + 6 * 2);
    assert_non_null(strstr(plan_alert(&b.r.plan, "breaker-open", "sfr-1 eu-west-1a")->what, "never registered within"));
}

static void e1_an_open_breaker_holds_the_order_and_says_why(void **state)
{
    (void)state;
    want(12);
    for (int k = 0; k < 25; k++)
        step("eu-west-1a");
    want(60);
    struct plan *p = build_plan(&b);
    const struct verdict *v = plan_verdict(p, "sfr-1");
    assert_int_equal(v->code, VERDICT_CAPPED);
    assert_non_null(strstr(v->fact, "in eu-west-1a do not register"));
    assert_true(v->wanted > v->allowed);
    assert_int_equal(memo_stamp_of(&b.memo, STAMP_BREAKER, "sfr-1 eu-west-1a")->count, 1);
}

// The pool has no zone: AWS chooses. The others register, so more and more is ordered while the bad zone is open.
static void e1_other_zones_go_on(void **state)
{
    (void)state;
    want(12);
    for (int k = 0; k < 25; k++)
        step("eu-west-1a");
    want(60);
    int launched = 0;
    for (int k = 0; k < 40; k++) {
        launched += step("eu-west-1b");
        for (size_t i = 0; i < b.s.instance_count; i++) {
            struct instance *x = &b.s.instances[i];
            if (x->ecs == ECS_UNREGISTERED && strcmp(x->zone, "eu-west-1b") == 0 && b.s.now_ms - x->launched_ms >= MINUTE)
                joins(x);
        }
    }
    assert_true(launched >= 9);
}

static void e1_a_later_launch_that_registers_closes_it(void **state)
{
    (void)state;
    want(12);
    for (int k = 0; k < 25; k++)
        step("eu-west-1a");
    assert_non_null(memo_stamp_of(&b.memo, STAMP_BREAKER, "sfr-1 eu-west-1a"));
    for (int k = 0; k < 60 && step("eu-west-1a") == 0; k++)
        ;
    struct instance *probe = &b.s.instances[b.s.instance_count - 1];
    assert_int_equal(probe->ecs, ECS_UNREGISTERED);
    build_later(&b, MINUTE);
    joins(probe);
    build_plan(&b);
    assert_int_equal(memo_stamp_of(&b.memo, STAMP_BREAKER, "sfr-1 eu-west-1a")->count, 0);
    want(90);
    assert_true(plan_target(build_plan(&b), "sfr-1") > b.s.fleets[fleet].target + 5);
}

static const struct memo_stamp *breaker(const char *zone)
{
    const struct memo_stamp *x = memo_stamp_of(&b.memo, STAMP_BREAKER, arena_printf(&b.a, "sfr-1 %s", zone));
    return x && x->count > 0 ? x : NULL;
}

static void e1_one_failure_of_four_opens_nothing_and_two_do(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++)
        joins(launch("eu-west-1a"));
    launch("eu-west-1a")->ecs = ECS_REGISTRATION_FAILED;
    build_plan(&b);
    assert_null(breaker("eu-west-1a"));
    build_later(&b, MINUTE);
    launch("eu-west-1a")->ecs = ECS_REGISTRATION_FAILED;
    build_plan(&b);
    assert_non_null(breaker("eu-west-1a"));
    assert_null(breaker("eu-west-1b"));
}

// L12: each probe that fails doubles the pause.
static void e1_it_is_open_for_5_min_then_twice_as_long_up_to_30(void **state)
{
    (void)state;
    static const int64_t minutes[] = {5, 10, 20, 30, 30};
    for (int k = 0; k < 2; k++)
        launch("eu-west-1a")->ecs = ECS_REGISTRATION_FAILED;
    for (size_t k = 0; k < ARRAY_LEN(minutes); k++) {
        build_plan(&b);
        const struct memo_stamp *x = breaker("eu-west-1a");
        assert_non_null(x);
        assert_int_equal(x->until_ms - x->since_ms, minutes[k] * MINUTE);
        build_later(&b, minutes[k] * MINUTE + SECOND);
        launch("eu-west-1a")->ecs = ECS_REGISTRATION_FAILED;
    }
}

// The fleet's one pool is in the bad zone: nothing that it may launch registers.
static void e1_where_all_is_open_it_is_told_as_critical(void **state)
{
    (void)state;
    b.s.fleets[fleet].pools[0].zone = "eu-west-1a";
    for (int k = 0; k < 2; k++)
        launch("eu-west-1a")->ecs = ECS_REGISTRATION_FAILED;
    const struct alert *a = plan_alert(build_plan(&b), "breaker-all-open", "sfr-1");
    assert_int_equal(a->severity, ALERT_CRITICAL);
    assert_non_null(strstr(a->what, "nothing launched from sfr-1 registers, a probe is due at"));
}

static void e1_another_fleet_takes_the_need(void **state)
{
    (void)state;
    int other = build_fleet(&b, "sfr-2", 0);
    build_pool(&b, other, type, 1000);
    b.p.fallback_ms = HOUR;  // the breaker alone moves the need
    want(12);
    for (int k = 0; k < 25; k++)
        step("eu-west-1a");
    want(16);
    struct plan *p = build_plan(&b);
    assert_true(plan_target(p, "sfr-2") > 0);
    assert_int_equal(plan_target(p, "sfr-1"), -1);
}

static void e7_a_failed_registration_counts_at_once(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++)
        launch("eu-west-1b")->ecs = ECS_REGISTRATION_FAILED;
    build_plan(&b);
    assert_non_null(memo_stamp_of(&b.memo, STAMP_BREAKER, "sfr-1 eu-west-1b"));
}

// E5: all agents away; one step, and no more until an instance of it registers.
static void e5_v30_in_mass_trouble_one_step_is_ordered(void **state)
{
    (void)state;
    b.p.step_instances = 5;
    b.p.headroom_percent = 0;
    for (int k = 0; k < BASE; k++) {
        b.s.instances[k].agent_connected = false;
        b.s.instances[k].disconnected_since_ms = T0 - 10 * MINUTE;
    }
    want(100);
    int launched = 0;
    for (int k = 0; k < 18; k++) {
        launched += step(k % 2 ? "eu-west-1a" : "eu-west-1b");
        assert_int_equal(plan_count(&b.r.plan, ACTION_MARK) + plan_count(&b.r.plan, ACTION_TERMINATE), 0);
    }
    assert_int_equal(launched, 5);
    assert_non_null(strstr(plan_alert(&b.r.plan, "mass-trouble", "c")->what, "unready"));
    assert_non_null(strstr(plan_verdict(&b.r.plan, "sfr-1")->fact, "nothing registered since"));
    joins(&b.s.instances[BASE + 1]);
    launched = 0;
    for (int k = 0; k < 4; k++)
        launched += step("eu-west-1c");
    assert_true(launched > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(e1_v30_where_nothing_registers_only_probes_go_on),
        TEST(e1_an_open_breaker_holds_the_order_and_says_why),
        TEST(e1_other_zones_go_on),
        TEST(e1_a_later_launch_that_registers_closes_it),
        TEST(e1_one_failure_of_four_opens_nothing_and_two_do),
        TEST(e1_it_is_open_for_5_min_then_twice_as_long_up_to_30),
        TEST(e1_where_all_is_open_it_is_told_as_critical),
        TEST(e1_another_fleet_takes_the_need),
        TEST(e7_a_failed_registration_counts_at_once),
        TEST(e5_v30_in_mass_trouble_one_step_is_ordered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
