// Gather and execute under faults of the wire: what fails is unknown, nothing is removed because of it, need is still served.
#include "tests/cm.h"

#include "base/buf.h"
#include "scaler/rig.h"

#define MINUTE_MS 60000
enum { CHANGES_MAX = 4096 };

static void impatient(struct policy_cluster *c)
{
    c->start_hold_ms = 120000;
    c->unneeded_ms = 0;
    c->min_age_ms = 60000;
}

struct bed {
    struct rig rig;
    FILE *intents;
    char *text;
    size_t text_len;
};

static void bed_open(struct bed *b, struct rig_options o)
{
    struct err err = {0};
    *b = (struct bed){.text = NULL};
    b->intents = open_memstream(&b->text, &b->text_len);
    o.intents = b->intents;
    if (rig_open(&o, &b->rig, &err) != 0)
        fail_msg("%s", err.msg);
}

static void bed_close(struct bed *b)
{
    rig_close(&b->rig);
    fclose(b->intents);
    free(b->text);
}

static void run_to(struct bed *b, int64_t minute)
{
    loop_run(b->rig.loop, b->rig.start_ms + minute * MINUTE_MS);
}

static void fault(struct bed *b, const char *operation, enum sandbox_fault_kind kind, int countdown, int repeat)
{
    struct err err = {0};
    assert_int_equal(sandbox_add_fault(b->rig.sandbox, &(struct sandbox_fault){operation, kind, countdown, repeat}, &err), 0);
}

static int applied(struct bed *b, const char *operation)
{
    static struct sandbox_change changes[CHANGES_MAX];
    size_t count = sandbox_changes(b->rig.sandbox, changes, CHANGES_MAX);
    int n = 0;
    for (size_t i = 0; i < count; i++)
        n += changes[i].actor == WORLD_OURS && strcmp(changes[i].operation, operation) == 0 && changes[i].error[0] == '\0';
    return n;
}

static void nothing_broke(struct bed *b)
{
    struct rig_figures f;
    rig_finish(&b->rig);
    rig_figures(&b->rig, &f);
    size_t n;
    const struct violation *list = invariants_list(b->rig.invariants[0], &n);
    for (size_t i = 0; i < n; i++)
        print_error("V%d %s\n", (int)list[i].id, list[i].text);
    assert_int_equal(f.violations, 0);
    assert_int_equal(f.sum.tasks_killed, 0);
}

// ---- reads ----------------------------------------------------------------------------------------------------------------

struct denied_read {
    const char *operation;
    enum source_kind source;
};

static void v10_a_read_that_is_denied_for_good_holds_every_removal(void **state)
{
    const struct denied_read *d = *state;
    struct bed b;
    bed_open(&b, (struct rig_options){.seed = 7, .settings = impatient});
    fault(&b, d->operation, SANDBOX_FAULT_DENIED, 0, -1);
    run_to(&b, 30);
    const struct snapshot *s = &loop_frame(b.rig.loop, 0)->snapshot;
    assert_int_not_equal(s->sources[d->source].state, SOURCE_OK);
    assert_true(s->sources[d->source].detail[0] != '\0');
    assert_int_equal(applied(&b, "ecs:UpdateContainerInstancesState"), 0);
    assert_int_equal(applied(&b, "ec2:TerminateInstances"), 0);
    sandbox_clear_faults(b.rig.sandbox);
    run_to(&b, 60);
    assert_int_equal(loop_frame(b.rig.loop, 0)->snapshot.sources[d->source].state, SOURCE_OK);
    assert_true(applied(&b, "ecs:UpdateContainerInstancesState") > 0);
    nothing_broke(&b);
    bed_close(&b);
}

static void what_cannot_be_read_again_keeps_its_last_facts_and_their_age(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, (struct rig_options){.seed = 7});
    run_to(&b, 2);
    const struct snapshot *s = &loop_frame(b.rig.loop, 0)->snapshot;
    size_t instances = s->instance_count, services = s->service_count, fleets = s->fleet_count;
    assert_true(instances > 0 && services > 0 && fleets > 0);
    fault(&b, "ecs:Describe*", SANDBOX_FAULT_500, 0, -1);
    fault(&b, "ec2:Describe*", SANDBOX_FAULT_TIMEOUT_BEFORE, 0, -1);
    run_to(&b, 6);
    s = &loop_frame(b.rig.loop, 0)->snapshot;
    assert_int_equal(s->instance_count, instances);
    assert_int_equal(s->service_count, services);
    assert_int_equal(s->fleets[0].target, loop_frame(b.rig.loop, 0)->snapshot.fleets[0].target);
    assert_int_equal(s->sources[SOURCE_CONTAINER_INSTANCES].state, SOURCE_UNKNOWN);
    assert_int_equal(s->sources[SOURCE_EC2_INSTANCES].state, SOURCE_UNKNOWN);
    assert_true(s->sources[SOURCE_SERVICES].read_ms > 0 && s->now_ms - s->sources[SOURCE_SERVICES].read_ms > 2 * MINUTE_MS);
    nothing_broke(&b);
    bed_close(&b);
}

