// V8, V9, V14, V16, V19, V33: each trips on its planted bug, and forgives what is right.
#include "planner/sim/orders.h"
#include "tests/planner/build.h"
#include "tests/sim/rogue.h"

// ---- V9 ---------------------------------------------------------------------------------------------------------------------
// A fleet of 12 with `broken` members that boot and never register, so old.
static struct rig rig_with_orphans(int broken, int64_t age_ms, int *ret)
{
    struct rig r = rig_of(calm_world(), 5, (struct a_service){"web", 512, 1024, 8, 100, 200, WS_SPREAD_INSTANCE, 0, 0});
    assert_int_equal(world_break_registration(r.w, world_view(r.w).fleets[r.fleet].template, -1, true), WORLD_OK);
    assert_int_equal(world_modify_spot_fleet(r.w, WORLD_PERSON, r.fleet, 5 + broken, -1, WX_NO_TERMINATION), WORLD_OK);
    later(r.w, 120000 + age_ms);
    struct world_view v = world_view(r.w);
    int n = 0;
    for (int i = 0; i < v.instance_count; i++)
        if (v.instances[i].used && v.instances[i].status.now == WE_NONE && v.instances[i].state.now == WL_RUNNING && n < broken)
            ret[n++] = i;
    assert_int_equal(n, broken);
    return r;
}

static void reap(struct rig *r, const int *orphans, int n)
{
    for (int k = 0; k < n; k++)
        invariants_intent(r->inv, "terminate", id_of(r, orphans[k]));
    world_terminate(r->w, WORLD_OURS, orphans, n);
    for (int k = 0; k < n; k++)
        invariants_outcome(r->inv, "terminate", id_of(r, orphans[k]));
}

static void v9_is_content_with_one_old_orphan(void **state)
{
    (void)state;
    int orphans[1];
    struct rig r = rig_with_orphans(1, 15 * 60000, orphans);
    reap(&r, orphans, 1);
    expect_clean(&r);
    rig_release(&r);
}

static void v9_trips_on_a_young_one_on_two_at_once_and_above_the_share(void **state)
{
    (void)state;
    int orphans[2];
    struct rig r = rig_with_orphans(1, 2 * 60000, orphans);
    reap(&r, orphans, 1);
    expect(&r, V9);
    rig_release(&r);
    r = rig_with_orphans(2, 15 * 60000, orphans);
    reap(&r, orphans, 2);
    expect(&r, V9);
    rig_release(&r);
    r = rig_with_orphans(2, 15 * 60000, orphans);
    reap(&r, orphans, 1);
    expect(&r, V9);
    rig_release(&r);
}

// ---- V8: L5 and L7 ------------------------------------------------------------------------------------------------------------
static void expect_text(struct rig *r, enum invariant id, const char *part)
{
    size_t n;
    const struct violation *v = invariants_list(r->inv, &n);
    for (size_t k = 0; k < n; k++)
        if (v[k].id == id && strstr(v[k].text, part))
            return;
    fail_msg("V%d \"%s\" did not trip", (int)id, part);
}

// L5 and L7, with the other limits of V8 wide open.
static void v8_trips_when_too_much_of_a_service_moves_and_when_too_much_goes_in_ten_minutes(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct rig r = a_rig();
        struct invariants_options o;
        invariants_options_default(&o);
        o.drain_percent = 100;
        o.service_percent = k == 0 ? 10 : 100;
        invariants_free(r.inv);
        r.inv = invariants_attach(r.w, &o);
        act_mark(&r, r.hosts[0]);
        act_drain(&r, r.hosts[0]);
        if (k == 1)
            act_drain(&r, r.hosts[1]);
        assert_int_equal(invariants_count_of(r.inv, V8), 0);
        act_drain(&r, r.hosts[2]);
        expect_text(&r, V8, k == 0 ? "tasks of web would move, limit 1" : "2 of 5 went in the last 10 min");
        rig_release(&r);
    }
}

