// SQS's operations in both protocols: JSON 1.0, and the query protocol that older clients speak. The two differ in how parameters
// are named and answers are wrapped; what is done is the same.
#include "scaler/sandbox/sqs.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "scaler/sandbox/ecs.h"

static void play_create(struct call *c);
static void play_get_url(struct call *c);
static void play_list(struct call *c);
static void play_get_attributes(struct call *c);

static const char *const create_params[] = {"QueueName", "Attribute.N.Name", "Attribute.N.Value", NULL};
static const char *const name_params[] = {"QueueName", "QueueOwnerAWSAccountId", "QueueNamePrefix", "MaxResults", NULL};
static const char *const attribute_params[] = {"QueueUrl", "AttributeName.N", NULL};
static const char *const send_params[] = {"QueueUrl", "MessageBody", "DelaySeconds", NULL};
static const char *const receive_params[] = {"QueueUrl", "AttributeName.N", "MessageSystemAttributeName.N", "MessageAttributeName.N",
                                             "MaxNumberOfMessages", "VisibilityTimeout", "WaitTimeSeconds", NULL};
static const char *const receipt_params[] = {"QueueUrl", "ReceiptHandle", "VisibilityTimeout", NULL};
static const char *const batch_params[] = {"QueueUrl", "DeleteMessageBatchRequestEntry.N.Id", "DeleteMessageBatchRequestEntry.N.ReceiptHandle", NULL};

const struct op sqs_ops[] = {
    {"sqs:CreateQueue", play_create, BUCKET_NONE, true, true, create_params},
    {"sqs:GetQueueUrl", play_get_url, BUCKET_NONE, false, true, name_params},
    {"sqs:ListQueues", play_list, BUCKET_NONE, false, true, name_params},
    {"sqs:GetQueueAttributes", play_get_attributes, BUCKET_NONE, false, true, attribute_params},
    {"sqs:SendMessage", play_sqs_send, BUCKET_NONE, true, true, send_params},
    {"sqs:ReceiveMessage", play_sqs_receive, BUCKET_NONE, false, true, receive_params},
    {"sqs:DeleteMessage", play_sqs_delete, BUCKET_NONE, true, true, receipt_params},
    {"sqs:DeleteMessageBatch", play_sqs_delete_batch, BUCKET_NONE, true, true, batch_params},
    {"sqs:ChangeMessageVisibility", play_sqs_change_visibility, BUCKET_NONE, true, true, receipt_params},
};
const size_t sqs_op_count = ARRAY_LEN(sqs_ops);

// ---- errors ---------------------------------------------------------------------------------------------------------------
// The query protocol calls most of them by longer names, which JSON answers bring in a header.
void sqs_refuse(struct call *c, const char *code, const char *query_code, const char *words)
{
    call_fail(c, 400, c->speaks_json ? code : query_code, "%s", words);
    if (c->speaks_json)
        snprintf(c->ret->query_error, sizeof c->ret->query_error, "%s;Sender", query_code);
}

bool sqs_invalid(struct call *c, const char *words)
{
    sqs_refuse(c, "InvalidParameterValue", "InvalidParameterValue", words);
    return false;
}

// ---- parameters -----------------------------------------------------------------------------------------------------------
bool sqs_read_text(struct call *c, const char *key, const char **ret)
{
    if (c->speaks_json)
        return play_ecs_str(c, key, ret);
    const char *text = form_str(&c->form, key, c->arena);
    *ret = text ? text : *ret;
    return true;
}

bool sqs_read_needed(struct call *c, const char *key, const char **ret)
{
    *ret = NULL;
    if (!sqs_read_text(c, key, ret))
        return false;
    if (*ret == NULL)
        call_missing(c, key);
    return *ret != NULL;
}

// False: it is no number within the bounds. Absent leaves the result alone.
bool sqs_read_number(struct call *c, const char *key, int64_t min, int64_t max, int64_t *ret)
{
    int64_t n = *ret;
    if (c->speaks_json && !play_ecs_int(c, key, &n, NULL))
        return false;
    struct slice text = c->speaks_json ? (struct slice){NULL, 0} : form_get(&c->form, key);
    bool good = text.ptr == NULL || parse_i64(text, &n);
    if (!good || (n != *ret && (n < min || n > max)))
        return sqs_invalid(c, arena_printf(c->arena, "Value for parameter %s is invalid. Reason: Must be between %" PRId64 " and %" PRId64 ".", key, min, max));
    *ret = n;
    return true;
}

