// Several fleets of one cluster, each with its part of the need.
#include "tests/planner/build.h"

#include <string.h>

// Fleets of one type that holds four tasks; each test gives them roles.
static struct build b;
static int type, web;

static int fleet(const char *id, enum fleet_role role, int64_t max, int32_t members)
{
    int f = build_fleet(&b, id, members);
    build_pool(&b, f, type, 1000);
    b.p.fleets[f].role = role;
    b.p.fleets[f].max = max;
    for (int32_t k = 0; k < members; k++)
        build_instance(&b, f, type);
    return f;
}

static void world(int32_t desired)
{
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    web = build_service(&b, "web", build_shape(&b, "web:1", 1024, 2048), desired);
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static void base_grows_first_then_spot_and_burst_only_beyond_them(void **state)
{
    (void)state;
    world(24);  // six instances
    fleet("sfr-burst", FLEET_ROLE_BURST, 10, 0);
    fleet("sfr-spot", FLEET_ROLE_SPOT, 3, 0);
    fleet("sfr-base", FLEET_ROLE_BASE, 2, 0);
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-base"), 2);
    assert_int_equal(plan_target(p, "sfr-spot"), 3);
    assert_int_equal(plan_target(p, "sfr-burst"), 1);
}

static void burst_stays_where_the_others_serve(void **state)
{
    (void)state;
    world(20);
    b.s.types[type].spot_usd_micro = 0;
    fleet("sfr-burst", FLEET_ROLE_BURST, 10, 0);
    fleet("sfr-spot", FLEET_ROLE_SPOT, 10, 0);
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-spot"), 5);
    assert_int_equal(plan_target(p, "sfr-burst"), -1);
}

static void burst_serves_while_the_others_cannot_change(void **state)
{
    (void)state;
    world(20);
    fleet("sfr-burst", FLEET_ROLE_BURST, 10, 0);
    int f = fleet("sfr-spot", FLEET_ROLE_SPOT, 10, 0);
    b.s.fleets[f].foreign_scaling = true;
    assert_int_equal(plan_target(build_plan(&b), "sfr-burst"), 5);
}

// Twenty instances, each with one task of four: one may go at a time of ten per cent, or two.
static void burst_shrinks_first_and_base_last(void **state)
{
    (void)state;
    world(10);
    b.p.drain_percent = 10;
    int base = fleet("sfr-base", FLEET_ROLE_BASE, 10, 5), spot = fleet("sfr-spot", FLEET_ROLE_SPOT, 10, 5);
    int burst = fleet("sfr-burst", FLEET_ROLE_BURST, 10, 5);
    for (int i = 0; i < 10; i++)
        build_hold(&b, i, web, 1);
    const struct plan *p = build_ticks(&b, 3);
    int drains = 0;
    for (size_t k = 0; k < p->action_count; k++)
        if (p->actions[k].kind == ACTION_DRAIN) {
            assert_int_equal(b.s.instances[p->actions[k].instance].fleet, burst);
            drains++;
        }
    assert_true(drains > 0);
    // Without the burst fleet's the others follow, base last.
    for (size_t i = 0; i < b.s.instance_count; i++)
        b.s.instances[i].fleet = b.s.instances[i].fleet == burst ? spot : b.s.instances[i].fleet;
    b.s.fleets[spot].target = 10;
    b.s.fleets[burst].target = 0;
    b.has_memo = false;
    p = build_ticks(&b, 4);
    for (size_t k = 0; k < p->action_count; k++)
        if (p->actions[k].kind == ACTION_DRAIN)
            assert_int_not_equal(b.s.instances[p->actions[k].instance].fleet, base);
}

static void a_batch_pool_never_grows_for_what_another_fleet_can_run(void **state)
{
    (void)state;
    world(20);
    fleet("sfr-batch", FLEET_ROLE_BATCH, 10, 0);
    fleet("sfr-spot", FLEET_ROLE_SPOT, 3, 0);
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-spot"), 3);
    assert_int_equal(plan_target(p, "sfr-batch"), -1);
}

static void a_batch_pool_grows_for_a_service_that_only_it_can_run(void **state)
{
    (void)state;
    world(20);
    int batch = fleet("sfr-batch", FLEET_ROLE_BATCH, 10, 0), spot = fleet("sfr-spot", FLEET_ROLE_SPOT, 10, 0);
    (void)batch;
    b.s.shapes[0].arch = "arm64";
    int arm = build_type(&b, "m6g.xlarge", 4096, 15700);
    b.s.types[arm].arch = "arm64";
    b.s.fleets[batch].pools[0].type = arm;
    b.s.fleets[batch].pools[0].type_name = "m6g.xlarge";
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-batch"), 5);
    assert_int_equal(plan_target(p, b.s.fleets[spot].id), -1);
}

static void a_fleet_found_by_its_tag_is_the_policys(void **state)
{
    (void)state;
    world(8);
    int f = fleet("sfr-7", FLEET_ROLE_SPOT, 10, 0);
    b.p.fleets[f].id = "";
    b.p.fleets[f].tag = "Fleet=web";
    b.s.fleets[f].name = "Fleet=web";
    assert_int_equal(plan_target(build_plan(&b), "sfr-7"), 2);
    b.s.fleets[f].name = "Fleet=api";
    b.has_memo = false;
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-7"), -1);
    assert_string_equal(plan_verdict(p, "sfr-7")->fact, "not in the policy");
}

// A deploy made a new fleet; the members of the old one, each with one task, fit on what the new one has.
static int replaced_fleet(void)
{
    world(4);
    b.p.drain_percent = 20;
    int new = fleet("sfr-new", FLEET_ROLE_BASE, 10, 4), old = fleet("sfr-old", FLEET_ROLE_SPOT, 10, 2);
    (void)new;
    b.p.fleets[old].min = 2;
    b.s.fleets[old].state = FLEET_CANCELLED_RUNNING;
    for (int i = 4; i < 6; i++)
        build_hold(&b, i, web, 2);
    return old;
}

static void leave_and_are_ended_by_id_alone(int old)
{
    int drains = 0;
    const struct plan *p = NULL;
    for (int tick = 0; tick < 6 && drains == 0; tick++) {
        build_later(&b, 30 * SECOND);
        p = build_plan(&b);
        for (size_t k = 0; k < p->action_count; k++) {
            drains += p->actions[k].kind == ACTION_DRAIN;
            assert_true(p->actions[k].instance < 0 || b.s.instances[p->actions[k].instance].fleet == old);
        }
        assert_int_equal(plan_count(p, ACTION_SET_TARGET), 0);
    }
    assert_true(drains > 0);
    assert_int_equal(plan_count(p, ACTION_SET_TARGET), 0);
    // Drained and empty, seen twice: it is ended, and nothing is lowered.
    for (int i = 4; i < 6; i++) {
        struct instance *x = &b.s.instances[i];
        x->ecs = ECS_DRAINING;
        x->mark = "owner=masu;at=2026-09-21T14:00:00Z;reason=unneeded";
        x->marked_ms = b.s.now_ms;
        x->holding_count = 0;
        x->ecs_running = 0;
        x->remaining = x->registered;
        build_hold(&b, i - 4, web, 2);
    }
    b.s.services[web].running = b.s.services[web].deployments[0].running = 4;
    int ends = 0;
    for (int tick = 0; tick < 6 && ends == 0; tick++) {
        build_later(&b, 30 * SECOND);
        p = build_plan(&b);
        ends = plan_count(p, ACTION_TERMINATE);
        assert_int_equal(plan_count(p, ACTION_SET_TARGET), 0);
    }
    assert_true(ends > 0);
}

static void a7_members_of_a_cancelled_fleet_leave_first_and_are_ended_by_id_alone(void **state)
{
    (void)state;
    leave_and_are_ended_by_id_alone(replaced_fleet());
}

static void a11_members_of_a_fleet_of_type_request_are_ended_by_id_alone(void **state)
{
    (void)state;
    int old = replaced_fleet();
    b.s.fleets[old].state = FLEET_ACTIVE;
    b.s.fleets[old].maintain = false;
    b.p.fleets[old].role = FLEET_ROLE_BURST;  // which shrinks first
    leave_and_are_ended_by_id_alone(old);
}

static void a7_a_fleet_that_is_not_found_is_unknown_and_holds_removal(void **state)
{
    (void)state;
    int old = replaced_fleet();
    b.s.fleets[old].found = false;
    b.s.fleets[old].unfound = "2 active fleets carry the tag A=b: sfr-1, sfr-2";
    const struct plan *p = build_ticks(&b, 4);
    assert_int_equal(plan_count(p, ACTION_DRAIN), 0);
    assert_string_equal(plan_verdict(p, "c")->fact, "2 active fleets carry the tag A=b: sfr-1, sfr-2");
}

static void a7_a_fleet_that_is_about_to_end_with_its_instances_gets_no_orders(void **state)
{
    (void)state;
    world(20);
    int ends = fleet("sfr-ends", FLEET_ROLE_BASE, 10, 0);
    fleet("sfr-next", FLEET_ROLE_SPOT, 10, 0);
    b.s.fleets[ends].valid_until_ms = T0 + 20 * MINUTE;
    b.s.fleets[ends].ends_with_expiration = true;
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_target(p, "sfr-ends"), -1);
    assert_int_equal(plan_target(p, "sfr-next"), 5);
}