static void j5_half_an_answer_and_garbage_are_failures_and_pass(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, (struct rig_options){.seed = 7, .settings = impatient});
    fault(&b, "ecs:*", SANDBOX_FAULT_TRUNCATED, 40, 12);
    fault(&b, "ec2:Describe*", SANDBOX_FAULT_GARBAGE, 40, 12);
    run_to(&b, 120);
    assert_true(applied(&b, "ec2:TerminateInstances") > 0);
    nothing_broke(&b);
    bed_close(&b);
}

static void j1_reads_that_lag_and_empty_pages_break_nothing(void **state)
{
    (void)state;
    struct bed b;
    struct sandbox_options lagging = {.read_lag_ms = 4000, .empty_pages = true};
    bed_open(&b, (struct rig_options){.seed = 7, .settings = impatient, .sandbox = &lagging});
    run_to(&b, 120);
    assert_true(applied(&b, "ec2:TerminateInstances") > 0);
    nothing_broke(&b);
    bed_close(&b);
}

// ---- writes ---------------------------------------------------------------------------------------------------------------

static void j3_writes_that_time_out_after_their_effect_are_looked_at_not_repeated(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, (struct rig_options){.seed = 7, .settings = impatient});
    fault(&b, "ec2:TerminateInstances", SANDBOX_FAULT_TIMEOUT_AFTER, 0, 2);
    fault(&b, "ec2:ModifySpotFleetRequest", SANDBOX_FAULT_TIMEOUT_AFTER, 0, 2);
    fault(&b, "ecs:UpdateContainerInstancesState", SANDBOX_FAULT_TIMEOUT_AFTER, 0, 2);
    fault(&b, "ec2:CreateTags", SANDBOX_FAULT_TIMEOUT_AFTER, 0, 2);
    run_to(&b, 120);
    assert_true(applied(&b, "ec2:TerminateInstances") > 2);
    nothing_broke(&b);
    bed_close(&b);
}

static void j4_a_permission_that_is_missing_half_way_ends_no_instance_and_breaks_nothing(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, (struct rig_options){.seed = 7, .settings = impatient});
    fault(&b, "ec2:TerminateInstances", SANDBOX_FAULT_DENIED, 0, -1);
    run_to(&b, 20);
    assert_int_equal(applied(&b, "ec2:TerminateInstances"), 0);
    sandbox_clear_faults(b.rig.sandbox);
    run_to(&b, 60);
    nothing_broke(&b);
    bed_close(&b);
}

// ---- the journal ----------------------------------------------------------------------------------------------------------

static bool journal_is_full;

static int begin_on_a_full_disk(void *arg, struct tick_frame *f, struct err *err)
{
    (void)arg;
    f->id = 0;
    return err_set(err, ERR_IO, "no space left on device");
}

static void full_disk(void *arg, struct tick_ops *ops)
{
    (void)arg;
    if (journal_is_full)
        ops->begin = begin_on_a_full_disk;
}

static void i5_a_journal_that_cannot_be_written_makes_it_add_only_with_intents_on_stdout(void **state)
{
    (void)state;
    struct bed b;
    journal_is_full = true;
    struct world_options w;
    world_options_default(&w);
    w.start_ms += 6 * 3600000;           // towards the morning: need grows
    w.interruptions_per_instance_day = 0;  // a notice is answered also without a journal
    bed_open(&b, (struct rig_options){.seed = 7, .settings = impatient, .plant = full_disk, .world = &w});
    run_to(&b, 240);
    fflush(b.intents);
    assert_int_equal(applied(&b, "ecs:UpdateContainerInstancesState"), 0);
    assert_int_equal(applied(&b, "ec2:TerminateInstances"), 0);
    assert_true(applied(&b, "ec2:ModifySpotFleetRequest") > 0);
    assert_non_null(strstr(b.text, "\"event\":\"intent\""));
    assert_non_null(strstr(b.text, "\"kind\":\"set_target\""));
    assert_non_null(strstr(b.text, "\"event\":\"outcome\""));
    nothing_broke(&b);
    bed_close(&b);
}

// ---- economy --------------------------------------------------------------------------------------------------------------

static int64_t calls_of(struct bed *b, const char *operation)
{
    struct sandbox_call_count calls[128];
    size_t count = sandbox_calls(b->rig.sandbox, calls, 128);
    for (size_t i = 0; i < count; i++)
        if (strcmp(calls[i].operation, operation) == 0)
            return calls[i].calls;
    return 0;
}

