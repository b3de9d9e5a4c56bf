// The rate budget and the endpoints.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "scaler/aws/budget.h"
#include "scaler/aws/credentials.h"
#include "scaler/aws/ec2.h"
#include "scaler/aws/ecs.h"
#include "scaler/aws/endpoint.h"
#include "tests/aws/files.h"
#include "tests/aws/fixture.h"

// Most that some span of the 1/20 s counts holds.
static int most_in(const int *counts, size_t count, size_t span)
{
    int most = 0, sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += counts[i] - (i >= span ? counts[i - span] : 0);
        most = sum > most ? sum : most;
    }
    return most;
}

static void no_minute_and_no_burst_uses_more_than_a_quarter(void **state)
{
    (void)state;
    static const struct {
        enum aws_service service;
        const char *operation;
        double burst, refill;  // AWS's
    } cases[] = {
        {AWS_ECS, "DescribeTasks", 100, 20},  {AWS_ECS, "DescribeServices", 100, 20}, {AWS_EC2, "DescribeSpotFleetRequests", 50, 3},
        {AWS_EC2, "TerminateInstances", 100, 5}, {AWS_EC2, "ModifySpotFleetRequest", 50, 5}, {AWS_ECS, "DescribeTaskDefinition", 50, 20},
        {AWS_ECS, "GetTaskProtection", 200, 80}, {AWS_ECS, "UpdateContainerInstancesState", 100, 40},
    };
    enum { STEPS = 20 * 600 };
    static int counts[STEPS];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct aws_budget b = {0};
        int bucket = aws_budget_bucket(cases[i].service, cases[i].operation), taken = 0;
        memset(counts, 0, sizeof counts);
        for (int step = 0; step < STEPS; step++) {
            if (step > STEPS / 2 && step < STEPS / 2 + 20 * 120)
                continue;  // a pause, in which the bucket fills
            for (int urgent = 0; urgent < 2; urgent++)
                while (aws_budget_take(&b, bucket, urgent, T0_MS + step * 50) == 0)
                    counts[step]++;
            taken += counts[step];
        }
        assert_true(most_in(counts, STEPS, 20 * 60) <= cases[i].refill * 60 / 4);
        assert_true(most_in(counts, STEPS, 20) <= cases[i].burst / 4);
        assert_true(taken >= cases[i].refill * 480 / 4 * 0.65);
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
    assert_int_equal(normal, 16);
    assert_int_equal(urgent, 4);
    int64_t wait_ms = aws_budget_take(&b, bucket, false, T0_MS);
    assert_in_range(wait_ms, 150, 290);  // a fifth of 4.7 a second is kept, and some of a token was left
    assert_true(aws_budget_take(&b, bucket, false, T0_MS + wait_ms - 1) > 0);
    assert_int_equal(aws_budget_take(&b, bucket, false, T0_MS + wait_ms), 0);
}

// How many normal calls a minute of waiting allows.
static int in_a_minute(struct aws_budget *b, int bucket, int64_t from_ms)
{
    int taken = 0;
    for (int64_t now_ms = from_ms; now_ms < from_ms + 60000; now_ms += 50)
        while (aws_budget_take(b, bucket, false, now_ms) == 0)
            taken++;
    return taken;
}

static void j2_a_throttle_halves_the_rate_which_comes_back_slowly(void **state)
{
    (void)state;
    struct aws_budget b = {0};
    int bucket = aws_budget_bucket(AWS_ECS, "DescribeTasks");
    in_a_minute(&b, bucket, T0_MS);
    int full = in_a_minute(&b, bucket, T0_MS + 60000);
    for (int i = 0; i < 16; i++)  // a volley is one throttle
        aws_budget_throttled(&b, bucket, T0_MS + 120000 + i);
    assert_true(aws_budget_take(&b, bucket, false, T0_MS + 120000 + 16) > 0);
    assert_int_equal(aws_budget_take(&b, bucket, true, T0_MS + 120000 + 16), 0);  // notices are not held up
    int halved = in_a_minute(&b, bucket, T0_MS + 120000 + 16);
    assert_in_range(halved, full * 48 / 100, full * 58 / 100);
    for (int i = 0; i < 12; i++)
        in_a_minute(&b, bucket, T0_MS + 180000 + 16 + i * 60000);
    assert_in_range(in_a_minute(&b, bucket, T0_MS + 900016), full - 2, full + 2);
    for (int i = 0; i < 10; i++)
        aws_budget_throttled(&b, bucket, T0_MS + 1000000 + i * 5000);
    assert_true(in_a_minute(&b, bucket, T0_MS + 1050000) >= full / 9);  // never to nothing
    assert_int_equal(aws_budget_take(&b, aws_budget_bucket(AWS_EC2, "CreateTags"), false, T0_MS), 0);
}

