// A virtual AWS account that speaks the real wire: signed request bytes in, response bytes out, over a struct world.
//
// Written from the API's documentation, never from our own client: it shares with it only base/, the world and the signer's
// arithmetic, so that an error in one is not mirrored in the other. Every request is verified as AWS does (known key,
// session token, scope, 15 minutes of skew against wire time, signed headers, body hash, signature), throttled by documented
// token buckets in world time, counted, and answered in the service's own protocol (ECS JSON 1.1, SQS JSON 1.0 or query, EC2 and STS query/XML).
// The world is brought to the clock's present before each request. Regions are separate: each has its own world and buckets.
// All functions may be called from several threads; one mutex guards the sandbox and its worlds. World time is wall
// milliseconds of the sandbox's clock; wire time is what the caller says it is (request.wire_ms).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "planner/sim/world_state.h"

struct world;
struct sandbox;

#define SANDBOX_ACCOUNT "111122223333"
#define SANDBOX_REGION "us-east-1"
// Made-up keys that work here and nowhere else: the daemon's, and a person's (an operator at work beside it).
#define SANDBOX_KEY_ID "AKIASANDBOXDAEMON000"
#define SANDBOX_SECRET "sandbox/secret+of/the+daemon/0000000000"
#define SANDBOX_PERSON_KEY_ID "AKIASANDBOXPERSON000"
#define SANDBOX_PERSON_SECRET "sandbox/secret+of/a+person/000000000000"
#define SANDBOX_CREDENTIALS_PATH "/v2/credentials/"  // + SANDBOX_TASK_ID: the task role's rotating keys
#define SANDBOX_METADATA_PATH "/v4/"                 // + SANDBOX_TASK_ID [+ "/task"]: task metadata version 4
#define SANDBOX_TASK_ID "9f0c2c1e-5b1d-4c55-8d6a-0c0ffee00001"

struct sandbox_options {
    uint64_t seed;              // request ids, session keys
    int64_t role_key_life_ms;   // 0 = 6 hours, in wire time: how long one set of task-role keys is valid
    int64_t read_lag_ms;        // describes show tags and states written less than this long ago as they were; 0 = none
    bool empty_pages;           // every paged list begins with an empty page that carries a token
    bool unlimited;             // no token buckets
    bool metrics, insights;     // CloudWatch keeps what it would record; Container Insights is on
    bool weather;               // faults come by themselves, by the seed: weather.h
};

int sandbox_new(const struct clock *clock, const struct sandbox_options *options, struct sandbox **ret, struct err *err);
void sandbox_free(struct sandbox *s);  // NULL-safe; does not free worlds
// Mounts a world (owned by the caller, outliving the sandbox) as (account, region). NULL: the world's own names; the daemon's
// and the person's key belong to the first account mounted. ERR_LIMIT above 8, ERR_CONFLICT if taken.
int sandbox_add_region(struct sandbox *s, const char *account, const char *region, struct world *w, struct err *err);
// A further access key of an account; its calls are `actor`'s (WORLD_OURS, WORLD_PERSON). ERR_LIMIT above 16.
int sandbox_add_key(struct sandbox *s, const char *account, const char *key_id, const char *secret, enum world_actor actor,
                    struct err *err);

struct sandbox_header {
    struct slice name, value;
};

struct sandbox_request {
    const char *method;
    struct slice path;     // as on the wire, before '?'
    struct slice query;    // as on the wire, after '?'; empty if none
    const struct sandbox_header *headers;
    size_t header_count;
    struct slice body;
    int64_t wire_ms;
    int64_t held_since_ms; // a long poll that was held, asked again: world time of the first answer; 0 new
};

#define SANDBOX_REQUEST_MAX ((size_t)1 << 20)
#define SANDBOX_RESPONSE_MAX ((size_t)32 << 20)

enum sandbox_delivery {
    SANDBOX_ANSWER,        // send the response
    SANDBOX_LOST,          // a fault: never answer (the client runs into its timeout)
    SANDBOX_HELD,          // a long poll with nothing to tell yet: ask again, see retry_ms; who cannot sends the (empty) response
    SANDBOX_TRUNCATED,     // a fault: announce the whole length, send half of the body, close
};

struct sandbox_response {
    enum sandbox_delivery delivery;
    int status;
    const char *content_type;
    char request_id[40];   // for the header x-amzn-RequestId
    char error_code[64];   // "" = success
    char query_error[96];  // for the header x-amzn-query-error; "" none
    int64_t held_since_ms, retry_ms;  // SANDBOX_HELD: world times; or earlier, when sandbox_arrivals has grown
    struct buf body;       // the caller inits before (SANDBOX_RESPONSE_MAX) and releases after; cleared by sandbox_handle
};

// Never fails: what is wrong with a request is in the answer.
void sandbox_handle(struct sandbox *s, const struct sandbox_request *request, struct sandbox_response *ret);

// What a task of the family uses, as the cAdvisor of its host shows it (GET /metrics at the host's address): 30 to 70 % of the CPU that it
// reserves, 50 to 80 % of the memory.
enum { SANDBOX_REQUESTS_A_VCPU_MINUTE = 1200 };  // that load balancers send to a service that has one, of each vCPU that it wants
struct res sandbox_use_of(const char *family, struct res need);

