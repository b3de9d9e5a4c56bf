// Measured use: scale-in is proven on it beside what is reserved; it only ever holds.
#include <string.h>

#include "tests/planner/random_world.h"
#include "tests/planner/take.h"

// Three instances; eight tasks of an eighth each lie on two of them, and the third holds two: they fit elsewhere by what is reserved.
static struct build b;
static int fleet, type, web, shape;

static void use_of(int k, int64_t cpu_units, int64_t memory_mib)
{
    b.s.shapes[k].used_p95 = b.s.shapes[k].used_now = res_make(cpu_units, memory_mib);
    b.s.shapes[k].used_at_ms = b.s.now_ms;
}

static void fresh_use(void)
{
    b.s.usage = (struct source){.state = SOURCE_OK, .read_ms = b.s.now_ms, .detail = ""};
}

static int setup(void **state)
{
    (void)state;
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 16384);
    fleet = build_fleet(&b, "sfr-1", 3);
    build_pool(&b, fleet, type, 1000);
    shape = build_shape(&b, "web:1", 512, 1024);
    web = build_service(&b, "web", shape, 12);
    for (int k = 0; k < 3; k++) {
        build_instance(&b, fleet, type);
        build_hold(&b, k, web, k == 2 ? 2 : 5);
    }
    b.p.usage = (struct policy_usage){.url = "http://prometheus:9090", .every_ms = 60000, .stale_ms = 120000, .ceiling_percent = 80};
    b.p.unneeded_ms = 0;
    b.p.service_percent = 100;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static struct plan *ticks(void)
{
    struct plan *p = NULL;
    for (int k = 0; k < 4; k++) {
        build_later(&b, 30 * SECOND);
        b.s.outlook.at_ms = b.s.outlook.boot_ms > 0 ? b.s.now_ms : 0;
        if (b.s.usage.state == SOURCE_OK) {
            fresh_use();
            for (size_t n = 0; n < b.s.shape_count; n++)
                b.s.shapes[n].used_at_ms = b.s.shapes[n].used_at_ms ? b.s.now_ms : 0;
        }
        p = build_plan(&b);
        if (plan_count(p, ACTION_MARK) > 0)
            break;
    }
    return p;
}

static void what_fits_by_reservation_and_by_use_is_drained(void **state)
{
    (void)state;
    fresh_use();
    use_of(shape, 400, 800);
    struct plan *p = ticks();
    assert_non_null(plan_action(p, ACTION_MARK, "i-003"));
    const struct verdict *v = plan_verdict(p, "c usage");
    assert_string_equal(v->fact, "12 of 12 tasks measured 0 ms ago; 39 % of CPU and 19 % of memory used");
    assert_string_equal(v->verdict, "scale-in is proven on it too");
}

// 900 units over 80 % are 1,125 where 512 are reserved: three of them fill an instance.
static void hosts_full_by_use_are_not_emptied_onto_others(void **state)
{
    (void)state;
    fresh_use();
    use_of(shape, 600, 800);
    struct plan *p = ticks();
    assert_int_equal(plan_count(p, ACTION_MARK), 0);
    assert_string_equal(plan_verdict(p, "i-003")->fact, "its 2 tasks fit elsewhere by what is reserved, not by what is used (95th percentile over 80 %)");
    use_of(shape, 100, 2800);
    p = ticks();
    assert_int_equal(plan_count(p, ACTION_MARK), 0);
}

// They are put anywhere by what they reserve.
static void tasks_that_reserve_nothing_count_by_what_they_use(void **state)
{
    (void)state;
    b.s.shapes[shape].need = res_make(0, 128);
    fresh_use();
    use_of(shape, 620, 100);
    struct plan *p = ticks();
    assert_int_equal(plan_count(p, ACTION_MARK), 0);
    use_of(shape, 200, 100);
    p = ticks();
    assert_true(plan_count(p, ACTION_MARK) > 0);
}

