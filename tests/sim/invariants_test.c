#include "tests/sim/rogue.h"

static void trips(enum bug bug, enum invariant id)
{
    struct rig r = a_rig();
    end_host(&r, r.hosts[0], bug);
    invariants_finish(r.inv);
    expect(&r, id);
    rig_release(&r);
}

static void an_end_by_the_book_violates_nothing(void **state)
{
    (void)state;
    struct rig r = a_rig();
    end_host(&r, r.hosts[0], BUG_NONE);
    end_host(&r, r.hosts[4], BUG_NONE);  // of the zone that is now the fullest (V33)
    later(r.w, 1800000);
    invariants_finish(r.inv);
    expect_clean(&r);
    assert_int_equal(members(r.w, r.fleet), 3);
    assert_int_equal(world_view(r.w).counters->drains_finished, 2);
    assert_int_equal(world_view(r.w).counters->tasks_killed, 0);
    rig_release(&r);
}

static void without_notes_of_reads_the_truth_alone_is_judged(void **state)
{
    (void)state;
    struct rig r = a_rig();
    r.looks = false;
    end_host(&r, r.hosts[0], BUG_NONE);
    expect_clean(&r);
    rig_release(&r);
}

static void v1_trips_when_tasks_still_stop(void **state)
{
    (void)state;
    trips(BUG_NO_LAST_LOOK, V1);
    struct rig r = a_rig();
    end_host(&r, r.hosts[0], BUG_NO_LAST_LOOK);
    assert_true(world_view(r.w).counters->tasks_killed > 0);
    rig_release(&r);
}

static void v1_forgives_a_task_that_another_started_a_second_ago(void **state)
{
    (void)state;
    struct rig r = rig_of(calm_world(), 1, (struct a_service){"web", 512, 1024, 0, 100, 200, WS_SPREAD_INSTANCE, 0, 0});
    int task, def = a_def(r.w, "job", 128, 128);
    later(r.w, 60000);
    assert_int_equal(world_run_task(r.w, WORLD_PERSON, 0, def, 60000, &task), WORLD_OK);
    act_end(&r, r.hosts[0], BUG_NONE);
    assert_int_equal(invariants_count_of(r.inv, V1), 0);
    assert_true(invariants_count_of(r.inv, V2) > 0);
    rig_release(&r);
}

static void v2_trips_on_every_way_to_look_too_little(void **state)
{
    (void)state;
    trips(BUG_LATE_MARK, V2);
    trips(BUG_NO_READ_BACK, V2);
    trips(BUG_ONE_LOOK, V2);
    trips(BUG_OLD_LOOK, V2);
    trips(BUG_NOT_DRAINED, V2);
}

static void v3_trips_without_the_policy_and_when_the_target_still_asks_for_it(void **state)
{
    (void)state;
    trips(BUG_NO_POLICY, V3);
    trips(BUG_NOT_LOWERED, V3);
}

static void v3_trips_when_the_fleet_chooses_its_victims_because_of_us(void **state)
{
    (void)state;
    struct rig r = a_rig();
    act_target(&r, 3, -1);
    later(r.w, 200000);
    expect(&r, V3);
    assert_true(invariants_count_of(r.inv, V3) >= 3);  // the call, and each of the two ended
    assert_true(world_view(r.w).counters->tasks_killed > 0);
    rig_release(&r);
}

static void v4_trips_on_target_minus_weight(void **state)
{
    (void)state;
    trips(BUG_DRIFT, V4);
}

static void v4_knows_that_weights_do_not_divide_the_target(void **state)
{
    (void)state;
    struct world *w = calm_world();
    struct rig r = {.w = w, .looks = true};
    r.fleet = add_fleet(w, 10, "m5.2xlarge", 8);
    later(w, 300000);
    struct invariants_options o;
    invariants_options_default(&o);
    r.inv = invariants_attach(w, &o);
    end_host(&r, 0, BUG_NONE);  // leaves 1 × 8, and says target 1
    expect(&r, V4);
    rig_release(&r);
}

