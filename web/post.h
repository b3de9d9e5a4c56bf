// POST /api/v1/pause and /api/v1/resume: who may, what the body says, and into the inbox with it.
//
// Nothing is switched here. Without a token in the options nobody may; with one, only who sends it (compared in constant time).
// Each answer is counted, and logged: refusals at most 20 lines a minute.
#pragma once

#include <stdatomic.h>

#include "base/buf.h"
#include "base/err.h"
#include "web/inbox.h"

#define WEB_POST_MAX_BYTES ((size_t)4096)

enum web_post_result {
    POST_ACCEPTED,
    POST_NO_TOKEN,      // none is configured: 403
    POST_UNAUTHORIZED,  // 401
    POST_TOO_LARGE,     // 413
    POST_NOT_JSON,      // 415
    POST_INVALID,       // 400
    POST_NO_CLUSTER,    // 404
    POST_BUSY,          // one runs already: 409
    POST_FULL,          // 503
    POST_RESULT_COUNT
};
const char *web_post_result_name(enum web_post_result r);  // "accepted", "no_token", …

struct logger;
struct clock;
struct web_posts {
    const char *token;           // "" or NULL: POST is refused
    struct inbox *inbox;         // NULL: POST is refused
    const struct logger *log;    // NULL: silent
    const struct clock *clock;
    atomic_int_least64_t counts[POST_RESULT_COUNT];
    atomic_int_least64_t minute, told;  // of refusals in the log
};

// Bytes of a body to a switch: {"mode": …, "cluster": …, "why": …, "who": …, "until": … or "for_s": …}; for resume only cluster,
// who and why. An unknown key, a wrong type or a value out of bounds is ERR_INVALID with words.
int web_switch_parse(struct slice body, bool resume, int64_t now_ms, struct inbox_switch *ret, struct err *err);
struct web_request;
// The token, the size of the body and its type; open: without a token in the options everybody may. Else why_not has words.
enum web_post_result web_post_may(const struct web_request *r, bool open, char why_not[256]);
// Counts it, logs a refusal; the status of the answer.
int web_post_tell(const struct web_request *r, const char *path, enum web_post_result result, const char *why_not);
bool web_token_equal(const char *authorization, const char *token);  // "Bearer …"; NULL-safe
