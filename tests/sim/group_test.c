// Auto Scaling groups of the world, rule by rule as AWS documents them.
#include "planner/sim/group.h"
#include "tests/sim/fixture.h"

static int a_group(struct world *w, int64_t min, int64_t desired, int64_t max)
{
    static struct world_override o;
    o = (struct world_override){world_type_index(w, "m5.large"), -1, 1000};
    int f = world_add_group(w, &(struct world_group_spec){.name = "g", .cluster = 0, .min = min, .desired = desired, .max = max, .overrides = &o,
                                                          .override_count = 1, .mixed = true, .allocation = WALLOC_LOWEST_PRICE});
    return f;
}

static const struct world_group *of(struct world *w, int f)
{
    return world_group_of(w, f);
}

static int count(struct world *w, int fleet, enum world_member state)
{
    struct world_view v = world_view(w);
    int n = 0;
    for (int i = 0; i < v.instance_count; i++)
        n += v.instances[i].used && v.instances[i].fleet == fleet && v.instances[i].member.state.now == (int64_t)state;
    return n;
}

static int in_zone(struct world *w, int fleet, int zone)
{
    struct world_view v = world_view(w);
    int n = 0;
    for (int i = 0; i < v.instance_count; i++)
        n += v.instances[i].used && v.instances[i].fleet == fleet && v.instances[i].member.state.now == WM_IN_SERVICE && v.pools[v.instances[i].pool].zone == zone;
    return n;
}

// The first member in service of the zone; -1 zone: any.
static int member(struct world *w, int fleet, int zone)
{
    struct world_view v = world_view(w);
    for (int i = 0; i < v.instance_count; i++)
        if (v.instances[i].used && v.instances[i].fleet == fleet && v.instances[i].member.state.now == WM_IN_SERVICE &&
            (zone < 0 || v.pools[v.instances[i].pool].zone == zone))
            return i;
    fail_msg("no member in service");
    return -1;
}

static void a_group_launches_what_is_desired_evenly_over_its_zones(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = a_group(w, 0, 6, 9);
    later(w, 300000);
    assert_int_equal(count(w, f, WM_IN_SERVICE), 6);
    for (int z = 0; z < 3; z++)
        assert_int_equal(in_zone(w, f, z), 2);
    assert_string_equal(world_tag_value(world_view(w).instances[0].tags, world_view(w).instances[0].tag_count, "aws:autoscaling:groupName"), "g");
    assert_true(of(w, f)->activity_count >= 6);
    world_free(w);
}

static void desired_stays_within_the_bounds_and_honours_a_cooldown_when_asked(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = a_group(w, 2, 3, 5);
    assert_int_equal(world_group_desired(w, WORLD_OURS, f, 6, false), WORLD_INVALID);
    assert_int_equal(world_group_desired(w, WORLD_OURS, f, 1, false), WORLD_INVALID);
    assert_int_equal(world_group_desired(w, WORLD_OURS, f, 4, true), WORLD_OK);
    assert_int_equal(world_group_desired(w, WORLD_OURS, f, 5, true), WORLD_BUSY);
    assert_int_equal(world_group_desired(w, WORLD_OURS, f, 5, false), WORLD_OK);
    later(w, 300000);
    assert_int_equal(count(w, f, WM_IN_SERVICE), 5);
    world_free(w);
}

static void a_lower_desired_lets_the_group_choose_in_the_fullest_zone(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = a_group(w, 0, 4, 9);
    later(w, 300000);
    int full = in_zone(w, f, 0) == 2 ? 0 : in_zone(w, f, 1) == 2 ? 1 : 2;
    assert_int_equal(world_group_desired(w, WORLD_PERSON, f, 3, false), WORLD_OK);
    later(w, 60000);
    assert_int_equal(in_zone(w, f, full), 1);
    assert_int_equal(count(w, f, WM_IN_SERVICE), 3);
    world_free(w);
}

static void protected_members_are_passed_over_when_desired_falls(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = a_group(w, 0, 3, 9), spared[3], n = 0;
    later(w, 300000);
    for (int z = 0; z < 2; z++)
        spared[n++] = member(w, f, z);
    assert_int_equal(world_group_protect(w, WORLD_PERSON, f, spared, 2, true, NULL), WORLD_OK);
    assert_int_equal(world_group_desired(w, WORLD_PERSON, f, 0, false), WORLD_OK);
    later(w, 120000);
    assert_int_equal(count(w, f, WM_IN_SERVICE), 2);
    world_free(w);
}

