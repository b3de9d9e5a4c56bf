#include "tests/planner/build.h"

#include <string.h>

// Ten full hosts of four vCPU over zones a and b, one service. The test plays AWS.
enum { HOSTS = 10 };
static struct build b;
static int type, fleet, web;

static int setup(void **state)
{
    (void)state;
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    fleet = build_fleet(&b, "sfr-1", HOSTS);
    build_pool(&b, fleet, type, 1000);
    web = build_service(&b, "web", build_shape(&b, "web:1", 1024, 2048), HOSTS * 4);
    for (int k = 0; k < HOSTS; k++) {
        int i = build_instance(&b, fleet, type);
        b.s.instances[i].zone = k % 2 == 0 ? "us-east-1a" : "us-east-1b";
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

static void warn(int i, int64_t ago_ms)
{
    b.s.instances[i].rebalance_ms = b.s.now_ms - ago_ms;
}

static struct plan *next(void)
{
    build_later(&b, 30 * SECOND);
    return build_plan(&b);
}

static int arrive(const char *zone)
{
    int i = build_instance(&b, fleet, type);
    b.s.instances[i].zone = zone;
    b.s.instances[i].spot = true;
    b.s.instances[i].launched_ms = b.s.instances[i].registered_ms = b.s.now_ms;
    return i;
}

static void d7_the_replacement_comes_first_and_then_the_drain(void **state)
{
    (void)state;
    warn(0, 10 * SECOND);
    struct plan *p = build_plan(&b);
    assert_int_equal(plan_count(p, ACTION_DRAIN), 0);
    assert_int_equal(plan_target(p, "sfr-1"), HOSTS + 1);
    assert_int_equal(plan_verdict(p, "i-001")->code, VERDICT_HOLD);
    b.s.fleets[fleet].target = HOSTS + 1;
    int young = arrive("us-east-1b");
    b.s.instances[young].ecs = ECS_UNREGISTERED;
    p = next();
    assert_int_equal(p->action_count, 0);  // ordered once
    b.s.instances[young].ecs = ECS_ACTIVE;
    p = next();
    assert_non_null(plan_action(p, ACTION_DRAIN, "i-001"));
    assert_non_null(strstr(plan_action(p, ACTION_MARK, "i-001")->value, "at-risk"));
    assert_int_equal(plan_count(p, ACTION_DRAIN), 1);
    build_drained(&b, 0);
    p = next();
    assert_int_equal(p->action_count, 0);
}

// The fleet was cancelled, its instances run on: a fifth of capacity at a time is ordered of the new one, and moves when that is there.
static void a7_members_of_a_cancelled_fleet_are_replaced_first_and_then_drained(void **state)
{
    (void)state;
    int new = build_fleet(&b, "sfr-2", 0);
    build_pool(&b, new, type, 1000);
    b.s.fleets[fleet].state = FLEET_CANCELLED_RUNNING;
    struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), -1);
    assert_int_equal(plan_target(p, "sfr-2"), 2);
    assert_int_equal(plan_count(p, ACTION_DRAIN), 0);
    assert_non_null(strstr(plan_verdict(p, "i-001")->fact, "fleet sfr-1 is cancelled"));
    b.s.fleets[new].target = 2;
    int young = build_instance(&b, new, type);
    b.s.instances[young].ecs = ECS_UNREGISTERED;
    b.s.instances[young].launched_ms = b.s.instances[young].registered_ms = b.s.now_ms;
    p = next();
    assert_int_equal(plan_count(p, ACTION_DRAIN), 0);
    assert_int_equal(plan_target(p, "sfr-2"), -1);  // ordered once
    b.s.instances[young].ecs = ECS_ACTIVE;
    b.s.instances[young].launched_ms = b.s.instances[young].registered_ms = b.s.now_ms;
    p = next();
    assert_int_equal(plan_count(p, ACTION_DRAIN), 1);
    int victim = -1;
    for (size_t k = 0; k < p->action_count; k++)
        victim = p->actions[k].kind == ACTION_DRAIN ? p->actions[k].instance : victim;
    assert_true(victim >= 0 && b.s.instances[victim].fleet == fleet);
}

static void a7_nothing_is_ordered_where_no_other_fleet_can_grow(void **state)
{
    (void)state;
    b.s.fleets[fleet].state = FLEET_CANCELLED_RUNNING;
    assert_int_equal(next()->action_count, 0);
    arrive("us-east-1a");  // what has room elsewhere leaves all the same
    bool drained = false;
    for (int k = 0; k < 5 && !drained; k++)
        drained = plan_count(next(), ACTION_DRAIN) > 0;
    assert_true(drained);
}

