// Auto Scaling on the wire: pages, filters, states, refusals in AWS's words. The rules of a group are in tests/sim/group_test.c.
#include <string.h>

#include "planner/sim/group.h"
#include "tests/sandbox/rig.h"

static int add(struct rig *r, const char *name, int64_t min, int64_t desired, int64_t max, bool mixed)
{
    struct world_override o[] = {{world_type_index(r->world, "m5.large"), -1, mixed ? 2000 : 1000}};
    int f = world_add_group(r->world, &(struct world_group_spec){.name = name, .cluster = r->shop, .min = min, .desired = desired, .max = max,
                                                                 .overrides = o, .override_count = 1, .mixed = mixed,
                                                                 .allocation = WALLOC_PRICE_CAPACITY_OPTIMIZED});
    rig_pass(r, 300000);
    return f;
}

static struct rig_answer ask(struct rig *r, const char *form)
{
    return rig_query(r, "autoscaling", form, NULL);
}

static char *ok(struct rig *r, const char *form)
{
    struct rig_answer a = ask(r, form);
    if (a.status != 200)
        fail_msg("%s: %s", form, a.body);
    return a.body;
}

static void refused(struct rig *r, const char *form, int status, const char *code, const char *words)
{
    struct rig_answer a = ask(r, form);
    assert_int_equal(a.status, status);
    assert_string_equal(a.code, code);
    assert_non_null(strstr(a.body, "<ErrorResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\">"));
    if (strstr(a.body, words) == NULL)
        fail_msg("%s: no \"%s\" in %s", form, words, a.body);
    rig_done(&a);
}

static const char *member_of(struct rig *r, int fleet, int nth)
{
    struct world_view v = world_view(r->world);
    for (int i = 0; i < v.instance_count; i++)
        if (v.instances[i].used && v.instances[i].fleet == fleet && v.instances[i].member.state.now == WM_IN_SERVICE && nth-- == 0)
            return v.instances[i].id;
    fail_msg("no such member");
    return NULL;
}

static void a_group_by_attributes_tells_what_it_asks_for_and_launches_only_that(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    struct world_requirements needs = {.vcpus_min = 2, .vcpus_max = 4, .memory_mib_min = 8000, .excluded = {"m5.l*"}, .excluded_count = 1, .arch = "x86_64"};
    int f = world_add_group(r.world, &(struct world_group_spec){.name = "any", .cluster = r.shop, .desired = 12, .max = 40, .needs = &needs, .mixed = true,
                                                                .allocation = WALLOC_DIVERSIFIED});
    rig_pass(&r, 300000);
    char *body = ok(&r, "Action=DescribeAutoScalingGroups&AutoScalingGroupNames.member.1=any");
    assert_non_null(strstr(body, "<Overrides><member><InstanceRequirements><VCpuCount><Min>2</Min><Max>4</Max></VCpuCount><MemoryMiB><Min>8000</Min></MemoryMiB>"
                                 "<ExcludedInstanceTypes><member>m5.l*</member></ExcludedInstanceTypes></InstanceRequirements></member></Overrides>"));
    struct world_view v = world_view(r.world);
    int members = 0;
    for (int i = 0; i < v.instance_count; i++) {
        if (!v.instances[i].used || v.instances[i].fleet != f)
            continue;
        const struct world_type *t = &v.types[v.pools[v.instances[i].pool].type];
        assert_true(t->vcpus >= 2 && t->vcpus <= 4 && t->memory_mib >= 8000);
        assert_string_equal(t->arch, "x86_64");
        assert_string_not_equal(t->name, "m5.large");
        members++;
    }
    assert_int_equal(members, 12);
    free(body);
    rig_stop(&r);
}

