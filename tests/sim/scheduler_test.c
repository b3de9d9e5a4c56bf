#include "tests/sim/fixture.h"

static void binpack_fills_one_instance_before_the_next(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int a = add_host(w, -1, 0), b = add_host(w, -1, 1), c = add_host(w, -1, 2);
    int s = add_service(w, (struct a_service){"web", 512, 512, 9, 100, 200, WS_BINPACK_CPU, 0, 0});
    later(w, 1);
    int on[] = {tasks_on(w, s, a), tasks_on(w, s, b), tasks_on(w, s, c)};
    int full = 0, one = 0;
    for (int i = 0; i < 3; i++) {
        full += on[i] == 8;
        one += on[i] == 1;
    }
    assert_int_equal(full, 1);
    assert_int_equal(one, 1);
    world_free(w);
}

static void spread_over_zones_counts_zones_not_instances(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int a = add_host(w, -1, 0), b = add_host(w, -1, 0), c = add_host(w, -1, 1);
    int s = add_service(w, (struct a_service){"web", 256, 256, 8, 100, 200, WS_SPREAD_ZONE, 0, 0});
    later(w, 1);
    assert_int_equal(tasks_on(w, s, c), 4);
    assert_int_equal(tasks_on(w, s, a) + tasks_on(w, s, b), 4);
    world_free(w);
}

static void spread_over_instances_gives_each_the_same(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int hosts[4];
    for (int i = 0; i < 4; i++)
        hosts[i] = add_host(w, -1, i % 3);
    int s = add_service(w, (struct a_service){"web", 256, 256, 8, 100, 200, WS_SPREAD_INSTANCE, 0, 0});
    later(w, 1);
    for (int i = 0; i < 4; i++)
        assert_int_equal(tasks_on(w, s, hosts[i]), 2);
    world_free(w);
}

static void random_uses_more_than_one_instance(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int used = 0, hosts[4];
    for (int i = 0; i < 4; i++)
        hosts[i] = add_host(w, -1, 0);
    int s = add_service(w, (struct a_service){"web", 128, 128, 20, 100, 200, WS_RANDOM, 0, 0});
    later(w, 1);
    for (int i = 0; i < 4; i++)
        used += tasks_on(w, s, hosts[i]) > 0;
    assert_true(used >= 3);
    world_free(w);
}

static void distinct_instance_takes_one_task_each_and_no_more(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int a = add_host(w, -1, 0), b = add_host(w, -1, 1);
    int s = add_service(w, (struct a_service){"edge", 128, 128, 3, 100, 200, WS_BINPACK_CPU, true, 0});
    later(w, 1);
    assert_int_equal(tasks_on(w, s, a), 1);
    assert_int_equal(tasks_on(w, s, b), 1);
    assert_int_equal(service(w, s).running + service(w, s).pending, 2);
    world_free(w);
}

static void memory_does_not_fit_although_the_sum_would(void **state)
{
    (void)state;
    struct world *w = calm_world();
    add_host(w, -1, 0);
    add_host(w, -1, 1);
    int s = add_service(w, (struct a_service){"big", 128, 9000, 4, 100, 200, WS_RANDOM, 0, 0});
    later(w, 1);
    assert_int_equal(service(w, s).pending, 2);  // 15,692 MiB hold one of 9,000 each
    world_free(w);
}

static void host_ports_hold_one_task_an_instance(void **state)
{
    (void)state;
    struct world *w = calm_world();
    add_host(w, -1, 0);
    add_host(w, -1, 1);
    struct world_taskdef d = {.family = "proxy", .need = res_make(128, 128), .ports = {{.host = 8080}}, .port_count = 1, .start_ms = 1000};
    int def = world_add_taskdef(w, &d);
    int s = world_add_service(w, &(struct world_service_spec){.name = "proxy", .taskdef = def, .desired = 3, .max_percent = 200});
    later(w, 1);
    assert_int_equal(service(w, s).pending, 2);
    world_free(w);
}

static void a_task_without_a_place_does_not_exist_and_an_event_says_why(void **state)
{
    (void)state;
    struct world *w = calm_world();
    add_host(w, -1, 0);
    int s = add_service(w, (struct a_service){"web", 3072, 512, 2, 100, 200, WS_RANDOM, 0, 0});
    later(w, 1);
    assert_int_equal(service(w, s).running + service(w, s).pending, 1);
    assert_int_equal(service(w, s).missing, 1);
    assert_non_null(strstr(service(w, s).events[0].text, "(service web) was unable to place a task"));
    assert_non_null(strstr(service(w, s).events[0].text, "insufficient CPU units"));
    world_free(w);
}

static void without_instances_the_event_says_so(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int s = add_service(w, (struct a_service){"web", 512, 512, 1, 100, 200, WS_RANDOM, 0, 0});
    later(w, 1);
    assert_non_null(strstr(service(w, s).events[0].text, "No Container Instances were found"));
    world_free(w);
}