static void buckets_are_as_documented(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    const char *path = file_shared(&a, "aws/limits.json");
    if (!path) {
        arena_release(&a);
        skip();
    }
    json_t *root = NULL;
    struct err err = {0};
    assert_int_equal(json_parse(file_read(&a, path), "limits.json", &root, &err), 0);
    const char *name;
    json_t *bucket;
    size_t seen = 0;
    json_object_foreach(json_object_get(json_object_get(root, "ecs"), "buckets"), name, bucket) {
        const json_t *ops = json_object_get(bucket, "ops");
        int first = -1;
        for (size_t i = 0; i < json_array_size(ops); i++) {
            const char *op = json_string_value(json_array_get(ops, i));
            if (!aws_budget_known(AWS_ECS, op))
                continue;  // not an operation of ours
            double burst, refill;
            int ours = aws_budget_bucket(AWS_ECS, op);
            aws_budget_documented(ours, &burst, &refill);
            assert_true(burst == json_number_value(json_object_get(bucket, "burst")));
            assert_true(refill == json_number_value(json_object_get(bucket, "refill")));
            assert_true(first < 0 || first == ours);  // they share it
            first = ours;
            seen++;
        }
    }
    assert_true(seen >= 11);
    json_object_foreach(json_object_get(json_object_get(root, "ec2"), "own"), name, bucket) {
        double burst, refill;
        if (!aws_budget_known(AWS_EC2, name))
            continue;
        aws_budget_documented(aws_budget_bucket(AWS_EC2, name), &burst, &refill);
        assert_true(burst == json_number_value(json_object_get(bucket, "burst")));
        assert_true(refill == json_number_value(json_object_get(bucket, "refill")));
        seen++;
    }
    assert_true(seen >= 16);
    json_decref(root);
    arena_release(&a);
}

static void calls_beyond_the_budget_wait_in_world_time(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    f.s.repeat_last = true;
    scripted_add(&f.s, (struct scripted_reply){.body = "<DescribeSpotFleetInstancesResponse/>", .delay_ms = 1});
    struct ec2_fleet_members members[30];
    for (size_t i = 0; i < ARRAY_LEN(members); i++)  // bucket of ours: 19 at once, then 0.68 a second
        ec2_describe_spot_fleet_instances(f.with, "sfr-1", &members[i]);
    assert_int_equal(aws_run(f.clients, DEADLINE_MS), 0);
    assert_in_range(f.s.clock.virtual_ms - T0_MS, 14000, 17000);
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
    ecs_set_instance_state((struct aws_with){.aws = f.aws, .arena = &f.arena, .urgent = true}, "rice", &arn, 1, "DRAINING", &fast);
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

static void local_hosts_are_known_by_their_parsed_address(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        bool local;
    } cases[] = {
        {"127.0.0.1", true}, {"127.9.9.9", true}, {"localhost", true}, {"LOCALHOST", true}, {"[::1]", true}, {"169.254.169.254", true},
        {"169.254.170.2", true}, {"169.254.170.23", true}, {"[fd00:ec2::254]", true}, {"[fd00:0ec2:0::23]", true}, {"[fe80::1]", true},
        {"169.255.0.1", false}, {"169.254.169.254.example.com", false}, {"localhost.example.com", false}, {"[fd00:ec3::254]", false},
        {"ecs.eu-west-1.amazonaws.com", false}, {"::1", false}, {"[", false}, {"", false}, {"[fd00:ec2::254%25eth0]", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (aws_host_is_local(cases[i].host) != cases[i].local)
            print_message("%s\n", cases[i].host);
        assert_int_equal(aws_host_is_local(cases[i].host), cases[i].local);
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
        cmocka_unit_test(no_minute_and_no_burst_uses_more_than_a_quarter),
        cmocka_unit_test(an_urgent_call_goes_while_slow_looks_wait),
        cmocka_unit_test(j2_a_throttle_halves_the_rate_which_comes_back_slowly),
        cmocka_unit_test(buckets_are_as_documented),
        cmocka_unit_test(calls_beyond_the_budget_wait_in_world_time),
        cmocka_unit_test(an_urgent_change_passes_a_full_queue),
        cmocka_unit_test(endpoints_follow_the_environment_and_the_partition),
        cmocka_unit_test(local_hosts_are_known_by_their_parsed_address),
        cmocka_unit_test(regions_have_a_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