static void v23_trips_on_a_target_left_low(void **state)
{
    (void)state;
    struct rig r = a_rig();
    act_mark(&r, r.hosts[0]);
    act_drain(&r, r.hosts[0]);
    later(r.w, 60000);
    act_target(&r, 4, WX_NO_TERMINATION);
    act_undrain(&r, r.hosts[0]);
    act_unmark(&r, r.hosts[0]);
    later(r.w, 600000);
    expect(&r, V23);
    rig_release(&r);
}

// Five on spot and two on demand beyond their part of none: the sum of what stays depends on the part that is sent with it.
static struct rig a_rig_in_parts(void)
{
    struct rig r = a_rig();
    act_parts(&r, 7, 2, WX_NO_TERMINATION);
    later(r.w, 600000);
    assert_int_equal(members(r.w, r.fleet), 7);
    return r;
}

static void of_a_target_in_parts_each_is_judged_by_itself(void **state)
{
    (void)state;
    struct rig r = a_rig_in_parts();
    later(r.w, 600000);
    expect_clean(&r);
    act_parts(&r, 6, 1, WX_NO_TERMINATION);  // one counts for nothing: the sum is 6, and V23 tells of it
    assert_int_equal(invariants_count_of(r.inv, V4), 0);
    later(r.w, 600000);
    expect(&r, V23);
    rig_release(&r);
    r = a_rig_in_parts();
    act_parts(&r, 6, 2, WX_NO_TERMINATION);  // of the spot part five stay
    expect(&r, V4);
    rig_release(&r);
    r = a_rig_in_parts();
    act_parts(&r, 6, 0, WX_NO_TERMINATION);  // without a part all count
    expect(&r, V4);
    rig_release(&r);
}

static void v3_trips_on_an_on_demand_victim_whose_part_asks_for_it(void **state)
{
    (void)state;
    struct rig r = a_rig_in_parts();
    add_host(r.w, r.fleet, 0);  // one more than the spot part asks for: it covers nothing of the other
    later(r.w, 180000);
    struct world_view v = world_view(r.w);
    int victim = -1;
    for (int n = 0; n < v.instance_count; n++)
        victim = v.instances[n].used && !v.instances[n].spot ? n : victim;
    act_mark(&r, victim);
    act_drain(&r, victim);
    later(r.w, 120000);
    act_end(&r, victim, BUG_NONE);
    expect(&r, V3);
    rig_release(&r);
}

static void an_undo_with_the_target_set_back_violates_nothing(void **state)
{
    (void)state;
    struct rig r = a_rig();
    act_mark(&r, r.hosts[0]);
    act_drain(&r, r.hosts[0]);
    later(r.w, 120000);
    act_target(&r, 4, WX_NO_TERMINATION);
    act_undrain(&r, r.hosts[0]);
    act_target(&r, 5, WX_NO_TERMINATION);
    act_unmark(&r, r.hosts[0]);
    later(r.w, 1800000);
    invariants_finish(r.inv);
    expect_clean(&r);
    assert_int_equal(world_view(r.w).counters->drains_undone, 1);
    rig_release(&r);
}

static void v5_trips_on_a_standalone_task(void **state)
{
    (void)state;
    struct rig r = a_rig();
    int task;
    assert_int_equal(world_run_task(r.w, WORLD_PERSON, 0, a_def(r.w, "job", 128, 128), 3600000, &task), WORLD_OK);
    later(r.w, 30000);
    drain_one(&r, world_view(r.w).tasks[task].instance);
    expect(&r, V5);
    rig_release(&r);
}

static void v5_forgives_a_task_younger_than_the_facts(void **state)
{
    (void)state;
    struct rig r = a_rig();
    int task;
    assert_int_equal(world_run_task(r.w, WORLD_PERSON, 0, a_def(r.w, "job", 128, 128), 3600000, &task), WORLD_OK);
    later(r.w, 5000);
    drain_one(&r, world_view(r.w).tasks[task].instance);
    assert_int_equal(invariants_count_of(r.inv, V5), 0);
    rig_release(&r);
}

