// SQS inside the sandbox: standard queues. A message that is received is hidden until its visibility ends, and comes again unless
// it was deleted by the newest receipt handle. Order is not kept by promise. Nothing expires but by number.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { QUEUES_MAX = 8, QUEUE_MESSAGES_MAX = 120000, SQS_BODY_MAX = 262144 };

struct sqs_message {
    uint64_t serial;
    char *body;                  // owned
    size_t len;
    int64_t sent_ms, first_ms;   // first_ms: first received, 0 not yet
    int64_t visible_ms;          // not shown before
    int received;
};

struct sqs_queue {
    char name[84];
    int64_t created_ms, visibility_ms, wait_ms;
    struct sqs_message *items;   // oldest first, `gone` behind the begin of what is owned
    size_t gone, count, cap;
    uint64_t next_serial;
};

struct sandbox;
struct region;
struct sqs_queue *sqs_find(struct region *r, struct slice name);  // NULL: there is none
struct sqs_queue *sqs_add(struct region *r, struct slice name, int64_t now_ms);  // NULL: too many
void sqs_release(struct region *r);
// Copies the body. The oldest message falls out of a full queue.
void sqs_post(struct sandbox *s, struct sqs_queue *q, struct slice body, int64_t now_ms, int64_t visible_ms);
// The next message to be shown, from index *at on, or NULL; *at moves behind it.
struct sqs_message *sqs_next_visible(struct sqs_queue *q, int64_t now_ms, size_t *at);
int64_t sqs_next_visible_ms(const struct sqs_queue *q, int64_t now_ms);  // when one that is hidden will be shown; INT64_MAX never
struct sqs_message *sqs_by_serial(struct sqs_queue *q, uint64_t serial);
void sqs_remove(struct sqs_queue *q, struct sqs_message *m);
// Of sqs_events.c: what EventBridge would have sent since the last time, into SQS_EVENTS_QUEUE (sandbox.h).
bool sqs_events_wait(const struct region *r);  // there is something to take
void sqs_events_take(struct sandbox *s, struct region *r);
