// Stories of capacity that is asked for by attributes, not types, on the wire: masu reads from them what may come, and AWS chooses.
#include "planner/alert.h"
#include "planner/sim/group.h"
#include "tests/scaler/story.h"

static bool as_group;

// Four vCPUs, x86, none of r5: c5.xlarge and m5.xlarge of what the world sells.
static int its_world(const struct world_options *o, struct world **ret, struct err *err)
{
    struct world *w = NULL;
    int rc = world_empty(7, o, &w, err);
    if (rc)
        return rc;
    world_add_cluster(w, "main");
    struct world_requirements needs = {.vcpus_min = 4, .vcpus_max = 4, .memory_mib_min = 8192, .excluded = {"r5.*", "c6g.*"}, .excluded_count = 2, .arch = "x86_64"};
    int fleet;
    if (as_group) {
        fleet = world_add_group(w, &(struct world_group_spec){.name = "any-asg", .cluster = 0, .max = 40, .desired = WEB_HOSTS, .needs = &needs, .mixed = true,
                                                              .allocation = WALLOC_DIVERSIFIED});
        world_group_suspend(w, WORLD_PERSON, fleet, 1u << WP_AZ_REBALANCE, true);
    } else {
        fleet = world_add_fleet(w, &(struct world_fleet_spec){.cluster = 0, .target = WEB_HOSTS, .allocation = WALLOC_DIVERSIFIED, .needs = &needs, .ec2_fleet = true});
    }
    for (int i = 0; i < WEB_HOSTS; i++)
        add_host(w, fleet, i % 3);
    add_service(w, (struct a_service){"web", 512, 1024, WEB_DESIRED, 100, 200, WS_SPREAD_ZONE, 0, 0});
    *ret = w;
    return 0;
}

static int members_of(struct story *s, const char *type)
{
    struct world_view v = see(s);
    int n = 0;
    for (int i = 0; i < v.instance_count; i++)
        n += v.instances[i].used && v.instances[i].fleet == s->fleet && v.instances[i].state.now <= WL_RUNNING && v.instances[i].status.now == WE_ACTIVE &&
             strcmp(v.types[v.pools[v.instances[i].pool].type].name, type) == 0;
    return n;
}

static void grows_and_shrinks(void)
{
    struct story s;
    story_open(&s, (struct rig_options){.build = its_world, .settings = impatient});
    pass(&s, 5);
    const struct fleet *f = &loop_frame(s.rig.loop, 0)->snapshot.fleets[0];
    assert_int_equal(f->pool_count, as_group ? 6 : 2);  // each type in each zone, or in any
    for (size_t k = 0; k < f->pool_count; k++)
        assert_true(strcmp(f->pools[k].type_name, "c5.xlarge") == 0 || strcmp(f->pools[k].type_name, "m5.xlarge") == 0);
    want(&s, 70);
    pass(&s, 20);
    assert_int_equal(running(&s, s.web), 70);
    int most = members_of(&s, "c5.xlarge") + members_of(&s, "m5.xlarge");
    assert_true(most >= 9 && members_of(&s, "c5.xlarge") > 0);
    assert_int_equal(live(&s), most);  // nothing else came
    want(&s, 10);
    pass(&s, 90);
    assert_true(live(&s) <= 4);
    assert_int_equal(running(&s, s.web), 10);
    assert_true(applied_since(&s, as_group ? "autoscaling:TerminateInstanceInAutoScalingGroup" : "ec2:TerminateInstances", 0) > 0);
    rig_finish(&s.rig);
    assert_int_equal(rig_violations(&s.rig), 0);
    story_close(&s);
}

static void a_group_by_attributes_scales_out_and_in(void **state)
{
    (void)state;
    as_group = true;
    grows_and_shrinks();
}

static void an_ec2_fleet_by_attributes_scales_out_and_in(void **state)
{
    (void)state;
    as_group = false;
    grows_and_shrinks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_by_attributes_scales_out_and_in),
        cmocka_unit_test(an_ec2_fleet_by_attributes_scales_out_and_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
