// What masu doctor finds of the account as a whole: credentials, clock, permissions.
#include "base/check.h"
#include "base/parse.h"
#include "scaler/doctor.h"

enum { CREDENTIALS_MS = 15000, CLOCK_WARN_MS = 5000, CLOCK_FAIL_MS = 60000, EXPIRY_WARN_MS = 5 * 60000 };

// ---- permissions ----------------------------------------------------------------------------------------------------------

// One action over all calls that asked for it.
struct verdict {
    const struct permission *permission;
    size_t allowed, denied, refused, unanswered;
    const struct aws_call *worst;
    const struct policy_cluster *cluster;  // of the first call that was denied
    struct buf names;                      // for whom it was denied
};

static bool answered(const struct aws_call *c)
{
    return c->state == AWS_CALL_COMPLETE || c->state == AWS_CALL_PARTIAL || c->err.http_status != 0;
}

static void hear(struct verdict *v, const struct aws_call *c, const struct policy_cluster *cluster, const char *name)
{
    if (c->state == AWS_CALL_NONE)
        return;
    if (c->err.kind == ERR_DENIED) {
        v->denied++;
        v->cluster = cluster;
        v->worst = c;
        buf_printf(&v->names, "%s%s", v->names.len > 0 ? ", " : "", name);
    } else if (c->err.kind == ERR_AUTH) {
        v->refused++;
        v->worst = v->denied > 0 ? v->worst : c;
    } else if (answered(c) && c->err.kind != ERR_THROTTLED && c->err.kind != ERR_TRANSIENT) {
        v->allowed++;  // also where the answer is an error: permission comes before existence
    } else {
        v->unanswered++;
        v->worst = v->denied > 0 ? v->worst : c;
    }
}

static struct verdict verdict_of(const char *action)
{
    struct verdict v = {.permission = permission_find(action)};
    assert(v.permission);
    buf_init(&v.names, 4096);
    return v;
}

static void tell(struct doctor *d, const struct doctor_region *r, struct verdict *v)
{
    const char *action = v->permission->action, *id = v->permission->write ? "write-permission" : "permission";
    enum doctor_state bad = v->permission->spare ? DOCTOR_WARN : DOCTOR_FAIL;
    if (v->denied > 0) {
        const char *resource = v->cluster ? permission_resource(v->permission, v->cluster, r->region, d->arena) : "*";
        doctor_add(d, (struct doctor_check){id, bad, action,
                       arena_printf(d->arena, "denied%s%s: %s", v->names.len > 0 ? " for " : "", v->names.len > 0 ? buf_str(&v->names) : "",
                                    v->worst->code[0] ? v->worst->code : v->worst->err.msg),
                       arena_printf(d->arena, "allow %s on %s; masu iam-policy --policy %s prints all that is needed", action, resource, d->policy_path)});
    } else if (v->refused > 0 || v->unanswered > 0) {
        doctor_add(d, (struct doctor_check){id, bad, action, arena_strdup(d->arena, v->worst->err.msg),
                                            v->refused > 0 ? "the credentials are refused: renew them" : "ask again; is the endpoint reachable from here?"});
    } else if (v->allowed > 0) {
        doctor_add(d, (struct doctor_check){id, DOCTOR_OK, action, v->permission->scope == SCOPE_ANY || v->permission->scope == SCOPE_EC2_ANY ? "allowed" :
                                            arena_printf(d->arena, "allowed for %zu %s", v->allowed, v->permission->scope == SCOPE_FLEET || v->permission->scope == SCOPE_EC2_FLEET || v->permission->scope == SCOPE_INSTANT_ANY || v->permission->write
                                                         ? (v->allowed == 1 ? "fleet" : "fleets") : v->allowed == 1 ? "cluster" : "clusters"), NULL});
    }
    buf_release(&v->names);
}

