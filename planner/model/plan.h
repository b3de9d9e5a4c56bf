// The plan: what one tick wants done and why, and what became of every candidate.
//
// An action is exactly one API-level operation. Actions are executed in order; one whose `after` action did not succeed is
// skipped by the executor, which decides nothing else. Reasons and verdicts are *fact -> verdict*: the same text is the log
// line, the journal row, the page and the golden test. Owned by the tick's arena.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "planner/model/res.h"

enum action_kind {
    ACTION_MARK,        // CreateTags masu:drain=value on an instance
    ACTION_UNMARK,      // DeleteTags masu:drain
    ACTION_DRAIN,       // UpdateContainerInstancesState DRAINING
    ACTION_UNDRAIN,     // UpdateContainerInstancesState ACTIVE
    ACTION_SET_TARGET,  // ModifySpotFleetRequest, absolute target, always noTermination
    ACTION_TERMINATE,   // TerminateInstances, one id
    ACTION_DEREGISTER,  // DeregisterContainerInstance, of an instance that EC2 has ended
    ACTION_CLAIM,       // CreateTags masu:owner=value on a fleet
    ACTION_END_MEMBER,  // TerminateInstanceInAutoScalingGroup with decrement, one id
    ACTION_HEARTBEAT,   // RecordLifecycleActionHeartbeat of hook `value` for an instance
    ACTION_COMPLETE,    // CompleteLifecycleAction CONTINUE of hook `value` for an instance
    ACTION_LAUNCH,      // CreateFleet of type instant: `capacity` instances of what `value` names, by the client token `token`
    ACTION_COUNT
};

// What must be read again right before a destructive action (design.md section 4, re-check); bits.
enum recheck {
    RECHECK_NONE = 0,
    RECHECK_EMPTY = 1,         // no non-daemon task that is not STOPPED, by RUNNING and STOPPED lists
    RECHECK_DRAINING = 2,      // still DRAINING with our mark
    RECHECK_PROTECTION = 4,    // no protected task on it
    RECHECK_FLEET_ACTIVE = 8,  // fleet active, and showing the target in `target_before`
    RECHECK_UNREGISTERED = 16, // ECS, asked for it by id, knows no container instance of it
    RECHECK_ENDED = 32,        // EC2 says terminated, or does not know it
    RECHECK_GROUP = 128,       // the group shows the desired capacity in `target_before`, the member is InService, and it may go (B1, B2)
    RECHECK_OWNER = 64,        // the fleet's masu:owner is absent or ours
    RECHECK_RAISE = 256,       // the group shows no more than `capacity`, as a lower one lets it end a member of its choice (A1); where it cannot be read, go on
    RECHECK_TASKS = 512,       // no task on it but those that the plan knows: ECS may put one there that a drain of the same plan displaced (V8)
};

struct action {
    enum action_kind kind;
    const char *target;       // instance or fleet id
    int instance, fleet;      // index into the snapshot, -1 none
    int64_t capacity;         // SET_TARGET: the new target in weight units; LAUNCH: instances
    int64_t target_before;    // SET_TARGET, TERMINATE, END_MEMBER: the target the plan was made with
    int64_t on_demand;        // SET_TARGET: on-demand part, sent when > 0; LAUNCH: of capacity
    const char *value;        // MARK, CLAIM: the tag's value; LAUNCH: "lt-0abc:7 c5.large@subnet-1 m5.large@subnet-1"
    const char *token;        // LAUNCH: the same one is the same order, however often it is sent; else NULL
    unsigned recheck;         // enum recheck bits
    int after;                // index of the action that must have succeeded first, -1 none
    bool after_drains;        // MARK: every drain before it in the plan must have succeeded, as its zone can spare it only then
    const char *fact;         // "2 tasks of web 0.5 vCPU 1.0 GiB fit on 0 of 20 instances"
    const char *verdict;      // "launch"
    struct usd hourly_delta;  // change of cost an hour, 0 when unknown
};

enum candidate_kind { CANDIDATE_INSTANCE, CANDIDATE_FLEET, CANDIDATE_SHAPE, CANDIDATE_CLUSTER, CANDIDATE_POOL, CANDIDATE_KIND_COUNT };

// The one word of a verdict, for counting and filtering; the text says more.
enum verdict_code {
    VERDICT_LAUNCH,       // a shape or fleet that gets capacity
    VERDICT_DRAIN,        // chosen for removal
    VERDICT_GO_ON,        // a drain in progress goes on
    VERDICT_UNDO,         // a drain is undone
    VERDICT_LOWER,        // an empty one's weight leaves the target
    VERDICT_END,          // terminated
    VERDICT_KEEP,         // stays: fact says why
    VERDICT_HOLD,         // could go, but an interlock holds it
    VERDICT_FITS,         // demand that has room: ECS places it
    VERDICT_WAIT,         // waits for capacity that is coming
    VERDICT_NEVER_FITS,   // demand that capacity cannot cure
    VERDICT_FOREIGN,      // not ours to touch
    VERDICT_UNKNOWN,      // facts missing
    VERDICT_CAPPED,       // a bound weakened it; `wanted` and `allowed` say by how much
    VERDICT_COUNT
};

struct verdict {
    enum candidate_kind kind;
    enum verdict_code code;
    const char *target;        // instance id, fleet id, "service shape", cluster, "cluster source", "type zone"; once for each kind
    const char *fact, *verdict;
    int64_t wanted, allowed;   // VERDICT_CAPPED only
};

// Where the need comes from, for a shape.
struct demand {
    int service, shape;        // service -1: none
    int32_t missing;           // desired − placed
    int32_t leaving;           // movable tasks on leaving instances
    int32_t headroom;          // kept free by policy
    int32_t fits, waits, ordered, never;  // how the sum of the three is answered: free room, coming, new orders, incurable
    int64_t since_ms;          // oldest missing, 0 if none
};

// Something that people should know or do. One a condition and target, as long as the condition holds.
enum alert_severity { ALERT_INFO, ALERT_WARNING, ALERT_CRITICAL, ALERT_SEVERITY_COUNT };
struct alert {
    const char *id;            // "demand-incurable": a constant of planner/alert.h
    const char *target;        // service, instance, fleet or cluster
    enum alert_severity severity;
    int64_t since_ms;
    const char *what, *remedy; // a sentence each
};

struct plan_summary {
    int32_t instances, active, draining, coming, interrupted;
    int32_t waiting_tasks;
    struct res capacity, reserved, need;  // ACTIVE connected; tasks on them; what demand takes, headroom included
    struct usd hourly;
};

struct plan {
    int64_t now_ms;
    const char *cluster;
    const char *mode;          // "act", "add-only", "observe", "pause", "freeze"
    struct action *actions;
    size_t action_count, action_cap;
    struct verdict *verdicts;
    size_t verdict_count, verdict_cap;
    struct demand *demands;
    size_t demand_count, demand_cap;
    struct alert *alerts;      // by id and target
    size_t alert_count, alert_cap;
    struct plan_summary summary;
};

const char *action_kind_name(enum action_kind k);      // "mark", "unmark", "drain", …
const char *alert_severity_name(enum alert_severity s);  // "info", "warning", "critical"
const char *verdict_code_name(enum verdict_code c);    // "launch", …
const char *candidate_kind_name(enum candidate_kind k);
