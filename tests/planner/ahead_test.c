// The forecast in the plan: what the outlook wants is ordered and kept as whole tasks; the keeper makes an outlook of what it sees.
#include <math.h>
#include <string.h>

#include "planner/forecast/outlook.h"
#include "planner/model/trouble.h"
#include "tests/planner/build.h"

// Tasks of an eighth of an instance, 16 of them on two instances.
static struct build b;
static int fleet, type, web;

static int setup(void **state)
{
    (void)state;
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 16384);
    fleet = build_fleet(&b, "sfr-1", 2);
    build_pool(&b, fleet, type, 1000);
    web = build_service(&b, "web", build_shape(&b, "web:1", 512, 1024), 16);
    for (int k = 0; k < 2; k++) {
        build_instance(&b, fleet, type);
        build_hold(&b, k, web, 8);
    }
    b.p.waiting_costs_milli = 10000;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static struct plan *plan_with(int32_t up, int32_t keep)
{
    b.s.outlook = (struct outlook){.at_ms = b.s.now_ms, .need_milli = 2000, .up = up, .keep = keep, .boot_ms = 2 * MINUTE};
    return build_plan(&b);
}

static void levels_worth_their_boot_are_ordered(void **state)
{
    (void)state;
    assert_int_equal(plan_target(plan_with(2, 2), "sfr-1"), -1);
    struct plan *p = plan_with(4, 6);
    assert_int_equal(plan_target(p, "sfr-1"), 4);
    const struct verdict *v = plan_verdict(p, "c forecast");
    assert_int_equal(v->code, VERDICT_LAUNCH);
    assert_string_equal(v->fact, "2 instances' worth wanted now, 4 worth a boot of 2 min ahead, 6 worth keeping");
}

static void without_a_price_or_with_an_old_outlook_nothing_is(void **state)
{
    (void)state;
    b.s.outlook = (struct outlook){.at_ms = b.s.now_ms, .need_milli = 2000, .up = 4, .keep = 6, .boot_ms = 2 * MINUTE};
    b.p.waiting_costs_milli = 0;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), -1);
    b.p.waiting_costs_milli = 10000;
    b.s.outlook.at_ms = b.s.now_ms - 3 * MINUTE;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), -1);
    b.s.outlook.at_ms = 0;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), -1);
}

// The larger of the policy's per cent and the forecast's, not their sum.
static void headroom_of_the_policy_is_not_added(void **state)
{
    (void)state;
    b.p.headroom_percent = 40;
    assert_int_equal(plan_target(plan_with(2, 2), "sfr-1"), 3);
    b.has_memo = false;
    assert_int_equal(plan_target(plan_with(3, 3), "sfr-1"), 3);
    b.has_memo = false;
    assert_int_equal(plan_target(plan_with(4, 4), "sfr-1"), 4);
}

static int marks_of(int32_t keep)
{
    int marks = 0;
    b.has_memo = false;
    for (int k = 0; k < 6; k++) {
        build_later(&b, 30 * SECOND);
        marks += plan_count(plan_with(2, keep), ACTION_MARK);
    }
    return marks;
}

static void levels_worth_keeping_are_not_drained(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++)
        build_instance(&b, fleet, type);  // empty ones
    b.s.fleets[fleet].target = 4;
    assert_int_equal(marks_of(4), 0);
    assert_int_equal(marks_of(6), 0);  // more than there is
    assert_true(marks_of(3) >= 1);
    assert_true(marks_of(2) >= 1);
}

// Without a source of use nothing about use is asked: what a forecast keeps holds no more than that.
static void beside_a_level_worth_keeping_tasks_are_moved_as_ever(void **state)
{
    (void)state;
    for (int k = 2; k < 5; k++) {
        build_instance(&b, fleet, type);
        build_hold(&b, k, web, 1);
    }
    b.s.fleets[fleet].target = 5;
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 19;
    b.p.usage.on_unknown = USAGE_UNKNOWN_HOLD;
    int marks = 0;
    for (int k = 0; k < 6; k++) {
        build_later(&b, 30 * SECOND);
        b.s.outlook = (struct outlook){.at_ms = b.s.now_ms, .need_milli = 2375, .up = 3, .keep = 4, .boot_ms = 2 * MINUTE};
        marks += plan_count(build_plan(&b), ACTION_MARK);
    }
    assert_true(marks >= 1);
}

