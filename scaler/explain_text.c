#include "scaler/explain_text.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/json.h"
#include "base/parse.h"

enum { ROWS_ARENA_MAX_BYTES = 256 << 20, LABEL_COLUMNS = 11, TARGET_COLUMNS_MAX = 44, HOLDERS_SHOWN = 20 };

struct row {
    const char *label, *target, *code, *fact, *verdict, *after;
};

struct text {
    const struct explain_text_options *o;
    struct buf *out;
    struct arena arena;
    struct row *rows;
    size_t count, cap;
};

static const char *str(const json_t *obj, const char *key)
{
    const char *s = json_str(obj, key);
    return s ? s : "";
}

static int64_t number(const json_t *obj, const char *key)
{
    return json_int(obj, key, 0);
}

// ---- rows -----------------------------------------------------------------------------------------------------------------

static void add(struct text *t, struct row row)
{
    t->rows = arena_grow(&t->arena, t->rows, t->count, &t->cap, sizeof *t->rows);
    t->rows[t->count++] = row;
}

static const char *colour_of(const char *code)
{
    static const struct { const char *code, *colour; } COLOURS[] = {
        {"never_fits", "\033[31m"}, {"unknown", "\033[31m"}, {"failed", "\033[31m"}, {"launch", "\033[32m"}, {"drain", "\033[33m"},
        {"end", "\033[33m"}, {"lower", "\033[36m"}, {"undo", "\033[36m"}, {"capped", "\033[33m"},
    };
    for (size_t i = 0; i < ARRAY_LEN(COLOURS); i++)
        if (strcmp(COLOURS[i].code, code) == 0)
            return COLOURS[i].colour;
    return "";
}

static int widest_target(const struct text *t)
{
    size_t width = 0;
    for (size_t i = 0; i < t->count; i++) {
        size_t len = strlen(t->rows[i].target);
        if (len <= TARGET_COLUMNS_MAX && len > width)
            width = len;
    }
    return (int)width;
}

static void print_row(struct text *t, const struct row *r, const char *label, int width)
{
    bool colour = t->o->colour;
    buf_printf(t->out, "%-*s", LABEL_COLUMNS, label);
    if (width > 0)
        buf_printf(t->out, "%s%-*s%s  ", colour ? colour_of(r->code) : "", width, r->target, colour ? "\033[0m" : "");
    buf_add_str(t->out, r->fact);
    if (r->verdict[0])
        buf_printf(t->out, colour ? " \033[2m->\033[0m \033[1m%s\033[0m" : " -> %s", r->verdict);
    if (r->after[0])
        buf_printf(t->out, "   %s", r->after);
    buf_add_char(t->out, '\n');
}

// A label is written where its group begins.
static void print_rows(struct text *t)
{
    int width = widest_target(t);
    const char *label = "";
    for (size_t i = 0; i < t->count; i++) {
        bool same = strcmp(t->rows[i].label, label) == 0;
        label = t->rows[i].label;
        print_row(t, &t->rows[i], same ? "" : label, width);
    }
    if (t->count > 0)
        buf_add_char(t->out, '\n');
    t->count = 0;
}

// ---- head -----------------------------------------------------------------------------------------------------------------

static void print_head(struct text *t, const json_t *doc)
{
    char took[32];
    buf_printf(t->out, "tick %" PRId64 "   %s   %s   %s   %s%s   took %s\n", number(doc, "tick"), str(doc, "cluster"), str(doc, "region"),
               str(doc, "at"), str(doc, "mode"), json_flag(doc, "dry_run", false) ? ", dry run" : "",
               format_duration(number(doc, "duration_ms"), took));
    if (str(doc, "error")[0])
        buf_printf(t->out, "%-*s%s -> nothing was done\n", LABEL_COLUMNS, "failed", str(doc, "error"));
    if (!json_flag(doc, "recorded", true))
        buf_printf(t->out, "%-*sthe daemon ended in this tick -> only its intents are known\n", LABEL_COLUMNS, "cut");
}

