#include <openssl/crypto.h>

#include "base/parse.h"
#include "scaler/aws/aws_private.h"

#define TIMEOUT_MS 10000
#define RESPONSE_BYTES_MAX (16u << 20)
#define HEADER_MAX 16384
#define SECRET_BEGINNING 16

struct protocol {
    const char *content_type;
    const char *target_prefix;  // NULL: the operation is in the body
};
static const struct protocol protocols[AWS_SERVICE_COUNT] = {
    [AWS_ECS] = {"application/x-amz-json-1.1", "AmazonEC2ContainerServiceV20141113"},
    [AWS_EC2] = {"application/x-www-form-urlencoded; charset=utf-8", NULL},
    [AWS_STS] = {"application/x-www-form-urlencoded; charset=utf-8", NULL},
    [AWS_SERVICEQUOTAS] = {"application/x-amz-json-1.1", "ServiceQuotasV20190624"},
    [AWS_APPLICATION_AUTOSCALING] = {"application/x-amz-json-1.1", "AnyScaleFrontendService"},
    [AWS_SQS] = {"application/x-amz-json-1.0", "AmazonSQS"},
    [AWS_AUTOSCALING] = {"application/x-www-form-urlencoded; charset=utf-8", NULL},
    [AWS_CLOUDWATCH] = {"application/x-www-form-urlencoded; charset=utf-8", NULL},
};

static void on_response(void *arg, const struct transport_response *r);

static int64_t wire_ms(const struct aws *a)
{
    return a->clients->transport->ops->wire_ms(a->clients->transport);
}

// ---- one attempt ------------------------------------------------------------------------------------------------------------
static int submit_signed(struct aws_pending *p, const struct credentials *c, struct err *err)
{
    struct aws *a = p->aws;
    enum aws_service service = p->request.service;
    const struct aws_endpoint *e = &a->endpoints[service];
    const struct protocol *protocol = &protocols[service];
    char date[32], target[128];
    p->signed_ms = a->clients->skew.applied_ms;
    format_amz_date(wire_ms(a) + p->signed_ms, date);
    struct http_header headers[6] = {
        {SLICE_LIT("Host"), slice_of(e->host)},
        {SLICE_LIT("Content-Type"), slice_of(protocol->content_type)},
        {SLICE_LIT("X-Amz-Date"), slice_of(date)},
    };
    size_t count = 3;
    if (protocol->target_prefix) {
        snprintf(target, sizeof target, "%s.%s", protocol->target_prefix, p->request.operation);
        headers[count++] = (struct http_header){SLICE_LIT("X-Amz-Target"), slice_of(target)};
    }
    if (c->session_token)
        headers[count++] = (struct http_header){SLICE_LIT("X-Amz-Security-Token"), slice_of(c->session_token)};
    struct sigv4_request to_sign = {SLICE_LIT("POST"), slice_of(e->path), {NULL, 0}, headers, count, p->request.body, NULL};
    struct sigv4_scope scope = {date, a->region, aws_service_name(service)};
    _cleanup_(buf_release) struct buf authorization;
    buf_init(&authorization, HEADER_MAX);
    int rc = sigv4_authorization(&to_sign, &sigv4_default, &scope, c->access_key_id, c->secret, &a->keys[service], &authorization,
                                 err);
    if (rc)
        return rc;
    headers[count++] = (struct http_header){SLICE_LIT("Authorization"), buf_slice(&authorization)};
    struct transport_request r = {
        .method = "POST",
        .url = e->url,
        .headers = headers,
        .header_count = count,
        .body = p->request.body,
        .timeout_ms = p->request.timeout_ms ? p->request.timeout_ms : TIMEOUT_MS,
        .max_response_bytes = p->request.max_response_bytes ? p->request.max_response_bytes : RESPONSE_BYTES_MAX,
        .direct = e->direct,
    };
    return a->clients->transport->ops->submit(a->clients->transport, &r, on_response, p, &p->transport_id, err);
}

