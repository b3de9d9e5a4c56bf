// ECS JSON 1.1: every operation, its limits and its refusals, against the world behind it.
#include "tests/sandbox/rig.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"

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

static int64_t number(json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static void clusters_are_listed_in_pages_and_described(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    json_t *a = rig_ecs_ok(&r, "ListClusters", "{\"maxResults\":1}");
    assert_int_equal(length(a, "clusterArns"), 1);
    char body[256];
    snprintf(body, sizeof body, "{\"maxResults\":1,\"nextToken\":\"%s\"}", text_of(a, "nextToken"));
    json_t *b = rig_ecs_ok(&r, "ListClusters", body);
    assert_string_equal(json_string_value(first(b, "clusterArns")), "arn:aws:ecs:us-east-1:111122223333:cluster/empty");
    assert_null(json_object_get(b, "nextToken"));
    json_t *d = rig_ecs_ok(&r, "DescribeClusters", "{\"clusters\":[\"shop\",\"arn:aws:ecs:us-east-1:111122223333:cluster/empty\",\"nope\"],\"include\":[\"STATISTICS\"]}");
    assert_int_equal(length(d, "clusters"), 2);
    json_t *shop = first(d, "clusters");
    assert_string_equal(text_of(shop, "clusterName"), "shop");
    assert_int_equal(number(shop, "registeredContainerInstancesCount"), 4);
    assert_int_equal(number(shop, "runningTasksCount"), 3 + 4);
    assert_int_equal(number(shop, "activeServicesCount"), 2);
    assert_int_equal(length(d, "failures"), 1);
    assert_string_equal(text_of(first(d, "failures"), "reason"), "MISSING");
    json_decref(a);
    json_decref(b);
    json_decref(d);
    rig_stop(&r);
}

static void the_cluster_default_is_meant_when_none_is_named(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    rig_ecs_refused(&r, "ListTasks", "{}", "ClusterNotFoundException");
    rig_ecs_refused(&r, "ListContainerInstances", "{\"cluster\":\"nope\"}", "ClusterNotFoundException");
    rig_ecs_refused(&r, "ListServices", "{\"cluster\":\"arn:aws:ecs:eu-west-1:111122223333:cluster/shop\"}", "ClusterNotFoundException");
    json_t *d = rig_ecs_ok(&r, "DescribeClusters", "{}");
    assert_int_equal(length(d, "clusters"), 0);
    assert_int_equal(length(d, "failures"), 1);
    json_decref(d);
    rig_stop(&r);
}

static void container_instances_are_listed_by_state(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    json_t *a = rig_ecs_ok(&r, "ListContainerInstances", "{\"cluster\":\"shop\"}");
    assert_int_equal(length(a, "containerInstanceArns"), 4);
    assert_string_equal(json_string_value(first(a, "containerInstanceArns")), rig_container(&r, 0));
    json_t *b = rig_ecs_ok(&r, "ListContainerInstances", "{\"cluster\":\"shop\",\"status\":\"DRAINING\"}");
    assert_int_equal(length(b, "containerInstanceArns"), 0);
    rig_ecs_refused(&r, "ListContainerInstances", "{\"cluster\":\"shop\",\"status\":\"TIRED\"}", "InvalidParameterException");
    rig_ecs_refused(&r, "ListContainerInstances", "{\"cluster\":\"shop\",\"filter\":\"ec2InstanceId = i-1\"}", "InvalidParameterException");
    rig_ecs_refused(&r, "ListContainerInstances", "{\"cluster\":\"shop\",\"maxResults\":101}", "InvalidParameterException");
    json_decref(a);
    json_decref(b);
    rig_stop(&r);
}

static int64_t resource(json_t *instance, const char *list, const char *name)
{
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(instance, list), i, v)
        if (strcmp(text_of(v, "name"), name) == 0)
            return number(v, "integerValue");
    return -1;
}

