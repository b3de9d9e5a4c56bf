// The calendar in the plan: what its entries want is there before they begin, is kept, and is never a reason for less.
#include <string.h>

#include "base/rng.h"
#include "planner/forecast/usual.h"
#include "tests/planner/build.h"
#include "tests/planner/random_world.h"

// Tasks of an eighth of an instance, 16 of them on two instances; one entry, in an hour, for two hours.
static struct build b;
static int fleet, type, web;
static struct policy_event event;
static struct occasion occasion;

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
    b.s.boot_p90_ms = 2 * MINUTE;
    event = (struct policy_event){.name = "valentine", .times_milli = 2000};
    occasion = (struct occasion){.name = "valentine", .start_ms = b.s.now_ms + HOUR, .end_ms = b.s.now_ms + 3 * HOUR};
    b.p.calendar = (struct policy_calendar){&event, 1};
    b.s.occasions = &occasion;
    b.s.occasion_count = 1;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static void set_desired(int32_t desired)
{
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = desired;
}

// Its lead: a boot, two periods and half a minute.
static struct plan *plan_before_start(int64_t ms)
{
    build_later(&b, occasion.start_ms - ms - b.s.now_ms);
    return build_plan(&b);
}

static void capacity_is_ordered_a_boot_before_it_begins(void **state)
{
    (void)state;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), -1);
    assert_int_equal(plan_target(plan_before_start(3 * MINUTE + 31 * SECOND), "sfr-1"), -1);
    struct plan *p = plan_before_start(3 * MINUTE + 30 * SECOND);
    assert_int_equal(plan_target(p, "sfr-1"), 4);
    const struct verdict *v = plan_verdict(p, "calendar 'valentine'");
    assert_int_equal(v->code, VERDICT_LAUNCH);
    assert_string_equal(v->fact, "from 2026-09-21T15:13:20Z to 2026-09-21T17:13:20Z: twice the forecast; 16 tasks wanted now, 16 without it");
    assert_string_equal(v->verdict, "headroom of 100 % to order and to keep");
}

// Tripling 40 instances takes two steps of at most as many as there are, or 5: so it begins two boots before.
static void steps_that_follow_each_other_begin_so_much_earlier(void **state)
{
    (void)state;
    b.p.step_instances = 1;
    event.times_milli = 6000;  // 2 to 12: 4, 8, 16
    assert_int_equal(plan_target(plan_before_start(3 * 2 * MINUTE + 90 * SECOND + SECOND), "sfr-1"), -1);
    assert_true(plan_target(plan_before_start(3 * 2 * MINUTE + 90 * SECOND), "sfr-1") > 2);
}

// Once the tasks came they are no base: what was wanted before it began is.
static void what_came_with_it_is_not_multiplied_again(void **state)
{
    (void)state;
    plan_before_start(MINUTE);
    b.s.fleets[fleet].target = 4;
    for (int k = 0; k < 2; k++)
        build_hold(&b, build_instance(&b, fleet, type), web, 8);
    set_desired(32);
    b.s.services[web].running = 32;
    assert_int_equal(plan_target(plan_before_start(-10 * MINUTE), "sfr-1"), -1);
    assert_string_equal(plan_verdict(&b.r.plan, "calendar 'valentine'")->verdict, "nothing more");
    // Without a memo, in the midst of it, what is wanted is taken for what came.
    b.has_memo = false;
    assert_int_equal(plan_target(plan_before_start(-11 * MINUTE), "sfr-1"), -1);
}

static void an_entry_that_is_added_in_its_midst_counts_from_then(void **state)
{
    (void)state;
    b.s.occasion_count = 0;
    plan_before_start(-10 * MINUTE);
    b.s.occasion_count = 1;
    assert_int_equal(plan_target(plan_before_start(-11 * MINUTE), "sfr-1"), 4);
}

static void history_says_what_is_usual_and_growth_since_counts(void **state)
{
    (void)state;
    occasion.usual_tasks = 32;
    assert_int_equal(plan_target(plan_before_start(MINUTE), "sfr-1"), 8);
    b.has_memo = false;
    occasion.usual_tasks = 8;  // twice as much is wanted as is usual: so it is then
    assert_int_equal(plan_target(plan_before_start(50 * SECOND), "sfr-1"), 4);
    occasion.usual_tasks = 12;
    assert_int_equal(plan_target(plan_before_start(-10 * MINUTE), "sfr-1"), 6);
}

