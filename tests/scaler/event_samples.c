#include "tests/scaler/event_samples.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/json.h"
#include "base/parse.h"

// $I instance, $F Spot Fleet, $E EC2 Fleet, $G group, $H hook, $C cluster, $S service, $T type, $Z zone, $A time, $R start as Health writes it.
struct row {
    enum event_kind kind;
    const char *word, *source, *type, *resource, *detail;  // source NULL: the detail is the whole message
};

#define EC2 "arn:aws:ec2:us-east-1:123456789012:"
#define ECS "arn:aws:ecs:us-east-1:123456789012:"
#define GROUP "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:0a1b2c3d-0000-4000-8000-0123456789ab:autoScalingGroupName/$G"
#define STATE(word) {EVENT_INSTANCE_STATE, word, "aws.ec2", "EC2 Instance State-change Notification", EC2 "instance/$I", "{\"instance-id\":\"$I\",\"state\":\"" word "\"}"}
#define NOTICE(word) {EVENT_INTERRUPTION, word, "aws.ec2", "EC2 Spot Instance Interruption Warning", EC2 "instance/$I", "{\"instance-id\":\"$I\",\"instance-action\":\"" word "\"}"}
#define LAUNCHED(word) "{\"instance-id\":\"$I\",\"sub-type\":\"" word "\",\"description\":\"{\\\"instanceType\\\":\\\"$T\\\",\\\"availabilityZone\\\":\\\"$Z\\\"}\"}"
#define SUB(word, description) "{\"sub-type\":\"" word "\",\"description\":\"" description "\"}"
#define REQUEST(word) "{\"spot-instance-request-id\":\"sir-0b1c2d3e\",\"sub-type\":\"" word "\",\"description\":\"SpotInstanceRequestId sir-0b1c2d3e, PreviousState: submitted\"}"
#define FLEET(kind, word, name, detail) \
    {kind, word, "aws.ec2spotfleet", "EC2 Spot Fleet " name, EC2 "spot-fleet-request/$F", detail}, {kind, word, "aws.ec2fleet", "EC2 Fleet " name, EC2 "fleet/$E", detail}
#define HOOK(kind, verb, from, to) \
    {kind, NULL, "aws.autoscaling", "EC2 Instance-" verb " Lifecycle Action", GROUP, \
     "{\"LifecycleActionToken\":\"77aa\",\"AutoScalingGroupName\":\"$G\",\"LifecycleHookName\":\"$H\",\"EC2InstanceId\":\"$I\",\"Origin\":\"" from "\",\"Destination\":\"" to "\"}"}
#define DIRECT(kind, transition) \
    {kind, NULL, NULL, NULL, NULL, "{\"Service\":\"AWS Auto Scaling\",\"Time\":\"$A\",\"RequestId\":\"ab12\",\"AccountId\":\"123456789012\",\"Origin\":\"EC2\"," \
     "\"AutoScalingGroupName\":\"$G\",\"LifecycleHookName\":\"$H\",\"EC2InstanceId\":\"$I\",\"LifecycleTransition\":\"autoscaling:" transition "\"," \
     "\"LifecycleActionToken\":\"77ab\",\"Destination\":\"EC2\"}"}
#define FAILED(message) \
    {EVENT_LAUNCH_FAILED, "Failed", "aws.autoscaling", "EC2 Instance Launch Unsuccessful", GROUP, \
     "{\"StatusCode\":\"Failed\",\"Description\":\"Launching a new EC2 instance.\",\"AutoScalingGroupName\":\"$G\",\"ActivityId\":\"9f\",\"RequestId\":\"9f\"," \
     "\"Details\":{\"Availability Zone\":\"$Z\",\"Subnet ID\":\"subnet-0d\"},\"StatusMessage\":\"" message "\",\"Cause\":\"At $A an instance was started\",\"EC2InstanceId\":\"\"}"}
#define HEALTH(code, category, status, entity) \
    {EVENT_HEALTH, code, "aws.health", "AWS Health Event", "$I", "{\"service\":\"EC2\",\"eventTypeCode\":\"" code "\",\"eventTypeCategory\":\"" category "\"," \
     "\"startTime\":\"$R\",\"statusCode\":\"" status "\",\"affectedEntities\":[{\"entityValue\":\"" entity "\",\"status\":\"PENDING\"}],\"page\":\"1\",\"totalPages\":\"1\"}"}
#define TASK(status, more) \
    {EVENT_TASK, status, "aws.ecs", "ECS Task State Change", ECS "task/$C/aa00", "{\"clusterArn\":\"" ECS "cluster/$C\",\"taskArn\":\"" ECS "task/$C/aa00\",\"version\":4," \
     "\"group\":\"service:$S\",\"containers\":[{\"name\":\"app\",\"lastStatus\":\"" status "\"}],\"lastStatus\":\"" status "\"" more "}"}