static void a_container_instance_tells_its_resources_attributes_and_tasks(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    char body[512];
    snprintf(body, sizeof body, "{\"cluster\":\"shop\",\"containerInstances\":[\"%s\",\"%s\",\"0123456789abcdef0123456789abcdef\"],\"include\":[\"TAGS\"]}",
             rig_container(&r, 0), strrchr(rig_container(&r, 1), '/') + 1);
    json_t *a = rig_ecs_ok(&r, "DescribeContainerInstances", body);
    assert_int_equal(length(a, "containerInstances"), 2);
    json_t *one = first(a, "containerInstances");
    const struct world_instance *in = &world_view(r.world).instances[rig_used(&r, 0)];
    assert_string_equal(text_of(one, "containerInstanceArn"), rig_container(&r, 0));
    assert_string_equal(text_of(one, "ec2InstanceId"), in->id);
    assert_string_equal(text_of(one, "status"), "ACTIVE");
    assert_true(json_is_true(json_object_get(one, "agentConnected")));
    assert_int_equal(resource(one, "registeredResources", "CPU"), in->registered.v[RES_CPU]);
    assert_int_equal(resource(one, "registeredResources", "MEMORY"), in->registered.v[RES_MEMORY]);
    assert_int_equal(resource(one, "remainingResources", "MEMORY"), in->remaining.v[RES_MEMORY]);
    assert_true(resource(one, "registeredResources", "MEMORY") < 8192);
    assert_int_equal(number(one, "runningTasksCount"), in->running_tasks);
    assert_true(json_is_real(json_object_get(one, "registeredAt")));
    bool zone = false;
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(one, "attributes"), i, v)
        zone = zone || (strcmp(text_of(v, "name"), "ecs.availability-zone") == 0 && strcmp(text_of(v, "value"), "us-east-1a") == 0);
    assert_true(zone);
    assert_string_equal(text_of(first(a, "failures"), "arn"), "arn:aws:ecs:us-east-1:111122223333:container-instance/shop/0123456789abcdef0123456789abcdef");
    rig_ecs_refused(&r, "DescribeContainerInstances", "{\"cluster\":\"shop\",\"containerInstances\":[]}", "InvalidParameterException");
    rig_ecs_refused(&r, "DescribeContainerInstances", "{\"cluster\":\"shop\",\"containerInstances\":\"x\"}", "SerializationException");
    json_decref(a);
    rig_stop(&r);
}

static void an_arn_of_another_cluster_is_missing_not_an_error(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    char body[512];
    snprintf(body, sizeof body, "{\"cluster\":\"empty\",\"containerInstances\":[\"%s\"]}", rig_container(&r, 0));
    json_t *a = rig_ecs_ok(&r, "DescribeContainerInstances", body);
    assert_int_equal(length(a, "containerInstances"), 0);
    assert_string_equal(text_of(first(a, "failures"), "reason"), "MISSING");
    json_decref(a);
    rig_stop(&r);
}

static void draining_is_set_taken_back_and_partly_refused(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    char body[512];
    snprintf(body, sizeof body, "{\"cluster\":\"shop\",\"status\":\"DRAINING\",\"containerInstances\":[\"%s\",\"nope\"]}", rig_container(&r, 0));
    json_t *a = rig_ecs_ok(&r, "UpdateContainerInstancesState", body);
    assert_string_equal(text_of(first(a, "containerInstances"), "status"), "DRAINING");
    assert_string_equal(text_of(first(a, "failures"), "reason"), "MISSING");
    const struct world_instance *in = &world_view(r.world).instances[rig_used(&r, 0)];
    assert_int_equal(in->status.now, WE_DRAINING);
    assert_int_equal(in->drained_by, WORLD_OURS);
    json_t *b = rig_ecs_ok(&r, "ListContainerInstances", "{\"cluster\":\"shop\",\"status\":\"DRAINING\"}");
    assert_int_equal(length(b, "containerInstanceArns"), 1);
    snprintf(body, sizeof body, "{\"cluster\":\"shop\",\"status\":\"ACTIVE\",\"containerInstances\":[\"%s\"]}", rig_container(&r, 0));
    json_decref(rig_ecs_ok(&r, "UpdateContainerInstancesState", body));
    assert_int_equal(world_view(r.world).instances[rig_used(&r, 0)].status.now, WE_ACTIVE);
    rig_ecs_refused(&r, "UpdateContainerInstancesState", "{\"cluster\":\"shop\",\"status\":\"INACTIVE\",\"containerInstances\":[\"x\"]}", "InvalidParameterException");
    rig_ecs_refused(&r, "UpdateContainerInstancesState", "{\"cluster\":\"shop\",\"status\":\"ACTIVE\"}", "InvalidParameterException");
    rig_ecs_refused(&r, "UpdateContainerInstancesState",
                    "{\"cluster\":\"shop\",\"status\":\"ACTIVE\",\"containerInstances\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\"]}",
                    "InvalidParameterException");
    json_decref(a);
    json_decref(b);
    rig_stop(&r);
}

