// ECS managed scaling behaves as it is documented: by the minute alone, and through a whole group of the world.
#include "planner/sim/group.h"
#include "planner/sim/managed.h"
#include "planner/sim/trial.h"
#include "tests/sim/fixture.h"

static struct managed_facts idle(int64_t running, int64_t empty)
{
    return (struct managed_facts){.running = running, .empty = empty, .largest = res_make(4096, 16000), .smallest = res_make(4096, 7000)};
}

static struct managed_facts waiting(int64_t running, int64_t tasks)
{
    struct managed_facts f = idle(running, 0);
    f.waiting[0].need = res_make(512, 896);
    f.waiting[0].tasks = tasks;
    f.waiting_count = 1;
    return f;
}

static void from_zero_the_first_step_is_two_instances(void **state)
{
    (void)state;
    struct managed m;
    struct managed_facts f = waiting(0, 100);
    managed_init(&m, 100);
    assert_int_equal(managed_minute(&m, &f).desired, 0);  // the metric is of this minute, the alarm of the next
    assert_true(m.metric == 200);
    assert_int_equal(managed_minute(&m, &f).desired, 2);
    f = idle(0, 0);
    managed_init(&m, 100);
    managed_minute(&m, &f);
    assert_true(m.metric == 100);  // nothing runs and nothing waits
    assert_int_equal(managed_minute(&m, &f).desired, 0);
}

static void waiting_tasks_are_packed_on_the_largest_type(void **state)
{
    (void)state;
    struct managed m;
    struct managed_facts f = waiting(10, 17);  // 8 fit by CPU: three instances
    managed_init(&m, 100);
    managed_minute(&m, &f);
    assert_int_equal(managed_minute(&m, &f).desired, 13);
    f.waiting[1].need = res_make(1024, 1024);
    f.waiting[1].tasks = 20;  // five instances: the larger count is taken, not the sum
    f.waiting_count = 2;
    managed_init(&m, 100);
    managed_minute(&m, &f);
    assert_int_equal(managed_minute(&m, &f).desired, 15);
}

static void a_task_larger_than_the_smallest_type_never_scales_out(void **state)
{
    (void)state;
    struct managed m;
    struct managed_facts f = waiting(10, 5);
    f.waiting[0].need = res_make(512, 8000);  // fits the largest alone
    managed_init(&m, 100);
    for (int minute = 0; minute < 60; minute++)
        assert_int_equal(managed_minute(&m, &f).desired, 10);
    assert_true(m.metric == 100);
}

static void one_step_a_warm_up(void **state)
{
    (void)state;
    struct managed m;
    struct managed_facts f = waiting(10, 16);
    managed_init(&m, 100);
    managed_minute(&m, &f);
    f.warming = 1;
    assert_int_equal(managed_minute(&m, &f).desired, 10);
    assert_int_equal(managed_minute(&m, &f).desired, 10);
    f.warming = 0;
    assert_int_equal(managed_minute(&m, &f).desired, 12);
}

static void below_the_target_whole_instances_stay_free(void **state)
{
    (void)state;
    struct managed m;
    struct managed_facts f = idle(10, 1);  // 90 % reserved in instances
    managed_init(&m, 80);
    managed_minute(&m, &f);
    assert_int_equal(managed_minute(&m, &f).desired, 12);  // 10 × 90 / 80, rounded up
    f = idle(10, 2);
    managed_init(&m, 80);
    for (int minute = 0; minute < 40; minute++)
        assert_int_equal(managed_minute(&m, &f).desired, 10);  // at the target nothing moves
}

static void it_waits_fifteen_low_minutes(void **state)
{
    (void)state;
    struct managed m;
    struct managed_facts f = idle(10, 3), busy = idle(10, 0);
    managed_init(&m, 100);
    managed_minute(&m, &f);
    for (int low = 1; low <= 15; low++)
        assert_int_equal(managed_minute(&m, &f).end, 0);
    assert_int_equal(managed_minute(&m, &f).end, 3);
    managed_minute(&m, &busy);  // this minute is seen by the next
    managed_minute(&m, &busy);
    for (int low = 0; low <= 15; low++)
        assert_int_equal(managed_minute(&m, &f).end, 0);  // it begins anew
    assert_int_equal(managed_minute(&m, &f).end, 3);
}

