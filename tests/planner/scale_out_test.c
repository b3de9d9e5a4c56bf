#include "tests/planner/build.h"

#include <string.h>

#include "planner/scale_out.h"

// One type of 4 vCPU and 16 GiB, weight w; one service of 1 vCPU and 2 GiB tasks.
static struct build b;
static int type, fleet, shape, web;

static void world(int64_t weight_milli, int64_t target, int32_t desired)
{
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    fleet = build_fleet(&b, "sfr-1", target);
    build_pool(&b, fleet, type, weight_milli);
    shape = build_shape(&b, "web:1", 1024, 2048);
    web = build_service(&b, "web", shape, desired);
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static void a_full_cluster_without_demand_does_nothing(void **state)
{
    (void)state;
    world(1000, 2, 8);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    const struct plan *p = build_plan(&b);
    assert_int_equal(p->action_count, 0);
    assert_int_equal(plan_verdict(p, "sfr-1")->code, VERDICT_KEEP);
    assert_int_equal(plan_verdict(p, "i-001")->code, VERDICT_KEEP);
    assert_string_equal(plan_verdict(p, "i-001")->verdict, "keep");
}

static void tasks_without_room_raise_the_target_by_what_holds_them(void **state)
{
    (void)state;
    world(1000, 2, 13);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), 4);  // 5 tasks, 4 a box
    assert_int_equal(plan_verdict(p, "web web:1")->code, VERDICT_LAUNCH);
    assert_string_equal(plan_verdict(p, "web web:1")->fact, "5 tasks of web 1 vCPU 2.0 GiB fit on 0 of 2 instances");
    assert_int_equal(p->demands[0].missing, 5);
    assert_int_equal(p->demands[0].ordered, 5);
    assert_int_equal(p->summary.waiting_tasks, 5);
}

static void pending_tasks_that_no_instance_holds_still_need_a_place(void **state)
{
    (void)state;
    world(1000, 1, 9);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    b.s.services[web].pending = 5;
    if (b.s.services[web].deployment_count > 0)
        b.s.services[web].deployments[0].pending = 5;
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), 3);
    assert_int_equal(p->demands[0].missing, 5);
    b.s.instances[0].ecs_pending = 5;  // an instance tells of tasks that we did not see: they may be these
    b.has_memo = false;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), -1);
}

static void f2_demand_that_fits_on_free_room_orders_nothing(void **state)
{
    (void)state;
    world(1000, 2, 8);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    build_instance(&b, fleet, type);
    const struct plan *p = build_plan(&b);
    assert_int_equal(p->action_count, 0);
    assert_int_equal(plan_verdict(p, "web web:1")->code, VERDICT_FITS);
    assert_int_equal(plan_verdict(p, "i-002")->code, VERDICT_HOLD);
}

static void from_zero_the_first_tasks_order_the_first_instance(void **state)
{
    (void)state;
    world(1000, 0, 3);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 1);
}

// One full member, and one that AWS launched so long ago, for four more tasks.
static int one_that_boots(int64_t age_ms)
{
    world(1000, 2, 8);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    int i = build_instance(&b, fleet, type);
    b.s.instances[i].ecs = ECS_UNREGISTERED;
    b.s.instances[i].launched_ms = T0 - age_ms;
    return i;
}

static void coming_members_are_not_ordered_twice(void **state)
{
    (void)state;
    int i = one_that_boots(40 * SECOND);
    b.s.instances[i].registered = b.s.instances[i].remaining = (struct res){{0}};
    const struct plan *p = build_plan(&b);
    assert_int_equal(p->action_count, 0);
    assert_int_equal(plan_verdict(p, "web web:1")->code, VERDICT_WAIT);
    assert_int_equal(plan_verdict(p, "i-002")->code, VERDICT_KEEP);
    assert_int_equal(p->summary.coming, 1);
}

static void g6_what_boots_is_as_old_as_aws_says(void **state)
{
    (void)state;
    one_that_boots(40 * SECOND);
    b.s.now_ms += 605 * SECOND;  // ours is ahead
    for (int k = 0; k < SOURCE_COUNT; k++)
        b.s.sources[k].read_ms = b.s.now_ms;
    b.s.clock_off_ms = 605 * SECOND;
    assert_int_equal(build_plan(&b)->action_count, 0);
}

