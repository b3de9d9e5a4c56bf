#include "tests/planner/build.h"

#include <string.h>

#include "planner/alert.h"

// What people are told: one fleet of three instances, web runs on two of them.
static struct build b;
static int fleet, shape, web;

static int setup(void **state)
{
    (void)state;
    build_init(&b);
    int type = build_type(&b, "m5.xlarge", 4096, 15700);
    fleet = build_fleet(&b, "sfr-1", 3);
    build_pool(&b, fleet, type, 1000);
    shape = build_shape(&b, "web:1", 1024, 2048);
    web = build_service(&b, "web", shape, 6);
    for (int k = 0; k < 3; k++)
        build_instance(&b, fleet, type);
    build_hold(&b, 0, web, 3);
    build_hold(&b, 1, web, 3);
    b.p.scale_in = false;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static bool told(const char *id, const char *target)
{
    const struct plan *p = &b.r.plan;
    for (size_t k = 0; k < p->alert_count; k++)
        if (strcmp(p->alerts[k].id, id) == 0 && strcmp(p->alerts[k].target, target) == 0)
            return true;
    return false;
}

static void all_is_well_and_nobody_is_told_anything(void **state)
{
    (void)state;
    struct plan *p = build_ticks(&b, 30);
    for (size_t k = 0; k < p->alert_count; k++)
        fail_msg("%s %s: %s", p->alerts[k].id, p->alerts[k].target, p->alerts[k].what);
}

static void f4_need_that_capacity_cannot_cure_is_told_at_once_with_the_remedy(void **state)
{
    (void)state;
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 8;
    b.s.services[web].crash_looping = true;
    const struct alert *a = plan_alert(build_plan(&b), "demand-incurable", "web web:1");
    assert_non_null(strstr(a->what, "its tasks start and fail"));
    assert_int_equal(a->since_ms, T0);
    b.s.services[web].crash_looping = false;
    b.s.shapes[shape].need = res_make(64 * 1024, 2048);
    build_later(&b, 30 * SECOND);
    a = plan_alert(build_plan(&b), "demand-incurable", "web web:1");
    assert_non_null(strstr(a->what, "m5.xlarge"));
    assert_string_equal(a->remedy, "use a larger type or less CPU");
    assert_int_equal(a->since_ms, T0);  // the same condition, still
    b.s.shapes[shape].need = res_make(1024, 2048);
    build_later(&b, 30 * SECOND);
    build_plan(&b);
    assert_false(told("demand-incurable", "web web:1"));
}

static void f2_need_that_fits_and_is_not_placed_is_told_after_5_and_is_critical_after_20_min(void **state)
{
    (void)state;
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 7;
    b.s.services[web].last_event = "was unable to place a task";
    for (int k = 0; k <= 40; k++) {
        build_plan(&b);
        assert_int_equal(told("demand-unplaced", "web"), k >= 10 && k < 40);
        assert_int_equal(told("demand-stalled", "web"), k == 40);
        assert_int_equal(plan_count(&b.r.plan, ACTION_SET_TARGET), 0);  // demand that fits never orders
        build_later(&b, 30 * SECOND);
    }
    const struct alert *a = plan_alert(&b.r.plan, "demand-stalled", "web");
    assert_int_equal(a->severity, ALERT_CRITICAL);
    assert_int_equal(a->since_ms, T0);
    assert_non_null(strstr(a->what, "was unable to place a task"));
}

static void h1_tasks_that_wait_at_max_are_told(void **state)
{
    (void)state;
    b.p.fleets[0].max = 3;
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 40;
    assert_non_null(strstr(plan_alert(build_plan(&b), "demand-capped", "web")->what, "tasks of web"));
    b.p.fleets[0].max = 1000;
    build_plan(&b);
    assert_false(told("demand-capped", "web"));
}

static void e4_an_agent_that_is_away_for_10_min_is_told_and_never_ended(void **state)
{
    (void)state;
    b.s.instances[1].agent_connected = false;
    b.s.instances[1].disconnected_since_ms = T0;
    for (int k = 0; k <= 20; k++) {
        struct plan *p = build_plan(&b);
        assert_int_equal(told("instance-away", "i-002"), k == 20);
        assert_int_equal(plan_count(p, ACTION_TERMINATE), 0);
        build_later(&b, 30 * SECOND);
    }
    assert_int_equal(plan_alert(&b.r.plan, "instance-away", "i-002")->since_ms, T0);
}

static void a5_a_fleet_that_modifies_for_10_min_is_told(void **state)
{
    (void)state;
    b.s.fleets[fleet].state = FLEET_MODIFYING;
    for (int k = 0; k <= 20; k++) {
        assert_int_equal(plan_count(build_plan(&b), ACTION_SET_TARGET), 0);
        assert_int_equal(told("fleet-modifying", "sfr-1"), k == 20);
        build_later(&b, 30 * SECOND);
    }
}

static void a7_a_fleet_that_ends_or_ended_is_told(void **state)
{
    (void)state;
    b.s.fleets[fleet].valid_until_ms = T0 + 8 * 24 * HOUR;
    build_plan(&b);
    assert_false(told("fleet-expires", "sfr-1"));
    b.s.fleets[fleet].valid_until_ms = T0 + 6 * 24 * HOUR;
    build_plan(&b);
    assert_true(told("fleet-expires", "sfr-1"));
    b.s.fleets[fleet].state = FLEET_CANCELLED_RUNNING;
    build_plan(&b);
    assert_true(told("fleet-gone", "sfr-1"));
    b.s.fleets[fleet].state = FLEET_ACTIVE;
    b.s.fleets[fleet].found = false;
    build_plan(&b);
    assert_true(told("fleet-gone", "sfr-1"));
    b.s.sources[SOURCE_FLEETS].state = SOURCE_UNKNOWN;  // not read is not gone
    build_plan(&b);
    assert_false(told("fleet-gone", "sfr-1"));
}

static void a10_a_fleet_that_cannot_launch_says_why(void **state)
{
    (void)state;
    b.s.fleets[fleet].last_error = "spotInstanceCountLimitExceeded: Max spot instance count exceeded";
    b.s.fleets[fleet].last_error_ms = T0 - MINUTE;
    build_plan(&b);
    assert_string_equal(plan_alert(&b.r.plan, "fleet-error", "sfr-1")->what, b.s.fleets[fleet].last_error);
    b.s.fleets[fleet].target = 5;
    for (int k = 0; k <= 10; k++) {
        build_plan(&b);
        b.s.fleets[fleet].target = 5;  // it does not take the withdrawal
        assert_int_equal(told("fleet-unfulfilled", "sfr-1"), k == 10);
        build_later(&b, 30 * SECOND);
    }
}

static void c1_a_service_that_can_neither_start_nor_stop_is_listed(void **state)
{
    (void)state;
    static const struct {
        int32_t desired, min, max;
        bool listed;
    } cases[] = {{10, 100, 100, true}, {1, 100, 150, true}, {1, 50, 199, true}, {1, 100, 200, false}, {10, 100, 110, false},
                 {10, 90, 100, false}, {2, 51, 100, true}, {0, 100, 100, false}};
    for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
        int s = build_service(&b, arena_printf(&b.a, "s%zu", k), shape, cases[k].desired);
        b.s.services[s].min_percent = cases[k].min;
        b.s.services[s].max_percent = cases[k].max;
        build_plan(&b);
        if (told("service-unmovable", b.s.services[s].name) != cases[k].listed)
            fail_msg("desired %d at %d/%d", cases[k].desired, cases[k].min, cases[k].max);
    }
}

