// A transport for tests: answers requests in order from a list, on a virtual clock, and records what was sent.
//
// The n-th request gets the n-th reply. A test that runs out of replies fails. Wire time = world time + wire_offset_ms.
#pragma once

#include "base/arena.h"
#include "scaler/aws/transport.h"

enum scripted_kind {
    SCRIPTED_ANSWER,   // status, headers, body
    SCRIPTED_REFUSED,  // never got through: no effect
    SCRIPTED_LOST,     // connection lost after sending: effect unknown
    SCRIPTED_HANG,     // nothing until the request's own timeout
    SCRIPTED_LIMIT,    // the answer was too long
};

struct scripted_reply {
    enum scripted_kind kind;
    int status;                 // 0 = 200
    const char *body;           // NULL = ""
    size_t body_len;            // 0 = strlen(body)
    const char *header, *value; // one header, or NULL
    int64_t delay_ms;
};

struct scripted_request {
    const char *url, *method, *body;
    const char *headers;  // "Name: value\n" …
    int64_t at_ms;        // world time
    bool direct;
};

#define SCRIPTED_MAX 4096

struct scripted {
    struct transport base;
    struct clock clock;
    struct arena arena;
    int64_t wire_offset_ms;
    struct scripted_reply replies[SCRIPTED_MAX];
    size_t reply_count;
    bool repeat_last;           // the last reply answers all further requests
    struct scripted_request requests[SCRIPTED_MAX];
    size_t request_count;
    struct scripted_open *open;
    size_t open_count, open_max;
    bool woken;
};

void scripted_init(struct scripted *s, int64_t start_ms);
void scripted_release(struct scripted *s);
void scripted_add(struct scripted *s, struct scripted_reply r);
void scripted_add_body(struct scripted *s, const char *body);  // 200
void scripted_add_error(struct scripted *s, int status, const char *body);
