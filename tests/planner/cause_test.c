// What has no place and no order is said with its reason and remedy; and orders that cannot help end.
#include <string.h>

#include "planner/demand.h"
#include "planner/explain.h"
#include "planner/placement.h"
#include "planner/scale_out.h"
#include "planner/work.h"
#include "tests/planner/build.h"

static struct build b;
static struct work w;
static struct planner_result result;
static int type, fleet, shape, web;
static struct attribute rack[] = {{"rack", "7"}};
static const struct attribute_set rack_set = {rack, 1};

// One full instance, and one task that waits.
static int setup(void **state)
{
    (void)state;
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 15565);
    fleet = build_fleet(&b, "sfr-1", 1);
    build_pool(&b, fleet, type, 1000);
    b.s.fleets[fleet].pools[0].attributes = &rack_set;
    b.s.fleets[fleet].pools[0].attributes_known = true;
    b.s.fleets[fleet].pools[0].zone = "eu-west-1a";
    shape = build_shape(&b, "web:1", 1024, 2048);
    web = build_service(&b, "web", shape, 5);
    int i = build_instance(&b, fleet, type);
    b.s.instances[i].attributes = &rack_set;
    build_hold(&b, i, web, 4);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static struct shape *x(void)
{
    return &b.s.shapes[shape];
}

static void expect_cause(enum demand_reason reason, const char *fact, const char *remedy)
{
    struct planner_input in = {&b.s, NULL, &b.p};
    struct demand_cause cause;
    work_init(&w, &in, &b.a, &result);
    work_roles(&w);
    work_fleets(&w);
    placement_pass(&w, (struct pass_options){0}, &w.now);
    scale_out_order(&w);
    for (size_t k = 0; k < w.now.item_count; k++) {
        if (w.now.items[k].headroom || demand_unanswered(&w.now.items[k]) == 0)
            continue;
        assert_true(demand_cause(&w, &w.now.items[k], &cause));
        if (cause.reason != reason || !strstr(cause.fact, fact) || !strstr(cause.remedy, remedy))
            fail_msg("%s: %s; %s", demand_reason_name(cause.reason), cause.fact, cause.remedy);
        return;
    }
    fail_msg("everything is answered");
}

static void f4_each_reason_has_its_fact_and_remedy(void **state)
{
    (void)state;
    static const uint32_t docker[] = {2 * 2375};
    struct shape was = *x();
    x()->need = res_make(1024, 16384);
    expect_cause(DEMAND_TOO_LARGE, "needs 16.0 GiB, the largest type of sfr-1, m5.xlarge, has 15.2 GiB", "less memory");
    x()->need = res_make(8192, 1024);
    expect_cause(DEMAND_TOO_LARGE, "needs 8 vCPU", "less CPU");
    *x() = was;
    x()->need.v[RES_GPU] = 2;
    expect_cause(DEMAND_GPU, "needs 2 GPU, m5.xlarge of sfr-1 has 0", "GPU");
    *x() = was;
    x()->need.v[RES_ENI] = 1;
    expect_cause(DEMAND_ENI, "network interface", "awsvpcTrunking");
    *x() = was;
    x()->arch = "arm64";
    expect_cause(DEMAND_ARCH, "arm64", "arm64");
    *x() = was;
    x()->required = (struct attribute[]){{"disk", "ssd"}};
    x()->required_count = 1;
    expect_cause(DEMAND_ATTRIBUTE, "disk=ssd", "register the attribute");
    *x() = was;
    x()->member_of = (const char *[]){"attribute:rack == 8"};
    x()->member_of_count = 1;
    expect_cause(DEMAND_CONSTRAINT, "attribute:rack == 8", "change the constraint");
    x()->member_of = (const char *[]){"attribute:rack = 8"};
    expect_cause(DEMAND_UNMODELLED, "column 16: expected an operator", "by hand");
    *x() = was;
    x()->zones = (const char *[]){"eu-west-1b"};
    x()->zone_count = 1;
    expect_cause(DEMAND_ZONE, "eu-west-1b only", "subnet of eu-west-1b");
    *x() = was;
    x()->ports = (struct port_set){docker, 1};
    expect_cause(DEMAND_PORT, "host port", "another host port");
    *x() = was;
    b.s.fleets[fleet].pools[0].subnet_full = true;
    expect_cause(DEMAND_ADDRESS, "no free address", "subnet");
    b.s.fleets[fleet].pools[0].subnet_full = false;
    b.s.fleets[fleet].maintain = false;
    expect_cause(DEMAND_CLOSED, "not of type maintain", "name a fleet that can grow");
    b.s.fleets[fleet].maintain = true;
    b.s.services[web].providers = (struct provider_share[]){{"cp", 0, 1}};
    b.s.services[web].provider_count = 1;
    expect_cause(DEMAND_PROVIDER, "capacity provider cp", "launch type EC2");
    b.s.services[web].provider_count = 0;
    b.s.services[web].crash_looping = true;
    expect_cause(DEMAND_CRASH_LOOP, "start and fail", "mend the task");
    b.s.services[web].crash_looping = false;
    b.s.services[web].last_event = "(service web) was unable to place a task. (container-instance 1) encountered error \"AGENT\".";
    expect_cause(DEMAND_AGENT, "AGENT", "ECS agent");
}

