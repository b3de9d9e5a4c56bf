#include "tests/planner/build.h"

#include <string.h>

#include "planner/model/quota_class.h"

// A fleet whose type has 4 vCPUs, full, and tasks that wait for six more of them.
static struct build b;
static int type, fleet, web;

static int setup(void **state)
{
    (void)state;
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    b.s.types[type].nominal = res_make(4096, 16384);
    fleet = build_fleet(&b, "sfr-1", 2);
    build_pool(&b, fleet, type, 1000);
    web = build_service(&b, "web", build_shape(&b, "web:1", 4096, 8192), 8);
    for (int k = 0; k < 2; k++) {
        build_instance(&b, fleet, type);
        build_hold(&b, k, web, 1);
    }
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 8;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static void quota(enum quota_kind k, int64_t limit, int64_t used)
{
    b.s.quotas = arena_array(&b.a, struct quota, 1);
    b.s.quotas[0] = (struct quota){k, limit, used, 0};
    b.s.quota_count = 1;
}

static void l23_orders_stop_at_95_percent_of_the_quota(void **state)
{
    (void)state;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 8);
    b.has_memo = false;
    quota(QUOTA_STANDARD_SPOT, 640, 596);  // 608 is 95 %: three of 4
    struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), 5);
    assert_non_null(strstr(plan_capped(p, "sfr-1")->fact, "596 of 640 vCPUs of the Standard Spot quota L-34B43A08"));
    assert_non_null(strstr(plan_alert(p, "quota-near", "L-34B43A08")->what, "596 of 640"));
}

static void l23_a_used_up_quota_orders_nothing_and_ends_nothing(void **state)
{
    (void)state;
    quota(QUOTA_STANDARD_SPOT, 640, 700);
    struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), -1);
    assert_int_equal(plan_count(p, ACTION_DRAIN) + plan_count(p, ACTION_TERMINATE), 0);
}

static void l23_the_quota_of_another_class_limits_nothing(void **state)
{
    (void)state;
    quota(QUOTA_STANDARD_ON_DEMAND, 8, 8);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 8);
    b.has_memo = false;
    quota(QUOTA_STANDARD_SPOT, 0, 500);  // its limit is not known
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 8);
}

static void l23_on_demand_in_place_of_spot_stops_at_its_own_quota(void **state)
{
    (void)state;
    b.s.fleets[fleet].pools[0].launch_template = "lt-1:1";
    quota(QUOTA_STANDARD_ON_DEMAND, 640, 600);  // 608 is 95 %: two of 4
    for (int k = 0; k < 12 && b.s.fleets[fleet].on_demand_target == 0; k++, build_later(&b, 30 * SECOND)) {
        const struct action *a = plan_action(build_plan(&b), ACTION_SET_TARGET, "sfr-1");
        b.s.fleets[fleet].target = a ? a->capacity : b.s.fleets[fleet].target;
        b.s.fleets[fleet].on_demand_target = a ? a->on_demand : 0;
    }
    assert_int_equal(b.s.fleets[fleet].on_demand_target, 2);
    assert_int_equal(b.s.fleets[fleet].target, 8);
    assert_non_null(strstr(plan_capped(&b.r.plan, "sfr-1")->fact, "vCPUs of the Standard On-Demand quota"));
    quota(QUOTA_STANDARD_ON_DEMAND, 640, 608);  // none is left
    for (int k = 0; k < 8; k++, build_later(&b, 30 * SECOND))
        assert_int_equal(plan_target(build_plan(&b), "sfr-1"), -1);
}

// Six are wanted and three are left: the rest is asked of a fleet of another class in the same plan.
static void d6_what_the_quota_does_not_leave_moves_to_another_fleet_in_the_same_plan(void **state)
{
    (void)state;
    int other = build_fleet(&b, "sfr-2", 0);
    int gpu = build_type(&b, "g5.xlarge", 4096, 15700);
    b.s.types[gpu].nominal = res_make(4096, 16384);
    build_pool(&b, other, gpu, 1000);
    quota(QUOTA_STANDARD_SPOT, 640, 596);
    struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), 5);
    assert_int_equal(plan_target(p, "sfr-2"), 3);
    b.has_memo = false;
    b.s.fleets[other].pools[0].type_name = "c5.xlarge";  // of the same class: what is left is left once
    p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), 5);
    assert_int_equal(plan_target(p, "sfr-2"), -1);
    assert_non_null(plan_capped(p, "sfr-1"));
}