static void v5_trips_on_a_protected_task(void **state)
{
    (void)state;
    struct rig r = a_rig();
    world_set_task_protection(r.w, WORLD_PERSON, first_task_on(r.w, r.web, r.hosts[1]), true, 3600000);
    later(r.w, 30000);
    drain_one(&r, r.hosts[1]);
    expect(&r, V5);
    rig_release(&r);
}

static void v5_trips_on_a_service_in_deployment(void **state)
{
    (void)state;
    struct rig r = a_rig();
    world_deploy(r.w, WORLD_PERSON, r.web, NULL);
    later(r.w, 20000);
    drain_one(&r, r.hosts[1]);
    expect(&r, V5);
    rig_release(&r);
}

static void v5_trips_on_a_service_that_can_neither_start_nor_stop(void **state)
{
    (void)state;
    struct rig r = rig_of(calm_world(), 3, (struct a_service){"clock", 512, 1024, 3, 100, 100, WS_SPREAD_INSTANCE, 0, 0});
    drain_one(&r, r.hosts[1]);
    expect(&r, V5);
    rig_release(&r);
}

static void v5_trips_on_an_instance_to_keep(void **state)
{
    (void)state;
    struct rig r = a_rig();
    world_tag(r.w, WORLD_PERSON, r.hosts[1], "masu:keep", "yes");
    later(r.w, 30000);
    drain_one(&r, r.hosts[1]);
    expect(&r, V5);
    rig_release(&r);
}

static void v7_trips_when_each_fits_alone_but_not_all_together(void **state)
{
    (void)state;
    // three hosts of 4,096, two tasks of 1,536 on each of two: the third takes two, not four
    struct rig r = rig_of(calm_world(), 3, (struct a_service){"web", 1536, 1024, 6, 100, 200, WS_SPREAD_INSTANCE, 0, 0});
    world_set_desired(r.w, WORLD_PERSON, r.web, 4);
    later(r.w, 60000);
    int left = 0;
    for (int i = 0; i < 3; i++)
        left += tasks_on(r.w, r.web, r.hosts[i]);
    assert_int_equal(left, 4);
    int64_t before = invariants_count_of(r.inv, V7);
    for (int i = 0; i < 3; i++)
        if (tasks_on(r.w, r.web, r.hosts[i]) > 0)
            drain_one(&r, r.hosts[i]);
    assert_true(invariants_count_of(r.inv, V7) > before);
    rig_release(&r);
}

static void v7_trips_when_there_is_room_only_where_rules_forbid_it(void **state)
{
    (void)state;
    struct rig r = rig_of(calm_world(), 2, (struct a_service){"web", 64, 64, 0, 100, 200, WS_SPREAD_INSTANCE, 0, 0});
    struct world_rules here = {.member_of = {"attribute:ecs.availability-zone == us-east-1a"}, .member_of_count = 1};
    world_add_service(r.w, &(struct world_service_spec){.name = "bound", .taskdef = a_def(r.w, "bound", 64, 64), .desired = 1, .min_percent = 0,
                                                        .max_percent = 200, .rules = &here});
    later(r.w, 120000);
    drain_one(&r, r.hosts[1]);  // of us-east-1b
    assert_int_equal(invariants_count_of(r.inv, V7), 0);
    world_set_container_instance_state(r.w, WORLD_PERSON, 0, r.hosts[1], WE_ACTIVE);
    drain_one(&r, r.hosts[0]);
    assert_int_equal(invariants_count_of(r.inv, V7), 1);
    rig_release(&r);
}

static void v7_does_not_count_capacity_that_is_still_coming(void **state)
{
    (void)state;
    struct rig r = rig_of(calm_world(), 1, (struct a_service){"web", 1024, 1024, 2, 100, 200, WS_SPREAD_INSTANCE, 0, 0});
    act_target(&r, 2, WX_NO_TERMINATION);
    drain_one(&r, r.hosts[0]);
    expect(&r, V7);
    rig_release(&r);
}

