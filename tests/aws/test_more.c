// Operations that a look needs seldom: capacity providers, subnets, histories, other scalers, and the end of a ghost.
#include "tests/cm.h"

#include "scaler/aws/autoscaling_app.h"
#include "scaler/aws/ec2_fleets.h"
#include "scaler/aws/ecs_providers.h"
#include "tests/aws/fixture.h"

static void providers_tell_who_scales_their_instances(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "{\"capacityProviders\":[{\"name\":\"a\",\"status\":\"ACTIVE\",\"autoScalingGroupProvider\":{\"autoScalingGroupArn\":"
                            "\"arn:g\",\"managedScaling\":{\"status\":\"ENABLED\"},\"managedDraining\":\"DISABLED\"}},"
                            "{\"name\":\"b\",\"autoScalingGroupProvider\":{\"managedScaling\":{\"status\":\"DISABLED\"},\"managedDraining\":\"ENABLED\"}},"
                            "{\"name\":\"c\",\"type\":\"MANAGED_INSTANCES\"}],\"failures\":[{\"arn\":\"d\",\"reason\":\"MISSING\"}]}");
    const char *names[] = {"a", "b", "c", "d"};
    struct ecs_providers ret;
    ecs_describe_providers(f.with, names, ARRAY_LEN(names), &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(ret.count, 3);
    assert_true(ret.items[0].managed_scaling);
    assert_false(ret.items[0].managed_draining);
    assert_string_equal(ret.items[0].group, "arn:g");
    assert_false(ret.items[1].managed_scaling);
    assert_true(ret.items[1].managed_draining);
    assert_string_equal(ret.items[2].type, "MANAGED_INSTANCES");
    assert_string_equal(ret.failures.items[0].arn, "d");
    assert_string_equal(f.s.requests[0].body, "{\"capacityProviders\":[\"a\",\"b\",\"c\",\"d\"]}");
    fixture_end(&f);
}

