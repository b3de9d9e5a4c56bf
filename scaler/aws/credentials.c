#include "scaler/aws/credentials.h"

#include <openssl/crypto.h>

#include "base/parse.h"
#include "base/rng.h"
#include "scaler/aws/aws_error.h"
#include "scaler/aws/credentials_sources.h"
#include "scaler/aws/endpoint.h"
#include "scaler/aws/sigv4.h"

#define REFRESH_BEFORE_MS (15 * 60 * 1000)  // tried from here on, while the old ones serve
#define REFRESH_MUST_MS (10 * 60 * 1000)    // waited for from here on, once
#define RETRY_AFTER_MS 5000
#define RETRY_AFTER_MAX_MS 60000
#define STATIC_STABILITY_MIN_MS (2 * 60 * 1000)
#define STATIC_STABILITY_MAX_MS (10 * 60 * 1000)
#define CONTAINER_TIMEOUT_MS 2000
#define INSTANCE_TIMEOUT_MS 1000
#define STS_TIMEOUT_MS 5000
#define FETCH_TRIES 3
#define ANSWER_BYTES_MAX 65536u
#define SECRET_ARENA_MAX (8u << 20)

// A fetch goes through some of these, in this order; ROLE once for each role.
enum step { STEP_CONTAINER, STEP_TOKEN, STEP_NAME, STEP_INSTANCE, STEP_IDENTITY, STEP_ROLE, STEP_COUNT };

struct credentials_provider {
    const struct aws_env *env;
    struct transport *transport;
    struct aws_skew *skew;
    struct rng rng;
    char region[64];
    struct credentials present;   // strings are malloc'd here
    char source_name[256];
    bool have, refused, fixed, from_files;  // fixed: keys as written, no fetch can better them
    bool by_instance;             // present came from instance metadata alone
    int64_t taken_ms;             // AWS's time
    int64_t stable_until_ms;      // instance metadata: expired ones serve until then
    // one fetch at a time; its memory holds the chain and what was got so far
    bool fetching;
    struct arena arena;
    struct credentials_chain chain;
    struct credentials_keys keys;
    enum step step;
    size_t next_role;
    const char *token, *role_name;  // of instance metadata
    uint64_t fetch_id;
    int tries_left;
    int64_t signed_ms;
    bool skew_tried;
    int failures;                 // fetches in a row
    int64_t failed_ms;            // wire time of the last failed fetch, 0 = none
    struct err failure;
};

// ---- what is held -----------------------------------------------------------------------------------------------------------
static void wipe(const char **s)
{
    if (*s)
        OPENSSL_cleanse((char *)(uintptr_t)*s, strlen(*s));
    free((char *)(uintptr_t)*s);
    *s = NULL;
}

static char *copy(const char *s)
{
    char *c = s ? strdup(s) : NULL;
    assert(c != NULL || s == NULL);
    return c;
}

static void wipe_present(struct credentials_provider *p)
{
    wipe(&p->present.access_key_id);
    wipe(&p->present.secret);
    wipe(&p->present.session_token);
    p->have = false;
}

static int64_t wire_ms(const struct credentials_provider *p)
{
    return p->transport->ops->wire_ms(p->transport);
}

// Expiry is said by AWS's clock.
static int64_t aws_ms(const struct credentials_provider *p)
{
    return wire_ms(p) + p->skew->applied_ms;
}

static void take(struct credentials_provider *p, const struct credentials_chain *chain, const struct credentials_keys *k)
{
    uint64_t generation = p->present.generation + 1;
    wipe_present(p);
    snprintf(p->source_name, sizeof p->source_name, "%s", chain->source);
    p->present = (struct credentials){copy(k->access_key_id), copy(k->secret), copy(k->session_token), k->expires_ms, generation,
                                      p->source_name};
    p->have = true;
    p->refused = false;
    p->fixed = chain->base == CREDENTIALS_STATIC && chain->role_count == 0;
    p->from_files = chain->from_files;
    p->by_instance = chain->base == CREDENTIALS_INSTANCE && chain->role_count == 0;
    p->taken_ms = aws_ms(p);
    p->failed_ms = 0;
    p->failures = 0;
}

