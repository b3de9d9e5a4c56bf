#include "scaler/permissions.h"

#include "base/check.h"

const struct permission permissions[] = {
    {"ecs:ListClusters", false, SCOPE_ANY, "doctor: the nearest name where a cluster is not found", true},
    {"ecs:DescribeTaskDefinition", false, SCOPE_ANY, "what a task reserves", false},
    {"ecs:DescribeClusters", false, SCOPE_CLUSTER, "counts that tell when lists are due", false},
    {"ecs:ListContainerInstances", false, SCOPE_CLUSTER, "which instances are registered", false},
    {"ecs:ListServices", false, SCOPE_BY_CLUSTER, "which services there are", false},
    {"ecs:ListTasks", false, SCOPE_BY_CLUSTER, "what runs on an instance", false},
    {"ecs:DescribeContainerInstances", false, SCOPE_CONTAINER_INSTANCE, "capacity, state and agent of each instance", false},
    {"ecs:DescribeServices", false, SCOPE_SERVICE, "desired counts, deployments, placement rules", false},
    {"ecs:DescribeTasks", false, SCOPE_TASK, "what runs, waits and stops", false},
    {"ecs:GetTaskProtection", false, SCOPE_TASK, "tasks that must not be moved", false},
    {"ecs:DescribeCapacityProviders", false, SCOPE_ANY, "whether ECS itself scales a provider's instances", true},
    {"ec2:DescribeInstances", false, SCOPE_ANY, "members of the fleets, their state and tags", false},
    {"ec2:DescribeInstanceTypes", false, SCOPE_ANY, "size and architecture of a type", false},
    {"ec2:DescribeSpotFleetRequests", false, SCOPE_ANY, "target, weights and state of the fleets", false},
    {"ec2:DescribeSpotPriceHistory", false, SCOPE_ANY, "what an instance costs", true},
    {"ec2:DescribeInstanceTypeOfferings", false, SCOPE_ANY, "which zones sell the types that a fleet's requirements mean", true},
    {"ec2:GetSpotPlacementScores", false, SCOPE_ANY, "which zones are likely to have spot capacity, where the policy asks", true},
    {"ec2:DescribeSubnets", false, SCOPE_ANY, "zone and free addresses of the fleets' subnets", true},
    {"ec2:DescribeSpotInstanceRequests", false, SCOPE_ANY, "which instances AWS takes back", true},
    {"ec2:DescribeInstanceStatus", false, SCOPE_ANY, "which instances EC2 will retire, stop or reboot", true},
    {"ec2:DescribeSpotFleetRequestHistory", false, SCOPE_FLEET, "why a fleet does not get what it asks for", true},
    {"ec2:DescribeSpotFleetInstances", false, SCOPE_FLEET, "members of a fleet that no tag shows", false},
    {"ec2:DescribeFleets", false, SCOPE_EC2_ANY, "target, weights and state of the EC2 Fleets", false},
    {"ec2:DescribeFleetHistory", false, SCOPE_EC2_FLEET, "why an EC2 Fleet does not get what it asks for", true},
    {"ec2:DescribeFleetInstances", false, SCOPE_EC2_FLEET, "members of an EC2 Fleet that no tag shows", false},
    {"application-autoscaling:DescribeScalableTargets", false, SCOPE_ANY, "whether somebody else scales a fleet", true},
    {"application-autoscaling:DescribeScalingPolicies", false, SCOPE_ANY, "which policy that is", true},
    {"sqs:GetQueueAttributes", false, SCOPE_QUEUE, "doctor: whether the queue of events is there, and how full", true},
    {"autoscaling:DescribeAutoScalingGroups", false, SCOPE_GROUPS, "size, bounds, members and processes of the groups", false},
    {"autoscaling:DescribeLifecycleHooks", false, SCOPE_GROUPS, "how long a hook waits for a drain", false},
    {"autoscaling:DescribeInstanceRefreshes", false, SCOPE_GROUPS, "whether a group replaces its members by itself", false},
    {"autoscaling:DescribePolicies", false, SCOPE_GROUPS, "whether a policy of AWS scales a group", false},
    {"autoscaling:DescribeWarmPool", false, SCOPE_GROUPS, "which instances only wait in a warm pool", false},
    {"autoscaling:DescribeScalingActivities", false, SCOPE_GROUPS, "why a group does not get what it asks for", true},
    {"servicequotas:GetServiceQuota", false, SCOPE_ANY, "how many vCPUs the account may run", true},
    {"servicequotas:GetAWSDefaultServiceQuota", false, SCOPE_ANY, "the same where nothing was ever asked for", true},
    {"cloudwatch:GetMetricData", false, SCOPE_ANY, "what load balancers send; masu backfill: what the cluster reserved and used before masu", true},
    {"sts:GetCallerIdentity", false, SCOPE_ALWAYS, "whose account this is", false},
    {"ecs:UpdateContainerInstancesState", true, SCOPE_CONTAINER_INSTANCE, "start and undo a drain", false},
    {"ecs:DeregisterContainerInstance", true, SCOPE_CLUSTER, "forget an instance that EC2 has ended", false},
    {"ec2:ModifySpotFleetRequest", true, SCOPE_FLEET, "order capacity; lower a target after a drain", false},
    {"ec2:ModifyFleet", true, SCOPE_EC2_FLEET, "the same, of an EC2 Fleet", false},
    {"ec2:TerminateInstances", true, SCOPE_MEMBER, "end a drained member by its id", false},
    {"ec2:TerminateInstances", true, SCOPE_EC2_MEMBER, "the same, of an EC2 Fleet", false},
    {"ec2:CreateTags", true, SCOPE_MEMBER_TAGS, "mark an instance before its drain", false},
    {"ec2:CreateTags", true, SCOPE_EC2_MEMBER_TAGS, "the same, of an EC2 Fleet", false},
    {"ec2:CreateTags", true, SCOPE_FLEET_TAGS, "claim a fleet: the tag masu:owner", false},
    {"ec2:CreateTags", true, SCOPE_EC2_FLEET_TAGS, "claim an EC2 Fleet", false},
    {"ec2:DeleteTags", true, SCOPE_MEMBER_TAGS, "take the mark off after an undone drain", false},
    {"ec2:DeleteTags", true, SCOPE_EC2_MEMBER_TAGS, "the same, of an EC2 Fleet", false},
    {"sqs:ReceiveMessage", true, SCOPE_QUEUE, "events as they happen: spot notices first of all", true},
    {"sqs:DeleteMessage", true, SCOPE_QUEUE, "take an event from the queue once it is answered", true},
    {"ec2:CreateTags", true, SCOPE_GROUP_MEMBER_TAGS, "mark a member of a group before its drain", false},
    {"ec2:DeleteTags", true, SCOPE_GROUP_MEMBER_TAGS, "take the mark off after an undone drain", false},
    {"autoscaling:SetDesiredCapacity", true, SCOPE_GROUP, "order capacity of a group", false},
    {"autoscaling:TerminateInstanceInAutoScalingGroup", true, SCOPE_GROUP, "end a drained member and lower the group by it", false},
    {"autoscaling:CompleteLifecycleAction", true, SCOPE_GROUP, "let go a member that the group ends, once it is drained", true},
    {"autoscaling:RecordLifecycleActionHeartbeat", true, SCOPE_GROUP, "keep the group waiting while such a member drains", true},
    {"autoscaling:CreateOrUpdateTags", true, SCOPE_GROUP_TAGS, "claim a group: the tag masu:owner", false},
    {"ec2:DescribeLaunchTemplateVersions", false, SCOPE_INSTANT_ANY, "masu doctor: is the launch template of an instant fleet there", true},
    {"ec2:CreateFleet", true, SCOPE_INSTANT, "launch what an instant fleet needs", false},
    {"ec2:RunInstances", true, SCOPE_INSTANT, "what EC2 asks for besides, to launch from a template", false},
    {"ec2:RunInstances", true, SCOPE_INSTANT_IMAGE, "the same, of the image", false},
    {"iam:PassRole", true, SCOPE_INSTANT_ROLE, "give the instances the role of the launch template", false},
    {"ec2:CreateTags", true, SCOPE_INSTANT_TAGS, "tag what is launched, so that it is found again", false},
    {"ec2:TerminateInstances", true, SCOPE_INSTANT_MEMBER, "end a drained member of an instant fleet by its id", false},
    {"ec2:CreateTags", true, SCOPE_INSTANT_MEMBER_TAGS, "mark a member of an instant fleet before its drain", false},
    {"ec2:DeleteTags", true, SCOPE_INSTANT_MEMBER_TAGS, "take the mark off after an undone drain", false},
};
const size_t permission_count = ARRAY_LEN(permissions);

