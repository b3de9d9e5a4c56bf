// The webhook: what is sent, how often it is tried, and that nothing waits for it.
#include "tests/cm.h"

#include "base/json.h"
#include "base/parse.h"
#include "scaler/webhook.h"
#include "tests/aws/scripted_transport.h"

#define START_MS 1768485874000  // 2026-01-15T14:04:34Z
#define HOUR_MS 3600000

static const struct alert ALERTS[] = {
    {"demand-incurable", "web <b> & co", ALERT_CRITICAL, START_MS - 60000, "3 tasks fit on no type.", "Make them smaller."},
    {"fleet-foreign", "sfr-1", ALERT_WARNING, START_MS - 120000, "Another scales it.", "Let one go."},
    {"note", "x", ALERT_INFO, START_MS, "Only a note.", ""},
};
static const struct alert *const LIST[] = {&ALERTS[0], &ALERTS[1], &ALERTS[2]};

static const struct aws_env_pair PAIRS[] = {{"HOOK_AUTH", "Bearer secret"}, {"HOOK_URL", "https://hooks.example/secret"}};
static const struct aws_env ENV = {PAIRS, ARRAY_LEN(PAIRS)};

struct bed {
    struct scripted net;
    struct webhook *hook;
    struct policy_header headers[1];
    struct policy_alerts policy;
};

static void bed_open(struct bed *b)
{
    *b = (struct bed){.headers = {{"Authorization", "HOOK_AUTH", ""}}};
    b->policy = (struct policy_alerts){.webhook_url = "https://hooks.example/a", .webhook_url_env = "", .webhook_headers = b->headers,
                                       .webhook_header_count = 1, .webhook_level = ALERT_LEVEL_WARNING};
    scripted_init(&b->net, START_MS);
    b->hook = webhook_new(&(struct webhook_options){.transport = &b->net.base, .env = &ENV, .seed = 1});
    webhook_policy(b->hook, &b->policy);
}

static void bed_close(struct bed *b)
{
    webhook_free(b->hook);
    scripted_release(&b->net);
}

static void tell(struct bed *b, enum alerts_news news)
{
    webhook_notify(b->hook, &(struct alerts_event){news, "east", LIST, ARRAY_LEN(LIST), clock_wall_ms(&b->net.clock)});
}

// As the loop does: turns, and waits for what is due or comes, until nothing is wanted or the time is over.
static void run_until(struct bed *b, int64_t until_ms)
{
    while (clock_wall_ms(&b->net.clock) < until_ms) {
        webhook_turn(b->hook);
        int64_t due_ms = webhook_due_ms(b->hook);
        b->net.base.ops->wait(&b->net.base, due_ms < until_ms ? due_ms : until_ms);
    }
}

static json_t *sent(const struct bed *b, size_t i)
{
    json_t *j = NULL;
    assert_true(i < b->net.request_count);
    assert_int_equal(json_parse(slice_of(b->net.requests[i].body), "body", &j, NULL), 0);
    return j;
}

static void what_is_raised_and_cleared_is_posted_once_with_its_secret_header(void **state)
{
    (void)state;
    static struct bed b;
    bed_open(&b);
    scripted_add_body(&b.net, "");
    scripted_add(&b.net, (struct scripted_reply){.status = 204});
    assert_true(webhook_due_ms(b.hook) == INT64_MAX);
    tell(&b, ALERTS_RAISED);
    tell(&b, ALERTS_REMINDED);  // the other side knows already
    tell(&b, ALERTS_CLEARED);
    assert_int_equal(b.net.request_count, 0);  // telling sends nothing: the loop's turn does
    run_until(&b, START_MS + 60000);
    assert_int_equal(b.net.request_count, 2);
    assert_string_equal(b.net.requests[0].url, "https://hooks.example/a");
    assert_string_equal(b.net.requests[0].method, "POST");
    assert_non_null(strstr(b.net.requests[0].headers, "Authorization: Bearer secret\n"));
    assert_non_null(strstr(b.net.requests[0].headers, "Content-Type: application/json\n"));
    assert_false(b.net.requests[0].direct);  // a proxy is used
    json_t *first = sent(&b, 0), *second = sent(&b, 1), *alerts = json_object_get(first, "alerts");
    assert_int_equal(json_int(first, "version", 0), 1);
    assert_string_equal(json_str(first, "status"), "raised");
    assert_string_equal(json_str(second, "status"), "cleared");
    assert_string_equal(json_str(first, "cluster"), "east");
    assert_int_equal(json_array_size(alerts), 2);  // the note is below the level
    assert_string_equal(json_str(json_array_get(alerts, 0), "target"), "web <b> & co");
    assert_string_equal(json_str(json_array_get(alerts, 1), "since"), "2026-01-15T14:02:34Z");
    json_decref(first);
    json_decref(second);
    assert_string_equal(webhook_error(b.hook), "");
    bed_close(&b);
}

static void a_webhook_that_fails_is_tried_again_later_and_later_and_in_order(void **state)
{
    (void)state;
    static struct bed b;
    bed_open(&b);
    for (int i = 0; i < 3; i++)
        scripted_add_error(&b.net, 503, "");
    scripted_add(&b.net, (struct scripted_reply){.kind = SCRIPTED_HANG});
    scripted_add_body(&b.net, "ok");
    scripted_add_body(&b.net, "ok");
    tell(&b, ALERTS_RAISED);
    tell(&b, ALERTS_CLEARED);
    run_until(&b, START_MS + HOUR_MS);
    assert_int_equal(b.net.request_count, 6);
    for (size_t i = 1; i < 5; i++) {
        int64_t pause_ms = b.net.requests[i].at_ms - b.net.requests[i - 1].at_ms, most_ms = 1000 << (i - 1);
        assert_true(pause_ms >= most_ms / 2);
        assert_true(pause_ms <= most_ms + 10000);  // the hanging one took its 10 s
        assert_string_equal(b.net.requests[i].body, b.net.requests[0].body);
    }
    json_t *last = sent(&b, 5);
    assert_string_equal(json_str(last, "status"), "cleared");
    json_decref(last);
    assert_string_equal(webhook_error(b.hook), "");
    bed_close(&b);
}