static void v7_finds_the_packing_that_needs_the_right_order(void **state)
{
    (void)state;
    // 2,048 free on one and 2,048 on the other; a 2,048 and two of 1,024 fit only when the small ones share
    struct world *w = calm_world();
    struct rig r = {.w = w, .looks = true, .host_count = 3};
    r.fleet = add_fleet(w, 0, "m5.xlarge", 1);
    int a = add_host(w, r.fleet, 0);
    int big = add_service(w, (struct a_service){"big", 2048, 1024, 1, 100, 200, WS_SPREAD_INSTANCE, 0, 0});
    int small = add_service(w, (struct a_service){"small", 1024, 1024, 2, 100, 200, WS_SPREAD_INSTANCE, 0, 0});
    later(w, 60000);
    assert_int_equal(tasks_on(w, big, a) + tasks_on(w, small, a), 3);
    add_host(w, r.fleet, 1);
    add_host(w, r.fleet, 2);
    int fill = add_service(w, (struct a_service){"fill", 2048, 1024, 2, 100, 100, WS_SPREAD_INSTANCE, true, 0});
    later(w, 60000);
    assert_int_equal(service(w, fill).running, 2);
    struct invariants_options o;
    invariants_options_default(&o);
    o.drain_percent = 50;
    r.inv = invariants_attach(w, &o);
    drain_one(&r, a);
    expect_clean(&r);
    rig_release(&r);
}

static void v8_trips_when_too_many_drain_at_once(void **state)
{
    (void)state;
    struct rig r = a_rig();
    for (int i = 0; i < 3; i++)
        drain_one(&r, r.hosts[i]);
    expect(&r, V8);
    rig_release(&r);
}

static void v18_trips_on_moves_further_outside_the_bounds_only(void **state)
{
    (void)state;
    struct rig r = a_rig();
    invariants_bounds(r.inv, r.fleet, 2, 4);
    act_target(&r, 5, WX_NO_TERMINATION);  // no further than it was
    expect_clean(&r);
    act_target(&r, 6, WX_NO_TERMINATION);
    expect(&r, V18);
    rig_release(&r);
}

static void v24_trips_on_a_forgotten_drain(void **state)
{
    (void)state;
    struct rig r = a_rig();
    drain_one(&r, r.hosts[0]);
    later(r.w, 14 * 60000);
    expect_clean(&r);
    later(r.w, 5 * 60000);
    expect(&r, V24);
    rig_release(&r);
}

static void v24_is_content_with_a_report_each_hour(void **state)
{
    (void)state;
    struct rig r = a_rig();
    drain_one(&r, r.hosts[0]);
    later(r.w, 14 * 60000);
    for (int i = 0; i < 3; i++) {
        invariants_reported(r.inv, id_of(&r, r.hosts[0]));
        later(r.w, 3600000);
    }
    expect_clean(&r);
    later(r.w, 3600000);
    expect(&r, V24);
    rig_release(&r);
}

static void v24_trips_when_the_mark_is_taken_off_a_draining_instance(void **state)
{
    (void)state;
    struct rig r = a_rig();
    drain_one(&r, r.hosts[0]);
    later(r.w, 10000);
    act_unmark(&r, r.hosts[0]);
    expect(&r, V24);
    rig_release(&r);
}

// One that was told of a notice, and what it does then.
static void noticed(struct rig *r, int n)
{
    world_interrupt(r->w, n);
    later(r->w, 500);
    world_note_read(r->w, n, WORLD_READ_NOTICE);
}

static void v25_trips_on_the_undo_of_what_is_foreign_or_doomed(void **state)
{
    (void)state;
    struct rig r = a_rig();
    drain(r.w, WORLD_PERSON, r.hosts[0]);
    act_undrain(&r, r.hosts[0]);
    expect(&r, V25);
    drain_one(&r, r.hosts[1]);
    noticed(&r, r.hosts[1]);
    act_undrain(&r, r.hosts[1]);
    assert_int_equal(invariants_count_of(r.inv, V25), 2);
    rig_release(&r);
}

// What nobody was told yet cannot be known; the poll of spot requests tells it within 15 s.
static void v25_allows_an_undo_before_the_notice_is_told_but_not_for_long(void **state)
{
    (void)state;
    for (int seconds = 1; seconds <= 21; seconds += 20) {
        struct rig r = a_rig();
        drain_one(&r, r.hosts[1]);
        world_interrupt(r.w, r.hosts[1]);
        later(r.w, seconds * 1000);
        act_undrain(&r, r.hosts[1]);
        assert_int_equal(invariants_count_of(r.inv, V25), seconds > 20);
        rig_release(&r);
    }
}