static void floors_are_of_cpu_memory_or_instances(void **state)
{
    (void)state;
    event.times_milli = 1000;
    static const struct {
        int64_t vcpus, gib, instances, target;
    } cases[] = {{16, 0, 0, 4}, {8, 0, 0, -1}, {0, 32, 0, 4}, {0, 0, 5, 5}, {16, 0, 6, 6}, {1, 1, 1, -1}};
    for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
        b.has_memo = false;
        event.least_vcpus = cases[k].vcpus;
        event.least_memory_gib = cases[k].gib;
        event.least_instances = cases[k].instances;
        assert_int_equal(plan_target(plan_before_start(MINUTE - (int64_t)k * SECOND), "sfr-1"), cases[k].target);
    }
    assert_non_null(strstr(plan_verdict(&b.r.plan, "calendar 'valentine'")->fact, "at least 1 vCPU, 1 GiB, 1 instances' worth;"));
}

static void of_entries_that_overlap_the_largest_counts(void **state)
{
    (void)state;
    struct policy_event two[] = {{.name = "a", .times_milli = 2000}, {.name = "b", .times_milli = 3000}};
    struct occasion when[] = {{"a", b.s.now_ms - HOUR, b.s.now_ms + HOUR, 16}, {"b", b.s.now_ms - HOUR, b.s.now_ms + HOUR, 16}};
    b.p.calendar = (struct policy_calendar){two, 2};
    b.s.occasions = when;
    b.s.occasion_count = 2;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 6);
}

static int marks_in(int64_t before_ms)
{
    int marks = 0;
    b.has_memo = false;
    occasion.start_ms = b.s.now_ms + before_ms;
    occasion.end_ms = occasion.start_ms + HOUR;
    for (int k = 0; k < 6; k++) {
        build_later(&b, 30 * SECOND);
        marks += plan_count(build_plan(&b), ACTION_MARK);
    }
    return marks;
}

// 210 s of lead, and 2 min x (1 + 0.3 x 10) that an instance may stand idle sooner than be booted again.
static void what_it_needs_soon_is_not_drained(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++)
        build_instance(&b, fleet, type);  // empty ones
    b.s.fleets[fleet].target = 4;
    assert_true(marks_in(3 * HOUR) >= 1);
    assert_int_equal(marks_in(210 * SECOND + 8 * MINUTE), 0);
    assert_int_equal(plan_verdict(&b.r.plan, "calendar 'valentine'")->code, VERDICT_KEEP);
    assert_non_null(strstr(plan_verdict(&b.r.plan, "calendar 'valentine'")->verdict, "to keep, orders from "));
    assert_int_equal(marks_in(0), 0);
}

static void when_it_is_over_it_wants_nothing(void **state)
{
    (void)state;
    plan_before_start(MINUTE);
    build_later(&b, 3 * HOUR);
    b.s.fleets[fleet].target = 2;
    struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), -1);
    for (size_t k = 0; k < p->verdict_count; k++)
        assert_null(strstr(p->verdicts[k].target, "calendar"));
}

static void an_entry_above_the_max_of_the_fleets_is_told_a_week_before(void **state)
{
    (void)state;
    ((struct policy_fleet *)b.p.fleets)[0].max = 3;
    occasion.start_ms = b.s.now_ms + 8 * 24 * HOUR;
    occasion.end_ms = occasion.start_ms + HOUR;
    assert_int_equal(build_plan(&b)->alert_count, 0);
    const struct alert *a = plan_alert(plan_before_start(6 * 24 * HOUR), "calendar-unmet", "valentine");
    assert_non_null(a);
    assert_non_null(strstr(a->what, "asks for room for 16 vCPU 32.0 GiB; all fleets at their max have 12 vCPU 48.0 GiB"));
    ((struct policy_fleet *)b.p.fleets)[0].max = 4;
    assert_int_equal(plan_before_start(5 * 24 * HOUR)->alert_count, 0);
}

