// SQS, which brings events: receive, delete, and what a queue is like.
//
// As in ecs.h. A queue is named by its URL; requests go to the region's endpoint all the same. Standard queues deliver at least
// once and in any order.
#pragma once

#include "scaler/aws/aws.h"

#define SQS_WAIT_MAX_S 20
#define SQS_BATCH_MAX 10

struct sqs_message {
    const char *id, *handle, *body;
    int64_t sent_ms;    // AWS's time, 0 not told
    int32_t receives;   // how often it came, about; 0 not told
};
struct sqs_messages {
    struct aws_call call;
    struct sqs_message *items;
    size_t count, cap;
};
// Up to ten messages, hidden from others for visibility_s; waits up to wait_s (0: not at all) for the first. A message that cannot be
// read at all is left out, and the call PARTIAL.
void sqs_receive(struct aws_with w, const char *url, int wait_s, int visibility_s, struct sqs_messages *ret);

struct sqs_deleted {
    struct aws_call call;  // PARTIAL: some entries failed; those messages come again
    size_t failed;
};
// Any number, ten a request. Deleting twice is no error.
void sqs_delete(struct aws_with w, const char *url, const char *const *handles, size_t count, struct sqs_deleted *ret);

struct sqs_queue_attributes {
    struct aws_call call;
    const char *arn;         // "" not told
    int64_t visible, hidden; // messages, about; -1 not told
    int64_t visibility_s;    // -1 not told
    bool has_dead_letters;   // a redrive policy
};
void sqs_get_attributes(struct aws_with w, const char *url, struct sqs_queue_attributes *ret);