static void groups_are_told_whole_and_a_spot_fleet_is_none_of_them(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    add(&r, "plain", 1, 2, 5, false);
    int f = add(&r, "mixed", 0, 4, 40, true);
    world_tag_fleet(r.world, WORLD_PERSON, f, "team", "shop");
    char *body = ok(&r, "Action=DescribeAutoScalingGroups");
    assert_int_equal(rig_count(body, "<AutoScalingGroupName>"), 2);
    assert_int_equal(rig_count(body, "<LifecycleState>InService</LifecycleState>"), 4);
    assert_int_equal(rig_count(body, "<WeightedCapacity>2</WeightedCapacity>"), 3);  // the override and both members
    assert_int_equal(rig_count(body, "<MixedInstancesPolicy>"), 1);
    assert_non_null(strstr(body, "<SpotAllocationStrategy>price-capacity-optimized</SpotAllocationStrategy>"));
    free(body);
    body = ok(&r, "Action=DescribeAutoScalingGroups&Filters.member.1.Name=tag:team&Filters.member.1.Values.member.1=shop&IncludeInstances=false");
    assert_string_equal(rig_xml(body, "AutoScalingGroupName"), "mixed");
    assert_int_equal(rig_count(body, "<LifecycleState>"), 0);
    free(body);
    body = ok(&r, "Action=DescribeAutoScalingGroups&AutoScalingGroupNames.member.1=nobody&AutoScalingGroupNames.member.2=plain");
    assert_int_equal(rig_count(body, "<AutoScalingGroupName>"), 1);  // an unknown name is silently absent
    free(body);
    body = rig_query_ok(&r, "Action=DescribeSpotFleetRequests");
    assert_null(strstr(body, "mixed"));
    free(body);
    rig_query_refused(&r, "Action=DescribeSpotFleetInstances&SpotFleetRequestId=mixed", 400, "InvalidSpotFleetRequestId.Malformed");
    rig_stop(&r);
}

static void groups_come_in_pages(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    add(&r, "a", 0, 0, 5, false);
    add(&r, "b", 0, 0, 5, false);
    char *body = ok(&r, "Action=DescribeAutoScalingGroups&MaxRecords=1"), form[400];
    assert_int_equal(rig_count(body, "<AutoScalingGroupName>"), 1);
    snprintf(form, sizeof form, "Action=DescribeAutoScalingGroups&MaxRecords=1&NextToken=%s", rig_xml(body, "NextToken"));
    free(body);
    body = ok(&r, form);
    assert_string_equal(rig_xml(body, "AutoScalingGroupName"), "b");
    assert_null(strstr(body, "NextToken"));
    free(body);
    refused(&r, "Action=DescribeAutoScalingGroups&NextToken=x", 400, "InvalidNextToken", "NextToken");
    refused(&r, "Action=DescribeAutoScalingGroups&MaxRecords=101", 400, "ValidationError", "MaxRecords");
    refused(&r, "Action=DescribeAutoScalingGroups&Filters.member.1.Name=colour&Filters.member.1.Values.member.1=red", 400, "ValidationError", "colour");
    rig_stop(&r);
}

static void desired_is_set_and_refused_in_words(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    int f = add(&r, "g", 1, 2, 3, false);
    free(ok(&r, "Action=SetDesiredCapacity&AutoScalingGroupName=g&DesiredCapacity=3"));
    assert_int_equal(world_view(r.world).fleets[f].wanted, 3);
    refused(&r, "Action=SetDesiredCapacity&AutoScalingGroupName=g&DesiredCapacity=2&HonorCooldown=true", 400, "ScalingActivityInProgress", "progress");
    refused(&r, "Action=SetDesiredCapacity&AutoScalingGroupName=g&DesiredCapacity=4", 400, "ValidationError", "above max");
    refused(&r, "Action=SetDesiredCapacity&AutoScalingGroupName=g&DesiredCapacity=0", 400, "ValidationError", "below min");
    refused(&r, "Action=SetDesiredCapacity&AutoScalingGroupName=h&DesiredCapacity=1", 400, "ValidationError", "not found");
    refused(&r, "Action=SetDesiredCapacity&AutoScalingGroupName=g", 400, "ValidationError", "desiredCapacity");
    refused(&r, "Action=SetDesiredCapacity&AutoScalingGroupName=g&DesiredCapacity=3&DryRun=true", 400, "UnknownParameter", "DryRun");
    rig_stop(&r);
}

