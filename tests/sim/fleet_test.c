#include "planner/sim/orders.h"
#include "tests/sim/fixture.h"

static void fulfilled_capacity_is_rounded_up_by_weights(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 10, "m5.2xlarge", 8);
    later(w, 300000);
    assert_int_equal(members(w, f), 2);
    assert_int_equal(fleet(w, f).fulfilled_milli, 16000);
    assert_int_equal(fleet(w, f).activity, WA_FULFILLED);
    world_free(w);
}

static void a_modify_shows_the_old_target_until_it_is_done_and_bars_the_next(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 2, "m5.xlarge", 1);
    later(w, 300000);
    assert_int_equal(world_modify_spot_fleet(w, WORLD_OURS, f, 4, -1, WX_NO_TERMINATION), WORLD_OK);
    assert_int_equal(fleet(w, f).state.now, WF_MODIFYING);
    assert_int_equal(fleet(w, f).target.now, 2);
    assert_int_equal(world_modify_spot_fleet(w, WORLD_OURS, f, 5, -1, WX_NO_TERMINATION), WORLD_FLEET_NOT_MODIFIABLE);
    later(w, 20000);
    assert_int_equal(fleet(w, f).state.now, WF_ACTIVE);
    assert_int_equal(fleet(w, f).target.now, 4);
    later(w, 300000);
    assert_int_equal(members(w, f), 4);
    world_free(w);
}

static void lowering_with_no_termination_ends_nothing(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 4, "m5.xlarge", 1);
    later(w, 300000);
    world_modify_spot_fleet(w, WORLD_OURS, f, 2, -1, WX_NO_TERMINATION);
    later(w, 600000);
    assert_int_equal(members(w, f), 4);
    world_free(w);
}

static void lowering_without_the_policy_ends_members_of_the_fleets_own_choice_after_a_notice(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 4, "m5.xlarge", 1);
    later(w, 300000);
    world_modify_spot_fleet(w, WORLD_OURS, f, 2, -1, -1);
    later(w, 20000);
    assert_int_equal(world_view(w).notice_count, 2);
    assert_int_equal(members(w, f), 4);
    later(w, 130000);
    assert_int_equal(members(w, f), 2);
    world_free(w);
}

static void ending_a_member_before_the_target_is_lowered_makes_the_fleet_replace_it(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 2, "m5.xlarge", 1);
    later(w, 300000);
    world_terminate(w, WORLD_PERSON, &(int){0}, 1);
    later(w, 300000);
    assert_int_equal(members(w, f), 2);
    assert_int_equal(host(w, 0).state.now, WL_TERMINATED);
    world_free(w);
}

static void ending_a_member_after_the_target_is_lowered_leaves_it_gone(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 2, "m5.xlarge", 1);
    later(w, 300000);
    world_modify_spot_fleet(w, WORLD_PERSON, f, 1, -1, WX_NO_TERMINATION);
    later(w, 30000);
    world_terminate(w, WORLD_PERSON, &(int){0}, 1);
    later(w, 600000);
    assert_int_equal(members(w, f), 1);
    world_free(w);
}

static void a_lower_target_cancels_open_orders_first(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 1, "m5.xlarge", 1);
    later(w, 300000);
    for (int p = 0; p < world_view(w).pool_count; p++)
        world_set_shortage(w, p, world_view(w).now_ms + 600000);
    world_modify_spot_fleet(w, WORLD_PERSON, f, 5, -1, WX_NO_TERMINATION);
    later(w, 60000);
    assert_int_equal(members(w, f), 1);
    assert_int_equal(fleet(w, f).activity, WA_ERROR);
    world_modify_spot_fleet(w, WORLD_PERSON, f, 1, -1, WX_NO_TERMINATION);
    later(w, 3600000);
    assert_int_equal(members(w, f), 1);
    world_free(w);
}

static void a_shortage_ends_and_the_fleet_is_filled_then(void **state)
{
    (void)state;
    struct world *w = calm_world();
    for (int p = 0; p < world_view(w).pool_count; p++)
        world_set_shortage(w, p, world_view(w).now_ms + 600000);
    int f = add_fleet(w, 2, "m5.xlarge", 1);
    later(w, 500000);
    assert_int_equal(members(w, f), 0);
    later(w, 1200000);
    assert_int_equal(members(w, f), 2);
    world_free(w);
}

static void an_interrupted_instance_ends_two_minutes_after_its_notice_and_is_replaced(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 1, "m5.xlarge", 1);
    later(w, 300000);
    assert_int_equal(world_interrupt(w, 0), WORLD_OK);
    assert_int_equal(world_view(w).notices[0].deadline_ms - world_view(w).notices[0].at_ms, 120000);
    later(w, 119000);
    assert_int_equal(host(w, 0).state.now, WL_RUNNING);
    later(w, 2000);
    assert_int_equal(host(w, 0).state.now, WL_SHUTTING_DOWN);
    assert_int_equal(host(w, 0).end, WEND_INTERRUPTED);
    later(w, 300000);
    assert_int_equal(members(w, f), 1);
    world_free(w);
}

