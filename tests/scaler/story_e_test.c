// Group E of safety.md: instances that do not come up, or vanish.
#include "planner/alert.h"
#include "tests/scaler/story.h"

static int template_of(struct story *s)
{
    return see(s).fleets[s->fleet].template;
}

static int64_t launches(struct story *s)
{
    return see(s).counters->launches;
}

static void e1_where_nothing_registers_few_are_launched_and_need_is_served_once_it_does(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    pass(&s, 10);
    assert_int_equal(world_break_registration(world_of(&s), template_of(&s), -1, true), WORLD_OK);
    int64_t had = launches(&s);
    want(&s, 60);
    pass(&s, 2);
    int64_t first = target_of(&s) - WEB_HOSTS;
    assert_true(first > 0);
    pass(&s, 178);
    // V30: the first order, four more, and probes after pauses of 5, 10, 20, 30, 30 … minutes.
    int64_t probes = 3 + 180 / 30;
    print_message("first order %" PRId64 ", %" PRId64 " launched\n", first, launches(&s) - had);
    assert_true(launches(&s) - had <= first + 4 + probes);
    expect_alert(&s, ALERT_BREAKER_OPEN, NULL);
    assert_int_equal(world_break_registration(world_of(&s), template_of(&s), -1, false), WORLD_OK);
    pass(&s, 60);
    assert_int_equal(running(&s, s.web), 60);
    nothing_broke(&s);
    story_close(&s);
}

static void e1_one_bad_zone_does_not_stop_the_others(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    pass(&s, 10);
    assert_int_equal(world_break_registration(world_of(&s), template_of(&s), 0, true), WORLD_OK);
    want(&s, 60);
    pass(&s, 90);
    assert_int_equal(running(&s, s.web), 60);
    nothing_broke(&s);
    story_close(&s);
}

static void e2_members_that_the_cluster_does_not_know_are_told_and_none_is_touched(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    pass(&s, 20);  // what is left over of the start is drained by then
    assert_int_equal(world_break_registration(world_of(&s), template_of(&s), -1, true), WORLD_OK);  // they register elsewhere
    assert_int_equal(world_modify_spot_fleet(world_of(&s), WORLD_PERSON, s.fleet, 10, -1, WX_NO_TERMINATION), WORLD_OK);
    int64_t since = now_ms(&s);
    pass(&s, 60);
    assert_int_equal(applied_since(&s, "ec2:TerminateInstances", since), 0);
    expect_alert(&s, ALERT_FLEET_MISMATCH, NULL);
    nothing_broke(&s);
    story_close(&s);
}

static void e2_a_single_orphan_is_ended_and_replaced(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    pass(&s, 20);  // what is left over of the start is drained by then
    assert_int_equal(world_break_registration(world_of(&s), template_of(&s), -1, true), WORLD_OK);
    want(&s, 24);
    pass(&s, 3);
    assert_int_equal(world_break_registration(world_of(&s), template_of(&s), -1, false), WORLD_OK);
    int64_t since = now_ms(&s);
    pass(&s, 60);
    assert_true(applied_since(&s, "ec2:TerminateInstances", since) >= 1);
    assert_int_equal(running(&s, s.web), 24);
    nothing_broke(&s);
    story_close(&s);
}

static int big_world(const struct world_options *o, struct world **ret, struct err *err)
{
    int rc = story_world(o, ret, err);
    if (rc == 0)
        add_service(*ret, (struct a_service){"big", 1024, 12000, 1, 100, 200, WS_SPREAD_ZONE, 0, 0});
    return rc;
}

static void e3_an_image_that_registers_less_memory_is_ordered_twice_and_no_more(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){.build = big_world});
    pass(&s, 10);
    assert_int_equal(world_lose_memory(world_of(&s), template_of(&s), 8000), WORLD_OK);
    int64_t had = launches(&s);
    int big = world_find_service(world_of(&s), 0, "big");
    assert_int_equal(world_set_desired(world_of(&s), WORLD_PERSON, big, 8), WORLD_OK);
    pass(&s, 90);
    int64_t first = launches(&s) - had;
    print_message("%" PRId64 " launched\n", first);
    assert_true(first <= 2 * 8);
    expect_alert(&s, ALERT_DEMAND_INCURABLE, NULL);
    const char *what = alert_of(&s, alert_id(ALERT_DEMAND_INCURABLE), NULL)->what;
    print_message("%s\n", what);
    assert_non_null(strstr(what, "needs 11.7 GiB"));  // and what the newest registered
    assert_non_null(strstr(what, "m5.xlarge, has "));
    pass(&s, 60);
    assert_true(launches(&s) - had <= 2 * 8);
    nothing_broke(&s);
    story_close(&s);
}

static void e4_an_agent_that_is_away_for_an_hour_is_told_and_its_tasks_are_left_alone(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    pass(&s, 10);
    int64_t since = now_ms(&s);
    int away = an_active(&s);
    assert_int_equal(world_set_agent(world_of(&s), away, false), WORLD_OK);
    pass(&s, 60);
    expect_alert(&s, ALERT_INSTANCE_AWAY, see(&s).instances[away].id);
    assert_int_equal(applied_since(&s, "ec2:TerminateInstances", since), 0);
    assert_int_equal(see(&s).instances[away].state.now, WL_RUNNING);
    nothing_broke(&s);
    story_close(&s);
}