// Of the zone "b" one may go. Without the forecast it is the dear one; the forecast keeps that, and the other one of its zone is not taken in its place.
static void v12_what_a_forecast_keeps_lets_no_other_go(void **state)
{
    (void)state;
    static const struct {
        int64_t cpu_units, usd_micro;
        const char *zone;
        int32_t tasks;
    } HOSTS[] = {{12288, 200000, "b", 3}, {1024, 41000, "a", 1}, {1024, 40000, "b", 1}, {4096, 40000, "a", 4}, {4096, 40000, "c", 5}, {4096, 40000, "", 8}};
    build_release(&b);
    build_init(&b);
    fleet = build_fleet(&b, "sfr-1", (int64_t)ARRAY_LEN(HOSTS));
    web = build_service(&b, "web", build_shape(&b, "web:1", 512, 1024), 22);
    for (size_t k = 0; k < ARRAY_LEN(HOSTS); k++) {
        type = build_type(&b, arena_printf(&b.a, "t%zu", k), HOSTS[k].cpu_units, 65536);
        b.s.types[type].on_demand_usd_micro = HOSTS[k].usd_micro;
        build_pool(&b, fleet, type, 1000);
        int i = build_instance(&b, fleet, type);
        build_hold(&b, i, web, HOSTS[k].tasks);
        b.s.instances[i].zone = HOSTS[k].zone;
    }
    b.p.waiting_costs_milli = 10000;
    b.p.unneeded_ms = 1;
    b.p.settle_ms = 0;
    b.p.drain_percent = 50;
    b.p.service_percent = 100;
    b.p.shrink_percent = 90;
    b.s.instances[1].holdings[0].protected_ = 1;
    assert_int_equal(plan_count(build_plan(&b), ACTION_MARK), 0);
    b.s.instances[1].holdings[0].protected_ = 0;
    struct memo before = b.memo;
    build_later(&b, 30 * SECOND);
    struct plan *p = build_plan(&b);
    assert_non_null(plan_action(p, ACTION_MARK, b.s.instances[0].id));
    assert_null(plan_action(p, ACTION_MARK, b.s.instances[2].id));
    b.memo = before;
    p = plan_with(3, 4);
    assert_null(plan_action(p, ACTION_MARK, b.s.instances[0].id));
    assert_null(plan_action(p, ACTION_MARK, b.s.instances[2].id));
}

// ---- L13 -------------------------------------------------------------------------------------------------------------------------
static void the_larger_of_need_and_a_fifth_above_the_most_of_28_days_bounds_it(void **state)
{
    (void)state;
    static const struct {
        int64_t most_milli, target;
        const char *why;
    } cases[] = {{0, 4, ": no more than as much again"}, {100000, 4, ": no more than as much again"}, {3000, 4, ": no more than 1.2 times the most of 28 days"},
                 {2500, 3, ": no more than 1.2 times the most of 28 days"}, {1000, 3, ": no more than 1.2 times the most of 28 days"}};
    for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
        b.has_memo = false;
        b.s.outlook = (struct outlook){b.s.now_ms, 2000, 9, 9, 2 * MINUTE, cases[k].most_milli};
        assert_int_equal(plan_target(build_plan(&b), "sfr-1"), cases[k].target);
        assert_non_null(strstr(plan_verdict(&b.r.plan, "c forecast")->verdict, cases[k].why));
    }
    b.has_memo = false;
    b.s.outlook.up = b.s.outlook.keep = 3;
    b.s.outlook.most_28d_milli = 0;
    assert_null(strstr(plan_verdict(build_plan(&b), "c forecast")->verdict, "no more than"));
}

