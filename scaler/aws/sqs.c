#include "scaler/aws/sqs.h"

#include "base/json.h"
#include "base/parse.h"
#include "scaler/aws/aws_job.h"
#include "scaler/aws/ecs_decode.h"
#include "scaler/aws/sqs_decode.h"

#define ANSWER_WITHIN_MS 10000  // beyond the wait that was asked for

// Receiving hides messages for a while, which repeats itself: no change that may not be asked for twice.
static const struct aws_operation receive = {AWS_SQS, "ReceiveMessage", false, false, sqs_decode_messages, NULL, NULL};
static const struct aws_operation delete_batch = {AWS_SQS, "DeleteMessageBatch", true, true, sqs_decode_deleted, NULL, NULL};
static const struct aws_operation get_attributes = {AWS_SQS, "GetQueueAttributes", false, false, sqs_decode_attributes, NULL, NULL};

static void begin(struct buf *b, const char *url)
{
    buf_init(b, AWS_REQUEST_MAX);
    buf_add_char(b, '{');
    aws_json_str(b, "QueueUrl", url);
}

void sqs_receive(struct aws_with w, const char *url, int wait_s, int visibility_s, struct sqs_messages *ret)
{
    static const char *const ALL[] = {"All"};
    *ret = (struct sqs_messages){0};
    aws_call_begin(&ret->call);
    assert(wait_s >= 0);
    assert(wait_s <= SQS_WAIT_MAX_S);
    _cleanup_(buf_release) struct buf b;
    begin(&b, url);
    aws_json_int(&b, "MaxNumberOfMessages", SQS_BATCH_MAX);
    aws_json_int(&b, "WaitTimeSeconds", wait_s);
    aws_json_int(&b, "VisibilityTimeout", visibility_s);
    aws_json_list(&b, "MessageSystemAttributeNames", ALL, 1);
    aws_job_submit(&(struct aws_job){.with = w, .op = &receive, .call = &ret->call, .ret = ret, .timeout_ms = wait_s * 1000 + ANSWER_WITHIN_MS}, &b);
    aws_call_settle(&ret->call);
}

void sqs_delete(struct aws_with w, const char *url, const char *const *handles, size_t count, struct sqs_deleted *ret)
{
    *ret = (struct sqs_deleted){0};
    aws_call_begin(&ret->call);
    for (size_t from = 0; from < count; from += SQS_BATCH_MAX) {
        size_t n = count - from < SQS_BATCH_MAX ? count - from : SQS_BATCH_MAX;
        _cleanup_(buf_release) struct buf b;
        begin(&b, url);
        buf_add_str(&b, ",\"Entries\":[");
        for (size_t i = 0; i < n; i++) {
            buf_printf(&b, "%s{\"Id\":\"%zu\",\"ReceiptHandle\":", i ? "," : "", i);
            json_add_string(&b, slice_of(handles[from + i]));
            buf_add_char(&b, '}');
        }
        buf_add_char(&b, ']');
        aws_job_submit(&(struct aws_job){.with = w, .op = &delete_batch, .call = &ret->call, .ret = ret, .asked = n}, &b);
    }
    aws_call_settle(&ret->call);
}

void sqs_get_attributes(struct aws_with w, const char *url, struct sqs_queue_attributes *ret)
{
    static const char *const ALL[] = {"All"};
    *ret = (struct sqs_queue_attributes){.arn = "", .visible = -1, .hidden = -1, .visibility_s = -1};
    aws_call_begin(&ret->call);
    _cleanup_(buf_release) struct buf b;
    begin(&b, url);
    aws_json_list(&b, "AttributeNames", ALL, 1);
    aws_job_submit(&(struct aws_job){.with = w, .op = &get_attributes, .call = &ret->call, .ret = ret}, &b);
    aws_call_settle(&ret->call);
}

// ---- decoding ---------------------------------------------------------------------------------------------------------------
// SQS writes numbers as strings.
static int64_t number(const json_t *o, const char *key, int64_t fallback)
{
    const char *text = json_str(o, key);
    int64_t n = fallback;
    return text && parse_i64(slice_of(text), &n) ? n : fallback;
}

int sqs_decode_messages(struct aws_job *job, const json_t *root, struct err *err)
{
    struct sqs_messages *ret = job->ret;
    struct arena *a = job->with.arena;
    const json_t *list = json_object_get(root, "Messages");  // absent when there is none
    if (list && !json_is_array(list) && !json_is_null(list))
        return err_set(err, ERR_CORRUPT, "Messages is no list");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i), *attributes = json_object_get(o, "Attributes");
        if (json_str(o, "ReceiptHandle") == NULL || json_str(o, "Body") == NULL) {
            aws_call_doubt(job->call, ERR_CORRUPT, "a message without receipt handle or body");
            continue;
        }
        int64_t receives = number(attributes, "ApproximateReceiveCount", 0);
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = (struct sqs_message){
            .id = ecs_text(o, "MessageId", a),
            .handle = ecs_text(o, "ReceiptHandle", a),
            .body = ecs_text(o, "Body", a),
            .sent_ms = number(attributes, "SentTimestamp", 0),
            .receives = receives > 0 && receives < INT32_MAX ? (int32_t)receives : 0,
        };
    }
    return 0;
}

int sqs_decode_deleted(struct aws_job *job, const json_t *root, struct err *err)
{
    struct sqs_deleted *ret = job->ret;
    const json_t *failed = json_object_get(root, "Failed"), *good = json_object_get(root, "Successful");
    size_t told = json_array_size(failed) + json_array_size(good);
    if (told != job->asked)
        return err_set(err, ERR_CORRUPT, "%zu of %zu entries are answered", told, job->asked);
    for (size_t i = 0; i < json_array_size(failed); i++) {
        const char *code = json_str(json_array_get(failed, i), "Code");
        aws_call_doubt(job->call, ERR_TRANSIENT, "DeleteMessageBatch: %.80s", code ? code : "no code");
    }
    ret->failed += json_array_size(failed);
    return 0;
}

int sqs_decode_attributes(struct aws_job *job, const json_t *root, struct err *err)
{
    struct sqs_queue_attributes *ret = job->ret;
    const json_t *o = json_object_get(root, "Attributes");
    if (!json_is_object(o))
        return err_set(err, ERR_CORRUPT, "no Attributes");
    ret->arn = ecs_text(o, "QueueArn", job->with.arena);
    ret->visible = number(o, "ApproximateNumberOfMessages", -1);
    ret->hidden = number(o, "ApproximateNumberOfMessagesNotVisible", -1);
    ret->visibility_s = number(o, "VisibilityTimeout", -1);
    ret->has_dead_letters = json_str(o, "RedrivePolicy") != NULL;
    return 0;
}