static void e7_a_subnet_without_addresses_takes_no_orders(void **state)
{
    (void)state;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 2);
    b.has_memo = false;
    b.s.fleets[fleet].pools[0].subnet_full = true;
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), -1);
    assert_non_null(strstr(plan_verdict(p, "web web:1")->fact, "no free address"));
}

static void e7_need_without_gpus_is_ordered_from_the_fleet_without_them(void **state)
{
    (void)state;
    int gpu = build_type(&b, "g4dn.xlarge", 4096, 15565);
    b.s.types[gpu].registered.v[RES_GPU] = 1;
    b.s.types[gpu].spot_usd_micro = 1000;
    b.s.types[type].spot_usd_micro = 50000;
    build_pool(&b, build_fleet(&b, "sfr-gpu", 0), gpu, 1000);
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-gpu"), -1);
    assert_int_equal(plan_target(p, "sfr-1"), 2);
    // Not even where no other type can hold it, but where the policy lets tasks share them.
    b.has_memo = false;
    x()->need = res_make(1024, 2048);
    b.s.fleets[fleet].maintain = false;
    assert_int_equal(plan_target(build_plan(&b), "sfr-gpu"), -1);
    b.has_memo = false;
    b.s.fleets[fleet].pool_count = 0;
    p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-gpu"), -1);
    assert_non_null(strstr(plan_verdict(p, "web web:1")->fact, "reserves no GPU"));
    b.has_memo = false;
    b.p.fleets[1].gpus_shared = true;
    assert_int_equal(plan_target(build_plan(&b), "sfr-gpu"), 1);
}

static void sizes_are_told_as_printf_would(void **state)
{
    (void)state;
    struct planner_input in = {&b.s, NULL, &b.p};
    work_init(&w, &in, &b.a, &result);
    for (int64_t n = -1100; n < 9000; n += 7) {
        char cpu[40], memory[40], all[96];
        snprintf(cpu, sizeof cpu, "%.*f", n % 1024 == 0 ? 0 : n % 512 == 0 ? 1 : 2, (double)n / 1024);
        snprintf(memory, sizeof memory, n < 1024 ? "%.0f MiB" : "%.1f GiB", n < 1024 ? (double)n : (double)n / 1024);
        snprintf(all, sizeof all, "%s vCPU %s", cpu, memory);
        assert_string_equal(explain_res(&w, res_make(n, n)), all);
    }
    assert_string_equal(explain_res(&w, (struct res){{1024, 1280, 2, 1}}), "1 vCPU 1.2 GiB 2 GPU 1 ENI");
    assert_string_equal(explain_tasks(&w, web, shape, 1), "1 task of web 1 vCPU 2.0 GiB");
    char name[256] = "", all[300];
    memset(name, 'n', sizeof name - 1);  // as long as ECS lets it be
    b.s.services[web].name = name;
    snprintf(all, sizeof all, "2 tasks of %s 1 vCPU 2.0 GiB", name);
    assert_string_equal(explain_tasks(&w, web, shape, 2), all);
}

// ---- F5 ---------------------------------------------------------------------------------------------------------------------
static void needs_disk(void)
{
    static struct attribute disk[] = {{"disk", ""}};
    x()->required = disk;
    x()->required_count = 1;
    b.s.fleets[fleet].pools[0].attributes_known = false;
    b.s.services[web].desired = 20;
}

static void f5_one_probe_where_only_missing_facts_speak_for_a_pool(void **state)
{
    (void)state;
    needs_disk();
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), 2);  // one instance, for 16 tasks that need four
    assert_non_null(memo_stamp_of(&b.memo, STAMP_PROBE, "web web:1"));
    b.s.fleets[fleet].target = 2;
    int i = build_instance(&b, fleet, type);
    b.s.instances[i].ecs = ECS_UNREGISTERED;
    b.s.instances[i].launched_ms = b.s.now_ms + SECOND;
    b.s.instances[i].registered_ms = 0;
    b.s.instances[i].attributes = &rack_set;
    b.s.instances[i].zone = "eu-west-1a";
    for (int k = 0; k < 4; k++) {
        build_later(&b, 30 * SECOND);
        assert_int_equal(plan_target(build_plan(&b), "sfr-1"), -1);  // it boots; nothing more until it tells
    }
    assert_int_equal(plan_verdict(build_plan(&b), "web web:1")->code, VERDICT_WAIT);
}

static void f5_the_rest_is_ordered_once_the_probe_has_what_fits(void **state)
{
    (void)state;
    static struct attribute both[] = {{"disk", "ssd"}, {"rack", "7"}};
    static const struct attribute_set both_set = {both, 2};
    needs_disk();
    build_plan(&b);
    b.s.fleets[fleet].target = 2;
    int i = build_instance(&b, fleet, type);
    b.s.instances[i].attributes = b.s.fleets[fleet].pools[0].attributes = &both_set;
    b.s.fleets[fleet].pools[0].attributes_known = true;
    build_later(&b, MINUTE);
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), 5);  // 16 tasks: 4 on the probe, 12 on three more
    assert_null(memo_stamp_of(&b.memo, STAMP_PROBE, "web web:1"));
}