static void services_are_listed_by_kind_and_described(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    json_t *a = rig_ecs_ok(&r, "ListServices", "{\"cluster\":\"shop\"}");
    assert_int_equal(length(a, "serviceArns"), 2);
    json_t *b = rig_ecs_ok(&r, "ListServices", "{\"cluster\":\"shop\",\"schedulingStrategy\":\"DAEMON\",\"launchType\":\"EC2\"}");
    assert_string_equal(json_string_value(first(b, "serviceArns")), "arn:aws:ecs:us-east-1:111122223333:service/shop/logs");
    json_t *f = rig_ecs_ok(&r, "ListServices", "{\"cluster\":\"shop\",\"launchType\":\"FARGATE\"}");
    assert_int_equal(length(f, "serviceArns"), 0);
    json_t *d = rig_ecs_ok(&r, "DescribeServices", "{\"cluster\":\"shop\",\"services\":[\"web\",\"nope\"]}");
    json_t *web = first(d, "services");
    assert_string_equal(text_of(web, "serviceArn"), "arn:aws:ecs:us-east-1:111122223333:service/shop/web");
    assert_string_equal(text_of(web, "status"), "ACTIVE");
    assert_int_equal(number(web, "desiredCount"), 3);
    assert_int_equal(number(web, "runningCount"), 3);
    assert_int_equal(number(json_object_get(web, "deploymentConfiguration"), "maximumPercent"), 200);
    json_t *deployment = first(web, "deployments");
    assert_string_equal(text_of(deployment, "status"), "PRIMARY");
    assert_string_equal(text_of(deployment, "rolloutState"), "COMPLETED");
    assert_string_equal(text_of(deployment, "taskDefinition"), "arn:aws:ecs:us-east-1:111122223333:task-definition/web:1");
    assert_int_equal(length(web, "placementStrategy"), 2);
    assert_string_equal(text_of(first(web, "placementStrategy"), "field"), "attribute:ecs.availability-zone");
    assert_string_equal(text_of(first(d, "failures"), "arn"), "arn:aws:ecs:us-east-1:111122223333:service/shop/nope");
    rig_ecs_refused(&r, "DescribeServices", "{\"cluster\":\"shop\",\"services\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\"]}",
                    "InvalidParameterException");
    json_decref(a);
    json_decref(b);
    json_decref(f);
    json_decref(d);
    rig_stop(&r);
}

static void a_person_changes_a_desired_count_and_forces_a_deployment(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    struct rig_call person = {.key_id = SANDBOX_PERSON_KEY_ID, .secret = SANDBOX_PERSON_SECRET};
    struct rig_answer a = rig_ecs(&r, "UpdateService", "{\"cluster\":\"shop\",\"service\":\"web\",\"desiredCount\":5,\"forceNewDeployment\":true}", &person);
    assert_int_equal(a.status, 200);
    json_t *web = json_object_get(a.json, "service");
    assert_int_equal(number(web, "desiredCount"), 5);
    assert_int_equal(length(web, "deployments"), 2);
    assert_string_equal(text_of(first(web, "deployments"), "rolloutState"), "IN_PROGRESS");
    rig_done(&a);
    rig_pass(&r, 120000);
    assert_int_equal(world_view(r.world).services[r.web].running, 5);
    rig_ecs_refused(&r, "UpdateService", "{\"cluster\":\"shop\",\"service\":\"nope\",\"desiredCount\":5}", "ServiceNotFoundException");
    rig_ecs_refused(&r, "UpdateService", "{\"cluster\":\"shop\",\"service\":\"web\",\"desiredCount\":-1}", "InvalidParameterException");
    rig_ecs_refused(&r, "UpdateService", "{\"cluster\":\"shop\",\"service\":\"logs\",\"desiredCount\":1}", "InvalidParameterException");
    rig_ecs_refused(&r, "UpdateService", "{\"cluster\":\"shop\",\"service\":\"web\",\"taskDefinition\":\"web:2\"}", "ClientException");
    rig_stop(&r);
}