static void a_member_that_never_registered_is_no_longer_counted(void **state)
{
    (void)state;
    one_that_boots(11 * MINUTE);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 3);
}

static void open_orders_are_not_ordered_twice(void **state)
{
    (void)state;
    world(1000, 2, 8);  // target 2, one member: one more is on its way
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    const struct plan *p = build_plan(&b);
    assert_int_equal(p->action_count, 0);
    assert_int_equal(plan_verdict(p, "web web:1")->code, VERDICT_WAIT);
}

static void a5_what_we_sent_counts_while_the_fleet_still_shows_the_old_target(void **state)
{
    (void)state;
    world(1000, 1, 8);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 2);
    b.s.fleets[0].state = FLEET_MODIFYING;
    build_later(&b, 30 * SECOND);
    assert_int_equal(build_plan(&b)->action_count, 0);
    b.s.fleets[0].state = FLEET_ACTIVE;
    b.s.fleets[0].target = 2;
    build_later(&b, 30 * SECOND);
    assert_int_equal(build_plan(&b)->action_count, 0);
}

static void a5_nothing_is_sent_while_the_fleet_is_modifying(void **state)
{
    (void)state;
    world(1000, 1, 8);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    b.s.fleets[0].state = FLEET_MODIFYING;
    const struct plan *p = build_plan(&b);
    assert_int_equal(p->action_count, 0);
    assert_int_equal(plan_verdict(p, "sfr-1")->code, VERDICT_HOLD);
}

static void a2_one_more_instance_above_a_fleet_that_overshoots(void **state)
{
    (void)state;
    world(8000, 10, 12);  // target 10, two members of 8: 16 fulfilled
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 17);
}

static void the_worst_type_of_the_fleet_decides_the_target(void **state)
{
    (void)state;
    world(1000, 1, 12);
    int large = build_type(&b, "m5.2xlarge", 8192, 31700);
    build_pool(&b, fleet, large, 2000);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    // 8 tasks: two m5.xlarge (weight 2) or one m5.2xlarge, launched from 1 + 1: floor(1 + 1 × 1) + 1 = 3.
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 3);
}

static void a_type_too_small_for_the_task_does_not_count_but_is_said(void **state)
{
    (void)state;
    world(1000, 0, 2);
    b.s.shapes[shape].need = res_make(2048, 20000);
    int large = build_type(&b, "r5.xlarge", 4096, 31700);
    build_pool(&b, fleet, large, 1000);
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), 2);
    assert_non_null(strstr(plan_verdict(p, "sfr-1")->fact, "1 of 2 types does not hold them all"));
}

static void daemons_take_their_share_of_each_new_instance(void **state)
{
    (void)state;
    world(1000, 0, 4);
    int log = build_shape(&b, "log:1", 512, 256);
    build_daemon(&b, "log", log);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 2);  // 3 a box beside the daemon
}

static void daemons_that_have_not_come_yet_keep_their_room(void **state)
{
    (void)state;
    world(1000, 1, 4);
    build_daemon(&b, "log", build_shape(&b, "log:1", 512, 256));
    build_instance(&b, fleet, type);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 2);
}

static void f4_a_task_larger_than_any_type_orders_nothing_and_names_the_nearest(void **state)
{
    (void)state;
    world(1000, 0, 1);
    b.s.shapes[shape].need = res_make(1024, 20000);
    const struct plan *p = build_plan(&b);
    assert_int_equal(p->action_count, 0);
    const struct verdict *v = plan_verdict(p, "web web:1");
    assert_int_equal(v->code, VERDICT_NEVER_FITS);
    assert_non_null(strstr(v->fact, "m5.xlarge"));
    assert_int_equal(p->demands[0].never, 1);
}

static void f4_a_task_that_only_a_closed_fleet_holds_names_the_fleet(void **state)
{
    (void)state;
    world(1000, 0, 1);
    b.s.fleets[fleet].state = FLEET_CANCELLED_RUNNING;
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_count(p, ACTION_SET_TARGET), 0);
    const struct verdict *v = plan_verdict(p, "web web:1");
    assert_int_equal(v->code, VERDICT_NEVER_FITS);
    assert_non_null(strstr(v->verdict, "name a fleet that can grow"));
    assert_non_null(strstr(v->fact, "cancelled_running"));
}