static void twelve_providers_are_two_calls(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    const char *names[12];
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        names[i] = arena_printf(&f.arena, "p%zu", i);
    scripted_add_body(&f.s, "{\"capacityProviders\":[]}");
    f.s.repeat_last = true;
    struct ecs_providers ret;
    ecs_describe_providers(f.with, names, ARRAY_LEN(names), &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(f.s.request_count, 2);
    assert_int_equal(ret.call.state, AWS_CALL_PARTIAL);  // neither described nor missing: doubtful
    fixture_end(&f);
}

static void subnets_are_asked_for_by_filter(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "<DescribeSubnetsResponse><subnetSet><item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>"
                            "<availabilityZone>eu-west-1a</availabilityZone><cidrBlock>10.0.4.0/24</cidrBlock><availableIpAddressCount>0</availableIpAddressCount></item>"
                            "<item><subnetId>subnet-2</subnetId><cidrBlock>10.0.0.0/8</cidrBlock></item></subnetSet></DescribeSubnetsResponse>");
    const char *ids[] = {"subnet-1", "subnet-2"};
    struct ec2_subnets ret;
    ec2_describe_subnets(f.with, ids, 2, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_string_equal(ret.items[0].vpc, "vpc-1");
    assert_string_equal(ret.items[0].zone, "eu-west-1a");
    assert_int_equal(ret.items[0].free_addresses, 0);
    assert_int_equal(ret.items[0].addresses, 251);
    assert_int_equal(ret.items[1].free_addresses, -1);  // not told is not none
    assert_int_equal(ret.items[1].addresses, 0);        // no block of a subnet
    assert_string_equal(f.s.requests[0].body, "Action=DescribeSubnets&Version=2016-11-15&Filter.1.Name=subnet-id&Filter.1.Value.1=subnet-1&"
                                              "Filter.1.Value.2=subnet-2&MaxResults=1000");
    fixture_end(&f);
}

static void interrupted_ones_are_asked_for_by_status(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "<DescribeSpotInstanceRequestsResponse><spotInstanceRequestSet><item><spotInstanceRequestId>sir-1"
                            "</spotInstanceRequestId><state>closed</state><status><code>instance-terminated-no-capacity</code>"
                            "<updateTime>2026-02-02T02:40:00.000Z</updateTime></status><instanceId>i-1</instanceId></item>"
                            "<item><status/></item></spotInstanceRequestSet></DescribeSpotInstanceRequestsResponse>");
    struct ec2_spot_requests ret;
    ec2_describe_interrupted(f.with, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(ret.count, 2);
    assert_string_equal(ret.items[0].instance, "i-1");
    assert_string_equal(ret.items[0].status, "instance-terminated-no-capacity");
    assert_int_equal(ret.items[0].status_ms, INT64_C(1770000000000));
    assert_string_equal(ret.items[1].instance, "");
    assert_int_equal(ret.items[1].status_ms, 0);
    assert_non_null(strstr(f.s.requests[0].body, "Action=DescribeSpotInstanceRequests&Version=2016-11-15&Filter.1.Name=status-code&"
                                                 "Filter.1.Value.1=instance-terminated-no-capacity"));
    fixture_end(&f);
}

static void events_that_are_over_or_called_off_are_left_out(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "<DescribeInstanceStatusResponse><instanceStatusSet><item><instanceId>i-1</instanceId><eventsSet><item>"
                            "<code>instance-retirement</code><description>degraded hardware</description><notBefore>2026-02-02T02:40:00.000Z</notBefore></item>"
                            "<item><code>system-reboot</code><description>[Completed] scheduled reboot</description><notBefore>2026-01-02T02:40:00.000Z</notBefore></item>"
                            "</eventsSet></item></instanceStatusSet><nextToken>more</nextToken></DescribeInstanceStatusResponse>");
    scripted_add_body(&f.s, "<DescribeInstanceStatusResponse><instanceStatusSet><item><instanceId>i-2</instanceId><eventsSet><item><code>instance-stop</code>"
                            "<description>[Canceled] degraded</description></item></eventsSet></item><item><instanceId>i-3</instanceId><eventsSet><item>"
                            "<code>system-maintenance</code></item></eventsSet></item></instanceStatusSet></DescribeInstanceStatusResponse>");
    struct ec2_scheduled_events ret;
    ec2_describe_scheduled(f.with, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(ret.count, 2);
    assert_string_equal(ret.items[0].instance, "i-1");
    assert_string_equal(ret.items[0].code, "instance-retirement");
    assert_int_equal(ret.items[0].starts_ms, INT64_C(1770000000000));
    assert_string_equal(ret.items[1].instance, "i-3");
    assert_int_equal(ret.items[1].starts_ms, 0);
    assert_string_equal(f.s.requests[0].body, "Action=DescribeInstanceStatus&Version=2016-11-15&Filter.1.Name=event.code&Filter.1.Value.1=instance-retirement&"
                                              "Filter.1.Value.2=instance-stop&Filter.1.Value.3=instance-reboot&Filter.1.Value.4=system-reboot&"
                                              "Filter.1.Value.5=system-maintenance&MaxResults=1000");
    assert_non_null(strstr(f.s.requests[1].body, "NextToken=more"));
    fixture_end(&f);
}

static void history_of_a_fleet_tells_errors_with_their_time(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "<DescribeSpotFleetRequestHistoryResponse><historyRecordSet><item><timestamp>2026-02-02T02:40:00.000Z</timestamp>"
                            "<eventType>error</eventType><eventInformation><eventSubType>spotInstanceCountLimitExceeded</eventSubType>"
                            "<eventDescription>too many</eventDescription></eventInformation></item></historyRecordSet><nextToken/>"
                            "</DescribeSpotFleetRequestHistoryResponse>");
    struct ec2_fleet_events ret;
    ec2_describe_fleet_history(f.with, "sfr-1", T0_MS - 60000, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(ret.items[0].at_ms, T0_MS);
    assert_string_equal(ret.items[0].kind, "error");
    assert_string_equal(ret.items[0].sub_kind, "spotInstanceCountLimitExceeded");
    assert_string_equal(ret.items[0].description, "too many");
    assert_string_equal(f.s.requests[0].body, "Action=DescribeSpotFleetRequestHistory&Version=2016-11-15&SpotFleetRequestId=sfr-1&"
                                              "StartTime=2026-02-02T02%3A39%3A00Z&MaxResults=1000");
    fixture_end(&f);
}

static void scalable_targets_are_read_page_by_page_from_their_own_service(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "{\"ScalableTargets\":[{\"ResourceId\":\"spot-fleet-request/sfr-1\",\"MinCapacity\":2,\"MaxCapacity\":9}],\"NextToken\":\"t\"}");
    scripted_add_body(&f.s, "{\"ScalableTargets\":[{\"ResourceId\":\"spot-fleet-request/sfr-2\",\"SuspendedState\":{\"DynamicScalingInSuspended\":true,"
                            "\"DynamicScalingOutSuspended\":true,\"ScheduledScalingSuspended\":true}}]}");
    const char *ids[] = {"spot-fleet-request/sfr-1", "spot-fleet-request/sfr-2"};
    struct appscaling_targets ret;
    appscaling_describe_targets(f.with, ids, 2, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(ret.count, 2);
    assert_int_equal(ret.items[0].max, 9);
    assert_false(ret.items[0].suspended);
    assert_true(ret.items[1].suspended);
    assert_string_equal(f.s.requests[0].url, "https://application-autoscaling.eu-west-1.amazonaws.com/");
    assert_non_null(strstr(f.s.requests[0].headers, "X-Amz-Target: AnyScaleFrontendService.DescribeScalableTargets\n"));
    assert_non_null(strstr(f.s.requests[0].headers, "/eu-west-1/application-autoscaling/aws4_request"));
    assert_string_equal(f.s.requests[1].body, "{\"ServiceNamespace\":\"ec2\",\"ScalableDimension\":\"ec2:spot-fleet-request:TargetCapacity\","
                                              "\"MaxResults\":50,\"ResourceIds\":[\"spot-fleet-request/sfr-1\",\"spot-fleet-request/sfr-2\"],"
                                              "\"NextToken\":\"t\"}");
    fixture_end(&f);
}

static void a_scaling_policy_has_a_name(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "{\"ScalingPolicies\":[{\"ResourceId\":\"spot-fleet-request/sfr-1\",\"PolicyName\":\"cpu60\",\"PolicyType\":\"TargetTrackingScaling\"}]}");
    struct appscaling_policies ret;
    appscaling_describe_policies(f.with, "spot-fleet-request/sfr-1", &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_string_equal(ret.items[0].name, "cpu60");
    assert_string_equal(ret.items[0].type, "TargetTrackingScaling");
    fixture_end(&f);
}

static void a_ghost_is_deregistered_by_force_and_asked_for_by_its_ec2_id(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "{\"containerInstance\":{\"containerInstanceArn\":\"arn:ci\",\"status\":\"INACTIVE\"}}");
    scripted_add_body(&f.s, "{\"containerInstanceArns\":[\"arn:ci\"]}");
    struct aws_call gone;
    struct ecs_arns found;
    ecs_deregister_container_instance(f.with, "rice", "arn:ci", &gone);
    ecs_find_container_instances(f.with, "rice", "ec2InstanceId == i-1", &found);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(gone.state, AWS_CALL_COMPLETE);
    assert_int_equal(found.count, 1);
    assert_string_equal(f.s.requests[0].body, "{\"cluster\":\"rice\",\"containerInstance\":\"arn:ci\",\"force\":true}");
    assert_string_equal(f.s.requests[1].body, "{\"cluster\":\"rice\",\"filter\":\"ec2InstanceId == i-1\",\"maxResults\":100}");
    fixture_end(&f);
}

