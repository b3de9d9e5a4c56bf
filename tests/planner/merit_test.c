// Which of the unneeded instances goes first (scale_in.c): what is kept is to be the cheapest, and the fewest tasks are to move for what is saved.
#include "tests/planner/build.h"

// Two instances with tasks, and two of another type each that may go; one drain at a time.
static struct build b;
static int web, small, large;

static int setup(void **state)
{
    (void)state;
    build_init(&b);
    int type = build_type(&b, "m5.xlarge", 4096, 15700), fleet = build_fleet(&b, "sfr-1", 4);
    small = build_type(&b, "c5.xlarge", 4096, 15700);
    large = build_type(&b, "r5.xlarge", 4096, 15700);
    build_pool(&b, fleet, type, 1000);
    build_pool(&b, fleet, small, 1000);
    build_pool(&b, fleet, large, 1000);
    web = build_service(&b, "web", build_shape(&b, "web:1", 1024, 1024), 4);
    for (int i = 0; i < 2; i++)
        build_hold(&b, build_instance(&b, fleet, type), web, 2);
    build_instance(&b, fleet, small);
    build_instance(&b, fleet, large);
    b.s.types[type].on_demand_usd_micro = 60000;
    for (size_t i = 0; i < b.s.instance_count; i++)
        b.s.instances[i].zone = "us-east-1a";
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static void prices(int64_t of_small, int64_t of_large)
{
    b.s.types[small].on_demand_usd_micro = of_small;
    b.s.types[large].on_demand_usd_micro = of_large;
}

static void tasks(int32_t on_small, int32_t on_large)
{
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 4 + on_small + on_large;
    build_hold(&b, 2, web, on_small);
    build_hold(&b, 3, web, on_large);
}

static const char *first_to_go(void)
{
    const struct plan *p = build_ticks(&b, 3);
    assert_int_equal(plan_count(p, ACTION_DRAIN), 1);
    for (size_t k = 0; k < p->action_count; k++)
        if (p->actions[k].kind == ACTION_DRAIN)
            return p->actions[k].target;
    return "";
}

static void the_dearest_without_tasks_goes_first(void **state)
{
    (void)state;
    prices(40000, 90000);
    assert_string_equal(first_to_go(), "i-004");
    b.has_memo = false;
    prices(90000, 40000);
    assert_string_equal(first_to_go(), "i-003");
}

static void one_without_tasks_goes_before_a_dearer_one_with_some(void **state)
{
    (void)state;
    prices(40000, 90000);
    tasks(0, 1);
    assert_string_equal(first_to_go(), "i-003");
}

static void the_fewest_tasks_are_moved_for_the_money_that_is_saved(void **state)
{
    (void)state;
    prices(40000, 90000);
    tasks(1, 2);
    assert_string_equal(first_to_go(), "i-004");  // 22 tasks a dollar, 25 of the other
}

static void where_a_price_is_not_known_sizes_are_compared(void **state)
{
    (void)state;
    prices(0, 90000);
    tasks(1, 2);
    assert_string_equal(first_to_go(), "i-003");
}

// Ten of twelve have no tasks, and six may go in ten minutes: the others when they have been empty for so long (L7).
static void l7_counts_the_empty_until_they_are_so_for_ten_minutes(void **state)
{
    (void)state;
    prices(40000, 90000);
    b.p.drain_percent = 90;
    for (int i = 0; i < 8; i++)
        build_instance(&b, 0, small);
    for (size_t i = 0; i < b.s.instance_count; i++)
        b.s.instances[i].zone = "us-east-1a";
    int begun = 0;
    for (int tick = 0; tick < 24; tick++) {
        const struct plan *p = build_plan(&b);
        begun += plan_count(p, ACTION_DRAIN);
        for (size_t i = 2; i < b.s.instance_count; i++)
            if (plan_action(p, ACTION_DRAIN, b.s.instances[i].id))
                build_drained(&b, (int)i);
        if (tick == 5)
            assert_int_equal(begun, 6);
        if (tick == 19)
            assert_int_equal(begun, 6);
        build_later(&b, 30 * SECOND);
    }
    assert_int_equal(begun, 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest all[] = {
        TEST(the_dearest_without_tasks_goes_first),
        TEST(one_without_tasks_goes_before_a_dearer_one_with_some),
        TEST(the_fewest_tasks_are_moved_for_the_money_that_is_saved),
        TEST(where_a_price_is_not_known_sizes_are_compared),
        TEST(l7_counts_the_empty_until_they_are_so_for_ten_minutes),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
