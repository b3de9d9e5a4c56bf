// Who holds masu back, through the whole daemon: by the API's inbox, a signal, a fleet's tag; over restarts, and when it cannot be read.
#include "tests/cm.h"

#include "scaler/rig.h"
#include "web/inbox.h"

#define SECOND_MS 1000
#define MINUTE_MS 60000

struct bed {
    struct rig rig;
    struct inbox inbox;
};

static void bed_open(struct bed *b)
{
    struct err err = {0};
    inbox_init(&b->inbox);
    if (rig_open(&(struct rig_options){.seed = 7, .inbox = &b->inbox}, &b->rig, &err) != 0)
        fail_msg("%s", err.msg);
}

static void bed_close(struct bed *b)
{
    rig_close(&b->rig);
    inbox_release(&b->inbox);
}

static void run_for(struct bed *b, int64_t ms)
{
    loop_run(b->rig.loop, clock_wall_ms(&b->rig.clock) + ms);
}

static void restart(struct bed *b, bool keep_state)
{
    struct err err = {0};
    if (rig_restart(&b->rig, keep_state, &err) != 0)
        fail_msg("%s", err.msg);
}

static const struct control *control_of(struct bed *b, size_t cluster)
{
    const struct tick_frame *f = loop_frame(b->rig.loop, cluster);
    assert_non_null(f);
    assert_true(f->has_snapshot);
    return &f->snapshot.control;
}

static void post(struct bed *b, bool resume, enum control_mode mode, const char *cluster, int64_t for_ms)
{
    struct inbox_switch s = {.resume = resume, .mode = mode, .who = "hana, API from 10.0.0.7", .why = "incident 4711",
                             .until_ms = for_ms ? clock_wall_ms(&b->rig.clock) + for_ms : 0};
    snprintf(s.cluster, sizeof s.cluster, "%s", cluster);
    assert_true(inbox_put(&b->inbox, &s));
}

static void tag_fleet(struct bed *b, const char *value)
{
    struct world_view v = world_view(b->rig.worlds[0]);
    for (int f = 0; f < v.fleet_count; f++)
        assert_int_equal(world_tag_fleet(b->rig.worlds[0], WORLD_PERSON, f, "masu:mode", f == 0 ? value : ""), WORLD_OK);
}

// Which cluster has the world's first fleet.
static size_t tagged(struct bed *b)
{
    const char *id = world_view(b->rig.worlds[0]).fleets[0].id;
    for (size_t i = 0; i < b->rig.policy.cluster_count; i++)
        for (size_t k = 0; k < b->rig.policy.clusters[i].fleet_count; k++)
            if (strcmp(b->rig.policy.clusters[i].fleets[k].id, id) == 0)
                return i;
    fail_msg("no cluster has %s", id);
    return 0;
}

static void h2_a_switch_reaches_its_cluster_at_once_and_ends_at_its_time(void **state)
{
    (void)state;
    struct bed b = {0};
    bed_open(&b);
    run_for(&b, 5 * MINUTE_MS);
    const char *name = b.rig.policy.clusters[1].name;
    post(&b, false, CONTROL_PAUSE, name, 2 * MINUTE_MS);
    int64_t posted_ms = clock_wall_ms(&b.rig.clock), before = loop_ticks(b.rig.loop);
    run_for(&b, 6 * SECOND_MS);
    const struct control *c = control_of(&b, 1);
    assert_int_equal(c->mode, CONTROL_PAUSE);
    assert_string_equal(c->who, "hana, API from 10.0.0.7");
    assert_string_equal(c->why, "incident 4711");
    assert_true(c->since_ms >= posted_ms && c->since_ms < posted_ms + SECOND_MS);
    assert_true(c->until_ms == posted_ms + 2 * MINUTE_MS);
    assert_true(loop_ticks(b.rig.loop) > before);
    assert_true(loop_frame(b.rig.loop, 1)->begun_ms <= posted_ms + 5 * SECOND_MS);
    run_for(&b, MINUTE_MS);
    assert_int_equal(control_of(&b, 1)->mode, CONTROL_PAUSE);
    assert_int_equal(control_of(&b, 0)->mode, CONTROL_RUN);
    run_for(&b, 2 * MINUTE_MS);
    assert_int_equal(control_of(&b, 1)->mode, CONTROL_RUN);
    bed_close(&b);
}

