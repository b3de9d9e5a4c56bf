// Instant fleets: orders of exact types (launch.c). a8 and a11 are rows of safety.md.
#include <string.h>

#include "planner/launch.h"
#include "tests/planner/build.h"

// An instant fleet of c5.large at 40 and m5.xlarge at 100 thousandths of a dollar, in two zones; the test plays AWS.
static struct build b;
static int small, large, fleet, shape, web;

static void pool(int type, const char *zone, const char *subnet, int64_t usd_micro)
{
    struct fleet *f = &b.s.fleets[fleet];
    build_pool(&b, fleet, type, 1000);
    struct fleet_pool *p = &f->pools[f->pool_count - 1];
    p->zone = zone;
    p->subnet = subnet;
    p->spot_usd_micro = usd_micro;
}

static int setup(void **state)
{
    (void)state;
    build_init(&b);
    small = build_type(&b, "c5.large", 2048, 3500);
    large = build_type(&b, "m5.xlarge", 4096, 15700);
    fleet = build_fleet(&b, "c/spare", 0);
    b.s.fleets[fleet].name = "spare";
    b.s.fleets[fleet].kind = FLEET_INSTANT;
    b.s.fleets[fleet].maintain = false;
    b.p.fleets[0] = (struct policy_fleet){.id = "", .tag = "", .group = "", .max = 10, .instant = {.name = "spare", .launch_template = "lt-1", .version = "$Default"}};
    b.p.min_saving_percent = 15;
    pool(small, "us-east-1a", "subnet-a", 40000);
    pool(small, "us-east-1b", "subnet-b", 44000);
    pool(large, "us-east-1a", "subnet-a", 100000);
    pool(large, "us-east-1b", "subnet-b", 101000);
    shape = build_shape(&b, "web:1", 1024, 1024);
    web = build_service(&b, "web", shape, 4);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static const struct action *the_launch(const struct plan *p)
{
    for (size_t k = 0; k < p->action_count; k++)
        if (p->actions[k].kind == ACTION_LAUNCH)
            return &p->actions[k];
    return NULL;
}

static int64_t launched(const struct plan *p)
{
    int64_t n = 0;
    for (size_t k = 0; k < p->action_count; k++)
        n += p->actions[k].kind == ACTION_LAUNCH ? p->actions[k].capacity : 0;
    return n;
}

// EC2's answer, as gather overlays it.
static void came(int64_t n, int type)
{
    for (int64_t k = 0; k < n; k++) {
        int i = build_instance(&b, fleet, type);
        struct instance *x = &b.s.instances[i];
        x->ecs = ECS_UNREGISTERED;
        x->ec2 = EC2_PENDING;
        x->launched_ms = b.s.now_ms;
        x->registered_ms = 0;
        x->arn = "";
        x->registered = x->remaining = (struct res){{0}};
    }
    for (size_t k = 0; k < b.memo.launch_count; k++)
        b.memo.launches[k].answered = true;
}

static void the_cheapest_types_for_the_tasks_are_launched(void **state)
{
    (void)state;
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_count(p, ACTION_SET_TARGET), 0);
    assert_int_equal(launched(p), 2);  // four tasks of 1 vCPU: two a c5.large
    const struct action *a = the_launch(p);
    assert_string_equal(a->target, "c/spare");
    assert_string_equal(a->value, "lt-1:$Default c5.large@subnet-a");  // m5.xlarge is dearer by more than a third, the other has subnet-b
    assert_int_equal(a->on_demand, 0);
    assert_true(strlen(a->token) <= 64);
}

static void the_share_of_on_demand_is_launched_first_and_what_is_on_order_counts(void **state)
{
    (void)state;
    b.s.types[small].on_demand_usd_micro = 96000;
    b.s.types[large].on_demand_usd_micro = 192000;
    b.p.fleets[0].on_demand_base = 1;
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 8;
    const struct plan *p = build_plan(&b);
    assert_int_equal(launched(p), 4);
    assert_int_equal(the_launch(p)->capacity, 1);
    assert_int_equal(the_launch(p)->on_demand, 1);
    assert_non_null(strstr(the_launch(p)->fact, "base 1 on demand"));
    assert_non_null(strstr(the_launch(p)->verdict, "on demand"));
    int64_t on_demand = 0;
    for (size_t k = 0; k < p->action_count; k++)
        on_demand += p->actions[k].kind == ACTION_LAUNCH ? p->actions[k].on_demand : 0;
    assert_int_equal(on_demand, 1);
    // No look has shown them yet: the next order is all of spot.
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 12;
    for (size_t k = 0; k < b.memo.launch_count; k++)
        b.memo.launches[k].answered = true;
    build_later(&b, SECOND);
    p = build_plan(&b);
    for (size_t k = 0; k < p->action_count; k++)
        assert_true(p->actions[k].kind != ACTION_LAUNCH || p->actions[k].on_demand == 0);
}

