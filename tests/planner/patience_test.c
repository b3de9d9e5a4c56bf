// Where waiting costs less than an instance, a peak may pass before one is ordered; and what is no peak.
#include "tests/planner/build.h"

#include <string.h>

static struct build b;
static int type, fleet, shape, web;

// Two full instances, and two tasks more are wanted than they hold.
static int setup(void **state)
{
    (void)state;
    build_init(&b);
    b.p.waiting_costs_milli = 500;
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    fleet = build_fleet(&b, "sfr-1", 2);
    build_pool(&b, fleet, type, 1000);
    shape = build_shape(&b, "web:1", 1024, 2048);
    web = build_service(&b, "web", shape, 10);
    for (int k = 0; k < 2; k++)
        build_hold(&b, build_instance(&b, fleet, type), web, 4);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static struct plan *next(int64_t ms)
{
    build_later(&b, ms);
    return build_plan(&b);
}

static void a_peak_is_waited_out_for_a_minute_and_a_half_and_then_ordered_for(void **state)
{
    (void)state;
    struct plan *p = build_plan(&b);
    assert_int_equal(p->action_count, 0);
    assert_non_null(strstr(plan_verdict(p, "web web:1")->fact, "may be a short peak"));
    assert_int_equal(p->alert_count, 0);
    assert_int_equal(p->summary.waiting_tasks, 2);
    for (int k = 0; k < 2; k++)
        assert_int_equal(plan_target(next(30 * SECOND), "sfr-1"), -1);
    assert_int_equal(plan_target(next(30 * SECOND), "sfr-1"), 3);
}

static void a_peak_that_passes_leaves_no_trace(void **state)
{
    (void)state;
    build_plan(&b);
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 8;
    next(MINUTE);
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 10;
    assert_int_equal(plan_target(next(MINUTE), "sfr-1"), -1);  // a new one
}

static void where_waiting_costs_more_or_there_is_no_price_it_is_ordered_at_once(void **state)
{
    (void)state;
    static const int64_t costs[] = {0, 1, 10};
    for (size_t k = 0; k < ARRAY_LEN(costs); k++) {
        b.p.waiting_costs_milli = 1000 * costs[k];
        b.has_memo = false;
        assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 3);
    }
}

static void what_an_interrupted_instance_leaves_is_no_peak(void **state)
{
    (void)state;
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 8;
    build_noticed(&b, 1);
    assert_true(plan_target(build_plan(&b), "sfr-1") > 2);
}

static void what_a_deployment_starts_is_no_peak(void **state)
{
    (void)state;
    struct deployment *d = arena_array(&b.a, struct deployment, 2);
    d[0] = d[1] = b.s.services[web].deployments[0];
    d[1].desired = 0;
    b.s.services[web].deployments = d;
    b.s.services[web].deployment_count = 2;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 3);
}

static void what_no_fleet_can_hold_is_no_peak_but_says_so(void **state)
{
    (void)state;
    b.s.services[web].deployments[0].shape = build_shape(&b, "web:2", 8192, 2048);
    build_service(&b, "api", shape, 2);
    assert_int_equal(build_plan(&b)->action_count, 0);
    assert_non_null(strstr(plan_verdict(&b.r.plan, "api web:1")->fact, "short peak"));
    assert_non_null(strstr(plan_verdict(&b.r.plan, "web web:2")->fact, "needs 8 vCPU"));
}

static void l11_what_is_held_already_keeps_its_reason(void **state)
{
    (void)state;
    build_pool(&b, fleet, build_type(&b, "t3.nano", 512, 400), 1000);  // does not hold one
    struct memo_stamp held = {STAMP_RUNAWAY, "web web:1", b.s.now_ms - MINUTE, b.s.now_ms + 20 * MINUTE, 2, 0};
    b.memo = (struct memo){.version = MEMO_VERSION, .now_ms = b.s.now_ms - 30 * SECOND, .stamps = &held, .stamp_count = 1, .stamp_cap = 1, .policy_hash = ""};
    b.has_memo = true;
    assert_non_null(strstr(plan_verdict(build_plan(&b), "web web:1")->fact, "2 orders had no effect"));
}

static void v12_a_forecast_makes_nobody_wait_longer(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        b.s.outlook = (struct outlook){.at_ms = b.s.now_ms, .need_milli = 2500, .boot_ms = 2 * MINUTE};  // nothing of it stays, it says
        assert_int_equal(plan_target(build_plan(&b), "sfr-1"), k < 3 ? -1 : 3);
        build_later(&b, 30 * SECOND);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_peak_is_waited_out_for_a_minute_and_a_half_and_then_ordered_for),
        T(a_peak_that_passes_leaves_no_trace),
        T(where_waiting_costs_more_or_there_is_no_price_it_is_ordered_at_once),
        T(what_an_interrupted_instance_leaves_is_no_peak),
        T(what_a_deployment_starts_is_no_peak),
        T(what_no_fleet_can_hold_is_no_peak_but_says_so),
        T(l11_what_is_held_already_keeps_its_reason),
        T(v12_a_forecast_makes_nobody_wait_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