// Its fleet launches the replacement itself: nothing is ordered, and the old one is drained when that is ACTIVE.
static void a9_what_its_fleet_replaces_is_drained_when_the_replacement_is_active(void **state)
{
    (void)state;
    static const char *const HOW[] = {"launch", "launch-before-terminate", "group"};
    for (size_t how = 0; how < ARRAY_LEN(HOW); how++) {
        if (how > 0) {
            teardown(state);
            setup(state);
        }
        b.s.fleets[fleet].replaces = HOW[how];
        b.s.fleets[fleet].replace_delay_ms = 10 * MINUTE;
        if (how == 2) {
            b.s.fleets[fleet].kind = FLEET_GROUP;
            b.s.fleets[fleet].max_size = 100;
            for (int k = 0; k < HOSTS; k++)
                b.s.instances[k].member = "InService";
        }
        warn(0, 10 * SECOND);
        struct plan *p = build_plan(&b);
        assert_int_equal(plan_target(p, "sfr-1"), -1);
        assert_int_equal(plan_count(p, ACTION_DRAIN), 0);
        assert_non_null(strstr(plan_verdict(p, "i-001")->fact, "rebalance recommendation"));
        int young = arrive("us-east-1b");
        b.s.instances[young].member = how == 2 ? "InService" : "";
        b.s.instances[young].ecs = ECS_UNREGISTERED;
        p = next();
        assert_int_equal(p->action_count, 0);
        b.s.instances[young].ecs = ECS_ACTIVE;
        p = next();
        assert_non_null(plan_action(p, ACTION_DRAIN, "i-001"));
        assert_int_equal(plan_count(p, ACTION_DRAIN), 1);
        assert_int_equal(plan_target(p, "sfr-1"), -1);
        int64_t deadline_ms = memo_drain_of(&b.memo, "i-001")->deadline_ms, policy_ms = b.s.now_ms + b.p.drain_deadline_ms;
        assert_int_equal(deadline_ms, how == 1 ? b.s.instances[0].rebalance_ms + 10 * MINUTE : policy_ms);  // the fleet's own delay where it ends it
        assert_true(how != 1 || deadline_ms < policy_ms);
    }
}

static void d7_what_has_room_already_is_drained_without_an_order(void **state)
{
    (void)state;
    arrive("us-east-1b");
    b.s.fleets[fleet].target = HOSTS + 1;
    warn(0, 10 * SECOND);
    struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), -1);
    assert_non_null(plan_action(p, ACTION_DRAIN, "i-001"));
}

static void d7_at_most_a_fifth_of_capacity_at_a_time_the_highest_risk_first(void **state)
{
    (void)state;
    for (int k = 0; k < HOSTS; k += 2)  // all of zone a, none of b
        warn(k, 10 * SECOND);
    warn(1, 60 * SECOND);               // one of b, and before them
    b.s.instances[6].event_ms = b.s.now_ms + 24 * HOUR;
    build_pool(&b, fleet, build_type(&b, "c5.xlarge", 4096, 15700), 1000);
    struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), HOSTS + 2);
    // An event has a date; then the pool of which most is warned, then the oldest warning.
    assert_non_null(strstr(plan_verdict(p, "i-007")->fact, "EC2 stops it"));
    assert_non_null(strstr(plan_verdict(p, "i-001")->verdict, "replacement"));
    assert_non_null(strstr(plan_verdict(p, "i-002")->fact, "20 %"));
    assert_non_null(strstr(plan_verdict(p, "i-003")->fact, "20 %"));
    b.s.fleets[fleet].target = HOSTS + 2;
    arrive("us-east-1b");
    arrive("us-east-1b");
    p = next();
    assert_non_null(plan_action(p, ACTION_DRAIN, "i-007"));  // one drain at once of eleven (L4)
    assert_int_equal(plan_count(p, ACTION_DRAIN), 1);
    assert_int_equal(plan_target(p, "sfr-1"), -1);
    build_drained(&b, 6);
    p = next();
    assert_int_equal(plan_target(p, "sfr-1"), -1);  // a fifth is on its way: no third order
}

static void d7_nobody_is_replaced_into_pools_that_are_warned(void **state)
{
    (void)state;
    warn(0, 10 * SECOND);
    warn(1, 10 * SECOND);
    struct plan *p = build_plan(&b);  // the fleet's one type, warned in both zones
    assert_int_equal(p->action_count, 0);
    assert_non_null(strstr(plan_verdict(p, "i-001")->fact, "without warnings"));
    build_pool(&b, fleet, build_type(&b, "c5.xlarge", 4096, 15700), 1000);
    assert_int_equal(plan_target(next(), "sfr-1"), HOSTS + 2);
}

