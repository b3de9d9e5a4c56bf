// Group I of safety.md as far as the queue of events goes: shared by others, or its receiver dies (I7), full after an hour (I8).
#include "base/parse.h"
#include "tests/scaler/story_events.h"

static void post_notice(struct story *s, const char *id, const char *instance, int64_t at_ms)
{
    char text[512], at[32];
    snprintf(text, sizeof text, "{\"version\":\"0\",\"id\":\"%s\",\"detail-type\":\"EC2 Spot Instance Interruption Warning\",\"source\":\"aws.ec2\","
             "\"account\":\"111122223333\",\"time\":\"%s\",\"region\":\"us-east-1\",\"resources\":[],\"detail\":{\"instance-id\":\"%s\","
             "\"instance-action\":\"terminate\"}}", id, format_iso8601(at_ms, false, at), instance);
    sandbox_post(s->rig.sandbox, slice_of(text));
}

static void i7_notices_of_others_are_deleted_but_left_where_the_queue_is_declared_shared(void **state)
{
    (void)state;
    for (int shared = 0; shared < 2; shared++) {
        struct story s;
        open_full(&s, (struct rig_options){.events = true});
        s.rig.policy.queues[0].shared = shared == 1;
        int64_t since = now_ms(&s);
        for (int i = 0; i < 5; i++)
            post_notice(&s, "theirs", "i-0123456789abcdef0", since - 90000);
        seconds(&s, 30);
        assert_int_equal(first_after(&s, "sqs:DeleteMessageBatch", "", since) >= 0, !shared);
        seconds(&s, 120);
        assert_int_equal(first_after(&s, "sqs:DeleteMessageBatch", "", since) >= 0, !shared);  // it comes again and again, and is left
        assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", since), 0);
        post_notice(&s, "ours", see(&s).instances[an_active(&s)].id, now_ms(&s));  // among them, ours is answered
        seconds(&s, 10);
        assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", since), 1);
        story_close(&s);
    }
}

// It was received and hidden for 20 s: it comes again, and before that the spot requests tell.
static void i7_a_daemon_that_dies_holding_a_notice_costs_no_more_than_twenty_seconds(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct story s;
        struct err err = {0};
        open_full(&s, (struct rig_options){.events = true});
        sandbox_set_events(s.rig.sandbox, &(struct sandbox_event_options){.delay_min_ms = 10, .delay_max_ms = 10});
        int one = an_active(&s);
        int64_t since = now_ms(&s);
        interrupt(&s, one);
        loop_run(s.rig.loop, now_ms(&s) + 20 + 20 * i);  // received, and maybe answered
        assert_int_equal(rig_restart(&s.rig, true, &err), 0);
        seconds(&s, 25);
        int64_t drained = first_after(&s, "ecs:UpdateContainerInstancesState", "", since);
        print_message("drained after %" PRId64 " ms\n", drained);
        assert_in_range(drained, 0, 24000);
        pass(&s, 30);
        assert_int_equal(live(&s), WEB_HOSTS);
        assert_int_equal(running(&s, s.web), 28);
        nothing_broke(&s);
        story_close(&s);
    }
}

// Receives of so many seconds while nothing new comes: long polls alone, or what was left comes again and again.
static int64_t receives_in(struct story *s, int64_t n)
{
    int64_t before = calls_of(s, "sqs:ReceiveMessage");
    seconds(s, n);
    return calls_of(s, "sqs:ReceiveMessage") - before;
}