static void f4_a_crash_looping_service_gets_no_capacity(void **state)
{
    (void)state;
    world(1000, 0, 3);
    b.s.services[web].crash_looping = true;
    const struct plan *p = build_plan(&b);
    assert_int_equal(p->action_count, 0);
    assert_int_equal(plan_verdict(p, "web web:1")->code, VERDICT_NEVER_FITS);
}

static void f4_a_rule_that_is_not_understood_gets_no_capacity(void **state)
{
    (void)state;
    world(1000, 0, 3);
    b.s.shapes[shape].unmodelled = "memberOf attribute:gpu exists";
    const struct plan *p = build_plan(&b);
    assert_int_equal(p->action_count, 0);
    assert_non_null(strstr(plan_verdict(p, "web web:1")->fact, "memberOf"));
}

static void f9_a_shape_that_could_not_be_read_gets_no_capacity(void **state)
{
    (void)state;
    world(1000, 0, 3);
    b.s.shapes[shape].known = false;
    assert_int_equal(build_plan(&b)->action_count, 0);
}

static void f3_a_service_that_is_not_on_our_instances_is_no_demand(void **state)
{
    (void)state;
    world(1000, 0, 3);
    b.s.services[web].on_ec2 = false;
    const struct plan *p = build_plan(&b);
    assert_int_equal(p->action_count, 0);
    assert_int_equal(p->demand_count, 0);
}

static void f1_tasks_on_a_strangers_drain_are_demand(void **state)
{
    (void)state;
    world(1000, 2, 8);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    int i = build_instance(&b, fleet, type);
    build_hold(&b, i, web, 4);
    b.s.instances[i].ecs = ECS_DRAINING;
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), 3);
    assert_int_equal(p->demands[0].leaving, 4);
    assert_int_equal(plan_verdict(p, "i-002")->code, VERDICT_FOREIGN);
}

static void f1_standalone_tasks_on_leaving_instances_are_no_demand(void **state)
{
    (void)state;
    world(1000, 1, 0);
    int i = build_instance(&b, fleet, type);
    build_hold_shape(&b, i, -1, shape, 2);
    b.s.instances[i].ecs = ECS_DRAINING;
    assert_int_equal(build_plan(&b)->action_count, 0);
}

static void f1_tasks_that_can_neither_start_nor_stop_are_no_demand(void **state)
{
    (void)state;
    world(1000, 1, 4);
    int i = build_instance(&b, fleet, type);
    build_hold(&b, i, web, 4);
    b.s.instances[i].ecs = ECS_DRAINING;
    b.s.services[web].max_percent = 100;
    assert_int_equal(build_plan(&b)->action_count, 0);
}

static void e4_an_agent_away_for_seconds_keeps_its_tasks_and_its_room(void **state)
{
    (void)state;
    world(1000, 2, 8);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    int i = build_instance(&b, fleet, type);
    b.s.instances[i].agent_connected = false;
    b.s.instances[i].disconnected_since_ms = T0 - 30 * SECOND;
    assert_int_equal(build_plan(&b)->action_count, 0);
}

static void e4_an_unreachable_instance_is_neither_capacity_nor_demand(void **state)
{
    (void)state;
    world(1000, 2, 10);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    int i = build_instance(&b, fleet, type);
    build_hold(&b, i, web, 2);
    b.s.instances[i].agent_connected = false;
    b.s.instances[i].disconnected_since_ms = T0 - 4 * MINUTE;
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), 3);  // 4 missing, not 6, and no room on the one away
    assert_int_equal(p->demands[0].missing, 4);
    assert_int_equal(p->demands[0].leaving, 0);
}

