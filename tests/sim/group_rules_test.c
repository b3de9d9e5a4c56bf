// V3, V9, V16, V18 and V33 on Auto Scaling groups: each trips on its planted bug, and forgives what is right.
#include "planner/sim/group.h"
#include "tests/sim/rogue.h"

static struct rig group_rig(int64_t min, int64_t desired, int64_t max)
{
    struct rig r = {.w = calm_world(), .looks = true};
    struct world_override o = {world_type_index(r.w, "m5.xlarge"), -1, 1000};
    r.fleet = world_add_group(r.w, &(struct world_group_spec){.name = "g", .cluster = 0, .min = min, .desired = desired, .max = max, .overrides = &o,
                                                              .override_count = 1, .mixed = true, .allocation = WALLOC_LOWEST_PRICE});
    r.web = add_service(r.w, (struct a_service){"web", 512, 1024, 3, 100, 200, WS_SPREAD_INSTANCE, 0, 0});
    later(r.w, 300000);
    struct invariants_options o2;
    invariants_options_default(&o2);
    r.inv = invariants_attach(r.w, &o2);
    return r;
}

static int64_t told(struct rig *r, enum invariant id)
{
    return invariants_count_of(r->inv, id);
}

static int in_zone(struct rig *r, int zone, int *ret_first)
{
    struct world_view v = world_view(r->w);
    int n = 0;
    for (int i = v.instance_count - 1; i >= 0; i--) {
        if (!v.instances[i].used || v.instances[i].member.state.now != WM_IN_SERVICE || v.pools[v.instances[i].pool].zone != zone)
            continue;
        n++;
        *ret_first = i;
    }
    return n;
}

// A member of the zone that has most or fewest.
static int pick(struct rig *r, bool fullest)
{
    int best = -1, best_count = 0;
    for (int z = 0; z < 3; z++) {
        int first = -1, n = in_zone(r, z, &first);
        if (n > 0 && (best < 0 || (fullest ? n > best_count : n < best_count))) {
            best = first;
            best_count = n;
        }
    }
    assert_true(best >= 0);
    return best;
}

static void v3_trips_on_a_desired_capacity_below_the_one_that_is(void **state)
{
    (void)state;
    struct rig r = group_rig(0, 4, 9);
    world_group_desired(r.w, WORLD_OURS, r.fleet, 5, false);
    assert_int_equal(told(&r, V3), 0);
    later(r.w, 300000);
    world_group_desired(r.w, WORLD_OURS, r.fleet, 4, false);
    assert_int_equal(told(&r, V3), 1);
    later(r.w, 60000);  // and the group ends one of its choice: ours, though AWS chose
    assert_true(told(&r, V3) > 1);
    rig_release(&r);
}

static void v3_trips_on_a_decrement_that_az_rebalance_would_answer(void **state)
{
    (void)state;
    struct rig r = group_rig(0, 5, 9);  // 2, 2, 1
    world_group_terminate(r.w, WORLD_OURS, pick(&r, false), true, NULL);
    assert_int_equal(told(&r, V3), 1);
    later(r.w, 600000);
    assert_true(told(&r, V3) > 1);
    rig_release(&r);
    r = group_rig(0, 5, 9);
    world_group_terminate(r.w, WORLD_OURS, pick(&r, true), true, NULL);
    assert_int_equal(told(&r, V3), 0);
    rig_release(&r);
    r = group_rig(0, 5, 9);
    world_group_suspend(r.w, WORLD_PERSON, r.fleet, 1u << WP_AZ_REBALANCE, true);
    world_group_terminate(r.w, WORLD_OURS, pick(&r, false), true, NULL);
    assert_int_equal(told(&r, V3), 0);
    rig_release(&r);
}

static void v1_and_v2_trip_on_a_member_that_was_never_drained(void **state)
{
    (void)state;
    struct rig r = group_rig(0, 3, 9);
    world_group_terminate(r.w, WORLD_OURS, pick(&r, true), true, NULL);
    assert_int_equal(told(&r, V1), 1);
    assert_int_equal(told(&r, V2), 1);
    rig_release(&r);
}

