// Group A of safety.md, as far as it is Spot Fleet's: targets of maintained fleets, and what people and deploy tools do to them.
#include "planner/alert.h"
#include "tests/scaler/story.h"

static int first_draining(struct story *s)
{
    struct world_view v = see(s);
    for (int i = 0; i < v.instance_count; i++)
        if (v.instances[i].used && v.instances[i].state.now == WL_RUNNING && v.instances[i].status.now == WE_DRAINING && v.instances[i].notice_ms == 0)
            return i;
    return -1;
}

// A neighbour is interrupted at each step of a drain: while it empties, when it is lowered, and when it is ended.
static void a3_a_neighbour_interrupted_at_any_step_of_a_drain_costs_nobody_a_place(void **state)
{
    (void)state;
    for (int step = 0; step < 9; step++) {
        struct story s;
        story_open(&s, (struct rig_options){0});
        pass(&s, 10);
        want(&s, 2 * WEB_DESIRED);
        pass(&s, 10);
        want(&s, WEB_DESIRED + 4);
        for (int k = 0; k < 600 && first_draining(&s) < 0; k++)
            loop_run(s.rig.loop, now_ms(&s) + 1000);
        assert_true(first_draining(&s) >= 0);
        loop_run(s.rig.loop, now_ms(&s) + step * 13000);
        assert_int_equal(world_interrupt(world_of(&s), an_active(&s)), WORLD_OK);
        pass(&s, 5);
        assert_true(running(&s, s.web) >= WEB_DESIRED + 4);  // within five minutes
        pass(&s, 30);
        assert_int_equal(running(&s, s.web), WEB_DESIRED + 4);
        assert_int_equal(target_of(&s), live(&s));  // V23
        nothing_broke(&s);
        story_close(&s);
    }
}

// What became of the drain of one instance on the wire, in this order; the fleet replaces nobody.
static void a1_a_drain_is_mark_draining_lower_without_termination_end(void **state)
{
    (void)state;
    static const char *const ORDER[] = {"ec2:CreateTags", "ecs:UpdateContainerInstancesState", "ec2:ModifySpotFleetRequest", "ec2:TerminateInstances"};
    static struct sandbox_change changes[STORY_CHANGES];
    struct story s;
    story_open(&s, (struct rig_options){0});
    pass(&s, 10);
    int64_t since = now_ms(&s), launched = see(&s).counters->launches;
    want(&s, WEB_DESIRED - 8);
    pass(&s, 40);
    assert_true(live(&s) < WEB_HOSTS);
    size_t count = sandbox_changes(s.rig.sandbox, changes, STORY_CHANGES), step = 0;
    for (size_t i = 0; i < count; i++) {
        bool ours = changes[i].actor == WORLD_OURS && changes[i].world_ms >= since && changes[i].error[0] == '\0';
        if (ours && strcmp(changes[i].operation, "ec2:ModifySpotFleetRequest") == 0)
            assert_non_null(strstr(changes[i].detail, "noTermination"));
        step += ours && step < ARRAY_LEN(ORDER) && strcmp(changes[i].operation, ORDER[step]) == 0;
    }
    assert_int_equal(step, ARRAY_LEN(ORDER));
    assert_int_equal(see(&s).counters->launches, launched);
    assert_int_equal(target_of(&s), live(&s));
    nothing_broke(&s);
    story_close(&s);
}

static void impatient_by_the_minute(struct policy_cluster *c)
{
    impatient(c);
    c->period_ms = 60000;
}

// World time from the mark to the end of the first drain that began without tasks, -1: there is none.
static int64_t empty_drain_took_ms(struct story *s)
{
    static struct sandbox_change changes[STORY_CHANGES];
    size_t count = sandbox_changes(s->rig.sandbox, changes, STORY_CHANGES), mark = 0;
    while (mark < count && !strstr(changes[mark].detail, "reason=empty"))
        mark++;
    for (size_t i = mark + 1; i < count; i++)
        if (strcmp(changes[i].operation, "ec2:TerminateInstances") == 0 && strcmp(changes[i].target, changes[mark].target) == 0)
            return changes[i].world_ms - changes[mark].world_ms;
    return -1;
}

