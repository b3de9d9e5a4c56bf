#include "scaler/health.h"

#include "base/check.h"

enum { ANSWER_BYTES_MAX = 4096 };

struct answer {
    struct err err;
    int status;
    bool come;
};

static void on_answer(void *arg, const struct transport_response *r)
{
    struct answer *a = arg;
    a->come = true;
    a->err = r->err;
    a->status = r->status;
}

static const char *host_to_ask(const char *listen)
{
    if (strcmp(listen, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(listen, "::") == 0 ? "::1" : listen;
}

int health_ask(struct transport *t, const struct option_address *listen, int64_t limit_ms, struct err *err)
{
    char url[128];
    struct answer a = {.come = false};
    uint64_t id;
    const char *host = host_to_ask(listen->host);
    snprintf(url, sizeof url, strchr(host, ':') ? "http://[%s]:%d/healthz" : "http://%s:%d/healthz", host, listen->port);
    struct transport_request r = {.method = "GET", .url = url, .timeout_ms = limit_ms, .max_response_bytes = ANSWER_BYTES_MAX, .direct = true};
    int rc = t->ops->submit(t, &r, on_answer, &a, &id, err);
    if (rc != 0)
        return rc;
    int64_t until_ms = clock_wall_ms(t->clock) + limit_ms;
    while (!a.come && clock_wall_ms(t->clock) < until_ms)
        t->ops->wait(t, until_ms);
    if (!a.come)
        t->ops->cancel(t, id);
    if (a.err.kind != ERR_OK)
        return err_set(err, ERR_TRANSIENT, "%s: %s", url, a.err.msg);
    return a.status == 200 ? 0 : err_set(err, ERR_CONFLICT, "%s: HTTP status %d", url, a.status);
}
