// A client of the Prometheus HTTP API: instant and range queries through the loop's own transport, nothing waits here.
//
// A query goes as a POST form. The answer is capped in bytes before it is read, by the decoder in series and samples after: a query that
// matches ten million samples is an error with a name, not a large heap. No retry: the caller asks again when it is due.
// Authorisation is one of none, basic, bearer, or SigV4 (Amazon Managed Prometheus).
#pragma once

#include "scaler/aws/aws.h"
#include "scaler/metrics/prometheus_decode.h"

struct prometheus_server {     // borrowed until prometheus_ask returns
    const char *url;           // "http://prometheus:9090", with a path where it has one; without /api/v1
    const char *user, *password;  // basic; NULL or "": none
    const char *bearer;        // NULL or "": none
    const char *ca_file;       // PEM of the authorities that are trusted in place of the system's; NULL or "": the system's
    struct aws *aws;           // signs as its account, in its region; NULL: no signature
};

struct prometheus_query {
    const char *promql;
    int64_t at_ms;                     // instant: evaluation time; 0: the server's now
    int64_t from_ms, to_ms, step_ms;   // range; step_ms 0: an instant query
    int64_t timeout_ms;                // > 0, whole exchange; told to the server too
    size_t max_bytes;                  // of the answer; a longer one is ERR_LIMIT
};

// Exactly once, inside the transport's wait, a cancel, or prometheus_ask itself where that fails. answer: NULL on error; valid until it returns.
typedef void (*prometheus_done_fn)(void *arg, const struct prometheus_answer *answer, const struct err *err);

struct prometheus_call;
// NULL: it is over, and `done` was told.
struct prometheus_call *prometheus_ask(struct transport *t, const struct prometheus_server *s, const struct prometheus_query *q,
                                       prometheus_done_fn done, void *arg);
void prometheus_cancel(struct prometheus_call *c);  // NULL-safe; done is told