// What was foreseen before goes on while there is trouble, for a day; elsewhere it is late.
static void d8_what_was_foreseen_before_the_trouble_is_ordered_in_it(void **state)
{
    (void)state;
    static const struct {
        int64_t ago_ms;
        bool trouble;
        int64_t target;
    } cases[] = {{10 * MINUTE, false, -1}, {10 * MINUTE, true, 4}, {23 * HOUR, true, 4}, {25 * HOUR, true, -1}};
    for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
        b.has_memo = false;
        b.s.sources[SOURCE_EC2_INSTANCES].state = cases[k].trouble ? SOURCE_PARTIAL : SOURCE_OK;
        b.s.outlook = (struct outlook){b.s.now_ms - cases[k].ago_ms, 2000, 4, 6, 2 * MINUTE, 0};
        assert_int_equal(plan_target(build_plan(&b), "sfr-1"), cases[k].target);
        const struct verdict *v = plan_verdict(&b.r.plan, "c forecast");
        assert_non_null(strstr(v->fact, cases[k].target > 0 ? "frozen while there is trouble" : "late"));
    }
}

struct lie {
    struct outlook x;  // at_ms: after now
    bool believed;
    int64_t order, keep;  // instances, with what is needed
};

static const struct lie lies[] = {
    {{0, 2000, INT32_MAX, INT32_MAX, 0, 0}, true, 4, 4},
    {{0, 2000, 1000000000, 1000000000, 0, 2000}, true, 3, 3},
    {{0, 2000, 3, INT32_MAX, -1, 2000}, true, 3, 3},
    {{0, 1, 1, INT32_MAX, 0, 0}, true, 4, 4},               // what is needed is a lie, too
    {{0, 2000, 2, 2, 0, 1}, true, 2, 2},                    // flat
    {{0, 2000, 0, 0, 0, 0}, true, 2, 2},
    {{0, 2000, -1, 5, 0, 0}, false, 2, 2},
    {{0, 2000, INT32_MIN, INT32_MIN, INT64_MIN, 0}, false, 2, 2},
    {{0, 2000, 5, 4, 0, 0}, false, 2, 2},
    {{0, INT64_MAX, INT32_MAX, INT32_MAX, 0, INT64_MAX}, false, 2, 2},
    {{0, -2000, 5, 5, 0, 0}, false, 2, 2},
    {{0, 2000, 5, 5, 0, -1}, false, 2, 2},
    {{-2 * MINUTE - 1, 2000, 5, 5, 0, 0}, false, 2, 2},     // late
    {{1, 2000, 5, 5, 0, 0}, false, 2, 2},                   // of the future
};

static struct plan *plan_lied(const struct lie *l)
{
    b.s.outlook = l->x;
    b.s.outlook.at_ms += b.s.now_ms;
    return build_plan(&b);
}

static void g3_a_hostile_forecast_adds_at_most_l13(void **state)
{
    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(lies); k++) {
        b.has_memo = false;
        int64_t target = plan_target(plan_lied(&lies[k]), "sfr-1");
        assert_int_equal(target < 0 ? 2 : target, lies[k].order);
        if (!lies[k].believed)
            assert_string_equal(plan_verdict(&b.r.plan, "c forecast")->verdict, "not believed");
    }
}

// Six instances for sixteen tasks: a lie keeps what L13 lets it, and not one more.
static void g3_a_hostile_forecast_holds_at_most_l13(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++)
        build_instance(&b, fleet, type);
    b.s.fleets[fleet].target = 6;
    b.p.drain_percent = 100;
    b.p.shrink_percent = 90;
    for (size_t k = 0; k < ARRAY_LEN(lies); k++) {
        int marks = 0;
        b.has_memo = false;
        for (int tick = 0; tick < 6; tick++) {
            build_later(&b, 30 * SECOND);
            marks += plan_count(plan_lied(&lies[k]), ACTION_MARK);
        }
        if (lies[k].keep > 2)
            assert_true(marks > 0 && marks <= 6 - lies[k].keep);
        else
            assert_true(marks > 2);
    }
}

// ---- the keeper ------------------------------------------------------------------------------------------------------------------
static struct outlook see(struct outlook_keeper *k, int steps)
{
    struct outlook x = {0};
    for (int i = 0; i < steps; i++) {
        build_later(&b, 30 * SECOND);
        x = outlook_see(k, &b.s, 10000);
    }
    return x;
}

