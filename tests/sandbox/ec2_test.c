// EC2's query protocol: every operation, its limits and its refusals, against the world behind it.
#include "tests/sandbox/rig.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"

static void instances_are_described_with_state_zone_and_fleet_tag(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    char form[256];
    snprintf(form, sizeof form, "Action=DescribeInstances&InstanceId.1=%s", rig_instance(&r, 1));
    char *a = rig_query_ok(&r, form);
    assert_int_equal(rig_count(a, "<instanceId>"), 1);
    assert_string_equal(rig_xml(a, "instanceId"), rig_instance(&r, 1));
    assert_string_equal(rig_xml(a, "instanceState"), "<code>16</code><name>running</name>");
    assert_string_equal(rig_xml(a, "availabilityZone"), "us-east-1b");
    assert_string_equal(rig_xml(a, "instanceType"), "m5.large");
    assert_string_equal(rig_xml(a, "instanceLifecycle"), "spot");
    char tag[160];
    snprintf(tag, sizeof tag, "<key>aws:ec2spot:fleet-request-id</key><value>%s</value>", world_view(r.world).fleets[r.fleet].id);
    assert_int_equal(rig_count(a, tag), 1);
    assert_int_equal(rig_count(a, "xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>"), 1);
    free(a);
    rig_stop(&r);
}