static void add_source_rows(struct text *t, const json_t *sources)
{
    size_t i;
    json_t *s;
    json_array_foreach(sources, i, s) {
        char age[32];
        if (strcmp(str(s, "state"), "ok") == 0)
            continue;
        const char *detail = str(s, "detail")[0] ? str(s, "detail") : "no detail";
        const char *old = json_is_integer(json_object_get(s, "age_ms")) ? format_duration(number(s, "age_ms"), age) : "never read";
        add(t, (struct row){"missing", str(s, "source"), "unknown", arena_printf(&t->arena, "%s, %s: %s", str(s, "state"), old, detail),
                            "nothing is removed because of it", ""});
    }
}

static void print_facts(struct text *t, const json_t *doc)
{
    const json_t *facts = json_object_get(doc, "facts");
    if (!json_is_object(facts)) {
        buf_printf(t->out, "%-*snot in the journal\n\n", LABEL_COLUMNS, "facts");
        return;
    }
    const char *oldest = "";
    int64_t oldest_ms = -1;
    size_t i;
    json_t *s;
    json_array_foreach(json_object_get(facts, "sources"), i, s) {
        if (number(s, "age_ms") > oldest_ms) {
            oldest_ms = number(s, "age_ms");
            oldest = str(s, "source");
        }
    }
    char age[32];
    buf_printf(t->out, "%-*s%" PRId64 " instances, %" PRId64 " services, %" PRId64 " tasks, %" PRId64 " fleet%s; oldest %s of %s\n", LABEL_COLUMNS,
               "facts", number(facts, "instances"), number(facts, "services"), number(facts, "tasks"), number(facts, "fleets"),
               number(facts, "fleets") == 1 ? "" : "s", format_duration(oldest_ms, age), oldest);
}

static void print_amount(struct text *t, const char *before, const json_t *res)
{
    buf_printf(t->out, "%s%.1f vCPU %.0f GiB", before, (double)number(res, "cpu_units") / 1024.0, (double)number(res, "memory_mib") / 1024.0);
}

static void print_need(struct text *t, const json_t *doc)
{
    const json_t *s = json_object_get(doc, "summary");
    char usd[32];
    if (!json_is_object(s))
        return;
    buf_printf(t->out, "%-*s", LABEL_COLUMNS, "need");
    print_amount(t, "", json_object_get(s, "need"));
    print_amount(t, " now; capacity ", json_object_get(s, "capacity"));
    print_amount(t, ", reserved ", json_object_get(s, "reserved"));
    if (number(s, "waiting_tasks") > 0)
        buf_printf(t->out, "; %" PRId64 " task%s wait", number(s, "waiting_tasks"), number(s, "waiting_tasks") == 1 ? "" : "s");
    if (number(s, "hourly_usd_micro") > 0)
        buf_printf(t->out, "; %s/h", format_usd(number(s, "hourly_usd_micro"), usd));
    buf_add_str(t->out, "\n");
}

// ---- the tick -------------------------------------------------------------------------------------------------------------

static const char *outcome_text(struct text *t, const json_t *action)
{
    int64_t began = 0, finished = 0;
    const char *outcome = str(action, "outcome")[0] ? str(action, "outcome") : "open", *detail = str(action, "outcome_detail");
    const char *took = "";
    char ms[32];
    if (parse_iso8601_ms(slice_of(str(action, "began")), &began) && parse_iso8601_ms(slice_of(str(action, "finished")), &finished) &&
        finished > began)
        took = arena_printf(&t->arena, ", %s", format_duration(finished - began, ms));
    return arena_printf(&t->arena, "%s%s%s%s", outcome, took, detail[0] ? ": " : "", detail);
}

static void add_action_rows(struct text *t, const json_t *actions)
{
    size_t i;
    json_t *a;
    json_array_foreach(actions, i, a) {
        const char *target = str(a, "target");
        if (json_object_get(a, "capacity"))
            target = arena_printf(&t->arena, "%s %" PRId64 " to %" PRId64, strncmp(target, "sfr-", 4) == 0 ? arena_strndup(&t->arena, target, 12) : target,
                                  number(a, "before"), number(a, "capacity"));
        const char *failed = strcmp(str(a, "outcome"), "failed") == 0 ? "failed" : str(a, "kind");
        add(t, (struct row){str(a, "kind"), target, failed, str(a, "fact"), str(a, "verdict"), outcome_text(t, a)});
    }
}