static void c4_a_deployment_of_an_hour_is_named(void **state)
{
    (void)state;
    b.s.services[web].deployments[0].in_progress = true;
    b.s.services[web].deployments[0].created_ms = T0 - 59 * MINUTE;
    build_plan(&b);
    assert_false(told("deployment-stuck", "web"));
    build_later(&b, 2 * MINUTE);
    build_plan(&b);
    assert_int_equal(plan_alert(&b.r.plan, "deployment-stuck", "web")->since_ms, T0 - 59 * MINUTE);
}

static void g1_a_source_that_is_not_read_for_5_min_is_told(void **state)
{
    (void)state;
    for (int k = 0; k <= 10; k++) {
        b.s.sources[SOURCE_TASKS].state = SOURCE_PARTIAL;
        build_plan(&b);
        assert_int_equal(told("source-lost", "c tasks"), k == 10);
        build_later(&b, 30 * SECOND);
    }
    build_plan(&b);
    assert_false(told("source-lost", "c tasks"));
}

static void j4_a_call_that_is_denied_is_told_with_its_name(void **state)
{
    (void)state;
    b.s.fleets[fleet].denied = "ec2:TerminateInstances";
    build_plan(&b);
    assert_non_null(strstr(plan_alert(&b.r.plan, "fleet-denied", "sfr-1")->what, "ec2:TerminateInstances"));
}

