// The AWS client: one struct aws an (account, region), all of them behind one transport.
//
// A call is submitted and completes inside aws_run(); between the two lie the rate budget (a quarter of AWS's documented
// buckets, a fifth of it kept for urgent calls; what exceeds it waits, in world time), signing anew for each attempt, retries
// as SDK standard mode (AWS_MAX_ATTEMPTS, 3), clock skew, one refresh of expired credentials, and a circuit breaker for a
// service that does not answer. Calls go in lanes: aws_run waits for those of a look, and takes no notice of long polls, which
// stay open behind it; when something came in meanwhile it lets the caller answer that first, in a lane of its own. A mutating call whose effect is unknown is not repeated in place unless it says so, one that
// was throttled only when it is urgent: the next look sees what it is still good for. After aws_run() nothing of its lane is open, so arenas and result
// structs need to live that long and no longer; those of the waiting lane until the call is settled, or aws_cancel. Single-threaded. Nothing here logs.
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "scaler/aws/env.h"
#include "scaler/aws/transport.h"

enum aws_service { AWS_ECS, AWS_EC2, AWS_STS, AWS_APPLICATION_AUTOSCALING, AWS_SQS, AWS_AUTOSCALING, AWS_SERVICEQUOTAS, AWS_CLOUDWATCH, AWS_SERVICE_COUNT };
const char *aws_service_name(enum aws_service s);  // "ecs", …

struct aws;
struct aws_clients;

struct aws_options {
    struct transport *transport;       // borrowed
    const struct aws_env *env;         // borrowed; NULL: the process environment
    uint64_t seed;                     // of the backoff jitter
    const volatile sig_atomic_t *stop; // may be NULL; when it becomes true aws_run cancels what is open and returns
};
struct aws_clients *aws_clients_new(const struct aws_options *o);
void aws_clients_free(struct aws_clients *c);  // NULL-safe; completes what is open with ERR_TRANSIENT

// The client of (account, region), made at the first call. "" for region: aws_region_discover, once; "" for account: that of the
// credentials. Owned by the registry. ERR_INVALID: bad region or endpoint URL.
int aws_clients_get(struct aws_clients *c, const char *account, const char *region, struct aws **ret, struct err *err);
// Where the region of those that were asked for with "" comes from: "AWS_REGION", "task metadata", …; "" none was.
const char *aws_clients_region_source(const struct aws_clients *c);
// Runs until no call is open, or until_ms (world time): then what is open is cancelled (ERR_TRANSIENT, timed_out if it was on
// the wire). Returns how many calls were cut off.
size_t aws_run(struct aws_clients *c, int64_t until_ms);
// The same for one lane. Inside of the interruption that aws_on_wait allows: AWS_LANE_NOTICE, and inside of its own interruptions the next
// one up to AWS_LANE_NOTICE_LAST, and no other.
enum aws_lane { AWS_LANE_LOOK, AWS_LANE_WAIT, AWS_LANE_NOTICE, AWS_LANE_NOTICE_LAST = AWS_LANE_NOTICE + 7 };
size_t aws_run_lane(struct aws_clients *c, enum aws_lane lane, int64_t until_ms);
// Called before each wait of aws_run, but for the last lane: what came in the other lanes may be answered there, and now.
void aws_on_wait(struct aws_clients *c, void (*fn)(void *arg), void *arg);
// For who waits in the transport himself: sends what may go. Returns the world time to come again, INT64_MAX: after a completion.
int64_t aws_turn(struct aws_clients *c);
void aws_cancel(struct aws_clients *c, enum aws_lane lane);  // completes what is open in it with ERR_TRANSIENT
const char *aws_account(const struct aws *a);
const char *aws_region(const struct aws *a);
struct transport *aws_transport(const struct aws *a);
// For doctor: waits (running the transport) for credentials; *ret_source names where they come from.
int aws_check_credentials(struct aws *a, int64_t until_ms, const char **ret_source, struct err *err);
// What is known without asking anybody. (Who we are is sts_get_caller_identity's to tell.)
struct aws_health {
    const char *source;      // of the credentials: "environment", "profile ops", …; "" before the first
    int64_t expires_ms;      // of the credentials, AWS's time; 0: never, or none yet
    int64_t now_ms;          // AWS's time as far as we know it: expires_ms - now_ms is what is left
    bool clock_measured;     // an answer told AWS's time
    int64_t clock_off_ms;    // AWS's clock minus ours, to the second; from 15 minutes on AWS refuses what is signed by ours
    int64_t world_off_ms;    // AWS's clock minus the transport's world time, 0 where no answer proves a difference; after aws_follow_clock what is left
    bool clock_corrected;    // requests are signed with AWS's time because ours was refused
};
// Between looks: lets the transport's clock follow AWS's, where it goes by itself (a steady one).
void aws_follow_clock(struct aws_clients *c);
struct aws_health aws_health(const struct aws *a);
// Why calls of the service are not sent now: its circuit breaker is open. NULL: they are.
const char *aws_refused(const struct aws *a, enum aws_service s);

