// Group D of safety.md, warnings before the notice: rebalance recommendations and events of EC2 (D7).
#include "base/parse.h"
#include "tests/scaler/story_events.h"

enum { RISK_HOSTS = 20 };

static int risk_world(const struct world_options *o, struct world **ret, struct err *err)
{
    struct world *w = NULL;
    int rc = world_empty(7, o, &w, err);
    if (rc)
        return rc;
    world_add_cluster(w, "main");
    const struct world_override pools[] = {{world_type_index(w, "m5.xlarge"), -1, 1000}, {world_type_index(w, "c5.xlarge"), -1, 1000}};
    int fleet_index = world_add_fleet(w, &(struct world_fleet_spec){.cluster = 0, .target = RISK_HOSTS, .allocation = WALLOC_LOWEST_PRICE, .overrides = pools,
                                                                    .override_count = ARRAY_LEN(pools)});
    for (int i = 0; i < RISK_HOSTS; i++)
        add_host(w, fleet_index, i % 3);
    add_service(w, (struct a_service){"web", 512, 768, RISK_HOSTS * 7, 100, 200, WS_SPREAD_ZONE, 0, 0});
    *ret = w;
    return 0;
}

static int leaving(struct story *s)
{
    struct world_view v = see(s);
    int n = 0;
    for (int i = 0; i < v.instance_count; i++)
        n += v.instances[i].used && v.instances[i].state.now == WL_RUNNING && v.instances[i].status.now == WE_DRAINING;
    return n;
}

static int at_risk(struct story *s)
{
    struct world_view v = see(s);
    int n = 0;
    for (int i = 0; i < v.instance_count; i++)
        n += v.instances[i].used && v.instances[i].state.now <= WL_RUNNING && v.instances[i].rebalance_ms > 0;
    return n;
}

static void d7_one_at_risk_is_replaced_before_it_is_drained(void **state)
{
    (void)state;
    struct story s;
    open_full(&s, (struct rig_options){.events = true});
    int one = an_active(&s), healthy = live(&s);
    int64_t had = target_of(&s), since = now_ms(&s);
    assert_int_equal(world_rebalance_hint(world_of(&s), one), WORLD_OK);
    seconds(&s, 40);
    assert_true(target_of(&s) > had);
    assert_int_equal(see(&s).instances[one].status.now, WE_ACTIVE);
    for (int i = 0; i < 30 && see(&s).instances[one].status.now == WE_ACTIVE; i++)
        seconds(&s, 10);
    assert_int_equal(see(&s).instances[one].status.now, WE_DRAINING);
    assert_true(live(&s) > healthy);  // the other is there
    assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", since), 1);
    pass(&s, 30);
    assert_int_equal(at_risk(&s), 0);
    assert_int_equal(live(&s), healthy);
    assert_int_equal(target_of(&s), had);
    assert_int_equal(running(&s, s.web), 28);
    nothing_broke(&s);
    story_close(&s);
}

static void d7_a_wave_of_warnings_is_answered_by_fifths_of_capacity(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){.events = true, .build = risk_world});
    pass(&s, 10);
    int64_t had = target_of(&s), most = 0;
    int hosts = live(&s), warned = 0, at_once = 0;
    struct world_view v = see(&s);
    for (int i = 0; i < v.instance_count; i++)  // most of it: all m5.xlarge of two zones
        if (v.instances[i].used && v.instances[i].state.now == WL_RUNNING && v.pools[v.instances[i].pool].zone < 2)
            warned += world_rebalance_hint(world_of(&s), i) == WORLD_OK;
    assert_true(warned * 2 > hosts);
    for (int i = 0; i < 120 * 6 && at_risk(&s) > 0; i++) {
        seconds(&s, 10);
        most = target_of(&s) > most ? target_of(&s) : most;
        at_once = leaving(&s) > at_once ? leaving(&s) : at_once;
        assert_true(running(&s, s.web) >= RISK_HOSTS * 7 * 9 / 10);
    }
    print_message("%d of %d warned, target %" PRId64 " at most, had %" PRId64 ", %d drains at once; %d left\n", warned, hosts, most, had, at_once, at_risk(&s));
    assert_int_equal(at_risk(&s), 0);
    assert_in_range(most, had + 1, had + (hosts + 4) / 5);
    assert_in_range(at_once, 1, hosts / 5);
    pass(&s, 40);
    assert_int_equal(running(&s, s.web), RISK_HOSTS * 7);
    assert_in_range(live(&s), hosts - 2, hosts + 1);
    nothing_broke(&s);
    story_close(&s);
}

static void post_health(struct story *s, const char *instance, const char *code, int64_t at_ms)
{
    char text[1024], at[32];
    snprintf(text, sizeof text, "{\"version\":\"0\",\"id\":\"h1\",\"detail-type\":\"AWS Health Event\",\"source\":\"aws.health\",\"account\":\"111122223333\","
             "\"time\":\"%s\",\"region\":\"us-east-1\",\"resources\":[\"%s\"],\"detail\":{\"service\":\"EC2\",\"eventTypeCode\":\"%s\","
             "\"eventTypeCategory\":\"scheduledChange\",\"startTime\":\"Fri, 30 Jan 2026 12:00:00 GMT\",\"affectedEntities\":[{\"entityValue\":\"%s\"}]}}",
             format_iso8601(at_ms, false, at), instance, code, instance);
    sandbox_post(s->rig.sandbox, slice_of(text));
}

