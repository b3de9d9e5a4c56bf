// Application Auto Scaling, as far as it tells whether somebody else moves a target: registered targets and their policies. And the
// quotas of an account. Nothing here moves anything: a test that wants another autoscaler moves the target itself.
#include "scaler/sandbox/ecs.h"

#include <stdio.h>
#include <string.h>

static void play_register(struct call *c);
static void play_deregister(struct call *c);
static void play_put_policy(struct call *c);
static void play_describe_targets(struct call *c);
static void play_describe_policies(struct call *c);
static void play_get_quota(struct call *c);
static void play_get_default_quota(struct call *c);

const struct op scaling_ops[] = {
    {"application-autoscaling:RegisterScalableTarget", play_register, BUCKET_SCALING, true, true, NULL},
    {"application-autoscaling:DeregisterScalableTarget", play_deregister, BUCKET_SCALING, true, true, NULL},
    {"application-autoscaling:PutScalingPolicy", play_put_policy, BUCKET_SCALING, true, true, NULL},
    {"application-autoscaling:DescribeScalableTargets", play_describe_targets, BUCKET_SCALING, false, true, NULL},
    {"application-autoscaling:DescribeScalingPolicies", play_describe_policies, BUCKET_SCALING, false, true, NULL},
};
const size_t scaling_op_count = ARRAY_LEN(scaling_ops);

const struct op quotas_ops[] = {
    {"servicequotas:GetServiceQuota", play_get_quota, BUCKET_QUOTAS, false, true, NULL},
    {"servicequotas:GetAWSDefaultServiceQuota", play_get_default_quota, BUCKET_QUOTAS, false, true, NULL},
};
const size_t quotas_op_count = ARRAY_LEN(quotas_ops);

// ---- targets -------------------------------------------------------------------------------------------------------------------
struct named {
    const char *name_space, *resource, *dimension;
};

static bool invalid(struct call *c, const char *what)
{
    call_fail(c, 400, "ValidationException", "%s", what);
    return false;
}

static bool read_namespace(struct call *c, struct named *n)
{
    *n = (struct named){0};
    if (!play_ecs_str(c, "ServiceNamespace", &n->name_space) || !play_ecs_str(c, "ScalableDimension", &n->dimension))
        return false;
    if (n->name_space == NULL) {
        call_missing(c, "serviceNamespace");
        return false;
    }
    if (strcmp(n->name_space, "ecs") != 0 && strcmp(n->name_space, "ec2") != 0)
        return invalid(c, "Only the namespaces ecs and ec2 are played by this sandbox.");
    return true;
}

// A target must be one that there is: a service of a cluster, or a Spot Fleet request.
static bool is_there(struct call *c, const struct named *n)
{
    if (strcmp(n->name_space, "ec2") == 0)
        return strncmp(n->resource, "spot-fleet-request/", 19) == 0 && world_find_fleet(c->world, n->resource + 19) >= 0 &&
               strcmp(n->dimension, "ec2:spot-fleet-request:TargetCapacity") == 0;
    struct slice rest = slice_of(n->resource), kind = slice_cut(&rest, '/'), name = slice_cut(&rest, '/');
    int cluster = world_find_cluster(c->world, arena_strndup(c->arena, name.ptr, name.len));
    return slice_eq_str(kind, "service") && cluster >= 0 && world_find_service(c->world, cluster, arena_strndup(c->arena, rest.ptr, rest.len)) >= 0 &&
           strcmp(n->dimension, "ecs:service:DesiredCount") == 0;
}

static bool read_named(struct call *c, struct named *n)
{
    if (!read_namespace(c, n) || !play_ecs_str(c, "ResourceId", &n->resource))
        return false;
    if (n->resource == NULL || n->dimension == NULL) {
        call_missing(c, n->resource == NULL ? "resourceId" : "scalableDimension");
        return false;
    }
    call_note(c, n->resource, "ScalableDimension=%s", n->dimension);
    return is_there(c, n) || invalid(c, "The resource of this scalable target does not exist.");
}

static struct scalable *find(struct call *c, const struct named *n)
{
    for (int i = 0; i < c->region->scalable_count; i++) {
        struct scalable *s = &c->region->scalables[i];
        if (strcmp(s->resource, n->resource) == 0 && strcmp(s->dimension, n->dimension) == 0)
            return s;
    }
    return NULL;
}

static const char *target_arn(struct call *c, const struct scalable *s)
{
    uint64_t h = hash_bytes(hash_bytes(3, s->resource, strlen(s->resource)), s->dimension, strlen(s->dimension));
    return arena_printf(c->arena, "arn:aws:application-autoscaling:%s:%s:scalable-target/%016llx", c->region->name, c->region->account, (unsigned long long)h);
}

