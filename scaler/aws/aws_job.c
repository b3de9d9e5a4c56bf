#include "scaler/aws/aws_job.h"

#include "base/json.h"

void aws_call_begin(struct aws_call *call)
{
    *call = (struct aws_call){.state = AWS_CALL_OPEN};
}

void aws_call_settle(struct aws_call *call)
{
    if (call->open)
        return;
    if (call->requests && call->failed == call->requests)
        call->state = AWS_CALL_FAILED;
    else
        call->state = call->err.kind ? AWS_CALL_PARTIAL : AWS_CALL_COMPLETE;
}

void aws_call_doubt(struct aws_call *call, enum err_kind kind, const char *fmt, ...)
{
    if (call->err.kind)
        return;  // the first one is kept
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err_set(&call->err, kind, "%s", text);
}

static void note_failure(struct aws_call *call, const struct err *err, const char *code, bool timed_out)
{
    call->failed++;
    call->timed_out |= timed_out;
    if (call->code[0] == '\0' && (!call->err.kind || call->failed == 1)) {
        call->err = *err;
        snprintf(call->code, sizeof call->code, "%s", code);
    }
}

// ---- decoding ---------------------------------------------------------------------------------------------------------------
static int decode_json(struct aws_job *job, struct slice body, struct err *err)
{
    json_t *root = NULL;
    struct buf shorter;
    buf_init(&shorter, body.len + 1);
    if (job->op->long_list && json_shorten(body, job->op->long_list, AWS_LIST_KEPT, &shorter))
        body = buf_slice(&shorter);
    int rc = json_parse(body, "answer", &root, err);
    buf_release(&shorter);
    if (rc)
        return rc;
    rc = json_is_object(root) ? job->op->decode_json(job, root, err) : err_set(err, ERR_CORRUPT, "the answer is no JSON object");
    json_decref(root);
    return rc;
}

static bool is_answer_of(const struct xml_node *root, const char *operation)
{
    size_t n = strlen(operation);
    return strncmp(root->name, operation, n) == 0 && strcmp(root->name + n, "Response") == 0;
}

static int decode_xml(struct aws_job *job, struct slice body, struct err *err)
{
    struct arena tree;
    arena_init(&tree, 0);
    const struct xml_node *root = NULL;
    int rc = xml_parse(body, &tree, &root, err);
    if (rc == 0 && !is_answer_of(root, job->op->name))
        rc = err_set(err, ERR_CORRUPT, "the answer is a <%.60s>", root->name);
    if (rc == 0)
        rc = job->op->decode_xml(job, root, err);
    arena_release(&tree);
    return rc;
}

static int decode(struct aws_job *job, struct slice body, struct err *err)
{
    const char *before = job->token;
    job->token = NULL;
    int rc = job->op->decode_json ? decode_json(job, body, err) : decode_xml(job, body, err);
    if (rc) {
        job->token = NULL;
        return err_wrap(err, "%s", job->op->name);
    }
    if (job->token && *job->token == '\0')
        job->token = NULL;
    if (!job->token)
        return 0;
    const char *what = NULL;
    if (before && strcmp(before, job->token) == 0)
        what = "the token of the next page repeats";
    else if (strlen(job->token) > AWS_TOKEN_MAX)
        what = "the token of the next page is too long";
    else if (job->pages >= AWS_PAGES_MAX)
        what = "too many pages";
    if (!what)
        return 0;
    job->token = NULL;
    return err_set(err, ERR_LIMIT, "%s: %s", job->op->name, what);
}

// ---- sending ----------------------------------------------------------------------------------------------------------------
static void on_done(void *arg, const struct aws_response *r);

