// CloudWatch: series that go on over pages, what AWS refuses of them, and that nothing missing is a zero.
#include "tests/cm.h"

#include "scaler/aws/cloudwatch.h"
#include "tests/aws/files.h"
#include "tests/aws/fixture.h"

static const struct cloudwatch_metric TWO[] = {
    {"AWS/ECS", "CPUReservation", {{"ClusterName", "shop"}}, "Average"},
    {"AWS/ApplicationELB", "RequestCount", {{"LoadBalancer", "app/shop/1"}, {"AvailabilityZone", "eu-west-1a"}}, "Sum"},
};
static const struct cloudwatch_ask ASK = {TWO, 2, T0_MS - 600000, T0_MS, 300};

static const char *result(struct arena *a, const char *id, const char *status, const char *points)
{
    return arena_printf(a, "<member><Id>%s</Id><Label>l</Label><StatusCode>%s</StatusCode>%s</member>", id, status, points);
}

#define POINT(time, value) "<Timestamps><member>" time "</member></Timestamps><Values><member>" value "</member></Values>"

static void add_page(struct fixture *f, const char *results, const char *token)
{
    scripted_add_body(&f->s, arena_printf(&f->arena, "<GetMetricDataResponse><GetMetricDataResult><MetricDataResults>%s</MetricDataResults>%s</GetMetricDataResult>"
                                                     "</GetMetricDataResponse>", results, token));
}

static void ask(struct fixture *f, struct cloudwatch_data *ret)
{
    cloudwatch_get_metric_data(f->with, &ASK, ret);
    aws_run(f->clients, DEADLINE_MS);
}

static void a_series_goes_on_over_pages_until_it_is_whole(void **state)
{
    (void)state;
    struct fixture f;
    struct cloudwatch_data d;
    fixture_begin(&f);
    const char *first = result(&f.arena, "m0", "PartialData", POINT("2026-02-02T02:30:00Z", "71.5"));
    add_page(&f, arena_printf(&f.arena, "%s%s", first, result(&f.arena, "m1", "PartialData", "")), "<NextToken>a+b/=</NextToken>");
    add_page(&f, result(&f.arena, "m1", "Complete", ""), "<NextToken>c</NextToken>");
    add_page(&f, result(&f.arena, "m0", "Complete", POINT("2026-02-02T02:35:00Z", "7.025E1")), "<NextToken/>");
    ask(&f, &d);
    assert_int_equal(d.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(d.series[0].count, 2);
    assert_true(d.series[0].whole);
    assert_int_equal(d.series[0].points[1].at_ms, T0_MS - 300000);
    assert_true(d.series[0].points[1].value == 70.25);
    assert_int_equal(d.series[1].count, 0);
    assert_true(d.series[1].whole);
    assert_string_equal(f.s.requests[0].url, "https://monitoring.eu-west-1.amazonaws.com/");
    assert_non_null(strstr(f.s.requests[0].headers, "/eu-west-1/monitoring/aws4_request"));
    assert_non_null(strstr(f.s.requests[0].body, "&MetricDataQueries.member.2.MetricStat.Metric.Dimensions.member.2.Value=eu-west-1a"));
    assert_non_null(strstr(f.s.requests[0].body, "&StartTime=2026-02-02T02%3A30%3A00Z&EndTime=2026-02-02T02%3A40%3A00Z&ScanBy=TimestampAscending"));
    assert_non_null(strstr(f.s.requests[1].body, "&NextToken=a%2Bb%2F%3D"));
    fixture_end(&f);
}

static void what_aws_refuses_or_cuts_is_partial(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        enum err_kind kind;
    } rows[] = {{"Forbidden", ERR_DENIED}, {"InternalError", ERR_TRANSIENT}, {"PartialData", ERR_OK}, {"SomethingNew", ERR_OK}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        struct cloudwatch_data d;
        fixture_begin(&f);
        const char *good = result(&f.arena, "m0", "Complete", POINT("2026-02-02T02:30:00Z", "1"));
        add_page(&f, arena_printf(&f.arena, "%s%s", good, result(&f.arena, "m1", rows[i].status, "")), "");
        ask(&f, &d);
        assert_int_equal(d.call.state, rows[i].kind ? AWS_CALL_PARTIAL : AWS_CALL_COMPLETE);
        assert_int_equal(d.call.err.kind, rows[i].kind);
        assert_true(d.series[0].whole && d.series[0].count == 1);
        assert_false(d.series[1].whole);
        fixture_end(&f);
    }
}