static void a_type_has_the_quota_of_its_family(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        int spot, on_demand;
    } cases[] = {
        {"m5.large", QUOTA_STANDARD_SPOT, QUOTA_STANDARD_ON_DEMAND},  {"c7gn.large", QUOTA_STANDARD_SPOT, QUOTA_STANDARD_ON_DEMAND},
        {"t3a.nano", QUOTA_STANDARD_SPOT, QUOTA_STANDARD_ON_DEMAND},  {"im4gn.large", QUOTA_STANDARD_SPOT, QUOTA_STANDARD_ON_DEMAND},
        {"z1d.large", QUOTA_STANDARD_SPOT, QUOTA_STANDARD_ON_DEMAND}, {"g5.xlarge", QUOTA_G_SPOT, QUOTA_UNKNOWN},
        {"vt1.3xlarge", QUOTA_G_SPOT, QUOTA_UNKNOWN},                 {"inf2.xlarge", QUOTA_UNKNOWN, QUOTA_UNKNOWN},
        {"dl1.24xlarge", QUOTA_UNKNOWN, QUOTA_UNKNOWN},               {"hpc6a.48xlarge", QUOTA_UNKNOWN, QUOTA_UNKNOWN},
        {"mac1.metal", QUOTA_UNKNOWN, QUOTA_UNKNOWN},                 {"trn1.2xlarge", QUOTA_UNKNOWN, QUOTA_UNKNOWN},
        {"u-6tb1.metal", QUOTA_UNKNOWN, QUOTA_UNKNOWN},               {"x2idn.16xlarge", QUOTA_UNKNOWN, QUOTA_UNKNOWN},
        {"", QUOTA_UNKNOWN, QUOTA_UNKNOWN},                           {"5", QUOTA_UNKNOWN, QUOTA_UNKNOWN},
    };
    for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
        assert_int_equal(quota_class_of(cases[k].type, true), cases[k].spot);
        assert_int_equal(quota_class_of(cases[k].type, false), cases[k].on_demand);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

// ---- refused by AWS (D9) -----------------------------------------------------------------------------------------------------
static void refused(enum quota_kind k, int64_t at_ms)
{
    quota(k, 0, 0);  // its limit is not even known
    b.s.quotas[0].refused_ms = at_ms;
}

static void d9_a_launch_that_the_quota_refused_holds_orders_of_its_class_for_15_min(void **state)
{
    (void)state;
    int64_t at_ms = b.s.now_ms - 1000;
    refused(QUOTA_STANDARD_SPOT, at_ms);
    struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), -1);
    assert_non_null(strstr(plan_alert(p, "quota-refused", "L-34B43A08")->what, "Standard Spot"));
    b.s.quota_count = 0;  // the fact is gone with a restart; the memo has it
    b.s.now_ms = at_ms + 15 * 60 * 1000 - 1;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), -1);
    b.s.now_ms += 2;
    p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), 8);
    for (size_t k = 0; k < p->alert_count; k++)
        assert_string_not_equal(p->alerts[k].id, "quota-refused");
}

static void d9_refused_again_the_hold_doubles_up_to_an_hour_and_what_was_under_way_begins_it_anew(void **state)
{
    (void)state;
    static const int64_t HOLDS[] = {15, 30, 60, 60};
    for (size_t k = 0; k < ARRAY_LEN(HOLDS); k++) {
        int64_t at_ms = b.s.now_ms;
        refused(QUOTA_STANDARD_SPOT, at_ms);
        build_plan(&b);
        build_later(&b, 60000);
        b.s.quotas[0].refused_ms = b.s.now_ms;  // of an order that was sent before
        build_plan(&b);
        build_later(&b, HOLDS[k] * 60000 - 1);
        assert_int_equal(plan_target(build_plan(&b), "sfr-1"), -1);
        build_later(&b, 2);
        assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 8);
    }
}

static void d9_a_refusal_of_another_class_holds_nothing(void **state)
{
    (void)state;
    refused(QUOTA_STANDARD_ON_DEMAND, b.s.now_ms - 1000);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(l23_orders_stop_at_95_percent_of_the_quota),
        TEST(l23_a_used_up_quota_orders_nothing_and_ends_nothing),
        TEST(l23_the_quota_of_another_class_limits_nothing),
        TEST(l23_on_demand_in_place_of_spot_stops_at_its_own_quota),
        TEST(d6_what_the_quota_does_not_leave_moves_to_another_fleet_in_the_same_plan),
        TEST(a_type_has_the_quota_of_its_family),
        TEST(d9_a_launch_that_the_quota_refused_holds_orders_of_its_class_for_15_min),
        TEST(d9_refused_again_the_hold_doubles_up_to_an_hour_and_what_was_under_way_begins_it_anew),
        TEST(d9_a_refusal_of_another_class_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
