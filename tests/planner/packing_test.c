#include "tests/planner/build.h"

#include "base/rng.h"
#include "planner/bins.h"
#include "planner/packing.h"
#include "planner/placement.h"
#include "planner/work.h"

static struct build b;
static struct work w;
static struct planner_result result;

static void begin(void)
{
    struct planner_input in = {&b.s, NULL, &b.p};
    work_init(&w, &in, &b.a, &result);
    work_roles(&w);
    work_fleets(&w);
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

// ---- packing against brute force --------------------------------------------------------------------------------------------
struct brute {
    struct res need[12];
    int tasks;
    struct res room[12];
    int bins;
};

static bool brute_fits(struct brute *f, int k)
{
    if (k == f->tasks)
        return true;
    for (int i = 0; i < f->bins; i++) {
        if (!res_fits(f->need[k], f->room[i]))
            continue;
        f->room[i] = res_sub(f->room[i], f->need[k]);
        if (brute_fits(f, k + 1))
            return true;
        f->room[i] = res_add(f->room[i], f->need[k]);
    }
    return false;
}

// A fleet of one type; the pool is its own once the work has begun.
static void one_pool(int64_t cpu_units, int64_t memory_mib)
{
    build_pool(&b, build_fleet(&b, "sfr-1", 0), build_type(&b, "t", cpu_units, memory_mib), 1000);
}

static int brute_least(const struct pack_task *tasks, size_t n, struct res room)
{
    struct brute f = {0};
    for (size_t k = 0; k < n; k++)
        for (int32_t c = 0; c < tasks[k].count; c++)
            if (res_fits(b.s.shapes[tasks[k].shape].need, room))
                f.need[f.tasks++] = b.s.shapes[tasks[k].shape].need;
    for (int bins = 0; bins <= f.tasks; bins++) {
        f.bins = bins;
        for (int i = 0; i < bins; i++)
            f.room[i] = room;
        if (brute_fits(&f, 0))
            return bins;
    }
    return f.tasks;
}

static void what_is_packed_is_packed_truly_and_never_in_fewer_bins_than_there_can_be(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct rng r;
        rng_init(&r, seed);
        build_init(&b);
        struct res room = res_make(1024 * rng_between(&r, 1, 4), 1024 * rng_between(&r, 2, 8));
        struct pack_task tasks[4];
        size_t n = 1 + rng_below(&r, 4);
        int64_t fitting = 0;
        for (size_t k = 0; k < n; k++) {
            int shape = build_shape(&b, "s", 128 * rng_between(&r, 1, 20), 128 * rng_between(&r, 1, 30));
            int service = build_service(&b, arena_printf(&b.a, "s%zu", k), shape, 0);
            tasks[k] = (struct pack_task){.service = service, .shape = shape, .provider = PROVIDER_ANY, .count = (int32_t)rng_below(&r, 4)};
            fitting += res_fits(b.s.shapes[shape].need, room) ? tasks[k].count : 0;
        }
        one_pool(room.v[RES_CPU], room.v[RES_MEMORY]);
        begin();
        int64_t used = packing_count(&w, tasks, n, w.fleet_pools[0].v, INT32_MAX);
        int64_t placed = 0;
        for (size_t k = 0; k < n; k++)
            placed += tasks[k].placed;
        int least = brute_least(tasks, n, room);
        assert_int_equal(placed, fitting);
        assert_true(used >= least);
        assert_true(used <= 2 * least + 1);
        // With one bin fewer not all are placed, or there was an arrangement that first fit does not see.
        if (used > 0) {
            packing_count(&w, tasks, n, w.fleet_pools[0].v, used - 1);
            placed = 0;
            for (size_t k = 0; k < n; k++)
                placed += tasks[k].placed;
            assert_true(placed < fitting);
        }
        build_release(&b);
    }
    build_init(&b);
}

static void distinct_tasks_take_a_bin_each(void **state)
{
    (void)state;
    build_init(&b);
    int shape = build_shape(&b, "s:1", 128, 128);
    b.s.shapes[shape].distinct_instance = true;
    struct pack_task t = {.service = build_service(&b, "s", shape, 0), .shape = shape, .provider = PROVIDER_ANY, .count = 5};
    one_pool(4096, 8192);
    begin();
    assert_int_equal(packing_count(&w, &t, 1, w.fleet_pools[0].v, INT32_MAX), 5);
}

static void another_architecture_is_not_packed(void **state)
{
    (void)state;
    build_init(&b);
    int shape = build_shape(&b, "s:1", 128, 128);
    b.s.shapes[shape].arch = "arm64";
    struct pack_task t = {.service = build_service(&b, "s", shape, 0), .shape = shape, .provider = PROVIDER_ANY, .count = 5};
    one_pool(4096, 8192);
    begin();
    assert_int_equal(packing_count(&w, &t, 1, w.fleet_pools[0].v, INT32_MAX), 0);
    assert_int_equal(t.placed, 0);
}

// ---- placement ------------------------------------------------------------------------------------------------------------
// Four instances in zones a b c a; the service has tasks on the first two.
static int type, fleet, shape, web;

static void four(int32_t missing)
{
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    fleet = build_fleet(&b, "sfr-1", 4);
    build_pool(&b, fleet, type, 1000);
    shape = build_shape(&b, "web:1", 1024, 2048);
    web = build_service(&b, "web", shape, 0);
    for (int k = 0; k < 4; k++)
        build_instance(&b, fleet, type);
    build_hold(&b, 0, web, 2);
    build_hold(&b, 1, web, 1);
    b.s.services[web].desired = 3 + missing;
}

