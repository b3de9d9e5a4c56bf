#include "scaler/event.h"

#include "base/json.h"
#include "base/parse.h"

enum { TEXT_MAX = 1024, ID_MAX = 40 };

// ---- pieces ---------------------------------------------------------------------------------------------------------------

// One printable line, "" where it is absent or of another type.
static const char *text(const json_t *o, const char *key, struct arena *a)
{
    const char *s = json_str(o, key);
    size_t n = s ? strnlen(s, TEXT_MAX) : 0;
    char *copy = arena_strndup(a, s ? s : "", n);
    for (char *at = copy; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = ' ';
    return copy;
}

static bool id_like(const char *s, const char *prefix)
{
    size_t n = strlen(s), p = strlen(prefix);
    return n > p && n < ID_MAX + p && strncmp(s, prefix, p) == 0 &&
           strspn(s + p, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") == n - p;
}

static const char *after_last(const char *s, char sep)
{
    const char *at = strrchr(s, sep);
    return at ? at + 1 : s;
}

// An id, or an ARN that ends with one.
static void add_instance(struct event *e, const char *id_or_arn, struct arena *a)
{
    const char *id = after_last(id_or_arn, '/');
    if (!id_like(id, "i-") || e->instance_count == EVENT_INSTANCES_MAX)
        return;
    for (size_t i = 0; i < e->instance_count; i++)
        if (strcmp(e->instances[i], id) == 0)
            return;
    if (e->instances == NULL)
        e->instances = arena_array(a, const char *, EVENT_INSTANCES_MAX);
    e->instances[e->instance_count++] = arena_strdup(a, id);
}

static int64_t time_of(const json_t *o, const char *key)
{
    const char *s = json_str(o, key);
    int64_t ms = 0;
    if (s == NULL || (!parse_iso8601_ms(slice_of(s), &ms) && !parse_http_date_ms(slice_of(s), &ms)))
        return 0;
    return ms > 0 ? ms : 0;
}

// arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/NAME, or …/NAME of before
static const char *resource_name(const json_t *root, const char *kind)
{
    const json_t *list = json_object_get(root, "resources");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *s = json_string_value(json_array_get(list, i)), *at = s ? strstr(s, kind) : NULL;
        if (at)
            return after_last(at, '/');
    }
    return "";
}

// ---- each source ----------------------------------------------------------------------------------------------------------

static void read_instance(struct event *e, const json_t *detail, struct arena *a)
{
    add_instance(e, text(detail, "instance-id", a), a);
    e->word = text(detail, e->kind == EVENT_INTERRUPTION ? "instance-action" : "state", a);
}

static void read_fleet(struct event *e, const json_t *root, const json_t *detail, struct arena *a)
{
    const char *fleet = resource_name(root, "fleet");
    if (id_like(fleet, "sfr-") || id_like(fleet, "fleet-"))
        e->fleet = arena_strdup(a, fleet);
    add_instance(e, text(detail, "instance-id", a), a);
    e->word = text(detail, "sub-type", a);
    e->why = text(detail, "description", a);
}

static void read_hook(struct event *e, const json_t *detail, struct arena *a)
{
    add_instance(e, text(detail, "EC2InstanceId", a), a);
    e->group = text(detail, "AutoScalingGroupName", a);
    e->hook = text(detail, "LifecycleHookName", a);
    e->token = text(detail, "LifecycleActionToken", a);
    e->destination = text(detail, "Destination", a);
}

static void read_launch(struct event *e, const json_t *detail, struct arena *a)
{
    e->group = text(detail, "AutoScalingGroupName", a);
    e->word = text(detail, "StatusCode", a);
    e->why = text(detail, "StatusMessage", a);
    e->zone = text(json_object_get(detail, "Details"), "Availability Zone", a);
}

static void read_health(struct event *e, const json_t *root, const json_t *detail, struct arena *a)
{
    const json_t *entities = json_object_get(detail, "affectedEntities"), *resources = json_object_get(root, "resources");
    for (size_t i = 0; i < json_array_size(entities); i++)
        add_instance(e, text(json_array_get(entities, i), "entityValue", a), a);
    for (size_t i = 0; i < json_array_size(resources); i++)
        if (json_is_string(json_array_get(resources, i)))
            add_instance(e, json_string_value(json_array_get(resources, i)), a);
    e->word = text(detail, "eventTypeCode", a);
    e->why = text(detail, "eventTypeCategory", a);
    e->starts_ms = time_of(detail, "startTime");
    if (strcmp(text(detail, "statusCode", a), "closed") == 0)
        e->instance_count = 0;  // it is over, or was taken back
}

static void read_ecs(struct event *e, const json_t *root, const json_t *detail, struct arena *a)
{
    e->cluster = after_last(text(detail, "clusterArn", a), '/');
    e->version = json_int(detail, "version", 0);
    if (e->kind == EVENT_SERVICE || e->kind == EVENT_DEPLOYMENT) {
        e->service = arena_strdup(a, resource_name(root, ":service/"));
        e->word = text(detail, "eventName", a);
        e->why = text(detail, "reason", a);
    } else if (e->kind == EVENT_CONTAINER_INSTANCE) {
        add_instance(e, text(detail, "ec2InstanceId", a), a);
        e->word = text(detail, "status", a);
    } else {
        e->word = text(detail, "lastStatus", a);
        e->why = text(detail, "stopCode", a);
    }
}

// ---- what it is -----------------------------------------------------------------------------------------------------------

static const struct {
    const char *source, *type;  // type NULL: any
    enum event_kind kind;
} KINDS[] = {
    {"aws.ec2", "EC2 Spot Instance Interruption Warning", EVENT_INTERRUPTION},
    {"aws.ec2", "EC2 Instance Rebalance Recommendation", EVENT_REBALANCE},
    {"aws.ec2", "EC2 Instance State-change Notification", EVENT_INSTANCE_STATE},
    {"aws.ec2spotfleet", "EC2 Spot Fleet State Change", EVENT_FLEET_STATE},
    {"aws.ec2spotfleet", "EC2 Spot Fleet Instance Change", EVENT_FLEET_INSTANCE},
    {"aws.ec2spotfleet", "EC2 Spot Fleet Spot Instance Request Change", EVENT_FLEET_REQUEST},
    {"aws.ec2spotfleet", "EC2 Spot Fleet Information", EVENT_FLEET_INFO},
    {"aws.ec2spotfleet", "EC2 Spot Fleet Error", EVENT_FLEET_ERROR},
    {"aws.ec2fleet", "EC2 Fleet State Change", EVENT_FLEET_STATE},
    {"aws.ec2fleet", "EC2 Fleet Instance Change", EVENT_FLEET_INSTANCE},
    {"aws.ec2fleet", "EC2 Fleet Spot Instance Request Change", EVENT_FLEET_REQUEST},
    {"aws.ec2fleet", "EC2 Fleet Information", EVENT_FLEET_INFO},
    {"aws.ec2fleet", "EC2 Fleet Error", EVENT_FLEET_ERROR},
    {"aws.autoscaling", "EC2 Instance Launch Unsuccessful", EVENT_LAUNCH_FAILED},
    {"aws.autoscaling", "EC2 Instance-launch Lifecycle Action", EVENT_HOOK_LAUNCH},
    {"aws.autoscaling", "EC2 Instance-terminate Lifecycle Action", EVENT_HOOK_TERMINATE},
    {"aws.health", "AWS Health Event", EVENT_HEALTH},
    {"aws.ecs", "ECS Task State Change", EVENT_TASK},
    {"aws.ecs", "ECS Container Instance State Change", EVENT_CONTAINER_INSTANCE},
    {"aws.ecs", "ECS Service Action", EVENT_SERVICE},
    {"aws.ecs", "ECS Deployment State Change", EVENT_DEPLOYMENT},
};

static enum event_kind kind_of(const char *source, const char *type)
{
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++)
        if (strcmp(KINDS[i].source, source) == 0 && strcmp(KINDS[i].type, type) == 0)
            return KINDS[i].kind;
    return EVENT_OTHER;
}

