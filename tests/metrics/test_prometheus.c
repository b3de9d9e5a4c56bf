// The Prometheus client: what is asked, what is understood, and what every kind of failure becomes. Never zero.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scaler/metrics/prometheus.h"
#include "tests/aws/fixture.h"

struct told {
    int count;
    enum err_kind kind;
    char msg[512];
    size_t series, points;
    char label[64], warning[256];
    double first, last;
    int64_t first_ms;
};

static void take(void *arg, const struct prometheus_answer *answer, const struct err *err)
{
    struct told *t = arg;
    t->count++;
    t->kind = err->kind;
    snprintf(t->msg, sizeof t->msg, "%s", err->msg);
    assert_int_equal(answer == NULL, err->kind != ERR_OK);
    if (answer == NULL)
        return;
    t->series = answer->series_count;
    t->points = answer->point_count;
    snprintf(t->warning, sizeof t->warning, "%s", answer->warning);
    if (answer->series_count == 0 || answer->series[0].point_count == 0)
        return;
    const char *label = prometheus_label(&answer->series[0], "family");
    snprintf(t->label, sizeof t->label, "%s", label ? label : "");
    t->first = answer->series[0].points[0].value;
    t->first_ms = answer->series[0].points[0].at_ms;
    t->last = answer->series[answer->series_count - 1].points[answer->series[answer->series_count - 1].point_count - 1].value;
}

static const struct prometheus_server PLAIN = {.url = "http://prometheus:9090/"};
static const struct prometheus_query UP = {.promql = "sum by (family) (up{a=\"b\"})", .timeout_ms = 5000, .max_bytes = 1 << 20};

static struct told ask(struct fixture *f, const struct prometheus_server *s, const struct prometheus_query *q)
{
    struct told t = {0};
    if (prometheus_ask(&f->s.base, s, q, take, &t) != NULL)
        for (int i = 0; i < 3 && t.count == 0; i++)
            f->s.base.ops->wait(&f->s.base, T0_MS + 60000);
    assert_int_equal(t.count, 1);
    return t;
}

static struct told answered(int status, const char *body)
{
    struct fixture f;
    fixture_begin(&f);
    scripted_add(&f.s, (struct scripted_reply){.kind = SCRIPTED_ANSWER, .status = status, .body = body});
    struct told t = ask(&f, &PLAIN, &UP);
    fixture_end(&f);
    return t;
}

#define VECTOR(...) "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[" __VA_ARGS__ "]}}"

static void an_instant_query_is_a_form_and_a_vector_is_read(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, VECTOR("{\"metric\":{\"family\":\"web\"},\"value\":[1770000000.123,\"1.5\"]},{\"metric\":{\"family\":\"api\"},\"value\":[1770000000.123,\"2e3\"]}"));
    struct told t = ask(&f, &PLAIN, &UP);
    assert_int_equal(t.kind, ERR_OK);
    assert_int_equal(t.series, 2);
    assert_string_equal(t.label, "web");
    assert_true(t.first == 1.5 && t.last == 2000);
    assert_int_equal(t.first_ms, 1770000000123);
    const struct scripted_request *r = &f.s.requests[0];
    assert_string_equal(r->method, "POST");
    assert_string_equal(r->url, "http://prometheus:9090/api/v1/query");
    assert_string_equal(r->body, "query=sum%20by%20%28family%29%20%28up%7Ba%3D%22b%22%7D%29&timeout=5000ms");
    assert_null(strstr(r->headers, "Authorization"));
    fixture_end(&f);
}

