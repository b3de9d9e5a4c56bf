#include <string.h>

#include "base/json.h"
#include "state/internal.h"

enum { LAUNCHES_MAX = 1024 };        // intents in two minutes of one cluster
#define TICK_LONGEST_MS (30 * 60000)  // a tick began at most so long before its intent

// What the outcome of an order says of its effect.
enum effect { EFFECT_UNKNOWN, EFFECT_DONE, EFFECT_NONE };

static enum effect effect_of(sqlite3_stmt *st, struct arena *a)
{
    static const char *const CUT_SHORT[] = {"transient", "throttled", "io", "corrupt"};
    const char *outcome = db_null(st, "outcome") ? "unknown" : db_text(st, "outcome", a);
    if (strcmp(outcome, "unknown") == 0)
        return EFFECT_UNKNOWN;
    if (strcmp(outcome, outcome_kind_name(OUTCOME_OK)) == 0)
        return EFFECT_DONE;
    for (size_t i = 0; strcmp(outcome, outcome_kind_name(OUTCOME_FAILED)) == 0 && i < ARRAY_LEN(CUT_SHORT); i++)
        if (strcmp(db_text(st, "err_kind", a), CUT_SHORT[i]) == 0)
            return EFFECT_UNKNOWN;
    return EFFECT_NONE;
}

static int read_order(sqlite3_stmt *st, struct arena *a, struct memo_launch *ret, struct err *err)
{
    json_t *params = NULL;
    if (json_parse(slice_of(db_text(st, "params", a)), "params", &params, err) != 0)
        return err->kind;
    const char *content = json_str(params, "content");
    *ret = (struct memo_launch){.token = db_text(st, "client_token", a), .fleet = db_text(st, "target", a),
                                .value = arena_strdup(a, content ? content : ""), .capacity = json_int(params, "count", 0),
                                .on_demand = json_int(params, "on_demand", 0), .sent_ms = db_int(st, "created_ms")};
    json_decref(params);
    return 0;
}

// The newest outcome of a token counts, its first time stays.
static void add_order(struct memo_launch *v, size_t *count, struct memo_launch x, enum effect effect)
{
    size_t k = 0;
    for (; k < *count && strcmp(v[k].token, x.token) != 0; k++)
        ;
    if (effect == EFFECT_NONE && k == *count)
        return;
    x.answered = effect == EFFECT_DONE;
    if (k < *count)
        x.sent_ms = v[k].sent_ms;
    v[k] = x;
    *count += k == *count;
    if (effect == EFFECT_NONE)
        memmove(&v[k], &v[k + 1], (--*count - k) * sizeof *v);
}

static int read_orders(struct state *s, sqlite3_stmt *st, struct arena *a, struct memo_launch *v, size_t *count, struct err *err)
{
    bool row = false;
    int rc = db_step(&s->db, st, &row, err);
    for (int n = 0; rc == 0 && row; n++) {
        struct memo_launch x;
        rc = n < LAUNCHES_MAX ? read_order(st, a, &x, err) : err_set(err, ERR_LIMIT, "more than %d orders in two minutes", LAUNCHES_MAX);
        if (rc == 0 && x.token[0] && x.value[0] && x.capacity > 0)
            add_order(v, count, x, effect_of(st, a));
        if (rc == 0)
            rc = db_step(&s->db, st, &row, err);
    }
    return rc;
}

int state_launches_load(struct state *s, int64_t cluster, int64_t since_ms, struct arena *a, struct memo_launch **ret, size_t *ret_count, struct err *err)
{
    static const char sql[] =
        "SELECT i.target AS target, i.params AS params, i.client_token AS client_token, i.created_ms AS created_ms, o.outcome AS outcome,"
        " o.err_kind AS err_kind FROM ticks t JOIN intents i ON i.tick = t.id LEFT JOIN outcomes o ON o.intent = i.id"
        " WHERE t.cluster = :cluster AND t.dry_run = 0 AND t.at_ms >= :since_tick AND i.kind = :kind AND i.created_ms >= :since ORDER BY i.id";
    struct memo_launch *v = arena_array(a, struct memo_launch, LAUNCHES_MAX + 1);
    sqlite3_stmt *st = NULL;
    size_t count = 0;
    int rc = db_prepare(&s->db, sql, &st, err);
    if (rc == 0) {
        db_bind_int(st, ":cluster", cluster);
        db_bind_int(st, ":since_tick", since_ms - TICK_LONGEST_MS);
        db_bind_text(st, ":kind", action_kind_name(ACTION_LAUNCH));
        db_bind_int(st, ":since", since_ms);
        rc = read_orders(s, st, a, v, &count, err);
        db_done(st);
    }
    if (rc) {
        err_wrap(err, "orders of cluster %lld", (long long)cluster);
        return rc;
    }
    *ret = v;
    *ret_count = count;
    return 0;
}