static void what_is_refused_for_good_or_too_often_is_given_up_and_said(void **state)
{
    (void)state;
    static struct bed b;
    bed_open(&b);
    scripted_add_error(&b.net, 404, "");
    tell(&b, ALERTS_RAISED);
    run_until(&b, START_MS + HOUR_MS);
    assert_int_equal(b.net.request_count, 1);
    assert_string_equal(webhook_error(b.hook), "it answers HTTP 404");
    scripted_add_error(&b.net, 429, "");
    b.net.repeat_last = true;
    tell(&b, ALERTS_CLEARED);
    run_until(&b, START_MS + 3 * HOUR_MS);
    assert_int_equal(b.net.request_count, 11);
    assert_true(webhook_due_ms(b.hook) == INT64_MAX);
    bed_close(&b);
}

static void the_queue_is_bounded_and_keeps_the_newest(void **state)
{
    (void)state;
    static struct bed b;
    bed_open(&b);
    scripted_add_body(&b.net, "ok");
    b.net.repeat_last = true;
    for (int i = 0; i < 500; i++)
        tell(&b, i == 499 ? ALERTS_CLEARED : ALERTS_RAISED);
    run_until(&b, START_MS + 60000);
    assert_int_equal(b.net.request_count, 64);
    json_t *last = sent(&b, 63);
    assert_string_equal(json_str(last, "status"), "cleared");
    json_decref(last);
    bed_close(&b);
}

static void secrets_come_from_environment_or_file_and_their_lack_is_said(void **state)
{
    (void)state;
    static struct bed b;
    bed_open(&b);
    b.policy.webhook_url = "";
    b.policy.webhook_url_env = "HOOK_URL";
    b.headers[0] = (struct policy_header){"X-Token", "", "no-such-file"};
    webhook_policy(b.hook, &b.policy);
    tell(&b, ALERTS_RAISED);
    run_until(&b, START_MS + 1500);
    assert_int_equal(b.net.request_count, 0);
    assert_non_null(strstr(webhook_error(b.hook), "no-such-file"));
    char path[] = "/tmp/masu-hook-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    fputs("from a file\nand no more", f);
    fclose(f);
    b.headers[0].value_file = path;
    scripted_add_body(&b.net, "ok");
    run_until(&b, START_MS + HOUR_MS);
    remove(path);
    assert_int_equal(b.net.request_count, 1);
    assert_string_equal(b.net.requests[0].url, "https://hooks.example/secret");
    assert_non_null(strstr(b.net.requests[0].headers, "X-Token: from a file\n"));
    b.policy.webhook_url_env = "HOOK_NONE";
    webhook_policy(b.hook, &b.policy);
    tell(&b, ALERTS_CLEARED);
    assert_true(webhook_due_ms(b.hook) == INT64_MAX);
    assert_non_null(strstr(webhook_error(b.hook), "webhook_url_env"));
    bed_close(&b);
}

static void slack_and_alertmanager_read_what_they_know(void **state)
{
    (void)state;
    struct alerts_event e = {ALERTS_RAISED, "east", LIST, ARRAY_LEN(LIST), START_MS};
    struct buf out;
    buf_init(&out, 1 << 20);
    assert_true(webhook_body(WEBHOOK_SLACK, &e, ALERT_CRITICAL, &out));
    assert_string_equal(buf_str(&out), "{\"text\":\"*critical* east, web &lt;b&gt; &amp; co: 3 tasks fit on no type. _Make them smaller._\"}");
    buf_clear(&out);
    assert_false(webhook_body(WEBHOOK_SLACK, &(struct alerts_event){ALERTS_RAISED, "", &LIST[2], 1, START_MS}, ALERT_WARNING, &out));
    e.news = ALERTS_REMINDED;  // tells Alertmanager that it still holds
    assert_true(webhook_body(WEBHOOK_ALERTMANAGER, &e, ALERT_CRITICAL, &out));
    json_t *list = NULL;
    assert_int_equal(json_parse(buf_slice(&out), "body", &list, NULL), 0);
    const json_t *one = json_array_get(list, 0), *labels = json_object_get(one, "labels");
    assert_string_equal(json_str(labels, "alertname"), "demand-incurable");
    assert_string_equal(json_str(labels, "cluster"), "east");
    int64_t ends_ms = 0;
    assert_true(parse_iso8601_ms(slice_of(json_str(one, "endsAt")), &ends_ms));
    assert_true(ends_ms > START_MS + HOUR_MS);
    json_decref(list);
    buf_clear(&out);
    e.news = ALERTS_CLEARED;
    assert_true(webhook_body(WEBHOOK_ALERTMANAGER, &e, ALERT_CRITICAL, &out));
    assert_non_null(strstr(buf_str(&out), "\"endsAt\":\"2026-01-15T14:04:34Z\""));
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_raised_and_cleared_is_posted_once_with_its_secret_header),
        cmocka_unit_test(a_webhook_that_fails_is_tried_again_later_and_later_and_in_order),
        cmocka_unit_test(what_is_refused_for_good_or_too_often_is_given_up_and_said),
        cmocka_unit_test(the_queue_is_bounded_and_keeps_the_newest),
        cmocka_unit_test(secrets_come_from_environment_or_file_and_their_lack_is_said),
        cmocka_unit_test(slack_and_alertmanager_read_what_they_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
