// What an instant fleet launches is dealt over the zones: properties of zones_deal, and of whole plans on random clusters.
#include <string.h>

#include "base/rng.h"
#include "planner/zones.h"
#include "tests/planner/build.h"

enum { DEALS = 3000, PLANS = 250, ZONES = 3 };
static const char *const NAMES[ZONES] = {"us-east-1a", "us-east-1b", "us-east-1c"};
static const char *const SUBNETS[ZONES] = {"subnet-a", "subnet-b", "subnet-c"};

static int64_t sum_of(const struct zone_shares *x, bool has)
{
    int64_t sum = 0;
    for (size_t k = 0; k < x->count; k++)
        sum += has ? x->v[k].has : x->v[k].given;
    return sum;
}

// As water finds its level: whoever got one is at most one above the lowest, and nobody could be raised by giving to another instead.
static void a_deal_keeps_the_sum_and_ends_as_level_as_it_can(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 5);
    for (int turn = 0; turn < DEALS; turn++) {
        struct zone_shares x = {.count = 1 + rng_below(&r, ZONES_DEALT_MAX)};
        int64_t n = (int64_t)rng_below(&r, 60), already = 0, least = INT64_MAX, most = 0;
        for (size_t k = 0; k < x.count; k++) {
            x.v[k] = (struct zone_share){"z", (int64_t)rng_below(&r, 20), rng_below(&r, 4) == 0 ? (int64_t)rng_below(&r, 3) : 0};
            already += x.v[k].given;
        }
        struct zone_shares was = x;
        zones_deal(&x, n);
        assert_int_equal(sum_of(&x, false), already + n);
        assert_int_equal(sum_of(&x, true), sum_of(&was, true));
        for (size_t k = 0; k < x.count; k++) {
            int64_t level = x.v[k].has + x.v[k].given;
            assert_true(x.v[k].given >= was.v[k].given);
            least = level < least ? level : least;
            most = x.v[k].given > was.v[k].given && level > most ? level : most;
        }
        assert_true(most <= least + 1);
    }
}

// ---- whole plans --------------------------------------------------------------------------------------------------------------

struct play {
    struct build b;
    int types[2], fleet, web;
    int64_t has[ZONES];
    bool full[ZONES];
};

static void begin(struct play *p, struct rng *r)
{
    build_init(&p->b);
    p->types[0] = build_type(&p->b, "c5.large", 2048, 3500);
    p->types[1] = build_type(&p->b, "m5.xlarge", 4096, 15700);
    p->fleet = build_fleet(&p->b, "c/spare", 0);
    struct fleet *f = &p->b.s.fleets[p->fleet];
    f->name = "spare";
    f->kind = FLEET_INSTANT;
    f->maintain = false;
    p->b.p.fleets[0] = (struct policy_fleet){.id = "", .tag = "", .group = "", .max = 200, .instant = {.name = "spare", .launch_template = "lt-1", .version = "$Default"}};
    for (int z = 0; z < ZONES; z++) {
        p->full[z] = rng_below(r, 4) == 0;
        for (int t = 0; t < 2; t++) {
            build_pool(&p->b, p->fleet, p->types[t], 1000);
            struct fleet_pool *x = &p->b.s.fleets[p->fleet].pools[p->b.s.fleets[p->fleet].pool_count - 1];
            x->zone = NAMES[z];
            x->subnet = SUBNETS[z];
            x->subnet_full = p->full[z];
            x->spot_usd_micro = t == 0 ? 40000 : 100000;
        }
        p->has[z] = (int64_t)rng_below(r, 6);
    }
    p->web = build_service(&p->b, "web", build_shape(&p->b, "web:1", 1024, 1024), 0);
    for (int z = 0; z < ZONES; z++)
        for (int k = 0; k < p->has[z]; k++) {
            int i = build_instance(&p->b, p->fleet, p->types[0]);
            p->b.s.instances[i].zone = NAMES[z];
            build_hold(&p->b, i, p->web, 2);  // full
        }
    p->b.s.services[p->web].desired = p->b.s.services[p->web].running + 1 + (int32_t)rng_below(r, 24);
}

// Adds what the plan launches by zone; each order names pools of one zone.
static int64_t count_launches(const struct play *p, const struct plan *plan, int64_t ret[ZONES])
{
    int64_t sum = 0;
    (void)p;
    for (size_t k = 0; k < plan->action_count; k++) {
        const struct action *a = &plan->actions[k];
        int zones = 0;
        if (a->kind != ACTION_LAUNCH)
            continue;
        for (int z = 0; z < ZONES; z++) {
            bool named = strstr(a->value, SUBNETS[z]) != NULL;
            zones += named;
            ret[z] += named ? a->capacity : 0;
        }
        assert_int_equal(zones, 1);
        sum += a->capacity;
    }
    return sum;
}

static void random_orders_level_the_zones_and_leave_full_ones_out(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 9);
    int levelled = 0, full = 0;
    for (int turn = 0; turn < PLANS; turn++) {
        struct play p;
        begin(&p, &r);
        int open = 0;
        for (int z = 0; z < ZONES; z++)
            open += !p.full[z];
        int64_t wanted = (p.b.s.services[p.web].desired - p.b.s.services[p.web].running + 1) / 2, given[ZONES] = {0};
        const struct plan *plan = build_plan(&p.b);
        int64_t n = count_launches(&p, plan, given), least = INT64_MAX, most = 0;
        assert_int_equal(n, open > 0 ? wanted : 0);  // two tasks an instance: none is lost, none is dealt twice
        for (int z = 0; z < ZONES; z++) {
            int64_t level = p.has[z] + given[z];
            assert_true(!p.full[z] || given[z] == 0);
            least = !p.full[z] && level < least ? level : least;
            most = given[z] > 0 && level > most ? level : most;
        }
        assert_true(most <= least + 1 || open == 0);
        levelled += open > 1 && n > 1;
        full += open < ZONES && n > 0;
        build_release(&p.b);
    }
    assert_true(levelled > PLANS / 3);
    assert_true(full > PLANS / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deal_keeps_the_sum_and_ends_as_level_as_it_can),
        cmocka_unit_test(random_orders_level_the_zones_and_leave_full_ones_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
