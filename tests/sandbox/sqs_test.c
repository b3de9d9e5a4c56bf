// SQS of the virtual AWS: both protocols, visibility, receipt handles, long polls; and what the world puts into its queue.
#include "tests/sandbox/rig.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "scaler/aws/sigv4.h"
#include "scaler/aws/transport.h"
#include "scaler/sandbox/inproc.h"

#define URL "http://127.0.0.1/" SANDBOX_ACCOUNT "/jobs"
#define EVENTS_URL "http://127.0.0.1/" SANDBOX_ACCOUNT "/masu-events"

static struct rig_answer sqs(struct rig *r, const char *operation, const char *body)
{
    return rig_json(r, "sqs", "AmazonSQS", operation, body);
}

static json_t *sqs_ok(struct rig *r, const char *operation, const char *body)
{
    struct rig_answer a = sqs(r, operation, body);
    if (a.status != 200)
        fail_msg("%s: %s", operation, a.body);
    free(a.body);
    return a.json;
}

static char *query_ok(struct rig *r, const char *form)
{
    struct rig_answer a = rig_query(r, "sqs", form, NULL);
    if (a.status != 200)
        fail_msg("%s: %s", form, a.body);
    json_decref(a.json);
    return a.body;
}

static void refused(struct rig *r, const char *operation, const char *body, const char *code)
{
    struct rig_answer a = sqs(r, operation, body);
    char type[128];
    snprintf(type, sizeof type, "com.amazonaws.sqs#%s", code);
    assert_int_equal(a.status, 400);
    assert_string_equal(a.code, code);
    assert_string_equal(json_string_value(json_object_get(a.json, "__type")), type);
    rig_done(&a);
}

static void make_queue(struct rig *r)
{
    json_t *a = sqs_ok(r, "CreateQueue", "{\"QueueName\":\"jobs\",\"Attributes\":{\"VisibilityTimeout\":\"20\"}}");
    assert_string_equal(json_string_value(json_object_get(a, "QueueUrl")), URL);
    json_decref(a);
}

static void send(struct rig *r, const char *text)
{
    char body[256];
    snprintf(body, sizeof body, "{\"QueueUrl\":\"" URL "\",\"MessageBody\":\"%s\"}", text);
    json_decref(sqs_ok(r, "SendMessage", body));
}

// The messages of one receive; the caller decrefs *ret_answer.
static json_t *receive(struct rig *r, const char *url, int most, json_t **ret_answer)
{
    char body[256];
    snprintf(body, sizeof body, "{\"QueueUrl\":\"%s\",\"MaxNumberOfMessages\":%d,\"MessageSystemAttributeNames\":[\"All\"]}", url, most);
    *ret_answer = sqs_ok(r, "ReceiveMessage", body);
    return json_object_get(*ret_answer, "Messages");
}

static void delete_by(struct rig *r, const char *handle)
{
    char body[256];
    snprintf(body, sizeof body, "{\"QueueUrl\":\"" URL "\",\"ReceiptHandle\":\"%s\"}", handle);
    json_decref(sqs_ok(r, "DeleteMessage", body));
}

static const char *handle_of(json_t *message)
{
    return json_string_value(json_object_get(message, "ReceiptHandle"));
}

static void a_message_is_hidden_until_its_visibility_ends_and_gone_when_deleted(void **state)
{
    (void)state;
    struct rig r;
    json_t *a, *list;
    char first[64];
    rig_start(&r, NULL);
    make_queue(&r);
    send(&r, "hello \\\"you\\\"");
    list = receive(&r, URL, 10, &a);
    assert_int_equal(json_array_size(list), 1);
    json_t *m = json_array_get(list, 0), *attributes = json_object_get(m, "Attributes");
    assert_string_equal(json_string_value(json_object_get(m, "Body")), "hello \"you\"");
    assert_string_equal(json_string_value(json_object_get(attributes, "ApproximateReceiveCount")), "1");
    assert_int_equal(strlen(json_string_value(json_object_get(attributes, "SentTimestamp"))), 13);
    snprintf(first, sizeof first, "%s", handle_of(m));
    json_decref(a);
    assert_null(receive(&r, URL, 10, &a));  // an empty answer has no member Messages
    json_decref(a);
    rig_pass(&r, 20000);
    list = receive(&r, URL, 10, &a);
    m = json_array_get(list, 0);
    assert_string_equal(json_string_value(json_object_get(json_object_get(m, "Attributes"), "ApproximateReceiveCount")), "2");
    assert_string_not_equal(handle_of(m), first);
    delete_by(&r, first);  // not its newest handle: no error, and no effect
    json_decref(a);
    rig_pass(&r, 20000);
    list = receive(&r, URL, 10, &a);
    assert_int_equal(json_array_size(list), 1);
    delete_by(&r, handle_of(json_array_get(list, 0)));
    delete_by(&r, handle_of(json_array_get(list, 0)));  // twice is no error
    json_decref(a);
    rig_pass(&r, 60000);
    assert_null(receive(&r, URL, 10, &a));
    json_decref(a);
    rig_stop(&r);
}

