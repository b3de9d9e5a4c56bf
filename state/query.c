#include "state/query.h"

#include <errno.h>
#include <sys/stat.h>

#include "state/internal.h"
#include "state/migrations.h"
#include "state/pack.h"

static int check_schema(struct db *d, const char *path, struct err *err)
{
    int64_t version = 0;
    int rc = db_pragma_int(d, "PRAGMA user_version", &version, err);
    if (rc == ERR_CORRUPT)
        return err_set(err, ERR_INVALID, "%s is no journal of masu, or its head is damaged", path);
    if (rc)
        return err_wrap(err, "%s", path);
    if (version == 0)
        return err_set(err, ERR_INVALID, "%s holds no journal of masu", path);
    if (version > state_schema_version())
        return err_set(err, ERR_INVALID, "%s has schema %lld, this masu reads %d -> use the newer masu that wrote it", path, (long long)version,
                       state_schema_version());
    if (version < state_schema_version())
        return err_set(err, ERR_INVALID, "%s has schema %lld, this masu reads %d -> masu run brings it up to date when it starts with it", path,
                       (long long)version, state_schema_version());
    return 0;
}

// A reader of a WAL database makes a file beside it, which a read-only folder does not allow. Where no log is left, nothing writes
// and nothing is to be merged: the file is read as it is.
static int open_unchanging(struct db *d, const char *path, struct err *err)
{
    struct buf name;
    struct stat st;
    buf_init(&name, 4096);
    buf_printf(&name, "%s-wal", path);
    if (stat(buf_str(&name), &st) == 0) {
        buf_release(&name);
        return err_set(err, ERR_IO, "%s cannot be read where it is: its folder cannot be written, and what %s-wal holds is to be merged"
                                    " -> copy both to a folder that can", path, path);
    }
    buf_clear(&name);
    buf_add_str(&name, "file:");
    buf_add_uri(&name, slice_of(path));
    buf_add_str(&name, "?immutable=1");
    db_close(d);
    int rc = db_open(d, buf_str(&name), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
    buf_release(&name);
    return rc ? rc : check_schema(d, path, err);
}

int state_reader_open(const char *path, struct state_reader **ret, struct err *err)
{
    if (!*path)
        return err_set(err, ERR_NOT_FOUND, "the history is kept in memory only");
    struct stat st;
    if (stat(path, &st) != 0)
        return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_INVALID, "%s is not a file", path);
    struct state_reader *r = calloc(1, sizeof(*r));
    if (!r)
        return err_set(err, ERR_NOMEM, "state: no memory");
    r->db = &r->own;
    int rc = db_open(&r->own, path, SQLITE_OPEN_READONLY, err);
    if (rc == 0)
        rc = check_schema(&r->own, path, err);
    if (rc == ERR_IO)
        rc = open_unchanging(&r->own, path, err);
    if (rc) {
        state_reader_free(r);
        return rc;
    }
    state_reader_set_deadline(r, 2000);
    *ret = r;
    return 0;
}

void state_reader_free(struct state_reader *r)
{
    if (!r)
        return;
    assert(r->db == &r->own);
    db_close(&r->own);
    free(r);
}

struct state_reader *state_reader_of(struct state *s)
{
    return &s->reader;
}

void state_reader_set_deadline(struct state_reader *r, int64_t max_ms)
{
    r->db->max_query_ms = max_ms;
}

static int prepare(struct state_reader *r, const char *sql, sqlite3_stmt **ret, struct err *err)
{
    db_start_deadline(r->db);
    return db_prepare(r->db, sql, ret, err);
}

