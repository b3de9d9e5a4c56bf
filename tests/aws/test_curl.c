// The curl transport against a small server of our own on a loopback socket.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/check.h"
#include "scaler/aws/ec2.h"
#include "scaler/aws/ecs.h"
#include "scaler/aws/transport.h"

// ---- the server: one thread a connection; what it does is in the path -------------------------------------------------------
static atomic_int connections, requests_seen;
static char last_request[8192];
static pthread_mutex_t last_lock = PTHREAD_MUTEX_INITIALIZER;

static void send_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        data += n;
        len -= (size_t)n;
    }
}

static void send_text(int fd, const char *text)
{
    send_all(fd, text, strlen(text));
}

// Reads one request; its length, 0 at the end of the connection.
static size_t read_request(int fd, char *out, size_t size)
{
    size_t len = 0, want = SIZE_MAX;
    while (len < want && len + 1 < size) {
        ssize_t n = recv(fd, out + len, size - len - 1, 0);
        if (n <= 0)
            return 0;
        len += (size_t)n;
        out[len] = '\0';
        const char *end = strstr(out, "\r\n\r\n"), *length = strcasestr(out, "content-length:");
        if (!end)
            continue;
        size_t body = 0;
        if (length && length < end)
            sscanf(length + 15, "%zu", &body);
        want = (size_t)(end - out) + 4 + body;
    }
    return len;
}

// Answers that are well-formed HTTP and bad otherwise, by path.
static const struct {
    const char *path;
    int status;
    const char *body;
} bad_answers[] = {
    {"/http500", 500, "<html><body>Internal Server Error</body></html>"},
    {"/http503", 503, ""},
    {"/http429", 429, "slow down"},
    {"/throttled", 400, "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}"},
    {"/expired", 400, "{\"__type\":\"ExpiredTokenException\",\"message\":\"The security token included in the request is expired\"}"},
    {"/cut-json", 200, "{\"clusterArns\":[\"arn:aws:ecs"},
    {"/cut-xml", 200, "<DescribeInstancesResponse><reservationSet><item>"},
    {"/html200", 200, "<!DOCTYPE html><html><body>Welcome to the hotel's network</body></html>"},
    {"/bytes", 200, "\x01\x02\xff\xfe\x03"},
    {"/empty", 200, ""},
    {"/array", 200, "[1,2,3]"},
};

static bool serve_bad(int fd, const char *request)
{
    for (size_t i = 0; i < ARRAY_LEN(bad_answers); i++) {
        char line[64], head[128];
        snprintf(line, sizeof line, "POST %s ", bad_answers[i].path);
        if (!slice_starts(slice_of(request), line))
            continue;
        snprintf(head, sizeof head, "HTTP/1.1 %d Bad\r\nContent-Length: %zu\r\n\r\n", bad_answers[i].status, strlen(bad_answers[i].body));
        send_text(fd, head);
        send_text(fd, bad_answers[i].body);
        return true;
    }
    return false;
}

static bool serve_one(int fd, const char *request)
{
    if (serve_bad(fd, request))
        return true;
    if (strstr(request, " /hang "))
        sleep(30);
    else if (strstr(request, " /close "))
        return false;
    else if (strstr(request, " /truncated "))
        send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
    else if (strstr(request, " /big ")) {
        static char block[65536];
        send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 20971520\r\n\r\n");
        for (int i = 0; i < 320; i++)
            send_all(fd, block, sizeof block);
    } else if (strstr(request, " /redirect "))
        send_text(fd, "HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
    else if (strstr(request, " /garbage "))
        send_text(fd, "\x01\x02 no HTTP at all\r\n\r\n");
    else
        send_text(fd, "HTTP/1.1 200 OK\r\nX-One: a b \r\ndate: Mon, 02 Feb 2026 02:40:00 GMT\r\nContent-Length: 20\r\n\r\n{\"clusterArns\":[]}\r\n");
    return !strstr(request, " /truncated ") && !strstr(request, " /garbage ");
}

static void *serve_connection(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char request[8192];
    while (read_request(fd, request, sizeof request)) {
        atomic_fetch_add(&requests_seen, 1);
        pthread_mutex_lock(&last_lock);
        memcpy(last_request, request, sizeof last_request);
        pthread_mutex_unlock(&last_lock);
        if (!serve_one(fd, request))
            break;
    }
    close(fd);
    return NULL;
}

static int listener;

static void *serve(void *arg)
{
    (void)arg;
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        atomic_fetch_add(&connections, 1);
        pthread_t t;
        if (pthread_create(&t, NULL, serve_connection, (void *)(intptr_t)fd) == 0)
            pthread_detach(t);
    }
}

