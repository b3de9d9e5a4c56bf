// The rate budget and the endpoints.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scaler/aws/budget.h"
#include "scaler/aws/credentials.h"
#include "scaler/aws/ec2.h"
#include "scaler/aws/ecs.h"
#include "scaler/aws/endpoint.h"
#include "tests/aws/fixture.h"

static void no_minute_uses_more_than_a_quarter(void **state)
{
    (void)state;
    static const struct {
        enum aws_service service;
        const char *operation;
        double burst, refill;  // AWS's
    } cases[] = {
        {AWS_ECS, "DescribeTasks", 100, 20},  {AWS_ECS, "DescribeServices", 100, 20}, {AWS_EC2, "DescribeSpotFleetRequests", 50, 3},
        {AWS_EC2, "TerminateInstances", 100, 5}, {AWS_EC2, "ModifySpotFleetRequest", 50, 5}, {AWS_ECS, "DescribeTaskDefinition", 50, 20},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct aws_budget b = {0};
        int bucket = aws_budget_bucket(cases[i].service, cases[i].operation), taken = 0;
        for (int64_t now_ms = T0_MS; now_ms < T0_MS + 600 * 1000; now_ms += 50)
            for (int urgent = 0; urgent < 2; urgent++)
                while (aws_budget_take(&b, bucket, urgent, now_ms) == 0)
                    taken++;
        double share = (cases[i].burst + cases[i].refill * 600) / 4;
        assert_true(taken <= share);
        assert_true(taken >= share * 0.97 - 2);
    }
}

static void an_urgent_call_goes_while_slow_looks_wait(void **state)
{
    (void)state;
    struct aws_budget b = {0};
    int bucket = aws_budget_bucket(AWS_ECS, "DescribeTasks");
    int normal = 0, urgent = 0;
    while (aws_budget_take(&b, bucket, false, T0_MS) == 0)
        normal++;
    while (aws_budget_take(&b, bucket, true, T0_MS) == 0)
        urgent++;
    assert_int_equal(normal, 20);
    assert_int_equal(urgent, 5);
    int64_t wait_ms = aws_budget_take(&b, bucket, false, T0_MS);
    assert_int_equal(wait_ms, 250);  // a fifth of 5 a second is kept: 4 a second
    assert_true(aws_budget_take(&b, bucket, false, T0_MS + wait_ms - 1) > 0);
    assert_int_equal(aws_budget_take(&b, bucket, false, T0_MS + wait_ms), 0);
}

static void a_throttled_bucket_is_taken_for_empty(void **state)
{
    (void)state;
    struct aws_budget b = {0};
    int bucket = aws_budget_bucket(AWS_ECS, "DescribeTasks");
    aws_budget_empty(&b, bucket, T0_MS);
    assert_true(aws_budget_take(&b, bucket, false, T0_MS) > 0);
    assert_int_equal(aws_budget_take(&b, aws_budget_bucket(AWS_EC2, "CreateTags"), false, T0_MS), 0);
}

static void calls_beyond_the_budget_wait_in_world_time(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    f.s.repeat_last = true;
    scripted_add(&f.s, (struct scripted_reply){.body = "<DescribeSpotFleetInstancesResponse/>", .delay_ms = 1});
    struct ec2_fleet_members members[30];
    for (size_t i = 0; i < ARRAY_LEN(members); i++)  // bucket of ours: 20 at once, then 1 a second
        ec2_describe_spot_fleet_instances(f.with, "sfr-1", &members[i]);
    assert_int_equal(aws_run(f.clients, DEADLINE_MS), 0);
    assert_in_range(f.s.clock.virtual_ms - T0_MS, 9900, 11000);
    assert_int_equal(f.s.request_count, 30);
    size_t n;
    assert_true(aws_stats(f.aws, &n)->wait_ms > 0);
    fixture_end(&f);
}