static void h1_max_stops_growth_and_says_what_was_wanted(void **state)
{
    (void)state;
    world(1000, 1, 20);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    b.p.fleets[0].max = 3;
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), 3);
    assert_int_equal(plan_capped(p, "sfr-1")->wanted, 5);
    assert_int_equal(plan_capped(p, "sfr-1")->allowed, 3);
    const struct verdict *v = plan_verdict(p, "sfr-1");  // the only one: need and cap in one text
    assert_non_null(strstr(v->fact, "16 tasks of web"));
    assert_non_null(strstr(v->fact, "target 5 wanted, max 3 in the policy"));
    assert_string_equal(v->verdict, "raise the target from 1 to 3");
    assert_string_equal(plan_action(p, ACTION_SET_TARGET, "sfr-1")->fact, v->fact);
}

static void v26_two_caps_on_one_fleet_are_one_verdict_with_the_first_need(void **state)
{
    (void)state;
    world(1000, 0, 400);
    b.p.step_instances = 7;
    b.p.fleets[0].max = 20;
    const struct verdict *v = plan_verdict(build_plan(&b), "sfr-1");
    assert_int_equal(v->code, VERDICT_CAPPED);
    assert_int_equal(v->wanted, 100);
    assert_int_equal(v->allowed, 7);
    assert_non_null(strstr(v->fact, "max 20 in the policy; step limit 7 at once"));
}

static void v26_a_capped_raise_that_is_only_observed_would_raise(void **state)
{
    (void)state;
    world(1000, 1, 20);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    b.p.fleets[0].max = 3;
    b.p.mode = MODE_OBSERVE;
    assert_string_equal(plan_verdict(build_plan(&b), "sfr-1")->verdict, "would raise the target from 1 to 3");
}

static void a_type_of_unknown_size_is_named_where_nothing_else_holds_the_task(void **state)
{
    (void)state;
    world(1000, 1, 4);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    b.s.types[type].registered = b.s.types[type].nominal = (struct res){{0}};
    b.s.fleets[fleet].pools[0].type_name = "m5.xlarge";
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 6;
    b.s.sources[SOURCE_INSTANCE_TYPES].state = SOURCE_UNKNOWN;
    const struct plan *p = build_plan(&b);
    const struct verdict *v = plan_verdict(p, "web web:1");
    assert_int_equal(p->action_count, 0);
    assert_int_equal(v->code, VERDICT_UNKNOWN);
    assert_non_null(strstr(v->fact, "the size of type m5.xlarge in sfr-1 is not known yet"));
    assert_null(strstr(v->fact, "architecture"));
    assert_non_null(strstr(v->verdict, "an instance of it registers"));
}

static bool withdrawn_in_an_hour(void)
{
    bool lowered = false;
    for (int k = 0; k < 120 && !lowered; k++) {
        lowered = plan_target(build_plan(&b), "sfr-1") == 1;
        build_later(&b, 30 * SECOND);
    }
    return lowered;
}

static void an_order_of_unknown_size_is_not_withdrawn_while_tasks_wait(void **state)
{
    (void)state;
    world(1000, 3, 6);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    b.s.types[type].registered = b.s.types[type].nominal = (struct res){{0}};
    assert_false(withdrawn_in_an_hour());
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 4;
    assert_true(withdrawn_in_an_hour());
}

// V13: two fleets have two instances each on order, and two tasks wait that one instance holds.
static void v13_an_order_that_is_not_needed_stays_while_tasks_wait(void **state)
{
    (void)state;
    world(1000, 3, 6);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    int other = build_fleet(&b, "sfr-2", 2);
    build_pool(&b, other, type, 1000);
    for (int k = 0; k < 120; k++) {
        assert_null(plan_action(build_plan(&b), ACTION_SET_TARGET, NULL));
        build_later(&b, 30 * SECOND);
    }
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 4;
    assert_true(withdrawn_in_an_hour());
}

static void h1_a_fleet_above_its_max_is_not_lowered(void **state)
{
    (void)state;
    world(1000, 2, 20);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    b.p.fleets[0].max = 1;
    const struct plan *p = build_plan(&b);
    assert_int_equal(p->action_count, 0);
    assert_non_null(plan_capped(p, "sfr-1"));
}

static void a_step_limits_what_comes_at_once(void **state)
{
    (void)state;
    world(1000, 0, 400);
    b.p.step_instances = 7;
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), 7);
    assert_int_equal(plan_capped(p, "sfr-1")->wanted, 100);
}