static void a_deregistration_whose_answer_is_lost_is_not_repeated(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add(&f.s, (struct scripted_reply){.kind = SCRIPTED_LOST});
    struct aws_call gone;
    ecs_deregister_container_instance(f.with, "rice", "arn:ci", &gone);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(f.s.request_count, 1);
    assert_int_equal(gone.state, AWS_CALL_FAILED);
    assert_true(gone.timed_out);
    fixture_end(&f);
}

static void broken_answers_are_no_facts(void **state)
{
    (void)state;
    static const char *const json[] = {"{}", "{\"capacityProviders\":{}}", "{\"capacityProviders\":[{}]}", "[]", "{\"capacityProviders\":[1]}", "{\"capac"};
    static const char *const targets[] = {"{}", "{\"ScalableTargets\":[{\"MinCapacity\":1}]}", "{\"ScalableTargets\":[null]}", "x"};
    static const char *const subnets[] = {"<DescribeSubnetsResponse><subnetSet><item/></subnetSet></DescribeSubnetsResponse>", "<DescribeSubnetsRe", "<html/>"};
    const char *name = "a";
    for (size_t i = 0; i < ARRAY_LEN(json) + ARRAY_LEN(targets) + ARRAY_LEN(subnets) + 1; i++) {
        struct fixture f;
        fixture_begin(&f);
        struct ecs_providers p = {.count = 0};
        struct appscaling_targets t = {.count = 0};
        struct ec2_subnets s = {.count = 0};
        struct aws_call gone;
        size_t n = i;
        if (n < ARRAY_LEN(json)) {
            scripted_add_body(&f.s, json[n]);
            ecs_describe_providers(f.with, &name, 1, &p);
        } else if ((n -= ARRAY_LEN(json)) < ARRAY_LEN(targets)) {
            scripted_add_body(&f.s, targets[n]);
            appscaling_describe_targets(f.with, &name, 1, &t);
        } else if ((n -= ARRAY_LEN(targets)) < ARRAY_LEN(subnets)) {
            scripted_add_body(&f.s, subnets[n]);
            ec2_describe_subnets(f.with, &name, 1, &s);
        } else {
            scripted_add_body(&f.s, "{\"containerInstance\":{}}");
            ecs_deregister_container_instance(f.with, "rice", name, &gone);
        }
        f.s.repeat_last = true;
        aws_run(f.clients, DEADLINE_MS);
        const struct aws_call *calls[] = {&p.call, &t.call, &s.call, &gone};
        size_t which = i < ARRAY_LEN(json) ? 0 : i < ARRAY_LEN(json) + ARRAY_LEN(targets) ? 1 : n < ARRAY_LEN(subnets) ? 2 : 3;
        assert_int_equal(calls[which]->state, AWS_CALL_FAILED);
        assert_int_equal(calls[which]->err.kind, ERR_CORRUPT);
        assert_int_equal(p.count + t.count + s.count, 0);
        fixture_end(&f);
    }
}

