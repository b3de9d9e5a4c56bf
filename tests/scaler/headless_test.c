// Headless days: the whole daemon against the virtual AWS on a virtual clock, all invariants on.
#include "tests/cm.h"

#include "base/buf.h"
#include "scaler/demo.h"
#include "scaler/rig.h"

static int64_t mutating_calls(struct rig *r)
{
    static struct sandbox_change changes[4096];
    size_t count = sandbox_changes(r->sandbox, changes, 4096);
    int64_t ours = 0;
    for (size_t i = 0; i < count; i++)
        ours += changes[i].actor == WORLD_OURS;
    return ours;
}

static void tell(struct rig *r, uint64_t seed, int64_t virtual_ms)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    demo_summary_text(r, &(struct demo_run){.seed = seed, .virtual_ms = virtual_ms}, &out);
    print_message("%s", buf_str(&out));
    buf_release(&out);
}

static void run_span(const struct rig_options *o, int64_t span_ms, struct rig *r, struct rig_figures *ret)
{
    struct err err = {0};
    if (rig_open(o, r, &err) != 0)
        fail_msg("%s", err.msg);
    loop_run(r->loop, r->start_ms + span_ms);
    rig_finish(r);
    rig_figures(r, ret);
    tell(r, o->seed, span_ms);
}

static void six_hours_hurt_nobody_and_break_nothing(void **state)
{
    struct rig_options o = {.seed = *(const uint64_t *)*state};
    struct rig r;
    struct rig_figures f;
    run_span(&o, 6 * 3600000, &r, &f);
    assert_int_equal(f.violations, 0);
    assert_int_equal(f.sum.tasks_killed, 0);
    assert_true(f.sum.drains_begun > 0 && f.sum.drains_finished > 0);
    assert_true(f.sum.task_seconds > 0 && f.sum.task_seconds_waited * 100 <= f.sum.task_seconds * 3);
    assert_true(f.sum.lowest2h_instances <= f.sum.lowest2h_need * 1.3);
    rig_close(&r);
}

static void h6_a_dry_run_makes_no_mutating_call_and_records_what_it_would_do(void **state)
{
    (void)state;
    struct rig r;
    struct rig_figures f;
    run_span(&(struct rig_options){.seed = 7, .dry_run = true}, 3600000, &r, &f);
    assert_int_equal(mutating_calls(&r), 0);
    assert_true(f.ticks >= 240);
    assert_int_equal(f.sum.drains_begun, 0);
    assert_int_equal(f.violations, 0);
    rig_close(&r);
}

static void two_regions_are_two_worlds_with_clients_of_their_own(void **state)
{
    (void)state;
    struct rig r;
    struct rig_figures f;
    run_span(&(struct rig_options){.seed = 7, .regions = 2}, 2 * 3600000, &r, &f);
    assert_int_equal(f.violations, 0);
    assert_int_equal(f.sum.tasks_killed, 0);
    assert_int_equal(loop_cluster_count(r.loop), 4);
    assert_string_equal(loop_frame(r.loop, 0)->snapshot.region, "us-east-1");
    assert_string_equal(loop_frame(r.loop, 2)->snapshot.region, "eu-west-1");
    for (int w = 0; w < 2; w++) {
        struct world_summary s;
        world_summary(r.worlds[w], &s);
        assert_true(s.drains_begun > 0);
    }
    rig_close(&r);
}

static void the_same_seed_gives_the_same_day_to_the_byte(void **state)
{
    (void)state;
    struct world_options market;
    struct sandbox_options weather = {.seed = 11, .weather = true};
    struct rig_figures f;
    struct buf days[2];
    world_options_default(&market);
    market.interruptions_per_instance_day = 12;
    for (int i = 0; i < 2; i++) {
        struct rig r;
        buf_init(&days[i], 1 << 20);
        run_span(&(struct rig_options){.seed = 11, .events = true, .world = &market, .sandbox = &weather}, 3600000, &r, &f);
        demo_summary_json(&r, &(struct demo_run){.seed = 11, .virtual_ms = 3600000}, &days[i]);
        assert_true(f.sum.interruptions >= 3);
        assert_non_null(strstr(buf_str(&days[i]), "sqs:ReceiveMessage"));
        rig_close(&r);
    }
    assert_string_equal(buf_str(&days[0]), buf_str(&days[1]));
    buf_release(&days[0]);
    buf_release(&days[1]);
}

static void a_daemon_that_ends_hard_goes_on_where_it_was(void **state)
{
    bool keep_state = *(const bool *)*state;
    struct rig r;
    struct err err = {0};
    struct rig_figures f;
    assert_int_equal(rig_open(&(struct rig_options){.seed = 3}, &r, &err), 0);
    for (int life = 1; life <= 9; life++) {
        loop_run(r.loop, r.start_ms + life * 2400000 + life * 7000);
        assert_int_equal(rig_restart(&r, keep_state, &err), 0);
    }
    loop_run(r.loop, r.start_ms + 8 * 3600000);
    rig_finish(&r);
    rig_figures(&r, &f);
    tell(&r, 3, 8 * 3600000);
    assert_int_equal(f.violations, 0);
    assert_int_equal(f.sum.tasks_killed, 0);
    assert_true(f.sum.drains_begun > 0);
    rig_close(&r);
}

int main(void)
{
    static const uint64_t seeds[] = {7, 4};
    static const bool with_disk = true, without_disk = false;
    const struct CMUnitTest tests[] = {
        {"six hours of seed 7 hurt nobody and break nothing", six_hours_hurt_nobody_and_break_nothing, NULL, NULL, (void *)&seeds[0]},
        {"six hours of seed 4 hurt nobody and break nothing", six_hours_hurt_nobody_and_break_nothing, NULL, NULL, (void *)&seeds[1]},
        cmocka_unit_test(h6_a_dry_run_makes_no_mutating_call_and_records_what_it_would_do),
        cmocka_unit_test(two_regions_are_two_worlds_with_clients_of_their_own),
        cmocka_unit_test(the_same_seed_gives_the_same_day_to_the_byte),
        {"i1 a daemon that ends hard goes on where it was, with its disk", a_daemon_that_ends_hard_goes_on_where_it_was, NULL, NULL, (void *)&with_disk},
        {"i1 a daemon that ends hard goes on where it was, without its disk", a_daemon_that_ends_hard_goes_on_where_it_was, NULL, NULL, (void *)&without_disk},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