static void where_no_service_wants_a_task_it_says_so(void **state)
{
    (void)state;
    event.least_instances = 4;
    set_desired(0);
    plan_before_start(HOUR);
    const struct alert *a = plan_alert(plan_before_start(MINUTE), "calendar-unmet", "valentine");
    assert_non_null(a);
    assert_non_null(strstr(a->what, "no service wants a task"));
}

// What a plan leaves of targets, in all.
static int64_t planned(const struct build *x, const struct plan *p)
{
    int64_t sum = 0;
    for (size_t f = 0; f < x->s.fleet_count; f++) {
        int64_t target = plan_target(p, x->s.fleets[f].id);
        sum += target < 0 ? x->s.fleets[f].target : target;
    }
    return sum;
}

static int64_t heaviest(const struct build *x)
{
    int64_t most = 0;
    for (size_t f = 0; f < x->s.fleet_count; f++)
        for (size_t k = 0; k < x->s.fleets[f].pool_count; k++)
            most = x->s.fleets[f].pools[k].weight_milli > most ? x->s.fleets[f].pools[k].weight_milli : most;
    return (most + 999) / 1000;
}

// V12's kin: whatever the calendar asks for, no target goes down because of it, and nothing more is drained. What is ordered may be dealt out to
// the fleets otherwise, and first fit of mixed sizes may save an instance by a task more, never two (as for V13).
static void an_entry_never_lowers_a_target(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct rng r;
        struct build x;
        rng_init(&r, 91000 + seed);
        random_world(&x, &r);
        struct policy_event e = {.name = "e", .times_milli = 1000 + (int64_t)rng_below(&r, 3000), .least_instances = (int64_t)rng_below(&r, 30)};
        struct occasion o = {"e", 0, 0, (int32_t)rng_below(&r, 3) * 20};
        for (int tick = 0; tick < 4; tick++) {
            struct planner_result with, without;
            struct err err = {0};
            build_settle(&x);
            o.start_ms = x.s.now_ms - 10 * MINUTE + (int64_t)rng_below(&r, 20) * MINUTE;
            o.end_ms = o.start_ms + HOUR;
            struct planner_input in = {.snapshot = &x.s, .memo = x.has_memo ? &x.memo : NULL, .policy = &x.p};
            assert_int_equal(planner_run(&in, &x.a, &without, &err), 0);
            x.p.calendar = (struct policy_calendar){&e, 1};
            x.s.occasions = &o;
            x.s.occasion_count = 1;
            assert_int_equal(planner_run(&in, &x.a, &with, &err), 0);
            x.p.calendar.count = x.s.occasion_count = 0;
            for (size_t f = 0; f < x.s.fleet_count; f++) {
                int64_t had = x.s.fleets[f].target, low = plan_target(&without.plan, x.s.fleets[f].id), high = plan_target(&with.plan, x.s.fleets[f].id);
                if (high >= 0 && high < had && high < (low < 0 ? had : low))
                    fail_msg("seed %d: %s to %d with the entry, %d without", (int)seed, x.s.fleets[f].id, (int)high, (int)low);
            }
            if (planned(&x, &with.plan) < planned(&x, &without.plan) - heaviest(&x))
                fail_msg("seed %d: %d planned with the entry, %d without", (int)seed, (int)planned(&x, &with.plan), (int)planned(&x, &without.plan));
            for (size_t i = 0; i < x.s.instance_count; i++)
                if (plan_action(&with.plan, ACTION_MARK, x.s.instances[i].id) && !plan_action(&without.plan, ACTION_MARK, x.s.instances[i].id))
                    fail_msg("seed %d: it drains %s with the entry", (int)seed, x.s.instances[i].id);
            build_plan(&x);
            random_obey(&x, &r);
            random_events(&x, &r);
            build_later(&x, 30 * SECOND);
        }
        build_release(&x);
    }
}

