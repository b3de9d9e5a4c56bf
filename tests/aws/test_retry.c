// Attempts, backoff, quota, skew, expiry, unknown effects and deadlines, on a scripted transport.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scaler/aws/ec2_fleets.h"
#include "scaler/aws/ecs.h"
#include "scaler/aws/sts.h"
#include "tests/aws/fixture.h"

#define EMPTY_LIST "{\"clusterArns\":[]}"
#define THROTTLED "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}"
#define SERVER_ERROR "{\"__type\":\"ServerException\",\"message\":\"oops\"}"
#define TERMINATED                                                                                                            \
    "<TerminateInstancesResponse><instancesSet><item><instanceId>i-1</instanceId><currentState><name>shutting-down</name>"      \
    "</currentState><previousState><name>running</name></previousState></item></instancesSet></TerminateInstancesResponse>"

static const struct aws_stat *stat_of(struct aws *a, const char *operation)
{
    size_t n;
    const struct aws_stat *s = aws_stats(a, &n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(s[i].operation, operation) == 0)
            return &s[i];
    return NULL;
}

static void throttled_call_is_repeated_until_it_succeeds(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_error(&f.s, 400, THROTTLED);
    scripted_add_error(&f.s, 400, THROTTLED);
    scripted_add_body(&f.s, EMPTY_LIST);
    struct ecs_arns ret;
    ecs_list_clusters(f.with, &ret);
    assert_int_equal(aws_run(f.clients, DEADLINE_MS), 0);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(f.s.request_count, 3);
    const struct aws_stat *s = stat_of(f.aws, "ListClusters");
    assert_int_equal(s->calls, 3);
    assert_int_equal(s->retries, 2);
    assert_int_equal(s->throttles, 2);
    assert_int_equal(s->failures, 0);
    fixture_end(&f);
}

static void a_call_is_given_up_after_three_attempts(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    f.s.repeat_last = true;
    scripted_add_error(&f.s, 500, SERVER_ERROR);
    struct ecs_arns ret;
    ecs_list_clusters(f.with, &ret);
    assert_int_equal(aws_run(f.clients, DEADLINE_MS), 0);
    assert_int_equal(ret.call.state, AWS_CALL_FAILED);
    assert_int_equal(ret.call.err.kind, ERR_TRANSIENT);
    assert_int_equal(ret.call.err.http_status, 500);
    assert_string_equal(ret.call.code, "ServerException");
    assert_string_equal(ret.call.err.msg, "ListClusters: ServerException: oops");
    assert_int_equal(f.s.request_count, 3);
    assert_int_equal(stat_of(f.aws, "ListClusters")->failures, 1);
    // full jitter: at most 1 s after the first failure and 2 s after the second
    assert_in_range(f.s.requests[1].at_ms - f.s.requests[0].at_ms, 0, 1000);
    assert_in_range(f.s.requests[2].at_ms - f.s.requests[1].at_ms, 0, 2000);
    fixture_end(&f);
}

static void aws_max_attempts_is_honoured(void **state)
{
    (void)state;
    static const struct aws_env_pair env[] = {{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "b"}, {"AWS_MAX_ATTEMPTS", "1"}};
    struct fixture f;
    fixture_begin_env(&f, env, ARRAY_LEN(env));
    scripted_add_error(&f.s, 500, SERVER_ERROR);
    struct ecs_arns ret;
    ecs_list_clusters(f.with, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(f.s.request_count, 1);
    fixture_end(&f);
}

static void a_refusal_is_not_repeated_and_named_by_kind(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum err_kind kind;
    } cases[] = {
        {400, "{\"__type\":\"AccessDeniedException\",\"Message\":\"no\"}", ERR_DENIED},
        {400, "{\"__type\":\"com.amazonaws.ecs#ClusterNotFoundException\",\"message\":\"x\"}", ERR_NOT_FOUND},
        {400, "{\"__type\":\"InvalidParameterException:http://x\"}", ERR_INVALID},
        {400, "{\"__type\":\"UnrecognizedClientException\"}", ERR_AUTH},
        {400, "{\"__type\":\"InvalidSignatureException\"}", ERR_AUTH},
        {403, "", ERR_DENIED},
        {404, "not json", ERR_NOT_FOUND},
        {302, "", ERR_INVALID},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        fixture_begin(&f);
        scripted_add_error(&f.s, cases[i].status, cases[i].body);
        struct ecs_arns ret;
        ecs_list_clusters(f.with, &ret);
        aws_run(f.clients, DEADLINE_MS);
        assert_int_equal(ret.call.state, AWS_CALL_FAILED);
        assert_int_equal(ret.call.err.kind, cases[i].kind);
        assert_int_equal(f.s.request_count, 1);
        fixture_end(&f);
    }
}

