#include "tests/planner/build.h"

#include <string.h>

// Four instances of 4 vCPU and 16 GiB; `web` tasks of 1 vCPU and 2 GiB on them. i-004 has one task and is not needed.
static struct build b;
static int type, fleet, shape, web, inst[4];

static int setup(void **state)
{
    (void)state;
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    fleet = build_fleet(&b, "sfr-1", 4);
    build_pool(&b, fleet, type, 1000);
    shape = build_shape(&b, "web:1", 1024, 2048);
    web = build_service(&b, "web", shape, 10);
    for (int k = 0; k < 4; k++)
        inst[k] = build_instance(&b, fleet, type);
    for (int k = 0; k < 3; k++)
        build_hold(&b, inst[k], web, 3);
    build_hold(&b, inst[3], web, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static struct instance *at(int k)
{
    return &b.s.instances[inst[k]];
}

// Three ticks are past L2's two ticks and 60 s.
static const struct plan *after_l2(void)
{
    return build_ticks(&b, 3);
}

static void spared(const char *id, enum verdict_code code, const char *word)
{
    const struct plan *p = after_l2();
    assert_null(plan_action(p, ACTION_DRAIN, id));
    assert_null(plan_action(p, ACTION_MARK, id));
    const struct verdict *v = plan_verdict(p, id);
    if (v->code != code || !strstr(v->fact, word))
        fail_msg("%s: %s -> %s (code %d)", id, v->fact, v->verdict, (int)v->code);
}

static void an_unneeded_instance_is_marked_and_then_drained(void **state)
{
    (void)state;
    const struct plan *p = after_l2();
    assert_int_equal(p->action_count, 2);
    assert_int_equal(p->actions[0].kind, ACTION_MARK);
    assert_int_equal(p->actions[1].kind, ACTION_DRAIN);
    assert_int_equal(p->actions[1].after, 0);
    assert_string_equal(p->actions[1].target, "i-004");
    assert_true(p->actions[1].recheck & RECHECK_PROTECTION);
    assert_string_equal(p->actions[0].value, "owner=masu;at=2026-09-21T14:14:20Z;reason=unneeded");
    assert_int_equal(plan_verdict(p, "i-004")->code, VERDICT_DRAIN);
    assert_int_equal(memo_drain_of(&b.memo, "i-004")->state, DRAIN_CHOSEN);
    assert_int_equal(b.memo.drains_begun, 1);
}

static void l2_nothing_is_drained_in_the_first_tick_that_sees_it_unneeded(void **state)
{
    (void)state;
    b.p.unneeded_ms = 1;
    assert_int_equal(plan_count(build_plan(&b), ACTION_DRAIN), 0);
    build_later(&b, 30 * SECOND);
    assert_int_equal(plan_count(build_plan(&b), ACTION_DRAIN), 1);
    b.p.unneeded_ms = 0;  // but where the policy says so
    b.has_memo = false;
    assert_int_equal(plan_count(build_plan(&b), ACTION_DRAIN), 1);
}

static void c3_two_that_fit_elsewhere_alone_but_not_together_go_one_by_one(void **state)
{
    (void)state;
    at(2)->holdings[0].running = 1;  // 3, 3, 1, 1 of 4 each: three free places beside any two of the small ones
    at(2)->ecs_running = 1;
    at(2)->remaining = res_sub(at(2)->registered, b.s.shapes[shape].need);
    b.s.services[web].desired = b.s.services[web].running = 8;
    b.s.shapes[shape].need = res_make(1365, 2048);  // three a box: 3, 3, 1, 1 leaves 0, 0, 2, 2
    for (int k = 0; k < 4; k++)
        at(k)->remaining = at(k)->registered;
    b.p.drain_percent = 100;
    b.p.service_percent = 100;
    const struct plan *p = after_l2();
    assert_int_equal(plan_count(p, ACTION_DRAIN), 1);
}

static void v7_nothing_is_packed_on_capacity_that_is_still_coming(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        at(k)->holdings[0].running = 4;
        at(k)->ecs_running = 4;
    }
    b.s.services[web].desired = b.s.services[web].running = 13;
    int i = build_instance(&b, fleet, type);
    b.s.fleets[fleet].target = 5;
    b.s.instances[i].agent_connected = false;
    b.s.instances[i].disconnected_since_ms = T0 - 20 * SECOND;
    const struct plan *p = after_l2();
    assert_int_equal(plan_count(p, ACTION_DRAIN), 0);
    assert_int_equal(plan_verdict(p, "i-004")->code, VERDICT_KEEP);
}

static void headroom_is_kept_when_an_instance_goes(void **state)
{
    (void)state;
    b.p.headroom_tasks = (struct policy_headroom_task[]){{"web", 3}};
    b.p.headroom_task_count = 1;
    spared("i-004", VERDICT_KEEP, "headroom");
}

static void c6_an_instance_with_a_standalone_task_is_never_chosen(void **state)
{
    (void)state;
    build_hold_shape(&b, inst[3], -1, shape, 1);
    spared("i-004", VERDICT_KEEP, "of no service");
}

static void c5_an_instance_with_a_protected_task_is_never_chosen(void **state)
{
    (void)state;
    at(3)->holdings[0].protected_ = 1;
    spared("i-004", VERDICT_KEEP, "protected");
}

static void c4_an_instance_of_a_service_in_deployment_is_no_candidate(void **state)
{
    (void)state;
    b.s.services[web].deployments[0].in_progress = true;
    spared("i-004", VERDICT_HOLD, "deployment");
}

static void c11_an_instance_with_local_data_is_never_chosen(void **state)
{
    (void)state;
    b.s.shapes[shape].local_data = true;
    spared("i-004", VERDICT_KEEP, "data of web");
}

static void a_forbidding_tag_keeps_an_instance(void **state)
{
    (void)state;
    at(3)->forbidden = true;
    spared("i-004", VERDICT_KEEP, "masu:keep");
}

static void f9_an_instance_whose_tasks_are_not_known_is_no_candidate(void **state)
{
    (void)state;
    at(3)->tasks_known = false;
    spared("i-004", VERDICT_UNKNOWN, "not known");
}

static void f9_more_tasks_by_ecs_than_in_the_lists_is_unknown(void **state)
{
    (void)state;
    at(3)->ecs_running = 2;
    spared("i-004", VERDICT_UNKNOWN, "not known");
}

static void l3_a_young_instance_is_no_candidate(void **state)
{
    (void)state;
    at(3)->launched_ms = T0 - 2 * MINUTE;
    at(3)->registered_ms = T0 - MINUTE;
    spared("i-004", VERDICT_KEEP, "least age");
}

static void l3_twice_the_learned_boot_time_counts_too(void **state)
{
    (void)state;
    b.s.boot_p90_ms = 40 * MINUTE;
    spared("i-004", VERDICT_KEEP, "least age");
}

static void e4_a_disconnected_instance_is_no_candidate(void **state)
{
    (void)state;
    at(3)->agent_connected = false;
    at(3)->disconnected_since_ms = T0 - 10 * MINUTE;
    spared("i-004", VERDICT_KEEP, "disconnected");
}

static void c7_a_strangers_drain_is_not_ours(void **state)
{
    (void)state;
    at(3)->ecs = ECS_DRAINING;
    spared("i-004", VERDICT_FOREIGN, "without our mark");
}

static void c7_a_drain_marked_by_another_is_not_ours_and_says_so(void **state)
{
    (void)state;
    at(3)->ecs = ECS_DRAINING;
    at(3)->mark = "somebody was here";
    spared("i-004", VERDICT_FOREIGN, "marked by another");
}

static void an_instance_of_no_fleet_is_not_ours(void **state)
{
    (void)state;
    at(3)->fleet = -1;
    b.s.fleets[fleet].target = 3;
    spared("i-004", VERDICT_FOREIGN, "no fleet");
}

static void a7_members_of_a_fleet_that_ends_them_itself_are_no_candidates(void **state)
{
    (void)state;
    b.s.fleets[fleet].state = FLEET_CANCELLED_TERMINATING;
    spared("i-004", VERDICT_HOLD, "cancelled_terminating");
}

static void h4_a_fleet_that_another_scales_is_read_only(void **state)
{
    (void)state;
    b.s.fleets[fleet].foreign_scaling = true;
    spared("i-004", VERDICT_HOLD, "another controller");
    assert_int_equal(plan_verdict(&b.r.plan, "sfr-1")->code, VERDICT_FOREIGN);
}

static void min_of_the_fleet_is_kept(void **state)
{
    (void)state;
    b.p.fleets[0].min = 4;
    spared("i-004", VERDICT_HOLD, "min 4");
}

static void a2_what_stays_must_weigh_the_min_in_weights(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++)
        at(k)->weight_milli = 2500;
    b.s.fleets[fleet].pools[0].weight_milli = 2500;
    b.s.fleets[fleet].target = 10;
    b.p.fleets[0].min = 8;  // three of 2.5 are 7.5
    spared("i-004", VERDICT_HOLD, "would stay of min 8");
}