static struct pass assess(void)
{
    struct pass p;
    begin();
    placement_pass(&w, (struct pass_options){0}, &p);
    return p;
}

static size_t best(struct pass *p, int *set)
{
    // The set for the next task: what the pass placed is taken back first.
    for (size_t k = 0; k < p->planned_count; k++) {
        struct planned *x = &p->planned[k];
        p->free[x->bin] = res_add(p->free[x->bin], res_scale(b.s.shapes[shape].need, x->count));
        p->bin_head[x->bin] = -1;
        bins_touch(&w, p, x->bin);
    }
    p->service_head[web] = -1;
    return placement_set(&w, p, 0, TAKES_NOW, set);
}

static void strategies(enum place_kind a, const char *field_a, enum place_kind second, const char *field_b)
{
    b.s.shapes[shape].strategies[0] = (struct place_strategy){a, field_a};
    b.s.shapes[shape].strategies[1] = (struct place_strategy){second, field_b};
    b.s.shapes[shape].strategy_count = 2;
}

static void binpack_takes_the_fullest_that_still_fits(void **state)
{
    (void)state;
    int set[4];
    four(1);
    struct pass p = assess();
    assert_int_equal(best(&p, set), 1);
    assert_int_equal(set[0], 0);
}

static void spread_over_instances_takes_all_with_the_fewest_tasks(void **state)
{
    (void)state;
    int set[4];
    four(1);
    strategies(PLACE_SPREAD, "instanceId", PLACE_RANDOM, "");
    struct pass p = assess();
    assert_int_equal(best(&p, set), 2);
    assert_int_equal(set[0], 2);
    assert_int_equal(set[1], 3);
}

static void spread_over_zones_then_instances(void **state)
{
    (void)state;
    int set[4];
    four(1);
    strategies(PLACE_SPREAD, "attribute:ecs.availability-zone", PLACE_SPREAD, "instanceId");
    struct pass p = assess();
    assert_int_equal(best(&p, set), 1);
    assert_int_equal(set[0], 2);
    assert_int_equal(p.planned[0].bin, 2);
}

static void without_strategies_zones_are_spread(void **state)
{
    (void)state;
    int set[4];
    four(1);
    b.s.shapes[shape].strategy_count = 0;
    struct pass p = assess();
    assert_int_equal(best(&p, set), 1);
    assert_int_equal(set[0], 2);
}

static void random_takes_any(void **state)
{
    (void)state;
    int set[4];
    four(1);
    b.s.shapes[shape].strategies[0].kind = PLACE_RANDOM;
    struct pass p = assess();
    assert_int_equal(best(&p, set), 4);
    assert_int_equal(p.planned[0].bin, 0);  // of equals the lowest id
}

static void distinct_instances_exclude_where_a_task_is(void **state)
{
    (void)state;
    four(3);
    b.s.shapes[shape].distinct_instance = true;
    struct pass p = assess();
    assert_int_equal(p.items[0].now, 2);
    assert_int_equal(p.unplaced, 1);
}

static void draining_instances_take_nothing(void **state)
{
    (void)state;
    four(20);
    b.s.instances[3].ecs = ECS_DRAINING;
    struct pass p = assess();
    assert_int_equal(p.items[0].now, 2 + 3 + 4);
}

static void another_architecture_takes_nothing(void **state)
{
    (void)state;
    four(1);
    b.s.shapes[shape].arch = "arm64";
    struct pass p = assess();
    assert_int_equal(p.items[0].now, 0);
}

static void c8_stopping_tasks_still_take_their_room(void **state)
{
    (void)state;
    four(20);
    b.s.instances[3].holdings[0] = (struct holding){.service = web, .shape = shape, .stopping = 3, .example_task = ""};
    b.s.instances[3].holding_count = 1;  // remainingResources has forgotten them already
    struct pass p = assess();
    assert_int_equal(p.items[0].now, 2 + 3 + 4 + 1);
}

static void what_ecs_says_is_left_bounds_our_own_view(void **state)
{
    (void)state;
    four(20);
    b.s.instances[3].remaining = res_make(1024, 4096);
    struct pass p = assess();
    assert_int_equal(p.items[0].now, 2 + 3 + 4 + 1);
}

static void headroom_is_packed_where_it_first_fits(void **state)
{
    (void)state;
    four(0);
    b.p.headroom_tasks = (struct policy_headroom_task[]){{"web", 2}};
    b.p.headroom_task_count = 1;
    struct pass p = assess();
    assert_int_equal(p.planned_count, 1);
    assert_int_equal(p.planned[0].bin, 0);
    assert_int_equal(p.planned[0].count, 2);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_packed_is_packed_truly_and_never_in_fewer_bins_than_there_can_be),
        TEST(distinct_tasks_take_a_bin_each),
        TEST(another_architecture_is_not_packed),
        TEST(binpack_takes_the_fullest_that_still_fits),
        TEST(spread_over_instances_takes_all_with_the_fewest_tasks),
        TEST(spread_over_zones_then_instances),
        TEST(without_strategies_zones_are_spread),
        TEST(random_takes_any),
        TEST(distinct_instances_exclude_where_a_task_is),
        TEST(draining_instances_take_nothing),
        TEST(another_architecture_takes_nothing),
        TEST(c8_stopping_tasks_still_take_their_room),
        TEST(what_ecs_says_is_left_bounds_our_own_view),
        TEST(headroom_is_packed_where_it_first_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