// ".../ACCOUNT/NAME"
struct sqs_queue *sqs_read_queue(struct call *c)
{
    const char *url;
    if (!sqs_read_needed(c, "QueueUrl", &url))
        return NULL;
    const char *name = strrchr(url, '/');
    size_t account = strlen(c->region->account);
    bool ours = name && (size_t)(name - url) > account && strncmp(name - account, c->region->account, account) == 0 && name[-(long)account - 1] == '/';
    struct sqs_queue *q = ours ? sqs_find(c->region, slice_of(name + 1)) : NULL;
    if (q == NULL)
        sqs_refuse(c, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.");
    else
        call_note(c, q->name, "%s", "");
    return q;
}

// ---- answers --------------------------------------------------------------------------------------------------------------
void sqs_begin(struct call *c, struct json_out *o)
{
    *o = (struct json_out){.out = c->out};
    if (c->speaks_json)
        call_begin_json(c, o);
    else
        call_begin_xml(c);
}

void sqs_end(struct call *c, struct json_out *o)
{
    if (c->speaks_json)
        jo_close(o, '}');
    else
        call_end_xml(c);
}

void sqs_text(struct call *c, struct json_out *o, const char *key, const char *value)
{
    if (c->speaks_json)
        jo_str(o, key, value);
    else
        xo_text(c->out, key, value);
}

void sqs_attribute(struct call *c, struct json_out *o, const char *name, const char *value)
{
    if (c->speaks_json) {
        jo_str(o, name, value);
        return;
    }
    xo_open(c->out, "Attribute");
    xo_text(c->out, "Name", name);
    xo_text(c->out, "Value", value);
    xo_close(c->out, "Attribute");
}

const char *sqs_decimal(struct call *c, int64_t n)
{
    return arena_printf(c->arena, "%" PRId64, n);
}

// ---- queues ---------------------------------------------------------------------------------------------------------------
static void answer_url(struct call *c, const struct sqs_queue *q)
{
    struct json_out o;
    struct slice host = request_header(c->request, "host");
    sqs_begin(c, &o);
    sqs_text(c, &o, "QueueUrl", arena_printf(c->arena, "http://%.*s/%s/%s", (int)host.len, host.ptr, c->region->account, q->name));
    sqs_end(c, &o);
}

static bool good_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!((name.ptr[i] >= 'a' && name.ptr[i] <= 'z') || (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z') || (name.ptr[i] >= '0' && name.ptr[i] <= '9') ||
              name.ptr[i] == '-' || name.ptr[i] == '_'))
            return false;
    return name.len >= 1 && name.len <= 80;
}

static bool set_attribute(struct call *c, struct sqs_queue *q, struct slice name, struct slice value)
{
    int64_t n = 0;
    bool visibility = slice_eq_str(name, "VisibilityTimeout"), wait = slice_eq_str(name, "ReceiveMessageWaitTimeSeconds");
    if (!visibility && !wait) {
        sqs_refuse(c, "InvalidAttributeName", "InvalidAttributeName", "Unknown Attribute, or one that this sandbox does not play.");
        return false;
    }
    if (!parse_i64(value, &n) || n < 0 || n > (visibility ? 43200 : 20))
        return sqs_invalid(c, "Invalid value for the parameter.");
    *(visibility ? &q->visibility_ms : &q->wait_ms) = n * 1000;
    return true;
}

static bool set_attributes(struct call *c, struct sqs_queue *q)
{
    if (!c->speaks_json) {
        size_t count = 0;
        for (int64_t i = 1; i <= 16; i++) {
            struct slice name = form_get(&c->form, arena_printf(c->arena, "Attribute.%" PRId64 ".Name", i));
            struct slice value = form_get(&c->form, arena_printf(c->arena, "Attribute.%" PRId64 ".Value", i));
            if (name.ptr != NULL && !set_attribute(c, q, name, value))
                return false;
            count += name.ptr != NULL;
        }
        return count <= 16;
    }
    json_t *all = NULL, *value;
    const char *name;
    if (!play_json_object(c, c->json, "Attributes", &all))
        return false;
    json_object_foreach(all, name, value)
        if (!set_attribute(c, q, slice_of(name), slice_of(json_is_string(value) ? json_string_value(value) : "?")))
            return false;
    return true;
}