static char base_url[64];

static int start_server(void **state)
{
    (void)state;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&a, sizeof a) < 0 || listen(listener, 64) < 0)
        return -1;
    getsockname(listener, (struct sockaddr *)&a, &len);
    snprintf(base_url, sizeof base_url, "http://127.0.0.1:%d", ntohs(a.sin_port));
    pthread_t t;
    return pthread_create(&t, NULL, serve, NULL) == 0 ? pthread_detach(t) : -1;
}

// ---- the client -------------------------------------------------------------------------------------------------------------
struct outcome {
    int count, status;
    enum err_kind kind;
    bool timed_out;
    size_t body_len;
    char header[64], message[256];
};

static void on_done(void *arg, const struct transport_response *r)
{
    struct outcome *o = arg;
    o->count++;
    o->status = r->status;
    o->kind = r->err.kind;
    o->timed_out = r->timed_out;
    o->body_len = r->body.len;
    snprintf(o->message, sizeof o->message, "%s", r->err.msg);
    for (size_t i = 0; i < r->header_count; i++)
        if (slice_eq_nocase(r->headers[i].name, SLICE_LIT("x-one")))
            snprintf(o->header, sizeof o->header, "%.*s", (int)r->headers[i].value.len, r->headers[i].value.ptr);
}

struct world {
    struct clock clock;
    struct transport *t;
};

static void begin(struct world *w)
{
    struct err err = {0};
    clock_init_real(&w->clock);
    assert_int_equal(transport_curl_new(&w->clock, &w->t, &err), 0);
}

static void end(struct world *w)
{
    w->t->ops->free(w->t);
}

static uint64_t post(struct world *w, const char *path, int64_t timeout_ms, struct outcome *o)
{
    char url[128];
    snprintf(url, sizeof url, "%s%s", base_url, path);
    struct http_header headers[] = {{SLICE_LIT("Host"), SLICE_LIT("named.example")}, {SLICE_LIT("Content-Type"), SLICE_LIT("x/y")}};
    struct transport_request r = {"POST", url, headers, 2, SLICE_LIT("body"), timeout_ms, 1u << 20, true, false, NULL};
    uint64_t id = 0;
    struct err err = {0};
    *o = (struct outcome){0};
    assert_int_equal(w->t->ops->submit(w->t, &r, on_done, o, &id, &err), 0);
    assert_int_equal(o->count, 0);
    return id;
}

static void run(struct world *w, const struct outcome *o)
{
    int64_t end_ms = clock_wall_ms(&w->clock) + 20000;
    while (!o->count && clock_wall_ms(&w->clock) < end_ms)
        w->t->ops->wait(w->t, end_ms);
    assert_int_equal(o->count, 1);
}

