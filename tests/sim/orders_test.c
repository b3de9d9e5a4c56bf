// Each order that a scenario can give the world, by what becomes of it.
#include "planner/sim/orders.h"

#include "tests/sim/fixture.h"

static int registered(const struct world *w, int fleet_index)
{
    struct world_view v = world_view(w);
    int n = 0;
    for (int i = 0; i < v.instance_count; i++)
        n += v.instances[i].used && v.instances[i].fleet == fleet_index && v.instances[i].status.now == WE_ACTIVE;
    return n;
}

static int fleet_in_all_zones(struct world *w, int64_t target, int template)
{
    struct world_override o[3];
    for (int z = 0; z < 3; z++)
        o[z] = (struct world_override){world_type_index(w, "m5.xlarge"), z, 1000};
    return world_add_fleet(w, &(struct world_fleet_spec){.target = target, .allocation = WALLOC_DIVERSIFIED, .overrides = o, .override_count = 3, .template = template});
}

static int fleet_in_zone(struct world *w, int64_t target, int zone)
{
    struct world_override o = {world_type_index(w, "m5.xlarge"), zone, 1000};
    return world_add_fleet(w, &(struct world_fleet_spec){.target = target, .overrides = &o, .override_count = 1});
}

static void instances_of_a_template_and_zone_boot_and_never_register(void **state)
{
    (void)state;
    struct world *w = calm_world();
    assert_int_equal(world_break_registration(w, 0, 1, true), WORLD_OK);
    int a = fleet_in_zone(w, 2, 0), b = fleet_in_zone(w, 3, 1);
    later(w, 600000);
    assert_int_equal(registered(w, a), 2);
    assert_int_equal(registered(w, b), 0);
    assert_int_equal(members(w, b), 3);
    assert_int_equal(world_break_registration(w, 0, -1, true), WORLD_OK);
    world_modify_spot_fleet(w, WORLD_PERSON, a, 4, -1, WX_NO_TERMINATION);
    later(w, 600000);
    assert_int_equal(members(w, a), 4);
    assert_int_equal(registered(w, a), 2);
    assert_int_equal(world_break_registration(w, 0, -1, false), WORLD_OK);
    world_modify_spot_fleet(w, WORLD_PERSON, b, 4, -1, WX_NO_TERMINATION);
    later(w, 600000);
    assert_int_equal(registered(w, b), 1);  // those that missed it never do
    assert_int_equal(world_break_registration(w, 9, -1, true), WORLD_NOT_FOUND);
    world_free(w);
}

static void a_failed_registration_is_no_capacity_but_is_told(void **state)
{
    (void)state;
    struct world *w = calm_world();
    assert_int_equal(world_fail_registration(w, 0, true), WORLD_OK);
    int f = add_fleet(w, 1, "m5.xlarge", 1), s = add_service(w, (struct a_service){"web", 64, 64, 1, 0, 200, WS_RANDOM, 0, 0});
    later(w, 600000);
    assert_int_equal(world_view(w).instances[0].status.now, WE_FAILED);
    assert_int_equal(members(w, f), 1);
    assert_int_equal(service(w, s).running, 0);
    world_free(w);
}

static void an_image_that_registers_less_memory_holds_less(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int old = add_host(w, -1, 0);
    assert_int_equal(world_lose_memory(w, 0, 1000), WORLD_OK);
    int young = add_host(w, -1, 0);
    assert_int_equal(host(w, old).registered.v[RES_MEMORY] - host(w, young).registered.v[RES_MEMORY], 1000);
    world_free(w);
}

static void agents_disconnect_by_zone_or_all_and_come_back(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int hosts[4];
    for (int i = 0; i < 4; i++)
        hosts[i] = add_host(w, -1, i % 3);
    assert_int_equal(world_set_agents(w, 0, 0, false), 2);
    assert_false(host(w, hosts[0]).agent_connected);
    assert_true(host(w, hosts[1]).agent_connected);
    assert_int_equal(world_set_agents(w, 0, -1, false), 4);
    int s = add_service(w, (struct a_service){"web", 64, 64, 1, 0, 200, WS_RANDOM, 0, 0});
    later(w, 1);
    assert_int_equal(service(w, s).pending, 0);
    assert_non_null(strstr(service(w, s).events[0].text, "encountered error \"AGENT\"."));
    world_set_agents(w, 0, -1, true);
    later(w, 120000);
    assert_int_equal(service(w, s).running, 1);
    world_free(w);
}