static void g1_what_is_not_known_holds_scale_in_and_scale_out_goes_on(void **state)
{
    (void)state;
    b.s.usage = (struct source){.state = SOURCE_UNKNOWN, .read_ms = b.s.now_ms - 3 * MINUTE, .detail = "cpu_query: connection refused"};
    use_of(shape, 100, 100);
    struct plan *p = ticks();
    assert_int_equal(plan_count(p, ACTION_MARK), 0);
    assert_string_equal(plan_verdict(p, "i-003")->fact, "what tasks use was last known 5 min ago: cpu_query: connection refused");
    assert_string_equal(plan_verdict(p, "c usage")->verdict, "scale-in is held, scale-out goes on");
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 40;
    assert_true(plan_target(build_plan(&b), "sfr-1") > 3);
}

static void g1_old_samples_are_no_samples(void **state)
{
    (void)state;
    fresh_use();
    use_of(shape, 100, 100);
    for (int k = 0; k < 12; k++) {
        build_later(&b, 30 * SECOND);
        struct plan *p = build_plan(&b);
        if (b.s.now_ms - b.s.usage.read_ms > 2 * MINUTE)
            assert_int_equal(plan_count(p, ACTION_MARK), 0);
        b.has_memo = true;
    }
    assert_true(b.s.now_ms - b.s.usage.read_ms > 5 * MINUTE);
}

static void g1_an_alert_tells_of_it_after_half_an_hour(void **state)
{
    (void)state;
    for (int k = 0; k < 58; k++) {
        build_later(&b, 30 * SECOND);
        struct plan *p = build_plan(&b);
        for (size_t n = 0; n < p->alert_count; n++)
            assert_string_not_equal(p->alerts[n].target, "c usage");
    }
    build_later(&b, 3 * MINUTE);
    const struct alert *a = plan_alert(build_plan(&b), "source-lost", "c usage");
    assert_string_equal(a->what, "what tasks use is not known");
}

static void where_the_policy_says_so_what_is_reserved_counts(void **state)
{
    (void)state;
    b.p.usage.on_unknown = USAGE_UNKNOWN_RESERVATION;
    struct plan *p = ticks();
    assert_non_null(plan_action(p, ACTION_MARK, "i-003"));
}

// Neither are its own tasks moved, nor anything onto where they are.
static void one_family_that_is_not_measured_holds_where_it_is(void **state)
{
    (void)state;
    int batch_shape = build_shape(&b, "batch:1", 256, 256), batch = build_service(&b, "batch", batch_shape, 1);
    build_hold(&b, 2, batch, 1);
    fresh_use();
    use_of(shape, 300, 300);
    struct plan *p = ticks();
    assert_null(plan_action(p, ACTION_MARK, "i-003"));
    assert_string_equal(plan_verdict(p, "i-003")->fact, "what its 1 task of batch use is not known");
    use_of(batch_shape, 100, 100);
    p = ticks();
    assert_non_null(plan_action(p, ACTION_MARK, "i-003"));
}

// ---- circuit breakers -----------------------------------------------------------------------------------------------------
static void breakers_of(const char *whose)
{
    fresh_use();
    use_of(shape, 400, 800);
    b.p.usage.on_unknown = USAGE_UNKNOWN_RESERVATION;  // which says nothing of breakers
    b.p.usage.overflow_query = "sum by (envoy_cluster_name) (x)";
    b.s.overflow = (struct source){.state = SOURCE_OK, .read_ms = b.s.now_ms, .detail = ""};
    b.s.overflowing = whose;
}

static struct plan *ticks_with_breakers(void)
{
    struct plan *p = NULL;
    for (int k = 0; k < 4; k++) {
        build_later(&b, 30 * SECOND);
        breakers_of(b.s.overflowing);
        p = build_plan(&b);
    }
    return p;
}

static void g7_open_circuit_breakers_hold_scale_in(void **state)
{
    (void)state;
    breakers_of("main-web, main-api");
    struct plan *p = ticks_with_breakers();
    assert_int_equal(plan_count(p, ACTION_MARK), 0);
    assert_string_equal(plan_verdict(p, "i-003")->fact, "circuit breakers of main-web, main-api are open");
    assert_string_equal(plan_verdict(p, "i-003")->verdict, "scale-in is held");
    const struct verdict *v = plan_verdict(p, "c overflow");
    assert_string_equal(v->fact, "circuit breakers of main-web, main-api are open");
    assert_string_equal(v->verdict, "scale-in is held, scale-out goes on");
    assert_string_equal(plan_alert(p, "overflow", "c overflow")->what, v->fact);
    breakers_of("");
    p = ticks();
    assert_non_null(strstr(plan_verdict(p, "c overflow")->fact, "no circuit breaker was open"));
    assert_non_null(plan_action(p, ACTION_MARK, "i-003"));
    breakers_of("main-web");
    b.s.services[web].desired = b.s.services[web].deployments[0].desired = 40;
    assert_true(plan_target(build_plan(&b), "sfr-1") > 3);
}

