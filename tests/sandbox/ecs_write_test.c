// ECS on the wire, what people and deploy tools write: definitions, services, tasks with rules, attributes, deregistration.
#include "tests/sandbox/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "planner/sim/orders.h"

static const char *text_of(json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s != NULL ? s : "";
}

static json_t *first(json_t *root, const char *list)
{
    return json_array_get(json_object_get(root, list), 0);
}

static size_t length(json_t *root, const char *list)
{
    return json_array_size(json_object_get(root, list));
}

static void refused_with(struct rig *r, const char *operation, const char *body, const char *code, const char *words)
{
    struct rig_answer a = rig_ecs(r, operation, body, NULL);
    if (strcmp(a.code, code) != 0 || strstr(a.body, words) == NULL)
        fail_msg("%s %s: %s, wanted %s with \"%s\"", operation, body, a.body, code, words);
    rig_done(&a);
}

static void a_definition_is_registered_as_it_reserves(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    json_t *a = rig_ecs_ok(&r, "RegisterTaskDefinition",
                           "{\"family\":\"train\",\"networkMode\":\"bridge\",\"taskRoleArn\":\"arn:aws:iam::1:role/x\",\"containerDefinitions\":["
                           "{\"name\":\"a\",\"image\":\"i\",\"cpu\":100,\"memory\":512,\"memoryReservation\":256,\"stopTimeout\":90,"
                           "\"resourceRequirements\":[{\"type\":\"GPU\",\"value\":\"2\"}],\"portMappings\":[{\"containerPort\":53,\"hostPort\":53,\"protocol\":\"udp\"},"
                           "{\"containerPort\":80}]},{\"name\":\"b\",\"image\":\"i\",\"cpu\":28,\"memory\":300,\"essential\":false}],"
                           "\"volumes\":[{\"name\":\"d\",\"host\":{\"sourcePath\":\"/data\"}},{\"name\":\"s\",\"dockerVolumeConfiguration\":{\"scope\":\"shared\"}}],"
                           "\"placementConstraints\":[{\"type\":\"memberOf\",\"expression\":\"attribute:ecs.instance-type =~ p3.*\"}]}");
    json_t *d = json_object_get(a, "taskDefinition");
    struct world_view v = world_view(r.world);
    const struct world_taskdef *t = &v.taskdefs[v.taskdef_count - 1];
    assert_int_equal(t->need.v[RES_CPU], 128);
    assert_int_equal(t->need.v[RES_MEMORY], 556);
    assert_int_equal(t->need.v[RES_GPU], 2);
    assert_int_equal(t->port_count, 1);
    assert_true(t->ports[0].udp);
    assert_int_equal(t->stop_timeout_ms, 90000);
    assert_string_equal(text_of(first(d, "placementConstraints"), "expression"), "attribute:ecs.instance-type =~ p3.*");
    assert_string_equal(text_of(json_object_get(first(d, "volumes"), "host"), "sourcePath"), "/data");
    assert_string_equal(text_of(json_array_get(json_object_get(d, "requiresAttributes"), 1), "name"), "com.amazonaws.ecs.capability.task-iam-role");
    json_decref(a);
    a = rig_ecs_ok(&r, "RegisterTaskDefinition", "{\"family\":\"small\",\"networkMode\":\"awsvpc\",\"cpu\":\".5 vCPU\",\"memory\":\"1GB\","
                   "\"containerDefinitions\":[{\"name\":\"a\",\"image\":\"i\"}]}");
    assert_string_equal(text_of(json_object_get(a, "taskDefinition"), "cpu"), "512");
    assert_string_equal(text_of(json_object_get(a, "taskDefinition"), "memory"), "1024");
    json_decref(a);
    refused_with(&r, "RegisterTaskDefinition", "{\"family\":\"x\",\"containerDefinitions\":[{\"name\":\"a\",\"image\":\"i\"}]}", "ClientException",
                 "At least one of 'memory' or 'memoryReservation'");
    refused_with(&r, "RegisterTaskDefinition", "{\"family\":\"x\",\"containerDefinitions\":[]}", "ClientException", "should not be null or empty");
    refused_with(&r, "RegisterTaskDefinition", "{\"family\":\"x\",\"networkMode\":\"mesh\",\"containerDefinitions\":[{\"name\":\"a\",\"memory\":9}]}",
                 "ClientException", "Invalid network mode mesh");
    refused_with(&r, "RegisterTaskDefinition", "{\"family\":\"x\",\"containerDefinitions\":[{\"name\":\"a\",\"memory\":9}],\"placementConstraints\":"
                 "[{\"type\":\"memberOf\",\"expression\":\"attribute:x ==\"}]}", "InvalidParameterException", "at its end: expected a value");
    rig_stop(&r);
}