const struct permission *permission_find(const char *action)
{
    for (size_t i = 0; i < permission_count; i++)
        if (strcmp(permissions[i].action, action) == 0)
            return &permissions[i];
    return NULL;
}

// ---- where a cluster of the policy is -------------------------------------------------------------------------------------

struct place {
    const char *partition;
    char region[64], account[32], cluster[256];
};

static const char *partition_of(const char *region)
{
    static const struct {
        const char *prefix, *partition;
    } PARTITIONS[] = {
        {"cn-", "aws-cn"},         {"us-gov-", "aws-us-gov"},  {"us-iso-", "aws-iso"},   {"us-isob-", "aws-iso-b"},
        {"us-isof-", "aws-iso-f"}, {"eu-isoe-", "aws-iso-e"}, {"eusc-", "aws-eusc"},
    };
    for (size_t i = 0; i < ARRAY_LEN(PARTITIONS); i++)
        if (strncmp(region, PARTITIONS[i].prefix, strlen(PARTITIONS[i].prefix)) == 0)
            return PARTITIONS[i].partition;
    return "aws";
}

// A name may be an ARN, which says region and account as well: arn:aws:ecs:REGION:ACCOUNT:cluster/NAME.
static struct place place_of(const struct policy_cluster *c, const char *region)
{
    struct slice rest = slice_of(c ? c->name : "*"), fields[5] = {{0}};
    const char *slash = c ? strrchr(c->name, '/') : NULL;
    for (size_t i = 0; slash && i < ARRAY_LEN(fields); i++)
        fields[i] = slice_cut(&rest, ':');
    struct slice in = c && *c->region ? slice_of(c->region) : fields[3].len ? fields[3] : slice_of(region ? region : "*");
    struct slice of = c && *c->account ? slice_of(c->account) : fields[4].len ? fields[4] : SLICE_LIT("*");
    struct place p;
    snprintf(p.region, sizeof p.region, "%.*s", (int)in.len, in.ptr);
    snprintf(p.account, sizeof p.account, "%.*s", (int)of.len, of.ptr);
    snprintf(p.cluster, sizeof p.cluster, "%s", slash ? slash + 1 : c ? c->name : "*");
    p.partition = partition_of(p.region);
    return p;
}

