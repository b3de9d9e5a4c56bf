#include "tests/planner/build.h"

#include <string.h>

// Ten full instances at 0.10 USD an hour; headroom wants one more, tasks may want many (H3, L15).
static struct build b;
static int type, fleet, web;

static int setup(void **state)
{
    (void)state;
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    b.s.types[type].spot_usd_micro = 100000;
    b.s.types[type].on_demand_usd_micro = 200000;
    fleet = build_fleet(&b, "sfr-1", 10);
    build_pool(&b, fleet, type, 1000);
    int shape = build_shape(&b, "web:1", 1024, 2048);
    web = build_service(&b, "web", shape, 40);
    for (int k = 0; k < 10; k++) {
        build_instance(&b, fleet, type);
        build_hold(&b, k, web, 4);
    }
    b.p.headroom_percent = 20;  // eight tasks: two instances
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static bool told(const char *id)
{
    for (size_t k = 0; k < b.r.plan.alert_count; k++)
        if (strcmp(b.r.plan.alerts[k].id, id) == 0)
            return true;
    return false;
}

static void l15_headroom_stops_at_the_limit_and_says_so(void **state)
{
    (void)state;
    static const struct {
        int64_t limit_micro, target;  // -1: none sent
    } cases[] = {{1200000, 12}, {1199999, 11}, {1100000, 11}, {1000000, -1}, {500000, -1}};
    for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
        b.has_memo = false;
        b.p.max_usd_micro = cases[k].limit_micro;
        struct plan *p = build_plan(&b);
        assert_int_equal(plan_target(p, "sfr-1"), cases[k].target);
        if (cases[k].target < 12) {
            assert_non_null(strstr(plan_verdict(p, "sfr-1")->fact, "no more headroom"));
            assert_int_equal(plan_verdict(p, "sfr-1")->wanted, 12);
        }
    }
    assert_non_null(strstr(plan_alert(&b.r.plan, "cost-over", "c")->what, "$1.00 of $0.500 an hour"));
}

static void l15_tasks_that_exist_are_bought_beyond_it_with_an_alert(void **state)
{
    (void)state;
    b.p.max_usd_micro = 500000;
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 60;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 15);
    assert_true(told("cost-over"));
}

static void l15_replacements_are_bought_beyond_it(void **state)
{
    (void)state;
    b.p.max_usd_micro = 500000;
    b.p.headroom_percent = 0;
    build_noticed(&b, 0);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 11);
}

static void l15_at_80_percent_people_are_told(void **state)
{
    (void)state;
    b.p.max_usd_micro = 1260000;
    build_plan(&b);
    assert_false(told("cost-near"));
    b.p.max_usd_micro = 1250000;
    build_plan(&b);
    assert_true(told("cost-near"));
    assert_false(told("cost-over"));
}

static void l15_where_the_policy_names_none_it_is_twice_the_dearest_hour_or_what_max_costs(void **state)
{
    (void)state;
    b.s.dearest_usd_micro = 550000;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 11);
    b.has_memo = false;
    b.s.dearest_usd_micro = 0;
    b.p.fleets[0].max = 11;  // 2.20 on demand
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 11);
    assert_false(told("cost-near"));
}

// Unknown is the dearest known, never nothing.
static void h3_an_unknown_price_is_the_dearest(void **state)
{
    (void)state;
    int dear = build_type(&b, "x1.32xlarge", 4096, 15700);
    b.s.types[dear].on_demand_usd_micro = 900000;
    b.s.types[type].spot_usd_micro = b.s.types[type].on_demand_usd_micro = 0;
    b.p.max_usd_micro = 8000000;
    build_plan(&b);
    assert_non_null(strstr(plan_alert(&b.r.plan, "cost-over", "c")->what, "$9.00 of $8.00"));
    assert_int_equal(b.r.plan.summary.hourly.micro, 9000000);
    const struct verdict *v = plan_verdict(&b.r.plan, "c prices");
    assert_string_equal(v->fact, "no price is known of m5.xlarge");
    assert_string_equal(v->verdict, "each counts as the dearest known, $0.900 an hour");
    b.has_memo = false;
    b.s.types[dear].on_demand_usd_micro = 0;  // nothing is known: no limit, and headroom goes on
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 12);
    assert_string_equal(plan_verdict(&b.r.plan, "c prices")->verdict, "max_usd_per_hour cannot hold anything");
}

// On demand alone: what spot costs says nothing of it.
static void h3_an_instance_on_demand_of_a_family_without_a_price_is_told(void **state)
{
    (void)state;
    b.s.types[type].on_demand_usd_micro = 0;
    b.s.instances[0].spot = false;
    for (size_t k = 1; k < b.s.instance_count; k++)
        b.s.instances[k].spot = true;
    assert_string_equal(plan_verdict(build_plan(&b), "c prices")->fact, "no price is known of m5.xlarge");
    assert_int_equal(b.r.plan.summary.hourly.micro, 1000000);
    b.has_memo = false;
    b.s.instances[0].spot = true;
    build_plan(&b);
    for (size_t k = 0; k < b.r.plan.verdict_count; k++)
        assert_string_not_equal(b.r.plan.verdicts[k].target, "c prices");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(l15_headroom_stops_at_the_limit_and_says_so),
        TEST(l15_tasks_that_exist_are_bought_beyond_it_with_an_alert),
        TEST(l15_replacements_are_bought_beyond_it),
        TEST(l15_at_80_percent_people_are_told),
        TEST(l15_where_the_policy_names_none_it_is_twice_the_dearest_hour_or_what_max_costs),
        TEST(h3_an_unknown_price_is_the_dearest),
        TEST(h3_an_instance_on_demand_of_a_family_without_a_price_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
