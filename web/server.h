// The web server: the page, its JSON, metrics and health. Read-only, but for switches that go to an inbox (web/post.h).
//
// libmicrohttpd with threads of its own; they see the loop only through the view box, and history through a read-only
// connection with a deadline. Answers are described in web/API.md and /openapi.json. Requests whose Host is neither a loopback
// name, nor the address listened on, nor named in the options are refused (DNS rebinding).
#pragma once

#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "scaler/view.h"
#include "web/inbox.h"

struct web_options {
    const char *listen;            // "127.0.0.1:8080", "[::1]:0", "0.0.0.0:8080"; NULL = the first. Port 0: any free one
    const char *const *hosts;      // further names that a Host header may give; NULL = none
    size_t host_count;
    struct view_box *box;          // outlives the server
    const struct clock *clock;     // world time, for `now`; the real or an accelerated one (a virtual one is not thread-safe)
    const char *state_path;        // for history; "" or NULL: those routes answer 503
    struct inbox *inbox;           // what POSTs go to, outlives the server; NULL: they are refused
    const char *token;             // what a POST must show, copied; NULL or "": they are refused
    const struct logger *log;      // of POSTs; NULL: silent
    const char *program;           // of masu, for what-ifs; NULL: none
    bool whatif_open;              // what-ifs need no token where there is none
};

struct web_server;

// ERR_INVALID: listen cannot be parsed; ERR_IO: the address cannot be bound.
int web_server_start(const struct web_options *o, struct web_server **ret, struct err *err);
void web_server_stop(struct web_server *w);              // waits for open requests; NULL-safe
const char *web_server_url(const struct web_server *w);  // "http://127.0.0.1:8080/"
