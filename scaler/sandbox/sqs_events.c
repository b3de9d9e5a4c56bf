// From what happens in the world to the events that EventBridge would send, in its words.
#include <inttypes.h>
#include <string.h>

#include "base/parse.h"
#include "scaler/sandbox/internal.h"

struct event {
    const char *detail_type, *source, *resource;  // resource: the end of an ARN of EC2; "" none is told
};

static const char *const state_words[] = {
    [WL_PENDING] = "pending", [WL_RUNNING] = "running", [WL_SHUTTING_DOWN] = "shutting-down",
    [WL_TERMINATED] = "terminated", [WL_STOPPING] = "stopping", [WL_STOPPED] = "stopped",
};

static void begin(struct json_out *o, const struct region *r, const struct world_news *n, const struct event *e)
{
    char text[200], at[32];
    jo_open(o, NULL, '{');
    jo_str(o, "version", "0");
    uint64_t h = hash_bytes(11, &n->seq, sizeof n->seq) ^ hash_bytes(13, r->name, strlen(r->name));
    snprintf(text, sizeof text, "%08x-%04x-4%03x-8%03x-%012" PRIx64, (unsigned)(h & 0xffffffff), (unsigned)(h >> 32 & 0xffff),
             (unsigned)(h >> 48 & 0xfff), (unsigned)(h >> 8 & 0xfff), n->seq);
    jo_str(o, "id", text);
    jo_str(o, "detail-type", e->detail_type);
    jo_str(o, "source", e->source);
    jo_str(o, "account", r->account);
    jo_str(o, "time", format_iso8601(n->at_ms - n->at_ms % 1000, false, at));
    jo_str(o, "region", r->name);
    jo_open(o, "resources", '[');
    snprintf(text, sizeof text, "arn:aws:ec2:%s:%s:%s", r->name, r->account, e->resource);
    if (e->resource[0])
        jo_str(o, NULL, text);
    jo_close(o, ']');
    jo_open(o, "detail", '{');
}

// Of a fleet, by the word that stands between its kind and "Change" or alone.
static struct event of_fleet(struct sandbox *s, const struct world_fleet *f, const char *what)
{
    const char *type = arena_printf(&s->arena, "EC2 %sFleet %s", f->ec2_fleet ? "" : "Spot ", what);
    return (struct event){type, f->ec2_fleet ? "aws.ec2fleet" : "aws.ec2spotfleet",
                          arena_printf(&s->arena, "%s/%s", f->ec2_fleet ? "fleet" : "spot-fleet-request", f->id)};
}

static struct event event_of(struct sandbox *s, const struct world_view *v, const struct world_news *n)
{
    const char *instance = arena_printf(&s->arena, "instance/%s", n->instance_id);
    const struct world_fleet *f = n->fleet < 0 ? NULL : &v->fleets[n->fleet];
    switch (n->kind) {
    case WNEWS_INTERRUPTION:
        return (struct event){"EC2 Spot Instance Interruption Warning", "aws.ec2", instance};
    case WNEWS_REBALANCE:
        return (struct event){"EC2 Instance Rebalance Recommendation", "aws.ec2", instance};
    case WNEWS_STATE:
        return (struct event){"EC2 Instance State-change Notification", "aws.ec2", instance};
    case WNEWS_LAUNCHED:
    case WNEWS_TERMINATION_NOTIFIED:
        return of_fleet(s, f, "Instance Change");
    case WNEWS_FLEET:
        return of_fleet(s, f, "State Change");
    case WNEWS_FLEET_ERROR:
        return of_fleet(s, f, "Error");
    case WNEWS_FLEET_INFO:
        return of_fleet(s, f, "Information");
    case WNEWS_LAUNCH_FAILED:
        return (struct event){"EC2 Instance Launch Unsuccessful", "aws.autoscaling", ""};
    case WNEWS_HOOK_LAUNCH:
        return (struct event){"EC2 Instance-launch Lifecycle Action", "aws.autoscaling", ""};
    case WNEWS_HOOK_TERMINATE:
        break;
    }
    return (struct event){"EC2 Instance-terminate Lifecycle Action", "aws.autoscaling", ""};
}

static void write_launched(struct sandbox *s, struct json_out *o, const struct world_view *v, const struct world_news *n)
{
    const struct world_pool *p = &v->pools[n->pool];
    jo_str(o, "instance-id", n->instance_id);
    jo_str(o, "description", arena_printf(&s->arena, "{\"instanceType\":\"%s\",\"image\":\"ami-0sandbox000000000\",\"productDescription\":\"Linux/UNIX\","
                                          "\"availabilityZone\":\"%s\"}", v->types[p->type].name, v->zones[p->zone]));
    jo_str(o, "sub-type", n->kind == WNEWS_LAUNCHED ? "launched" : "termination_notified");
}

