// Answers in the three dialects: JSON (ECS, Application Auto Scaling, Service Quotas, SQS), EC2's XML, and the XML of STS, of Auto
// Scaling and of SQS's older protocol; success and error.
#include "scaler/sandbox/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define EC2_NAMESPACE "http://ec2.amazonaws.com/doc/2016-11-15/"
#define STS_NAMESPACE "https://sts.amazonaws.com/doc/2011-06-15/"
#define SQS_NAMESPACE "http://queue.amazonaws.com/doc/2012-11-05/"
#define METRICS_NAMESPACE "http://monitoring.amazonaws.com/doc/2010-08-01/"
#define ASG_NAMESPACE "http://autoscaling.amazonaws.com/doc/2011-01-01/"

static const char *query_namespace(const struct call *c)
{
    return c->service == AWS_SQS ? SQS_NAMESPACE : c->service == AWS_ASG ? ASG_NAMESPACE : c->service == AWS_METRICS ? METRICS_NAMESPACE : STS_NAMESPACE;
}

static const char *action(const struct call *c)
{
    return op_action(c->op);
}

void call_begin_json(struct call *c, struct json_out *o)
{
    *o = (struct json_out){.out = c->out};
    jo_open(o, NULL, '{');
}

void call_begin_xml(struct call *c)
{
    if (c->service == AWS_EC2) {
        buf_add_str(c->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<");
        buf_add_str(c->out, action(c));
        buf_add_str(c->out, "Response xmlns=\"" EC2_NAMESPACE "\">");
        xo_text(c->out, "requestId", c->ret->request_id);
    } else {
        buf_printf(c->out, "<%sResponse xmlns=\"%s\"><%sResult>", action(c), query_namespace(c), action(c));
    }
}

void call_end_xml(struct call *c)
{
    if (c->service != AWS_EC2)
        buf_printf(c->out, "</%sResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata>", action(c), c->ret->request_id);
    buf_add_str(c->out, "</");
    buf_add_str(c->out, action(c));
    buf_add_str(c->out, "Response>");
}

void call_fail(struct call *c, int status, const char *code, const char *fmt, ...)
{
    char message[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    buf_clear(c->out);
    c->ret->status = status;
    snprintf(c->ret->error_code, sizeof c->ret->error_code, "%s", code);
    if (c->speaks_json) {
        struct json_out o;
        call_begin_json(c, &o);
        jo_str(&o, "__type", c->service == AWS_SQS ? arena_printf(c->arena, "com.amazonaws.sqs#%s", code) : code);
        // IAM's refusals come from another layer, which spells it so.
        jo_str(&o, strcmp(code, "AccessDeniedException") == 0 ? "Message" : "message", message);
        jo_close(&o, '}');
    } else if (c->service == AWS_EC2) {
        buf_add_str(c->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>");
        xo_text(c->out, "Code", code);
        xo_text(c->out, "Message", message);
        buf_add_str(c->out, "</Error></Errors>");
        xo_text(c->out, "RequestID", c->ret->request_id);
        buf_add_str(c->out, "</Response>");
    } else {
        buf_printf(c->out, "<ErrorResponse xmlns=\"%s\"><Error>", query_namespace(c));
        xo_text(c->out, "Type", status < 500 ? "Sender" : "Receiver");
        xo_text(c->out, "Code", code);
        xo_text(c->out, "Message", message);
        buf_add_str(c->out, "</Error>");
        xo_text(c->out, "RequestId", c->ret->request_id);
        buf_add_str(c->out, "</ErrorResponse>");
    }
}

bool call_failed(const struct call *c)
{
    return c->ret->error_code[0] != '\0';
}

void call_missing(struct call *c, const char *name)
{
    if (c->service == AWS_ECS)
        call_fail(c, 400, "InvalidParameterException", "%s cannot be empty.", name);
    else if (c->speaks_json && c->service != AWS_SQS)
        call_fail(c, 400, c->service == AWS_SCALING ? "ValidationException" : "IllegalArgumentException", "%s must not be null", name);
    else if (c->service == AWS_ASG)
        call_fail(c, 400, "ValidationError", "Value null at '%s' failed to satisfy constraint: Member must not be null", name);
    else
        call_fail(c, 400, "MissingParameter", "The request must contain the parameter %s", name);
}

void call_note(struct call *c, const char *target, const char *fmt, ...)
{
    if (c->change == NULL)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->change->detail, sizeof c->change->detail, fmt, ap);
    va_end(ap);
    snprintf(c->change->target, sizeof c->change->target, "%s", target);
}

// The calls of one look: a lost answer is asked for again after ten seconds, and calls wait for their budget.
#define LISTS_APART_MS ((int64_t)30000)

static bool reaches_daemon(const struct call *c)
{
    return !c->lost && c->key->actor == WORLD_OURS;
}

void call_told_state(struct call *c, int instance)
{
    const struct world_lagged *status = &c->view.instances[instance].status;
    if (reaches_daemon(c) && world_seen(status, c->seen_ms) == status->now)
        world_note_read(c->world, instance, WORLD_READ_STATE);
}

void call_told_tasks(struct call *c, int instance, bool stopped_ones, bool any)
{
    if (!reaches_daemon(c))
        return;
    struct task_look *look = &c->s->looks[instance % LOOKS_MAX];
    if (look->instance != instance)
        *look = (struct task_look){.instance = instance};
    *(stopped_ones ? &look->stopped_ms : &look->running_ms) = c->now_ms;
    bool both = look->running_ms > c->now_ms - LISTS_APART_MS && look->stopped_ms > c->now_ms - LISTS_APART_MS;
    if (both || (any && !stopped_ones))
        world_note_read(c->world, instance, WORLD_READ_TASKS);
}

void call_told_task(struct call *c, int task)
{
    const struct world_task *t = &c->view.tasks[task];
    if (!reaches_daemon(c) || t->instance < 0 || world_seen(&t->last, c->seen_ms) != t->last.now)
        return;
    const struct task_look *look = &c->s->looks[t->instance % LOOKS_MAX];
    bool listed = look->instance == t->instance && look->running_ms > c->now_ms - LISTS_APART_MS && look->stopped_ms > c->now_ms - LISTS_APART_MS;
    if (listed)
        world_note_read(c->world, t->instance, WORLD_READ_TASKS);
}

void call_told_notice(struct call *c, const char *instance_id)
{
    int instance = world_find_instance(c->world, instance_id);
    if (reaches_daemon(c) && instance >= 0 && c->view.instances[instance].notice_ms > 0)
        world_note_read(c->world, instance, WORLD_READ_NOTICE);
}
