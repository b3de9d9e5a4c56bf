// On-demand base and share (on_demand.c): what is ordered, what scale-in keeps, and what groups and instant fleets do.
#include "tests/planner/build.h"

#include <string.h>

// A Spot Fleet of four full spot members; the test plays AWS.
static struct build b;
static int type, fleet, web;

static int setup(void **state)
{
    (void)state;
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    b.s.types[type].spot_usd_micro = 70000;
    b.s.types[type].on_demand_usd_micro = 192000;
    fleet = build_fleet(&b, "sfr-1", 4);
    build_pool(&b, fleet, type, 1000);
    b.s.fleets[fleet].pools[0].launch_template = "lt-1:1";
    web = build_service(&b, "web", build_shape(&b, "web:1", 1024, 2048), 16);
    for (int k = 0; k < 4; k++) {
        int i = build_instance(&b, fleet, type);
        b.s.instances[i].spot = true;
        build_hold(&b, i, web, 4);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static void want(int32_t tasks)
{
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = tasks;
}

// One tick; what it orders is what the fleets show at the next.
static struct plan *step(void)
{
    struct plan *p = build_plan(&b);
    for (size_t k = 0; k < p->action_count; k++) {
        const struct action *a = &p->actions[k];
        if (a->kind != ACTION_SET_TARGET)
            continue;
        b.s.fleets[a->fleet].target = a->capacity;
        b.s.fleets[a->fleet].on_demand_target = a->on_demand;
    }
    build_later(&b, 30 * SECOND);
    return p;
}

static int comes_on_demand(int of)
{
    int i = build_instance(&b, of, type);
    b.s.instances[i].spot = false;
    return i;
}

static int64_t part(void)
{
    return b.s.fleets[fleet].on_demand_target;
}

static int64_t target(void)
{
    return b.s.fleets[fleet].target;
}

static int drains(bool spot)
{
    int n = 0;
    for (size_t i = 0; i < b.s.instance_count; i++)
        n += b.s.instances[i].spot == spot && memo_drain_of(&b.memo, b.s.instances[i].id) != NULL;
    return n;
}

// ---- orders -----------------------------------------------------------------------------------------------------------------
static void an_order_for_tasks_brings_the_part_that_is_asked_and_no_more(void **state)
{
    (void)state;
    b.p.fleets[0].on_demand_base = 1;
    b.p.fleets[0].on_demand_percent = 20;
    want(28);  // three more instances
    struct plan *p = step();
    assert_int_equal(plan_target(p, "sfr-1"), 7);
    assert_int_equal(part(), 1 + 2);  // a fifth of the six above the base, rounded up
    assert_non_null(strstr(plan_verdict(p, "sfr-1")->fact, "base 1 and 20 % above it on demand"));
    assert_null(memo_stamp_of(&b.memo, STAMP_ON_DEMAND, "sfr-1"));  // no fallback
}

static void a_part_larger_than_the_order_comes_beside_what_runs(void **state)
{
    (void)state;
    b.p.fleets[0].on_demand_base = 3;
    want(20);
    assert_int_equal(plan_target(step(), "sfr-1"), 7);  // four on spot stay
    assert_int_equal(part(), 3);
}

static void what_is_lacking_at_rest_is_ordered_beside_spot_once_and_spot_leaves_for_it(void **state)
{
    (void)state;
    b.p.fleets[0].on_demand_percent = 100;
    assert_int_equal(plan_target(step(), "sfr-1"), 8);
    assert_int_equal(part(), 4);
    assert_non_null(strstr(plan_verdict(&b.r.plan, "sfr-1")->fact, "target 4, 0 of it on demand, the policy asks for 100 % on demand"));
    for (int k = 0; k < 4; k++)
        comes_on_demand(fleet);
    bool leaves = false;
    for (int k = 0; k < 40; k++) {
        step();
        assert_int_equal(part(), 4);  // the spot that is to leave asks for none
        assert_int_equal(drains(false), 0);
        leaves = leaves || drains(true) > 0;
    }
    assert_int_equal(target(), 8);
    assert_true(leaves);
}

static void the_total_falls_with_the_spot_that_left_and_on_demand_is_not_ordered_for_it(void **state)
{
    (void)state;
    b.p.fleets[0].on_demand_percent = 50;
    b.p.scale_in = false;
    step();
    assert_int_equal(target(), 6);
    assert_int_equal(part(), 2);
    comes_on_demand(fleet);
    int last = comes_on_demand(fleet);
    step();
    for (int k = 0; k < 2; k++) {  // two on spot have left
        build_hold(&b, last - k, web, 4);
        b.s.instances[k].ecs = ECS_UNREGISTERED;
        b.s.instances[k].ec2 = EC2_TERMINATED;
        b.s.instances[k].holding_count = 0;
        b.s.services[web].running -= 4;
        b.s.services[web].deployments[0].running -= 4;
    }
    for (int k = 0; k < 6; k++) {
        step();
        assert_int_equal(part(), 2);
    }
    assert_int_equal(target(), 4);
    assert_null(memo_stamp_of(&b.memo, STAMP_SHARE, "sfr-1"));
}

static void what_runs_on_demand_already_is_of_the_part(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++)
        b.s.instances[k].spot = false;
    b.p.fleets[0].on_demand_base = 2;
    assert_int_equal(plan_target(step(), "sfr-1"), 4);
    assert_int_equal(part(), 3);
}

static void v18_the_part_comes_within_max(void **state)
{
    (void)state;
    b.p.fleets[0].on_demand_percent = 100;
    b.p.fleets[0].max = 5;
    step();
    assert_int_equal(target(), 5);
    assert_int_equal(part(), 1);
}

static void a_fleet_of_launch_specifications_is_not_asked(void **state)
{
    (void)state;
    b.s.fleets[fleet].pools[0].launch_template = "";
    b.p.fleets[0].on_demand_base = 2;
    assert_int_equal(plan_target(step(), "sfr-1"), -1);
}

static void nothing_is_ordered_at_rest_in_pause_or_while_some_boot(void **state)
{
    (void)state;
    b.p.fleets[0].on_demand_base = 2;
    b.s.control.mode = CONTROL_PAUSE;
    assert_int_equal(plan_target(step(), "sfr-1"), -1);
    b.s.control.mode = CONTROL_RUN;
    b.s.fleets[fleet].target = 5;
    int i = build_instance(&b, fleet, type);
    b.s.instances[i].ecs = ECS_UNREGISTERED;
    b.s.instances[i].launched_ms = b.s.now_ms;
    assert_int_equal(plan_target(step(), "sfr-1"), -1);
}

static void d9_where_nothing_comes_on_demand_spot_is_asked_and_on_demand_is_tried_again_later(void **state)
{
    (void)state;
    b.p.fleets[0].on_demand_base = 2;
    want(20);
    step();
    assert_int_equal(target(), 6);
    assert_int_equal(part(), 2);
    for (int k = 0; k < 8 && part() == 2; k++)
        step();
    assert_int_equal(part(), 0);
    assert_int_equal(target(), 5);  // as the task wants
    assert_non_null(strstr(plan_verdict(&b.r.plan, "sfr-1")->fact, "spot is whole"));
    int i = build_instance(&b, fleet, type);
    b.s.instances[i].spot = true;
    build_hold(&b, i, web, 4);
    for (int k = 0; k < 30 && part() == 0; k++)
        step();
    assert_int_equal(part(), 2);
    assert_int_equal(target(), 7);
}

static void l17_the_way_back_from_fallback_leaves_the_share(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++)
        b.s.instances[k].spot = false;
    b.p.fleets[0].on_demand_base = 1;
    b.s.fleets[fleet].target = 5;
    b.s.fleets[fleet].on_demand_target = 3;
    b.s.instances[2].spot = false;
    int i = build_instance(&b, fleet, type);
    b.s.instances[i].spot = true;
    build_hold(&b, i, web, 4);
    want(20);
    struct memo_stamp *ours = arena_new(&b.a, struct memo_stamp);
    *ours = (struct memo_stamp){STAMP_ON_DEMAND, "sfr-1", b.s.now_ms - 2 * HOUR, 0, 1, 0};
    b.memo = (struct memo){.version = MEMO_VERSION, .now_ms = b.s.now_ms - 30 * SECOND, .stamps = ours, .stamp_count = 1, .stamp_cap = 1, .policy_hash = ""};
    b.has_memo = true;
    b.s.instances[2].ec2 = EC2_TERMINATED;  // of three one has gone
    b.s.instances[2].ecs = ECS_UNREGISTERED;
    step();
    assert_int_equal(part(), 2);  // what runs, never less than asked
}

