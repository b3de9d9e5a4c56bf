// Placement by kinds and index against the same in plain words, on random clusters; and its rules one by one.
#include <string.h>

#include "planner/bins.h"
#include "planner/demand.h"
#include "planner/placement.h"
#include "planner/work.h"
#include "tests/planner/build.h"
#include "tests/planner/random_cluster.h"

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

// ---- index and plain words --------------------------------------------------------------------------------------------------
static bool has_service(const struct pass *p, int i, int service)
{
    const struct instance *x = &b.s.instances[i];
    for (size_t k = 0; k < x->holding_count; k++)
        if (x->holdings[k].service == service)
            return true;
    for (int k = p->bin_head[i]; k >= 0; k = p->planned[k].next_of_bin)
        if (p->planned[k].service == service)
            return true;
    return false;
}

// Headroom goes where it first fits.
static int plain_headroom(const struct pass *p, const struct item *it)
{
    const struct shape *x = &b.s.shapes[it->shape];
    for (size_t i = 0; i < b.s.instance_count; i++) {
        bool gpu = b.s.instances[i].registered.v[RES_GPU] > 0 && x->need.v[RES_GPU] == 0 && w.pools[it->shape].plain;
        if (p->takes[i] == TAKES_NOW && !gpu && placement_fits(&w, it->shape, (int)i, p->free[i]) &&
            !placement_ports_clash(&w, p, it->shape, (int)i) && !(x->distinct_instance && has_service(p, (int)i, it->service)))
            return (int)i;
    }
    return -1;
}

static void plain_item(struct pass *p, int item, enum takes takes, int *set)
{
    const struct item *it = &p->items[item];
    for (int32_t k = 0; k < it->count; k++) {
        int i = -1;
        if (it->headroom)
            i = plain_headroom(p, it);
        else if (it->provider != PROVIDER_ABSENT && placement_set(&w, p, item, takes, set) > 0)
            i = set[0];
        if (i < 0)
            return;
        placement_put(&w, p, it->service, it->shape, i, 1);
    }
}

static bool asks(const struct item *it)
{
    return w.kinds.rules[w.kinds.rule_of[it->shape]].asks;
}

static void the_index_finds_what_a_look_at_each_instance_finds(void **state)
{
    (void)state;
    int64_t placed = 0, kinds = 0;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        struct rng r;
        struct pass fast, plain;
        int set[32];
        rng_init(&r, seed);
        random_cluster(&b, &r);
        begin();
        placement_begin(&w, (struct pass_options){0}, &fast);
        placement_begin(&w, (struct pass_options){0}, &plain);
        enum takes takes = seed % 4 == 0 ? TAKES_LATER : TAKES_NOW;
        for (size_t k = 0; k < fast.item_count; k++) {
            if (fast.items[k].headroom && (asks(&fast.items[k]) || takes == TAKES_LATER || fast.items[k].provider != PROVIDER_ANY))
                continue;
            placed += placement_item(&w, &fast, (int)k, takes);
            plain_item(&plain, (int)k, takes, set);
            for (size_t i = 0; i < b.s.instance_count; i++)
                if (!res_eq(fast.free[i], plain.free[i]))
                    fail_msg("seed %d, %s%s: %s differs", (int)seed, b.s.services[fast.items[k].service].name,
                             fast.items[k].headroom ? " headroom" : "", b.s.instances[i].id);
        }
        kinds += (int64_t)w.kinds.count;
        build_release(&b);
    }
    build_init(&b);
    assert_true(placed > 5000);
    assert_true(kinds > 3000);
}

static void plans_of_rich_clusters_hold_their_own_invariants(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 500; seed++) {
        struct rng r;
        rng_init(&r, seed);
        random_cluster(&b, &r);
        build_ticks(&b, 4);
        build_release(&b);
    }
    build_init(&b);
}

// ---- rules one by one -------------------------------------------------------------------------------------------------------
static struct attribute gold[] = {{"disk", "ssd"}, {"rack", "7"}}, plain_ones[] = {{"rack", "8"}};
static const struct attribute_set gold_set = {gold, 2}, plain_set = {plain_ones, 1};
static int type, shape, web;

