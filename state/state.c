#include "state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"
#include "state/history_internal.h"
#include "state/migrations.h"

#define QUICK_CHECK_MAX_BYTES (64 << 20)

// Two writers on one journal would each believe their own intents; the lock goes with the process.
static int take_lock(struct state *s, struct err *err)
{
    char name[sizeof(s->path) + 8];
    snprintf(name, sizeof(name), "%s.lock", s->path);
    s->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0)
        return err_set(err, ERR_IO, "state %s: %s", name, strerror(errno));
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    return err_set(err, ERR_CONFLICT, "state %s: another masu uses it -> end that one first, or give this one a --state of its own", s->path);
}

static int make_temp(struct state *s, struct err *err)
{
    const char *base = getenv("TMPDIR");
    snprintf(s->temp_dir, sizeof(s->temp_dir) - 16, "%s/masu-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(s->temp_dir)) {
        int rc = err_set(err, ERR_IO, "state %s: %s", s->temp_dir, strerror(errno));
        s->temp_dir[0] = '\0';
        return rc;
    }
    snprintf(s->path, sizeof(s->path), "%s/state.db", s->temp_dir);
    return 0;
}

static const char *const file_suffixes[] = {"", "-wal", "-shm"};

static void remove_temp(struct state *s)
{
    if (!s->temp_dir[0])
        return;
    char name[sizeof(s->path) + 8];
    for (size_t i = 0; i < ARRAY_LEN(file_suffixes); i++) {
        snprintf(name, sizeof(name), "%s%s", s->path, file_suffixes[i]);
        unlink(name);
    }
    snprintf(name, sizeof(name), "%s.lock", s->path);
    unlink(name);
    rmdir(s->temp_dir);
}

// The whole check reads the whole file: only where that is quick, or where the last run did not end well.
static int check_content(struct state *s, bool after_crash, struct err *err)
{
    struct stat st;
    if (stat(s->path, &st) != 0 || (st.st_size > QUICK_CHECK_MAX_BYTES && !after_crash))
        return 0;
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    int rc = db_prepare(&s->db, "PRAGMA quick_check(1)", &stmt, err);
    if (rc == 0)
        rc = db_step(&s->db, stmt, &row, err);
    const char *said = rc == 0 && row ? (const char *)sqlite3_column_text(stmt, 0) : "";
    if (rc == 0 && (!said || strcmp(said, "ok") != 0))
        rc = err_set(err, ERR_CORRUPT, "quick_check: %s", said ? said : "no answer");
    db_done(stmt);
    return rc;
}

static int last_run_crashed(struct state *s, bool *ret, struct err *err)
{
    sqlite3_stmt *st = NULL;
    bool row = false;
    int rc = db_prepare(&s->db, "SELECT ended_ms FROM runs ORDER BY id DESC LIMIT 1", &st, err);
    if (rc == 0)
        rc = db_step(&s->db, st, &row, err);
    *ret = rc == 0 && row && db_null(st, "ended_ms");
    db_done(st);
    return rc;
}

static int begin_run(struct state *s, struct state_opened *o, struct err *err)
{
    int64_t now = clock_wall_ms(s->clock);
    int rc = db_begin(&s->db, true, err);
    if (rc)
        return rc;
    sqlite3_stmt *st = NULL;
    rc = db_prepare(&s->db, "INSERT INTO runs (started_ms, after_crash) VALUES (:now, :after_crash)", &st, err);
    if (rc == 0) {
        db_bind_int(st, ":now", now);
        db_bind_int(st, ":after_crash", o->after_crash);
        rc = db_run(&s->db, st, err);
        db_done(st);
        s->run = sqlite3_last_insert_rowid(s->db.h);
    }
    rc = db_end(&s->db, rc, err);
    if (rc)
        return rc;
    bool row = false;
    rc = db_prepare(&s->db, "SELECT count(*) AS n FROM runs WHERE after_crash = 1 AND started_ms > :since", &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":since", now - 3600000);
    rc = db_step(&s->db, st, &row, err);
    if (rc == 0)
        o->crashes_60min = (int)db_int(st, "n");
    db_done(st);
    return rc;
}

// The answer was never read, so nobody knows; the next look tells what became of it.
static int close_intents(struct state *s, struct state_opened *o, struct err *err)
{
    static const char sql[] =
        "INSERT INTO outcomes (intent, outcome, err_kind, http_status, message, finished_ms) SELECT id, 'unknown', 'transient', 0,"
        " 'the daemon ended before the answer: what AWS shows decides', :now FROM intents WHERE id NOT IN (SELECT intent FROM outcomes)";
    sqlite3_stmt *st = NULL;
    int rc = db_begin(&s->db, true, err);
    if (rc)
        return rc;
    rc = db_prepare(&s->db, sql, &st, err);
    if (rc == 0) {
        db_bind_int(st, ":now", clock_wall_ms(s->clock));
        rc = db_run(&s->db, st, err);
        db_done(st);
        o->closed_intents = rc == 0 ? sqlite3_changes(s->db.h) : 0;
    }
    return db_end(&s->db, rc, err);
}