static void terminate_with_decrement_lowers_and_ends_just_the_one(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = a_group(w, 2, 3, 9);
    later(w, 300000);
    int n = member(w, f, -1);
    const char *why = NULL;
    assert_int_equal(world_group_terminate(w, WORLD_OURS, n, true, &why), WORLD_OK);
    assert_int_equal(world_view(w).fleets[f].wanted, 2);
    later(w, 300000);
    assert_int_equal(count(w, f, WM_IN_SERVICE), 2);
    assert_int_equal(world_view(w).instances[n].ended_by, WORLD_OURS);
    // at the minimum it is refused, and without the decrement replaced
    n = member(w, f, -1);
    assert_int_equal(world_group_terminate(w, WORLD_OURS, n, true, &why), WORLD_INVALID);
    assert_non_null(strstr(why, "desiredSize equals minSize"));
    assert_int_equal(world_group_terminate(w, WORLD_OURS, n, false, &why), WORLD_OK);
    later(w, 300000);
    assert_int_equal(count(w, f, WM_IN_SERVICE), 2);
    world_free(w);
}

static void terminate_is_refused_while_its_process_is_suspended_and_to_the_warm_pool(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = a_group(w, 0, 2, 9);
    later(w, 300000);
    int warm = world_group_add_warm(w, f, world_type_index(w, "m5.large"), 0, WM_WARMED_STOPPED, false);
    const char *why = NULL;
    assert_int_equal(world_group_terminate(w, WORLD_OURS, warm, true, &why), WORLD_INVALID);
    world_group_suspend(w, WORLD_PERSON, f, 1u << WP_TERMINATE, true);
    assert_int_equal(world_group_terminate(w, WORLD_OURS, member(w, f, -1), true, &why), WORLD_INVALID);
    assert_int_equal(world_group_desired(w, WORLD_PERSON, f, 0, false), WORLD_OK);
    later(w, 120000);
    assert_int_equal(count(w, f, WM_IN_SERVICE), 2);  // lowered, but nothing ends
    world_free(w);
}

static void az_rebalance_ends_another_after_a_decrement_and_that_is_the_callers_doing(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = a_group(w, 0, 5, 9);
    later(w, 300000);
    int empty = in_zone(w, f, 0) == 1 ? 0 : in_zone(w, f, 1) == 1 ? 1 : 2;
    int n = member(w, f, empty);
    assert_int_equal(world_group_terminate(w, WORLD_OURS, n, true, NULL), WORLD_OK);
    later(w, 600000);
    struct world_view v = world_view(w);
    int others = 0;
    for (int i = 0; i < v.instance_count; i++)
        others += i != n && v.instances[i].ended_ms > 0 && v.instances[i].ended_by == WORLD_OURS && v.instances[i].end == WEND_GROUP;
    assert_int_equal(others, 1);
    assert_int_equal(in_zone(w, f, empty), 1);
    assert_int_equal(count(w, f, WM_IN_SERVICE), 4);
    world_free(w);
}

static void az_rebalance_leaves_alone_what_is_protected_or_suspended(void **state)
{
    (void)state;
    for (int protect = 0; protect < 2; protect++) {
        struct world *w = calm_world();
        int f = a_group(w, 0, 5, 9);
        later(w, 300000);
        int empty = in_zone(w, f, 0) == 1 ? 0 : in_zone(w, f, 1) == 1 ? 1 : 2;
        struct world_view v = world_view(w);
        for (int i = 0; protect && i < v.instance_count; i++)
            if (v.instances[i].member.state.now == WM_IN_SERVICE)
                world_group_protect(w, WORLD_PERSON, f, &i, 1, true, NULL);
        if (!protect)
            world_group_suspend(w, WORLD_PERSON, f, 1u << WP_AZ_REBALANCE, true);
        world_group_terminate(w, WORLD_OURS, member(w, f, empty), true, NULL);
        later(w, 600000);
        assert_int_equal(in_zone(w, f, empty), 0);
        assert_int_equal(count(w, f, WM_IN_SERVICE), 4);
        world_free(w);
    }
}

static void a_resumed_az_rebalance_catches_up(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = a_group(w, 0, 5, 9);
    later(w, 300000);
    world_group_suspend(w, WORLD_PERSON, f, 1u << WP_AZ_REBALANCE, true);
    int empty = in_zone(w, f, 0) == 1 ? 0 : in_zone(w, f, 1) == 1 ? 1 : 2;
    world_group_terminate(w, WORLD_OURS, member(w, f, empty), true, NULL);
    later(w, 600000);
    assert_int_equal(in_zone(w, f, empty), 0);
    world_group_suspend(w, WORLD_PERSON, f, 1u << WP_AZ_REBALANCE, false);
    later(w, 600000);
    assert_int_equal(in_zone(w, f, empty), 1);
    world_free(w);
}