static void a_ghost_stays_active_and_disconnected_until_it_is_deregistered(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int a = add_host(w, -1, 0), b = add_host(w, -1, 1);
    int s = add_service(w, (struct a_service){"web", 64, 64, 4, 0, 200, WS_SPREAD_INSTANCE, 0, 0});
    later(w, 60000);
    assert_int_equal(world_make_ghost(w, a), WORLD_OK);
    later(w, 6 * 3600000);
    assert_int_equal(host(w, a).state.now, WL_TERMINATED);
    assert_int_equal(host(w, a).status.now, WE_ACTIVE);
    assert_false(host(w, a).agent_connected);
    assert_int_equal(tasks_on(w, s, a), 2);  // ECS has heard nothing of their end
    assert_int_equal(world_deregister(w, WORLD_PERSON, 0, a, false), WORLD_BAD_STATE);
    assert_int_equal(world_deregister(w, WORLD_PERSON, 0, a, true), WORLD_OK);
    later(w, 60000);
    assert_int_equal(tasks_on(w, s, b), 4);
    later(w, 4 * 3600000);
    assert_false(host(w, a).used);
    world_free(w);
}

static void a_stopped_instance_is_not_deregistered_and_runs_again_under_its_id(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 0, "m5.xlarge", 1);
    later(w, 1000);
    int a = add_host(w, f, 0);
    assert_int_equal(world_stop_instance(w, a), WORLD_OK);
    assert_int_equal(host(w, a).state.now, WL_STOPPED);
    assert_int_equal(host(w, a).status.now, WE_ACTIVE);
    assert_int_equal(fleet(w, f).fulfilled_milli, 0);
    assert_int_equal(world_stop_instance(w, a), WORLD_BAD_STATE);
    later(w, 3600000);
    assert_int_equal(world_start_instance(w, a), WORLD_OK);
    assert_true(host(w, a).agent_connected);
    assert_int_equal(host(w, a).state.now, WL_RUNNING);
    world_free(w);
}

static void a_subnet_without_addresses_takes_no_launches(void **state)
{
    (void)state;
    struct world *w = calm_world();
    world_set_addresses(w, 0, 0);
    world_set_addresses(w, 2, 1);
    int f = fleet_in_all_zones(w, 9, 0);
    later(w, 600000);
    int in_zone[3] = {0};
    struct world_view v = world_view(w);
    for (int i = 0; i < v.instance_count; i++)
        in_zone[v.pools[v.instances[i].pool].zone]++;
    assert_int_equal(members(w, f), 9);
    assert_int_equal(in_zone[0], 0);
    assert_int_equal(world_free_addresses(w, 1), 8187 - in_zone[1]);
    world_free(w);
}

static void a_stuck_fleet_launches_nothing_until_it_is_freed(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 2, "m5.xlarge", 1);
    assert_int_equal(world_stick_fleet(w, f, "spotInstanceCountLimitExceeded"), WORLD_OK);
    later(w, 600000);
    assert_int_equal(members(w, f), 0);
    assert_int_equal(fleet(w, f).activity, WA_ERROR);
    world_stick_fleet(w, f, NULL);
    later(w, 60000);
    assert_int_equal(members(w, f), 2);
    world_free(w);
}

static void an_expired_fleet_keeps_or_ends_its_members(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int kept = add_fleet(w, 2, "m5.xlarge", 1), ended = add_fleet(w, 2, "m5.xlarge", 1);
    later(w, 300000);
    world_expire_fleet(w, kept, world_view(w).now_ms + 60000, false);
    world_expire_fleet(w, ended, world_view(w).now_ms + 60000, true);
    later(w, 300000);
    assert_int_equal(members(w, kept), 2);
    assert_int_equal(fleet(w, kept).state.now, WF_CANCELLED_RUNNING);
    assert_int_equal(members(w, ended), 0);
    assert_int_equal(fleet(w, ended).state.now, WF_CANCELLED);
    assert_int_equal(world_modify_spot_fleet(w, WORLD_PERSON, kept, 3, -1, WX_NO_TERMINATION), WORLD_FLEET_NOT_MODIFIABLE);
    world_free(w);
}