static void a_look_is_economical(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, (struct rig_options){.seed = 7});
    run_to(&b, 60);
    int64_t looks = loop_ticks(b.rig.loop);
    assert_true(calls_of(&b, "ecs:ListServices") * 3 < looks);
    assert_true(calls_of(&b, "ecs:ListContainerInstances") * 3 < looks);
    assert_true(calls_of(&b, "ecs:DescribeTasks") * 2 < looks);
    assert_true(calls_of(&b, "ecs:DescribeTaskDefinition") <= 40);  // once a revision
    assert_true(calls_of(&b, "ec2:DescribeInstanceTypes") <= 3);
    assert_true(calls_of(&b, "ec2:DescribeSpotPriceHistory") <= 4);
    assert_int_equal(calls_of(&b, "sts:GetCallerIdentity"), 1);
    bed_close(&b);
}

static void quick(struct policy_cluster *c)
{
    c->period_ms = 10000;
}

static void clusters_of_a_region_that_look_within_seconds_share_one_read_of_the_fleets(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, (struct rig_options){.seed = 7, .settings = quick});
    run_to(&b, 20);
    int64_t looks = loop_ticks(b.rig.loop);
    assert_true(calls_of(&b, "ec2:DescribeSpotFleetRequests") * 3 < looks * 2);
    for (size_t c = 0; c < 2; c++)
        assert_true(loop_frame(b.rig.loop, c)->snapshot.fleets[0].found && loop_frame(b.rig.loop, c)->snapshot.fleets[0].pool_count > 0);
    nothing_broke(&b);
    bed_close(&b);
}

static void a7_a_fleet_that_aws_does_not_know_does_not_hide_the_others(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, (struct rig_options){.seed = 7});
    struct policy_cluster *c = &b.rig.policy.clusters[0];
    c->fleets = arena_array(&b.rig.arena, struct policy_fleet, 2);
    c->fleets[0] = (struct policy_fleet){.id = "sfr-00000000-0000-0000-0000-000000000000", .max = 10};
    c->fleets[1] = (struct policy_fleet){.id = world_view(b.rig.worlds[0]).fleets[0].id, .max = 200};
    c->fleet_count = 2;
    run_to(&b, 5);
    const struct snapshot *s = &loop_frame(b.rig.loop, 0)->snapshot, *neighbour = &loop_frame(b.rig.loop, 1)->snapshot;
    assert_false(s->fleets[0].found);
    assert_true(s->fleets[1].found && s->fleets[1].target > 0);
    assert_true(neighbour->fleets[0].found);
    assert_int_equal(neighbour->sources[SOURCE_FLEETS].state, SOURCE_OK);
    bed_close(&b);
}

int main(void)
{
    static const struct denied_read denied[] = {
        {"ecs:DescribeServices", SOURCE_SERVICES}, {"ecs:DescribeContainerInstances", SOURCE_CONTAINER_INSTANCES},
        {"ecs:ListTasks", SOURCE_TASKS}, {"ec2:DescribeSpotFleetRequests", SOURCE_FLEETS}, {"ec2:DescribeInstances", SOURCE_EC2_INSTANCES},
        {"ecs:DescribeTaskDefinition", SOURCE_TASK_DEFINITIONS},
    };
#define DENIED(i, name) {"v10 a denied read holds every removal: " name, v10_a_read_that_is_denied_for_good_holds_every_removal, NULL, NULL, (void *)&denied[i]}
    const struct CMUnitTest tests[] = {
        DENIED(0, "services"), DENIED(1, "container instances"), DENIED(2, "tasks"), DENIED(3, "fleets"), DENIED(4, "EC2 instances"),
        DENIED(5, "task definitions"),
        cmocka_unit_test(what_cannot_be_read_again_keeps_its_last_facts_and_their_age),
        cmocka_unit_test(j5_half_an_answer_and_garbage_are_failures_and_pass),
        cmocka_unit_test(j1_reads_that_lag_and_empty_pages_break_nothing),
        cmocka_unit_test(j3_writes_that_time_out_after_their_effect_are_looked_at_not_repeated),
        cmocka_unit_test(j4_a_permission_that_is_missing_half_way_ends_no_instance_and_breaks_nothing),
        cmocka_unit_test(i5_a_journal_that_cannot_be_written_makes_it_add_only_with_intents_on_stdout),
        cmocka_unit_test(a_look_is_economical),
        cmocka_unit_test(clusters_of_a_region_that_look_within_seconds_share_one_read_of_the_fleets),
        cmocka_unit_test(a7_a_fleet_that_aws_does_not_know_does_not_hide_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