// ---- statements -----------------------------------------------------------------------------------------------------------

#define GROUP_TAG "ec2:ResourceTag/aws:autoscaling:groupName"
#define MEMBER_TAG "ec2:ResourceTag/aws:ec2spot:fleet-request-id"
#define EC2_MEMBER_TAG "ec2:ResourceTag/aws:ec2:fleet-id"

#define INSTANT_TAG "ec2:ResourceTag/masu:fleet"
#define INSTANT "instant"

static const struct {
    const char *word;              // of the statement's id
    const char *service, *format;  // of the resource, with the cluster's name or the fleet's id; NULL: "*"
    const char *ids;               // of fleets of this kind: only where the policy has one; NULL: whatever the policy has
} SCOPES[SCOPE_COUNT] = {
    [SCOPE_ANY] = {"Any", NULL, NULL},
    [SCOPE_CLUSTER] = {"Clusters", "ecs", "cluster/%s"},
    [SCOPE_BY_CLUSTER] = {"ByCluster", NULL, NULL},
    [SCOPE_CONTAINER_INSTANCE] = {"ContainerInstances", "ecs", "container-instance/%s/*"},
    [SCOPE_SERVICE] = {"Services", "ecs", "service/%s/*"},
    [SCOPE_TASK] = {"Tasks", "ecs", "task/%s/*"},
    [SCOPE_FLEET] = {"Fleets", "ec2", "spot-fleet-request/%s", "sfr-*"},
    [SCOPE_EC2_ANY] = {"AnyEcTwoFleet", NULL, NULL, "fleet-*"},
    [SCOPE_EC2_FLEET] = {"EcTwoFleets", "ec2", "fleet/%s", "fleet-*"},
    [SCOPE_MEMBER] = {"Members", "ec2", "instance/*", "sfr-*"},
    [SCOPE_EC2_MEMBER] = {"EcTwoMembers", "ec2", "instance/*", "fleet-*"},
    [SCOPE_MEMBER_TAGS] = {"MemberTags", "ec2", "instance/*", "sfr-*"},
    [SCOPE_EC2_MEMBER_TAGS] = {"EcTwoMemberTags", "ec2", "instance/*", "fleet-*"},
    [SCOPE_FLEET_TAGS] = {"FleetTags", "ec2", "spot-fleet-request/%s", "sfr-*"},
    [SCOPE_EC2_FLEET_TAGS] = {"EcTwoFleetTags", "ec2", "fleet/%s", "fleet-*"},
    [SCOPE_QUEUE] = {"Queues", "sqs", "%s", NULL},
    [SCOPE_GROUPS] = {"Groups", NULL, NULL, "*"},
    [SCOPE_GROUP] = {"Groups", "autoscaling", "autoScalingGroup:*:autoScalingGroupName/%s", "*"},
    [SCOPE_GROUP_TAGS] = {"GroupTags", "autoscaling", "autoScalingGroup:*:autoScalingGroupName/%s", "*"},
    [SCOPE_GROUP_MEMBER_TAGS] = {"GroupMemberTags", "ec2", "instance/*", "*"},
    [SCOPE_INSTANT_ANY] = {"AnyInstant", NULL, NULL, INSTANT},
    [SCOPE_INSTANT] = {"Instants", "ec2", "*/*", INSTANT},
    [SCOPE_INSTANT_IMAGE] = {"InstantImages", "ec2", "image/*", INSTANT},
    [SCOPE_INSTANT_ROLE] = {"InstantRole", "iam", "role/*", INSTANT},
    [SCOPE_INSTANT_TAGS] = {"InstantTags", "ec2", "*/*", INSTANT},
    [SCOPE_INSTANT_MEMBER] = {"InstantMembers", "ec2", "instance/*", INSTANT},
    [SCOPE_INSTANT_MEMBER_TAGS] = {"InstantMemberTags", "ec2", "instance/*", INSTANT},
    [SCOPE_ALWAYS] = {NULL, NULL, NULL},
};

