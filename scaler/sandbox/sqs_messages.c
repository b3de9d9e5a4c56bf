// Messages of SQS: sent, received, hidden, deleted; one by one and in batches.
#include <stdio.h>
#include <string.h>

#include "scaler/aws/digest.h"
#include "scaler/sandbox/ecs.h"
#include "scaler/sandbox/sqs.h"

static void nothing(struct call *c)
{
    struct json_out o;
    sqs_begin(c, &o);
    sqs_end(c, &o);
}

static const char *md5_of(struct call *c, const char *body, size_t len)
{
    char hex[33];
    digest_md5_hex((struct slice){body, len}, hex);
    return arena_strdup(c->arena, hex);
}

static const char *id_of(struct call *c, const struct sqs_queue *q, uint64_t serial)
{
    uint64_t h = hash_bytes(17, q->name, strlen(q->name));
    return arena_printf(c->arena, "%08x-5a4d-4b0c-8%03x-%012" PRIx64, (unsigned)(h & 0xffffffff), (unsigned)(h >> 32 & 0xfff), serial);
}

// ---- messages -------------------------------------------------------------------------------------------------------------
void play_sqs_send(struct call *c)
{
    struct sqs_queue *q = sqs_read_queue(c);
    const char *body;
    int64_t delay_s = 0;
    if (q == NULL || !sqs_read_needed(c, "MessageBody", &body) || !sqs_read_number(c, "DelaySeconds", 0, 900, &delay_s))
        return;
    size_t len = strlen(body);
    if (len == 0 || len > SQS_BODY_MAX) {
        sqs_invalid(c, "One or more parameters are invalid. Reason: Message must be between 1 and 262144 bytes.");
        return;
    }
    sqs_post(c->s, q, (struct slice){body, len}, c->now_ms, c->now_ms + delay_s * 1000);
    struct json_out o;
    sqs_begin(c, &o);
    sqs_text(c, &o, "MD5OfMessageBody", md5_of(c, body, len));
    sqs_text(c, &o, "MessageId", id_of(c, q, q->next_serial - 1));
    sqs_end(c, &o);
}

static void write_message(struct call *c, struct json_out *o, struct sqs_queue *q, const struct sqs_message *m)
{
    if (c->speaks_json)
        jo_open(o, NULL, '{');
    else
        xo_open(c->out, "Message");
    sqs_text(c, o, "MessageId", id_of(c, q, m->serial));
    sqs_text(c, o, "ReceiptHandle", arena_printf(c->arena, "AQEB%012" PRIx64 "/%06x==", m->serial, (unsigned)m->received));
    sqs_text(c, o, "MD5OfBody", md5_of(c, m->body, m->len));
    sqs_text(c, o, "Body", m->body);
    const struct {
        const char *name, *value;
    } all[] = {
        {"ApproximateReceiveCount", sqs_decimal(c, m->received)},
        {"SentTimestamp", sqs_decimal(c, m->sent_ms)},
        {"ApproximateFirstReceiveTimestamp", sqs_decimal(c, m->first_ms)},
        {"SenderId", "AIDASANDBOXEVENTS0000"},
    };
    if (c->speaks_json)
        jo_open(o, "Attributes", '{');
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (sqs_wants(c, "AttributeNames", "AttributeName", all[i].name) || sqs_wants(c, "MessageSystemAttributeNames", "MessageSystemAttributeName", all[i].name))
            sqs_attribute(c, o, all[i].name, all[i].value);
    if (c->speaks_json) {
        jo_close(o, '}');
        jo_close(o, '}');
    } else {
        xo_close(c->out, "Message");
    }
}

// Nothing yet: the answer waits for a message, for the end of another's visibility, or for its time to be over.
static void hold(struct call *c, const struct sqs_queue *q, int64_t wait_ms)
{
    int64_t since_ms = c->request->held_since_ms ? c->request->held_since_ms : c->now_ms;
    int64_t next_ms = sqs_next_visible_ms(q, c->now_ms);
    if (c->lost || c->now_ms >= since_ms + wait_ms)
        return;
    c->ret->delivery = SANDBOX_HELD;
    c->ret->held_since_ms = since_ms;
    c->ret->retry_ms = next_ms < since_ms + wait_ms ? next_ms : since_ms + wait_ms;
}