static void a_batch_tells_each_entry(void **state)
{
    (void)state;
    struct rig r;
    json_t *a;
    char body[1024], one[64];
    rig_start(&r, NULL);
    make_queue(&r);
    send(&r, "a");
    send(&r, "b");
    json_t *list = receive(&r, URL, 10, &a);
    assert_int_equal(json_array_size(list), 2);
    snprintf(one, sizeof one, "%s", handle_of(json_array_get(list, 0)));
    snprintf(body, sizeof body, "{\"QueueUrl\":\"" URL "\",\"Entries\":[{\"Id\":\"x\",\"ReceiptHandle\":\"%s\"},{\"Id\":\"y\",\"ReceiptHandle\":\"nonsense\"}]}", one);
    json_decref(a);
    a = sqs_ok(&r, "DeleteMessageBatch", body);
    assert_int_equal(json_array_size(json_object_get(a, "Successful")), 1);
    json_t *failed = json_array_get(json_object_get(a, "Failed"), 0);
    assert_string_equal(json_string_value(json_object_get(failed, "Id")), "y");
    assert_string_equal(json_string_value(json_object_get(failed, "Code")), "ReceiptHandleIsInvalid");
    assert_true(json_is_true(json_object_get(failed, "SenderFault")));
    json_decref(a);
    refused(&r, "DeleteMessageBatch", "{\"QueueUrl\":\"" URL "\",\"Entries\":[]}", "EmptyBatchRequest");
    refused(&r, "DeleteMessageBatch", "{\"QueueUrl\":\"" URL "\",\"Entries\":[{\"Id\":\"x\",\"ReceiptHandle\":\"a\"},{\"Id\":\"x\",\"ReceiptHandle\":\"b\"}]}",
            "BatchEntryIdsNotDistinct");
    struct buf many;
    buf_init(&many, 4096);
    buf_add_str(&many, "{\"QueueUrl\":\"" URL "\",\"Entries\":[");
    for (int i = 0; i < 11; i++)
        buf_printf(&many, "%s{\"Id\":\"%d\",\"ReceiptHandle\":\"h\"}", i ? "," : "", i);
    buf_add_str(&many, "]}");
    refused(&r, "DeleteMessageBatch", buf_str(&many), "TooManyEntriesInBatchRequest");
    buf_release(&many);
    rig_stop(&r);
}

static void wrong_requests_are_refused_in_sqss_words(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    make_queue(&r);
    refused(&r, "ReceiveMessage", "{\"QueueUrl\":\"http://127.0.0.1/" SANDBOX_ACCOUNT "/nobody\"}", "QueueDoesNotExist");
    refused(&r, "ReceiveMessage", "{\"QueueUrl\":\"jobs\"}", "QueueDoesNotExist");
    refused(&r, "GetQueueUrl", "{\"QueueName\":\"nobody\"}", "QueueDoesNotExist");
    refused(&r, "ReceiveMessage", "{\"QueueUrl\":\"" URL "\",\"MaxNumberOfMessages\":11}", "InvalidParameterValue");
    refused(&r, "ReceiveMessage", "{\"QueueUrl\":\"" URL "\",\"WaitTimeSeconds\":21}", "InvalidParameterValue");
    refused(&r, "DeleteMessage", "{\"QueueUrl\":\"" URL "\",\"ReceiptHandle\":\"AQEBexample==\"}", "ReceiptHandleIsInvalid");
    refused(&r, "CreateQueue", "{\"QueueName\":\"no spaces\"}", "InvalidParameterValue");
    refused(&r, "CreateQueue", "{\"QueueName\":\"jobs\",\"Attributes\":{\"VisibilityTimeout\":\"21\"}}", "QueueNameExists");
    struct rig_answer a = rig_query(&r, "sqs", "Action=ReceiveMessage&QueueUrl=http%3A%2F%2Fh%2F" SANDBOX_ACCOUNT "%2Fnobody", NULL);
    assert_int_equal(a.status, 400);
    assert_string_equal(rig_xml(a.body, "Code"), "AWS.SimpleQueueService.NonExistentQueue");
    rig_done(&a);
    a = rig_query(&r, "sqs", "Action=ListQueues", &(struct rig_call){.key_id = "AKIANOBODY0000000000"});
    assert_string_equal(rig_xml(a.body, "Code"), "InvalidClientTokenId");
    rig_done(&a);
    rig_stop(&r);
}