static void g4_after_a_start_nothing_is_drained_for_l1(void **state)
{
    (void)state;
    b.s.started_ms = T0 - 10 * MINUTE;
    spared("i-004", VERDICT_HOLD, "drains nothing before");
}

static void g4_two_complete_looks_are_needed(void **state)
{
    (void)state;
    b.s.complete_looks = 1;
    spared("i-004", VERDICT_HOLD, "complete look");
}

static void l1_a_memo_that_went_on_halves_the_hold(void **state)
{
    (void)state;
    b.s.started_ms = T0 - 16 * MINUTE;
    b.memo = (struct memo){.version = MEMO_VERSION, .now_ms = T0 - 18 * MINUTE};
    b.has_memo = true;
    assert_int_equal(plan_count(after_l2(), ACTION_DRAIN), 1);
}

static void l1_a_memo_of_an_hour_ago_does_not(void **state)
{
    (void)state;
    b.s.started_ms = T0 - 16 * MINUTE;
    b.memo = (struct memo){.version = MEMO_VERSION, .now_ms = T0 - 76 * MINUTE};
    b.has_memo = true;
    spared("i-004", VERDICT_HOLD, "drains nothing before");
}

static void tasks_that_wait_for_capacity_hold_all_scale_in(void **state)
{
    (void)state;
    int big = build_shape(&b, "big:1", 4096, 8192);
    build_service(&b, "big", big, 1);
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), 5);
    assert_int_equal(plan_verdict(p, "i-004")->code, VERDICT_HOLD);
}