static void attempts_to_place_are_paused_longer_and_longer_up_to_the_cap(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int s = add_service(w, (struct a_service){"web", 512, 512, 1, 100, 200, WS_RANDOM, 0, 0});
    int64_t before = 0, at = 0;
    for (int i = 0; i < 6; i++) {
        later(w, i ? at - world_view(w).now_ms : 1);
        before = at;
        at = service(w, s).retry_ms;
        if (i > 0)
            assert_int_equal(at - before, i == 1 ? 10000 : i == 2 ? 20000 : i == 3 ? 40000 : 60000);
    }
    assert_int_equal(world_view(w).counters->placements_failed, 6);
    world_free(w);
}

static void a_task_is_pending_before_it_runs_and_healthy_later(void **state)
{
    (void)state;
    struct world *w = calm_world();
    add_host(w, -1, 0);
    int s = add_service(w, (struct a_service){"web", 512, 512, 1, 100, 200, WS_RANDOM, 0, 0});
    later(w, 1);
    assert_int_equal(service(w, s).pending, 1);
    later(w, 20000);
    assert_int_equal(service(w, s).running, 1);
    assert_int_equal(healthy_of(w, s), 0);
    later(w, 40000);
    assert_int_equal(healthy_of(w, s), 1);
    assert_non_null(strstr(service(w, s).events[0].text, "has reached a steady state."));
    world_free(w);
}

static void fewer_desired_stops_the_surplus_at_once(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int a = add_host(w, -1, 0), b = add_host(w, -1, 1);
    int s = add_service(w, (struct a_service){"web", 256, 256, 6, 100, 200, WS_SPREAD_ZONE, 0, 0});
    later(w, 60000);
    world_set_desired(w, WORLD_PERSON, s, 2);
    later(w, 1);
    assert_int_equal(tasks_on(w, s, a), 1);
    assert_int_equal(tasks_on(w, s, b), 1);
    world_free(w);
}

static void a_stopping_task_frees_its_share_while_its_container_still_runs(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int a = add_host(w, -1, 0);
    int s = add_service(w, (struct a_service){"web", 1024, 1024, 1, 100, 200, WS_RANDOM, 0, 0});
    later(w, 60000);
    int64_t taken = host(w, a).remaining.v[RES_CPU];
    world_set_desired(w, WORLD_PERSON, s, 0);
    later(w, 1);
    assert_int_equal(host(w, a).remaining.v[RES_CPU], taken + 1024);
    assert_int_equal(alive_on(w, a), 1);
    later(w, 3000);
    assert_int_equal(alive_on(w, a), 1);
    later(w, 10000);
    assert_int_equal(alive_on(w, a), 0);
    world_free(w);
}

static void a_new_task_stays_pending_until_the_host_really_has_room(void **state)
{
    (void)state;
    struct world *w = calm_world();
    add_host(w, -1, 0);
    struct world_taskdef d = {.family = "slow", .need = res_make(4096, 1024), .stop_timeout_ms = 120000, .stops_in_ms = 200000, .start_ms = 1000};
    int def = world_add_taskdef(w, &d), task = -1;
    assert_int_equal(world_run_task(w, WORLD_PERSON, 0, def, 0, &task), WORLD_OK);
    later(w, 10000);
    world_stop_task(w, WORLD_PERSON, task);
    int second = -1;
    assert_int_equal(world_run_task(w, WORLD_PERSON, 0, def, 0, &second), WORLD_OK);
    later(w, 60000);
    assert_int_equal(world_view(w).tasks[second].last.now, WT_PENDING);
    later(w, 70000);
    assert_int_equal(world_view(w).tasks[second].last.now, WT_RUNNING);
    world_free(w);
}

static void run_task_without_room_is_refused(void **state)
{
    (void)state;
    struct world *w = calm_world();
    add_host(w, -1, 0);
    int task, def = a_def(w, "huge", 5000, 100);
    assert_int_equal(world_run_task(w, WORLD_PERSON, 0, def, 1000, &task), WORLD_NO_ROOM);
    assert_int_equal(world_run_task(w, WORLD_PERSON, 3, def, 1000, &task), WORLD_NOT_FOUND);
    world_free(w);
}

static void a_disconnected_agent_takes_no_tasks(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int a = add_host(w, -1, 0);
    world_set_agent(w, a, false);
    int s = add_service(w, (struct a_service){"web", 512, 512, 1, 100, 200, WS_RANDOM, 0, 0});
    later(w, 1);
    assert_int_equal(service(w, s).pending, 0);
    world_free(w);
}

static void a_daemon_runs_on_each_instance_as_soon_as_it_registers(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int s = add_service(w, (struct a_service){"agent", 128, 256, 0, 0, 100, WS_RANDOM, 0, true});
    int f = add_fleet(w, 2, "m5.xlarge", 1);
    later(w, 400000);
    assert_int_equal(members(w, f), 2);
    assert_int_equal(service(w, s).running, 2);
    assert_int_equal(service(w, s).desired, 2);
    world_free(w);
}

