// Signature Version 4: each stage against our own cases, and against the published and shared vectors where they are there.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "scaler/aws/sigv4.h"
#include "tests/aws/files.h"

#define TEXT_MAX (1u << 20)

struct expected {
    const char *name;
    const char *canonical, *to_sign, *key_hex, *signature;  // NULL: not given
    const char *access_key_id, *secret;
};

static void key_to_hex(const unsigned char key[32], char out[SIGV4_HEX_MAX])
{
    for (size_t i = 0; i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", key[i]);
}

// Runs the stages one after the other and compares each with what is expected.
static void check(const struct sigv4_request *r, const struct sigv4_options *o, const struct sigv4_scope *s, const struct expected *e)
{
    _cleanup_(buf_release) struct buf canonical, names, to_sign, authorization;
    buf_init(&canonical, TEXT_MAX);
    buf_init(&names, TEXT_MAX);
    buf_init(&to_sign, TEXT_MAX);
    buf_init(&authorization, TEXT_MAX);
    struct err err = {0};
    assert_int_equal(sigv4_canonical_request(r, o, &canonical, &names, &err), 0);
    if (strcmp(buf_str(&canonical), e->canonical) != 0)
        print_message("case %s\n", e->name);
    assert_string_equal(buf_str(&canonical), e->canonical);
    sigv4_string_to_sign(buf_slice(&canonical), s, &to_sign);
    assert_string_equal(buf_str(&to_sign), e->to_sign);
    unsigned char key[32];
    sigv4_signing_key(e->secret, s, NULL, key);
    char text[SIGV4_HEX_MAX];
    key_to_hex(key, text);
    if (e->key_hex)
        assert_string_equal(text, e->key_hex);
    sigv4_signature(key, buf_slice(&to_sign), text);
    assert_string_equal(text, e->signature);
    struct sigv4_key_cache cache = {0};
    for (int i = 0; i < 2; i++) {  // the second time from the cache
        buf_clear(&authorization);
        assert_int_equal(sigv4_authorization(r, o, s, e->access_key_id, e->secret, &cache, &authorization, &err), 0);
        assert_non_null(strstr(buf_str(&authorization), e->signature));
        assert_non_null(strstr(buf_str(&authorization), buf_str(&names)));
    }
    sigv4_key_cache_release(&cache);
}

static size_t headers_of(const json_t *list, struct arena *a, struct http_header **ret)
{
    *ret = arena_array(a, struct http_header, 64);
    size_t n = 0;
    if (json_is_array(list)) {
        for (; n < json_array_size(list); n++) {
            const json_t *pair = json_array_get(list, n);
            (*ret)[n] = (struct http_header){slice_of(json_string_value(json_array_get(pair, 0))),
                                             slice_of(json_string_value(json_array_get(pair, 1)))};
        }
        return n;
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)list, key, value)
        (*ret)[n++] = (struct http_header){slice_of(key), slice_of(json_string_value(value))};
    return n;
}

static void own_cases_sign_as_computed_by_python(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    struct slice text;
    json_t *root = NULL;
    struct err err = {0};
    assert_int_equal(json_read_file(file_path(&a, "tests/aws/sigv4_cases.json"), TEXT_MAX, &a, &text, &root, &err), 0);
    const json_t *cases = json_object_get(root, "cases");
    assert_true(json_array_size(cases) >= 10);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        struct http_header *headers;
        size_t count = headers_of(json_object_get(c, "headers"), &a, &headers);
        struct sigv4_request r = {slice_of(json_str(c, "method")), slice_of(json_str(c, "path")), slice_of(json_str(c, "query")),
                                  headers, count, slice_of(json_str(c, "body")), NULL};
        struct sigv4_scope s = {json_str(root, "amz_date"), json_str(c, "region"), json_str(c, "service")};
        struct expected e = {json_str(c, "name"), json_str(c, "canonical"), json_str(c, "to_sign"), json_str(c, "key"),
                             json_str(c, "signature"), json_str(root, "access_key_id"), json_str(root, "secret")};
        check(&r, json_flag(c, "s3", false) ? &sigv4_s3 : &sigv4_default, &s, &e);
    }
    json_decref(root);
    arena_release(&a);
}

// "https://host/path?query" into path and query.
static void split_url(const char *url, struct sigv4_request *r)
{
    const char *path = strchr(strstr(url, "//") + 2, '/');
    struct slice rest = slice_of(path);
    r->path = slice_cut(&rest, '?');
    r->query = rest;
}