static void an_inactive_definition_is_not_run(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    json_t *a = rig_ecs_ok(&r, "DeregisterTaskDefinition", "{\"taskDefinition\":\"web:1\"}");
    assert_string_equal(text_of(json_object_get(a, "taskDefinition"), "status"), "INACTIVE");
    json_decref(a);
    refused_with(&r, "RunTask", "{\"cluster\":\"shop\",\"taskDefinition\":\"web:1\"}", "ClientException", "inactive");
    refused_with(&r, "DeregisterTaskDefinition", "{\"taskDefinition\":\"web\"}", "ClientException", "revision");
    rig_stop(&r);
}

static void a_service_is_created_with_all_its_rules_and_told_so(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    world_add_provider(r.world, "asg", false);
    json_t *a = rig_ecs_ok(&r, "CreateService",
                           "{\"cluster\":\"shop\",\"serviceName\":\"new\",\"taskDefinition\":\"logs\",\"desiredCount\":2,\"placementConstraints\":"
                           "[{\"type\":\"distinctInstance\"},{\"type\":\"memberOf\",\"expression\":\"attribute:ecs.instance-type == m5.large\"}],"
                           "\"placementStrategy\":[{\"type\":\"spread\",\"field\":\"attribute:rack\"},{\"type\":\"binpack\",\"field\":\"MEMORY\"},{\"type\":\"random\"}]}");
    json_t *s = json_object_get(a, "service");
    assert_int_equal(length(s, "placementConstraints"), 2);
    assert_int_equal(length(s, "placementStrategy"), 3);
    assert_string_equal(text_of(first(s, "placementStrategy"), "field"), "attribute:rack");
    assert_string_equal(text_of(s, "launchType"), "EC2");
    json_decref(a);
    rig_pass(&r, 30000);
    int at = world_find_service(r.world, r.shop, "new");
    assert_int_equal(world_view(r.world).services[at].running, 2);
    a = rig_ecs_ok(&r, "CreateService", "{\"cluster\":\"shop\",\"serviceName\":\"balanced\",\"taskDefinition\":\"logs\",\"desiredCount\":1,\"loadBalancers\":"
                   "[{\"targetGroupArn\":\"arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/a/1\",\"containerName\":\"app\",\"containerPort\":80}]}");
    assert_int_equal(length(json_object_get(a, "service"), "loadBalancers"), 1);
    assert_string_equal(text_of(first(json_object_get(a, "service"), "loadBalancers"), "targetGroupArn"), "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/a/1");
    assert_string_equal(text_of(first(json_object_get(a, "service"), "loadBalancers"), "containerName"), "app");
    json_decref(a);
    a = rig_ecs_ok(&r, "CreateService", "{\"cluster\":\"shop\",\"serviceName\":\"by-provider\",\"taskDefinition\":\"logs\",\"desiredCount\":1,"
                   "\"capacityProviderStrategy\":[{\"capacityProvider\":\"asg\",\"weight\":2,\"base\":1}]}");
    s = json_object_get(a, "service");
    assert_string_equal(text_of(first(s, "capacityProviderStrategy"), "capacityProvider"), "asg");
    assert_null(json_object_get(s, "launchType"));
    json_decref(a);
    rig_stop(&r);
}

