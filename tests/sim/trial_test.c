// Rules, their hands, and whole trials: what each promises, on small worlds.
#include "planner/sim/trial.h"
#include "planner/sim/waits.h"
#include "planner/sim/world_internal.h"
#include "tests/sim/fixture.h"

#include <inttypes.h>

enum { HOUR = 3600000, MINUTE = 60000 };

static struct workload_trace step_trace(struct arena *a, const double *value, size_t count, int64_t step_s)
{
    struct workload_trace t = {.at_s = arena_array(a, int64_t, count), .value = arena_array(a, double, count), .count = count, .step_s = step_s};
    for (size_t i = 0; i < count; i++) {
        t.at_s[i] = (int64_t)i * step_s;
        t.value[i] = value[i];
        t.mean += value[i] / (double)count;
    }
    return t;
}

static struct scene calm_scene(int64_t tasks)
{
    struct scene s;
    scene_default(&s, tasks);
    s.interruptions_per_instance_day = s.shortages_per_pool_day = 0;
    return s;
}

// ---- waits ------------------------------------------------------------------------------------------------------------------

static void who_came_first_is_served_first(void **state)
{
    (void)state;
    struct waits *w = calloc(1, sizeof *w);
    struct arena a;
    arena_init(&a, 0);
    waits_now(w, &a, 2, 0);
    waits_now(w, &a, 3, 10000);
    waits_now(w, &a, 1, 30000);  // two that have waited for 30 s
    waits_now(w, &a, 0, 40000);  // and one of 30 s
    assert_int_equal(w->ended[30], 3);
    assert_int_equal(waits_quantile_s(w, 3, 0.5), 30);
    assert_int_equal(waits_quantile_s(w, 100, 0.5), 0);
    assert_int_equal(waits_quantile_s(w, 100, 0.99), 30);
    waits_clear(w);
    waits_now(w, &a, 1, 50000);
    waits_now(w, &a, 0, 50000 + 3 * (int64_t)WAITS_MOST_S * 1000);
    assert_int_equal(w->ended[WAITS_MOST_S], 1);
    for (int i = 0; i < 1000; i++) {  // the ring does not grow for ever
        waits_now(w, &a, 5, i * 1000);
        waits_now(w, &a, 0, i * 1000 + 500);
    }
    assert_true(w->cap < 100);
    arena_release(&a);
    free(w);
}

// ---- the rules alone --------------------------------------------------------------------------------------------------------

static void ask(struct rule *r, double need, int64_t active, int64_t *up, int64_t *keep)
{
    struct crew_facts f = {.now_ms = (int64_t)(r->count + 1) * r->period_ms, .need = need, .active = active, .unit_of_one = 1};
    f.cpu_share = active > 0 ? need / (double)active : 1;
    rule_decide(r, &f, up, keep);
}

static void each_rule_does_what_it_says(void **state)
{
    (void)state;
    struct arena a;
    struct rule r;
    struct scene s = calm_scene(80);
    int64_t up, keep;
    arena_init(&a, 0);
    rule_init(&r, RULE_REACTIVE, 300, &s, &a);
    ask(&r, 9.2, 5, &up, &keep);
    assert_int_equal(up, 10);
    for (int minute = 0; minute < 5; minute++) {
        ask(&r, 3, 10, &up, &keep);
        assert_int_equal(up, 3);
        assert_int_equal(keep, 10);  // what was needed five minutes ago
    }
    ask(&r, 3, 10, &up, &keep);
    assert_int_equal(keep, 3);
    rule_init(&r, RULE_HEADROOM, 20, &s, &a);
    ask(&r, 10, 10, &up, &keep);
    assert_int_equal(up, 12);
    assert_int_equal(keep, 12);
    rule_init(&r, RULE_SAFETY, 100, &s, &a);
    for (int i = 0; i < 200; i++)
        ask(&r, i % 20 < 10 ? 5 : 9, 5, &up, &keep);
    assert_int_equal(up, 9 + 4);  // the largest rise that it saw
    rule_init(&r, RULE_YESTERDAY, 20, &s, &a);
    for (int i = 0; i < 1440; i++)
        ask(&r, i == 700 ? 50 : 5, 5, &up, &keep);
    for (int i = 0; i < 690; i++)
        ask(&r, 5, 5, &up, &keep);
    assert_int_equal(up, 6);
    for (int i = 0; i < 8; i++)
        ask(&r, 5, 5, &up, &keep);
    assert_int_equal(up, 50);  // a boot and five minutes before the time of yesterday's peak
    arena_release(&a);
}

