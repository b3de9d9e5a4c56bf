// One question to the masu that listens there: its /healthz as a container's health check asks it, or a POST of `masu pause`.
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "scaler/aws/transport.h"
#include "scaler/options.h"

struct daemon_question {
    const struct option_address *listen;  // all interfaces are asked on loopback
    const char *path;                     // "/healthz"
    const char *token;                    // of a POST; "" or NULL none
    struct slice body;                    // empty: a GET; else JSON to be POSTed
    int64_t limit_ms;
};

// 0: a status below 300; *answer (may be NULL) is the body. ERR_TRANSIENT: no answer within limit_ms, or nobody listens.
// ERR_CONFLICT: another status, with the problem's own words where it has some.
int daemon_ask(struct transport *t, const struct daemon_question *q, struct buf *answer, struct err *err);