// On a wire a call is under way when the notice of the same moment comes, and takes effect after it.
static void v25_allows_an_undo_that_was_under_way_when_the_notice_was_told(void **state)
{
    (void)state;
    for (int64_t after_ms = 999; after_ms <= 1000; after_ms++) {
        struct rig r = a_rig();
        struct invariants_options o;
        invariants_options_default(&o);
        o.under_way_ms = 1000;
        invariants_free(r.inv);
        r.inv = invariants_attach(r.w, &o);
        drain_one(&r, r.hosts[1]);
        noticed(&r, r.hosts[1]);
        later(r.w, after_ms);
        act_undrain(&r, r.hosts[1]);
        assert_int_equal(invariants_count_of(r.inv, V25), after_ms >= 1000);
        rig_release(&r);
    }
}

static void v27_trips_on_a_missing_intent_and_on_any_number_of_outcomes_but_one(void **state)
{
    (void)state;
    trips(BUG_NO_INTENT, V27);
    trips(BUG_NO_OUTCOME, V27);
    trips(BUG_TWO_OUTCOMES, V27);
}

static void v27_forgives_open_intents_of_a_life_that_crashed(void **state)
{
    (void)state;
    struct rig r = a_rig();
    invariants_intent(r.inv, "drain", id_of(&r, r.hosts[0]));
    invariants_crashed(r.inv);
    invariants_finish(r.inv);
    expect_clean(&r);
    rig_release(&r);
}

static void what_interruptions_do_is_not_charged_to_us(void **state)
{
    (void)state;
    struct rig r = a_rig();
    world_interrupt(r.w, r.hosts[0]);
    world_interrupt(r.w, r.hosts[1]);
    drain_one(&r, r.hosts[0]);  // the answer to a notice: any number
    drain_one(&r, r.hosts[1]);
    later(r.w, 900000);
    invariants_finish(r.inv);
    expect_clean(&r);
    assert_int_equal(world_view(r.w).counters->tasks_killed, 0);
    rig_release(&r);
}

static void v28_trips_when_a_notice_waits(void **state)
{
    (void)state;
    for (int seconds = 1; seconds <= 3; seconds += 2) {
        struct rig r = a_rig();
        noticed(&r, r.hosts[0]);
        later(r.w, seconds * 1000);
        act_drain(&r, r.hosts[0]);
        assert_int_equal(invariants_count_of(r.inv, V28), seconds > 1);
        rig_release(&r);
    }
    struct rig r = a_rig();
    noticed(&r, r.hosts[0]);
    later(r.w, 100000);  // never
    expect(&r, V28);
    rig_release(&r);
}

// What no look ever showed registered cannot be drained; from the first one that shows it on it is due.
static void v28_asks_who_could_know(void **state)
{
    (void)state;
    for (int shown = 0; shown < 2; shown++) {
        struct rig r = a_rig();
        look(&r, r.hosts[1], WORLD_READ_STATE);
        noticed(&r, r.hosts[0]);
        later(r.w, 20000);
        assert_int_equal(invariants_count_of(r.inv, V28), 0);
        if (shown)
            look(&r, r.hosts[0], WORLD_READ_STATE);
        later(r.w, 40000);
        assert_int_equal(invariants_count_of(r.inv, V28), shown);
        rig_release(&r);
    }
}

static void v28_allows_the_last_task_of_a_service_a_minute(void **state)
{
    (void)state;
    for (int seconds = 55; seconds <= 65; seconds += 10) {
        struct rig r = rig_of(calm_world(), 3, (struct a_service){"db", 512, 1024, 1, 0, 100, WS_SPREAD_INSTANCE, 0, 0});
        struct world_view v = world_view(r.w);
        int n = v.tasks[v.services[r.web].first_task].instance;
        noticed(&r, n);
        later(r.w, seconds * 1000);
        act_drain(&r, n);
        assert_int_equal(invariants_count_of(r.inv, V28), seconds > 60);
        rig_release(&r);
    }
}