// L10 is of the cluster: what one fleet has on order and not launched leaves less for the others, until it is known to be dry.
static void l10_what_another_fleet_has_on_order_is_of_the_step(void **state)
{
    (void)state;
    for (int open = 0; open <= 7; open++) {
        world(1000, 0, 400);
        b.p.step_instances = 7;
        int other = build_fleet(&b, "sfr-2", open);
        build_pool(&b, other, build_type(&b, "m5.large", 128, 256), 1000);  // too small for a task
        assert_int_equal(plan_target(build_plan(&b), "sfr-1"), open == 7 ? -1 : 7 - open);
        assert_int_equal(plan_capped(&b.r.plan, "sfr-1")->wanted, 100);
        build_release(&b);
    }
    world(1000, 0, 0);
}

// Five of six: what they take comes back at once, and what is more stays within the limits.
static void d6_replacements_are_beyond_the_step_and_beyond_max_by_the_doomed_weight(void **state)
{
    (void)state;
    world(1000, 6, 32);  // and two more hosts are wanted
    for (int k = 0; k < 6; k++)
        build_hold(&b, build_instance(&b, fleet, type), web, 4);
    for (int k = 0; k < 5; k++)
        build_noticed(&b, k);
    b.p.step_instances = 1;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 6 + 5 + 1);
    b.has_memo = false;
    b.p.fleets[0].max = 6;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 6 + 5);
    assert_non_null(plan_capped(&b.r.plan, "sfr-1"));
}

static void min_is_ordered_without_any_task(void **state)
{
    (void)state;
    world(1000, 0, 0);
    b.p.fleets[0].min = 4;
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 4);
}

static void the_cheaper_fleet_is_chosen_and_the_rest_spills_over(void **state)
{
    (void)state;
    world(1000, 0, 20);
    int cheap = build_type(&b, "m5a.xlarge", 4096, 15700);
    int second = build_fleet(&b, "sfr-2", 0);
    build_pool(&b, second, cheap, 1000);
    b.s.types[type].spot_usd_micro = 90000;
    b.s.types[cheap].spot_usd_micro = 70000;
    b.p.fleets[1].max = 3;
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-2"), 3);
    assert_int_equal(plan_target(p, "sfr-1"), 2);
}

static void headroom_in_per_cent_is_whole_tasks_and_is_ordered(void **state)
{
    (void)state;
    world(1000, 2, 8);
    b.p.headroom_percent = 25;
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-1"), 3);
    assert_int_equal(p->demands[0].headroom, 2);
    assert_int_equal(p->summary.waiting_tasks, 0);
}

static void headroom_tasks_of_a_named_service_are_kept_free(void **state)
{
    (void)state;
    world(1000, 1, 2);
    b.p.headroom_tasks = (struct policy_headroom_task[]){{"web", 2}};
    b.p.headroom_task_count = 1;
    build_hold(&b, build_instance(&b, fleet, type), web, 2);
    assert_int_equal(build_plan(&b)->action_count, 0);
    assert_string_equal(plan_verdict(&b.r.plan, "web web:1 headroom")->verdict, "kept free");
    b.p.headroom_tasks = (struct policy_headroom_task[]){{"web", 3}};
    build_later(&b, 30 * SECOND);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 2);
}

static void v10_unknown_services_order_nothing(void **state)
{
    (void)state;
    world(1000, 1, 8);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    b.s.sources[SOURCE_SERVICES].state = SOURCE_UNKNOWN;
    const struct plan *p = build_plan(&b);
    assert_int_equal(p->action_count, 0);
    assert_int_equal(plan_verdict(p, "c services")->code, VERDICT_UNKNOWN);
}

static void v10_old_services_still_scale_out(void **state)
{
    (void)state;
    world(1000, 1, 8);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    build_age(&b, SOURCE_SERVICES, 10 * MINUTE);
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 2);
}

static void observe_says_what_it_would_do_and_does_nothing(void **state)
{
    (void)state;
    world(1000, 1, 8);
    b.p.mode = MODE_OBSERVE;
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    const struct plan *p = build_plan(&b);
    assert_int_equal(p->action_count, 0);
    assert_string_equal(plan_verdict(p, "web web:1")->verdict, "would launch");
}