static void the_query_protocol_says_the_same(void **state)
{
    (void)state;
    struct rig r;
    char form[256], handle[128];
    rig_start(&r, NULL);
    char *body = query_ok(&r, "Action=CreateQueue&QueueName=jobs&Attribute.1.Name=VisibilityTimeout&Attribute.1.Value=20");
    assert_string_equal(rig_xml(body, "QueueUrl"), URL);
    free(body);
    free(query_ok(&r, "Action=SendMessage&QueueUrl=http%3A%2F%2F127.0.0.1%2F" SANDBOX_ACCOUNT "%2Fjobs&MessageBody=a%26b"));
    body = query_ok(&r, "Action=ReceiveMessage&QueueUrl=http%3A%2F%2F127.0.0.1%2F" SANDBOX_ACCOUNT "%2Fjobs&AttributeName.1=All");
    assert_string_equal(rig_xml(body, "Body"), "a&amp;b");
    assert_string_equal(rig_xml(body, "Name"), "ApproximateReceiveCount");
    snprintf(handle, sizeof handle, "%s", rig_xml(body, "ReceiptHandle"));
    free(body);
    snprintf(form, sizeof form, "Action=ChangeMessageVisibility&QueueUrl=http%%3A%%2F%%2F127.0.0.1%%2F" SANDBOX_ACCOUNT "%%2Fjobs&VisibilityTimeout=0&ReceiptHandle=%.24s%%3D",
             handle);
    free(query_ok(&r, form));
    body = query_ok(&r, "Action=GetQueueAttributes&QueueUrl=http%3A%2F%2F127.0.0.1%2F" SANDBOX_ACCOUNT "%2Fjobs&AttributeName.1=ApproximateNumberOfMessages");
    assert_string_equal(rig_xml(body, "Value"), "1");
    free(body);
    rig_stop(&r);
}

// ---- long polls -------------------------------------------------------------------------------------------------------------
struct answered {
    int64_t at_ms;
    int status, messages;
};

static void note_answer(void *arg, const struct transport_response *response)
{
    struct answered *to = arg;
    json_t *j = json_loadb(response->body.ptr, response->body.len, 0, NULL);
    to->status = response->err.kind ? -1 : response->status;
    to->messages = (int)json_array_size(json_object_get(j, "Messages"));
    json_decref(j);
}

// A poll of up to 20 s through the transport in process, on the virtual clock; what happens in between is `meanwhile`'s.
static struct answered poll(struct rig *r, int64_t (*meanwhile)(struct rig *r), int64_t timeout_ms)
{
    struct transport *t;
    struct err err = {0};
    struct answered got = {0};
    struct buf authorization;
    uint64_t id;
    char date[32];
    const struct slice body = SLICE_LIT("{\"QueueUrl\":\"" EVENTS_URL "\",\"WaitTimeSeconds\":20}");
    assert_int_equal(inproc_new(r->sandbox, &r->clock, &(struct inproc_options){.latency_min_ms = 40, .latency_max_ms = 40}, &t, &err), 0);
    format_amz_date(t->ops->wire_ms(t), date);
    struct http_header headers[] = {{SLICE_LIT("host"), SLICE_LIT("127.0.0.1")}, {SLICE_LIT("x-amz-date"), slice_of(date)},
                                    {SLICE_LIT("x-amz-target"), SLICE_LIT("AmazonSQS.ReceiveMessage")}, {SLICE_LIT("authorization"), {0}}};
    struct sigv4_request sr = {.method = SLICE_LIT("POST"), .path = SLICE_LIT("/"), .headers = headers, .header_count = 3, .body = body};
    buf_init(&authorization, 4096);
    assert_int_equal(sigv4_authorization(&sr, &sigv4_default, &(struct sigv4_scope){date, SANDBOX_REGION, "sqs"}, SANDBOX_KEY_ID, SANDBOX_SECRET,
                                         NULL, &authorization, &err), 0);
    headers[3].value = buf_slice(&authorization);
    struct transport_request q = {.method = "POST", .url = "http://127.0.0.1/", .headers = headers, .header_count = 4, .body = body,
                                  .timeout_ms = timeout_ms, .max_response_bytes = 1 << 20};
    assert_int_equal(t->ops->submit(t, &q, note_answer, &got, &id, &err), 0);
    buf_release(&authorization);
    int64_t from_ms = clock_wall_ms(&r->clock), until_ms = from_ms + meanwhile(r);
    while (got.status == 0 && clock_wall_ms(&r->clock) < until_ms)
        t->ops->wait(t, until_ms);
    got.at_ms = clock_wall_ms(&r->clock) - from_ms;
    t->ops->free(t);
    return got;
}

static int64_t nothing(struct rig *r)
{
    (void)r;
    return 60000;
}