static void play_register(struct call *c)
{
    struct named n;
    int64_t min = -1, max = -1;
    if (!read_named(c, &n) || !play_ecs_int(c, "MinCapacity", &min, NULL) || !play_ecs_int(c, "MaxCapacity", &max, NULL))
        return;
    struct scalable *s = find(c, &n);
    if (s == NULL && (min < 0 || max < min)) {
        invalid(c, "MinCapacity and MaxCapacity must be given, the first not above the second.");
        return;
    }
    if (s == NULL && c->region->scalable_count == SCALABLES_MAX) {
        call_fail(c, 400, "LimitExceededException", "Too many scalable targets.");
        return;
    }
    if (s == NULL) {
        s = &c->region->scalables[c->region->scalable_count++];
        *s = (struct scalable){.created_ms = c->now_ms};
        snprintf(s->resource, sizeof s->resource, "%s", n.resource);
        snprintf(s->dimension, sizeof s->dimension, "%s", n.dimension);
        snprintf(s->name_space, sizeof s->name_space, "%s", n.name_space);
    }
    s->min = min >= 0 ? min : s->min;
    s->max = max >= 0 ? max : s->max;
    struct json_out o;
    call_begin_json(c, &o);
    jo_str(&o, "ScalableTargetARN", target_arn(c, s));
    jo_close(&o, '}');
}

static struct scalable *find_or_fail(struct call *c, const struct named *n)
{
    struct scalable *s = find(c, n);
    if (s == NULL)
        call_fail(c, 400, "ObjectNotFoundException", "No scalable target registered for service namespace: %s, resource ID: %s, scalable dimension: %s",
                  n->name_space, n->resource, n->dimension);
    return s;
}

static void play_deregister(struct call *c)
{
    struct named n;
    struct scalable *s = read_named(c, &n) ? find_or_fail(c, &n) : NULL;
    if (s == NULL)
        return;
    *s = c->region->scalables[--c->region->scalable_count];
    struct json_out o;
    call_begin_json(c, &o);
    jo_close(&o, '}');
}

static const char *policy_arn(struct call *c, const struct scalable *s)
{
    return arena_printf(c->arena, "arn:aws:autoscaling:%s:%s:scalingPolicy:5a4db0c5-0000-4000-8000-%012llx:resource/%s/%s:policyName/%s", c->region->name,
                        c->region->account, (unsigned long long)(hash_bytes(5, s->policy, strlen(s->policy)) & 0xffffffffffff), s->name_space,
                        s->resource, s->policy);
}

static void play_put_policy(struct call *c)
{
    struct named n;
    const char *name = NULL, *type = "StepScaling";
    if (!read_named(c, &n) || !play_ecs_str(c, "PolicyName", &name) || !play_ecs_str(c, "PolicyType", &type))
        return;
    if (name == NULL) {
        call_missing(c, "policyName");
        return;
    }
    json_t *value = json_object_get(json_object_get(c->json, "TargetTrackingScalingPolicyConfiguration"), "TargetValue");
    bool tracking = strcmp(type, "TargetTrackingScaling") == 0;
    if (tracking != json_is_number(value)) {
        invalid(c, "TargetTrackingScaling needs a TargetTrackingScalingPolicyConfiguration with a TargetValue, and nothing else takes one.");
        return;
    }
    struct scalable *s = find_or_fail(c, &n);
    if (s == NULL)
        return;
    snprintf(s->policy, sizeof s->policy, "%s", name);
    snprintf(s->policy_type, sizeof s->policy_type, "%s", type);
    s->target_value = json_number_value(value);
    struct json_out o;
    call_begin_json(c, &o);
    jo_str(&o, "PolicyARN", policy_arn(c, s));
    jo_open(&o, "Alarms", '[');
    jo_close(&o, ']');
    jo_close(&o, '}');
}

// ---- reading -------------------------------------------------------------------------------------------------------------------
static bool read_page(struct call *c, struct page *ret)
{
    const char *token = NULL;
    int64_t limit = 50;
    if (!play_ecs_str(c, "NextToken", &token) || !play_ecs_int(c, "MaxResults", &limit, NULL))
        return false;
    if (limit < 1 || limit > 50)
        return invalid(c, "MaxResults must be between 1 and 50.");
    if (page_open(c, token, limit, ret))
        return true;
    call_fail(c, 400, "InvalidNextTokenException", "The next token is not valid.");
    return false;
}

static bool listed(const struct ecs_list *list, const char *text)
{
    return list->count == 0 || play_ecs_includes(list, text);
}

static bool in_question(const struct scalable *s, const struct named *n)
{
    return strcmp(s->name_space, n->name_space) == 0 && (n->dimension == NULL || strcmp(s->dimension, n->dimension) == 0);
}

static void write_named(struct json_out *o, const struct scalable *s)
{
    jo_str(o, "ServiceNamespace", s->name_space);
    jo_str(o, "ResourceId", s->resource);
    jo_str(o, "ScalableDimension", s->dimension);
}

static void end_page(struct call *c, struct json_out *o, const struct page *page)
{
    jo_close(o, ']');
    const char *token = page_token(c, page);
    if (token != NULL)
        jo_str(o, "NextToken", token);
    jo_close(o, '}');
}

