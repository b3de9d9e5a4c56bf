// V10 to V13, V17, V26 and V35: plans that the planner makes pass, and each planted bug in a plan trips.
#include "tests/planner/build.h"
#include "tests/sim/rogue.h"

struct bench {
    struct build b;
    struct rig r;
};

// Two instances with tasks, one empty and unneeded for long: the plan drains it.
static void bench_init(struct bench *t)
{
    build_init(&t->b);
    t->r = a_rig();
    int type = build_type(&t->b, "m5.xlarge", 4096, 15000);
    int fleet = build_fleet(&t->b, "sfr-1", 3);
    build_pool(&t->b, fleet, type, 1000);
    int shape = build_shape(&t->b, "web:1", 1024, 1024);
    int web = build_service(&t->b, "web", shape, 4);
    for (int i = 0; i < 3; i++)
        build_instance(&t->b, fleet, type);
    build_hold(&t->b, 0, web, 2);
    build_hold(&t->b, 1, web, 2);
}

static void bench_release(struct bench *t)
{
    rig_release(&t->r);
    build_release(&t->b);
}

static struct planner_input input_of(struct bench *t)
{
    return (struct planner_input){&t->b.s, NULL, &t->b.p};
}

static void plans_of_the_planner_pass(void **state)
{
    (void)state;
    struct bench t;
    bench_init(&t);
    int drains = 0;
    for (int i = 0; i < 12; i++) {
        struct memo before = t.b.memo;
        bool had = t.b.has_memo;
        struct plan *p = build_plan(&t.b);
        struct planner_input in = {&t.b.s, had ? &before : NULL, &t.b.p};
        invariants_check_plan(t.r.inv, &in, &t.b.r);
        drains += plan_count(p, ACTION_DRAIN);
        build_later(&t.b, 30 * SECOND);
    }
    int64_t calls, plans;
    invariants_judged(t.r.inv, &calls, &plans);
    assert_true(drains > 0);
    assert_int_equal(plans, 12);
    expect_clean(&t.r);
    bench_release(&t);
}

static void check(struct bench *t)
{
    struct planner_input in = input_of(t);
    invariants_check_plan(t->r.inv, &in, &t->b.r);
}

// The planted bug of V31: money is told of instances that cost something else.
static void v31_trips_on_money_that_nobody_spends(void **state)
{
    (void)state;
    struct bench t;
    bench_init(&t);
    struct plan *p = build_plan(&t.b);
    struct invariants_options o;
    invariants_options_default(&o);
    o.judge_money = true;
    invariants_free(t.r.inv);
    t.r.inv = invariants_attach(t.r.w, &o);
    p->summary.hourly.micro = 1000000;
    check(&t);
    expect(&t.r, V31);
    bench_release(&t);
}

// Of a member whose pool its fleet no longer has no price is asked for: money of it is an estimate, and of the others it is judged.
static void v31_judges_money_of_what_the_fleet_may_launch(void **state)
{
    (void)state;
    for (int foreign = 0; foreign < 2; foreign++) {
        struct bench t;
        bench_init(&t);
        struct invariants_options o;
        invariants_options_default(&o);
        o.judge_money = true;
        invariants_free(t.r.inv);
        t.r.inv = invariants_attach(t.r.w, &o);
        struct plan *p = build_plan(&t.b);
        for (int i = 0; i < 3; i++)
            t.b.s.instances[i].id = id_of(&t.r, t.r.hosts[i]);
        if (foreign)
            t.b.s.instances[1].type = "m4.xlarge";
        p->summary.hourly.micro = 1000000000;
        check(&t);
        assert_int_equal(invariants_count_of(t.r.inv, V31) > 0, !foreign);
        bench_release(&t);
    }
}

static void v17_trips_on_a_plan_that_differs_in_one_number(void **state)
{
    (void)state;
    struct bench t;
    bench_init(&t);
    struct plan *p = build_plan(&t.b);
    p->summary.instances++;
    check(&t);
    expect(&t.r, V17);
    bench_release(&t);
}

