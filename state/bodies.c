#include "state/bodies.h"

#include "base/json.h"
#include "planner/model/model_json.h"
#include "state/delta.h"
#include "state/internal.h"
#include "state/pack.h"

#define HOUR_MS 3600000
enum { LEVEL_OF_BODIES = 6 };

// ---- writing --------------------------------------------------------------------------------------------------------------
// Consumes j, which may be NULL.
static void add_line(struct buf *text, json_t *j)
{
    if (j)
        json_write(j, text);
    buf_add_char(text, '\n');
    json_decref(j);
}

static int write_text(const struct state_tick_end *t, struct buf *text, struct err *err)
{
    add_line(text, snapshot_to_json(t->snapshot));
    add_line(text, t->memo_before ? memo_to_json(t->memo_before) : NULL);
    add_line(text, t->plan ? plan_to_json(t->plan, t->snapshot) : NULL);
    const struct memo *after = t->planned_memo ? t->planned_memo : t->memo;
    add_line(text, after ? memo_to_json(after) : NULL);
    return buf_failed(text) ? err_set(err, ERR_LIMIT, "a journal body passes %zu MiB", STATE_BODY_MAX >> 20) : 0;
}

static struct body_base *find_base(struct state *s, int64_t cluster)
{
    for (int i = 0; i < s->base_count; i++)
        if (s->bases[i].cluster == cluster)
            return &s->bases[i];
    return NULL;
}

// One for each open tick at most, so that there is room.
static struct body_base *make_base(struct state *s, int64_t cluster)
{
    struct body_base *b = find_base(s, cluster);
    if (!b) {
        if (s->base_count == STATE_OPEN_TICKS_MAX)
            body_forget_all(s);
        b = &s->bases[s->base_count++];
        *b = (struct body_base){.cluster = cluster};
        buf_init(&b->text, STATE_BODY_MAX);
        buf_init(&b->next, STATE_BODY_MAX);
    }
    buf_clear(&b->next);
    return b;
}

// Not at every action: a busy cluster acts in a sixth of its ticks, whole bodies there made the journal five times as large, and
// what was done and why is in the intents besides.
static bool wants_whole(const struct body_base *b, const struct open_tick *o)
{
    int64_t age_ms = o->start.at_ms - b->whole_ms;
    return b->tick == 0 || age_ms < 0 || age_ms >= HOUR_MS;
}

static int insert_body(struct state *s, const struct open_tick *o, int64_t base, struct slice packed, struct err *err)
{
    static const char sql[] = "INSERT OR REPLACE INTO bodies (tick, cluster, base, body) VALUES (:tick, :cluster, :base, :body)";
    sqlite3_stmt *st = NULL;
    int rc = db_prepare(&s->db, sql, &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":tick", o->id);
    db_bind_int(st, ":cluster", o->start.cluster);
    if (base)
        db_bind_int(st, ":base", base);
    db_bind_blob(st, ":body", packed);
    rc = db_run(&s->db, st, err);
    db_done(st);
    return rc;
}

int body_write(struct state *s, const struct open_tick *o, const struct state_tick_end *t, struct err *err)
{
    if (!t->snapshot)
        return 0;
    _cleanup_(buf_release) struct buf delta, packed;
    struct body_base *b = make_base(s, o->start.cluster);
    bool whole = wants_whole(b, o);
    buf_init(&delta, 2 * STATE_BODY_MAX);
    buf_init(&packed, 2 * STATE_BODY_MAX);
    int rc = write_text(t, &b->next, err);
    if (rc)
        return rc;
    if (!whole)
        delta_make(buf_slice(&b->text), buf_slice(&b->next), &delta);
    rc = pack_bytes(buf_slice(whole ? &b->next : &delta), LEVEL_OF_BODIES, &packed, err);
    if (rc == 0)
        rc = insert_body(s, o, whole ? 0 : b->tick, buf_slice(&packed), err);
    b->tick = o->id;
    if (whole)
        b->whole_ms = o->start.at_ms;
    return rc;
}

static void forget(struct state *s, struct body_base *b)
{
    buf_release(&b->text);
    buf_release(&b->next);
    *b = s->bases[--s->base_count];
}

void body_settle(struct state *s, int64_t cluster, bool committed)
{
    struct body_base *b = find_base(s, cluster);
    if (!b || (committed && b->next.len == 0))
        return;  // a tick without a body: the base stays
    if (!committed) {
        forget(s, b);
        return;
    }
    struct buf old = b->text;
    b->text = b->next;
    b->next = old;
    buf_release(&b->next);
}

