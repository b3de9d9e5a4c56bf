// Fleets that do not fulfil, and the way back (A10, D9, L17, L18).
#include "tests/planner/fallback_bed.h"

// One tick; what it orders is what the fleets show at the next.
static struct plan *step(void)
{
    struct plan *p = build_plan(&b);
    for (size_t k = 0; k < p->action_count; k++) {
        const struct action *a = &p->actions[k];
        if (a->kind != ACTION_SET_TARGET)
            continue;
        b.s.fleets[a->fleet].target = a->capacity;
        b.s.fleets[a->fleet].on_demand_target = a->on_demand;
    }
    build_later(&b, 30 * SECOND);
    return p;
}

static void a10_the_need_of_a_fleet_that_does_not_fulfil_moves_and_its_order_is_withdrawn_in_the_same_plan(void **state)
{
    (void)state;
    want(20);
    assert_int_equal(plan_target(step(), "sfr-1"), 5);
    assert_int_equal(plan_target(step(), "sfr-2"), -1);
    step();
    struct plan *p = step();  // short since the second tick: 60 s
    assert_int_equal(plan_target(p, "sfr-2"), 1);
    assert_int_equal(plan_target(p, "sfr-1"), 4);
    assert_non_null(strstr(plan_verdict(p, "sfr-1")->fact, "not fulfilled"));
    assert_int_equal(plan_count(p, ACTION_TERMINATE) + plan_count(p, ACTION_DRAIN), 0);
}

// Nothing can be sent to it; what it holds stays as it is.
static void a5_the_need_of_a_fleet_that_modifies_for_10_min_moves(void **state)
{
    (void)state;
    want(20);
    b.s.fleets[spot].state = FLEET_MODIFYING;
    for (int k = 0; k < 20; k++)
        assert_int_equal(plan_target(step(), "sfr-2"), -1);
    struct plan *p = step();
    assert_int_equal(plan_target(p, "sfr-2"), 1);
    assert_int_equal(plan_target(p, "sfr-1"), -1);
    assert_int_equal(plan_count(p, ACTION_TERMINATE) + plan_count(p, ACTION_DRAIN), 0);
    b.s.fleets[spot].state = FLEET_ACTIVE;
    b.s.fleets[other].target = 0;
    build_later(&b, 10 * MINUTE);
    assert_int_equal(plan_target(step(), "sfr-1"), 5);  // it works again
}

static void a10_an_error_that_no_pool_has_capacity_moves_it_at_once(void **state)
{
    (void)state;
    want(20);
    step();
    step();
    b.s.fleets[spot].capacity_error_ms = b.s.now_ms - SECOND;
    struct plan *p = step();
    assert_int_equal(plan_target(p, "sfr-2"), 1);
    assert_int_equal(plan_target(p, "sfr-1"), 4);
}

static void a10_an_error_that_the_order_met_at_once_counts_in_the_very_next_tick(void **state)
{
    (void)state;
    want(20);
    int64_t before = b.s.now_ms;
    struct plan *p = step();
    assert_true(plan_target(p, "sfr-1") > 4);  // ordered
    int64_t ordered = b.s.now_ms;
    b.s.fleets[spot].capacity_error_ms = before - SECOND;
    assert_int_equal(plan_target(step(), "sfr-2"), -1);  // of before the order
    b.s.fleets[spot].capacity_error_ms = ordered + SECOND;
    assert_int_equal(plan_target(step(), "sfr-2"), 1);
}

static void a10_a_fleet_that_goes_on_launching_is_not_given_up(void **state)
{
    (void)state;
    want(28);
    for (int k = 0; k < 6; k++) {
        struct plan *p = step();
        assert_int_equal(plan_target(p, "sfr-2"), -1);
        if (k > 0 && k < 4) {
            int i = build_instance(&b, spot, type);
            b.s.instances[i].launched_ms = b.s.now_ms;
        }
    }
}

