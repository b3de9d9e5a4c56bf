// A thin face of SQLite for state/: statements by literal, parameters and columns by name, transactions, one error mapping.
//
// A parameter or column name that does not exist is a bug of ours and asserts. Not thread-safe: one struct db a thread.
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#define DB_STATEMENTS_MAX 96

struct db_statement {
    const char *sql;  // a literal; compared by address
    sqlite3_stmt *stmt;
};

struct db {
    sqlite3 *h;
    struct db_statement statements[DB_STATEMENTS_MAX];
    int statement_count;
    bool no_sync, in_transaction;
    struct clock real;
    int64_t max_query_ms, deadline_ms;  // real monotonic; 0 = none
};

// flags of sqlite3_open_v2. ERR_IO, ERR_NOT_FOUND.
int db_open(struct db *d, const char *path, int flags, struct err *err);
void db_close(struct db *d);  // may be called twice
// ERR_CORRUPT for a broken file, ERR_LIMIT for a passed deadline, ERR_INVALID for a broken constraint, else ERR_IO.
int db_error(struct db *d, int rc, const char *what, struct err *err);
int db_exec(struct db *d, const char *sql, struct err *err);
int db_pragma_int(struct db *d, const char *sql, int64_t *ret, struct err *err);

// Ready to bind; give it back with db_done (or _cleanup_(db_donep)). sql must be a literal.
int db_prepare(struct db *d, const char *sql, sqlite3_stmt **ret, struct err *err);
void db_done(sqlite3_stmt *st);  // NULL-safe
static inline void db_donep(sqlite3_stmt **st)
{
    db_done(*st);
}
void db_bind_int(sqlite3_stmt *st, const char *name, int64_t value);
void db_bind_text(sqlite3_stmt *st, const char *name, const char *value);  // borrowed until db_done; NULL binds null
void db_bind_blob(sqlite3_stmt *st, const char *name, struct slice value); // same; empty binds null
int db_step(struct db *d, sqlite3_stmt *st, bool *ret_row, struct err *err);
int db_run(struct db *d, sqlite3_stmt *st, struct err *err);  // steps a statement without rows to its end and resets it

bool db_null(sqlite3_stmt *st, const char *column);
int64_t db_int(sqlite3_stmt *st, const char *column);         // 0 for null
const char *db_text(sqlite3_stmt *st, const char *column, struct arena *a);  // copied; "" for null
struct slice db_blob(sqlite3_stmt *st, const char *column);   // valid until the next step; empty for null

// full_sync: what is committed is on the disk when db_end returns. db_end commits when rc is 0, rolls back otherwise, and
// returns rc or the commit's error.
int db_begin(struct db *d, bool full_sync, struct err *err);
int db_end(struct db *d, int rc, struct err *err);
void db_start_deadline(struct db *d);  // of max_query_ms from now
