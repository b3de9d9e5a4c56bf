// A recorded past as a scene: the demand of a day as the world had it, its prices and notices, and what is said when there is none.
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>

#include "planner/sim/trial.h"
#include "scaler/recorded.h"
#include "scaler/rig.h"

#define HOUR_MS INT64_C(3600000)

struct day {
    struct rig rig;
    struct arena arena;
    struct scene scene;
    struct recorded recorded;
    struct state_reader *reader;
};

// What the world's services want, every ten minutes of the rig's time.
struct wanted {
    int32_t desired[64];
};

static void open_day(struct day *d, int64_t hours, struct wanted *ret_wanted)
{
    struct err err = {0};
    struct world_options o;
    world_options_default(&o);
    o.interruptions_per_instance_day = 6;
    assert_int_equal(rig_open(&(struct rig_options){.seed = 5, .events = true, .world = &o}, &d->rig, &err), 0);
    for (int64_t at = 0; at < hours * 6; at++) {
        loop_run(d->rig.loop, d->rig.start_ms + (at + 1) * 600000);
        struct world_view v = world_view(d->rig.worlds[0]);
        for (int s = 0; ret_wanted && s < v.service_count && s < 64; s++)
            ret_wanted[at].desired[s] = v.services[s].desired;
    }
    arena_init(&d->arena, 0);
    scene_default(&d->scene, 100);
    d->reader = state_reader_of(d->rig.state);
}

static void close_day(struct day *d)
{
    arena_release(&d->arena);
    rig_close(&d->rig);
}

static int past(struct day *d, const char *cluster, int64_t from_ms, int64_t to_ms, struct err *err)
{
    *err = (struct err){0};
    return recorded_scene(d->reader, &(struct recorded_query){.cluster = cluster, .from_ms = from_ms, .to_ms = to_ms}, &d->arena, &d->scene, &d->recorded, err);
}

static const struct scene_service *of_name(const struct scene *s, const char *name)
{
    for (size_t i = 0; i < s->service_count; i++)
        if (!strcmp(s->services[i].name, name))
            return &s->services[i];
    return NULL;
}

static void expect_demand(const struct day *d, const struct world_view *v, const struct wanted *wanted, int64_t hours)
{
    int64_t off = 0, seen = 0, moved = 0;
    for (int s = 0; s < v->service_count; s++) {
        const struct scene_service *x = of_name(&d->scene, v->services[s].name);
        if (v->services[s].cluster != 0)
            continue;
        assert_non_null(x);
        assert_int_equal(x->daemon, v->services[s].daemon);
        assert_int_equal(x->min_percent, v->services[s].min_percent);
        assert_int_equal(x->cpu_units, v->taskdefs[v->services[s].deployments[0].taskdef].need.v[RES_CPU]);
        assert_int_equal(x->memory_mib, v->taskdefs[v->services[s].deployments[0].taskdef].need.v[RES_MEMORY]);
        for (int64_t at = 1; x->recorded && at + 1 < hours * 6; at++) {
            int64_t elapsed_ms = d->rig.start_ms + (at + 1) * 600000 - d->recorded.from_ms;
            if (elapsed_ms < 0 || elapsed_ms >= d->scene.for_ms)
                continue;
            off += fabs(workload_trace_value(x->recorded, elapsed_ms) - wanted[at].desired[s]) > 1;
            moved += wanted[at].desired[s] != wanted[at - 1].desired[s];
            seen++;
        }
    }
    assert_true(seen > 100 && moved > 20);
    assert_true(off * 50 <= seen);  // a look is up to a minute late, and a service may move in it
}

static void expect_notices(const struct day *d, const struct world_view *v)
{
    (void)v;
    assert_true(d->scene.notice_count > 0);
    assert_true(d->scene.interruptions_per_instance_day == 0);
    for (size_t i = 0; i < d->scene.notice_count; i++) {
        const struct scene_notice *n = &d->scene.notices[i];
        assert_true(n->at_ms >= 0 && n->at_ms < d->scene.for_ms);
        assert_true(n->part > 0 && n->part <= 1);
        assert_true(i == 0 || n->at_ms >= d->scene.notices[i - 1].at_ms);
        assert_int_equal(strncmp(n->zone, "us-east-1", 9), 0);
    }
}

static void a_day_comes_back_as_it_was(void **state)
{
    (void)state;
    enum { HOURS = 4 };
    struct wanted wanted[HOURS * 6] = {0};
    struct err err;
    struct day d = {0};
    open_day(&d, HOURS, wanted);
    struct world_view v = world_view(d.rig.worlds[0]);
    assert_int_equal(past(&d, v.clusters[0].name, -(HOURS - 1) * HOUR_MS, 0, &err), 0);
    assert_int_equal(d.recorded.left_out_count, 1);
    assert_non_null(strstr(d.recorded.left_out[0], "deployments and shortages"));
    assert_int_equal(d.scene.for_ms, d.recorded.to_ms - d.recorded.from_ms);
    assert_non_null(d.scene.policy);
    assert_non_null(d.scene.market);
    assert_true(d.scene.market->prices && d.scene.market->series_count > 0);
    assert_true(d.scene.boot_p50_ms > 30000 && d.scene.boot_p90_ms >= d.scene.boot_p50_ms);
    expect_demand(&d, &v, wanted, HOURS);
    expect_notices(&d, &v);
    // it can be simulated, with one notice more
    struct trial_result r;
    const struct scene_notice half_a_zone = {.zone = "us-east-1a", .type = "", .at_ms = 2 * HOUR_MS, .part = 0.5};
    d.scene.warmup_ms = HOUR_MS;
    d.scene.notices = &half_a_zone;
    d.scene.notice_count = 1;
    assert_int_equal(trial_run(&(struct trial){.scene = &d.scene, .kind = RULE_MASU, .seed = 1}, &r, &err), 0);
    assert_true(r.cost_usd_micro > 0 && r.task_seconds > 0 && r.interruptions > 0);
    assert_int_equal(r.violation_count, 0);
    close_day(&d);
}

static void what_is_not_there_is_said(void **state)
{
    (void)state;
    struct err err;
    struct day d = {0};
    open_day(&d, 2, NULL);
    assert_int_equal(past(&d, "nobody", 0, 0, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "nobody"));
    assert_int_equal(past(&d, NULL, 0, 0, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "--cluster"));
    const char *first = world_view(d.rig.worlds[0]).clusters[0].name;
    assert_int_equal(past(&d, first, -48 * HOUR_MS, 0, &err), 0);  // two days are asked for, two hours are there
    assert_true(d.scene.for_ms > HOUR_MS && d.scene.for_ms <= 2 * HOUR_MS);
    assert_int_equal(d.recorded.left_out_count, 3);
    static const char *const lacks[] = {"nothing is recorded", "tasks of no service, 1 in the newest tick", "deployments and shortages"};
    for (size_t i = 0; i < ARRAY_LEN(lacks); i++)
        assert_non_null(strstr(d.recorded.left_out[i], lacks[i]));
    assert_int_equal(past(&d, first, -600000, 0, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "less than an hour"));
    assert_int_equal(past(&d, first, d.rig.start_ms - 48 * HOUR_MS, d.rig.start_ms - 24 * HOUR_MS, &err), ERR_NOT_FOUND);
    close_day(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_comes_back_as_it_was),
        cmocka_unit_test(what_is_not_there_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
