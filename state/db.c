#include "state/db.h"

static int progress(void *arg)
{
    struct db *d = arg;
    return d->deadline_ms && clock_mono_ms(&d->real) > d->deadline_ms;
}

int db_open(struct db *d, const char *path, int flags, struct err *err)
{
    *d = (struct db){0};
    clock_init_real(&d->real);
    int rc = sqlite3_open_v2(path, &d->h, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        int kind = db_error(d, rc, path, err);
        db_close(d);
        return kind;
    }
    sqlite3_extended_result_codes(d->h, 1);
    sqlite3_busy_timeout(d->h, 2000);
    sqlite3_progress_handler(d->h, 2000, progress, d);
    return 0;
}

void db_close(struct db *d)
{
    for (int i = 0; i < d->statement_count; i++)
        sqlite3_finalize(d->statements[i].stmt);
    d->statement_count = 0;
    if (d->h) {
        int rc = sqlite3_close(d->h);
        assert(rc == SQLITE_OK);  // else a statement or backup of ours is still open
        d->h = NULL;
    }
}

static const struct {
    int rc;  // primary result code
    enum err_kind kind;
} error_kinds[] = {
    {SQLITE_CORRUPT, ERR_CORRUPT}, {SQLITE_NOTADB, ERR_CORRUPT},     {SQLITE_INTERRUPT, ERR_LIMIT},
    {SQLITE_NOMEM, ERR_NOMEM},     {SQLITE_CONSTRAINT, ERR_INVALID}, {SQLITE_TOOBIG, ERR_LIMIT},
};

int db_error(struct db *d, int rc, const char *what, struct err *err)
{
    enum err_kind kind = ERR_IO;
    for (size_t i = 0; i < ARRAY_LEN(error_kinds); i++)
        if (error_kinds[i].rc == (rc & 0xff))
            kind = error_kinds[i].kind;
    return err_set(err, kind, "%s: %s (%d)", what, d->h ? sqlite3_errmsg(d->h) : sqlite3_errstr(rc), rc);
}

int db_exec(struct db *d, const char *sql, struct err *err)
{
    int rc = sqlite3_exec(d->h, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : db_error(d, rc, "database", err);
}

int db_pragma_int(struct db *d, const char *sql, int64_t *ret, struct err *err)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(d->h, sql, -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *ret = sqlite3_column_int64(st, 0);
    int kind = rc == SQLITE_ROW ? 0 : db_error(d, rc, sql, err);
    sqlite3_finalize(st);
    return kind;
}

int db_prepare(struct db *d, const char *sql, sqlite3_stmt **ret, struct err *err)
{
    for (int i = 0; i < d->statement_count; i++)
        if (d->statements[i].sql == sql) {
            *ret = d->statements[i].stmt;
            return 0;
        }
    assert(d->statement_count < DB_STATEMENTS_MAX);
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v3(d->h, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL);
    if (rc != SQLITE_OK)
        return db_error(d, rc, "database", err);
    d->statements[d->statement_count++] = (struct db_statement){sql, st};
    *ret = st;
    return 0;
}

void db_done(sqlite3_stmt *st)
{
    if (!st)
        return;
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
}

static int parameter(sqlite3_stmt *st, const char *name)
{
    int i = sqlite3_bind_parameter_index(st, name);
    assert(i > 0);
    return i;
}

void db_bind_int(sqlite3_stmt *st, const char *name, int64_t value)
{
    int rc = sqlite3_bind_int64(st, parameter(st, name), value);
    assert(rc == SQLITE_OK);
}

void db_bind_text(sqlite3_stmt *st, const char *name, const char *value)
{
    int rc = sqlite3_bind_text(st, parameter(st, name), value, -1, SQLITE_STATIC);
    assert(rc == SQLITE_OK);
}

void db_bind_blob(sqlite3_stmt *st, const char *name, struct slice value)
{
    int rc = sqlite3_bind_blob64(st, parameter(st, name), value.len ? value.ptr : NULL, value.len, SQLITE_STATIC);
    assert(rc == SQLITE_OK);
}

int db_step(struct db *d, sqlite3_stmt *st, bool *ret_row, struct err *err)
{
    int rc = sqlite3_step(st);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return db_error(d, rc, "database", err);
    *ret_row = rc == SQLITE_ROW;
    return 0;
}

int db_run(struct db *d, sqlite3_stmt *st, struct err *err)
{
    bool row;
    int rc = db_step(d, st, &row, err);
    assert(rc || !row);
    sqlite3_reset(st);
    return rc;
}

static int column_index(sqlite3_stmt *st, const char *column)
{
    for (int i = 0; i < sqlite3_column_count(st); i++)
        if (strcmp(sqlite3_column_name(st, i), column) == 0)
            return i;
    assert(!"a column that the query does not give");
    return -1;
}

bool db_null(sqlite3_stmt *st, const char *column)
{
    return sqlite3_column_type(st, column_index(st, column)) == SQLITE_NULL;
}

int64_t db_int(sqlite3_stmt *st, const char *column)
{
    return sqlite3_column_int64(st, column_index(st, column));
}

const char *db_text(sqlite3_stmt *st, const char *column, struct arena *a)
{
    const char *s = (const char *)sqlite3_column_text(st, column_index(st, column));
    return arena_strdup(a, s ? s : "");
}

struct slice db_blob(sqlite3_stmt *st, const char *column)
{
    int i = column_index(st, column);
    const void *p = sqlite3_column_blob(st, i);
    return (struct slice){p, p ? (size_t)sqlite3_column_bytes(st, i) : 0};
}

// In WAL mode a commit under NORMAL survives the process, one under FULL also the machine. The setting cannot change inside a
// transaction, so it is set around the few that need it.
int db_begin(struct db *d, bool full_sync, struct err *err)
{
    assert(!d->in_transaction);
    d->deadline_ms = 0;  // that of a query before; a write is never cut
    int rc = 0;
    if (!d->no_sync)
        rc = db_exec(d, full_sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", err);
    if (rc == 0)
        rc = db_exec(d, "BEGIN IMMEDIATE", err);
    d->in_transaction = rc == 0;
    return rc;
}

int db_end(struct db *d, int rc, struct err *err)
{
    assert(d->in_transaction);
    if (rc == 0)
        rc = db_exec(d, "COMMIT", err);
    // SQLite rolls back by itself on a full disk and the like; what it left open ends here.
    if (rc != 0 && !sqlite3_get_autocommit(d->h))
        db_exec(d, "ROLLBACK", NULL);
    d->in_transaction = false;
    return rc;
}

void db_start_deadline(struct db *d)
{
    d->deadline_ms = d->max_query_ms ? clock_mono_ms(&d->real) + d->max_query_ms : 0;
}