static void an_outlook_takes_a_day_and_a_quarter_of_demand(void **state)
{
    (void)state;
    struct outlook_keeper k = {0};
    assert_int_equal(see(&k, 3500).at_ms, 0);
    struct outlook x = see(&k, 150);
    assert_int_equal(x.at_ms, b.s.now_ms);
    assert_int_equal(x.need_milli, 2000);  // 16 eighths
    assert_int_equal(x.up, 2);
    assert_int_equal(x.keep, 2);
    assert_int_equal(x.boot_ms, 2 * MINUTE);
    assert_int_equal(x.most_28d_milli, 2000);
    outlook_release(&k);
}

static void the_most_of_28_days_is_of_each_look_and_is_forgotten_after(void **state)
{
    (void)state;
    struct outlook_keeper k = {0};
    enum { STEPS = 27 * 288 };
    static double tasks[STEPS];
    for (int i = 0; i < STEPS; i++)
        tasks[i] = i < 288 ? 80 : 16;
    outlook_recall(&k, &b.s, tasks, STEPS, 5 * MINUTE, b.s.now_ms / (5 * MINUTE) * (5 * MINUTE));
    assert_int_equal(see(&k, 1).most_28d_milli, 10000);
    for (int gap = 0; gap < 3; gap++) {
        build_later(&b, 23 * HOUR);
        outlook_see(&k, &b.s, 10000);
    }
    build_later(&b, 30 * SECOND);
    assert_int_equal(outlook_see(&k, &b.s, 10000).most_28d_milli, 2000);
    outlook_release(&k);
}

static void stale_services_are_no_demand_and_gaps_keep_the_time_of_day(void **state)
{
    (void)state;
    struct outlook_keeper k = {0};
    see(&k, 3650);
    size_t pushed_ms = (size_t)k.pushed_ms;
    b.s.sources[SOURCE_SERVICES].state = SOURCE_UNKNOWN;
    b.s.now_ms += 30 * SECOND;
    assert_int_equal(outlook_see(&k, &b.s, 10000).at_ms, b.s.now_ms - 30 * SECOND);  // the one before
    assert_int_equal(k.pushed_ms, pushed_ms);
    b.s.sources[SOURCE_SERVICES].state = SOURCE_OK;
    b.s.services[web].desired = 32;
    b.s.now_ms += 2 * HOUR;
    struct outlook x = outlook_see(&k, &b.s, 10000);
    assert_int_equal(x.need_milli, 4000);
    assert_true(b.s.now_ms - k.pushed_ms < 30 * SECOND);
    struct bank *bank = k.bank;
    b.s.now_ms -= HOUR;  // a clock that steps back
    assert_int_equal(outlook_see(&k, &b.s, 10000).at_ms, b.s.now_ms);
    assert_ptr_equal(k.bank, bank);
    b.s.now_ms += 49 * HOUR;  // too long ago: begun anew
    assert_int_equal(outlook_see(&k, &b.s, 10000).at_ms, 0);
    assert_false(bank_ready(k.bank));
    outlook_release(&k);
}

// A restart goes on with what the history knows.
static void the_past_is_recalled_and_an_outlook_is_there_at_once(void **state)
{
    (void)state;
    enum { STEPS = 2 * 288 };
    double tasks[STEPS];
    struct outlook_keeper k = {0};
    for (int i = 0; i < STEPS; i++)
        tasks[i] = i < 40 || i % 50 == 7 ? NAN : 16;
    outlook_recall(&k, &b.s, tasks, STEPS, 5 * MINUTE, b.s.now_ms - 2 * HOUR);  // it was down for two hours
    struct outlook x = outlook_see(&k, &b.s, 10000);
    assert_int_equal(x.at_ms, b.s.now_ms);
    assert_int_equal(x.need_milli, 2000);
    assert_int_equal(x.up, 2);
    outlook_release(&k);
    outlook_recall(&k, &b.s, tasks, STEPS, 5 * MINUTE, b.s.now_ms - 25 * HOUR);  // too long ago
    assert_null(k.bank);
    outlook_recall(&k, &b.s, tasks, 30, 5 * MINUTE, b.s.now_ms);  // nothing is known
    assert_null(k.bank);
    b.s.services[web].desired = 0;  // no task to tell what one takes
    outlook_recall(&k, &b.s, tasks, STEPS, 5 * MINUTE, b.s.now_ms - MINUTE);
    assert_null(k.bank);
}

