// masu run: the daemon.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/check.h"
#include "scaler/cmds.h"
#include "scaler/loop.h"
#include "scaler/options.h"
#include "scaler/token.h"
#include "web/server.h"

enum { ARENA_MAX_BYTES = 64 << 20 };

struct run_command {
    const char *policy_path, *state_path;
    int64_t keep_days, keep_mib;
    bool dry_run, once, json;
    struct option_address listen;
    struct arena arena;
    struct clock clock;
    struct logger log;
    struct policy policy;
    struct transport *transport;
    struct state *state;
    struct state_opened opened;
    const char *token_path, *token;
    struct view_box box;
    struct inbox inbox;
    bool has_box;
    struct web_server *web;
    struct loop *loop;
};

static int load_policy(struct run_command *c, struct err *err)
{
    struct buf report;
    buf_init(&report, 1 << 20);
    int rc = policy_load_file(c->policy_path, &c->arena, &c->policy, &report, err);
    if (report.len > 0)
        fputs(buf_str(&report), stderr);
    buf_release(&report);
    return rc;
}

// A disk that cannot be written does not stop the daemon: it serves need, and removes nothing (safety.md I5).
static int open_state(struct run_command *c, struct err *err)
{
    struct state_options o = {.path = c->state_path ? c->state_path : ":temp:", .clock = &c->clock, .no_sync = c->state_path == NULL,
                              .keep_days = c->keep_days, .keep_mib = c->keep_mib};
    int rc = state_open(&o, &c->state, &c->opened, err);
    if (rc == ERR_INVALID || rc == ERR_CONFLICT)
        return rc;
    if (rc != 0) {
        log_event(&c->log, LOG_ERROR, "state", err->msg, LOG_S("consequence", "add only: nothing is removed, intents go to stdout"));
        c->opened = (struct state_opened){.fresh = true};
        *err = (struct err){0};
        return 0;
    }
    log_event(&c->log, c->opened.moved_aside ? LOG_WARN : LOG_INFO, "state", c->opened.moved_aside ? "was corrupt and moved aside" : "opened",
              LOG_S("path", o.path), LOG_I("fresh", c->opened.fresh), LOG_I("after_crash", c->opened.after_crash),
              LOG_I("crashes_60min", c->opened.crashes_60min), LOG_S("why", c->opened.moved_aside ? c->opened.why : ""), LOG_S("moved_to", c->opened.moved_to),
              LOG_I("intents_closed", c->opened.closed_intents));
    return 0;
}

static int open_faces(struct run_command *c, struct err *err)
{
    struct view_daemon d = {.version = MASU_VERSION, .started_ms = clock_wall_ms(&c->clock), .dry_run = c->dry_run, .speed = 1.0,
                            .state_ok = c->state != NULL, .state_detail = c->state ? "" : "cannot be opened", .shell_mode = "act", .shell_mode_reason = ""};
    view_box_init(&c->box, &c->policy, &d);
    c->has_box = true;
    inbox_init(&c->inbox);
    if (c->once)
        return 0;
    char listen[96];
    snprintf(listen, sizeof listen, strchr(c->listen.host, ':') ? "[%s]:%d" : "%s:%d", c->listen.host, c->listen.port);
    struct web_options o = {.listen = listen, .box = &c->box, .clock = &c->clock, .state_path = c->state ? state_path(c->state) : NULL,
                            .inbox = &c->inbox, .token = c->token, .log = &c->log, .program = "/proc/self/exe"};
    int rc = web_server_start(&o, &c->web, err);
    if (rc == 0)
        log_event(&c->log, LOG_INFO, "listen", "the report is served", LOG_S("url", web_server_url(c->web)));
    return rc;
}

static int open_all(struct run_command *c, struct err *err)
{
    if (token_load(c->token_path, "MASU_API_TOKEN", &c->arena, &c->token, err) != 0 || load_policy(c, err) != 0 || open_state(c, err) != 0 || transport_curl_new(&c->clock, &c->transport, err) != 0 || open_faces(c, err) != 0)
        return err->kind;
    uint64_t seed = (uint64_t)clock_wall_ms(&c->clock) ^ ((uint64_t)getpid() << 32);
    struct loop_options o = {.transport = c->transport, .policy = &c->policy, .policy_path = c->policy_path, .state = c->state,
                             .opened = &c->opened, .box = &c->box, .inbox = &c->inbox, .log = &c->log, .dry_run = c->dry_run, .seed = seed};
    int rc = loop_new(&o, &c->loop, err);
    if (rc == 0)
        log_event(&c->log, LOG_INFO, "start", c->dry_run ? "dry run: nothing is changed" : "acting", LOG_S("version", MASU_VERSION),
                  LOG_S("policy", c->policy_path), LOG_S("policy_hash", c->policy.hash), LOG_I("clusters", c->policy.cluster_count),
                  LOG_I("seed", (int64_t)seed));
    return rc;
}

