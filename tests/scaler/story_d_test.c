// Group D of safety.md as far as events go: notices from the queue and from the poll, once, twice, late, never, and many at once.
#include "base/parse.h"
#include "planner/alert.h"
#include "tests/scaler/story_events.h"

enum { CROWD_HOSTS = 60 };

static int64_t waiting_in_queue(struct story *s)
{
    return calls_of(s, "sqs:ReceiveMessage");
}

static const char *id_of(struct story *s, int instance)
{
    static char id[32];
    snprintf(id, sizeof id, "%s", see(s).instances[instance].id);
    return id;
}

static void d1_a_notice_is_drained_and_its_replacement_ordered_within_a_second(void **state)
{
    (void)state;
    struct story s;
    open_full(&s, (struct rig_options){.events = true});
    seconds(&s, 7);  // between two looks
    int one = an_active(&s);
    int64_t since = now_ms(&s), had = target_of(&s);
    interrupt(&s, one);
    seconds(&s, 2);
    assert_int_equal(see(&s).instances[one].status.now, WE_DRAINING);
    int64_t drained = first_after(&s, "ecs:UpdateContainerInstancesState", "", since), ordered = first_after(&s, "ec2:ModifySpotFleetRequest", "", since);
    print_message("drained after %" PRId64 " ms, ordered after %" PRId64 " ms\n", drained, ordered);
    assert_in_range(drained, 0, 1000);  // most of it the event's own way
    assert_in_range(ordered, 0, 1000);
    assert_true(target_of(&s) > had);
    pass(&s, 20);
    assert_int_equal(running(&s, s.web), 28);
    nothing_broke(&s);
    story_close(&s);
}

static void d1_a_notice_does_not_wait_for_a_slow_look(void **state)
{
    (void)state;
    struct story s;
    open_full(&s, (struct rig_options){.events = true, .latency_ms = 1000});
    for (int i = 0; i < 8; i++) {  // at any moment of a look, which takes many seconds
        seconds(&s, 3);
        int one = an_active(&s);
        int64_t since = now_ms(&s);
        interrupt(&s, one);
        seconds(&s, 4);
        int64_t drained = first_after(&s, "ecs:UpdateContainerInstancesState", "", since);
        assert_in_range(drained, 0, 700 + 500 + 500 + 1000);  // the event, half a call each way, and at most one call of its own that was under way
        pass(&s, 6);
    }
    assert_int_equal(running(&s, s.web), 28);
    nothing_broke(&s);
    story_close(&s);
}

static void d4_doubled_and_reordered_events_are_answered_once(void **state)
{
    (void)state;
    struct story s;
    open_full(&s, (struct rig_options){.events = true});
    sandbox_set_events(s.rig.sandbox, &(struct sandbox_event_options){.delay_min_ms = 50, .delay_max_ms = 9000, .double_permille = 1000});
    int one = an_active(&s);
    int64_t since = now_ms(&s);
    interrupt(&s, one);
    pass(&s, 2);
    assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", since), 1);
    pass(&s, 20);
    assert_int_equal(live(&s), WEB_HOSTS);
    assert_int_equal(running(&s, s.web), 28);
    nothing_broke(&s);
    story_close(&s);
}

static void post_notice(struct story *s, const char *instance, int64_t at_ms)
{
    char text[512], at[32];
    snprintf(text, sizeof text, "{\"version\":\"0\",\"id\":\"x%" PRId64 "\",\"detail-type\":\"EC2 Spot Instance Interruption Warning\",\"source\":\"aws.ec2\","
             "\"account\":\"111122223333\",\"time\":\"%s\",\"region\":\"us-east-1\",\"resources\":[],\"detail\":{\"instance-id\":\"%s\","
             "\"instance-action\":\"terminate\"}}", at_ms, format_iso8601(at_ms, false, at), instance);
    sandbox_post(s->rig.sandbox, slice_of(text));
}

