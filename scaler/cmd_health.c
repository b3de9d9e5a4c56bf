// masu health: the container's health check, for images without curl or a shell.
#include "base/check.h"
#include "scaler/cmds.h"
#include "scaler/daemon_ask.h"

int cmd_health(int argc, char **argv)
{
    struct option_address listen = {.host = "127.0.0.1", .port = 8080};
    int64_t limit_ms = 4000;
    const struct option options[] = {
        {.name = "listen", .kind = OPTION_ADDRESS, .ret = &listen, .value = "H:P", .help = "what masu run was given (127.0.0.1:8080)"},
        {.name = "timeout", .kind = OPTION_DURATION, .ret = &limit_ms, .value = "D", .help = "how long to wait for the answer (4s)", .min = 100, .max = 60000},
    };
    const struct options_spec spec = {
        .command = "health", .summary = "Asks a running masu whether it is alive. Exit 0: it is, 1: it is not.", .options = options,
        .option_count = ARRAY_LEN(options), .epilogue = "For the health check of a container: the image needs no curl and no shell.",
    };
    enum options_outcome outcome = options_parse(&spec, argc, argv, NULL);
    if (outcome != OPTIONS_GO)
        return outcome == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    struct err err = {0};
    struct clock clock;
    struct transport *transport;
    clock_init_steady(&clock);
    int rc = transport_curl_new(&clock, &transport, &err);
    if (rc == 0) {
        rc = daemon_ask(transport, &(struct daemon_question){.listen = &listen, .path = "/healthz", .limit_ms = limit_ms}, NULL, &err);
        transport->ops->free(transport);
    }
    if (rc != 0)
        fprintf(stderr, "masu health: %s\n", err.msg);
    return rc == 0 ? EXIT_DONE : EXIT_FAILED;
}