#define HOST(status, connected) \
    {EVENT_CONTAINER_INSTANCE, status, "aws.ecs", "ECS Container Instance State Change", ECS "container-instance/$C/bb00", "{\"clusterArn\":\"" ECS "cluster/$C\"," \
     "\"containerInstanceArn\":\"" ECS "container-instance/$C/bb00\",\"ec2InstanceId\":\"$I\",\"status\":\"" status "\",\"agentConnected\":" connected "," \
     "\"registeredResources\":[{\"name\":\"CPU\",\"type\":\"INTEGER\",\"integerValue\":4096}],\"version\":12,\"updatedAt\":\"$A\"}"}
#define ACTION(name, more) \
    {EVENT_SERVICE, name, "aws.ecs", "ECS Service Action", ECS "service/$C/$S", "{\"eventType\":\"INFO\",\"eventName\":\"" name "\",\"clusterArn\":\"" ECS "cluster/$C\"" more "}"}

static const struct row ROWS[] = {
    NOTICE("terminate"), NOTICE("stop"), NOTICE("hibernate"),
    {EVENT_REBALANCE, NULL, "aws.ec2", "EC2 Instance Rebalance Recommendation", EC2 "instance/$I", "{\"instance-id\":\"$I\"}"},
    STATE("pending"), STATE("running"), STATE("stopping"), STATE("stopped"), STATE("shutting-down"), STATE("terminated"),
    FLEET(EVENT_FLEET_STATE, "submitted", "State Change", SUB("submitted", "")), FLEET(EVENT_FLEET_STATE, "active", "State Change", "{\"sub-type\":\"active\"}"),
    FLEET(EVENT_FLEET_STATE, "modify_in_progress", "State Change", "{\"sub-type\":\"modify_in_progress\"}"),
    FLEET(EVENT_FLEET_STATE, "modify_succeeded", "State Change", "{\"sub-type\":\"modify_succeeded\"}"),
    FLEET(EVENT_FLEET_STATE, "expired", "State Change", "{\"sub-type\":\"expired\"}"),
    FLEET(EVENT_FLEET_INSTANCE, "launched", "Instance Change", LAUNCHED("launched")), FLEET(EVENT_FLEET_INSTANCE, "terminated", "Instance Change", LAUNCHED("terminated")),
    FLEET(EVENT_FLEET_INSTANCE, "termination_notified", "Instance Change", LAUNCHED("termination_notified")),
    FLEET(EVENT_FLEET_REQUEST, "submitted", "Spot Instance Request Change", REQUEST("submitted")),
    FLEET(EVENT_FLEET_REQUEST, "disabled", "Spot Instance Request Change", REQUEST("disabled")),
    FLEET(EVENT_FLEET_INFO, "launchSpecUnusable", "Information", SUB("launchSpecUnusable", "$T, ami-0c, Linux/UNIX, $Z, Spot bid price is less than Spot market price $0.0700")),
    FLEET(EVENT_FLEET_INFO, "launchSpecTemporarilyBlacklisted", "Information", SUB("launchSpecTemporarilyBlacklisted", "$T, ami-0c, Linux/UNIX, $Z: InsufficientInstanceCapacity")),
    FLEET(EVENT_FLEET_INFO, "fleetProgressHalted", "Information", SUB("fleetProgressHalted", "no launch specification can be used")),
    FLEET(EVENT_FLEET_ERROR, "iamFleetRoleInvalid", "Error", SUB("iamFleetRoleInvalid", "the role may not launch")),
    FLEET(EVENT_FLEET_ERROR, "allLaunchSpecsTemporarilyBlacklisted", "Error", SUB("allLaunchSpecsTemporarilyBlacklisted", "several attempts have failed")),
    FLEET(EVENT_FLEET_ERROR, "spotInstanceCountLimitExceeded", "Error", SUB("spotInstanceCountLimitExceeded", "MaxSpotInstanceCountExceeded")),
    HOOK(EVENT_HOOK_LAUNCH, "launch", "EC2", "AutoScalingGroup"), HOOK(EVENT_HOOK_LAUNCH, "launch", "WarmPool", "AutoScalingGroup"),
    HOOK(EVENT_HOOK_TERMINATE, "terminate", "AutoScalingGroup", "EC2"), HOOK(EVENT_HOOK_TERMINATE, "terminate", "AutoScalingGroup", "WarmPool"),
    DIRECT(EVENT_HOOK_TERMINATE, "EC2_INSTANCE_TERMINATING"), DIRECT(EVENT_HOOK_LAUNCH, "EC2_INSTANCE_LAUNCHING"), DIRECT(EVENT_OTHER, "EC2_INSTANCE_RESTING"),
    {EVENT_HOOK_TEST, NULL, NULL, NULL, NULL, "{\"Service\":\"AWS Auto Scaling\",\"Time\":\"$A\",\"RequestId\":\"ab13\",\"Event\":\"autoscaling:TEST_NOTIFICATION\","
     "\"AccountId\":\"123456789012\",\"AutoScalingGroupName\":\"$G\",\"AutoScalingGroupARN\":\"" GROUP "\"}"},
    FAILED("Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity available that matches your request."),
    FAILED("We currently do not have sufficient $T capacity in the Availability Zone you requested ($Z). You can get $T capacity by choosing us-east-1x."),
    FAILED("You have requested more vCPU capacity than your current vCPU limit. VcpuLimitExceeded"),
    {EVENT_OTHER, NULL, "aws.autoscaling", "EC2 Instance Launch Successful", GROUP, "{\"StatusCode\":\"InProgress\",\"AutoScalingGroupName\":\"$G\",\"EC2InstanceId\":\"$I\"}"},
    HEALTH("AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED", "scheduledChange", "upcoming", "$I"), HEALTH("AWS_EC2_SYSTEM_REBOOT_MAINTENANCE_SCHEDULED", "scheduledChange", "upcoming", EC2 "instance/$I"),
    HEALTH("AWS_EC2_INSTANCE_STOP_SCHEDULED", "scheduledChange", "closed", "$I"), HEALTH("AWS_EC2_API_ISSUE", "issue", "open", "vol-0e"),
    TASK("PENDING", ""), TASK("RUNNING", ",\"attachments\":[]"), TASK("STOPPED", ",\"stopCode\":\"SpotInterruption\",\"stoppedReason\":\"the host goes\""),
    HOST("REGISTERING", "false"), HOST("ACTIVE", "true"), HOST("ACTIVE", "false"), HOST("DRAINING", "true"), HOST("INACTIVE", "false"),
    ACTION("SERVICE_STEADY_STATE", ""), ACTION("SERVICE_TASK_PLACEMENT_FAILURE", ",\"reason\":\"RESOURCE:MEMORY\",\"containerInstanceArns\":[\"" ECS "container-instance/$C/bb00\"]"),
    ACTION("SERVICE_TASK_START_IMPAIRED", ""),
    {EVENT_DEPLOYMENT, "SERVICE_DEPLOYMENT_FAILED", "aws.ecs", "ECS Deployment State Change", ECS "service/$C/$S", "{\"eventType\":\"ERROR\","
     "\"eventName\":\"SERVICE_DEPLOYMENT_FAILED\",\"deploymentId\":\"ecs-svc/31\",\"updatedAt\":\"$A\",\"reason\":\"circuit breaker\",\"clusterArn\":\"" ECS "cluster/$C\"}"},
    {EVENT_OTHER, NULL, "aws.ec2", "EBS Volume Notification", EC2 "volume/vol-0e", "{\"event\":\"createVolume\",\"result\":\"available\"}"},
};