static void d9_on_demand_is_asked_after_two_minutes_where_no_other_fleet_can_and_the_total_stays(void **state)
{
    (void)state;
    b.p.fleets[other].max = 0;
    want(20);
    for (int k = 0; k < 5; k++) {
        struct plan *p = step();
        assert_int_equal(b.s.fleets[spot].on_demand_target, 0);
        assert_true(k == 0 || plan_target(p, "sfr-1") < 0);
    }
    struct plan *p = step();
    assert_int_equal(plan_target(p, "sfr-1"), 5);
    assert_int_equal(b.s.fleets[spot].on_demand_target, 1);
    assert_non_null(strstr(plan_verdict(p, "sfr-1")->fact, "short for"));
    assert_int_equal(memo_stamp_of(&b.memo, STAMP_ON_DEMAND, "sfr-1")->amount, 0);
    for (int k = 0; k < 4; k++)
        assert_int_equal(plan_target(step(), "sfr-1"), -1);  // once
}

static void v4_a_fleet_that_counts_a_member_which_a_look_leaves_out_is_not_short(void **state)
{
    (void)state;
    b.p.fleets[other].max = 0;
    b.s.fleets[spot].target = 5;
    b.unseen_milli = 1000;
    want(20);
    for (int k = 0; k < 12; k++)
        step();
    assert_int_equal(b.s.fleets[spot].on_demand_target, 0);
    b.unseen_milli = 0;  // it is gone
    for (int k = 0; k < 12; k++)
        step();
    assert_int_equal(b.s.fleets[spot].on_demand_target, 1);
}

// L10: what it asks for in vain is not coming, also where the rest of the need would be asked of it.
static void l10_what_a_dry_fleet_has_on_order_takes_no_step_from_the_others(void **state)
{
    (void)state;
    b.p.on_demand_ms = 0;
    b.p.step_instances = 1;  // so it is the four that are ACTIVE
    b.p.fleets[other].max = 0;
    b.s.fleets[spot].target = 10;
    want(40);
    for (int k = 0; k < 4; k++)
        step();
    b.p.fleets[other].max = 2;
    want(72);
    assert_int_equal(plan_target(step(), "sfr-2"), 2);
    assert_int_equal(plan_capped(&b.r.plan, "sfr-1")->allowed, 10);
}

static void d9_on_demand_is_not_asked_for_what_would_only_be_cheaper(void **state)
{
    (void)state;
    struct memo_stamp *v = arena_array(&b.a, struct memo_stamp, 3);
    int64_t at_ms = b.s.now_ms - 5 * MINUTE;
    v[0] = (struct memo_stamp){STAMP_REPLACE, "sfr-1", at_ms, at_ms + HOUR, 1, 5};
    v[1] = (struct memo_stamp){STAMP_VICTIM, "i-001", at_ms, at_ms + HOUR, 1, 10000};
    v[2] = (struct memo_stamp){STAMP_SHORT, "sfr-1", at_ms, 0, 0, 4000};
    b.memo = (struct memo){.version = MEMO_VERSION, .now_ms = b.s.now_ms - 30 * SECOND, .stamps = v, .stamp_count = 3, .stamp_cap = 3, .policy_hash = ""};
    b.has_memo = true;
    b.s.fleets[spot].target = 5;
    b.p.fleets[other].max = 0;
    for (int k = 0; k < 6; k++) {
        step();
        assert_int_equal(b.s.fleets[spot].on_demand_target, 0);
    }
    assert_non_null(strstr(plan_verdict(&b.r.plan, "sfr-1")->fact, "target 5"));  // asked for still
}

static void d9_on_demand_is_never_asked_where_the_policy_says_so(void **state)
{
    (void)state;
    b.p.fleets[other].max = 0;
    b.p.on_demand_ms = 0;
    want(20);
    for (int k = 0; k < 20; k++)
        step();
    assert_int_equal(b.s.fleets[spot].on_demand_target, 0);
}