static void v17_trips_on_any_word_that_differs_also_in_plans_without_actions(void **state)
{
    (void)state;
    struct bench t;
    bench_init(&t);
    t.b.p.scale_in = false;
    struct plan *p = build_plan(&t.b);
    assert_int_equal(p->action_count, 0);
    check(&t);
    expect_clean(&t.r);  // the first is compared as JSON, the next ones by their fields
    p->verdicts[0].fact = "another";
    check(&t);
    expect(&t.r, V17);
    bench_release(&t);
}

static void v17_trips_on_a_memo_that_differs(void **state)
{
    (void)state;
    struct bench t;
    bench_init(&t);
    build_plan(&t.b);
    t.b.r.memo.drains_begun++;
    check(&t);
    expect(&t.r, V17);
    bench_release(&t);
}

static struct action a_removal(struct bench *t, enum action_kind kind)
{
    return (struct action){.kind = kind, .target = kind == ACTION_SET_TARGET ? "sfr-1" : t->b.s.instances[2].id,
                           .instance = kind == ACTION_SET_TARGET ? -1 : 2, .fleet = 0, .capacity = 2, .target_before = 3, .value = "",
                           .after = -1, .fact = "it is empty", .verdict = "remove"};
}

// ---- V11 to V13 ----------------------------------------------------------------------------------------------------------------
// A plan that begins a drain, with the memo that it was made with.
static struct plan *plan_that_drains(struct bench *t, struct memo *ret_before)
{
    for (int i = 0; i < 12; i++) {
        *ret_before = t->b.memo;
        bool had = t->b.has_memo;
        struct plan *p = build_plan(&t->b);
        if (had && plan_count(p, ACTION_MARK) > 0)
            return p;
        build_later(&t->b, 30 * SECOND);
    }
    fail_msg("nothing is drained");
    return NULL;
}

// All questions are asked of it, each of every source.
static void judge_beside(struct bench *t, const struct memo *before)
{
    struct planner_input in = {&t->b.s, before, &t->b.p};
    for (int k = 0; k < 5 * 3 * 3 * SOURCE_COUNT; k++)
        invariants_check_plan(t->r.inv, &in, &t->b.r);
}

// The planted bugs: what makes it drain is the source that is worse; a task more makes it order less.
static void v11_v13_trip_where_less_known_removes_and_more_wanted_orders_less(void **state)
{
    (void)state;
    struct bench t;
    struct memo before;
    bench_init(&t);
    struct plan *p = plan_that_drains(&t, &before);
    judge_beside(&t, &before);
    assert_int_equal(invariants_count(t.r.inv), 0);
    for (size_t k = 0; k < p->action_count; k++)
        p->actions[k].kind = p->actions[k].kind == ACTION_MARK ? ACTION_CLAIM : p->actions[k].kind;
    judge_beside(&t, &before);
    assert_true(invariants_count_of(t.r.inv, V11) > 0);
    assert_int_equal(invariants_count_of(t.r.inv, V13), 0);
    p->action_count = 1;
    p->actions[0] = (struct action){.kind = ACTION_SET_TARGET, .target = "sfr-1", .capacity = 9, .fact = "", .verdict = "launch", .after = -1, .instance = -1};
    judge_beside(&t, &before);
    assert_true(invariants_count_of(t.r.inv, V13) > 0);
    assert_int_equal(invariants_count_of(t.r.inv, V12), 0);
    bench_release(&t);
}