struct credentials_provider *credentials_provider_new(const struct credentials_options *o)
{
    struct credentials_provider *p = calloc(1, sizeof *p);
    assert(p != NULL);
    p->env = o->env;
    p->transport = o->transport;
    p->skew = o->skew;
    rng_init(&p->rng, o->seed);
    snprintf(p->region, sizeof p->region, "%s", o->region);
    return p;
}

void credentials_provider_free(struct credentials_provider *p)
{
    if (!p)
        return;
    if (p->fetching) {
        p->tries_left = 0;
        p->transport->ops->cancel(p->transport, p->fetch_id);
    }
    wipe_present(p);
    free(p);
}

// ---- the steps of a fetch: what each asks, and what it takes from the answer --------------------------------------------------
static void on_answer(void *arg, const struct transport_response *r);

static int get(struct credentials_provider *p, const char *method, const char *url, const struct http_header *headers, size_t count,
               int64_t timeout_ms, struct err *err)
{
    struct transport_request r = {.method = method, .url = url, .headers = headers, .header_count = count, .timeout_ms = timeout_ms,
                                  .max_response_bytes = ANSWER_BYTES_MAX, .direct = true};
    return p->transport->ops->submit(p->transport, &r, on_answer, p, &p->fetch_id, err);
}

static int ask_container(struct credentials_provider *p, struct err *err)
{
    struct credentials_container_target target;
    int rc = credentials_container_target(p->env, &p->arena, &target, err);
    if (rc)
        return rc;
    struct http_header headers[2] = {{SLICE_LIT("Accept"), SLICE_LIT("application/json")}};
    size_t count = 1;
    if (target.authorization)
        headers[count++] = (struct http_header){SLICE_LIT("Authorization"), slice_of(target.authorization)};
    return get(p, "GET", target.url, headers, count, CONTAINER_TIMEOUT_MS, err);
}

static int take_container(struct credentials_provider *p, const struct transport_response *r, struct err *err)
{
    if (r->status != 200)
        return err_set(err, r->status >= 500 ? ERR_TRANSIENT : ERR_AUTH, "container credentials: HTTP status %d", r->status);
    return credentials_container_decode(r->body, &p->arena, &p->keys, err);
}

static int ask_token(struct credentials_provider *p, struct err *err)
{
    struct http_header ttl = {SLICE_LIT("X-aws-ec2-metadata-token-ttl-seconds"), SLICE_LIT("21600")};
    return get(p, "PUT", credentials_instance_url(p->env, &p->arena, "/latest/api/token"), &ttl, 1, INSTANCE_TIMEOUT_MS, err);
}

static int instance_status(const struct transport_response *r, const char *what, struct err *err)
{
    if (r->status == 200)
        return 0;
    return err_set(err, r->status >= 500 ? ERR_TRANSIENT : ERR_AUTH, "instance metadata: %s: HTTP status %d", what, r->status);
}

static int take_token(struct credentials_provider *p, const struct transport_response *r, struct err *err)
{
    int rc = instance_status(r, "no token", err);
    rc = rc ? rc : credentials_instance_line(r->body, &p->arena, &p->token, err);
    return rc == ERR_CORRUPT ? err_wrap(err, "instance metadata: no token") : rc;
}

static int ask_with_token(struct credentials_provider *p, const char *name, struct err *err)
{
    struct http_header token = {SLICE_LIT("X-aws-ec2-metadata-token"), slice_of(p->token)};
    const char *path = arena_printf(&p->arena, "/latest/meta-data/iam/security-credentials/%s", name);
    return get(p, "GET", credentials_instance_url(p->env, &p->arena, path), &token, 1, INSTANCE_TIMEOUT_MS, err);
}

static int ask_name(struct credentials_provider *p, struct err *err)
{
    return ask_with_token(p, "", err);
}

static int take_name(struct credentials_provider *p, const struct transport_response *r, struct err *err)
{
    int rc = r->status == 404 ? err_set(err, ERR_AUTH, "instance metadata: the instance has no role") : instance_status(r, "no role", err);
    if (rc)
        return rc;
    rc = credentials_instance_line(r->body, &p->arena, &p->role_name, err);
    return rc ? err_wrap(err, "instance metadata: no role") : 0;
}