void body_forget_all(struct state *s)
{
    while (s->base_count > 0)
        forget(s, &s->bases[0]);
}

// ---- reading --------------------------------------------------------------------------------------------------------------
void body_cursor_init(struct body_cursor *c, struct db *db, int64_t cluster)
{
    *c = (struct body_cursor){.db = db, .cluster = cluster};
    buf_init(&c->text, STATE_BODY_MAX);
    buf_init(&c->spare, STATE_BODY_MAX);
}

void body_cursor_release(struct body_cursor *c)
{
    buf_release(&c->text);
    buf_release(&c->spare);
}

// Moves to the body of the row that st stands on.
static int apply_row(struct body_cursor *c, sqlite3_stmt *st, struct err *err)
{
    int64_t tick = db_int(st, "tick"), base = db_int(st, "base");
    struct slice packed = db_blob(st, "body");
    if (base && base != c->tick)
        return err_set(err, ERR_CORRUPT, "the body of tick %lld builds on tick %lld, which is not there", (long long)tick, (long long)base);
    _cleanup_(buf_release) struct buf delta;
    buf_init(&delta, 2 * STATE_BODY_MAX);
    buf_clear(&c->spare);
    int rc = unpack_bytes(packed, base ? &delta : &c->spare, err);
    if (rc == 0 && base)
        rc = delta_apply(buf_slice(&c->text), buf_slice(&delta), &c->spare, err);
    if (rc) {
        err_wrap(err, "tick %lld", (long long)tick);
        c->tick = 0;
        return rc;
    }
    struct buf old = c->text;
    c->text = c->spare;
    c->spare = old;
    c->tick = tick;
    return 0;
}

// Where to begin, so as to arrive at `tick`: at itself, or at the whole body before it.
static int find_first(struct body_cursor *c, int64_t tick, int64_t *ret, struct err *err)
{
    static const char sql[] = "SELECT coalesce(base, 0) AS base, (SELECT max(tick) FROM bodies WHERE cluster = :cluster AND"
                              " base IS NULL AND tick <= :tick) AS first FROM bodies WHERE tick = :tick AND cluster = :cluster";
    sqlite3_stmt *st = NULL;
    bool row = false;
    int rc = db_prepare(c->db, sql, &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cluster", c->cluster);
    db_bind_int(st, ":tick", tick);
    rc = db_step(c->db, st, &row, err);
    if (rc == 0 && !row)
        rc = err_set(err, ERR_NOT_FOUND, "tick %lld has no body", (long long)tick);
    if (rc == 0) {
        int64_t base = db_int(st, "base");
        *ret = base == 0 || base == c->tick ? tick : db_int(st, "first");
    }
    db_done(st);
    return rc;
}

int body_cursor_go(struct body_cursor *c, int64_t tick, struct err *err)
{
    static const char sql[] = "SELECT tick, coalesce(base, 0) AS base, body FROM bodies WHERE cluster = :cluster AND tick >= :first"
                              " AND tick <= :last ORDER BY tick";
    sqlite3_stmt *st = NULL;
    bool row = false;
    int64_t first = 0;
    if (c->tick == tick)
        return 0;
    int rc = find_first(c, tick, &first, err);
    if (rc == 0)
        rc = db_prepare(c->db, sql, &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cluster", c->cluster);
    db_bind_int(st, ":first", first);
    db_bind_int(st, ":last", tick);
    while (rc == 0 && (rc = db_step(c->db, st, &row, err)) == 0 && row)
        rc = apply_row(c, st, err);
    db_done(st);
    if (rc == 0 && c->tick != tick)
        rc = err_set(err, ERR_NOT_FOUND, "the body of tick %lld was removed while it was read", (long long)tick);
    return rc;
}

int body_cursor_parts(const struct body_cursor *c, struct slice ret[BODY_PARTS], struct err *err)
{
    struct slice rest = buf_slice(&c->text);
    for (int i = 0; i < BODY_PARTS; i++) {
        if (rest.len == 0)
            return err_set(err, ERR_CORRUPT, "the body of tick %lld has %d parts, not %d", (long long)c->tick, i, BODY_PARTS);
        ret[i] = slice_cut(&rest, '\n');
    }
    return rest.len == 0 ? 0 : err_set(err, ERR_CORRUPT, "the body of tick %lld has more than %d parts", (long long)c->tick, BODY_PARTS);
}