static void a_renewed_fleet_has_a_new_id_and_the_old_tags(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int old = add_fleet(w, 2, "m5.xlarge", 1);
    world_tag_fleet(w, WORLD_PERSON, old, "cluster", "main");
    later(w, 300000);
    int young = world_renew_fleet(w, WORLD_PERSON, old, false);
    assert_true(young > old);
    assert_string_not_equal(fleet(w, young).id, fleet(w, old).id);
    assert_string_equal(world_tag_value(fleet(w, young).tags, fleet(w, young).tag_count, "cluster"), "main");
    assert_int_equal(fleet(w, old).state.now, WF_CANCELLED_RUNNING);
    later(w, 300000);
    assert_int_equal(members(w, old), 2);
    assert_int_equal(members(w, young), 2);
    assert_int_equal(world_untag_fleet(w, WORLD_PERSON, young, "cluster"), WORLD_OK);
    assert_null(world_tag_value(fleet(w, young).tags, fleet(w, young).tag_count, "cluster"));
    int last = world_renew_fleet(w, WORLD_PERSON, young, true);
    later(w, 300000);
    assert_int_equal(members(w, young), 0);
    assert_int_equal(fleet(w, young).state.now, WF_CANCELLED);
    assert_int_equal(members(w, last), 2);
    assert_int_equal(world_renew_fleet(w, WORLD_PERSON, 99, true), -1);
    world_free(w);
}

// With a definition whose tasks never start, a deployment stays IN_PROGRESS, the old tasks stay, and ECS tries ever more slowly.
static void a_deployment_whose_tasks_do_not_start_is_stuck_and_slows_down(void **state)
{
    (void)state;
    struct world *w = calm_world();
    add_host(w, -1, 0);
    int s = add_service(w, (struct a_service){"web", 64, 64, 2, 100, 200, WS_RANDOM, 0, 0});
    later(w, 120000);
    struct world_taskdef bad = {.family = "web", .need = res_make(64, 64), .start_ms = 1000, .fails_to_start = true};
    struct world_service_change change = {.taskdef = world_add_taskdef(w, &bad), .min_percent = WORLD_LEFT_OUT, .max_percent = WORLD_LEFT_OUT};
    assert_int_equal(world_update_service(w, WORLD_PERSON, s, &change), WORLD_OK);
    later(w, 600000);
    int first = service(w, s).deployments[0].failed;
    assert_true(first >= 3);
    assert_int_equal(service(w, s).deployment_count, 2);
    assert_false(service(w, s).deployments[0].completed);
    assert_int_equal(service(w, s).running, 2);
    bool said = false;
    for (int e = 0; e < service(w, s).event_count; e++)
        said |= strstr(service(w, s).events[e].text, "is unable to consistently start tasks successfully.") != NULL;
    assert_true(said);
    later(w, 24 * 3600000);
    int day = service(w, s).deployments[0].failed - first;
    assert_true(day >= 80 && day <= 2 * 24 * 4 + 20);  // pairs every 15 min
    struct world_taskdef good = {.family = "web", .need = res_make(64, 64), .start_ms = 1000};
    change.taskdef = world_add_taskdef(w, &good);
    assert_int_equal(world_update_service(w, WORLD_PERSON, s, &change), WORLD_OK);
    later(w, 300000);
    assert_int_equal(service(w, s).deployment_count, 1);
    assert_true(service(w, s).deployments[0].completed);
    world_free(w);
}

static void a_crash_looping_service_slows_down_too(void **state)
{
    (void)state;
    struct world *w = calm_world();
    add_host(w, -1, 0);
    struct world_taskdef d = {.family = "loop", .need = res_make(64, 64), .start_ms = 1000, .stops_in_ms = 100, .stop_timeout_ms = 1000, .crashes = true};
    int s = world_add_service(w, &(struct world_service_spec){.name = "loop", .taskdef = world_add_taskdef(w, &d), .desired = 1, .max_percent = 200});
    later(w, 3600000);
    int first = service(w, s).deployments[0].failed;
    later(w, 3600000);
    int second = service(w, s).deployments[0].failed - first;
    assert_true(first > 4);
    assert_true(second >= 3 && second <= 5);
    world_free(w);
}