static void a_deployment_rolls_within_its_percents(void **state)
{
    (void)state;
    struct world *w = calm_world();
    add_host(w, -1, 0);
    add_host(w, -1, 1);
    int s = add_service(w, (struct a_service){"web", 256, 256, 4, 100, 150, WS_SPREAD_ZONE, 0, 0});
    later(w, 120000);
    assert_int_equal(world_deploy(w, WORLD_PERSON, s, NULL), WORLD_OK);
    for (int i = 0; i < 600; i++) {
        later(w, 1000);
        assert_true(service(w, s).running + service(w, s).pending <= 6);
        assert_true(healthy_of(w, s) >= 4);
    }
    assert_int_equal(service(w, s).deployment_count, 1);
    assert_int_equal(service(w, s).deployments[0].running, 4);
    assert_true(service(w, s).deployments[0].completed);
    world_free(w);
}

static void a_protected_task_outlives_a_deployment_until_its_protection_ends(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int a = add_host(w, -1, 0);
    int s = add_service(w, (struct a_service){"web", 256, 256, 2, 100, 200, WS_RANDOM, 0, 0});
    later(w, 120000);
    int task = first_task_on(w, s, a);
    assert_int_equal(world_set_task_protection(w, WORLD_PERSON, task, true, 600000), WORLD_OK);
    world_deploy(w, WORLD_PERSON, s, NULL);
    later(w, 500000);
    assert_int_equal(world_view(w).tasks[task].desired.now, WD_RUNNING);
    assert_int_equal(service(w, s).deployment_count, 2);
    later(w, 200000);
    assert_int_equal(world_view(w).tasks[task].desired.now, WD_STOPPED);
    assert_int_equal(service(w, s).deployment_count, 1);
    world_free(w);
}

static void protection_is_for_service_tasks_only(void **state)
{
    (void)state;
    struct world *w = calm_world();
    add_host(w, -1, 0);
    int task;
    assert_int_equal(world_run_task(w, WORLD_PERSON, 0, a_def(w, "job", 128, 128), 60000, &task), WORLD_OK);
    assert_int_equal(world_set_task_protection(w, WORLD_PERSON, task, true, 600000), WORLD_NOT_SERVICE_TASK);
    world_free(w);
}

static void a_standalone_task_ends_by_itself_and_is_forgotten_after_an_hour(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int a = add_host(w, -1, 0), task;
    assert_int_equal(world_run_task(w, WORLD_PERSON, 0, a_def(w, "job", 128, 128), 60000, &task), WORLD_OK);
    later(w, 120000);
    assert_int_equal(world_view(w).tasks[task].last.now, WT_STOPPED);
    assert_string_equal(world_view(w).tasks[task].stop_code, "EssentialContainerExited");
    assert_int_equal(host(w, a).remaining.v[RES_CPU], host(w, a).registered.v[RES_CPU]);
    later(w, 3600000);
    assert_false(world_view(w).tasks[task].used);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binpack_fills_one_instance_before_the_next),
        cmocka_unit_test(spread_over_zones_counts_zones_not_instances),
        cmocka_unit_test(spread_over_instances_gives_each_the_same),
        cmocka_unit_test(random_uses_more_than_one_instance),
        cmocka_unit_test(distinct_instance_takes_one_task_each_and_no_more),
        cmocka_unit_test(memory_does_not_fit_although_the_sum_would),
        cmocka_unit_test(host_ports_hold_one_task_an_instance),
        cmocka_unit_test(a_task_without_a_place_does_not_exist_and_an_event_says_why),
        cmocka_unit_test(without_instances_the_event_says_so),
        cmocka_unit_test(attempts_to_place_are_paused_longer_and_longer_up_to_the_cap),
        cmocka_unit_test(a_task_is_pending_before_it_runs_and_healthy_later),
        cmocka_unit_test(fewer_desired_stops_the_surplus_at_once),
        cmocka_unit_test(a_stopping_task_frees_its_share_while_its_container_still_runs),
        cmocka_unit_test(a_new_task_stays_pending_until_the_host_really_has_room),
        cmocka_unit_test(run_task_without_room_is_refused),
        cmocka_unit_test(a_disconnected_agent_takes_no_tasks),
        cmocka_unit_test(a_daemon_runs_on_each_instance_as_soon_as_it_registers),
        cmocka_unit_test(a_deployment_rolls_within_its_percents),
        cmocka_unit_test(a_protected_task_outlives_a_deployment_until_its_protection_ends),
        cmocka_unit_test(protection_is_for_service_tasks_only),
        cmocka_unit_test(a_standalone_task_ends_by_itself_and_is_forgotten_after_an_hour),
    };
    return cmocka_run_group_tests_name("scheduler", tests, NULL, NULL);
}
