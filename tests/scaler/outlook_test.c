// The outlook of a cell begins with what the history knows, and learns from now on where it knows nothing.
#include "scaler/outlook_past.h"
#include "state/history.h"
#include "tests/planner/build.h"

enum { STEP_MS = 300000, STEPS = 2 * 288 };

struct bed {
    struct build b;
    struct clock clock;
    struct state *state;
    int64_t id;
};

static int setup(void **state)
{
    struct bed *x = calloc(1, sizeof *x);
    build_init(&x->b);
    int type = build_type(&x->b, "m5.xlarge", 4096, 16384), fleet = build_fleet(&x->b, "sfr-1", 2);
    build_pool(&x->b, fleet, type, 1000);
    int web = build_service(&x->b, "web", build_shape(&x->b, "web:1", 512, 1024), 16);
    build_hold(&x->b, build_instance(&x->b, fleet, type), web, 8);
    build_hold(&x->b, build_instance(&x->b, fleet, type), web, 8);
    x->b.p.waiting_costs_milli = 10000;
    clock_init_virtual(&x->clock, x->b.s.now_ms);
    assert_int_equal(state_open(&(struct state_options){.path = ":memory:", .clock = &x->clock, .no_sync = true}, &x->state, NULL, NULL), 0);
    assert_int_equal(state_cluster(x->state, "1", "r", "c", &x->id, NULL), 0);
    *state = x;
    return 0;
}

static int teardown(void **state)
{
    struct bed *x = *state;
    state_close(x->state);
    build_release(&x->b);
    free(x);
    return 0;
}

static void fill(struct bed *x)
{
    static struct history_point v[STEPS];
    int64_t end_ms = x->b.s.now_ms / STEP_MS * STEP_MS;
    for (int i = 0; i < STEPS; i++)
        v[i] = (struct history_point){end_ms + (i - STEPS) * (int64_t)STEP_MS, i % 288 < 144 ? 16 : 32};
    assert_int_equal(state_history_fill(x->state, x->id, SERIES_DESIRED_TASKS, "", STEP_MS, v, STEPS, NULL), 0);
}

static void outlook_recall_only(struct outlook_keeper *k, struct bed *x)
{
    struct snapshot s = x->b.s;
    s.now_ms = s.now_ms / STEP_MS * STEP_MS;  // so that nothing is pushed after it
    outlook_look(k, &x->b.p, state_reader_of(x->state), x->id, &s);
}

static void a_restart_goes_on_with_the_history(void **state)
{
    struct bed *x = *state;
    struct outlook_keeper k = {0};
    fill(x);
    outlook_look(&k, &x->b.p, state_reader_of(x->state), x->id, &x->b.s);
    assert_int_equal(x->b.s.outlook.at_ms, x->b.s.now_ms);
    assert_int_equal(x->b.s.outlook.need_milli, 2000);
    outlook_release(&k);
}

// An hour before the start tasks were few since callers were cut off.
static void g7_what_was_hidden_by_open_breakers_is_not_recalled(void **state)
{
    struct bed *x = *state;
    enum { SPAN = 12 };
    struct history_point few[SPAN], open[SPAN];
    int64_t end_ms = x->b.s.now_ms / STEP_MS * STEP_MS;
    for (int i = 0; i < SPAN; i++) {
        few[i] = (struct history_point){end_ms + (i - SPAN) * (int64_t)STEP_MS, 1};
        open[i] = (struct history_point){few[i].at_ms, 1};
    }
    assert_int_equal(state_history_fill(x->state, x->id, SERIES_DESIRED_TASKS, "", STEP_MS, few, SPAN, NULL), 0);
    fill(x);  // what is known stays
    for (int known = 0; known < 2; known++) {
        struct outlook_keeper k = {0};
        if (known)
            assert_int_equal(state_history_fill(x->state, x->id, SERIES_OVERFLOW, "", STEP_MS, open, SPAN, NULL), 0);
        outlook_recall_only(&k, x);
        assert_true(known ? k.demand == 16 : k.demand < 2);  // eighths of an instance: what is wanted now, else what was learned last
        outlook_release(&k);
    }
}

static void without_history_or_a_price_there_is_no_outlook_yet(void **state)
{
    struct bed *x = *state;
    struct outlook_keeper k = {0};
    outlook_look(&k, &x->b.p, state_reader_of(x->state), x->id, &x->b.s);
    assert_int_equal(x->b.s.outlook.at_ms, 0);
    assert_non_null(k.bank);  // it learns
    outlook_release(&k);
    outlook_look(&k, &x->b.p, NULL, 0, &x->b.s);
    assert_int_equal(x->b.s.outlook.at_ms, 0);
    outlook_release(&k);
    fill(x);
    x->b.p.waiting_costs_milli = 0;
    outlook_look(&k, &x->b.p, state_reader_of(x->state), x->id, &x->b.s);
    assert_int_equal(x->b.s.outlook.at_ms, 0);
    assert_null(k.bank);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_restart_goes_on_with_the_history, setup, teardown),
        cmocka_unit_test_setup_teardown(g7_what_was_hidden_by_open_breakers_is_not_recalled, setup, teardown),
        cmocka_unit_test_setup_teardown(without_history_or_a_price_there_is_no_outlook_yet, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