static int ask_instance(struct credentials_provider *p, struct err *err)
{
    return ask_with_token(p, p->role_name, err);
}

static int take_instance(struct credentials_provider *p, const struct transport_response *r, struct err *err)
{
    int rc = instance_status(r, "no keys", err);
    if (rc)
        return rc;
    rc = credentials_instance_decode(r->body, &p->arena, &p->keys, err);
    return rc ? err_wrap(err, "instance metadata: keys of %s", p->role_name) : 0;
}

static const struct credentials_role *role_of(const struct credentials_provider *p)
{
    return p->step == STEP_IDENTITY ? &p->chain.identity : &p->chain.roles[p->next_role];
}

// AssumeRole is signed with the keys so far; a web identity is its own proof.
static int ask_sts(struct credentials_provider *p, struct err *err)
{
    const struct credentials_role *role = role_of(p);
    struct aws_endpoint e;
    struct slice body;
    int rc = aws_endpoint_resolve(p->env, AWS_STS, p->region, &e, err);
    rc = rc ? rc : credentials_role_body(role, &p->arena, &body, err);
    if (rc)
        return rc;
    char date[32];
    p->signed_ms = p->skew->applied_ms;
    format_amz_date(wire_ms(p) + p->signed_ms, date);
    struct http_header headers[5] = {{SLICE_LIT("Host"), slice_of(e.host)},
                                     {SLICE_LIT("Content-Type"), SLICE_LIT("application/x-www-form-urlencoded; charset=utf-8")}};
    size_t count = 2;
    _cleanup_(buf_release) struct buf authorization;
    buf_init(&authorization, 16384);
    if (!role->token_file) {
        struct sigv4_key_cache cache = {0};
        headers[count++] = (struct http_header){SLICE_LIT("X-Amz-Date"), slice_of(date)};
        if (p->keys.session_token)
            headers[count++] = (struct http_header){SLICE_LIT("X-Amz-Security-Token"), slice_of(p->keys.session_token)};
        struct sigv4_request to_sign = {SLICE_LIT("POST"), slice_of(e.path), {NULL, 0}, headers, count, body, NULL};
        struct sigv4_scope scope = {date, p->region, aws_service_name(AWS_STS)};
        rc = sigv4_authorization(&to_sign, &sigv4_default, &scope, p->keys.access_key_id, p->keys.secret, &cache, &authorization, err);
        sigv4_key_cache_release(&cache);
        headers[count++] = (struct http_header){SLICE_LIT("Authorization"), buf_slice(&authorization)};
    }
    struct transport_request r = {.method = "POST", .url = e.url, .headers = headers, .header_count = count, .body = body,
                                  .timeout_ms = STS_TIMEOUT_MS, .max_response_bytes = ANSWER_BYTES_MAX, .direct = e.direct};
    return rc ? rc : p->transport->ops->submit(p->transport, &r, on_answer, p, &p->fetch_id, err);
}

static int take_sts(struct credentials_provider *p, const struct transport_response *r, struct err *err)
{
    const struct credentials_role *role = role_of(p);
    aws_skew_measure(p->skew, r, wire_ms(p));
    int rc;
    if (r->status == 200) {
        rc = credentials_role_decode(role, r->body, &p->arena, &p->keys, err);
    } else {
        struct aws_error e;
        aws_error_decode(r, &e);
        rc = err_set(err, e.kind == ERR_OK ? ERR_AUTH : e.kind, "%s%s%s", e.code[0] ? e.code : "HTTP error", e.message[0] ? ": " : "", e.message);
        err->http_status = r->status;
        if (e.skew_possible && !p->skew_tried && aws_skew_correct(p->skew, r, wire_ms(p), p->signed_ms)) {
            p->skew_tried = true;
            err->kind = rc = ERR_TRANSIENT;  // signed with AWS's time it may be good
        }
    }
    return rc ? err_wrap(err, "%s %s", credentials_role_action(role), role->arn) : 0;
}