static void a_page_that_makes_no_sense_is_left_out_whole(void **state)
{
    (void)state;
    static const char *const pages[] = {
        "<member><Id>m2</Id><StatusCode>Complete</StatusCode></member>",
        "<member><Id>cpu</Id><StatusCode>Complete</StatusCode></member>",
        "<member><Id>m1</Id><StatusCode>Complete</StatusCode>" POINT("yesterday", "1") "</member>",
        "<member><Id>m1</Id><StatusCode>Complete</StatusCode>" POINT("2026-02-02T02:30:00Z", "NaN") "</member>",
        "<member><Id>m1</Id><StatusCode>Complete</StatusCode><Timestamps><member>2026-02-02T02:30:00Z</member></Timestamps></member>",
    };
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        struct fixture f;
        struct cloudwatch_data d;
        fixture_begin(&f);
        const char *good = result(&f.arena, "m0", "Complete", POINT("2026-02-02T02:30:00Z", "1"));
        add_page(&f, good, "<NextToken>a</NextToken>");
        add_page(&f, arena_printf(&f.arena, "%s%s", good, pages[i]), "");
        f.s.repeat_last = true;  // asked again in vain
        ask(&f, &d);
        assert_int_equal(d.call.state, AWS_CALL_PARTIAL);
        assert_int_equal(d.series[0].count, 1);
        assert_int_equal(d.series[1].count, 0);
        fixture_end(&f);
    }
}

static void throttled_it_is_asked_again_and_of_many_metrics_several_calls_are_made(void **state)
{
    (void)state;
    struct fixture f;
    struct cloudwatch_data d;
    fixture_begin(&f);
    struct cloudwatch_metric *many = arena_array(&f.arena, struct cloudwatch_metric, 501);
    for (size_t i = 0; i < 501; i++)
        many[i] = TWO[0];
    scripted_add_error(&f.s, 400, "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>");
    add_page(&f, "", "");
    add_page(&f, "", "");
    cloudwatch_get_metric_data(f.with, &(struct cloudwatch_ask){many, 501, T0_MS - 600000, T0_MS, 60}, &d);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(d.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(f.s.request_count, 3);
    size_t last = 0;
    for (size_t i = 0; i < 3; i++)
        last += strstr(f.s.requests[i].body, "MetricDataQueries.member.1.Id=m500&") != NULL;
    assert_true(last >= 1);
    assert_false(d.series[500].whole);
    fixture_end(&f);
}

static void the_sample_of_the_shared_facts_is_read(void **state)
{
    (void)state;
    struct fixture f;
    struct cloudwatch_data d;
    fixture_begin(&f);
    const char *path = file_shared(&f.arena, "aws/responses/cloudwatch-get-metric-data.xml");
    if (path == NULL) {
        fixture_end(&f);
        skip();
    }
    struct slice text = file_read(&f.arena, path);
    char *id = strstr((char *)(uintptr_t)text.ptr, "<Id>cpu</Id>");
    assert_non_null(id);
    memcpy(id, "<Id>m0</Id> ", 12);  // ours
    scripted_add(&f.s, (struct scripted_reply){.status = 200, .body = text.ptr, .body_len = text.len});
    ask(&f, &d);
    assert_int_equal(d.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(d.series[0].count, 2);
    assert_true(d.series[0].points[0].value == 71.5 && d.series[0].points[1].value == 70.25);
    assert_int_equal(d.series[0].points[0].at_ms - d.series[0].points[1].at_ms, 60000);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_series_goes_on_over_pages_until_it_is_whole),
        cmocka_unit_test(what_aws_refuses_or_cuts_is_partial),
        cmocka_unit_test(a_page_that_makes_no_sense_is_left_out_whole),
        cmocka_unit_test(throttled_it_is_asked_again_and_of_many_metrics_several_calls_are_made),
        cmocka_unit_test(the_sample_of_the_shared_facts_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
