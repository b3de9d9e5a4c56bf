#include "scaler/aws/budget.h"

#include <math.h>

#define SHARE 0.25         // of AWS's bucket
#define URGENT_SHARE 0.2   // of ours
#define WINDOW_S 60.0      // in which no more than a quarter of the refill is used, what was saved up included
#define PACE_MIN 0.125
#define PACE_RECOVERY_MS (20 * 60 * 1000.0)  // from nothing to all: ten minutes after one throttle
#define ONE_VOLLEY_MS 2000 // throttles so close together are one

enum bucket {
    ECS_CLUSTER_READ,
    ECS_RESOURCE_READ,
    ECS_RESOURCE_MODIFY,
    ECS_SERVICE_READ,
    ECS_DEFINITION_READ,
    ECS_PROTECTION,
    ECS_PROVIDERS,
    EC2_INSTANCES,
    EC2_TYPES,
    EC2_OFFERINGS,
    EC2_SCORES,
    EC2_TEMPLATES,
    EC2_PRICES,
    EC2_FLEETS,
    EC2_FLEET_INSTANCES,
    EC2_FLEET_HISTORY,
    EC2_SUBNETS,
    EC2_SPOT_REQUESTS,
    EC2_STATUS,
    EC2_MODIFY_FLEET,
    EC2_EC2_FLEETS,
    EC2_EC2_FLEET_INSTANCES,
    EC2_EC2_FLEET_HISTORY,
    EC2_MODIFY_EC2_FLEET,
    EC2_CREATE_FLEET,
    EC2_TERMINATE,
    EC2_CREATE_TAGS,
    EC2_DELETE_TAGS,
    STS_ANY,
    SCALING_ANY,
    QUOTAS_ANY,
    SQS_RECEIVE,
    SQS_DELETE,
    SQS_ATTRIBUTES,
    ASG_READ,
    ASG_WRITE,
    METRICS_READ,
    UNKNOWN,
    BUCKET_COUNT
};
_Static_assert(BUCKET_COUNT <= AWS_BUDGETS_MAX, "lanes");

// Burst and refill a second, per account and region. Source: "Request throttling" of the Amazon ECS and Amazon EC2 API
// references, January 2026. STS, Application Auto Scaling and whatever is not listed: our own cautious
// guess. SQS gives each action of a standard queue nearly as many calls as it is asked for; what a backlog takes then is bounded by
// how many polls and deletes are open at once (scaler/events.c), and a notice behind it does not wait for a budget.
static const struct {
    double burst, refill;
} buckets[BUCKET_COUNT] = {
    [ECS_CLUSTER_READ] = {50, 20},    [ECS_RESOURCE_READ] = {100, 20}, [ECS_RESOURCE_MODIFY] = {100, 40},
    [ECS_SERVICE_READ] = {100, 20},   [ECS_DEFINITION_READ] = {50, 20}, [ECS_PROTECTION] = {200, 80},
    [ECS_PROVIDERS] = {50, 20},      [EC2_FLEET_HISTORY] = {100, 5},    [EC2_SUBNETS] = {100, 20},
    [EC2_SPOT_REQUESTS] = {100, 20},  [EC2_STATUS] = {100, 20},
    [EC2_INSTANCES] = {100, 20},      [EC2_TYPES] = {100, 20},          [EC2_OFFERINGS] = {100, 20},      [EC2_SCORES] = {20, 1},
    [EC2_TEMPLATES] = {100, 20},      [EC2_PRICES] = {100, 20},
    [EC2_FLEETS] = {50, 3},           [EC2_FLEET_INSTANCES] = {100, 5}, [EC2_MODIFY_FLEET] = {50, 5},
    [EC2_EC2_FLEETS] = {100, 20},     [EC2_EC2_FLEET_INSTANCES] = {100, 20}, [EC2_EC2_FLEET_HISTORY] = {100, 20},
    [EC2_MODIFY_EC2_FLEET] = {50, 5}, [EC2_CREATE_FLEET] = {50, 5},
    [EC2_TERMINATE] = {100, 5},       [EC2_CREATE_TAGS] = {100, 10},   [EC2_DELETE_TAGS] = {100, 10},
    [STS_ANY] = {40, 8},              [SCALING_ANY] = {40, 8},          [UNKNOWN] = {20, 4},
    [SQS_RECEIVE] = {8000, 4000},     [SQS_DELETE] = {8000, 4000},        [SQS_ATTRIBUTES] = {40, 8},
    [QUOTAS_ANY] = {10, 5},           [ASG_READ] = {40, 8},             [ASG_WRITE] = {40, 5},
    [METRICS_READ] = {500, 500},
};