static void v36_trips_when_the_handler_of_an_event_decides(void **state)
{
    (void)state;
    for (int bug = 0; bug < 2; bug++) {
        struct rig r = a_rig(), silent = a_rig();
        if (bug)
            act_target(&r, 6, WX_NO_TERMINATION);  // for an event that the other never saw
        later(r.w, 600000);
        later(silent.w, world_view(r.w).now_ms - world_view(silent.w).now_ms);
        invariants_same_rest(r.inv, silent.w);
        assert_int_equal(invariants_count_of(r.inv, V36) > 0, bug);
        rig_release(&r);
        rig_release(&silent);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_end_by_the_book_violates_nothing),
        cmocka_unit_test(without_notes_of_reads_the_truth_alone_is_judged),
        cmocka_unit_test(v1_trips_when_tasks_still_stop),
        cmocka_unit_test(v1_forgives_a_task_that_another_started_a_second_ago),
        cmocka_unit_test(v2_trips_on_every_way_to_look_too_little),
        cmocka_unit_test(v3_trips_without_the_policy_and_when_the_target_still_asks_for_it),
        cmocka_unit_test(v3_trips_when_the_fleet_chooses_its_victims_because_of_us),
        cmocka_unit_test(v4_trips_on_target_minus_weight),
        cmocka_unit_test(v4_knows_that_weights_do_not_divide_the_target),
        cmocka_unit_test(v5_trips_on_a_standalone_task),
        cmocka_unit_test(v5_forgives_a_task_younger_than_the_facts),
        cmocka_unit_test(v5_trips_on_a_protected_task),
        cmocka_unit_test(v5_trips_on_a_service_in_deployment),
        cmocka_unit_test(v5_trips_on_a_service_that_can_neither_start_nor_stop),
        cmocka_unit_test(v5_trips_on_an_instance_to_keep),
        cmocka_unit_test(v7_trips_when_each_fits_alone_but_not_all_together),
        cmocka_unit_test(v7_trips_when_there_is_room_only_where_rules_forbid_it),
        cmocka_unit_test(v7_does_not_count_capacity_that_is_still_coming),
        cmocka_unit_test(v7_finds_the_packing_that_needs_the_right_order),
        cmocka_unit_test(v8_trips_when_too_many_drain_at_once),
        cmocka_unit_test(v18_trips_on_moves_further_outside_the_bounds_only),
        cmocka_unit_test(v23_trips_on_a_target_left_low),
        cmocka_unit_test(of_a_target_in_parts_each_is_judged_by_itself),
        cmocka_unit_test(v3_trips_on_an_on_demand_victim_whose_part_asks_for_it),
        cmocka_unit_test(an_undo_with_the_target_set_back_violates_nothing),
        cmocka_unit_test(v24_trips_on_a_forgotten_drain),
        cmocka_unit_test(v24_is_content_with_a_report_each_hour),
        cmocka_unit_test(v24_trips_when_the_mark_is_taken_off_a_draining_instance),
        cmocka_unit_test(v25_trips_on_the_undo_of_what_is_foreign_or_doomed),
        cmocka_unit_test(v27_trips_on_a_missing_intent_and_on_any_number_of_outcomes_but_one),
        cmocka_unit_test(v27_forgives_open_intents_of_a_life_that_crashed),
        cmocka_unit_test(v25_allows_an_undo_that_was_under_way_when_the_notice_was_told),
        cmocka_unit_test(v25_allows_an_undo_before_the_notice_is_told_but_not_for_long),
        cmocka_unit_test(v28_trips_when_a_notice_waits),
        cmocka_unit_test(v28_asks_who_could_know),
        cmocka_unit_test(v28_allows_the_last_task_of_a_service_a_minute),
        cmocka_unit_test(v36_trips_when_the_handler_of_an_event_decides),
        cmocka_unit_test(what_interruptions_do_is_not_charged_to_us),
    };
    return cmocka_run_group_tests_name("invariants", tests, NULL, NULL);
}
