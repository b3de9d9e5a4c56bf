// A past that is written by hand, a week in a journal: what is made of it by who reads it back.
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "planner/sim/trial.h"
#include "scaler/past.h"
#include "scaler/recorded.h"
#include "tests/planner/build.h"

enum { STEP_MS = 300000, STEPS = 7 * 288, TASKS = 16 };
#define DAY (24 * HOUR)

struct bed {
    struct build b;
    struct clock clock;
    struct state *state;
    int64_t id;
    struct policy_event event;
    struct scene scene;
    struct recorded recorded;
};

// At 16:00 UTC, two instances that 16 tasks fill; the policy asks for eight times as much room from 16:02 on.
static int setup(void **state)
{
    struct bed *x = calloc(1, sizeof *x);
    build_init(&x->b);
    build_later(&x->b, DAY - x->b.s.now_ms % DAY + 16 * HOUR);
    int type = build_type(&x->b, "m5.xlarge", 4096, 15360), fleet = build_fleet(&x->b, "sfr-11111111-2222-3333-4444-555555555555", 2);
    build_pool(&x->b, fleet, type, 1000);
    int web = build_service(&x->b, "web", build_shape(&x->b, "web:1", 512, 1024), TASKS);
    for (int i = 0; i < 2; i++)
        build_hold(&x->b, build_instance(&x->b, fleet, type), web, TASKS / 2);
    policy_cluster_defaults(&x->b.p);
    x->b.p.name = "c";
    x->b.p.region = "eu-west-1";
    x->b.p.fleets = arena_new(&x->b.a, struct policy_fleet);
    *x->b.p.fleets = (struct policy_fleet){.id = x->b.s.fleets[0].id, .tag = "", .group = "", .max = 1000};
    x->b.p.fleet_count = 1;
    x->event = (struct policy_event){.name = "dinner", .start = "", .end = "", .date = "", .window = {"", "16:02", "17:00", "UTC"}, .times_milli = 1000, .least_vcpus = 64};
    clock_init_virtual(&x->clock, x->b.s.now_ms);
    assert_int_equal(state_open(&(struct state_options){.path = ":memory:", .clock = &x->clock, .no_sync = true}, &x->state, NULL, NULL), 0);
    assert_int_equal(state_cluster(x->state, x->b.s.account, x->b.s.region, x->b.s.cluster, &x->id, NULL), 0);
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

static void fill(struct bed *x, enum series series, const char *subject, int64_t value)
{
    static struct history_point v[STEPS];
    for (int i = 0; i < STEPS; i++)
        v[i] = (struct history_point){x->b.s.now_ms + (i - STEPS) * (int64_t)STEP_MS, value};
    assert_int_equal(state_history_fill(x->state, x->id, series, subject, STEP_MS, v, STEPS, NULL), 0);
}

// One tick, and the week before it.
static void record(struct bed *x, const char *policy)
{
    struct err err = {0};
    int64_t tick;
    const struct plan *plan = build_plan(&x->b);
    fill(x, SERIES_DESIRED_TASKS, "", TASKS);
    fill(x, SERIES_SERVICE_DESIRED, "web", TASKS);
    const struct state_tick_start start = {.cluster = x->id, .at_ms = x->b.s.now_ms, .policy_hash = "0", .mode = "act"};
    assert_int_equal(state_tick_begin(x->state, &start, &tick, &err), 0);
    const struct state_tick_end end = {.tick = tick, .snapshot = &x->b.s, .plan = plan, .memo = &x->b.r.memo, .policy = slice_of(policy)};
    assert_int_equal(state_tick_record(x->state, &end, &err), 0);
}

static const char *policy_text(struct bed *x)
{
    struct policy p;
    struct buf b;
    policy_defaults(&p);
    p.clusters = &x->b.p;
    p.cluster_count = 1;
    buf_init(&b, 1 << 20);
    json_t *j = policy_to_json(&p);
    json_write(j, &b);
    json_decref(j);
    const char *text = arena_strdup(&x->b.a, buf_str(&b));
    buf_release(&b);
    return text;
}

static int recall(struct bed *x, bool own_policy, struct err *err)
{
    scene_default(&x->scene, 100);
    return recorded_scene(state_reader_of(x->state), &(struct recorded_query){.from_ms = -2 * HOUR, .own_policy = own_policy}, &x->b.a, &x->scene, &x->recorded, err);
}

// As a version of masu might have written it whose keys have changed since.
static void a_recorded_policy_that_is_refused_is_told_and_not_asked_of_who_has_another(void **state)
{
    struct bed *x = *state;
    struct err err = {0};
    record(x, "{\"clusters\":[{\"name\":\"c\",\"fleets\":[{\"id\":\"sfr-11111111-2222-3333-4444-555555555555\",\"max\":9}],\"hedroom\":{}}]}");
    assert_int_equal(recall(x, false, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "hedroom: unknown key"));
    x->scene.policy = NULL;
    assert_int_equal(recall(x, true, &err), 0);
    assert_null(x->scene.policy);
    assert_int_equal(x->scene.service_count, 1);
}

// The last hour is counted, which ends two minutes before the entry begins: what it launches is ordered ahead.
static void run(struct bed *x, struct trial_result *ret)
{
    struct err err = {0};
    x->scene.warmup_ms = HOUR;
    if (trial_run(&(struct trial){.scene = &x->scene, .kind = RULE_MASU, .seed = 1}, ret, &err) != 0)
        fail_msg("%s", err.msg);
}

static void a_simulated_past_orders_ahead_for_its_calendar(void **state)
{
    struct bed *x = *state;
    struct err err = {0};
    struct trial_result with, without;
    x->b.p.calendar = (struct policy_calendar){&x->event, 1};
    record(x, policy_text(x));
    if (recall(x, false, &err) != 0)
        fail_msg("%s", err.msg);
    assert_int_equal(x->scene.policy->calendar.count, 1);
    assert_int_equal(x->scene.start_ms + x->scene.for_ms, x->b.s.now_ms);
    run(x, &with);
    struct policy_cluster plain = *x->scene.policy;
    plain.calendar.count = 0;
    x->scene.policy = &plain;
    run(x, &without);
    assert_true(without.launches == 0);
    assert_true(with.launches >= 12);  // of 64 vCPUs eight were there
    assert_int_equal(with.violation_count, 0);
}

// ---- who looks once beside the daemon -------------------------------------------------------------------------------------

// The look of a process that has begun just now.
static void look_once(struct bed *x, int64_t later_ms)
{
    build_later(&x->b, later_ms);
    x->b.s.started_ms = x->b.s.now_ms;
    x->b.s.complete_looks = 1;
    x->b.s.usage = (struct source){SOURCE_UNKNOWN, 0, ""};
    x->b.s.shapes[0].used_p95 = res_make(0, 0);
    x->b.s.outlook = (struct outlook){0};
}

static void open_past(struct bed *x, struct past *ret, const char *name)
{
    past_open(ret, state_reader_of(x->state), x->b.s.account, x->b.s.region, name, x->b.s.now_ms, &x->b.a);
}

static const char *tell(struct bed *x, struct past *p, const char *path)
{
    past_tell(p, &x->b.p, &x->b.a, &x->b.s);
    return past_lacks(p, &x->b.p, &x->b.s, path, &x->b.a);
}

static void record_use(struct bed *x)
{
    x->b.p.waiting_costs_milli = 10000;
    x->b.p.usage.cadvisor_port = 8081;
    x->b.s.usage = (struct source){SOURCE_OK, x->b.s.now_ms, ""};
    x->b.s.shapes[0].used_p95 = res_make(300, 700);
    x->b.s.shapes[0].used_at_ms = x->b.s.now_ms;
    x->b.s.control = (struct control){.mode = CONTROL_FREEZE, .who = "ann", .why = "sale"};
    record(x, policy_text(x));
}

static void one_look_knows_what_the_daemon_does(void **state)
{
    struct bed *x = *state;
    struct past p;
    record_use(x);
    look_once(x, 30 * SECOND);
    open_past(x, &p, "c");
    assert_non_null(p.memo);
    assert_int_equal(p.memo->now_ms, x->b.s.now_ms - 30 * SECOND);
    assert_null(tell(x, &p, "masu.db"));
    assert_int_equal(x->b.s.outlook.at_ms, x->b.s.now_ms);
    assert_int_equal(x->b.s.outlook.need_milli, 2000);
    assert_int_equal(x->b.s.usage.state, SOURCE_OK);
    assert_int_equal(x->b.s.shapes[0].used_p95.v[RES_MEMORY], 700);
    assert_int_equal(x->b.s.complete_looks, 241);
    assert_int_equal(x->b.s.started_ms, T0 - 2 * HOUR);
    assert_int_equal(x->b.s.control.mode, CONTROL_FREEZE);
    past_release(&p);
}

static void one_look_after_the_daemon_knows_less_and_says_so(void **state)
{
    struct bed *x = *state;
    struct past p;
    record_use(x);
    x->b.s.control = (struct control){.who = "", .why = ""};
    look_once(x, HOUR);
    open_past(x, &p, "c");
    const char *lacks = tell(x, &p, "masu.db");
    assert_int_equal(x->b.s.outlook.at_ms, x->b.s.now_ms);  // an hour's gap is bridged
    assert_non_null(strstr(lacks, "without measured use: masu.db"));
    assert_int_equal(x->b.s.usage.state, SOURCE_UNKNOWN);
    assert_int_equal(x->b.s.complete_looks, 1);
    assert_int_equal(x->b.s.control.mode, CONTROL_RUN);
    past_release(&p);
}

static void one_look_without_a_past_says_what_it_lacks(void **state)
{
    struct bed *x = *state;
    struct past p;
    record_use(x);
    look_once(x, 30 * SECOND);
    open_past(x, &p, "d");
    assert_non_null(strstr(tell(x, &p, "masu.db"), "masu.db does not know c"));
    assert_null(p.memo);
    past_release(&p);
    p = (struct past){0};
    assert_non_null(strstr(tell(x, &p, NULL), "without forecast and measured use -> --state F"));
    past_release(&p);
    x->b.p.waiting_costs_milli = 0;
    x->b.p.usage.cadvisor_port = 0;
    p = (struct past){0};
    assert_null(tell(x, &p, NULL));  // the policy asks for none
    past_release(&p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_recorded_policy_that_is_refused_is_told_and_not_asked_of_who_has_another),
        T(a_simulated_past_orders_ahead_for_its_calendar),
        T(one_look_knows_what_the_daemon_does),
        T(one_look_after_the_daemon_knows_less_and_says_so),
        T(one_look_without_a_past_says_what_it_lacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