static void the_threshold_takes_one_step_in_fifteen_minutes(void **state)
{
    (void)state;
    struct arena a;
    struct rule r;
    struct scene s = calm_scene(80);
    int64_t up, keep, have = 10;
    arena_init(&a, 0);
    rule_init(&r, RULE_THRESHOLD, 75, &s, &a);
    for (int minute = 0; minute < 60; minute++) {
        ask(&r, 9, have, &up, &keep);
        assert_true(up == have || up == have + 1);
        have = up;
    }
    assert_int_equal(have, 12);  // 9 of 12 are 75 %: no more
    for (int minute = 0; minute < 16; minute++) {
        ask(&r, 7, have, &up, &keep);
        assert_int_equal(up, have);  // between 50 and 75 % nothing moves
    }
    ask(&r, 5, have, &up, &keep);
    assert_int_equal(keep, have - 1);
    arena_release(&a);
}

static void names_and_knobs(void **state)
{
    (void)state;
    enum rule_kind k;
    for (int i = 0; i < RULE_COUNT; i++) {
        const struct rule_kind_info *info = rule_info((enum rule_kind)i);
        assert_true(rule_find(info->name, &k));
        assert_int_equal(k, i);
        assert_true(info->usual >= info->least && info->usual <= info->most);
        for (int n = 0; n < info->sweep_count; n++)
            assert_true(info->sweep[n] >= info->least && info->sweep[n] <= info->most);
    }
    assert_false(rule_find("nobody", &k));
}

// ---- the hands --------------------------------------------------------------------------------------------------------------

static void the_crew_gives_what_is_wished_and_kills_nobody(void **state)
{
    (void)state;
    struct arena a;
    struct world *w;
    struct err err;
    struct crew_facts f;
    struct scene s = calm_scene(64);
    arena_init(&a, 0);
    assert_int_equal(scene_world(&s, 5, SCENE_SPOT, &a, &w, &err), 0);
    struct crew c = {.w = w};
    crew_look(&c, &f);
    assert_true(f.need > 7.9 && f.need < 8.1);  // 64 tasks of an eighth
    for (int minute = 0; minute < 8; minute++) {
        crew_tidy(&c);
        crew_order(&c, 15, 15);
        later(w, MINUTE);
    }
    crew_look(&c, &f);
    assert_int_equal(f.active, 15);
    assert_int_equal(f.coming, 0);
    for (int minute = 0; minute < 8; minute++) {
        crew_tidy(&c);
        crew_order(&c, 9, 9);
        later(w, MINUTE);
    }
    crew_look(&c, &f);
    assert_int_equal(f.active, 9);
    assert_int_equal(f.draining, 0);
    assert_int_equal(world_view(w).fleets[0].fulfilled_milli, 9000);
    assert_int_equal(world_view(w).counters->tasks_killed + world_view(w).counters->tasks_lost, 0);
    crew_order(&c, 8, 8);
    crew_look(&c, &f);
    assert_int_equal(f.draining, 1);
    crew_order(&c, 9, 9);  // a drain of its own is taken back before anything is ordered
    crew_look(&c, &f);
    assert_int_equal(f.active, 9);
    assert_int_equal(f.draining, 0);
    world_free(w);
    arena_release(&a);
}

// ---- whole trials -----------------------------------------------------------------------------------------------------------

static struct trial_result run(const struct scene *s, enum rule_kind kind, double knob, uint64_t seed)
{
    struct trial t = {.scene = s, .kind = kind, .knob = knob, .seed = seed};
    struct trial_result r;
    struct err err = {0};
    int rc = trial_run(&t, &r, &err);
    if (rc)
        fail_msg("%s: %s", rule_info(kind)->name, err.msg);
    return r;
}

static struct scene swinging_scene(struct arena *a, struct workload_trace *t)
{
    double value[48];
    struct scene s;
    for (int i = 0; i < 48; i++)
        value[i] = i / 6 % 2 == 0 ? 40 : 90;
    *t = step_trace(a, value, 48, 1800);
    scene_default(&s, 60);
    s.trace = t;
    s.for_ms = 10 * HOUR;
    s.warmup_ms = 2 * HOUR;
    return s;
}

