// Forecasts in the folded world: what a forecaster that lies can do (G3).
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

static void begin(struct bed *b, int64_t waiting_costs, int32_t instances, int32_t tasks)
{
    struct err err = {0};
    *b = (struct bed){.w = calm_world(), .fleet = {.tag = "", .max = 100}};
    policy_cluster_defaults(&b->p);
    b->p.name = "main";
    b->p.fleets = &b->fleet;
    b->p.fleet_count = 1;
    b->p.headroom_percent = 0;
    b->p.waiting_costs = waiting_costs;
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
    begin(&b, 10, 9, 32);
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
        if (kind == 0)
            assert_true(s.instance_hours <= 2.1 * honest.instance_hours);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(g3_a_forecaster_that_lies_costs_the_clamp_and_never_a_task)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