static void d9_on_demand_goes_back_after_an_hour_and_half_an_hour_of_quiet_and_nothing_ends(void **state)
{
    (void)state;
    b.p.fleets[other].max = 0;
    want(20);
    for (int k = 0; k < 20 && b.s.fleets[spot].on_demand_target == 0; k++)
        step();
    int i = build_instance(&b, spot, type);
    b.s.instances[i].spot = false;
    b.s.instances[i].launched_ms = b.s.now_ms;
    build_hold(&b, i, web, 4);
    int64_t raised_ms = memo_stamp_of(&b.memo, STAMP_ON_DEMAND, "sfr-1")->since_ms;
    struct plan *p = NULL;
    for (int k = 0; k < 300 && b.s.fleets[spot].on_demand_target > 0; k++) {
        p = step();
        assert_true(b.s.now_ms - raised_ms < 2 * HOUR);
        assert_int_equal(plan_count(p, ACTION_TERMINATE) + plan_count(p, ACTION_DRAIN), 0);
    }
    assert_true(b.s.now_ms - raised_ms >= HOUR);
    assert_int_equal(plan_target(p, "sfr-1"), 5);  // the total is as it was
}

// Weights of 8: two members on spot, and two on demand, of which the part of 9 counts no more than it is.
static void overshoot(void)
{
    b.p.fleets[other].max = 0;
    for (int k = 0; k < 4; k++) {
        b.s.instances[k].weight_milli = 8000;
        b.s.instances[k].spot = k < 2;
    }
    for (size_t k = 0; k < b.s.fleets[spot].pool_count; k++)
        b.s.fleets[spot].pools[k].weight_milli = 8000;
    b.s.fleets[spot].target = 16 + 9;
    b.s.fleets[spot].on_demand_target = 9;
}

static void v4_more_on_demand_is_asked_beside_all_that_runs_there_and_spot_is_asked_for_nothing(void **state)
{
    (void)state;
    overshoot();
    want(20);
    assert_int_equal(plan_target(step(), "sfr-1"), 26);
    for (int k = 0; k < 10 && b.s.fleets[spot].on_demand_target == 9; k++)
        step();
    assert_int_equal(b.s.fleets[spot].on_demand_target, 16 + 1);
    assert_int_equal(b.s.fleets[spot].target, 16 + 17);
}

static void v18_more_on_demand_stays_within_max(void **state)
{
    (void)state;
    overshoot();
    b.p.fleets[spot].max = 30;
    want(20);
    for (int k = 0; k < 10 && b.s.fleets[spot].on_demand_target == 9; k++)
        step();
    assert_int_equal(b.s.fleets[spot].on_demand_target, 14);
    assert_int_equal(b.s.fleets[spot].target, 30);
}

static void v4_where_on_demand_goes_back_the_total_counts_all_that_runs(void **state)
{
    (void)state;
    overshoot();
    struct memo_stamp *ours = arena_new(&b.a, struct memo_stamp);
    *ours = (struct memo_stamp){STAMP_ON_DEMAND, "sfr-1", b.s.now_ms - 2 * HOUR, 0, 1, 0};
    b.memo = (struct memo){.version = MEMO_VERSION, .now_ms = b.s.now_ms - 30 * SECOND, .stamps = ours, .stamp_count = 1, .stamp_cap = 1, .policy_hash = ""};
    b.has_memo = true;
    assert_int_equal(plan_target(step(), "sfr-1"), 32);
    assert_int_equal(b.s.fleets[spot].on_demand_target, 0);
    for (int k = 0; k < 6; k++)
        assert_int_equal(plan_target(step(), "sfr-1"), -1);  // at rest
}

static void d9_a_fleet_with_an_on_demand_part_of_its_own_keeps_what_runs_there(void **state)
{
    (void)state;
    overshoot();
    b.s.fleets[spot].target = 16 + 17;
    b.s.fleets[spot].on_demand_target = 17;
    struct memo_stamp *ours = arena_new(&b.a, struct memo_stamp);
    *ours = (struct memo_stamp){STAMP_ON_DEMAND, "sfr-1", b.s.now_ms - 2 * HOUR, 0, 1, 4};
    b.memo = (struct memo){.version = MEMO_VERSION, .now_ms = b.s.now_ms - 30 * SECOND, .stamps = ours, .stamp_count = 1, .stamp_cap = 1, .policy_hash = ""};
    b.has_memo = true;
    step();
    assert_int_equal(b.s.fleets[spot].on_demand_target, 16);
    assert_int_equal(b.s.fleets[spot].target, 33);
}

