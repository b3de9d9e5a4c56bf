// What the snapshot knows of pools: their price, that a fleet's history says it gets nothing from them, and the quota of their class.
#include "scaler/prices.h"
#include "tests/scaler/gather_bed.h"

#define MINUTE_MS 60000

static struct world *world_of_three_pools(void)
{
    struct world *w = calm_world();
    struct world_override o[] = {{world_type_index(w, "m5.xlarge"), 0, 1000}, {world_type_index(w, "m5.xlarge"), 1, 1000},
                                 {world_type_index(w, "c5.2xlarge"), 2, 2000}};
    int f = world_add_fleet(w, &(struct world_fleet_spec){.cluster = 0, .target = 1, .overrides = o, .override_count = 3,
                                                          .allocation = WALLOC_LOWEST_PRICE});
    add_host(w, f, 0);
    later(w, 3600000);
    return w;
}

static int world_pool(const struct world *w, const struct fleet_pool *p)
{
    struct world_view v = world_view(w);
    for (int k = 0; k < v.pool_count; k++)
        if (!strcmp(v.types[v.pools[k].type].name, p->type_name) && !strcmp(v.zones[v.pools[k].zone], p->zone))
            return k;
    fail_msg("no pool %s %s", p->type_name, p->zone);
    return -1;
}

static void each_pool_has_the_price_of_its_zone_and_its_type_one_on_demand(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_three_pools());
    bed_look(&b);
    const struct fleet *f = &b.s.fleets[0];
    struct world_view v = world_view(b.world);
    assert_int_equal(f->pool_count, 3);
    for (size_t k = 0; k < f->pool_count; k++)
        assert_int_equal(f->pools[k].spot_usd_micro, v.pools[world_pool(b.world, &f->pools[k])].spot_usd_micro);
    assert_int_not_equal(f->pools[0].spot_usd_micro, f->pools[1].spot_usd_micro);
    for (size_t t = 0; t < b.s.type_count; t++)
        assert_int_equal(b.s.types[t].on_demand_usd_micro, v.types[world_type_index(b.world, b.s.types[t].name)].on_demand_usd_micro);
    bed_close(&b);
}

static void a_pool_that_the_history_refuses_is_named_and_the_others_are_not(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_three_pools());
    bed_look(&b);
    int cheapest = -1;
    for (size_t k = 0; k < 3; k++) {
        const struct fleet_pool *p = &b.s.fleets[0].pools[k], *best = cheapest < 0 ? NULL : &b.s.fleets[0].pools[cheapest];
        if (!best || p->spot_usd_micro * 1000 / p->weight_milli < best->spot_usd_micro * 1000 / best->weight_milli)
            cheapest = (int)k;
    }
    world_set_shortage(b.world, world_pool(b.world, &b.s.fleets[0].pools[cheapest]), INT64_MAX);
    int64_t before_ms = world_view(b.world).now_ms;
    assert_int_equal(world_modify_spot_fleet(b.world, WORLD_PERSON, 0, 40, -1, WX_NO_TERMINATION), WORLD_OK);
    for (int i = 0; i < 4; i++) {
        for (int p = 0; p < world_view(b.world).pool_count; p++)  // the others run out, too: the fleet stays short, so that masu asks why
            if (world_view(b.world).pools[p].depth > 3)
                world_set_shortage(b.world, p, world_view(b.world).now_ms + 1000);
        bed_look_later(&b, 30000);
    }
    const struct fleet *f = &b.s.fleets[0];
    assert_true(f->pools[cheapest].refused_ms >= before_ms);
    assert_true(f->capacity_error_ms >= before_ms);
    assert_true(strstr(f->last_error, "LaunchSpecs") || strstr(f->last_error, "launchSpec"));
    bed_close(&b);
}

