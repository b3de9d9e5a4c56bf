#include "scaler/aws/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <strings.h>

#define HEADERS_MAX 64
#define PARAMS_MAX 256
#define SCRATCH_MAX (1u << 20)
#define DATE_LEN 8

const struct sigv4_options sigv4_default = {.normalize_path = true, .encode_path = true};
const struct sigv4_options sigv4_s3 = {.normalize_path = false, .encode_path = false};

static const char *const never_signed[] = {
    "authorization", "connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "user-agent",
    "x-amzn-trace-id",
};

bool sigv4_never_signed(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(never_signed); i++)
        if (slice_eq_nocase(name, slice_of(never_signed[i])))
            return true;
    return false;
}

static void hex(const unsigned char digest[32], char out[SIGV4_HEX_MAX])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 32; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[64] = '\0';
}

void sigv4_sha256_hex(struct slice data, char out[SIGV4_HEX_MAX])
{
    unsigned char digest[32];
    int ok = EVP_Digest(data.len ? data.ptr : "", data.len, digest, NULL, EVP_sha256(), NULL);
    assert(ok == 1);
    hex(digest, out);
}

static void hmac(const void *key, size_t key_len, struct slice data, unsigned char out[32])
{
    unsigned int len = 0;
    const unsigned char *bytes = (const unsigned char *)(data.len ? data.ptr : "");
    const unsigned char *p = HMAC(EVP_sha256(), key, (int)key_len, bytes, data.len, out, &len);
    assert(p != NULL);
    assert(len == 32);
}

// ---- canonical path ---------------------------------------------------------------------------------------------------------
static bool is_dots(struct slice s)
{
    return slice_eq_str(s, "..");
}

// Drops "", "." and resolves ".."; keeps a slash at the end.
static int normalize_path(struct slice path, struct buf *out, struct err *err)
{
    struct slice segments[PARAMS_MAX];
    size_t count = 0;
    bool slash_at_end = path.len > 0 && path.ptr[path.len - 1] == '/';
    while (path.len) {
        struct slice s = slice_cut(&path, '/');
        if (s.len == 0 || slice_eq_str(s, "."))
            continue;
        if (is_dots(s)) {
            count -= count > 0;
            continue;
        }
        if (count == PARAMS_MAX)
            return err_set(err, ERR_LIMIT, "signing: path with more than %d parts", PARAMS_MAX);
        segments[count++] = s;
    }
    for (size_t i = 0; i < count; i++) {
        buf_add_char(out, '/');
        buf_add_slice(out, segments[i]);
    }
    if (count == 0 || slash_at_end)
        buf_add_char(out, '/');
    return 0;
}

static int add_path(struct slice path, const struct sigv4_options *o, struct buf *out, struct err *err)
{
    _cleanup_(buf_release) struct buf normal;
    buf_init(&normal, SCRATCH_MAX);
    if (o->normalize_path) {
        int rc = normalize_path(path, &normal, err);
        if (rc)
            return rc;
    } else {
        buf_add_slice(&normal, path.len ? path : SLICE_LIT("/"));
    }
    if (buf_failed(&normal))
        return err_set(err, ERR_LIMIT, "signing: path too long");
    struct slice p = buf_slice(&normal);
    if (!o->encode_path) {
        buf_add_slice(out, p);
        return 0;
    }
    size_t from = 0;
    for (size_t i = 0; i <= p.len; i++) {
        if (i < p.len && p.ptr[i] != '/')
            continue;
        buf_add_uri(out, (struct slice){p.ptr + from, i - from});
        if (i < p.len)
            buf_add_char(out, '/');
        from = i + 1;
    }
    return 0;
}

// ---- canonical query --------------------------------------------------------------------------------------------------------
struct pair {
    struct slice name, value;
    size_t order;  // where it stood: equal names keep their order
};

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Decodes what is percent-encoded and encodes it again, so that every writing of a byte becomes the canonical one.
static void add_recoded(struct slice s, struct buf *out)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        int high = i + 2 < s.len && c == '%' ? hex_value(s.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_value(s.ptr[i + 2]) : -1;
        if (low >= 0) {
            c = (char)(high * 16 + low);
            i += 2;
        }
        buf_add_uri(out, (struct slice){&c, 1});
    }
}