static void a_fleet_may_forget_doomed_members_at_the_notice(void **state)
{
    (void)state;
    struct world_options o = calm_options();
    o.forget_doomed_at_notice = true;
    struct world *w = calm_world_with(&o);
    int f = add_fleet(w, 1, "m5.xlarge", 1);
    later(w, 300000);
    world_interrupt(w, 0);
    later(w, 60000);
    assert_int_equal(members(w, f), 2);
    world_free(w);
}

static void tasks_of_an_ended_instance_are_lost_and_started_elsewhere(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int a = add_host(w, -1, 0);
    int s = add_service(w, (struct a_service){"web", 512, 512, 2, 100, 200, WS_RANDOM, 0, 0});
    later(w, 60000);
    int b = add_host(w, -1, 1);
    world_terminate(w, WORLD_PERSON, &a, 1);
    later(w, 60000);
    assert_int_equal(alive_on(w, a), 0);
    assert_int_equal(tasks_on(w, s, b), 2);
    assert_int_equal(host(w, a).status.now, WE_INACTIVE);
    assert_int_equal(world_view(w).counters->tasks_lost, 2);
    assert_int_equal(world_view(w).counters->tasks_killed, 0);
    world_free(w);
}

static void one_unknown_id_and_none_is_terminated(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int ids[] = {add_host(w, -1, 0), 99};
    assert_int_equal(world_terminate(w, WORLD_OURS, ids, 2), WORLD_NOT_FOUND);
    assert_int_equal(host(w, ids[0]).state.now, WL_RUNNING);
    world_free(w);
}

static void request_fleets_and_cancelled_ones_cannot_be_modified(void **state)
{
    (void)state;
    struct world *w = calm_world();
    struct world_override o = {world_type_index(w, "m5.xlarge"), -1, 1000};
    int f = world_add_fleet(w, &(struct world_fleet_spec){.target = 1, .overrides = &o, .override_count = 1, .request_type = true});
    int g = add_fleet(w, 1, "m5.xlarge", 1);
    later(w, 300000);
    assert_int_equal(members(w, f), 1);
    assert_int_equal(world_modify_spot_fleet(w, WORLD_OURS, f, 2, -1, WX_NO_TERMINATION), WORLD_FLEET_NOT_MODIFIABLE);
    world_cancel_fleet(w, WORLD_PERSON, g, true);
    assert_int_equal(world_modify_spot_fleet(w, WORLD_OURS, g, 2, -1, WX_NO_TERMINATION), WORLD_FLEET_NOT_MODIFIABLE);
    later(w, 60000);
    assert_int_equal(members(w, g), 0);
    assert_int_equal(world_modify_spot_fleet(w, WORLD_OURS, 9, 2, -1, WX_NO_TERMINATION), WORLD_NOT_FOUND);
    world_free(w);
}

static void targets_beyond_the_limit_are_refused(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 1, "m5.xlarge", 1);
    later(w, 300000);
    assert_int_equal(world_modify_spot_fleet(w, WORLD_OURS, f, 10001, -1, WX_NO_TERMINATION), WORLD_INVALID);
    assert_int_equal(world_modify_spot_fleet(w, WORLD_OURS, f, 2, 3, WX_NO_TERMINATION), WORLD_INVALID);
    world_free(w);
}

