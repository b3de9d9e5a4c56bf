#include "scaler/aws/budget.h"

#include <math.h>

#define SHARE 0.25        // of AWS's bucket
#define URGENT_SHARE 0.2  // of ours

enum bucket {
    ECS_CLUSTER_READ,
    ECS_RESOURCE_READ,
    ECS_RESOURCE_MODIFY,
    ECS_SERVICE_READ,
    ECS_DEFINITION_READ,
    ECS_PROTECTION,
    EC2_INSTANCES,
    EC2_TYPES,
    EC2_PRICES,
    EC2_FLEETS,
    EC2_FLEET_INSTANCES,
    EC2_MODIFY_FLEET,
    EC2_TERMINATE,
    EC2_CREATE_TAGS,
    EC2_DELETE_TAGS,
    STS_ANY,
    UNKNOWN,
    BUCKET_COUNT
};
_Static_assert(BUCKET_COUNT <= AWS_BUDGETS_MAX, "lanes");

// Burst and refill a second, per account and region. Source: "Request throttling" of the Amazon ECS and Amazon EC2 API
// references, January 2026. STS and whatever is not listed: our own cautious guess.
static const struct {
    double burst, refill;
} buckets[BUCKET_COUNT] = {
    [ECS_CLUSTER_READ] = {50, 20},    [ECS_RESOURCE_READ] = {100, 20}, [ECS_RESOURCE_MODIFY] = {100, 40},
    [ECS_SERVICE_READ] = {100, 20},   [ECS_DEFINITION_READ] = {50, 20}, [ECS_PROTECTION] = {200, 80},
    [EC2_INSTANCES] = {100, 20},      [EC2_TYPES] = {100, 20},         [EC2_PRICES] = {100, 20},
    [EC2_FLEETS] = {50, 3},           [EC2_FLEET_INSTANCES] = {100, 5}, [EC2_MODIFY_FLEET] = {50, 5},
    [EC2_TERMINATE] = {100, 5},       [EC2_CREATE_TAGS] = {100, 10},   [EC2_DELETE_TAGS] = {100, 10},
    [STS_ANY] = {40, 8},              [UNKNOWN] = {20, 4},
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
    {AWS_ECS, "ListServices", ECS_SERVICE_READ},
    {AWS_ECS, "DescribeServices", ECS_SERVICE_READ},
    {AWS_ECS, "DescribeTaskDefinition", ECS_DEFINITION_READ},
    {AWS_ECS, "GetTaskProtection", ECS_PROTECTION},
    {AWS_EC2, "DescribeInstances", EC2_INSTANCES},
    {AWS_EC2, "DescribeInstanceTypes", EC2_TYPES},
    {AWS_EC2, "DescribeSpotPriceHistory", EC2_PRICES},
    {AWS_EC2, "DescribeSpotFleetRequests", EC2_FLEETS},
    {AWS_EC2, "DescribeSpotFleetInstances", EC2_FLEET_INSTANCES},
    {AWS_EC2, "ModifySpotFleetRequest", EC2_MODIFY_FLEET},
    {AWS_EC2, "TerminateInstances", EC2_TERMINATE},
    {AWS_EC2, "CreateTags", EC2_CREATE_TAGS},
    {AWS_EC2, "DeleteTags", EC2_DELETE_TAGS},
    {AWS_STS, "GetCallerIdentity", STS_ANY},
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

static double capacity(int bucket, double share)
{
    return fmax(1, buckets[bucket].burst * SHARE * share);
}

static void begin(struct aws_budget *b, int64_t now_ms)
{
    for (int i = 0; i < BUCKET_COUNT; i++) {
        b->normal[i] = (struct aws_budget_lane){capacity(i, 1 - URGENT_SHARE), now_ms};
        b->urgent[i] = (struct aws_budget_lane){capacity(i, URGENT_SHARE), now_ms};
    }
    b->begun = true;
}

// Milliseconds until the lane holds a token, 0 if it does now.
static int64_t fill(struct aws_budget_lane *lane, int bucket, double share, int64_t now_ms)
{
    double per_ms = buckets[bucket].refill * SHARE * share / 1000;
    if (now_ms > lane->filled_ms)
        lane->tokens = fmin(capacity(bucket, share), lane->tokens + (double)(now_ms - lane->filled_ms) * per_ms);
    lane->filled_ms = now_ms;
    return lane->tokens >= 1 ? 0 : (int64_t)ceil((1 - lane->tokens) / per_ms);
}

int64_t aws_budget_take(struct aws_budget *b, int bucket, bool urgent, int64_t now_ms)
{
    assert(bucket >= 0 && bucket < BUCKET_COUNT);
    if (!b->begun)
        begin(b, now_ms);
    int64_t wait_ms = fill(&b->normal[bucket], bucket, 1 - URGENT_SHARE, now_ms);
    struct aws_budget_lane *lane = &b->normal[bucket];
    if (urgent) {
        int64_t urgent_ms = fill(&b->urgent[bucket], bucket, URGENT_SHARE, now_ms);
        if (urgent_ms == 0)
            lane = &b->urgent[bucket];
        wait_ms = urgent_ms < wait_ms ? urgent_ms : wait_ms;
    }
    if (wait_ms == 0)
        lane->tokens -= 1;
    return wait_ms;
}

void aws_budget_empty(struct aws_budget *b, int bucket, int64_t now_ms)
{
    assert(bucket >= 0 && bucket < BUCKET_COUNT);
    if (!b->begun)
        begin(b, now_ms);
    b->normal[bucket] = (struct aws_budget_lane){0, now_ms};
    b->urgent[bucket] = (struct aws_budget_lane){0, now_ms};
}
