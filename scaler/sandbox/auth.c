// Who is asking, and is the request what was signed? In the order and the words of the services.
#include "scaler/sandbox/auth_header.h"
#include "scaler/sandbox/internal.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "scaler/aws/sigv4.h"

#define SKEW_MAX_MS ((int64_t)15 * 60 * 1000)

enum refusal { REFUSE_MISSING, REFUSE_INCOMPLETE, REFUSE_KEY, REFUSE_TOKEN_EXPIRED, REFUSE_SIGNATURE, REFUSE_DATE, REFUSE_COUNT };

// As ECS says it, whose words all JSON services use; as EC2; and as STS, whose words all others of the query protocol use.
static const struct {
    int status;
    const char *code;
} refusals[REFUSE_COUNT][3] = {
    [REFUSE_MISSING] = {{400, "MissingAuthenticationTokenException"}, {401, "AuthFailure"}, {403, "MissingAuthenticationToken"}},
    [REFUSE_INCOMPLETE] = {{400, "IncompleteSignatureException"}, {400, "IncompleteSignature"}, {400, "IncompleteSignature"}},
    [REFUSE_KEY] = {{400, "UnrecognizedClientException"}, {401, "AuthFailure"}, {403, "InvalidClientTokenId"}},
    [REFUSE_TOKEN_EXPIRED] = {{400, "ExpiredTokenException"}, {400, "RequestExpired"}, {403, "ExpiredToken"}},
    [REFUSE_SIGNATURE] = {{400, "InvalidSignatureException"}, {403, "SignatureDoesNotMatch"}, {403, "SignatureDoesNotMatch"}},
    [REFUSE_DATE] = {{400, "InvalidSignatureException"}, {400, "RequestExpired"}, {403, "SignatureDoesNotMatch"}},
};

static bool refuse(struct call *c, enum refusal why, const char *message)
{
    int like = c->speaks_json ? 0 : c->service == AWS_EC2 ? 1 : 2;
    call_fail(c, refusals[why][like].status, refusals[why][like].code, "%s", message);
    return false;
}

static bool refuse_key(struct call *c)
{
    return refuse(c, REFUSE_KEY,
                  c->service == AWS_EC2 ? "AWS was not able to validate the provided access credentials"
                                        : "The security token included in the request is invalid.");
}

static struct key *find_key(struct sandbox *s, struct slice id)
{
    for (int i = 0; i < s->key_count; i++)
        if (slice_eq_str(id, s->keys[i].id))
            return &s->keys[i];
    for (int i = 0; i < SESSIONS_MAX; i++)
        if (s->sessions[i].id[0] != '\0' && slice_eq_str(id, s->sessions[i].id))
            return &s->sessions[i];
    return NULL;
}

static bool named_in(struct slice list, struct slice name)
{
    while (list.len > 0)
        if (slice_eq_nocase(slice_cut(&list, ';'), name))
            return true;
    return false;
}

// The headers that were signed, in the request's order. NULL where one that must be signed was not, or one named is absent.
static struct http_header *signed_headers(struct call *c, struct slice names, size_t *ret_count, const char **ret_why)
{
    const struct sandbox_request *r = c->request;
    struct http_header *found = arena_array(c->arena, struct http_header, r->header_count + 1);
    size_t count = 0, named = 0;
    for (size_t i = 0; i < r->header_count; i++) {
        bool is_named = named_in(names, r->headers[i].name);
        bool must = slice_eq_nocase(r->headers[i].name, SLICE_LIT("host")) ||
                    (r->headers[i].name.len > 6 && slice_eq_nocase((struct slice){r->headers[i].name.ptr, 6}, SLICE_LIT("x-amz-")));
        if (must && !is_named) {
            *ret_why = "'Host' and all 'X-Amz-' headers must be 'SignedHeader' in the AWS Authorization.";
            return NULL;
        }
        if (is_named)
            found[count++] = (struct http_header){r->headers[i].name, r->headers[i].value};
    }
    while (names.len > 0) {
        slice_cut(&names, ';');
        named++;
    }
    if (named != count) {
        *ret_why = "A header named in SignedHeaders is not in the request.";
        return NULL;
    }
    *ret_count = count;
    return found;
}