static void a_surge_in_deployment_is_what_ecs_may_start_now(void **state)
{
    (void)state;
    world(1000, 2, 8);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    build_hold(&b, build_instance(&b, fleet, type), web, 4);
    struct service *s = &b.s.services[web];
    s->max_percent = 150;
    s->deployments[1] = s->deployments[0];
    s->deployments[1].primary = false;
    s->deployments[0] = (struct deployment){.id = "d2", .primary = true, .shape = shape, .desired = 8, .in_progress = true};
    s->deployment_count = 2;
    const struct plan *p = build_plan(&b);
    assert_int_equal(p->demands[0].missing, 4);
    assert_int_equal(plan_target(p, "sfr-1"), 3);
}

static void f5_a_type_that_never_registered_counts_by_its_nominal_size_less_the_host(void **state)
{
    (void)state;
    world(1000, 0, 8);
    b.s.types[type].registered = (struct res){{0}};
    b.s.types[type].nominal = res_make(8192, 16384);  // 15,144 MiB left: seven of 2 GiB
    assert_int_equal(plan_target(build_plan(&b), "sfr-1"), 2);
}

static void types_that_are_not_known_order_nothing(void **state)
{
    (void)state;
    world(1000, 0, 8);
    b.s.types[type].registered = b.s.types[type].nominal = (struct res){{0}};
    const struct plan *p = build_plan(&b);
    assert_int_equal(p->action_count, 0);
    assert_int_equal(plan_verdict(p, "web web:1")->code, VERDICT_UNKNOWN);
}

static void headroom_that_names_a_service_which_is_not_there_is_said(void **state)
{
    (void)state;
    world(1000, 0, 0);
    b.p.headroom_tasks = (struct policy_headroom_task[]){{"wbe", 2}};
    b.p.headroom_task_count = 1;
    assert_int_equal(plan_verdict(build_plan(&b), "wbe")->code, VERDICT_UNKNOWN);
}

static void real_tasks_come_before_headroom_where_max_ends(void **state)
{
    (void)state;
    world(1000, 0, 4);
    b.p.headroom_percent = 50;
    b.p.fleets[0].max = 1;
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_verdict(p, "web web:1")->code, VERDICT_LAUNCH);
    assert_int_equal(plan_verdict(p, "web web:1 headroom")->code, VERDICT_CAPPED);
}