static void shared_vectors_agree_in_every_stage(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    const char *path = file_shared(&a, "aws/sigv4-vectors.json");
    if (!path) {
        arena_release(&a);
        skip();
    }
    struct slice text;
    json_t *root = NULL;
    struct err err = {0};
    assert_int_equal(json_read_file(path, TEXT_MAX, &a, &text, &root, &err), 0);
    const json_t *cases = json_object_get(root, "cases");
    assert_true(json_array_size(cases) >= 17);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        struct http_header *headers;
        size_t count = headers_of(json_object_get(c, "headers"), &a, &headers);
        struct sigv4_request r = {.method = slice_of(json_str(c, "method")), .headers = headers, .header_count = count,
                                  .body = slice_of(json_str(c, "body"))};
        split_url(json_str(c, "url"), &r);
        struct sigv4_scope s = {json_str(root, "amzDate"), json_str(c, "region"), json_str(c, "service")};
        struct expected e = {json_str(c, "name"), json_str(c, "canonicalRequest"), json_str(c, "stringToSign"),
                             json_str(c, "signingKeyHex"), json_str(c, "signature"), json_str(root, "accessKeyId"),
                             json_str(root, "secretAccessKey")};
        check(&r, json_flag(c, "uriEncodeOnce", false) ? &sigv4_s3 : &sigv4_default, &s, &e);
    }
    json_decref(root);
    arena_release(&a);
}

// ---- the suite of published cases: one folder a case ------------------------------------------------------------------------
static const char *case_file(struct arena *a, const char *folder, const char *name)
{
    struct slice s = file_read(a, arena_printf(a, "%s/%s", folder, name));
    return s.ptr ? s.ptr : "";
}

// An HTTP request as text: request line (the path may hold spaces), headers (folded lines continue), empty line, body.
static void parse_request(struct arena *a, const char *text, struct sigv4_request *r)
{
    struct http_header *headers = arena_array(a, struct http_header, 64);
    struct slice rest = slice_of(text);
    struct slice line = slice_cut(&rest, '\n');
    r->method = slice_cut(&line, ' ');
    line.len -= strlen(" HTTP/1.1");
    r->path = slice_cut(&line, '?');
    r->query = line;
    while (rest.len) {
        line = slice_cut(&rest, '\n');
        if (line.len == 0)
            break;
        if (line.ptr[0] == ' ') {
            struct http_header *h = &headers[r->header_count - 1];
            h->value.len = (size_t)(line.ptr + line.len - h->value.ptr);
            continue;
        }
        struct slice name = slice_cut(&line, ':');
        headers[r->header_count++] = (struct http_header){name, line};
    }
    r->body = rest;
    r->headers = headers;
}

static void add_header(struct sigv4_request *r, const char *name, const char *value)
{
    ((struct http_header *)r->headers)[r->header_count++] = (struct http_header){slice_of(name), slice_of(value)};
}

static void check_folder(struct arena *a, const char *folder, const char *name)
{
    struct err err = {0};
    struct slice text;
    json_t *context = NULL;
    assert_int_equal(json_read_file(arena_printf(a, "%s/context.json", folder), TEXT_MAX, a, &text, &context, &err), 0);
    const json_t *credentials = json_object_get(context, "credentials");
    const char *stamp = json_str(context, "timestamp");
    const char *amz_date = arena_printf(a, "%.4s%.2s%.2sT%.2s%.2s%.2sZ", stamp, stamp + 5, stamp + 8, stamp + 11, stamp + 14, stamp + 17);
    struct sigv4_request r = {0};
    parse_request(a, case_file(a, folder, "request.txt"), &r);
    add_header(&r, "X-Amz-Date", amz_date);
    if (json_str(credentials, "token") && !json_flag(context, "omit_session_token", false))
        add_header(&r, "X-Amz-Security-Token", json_str(credentials, "token"));
    char hash[SIGV4_HEX_MAX];
    sigv4_sha256_hex(r.body, hash);
    if (json_flag(context, "sign_body", false))
        add_header(&r, "x-amz-content-sha256", hash);
    struct sigv4_options o = {json_flag(context, "normalize", true), true};
    struct sigv4_scope s = {amz_date, json_str(context, "region"), json_str(context, "service")};
    struct expected e = {name, case_file(a, folder, "header-canonical-request.txt"), case_file(a, folder, "header-string-to-sign.txt"),
                         NULL, case_file(a, folder, "header-signature.txt"), json_str(credentials, "access_key_id"),
                         json_str(credentials, "secret_access_key")};
    check(&r, &o, &s, &e);
    json_decref(context);
}