static void where_a_quota_lets_nothing_through_on_demand_all_is_launched_on_spot(void **state)
{
    (void)state;
    struct quota *q = arena_new(&b.a, struct quota);
    *q = (struct quota){.class_ = QUOTA_STANDARD_ON_DEMAND, .limit_vcpus = 2, .used_vcpus = 2};
    b.s.quotas = q;
    b.s.quota_count = 1;
    b.p.fleets[0].on_demand_percent = 50;
    const struct plan *p = build_plan(&b);
    assert_int_equal(launched(p), 2);
    assert_int_equal(the_launch(p)->on_demand, 0);
}

static void a_task_that_fits_the_large_type_only_gets_that(void **state)
{
    (void)state;
    b.s.shapes[shape].need = res_make(1024, 8000);
    const struct plan *p = build_plan(&b);
    assert_int_equal(launched(p), 4);
    assert_null(strstr(the_launch(p)->value, "c5.large"));
}

// Two of the large type hold the seven in all. Where only two are to be launched, two full small ones look cheaper, and hold four.
static void what_is_launched_holds_all_that_it_is_launched_for(void **state)
{
    (void)state;
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 7;
    b.s.fleets[fleet].pools[2].spot_usd_micro = b.s.fleets[fleet].pools[3].spot_usd_micro = 78000;
    b.s.fleets[fleet].pools[1].spot_usd_micro = 40000;
    struct plan *p = build_plan(&b);
    assert_int_equal(launched(p), 2);
    for (size_t k = 0; k < p->action_count; k++)
        if (p->actions[k].kind == ACTION_LAUNCH)
            assert_non_null(strstr(p->actions[k].value, "$Default m5.xlarge@"));
}

static void max_bounds_what_is_launched(void **state)
{
    (void)state;
    b.p.fleets[0].max = 1;
    const struct plan *p = build_plan(&b);
    assert_int_equal(launched(p), 1);
    assert_int_equal(plan_capped(p, "c/spare")->allowed, 1);
}

static void what_came_is_not_ordered_again(void **state)
{
    (void)state;
    int64_t n = launched(build_plan(&b));
    came(n, small);
    build_later(&b, 30 * SECOND);
    assert_int_equal(launched(build_plan(&b)), 0);
}

static void a11_an_order_without_an_answer_is_sent_again_by_its_token_and_counts_as_coming(void **state)
{
    (void)state;
    b.p.min_saving_percent = 0;  // no zone is as good as the other: one order
    const struct action *first = the_launch(build_plan(&b));
    const char *token = arena_strdup(&b.a, first->token), *value = arena_strdup(&b.a, first->value);
    int64_t n = first->capacity;
    build_later(&b, 30 * SECOND);
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_count(p, ACTION_LAUNCH), 1);
    assert_string_equal(the_launch(p)->token, token);
    assert_string_equal(the_launch(p)->value, value);
    assert_int_equal(the_launch(p)->capacity, n);
    came(n, small);  // the answer, at last
    build_later(&b, 30 * SECOND);
    assert_int_equal(launched(build_plan(&b)), 0);
}

static void a11_after_a_start_an_order_of_the_life_before_is_asked_for_again(void **state)
{
    (void)state;
    b.p.min_saving_percent = 0;  // no zone is as good as the other: one order
    const char *token = arena_strdup(&b.a, the_launch(build_plan(&b))->token);
    b.memo.launches[0].answered = true;  // its instances are known to nobody now
    build_later(&b, 30 * SECOND);
    b.s.started_ms = b.s.now_ms;
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_count(p, ACTION_LAUNCH), 1);
    assert_string_equal(the_launch(p)->token, token);
    build_later(&b, 3 * MINUTE);  // the token says nothing any more, and no instance came: a new order
    p = build_plan(&b);
    assert_int_equal(plan_count(p, ACTION_LAUNCH), 1);
    assert_string_not_equal(the_launch(p)->token, token);
}

