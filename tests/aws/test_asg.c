// Auto Scaling groups: what is read, what is sent, and what is not sent again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scaler/aws/autoscaling.h"
#include "tests/aws/files.h"
#include "tests/aws/fixture.h"

static void the_shared_sample_of_a_group_is_read_right(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    const char *path = file_shared(&f.arena, "aws/responses/autoscaling-describe-groups.xml");
    if (!path) {
        fixture_end(&f);
        skip();
    }
    struct slice body = file_read(&f.arena, path);
    scripted_add(&f.s, (struct scripted_reply){.status = 200, .body = body.ptr, .body_len = body.len});
    // the sample says that a page follows
    scripted_add_body(&f.s, "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups/></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>");
    const char *name = "demo-asg";
    struct asg_groups ret;
    asg_describe_groups(f.with, &name, 1, &ret);
    aws_run(f.clients, DEADLINE_MS);
    if (ret.call.state != AWS_CALL_COMPLETE)
        fail_msg("%s", ret.call.err.msg);
    assert_int_equal(ret.count, 1);
    const struct asg_group *g = &ret.items[0];
    assert_int_equal(g->max, 10);
    assert_int_equal(g->desired, 2);
    assert_true(g->protects_new);
    assert_int_equal(g->zone_count, 2);
    assert_string_equal(g->zones[1], "us-east-1b");
    assert_int_equal(g->instance_count, 2);
    assert_true(g->instances[0].protected_from_scale_in);
    assert_string_equal(g->instances[1].lifecycle, "Terminating:Wait");
    assert_int_equal(g->instances[1].weight_milli, 1000);
    assert_true(asg_suspended(g, "AZRebalance"));
    assert_false(asg_suspended(g, "Launch"));
    assert_false(g->mixed);
    assert_string_equal(aws_tag_get(&g->tags, "AmazonECSManaged"), "");
    assert_non_null(strstr(f.s.requests[0].headers, "/autoscaling/aws4_request"));
    assert_string_equal(f.s.requests[0].url, "https://autoscaling.eu-west-1.amazonaws.com/");
    fixture_end(&f);
}

static void a_mixed_group_may_ask_for_types_by_attributes_in_each_of_its_zones(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s,
        "<DescribeAutoScalingGroupsResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><DescribeAutoScalingGroupsResult><AutoScalingGroups><mem"
        "ber><AutoScalingGroupName>g</AutoScalingGroupName><MinSize>0</MinSize><MaxSize>9</MaxSize><DesiredCapacity>0</DesiredCapacity><AvailabilityZones><memb"
        "er>us-east-1a</member><member>us-east-1b</member></AvailabilityZones><MixedInstancesPolicy><LaunchTemplate><LaunchTemplateSpecification><LaunchTemplat"
        "eId>lt-1</LaunchTemplateId><Version>3</Version></LaunchTemplateSpecification><Overrides><member><WeightedCapacity>2</WeightedCapacity><InstanceRequire"
        "ments><VCpuCount><Min>2</Min><Max>8</Max></VCpuCount><MemoryMiB><Min>4096</Min></MemoryMiB><InstanceGenerations><member>current</member></InstanceGene"
        "rations><BurstablePerformance>included</BurstablePerformance><ExcludedInstanceTypes><member>m5.*</member><member>r*</member></ExcludedInstanceTypes></"
        "InstanceRequirements></member></Overrides></LaunchTemplate></MixedInstancesPolicy></member></AutoScalingGroups></DescribeAutoScalingGroupsResult></Des"
        "cribeAutoScalingGroupsResponse>");
    const char *name = "g";
    struct ec2_spot_fleets ret;
    asg_describe_as_fleets(f.with, &name, 1, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(ret.items[0].override_count, 2);
    for (int z = 0; z < 2; z++) {
        const struct ec2_fleet_override *o = &ret.items[0].overrides[z];
        assert_string_equal(o->type, "");
        assert_string_equal(o->zone, z ? "us-east-1b" : "us-east-1a");
        assert_string_equal(o->launch_template, "lt-1:3");
        assert_int_equal(o->weight_milli, 2000);
        assert_non_null(o->rules);
        assert_int_equal(o->rules->vcpus_min, 2);
        assert_int_equal(o->rules->vcpus_max, 8);
        assert_int_equal(o->rules->memory_min_mib, 4096);
        assert_int_equal(o->rules->burstable, TRAIT_INCLUDED);
        assert_int_equal(o->rules->bare_metal, TRAIT_EXCLUDED);
        assert_int_equal(o->rules->previous, TRAIT_EXCLUDED);
        assert_int_equal(o->rules->except_count, 2);
        assert_string_equal(o->rules->except[1], "r*");
    }
    fixture_end(&f);
}

