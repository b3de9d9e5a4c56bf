// The transport in process: latency in virtual time, order, timeouts, cancelling, waking.
#include "tests/sandbox/rig.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/parse.h"
#include "scaler/aws/sigv4.h"
#include "scaler/sandbox/inproc.h"

struct seen {
    int count;
    uint64_t ids[64];
    int64_t at_ms[64];
    int status;
    enum err_kind kind;
    bool timed_out;
    size_t body_len;
    struct transport *again;  // submit a further request from the callback
    struct rig *rig;
};

static void on_done(void *arg, const struct transport_response *r);

static uint64_t submit(struct rig *r, struct transport *t, struct seen *seen, const char *operation, int64_t timeout_ms, size_t max_bytes)
{
    char date[32], target[96];
    format_amz_date(t->ops->wire_ms(t), date);
    snprintf(target, sizeof target, "AmazonEC2ContainerServiceV20141113.%s", operation);
    struct http_header headers[] = {{SLICE_LIT("host"), SLICE_LIT("ecs.us-east-1.amazonaws.com")}, {SLICE_LIT("x-amz-date"), slice_of(date)},
                                    {SLICE_LIT("x-amz-target"), slice_of(target)}, {SLICE_LIT("authorization"), {0}}};
    struct sigv4_request sr = {.method = SLICE_LIT("POST"), .path = SLICE_LIT("/"), .headers = headers, .header_count = 3, .body = SLICE_LIT("{}")};
    struct sigv4_scope scope = {date, SANDBOX_REGION, "ecs"};
    struct buf authorization;
    struct err err = {0};
    uint64_t id = 0;
    buf_init(&authorization, 4096);
    assert_int_equal(sigv4_authorization(&sr, &sigv4_default, &scope, SANDBOX_KEY_ID, SANDBOX_SECRET, NULL, &authorization, &err), 0);
    headers[3].value = buf_slice(&authorization);
    struct transport_request request = {.method = "POST", .url = "https://ecs.us-east-1.amazonaws.com/", .headers = headers, .header_count = 4,
                                        .body = SLICE_LIT("{}"), .timeout_ms = timeout_ms, .max_response_bytes = max_bytes};
    seen->rig = r;
    assert_int_equal(t->ops->submit(t, &request, on_done, seen, &id, &err), 0);
    buf_release(&authorization);
    return id;
}

static void on_done(void *arg, const struct transport_response *r)
{
    struct seen *s = arg;
    s->ids[s->count] = r->id;
    s->at_ms[s->count++] = clock_wall_ms(&s->rig->clock);
    s->status = r->status;
    s->kind = r->err.kind;
    s->timed_out = r->timed_out;
    s->body_len = r->body.len;
    if (s->again != NULL) {
        struct transport *t = s->again;
        s->again = NULL;
        submit(s->rig, t, s, "ListClusters", 5000, 1 << 20);
    }
}

static void open_both(struct rig *r, struct transport **t, uint64_t seed)
{
    struct inproc_options o = {.seed = seed};
    struct err err = {0};
    rig_start(r, NULL);
    assert_int_equal(inproc_new(r->sandbox, &r->clock, &o, t, &err), 0);
}

static void wait_moves_the_clock_to_the_completion_and_not_further(void **state)
{
    (void)state;
    struct rig r;
    struct transport *t;
    struct seen s = {0};
    open_both(&r, &t, 1);
    int64_t start_ms = clock_wall_ms(&r.clock);
    submit(&r, t, &s, "ListClusters", 5000, 1 << 20);
    assert_int_equal(s.count, 0);
    assert_int_equal(t->ops->wait(t, start_ms + 60000), 1);
    assert_int_equal(s.status, 200);
    assert_true(s.at_ms[0] >= start_ms + 20 && s.at_ms[0] <= start_ms + 80);
    assert_int_equal(clock_wall_ms(&r.clock), s.at_ms[0]);
    assert_int_equal(t->ops->wait(t, start_ms + 60000), 0);
    assert_int_equal(clock_wall_ms(&r.clock), start_ms + 60000);
    assert_int_equal(world_view(r.world).now_ms, start_ms + 60000);
    t->ops->free(t);
    rig_stop(&r);
}

static void the_same_seed_gives_the_same_order_and_times(void **state)
{
    (void)state;
    struct seen s[2] = {{0}, {0}};
    for (int k = 0; k < 2; k++) {
        struct rig r;
        struct transport *t;
        open_both(&r, &t, 42);
        for (int i = 0; i < 20; i++)
            submit(&r, t, &s[k], "ListClusters", 5000, 1 << 20);
        while (s[k].count < 20)
            t->ops->wait(t, INT64_MAX);
        for (int i = 1; i < 20; i++)
            assert_true(s[k].at_ms[i] >= s[k].at_ms[i - 1]);
        t->ops->free(t);
        rig_stop(&r);
    }
    assert_memory_equal(s[0].ids, s[1].ids, sizeof s[0].ids);
    assert_memory_equal(s[0].at_ms, s[1].at_ms, sizeof s[0].at_ms);
}