static void filters_choose_instances(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    char by_fleet[160], by_id[160];
    snprintf(by_fleet, sizeof by_fleet, "Filter.1.Name=tag%%3Aaws%%3Aec2spot%%3Afleet-request-id&Filter.1.Value.1=%s", world_view(r.world).fleets[r.fleet].id);
    snprintf(by_id, sizeof by_id, "Filter.1.Name=instance-id&Filter.1.Value.1=%s&Filter.1.Value.2=i-0ffffffffffffffff", rig_instance(&r, 2));
    struct {
        const char *filter;
        int count;
    } cases[] = {
        {by_fleet, 4}, {by_id, 1}, {"Filter.1.Name=instance-state-name&Filter.1.Value.1=pending&Filter.1.Value.2=running", 4},
        {"Filter.1.Name=instance-state-name&Filter.1.Value.1=terminated", 0}, {"Filter.1.Name=availability-zone&Filter.1.Value.1=us-east-1a", 2},
        {"Filter.1.Name=tag-key&Filter.1.Value.1=aws%3Aec2spot%3A*", 4}, {"Filter.1.Name=tag%3Aowner&Filter.1.Value.1=me", 0},
        {"Filter.1.Name=instance-type&Filter.1.Value.1=m5.*&Filter.2.Name=availability-zone&Filter.2.Value.1=us-east-1b", 1},
        {"Filter.1.Name=instance-lifecycle&Filter.1.Value.1=spot", 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char form[512];
        snprintf(form, sizeof form, "Action=DescribeInstances&%s", cases[i].filter);
        char *a = rig_query_ok(&r, form);
        if (rig_count(a, "<instanceId>") != cases[i].count)
            print_error("%s\n", cases[i].filter);
        assert_int_equal(rig_count(a, "<instanceId>"), cases[i].count);
        free(a);
    }
    rig_query_refused(&r, "Action=DescribeInstances&Filter.1.Name=colour&Filter.1.Value.1=red", 400, "InvalidParameterValue");
    rig_query_refused(&r, "Action=DescribeInstances&Filter.1.Name=instance-id", 400, "InvalidParameterValue");
    rig_stop(&r);
}

static void one_unknown_id_fails_the_whole_describe(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    char form[256];
    snprintf(form, sizeof form, "Action=DescribeInstances&InstanceId.1=%s&InstanceId.2=i-0ffffffffffffffff", rig_instance(&r, 0));
    rig_query_refused(&r, form, 400, "InvalidInstanceID.NotFound");
    rig_query_refused(&r, "Action=DescribeInstances&InstanceId.1=i-xyz", 400, "InvalidInstanceID.Malformed");
    snprintf(form, sizeof form, "Action=DescribeInstances&MaxResults=10&InstanceId.1=%s", rig_instance(&r, 0));
    rig_query_refused(&r, form, 400, "InvalidParameterCombination");
    rig_query_refused(&r, "Action=DescribeInstances&MaxResults=4", 400, "InvalidParameterValue");
    rig_stop(&r);
}

static void instances_come_in_pages(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    int type = world_type_index(r.world, "m5.large");
    for (int i = 0; i < 9; i++)
        world_add_instance(r.world, r.shop, -1, type, 0);
    rig_pass(&r, 1000);
    char *a = rig_query_ok(&r, "Action=DescribeInstances&MaxResults=10");
    assert_int_equal(rig_count(a, "<instanceId>"), 10);
    char form[256];
    snprintf(form, sizeof form, "Action=DescribeInstances&MaxResults=10&NextToken=%s", rig_xml(a, "nextToken"));
    free(a);
    a = rig_query_ok(&r, form);
    assert_int_equal(rig_count(a, "<instanceId>"), 3);
    assert_string_equal(rig_xml(a, "nextToken"), "");
    free(a);
    rig_query_refused(&r, "Action=DescribeInstances&MaxResults=10&NextToken=made-up", 400, "InvalidPaginationToken");
    rig_stop(&r);
}

static void termination_is_all_or_nothing_and_idempotent(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    char form[256];
    snprintf(form, sizeof form, "Action=TerminateInstances&InstanceId.1=%s&InstanceId.2=i-0ffffffffffffffff", rig_instance(&r, 0));
    rig_query_refused(&r, form, 400, "InvalidInstanceID.NotFound");
    assert_int_equal(world_view(r.world).instances[rig_used(&r, 0)].state.now, WL_RUNNING);
    snprintf(form, sizeof form, "Action=TerminateInstances&InstanceId.1=%s&DryRun=true", rig_instance(&r, 0));
    rig_query_refused(&r, form, 412, "DryRunOperation");
    assert_int_equal(world_view(r.world).instances[rig_used(&r, 0)].state.now, WL_RUNNING);
    snprintf(form, sizeof form, "Action=TerminateInstances&InstanceId.1=%s", rig_instance(&r, 0));
    char *a = rig_query_ok(&r, form);
    assert_string_equal(rig_xml(a, "currentState"), "<code>32</code><name>shutting-down</name>");
    assert_string_equal(rig_xml(a, "previousState"), "<code>16</code><name>running</name>");
    free(a);
    rig_pass(&r, 300000);
    a = rig_query_ok(&r, form);
    assert_string_equal(rig_xml(a, "currentState"), "<code>48</code><name>terminated</name>");
    free(a);
    snprintf(form, sizeof form, "Action=DescribeInstances&InstanceId.1=%s", rig_instance(&r, 0));
    a = rig_query_ok(&r, form);
    assert_int_equal(rig_count(a, "Client.UserInitiatedShutdown</code>"), 1);
    free(a);
    rig_query_refused(&r, "Action=TerminateInstances", 400, "MissingParameter");
    rig_stop(&r);
}

static void tags_are_set_read_back_and_deleted(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    char form[512], describe[256];
    snprintf(form, sizeof form, "Action=CreateTags&ResourceId.1=%s&ResourceId.2=%s&Tag.1.Key=masu%%3Adrain&Tag.1.Value=a%%20%%26%%20b", rig_instance(&r, 0), rig_instance(&r, 1));
    snprintf(describe, sizeof describe, "Action=DescribeInstances&Filter.1.Name=tag%%3Amasu%%3Adrain&Filter.1.Value.1=*");
    char *a = rig_query_ok(&r, form);
    assert_string_equal(rig_xml(a, "return"), "true");
    free(a);
    a = rig_query_ok(&r, describe);
    assert_int_equal(rig_count(a, "<key>masu:drain</key><value>a &amp; b</value>"), 2);
    free(a);
    snprintf(form, sizeof form, "Action=DeleteTags&ResourceId.1=%s&Tag.1.Key=masu%%3Adrain&Tag.1.Value=another", rig_instance(&r, 0));
    free(rig_query_ok(&r, form));
    snprintf(form, sizeof form, "Action=DeleteTags&ResourceId.1=%s&Tag.1.Key=masu%%3Adrain", rig_instance(&r, 1));
    free(rig_query_ok(&r, form));
    a = rig_query_ok(&r, describe);
    assert_int_equal(rig_count(a, "<key>masu:drain</key>"), 1);
    assert_string_equal(rig_xml(a, "instanceId"), rig_instance(&r, 0));
    free(a);
    snprintf(form, sizeof form, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=aws%%3Ax&Tag.1.Value=1", rig_instance(&r, 0));
    rig_query_refused(&r, form, 400, "InvalidParameterValue");
    rig_query_refused(&r, "Action=CreateTags&ResourceId.1=i-0ffffffffffffffff&Tag.1.Key=x&Tag.1.Value=1", 400, "InvalidInstanceID.NotFound");
    rig_query_refused(&r, "Action=CreateTags&ResourceId.1=lala&Tag.1.Key=x&Tag.1.Value=1", 400, "InvalidID");
    snprintf(form, sizeof form, "Action=CreateTags&ResourceId.1=%s", rig_instance(&r, 0));
    rig_query_refused(&r, form, 400, "MissingParameter");
    snprintf(form, sizeof form, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=x&Tag.1.Value=1&DryRun=true", rig_instance(&r, 0));
    rig_query_refused(&r, form, 412, "DryRunOperation");
    rig_stop(&r);
}

static void a_fleet_is_described_tagged_and_modified(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    const char *id = world_view(r.world).fleets[r.fleet].id;
    char form[256], describe[256];
    snprintf(describe, sizeof describe, "Action=DescribeSpotFleetRequests&SpotFleetRequestId.1=%s", id);
    snprintf(form, sizeof form, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=masu%%3Aowner&Tag.1.Value=shop", id);
    free(rig_query_ok(&r, form));
    char *a = rig_query_ok(&r, describe);
    assert_string_equal(rig_xml(a, "spotFleetRequestId"), id);
    assert_string_equal(rig_xml(a, "spotFleetRequestState"), "active");
    assert_string_equal(rig_xml(a, "activityStatus"), "fulfilled");
    assert_string_equal(rig_xml(a, "targetCapacity"), "4");
    assert_string_equal(rig_xml(a, "fulfilledCapacity"), "4.0");
    assert_string_equal(rig_xml(a, "type"), "maintain");
    assert_string_equal(rig_xml(a, "allocationStrategy"), "lowestPrice");
    assert_int_equal(rig_count(a, "<weightedCapacity>2.0</weightedCapacity>"), 1);
    assert_int_equal(rig_count(a, "<item><instanceType>m5.large</instanceType><weightedCapacity>1.0</weightedCapacity></item>"), 1);
    assert_int_equal(rig_count(a, "<key>masu:owner</key><value>shop</value>"), 1);
    free(a);
    snprintf(form, sizeof form, "Action=ModifySpotFleetRequest&SpotFleetRequestId=%s&TargetCapacity=6&ExcessCapacityTerminationPolicy=NoTermination", id);
    a = rig_query_ok(&r, form);
    assert_string_equal(rig_xml(a, "return"), "true");
    free(a);
    a = rig_query_ok(&r, describe);
    assert_string_equal(rig_xml(a, "spotFleetRequestState"), "modifying");
    assert_string_equal(rig_xml(a, "targetCapacity"), "4");
    free(a);
    rig_query_refused(&r, form, 400, "FleetNotInModifiableState");
    rig_pass(&r, 60000);
    a = rig_query_ok(&r, describe);
    assert_string_equal(rig_xml(a, "spotFleetRequestState"), "active");
    assert_string_equal(rig_xml(a, "targetCapacity"), "6");
    assert_string_equal(rig_xml(a, "excessCapacityTerminationPolicy"), "noTermination");
    free(a);
    rig_stop(&r);
}

static void fleet_calls_refuse_what_ec2_refuses(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    const char *id = world_view(r.world).fleets[r.fleet].id;
    static const char *const tails[] = {"&TargetCapacity=-1", "&TargetCapacity=10001", "&TargetCapacity=1.5", "&TargetCapacity=5&ExcessCapacityTerminationPolicy=maybe"};
    char form[256];
    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        snprintf(form, sizeof form, "Action=ModifySpotFleetRequest&SpotFleetRequestId=%s%s", id, tails[i]);
        rig_query_refused(&r, form, 400, "InvalidParameterValue");
    }
    snprintf(form, sizeof form, "Action=ModifySpotFleetRequest&SpotFleetRequestId=%s", id);
    rig_query_refused(&r, form, 400, "MissingParameter");
    snprintf(form, sizeof form, "Action=ModifySpotFleetRequest&SpotFleetRequestId=%s&TargetCapacity=5&DryRun=true", id);
    rig_query_refused(&r, form, 400, "UnknownParameter");  // this operation has no dry run
    rig_query_refused(&r, "Action=ModifySpotFleetRequest&TargetCapacity=5", 400, "MissingParameter");
    rig_query_refused(&r, "Action=ModifySpotFleetRequest&SpotFleetRequestId=sfr-nope&TargetCapacity=5", 400, "InvalidSpotFleetRequestId.NotFound");
    rig_query_refused(&r, "Action=DescribeSpotFleetRequests&SpotFleetRequestId.1=sfr-nope", 400, "InvalidSpotFleetRequestId.NotFound");
    rig_query_refused(&r, "Action=DescribeSpotFleetInstances&SpotFleetRequestId=x", 400, "InvalidSpotFleetRequestId.Malformed");
    rig_stop(&r);
}

static void members_and_history_of_a_fleet_are_told(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    const char *id = world_view(r.world).fleets[r.fleet].id;
    char form[256];
    snprintf(form, sizeof form, "Action=DescribeSpotFleetInstances&SpotFleetRequestId=%s&MaxResults=3", id);
    char *a = rig_query_ok(&r, form);
    assert_int_equal(rig_count(a, "<instanceId>"), 3);
    assert_string_not_equal(rig_xml(a, "nextToken"), "");
    free(a);
    assert_int_equal(world_interrupt(r.world, rig_used(&r, 0)), WORLD_OK);
    rig_pass(&r, 1000);
    snprintf(form, sizeof form, "Action=DescribeSpotFleetRequestHistory&SpotFleetRequestId=%s&StartTime=2026-01-15T00%%3A00%%3A00Z", id);
    a = rig_query_ok(&r, form);
    assert_int_equal(rig_count(a, "<eventSubType>termination_notified</eventSubType>"), 1);
    assert_int_equal(rig_count(a, "<eventType>instanceChange</eventType>") + 1, rig_count(a, "<eventSubType>"));  // submitted is of the fleet
    free(a);
    snprintf(form, sizeof form, "Action=DescribeSpotFleetRequestHistory&SpotFleetRequestId=%s", id);
    rig_query_refused(&r, form, 400, "MissingParameter");
    rig_stop(&r);
}

static void a_pool_without_stock_is_named_in_the_history_of_the_fleet(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    struct world_view v = world_view(r.world);
    for (int p = 0; p < v.pool_count; p++)
        world_set_shortage(r.world, p, INT64_MAX);
    assert_int_equal(world_modify_spot_fleet(r.world, WORLD_PERSON, r.fleet, v.fleets[r.fleet].wanted + 4, -1, WX_NO_TERMINATION), WORLD_OK);
    rig_pass(&r, 60000);
    char form[256];
    snprintf(form, sizeof form, "Action=DescribeSpotFleetRequestHistory&SpotFleetRequestId=%s&StartTime=2026-01-15T00%%3A00%%3A00Z",
             v.fleets[r.fleet].id);
    char *a = rig_query_ok(&r, form);
    assert_int_equal(rig_count(a, "<eventSubType>launchSpecTemporarilyBlacklisted</eventSubType>"), 1);
    assert_int_equal(rig_count(a, "<eventSubType>allLaunchSpecsTemporarilyBlacklisted</eventSubType>"), 1);
    assert_int_equal(rig_count(a, "Error Code: InsufficientInstanceCapacity"), 2);
    assert_true(rig_count(a, "m5.large, ") + rig_count(a, "c5.xlarge, ") == 1);
    assert_true(rig_count(a, "Linux/UNIX, us-east-1") == 1);
    free(a);
    rig_stop(&r);
}

static void a_spot_notice_shows_in_the_spot_request_while_the_instance_runs(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    char *a = rig_query_ok(&r, "Action=DescribeSpotInstanceRequests&Filter.1.Name=status-code&Filter.1.Value.1=instance-terminated-*");
    assert_int_equal(rig_count(a, "<spotInstanceRequestId>"), 0);
    free(a);
    assert_int_equal(world_interrupt(r.world, rig_used(&r, 1)), WORLD_OK);
    rig_pass(&r, 1000);
    a = rig_query_ok(&r, "Action=DescribeSpotInstanceRequests&Filter.1.Name=status-code&Filter.1.Value.1=instance-terminated-*");
    assert_int_equal(rig_count(a, "<spotInstanceRequestId>"), 1);
    assert_string_equal(rig_xml(a, "instanceId"), rig_instance(&r, 1));
    assert_string_equal(rig_xml(a, "code"), "instance-terminated-no-capacity");
    assert_int_equal(world_view(r.world).instances[rig_used(&r, 1)].state.now, WL_RUNNING);
    free(a);
    rig_stop(&r);
}

static void types_offerings_prices_and_zones_are_told(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    char *a = rig_query_ok(&r, "Action=DescribeInstanceTypes&InstanceType.1=m5.large");
    assert_int_equal(rig_count(a, "<instanceType>"), 1);
    assert_string_equal(rig_xml(a, "defaultVCpus"), "2");
    assert_string_equal(rig_xml(a, "sizeInMiB"), "8192");
    assert_string_equal(rig_xml(a, "supportedArchitectures"), "<item>x86_64</item>");
    assert_string_equal(rig_xml(a, "maximumNetworkInterfaces"), "3");
    free(a);
    rig_query_refused(&r, "Action=DescribeInstanceTypes&InstanceType.1=m5.tiny", 400, "InvalidInstanceType");
    rig_query_refused(&r, "Action=DescribeInstanceTypes&MaxResults=101", 400, "InvalidParameterValue");
    a = rig_query_ok(&r, "Action=DescribeSpotPriceHistory&InstanceType.1=m5.large&ProductDescription.1=Linux%2FUNIX&StartTime=2026-01-15T12%3A01%3A00Z");
    int pools = 0;
    struct world_view v = world_view(r.world);
    for (int i = 0; i < v.pool_count; i++)
        pools += v.pools[i].type == world_type_index(r.world, "m5.large");
    assert_int_equal(rig_count(a, "<spotPrice>"), pools);
    assert_int_equal(strncmp(rig_xml(a, "spotPrice"), "0.0", 3), 0);
    assert_int_equal(rig_count(a, "<nextToken></nextToken>"), 1);
    free(a);
    a = rig_query_ok(&r, "Action=DescribeSpotPriceHistory&ProductDescription.1=Windows");
    assert_int_equal(rig_count(a, "<spotPrice>"), 0);
    free(a);
    a = rig_query_ok(&r, "Action=DescribeInstanceTypeOfferings&LocationType=availability-zone&Filter.1.Name=instance-type&Filter.1.Value.1=m5.large");
    assert_int_equal(rig_count(a, "<location>"), pools);
    free(a);
    a = rig_query_ok(&r, "Action=DescribeAvailabilityZones");
    assert_int_equal(rig_count(a, "<zoneName>"), 3);
    free(a);
    a = rig_query_ok(&r, "Action=DescribeRegions");
    assert_string_equal(rig_xml(a, "regionName"), "us-east-1");
    free(a);
    a = rig_query_ok(&r, "Action=DescribeSubnets&Filter.1.Name=availability-zone&Filter.1.Value.1=us-east-1b");
    assert_int_equal(rig_count(a, "<subnetId>"), 1);
    free(a);
    rig_query_refused(&r, "Action=DescribeSubnets&SubnetId.1=subnet-nope", 400, "InvalidSubnetID.NotFound");
    rig_stop(&r);
}

static void status_tells_running_instances_unless_all_are_asked(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    int victim = rig_used(&r, 0);
    assert_int_equal(world_terminate(r.world, WORLD_PERSON, &victim, 1), WORLD_OK);
    char *a = rig_query_ok(&r, "Action=DescribeInstanceStatus");
    assert_int_equal(rig_count(a, "<instanceId>"), 3);
    free(a);
    a = rig_query_ok(&r, "Action=DescribeInstanceStatus&IncludeAllInstances=true");
    assert_true(rig_count(a, "<instanceId>") >= 4);
    free(a);
    rig_stop(&r);
}

static void wrong_names_of_parameters_and_actions_are_refused(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    rig_query_refused(&r, "Action=DescribeInstances&InstanceIds.1=i-1", 400, "UnknownParameter");
    rig_query_refused(&r, "Action=DescribeInstances&InstanceId.member.1=i-1", 400, "UnknownParameter");
    rig_query_refused(&r, "Action=DescribeInstances&Filter.1.Values.1=x", 400, "UnknownParameter");
    rig_query_refused(&r, "Action=MakeCoffee", 400, "InvalidAction");
    rig_query_refused(&r, "Nothing=1", 400, "MissingAction");
    rig_query_refused(&r, "Action=DescribeInstances&DryRun=true", 412, "DryRunOperation");
    rig_query_refused(&r, "Action=DescribeInstances&NextToken=%zz", 400, "MalformedQueryString");
    rig_stop(&r);
}

static void the_caller_is_told_who_it_is(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    struct rig_answer a = rig_query(&r, "sts", "Action=GetCallerIdentity", NULL);
    assert_int_equal(a.status, 200);
    assert_string_equal(rig_xml(a.body, "Account"), "111122223333");
    assert_string_equal(rig_xml(a.body, "Arn"), "arn:aws:iam::111122223333:user/daemon");
    assert_int_equal(rig_count(a.body, "<ResponseMetadata><RequestId>"), 1);
    rig_done(&a);
    rig_stop(&r);
}

#define LAUNCH "Action=CreateFleet&Type=instant&LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateId=lt-0b0c5a4db0c500001" \
    "&LaunchTemplateConfigs.1.LaunchTemplateSpecification.Version=%24Latest&LaunchTemplateConfigs.1.Overrides.1.InstanceType=m5.large" \
    "&LaunchTemplateConfigs.1.Overrides.1.SubnetId=subnet-0b0c5a4db0c500001&LaunchTemplateConfigs.1.Overrides.2.InstanceType=c5.xlarge" \
    "&LaunchTemplateConfigs.1.Overrides.2.SubnetId=subnet-0b0c5a4db0c500002&SpotOptions.AllocationStrategy=price-capacity-optimized" \
    "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=masu%3Afleet&TagSpecification.1.Tag.1.Value=shop%2Fspare" \
    "&TargetCapacitySpecification.DefaultTargetCapacityType=spot"
#define COUNT "&TargetCapacitySpecification.TotalTargetCapacity="

static void a_fleet_of_type_instant_launches_at_once_and_once_a_token(void **state)
{
    (void)state;
    struct rig r;
    char form[1600], id[64];
    rig_start(&r, NULL);
    char *a = rig_query_ok(&r, LAUNCH COUNT "3&ClientToken=one");
    snprintf(id, sizeof id, "%s", rig_xml(a, "fleetId"));
    assert_int_equal(rig_count(a, "<item>i-"), 3);
    assert_int_equal(rig_count(a, "<errorCode>"), 0);
    char *again = rig_query_ok(&r, LAUNCH COUNT "3&ClientToken=one");
    assert_string_equal(rig_xml(again, "fleetId"), id);
    assert_int_equal(rig_count(again, "<item>i-"), 3);
    rig_query_refused(&r, LAUNCH COUNT "4&ClientToken=one", 400, "IdempotentParameterMismatch");
    free(again);
    free(a);
    rig_pass(&r, 60000);
    a = rig_query_ok(&r, "Action=DescribeInstances&Filter.1.Name=tag%3Amasu%3Afleet&Filter.1.Value.1=shop%2Fspare");
    assert_int_equal(rig_count(a, "<instanceId>"), 3);
    assert_int_equal(rig_count(a, "<key>aws:ec2:fleet-id</key>"), 3);
    free(a);
    a = rig_query_ok(&r, "Action=DescribeFleets");
    assert_int_equal(rig_count(a, id), 0);  // only its id shows one of type instant
    free(a);
    snprintf(form, sizeof form, "Action=DescribeFleets&FleetId.1=%s", id);
    a = rig_query_ok(&r, form);
    assert_string_equal(rig_xml(a, "type"), "instant");
    assert_string_equal(rig_xml(a, "clientToken"), "one");
    assert_int_equal(rig_count(a, "<item>i-"), 3);
    free(a);
    snprintf(form, sizeof form, "Action=DescribeFleetInstances&FleetId=%s", id);
    rig_query_refused(&r, form, 400, "InvalidParameterValue");
    snprintf(form, sizeof form, "Action=ModifyFleet&FleetId=%s&TargetCapacitySpecification.TotalTargetCapacity=4", id);
    rig_query_refused(&r, form, 400, "FleetNotInModifiableState");
    rig_stop(&r);
}

static void a_launch_says_which_pools_had_nothing(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    struct world_view v = world_view(r.world);
    int small = world_type_index(r.world, "m5.large"), other = world_type_index(r.world, "c5.xlarge");
    for (int p = 0; p < v.pool_count; p++)
        if (v.pools[p].type == small && v.pools[p].zone == 0)
            world_set_shortage(r.world, p, INT64_MAX);
    char *a = rig_query_ok(&r, LAUNCH COUNT "2&ClientToken=two");
    assert_int_equal(rig_count(a, "<item>i-"), 2);
    free(a);
    for (int p = 0; p < v.pool_count; p++)
        if (v.pools[p].type == other && v.pools[p].zone == 1)
            world_set_shortage(r.world, p, INT64_MAX);
    a = rig_query_ok(&r, LAUNCH COUNT "2&ClientToken=three");
    assert_int_equal(rig_count(a, "<item>i-"), 0);
    assert_int_equal(rig_count(a, "<errorCode>InsufficientInstanceCapacity</errorCode>"), 2);
    free(a);
    a = rig_query_ok(&r, LAUNCH COUNT "2&TargetCapacitySpecification.OnDemandTargetCapacity=2&ClientToken=four");
    assert_int_equal(rig_count(a, "<item>i-"), 2);
    assert_int_equal(rig_count(a, "<lifecycle>on-demand</lifecycle>"), 1);
    free(a);
    rig_query_refused(&r, "Action=CreateFleet&Type=instant" COUNT "1", 400, "MissingParameter");
    rig_query_refused(&r, LAUNCH, 400, "MissingParameter");
    rig_query_refused(&r, LAUNCH COUNT "1&DryRun=true", 412, "DryRunOperation");
    rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fleet_of_type_instant_launches_at_once_and_once_a_token),
        cmocka_unit_test(a_launch_says_which_pools_had_nothing),
        cmocka_unit_test(instances_are_described_with_state_zone_and_fleet_tag),
        cmocka_unit_test(filters_choose_instances),
        cmocka_unit_test(one_unknown_id_fails_the_whole_describe),
        cmocka_unit_test(instances_come_in_pages),
        cmocka_unit_test(termination_is_all_or_nothing_and_idempotent),
        cmocka_unit_test(tags_are_set_read_back_and_deleted),
        cmocka_unit_test(a_fleet_is_described_tagged_and_modified),
        cmocka_unit_test(fleet_calls_refuse_what_ec2_refuses),
        cmocka_unit_test(members_and_history_of_a_fleet_are_told),
        cmocka_unit_test(a_pool_without_stock_is_named_in_the_history_of_the_fleet),
        cmocka_unit_test(a_spot_notice_shows_in_the_spot_request_while_the_instance_runs),
        cmocka_unit_test(types_offerings_prices_and_zones_are_told),
        cmocka_unit_test(status_tells_running_instances_unless_all_are_asked),
        cmocka_unit_test(wrong_names_of_parameters_and_actions_are_refused),
        cmocka_unit_test(the_caller_is_told_who_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