static void add_once(json_t *list, const char *text)
{
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one)
        if (strcmp(json_string_value(one), text) == 0)
            return;
    json_array_append_new(list, json_string(text));
}

static void add_arn(json_t *list, enum permission_scope scope, const struct place *at, const char *thing)
{
    char path[384], arn[512];
    if (SCOPES[scope].format == NULL) {
        add_once(list, "*");
        return;
    }
    const char *percent = strstr(SCOPES[scope].format, "%s");
    int before = percent ? (int)(percent - SCOPES[scope].format) : (int)strlen(SCOPES[scope].format);
    snprintf(path, sizeof path, "%.*s%s%s", before, SCOPES[scope].format, percent ? thing : "", percent ? percent + 2 : "");
    const char *region = strcmp(SCOPES[scope].service, "iam") == 0 ? "" : at->region;  // roles are of the whole account
    const char *account = scope == SCOPE_INSTANT_IMAGE ? "" : at->account;
    snprintf(arn, sizeof arn, "arn:%s:%s:%s:%s:%s", at->partition, SCOPES[scope].service, region, account, path);
    add_once(list, arn);
}

// A fleet that is found by its tag may be a Spot Fleet or an EC2 Fleet. "*" is for groups.
static bool may_be(const struct policy_fleet *f, const char *ids)
{
    enum fleet_kind kind = policy_fleet_kind(f);
    if (kind == FLEET_INSTANT || strcmp(ids, INSTANT) == 0)
        return kind == FLEET_INSTANT && strcmp(ids, INSTANT) == 0;
    if (kind == FLEET_GROUP || strcmp(ids, "*") == 0)
        return kind == FLEET_GROUP && strcmp(ids, "*") == 0;
    return kind == FLEET_KIND_COUNT || (kind == FLEET_EC2_FLEET) == (strcmp(ids, "fleet-*") == 0);
}