static struct aws_breaker *breaker_of(const struct aws_pending *p)
{
    return &p->aws->breakers[p->request.service];
}

void aws_send(struct aws_pending *p, const struct credentials *c)
{
    struct err err = {0};
    p->in_flight = true;
    p->sent_ms = clock_wall_ms(p->aws->clients->transport->clock);
    p->attempts++;
    p->generation = c->generation;
    p->aws->in_flight += p->request.lane != AWS_LANE_WAIT;  // who waits for something to happen keeps nobody from asking
    p->stat->calls++;
    p->stat->retries += p->attempts > 1;
    if (submit_signed(p, c, &err) == 0)
        return;
    p->in_flight = false;
    p->aws->in_flight -= p->request.lane != AWS_LANE_WAIT;
    aws_breaker_void(breaker_of(p), p->probe);
    err_wrap(&err, "%s", p->request.operation);
    aws_complete_error(p, &err);
}

// ---- what follows from an answer --------------------------------------------------------------------------------------------
static void refund(struct aws_pending *p)
{
    int back = p->attempts > 1 ? p->last_cost : 1;
    p->aws->retry_tokens = p->aws->retry_tokens + back > AWS_RETRY_TOKENS ? AWS_RETRY_TOKENS : p->aws->retry_tokens + back;
}

// SDK standard mode: up to max_attempts, jittered exponential delay, and a quota that stops retries when most calls fail.
static bool retry_later(struct aws_pending *p, bool timed_out)
{
    struct aws_clients *c = p->aws->clients;
    int cost = timed_out ? AWS_RETRY_COST_TIMEOUT : AWS_RETRY_COST;
    if (c->cancelling || p->attempts >= c->max_attempts || p->aws->retry_tokens < cost)
        return false;
    p->aws->retry_tokens -= cost;
    p->last_cost = cost;
    double ceiling_ms = (double)(1000 << (p->attempts - 1));
    if (ceiling_ms > AWS_BACKOFF_MAX_MS)
        ceiling_ms = AWS_BACKOFF_MAX_MS;
    p->due_ms = clock_wall_ms(c->transport->clock) + (int64_t)(rng_double(&c->rng) * ceiling_ms);
    return true;
}

static bool retry_now(struct aws_pending *p)
{
    if (p->aws->clients->cancelling)
        return false;
    p->due_ms = clock_wall_ms(p->aws->clients->transport->clock);
    return true;
}

// Is our clock off by what the answer's Date says? Then sign with AWS's time from now on.
static bool correct_skew(struct aws_pending *p, const struct transport_response *r)
{
    if (p->skew_tried || !aws_skew_correct(&p->aws->clients->skew, r, wire_ms(p->aws), p->signed_ms))
        return false;
    p->skew_tried = true;
    return true;
}

static bool refresh_credentials(struct aws_pending *p)
{
    if (p->refresh_tried || !credentials_provider_expire(p->aws->credentials, p->generation))
        return false;
    p->refresh_tried = true;
    return true;
}

static bool retry_refused(struct aws_pending *p, const struct aws_error *e, const struct transport_response *r)
{
    if (e->skew_possible && correct_skew(p, r))
        return retry_now(p);
    if (e->retry == AWS_RETRY_EXPIRED && refresh_credentials(p))
        return retry_now(p);
    return false;
}

static bool may_repeat(const struct aws_pending *p)
{
    return !p->unknown_effect || p->request.repeatable;
}

// Whatever the peer says, it does not bring our own secrets into a log: the beginning of one is enough to be left out.
static bool holds_secret(const char *message, const char *secret)
{
    char beginning[SECRET_BEGINNING + 1];
    snprintf(beginning, sizeof beginning, "%s", secret ? secret : "");
    return strlen(beginning) == SECRET_BEGINNING && strstr(message, beginning) != NULL;
}

static void leave_secrets_out(const struct aws_pending *p, struct aws_error *e)
{
    const struct credentials *c = credentials_provider_present(p->aws->credentials);
    if (c && (holds_secret(e->message, c->secret) || holds_secret(e->message, c->session_token)))
        snprintf(e->message, sizeof e->message, "(left out: the message holds credentials)");
}