static void l23_what_the_quota_of_on_demand_cuts_off_is_asked_of_spot(void **state)
{
    (void)state;
    struct quota *q = arena_new(&b.a, struct quota);
    *q = (struct quota){.class_ = QUOTA_STANDARD_ON_DEMAND, .limit_vcpus = 8, .used_vcpus = 4};
    b.s.quotas = q;
    b.s.quota_count = 1;
    b.p.fleets[0].on_demand_base = 2;
    want(28);
    step();
    assert_int_equal(target(), 7);
    assert_int_equal(part(), 0);
}

// ---- scale-in ----------------------------------------------------------------------------------------------------------------
static void empty_them(int from, int to)
{
    for (int i = from; i <= to; i++) {
        b.s.instances[i].holding_count = 0;
        b.s.instances[i].remaining = b.s.instances[i].registered;
        b.s.instances[i].ecs_running = 0;
        b.s.services[web].running -= 4;
        b.s.services[web].deployments[0].running -= 4;
    }
    want(b.s.services[web].running);
}

static void scale_in_keeps_base_and_share_on_demand(void **state)
{
    (void)state;
    for (int k = 1; k < 4; k++)
        b.s.instances[k].spot = false;
    b.s.fleets[fleet].on_demand_target = 3;
    b.p.fleets[0].on_demand_base = 2;
    b.p.drain_percent = b.p.shrink_percent = 90;
    empty_them(1, 3);
    b.s.instances[0].forbidden = true;
    for (int k = 0; k < 4; k++)
        step();
    assert_int_equal(drains(true), 0);
    assert_int_equal(drains(false), 1);  // of three
    const char *fact = plan_verdict(&b.r.plan, memo_drain_of(&b.memo, "i-002") ? "i-003" : "i-002")->fact;
    assert_non_null(strstr(fact, "1 of 2 in sfr-1 would stay on demand, the policy asks for 2"));
}

