// Inside the sandbox: its state, the context of one call, and the tables of operations. Not for other folders.
#pragma once

#include <jansson.h>
#include <pthread.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/rng.h"
#include "planner/sim/world.h"
#include "scaler/sandbox/faults.h"
#include "scaler/sandbox/form.h"
#include "scaler/sandbox/metrics.h"
#include "scaler/sandbox/page.h"
#include "scaler/sandbox/sandbox.h"
#include "scaler/sandbox/sqs_queue.h"
#include "scaler/sandbox/throttle.h"
#include "scaler/sandbox/weather.h"
#include "scaler/sandbox/write.h"

enum { REGIONS_MAX = 8, KEYS_MAX = 16, SESSIONS_MAX = 16, FAULTS_MAX = 64, CHANGES_MAX = 4096, STALE_MAX = 256, OPS_MAX = 64, TASK_SLOTS = 4096, LOOKS_MAX = 1024, SCALABLES_MAX = 64 };

// scaling: Application Auto Scaling; asg: groups
enum service_kind_aws { AWS_ECS, AWS_EC2, AWS_STS, AWS_SCALING, AWS_QUOTAS, AWS_SQS, AWS_ASG, AWS_METRICS, AWS_SERVICE_COUNT };

// What Application Auto Scaling knows: a target that it moves, and a policy by which it does.
struct scalable {
    char resource[192], dimension[64], name_space[24];
    int64_t min, max, created_ms;
    char policy[64], policy_type[32];   // "" = none
    double target_value;
};

struct placement_question {              // about spot placement scores
    uint64_t what;
    int64_t at_ms;
};

struct region {
    char account[16], name[24];
    struct world *world;
    struct scalable scalables[SCALABLES_MAX];
    int scalable_count;
    struct bucket_level buckets[BUCKET_COUNT];
    struct sqs_queue queues[QUEUES_MAX];
    int queue_count;
    struct placement_question questions[20];
    int question_count;
    char impaired_zone[24];             // calls that span it fail, "" none
    struct metrics *metrics;            // NULL: not kept
    uint64_t news_taken;                // of the world's news, up to this one
};

// Signing keys are derived once a day, region and service: the chain of HMACs costs more than the rest of a small call.
struct signing_cache {
    char date[12], region[24], service[16];
    unsigned char key[32];
};

struct key {
    char account[16], id[40], secret[64];
    char token[80];                    // "" = long-lived
    int64_t from_ms, until_ms;         // wire time; until 0 = for ever
    char role_arn[128];                // identity: "" = a user
    enum world_actor actor;
    struct signing_cache cache[4];
    unsigned cache_next;
};

struct stale_answer {
    uint64_t hash;
    int status;
    const char *content_type;
    struct buf body;
};

struct op_count {
    int64_t calls, throttled, errors;
};

// When the daemon was last told the tasks of an instance, by the list of the running and of the stopped ones.
struct task_look {
    int instance;
    int64_t running_ms, stopped_ms;
};

struct sandbox {
    pthread_mutex_t mutex;
    const struct clock *clock;
    struct sandbox_options options;
    struct rng rng;
    struct region regions[REGIONS_MAX];
    int region_count;
    struct key keys[KEYS_MAX];
    int key_count;
    struct key sessions[SESSIONS_MAX];  // of the task role and of AssumeRole, newest overwrite the oldest
    unsigned session_next;
    struct fault faults[FAULTS_MAX];
    int fault_count;
    struct weather weather;             // options.weather
    struct fault struck;                // by the weather, in the call in progress
    bool keeps_answers;                 // a stale fault was ordered: answers of reads are kept
    struct stale_answer stale[STALE_MAX];
    unsigned stale_next;
    struct op_count counts[AWS_SERVICE_COUNT][OPS_MAX];
    struct sandbox_change *changes;     // ring
    uint64_t change_count;
    struct task_look looks[LOOKS_MAX];  // by instance slot
    int32_t task_slots[TASK_SLOTS];     // hash of a task's id -> its slot in the world, checked at each use
    struct sandbox_event_options events;
    struct rng posting;                 // of events
    uint64_t arrivals;
    struct arena arena;                 // of the call in progress
};

