#include "scaler/metrics/prometheus.h"

#include <string.h>

#include "scaler/aws/aws_sign.h"

enum { FORM_MAX_BYTES = 64 << 10, URL_MAX_BYTES = 4096, REQUEST_MAX_BYTES = 1 << 20 };

struct prometheus_call {
    struct transport *transport;
    uint64_t id;
    prometheus_done_fn done;
    void *arg;
    bool in_submit, over;  // a transport may complete it at once
};

// ---- the request ----------------------------------------------------------------------------------------------------------
static void add_time(struct buf *b, const char *name, int64_t ms)
{
    assert(ms >= 0);
    buf_printf(b, "&%s=%lld.%03d", name, (long long)(ms / 1000), (int)(ms % 1000));
}

static void make_form(const struct prometheus_query *q, struct buf *b)
{
    buf_add_str(b, "query=");
    buf_add_uri(b, slice_of(q->promql));
    if (q->step_ms > 0) {
        add_time(b, "start", q->from_ms);
        add_time(b, "end", q->to_ms);
        add_time(b, "step", q->step_ms);
    } else if (q->at_ms > 0) {
        add_time(b, "time", q->at_ms);
    }
    buf_printf(b, "&timeout=%lldms", (long long)q->timeout_ms);
}

static void add_base64(struct buf *b, struct slice s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < s.len; i += 3) {
        unsigned char in[3] = {0};
        size_t n = s.len - i < 3 ? s.len - i : 3;
        memcpy(in, s.ptr + i, n);
        unsigned bits = (unsigned)in[0] << 16 | (unsigned)in[1] << 8 | in[2];
        for (size_t k = 0; k < 4; k++)
            buf_add_char(b, k <= n ? digits[bits >> (18 - 6 * k) & 63] : '=');
    }
}

static bool given(const char *text)
{
    return text && *text;
}

static void make_authorization(const struct prometheus_server *s, struct buf *b)
{
    if (given(s->bearer)) {
        buf_printf(b, "Bearer %s", s->bearer);
    } else if (given(s->user)) {
        _cleanup_(buf_release) struct buf pair;
        buf_init(&pair, URL_MAX_BYTES);
        buf_printf(&pair, "%s:%s", s->user, given(s->password) ? s->password : "");
        buf_add_str(b, "Basic ");
        add_base64(b, buf_slice(&pair));
    }
}

// scheme://HOST PATH, for the signature.
static void split_url(const char *url, struct arena *a, const char **ret_host, const char **ret_path)
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    size_t n = strcspn(host, "/");
    *ret_host = arena_strndup(a, host, n);
    *ret_path = host[n] ? host + n : "/";
}

static int make_headers(const struct prometheus_server *s, const char *url, struct slice body, struct arena *a, struct buf *authorization,
                        struct http_header ret[AWS_SIGN_HEADERS_MAX], size_t *ret_count, struct err *err)
{
    static const char type[] = "application/x-www-form-urlencoded";
    if (s->aws) {
        struct aws_sign_request r = {.service = "aps", .content_type = type, .body = body};
        split_url(url, a, &r.host, &r.path);
        return aws_sign(s->aws, &r, a, ret, ret_count, err);
    }
    size_t n = 0;
    ret[n++] = (struct http_header){SLICE_LIT("Content-Type"), SLICE_LIT(type)};
    make_authorization(s, authorization);
    if (buf_failed(authorization))
        return err_set(err, ERR_LIMIT, "the secret for %.100s is too long", url);
    if (authorization->len)
        ret[n++] = (struct http_header){SLICE_LIT("Authorization"), buf_slice(authorization)};
    *ret_count = n;
    return 0;
}

// ---- the answer -----------------------------------------------------------------------------------------------------------
static void on_response(void *arg, const struct transport_response *r)
{
    struct prometheus_call *c = arg;
    struct prometheus_answer answer;
    struct err err = r->err;
    struct arena a;
    arena_init(&a, 0);  // the body is limited
    int rc = err.kind ? err.kind : prometheus_decode(r->body, r->status, &a, &answer, &err);
    c->done(c->arg, rc == 0 ? &answer : NULL, &err);
    arena_release(&a);
    c->over = true;
    if (!c->in_submit)
        free(c);
}

static int submit(struct prometheus_call *c, const struct prometheus_server *s, const struct prometheus_query *q, struct err *err)
{
    _cleanup_(arena_release) struct arena a;
    _cleanup_(buf_release) struct buf url, form, authorization;
    struct http_header headers[AWS_SIGN_HEADERS_MAX];
    size_t header_count = 0, len = strlen(s->url);
    arena_init(&a, REQUEST_MAX_BYTES);
    buf_init(&url, URL_MAX_BYTES);
    buf_init(&form, FORM_MAX_BYTES);
    buf_init(&authorization, FORM_MAX_BYTES);
    while (len > 0 && s->url[len - 1] == '/')
        len--;
    buf_add(&url, s->url, len);
    buf_add_str(&url, q->step_ms > 0 ? "/api/v1/query_range" : "/api/v1/query");
    make_form(q, &form);
    if (buf_failed(&url) || buf_failed(&form))
        return err_set(err, ERR_LIMIT, "the URL or the query is too long");
    int rc = make_headers(s, buf_str(&url), buf_slice(&form), &a, &authorization, headers, &header_count, err);
    if (rc)
        return rc;
    struct transport_request r = {.method = "POST", .url = buf_str(&url), .headers = headers, .header_count = header_count, .body = buf_slice(&form),
                                  .timeout_ms = q->timeout_ms, .max_response_bytes = q->max_bytes, .outward = true, .ca_file = s->ca_file};
    return c->transport->ops->submit(c->transport, &r, on_response, c, &c->id, err);
}

struct prometheus_call *prometheus_ask(struct transport *t, const struct prometheus_server *s, const struct prometheus_query *q,
                                       prometheus_done_fn done, void *arg)
{
    assert(q->timeout_ms > 0);
    assert(q->max_bytes > 0);
    struct err err = {0};
    struct prometheus_call *c = calloc(1, sizeof *c);
    assert(c);
    *c = (struct prometheus_call){.transport = t, .done = done, .arg = arg};
    c->in_submit = true;
    int rc = submit(c, s, q, &err);
    c->in_submit = false;
    if (rc == 0 && !c->over)
        return c;
    free(c);
    if (rc)
        done(arg, NULL, &err);
    return NULL;
}

void prometheus_cancel(struct prometheus_call *c)
{
    if (c)
        c->transport->ops->cancel(c->transport, c->id);
}
