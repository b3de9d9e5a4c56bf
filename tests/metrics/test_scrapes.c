// Rounds of cAdvisor's pages: which hosts are asked, how many at once, and that one which fails, hangs or lies is unknown, never zero.
#include "tests/cm.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "scaler/usage.h"
#include "tests/aws/fixture.h"

#define LABELS "container_label_com_amazonaws_ecs_cluster=\"shop\",container_label_com_amazonaws_ecs_container_name=\"app\"," \
               "container_label_com_amazonaws_ecs_task_definition_family=\"web\""
enum { HOSTS_MAX = 32 };

struct bed {
    struct fixture f;
    struct policy_cluster p;
    struct usage *u;
    struct snapshot s;
    struct shape shape;
    struct instance host;
    struct holding held;
    struct gather_host hosts[HOSTS_MAX];
    size_t count;
};

static void begin(struct bed *b, size_t hosts)
{
    memset(b, 0, sizeof *b);
    fixture_begin(&b->f);
    policy_cluster_defaults(&b->p);
    b->p.name = "arn:aws:ecs:eu-west-1:111122223333:cluster/shop";
    b->p.usage.cadvisor_port = 8080;
    b->p.usage.every_ms = 60000;
    b->u = usage_new(&(struct usage_options){.clients = b->f.clients, .transport = &b->f.s.base, .env = &b->f.env, .account = ""});
    b->shape = (struct shape){.name = "web:7", .known = true};
    b->held = (struct holding){.service = -1, .shape = 0, .running = (int32_t)hosts};  // a task a host
    b->host = (struct instance){.id = "i-0", .holdings = &b->held, .holding_count = 1};
    b->s = (struct snapshot){.shapes = &b->shape, .shape_count = 1, .instances = &b->host, .instance_count = 1};
    b->count = hosts;
    for (size_t i = 0; i < hosts; i++)
        b->hosts[i] = (struct gather_host){arena_printf(&b->f.arena, "i-%zu", i), arena_printf(&b->f.arena, "10.0.0.%zu", i + 10)};
    usage_hosts(b->u, b->hosts, b->count);
}

static void end(struct bed *b)
{
    usage_free(b->u);
    fixture_end(&b->f);
}

// A page of a host whose task uses half a core and a GiB.
static const char *page_at(struct arena *a, int64_t now_ms)
{
    double seconds = (double)(now_ms - T0_MS) / 2000;
    return arena_printf(a, "container_cpu_usage_seconds_total{id=\"/ecs/t/c\"," LABELS ",cpu=\"total\"} %.3f\n"
                           "container_memory_working_set_bytes{id=\"/ecs/t/c\"," LABELS "} 1073741824\n", seconds);
}

static void add_good(struct bed *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        scripted_add_body(&b->f.s, page_at(&b->f.arena, clock_wall_ms(&b->f.s.clock)));
}

static void go_to_round(struct bed *b)
{
    int64_t due_ms = usage_due_ms(b->u, &b->p);
    if (due_ms > clock_wall_ms(&b->f.s.clock) && due_ms < INT64_MAX)
        clock_advance_to(&b->f.s.clock, due_ms);
}

static const struct source *round_of(struct bed *b)
{
    usage_wait(b->u, &b->p, clock_wall_ms(&b->f.s.clock) + 120000);
    b->s.now_ms = clock_wall_ms(&b->f.s.clock);
    b->shape.used_at_ms = 0;
    usage_tell(b->u, &b->p, &b->f.arena, &b->s);
    return &b->s.usage;
}

static void good_rounds(struct bed *b, int rounds)
{
    for (int k = 0; k < rounds; k++) {
        go_to_round(b);
        add_good(b, b->count);
        round_of(b);
    }
}

static void each_host_is_asked_at_its_address_and_a_few_minutes_make_a_percentile(void **state)
{
    (void)state;
    struct bed b;
    begin(&b, 3);
    b.p.usage.cadvisor_path = "/cadvisor/metrics";
    good_rounds(&b, 1);
    assert_int_equal(b.s.usage.state, SOURCE_UNKNOWN);
    assert_non_null(strstr(b.s.usage.detail, "second page"));
    assert_string_equal(b.f.s.requests[1].url, "http://10.0.0.11:8080/cadvisor/metrics");
    assert_string_equal(b.f.s.requests[1].method, "GET");
    assert_true(b.f.s.requests[1].direct);
    assert_non_null(strstr(b.f.s.requests[1].headers, "Accept: text/plain;version=0.0.4\n"));
    assert_null(strstr(b.f.s.requests[1].headers, "Authorization"));
    good_rounds(&b, 4);
    assert_int_equal(b.s.usage.state, SOURCE_OK);
    assert_int_equal(b.shape.used_at_ms, 0);
    good_rounds(&b, 1);
    assert_string_equal(b.s.usage.detail, "");
    assert_int_equal(b.shape.used_p95.v[RES_CPU], 512);
    assert_int_equal(b.shape.used_p95.v[RES_MEMORY], 1024);
    assert_int_equal(b.shape.used_largest_mib, 1024);
    assert_int_equal(b.shape.used_at_ms, b.s.usage.read_ms);
    end(&b);
}