// Read back, empty, empty once more, lowered, ended: four looks, each 15 s after the one before, whatever the period.
static void a_drain_without_tasks_takes_a_minute_where_the_period_is_one(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){.settings = impatient_by_the_minute});
    pass(&s, 10);
    want(&s, 2);
    pass(&s, 40);
    assert_in_range(empty_drain_took_ms(&s), 45000, 90000);
    nothing_broke(&s);
    story_close(&s);
}

// One replacement for one that is taken back, whether the fleet forgets the doomed at its notice or when it dies.
static void a4_the_doomed_is_replaced_once_by_a_fleet_that_forgets_it_early_or_late(void **state)
{
    (void)state;
    for (int early = 0; early < 2; early++) {
        struct world_options world = calm_options();
        struct story s;
        world.forget_doomed_at_notice = early == 1;
        story_open(&s, (struct rig_options){.world = &world});
        want(&s, 28);  // full: it is needed
        pass(&s, 10);
        int64_t had = target_of(&s), launched = see(&s).counters->launches;
        assert_int_equal(had, live(&s));
        assert_int_equal(world_interrupt(world_of(&s), an_active(&s)), WORLD_OK);
        pass(&s, 15);
        assert_int_equal(see(&s).counters->launches - launched, 1);
        assert_int_equal(target_of(&s), had);
        assert_int_equal(live(&s), had);
        assert_int_equal(running(&s, s.web), 28);
        nothing_broke(&s);
        story_close(&s);
    }
}

static int slow_and_other(const struct world_options *o, struct world **ret, struct err *err)
{
    int rc = story_world(o, ret, err);
    if (rc == 0)
        add_fleet(*ret, 0, "c5.2xlarge", 1);
    return rc;
}

static int64_t modified(struct story *s, int fleet, int64_t since_ms)
{
    static struct sandbox_change changes[STORY_CHANGES];
    size_t count = sandbox_changes(s->rig.sandbox, changes, STORY_CHANGES);
    int64_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += changes[i].world_ms >= since_ms && strcmp(changes[i].operation, "ec2:ModifySpotFleetRequest") == 0 &&
             strcmp(changes[i].target, see(s).fleets[fleet].id) == 0;
    return n;
}

static void a5_a_fleet_that_modifies_for_ten_minutes_is_sent_nothing_and_its_need_moves(void **state)
{
    (void)state;
    struct world_options world = calm_options();
    struct story s;
    world.modify_ms = 24 * MINUTE_MS;  // 12 to 36
    story_open(&s, (struct rig_options){.build = slow_and_other, .world = &world});
    want(&s, 28);  // full: nothing is lowered before
    pass(&s, 5);
    int64_t since = now_ms(&s);
    want(&s, 36);
    pass(&s, 2);
    int first = modified(&s, 0, since) > 0 ? 0 : 1;  // the cheaper
    assert_int_equal(modified(&s, first, since), 1);
    want(&s, 44);
    pass(&s, 7);
    assert_int_equal(modified(&s, first, since), 1);  // only the newest is sent, when it is active again
    pass(&s, 3);
    expect_alert(&s, ALERT_FLEET_MODIFYING, see(&s).fleets[first].id);
    assert_int_equal(modified(&s, first, since), 1);
    assert_true(modified(&s, 1 - first, since) > 0);
    pass(&s, 80);
    assert_int_equal(running(&s, s.web), 44);
    nothing_broke(&s);
    story_close(&s);
}

static void a6_a_target_that_a_person_raised_is_kept_for_half_an_hour_and_told(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    pass(&s, 20);
    int64_t since = now_ms(&s), raised = target_of(&s) + 4;
    assert_int_equal(world_modify_spot_fleet(world_of(&s), WORLD_PERSON, s.fleet, raised, -1, WX_NO_TERMINATION), WORLD_OK);
    pass(&s, 5);
    expect_alert(&s, ALERT_FLEET_MOVED, NULL);
    pass(&s, 23);
    assert_int_equal(target_of(&s), raised);
    assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", since), 0);
    pass(&s, 120);
    assert_true(target_of(&s) < raised);  // then it is ordinary scale-in
    assert_int_equal(running(&s, s.web), WEB_DESIRED);
    nothing_broke(&s);
    story_close(&s);
}