static void d7_an_event_is_no_reason_to_wait_longer_than_the_slowest_drain_takes(void **state)
{
    (void)state;
    warn(0, 10 * SECOND);
    b.s.instances[0].event_ms = b.s.now_ms + b.p.drain_deadline_ms + MINUTE;
    b.s.fleets[fleet].pools[0].subnet_full = true;  // nothing comes
    assert_int_equal(plan_count(build_plan(&b), ACTION_DRAIN), 0);
    assert_int_equal(plan_count(next(), ACTION_DRAIN), 0);
    assert_non_null(plan_action(next(), ACTION_DRAIN, "i-001"));
}

static void d7_what_must_not_move_is_not_replaced(void **state)
{
    (void)state;
    warn(0, 10 * SECOND);
    b.s.instances[0].holdings[0].protected_ = 1;
    assert_int_equal(build_plan(&b)->action_count, 0);
    b.s.instances[0].holdings[0].protected_ = 0;
    b.p.scale_in = false;
    struct plan *p = next();
    assert_int_equal(p->action_count, 0);
    assert_non_null(strstr(plan_verdict(p, "i-001")->fact, "scale_in"));
}

static void v25_a_drain_at_risk_is_not_undone(void **state)
{
    (void)state;
    arrive("us-east-1b");
    b.s.fleets[fleet].target = HOSTS + 1;
    warn(0, 10 * SECOND);
    assert_non_null(plan_action(build_plan(&b), ACTION_DRAIN, "i-001"));
    build_drained(&b, 0);
    b.s.services[web].desired += 8;  // tasks that its room would help
    assert_int_equal(plan_count(next(), ACTION_UNDRAIN), 0);
}

static void d8_a_zone_that_is_down_takes_no_orders_and_drains_wait_after_its_return(void **state)
{
    (void)state;
    arrive("us-east-1b");  // one that will be of no use; on demand, so that no drought holds it
    b.s.instances[HOSTS].spot = false;
    b.s.instances[HOSTS].launched_ms = b.s.instances[HOSTS].registered_ms = b.s.now_ms - HOUR;
    b.s.fleets[fleet].target = HOSTS + 1;
    int other = build_fleet(&b, "sfr-2", 0);
    build_pool(&b, other, type, 1000);
    b.s.fleets[fleet].pools[0].zone = "us-east-1a";
    b.s.fleets[other].pools[0].zone = "us-east-1b";
    for (int k = 0; k < HOSTS; k += 2) {  // all of zone a
        b.s.instances[k].agent_connected = false;
        b.s.instances[k].disconnected_since_ms = b.s.now_ms - 5 * MINUTE;
    }
    b.s.services[web].desired += 8;
    struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), -1);
    assert_int_equal(plan_target(p, "sfr-2"), 1);
    assert_non_null(strstr(plan_verdict(p, "m5.xlarge us-east-1a")->fact, "zone down"));
    b.s.services[web].desired -= 8;
    for (int k = 0; k < HOSTS; k += 2) {
        b.s.instances[k].agent_connected = true;
        b.s.instances[k].disconnected_since_ms = 0;
    }
    for (int minutes = 0; minutes < 15; minutes++) {
        build_later(&b, MINUTE);
        p = build_plan(&b);
        assert_int_equal(plan_count(p, ACTION_DRAIN), 0);
    }
    int drains = 0;
    for (int minutes = 0; minutes < 3; minutes++) {
        build_later(&b, MINUTE);
        drains += plan_count(build_plan(&b), ACTION_DRAIN);
    }
    assert_true(drains > 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(d7_the_replacement_comes_first_and_then_the_drain),
        TEST(a7_members_of_a_cancelled_fleet_are_replaced_first_and_then_drained),
        TEST(a7_nothing_is_ordered_where_no_other_fleet_can_grow),
        TEST(a9_what_its_fleet_replaces_is_drained_when_the_replacement_is_active),
        TEST(d7_what_has_room_already_is_drained_without_an_order),
        TEST(d7_at_most_a_fifth_of_capacity_at_a_time_the_highest_risk_first),
        TEST(d7_nobody_is_replaced_into_pools_that_are_warned),
        TEST(d7_an_event_is_no_reason_to_wait_longer_than_the_slowest_drain_takes),
        TEST(d7_what_must_not_move_is_not_replaced),
        TEST(v25_a_drain_at_risk_is_not_undone),
        TEST(d8_a_zone_that_is_down_takes_no_orders_and_drains_wait_after_its_return),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
