#include "tests/planner/build.h"

#include <string.h>

// Two full hosts of four vCPU: i-001 holds the one task of db (four vCPU, may be stopped before another runs), i-002 four of web.
static struct build b;
static int type, fleet, db, web;

static int setup(void **state)
{
    (void)state;
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    fleet = build_fleet(&b, "sfr-1", 2);
    build_pool(&b, fleet, type, 1000);
    db = build_service(&b, "db", build_shape(&b, "db:1", 4096, 2048), 1);
    web = build_service(&b, "web", build_shape(&b, "web:1", 1024, 2048), 4);
    b.s.services[db].min_percent = 0;
    b.s.services[db].max_percent = 100;
    build_hold(&b, build_instance(&b, fleet, type), db, 1);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static void notice(int instance)
{
    b.s.instances[instance].notice_ms = b.s.now_ms - b.s.clock_off_ms;
}

static const struct action *drained(struct plan *p)
{
    return plan_action(p, ACTION_DRAIN, "i-001");
}

// Two of four are doomed and the pool gives one instance of the two that are wanted: the last seconds leave the other on order, and no more.
static void dry_pool(void)
{
    b.s.services[db].min_percent = 100;
    b.s.services[db].max_percent = 200;
    b.s.services[db].desired = b.s.services[db].deployments[0].desired = 3;
    for (int k = 0; k < 2; k++)
        build_hold(&b, build_instance(&b, fleet, type), db, 1);
    b.s.fleets[fleet].target = 4;
    notice(2);
    notice(3);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 6);
    b.s.fleets[fleet].target = 6;
    b.s.instances[2].ecs = b.s.instances[3].ecs = ECS_DRAINING;
    int came = build_instance(&b, fleet, type);
    b.s.instances[came].launched_ms = b.s.now_ms - b.s.clock_off_ms + SECOND;
    for (int k = 0; k < 2; k++) {
        build_later(&b, 30 * SECOND);
        assert_int_equal(plan_target(build_plan(&b), "sfr-1"), -1);
    }
    build_later(&b, 30 * SECOND);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 4);  // 90 s after the notice
}

static void a4_where_a_pool_is_dry_what_is_wanted_stays_on_order_and_the_doomed_weight_does_not(void **state)
{
    (void)state;
    dry_pool();
}

static void g6_a_notice_is_as_old_as_aws_says(void **state)
{
    (void)state;
    b.s.clock_off_ms = 605 * SECOND;  // ours is ahead
    dry_pool();
}

static void g6_a_notice_is_as_old_as_aws_says_when_ours_is_behind(void **state)
{
    (void)state;
    b.s.clock_off_ms = -605 * SECOND;
    dry_pool();
}

static void d2_the_last_task_without_room_is_ordered_for_at_once_and_drained_when_there_is_room(void **state)
{
    (void)state;
    notice(0);
    struct plan *p = build_plan(&b);
    assert_null(drained(p));
    assert_int_equal(plan_target(p, "sfr-1"), 3);
    assert_int_equal(plan_verdict(p, "i-001")->code, VERDICT_HOLD);
    b.s.fleets[fleet].target = 3;
    int third = build_instance(&b, fleet, type);
    b.s.instances[third].ecs = ECS_UNREGISTERED;
    b.s.instances[third].launched_ms = b.s.now_ms;
    build_later(&b, 30 * SECOND);
    assert_null(drained(build_plan(&b)));  // it boots
    b.s.instances[third].ecs = ECS_ACTIVE;
    build_later(&b, 10 * SECOND);
    assert_non_null(drained(build_plan(&b)));
}

static void d2_it_is_drained_after_sixty_seconds_whatever_it_holds(void **state)
{
    (void)state;
    notice(0);
    assert_null(drained(build_plan(&b)));
    build_later(&b, 59 * SECOND);
    assert_null(drained(build_plan(&b)));
    build_later(&b, SECOND);
    assert_non_null(drained(build_plan(&b)));
}

static void d2_room_a_second_host_or_a_minimum_leave_nothing_to_wait_for(void **state)
{
    (void)state;
    notice(0);
    b.s.services[db].min_percent = 100;  // ECS starts first
    b.s.services[db].max_percent = 200;
    assert_non_null(drained(build_plan(&b)));
    b.s.services[db].min_percent = 0;
    b.has_memo = false;
    int other = build_instance(&b, fleet, type);  // room
    assert_non_null(drained(build_plan(&b)));
    build_hold(&b, other, db, 1);  // another one of it runs
    b.s.services[db].desired = 2;
    b.has_memo = false;
    assert_non_null(drained(build_plan(&b)));
}

static void d2_both_hosts_of_a_service_may_be_taken_at_once(void **state)
{
    (void)state;
    b.s.services[db].desired = 2;
    b.s.services[db].max_percent = 200;
    build_hold(&b, build_instance(&b, fleet, type), db, 1);
    notice(0);
    notice(2);
    struct plan *p = build_plan(&b);
    assert_int_equal(plan_count(p, ACTION_DRAIN), 0);
    build_later(&b, 60 * SECOND);
    assert_int_equal(plan_count(build_plan(&b), ACTION_DRAIN), 2);
}

