// Zones stay level: what an instant fleet launches is dealt over them, and what drains is spared by them, whichever call fails.
#include <string.h>

#include "base/rng.h"
#include "planner/zones.h"
#include "tests/planner/build.h"

enum { DEALS = 3000, PLANS = 250, ZONES = 3, DRAINS = 12 };
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

// ---- drains -------------------------------------------------------------------------------------------------------------------

static int64_t gap(const int64_t has[ZONES])
{
    int64_t most = has[0], least = has[0];
    for (int z = 1; z < ZONES; z++) {
        most = has[z] > most ? has[z] : most;
        least = has[z] < least ? has[z] : least;
    }
    return most - least;
}

static int zone_of(const char *zone)
{
    for (int z = 0; z < ZONES; z++)
        if (strcmp(zone, NAMES[z]) == 0)
            return z;
    fail_msg("zone %s", zone);
    return -1;
}

// The drains of the plan in their order; those whose bit is set in `fails` do not happen, and what leans on them is left.
static void drain_all_but(const struct build *b, const struct plan *plan, unsigned fails, const int64_t had[ZONES])
{
    int64_t has[ZONES] = {had[0], had[1], had[2]};
    bool all = true;
    int n = 0;
    for (size_t k = 0; k < plan->action_count; k++) {
        const struct action *a = &plan->actions[k];
        if (a->kind != ACTION_DRAIN)
            continue;
        bool done = !(fails >> n++ & 1) && (all || !plan->actions[a->after].after_drains);
        int64_t was = gap(has);
        all = all && done;
        has[zone_of(b->s.instances[a->instance].zone)] -= done;
        if (gap(has) > was && gap(has) > 1)
            fail_msg("failing drains %#x: %s leaves the zones %d apart, were %d", fails, a->target, (int)gap(has), (int)was);
    }
}

static void v33_drains_keep_the_zones_level_whichever_of_them_fail(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 11);
    int leaning = 0, free_ = 0;
    for (int turn = 0; turn < PLANS; turn++) {
        struct build b;
        build_init(&b);
        int type = build_type(&b, "m5.xlarge", 4096, 15700), fleet = build_fleet(&b, "sfr-1", 0), n = 8 + (int)rng_below(&r, 30);
        build_pool(&b, fleet, type, 1000);
        int64_t has[ZONES] = {0};
        for (int k = 0; k < n; k++) {
            int z = (int)rng_below(&r, ZONES), i = build_instance(&b, fleet, type);
            b.s.instances[i].zone = NAMES[z];
            has[z]++;
        }
        b.s.fleets[fleet].target = n;
        const struct plan *plan = build_ticks(&b, 3);
        size_t drains = plan_count(plan, ACTION_DRAIN);
        assert_true(drains <= DRAINS);
        for (size_t k = 0; k < plan->action_count; k++) {
            leaning += plan->actions[k].kind == ACTION_MARK && plan->actions[k].after_drains;
            free_ += plan->actions[k].kind == ACTION_MARK && !plan->actions[k].after_drains;
        }
        for (unsigned fails = 0; fails < 1u << drains; fails++)
            drain_all_but(&b, plan, fails, has);
        build_release(&b);
    }
    assert_true(leaning > PLANS / 4);
    assert_true(free_ > PLANS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deal_keeps_the_sum_and_ends_as_level_as_it_can),
        cmocka_unit_test(random_orders_level_the_zones_and_leave_full_ones_out),
        cmocka_unit_test(v33_drains_keep_the_zones_level_whichever_of_them_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