static void a_pool_that_refused_is_not_offered(void **state)
{
    (void)state;
    b.s.fleets[fleet].pools[0].refused_ms = b.s.now_ms - SECOND;
    const struct action *a = the_launch(build_plan(&b));
    assert_null(strstr(a->value, "c5.large@subnet-a"));
    assert_non_null(strstr(a->value, "c5.large@subnet-b"));
}

static void a_pool_that_has_its_share_of_the_service_is_not_offered(void **state)
{
    (void)state;
    b.p.pool_share_percent = 50;
    b.p.min_saving_percent = 0;  // no zone is as good as the other: one order
    int i = build_instance(&b, fleet, small);
    b.s.instances[i].zone = "us-east-1a";
    b.s.instances[i].spot = true;
    build_hold(&b, i, web, 2);  // of four
    const struct action *a = the_launch(build_plan(&b));
    assert_string_equal(a->value, "lt-1:$Default c5.large@subnet-b");
    b.p.pool_share_percent = 75;
    b.has_memo = false;
    assert_non_null(strstr(the_launch(build_plan(&b))->value, "c5.large@subnet-a"));
}

// 1.386 interruptions an hour of c5.large move its two tasks, those of m5.xlarge none.
static void the_restarts_that_interruptions_make_likely_are_part_of_a_pools_price(void **state)
{
    (void)state;
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 8;
    for (int restart = 0; restart < 2; restart++) {
        b.p.task_restart_usd_micro = restart ? 20000 : 0;
        b.has_memo = false;
        for (int z = 0; z < 2; z++) {
            int i = build_instance(&b, fleet, small);
            b.s.instances[i].zone = z == 0 ? "us-east-1a" : "us-east-1b";
            b.s.instances[i].spot = true;
            b.s.instances[i].notice_ms = b.s.now_ms - SECOND;
        }
        build_plan(&b);
        b.s.instance_count = 0;
        build_later(&b, 5 * MINUTE);  // none is avoided any more, and the orders of then are forgotten
        const struct plan *p = build_plan(&b);
        assert_int_equal(launched(p), restart ? 2 : 4);
        assert_non_null(strstr(the_launch(p)->value, restart ? "m5.xlarge" : "c5.large"));
    }
}

// c5.large holds two tasks for the least money, and both its pools interrupted just now: m5.xlarge comes, which holds more.
static void of_a_larger_type_that_comes_instead_fewer_are_launched(void **state)
{
    (void)state;
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 8;
    b.p.task_restart_usd_micro = 0;
    for (int z = 0; z < 2; z++) {
        int i = build_instance(&b, fleet, small);
        b.s.instances[i].zone = z == 0 ? "us-east-1a" : "us-east-1b";
        b.s.instances[i].spot = true;
        b.s.instances[i].notice_ms = b.s.now_ms - SECOND;
    }
    const struct plan *p = build_plan(&b);
    for (size_t k = 0; k < p->action_count; k++)
        assert_true(p->actions[k].kind != ACTION_LAUNCH || !strstr(p->actions[k].value, "c5.large"));
    assert_int_equal(launched(p), 2);  // instead of four
}

static void nothing_is_asked_for_where_every_pool_refused(void **state)
{
    (void)state;
    for (size_t k = 0; k < b.s.fleets[fleet].pool_count; k++)
        b.s.fleets[fleet].pools[k].refused_ms = b.s.now_ms - SECOND;
    assert_int_equal(plan_count(build_plan(&b), ACTION_LAUNCH), 0);
    build_later(&b, 4 * MINUTE);  // avoided for three minutes
    for (size_t k = 0; k < b.s.fleets[fleet].pool_count; k++)
        b.s.fleets[fleet].pools[k].refused_ms = b.s.now_ms - 4 * MINUTE - SECOND;
    assert_true(launched(build_plan(&b)) > 0);
}

static void a8_need_bound_to_a_zone_goes_to_the_instant_fleet_there(void **state)
{
    (void)state;
    int maintained = build_fleet(&b, "sfr-1", 0);
    static const char *const zones[] = {"us-east-1b", "us-east-1c"};
    for (int z = 0; z < 2; z++) {
        build_pool(&b, maintained, small, 1000);
        b.s.fleets[maintained].pools[z].zone = zones[z];
        b.s.fleets[maintained].pools[z].spot_usd_micro = 10000;
    }
    static const char *bound[] = {"us-east-1b"};
    b.s.shapes[shape].zones = bound;
    b.s.shapes[shape].zone_count = 1;
    const struct plan *p = build_plan(&b);
    assert_int_equal(plan_count(p, ACTION_SET_TARGET), 0);
    assert_int_equal(launched(p), 2);
    assert_null(strstr(the_launch(p)->value, "subnet-a"));
}