static int slice_compare(struct slice a, struct slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

static int compare_params(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int c = slice_compare(x->name, y->name);
    return c ? c : slice_compare(x->value, y->value);
}

static int add_query(struct slice query, struct buf *out, struct err *err)
{
    struct pair params[PARAMS_MAX];
    size_t count = 0, ends[PARAMS_MAX][2];
    _cleanup_(buf_release) struct buf text;
    buf_init(&text, SCRATCH_MAX);
    while (query.len) {
        struct slice value = slice_cut(&query, '&');
        if (value.len == 0)
            continue;
        if (count == PARAMS_MAX)
            return err_set(err, ERR_LIMIT, "signing: more than %d query parameters", PARAMS_MAX);
        struct slice name = slice_cut(&value, '=');
        add_recoded(name, &text);
        ends[count][0] = text.len;
        add_recoded(value, &text);
        ends[count++][1] = text.len;
    }
    if (buf_failed(&text))
        return err_set(err, ERR_LIMIT, "signing: query too long");
    for (size_t i = 0, from = 0; i < count; from = ends[i][1], i++)
        params[i] = (struct pair){{text.data + from, ends[i][0] - from}, {text.data + ends[i][0], ends[i][1] - ends[i][0]}, i};
    if (count > 1)
        qsort(params, count, sizeof *params, compare_params);
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_add_char(out, '&');
        buf_add_slice(out, params[i].name);
        buf_add_char(out, '=');
        buf_add_slice(out, params[i].value);
    }
    return 0;
}

// ---- canonical headers ------------------------------------------------------------------------------------------------------
static int compare_headers(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    size_t n = x->name.len < y->name.len ? x->name.len : y->name.len;
    int c = n ? strncasecmp(x->name.ptr, y->name.ptr, n) : 0;
    if (c == 0)
        c = (x->name.len > y->name.len) - (x->name.len < y->name.len);
    return c ? c : (x->order > y->order) - (x->order < y->order);
}

static void add_lower(struct slice s, struct buf *out)
{
    for (size_t i = 0; i < s.len; i++)
        buf_add_char(out, (char)(s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? s.ptr[i] - 'A' + 'a' : s.ptr[i]));
}

static void add_value(struct slice value, struct buf *out)
{
    value = slice_trim(value);
    bool space = false;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            space = true;
            continue;
        }
        if (space)
            buf_add_char(out, ' ');
        space = false;
        buf_add_char(out, c);
    }
}

static int add_headers(const struct sigv4_request *r, struct buf *out, struct buf *names, struct err *err)
{
    struct pair headers[HEADERS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < r->header_count; i++) {
        if (sigv4_never_signed(r->headers[i].name))
            continue;
        if (count == HEADERS_MAX)
            return err_set(err, ERR_LIMIT, "signing: more than %d headers", HEADERS_MAX);
        headers[count] = (struct pair){r->headers[i].name, r->headers[i].value, count};
        count++;
    }
    if (count > 1)
        qsort(headers, count, sizeof *headers, compare_headers);
    for (size_t i = 0; i < count; i++) {
        bool again = i > 0 && slice_eq_nocase(headers[i].name, headers[i - 1].name);
        if (again) {
            buf_add_char(out, ',');
        } else {
            if (i) {
                buf_add_char(out, '\n');
                buf_add_char(names, ';');
            }
            add_lower(headers[i].name, out);
            add_lower(headers[i].name, names);
            buf_add_char(out, ':');
        }
        add_value(headers[i].value, out);
    }
    buf_add_char(out, '\n');
    return 0;
}

// ---- the stages -------------------------------------------------------------------------------------------------------------
int sigv4_canonical_request(const struct sigv4_request *r, const struct sigv4_options *o, struct buf *out,
                            struct buf *signed_names, struct err *err)
{
    buf_add_slice(out, r->method);
    buf_add_char(out, '\n');
    int rc = add_path(r->path, o, out, err);
    if (rc)
        return rc;
    buf_add_char(out, '\n');
    rc = add_query(r->query, out, err);
    if (rc)
        return rc;
    buf_add_char(out, '\n');
    rc = add_headers(r, out, signed_names, err);
    if (rc)
        return rc;
    buf_add_char(out, '\n');
    buf_add_slice(out, buf_slice(signed_names));
    buf_add_char(out, '\n');
    char hash[SIGV4_HEX_MAX];
    if (!r->payload_hash)
        sigv4_sha256_hex(r->body, hash);
    buf_add_str(out, r->payload_hash ? r->payload_hash : hash);
    if (buf_failed(out) || buf_failed(signed_names))
        return err_set(err, ERR_LIMIT, "signing: request too long");
    return 0;
}

