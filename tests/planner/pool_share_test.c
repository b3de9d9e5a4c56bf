// How much of a service one pool may take with it.
#include "tests/planner/build.h"

#include <string.h>

static struct build b;
static int type, web, fleet_a;

// Ten tasks: eight on two instances of one pool, two on one in another zone.
static void world(int64_t percent, bool spot)
{
    build_init(&b);
    b.p.pool_share_percent = percent;
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    web = build_service(&b, "web", build_shape(&b, "web:1", 1024, 2048), 10);
    fleet_a = build_fleet(&b, "sfr-a", 3);
    build_pool(&b, fleet_a, type, 1000);
    b.s.fleets[fleet_a].pools[0].zone = "eu-west-1a";
    for (int i = 0; i < 3; i++) {
        build_instance(&b, fleet_a, type);
        b.s.instances[i].zone = i < 2 ? "eu-west-1a" : "eu-west-1b";
        b.s.instances[i].spot = spot;
        build_hold(&b, i, web, i < 2 ? 4 : 2);
    }
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static bool told(const struct plan *p)
{
    for (size_t k = 0; k < p->alert_count; k++)
        if (strcmp(p->alerts[k].id, "pool-share") == 0)
            return true;
    return false;
}

static void a_service_beyond_its_share_in_one_pool_is_told_after_ten_minutes(void **state)
{
    (void)state;
    world(40, true);
    assert_false(told(build_ticks(&b, 20)));
    const struct plan *p = build_ticks(&b, 2);
    assert_string_equal(plan_alert(p, "pool-share", "web")->what,
                        "8 of 10 tasks of web, 80 %, run on spot instances of m5.xlarge in eu-west-1a; pool_share_percent is 40");
}

static void a_share_within_the_bound_and_no_bound_tell_nothing(void **state)
{
    (void)state;
    world(80, true);
    assert_false(told(build_ticks(&b, 30)));
    build_release(&b);
    world(0, true);
    assert_false(told(build_ticks(&b, 30)));
}

static void what_runs_on_demand_is_not_lost_with_a_pool(void **state)
{
    (void)state;
    world(40, false);
    assert_false(told(build_ticks(&b, 30)));
}

static const char *order_of(const char *id)
{
    const struct action *a = plan_action(&b.r.plan, ACTION_SET_TARGET, id);
    return a ? a->fact : "";
}

// The cheaper fleet has the pool that the service is in already.
static void a_fleet_whose_pools_have_their_share_is_asked_last(void **state)
{
    (void)state;
    for (int64_t percent = 0; percent <= 40; percent += 40) {
        world(percent, true);
        int other = build_fleet(&b, "sfr-b", 0);
        build_pool(&b, other, type, 1000);
        b.s.fleets[other].pools[0].zone = "eu-west-1c";
        b.s.fleets[other].pools[0].spot_usd_micro = 90000;
        b.s.fleets[fleet_a].pools[0].spot_usd_micro = 60000;
        b.s.services[web].desired = b.s.services[web].deployments[0].desired = 16;
        build_plan(&b);
        if (percent == 0)
            assert_non_null(strstr(order_of("sfr-a"), "of sfr-a; $0.0150/h a task, sfr-b $0.0225/h"));
        else
            assert_non_null(strstr(order_of("sfr-b"), "of sfr-b; the pools of sfr-a have their share of these"));
        if (percent == 0)
            build_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_service_beyond_its_share_in_one_pool_is_told_after_ten_minutes, teardown),
        cmocka_unit_test_teardown(a_share_within_the_bound_and_no_bound_tell_nothing, teardown),
        cmocka_unit_test_teardown(what_runs_on_demand_is_not_lost_with_a_pool, teardown),
        cmocka_unit_test_teardown(a_fleet_whose_pools_have_their_share_is_asked_last, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