static void an_empty_member_is_ended_by_its_id_without_a_target(void **state)
{
    (void)state;
    b.s.services[web].desired = 0;
    b.s.services[web].deployments[0].desired = 0;
    int i = build_instance(&b, fleet, small);
    for (int k = 0; k < 2; k++)
        build_instance(&b, fleet, small);
    build_drained(&b, i);
    const char *id = b.s.instances[i].id;
    bool ended = false;
    for (int k = 0; k < 6 && !ended; k++) {
        build_later(&b, 30 * SECOND);
        const struct plan *p = build_plan(&b);
        assert_int_equal(plan_count(p, ACTION_SET_TARGET), 0);
        const struct action *a = plan_action(p, ACTION_TERMINATE, id);
        ended = a != NULL;
        assert_true(!a || a->recheck == (RECHECK_EMPTY | RECHECK_DRAINING));
    }
    assert_true(ended);
}

// The instances of the plan's launches that may only be in that subnet.
static int64_t launched_in(const struct plan *p, const char *subnet)
{
    int64_t n = 0;
    for (size_t k = 0; k < p->action_count; k++) {
        const char *at = p->actions[k].kind == ACTION_LAUNCH ? p->actions[k].value : "";
        bool only = strstr(at, "@subnet-") != NULL;
        for (; (at = strstr(at, "@subnet-")) != NULL; at++)
            only = only && strncmp(at + 1, subnet, strlen(subnet)) == 0;
        n += only ? p->actions[k].capacity : 0;
    }
    return n;
}

static void launches_leave_the_zones_as_level_as_they_can(void **state)
{
    (void)state;
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 14;  // seven instances
    const struct plan *p = build_plan(&b);
    assert_int_equal(launched(p), 7);
    assert_int_equal(launched_in(p, "subnet-a"), 4);
    assert_int_equal(launched_in(p, "subnet-b"), 3);
    b.has_memo = false;
    int other = build_service(&b, "other", shape, 6);
    for (int k = 0; k < 3; k++) {  // full of others
        int i = build_instance(&b, fleet, small);
        b.s.instances[i].zone = "us-east-1a";
        build_hold(&b, i, other, 2);
    }
    p = build_plan(&b);
    assert_int_equal(launched(p), 7);
    assert_int_equal(launched_in(p, "subnet-a"), 2);
    assert_int_equal(launched_in(p, "subnet-b"), 5);
}

static void balance_never_moves_against_a_zone_without_stock_or_much_dearer(void **state)
{
    (void)state;
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 14;
    b.s.fleets[fleet].pools[1].refused_ms = b.s.fleets[fleet].pools[3].refused_ms = b.s.fleets[fleet].capacity_error_ms = b.s.now_ms - SECOND;
    const struct plan *p = build_plan(&b);
    assert_int_equal(launched_in(p, "subnet-a"), 7);
    b.has_memo = false;
    b.s.fleets[fleet].pools[1].refused_ms = b.s.fleets[fleet].pools[3].refused_ms = b.s.fleets[fleet].capacity_error_ms = 0;
    b.s.fleets[fleet].pools[1].spot_usd_micro = 48000;  // 40 is less than 85 % of it
    p = build_plan(&b);
    assert_int_equal(launched(p), 7);
    assert_int_equal(launched_in(p, "subnet-b"), 0);
}

static void what_one_zone_refused_is_asked_of_the_others_and_the_fleet_is_not_dry(void **state)
{
    (void)state;
    build_plan(&b);
    b.memo.launch_count = 0;  // both were refused by one zone's pools
    build_later(&b, 30 * SECOND);
    b.s.fleets[fleet].pools[0].refused_ms = b.s.fleets[fleet].capacity_error_ms = b.s.now_ms - SECOND;
    struct plan *p = build_plan(&b);
    assert_null(memo_stamp_of(&b.memo, STAMP_DRY, "c/spare"));
    assert_int_equal(launched_in(p, "subnet-b"), 2);
    b.memo.launch_count = 0;
    build_later(&b, 30 * SECOND);
    for (size_t k = 0; k < 4; k++)
        b.s.fleets[fleet].pools[k].refused_ms = b.s.now_ms - SECOND;
    b.s.fleets[fleet].capacity_error_ms = b.s.now_ms - SECOND;
    build_plan(&b);
    assert_non_null(memo_stamp_of(&b.memo, STAMP_DRY, "c/spare"));
}