static void add_resources(json_t *list, enum permission_scope scope, const struct policy_cluster *c, const char *region)
{
    struct place at = place_of(c, region);
    if (SCOPES[scope].ids == NULL) {
        add_arn(list, scope, &at, at.cluster);
        return;
    }
    for (size_t f = 0; c && f < c->fleet_count; f++)
        if (may_be(&c->fleets[f], SCOPES[scope].ids))
            add_arn(list, scope, &at, policy_fleet_kind(&c->fleets[f]) == FLEET_KIND_COUNT ? "*" : policy_fleet_name(&c->fleets[f]));
    if (c == NULL)
        add_arn(list, scope, &at, "*");
}

// A queue is in the account that its URL names, whoever reads it.
static void add_queue(json_t *list, const struct policy_queue *q, const char *region)
{
    char named[64];
    struct place at = place_of(NULL, q ? policy_queue_region(q, named) : NULL);
    const char *name = q ? strrchr(q->url, '/') : "/*";
    snprintf(at.region, sizeof at.region, "%s", q && named[0] ? named : region ? region : "*");
    at.partition = partition_of(at.region);
    if (q)
        snprintf(at.account, sizeof at.account, "%.12s", name - 12);
    add_arn(list, SCOPE_QUEUE, &at, name + 1);
}

static json_t *resources(enum permission_scope scope, const struct policy *p, const char *region)
{
    json_t *list = json_array();
    if (scope == SCOPE_QUEUE) {
        for (size_t i = 0; p && i < p->queue_count; i++)
            add_queue(list, &p->queues[i], region);
        if (p == NULL)
            add_queue(list, NULL, region);
        return list;
    }
    for (size_t i = 0; p && i < p->cluster_count; i++)
        add_resources(list, scope, &p->clusters[i], region);
    if (p == NULL)
        add_resources(list, scope, NULL, region);
    return list;
}

static json_t *fleet_ids(const struct policy *p, const char *ids, bool *ret_by_tag)
{
    json_t *list = json_array();
    *ret_by_tag = false;
    for (size_t i = 0; p && i < p->cluster_count; i++)
        for (size_t f = 0; f < p->clusters[i].fleet_count; f++) {
            const struct policy_fleet *x = &p->clusters[i].fleets[f];
            bool by_tag = policy_fleet_kind(x) == FLEET_KIND_COUNT;
            char member[320];
            snprintf(member, sizeof member, "%s/%s", place_of(&p->clusters[i], NULL).cluster, policy_fleet_name(x));
            if (may_be(x, ids) && policy_fleet_kind(x) == FLEET_INSTANT)
                add_once(list, member);
            else if (may_be(x, ids))
                add_once(list, by_tag ? ids : policy_fleet_name(x));
            *ret_by_tag |= by_tag;
        }
    if (p == NULL)
        add_once(list, strcmp(ids, INSTANT) == 0 ? "*" : ids);
    return list;
}

