// One message of the queue as one small struct: an event of EventBridge, the same wrapped by SNS, or a lifecycle hook's own message.
//
// Bytes from outside: whatever they are, event_parse either takes them or says why not; unknown members are passed over, unknown
// kinds are EVENT_OTHER. What it means for a cluster is not decided here (scaler/events.h).
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum event_kind {
    EVENT_OTHER,           // understood, and of no use: `type` says what
    EVENT_INTERRUPTION,    // EC2 Spot Instance Interruption Warning
    EVENT_REBALANCE,       // EC2 Instance Rebalance Recommendation
    EVENT_INSTANCE_STATE,  // EC2 Instance State-change Notification: `word` is the state
    EVENT_FLEET_STATE,     // state of a Spot Fleet or EC2 Fleet: `word` is the sub-type
    EVENT_FLEET_INSTANCE,  // launched, terminated, termination_notified
    EVENT_FLEET_REQUEST,   // one of its spot requests
    EVENT_FLEET_INFO,      // information
    EVENT_FLEET_ERROR,
    EVENT_LAUNCH_FAILED,   // of an Auto Scaling group: `why` says what AWS answered, `zone` where
    EVENT_HOOK_LAUNCH,     // a lifecycle hook holds an instance that starts
    EVENT_HOOK_TERMINATE,  // … or one that ends
    EVENT_HOOK_TEST,       // Auto Scaling tries whether the queue takes its messages
    EVENT_HEALTH,          // AWS Health: a scheduled change or an issue of instances; `at_ms` of effect in starts_ms
    EVENT_TASK,            // ECS Task State Change
    EVENT_CONTAINER_INSTANCE,
    EVENT_SERVICE,         // ECS Service Action: `word` is its name
    EVENT_DEPLOYMENT,
    EVENT_KIND_COUNT
};

enum { EVENT_INSTANCES_MAX = 100 };

struct event {
    enum event_kind kind;
    const char *id, *type, *source;     // "" unknown, as all strings
    const char *account, *region;
    int64_t at_ms;                      // of the event, 0 unknown
    const char **instances;             // EC2 ids
    size_t instance_count;
    const char *fleet;                  // "sfr-…", "fleet-…"
    const char *group, *hook, *token;   // Auto Scaling
    const char *destination;            // of a hook: "EC2", "WarmPool", "AutoScalingGroup"
    const char *zone;                   // of a launch that failed
    const char *cluster;                // ECS: its name
    const char *service;                // ECS: its name
    const char *word;                   // state, sub-type, event name or code: see the kinds
    const char *why;                    // reason or description
    int64_t starts_ms;                  // EVENT_HEALTH
    int64_t version;                    // ECS: grows with each change of the thing; 0 unknown
};

// Strings live in the arena. ERR_CORRUPT: it is no message that AWS would send.
int event_parse(struct slice body, struct arena *a, struct event *ret, struct err *err);
const char *event_kind_name(enum event_kind k);  // "interruption", …