static void g7_breakers_of_which_nothing_is_known_hold_it_too(void **state)
{
    (void)state;
    breakers_of("");
    b.s.overflow = (struct source){.state = SOURCE_UNKNOWN, .detail = "overflow_query: answers nothing"};
    struct plan *p = ticks();
    assert_int_equal(plan_count(p, ACTION_MARK), 0);
    assert_string_equal(plan_verdict(p, "i-003")->fact, "whether circuit breakers are open is not known: overflow_query: answers nothing");
    b.s.overflow = (struct source){.state = SOURCE_OK, .read_ms = b.s.now_ms - 3 * MINUTE, .detail = ""};  // as old as that is not known
    p = ticks();
    assert_int_equal(plan_count(p, ACTION_MARK), 0);
    assert_string_equal(plan_verdict(p, "i-003")->fact, "whether circuit breakers are open was last known 5 min ago");
    build_later(&b, 31 * MINUTE);
    assert_non_null(plan_alert(build_plan(&b), "source-lost", "c overflow"));
    b.p.usage.overflow_query = "";  // nobody asks
    fresh_use();
    p = ticks();
    assert_non_null(plan_action(p, ACTION_MARK, "i-003"));
}

// Two tasks that no fleet could bring a host for have their place by what is reserved. What such a task uses is not known: so is what it leaves for others.
static void v11_use_that_is_not_known_holds_beside_tasks_that_no_fleet_cures(void **state)
{
    (void)state;
    for (int known = 0; known < 2; known++) {
        struct policy_usage usage = b.p.usage;
        build_release(&b);
        build_init(&b);
        type = build_type(&b, "m5.xlarge", 4096, 16384);
        fleet = build_fleet(&b, "sfr-1", 2);
        build_pool(&b, fleet, type, 1000);
        type = build_type(&b, "m5.4xlarge", 16384, 65536);
        web = build_service(&b, "web", build_shape(&b, "web:1", 5000, 1024), 3);
        for (int k = 0; k < 2; k++)
            build_instance(&b, fleet, type);
        build_hold(&b, 0, web, 1);
        b.s.services[web].unplaced_since_ms = b.s.now_ms - HOUR;
        b.p.usage = usage;
        b.p.unneeded_ms = 0;
        b.p.service_percent = 100;
        fresh_use();
        if (known)
            use_of(0, 500, 500);
        struct plan *p = ticks();
        assert_int_equal(plan_count(p, ACTION_MARK), known);
        if (!known)
            assert_string_equal(plan_verdict(p, b.s.instances[1].id)->fact, "what tasks of web:1 use is not known, nor what room more of it takes");
    }
}

// Headroom of a service whose tasks' use is not known takes nobody knows what room: it is still wanted, of a service with a capacity provider too.
static void v11_headroom_of_what_is_not_measured_is_wanted_with_a_capacity_provider_too(void **state)
{
    (void)state;
    for (int of_provider = 0; of_provider < 2; of_provider++)
        for (int known = 0; known < 2; known++) {
            struct policy_usage usage = b.p.usage;
            build_release(&b);
            build_init(&b);
            type = build_type(&b, "m5.xlarge", 4096, 16384);
            fleet = build_fleet(&b, "sfr-1", 2);
            build_pool(&b, fleet, type, 1000);
            b.s.fleets[fleet].provider = "cp";
            web = build_service(&b, "web", build_shape(&b, "web:1", 512, 1024), 2);
            for (int k = 0; k < 2; k++) {
                int i = build_instance(&b, fleet, type);
                b.s.instances[i].provider = "cp";
            }
            build_hold(&b, 0, web, 2);
            b.s.services[web].providers = (struct provider_share[]){{"cp", 0, 1}};
            b.s.services[web].provider_count = (size_t)of_provider;
            b.p.usage = usage;
            b.p.headroom_percent = 50;
            b.p.unneeded_ms = 0;
            fresh_use();
            if (known)
                use_of(0, 300, 500);
            assert_int_equal(plan_count(ticks(), ACTION_MARK), known);
        }
}