static void published_suite_agrees_in_every_stage(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    const char *root = file_shared(&a, "data/sigv4");
    if (!root) {
        arena_release(&a);
        skip();
    }
    DIR *dir = opendir(root);
    assert_non_null(dir);
    int cases = 0;
    for (const struct dirent *d; (d = readdir(dir));) {
        if (d->d_name[0] == '.')
            continue;
        check_folder(&a, arena_printf(&a, "%s/%s", root, d->d_name), d->d_name);
        cases++;
    }
    closedir(dir);
    assert_int_equal(cases, 28);
    arena_release(&a);
}

// ---- edges ------------------------------------------------------------------------------------------------------------------
static void key_cache_notices_every_part_that_changes(void **state)
{
    (void)state;
    const struct sigv4_scope base = {"20260214T080910Z", "us-east-1", "ecs"};
    const struct sigv4_scope others[] = {{"20260215T080910Z", "us-east-1", "ecs"}, {"20260214T080910Z", "us-east-2", "ecs"},
                                         {"20260214T080910Z", "us-east-1", "ec2"}, {"20260214T080911Z", "us-east-1", "ecs"}};
    const bool same[] = {false, false, false, true};  // the time of day is not part of the key
    struct sigv4_key_cache cache = {0};
    unsigned char first[32], second[32], fresh[32];
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        sigv4_signing_key("secret", &base, &cache, first);
        sigv4_signing_key("secret", &others[i], &cache, second);
        sigv4_signing_key("secret", &others[i], NULL, fresh);
        assert_memory_equal(second, fresh, 32);
        assert_int_equal(memcmp(first, second, 32) == 0, same[i]);
    }
    sigv4_signing_key("secret", &base, &cache, first);
    sigv4_signing_key("Secret", &base, &cache, second);
    assert_memory_not_equal(first, second, 32);
    sigv4_key_cache_release(&cache);
    assert_false(cache.valid);
}

static void volatile_headers_are_not_signed(void **state)
{
    (void)state;
    const struct http_header headers[] = {{SLICE_LIT("Host"), SLICE_LIT("h")}, {SLICE_LIT("User-Agent"), SLICE_LIT("masu")},
                                          {SLICE_LIT("EXPECT"), SLICE_LIT("x")}, {SLICE_LIT("X-Amzn-Trace-Id"), SLICE_LIT("y")}};
    struct sigv4_request r = {.method = SLICE_LIT("GET"), .headers = headers, .header_count = ARRAY_LEN(headers)};
    _cleanup_(buf_release) struct buf out, names;
    buf_init(&out, TEXT_MAX);
    buf_init(&names, TEXT_MAX);
    struct err err = {0};
    assert_int_equal(sigv4_canonical_request(&r, &sigv4_default, &out, &names, &err), 0);
    assert_string_equal(buf_str(&names), "host");
}

static void a_request_with_too_many_parts_is_refused(void **state)
{
    (void)state;
    struct http_header headers[65];
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        headers[i] = (struct http_header){SLICE_LIT("X-Same"), SLICE_LIT("v")};
    char query[2 * 300];
    for (size_t i = 0; i < 300; i++)
        memcpy(query + 2 * i, "a&", 2);
    struct sigv4_request many_headers = {.method = SLICE_LIT("GET"), .headers = headers, .header_count = 65};
    struct sigv4_request many_params = {.method = SLICE_LIT("GET"), .query = {query, sizeof query}};
    _cleanup_(buf_release) struct buf out, names;
    buf_init(&out, TEXT_MAX);
    buf_init(&names, TEXT_MAX);
    struct err err = {0};
    assert_int_equal(sigv4_canonical_request(&many_headers, &sigv4_default, &out, &names, &err), ERR_LIMIT);
    assert_int_equal(sigv4_canonical_request(&many_params, &sigv4_default, &out, &names, &err), ERR_LIMIT);
    buf_init(&names, 4);
    many_headers.header_count = 1;
    assert_int_equal(sigv4_canonical_request(&many_headers, &sigv4_default, &out, &names, &err), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_cases_sign_as_computed_by_python),
        cmocka_unit_test(shared_vectors_agree_in_every_stage),
        cmocka_unit_test(published_suite_agrees_in_every_stage),
        cmocka_unit_test(key_cache_notices_every_part_that_changes),
        cmocka_unit_test(volatile_headers_are_not_signed),
        cmocka_unit_test(a_request_with_too_many_parts_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