static void an_urgent_change_passes_a_full_queue(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    f.s.repeat_last = true;
    scripted_add(&f.s, (struct scripted_reply){.body = "{\"containerInstances\":[{\"containerInstanceArn\":\"c\",\"status\":\"DRAINING\"}]}",
                                               .delay_ms = 1000});
    const char *arn = "c";
    struct ecs_container_instances slow[60], fast;
    for (size_t i = 0; i < ARRAY_LEN(slow); i++)
        ecs_describe_container_instances(f.with, "rice", &arn, 1, &slow[i]);
    ecs_set_instance_state((struct aws_with){f.aws, &f.arena, true}, "rice", &arn, 1, "DRAINING", &fast);
    while (fast.call.state == AWS_CALL_OPEN && f.s.clock.virtual_ms < T0_MS + 1001) {
        aws_run(f.clients, T0_MS + 1001);
    }
    assert_int_equal(fast.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(f.s.requests[0].at_ms, T0_MS);
    assert_non_null(strstr(f.s.requests[0].body, "DRAINING"));  // sent before all others
    fixture_end(&f);
}

static void endpoints_follow_the_environment_and_the_partition(void **state)
{
    (void)state;
    static const struct aws_env_pair none[] = {{"HOME", "/"}};
    static const struct aws_env_pair all[] = {{"AWS_ENDPOINT_URL", "http://Localhost:4566"}, {"AWS_ENDPOINT_URL_EC2", "https://x.example/p/"}};
    static const struct {
        const struct aws_env_pair *env;
        size_t count;
        enum aws_service service;
        const char *region, *url, *host;
        bool direct;
    } cases[] = {
        {none, 1, AWS_ECS, "us-east-1", "https://ecs.us-east-1.amazonaws.com/", "ecs.us-east-1.amazonaws.com", false},
        {none, 1, AWS_EC2, "cn-north-1", "https://ec2.cn-north-1.amazonaws.com.cn/", "ec2.cn-north-1.amazonaws.com.cn", false},
        {none, 1, AWS_STS, "us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com/", "sts.us-gov-west-1.amazonaws.com", false},
        {none, 1, AWS_STS, "us-iso-east-1", "https://sts.us-iso-east-1.c2s.ic.gov/", "sts.us-iso-east-1.c2s.ic.gov", false},
        {all, 2, AWS_ECS, "us-east-1", "http://localhost:4566/", "localhost:4566", true},
        {all, 2, AWS_EC2, "us-east-1", "https://x.example/p/", "x.example", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct aws_env env = {cases[i].env, cases[i].count};
        struct aws_endpoint e;
        struct err err = {0};
        assert_int_equal(aws_endpoint_resolve(&env, cases[i].service, cases[i].region, &e, &err), 0);
        assert_string_equal(e.url, cases[i].url);
        assert_string_equal(e.host, cases[i].host);
        assert_int_equal(e.direct, cases[i].direct);
    }
    static const char *const bad[] = {"localhost:4566", "ftp://x", "http://u:p@x", "http://x/?q=1", "http://", "nonsense"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct aws_env_pair pair = {"AWS_ENDPOINT_URL", bad[i]};
        struct aws_env env = {&pair, 1};
        struct aws_endpoint e;
        struct err err = {0};
        assert_int_equal(aws_endpoint_resolve(&env, AWS_ECS, "us-east-1", &e, &err), ERR_INVALID);
        assert_non_null(strstr(err.msg, "AWS_ENDPOINT_URL"));
    }
}

static void regions_have_a_form(void **state)
{
    (void)state;
    assert_true(aws_region_valid("us-east-1"));
    assert_true(aws_region_valid("us-gov-west-1"));
    static const char *const bad[] = {"", "us", "US-EAST-1", "us_east_1", "-us-", "us-east-1.evil.com", "us-east-1/", "a-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(aws_region_valid(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_minute_uses_more_than_a_quarter),
        cmocka_unit_test(an_urgent_call_goes_while_slow_looks_wait),
        cmocka_unit_test(a_throttled_bucket_is_taken_for_empty),
        cmocka_unit_test(calls_beyond_the_budget_wait_in_world_time),
        cmocka_unit_test(an_urgent_change_passes_a_full_queue),
        cmocka_unit_test(endpoints_follow_the_environment_and_the_partition),
        cmocka_unit_test(regions_have_a_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