// Of two hosts one may go by what is used: without a forecast the dear one. The forecast keeps that, and the other is not taken in its place.
static void v12_beside_what_is_used_what_a_forecast_keeps_lets_no_other_go(void **state)
{
    (void)state;
    static const struct {
        int64_t cpu_units, usd_micro;
        int32_t tasks;
    } HOSTS[] = {{4096, 200000, 1}, {2048, 60000, 1}, {4096, 90000, 2}, {3072, 90000, 2}};
    struct policy_usage usage = b.p.usage;
    build_release(&b);
    build_init(&b);
    fleet = build_fleet(&b, "sfr-1", (int64_t)ARRAY_LEN(HOSTS));
    web = build_service(&b, "web", build_shape(&b, "web:1", 1024, 1024), 6);
    for (size_t k = 0; k < ARRAY_LEN(HOSTS); k++) {
        type = build_type(&b, arena_printf(&b.a, "t%zu", k), HOSTS[k].cpu_units, 65536);
        b.s.types[type].on_demand_usd_micro = HOSTS[k].usd_micro;
        build_pool(&b, fleet, type, 1000);
        build_hold(&b, build_instance(&b, fleet, type), web, HOSTS[k].tasks);
        b.s.instances[k].zone = "";
    }
    b.p.usage = usage;
    b.p.waiting_costs_milli = 10000;
    b.p.unneeded_ms = 0;
    b.p.settle_ms = 0;
    b.p.drain_percent = 50;
    b.p.service_percent = 100;
    b.p.shrink_percent = 90;
    fresh_use();
    use_of(0, 1040, 500);  // at the ceiling of 80 % 1.3 vCPU: one more finds a place on the third
    struct plan *p = ticks();
    assert_int_equal(plan_count(p, ACTION_MARK), 1);
    assert_non_null(plan_action(p, ACTION_MARK, b.s.instances[0].id));
    for (int32_t keep = 2; keep <= 3; keep++) {
        b.has_memo = false;
        b.s.outlook = (struct outlook){.need_milli = 2000, .up = 2, .keep = keep, .boot_ms = 2 * MINUTE};
        p = ticks();
        assert_true((plan_action(p, ACTION_MARK, b.s.instances[0].id) != NULL) == (keep == 2));
        assert_null(plan_action(p, ACTION_MARK, b.s.instances[1].id));
        if (keep > 2)
            assert_non_null(strstr(plan_verdict(p, b.s.instances[0].id)->fact, "forecast or calendar"));
    }
}

// ---- V11, V12 -------------------------------------------------------------------------------------------------------------
static void measure(struct build *x, struct rng *r)
{
    x->s.usage = (struct source){.state = SOURCE_OK, .read_ms = x->s.now_ms, .detail = ""};
    for (size_t k = 0; k < x->s.shape_count; k++) {
        struct shape *s = &x->s.shapes[k];
        int64_t percent = rng_between(r, 0, 400);
        s->used_p95 = s->used_now = res_make(s->need.v[RES_CPU] * percent / 100, s->need.v[RES_MEMORY] * rng_between(r, 0, 120) / 100);
        s->used_at_ms = rng_between(r, 0, 9) == 0 ? 0 : x->s.now_ms;
    }
}