static void add_verdict_rows(struct text *t, const json_t *verdicts, const char *kind, const char *label)
{
    size_t i;
    json_t *v;
    json_array_foreach(verdicts, i, v) {
        const char *after = "";
        if (strcmp(str(v, "kind"), kind) != 0)
            continue;
        if (json_object_get(v, "wanted"))
            after = arena_printf(&t->arena, "wanted %" PRId64 ", allowed %" PRId64, number(v, "wanted"), number(v, "allowed"));
        add(t, (struct row){label, str(v, "target"), str(v, "code"), str(v, "fact"), str(v, "verdict"), after});
    }
}

static void print_state_hint(struct text *t)
{
    if (t->o->state_path)
        buf_printf(t->out, " --state %s", t->o->state_path);
}

static void print_tick(struct text *t, const json_t *doc)
{
    print_head(t, doc);
    print_facts(t, doc);
    print_need(t, doc);
    buf_add_char(t->out, '\n');
    add_source_rows(t, json_object_get(json_object_get(doc, "facts"), "sources"));
    add_action_rows(t, json_object_get(doc, "actions"));
    const json_t *verdicts = json_object_get(doc, "verdicts");
    add_verdict_rows(t, verdicts, "cluster", "cluster");
    add_verdict_rows(t, verdicts, "shape", "demand");
    add_verdict_rows(t, verdicts, "fleet", "fleet");
    add_verdict_rows(t, verdicts, "instance", "instance");
    print_rows(t);
    size_t capped = json_array_size(json_object_get(doc, "capped"));
    if (capped > 0)
        buf_printf(t->out, "%-*s%zu number%s capped\n", LABEL_COLUMNS, "guard", capped, capped == 1 ? "" : "s");
    else if (json_is_object(json_object_get(doc, "summary")))
        buf_printf(t->out, "%-*snothing capped\n", LABEL_COLUMNS, "guard");
    const char *by = str(doc, "masu");
    buf_printf(t->out, "%-*spolicy %.7s, masu %s\n", LABEL_COLUMNS, "by", str(doc, "policy_hash"), by[0] ? by : "of an earlier version");
    buf_printf(t->out, "Same plan again: masu replay %" PRId64, number(doc, "tick"));
    print_state_hint(t);
    buf_printf(t->out, "   One candidate: masu explain %" PRId64 " --candidate ID", number(doc, "tick"));
    print_state_hint(t);
    buf_add_char(t->out, '\n');
}

// ---- one candidate --------------------------------------------------------------------------------------------------------

// "type c5.2xlarge, zone us-east-1b, …": what is plain, in the order of the snapshot; amounts as such; the rest has rows of its own.
static const char *plain_facts(struct text *t, const json_t *facts)
{
    struct buf b;
    const char *key;
    json_t *v;
    buf_init(&b, 1 << 16);
    json_object_foreach((json_t *)(uintptr_t)facts, key, v) {
        const char *comma = b.len ? ", " : "";
        if (json_is_string(v))
            buf_printf(&b, "%s%s %s", comma, key, json_string_value(v));
        else if (json_is_integer(v))
            buf_printf(&b, "%s%s %" JSON_INTEGER_FORMAT, comma, key, json_integer_value(v));
        else if (json_is_true(v))
            buf_printf(&b, "%s%s", comma, key);
        else if (json_is_false(v))
            buf_printf(&b, "%snot %s", comma, key);
        else if (json_is_object(v) && json_object_get(v, "cpu_units"))
            buf_printf(&b, "%s%s %.1f vCPU %.1f GiB", comma, key, (double)number(v, "cpu_units") / 1024.0, (double)number(v, "memory_mib") / 1024.0);
    }
    const char *text = arena_strdup(&t->arena, buf_str(&b));
    buf_release(&b);
    return text;
}

static void add_facts(struct text *t, const char *label, const json_t *array, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item)
        add(t, (struct row){label, name ? str(item, name) : "", "", plain_facts(t, item), "", ""});
}