// Callers that are cut off ask for less; what they want is as it was, and more counts at once.
static void g7_demand_does_not_fall_while_circuit_breakers_are_open(void **state)
{
    (void)state;
    struct outlook_keeper k = {0};
    see(&k, 3650);
    b.s.overflow.state = SOURCE_OK;
    b.s.overflowing = "main-web";
    b.s.services[web].desired = 8;
    struct outlook x = see(&k, 120);
    assert_int_equal(x.need_milli, 2000);
    assert_int_equal(x.keep, 2);
    b.s.services[web].desired = 24;
    assert_int_equal(see(&k, 1).need_milli, 3000);
    b.s.overflowing = "";
    b.s.services[web].desired = 8;
    assert_int_equal(see(&k, 1).need_milli, 1000);
    outlook_release(&k);
}

// ---- trouble ---------------------------------------------------------------------------------------------------------------------
static void lose_agents(int from, int count, bool lost)
{
    for (int i = from; i < from + count; i++)
        b.s.instances[i].agent_connected = !lost;
}

static void make_trouble(int kind, bool on)
{
    switch (kind) {
    case 0:
        lose_agents(2, 3, on);
        return;
    case 1:
        for (int i = 2; i < 5; i++)
            b.s.instances[i].notice_ms = on ? b.s.now_ms : 0;
        return;
    case 2:
        b.s.sources[SOURCE_CONTAINER_INSTANCES].state = on ? SOURCE_PARTIAL : SOURCE_OK;
        return;
    default:
        b.s.sources[SOURCE_SERVICES].state = on ? SOURCE_UNKNOWN : SOURCE_OK;
    }
}

static void expect_new(struct outlook_keeper *k)
{
    int64_t at_ms = see(k, 1).at_ms;
    assert_int_equal(at_ms, b.s.now_ms);
}

// Agents of three of five are lost, or three are interrupted, or facts are missing; what is wanted then jumps.
static void d8_in_trouble_the_forecast_is_frozen_as_it_was_said_last(void **state)
{
    (void)state;
    struct outlook_keeper k = {0};
    for (int i = 0; i < 3; i++)
        build_instance(&b, fleet, type);
    see(&k, 3650);
    for (int kind = 0; kind < 4; kind++) {
        struct outlook was = see(&k, 1);
        assert_int_equal(was.at_ms, b.s.now_ms);
        b.s.services[web].desired = 400;
        struct outlook x = was;
        for (int i = 0; i < 20; i++) {
            build_later(&b, 30 * SECOND);
            make_trouble(kind, true);
            x = outlook_see(&k, &b.s, 10000);
        }
        assert_int_equal(x.at_ms, was.at_ms);
        assert_int_equal(x.up, was.up);
        assert_int_equal(x.keep, was.keep);
        assert_int_equal(x.most_28d_milli, was.most_28d_milli);
        assert_int_equal(x.need_milli, kind < 3 ? 50000 : was.need_milli);  // what is wanted now is a fact, where it is known
        make_trouble(kind, false);
        b.s.services[web].desired = 16;
    }
    expect_new(&k);
    make_trouble(0, true);
    int64_t calm_ms = b.s.now_ms;
    assert_int_equal(see(&k, 2880).at_ms, calm_ms);
    expect_new(&k);  // what lasts a day is how things are
    expect_new(&k);
    outlook_release(&k);
}

static void d8_a_start_in_trouble_foresees_nothing(void **state)
{
    (void)state;
    enum { STEPS = 2 * 288 };
    double tasks[STEPS];
    struct outlook_keeper k = {0};
    for (int i = 0; i < STEPS; i++)
        tasks[i] = 16;
    for (int i = 0; i < 3; i++)
        build_instance(&b, fleet, type);
    lose_agents(2, 3, true);
    outlook_recall(&k, &b.s, tasks, STEPS, 5 * MINUTE, b.s.now_ms - MINUTE);
    assert_int_equal(see(&k, 10).at_ms, 0);
    lose_agents(2, 3, false);
    expect_new(&k);
    outlook_release(&k);
}

