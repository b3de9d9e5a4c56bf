#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <zlib.h>

#include "state/query.h"
#include "tests/web/http.h"
#include "tests/web/site.h"
#include "web/address.h"
#include "web/asset.h"
#include "web/reply.h"
#include "web/routes.h"

#define TOKEN "a token of these tests"

static struct site site;
static const char *url;

static int start(void **state)
{
    (void)state;
    site_start(&site, &(struct site_options){.token = TOKEN});
    url = web_server_url(site.server);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    site_stop(&site);
    return 0;
}

static long status_of(const char *path, const struct http_ask *ask)
{
    struct http_got got;
    http_get(url, path, ask, &got);
    long status = got.status;
    http_release(&got);
    return status;
}

// ---- what is let in -------------------------------------------------------------------------------------------------------
static void a_host_that_is_not_ours_is_refused_on_every_route(void **state)
{
    (void)state;
    static const char *const paths[] = {"", "api/v1/clusters", "metrics", "healthz", "assets/app.js", "openapi.json"};
    const struct http_ask evil = {.headers = {"Host: evil.example:8080"}};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        assert_int_equal(status_of(paths[i], &evil), 421);
}

static void hosts_are_compared_as_addresses_and_whole_names(void **state)
{
    (void)state;
    static const struct {
        const char *listen, *host;
        bool allowed;
    } cases[] = {
        {"127.0.0.1:80", "127.0.0.1:80", true},     {"127.0.0.1:80", "127.0.0.1", true},
        {"127.0.0.1:80", "localhost:9", true},      {"127.0.0.1:80", "LocalHost", true},
        {"127.0.0.1:80", "[::1]:80", true},         {"127.0.0.1:80", "127.9.9.9", true},
        {"127.0.0.1:80", "masu.example", true},     {"127.0.0.1:80", "masu.example:8080", true},
        {"127.0.0.1:80", "10.1.2.3", false},        {"127.0.0.1:80", "127.0.0.1.evil.example", false},
        {"127.0.0.1:80", "localhost.evil.example", false}, {"127.0.0.1:80", "evil-localhost", false},
        {"127.0.0.1:80", "xmasu.example", false},   {"127.0.0.1:80", "", false},
        {"127.0.0.1:80", "[::1", false},            {"127.0.0.1:80", "[::1]x", false},
        {"127.0.0.1:80", "127.1", false},           {"10.1.2.3:80", "10.1.2.3:80", true},
        {"10.1.2.3:80", "10.1.2.4", false},         {"0.0.0.0:80", "10.1.2.3", true},
        {"0.0.0.0:80", "evil.example", false},      {"[::]:80", "[2001:db8::1]:80", true},
    };
    static const char *const names[] = {"masu.example"};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct web_address a;
        assert_int_equal(web_address_parse(cases[i].listen, &a, NULL), 0);
        const struct web_hosts h = {.listen = &a, .names = names, .count = 1};
        if (web_host_allowed(&h, slice_of(cases[i].host)) != cases[i].allowed)
            fail_msg("%s on %s", cases[i].host, cases[i].listen);
    }
}

