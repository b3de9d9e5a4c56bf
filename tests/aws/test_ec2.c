// EC2 and the XML below it: requests as sent, pages, order of elements, refusals, on a scripted transport.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scaler/aws/ec2_fleets.h"
#include "scaler/aws/ec2_types.h"
#include "scaler/aws/xml.h"
#include "tests/aws/fixture.h"

#define INSTANCE(id) "<item><instanceState><name>running</name><code>16</code></instanceState><instanceId>" id "</instanceId></item>"
#define INSTANCES(items, token)                                                                                                   \
    "<?xml version=\"1.0\"?><DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><reservationSet><item>" \
    "<ownerId>111122223333</ownerId><instancesSet>" items "</instancesSet></item></reservationSet><nextToken>" token               \
    "</nextToken></DescribeInstancesResponse>"

static void instances_are_read_page_by_page(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, INSTANCES(INSTANCE("i-1"), "a+/="));
    scripted_add_body(&f.s, "<DescribeInstancesResponse><nextToken>b</nextToken></DescribeInstancesResponse>");  // empty, but goes on
    scripted_add_body(&f.s, INSTANCES(INSTANCE("i-2") INSTANCE("i-3"), ""));
    struct ec2_instances ret;
    ec2_describe_fleet_instances(f.with, "sfr-1", &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(ret.count, 3);
    assert_string_equal(ret.items[2].id, "i-3");
    assert_string_equal(ret.items[0].reservation_owner, "111122223333");
    assert_string_equal(f.s.requests[0].body,
                        "Action=DescribeInstances&Version=2016-11-15&MaxResults=1000&Filter.1.Name=tag%3Aaws%3Aec2spot%3Afleet-request-id"
                        "&Filter.1.Value.1=sfr-1&Filter.2.Name=instance-state-name&Filter.2.Value.1=pending&Filter.2.Value.2=running"
                        "&Filter.2.Value.3=shutting-down&Filter.2.Value.4=stopping&Filter.2.Value.5=stopped");
    assert_non_null(strstr(f.s.requests[1].body, "Value.5=stopped&NextToken=a%2B%2F%3D"));
    assert_non_null(strstr(f.s.requests[0].headers, "Content-Type: application/x-www-form-urlencoded; charset=utf-8\n"));
    fixture_end(&f);
}

