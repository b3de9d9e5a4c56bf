// A doubling that the history never saw, announced in the calendar: instances are there before it, and nobody waits more for them.
#include "base/parse.h"
#include "planner/sim/fold.h"
#include "tests/sim/fixture.h"

enum { BEFORE = 12, TASKS = 32, MINUTE_MS = 60000 };

struct outcome {
    int before, waited_tasks;  // ACTIVE instances a minute before; tasks without a place over the minutes of the first quarter of an hour
    int after;                 // three hours after its end
    int64_t violations;
};

static int active(struct world *w)
{
    struct world_view v = world_view(w);
    int n = 0;
    for (int i = 0; i < v.instance_count; i++)
        n += v.instances[i].used && v.instances[i].status.now == WE_ACTIVE;
    return n;
}

static int waiting(struct world *w, int service)
{
    struct world_view v = world_view(w);
    return v.services[service].desired - v.services[service].running;
}

static void run(struct fold *f, int64_t to_ms)
{
    struct err err = {0};
    if (fold_run(f, to_ms, &err) != 0)
        fail_msg("%s", err.msg);
}

static struct outcome a_day(bool announced)
{
    struct world *w = calm_world();
    struct policy_fleet fleet = {.tag = "", .max = 60};
    struct policy_cluster p;
    struct policy_event event = {.name = "sale", .date = "", .window = {"", "", "", "UTC"}, .times_milli = 2000};
    struct err err = {0};
    struct fold *f;
    struct outcome o = {0};
    char start[32], end[32];
    int64_t start_ms = world_view(w).now_ms + BEFORE * 3600000LL, end_ms = start_ms + 3600000;
    event.start = format_iso8601(start_ms, false, start);
    event.end = format_iso8601(end_ms, false, end);
    policy_cluster_defaults(&p);
    p.name = "main";
    p.fleets = &fleet;
    p.fleet_count = 1;
    if (announced)
        p.calendar = (struct policy_calendar){&event, 1};
    int at = add_fleet(w, 9, "m5.xlarge", 1);
    fleet.id = world_view(w).fleets[at].id;
    int web = add_service(w, (struct a_service){"web", 1024, 1800, TASKS, 100, 200, WS_SPREAD_ZONE, false, false});
    assert_int_equal(fold_new(w, &p, 1, &f, &err), 0);
    run(f, start_ms - MINUTE_MS);
    o.before = active(w);
    run(f, start_ms);
    assert_int_equal(world_set_desired(w, WORLD_PERSON, web, 2 * TASKS), WORLD_OK);
    for (int k = 1; k <= 15; k++) {
        run(f, start_ms + k * MINUTE_MS);
        o.waited_tasks += waiting(w, web);
    }
    run(f, end_ms - MINUTE_MS);
    assert_int_equal(waiting(w, web), 0);
    assert_int_equal(world_set_desired(w, WORLD_PERSON, web, TASKS), WORLD_OK);
    run(f, end_ms + 3 * 3600000LL);
    o.after = active(w);
    fold_finish(f);
    size_t n;
    const struct violation *v = invariants_list(fold_invariants(f), &n);
    if (n > 0)
        fail_msg("V%d: %s", (int)v[0].id, v[0].text);
    fold_free(f);
    world_free(w);
    return o;
}

static void a_doubling_that_is_announced_keeps_nobody_waiting(void **state)
{
    (void)state;
    struct outcome plain = a_day(false), announced = a_day(true);
    assert_in_range(plain.before, 8, 12);
    assert_true(announced.before >= 16);  // four tasks an instance
    assert_true(plain.waited_tasks > 30);
    assert_true(announced.waited_tasks < plain.waited_tasks / 4);
    assert_int_equal(announced.after, plain.after);  // nothing of it stays
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_doubling_that_is_announced_keeps_nobody_waiting)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