static void listen_addresses_are_parsed_strictly(void **state)
{
    (void)state;
    static const char *const good[] = {"127.0.0.1:0", "[::1]:8080", "localhost:1", ":8080", "0.0.0.0:65535"};
    static const char *const bad[] = {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80x",
                                      "example.org:80", "::1:80", "[::1]", "[::1:80", "127.0.0.1:80:80", "300.1.1.1:80"};
    struct web_address a;
    struct err err = {0};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(web_address_parse(good[i], &a, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (web_address_parse(bad[i], &a, &err) != ERR_INVALID)
            fail_msg("%s was taken", bad[i]);
}

static void an_address_in_use_is_an_io_error(void **state)
{
    (void)state;
    struct web_server *second = NULL;
    struct err err = {0};
    char listen[64];
    snprintf(listen, sizeof(listen), "%s", url + strlen("http://"));
    listen[strlen(listen) - 1] = '\0';
    const struct web_options o = {.listen = listen, .box = &site.box, .clock = &site.clock};
    assert_int_equal(web_server_start(&o, &second, &err), ERR_IO);
    assert_null(second);
    assert_non_null(strstr(err.msg, "in use"));
}

static void only_get_and_head_are_answered(void **state)
{
    (void)state;
    static const char *const methods[] = {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        struct http_got got;
        char allow[64];
        http_get(url, "api/v1/clusters", &(struct http_ask){.method = methods[i], .body = "{}"}, &got);
        assert_int_equal(got.status, 405);
        assert_string_equal(http_header(&got, "Allow", allow, sizeof(allow)), "GET, HEAD");
        http_release(&got);
    }
}

static void a_post_from_another_site_is_refused_before_its_token_is_looked_at(void **state)
{
    (void)state;
    static const char body[] = "{\"mode\": \"pause\", \"why\": \"x\"}";
    const struct http_ask asks[] = {
        {.method = "POST", .body = body, .headers = {"Host: evil.example", "Authorization: Bearer " TOKEN, "Content-Type: application/json"}},
        {.method = "POST", .body = body, .headers = {"Content-Type: application/json"}},
        {.method = "POST", .body = body, .headers = {"Authorization: Basic " TOKEN, "Content-Type: application/json"}},
        {.method = "POST", .body = body, .headers = {"Authorization: Bearer " TOKEN, "Content-Type: application/json"}},
        {.method = "PUT", .body = body, .headers = {"Authorization: Bearer " TOKEN, "Content-Type: application/json"}},
    };
    static const long statuses[] = {421, 401, 401, 202, 405};
    struct inbox_switch taken;
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        assert_int_equal(status_of("api/v1/pause", &asks[i]), statuses[i]);
        assert_int_equal(inbox_take(&site.inbox, &taken), statuses[i] == 202);
    }
    assert_int_equal(taken.mode, CONTROL_PAUSE);
    assert_string_equal(taken.who, "API from 127.0.0.1");
    struct http_got got;
    char allow[64];
    http_get(url, "api/v1/resume", NULL, &got);
    assert_int_equal(got.status, 405);
    assert_string_equal(http_header(&got, "Allow", allow, sizeof(allow)), "POST");
    http_release(&got);
}

static void a_body_without_end_is_read_and_dropped(void **state)
{
    (void)state;
    static char big[256 << 10];
    memset(big, ' ', sizeof(big) - 1);
    const struct http_ask ask = {.method = "POST", .body = big, .headers = {"Authorization: Bearer " TOKEN, "Content-Type: application/json"}};
    assert_int_equal(status_of("api/v1/pause", &ask), 413);
    assert_int_equal(status_of("healthz", NULL), 200);
}

static void head_answers_with_the_headers_of_get_and_no_body(void **state)
{
    (void)state;
    struct http_got get, head;
    char a[128], b[128];
    http_get(url, "openapi.json", NULL, &get);
    http_get(url, "openapi.json", &(struct http_ask){.method = "HEAD"}, &head);
    assert_int_equal(head.status, 200);
    assert_int_equal(head.body.len, 0);
    assert_string_equal(http_header(&get, "Content-Length", a, sizeof(a)), http_header(&head, "Content-Length", b, sizeof(b)));
    assert_string_equal(http_header(&get, "ETag", a, sizeof(a)), http_header(&head, "ETag", b, sizeof(b)));
    http_release(&get);
    http_release(&head);
}

static void paths_that_are_no_route_are_problems(void **state)
{
    (void)state;
    static const char *const paths[] = {"api", "api/v1", "api/v1/clusters/east/none", "api/v1/clusters/east/instances/x", "assets",
                                        "assets/%2e%2e/meson.build", "a/b/c/d/e/f/g/h", "index.html", "..", "metrics/x"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct http_got got;
        char type[64];
        http_get(url, paths[i], NULL, &got);
        if (got.status != 404)
            fail_msg("%s: %ld", paths[i], got.status);
        assert_string_equal(http_header(&got, "Content-Type", type, sizeof(type)), "application/problem+json");
        http_release(&got);
    }
}

static void headers_too_large_are_refused_and_the_server_goes_on(void **state)
{
    (void)state;
    static char big[64 << 10];
    memset(big, 'a', sizeof(big) - 1);
    memcpy(big, "X-Big: ", 7);
    const long status = status_of("healthz", &(struct http_ask){.headers = {big}});
    assert_true(status == 0 || status == 431 || status == 413 || status == 400);
    assert_int_equal(status_of("healthz", NULL), 200);
}

// ---- what comes back ------------------------------------------------------------------------------------------------------
static void every_answer_carries_the_security_headers(void **state)
{
    (void)state;
    static const char *const paths[] = {"openapi.json", "api/v1/clusters", "metrics", "none"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct http_got got;
        char value[512], policy[512];
        snprintf(policy, sizeof(policy), "default-src 'none'; script-src 'self'; style-src %s; connect-src 'self'; img-src 'self' data:; "
                 "base-uri 'none'; frame-ancestors 'none'; form-action 'none'", web_style_source);
        assert_memory_equal(web_style_source, "'sha256-", 8);
        http_get(url, paths[i], NULL, &got);
        assert_string_equal(http_header(&got, "Content-Security-Policy", value, sizeof(value)), policy);
        assert_string_equal(http_header(&got, "X-Content-Type-Options", value, sizeof(value)), "nosniff");
        http_release(&got);
    }
}

static void expect_304_for_its_own_etag(const char *path)
{
    struct http_got got;
    char etag[64], again[64], header[128];
    http_get(url, path, NULL, &got);
    assert_int_equal(got.status, 200);
    assert_true(strlen(http_header(&got, "ETag", etag, sizeof(etag))) > 4);
    http_release(&got);
    snprintf(header, sizeof(header), "If-None-Match: \"other\", W/%s", etag);
    http_get(url, path, &(struct http_ask){.headers = {header}}, &got);
    assert_int_equal(got.status, 304);
    assert_int_equal(got.body.len, 0);
    assert_string_equal(http_header(&got, "ETag", again, sizeof(again)), etag);
    http_release(&got);
    assert_int_equal(status_of(path, &(struct http_ask){.headers = {"If-None-Match: \"other\""}}), 200);
}

static void what_did_not_change_is_304(void **state)
{
    (void)state;
    expect_304_for_its_own_etag("openapi.json");
    expect_304_for_its_own_etag("api/v1/clusters/east/instances");
    expect_304_for_its_own_etag("api/v1/services?limit=1");
    expect_304_for_its_own_etag("api/v1/ticks?cluster=east");
    expect_304_for_its_own_etag("api/v1/clusters/east/series?to=2026-01-15T14:00:00Z");
    expect_304_for_its_own_etag("api/v1/clusters/east/history?kind=service&subject=worker&to=2026-01-15T14:00:00Z");
    expect_304_for_its_own_etag("api/v1/clusters/east/subjects");
    expect_304_for_its_own_etag("api/v1/series?to=2026-01-15T14:00:00Z");
}

static size_t clusters_of(struct web_history *h)
{
    struct state_reader *r = NULL;
    struct state_cluster_row *rows;
    struct arena a;
    size_t count = 0;
    arena_init(&a, 0);
    assert_int_equal(web_history_acquire(h, &r, NULL), 0);
    assert_int_equal(state_query_clusters(r, &a, &rows, &count, NULL), 0);
    web_history_release(h, false);
    arena_release(&a);
    return count;
}

static void a_history_that_is_set_aside_is_opened_anew(void **state)
{
    (void)state;
    char dir[] = "/tmp/masu-history-XXXXXX", path[64], command[64];
    struct clock clock;
    struct state *s = NULL;
    struct state_opened opened;
    struct err err = {.kind = ERR_CORRUPT, .msg = "a page is broken"};
    int64_t id = 0;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/state.db", dir);
    clock_init_virtual(&clock, FACTS_NOW_MS);
    assert_int_equal(state_open(&(struct state_options){.path = path, .clock = &clock}, &s, NULL, NULL), 0);
    assert_int_equal(state_cluster(s, "1", "r", "east", &id, NULL), 0);
    struct web_history *h = web_history_new(path);
    assert_int_equal(clusters_of(h), 1);
    assert_int_equal(state_renew(s, &opened, &err), 0);
    assert_int_equal(clusters_of(h), 0);
    web_history_free(h);
    state_close(s);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

static void inflate_body(const struct http_got *got, struct buf *out)
{
    static unsigned char block[1 << 20];
    z_stream z = {.next_in = (Bytef *)got->body.data, .avail_in = (uInt)got->body.len, .next_out = block, .avail_out = sizeof(block)};
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    buf_add(out, block, z.total_out);
    inflateEnd(&z);
}

static void gzip_is_sent_to_who_asks_and_holds_the_same_bytes(void **state)
{
    (void)state;
    static const char *const paths[] = {"openapi.json", "api/v1/clusters/east/instances"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct http_got plain, packed;
        char value[64];
        struct buf text;
        buf_init(&text, 1 << 20);
        http_get(url, paths[i], NULL, &plain);
        http_get(url, paths[i], &(struct http_ask){.headers = {"Accept-Encoding: br, gzip;q=0.8"}}, &packed);
        assert_string_equal(http_header(&plain, "Content-Encoding", value, sizeof(value)), "");
        assert_string_equal(http_header(&packed, "Content-Encoding", value, sizeof(value)), "gzip");
        assert_string_equal(http_header(&packed, "Vary", value, sizeof(value)), "Accept-Encoding");
        assert_true(packed.body.len < plain.body.len);
        inflate_body(&packed, &text);
        const size_t skip = i ? strlen("{\"now\":\"2026-01-15T14:04:50Z\"") : 0;
        assert_int_equal(text.len, plain.body.len);
        assert_memory_equal(text.data + skip, plain.body.data + skip, text.len - skip);
        buf_release(&text);
        http_release(&plain);
        http_release(&packed);
    }
}

static void encodings_and_etags_are_read_as_lists(void **state)
{
    (void)state;
    assert_true(web_accepts_gzip("gzip"));
    assert_true(web_accepts_gzip("deflate, GZIP ;q=0.5, br"));
    assert_false(web_accepts_gzip("gzip;q=0"));
    assert_false(web_accepts_gzip("gzip;q=0.000"));
    assert_false(web_accepts_gzip("xgzip, gzipx"));
    assert_false(web_accepts_gzip("gzip;q=huh"));
    assert_false(web_accepts_gzip(NULL));
    assert_true(web_etag_matches("\"a\" , \"b\"", "\"b\""));
    assert_true(web_etag_matches("W/\"b\"", "\"b\""));
    assert_true(web_etag_matches("*", "\"b\""));
    assert_false(web_etag_matches("\"bb\"", "\"b\""));
    assert_false(web_etag_matches(NULL, "\"b\""));
}

// ---- health, by the handlers alone ----------------------------------------------------------------------------------------
static const char *no_query(const struct web_request *r, const char *key)
{
    (void)r;
    (void)key;
    return NULL;
}

static int route(const char *name, struct view *v, int64_t now_ms, int64_t real_ms, int64_t beat_age_ms)
{
    struct arena arena;
    struct web_response w = {0};
    arena_init(&arena, 0);
    buf_init(&w.body, 1 << 16);
    struct web_request r = {.parts = {slice_of(name)}, .part_count = 1, .query = no_query, .view = v, .now_ms = now_ms,
                            .real_ms = real_ms, .beat_age_ms = beat_age_ms, .arena = &arena};
    web_route(&r, &w);
    buf_release(&w.body);
    arena_release(&arena);
    return w.status;
}

static void healthz_is_red_only_when_the_loop_stands_still_for_ten_minutes(void **state)
{
    (void)state;
    struct view *v = view_acquire(&site.box);
    assert_int_equal(route("healthz", v, FACTS_NOW_MS, 0, 600000), 200);
    assert_int_equal(route("healthz", v, FACTS_NOW_MS, 0, 600001), 503);
    view_release(v);
}

static void readyz_waits_for_every_cluster_and_for_three_periods(void **state)
{
    (void)state;
    struct view_box box;
    struct facts f;
    facts_fill(&f, FACTS_NOW_MS);
    f.policy.cluster_count = 1;
    view_box_init(&box, &f.policy, &(struct view_daemon){.version = "1", .speed = 1});
    struct view *v = view_acquire(&box);
    assert_int_equal(route("readyz", v, FACTS_NOW_MS, 0, 0), 503);
    view_release(v);
    const struct view_tick t = {.snapshot = &f.snapshot, .plan = &f.plan, .memo = &f.memo, .tick = 1, .policy_hash = ""};
    view_box_publish(&box, 0, &f.policy_clusters[0], &t);
    v = view_acquire(&box);
    const int64_t done = v->clusters[0]->done_real_ms;
    assert_int_equal(route("readyz", v, FACTS_NOW_MS + 90000, done + 90000, 0), 200);
    assert_int_equal(route("readyz", v, FACTS_NOW_MS + 90001, done + 90001, 0), 503);
    assert_int_equal(route("readyz", v, FACTS_NOW_MS + 90001, done + 500, 0), 200);  // a fast clock is no failure
    view_release(v);
    view_box_release(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_that_is_not_ours_is_refused_on_every_route),
        cmocka_unit_test(hosts_are_compared_as_addresses_and_whole_names),
        cmocka_unit_test(listen_addresses_are_parsed_strictly),
        cmocka_unit_test(an_address_in_use_is_an_io_error),
        cmocka_unit_test(only_get_and_head_are_answered),
        cmocka_unit_test(a_post_from_another_site_is_refused_before_its_token_is_looked_at),
        cmocka_unit_test(a_body_without_end_is_read_and_dropped),
        cmocka_unit_test(head_answers_with_the_headers_of_get_and_no_body),
        cmocka_unit_test(paths_that_are_no_route_are_problems),
        cmocka_unit_test(headers_too_large_are_refused_and_the_server_goes_on),
        cmocka_unit_test(every_answer_carries_the_security_headers),
        cmocka_unit_test(what_did_not_change_is_304),
        cmocka_unit_test(a_history_that_is_set_aside_is_opened_anew),
        cmocka_unit_test(gzip_is_sent_to_who_asks_and_holds_the_same_bytes),
        cmocka_unit_test(encodings_and_etags_are_read_as_lists),
        cmocka_unit_test(healthz_is_red_only_when_the_loop_stands_still_for_ten_minutes),
        cmocka_unit_test(readyz_waits_for_every_cluster_and_for_three_periods),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
