// Headless days on the other kinds of fleets: the whole daemon against the virtual AWS, all invariants on.
#include "tests/cm.h"

#include "scaler/rig.h"

static void run(struct rig *r, int64_t until_ms, struct rig_figures *ret)
{
    loop_run(r->loop, r->start_ms + until_ms);
    rig_finish(r);
    rig_figures(r, ret);
}

static void six_hours_on_ec2_fleets_hurt_nobody_and_break_nothing(void **state)
{
    (void)state;
    struct world_options w;
    struct rig r;
    struct rig_figures f;
    struct err err = {0};
    world_options_default(&w);
    w.fleet_mix = WMIX_EC2;
    assert_int_equal(rig_open(&(struct rig_options){.seed = 7, .world = &w}, &r, &err), 0);
    run(&r, 6 * 3600000, &f);
    assert_int_equal(loop_frame(r.loop, 0)->snapshot.fleets[0].kind, FLEET_EC2_FLEET);
    assert_int_equal(f.violations, 0);
    assert_int_equal(f.sum.tasks_killed, 0);
    assert_true(f.sum.drains_begun > 0 && f.sum.drains_finished > 0);
    assert_true(f.sum.task_seconds > 0 && f.sum.task_seconds_waited * 100 <= f.sum.task_seconds * 3);
    assert_true(f.sum.lowest2h_instances <= f.sum.lowest2h_need * 1.3);
    rig_close(&r);
}

static int64_t unanswered(struct rig *r)
{
    struct world_view v = world_view(r->worlds[0]);
    int64_t n = 0;
    for (int f = 0; f < v.fleet_count; f++)
        n += v.fleets[f].launch.token[0] != '\0';
    return n;
}

static void bound_by_pool(struct policy_cluster *c)
{
    c->pool_share_percent = 40;  // a pool that has so much of a service is offered after the others
}

// On every third order the answer is lost after its effect: it is asked for again by the same token (A11).
static void six_hours_on_instant_fleets_hurt_nobody_and_a11_lose_no_answer(void **state)
{
    (void)state;
    struct world_options w;
    struct rig r;
    struct rig_figures f;
    struct err err = {0};
    world_options_default(&w);
    w.fleet_mix = WMIX_INSTANT;
    assert_int_equal(rig_open(&(struct rig_options){.seed = 7, .world = &w, .settings = bound_by_pool}, &r, &err), 0);
    for (int k = 0; k < 4; k++)
        assert_int_equal(sandbox_add_fault(r.sandbox, &(struct sandbox_fault){.operation = "ec2:CreateFleet", .kind = SANDBOX_FAULT_TIMEOUT_AFTER, .countdown = 3 * k, .repeat = 1}, &err), 0);
    run(&r, 6 * 3600000, &f);
    assert_int_equal(loop_frame(r.loop, 0)->snapshot.fleets[0].kind, FLEET_INSTANT);
    assert_int_equal(f.violations, 0);
    assert_int_equal(f.sum.tasks_killed, 0);
    assert_true(unanswered(&r) > 4);
    assert_true(f.sum.drains_begun > 0 && f.sum.drains_finished > 0);
    assert_true(f.sum.task_seconds > 0 && f.sum.task_seconds_waited * 100 <= f.sum.task_seconds * 3);
    assert_true(f.sum.lowest2h_instances <= f.sum.lowest2h_need * 1.4);
    rig_close(&r);
}

static void name_by_tag(struct policy_cluster *c)
{
    for (size_t i = 0; i < c->fleet_count; i++) {
        c->fleets[i].id = "";
        c->fleets[i].tag = strcmp(c->name, "main") == 0 ? "Fleet=one" : "Fleet=two";
    }
}

static void fleets_found_by_their_tags_serve_like_those_with_ids(void **state)
{
    (void)state;
    struct world_options w;
    struct rig r;
    struct rig_figures f;
    struct err err = {0};
    world_options_default(&w);
    assert_int_equal(rig_open(&(struct rig_options){.seed = 4, .world = &w, .settings = name_by_tag}, &r, &err), 0);
    struct world_view v = world_view(r.worlds[0]);
    for (int i = 0; i < v.fleet_count; i++)
        world_tag_fleet(r.worlds[0], WORLD_PERSON, i, "Fleet", strcmp(v.clusters[v.fleets[i].cluster].name, "main") == 0 ? "one" : "two");
    run(&r, 3 * 3600000, &f);
    for (size_t c = 0; c < 2; c++) {
        const struct snapshot *s = &loop_frame(r.loop, c)->snapshot;
        assert_int_equal(s->fleet_count, 1);
        assert_true(s->fleets[0].found);
        assert_string_equal(s->fleets[0].name, strcmp(s->cluster, "main") == 0 ? "Fleet=one" : "Fleet=two");
    }
    assert_int_equal(f.violations, 0);
    assert_int_equal(f.sum.tasks_killed, 0);
    assert_true(f.sum.drains_begun > 0);
    rig_close(&r);
}

// A deploy makes a new fleet with the tag and cancels the old one, whose members go on running.
static void a7_a_deploy_replaces_a_fleet_that_is_found_by_its_tag(void **state)
{
    (void)state;
    struct rig r;
    struct rig_figures f;
    struct err err = {0};
    assert_int_equal(rig_open(&(struct rig_options){.seed = 4, .settings = name_by_tag}, &r, &err), 0);
    struct world *w = r.worlds[0];
    for (int i = 0; i < world_view(w).fleet_count; i++)
        world_tag_fleet(w, WORLD_PERSON, i, "Fleet", world_view(w).fleets[i].cluster == 0 ? "one" : "two");
    loop_run(r.loop, r.start_ms + 3600000);
    struct world_fleet old = world_view(w).fleets[0];
    int new = world_add_fleet(w, &(struct world_fleet_spec){.cluster = old.cluster, .target = old.wanted, .allocation = old.allocation,
                                                            .overrides = old.overrides, .override_count = old.override_count, .ec2_fleet = true});
    world_tag_fleet(w, WORLD_PERSON, new, "Fleet", "one");
    world_cancel_fleet(w, WORLD_PERSON, 0, false);
    run(&r, 4 * 3600000, &f);
    const struct snapshot *s = &loop_frame(r.loop, 0)->snapshot;
    assert_string_equal(s->fleets[0].id, world_view(w).fleets[new].id);
    // What the new fleet has room for has left the old one, without a call that changes the old one; the rest goes on serving.
    assert_true(world_view(w).fleets[0].fulfilled_milli < old.fulfilled_milli);
    assert_int_equal(world_view(w).fleets[0].wanted, old.wanted);
    assert_true(world_view(w).fleets[new].fulfilled_milli > 0);
    assert_int_equal(f.violations, 0);
    assert_int_equal(f.sum.tasks_killed, 0);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(six_hours_on_ec2_fleets_hurt_nobody_and_break_nothing),
        cmocka_unit_test(six_hours_on_instant_fleets_hurt_nobody_and_a11_lose_no_answer),
        cmocka_unit_test(fleets_found_by_their_tags_serve_like_those_with_ids),
        cmocka_unit_test(a7_a_deploy_replaces_a_fleet_that_is_found_by_its_tag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
