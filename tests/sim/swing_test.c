// An oscillating market for a virtual week (D9, A10): need goes from spot to other pools to on-demand and back, and never flaps.
//
// The bound on flapping follows from L17. A fleet that was dry stays so for 3, 6, 12, 24, then 30 minutes, and the count halves only
// after 30 quiet ones: five moves away from a fleet in any hour are the most (0, 3, 9, 21 and 45 min), and while the swings go on, two
// an hour. On-demand is kept for an hour at least, and goes back after half an hour in which nothing was dry: at most once an hour.
#include "base/rng.h"
#include "planner/sim/fold.h"
#include "planner/sim/market_trace.h"
#include "tests/sim/fixture.h"

#define MINUTE_S 60
#define HOUR_S 3600
#define DAY_S 86400
enum { WEEK_DAYS = 7, MOVES_MAX = 1024, MOVES_AN_HOUR = 5, PHASES = 4096 };

enum { FIRST, OTHER, FLEETS };
static const char *const TYPES[FLEETS] = {"m5.xlarge", "r5.xlarge"};

struct phase {
    int64_t at_s;
    bool has[FLEETS];
};

struct swing {
    struct arena a;
    struct market_trace market;
    struct world *w;
    struct policy_cluster policy;
    struct policy_fleet fleets[FLEETS];
    struct fold *f;
    int64_t start_ms, moves_ms[FLEETS][MOVES_MAX], asked_ms[FLEETS];
    int moves[FLEETS], asks, backs;
    int64_t on_demand_was[FLEETS], dry_ms[FLEETS];
};

static struct phase phases[PHASES];
static int phase_count;

static void phase(int64_t at_s, bool first, bool other)
{
    assert_true(phase_count < PHASES);
    phases[phase_count++] = (struct phase){at_s, {first, other}};
}

// A calm day; one fleet out; all out; ten minutes of all and nothing in turn; the fleets out in turn; by chance; and a calm day.
static void script(void)
{
    struct rng r;
    rng_init(&r, 11);
    phase_count = 0;
    phase(0, true, true);
    phase(1 * DAY_S, false, true);
    phase(1 * DAY_S + 6 * HOUR_S, true, true);
    phase(2 * DAY_S, false, false);
    phase(2 * DAY_S + 6 * HOUR_S, true, true);
    for (int k = 0; k < 36; k++) {
        phase(3 * DAY_S + 2 * k * 10 * MINUTE_S, false, false);
        phase(3 * DAY_S + (2 * k + 1) * 10 * MINUTE_S, true, true);
    }
    for (int k = 0; k < 36; k++)
        phase(4 * DAY_S + k * 20 * MINUTE_S, k % 2, k % 2 == 0);
    phase(4 * DAY_S + 12 * HOUR_S, true, true);
    for (int64_t s = 5 * DAY_S; s < 6 * DAY_S - HOUR_S; s += MINUTE_S + (int64_t)rng_exponential(&r, 15 * MINUTE_S))
        phase(s, rng_below(&r, 2), rng_below(&r, 2));
    phase(6 * DAY_S, true, true);
}

static void write_market(struct swing *s)
{
    struct err err = {0};
    struct buf text;
    buf_init(&text, 4 << 20);
    buf_add_str(&text, "timestamp,zone,instance_type,available\n");
    for (int k = 0; k < phase_count; k++)
        for (int f = 0; f < FLEETS; f++)
            for (int z = 0; z < 3; z++)
                buf_printf(&text, "%lld,us-east-1%c,%s,%d\n", (long long)phases[k].at_s, 'a' + z, TYPES[f], phases[k].has[f] ? 10 : 0);
    buf_printf(&text, "%d,us-east-1a,m5.xlarge,10\n", WEEK_DAYS * DAY_S);
    if (market_trace_parse((struct slice){buf_str(&text), text.len}, "swing.csv", &s->a, &s->market, &err) != 0)
        fail_msg("%s", err.msg);
    buf_release(&text);
}

static void begin(struct swing *s)
{
    struct err err = {0};
    *s = (struct swing){0};
    arena_init(&s->a, 0);
    script();
    write_market(s);
    struct world_options o = calm_options();
    o.market = &s->market;
    s->w = calm_world_with(&o);
    policy_cluster_defaults(&s->policy);
    s->policy.name = "main";
    s->policy.headroom_percent = 0;
    for (int f = 0; f < FLEETS; f++) {
        assert_int_equal(add_fleet(s->w, f == FIRST ? 6 : 0, TYPES[f], 1), f);
        s->fleets[f] = (struct policy_fleet){.id = world_view(s->w).fleets[f].id, .tag = "", .max = 40};
    }
    s->policy.fleets = s->fleets;
    s->policy.fleet_count = FLEETS;
    // No two tasks of one on an instance: else L5 lets none of so few instances go, and no price could bring on-demand back.
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    for (size_t k = 0; k < ARRAY_LEN(names); k++)
        add_service(s->w, (struct a_service){names[k], 720, 1300, 4, 100, 200, WS_SPREAD_INSTANCE, true, false});
    s->start_ms = world_view(s->w).now_ms;
    if (fold_new(s->w, &s->policy, 1, &s->f, &err) != 0)
        fail_msg("%s", err.msg);
}

static void end(struct swing *s)
{
    fold_free(s->f);
    world_free(s->w);
    arena_release(&s->a);
}