static void tasks_are_listed_by_each_filter(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    struct {
        const char *filter;
        size_t count;
    } cases[] = {
        {"", 7}, {",\"serviceName\":\"web\"", 3}, {",\"serviceName\":\"arn:aws:ecs:us-east-1:111122223333:service/shop/logs\"", 4},
        {",\"family\":\"web\"", 3}, {",\"desiredStatus\":\"RUNNING\"", 7}, {",\"desiredStatus\":\"STOPPED\"", 0},
        {",\"desiredStatus\":\"PENDING\"", 0}, {",\"launchType\":\"FARGATE\"", 0}, {",\"launchType\":\"EC2\"", 7}, {",\"startedBy\":\"nobody\"", 0},
        {",\"family\":\"nope\"", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char body[256];
        snprintf(body, sizeof body, "{\"cluster\":\"shop\"%s}", cases[i].filter);
        json_t *a = rig_ecs_ok(&r, "ListTasks", body);
        if (length(a, "taskArns") != cases[i].count)
            print_error("%s\n", cases[i].filter);
        assert_int_equal(length(a, "taskArns"), cases[i].count);
        json_decref(a);
    }
    size_t sum = 0;
    for (int i = 0; i < 4; i++) {
        char body[256];
        snprintf(body, sizeof body, "{\"cluster\":\"shop\",\"containerInstance\":\"%s\"}", rig_container(&r, i));
        json_t *a = rig_ecs_ok(&r, "ListTasks", body);
        sum += length(a, "taskArns");
        json_decref(a);
    }
    assert_int_equal(sum, 7);
    rig_ecs_refused(&r, "ListTasks", "{\"cluster\":\"shop\",\"serviceName\":\"nope\"}", "ServiceNotFoundException");
    rig_ecs_refused(&r, "ListTasks", "{\"cluster\":\"shop\",\"startedBy\":\"me\",\"family\":\"web\"}", "InvalidParameterException");
    rig_ecs_refused(&r, "ListTasks", "{\"cluster\":\"shop\",\"containerInstance\":\"nope\"}", "InvalidParameterException");
    rig_ecs_refused(&r, "ListTasks", "{\"cluster\":\"shop\",\"desiredStatus\":\"DONE\"}", "InvalidParameterException");
    rig_stop(&r);
}

static void a_task_tells_where_it_runs_and_whose_it_is(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    json_t *l = rig_ecs_ok(&r, "ListTasks", "{\"cluster\":\"shop\",\"serviceName\":\"web\"}");
    char body[512];
    snprintf(body, sizeof body, "{\"cluster\":\"shop\",\"tasks\":[\"%s\",\"nope\"]}", json_string_value(first(l, "taskArns")));
    json_t *a = rig_ecs_ok(&r, "DescribeTasks", body);
    json_t *t = first(a, "tasks");
    assert_string_equal(text_of(t, "lastStatus"), "RUNNING");
    assert_string_equal(text_of(t, "desiredStatus"), "RUNNING");
    assert_string_equal(text_of(t, "group"), "service:web");
    assert_int_equal(strncmp(text_of(t, "startedBy"), "ecs-svc/", 8), 0);
    assert_string_equal(text_of(t, "taskDefinitionArn"), "arn:aws:ecs:us-east-1:111122223333:task-definition/web:1");
    assert_non_null(strstr(text_of(t, "containerInstanceArn"), ":container-instance/shop/"));
    assert_string_equal(text_of(t, "cpu"), "512");
    assert_true(json_is_real(json_object_get(t, "startedAt")));
    assert_string_equal(text_of(first(a, "failures"), "arn"), "arn:aws:ecs:us-east-1:111122223333:task/shop/nope");
    json_decref(l);
    json_decref(a);
    rig_stop(&r);
}

// Sums a definition as the scheduler reserves: the task's own figure, else soft limits, else hard ones.
static struct res reserved(json_t *def)
{
    struct res sum = {{0}};
    size_t i;
    json_t *k;
    json_array_foreach(json_object_get(def, "containerDefinitions"), i, k)
    {
        int64_t soft = number(k, "memoryReservation");
        sum = res_add(sum, res_make(number(k, "cpu"), soft > 0 ? soft : number(k, "memory")));
    }
    if (json_object_get(def, "cpu") != NULL)
        sum.v[RES_CPU] = (int64_t)strtod(text_of(def, "cpu"), NULL);
    if (json_object_get(def, "memory") != NULL)
        sum.v[RES_MEMORY] = (int64_t)strtod(text_of(def, "memory"), NULL);
    return sum;
}

static void each_form_of_task_definition_reserves_what_the_world_does(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    bool task_level = false, soft = false, sidecar = false;
    for (int i = 0; i < 12; i++) {
        struct world_taskdef d = {.need = res_make(256, 512)};
        snprintf(d.family, sizeof d.family, "family%d", i);
        world_add_taskdef(r.world, &d);
        char body[128];
        snprintf(body, sizeof body, "{\"taskDefinition\":\"%s\"}", d.family);
        json_t *a = rig_ecs_ok(&r, "DescribeTaskDefinition", body), *def = json_object_get(a, "taskDefinition");
        assert_true(res_eq(reserved(def), d.need));
        task_level = task_level || json_object_get(def, "cpu") != NULL;
        soft = soft || json_object_get(first(def, "containerDefinitions"), "memoryReservation") != NULL;
        sidecar = sidecar || length(def, "containerDefinitions") == 2;
        json_decref(a);
    }
    assert_true(task_level && soft && sidecar);
    rig_stop(&r);
}

static void a_family_means_its_newest_revision(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    struct world_taskdef d = {.family = "web", .need = res_make(256, 512), .stop_timeout_ms = 90000};
    world_add_taskdef(r.world, &d);
    json_t *a = rig_ecs_ok(&r, "DescribeTaskDefinition", "{\"taskDefinition\":\"web\"}");
    assert_int_equal(number(json_object_get(a, "taskDefinition"), "revision"), 2);
    assert_int_equal(number(first(json_object_get(a, "taskDefinition"), "containerDefinitions"), "stopTimeout"), 90);
    json_decref(a);
    a = rig_ecs_ok(&r, "DescribeTaskDefinition", "{\"taskDefinition\":\"arn:aws:ecs:us-east-1:111122223333:task-definition/web:1\"}");
    assert_int_equal(number(json_object_get(a, "taskDefinition"), "revision"), 1);
    json_decref(a);
    rig_ecs_refused(&r, "DescribeTaskDefinition", "{\"taskDefinition\":\"web:9\"}", "ClientException");
    rig_ecs_refused(&r, "DescribeTaskDefinition", "{\"taskDefinition\":\"web:x\"}", "ClientException");
    rig_ecs_refused(&r, "DescribeTaskDefinition", "{}", "InvalidParameterException");
    rig_stop(&r);
}

static void protection_is_set_told_and_refused_for_standalone_tasks(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    json_t *l = rig_ecs_ok(&r, "ListTasks", "{\"cluster\":\"shop\",\"serviceName\":\"web\"}");
    json_t *run = rig_ecs_ok(&r, "RunTask", "{\"cluster\":\"shop\",\"taskDefinition\":\"web\"}");
    const char *task = json_string_value(first(l, "taskArns")), *alone = text_of(first(run, "tasks"), "taskArn");
    char body[1024];
    snprintf(body, sizeof body, "{\"cluster\":\"shop\",\"tasks\":[\"%s\",\"%s\"],\"protectionEnabled\":true,\"expiresInMinutes\":10}", task, alone);
    json_t *a = rig_ecs_ok(&r, "UpdateTaskProtection", body);
    assert_true(json_is_true(json_object_get(first(a, "protectedTasks"), "protectionEnabled")));
    assert_string_equal(text_of(first(a, "failures"), "reason"), "TASK_NOT_VALID");
    json_decref(a);
    snprintf(body, sizeof body, "{\"cluster\":\"shop\",\"tasks\":[\"%s\",\"%s\",\"nope\"]}", task, alone);
    a = rig_ecs_ok(&r, "GetTaskProtection", body);
    json_t *p = first(a, "protectedTasks");
    assert_true(json_is_true(json_object_get(p, "protectionEnabled")));
    assert_int_equal((int64_t)json_real_value(json_object_get(p, "expirationDate")), (clock_wall_ms(&r.clock) + 600000) / 1000);
    assert_int_equal(length(a, "failures"), 2);
    json_decref(a);
    rig_pass(&r, 601000);
    a = rig_ecs_ok(&r, "GetTaskProtection", body);
    assert_true(json_is_false(json_object_get(first(a, "protectedTasks"), "protectionEnabled")));
    rig_ecs_refused(&r, "UpdateTaskProtection", "{\"cluster\":\"shop\",\"tasks\":[\"x\"],\"protectionEnabled\":true,\"expiresInMinutes\":2881}",
                    "InvalidParameterException");
    rig_ecs_refused(&r, "UpdateTaskProtection", "{\"cluster\":\"shop\",\"tasks\":[\"x\"]}", "InvalidParameterException");
    json_decref(a);
    json_decref(l);
    json_decref(run);
    rig_stop(&r);
}

static void tasks_are_run_refused_for_lack_of_room_and_stopped(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    struct world_taskdef big = {.family = "big", .need = res_make(1500, 512), .stop_timeout_ms = 30000, .stops_in_ms = 1000, .start_ms = 1000};
    world_add_taskdef(r.world, &big);
    json_t *a = rig_ecs_ok(&r, "RunTask", "{\"cluster\":\"shop\",\"taskDefinition\":\"big:1\",\"count\":10}");
    assert_true(length(a, "tasks") >= 1 && length(a, "tasks") <= 4);
    assert_int_equal(length(a, "tasks") + length(a, "failures"), 10);
    assert_string_equal(text_of(first(a, "failures"), "reason"), "RESOURCE:CPU");
    assert_string_equal(text_of(first(a, "tasks"), "group"), "family:big");
    char body[512];
    snprintf(body, sizeof body, "{\"cluster\":\"shop\",\"task\":\"%s\",\"reason\":\"enough\"}", text_of(first(a, "tasks"), "taskArn"));
    json_t *b = rig_ecs_ok(&r, "StopTask", body);
    assert_string_equal(text_of(json_object_get(b, "task"), "desiredStatus"), "STOPPED");
    rig_pass(&r, 60000);
    snprintf(body, sizeof body, "{\"cluster\":\"shop\",\"tasks\":[\"%s\"]}", text_of(first(a, "tasks"), "taskArn"));
    json_t *d = rig_ecs_ok(&r, "DescribeTasks", body);
    assert_string_equal(text_of(first(d, "tasks"), "lastStatus"), "STOPPED");
    assert_string_equal(text_of(first(d, "tasks"), "stopCode"), "UserInitiated");
    json_t *stopped = rig_ecs_ok(&r, "ListTasks", "{\"cluster\":\"shop\",\"desiredStatus\":\"STOPPED\"}");
    assert_int_equal(length(stopped, "taskArns"), 1);
    rig_ecs_refused(&r, "StopTask", "{\"cluster\":\"shop\",\"task\":\"nope\"}", "InvalidParameterException");
    rig_ecs_refused(&r, "RunTask", "{\"cluster\":\"empty\",\"taskDefinition\":\"big\"}", "InvalidParameterException");
    rig_ecs_refused(&r, "RunTask", "{\"cluster\":\"shop\",\"taskDefinition\":\"nope\"}", "ClientException");
    rig_ecs_refused(&r, "RunTask", "{\"cluster\":\"shop\",\"taskDefinition\":\"big\",\"count\":11}", "InvalidParameterException");
    json_decref(a);
    json_decref(b);
    json_decref(d);
    json_decref(stopped);
    rig_stop(&r);
}

static void account_wide_reads_answer_for_an_account_without_extras(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    json_t *a = rig_ecs_ok(&r, "DescribeCapacityProviders", "{\"capacityProviders\":[\"cp\"]}");
    assert_int_equal(length(a, "capacityProviders"), 0);
    assert_string_equal(text_of(first(a, "failures"), "reason"), "MISSING");
    json_t *b = rig_ecs_ok(&r, "ListAccountSettings", "{\"effectiveSettings\":true,\"name\":\"awsvpcTrunking\"}");
    assert_string_equal(text_of(first(b, "settings"), "value"), "disabled");
    json_t *c = rig_ecs_ok(&r, "ListTagsForResource", "{\"resourceArn\":\"arn:aws:ecs:us-east-1:111122223333:cluster/shop\"}");
    assert_int_equal(length(c, "tags"), 0);
    rig_ecs_refused(&r, "ListTagsForResource", "{\"resourceArn\":\"arn:aws:s3:::x\"}", "InvalidParameterException");
    json_decref(a);
    json_decref(b);
    json_decref(c);
    rig_stop(&r);
}

static void unknown_operations_and_broken_bodies_have_their_own_errors(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    rig_ecs_refused(&r, "MakeCoffee", "{}", "UnknownOperationException");
    rig_ecs_refused(&r, "ListClusters", "{\"maxResults\":", "SerializationException");
    rig_ecs_refused(&r, "ListClusters", "[]", "SerializationException");
    rig_ecs_refused(&r, "ListClusters", "{\"maxResults\":\"1\"}", "SerializationException");
    rig_ecs_refused(&r, "ListClusters", "{\"nextToken\":\"eJ00000000000000000000000000000000\"}", "InvalidParameterException");
    rig_stop(&r);
}

static void pages_may_be_empty_and_tokens_belong_to_their_request(void **state)
{
    (void)state;
    struct rig r;
    struct sandbox_options o = {.empty_pages = true};
    rig_start(&r, &o);
    json_t *a = rig_ecs_ok(&r, "ListTasks", "{\"cluster\":\"shop\",\"maxResults\":5}");
    assert_int_equal(length(a, "taskArns"), 0);
    char body[256], foreign[256];
    snprintf(body, sizeof body, "{\"cluster\":\"shop\",\"maxResults\":5,\"nextToken\":\"%s\"}", text_of(a, "nextToken"));
    snprintf(foreign, sizeof foreign, "{\"cluster\":\"shop\",\"maxResults\":4,\"nextToken\":\"%s\"}", text_of(a, "nextToken"));
    rig_ecs_refused(&r, "ListTasks", foreign, "InvalidParameterException");
    json_decref(a);
    a = rig_ecs_ok(&r, "ListTasks", body);
    assert_int_equal(length(a, "taskArns"), 5);
    snprintf(body, sizeof body, "{\"cluster\":\"shop\",\"maxResults\":5,\"nextToken\":\"%s\"}", text_of(a, "nextToken"));
    json_decref(a);
    a = rig_ecs_ok(&r, "ListTasks", body);
    assert_int_equal(length(a, "taskArns"), 2);
    assert_null(json_object_get(a, "nextToken"));
    json_decref(a);
    rig_stop(&r);
}

static void reads_may_lag_behind_writes(void **state)
{
    (void)state;
    struct rig r;
    struct sandbox_options o = {.read_lag_ms = 5000};
    rig_start(&r, &o);
    char update[512], describe[512];
    snprintf(update, sizeof update, "{\"cluster\":\"shop\",\"status\":\"DRAINING\",\"containerInstances\":[\"%s\"]}", rig_container(&r, 0));
    snprintf(describe, sizeof describe, "{\"cluster\":\"shop\",\"containerInstances\":[\"%s\"]}", rig_container(&r, 0));
    json_t *a = rig_ecs_ok(&r, "UpdateContainerInstancesState", update);
    assert_string_equal(text_of(first(a, "containerInstances"), "status"), "DRAINING");
    json_decref(a);
    a = rig_ecs_ok(&r, "DescribeContainerInstances", describe);
    assert_string_equal(text_of(first(a, "containerInstances"), "status"), "ACTIVE");
    json_decref(a);
    rig_pass(&r, 5000);
    a = rig_ecs_ok(&r, "DescribeContainerInstances", describe);
    assert_string_equal(text_of(first(a, "containerInstances"), "status"), "DRAINING");
    json_decref(a);
    rig_stop(&r);
}

struct told {
    int states, tasks;
};

static void count_read(void *arg, const struct world *w, int instance, int kind)
{
    struct told *t = arg;
    (void)w;
    (void)instance;
    if (kind == WORLD_READ_STATE)
        t->states++;
    else
        t->tasks++;
}

static void the_world_learns_what_the_daemon_was_told(void **state)
{
    (void)state;
    struct rig r;
    struct told told = {0};
    struct rig_call person = {.key_id = SANDBOX_PERSON_KEY_ID, .secret = SANDBOX_PERSON_SECRET};
    rig_start(&r, NULL);
    world_set_hook(r.world, &(struct world_hook){.read = count_read, .arg = &told});
    char describe[256], running[256], stopped[256];
    snprintf(describe, sizeof describe, "{\"cluster\":\"shop\",\"containerInstances\":[\"%s\"]}", rig_container(&r, 0));
    snprintf(running, sizeof running, "{\"cluster\":\"shop\",\"containerInstance\":\"%s\",\"family\":\"none\"}", rig_container(&r, 0));
    snprintf(stopped, sizeof stopped, "{\"cluster\":\"shop\",\"containerInstance\":\"%s\",\"desiredStatus\":\"STOPPED\"}", rig_container(&r, 0));
    struct rig_answer a = rig_ecs(&r, "DescribeContainerInstances", describe, &person);
    rig_done(&a);
    assert_int_equal(told.states, 0);  // a person was told
    json_decref(rig_ecs_ok(&r, "DescribeContainerInstances", describe));
    assert_int_equal(told.states, 1);
    json_decref(rig_ecs_ok(&r, "ListTasks", running));
    json_decref(rig_ecs_ok(&r, "ListTasks", stopped));
    assert_int_equal(told.tasks, 0);  // the list of the running was narrowed to a family
    snprintf(running, sizeof running, "{\"cluster\":\"shop\",\"containerInstance\":\"%s\"}", rig_container(&r, 0));
    json_decref(rig_ecs_ok(&r, "ListTasks", running));
    assert_int_equal(told.tasks, 1);
    json_t *list = rig_ecs_ok(&r, "ListTasks", running);
    snprintf(stopped, sizeof stopped, "{\"cluster\":\"shop\",\"tasks\":[\"%s\"]}", json_string_value(first(list, "taskArns")));
    json_decref(list);
    told.tasks = 0;
    json_decref(rig_ecs_ok(&r, "DescribeTasks", stopped));
    assert_int_equal(told.tasks, 1);  // it may have stopped since the lists
    rig_pass(&r, 31000);
    json_decref(rig_ecs_ok(&r, "DescribeTasks", stopped));
    assert_int_equal(told.tasks, 1);  // the lists are too old to tell of the whole box
    struct sandbox_fault f = {"ecs:DescribeContainerInstances", SANDBOX_FAULT_TIMEOUT_AFTER, 0, 1};
    assert_int_equal(sandbox_add_fault(r.sandbox, &f, NULL), 0);
    a = rig_ecs(&r, "DescribeContainerInstances", describe, NULL);
    rig_done(&a);
    assert_int_equal(told.states, 1);  // the answer was lost
    rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clusters_are_listed_in_pages_and_described),
        cmocka_unit_test(the_cluster_default_is_meant_when_none_is_named),
        cmocka_unit_test(container_instances_are_listed_by_state),
        cmocka_unit_test(a_container_instance_tells_its_resources_attributes_and_tasks),
        cmocka_unit_test(an_arn_of_another_cluster_is_missing_not_an_error),
        cmocka_unit_test(draining_is_set_taken_back_and_partly_refused),
        cmocka_unit_test(services_are_listed_by_kind_and_described),
        cmocka_unit_test(a_person_changes_a_desired_count_and_forces_a_deployment),
        cmocka_unit_test(tasks_are_listed_by_each_filter),
        cmocka_unit_test(a_task_tells_where_it_runs_and_whose_it_is),
        cmocka_unit_test(each_form_of_task_definition_reserves_what_the_world_does),
        cmocka_unit_test(a_family_means_its_newest_revision),
        cmocka_unit_test(protection_is_set_told_and_refused_for_standalone_tasks),
        cmocka_unit_test(tasks_are_run_refused_for_lack_of_room_and_stopped),
        cmocka_unit_test(account_wide_reads_answer_for_an_account_without_extras),
        cmocka_unit_test(unknown_operations_and_broken_bodies_have_their_own_errors),
        cmocka_unit_test(pages_may_be_empty_and_tokens_belong_to_their_request),
        cmocka_unit_test(reads_may_lag_behind_writes),
        cmocka_unit_test(the_world_learns_what_the_daemon_was_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