static void one_member_is_ended_and_the_minimum_refuses(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    int f = add(&r, "g", 1, 2, 3, false);
    char form[200];
    snprintf(form, sizeof form, "Action=TerminateInstanceInAutoScalingGroup&InstanceId=%s&ShouldDecrementDesiredCapacity=true", member_of(&r, f, 0));
    char *body = ok(&r, form);
    assert_string_equal(rig_xml(body, "StatusCode"), "InProgress");
    free(body);
    assert_int_equal(world_view(r.world).fleets[f].wanted, 1);
    snprintf(form, sizeof form, "Action=TerminateInstanceInAutoScalingGroup&InstanceId=%s&ShouldDecrementDesiredCapacity=true", member_of(&r, f, 0));
    refused(&r, form, 400, "ValidationError", "Currently, desiredSize equals minSize");
    refused(&r, "Action=TerminateInstanceInAutoScalingGroup&InstanceId=i-00000000&ShouldDecrementDesiredCapacity=true", 400, "ValidationError", "not found");
    body = ok(&r, "Action=DescribeScalingActivities&AutoScalingGroupName=g");
    assert_int_equal(rig_count(body, "Terminating EC2 instance: i-"), 1);
    assert_int_equal(rig_count(body, "Launching a new EC2 instance: i-"), 2);
    free(body);
    rig_stop(&r);
}

static void protection_and_processes_are_set_and_told(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    int f = add(&r, "g", 0, 2, 3, false);
    char form[200];
    snprintf(form, sizeof form, "Action=SetInstanceProtection&AutoScalingGroupName=g&InstanceIds.member.1=%s&ProtectedFromScaleIn=true", member_of(&r, f, 0));
    free(ok(&r, form));
    free(ok(&r, "Action=SuspendProcesses&AutoScalingGroupName=g&ScalingProcesses.member.1=AZRebalance&ScalingProcesses.member.2=Launch"));
    char *body = ok(&r, "Action=DescribeAutoScalingGroups");
    assert_int_equal(rig_count(body, "<ProtectedFromScaleIn>true</ProtectedFromScaleIn>"), 1);
    assert_int_equal(rig_count(body, "<ProcessName>"), 2);
    assert_non_null(strstr(body, "User suspended at "));
    free(body);
    free(ok(&r, "Action=ResumeProcesses&AutoScalingGroupName=g"));
    body = ok(&r, "Action=DescribeAutoScalingGroups");
    assert_int_equal(rig_count(body, "<ProcessName>"), 0);
    free(body);
    refused(&r, "Action=SuspendProcesses&AutoScalingGroupName=g&ScalingProcesses.member.1=Sleep", 400, "ValidationError", "Sleep");
    rig_stop(&r);
}

static void a_hook_is_told_held_and_completed(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    int f = add(&r, "g", 0, 2, 3, false);
    world_group_add_hook(r.world, f, &(struct world_hook_of_group){.name = "drain", .heartbeat_ms = 600000});
    char *body = ok(&r, "Action=DescribeLifecycleHooks&AutoScalingGroupName=g"), form[300];
    assert_string_equal(rig_xml(body, "LifecycleTransition"), "autoscaling:EC2_INSTANCE_TERMINATING");
    assert_string_equal(rig_xml(body, "GlobalTimeout"), "60000");
    free(body);
    const char *id = member_of(&r, f, 0);
    world_group_terminate(r.world, WORLD_PERSON, world_find_instance(r.world, id), true, NULL);
    snprintf(form, sizeof form, "Action=DescribeAutoScalingInstances&InstanceIds.member.1=%s", id);
    body = ok(&r, form);
    assert_string_equal(rig_xml(body, "LifecycleState"), "Terminating:Wait");
    free(body);
    snprintf(form, sizeof form, "Action=RecordLifecycleActionHeartbeat&AutoScalingGroupName=g&LifecycleHookName=drain&InstanceId=%s", id);
    free(ok(&r, form));
    snprintf(form, sizeof form, "Action=CompleteLifecycleAction&AutoScalingGroupName=g&LifecycleHookName=drain&InstanceId=%s&LifecycleActionResult=CONTINUE", id);
    free(ok(&r, form));
    refused(&r, form, 400, "ValidationError", "No active Lifecycle Action found");
    refused(&r, "Action=CompleteLifecycleAction&AutoScalingGroupName=g&LifecycleHookName=no&LifecycleActionToken=t&LifecycleActionResult=CONTINUE", 400,
            "ValidationError", "No Lifecycle Hook");
    rig_stop(&r);
}

