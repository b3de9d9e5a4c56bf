// ECS: requests as sent, pages, batches, partial failures and decoding, on a scripted transport.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "scaler/aws/ecs_definition.h"
#include "tests/aws/fixture.h"

static void pages_are_followed_through_an_empty_one(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "{\"containerInstanceArns\":[\"a\"],\"nextToken\":\"one \\\"quoted\\\"\"}");
    scripted_add_body(&f.s, "{\"containerInstanceArns\":[],\"nextToken\":\"two\"}");
    scripted_add_body(&f.s, "{\"containerInstanceArns\":[\"b\",\"c\"],\"nextToken\":\"\"}");
    struct ecs_arns ret;
    ecs_list_container_instances(f.with, "rice", &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(ret.count, 3);
    assert_string_equal(ret.items[2], "c");
    assert_string_equal(f.s.requests[0].body, "{\"cluster\":\"rice\",\"maxResults\":100}");
    assert_string_equal(f.s.requests[1].body, "{\"cluster\":\"rice\",\"maxResults\":100,\"nextToken\":\"one \\\"quoted\\\"\"}");
    assert_string_equal(f.s.requests[2].body, "{\"cluster\":\"rice\",\"maxResults\":100,\"nextToken\":\"two\"}");
    assert_non_null(strstr(f.s.requests[0].headers, "X-Amz-Target: AmazonEC2ContainerServiceV20141113.ListContainerInstances\n"));
    assert_non_null(strstr(f.s.requests[0].headers, "Content-Type: application/x-amz-json-1.1\n"));
    assert_non_null(strstr(f.s.requests[0].headers, "Host: ecs.eu-west-1.amazonaws.com\n"));
    fixture_end(&f);
}

static void a_page_that_fails_leaves_what_was_read_as_partial(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "{\"serviceArns\":[\"a\"],\"nextToken\":\"t\"}");
    scripted_add_error(&f.s, 400, "{\"__type\":\"AccessDeniedException\"}");
    struct ecs_arns ret;
    ecs_list_services(f.with, "rice", &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_PARTIAL);
    assert_int_equal(ret.call.err.kind, ERR_DENIED);
    assert_int_equal(ret.count, 1);
    fixture_end(&f);
}

