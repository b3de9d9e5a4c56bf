// SQS inside the sandbox: reading parameters and writing answers in whichever of its two protocols the call speaks.
#pragma once

#include "scaler/sandbox/internal.h"

// ---- errors: JSON calls them by `code`, the query protocol by `query_code`
void sqs_refuse(struct call *c, const char *code, const char *query_code, const char *words);
bool sqs_invalid(struct call *c, const char *words);  // InvalidParameterValue; false

// ---- parameters: false when answered with an error; absent leaves the result alone
bool sqs_read_text(struct call *c, const char *key, const char **ret);
bool sqs_read_needed(struct call *c, const char *key, const char **ret);
bool sqs_read_number(struct call *c, const char *key, int64_t min, int64_t max, int64_t *ret);
struct sqs_queue *sqs_read_queue(struct call *c);  // of QueueUrl; NULL: answered
// Whether a list of names (JSON) or NAME.N (query) holds the name, or "All".
bool sqs_wants(struct call *c, const char *list, const char *list_name, const char *name);

// ---- answers
void sqs_begin(struct call *c, struct json_out *o);
void sqs_end(struct call *c, struct json_out *o);
void sqs_text(struct call *c, struct json_out *o, const char *key, const char *value);
void sqs_attribute(struct call *c, struct json_out *o, const char *name, const char *value);
const char *sqs_decimal(struct call *c, int64_t n);

void play_sqs_send(struct call *c);
void play_sqs_receive(struct call *c);
void play_sqs_delete(struct call *c);
void play_sqs_delete_batch(struct call *c);
void play_sqs_change_visibility(struct call *c);