// L23: the account's limit, and the vCPUs of what runs and is ordered.
static void the_quota_of_what_the_fleets_launch_is_told_with_what_is_used(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_three_pools());
    b.policy.on_demand_ms = 0;
    bed_look(&b);
    bed_look_later(&b, 30000);
    assert_int_equal(b.s.quota_count, 1);
    assert_int_equal(b.s.quotas[0].class_, QUOTA_STANDARD_SPOT);
    assert_int_equal(b.s.quotas[0].limit_vcpus, 5000);
    int64_t vcpus = 0;
    for (size_t i = 0; i < b.s.instance_count; i++)
        vcpus += b.s.instances[i].spot ? (strcmp(b.s.instances[i].type, "c5.2xlarge") == 0 ? 8 : 4) : 0;
    assert_true(vcpus > 0);
    assert_int_equal(b.s.quotas[0].used_vcpus, vcpus);
    bed_close(&b);
}

// What finds no spot is ordered on demand by default: that has a quota of its own.
static void the_quota_of_what_a_dry_fleet_is_given_on_demand_is_asked_before_it_is_ordered(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_three_pools());
    assert_true(b.policy.on_demand_ms > 0);
    bed_look(&b);
    bed_look_later(&b, 30000);
    assert_int_equal(b.s.quota_count, 2);
    assert_int_equal(b.s.quotas[0].class_ == QUOTA_STANDARD_ON_DEMAND || b.s.quotas[1].class_ == QUOTA_STANDARD_ON_DEMAND, 1);
    bed_close(&b);
}

static void the_addresses_of_the_subnets_that_fleets_launch_in_are_told(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_three_pools());
    bed_say(&b, "DescribeSpotFleetRequests", "<availabilityZone>us-east-1a</availabilityZone>",
            arena_printf(&b.arena, "<subnetId>%s</subnetId>", world_view(b.world).subnets[0].id));
    bed_look(&b);
    assert_int_equal(b.s.subnet_count, 1);
    assert_string_equal(b.s.subnets[0].id, world_view(b.world).subnets[0].id);
    assert_int_equal(b.s.subnets[0].addresses, 8187);  // a /19 less five
    assert_int_equal(b.s.subnets[0].free, world_free_addresses(b.world, 0));
    bed_close(&b);
}

// ---- placement scores -------------------------------------------------------------------------------------------------------
static struct world *world_of_three_types(void)
{
    struct world *w = calm_world();
    struct world_override o[] = {{world_type_index(w, "m5.xlarge"), 0, 1000}, {world_type_index(w, "r5.xlarge"), 1, 1000},
                                 {world_type_index(w, "c5.2xlarge"), 2, 2000}};
    int f = world_add_fleet(w, &(struct world_fleet_spec){.cluster = 0, .target = 1, .overrides = o, .override_count = 3,
                                                          .allocation = WALLOC_LOWEST_PRICE});
    for (int zone = 0; zone < 3; zone++)  // whose subnets tell which zone an id means
        add_host(w, f, zone);
    later(w, 3600000);
    return w;
}

static void the_zones_of_a_fleet_have_scores_where_the_policy_asks_once_an_interval(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_three_types());
    for (int i = 0; i < 3; i++)
        bed_look_later(&b, 30000);
    assert_int_equal(bed_calls(&b, "ec2:GetSpotPlacementScores"), 0);
    assert_int_equal(b.s.fleets[0].pools[0].score, 0);
    b.policy.placement_scores_ms = 3600000;
    int first = world_pool(b.world, &b.s.fleets[0].pools[0]);
    for (int p = 0; p < world_view(b.world).pool_count; p++)  // all of that zone is sold out
        if (world_view(b.world).pools[p].zone == world_view(b.world).pools[first].zone)
            world_set_shortage(b.world, p, INT64_MAX);
    bed_later(&b, 60000);
    int64_t began_ms = world_view(b.world).now_ms;
    bed_look(&b);
    for (size_t k = 0; k < 3; k++) {
        assert_in_range(b.s.fleets[0].pools[k].score, 1, 10);
        assert_in_range(b.s.fleets[0].pools[k].scored_ms, began_ms, b.s.now_ms);  // within this look
    }
    assert_int_equal(b.s.fleets[0].pools[0].score, 1);
    assert_true(b.s.fleets[0].pools[1].score > 1);
    for (int i = 0; i < 100; i++)
        bed_look_later(&b, 30000);
    assert_int_equal(bed_calls(&b, "ec2:GetSpotPlacementScores"), 1);
    assert_int_equal(b.s.fleets[0].pools[0].score, 1);
    bed_look_later(&b, 3600000);
    assert_int_equal(bed_calls(&b, "ec2:GetSpotPlacementScores"), 2);
    bed_close(&b);
}