// Five members in one zone, fifteen in another, and ten that their group keeps aside or EC2 has ended, all without agents.
static void trouble_is_a_fifth_and_three_of_the_members_of_cluster_or_zone(void **state)
{
    (void)state;
    static const struct {
        int a, b;  // so many are down in each
        bool troubled;
    } cases[] = {{0, 0, false}, {2, 0, false}, {3, 0, true}, {1, 2, false}, {0, 3, false}, {0, 4, true}, {2, 2, false}, {2, 3, true}};
    for (int i = 2; i < 30; i++)
        build_instance(&b, fleet, type);
    for (int i = 0; i < 30; i++)
        b.s.instances[i].zone = i < 5 ? "us-east-1a" : "us-east-1b";
    for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
        lose_agents(0, 20, false);
        lose_agents(0, cases[k].a, true);
        lose_agents(5, cases[k].b, true);
        lose_agents(20, 10, true);
        for (int i = 20; i < 30; i++)
            b.s.instances[i].member = i < 25 ? "Warmed:Running" : "";
        for (int i = 25; i < 30; i++)
            b.s.instances[i].ec2 = EC2_TERMINATED;
        assert_int_equal(snapshot_troubled(&b.s), cases[k].troubled);
    }
}

// What is not known is filled so that times of day stay where they are, and is no history: G4.
static void g4_under_a_day_of_known_history_there_is_no_forecast(void **state)
{
    (void)state;
    enum { STEPS = 10 * 288 };
    static double tasks[STEPS];
    static const struct {
        int every, of, last;  // so many of each `of` values are known; and the last ones
        bool said;
    } cases[] = {{2, STEPS, 1, false}, {10, 280, 1, false}, {29, 288, 1, true}, {288, 1000, 100, false}, {288, 500, 0, true}, {288, 1000, 0, false}};
    for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
        struct outlook_keeper k = {0};
        for (int i = 0; i < STEPS; i++)
            tasks[i] = i % cases[c].of < cases[c].every || i >= STEPS - cases[c].last ? 16 : NAN;
        outlook_recall(&k, &b.s, tasks, STEPS, 5 * MINUTE, b.s.now_ms - MINUTE);
        assert_int_equal(outlook_see(&k, &b.s, 10000).at_ms, cases[c].said ? b.s.now_ms : 0);
        outlook_release(&k);
    }
}

static void before_a_gap_of_a_day_only_the_most_is_recalled(void **state)
{
    (void)state;
    enum { STEPS = 10 * 288 };
    static double tasks[STEPS];
    struct outlook_keeper k = {0};
    for (int i = 0; i < STEPS; i++)
        tasks[i] = i < 3 * 288 ? 80 : i < 4 * 288 + 1 ? NAN : 16;
    outlook_recall(&k, &b.s, tasks, STEPS, 5 * MINUTE, b.s.now_ms - MINUTE);
    struct outlook x = outlook_see(&k, &b.s, 10000);
    assert_int_equal(x.most_28d_milli, 10000);
    assert_int_equal(x.keep, 2);
    assert_true(k.known_ms < 6 * 24 * HOUR);
    outlook_release(&k);
    outlook_recall(&k, &b.s, tasks, 4 * 288 + 1, 5 * MINUTE, b.s.now_ms);  // the last is over a day old
    assert_null(k.bank);
    outlook_release(&k);
}

// Looks that are far apart tell of their moments alone.
static void g4_a_look_an_hour_is_no_history(void **state)
{
    (void)state;
    struct outlook_keeper k = {0};
    for (int i = 0; i < 72; i++) {
        build_later(&b, HOUR);
        assert_int_equal(outlook_see(&k, &b.s, 10000).at_ms, 0);
    }
    assert_true(bank_ready(k.bank));
    outlook_release(&k);
}

