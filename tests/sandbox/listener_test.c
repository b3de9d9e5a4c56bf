// The sandbox on a socket: what only HTTP shows.
#include "tests/sandbox/rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/parse.h"
#include "scaler/aws/sigv4.h"
#include "scaler/sandbox/listener.h"

struct served {
    struct rig rig;
    struct listener *listener;
};

static void serve(struct served *s)
{
    struct err err = {0};
    rig_start(&s->rig, NULL);
    assert_int_equal(listener_start(s->rig.sandbox, "127.0.0.1", 0, &s->listener, &err), 0);
    assert_true(listener_port(s->listener) > 0);
}

static void stop(struct served *s)
{
    listener_stop(s->listener);
    rig_stop(&s->rig);
}

static int open_socket(const struct served *s)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)listener_port(s->listener))};
    struct timeval patience = {.tv_sec = 20};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void send_all(int fd, const char *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = send(fd, data + done, len - done, MSG_NOSIGNAL);
        if (n <= 0)
            return;  // the server may have answered and closed already
        done += (size_t)n;
    }
}

// Reads until the server closes or `enough` bytes of body have come. Returns what came; the caller frees.
static char *read_answer(int fd, size_t *ret_len)
{
    struct buf in;
    char block[4096];
    ssize_t n;
    buf_init(&in, 1 << 20);
    while ((n = recv(fd, block, sizeof block, 0)) > 0)
        buf_add(&in, block, (size_t)n);
    char *text = strdup(buf_str(&in));
    *ret_len = in.len;
    buf_release(&in);
    return text;
}

static char *ask(const struct served *s, const char *request)
{
    size_t len = 0;
    int fd = open_socket(s);
    send_all(fd, request, strlen(request));
    char *answer = read_answer(fd, &len);
    close(fd);
    return answer;
}

// A signed ListClusters; the wire's time is the real one.
static void signed_request(char *out, size_t size)
{
    char date[32];
    struct clock real;
    clock_init_real(&real);
    format_amz_date(clock_wall_ms(&real), date);
    struct http_header headers[] = {{SLICE_LIT("host"), SLICE_LIT("127.0.0.1")}, {SLICE_LIT("x-amz-date"), slice_of(date)},
                                    {SLICE_LIT("x-amz-target"), SLICE_LIT("AmazonEC2ContainerServiceV20141113.ListClusters")}};
    struct sigv4_request sr = {.method = SLICE_LIT("POST"), .path = SLICE_LIT("/"), .headers = headers, .header_count = 3, .body = SLICE_LIT("{}")};
    struct sigv4_scope scope = {date, SANDBOX_REGION, "ecs"};
    struct buf authorization;
    struct err err = {0};
    buf_init(&authorization, 4096);
    assert_int_equal(sigv4_authorization(&sr, &sigv4_default, &scope, SANDBOX_KEY_ID, SANDBOX_SECRET, NULL, &authorization, &err), 0);
    snprintf(out, size, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Amz-Date: %s\r\nX-Amz-Target: AmazonEC2ContainerServiceV20141113.ListClusters\r\n"
                        "Authorization: %s\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", date, buf_str(&authorization));
    buf_release(&authorization);
}

static void a_signed_request_is_answered_with_date_and_request_id(void **state)
{
    (void)state;
    struct served s;
    char request[2048];
    serve(&s);
    signed_request(request, sizeof request);
    char *a = ask(&s, request);
    assert_int_equal(strncmp(a, "HTTP/1.1 200 ", 13), 0);
    assert_non_null(strstr(a, "Content-Type: application/x-amz-json-1.1\r\n"));
    assert_non_null(strstr(a, "x-amzn-RequestId: "));
    assert_non_null(strstr(a, "\r\nDate: "));
    assert_non_null(strstr(a, "cluster/shop"));
    free(a);
    stop(&s);
}

static void two_requests_share_a_connection(void **state)
{
    (void)state;
    struct served s;
    char second[256];
    serve(&s);
    snprintf(second, sizeof second, "GET %s%s HTTP/1.1\r\nHost: x\r\n\r\nGET %s%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", SANDBOX_CREDENTIALS_PATH,
             SANDBOX_TASK_ID, SANDBOX_METADATA_PATH, SANDBOX_TASK_ID "/task");
    char *a = ask(&s, second);
    assert_int_equal(rig_count(a, "HTTP/1.1 200 "), 2);
    assert_int_equal(rig_count(a, "AccessKeyId"), 1);
    free(a);
    stop(&s);
}