static void a_flood_of_switches_is_no_flood_of_looks(void **state)
{
    (void)state;
    struct bed b = {0};
    bed_open(&b);
    run_for(&b, 5 * MINUTE_MS);
    int64_t before = loop_ticks(b.rig.loop), begun_ms = clock_wall_ms(&b.rig.clock);
    for (int i = 0; i < 300; i++) {
        post(&b, i % 2, CONTROL_PAUSE, "", 0);
        run_for(&b, 100);
    }
    assert_true(clock_wall_ms(&b.rig.clock) >= begun_ms + 30 * SECOND_MS);
    assert_true(loop_ticks(b.rig.loop) - before > 2);
    assert_true(loop_ticks(b.rig.loop) - before <= 2 * 8);
    bed_close(&b);
}

static void h2_a_switch_outlives_a_restart_and_a_tag_the_disk(void **state)
{
    (void)state;
    struct bed b = {0};
    bed_open(&b);
    run_for(&b, MINUTE_MS);
    size_t fleet = tagged(&b);
    post(&b, false, CONTROL_PAUSE, "", 0);
    tag_fleet(&b, "freeze moving house");
    run_for(&b, 4 * MINUTE_MS);
    assert_int_equal(control_of(&b, 1 - fleet)->mode, CONTROL_PAUSE);
    assert_int_equal(control_of(&b, fleet)->mode, CONTROL_FREEZE);
    assert_string_equal(control_of(&b, fleet)->why, "moving house");
    int64_t since_ms = control_of(&b, 1 - fleet)->since_ms;
    restart(&b, true);
    run_for(&b, 2 * MINUTE_MS);
    assert_int_equal(control_of(&b, 1 - fleet)->mode, CONTROL_PAUSE);
    assert_true(control_of(&b, 1 - fleet)->since_ms == since_ms);
    restart(&b, false);
    run_for(&b, 2 * MINUTE_MS);
    assert_int_equal(control_of(&b, 1 - fleet)->mode, CONTROL_RUN);  // the disk is gone, and the switch with it
    assert_int_equal(control_of(&b, fleet)->mode, CONTROL_FREEZE);
    tag_fleet(&b, "");
    run_for(&b, 4 * MINUTE_MS);
    assert_int_equal(control_of(&b, fleet)->mode, CONTROL_RUN);
    bed_close(&b);
}

static void h2_what_cannot_be_read_at_the_start_is_a_pause(void **state)
{
    (void)state;
    struct bed b = {0};
    struct err err = {0};
    bed_open(&b);
    assert_int_equal(sandbox_add_fault(b.rig.sandbox, &(struct sandbox_fault){"ec2:DescribeSpotFleetRequests", SANDBOX_FAULT_500, 0, -1}, &err), 0);
    run_for(&b, 2 * MINUTE_MS);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(control_of(&b, i)->mode, CONTROL_PAUSE);
        assert_string_equal(control_of(&b, i)->who, "masu");
    }
    sandbox_clear_faults(b.rig.sandbox);
    run_for(&b, 4 * MINUTE_MS);
    size_t fleet = tagged(&b);
    assert_int_equal(control_of(&b, fleet)->mode, CONTROL_RUN);
    // Later the tag as last read holds, whatever fails.
    tag_fleet(&b, "pause");
    run_for(&b, 4 * MINUTE_MS);
    assert_int_equal(control_of(&b, fleet)->mode, CONTROL_PAUSE);
    int64_t since_ms = control_of(&b, fleet)->since_ms;
    assert_int_equal(sandbox_add_fault(b.rig.sandbox, &(struct sandbox_fault){"ec2:DescribeSpotFleetRequests", SANDBOX_FAULT_500, 0, -1}, &err), 0);
    run_for(&b, 4 * MINUTE_MS);
    assert_int_equal(control_of(&b, fleet)->mode, CONTROL_PAUSE);
    assert_true(control_of(&b, fleet)->since_ms == since_ms);
    bed_close(&b);
}

static void h2_signals_pause_and_resume_all(void **state)
{
    (void)state;
    struct bed b = {0};
    bed_open(&b);
    run_for(&b, MINUTE_MS);
    loop_pause(b.rig.loop);
    run_for(&b, MINUTE_MS);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(control_of(&b, i)->mode, CONTROL_PAUSE);
        assert_string_equal(control_of(&b, i)->who, "signal SIGUSR1");
    }
    loop_resume(b.rig.loop);
    run_for(&b, MINUTE_MS);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(control_of(&b, i)->mode, CONTROL_RUN);
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h2_a_switch_reaches_its_cluster_at_once_and_ends_at_its_time),
        cmocka_unit_test(a_flood_of_switches_is_no_flood_of_looks),
        cmocka_unit_test(h2_a_switch_outlives_a_restart_and_a_tag_the_disk),
        cmocka_unit_test(h2_what_cannot_be_read_at_the_start_is_a_pause),
        cmocka_unit_test(h2_signals_pause_and_resume_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