static int64_t an_interruption(struct rig *r)
{
    assert_int_equal(world_interrupt(r->world, rig_used(r, 1)), WORLD_OK);
    return 60000;
}

static void a_long_poll_waits_for_the_first_message_or_its_end(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    assert_int_equal(poll(&r, nothing, 5000).status, -1);  // the client's own timeout comes first
    struct answered got = poll(&r, nothing, 30000);
    assert_int_equal(got.status, 200);
    assert_int_equal(got.messages, 0);
    assert_int_equal(got.at_ms, 20040);
    got = poll(&r, an_interruption, 30000);
    assert_int_equal(got.status, 200);
    assert_true(got.messages >= 1);
    assert_true(got.at_ms <= 1000);
    rig_stop(&r);
}

// ---- events -----------------------------------------------------------------------------------------------------------------
static const char *event_text(json_t *event, const char *key)
{
    return json_string_value(json_object_get(event, key));
}

static void what_happens_to_instances_and_fleets_comes_as_events(void **state)
{
    (void)state;
    struct rig r;
    int warnings = 0, notified = 0, rebalance = 0, states = 0, launched = 0, fleet_states = 0;
    char arn[128];
    rig_start(&r, NULL);
    snprintf(arn, sizeof arn, "arn:aws:ec2:us-east-1:" SANDBOX_ACCOUNT ":instance/%s", rig_instance(&r, 0));
    world_interrupt(r.world, rig_used(&r, 0));
    world_rebalance_hint(r.world, rig_used(&r, 1));
    world_modify_spot_fleet(r.world, WORLD_PERSON, r.fleet, world_view(r.world).fleets[r.fleet].wanted + 2, -1, WX_NO_TERMINATION);
    rig_pass(&r, 5 * 60000);
    for (int n = 0; n < 20; n++) {
        json_t *a, *list = receive(&r, EVENTS_URL, 10, &a);
        for (size_t i = 0; i < json_array_size(list); i++) {
            json_t *e = json_loads(event_text(json_array_get(list, i), "Body"), 0, NULL), *detail = json_object_get(e, "detail");
            const char *type = event_text(e, "detail-type"), *sub = event_text(detail, "sub-type");
            assert_non_null(e);
            assert_string_equal(event_text(e, "version"), "0");
            assert_int_equal(strlen(event_text(e, "id")), 36);
            assert_int_equal(strlen(event_text(e, "time")), 20);
            if (strcmp(type, "EC2 Spot Instance Interruption Warning") == 0) {
                warnings++;
                assert_string_equal(event_text(detail, "instance-action"), "terminate");
                assert_string_equal(json_string_value(json_array_get(json_object_get(e, "resources"), 0)), arn);
                assert_string_equal(event_text(detail, "instance-id"), rig_instance(&r, 0));
            }
            rebalance += strcmp(type, "EC2 Instance Rebalance Recommendation") == 0;
            states += strcmp(type, "EC2 Instance State-change Notification") == 0;
            fleet_states += strcmp(type, "EC2 Spot Fleet State Change") == 0;
            launched += sub && strcmp(sub, "launched") == 0;
            notified += sub && strcmp(sub, "termination_notified") == 0;
            json_decref(e);
        }
        json_decref(a);
    }
    assert_int_equal(warnings, 1);
    assert_int_equal(rebalance, 1);
    assert_int_equal(notified, 1);
    assert_true(launched >= 3);  // two, and the replacement
    assert_true(states >= 2 * launched);
    assert_int_equal(fleet_states, 2);
    rig_stop(&r);
}

static void events_can_be_lost_and_doubled(void **state)
{
    (void)state;
    struct rig r;
    json_t *a;
    rig_start(&r, NULL);
    sandbox_set_events(r.sandbox, &(struct sandbox_event_options){.drop_permille = 1000});
    world_rebalance_hint(r.world, rig_used(&r, 0));
    rig_pass(&r, 1000);
    assert_null(receive(&r, EVENTS_URL, 10, &a));
    json_decref(a);
    sandbox_set_events(r.sandbox, &(struct sandbox_event_options){.double_permille = 1000});
    world_rebalance_hint(r.world, rig_used(&r, 1));
    rig_pass(&r, 1000);
    assert_int_equal(json_array_size(receive(&r, EVENTS_URL, 10, &a)), 2);
    json_decref(a);
    rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_hidden_until_its_visibility_ends_and_gone_when_deleted),
        cmocka_unit_test(a_batch_tells_each_entry),
        cmocka_unit_test(wrong_requests_are_refused_in_sqss_words),
        cmocka_unit_test(the_query_protocol_says_the_same),
        cmocka_unit_test(a_long_poll_waits_for_the_first_message_or_its_end),
        cmocka_unit_test(what_happens_to_instances_and_fleets_comes_as_events),
        cmocka_unit_test(events_can_be_lost_and_doubled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