static void add_scope(const struct sigv4_scope *s, struct buf *out)
{
    buf_printf(out, "%.*s/%s/%s/aws4_request", DATE_LEN, s->amz_date, s->region, s->service);
}

void sigv4_string_to_sign(struct slice canonical_request, const struct sigv4_scope *s, struct buf *out)
{
    char hash[SIGV4_HEX_MAX];
    sigv4_sha256_hex(canonical_request, hash);
    buf_printf(out, "AWS4-HMAC-SHA256\n%s\n", s->amz_date);
    add_scope(s, out);
    buf_printf(out, "\n%s", hash);
}

void sigv4_key_cache_release(struct sigv4_key_cache *c)
{
    if (c)
        OPENSSL_cleanse(c, sizeof *c);
}

static void cache_tag(const char *secret, const struct sigv4_scope *s, char tag[SIGV4_HEX_MAX])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert(ctx != NULL);
    unsigned char digest[32];
    const char *parts[] = {secret, s->region, s->service};
    int ok = EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
    ok &= EVP_DigestUpdate(ctx, s->amz_date, DATE_LEN);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)  // with its NUL, so that parts cannot run together
        ok &= EVP_DigestUpdate(ctx, parts[i], strlen(parts[i]) + 1);
    ok &= EVP_DigestFinal_ex(ctx, digest, NULL);
    assert(ok == 1);
    EVP_MD_CTX_free(ctx);
    hex(digest, tag);
}

void sigv4_signing_key(const char *secret, const struct sigv4_scope *s, struct sigv4_key_cache *cache, unsigned char key[32])
{
    char tag[SIGV4_HEX_MAX];
    if (cache) {
        cache_tag(secret, s, tag);
        if (cache->valid && sigv4_equal(tag, cache->tag)) {
            memcpy(key, cache->key, sizeof cache->key);
            return;
        }
    }
    _cleanup_(buf_release) struct buf first;
    buf_init(&first, SCRATCH_MAX);
    buf_printf(&first, "AWS4%s", secret);
    hmac(first.data, first.len, (struct slice){s->amz_date, DATE_LEN}, key);
    OPENSSL_cleanse(first.data, first.len);
    hmac(key, 32, slice_of(s->region), key);
    hmac(key, 32, slice_of(s->service), key);
    hmac(key, 32, SLICE_LIT("aws4_request"), key);
    if (cache) {
        memcpy(cache->tag, tag, sizeof tag);
        memcpy(cache->key, key, sizeof cache->key);
        cache->valid = true;
    }
}

void sigv4_signature(const unsigned char key[32], struct slice string_to_sign, char out[SIGV4_HEX_MAX])
{
    unsigned char digest[32];
    hmac(key, 32, string_to_sign, digest);
    hex(digest, out);
}

int sigv4_authorization(const struct sigv4_request *r, const struct sigv4_options *o, const struct sigv4_scope *s,
                        const char *access_key_id, const char *secret, struct sigv4_key_cache *cache, struct buf *out,
                        struct err *err)
{
    assert(strlen(s->amz_date) == 16);
    _cleanup_(buf_release) struct buf canonical, names, to_sign;
    buf_init(&canonical, SCRATCH_MAX);
    buf_init(&names, SCRATCH_MAX);
    buf_init(&to_sign, SCRATCH_MAX);
    int rc = sigv4_canonical_request(r, o, &canonical, &names, err);
    if (rc)
        return rc;
    sigv4_string_to_sign(buf_slice(&canonical), s, &to_sign);
    unsigned char key[32];
    char signature[SIGV4_HEX_MAX];
    sigv4_signing_key(secret, s, cache, key);
    sigv4_signature(key, buf_slice(&to_sign), signature);
    OPENSSL_cleanse(key, sizeof key);
    buf_printf(out, "AWS4-HMAC-SHA256 Credential=%s/", access_key_id);
    add_scope(s, out);
    buf_printf(out, ", SignedHeaders=%s, Signature=%s", buf_str(&names), signature);
    if (buf_failed(out) || buf_failed(&to_sign))
        return err_set(err, ERR_LIMIT, "signing: authorization too long");
    return 0;
}

bool sigv4_equal(const char *a, const char *b)
{
    size_t n = strlen(a);
    return n == strlen(b) && CRYPTO_memcmp(a, b, n) == 0;
}