// So that it can be judged when the notice was answered: the instance's own, not an older one of the same instance.
static void tell_notice(struct call *c, const struct sqs_message *m)
{
    const char *body = m->body;
    static const char KEY[] = "\"instance-id\":\"";
    const char *at = strstr(body, "EC2 Spot Instance Interruption Warning") ? strstr(body, KEY) : NULL;
    char id[32];
    size_t n = at ? strcspn(at + strlen(KEY), "\"") : 0;
    if (n == 0 || n >= sizeof id)
        return;
    memcpy(id, at + strlen(KEY), n);
    id[n] = '\0';
    int instance = world_find_instance(c->world, id);
    if (instance >= 0 && m->sent_ms >= c->view.instances[instance].notice_ms)
        call_told_notice(c, id);
}

void play_sqs_receive(struct call *c)
{
    struct sqs_queue *q = sqs_read_queue(c);
    if (q == NULL)
        return;
    int64_t most = 1, visibility_s = q->visibility_ms / 1000, wait_s = q->wait_ms / 1000;
    if (!sqs_read_number(c, "MaxNumberOfMessages", 1, 10, &most) || !sqs_read_number(c, "VisibilityTimeout", 0, 43200, &visibility_s) ||
        !sqs_read_number(c, "WaitTimeSeconds", 0, 20, &wait_s))
        return;
    struct json_out o;
    size_t at = 0, shown = 0;
    struct sqs_message *m;
    sqs_begin(c, &o);
    while (shown < (size_t)most && (m = sqs_next_visible(q, c->now_ms, &at)) != NULL) {
        if (shown++ == 0 && c->speaks_json)
            jo_open(&o, "Messages", '[');
        m->received++;
        m->first_ms = m->first_ms ? m->first_ms : c->now_ms;
        m->visible_ms = c->now_ms + visibility_s * 1000;
        write_message(c, &o, q, m);
        tell_notice(c, m);
    }
    if (shown > 0 && c->speaks_json)
        jo_close(&o, ']');
    sqs_end(c, &o);
    if (shown == 0)
        hold(c, q, wait_s * 1000);
}

static const char digits_of[] = "0123456789abcdef";

static bool read_hex(const char *text, int digits, uint64_t *ret)
{
    for (int i = 0; i < digits; i++) {
        const char *at = strchr(digits_of, text[i]);
        if (at == NULL || *at == '\0')
            return false;
        *ret = *ret * 16 + (uint64_t)(at - digits_of);
    }
    return true;
}

// NULL with *ret_valid: the message is gone, or the handle is not its newest: nothing happens, and that is no error.
static struct sqs_message *by_handle(struct sqs_queue *q, const char *handle, bool *ret_valid)
{
    uint64_t serial = 0, received = 0;
    *ret_valid = strlen(handle) == 25 && strncmp(handle, "AQEB", 4) == 0 && read_hex(handle + 4, 12, &serial) && handle[16] == '/' &&
                 read_hex(handle + 17, 6, &received) && strcmp(handle + 23, "==") == 0;
    struct sqs_message *m = *ret_valid ? sqs_by_serial(q, serial) : NULL;
    return m && (uint64_t)m->received == received ? m : NULL;
}

static struct sqs_message *read_handle(struct call *c, struct sqs_queue **ret_queue, bool *ret_valid)
{
    const char *handle;
    *ret_valid = false;
    *ret_queue = sqs_read_queue(c);
    if (*ret_queue == NULL || !sqs_read_needed(c, "ReceiptHandle", &handle))
        return NULL;
    struct sqs_message *m = by_handle(*ret_queue, handle, ret_valid);
    if (!*ret_valid)
        sqs_refuse(c, "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", "The input receipt handle is invalid.");
    return m;
}

void play_sqs_delete(struct call *c)
{
    struct sqs_queue *q;
    bool valid;
    struct sqs_message *m = read_handle(c, &q, &valid);
    if (!valid)
        return;
    if (m)
        sqs_remove(q, m);
    nothing(c);
}

