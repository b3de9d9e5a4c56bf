// One typed operation: base request, pages, decoding, and the outcome in a struct aws_call. Used by ecs.c, ec2.c, sts.c.
#pragma once

#include <jansson.h>

#include "scaler/aws/aws.h"
#include "scaler/aws/xml.h"

#define AWS_PAGES_MAX 1000
#define AWS_TOKEN_MAX 16384u
#define AWS_REQUEST_MAX (1u << 20)
#define AWS_LIST_KEPT 10

struct aws_job;

// Exactly one decode is set: JSON for ECS, SQS and Application Auto Scaling, XML for EC2 and STS. It adds to job->ret and sets job->token where a page follows.
// Unknown fields are passed over; an answer that lacks what it must have is ERR_CORRUPT.
struct aws_operation {
    enum aws_service service;
    const char *name;
    bool mutating, repeatable;
    int (*decode_json)(struct aws_job *job, const json_t *root, struct err *err);
    int (*decode_xml)(struct aws_job *job, const struct xml_node *root, struct err *err);
    const char *long_list;  // JSON: a member of which only the first AWS_LIST_KEPT elements are read, NULL none
};

struct aws_job {
    struct aws_with with;
    const struct aws_operation *op;
    struct aws_call *call;
    void *ret;
    const char *base;    // request without token; JSON: without the closing brace
    const char *token;   // of the next page, NULL: none
    size_t asked;        // ids asked for; 0: a list
    bool dry_run;        // DryRunOperation is the good answer
    bool once;           // see struct aws_request
    int pages;
    int64_t timeout_ms;  // of an attempt, 0: the usual
};

// Sets up the outcome. Then one aws_job_submit a batch, then aws_call_settle (for the case of no batch at all).
void aws_call_begin(struct aws_call *call);
void aws_call_settle(struct aws_call *call);
// Something in an answer was not as it should be, but the rest of it is true: PARTIAL.
void aws_call_doubt(struct aws_call *call, enum err_kind kind, const char *fmt, ...) _printf_(3, 4);

// `base` is copied. A base that is too long (failed buf) fails the call with ERR_LIMIT.
void aws_job_submit(const struct aws_job *job, const struct buf *base);

// A form body's beginning: Action=…&Version=…; then parameters, values encoded.
void aws_form_begin(struct buf *b, const char *action, const char *version);
void aws_form_add(struct buf *b, const char *name, const char *value);
void aws_form_add_int(struct buf *b, const char *name, int64_t value);
void aws_form_add_list(struct buf *b, const char *name, const char *const *values, size_t count);  // name.1, name.2, …
// JSON members: aws_json_str(b, "cluster", "demo") adds ,"cluster":"demo"; the base begins with {.
void aws_json_str(struct buf *b, const char *key, const char *value);
void aws_json_int(struct buf *b, const char *key, int64_t value);
void aws_json_flag(struct buf *b, const char *key, bool value);
void aws_json_list(struct buf *b, const char *key, const char *const *values, size_t count);