static void d4_old_notices_and_those_of_an_earlier_life_or_of_others_change_nothing(void **state)
{
    (void)state;
    struct story s;
    open_full(&s, (struct rig_options){.events = true});
    int one = an_active(&s);
    int64_t since = now_ms(&s);
    post_notice(&s, id_of(&s, one), since - 301000);           // a replay from the dead-letter queue
    post_notice(&s, "i-0123456789abcdef0", since - 90000);     // of nobody
    sandbox_post(s.rig.sandbox, SLICE_LIT("nonsense"));
    sandbox_post(s.rig.sandbox, SLICE_LIT("{\"detail-type\":\"EC2 Spot Instance Interruption Warning\",\"source\":\"aws.ec2\",\"detail\":{\"instance-id\":7}}"));
    seconds(&s, 20);
    assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", since), 0);
    assert_int_equal(see(&s).instances[one].status.now, WE_ACTIVE);
    assert_true(first_after(&s, "sqs:DeleteMessageBatch", "", since) >= 0);
    int64_t receives = waiting_in_queue(&s);
    seconds(&s, 60);
    assert_in_range(waiting_in_queue(&s) - receives, 2, 8);  // they are deleted: only long polls go on
    nothing_broke(&s);
    story_close(&s);
}

// An instance that was stopped comes back under its id: what was told of its life before is young enough, and not of this one.
static void d4_a_notice_from_before_its_launch_changes_nothing(void **state)
{
    (void)state;
    struct story s;
    open_full(&s, (struct rig_options){.events = true});
    want(&s, 34);
    pass(&s, 3);
    struct world_view v = see(&s);
    int one = an_active(&s);
    for (int i = 0; i < v.instance_count; i++)
        if (v.instances[i].used && v.instances[i].launched_ms > v.instances[one].launched_ms)
            one = i;
    int64_t since = now_ms(&s), before = v.instances[one].launched_ms - 60000;
    assert_in_range(since - before, 60000, 299000);
    post_notice(&s, id_of(&s, one), before);
    seconds(&s, 40);
    assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", since), 0);
    post_notice(&s, id_of(&s, one), now_ms(&s) - 1000);  // and one of this life is believed
    seconds(&s, 5);
    assert_int_equal(see(&s).instances[one].status.now, WE_DRAINING);
    story_close(&s);
}

static void d5_without_a_queue_a_notice_is_seen_within_fifteen_seconds(void **state)
{
    (void)state;
    for (int events = 0; events < 2; events++) {
        struct story s;
        open_full(&s, (struct rig_options){.events = events == 1});
        sandbox_set_events(s.rig.sandbox, &(struct sandbox_event_options){.drop_permille = 1000});
        for (int i = 0; i < 4; i++) {
            seconds(&s, 5 + 7 * i);
            int64_t since = now_ms(&s);
            interrupt(&s, an_active(&s));
            seconds(&s, 18);
            assert_in_range(first_after(&s, "ecs:UpdateContainerInstancesState", "", since), 0, 16500);
            pass(&s, 6);
        }
        nothing_broke(&s);
        story_close(&s);
    }
}

static void v34_dry_run_and_freeze_receive_nothing(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){.events = true, .dry_run = true});
    pass(&s, 5);
    assert_int_equal(calls_of(&s, "sqs:ReceiveMessage"), 0);
    story_close(&s);
    story_open(&s, (struct rig_options){.events = true});
    assert_int_equal(world_tag_fleet(world_of(&s), WORLD_PERSON, s.fleet, "masu:mode", "freeze moving house"), WORLD_OK);
    pass(&s, 5);
    int64_t receives = calls_of(&s, "sqs:ReceiveMessage");
    interrupt(&s, an_active(&s));
    pass(&s, 3);
    assert_int_equal(calls_of(&s, "sqs:ReceiveMessage"), receives);
    story_close(&s);
}

// ---- many at once -------------------------------------------------------------------------------------------------------------
static int crowd_world(const struct world_options *o, struct world **ret, struct err *err)
{
    struct world *w = NULL;
    int rc = world_empty(7, o, &w, err);
    if (rc)
        return rc;
    world_add_cluster(w, "main");
    int fleet_index = add_fleet(w, CROWD_HOSTS, "m5.xlarge", 1);
    for (int i = 0; i < CROWD_HOSTS; i++)
        add_host(w, fleet_index, i % 3);
    add_service(w, (struct a_service){"web", 512, 1024, CROWD_HOSTS * 6, 100, 200, WS_SPREAD_ZONE, 0, 0});
    *ret = w;
    return 0;
}

