// masu replay: does the planner make the same plans from the journal's facts as it did then? Reads the journal, asks AWS nothing.
#include "base/check.h"
#include "base/json.h"
#include "base/parse.h"
#include "scaler/cmds.h"
#include "scaler/journal_cli.h"
#include "scaler/options.h"
#include "scaler/replay.h"

enum { ARENA_MAX_BYTES = 1 << 30, SHOWN_MAX = 20, LISTED_MAX = 1000 };

struct replay_command {
    const char *ticks, *cluster, *state_path;
    bool json;
    int64_t from, to;       // ids; from 0: the newest
    bool one;               // a single tick was asked for
    struct arena names, arena;
    int64_t counts[REPLAY_OUTCOMES];
    json_t *list;           // ticks that are not identical, and the one that was asked for
};

// ---- which ticks ----------------------------------------------------------------------------------------------------------

static int parse_ticks(struct replay_command *c, struct err *err)
{
    const char *dots = strstr(c->ticks, "..");
    c->to = INT64_MAX;
    if (strcmp(c->ticks, "all") == 0) {
        c->from = 1;
        return 0;
    }
    if (dots && parse_i64((struct slice){c->ticks, (size_t)(dots - c->ticks)}, &c->from) && parse_i64(slice_of(dots + 2), &c->to) && c->from > 0 &&
        c->from <= c->to)
        return 0;
    c->one = true;
    if (dots || journal_tick(c->ticks, &c->from, err) != 0)
        return err_set(err, ERR_INVALID, "%s: expected the number of a tick, latest, FROM..TO or all", c->ticks);
    return 0;
}

// ---- one tick -------------------------------------------------------------------------------------------------------------

static json_t *result_to_json(const struct state_tick *t, const struct replay *r)
{
    char at[32];
    json_t *row = json_object();
    json_object_set_new(row, "tick", json_integer(t->id));
    json_object_set_new(row, "cluster", json_text(t->cluster_name));
    json_object_set_new(row, "at", json_string(format_iso8601(t->at_ms, true, at)));
    json_object_set_new(row, "result", json_string(replay_outcome_name(r->outcome)));
    if (r->outcome == REPLAY_DIFFERENT)
        json_object_set_new(row, "difference", json_pack("{s:s, s:o, s:o, s:o}", "part", r->part, "path", json_text(r->path), "journal",
                                                         json_text(r->journal), "now", json_text(r->now)));
    json_object_set_new(row, "why", json_text(r->why));
    json_object_set_new(row, "cause", json_text(r->cause));
    json_object_set_new(row, "masu", json_text(t->masu));
    json_object_set_new(row, "policy_hash", json_text(t->policy_hash));
    json_object_set_new(row, "planned_policy", json_text(t->planned_policy));
    return row;
}

static void print_result(const struct state_tick *t, const struct replay *r)
{
    char at[32];
    printf("tick %" PRId64 "   %s   %s   ", t->id, t->cluster_name, format_iso8601(t->at_ms, false, at));
    switch (r->outcome) {
    case REPLAY_IDENTICAL:
        printf("plan and memo identical to the byte\n");
        return;
    case REPLAY_DIFFERENT:
        printf("the %s differs at %s\n  journal  %s\n  now      %s\n  %s\n", r->part, r->path, r->journal[0] ? r->journal : "nothing",
               r->now[0] ? r->now : "nothing", r->cause);
        return;
    case REPLAY_UNREADABLE:
        printf("cannot be read: %s\n", r->why);
        if (r->cause[0])
            printf("  %s\n", r->cause);
        return;
    case REPLAY_NO_PLAN:
        printf("no plan: %s\n", r->why);
        return;
    case REPLAY_OUTCOMES:
        break;
    }
    assert(!"outcome of a replay");
}

static void count_result(struct replay_command *c, const struct state_tick *t, const struct replay *r)
{
    bool tell = c->one || r->outcome == REPLAY_DIFFERENT || r->outcome == REPLAY_UNREADABLE;
    int64_t told = c->counts[REPLAY_DIFFERENT] + c->counts[REPLAY_UNREADABLE];
    c->counts[r->outcome]++;
    if (!tell)
        return;
    if (c->json && told < LISTED_MAX)
        json_array_append_new(c->list, result_to_json(t, r));
    else if (!c->json && told < SHOWN_MAX)
        print_result(t, r);
}

// ---- the walk -------------------------------------------------------------------------------------------------------------

static int replay_cluster(struct replay_command *c, struct state_reader *reader, int64_t cluster, struct err *err)
{
    struct state_walk *w = NULL;
    int64_t at = c->from;
    bool found = true;
    int rc = state_walk_new(reader, cluster, &w, err);
    while (rc == 0 && at <= c->to) {
        struct state_tick_whole t;
        struct replay r;
        struct err broken = {0};
        arena_reset(&c->arena);
        rc = state_walk_next(w, at, c->to, &c->arena, &t, &found, &broken);
        if (rc == 0 && !found)
            break;
        if (rc == 0)
            replay_tick(reader, &t, &c->arena, &r);
        else if (rc == ERR_CORRUPT && t.tick.id)
            r = (struct replay){.outcome = REPLAY_UNREADABLE, .path = "", .journal = "", .now = "", .why = broken.msg, .cause = ""};
        else
            rc = err_set(err, rc, "%s", broken.msg);
        if (rc == 0 || t.tick.id) {
            rc = 0;
            count_result(c, &t.tick, &r);
            at = t.tick.id + 1;
        }
    }
    state_walk_free(w);
    return rc;
}