// ---- what is usual -------------------------------------------------------------------------------------------------------------
static void the_median_of_a_week_is_usual_and_events_are_left_out(void **state)
{
    (void)state;
    static struct usual u;
    int64_t noon_ms = T0 / 86400000 * 86400000 + 12 * HOUR;
    u = (struct usual){0};
    for (int day = 7; day >= 1; day--)
        for (int64_t ms = noon_ms - day * 24 * HOUR - HOUR; ms < noon_ms - day * 24 * HOUR + HOUR; ms += USUAL_STEP_MS)
            usual_note(&u, ms, ms < noon_ms - day * 24 * HOUR ? 10 : day == 3 ? 500 : 20 + day);
    struct occasion o[] = {{"a", noon_ms, noon_ms + HOUR, 0}, {"b", noon_ms - HOUR, noon_ms + HOUR, 0}, {"c", noon_ms + 36 * HOUR, noon_ms + 40 * HOUR, 0},
                           {"d", noon_ms + 4 * HOUR, noon_ms + 5 * HOUR, 0}};
    struct snapshot s = {.now_ms = noon_ms - 30 * MINUTE, .occasions = o, .occasion_count = 4};
    usual_tell(&u, &s);
    assert_int_equal(o[0].usual_tasks, 25);  // of 21, 22, 500, 24 to 27
    assert_int_equal(o[1].usual_tasks, 10);
    assert_int_equal(o[2].usual_tasks, 0);   // not within a day
    assert_int_equal(o[3].usual_tasks, 0);   // unknown
    usual_note(&u, noon_ms + 30 * 24 * HOUR, 1);  // a long silence: nothing is left
    s.now_ms = noon_ms + 30 * 24 * HOUR;
    o[0] = (struct occasion){"a", s.now_ms + HOUR, s.now_ms + 2 * HOUR, 0};
    usual_tell(&u, &s);
    assert_int_equal(o[0].usual_tasks, 0);
}

static void g5_usual_is_the_larger_of_both_phases_after_a_change_of_the_clock(void **state)
{
    (void)state;
    static struct usual u;
    int64_t noon_ms = T0 / 86400000 * 86400000 + 12 * HOUR;
    u = (struct usual){.clock = {.at_s = (noon_ms - 60 * HOUR) / 1000, .by_s = 3600}};
    for (int64_t ms = noon_ms - 7 * 24 * HOUR; ms < noon_ms - 2 * HOUR; ms += USUAL_STEP_MS)
        usual_note(&u, ms, ms % (24 * HOUR) < 12 * HOUR ? 10 : 20);  // by UTC
    struct occasion o[] = {{"a", noon_ms - HOUR, noon_ms, 0}, {"b", noon_ms, noon_ms + HOUR, 0}, {"c", noon_ms - 2 * HOUR, noon_ms + HOUR, 0}};
    struct snapshot s = {.now_ms = noon_ms - 2 * HOUR, .occasions = o, .occasion_count = 3};
    usual_tell(&u, &s);
    assert_int_equal(o[0].usual_tasks, 20);  // five of seven days were before the change, and an hour later there
    assert_int_equal(o[1].usual_tasks, 20);
    assert_int_equal(o[2].usual_tasks, 10);
    u.clock.by_s = 0;
    o[0].usual_tasks = 0;
    usual_tell(&u, &s);
    assert_int_equal(o[0].usual_tasks, 10);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(capacity_is_ordered_a_boot_before_it_begins),
        T(steps_that_follow_each_other_begin_so_much_earlier),
        T(what_came_with_it_is_not_multiplied_again),
        T(an_entry_that_is_added_in_its_midst_counts_from_then),
        T(history_says_what_is_usual_and_growth_since_counts),
        T(floors_are_of_cpu_memory_or_instances),
        T(of_entries_that_overlap_the_largest_counts),
        T(what_it_needs_soon_is_not_drained),
        T(when_it_is_over_it_wants_nothing),
        T(an_entry_above_the_max_of_the_fleets_is_told_a_week_before),
        T(where_no_service_wants_a_task_it_says_so),
        T(the_median_of_a_week_is_usual_and_events_are_left_out),
        T(g5_usual_is_the_larger_of_both_phases_after_a_change_of_the_clock),
        cmocka_unit_test(an_entry_never_lowers_a_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
