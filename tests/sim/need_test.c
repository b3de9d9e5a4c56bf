// V20, V22 and V31: each trips on its planted bug, and forgives what is right.
#include "planner/sim/fold.h"
#include "tests/sim/rogue.h"

static struct rig watched(struct a_service web, struct invariants_options *o)
{
    struct rig r = rig_of(calm_world(), 5, web);
    invariants_free(r.inv);
    r.inv = invariants_attach(r.w, o);
    later(r.w, 60000);
    return r;
}

static struct invariants_options options(void)
{
    struct invariants_options o;
    invariants_options_default(&o);
    return o;
}

static const struct a_service SMALL = {"web", 512, 1024, 8, 100, 200, WS_SPREAD_INSTANCE, false, false};
static const struct a_service LARGE = {"web", 4096, 8000, 5, 100, 200, WS_SPREAD_INSTANCE, false, false};  // fills an instance

// The planted bug of V20: two thresholds that cross, so that the target goes up and down for ever.
static void v20_trips_on_two_thresholds_that_cross(void **state)
{
    (void)state;
    struct invariants_options o = options();
    o.calm_ms = 15 * 60000;
    struct rig r = watched(SMALL, &o);
    act_target(&r, 6, WX_NO_TERMINATION);
    later(r.w, 10 * 60000);
    assert_int_equal(invariants_count_of(r.inv, V20), 0);
    later(r.w, 10 * 60000);
    act_target(&r, 7, WX_NO_TERMINATION);
    expect(&r, V20);
    rig_release(&r);
}

static void v20_forgives_what_follows_a_change(void **state)
{
    (void)state;
    struct invariants_options o = options();
    o.calm_ms = 15 * 60000;
    struct rig r = watched(SMALL, &o);
    later(r.w, 60 * 60000);
    assert_int_equal(world_set_desired(r.w, WORLD_PERSON, r.web, 10), WORLD_OK);
    later(r.w, 60000);
    act_target(&r, 6, WX_NO_TERMINATION);
    assert_int_equal(invariants_count_of(r.inv, V20), 0);
    later(r.w, 60 * 60000);
    world_interrupt(r.w, r.hosts[0]);  // so does a notice
    later(r.w, 30000);
    act_mark(&r, r.hosts[0]);
    assert_int_equal(invariants_count_of(r.inv, V20), 0);
    rig_release(&r);
}

// The planted bug of V22: the need is counted once for each message that tells of it.
static void v22_trips_when_messages_are_counted(void **state)
{
    (void)state;
    struct invariants_options o = options();
    o.swap_instances = 0;
    struct rig r = watched(LARGE, &o);
    assert_int_equal(world_set_desired(r.w, WORLD_PERSON, r.web, 8), WORLD_OK);
    later(r.w, 15000);
    act_target(&r, 5 + 3, WX_NO_TERMINATION);
    assert_int_equal(invariants_count_of(r.inv, V22), 0);
    act_target(&r, 5 + 3 + 3, WX_NO_TERMINATION);
    expect(&r, V22);
    rig_release(&r);
}

static void v22_forgives_one_member_more_and_headroom(void **state)
{
    (void)state;
    struct invariants_options o = options();
    o.swap_instances = 0;
    o.headroom_permyriad = 2000;
    o.headroom_tasks = 1;
    struct rig r = watched(SMALL, &o);
    act_target(&r, 5 + 4, WX_NO_TERMINATION);  // a member, a fifth of five, what that rounds up to, and one whole task
    assert_int_equal(invariants_count_of(r.inv, V22), 0);
    act_target(&r, 5 + 5, WX_NO_TERMINATION);
    expect(&r, V22);
    rig_release(&r);
}

// The planted bug of V31: a price that is not known counts as nothing, and headroom is bought on.
static void v31_trips_when_headroom_is_bought_above_the_limit_of_an_hour(void **state)
{
    (void)state;
    struct invariants_options o = options();
    o.max_usd_micro = 100000;  // less than five cost
    struct rig r = watched(SMALL, &o);
    act_target(&r, 6, WX_NO_TERMINATION);
    expect(&r, V31);
    rig_release(&r);
}

static void v31_forgives_tasks_and_replacements(void **state)
{
    (void)state;
    struct invariants_options o = options();
    o.max_usd_micro = 100000;
    struct rig r = watched(LARGE, &o);
    assert_int_equal(world_set_desired(r.w, WORLD_PERSON, r.web, 6), WORLD_OK);
    later(r.w, 15000);
    act_target(&r, 6, WX_NO_TERMINATION);
    later(r.w, 300000);
    world_interrupt(r.w, r.hosts[0]);
    act_target(&r, 7, WX_NO_TERMINATION);
    assert_int_equal(invariants_count_of(r.inv, V31), 0);
    rig_release(&r);
}

// The planner itself, in a world where only the services' desired counts change.
static void v20_where_nothing_changes_the_planner_does_nothing(void **state)
{
    (void)state;
    struct world *w = calm_world();
    struct policy_fleet fleet = {.tag = "", .max = 30};
    struct policy_cluster p;
    struct fold *f;
    struct err err = {0};
    policy_cluster_defaults(&p);
    p.name = "main";
    p.payback_ms = 0;
    p.fleets = &fleet;
    p.fleet_count = 1;
    int at = add_fleet(w, 9, "m5.xlarge", 1);
    fleet.id = world_view(w).fleets[at].id;
    int web = add_service(w, (struct a_service){"web", 1024, 1800, 12, 100, 200, WS_SPREAD_ZONE, false, false});
    assert_int_equal(fold_new(w, &p, 1, &f, &err), 0);
    const int32_t desired[] = {12, 20, 6};
    for (size_t k = 0; k < ARRAY_LEN(desired); k++) {
        assert_int_equal(world_set_desired(w, WORLD_PERSON, web, desired[k]), WORLD_OK);
        invariants_calm(fold_invariants(f), 0);
        assert_int_equal(fold_run(f, world_view(w).now_ms + 3 * 3600000, &err), 0);  // what it takes, holds included
        invariants_calm(fold_invariants(f), 15 * 60000);
        assert_int_equal(fold_run(f, world_view(w).now_ms + 3 * 3600000, &err), 0);
    }
    fold_finish(f);
    size_t n;
    const struct violation *v = invariants_list(fold_invariants(f), &n);
    if (n > 0)
        fail_msg("V%d: %s", (int)v[0].id, v[0].text);
    fold_free(f);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v20_trips_on_two_thresholds_that_cross),
        cmocka_unit_test(v20_forgives_what_follows_a_change),
        cmocka_unit_test(v20_where_nothing_changes_the_planner_does_nothing),
        cmocka_unit_test(v22_trips_when_messages_are_counted),
        cmocka_unit_test(v22_forgives_one_member_more_and_headroom),
        cmocka_unit_test(v31_trips_when_headroom_is_bought_above_the_limit_of_an_hour),
        cmocka_unit_test(v31_forgives_tasks_and_replacements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