// ---- V16 --------------------------------------------------------------------------------------------------------------------
static void v16_trips_on_every_write_to_a_fleet_of_another(void **state)
{
    (void)state;
    struct rig r = a_rig();
    assert_int_equal(world_tag_fleet(r.w, WORLD_PERSON, r.fleet, "masu:owner", "masu"), WORLD_OK);
    act_target(&r, 6, WX_NO_TERMINATION);
    expect_clean(&r);
    assert_int_equal(world_tag_fleet(r.w, WORLD_PERSON, r.fleet, "masu:owner", "other"), WORLD_OK);
    act_target(&r, 7, WX_NO_TERMINATION);
    assert_int_equal(invariants_count_of(r.inv, V16), 1);
    act_mark(&r, r.hosts[0]);
    act_drain(&r, r.hosts[0]);
    assert_int_equal(invariants_count_of(r.inv, V16), 2);
    rig_release(&r);
}

// ---- V19 --------------------------------------------------------------------------------------------------------------------
static void v19_trips_on_more_than_the_step_at_once(void **state)
{
    (void)state;
    struct rig r = a_rig();
    act_target(&r, 5 + 50, WX_NO_TERMINATION);
    expect_clean(&r);
    act_target(&r, 5 + 51, WX_NO_TERMINATION);
    expect(&r, V19);
    rig_release(&r);
}

// A fleet whose members weigh 8 where the lightest could weigh 1: 40 that boot are 40, not 320.
static void v19_counts_what_boots_as_it_is(void **state)
{
    (void)state;
    struct rig r = a_rig();
    struct world_override both[] = {{world_type_index(r.w, "m5.xlarge"), -1, 8000}, {world_type_index(r.w, "c5.4xlarge"), -1, 1000}};
    r.fleet = world_add_fleet(r.w, &(struct world_fleet_spec){.cluster = 0, .target = 0, .allocation = WALLOC_LOWEST_PRICE, .overrides = both,
                                                             .override_count = 2});
    later(r.w, 1000);
    assert_int_equal(world_modify_spot_fleet(r.w, WORLD_PERSON, r.fleet, 320, -1, WX_NO_TERMINATION), WORLD_OK);
    later(r.w, 40000);
    struct world_view v = world_view(r.w);
    int booting = 0;
    for (int n = 0; n < v.instance_count; n++)
        booting += v.instances[n].used && v.instances[n].fleet == r.fleet && v.instances[n].status.now == WE_NONE;
    assert_int_equal(booting, 40);
    act_target(&r, 320 + 10, WX_NO_TERMINATION);
    expect_clean(&r);
    later(r.w, 5000);
    act_target(&r, 320 + 100, WX_NO_TERMINATION);
    expect(&r, V19);
    rig_release(&r);
}

// What takes the place of the doomed is no growth, neither while it is ordered nor while it boots.
static void v19_forgives_the_replacement_of_what_is_doomed(void **state)
{
    (void)state;
    struct rig r = a_rig();
    world_interrupt(r.w, r.hosts[0]);
    world_interrupt(r.w, r.hosts[1]);
    act_target(&r, 5 + 50 + 2, WX_NO_TERMINATION);
    later(r.w, 10000);
    assert_int_equal(world_modify_spot_fleet(r.w, WORLD_PERSON, r.fleet, 5, -1, WX_NO_TERMINATION), WORLD_OK);
    later(r.w, 20000);
    act_target(&r, 6, WX_NO_TERMINATION);
    assert_int_equal(invariants_count_of(r.inv, V19), 0);
    act_target(&r, 5 + 2 * 60, WX_NO_TERMINATION);
    assert_int_equal(invariants_count_of(r.inv, V19), 1);
    rig_release(&r);
}