static void play_describe_targets(struct call *c)
{
    struct named n;
    struct ecs_list ids;
    struct page page;
    if (!read_namespace(c, &n) || !play_ecs_strings(c, "ResourceIds", 50, &ids) || !read_page(c, &page))
        return;
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "ScalableTargets", '[');
    for (int i = 0; i < c->region->scalable_count; i++) {
        const struct scalable *s = &c->region->scalables[i];
        if (!in_question(s, &n) || !listed(&ids, s->resource) || !page_take(&page, i))
            continue;
        jo_open(&o, NULL, '{');
        write_named(&o, s);
        jo_int(&o, "MinCapacity", s->min);
        jo_int(&o, "MaxCapacity", s->max);
        jo_str(&o, "RoleARN", arena_printf(c->arena, "arn:aws:iam::%s:role/aws-service-role/%s.application-autoscaling.amazonaws.com/scaling",
                                           c->region->account, s->name_space));
        jo_time(&o, "CreationTime", s->created_ms);
        jo_open(&o, "SuspendedState", '{');
        jo_bool(&o, "DynamicScalingInSuspended", false);
        jo_bool(&o, "DynamicScalingOutSuspended", false);
        jo_bool(&o, "ScheduledScalingSuspended", false);
        jo_close(&o, '}');
        jo_close(&o, '}');
    }
    end_page(c, &o, &page);
}

static void play_describe_policies(struct call *c)
{
    struct named n;
    struct ecs_list names;
    struct page page;
    if (!read_namespace(c, &n) || !play_ecs_str(c, "ResourceId", &n.resource) || !play_ecs_strings(c, "PolicyNames", 50, &names) || !read_page(c, &page))
        return;
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "ScalingPolicies", '[');
    for (int i = 0; i < c->region->scalable_count; i++) {
        const struct scalable *s = &c->region->scalables[i];
        bool wanted = s->policy[0] != '\0' && in_question(s, &n) && listed(&names, s->policy) && (n.resource == NULL || strcmp(n.resource, s->resource) == 0);
        if (!wanted || !page_take(&page, i))
            continue;
        jo_open(&o, NULL, '{');
        jo_str(&o, "PolicyARN", policy_arn(c, s));
        jo_str(&o, "PolicyName", s->policy);
        write_named(&o, s);
        jo_str(&o, "PolicyType", s->policy_type);
        if (strcmp(s->policy_type, "TargetTrackingScaling") == 0) {
            jo_open(&o, "TargetTrackingScalingPolicyConfiguration", '{');
            jo_double(&o, "TargetValue", s->target_value);
            jo_close(&o, '}');
        }
        jo_time(&o, "CreationTime", s->created_ms);
        jo_close(&o, '}');
    }
    end_page(c, &o, &page);
}

// ---- Service Quotas: vCPUs of instance classes; the defaults of a new account, and what this one was given --------------------------
static const struct {
    const char *code, *name;
    int64_t value, applied;  // applied 0: nothing was ever asked for
} quotas[] = {
    {"L-34B43A08", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", 5, 5000},
    {"L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 5, 2000},
    {"L-3819A6DF", "All G and VT Spot Instance Requests", 0, 0},
    {"L-7212CCBC", "All P4, P3 and P2 Spot Instance Requests", 0, 0},
};

static void write_quota(struct call *c, bool applied)
{
    const char *service = NULL, *code = NULL;
    if (!play_ecs_str(c, "ServiceCode", &service) || !play_ecs_str(c, "QuotaCode", &code))
        return;
    if (service == NULL || code == NULL) {
        call_missing(c, service == NULL ? "ServiceCode" : "QuotaCode");
        return;
    }
    size_t i = 0;
    while (i < ARRAY_LEN(quotas) && strcmp(quotas[i].code, code) != 0)
        i++;
    if (strcmp(service, "ec2") != 0 || i == ARRAY_LEN(quotas) || (applied && quotas[i].applied == 0)) {
        call_fail(c, 400, "NoSuchResourceException", "The request failed because the specified service quota does not exist or has no applied value.");
        return;
    }
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "Quota", '{');
    jo_str(&o, "ServiceCode", "ec2");
    jo_str(&o, "ServiceName", "Amazon Elastic Compute Cloud (Amazon EC2)");
    jo_str(&o, "QuotaArn", arena_printf(c->arena, "arn:aws:servicequotas:%s:%s:ec2/%s", c->region->name, c->region->account, code));
    jo_str(&o, "QuotaCode", code);
    jo_str(&o, "QuotaName", quotas[i].name);
    jo_double(&o, "Value", (double)(applied ? quotas[i].applied : quotas[i].value));
    jo_str(&o, "Unit", "None");
    jo_bool(&o, "Adjustable", true);
    jo_bool(&o, "GlobalQuota", false);
    jo_close(&o, '}');
    jo_close(&o, '}');
}

static void play_get_quota(struct call *c)
{
    write_quota(c, true);
}

static void play_get_default_quota(struct call *c)
{
    write_quota(c, false);
}