static void open_orders_hold_all_scale_in(void **state)
{
    (void)state;
    b.s.fleets[fleet].target = 6;
    b.memo = (struct memo){.version = MEMO_VERSION, .now_ms = T0};
    spared("i-004", VERDICT_HOLD, "target 6");
}

static void f2_capacity_ordered_for_a_demand_not_yet_placed_is_kept(void **state)
{
    (void)state;
    b.s.services[web].desired = 11;
    b.s.services[web].unplaced_since_ms = T0 - 10 * MINUTE;
    b.s.services[web].deployments[0].desired = 11;
    struct memo_stamp stamps[] = {{STAMP_ORDER, "sfr-1", T0 - 12 * MINUTE, T0 + 8 * MINUTE, 1, 0}};
    b.memo = (struct memo){.version = MEMO_VERSION, .now_ms = T0 - 30 * SECOND, .stamps = stamps, .stamp_count = 1};
    b.has_memo = true;
    at(3)->launched_ms = T0 - 11 * MINUTE;
    at(3)->registered_ms = T0 - 9 * MINUTE;
    spared("i-004", VERDICT_HOLD, "not yet placed");
}

static void f2_the_hold_ends_when_the_demand_is_placed(void **state)
{
    (void)state;
    struct memo_stamp stamps[] = {{STAMP_ORDER, "sfr-1", T0 - 12 * MINUTE, T0 + 8 * MINUTE, 1, 0}};
    b.memo = (struct memo){.version = MEMO_VERSION, .now_ms = T0 - 30 * SECOND, .stamps = stamps, .stamp_count = 1};
    b.has_memo = true;
    at(3)->launched_ms = T0 - 11 * MINUTE;
    at(3)->registered_ms = T0 - 9 * MINUTE;
    assert_int_equal(plan_count(after_l2(), ACTION_DRAIN), 1);
}

static void add_only_begins_no_drain(void **state)
{
    (void)state;
    b.p.mode = MODE_ADD_ONLY;
    spared("i-004", VERDICT_HOLD, "add-only");
}