static void a_lost_answer_times_out_at_its_time(void **state)
{
    (void)state;
    struct rig r;
    struct transport *t;
    struct seen s = {0};
    open_both(&r, &t, 1);
    struct sandbox_fault f = {"ecs:*", SANDBOX_FAULT_TIMEOUT_AFTER, 0, 1};
    sandbox_add_fault(r.sandbox, &f, NULL);
    int64_t start_ms = clock_wall_ms(&r.clock);
    submit(&r, t, &s, "ListClusters", 7000, 1 << 20);
    assert_int_equal(t->ops->wait(t, start_ms + 60000), 1);
    assert_true(s.timed_out);
    assert_int_equal(s.kind, ERR_TRANSIENT);
    assert_int_equal(s.at_ms[0], start_ms + 7000);
    t->ops->free(t);
    rig_stop(&r);
}

static void truncated_and_oversized_answers_are_errors(void **state)
{
    (void)state;
    struct rig r;
    struct transport *t;
    struct seen s = {0};
    open_both(&r, &t, 1);
    struct sandbox_fault f = {"ecs:*", SANDBOX_FAULT_TRUNCATED, 0, 1};
    sandbox_add_fault(r.sandbox, &f, NULL);
    submit(&r, t, &s, "ListClusters", 5000, 1 << 20);
    t->ops->wait(t, INT64_MAX);
    assert_int_equal(s.kind, ERR_TRANSIENT);
    assert_false(s.timed_out);
    submit(&r, t, &s, "ListClusters", 5000, 10);
    t->ops->wait(t, INT64_MAX);
    assert_int_equal(s.kind, ERR_LIMIT);
    t->ops->free(t);
    rig_stop(&r);
}

static void a_callback_may_submit_again(void **state)
{
    (void)state;
    struct rig r;
    struct transport *t;
    struct seen s = {0};
    open_both(&r, &t, 1);
    s.again = t;
    submit(&r, t, &s, "ListClusters", 5000, 1 << 20);
    while (s.count < 2)
        assert_true(t->ops->wait(t, INT64_MAX) > 0);
    assert_true(s.at_ms[1] > s.at_ms[0]);
    t->ops->free(t);
    rig_stop(&r);
}

static void a_cancelled_request_completes_at_once_and_only_once(void **state)
{
    (void)state;
    struct rig r;
    struct transport *t;
    struct seen s = {0};
    open_both(&r, &t, 1);
    uint64_t id = submit(&r, t, &s, "ListClusters", 5000, 1 << 20);
    t->ops->cancel(t, id);
    assert_int_equal(s.count, 1);
    assert_int_equal(s.kind, ERR_TRANSIENT);
    t->ops->cancel(t, id);
    assert_int_equal(t->ops->wait(t, clock_wall_ms(&r.clock) + 1000), 0);
    submit(&r, t, &s, "ListClusters", 5000, 1 << 20);
    t->ops->free(t);  // completes what is open
    assert_int_equal(s.count, 2);
    rig_stop(&r);
}

static void requests_that_cannot_be_sent_are_refused(void **state)
{
    (void)state;
    struct rig r;
    struct transport *t;
    open_both(&r, &t, 1);
    struct err err = {0};
    struct transport_request bad = {.method = "GET", .url = "ecs.us-east-1.amazonaws.com/", .timeout_ms = 1};
    assert_int_equal(t->ops->submit(t, &bad, on_done, NULL, NULL, &err), ERR_INVALID);
    bad.url = "https://x/";
    bad.timeout_ms = 0;
    assert_int_equal(t->ops->submit(t, &bad, on_done, NULL, NULL, &err), ERR_INVALID);
    t->ops->free(t);
    rig_stop(&r);
}

static void *wake_soon(void *arg)
{
    struct transport *t = arg;
    usleep(30000);
    t->ops->wake(t);
    return NULL;
}

static void an_accelerated_clock_really_sleeps_and_can_be_woken(void **state)
{
    (void)state;
    struct rig r;
    struct transport *t = NULL;
    struct seen s = {0};
    struct err err = {0};
    rig_start(&r, NULL);
    clock_init_accelerated(&r.clock, clock_wall_ms(&r.clock), 20);
    assert_int_equal(inproc_new(r.sandbox, &r.clock, NULL, &t, &err), 0);
    int64_t start_ms = clock_wall_ms(&r.clock);
    submit(&r, t, &s, "ListClusters", 500000, 1 << 20);
    while (s.count == 0)
        t->ops->wait(t, start_ms + 500000);
    assert_int_equal(s.status, 200);
    assert_true(s.at_ms[0] >= start_ms + 20);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, t), 0);
    assert_int_equal(t->ops->wait(t, INT64_MAX), 0);  // would sleep for ever
    pthread_join(thread, NULL);
    t->ops->free(t);
    rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wait_moves_the_clock_to_the_completion_and_not_further),
        cmocka_unit_test(the_same_seed_gives_the_same_order_and_times),
        cmocka_unit_test(a_lost_answer_times_out_at_its_time),
        cmocka_unit_test(truncated_and_oversized_answers_are_errors),
        cmocka_unit_test(a_callback_may_submit_again),
        cmocka_unit_test(a_cancelled_request_completes_at_once_and_only_once),
        cmocka_unit_test(requests_that_cannot_be_sent_are_refused),
        cmocka_unit_test(an_accelerated_clock_really_sleeps_and_can_be_woken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