static void h4_another_controller_is_named(void **state)
{
    (void)state;
    b.s.fleets[fleet].foreign_scaling = true;
    b.s.fleets[fleet].foreign = "the target-tracking policy cpu-60";
    build_plan(&b);
    assert_non_null(strstr(plan_alert(&b.r.plan, "fleet-foreign", "sfr-1")->what, "cpu-60"));
}

static void alerts_are_sorted_and_each_is_there_once(void **state)
{
    (void)state;
    b.s.fleets[fleet].denied = "ec2:TerminateInstances";
    b.s.fleets[fleet].foreign_scaling = true;
    b.s.fleets[fleet].last_error = "x";
    struct plan *p = build_plan(&b);
    assert_true(p->alert_count >= 3);
    for (size_t k = 1; k < p->alert_count; k++) {
        int order = strcmp(p->alerts[k - 1].id, p->alerts[k].id);
        assert_true(order < 0 || (order == 0 && strcmp(p->alerts[k - 1].target, p->alerts[k].target) < 0));
    }
}

static void c6_a_standalone_task_of_a_day_is_told_with_its_cost_and_never_moved(void **state)
{
    (void)state;
    build_hold_shape(&b, 2, -1, build_shape(&b, "nightly:3", 512, 1024), 1);
    struct holding *h = &b.s.instances[2].holdings[0];
    h->oldest_ms = T0 - 23 * HOUR;
    b.s.types[0].spot_usd_micro = 80000;
    build_plan(&b);
    assert_false(told("task-long", "i-003"));
    build_later(&b, 2 * HOUR);
    const struct alert *a = plan_alert(build_plan(&b), "task-long", "i-003");
    assert_non_null(strstr(a->what, "nightly:3"));
    assert_non_null(strstr(a->what, "25 h"));
    assert_non_null(strstr(a->what, "$0.0800/h"));
    assert_int_equal(a->since_ms, T0 + HOUR);
    assert_int_equal(plan_count(&b.r.plan, ACTION_DRAIN), 0);
}

static void l10_a_limit_that_holds_an_order_for_ten_minutes_is_told(void **state)
{
    (void)state;
    b.p.step_instances = 1;
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 60;
    for (int k = 0; k < 19; k++) {
        build_plan(&b);
        assert_false(told("fleet-held", "sfr-1"));
        b.s.fleets[0].target = 3;  // what was ordered never shows
        build_later(&b, 30 * SECOND);
    }
    build_later(&b, 2 * MINUTE);
    b.s.fleets[0].target = 3;
    build_plan(&b);
    plan_alert(&b.r.plan, "fleet-held", "sfr-1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(c6_a_standalone_task_of_a_day_is_told_with_its_cost_and_never_moved),
        TEST(l10_a_limit_that_holds_an_order_for_ten_minutes_is_told),
        TEST(all_is_well_and_nobody_is_told_anything),
        TEST(f4_need_that_capacity_cannot_cure_is_told_at_once_with_the_remedy),
        TEST(f2_need_that_fits_and_is_not_placed_is_told_after_5_and_is_critical_after_20_min),
        TEST(h1_tasks_that_wait_at_max_are_told),
        TEST(e4_an_agent_that_is_away_for_10_min_is_told_and_never_ended),
        TEST(a5_a_fleet_that_modifies_for_10_min_is_told),
        TEST(a7_a_fleet_that_ends_or_ended_is_told),
        TEST(a10_a_fleet_that_cannot_launch_says_why),
        TEST(c1_a_service_that_can_neither_start_nor_stop_is_listed),
        TEST(c4_a_deployment_of_an_hour_is_named),
        TEST(g1_a_source_that_is_not_read_for_5_min_is_told),
        TEST(j4_a_call_that_is_denied_is_told_with_its_name),
        TEST(h4_another_controller_is_named),
        TEST(alerts_are_sorted_and_each_is_there_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