// ---- one call, as the typed operations see it (ecs.h, ec2.h, sts.h) --------------------------------------------------------
struct aws_with {
    struct aws *aws;
    struct arena *arena;  // results live here
    bool urgent;          // the reserved part of the budget: events, drains of doomed instances, undo
    enum aws_lane lane;
    bool part;            // of what is asked for may fail alone (a zone): a 5xx tells nothing of the service, the breaker leaves it out
    bool once;            // see struct aws_request
};

enum aws_call_state {
    AWS_CALL_NONE,      // not begun
    AWS_CALL_OPEN,      // aws_run has not finished it
    AWS_CALL_COMPLETE,  // everything asked for was answered
    AWS_CALL_PARTIAL,   // some pages or batches failed, or AWS told of failures other than MISSING: what is there is true
    AWS_CALL_FAILED,    // nothing usable
};

// Outcome of one operation, which may take many requests. First member of every result struct.
struct aws_call {
    enum aws_call_state state;
    struct err err;      // of the first failed request; its text names the operation and AWS's code and message
    char code[80];       // AWS's error code of it, "" if none was received
    bool timed_out;      // a mutating call may have had its effect
    int64_t answered_ms; // world time of the oldest answer used; 0 none
    uint32_t requests, failed, open;
};

// ---- the untyped core -------------------------------------------------------------------------------------------------------
struct aws_request {
    enum aws_service service;
    const char *operation;     // a constant: "DescribeTasks"
    struct slice body;         // JSON or form body, copied
    bool mutating;
    bool repeatable;           // mutating, but the same call again is harmless even when the first had its effect
    bool once;                 // not sent again after a 5xx, even where AWS says that it did nothing: the caller looks first
    bool part;                 // see struct aws_with
    bool urgent;
    enum aws_lane lane;
    int64_t timeout_ms;        // 0: 10 s (wire time) an attempt
    size_t max_response_bytes; // 0: 16 MiB
};

struct aws_response {
    struct err err;         // ERR_OK: body is the answer of a 2xx
    const char *code;       // AWS's error code, "" if none
    bool timed_out;         // the effect of a mutating call is unknown
    int attempts, status;
    struct slice body;
    int64_t answered_ms;    // world time
};
// Valid until it returns; it may submit further calls.
typedef void (*aws_done_fn)(void *arg, const struct aws_response *r);
// Never fails at once: whatever is wrong comes through done, inside aws_run (ERR_LIMIT: more than 8,192 calls wait).
void aws_submit(struct aws *a, const struct aws_request *r, aws_done_fn done, void *arg);

// ---- statistics -------------------------------------------------------------------------------------------------------------
struct aws_stat {
    enum aws_service service;
    const char *operation;
    uint64_t calls;      // HTTP requests sent
    uint64_t retries, throttles;
    uint64_t failures;   // operations that ended in an error
    uint64_t wait_ms;    // world time spent waiting for the rate budget
};
// Rows of one client, by service and operation; valid until the next call is submitted.
const struct aws_stat *aws_stats(const struct aws *a, size_t *ret_count);
// Iterates the clients: index 0 … ; NULL behind the last.
struct aws *aws_clients_at(struct aws_clients *c, size_t index);