static void ec2_errors_are_read_from_xml(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        int status;
        enum err_kind kind;
        size_t requests;
    } cases[] = {
        {"UnauthorizedOperation", 403, ERR_DENIED, 1},
        {"InvalidInstanceID.NotFound", 400, ERR_NOT_FOUND, 1},
        {"FleetNotInModifiableState", 400, ERR_CONFLICT, 1},
        {"RequestLimitExceeded", 503, ERR_THROTTLED, 1},  // a write: the next look sees what it is still good for
        {"InsufficientInstanceCapacity", 500, ERR_CAPACITY, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        fixture_begin(&f);
        f.s.repeat_last = true;
        scripted_add_error(&f.s, cases[i].status,
                           arena_printf(&f.arena, "<?xml version=\"1.0\"?><Response><Errors><Error><Code>%s</Code><Message>a &amp; b"
                                                  "\nc</Message></Error></Errors><RequestID>r</RequestID></Response>", cases[i].code));
        struct aws_call ret;
        ec2_modify_spot_fleet(f.with, &(struct ec2_fleet_target){"sfr-1", 3, 0, false}, &ret);
        aws_run(f.clients, DEADLINE_MS);
        assert_int_equal(ret.state, AWS_CALL_FAILED);
        assert_int_equal(ret.err.kind, cases[i].kind);
        assert_string_equal(ret.code, cases[i].code);
        assert_non_null(strstr(ret.err.msg, ": a & b c"));
        assert_false(ret.timed_out);
        assert_int_equal(f.s.request_count, cases[i].requests);
        fixture_end(&f);
    }
}

static void a_change_of_unknown_effect_is_not_repeated(void **state)
{
    (void)state;
    static const struct scripted_reply replies[] = {
        {.kind = SCRIPTED_HANG}, {.kind = SCRIPTED_LOST}, {.status = 500, .body = "<Response/>"}, {.body = "garbage"}, {.kind = SCRIPTED_LIMIT}};
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        struct fixture f;
        fixture_begin(&f);
        scripted_add(&f.s, replies[i]);
        const char *id = "i-1";
        struct ec2_state_changes ret;
        ec2_terminate_instances(f.with, &id, 1, false, &ret);
        aws_run(f.clients, DEADLINE_MS);
        assert_int_equal(ret.call.state, AWS_CALL_FAILED);
        assert_true(ret.call.timed_out);
        assert_int_equal(f.s.request_count, 1);
        fixture_end(&f);
    }
}