// A replacement is there and the doomed weight leaves the target: one task more may save an instance of what is still on order, no two.
static void v13_forgives_an_instance_less_of_an_order(void **state)
{
    (void)state;
    struct bench t;
    struct memo before;
    bench_init(&t);
    t.b.s.instances[1].notice_ms = t.b.s.now_ms - 95 * SECOND;
    t.b.s.instances[1].ecs = ECS_DRAINING;
    t.b.s.instances[2].launched_ms = t.b.s.now_ms - 90 * SECOND;
    t.b.s.fleets[0].target = 4;
    t.b.s.fleets[0].fulfilled_milli = 3000;
    before = t.b.memo;
    struct plan *p = build_plan(&t.b);
    assert_int_equal(plan_target(p, "sfr-1"), 2);
    for (int more = 1; more < 8; more += 6) {
        for (size_t k = 0; k < p->action_count; k++)
            p->actions[k].capacity = p->actions[k].kind == ACTION_SET_TARGET ? 2 + more : p->actions[k].capacity;
        judge_beside(&t, &before);
        assert_int_equal(invariants_count_of(t.r.inv, V13) > 0, more > 1);
    }
    bench_release(&t);
}

// Launched at once, instances are counted and differ in size: fewer and larger ones for a task more are no fault, fewer of everything is, and so
// is an order that the fleet beside gets no more, whatever is launched.
static void v13_tells_another_mix_from_less(void **state)
{
    (void)state;
    const struct {
        const char *type;
        int64_t times, beside;
        bool told;
    } cases[] = {{"m5.xlarge", 3, 0, true}, {"c5.large", 3, 0, false}, {"c5.large", 1, 0, false}, {"c5.large", 1, 9, true}};
    for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
        struct bench t;
        bench_init(&t);
        int kept = build_fleet(&t.b, "sfr-2", 0);
        t.b.p.fleets[kept].max = 0;
        int small = build_type(&t.b, "c5.large", 2048, 3500), large = 0;
        struct fleet *f = &t.b.s.fleets[0];
        f->kind = FLEET_INSTANT;
        f->name = "spare";
        f->maintain = false;
        t.b.p.fleets[0] = (struct policy_fleet){.id = "", .tag = "", .group = "", .max = 100, .instant = {.name = "spare", .launch_template = "lt-1", .version = "$Default"}};
        t.b.s.types[large].nominal = res_make(4096, 16384);
        t.b.s.types[small].nominal = res_make(2048, 4096);
        t.b.s.services[0].desired = t.b.s.services[0].deployments[0].desired = 60;
        struct memo before = t.b.memo;
        struct plan *p = build_plan(&t.b);
        int64_t n = 0;
        for (size_t a = 0; a < p->action_count; a++)
            n += p->actions[a].kind == ACTION_LAUNCH ? p->actions[a].capacity : 0;
        assert_in_range(n, 8, 20);  // so many of m5.xlarge; beside them in the plan without the task: thrice as many and smaller, or as large
        for (size_t a = 0; a < p->action_count; a++) {
            if (p->actions[a].kind != ACTION_LAUNCH)
                continue;
            p->actions[a].capacity *= cases[k].times;
            p->actions[a].value = arena_printf(&t.b.a, "lt-1:$Default %s@subnet-a", cases[k].type);
        }
        struct action order = {.kind = ACTION_SET_TARGET, .target = "sfr-2", .capacity = cases[k].beside, .fact = "", .verdict = "launch", .after = -1, .instance = -1};
        struct action *actions = arena_array(&t.b.a, struct action, p->action_count + 1);
        memcpy(actions, p->actions, p->action_count * sizeof *actions);
        actions[p->action_count] = order;
        p->actions = actions;
        p->action_count += cases[k].beside > 0;
        judge_beside(&t, &before);
        assert_int_equal(invariants_count_of(t.r.inv, V13) > 0, cases[k].told);
        bench_release(&t);
    }
}

// The planted bug of V12: a forecast of little drains what is needed now.
static void v12_trips_where_the_forecast_removes(void **state)
{
    (void)state;
    struct bench t;
    struct memo before;
    bench_init(&t);
    t.b.p.waiting_costs_milli = 10000;
    t.b.s.outlook = (struct outlook){.at_ms = t.b.s.now_ms, .need_milli = 2000, .up = 2, .keep = 2, .boot_ms = 2 * MINUTE};
    struct plan *p = plan_that_drains(&t, &before);
    t.b.s.outlook.at_ms = t.b.s.now_ms;
    for (size_t k = 0; k < p->action_count; k++)
        if (p->actions[k].kind == ACTION_MARK)
            p->actions[k].target = t.b.s.instances[0].id;  // which is full
    judge_beside(&t, &before);
    assert_true(invariants_count_of(t.r.inv, V12) > 0);
    bench_release(&t);
}

