// Application Auto Scaling and Service Quotas: who else moves a target, and how many vCPUs an account may have.
#include "tests/sandbox/rig.h"

#include <stdio.h>
#include <string.h>

static struct rig_answer scaling(struct rig *r, const char *operation, const char *body)
{
    return rig_json(r, "application-autoscaling", "AnyScaleFrontendService", operation, body);
}

static json_t *scaling_ok(struct rig *r, const char *operation, const char *body)
{
    struct rig_answer a = scaling(r, operation, body);
    if (a.status != 200)
        fail_msg("%s: %s", operation, a.body);
    free(a.body);
    return a.json;
}

static void refused(struct rig_answer a, const char *code)
{
    assert_int_equal(a.status, 400);
    assert_string_equal(a.code, code);
    assert_string_equal(json_string_value(json_object_get(a.json, "__type")), code);
    rig_done(&a);
}

static void a_target_is_registered_told_and_taken_off(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    char body[512], fleet[64];
    snprintf(fleet, sizeof fleet, "%s", world_view(r.world).fleets[r.fleet].id);
    json_t *none = scaling_ok(&r, "DescribeScalableTargets", "{\"ServiceNamespace\":\"ec2\"}");
    assert_int_equal(json_array_size(json_object_get(none, "ScalableTargets")), 0);
    json_decref(none);
    snprintf(body, sizeof body, "{\"ServiceNamespace\":\"ec2\",\"ResourceId\":\"spot-fleet-request/%s\",\"ScalableDimension\":"
             "\"ec2:spot-fleet-request:TargetCapacity\",\"MinCapacity\":2,\"MaxCapacity\":9}", fleet);
    json_decref(scaling_ok(&r, "RegisterScalableTarget", body));
    json_decref(scaling_ok(&r, "RegisterScalableTarget", "{\"ServiceNamespace\":\"ecs\",\"ResourceId\":\"service/shop/web\",\"ScalableDimension\":"
                           "\"ecs:service:DesiredCount\",\"MinCapacity\":1,\"MaxCapacity\":3}"));
    snprintf(body, sizeof body, "{\"ServiceNamespace\":\"ec2\",\"ResourceIds\":[\"spot-fleet-request/%s\"]}", fleet);
    json_t *a = scaling_ok(&r, "DescribeScalableTargets", body), *t = json_array_get(json_object_get(a, "ScalableTargets"), 0);
    assert_int_equal(json_array_size(json_object_get(a, "ScalableTargets")), 1);
    assert_int_equal(json_integer_value(json_object_get(t, "MaxCapacity")), 9);
    assert_true(json_is_false(json_object_get(json_object_get(t, "SuspendedState"), "DynamicScalingInSuspended")));
    json_decref(a);
    a = scaling_ok(&r, "DescribeScalingPolicies", "{\"ServiceNamespace\":\"ec2\"}");
    assert_int_equal(json_array_size(json_object_get(a, "ScalingPolicies")), 0);
    json_decref(a);
    snprintf(body, sizeof body, "{\"ServiceNamespace\":\"ec2\",\"ResourceId\":\"spot-fleet-request/%s\",\"ScalableDimension\":"
             "\"ec2:spot-fleet-request:TargetCapacity\",\"PolicyName\":\"cpu\",\"PolicyType\":\"TargetTrackingScaling\","
             "\"TargetTrackingScalingPolicyConfiguration\":{\"TargetValue\":60.5}}", fleet);
    json_decref(scaling_ok(&r, "PutScalingPolicy", body));
    a = scaling_ok(&r, "DescribeScalingPolicies", "{\"ServiceNamespace\":\"ec2\"}");
    json_t *p = json_array_get(json_object_get(a, "ScalingPolicies"), 0);
    assert_string_equal(json_string_value(json_object_get(p, "PolicyType")), "TargetTrackingScaling");
    assert_true(json_real_value(json_object_get(json_object_get(p, "TargetTrackingScalingPolicyConfiguration"), "TargetValue")) == 60.5);
    json_decref(a);
    json_decref(scaling_ok(&r, "DeregisterScalableTarget", "{\"ServiceNamespace\":\"ecs\",\"ResourceId\":\"service/shop/web\",\"ScalableDimension\":"
                           "\"ecs:service:DesiredCount\"}"));
    a = scaling_ok(&r, "DescribeScalableTargets", "{\"ServiceNamespace\":\"ecs\"}");
    assert_int_equal(json_array_size(json_object_get(a, "ScalableTargets")), 0);
    json_decref(a);
    rig_stop(&r);
}

