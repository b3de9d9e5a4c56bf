#include "scaler/daemon_ask.h"

#include <jansson.h>

#include "base/check.h"

enum { ANSWER_BYTES_MAX = 16384 };  // of an answer

struct answer {
    struct err err;
    int status;
    bool come;
    struct buf body;
};

static void on_answer(void *arg, const struct transport_response *r)
{
    struct answer *a = arg;
    a->come = true;
    a->err = r->err;
    a->status = r->status;
    buf_add_slice(&a->body, r->body);
}

static const char *host_to_ask(const char *listen)
{
    if (strcmp(listen, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(listen, "::") == 0 ? "::1" : listen;
}

// "the token is wrong" of a problem+json, else its status.
static int refused(const char *url, const struct answer *a, struct err *err)
{
    json_t *root = json_loadb(a->body.len ? a->body.data : "", a->body.len, 0, NULL);
    const char *detail = json_string_value(json_object_get(root, "detail"));
    err_set(err, ERR_CONFLICT, "%s: HTTP status %d%s%s", url, a->status, detail ? ": " : "", detail ? detail : "");
    json_decref(root);
    return ERR_CONFLICT;
}

static int exchange(struct transport *t, const struct transport_request *r, struct answer *a, struct err *err)
{
    uint64_t id;
    int rc = t->ops->submit(t, r, on_answer, a, &id, err);
    if (rc != 0)
        return rc;
    int64_t until_ms = clock_wall_ms(t->clock) + r->timeout_ms;
    while (!a->come && clock_wall_ms(t->clock) < until_ms)
        t->ops->wait(t, until_ms);
    if (!a->come)
        t->ops->cancel(t, id);
    if (a->err.kind != ERR_OK)
        return err_set(err, ERR_TRANSIENT, "%s: %s", r->url, a->err.msg);
    return a->status < 300 ? 0 : refused(r->url, a, err);
}

int daemon_ask(struct transport *t, const struct daemon_question *q, struct buf *answer, struct err *err)
{
    char url[192], authorization[640];
    const char *host = host_to_ask(q->listen->host);
    snprintf(url, sizeof url, strchr(host, ':') ? "http://[%s]:%d%s" : "http://%s:%d%s", host, q->listen->port, q->path);
    snprintf(authorization, sizeof authorization, "Bearer %s", q->token ? q->token : "");
    struct http_header headers[] = {{slice_of("Content-Type"), slice_of("application/json")},
                                    {slice_of("Authorization"), slice_of(authorization)}};
    bool post = q->body.len > 0;
    struct transport_request r = {.method = post ? "POST" : "GET", .url = url, .headers = headers, .header_count = post ? 2 : 0, .body = q->body,
                                  .timeout_ms = q->limit_ms, .max_response_bytes = ANSWER_BYTES_MAX, .direct = true};
    struct answer a = {.come = false};
    buf_init(&a.body, ANSWER_BYTES_MAX);
    int rc = exchange(t, &r, &a, err);
    if (rc == 0 && answer)
        buf_add_slice(answer, buf_slice(&a.body));
    buf_release(&a.body);
    return rc;
}
