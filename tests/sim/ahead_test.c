// Forecasts in the folded world: what a forecaster that lies can do (G3), and what is done before there is one (G4).
#include <math.h>

#include "base/rng.h"
#include "planner/sim/fold.h"
#include "tests/sim/fixture.h"

#define MINUTE_MS INT64_C(60000)
enum { HOST_TASKS = 4, TASKS_LEAST = 16, TASKS_MOST = 56 };

struct bed {
    struct world *w;
    struct policy_fleet fleet;
    struct policy_cluster p;
    struct fold *f;
    int web;
};

static void begin_in(struct bed *b, struct world *w, int64_t waiting_costs, int32_t instances, int32_t tasks)
{
    struct err err = {0};
    *b = (struct bed){.w = w, .fleet = {.tag = "", .max = 100}};
    policy_cluster_defaults(&b->p);
    b->p.name = "main";
    b->p.fleets = &b->fleet;
    b->p.fleet_count = 1;
    b->p.headroom_percent = 0;
    b->p.waiting_costs_milli = 1000 * waiting_costs;
    int at = add_fleet(b->w, instances, "m5.xlarge", 1);
    b->fleet.id = world_view(b->w).fleets[at].id;
    b->web = add_service(b->w, (struct a_service){"web", 1024, 1800, tasks, 100, 200, WS_SPREAD_ZONE, false, false});
    if (fold_new(b->w, &b->p, 1, &b->f, &err) != 0)
        fail_msg("%s", err.msg);
}

static void run_for(struct bed *b, int64_t ms)
{
    struct err err = {0};
    if (fold_run(b->f, world_view(b->w).now_ms + ms, &err) != 0)
        fail_msg("%s", err.msg);
}

static struct world_summary end(struct bed *b)
{
    struct world_summary s;
    size_t n;
    fold_finish(b->f);
    const struct violation *v = invariants_list(fold_invariants(b->f), &n);
    if (n > 0)
        fail_msg("V%d: %s", (int)v[0].id, v[0].text);
    world_summary(b->w, &s);
    fold_free(b->f);
    world_free(b->w);
    return s;
}

// ---- G3 --------------------------------------------------------------------------------------------------------------------------
struct liar {
    struct rng r;
    int kind;  // of the lie that lasts; -1: another at each look
};

static void lie(void *arg, const struct snapshot *s, struct outlook *x)
{
    static const int32_t numbers[] = {INT32_MIN, -1, 0, 1, 3, 9, 20, 1000000000, INT32_MAX};
    struct liar *l = arg;
    uint64_t pick = rng_below(&l->r, ARRAY_LEN(numbers));
    int64_t need_milli = 1000;
    for (size_t k = 0; k < s->service_count; k++)
        need_milli = s->services[k].desired * 1000 / HOST_TASKS;
    *x = (struct outlook){s->now_ms, need_milli > 0 ? need_milli : 1000, INT32_MAX, INT32_MAX, 2 * MINUTE_MS, x->most_28d_milli};
    switch (l->kind >= 0 ? l->kind : (int)rng_below(&l->r, 5)) {
    case 0:
        break;                              // always too much
    case 1:
        x->up = x->keep = numbers[pick];
        break;
    case 2:
        x->at_ms -= (int64_t)rng_below(&l->r, 5) * MINUTE_MS;
        break;
    case 3:
        x->need_milli = numbers[pick];
        break;
    default:
        *x = (struct outlook){0};
        break;
    }
}

// Half a day of demand that jumps; what was told is the same for all.
static struct world_summary a_day_with(int kind)
{
    struct liar l = {.kind = kind};
    struct bed b;
    struct rng demand;
    rng_init(&l.r, 5);
    rng_init(&demand, 17);
    begin_in(&b, calm_world(), 10, 9, 32);
    if (kind > -2)
        fold_set_forecaster(b.f, lie, &l);
    for (int k = 0; k < 24; k++) {
        run_for(&b, 30 * MINUTE_MS);
        assert_int_equal(world_set_desired(b.w, WORLD_PERSON, b.web, TASKS_LEAST + (int32_t)rng_below(&demand, TASKS_MOST - TASKS_LEAST + 1)), WORLD_OK);
    }
    run_for(&b, 30 * MINUTE_MS);
    return end(&b);
}