static void what_a_service_cannot_be_is_refused_in_words(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    world_add_provider(r.world, "asg", false);
    world_add_provider(r.world, "asg2", false);
    static const char *const cases[][2] = {
        {"\"placementConstraints\":[{\"type\":\"memberOf\",\"expression\":\"attribute:x = y\"}]", "expected an operator"},
        {"\"placementConstraints\":[{\"type\":\"memberOf\"}]", "must have an expression"},
        {"\"placementConstraints\":[{\"type\":\"near\"}]", "distinctInstance or memberOf"},
        {"\"placementStrategy\":[{\"type\":\"binpack\",\"field\":\"gpu\"}]", "cpu or memory"},
        {"\"placementStrategy\":[{\"type\":\"spread\",\"field\":\"zone\"}]", "attribute:NAME"},
        {"\"placementStrategy\":[{\"type\":\"random\"},{\"type\":\"random\"},{\"type\":\"random\"},{\"type\":\"random\"},{\"type\":\"random\"},{\"type\":\"random\"}]", "at most 5"},
        {"\"networkConfiguration\":{\"awsvpcConfiguration\":{\"subnets\":[\"subnet-1\"]}}", "does not exist"},
        {"\"networkConfiguration\":{\"awsvpcConfiguration\":{\"subnets\":[\"subnet-0b0c5a4db0c500001\"]}}", "networkMode"},
        {"\"capacityProviderStrategy\":[{\"capacityProvider\":\"nope\",\"weight\":1}]", "was not found"},
        {"\"capacityProviderStrategy\":[{\"capacityProvider\":\"asg\",\"weight\":1}],\"launchType\":\"EC2\"", "both a launch type"},
        {"\"capacityProviderStrategy\":[{\"capacityProvider\":\"asg\",\"weight\":1,\"base\":1},{\"capacityProvider\":\"asg2\",\"base\":1}]", "Only one"},
        {"\"capacityProviderStrategy\":[{\"capacityProvider\":\"asg\"}]", "weight above zero"},
        {"\"launchType\":\"FARGATE\"", "EC2"},
        {"\"loadBalancers\":[{\"loadBalancerName\":\"old\",\"containerName\":\"app\",\"containerPort\":80}]", "Classic"},
        {"\"loadBalancers\":[{\"targetGroupArn\":\"arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/a\",\"containerName\":\"app\",\"containerPort\":80}]", "target group"},
        {"\"loadBalancers\":[{\"targetGroupArn\":\"arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/a/1\",\"containerName\":\"web\",\"containerPort\":80}]", "does not exist in the task definition"},
        {"\"loadBalancers\":[{\"targetGroupArn\":\"arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/a/1\",\"containerName\":\"app\"}]", "1 to 65535"},
        {"\"loadBalancers\":[{},{},{},{},{},{}]", "at most 5"},
        {"\"schedulingStrategy\":\"DAEMON\"", "DAEMON service has none"},
        {"\"deploymentConfiguration\":{\"maximumPercent\":300}", "maximumPercent"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char body[1024];
        snprintf(body, sizeof body, "{\"cluster\":\"shop\",\"serviceName\":\"bad\",\"taskDefinition\":\"logs\",\"desiredCount\":1,%s}", cases[i][0]);
        refused_with(&r, "CreateService", body, "InvalidParameterException", cases[i][1]);
    }
    refused_with(&r, "CreateService", "{\"cluster\":\"shop\",\"serviceName\":\"web\",\"taskDefinition\":\"logs\",\"desiredCount\":1}", "InvalidParameterException", "idempotent");
    refused_with(&r, "CreateService", "{\"cluster\":\"shop\",\"serviceName\":\"x\",\"taskDefinition\":\"nope\",\"desiredCount\":1}", "ClientException", "not found");
    assert_int_equal(world_find_service(r.world, r.shop, "bad"), -1);
    rig_stop(&r);
}

static void new_rules_and_definitions_deploy_and_percents_alone_do_not(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    json_decref(rig_ecs_ok(&r, "UpdateService", "{\"cluster\":\"shop\",\"service\":\"web\",\"deploymentConfiguration\":{\"minimumHealthyPercent\":50}}"));
    assert_int_equal(world_view(r.world).services[r.web].deployment_count, 1);
    assert_int_equal(world_view(r.world).services[r.web].min_percent, 50);
    json_t *a = rig_ecs_ok(&r, "UpdateService", "{\"cluster\":\"shop\",\"service\":\"web\",\"placementConstraints\":[{\"type\":\"memberOf\","
                           "\"expression\":\"attribute:nobody exists\"}],\"placementStrategy\":[]}");
    assert_int_equal(length(json_object_get(a, "service"), "deployments"), 2);
    assert_int_equal(length(json_object_get(a, "service"), "placementStrategy"), 0);
    json_decref(a);
    rig_pass(&r, 60000);
    a = rig_ecs_ok(&r, "DescribeServices", "{\"cluster\":\"shop\",\"services\":[\"web\"]}");
    const char *said = text_of(first(first(a, "services"), "events"), "message");
    assert_non_null(strstr(said, "MemberOf placement constraint unsatisfied"));
    json_decref(a);
    json_decref(rig_ecs_ok(&r, "UpdateService", "{\"cluster\":\"shop\",\"service\":\"web\",\"taskDefinition\":\"logs\",\"placementConstraints\":[]}"));
    rig_pass(&r, 300000);
    struct world_view v = world_view(r.world);
    assert_int_equal(v.services[r.web].deployment_count, 1);
    assert_string_equal(v.taskdefs[v.services[r.web].deployments[0].taskdef].family, "logs");
    assert_int_equal(v.services[r.web].running, 3);
    rig_stop(&r);
}

static void run_task_tells_why_there_is_no_place(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    json_t *a = rig_ecs_ok(&r, "RunTask", "{\"cluster\":\"shop\",\"taskDefinition\":\"logs\",\"count\":5,\"group\":\"nightly\",\"startedBy\":\"me\","
                           "\"placementConstraints\":[{\"type\":\"distinctInstance\"}],\"overrides\":{\"cpu\":\"128\",\"containerOverrides\":"
                           "[{\"name\":\"app\",\"memory\":200}]}}");
    assert_int_equal(length(a, "tasks"), 4);
    assert_string_equal(text_of(first(a, "failures"), "reason"), "DistinctInstance placement constraint unsatisfied.");
    json_t *t = first(a, "tasks");
    assert_string_equal(text_of(t, "group"), "nightly");
    assert_string_equal(text_of(t, "startedBy"), "me");
    assert_string_equal(text_of(t, "cpu"), "128");
    assert_string_equal(text_of(json_object_get(t, "overrides"), "cpu"), "128");
    assert_int_equal(length(json_object_get(t, "overrides"), "containerOverrides"), 1);
    json_decref(a);
    a = rig_ecs_ok(&r, "ListTasks", "{\"cluster\":\"shop\",\"startedBy\":\"me\"}");
    assert_int_equal(length(a, "taskArns"), 4);
    json_decref(a);
    a = rig_ecs_ok(&r, "RunTask", "{\"cluster\":\"shop\",\"taskDefinition\":\"logs\",\"placementConstraints\":[{\"type\":\"memberOf\",\"expression\":"
                   "\"attribute:ecs.cpu-architecture == arm64\"}]}");
    assert_string_equal(text_of(first(a, "failures"), "reason"), "MemberOf placement constraint unsatisfied.");
    json_decref(a);
    json_decref(rig_ecs_ok(&r, "RegisterTaskDefinition", "{\"family\":\"eni\",\"networkMode\":\"awsvpc\",\"containerDefinitions\":[{\"name\":\"a\",\"memory\":9}]}"));
    refused_with(&r, "RunTask", "{\"cluster\":\"shop\",\"taskDefinition\":\"eni\"}", "InvalidParameterException", "Network Configuration must be provided");
    a = rig_ecs_ok(&r, "RunTask", "{\"cluster\":\"shop\",\"taskDefinition\":\"eni\",\"count\":9,\"networkConfiguration\":{\"awsvpcConfiguration\":{\"subnets\":"
                   "[\"subnet-0b0c5a4db0c500002\"]}}}");
    assert_int_equal(length(a, "tasks"), 2);  // m5.large has three interfaces, one of them its own
    assert_string_equal(text_of(first(a, "tasks"), "availabilityZone"), "us-east-1b");
    assert_string_equal(text_of(first(a, "failures"), "reason"), "LOCATION");
    json_decref(a);
    refused_with(&r, "RunTask", "{\"cluster\":\"shop\",\"taskDefinition\":\"logs\",\"overrides\":{\"containerOverrides\":[{\"name\":\"zzz\"}]}}",
                 "InvalidParameterException", "not a container");
    rig_stop(&r);
}

static void a_managed_provider_makes_tasks_wait_and_an_unmanaged_one_fails_them(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    world_add_provider(r.world, "plain", false);
    int managed = world_add_provider(r.world, "managed", true);
    json_t *a = rig_ecs_ok(&r, "RunTask", "{\"cluster\":\"shop\",\"taskDefinition\":\"logs\",\"capacityProviderStrategy\":[{\"capacityProvider\":\"plain\",\"weight\":1}]}");
    assert_int_equal(length(a, "tasks"), 0);
    assert_non_null(strstr(text_of(first(a, "failures"), "reason"), "capacity provider"));
    json_decref(a);
    a = rig_ecs_ok(&r, "RunTask", "{\"cluster\":\"shop\",\"taskDefinition\":\"logs\",\"capacityProviderStrategy\":[{\"capacityProvider\":\"managed\",\"weight\":1}]}");
    json_t *t = first(a, "tasks");
    assert_string_equal(text_of(t, "lastStatus"), "PROVISIONING");
    assert_string_equal(text_of(t, "capacityProviderName"), "managed");
    assert_null(json_object_get(t, "containerInstanceArn"));
    json_decref(a);
    a = rig_ecs_ok(&r, "DescribeCapacityProviders", "{\"capacityProviders\":[\"managed\",\"nope\"]}");
    assert_int_equal(length(a, "capacityProviders"), 1);
    assert_string_equal(text_of(json_object_get(json_object_get(first(a, "capacityProviders"), "autoScalingGroupProvider"), "managedScaling"), "status"), "ENABLED");
    assert_string_equal(text_of(first(a, "failures"), "reason"), "MISSING");
    json_decref(a);
    world_set_provider(r.world, rig_used(&r, 0), managed);
    char body[256];
    snprintf(body, sizeof body, "{\"cluster\":\"shop\",\"containerInstances\":[\"%s\"]}", rig_container(&r, 0));
    a = rig_ecs_ok(&r, "DescribeContainerInstances", body);
    assert_string_equal(text_of(first(a, "containerInstances"), "capacityProviderName"), "managed");
    json_decref(a);
    rig_stop(&r);
}

static void start_task_takes_a_draining_instance_and_no_missing_one(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    char body[512];
    world_set_container_instance_state(r.world, WORLD_PERSON, r.shop, rig_used(&r, 0), WE_DRAINING);
    world_set_agent(r.world, rig_used(&r, 1), false);
    snprintf(body, sizeof body, "{\"cluster\":\"shop\",\"taskDefinition\":\"logs\",\"containerInstances\":[\"%s\",\"nope\"]}", rig_container(&r, 0));
    json_t *a = rig_ecs_ok(&r, "StartTask", body);
    assert_int_equal(length(a, "tasks"), 1);
    assert_string_equal(text_of(first(a, "failures"), "reason"), "MISSING");
    json_decref(a);
    snprintf(body, sizeof body, "{\"cluster\":\"shop\",\"taskDefinition\":\"logs\",\"containerInstances\":[\"%s\"]}", rig_container(&r, 1));
    a = rig_ecs_ok(&r, "StartTask", body);
    assert_string_equal(text_of(first(a, "failures"), "reason"), "AGENT");
    json_decref(a);
    rig_ecs_refused(&r, "StartTask", "{\"cluster\":\"shop\",\"taskDefinition\":\"logs\"}", "InvalidParameterException");
    rig_stop(&r);
}

static void attributes_are_put_listed_filtered_by_and_deleted(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    char body[1024];
    snprintf(body, sizeof body, "{\"cluster\":\"shop\",\"attributes\":[{\"name\":\"rack\",\"value\":\"7\",\"targetId\":\"%s\"}]}", rig_container(&r, 2));
    json_t *a = rig_ecs_ok(&r, "PutAttributes", body);
    assert_string_equal(text_of(first(a, "attributes"), "targetId"), rig_container(&r, 2));
    json_decref(a);
    a = rig_ecs_ok(&r, "ListAttributes", "{\"cluster\":\"shop\",\"targetType\":\"container-instance\",\"attributeName\":\"rack\"}");
    assert_int_equal(length(a, "attributes"), 1);
    assert_string_equal(text_of(first(a, "attributes"), "value"), "7");
    json_decref(a);
    a = rig_ecs_ok(&r, "ListContainerInstances", "{\"cluster\":\"shop\",\"filter\":\"attribute:rack >= 5 and agentConnected == true\"}");
    assert_int_equal(length(a, "containerInstanceArns"), 1);
    assert_string_equal(json_string_value(first(a, "containerInstanceArns")), rig_container(&r, 2));
    json_decref(a);
    refused_with(&r, "ListContainerInstances", "{\"cluster\":\"shop\",\"filter\":\"rack == 5\"}", "InvalidParameterException", "Invalid filter");
    for (int i = 0; i < 10; i++) {
        char one[512];
        snprintf(one, sizeof one, "{\"cluster\":\"shop\",\"attributes\":[{\"name\":\"a%d\",\"targetId\":\"%s\"}]}", i, rig_container(&r, 2));
        if (i < 9)
            json_decref(rig_ecs_ok(&r, "PutAttributes", one));
        else
            rig_ecs_refused(&r, "PutAttributes", one, "AttributeLimitExceededException");
    }
    json_decref(rig_ecs_ok(&r, "DeleteAttributes", body));
    a = rig_ecs_ok(&r, "ListAttributes", "{\"cluster\":\"shop\",\"targetType\":\"container-instance\",\"attributeName\":\"rack\"}");
    assert_int_equal(length(a, "attributes"), 0);
    json_decref(a);
    rig_ecs_refused(&r, "PutAttributes", "{\"cluster\":\"shop\",\"attributes\":[{\"name\":\"x\",\"targetId\":\"nope\"}]}", "TargetNotFoundException");
    rig_ecs_refused(&r, "PutAttributes", "{\"cluster\":\"shop\"}", "InvalidParameterException");
    rig_ecs_refused(&r, "ListAttributes", "{\"cluster\":\"shop\",\"targetType\":\"task\"}", "InvalidParameterException");
    rig_stop(&r);
}

static void an_instance_with_tasks_is_deregistered_by_force_only(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    char body[256], forced[256];
    snprintf(body, sizeof body, "{\"cluster\":\"shop\",\"containerInstance\":\"%s\"}", rig_container(&r, 0));
    snprintf(forced, sizeof forced, "{\"cluster\":\"shop\",\"containerInstance\":\"%s\",\"force\":true}", rig_container(&r, 0));
    refused_with(&r, "DeregisterContainerInstance", body, "InvalidParameterException", "running tasks");
    json_t *a = rig_ecs_ok(&r, "DeregisterContainerInstance", forced);
    assert_string_equal(text_of(json_object_get(a, "containerInstance"), "status"), "INACTIVE");
    json_decref(a);
    a = rig_ecs_ok(&r, "ListContainerInstances", "{\"cluster\":\"shop\"}");
    assert_int_equal(length(a, "containerInstanceArns"), 3);
    json_decref(a);
    assert_int_equal(world_view(r.world).instances[rig_used(&r, 0)].state.now, WL_RUNNING);  // the EC2 instance goes on
    refused_with(&r, "DeregisterContainerInstance", forced, "InvalidParameterException", "not found");
    rig_stop(&r);
}

static void trunking_is_an_account_setting(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    json_t *a = rig_ecs_ok(&r, "ListAccountSettings", "{\"name\":\"awsvpcTrunking\",\"effectiveSettings\":true}");
    assert_string_equal(text_of(first(a, "settings"), "value"), "disabled");
    json_decref(a);
    world_add_template(r.world, &(struct world_template){.id = "lt-0t", .ami = "ami-0", .agent_version = "1.98.0", .trunking = true});
    a = rig_ecs_ok(&r, "ListAccountSettings", "{\"name\":\"awsvpcTrunking\",\"effectiveSettings\":true}");
    assert_string_equal(text_of(first(a, "settings"), "value"), "enabled");
    json_decref(a);
    rig_stop(&r);
}

// awsvpc tasks of each type, with trunking and without, are those that ECS documents. Skipped where that list is not at hand.
static void the_types_have_as_many_interfaces_as_documented(void **state)
{
    (void)state;
    const char *shared = getenv("MASU_SHARED");
    char path[512];
    snprintf(path, sizeof path, "%s/aws/eni-task-limits.json", shared != NULL ? shared : "");
    json_t *root = json_load_file(path, 0, NULL), *limits = json_object_get(root, "limits");
    if (limits == NULL) {
        json_decref(root);
        skip();
    }
    struct rig r;
    rig_start(&r, NULL);
    struct world_view v = world_view(r.world);
    int compared = 0;
    for (int i = 0; i < v.type_count; i++) {
        json_t *both = json_object_get(limits, v.types[i].name);
        if (both == NULL)
            continue;
        assert_int_equal(v.types[i].max_enis - 1, json_integer_value(json_array_get(both, 0)));
        assert_int_equal(v.types[i].trunk_slots, json_integer_value(json_array_get(both, 1)));
        compared++;
    }
    assert_true(compared > 10);
    json_decref(root);
    rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_definition_is_registered_as_it_reserves),
        cmocka_unit_test(an_inactive_definition_is_not_run),
        cmocka_unit_test(a_service_is_created_with_all_its_rules_and_told_so),
        cmocka_unit_test(what_a_service_cannot_be_is_refused_in_words),
        cmocka_unit_test(new_rules_and_definitions_deploy_and_percents_alone_do_not),
        cmocka_unit_test(run_task_tells_why_there_is_no_place),
        cmocka_unit_test(a_managed_provider_makes_tasks_wait_and_an_unmanaged_one_fails_them),
        cmocka_unit_test(start_task_takes_a_draining_instance_and_no_missing_one),
        cmocka_unit_test(attributes_are_put_listed_filtered_by_and_deleted),
        cmocka_unit_test(an_instance_with_tasks_is_deregistered_by_force_only),
        cmocka_unit_test(trunking_is_an_account_setting),
        cmocka_unit_test(the_types_have_as_many_interfaces_as_documented),
    };
    return cmocka_run_group_tests_name("ecs-write", tests, NULL, NULL);
}