static const struct memo_stamp *stamp(const struct memo *m, enum memo_stamp_kind kind, const char *key)
{
    for (size_t k = 0; m && k < m->stamp_count; k++)
        if (m->stamps[k].kind == kind && !strcmp(m->stamps[k].key, key))
            return &m->stamps[k];
    return NULL;
}

// What moved in the last look: need away from a fleet, more asked on demand, and all of that given back.
static void note(struct swing *s)
{
    struct world_view v = world_view(s->w);
    for (int f = 0; f < FLEETS; f++) {
        const struct memo_stamp *dry = stamp(fold_memo(s->f, 0), STAMP_DRY, v.fleets[f].id);
        int64_t on_demand = v.fleets[f].wanted_on_demand;
        if (dry && dry->since_ms != s->dry_ms[f]) {
            s->dry_ms[f] = dry->since_ms;
            assert_true(s->moves[f] < MOVES_MAX);
            s->moves_ms[f][s->moves[f]++] = v.now_ms;
        }
        if (on_demand > 0 && s->on_demand_was[f] == 0) {
            s->asked_ms[f] = v.now_ms;
            s->asks++;
        }
        if (on_demand == 0 && s->on_demand_was[f] > 0) {
            assert_true(v.now_ms - s->asked_ms[f] >= 60 * 60000);  // L17: kept for an hour
            s->backs++;
        }
        s->on_demand_was[f] = on_demand;
    }
}

static void run_to(struct swing *s, int64_t at_s)
{
    struct err err = {0};
    while (world_view(s->w).now_ms < s->start_ms + at_s * 1000) {
        if (fold_run(s->f, world_view(s->w).now_ms + s->policy.period_ms, &err) != 0)
            fail_msg("%s", err.msg);
        note(s);
    }
}

static int running(const struct swing *s, int fleet, bool spot)
{
    struct world_view v = world_view(s->w);
    int n = 0;
    for (int i = 0; i < v.instance_count; i++)
        n += v.instances[i].used && v.instances[i].fleet == fleet && v.instances[i].spot == spot && v.instances[i].state.now <= WL_RUNNING &&
             v.instances[i].notice_ms == 0;
    return n;
}

static void check_bounds(const struct swing *s)
{
    for (int f = 0; f < FLEETS; f++)
        for (int k = MOVES_AN_HOUR; k < s->moves[f]; k++)
            if (s->moves_ms[f][k] - s->moves_ms[f][k - MOVES_AN_HOUR] < 60 * 60000)
                fail_msg("%d moves away from %s within an hour", MOVES_AN_HOUR + 1, TYPES[f]);
    for (int f = 0; f < FLEETS; f++)
        if (s->moves[f] > 2 * WEEK_DAYS * 24)
            fail_msg("%d moves away from %s", s->moves[f], TYPES[f]);
    if (s->backs > WEEK_DAYS * 24)
        fail_msg("%d returns from on-demand", s->backs);
}

static void d9_an_oscillating_market_moves_the_need_to_other_pools_to_on_demand_and_back_without_flapping(void **state)
{
    (void)state;
    struct swing s;
    begin(&s);
    run_to(&s, 1 * DAY_S - MINUTE_S);
    assert_true(running(&s, FIRST, true) >= 5);
    assert_int_equal(s.moves[FIRST] + s.moves[OTHER] + s.asks, 0);

    run_to(&s, 1 * DAY_S + 2 * HOUR_S);  // one fleet has nothing: the other has it all, and the order is withdrawn
    assert_int_equal(running(&s, FIRST, true), 0);
    assert_true(running(&s, OTHER, true) >= 5);
    assert_int_equal(world_view(s.w).fleets[FIRST].wanted, 0);
    assert_int_equal(s.asks, 0);

    run_to(&s, 2 * DAY_S + 2 * HOUR_S);  // neither has
    assert_int_equal(running(&s, FIRST, true) + running(&s, OTHER, true), 0);
    assert_true(running(&s, FIRST, false) + running(&s, OTHER, false) >= 5);
    assert_true(s.asks > 0);

    run_to(&s, 3 * DAY_S - MINUTE_S);  // both have for eighteen hours: spot again
    assert_int_equal(world_view(s.w).fleets[FIRST].wanted_on_demand + world_view(s.w).fleets[OTHER].wanted_on_demand, 0);
    assert_int_equal(running(&s, FIRST, false) + running(&s, OTHER, false), 0);

    run_to(&s, WEEK_DAYS * DAY_S);
    assert_int_equal(running(&s, FIRST, false) + running(&s, OTHER, false), 0);
    check_bounds(&s);
    fold_finish(s.f);
    size_t n;
    const struct violation *v = invariants_list(fold_invariants(s.f), &n);
    if (n > 0)
        fail_msg("V%d at %lld: %s", (int)v[0].id, (long long)(v[0].at_ms - s.start_ms) / 1000, v[0].text);
    struct world_summary sum;
    world_summary(s.w, &sum);
    print_message("%d and %d moves away, on demand asked %d times, given back %d times; %lld interruptions, %.4f waited\n", s.moves[FIRST],
                  s.moves[OTHER], s.asks, s.backs, (long long)sum.interruptions, (double)sum.task_seconds_waited / (double)sum.task_seconds);
    assert_int_equal(sum.tasks_killed, 0);
    assert_true((double)sum.task_seconds_waited < 0.02 * (double)sum.task_seconds);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d9_an_oscillating_market_moves_the_need_to_other_pools_to_on_demand_and_back_without_flapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