static void what_cannot_be_scaled_is_refused(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    refused(scaling(&r, "DescribeScalableTargets", "{}"), "ValidationException");
    refused(scaling(&r, "DescribeScalableTargets", "{\"ServiceNamespace\":\"rds\"}"), "ValidationException");
    refused(scaling(&r, "DescribeScalableTargets", "{\"ServiceNamespace\":\"ecs\",\"MaxResults\":51}"), "ValidationException");
    refused(scaling(&r, "DescribeScalableTargets", "{\"ServiceNamespace\":\"ecs\",\"NextToken\":\"x\"}"), "InvalidNextTokenException");
    refused(scaling(&r, "RegisterScalableTarget", "{\"ServiceNamespace\":\"ecs\",\"ResourceId\":\"service/shop/nope\",\"ScalableDimension\":"
                    "\"ecs:service:DesiredCount\",\"MinCapacity\":1,\"MaxCapacity\":3}"), "ValidationException");
    refused(scaling(&r, "RegisterScalableTarget", "{\"ServiceNamespace\":\"ecs\",\"ResourceId\":\"service/shop/web\",\"ScalableDimension\":"
                    "\"ecs:service:DesiredCount\",\"MinCapacity\":5,\"MaxCapacity\":3}"), "ValidationException");
    refused(scaling(&r, "DeregisterScalableTarget", "{\"ServiceNamespace\":\"ecs\",\"ResourceId\":\"service/shop/web\",\"ScalableDimension\":"
                    "\"ecs:service:DesiredCount\"}"), "ObjectNotFoundException");
    refused(scaling(&r, "DescribeEverything", "{}"), "UnknownOperationException");
    rig_stop(&r);
}

static struct rig_answer quota(struct rig *r, const char *operation, const char *code)
{
    char body[128];
    snprintf(body, sizeof body, "{\"ServiceCode\":\"ec2\",\"QuotaCode\":\"%s\"}", code);
    return rig_json(r, "servicequotas", "ServiceQuotasV20190624", operation, body);
}

static void a_quota_is_a_number_of_vcpus_or_has_no_applied_value(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    struct rig_answer a = quota(&r, "GetServiceQuota", "L-34B43A08");
    assert_int_equal(a.status, 200);
    assert_true(json_real_value(json_object_get(json_object_get(a.json, "Quota"), "Value")) == 5000);
    rig_done(&a);
    refused(quota(&r, "GetServiceQuota", "L-3819A6DF"), "NoSuchResourceException");
    a = quota(&r, "GetAWSDefaultServiceQuota", "L-3819A6DF");
    assert_int_equal(a.status, 200);
    rig_done(&a);
    refused(quota(&r, "GetAWSDefaultServiceQuota", "L-00000000"), "NoSuchResourceException");
    refused(rig_json(&r, "servicequotas", "ServiceQuotasV20190624", "GetServiceQuota", "{}"), "IllegalArgumentException");
    rig_stop(&r);
}

static void their_signatures_and_faults_are_their_own(void **state)
{
    (void)state;
    struct rig r;
    struct err err;
    rig_start(&r, NULL);
    struct sandbox_fault denied = {"application-autoscaling:*", SANDBOX_FAULT_DENIED, 0, 1}, busy = {"servicequotas:*", SANDBOX_FAULT_THROTTLE, 0, 1};
    assert_int_equal(sandbox_add_fault(r.sandbox, &denied, &err), 0);
    assert_int_equal(sandbox_add_fault(r.sandbox, &busy, &err), 0);
    refused(scaling(&r, "DescribeScalableTargets", "{\"ServiceNamespace\":\"ecs\"}"), "AccessDeniedException");
    refused(quota(&r, "GetServiceQuota", "L-34B43A08"), "TooManyRequestsException");
    refused(rig_json(&r, "ecs", "AnyScaleFrontendService", "DescribeScalableTargets", "{\"ServiceNamespace\":\"ecs\"}"), "InvalidSignatureException");
    rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_is_registered_told_and_taken_off),
        cmocka_unit_test(what_cannot_be_scaled_is_refused),
        cmocka_unit_test(a_quota_is_a_number_of_vcpus_or_has_no_applied_value),
        cmocka_unit_test(their_signatures_and_faults_are_their_own),
    };
    return cmocka_run_group_tests_name("scaling", tests, NULL, NULL);
}
