// The queues of events, read beside all else: long polls in the waiting lane of the client, and deletes once a message is answered.
//
// Nothing is decided here. Each message is parsed (event.h) and told to the listener, who says whether it is done with, whom it
// waits for, or that it is to be left where it is. What waits is deleted when all of these have answered, which the journal then
// holds; what is left, or not answered while it is hidden, comes again. Of a queue that is full, ten polls bring what the first
// one began.
#pragma once

#include "base/log.h"
#include "policies/policy.h"
#include "scaler/event.h"
#include "scaler/gather.h"
#include "scaler/view_events.h"

#define EVENTS_WORDS 4  // bits for 256 clusters

enum events_verdict {
    EVENTS_DONE,    // delete it now
    EVENTS_WAIT,    // delete it when the clusters of `cells` have answered
    EVENTS_LEAVE,   // it comes again
};

struct events_heard {
    struct region *region;
    const struct policy_queue *queue;
    const struct event *event;
    int64_t at_ms, now_ms;            // at_ms: of the event, else of its message; never in the future
    uint64_t cells[EVENTS_WORDS];     // out: bit c of word c / 64
    enum event_result result;         // out: what came of it, for the counts; idle to begin with
};

struct events_options {
    struct aws_clients *clients;      // all borrowed
    const struct clock *clock;
    const struct logger *log;         // NULL: silent
    void *arg;                        // of the functions
    enum events_verdict (*hear)(void *arg, struct events_heard *h);
    bool (*may_receive)(void *arg, struct region *r);  // is there anybody in the region who would answer?
    void *region_arg;
    struct region *(*region_of)(void *region_arg, const struct policy_queue *q);  // NULL: none of ours
};

struct events;
struct events *events_new(const struct events_options *o);
void events_free(struct events *e);                       // NULL-safe; cancels what is open
void events_policy(struct events *e, const struct policy *p);  // the queues from now on; p lives until the next call
// Takes what was answered, asks anew. After each wait in the transport.
void events_turn(struct events *e);
int64_t events_due_ms(const struct events *e);            // when events_turn has something to do by time alone; INT64_MAX never
// A tick of the cluster is in the journal; known_ms: what was heard later was no part of its plan.
void events_answered(struct events *e, size_t cell, int64_t known_ms);
const struct event_counts *events_counts(const struct events *e);
bool events_flood(const struct events *e);                // more is on its way: full answers, and polls that are out for more