static void l18_no_spot_is_drained_for_half_an_hour_after_a_capacity_error_but_on_demand_may_go(void **state)
{
    (void)state;
    want(8);
    for (int k = 2; k < 4; k++) {
        b.s.instances[k].holding_count = 0;
        b.s.instances[k].remaining = b.s.instances[k].registered;
        b.s.instances[k].ecs_running = 0;
    }
    b.s.services[web].running = b.s.services[web].deployments[0].running = 8;
    b.s.instances[3].spot = false;
    b.s.fleets[spot].capacity_error_ms = b.s.now_ms - MINUTE;
    build_ticks(&b, 8);
    assert_null(memo_drain_of(&b.memo, "i-003"));
    assert_non_null(memo_drain_of(&b.memo, "i-004"));
    assert_non_null(strstr(plan_verdict(&b.r.plan, "i-003")->fact, "had no capacity"));
}

static void l17_on_demand_in_place_of_spot_is_kept_for_an_hour(void **state)
{
    (void)state;
    want(12);
    b.s.services[web].running = b.s.services[web].deployments[0].running = 12;
    b.s.instances[3].holding_count = 0;
    b.s.instances[3].remaining = b.s.instances[3].registered;
    b.s.instances[3].ecs_running = 0;
    b.s.instances[3].spot = false;
    for (int k = 0; k < 3; k++)
        b.s.instances[k].forbidden = true;
    b.s.fleets[spot].on_demand_target = 1;
    struct memo_stamp *ours = arena_new(&b.a, struct memo_stamp);
    *ours = (struct memo_stamp){STAMP_ON_DEMAND, "sfr-1", b.s.now_ms - 50 * MINUTE, 0, 1, 0};
    b.memo = (struct memo){.version = MEMO_VERSION, .now_ms = b.s.now_ms - 30 * SECOND, .stamps = ours, .stamp_count = 1, .stamp_cap = 1, .policy_hash = ""};
    b.has_memo = true;
    build_ticks(&b, 19);
    assert_null(memo_drain_of(&b.memo, "i-004"));
    assert_non_null(strstr(plan_verdict(&b.r.plan, "i-004")->fact, "kept for an hour"));
    build_ticks(&b, 4);
    assert_non_null(memo_drain_of(&b.memo, "i-004"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a10_the_need_of_a_fleet_that_does_not_fulfil_moves_and_its_order_is_withdrawn_in_the_same_plan),
        T(a5_the_need_of_a_fleet_that_modifies_for_10_min_moves),
        T(a10_an_error_that_no_pool_has_capacity_moves_it_at_once),
        T(a10_an_error_that_the_order_met_at_once_counts_in_the_very_next_tick),
        T(a10_a_fleet_that_goes_on_launching_is_not_given_up),
        T(d9_on_demand_is_asked_after_two_minutes_where_no_other_fleet_can_and_the_total_stays),
        T(v4_a_fleet_that_counts_a_member_which_a_look_leaves_out_is_not_short),
        T(l10_what_a_dry_fleet_has_on_order_takes_no_step_from_the_others),
        T(d9_on_demand_is_not_asked_for_what_would_only_be_cheaper),
        T(d9_on_demand_is_never_asked_where_the_policy_says_so),
        T(d9_on_demand_goes_back_after_an_hour_and_half_an_hour_of_quiet_and_nothing_ends),
        T(v4_more_on_demand_is_asked_beside_all_that_runs_there_and_spot_is_asked_for_nothing),
        T(v18_more_on_demand_stays_within_max),
        T(v4_where_on_demand_goes_back_the_total_counts_all_that_runs),
        T(d9_a_fleet_with_an_on_demand_part_of_its_own_keeps_what_runs_there),
        T(l17_on_demand_in_place_of_spot_is_kept_for_an_hour),
        T(l18_no_spot_is_drained_for_half_an_hour_after_a_capacity_error_but_on_demand_may_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