static void an_exchange_sends_what_was_given_and_no_more(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    struct outcome o;
    post(&w, "/a%20b/../c", 5000, &o);
    run(&w, &o);
    assert_int_equal(o.kind, ERR_OK);
    assert_int_equal(o.status, 200);
    assert_int_equal(o.body_len, 20);
    assert_string_equal(o.header, "a b");
    pthread_mutex_lock(&last_lock);
    assert_non_null(strstr(last_request, "POST /a%20b/../c HTTP/1.1\r\n"));
    assert_non_null(strstr(last_request, "\r\nHost: named.example\r\n"));
    assert_non_null(strstr(last_request, "\r\nContent-Type: x/y\r\n"));
    assert_non_null(strstr(last_request, "\r\nContent-Length: 4\r\n"));
    assert_non_null(strstr(last_request, "\r\n\r\nbody"));
    assert_null(strcasestr(last_request, "expect:"));
    assert_null(strcasestr(last_request, "accept:"));
    pthread_mutex_unlock(&last_lock);
    end(&w);
}

static void connections_are_reused(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    int before = atomic_load(&connections);
    for (int i = 0; i < 5; i++) {
        struct outcome o;
        post(&w, "/x", 5000, &o);
        run(&w, &o);
        assert_int_equal(o.status, 200);
    }
    assert_int_equal(atomic_load(&connections) - before, 1);
    end(&w);
}

static void a_hanging_peer_is_left_after_the_timeout(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    struct outcome slow, fast;
    post(&w, "/hang", 300, &slow);
    post(&w, "/x", 5000, &fast);
    run(&w, &fast);
    assert_int_equal(fast.status, 200);
    assert_int_equal(slow.count, 0);
    run(&w, &slow);
    assert_int_equal(slow.kind, ERR_TRANSIENT);
    assert_true(slow.timed_out);
    end(&w);
}

static void failures_know_whether_the_request_may_have_had_its_effect(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum err_kind kind;
        bool timed_out;
    } cases[] = {{"/close", ERR_TRANSIENT, true}, {"/truncated", ERR_TRANSIENT, true}, {"/garbage", ERR_TRANSIENT, true}, {"/big", ERR_LIMIT, true}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w;
        begin(&w);
        struct outcome o;
        post(&w, cases[i].path, 5000, &o);
        run(&w, &o);
        assert_int_equal(o.kind, cases[i].kind);
        assert_int_equal(o.timed_out, cases[i].timed_out);
        end(&w);
    }
}

static void a_refused_connection_had_no_effect(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);  // bound and not listening: refused
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    getsockname(fd, (struct sockaddr *)&a, &len);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(a.sin_port));
    struct transport_request r = {"GET", url, NULL, 0, {NULL, 0}, 5000, 1000, true, false, NULL};
    struct outcome o = {0};
    uint64_t id;
    struct err err = {0};
    assert_int_equal(w.t->ops->submit(w.t, &r, on_done, &o, &id, &err), 0);
    run(&w, &o);
    assert_int_equal(o.kind, ERR_TRANSIENT);
    assert_false(o.timed_out);
    close(fd);
    end(&w);
}

static void redirects_are_not_followed(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    int before = atomic_load(&requests_seen);
    struct outcome o;
    post(&w, "/redirect", 5000, &o);
    run(&w, &o);
    assert_int_equal(o.status, 307);
    assert_int_equal(atomic_load(&requests_seen) - before, 1);
    end(&w);
}

static void bad_urls_and_headers_are_refused_at_once(void **state)
{
    (void)state;
    static const char *const urls[] = {"", "nonsense", "ftp://127.0.0.1/", "file:///etc/passwd", "http://u:p@127.0.0.1/", "http://"};
    struct world w;
    begin(&w);
    struct outcome o = {0};
    uint64_t id;
    struct err err = {0};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct transport_request r = {"GET", urls[i], NULL, 0, {NULL, 0}, 5000, 1000, true, false, NULL};
        assert_int_equal(w.t->ops->submit(w.t, &r, on_done, &o, &id, &err), ERR_INVALID);
        assert_null(strstr(err.msg, "u:p"));
    }
    struct http_header evil = {SLICE_LIT("X"), SLICE_LIT("a\r\nY: b")};
    struct transport_request r = {"GET", base_url, &evil, 1, {NULL, 0}, 5000, 1000, true, false, NULL};
    assert_int_equal(w.t->ops->submit(w.t, &r, on_done, &o, &id, &err), ERR_INVALID);
    assert_int_equal(o.count, 0);
    end(&w);
}

