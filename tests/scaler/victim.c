// The daemon as a process of its own, to be killed: curl against the sandbox's socket, on the world's accelerated clock.
//
// usage: victim POLICY STATE BASE_VIRTUAL_MS BASE_REAL_MS SPEED    (AWS_* from the environment, STATE "-" = a file gone at the end)
#include "base/buf.h"
#include "base/parse.h"
#include "scaler/loop.h"
#include "tests/scaler/hasty.h"

static int64_t number(const char *text)
{
    int64_t v = 0;
    if (!parse_i64(slice_of(text), &v))
        abort();
    return v;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 64;
    struct clock clock;
    struct arena arena;
    struct buf report;
    struct policy policy;
    struct transport *transport;
    struct state *state;
    struct state_opened opened;
    struct loop *loop;
    struct err err = {0};
    clock_init_accelerated(&clock, number(argv[3]), (double)number(argv[5]));
    clock.base_real_ms = number(argv[4]);  // the very clock of the parent's world
    arena_init(&arena, 64 << 20);
    buf_init(&report, 1 << 20);
    bool own = argv[2][0] == '-';
    if (policy_load_file(argv[1], &arena, &policy, &report, &err) != 0 ||
        state_open(&(struct state_options){.path = own ? ":temp:" : argv[2], .clock = &clock, .no_sync = true}, &state, &opened, &err) != 0 ||
        transport_curl_new(&clock, &transport, &err) != 0) {
        fprintf(stderr, "victim: %s\n%s", err.msg, buf_str(&report));
        return 1;
    }
    for (size_t i = 0; i < policy.cluster_count; i++)
        hasty(&policy.clusters[i]);
    struct loop_options o = {.transport = transport, .policy = &policy, .state = state, .opened = &opened, .seed = 1};
    opened.crashes_60min = 0;  // being killed is what this is for: it must not turn to add-only
    if (loop_new(&o, &loop, &err) != 0) {
        fprintf(stderr, "victim: %s\n", err.msg);
        return 1;
    }
    loop_signals(loop);
    loop_run(loop, 0);
    loop_free(loop);
    transport->ops->free(transport);
    state_close(state);
    buf_release(&report);
    arena_release(&arena);
    return 0;
}