static void observe_would_drain_and_remembers_no_drain(void **state)
{
    (void)state;
    b.p.mode = MODE_OBSERVE;
    const struct plan *p = after_l2();
    assert_int_equal(p->action_count, 0);
    assert_string_equal(plan_verdict(p, "i-004")->verdict, "would drain");
    assert_int_equal(b.memo.drain_count, 0);
}

static void scale_in_false_never_drains(void **state)
{
    (void)state;
    b.p.scale_in = false;
    spared("i-004", VERDICT_HOLD, "scale_in is false");
}

static void v10_any_stale_source_holds_scale_in(void **state)
{
    (void)state;
    static const enum source_kind kinds[] = {SOURCE_CONTAINER_INSTANCES, SOURCE_SERVICES, SOURCE_TASKS, SOURCE_EC2_INSTANCES,
                                             SOURCE_FLEETS};
    build_ticks(&b, 2);
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        build_later(&b, 30 * SECOND);
        build_age(&b, kinds[k], 2 * MINUTE);
        assert_int_equal(plan_count(build_plan(&b), ACTION_DRAIN), 0);
        build_later(&b, 0);
        b.s.sources[kinds[k]].state = SOURCE_PARTIAL;
        assert_int_equal(plan_count(build_plan(&b), ACTION_DRAIN), 0);
    }
}

static int drains_without_types(enum source_state state, bool registered)
{
    const struct plan *p = NULL;
    if (!registered)
        at(1)->registered = (struct res){{0}};
    for (int k = 0; k < 3; k++) {
        b.s.sources[SOURCE_INSTANCE_TYPES].state = state;
        p = build_plan(&b);
        build_later(&b, 30 * SECOND);
    }
    assert_int_equal(plan_verdict(p, "c instance_types")->code, VERDICT_UNKNOWN);
    assert_non_null(strstr(plan_verdict(p, "c instance_types")->verdict, registered ? "scale-in goes on" : "scale-in is held"));
    return plan_count(p, ACTION_DRAIN);
}

static void v10_types_are_not_needed_for_removal_where_all_sizes_are_registered(void **state)
{
    (void)state;
    b.s.types[type].registered = b.s.types[type].nominal = (struct res){{0}};
    assert_int_equal(drains_without_types(SOURCE_UNKNOWN, true), 1);
}

static void v10_types_are_needed_for_removal_where_a_registered_size_is_missing(void **state)
{
    (void)state;
    assert_int_equal(drains_without_types(SOURCE_PARTIAL, false), 0);
}

static void v10_headroom_is_kept_while_the_types_of_its_pools_are_not_known(void **state)
{
    (void)state;
    b.p.headroom_percent = 80;  // 8 tasks, and 6 places without i-004's
    b.s.types[type].registered = b.s.types[type].nominal = (struct res){{0}};
    assert_int_equal(drains_without_types(SOURCE_UNKNOWN, true), 0);
}

static void l8_mass_trouble_holds_scale_in(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        int i = build_instance(&b, fleet, type);
        b.s.instances[i].agent_connected = false;
        b.s.instances[i].disconnected_since_ms = T0 - 10 * MINUTE;
    }
    b.s.fleets[fleet].target = 7;
    spared("i-004", VERDICT_HOLD, "unready");
}

static void a_service_that_never_fits_does_not_hold_scale_in(void **state)
{
    (void)state;
    build_service(&b, "giant", build_shape(&b, "giant:1", 64000, 8192), 1);
    assert_int_equal(plan_count(after_l2(), ACTION_DRAIN), 1);
}

static void v33_the_balance_of_zones_is_kept(void **state)
{
    (void)state;
    // i-001 … i-006 in zones a b c a b c; two more in a: a has 4, b 2, c 2. The emptiest is in b.
    for (int k = 0; k < 2; k++)
        build_hold(&b, build_instance(&b, fleet, type), web, 2);
    for (int k = 0; k < 2; k++) {
        int i = build_instance(&b, fleet, type);
        b.s.instances[i].zone = "eu-west-1a";
        build_hold(&b, i, web, 2);
    }
    b.s.services[web].desired = b.s.services[web].running;
    b.s.fleets[fleet].target = 8;
    for (int k = 0; k < 3; k++)
        at(k)->holdings[0].running = at(k)->ecs_running = k == 1 ? 1 : 3;
    const struct plan *p = after_l2();
    const struct action *x = NULL;
    for (size_t k = 0; k < p->action_count; k++)
        if (p->actions[k].kind == ACTION_DRAIN)
            x = &p->actions[k];
    assert_non_null(x);
    assert_string_equal(b.s.instances[x->instance].zone, "eu-west-1a");
    assert_int_equal(plan_verdict(p, "i-002")->code, VERDICT_HOLD);
}

