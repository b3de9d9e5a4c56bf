// Measured use: scale-in is proven on it beside what is reserved; it only ever holds.
#include <string.h>

#include "tests/planner/random_world.h"

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

// ---- V11, V12 -------------------------------------------------------------------------------------------------------------
static bool removes(const struct plan *p, const char *instance)
{
    for (size_t k = 0; k < p->action_count; k++) {
        const struct action *x = &p->actions[k];
        bool voluntary = x->kind == ACTION_MARK || x->kind == ACTION_TERMINATE || (x->kind == ACTION_DRAIN && !x->value[0]);
        if (voluntary && strcmp(x->target, instance) == 0)
            return true;
    }
    return false;
}

static struct plan plan_with(struct build *x, const struct memo *memo, bool has_memo)
{
    struct planner_input in = {&x->s, has_memo ? memo : NULL, &x->p};
    struct planner_result r;
    struct err err = {0};
    build_settle(x);
    if (planner_run(&in, &x->a, &r, &err))
        fail_msg("planner_run: %s", err.msg);
    return r.plan;
}

static void takes_no_more(const struct build *x, const struct plan *base, const struct plan *other, const char *what, uint64_t seed)
{
    for (size_t i = 0; i < x->s.instance_count; i++)
        if (removes(other, x->s.instances[i].id) && !removes(base, x->s.instances[i].id)) {
            plan_print(base);
            plan_print(other);
            fail_msg("seed %d, %s: %s is removed", (int)seed, what, x->s.instances[i].id);
        }
    for (size_t f = 0; f < x->s.fleet_count; f++) {
        const struct fleet *y = &x->s.fleets[f];
        int64_t was = plan_target(base, y->id) < 0 ? y->target : plan_target(base, y->id), is = plan_target(other, y->id) < 0 ? y->target : plan_target(other, y->id);
        if (is < y->target && is < was)
            fail_msg("seed %d, %s: target lowered to %d, not %d", (int)seed, what, (int)is, (int)was);
    }
}

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
    for (uint64_t seed = 1; seed <= 300; seed++) {
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
            struct plan without = plan_with(&x, &memo, has_memo);
            x.p.usage = (struct policy_usage){.url = "http://p", .every_ms = 60000, .stale_ms = 120000, .ceiling_percent = rng_between(&r, 30, 100)};
            measure(&x, &r);
            struct plan with = plan_with(&x, &memo, has_memo);
            takes_no_more(&x, &without, &with, "measured", seed);
            for (size_t i = 0; i < x.s.instance_count; i++) {
                removed += removes(&with, x.s.instances[i].id);
                held += removes(&without, x.s.instances[i].id) && !removes(&with, x.s.instances[i].id);
            }
            x.s.usage.state = SOURCE_UNKNOWN;
            struct plan lost = plan_with(&x, &memo, has_memo);
            takes_no_more(&x, &with, &lost, "lost", seed);
            x.s.usage = (struct source){.state = SOURCE_OK, .read_ms = x.s.now_ms - HOUR, .detail = ""};
            struct plan old = plan_with(&x, &memo, has_memo);
            takes_no_more(&x, &with, &old, "old", seed);
            x.s.usage = (struct source){.state = SOURCE_OK, .read_ms = x.s.now_ms, .detail = ""};
            for (size_t k = 0; k < x.s.shape_count; k++) {
                int64_t at_ms = x.s.shapes[k].used_at_ms;
                x.s.shapes[k].used_at_ms = 0;
                struct plan less = plan_with(&x, &memo, has_memo);
                takes_no_more(&x, &with, &less, "one family lost", seed);
                x.s.shapes[k].used_at_ms = at_ms;
            }
            x.p.usage.overflow_query = "x";
            x.s.overflow.state = tick % 2 ? SOURCE_OK : SOURCE_UNKNOWN;
            x.s.overflow.read_ms = x.s.now_ms;
            x.s.overflowing = "a";
            struct plan open = plan_with(&x, &memo, has_memo);
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
        cmocka_unit_test(v11_v12_measured_use_only_ever_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