static void what_goes_outward_never_goes_to_a_link_local_address(void **state)
{
    (void)state;
    static const char *const urls[] = {"http://169.254.169.254/latest", "http://2852039166/", "http://0xa9fea9fe/", "http://[fe80::1]/",
                                       "http://[::ffff:169.254.170.2]/v2", "http://[fd00:ec2::254]/", "https://169.254.1.1:8443/x"};
    struct world w;
    begin(&w);
    struct outcome o = {0};
    uint64_t id;
    struct err err = {0};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct transport_request r = {.method = "GET", .url = urls[i], .timeout_ms = 5000, .max_response_bytes = 1000, .outward = true};
        if (w.t->ops->submit(w.t, &r, on_done, &o, &id, &err) != ERR_INVALID)
            fail_msg("%s was taken", urls[i]);
        assert_non_null(strstr(err.msg, "link-local"));
    }
    // Nor where only the socket shows it: here by way of a proxy, in the world by a name.
    setenv("http_proxy", "http://169.254.7.7:1", 1);
    struct transport_request r = {.method = "GET", .url = "http://named.example/", .timeout_ms = 5000, .max_response_bytes = 1000, .outward = true};
    assert_int_equal(w.t->ops->submit(w.t, &r, on_done, &o, &id, &err), 0);
    run(&w, &o);
    unsetenv("http_proxy");
    assert_int_equal(o.kind, ERR_INVALID);
    assert_non_null(strstr(o.message, "link-local"));
    char url[128];
    snprintf(url, sizeof url, "%s/", base_url);
    r.url = url;
    o = (struct outcome){0};
    assert_int_equal(w.t->ops->submit(w.t, &r, on_done, &o, &id, &err), 0);
    run(&w, &o);
    assert_int_equal(o.kind, ERR_OK);  // loopback is a place for a webhook
    end(&w);
}

static void cancel_completes_before_it_returns(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    struct outcome one, two;
    uint64_t id = post(&w, "/hang", 20000, &one);
    post(&w, "/hang", 20000, &two);
    w.t->ops->wait(w.t, clock_wall_ms(&w.clock) + 100);
    w.t->ops->cancel(w.t, id);
    assert_int_equal(one.count, 1);
    assert_int_equal(one.kind, ERR_TRANSIENT);
    assert_true(one.timed_out);
    w.t->ops->cancel(w.t, id);  // gone already
    assert_int_equal(one.count, 1);
    end(&w);
    assert_int_equal(two.count, 1);  // free cancels what is open
}

static struct transport *woken_by_signal;

static void on_alarm(int number)
{
    (void)number;
    woken_by_signal->ops->wake(woken_by_signal);
}

static void a_signal_ends_the_wait(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    woken_by_signal = w.t;
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval soon = {.it_value = {0, 50000}};
    int64_t before_ms = clock_wall_ms(&w.clock);
    setitimer(ITIMER_REAL, &soon, NULL);
    assert_int_equal(w.t->ops->wait(w.t, before_ms + 20000), 0);
    assert_in_range(clock_wall_ms(&w.clock) - before_ms, 30, 10000);
    w.t->ops->wake(w.t);  // also one that came before the wait
    assert_int_equal(w.t->ops->wait(w.t, clock_wall_ms(&w.clock) + 20000), 0);
    assert_in_range(clock_wall_ms(&w.clock) - before_ms, 30, 15000);
    end(&w);
}