static void judge_regional(struct doctor *d, const struct doctor_region *r)
{
    const struct {
        const char *action;
        const struct aws_call *call;
    } CALLS[] = {
        {"ecs:ListClusters", &r->all_clusters.call},
        {"ec2:DescribeSpotFleetRequests", &r->fleets.call},
        {"ec2:DescribeFleets", &r->ec2_fleets.call},
        {"ec2:DescribeInstanceTypes", &r->types.call},
        {"ec2:DescribeInstanceTypeOfferings", &r->offered.call},
        {"ec2:GetSpotPlacementScores", &r->scores.call},
        {"ec2:DescribeSpotPriceHistory", &r->prices.call},
        {"ec2:DescribeSubnets", &r->subnets.call},
        {"ec2:DescribeSpotInstanceRequests", &r->interrupted.call},
        {"ec2:DescribeInstanceStatus", &r->scheduled.call},
        {"ecs:DescribeCapacityProviders", &r->providers.call},
        {"application-autoscaling:DescribeScalableTargets", &r->targets.call},
        {"cloudwatch:GetMetricData", &r->metrics.call},
        {"servicequotas:GetServiceQuota", &r->quota.call},
        {"servicequotas:GetAWSDefaultServiceQuota", &r->default_quota.call},
    };
    for (size_t i = 0; i < ARRAY_LEN(CALLS); i++) {
        struct verdict v = verdict_of(CALLS[i].action);
        hear(&v, CALLS[i].call, NULL, "");
        tell(d, r, &v);
    }
}

static const struct aws_call *call_of_cluster(const struct doctor_cluster *c, const char *action)
{
    const struct {
        const char *action;
        const struct aws_call *call;
    } CALLS[] = {
        {"ecs:DescribeClusters", &c->described.call},
        {"ecs:ListContainerInstances", &c->instance_arns.call},
        {"ecs:DescribeContainerInstances", &c->instances.call},
        {"ecs:ListServices", &c->service_arns.call},
        {"ecs:DescribeServices", &c->services.call},
        {"ecs:ListTasks", &c->task_arns.call},
        {"ecs:DescribeTasks", &c->tasks.call},
        {"ecs:GetTaskProtection", &c->protections.call},
        {"ecs:DescribeTaskDefinition", &c->definition.call},
    };
    for (size_t i = 0; i < ARRAY_LEN(CALLS); i++)
        if (strcmp(CALLS[i].action, action) == 0)
            return CALLS[i].call;
    return NULL;
}

static const struct aws_call *call_of_fleet(const struct doctor_fleet *f, const char *action)
{
    if (strcmp(action, "ec2:DescribeInstances") == 0)
        return &f->members.call;
    bool ec2 = ec2_is_ec2_fleet(f->id);
    if (strcmp(action, ec2 ? "ec2:DescribeFleetInstances" : "ec2:DescribeSpotFleetInstances") == 0)
        return &f->listed.call;
    if (strcmp(action, ec2 ? "ec2:DescribeFleetHistory" : "ec2:DescribeSpotFleetRequestHistory") == 0)
        return &f->events.call;
    if (strcmp(action, "application-autoscaling:DescribeScalingPolicies") == 0)
        return &f->policies.call;
    const struct {
        const char *action;
        const struct aws_call *call;
    } GROUP[] = {
        {"autoscaling:DescribeAutoScalingGroups", &f->group.call},      {"autoscaling:DescribeLifecycleHooks", &f->hooks.call},
        {"autoscaling:DescribeInstanceRefreshes", &f->refreshes.call},  {"autoscaling:DescribePolicies", &f->group_policies.call},
        {"autoscaling:DescribeWarmPool", &f->warm.call},                {"autoscaling:DescribeScalingActivities", &f->activities.call},
    };
    for (size_t i = 0; i < ARRAY_LEN(GROUP); i++)
        if (strcmp(action, GROUP[i].action) == 0)
            return GROUP[i].call;
    if (strcmp(action, "ec2:DescribeLaunchTemplateVersions") == 0)
        return &f->template.call;
    if (strcmp(action, "ec2:CreateFleet") == 0)
        return &f->launch.call;
    if (strcmp(action, "ec2:CreateTags") == 0)
        return &f->tag;
    if (strcmp(action, "ec2:DeleteTags") == 0)
        return &f->untag;
    return strcmp(action, "ec2:TerminateInstances") == 0 ? &f->end.call : NULL;
}

