// V6: how many healthy tasks of a service our drains leave; the checker trips on what they take too much, and forgives what others take.
#include "planner/sim/world_internal.h"
#include "tests/sim/rogue.h"

static void v6_trips_when_drains_are_counted_one_by_one(void **state)
{
    (void)state;
    struct rig r = rig_of(calm_world(), 4, (struct a_service){"web", 512, 1024, 4, 50, 100, WS_SPREAD_INSTANCE, 0, 0});
    drain_one(&r, r.hosts[0]);
    drain_one(&r, r.hosts[1]);
    later(r.w, 60000);
    expect(&r, V6);
    rig_release(&r);
}

static void v6_allows_one_of_four_at_a_time(void **state)
{
    (void)state;
    struct rig r = rig_of(calm_world(), 4, (struct a_service){"web", 512, 1024, 4, 50, 100, WS_SPREAD_INSTANCE, 0, 0});
    drain_one(&r, r.hosts[0]);
    later(r.w, 300000);
    expect_clean(&r);
    rig_release(&r);
}

static void v6_does_not_charge_us_for_a_service_that_grows_meanwhile(void **state)
{
    (void)state;
    struct rig r = rig_of(calm_world(), 4, (struct a_service){"web", 512, 1024, 4, 50, 100, WS_SPREAD_INSTANCE, 0, 0});
    drain_one(&r, r.hosts[0]);
    world_set_desired(r.w, WORLD_PERSON, r.web, 8);
    later(r.w, 300000);
    expect_clean(&r);
    rig_release(&r);
}

static void v6_does_not_charge_us_for_a_deployment_that_begins_meanwhile(void **state)
{
    (void)state;
    struct rig r = rig_of(calm_world(), 4, (struct a_service){"web", 512, 1024, 4, 50, 200, WS_SPREAD_INSTANCE, 0, 0});
    drain_one(&r, r.hosts[0]);
    later(r.w, 5000);
    world_deploy(r.w, WORLD_PERSON, r.web, NULL);  // ECS stops down to half of them
    later(r.w, 300000);
    expect_clean(&r);
    rig_release(&r);
}

// It may be STOPPED, and on no list of the service any more, before the one that our drain takes is.
static void v6_does_not_charge_us_for_a_task_that_a_person_stops_meanwhile(void **state)
{
    (void)state;
    struct world_options o = calm_options();
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world *w = NULL;
        struct err err;
        assert_int_equal(world_empty(seed, &o, &w, &err), 0);
        assert_int_equal(world_add_cluster(w, "main"), 0);
        struct rig r = rig_of(w, 4, (struct a_service){"web", 512, 1024, 4, 50, 100, WS_SPREAD_INSTANCE, 0, 0});
        drain_one(&r, r.hosts[0]);
        later(r.w, 100);
        assert_int_equal(world_stop_task(r.w, WORLD_PERSON, first_task_on(r.w, r.web, r.hosts[1])), WORLD_OK);
        later(r.w, 300000);
        expect_clean(&r);
        rig_release(&r);
    }
}

// What ECS stops because a service shrinks is no matter of drains that are begun in the same moment where it ran.
static void v6_does_not_charge_us_for_what_a_service_gives_up_as_drains_are_begun(void **state)
{
    (void)state;
    struct rig r = rig_of(calm_world(), 8, (struct a_service){"web", 512, 1024, 16, 100, 200, WS_SPREAD_INSTANCE, 0, 0});
    drain_one(&r, r.hosts[0]);
    later(r.w, 15000);
    for (int k = 1; k < 5; k++)
        task_stop(r.w, first_task_on(r.w, r.web, r.hosts[k]), WORLD_ECS, "ServiceSchedulerInitiated", "Scaling activity initiated by deployment");
    for (int k = 1; k < 5; k++)
        drain_one(&r, r.hosts[k]);
    later(r.w, 300000);
    assert_int_equal(invariants_count_of(r.inv, V6), 0);
    rig_release(&r);
}

