// Group G of safety.md: measured use, and our clock. Whatever a Prometheus, or the cAdvisors of the hosts, do, the loop keeps its pace and its
// safety: nothing is drained by what is not known, and capacity for tasks goes on.
#include "planner/alert.h"
#include "scaler/sandbox/inproc.h"
#include "tests/scaler/story.h"

#define PROMETHEUS "http://prometheus:9090"
#define CADVISOR "http://10."  // the virtual AWS's hosts
enum { OPEN_MAX = 16 };

// What the Prometheus beside the virtual AWS does.
enum lie { GOOD, HOT, REFUSED, HANGS, EMPTY, GARBAGE, FLOODS, NOT_A_NUMBER, OLD, HALF, LIES };
static const char *const lie_names[LIES] = {"good", "hot", "refused", "hangs", "empty", "garbage", "floods", "NaN", "old", "half"};

// Answers for that one host in place of the virtual AWS's transport, to whose own operations all else is left.
struct beside {
    struct transport *transport;
    const struct transport_ops *below;
    struct story *story;
    enum lie lie;
    bool breakers_open;
    struct waiting {
        uint64_t id;
        int64_t due_ms;
        transport_done_fn done;
        void *arg;
        char body[256];  // what is asked
        bool past, host;
    } open[OPEN_MAX];
    size_t count;
    uint64_t last_id;
    int64_t asked;
};

static struct story s;
static struct beside prometheus;

static struct beside *of(struct transport *t)
{
    assert_ptr_equal(t, prometheus.transport);
    return &prometheus;
}

static int submit(struct transport *t, const struct transport_request *r, transport_done_fn done, void *arg, uint64_t *ret_id, struct err *err)
{
    struct beside *b = of(t);
    bool host = strncmp(r->url, CADVISOR, strlen(CADVISOR)) == 0;
    b->asked += host;
    if (host ? b->lie == GOOD : strncmp(r->url, PROMETHEUS, strlen(PROMETHEUS)) != 0)
        return b->below->submit(t, r, done, arg, ret_id, err);
    assert_true(b->count < OPEN_MAX);
    struct waiting *w = &b->open[b->count++];
    *w = (struct waiting){.id = *ret_id = UINT64_C(1) << 60 | ++b->last_id, .due_ms = clock_wall_ms(t->clock) + (b->lie == HANGS ? r->timeout_ms : 40),
                          .done = done, .arg = arg, .past = strstr(r->url, "query_range") != NULL, .host = host};
    snprintf(w->body, sizeof w->body, "%.*s", (int)r->body.len, r->body.ptr);
    b->asked += !host;
    return 0;
}

static double value_of(const struct beside *b, const struct waiting *w, int64_t at_ms)
{
    int tasks = running(b->story, b->story->web);
    if (strstr(w->body, "overflow"))
        return b->breakers_open ? 7 : 0;
    if (strstr(w->body, "timestamp"))
        return (double)at_ms / 1000 - (b->lie == OLD ? 600 : 10);
    if (strstr(w->body, "max%20by"))
        return b->lie == HALF ? tasks / 3 : tasks;
    if (strstr(w->body, "cpu_usage"))
        return tasks * (b->lie == HOT ? 0.9 : 0.1);  // 0.5 is reserved
    return tasks * 300.0 * 1048576;
}

static void add_answer(struct beside *b, const struct waiting *w, struct buf *out)
{
    int64_t now = clock_wall_ms(b->transport->clock);
    if (b->lie == GARBAGE || w->host) {
        buf_add_str(out, b->lie == EMPTY ? "" : "<html>It works!</html>\n");
        return;
    }
    buf_printf(out, "{\"status\":\"success\",\"data\":{\"resultType\":\"%s\",\"result\":[", w->past ? "matrix" : "vector");
    if (b->lie != EMPTY) {
        buf_printf(out, "{\"metric\":{\"container_label_com_amazonaws_ecs_task_definition_family\":\"web\"},\"%s\":[", w->past ? "values" : "value");
        for (int64_t k = w->past ? 59 : 0; k >= 0; k--) {
            int64_t at_ms = now - k * 60000;
            char number[40];
            snprintf(number, sizeof number, "%.17g", value_of(b, w, at_ms));
            buf_printf(out, w->past ? "[%lld.%03d,\"%s\"]%s" : "%lld.%03d,\"%s\"%s", (long long)(at_ms / 1000), (int)(at_ms % 1000),
                       b->lie == NOT_A_NUMBER ? "NaN" : number, k ? "," : "");
        }
        buf_add_str(out, "]}");
    }
    buf_add_str(out, "]}}");
}