static const struct {
    enum aws_service service;
    const char *operation;
    enum bucket bucket;
} operations[] = {
    {AWS_ECS, "ListClusters", ECS_CLUSTER_READ},
    {AWS_ECS, "DescribeClusters", ECS_CLUSTER_READ},
    {AWS_ECS, "ListContainerInstances", ECS_RESOURCE_READ},
    {AWS_ECS, "DescribeContainerInstances", ECS_RESOURCE_READ},
    {AWS_ECS, "ListTasks", ECS_RESOURCE_READ},
    {AWS_ECS, "DescribeTasks", ECS_RESOURCE_READ},
    {AWS_ECS, "UpdateContainerInstancesState", ECS_RESOURCE_MODIFY},
    {AWS_ECS, "DeregisterContainerInstance", ECS_RESOURCE_MODIFY},
    {AWS_ECS, "DescribeCapacityProviders", ECS_PROVIDERS},
    {AWS_ECS, "ListServices", ECS_SERVICE_READ},
    {AWS_ECS, "DescribeServices", ECS_SERVICE_READ},
    {AWS_ECS, "DescribeTaskDefinition", ECS_DEFINITION_READ},
    {AWS_ECS, "GetTaskProtection", ECS_PROTECTION},
    {AWS_EC2, "DescribeInstances", EC2_INSTANCES},
    {AWS_EC2, "DescribeInstanceTypes", EC2_TYPES},
    {AWS_EC2, "DescribeInstanceTypeOfferings", EC2_OFFERINGS},
    {AWS_EC2, "GetSpotPlacementScores", EC2_SCORES},
    {AWS_EC2, "DescribeLaunchTemplateVersions", EC2_TEMPLATES},
    {AWS_EC2, "DescribeSpotPriceHistory", EC2_PRICES},
    {AWS_EC2, "DescribeSpotFleetRequests", EC2_FLEETS},
    {AWS_EC2, "DescribeSpotFleetInstances", EC2_FLEET_INSTANCES},
    {AWS_EC2, "DescribeSpotFleetRequestHistory", EC2_FLEET_HISTORY},
    {AWS_EC2, "DescribeSubnets", EC2_SUBNETS},
    {AWS_EC2, "DescribeSpotInstanceRequests", EC2_SPOT_REQUESTS},
    {AWS_EC2, "DescribeInstanceStatus", EC2_STATUS},
    {AWS_EC2, "ModifySpotFleetRequest", EC2_MODIFY_FLEET},
    {AWS_EC2, "DescribeFleets", EC2_EC2_FLEETS},
    {AWS_EC2, "DescribeFleetInstances", EC2_EC2_FLEET_INSTANCES},
    {AWS_EC2, "DescribeFleetHistory", EC2_EC2_FLEET_HISTORY},
    {AWS_EC2, "ModifyFleet", EC2_MODIFY_EC2_FLEET},
    {AWS_EC2, "CreateFleet", EC2_CREATE_FLEET},
    {AWS_EC2, "TerminateInstances", EC2_TERMINATE},
    {AWS_EC2, "CreateTags", EC2_CREATE_TAGS},
    {AWS_EC2, "DeleteTags", EC2_DELETE_TAGS},
    {AWS_SERVICEQUOTAS, "GetServiceQuota", QUOTAS_ANY},
    {AWS_SERVICEQUOTAS, "GetAWSDefaultServiceQuota", QUOTAS_ANY},
    {AWS_APPLICATION_AUTOSCALING, "DescribeScalableTargets", SCALING_ANY},
    {AWS_APPLICATION_AUTOSCALING, "DescribeScalingPolicies", SCALING_ANY},
    {AWS_AUTOSCALING, "DescribeAutoScalingGroups", ASG_READ},
    {AWS_AUTOSCALING, "DescribeWarmPool", ASG_READ},
    {AWS_AUTOSCALING, "DescribeInstanceRefreshes", ASG_READ},
    {AWS_AUTOSCALING, "DescribePolicies", ASG_READ},
    {AWS_AUTOSCALING, "DescribeLifecycleHooks", ASG_READ},
    {AWS_AUTOSCALING, "DescribeScalingActivities", ASG_READ},
    {AWS_AUTOSCALING, "SetDesiredCapacity", ASG_WRITE},
    {AWS_AUTOSCALING, "TerminateInstanceInAutoScalingGroup", ASG_WRITE},
    {AWS_AUTOSCALING, "CompleteLifecycleAction", ASG_WRITE},
    {AWS_AUTOSCALING, "RecordLifecycleActionHeartbeat", ASG_WRITE},
    {AWS_AUTOSCALING, "CreateOrUpdateTags", ASG_WRITE},
    {AWS_CLOUDWATCH, "GetMetricData", METRICS_READ},
    {AWS_STS, "GetCallerIdentity", STS_ANY},
    {AWS_SQS, "ReceiveMessage", SQS_RECEIVE},
    {AWS_SQS, "DeleteMessageBatch", SQS_DELETE},
    {AWS_SQS, "GetQueueAttributes", SQS_ATTRIBUTES},
};

