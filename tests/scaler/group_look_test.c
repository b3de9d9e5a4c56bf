// What a look of an Auto Scaling group asks: what seldom changes is kept for two minutes, what cannot be read holds removal at once.
#include "planner/sim/group.h"
#include "tests/scaler/gather_bed.h"

static struct world *world_of_a_group(void)
{
    struct world *w = calm_world();
    struct world_override any = {world_type_index(w, "m5.xlarge"), -1, 1000};
    int group = world_add_group(w, &(struct world_group_spec){.name = "web-asg", .cluster = 0, .max = 40, .desired = 2, .overrides = &any,
                                                              .override_count = 1, .mixed = true, .allocation = WALLOC_LOWEST_PRICE});
    for (int i = 0; i < 2; i++)
        add_host(w, group, i);
    world_group_add_hook(w, group, &(struct world_hook_of_group){.name = "masu-drain", .heartbeat_ms = 60000});
    later(w, 3600000);
    return w;
}

static struct policy_hook hooks[] = {{"masu-drain"}};

static void open_group(struct bed *b)
{
    bed_open(b, world_of_a_group());
    b->fleets[0] = (struct policy_fleet){.id = "", .tag = "", .group = "web-asg", .max = 40, .arch = "", .hooks = hooks, .hook_count = 1};
}

static int64_t slow_calls(struct bed *b)
{
    return bed_calls(b, "autoscaling:DescribeInstanceRefreshes") + bed_calls(b, "autoscaling:DescribePolicies") +
           bed_calls(b, "autoscaling:DescribeLifecycleHooks");
}

static void a_look_of_a_group_costs_two_calls_and_three_more_every_two_minutes(void **state)
{
    (void)state;
    struct bed b;
    open_group(&b);
    bed_look(&b);
    assert_int_equal(slow_calls(&b), 3);
    int64_t groups = bed_calls(&b, "autoscaling:DescribeAutoScalingGroups");
    for (int i = 1; i <= 3; i++) {
        bed_look_later(&b, 30000);
        assert_int_equal(bed_calls(&b, "autoscaling:DescribeAutoScalingGroups"), groups + i);
        assert_string_equal(b.s.fleets[0].hook, "masu-drain");
        assert_false(b.s.fleets[0].refreshing || b.s.fleets[0].foreign_scaling);
    }
    assert_int_equal(slow_calls(&b), 3);
    bed_look_later(&b, 30000);
    assert_int_equal(slow_calls(&b), 6);
    assert_int_equal(b.s.fleets[0].hook_heartbeat_ms, 60000);
    bed_close(&b);
}

static void what_cannot_be_read_again_holds_at_once_and_is_asked_in_each_look(void **state)
{
    (void)state;
    struct bed b;
    open_group(&b);
    bed_look(&b);
    assert_false(b.s.fleets[0].refreshing);
    struct err err = {0};
    assert_int_equal(sandbox_add_fault(b.sandbox, &(struct sandbox_fault){"autoscaling:DescribeInstanceRefreshes", SANDBOX_FAULT_DENIED, 0, 2}, &err), 0);
    bed_look_later(&b, 130000);
    assert_true(b.s.fleets[0].refreshing);
    int64_t asked = bed_calls(&b, "autoscaling:DescribeInstanceRefreshes");
    bed_look_later(&b, 30000);
    assert_true(b.s.fleets[0].refreshing);
    assert_int_equal(bed_calls(&b, "autoscaling:DescribeInstanceRefreshes"), asked + 1);
    bed_look_later(&b, 30000);
    assert_false(b.s.fleets[0].refreshing);
    bed_close(&b);
}

// Its warm pool, where it has one, is read with what seldom changes; a member that no list knows asks for it at once.
static void b4_a_warm_pool_is_read_once_in_two_minutes_and_when_one_appears(void **state)
{
    (void)state;
    struct bed b;
    struct world *w = world_of_a_group();
    int type = world_type_index(w, "m5.xlarge");
    assert_true(world_group_add_warm(w, 0, type, 0, WM_WARMED_STOPPED, false) >= 0);
    bed_open(&b, w);
    b.fleets[0] = (struct policy_fleet){.id = "", .tag = "", .group = "web-asg", .max = 40, .arch = "", .hooks = hooks, .hook_count = 1};
    bed_look(&b);
    assert_int_equal(bed_calls(&b, "autoscaling:DescribeWarmPool"), 1);
    int warm = 0;
    for (size_t i = 0; i < b.s.instance_count; i++)
        warm += strcmp(b.s.instances[i].member, "Warmed:Stopped") == 0;
    assert_int_equal(warm, 1);
    for (int i = 0; i < 3; i++)
        bed_look_later(&b, 30000);
    assert_int_equal(bed_calls(&b, "autoscaling:DescribeWarmPool"), 1);
    sandbox_lock(b.sandbox);
    assert_true(world_group_add_warm(w, 0, type, 1, WM_WARMED_RUNNING, true) >= 0);
    sandbox_unlock(b.sandbox);
    bed_look_later(&b, 5000);
    assert_int_equal(bed_calls(&b, "autoscaling:DescribeWarmPool"), 2);
    bed_look_later(&b, 130000);
    assert_int_equal(bed_calls(&b, "autoscaling:DescribeWarmPool"), 3);
    bed_close(&b);
}

// As a fleet that asks by attributes: a pool for each type that is meant, in the group's zones.
static void a_group_that_asks_by_attributes_has_a_pool_for_each_type_it_means(void **state)
{
    (void)state;
    struct bed b;
    open_group(&b);
    bed_say(&b, "DescribeAutoScalingGroups", "<InstanceType>m5.xlarge</InstanceType></member></Overrides>",
            "<InstanceRequirements><VCpuCount><Min>4</Min><Max>4</Max></VCpuCount><MemoryMiB><Min>1024</Min></MemoryMiB>"
            "<ExcludedInstanceTypes><member>c*</member></ExcludedInstanceTypes></InstanceRequirements></member></Overrides>");
    bed_look(&b);
    assert_true(b.replaced > 0);
    const struct fleet *f = &b.s.fleets[0];
    bool there = false;
    assert_true(f->pool_count > 3);
    for (size_t k = 0; k < f->pool_count; k++) {
        assert_true(f->pools[k].type >= 0 && f->pools[k].zone[0]);
        assert_int_equal(b.s.types[f->pools[k].type].nominal.v[RES_CPU], 4096);
        assert_int_not_equal(f->pools[k].type_name[0], 'c');
        there = there || strcmp(f->pools[k].type_name, "m5.xlarge") == 0;
    }
    assert_true(there);
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_look_of_a_group_costs_two_calls_and_three_more_every_two_minutes),
        cmocka_unit_test(b4_a_warm_pool_is_read_once_in_two_minutes_and_when_one_appears),
        cmocka_unit_test(a_group_that_asks_by_attributes_has_a_pool_for_each_type_it_means),
        cmocka_unit_test(what_cannot_be_read_again_holds_at_once_and_is_asked_in_each_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
