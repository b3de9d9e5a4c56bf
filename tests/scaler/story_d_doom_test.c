// Group D of safety.md, what a notice takes that cannot simply be drained: the last task of a service, and who has not registered yet.
#include "tests/scaler/story_events.h"

// Besides web, a service of one task that takes a whole host and may be stopped before another one runs.
static int db_world(const struct world_options *o, struct world **ret, struct err *err)
{
    int rc = story_world(o, ret, err);
    if (rc)
        return rc;
    add_host(*ret, 0, 1);
    add_service(*ret, (struct a_service){"db", 4096, 8192, 1, 0, 100, WS_SPREAD_INSTANCE, 0, 0});
    return 0;
}

static int host_of(struct story *s, int service_index)
{
    struct world_view v = see(s);
    for (int t = v.services[service_index].first_task; t >= 0; t = v.tasks[t].next_of_service)
        if (v.tasks[t].used && v.tasks[t].last.now == WT_RUNNING)
            return v.tasks[t].instance;
    fail_msg("nowhere");
    return -1;
}

static void open_db(struct story *s, int64_t boot_ms)
{
    static struct world_options o;
    o = calm_options();
    o.boot_p50_ms = boot_ms;
    o.boot_p90_ms = boot_ms + 2000;
    story_open(s, (struct rig_options){.events = true, .build = db_world, .world = &o});
    pass(s, 10);
    assert_int_equal(running(s, 1), 1);
}

static void d2_the_last_task_keeps_running_until_its_new_host_is_active(void **state)
{
    (void)state;
    struct story s;
    open_db(&s, 30000);
    expect_alert(&s, ALERT_SERVICE_ALONE, "db");  // before anything happens
    int one = host_of(&s, 1);
    int64_t since = now_ms(&s);
    interrupt(&s, one);
    seconds(&s, 2);
    assert_in_range(first_after(&s, "ec2:ModifySpotFleetRequest", "", since), 0, 1000);
    assert_int_equal(see(&s).instances[one].status.now, WE_ACTIVE);
    seconds(&s, 55);
    int64_t drained = first_after(&s, "ecs:UpdateContainerInstancesState", "", since);
    print_message("drained after %" PRId64 " ms\n", drained);
    assert_in_range(drained, 30000, 57000);
    assert_int_equal(see(&s).instances[one].status.now, WE_DRAINING);
    pass(&s, 20);
    assert_int_equal(running(&s, 1), 1);
    nothing_broke(&s);
    story_close(&s);
}

static void d2_it_is_drained_after_sixty_seconds_at_the_latest(void **state)
{
    (void)state;
    for (int moment = 0; moment < 4; moment++) {  // of the look
        struct story s;
        open_db(&s, 90000);
        seconds(&s, 7 * moment);
        int one = host_of(&s, 1);
        int64_t since = now_ms(&s);
        interrupt(&s, one);
        pass(&s, 2);
        assert_in_range(first_after(&s, "ecs:UpdateContainerInstancesState", "", since), 60000, 61500);
        pass(&s, 20);
        assert_int_equal(running(&s, 1), 1);
        nothing_broke(&s);
        story_close(&s);
    }
}

static int booting(struct story *s)
{
    struct world_view v = see(s);
    for (int i = 0; i < v.instance_count; i++)
        if (v.instances[i].used && v.instances[i].fleet == s->fleet && v.instances[i].state.now <= WL_RUNNING && v.instances[i].status.now == WE_NONE)
            return i;
    fail_msg("none boots");
    return -1;
}

static void d3_a_notice_while_it_boots_is_answered_when_it_registers(void **state)
{
    (void)state;
    struct story s;
    open_full(&s, (struct rig_options){.events = true});
    want(&s, 34);
    seconds(&s, 60);
    int one = booting(&s);
    int64_t since = now_ms(&s), had = target_of(&s);
    interrupt(&s, one);
    seconds(&s, 3);
    assert_true(target_of(&s) > had);  // it is no capacity any more
    for (int i = 0; i < 110 && see(&s).instances[one].status.now != WE_ACTIVE; i++)
        seconds(&s, 1);
    assert_int_equal(see(&s).instances[one].status.now, WE_ACTIVE);
    int64_t registered = now_ms(&s);
    seconds(&s, 15);
    assert_int_equal(see(&s).instances[one].status.now, WE_DRAINING);
    print_message("drained %" PRId64 " ms after it registered\n", first_after(&s, "ecs:UpdateContainerInstancesState", "", since) - (registered - since));
    pass(&s, 20);
    assert_int_equal(running(&s, s.web), 34);
    nothing_broke(&s);
    story_close(&s);
}

static void d3_a_batch_that_is_refused_for_one_is_split(void **state)
{
    (void)state;
    struct story s;
    open_full(&s, (struct rig_options){.events = true});
    sandbox_set_events(s.rig.sandbox, &(struct sandbox_event_options){.delay_min_ms = 300, .delay_max_ms = 300});
    fault(&s, "ecs:UpdateContainerInstancesState", SANDBOX_FAULT_INVALID, 0, 1);
    int64_t calls = calls_of(&s, "ecs:UpdateContainerInstancesState");
    for (int i = 0; i < 3; i++)
        interrupt(&s, an_active(&s));
    seconds(&s, 2);
    print_message("%" PRId64 " calls\n", calls_of(&s, "ecs:UpdateContainerInstancesState") - calls);
    assert_int_equal(draining(&s), 3);
    assert_in_range(calls_of(&s, "ecs:UpdateContainerInstancesState") - calls, 3, 4);  // two or three at once, then one by one
    pass(&s, 20);
    assert_int_equal(running(&s, s.web), 28);
    nothing_broke(&s);
    story_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d2_the_last_task_keeps_running_until_its_new_host_is_active),
        cmocka_unit_test(d2_it_is_drained_after_sixty_seconds_at_the_latest),
        cmocka_unit_test(d3_a_notice_while_it_boots_is_answered_when_it_registers),
        cmocka_unit_test(d3_a_batch_that_is_refused_for_one_is_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
