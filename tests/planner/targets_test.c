// One target for a fleet, and what ends by it: the sums of both parts, doomed members, and our own victims among them.
#include "tests/planner/build.h"

#include <string.h>

static struct build b;
static int type, fleet, web;

// Four spot members of weight 1 at target 4; i-004 is ours, empty, and the fleet showed the target without it.
static int setup(void **state)
{
    (void)state;
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    b.s.types[type].spot_usd_micro = 70000;
    fleet = build_fleet(&b, "sfr-1", 3);
    build_pool(&b, fleet, type, 1000);
    b.s.fleets[fleet].pools[0].launch_template = "lt-1:1";
    web = build_service(&b, "web", build_shape(&b, "web:1", 1024, 2048), 8);
    for (int k = 0; k < 4; k++) {
        int i = build_instance(&b, fleet, type);
        b.s.instances[i].spot = true;
        if (k < 2)
            build_hold(&b, i, web, 4);
    }
    build_drained(&b, 3);
    static struct memo_drain lowered;
    lowered = (struct memo_drain){.instance = "i-004", .state = DRAIN_ENDING, .since_ms = b.s.now_ms - 4 * MINUTE, .state_since_ms = b.s.now_ms - 2 * MINUTE,
                                  .read_back_ms = b.s.now_ms - 4 * MINUTE, .empty_first_ms = b.s.now_ms - 4 * MINUTE,
                                  .deadline_ms = b.s.now_ms + 15 * MINUTE, .reason = "not needed"};
    b.memo = (struct memo){.version = MEMO_VERSION, .now_ms = b.s.now_ms - 30 * SECOND, .drains = &lowered, .drain_count = 1, .drain_cap = 1, .policy_hash = ""};
    b.has_memo = true;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static void a_victim_that_the_others_cover_is_ended_again_where_the_answer_was_lost(void **state)
{
    (void)state;
    assert_non_null(plan_action(build_plan(&b), ACTION_TERMINATE, "i-004"));
}

static void v3_a_victim_that_got_its_notice_is_none_of_the_others_that_cover_the_target(void **state)
{
    (void)state;
    b.s.fleets[fleet].target = 4;  // another raised it
    build_noticed(&b, 2);
    build_noticed(&b, 3);
    struct plan *p = build_plan(&b);  // two stay and one is doomed: without ours the fleet has three
    assert_int_equal(plan_count(p, ACTION_TERMINATE), 0);
    assert_non_null(strstr(plan_verdict(p, "i-004")->verdict, "would replace it"));
}

// Weights of 8: one member on spot and three on demand, of which i-004 is ours; the part is 23 of 31, or what the test says.
static void in_parts(int64_t target, int64_t part, enum drain_state state)
{
    for (int k = 0; k < 4; k++) {
        b.s.instances[k].weight_milli = 8000;
        b.s.instances[k].spot = k == 0;
    }
    b.s.fleets[fleet].pools[0].weight_milli = 8000;
    b.s.fleets[fleet].target = target;
    b.s.fleets[fleet].on_demand_target = part;
    b.memo.drains[0].state = state;
    b.memo.drains[0].empty_first_ms = b.s.now_ms - MINUTE;
}

static const struct action *sent(struct plan *p)
{
    const struct action *a = plan_action(p, ACTION_SET_TARGET, "sfr-1");
    if (!a) {
        plan_print(p);
        fail_msg("no target was sent");
    }
    return a;
}

static void v4_an_on_demand_victim_lowers_its_part_and_the_total_is_the_sum_of_what_stays(void **state)
{
    (void)state;
    in_parts(7 + 24, 24, DRAIN_EMPTY);  // spot is above its part of 7
    const struct action *a = sent(build_plan(&b));
    assert_int_equal(a->on_demand, 16);
    assert_int_equal(a->capacity, 8 + 16);
}

static void v3_an_on_demand_victim_lowers_its_part_also_where_the_total_does_not_fall(void **state)
{
    (void)state;
    in_parts(1 + 17, 17, DRAIN_EMPTY);  // on demand 24, of which 17 count; without ours 16
    const struct action *a = sent(build_plan(&b));
    assert_int_equal(a->on_demand, 16);
    assert_int_equal(a->capacity, 8 + 16);
    assert_int_equal(plan_count(&b.r.plan, ACTION_TERMINATE), 0);
}

static void a3_an_undone_on_demand_victim_comes_back_into_its_part(void **state)
{
    (void)state;
    in_parts(8 + 16, 16, DRAIN_LOWERED);
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 16;  // no room but there
    const struct action *a = sent(build_plan(&b));
    assert_non_null(plan_action(&b.r.plan, ACTION_UNDRAIN, "i-004"));
    assert_int_equal(a->on_demand, 24);
    assert_int_equal(a->capacity, 8 + 24);
    assert_string_equal(b.r.plan.actions[a->after].target, "i-004");
}

static void v23_an_on_demand_part_left_low_is_raised_to_what_runs_there(void **state)
{
    (void)state;
    in_parts(8 + 16, 16, DRAIN_GONE);
    b.memo.drain_count = 0;
    b.s.instances[3].ecs = ECS_ACTIVE;
    b.s.instances[3].mark = "";
    b.p.scale_in = false;
    for (int k = 0; k < 3; k++, build_later(&b, 30 * SECOND))
        build_plan(&b);
    const struct action *a = sent(&b.r.plan);
    assert_int_equal(a->on_demand, 24);
    assert_int_equal(a->capacity, 8 + 24);
}

// One is wanted beyond the three, which hold 12.
static int64_t raised_with_two_unseen(int32_t max)
{
    b.unseen_milli = 2000;
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 16;
    b.p.fleets[fleet].max = max;
    return plan_target(build_plan(&b), "sfr-1");
}

static void v4_a_raise_sums_what_a_look_leaves_out(void **state)
{
    (void)state;
    assert_int_equal(raised_with_two_unseen(10), 5);
}

static void v18_but_not_beyond_max(void **state)
{
    (void)state;
    assert_int_equal(raised_with_two_unseen(4), 4);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_victim_that_the_others_cover_is_ended_again_where_the_answer_was_lost),
        T(v3_a_victim_that_got_its_notice_is_none_of_the_others_that_cover_the_target),
        T(v4_an_on_demand_victim_lowers_its_part_and_the_total_is_the_sum_of_what_stays),
        T(v3_an_on_demand_victim_lowers_its_part_also_where_the_total_does_not_fall),
        T(a3_an_undone_on_demand_victim_comes_back_into_its_part),
        T(v4_a_raise_sums_what_a_look_leaves_out),
        T(v18_but_not_beyond_max),
        T(v23_an_on_demand_part_left_low_is_raised_to_what_runs_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