static int open_file(struct state *s, struct state_opened *o, struct err *err)
{
    struct db *d = &s->db;
    bool no_sync = d->no_sync;
    int rc = db_open(d, s->path[0] ? s->path : ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
    if (rc)
        return rc;
    d->no_sync = no_sync;
    int64_t tables = 0;
    rc = state_check_schema(d, &o->schema_before, err);
    if (rc)
        return rc;
    rc = db_exec(d, "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA foreign_keys=ON; PRAGMA journal_mode=WAL;"
                    "PRAGMA journal_size_limit=16777216", err);
    if (rc == 0 && no_sync)
        rc = db_exec(d, "PRAGMA synchronous=OFF", err);
    if (rc == 0)
        rc = db_pragma_int(d, "SELECT count(*) FROM sqlite_schema", &tables, err);
    if (rc == 0)
        rc = state_migrate(d, state_schema_version(), &o->schema_before, err);
    o->schema = state_schema_version();
    o->fresh = tables == 0;
    if (rc == 0)
        rc = last_run_crashed(s, &o->after_crash, err);
    if (rc == 0 && !o->fresh)
        rc = check_content(s, o->after_crash, err);
    if (rc == 0)
        rc = begin_run(s, o, err);
    if (rc == 0)
        rc = close_intents(s, o, err);
    if (rc == 0)
        rc = db_pragma_int(d, "SELECT coalesce(max(id), 0) + 1 FROM ticks", &s->next_tick, err);
    return rc;
}

static int move_aside(struct state *s, struct state_opened *o, struct err *err)
{
    char stamp[32], from[sizeof(s->path) + 8], to[sizeof(s->path) + 64];
    format_amz_date(clock_wall_ms(s->clock), stamp);
    for (size_t i = 0; i < ARRAY_LEN(file_suffixes); i++) {
        snprintf(from, sizeof(from), "%s%s", s->path, file_suffixes[i]);
        snprintf(to, sizeof(to), "%s.corrupt-%s%s", s->path, stamp, file_suffixes[i]);
        bool moved = rename(from, to) == 0;
        if (!moved && errno != ENOENT)
            return err_set(err, ERR_IO, "state: cannot move %s aside: %s", from, strerror(errno));
        if (i == 0 && moved)
            snprintf(o->moved_to, sizeof(o->moved_to), "%s", to);
    }
    return 0;
}

static void free_state(struct state *s)
{
    body_forget_all(s);
    tracks_free(s);
    db_close(&s->db);
    remove_temp(s);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    free(s);
}

static int open_or_move_aside(struct state *s, struct state_opened *o, struct err *err)
{
    bool no_sync = s->db.no_sync;
    int rc = open_file(s, o, err);
    if (rc != ERR_CORRUPT || !s->path[0])
        return rc;
    struct state_opened again = {.moved_aside = true};
    snprintf(again.why, sizeof(again.why), "%s", err->msg);
    db_close(&s->db);
    rc = move_aside(s, &again, err);
    s->db.no_sync = no_sync;
    if (rc == 0)
        rc = open_file(s, &again, err);
    again.after_crash = true;  // nobody can say how the run before ended
    *o = again;
    return rc;
}

int state_renew(struct state *s, struct state_opened *ret_opened, struct err *err)
{
    struct state_opened o = {.moved_aside = true};
    bool no_sync = s->db.no_sync;
    snprintf(o.why, sizeof(o.why), "%s", err->msg);
    body_forget_all(s);
    tracks_forget(s);
    s->open_ticks = 0;
    db_close(&s->db);
    int rc = s->path[0] ? move_aside(s, &o, err) : 0;
    s->db.no_sync = no_sync;
    if (rc == 0)
        rc = open_file(s, &o, err);
    if (rc) {
        err_wrap(err, "state %s", s->path);
        return rc;
    }
    *ret_opened = o;
    return 0;
}

int state_open(const struct state_options *o, struct state **ret, struct state_opened *ret_opened, struct err *err)
{
    struct err local;
    if (!err)
        err = &local;  // the reason of a move aside is read from it
    struct state *s = calloc(1, sizeof(*s));
    if (!s)
        return err_set(err, ERR_NOMEM, "state: no memory");
    s->clock = o->clock;
    s->lock_fd = -1;
    s->keep_days = o->keep_days ? o->keep_days : 35;
    s->keep_mib = o->keep_mib ? o->keep_mib : 1024;
    s->db.no_sync = o->no_sync;
    s->reader.db = &s->db;
    struct state_opened opened = {0};
    int rc = 0;
    if (strcmp(o->path, ":temp:") == 0)
        rc = make_temp(s, err);
    else if (strlen(o->path) >= sizeof(s->path) - 64)
        rc = err_set(err, ERR_INVALID, "state: the path is too long");
    else if (strcmp(o->path, ":memory:") != 0)
        snprintf(s->path, sizeof(s->path), "%s", o->path);
    struct stat st;
    if (rc == 0 && s->path[0] && stat(s->path, &st) == 0 && S_ISDIR(st.st_mode))
        rc = err_set(err, ERR_INVALID, "state %s: is a directory -> name a file in it", s->path);
    if (rc == 0 && s->path[0])
        rc = take_lock(s, err);
    if (rc == 0) {
        rc = open_or_move_aside(s, &opened, err);
        if (rc)
            err_wrap(err, "state %s", o->path);
    }
    if (rc) {
        free_state(s);
        return rc;
    }
    *ret = s;
    if (ret_opened)
        *ret_opened = opened;
    return 0;
}

void state_close(struct state *s)
{
    if (!s)
        return;
    sqlite3_stmt *st = NULL;
    // A failure here only makes the next start count this end as a crash.
    if (db_begin(&s->db, true, NULL) == 0) {
        int rc = db_prepare(&s->db, "UPDATE runs SET ended_ms = :now WHERE id = :run", &st, NULL);
        if (rc == 0) {
            db_bind_int(st, ":now", clock_wall_ms(s->clock));
            db_bind_int(st, ":run", s->run);
            rc = db_run(&s->db, st, NULL);
            db_done(st);
        }
        db_end(&s->db, rc, NULL);
    }
    free_state(s);
}

void state_abandon(struct state *s)
{
    if (s)
        free_state(s);
}

const char *state_path(const struct state *s)
{
    return s->path;
}

int state_cluster(struct state *s, const char *account, const char *region, const char *name, int64_t *ret_id, struct err *err)
{
    int rc = db_begin(&s->db, false, err);
    if (rc)
        return rc;
    // The no-op update makes RETURNING speak for a row that was there.
    static const char sql[] = "INSERT INTO clusters (account, region, name) VALUES (:account, :region, :name)"
                              " ON CONFLICT DO UPDATE SET name = name RETURNING id";
    const char *slash = strrchr(name, '/');
    sqlite3_stmt *st = NULL;
    bool row = false;
    int64_t id = 0;
    rc = db_prepare(&s->db, sql, &st, err);
    if (rc == 0) {
        db_bind_text(st, ":account", account);
        db_bind_text(st, ":region", region);
        db_bind_text(st, ":name", slash ? slash + 1 : name);
        rc = db_step(&s->db, st, &row, err);
        if (rc == 0)
            id = db_int(st, "id");
        db_done(st);
    }
    rc = db_end(&s->db, rc, err);
    if (rc == 0)
        *ret_id = id;
    return rc;
}

int state_kv_set(struct state *s, const char *key, const char *value, struct err *err)
{
    static const char set_sql[] = "INSERT INTO kv (key, value) VALUES (:key, :value) ON CONFLICT DO UPDATE SET value = excluded.value";
    static const char remove_sql[] = "DELETE FROM kv WHERE key = :key";
    int rc = db_begin(&s->db, false, err);
    if (rc)
        return rc;
    sqlite3_stmt *st = NULL;
    rc = db_prepare(&s->db, value ? set_sql : remove_sql, &st, err);
    if (rc == 0) {
        db_bind_text(st, ":key", key);
        if (value)
            db_bind_text(st, ":value", value);
        rc = db_run(&s->db, st, err);
        db_done(st);
    }
    return db_end(&s->db, rc, err);
}

int state_kv_get(struct state *s, const char *key, struct arena *a, const char **ret, struct err *err)
{
    sqlite3_stmt *st = NULL;
    bool row = false;
    int rc = db_prepare(&s->db, "SELECT value FROM kv WHERE key = :key", &st, err);
    if (rc)
        return rc;
    db_bind_text(st, ":key", key);
    rc = db_step(&s->db, st, &row, err);
    if (rc == 0)
        *ret = row ? db_text(st, "value", a) : NULL;
    db_done(st);
    return rc;
}