static void ports_in_use_version_and_task_sets_are_kept(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "{\"containerInstances\":[{\"containerInstanceArn\":\"ci\",\"status\":\"ACTIVE\",\"versionInfo\":{\"agentVersion\":\"1.105.1\"},"
                            "\"remainingResources\":[{\"name\":\"PORTS\",\"type\":\"STRINGSET\",\"stringSetValue\":[\"22\",\"8080\"]},"
                            "{\"name\":\"PORTS_UDP\",\"type\":\"STRINGSET\",\"stringSetValue\":[\"53\"]}]}]}");
    scripted_add_body(&f.s, "{\"services\":[{\"serviceArn\":\"s\",\"serviceName\":\"s\",\"deploymentController\":{\"type\":\"EXTERNAL\"},\"taskSets\":["
                            "{\"id\":\"ecs-svc/1\",\"status\":\"PRIMARY\",\"taskDefinition\":\"td:1\",\"computedDesiredCount\":4,\"runningCount\":3,"
                            "\"pendingCount\":1,\"launchType\":\"EC2\",\"createdAt\":1770000000}]}]}");
    const char *arn = "ci", *service = "s";
    struct ecs_container_instances ci;
    struct ecs_services sv;
    ecs_describe_container_instances(f.with, "rice", &arn, 1, &ci);
    ecs_describe_services(f.with, "rice", &service, 1, &sv);
    aws_run(f.clients, DEADLINE_MS);
    assert_string_equal(ci.items[0].agent_version, "1.105.1");
    assert_int_equal(ci.items[0].remaining.port_count, 2);
    assert_string_equal(ci.items[0].remaining.ports[1], "8080");
    assert_int_equal(ci.items[0].remaining.udp_port_count, 1);
    const struct ecs_task_set *t = &sv.items[0].task_sets[0];
    assert_int_equal(sv.items[0].task_set_count, 1);
    assert_string_equal(t->task_definition, "td:1");
    assert_string_equal(t->launch_type, "EC2");
    assert_int_equal(t->desired, 4);
    assert_int_equal(t->running, 3);
    assert_int_equal(t->pending, 1);
    assert_int_equal(t->created_ms, 1770000000000);
    fixture_end(&f);
}