static void g3_a_forecaster_that_lies_costs_the_clamp_and_never_a_task(void **state)
{
    (void)state;
    struct world_summary honest = a_day_with(-2);
    for (int kind = -1; kind < 4; kind++) {
        struct world_summary s = a_day_with(kind);
        assert_int_equal(s.tasks_killed, 0);
        assert_true(s.task_seconds_waited <= honest.task_seconds_waited);
        assert_true(s.instances_max <= 2 * ((TASKS_MOST + HOST_TASKS - 1) / HOST_TASKS) + 1);
        if (kind == 0)  // as much again, and what whole instances add
            assert_true(s.instance_hours <= 2.15 * honest.instance_hours);
    }
}

// ---- G4 --------------------------------------------------------------------------------------------------------------------------
enum { COLD_BOOT_MS = 75000, COLD_HOLD_MIN = 30, COLD_MIN = 75, SAMPLE_MS = 15000 };

static int32_t tasks_at(int minute)
{
    return TASKS_LEAST + (int32_t)lround((TASKS_MOST - TASKS_LEAST) * (1 - cos(2 * 3.14159265 * minute / 1440)) / 2);
}

static void see_none(void *arg, const struct snapshot *s, struct outlook *x)
{
    int *looks = arg;
    (void)s;
    assert_int_equal(x->at_ms, 0);
    ++*looks;
}

// Begins at the hour with no memo and no history, and with half of what is needed, or three instances too many. Returns the drains.
static int64_t a_cold_start_at(int hour, bool half)
{
    struct world_options o = calm_options();
    struct bed b;
    int looks = 0;
    int64_t waited_ms = 0;
    int32_t tasks = tasks_at(60 * hour), needed = (tasks + HOST_TASKS - 1) / HOST_TASKS;
    o.start_ms += hour * 60 * MINUTE_MS;
    o.boot_p50_ms = o.boot_p90_ms = COLD_BOOT_MS;
    o.retry_first_ms = o.retry_cap_ms = SAMPLE_MS;  // of ECS, that nothing but ours is measured
    begin_in(&b, calm_world_with(&o), 10, half ? needed / 2 : needed + 3, tasks);
    fold_set_forecaster(b.f, see_none, &looks);
    for (int64_t ms = SAMPLE_MS; ms <= COLD_MIN * MINUTE_MS; ms += SAMPLE_MS) {
        struct world_view v;
        run_for(&b, SAMPLE_MS);
        v = world_view(b.w);
        waited_ms = v.services[b.web].running < v.services[b.web].desired ? waited_ms + SAMPLE_MS : 0;
        assert_true(waited_ms <= COLD_BOOT_MS + b.p.period_ms + 2 * SAMPLE_MS);  // ECS's next attempt, and ours to see it
        if (ms <= COLD_HOLD_MIN * MINUTE_MS)
            assert_int_equal(v.counters->drains_begun, 0);
        if (ms % (10 * MINUTE_MS) == 0 && tasks_at(60 * hour + (int)(ms / MINUTE_MS)) != v.services[b.web].desired)
            assert_int_equal(world_set_desired(b.w, WORLD_PERSON, b.web, tasks_at(60 * hour + (int)(ms / MINUTE_MS))), WORLD_OK);
    }
    assert_true(looks >= 2 * COLD_MIN);
    return end(&b).drains_begun;
}

static void g4_a_cold_start_at_any_hour_serves_at_once_and_drains_nothing_for_half_an_hour(void **state)
{
    (void)state;
    int64_t drains = 0;
    for (int hour = 0; hour < 24; hour++)
        drains += a_cold_start_at(hour, hour % 2);
    assert_true(drains >= 12);  // later
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(g3_a_forecaster_that_lies_costs_the_clamp_and_never_a_task),
                                       cmocka_unit_test(g4_a_cold_start_at_any_hour_serves_at_once_and_drains_nothing_for_half_an_hour)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