static void a_change_that_never_got_through_is_repeated(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add(&f.s, (struct scripted_reply){.kind = SCRIPTED_REFUSED});
    scripted_add_body(&f.s, TERMINATED);
    const char *id = "i-1";
    struct ec2_state_changes ret;
    ec2_terminate_instances(f.with, &id, 1, false, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_string_equal(ret.items[0].after, "shutting-down");
    assert_string_equal(f.s.requests[0].body, f.s.requests[1].body);
    fixture_end(&f);
}

static void a_repeatable_change_is_repeated_after_a_timeout(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add(&f.s, (struct scripted_reply){.kind = SCRIPTED_HANG});
    scripted_add_body(&f.s, "<CreateTagsResponse><return>true</return></CreateTagsResponse>");
    const char *id = "i-1";
    struct aws_call ret;
    ec2_create_tags(f.with, &id, 1, &(struct aws_tag){"masu:drain", "x"}, 1, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.state, AWS_CALL_COMPLETE);
    assert_int_equal(f.s.request_count, 2);
    fixture_end(&f);
}

static void an_unknown_effect_is_not_forgotten_by_a_later_refusal(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add(&f.s, (struct scripted_reply){.kind = SCRIPTED_LOST});
    scripted_add_error(&f.s, 403, "<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></Response>");
    const char *id = "i-1";
    struct aws_call ret;
    ec2_create_tags(f.with, &id, 1, &(struct aws_tag){"masu:drain", "x"}, 1, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.err.kind, ERR_DENIED);
    assert_true(ret.timed_out);
    fixture_end(&f);
}

static void each_attempt_is_signed_anew(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add(&f.s, (struct scripted_reply){.status = 503, .body = "", .delay_ms = 3000});
    scripted_add_body(&f.s, EMPTY_LIST);
    struct ecs_arns ret;
    ecs_list_clusters(f.with, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(f.s.request_count, 2);
    assert_non_null(strstr(f.s.requests[0].headers, "X-Amz-Date: 20260202T024000Z\n"));
    assert_null(strstr(f.s.requests[1].headers, "X-Amz-Date: 20260202T024000Z\n"));
    assert_string_not_equal(strstr(f.s.requests[0].headers, "Signature="), strstr(f.s.requests[1].headers, "Signature="));
    fixture_end(&f);
}

static void an_hour_of_skew_is_corrected_once_and_kept(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    f.s.wire_offset_ms = -3600 * 1000;  // our wall clock is an hour late
    scripted_add(&f.s, (struct scripted_reply){.status = 400, .body = "{\"__type\":\"InvalidSignatureException\"}", .header = "Date",
                                               .value = "Mon, 02 Feb 2026 02:40:00 GMT"});
    scripted_add_body(&f.s, EMPTY_LIST);
    scripted_add_body(&f.s, EMPTY_LIST);
    struct ecs_arns ret;
    ecs_list_clusters(f.with, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    ecs_list_clusters(f.with, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_non_null(strstr(f.s.requests[0].headers, "X-Amz-Date: 20260202T014000Z\n"));
    assert_non_null(strstr(f.s.requests[1].headers, "X-Amz-Date: 20260202T024000Z\n"));
    assert_non_null(strstr(f.s.requests[2].headers, "X-Amz-Date: 20260202T024000Z\n"));
    fixture_end(&f);
}

static void calls_refused_together_for_our_clock_all_go_again(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    f.s.wire_offset_ms = 3600 * 1000;  // our wall clock is an hour early
    assert_false(aws_health(f.aws).clock_measured);
    for (int i = 0; i < 2; i++)
        scripted_add(&f.s, (struct scripted_reply){.status = 400, .body = "{\"__type\":\"InvalidSignatureException\"}", .header = "Date",
                                                   .value = "Mon, 02 Feb 2026 02:40:00 GMT", .delay_ms = 10 + i});
    scripted_add(&f.s, (struct scripted_reply){.body = EMPTY_LIST, .header = "Date", .value = "Mon, 02 Feb 2026 02:40:00 GMT"});
    scripted_add_body(&f.s, EMPTY_LIST);
    struct ecs_arns one, two;
    ecs_list_clusters(f.with, &one);
    ecs_list_clusters(f.with, &two);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(one.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(two.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(f.s.request_count, 4);
    struct aws_health h = aws_health(f.aws);
    assert_true(h.clock_measured && h.clock_corrected);
    assert_in_range(-h.clock_off_ms, 3599 * 1000, 3601 * 1000);
    assert_string_equal(h.source, "environment");
    assert_int_equal(h.expires_ms, 0);
    assert_in_range(h.now_ms - f.s.clock.virtual_ms + 1000, 0, 2000);
    fixture_end(&f);
}

static void a_refused_signature_with_a_right_clock_is_a_real_error(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add(&f.s, (struct scripted_reply){.status = 403, .body = "{\"__type\":\"SignatureDoesNotMatch\"}", .header = "date",
                                               .value = "Mon, 02 Feb 2026 02:43:00 GMT"});
    struct ecs_arns ret;
    ecs_list_clusters(f.with, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.err.kind, ERR_AUTH);
    assert_int_equal(f.s.request_count, 1);
    fixture_end(&f);
}

static void quota_stops_retries_when_everything_fails(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    f.s.repeat_last = true;
    scripted_add_error(&f.s, 400, THROTTLED);
    struct ecs_arns ret;
    for (int i = 0; i < 70; i++) {  // 500 tokens at 5 each: a hundred retries, two a call
        ecs_list_clusters(f.with, &ret);
        aws_run(f.clients, f.s.clock.virtual_ms + 3600 * 1000);
    }
    assert_int_equal(f.s.request_count, 70 + 100);
    fixture_end(&f);
}

static void a_throttled_write_waits_for_the_next_look_unless_it_is_urgent(void **state)
{
    (void)state;
    for (int urgent = 0; urgent < 2; urgent++) {
        struct fixture f;
        fixture_begin(&f);
        f.s.repeat_last = true;
        scripted_add_error(&f.s, 400, THROTTLED);
        const char *arn = "c";
        struct ecs_container_instances ret;
        ecs_set_instance_state((struct aws_with){.aws = f.aws, .arena = &f.arena, .urgent = urgent}, "rice", &arn, 1, "DRAINING", &ret);
        aws_run(f.clients, DEADLINE_MS);
        assert_int_equal(ret.call.err.kind, ERR_THROTTLED);
        assert_int_equal(f.s.request_count, urgent ? 3 : 1);
        fixture_end(&f);
    }
}

// ---- the circuit breaker ----------------------------------------------------------------------------------------------------
static void list_once(struct fixture *f, bool urgent, struct ecs_arns *ret)
{
    ecs_list_clusters((struct aws_with){.aws = f->aws, .arena = &f->arena, .urgent = urgent}, ret);
    aws_run(f->clients, f->s.clock.virtual_ms + 600 * 1000);
}

static void a_service_that_never_answers_is_left_alone_and_probed(void **state)
{
    (void)state;
    static const struct aws_env_pair env[] = {{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "s"}, {"AWS_MAX_ATTEMPTS", "1"}};
    struct fixture f;
    fixture_begin_env(&f, env, ARRAY_LEN(env));
    struct ecs_arns ret;
    for (int i = 0; i < 5; i++) {
        scripted_add(&f.s, (struct scripted_reply){.kind = i % 2 ? SCRIPTED_REFUSED : SCRIPTED_HANG});
        list_once(&f, false, &ret);
        assert_int_equal(f.s.request_count, i + 1);
    }
    int64_t open_ms = f.s.clock.virtual_ms;
    list_once(&f, false, &ret);
    assert_int_equal(f.s.request_count, 5);
    assert_int_equal(f.s.clock.virtual_ms, open_ms);  // at once
    assert_int_equal(ret.call.err.kind, ERR_TRANSIENT);
    assert_false(ret.call.timed_out);
    assert_string_equal(ret.call.err.msg, "ListClusters: ecs in eu-west-1 failed 5 times in a row (no answer) -> not asked for 5 s");
    // Another service is not concerned.
    scripted_add_body(&f.s, "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>");
    struct sts_identity id;
    sts_get_caller_identity(f.with, &id);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(id.call.state, AWS_CALL_COMPLETE);
    // One probe, which fails: twice as long.
    clock_advance_to(&f.s.clock, open_ms + 5000);
    scripted_add_error(&f.s, 503, "");
    struct ecs_arns together[3];
    for (int i = 0; i < 3; i++)
        ecs_list_clusters(f.with, &together[i]);
    aws_run(f.clients, f.s.clock.virtual_ms + 600 * 1000);
    assert_int_equal(f.s.request_count, 7);
    assert_non_null(strstr(together[1].call.err.msg, "not asked"));
    clock_advance_to(&f.s.clock, open_ms + 5000 + 9999);
    list_once(&f, false, &ret);
    assert_int_equal(f.s.request_count, 7);
    // The next is good, and all go again.
    clock_advance_to(&f.s.clock, open_ms + 5000 + 10000);
    f.s.repeat_last = true;
    scripted_add_body(&f.s, EMPTY_LIST);
    list_once(&f, false, &ret);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    for (int i = 0; i < 3; i++)
        ecs_list_clusters(f.with, &together[i]);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(f.s.request_count, 11);
    fixture_end(&f);
}

static void the_breaker_never_holds_up_an_urgent_call(void **state)
{
    (void)state;
    static const struct aws_env_pair env[] = {{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "s"}, {"AWS_MAX_ATTEMPTS", "1"}};
    struct fixture f;
    fixture_begin_env(&f, env, ARRAY_LEN(env));
    struct ecs_arns ret;
    for (int i = 0; i < 8; i++) {
        scripted_add_error(&f.s, 500, SERVER_ERROR);
        list_once(&f, true, &ret);
        assert_int_equal(f.s.request_count, i + 1);
    }
    list_once(&f, false, &ret);
    assert_int_equal(f.s.request_count, 8);
    scripted_add_body(&f.s, EMPTY_LIST);
    scripted_add_body(&f.s, EMPTY_LIST);
    list_once(&f, true, &ret);  // good: it closes for all
    list_once(&f, false, &ret);
    assert_int_equal(f.s.request_count, 10);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    fixture_end(&f);
}

// D8: where a zone fails, calls about it do, and all other calls of the service are good.
static void what_may_fail_in_part_neither_opens_nor_closes_the_breaker(void **state)
{
    (void)state;
    static const struct aws_env_pair env[] = {{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "s"}};
    struct fixture f;
    fixture_begin_env(&f, env, ARRAY_LEN(env));
    f.s.repeat_last = true;
    scripted_add_error(&f.s, 500, SERVER_ERROR);
    struct ecs_arns ret;
    for (int i = 0; i < 8; i++) {
        ecs_list_clusters((struct aws_with){.aws = f.aws, .arena = &f.arena, .part = true, .once = true}, &ret);
        aws_run(f.clients, f.s.clock.virtual_ms + 600 * 1000);
        assert_int_equal(f.s.request_count, i + 1);  // once
        assert_int_equal(ret.call.state, AWS_CALL_FAILED);
        assert_null(aws_refused(f.aws, AWS_ECS));
    }
    for (int i = 0; i < 2; i++)
        list_once(&f, false, &ret);
    assert_int_equal(f.s.request_count, 8 + 5);
    assert_non_null(aws_refused(f.aws, AWS_ECS));
    clock_advance_to(&f.s.clock, f.s.clock.virtual_ms + 5000);
    ecs_list_clusters((struct aws_with){.aws = f.aws, .arena = &f.arena, .part = true, .once = true}, &ret);
    aws_run(f.clients, f.s.clock.virtual_ms + 600 * 1000);
    assert_int_equal(f.s.request_count, 8 + 5 + 1);  // no probe that tells
    assert_non_null(aws_refused(f.aws, AWS_ECS));
    list_once(&f, false, &ret);
    assert_int_equal(f.s.request_count, 8 + 5 + 2);  // this one is
    fixture_end(&f);
}

static void calls_that_fail_together_are_one_failure(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    for (int i = 0; i < 6; i++)
        scripted_add(&f.s, (struct scripted_reply){.kind = SCRIPTED_LOST, .delay_ms = 5});
    for (int i = 0; i < 6; i++)
        scripted_add_body(&f.s, EMPTY_LIST);
    struct ecs_arns ret[6];
    for (int i = 0; i < 6; i++)
        ecs_list_clusters(f.with, &ret[i]);
    aws_run(f.clients, DEADLINE_MS);
    for (int i = 0; i < 6; i++)
        assert_int_equal(ret[i].call.state, AWS_CALL_COMPLETE);
    fixture_end(&f);
}

static void deadline_cuts_off_what_is_open(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    f.s.repeat_last = true;
    scripted_add(&f.s, (struct scripted_reply){.kind = SCRIPTED_HANG});
    const char *id = "i-1";
    struct ec2_state_changes change;
    struct ecs_arns list;
    ec2_terminate_instances(f.with, &id, 1, false, &change);
    ecs_list_clusters(f.with, &list);
    assert_int_equal(aws_run(f.clients, T0_MS + 2000), 2);
    assert_int_equal(f.s.clock.virtual_ms, T0_MS + 2000);
    assert_int_equal(change.call.state, AWS_CALL_FAILED);
    assert_true(change.call.timed_out);
    assert_int_equal(list.call.state, AWS_CALL_FAILED);
    assert_int_equal(f.s.open_count, 0);
    fixture_end(&f);
}

struct chain {
    struct aws *aws;
    int done;
};

static void submit_another(void *arg, const struct aws_response *r)
{
    struct chain *c = arg;
    assert_int_equal(r->err.kind, ERR_AUTH);
    if (c->done++ == 0) {
        struct aws_request urgent = {.service = AWS_ECS, .operation = "ListClusters", .body = SLICE_LIT("{}"), .urgent = true};
        aws_submit(c->aws, &urgent, submit_another, c);
    }
}

static void a_call_submitted_by_a_failing_one_does_not_wait(void **state)
{
    (void)state;
    static const struct aws_env_pair none[] = {{"HOME", "/nonexistent"}, {"AWS_EC2_METADATA_DISABLED", "true"}};
    struct fixture f;
    fixture_begin_env(&f, none, ARRAY_LEN(none));
    struct chain c = {f.aws, 0};
    struct aws_request r = {.service = AWS_ECS, .operation = "ListClusters", .body = SLICE_LIT("{}")};
    aws_submit(f.aws, &r, submit_another, &c);
    aws_submit(f.aws, &r, submit_another, &c);
    assert_int_equal(aws_run(f.clients, DEADLINE_MS), 0);
    assert_int_equal(c.done, 3);
    assert_int_equal(f.s.clock.virtual_ms, T0_MS);
    fixture_end(&f);
}

static void more_calls_than_the_queue_holds_are_refused(void **state)
{
    (void)state;
    static struct fixture f;
    static struct ecs_arns lists[8200];
    fixture_begin(&f);
    f.s.repeat_last = true;
    scripted_add_body(&f.s, EMPTY_LIST);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        ecs_list_clusters(f.with, &lists[i]);
    aws_run(f.clients, T0_MS + 1);
    size_t refused = 0;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        refused += lists[i].call.err.kind == ERR_LIMIT;
    assert_int_equal(refused, 8);
    fixture_end(&f);
}

static void stop_flag_ends_the_run(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    static volatile sig_atomic_t stop;
    aws_clients_free(f.clients);
    f.clients = aws_clients_new(&(struct aws_options){.transport = &f.s.base, .env = &f.env, .seed = 7, .stop = &stop});
    struct err err;
    assert_int_equal(aws_clients_get(f.clients, "", "", &f.aws, &err), 0);
    f.with.aws = f.aws;
    scripted_add(&f.s, (struct scripted_reply){.kind = SCRIPTED_HANG});
    struct ecs_arns list;
    ecs_list_clusters(f.with, &list);
    stop = 1;
    assert_int_equal(aws_run(f.clients, DEADLINE_MS), 1);
    assert_int_equal(f.s.clock.virtual_ms, T0_MS);
    fixture_end(&f);
}

static void two_regions_share_a_transport_and_nothing_else(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    struct aws *other, *same, *account;
    struct err err = {0};
    assert_int_equal(aws_clients_get(f.clients, "", "us-east-2", &other, &err), 0);
    assert_int_equal(aws_clients_get(f.clients, "", "", &same, &err), 0);  // AWS_REGION
    assert_int_equal(aws_clients_get(f.clients, "111122223333", "us-east-2", &account, &err), 0);
    assert_ptr_equal(same, f.aws);
    assert_ptr_not_equal(other, f.aws);
    assert_ptr_not_equal(account, other);
    assert_int_equal(aws_clients_get(f.clients, "", "Region", &same, &err), ERR_INVALID);
    assert_int_equal(aws_clients_get(f.clients, "x", "us-east-2", &same, &err), ERR_INVALID);
    scripted_add(&f.s, (struct scripted_reply){.body = "{\"clusterArns\":[\"arn:eu\"]}", .delay_ms = 500});
    scripted_add(&f.s, (struct scripted_reply){.body = "{\"clusterArns\":[\"arn:us\"]}", .delay_ms = 400});
    struct ecs_arns here, there;
    ecs_list_clusters(f.with, &here);
    ecs_list_clusters((struct aws_with){.aws = other, .arena = &f.arena}, &there);
    assert_int_equal(aws_run(f.clients, DEADLINE_MS), 0);
    assert_int_equal(f.s.open_max, 2);  // at the same time
    assert_string_equal(here.items[0], "arn:eu");
    assert_string_equal(there.items[0], "arn:us");
    assert_string_equal(f.s.requests[0].url, "https://ecs.eu-west-1.amazonaws.com/");
    assert_string_equal(f.s.requests[1].url, "https://ecs.us-east-2.amazonaws.com/");
    assert_non_null(strstr(f.s.requests[1].headers, "/us-east-2/ecs/aws4_request"));
    assert_int_equal(stat_of(f.aws, "ListClusters")->calls, 1);
    assert_int_equal(stat_of(other, "ListClusters")->calls, 1);
    fixture_end(&f);
}

static void who_we_are_is_asked_of_the_regional_sts(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "<GetCallerIdentityResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><GetCallerIdentityResult>"
                            "<UserId>U</UserId><Account>444455556666</Account><Arn>arn:aws:iam::444455556666:user/u</Arn>"
                            "</GetCallerIdentityResult></GetCallerIdentityResponse>");
    struct sts_identity id;
    sts_get_caller_identity(f.with, &id);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(id.call.state, AWS_CALL_COMPLETE);
    assert_string_equal(id.account, "444455556666");
    assert_string_equal(f.s.requests[0].url, "https://sts.eu-west-1.amazonaws.com/");
    assert_string_equal(f.s.requests[0].body, "Action=GetCallerIdentity&Version=2011-06-15");
    fixture_end(&f);
}

static void permitted_dry_run_is_a_good_answer(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_error(&f.s, 412, "<Response><Errors><Error><Code>DryRunOperation</Code><Message>m</Message></Error></Errors></Response>");
    scripted_add_error(&f.s, 403, "<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></Response>");
    const char *id = "i-1";
    struct ec2_state_changes ret;
    ec2_terminate_instances(f.with, &id, 1, true, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_non_null(strstr(f.s.requests[0].body, "&DryRun=true"));
    ec2_terminate_instances(f.with, &id, 1, true, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.err.kind, ERR_DENIED);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(throttled_call_is_repeated_until_it_succeeds),
        cmocka_unit_test(a_call_is_given_up_after_three_attempts),
        cmocka_unit_test(aws_max_attempts_is_honoured),
        cmocka_unit_test(a_refusal_is_not_repeated_and_named_by_kind),
        cmocka_unit_test(ec2_errors_are_read_from_xml),
        cmocka_unit_test(a_change_of_unknown_effect_is_not_repeated),
        cmocka_unit_test(a_change_that_never_got_through_is_repeated),
        cmocka_unit_test(a_repeatable_change_is_repeated_after_a_timeout),
        cmocka_unit_test(an_unknown_effect_is_not_forgotten_by_a_later_refusal),
        cmocka_unit_test(each_attempt_is_signed_anew),
        cmocka_unit_test(an_hour_of_skew_is_corrected_once_and_kept),
        cmocka_unit_test(calls_refused_together_for_our_clock_all_go_again),
        cmocka_unit_test(a_refused_signature_with_a_right_clock_is_a_real_error),
        cmocka_unit_test(quota_stops_retries_when_everything_fails),
        cmocka_unit_test(a_throttled_write_waits_for_the_next_look_unless_it_is_urgent),
        cmocka_unit_test(a_service_that_never_answers_is_left_alone_and_probed),
        cmocka_unit_test(the_breaker_never_holds_up_an_urgent_call),
        cmocka_unit_test(what_may_fail_in_part_neither_opens_nor_closes_the_breaker),
        cmocka_unit_test(calls_that_fail_together_are_one_failure),
        cmocka_unit_test(deadline_cuts_off_what_is_open),
        cmocka_unit_test(a_call_submitted_by_a_failing_one_does_not_wait),
        cmocka_unit_test(more_calls_than_the_queue_holds_are_refused),
        cmocka_unit_test(stop_flag_ends_the_run),
        cmocka_unit_test(two_regions_share_a_transport_and_nothing_else),
        cmocka_unit_test(who_we_are_is_asked_of_the_regional_sts),
        cmocka_unit_test(permitted_dry_run_is_a_good_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