static void v10_trips_on_a_removal_when_any_source_is_not_known(void **state)
{
    (void)state;
    static const enum source_kind kinds[] = {SOURCE_CONTAINER_INSTANCES, SOURCE_SERVICES, SOURCE_TASKS, SOURCE_TASK_DEFINITIONS,
                                             SOURCE_EC2_INSTANCES, SOURCE_FLEETS};
    static const enum action_kind removals[] = {ACTION_DRAIN, ACTION_SET_TARGET, ACTION_TERMINATE};
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        for (size_t a = 0; a < 2 * ARRAY_LEN(removals); a++) {
            struct bench t;
            bench_init(&t);
            struct plan *p = build_plan(&t.b);
            struct action x = a_removal(&t, removals[a / 2]);
            if (a % 2)
                t.b.s.sources[kinds[k]].state = SOURCE_PARTIAL;
            else
                t.b.s.sources[kinds[k]].read_ms -= t.b.p.max_age_ms + 1;
            p->actions = &x;
            p->action_count = 1;
            check(&t);
            bool end_of_empty = removals[a / 2] == ACTION_SET_TARGET && k != 0 && k != 2;  // may be the end of an empty drain
            if (!end_of_empty)
                expect(&t.r, V10);
            bench_release(&t);
        }
    }
}

static void v35_trips_on_a_removal_by_a_clock_that_was_set(void **state)
{
    (void)state;
    for (int off = 60; off <= 61; off++) {
        struct bench t;
        bench_init(&t);
        struct plan *p = build_plan(&t.b);
        struct action x = a_removal(&t, ACTION_TERMINATE);
        t.b.s.clock_off_ms = -off * SECOND;
        p->actions = &x;
        p->action_count = 1;
        check(&t);
        assert_int_equal(invariants_count_of(t.r.inv, V35), off > 60);
        bench_release(&t);
    }
}

// What was ordered and is not wanted goes by any clock; a target below what stays does not.
static void v35_lets_an_order_be_taken_back(void **state)
{
    (void)state;
    for (int to = 2; to <= 3; to++) {
        struct bench t;
        bench_init(&t);
        struct plan *p = build_plan(&t.b);
        struct action x = a_removal(&t, ACTION_SET_TARGET);
        t.b.s.clock_off_ms = 61 * SECOND;
        x.capacity = to;
        x.target_before = 4;
        p->actions = &x;
        p->action_count = 1;
        check(&t);
        assert_int_equal(invariants_count_of(t.r.inv, V35), to < 3);
        bench_release(&t);
    }
}

static void v10_lets_capacity_be_added_on_bad_facts(void **state)
{
    (void)state;
    struct bench t;
    bench_init(&t);
    struct plan *p = build_plan(&t.b);
    struct action x = a_removal(&t, ACTION_SET_TARGET);
    x.capacity = 5;
    p->actions = &x;
    p->action_count = 1;
    t.b.s.sources[SOURCE_TASKS].state = SOURCE_UNKNOWN;
    check(&t);
    assert_int_equal(invariants_count_of(t.r.inv, V10), 0);
    bench_release(&t);
}

static void v26_trips_on_an_action_without_a_reason(void **state)
{
    (void)state;
    struct bench t;
    bench_init(&t);
    struct plan *p = build_plan(&t.b);
    struct action x = a_removal(&t, ACTION_DRAIN);
    x.fact = "";
    p->actions = &x;
    p->action_count = 1;
    check(&t);
    expect(&t.r, V26);
    bench_release(&t);
}

