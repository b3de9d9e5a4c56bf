// The error contract of the whole project.
//
// A function that can fail returns int: 0, or the (negative) enum err_kind that it also stored in its last parameter, a
// struct err on the caller's stack. A kind exists only where a caller acts differently on it. Messages are for people: what
// was attempted, what happened, and where there is one the remedy. Library functions never log; the caller does, once.
#pragma once

#include "base/check.h"

enum err_kind {
    ERR_OK = 0,
    ERR_NOMEM = -1,      // a stated limit on memory was reached
    ERR_TRANSIENT = -2,  // network, timeout, 5xx: the same call may succeed later
    ERR_THROTTLED = -3,  // the peer asks for fewer calls
    ERR_AUTH = -4,       // credentials missing, expired or refused
    ERR_DENIED = -5,     // credentials fine, permission missing
    ERR_NOT_FOUND = -6,  // the thing named does not exist
    ERR_CONFLICT = -7,   // the thing is in a state that forbids this now (fleet modifying, precondition failed)
    ERR_CAPACITY = -8,   // AWS has no capacity, quota or address for it
    ERR_INVALID = -9,    // the input is wrong: policy, argument, request
    ERR_CORRUPT = -10,   // bytes that should parse do not (response, database)
    ERR_IO = -11,        // file or database cannot be read or written
    ERR_LIMIT = -12,     // a limit of ours was hit (pages, bytes, items)
};

struct err {
    enum err_kind kind;
    int http_status;  // 0 where no HTTP answer was received
    char msg[512];    // one line, no trailing newline; cut at the end when longer
};

// Stores kind and message; returns kind, so that `return err_set(…)` works. err may be NULL.
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...) _printf_(3, 4);

// Puts "prefix: " before the present message; returns the present kind. err may be NULL (returns
// ERR_INVALID then: a failure stays a failure).
int err_wrap(struct err *err, const char *fmt, ...) _printf_(2, 3);

// Short lower-case word for logs and JSON: "throttled", "denied", … ; "ok" for ERR_OK.
const char *err_kind_name(enum err_kind kind);
