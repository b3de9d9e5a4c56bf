// Groups H and J of safety.md: policy, money, switches and other hands; the AWS API. And rest: V20.
#include "planner/alert.h"
#include "tests/scaler/story.h"

static void h2_paused_by_a_tag_nothing_is_removed_also_by_a_new_daemon_without_its_disk(void **state)
{
    (void)state;
    struct story s;
    struct err err;
    story_open(&s, (struct rig_options){0});
    pass(&s, 20);
    assert_int_equal(world_tag_fleet(world_of(&s), WORLD_PERSON, s.fleet, "masu:mode", "pause"), WORLD_OK);
    pass(&s, 1);
    want(&s, 4);
    int64_t since = now_ms(&s);
    pass(&s, 30);
    assert_int_equal(rig_restart(&s.rig, false, &err), 0);
    pass(&s, 60);
    assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", since), 0);
    assert_int_equal(applied_since(&s, "ec2:TerminateInstances", since), 0);
    assert_string_equal(plan_of(&s)->mode, "pause");
    expect_alert(&s, ALERT_MODE, NULL);
    assert_int_equal(world_interrupt(world_of(&s), an_active(&s)), WORLD_OK);
    pass(&s, 10);
    assert_int_equal(live(&s), WEB_HOSTS - 1);  // a replacement is ordered, or the fleet orders it itself
    assert_int_equal(world_untag_fleet(world_of(&s), WORLD_PERSON, s.fleet, "masu:mode"), WORLD_OK);
    since = now_ms(&s);
    pass(&s, 120);
    assert_true(applied_since(&s, "ecs:UpdateContainerInstancesState", since) > 0);
    nothing_broke(&s);
    story_close(&s);
}

static void h2_frozen_nothing_at_all_is_written(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    pass(&s, 20);
    assert_int_equal(world_tag_fleet(world_of(&s), WORLD_PERSON, s.fleet, "masu:mode", "freeze"), WORLD_OK);
    pass(&s, 1);
    int64_t since = now_ms(&s);
    want(&s, 80);
    assert_int_equal(world_interrupt(world_of(&s), an_active(&s)), WORLD_OK);
    pass(&s, 30);
    assert_int_equal(applied_since(&s, NULL, since), 0);
    nothing_broke(&s);
    story_close(&s);
}

static void cheap(struct policy_cluster *c)
{
    impatient(c);
    c->max_usd_micro = 300000;
}

static void h3_over_the_money_headroom_stops_first_and_real_tasks_go_on_with_an_alert(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){.settings = cheap});
    pass(&s, 20);
    want(&s, 60);
    pass(&s, 40);
    assert_int_equal(running(&s, s.web), 60);
    expect_alert(&s, ALERT_COST_OVER, NULL);
    nothing_broke(&s);
    story_close(&s);
}

static void h4_a_fleet_of_another_is_read_only_in_words(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    assert_int_equal(world_tag_fleet(world_of(&s), WORLD_PERSON, s.fleet, "masu:owner", "somebody-else"), WORLD_OK);
    want(&s, 60);
    pass(&s, 60);
    assert_int_equal(applied_since(&s, NULL, 0), 0);
    expect_alert(&s, ALERT_FLEET_OWNER, NULL);
    nothing_broke(&s);
    story_close(&s);
}

static void h4_a_fleet_without_an_owner_is_claimed_before_the_first_write(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    want(&s, 60);
    pass(&s, 20);
    struct world_view v = see(&s);
    const char *owner = world_tag_value(v.fleets[s.fleet].tags, v.fleets[s.fleet].tag_count, "masu:owner");
    assert_non_null(owner);
    assert_string_equal(owner, "masu");
    assert_int_equal(running(&s, s.web), 60);
    nothing_broke(&s);
    story_close(&s);
}

// What surges for a deployment is drained after it, and raised by the next one: no demand moves, and turning for ever moves tasks for nothing.
static void h5_deployments_each_quarter_of_an_hour_do_not_make_the_fleet_swing_for_ever(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    want(&s, 40);
    pass(&s, 30);
    for (int k = 0; k < 24; k++) {
        assert_int_equal(world_deploy(world_of(&s), WORLD_PERSON, s.web, NULL), WORLD_OK);
        pass(&s, 15);
    }
    expect_alert(&s, ALERT_FLEET_LOOP, NULL);
    int64_t held_ms = now_ms(&s);
    pass(&s, 15);
    assert_int_equal(applied_since(&s, "ec2:TerminateInstances", held_ms), 0);
    nothing_broke(&s);
    story_close(&s);
}

static void h5_demand_that_swings_each_quarter_of_an_hour_is_followed(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    pass(&s, 15);
    for (int k = 0; k < 12; k++) {
        int64_t since_ms = now_ms(&s);
        want(&s, k % 2 ? 12 : 44);
        pass(&s, 15);
        assert_int_equal(running(&s, s.web), k % 2 ? 12 : 44);
        assert_null(alert_of(&s, "fleet-loop", NULL));
        assert_true(k % 2 == 0 || applied_since(&s, "ec2:TerminateInstances", since_ms) > 0);
    }
    nothing_broke(&s);
    story_close(&s);
}

static void j2_in_a_storm_of_throttles_need_is_served_and_the_rate_gives_way(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    pass(&s, 20);
    for (int i = 0; i < 64; i++)  // every fourth call of everything
        fault(&s, "*", SANDBOX_FAULT_THROTTLE, 3 * i, 1);
    want(&s, 44);
    int64_t since = now_ms(&s);
    pass(&s, 3);
    assert_true(applied_since(&s, "ec2:ModifySpotFleetRequest", since) >= 1);
    pass(&s, 30);
    assert_int_equal(running(&s, s.web), 44);
    nothing_broke(&s);
    story_close(&s);
}

static void v20_a_steady_world_comes_to_rest(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    pass(&s, 180);
    int64_t since = now_ms(&s);
    pass(&s, 120);
    assert_int_equal(applied_since(&s, NULL, since), 0);
    nothing_broke(&s);
    story_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h2_paused_by_a_tag_nothing_is_removed_also_by_a_new_daemon_without_its_disk),
        cmocka_unit_test(h2_frozen_nothing_at_all_is_written),
        cmocka_unit_test(h3_over_the_money_headroom_stops_first_and_real_tasks_go_on_with_an_alert),
        cmocka_unit_test(h4_a_fleet_of_another_is_read_only_in_words),
        cmocka_unit_test(h4_a_fleet_without_an_owner_is_claimed_before_the_first_write),
        cmocka_unit_test(h5_deployments_each_quarter_of_an_hour_do_not_make_the_fleet_swing_for_ever),
        cmocka_unit_test(h5_demand_that_swings_each_quarter_of_an_hour_is_followed),
        cmocka_unit_test(j2_in_a_storm_of_throttles_need_is_served_and_the_rate_gives_way),
        cmocka_unit_test(v20_a_steady_world_comes_to_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
