// Pools that failed, are scored low or are out of stock (L17).
#include "planner/pool_memory.h"

#include "tests/planner/fallback_bed.h"

static const struct memo_stamp *pool_stamp(const char *key)
{
    return memo_stamp_of(&b.memo, STAMP_POOL, key);
}

static void a_pool_that_interrupted_is_avoided_for_3_minutes_then_twice_as_long_each_time(void **state)
{
    (void)state;
    static const int64_t minutes[] = {3, 6, 12, 24, 30, 30};
    for (size_t k = 0; k < ARRAY_LEN(minutes); k++) {
        b.s.instances[0].notice_ms = b.s.now_ms - SECOND;
        build_plan(&b);
        const struct memo_stamp *x = pool_stamp("m5.xlarge us-east-1a");
        assert_non_null(x);
        assert_int_equal(x->until_ms - x->since_ms, minutes[k] * MINUTE);
        assert_int_equal(x->amount, POOL_INTERRUPTED);
        assert_non_null(strstr(plan_verdict(&b.r.plan, "m5.xlarge us-east-1a")->verdict, "avoid until"));
        assert_null(pool_stamp("m5.xlarge us-east-1b"));
        build_later(&b, minutes[k] * MINUTE + SECOND);
    }
}

static void trouble_while_a_pool_is_avoided_is_the_same_trouble(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        b.s.instances[0].notice_ms = b.s.now_ms - SECOND;
        build_plan(&b);
        assert_int_equal(pool_stamp("m5.xlarge us-east-1a")->count, 1);
        build_later(&b, 30 * SECOND);
    }
}

static void half_an_hour_of_quiet_halves_the_count_until_the_pool_is_forgotten(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        b.s.instances[0].notice_ms = b.s.now_ms - SECOND;
        build_plan(&b);
        build_later(&b, 13 * MINUTE);
    }
    assert_int_equal(pool_stamp("m5.xlarge us-east-1a")->count, 3);
    b.s.instances[0].notice_ms = 0;
    build_later(&b, 31 * MINUTE);
    build_plan(&b);
    build_later(&b, SECOND);
    b.s.instances[0].notice_ms = b.s.now_ms - SECOND;  // 3 halved is 1: the second in a row
    build_plan(&b);
    assert_int_equal(pool_stamp("m5.xlarge us-east-1a")->count, 2);
    b.s.instances[0].notice_ms = 0;
    build_later(&b, 3 * HOUR);
    build_plan(&b);
    assert_null(pool_stamp("m5.xlarge us-east-1a"));
}

static void the_fleet_whose_pools_all_failed_is_asked_last(void **state)
{
    (void)state;
    want(20);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 5);  // the policy's order
    build_later(&b, 30 * SECOND);
    b.has_memo = false;
    for (int z = 0; z < 2; z++)
        b.s.fleets[spot].pools[z].refused_ms = b.s.now_ms - SECOND;
    struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), -1);
    assert_int_equal(plan_target(p, "sfr-2"), 1);
}

static void a_fleet_whose_pools_were_interrupted_costs_the_restarts_that_are_to_be_expected(void **state)
{
    (void)state;
    b.p.task_restart_usd_micro = 0;
    for (size_t z = 0; z < 2; z++)
        b.s.fleets[spot].pools[z].spot_usd_micro = 70000;  // four tasks an instance: 17,500 a task and hour
    b.s.fleets[other].pools[0].spot_usd_micro = 72000;     // 500 more
    for (int k = 0; k < 2; k++)
        b.s.instances[k].notice_ms = b.s.now_ms - SECOND;
    build_plan(&b);
    for (int k = 0; k < 2; k++)
        b.s.instances[k].notice_ms = 0;
    build_later(&b, 5 * MINUTE);  // none is avoided any more
    want(20);
    struct memo before = b.memo;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 5);
    b.memo = before;
    b.p.task_restart_usd_micro = 1000;  // 1.386 an hour
    struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), -1);
    assert_int_equal(plan_target(p, "sfr-2"), 1);
}

static void score(int fleet, size_t pool, int32_t score, int64_t at_ms)
{
    b.s.fleets[fleet].pools[pool].score = score;
    b.s.fleets[fleet].pools[pool].scored_ms = at_ms;
}