static void wait_ends_at_its_time(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    int64_t before_ms = clock_wall_ms(&w.clock);
    assert_int_equal(w.t->ops->wait(w.t, before_ms + 120), 0);
    assert_in_range(clock_wall_ms(&w.clock) - before_ms, 119, 5000);
    assert_int_equal(w.t->ops->wait(w.t, before_ms), 0);  // in the past
    end(&w);
}

static void the_client_works_over_a_socket(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    struct aws_env_pair pairs[] = {{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "s"}, {"AWS_ENDPOINT_URL", base_url}};
    struct aws_env env = {pairs, ARRAY_LEN(pairs)};
    struct aws_clients *clients = aws_clients_new(&(struct aws_options){.transport = w.t, .env = &env, .seed = 1});
    struct arena arena;
    arena_init(&arena, 0);
    struct aws *aws;
    struct err err = {0};
    assert_int_equal(aws_clients_get(clients, "", "us-east-1", &aws, &err), 0);
    struct ecs_arns ret;
    ecs_list_clusters((struct aws_with){.aws = aws, .arena = &arena, .urgent = false}, &ret);
    assert_int_equal(aws_run(clients, clock_wall_ms(&w.clock) + 10000), 0);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    pthread_mutex_lock(&last_lock);
    assert_non_null(strstr(last_request, "Authorization: AWS4-HMAC-SHA256 Credential=A/"));
    assert_non_null(strstr(last_request, base_url + strlen("http://")));  // Host with its port
    pthread_mutex_unlock(&last_lock);
    aws_clients_free(clients);
    arena_release(&arena);
    end(&w);
}

// ---- bad input: each a clear message, and no more --------------------------------------------------------------------------
struct bad {
    const char *path;     // of the server, or a whole URL
    bool xml;             // asked by an EC2 operation
    enum err_kind kind;
    const char *word;     // of the message
};

static void bad_input_is_told_in_words(void **state)
{
    const struct bad *bad = *state;
    struct world w;
    begin(&w);
    char url[128];
    snprintf(url, sizeof url, "%s%s", bad->path[0] == '/' ? base_url : "", bad->path);
    struct aws_env_pair pairs[] = {{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "top-secret"}, {"AWS_ENDPOINT_URL", url}, {"AWS_MAX_ATTEMPTS", "1"}};
    struct aws_env env = {pairs, ARRAY_LEN(pairs)};
    struct aws_clients *clients = aws_clients_new(&(struct aws_options){.transport = w.t, .env = &env, .seed = 1});
    struct arena arena;
    arena_init(&arena, 0);
    struct aws *aws;
    struct err err = {0};
    assert_int_equal(aws_clients_get(clients, "", "us-east-1", &aws, &err), 0);
    struct ecs_arns list = {0};
    struct ec2_instances instances = {0};
    const struct aws_call *call = bad->xml ? &instances.call : &list.call;
    if (bad->xml)
        ec2_describe_fleet_instances((struct aws_with){.aws = aws, .arena = &arena, .urgent = false}, "sfr-1", &instances);
    else
        ecs_list_clusters((struct aws_with){.aws = aws, .arena = &arena, .urgent = false}, &list);
    aws_run(clients, clock_wall_ms(&w.clock) + (strcmp(bad->path, "/hang") == 0 ? 300 : 20000));
    if (call->err.kind != bad->kind || !strstr(call->err.msg, bad->word))
        print_message("%s: %s\n", bad->path, call->err.msg);
    assert_int_equal(call->state, AWS_CALL_FAILED);
    assert_int_equal(call->err.kind, bad->kind);
    assert_non_null(strstr(call->err.msg, bad->word));
    assert_ptr_equal(strstr(call->err.msg, bad->xml ? "DescribeInstances: " : "ListClusters: "), call->err.msg);
    assert_null(strstr(call->err.msg, "top-secret"));
    assert_null(strpbrk(call->err.msg, "\r\n"));
    assert_int_equal(list.count + instances.count, 0);
    aws_clients_free(clients);
    arena_release(&arena);
    end(&w);
}

