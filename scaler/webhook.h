// Alerts to a URL of the operator's choice: POST of JSON, through the loop's own transport, one at a time, in order.
//
// Nothing here waits: an event is made into a message and queued (the oldest is given up when the queue is full); webhook_turn
// submits what is due. A message is tried up to 10 times, 1 s to 5 min apart; what the other side refuses for good (4xx but 408
// and 429) is given up at once. It never connects to a link-local address (169.254.*, where credentials live), whatever a name
// resolves to. Secrets come from the environment or files, never from the policy. Used by the loop's thread.
#pragma once

#include "policies/policy.h"
#include "scaler/alerts.h"
#include "scaler/aws/env.h"
#include "scaler/aws/transport.h"

struct webhook;
struct webhook_options {
    struct transport *transport;      // borrowed
    const struct aws_env *env;        // where the policy's environment variables are looked up; NULL: the process environment
    const struct logger *log;         // NULL: silent
    uint64_t seed;                    // of the jitter
};
struct webhook *webhook_new(const struct webhook_options *o);
void webhook_free(struct webhook *w);  // NULL-safe; cancels what is open
// Borrowed until the next one. What is queued for another URL is dropped.
void webhook_policy(struct webhook *w, const struct policy_alerts *p);
void webhook_notify(void *webhook, const struct alerts_event *e);  // as alerts_options.notify
int64_t webhook_due_ms(const struct webhook *w);  // world time at which a turn is wanted; INT64_MAX: none
void webhook_turn(struct webhook *w);
const char *webhook_error(const struct webhook *w);  // why alerts do not get out, "" when they do

// The message, for tests: false where the format has none for this event.
bool webhook_body(enum webhook_format f, const struct alerts_event *e, enum alert_severity least, struct buf *out);