// Whose end another's hook holds for minutes was empty when it was asked for: nobody need look until then. What was not known then is none the better
// for a look after it.
static void v2_judges_an_end_in_a_hook_by_what_was_known_when_it_was_asked_for(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct rig r = group_rig(0, 3, 9);
        int n = pick(&r, true);
        assert_int_equal(world_group_add_hook(r.w, r.fleet, &(struct world_hook_of_group){.name = "other", .heartbeat_ms = 300000}), WORLD_OK);
        act_mark(&r, n);
        act_drain(&r, n);
        later(r.w, 2000);
        look(&r, n, WORLD_READ_STATE);
        wait_empty(&r, n);
        look(&r, n, WORLD_READ_TASKS);
        later(r.w, 16000);
        look(&r, n, WORLD_READ_TASKS);
        later(r.w, late ? 60000 : 0);
        world_group_terminate(r.w, WORLD_OURS, n, true, NULL);
        look(&r, n, late ? WORLD_READ_TASKS : WORLD_READ_STATE);
        later(r.w, 290000);
        assert_int_equal(world_view(r.w).instances[n].state.now, WL_RUNNING);
        later(r.w, 30000);
        assert_true(world_view(r.w).instances[n].state.now >= WL_SHUTTING_DOWN);
        assert_int_equal(told(&r, V2), late);
        rig_release(&r);
    }
}

static void v16_trips_where_a_policy_or_a_managed_provider_scales_the_group(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct rig r = group_rig(0, 3, 9);
        world_group_desired(r.w, WORLD_OURS, r.fleet, 4, false);
        assert_int_equal(told(&r, V16), 0);
        if (k == 0)
            world_group_add_policy(r.w, r.fleet, "cpu60", "TargetTrackingScaling");
        else
            world_bind_provider(r.w, world_add_provider(r.w, "managed", true), r.fleet);
        world_group_desired(r.w, WORLD_OURS, r.fleet, 5, false);
        assert_int_equal(told(&r, V16), 1);
        rig_release(&r);
    }
}

static void v18_trips_above_the_policys_maximum(void **state)
{
    (void)state;
    struct rig r = group_rig(0, 3, 9);
    invariants_bounds(r.inv, r.fleet, 0, 4);
    world_group_desired(r.w, WORLD_OURS, r.fleet, 4, false);
    assert_int_equal(told(&r, V18), 0);
    world_group_desired(r.w, WORLD_OURS, r.fleet, 5, false);
    assert_int_equal(told(&r, V18), 1);
    rig_release(&r);
}

static void v23_gives_a_group_the_time_to_launch_and_asks_for_nothing_where_launch_is_suspended(void **state)
{
    (void)state;
    struct rig r = group_rig(0, 3, 9);
    later(r.w, 1800000);
    world_group_desired(r.w, WORLD_OURS, r.fleet, 4, false);
    later(r.w, 500);  // what was ordered now is not left low since the last instance came
    assert_int_equal(told(&r, V23), 0);
    later(r.w, 1800000);
    assert_int_equal(told(&r, V23), 0);
    world_group_set_member(r.w, pick(&r, true), WM_STANDBY);  // a person lowers it with the member
    world_group_suspend(r.w, WORLD_PERSON, r.fleet, 1u << WP_LAUNCH, true);
    world_group_desired(r.w, WORLD_OURS, r.fleet, 5, false);
    later(r.w, 1800000);
    assert_int_equal(told(&r, V23), 0);  // nothing of ours could bring it
    rig_release(&r);
}

static void v33_trips_on_a_drain_in_the_emptiest_zone(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct rig r = group_rig(0, 5, 9);
        int n = pick(&r, k == 0);
        world_tag(r.w, WORLD_OURS, n, "masu:drain", "x");
        world_set_container_instance_state(r.w, WORLD_OURS, 0, n, WE_DRAINING);
        assert_int_equal(told(&r, V33), k);
        rig_release(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v3_trips_on_a_desired_capacity_below_the_one_that_is),
        cmocka_unit_test(v3_trips_on_a_decrement_that_az_rebalance_would_answer),
        cmocka_unit_test(v1_and_v2_trip_on_a_member_that_was_never_drained),
        cmocka_unit_test(v2_judges_an_end_in_a_hook_by_what_was_known_when_it_was_asked_for),
        cmocka_unit_test(v16_trips_where_a_policy_or_a_managed_provider_scales_the_group),
        cmocka_unit_test(v18_trips_above_the_policys_maximum),
        cmocka_unit_test(v23_gives_a_group_the_time_to_launch_and_asks_for_nothing_where_launch_is_suspended),
        cmocka_unit_test(v33_trips_on_a_drain_in_the_emptiest_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