static const char *value_of(char key, struct arena *a, const struct sample_names *n)
{
    char text[64] = "";
    switch (key) {
    case 'I': return n->instance;
    case 'F': return n->spot_fleet;
    case 'E': return n->ec2_fleet;
    case 'G': return n->group;
    case 'H': return n->hook;
    case 'C': return n->cluster;
    case 'S': return n->service;
    case 'T': return n->type;
    case 'Z': return n->zone;
    case 'A': return arena_strdup(a, format_iso8601(n->at_ms, false, text));
    case 'R': return n->starts;
    default: return "$";
    }
}

static const char *filled(struct arena *a, const char *text, const struct sample_names *n)
{
    struct buf out;
    buf_init(&out, 1 << 16);
    for (const char *at = text; *at; at++) {
        const char *value = *at == '$' && at[1] ? value_of(at[1], a, n) : NULL;
        bool key = value && strcmp(value, "$") != 0;
        buf_printf(&out, "%.*s", key ? (int)strlen(value) : 1, key ? value : at);
        at += key;
    }
    const char *copy = arena_strdup(a, buf_str(&out));
    buf_release(&out);
    return copy;
}

static const char *enveloped(struct arena *a, size_t k, const struct sample_names *n)
{
    const struct row *r = &ROWS[k];
    char at[32];
    return arena_printf(a, "{\"version\":\"0\",\"id\":\"5a5a0000-1111-4222-8333-%012zu\",\"detail-type\":\"%s\",\"source\":\"%s\",\"account\":\"123456789012\","
                        "\"time\":\"%s\",\"region\":\"us-east-1\",\"resources\":[\"%s\"],\"detail\":%s}",
                        k, r->type, r->source, format_iso8601(n->at_ms, false, at), filled(a, r->resource, n), filled(a, r->detail, n));
}

size_t event_samples(struct arena *a, const struct sample_names *n, struct event_sample *ret)
{
    static_assert(ARRAY_LEN(ROWS) <= EVENT_SAMPLES_MAX, "all have a place");
    for (size_t k = 0; k < ARRAY_LEN(ROWS); k++)
        ret[k] = (struct event_sample){ROWS[k].kind, ROWS[k].word, ROWS[k].source ? enveloped(a, k, n) : filled(a, ROWS[k].detail, n)};
    return ARRAY_LEN(ROWS);
}

const char *event_in_sns(struct arena *a, const char *text)
{
    struct buf out;
    buf_init(&out, 1 << 18);
    json_add_string(&out, slice_of(text));
    const char *envelope = arena_printf(a, "{\"Type\":\"Notification\",\"MessageId\":\"0c\",\"TopicArn\":\"arn:aws:sns:us-east-1:123456789012:t\",\"Message\":%s,"
                                        "\"Timestamp\":\"2026-02-02T02:02:02.002Z\",\"MessageAttributes\":{}}", buf_str(&out));
    buf_release(&out);
    return envelope;
}