static void what_the_memo_knows_of_scores_counts_as_asked(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_three_types());
    b.policy.placement_scores_ms = 3600000;
    struct memo_stamp told = {STAMP_SCORE, "sfr us-east-1a", world_view(b.world).now_ms - 1800000, 0, 4, 0};
    gather_recall(b.gather, &(struct memo){.stamps = &told, .stamp_count = 1});
    bed_look_later(&b, 1700000);
    assert_int_equal(bed_calls(&b, "ec2:GetSpotPlacementScores"), 0);
    bed_look_later(&b, 200000);
    assert_int_equal(bed_calls(&b, "ec2:GetSpotPlacementScores"), 1);
    bed_close(&b);
}

static void scores_that_are_refused_are_told_once_and_not_asked_for_before_the_interval(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_three_types());
    b.policy.placement_scores_ms = 3600000;
    struct err err = {0};
    assert_int_equal(sandbox_add_fault(b.sandbox, &(struct sandbox_fault){"ec2:GetSpotPlacementScores", SANDBOX_FAULT_DENIED, 0, -1}, &err), 0);
    bed_look(&b);
    const char *note = gather_note(b.gather);
    assert_non_null(note);
    assert_non_null(strstr(note, "which zones are likely to have spot capacity is unknown"));
    for (int i = 0; i < 40; i++)
        bed_look_later(&b, 30000);
    assert_null(gather_note(b.gather));
    assert_int_equal(bed_calls(&b, "ec2:GetSpotPlacementScores"), 1);
    bed_close(&b);
}

static void a_fleet_of_fewer_than_three_types_is_not_asked_about(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_three_pools());
    b.policy.placement_scores_ms = 900000;
    bed_look(&b);
    assert_int_equal(bed_calls(&b, "ec2:GetSpotPlacementScores"), 0);
    bed_close(&b);
}

static void prices_on_demand_go_by_size_within_a_family(void **state)
{
    (void)state;
    assert_int_equal(prices_on_demand("c5.large"), 85000);
    assert_int_equal(prices_on_demand("c5.9xlarge"), 1530000);
    assert_int_equal(prices_on_demand("m6id.24xlarge"), 5695200);
    assert_int_equal(prices_on_demand("r7g.2xlarge"), 428400);
    assert_int_equal(prices_on_demand("c5.huge"), 0);
    assert_int_equal(prices_on_demand("c55.large"), 0);
    assert_int_equal(prices_on_demand("c5"), 0);
    assert_int_equal(prices_on_demand(""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pool_has_the_price_of_its_zone_and_its_type_one_on_demand),
        cmocka_unit_test(a_pool_that_the_history_refuses_is_named_and_the_others_are_not),
        cmocka_unit_test(the_quota_of_what_the_fleets_launch_is_told_with_what_is_used),
        cmocka_unit_test(the_quota_of_what_a_dry_fleet_is_given_on_demand_is_asked_before_it_is_ordered),
        cmocka_unit_test(the_addresses_of_the_subnets_that_fleets_launch_in_are_told),
        cmocka_unit_test(the_zones_of_a_fleet_have_scores_where_the_policy_asks_once_an_interval),
        cmocka_unit_test(what_the_memo_knows_of_scores_counts_as_asked),
        cmocka_unit_test(scores_that_are_refused_are_told_once_and_not_asked_for_before_the_interval),
        cmocka_unit_test(a_fleet_of_fewer_than_three_types_is_not_asked_about),
        cmocka_unit_test(prices_on_demand_go_by_size_within_a_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