static void a_termination_hook_holds_until_it_is_completed_or_its_time_is_over(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = a_group(w, 0, 2, 9);
    later(w, 300000);
    assert_int_equal(world_group_add_hook(w, f, &(struct world_hook_of_group){.name = "drain", .heartbeat_ms = 120000}), WORLD_OK);
    int n = member(w, f, -1);
    world_group_terminate(w, WORLD_PERSON, n, true, NULL);
    later(w, 100000);
    assert_int_equal(world_view(w).instances[n].member.state.now, WM_TERMINATING_WAIT);
    assert_int_equal(world_view(w).instances[n].state.now, WL_RUNNING);
    assert_int_equal(world_group_heartbeat(w, WORLD_OURS, f, "drain", n, NULL), WORLD_OK);
    later(w, 100000);
    assert_int_equal(world_view(w).instances[n].state.now, WL_RUNNING);
    assert_int_equal(world_group_complete(w, WORLD_OURS, f, "other", n, NULL, false), WORLD_NOT_FOUND);
    assert_int_equal(world_group_complete(w, WORLD_OURS, f, "drain", n, NULL, false), WORLD_OK);
    assert_int_equal(world_view(w).instances[n].state.now, WL_SHUTTING_DOWN);
    assert_int_equal(world_group_complete(w, WORLD_OURS, f, "drain", n, NULL, false), WORLD_INVALID);
    n = member(w, f, -1);
    world_group_terminate(w, WORLD_PERSON, n, true, NULL);
    later(w, 125000);  // nobody answered
    assert_true(world_view(w).instances[n].state.now >= WL_SHUTTING_DOWN);
    world_free(w);
}

static void a_launch_hook_keeps_a_member_out_of_service(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = a_group(w, 0, 1, 9);
    world_group_add_hook(w, f, &(struct world_hook_of_group){.name = "up", .launching = true, .abandons = true, .heartbeat_ms = 3600000});
    later(w, 300000);
    assert_int_equal(count(w, f, WM_PENDING_WAIT), 1);
    assert_int_equal(world_group_complete(w, WORLD_PERSON, f, "up", 0, NULL, false), WORLD_OK);
    assert_int_equal(count(w, f, WM_IN_SERVICE), 1);
    world_free(w);
}

static void an_instance_refresh_replaces_all_and_waits_for_the_protected(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = a_group(w, 0, 2, 9);
    later(w, 300000);
    int spared = member(w, f, -1);
    world_group_protect(w, WORLD_PERSON, f, &spared, 1, true, NULL);
    assert_int_equal(world_group_refresh(w, f), WORLD_OK);
    assert_int_equal(world_group_refresh(w, f), WORLD_BUSY);
    later(w, 1200000);
    assert_int_equal(of(w, f)->refresh, WR_IN_PROGRESS);
    assert_int_equal(world_view(w).instances[spared].member.state.now, WM_IN_SERVICE);
    world_group_protect(w, WORLD_PERSON, f, &spared, 1, false, NULL);
    later(w, 1200000);
    assert_int_equal(of(w, f)->refresh, WR_SUCCESSFUL);
    assert_true(world_view(w).instances[spared].state.now >= WL_SHUTTING_DOWN);
    world_free(w);
}

static void unhealthy_and_stopped_members_and_those_ended_by_id_are_replaced(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = a_group(w, 0, 3, 9);
    later(w, 300000);
    int a = member(w, f, 0), b = member(w, f, 1), c = member(w, f, 2);
    world_group_unhealthy(w, a);
    world_terminate(w, WORLD_PERSON, &b, 1);
    later(w, 600000);
    assert_int_equal(count(w, f, WM_IN_SERVICE), 3);
    assert_true(world_view(w).instances[a].state.now >= WL_SHUTTING_DOWN && world_view(w).instances[c].state.now == WL_RUNNING);
    world_free(w);
}