// Whatever is measured: no removal that the plan without it lacks; and what is lost of it takes no more away than it did.
static void v11_v12_measured_use_only_ever_holds(void **state)
{
    (void)state;
    int64_t held = 0, removed = 0;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        struct rng r;
        struct build x;
        rng_init(&r, seed);
        if (seed % 2)
            random_calm_world(&x, &r);
        else
            random_world(&x, &r);
        for (int tick = 0; tick < 6; tick++) {
            struct memo memo = x.memo;
            bool has_memo = x.has_memo;
            x.p.usage = (struct policy_usage){.url = ""};
            struct plan without = take_plan(&x, &memo, has_memo);
            x.p.usage = (struct policy_usage){.url = "http://p", .every_ms = 60000, .stale_ms = 120000, .ceiling_percent = rng_between(&r, 30, 100)};
            measure(&x, &r);
            struct plan with = take_plan(&x, &memo, has_memo);
            takes_no_more(&x, &without, &with, "measured", seed);
            x.p.waiting_costs_milli = 10000;
            x.s.outlook = random_outlook(&x, &r);
            struct plan beside = take_plan(&x, &memo, has_memo);
            takes_no_more(&x, &with, &beside, "a forecast beside what is measured", seed);
            x.p.waiting_costs_milli = 0;
            x.s.outlook = (struct outlook){0};
            for (size_t i = 0; i < x.s.instance_count; i++) {
                removed += take_removes(&with, x.s.instances[i].id);
                held += take_removes(&without, x.s.instances[i].id) && !take_removes(&with, x.s.instances[i].id);
            }
            x.s.usage.state = SOURCE_UNKNOWN;
            struct plan lost = take_plan(&x, &memo, has_memo);
            takes_no_more(&x, &with, &lost, "lost", seed);
            x.s.usage = (struct source){.state = SOURCE_OK, .read_ms = x.s.now_ms - HOUR, .detail = ""};
            struct plan old = take_plan(&x, &memo, has_memo);
            takes_no_more(&x, &with, &old, "old", seed);
            x.s.usage = (struct source){.state = SOURCE_OK, .read_ms = x.s.now_ms, .detail = ""};
            for (size_t k = 0; k < x.s.shape_count; k++) {
                int64_t at_ms = x.s.shapes[k].used_at_ms;
                x.s.shapes[k].used_at_ms = 0;
                struct plan less = take_plan(&x, &memo, has_memo);
                takes_no_more(&x, &with, &less, "one family lost", seed);
                x.s.shapes[k].used_at_ms = at_ms;
            }
            x.p.usage.overflow_query = "x";
            x.s.overflow.state = tick % 2 ? SOURCE_OK : SOURCE_UNKNOWN;
            x.s.overflow.read_ms = x.s.now_ms;
            x.s.overflowing = "a";
            struct plan open = take_plan(&x, &memo, has_memo);
            takes_no_more(&x, &with, &open, "breakers open or unknown", seed);
            x.p.usage.overflow_query = "";
            build_plan(&x);
            random_obey(&x, &r);
            random_events(&x, &r);
            build_later(&x, 30 * SECOND);
        }
        build_release(&x);
    }
    assert_true(removed > 10);
    assert_true(held > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_fits_by_reservation_and_by_use_is_drained, setup, teardown),
        cmocka_unit_test_setup_teardown(hosts_full_by_use_are_not_emptied_onto_others, setup, teardown),
        cmocka_unit_test_setup_teardown(tasks_that_reserve_nothing_count_by_what_they_use, setup, teardown),
        cmocka_unit_test_setup_teardown(g1_what_is_not_known_holds_scale_in_and_scale_out_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(g1_old_samples_are_no_samples, setup, teardown),
        cmocka_unit_test_setup_teardown(g1_an_alert_tells_of_it_after_half_an_hour, setup, teardown),
        cmocka_unit_test_setup_teardown(where_the_policy_says_so_what_is_reserved_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(one_family_that_is_not_measured_holds_where_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(g7_open_circuit_breakers_hold_scale_in, setup, teardown),
        cmocka_unit_test_setup_teardown(g7_breakers_of_which_nothing_is_known_hold_it_too, setup, teardown),
        cmocka_unit_test_setup_teardown(v11_use_that_is_not_known_holds_beside_tasks_that_no_fleet_cures, setup, teardown),
        cmocka_unit_test_setup_teardown(v11_headroom_of_what_is_not_measured_is_wanted_with_a_capacity_provider_too, setup, teardown),
        cmocka_unit_test_setup_teardown(v12_beside_what_is_used_what_a_forecast_keeps_lets_no_other_go, setup, teardown),
        cmocka_unit_test(v11_v12_measured_use_only_ever_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