static void d6_half_of_all_interrupted_at_once_is_drained_and_ordered_in_one_plan(void **state)
{
    (void)state;
    for (int forgets = 0; forgets < 2; forgets++) {  // N2: a fleet that forgets the doomed at the notice replaces by itself
        struct world_options o = calm_options();
        struct story s;
        o.forget_doomed_at_notice = forgets == 1;
        story_open(&s, (struct rig_options){.events = true, .build = crowd_world, .world = &o});
        sandbox_set_events(s.rig.sandbox, &(struct sandbox_event_options){.delay_min_ms = 300, .delay_max_ms = 300});
        pass(&s, 2);  // before anything is drained of itself
        int64_t since = now_ms(&s);
        struct world_view v = see(&s);
        for (int i = 0, n = 0; i < v.instance_count && n < CROWD_HOSTS / 2; i++)
            if (v.instances[i].used && v.instances[i].state.now == WL_RUNNING)
                n += world_interrupt(s.rig.worlds[0], i) == WORLD_OK;
        seconds(&s, 3);
        assert_int_equal(draining(&s), CROWD_HOSTS / 2);
        print_message("%d drain calls\n", applied_since(&s, "ecs:UpdateContainerInstancesState", since));
        assert_true(applied_since(&s, "ecs:UpdateContainerInstancesState", since) <= CROWD_HOSTS / 2 / 10 + 3);  // ten a call
        print_message("target %" PRId64 " of %d hosts\n", target_of(&s), CROWD_HOSTS);
        if (!forgets)
            assert_in_range(target_of(&s), CROWD_HOSTS + 15, CROWD_HOSTS + 20);  // eight tasks a host: 45 and headroom are enough
        pass(&s, 30);
        assert_in_range(live(&s), CROWD_HOSTS - 15, CROWD_HOSTS + 1);  // no double order
        assert_int_equal(running(&s, s.web), CROWD_HOSTS * 6);
        nothing_broke(&s);
        story_close(&s);
    }
}

// The answer to a notice asks whether the fleet takes an order again, and waits for that: one that comes meanwhile has its own, after it.
static void d1_a_notice_that_comes_while_another_is_answered_is_answered_next(void **state)
{
    (void)state;
    struct world_options o = calm_options();
    struct story s;
    int told = 0;
    story_open(&s, (struct rig_options){.events = true, .latency_ms = 800, .build = crowd_world, .world = &o});
    pass(&s, 10);
    int64_t since = now_ms(&s);
    struct world_view v = see(&s);
    for (int i = 0; i < v.instance_count && told < 20; i++)
        if (v.instances[i].used && v.instances[i].state.now == WL_RUNNING)
            assert_int_equal(world_interrupt_at(world_of(&s), i, since + 1 + 1730 * told++), WORLD_OK);
    seconds(&s, 45);
    assert_int_equal(draining(&s), told);
    pass(&s, 30);
    assert_int_equal(running(&s, s.web), CROWD_HOSTS * 6);
    nothing_broke(&s);
    story_close(&s);
}

// The last change of the target upwards by ours since then, in ms after it; -1 none.
static int64_t last_raise(struct story *s, int64_t since_ms, int64_t *ret_highest)
{
    static struct sandbox_change changes[STORY_CHANGES];
    size_t count = sandbox_changes(s->rig.sandbox, changes, STORY_CHANGES);
    int64_t at_ms = -1;
    *ret_highest = 0;
    for (size_t i = 0; i < count; i++) {
        struct slice rest = slice_of(changes[i].detail), first = slice_cut(&rest, ' ');
        int64_t target = 0;
        slice_cut(&first, '=');
        (void)parse_i64(first, &target);
        if (changes[i].actor != WORLD_OURS || changes[i].world_ms < since_ms || changes[i].error[0] || target <= *ret_highest)
            continue;
        *ret_highest = target;
        at_ms = changes[i].world_ms - since_ms;
    }
    return at_ms;
}