void play_sqs_change_visibility(struct call *c)
{
    struct sqs_queue *q;
    bool valid;
    int64_t seconds = -1;
    struct sqs_message *m = read_handle(c, &q, &valid);
    if (!valid || !sqs_read_number(c, "VisibilityTimeout", 0, 43200, &seconds))
        return;
    if (seconds < 0) {
        call_missing(c, "VisibilityTimeout");
        return;
    }
    if (m == NULL || m->visible_ms <= c->now_ms) {
        sqs_refuse(c, "MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", "The message referred to isn't in flight.");
        return;
    }
    m->visible_ms = c->now_ms + seconds * 1000;
    nothing(c);
}

// ---- batches --------------------------------------------------------------------------------------------------------------
enum { BATCH_MAX = 10 };
struct entry {
    const char *id, *handle;
};

static bool read_entries(struct call *c, struct entry *ret, size_t *ret_count)
{
    size_t count = 0;
    json_t *list = NULL;
    if (c->speaks_json && !play_json_list(c, c->json, "Entries", 1000, &list))
        return false;
    for (size_t i = 0; i < (c->speaks_json ? json_array_size(list) : 100); i++) {
        struct entry e = {0};
        if (c->speaks_json && (!play_json_str(c, json_array_get(list, i), "Id", &e.id) || !play_json_str(c, json_array_get(list, i), "ReceiptHandle", &e.handle)))
            return false;
        if (!c->speaks_json) {
            e.id = form_str(&c->form, arena_printf(c->arena, "DeleteMessageBatchRequestEntry.%zu.Id", i + 1), c->arena);
            e.handle = form_str(&c->form, arena_printf(c->arena, "DeleteMessageBatchRequestEntry.%zu.ReceiptHandle", i + 1), c->arena);
            if (e.id == NULL && e.handle == NULL)
                continue;
        }
        if (e.id == NULL || e.handle == NULL) {
            call_missing(c, e.id == NULL ? "Id" : "ReceiptHandle");
            return false;
        }
        for (size_t k = 0; k < count; k++)
            if (strcmp(ret[k].id, e.id) == 0) {
                sqs_refuse(c, "BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "Two or more batch entries have the same Id.");
                return false;
            }
        if (count == BATCH_MAX) {
            sqs_refuse(c, "TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
                   "Maximum number of entries per request are 10.");
            return false;
        }
        ret[count++] = e;
    }
    if (count == 0)
        sqs_refuse(c, "EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", "There should be at least one DeleteMessageBatchRequestEntry in the request.");
    *ret_count = count;
    return count > 0;
}

static void write_result(struct call *c, struct json_out *o, const char *id, const char *code)
{
    if (c->speaks_json)
        jo_open(o, NULL, '{');
    else
        xo_open(c->out, code ? "BatchResultErrorEntry" : "DeleteMessageBatchResultEntry");
    sqs_text(c, o, "Id", id);
    if (code) {
        if (c->speaks_json)
            jo_bool(o, "SenderFault", strcmp(code, "InternalError") != 0);
        else
            xo_bool(c->out, "SenderFault", strcmp(code, "InternalError") != 0);
        sqs_text(c, o, "Code", code);
    }
    if (c->speaks_json)
        jo_close(o, '}');
    else
        xo_close(c->out, code ? "BatchResultErrorEntry" : "DeleteMessageBatchResultEntry");
}

void play_sqs_delete_batch(struct call *c)
{
    struct entry entries[BATCH_MAX];
    const char *codes[BATCH_MAX] = {NULL};
    size_t count = 0;
    struct sqs_queue *q = sqs_read_queue(c);
    if (q == NULL || !read_entries(c, entries, &count))
        return;
    for (size_t i = 0; i < count; i++) {
        bool valid;
        struct sqs_message *m = by_handle(q, entries[i].handle, &valid);
        codes[i] = !valid ? "ReceiptHandleIsInvalid" : c->partial && i % 2 == 0 ? "InternalError" : NULL;
        if (codes[i] == NULL && m)
            sqs_remove(q, m);
    }
    struct json_out o;
    sqs_begin(c, &o);
    for (int failed = 0; failed < 2; failed++) {
        if (c->speaks_json)
            jo_open(&o, failed ? "Failed" : "Successful", '[');
        for (size_t i = 0; i < count; i++)
            if ((codes[i] != NULL) == (failed == 1))
                write_result(c, &o, entries[i].id, codes[i]);
        if (c->speaks_json)
            jo_close(&o, ']');
    }
    sqs_end(c, &o);
}