int aws_budget_bucket(enum aws_service service, const char *operation)
{
    for (size_t i = 0; i < ARRAY_LEN(operations); i++)
        if (operations[i].service == service && strcmp(operations[i].operation, operation) == 0)
            return operations[i].bucket;
    return UNKNOWN;
}

bool aws_budget_known(enum aws_service service, const char *operation)
{
    return aws_budget_bucket(service, operation) != UNKNOWN;
}

// Saved up for a burst, and gained a second, so that in every second no more than a quarter of AWS's burst is used and in every
// minute no more than a quarter of its refill:  burst + refill = AWS's burst / 4,  burst + 60 refill = 60 AWS's refill / 4.
static double our_burst(int bucket)
{
    return SHARE * (buckets[bucket].burst - buckets[bucket].refill) * WINDOW_S / (WINDOW_S - 1);
}

static double our_refill(int bucket)
{
    return SHARE * buckets[bucket].refill - our_burst(bucket) / WINDOW_S;
}

static double capacity(int bucket, bool urgent)
{
    double reserved = fmax(1, our_burst(bucket) * URGENT_SHARE);
    return urgent ? reserved : fmax(1, our_burst(bucket) - reserved);
}

static void begin(struct aws_budget *b, int64_t now_ms)
{
    for (int i = 0; i < BUCKET_COUNT; i++) {
        b->normal[i] = (struct aws_budget_lane){.tokens = capacity(i, false), .filled_ms = now_ms, .pace = 1};
        b->urgent[i] = (struct aws_budget_lane){.tokens = capacity(i, true), .filled_ms = now_ms, .pace = 1};
    }
    b->begun = true;
}

// Milliseconds until the lane holds a token, 0 if it does now.
static int64_t fill(struct aws_budget_lane *lane, int bucket, bool urgent, int64_t now_ms)
{
    double full_per_ms = our_refill(bucket) * (urgent ? URGENT_SHARE : 1 - URGENT_SHARE) / 1000;
    if (now_ms > lane->filled_ms) {
        double passed_ms = (double)(now_ms - lane->filled_ms);
        lane->tokens = fmin(capacity(bucket, urgent), lane->tokens + passed_ms * full_per_ms * lane->pace);
        lane->pace = fmin(1, lane->pace + passed_ms / PACE_RECOVERY_MS);
    }
    lane->filled_ms = now_ms;
    return lane->tokens >= 1 ? 0 : (int64_t)ceil((1 - lane->tokens) / (full_per_ms * lane->pace));
}

int64_t aws_budget_take(struct aws_budget *b, int bucket, bool urgent, int64_t now_ms)
{
    assert(bucket >= 0 && bucket < BUCKET_COUNT);
    if (!b->begun)
        begin(b, now_ms);
    int64_t wait_ms = fill(&b->normal[bucket], bucket, false, now_ms);
    struct aws_budget_lane *lane = &b->normal[bucket];
    if (urgent) {
        int64_t urgent_ms = fill(&b->urgent[bucket], bucket, true, now_ms);
        if (urgent_ms == 0)
            lane = &b->urgent[bucket];
        wait_ms = urgent_ms < wait_ms ? urgent_ms : wait_ms;
    }
    if (wait_ms == 0)
        lane->tokens -= 1;
    return wait_ms;
}

void aws_budget_throttled(struct aws_budget *b, int bucket, int64_t now_ms)
{
    assert(bucket >= 0 && bucket < BUCKET_COUNT);
    if (!b->begun)
        begin(b, now_ms);
    struct aws_budget_lane *lane = &b->normal[bucket];
    fill(lane, bucket, false, now_ms);
    lane->tokens = 0;
    if (lane->throttled_ms && now_ms - lane->throttled_ms < ONE_VOLLEY_MS)
        return;
    lane->pace = fmax(PACE_MIN, lane->pace / 2);
    lane->throttled_ms = now_ms;
}

void aws_budget_documented(int bucket, double *ret_burst, double *ret_refill_s)
{
    assert(bucket >= 0 && bucket < BUCKET_COUNT);
    *ret_burst = buckets[bucket].burst;
    *ret_refill_s = buckets[bucket].refill;
}