static void a11_a_fleet_of_type_request_is_never_modified(void **state)
{
    (void)state;
    world(20);
    int f = fleet("sfr-request", FLEET_ROLE_SPOT, 10, 1);
    b.s.fleets[f].maintain = false;
    const struct plan *p = build_ticks(&b, 3);
    assert_int_equal(plan_count(p, ACTION_SET_TARGET), 0);
    assert_string_equal(plan_verdict(p, "sfr-request")->fact, "not of type maintain");
}

static const char *order_of(const char *id)
{
    const struct action *a = plan_action(&b.r.plan, ACTION_SET_TARGET, id);
    return a ? a->fact : "";
}

static void an_order_says_why_its_fleet_was_asked_first(void **state)
{
    (void)state;
    world(20);
    int dear = fleet("sfr-dear", FLEET_ROLE_SPOT, 10, 0), cheap = fleet("sfr-cheap", FLEET_ROLE_SPOT, 3, 0);
    b.s.fleets[dear].pools[0].spot_usd_micro = 80000;
    b.s.fleets[cheap].pools[0].spot_usd_micro = 60000;
    fleet("sfr-burst", FLEET_ROLE_BURST, 10, 0);
    build_plan(&b);
    assert_non_null(strstr(order_of("sfr-cheap"), "of sfr-cheap; $0.0150/h a task, sfr-dear $0.0200/h"));
    assert_non_null(strstr(order_of("sfr-dear"), "of sfr-dear; sfr-burst serves as burst"));
}

