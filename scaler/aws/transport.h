// The one seam for the network and for waiting: submit(request), wait(until) -> completions.
//
// Behind it is curl multi with the real clock (transport_curl.c), the virtual AWS in process with a virtual clock
// (scaler/sandbox/inproc.h), a scripted peer (tests), or a fault decorator around any of them. Requests are bytes; signing
// and meaning live above. Single-threaded: all calls from the loop's thread.
//
// Two times. World time (clock_wall_ms of `clock`) drives ticks, deadlines and backoff, and is what wait() waits by: in the daemon a
// steady clock, which no step of the machine's moves. Wire time (wire_ms) is for signing and dates: the machine's clock on sockets,
// world time in process.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

struct http_header {
    struct slice name, value;
};

struct transport_request {
    const char *method;            // "GET", "POST", "PUT"
    const char *url;               // absolute, path and query already encoded
    const struct http_header *headers;
    size_t header_count;
    struct slice body;
    int64_t timeout_ms;            // whole exchange, in wire time; > 0
    size_t max_response_bytes;     // a longer body is ERR_LIMIT
    bool direct;                   // never through a proxy. Of itself where the host is loopback, link-local (169.254) or an
                                   // IPv6 metadata address. Redirects are never followed.
    bool outward;                  // never to a link-local address, whatever the name resolves to: ERR_INVALID
    const char *ca_file;           // PEM of whom is trusted in place of all others; NULL or "": AWS_CA_BUNDLE, else the system's
};

struct transport_response {
    uint64_t id;                   // from submit
    struct err err;                // kind ERR_OK: an HTTP answer was received, whatever its status
    bool timed_out;                // the effect of the request is unknown
    int status;
    struct http_header *headers;   // names as received; compare without case
    size_t header_count;
    struct slice body;
};

// Called for each completion, inside wait(); the response is valid until it returns. It may submit further requests.
typedef void (*transport_done_fn)(void *arg, const struct transport_response *response);

struct transport;
struct transport_ops {
    // Copies the request; never blocks. Every submitted request gets exactly one completion. ERR_INVALID for a bad URL.
    int (*submit)(struct transport *t, const struct transport_request *r, transport_done_fn done, void *arg, uint64_t *ret_id,
                  struct err *err);
    // Runs completions until at least one was delivered, `until_ms` (world time) has come, or wake() was called. Returns how
    // many were delivered. In process it moves the virtual clock to the next completion or to until_ms.
    int (*wait)(struct transport *t, int64_t until_ms);
    void (*cancel)(struct transport *t, uint64_t id);  // completes it with ERR_TRANSIENT before returning
    void (*wake)(struct transport *t);                 // from any thread or a signal handler: the present or next wait returns
    int64_t (*wire_ms)(struct transport *t);
    void (*free)(struct transport *t);                 // cancels what is open
};

struct transport {
    const struct transport_ops *ops;
    struct clock *clock;           // world time
};

// curl multi: connection reuse, HTTP/1.1 keep-alive, limits, AWS_CA_BUNDLE, HTTPS_PROXY/NO_PROXY by curl's own rules.
int transport_curl_new(struct clock *clock, struct transport **ret, struct err *err);