static json_t *condition(enum permission_scope scope, const struct policy *p, const char *region)
{
    bool of_ec2 = scope == SCOPE_EC2_MEMBER || scope == SCOPE_EC2_MEMBER_TAGS;
    bool of_instant = scope == SCOPE_INSTANT_MEMBER || scope == SCOPE_INSTANT_MEMBER_TAGS;
    const char *key = of_instant ? INSTANT_TAG : of_ec2 ? EC2_MEMBER_TAG : scope == SCOPE_GROUP_MEMBER_TAGS ? GROUP_TAG : MEMBER_TAG;
    bool tags = scope == SCOPE_MEMBER_TAGS || scope == SCOPE_EC2_MEMBER_TAGS || scope == SCOPE_GROUP_MEMBER_TAGS || scope == SCOPE_INSTANT_MEMBER_TAGS;
    if (scope == SCOPE_INSTANT_ROLE)
        return json_pack("{s:{s:s}}", "StringEquals", "iam:PassedToService", "ec2.amazonaws.com");
    if (scope == SCOPE_INSTANT_TAGS)
        return json_pack("{s:{s:[s,s]}}", "StringEquals", "ec2:CreateAction", "CreateFleet", "RunInstances");
    if (scope == SCOPE_BY_CLUSTER)
        return json_pack("{s:{s:o}}", "ArnLike", "ecs:cluster", resources(SCOPE_CLUSTER, p, region));
    if (scope == SCOPE_MEMBER || scope == SCOPE_EC2_MEMBER || scope == SCOPE_INSTANT_MEMBER || tags) {
        bool by_tag;
        json_t *ids = fleet_ids(p, SCOPES[scope].ids, &by_tag);
        json_t *when = json_pack("{s:{s:o}}", p && !by_tag ? "StringEquals" : "StringLike", key, ids);
        if (tags)
            json_object_set_new(when, "ForAllValues:StringLike", json_pack("{s:s}", "aws:TagKeys", "masu:*"));
        return when;
    }
    if (scope == SCOPE_FLEET_TAGS || scope == SCOPE_EC2_FLEET_TAGS || scope == SCOPE_GROUP_TAGS)
        return json_pack("{s:{s:s}}", "ForAllValues:StringLike", "aws:TagKeys", "masu:*");
    return NULL;
}

static json_t *statement(enum permission_scope scope, bool write, const struct policy *p, const char *region)
{
    json_t *actions = json_array();
    for (size_t i = 0; i < permission_count; i++)
        if (permissions[i].scope == scope && permissions[i].write == write)
            json_array_append_new(actions, json_string(permissions[i].action));
    if (json_array_size(actions) == 0 || (scope == SCOPE_QUEUE && p && p->queue_count == 0)) {
        json_decref(actions);
        return NULL;
    }
    json_t *on = resources(scope, p, region);
    if (json_array_size(on) == 0) {  // no fleet of that kind
        json_decref(actions);
        json_decref(on);
        return NULL;
    }
    char sid[64];
    snprintf(sid, sizeof sid, "%s%s", write ? "Change" : "Read", SCOPES[scope].word);
    json_t *s = json_pack("{s:s, s:s, s:o, s:o}", "Sid", sid, "Effect", "Allow", "Action", actions, "Resource", on);
    json_t *when = condition(scope, p, region);
    if (when)
        json_object_set_new(s, "Condition", when);
    return s;
}

json_t *permissions_document(const struct policy *p, bool read_only, const char *region)
{
    json_t *statements = json_array();
    for (int write = 0; write <= (read_only ? 0 : 1); write++)
        for (int scope = 0; scope < SCOPE_ALWAYS; scope++) {
            json_t *s = statement((enum permission_scope)scope, write == 1, p, region);
            if (s)
                json_array_append_new(statements, s);
        }
    return json_pack("{s:s, s:o}", "Version", "2012-10-17", "Statement", statements);
}

const char *permission_resource(const struct permission *m, const struct policy_cluster *c, const char *region, struct arena *a)
{
    json_t *list = json_array();
    add_resources(list, m->scope == SCOPE_BY_CLUSTER ? SCOPE_CLUSTER : m->scope, c, region);
    const char *text = arena_strdup(a, json_string_value(json_array_get(list, 0)));
    json_decref(list);
    return text;
}