static void every_rule_runs_the_same_demand_and_the_same_twice(void **state)
{
    (void)state;
    struct arena a;
    struct workload_trace t;
    arena_init(&a, 0);
    struct scene s = swinging_scene(&a, &t);
    int64_t demanded = 0;
    for (int k = 0; k < RULE_CLAIRVOYANT; k++) {
        struct trial_result r = run(&s, (enum rule_kind)k, rule_info((enum rule_kind)k)->usual, 11), again = run(&s, (enum rule_kind)k, rule_info((enum rule_kind)k)->usual, 11);
        assert_memory_equal(&r, &again, sizeof r);
        assert_true(r.cost_usd_micro > 0 && r.task_seconds > 8 * 3600 * 40);
        assert_true(r.task_seconds_waited * (k == RULE_THRESHOLD ? 1 : 4) < r.task_seconds);
        assert_int_equal(r.tasks_killed, 0);
        for (int v = 0; v < r.violation_count && v < TRIAL_VIOLATIONS_MAX; v++)
            print_message("V%d at %+" PRId64 " s: %s\n", (int)r.violations[v].id, (r.violations[v].at_ms - s.start_ms) / 1000, r.violations[v].text);
        assert_int_equal(r.violation_count, 0);
        demanded = k == 0 ? r.task_seconds : demanded;
        assert_true(llabs(r.task_seconds - demanded) * 1000 < demanded);  // the same to the moment of a minute's step
    }
    struct trial_result spot = run(&s, RULE_HEADROOM, 10, 11), on_demand = run(&s, RULE_ON_DEMAND, 10, 11);
    assert_true(on_demand.cost_usd_micro > 2 * spot.cost_usd_micro);
    assert_int_equal(on_demand.interruptions, 0);
    arena_release(&a);
}

// A policy for a real cluster names who measures use there. In a virtual world nobody does, and it costs what it costs without.
static void masu_needs_no_measured_use_in_a_virtual_world(void **state)
{
    (void)state;
    struct arena a;
    struct workload_trace t;
    struct policy_cluster p;
    int64_t costs[2];
    arena_init(&a, 0);
    policy_cluster_defaults(&p);
    struct scene s = swinging_scene(&a, &t);
    s.policy = &p;
    for (int k = 0; k < 2; k++) {
        struct trial_result r = run(&s, RULE_MASU, rule_info(RULE_MASU)->usual, 3);
        assert_true(r.drains > 0);
        costs[k] = r.cost_usd_micro;
        p.usage.url = "http://prometheus:9090";
        p.usage.overflow_query = "sum(overflow)";
        p.usage.cadvisor_port = 8080;
    }
    assert_int_equal(costs[0], costs[1]);
    arena_release(&a);
}

static void masu_serves_the_same_demand_on_each_kind_of_fleet(void **state)
{
    (void)state;
    struct arena a;
    struct workload_trace t;
    arena_init(&a, 0);
    struct scene s = swinging_scene(&a, &t);
    s.interruptions_per_instance_day = 6;
    int64_t costs[SCENE_KIND_COUNT];
    for (int k = 0; k < SCENE_KIND_COUNT; k++) {
        s.fleet = (enum scene_kind)k;
        struct trial_result r = run(&s, RULE_MASU, rule_info(RULE_MASU)->usual, 3);
        for (int v = 0; v < r.violation_count && v < TRIAL_VIOLATIONS_MAX; v++)
            print_message("kind %d: V%d at %+" PRId64 " s: %s\n", k, (int)r.violations[v].id, (r.violations[v].at_ms - s.start_ms) / 1000, r.violations[v].text);
        assert_int_equal(r.violation_count, 0);
        assert_int_equal(r.tasks_killed, 0);
        assert_true(r.launches > 0 && r.interruptions > 0 && r.drains > 0);
        assert_true(r.task_seconds_waited * 20 < r.task_seconds);
        costs[k] = r.cost_usd_micro;
    }
    assert_int_equal(costs[SCENE_EC2_FLEET], costs[SCENE_SPOT_FLEET]);  // the world plays both alike
    assert_int_not_equal(costs[SCENE_AUTO_SCALING], costs[SCENE_SPOT_FLEET]);
    assert_int_not_equal(costs[SCENE_INSTANT], costs[SCENE_SPOT_FLEET]);
    arena_release(&a);
}