static void submit_page(struct aws_job *job)
{
    _cleanup_(buf_release) struct buf body;
    buf_init(&body, AWS_REQUEST_MAX + 6 * AWS_TOKEN_MAX + 64);  // six bytes for an escaped one at most
    buf_add_str(&body, job->base);
    if (job->op->decode_json) {
        if (job->token)
            aws_json_str(&body, job->op->service == AWS_APPLICATION_AUTOSCALING ? "NextToken" : "nextToken", job->token);
        buf_add_char(&body, '}');
    } else if (job->token) {
        aws_form_add(&body, "NextToken", job->token);
    }
    assert(!buf_failed(&body));
    job->pages++;
    struct aws_request r = {
        .service = job->op->service,
        .operation = job->op->name,
        .body = buf_slice(&body),
        .mutating = job->op->mutating,
        .repeatable = job->op->repeatable,
        .once = job->once || job->with.once,
        .part = job->with.part,
        .urgent = job->with.urgent,
        .lane = job->with.lane,
        .timeout_ms = job->timeout_ms,
    };
    aws_submit(job->with.aws, &r, on_done, job);
}

static void on_done(void *arg, const struct aws_response *r)
{
    struct aws_job *job = arg;
    struct aws_call *call = job->call;
    struct err err = r->err;
    bool permitted = job->dry_run && strcmp(r->code, "DryRunOperation") == 0;
    bool received = !r->err.kind;
    if (received && decode(job, r->body, &err) == 0) {
        if (!call->answered_ms || r->answered_ms < call->answered_ms)
            call->answered_ms = r->answered_ms;
        if (job->token) {
            submit_page(job);
            call->requests++;
            return;  // open as before
        }
    } else if (permitted) {
        call->answered_ms = r->answered_ms;
    } else {
        // A change whose answer could not be read has happened, or not: as unknown as a timeout.
        note_failure(call, &err, r->code, r->timed_out || (received && job->op->mutating));
    }
    call->open--;
    aws_call_settle(call);
}

void aws_job_submit(const struct aws_job *job, const struct buf *base)
{
    job->call->requests++;
    if (buf_failed(base)) {
        struct err err = {0};
        err_set(&err, ERR_LIMIT, "%s: the request is too long", job->op->name);
        note_failure(job->call, &err, "", false);
        return;
    }
    struct aws_job *own = arena_new(job->with.arena, struct aws_job);
    *own = *job;
    own->base = arena_strndup(job->with.arena, base->data, base->len);
    job->call->open++;
    submit_page(own);
}

// ---- building ---------------------------------------------------------------------------------------------------------------
void aws_form_begin(struct buf *b, const char *action, const char *version)
{
    buf_printf(b, "Action=%s&Version=%s", action, version);
}

void aws_form_add(struct buf *b, const char *name, const char *value)
{
    buf_add_char(b, '&');
    buf_add_uri(b, slice_of(name));
    buf_add_char(b, '=');
    buf_add_uri(b, slice_of(value));
}

void aws_form_add_int(struct buf *b, const char *name, int64_t value)
{
    buf_printf(b, "&%s=%" PRId64, name, value);
}

void aws_form_add_list(struct buf *b, const char *name, const char *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_printf(b, "&%s.%zu=", name, i + 1);
        buf_add_uri(b, slice_of(values[i]));
    }
}

static void add_key(struct buf *b, const char *key)
{
    if (b->len > 1)  // not the first behind {
        buf_add_char(b, ',');
    json_add_string(b, slice_of(key));
    buf_add_char(b, ':');
}

void aws_json_str(struct buf *b, const char *key, const char *value)
{
    add_key(b, key);
    json_add_string(b, slice_of(value));
}

void aws_json_int(struct buf *b, const char *key, int64_t value)
{
    add_key(b, key);
    buf_printf(b, "%" PRId64, value);
}

void aws_json_flag(struct buf *b, const char *key, bool value)
{
    add_key(b, key);
    buf_add_str(b, value ? "true" : "false");
}

void aws_json_list(struct buf *b, const char *key, const char *const *values, size_t count)
{
    add_key(b, key);
    for (size_t i = 0; i < count; i++) {
        buf_add_char(b, i ? ',' : '[');
        json_add_string(b, slice_of(values[i]));
    }
    buf_add_str(b, count ? "]" : "[]");
}