// One instance launched at 02:40:00 with a volume attached at each of the times.
static bool attached_at(const char *first, const char *second)
{
    struct fixture f;
    fixture_begin(&f);
    struct buf b;
    buf_init(&b, 1 << 16);
    buf_add_str(&b, "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId><instanceState><code>16</code>"
                    "<name>running</name></instanceState><launchTime>2026-02-02T02:40:00.000Z</launchTime><blockDeviceMapping>");
    for (const char *const *at = (const char *const[]){first, second, NULL}; *at; at++)
        buf_printf(&b, "<item><ebs><status>attached</status><attachTime>2026-02-02T%s.000Z</attachTime></ebs></item>", *at);
    buf_add_str(&b, "</blockDeviceMapping></item></instancesSet></item></reservationSet></DescribeInstancesResponse>");
    scripted_add_body(&f.s, buf_str(&b));
    const char *id = "i-1";
    struct ec2_instances ret;
    ec2_describe_instances_by_id(f.with, &id, 1, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.count, 1);
    bool attached = ret.items[0].volume_attached;
    buf_release(&b);
    fixture_end(&f);
    return attached;
}

static void c11_a_volume_attached_after_launch_is_seen(void **state)
{
    (void)state;
    assert_false(attached_at("02:40:01", NULL));
    assert_false(attached_at("02:40:01", "02:40:59"));  // a second volume of the launch
    assert_true(attached_at("02:40:01", "03:10:00"));
}

static void a_fleet_says_which_template_it_launches(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "<DescribeSpotFleetRequestsResponse><spotFleetRequestConfigSet><item><spotFleetRequestId>sfr-1</spotFleetRequestId>"
                            "<spotFleetRequestState>active</spotFleetRequestState><spotFleetRequestConfig><targetCapacity>1</targetCapacity>"
                            "<launchTemplateConfigs><item><launchTemplateSpecification><launchTemplateId>lt-1</launchTemplateId><version>7</version>"
                            "</launchTemplateSpecification><overrides><item><instanceType>m5.large</instanceType></item></overrides></item>"
                            "<item><launchTemplateSpecification><launchTemplateName>rice</launchTemplateName><version>$Latest</version>"
                            "</launchTemplateSpecification><overrides><item><instanceType>c5.large</instanceType></item></overrides></item>"
                            "</launchTemplateConfigs></spotFleetRequestConfig></item></spotFleetRequestConfigSet></DescribeSpotFleetRequestsResponse>");
    const char *id = "sfr-1";
    struct ec2_spot_fleets ret;
    ec2_describe_spot_fleets(f.with, &id, 1, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_string_equal(ret.items[0].overrides[0].launch_template, "lt-1:7");
    assert_string_equal(ret.items[0].overrides[1].launch_template, "");  // named, not by id
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(providers_tell_who_scales_their_instances),
        cmocka_unit_test(twelve_providers_are_two_calls),
        cmocka_unit_test(interrupted_ones_are_asked_for_by_status),
        cmocka_unit_test(events_that_are_over_or_called_off_are_left_out),
        cmocka_unit_test(subnets_are_asked_for_by_filter),
        cmocka_unit_test(history_of_a_fleet_tells_errors_with_their_time),
        cmocka_unit_test(scalable_targets_are_read_page_by_page_from_their_own_service),
        cmocka_unit_test(a_scaling_policy_has_a_name),
        cmocka_unit_test(a_ghost_is_deregistered_by_force_and_asked_for_by_its_ec2_id),
        cmocka_unit_test(a_deregistration_whose_answer_is_lost_is_not_repeated),
        cmocka_unit_test(broken_answers_are_no_facts),
        cmocka_unit_test(ports_in_use_version_and_task_sets_are_kept),
        cmocka_unit_test(c11_a_volume_attached_after_launch_is_seen),
        cmocka_unit_test(a_fleet_says_which_template_it_launches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