static void a_higher_knob_buys_less_waiting(void **state)
{
    (void)state;
    struct arena a;
    struct workload_trace t;
    arena_init(&a, 0);
    struct scene s = swinging_scene(&a, &t);
    s.interruptions_per_instance_day = s.shortages_per_pool_day = 0;
    struct trial_result bare = run(&s, RULE_HEADROOM, 0, 2), ample = run(&s, RULE_HEADROOM, 40, 2);
    assert_true(ample.task_seconds_waited < bare.task_seconds_waited);
    assert_true(ample.cost_usd_micro > bare.cost_usd_micro);
    assert_true(ample.utilisation < bare.utilisation);
    arena_release(&a);
}

static void managed_scaling_acts_each_minute_whatever_the_period(void **state)
{
    (void)state;
    struct arena a;
    struct err err = {0};
    const double steps[] = {40, 80, 20, 60, 100, 40};
    const int64_t periods[] = {MINUTE, 45000, 5 * MINUTE};
    struct trial_result r[ARRAY_LEN(periods)];
    arena_init(&a, 0);
    struct workload_trace t = step_trace(&a, steps, ARRAY_LEN(steps), 3600);
    struct scene s = calm_scene(50);
    s.trace = &t;
    s.for_ms = 6 * HOUR;
    s.warmup_ms = HOUR;
    for (size_t k = 0; k < ARRAY_LEN(periods); k++) {
        s.period_ms = periods[k];
        assert_int_equal(trial_run(&(struct trial){.scene = &s, .kind = RULE_MANAGED, .knob = 100, .seed = 3}, &r[k], &err), 0);
        assert_true(r[k].launches > 0 && r[k].drains > 0);
        assert_memory_equal(&r[k], &r[0], sizeof r[0]);
    }
    arena_release(&a);
}

static void a_lost_zone_is_lost_for_all(void **state)
{
    (void)state;
    struct scene s = calm_scene(60);
    s.for_ms = 3 * HOUR;
    struct trial_result whole = run(&s, RULE_REACTIVE, 300, 4);
    s.losses[s.loss_count++] = (struct scene_loss){"us-east-1b", "", HOUR, 2 * HOUR};
    struct trial_result less = run(&s, RULE_REACTIVE, 300, 4);
    assert_int_equal(whole.interruptions, 0);
    assert_true(less.interruptions > 0);
    assert_true(less.task_seconds_waited > whole.task_seconds_waited);
    s.losses[0].zone = "mars-1a";
    struct trial t = {.scene = &s, .kind = RULE_REACTIVE, .seed = 1};
    struct trial_result r;
    struct err err;
    assert_int_equal(trial_run(&t, &r, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "mars-1a"));
}

static void prices_are_the_same_whatever_the_fleets_do(void **state)
{
    (void)state;
    struct arena a;
    struct world *w[2];
    struct err err;
    struct scene s;
    arena_init(&a, 0);
    scene_default(&s, 200);
    s.interruptions_per_instance_day = 2;
    assert_int_equal(scene_world(&s, 9, SCENE_SPOT, &a, &w[0], &err), 0);
    s.services[0].tasks = 1;
    assert_int_equal(scene_world(&s, 9, SCENE_SPOT, &a, &w[1], &err), 0);
    later(w[0], 24 * HOUR);
    later(w[1], 24 * HOUR);
    assert_true(world_view(w[0]).counters->interruptions != world_view(w[1]).counters->interruptions);
    for (int p = 0; p < world_view(w[0]).pool_count; p++)
        assert_int_equal(world_view(w[0]).pools[p].spot_usd_micro, world_view(w[1]).pools[p].spot_usd_micro);
    world_free(w[0]);
    world_free(w[1]);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_came_first_is_served_first),
        cmocka_unit_test(each_rule_does_what_it_says),
        cmocka_unit_test(the_threshold_takes_one_step_in_fifteen_minutes),
        cmocka_unit_test(names_and_knobs),
        cmocka_unit_test(the_crew_gives_what_is_wished_and_kills_nobody),
        cmocka_unit_test(every_rule_runs_the_same_demand_and_the_same_twice),
        cmocka_unit_test(masu_needs_no_measured_use_in_a_virtual_world),
        cmocka_unit_test(masu_serves_the_same_demand_on_each_kind_of_fleet),
        cmocka_unit_test(a_higher_knob_buys_less_waiting),
        cmocka_unit_test(managed_scaling_acts_each_minute_whatever_the_period),
        cmocka_unit_test(a_lost_zone_is_lost_for_all),
        cmocka_unit_test(prices_are_the_same_whatever_the_fleets_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