static void judge_queues(struct doctor *d, const struct doctor_region *r)
{
    struct verdict v = verdict_of("sqs:GetQueueAttributes");
    for (size_t i = 0; i < r->queue_count; i++) {
        const struct doctor_queue *q = &r->queues[i];
        hear(&v, &q->told.call, NULL, q->policy->url);
        if (q->told.call.state == AWS_CALL_COMPLETE)
            doctor_add(d, (struct doctor_check){"queue", DOCTOR_OK, q->policy->url, arena_printf(d->arena, "brings events; %" PRId64 " wait in it", q->told.visible), NULL});
        else if (q->told.call.err.kind == ERR_NOT_FOUND)
            doctor_add(d, (struct doctor_check){"queue", DOCTOR_FAIL, q->policy->url, "there is no such queue", "correct events[].queue_url, or its region; notices are polled meanwhile"});
    }
    if (v.denied > 0)
        doctor_add(d, (struct doctor_check){"permission", DOCTOR_WARN, v.permission->action, arena_printf(d->arena, "denied for %s", buf_str(&v.names)),
                       arena_printf(d->arena, "allow %s on the queue; masu iam-policy --policy %s prints all that is needed", v.permission->action, d->policy_path)});
    else if (v.allowed > 0)
        doctor_add(d, (struct doctor_check){"permission", DOCTOR_OK, v.permission->action, arena_printf(d->arena, "allowed for %zu queue%s", v.allowed, v.allowed == 1 ? "" : "s"), NULL});
    buf_release(&v.names);
}

// Every row of the table that is asked for by cluster or by fleet.
static void judge_by_target(struct doctor *d, const struct doctor_region *r, const struct permission *m)
{
    struct verdict v = verdict_of(m->action);
    for (size_t i = 0; i < r->cluster_count; i++) {
        const struct doctor_cluster *c = &r->clusters[i];
        const struct aws_call *call = call_of_cluster(c, m->action);
        if (call)
            hear(&v, call, c->policy, c->policy->name);
        for (size_t f = 0; f < c->policy->fleet_count; f++)
            if ((call = call_of_fleet(&c->fleets[f], m->action)) != NULL)
                hear(&v, call, c->policy, c->fleets[f].id);
    }
    tell(d, r, &v);
}

static bool acts(const struct doctor_region *r)
{
    for (size_t i = 0; i < r->cluster_count; i++)
        if (r->clusters[i].policy->mode != MODE_OBSERVE)
            return true;
    return false;
}

// What AWS lets nobody ask without doing it, in one line.
static void judge_unaskable(struct doctor *d)
{
    doctor_add(d, (struct doctor_check){"write-permission", DOCTOR_WARN, "",
                   d->policy->queue_count > 0 ?
                   "ecs:UpdateContainerInstancesState, ecs:DeregisterContainerInstance, ec2:ModifySpotFleetRequest, sqs:ReceiveMessage and sqs:DeleteMessage "
                   "cannot be asked for without acting: ECS, SQS and ModifySpotFleetRequest have no dry run" :
                   "ecs:UpdateContainerInstancesState, ecs:DeregisterContainerInstance and ec2:ModifySpotFleetRequest cannot be asked for "
                   "without acting: ECS and ModifySpotFleetRequest have no dry run",
                   arena_printf(d->arena, "compare the role with masu iam-policy --policy %s", d->policy_path)});
}