static void d7_a_retirement_is_answered_as_a_warning(void **state)
{
    (void)state;
    struct story s;
    open_full(&s, (struct rig_options){.events = true});
    int one = an_active(&s), healthy = live(&s);
    char id[32];
    snprintf(id, sizeof id, "%s", see(&s).instances[one].id);
    post_health(&s, id, "AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED", now_ms(&s) - 3600000);
    pass(&s, 40);
    struct world_view v = see(&s);
    for (int i = 0; i < v.instance_count; i++)
        if (v.instances[i].used && strcmp(v.instances[i].id, id) == 0)
            assert_true(v.instances[i].state.now > WL_RUNNING && v.instances[i].ended_by == WORLD_OURS);
    assert_int_equal(live(&s), healthy);
    assert_int_equal(running(&s, s.web), 28);
    nothing_broke(&s);
    story_close(&s);
}

static int64_t ended_after(struct story *s, const char *id, int64_t since_ms)
{
    struct world_view v = see(s);
    for (int i = 0; i < v.instance_count; i++)
        if (v.instances[i].used && strcmp(v.instances[i].id, id) == 0)
            return v.instances[i].state.now > WL_RUNNING && v.instances[i].ended_by == WORLD_OURS ? v.instances[i].ended_ms - since_ms : -1;
    return -1;
}

// Without a queue: the status of instances is polled. Nothing runs there when EC2 takes it.
static void d7_a_retirement_is_seen_without_a_message(void **state)
{
    (void)state;
    struct story s;
    open_full(&s, (struct rig_options){0});
    int one = an_active(&s), healthy = live(&s);
    char id[32];
    int64_t since = now_ms(&s), polls = calls_of(&s, "ec2:DescribeInstanceStatus");
    snprintf(id, sizeof id, "%s", see(&s).instances[one].id);
    assert_int_equal(world_schedule_event(world_of(&s), one, "instance-retirement", since + 6 * 60 * MINUTE_MS), WORLD_OK);
    pass(&s, 40);
    int64_t ordered = first_after(&s, "ec2:ModifySpotFleetRequest", "", since), drained = first_after(&s, "ecs:UpdateContainerInstancesState", "", since);
    assert_in_range(ordered, 0, 6 * MINUTE_MS);
    assert_true(ordered + 60000 < drained);  // its replacement first, which has to boot
    assert_true(ended_after(&s, id, since) > 0);
    assert_in_range(calls_of(&s, "ec2:DescribeInstanceStatus") - polls, 7, 9);  // one call in five minutes
    assert_int_equal(live(&s), healthy);
    assert_int_equal(running(&s, s.web), 28);
    nothing_broke(&s);
    story_close(&s);
}

// Nothing takes its tasks: no pool has anything. It is drained when no more time is left than that takes.
static void d7_before_an_event_of_ec2_it_is_drained_even_without_a_place(void **state)
{
    (void)state;
    struct story s;
    open_full(&s, (struct rig_options){0});
    struct world_view v = see(&s);
    int one = an_active(&s);
    for (int p = 0; p < v.pool_count; p++)
        world_set_shortage(s.rig.worlds[0], p, INT64_MAX);
    int64_t since = now_ms(&s);
    assert_int_equal(world_schedule_event(world_of(&s), one, "instance-stop", since + 90 * MINUTE_MS), WORLD_OK);
    pass(&s, 74);  // 15 minutes are what the slowest drain takes
    assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", since), 0);
    pass(&s, 2);
    assert_int_equal(see(&s).instances[one].status.now, WE_DRAINING);
    nothing_broke(&s);
    story_close(&s);
}

static void d7_an_event_that_is_called_off_moves_nobody(void **state)
{
    (void)state;
    struct story s;
    open_full(&s, (struct rig_options){0});
    struct world_view v = see(&s);
    int one = an_active(&s);
    for (int p = 0; p < v.pool_count; p++)
        world_set_shortage(s.rig.worlds[0], p, INT64_MAX);
    int64_t since = now_ms(&s);
    assert_int_equal(world_schedule_event(world_of(&s), one, "system-reboot", since + 90 * MINUTE_MS), WORLD_OK);
    pass(&s, 30);
    assert_int_equal(world_schedule_event(world_of(&s), one, NULL, 0), WORLD_OK);
    pass(&s, 70);
    assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", since), 0);
    assert_int_equal(live(&s), WEB_HOSTS);
    assert_int_equal(running(&s, s.web), 28);
    nothing_broke(&s);
    story_close(&s);
}

// The message is deleted and no API tells of it again: the state does.
static void d7_a_warning_outlives_the_daemon(void **state)
{
    (void)state;
    struct story s;
    struct err err = {0};
    open_full(&s, (struct rig_options){.events = true});
    int64_t since = now_ms(&s);
    assert_int_equal(world_rebalance_hint(world_of(&s), an_active(&s)), WORLD_OK);
    seconds(&s, 70);
    assert_true(first_after(&s, "sqs:DeleteMessageBatch", "", since) >= 0);
    assert_int_equal(at_risk(&s), 1);
    assert_int_equal(rig_restart(&s.rig, true, &err), 0);
    pass(&s, 40);
    assert_int_equal(at_risk(&s), 0);
    assert_int_equal(running(&s, s.web), 28);
    nothing_broke(&s);
    story_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d7_one_at_risk_is_replaced_before_it_is_drained),
        cmocka_unit_test(d7_a_wave_of_warnings_is_answered_by_fifths_of_capacity),
        cmocka_unit_test(d7_a_warning_outlives_the_daemon),
        cmocka_unit_test(d7_a_retirement_is_answered_as_a_warning),
        cmocka_unit_test(d7_a_retirement_is_seen_without_a_message),
        cmocka_unit_test(d7_before_an_event_of_ec2_it_is_drained_even_without_a_place),
        cmocka_unit_test(d7_an_event_that_is_called_off_moves_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
