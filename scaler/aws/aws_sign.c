#include "scaler/aws/aws_sign.h"

#include "base/parse.h"
#include "scaler/aws/aws_private.h"

enum { AUTHORIZATION_MAX = 16384 };

static int credentials_of(struct aws *a, const struct credentials **ret, struct err *err)
{
    switch (credentials_provider_poll(a->credentials, ret, err)) {
    case CREDENTIALS_READY:
        return 0;
    case CREDENTIALS_PENDING:
        return *ret ? 0 : err_set(err, ERR_TRANSIENT, "credentials are being fetched");
    case CREDENTIALS_FAILED:
        return err->kind;
    }
    assert(!"credentials state");
    return ERR_AUTH;
}

int aws_sign(struct aws *a, const struct aws_sign_request *r, struct arena *arena, struct http_header ret_headers[AWS_SIGN_HEADERS_MAX],
             size_t *ret_count, struct err *err)
{
    const struct credentials *c = NULL;
    struct transport *t = a->clients->transport;
    int rc = credentials_of(a, &c, err);
    if (rc)
        return rc;
    char *date = arena_alloc(arena, 32, 1);
    format_amz_date(t->ops->wire_ms(t) + a->clients->skew.applied_ms, date);
    struct http_header *h = ret_headers;
    size_t n = 0;
    h[n++] = (struct http_header){SLICE_LIT("Host"), slice_of(r->host)};
    h[n++] = (struct http_header){SLICE_LIT("Content-Type"), slice_of(r->content_type)};
    h[n++] = (struct http_header){SLICE_LIT("X-Amz-Date"), slice_of(date)};
    if (c->session_token)
        h[n++] = (struct http_header){SLICE_LIT("X-Amz-Security-Token"), slice_of(arena_strdup(arena, c->session_token))};
    struct sigv4_request to_sign = {SLICE_LIT("POST"), slice_of(r->path), {NULL, 0}, h, n, r->body, NULL};
    struct sigv4_scope scope = {date, a->region, r->service};
    _cleanup_(buf_release) struct buf authorization;
    buf_init(&authorization, AUTHORIZATION_MAX);
    rc = sigv4_authorization(&to_sign, &sigv4_default, &scope, c->access_key_id, c->secret, NULL, &authorization, err);
    if (rc)
        return rc;
    h[n++] = (struct http_header){SLICE_LIT("Authorization"), slice_of(arena_strndup(arena, authorization.data, authorization.len))};
    assert(n <= AWS_SIGN_HEADERS_MAX);
    *ret_count = n;
    return 0;
}