struct call {
    struct sandbox *s;
    const struct sandbox_request *request;
    struct sandbox_response *ret;
    enum service_kind_aws service;
    const struct op *op;
    const struct key *key;
    struct region *region;
    struct world *world;
    struct world_view view;
    struct arena *arena;
    struct buf *out;
    bool speaks_json;         // this call does; the others are forms, answered in XML
    json_t *json;
    struct form form;
    int64_t now_ms;           // world time
    int64_t seen_ms;          // reads show states as of then (read_lag_ms)
    bool lost;                // a fault swallows the answer
    bool partial, empty_page; // faults of the same names
    struct {
        const char *kind, *prefix;  // "task" -> "arn:aws:ecs:…:task/CLUSTER/"
        int cluster;
        size_t len;
    } arn_prefixes[6];        // made once a call
    const char **taskdef_arns;
    int taskdef_arn_count;    // a deployment in this call adds one
    struct sandbox_change *change;  // of mutating calls
};

struct op {
    const char *name;               // "ecs:ListTasks"
    void (*run)(struct call *c);
    enum bucket bucket;
    bool mutating;
    bool no_dry_run;                // EC2: the operation has no DryRun
    const char *const *params;      // EC2, STS: what it takes, as patterns; NULL-terminated
};

// ---- answers (answer.c)
void call_begin_json(struct call *c, struct json_out *o);            // writes '{'
void call_begin_xml(struct call *c);                                 // header, root element, requestId where it comes first
void call_end_xml(struct call *c);
void call_fail(struct call *c, int status, const char *code, const char *fmt, ...) _printf_(4, 5);
bool call_failed(const struct call *c);
// "The parameter NAME …" in the words of the service. EC2 and STS: MissingParameter.
void call_missing(struct call *c, const char *name);
void call_note(struct call *c, const char *target, const char *fmt, ...) _printf_(3, 4);  // for the log of changes
// The daemon has been told about an instance (not when the answer is lost): its present state, or its tasks. The tasks are known
// when both lists were answered within one look, or when one shows that there are some.
void call_told_state(struct call *c, int instance);
void call_told_notice(struct call *c, const char *instance_id);
void call_told_tasks(struct call *c, int instance, bool stopped_ones, bool any);
// A task was described as it is: its box is told anew where both lists were answered just before. A task may stop in between.
void call_told_task(struct call *c, int task);

// ---- the pieces
const struct op *ops_of(enum service_kind_aws service, size_t *ret_count);
const char *op_action(const struct op *op);                         // without its service: "ListTasks"
extern const struct op ecs_ops[], ec2_ops[], sts_ops[], scaling_ops[], quotas_ops[], sqs_ops[], asg_ops[], metrics_ops[];
extern const size_t ecs_op_count, ec2_op_count, sts_op_count, scaling_op_count, quotas_op_count, sqs_op_count, asg_op_count, metrics_op_count;

void answer_throttled(struct call *c);

bool call_authenticate(struct call *c);                              // answers itself when it refuses
struct key *session_new(struct sandbox *s, const char *account, const char *role_arn, int64_t from_ms, int64_t until_ms);
struct slice request_header(const struct sandbox_request *r, const char *name);  // .ptr NULL if absent
// An instance's private IPv4, in the arena.
const char *play_ec2_address(const struct world_view *v, const struct world_instance *in, struct arena *a);
#define SANDBOX_CADVISOR_PATH "/cadvisor/"  // + "metrics", or INSTANCE + "/metrics": its containers, as cAdvisor shows them;
                                            // or /metrics of a host that is asked by its private address, as one in its VPC would
void cadvisor_handle(struct sandbox *s, const struct sandbox_request *r, struct sandbox_response *ret);  // worlds are at the present
void metadata_handle(struct sandbox *s, const struct sandbox_request *r, struct sandbox_response *ret);
uint64_t hash_bytes(uint64_t seed, const void *p, size_t len);