static void a_token_that_repeats_ends_the_listing(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    f.s.repeat_last = true;
    scripted_add_body(&f.s, "{\"clusterArns\":[\"a\"],\"nextToken\":\"same\"}");
    struct ecs_arns ret;
    ecs_list_clusters(f.with, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(f.s.request_count, 2);
    assert_int_equal(ret.call.state, AWS_CALL_PARTIAL);
    assert_int_equal(ret.call.err.kind, ERR_LIMIT);
    fixture_end(&f);
}

static void broken_bodies_fail_and_name_the_operation(void **state)
{
    (void)state;
    static const char *const bodies[] = {"", "{", "{\"clusterArns\":[\"a\"", "[]", "{}", "{\"clusterArns\":{}}", "{\"clusterArns\":[1]}", "\xff\xfe"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct fixture f;
        fixture_begin(&f);
        scripted_add_body(&f.s, bodies[i]);
        struct ecs_arns ret;
        ecs_list_clusters(f.with, &ret);
        aws_run(f.clients, DEADLINE_MS);
        assert_int_equal(ret.call.state, AWS_CALL_FAILED);
        assert_int_equal(ret.call.err.kind, ERR_CORRUPT);
        assert_non_null(strstr(ret.call.err.msg, "ListClusters: "));
        assert_int_equal(ret.count, 0);
        fixture_end(&f);
    }
}

// What DescribeContainerInstances says to n ids: all there, but for those in `missing`.
static const char *instances_answer(struct arena *a, size_t n, const char *failures)
{
    struct buf b;
    buf_init(&b, 1u << 20);
    buf_add_str(&b, "{\"containerInstances\":[");
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s{\"containerInstanceArn\":\"ci%zu\",\"status\":\"ACTIVE\",\"ec2InstanceId\":\"i-%zu\"}", i ? "," : "", i, i);
    buf_printf(&b, "],\"failures\":[%s]}", failures);
    const char *text = arena_strdup(a, buf_str(&b));
    buf_release(&b);
    return text;
}

static void describes_go_out_in_batches_at_once(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    const char *arns[250];
    for (size_t i = 0; i < ARRAY_LEN(arns); i++)
        arns[i] = arena_printf(&f.arena, "ci-%03zu", i);
    const size_t sizes[] = {100, 100, 50};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        scripted_add(&f.s, (struct scripted_reply){.body = instances_answer(&f.arena, sizes[i], ""), .delay_ms = 100});
    struct ecs_container_instances ret;
    ecs_describe_container_instances(f.with, "rice", arns, ARRAY_LEN(arns), &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(ret.count, 250);
    assert_int_equal(f.s.open_max, 3);
    assert_int_equal(f.s.clock.virtual_ms, T0_MS + 100);
    assert_int_equal(ret.call.answered_ms, T0_MS + 100);
    assert_non_null(strstr(f.s.requests[0].body, "\"ci-099\"],\"include\":[\"TAGS\"]}"));
    assert_non_null(strstr(f.s.requests[2].body, "[\"ci-200\","));
    fixture_end(&f);
}

static void a_batch_that_fails_makes_the_whole_partial(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    const char *arns[150];
    for (size_t i = 0; i < ARRAY_LEN(arns); i++)
        arns[i] = "x";
    scripted_add_body(&f.s, instances_answer(&f.arena, 100, ""));
    scripted_add_error(&f.s, 400, "{\"__type\":\"ClusterNotFoundException\"}");
    struct ecs_container_instances ret;
    ecs_describe_container_instances(f.with, "rice", arns, ARRAY_LEN(arns), &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_PARTIAL);
    assert_int_equal(ret.call.err.kind, ERR_NOT_FOUND);
    assert_int_equal(ret.count, 100);
    assert_int_equal(ret.call.failed, 1);
    fixture_end(&f);
}

static void failures_inside_a_good_answer_are_told(void **state)
{
    (void)state;
    static const struct {
        size_t there;
        const char *failures;
        enum aws_call_state expected;
        size_t count;
    } cases[] = {
        {2, "", AWS_CALL_COMPLETE, 0},
        {1, "{\"arn\":\"ci1\",\"reason\":\"MISSING\"}", AWS_CALL_COMPLETE, 1},
        {1, "{\"arn\":\"ci1\",\"reason\":\"INTERNAL\",\"detail\":\"d\"}", AWS_CALL_PARTIAL, 1},
        {1, "", AWS_CALL_PARTIAL, 0},  // one of two ids is not answered at all
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        fixture_begin(&f);
        scripted_add_body(&f.s, instances_answer(&f.arena, cases[i].there, cases[i].failures));
        const char *arns[] = {"ci0", "ci1"};
        struct ecs_container_instances ret;
        ecs_describe_container_instances(f.with, "rice", arns, 2, &ret);
        aws_run(f.clients, DEADLINE_MS);
        assert_int_equal(ret.call.state, cases[i].expected);
        assert_int_equal(ret.failures.count, cases[i].count);
        assert_int_equal(ret.count, cases[i].there);
        fixture_end(&f);
    }
}

static void describing_nothing_is_complete_at_once(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    struct ecs_tasks ret;
    ecs_describe_tasks(f.with, "rice", NULL, 0, &ret);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(f.s.request_count, 0);
    fixture_end(&f);
}

static void a_drain_that_aws_refuses_for_one_instance_failed(void **state)
{
    (void)state;
    static const struct {
        const char *reason;
        enum err_kind kind;
    } cases[] = {{"MISSING", ERR_NOT_FOUND}, {"INACTIVE", ERR_CONFLICT}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        fixture_begin(&f);
        scripted_add_body(&f.s, arena_printf(&f.arena, "{\"containerInstances\":[],\"failures\":[{\"arn\":\"ci0\",\"reason\":\"%s\"}]}", cases[i].reason));
        const char *arn = "ci0";
        struct ecs_container_instances ret;
        ecs_set_instance_state(f.with, "rice", &arn, 1, "DRAINING", &ret);
        aws_run(f.clients, DEADLINE_MS);
        assert_int_equal(ret.call.state, AWS_CALL_FAILED);
        assert_int_equal(ret.call.err.kind, cases[i].kind);
        assert_string_equal(f.s.requests[0].body, "{\"cluster\":\"rice\",\"containerInstances\":[\"ci0\"],\"status\":\"DRAINING\"}");
        fixture_end(&f);
    }
}

static void a_drain_of_two_may_half_succeed(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "{\"containerInstances\":[{\"containerInstanceArn\":\"ci0\",\"status\":\"DRAINING\"}],"
                            "\"failures\":[{\"arn\":\"ci1\",\"reason\":\"MISSING\"}]}");
    const char *arns[] = {"ci0", "ci1"};
    struct ecs_container_instances ret;
    ecs_set_instance_state(f.with, "rice", arns, 2, "DRAINING", &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_PARTIAL);
    assert_int_equal(ret.call.err.kind, ERR_NOT_FOUND);
    assert_string_equal(ret.items[0].status, "DRAINING");
    fixture_end(&f);
}

static void container_instance_reads_the_field_that_type_names(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(
        &f.s,
        "{\"containerInstances\":[{\"containerInstanceArn\":\"ci0\",\"status\":\"SOMETHING_NEW\",\"agentConnected\":true,"
        "\"registeredAt\":1770000000.5,\"version\":7,\"unheardOf\":{\"x\":[1]},\"capacityProviderName\":null,"
        "\"registeredResources\":[{\"name\":\"CPU\",\"type\":\"INTEGER\",\"integerValue\":4096,\"longValue\":1},"
        "{\"name\":\"MEMORY\",\"type\":\"LONG\",\"integerValue\":0,\"longValue\":15000},"
        "{\"name\":\"GPU\",\"type\":\"STRINGSET\",\"stringSetValue\":[\"g1\",\"g2\"]},"
        "{\"name\":\"PORTS\",\"type\":\"STRINGSET\",\"stringSetValue\":[\"22\",80,\"8080\"]},{\"name\":\"X\"},{}],"
        "\"attributes\":[{\"name\":\"ecs.instance-type\",\"value\":\"g4dn.xlarge\"},{\"name\":\"ecs.capability.x\"}],"
        "\"tags\":[{\"key\":\"masu:keep\",\"value\":\"yes\"}]}],\"failures\":[]}");
    const char *arn = "ci0";
    struct ecs_container_instances ret;
    ecs_describe_container_instances(f.with, "rice", &arn, 1, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    const struct ecs_container_instance *ci = &ret.items[0];
    assert_string_equal(ci->status, "SOMETHING_NEW");
    assert_string_equal(ci->ec2_id, "");
    assert_string_equal(ci->capacity_provider, "");
    assert_int_equal(ci->registered_ms, 1770000000500);
    assert_int_equal(ci->registered.amount.v[RES_CPU], 4096);
    assert_int_equal(ci->registered.amount.v[RES_MEMORY], 15000);
    assert_int_equal(ci->registered.amount.v[RES_GPU], 2);
    assert_int_equal(ci->registered.port_count, 2);
    assert_string_equal(ecs_attribute_get(ci, "ecs.instance-type"), "g4dn.xlarge");
    assert_string_equal(ecs_attribute_get(ci, "ecs.capability.x"), "");
    assert_null(ecs_attribute_get(ci, "absent"));
    assert_string_equal(aws_tag_get(&ci->tags, "masu:keep"), "yes");
    assert_string_equal(aws_tag_get(&ci->tags, "masu:drain"), "");
    fixture_end(&f);
}

static void service_defaults_depend_on_its_kind(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "{\"services\":[{\"serviceArn\":\"a\",\"serviceName\":\"web\"},"
                            "{\"serviceArn\":\"b\",\"serviceName\":\"log\",\"schedulingStrategy\":\"DAEMON\"},"
                            "{\"serviceArn\":\"c\",\"serviceName\":\"x\",\"deploymentConfiguration\":{\"minimumHealthyPercent\":50,"
                            "\"maximumPercent\":150},\"capacityProviderStrategy\":[{\"capacityProvider\":\"cp\",\"weight\":1,\"base\":2}],"
                            "\"networkConfiguration\":{\"awsvpcConfiguration\":{\"subnets\":[\"s1\",\"s2\"]}},"
                            "\"deployments\":[{\"status\":\"PRIMARY\",\"desiredCount\":99999999999,\"rolloutState\":\"IN_PROGRESS\"}]}],\"failures\":[]}");
    const char *arns[] = {"a", "b", "c"};
    struct ecs_services ret;
    ecs_describe_services(f.with, "rice", arns, 3, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(ret.items[0].min_percent, 100);
    assert_int_equal(ret.items[0].max_percent, 200);
    assert_int_equal(ret.items[1].min_percent, 0);
    assert_int_equal(ret.items[1].max_percent, 100);
    assert_int_equal(ret.items[2].min_percent, 50);
    assert_int_equal(ret.items[2].max_percent, 150);
    assert_string_equal(ret.items[2].providers[0].provider, "cp");
    assert_int_equal(ret.items[2].subnet_count, 2);
    assert_int_equal(ret.items[2].deployments[0].desired, INT32_MAX);
    assert_string_equal(f.s.requests[0].body, "{\"cluster\":\"rice\",\"services\":[\"a\",\"b\",\"c\"]}");
    fixture_end(&f);
}

// A Classic Load Balancer has no target group, and what looks like none is left out; each time that tasks are put into one counts.
static void a_service_tells_the_target_groups_of_its_tasks(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "targetgroup/web/1", "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/web/1", "arn:aws:ecs:eu-west-1:1:targetgroup/web/1",
                                      "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web", "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup//1",
                                      "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web/", "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/we b/1"};
    struct fixture f;
    struct buf b;
    const char *arns[] = {"a", "b", "c"};
    struct ecs_services ret;
    fixture_begin(&f);
    buf_init(&b, 1 << 16);
    buf_add_str(&b, "{\"services\":[{\"serviceArn\":\"a\",\"serviceName\":\"web\",\"loadBalancers\":[{\"loadBalancerName\":\"classic\"},{\"targetGroupArn\":7},7");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        buf_printf(&b, ",{\"targetGroupArn\":\"%s\"}", bad[i]);
    buf_printf(&b, ",{\"targetGroupArn\":\"arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/%0200d/1\"}", 1);
    for (int i = 0; i < 2; i++)
        buf_add_str(&b, ",{\"targetGroupArn\":\"arn:aws-cn:elasticloadbalancing:cn-north-1:123456789012:targetgroup/Web-1/6d0ecf831eec9f09\",\"containerPort\":80}");
    buf_add_str(&b, "]},{\"serviceArn\":\"b\",\"serviceName\":\"x\",\"loadBalancers\":[]},{\"serviceArn\":\"c\",\"serviceName\":\"y\",\"loadBalancers\":7}],\"failures\":[]}");
    scripted_add_body(&f.s, buf_str(&b));
    ecs_describe_services(f.with, "rice", arns, 3, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(ret.items[0].target_group_count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(ret.items[0].target_groups[i], "targetgroup/Web-1/6d0ecf831eec9f09");
    assert_int_equal(ret.items[1].target_group_count + ret.items[2].target_group_count, 0);
    buf_release(&b);
    fixture_end(&f);
}

static void services_go_out_ten_at_a_time_and_keep_ten_events(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    const char *arns[25];
    for (size_t i = 0; i < ARRAY_LEN(arns); i++)
        arns[i] = "a";
    f.s.repeat_last = true;
    struct buf b;
    buf_init(&b, 1u << 20);
    buf_add_str(&b, "{\"services\":[{\"serviceArn\":\"a\",\"serviceName\":\"w\",\"events\":[");
    for (int i = 0; i < 100; i++)
        buf_printf(&b, "%s{\"id\":\"%d\",\"message\":\"m%d\"}", i ? "," : "", i, i);
    buf_add_str(&b, "]}]}");
    scripted_add_body(&f.s, buf_str(&b));
    struct ecs_services ret;
    ecs_describe_services(f.with, "rice", arns, ARRAY_LEN(arns), &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(f.s.request_count, 3);
    assert_int_equal(ret.call.state, AWS_CALL_PARTIAL);  // this server answers one service whatever is asked
    assert_int_equal(ret.items[0].event_count, ECS_EVENTS_KEPT);
    assert_string_equal(ret.items[0].events[9].message, "m9");
    buf_release(&b);
    fixture_end(&f);
}

static void task_list_sends_only_filters_that_are_set(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "{\"taskArns\":[]}");
    struct ecs_arns ret;
    ecs_list_tasks(f.with, "rice", &(struct ecs_task_filter){.container_instance = "ci", .desired_status = "STOPPED", .family = ""}, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_string_equal(f.s.requests[0].body, "{\"cluster\":\"rice\",\"containerInstance\":\"ci\",\"desiredStatus\":\"STOPPED\",\"maxResults\":100}");
    fixture_end(&f);
}

static void protection_counts_standalone_tasks_as_a_fact(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    scripted_add_body(&f.s, "{\"protectedTasks\":[{\"taskArn\":\"t1\",\"protectionEnabled\":true,\"expirationDate\":1770003600}],"
                            "\"failures\":[{\"arn\":\"t2\",\"reason\":\"TASK_NOT_VALID\"}]}");
    const char *arns[] = {"t1", "t2"};
    struct ecs_protections ret;
    ecs_get_task_protection(f.with, "rice", arns, 2, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_true(ret.items[0].enabled);
    assert_int_equal(ret.items[0].expires_ms, 1770003600000);
    assert_int_equal(ret.failures.count, 1);
    fixture_end(&f);
}

// ---- task definitions (what is reserved: test_reservation.c) ---------------------------------------------------------------
static struct ecs_task_definition define(struct fixture *f, const char *fields)
{
    struct ecs_task_definition d;
    scripted_add_body(&f->s, arena_printf(&f->arena, "{\"taskDefinition\":{\"taskDefinitionArn\":\"arn:x:task-definition/web:7\",\"family\":"
                                                     "\"web\",\"revision\":7,\"status\":\"ACTIVE\",%s}}", fields));
    ecs_describe_task_definition(f->with, "web:7", &d);
    aws_run(f->clients, DEADLINE_MS);
    assert_int_equal(d.call.state, AWS_CALL_COMPLETE);
    return d;
}

static void only_data_of_the_host_that_outlives_the_task_counts(void **state)
{
    (void)state;
    static const struct {
        const char *volume;
        bool local;
    } cases[] = {
        {"{\"name\":\"v\"}", false},
        {"{\"name\":\"v\",\"host\":{}}", false},
        {"{\"name\":\"v\",\"host\":{\"sourcePath\":\"/var/run/docker.sock\"}}", false},
        {"{\"name\":\"v\",\"host\":{\"sourcePath\":\"/etc\"}}", false},
        {"{\"name\":\"v\",\"host\":{\"sourcePath\":\"/etcetera\"}}", true},
        {"{\"name\":\"v\",\"host\":{\"sourcePath\":\"/proc/../data\"}}", true},
        {"{\"name\":\"v\",\"host\":{\"sourcePath\":\"/data\"}}", true},
        {"{\"name\":\"v\",\"dockerVolumeConfiguration\":{\"scope\":\"task\"}}", false},
        {"{\"name\":\"v\",\"dockerVolumeConfiguration\":{\"scope\":\"shared\"}}", true},
        {"{\"name\":\"v\",\"efsVolumeConfiguration\":{\"fileSystemId\":\"fs-1\"}}", false},
    };
    struct fixture f;
    fixture_begin(&f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ecs_task_definition d = define(&f, arena_printf(&f.arena, "\"containerDefinitions\":[],\"volumes\":[%s]", cases[i].volume));
        assert_int_equal(d.local_data, cases[i].local);
        assert_string_equal(d.local_data_volume, cases[i].local ? "v" : "");
    }
    fixture_end(&f);
}

static void ports_stop_timeout_platform_and_constraints_are_kept(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    struct ecs_task_definition d = define(
        &f, "\"networkMode\":\"bridge\",\"runtimePlatform\":{\"cpuArchitecture\":\"ARM64\",\"operatingSystemFamily\":\"LINUX\"},"
            "\"placementConstraints\":[{\"type\":\"memberOf\",\"expression\":\"attribute:x == y\"}],"
            "\"requiresAttributes\":[{\"name\":\"ecs.capability.task-eni\"}],"
            "\"containerDefinitions\":[{\"name\":\"a\",\"stopTimeout\":90,\"portMappings\":[{\"containerPort\":80,\"hostPort\":0},"
            "{\"containerPort\":53,\"hostPort\":53,\"protocol\":\"udp\"},{\"containerPort\":1,\"hostPort\":99999}]},{\"name\":\"b\"}]");
    assert_string_equal(f.s.requests[0].body, "{\"taskDefinition\":\"web:7\"}");
    assert_int_equal(d.port_count, 1);
    assert_int_equal(d.ports[0].port, 53);
    assert_true(d.ports[0].udp);
    assert_int_equal(d.stop_timeout_ms, 90000);
    assert_string_equal(d.arch, "arm64");
    assert_string_equal(d.constraints[0].field, "attribute:x == y");
    assert_string_equal(d.required_attributes[0].name, "ecs.capability.task-eni");
    d = define(&f, "\"networkMode\":\"host\",\"containerDefinitions\":[{\"name\":\"a\",\"stopTimeout\":5,\"portMappings\":[{\"containerPort\":80}]}]");
    assert_int_equal(d.ports[0].port, 80);
    assert_int_equal(d.stop_timeout_ms, 5000);
    d = define(&f, "\"networkMode\":\"awsvpc\",\"containerDefinitions\":[{\"name\":\"a\",\"portMappings\":[{\"containerPort\":80,\"hostPort\":80}]}]");
    assert_int_equal(d.port_count, 0);
    assert_int_equal(d.stop_timeout_ms, 30000);
    fixture_end(&f);
}

// 20 MB of tasks: the transport's limit keeps such a thing out, but the decoder must stand it.
static void a_very_large_answer_is_decoded_whole(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    struct buf b;
    buf_init(&b, 64u << 20);
    buf_add_str(&b, "{\"taskArns\":[\"first\"");
    size_t n = 1;
    for (; b.len < (20u << 20); n++)
        buf_printf(&b, ",\"arn:aws:ecs:eu-west-1:111122223333:task/rice/%032zx\"", n);
    buf_add_str(&b, "]}");
    scripted_add_body(&f.s, buf_str(&b));
    struct ecs_arns ret;
    ecs_list_tasks(f.with, "rice", &(struct ecs_task_filter){0}, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(ret.count, n);
    buf_release(&b);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_followed_through_an_empty_one),
        cmocka_unit_test(a_page_that_fails_leaves_what_was_read_as_partial),
        cmocka_unit_test(a_token_that_repeats_ends_the_listing),
        cmocka_unit_test(broken_bodies_fail_and_name_the_operation),
        cmocka_unit_test(describes_go_out_in_batches_at_once),
        cmocka_unit_test(a_batch_that_fails_makes_the_whole_partial),
        cmocka_unit_test(failures_inside_a_good_answer_are_told),
        cmocka_unit_test(describing_nothing_is_complete_at_once),
        cmocka_unit_test(a_drain_that_aws_refuses_for_one_instance_failed),
        cmocka_unit_test(a_drain_of_two_may_half_succeed),
        cmocka_unit_test(container_instance_reads_the_field_that_type_names),
        cmocka_unit_test(service_defaults_depend_on_its_kind),
        cmocka_unit_test(a_service_tells_the_target_groups_of_its_tasks),
        cmocka_unit_test(services_go_out_ten_at_a_time_and_keep_ten_events),
        cmocka_unit_test(task_list_sends_only_filters_that_are_set),
        cmocka_unit_test(protection_counts_standalone_tasks_as_a_fact),
        cmocka_unit_test(only_data_of_the_host_that_outlives_the_task_counts),
        cmocka_unit_test(ports_stop_timeout_platform_and_constraints_are_kept),
        cmocka_unit_test(a_very_large_answer_is_decoded_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
