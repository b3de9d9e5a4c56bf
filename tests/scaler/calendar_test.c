// The calendar of a cell: history says what is usual, events of the past left out, and another policy is another calendar.
#include <stdio.h>
#include <string.h>

#include "scaler/calendar_look.h"
#include "state/history.h"
#include "tests/planner/build.h"

enum { STEP_MS = 300000, STEPS = 7 * 288 };
#define DAY (24 * HOUR)

struct bed {
    struct build b;
    struct clock clock;
    struct state *state;
    int64_t id;
    struct policy_event event;
    struct calendar_keeper keeper;
    char name[32];
};

// At 16:00 UTC of a Wednesday; the entry is from 17:00 to 18:00 each day.
static int setup(void **state)
{
    struct bed *x = calloc(1, sizeof *x);
    build_init(&x->b);
    build_later(&x->b, 2 * DAY - x->b.s.now_ms % DAY + 16 * HOUR);
    int type = build_type(&x->b, "m5.xlarge", 4096, 16384), fleet = build_fleet(&x->b, "sfr-1", 2);
    build_pool(&x->b, fleet, type, 1000);
    build_service(&x->b, "web", build_shape(&x->b, "web:1", 512, 1024), 16);
    snprintf(x->name, sizeof x->name, "%s", "dinner");
    x->event = (struct policy_event){.name = x->name, .start = "", .end = "", .date = "", .window = {"", "17:00", "18:00", "UTC"}, .times_milli = 2000};
    x->b.p.calendar = (struct policy_calendar){&x->event, 1};
    clock_init_virtual(&x->clock, x->b.s.now_ms);
    assert_int_equal(state_open(&(struct state_options){.path = ":memory:", .clock = &x->clock, .no_sync = true}, &x->state, NULL, NULL), 0);
    assert_int_equal(state_cluster(x->state, "1", "r", "c", &x->id, NULL), 0);
    *state = x;
    return 0;
}

static int teardown(void **state)
{
    struct bed *x = *state;
    calendar_release(&x->keeper);
    state_close(x->state);
    build_release(&x->b);
    free(x);
    return 0;
}

// 20 tasks, and 44 from 17:00 to 19:00.
static void fill(struct bed *x)
{
    static struct history_point v[STEPS];
    int64_t end_ms = x->b.s.now_ms / STEP_MS * STEP_MS;
    for (int i = 0; i < STEPS; i++) {
        int64_t at_ms = end_ms + (i - STEPS) * (int64_t)STEP_MS, hour = at_ms % DAY / HOUR;
        v[i] = (struct history_point){at_ms, hour == 17 || hour == 18 ? 44 : 20};
    }
    assert_int_equal(state_history_fill(x->state, x->id, SERIES_DESIRED_TASKS, "", STEP_MS, v, STEPS, NULL), 0);
}

static void look(struct bed *x, const char *hash)
{
    calendar_look(&x->keeper, &x->b.p, hash, state_reader_of(x->state), x->id, &x->b.a, &x->b.s);
}

static void what_an_entry_multiplied_before_is_not_usual(void **state)
{
    struct bed *x = *state;
    fill(x);
    look(x, "0123456789abcdef");
    assert_int_equal(x->b.s.occasion_count, 3);
    assert_string_equal(x->b.s.occasions[0].name, "dinner");
    assert_int_equal(x->b.s.occasions[0].start_ms, x->b.s.now_ms + HOUR);
    assert_int_equal(x->b.s.occasions[0].usual_tasks, 0);  // of its own hours nothing else is known
    assert_int_equal(x->b.s.occasions[2].usual_tasks, 0);  // two days ahead
    x->event.times_milli = 1000;
    x->event.least_vcpus = 8;
    calendar_release(&x->keeper);
    x->keeper = (struct calendar_keeper){0};
    look(x, "1123456789abcdef");
    assert_int_equal(x->b.s.occasions[0].usual_tasks, 44);  // a floor leaves what is usual
    x->event.window.from = "18:30";
    x->event.window.to = "20:00";
    x->event.times_milli = 2000;
    calendar_release(&x->keeper);
    x->keeper = (struct calendar_keeper){0};
    look(x, "2123456789abcdef");
    assert_int_equal(x->b.s.occasions[0].usual_tasks, 0);
    x->event.window.days = "wed";  // as today: the six days before say what is usual
    calendar_release(&x->keeper);
    x->keeper = (struct calendar_keeper){0};
    look(x, "3123456789abcdef");
    assert_int_equal(x->b.s.occasions[0].start_ms, x->b.s.now_ms + 150 * MINUTE);
    assert_int_equal(x->b.s.occasions[0].usual_tasks, 44);
}

static void without_history_it_learns_from_now_on(void **state)
{
    struct bed *x = *state;
    for (int k = 0; k < 24 * 12; k++) {
        look(x, "0123456789abcdef");
        build_later(&x->b, STEP_MS);
    }
    x->event.window.from = "16:10";  // another policy, the same past
    x->event.window.to = "16:20";
    look(x, "1123456789abcdef");
    assert_int_equal(x->b.s.occasions[0].usual_tasks, 16);
}

// A policy may be read again without change, which moves it in memory; its old place is used anew.
static void nothing_of_the_policy_is_kept(void **state)
{
    struct bed *x = *state;
    look(x, "0123456789abcdef");
    const struct occasion *before = x->b.s.occasions;
    memset(x->name, 'x', sizeof x->name - 1);
    look(x, "0123456789abcdef");
    assert_string_equal(x->b.s.occasions[0].name, "dinner");
    snprintf(x->name, sizeof x->name, "%s", "lunch");
    look(x, "1123456789abcdef");
    assert_string_equal(x->b.s.occasions[0].name, "lunch");
    assert_string_equal(before[0].name, "dinner");
}

static void a_policy_without_entries_has_no_occasion(void **state)
{
    struct bed *x = *state;
    x->b.p.calendar.count = 0;
    look(x, "");
    assert_int_equal(x->b.s.occasion_count, 0);
    assert_null(x->keeper.calendar);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_an_entry_multiplied_before_is_not_usual),
        T(without_history_it_learns_from_now_on),
        T(nothing_of_the_policy_is_kept),
        T(a_policy_without_entries_has_no_occasion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