static void a_zone_that_aws_scores_low_counts_as_dearer_less_with_each_hour_and_through_a_restart(void **state)
{
    (void)state;
    for (size_t z = 0; z < 2; z++)
        b.s.fleets[spot].pools[z].spot_usd_micro = 70000;
    b.s.fleets[other].pools[0].spot_usd_micro = 80000;  // 14 % dearer
    want(20);
    b.p.placement_scores_ms = HOUR;
    score(spot, 0, 1, b.s.now_ms);
    score(spot, 1, 1, b.s.now_ms);
    score(other, 0, 10, b.s.now_ms);
    struct memo before = b.memo;
    bool had_memo = b.has_memo;
    assert_int_equal(plan_target(build_plan(&b), "sfr-2"), 1);
    assert_int_equal(memo_stamp_of(&b.memo, STAMP_SCORE, "sfr-1 us-east-1a")->count, 1);
    struct memo told = b.memo;
    b.p.placement_scores_ms = 0;  // the policy does not ask
    b.memo = before;
    b.has_memo = had_memo;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 5);
    assert_null(memo_stamp_of(&b.memo, STAMP_SCORE, "sfr-1 us-east-1a"));
    b.p.placement_scores_ms = HOUR;
    for (size_t z = 0; z < 2; z++)  // what the memo of another run tells is as good
        score(spot, z, 0, 0);
    score(other, 0, 0, 0);
    for (int hours = 0; hours < 30; hours += 3) {
        b.memo = before;
        b.has_memo = true;
        for (size_t k = 0; k < told.stamp_count; k++)
            if (told.stamps[k].kind == STAMP_SCORE) {
                b.memo.stamps = arena_grow(&b.a, b.memo.stamps, b.memo.stamp_count, &b.memo.stamp_cap, sizeof *b.memo.stamps);
                b.memo.stamps[b.memo.stamp_count++] = told.stamps[k];
            }
        b.memo.version = MEMO_VERSION;
        struct plan *p = build_plan(&b);
        assert_int_equal(plan_target(p, "sfr-2"), hours < 3 ? 1 : -1);  // 25 %, then 12.5 %
        assert_int_equal(memo_stamp_of(&b.memo, STAMP_SCORE, "sfr-1 us-east-1a") != NULL, hours < 24);
        build_later(&b, 3 * HOUR);
    }
}

static void scores_of_other_zones_fleets_or_times_are_nothing(void **state)
{
    (void)state;
    b.p.placement_scores_ms = HOUR;
    score(spot, 0, 11, b.s.now_ms);
    score(spot, 1, 3, b.s.now_ms + MINUTE);
    score(other, 0, 5, b.s.now_ms - 25 * HOUR);
    build_plan(&b);
    for (size_t k = 0; k < b.memo.stamp_count; k++)
        assert_int_not_equal(b.memo.stamps[k].kind, STAMP_SCORE);
}

static void what_is_out_of_stock_everywhere_is_not_reckoned_with_in_the_order(void **state)
{
    (void)state;
    int small = build_type(&b, "m5.large", 2048, 7600);
    b.s.types[small].spot_usd_micro = 35000;
    build_pool(&b, spot, small, 1000);
    b.s.fleets[spot].pools[2].zone = "us-east-1a";
    b.p.fleets[other].max = 0;
    want(24);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 4 + 4);  // two tasks on each of the small type
    build_later(&b, 30 * SECOND);
    b.has_memo = false;
    b.s.fleets[spot].pools[2].refused_ms = b.s.now_ms - SECOND;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 4 + 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_pool_that_interrupted_is_avoided_for_3_minutes_then_twice_as_long_each_time),
        T(trouble_while_a_pool_is_avoided_is_the_same_trouble),
        T(half_an_hour_of_quiet_halves_the_count_until_the_pool_is_forgotten),
        T(the_fleet_whose_pools_all_failed_is_asked_last),
        T(a_fleet_whose_pools_were_interrupted_costs_the_restarts_that_are_to_be_expected),
        T(what_is_out_of_stock_everywhere_is_not_reckoned_with_in_the_order),
        T(a_zone_that_aws_scores_low_counts_as_dearer_less_with_each_hour_and_through_a_restart),
        T(scores_of_other_zones_fleets_or_times_are_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