static void answer(struct beside *b, struct waiting w, bool cancelled)
{
    struct transport_response r = {.id = w.id, .status = 200};
    struct buf body;
    buf_init(&body, 1 << 20);
    if (cancelled || b->lie == REFUSED || b->lie == HANGS)
        err_set(&r.err, ERR_TRANSIENT, b->lie == HANGS ? "Timeout was reached" : "Couldn't connect to server");
    else if (b->lie == FLOODS)
        err_set(&r.err, ERR_LIMIT, "answer larger than 1048576 bytes");
    else
        add_answer(b, &w, &body);
    r.body = buf_slice(&body);
    w.done(w.arg, &r);
    buf_release(&body);
}

static struct waiting take(struct beside *b, size_t k)
{
    struct waiting w = b->open[k];
    b->open[k] = b->open[--b->count];
    return w;
}

static int wait_for(struct transport *t, int64_t until_ms)
{
    struct beside *b = of(t);
    int64_t first_ms = until_ms;
    int n = 0;
    for (size_t k = 0; k < b->count; k++)
        first_ms = b->open[k].due_ms < first_ms ? b->open[k].due_ms : first_ms;
    n += b->below->wait(t, first_ms);
    for (size_t k = 0; k < b->count;) {
        if (b->open[k].due_ms > clock_wall_ms(t->clock)) {
            k++;
            continue;
        }
        answer(b, take(b, k), false);
        n++;
    }
    return n;
}

static void cancel(struct transport *t, uint64_t id)
{
    struct beside *b = of(t);
    for (size_t k = 0; k < b->count; k++)
        if (b->open[k].id == id) {
            answer(b, take(b, k), true);
            return;
        }
    b->below->cancel(t, id);
}

static void wake(struct transport *t)
{
    of(t)->below->wake(t);
}

static int64_t wire_ms(struct transport *t)
{
    return of(t)->below->wire_ms(t);
}

static void free_both(struct transport *t)
{
    of(t)->below->free(t);
}

static const struct transport_ops beside_ops = {submit, wait_for, cancel, wake, wire_ms, free_both};

static void settings(struct policy_cluster *c)
{
    impatient(c);
    c->usage.url = PROMETHEUS;
    c->payback_ms = 0;
}

static void of_breakers(struct policy_cluster *c)
{
    settings(c);
    c->usage.overflow_query = "sum by ($label) (increase(envoy_cluster_upstream_rq_pending_overflow[5m]))";
    c->usage.on_unknown = USAGE_UNKNOWN_RESERVATION;  // which says nothing of breakers
}

static void of_hosts(struct policy_cluster *c)
{
    settings(c);
    c->usage.url = "";
    c->usage.cadvisor_port = 8080;
}

static void begin_with(enum lie lie, void (*set)(struct policy_cluster *))
{
    story_open(&s, (struct rig_options){.settings = set});
    prometheus = (struct beside){.transport = s.rig.transport, .below = s.rig.transport->ops, .story = &s, .lie = lie};
    s.rig.transport->ops = &beside_ops;
}

static void begin(enum lie lie)
{
    begin_with(lie, settings);
}

// Ticks of so many minutes, a period each.
static void keeps_its_pace(int64_t minutes)
{
    int64_t before = loop_ticks(s.rig.loop);
    pass(&s, minutes);
    assert_in_range(loop_ticks(s.rig.loop) - before, minutes * 2 - 1, minutes * 2 + 2);
}

static void g1_whatever_prometheus_does_the_loop_keeps_its_pace_and_drains_nothing_by_it(void **state)
{
    (void)state;
    for (int lie = REFUSED; lie < LIES; lie++) {
        print_message("%s\n", lie_names[lie]);
        begin((enum lie)lie);
        keeps_its_pace(10);
        want(&s, WEB_DESIRED / 2);
        keeps_its_pace(20);
        assert_true(prometheus.asked > 20);
        assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", 0), 0);
        assert_int_equal(live(&s), WEB_HOSTS);
        want(&s, 2 * WEB_DESIRED);  // and capacity comes
        pass(&s, 10);
        assert_true(live(&s) > WEB_HOSTS);
        assert_int_equal(running(&s, s.web), 2 * WEB_DESIRED);
        want(&s, WEB_DESIRED / 2);
        prometheus.lie = GOOD;               // and what is known again is acted on
        pass(&s, 60);
        assert_true(live(&s) < WEB_HOSTS);
        nothing_broke(&s);
        story_close(&s);
    }
}

static void g1_without_prometheus_the_hosts_cadvisors_tell_it_and_fail_as_safely(void **state)
{
    (void)state;
    static const enum lie lies[] = {HANGS, GARBAGE};
    for (size_t k = 0; k < ARRAY_LEN(lies); k++) {
        begin_with(lies[k], of_hosts);
        want(&s, WEB_DESIRED / 2);
        keeps_its_pace(20);
        assert_true(prometheus.asked > 20);
        assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", 0), 0);
        assert_int_equal(live(&s), WEB_HOSTS);
        prometheus.lie = GOOD;
        pass(&s, 60);
        assert_true(live(&s) < WEB_HOSTS);
        nothing_broke(&s);
        story_close(&s);
    }
}