static void close_all(struct run_command *c)
{
    loop_signals(NULL);
    web_server_stop(c->web);
    loop_free(c->loop);
    if (c->has_box) {
        view_box_release(&c->box);
        inbox_release(&c->inbox);
    }
    if (c->transport)
        c->transport->ops->free(c->transport);
    state_close(c->state);
    arena_release(&c->arena);
}

// As PID 1 a signal without a handler is lost, elsewhere it kills: until the loop can hear of it, it waits. The threads of the
// web server inherit the mask, so that only this one is ever interrupted.
static void hold_signals(bool hold)
{
    static const int NUMBERS[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LEN(NUMBERS); i++)
        sigaddset(&set, NUMBERS[i]);
    pthread_sigmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static int run(struct run_command *c)
{
    struct err err = {0};
    hold_signals(true);
    signal(SIGPIPE, SIG_IGN);
    arena_init(&c->arena, ARENA_MAX_BYTES);
    clock_init_steady(&c->clock);
    logger_init(&c->log, STDERR_FILENO, &c->clock);
    if (c->json || !isatty(STDOUT_FILENO))
        logger_init(&c->log, STDOUT_FILENO, &c->clock);
    c->log.json |= c->json;
    int rc = open_all(c, &err);
    if (rc == 0) {
        loop_signals(c->loop);
        hold_signals(false);
        if (c->once)
            rc = loop_once(c->loop, &err);
        else
            loop_run(c->loop, 0);
        log_event(&c->log, LOG_INFO, "stop", loop_stopped(c->loop) ? "told to stop" : "done", LOG_I("ticks", loop_ticks(c->loop)));
    }
    if (rc != 0)
        fprintf(stderr, "masu run: %s\n", err.msg);
    hold_signals(true);  // told once more while it closes its state, it is not killed
    close_all(c);
    return rc == 0 ? EXIT_DONE : EXIT_FAILED;
}

int cmd_run(int argc, char **argv)
{
    struct run_command c = {.listen = {.host = "127.0.0.1", .port = 8080}};
    const struct option options[] = {
        {.name = "policy", .kind = OPTION_STRING, .ret = &c.policy_path, .value = "F", .help = "the policy file (required); SIGHUP reads it again"},
        {.name = "state", .kind = OPTION_STRING, .ret = &c.state_path, .value = "F", .help = "where history and journal are kept (a file gone at the end)"},
        {.name = "keep-days", .kind = OPTION_INT, .ret = &c.keep_days, .value = "N", .help = "of the journal (35); history keeps 13 months", .min = 1, .max = 400},
        {.name = "keep-mib", .kind = OPTION_INT, .ret = &c.keep_mib, .value = "N", .help = "of journal and history; above it the oldest go (1024)", .min = 16, .max = 1 << 20},
        {.name = "listen", .kind = OPTION_ADDRESS, .ret = &c.listen, .value = "H:P", .help = "of the report and metrics (127.0.0.1:8080)"},
        {.name = "api-token-file", .kind = OPTION_STRING, .ret = &c.token_path, .value = "F",
         .help = "holds the token of POST /api/v1/pause and /resume (MASU_API_TOKEN; without one they are refused)"},
        {.name = "dry-run", .kind = OPTION_FLAG, .ret = &c.dry_run, .help = "record what would be done, do nothing"},
        {.name = "once", .kind = OPTION_FLAG, .ret = &c.once, .help = "one tick of each cluster, then stop"},
        {.name = "format", .kind = OPTION_FORMAT, .ret = &c.json, .value = "text|json", .help = "of the log; JSON lines when stdout is no terminal"},
    };
    const struct options_spec spec = {
        .command = "run", .summary = "The daemon: look, think, act, record; each tick from the whole state.", .options = options,
        .option_count = ARRAY_LEN(options),
        .epilogue = "SIGTERM and SIGINT stop within 10 s, with no change half issued. SIGUSR1 pauses all clusters, SIGUSR2 resumes. Credentials, region and endpoints as in the AWS CLI.",
    };
    enum options_outcome outcome = options_parse(&spec, argc, argv, NULL);
    if (outcome != OPTIONS_GO)
        return outcome == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    if (c.policy_path == NULL) {
        fprintf(stderr, "masu run: --policy F is missing -> masu run --help\n");
        return EXIT_USAGE;
    }
    return run(&c);
}