static void play_create(struct call *c)
{
    const char *name;
    if (!sqs_read_needed(c, "QueueName", &name))
        return;
    if (!good_name(slice_of(name))) {
        sqs_invalid(c, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
        return;
    }
    call_note(c, name, "%s", "");
    struct sqs_queue settings = {.visibility_ms = 30000}, *q = sqs_find(c->region, slice_of(name));
    if (!set_attributes(c, &settings))
        return;
    if (q != NULL && (q->visibility_ms != settings.visibility_ms || q->wait_ms != settings.wait_ms)) {
        sqs_refuse(c, "QueueNameExists", "QueueAlreadyExists", "A queue already exists with the same name and a different value for an attribute");
        return;
    }
    if (q == NULL && (q = sqs_add(c->region, slice_of(name), c->now_ms)) == NULL) {
        sqs_refuse(c, "OverLimit", "OverLimit", "The sandbox keeps few queues.");
        return;
    }
    q->visibility_ms = settings.visibility_ms;
    q->wait_ms = settings.wait_ms;
    answer_url(c, q);
}

static void play_get_url(struct call *c)
{
    const char *name;
    if (!sqs_read_needed(c, "QueueName", &name))
        return;
    struct sqs_queue *q = sqs_find(c->region, slice_of(name));
    if (q == NULL)
        sqs_refuse(c, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.");
    else
        answer_url(c, q);
}

static void play_list(struct call *c)
{
    const char *prefix = "";
    struct slice host = request_header(c->request, "host");
    struct json_out o;
    if (!sqs_read_text(c, "QueueNamePrefix", &prefix))
        return;
    sqs_begin(c, &o);
    if (c->speaks_json)
        jo_open(&o, "QueueUrls", '[');
    for (int i = 0; i < c->region->queue_count; i++) {
        const char *url = arena_printf(c->arena, "http://%.*s/%s/%s", (int)host.len, host.ptr, c->region->account, c->region->queues[i].name);
        if (strncmp(c->region->queues[i].name, prefix, strlen(prefix)) == 0)
            sqs_text(c, &o, c->speaks_json ? NULL : "QueueUrl", url);
    }
    if (c->speaks_json)
        jo_close(&o, ']');
    sqs_end(c, &o);
}

bool sqs_wants(struct call *c, const char *list, const char *list_name, const char *name)
{
    size_t count = 0;
    if (!c->speaks_json) {
        struct slice *names = form_list(&c->form, list_name, c->arena, &count);
        for (size_t i = 0; i < count; i++)
            if (slice_eq_str(names[i], name) || slice_eq_str(names[i], "All"))
                return true;
        return false;
    }
    json_t *names = json_object_get(c->json, list);
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *one = json_string_value(json_array_get(names, i));
        if (one && (strcmp(one, name) == 0 || strcmp(one, "All") == 0))
            return true;
    }
    return false;
}

static void play_get_attributes(struct call *c)
{
    struct sqs_queue *q = sqs_read_queue(c);
    if (q == NULL)
        return;
    int64_t visible = 0, hidden = 0;
    for (size_t i = 0; i < q->count; i++)
        if (q->items[i].visible_ms <= c->now_ms)
            visible++;
        else
            hidden += q->items[i].received > 0;  // else it is still under way
    const struct {
        const char *name, *value;
    } all[] = {
        {"ApproximateNumberOfMessages", sqs_decimal(c, visible)},
        {"ApproximateNumberOfMessagesNotVisible", sqs_decimal(c, hidden)},
        {"CreatedTimestamp", sqs_decimal(c, q->created_ms / 1000)},
        {"QueueArn", arena_printf(c->arena, "arn:aws:sqs:%s:%s:%s", c->region->name, c->region->account, q->name)},
        {"ReceiveMessageWaitTimeSeconds", sqs_decimal(c, q->wait_ms / 1000)},
        {"VisibilityTimeout", sqs_decimal(c, q->visibility_ms / 1000)},
    };
    struct json_out o;
    sqs_begin(c, &o);
    if (c->speaks_json)
        jo_open(&o, "Attributes", '{');
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (sqs_wants(c, "AttributeNames", "AttributeName", all[i].name))
            sqs_attribute(c, &o, all[i].name, all[i].value);
    if (c->speaks_json)
        jo_close(&o, '}');
    sqs_end(c, &o);
}