static void the_back_off_grows_to_fifteen_minutes_when_ordered(void **state)
{
    (void)state;
    struct world *w = calm_world();
    world_set_backoff(w, 5000, 900000);
    int s = add_service(w, (struct a_service){"web", 64, 64, 1, 0, 200, WS_RANDOM, 0, 0});
    later(w, 2 * 3600000);
    assert_int_equal(service(w, s).pause_ms, 900000);
    assert_int_equal(service(w, s).event_count, 1);  // it says so once, not each time
    add_host(w, -1, 0);
    later(w, 901000);
    assert_int_equal(service(w, s).pending + service(w, s).running, 1);
    world_free(w);
}

static void a_person_starts_a_task_on_a_draining_instance(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int a = add_host(w, -1, 0), task, closest;
    drain(w, WORLD_OURS, a);
    struct world_run run = {.taskdef = a_def(w, "job", 64, 64), .instance = a, .provider = -1};
    enum world_place why;
    assert_int_equal(world_run(w, WORLD_PERSON, &run, &task, &why, &closest), WORLD_OK);
    later(w, 60000);
    assert_int_equal(world_view(w).tasks[task].last.now, WT_RUNNING);
    run.instance = -1;
    assert_int_equal(world_run(w, WORLD_PERSON, &run, &task, &why, &closest), WORLD_NO_ROOM);
    world_free(w);
}

static void a_task_takes_its_whole_stop_timeout_of_two_minutes(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int a = add_host(w, -1, 0), task;
    struct world_taskdef d = {.family = "slow", .need = res_make(64, 64), .stop_timeout_ms = 120000, .stops_in_ms = 600000, .start_ms = 1000};
    assert_int_equal(world_run_task(w, WORLD_PERSON, 0, world_add_taskdef(w, &d), 0, &task), WORLD_OK);
    later(w, 10000);
    world_stop_task(w, WORLD_PERSON, task);
    later(w, 119000);
    assert_int_equal(alive_on(w, a), 1);
    later(w, 3000);
    assert_int_equal(alive_on(w, a), 0);
    world_free(w);
}

static void launch_template_tags_are_on_each_member(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int second = world_add_template(w, &(struct world_template){.id = "lt-0b0c5a4db0c500001", .ami = "ami-2", .agent_version = "1.98.0"});
    int f = fleet_in_all_zones(w, 1, second);
    later(w, 60000);
    struct world_instance i = host(w, 0);
    assert_int_equal(i.fleet, f);
    assert_string_equal(world_tag_value(i.tags, i.tag_count, "aws:ec2launchtemplate:id"), "lt-0b0c5a4db0c500001");
    assert_string_equal(world_tag_value(i.tags, i.tag_count, "aws:ec2launchtemplate:version"), "4");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instances_of_a_template_and_zone_boot_and_never_register),
        cmocka_unit_test(a_failed_registration_is_no_capacity_but_is_told),
        cmocka_unit_test(an_image_that_registers_less_memory_holds_less),
        cmocka_unit_test(agents_disconnect_by_zone_or_all_and_come_back),
        cmocka_unit_test(a_ghost_stays_active_and_disconnected_until_it_is_deregistered),
        cmocka_unit_test(a_stopped_instance_is_not_deregistered_and_runs_again_under_its_id),
        cmocka_unit_test(a_subnet_without_addresses_takes_no_launches),
        cmocka_unit_test(a_stuck_fleet_launches_nothing_until_it_is_freed),
        cmocka_unit_test(an_expired_fleet_keeps_or_ends_its_members),
        cmocka_unit_test(a_renewed_fleet_has_a_new_id_and_the_old_tags),
        cmocka_unit_test(a_deployment_whose_tasks_do_not_start_is_stuck_and_slows_down),
        cmocka_unit_test(a_crash_looping_service_slows_down_too),
        cmocka_unit_test(the_back_off_grows_to_fifteen_minutes_when_ordered),
        cmocka_unit_test(a_person_starts_a_task_on_a_draining_instance),
        cmocka_unit_test(a_task_takes_its_whole_stop_timeout_of_two_minutes),
        cmocka_unit_test(launch_template_tags_are_on_each_member),
    };
    return cmocka_run_group_tests_name("orders", tests, NULL, NULL);
}
