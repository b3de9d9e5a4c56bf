#include "web/reply.h"

#include <zlib.h>

#include "base/parse.h"
#include "web/asset.h"
#include "web/guests.h"

#define GZIP_FROM_BYTES 1024

// No script, style or connection but our own, no frame around us, nothing loaded from elsewhere. %s: the page's style, by its hash.
#define POLICY "default-src 'none'; script-src 'self'; style-src %s; connect-src 'self'; img-src 'self' data:; base-uri 'none'; " \
               "frame-ancestors 'none'; form-action 'none'"
static const struct {
    const char *name, *value;
} security_headers[] = {
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

static const char *const content_types[] = {
    [WEB_JSON] = "application/json",
    [WEB_PROBLEM] = "application/problem+json",
    [WEB_METRICS] = "text/plain; version=0.0.4; charset=utf-8",
    [WEB_ASSET] = "application/octet-stream",  // an asset says its own
    [WEB_EVENTS] = "text/event-stream",
};

// ---- what the client accepts and has --------------------------------------------------------------------------------------
bool web_accepts_gzip(const char *accept_encoding)
{
    struct slice rest = slice_of(accept_encoding);
    while (rest.len) {
        struct slice item = slice_cut(&rest, ',');
        struct slice coding = slice_trim(slice_cut(&item, ';'));
        double q = 1;
        struct slice parameter = slice_trim(item);
        if (slice_starts(parameter, "q=") && !parse_double((struct slice){parameter.ptr + 2, parameter.len - 2}, &q))
            q = 0;
        if (slice_eq_nocase(coding, SLICE_LIT("gzip")))
            return q > 0;
    }
    return false;
}

bool web_etag_matches(const char *if_none_match, const char *etag)
{
    struct slice rest = slice_of(if_none_match);
    while (rest.len) {
        struct slice item = slice_trim(slice_cut(&rest, ','));
        if (slice_starts(item, "W/"))
            item = (struct slice){item.ptr + 2, item.len - 2};
        if (slice_eq_str(item, etag) || slice_eq_str(item, "*"))
            return true;
    }
    return false;
}

// ---- the body -------------------------------------------------------------------------------------------------------------
struct body {
    const void *data;
    size_t len;
    void *owned;  // to be freed by the answer, NULL: lives as long as the program
    bool gzip;
    char etag[32];
};

static void *gzip_bytes(const void *data, size_t len, size_t *ret_len)
{
    z_stream z = {0};
    if (deflateInit2(&z, 5, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return NULL;
    size_t cap = deflateBound(&z, len);
    unsigned char *out = malloc(cap);
    z.next_in = (Bytef *)data;
    z.avail_in = (uInt)len;
    z.next_out = out;
    z.avail_out = (uInt)cap;
    bool done = out && deflate(&z, Z_FINISH) == Z_STREAM_END;
    *ret_len = z.total_out;
    deflateEnd(&z);
    if (!done) {
        free(out);
        return NULL;
    }
    return out;
}

static uint64_t fnv1a(const char *p, size_t len)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)p[i]) * 1099511628211u;
    return h;
}

static struct body asset_body(const struct web_asset *a, bool gzip)
{
    struct body b = {.data = a->data, .len = a->len};
    if (gzip && a->gzip) {
        b.data = a->gzip;
        b.len = a->gzip_len;
        b.gzip = true;
    }
    snprintf(b.etag, sizeof(b.etag), "%s", a->etag);
    return b;
}

// Takes the response's bytes.
static struct body text_body(struct web_response *w, bool gzip)
{
    struct body b = {.len = w->body.len};
    snprintf(b.etag, sizeof(b.etag), "\"%016llx\"",
             (unsigned long long)fnv1a(buf_str(&w->body) + w->etag_skip, w->body.len - w->etag_skip));
    if (gzip && b.len >= GZIP_FROM_BYTES)
        b.owned = gzip_bytes(w->body.data, w->body.len, &b.len);
    b.gzip = b.owned != NULL;
    if (!b.owned) {
        b.len = w->body.len;
        b.owned = TAKE_PTR(w->body.data);
        w->body.len = w->body.cap = 0;
    }
    b.data = b.owned;
    return b;
}

static struct MHD_Response *make_answer(struct body *b)
{
    if (!b->owned)
        return MHD_create_response_from_buffer(b->len, (void *)b->data, MHD_RESPMEM_PERSISTENT);
    struct MHD_Response *m = MHD_create_response_from_buffer(b->len, b->owned, MHD_RESPMEM_MUST_FREE);
    if (!m)
        free(b->owned);
    b->owned = NULL;
    return m;
}

void web_add_security_headers(struct MHD_Response *m)
{
    char policy[sizeof(POLICY) + 64];
    snprintf(policy, sizeof(policy), POLICY, web_style_source);
    MHD_add_response_header(m, "Content-Security-Policy", policy);
    for (size_t i = 0; i < ARRAY_LEN(security_headers); i++)
        MHD_add_response_header(m, security_headers[i].name, security_headers[i].value);
}

static void add_headers(struct MHD_Response *m, const struct web_response *w, const struct body *b, int64_t now_ms)
{
    char now[32];
    MHD_add_response_header(m, "Content-Type", w->asset ? w->asset->content_type : content_types[w->type]);
    MHD_add_response_header(m, "Cache-Control", w->type == WEB_ASSET || w->type == WEB_JSON ? "no-cache" : "no-store");
    MHD_add_response_header(m, "Vary", "Accept-Encoding");
    MHD_add_response_header(m, "Masu-Now", format_iso8601(now_ms, false, now));
    web_add_security_headers(m);
    if (b->gzip)
        MHD_add_response_header(m, "Content-Encoding", "gzip");
    if (w->status == 200 && w->type != WEB_METRICS)
        MHD_add_response_header(m, "ETag", b->etag);
    if (w->status == 405)
        MHD_add_response_header(m, "Allow", w->allow ? w->allow : "GET, HEAD");
    if (w->status == 401)
        MHD_add_response_header(m, "WWW-Authenticate", "Bearer realm=\"masu\"");
    if (w->status == 503)
        MHD_add_response_header(m, "Retry-After", "5");
}

struct guest *web_guest(struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

enum MHD_Result web_reply(struct MHD_Connection *c, struct web_response *w, int64_t now_ms)
{
    bool gzip = web_accepts_gzip(MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Accept-Encoding"));
    const char *known = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "If-None-Match");
    struct body b = w->asset ? asset_body(w->asset, gzip) : text_body(w, gzip);
    buf_release(&w->body);
    unsigned status = (unsigned)w->status;
    if (status == 200 && w->type != WEB_METRICS && web_etag_matches(known, b.etag)) {
        status = 304;
        free(b.owned);
        b.owned = NULL;
        b.data = "";
        b.len = 0;
        b.gzip = false;
    }
    if (!guest_is_served(web_guest(c), b.owned ? b.len : 0)) {
        free(b.owned);
        buf_init(&w->body, 1024);
        web_problem(w, 503, "others read too much too slowly");
        b = text_body(w, false);
        status = 503;
    }
    struct MHD_Response *m = make_answer(&b);
    if (!m)
        return MHD_NO;
    add_headers(m, w, &b, now_ms);
    enum MHD_Result ret = MHD_queue_response(c, status, m);
    MHD_destroy_response(m);
    return ret;
}
