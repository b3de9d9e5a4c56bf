#include "tests/planner/build.h"

#include <string.h>

#include "policies/window.h"

// Ten instances; some of them are not needed. A policy that changes (H1, L14), and budgets of drains (L4).
static struct build b;
static int type, fleet, web;

static void world(int busy)
{
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    fleet = build_fleet(&b, "sfr-1", 10);
    build_pool(&b, fleet, type, 1000);
    int shape = build_shape(&b, "web:1", 1024, 2048);
    web = build_service(&b, "web", shape, 4 * busy);
    for (int k = 0; k < 10; k++)
        build_instance(&b, fleet, type);
    for (int k = 0; k < busy; k++)
        build_hold(&b, k, web, 4);
    b.p.drain_percent = 50;
    b.p.budgets = arena_array(&b.a, struct policy_budget, 4);
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

static int marks_in(int ticks)
{
    int n = 0;
    for (int k = 0; k < ticks; k++)
        n += plan_count(next(), ACTION_MARK);
    return n;
}

static void l14_a_changed_policy_settles_for_10_min(void **state)
{
    (void)state;
    world(9);
    build_plan(&b);
    b.s.policy_hash = "fedcba9876543210";
    assert_int_equal(marks_in(20), 0);
    assert_non_null(strstr(plan_verdict(&b.r.plan, "i-010")->fact, "the policy changed"));
    assert_int_equal(marks_in(4), 1);
    assert_int_equal(b.memo.policy_since_ms, T0 + 30 * SECOND);
}

// scale_in was off: under the policy before nothing was unneeded, now four of ten are.
static void h1_a_policy_that_would_remove_more_than_a_fifth_waits_for_a_person(void **state)
{
    (void)state;
    world(6);
    b.p.scale_in = false;
    build_ticks(&b, 5);
    b.p.scale_in = true;
    b.s.policy_hash = "fedcba9876543210";
    assert_int_equal(marks_in(60), 0);
    const struct alert *a = plan_alert(&b.r.plan, "policy-confirm", "c");
    assert_non_null(strstr(a->what, "fedcba9 would remove 4 instances more"));
    assert_non_null(strstr(a->remedy, "\"confirm\": \"fedcba9876543210\""));
    b.s.confirmed = "fedcb";  // too short to name it
    assert_int_equal(marks_in(4), 0);
    b.s.confirmed = "fedcba9";
    assert_true(marks_in(4) > 0);
    for (size_t k = 0; k < b.r.plan.alert_count; k++)
        assert_string_not_equal(b.r.plan.alerts[k].id, "policy-confirm");
}

static void h1_a_policy_that_changes_little_needs_nobody(void **state)
{
    (void)state;
    world(9);
    b.p.scale_in = false;
    build_ticks(&b, 5);
    b.p.scale_in = true;
    b.s.policy_hash = "fedcba9876543210";
    assert_int_equal(marks_in(25), 1);
}

static void h1_the_policy_before_may_come_back(void **state)
{
    (void)state;
    world(6);
    b.p.scale_in = false;
    build_ticks(&b, 5);
    b.p.scale_in = true;
    b.s.policy_hash = "fedcba9876543210";
    marks_in(30);
    plan_alert(&b.r.plan, "policy-confirm", "c");
    b.p.scale_in = false;
    b.s.policy_hash = "0123456789abcdef";
    assert_int_equal(marks_in(25), 0);
    for (size_t k = 0; k < b.r.plan.alert_count; k++)
        assert_string_not_equal(b.r.plan.alerts[k].id, "policy-confirm");
}

static void h1_a_dropped_fleet_waits_for_a_person(void **state)
{
    (void)state;
    world(9);
    int other = build_fleet(&b, "sfr-2", 0);
    build_pool(&b, other, type, 1000);
    build_ticks(&b, 3);
    b.s.fleet_count = b.p.fleet_count = 1;
    b.s.policy_hash = "fedcba9876543210";
    assert_int_equal(marks_in(60), 0);
    assert_non_null(strstr(plan_alert(&b.r.plan, "policy-confirm", "c")->what, "no longer names the fleet sfr-2"));
    b.s.confirmed = b.s.policy_hash;
    next();
    b.s.confirmed = "";
    assert_int_equal(marks_in(4), 1);
    assert_null(memo_stamp_of(&b.memo, STAMP_FLEET, "sfr-2"));
}

// What is needed is ordered meanwhile: only removal waits.
static void h1_need_is_ordered_while_a_policy_waits(void **state)
{
    (void)state;
    world(10);
    build_plan(&b);
    b.s.policy_hash = "fedcba9876543210";
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 60;
    assert_true(plan_target(next(), "sfr-1") > 10);
}

static void budget(enum budget_reason reason, int64_t percent, int64_t instances)
{
    b.p.budgets[b.p.budget_count++] = (struct policy_budget){reason, percent, instances, {"", "", "", "UTC"}};
}

static void l4_the_strictest_budget_counts(void **state)
{
    (void)state;
    world(4);
    budget(BUDGET_ANY, 100, 5000);
    budget(BUDGET_EMPTY, 20, 5000);
    build_ticks(&b, 3);
    int empty = 0;
    for (size_t k = 4; k < 10; k++)
        empty += plan_action(&b.r.plan, ACTION_MARK, b.s.instances[k].id) != NULL;
    assert_int_equal(empty, 2);
    assert_non_null(strstr(plan_verdict(&b.r.plan, "i-009")->fact, "2 drains of instances without tasks, budget 2"));
    build_release(&b);
    world(4);
    budget(BUDGET_EMPTY, 20, 5000);
    budget(BUDGET_ANY, 100, 1);
    assert_int_equal(plan_count(build_ticks(&b, 3), ACTION_MARK), 1);
    build_release(&b);
    world(4);
    budget(BUDGET_TASKS, 0, 5000);  // says nothing of empty ones
    assert_true(plan_count(build_ticks(&b, 3), ACTION_MARK) > 2);
}

static void l4_a_budget_of_nothing_holds_drains_with_tasks(void **state)
{
    (void)state;
    world(9);
    build_hold(&b, 9, web, 1);
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 37;
    b.s.instances[0].holdings[0].running = 3;  // room for one
    b.s.instances[0].ecs_running = 3;
    b.s.instances[0].remaining = res_add(b.s.instances[0].remaining, res_make(1024, 2048));
    b.s.services[web].running = b.s.services[web].deployments[0].running = 36;
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 36;
    assert_int_equal(plan_count(build_ticks(&b, 3), ACTION_MARK), 1);
    b.has_memo = false;
    budget(BUDGET_TASKS, 0, 5000);
    assert_int_equal(plan_count(build_ticks(&b, 3), ACTION_MARK), 0);
    assert_non_null(strstr(plan_verdict(&b.r.plan, "i-010")->fact, "budget 0"));
}

static void l4_a_budget_holds_in_its_window_and_where_the_time_is_not_known(void **state)
{
    (void)state;
    world(4);
    budget(BUDGET_ANY, 0, 5000);
    b.p.budgets[0].window = (struct policy_window){"mon-fri", "09:00", "17:00", "Asia/Tokyo"};
    struct local_time now = {"Asia/Tokyo", WINDOW_DAY_MINUTES + 10 * 60};
    b.s.local_times = &now;
    b.s.local_time_count = 1;
    assert_int_equal(plan_count(build_ticks(&b, 3), ACTION_MARK), 0);
    assert_non_null(strstr(plan_verdict(&b.r.plan, "i-010")->fact, "mon-fri 09:00-17:00 Asia/Tokyo"));
    now.minute_of_week = WINDOW_DAY_MINUTES + 18 * 60;
    assert_true(marks_in(3) > 0);
    b.has_memo = false;
    now.minute_of_week = -1;
    assert_int_equal(plan_count(build_ticks(&b, 3), ACTION_MARK), 0);
    b.s.local_time_count = 0;
    assert_int_equal(plan_count(build_ticks(&b, 3), ACTION_MARK), 0);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(l14_a_changed_policy_settles_for_10_min),
        TEST(h1_a_policy_that_would_remove_more_than_a_fifth_waits_for_a_person),
        TEST(h1_a_policy_that_changes_little_needs_nobody),
        TEST(h1_the_policy_before_may_come_back),
        TEST(h1_a_dropped_fleet_waits_for_a_person),
        TEST(h1_need_is_ordered_while_a_policy_waits),
        TEST(l4_the_strictest_budget_counts),
        TEST(l4_a_budget_of_nothing_holds_drains_with_tasks),
        TEST(l4_a_budget_holds_in_its_window_and_where_the_time_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