static void more_ids_than_a_filter_takes_are_split(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    const char *ids[450];
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        ids[i] = arena_printf(&f.arena, "i-%zu", i);
    f.s.repeat_last = true;
    scripted_add_body(&f.s, INSTANCES(INSTANCE("i-1"), ""));
    struct ec2_instances ret;
    ec2_describe_instances_by_id(f.with, ids, ARRAY_LEN(ids), &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(f.s.request_count, 3);
    assert_int_equal(ret.count, 3);
    assert_non_null(strstr(f.s.requests[0].body, "&Filter.1.Name=instance-id&Filter.1.Value.1=i-0&"));
    assert_non_null(strstr(f.s.requests[0].body, "&Filter.1.Value.200=i-199"));
    assert_null(strstr(f.s.requests[0].body, "Value.201"));
    assert_non_null(strstr(f.s.requests[2].body, "&Filter.1.Value.50=i-449"));
    assert_null(strstr(f.s.requests[0].body, "InstanceId."));
    ec2_describe_instances_by_id(f.with, NULL, 0, &ret);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    fixture_end(&f);
}

static void an_instance_in_any_order_of_elements(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(
        &f.s, "<x:DescribeInstancesResponse xmlns:x='u'><new><thing/></new><reservationSet><item><instancesSet><item>"
              "<tagSet><item><value>a &amp; b&#10;&lt;1&gt;</value><key>masu:drain</key></item></tagSet>"
              "<placement><x:availabilityZone>eu-west-1a</x:availabilityZone></placement><instanceLifecycle>spot</instanceLifecycle>"
              "<instanceType>m5.large</instanceType><launchTime>2026-02-02T02:40:00.000Z</launchTime>"
              "<instanceState><name>shutting-down</name><code>272</code><extra/></instanceState>"
              "<stateReason><message>m</message><code>Server.SpotInstanceTermination</code></stateReason>"
              "<instanceId>i-<!-- c -->1</instanceId><subnetId/></item></instancesSet></item></reservationSet></x:DescribeInstancesResponse>");
    struct ec2_instances ret;
    ec2_describe_fleet_instances(f.with, "sfr-1", &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    const struct ec2_instance *i = &ret.items[0];
    assert_string_equal(i->id, "i-1");
    assert_string_equal(i->zone, "eu-west-1a");
    assert_string_equal(i->state, "shutting-down");
    assert_int_equal(i->state_code, 16);  // 272's low byte
    assert_string_equal(i->state_reason, "Server.SpotInstanceTermination");
    assert_int_equal(i->launched_ms, T0_MS);
    assert_string_equal(i->subnet, "");
    assert_string_equal(aws_tag_get(&i->tags, "masu:drain"), "a & b\n<1>");
    fixture_end(&f);
}

static void broken_answers_fail_whole(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "{}",
        "<DescribeInstancesResponse>",
        "<DescribeInstancesResponse><reservationSet><item></reservationSet></DescribeInstancesResponse>",
        "<html><body>proxy login</body></html>",
        "<DescribeSpotFleetRequestsResponse/>",
        "<!DOCTYPE a [<!ENTITY b \"c\">]><DescribeInstancesResponse/>",
        INSTANCES(INSTANCE("i-1") "<item><instanceId>i-2</instanceId></item>", ""),  // one without state
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct fixture f;
        fixture_begin(&f);
        scripted_add_body(&f.s, bodies[i]);
        struct ec2_instances ret;
        ec2_describe_fleet_instances(f.with, "sfr-1", &ret);
        aws_run(f.clients, DEADLINE_MS);
        assert_int_equal(ret.call.state, AWS_CALL_FAILED);
        assert_int_equal(ret.call.err.kind, ERR_CORRUPT);
        assert_int_equal(ret.count, 0);
        fixture_end(&f);
    }
}

static void xml_is_limited_in_depth_and_nodes(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    struct buf b;
    buf_init(&b, 64u << 20);
    const struct xml_node *root;
    struct err err = {0};
    for (int i = 0; i < XML_DEPTH_MAX + 1; i++)
        buf_add_str(&b, "<a>");
    for (int i = 0; i < XML_DEPTH_MAX + 1; i++)
        buf_add_str(&b, "</a>");
    assert_int_equal(xml_parse(buf_slice(&b), &a, &root, &err), ERR_LIMIT);
    assert_int_equal(xml_parse((struct slice){b.data + 3, b.len - 7}, &a, &root, &err), 0);
    buf_clear(&b);
    buf_add_str(&b, "<a>");
    for (unsigned i = 0; i < XML_NODES_MAX; i++)
        buf_add_str(&b, "<b/>");
    buf_add_str(&b, "</a>");
    assert_int_equal(xml_parse(buf_slice(&b), &a, &root, &err), ERR_LIMIT);
    buf_release(&b);
    arena_release(&a);
}

static void spot_fleets_know_weights_of_both_forms(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(
        &f.s, "<DescribeSpotFleetRequestsResponse><spotFleetRequestConfigSet>"
              "<item><spotFleetRequestState>modifying</spotFleetRequestState><spotFleetRequestId>sfr-1</spotFleetRequestId>"
              "<spotFleetRequestConfig><targetCapacity>12</targetCapacity><fulfilledCapacity>13.5</fulfilledCapacity>"
              "<launchTemplateConfigs><item><overrides><item><instanceType>m5.large</instanceType><weightedCapacity>2.5</weightedCapacity>"
              "<subnetId>subnet-1</subnetId><spotPrice>0.05</spotPrice></item><item><instanceRequirements/></item></overrides></item>"
              "<item><overrides><item><instanceType>c5.large</instanceType><availabilityZone>eu-west-1b</availabilityZone></item></overrides>"
              "</item></launchTemplateConfigs></spotFleetRequestConfig></item>"
              "<item><spotFleetRequestId>sfr-2</spotFleetRequestId><spotFleetRequestState>active</spotFleetRequestState>"
              "<spotFleetRequestConfig><targetCapacity>0</targetCapacity><type>request</type><validUntil>2026-02-02T02:40:00Z</validUntil>"
              "<launchSpecifications><item><instanceType>r5.large</instanceType><weightedCapacity>4</weightedCapacity>"
              "<placement><availabilityZone>eu-west-1c</availabilityZone></placement></item></launchSpecifications>"
              "</spotFleetRequestConfig><tagSet><item><key>masu:owner</key><value>x</value></item></tagSet></item>"
              "</spotFleetRequestConfigSet></DescribeSpotFleetRequestsResponse>");
    const char *ids[] = {"sfr-1", "sfr-2"};
    struct ec2_spot_fleets ret;
    ec2_describe_spot_fleets(f.with, ids, 2, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_string_equal(f.s.requests[0].body,
                        "Action=DescribeSpotFleetRequests&Version=2016-11-15&SpotFleetRequestId.1=sfr-1&SpotFleetRequestId.2=sfr-2");
    const struct ec2_spot_fleet *a = &ret.items[0], *b = &ret.items[1];
    assert_string_equal(a->state, "modifying");
    assert_string_equal(a->type, "maintain");
    assert_int_equal(a->target, 12);
    assert_int_equal(a->fulfilled_milli, 13500);
    assert_int_equal(a->override_count, 3);
    assert_int_equal(a->overrides[0].weight_milli, 2500);
    assert_int_equal(a->overrides[0].max_price_usd_micro, 50000);
    assert_string_equal(a->overrides[1].type, "");
    assert_int_equal(a->overrides[1].weight_milli, 1000);
    assert_string_equal(a->overrides[2].zone, "eu-west-1b");
    assert_int_equal(b->target, 0);
    assert_string_equal(b->type, "request");
    assert_int_equal(b->valid_until_ms, T0_MS);
    assert_int_equal(b->overrides[0].weight_milli, 4000);
    assert_string_equal(b->overrides[0].zone, "eu-west-1c");
    assert_string_equal(aws_tag_get(&b->tags, "masu:owner"), "x");
    fixture_end(&f);
}

static void a_fleet_without_target_is_no_fleet_of_zero(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "<DescribeSpotFleetRequestsResponse><spotFleetRequestConfigSet><item><spotFleetRequestId>sfr-1</spotFleetRequestId>"
                            "<spotFleetRequestState>active</spotFleetRequestState></item></spotFleetRequestConfigSet>"
                            "</DescribeSpotFleetRequestsResponse>");
    const char *id = "sfr-1";
    struct ec2_spot_fleets ret;
    ec2_describe_spot_fleets(f.with, &id, 1, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_FAILED);
    fixture_end(&f);
}

static void target_is_always_set_without_termination(void **state)
{
    (void)state;
    static const struct {
        int64_t target, on_demand;
        const char *body;
    } cases[] = {
        {7, 0, "Action=ModifySpotFleetRequest&Version=2016-11-15&SpotFleetRequestId=sfr-1&TargetCapacity=7&ExcessCapacityTerminationPolicy=noTermination"},
        {9, 2, "Action=ModifySpotFleetRequest&Version=2016-11-15&SpotFleetRequestId=sfr-1&TargetCapacity=9&OnDemandTargetCapacity=2"
               "&ExcessCapacityTerminationPolicy=noTermination"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        fixture_begin(&f);
        scripted_add_body(&f.s, "<ModifySpotFleetRequestResponse><return>true</return></ModifySpotFleetRequestResponse>");
        struct aws_call ret;
        ec2_modify_spot_fleet(f.with, &(struct ec2_fleet_target){"sfr-1", cases[i].target, cases[i].on_demand, false}, &ret);
        aws_run(f.clients, DEADLINE_MS);
        assert_int_equal(ret.state, AWS_CALL_COMPLETE);
        assert_string_equal(f.s.requests[0].body, cases[i].body);
        fixture_end(&f);
    }
}

static void ec2_fleets_tell_both_parts_of_the_target(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(
        &f.s, "<DescribeFleetsResponse><fleetSet><item><fleetId>fleet-1</fleetId><fleetState>deleted_running</fleetState><type>maintain</type>"
              "<activityStatus>fulfilled</activityStatus><fulfilledCapacity>13.5</fulfilledCapacity><fulfilledOnDemandCapacity>4</fulfilledOnDemandCapacity>"
              "<launchTemplateConfigs><item><launchTemplateSpecification><launchTemplateId>lt-1</launchTemplateId><version>3</version>"
              "</launchTemplateSpecification><overrides><item><instanceType>m5.large</instanceType><weightedCapacity>2.5</weightedCapacity>"
              "<subnetId>subnet-1</subnetId><maxPrice>0.05</maxPrice></item></overrides></item></launchTemplateConfigs>"
              "<targetCapacitySpecification><totalTargetCapacity>12</totalTargetCapacity><onDemandTargetCapacity>3</onDemandTargetCapacity>"
              "<spotTargetCapacity>9</spotTargetCapacity><defaultTargetCapacityType>spot</defaultTargetCapacityType></targetCapacitySpecification>"
              "<spotOptions><allocationStrategy>price-capacity-optimized</allocationStrategy><maintenanceStrategies><capacityRebalance>"
              "<replacementStrategy>launch-before-terminate</replacementStrategy><terminationDelay>300</terminationDelay></capacityRebalance>"
              "</maintenanceStrategies></spotOptions><validUntil>2026-02-02T02:40:00Z</validUntil>"
              "<tagSet><item><key>Fleet</key><value>web</value></item></tagSet></item>"
              "<item><fleetId>fleet-2</fleetId><fleetState>active</fleetState><targetCapacitySpecification><totalTargetCapacity>5</totalTargetCapacity>"
              "<defaultTargetCapacityType>on-demand</defaultTargetCapacityType></targetCapacitySpecification></item>"
              "</fleetSet></DescribeFleetsResponse>");
    const char *ids[] = {"fleet-1", "fleet-2"};
    struct ec2_spot_fleets ret;
    ec2_describe_ec2_fleets(f.with, ids, 2, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_string_equal(f.s.requests[0].body, "Action=DescribeFleets&Version=2016-11-15&FleetId.1=fleet-1&FleetId.2=fleet-2");
    const struct ec2_spot_fleet *a = &ret.items[0], *b = &ret.items[1];
    assert_string_equal(a->id, "fleet-1");
    assert_string_equal(a->state, "deleted_running");
    assert_int_equal(a->target, 12);
    assert_int_equal(a->on_demand_target, 3);
    assert_int_equal(a->fulfilled_milli, 13500);
    assert_int_equal(a->on_demand_fulfilled_milli, 4000);
    assert_string_equal(a->allocation, "price-capacity-optimized");
    assert_string_equal(a->rebalance, "launch-before-terminate");
    assert_int_equal(a->rebalance_delay_s, 300);
    assert_int_equal(a->valid_until_ms, T0_MS);
    assert_string_equal(aws_tag_get(&a->tags, "Fleet"), "web");
    assert_int_equal(a->overrides[0].weight_milli, 2500);
    assert_string_equal(a->overrides[0].launch_template, "lt-1:3");
    assert_int_equal(b->on_demand_target, 5);  // what neither part names is of the default type
    assert_string_equal(b->type, "maintain");
    fixture_end(&f);
}

static void an_ec2_fleet_gets_both_numbers_and_no_termination(void **state)
{
    (void)state;
    struct fixture f;
    struct aws_call ret;
    fixture_begin(&f);
    scripted_add_body(&f.s, "<ModifyFleetResponse><return>true</return></ModifyFleetResponse>");
    ec2_modify_ec2_fleet(f.with, &(struct ec2_fleet_target){.fleet_id = "fleet-1", .target = 9, .on_demand = 2}, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.state, AWS_CALL_COMPLETE);
    assert_string_equal(f.s.requests[0].body, "Action=ModifyFleet&Version=2016-11-15&FleetId=fleet-1&ExcessCapacityTerminationPolicy=no-termination"
                                              "&TargetCapacitySpecification.TotalTargetCapacity=9&TargetCapacitySpecification.OnDemandTargetCapacity=2"
                                              "&TargetCapacitySpecification.SpotTargetCapacity=7");
    fixture_end(&f);
}

static const struct ec2_launch_pool launch_pools[] = {{"c5.large", "subnet-1"}, {"m5.large", "subnet-2"}};
static const struct aws_tag launch_tags[] = {{"masu:fleet", "web/spare"}};
static const struct ec2_launch a_launch = {.token = "t-1", .launch_template = "lt-1", .version = "$Default", .count = 3, .on_demand = 0, .pools = launch_pools,
                                           .pool_count = 2, .tags = launch_tags, .tag_count = 1};

static void a_launch_tells_what_came_and_what_was_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct ec2_launch_answer ret;
    fixture_begin(&f);
    scripted_add_body(&f.s, "<CreateFleetResponse><fleetId>fleet-9</fleetId>"
                            "<errorSet><item><launchTemplateAndOverrides><overrides><instanceType>c5.large</instanceType><subnetId>subnet-1</subnetId></overrides>"
                            "</launchTemplateAndOverrides><lifecycle>spot</lifecycle><errorCode>InsufficientInstanceCapacity</errorCode></item></errorSet>"
                            "<fleetInstanceSet><item><launchTemplateAndOverrides><overrides><instanceType>m5.large</instanceType><subnetId>subnet-2</subnetId></overrides>"
                            "</launchTemplateAndOverrides><lifecycle>spot</lifecycle><instanceIds><item>i-1</item><item>i-2</item></instanceIds>"
                            "<instanceType>m5.large</instanceType></item></fleetInstanceSet></CreateFleetResponse>");
    ec2_create_fleet(f.with, &a_launch, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_string_equal(f.s.requests[0].body,
                        "Action=CreateFleet&Version=2016-11-15&Type=instant&ClientToken=t-1"
                        "&LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateId=lt-1"
                        "&LaunchTemplateConfigs.1.LaunchTemplateSpecification.Version=%24Default"
                        "&LaunchTemplateConfigs.1.Overrides.1.InstanceType=c5.large&LaunchTemplateConfigs.1.Overrides.1.SubnetId=subnet-1"
                        "&LaunchTemplateConfigs.1.Overrides.2.InstanceType=m5.large&LaunchTemplateConfigs.1.Overrides.2.SubnetId=subnet-2"
                        "&SpotOptions.AllocationStrategy=price-capacity-optimized&TargetCapacitySpecification.TotalTargetCapacity=3"
                        "&TargetCapacitySpecification.OnDemandTargetCapacity=0&TargetCapacitySpecification.SpotTargetCapacity=3"
                        "&TargetCapacitySpecification.DefaultTargetCapacityType=spot"
                        "&TagSpecification.1.ResourceType=fleet&TagSpecification.1.Tag.1.Key=masu%3Afleet&TagSpecification.1.Tag.1.Value=web%2Fspare"
                        "&TagSpecification.2.ResourceType=instance&TagSpecification.2.Tag.1.Key=masu%3Afleet&TagSpecification.2.Tag.1.Value=web%2Fspare");
    assert_string_equal(ret.fleet_id, "fleet-9");
    assert_int_equal(ret.count, 2);
    assert_string_equal(ret.items[1].instance, "i-2");
    assert_string_equal(ret.items[1].type, "m5.large");
    assert_string_equal(ret.items[1].subnet, "subnet-2");
    assert_string_equal(ret.items[1].zone, "");
    assert_int_equal(ret.error_count, 1);
    assert_string_equal(ret.errors[0].type, "c5.large");
    assert_string_equal(ret.errors[0].code, "InsufficientInstanceCapacity");
    fixture_end(&f);
}

static void a_launch_that_timed_out_is_repeated_with_the_same_bytes(void **state)
{
    (void)state;
    struct fixture f;
    struct ec2_launch_answer ret;
    fixture_begin(&f);
    scripted_add(&f.s, (struct scripted_reply){.kind = SCRIPTED_LOST});
    scripted_add_body(&f.s, "<CreateFleetResponse><fleetId>fleet-9</fleetId><fleetInstanceSet><item><instanceIds><item>i-1</item></instanceIds></item>"
                            "</fleetInstanceSet></CreateFleetResponse>");
    ec2_create_fleet(f.with, &a_launch, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(ret.count, 1);
    assert_int_equal(f.s.request_count, 2);
    assert_string_equal(f.s.requests[0].body, f.s.requests[1].body);
    fixture_end(&f);
}

static void a_launch_that_names_no_fleet_or_no_instance_is_corrupt(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "<CreateFleetResponse><fleetInstanceSet/></CreateFleetResponse>",
        "<CreateFleetResponse><fleetId>fleet-9</fleetId><fleetInstanceSet><item><instanceIds><item>sfr-1</item></instanceIds></item></fleetInstanceSet></CreateFleetResponse>",
        "<CreateFleetResponse><fleetId>fleet-9</fleetId><fleetInstanceSet><item><instanceIds><item>i-0123456789012345678901234</item></instanceIds></item></fleetInstanceSet></CreateFleetResponse>",
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct fixture f;
        struct ec2_launch_answer ret;
        fixture_begin(&f);
        scripted_add_body(&f.s, bodies[i]);
        ec2_create_fleet(f.with, &a_launch, &ret);
        aws_run(f.clients, DEADLINE_MS);
        assert_int_equal(ret.call.state, AWS_CALL_FAILED);
        assert_int_equal(ret.call.err.kind, ERR_CORRUPT);
        fixture_end(&f);
    }
}

static void a_change_that_returns_false_did_not_happen(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "<ModifySpotFleetRequestResponse><return>false</return></ModifySpotFleetRequestResponse>");
    struct aws_call ret;
    ec2_modify_spot_fleet(f.with, &(struct ec2_fleet_target){"sfr-1", 1, 0, false}, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.state, AWS_CALL_FAILED);
    fixture_end(&f);
}

static void tags_are_encoded_and_deleted_by_key(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "<CreateTagsResponse><return>true</return></CreateTagsResponse>");
    scripted_add_body(&f.s, "<DeleteTagsResponse/>");
    const char *id = "i-1";
    struct aws_call ret;
    ec2_create_tags(f.with, &id, 1, &(struct aws_tag){"masu:drain", "2026-02-02T02:40:00Z a&b"}, 1, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.state, AWS_CALL_COMPLETE);
    ec2_delete_tags(f.with, &id, 1, &(struct aws_tag){"masu:drain", NULL}, 1, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.state, AWS_CALL_COMPLETE);
    assert_string_equal(f.s.requests[0].body, "Action=CreateTags&Version=2016-11-15&ResourceId.1=i-1&Tag.1.Key=masu%3Adrain"
                                              "&Tag.1.Value=2026-02-02T02%3A40%3A00Z%20a%26b");
    assert_string_equal(f.s.requests[1].body, "Action=DeleteTags&Version=2016-11-15&ResourceId.1=i-1&Tag.1.Key=masu%3Adrain");
    fixture_end(&f);
}

static void an_instance_missing_from_the_answer_of_terminate_is_doubtful(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "<TerminateInstancesResponse><instancesSet><item><instanceId>i-1</instanceId></item></instancesSet></TerminateInstancesResponse>");
    const char *ids[] = {"i-1", "i-2"};
    struct ec2_state_changes ret;
    ec2_terminate_instances(f.with, ids, 2, false, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_FAILED);
    assert_true(ret.call.timed_out);
    assert_string_equal(f.s.requests[0].body, "Action=TerminateInstances&Version=2016-11-15&InstanceId.1=i-1&InstanceId.2=i-2");
    fixture_end(&f);
}