static void a_request_that_is_not_signed_is_refused(void **state)
{
    (void)state;
    struct served s;
    serve(&s);
    char *a = ask(&s, "GET /?Action=DescribeInstances HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_int_equal(strncmp(a, "HTTP/1.1 401 ", 13), 0);
    free(a);
    stop(&s);
}

static void a_body_of_more_than_a_mebibyte_is_refused(void **state)
{
    (void)state;
    struct served s;
    serve(&s);
    size_t body = SANDBOX_REQUEST_MAX + 1, len = 0;
    char head[128];
    char *big = calloc(1, body);
    int fd = open_socket(&s);
    snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", body);
    send_all(fd, head, strlen(head));
    send_all(fd, big, body);
    char *a = read_answer(fd, &len);
    assert_int_equal(strncmp(a, "HTTP/1.1 413 ", 13), 0);
    close(fd);
    free(a);
    free(big);
    stop(&s);
}

static void a_truncated_answer_announces_more_than_it_sends(void **state)
{
    (void)state;
    struct served s;
    char request[2048];
    serve(&s);
    struct sandbox_fault f = {"ecs:*", SANDBOX_FAULT_TRUNCATED, 0, 1};
    assert_int_equal(sandbox_add_fault(s.rig.sandbox, &f, NULL), 0);
    signed_request(request, sizeof request);
    char *a = ask(&s, request);
    assert_int_equal(strncmp(a, "HTTP/1.1 200 ", 13), 0);
    const char *length = strstr(a, "Content-Length: "), *body = strstr(a, "\r\n\r\n");
    assert_non_null(length);
    assert_non_null(body);
    uint64_t announced = 0;
    struct slice rest = slice_of(length + 16);
    assert_true(parse_u64(slice_cut(&rest, '\r'), &announced));
    assert_true(announced > 0 && strlen(body + 4) == announced / 2);
    free(a);
    stop(&s);
}

static void a_lost_answer_leaves_the_client_waiting_until_the_listener_stops(void **state)
{
    (void)state;
    struct served s;
    char request[2048], byte;
    serve(&s);
    struct sandbox_fault f = {"ecs:*", SANDBOX_FAULT_TIMEOUT_AFTER, 0, 1};
    assert_int_equal(sandbox_add_fault(s.rig.sandbox, &f, NULL), 0);
    signed_request(request, sizeof request);
    int fd = open_socket(&s);
    send_all(fd, request, strlen(request));
    struct timeval moment = {.tv_usec = 300000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof moment);
    assert_int_equal(recv(fd, &byte, 1, 0), -1);  // nothing, and not closed
    listener_stop(s.listener);
    struct timeval patience = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    close(fd);
    rig_stop(&s.rig);
}

static void an_address_that_is_taken_or_no_address_is_an_error(void **state)
{
    (void)state;
    struct served s;
    struct listener *other = NULL;
    struct err err = {0};
    serve(&s);
    assert_int_equal(listener_start(s.rig.sandbox, "localhost", 0, &other, &err), ERR_INVALID);
    assert_int_equal(listener_start(s.rig.sandbox, "127.0.0.1", 65536, &other, &err), ERR_INVALID);
    assert_int_equal(listener_start(s.rig.sandbox, "127.0.0.1", listener_port(s.listener), &other, &err), ERR_IO);
    assert_null(other);
    stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_request_is_answered_with_date_and_request_id),
        cmocka_unit_test(two_requests_share_a_connection),
        cmocka_unit_test(a_request_that_is_not_signed_is_refused),
        cmocka_unit_test(a_body_of_more_than_a_mebibyte_is_refused),
        cmocka_unit_test(a_truncated_answer_announces_more_than_it_sends),
        cmocka_unit_test(a_lost_answer_leaves_the_client_waiting_until_the_listener_stops),
        cmocka_unit_test(an_address_that_is_taken_or_no_address_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
