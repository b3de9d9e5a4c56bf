// Group D of safety.md: a zone fails, and comes back (D8).
#include "tests/scaler/story_events.h"

enum { ZONES = 3, ZONE_HOSTS = 4 };

// A fleet for each zone.
static int zones_world(const struct world_options *o, struct world **ret, struct err *err)
{
    struct world *w = NULL;
    int rc = world_empty(7, o, &w, err);
    if (rc)
        return rc;
    world_add_cluster(w, "main");
    for (int z = 0; z < ZONES; z++) {
        const struct world_override pool = {world_type_index(w, "m5.xlarge"), z, 1000};
        int fleet_index = world_add_fleet(w, &(struct world_fleet_spec){.cluster = 0, .target = ZONE_HOSTS, .allocation = WALLOC_LOWEST_PRICE,
                                                                        .overrides = &pool, .override_count = 1});
        for (int i = 0; i < ZONE_HOSTS; i++)
            add_host(w, fleet_index, z);
    }
    add_service(w, (struct a_service){"web", 512, 1024, ZONES * ZONE_HOSTS * 7, 100, 200, WS_SPREAD_ZONE, 0, 0});
    *ret = w;
    return 0;
}

static int64_t zone_target(struct story *s, int z)
{
    return see(s).fleets[z].wanted;
}

static void d8_a_zone_fails_and_nothing_is_removed_until_a_quarter_of_an_hour_after_its_return(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){.events = true, .build = zones_world});
    pass(&s, 10);
    int64_t had[ZONES], since = now_ms(&s);
    for (int z = 0; z < ZONES; z++)
        had[z] = zone_target(&s, z);
    assert_true(world_set_agents(world_of(&s), 0, 0, false) >= ZONE_HOSTS - 1);
    sandbox_impair_zone(s.rig.sandbox, see(&s).zones[0]);  // and what spans it fails whole
    pass(&s, 6);
    expect_alert(&s, ALERT_MASS_TROUBLE, "main");
    want(&s, ZONES * ZONE_HOSTS * 8);  // as what ran there is wanted elsewhere
    pass(&s, 10);
    assert_int_equal(zone_target(&s, 0), had[0]);  // orders go to the other zones
    assert_true(zone_target(&s, 1) + zone_target(&s, 2) > had[1] + had[2]);
    want(&s, ZONES * ZONE_HOSTS * 3);
    pass(&s, 10);
    assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", since), 0);
    assert_int_equal(applied_since(&s, "ec2:TerminateInstances", since), 0);
    sandbox_impair_zone(s.rig.sandbox, "");
    world_set_agents(world_of(&s), 0, 0, true);
    int64_t back = now_ms(&s);
    pass(&s, 14);
    assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", back), 0);
    pass(&s, 60);
    assert_true(applied_since(&s, "ecs:UpdateContainerInstancesState", back) > 0);
    struct world_view v = see(&s);
    int in_zone[ZONES] = {0};
    for (int i = 0; i < v.instance_count; i++)
        if (v.instances[i].used && v.instances[i].state.now == WL_RUNNING && v.instances[i].status.now == WE_ACTIVE)
            in_zone[v.pools[v.instances[i].pool].zone]++;
    print_message("%d, %d and %d stay\n", in_zone[0], in_zone[1], in_zone[2]);
    for (int z = 0; z < ZONES; z++)  // those of the fullest zones went
        assert_in_range(in_zone[z], in_zone[(z + 1) % ZONES] - 1, in_zone[(z + 1) % ZONES] + 1);
    nothing_broke(&s);
    story_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d8_a_zone_fails_and_nothing_is_removed_until_a_quarter_of_an_hour_after_its_return),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
