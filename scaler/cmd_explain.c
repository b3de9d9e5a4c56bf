// masu explain: why and why not, of one tick of the journal or one candidate in it. Reads; the daemon may be running or long dead.
#include "base/check.h"
#include "base/json.h"
#include "scaler/cmds.h"
#include "scaler/explain_text.h"
#include "scaler/journal_cli.h"
#include "scaler/options.h"
#include "state/explain.h"

enum { ARENA_MAX_BYTES = 1 << 30, OUTPUT_MAX_BYTES = 256 << 20 };

struct explain_command {
    const char *tick, *cluster, *candidate, *state_path;
    bool json;
    struct arena arena;
};

static int explain(struct explain_command *c, json_t **ret, struct err *err)
{
    struct state_reader *r = NULL;
    struct state_question q = {.candidate = c->candidate};
    int rc = journal_tick(c->tick, &q.tick, err);
    if (rc == 0)
        rc = journal_open(c->state_path ? c->state_path : JOURNAL_DEFAULT_PATH, &r, err);
    if (rc == 0)
        rc = journal_cluster(r, c->cluster, &c->arena, &q.cluster, err);
    if (rc == 0)
        rc = state_explain(r, &q, &c->arena, ret, err);
    state_reader_free(r);
    return rc;
}

static void print(const struct explain_command *c, const json_t *doc)
{
    struct buf out;
    buf_init(&out, OUTPUT_MAX_BYTES);
    if (c->json) {
        json_write_pretty(doc, &out);
        buf_add_char(&out, '\n');
    } else {
        explain_print(doc, &(struct explain_text_options){.colour = journal_colour(), .state_path = c->state_path}, &out);
    }
    fputs(buf_str(&out), stdout);
    buf_release(&out);
}

static int run(struct explain_command *c)
{
    struct err err = {0};
    json_t *doc = NULL;
    arena_init(&c->arena, ARENA_MAX_BYTES);
    int rc = explain(c, &doc, &err);
    if (rc == 0)
        print(c, doc);
    else
        fprintf(stderr, "masu explain: %s\n", err.msg);
    json_decref(doc);
    arena_release(&c->arena);
    return rc == 0 ? EXIT_DONE : EXIT_FAILED;
}

int cmd_explain(int argc, char **argv)
{
    struct explain_command c = {.json = false};
    const struct option options[] = {
        {.name = "cluster", .kind = OPTION_STRING, .ret = &c.cluster, .value = "NAME", .help = "of this cluster: latest is its newest tick"},
        {.name = "candidate", .kind = OPTION_STRING, .ret = &c.candidate, .value = "ID",
         .help = "an instance, fleet, service or shape, or how one's name begins: all about it"},
        {.name = "state", .kind = OPTION_STRING, .ret = &c.state_path, .value = "F", .help = JOURNAL_STATE_HELP},
        {.name = "format", .kind = OPTION_FORMAT, .ret = &c.json, .value = "text|json", .help = "json: one object, as the web API gives it"},
    };
    const struct options_spec spec = {
        .command = "explain", .summary = "Why and why not: what a tick saw, decided, did and left alone.", .argument = "TICK|latest",
        .argument_required = true, .options = options, .option_count = ARRAY_LEN(options),
        .epilogue = "TICK is the number in the log, on the page and in the API. The journal is only read. Exit 0: told, 1: failed, 64: wrong usage.",
    };
    enum options_outcome outcome = options_parse(&spec, argc, argv, &c.tick);
    if (outcome != OPTIONS_GO)
        return outcome == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    int64_t tick;
    struct err err = {0};
    if (journal_tick(c.tick, &tick, &err) != 0) {
        fprintf(stderr, "masu explain: %s -> masu explain --help\n", err.msg);
        return EXIT_USAGE;
    }
    return run(&c);
}