int state_query_span(struct state_reader *r, int64_t cluster, struct state_span *ret, struct err *err)
{
    // One statement for each way to ask, so that each can use its index.
    static const char *const sql[2] = {
        "SELECT f.id AS first, f.at_ms AS first_ms, l.id AS last, l.at_ms AS last_ms FROM ticks AS f, ticks AS l"
        " WHERE :cluster = 0 AND f.id = (SELECT min(id) FROM ticks) AND l.id = (SELECT max(id) FROM ticks)",
        "SELECT f.id AS first, f.at_ms AS first_ms, l.id AS last, l.at_ms AS last_ms FROM ticks AS f, ticks AS l"
        " WHERE f.id = (SELECT min(id) FROM ticks WHERE cluster = :cluster) AND l.id = (SELECT max(id) FROM ticks WHERE cluster = :cluster)"};
    sqlite3_stmt *st = NULL;
    bool row = false;
    int rc = prepare(r, sql[cluster != 0], &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cluster", cluster);
    rc = db_step(r->db, st, &row, err);
    *ret = (struct state_span){0};
    if (rc == 0 && row)
        *ret = (struct state_span){db_int(st, "first"), db_int(st, "last"), db_int(st, "first_ms"), db_int(st, "last_ms")};
    db_done(st);
    return rc;
}

int state_query_clusters(struct state_reader *r, struct arena *a, struct state_cluster_row **ret, size_t *ret_count, struct err *err)
{
    sqlite3_stmt *st = NULL;
    bool row = false;
    struct state_cluster_row *rows = NULL;
    size_t count = 0, cap = 0;
    int rc = prepare(r, "SELECT id, account, region, name FROM clusters ORDER BY id", &st, err);
    while (rc == 0 && (rc = db_step(r->db, st, &row, err)) == 0 && row) {
        rows = arena_grow(a, rows, count, &cap, sizeof(*rows));
        rows[count++] = (struct state_cluster_row){
            .id = db_int(st, "id"),
            .account = db_text(st, "account", a),
            .region = db_text(st, "region", a),
            .name = db_text(st, "name", a),
        };
    }
    db_done(st);
    *ret = rows;
    *ret_count = count;
    return rc;
}

// ---- acts -----------------------------------------------------------------------------------------------------------------
#define ACT_COLUMNS                                                                                                      \
    "SELECT i.id, i.tick, i.action, i.kind, i.target, i.params, i.client_token, i.fact, i.verdict, i.created_ms,"        \
    " o.intent IS NOT NULL AS finished, o.outcome, o.err_kind, o.http_status, o.message, o.finished_ms"                  \
    " FROM intents AS i LEFT JOIN outcomes AS o ON o.intent = i.id "

static struct state_act read_act(sqlite3_stmt *st, struct arena *a)
{
    return (struct state_act){
        .intent = db_int(st, "id"),
        .tick = db_int(st, "tick"),
        .action = (int)db_int(st, "action"),
        .kind = db_text(st, "kind", a),
        .target = db_text(st, "target", a),
        .params = db_text(st, "params", a),
        .client_token = db_text(st, "client_token", a),
        .fact = db_text(st, "fact", a),
        .verdict = db_text(st, "verdict", a),
        .created_ms = db_int(st, "created_ms"),
        .finished = db_int(st, "finished") != 0,
        .outcome = db_text(st, "outcome", a),
        .err_kind = db_text(st, "err_kind", a),
        .http_status = (int)db_int(st, "http_status"),
        .message = db_text(st, "message", a),
        .finished_ms = db_int(st, "finished_ms"),
    };
}

static int read_acts(struct state_reader *r, sqlite3_stmt *st, struct arena *a, struct state_act **ret, size_t *ret_count,
                     struct err *err)
{
    struct state_act *acts = NULL;
    size_t count = 0, cap = 0;
    bool row = false;
    int rc = 0;
    while ((rc = db_step(r->db, st, &row, err)) == 0 && row) {
        acts = arena_grow(a, acts, count, &cap, sizeof(*acts));
        acts[count++] = read_act(st, a);
    }
    *ret = acts;
    *ret_count = count;
    return rc;
}

static int acts_of_tick(struct state_reader *r, struct arena *a, struct state_tick *t, struct err *err)
{
    sqlite3_stmt *st = NULL;
    int rc = db_prepare(r->db, ACT_COLUMNS "WHERE i.tick = :tick ORDER BY i.id", &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":tick", t->id);
    rc = read_acts(r, st, a, &t->acts, &t->act_count, err);
    db_done(st);
    return rc;
}

// ---- ticks ----------------------------------------------------------------------------------------------------------------
#define TICK_COLUMNS                                                                                                     \
    "SELECT t.*, c.account, c.region, c.name, b.tick IS NOT NULL AS has_body"                                            \
    " FROM ticks AS t JOIN clusters AS c ON c.id = t.cluster LEFT JOIN bodies AS b ON b.tick = t.id "

static struct plan_summary read_summary(sqlite3_stmt *st)
{
    return (struct plan_summary){
        .instances = (int32_t)db_int(st, "instances"),
        .active = (int32_t)db_int(st, "active"),
        .draining = (int32_t)db_int(st, "draining"),
        .coming = (int32_t)db_int(st, "coming"),
        .interrupted = (int32_t)db_int(st, "interrupted"),
        .waiting_tasks = (int32_t)db_int(st, "waiting_tasks"),
        .capacity = res_make(db_int(st, "capacity_cpu_units"), db_int(st, "capacity_memory_mib")),
        .reserved = res_make(db_int(st, "reserved_cpu_units"), db_int(st, "reserved_memory_mib")),
        .need = res_make(db_int(st, "need_cpu_units"), db_int(st, "need_memory_mib")),
        .hourly = {db_int(st, "cost_usd_micro_per_hour")},
    };
}

static struct state_tick read_tick(sqlite3_stmt *st, struct arena *a)
{
    return (struct state_tick){
        .id = db_int(st, "id"),
        .cluster = db_int(st, "cluster"),
        .at_ms = db_int(st, "at_ms"),
        .duration_ms = db_int(st, "duration_ms"),
        .account = db_text(st, "account", a),
        .region = db_text(st, "region", a),
        .cluster_name = db_text(st, "name", a),
        .policy_hash = db_text(st, "policy_hash", a),
        .mode = db_text(st, "mode", a),
        .error = db_text(st, "error", a),
        .dry_run = db_int(st, "dry_run") != 0,
        .recorded = db_int(st, "recorded") != 0,
        .planned = db_int(st, "planned") != 0,
        .actions = (int32_t)db_int(st, "actions"),
        .ok = (int32_t)db_int(st, "ok"),
        .failed = (int32_t)db_int(st, "failed"),
        .skipped = (int32_t)db_int(st, "skipped"),
        .summary = read_summary(st),
        .masu = db_text(st, "masu", a),
        .planned_policy = db_text(st, "planned_policy", a),
        .has_body = db_int(st, "has_body") != 0,
    };
}

// One statement for each way to ask, so that each can use its index.
static const char *const ticks_sql[2][2] = {
    {TICK_COLUMNS "WHERE t.id < :before AND :cluster = 0 ORDER BY t.id DESC LIMIT :limit",
     TICK_COLUMNS "WHERE t.id < :before AND t.cluster = :cluster ORDER BY t.id DESC LIMIT :limit"},
    {TICK_COLUMNS "WHERE t.id < :before AND :cluster = 0 AND (t.actions > 0 OR t.error <> '') ORDER BY t.id DESC LIMIT :limit",
     TICK_COLUMNS "WHERE t.id < :before AND t.cluster = :cluster AND (t.actions > 0 OR t.error <> '')"
                  " ORDER BY t.id DESC LIMIT :limit"},
};

int state_query_ticks(struct state_reader *r, const struct state_ticks_query *q, struct arena *a, struct state_tick **ret,
                      size_t *ret_count, bool *ret_more, struct err *err)
{
    assert(q->limit >= 1 && q->limit <= STATE_PAGE_MAX);
    sqlite3_stmt *st = NULL;
    struct state_tick *ticks = arena_array(a, struct state_tick, (size_t)q->limit + 1);
    size_t count = 0;
    bool row = false;
    int rc = prepare(r, ticks_sql[q->acting_only][q->cluster != 0], &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":before", q->before ? q->before : INT64_MAX);
    db_bind_int(st, ":cluster", q->cluster);
    db_bind_int(st, ":limit", q->limit + 1);
    while ((rc = db_step(r->db, st, &row, err)) == 0 && row)
        ticks[count++] = read_tick(st, a);
    db_done(st);
    *ret_more = count > (size_t)q->limit;
    if (*ret_more)
        count--;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = acts_of_tick(r, a, &ticks[i], err);
    *ret = ticks;
    *ret_count = count;
    return rc;
}

// The body that the cursor stands on, borrowed from it.
static int read_parts(struct body_cursor *c, struct state_tick_whole *t, struct err *err)
{
    struct slice parts[BODY_PARTS];
    if (!t->tick.has_body)
        return 0;
    int rc = body_cursor_go(c, t->tick.id, err);
    if (rc == 0)
        rc = body_cursor_parts(c, parts, err);
    if (rc)
        return rc;
    t->snapshot_json = parts[BODY_SNAPSHOT];
    t->memo_before_json = parts[BODY_MEMO_BEFORE];
    t->plan_json = parts[BODY_PLAN];
    t->memo_json = parts[BODY_MEMO];
    return 0;
}

static void keep(struct slice *s, struct arena *a)
{
    if (s->len)
        s->ptr = arena_strndup(a, s->ptr, s->len);
}

static int read_bodies(struct state_reader *r, struct arena *a, struct state_tick_whole *t, struct err *err)
{
    struct body_cursor c;
    body_cursor_init(&c, r->db, t->tick.cluster);
    int rc = read_parts(&c, t, err);
    if (rc == 0) {
        keep(&t->snapshot_json, a);
        keep(&t->memo_before_json, a);
        keep(&t->plan_json, a);
        keep(&t->memo_json, a);
    }
    body_cursor_release(&c);
    return rc;
}

int state_query_tick(struct state_reader *r, int64_t id, struct arena *a, struct state_tick_whole *ret, struct err *err)
{
    sqlite3_stmt *st = NULL;
    struct state_tick_whole t = {0};
    bool row = false;
    int rc = prepare(r, TICK_COLUMNS "WHERE t.id = :id", &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":id", id);
    rc = db_step(r->db, st, &row, err);
    if (rc == 0 && row)
        t.tick = read_tick(st, a);
    else if (rc == 0)
        rc = err_set(err, ERR_NOT_FOUND, "no tick %lld", (long long)id);
    db_done(st);
    if (rc == 0)
        rc = acts_of_tick(r, a, &t.tick, err);
    if (rc == 0)
        rc = read_bodies(r, a, &t, err);
    if (rc == 0)
        *ret = t;
    return rc;
}

struct state_walk {
    struct state_reader *reader;
    struct body_cursor cursor;
};

int state_walk_new(struct state_reader *r, int64_t cluster, struct state_walk **ret, struct err *err)
{
    struct state_walk *w = calloc(1, sizeof(*w));
    if (!w)
        return err_set(err, ERR_NOMEM, "state: no memory");
    w->reader = r;
    body_cursor_init(&w->cursor, r->db, cluster);
    *ret = w;
    return 0;
}

void state_walk_free(struct state_walk *w)
{
    if (!w)
        return;
    body_cursor_release(&w->cursor);
    free(w);
}

int state_walk_next(struct state_walk *w, int64_t from, int64_t to, struct arena *a, struct state_tick_whole *ret, bool *ret_found,
                    struct err *err)
{
    sqlite3_stmt *st = NULL;
    struct state_reader *r = w->reader;
    *ret = (struct state_tick_whole){0};
    int rc = prepare(r, TICK_COLUMNS "WHERE t.cluster = :cluster AND t.id >= :from AND t.id <= :to ORDER BY t.id LIMIT 1", &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cluster", w->cursor.cluster);
    db_bind_int(st, ":from", from);
    db_bind_int(st, ":to", to);
    rc = db_step(r->db, st, ret_found, err);
    if (rc == 0 && *ret_found)
        ret->tick = read_tick(st, a);
    db_done(st);
    if (rc || !*ret_found)
        return rc;
    rc = acts_of_tick(r, a, &ret->tick, err);
    return rc ? rc : read_parts(&w->cursor, ret, err);
}

int state_query_policy(struct state_reader *r, const char *hash, struct arena *a, struct slice *ret, struct err *err)
{
    sqlite3_stmt *st = NULL;
    bool row = false;
    int rc = prepare(r, "SELECT body FROM policies WHERE hash = :hash", &st, err);
    if (rc)
        return rc;
    db_bind_text(st, ":hash", hash);
    rc = db_step(r->db, st, &row, err);
    if (rc == 0)
        rc = row ? unpack_json(db_blob(st, "body"), a, ret, err) : err_set(err, ERR_NOT_FOUND, "no policy %s", hash);
    db_done(st);
    return rc;
}