static void d2_services_in_that_position_are_listed_beforehand(void **state)
{
    (void)state;
    assert_non_null(strstr(plan_alert(build_plan(&b), "service-alone", "db")->what, "i-001"));
    build_instance(&b, fleet, type);  // room
    struct plan *p = build_plan(&b);
    for (size_t k = 0; k < p->alert_count; k++)
        assert_string_not_equal(p->alerts[k].id, "service-alone");
}

static void d3_one_that_boots_when_its_notice_comes_is_no_capacity_and_is_drained_as_soon_as_it_is_active(void **state)
{
    (void)state;
    static const enum ecs_state YOUNG[] = {ECS_UNREGISTERED, ECS_REGISTERING};
    for (size_t k = 0; k < ARRAY_LEN(YOUNG); k++) {
        b.has_memo = false;
        b.s.services[web].desired = 8;  // four wait, and a third host is on its way
        b.s.fleets[fleet].target = 3;
        int young = k == 0 ? build_instance(&b, fleet, type) : 2;
        b.s.instances[young].ecs = YOUNG[k];
        b.s.instances[young].launched_ms = b.s.now_ms;
        b.s.instances[young].notice_ms = 0;
        assert_int_equal(plan_target(build_plan(&b), "sfr-1"), -1);
        notice(young);
        struct plan *p = build_plan(&b);
        assert_int_equal(plan_target(p, "sfr-1"), 4);
        assert_null(plan_action(p, ACTION_DRAIN, "i-003"));
        b.s.instances[young].ecs = ECS_ACTIVE;
        build_later(&b, 10 * SECOND);
        assert_non_null(plan_action(build_plan(&b), ACTION_DRAIN, "i-003"));
    }
}

// The fleet's behaviour is stop or hibernate: the same container instance comes back.
static void d5_one_that_is_stopped_is_no_capacity_is_not_deregistered_and_counts_again_when_connected(void **state)
{
    (void)state;
    struct instance *x = &b.s.instances[1];
    notice(1);
    assert_non_null(plan_action(build_plan(&b), ACTION_DRAIN, "i-002"));
    assert_int_equal(plan_target(&b.r.plan, "sfr-1"), 3);
    b.s.fleets[fleet].target = 3;
    x->ecs = ECS_DRAINING;
    x->ec2 = EC2_STOPPING;
    x->agent_connected = false;
    x->holding_count = 0;
    x->ecs_running = 0;
    x->remaining = x->registered;
    b.s.services[web].running = 0;
    for (int k = 0; k < 130; k++) {  // an hour and more
        build_later(&b, 30 * SECOND);
        x->ec2 = EC2_STOPPED;
        const struct plan *p = build_plan(&b);
        assert_null(plan_action(p, ACTION_DEREGISTER, "i-002"));
        assert_null(plan_action(p, ACTION_TERMINATE, "i-002"));
        assert_true(plan_target(p, "sfr-1") < 0 || plan_target(p, "sfr-1") >= 3);  // web waits for what was ordered: the stopped one is no room
    }
    b.s.fleets[fleet].target = 2;
    b.has_memo = false;
    x->notice_ms = 0;
    x->ec2 = EC2_RUNNING;
    x->ecs = ECS_ACTIVE;
    x->launched_ms = b.s.now_ms;
    x->disconnected_since_ms = b.s.now_ms - 60 * MINUTE;
    build_later(&b, 30 * SECOND);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 3);  // not connected: nothing is placed on it
    x->ec2 = EC2_STOPPED;
    x->agent_connected = true;
    x->disconnected_since_ms = 0;
    b.s.fleets[fleet].target = 1;
    b.has_memo = false;
    build_later(&b, 30 * SECOND);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 2);  // ECS does not know it yet, EC2 does
    x->ec2 = EC2_RUNNING;
    b.s.fleets[fleet].target = 2;
    b.has_memo = false;
    build_later(&b, 30 * SECOND);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), -1);  // web has its room
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a4_where_a_pool_is_dry_what_is_wanted_stays_on_order_and_the_doomed_weight_does_not),
        TEST(g6_a_notice_is_as_old_as_aws_says),
        TEST(g6_a_notice_is_as_old_as_aws_says_when_ours_is_behind),
        TEST(d2_the_last_task_without_room_is_ordered_for_at_once_and_drained_when_there_is_room),
        TEST(d2_it_is_drained_after_sixty_seconds_whatever_it_holds),
        TEST(d2_room_a_second_host_or_a_minimum_leave_nothing_to_wait_for),
        TEST(d2_both_hosts_of_a_service_may_be_taken_at_once),
        TEST(d2_services_in_that_position_are_listed_beforehand),
        TEST(d5_one_that_is_stopped_is_no_capacity_is_not_deregistered_and_counts_again_when_connected),
        TEST(d3_one_that_boots_when_its_notice_comes_is_no_capacity_and_is_drained_as_soon_as_it_is_active),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