static void a_fleet_whose_pools_all_failed_is_asked_last_and_the_order_says_so(void **state)
{
    (void)state;
    world(20);
    int ill = fleet("sfr-ill", FLEET_ROLE_SPOT, 10, 0);
    fleet("sfr-well", FLEET_ROLE_SPOT, 10, 0);
    b.s.fleets[ill].pools[0].zone = "eu-west-1a";
    b.s.fleets[ill].pools[0].refused_ms = T0 - 5000;
    build_plan(&b);
    assert_non_null(strstr(order_of("sfr-well"), "of sfr-well; launches of sfr-ill fail"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(base_grows_first_then_spot_and_burst_only_beyond_them, teardown),
        cmocka_unit_test_teardown(burst_stays_where_the_others_serve, teardown),
        cmocka_unit_test_teardown(burst_serves_while_the_others_cannot_change, teardown),
        cmocka_unit_test_teardown(burst_shrinks_first_and_base_last, teardown),
        cmocka_unit_test_teardown(an_order_says_why_its_fleet_was_asked_first, teardown),
        cmocka_unit_test_teardown(a_fleet_whose_pools_all_failed_is_asked_last_and_the_order_says_so, teardown),
        cmocka_unit_test_teardown(a_batch_pool_never_grows_for_what_another_fleet_can_run, teardown),
        cmocka_unit_test_teardown(a_batch_pool_grows_for_a_service_that_only_it_can_run, teardown),
        cmocka_unit_test_teardown(a_fleet_found_by_its_tag_is_the_policys, teardown),
        cmocka_unit_test_teardown(a7_members_of_a_cancelled_fleet_leave_first_and_are_ended_by_id_alone, teardown),
        cmocka_unit_test_teardown(a11_members_of_a_fleet_of_type_request_are_ended_by_id_alone, teardown),
        cmocka_unit_test_teardown(a7_a_fleet_that_is_not_found_is_unknown_and_holds_removal, teardown),
        cmocka_unit_test_teardown(a7_a_fleet_that_is_about_to_end_with_its_instances_gets_no_orders, teardown),
        cmocka_unit_test_teardown(a11_a_fleet_of_type_request_is_never_modified, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
