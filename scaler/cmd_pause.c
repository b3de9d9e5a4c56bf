// masu pause, masu resume: hold a running masu back in an incident and let it go on, by its own API.
#include <stdlib.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/json.h"
#include "scaler/cmds.h"
#include "scaler/daemon_ask.h"
#include "scaler/token.h"

enum { ARENA_MAX_BYTES = 1 << 20, BYTES_MAX = 16384, LIMIT_MS = 10000 };

struct pause {
    bool resume, as_json;
    struct option_address listen;
    const char *mode, *cluster, *why, *token_path;
    int64_t for_ms;
};

static void question_body(const struct pause *p, struct buf *out)
{
    const char *user = getenv("USER");
    json_t *body = json_object();
    if (!p->resume) {
        json_object_set_new(body, "mode", json_string(p->mode));
        if (p->for_ms > 0)
            json_object_set_new(body, "for_s", json_integer(p->for_ms / 1000));
    }
    if (p->cluster)
        json_object_set_new(body, "cluster", json_string(p->cluster));
    if (p->why)
        json_object_set_new(body, "why", json_string(p->why));
    if (user && user[0])
        json_object_set_new(body, "who", json_string(user));
    json_write(body, out);
    json_decref(body);
}

static int post(const struct pause *p, struct buf *answer, struct err *err)
{
    struct clock clock;
    struct transport *transport;
    struct arena a;
    struct buf body;
    const char *token;
    arena_init(&a, ARENA_MAX_BYTES);
    buf_init(&body, BYTES_MAX);
    clock_init_steady(&clock);
    question_body(p, &body);
    int rc = token_load(p->token_path, "MASU_API_TOKEN", &a, &token, err);
    if (rc == 0 && token[0] == '\0')
        rc = err_set(err, ERR_INVALID, "no token -> set MASU_API_TOKEN or give --api-token-file, as for masu run");
    if (rc == 0)
        rc = transport_curl_new(&clock, &transport, err);
    if (rc == 0) {
        const struct daemon_question q = {.listen = &p->listen, .path = p->resume ? "/api/v1/resume" : "/api/v1/pause", .token = token,
                                          .body = buf_slice(&body), .limit_ms = LIMIT_MS};
        rc = daemon_ask(transport, &q, answer, err);
        transport->ops->free(transport);
    }
    buf_release(&body);
    arena_release(&a);
    return rc;
}

static void print_answer(const struct pause *p, struct buf *answer)
{
    if (p->as_json) {
        puts(buf_str(answer));
        return;
    }
    json_t *root = json_loadb(buf_str(answer), answer->len, 0, NULL);
    const char *accepted = json_string_value(json_object_get(root, "accepted")), *cluster = json_string_value(json_object_get(root, "cluster"));
    const char *until = json_string_value(json_object_get(root, "until"));
    printf("%s: %s", accepted ? accepted : "accepted", cluster ? cluster : "all clusters");
    if (until)
        printf(", until %s", until);
    else if (!p->resume)
        printf(", until masu resume");
    puts("");
    json_decref(root);
}

static int go(const char *command, const struct pause *p)
{
    struct err err = {0};
    struct buf answer;
    buf_init(&answer, BYTES_MAX);
    int rc = post(p, &answer, &err);
    if (rc == 0)
        print_answer(p, &answer);
    else
        fprintf(stderr, "masu %s: %s\n", command, err.msg);
    buf_release(&answer);
    return rc == 0 ? EXIT_DONE : EXIT_FAILED;
}

#define COMMON(p) \
    {.name = "cluster", .kind = OPTION_STRING, .ret = &(p).cluster, .value = "NAME", .help = "this cluster alone (all)"}, \
    {.name = "why", .kind = OPTION_STRING, .ret = &(p).why, .value = "TEXT", .help = "shown on every page, \"incident 4711\""}, \
    {.name = "listen", .kind = OPTION_ADDRESS, .ret = &(p).listen, .value = "H:P", .help = "what masu run was given (127.0.0.1:8080)"}, \
    {.name = "api-token-file", .kind = OPTION_STRING, .ret = &(p).token_path, .value = "F", .help = "holds the token (MASU_API_TOKEN)"}, \
    {.name = "format", .kind = OPTION_FORMAT, .ret = &(p).as_json, .value = "text|json", .help = "json: the API's own answer"}

int cmd_pause(int argc, char **argv)
{
    struct pause p = {.listen = {.host = "127.0.0.1", .port = 8080}, .mode = "pause"};
    const struct option options[] = {
        {.name = "mode", .kind = OPTION_STRING, .ret = &p.mode, .value = "M",
         .help = "pause: nothing but answers to interruptions; freeze: nothing; add-only: nothing is removed (pause)"},
        {.name = "for", .kind = OPTION_DURATION, .ret = &p.for_ms, .value = "D", .help = "30m, 8h; left out: until masu resume", .min = 1000,
         .max = 90LL * 24 * 3600 * 1000},
        COMMON(p),
    };
    const struct options_spec spec = {
        .command = "pause", .summary = "Holds a running masu back. The strictest of all switches counts.", .options = options,
        .option_count = ARRAY_LEN(options), .epilogue = "Own drains are undone at once. The tag masu:mode on a fleet does the same where masu cannot be reached.",
    };
    enum options_outcome outcome = options_parse(&spec, argc, argv, NULL);
    if (outcome != OPTIONS_GO)
        return outcome == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    if (p.why == NULL) {
        fprintf(stderr, "masu pause: --why TEXT is missing -> say it for those who will find masu standing\n");
        return EXIT_USAGE;
    }
    return go("pause", &p);
}

int cmd_resume(int argc, char **argv)
{
    struct pause p = {.resume = true, .listen = {.host = "127.0.0.1", .port = 8080}};
    const struct option options[] = {COMMON(p)};
    const struct options_spec spec = {
        .command = "resume", .summary = "Takes back what masu pause, the API or a signal switched; not fleet tags, not freeze windows.",
        .options = options, .option_count = ARRAY_LEN(options),
    };
    enum options_outcome outcome = options_parse(&spec, argc, argv, NULL);
    if (outcome != OPTIONS_GO)
        return outcome == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    return go("resume", &p);
}