static void it_never_removes_half_of_the_group_in_a_minute(void **state)
{
    (void)state;
    struct managed m;
    int64_t running = 334, minutes = 0, removing = 0;
    managed_init(&m, 100);
    for (; running > 34 && minutes < 100; minutes++) {
        struct managed_facts f = idle(running, running - 34);
        struct managed_answer a = managed_minute(&m, &f);
        assert_true(a.end * 2 < running);
        assert_true(a.end >= 0 && a.desired == running - a.end);
        removing += a.end > 0;
        running -= a.end;
    }
    assert_int_equal(running, 34);
    assert_int_equal(removing, 4);
    assert_int_equal(minutes, 1 + MANAGED_LOW_MINUTES + 4);
    print_message("334 -> 34 instances: %d minutes modelled, of them %d low ones before the first step; 10 minutes published, which leave those out\n",
                  (int)minutes, MANAGED_LOW_MINUTES);
    struct managed_facts last = idle(1, 1);
    managed_init(&m, 100);
    for (int minute = 0; minute < 16; minute++)
        managed_minute(&m, &last);
    assert_int_equal(managed_minute(&m, &last).end, 1);  // at least one goes, the last one too
}

static void only_empty_instances_go(void **state)
{
    (void)state;
    struct managed m;
    struct managed_facts f = idle(20, 2);
    managed_init(&m, 100);
    for (int minute = 0; minute < 16; minute++)
        managed_minute(&m, &f);
    assert_int_equal(managed_minute(&m, &f).end, 2);
}

static void in_a_group_tasks_wait_in_provisioning_and_none_is_killed(void **state)
{
    (void)state;
    struct scene s;
    struct arena a;
    struct world *w;
    struct err err;
    struct managed m;
    arena_init(&a, 0);
    scene_default(&s, 64);
    s.interruptions_per_instance_day = s.shortages_per_pool_day = 0;
    assert_int_equal(scene_world(&s, 3, SCENE_GROUP, &a, &w, &err), 0);
    managed_init(&m, 100);
    world_set_desired(w, WORLD_PERSON, 0, 60);
    int64_t most = 0;
    for (int minute = 0; minute < 12; minute++) {
        later(w, 60000);
        managed_act(&m, w);
        most = world_view(w).fleets[0].wanted > most ? world_view(w).fleets[0].wanted : most;
    }
    struct world_view v = world_view(w);
    assert_int_equal(v.services[0].running, 60);
    assert_int_equal(v.services[0].unplaced, 0);
    assert_true(most >= 15);
    world_set_desired(w, WORLD_PERSON, 0, 8);
    for (int minute = 0; minute < 14; minute++) {
        later(w, 60000);
        assert_int_equal(managed_act(&m, w), 0);
    }
    int64_t ended = 0;
    for (int minute = 0; minute < 30; minute++) {
        later(w, 60000);
        ended += managed_act(&m, w);
    }
    assert_true(ended > 0);
    assert_int_equal(world_view(w).counters->tasks_killed + world_view(w).counters->tasks_lost, 0);
    world_free(w);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_zero_the_first_step_is_two_instances),
        cmocka_unit_test(waiting_tasks_are_packed_on_the_largest_type),
        cmocka_unit_test(a_task_larger_than_the_smallest_type_never_scales_out),
        cmocka_unit_test(one_step_a_warm_up),
        cmocka_unit_test(below_the_target_whole_instances_stay_free),
        cmocka_unit_test(it_waits_fifteen_low_minutes),
        cmocka_unit_test(it_never_removes_half_of_the_group_in_a_minute),
        cmocka_unit_test(only_empty_instances_go),
        cmocka_unit_test(in_a_group_tasks_wait_in_provisioning_and_none_is_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