static void refreshes_policies_and_warm_pools_are_told(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    int f = add(&r, "g", 0, 2, 3, false);
    char *body = ok(&r, "Action=DescribeInstanceRefreshes&AutoScalingGroupName=g");
    assert_int_equal(rig_count(body, "<Status>"), 0);
    free(body);
    world_group_refresh(r.world, f);
    world_group_add_policy(r.world, f, "cpu60", "TargetTrackingScaling");
    world_group_add_warm(r.world, f, world_type_index(r.world, "m5.large"), 0, WM_WARMED_STOPPED, true);
    body = ok(&r, "Action=DescribeInstanceRefreshes&AutoScalingGroupName=g");
    assert_string_equal(rig_xml(body, "Status"), "Pending");
    free(body);
    body = ok(&r, "Action=DescribePolicies&AutoScalingGroupName=g");
    assert_string_equal(rig_xml(body, "PolicyType"), "TargetTrackingScaling");
    free(body);
    body = ok(&r, "Action=DescribeWarmPool&AutoScalingGroupName=g");
    assert_string_equal(rig_xml(body, "LifecycleState"), "Warmed:Stopped");
    free(body);
    body = ok(&r, "Action=DescribeAutoScalingGroups");
    assert_string_equal(rig_xml(body, "WarmPoolSize"), "1");
    assert_int_equal(rig_count(body, "Warmed:"), 0);
    free(body);
    rig_stop(&r);
}

static void tags_mark_the_owner_and_faults_have_the_services_codes(void **state)
{
    (void)state;
    struct rig r;
    struct err err;
    rig_start(&r, NULL);
    int f = add(&r, "g", 0, 0, 3, false);
    free(ok(&r, "Action=CreateOrUpdateTags&Tags.member.1.ResourceId=g&Tags.member.1.ResourceType=auto-scaling-group&Tags.member.1.Key=masu:owner"
                "&Tags.member.1.Value=me&Tags.member.1.PropagateAtLaunch=false"));
    struct world_fleet fleet = world_view(r.world).fleets[f];
    assert_string_equal(world_tag_value(fleet.tags, fleet.tag_count, "masu:owner"), "me");
    sandbox_add_fault(r.sandbox, &(struct sandbox_fault){"autoscaling:*", SANDBOX_FAULT_THROTTLE, 0, 1}, &err);
    sandbox_add_fault(r.sandbox, &(struct sandbox_fault){"autoscaling:*", SANDBOX_FAULT_500, 0, 1}, &err);
    refused(&r, "Action=DescribeAutoScalingGroups", 400, "Throttling", "Rate exceeded");
    refused(&r, "Action=DescribeAutoScalingGroups", 500, "ResourceContention", "");
    rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_by_attributes_tells_what_it_asks_for_and_launches_only_that),
        cmocka_unit_test(groups_are_told_whole_and_a_spot_fleet_is_none_of_them),
        cmocka_unit_test(groups_come_in_pages),
        cmocka_unit_test(desired_is_set_and_refused_in_words),
        cmocka_unit_test(one_member_is_ended_and_the_minimum_refuses),
        cmocka_unit_test(protection_and_processes_are_set_and_told),
        cmocka_unit_test(a_hook_is_told_held_and_completed),
        cmocka_unit_test(refreshes_policies_and_warm_pools_are_told),
        cmocka_unit_test(tags_mark_the_owner_and_faults_have_the_services_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