static void it_looks_as_far_ahead_as_a_boot_takes_now(void **state)
{
    (void)state;
    struct outlook_keeper k = {0};
    assert_int_equal(see(&k, 3650).boot_ms, 2 * MINUTE);
    const struct bank *bank = k.bank;
    b.s.boot_p90_ms = 95 * SECOND;  // in whole steps the same
    assert_int_equal(see(&k, 1).boot_ms, 2 * MINUTE);
    assert_ptr_equal(k.bank, bank);
    b.s.boot_p90_ms *= 2;
    struct outlook x = see(&k, 1);
    assert_int_equal(x.boot_ms, 210 * SECOND);
    assert_int_equal(x.at_ms, b.s.now_ms);  // with all that it knew
    assert_int_equal(x.need_milli, 2000);
    assert_int_equal(x.keep, 2);
    b.s.boot_p90_ms = 65 * SECOND;
    assert_int_equal(see(&k, 119).boot_ms, 210 * SECOND);  // not twice an hour
    assert_int_equal(see(&k, 1).boot_ms, 90 * SECOND);
    b.s.boot_p90_ms = 0;
    assert_int_equal(see(&k, 200).boot_ms, 90 * SECOND);
    outlook_release(&k);
}

static void a_cluster_without_instances_has_no_unit_yet(void **state)
{
    (void)state;
    struct outlook_keeper k = {0};
    b.s.instance_count = 0;
    assert_int_equal(outlook_see(&k, &b.s, 10000).at_ms, 0);
    assert_null(k.bank);
    outlook_release(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(levels_worth_their_boot_are_ordered, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_price_or_with_an_old_outlook_nothing_is, setup, teardown),
        cmocka_unit_test_setup_teardown(headroom_of_the_policy_is_not_added, setup, teardown),
        cmocka_unit_test_setup_teardown(levels_worth_keeping_are_not_drained, setup, teardown),
        cmocka_unit_test_setup_teardown(beside_a_level_worth_keeping_tasks_are_moved_as_ever, setup, teardown),
        cmocka_unit_test_setup_teardown(v12_what_a_forecast_keeps_lets_no_other_go, setup, teardown),
        cmocka_unit_test_setup_teardown(the_larger_of_need_and_a_fifth_above_the_most_of_28_days_bounds_it, setup, teardown),
        cmocka_unit_test_setup_teardown(g3_a_hostile_forecast_adds_at_most_l13, setup, teardown),
        cmocka_unit_test_setup_teardown(g3_a_hostile_forecast_holds_at_most_l13, setup, teardown),
        cmocka_unit_test_setup_teardown(an_outlook_takes_a_day_and_a_quarter_of_demand, setup, teardown),
        cmocka_unit_test_setup_teardown(the_most_of_28_days_is_of_each_look_and_is_forgotten_after, setup, teardown),
        cmocka_unit_test_setup_teardown(stale_services_are_no_demand_and_gaps_keep_the_time_of_day, setup, teardown),
        cmocka_unit_test_setup_teardown(the_past_is_recalled_and_an_outlook_is_there_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(g7_demand_does_not_fall_while_circuit_breakers_are_open, setup, teardown),
        cmocka_unit_test_setup_teardown(d8_what_was_foreseen_before_the_trouble_is_ordered_in_it, setup, teardown),
        cmocka_unit_test_setup_teardown(d8_in_trouble_the_forecast_is_frozen_as_it_was_said_last, setup, teardown),
        cmocka_unit_test_setup_teardown(d8_a_start_in_trouble_foresees_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(trouble_is_a_fifth_and_three_of_the_members_of_cluster_or_zone, setup, teardown),
        cmocka_unit_test_setup_teardown(g4_under_a_day_of_known_history_there_is_no_forecast, setup, teardown),
        cmocka_unit_test_setup_teardown(before_a_gap_of_a_day_only_the_most_is_recalled, setup, teardown),
        cmocka_unit_test_setup_teardown(g4_a_look_an_hour_is_no_history, setup, teardown),
        cmocka_unit_test_setup_teardown(it_looks_as_far_ahead_as_a_boot_takes_now, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cluster_without_instances_has_no_unit_yet, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
