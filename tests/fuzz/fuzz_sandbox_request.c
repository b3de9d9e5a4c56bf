// Well-signed requests with bodies from outside: the first line is "ecs OPERATION" (or another JSON service by its signing name),
// "ec2" or "sts", the rest is the body.
#include "scaler/sandbox/sandbox.h"

#include <stdint.h>
#include <stdio.h>

#include "base/parse.h"
#include "planner/sim/world.h"
#include "scaler/aws/sigv4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS INT64_C(1768478400000)

// One world for all inputs, an hour old; what an input changes stays changed, and time stands still.
static struct sandbox *shared_sandbox(void)
{
    static struct clock clock;
    static struct world *world;
    static struct sandbox *sandbox;
    if (sandbox != NULL)
        return sandbox;
    struct world_options o;
    struct sandbox_options options = {.unlimited = true};
    struct err err = {0};
    world_options_default(&o);
    o.start_ms = NOW_MS - 3600000;
    clock_init_virtual(&clock, NOW_MS);
    bool made = world_default(7, &o, &world, &err) == 0 && sandbox_new(&clock, &options, &sandbox, &err) == 0 &&
                sandbox_add_region(sandbox, SANDBOX_ACCOUNT, SANDBOX_REGION, world, &err) == 0;
    assert(made);
    return sandbox;
}

static const struct {
    const char *name, *prefix;  // NULL: no JSON
} services[] = {{"ecs", "AmazonEC2ContainerServiceV20141113"}, {"ec2", NULL}, {"sts", NULL}, {"application-autoscaling", "AnyScaleFrontendService"},
                {"servicequotas", "ServiceQuotasV20190624"}, {"sqs", "AmazonSQS"}};

static void ask(size_t service_index, const char *operation, struct slice body)
{
    char date[32], target[160];
    const char *service = services[service_index].name, *prefix = services[service_index].prefix;
    format_amz_date(NOW_MS, date);
    snprintf(target, sizeof target, "%s.%s", prefix ? prefix : "", operation);
    struct http_header headers[4] = {{SLICE_LIT("host"), SLICE_LIT("127.0.0.1")}, {SLICE_LIT("x-amz-date"), slice_of(date)}};
    size_t n = 2;
    if (prefix)
        headers[n++] = (struct http_header){SLICE_LIT("x-amz-target"), slice_of(target)};
    struct sigv4_request sr = {.method = SLICE_LIT("POST"), .path = SLICE_LIT("/"), .headers = headers, .header_count = n, .body = body};
    struct sigv4_scope scope = {date, SANDBOX_REGION, service};
    struct buf authorization;
    struct err err = {0};
    buf_init(&authorization, 4096);
    int r = sigv4_authorization(&sr, &sigv4_default, &scope, SANDBOX_KEY_ID, SANDBOX_SECRET, NULL, &authorization, &err);
    assert(r == 0);
    headers[n++] = (struct http_header){SLICE_LIT("authorization"), buf_slice(&authorization)};
    struct sandbox_header out[4];
    for (size_t i = 0; i < n; i++)
        out[i] = (struct sandbox_header){headers[i].name, headers[i].value};
    struct sandbox_request request = {.method = "POST", .path = SLICE_LIT("/"), .headers = out, .header_count = n, .body = body, .wire_ms = NOW_MS};
    struct sandbox_response response = {0};
    buf_init(&response.body, SANDBOX_RESPONSE_MAX);
    sandbox_handle(shared_sandbox(), &request, &response);
    assert(response.status >= 200 && response.status < 600);
    assert((response.status == 200) == (response.error_code[0] == '\0'));
    assert(!buf_failed(&response.body) && response.body.len > 0);
    buf_release(&response.body);
    buf_release(&authorization);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char operation[100] = "";
    struct slice body = {(const char *)data, size}, first = slice_cut(&body, '\n'), service = slice_cut(&first, ' ');
    for (size_t i = 0; i < first.len && i < sizeof operation - 1; i++)
        operation[i] = first.ptr[i] > ' ' && first.ptr[i] < 127 ? first.ptr[i] : '_';
    size_t which = 0;
    for (size_t i = 0; i < ARRAY_LEN(services); i++)
        if (slice_eq_str(service, services[i].name))
            which = i;
    ask(which, operation, body);
    return 0;
}