// Two of three answer: known by them. One of three: unknown. And again known with the next good round.
static void g1_a_host_that_fails_in_any_way_is_unknown_never_zero(void **state)
{
    (void)state;
    static const struct {
        struct scripted_reply reply;
        const char *words;
    } rows[] = {
        {{.kind = SCRIPTED_REFUSED}, "connection refused"},   {{.kind = SCRIPTED_LOST}, "no answer"},
        {{.kind = SCRIPTED_HANG}, "no answer"},               {{.kind = SCRIPTED_LIMIT}, "too large"},
        {{.status = 503, .body = "busy"}, "HTTP 503"},        {{.body = "<html>It works!</html>\n"}, "is no sample"},
        {{.body = "container_memory_working_set_bytes{id=\"/ecs"}, "was cut"},
        {{.body = "container_memory_working_set_bytes{id=\"/\"} 0\n"}, "store the labels"}, {{.body = ""}, "store the labels"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bed b;
        begin(&b, 3);
        good_rounds(&b, 6);
        for (size_t bad = 1; bad <= 2; bad++) {
            go_to_round(&b);
            for (size_t k = 0; k < bad; k++)
                scripted_add(&b.f.s, rows[i].reply);
            add_good(&b, 3 - bad);
            round_of(&b);
            if (!strstr(b.s.usage.detail, rows[i].words) || !strstr(b.s.usage.detail, bad == 1 ? "1 of 3 hosts" : "2 of 3 hosts"))
                fail_msg("row %zu: %s", i, b.s.usage.detail);
            assert_int_equal(b.shape.used_p95.v[RES_MEMORY], 1024);  // of those that were seen
        }
        for (int k = 0; k < 3; k++) {  // for longer than the policy allows
            go_to_round(&b);
            scripted_add(&b.f.s, rows[i].reply);
            scripted_add(&b.f.s, rows[i].reply);
            add_good(&b, 1);
            round_of(&b);
        }
        assert_int_equal(b.s.usage.state, SOURCE_UNKNOWN);
        assert_int_equal(b.shape.used_at_ms, 0);
        good_rounds(&b, 2);
        assert_int_equal(b.s.usage.state, SOURCE_OK);
        assert_int_equal(b.shape.used_p95.v[RES_CPU], 512);
        end(&b);
    }
}

static void hosts_are_asked_a_few_at_once_and_those_that_failed_come_last(void **state)
{
    (void)state;
    struct bed b;
    begin(&b, 20);
    add_good(&b, 2);
    scripted_add(&b.f.s, (struct scripted_reply){.kind = SCRIPTED_HANG});
    add_good(&b, 17);
    usage_turn(b.u, &b.p);
    assert_int_equal(b.f.s.open_count, 8);  // the others wait for a place; nobody waits for them
    round_of(&b);
    assert_int_equal(b.f.s.open_max, 8);
    assert_int_equal(b.f.s.request_count, 20);
    assert_int_equal(clock_wall_ms(&b.f.s.clock), T0_MS + 5000);  // the one that hangs costs its own time
    go_to_round(&b);
    add_good(&b, 20);
    round_of(&b);
    assert_string_equal(b.f.s.requests[39].url, "http://10.0.0.12:8080/metrics");
    end(&b);
}

static void clusters_share_the_places(void **state)
{
    (void)state;
    struct bed b;
    struct usage *u[3];
    int open = 0;
    begin(&b, 10);
    scripted_add(&b.f.s, (struct scripted_reply){.body = page_at(&b.f.arena, T0_MS), .delay_ms = 1000});
    b.f.s.repeat_last = true;
    for (int k = 0; k < 3; k++) {
        u[k] = usage_new(&(struct usage_options){.clients = b.f.clients, .transport = &b.f.s.base, .env = &b.f.env, .account = "", .open_pages = &open});
        usage_hosts(u[k], b.hosts, b.count);
        usage_turn(u[k], &b.p);
    }
    assert_int_equal(b.f.s.open_count, 16);  // the third has none, and its round goes on
    assert_true(usage_due_ms(u[2], &b.p) == INT64_MAX);
    struct usage *starved = usage_new(&(struct usage_options){.clients = b.f.clients, .transport = &b.f.s.base, .env = &b.f.env, .account = "", .open_pages = &open});
    usage_hosts(starved, b.hosts, b.count);
    usage_turn(starved, &b.p);
    usage_free(starved);  // it had asked nobody yet
    for (int i = 0; i < 100 && b.f.s.open_count > 0; i++) {
        b.f.s.base.ops->wait(&b.f.s.base, T0_MS + 60000);
        for (int k = 0; k < 3; k++)
            usage_turn(u[k], &b.p);
    }
    assert_int_equal(b.f.s.request_count, 30);
    assert_int_equal(b.f.s.open_max, 16);
    assert_int_equal(open, 0);
    for (int k = 0; k < 3; k++) {
        assert_true(usage_due_ms(u[k], &b.p) < INT64_MAX);
        usage_free(u[k]);
    }
    end(&b);
}

static void when_all_hang_a_round_ends_when_the_next_is_due(void **state)
{
    (void)state;
    struct bed b;
    begin(&b, 32);
    b.p.usage.every_ms = 15000;
    scripted_add(&b.f.s, (struct scripted_reply){.kind = SCRIPTED_HANG});
    b.f.s.repeat_last = true;
    round_of(&b);
    assert_int_equal(clock_wall_ms(&b.f.s.clock), T0_MS + 15000);
    assert_int_equal(b.f.s.request_count, 24);
    assert_non_null(strstr(b.s.usage.detail, "32 of 32 hosts told nothing: i-0 at 10.0.0.10"));
    end(&b);
}

static void hosts_come_and_go_also_while_they_are_asked(void **state)
{
    (void)state;
    struct bed b;
    begin(&b, 3);
    good_rounds(&b, 6);
    go_to_round(&b);
    for (int k = 0; k < 3; k++)
        scripted_add(&b.f.s, (struct scripted_reply){.body = page_at(&b.f.arena, clock_wall_ms(&b.f.s.clock)), .delay_ms = 1000});
    usage_turn(b.u, &b.p);
    b.count = 2;
    usage_hosts(b.u, &b.hosts[1], 2);
    round_of(&b);
    size_t before = b.f.s.request_count;
    b.hosts[1].address = "10.0.0.99";
    b.hosts[2].address = "evil.example/";  // no address: not asked
    usage_hosts(b.u, &b.hosts[1], 2);
    go_to_round(&b);
    add_good(&b, 1);
    round_of(&b);
    assert_int_equal(b.f.s.request_count, before + 1);
    assert_string_equal(b.f.s.requests[before].url, "http://10.0.0.99:8080/metrics");
    usage_hosts(b.u, NULL, 0);  // where nothing runs there is nothing to measure
    go_to_round(&b);
    assert_int_equal(round_of(&b)->state, SOURCE_OK);
    end(&b);
}

static void before_the_hosts_are_told_nobody_is_asked(void **state)
{
    (void)state;
    struct bed b;
    begin(&b, 0);
    usage_free(b.u);
    b.u = usage_new(&(struct usage_options){.clients = b.f.clients, .transport = &b.f.s.base, .env = &b.f.env, .account = ""});
    assert_true(usage_due_ms(b.u, &b.p) == INT64_MAX);
    assert_int_equal(round_of(&b)->state, SOURCE_UNKNOWN);
    end(&b);
}

// ---- on the wire ----------------------------------------------------------------------------------------------------------
// A server a host, on loopback addresses of their own with one port: what it does is in the address's last byte.
enum manner { WHOLE = 2, SLOW, CUT, RESET, HANGS, MANNERS };

struct far_end {
    int fds[MANNERS];
    int port, round;
    pthread_t threads[MANNERS];
    struct arena arena;
};

static void speak(int fd, const char *text, size_t len)
{
    for (size_t sent = 0; sent < len;) {
        ssize_t n = send(fd, text + sent, len - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        sent += (size_t)n;
    }
}

static void answer(int fd, enum manner manner, int64_t at_ms)
{
    char request[4096], page[4096], head[256];
    if (recv(fd, request, sizeof request, 0) <= 0)
        return;
    snprintf(page, sizeof page, "container_cpu_usage_seconds_total{id=\"/ecs/t/c\"," LABELS ",cpu=\"total\"} %lld %lld\n"
             "container_memory_working_set_bytes{id=\"/ecs/t/c\"," LABELS "} 1073741824 %lld\n", (long long)at_ms / 2000, (long long)at_ms, (long long)at_ms);
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", strlen(page));
    if (manner == RESET) {
        const struct linger now = {1, 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        return;
    }
    speak(fd, head, strlen(head));
    for (size_t i = 0, n = strlen(page); manner == SLOW && i < n; i += n / 4 + 1) {
        speak(fd, page + i, i + n / 4 + 1 < n ? n / 4 + 1 : n - i);
        usleep(30000);
    }
    if (manner == WHOLE || manner == CUT)
        speak(fd, page, manner == CUT ? strlen(page) / 2 : strlen(page));
    if (manner == HANGS)
        while (recv(fd, request, sizeof request, 0) > 0)  // until the other side gives up
            ;
}

static void *serve(void *arg)
{
    struct clock clock;
    clock_init_real(&clock);
    int64_t now_ms = clock_wall_ms(&clock);
    int listener = *(int *)arg, fd;
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    getsockname(listener, (struct sockaddr *)&at, &len);
    for (int round = 0; (fd = accept(listener, NULL, NULL)) >= 0; round++) {
        answer(fd, (enum manner)(ntohl(at.sin_addr.s_addr) & 0xff), now_ms + (round - 1) * 60000);
        close(fd);
    }
    return NULL;
}

static void open_far_end(struct far_end *x)
{
    memset(x, 0, sizeof *x);
    for (int m = WHOLE; m < MANNERS; m++) {
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)x->port), .sin_addr.s_addr = htonl(0x7f000000u + (unsigned)m)};
        socklen_t len = sizeof at;
        x->fds[m] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(bind(x->fds[m], (struct sockaddr *)&at, sizeof at), 0);
        assert_int_equal(listen(x->fds[m], 8), 0);
        getsockname(x->fds[m], (struct sockaddr *)&at, &len);
        x->port = ntohs(at.sin_port);
        assert_int_equal(pthread_create(&x->threads[m], NULL, serve, &x->fds[m]), 0);
    }
}