static const unsigned char *signing_key(struct key *key, const struct sigv4_scope *scope)
{
    for (size_t i = 0; i < ARRAY_LEN(key->cache); i++) {
        struct signing_cache *e = &key->cache[i];
        if (memcmp(e->date, scope->amz_date, 8) == 0 && strcmp(e->region, scope->region) == 0 && strcmp(e->service, scope->service) == 0)
            return e->key;
    }
    struct signing_cache *e = &key->cache[key->cache_next++ % ARRAY_LEN(key->cache)];
    memcpy(e->date, scope->amz_date, 8);
    snprintf(e->region, sizeof e->region, "%s", scope->region);
    snprintf(e->service, sizeof e->service, "%s", scope->service);
    sigv4_signing_key(key->secret, scope, NULL, e->key);
    return e->key;
}

static bool check_signature(struct call *c, const struct auth_header *h, struct key *key, const char *amz_date)
{
    const char *why = "";
    size_t count = 0;
    struct http_header *headers = signed_headers(c, h->signed_headers, &count, &why);
    if (headers == NULL)
        return refuse(c, REFUSE_SIGNATURE, why);
    char hash[SIGV4_HEX_MAX], expected[SIGV4_HEX_MAX];
    sigv4_sha256_hex(c->request->body, hash);
    struct slice claimed = request_header(c->request, "x-amz-content-sha256");
    if (claimed.ptr != NULL && !slice_eq_str(claimed, hash))
        return refuse(c, REFUSE_SIGNATURE, "The value of x-amz-content-sha256 is not the hash of the body.");
    struct sigv4_request r = {.method = slice_of(c->request->method), .path = c->request->path, .query = c->request->query,
                              .headers = headers, .header_count = count, .body = c->request->body, .payload_hash = hash};
    struct sigv4_scope scope = {amz_date, c->region->name, arena_strndup(c->arena, h->service.ptr, h->service.len)};
    struct buf canonical, names, to_sign;
    buf_init(&canonical, 64 << 10);
    buf_init(&names, 8 << 10);
    buf_init(&to_sign, 1 << 10);
    struct err err = {0};
    int result = sigv4_canonical_request(&r, &sigv4_default, &canonical, &names, &err);
    // The list must be sorted: the same names in another order are another request.
    bool listed = result == 0 && slice_eq(buf_slice(&names), h->signed_headers);
    if (listed) {
        sigv4_string_to_sign(buf_slice(&canonical), &scope, &to_sign);
        sigv4_signature(signing_key(key, &scope), buf_slice(&to_sign), expected);
    }
    bool good = listed && sigv4_equal(expected, arena_strndup(c->arena, h->signature.ptr, h->signature.len));
    buf_release(&canonical);
    buf_release(&names);
    buf_release(&to_sign);
    if (good)
        return true;
    return refuse(c, REFUSE_SIGNATURE,
                  "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
                  "Key and signing method. Consult the service documentation for details.");
}

static bool check_date(struct call *c, struct slice amz_date, int64_t signed_ms)
{
    int64_t wire_ms = c->request->wire_ms, off_ms = wire_ms - signed_ms;
    if (off_ms <= SKEW_MAX_MS && off_ms >= -SKEW_MAX_MS)
        return true;
    if (c->service == AWS_EC2)
        return refuse(c, REFUSE_DATE, "Request has expired.");
    char now[32], edge[32];
    int64_t edge_ms = off_ms > 0 ? wire_ms - SKEW_MAX_MS : wire_ms + SKEW_MAX_MS;
    format_amz_date(wire_ms, now);
    format_amz_date(edge_ms, edge);
    return refuse(c, REFUSE_DATE,
                  arena_printf(c->arena, "Signature %s: %.*s is now %s than %s (%s %c 15 min.)", off_ms > 0 ? "expired" : "not yet current",
                               (int)amz_date.len, amz_date.ptr, off_ms > 0 ? "earlier" : "later", edge, now, off_ms > 0 ? '-' : '+'));
}