static void a_group_keeps_its_own_distribution_and_is_asked_for_no_part(void **state)
{
    (void)state;
    struct fleet *f = &b.s.fleets[fleet];
    f->kind = FLEET_GROUP;
    f->max_size = 20;
    f->on_demand_base = 1;
    f->on_demand_percent = 0;
    b.p.fleets[0].on_demand_base = 3;  // not fought over: doctor tells
    for (size_t i = 0; i < b.s.instance_count; i++)
        b.s.instances[i].member = "InService";
    b.s.instances[0].spot = b.s.instances[1].spot = false;
    empty_them(0, 1);
    for (int k = 0; k < 8; k++)
        assert_int_equal(plan_count(step(), ACTION_SET_TARGET), 0);
    assert_int_equal(drains(false), 1);
    f->on_demand_base = 2;
    b.memo.drain_count = 0;
    b.has_memo = false;
    for (int k = 0; k < 8; k++)
        step();
    assert_int_equal(drains(false), 0);
    assert_non_null(strstr(plan_verdict(&b.r.plan, "i-001")->fact, "the group asks for 2"));
}

// ---- the cluster's base --------------------------------------------------------------------------------------------------------
static void the_clusters_base_is_dealt_to_fleets_of_role_base_first_each_as_far_as_its_target_goes(void **state)
{
    (void)state;
    int other = build_fleet(&b, "sfr-2", 1);
    build_pool(&b, other, type, 1000);
    b.s.fleets[other].pools[0].launch_template = "lt-1:1";
    b.p.fleets[other].role = FLEET_ROLE_BASE;
    build_hold(&b, comes_on_demand(other), web, 0);
    b.p.on_demand_base = 3;
    step();
    assert_int_equal(b.s.fleets[other].on_demand_target, 1);
    assert_int_equal(b.s.fleets[other].target, 1);
    assert_int_equal(part(), 2);
}

static void what_a_group_runs_on_demand_counts_for_the_clusters_base(void **state)
{
    (void)state;
    int group = build_fleet(&b, "asg", 2);
    b.s.fleets[group].kind = FLEET_GROUP;
    b.s.fleets[group].max_size = 5;
    b.s.fleets[group].on_demand_percent = 100;
    build_pool(&b, group, type, 1000);
    for (int k = 0; k < 2; k++)
        b.s.instances[comes_on_demand(group)].member = "InService";
    b.p.on_demand_base = 3;
    step();
    assert_int_equal(part(), 1);
    b.p.on_demand_base = 2;
    b.s.fleets[fleet].on_demand_target = 0;
    b.s.fleets[fleet].target = 4;
    b.has_memo = false;
    step();
    assert_int_equal(part(), 0);
}

static void scale_in_leaves_the_clusters_base_wherever_it_runs(void **state)
{
    (void)state;
    b.s.instances[0].spot = b.s.instances[1].spot = false;
    b.s.fleets[fleet].pools[0].launch_template = "";  // it would not be asked
    b.p.on_demand_base = 2;
    empty_them(0, 1);
    for (int k = 0; k < 8; k++)
        step();
    assert_int_equal(drains(false), 0);
    assert_non_null(strstr(plan_verdict(&b.r.plan, "i-001")->fact, "on_demand_base is 2"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_order_for_tasks_brings_the_part_that_is_asked_and_no_more),
        T(a_part_larger_than_the_order_comes_beside_what_runs),
        T(what_is_lacking_at_rest_is_ordered_beside_spot_once_and_spot_leaves_for_it),
        T(the_total_falls_with_the_spot_that_left_and_on_demand_is_not_ordered_for_it),
        T(what_runs_on_demand_already_is_of_the_part),
        T(v18_the_part_comes_within_max),
        T(a_fleet_of_launch_specifications_is_not_asked),
        T(nothing_is_ordered_at_rest_in_pause_or_while_some_boot),
        T(d9_where_nothing_comes_on_demand_spot_is_asked_and_on_demand_is_tried_again_later),
        T(l17_the_way_back_from_fallback_leaves_the_share),
        T(l23_what_the_quota_of_on_demand_cuts_off_is_asked_of_spot),
        T(scale_in_keeps_base_and_share_on_demand),
        T(a_group_keeps_its_own_distribution_and_is_asked_for_no_part),
        T(the_clusters_base_is_dealt_to_fleets_of_role_base_first_each_as_far_as_its_target_goes),
        T(what_a_group_runs_on_demand_counts_for_the_clusters_base),
        T(scale_in_leaves_the_clusters_base_wherever_it_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