static void write_trouble(struct sandbox *s, struct json_out *o, const struct world_view *v, const struct world_news *n)
{
    const char *what = "There is no Spot capacity available that matches your request. (Error Code: InsufficientInstanceCapacity)";
    if (strcmp(n->word, "spotInstanceCountLimitExceeded") == 0)
        what = "Max spot instance count exceeded (Error Code: MaxSpotInstanceCountExceeded)";
    if (n->pool >= 0) {
        const struct world_pool *p = &v->pools[n->pool];
        what = arena_printf(&s->arena, "%s, %s, Linux/UNIX, %s: %s", v->types[p->type].name, v->templates[0].ami, v->zones[p->zone], what);
    }
    jo_str(o, "description", what);
    jo_str(o, "sub-type", n->word);
}

static void write_launch_failed(struct json_out *o, const struct world_view *v, const struct world_news *n)
{
    jo_str(o, "StatusCode", "Failed");
    jo_str(o, "AutoScalingGroupName", v->fleets[n->fleet].id);
    jo_str(o, "StatusMessage", n->word);
    jo_str(o, "EC2InstanceId", "");
    jo_open(o, "Details", '{');
    if (n->pool >= 0)
        jo_str(o, "Availability Zone", v->zones[v->pools[n->pool].zone]);
    jo_close(o, '}');
}

static void write_hook(struct json_out *o, const struct world_view *v, const struct world_news *n)
{
    jo_str(o, "LifecycleActionToken", "00000000-0000-4000-8000-000000000001");
    jo_str(o, "AutoScalingGroupName", v->fleets[n->fleet].id);
    jo_str(o, "LifecycleHookName", n->word);
    jo_str(o, "EC2InstanceId", n->instance_id);
    jo_str(o, "LifecycleTransition", n->kind == WNEWS_HOOK_LAUNCH ? "autoscaling:EC2_INSTANCE_LAUNCHING" : "autoscaling:EC2_INSTANCE_TERMINATING");
    jo_str(o, "Origin", n->kind == WNEWS_HOOK_LAUNCH ? "EC2" : "AutoScalingGroup");
    jo_str(o, "Destination", n->kind == WNEWS_HOOK_LAUNCH ? "AutoScalingGroup" : "EC2");
}

static void write_event(struct sandbox *s, const struct region *r, const struct world_view *v, const struct world_news *n, struct buf *out)
{
    struct json_out o = {.out = out};
    struct event e = event_of(s, v, n);
    begin(&o, r, n, &e);
    switch (n->kind) {
    case WNEWS_INTERRUPTION:
        jo_str(&o, "instance-id", n->instance_id);
        jo_str(&o, "instance-action", "terminate");
        break;
    case WNEWS_REBALANCE:
        jo_str(&o, "instance-id", n->instance_id);
        break;
    case WNEWS_STATE:
        jo_str(&o, "instance-id", n->instance_id);
        jo_str(&o, "state", state_words[n->state]);
        break;
    case WNEWS_LAUNCHED:
    case WNEWS_TERMINATION_NOTIFIED:
        write_launched(s, &o, v, n);
        break;
    case WNEWS_FLEET:
        jo_str(&o, "sub-type", n->word);
        break;
    case WNEWS_FLEET_ERROR:
    case WNEWS_FLEET_INFO:
        write_trouble(s, &o, v, n);
        break;
    case WNEWS_LAUNCH_FAILED:
        write_launch_failed(&o, v, n);
        break;
    case WNEWS_HOOK_LAUNCH:
    case WNEWS_HOOK_TERMINATE:
        write_hook(&o, v, n);
        break;
    }
    jo_close(&o, '}');
    jo_close(&o, '}');
}

// Delivered at least once, best effort and late: how late, how often and whether at all is the options' to say.
static void deliver(struct sandbox *s, struct sqs_queue *q, struct slice body, int64_t at_ms)
{
    const struct sandbox_event_options *o = &s->events;
    if (rng_below(&s->posting, 1000) < (uint64_t)o->drop_permille)
        return;
    int copies = rng_below(&s->posting, 1000) < (uint64_t)o->double_permille ? 2 : 1;
    for (int i = 0; i < copies; i++) {
        int64_t sent_ms = at_ms + rng_between(&s->posting, o->delay_min_ms, o->delay_max_ms);
        sqs_post(s, q, body, sent_ms, sent_ms);
    }
}

bool sqs_events_wait(const struct region *r)
{
    struct world_view v = world_view(r->world);
    return v.news_count > 0 && v.news[v.news_count - 1].seq >= r->news_taken;
}

void sqs_events_take(struct sandbox *s, struct region *r)
{
    struct world_view v = world_view(r->world);
    struct sqs_queue *q = sqs_find(r, slice_of(SQS_EVENTS_QUEUE));
    int first = v.news_count;
    while (first > 0 && v.news[first - 1].seq >= r->news_taken)
        first--;
    for (int i = first; q && i < v.news_count; i++) {
        struct buf body;
        buf_init(&body, SQS_BODY_MAX);
        write_event(s, r, &v, &v.news[i], &body);
        deliver(s, q, buf_slice(&body), v.news[i].at_ms);
        buf_release(&body);
    }
    if (first < v.news_count)
        r->news_taken = v.news[v.news_count - 1].seq + 1;
}
