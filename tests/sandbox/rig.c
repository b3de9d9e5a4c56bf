#include "tests/sandbox/rig.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "scaler/aws/sigv4.h"

void rig_start(struct rig *r, const struct sandbox_options *options)
{
    struct err err = {0};
    struct world_options o;
    world_options_default(&o);
    o.start_ms = RIG_START_MS;
    o.interruptions_per_instance_day = 0;
    o.shortages_per_pool_day = 0;
    clock_init_virtual(&r->clock, RIG_START_MS);
    assert_int_equal(world_empty(7, &o, &r->world, &err), 0);
    r->shop = world_add_cluster(r->world, "shop");
    world_add_cluster(r->world, "empty");
    struct world_taskdef web = {.family = "web", .need = res_make(512, 1024), .stop_timeout_ms = 30000, .stops_in_ms = 1000, .start_ms = 3000};
    struct world_taskdef logs = {.family = "logs", .need = res_make(64, 128), .stop_timeout_ms = 30000, .stops_in_ms = 1000, .start_ms = 3000};
    static const struct world_rules rules = {.strategies = {{.kind = WS_SPREAD_ZONE}, {.kind = WS_BINPACK_MEMORY}}, .strategy_count = 2};
    struct world_service_spec spec = {.name = "web", .cluster = r->shop, .taskdef = world_add_taskdef(r->world, &web), .desired = 3,
                                      .min_percent = 100, .max_percent = 200, .rules = &rules};
    struct world_service_spec daemon = {.name = "logs", .cluster = r->shop, .taskdef = world_add_taskdef(r->world, &logs), .daemon = true,
                                        .min_percent = 0, .max_percent = 100};
    r->web = world_add_service(r->world, &spec);
    r->logs = world_add_service(r->world, &daemon);
    int small = world_type_index(r->world, "m5.large"), large = world_type_index(r->world, "c5.xlarge");
    assert_true(small >= 0 && large >= 0);
    struct world_override overrides[] = {{small, -1, 1000}, {large, 0, 2000}};
    struct world_fleet_spec fleet = {.cluster = r->shop, .target = 4, .allocation = WALLOC_LOWEST_PRICE, .overrides = overrides, .override_count = 2};
    r->fleet = world_add_fleet(r->world, &fleet);
    for (int i = 0; i < 4; i++)
        world_add_instance(r->world, r->shop, r->fleet, small, i % 3);
    assert_int_equal(sandbox_new(&r->clock, options, &r->sandbox, &err), 0);
    assert_int_equal(sandbox_add_region(r->sandbox, SANDBOX_ACCOUNT, SANDBOX_REGION, r->world, &err), 0);
    rig_pass(r, 60000);
}

void rig_stop(struct rig *r)
{
    sandbox_free(r->sandbox);
    world_free(r->world);
}

void rig_pass(struct rig *r, int64_t ms)
{
    clock_advance_to(&r->clock, clock_wall_ms(&r->clock) + ms);
    sandbox_sync(r->sandbox);
}

// ---- sending --------------------------------------------------------------------------------------------------------------
static struct rig_answer send_bytes(struct rig *r, const struct sandbox_request *request)
{
    struct sandbox_response ret = {0};
    buf_init(&ret.body, SANDBOX_RESPONSE_MAX);
    sandbox_handle(r->sandbox, request, &ret);
    struct rig_answer a = {.status = ret.status, .delivery = ret.delivery, .body = strdup(buf_str(&ret.body))};
    snprintf(a.code, sizeof a.code, "%s", ret.error_code);
    a.json = json_loads(a.body, 0, NULL);
    buf_release(&ret.body);
    return a;
}

static struct rig_answer send_signed(struct rig *r, const char *service, const char *target, const char *body, const struct rig_call *how)
{
    static const struct rig_call plain = {0};
    const struct rig_call *h = how != NULL ? how : &plain;
    char date[32];
    int64_t wire_ms = clock_wall_ms(&r->clock);
    format_amz_date(wire_ms, date);
    struct http_header headers[8] = {{SLICE_LIT("Host"), slice_of(h->host != NULL ? h->host : "127.0.0.1")}, {SLICE_LIT("X-Amz-Date"), slice_of(date)}};
    size_t n = 2;
    headers[n++] = (struct http_header){SLICE_LIT("Content-Type"), slice_of(target != NULL ? "application/x-amz-json-1.1" : "application/x-www-form-urlencoded; charset=utf-8")};
    if (target != NULL)
        headers[n++] = (struct http_header){SLICE_LIT("X-Amz-Target"), slice_of(target)};
    if (h->token != NULL)
        headers[n++] = (struct http_header){SLICE_LIT("X-Amz-Security-Token"), slice_of(h->token)};
    struct sigv4_request sr = {.method = SLICE_LIT("POST"), .path = SLICE_LIT("/"), .headers = headers, .header_count = n, .body = slice_of(body)};
    struct sigv4_scope scope = {date, h->region != NULL ? h->region : SANDBOX_REGION, h->scope_service != NULL ? h->scope_service : service};
    struct buf authorization;
    struct err err = {0};
    buf_init(&authorization, 4096);
    assert_int_equal(sigv4_authorization(&sr, &sigv4_default, &scope, h->key_id != NULL ? h->key_id : SANDBOX_KEY_ID,
                                         h->secret != NULL ? h->secret : SANDBOX_SECRET, NULL, &authorization, &err), 0);
    if (!h->unsigned_)
        headers[n++] = (struct http_header){SLICE_LIT("Authorization"), buf_slice(&authorization)};
    if (h->extra_name != NULL)
        headers[n++] = (struct http_header){slice_of(h->extra_name), slice_of(h->extra_value)};
    struct sandbox_header out[8];
    for (size_t i = 0; i < n; i++)
        out[i] = (struct sandbox_header){headers[i].name, headers[i].value};
    char *sent = strdup(body);
    if (h->tampered)
        sent[0] = sent[0] == ' ' ? '\t' : ' ';
    struct sandbox_request request = {.method = "POST", .path = SLICE_LIT("/"), .headers = out, .header_count = n, .body = slice_of(sent),
                                      .wire_ms = wire_ms + h->wire_off_ms};
    struct rig_answer a = send_bytes(r, &request);
    free(sent);
    buf_release(&authorization);
    return a;
}