static void v33_a_removal_that_is_not_yet_due_balances_no_zone(void **state)
{
    (void)state;
    // Two in a, i-004 among them; three in b, i-007 empty of late; two in c.
    for (int k = 0; k < 2; k++) {
        build_hold(&b, inst[k], web, 1);
        build_hold(&b, build_instance(&b, fleet, type), web, 4);
    }
    int late = build_instance(&b, fleet, type);
    b.s.instances[late].zone = "eu-west-1b";
    build_hold_shape(&b, late, -1, shape, 1);
    int ended = build_instance(&b, fleet, type);  // its zone is none any more
    b.s.instances[ended].zone = "eu-west-1d", b.s.instances[ended].ec2 = EC2_TERMINATED, b.s.instances[ended].ecs = ECS_UNREGISTERED;
    b.s.services[web].desired = b.s.services[web].running;
    b.s.fleets[fleet].target = 7;
    b.p.drain_percent = 50;
    assert_int_equal(after_l2()->action_count, 0);
    b.s.instances[late].holding_count = 0;
    b.s.instances[late].ecs_running = 0;
    b.s.instances[late].remaining = b.s.instances[late].registered;
    assert_int_equal(build_plan(&b)->action_count, 0);
    assert_non_null(strstr(plan_verdict(&b.r.plan, "i-004")->fact, "in the fullest zone"));
}

static void empty_instances_go_first(void **state)
{
    (void)state;
    build_instance(&b, fleet, type);
    b.s.fleets[fleet].target = 5;
    const struct plan *p = after_l2();
    plan_print(p);
    assert_non_null(plan_action(p, ACTION_DRAIN, "i-005"));
    assert_null(plan_action(p, ACTION_DRAIN, "i-004"));
}

static void l4_limits_drains_at_once(void **state)
{
    (void)state;
    for (int k = 0; k < 16; k++)
        build_instance(&b, fleet, type);
    b.s.fleets[fleet].target = 20;
    const struct plan *p = after_l2();
    assert_int_equal(plan_count(p, ACTION_DRAIN), 6);  // 30 % of 20, half of it a zone
}

static void l16_an_excluded_instance_is_no_candidate(void **state)
{
    (void)state;
    struct memo_stamp stamps[] = {{STAMP_EXCLUDED, "i-004", T0 - HOUR, T0 + 5 * HOUR, 1, 0}};
    b.memo = (struct memo){.version = MEMO_VERSION, .now_ms = T0 - 30 * SECOND, .stamps = stamps, .stamp_count = 1};
    b.has_memo = true;
    spared("i-004", VERDICT_HOLD, "excluded until");
}

static void again(void **state)
{
    build_release(&b);
    setup(state);
}

// C1 and C2 as tables: desired 0 … 10 and the per cents that people set.
static bool movable_by_rule(int desired, int min, int max)
{
    return desired * max / 100 > desired || desired > (desired * min + 99) / 100;
}

static void c1_a_service_that_can_neither_start_nor_stop_is_spared_for_all_desired_and_per_cents(void **state)
{
    static const int mins[] = {0, 50, 66, 90, 100}, maxs[] = {100, 110, 150, 199, 200};
    for (int desired = 1; desired <= 10; desired++)
        for (size_t m = 0; m < ARRAY_LEN(mins); m++)
            for (size_t n = 0; n < ARRAY_LEN(maxs); n++) {
                again(state);
                int one = build_service(&b, "one", shape, desired);
                b.s.services[one].min_percent = mins[m];
                b.s.services[one].max_percent = maxs[n];
                build_hold(&b, inst[3], one, 1);
                b.s.services[one].running = desired;
                after_l2();
                bool says = strstr(plan_verdict(&b.r.plan, "i-004")->fact, "neither start nor stop") != NULL;
                if (says == movable_by_rule(desired, mins[m], maxs[n]))
                    fail_msg("desired %d at %d/%d: %s", desired, mins[m], maxs[n], plan_verdict(&b.r.plan, "i-004")->fact);
            }
}