// What an hour of being down brought, about instances that are well: none of it acts, and looks go on. A notice behind 4,000 of them is
// answered when these are read, two seconds; behind 50,000 the poll of spot requests may be the first to tell.
static void answered_behind(int backlog, int64_t within_ms)
{
    struct story s;
    open_full(&s, (struct rig_options){.events = true});
    sandbox_set_events(s.rig.sandbox, &(struct sandbox_event_options){.delay_min_ms = 10, .delay_max_ms = 10});
    for (int64_t polls = calls_of(&s, "ec2:DescribeSpotInstanceRequests"); calls_of(&s, "ec2:DescribeSpotInstanceRequests") == polls;)
        seconds(&s, 1);  // the next one is 15 s away
    int64_t since = now_ms(&s);
    struct world_view v = see(&s);
    for (int i = 0; i < backlog; i++) {
        char id[32];
        snprintf(id, sizeof id, "old-%d", i);
        post_notice(&s, id, v.instances[i % v.instance_count].id, since - 400000 - i * 60);
    }
    int64_t looks = calls_of(&s, "ecs:DescribeContainerInstances");
    loop_run(s.rig.loop, since + 100);
    interrupt(&s, an_active(&s));
    seconds(&s, 20);
    int64_t drained = first_after(&s, "ecs:UpdateContainerInstancesState", "", since);
    print_message("behind %d drained after %" PRId64 " ms\n", backlog, drained);
    assert_in_range(drained, 0, within_ms);
    seconds(&s, 100);
    assert_true(calls_of(&s, "ecs:DescribeContainerInstances") - looks >= 4);
    pass(&s, 2);
    assert_in_range(receives_in(&s, 60), 2, 8);  // all are read and deleted
    assert_int_equal(calls_of(&s, "ecs:UpdateContainerInstancesState"), 1);
    pass(&s, 30);
    assert_int_equal(live(&s), WEB_HOSTS);
    assert_int_equal(running(&s, s.web), 28);
    nothing_broke(&s);
    story_close(&s);
}

static void i8_thousands_of_old_messages_change_nothing_and_hold_up_nobody(void **state)
{
    (void)state;
    answered_behind(4000, 4000);
    answered_behind(50000, 16000);
}

// ---- a journal that fails -----------------------------------------------------------------------------------------------------

static struct {
    struct tick_ops real;
    bool broken;
} disk;

static int begin_or_fail(void *arg, struct tick_frame *f, struct err *err)
{
    return disk.broken ? err_set(err, ERR_IO, "disk full") : disk.real.begin(arg, f, err);
}

static int record_or_fail(void *arg, struct tick_frame *f, struct err *err)
{
    return disk.broken ? err_set(err, ERR_IO, "disk full") : disk.real.record(arg, f, err);
}

static void on_the_disk(void *arg, struct tick_ops *ops)
{
    (void)arg;
    disk.real = *ops;
    ops->begin = begin_or_fail;
    ops->record = record_or_fail;
}

// The answer does not wait for the disk. Whoever comes after us finds no trace of it, so the message stays for them.
static void i5_a_message_is_deleted_only_when_its_answer_is_in_the_journal(void **state)
{
    (void)state;
    struct story s;
    disk.broken = false;
    open_full(&s, (struct rig_options){.events = true, .plant_outer = on_the_disk});
    sandbox_set_events(s.rig.sandbox, &(struct sandbox_event_options){.drop_permille = 1000});  // only what is posted here
    int one = an_active(&s);
    int64_t since = now_ms(&s);
    disk.broken = true;
    interrupt(&s, one);
    post_notice(&s, "ours", see(&s).instances[one].id, since);
    seconds(&s, 100);
    assert_in_range(first_after(&s, "ecs:UpdateContainerInstancesState", "", since), 0, 5000);
    assert_int_equal(first_after(&s, "sqs:DeleteMessageBatch", "", since), -1);
    int64_t mended = now_ms(&s);
    disk.broken = false;
    seconds(&s, 60);
    assert_in_range(first_after(&s, "sqs:DeleteMessageBatch", "", mended), 0, 60000);
    assert_int_equal(draining(&s), 0);  // it is gone, and was drained once
    pass(&s, 30);
    assert_int_equal(live(&s), WEB_HOSTS);
    nothing_broke(&s);
    story_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i5_a_message_is_deleted_only_when_its_answer_is_in_the_journal),
        cmocka_unit_test(i7_notices_of_others_are_deleted_but_left_where_the_queue_is_declared_shared),
        cmocka_unit_test(i7_a_daemon_that_dies_holding_a_notice_costs_no_more_than_twenty_seconds),
        cmocka_unit_test(i8_thousands_of_old_messages_change_nothing_and_hold_up_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