static void a_range_query_names_its_range_and_a_matrix_is_read(void **state)
{
    (void)state;
    struct fixture f;
    struct prometheus_query q = UP;
    q.from_ms = 1770000000000;
    q.to_ms = 1770003600000;
    q.step_ms = 60000;
    fixture_begin(&f);
    scripted_add_body(&f.s, "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":{\"family\":\"web\"},"
                            "\"values\":[[1770000000,\"1\"],[1770000060,\"NaN\"],[1770000120,\"+Inf\"]]}]}}");
    struct told t = ask(&f, &PLAIN, &q);
    assert_int_equal(t.points, 3);
    assert_true(isinf(t.last));
    assert_string_equal(f.s.requests[0].url, "http://prometheus:9090/api/v1/query_range");
    assert_non_null(strstr(f.s.requests[0].body, "&start=1770000000.000&end=1770003600.000&step=60.000&"));
    fixture_end(&f);
}

static void basic_bearer_and_sigv4_are_sent_and_nothing_else(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    for (int i = 0; i < 3; i++)
        scripted_add_body(&f.s, VECTOR(""));
    ask(&f, &(struct prometheus_server){.url = "https://p.example/prom", .user = "masu", .password = "open sesame"}, &UP);
    ask(&f, &(struct prometheus_server){.url = "https://p.example", .bearer = "tok"}, &UP);
    struct told t = ask(&f, &(struct prometheus_server){.url = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1", .aws = f.aws}, &UP);
    assert_int_equal(t.kind, ERR_OK);
    assert_int_equal(t.series, 0);  // an empty vector is no error, and no zero either
    assert_string_equal(f.s.requests[0].url, "https://p.example/prom/api/v1/query");
    assert_non_null(strstr(f.s.requests[0].headers, "Authorization: Basic bWFzdTpvcGVuIHNlc2FtZQ==\n"));
    assert_non_null(strstr(f.s.requests[1].headers, "Authorization: Bearer tok\n"));
    assert_non_null(strstr(f.s.requests[2].headers, "/eu-west-1/aps/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature="));
    assert_non_null(strstr(f.s.requests[2].headers, "Host: aps-workspaces.eu-west-1.amazonaws.com\n"));
    fixture_end(&f);
}

static void warnings_are_kept_and_infos_are_not(void **state)
{
    (void)state;
    struct told t = answered(200, "{\"status\":\"success\",\"warnings\":[\"shard\\n2 failed\"],\"infos\":[\"maybe no counter\"],"
                                  "\"data\":{\"resultType\":\"scalar\",\"result\":[1770000000,\"-Inf\"]}}");
    assert_int_equal(t.kind, ERR_OK);
    assert_string_equal(t.warning, "shard 2 failed");
    assert_true(isinf(t.first) && t.first < 0);
    t = answered(200, VECTOR("{\"metric\":{},\"value\":[1,\"3\"]}"));
    assert_string_equal(t.warning, "");
}

static void each_failure_has_its_kind_and_says_what_was_answered(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum err_kind kind;
        const char *words;
    } rows[] = {
        {400, "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"1:4: parse error\"}", ERR_INVALID, "bad_data: 1:4: parse error"},
        {422, "{\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"many-to-many matching\"}", ERR_TRANSIENT, "many-to-many"},
        {422, "{\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"query processing would load too many samples into memory\"}", ERR_LIMIT, "too many samples"},
        {503, "{\"status\":\"error\",\"errorType\":\"timeout\",\"error\":\"query timed out\"}", ERR_TRANSIENT, "timeout: query timed out"},
        {503, "Service Unavailable", ERR_TRANSIENT, "HTTP 503: Service Unavailable"},
        {502, "<html>\n<b>Bad</b></html>", ERR_TRANSIENT, "HTTP 502: <html> <b>Bad</b></html>"},
        {401, "Unauthorized", ERR_AUTH, "HTTP 401"},
        {403, "{\"message\":\"no permission\"}", ERR_DENIED, "HTTP 403: {\"message\""},
        {404, "404 page not found", ERR_NOT_FOUND, "HTTP 404"},
        {429, "{\"status\":\"error\",\"errorType\":\"throttled\",\"error\":\"slow down\"}", ERR_THROTTLED, "slow down"},
        {200, "", ERR_CORRUPT, "not an answer"},
        {200, "[]", ERR_CORRUPT, "not an answer"},
        {200, "{\"status\":\"success\"}", ERR_CORRUPT, "resultType"},
        {200, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[1,2]}]}}", ERR_CORRUPT, "[time, \"value\"]"},
        {200, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[1,\"0x1\"]}]}}", ERR_CORRUPT, "no number"},
        {200, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[-1,\"1\"]}]}}", ERR_CORRUPT, "out of range"},
        {200, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{}}]}}", ERR_CORRUPT, "no samples"},
        {200, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"met", ERR_CORRUPT, "not an answer"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct told t = answered(rows[i].status, rows[i].body);
        if (t.kind != rows[i].kind || !strstr(t.msg, rows[i].words))
            fail_msg("row %zu: %s: %s", i, err_kind_name(t.kind), t.msg);
    }
}

static void an_answer_that_is_too_long_or_never_comes_is_an_error(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add(&f.s, (struct scripted_reply){.kind = SCRIPTED_LIMIT});
    scripted_add(&f.s, (struct scripted_reply){.kind = SCRIPTED_HANG});
    scripted_add(&f.s, (struct scripted_reply){.kind = SCRIPTED_REFUSED});
    assert_int_equal(ask(&f, &PLAIN, &UP).kind, ERR_LIMIT);
    assert_int_equal(ask(&f, &PLAIN, &UP).kind, ERR_TRANSIENT);
    assert_int_equal(ask(&f, &PLAIN, &UP).kind, ERR_TRANSIENT);
    fixture_end(&f);
}

static void more_series_than_are_read_is_an_error(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4 << 20);
    buf_add_str(&b, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[");
    for (int i = 0; i <= PROMETHEUS_SERIES_MAX; i++)
        buf_printf(&b, "%s{\"metric\":{\"family\":\"%d\"},\"value\":[1,\"1\"]}", i ? "," : "", i);
    buf_add_str(&b, "]}}");
    struct told t = answered(200, buf_str(&b));
    assert_int_equal(t.kind, ERR_LIMIT);
    assert_non_null(strstr(t.msg, "20001 series"));
    buf_release(&b);
}

static void a_cancelled_query_is_told_once(void **state)
{
    (void)state;
    struct fixture f;
    struct told t = {0};
    fixture_begin(&f);
    scripted_add(&f.s, (struct scripted_reply){.kind = SCRIPTED_HANG});
    prometheus_cancel(prometheus_ask(&f.s.base, &PLAIN, &UP, take, &t));
    assert_int_equal(t.count, 1);
    assert_int_equal(t.kind, ERR_TRANSIENT);
    prometheus_cancel(NULL);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_instant_query_is_a_form_and_a_vector_is_read),
        cmocka_unit_test(a_range_query_names_its_range_and_a_matrix_is_read),
        cmocka_unit_test(basic_bearer_and_sigv4_are_sent_and_nothing_else),
        cmocka_unit_test(warnings_are_kept_and_infos_are_not),
        cmocka_unit_test(each_failure_has_its_kind_and_says_what_was_answered),
        cmocka_unit_test(an_answer_that_is_too_long_or_never_comes_is_an_error),
        cmocka_unit_test(more_series_than_are_read_is_an_error),
        cmocka_unit_test(a_cancelled_query_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