static void c2_ecs_that_stops_first_never_takes_a_service_below_its_least(void **state)
{
    static const int mins[] = {0, 50, 90, 100};
    for (int desired = 1; desired <= 10; desired++)
        for (size_t m = 0; m < ARRAY_LEN(mins); m++) {
            again(state);
            int one = build_service(&b, "one", shape, desired);
            b.s.services[one].min_percent = mins[m];
            build_hold(&b, inst[3], one, 1);
            b.s.services[one].running = desired;
            bool drains = plan_action(after_l2(), ACTION_DRAIN, "i-004") != NULL;
            int floor_min = (desired * mins[m] + 99) / 100;
            int stopped = desired - floor_min > 1 ? 1 : desired - floor_min;
            bool ok = stopped == 0 || desired - stopped > 0;  // one of ten or less is the least by 10 %
            if (drains != ok)
                fail_msg("desired %d at min %d: %s", desired, mins[m], plan_verdict(&b.r.plan, "i-004")->fact);
        }
}

static void c2_tasks_of_one_service_on_all_drains_together_are_limited(void **state)
{
    (void)state;
    for (int k = 0; k < 16; k++) {
        int i = build_instance(&b, fleet, type);
        b.s.instances[i].zone = k % 2 ? "eu-west-1a" : "eu-west-1b";
        build_hold(&b, i, web, 1);
    }
    b.s.services[web].desired = b.s.services[web].running;
    b.s.fleets[fleet].target = 20;
    b.p.drain_percent = 50;
    const struct plan *p = after_l2();
    assert_int_equal(plan_count(p, ACTION_DRAIN), 2);  // 10 % of 26 tasks
}

static void l6_a_service_whose_tasks_moved_settles_first(void **state)
{
    (void)state;
    struct memo_stamp stamps[] = {{STAMP_SETTLING, "web", T0 - 10 * SECOND, 0, 0, 0}};
    b.memo = (struct memo){.version = MEMO_VERSION, .now_ms = T0 - 30 * SECOND, .stamps = stamps, .stamp_count = 1};
    b.has_memo = true;
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_verdict(p, "i-004")->code, VERDICT_HOLD);
    assert_non_null(strstr(plan_verdict(p, "i-004")->fact, "settles"));
}

static void v26_each_instance_and_fleet_has_exactly_one_verdict(void **state)
{
    (void)state;
    const struct plan *p = after_l2();
    for (size_t i = 0; i < b.s.instance_count; i++)
        plan_verdict(p, b.s.instances[i].id);
    plan_verdict(p, "sfr-1");
    for (size_t k = 0; k < p->action_count; k++) {
        assert_true(p->actions[k].fact[0] != '\0');
        assert_true(p->actions[k].verdict[0] != '\0');
    }
}

static void f5_a_cluster_without_desired_tasks_goes_to_zero(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        at(k)->holding_count = 0;
        at(k)->ecs_running = 0;
        at(k)->remaining = at(k)->registered;
        at(k)->ec2 = k ? EC2_TERMINATED : EC2_RUNNING;
        at(k)->ecs = k ? ECS_UNREGISTERED : ECS_ACTIVE;
    }
    b.s.services[web].desired = b.s.services[web].running = 0;
    int log = build_daemon(&b, "log", build_shape(&b, "log:1", 64, 64));
    build_hold(&b, inst[0], log, 1);
    b.s.fleets[fleet].target = 1;
    assert_non_null(plan_action(after_l2(), ACTION_DRAIN, "i-001"));
}

static void v10_tasks_that_run_and_no_instance_listed_contradict_each_other(void **state)
{
    (void)state;
    b.s.instance_count = 0;
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_verdict(p, "c")->code, VERDICT_HOLD);
    assert_non_null(strstr(plan_verdict(p, "c")->fact, "no container instance"));
}

static void v24_a_held_candidate_says_by_what_and_its_time_goes_on(void **state)
{
    (void)state;
    build_instance(&b, fleet, type);
    b.s.fleets[fleet].target = 5;
    b.p.drain_percent = 1;
    build_ticks(&b, 3);  // the empty one goes first
    assert_int_equal(plan_verdict(&b.r.plan, "i-004")->code, VERDICT_HOLD);
    assert_int_equal(memo_stamp_of(&b.memo, STAMP_UNNEEDED, "i-004")->since_ms, T0);
}