// Facts are some seconds old: a service that grew within these is judged by what it was, and one that grew before is not.
static void v6_does_not_charge_us_for_a_service_that_grew_since_the_look(void **state)
{
    (void)state;
    for (int64_t ago_ms = 500; ago_ms <= 15500; ago_ms += 15000) {
        struct rig r = rig_of(calm_world(), 10, (struct a_service){"web", 512, 1024, 10, 50, 100, WS_SPREAD_INSTANCE, 0, 0});
        world_set_desired(r.w, WORLD_PERSON, r.web, 11);
        later(r.w, ago_ms);
        drain_one(&r, r.hosts[0]);
        later(r.w, 300000);
        assert_int_equal(invariants_count_of(r.inv, V6) > 0, ago_ms > 10000);
        rig_release(&r);
    }
}

static void v6_trips_when_others_took_theirs_first(void **state)
{
    (void)state;
    struct rig r = rig_of(calm_world(), 4, (struct a_service){"web", 512, 1024, 4, 25, 200, WS_SPREAD_INSTANCE, 0, 0});
    drain(r.w, WORLD_PERSON, r.hosts[1]);
    later(r.w, 5000);
    drain_one(&r, r.hosts[0]);
    later(r.w, 60000);
    expect(&r, V6);
    rig_release(&r);
}

static void v6_trips_when_the_only_task_is_stopped_first(void **state)
{
    (void)state;
    struct rig r = rig_of(calm_world(), 2, (struct a_service){"one", 512, 1024, 1, 0, 100, WS_SPREAD_INSTANCE, 0, 0});
    drain_one(&r, r.hosts[tasks_on(r.w, r.web, r.hosts[0]) == 1 ? 0 : 1]);
    later(r.w, 60000);
    expect(&r, V6);
    rig_release(&r);
}

static void v6_does_not_charge_us_for_a_drain_of_a_person(void **state)
{
    (void)state;
    struct rig r = rig_of(calm_world(), 4, (struct a_service){"web", 512, 1024, 4, 50, 100, WS_SPREAD_INSTANCE, 0, 0});
    drain(r.w, WORLD_PERSON, r.hosts[0]);
    drain(r.w, WORLD_PERSON, r.hosts[1]);
    later(r.w, 600000);
    expect_clean(&r);
    rig_release(&r);
}

static void v6_does_not_charge_us_for_a_host_that_is_gone_at_once(void **state)
{
    (void)state;
    struct rig r = rig_of(calm_world(), 5, (struct a_service){"web", 512, 1024, 5, 100, 200, WS_SPREAD_INSTANCE, 0, 0});
    struct world_taskdef *def = &r.w->taskdefs[world_view(r.w).services[r.web].deployments[0].taskdef];
    def->stop_timeout_ms = def->stops_in_ms = 110000;
    drain_one(&r, r.hosts[0]);
    for (int s = 0; s < 120 && world_view(r.w).instances[r.hosts[0]].running_tasks > 0; s++)
        later(r.w, 1000);  // until its task stops, as another is healthy
    world_terminate(r.w, WORLD_PERSON, &r.hosts[1], 1);
    later(r.w, 300000);
    expect_clean(&r);
    rig_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v6_trips_when_drains_are_counted_one_by_one),
        cmocka_unit_test(v6_allows_one_of_four_at_a_time),
        cmocka_unit_test(v6_does_not_charge_us_for_a_service_that_grows_meanwhile),
        cmocka_unit_test(v6_does_not_charge_us_for_a_deployment_that_begins_meanwhile),
        cmocka_unit_test(v6_does_not_charge_us_for_a_task_that_a_person_stops_meanwhile),
        cmocka_unit_test(v6_does_not_charge_us_for_what_a_service_gives_up_as_drains_are_begun),
        cmocka_unit_test(v6_does_not_charge_us_for_a_service_that_grew_since_the_look),
        cmocka_unit_test(v6_trips_when_others_took_theirs_first),
        cmocka_unit_test(v6_trips_when_the_only_task_is_stopped_first),
        cmocka_unit_test(v6_does_not_charge_us_for_a_drain_of_a_person),
        cmocka_unit_test(v6_does_not_charge_us_for_a_host_that_is_gone_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