static void close_far_end(struct far_end *x)
{
    for (int m = WHOLE; m < MANNERS; m++) {
        shutdown(x->fds[m], SHUT_RDWR);
        pthread_join(x->threads[m], NULL);
        close(x->fds[m]);
    }
}

static void on_the_wire_slow_cut_and_reset_pages_cost_only_their_hosts(void **state)
{
    (void)state;
    struct far_end far;
    struct bed b;
    struct clock clock;
    struct transport *t;
    struct err err;
    const struct gather_host hosts[] = {{"i-whole", "127.0.0.2"}, {"i-slow", "127.0.0.3"}, {"i-cut", "127.0.0.4"}, {"i-reset", "127.0.0.5"}};
    begin(&b, 0);
    open_far_end(&far);
    clock_init_real(&clock);
    assert_int_equal(transport_curl_new(&clock, &t, &err), 0);
    struct usage *u = usage_new(&(struct usage_options){.clients = b.f.clients, .transport = t, .env = &b.f.env, .account = ""});
    b.p.usage.cadvisor_port = far.port;
    b.p.usage.every_ms = 500;
    usage_hosts(u, hosts, ARRAY_LEN(hosts));
    for (int round = 0; round < 2; round++) {  // the second has rates
        while (usage_due_ms(u, &b.p) > clock_wall_ms(&clock))
            t->ops->wait(t, usage_due_ms(u, &b.p));
        usage_wait(u, &b.p, clock_wall_ms(&clock) + 20000);
        b.p.usage.every_ms = 60000;  // of what follows
    }
    b.s.now_ms = clock_wall_ms(&clock);
    usage_tell(u, &b.p, &b.f.arena, &b.s);
    if (b.s.usage.state != SOURCE_OK || !strstr(b.s.usage.detail, "2 of 4 hosts told nothing: i-"))
        fail_msg("%d %s", (int)b.s.usage.state, b.s.usage.detail);
    usage_free(u);
    // One that hangs: nothing waits for it, and it is given up at the end.
    const struct gather_host hung = {"i-hangs", "127.0.0.6"};
    u = usage_new(&(struct usage_options){.clients = b.f.clients, .transport = t, .env = &b.f.env, .account = ""});
    usage_hosts(u, &hung, 1);
    usage_turn(u, &b.p);
    t->ops->wait(t, clock_wall_ms(&clock) + 50);
    assert_true(usage_due_ms(u, &b.p) == INT64_MAX);
    usage_free(u);
    t->ops->free(t);
    close_far_end(&far);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_host_is_asked_at_its_address_and_a_few_minutes_make_a_percentile),
        cmocka_unit_test(g1_a_host_that_fails_in_any_way_is_unknown_never_zero),
        cmocka_unit_test(hosts_are_asked_a_few_at_once_and_those_that_failed_come_last),
        cmocka_unit_test(clusters_share_the_places),
        cmocka_unit_test(when_all_hang_a_round_ends_when_the_next_is_due),
        cmocka_unit_test(hosts_come_and_go_also_while_they_are_asked),
        cmocka_unit_test(before_the_hosts_are_told_nobody_is_asked),
        cmocka_unit_test(on_the_wire_slow_cut_and_reset_pages_cost_only_their_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