static void an_answer_of_terminate_that_names_nobody_is_an_answer(void **state)
{
    (void)state;
    static const struct { const char *body; enum aws_call_state state; } cases[] = {
        {"<TerminateInstancesResponse><instancesSet/></TerminateInstancesResponse>", AWS_CALL_COMPLETE},
        {"<TerminateInstancesResponse/>", AWS_CALL_FAILED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        fixture_begin(&f);
        scripted_add_body(&f.s, cases[i].body);
        const char *id = "i-1";
        struct ec2_state_changes ret;
        ec2_terminate_instances(f.with, &id, 1, false, &ret);
        aws_run(f.clients, DEADLINE_MS);
        assert_int_equal(ret.call.state, cases[i].state);
        assert_int_equal(ret.count, 0);
        fixture_end(&f);
    }
}

static void a_fleet_may_ask_for_types_by_attributes(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "<DescribeFleetsResponse><fleetSet><item><fleetId>fleet-1</fleetId><fleetState>active</fleetState><type>maintain</type>"
                            "<targetCapacitySpecification><totalTargetCapacity>1</totalTargetCapacity></targetCapacitySpecification>"
                            "<launchTemplateConfigs><item><overrides><item><subnetId>subnet-1</subnetId><instanceRequirements><vCpuCount><min>2</min>"
                            "<max>8</max></vCpuCount><memoryMiB><min>4096</min></memoryMiB><excludedInstanceTypeSet><item>c4.*</item></excludedInstanceTypeSet>"
                            "<instanceGenerationSet><item>current</item></instanceGenerationSet><burstablePerformance>included</burstablePerformance>"
                            "</instanceRequirements></item><item><instanceType>c5.large</instanceType></item></overrides></item></launchTemplateConfigs>"
                            "</item></fleetSet></DescribeFleetsResponse>");
    const char *id = "fleet-1";
    struct ec2_spot_fleets fleets;
    ec2_describe_ec2_fleets(f.with, &id, 1, &fleets);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(fleets.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(fleets.items[0].override_count, 2);
    const struct ec2_fleet_override *o = &fleets.items[0].overrides[0];
    assert_string_equal(o->type, "");
    assert_non_null(o->rules);
    const struct type_facts good = {.name = "c5.large", .arch = "x86_64", .vcpus = 2, .memory_mib = 4096, .current = true};
    struct type_facts t = good;
    assert_null(type_rules_miss(o->rules, &t));
    t.burstable = true;
    assert_null(type_rules_miss(o->rules, &t));
    t.bare_metal = true;  // left out where nothing is said of it
    assert_string_equal(type_rules_miss(o->rules, &t), "bare metal");
    t = good;
    t.vcpus = 9;
    assert_string_equal(type_rules_miss(o->rules, &t), "more vCPUs");
    t = good;
    t.current = false;
    assert_string_equal(type_rules_miss(o->rules, &t), "previous generation");
    t = good;
    t.name = "c4.large";
    assert_string_equal(type_rules_miss(o->rules, &t), "excluded by name");
    assert_null(fleets.items[0].overrides[1].rules);
    fixture_end(&f);
}

static void types_and_prices_are_numbers(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "<DescribeInstanceTypesResponse><instanceTypeSet><item><instanceType>g4dn.xlarge</instanceType>"
                            "<supportedUsageClasses><item>on-demand</item><item>spot</item></supportedUsageClasses>"
                            "<processorInfo><supportedArchitectures><item>i386</item><item>x86_64</item></supportedArchitectures></processorInfo>"
                            "<vCpuInfo><defaultVCpus>4</defaultVCpus></vCpuInfo><memoryInfo><sizeInMiB>16384</sizeInMiB></memoryInfo>"
                            "<gpuInfo><gpus><item><count>1</count></item><item><count>2</count></item></gpus></gpuInfo>"
                            "<networkInfo><maximumNetworkInterfaces>3</maximumNetworkInterfaces></networkInfo></item></instanceTypeSet>"
                            "</DescribeInstanceTypesResponse>");
    scripted_add_body(&f.s, "<DescribeSpotPriceHistoryResponse><spotPriceHistorySet><item><instanceType>m5.large</instanceType>"
                            "<productDescription>Linux/UNIX</productDescription><spotPrice>0.034501</spotPrice>"
                            "<timestamp>2026-02-02T02:40:00.000Z</timestamp><availabilityZone>eu-west-1a</availabilityZone></item>"
                            "</spotPriceHistorySet><nextToken/></DescribeSpotPriceHistoryResponse>");
    const char *name = "m5.large";
    struct ec2_types types;
    struct ec2_prices prices;
    ec2_describe_types(f.with, &name, 1, &types);
    ec2_describe_spot_prices(f.with, &name, 1, T0_MS, &prices);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(types.call.state, AWS_CALL_COMPLETE);
    assert_string_equal(types.items[0].arch, "x86_64");
    assert_int_equal(types.items[0].gpus, 3);
    assert_true(types.items[0].spot);
    assert_int_equal(prices.items[0].usd_micro, 34501);
    assert_int_equal(prices.items[0].since_ms, T0_MS);
    assert_string_equal(f.s.requests[0].body, "Action=DescribeInstanceTypes&Version=2016-11-15&InstanceType.1=m5.large");
    assert_string_equal(f.s.requests[1].body, "Action=DescribeSpotPriceHistory&Version=2016-11-15&InstanceType.1=m5.large&ProductDescription.1="
                                              "Linux%2FUNIX&StartTime=2026-02-02T02%3A40%3A00Z&MaxResults=1000");
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instances_are_read_page_by_page),
        cmocka_unit_test(more_ids_than_a_filter_takes_are_split),
        cmocka_unit_test(an_instance_in_any_order_of_elements),
        cmocka_unit_test(broken_answers_fail_whole),
        cmocka_unit_test(xml_is_limited_in_depth_and_nodes),
        cmocka_unit_test(spot_fleets_know_weights_of_both_forms),
        cmocka_unit_test(ec2_fleets_tell_both_parts_of_the_target),
        cmocka_unit_test(an_ec2_fleet_gets_both_numbers_and_no_termination),
        cmocka_unit_test(a_launch_tells_what_came_and_what_was_refused),
        cmocka_unit_test(a_launch_that_timed_out_is_repeated_with_the_same_bytes),
        cmocka_unit_test(a_launch_that_names_no_fleet_or_no_instance_is_corrupt),
        cmocka_unit_test(a_fleet_without_target_is_no_fleet_of_zero),
        cmocka_unit_test(target_is_always_set_without_termination),
        cmocka_unit_test(a_change_that_returns_false_did_not_happen),
        cmocka_unit_test(tags_are_encoded_and_deleted_by_key),
        cmocka_unit_test(an_instance_missing_from_the_answer_of_terminate_is_doubtful),
        cmocka_unit_test(an_answer_of_terminate_that_names_nobody_is_an_answer),
        cmocka_unit_test(a_fleet_may_ask_for_types_by_attributes),
        cmocka_unit_test(types_and_prices_are_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
