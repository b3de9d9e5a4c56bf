#include "tests/planner/build.h"

#include <string.h>

// Consolidation by price: two large instances, each half full and dear, and a fleet of small cheap ones that could hold their tasks.
static struct build b;
static int large, small, dear, cheap, web, api;

static int setup(void **state)
{
    (void)state;
    build_init(&b);
    b.p.payback_ms = 4 * HOUR;
    b.p.min_saving_percent = 15;
    b.p.task_restart_usd_micro = 1000;
    large = build_type(&b, "m5.4xlarge", 16384, 63000);
    small = build_type(&b, "m5.xlarge", 4096, 15700);
    b.s.types[large].spot_usd_micro = 400000;
    b.s.types[small].spot_usd_micro = 60000;
    dear = build_fleet(&b, "sfr-1", 2);
    build_pool(&b, dear, large, 1000);
    cheap = build_fleet(&b, "sfr-2", 0);
    build_pool(&b, cheap, small, 1000);
    web = build_service(&b, "web", build_shape(&b, "web:1", 2048, 4096), 4);
    api = build_service(&b, "api", build_shape(&b, "api:1", 6144, 12288), 2);
    for (int k = 0; k < 2; k++) {
        build_instance(&b, dear, large);
        b.s.instances[k].launched_ms = b.s.instances[k].registered_ms = T0 - 24 * HOUR;
        build_hold(&b, k, web, 2);
    }
    b.s.services[api].desired = b.s.services[api].deployments[0].desired = 0;
    return 0;
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

static void orders_nothing(int ticks)
{
    for (int k = 0; k < ticks; k++)
        assert_int_equal(plan_target(next(), "sfr-2"), -1);
}

// Each holds more than the other has room for: neither can leave without new room.
static void no_room_elsewhere(void)
{
    for (int k = 0; k < 2; k++)
        build_hold(&b, k, web, 3);  // 5 each of 8
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 10;
}

static void dear_instances_are_replaced_once_it_was_seen_for_a_minute(void **state)
{
    (void)state;
    no_room_elsewhere();
    assert_int_equal(plan_target(build_plan(&b), "sfr-2"), -1);
    assert_int_equal(memo_stamp_of(&b.memo, STAMP_VICTIM, "i-001")->count, 0);
    assert_int_equal(plan_target(next(), "sfr-2"), -1);
    struct plan *p = next();
    // 5 tasks of 2 vCPU: 3 of 4 vCPU at 0.06 for one of 16 at 0.40
    assert_int_equal(plan_target(p, "sfr-2"), 3);
    assert_non_null(strstr(plan_verdict(p, "sfr-2")->fact, "0.40"));
    assert_int_equal(plan_count(p, ACTION_MARK) + plan_count(p, ACTION_DRAIN), 0);
    assert_int_equal(memo_stamp_of(&b.memo, STAMP_VICTIM, "i-001")->count, 1);
    assert_null(memo_stamp_of(&b.memo, STAMP_VICTIM, "i-002"));
}

static void what_the_base_on_demand_needs_is_not_replaced(void **state)
{
    (void)state;
    no_room_elsewhere();
    b.s.instances[0].spot = b.s.instances[1].spot = false;
    b.s.types[large].on_demand_usd_micro = 400000;
    b.p.on_demand_base = 2;
    orders_nothing(10);
    assert_null(memo_stamp_of(&b.memo, STAMP_VICTIM, "i-001"));
    b.p.on_demand_base = 1;
    for (int k = 0; k < 6 && plan_target(next(), "sfr-2") < 0; k++)
        continue;
    assert_int_equal(plan_target(&b.r.plan, "sfr-2"), 3);
}

static void a_cheaper_replacement_asks_for_no_share_of_its_own(void **state)
{
    (void)state;
    no_room_elsewhere();
    b.s.fleets[cheap].pools[0].launch_template = "lt-1:1";
    b.p.fleets[cheap].on_demand_percent = 50;
    struct plan *p = build_ticks(&b, 3);
    assert_int_equal(plan_target(p, "sfr-2"), 3);
    assert_int_equal(plan_action(p, ACTION_SET_TARGET, "sfr-2")->on_demand, 0);
}

static void arrive(int n)
{
    for (int k = 0; k < n; k++) {
        int i = build_instance(&b, cheap, small);
        b.s.instances[i].launched_ms = b.s.instances[i].registered_ms = b.s.now_ms;
    }
}

static void the_victim_leaves_first_and_its_room_is_kept(void **state)
{
    (void)state;
    no_room_elsewhere();
    build_ticks(&b, 3);
    b.s.fleets[cheap].target = 3;
    for (int k = 0; k < 1; k++)  // not launched yet: the order stands
        assert_int_equal(plan_target(next(), "sfr-2"), -1);
    assert_int_equal(b.s.fleets[cheap].target, 3);
    arrive(3);
    b.p.min_age_ms = 0;
    for (int k = 0; k < 6 && b.memo.drains_begun == 0; k++)
        next();
    assert_non_null(memo_drain_of(&b.memo, "i-001"));
    assert_int_equal(b.memo.drains_begun, 1);
    assert_non_null(strstr(plan_verdict(next(), "i-003")->fact, "to replace i-001"));
    assert_non_null(strstr(plan_verdict(&b.r.plan, "i-002")->fact, "to replace i-001"));
}

static void what_does_not_pay_back_in_time_stays(void **state)
{
    (void)state;
    no_room_elsewhere();
    b.p.task_restart_usd_micro = 1000000;  // 5 tasks, 5 USD; 0.22 saved an hour for 4 hours
    orders_nothing(10);
    assert_null(memo_stamp_of(&b.memo, STAMP_VICTIM, "i-001"));
    b.p.payback_ms = 30 * HOUR;
    for (int k = 0; k < 2; k++)
        b.s.instances[k].launched_ms = b.s.instances[k].registered_ms = T0 - 40 * HOUR;
    assert_true(plan_target(build_ticks(&b, 3), "sfr-2") > 0);
}

static void a_small_saving_is_left_alone(void **state)
{
    (void)state;
    no_room_elsewhere();
    b.s.types[small].spot_usd_micro = 120000;  // 0.36 for 0.40
    orders_nothing(10);
}

static void a_price_that_is_not_known_replaces_nothing(void **state)
{
    (void)state;
    no_room_elsewhere();
    b.s.types[small].spot_usd_micro = 0;
    orders_nothing(10);
}

static void the_worst_pool_of_the_fleet_decides(void **state)
{
    (void)state;
    no_room_elsewhere();
    int other = build_type(&b, "c5.4xlarge", 16384, 31000);
    b.s.types[other].spot_usd_micro = 390000;
    build_pool(&b, cheap, other, 1000);
    int third = build_type(&b, "m5a.xlarge", 4096, 15700);
    b.s.types[third].spot_usd_micro = 50000;
    build_pool(&b, cheap, third, 1000);
    orders_nothing(10);
}

static void instances_younger_than_the_payback_are_no_victims(void **state)
{
    (void)state;
    no_room_elsewhere();
    for (int k = 0; k < 2; k++)
        b.s.instances[k].launched_ms = b.s.instances[k].registered_ms = T0 - 3 * HOUR;
    orders_nothing(10);
}

static void nothing_is_moved_back_for_six_hours(void **state)
{
    (void)state;
    no_room_elsewhere();
    build_plan(&b);
    b.memo.stamps = arena_grow(&b.a, b.memo.stamps, b.memo.stamp_count, &b.memo.stamp_cap, sizeof *b.memo.stamps);
    b.memo.stamps[b.memo.stamp_count++] = (struct memo_stamp){STAMP_SWAP, "sfr-2, sfr-1", b.s.now_ms, b.s.now_ms + HOUR, 1, 0};
    build_later(&b, 30 * SECOND);
    orders_nothing(20);
    build_later(&b, HOUR);
    assert_true(plan_target(build_ticks(&b, 3), "sfr-2") > 0);
}

static void an_order_that_never_comes_is_forgotten(void **state)
{
    (void)state;
    no_room_elsewhere();
    build_ticks(&b, 3);
    assert_non_null(memo_stamp_of(&b.memo, STAMP_REPLACE, "sfr-2"));
    build_later(&b, b.p.boot_limit_ms + 30 * SECOND);
    build_plan(&b);
    assert_null(memo_stamp_of(&b.memo, STAMP_REPLACE, "sfr-2"));
    assert_int_equal(memo_stamp_of(&b.memo, STAMP_VICTIM, "i-001") ? memo_stamp_of(&b.memo, STAMP_VICTIM, "i-001")->count : 0, 0);
}

static void observe_orders_and_remembers_nothing(void **state)
{
    (void)state;
    no_room_elsewhere();
    b.p.mode = MODE_OBSERVE;
    build_ticks(&b, 5);
    assert_null(memo_stamp_of(&b.memo, STAMP_REPLACE, "sfr-2"));
}

static void d9_a_drought_holds_it(void **state)
{
    (void)state;
    no_room_elsewhere();
    build_ticks(&b, 2);  // found
    b.s.fleets[cheap].capacity_error_ms = b.s.now_ms;
    orders_nothing(20);
    assert_null(memo_stamp_of(&b.memo, STAMP_VICTIM, "i-001"));
    build_later(&b, 31 * MINUTE);
    assert_true(plan_target(build_ticks(&b, 3), "sfr-2") > 0);
}

static void tasks_that_wait_come_first(void **state)
{
    (void)state;
    no_room_elsewhere();
    build_ticks(&b, 2);
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 30;
    next();
    assert_null(memo_stamp_of(&b.memo, STAMP_REPLACE, "sfr-2"));
}

// ---- onto an instant fleet ----------------------------------------------------------------------------------------------------
// The small type is launched by order, one subnet a zone.
static void cheap_is_instant(void)
{
    struct fleet *f = &b.s.fleets[cheap];
    f->id = "c/spare";
    f->name = "spare";
    f->kind = FLEET_INSTANT;
    f->maintain = false;
    f->pools[0].zone = "us-east-1a";
    f->pools[0].subnet = "subnet-a";
    f->pools[0].spot_usd_micro = 60000;
    b.p.fleets[cheap] = (struct policy_fleet){.id = "", .tag = "", .group = "", .max = 10, .instant = {.name = "spare", .launch_template = "lt-1", .version = "$Default"}};
    no_room_elsewhere();
}

static int64_t launched(const struct plan *p)
{
    int64_t n = 0;
    for (size_t k = 0; k < p->action_count; k++)
        n += p->actions[k].kind == ACTION_LAUNCH ? p->actions[k].capacity : 0;
    return n;
}

static int64_t launched_in(int ticks)
{
    int64_t n = 0;
    for (int k = 0; k < ticks; k++)
        n += launched(next());
    return n;
}

static void answered(int64_t n)
{
    arrive((int)n);
    for (size_t k = 0; k < b.memo.launch_count; k++)
        b.memo.launches[k].answered = true;
}

static void an_instant_fleet_takes_over_where_it_pays(void **state)
{
    (void)state;
    cheap_is_instant();
    assert_int_equal(launched(build_plan(&b)), 0);
    assert_int_equal(launched(next()), 0);
    struct plan *p = next();
    assert_int_equal(launched(p), 3);
    assert_int_equal(plan_count(p, ACTION_MARK) + plan_count(p, ACTION_DRAIN), 0);
    assert_int_equal(memo_stamp_of(&b.memo, STAMP_VICTIM, "i-001")->count, 1);
    assert_int_equal(memo_stamp_of(&b.memo, STAMP_REPLACE, "c/spare")->amount, 3);
    answered(3);
    b.p.min_age_ms = 0;
    for (int k = 0; k < 6 && b.memo.drains_begun == 0; k++)
        assert_int_equal(launched(next()), 0);
    assert_non_null(memo_drain_of(&b.memo, "i-001"));
    assert_int_equal(b.memo.drains_begun, 1);
}

// AWS gave less than was asked for: that is no reason to ask again, and the set is forgotten.
static void what_an_instant_fleet_did_not_give_is_not_asked_for_again(void **state)
{
    (void)state;
    cheap_is_instant();
    build_plan(&b);
    assert_int_equal(launched_in(2), 3);
    answered(1);
    b.p.payback_ms = 0;  // nothing new is found
    assert_int_equal(launched_in(30), 0);
    assert_null(memo_stamp_of(&b.memo, STAMP_REPLACE, "c/spare"));
}

static void an_instant_fleet_that_cannot_hold_them_all_replaces_nothing(void **state)
{
    (void)state;
    cheap_is_instant();
    b.p.fleets[cheap].max = 2;
    assert_int_equal(launched_in(10), 0);
    b.p.fleets[cheap].max = 10;
    b.s.fleets[cheap].pools[0].refused_ms = b.s.now_ms;
    assert_int_equal(launched_in(4), 0);
}

// The dearest pool that EC2 may take of those offered: 3 at 0.075 for one at 0.25 saves less than is asked.
static void the_dearest_offer_of_an_instant_fleet_decides(void **state)
{
    (void)state;
    cheap_is_instant();
    b.s.types[large].spot_usd_micro = 250000;
    int other = build_type(&b, "m5a.xlarge", 4096, 15700);
    build_pool(&b, cheap, other, 1000);
    struct fleet_pool *x = &b.s.fleets[cheap].pools[1];
    x->zone = "us-east-1a";
    x->subnet = "subnet-a";
    x->spot_usd_micro = 75000;
    assert_int_equal(launched_in(10), 0);
    x->spot_usd_micro = 61000;
    assert_int_equal(launched_in(3), 3);
}

// What came is not replaced by something still cheaper before it has paid, and not by what it came from for six hours.
static void what_an_instant_fleet_took_over_is_not_moved_on(void **state)
{
    (void)state;
    cheap_is_instant();
    b.s.types[large].spot_usd_micro = b.s.fleets[dear].pools[0].spot_usd_micro = 0;  // who has no price is no victim
    build_hold(&b, 0, web, 3);
    build_hold(&b, 1, web, 3);
    arrive(1);
    build_hold(&b, 2, web, 2);
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 18;
    b.s.fleets[cheap].target = 1;
    int bargain = build_fleet(&b, "sfr-3", 0);
    build_pool(&b, bargain, small, 1000);
    b.s.fleets[bargain].pools[0].spot_usd_micro = 10000;
    for (int k = 0; k < 4 * 120 - 1; k++)
        assert_null(memo_stamp_of((next(), &b.memo), STAMP_VICTIM, "i-003"));
    for (int k = 0; k < 2; k++)
        next();
    assert_non_null(memo_stamp_of(&b.memo, STAMP_VICTIM, "i-003"));
    b.memo.stamps = arena_grow(&b.a, b.memo.stamps, b.memo.stamp_count, &b.memo.stamp_cap, sizeof *b.memo.stamps);
    b.memo.stamps[b.memo.stamp_count++] = (struct memo_stamp){STAMP_SWAP, "sfr-3, c/spare", b.s.now_ms, b.s.now_ms + HOUR, 1, 0};
    for (int k = 0; k < 10; k++)
        assert_int_equal(plan_target(next(), "sfr-3"), -1);
    build_later(&b, HOUR);
    bool moved = false;
    for (int k = 0; k < 6 && !moved; k++)
        moved = plan_target(next(), "sfr-3") > 0;
    assert_true(moved);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(dear_instances_are_replaced_once_it_was_seen_for_a_minute),
        TEST(what_the_base_on_demand_needs_is_not_replaced),
        TEST(a_cheaper_replacement_asks_for_no_share_of_its_own),
        TEST(the_victim_leaves_first_and_its_room_is_kept),
        TEST(what_does_not_pay_back_in_time_stays),
        TEST(a_small_saving_is_left_alone),
        TEST(a_price_that_is_not_known_replaces_nothing),
        TEST(the_worst_pool_of_the_fleet_decides),
        TEST(instances_younger_than_the_payback_are_no_victims),
        TEST(nothing_is_moved_back_for_six_hours),
        TEST(an_order_that_never_comes_is_forgotten),
        TEST(observe_orders_and_remembers_nothing),
        TEST(d9_a_drought_holds_it),
        TEST(tasks_that_wait_come_first),
        TEST(an_instant_fleet_takes_over_where_it_pays),
        TEST(what_an_instant_fleet_did_not_give_is_not_asked_for_again),
        TEST(an_instant_fleet_that_cannot_hold_them_all_replaces_nothing),
        TEST(the_dearest_offer_of_an_instant_fleet_decides),
        TEST(what_an_instant_fleet_took_over_is_not_moved_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
