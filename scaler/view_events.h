// What came of the events of the queues, counted since the daemon's start, for the metrics. Written by the loop's thread only; the view
// has a copy.
#pragma once

#include <stdint.h>

enum event_result {
    EVENT_RESULT_IDLE,      // of no use to us
    EVENT_RESULT_ACTED,     // a cluster planned because of it, or will look sooner
    EVENT_RESULT_KNOWN,     // told before
    EVENT_RESULT_STALE,     // too old, or of an earlier life of the id
    EVENT_RESULT_UNKNOWN,   // of nothing that our clusters have
    EVENT_RESULT_LEFT,      // of nothing that they have yet, or on a shared queue: it comes again
    EVENT_RESULT_CORRUPT,   // no message that AWS would send
    EVENT_RESULT_COUNT
};

enum { EVENT_BUCKETS = 12, EVENT_KINDS_MAX = 24 };
extern const int64_t event_bucket_ms[EVENT_BUCKETS];  // upper bounds, rising; one more bucket is above all

struct event_histogram {
    int64_t counts[EVENT_BUCKETS + 1];
    int64_t sum_ms;
};

struct event_counts {
    int kind_count;
    const char *kind_names[EVENT_KINDS_MAX];  // constant text: "interruption", …
    int64_t received[EVENT_KINDS_MAX];        // by kind
    int64_t results[EVENT_RESULT_COUNT];
    struct event_histogram age;     // of the event when it was received
    struct event_histogram answer;  // from then until its answer was in the journal
    int64_t queue_errors;           // polls that failed
};

void event_histogram_add(struct event_histogram *h, int64_t ms);  // negative counts as 0
const char *event_result_name(enum event_result r);               // "idle", "acted", …