static void judge_permissions(struct doctor *d, const struct doctor_region *r)
{
    judge_regional(d, r);
    judge_queues(d, r);
    for (size_t i = 0; i < permission_count; i++)
        if (!permissions[i].write)
            judge_by_target(d, r, &permissions[i]);
    if (!acts(r)) {
        doctor_add(d, (struct doctor_check){"write-permission", DOCTOR_OK, r->region, "not needed: the policy only observes", NULL});
        return;
    }
    static const char *const ASKABLE[] = {"ec2:TerminateInstances", "ec2:CreateTags", "ec2:DeleteTags", "ec2:CreateFleet"};
    for (size_t i = 0; i < ARRAY_LEN(ASKABLE); i++)
        judge_by_target(d, r, permission_find(ASKABLE[i]));
    judge_unaskable(d);
}

// ---- credentials, account, clock ------------------------------------------------------------------------------------------

static void judge_credentials(struct doctor *d, const struct doctor_region *r)
{
    char left[32];
    struct aws_health h = aws_health(r->aws);
    int64_t left_ms = h.expires_ms - h.now_ms;
    if (h.expires_ms == 0)
        doctor_add(d, (struct doctor_check){"credentials", DOCTOR_OK, h.source, "they do not expire", NULL});
    else if (left_ms > EXPIRY_WARN_MS)
        doctor_add(d, (struct doctor_check){"credentials", DOCTOR_OK, h.source, arena_printf(d->arena, "good for another %s", format_duration(left_ms, left)), NULL});
    else
        doctor_add(d, (struct doctor_check){"credentials", DOCTOR_WARN, h.source, arena_printf(d->arena, "%s left, no newer ones were given",
                                            format_duration(left_ms > 0 ? left_ms : 0, left)), "see why they are not renewed: masu needs them renewed by itself"});
}

static void judge_account(struct doctor *d, const struct doctor_region *r)
{
    const struct sts_identity *me = &r->identity;
    if (me->call.state != AWS_CALL_COMPLETE) {
        doctor_add(d, (struct doctor_check){"account", DOCTOR_FAIL, r->account, arena_printf(d->arena, "in %s: %s", r->region, me->call.err.msg),
                                            me->call.err.kind == ERR_AUTH ? "AWS refuses these credentials: renew them, look for a typing mistake, and is the region right?"
                                                                          : "is the STS endpoint reachable from here?"});
        return;
    }
    if (r->account[0] && strcmp(r->account, me->account) != 0)
        doctor_add(d, (struct doctor_check){"account", DOCTOR_FAIL, me->account, arena_printf(d->arena, "the policy says %s, these credentials are of %s", r->account, me->account),
                                            "use credentials of the policy's account, or correct the policy"});
    else
        doctor_add(d, (struct doctor_check){"account", DOCTOR_OK, me->account, arena_printf(d->arena, "%s%s", me->arn, r->account[0] ? ", as the policy says" : ""), NULL});
}

static void judge_clock(struct doctor *d, const struct doctor_region *r)
{
    char off[32];
    struct aws_health h = aws_health(r->aws);
    int64_t ms = h.clock_off_ms < 0 ? -h.clock_off_ms : h.clock_off_ms;
    if (!h.clock_measured) {
        doctor_add(d, (struct doctor_check){"clock", DOCTOR_WARN, "", "no answer told AWS's time", "compare this machine's clock with another"});
        return;
    }
    const char *what = ms < 1500 ? "agrees with AWS" : arena_printf(d->arena, "%s %s AWS's", format_duration(ms, off), h.clock_off_ms > 0 ? "behind" : "ahead of");
    enum doctor_state state = ms > CLOCK_FAIL_MS ? DOCTOR_FAIL : ms > CLOCK_WARN_MS ? DOCTOR_WARN : DOCTOR_OK;
    doctor_add(d, (struct doctor_check){"clock", state, "", what, state == DOCTOR_OK ? NULL : "set the clock (chrony, NTP): ages of facts and deadlines depend on it"});
}

// ---- regions --------------------------------------------------------------------------------------------------------------