static void a6_a_target_that_a_person_lowered_with_termination_is_raised_as_far_as_the_need(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    pass(&s, 20);
    assert_int_equal(world_modify_spot_fleet(world_of(&s), WORLD_PERSON, s.fleet, 1, -1, WX_DEFAULT), WORLD_OK);
    pass(&s, 30);
    assert_int_equal(running(&s, s.web), WEB_DESIRED);
    nothing_broke(&s);
    story_close(&s);
}

static void a7_a_cancelled_fleet_is_never_written_to_and_told(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    pass(&s, 20);
    int64_t since = now_ms(&s);
    assert_int_equal(world_cancel_fleet(world_of(&s), WORLD_PERSON, s.fleet, false), WORLD_OK);
    want(&s, 60);
    pass(&s, 30);
    assert_int_equal(applied_since(&s, "ec2:ModifySpotFleetRequest", since), 0);
    expect_alert(&s, ALERT_FLEET_GONE, NULL);
    nothing_broke(&s);
    story_close(&s);
}

static void a7_a_fleet_that_ends_within_a_week_is_told(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    assert_int_equal(world_expire_fleet(world_of(&s), s.fleet, now_ms(&s) + 3 * 24 * 60 * MINUTE_MS, false), WORLD_OK);
    pass(&s, 20);
    expect_alert(&s, ALERT_FLEET_EXPIRES, NULL);
    nothing_broke(&s);
    story_close(&s);
}

static int two_fleets(const struct world_options *o, struct world **ret, struct err *err)
{
    int rc = story_world(o, ret, err);
    if (rc == 0)
        add_fleet(*ret, 0, "m5.xlarge", 1);
    return rc;
}

// As long as half an hour before: all at once, like notices, but with time to move.
static void a7_a_fleet_that_ends_with_its_instances_is_left_before_it_does(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct story s;
        story_open(&s, (struct rig_options){.build = two_fleets});
        pass(&s, 10);
        int64_t since = now_ms(&s);
        int lost = (int)see(&s).counters->tasks_lost;
        assert_int_equal(world_expire_fleet(world_of(&s), s.fleet, since + 45 * MINUTE_MS, k == 0), WORLD_OK);
        pass(&s, 14);
        assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", since), 0);
        pass(&s, 29);
        assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", since) > 0, k == 0);
        pass(&s, 20);
        assert_int_equal(running(&s, s.web), WEB_DESIRED);
        assert_int_equal(see(&s).counters->tasks_lost, lost);
        nothing_broke(&s);
        story_close(&s);
    }
}

static void a10_what_a_stuck_fleet_does_not_give_is_told_and_comes_once_it_works(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    pass(&s, 10);
    assert_int_equal(world_stick_fleet(world_of(&s), s.fleet, "allLaunchSpecsTemporarilyBlacklisted"), WORLD_OK);
    want(&s, 44);
    pass(&s, 30);
    assert_true(alert_of(&s, alert_id(ALERT_FLEET_UNFULFILLED), NULL) || alert_of(&s, alert_id(ALERT_FLEET_ERROR), NULL));
    assert_true(target_of(&s) <= 44 / 4);  // nothing is ordered again and again on top
    assert_int_equal(world_stick_fleet(world_of(&s), s.fleet, NULL), WORLD_OK);
    pass(&s, 60);
    assert_int_equal(running(&s, s.web), 44);
    nothing_broke(&s);
    story_close(&s);
}

