// Token buckets, faults by order, and what the sandbox remembers of the calls.
#include "tests/sandbox/rig.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"

static void order(struct rig *r, const char *operation, enum sandbox_fault_kind kind, int countdown, int repeat)
{
    struct sandbox_fault f = {operation, kind, countdown, repeat};
    struct err err = {0};
    assert_int_equal(sandbox_add_fault(r->sandbox, &f, &err), 0);
}

static int64_t calls_of(struct rig *r, const char *operation, int64_t *ret_throttled)
{
    struct sandbox_call_count counts[64];
    size_t n = sandbox_calls(r->sandbox, counts, ARRAY_LEN(counts));
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            assert_true(strcmp(counts[i - 1].operation, counts[i].operation) < 0);
        if (strcmp(counts[i].operation, operation) == 0) {
            if (ret_throttled != NULL)
                *ret_throttled = counts[i].throttled;
            return counts[i].calls;
        }
    }
    return 0;
}

static void a_bucket_empties_at_its_burst_and_refills_in_world_time(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    for (int i = 0; i < 50; i++)
        free(rig_query_ok(&r, "Action=DescribeSpotFleetRequests"));
    rig_query_refused(&r, "Action=DescribeSpotFleetRequests", 503, "RequestLimitExceeded");
    rig_pass(&r, 1000);
    for (int i = 0; i < 3; i++)
        free(rig_query_ok(&r, "Action=DescribeSpotFleetRequests"));
    rig_query_refused(&r, "Action=DescribeSpotFleetRequests", 503, "RequestLimitExceeded");
    int64_t throttled = 0;
    assert_int_equal(calls_of(&r, "ec2:DescribeSpotFleetRequests", &throttled), 55);
    assert_int_equal(throttled, 2);
    rig_stop(&r);
}

static void reads_of_cluster_resources_share_one_bucket(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    for (int i = 0; i < 50; i++) {
        json_decref(rig_ecs_ok(&r, "ListTasks", "{\"cluster\":\"shop\"}"));
        json_decref(rig_ecs_ok(&r, "ListContainerInstances", "{\"cluster\":\"shop\"}"));
    }
    rig_ecs_refused(&r, "DescribeTasks", "{\"cluster\":\"shop\",\"tasks\":[\"x\"]}", "ThrottlingException");
    json_decref(rig_ecs_ok(&r, "ListServices", "{\"cluster\":\"shop\"}"));
    rig_stop(&r);
}

static void unfiltered_describes_of_instances_have_a_smaller_bucket(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    for (int i = 0; i < 50; i++)
        free(rig_query_ok(&r, "Action=DescribeInstances"));
    rig_query_refused(&r, "Action=DescribeInstances", 503, "RequestLimitExceeded");
    free(rig_query_ok(&r, "Action=DescribeInstances&MaxResults=100"));
    rig_stop(&r);
}

static void an_unlimited_sandbox_never_throttles(void **state)
{
    (void)state;
    struct rig r;
    struct sandbox_options o = {.unlimited = true};
    rig_start(&r, &o);
    for (int i = 0; i < 120; i++)
        json_decref(rig_ecs_ok(&r, "ListClusters", "{}"));
    rig_stop(&r);
}

