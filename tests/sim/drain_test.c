#include "tests/sim/fixture.h"

// Drains one of two instances that hold all tasks of a service; the other has room for all.
struct outcome {
    int left;            // tasks that ECS still wants on the drained one after 10 minutes
    int fewest_healthy;
    int most_placed;
};

static struct outcome drained(int32_t desired, int32_t min_percent, int32_t max_percent)
{
    struct world *w = calm_world();
    int a = add_host(w, -1, 0);
    int s = add_service(w, (struct a_service){"web", 256, 256, desired, min_percent, max_percent, WS_SPREAD_ZONE, 0, 0});
    later(w, 120000);
    add_host(w, -1, 1);
    assert_int_equal(tasks_on(w, s, a), desired);
    assert_int_equal(drain(w, WORLD_PERSON, a), WORLD_OK);
    struct outcome o = {.fewest_healthy = desired};
    for (int i = 0; i < 600; i++) {
        later(w, 1000);
        int placed = service(w, s).running + service(w, s).pending, healthy = healthy_of(w, s);
        o.most_placed = placed > o.most_placed ? placed : o.most_placed;
        o.fewest_healthy = healthy < o.fewest_healthy ? healthy : o.fewest_healthy;
    }
    o.left = tasks_on(w, s, a);
    world_free(w);
    return o;
}

static void a_drain_moves_service_tasks_within_their_percents(void **state)
{
    (void)state;
    static const struct {
        int32_t desired, min_percent, max_percent;
        struct outcome want;
    } table[] = {
        {4, 100, 200, {0, 4, 8}},   // all started first
        {4, 100, 150, {0, 4, 6}},   // two at a time
        {4, 50, 100, {0, 2, 4}},    // stopped first, down to half
        {4, 0, 100, {0, 0, 4}},     // all stopped first
        {4, 100, 100, {4, 4, 4}},   // never: neither start nor stop
        {1, 100, 100, {1, 1, 1}},
        {1, 100, 150, {1, 1, 1}},   // floor(1.5) = 1: stuck too
        {1, 50, 199, {1, 1, 1}},    // ceil(0.5) = 1 and floor(1.99) = 1
        {1, 100, 200, {0, 1, 2}},
        {3, 34, 100, {0, 2, 3}},    // ceil(1.02) = 2
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct outcome o = drained(table[i].desired, table[i].min_percent, table[i].max_percent);
        assert_int_equal(o.left, table[i].want.left);
        assert_int_equal(o.fewest_healthy, table[i].want.fewest_healthy);
        assert_int_equal(o.most_placed, table[i].want.most_placed);
    }
}

static void a_drain_without_room_elsewhere_does_not_end(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int a = add_host(w, -1, 0);
    int s = add_service(w, (struct a_service){"web", 2048, 512, 2, 100, 200, WS_RANDOM, 0, 0});
    later(w, 120000);
    drain(w, WORLD_PERSON, a);
    later(w, 1800000);
    assert_int_equal(tasks_on(w, s, a), 2);
    world_free(w);
}

static void a_draining_instance_takes_no_tasks_and_can_be_made_active_again(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int a = add_host(w, -1, 0);
    assert_int_equal(drain(w, WORLD_PERSON, a), WORLD_OK);
    int s = add_service(w, (struct a_service){"web", 512, 512, 1, 100, 200, WS_RANDOM, 0, 0});
    later(w, 1);
    assert_int_equal(tasks_on(w, s, a), 0);
    assert_int_equal(world_set_container_instance_state(w, WORLD_PERSON, 0, a, WE_ACTIVE), WORLD_OK);
    later(w, 60000);
    assert_int_equal(tasks_on(w, s, a), 1);
    world_free(w);
}