static void v26_trips_on_a_candidate_skipped_in_silence(void **state)
{
    (void)state;
    struct bench t;
    bench_init(&t);
    struct plan *p = build_plan(&t.b);
    for (size_t i = 0; i < p->verdict_count; i++)
        if (!strcmp(p->verdicts[i].target, t.b.s.instances[1].id))
            p->verdicts[i] = p->verdicts[--p->verdict_count];
    check(&t);
    expect(&t.r, V26);
    bench_release(&t);
}

static void v26_trips_on_two_verdicts_for_one_candidate(void **state)
{
    (void)state;
    struct bench t;
    bench_init(&t);
    struct plan *p = build_plan(&t.b);
    struct verdict *twice = arena_array(&t.b.a, struct verdict, p->verdict_count + 1);
    memcpy(twice, p->verdicts, p->verdict_count * sizeof *twice);
    for (size_t i = 0; i < p->verdict_count; i++)
        if (!strcmp(p->verdicts[i].target, t.b.s.instances[1].id))
            twice[p->verdict_count] = p->verdicts[i];
    p->verdicts = twice;
    p->verdict_count++;
    check(&t);
    expect(&t.r, V26);
    bench_release(&t);
}

static void v26_trips_on_two_verdicts_for_one_fleet(void **state)
{
    (void)state;
    struct bench t;
    bench_init(&t);
    struct plan *p = build_plan(&t.b);
    struct verdict *twice = arena_array(&t.b.a, struct verdict, p->verdict_count + 1);
    memcpy(twice, p->verdicts, p->verdict_count * sizeof *twice);
    for (size_t i = 0; i < p->verdict_count; i++)
        if (p->verdicts[i].kind == CANDIDATE_FLEET)
            twice[p->verdict_count] = p->verdicts[i];
    twice[p->verdict_count].code = VERDICT_CAPPED;
    twice[p->verdict_count].wanted = 9;
    twice[p->verdict_count].allowed = 5;
    p->verdicts = twice;
    p->verdict_count++;
    check(&t);
    expect(&t.r, V26);
    bench_release(&t);
}

static void v26_trips_on_a_capped_number_without_its_original(void **state)
{
    (void)state;
    struct bench t;
    bench_init(&t);
    struct plan *p = build_plan(&t.b);
    p->verdicts[0].code = VERDICT_CAPPED;
    p->verdicts[0].wanted = p->verdicts[0].allowed = 3;
    check(&t);
    expect(&t.r, V26);
    bench_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_of_the_planner_pass),
        cmocka_unit_test(v31_trips_on_money_that_nobody_spends),
        cmocka_unit_test(v31_judges_money_of_what_the_fleet_may_launch),
        cmocka_unit_test(v17_trips_on_a_plan_that_differs_in_one_number),
        cmocka_unit_test(v17_trips_on_any_word_that_differs_also_in_plans_without_actions),
        cmocka_unit_test(v17_trips_on_a_memo_that_differs),
        cmocka_unit_test(v11_v13_trip_where_less_known_removes_and_more_wanted_orders_less),
        cmocka_unit_test(v13_forgives_an_instance_less_of_an_order),
        cmocka_unit_test(v13_tells_another_mix_from_less),
        cmocka_unit_test(v12_trips_where_the_forecast_removes),
        cmocka_unit_test(v10_trips_on_a_removal_when_any_source_is_not_known),
        cmocka_unit_test(v35_trips_on_a_removal_by_a_clock_that_was_set),
        cmocka_unit_test(v35_lets_an_order_be_taken_back),
        cmocka_unit_test(v10_lets_capacity_be_added_on_bad_facts),
        cmocka_unit_test(v26_trips_on_an_action_without_a_reason),
        cmocka_unit_test(v26_trips_on_a_candidate_skipped_in_silence),
        cmocka_unit_test(v26_trips_on_two_verdicts_for_one_candidate),
        cmocka_unit_test(v26_trips_on_two_verdicts_for_one_fleet),
        cmocka_unit_test(v26_trips_on_a_capped_number_without_its_original),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