static void a_snapshot_that_breaks_its_own_rules_plans_nothing(void **state)
{
    (void)state;
    struct err err = {0};
    struct planner_input in = {&b.s, NULL, &b.p};
    at(2)->holdings[0].shape = 77;
    assert_int_equal(planner_run(&in, &b.a, &b.r, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "i-003"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_unneeded_instance_is_marked_and_then_drained),
        TEST(l2_nothing_is_drained_in_the_first_tick_that_sees_it_unneeded),
        TEST(c3_two_that_fit_elsewhere_alone_but_not_together_go_one_by_one),
        TEST(v7_nothing_is_packed_on_capacity_that_is_still_coming),
        TEST(headroom_is_kept_when_an_instance_goes),
        TEST(c6_an_instance_with_a_standalone_task_is_never_chosen),
        TEST(c5_an_instance_with_a_protected_task_is_never_chosen),
        TEST(c4_an_instance_of_a_service_in_deployment_is_no_candidate),
        TEST(c11_an_instance_with_local_data_is_never_chosen),
        TEST(a_forbidding_tag_keeps_an_instance),
        TEST(f9_an_instance_whose_tasks_are_not_known_is_no_candidate),
        TEST(f9_more_tasks_by_ecs_than_in_the_lists_is_unknown),
        TEST(l3_a_young_instance_is_no_candidate),
        TEST(l3_twice_the_learned_boot_time_counts_too),
        TEST(e4_a_disconnected_instance_is_no_candidate),
        TEST(c7_a_strangers_drain_is_not_ours),
        TEST(c7_a_drain_marked_by_another_is_not_ours_and_says_so),
        TEST(an_instance_of_no_fleet_is_not_ours),
        TEST(a7_members_of_a_fleet_that_ends_them_itself_are_no_candidates),
        TEST(h4_a_fleet_that_another_scales_is_read_only),
        TEST(min_of_the_fleet_is_kept),
        TEST(a2_what_stays_must_weigh_the_min_in_weights),
        TEST(g4_after_a_start_nothing_is_drained_for_l1),
        TEST(g4_two_complete_looks_are_needed),
        TEST(l1_a_memo_that_went_on_halves_the_hold),
        TEST(l1_a_memo_of_an_hour_ago_does_not),
        TEST(tasks_that_wait_for_capacity_hold_all_scale_in),
        TEST(open_orders_hold_all_scale_in),
        TEST(f2_capacity_ordered_for_a_demand_not_yet_placed_is_kept),
        TEST(f2_the_hold_ends_when_the_demand_is_placed),
        TEST(add_only_begins_no_drain),
        TEST(observe_would_drain_and_remembers_no_drain),
        TEST(scale_in_false_never_drains),
        TEST(v10_any_stale_source_holds_scale_in),
        TEST(v10_types_are_not_needed_for_removal_where_all_sizes_are_registered),
        TEST(v10_types_are_needed_for_removal_where_a_registered_size_is_missing),
        TEST(v10_headroom_is_kept_while_the_types_of_its_pools_are_not_known),
        TEST(l8_mass_trouble_holds_scale_in),
        TEST(a_service_that_never_fits_does_not_hold_scale_in),
        TEST(v33_the_balance_of_zones_is_kept),
        TEST(v33_a_removal_that_is_not_yet_due_balances_no_zone),
        TEST(empty_instances_go_first),
        TEST(l4_limits_drains_at_once),
        TEST(l16_an_excluded_instance_is_no_candidate),
        TEST(c1_a_service_that_can_neither_start_nor_stop_is_spared_for_all_desired_and_per_cents),
        TEST(c2_ecs_that_stops_first_never_takes_a_service_below_its_least),
        TEST(c2_tasks_of_one_service_on_all_drains_together_are_limited),
        TEST(l6_a_service_whose_tasks_moved_settles_first),
        TEST(v26_each_instance_and_fleet_has_exactly_one_verdict),
        TEST(f5_a_cluster_without_desired_tasks_goes_to_zero),
        TEST(v10_tasks_that_run_and_no_instance_listed_contradict_each_other),
        TEST(v24_a_held_candidate_says_by_what_and_its_time_goes_on),
        TEST(a_snapshot_that_breaks_its_own_rules_plans_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
