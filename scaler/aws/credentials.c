#include "scaler/aws/credentials.h"

#include <openssl/crypto.h>

#include "scaler/aws/credentials_sources.h"

#define REFRESH_BEFORE_MS (15 * 60 * 1000)
#define RETRY_AFTER_MS 5000
#define FETCH_TIMEOUT_MS 2000
#define FETCH_TRIES 3
#define ANSWER_BYTES_MAX 65536u
#define SECRET_ARENA_MAX (8u << 20)

enum source { SOURCE_UNDECIDED, SOURCE_STATIC, SOURCE_CONTAINER };

struct credentials_provider {
    const struct aws_env *env;
    struct transport *transport;
    enum source source;
    struct credentials present;   // strings are malloc'd here
    char source_name[96];
    bool have, refused, from_files;
    // one fetch at a time
    bool fetching;
    uint64_t fetch_id;
    int tries_left;
    int64_t failed_ms;            // wire time of the last failed fetch, 0 = none
    struct err failure;
};

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

static void take(struct credentials_provider *p, const struct credentials_keys *k)
{
    uint64_t generation = p->present.generation + 1;
    wipe_present(p);
    p->present = (struct credentials){copy(k->access_key_id), copy(k->secret), copy(k->session_token), k->expires_ms, generation,
                                      p->source_name};
    p->have = true;
    p->refused = false;
    p->failed_ms = 0;
}