static bool parse_amz_date(struct slice d, int64_t *ret_ms)
{
    if (d.len != 16 || d.ptr[8] != 'T' || d.ptr[15] != 'Z')
        return false;
    char iso[32];
    snprintf(iso, sizeof iso, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", d.ptr, d.ptr + 4, d.ptr + 6, d.ptr + 9, d.ptr + 11, d.ptr + 13);
    return parse_iso8601_ms(slice_of(iso), ret_ms);
}

static bool check_token(struct call *c, const struct key *key)
{
    struct slice token = request_header(c->request, "x-amz-security-token");
    if (key->token[0] == '\0')
        return token.ptr == NULL ? true : refuse_key(c);
    if (token.ptr == NULL || !slice_eq_str(token, key->token))
        return refuse_key(c);
    if (c->request->wire_ms >= key->until_ms)
        return refuse(c, REFUSE_TOKEN_EXPIRED,
                      c->service == AWS_EC2 ? "Request has expired." : "The security token included in the request is expired");
    return true;
}

// Only a region where the account has a world answers; AWS says the same of a region that is not enabled.
static struct region *find_region(struct sandbox *s, const char *account, struct slice name)
{
    for (int i = 0; i < s->region_count; i++)
        if (strcmp(s->regions[i].account, account) == 0 && slice_eq_str(name, s->regions[i].name))
            return &s->regions[i];
    return NULL;
}

static const char *const signing_names[AWS_SERVICE_COUNT] = {"ecs", "ec2", "sts", "application-autoscaling", "servicequotas", "sqs", "autoscaling", "monitoring"};

bool call_authenticate(struct call *c)
{
    struct slice authorization = request_header(c->request, "authorization");
    if (authorization.ptr == NULL)
        return refuse(c, REFUSE_MISSING, "Request is missing Authentication Token");
    struct auth_header h = {0};
    struct err err = {0};
    if (auth_header_parse(authorization, &h, &err) != 0)
        return refuse(c, REFUSE_INCOMPLETE, err.msg);
    struct slice amz_date = request_header(c->request, "x-amz-date");
    int64_t signed_ms = 0;
    if (amz_date.ptr == NULL || !parse_amz_date(amz_date, &signed_ms))
        return refuse(c, REFUSE_INCOMPLETE, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
    struct key *key = find_key(c->s, h.key_id);
    if (key == NULL || !check_token(c, key))
        return key == NULL ? refuse_key(c) : false;
    if (!slice_eq_str(h.service, signing_names[c->service]))
        return refuse(c, REFUSE_SIGNATURE, arena_printf(c->arena, "Credential should be scoped to correct service: '%s'.", signing_names[c->service]));
    if (memcmp(h.date.ptr, amz_date.ptr, 8) != 0)
        return refuse(c, REFUSE_SIGNATURE, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.");
    c->region = find_region(c->s, key->account, h.region);
    if (c->region == NULL)
        return refuse_key(c);
    struct slice host = request_header(c->request, "host");
    const char *own = arena_printf(c->arena, "%s.%s.amazonaws.com", signing_names[c->service], c->region->name);
    bool at_aws = host.len > 14 && slice_eq_str((struct slice){host.ptr + host.len - 14, 14}, ".amazonaws.com");
    if (at_aws && !slice_eq_str(host, own))
        return refuse(c, REFUSE_SIGNATURE, "Credential should be scoped to a valid region and service of this endpoint.");
    c->key = key;
    return check_date(c, amz_date, signed_ms) &&
           check_signature(c, &h, key, arena_strndup(c->arena, amz_date.ptr, amz_date.len));
}

struct key *session_new(struct sandbox *s, const char *account, const char *role_arn, int64_t from_ms, int64_t until_ms)
{
    struct key *k = &s->sessions[s->session_next++ % SESSIONS_MAX];
    *k = (struct key){.from_ms = from_ms, .until_ms = until_ms, .actor = WORLD_OURS};
    snprintf(k->account, sizeof k->account, "%s", account);
    snprintf(k->role_arn, sizeof k->role_arn, "%s", role_arn);
    snprintf(k->id, sizeof k->id, "ASIASANDBOX%09llu", (unsigned long long)rng_below(&s->rng, 1000000000));
    snprintf(k->secret, sizeof k->secret, "%016llx/%016llx+AB", (unsigned long long)rng_u64(&s->rng), (unsigned long long)rng_u64(&s->rng));
    snprintf(k->token, sizeof k->token, "sandbox//%016llx+%016llx==", (unsigned long long)rng_u64(&s->rng), (unsigned long long)rng_u64(&s->rng));
    return k;
}
