// Each request of a small look fails in turn, in every way a request can fail: what is told must be true, and nothing leaks.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scaler/aws/ec2_fleets.h"
#include "scaler/aws/ecs.h"
#include "tests/aws/fixture.h"

#define REQUESTS 7

// In the order in which the look sends them: three at once, then the pages and batches that follow.
static const char *const good[REQUESTS] = {
    "{\"containerInstanceArns\":[\"c0\"],\"nextToken\":\"t\"}",
    "{\"services\":[{\"serviceArn\":\"s\",\"serviceName\":\"web\"}],\"failures\":[]}",
    "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>i-0</instanceId><instanceState><name>running"
    "</name></instanceState></item></instancesSet></item></reservationSet><nextToken>t</nextToken></DescribeInstancesResponse>",
    "{\"containerInstanceArns\":[\"c1\"]}",
    "<DescribeInstancesResponse/>",
    "{\"containerInstances\":[{\"containerInstanceArn\":\"c0\",\"status\":\"ACTIVE\"},"
    "{\"containerInstanceArn\":\"c1\",\"status\":\"ACTIVE\"}],\"failures\":[]}",
    "<ModifySpotFleetRequestResponse><return>true</return></ModifySpotFleetRequestResponse>",
};
// What becomes of the four results when the n-th request fails for good.
enum { LIST, SERVICES, EC2, DESCRIBE, MODIFY, RESULTS };
static const enum aws_call_state expected[REQUESTS][RESULTS] = {
    {AWS_CALL_FAILED, AWS_CALL_COMPLETE, AWS_CALL_COMPLETE, AWS_CALL_NONE, AWS_CALL_NONE},
    {AWS_CALL_COMPLETE, AWS_CALL_FAILED, AWS_CALL_COMPLETE, AWS_CALL_COMPLETE, AWS_CALL_COMPLETE},
    {AWS_CALL_COMPLETE, AWS_CALL_COMPLETE, AWS_CALL_FAILED, AWS_CALL_NONE, AWS_CALL_NONE},
    {AWS_CALL_PARTIAL, AWS_CALL_COMPLETE, AWS_CALL_COMPLETE, AWS_CALL_NONE, AWS_CALL_NONE},
    {AWS_CALL_COMPLETE, AWS_CALL_COMPLETE, AWS_CALL_PARTIAL, AWS_CALL_NONE, AWS_CALL_NONE},
    {AWS_CALL_COMPLETE, AWS_CALL_COMPLETE, AWS_CALL_COMPLETE, AWS_CALL_FAILED, AWS_CALL_COMPLETE},
    {AWS_CALL_COMPLETE, AWS_CALL_COMPLETE, AWS_CALL_COMPLETE, AWS_CALL_COMPLETE, AWS_CALL_FAILED},
};

static const struct scripted_reply faults[] = {
    {.kind = SCRIPTED_REFUSED},
    {.kind = SCRIPTED_LOST},
    {.kind = SCRIPTED_HANG},
    {.kind = SCRIPTED_LIMIT},
    {.status = 500, .body = ""},
    {.status = 503, .body = "<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>"},
    {.status = 400, .body = "{\"__type\":\"AccessDeniedException\"}"},
    {.status = 200, .body = "{\"cut\":"},
    {.status = 200, .body = "<DescribeInstancesResponse><cut"},
    {.status = 204, .body = ""},
};

static void look(struct fixture *f, enum aws_call_state ret[RESULTS])
{
    static const char *const arn = "s";
    struct ecs_arns list = {0};
    struct ecs_services services = {0};
    struct ec2_instances ec2 = {0};
    struct ecs_container_instances described = {0};
    struct aws_call modify = {.state = AWS_CALL_NONE};
    ecs_list_container_instances(f->with, "rice", &list);
    ecs_describe_services(f->with, "rice", &arn, 1, &services);
    ec2_describe_fleet_instances(f->with, "sfr-1", &ec2);
    assert_int_equal(aws_run(f->clients, DEADLINE_MS), 0);
    if (list.call.state == AWS_CALL_COMPLETE && ec2.call.state == AWS_CALL_COMPLETE) {
        assert_int_equal(list.count, 2);
        assert_int_equal(ec2.count, 1);
        ecs_describe_container_instances(f->with, "rice", list.items, list.count, &described);
        ec2_modify_spot_fleet(f->with, &(struct ec2_fleet_target){"sfr-1", 3, 0, false}, &modify);
        assert_int_equal(aws_run(f->clients, DEADLINE_MS), 0);
    }
    const struct aws_call *calls[RESULTS] = {&list.call, &services.call, &ec2.call, &described.call, &modify};
    for (size_t i = 0; i < RESULTS; i++) {
        ret[i] = calls[i]->state;
        bool wrong = ret[i] == AWS_CALL_FAILED || ret[i] == AWS_CALL_PARTIAL;
        assert_int_equal(calls[i]->err.kind != ERR_OK, wrong);
        assert_int_equal(calls[i]->err.msg[0] != '\0', wrong);
        assert_int_equal(calls[i]->open, 0);
    }
}

static void each_request_fails_in_each_way(void **state)
{
    (void)state;
    static const struct aws_env_pair env[] = {{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "s"}, {"AWS_MAX_ATTEMPTS", "1"}};
    for (size_t n = 0; n < REQUESTS; n++)
        for (size_t k = 0; k < ARRAY_LEN(faults); k++) {
            static struct fixture f;
            fixture_begin_env(&f, env, ARRAY_LEN(env));
            for (size_t i = 0; i < REQUESTS; i++) {
                struct scripted_reply r = i == n ? faults[k] : (struct scripted_reply){.body = good[i]};
                r.delay_ms = 10;  // in order
                if (n == 0 && i == 3)
                    r.body = good[4];  // the first list has no second page then: the other's moves up
                scripted_add(&f.s, r);
            }
            enum aws_call_state got[RESULTS];
            look(&f, got);
            for (size_t i = 0; i < RESULTS; i++) {
                if (got[i] != expected[n][i])
                    print_message("request %zu, fault %zu, result %zu\n", n, k, i);
                assert_int_equal(got[i], expected[n][i]);
            }
            fixture_end(&f);
        }
}

static void each_request_that_fails_once_is_made_good(void **state)
{
    (void)state;
    for (size_t k = 0; k < 6; k++) {  // faults that pass
        if (faults[k].kind == SCRIPTED_LIMIT)
            continue;
        static struct fixture f;
        fixture_begin(&f);
        scripted_add(&f.s, faults[k]);
        scripted_add_body(&f.s, "{\"containerInstanceArns\":[\"c0\"]}");
        struct ecs_arns list;
        ecs_list_container_instances(f.with, "rice", &list);
        assert_int_equal(aws_run(f.clients, DEADLINE_MS), 0);
        assert_int_equal(list.call.state, AWS_CALL_COMPLETE);
        assert_int_equal(list.call.err.kind, ERR_OK);
        fixture_end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_fails_in_each_way),
        cmocka_unit_test(each_request_that_fails_once_is_made_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