static int read_event(const json_t *root, struct arena *a, struct event *e, struct err *err)
{
    const json_t *detail = json_object_get(root, "detail");
    e->id = text(root, "id", a);
    e->source = text(root, "source", a);
    e->type = text(root, "detail-type", a);
    e->account = text(root, "account", a);
    e->region = text(root, "region", a);
    e->at_ms = time_of(root, "time");
    e->kind = kind_of(e->source, e->type);
    if (!json_is_object(detail))
        return err_set(err, ERR_CORRUPT, "%.80s without detail", e->type);
    if (e->kind >= EVENT_INTERRUPTION && e->kind <= EVENT_INSTANCE_STATE)
        read_instance(e, detail, a);
    else if (e->kind >= EVENT_FLEET_STATE && e->kind <= EVENT_FLEET_ERROR)
        read_fleet(e, root, detail, a);
    else if (e->kind == EVENT_LAUNCH_FAILED)
        read_launch(e, detail, a);
    else if (e->kind == EVENT_HOOK_LAUNCH || e->kind == EVENT_HOOK_TERMINATE)
        read_hook(e, detail, a);
    else if (e->kind == EVENT_HEALTH)
        read_health(e, root, detail, a);
    else if (e->kind != EVENT_OTHER)
        read_ecs(e, root, detail, a);
    bool names_one = e->kind >= EVENT_INTERRUPTION && e->kind <= EVENT_INSTANCE_STATE;
    return names_one && e->instance_count == 0 ? err_set(err, ERR_CORRUPT, "%.80s of no instance", e->type) : 0;
}