static int replay_clusters(struct replay_command *c, struct state_reader *reader, int64_t only, struct err *err)
{
    struct state_cluster_row *rows;
    size_t count;
    int rc = state_query_clusters(reader, &c->names, &rows, &count, err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (only == 0 || rows[i].id == only)
            rc = replay_cluster(c, reader, rows[i].id, err);
    return rc;
}

// The one that is meant, by its number, so that the walk reads it alone.
static int find_one(struct replay_command *c, struct state_reader *reader, int64_t cluster, struct err *err)
{
    struct state_span span;
    int rc = state_query_span(reader, cluster, &span, err);
    if (rc == 0 && span.last == 0)
        rc = err_set(err, ERR_NOT_FOUND, "the journal has no tick%s yet", cluster ? " of this cluster" : "");
    if (rc)
        return rc;
    c->from = c->from ? c->from : span.last;
    c->to = c->from;
    if (c->from < span.first || c->from > span.last)
        return err_set(err, ERR_NOT_FOUND, "the journal has no tick %" PRId64 "%s -> it holds %" PRId64 " to %" PRId64, c->from,
                       cluster ? " of this cluster" : "", span.first, span.last);
    return 0;
}

static void print_sum(struct replay_command *c)
{
    const int64_t *n = c->counts;
    if (c->json) {
        json_t *doc = json_pack("{s:O, s:I, s:I, s:I, s:I}", "ticks", c->list, "identical", (json_int_t)n[REPLAY_IDENTICAL], "different",
                                (json_int_t)n[REPLAY_DIFFERENT], "unreadable", (json_int_t)n[REPLAY_UNREADABLE], "no_plan",
                                (json_int_t)n[REPLAY_NO_PLAN]);
        struct buf out;
        buf_init(&out, 64 << 20);
        json_write_pretty(doc, &out);
        puts(buf_str(&out));
        buf_release(&out);
        json_decref(doc);
    } else if (!c->one) {
        printf("%" PRId64 " identical, %" PRId64 " different, %" PRId64 " unreadable, %" PRId64 " without a plan\n", n[REPLAY_IDENTICAL],
               n[REPLAY_DIFFERENT], n[REPLAY_UNREADABLE], n[REPLAY_NO_PLAN]);
    }
}

static int replay(struct replay_command *c, struct err *err)
{
    struct state_reader *reader = NULL;
    int64_t cluster = 0;
    int rc = journal_open(c->state_path ? c->state_path : JOURNAL_DEFAULT_PATH, &reader, err);
    if (rc == 0)
        rc = journal_cluster(reader, c->cluster, &c->names, &cluster, err);
    if (rc == 0 && c->one)
        rc = find_one(c, reader, cluster, err);
    if (rc == 0)
        rc = replay_clusters(c, reader, cluster, err);
    state_reader_free(reader);
    int64_t all = 0;
    for (int i = 0; i < REPLAY_OUTCOMES; i++)
        all += c->counts[i];
    if (rc == 0 && all == 0)
        rc = err_set(err, ERR_NOT_FOUND, "the journal has no tick %s%s", c->ticks, cluster ? " of this cluster" : "");
    return rc;
}

static int run(struct replay_command *c)
{
    struct err err = {0};
    arena_init(&c->arena, ARENA_MAX_BYTES);
    arena_init(&c->names, ARENA_MAX_BYTES);
    c->list = json_array();
    int rc = replay(c, &err);
    if (rc == 0)
        print_sum(c);
    else
        fprintf(stderr, "masu replay: %s\n", err.msg);
    bool same = rc == 0 && c->counts[REPLAY_IDENTICAL] > 0 && c->counts[REPLAY_DIFFERENT] + c->counts[REPLAY_UNREADABLE] == 0;
    json_decref(c->list);
    arena_release(&c->arena);
    arena_release(&c->names);
    return same ? EXIT_DONE : EXIT_FAILED;
}

int cmd_replay(int argc, char **argv)
{
    struct replay_command c = {.json = false};
    const struct option options[] = {
        {.name = "cluster", .kind = OPTION_STRING, .ret = &c.cluster, .value = "NAME", .help = "only ticks of this cluster"},
        {.name = "state", .kind = OPTION_STRING, .ret = &c.state_path, .value = "F", .help = JOURNAL_STATE_HELP},
        {.name = "format", .kind = OPTION_FORMAT, .ret = &c.json, .value = "text|json", .help = "json: one object with counts and what differs"},
    };
    const struct options_spec spec = {
        .command = "replay", .summary = "Plans again from the journal's facts, and compares plan and memo to the byte.",
        .argument = "TICK|latest|FROM..TO|all", .argument_required = true, .options = options, .option_count = ARRAY_LEN(options),
        .epilogue = "Exit 0: identical, 1: different, unreadable or nothing to compare, 64: wrong usage.",
    };
    enum options_outcome outcome = options_parse(&spec, argc, argv, &c.ticks);
    if (outcome != OPTIONS_GO)
        return outcome == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    struct err err = {0};
    if (parse_ticks(&c, &err) != 0) {
        fprintf(stderr, "masu replay: %s -> masu replay --help\n", err.msg);
        return EXIT_USAGE;
    }
    return run(&c);
}
