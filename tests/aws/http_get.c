// usage: http-get URL [CA_FILE]: one GET through the curl transport; prints "status N" or "error TEXT". For tls_check.py.
#include "scaler/aws/transport.h"

static void on_done(void *arg, const struct transport_response *r)
{
    *(bool *)arg = true;
    if (r->err.kind)
        printf("error %s%s\n", r->timed_out ? "unknown effect: " : "", r->err.msg);
    else
        printf("status %d %.*s\n", r->status, (int)r->body.len, r->body.ptr);
}

int main(int argc, char **argv)
{
    struct clock clock;
    struct transport *t;
    struct err err = {0};
    clock_init_real(&clock);
    if (argc < 2 || argc > 3 || transport_curl_new(&clock, &t, &err))
        return 64;
    bool done = false;
    uint64_t id;
    struct transport_request r = {"GET", argv[1], NULL, 0, {NULL, 0}, 10000, 1u << 20, false, false, argc > 2 ? argv[2] : NULL};
    if (t->ops->submit(t, &r, on_done, &done, &id, &err))
        printf("error %s\n", err.msg);
    else
        while (!done)
            t->ops->wait(t, clock_wall_ms(&clock) + 1000);
    t->ops->free(t);
    return 0;
}