// What Auto Scaling itself puts into a queue: a hook's message, or the test of it.
static int read_direct(const json_t *root, struct arena *a, struct event *e, struct err *err)
{
    const char *transition = text(root, "LifecycleTransition", a);
    bool test = strcmp(text(root, "Event", a), "autoscaling:TEST_NOTIFICATION") == 0;
    if (!test && *transition == '\0')
        return err_set(err, ERR_CORRUPT, "neither an event nor a lifecycle hook's message");
    e->source = "aws.autoscaling";
    e->id = text(root, "RequestId", a);
    e->account = text(root, "AccountId", a);
    e->at_ms = time_of(root, "Time");
    e->kind = test ? EVENT_HOOK_TEST
              : strcmp(transition, "autoscaling:EC2_INSTANCE_TERMINATING") == 0 ? EVENT_HOOK_TERMINATE
              : strcmp(transition, "autoscaling:EC2_INSTANCE_LAUNCHING") == 0   ? EVENT_HOOK_LAUNCH
                                                                                : EVENT_OTHER;
    e->type = test ? "autoscaling:TEST_NOTIFICATION" : transition;
    read_hook(e, root, a);
    return 0;
}

static int read_root(const json_t *root, struct arena *a, struct event *e, struct err *err)
{
    if (!json_is_object(root))
        return err_set(err, ERR_CORRUPT, "no JSON object");
    return json_str(root, "detail-type") ? read_event(root, a, e, err) : read_direct(root, a, e, err);
}

int event_parse(struct slice body, struct arena *a, struct event *ret, struct err *err)
{
    struct event e = {.id = "", .type = "", .source = "", .account = "", .region = "", .fleet = "", .group = "", .hook = "", .token = "",
                      .destination = "", .zone = "", .cluster = "", .service = "", .word = "", .why = ""};
    json_t *root = NULL, *inner = NULL;
    int rc = json_parse(body, "message", &root, err);
    if (rc)
        return err_set(err, ERR_CORRUPT, "no JSON: %.120s", err->msg);
    const char *type = json_str(root, "Type"), *message = json_str(root, "Message");
    if (type && message && json_str(root, "detail-type") == NULL) {  // SNS put it into an envelope, as a string
        rc = json_parse(slice_of(message), "message", &inner, err);
        rc = rc ? err_set(err, ERR_CORRUPT, "in SNS's envelope: no JSON") : read_root(inner, a, &e, err);
    } else {
        rc = read_root(root, a, &e, err);
    }
    json_decref(inner);
    json_decref(root);
    if (rc == 0)
        *ret = e;
    return rc;
}

const char *event_kind_name(enum event_kind k)
{
    static const char *const NAMES[EVENT_KIND_COUNT] = {
        "other", "interruption", "rebalance", "instance state", "fleet state", "fleet instance", "fleet request", "fleet information",
        "fleet error", "launch failed", "launch hook", "terminate hook", "hook test", "health", "task", "container instance", "service", "deployment",
    };
    return NAMES[k];
}