struct rig_answer rig_ecs(struct rig *r, const char *operation, const char *body, const struct rig_call *how)
{
    char target[128];
    snprintf(target, sizeof target, "AmazonEC2ContainerServiceV20141113.%s", operation);
    return send_signed(r, "ecs", target, body, how);
}

struct rig_answer rig_json(struct rig *r, const char *service, const char *prefix, const char *operation, const char *body)
{
    char target[128];
    snprintf(target, sizeof target, "%s.%s", prefix, operation);
    return send_signed(r, service, target, body, NULL);
}

struct rig_answer rig_query(struct rig *r, const char *service, const char *form, const struct rig_call *how)
{
    char body[4096];
    const char *version = strcmp(service, "ec2") == 0           ? "2016-11-15"
                          : strcmp(service, "sqs") == 0         ? "2012-11-05"
                          : strcmp(service, "autoscaling") == 0 ? "2011-01-01"
                                                                : "2011-06-15";
    snprintf(body, sizeof body, "%s&Version=%s", form, version);
    return send_signed(r, service, NULL, body, how);
}

struct rig_answer rig_get(struct rig *r, const char *path)
{
    struct sandbox_request request = {.method = "GET", .path = slice_of(path), .wire_ms = clock_wall_ms(&r->clock)};
    return send_bytes(r, &request);
}

void rig_done(struct rig_answer *a)
{
    json_decref(a->json);
    free(a->body);
    *a = (struct rig_answer){0};
}

json_t *rig_ecs_ok(struct rig *r, const char *operation, const char *body)
{
    struct rig_answer a = rig_ecs(r, operation, body, NULL);
    if (a.status != 200)
        print_error("%s: %d %s\n", operation, a.status, a.body);
    assert_int_equal(a.status, 200);
    assert_non_null(a.json);
    free(a.body);
    return a.json;
}

char *rig_query_ok(struct rig *r, const char *form)
{
    struct rig_answer a = rig_query(r, "ec2", form, NULL);
    if (a.status != 200)
        print_error("%s: %d %s\n", form, a.status, a.body);
    assert_int_equal(a.status, 200);
    json_decref(a.json);
    return a.body;
}

void rig_ecs_refused(struct rig *r, const char *operation, const char *body, const char *code)
{
    struct rig_answer a = rig_ecs(r, operation, body, NULL);
    assert_int_equal(a.status, 400);
    assert_string_equal(a.code, code);
    assert_string_equal(json_string_value(json_object_get(a.json, "__type")), code);
    rig_done(&a);
}

void rig_query_refused(struct rig *r, const char *form, int status, const char *code)
{
    struct rig_answer a = rig_query(r, "ec2", form, NULL);
    if (strcmp(a.code, code) != 0)
        print_error("%s: %s\n", form, a.body);
    assert_string_equal(a.code, code);
    assert_int_equal(a.status, status);
    assert_string_equal(rig_xml(a.body, "Code"), code);
    rig_done(&a);
}

int rig_count(const char *text, const char *word)
{
    int n = 0;
    for (const char *p = strstr(text, word); p != NULL; p = strstr(p + 1, word))
        n++;
    return n;
}

const char *rig_xml(const char *body, const char *name)
{
    static char text[512];
    char open[64], close[64];
    snprintf(open, sizeof open, "<%s>", name);
    snprintf(close, sizeof close, "</%s>", name);
    const char *from = strstr(body, open), *to = from != NULL ? strstr(from, close) : NULL;
    if (to == NULL)
        return "";
    from += strlen(open);
    snprintf(text, sizeof text, "%.*s", (int)(to - from), from);
    return text;
}

int rig_used(struct rig *r, int n)
{
    struct world_view v = world_view(r->world);
    for (int i = 0; i < v.instance_count; i++)
        if (v.instances[i].used && n-- == 0)
            return i;
    fail_msg("no such instance");
    return -1;
}

const char *rig_instance(struct rig *r, int n)
{
    return world_view(r->world).instances[rig_used(r, n)].id;
}

const char *rig_container(struct rig *r, int n)
{
    static char arn[4][160];
    snprintf(arn[n & 3], sizeof arn[0], "arn:aws:ecs:us-east-1:111122223333:container-instance/shop/%s", world_view(r->world).instances[rig_used(r, n)].ci_id);
    return arn[n & 3];
}