static void fail(struct aws_pending *p, const struct aws_error *e, int status)
{
    struct aws_response out = {.code = e->code, .timed_out = p->unknown_effect, .attempts = p->attempts, .status = status};
    out.answered_ms = clock_wall_ms(p->aws->clients->transport->clock);
    err_set(&out.err, e->kind, "%s: %s%s%s", p->request.operation, e->code[0] ? e->code : "HTTP error", e->message[0] ? ": " : "",
            e->message);
    if (!e->code[0])
        err_set(&out.err, e->kind, "%s: HTTP status %d", p->request.operation, status);
    out.err.http_status = status;
    aws_complete(p, &out);
}

static void tell_breaker(const struct aws_pending *p, enum err_kind kind, const char *why)
{
    const struct aws_clients *c = p->aws->clients;
    if (kind != ERR_TRANSIENT)
        aws_breaker_good(breaker_of(p));
    else if (c->cancelling)
        aws_breaker_void(breaker_of(p), p->probe);
    else
        aws_breaker_bad(breaker_of(p), p->round, p->probe, clock_wall_ms(c->transport->clock), why);
}

static void on_error_answer(struct aws_pending *p, const struct transport_response *r)
{
    struct aws_error e;
    aws_error_decode(r, &e);
    leave_secrets_out(p, &e);
    char status[32];
    snprintf(status, sizeof status, "HTTP status %d", r->status);
    if (p->request.part && e.kind == ERR_TRANSIENT)
        aws_breaker_void(breaker_of(p), p->probe);
    else
        tell_breaker(p, e.kind, e.code[0] ? e.code : status);
    switch (e.retry) {
    case AWS_RETRY_NO:
        break;
    case AWS_RETRY_SKEW:
    case AWS_RETRY_EXPIRED:
        if (retry_refused(p, &e, r))
            return;
        break;
    case AWS_RETRY_THROTTLED:
        p->stat->throttles++;
        aws_budget_throttled(&p->aws->budget, p->bucket, clock_wall_ms(p->aws->clients->transport->clock));
        // Writes wait for the next look, which sees what they are still good for; only notices insist.
        if ((!p->request.mutating || p->request.urgent) && retry_later(p, false))
            return;
        break;
    case AWS_RETRY_TRANSIENT:
        p->unknown_effect |= e.kind == ERR_TRANSIENT && p->request.mutating;
        if (may_repeat(p) && !p->request.once && retry_later(p, false))
            return;
        break;
    }
    fail(p, &e, r->status);
}

static void on_response(void *arg, const struct transport_response *r)
{
    struct aws_pending *p = arg;
    p->in_flight = false;
    p->aws->in_flight -= p->request.lane != AWS_LANE_WAIT;
    if (r->err.kind) {
        tell_breaker(p, r->err.kind, r->err.msg);
        p->unknown_effect |= r->timed_out && p->request.mutating;
        if (r->err.kind == ERR_TRANSIENT && may_repeat(p) && retry_later(p, r->timed_out))
            return;
        struct err err = r->err;
        if (p->aws->clients->cancelling)
            err_set(&err, ERR_TRANSIENT, "not answered before the deadline");
        err_wrap(&err, "%s", p->request.operation);
        aws_complete_error(p, &err);
        return;
    }
    aws_skew_measure(&p->aws->clients->skew, r, wire_ms(p->aws));
    aws_skew_measure_clock(&p->aws->clients->skew, r, p->sent_ms, p->aws->clients->transport->clock);
    if (r->status < 200 || r->status > 299) {
        on_error_answer(p, r);
        return;
    }
    tell_breaker(p, ERR_OK, "");
    refund(p);
    struct aws_response out = {.code = "", .attempts = p->attempts, .status = r->status, .body = r->body,
                               .answered_ms = clock_wall_ms(p->aws->clients->transport->clock)};
    aws_complete(p, &out);
}
