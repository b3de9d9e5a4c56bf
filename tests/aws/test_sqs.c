// SQS: what is asked, what is understood; and long polls, which stay open behind the calls of looks.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "scaler/aws/ecs.h"
#include "scaler/aws/sqs.h"
#include "tests/aws/files.h"
#include "tests/aws/fixture.h"

#define URL "https://sqs.eu-west-1.amazonaws.com/111122223333/events"

static const char ONE[] = "{\"Messages\":[{\"MessageId\":\"m-1\",\"ReceiptHandle\":\"h==\",\"Body\":\"{}\","
                          "\"Attributes\":{\"SentTimestamp\":\"1768480497001\",\"ApproximateReceiveCount\":\"2\"}}]}";

static void a_receive_asks_for_ten_and_takes_what_comes(void **state)
{
    (void)state;
    struct fixture f;
    struct sqs_messages got;
    fixture_begin(&f);
    scripted_add_body(&f.s, ONE);
    sqs_receive(f.with, URL, 20, 30, &got);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(got.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(got.count, 1);
    assert_string_equal(got.items[0].handle, "h==");
    assert_string_equal(got.items[0].body, "{}");
    assert_int_equal(got.items[0].sent_ms, 1768480497001);
    assert_int_equal(got.items[0].receives, 2);
    const struct scripted_request *r = &f.s.requests[0];
    assert_string_equal(r->url, "https://sqs.eu-west-1.amazonaws.com/");
    assert_non_null(strstr(r->headers, "Content-Type: application/x-amz-json-1.0\n"));
    assert_non_null(strstr(r->headers, "X-Amz-Target: AmazonSQS.ReceiveMessage\n"));
    assert_string_equal(r->body, "{\"QueueUrl\":\"" URL "\",\"MaxNumberOfMessages\":10,\"WaitTimeSeconds\":20,\"VisibilityTimeout\":30,"
                                 "\"MessageSystemAttributeNames\":[\"All\"]}");
    fixture_end(&f);
}

static void an_empty_answer_has_no_messages_and_a_broken_one_says_so(void **state)
{
    (void)state;
    struct fixture f;
    struct sqs_messages got[3];
    fixture_begin(&f);
    scripted_add_body(&f.s, "{}");
    scripted_add_body(&f.s, "{\"Messages\":[{\"Body\":\"no handle\"},{\"ReceiptHandle\":\"h\",\"Body\":\"b\"}]}");
    scripted_add_body(&f.s, "{\"Messages\":7}");
    for (int i = 0; i < 3; i++) {
        sqs_receive(f.with, URL, 0, 30, &got[i]);
        aws_run(f.clients, DEADLINE_MS);
    }
    assert_int_equal(got[0].call.state, AWS_CALL_COMPLETE);
    assert_int_equal(got[0].count, 0);
    assert_int_equal(got[1].call.state, AWS_CALL_PARTIAL);
    assert_int_equal(got[1].count, 1);
    assert_int_equal(got[1].items[0].sent_ms, 0);
    assert_int_equal(got[2].call.state, AWS_CALL_FAILED);
    assert_int_equal(got[2].call.err.kind, ERR_CORRUPT);
    fixture_end(&f);
}

static void deletes_go_ten_at_a_time_and_tell_what_failed(void **state)
{
    (void)state;
    struct fixture f;
    struct sqs_deleted ret;
    const char *handles[12];
    fixture_begin(&f);
    for (size_t i = 0; i < ARRAY_LEN(handles); i++)
        handles[i] = arena_printf(&f.arena, "h%zu", i);
    struct buf ten;
    buf_init(&ten, 4096);
    for (int i = 0; i < 10; i++)
        buf_printf(&ten, "%s{\"Id\":\"%d\"}", i ? "," : "{\"Successful\":[", i);
    buf_add_str(&ten, "],\"Failed\":[]}");
    scripted_add_body(&f.s, buf_str(&ten));
    scripted_add_body(&f.s, "{\"Successful\":[{\"Id\":\"0\"}],\"Failed\":[{\"Id\":\"1\",\"SenderFault\":false,\"Code\":\"InternalError\"}]}");
    sqs_delete(f.with, URL, handles, ARRAY_LEN(handles), &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(f.s.request_count, 2);
    assert_int_equal(ret.call.state, AWS_CALL_PARTIAL);
    assert_int_equal(ret.failed, 1);
    assert_non_null(strstr(f.s.requests[1].body, "\"Entries\":[{\"Id\":\"0\",\"ReceiptHandle\":\"h10\"},{\"Id\":\"1\",\"ReceiptHandle\":\"h11\"}]"));
    scripted_add_body(&f.s, "{\"Successful\":[],\"Failed\":[]}");  // an answer that leaves entries out is none
    sqs_delete(f.with, URL, handles, 1, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_FAILED);
    buf_release(&ten);
    fixture_end(&f);
}

static void attributes_tell_how_full_it_is(void **state)
{
    (void)state;
    struct fixture f;
    struct sqs_queue_attributes ret;
    fixture_begin(&f);
    scripted_add_body(&f.s, "{\"Attributes\":{\"QueueArn\":\"arn:aws:sqs:eu-west-1:111122223333:events\",\"ApproximateNumberOfMessages\":\"12\","
                            "\"VisibilityTimeout\":\"30\",\"RedrivePolicy\":\"{}\"}}");
    sqs_get_attributes(f.with, URL, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(ret.visible, 12);
    assert_int_equal(ret.hidden, -1);
    assert_true(ret.has_dead_letters);
    fixture_end(&f);
}

static void the_shared_samples_are_understood(void **state)
{
    (void)state;
    struct fixture f;
    struct sqs_messages got;
    fixture_begin(&f);
    const char *path = file_shared(&f.arena, "aws/responses/sqs-receive-message.json");
    const char *none = file_shared(&f.arena, "aws/responses/sqs-error-no-queue.json");
    if (path == NULL) {
        fixture_end(&f);
        skip();
        return;
    }
    struct slice body = file_read(&f.arena, path);
    scripted_add(&f.s, (struct scripted_reply){.status = 200, .body = body.ptr, .body_len = body.len});
    sqs_receive(f.with, URL, 0, 30, &got);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(got.count, 1);
    assert_non_null(strstr(got.items[0].body, "Interruption Warning"));
    body = file_read(&f.arena, none);
    scripted_add(&f.s, (struct scripted_reply){.status = 400, .body = body.ptr, .body_len = body.len});
    sqs_receive(f.with, URL, 0, 30, &got);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(got.call.state, AWS_CALL_FAILED);
    assert_int_equal(got.call.err.kind, ERR_NOT_FOUND);
    fixture_end(&f);
}

// ---- lanes ------------------------------------------------------------------------------------------------------------------
static void a_long_poll_stays_open_behind_a_look(void **state)
{
    (void)state;
    struct fixture f;
    struct sqs_messages got;
    struct ecs_arns list;
    fixture_begin(&f);
    struct aws_with waiting = f.with;
    waiting.lane = AWS_LANE_WAIT;
    scripted_add(&f.s, (struct scripted_reply){.body = ONE, .delay_ms = 15000});
    scripted_add(&f.s, (struct scripted_reply){.body = "{\"clusterArns\":[]}", .delay_ms = 300});
    sqs_receive(waiting, URL, 20, 30, &got);
    ecs_list_clusters(f.with, &list);
    assert_int_equal(aws_run(f.clients, DEADLINE_MS), 0);
    assert_int_equal(list.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(got.call.state, AWS_CALL_OPEN);
    assert_int_equal(f.s.clock.virtual_ms, T0_MS + 300);
    assert_int_equal(aws_turn(f.clients), INT64_MAX);
    while (got.call.state == AWS_CALL_OPEN)
        f.s.base.ops->wait(&f.s.base, DEADLINE_MS);
    assert_int_equal(got.count, 1);
    assert_int_equal(f.s.clock.virtual_ms, T0_MS + 15000);
    scripted_add(&f.s, (struct scripted_reply){.body = ONE, .delay_ms = 15000});
    sqs_receive(waiting, URL, 20, 30, &got);
    aws_turn(f.clients);
    aws_cancel(f.clients, AWS_LANE_WAIT);
    assert_int_equal(got.call.state, AWS_CALL_FAILED);
    fixture_end(&f);
}

struct interruption {
    struct fixture *f;
    struct sqs_messages *poll;
    const struct ecs_arns *look;
    struct ecs_container_instances drained[2];
    int64_t drained_ms[2];
    int answers;
};

// What came while the look waits is answered at once, in a lane of its own; and the next while that answer waits, in the next lane.
static void answer_at_once(void *arg)
{
    struct interruption *x = arg;
    const char *arn = "ci";
    if (x->poll->call.state == AWS_CALL_OPEN || x->answers == 2)
        return;
    int k = x->answers++;
    enum aws_lane lane = (enum aws_lane)(AWS_LANE_NOTICE + k);
    assert_int_equal(x->look->call.state, AWS_CALL_OPEN);
    ecs_set_instance_state((struct aws_with){.aws = x->f->aws, .arena = &x->f->arena, .urgent = true, .lane = lane}, "rice", &arn, 1, "DRAINING",
                           &x->drained[k]);
    assert_int_equal(aws_run_lane(x->f->clients, lane, DEADLINE_MS), 0);
    x->drained_ms[k] = x->f->s.clock.virtual_ms;
}

static void a_notice_is_answered_before_a_slow_look_is_over(void **state)
{
    (void)state;
    struct fixture f;
    struct sqs_messages got;
    struct ecs_arns list;
    fixture_begin(&f);
    struct aws_with waiting = f.with;
    waiting.lane = AWS_LANE_WAIT;
    struct interruption x = {.f = &f, .poll = &got, .look = &list};
    scripted_add(&f.s, (struct scripted_reply){.body = ONE, .delay_ms = 200});
    scripted_add(&f.s, (struct scripted_reply){.body = "{\"clusterArns\":[]}", .delay_ms = 8000});
    scripted_add(&f.s, (struct scripted_reply){.body = "{\"containerInstances\":[],\"failures\":[]}", .delay_ms = 5000});
    scripted_add(&f.s, (struct scripted_reply){.body = "{\"containerInstances\":[],\"failures\":[]}", .delay_ms = 300});
    sqs_receive(waiting, URL, 20, 30, &got);
    ecs_list_clusters(f.with, &list);
    aws_on_wait(f.clients, answer_at_once, &x);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(x.drained_ms[1], T0_MS + 500);   // though the one before it hangs
    assert_int_equal(x.drained_ms[0], T0_MS + 5200);
    assert_int_equal(list.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(f.s.clock.virtual_ms, T0_MS + 8000);
    fixture_end(&f);
}

// The answer takes longer than the look, whose last call is answered meanwhile: nothing else may be waited for, as a long poll is.
static void a_look_that_ends_during_an_answer_waits_for_nothing_more(void **state)
{
    (void)state;
    struct fixture f;
    struct sqs_messages got, next;
    struct ecs_arns list;
    fixture_begin(&f);
    struct aws_with waiting = f.with;
    waiting.lane = AWS_LANE_WAIT;
    struct interruption x = {.f = &f, .poll = &got, .look = &list, .answers = 1};
    scripted_add(&f.s, (struct scripted_reply){.body = ONE, .delay_ms = 200});
    scripted_add(&f.s, (struct scripted_reply){.body = ONE, .delay_ms = 20000});
    scripted_add(&f.s, (struct scripted_reply){.body = "{\"clusterArns\":[]}", .delay_ms = 1000});
    scripted_add(&f.s, (struct scripted_reply){.body = "{\"containerInstances\":[],\"failures\":[]}", .delay_ms = 5000});
    sqs_receive(waiting, URL, 20, 30, &got);
    sqs_receive(waiting, URL, 20, 30, &next);
    ecs_list_clusters(f.with, &list);
    aws_on_wait(f.clients, answer_at_once, &x);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(x.drained_ms[1], T0_MS + 5200);
    assert_int_equal(list.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(f.s.clock.virtual_ms, T0_MS + 5200);
    aws_cancel(f.clients, AWS_LANE_WAIT);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receive_asks_for_ten_and_takes_what_comes),
        cmocka_unit_test(an_empty_answer_has_no_messages_and_a_broken_one_says_so),
        cmocka_unit_test(deletes_go_ten_at_a_time_and_tell_what_failed),
        cmocka_unit_test(attributes_tell_how_full_it_is),
        cmocka_unit_test(the_shared_samples_are_understood),
        cmocka_unit_test(a_long_poll_stays_open_behind_a_look),
        cmocka_unit_test(a_notice_is_answered_before_a_slow_look_is_over),
        cmocka_unit_test(a_look_that_ends_during_an_answer_waits_for_nothing_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