static void the_target_is_the_least_that_launches_n(void **state)
{
    (void)state;
    build_init(&b);
    assert_int_equal(scale_out_target(0, 1, 1000), 1);
    assert_int_equal(scale_out_target(16000, 1, 8000), 17);
    assert_int_equal(scale_out_target(2500, 2, 2500), 6);  // 2.5 + 2.5 = 5 must not be enough
    assert_int_equal(scale_out_target(10000, 3, 500), 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_full_cluster_without_demand_does_nothing, teardown),
        cmocka_unit_test_teardown(tasks_without_room_raise_the_target_by_what_holds_them, teardown),
        cmocka_unit_test_teardown(pending_tasks_that_no_instance_holds_still_need_a_place, teardown),
        cmocka_unit_test_teardown(f2_demand_that_fits_on_free_room_orders_nothing, teardown),
        cmocka_unit_test_teardown(from_zero_the_first_tasks_order_the_first_instance, teardown),
        cmocka_unit_test_teardown(coming_members_are_not_ordered_twice, teardown),
        cmocka_unit_test_teardown(g6_what_boots_is_as_old_as_aws_says, teardown),
        cmocka_unit_test_teardown(a_member_that_never_registered_is_no_longer_counted, teardown),
        cmocka_unit_test_teardown(open_orders_are_not_ordered_twice, teardown),
        cmocka_unit_test_teardown(a5_what_we_sent_counts_while_the_fleet_still_shows_the_old_target, teardown),
        cmocka_unit_test_teardown(a5_nothing_is_sent_while_the_fleet_is_modifying, teardown),
        cmocka_unit_test_teardown(a2_one_more_instance_above_a_fleet_that_overshoots, teardown),
        cmocka_unit_test_teardown(the_worst_type_of_the_fleet_decides_the_target, teardown),
        cmocka_unit_test_teardown(a_type_too_small_for_the_task_does_not_count_but_is_said, teardown),
        cmocka_unit_test_teardown(daemons_take_their_share_of_each_new_instance, teardown),
        cmocka_unit_test_teardown(daemons_that_have_not_come_yet_keep_their_room, teardown),
        cmocka_unit_test_teardown(f4_a_task_larger_than_any_type_orders_nothing_and_names_the_nearest, teardown),
        cmocka_unit_test_teardown(f4_a_task_that_only_a_closed_fleet_holds_names_the_fleet, teardown),
        cmocka_unit_test_teardown(f4_a_crash_looping_service_gets_no_capacity, teardown),
        cmocka_unit_test_teardown(f4_a_rule_that_is_not_understood_gets_no_capacity, teardown),
        cmocka_unit_test_teardown(f9_a_shape_that_could_not_be_read_gets_no_capacity, teardown),
        cmocka_unit_test_teardown(f3_a_service_that_is_not_on_our_instances_is_no_demand, teardown),
        cmocka_unit_test_teardown(f1_tasks_on_a_strangers_drain_are_demand, teardown),
        cmocka_unit_test_teardown(f1_standalone_tasks_on_leaving_instances_are_no_demand, teardown),
        cmocka_unit_test_teardown(f1_tasks_that_can_neither_start_nor_stop_are_no_demand, teardown),
        cmocka_unit_test_teardown(e4_an_agent_away_for_seconds_keeps_its_tasks_and_its_room, teardown),
        cmocka_unit_test_teardown(e4_an_unreachable_instance_is_neither_capacity_nor_demand, teardown),
        cmocka_unit_test_teardown(h1_max_stops_growth_and_says_what_was_wanted, teardown),
        cmocka_unit_test_teardown(h1_a_fleet_above_its_max_is_not_lowered, teardown),
        cmocka_unit_test_teardown(v26_two_caps_on_one_fleet_are_one_verdict_with_the_first_need, teardown),
        cmocka_unit_test_teardown(v26_a_capped_raise_that_is_only_observed_would_raise, teardown),
        cmocka_unit_test_teardown(a_type_of_unknown_size_is_named_where_nothing_else_holds_the_task, teardown),
        cmocka_unit_test_teardown(an_order_of_unknown_size_is_not_withdrawn_while_tasks_wait, teardown),
        cmocka_unit_test_teardown(a_step_limits_what_comes_at_once, teardown),
        cmocka_unit_test_teardown(l10_what_another_fleet_has_on_order_is_of_the_step, teardown),
        cmocka_unit_test_teardown(v13_an_order_that_is_not_needed_stays_while_tasks_wait, teardown),
        cmocka_unit_test_teardown(d6_replacements_are_beyond_the_step_and_beyond_max_by_the_doomed_weight, teardown),
        cmocka_unit_test_teardown(min_is_ordered_without_any_task, teardown),
        cmocka_unit_test_teardown(the_cheaper_fleet_is_chosen_and_the_rest_spills_over, teardown),
        cmocka_unit_test_teardown(headroom_in_per_cent_is_whole_tasks_and_is_ordered, teardown),
        cmocka_unit_test_teardown(headroom_tasks_of_a_named_service_are_kept_free, teardown),
        cmocka_unit_test_teardown(v10_unknown_services_order_nothing, teardown),
        cmocka_unit_test_teardown(v10_old_services_still_scale_out, teardown),
        cmocka_unit_test_teardown(observe_says_what_it_would_do_and_does_nothing, teardown),
        cmocka_unit_test_teardown(a_surge_in_deployment_is_what_ecs_may_start_now, teardown),
        cmocka_unit_test_teardown(f5_a_type_that_never_registered_counts_by_its_nominal_size_less_the_host, teardown),
        cmocka_unit_test_teardown(types_that_are_not_known_order_nothing, teardown),
        cmocka_unit_test_teardown(headroom_that_names_a_service_which_is_not_there_is_said, teardown),
        cmocka_unit_test_teardown(real_tasks_come_before_headroom_where_max_ends, teardown),
        cmocka_unit_test_teardown(the_target_is_the_least_that_launches_n, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