static void add_holders(struct text *t, const json_t *holds)
{
    size_t i, k, count = json_array_size(holds);
    json_t *row, *task;
    for (i = 0; i < count && i < HOLDERS_SHOWN; i++) {
        row = json_array_get(holds, i);
        json_array_foreach(json_object_get(row, "tasks"), k, task)
            add(t, (struct row){"on", str(row, "instance"), "", plain_facts(t, task), "", ""});
    }
    if (count > HOLDERS_SHOWN)
        add(t, (struct row){"on", "", "", arena_printf(&t->arena, "%zu more instances: --format json", count - HOLDERS_SHOWN), "", ""});
}

// The newest first: what it says now stands on top.
static void add_history(struct text *t, const json_t *history)
{
    for (size_t i = json_array_size(history); i-- > 0;) {
        const json_t *run = json_array_get(history, i);
        int64_t ticks = number(run, "ticks");
        add(t, (struct row){"since", str(run, "since"), str(run, "code"), str(run, "reason"), "",
                            arena_printf(&t->arena, "%" PRId64 " tick%s", ticks, ticks == 1 ? "" : "s")});
    }
}

static void add_acts(struct text *t, const json_t *acts)
{
    size_t i;
    json_t *a;
    json_array_foreach(acts, i, a)
        add(t, (struct row){"acts", arena_printf(&t->arena, "%s %s", str(a, "at"), str(a, "kind")), str(a, "outcome"), str(a, "reason"), "",
                            arena_printf(&t->arena, "tick %" PRId64 ", %s", number(a, "tick"), outcome_text(t, a))});
}

static void print_candidate(struct text *t, const json_t *doc, const json_t *c)
{
    print_head(t, doc);
    buf_printf(t->out, "%-*s%s\n\n", LABEL_COLUMNS, str(c, "kind"), str(c, "id"));
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(c, "verdicts"), i, v)
        add(t, (struct row){"now", str(v, "kind"), str(v, "code"), str(v, "fact"), str(v, "verdict"),
                            json_object_get(v, "wanted") ? arena_printf(&t->arena, "wanted %" PRId64 ", allowed %" PRId64, number(v, "wanted"),
                                                                        number(v, "allowed"))
                                                         : ""});
    add_action_rows(t, json_object_get(c, "actions"));
    print_rows(t);
    const json_t *facts = json_object_get(c, "facts");
    if (json_is_object(facts))
        add(t, (struct row){"facts", "", "", plain_facts(t, facts), "", ""});
    else
        add(t, (struct row){"facts", "", "", "it is in no list of AWS any more", "", ""});
    print_rows(t);
    add_facts(t, "tasks", json_object_get(facts, "tasks"), "service");
    add_facts(t, "pools", json_object_get(facts, "pools"), "type");
    add_facts(t, "deploys", json_object_get(facts, "deployments"), "id");
    add_facts(t, "service", json_object_get(c, "services"), "name");
    add_holders(t, json_object_get(c, "holds"));
    print_rows(t);
    add_history(t, json_object_get(c, "history"));
    print_rows(t);
    if (json_is_object(json_object_get(c, "drain")))
        add(t, (struct row){"drain", str(json_object_get(c, "drain"), "state"), "", plain_facts(t, json_object_get(c, "drain")), "", ""});
    add_facts(t, "memo", json_object_get(c, "stamps"), "kind");
    add_acts(t, json_object_get(c, "acts"));
    print_rows(t);
    if (str(c, "looked_back_to")[0])
        buf_printf(t->out, "Looked back to %s. The whole tick: masu explain %" PRId64, str(c, "looked_back_to"), number(doc, "tick"));
    print_state_hint(t);
    buf_add_char(t->out, '\n');
}

void explain_print(const json_t *doc, const struct explain_text_options *o, struct buf *out)
{
    struct text t = {.o = o, .out = out};
    arena_init(&t.arena, ROWS_ARENA_MAX_BYTES);
    const json_t *candidate = json_object_get(doc, "candidate");
    if (candidate)
        print_candidate(&t, doc, candidate);
    else
        print_tick(&t, doc);
    arena_release(&t.arena);
}