static void standby_and_detached_members_leave_the_capacity(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = a_group(w, 0, 3, 9);
    later(w, 300000);
    int n = member(w, f, 0);
    assert_int_equal(world_group_set_member(w, n, WM_STANDBY), WORLD_OK);
    assert_int_equal(world_view(w).fleets[f].wanted, 2);
    assert_int_equal(world_group_set_member(w, n, WM_IN_SERVICE), WORLD_OK);
    assert_int_equal(world_view(w).fleets[f].wanted, 3);
    assert_int_equal(world_group_set_member(w, n, WM_DETACHED), WORLD_OK);
    assert_int_equal(world_view(w).instances[n].fleet, -1);
    later(w, 300000);
    assert_int_equal(count(w, f, WM_IN_SERVICE), 2);
    world_free(w);
}

static void a_warm_member_is_taken_before_a_new_one_is_launched(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = a_group(w, 0, 1, 9);
    later(w, 300000);
    int elsewhere = in_zone(w, f, 0) == 0 ? 0 : 1;
    int n = world_group_add_warm(w, f, world_type_index(w, "m5.large"), elsewhere, WM_WARMED_STOPPED, false);
    int64_t launches = world_view(w).counters->launches;
    world_group_desired(w, WORLD_PERSON, f, 2, false);
    later(w, 120000);
    assert_int_equal(world_view(w).instances[n].member.state.now, WM_IN_SERVICE);
    assert_int_equal(world_view(w).instances[n].status.now, WE_ACTIVE);
    assert_int_equal(world_view(w).counters->launches, launches);
    world_free(w);
}

static void weights_count_and_the_on_demand_part_comes_first(void **state)
{
    (void)state;
    struct world *w = calm_world();
    struct world_override o = {world_type_index(w, "m5.xlarge"), -1, 4000};
    int f = world_add_group(w, &(struct world_group_spec){.name = "g", .cluster = 0, .max = 100, .desired = 30, .overrides = &o, .override_count = 1,
                                                          .mixed = true, .on_demand_base = 8, .on_demand_percent = 0, .allocation = WALLOC_LOWEST_PRICE});
    later(w, 300000);
    struct world_view v = world_view(w);
    int on_demand = 0;
    for (int i = 0; i < v.instance_count; i++)
        on_demand += !v.instances[i].spot;
    assert_int_equal(count(w, f, WM_IN_SERVICE), 8);
    assert_int_equal(on_demand, 2);
    assert_int_equal(world_group_terminate(w, WORLD_PERSON, member(w, f, -1), true, NULL), WORLD_OK);
    assert_int_equal(world_view(w).fleets[f].wanted, 26);
    world_free(w);
}

static void launches_that_fail_for_a_day_are_suspended_by_aws(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = a_group(w, 0, 1, 9);
    struct world_view v = world_view(w);
    for (int p = 0; p < v.pool_count; p++)
        world_set_shortage(w, p, v.now_ms + 72 * 3600000LL);
    later(w, 3600000);
    assert_false(of(w, f)->suspended >> WP_LAUNCH & 1);
    later(w, 24 * 3600000LL);
    assert_true(of(w, f)->suspended >> WP_LAUNCH & 1);
    assert_true(of(w, f)->suspended_by_aws);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_launches_what_is_desired_evenly_over_its_zones),
        cmocka_unit_test(desired_stays_within_the_bounds_and_honours_a_cooldown_when_asked),
        cmocka_unit_test(a_lower_desired_lets_the_group_choose_in_the_fullest_zone),
        cmocka_unit_test(protected_members_are_passed_over_when_desired_falls),
        cmocka_unit_test(terminate_with_decrement_lowers_and_ends_just_the_one),
        cmocka_unit_test(terminate_is_refused_while_its_process_is_suspended_and_to_the_warm_pool),
        cmocka_unit_test(az_rebalance_ends_another_after_a_decrement_and_that_is_the_callers_doing),
        cmocka_unit_test(az_rebalance_leaves_alone_what_is_protected_or_suspended),
        cmocka_unit_test(a_resumed_az_rebalance_catches_up),
        cmocka_unit_test(a_termination_hook_holds_until_it_is_completed_or_its_time_is_over),
        cmocka_unit_test(a_launch_hook_keeps_a_member_out_of_service),
        cmocka_unit_test(an_instance_refresh_replaces_all_and_waits_for_the_protected),
        cmocka_unit_test(unhealthy_and_stopped_members_and_those_ended_by_id_are_replaced),
        cmocka_unit_test(standby_and_detached_members_leave_the_capacity),
        cmocka_unit_test(a_warm_member_is_taken_before_a_new_one_is_launched),
        cmocka_unit_test(weights_count_and_the_on_demand_part_comes_first),
        cmocka_unit_test(launches_that_fail_for_a_day_are_suspended_by_aws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