static const struct {
    const char *name;
    struct bad bad;
} bad_inputs[] = {
    {"HTTP 500 with a page", {"/http500", false, ERR_TRANSIENT, "HTTP status 500"}},
    {"HTTP 500 with a page, XML", {"/http500", true, ERR_TRANSIENT, "HTTP status 500"}},
    {"HTTP 503 without a body", {"/http503", true, ERR_TRANSIENT, "HTTP status 503"}},
    {"HTTP 429", {"/http429", false, ERR_THROTTLED, "HTTP status 429"}},
    {"ThrottlingException", {"/throttled", false, ERR_THROTTLED, "ThrottlingException: Rate exceeded"}},
    {"an expired token that cannot be renewed", {"/expired", false, ERR_AUTH, "expired"}},
    {"truncated JSON", {"/cut-json", false, ERR_CORRUPT, "JSON"}},
    {"truncated XML", {"/cut-xml", true, ERR_CORRUPT, "XML"}},
    {"a body cut by the network", {"/truncated", false, ERR_TRANSIENT, "Transferred a partial file"}},
    {"a page of a captive portal", {"/html200", false, ERR_CORRUPT, "JSON"}},
    {"a page of a captive portal, XML", {"/html200", true, ERR_CORRUPT, ""}},
    {"JSON where XML should be", {"/cut-json", true, ERR_CORRUPT, "XML"}},
    {"bytes", {"/bytes", false, ERR_CORRUPT, "JSON"}},
    {"bytes, XML", {"/bytes", true, ERR_CORRUPT, "XML"}},
    {"nothing at all", {"/empty", false, ERR_CORRUPT, "JSON"}},
    {"nothing at all, XML", {"/empty", true, ERR_CORRUPT, "XML"}},
    {"an array", {"/array", false, ERR_CORRUPT, "no JSON object"}},
    {"a body of 20 MB", {"/big", false, ERR_LIMIT, "larger than"}},
    {"a body of 20 MB, XML", {"/big", true, ERR_LIMIT, "larger than"}},
    {"no HTTP", {"/garbage", false, ERR_TRANSIENT, "127.0.0.1"}},
    {"a closed connection", {"/close", false, ERR_TRANSIENT, "127.0.0.1"}},
    {"a hanging socket", {"/hang", false, ERR_TRANSIENT, "not answered before the deadline"}},
    {"a redirect", {"/redirect", false, ERR_INVALID, "HTTP status 307"}},
    {"a name that DNS does not know", {"http://ecs.masu.invalid/", false, ERR_TRANSIENT, "resolve"}},
};

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exchange_sends_what_was_given_and_no_more),
        cmocka_unit_test(connections_are_reused),
        cmocka_unit_test(a_hanging_peer_is_left_after_the_timeout),
        cmocka_unit_test(failures_know_whether_the_request_may_have_had_its_effect),
        cmocka_unit_test(a_refused_connection_had_no_effect),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(bad_urls_and_headers_are_refused_at_once),
        cmocka_unit_test(what_goes_outward_never_goes_to_a_link_local_address),
        cmocka_unit_test(cancel_completes_before_it_returns),
        cmocka_unit_test(a_signal_ends_the_wait),
        cmocka_unit_test(wait_ends_at_its_time),
        cmocka_unit_test(the_client_works_over_a_socket),
    };
    struct CMUnitTest bad[ARRAY_LEN(bad_inputs)];
    for (size_t i = 0; i < ARRAY_LEN(bad_inputs); i++)
        bad[i] = (struct CMUnitTest){bad_inputs[i].name, bad_input_is_told_in_words, NULL, NULL, (void *)(uintptr_t)&bad_inputs[i].bad};
    int failed = cmocka_run_group_tests(tests, start_server, NULL);
    return failed + cmocka_run_group_tests_name("bad input", bad, NULL, NULL);
}