static bool open_region(struct doctor *d, struct doctor_region *r)
{
    struct err err = {0};
    const char *source = "";
    if (aws_clients_get(d->clients, r->account, r->region, &r->aws, &err) != 0) {
        doctor_add(d, (struct doctor_check){"region", DOCTOR_FAIL, r->region, arena_strdup(d->arena, err.msg), "set clusters[].region in the policy, or AWS_REGION; endpoints as URLs"});
        return false;
    }
    r->region_from = r->region[0] ? "the policy" : aws_clients_region_source(d->clients);
    r->region = aws_region(r->aws);
    doctor_add(d, (struct doctor_check){"region", DOCTOR_OK, r->region, arena_printf(d->arena, "from %s", r->region_from), NULL});
    if (aws_check_credentials(r->aws, clock_wall_ms(d->transport->clock) + CREDENTIALS_MS, &source, &err) == 0)
        return true;
    doctor_add(d, (struct doctor_check){"credentials", DOCTOR_FAIL, "", arena_strdup(d->arena, err.msg),
                                        "set AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the task a role"});
    return false;
}

static void check_region(struct doctor *d, struct doctor_region *r)
{
    if (!open_region(d, r))
        return;
    bool heard = doctor_ask(d, r);
    judge_credentials(d, r);
    judge_account(d, r);
    if (!heard) {
        doctor_add(d, (struct doctor_check){"endpoint", DOCTOR_FAIL, r->region, arena_strdup(d->arena, r->all_clusters.call.err.msg),
                                            "see AWS_ENDPOINT_URL, HTTPS_PROXY, the subnet's route and its VPC endpoints"});
        return;
    }
    judge_clock(d, r);
    if (r->identity.call.err.kind == ERR_AUTH)
        return;  // all else would say the same
    judge_permissions(d, r);
    for (size_t i = 0; i < r->cluster_count; i++)
        doctor_check_cluster(d, r, &r->clusters[i]);
    doctor_check_conflicts(d, r);
}

static struct doctor_region *region_of(struct doctor *d, struct doctor_region *regions, size_t *count, const struct policy_cluster *c)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(regions[i].account, c->account) == 0 && strcmp(regions[i].region, c->region) == 0)
            return &regions[i];
    regions[*count] = (struct doctor_region){.account = c->account, .region = c->region,
                                             .clusters = arena_array(d->arena, struct doctor_cluster, d->policy->cluster_count)};
    return &regions[(*count)++];
}

// A queue without region goes with the first cluster's.
static void find_queues(struct doctor *d, struct doctor_region *r)
{
    r->queues = arena_array(d->arena, struct doctor_queue, d->policy->queue_count);
    for (size_t i = 0; i < d->policy->queue_count; i++) {
        const struct policy_queue *q = &d->policy->queues[i];
        char region[64];
        const char *in = policy_queue_region(q, region);
        bool here = *in ? strcmp(in, r->region) == 0 || *r->region == '\0' : strcmp(d->policy->clusters[0].region, r->region) == 0;
        if (here && (*q->account == '\0' || strcmp(q->account, r->account) == 0))
            r->queues[r->queue_count++] = (struct doctor_queue){.policy = q};
    }
}

void doctor_check_aws(struct doctor *d)
{
    struct doctor_region *regions = arena_array(d->arena, struct doctor_region, d->policy->cluster_count);
    size_t count = 0;
    for (size_t i = 0; i < d->policy->cluster_count; i++) {
        const struct policy_cluster *p = &d->policy->clusters[i];
        struct doctor_region *r = region_of(d, regions, &count, p);
        struct doctor_cluster *c = &r->clusters[r->cluster_count++];
        *c = (struct doctor_cluster){.policy = p, .fleets = arena_array(d->arena, struct doctor_fleet, p->fleet_count)};
        for (size_t f = 0; f < p->fleet_count; f++)
            c->fleets[f].policy = &p->fleets[f];
    }
    for (size_t i = 0; i < count; i++) {
        find_queues(d, &regions[i]);
        check_region(d, &regions[i]);
    }
}