static void pending_tasks_stop_at_once_on_a_drained_instance(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int a = add_host(w, -1, 0), b = add_host(w, -1, 1);
    int s = add_service(w, (struct a_service){"web", 256, 256, 4, 100, 100, WS_SPREAD_ZONE, 0, 0});
    later(w, 1);
    assert_int_equal(tasks_on(w, s, a), 2);
    drain(w, WORLD_PERSON, a);
    later(w, 1);
    assert_int_equal(tasks_on(w, s, a), 0);
    assert_int_equal(tasks_on(w, s, b), 4);
    world_free(w);
}

static void standalone_tasks_are_left_alone_and_daemons_go_last(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int d = add_service(w, (struct a_service){"agent", 128, 256, 0, 0, 100, WS_RANDOM, 0, true});
    int a = add_host(w, -1, 0), task;
    later(w, 30000);
    assert_int_equal(world_run_task(w, WORLD_PERSON, 0, a_def(w, "job", 128, 128), 900000, &task), WORLD_OK);
    later(w, 30000);
    add_host(w, -1, 1);
    drain(w, WORLD_PERSON, a);
    later(w, 600000);
    assert_int_equal(tasks_on(w, -1, a), 1);
    assert_int_equal(tasks_on(w, d, a), 1);
    later(w, 400000);
    assert_int_equal(tasks_on(w, -1, a), 0);
    assert_int_equal(alive_on(w, a), 0);
    world_free(w);
}

static void a_drain_waits_for_protected_tasks(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int a = add_host(w, -1, 0);
    int s = add_service(w, (struct a_service){"web", 256, 256, 1, 100, 200, WS_RANDOM, 0, 0});
    later(w, 120000);
    add_host(w, -1, 1);
    world_set_task_protection(w, WORLD_PERSON, first_task_on(w, s, a), true, 600000);
    drain(w, WORLD_PERSON, a);
    later(w, 500000);
    assert_int_equal(tasks_on(w, s, a), 1);
    later(w, 300000);
    assert_int_equal(tasks_on(w, s, a), 0);
    world_free(w);
}

static void only_registered_instances_change_between_active_and_draining(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 1, "m5.xlarge", 1);
    later(w, 20000);
    assert_int_equal(members(w, f), 1);
    assert_int_equal(drain(w, WORLD_OURS, 0), WORLD_NOT_FOUND);
    later(w, 400000);
    assert_int_equal(world_set_container_instance_state(w, WORLD_OURS, 0, 0, WE_INACTIVE), WORLD_INVALID);
    assert_int_equal(drain(w, WORLD_OURS, 0), WORLD_OK);
    world_terminate(w, WORLD_PERSON, &(int){0}, 1);
    later(w, 60000);
    assert_int_equal(drain(w, WORLD_OURS, 0), WORLD_BAD_STATE);
    world_free(w);
}

static void views_of_earlier_moments_show_the_state_of_then(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int a = add_host(w, -1, 0);
    later(w, 60000);
    drain(w, WORLD_PERSON, a);
    later(w, 3000);
    int64_t now_ms = world_view(w).now_ms;
    struct world_instance i = host(w, a);
    assert_int_equal(world_seen(&i.status, now_ms), WE_DRAINING);
    assert_int_equal(world_seen(&i.status, now_ms - 5000), WE_ACTIVE);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drain_moves_service_tasks_within_their_percents),
        cmocka_unit_test(a_drain_without_room_elsewhere_does_not_end),
        cmocka_unit_test(a_draining_instance_takes_no_tasks_and_can_be_made_active_again),
        cmocka_unit_test(pending_tasks_stop_at_once_on_a_drained_instance),
        cmocka_unit_test(standalone_tasks_are_left_alone_and_daemons_go_last),
        cmocka_unit_test(a_drain_waits_for_protected_tasks),
        cmocka_unit_test(only_registered_instances_change_between_active_and_draining),
        cmocka_unit_test(views_of_earlier_moments_show_the_state_of_then),
    };
    return cmocka_run_group_tests_name("drain", tests, NULL, NULL);
}