static const struct {
    int (*ask)(struct credentials_provider *p, struct err *err);
    int (*take)(struct credentials_provider *p, const struct transport_response *r, struct err *err);
    const char *name;
} steps[STEP_COUNT] = {
    [STEP_CONTAINER] = {ask_container, take_container, "container credentials"},
    [STEP_TOKEN] = {ask_token, take_token, "instance metadata"},
    [STEP_NAME] = {ask_name, take_name, "instance metadata"},
    [STEP_INSTANCE] = {ask_instance, take_instance, "instance metadata"},
    [STEP_IDENTITY] = {ask_sts, take_sts, "AssumeRoleWithWebIdentity"},
    [STEP_ROLE] = {ask_sts, take_sts, "AssumeRole"},
};

// ---- a fetch ----------------------------------------------------------------------------------------------------------------
static void end_fetch(struct credentials_provider *p)
{
    p->fetching = false;
    arena_release(&p->arena);
}

// Instance metadata that is out of order must not stop what runs: old keys serve on, and AWS has the last word on them.
static void serve_on(struct credentials_provider *p)
{
    p->stable_until_ms = wire_ms(p) + rng_between(&p->rng, STATIC_STABILITY_MIN_MS, STATIC_STABILITY_MAX_MS);
}

static void fail_fetch(struct credentials_provider *p)
{
    if (p->chain.by_default && !p->have) {
        struct err why = p->failure;
        err_set(&p->failure, ERR_AUTH, "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, or give the task "
                                       "or the instance a role (%s)", why.msg);
    }
    p->failed_ms = wire_ms(p);
    p->failures++;
    if (p->have && p->by_instance && p->chain.base == CREDENTIALS_INSTANCE && p->present.expires_ms <= aws_ms(p))
        serve_on(p);
    end_fetch(p);
}

static void finish_fetch(struct credentials_provider *p)
{
    bool expired = p->keys.expires_ms && p->keys.expires_ms <= aws_ms(p);
    bool instance = p->chain.base == CREDENTIALS_INSTANCE && p->chain.role_count == 0;
    if (expired && !instance) {
        err_set(&p->failure, ERR_AUTH, "%s: what was given has expired already", steps[p->step].name);
        fail_fetch(p);
        return;
    }
    take(p, &p->chain, &p->keys);
    if (expired)
        serve_on(p);
    end_fetch(p);
}

static void ask(struct credentials_provider *p)
{
    if (steps[p->step].ask(p, &p->failure))
        fail_fetch(p);
}

static void next_step(struct credentials_provider *p)
{
    bool role_done = p->step == STEP_ROLE;
    p->next_role += role_done;
    p->tries_left = FETCH_TRIES;
    if (p->step == STEP_TOKEN || p->step == STEP_NAME) {
        p->step++;
    } else if (p->next_role < p->chain.role_count) {
        p->step = STEP_ROLE;
    } else {
        finish_fetch(p);
        return;
    }
    ask(p);
}

static bool worth_repeating(enum err_kind kind)
{
    return kind == ERR_TRANSIENT || kind == ERR_THROTTLED || kind == ERR_CORRUPT;
}

static void on_answer(void *arg, const struct transport_response *r)
{
    struct credentials_provider *p = arg;
    int rc = r->err.kind;
    if (rc)
        err_set(&p->failure, ERR_TRANSIENT, "%s: %s%s", steps[p->step].name, r->err.msg,
                p->step == STEP_TOKEN && r->timed_out ? " (within a container it needs a hop limit of 2)" : "");
    else
        rc = steps[p->step].take(p, r, &p->failure);
    if (rc == 0)
        next_step(p);
    else if (worth_repeating(p->failure.kind) && --p->tries_left > 0)
        ask(p);
    else
        fail_fetch(p);
}

static int64_t retry_after_ms(const struct credentials_provider *p)
{
    int64_t ms = RETRY_AFTER_MS;
    for (int i = 1; i < p->failures && ms < RETRY_AFTER_MAX_MS; i++)
        ms *= 2;
    return p->have && !p->refused && ms < RETRY_AFTER_MAX_MS ? ms : p->have && !p->refused ? RETRY_AFTER_MAX_MS : RETRY_AFTER_MS;
}