// ---- V33 --------------------------------------------------------------------------------------------------------------------
static void v33_trips_on_the_cheapest_victim_anywhere(void **state)
{
    (void)state;
    struct rig r = a_rig();  // zones hold 2, 2, 1
    act_mark(&r, r.hosts[0]);
    act_drain(&r, r.hosts[0]);
    assert_int_equal(invariants_count_of(r.inv, V33), 0);  // 1, 2, 1
    act_mark(&r, r.hosts[2]);
    act_drain(&r, r.hosts[2]);
    assert_int_equal(invariants_count_of(r.inv, V33), 1);  // 1, 2, 0
    rig_release(&r);
}

// ---- V14 --------------------------------------------------------------------------------------------------------------------
static int trips(struct build *b, struct rig *r, enum control_mode mode, struct action a)
{
    int64_t had = invariants_count_of(r->inv, V14);
    b->s.control.mode = mode;
    a.target = "i-001";
    a.fact = "f";
    a.verdict = "v";
    a.value = "";
    struct planner_input in = {.snapshot = &b->s, .memo = NULL, .policy = &b->p};
    struct planner_result result = {.plan = {.cluster = "c", .mode = "act", .actions = &a, .action_count = 1}};
    invariants_check_plan(r->inv, &in, &result);
    return (int)(invariants_count_of(r->inv, V14) - had);
}

static void v14_trips_on_what_the_mode_forbids(void **state)
{
    (void)state;
    struct rig r = a_rig();
    struct build b;
    build_init(&b);
    int type = build_type(&b, "m5.xlarge", 4096, 16000), fleet = build_fleet(&b, "sfr-1", 2);
    build_pool(&b, fleet, type, 1000);
    build_instance(&b, fleet, type);
    const struct action raise = {.kind = ACTION_SET_TARGET, .instance = -1, .fleet = 0, .capacity = 3, .target_before = 2, .after = -1};
    const struct action drain = {.kind = ACTION_DRAIN, .instance = 0, .fleet = 0, .after = -1};
    const struct action undo = {.kind = ACTION_UNDRAIN, .instance = 0, .fleet = 0, .after = -1};
    const struct action end = {.kind = ACTION_TERMINATE, .instance = 0, .fleet = 0, .after = -1};
    const int expected[CONTROL_COUNT][4] = {  // raise, drain, undo, end
        [CONTROL_RUN] = {0, 0, 0, 0}, [CONTROL_ADD_ONLY] = {0, 1, 0, 1}, [CONTROL_PAUSE] = {1, 1, 0, 1}, [CONTROL_FREEZE] = {1, 1, 1, 1}};
    for (int m = 0; m < CONTROL_COUNT; m++) {
        assert_int_equal(trips(&b, &r, (enum control_mode)m, raise), expected[m][0]);
        assert_int_equal(trips(&b, &r, (enum control_mode)m, drain), expected[m][1]);
        assert_int_equal(trips(&b, &r, (enum control_mode)m, undo), expected[m][2]);
        assert_int_equal(trips(&b, &r, (enum control_mode)m, end), expected[m][3]);
    }
    b.s.instances[0].notice_ms = b.s.now_ms;  // its drain and its replacement go on, but in freeze
    assert_int_equal(trips(&b, &r, CONTROL_PAUSE, raise), 0);
    assert_int_equal(trips(&b, &r, CONTROL_PAUSE, drain), 0);
    assert_int_equal(trips(&b, &r, CONTROL_FREEZE, drain), 1);
    build_release(&b);
    rig_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v8_trips_when_too_much_of_a_service_moves_and_when_too_much_goes_in_ten_minutes),
        cmocka_unit_test(v9_is_content_with_one_old_orphan),
        cmocka_unit_test(v9_trips_on_a_young_one_on_two_at_once_and_above_the_share),
        cmocka_unit_test(v14_trips_on_what_the_mode_forbids),
        cmocka_unit_test(v16_trips_on_every_write_to_a_fleet_of_another),
        cmocka_unit_test(v19_trips_on_more_than_the_step_at_once),
        cmocka_unit_test(v19_counts_what_boots_as_it_is),
        cmocka_unit_test(v19_forgives_the_replacement_of_what_is_doomed),
        cmocka_unit_test(v33_trips_on_the_cheapest_victim_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
