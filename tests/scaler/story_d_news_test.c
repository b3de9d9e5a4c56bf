// Group D of safety.md, the rest of the queue: messages of every kind in any order, and errors of fleets and groups that move the need
// at once (D4, D9, A10), hooks (B3).
#include "planner/sim/group.h"
#include "tests/scaler/event_samples.h"
#include "tests/scaler/story_events.h"

static void post(struct story *s, const char *text)
{
    sandbox_post(s->rig.sandbox, slice_of(text));
}

// One of the fleet that is at rest, and everything that may be told of it.
static size_t samples_of(struct story *s, struct arena *a, int instance, struct event_sample *ret)
{
    struct world_view v = see(s);
    struct sample_names names = {.instance = arena_strdup(a, v.instances[instance].id), .spot_fleet = arena_strdup(a, v.fleets[s->fleet].id),
                                 .ec2_fleet = "fleet-0a0a0a0a-1b1b-4c4c-8d8d-2e2e2e2e2e2f", .group = "other-asg", .hook = "drain", .cluster = "main",
                                 .service = "web", .type = "m5.xlarge", .zone = "us-east-1a", .starts = "Fri, 30 Jan 2026 12:00:00 GMT", .at_ms = now_ms(s)};
    return event_samples(a, &names, ret);
}

// As told once, twice, half, and in SNS's envelope; by the seed in another order.
static void post_all(struct story *s, struct arena *a, struct event_sample *samples, size_t count, struct rng *order)
{
    for (size_t k = count; order && k > 1; k--) {
        size_t other = (size_t)rng_below(order, k);
        struct event_sample x = samples[k - 1];
        samples[k - 1] = samples[other];
        samples[other] = x;
    }
    for (size_t k = 0; k < count; k++) {
        const char *text = samples[k].text;
        post(s, arena_strndup(a, text, strlen(text) / 2));
        post(s, k % 2 ? text : event_in_sns(a, text));
        post(s, text);
        if (k % 8 == 7)
            seconds(s, 1);
    }
}

static void d4_messages_of_every_kind_in_any_order_do_what_the_notice_alone_does(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 3; seed++) {
        struct story s;
        struct arena a;
        struct event_sample samples[EVENT_SAMPLES_MAX];
        struct rng order;
        arena_init(&a, 0);
        rng_init(&order, seed);
        open_full(&s, (struct rig_options){.events = true});
        sandbox_set_events(s.rig.sandbox, &(struct sandbox_event_options){.drop_permille = 1000});  // only what is posted here
        int one = an_active(&s);
        int64_t since = now_ms(&s);
        interrupt(&s, one);
        post_all(&s, &a, samples, samples_of(&s, &a, one, samples), seed ? &order : NULL);
        seconds(&s, 30);
        assert_int_equal(see(&s).instances[one].status.now, WE_DRAINING);
        assert_in_range(applied_since(&s, "ecs:UpdateContainerInstancesState", since), 1, 2);  // again by a look that had begun before
        assert_int_equal(draining(&s), 1);
        int64_t receives = calls_of(&s, "sqs:ReceiveMessage");
        seconds(&s, 90);
        assert_in_range(calls_of(&s, "sqs:ReceiveMessage") - receives, 3, 12);  // all are deleted: only long polls go on
        pass(&s, 40);
        assert_int_equal(live(&s), WEB_HOSTS);
        assert_int_equal(running(&s, s.web), 28);
        nothing_broke(&s);
        story_close(&s);
        arena_release(&a);
    }
}

// ---- errors of fleets ---------------------------------------------------------------------------------------------------------
static int two_fleets(const struct world_options *o, struct world **ret, struct err *err)
{
    struct world *w = NULL;
    int rc = story_world(o, &w, err);
    if (rc)
        return rc;
    add_fleet(w, 0, "c5.2xlarge", 1);
    *ret = w;
    return 0;
}

static void patient(struct policy_cluster *c)
{
    impatient(c);
    c->fallback_ms = 20 * MINUTE_MS;  // by time alone it would take as long
}

static int64_t seconds_until_the_other_is_asked(struct story *s)
{
    int64_t since = now_ms(s);
    for (int i = 0; i < 120 && see(s).fleets[1].wanted == 0; i++)
        seconds(s, 1);
    return (now_ms(s) - since) / 1000;
}

// A look and its plan take a few seconds; without the event it is the fleet's history that tells, a minute later.
static void d9_an_error_event_of_a_fleet_moves_its_need_to_another_at_once(void **state)
{
    (void)state;
    int64_t took[2];
    for (int events = 0; events < 2; events++) {
        struct story s;
        story_open(&s, (struct rig_options){.events = events == 1, .build = two_fleets, .settings = patient});
        pass(&s, 10);
        assert_int_equal(world_stick_fleet(world_of(&s), 0, "allLaunchSpecsTemporarilyBlacklisted"), WORLD_OK);
        want(&s, 60);
        took[events] = seconds_until_the_other_is_asked(&s);
        pass(&s, 25);
        assert_int_equal(running(&s, s.web), 60);
        nothing_broke(&s);
        story_close(&s);
    }
    print_message("moved after %" PRId64 " s, without events %" PRId64 " s\n", took[1], took[0]);
    assert_true(took[1] + 25 <= took[0]);
}