static void errors_by_order_come_after_the_countdown_and_as_often_as_told(void **state)
{
    (void)state;
    static const struct {
        enum sandbox_fault_kind kind;
        int status;
        const char *code;
    } cases[] = {{SANDBOX_FAULT_THROTTLE, 400, "ThrottlingException"}, {SANDBOX_FAULT_500, 500, "ServerException"},
                 {SANDBOX_FAULT_503, 503, "ServiceUnavailableException"}, {SANDBOX_FAULT_DENIED, 400, "AccessDeniedException"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rig r;
        rig_start(&r, NULL);
        order(&r, "ecs:List*", cases[i].kind, 1, 2);
        json_decref(rig_ecs_ok(&r, "ListClusters", "{}"));
        for (int k = 0; k < 2; k++) {
            struct rig_answer a = rig_ecs(&r, "ListClusters", "{}", NULL);
            assert_int_equal(a.status, cases[i].status);
            assert_string_equal(json_string_value(json_object_get(a.json, "__type")), cases[i].code);
            rig_done(&a);
        }
        json_decref(rig_ecs_ok(&r, "ListClusters", "{}"));
        json_decref(rig_ecs_ok(&r, "DescribeClusters", "{}"));
        rig_stop(&r);
    }
}

static char *modify_form(struct rig *r, int target)
{
    static char form[256];
    snprintf(form, sizeof form, "Action=ModifySpotFleetRequest&SpotFleetRequestId=%s&TargetCapacity=%d&ExcessCapacityTerminationPolicy=noTermination",
             world_view(r->world).fleets[r->fleet].id, target);
    return form;
}

static void a_timeout_before_has_no_effect_and_one_after_has(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    order(&r, "ec2:ModifySpotFleetRequest", SANDBOX_FAULT_TIMEOUT_BEFORE, 0, 1);
    struct rig_answer a = rig_query(&r, "ec2", modify_form(&r, 6), NULL);
    assert_int_equal(a.delivery, SANDBOX_LOST);
    assert_int_equal(world_view(r.world).fleets[r.fleet].wanted, 4);
    rig_done(&a);
    order(&r, "ec2:ModifySpotFleetRequest", SANDBOX_FAULT_TIMEOUT_AFTER, 0, 1);
    a = rig_query(&r, "ec2", modify_form(&r, 6), NULL);
    assert_int_equal(a.delivery, SANDBOX_LOST);
    assert_int_equal(world_view(r.world).fleets[r.fleet].wanted, 6);
    rig_done(&a);
    struct sandbox_change log[4];
    assert_int_equal(sandbox_changes(r.sandbox, log, 4), 2);
    assert_true(log[0].lost && log[1].lost);
    assert_string_not_equal(log[0].error, "");
    assert_string_equal(log[1].error, "");
    rig_stop(&r);
}

static void broken_answers_are_truncated_or_garbage(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    order(&r, "ecs:ListClusters", SANDBOX_FAULT_TRUNCATED, 0, 1);
    struct rig_answer a = rig_ecs(&r, "ListClusters", "{}", NULL);
    assert_int_equal(a.delivery, SANDBOX_TRUNCATED);
    rig_done(&a);
    sandbox_clear_faults(r.sandbox);
    order(&r, "ecs:ListClusters", SANDBOX_FAULT_GARBAGE, 0, -1);
    for (int i = 0; i < 3; i++) {
        a = rig_ecs(&r, "ListClusters", "{}", NULL);
        assert_int_equal(a.status, 200);
        assert_null(a.json);
        rig_done(&a);
    }
    sandbox_clear_faults(r.sandbox);
    json_decref(rig_ecs_ok(&r, "ListClusters", "{}"));
    rig_stop(&r);
}

static void a_stale_read_repeats_the_last_equal_answer(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    order(&r, "ec2:DescribeSpotFleetRequests", SANDBOX_FAULT_STALE, 1, 1);
    char *before = rig_query_ok(&r, "Action=DescribeSpotFleetRequests");
    free(rig_query_ok(&r, modify_form(&r, 6)));
    rig_pass(&r, 60000);
    char *stale = rig_query_ok(&r, "Action=DescribeSpotFleetRequests"), *fresh = rig_query_ok(&r, "Action=DescribeSpotFleetRequests");
    assert_string_equal(before, stale);
    assert_string_equal(rig_xml(fresh, "targetCapacity"), "6");
    free(before);
    free(stale);
    free(fresh);
    rig_stop(&r);
}

static void a_partial_answer_names_what_it_leaves_out_and_changes_nothing_there(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    char body[1024];
    snprintf(body, sizeof body, "{\"cluster\":\"shop\",\"status\":\"DRAINING\",\"containerInstances\":[\"%s\",\"%s\",\"%s\"]}", rig_container(&r, 0),
             rig_container(&r, 1), rig_container(&r, 2));
    order(&r, "ecs:UpdateContainerInstancesState", SANDBOX_FAULT_PARTIAL, 0, 1);
    json_t *a = rig_ecs_ok(&r, "UpdateContainerInstancesState", body);
    assert_int_equal(json_array_size(json_object_get(a, "containerInstances")), 2);
    json_t *f = json_array_get(json_object_get(a, "failures"), 0);
    assert_string_equal(json_string_value(json_object_get(f, "arn")), rig_container(&r, 1));
    assert_string_equal(json_string_value(json_object_get(f, "reason")), "MISSING");
    assert_int_equal(world_view(r.world).instances[rig_used(&r, 1)].status.now, WE_ACTIVE);
    assert_int_equal(world_view(r.world).instances[rig_used(&r, 2)].status.now, WE_DRAINING);
    json_decref(a);
    order(&r, "ecs:DescribeServices", SANDBOX_FAULT_PARTIAL, 0, 1);
    a = rig_ecs_ok(&r, "DescribeServices", "{\"cluster\":\"shop\",\"services\":[\"web\"]}");
    assert_int_equal(json_array_size(json_object_get(a, "services")), 0);
    assert_int_equal(json_array_size(json_object_get(a, "failures")), 1);
    json_decref(a);
    a = rig_ecs_ok(&r, "DescribeServices", "{\"cluster\":\"shop\",\"services\":[\"web\"]}");
    assert_int_equal(json_array_size(json_object_get(a, "services")), 1);
    json_decref(a);
    rig_stop(&r);
}

static void an_empty_page_with_a_token_comes_when_ordered(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    order(&r, "ecs:ListContainerInstances", SANDBOX_FAULT_EMPTY_PAGE, 0, 1);
    json_t *a = rig_ecs_ok(&r, "ListContainerInstances", "{\"cluster\":\"shop\"}");
    assert_int_equal(json_array_size(json_object_get(a, "containerInstanceArns")), 0);
    char body[256];
    snprintf(body, sizeof body, "{\"cluster\":\"shop\",\"nextToken\":\"%s\"}", json_string_value(json_object_get(a, "nextToken")));
    json_decref(a);
    a = rig_ecs_ok(&r, "ListContainerInstances", body);
    assert_int_equal(json_array_size(json_object_get(a, "containerInstanceArns")), 4);
    json_decref(a);
    sandbox_set_empty_pages(r.sandbox, true);
    char *xml = rig_query_ok(&r, "Action=DescribeSpotFleetRequests");
    assert_int_equal(rig_count(xml, "<spotFleetRequestId>"), 0);
    assert_string_not_equal(rig_xml(xml, "nextToken"), "");
    free(xml);
    rig_stop(&r);
}

static void reads_lag_as_long_as_ordered(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    sandbox_set_read_lag(r.sandbox, 120000);
    assert_int_equal(world_set_container_instance_state(r.world, WORLD_PERSON, r.shop, rig_used(&r, 0), WE_DRAINING), WORLD_OK);
    rig_pass(&r, 119000);
    json_t *a = rig_ecs_ok(&r, "ListContainerInstances", "{\"cluster\":\"shop\",\"status\":\"DRAINING\"}");
    assert_int_equal(json_array_size(json_object_get(a, "containerInstanceArns")), 0);
    json_decref(a);
    rig_pass(&r, 2000);
    a = rig_ecs_ok(&r, "ListContainerInstances", "{\"cluster\":\"shop\",\"status\":\"DRAINING\"}");
    assert_int_equal(json_array_size(json_object_get(a, "containerInstanceArns")), 1);
    json_decref(a);
    rig_stop(&r);
}

static void each_action_is_denied_in_its_services_words(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    order(&r, "*", SANDBOX_FAULT_DENIED, 0, -1);
    rig_ecs_refused(&r, "ListTasks", "{\"cluster\":\"shop\"}", "AccessDeniedException");
    rig_query_refused(&r, "Action=TerminateInstances&InstanceId.1=i-0123456789abcdef0", 403, "UnauthorizedOperation");
    rig_query_refused(&r, "Action=TerminateInstances&InstanceId.1=i-0123456789abcdef0&DryRun=true", 403, "UnauthorizedOperation");
    rig_stop(&r);
}

static void changes_are_logged_with_actor_target_and_outcome(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    struct rig_call person = {.key_id = SANDBOX_PERSON_KEY_ID, .secret = SANDBOX_PERSON_SECRET};
    free(rig_query_ok(&r, modify_form(&r, 6)));
    struct rig_answer a = rig_query(&r, "ec2", "Action=TerminateInstances&InstanceId.1=i-0ffffffffffffffff", &person);
    rig_done(&a);
    json_decref(rig_ecs_ok(&r, "ListClusters", "{}"));
    struct sandbox_change log[8];
    assert_int_equal(sandbox_changes(r.sandbox, log, 8), 2);
    assert_string_equal(log[0].operation, "ec2:ModifySpotFleetRequest");
    assert_string_equal(log[0].target, world_view(r.world).fleets[r.fleet].id);
    assert_string_equal(log[0].detail, "TargetCapacity=6 ExcessCapacityTerminationPolicy=noTermination");
    assert_int_equal(log[0].actor, WORLD_OURS);
    assert_int_equal(log[0].world_ms, clock_wall_ms(&r.clock));
    assert_string_equal(log[1].operation, "ec2:TerminateInstances");
    assert_string_equal(log[1].error, "InvalidInstanceID.NotFound");
    assert_int_equal(log[1].actor, WORLD_PERSON);
    assert_int_equal(sandbox_changes(r.sandbox, log, 1), 1);
    assert_string_equal(log[0].operation, "ec2:TerminateInstances");
    rig_stop(&r);
}

static void calls_that_were_not_well_signed_are_not_counted(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    struct rig_call wrong = {.secret = "wrong"};
    struct rig_answer a = rig_ecs(&r, "ListClusters", "{}", &wrong);
    rig_done(&a);
    assert_int_equal(calls_of(&r, "ecs:ListClusters", NULL), 0);
    json_decref(rig_ecs_ok(&r, "ListClusters", "{}"));
    assert_int_equal(calls_of(&r, "ecs:ListClusters", NULL), 1);
    rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_empties_at_its_burst_and_refills_in_world_time),
        cmocka_unit_test(reads_of_cluster_resources_share_one_bucket),
        cmocka_unit_test(unfiltered_describes_of_instances_have_a_smaller_bucket),
        cmocka_unit_test(an_unlimited_sandbox_never_throttles),
        cmocka_unit_test(errors_by_order_come_after_the_countdown_and_as_often_as_told),
        cmocka_unit_test(a_timeout_before_has_no_effect_and_one_after_has),
        cmocka_unit_test(broken_answers_are_truncated_or_garbage),
        cmocka_unit_test(a_stale_read_repeats_the_last_equal_answer),
        cmocka_unit_test(a_partial_answer_names_what_it_leaves_out_and_changes_nothing_there),
        cmocka_unit_test(an_empty_page_with_a_token_comes_when_ordered),
        cmocka_unit_test(reads_lag_as_long_as_ordered),
        cmocka_unit_test(each_action_is_denied_in_its_services_words),
        cmocka_unit_test(changes_are_logged_with_actor_target_and_outcome),
        cmocka_unit_test(calls_that_were_not_well_signed_are_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