struct credentials_provider *credentials_provider_new(const struct aws_env *env, struct transport *transport)
{
    struct credentials_provider *p = calloc(1, sizeof *p);
    assert(p != NULL);
    p->env = env;
    p->transport = transport;
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

// ---- the container endpoint -------------------------------------------------------------------------------------------------
static void fail_fetch(struct credentials_provider *p)
{
    p->fetching = false;
    p->failed_ms = p->transport->ops->wire_ms(p->transport);
}

static void fetch(struct credentials_provider *p);

static void on_answer(void *arg, const struct transport_response *r)
{
    struct credentials_provider *p = arg;
    struct arena a;
    arena_init(&a, SECRET_ARENA_MAX);
    struct credentials_keys keys;
    int rc = r->err.kind;
    if (rc)
        err_set(&p->failure, ERR_TRANSIENT, "container credentials: %s", r->err.msg);
    else if (r->status != 200)
        rc = err_set(&p->failure, r->status >= 500 ? ERR_TRANSIENT : ERR_AUTH, "container credentials: HTTP status %d", r->status);
    else
        rc = credentials_container_decode(r->body, &a, &keys, &p->failure);
    int64_t now_ms = p->transport->ops->wire_ms(p->transport);
    if (rc == 0 && keys.expires_ms && keys.expires_ms <= now_ms)
        rc = err_set(&p->failure, ERR_AUTH, "container credentials: the endpoint gave expired ones");
    if (rc == 0) {
        take(p, &keys);
        p->fetching = false;
    }
    arena_release(&a);
    if (rc == 0)
        return;
    if (--p->tries_left > 0)
        fetch(p);
    else
        fail_fetch(p);
}

static void fetch(struct credentials_provider *p)
{
    struct arena a;
    arena_init(&a, SECRET_ARENA_MAX);
    struct credentials_container_target target;
    p->fetching = true;
    if (credentials_container_target(p->env, &a, &target, &p->failure)) {
        fail_fetch(p);
    } else {
        struct http_header headers[2] = {{SLICE_LIT("Accept"), SLICE_LIT("application/json")}};
        size_t count = 1;
        if (target.authorization)
            headers[count++] = (struct http_header){SLICE_LIT("Authorization"), slice_of(target.authorization)};
        struct transport_request r = {"GET", target.url, headers, count, {NULL, 0}, FETCH_TIMEOUT_MS, ANSWER_BYTES_MAX, true};
        if (p->transport->ops->submit(p->transport, &r, on_answer, p, &p->fetch_id, &p->failure))
            fail_fetch(p);
    }
    arena_release(&a);
}

static void begin_fetch(struct credentials_provider *p)
{
    int64_t now_ms = p->transport->ops->wire_ms(p->transport);
    if (p->fetching || (p->failed_ms && now_ms - p->failed_ms < RETRY_AFTER_MS))
        return;
    p->tries_left = FETCH_TRIES;
    fetch(p);
}

// ---- choosing ---------------------------------------------------------------------------------------------------------------
static enum credentials_found find_static(struct credentials_provider *p, struct arena *a, struct credentials_keys *keys,
                                          struct err *err)
{
    enum credentials_found found = credentials_from_env(p->env, keys, err);
    p->from_files = found == CREDENTIALS_NONE;
    if (found == CREDENTIALS_NONE)
        found = credentials_from_files(p->env, a, keys, err);
    snprintf(p->source_name, sizeof p->source_name, p->from_files ? "profile %.64s" : "environment", credentials_profile(p->env));
    return found;
}

static int choose(struct credentials_provider *p, struct err *err)
{
    struct arena a;
    arena_init(&a, SECRET_ARENA_MAX);
    struct credentials_keys keys;
    enum credentials_found found = find_static(p, &a, &keys, err);
    int rc = 0;
    switch (found) {
    case CREDENTIALS_FOUND:
        p->source = SOURCE_STATIC;
        take(p, &keys);
        break;
    case CREDENTIALS_BROKEN:
        rc = err->kind;
        break;
    case CREDENTIALS_NONE:
        if (credentials_container_configured(p->env)) {
            p->source = SOURCE_CONTAINER;
            snprintf(p->source_name, sizeof p->source_name, "container endpoint");
        } else {
            rc = err_set(err, ERR_AUTH, "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, or "
                                        "give the task a role");
        }
        break;
    }
    arena_release(&a);
    return rc;
}

enum credentials_state credentials_provider_poll(struct credentials_provider *p, const struct credentials **ret,
                                                 struct err *err)
{
    if (p->source == SOURCE_UNDECIDED && choose(p, err))
        return CREDENTIALS_FAILED;
    int64_t now_ms = p->transport->ops->wire_ms(p->transport);
    bool usable = p->have && !p->refused && (p->present.expires_ms == 0 || p->present.expires_ms > now_ms);
    bool due = !usable || (p->present.expires_ms && p->present.expires_ms - now_ms <= REFRESH_BEFORE_MS);
    if (p->source == SOURCE_CONTAINER && due)
        begin_fetch(p);
    if (usable) {
        *ret = &p->present;
        return CREDENTIALS_READY;
    }
    if (p->fetching)
        return CREDENTIALS_PENDING;
    if (p->source == SOURCE_STATIC)
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

// Static keys: only a file that was changed since can hold better ones.
static bool reread_files(struct credentials_provider *p)
{
    if (!p->from_files)
        return false;
    struct arena a;
    arena_init(&a, SECRET_ARENA_MAX);
    struct credentials_keys keys;
    struct err err;
    bool better = credentials_from_files(p->env, &a, &keys, &err) == CREDENTIALS_FOUND &&
                  (strcmp(keys.access_key_id, p->present.access_key_id) != 0 || strcmp(keys.secret, p->present.secret) != 0 ||
                   strcmp(or_empty(keys.session_token), or_empty(p->present.session_token)) != 0);
    if (better)
        take(p, &keys);
    arena_release(&a);
    return better;
}

bool credentials_provider_expire(struct credentials_provider *p, uint64_t generation)
{
    if (generation != p->present.generation)
        return true;
    if (p->source == SOURCE_STATIC)
        return reread_files(p);
    p->refused = true;
    p->failed_ms = 0;
    return true;
}

// ---- region -----------------------------------------------------------------------------------------------------------------
bool aws_region_valid(const char *region)
{
    size_t len = strlen(region), dashes = 0;
    for (size_t i = 0; i < len; i++) {
        bool letter = (region[i] >= 'a' && region[i] <= 'z') || (region[i] >= '0' && region[i] <= '9');
        dashes += region[i] == '-';
        if (!letter && region[i] != '-')
            return false;
    }
    return len > 0 && len < 32 && dashes >= 1 && region[0] != '-' && region[len - 1] != '-';
}

int aws_region_resolve(const struct aws_env *env, char ret[64], struct err *err)
{
    struct arena a;
    arena_init(&a, SECRET_ARENA_MAX);
    const char *region = aws_env_get(env, "AWS_REGION");
    if (!region)
        region = aws_env_get(env, "AWS_DEFAULT_REGION");
    if (!region)
        region = credentials_profile_value(env, &a, "region");
    int rc = 0;
    if (!region)
        rc = err_set(err, ERR_INVALID, "no AWS region: set it in the policy, or AWS_REGION");
    else if (!aws_region_valid(region))
        rc = err_set(err, ERR_INVALID, "not an AWS region: %.40s", region);
    else
        snprintf(ret, 64, "%s", region);
    arena_release(&a);
    return rc;
}
