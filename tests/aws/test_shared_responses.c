// Sample answers of the shared facts, where that folder is there: each is served to the operation that it belongs to.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "scaler/aws/credentials_sources.h"
#include "scaler/aws/ec2_fleets.h"
#include "scaler/aws/ec2_types.h"
#include "scaler/aws/ecs_definition.h"
#include "scaler/aws/sts.h"
#include "tests/aws/files.h"
#include "tests/aws/fixture.h"

#define FLEET "sfr-11111111-2222-3333-4444-555555555555"

static void begin(struct fixture *f)
{
    fixture_begin(f);
    if (file_shared(&f->arena, "aws/responses"))
        return;
    fixture_end(f);
    skip();
}

static void serve(struct fixture *f, const char *name, int status)
{
    const char *path = file_shared(&f->arena, arena_printf(&f->arena, "aws/responses/%s", name));
    assert_non_null(path);
    struct slice body = file_read(&f->arena, path);
    assert_non_null(body.ptr);
    scripted_add(&f->s, (struct scripted_reply){.status = status, .body = body.ptr, .body_len = body.len});
}

static void instances(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    serve(&f, "ec2-describe-instances.xml", 200);
    scripted_add_body(&f.s, "<DescribeInstancesResponse/>");  // the sample says that a page follows
    struct ec2_instances ret;
    ec2_describe_fleet_instances(f.with, FLEET, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(ret.count, 3);
    assert_string_equal(ret.items[0].id, "i-0aaaaaaaaaaaaaaa1");
    assert_string_equal(ret.items[0].state, "running");
    assert_string_equal(ret.items[0].zone, "us-east-1a");
    assert_string_equal(ret.items[0].lifecycle, "spot");
    assert_string_equal(aws_tag_get(&ret.items[0].tags, "Name"), "a & b <1>");
    assert_string_equal(aws_tag_get(&ret.items[0].tags, "aws:ec2spot:fleet-request-id"), FLEET);
    assert_int_equal(ret.items[1].state_code, 32);
    assert_string_equal(ret.items[2].lifecycle, "");
    assert_non_null(strstr(f.s.requests[1].body, "&NextToken=opaque%2B%2F%3Dtoken"));
    fixture_end(&f);
}

static void fleets_and_their_instances(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    serve(&f, "ec2-describe-spot-fleet-requests.xml", 200);
    serve(&f, "ec2-describe-spot-fleet-instances.xml", 200);
    serve(&f, "ec2-describe-spot-fleet-request-history.xml", 200);
    const char *id = FLEET;
    struct ec2_spot_fleets fleets;
    struct ec2_fleet_members members;
    ec2_describe_spot_fleets(f.with, &id, 1, &fleets);
    ec2_describe_spot_fleet_instances(f.with, id, &members);
    struct ec2_fleet_events events;
    ec2_describe_fleet_history(f.with, id, T0_MS, &events);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(fleets.call.state, AWS_CALL_COMPLETE);
    const struct ec2_spot_fleet *t = &fleets.items[0];
    assert_string_equal(t->id, FLEET);
    assert_string_equal(t->state, "active");
    assert_string_equal(t->activity, "fulfilled");
    assert_int_equal(t->target, 6);
    assert_int_equal(t->on_demand_target, 1);
    assert_int_equal(t->fulfilled_milli, 7000);
    assert_string_equal(t->rebalance, "launch");
    assert_string_equal(t->excess_policy, "noTermination");
    assert_true(t->terminate_with_expiration);
    assert_int_equal(t->override_count, 2);
    assert_int_equal(t->overrides[1].weight_milli, 2000);
    assert_string_equal(aws_tag_get(&t->tags, "scaler"), "demo");
    assert_int_equal(members.count, 1);
    assert_string_equal(members.items[0].health, "healthy");
    assert_int_equal(events.count, 2);
    assert_string_equal(events.items[0].kind, "instanceChange");
    assert_string_equal(events.items[1].kind, "error");
    assert_string_equal(events.items[1].sub_kind, "spotInstanceCountLimitExceeded");
    fixture_end(&f);
}

static void changes_of_ec2(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    serve(&f, "ec2-modify-spot-fleet-request.xml", 200);
    serve(&f, "ec2-terminate-instances.xml", 200);
    struct aws_call modify;
    struct ec2_state_changes end;
    const char *id = "i-0aaaaaaaaaaaaaaa1";
    ec2_modify_spot_fleet(f.with, &(struct ec2_fleet_target){FLEET, 5, 1, false}, &modify);
    ec2_terminate_instances(f.with, &id, 1, false, &end);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(modify.state, AWS_CALL_COMPLETE);
    assert_int_equal(end.call.state, AWS_CALL_COMPLETE);
    assert_string_equal(end.items[0].before, "running");
    assert_string_equal(end.items[0].after, "shutting-down");
    fixture_end(&f);
}

static void types_prices_and_identity(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    serve(&f, "ec2-describe-instance-types.xml", 200);
    serve(&f, "ec2-describe-spot-price-history.xml", 200);
    serve(&f, "sts-get-caller-identity.xml", 200);
    const char *name = "m5.large";
    struct ec2_types types;
    struct ec2_prices prices;
    struct sts_identity id;
    ec2_describe_types(f.with, &name, 1, &types);
    ec2_describe_spot_prices(f.with, &name, 1, T0_MS, &prices);
    sts_get_caller_identity(f.with, &id);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(types.items[0].memory_mib, 8192);
    assert_int_equal(types.items[0].vcpus, 2);
    assert_int_equal(types.items[0].max_network_interfaces, 3);
    assert_true(types.items[0].spot);
    assert_int_equal(prices.items[0].usd_micro, 34500);
    assert_string_equal(prices.items[0].zone, "us-east-1a");
    assert_string_equal(id.account, "111122223333");
    fixture_end(&f);
}

static void cluster_and_its_instances(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    serve(&f, "ecs-describe-clusters.json", 200);
    serve(&f, "ecs-describe-container-instances.json", 200);
    const char *names[] = {"a", "b"};
    struct ecs_clusters clusters;
    struct ecs_container_instances ci;
    ecs_describe_clusters(f.with, names, 1, &clusters);
    ecs_describe_container_instances(f.with, "demo", names, 2, &ci);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(clusters.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(clusters.items[0].running_tasks, 7);
    assert_int_equal(ci.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(ci.count, 1);
    assert_int_equal(ci.items[0].registered.amount.v[RES_CPU], 2048);
    assert_int_equal(ci.items[0].remaining.amount.v[RES_MEMORY], 3668);
    assert_int_equal(ci.items[0].remaining.port_count, 5);
    assert_int_equal(ci.items[0].remaining.udp_port_count, 0);
    assert_string_equal(ci.items[0].agent_version, "1.105.1");
    assert_int_equal(ci.items[0].registered_ms, 1768478400123);
    assert_string_equal(ecs_attribute_get(&ci.items[0], "ecs.cpu-architecture"), "x86_64");
    assert_int_equal(ci.failures.count, 1);
    assert_string_equal(ci.failures.items[0].reason, "MISSING");
    fixture_end(&f);
}

static void services_and_tasks(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    serve(&f, "ecs-describe-services.json", 200);
    serve(&f, "ecs-describe-tasks.json", 200);
    const char *arn = "a";
    struct ecs_services services;
    struct ecs_tasks tasks;
    ecs_describe_services(f.with, "demo", &arn, 1, &services);
    ecs_describe_tasks(f.with, "demo", &arn, 1, &tasks);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(services.call.state, AWS_CALL_COMPLETE);
    const struct ecs_service *s = &services.items[0];
    assert_int_equal(s->desired, 4);
    assert_string_equal(s->deployments[0].status, "PRIMARY");
    assert_string_equal(s->deployments[0].rollout_state, "COMPLETED");
    assert_int_equal(s->strategy_count, 2);
    assert_string_equal(s->strategies[0].field, "attribute:ecs.availability-zone");
    assert_non_null(strstr(s->events[0].message, "insufficient CPU units"));
    assert_string_equal(s->az_rebalancing, "ENABLED");
    assert_int_equal(tasks.call.state, AWS_CALL_COMPLETE);
    const struct ecs_task *t = &tasks.items[0];
    assert_string_equal(t->group, "service:web");
    assert_int_equal(t->cpu_units, 256);
    assert_int_equal(t->overrides[0].cpu_units, 128);
    assert_int_equal(t->overrides[0].soft_memory_mib, 300);
    assert_int_equal(t->overrides[0].memory_mib, -1);
    assert_string_equal(t->capacity_provider, "demo-cp");
    fixture_end(&f);
}

static void errors_have_their_kind(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        int status;
        bool ec2;
        enum err_kind kind;
        size_t requests;
    } cases[] = {
        {"ec2-error-unauthorized.xml", 403, true, ERR_DENIED, 1},
        {"ec2-error-throttled.xml", 503, true, ERR_THROTTLED, 1},
        {"ec2-error-instance-not-found.xml", 400, true, ERR_NOT_FOUND, 1},
        {"ec2-error-fleet-not-modifiable.xml", 400, true, ERR_CONFLICT, 1},
        {"autoscaling-error-contention.xml", 500, true, ERR_CONFLICT, 3},
        {"autoscaling-error-throttling.xml", 400, true, ERR_THROTTLED, 1},
        {"ecs-error-throttling.json", 400, false, ERR_THROTTLED, 3},
        {"ecs-error-cluster-not-found.json", 400, false, ERR_NOT_FOUND, 1},
        {"ecs-error-server.json", 500, false, ERR_TRANSIENT, 3},
        {"ecs-error-access-denied.json", 400, false, ERR_DENIED, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        begin(&f);
        serve(&f, cases[i].file, cases[i].status);
        f.s.repeat_last = true;
        struct ecs_arns list;
        struct aws_call change, *call = cases[i].ec2 ? &change : &list.call;
        if (cases[i].ec2)
            ec2_modify_spot_fleet(f.with, &(struct ec2_fleet_target){FLEET, 5, 0, false}, &change);
        else
            ecs_list_clusters(f.with, &list);
        aws_run(f.clients, DEADLINE_MS);
        assert_int_equal(call->state, AWS_CALL_FAILED);
        assert_int_equal(call->err.kind, cases[i].kind);
        assert_int_equal(f.s.request_count, cases[i].requests);
        fixture_end(&f);
    }
}

static void dry_run_and_container_credentials(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    serve(&f, "ec2-error-dry-run-allowed.xml", 412);
    const char *id = "i-0aaaaaaaaaaaaaaa1";
    struct ec2_state_changes end;
    ec2_terminate_instances(f.with, &id, 1, true, &end);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(end.call.state, AWS_CALL_COMPLETE);
    struct slice body = file_read(&f.arena, file_shared(&f.arena, "aws/responses/container-credentials.json"));
    struct credentials_keys keys;
    struct err err = {0};
    assert_int_equal(credentials_container_decode(body, &f.arena, &keys, &err), 0);
    assert_string_equal(keys.session_token, "EXAMPLE//token==");
    assert_int_equal(keys.expires_ms, 1768500000000 + 0);
    fixture_end(&f);
}

static void role_and_instance_credentials(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct credentials_keys keys;
    struct err err = {0};
    const struct credentials_role role = {.arn = "arn:aws:iam::111122223333:role/scaler"};
    struct slice body = file_read(&f.arena, file_shared(&f.arena, "aws/responses/sts-assume-role.xml"));
    assert_int_equal(credentials_role_decode(&role, body, &f.arena, &keys, &err), 0);
    assert_string_equal(keys.access_key_id, "ASIAEXAMPLE");
    assert_string_equal(keys.secret, "EXAMPLE/secret+key");
    assert_string_equal(keys.session_token, "EXAMPLE//token==");
    assert_int_equal(keys.expires_ms, 1768484096000);
    body = file_read(&f.arena, file_shared(&f.arena, "aws/responses/imds-security-credentials.json"));
    assert_int_equal(credentials_instance_decode(body, &f.arena, &keys, &err), 0);
    assert_string_equal(keys.access_key_id, "ASIAEXAMPLE");
    assert_int_equal(keys.expires_ms, 1768500000000);
    fixture_end(&f);
}

// Every sample of a service that we speak is read by one of the tests here.
static void no_sample_of_our_services_is_left_out(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    // Not asked for: the history of a fleet, which events tell. Those of groups are read in test_asg.c.
    static const char *const others[] = {"ec2-describe-spot-fleet-request-history.xml", "autoscaling-describe-groups.xml",
                                         "autoscaling-error-scaling-in-progress.xml"};
    struct slice source = file_read(&f.arena, file_path(&f.arena, "tests/aws/test_shared_responses.c"));
    struct slice index = file_read(&f.arena, file_shared(&f.arena, "aws/responses/index.json"));
    json_t *root = NULL;
    struct err err = {0};
    assert_int_equal(json_parse(index, "index.json", &root, &err), 0);
    const json_t *files = json_object_get(root, "files");
    size_t seen = 0;
    for (size_t i = 0; i < json_array_size(files); i++) {
        const char *name = json_str(json_array_get(files, i), "file");
        static const char *const ours[] = {"ec2-", "ecs-", "sts-", "autoscaling-", "container-", "imds-"};
        bool of_ours = false, left_out = false;
        for (size_t k = 0; k < ARRAY_LEN(ours); k++)
            of_ours |= slice_starts(slice_of(name), ours[k]);
        for (size_t k = 0; k < ARRAY_LEN(others); k++)
            left_out |= strcmp(others[k], name) == 0;
        if (!of_ours || left_out)
            continue;
        seen++;
        const char *at = memmem(source.ptr, source.len, name, strlen(name));
        if (!at)
            print_message("%s\n", name);
        assert_non_null(at);
    }
    assert_true(seen >= 20);
    json_decref(root);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instances),
        cmocka_unit_test(fleets_and_their_instances),
        cmocka_unit_test(changes_of_ec2),
        cmocka_unit_test(types_prices_and_identity),
        cmocka_unit_test(cluster_and_its_instances),
        cmocka_unit_test(services_and_tasks),
        cmocka_unit_test(errors_have_their_kind),
        cmocka_unit_test(dry_run_and_container_credentials),
        cmocka_unit_test(role_and_instance_credentials),
        cmocka_unit_test(no_sample_of_our_services_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