static void d9_after_a_quota_error_nothing_of_that_class_is_ordered_for_a_quarter_of_an_hour(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){.events = true, .build = two_fleets, .settings = patient});
    pass(&s, 10);
    assert_int_equal(world_stick_fleet(world_of(&s), 0, "spotInstanceCountLimitExceeded"), WORLD_OK);
    want(&s, 60);
    seconds(&s, 100);
    expect_alert(&s, ALERT_QUOTA_REFUSED, "L-34B43A08");
    int64_t had[2] = {see(&s).fleets[0].wanted, see(&s).fleets[1].wanted}, since = now_ms(&s);
    want(&s, 90);
    pass(&s, 12);
    assert_true(see(&s).fleets[0].wanted <= had[0]);  // c5 and m5 are of one class
    assert_int_equal(see(&s).fleets[1].wanted, had[1]);
    assert_int_equal(applied_since(&s, "ec2:TerminateInstances", since), 0);
    assert_int_equal(world_stick_fleet(world_of(&s), 0, NULL), WORLD_OK);
    pass(&s, 30);
    assert_int_equal(running(&s, s.web), 90);
    nothing_broke(&s);
    story_close(&s);
}

// ---- groups -----------------------------------------------------------------------------------------------------------------
static int group_and_fleet(const struct world_options *o, struct world **ret, struct err *err)
{
    struct world *w = NULL;
    int rc = world_empty(7, o, &w, err);
    if (rc)
        return rc;
    world_add_cluster(w, "main");
    struct world_override any = {world_type_index(w, "m5.xlarge"), -1, 1000};
    int group = world_add_group(w, &(struct world_group_spec){.name = "web-asg", .cluster = 0, .max = 40, .desired = WEB_HOSTS, .overrides = &any, .override_count = 1,
                                                              .mixed = true, .allocation = WALLOC_LOWEST_PRICE});
    for (int i = 0; i < WEB_HOSTS; i++)
        add_host(w, group, i % 3);
    world_group_suspend(w, WORLD_PERSON, group, 1u << WP_AZ_REBALANCE, true);
    world_group_add_hook(w, group, &(struct world_hook_of_group){.name = "masu-drain", .heartbeat_ms = 300000});
    add_fleet(w, 0, "c5.2xlarge", 1);
    add_service(w, (struct a_service){"web", 512, 1024, WEB_DESIRED, 100, 200, WS_SPREAD_ZONE, 0, 0});
    *ret = w;
    return 0;
}

static void patient_with_hook(struct policy_cluster *c)
{
    static struct policy_hook hook = {"masu-drain"};
    patient(c);
    for (size_t f = 0; f < c->fleet_count; f++)
        if (c->fleets[f].group && c->fleets[f].group[0]) {
            c->fleets[f].hooks = &hook;
            c->fleets[f].hook_count = 1;
        }
}

static void slow_with_hook(struct policy_cluster *c)
{
    patient_with_hook(c);
    c->period_ms = 50000;  // looks at no multiple of what the group does each half minute
}

// Without its event the group's own activities tell, a minute later.
static void d9_a_launch_of_a_group_that_failed_moves_its_need_to_the_fleet(void **state)
{
    (void)state;
    for (int events = 0; events < 2; events++) {
        struct story s;
        story_open(&s, (struct rig_options){.events = events == 1, .build = group_and_fleet, .settings = patient_with_hook});
        pass(&s, 10);
        struct world_view v = see(&s);
        for (int p = 0; p < v.pool_count; p++)
            if (v.pools[p].type == world_type_index(s.rig.worlds[0], "m5.xlarge"))
                world_set_shortage(s.rig.worlds[0], p, INT64_MAX);
        want(&s, 60);
        int64_t took = seconds_until_the_other_is_asked(&s);
        print_message("moved after %" PRId64 " s, %s\n", took, events ? "told by an event" : "told by its activities");
        assert_in_range(took, 0, events ? 45 : 110);
        pass(&s, 10);
        assert_int_equal(running(&s, s.web), 60);
        nothing_broke(&s);
        story_close(&s);
    }
}

// A member that the group ends waits in our hook: its message makes the next look come at once, which drains it.
static void b3_the_message_of_a_hook_hurries_the_drain_that_completes_it(void **state)
{
    (void)state;
    int64_t took[2] = {0, 0};
    for (int events = 0; events < 2; events++)
        for (int k = 0; k < 4; k++) {
            struct story s;
            story_open(&s, (struct rig_options){.events = events == 1, .build = group_and_fleet, .settings = slow_with_hook});
            pass(&s, 10 + k);
            int64_t since = now_ms(&s);
            assert_int_equal(world_group_unhealthy(world_of(&s), an_active(&s)), WORLD_OK);
            pass(&s, 15);
            int64_t drained = first_after(&s, "ecs:UpdateContainerInstancesState", "", since);
            assert_true(drained >= 0);
            took[events] += drained / 1000;
            assert_true(first_after(&s, "autoscaling:CompleteLifecycleAction", "", since) > drained);
            nothing_broke(&s);
            story_close(&s);
        }
    print_message("four drains after %" PRId64 " s, without events %" PRId64 " s\n", took[1], took[0]);
    assert_true(took[1] + 20 <= took[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d4_messages_of_every_kind_in_any_order_do_what_the_notice_alone_does),
        cmocka_unit_test(d9_an_error_event_of_a_fleet_moves_its_need_to_another_at_once),
        cmocka_unit_test(d9_after_a_quota_error_nothing_of_that_class_is_ordered_for_a_quarter_of_an_hour),
        cmocka_unit_test(d9_a_launch_of_a_group_that_failed_moves_its_need_to_the_fleet),
        cmocka_unit_test(b3_the_message_of_a_hook_hurries_the_drain_that_completes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