// ---- faults by order ------------------------------------------------------------------------------------------------------
enum sandbox_fault_kind {
    SANDBOX_FAULT_THROTTLE,        // the service's throttling error
    SANDBOX_FAULT_500,
    SANDBOX_FAULT_503,
    SANDBOX_FAULT_DENIED,          // AccessDeniedException, UnauthorizedOperation
    SANDBOX_FAULT_TIMEOUT_BEFORE,  // no answer, no effect
    SANDBOX_FAULT_TIMEOUT_AFTER,   // no answer, but the effect happened
    SANDBOX_FAULT_TRUNCATED,       // effect, half an answer
    SANDBOX_FAULT_GARBAGE,         // effect, bytes that do not parse
    SANDBOX_FAULT_STALE,           // a read is answered with the bytes of the last equal read, if there was one
    SANDBOX_FAULT_PARTIAL,         // ECS by ids: each second one (or the only one) is in failures[] as MISSING, without effect
    SANDBOX_FAULT_INVALID,         // a value is refused, without effect: of a batch all for one's sake
    SANDBOX_FAULT_EMPTY_PAGE,      // a paged read begins with an empty page that carries a token
    SANDBOX_FAULT_COUNT
};

struct sandbox_fault {
    const char *operation;  // shell-style glob over "ecs:ListTasks", "ec2:*"; copied
    enum sandbox_fault_kind kind;
    int countdown;          // matching calls that pass before the first fault
    int repeat;             // faults to serve; -1 = for ever
};

int sandbox_add_fault(struct sandbox *s, const struct sandbox_fault *f, struct err *err);  // ERR_LIMIT above 64
void sandbox_clear_faults(struct sandbox *s);
void sandbox_set_read_lag(struct sandbox *s, int64_t ms);       // options.read_lag_ms, from now on
void sandbox_set_empty_pages(struct sandbox *s, bool on);       // options.empty_pages, from now on
// Calls for instances that span this zone of the first region fail as a whole from now on; "": none does.
void sandbox_impair_zone(struct sandbox *s, const char *zone);
int64_t sandbox_weather_faults(struct sandbox *s);  // how many the weather brought so far

// ---- events ---------------------------------------------------------------------------------------------------------------
// What happens to instances and fleets comes as EventBridge's events into the queue SQS_EVENTS_QUEUE of each region.
#define SQS_EVENTS_QUEUE "masu-events"  // there from the beginning: a rule of the account puts all events of EC2 into it
#define SANDBOX_EVENTS_URL "http://127.0.0.1:4566/" SANDBOX_ACCOUNT "/" SQS_EVENTS_QUEUE
struct sandbox_event_options {
    int64_t delay_min_ms, delay_max_ms;  // from happening to delivery; 100 and 700 at the start, in bad weather to 20 s
    int drop_permille, double_permille;  // lost; delivered twice. 0 at the start, in bad weather 100 and 200
};
void sandbox_set_events(struct sandbox *s, const struct sandbox_event_options *o);
// Puts a message into the queue of events of the first region, as another sender would.
void sandbox_post(struct sandbox *s, struct slice body);
uint64_t sandbox_arrivals(struct sandbox *s);   // messages that ever came into queues
int64_t sandbox_next_ms(struct sandbox *s);     // world time of what happens next in any world; INT64_MAX: nothing

// ---- what was asked of it -------------------------------------------------------------------------------------------------
struct sandbox_call_count {
    const char *operation;  // "ecs:DescribeTasks"; static
    int64_t calls;          // requests that were for this operation and well signed, throttled and faulted ones included
    int64_t throttled, errors;
};
// All operations called at least once, ordered by name. Returns how many were written (at most `max`).
size_t sandbox_calls(struct sandbox *s, struct sandbox_call_count *ret, size_t max);

// One call that changes something, applied or refused.
struct sandbox_change {
    int64_t world_ms;
    enum world_actor actor;
    const char *operation;  // "ec2:ModifySpotFleetRequest"
    char target[64];        // first instance, fleet, service or task
    char detail[160];       // key parameters, "TargetCapacity=7 ExcessCapacityTerminationPolicy=noTermination"
    char error[64];         // error code, "" = applied
    bool lost;              // a fault swallowed the answer
};
// The newest changes (a ring of 4,096), oldest first. Returns how many were written.
size_t sandbox_changes(struct sandbox *s, struct sandbox_change *ret, size_t max);

// The documented bucket that a call is taken from: operations with the same id share it. DescribeInstances and
// DescribeInstanceStatus: of calls with a filter, ids or pages, others have a smaller one.
struct sandbox_bucket {
    int id;
    double burst, refill_s;
};
bool sandbox_bucket_of(const char *operation, struct sandbox_bucket *ret);  // "ecs:ListTasks"; false: none, or no such operation

// ---- the world behind it --------------------------------------------------------------------------------------------------
void sandbox_lock(struct sandbox *s);    // while looking at or changing a mounted world from outside
void sandbox_unlock(struct sandbox *s);
void sandbox_sync(struct sandbox *s);    // brings every world to the clock's present