static void f5_no_more_is_ordered_where_the_probe_lacks_it(void **state)
{
    (void)state;
    needs_disk();
    build_plan(&b);
    b.s.fleets[fleet].target = 2;
    b.s.fleets[fleet].pools[0].attributes_known = true;
    b.s.instances[build_instance(&b, fleet, type)].attributes = &rack_set;
    build_later(&b, MINUTE);
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), -1);
    assert_int_equal(plan_verdict(p, "web web:1")->code, VERDICT_NEVER_FITS);
}

// ---- L11 --------------------------------------------------------------------------------------------------------------------
static void launch_in(const char *zone)
{
    int i = build_instance(&b, fleet, type);
    b.s.instances[i].zone = zone;
    b.s.instances[i].attributes = &rack_set;
    b.s.instances[i].launched_ms = b.s.instances[i].registered_ms = b.s.now_ms + 2 * SECOND;
}

static void over_three_zones(void)
{
    static const char *const zones[] = {"eu-west-1b", "eu-west-1c"};
    for (size_t k = 0; k < ARRAY_LEN(zones); k++) {
        build_pool(&b, fleet, type, 1000);
        struct fleet_pool *p = &b.s.fleets[fleet].pools[b.s.fleets[fleet].pool_count - 1];
        p->zone = zones[k];
        p->attributes = &rack_set;
        p->attributes_known = true;
    }
    static const char *own[] = {"eu-west-1b"};
    x()->zones = own;
    x()->zone_count = 1;
}

static void a8_need_of_one_zone_orders_twice_and_then_says_so(void **state)
{
    (void)state;
    over_three_zones();
    int orders = 0;
    const struct plan *p = NULL;
    for (int k = 0; k < 20; k++) {
        p = build_plan(&b);
        int64_t target = plan_target(p, "sfr-1");
        if (target > b.s.fleets[fleet].target) {
            orders++;
            b.s.fleets[fleet].target = target;
            launch_in(orders % 2 ? "eu-west-1a" : "eu-west-1c");
        }
        build_later(&b, 30 * SECOND);
    }
    assert_int_equal(orders, 2);
    const struct verdict *v = plan_verdict(p, "web web:1");
    assert_int_equal(v->code, VERDICT_HOLD);
    assert_non_null(strstr(v->fact, "runs in eu-west-1b only, 2 orders had no effect"));
    assert_non_null(strstr(v->verdict, "name a fleet whose subnets are all in eu-west-1b"));
    bool told = false;
    for (size_t k = 0; k < p->alert_count; k++)
        told = told || strcmp(p->alerts[k].id, "demand-runaway") == 0;
    assert_true(told);
    build_later(&b, 31 * MINUTE);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), b.s.fleets[fleet].target + 1);  // then it is tried anew
}

static void a8_need_of_one_zone_is_ordered_from_the_fleet_of_that_zone_where_there_is_one(void **state)
{
    (void)state;
    over_three_zones();
    int zonal = build_fleet(&b, "sfr-b", 0);
    build_pool(&b, zonal, type, 1000);
    b.s.fleets[zonal].pools[0].zone = "eu-west-1b";
    b.s.fleets[zonal].pools[0].attributes = &rack_set;
    b.s.fleets[zonal].pools[0].attributes_known = true;
    b.s.types[type].spot_usd_micro = 50000;
    b.s.fleets[zonal].pools[0].spot_usd_micro = 90000;  // though it is dearer
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-b"), 1);
    assert_int_equal(plan_target(p, "sfr-1"), -1);
}

static void l11_an_order_that_helped_is_not_counted(void **state)
{
    (void)state;
    over_three_zones();
    int orders = 0;
    for (int k = 0; k < 12; k++) {
        const struct plan *p = build_plan(&b);
        int64_t target = plan_target(p, "sfr-1");
        if (target > b.s.fleets[fleet].target) {
            orders++;
            b.s.fleets[fleet].target = target;
            launch_in("eu-west-1b");
            build_hold(&b, (int)b.s.instance_count - 1, web, 4);  // full at once, and more is wanted
            b.s.services[web].desired = b.s.services[web].running + 1;
        }
        build_later(&b, 30 * SECOND);
    }
    assert_true(orders > 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(f4_each_reason_has_its_fact_and_remedy),
        TEST(e7_a_subnet_without_addresses_takes_no_orders),
        TEST(e7_need_without_gpus_is_ordered_from_the_fleet_without_them),
        TEST(sizes_are_told_as_printf_would),
        TEST(f5_one_probe_where_only_missing_facts_speak_for_a_pool),
        TEST(f5_the_rest_is_ordered_once_the_probe_has_what_fits),
        TEST(f5_no_more_is_ordered_where_the_probe_lacks_it),
        TEST(a8_need_of_one_zone_orders_twice_and_then_says_so),
        TEST(a8_need_of_one_zone_is_ordered_from_the_fleet_of_that_zone_where_there_is_one),
        TEST(l11_an_order_that_helped_is_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