static void e5_when_all_agents_are_away_nothing_is_removed_and_one_step_is_ordered(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    pass(&s, 10);
    int64_t since = now_ms(&s);
    world_set_agents(world_of(&s), 0, -1, false);
    want(&s, 40);
    pass(&s, 45);
    expect_alert(&s, ALERT_MASS_TROUBLE, NULL);
    assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", since), 0);
    assert_int_equal(applied_since(&s, "ec2:TerminateInstances", since), 0);
    assert_int_equal(applied_since(&s, "ecs:DeregisterContainerInstance", since), 0);
    assert_true(live(&s) <= WEB_HOSTS + 50);
    world_set_agents(world_of(&s), 0, -1, true);
    pass(&s, 60);
    assert_int_equal(running(&s, s.web), 40);
    nothing_broke(&s);
    story_close(&s);
}

static void e6_a_ghost_is_taken_off_the_cluster_and_a_stopped_instance_is_not(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    pass(&s, 10);
    int64_t since = now_ms(&s);
    assert_int_equal(world_make_ghost(world_of(&s), an_active(&s)), WORLD_OK);
    assert_int_equal(world_stop_instance(world_of(&s), an_active(&s)), WORLD_OK);
    pass(&s, 90);
    assert_int_equal(applied_since(&s, "ecs:DeregisterContainerInstance", since), 1);
    assert_int_equal(running(&s, s.web), WEB_DESIRED);
    nothing_broke(&s);
    story_close(&s);
}

static void e7_registrations_that_fail_and_subnets_without_addresses_take_no_orders_without_end(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    pass(&s, 10);
    int64_t had = launches(&s);
    assert_int_equal(world_fail_registration(world_of(&s), template_of(&s), true), WORLD_OK);
    want(&s, 36);
    pass(&s, 120);
    print_message("%" PRId64 " launched\n", launches(&s) - had);
    assert_true(launches(&s) - had <= 1 + 4 + 7);
    assert_int_equal(world_fail_registration(world_of(&s), template_of(&s), false), WORLD_OK);
    pass(&s, 60);
    assert_int_equal(running(&s, s.web), 36);
    for (int i = 0; i < see(&s).subnet_count; i++)
        assert_int_equal(world_set_addresses(world_of(&s), i, 0), WORLD_OK);
    pass(&s, 15);
    int64_t since = now_ms(&s);
    want(&s, 80);
    pass(&s, 30);
    assert_true(applied_since(&s, "ec2:ModifySpotFleetRequest", since) <= 2);  // ordered once, and once on demand (L17), not again and again
    assert_true(alert_of(&s, alert_id(ALERT_FLEET_UNFULFILLED), NULL) || alert_of(&s, alert_id(ALERT_FLEET_ERROR), NULL));
    nothing_broke(&s);
    story_close(&s);
}

// D5 and A4: no queue tells it, the spot requests do; the replacement is ordered while the doomed one still runs, and once.
static void d5_a_notice_that_only_the_spot_requests_show_is_answered_in_the_next_look(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    pass(&s, 20);
    int had = live(&s);
    int64_t since = now_ms(&s);
    assert_int_equal(world_interrupt(world_of(&s), an_active(&s)), WORLD_OK);
    pass(&s, 1);
    assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", since), 1);
    assert_true(applied_since(&s, "ec2:ModifySpotFleetRequest", since) <= 2);  // up, and back once the replacement is launched
    assert_int_equal(live(&s), had + 1);
    pass(&s, 20);
    assert_int_equal(live(&s), had);
    assert_int_equal(running(&s, s.web), WEB_DESIRED);
    nothing_broke(&s);
    story_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(e1_where_nothing_registers_few_are_launched_and_need_is_served_once_it_does),
        cmocka_unit_test(e1_one_bad_zone_does_not_stop_the_others),
        cmocka_unit_test(e2_members_that_the_cluster_does_not_know_are_told_and_none_is_touched),
        cmocka_unit_test(e2_a_single_orphan_is_ended_and_replaced),
        cmocka_unit_test(e3_an_image_that_registers_less_memory_is_ordered_twice_and_no_more),
        cmocka_unit_test(e4_an_agent_that_is_away_for_an_hour_is_told_and_its_tasks_are_left_alone),
        cmocka_unit_test(e5_when_all_agents_are_away_nothing_is_removed_and_one_step_is_ordered),
        cmocka_unit_test(e6_a_ghost_is_taken_off_the_cluster_and_a_stopped_instance_is_not),
        cmocka_unit_test(d5_a_notice_that_only_the_spot_requests_show_is_answered_in_the_next_look),
        cmocka_unit_test(e7_registrations_that_fail_and_subnets_without_addresses_take_no_orders_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
