// Group F of safety.md: demand and placement.
#include "planner/alert.h"
#include "tests/scaler/story.h"

static int managed_world(const struct world_options *o, struct world **ret, struct err *err)
{
    int rc = story_world(o, ret, err);
    if (rc)
        return rc;
    int provider = world_add_provider(*ret, "managed-cp", true);
    struct world_rules rules = {.shares = {{.provider = provider, .weight = 1}}, .share_count = 1};
    struct world_service_spec spec = {.name = "theirs", .cluster = 0, .taskdef = a_def(*ret, "theirs", 512, 1024), .desired = 0,
                                      .min_percent = 100, .max_percent = 200, .rules = &rules};
    world_add_service(*ret, &spec);
    return 0;
}

static void f3_tasks_of_a_managed_provider_are_told_and_never_ordered_for(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){.build = managed_world});
    pass(&s, 20);
    int64_t target = target_of(&s);
    int theirs = world_find_service(world_of(&s), 0, "theirs");
    assert_int_equal(world_set_desired(world_of(&s), WORLD_PERSON, theirs, 30), WORLD_OK);
    pass(&s, 30);
    assert_true(target_of(&s) <= target);
    expect_alert(&s, ALERT_SERVICE_MANAGED, NULL);
    nothing_broke(&s);
    story_close(&s);
}

static void f4_a_task_larger_than_any_type_is_told_within_a_minute_and_never_ordered_for(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    pass(&s, 20);
    int64_t target = target_of(&s);
    struct res large = res_make(1024, 64 * 1024);
    assert_int_equal(world_deploy(world_of(&s), WORLD_PERSON, s.web, &large), WORLD_OK);
    pass(&s, 2);
    expect_alert(&s, ALERT_DEMAND_INCURABLE, NULL);
    pass(&s, 28);
    assert_true(target_of(&s) <= target);
    nothing_broke(&s);
    story_close(&s);
}

static int empty_world(const struct world_options *o, struct world **ret, struct err *err)
{
    int rc = world_empty(7, o, ret, err);
    if (rc)
        return rc;
    world_add_cluster(*ret, "main");
    add_fleet(*ret, 0, "m5.xlarge", 1);
    add_service(*ret, (struct a_service){"web", 512, 1024, 0, 100, 200, WS_SPREAD_ZONE, 0, 0});
    return 0;
}

static void f5_from_zero_and_back_to_zero(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){.build = empty_world});
    pass(&s, 10);
    assert_int_equal(live(&s), 0);
    want(&s, 12);
    pass(&s, 20);
    assert_int_equal(running(&s, s.web), 12);
    want(&s, 0);
    pass(&s, 240);
    assert_int_equal(live(&s), 0);
    assert_int_equal(target_of(&s), 0);
    nothing_broke(&s);
    story_close(&s);
}

// The shortage is seen as missing tasks, as failed placements in the events, and asked again by ECS each minute.
static void f6_one_need_is_one_order_however_often_it_is_told(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){0});
    pass(&s, 20);
    int64_t since = now_ms(&s);
    want(&s, 44);
    pass(&s, 30);
    assert_int_equal(running(&s, s.web), 44);
    assert_true(applied_since(&s, "ec2:ModifySpotFleetRequest", since) <= 2);
    // 44 tasks of 0.5 vCPU and two of headroom on 4 vCPU: six instances, one more for the zones and one of lowering to come
    assert_true(target_of(&s) <= 8);
    nothing_broke(&s);
    story_close(&s);
}

enum { MANY = 50 };

static int many_world(const struct world_options *o, struct world **ret, struct err *err)
{
    int rc = world_empty(7, o, ret, err);
    if (rc)
        return rc;
    world_add_cluster(*ret, "main");
    int fleet_index = add_fleet(*ret, 14, "m5.xlarge", 1);
    for (int i = 0; i < 14; i++)
        add_host(*ret, fleet_index, i % 3);
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        add_service(*ret, (struct a_service){name, 512, 1024, 2, 100, 200, WS_SPREAD_ZONE, 0, 0});
    }
    return 0;
}

static void f7_a_deployment_of_fifty_services_does_not_double_the_fleet(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){.build = many_world});
    pass(&s, 20);
    int before = live(&s), most = 0;
    for (int i = 0; i < MANY; i++)
        assert_int_equal(world_deploy(world_of(&s), WORLD_PERSON, i, NULL), WORLD_OK);
    pass(&s, 1);
    assert_true(target_of(&s) <= before + 4);  // three services at once and headroom, not a hundred tasks (eleven instances)
    for (int k = 0; k < 60; k++) {
        pass(&s, 1);
        most = live(&s) > most ? live(&s) : most;
    }
    print_message("%d instances before, at most %d\n", before, most);
    assert_true(most < 2 * before);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(see(&s).services[i].deployment_count, 1);  // each is through
    nothing_broke(&s);
    story_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f3_tasks_of_a_managed_provider_are_told_and_never_ordered_for),
        cmocka_unit_test(f4_a_task_larger_than_any_type_is_told_within_a_minute_and_never_ordered_for),
        cmocka_unit_test(f5_from_zero_and_back_to_zero),
        cmocka_unit_test(f6_one_need_is_one_order_however_often_it_is_told),
        cmocka_unit_test(f7_a_deployment_of_fifty_services_does_not_double_the_fleet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