// Four instances; the first two have disk=ssd.
static int setup(void **state)
{
    (void)state;
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    build_pool(&b, build_fleet(&b, "sfr-1", 4), type, 1000);
    shape = build_shape(&b, "web:1", 1024, 2048);
    web = build_service(&b, "web", shape, 4);
    for (int k = 0; k < 4; k++) {
        int i = build_instance(&b, 0, type);
        b.s.instances[i].attributes = k < 2 ? &gold_set : &plain_set;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static int32_t placed_on(const struct pass *p, int i)
{
    int32_t n = 0;
    for (int k = p->bin_head[i]; k >= 0; k = p->planned[k].next_of_bin)
        n += p->planned[k].count;
    return n;
}

static struct pass assess(void)
{
    struct pass p;
    begin();
    placement_pass(&w, (struct pass_options){0}, &p);
    return p;
}

static void expect(const struct pass *p, int32_t a, int32_t second, int32_t c, int32_t d)
{
    const int32_t expected[] = {a, second, c, d};
    for (int k = 0; k < 4; k++)
        if (placed_on(p, k) != expected[k])
            fail_msg("instance %d has %d, expected %d", k, placed_on(p, k), expected[k]);
}

static void required_attributes_bind(void **state)
{
    (void)state;
    b.s.services[web].desired = 12;
    b.s.shapes[shape].required = (struct attribute[]){{"disk", "ssd"}};
    b.s.shapes[shape].required_count = 1;
    struct pass p = assess();
    expect(&p, 4, 4, 0, 0);
}

static void member_of_binds(void **state)
{
    (void)state;
    b.s.shapes[shape].member_of = (const char *[]){"attribute:rack > 7"};
    b.s.shapes[shape].member_of_count = 1;
    struct pass p = assess();
    expect(&p, 0, 0, 4, 0);
}

static void groups_of_tasks_planned_in_this_very_pass_count(void **state)
{
    (void)state;
    b.s.services[web].desired = 6;
    b.s.shapes[shape].member_of = (const char *[]){"task:group != service:web"};
    b.s.shapes[shape].member_of_count = 1;
    struct pass p = assess();
    expect(&p, 1, 1, 1, 1);
    assert_int_equal(p.unplaced + p.hopeless, 2);
}

static void what_is_not_known_of_an_instance_is_no_place(void **state)
{
    (void)state;
    b.s.shapes[shape].required = (struct attribute[]){{"disk", ""}};
    b.s.shapes[shape].required_count = 1;
    b.s.instances[0].attributes = NULL;
    struct pass p = assess();
    expect(&p, 0, 4, 0, 0);
}

static void host_ports_are_taken_once(void **state)
{
    (void)state;
    static const uint32_t http[] = {2 * 80}, taken[] = {2 * 22, 2 * 80};
    b.s.shapes[shape].ports = (struct port_set){http, 1};
    b.s.instances[2].ports = (struct port_set){taken, 2};
    struct pass p = assess();
    expect(&p, 1, 1, 0, 1);
    assert_int_equal(p.unplaced, 1);
}

static void ports_of_stopping_tasks_are_still_taken(void **state)
{
    (void)state;
    static const uint32_t http[] = {2 * 80};
    b.s.shapes[shape].ports = (struct port_set){http, 1};
    b.s.instances[1].holdings[0] = (struct holding){.service = web, .shape = shape, .stopping = 1, .example_task = ""};
    b.s.instances[1].holding_count = 1;
    struct pass p = assess();
    expect(&p, 1, 0, 1, 1);
}

static void zones_of_its_subnets_bind(void **state)
{
    (void)state;
    b.s.shapes[shape].zones = (const char *[]){"eu-west-1b"};
    b.s.shapes[shape].zone_count = 1;
    b.s.services[web].desired = 6;
    struct pass p = assess();
    expect(&p, 0, 4, 0, 0);
}

static void spread_over_any_attribute_has_one_group_for_those_without_it(void **state)
{
    (void)state;
    b.s.shapes[shape].strategies[0] = (struct place_strategy){PLACE_SPREAD, "attribute:disk"};
    b.s.shapes[shape].strategies[1] = (struct place_strategy){PLACE_SPREAD, "instanceId"};
    b.s.shapes[shape].strategy_count = 2;
    b.s.services[web].desired = 6;
    struct pass p = assess();
    expect(&p, 2, 1, 2, 1);
}

static void f3_a_task_with_a_strategy_runs_on_its_providers_instances_only(void **state)
{
    (void)state;
    b.s.instances[2].provider = "cp";
    b.s.services[web].providers = (struct provider_share[]){{"cp", 0, 1}};
    b.s.services[web].provider_count = 1;
    b.s.services[web].desired = 6;
    struct pass p = assess();
    expect(&p, 0, 0, 4, 0);
    assert_int_equal(p.hopeless, 2);  // no fleet of ours brings an instance of cp
    assert_int_equal(p.unplaced, 0);
}

static void providers_share_by_base_and_weight(void **state)
{
    (void)state;
    b.s.instances[0].provider = b.s.instances[1].provider = "a";
    b.s.instances[2].provider = b.s.instances[3].provider = "b";
    b.s.services[web].providers = (struct provider_share[]){{"a", 2, 1}, {"b", 0, 3}};
    b.s.services[web].provider_count = 2;
    build_hold(&b, 0, web, 1);
    b.s.services[web].desired = 10;
    struct pass p = assess();
    int32_t a = 1, of_b = 0;
    for (size_t k = 0; k < p.item_count; k++)
        *(strcmp(p.items[k].provider_name, "a") == 0 ? &a : &of_b) += p.items[k].count;
    assert_int_equal(a, 4);  // the base, then 8 by 1 to 3
    assert_int_equal(of_b, 6);
}

static void gpu_hosts_hold_no_headroom_of_others_where_another_type_can(void **state)
{
    (void)state;
    b.s.services[web].desired = 0;
    b.s.services[web].running = 0;
    for (int k = 0; k < 2; k++)
        b.s.instances[k].registered.v[RES_GPU] = b.s.instances[k].remaining.v[RES_GPU] = 1;
    b.p.headroom_tasks = (struct policy_headroom_task[]){{"web", 2}};
    b.p.headroom_task_count = 1;
    b.s.services[web].desired = 1;
    build_hold(&b, 0, web, 1);
    struct pass p = assess();
    expect(&p, 0, 0, 2, 0);
}

static void daemons_take_room_only_where_their_rules_let_them(void **state)
{
    (void)state;
    int agent = build_daemon(&b, "agent", build_shape(&b, "agent:1", 1024, 1024));
    b.s.shapes[b.s.services[agent].deployments[0].shape].required = (struct attribute[]){{"disk", "ssd"}};
    b.s.shapes[b.s.services[agent].deployments[0].shape].required_count = 1;
    begin();
    assert_int_equal(w.inst[0].free.v[RES_CPU], 3072);
    assert_int_equal(w.inst[2].free.v[RES_CPU], 4096);
}

// Else the same tasks would be spread over what was ordered for headroom, in each look over one more, and it ordered once more.
static void v22_headroom_that_is_on_its_way_is_not_ordered_again_where_tasks_spread(void **state)
{
    (void)state;
    int big = build_service(&b, "big", build_shape(&b, "big:1", 3072, 8192), 1);
    build_hold(&b, 0, big, 1);
    build_hold(&b, 0, web, 1);
    for (int k = 1; k < 4; k++) {
        b.s.instances[k].ecs = ECS_UNREGISTERED;
        b.s.instances[k].launched_ms = T0 - 10 * SECOND;
    }
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 1 + 6;
    b.p.headroom_tasks = (struct policy_headroom_task[]){{"big", 1}};
    b.p.headroom_task_count = 1;
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), -1);
    assert_int_equal(plan_verdict(p, "big big:1 headroom")->code, VERDICT_WAIT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_index_finds_what_a_look_at_each_instance_finds, teardown),
        cmocka_unit_test_teardown(plans_of_rich_clusters_hold_their_own_invariants, teardown),
        TEST(required_attributes_bind),
        TEST(member_of_binds),
        TEST(groups_of_tasks_planned_in_this_very_pass_count),
        TEST(what_is_not_known_of_an_instance_is_no_place),
        TEST(host_ports_are_taken_once),
        TEST(ports_of_stopping_tasks_are_still_taken),
        TEST(zones_of_its_subnets_bind),
        TEST(spread_over_any_attribute_has_one_group_for_those_without_it),
        TEST(f3_a_task_with_a_strategy_runs_on_its_providers_instances_only),
        TEST(providers_share_by_base_and_weight),
        TEST(gpu_hosts_hold_no_headroom_of_others_where_another_type_can),
        TEST(v22_headroom_that_is_on_its_way_is_not_ordered_again_where_tasks_spread),
        TEST(daemons_take_room_only_where_their_rules_let_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