static void a_maintained_fleet_whose_zones_stay_uneven_is_told_of_after_an_hour(void **state)
{
    (void)state;
    int f = build_fleet(&b, "sfr-1", 8);
    static const char *const zones[] = {"us-east-1a", "us-east-1b"};
    for (int z = 0; z < 2; z++) {
        build_pool(&b, f, large, 1000);
        b.s.fleets[f].pools[z].zone = zones[z];
    }
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 0;
    int other = build_service(&b, "other", shape, 32);
    for (int k = 0; k < 8; k++) {
        int i = build_instance(&b, f, large);
        b.s.instances[i].zone = zones[k == 7];
        build_hold(&b, i, other, 4);
    }
    bool told = false;
    for (int minutes = 0; minutes <= 60; minutes += 30) {
        struct plan *p = build_plan(&b);
        for (size_t k = 0; k < p->alert_count; k++)
            told = told || strcmp(p->alerts[k].id, "zones-uneven") == 0;
        assert_int_equal(told, minutes == 60);
        if (told)
            assert_non_null(strstr(plan_alert(p, "zones-uneven", "sfr-1")->what, "7 members of sfr-1 are in us-east-1a and 1 in us-east-1b"));
        build_later(&b, 30 * MINUTE);
    }
    b.s.fleets[f].pools[1].refused_ms = b.s.now_ms - SECOND;  // it could not, there
    struct plan *p = build_plan(&b);
    for (size_t k = 0; k < p->alert_count; k++)
        assert_string_not_equal(p->alerts[k].id, "zones-uneven");
}

static void a_zone_that_aws_scores_low_is_offered_after_the_others(void **state)
{
    (void)state;
    b.p.placement_scores_ms = HOUR;
    assert_non_null(strstr(the_launch(build_plan(&b))->value, "c5.large@subnet-a"));
    b.has_memo = false;
    for (size_t k = 0; k < 4; k++) {
        struct fleet_pool *p = &b.s.fleets[fleet].pools[k];
        p->score = strcmp(p->zone, "us-east-1a") == 0 ? 1 : 9;
        p->scored_ms = b.s.now_ms;
    }
    const char *first = strchr(the_launch(build_plan(&b))->value, ' ');  // 40 at a quarter more is above 44
    assert_int_equal(strncmp(first, " c5.large@subnet-b", 18), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_cheapest_types_for_the_tasks_are_launched),
        TEST(the_share_of_on_demand_is_launched_first_and_what_is_on_order_counts),
        TEST(where_a_quota_lets_nothing_through_on_demand_all_is_launched_on_spot),
        TEST(a_task_that_fits_the_large_type_only_gets_that),
        TEST(what_is_launched_holds_all_that_it_is_launched_for),
        TEST(max_bounds_what_is_launched),
        TEST(what_came_is_not_ordered_again),
        TEST(a11_an_order_without_an_answer_is_sent_again_by_its_token_and_counts_as_coming),
        TEST(a11_after_a_start_an_order_of_the_life_before_is_asked_for_again),
        TEST(a_pool_that_refused_is_not_offered),
        TEST(a_pool_that_has_its_share_of_the_service_is_not_offered),
        TEST(the_restarts_that_interruptions_make_likely_are_part_of_a_pools_price),
        TEST(of_a_larger_type_that_comes_instead_fewer_are_launched),
        TEST(nothing_is_asked_for_where_every_pool_refused),
        TEST(a8_need_bound_to_a_zone_goes_to_the_instant_fleet_there),
        TEST(an_empty_member_is_ended_by_its_id_without_a_target),
        TEST(launches_leave_the_zones_as_level_as_they_can),
        TEST(balance_never_moves_against_a_zone_without_stock_or_much_dearer),
        TEST(what_one_zone_refused_is_asked_of_the_others_and_the_fleet_is_not_dry),
        TEST(a_maintained_fleet_whose_zones_stay_uneven_is_told_of_after_an_hour),
        TEST(a_zone_that_aws_scores_low_is_offered_after_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