static void a_busy_group_is_a_conflict(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_error(&f.s, 400, "<ErrorResponse><Error><Type>Sender</Type><Code>ScalingActivityInProgress</Code><Message>busy</Message></Error></ErrorResponse>");
    struct aws_call call;
    asg_set_desired(f.with, "g", 7, &call);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(call.err.kind, ERR_CONFLICT);
    assert_int_equal(f.s.request_count, 1);
    assert_null(strstr(f.s.requests[0].body, "HonorCooldown"));
    fixture_end(&f);
}

static void terminate_is_sent_once_whatever_the_answer(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *code;
    } answers[] = {{500, "ResourceContention"}, {400, "Throttling"}, {500, "InternalFailure"}, {503, "ServiceUnavailable"}};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct fixture f;
        fixture_begin(&f);
        scripted_add_error(&f.s, answers[i].status, arena_printf(&f.arena, "<ErrorResponse><Error><Code>%s</Code><Message>m</Message></Error></ErrorResponse>", answers[i].code));
        f.s.repeat_last = true;
        struct aws_call call;
        asg_terminate(f.with, "i-1", true, &call);
        aws_run(f.clients, DEADLINE_MS);
        assert_int_equal(call.state, AWS_CALL_FAILED);
        assert_int_equal(f.s.request_count, 1);
        fixture_end(&f);
    }
}

static void what_is_not_as_it_should_be_is_corrupt(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "<DescribeAutoScalingGroupsResponse/>",
        "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups><member><AutoScalingGroupName>g</AutoScalingGroupName></member></AutoScalingGroups></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>",
        "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups><member><AutoScalingGroupName>g</AutoScalingGroupName><MinSize>0</MinSize><MaxSize>1</MaxSize>"
        "<DesiredCapacity>1</DesiredCapacity><Instances><member><InstanceId>i-1</InstanceId></member></Instances></member></AutoScalingGroups></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>",
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct fixture f;
        fixture_begin(&f);
        scripted_add_body(&f.s, bodies[i]);
        const char *name = "g";
        struct asg_groups ret;
        asg_describe_groups(f.with, &name, 1, &ret);
        aws_run(f.clients, DEADLINE_MS);
        assert_int_equal(ret.call.err.kind, ERR_CORRUPT);
        assert_int_equal(ret.count, 0);
        fixture_end(&f);
    }
}

static void a_refresh_ends_only_with_a_word_that_says_so(void **state)
{
    (void)state;
    assert_true(asg_refresh_runs("Pending"));
    assert_true(asg_refresh_runs("RollbackInProgress"));
    assert_true(asg_refresh_runs("Frobnicating"));
    assert_false(asg_refresh_runs("Successful"));
    assert_false(asg_refresh_runs("RollbackSuccessful"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shared_sample_of_a_group_is_read_right),
        cmocka_unit_test(a_mixed_group_may_ask_for_types_by_attributes_in_each_of_its_zones),
        cmocka_unit_test(a_busy_group_is_a_conflict),
        cmocka_unit_test(terminate_is_sent_once_whatever_the_answer),
        cmocka_unit_test(what_is_not_as_it_should_be_is_corrupt),
        cmocka_unit_test(a_refresh_ends_only_with_a_word_that_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