// Notice after notice for ten seconds: a small order amidst them would leave the fleet `modifying` when the rest is needed.
static void d6_a_wave_of_ten_seconds_is_ordered_within_three_of_its_end(void **state)
{
    (void)state;
    for (int forgets = 0; forgets < 2; forgets++) {
        struct world_options o = calm_options();
        struct story s;
        int64_t highest;
        o.forget_doomed_at_notice = forgets == 1;
        story_open(&s, (struct rig_options){.events = true, .build = crowd_world, .world = &o});
        pass(&s, 10);
        int64_t since = now_ms(&s), last = since;
        struct world_view v = see(&s);
        for (int i = 0, n = 0; i < v.instance_count && n < CROWD_HOSTS / 2; i++)
            if (v.instances[i].used && v.instances[i].state.now == WL_RUNNING) {
                last = since + 1 + n++ * 10000 / (CROWD_HOSTS / 2);
                assert_int_equal(world_interrupt_at(world_of(&s), i, last), WORLD_OK);
            }
        seconds(&s, 10);
        // For the order of the first notice AWS may keep the fleet `modifying` until after the last one, and takes no other.
        int64_t modified = see(&s).fleets[0].modify_done_ms, can = modified > last ? modified : last;
        seconds(&s, 3);
        assert_int_equal(draining(&s), CROWD_HOSTS / 2);
        pass(&s, 2);
        int64_t ordered = last_raise(&s, since, &highest) - (can - since);
        print_message("ordered %" PRId64 " ms after the last notice, or the fleet's own time, target %" PRId64 "\n", ordered, highest);
        if (!forgets)
            assert_in_range(ordered, 1, 3000);
        assert_true(highest <= CROWD_HOSTS + 20);
        pass(&s, 30);
        assert_in_range(live(&s), CROWD_HOSTS - 15, CROWD_HOSTS + 1);
        assert_int_equal(running(&s, s.web), CROWD_HOSTS * 6);
        nothing_broke(&s);
        story_close(&s);
    }
}

static void v36_events_only_speed_up(void **state)
{
    (void)state;
    static const struct sandbox_event_options KINDS[] = {{100, 700, 0, 0}, {100, 700, 1000, 0}, {100, 700, 0, 1000}, {1, 90000, 300, 300}};
    static struct story stories[ARRAY_LEN(KINDS)];
    for (size_t k = 0; k < ARRAY_LEN(KINDS); k++) {
        struct story *s = &stories[k];
        open_full(s, (struct rig_options){.events = true});
        sandbox_set_events(s->rig.sandbox, &KINDS[k]);
        for (int i = 0; i < 3; i++) {
            interrupt(s, an_active(s));
            pass(s, 4);
        }
        pass(s, 20);
        assert_int_equal(running(s, s->web), 28);
        invariants_same_rest(s->rig.invariants[0], world_of(&stories[0]));
        nothing_broke(s);
    }
    for (size_t k = 0; k < ARRAY_LEN(KINDS); k++)
        story_close(&stories[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d1_a_notice_is_drained_and_its_replacement_ordered_within_a_second),
        cmocka_unit_test(d1_a_notice_does_not_wait_for_a_slow_look),
        cmocka_unit_test(d1_a_notice_that_comes_while_another_is_answered_is_answered_next),
        cmocka_unit_test(d4_doubled_and_reordered_events_are_answered_once),
        cmocka_unit_test(d4_old_notices_and_those_of_an_earlier_life_or_of_others_change_nothing),
        cmocka_unit_test(d4_a_notice_from_before_its_launch_changes_nothing),
        cmocka_unit_test(d5_without_a_queue_a_notice_is_seen_within_fifteen_seconds),
        cmocka_unit_test(d6_half_of_all_interrupted_at_once_is_drained_and_ordered_in_one_plan),
        cmocka_unit_test(d6_a_wave_of_ten_seconds_is_ordered_within_three_of_its_end),
        cmocka_unit_test(v34_dry_run_and_freeze_receive_nothing),
        cmocka_unit_test(v36_events_only_speed_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