static void begin_fetch(struct credentials_provider *p)
{
    static const enum step first[] = {[CREDENTIALS_STATIC] = STEP_ROLE, [CREDENTIALS_CONTAINER] = STEP_CONTAINER,
                                      [CREDENTIALS_INSTANCE] = STEP_TOKEN, [CREDENTIALS_WEB_IDENTITY] = STEP_IDENTITY};
    if (p->fetching || (p->failed_ms && wire_ms(p) - p->failed_ms < retry_after_ms(p)))
        return;
    arena_init(&p->arena, SECRET_ARENA_MAX);
    p->fetching = true;
    p->skew_tried = false;
    p->next_role = 0;
    p->tries_left = FETCH_TRIES;
    if (credentials_chain_resolve(p->env, &p->arena, &p->chain, &p->failure)) {
        p->chain.by_default = false;  // the words are final
        fail_fetch(p);
        return;
    }
    p->keys = p->chain.keys;
    p->step = first[p->chain.base];
    if (p->chain.base == CREDENTIALS_STATIC && p->chain.role_count == 0)
        finish_fetch(p);
    else
        ask(p);
}

// ---- the provider -----------------------------------------------------------------------------------------------------------
// How long before its end a session is renewed: short ones not at once again.
static int64_t before_ms(const struct credentials_provider *p, int64_t most_ms, int64_t part)
{
    int64_t ms = (p->present.expires_ms - p->taken_ms) / part;
    return ms < most_ms ? ms : most_ms;
}

enum credentials_state credentials_provider_poll(struct credentials_provider *p, const struct credentials **ret,
                                                 struct err *err)
{
    *ret = NULL;
    bool ends = p->have && p->present.expires_ms != 0;
    int64_t left_ms = ends ? p->present.expires_ms - aws_ms(p) : INT64_MAX;
    bool stable = p->have && wire_ms(p) < p->stable_until_ms;
    bool usable = p->have && !p->refused && (left_ms > 0 || stable);
    bool due = !usable || (ends && !stable && left_ms <= before_ms(p, REFRESH_BEFORE_MS, 2));
    if (due && !(p->have && p->fixed))
        begin_fetch(p);
    // It may have ended at once: keys as written, or nothing to ask.
    usable = p->have && !p->refused && (!p->present.expires_ms || p->present.expires_ms > aws_ms(p) || wire_ms(p) < p->stable_until_ms);
    if (usable)
        *ret = &p->present;
    bool wait = usable && p->fetching && p->failed_ms == 0 && ends && left_ms <= before_ms(p, REFRESH_MUST_MS, 4);
    if (usable && !wait)
        return CREDENTIALS_READY;
    if (p->fetching)
        return CREDENTIALS_PENDING;
    if (p->have && p->fixed)
        err_set(err, ERR_AUTH, "credentials of %s were refused as expired", p->source_name);
    else if (err)
        *err = p->failure;
    return CREDENTIALS_FAILED;
}

const struct credentials *credentials_provider_present(const struct credentials_provider *p)
{
    return p->have ? &p->present : NULL;
}

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

// Keys as written: only a file that was changed since can hold better ones.
static bool reread_files(struct credentials_provider *p)
{
    if (!p->from_files)
        return false;
    struct arena a;
    arena_init(&a, SECRET_ARENA_MAX);
    struct credentials_chain c;
    struct err err;
    bool better = credentials_chain_resolve(p->env, &a, &c, &err) == 0 && c.from_files && c.role_count == 0 &&
                  (strcmp(c.keys.access_key_id, p->present.access_key_id) != 0 || strcmp(c.keys.secret, p->present.secret) != 0 ||
                   strcmp(or_empty(c.keys.session_token), or_empty(p->present.session_token)) != 0);
    if (better)
        take(p, &c, &c.keys);
    arena_release(&a);
    return better;
}

bool credentials_provider_expire(struct credentials_provider *p, uint64_t generation)
{
    if (generation != p->present.generation)
        return true;
    if (p->fixed)
        return reread_files(p);
    p->refused = true;
    p->failed_ms = 0;
    return true;
}