// A service of awsvpc tasks whose subnet is in the first zone, where the market has nothing.
static int bound_world(const struct world_options *o, struct world **ret, struct err *err)
{
    int rc = story_world(o, ret, err);
    if (rc)
        return rc;
    struct world_view v = world_view(*ret);
    struct world_rules rules = {.subnet_count = 1};
    for (int i = 0; i < v.subnet_count; i++)
        if (v.subnets[i].zone == 0)
            rules.subnets[0] = i;
    struct world_taskdef d = {.family = "bound", .need = res_make(3000, 8000), .network = WN_AWSVPC, .stop_timeout_ms = 30000, .stops_in_ms = 5000,
                              .start_ms = 10000};
    d.need.v[RES_ENI] = 1;
    world_add_service(*ret, &(struct world_service_spec){.name = "bound", .cluster = 0, .taskdef = world_add_taskdef(*ret, &d), .desired = 0,
                                                         .min_percent = 100, .max_percent = 200, .rules = &rules});
    for (int p = 0; p < v.pool_count; p++)
        if (v.pools[p].zone == 0)
            world_set_shortage(*ret, p, INT64_MAX);
    return 0;
}

static void a8_need_bound_to_one_zone_is_ordered_twice_and_then_told(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){.build = bound_world});
    pass(&s, 20);
    int64_t had = see(&s).counters->launches;
    int bound = world_find_service(world_of(&s), 0, "bound");
    assert_int_equal(world_set_desired(world_of(&s), WORLD_PERSON, bound, 4), WORLD_OK);
    pass(&s, 80);
    print_message("%" PRId64 " launched\n", see(&s).counters->launches - had);
    assert_true(see(&s).counters->launches - had <= 2 * 4 + 2);
    assert_true(alert_of(&s, alert_id(ALERT_DEMAND_RUNAWAY), NULL) || alert_of(&s, alert_id(ALERT_DEMAND_INCURABLE), NULL));
    nothing_broke(&s);
    story_close(&s);
}

static int request_world(const struct world_options *o, struct world **ret, struct err *err)
{
    int rc = story_world(o, ret, err);
    if (rc)
        return rc;
    struct world_override any = {world_type_index(*ret, "m5.xlarge"), -1, 1000};
    world_add_fleet(*ret, &(struct world_fleet_spec){.cluster = 0, .target = 1, .allocation = WALLOC_LOWEST_PRICE, .overrides = &any,
                                                     .override_count = 1, .request_type = true});
    return 0;
}

static void a11_a_fleet_of_type_request_is_never_modified(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){.build = request_world});
    want(&s, 60);
    pass(&s, 40);
    static struct sandbox_change changes[STORY_CHANGES];
    size_t count = sandbox_changes(s.rig.sandbox, changes, STORY_CHANGES);
    const char *request = see(&s).fleets[1].id;
    int orders = 0;
    for (size_t i = 0; i < count; i++) {
        bool modify = strcmp(changes[i].operation, "ec2:ModifySpotFleetRequest") == 0;
        assert_false(modify && strcmp(changes[i].target, request) == 0);
        orders += modify;
    }
    assert_true(orders > 0);  // of the other fleet
    assert_int_equal(running(&s, s.web), 60);
    nothing_broke(&s);
    story_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a1_a_drain_is_mark_draining_lower_without_termination_end),
        cmocka_unit_test(a_drain_without_tasks_takes_a_minute_where_the_period_is_one),
        cmocka_unit_test(a4_the_doomed_is_replaced_once_by_a_fleet_that_forgets_it_early_or_late),
        cmocka_unit_test(a5_a_fleet_that_modifies_for_ten_minutes_is_sent_nothing_and_its_need_moves),
        cmocka_unit_test(a3_a_neighbour_interrupted_at_any_step_of_a_drain_costs_nobody_a_place),
        cmocka_unit_test(a6_a_target_that_a_person_raised_is_kept_for_half_an_hour_and_told),
        cmocka_unit_test(a6_a_target_that_a_person_lowered_with_termination_is_raised_as_far_as_the_need),
        cmocka_unit_test(a7_a_cancelled_fleet_is_never_written_to_and_told),
        cmocka_unit_test(a7_a_fleet_that_ends_within_a_week_is_told),
        cmocka_unit_test(a7_a_fleet_that_ends_with_its_instances_is_left_before_it_does),
        cmocka_unit_test(a8_need_bound_to_one_zone_is_ordered_twice_and_then_told),
        cmocka_unit_test(a10_what_a_stuck_fleet_does_not_give_is_told_and_comes_once_it_works),
        cmocka_unit_test(a11_a_fleet_of_type_request_is_never_modified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