static int by_ms(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void boots_take_as_long_as_asked_for(void **state)
{
    (void)state;
    struct world *w = calm_world();
    struct world_override o[3];
    static const char *const types[] = {"m5.xlarge", "c5.xlarge", "r5.xlarge"};
    for (int i = 0; i < 3; i++)
        o[i] = (struct world_override){world_type_index(w, types[i]), -1, 1000};
    for (int k = 0; k < 10; k++) {
        world_add_fleet(w, &(struct world_fleet_spec){.target = 60, .allocation = WALLOC_DIVERSIFIED, .overrides = o, .override_count = 3});
        later(w, 3600000);
    }
    struct world_view v = world_view(w);
    int64_t took[1024];
    size_t n = 0;
    for (int i = 0; i < v.instance_count && n < 1024; i++)
        if (v.instances[i].registered_ms > 0)
            took[n++] = v.instances[i].registered_ms - v.instances[i].launched_ms;
    assert_true(n >= 600);
    qsort(took, n, sizeof took[0], by_ms);
    assert_in_range(took[n / 2], 72000, 78000);
    assert_in_range(took[n * 9 / 10], 90000, 100000);
    world_free(w);
}

static void a_type_registers_less_memory_than_its_nominal(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int a = add_host(w, -1, 0);
    assert_int_equal(host(w, a).registered.v[RES_MEMORY], 16384 * 97 / 100 - 200);
    assert_int_equal(host(w, a).registered.v[RES_CPU], 4096);
    world_free(w);
}

static void spot_prices_stay_below_on_demand_and_move(void **state)
{
    (void)state;
    struct world *w = calm_world();
    struct world_view v = world_view(w);
    int64_t first = v.pools[0].spot_usd_micro, moved = 0;
    for (int i = 0; i < 200; i++) {
        later(w, 600000);
        v = world_view(w);
        moved += v.pools[0].spot_usd_micro != first;
        for (int p = 0; p < v.pool_count; p++) {
            assert_true(v.pools[p].spot_usd_micro > 0);
            assert_true(v.pools[p].spot_usd_micro < v.types[v.pools[p].type].on_demand_usd_micro);
        }
    }
    assert_true(moved > 100);
    world_free(w);
}

static void tags_are_kept_and_those_of_aws_are_refused(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 0, "m5.xlarge", 1);
    int a = add_host(w, f, 0);
    assert_int_equal(world_tag(w, WORLD_OURS, a, "masu:drain", "x"), WORLD_OK);
    assert_int_equal(world_tag(w, WORLD_OURS, a, "aws:x", "x"), WORLD_INVALID);
    struct world_instance i = host(w, a);
    assert_string_equal(world_tag_value(i.tags, i.tag_count, "masu:drain"), "x");
    assert_string_equal(world_tag_value(i.tags, i.tag_count, "aws:ec2spot:fleet-request-id"), fleet(w, f).id);
    assert_int_equal(world_untag(w, WORLD_OURS, a, "masu:drain"), WORLD_OK);
    i = host(w, a);
    assert_null(world_tag_value(i.tags, i.tag_count, "masu:drain"));
    world_free(w);
}

static void capacity_rebalancing_replaces_what_is_at_risk_and_ends_it_after_the_delay(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct world *w = calm_world();
        int f = add_fleet(w, 3, "m5.xlarge", 1);
        world_rebalance_fleet(w, f, k == 0 ? WREB_LAUNCH : WREB_LAUNCH_BEFORE_TERMINATE, 600000);
        later(w, 300000);
        assert_int_equal(members(w, f), 3);
        int one = 0;
        assert_int_equal(world_rebalance_hint(w, one), WORLD_OK);
        assert_int_equal(fleet(w, f).fulfilled_milli, 2000);
        later(w, 60000);
        assert_int_equal(members(w, f), 4);  // more than its target
        assert_int_equal(fleet(w, f).fulfilled_milli, 3000);
        later(w, 500000);
        assert_int_equal(world_view(w).instances[one].state.now, WL_RUNNING);
        later(w, 300000);
        assert_int_equal(world_view(w).instances[one].state.now == WL_RUNNING, k == 0);  // whoever drains it ends it, or the fleet did
        assert_int_equal(members(w, f), k == 0 ? 4 : 3);
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(capacity_rebalancing_replaces_what_is_at_risk_and_ends_it_after_the_delay),
        cmocka_unit_test(fulfilled_capacity_is_rounded_up_by_weights),
        cmocka_unit_test(a_modify_shows_the_old_target_until_it_is_done_and_bars_the_next),
        cmocka_unit_test(lowering_with_no_termination_ends_nothing),
        cmocka_unit_test(lowering_without_the_policy_ends_members_of_the_fleets_own_choice_after_a_notice),
        cmocka_unit_test(ending_a_member_before_the_target_is_lowered_makes_the_fleet_replace_it),
        cmocka_unit_test(ending_a_member_after_the_target_is_lowered_leaves_it_gone),
        cmocka_unit_test(a_lower_target_cancels_open_orders_first),
        cmocka_unit_test(a_shortage_ends_and_the_fleet_is_filled_then),
        cmocka_unit_test(an_interrupted_instance_ends_two_minutes_after_its_notice_and_is_replaced),
        cmocka_unit_test(a_fleet_may_forget_doomed_members_at_the_notice),
        cmocka_unit_test(tasks_of_an_ended_instance_are_lost_and_started_elsewhere),
        cmocka_unit_test(one_unknown_id_and_none_is_terminated),
        cmocka_unit_test(request_fleets_and_cancelled_ones_cannot_be_modified),
        cmocka_unit_test(targets_beyond_the_limit_are_refused),
        cmocka_unit_test(boots_take_as_long_as_asked_for),
        cmocka_unit_test(a_type_registers_less_memory_than_its_nominal),
        cmocka_unit_test(spot_prices_stay_below_on_demand_and_move),
        cmocka_unit_test(tags_are_kept_and_those_of_aws_are_refused),
    };
    return cmocka_run_group_tests_name("fleet", tests, NULL, NULL);
}
