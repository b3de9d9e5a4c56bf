// Inside of the client, shared by aws.c (registry, queue, run) and aws_send.c (one attempt and what follows from its answer).
#pragma once

#include "base/rng.h"
#include "scaler/aws/aws.h"
#include "scaler/aws/aws_error.h"
#include "scaler/aws/breaker.h"
#include "scaler/aws/budget.h"
#include "scaler/aws/credentials.h"
#include "scaler/aws/endpoint.h"
#include "scaler/aws/sigv4.h"
#include "scaler/aws/skew.h"

#define AWS_CALLS_MAX 8192
#define AWS_IN_FLIGHT_MAX 16        // a client; urgent calls have as many again
#define AWS_STATS_MAX 64
#define AWS_RETRY_TOKENS 500
#define AWS_RETRY_COST 5
#define AWS_RETRY_COST_TIMEOUT 10
#define AWS_BACKOFF_MAX_MS 20000.0

struct aws_pending {
    struct aws_pending *prev, *next;  // in order of submission
    struct aws *aws;
    struct aws_request request;       // body is a copy
    aws_done_fn done;
    void *arg;
    int bucket, attempts, last_cost;
    bool in_flight, over_limit;
    bool unknown_effect;              // of some attempt of a mutating call
    bool skew_tried, refresh_tried;
    bool probe;                       // this attempt tells whether the service answers again
    uint32_t round;                   // of the breaker
    int64_t sent_ms;                  // world time of this attempt
    int64_t signed_ms;                // what was added to wire time for this attempt
    uint64_t transport_id, generation;
    int64_t due_ms, submitted_ms;     // world time
    struct aws_stat *stat;
};

struct aws_provider {
    char account[32];
    struct credentials_provider *credentials;
    struct aws_provider *next;
};

struct aws {
    struct aws_clients *clients;
    char account[32], region[64];
    struct aws_endpoint endpoints[AWS_SERVICE_COUNT];
    struct sigv4_key_cache keys[AWS_SERVICE_COUNT];
    struct credentials_provider *credentials;
    struct aws_budget budget;
    struct aws_breaker breakers[AWS_SERVICE_COUNT];
    int retry_tokens;
    struct aws_pending *first, *last;
    size_t count, in_flight;
    struct aws_stat stats[AWS_STATS_MAX];
    size_t stat_count;
    struct aws *next;
};

struct aws_clients {
    struct transport *transport;
    const struct aws_env *env;
    const volatile sig_atomic_t *stop;
    struct rng rng;
    struct aws_skew skew;
    struct aws_region own_region;     // name "" before it was needed
    int max_attempts;
    bool cancelling;
    uint64_t submitted;               // calls ever
    void (*on_wait)(void *arg);       // NULL none
    void *on_wait_arg;
    struct aws *first;
    struct aws_provider *providers;
};

// Sends one attempt with these credentials; completes the call when that cannot be done.
void aws_send(struct aws_pending *p, const struct credentials *c);
// Takes the call out, tells its owner and frees it.
void aws_complete(struct aws_pending *p, const struct aws_response *r);
void aws_complete_error(struct aws_pending *p, const struct err *err);