static void g1_after_half_an_hour_an_alert_tells_of_it(void **state)
{
    (void)state;
    begin(REFUSED);
    pass(&s, 25);
    assert_null(alert_of(&s, "source-lost", "main usage"));
    pass(&s, 15);
    expect_alert(&s, ALERT_SOURCE_LOST, "main usage");
    prometheus.lie = GOOD;
    pass(&s, 3);
    assert_null(alert_of(&s, "source-lost", "main usage"));
    story_close(&s);
}

// Ten tasks of 0.5 vCPU would fit on two hosts; they use 0.9, which over 80 % is more than three to a host.
static void hosts_that_are_full_by_use_are_not_emptied(void **state)
{
    (void)state;
    begin(HOT);
    pass(&s, 10);
    want(&s, WEB_DESIRED / 2);
    pass(&s, 40);
    assert_int_equal(live(&s), WEB_HOSTS);
    prometheus.lie = GOOD;
    pass(&s, 120);  // the hour forgets
    assert_true(live(&s) < WEB_HOSTS);
    nothing_broke(&s);
    story_close(&s);
}

// Callers are cut off, so the traffic falls, and autoscaling wants half of the tasks: nothing goes until it is over, nor while nobody can tell.
static void g7_demand_that_falls_while_circuit_breakers_are_open_removes_nothing(void **state)
{
    (void)state;
    begin_with(GOOD, of_breakers);
    pass(&s, 30);
    prometheus.breakers_open = true;
    pass(&s, 2);
    int hosts = live(&s);
    int64_t opened_ms = now_ms(&s);
    want(&s, WEB_DESIRED / 2);
    keeps_its_pace(30);
    expect_alert(&s, ALERT_OVERFLOW, "main overflow");
    assert_int_equal(live(&s), hosts);
    prometheus.lie = REFUSED;  // who counts is away: not over
    keeps_its_pace(10);
    assert_null(alert_of(&s, "overflow", "main overflow"));
    assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", opened_ms), 0);
    assert_int_equal(live(&s), hosts);
    double open[4];
    int64_t id = 0;
    struct world_view v = see(&s);
    assert_int_equal(state_cluster(s.rig.state, v.account, v.region, "main", &id, NULL), 0);
    assert_int_equal(state_history_values(s.rig.state, id, SERIES_OVERFLOW, "", (opened_ms / 300000 + 1) * 300000, 300000, 4, open, NULL), 0);
    for (int k = 0; k < 4; k++)
        assert_true(open[k] == 1);
    want(&s, 2 * WEB_DESIRED);  // and capacity comes
    pass(&s, 10);
    assert_int_equal(running(&s, s.web), 2 * WEB_DESIRED);
    want(&s, WEB_DESIRED / 2);
    prometheus.lie = GOOD;
    prometheus.breakers_open = false;
    pass(&s, 60);
    assert_true(live(&s) < hosts);
    nothing_broke(&s);
    story_close(&s);
}

// An hour forth, then an hour back: the machine's clock, while a scale-in is due and another goes on.
static void g6_v35_steps_of_the_clock_stop_no_tick_and_remove_nothing(void **state)
{
    (void)state;
    static const int64_t steps_ms[] = {3600000, -3600000};
    for (size_t i = 0; i < ARRAY_LEN(steps_ms); i++) {
        story_open(&s, (struct rig_options){.seed = 7});
        pass(&s, 10);  // what is spare at first goes, with looks of its own
        int hosts = live(&s);
        int64_t stepped_ms = now_ms(&s);
        inproc_step_clock(s.rig.transport, steps_ms[i]);
        loop_run(s.rig.loop, stepped_ms + MINUTE_MS / 2);  // the look under way did not know yet
        want(&s, WEB_DESIRED / 2);
        keeps_its_pace(30);
        assert_string_equal(plan_of(&s)->mode, "add-only");
        assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", stepped_ms), 0);
        assert_int_equal(live(&s), hosts);
        want(&s, 2 * WEB_DESIRED);  // what is signed an hour off is signed with AWS's time
        keeps_its_pace(10);
        assert_int_equal(running(&s, s.web), 2 * WEB_DESIRED);
        want(&s, WEB_DESIRED / 2);
        inproc_step_clock(s.rig.transport, 0);
        pass(&s, 60);
        assert_true(live(&s) < WEB_HOSTS);
        nothing_broke(&s);
        story_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(g1_whatever_prometheus_does_the_loop_keeps_its_pace_and_drains_nothing_by_it),
        cmocka_unit_test(g1_without_prometheus_the_hosts_cadvisors_tell_it_and_fail_as_safely),
        cmocka_unit_test(g1_after_half_an_hour_an_alert_tells_of_it),
        cmocka_unit_test(hosts_that_are_full_by_use_are_not_emptied),
        cmocka_unit_test(g7_demand_that_falls_while_circuit_breakers_are_open_removes_nothing),
        cmocka_unit_test(g6_v35_steps_of_the_clock_stop_no_tick_and_remove_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
