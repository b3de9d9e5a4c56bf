// Who may ask: signatures, keys, tokens, dates, and the words in which each service refuses.
#include "tests/sandbox/rig.h"

#include <stdio.h>
#include <string.h>

#include "scaler/sandbox/auth_header.h"

struct want {
    int status;
    const char *code;
};

static void check_refused(const struct rig_call *how, struct want ecs, struct want ec2, struct want sts)
{
    struct rig r;
    rig_start(&r, NULL);
    struct rig_answer a = rig_ecs(&r, "ListClusters", "{}", how);
    assert_string_equal(a.code, ecs.code);
    assert_int_equal(a.status, ecs.status);
    assert_string_equal(json_string_value(json_object_get(a.json, "__type")), ecs.code);
    rig_done(&a);
    struct rig_answer b = rig_query(&r, "ec2", "Action=DescribeInstances", how);
    assert_string_equal(b.code, ec2.code);
    assert_int_equal(b.status, ec2.status);
    assert_string_equal(rig_xml(b.body, "Code"), ec2.code);
    assert_non_null(strstr(b.body, "<Response><Errors><Error>"));
    rig_done(&b);
    struct rig_answer c = rig_query(&r, "sts", "Action=GetCallerIdentity", how);
    assert_string_equal(c.code, sts.code);
    assert_int_equal(c.status, sts.status);
    assert_non_null(strstr(c.body, "<ErrorResponse"));
    rig_done(&c);
    rig_stop(&r);
}

static void a_good_signature_is_accepted(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    json_decref(rig_ecs_ok(&r, "ListClusters", "{}"));
    free(rig_query_ok(&r, "Action=DescribeInstances"));
    rig_stop(&r);
}

static void an_unknown_key_is_refused(void **state)
{
    (void)state;
    struct rig_call how = {.key_id = "AKIANOBODY0000000000"};
    check_refused(&how, (struct want){400, "UnrecognizedClientException"}, (struct want){401, "AuthFailure"}, (struct want){403, "InvalidClientTokenId"});
}

static void a_wrong_secret_is_refused(void **state)
{
    (void)state;
    struct rig_call how = {.secret = "wrong"};
    check_refused(&how, (struct want){400, "InvalidSignatureException"}, (struct want){403, "SignatureDoesNotMatch"}, (struct want){403, "SignatureDoesNotMatch"});
}

static void a_body_changed_after_signing_is_refused(void **state)
{
    (void)state;
    struct rig_call how = {.tampered = true};
    check_refused(&how, (struct want){400, "InvalidSignatureException"}, (struct want){403, "SignatureDoesNotMatch"}, (struct want){403, "SignatureDoesNotMatch"});
}

static void a_request_without_signature_is_refused(void **state)
{
    (void)state;
    struct rig_call how = {.unsigned_ = true};
    check_refused(&how, (struct want){400, "MissingAuthenticationTokenException"}, (struct want){401, "AuthFailure"}, (struct want){403, "MissingAuthenticationToken"});
}

static void a_date_off_by_more_than_fifteen_minutes_is_refused(void **state)
{
    (void)state;
    struct rig_call late = {.wire_off_ms = 15 * 60000 + 1}, early = {.wire_off_ms = -15 * 60000 - 1001};
    check_refused(&late, (struct want){400, "InvalidSignatureException"}, (struct want){400, "RequestExpired"}, (struct want){403, "SignatureDoesNotMatch"});
    check_refused(&early, (struct want){400, "InvalidSignatureException"}, (struct want){400, "RequestExpired"}, (struct want){403, "SignatureDoesNotMatch"});
}

static void a_date_off_by_fourteen_minutes_is_accepted(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    struct rig_call how = {.wire_off_ms = 14 * 60000};
    struct rig_answer a = rig_ecs(&r, "ListClusters", "{}", &how);
    assert_int_equal(a.status, 200);
    rig_done(&a);
    rig_stop(&r);
}

static void a_scope_of_another_service_or_host_is_refused(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    struct rig_call service = {.scope_service = "ec2"}, host = {.host = "ecs.eu-west-1.amazonaws.com"}, good = {.host = "ecs.us-east-1.amazonaws.com"};
    struct rig_answer a = rig_ecs(&r, "ListClusters", "{}", &service);
    assert_string_equal(a.code, "InvalidSignatureException");
    rig_done(&a);
    a = rig_ecs(&r, "ListClusters", "{}", &host);
    assert_string_equal(a.code, "InvalidSignatureException");
    rig_done(&a);
    a = rig_ecs(&r, "ListClusters", "{}", &good);
    assert_int_equal(a.status, 200);
    rig_done(&a);
    rig_stop(&r);
}

static void an_amz_header_that_was_not_signed_is_refused(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    struct rig_call amz = {.extra_name = "X-Amz-Meta", .extra_value = "1"}, other = {.extra_name = "User-Agent", .extra_value = "masu"};
    struct rig_answer a = rig_ecs(&r, "ListClusters", "{}", &amz);
    assert_string_equal(a.code, "InvalidSignatureException");
    rig_done(&a);
    a = rig_ecs(&r, "ListClusters", "{}", &other);
    assert_int_equal(a.status, 200);
    rig_done(&a);
    rig_stop(&r);
}

static void a_region_without_a_world_is_not_enabled_and_two_regions_are_separate(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    struct rig_call west = {.region = "eu-west-1"};
    struct rig_answer a = rig_ecs(&r, "ListClusters", "{}", &west);
    assert_string_equal(a.code, "UnrecognizedClientException");
    rig_done(&a);
    struct world_options o;
    world_options_default(&o);
    o.start_ms = RIG_START_MS;
    struct world *second = NULL;
    struct err err = {0};
    assert_int_equal(world_empty(8, &o, &second, &err), 0);
    world_add_cluster(second, "west");
    assert_int_equal(sandbox_add_region(r.sandbox, SANDBOX_ACCOUNT, "eu-west-1", second, &err), 0);
    assert_int_equal(sandbox_add_region(r.sandbox, SANDBOX_ACCOUNT, "eu-west-1", second, &err), ERR_CONFLICT);
    a = rig_ecs(&r, "ListClusters", "{}", &west);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.body, "arn:aws:ecs:eu-west-1:111122223333:cluster/west"));
    assert_null(strstr(a.body, "shop"));
    rig_done(&a);
    rig_stop(&r);
    world_free(second);
}

static void task_role_keys_need_their_token_and_expire(void **state)
{
    (void)state;
    struct rig r;
    struct sandbox_options o = {.role_key_life_ms = 3600000};
    rig_start(&r, &o);
    struct rig_answer k = rig_get(&r, SANDBOX_CREDENTIALS_PATH SANDBOX_TASK_ID);
    assert_int_equal(k.status, 200);
    const char *id = json_string_value(json_object_get(k.json, "AccessKeyId")), *secret = json_string_value(json_object_get(k.json, "SecretAccessKey"));
    struct rig_call how = {.key_id = id, .secret = secret, .token = json_string_value(json_object_get(k.json, "Token"))};
    struct rig_call without = {.key_id = id, .secret = secret}, wrong = {.key_id = id, .secret = secret, .token = "x"};
    assert_non_null(json_object_get(k.json, "Expiration"));
    struct rig_answer a = rig_query(&r, "sts", "Action=GetCallerIdentity", &how);
    assert_int_equal(a.status, 200);
    assert_string_equal(rig_xml(a.body, "Arn"), "arn:aws:sts::111122223333:assumed-role/masu/sandbox");
    rig_done(&a);
    a = rig_query(&r, "sts", "Action=GetCallerIdentity", &without);
    assert_string_equal(a.code, "InvalidClientTokenId");
    rig_done(&a);
    a = rig_ecs(&r, "ListClusters", "{}", &wrong);
    assert_string_equal(a.code, "UnrecognizedClientException");
    rig_done(&a);
    rig_pass(&r, 1800000);  // half the life: new keys are handed out, the old ones still work
    struct rig_answer next = rig_get(&r, SANDBOX_CREDENTIALS_PATH SANDBOX_TASK_ID);
    assert_string_not_equal(json_string_value(json_object_get(next.json, "AccessKeyId")), id);
    rig_done(&next);
    a = rig_ecs(&r, "ListClusters", "{}", &how);
    assert_int_equal(a.status, 200);
    rig_done(&a);
    rig_pass(&r, 1800000);
    a = rig_ecs(&r, "ListClusters", "{}", &how);
    assert_string_equal(a.code, "ExpiredTokenException");
    rig_done(&a);
    a = rig_query(&r, "ec2", "Action=DescribeInstances", &how);
    assert_string_equal(a.code, "RequestExpired");
    rig_done(&a);
    rig_done(&k);
    rig_stop(&r);
}

static void the_metadata_of_the_task_names_cluster_and_region(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    struct rig_answer a = rig_get(&r, SANDBOX_METADATA_PATH SANDBOX_TASK_ID "/task");
    assert_int_equal(a.status, 200);
    assert_string_equal(json_string_value(json_object_get(a.json, "Cluster")), "arn:aws:ecs:us-east-1:111122223333:cluster/shop");
    rig_done(&a);
    a = rig_get(&r, SANDBOX_CREDENTIALS_PATH "another");
    assert_int_equal(a.status, 404);
    rig_done(&a);
    rig_stop(&r);
}

static void assume_role_gives_keys_of_the_role(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL);
    struct rig_answer a = rig_query(&r, "sts", "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fops&RoleSessionName=me", NULL);
    assert_int_equal(a.status, 200);
    char id[64], secret[80], token[120];
    snprintf(id, sizeof id, "%s", rig_xml(a.body, "AccessKeyId"));
    snprintf(secret, sizeof secret, "%s", rig_xml(a.body, "SecretAccessKey"));
    snprintf(token, sizeof token, "%s", rig_xml(a.body, "SessionToken"));
    rig_done(&a);
    struct rig_call how = {.key_id = id, .secret = secret, .token = token};
    a = rig_query(&r, "sts", "Action=GetCallerIdentity", &how);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.body, "assumed-role/ops"));
    rig_done(&a);
    a = rig_query(&r, "sts", "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A999999999999%3Arole%2Fops&RoleSessionName=me", NULL);
    assert_string_equal(a.code, "AccessDenied");
    rig_done(&a);
    rig_stop(&r);
}

static void authorization_headers_are_taken_apart_strictly(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "AWS4-HMAC-SHA256", "Basic dXNlcjpwYXNz", "AWS4-HMAC-SHA256 Credential=A/20260115/us-east-1/ecs, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=A/20260115/us-east-1/ecs/aws4_request, SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=A/2026/us-east-1/ecs/aws4_request, SignedHeaders=host, Signature=aa", "AWS4-HMAC-SHA256 ,,,=,=",
    };
    struct auth_header h = {0};
    struct err err = {0};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(auth_header_parse(slice_of(bad[i]), &h, &err), ERR_INVALID);
    const char *good = "AWS4-HMAC-SHA256 Credential=AKID/20260115/us-east-1/ecs/aws4_request,SignedHeaders=host;x-amz-date, "
                       "Signature=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    assert_int_equal(auth_header_parse(slice_of(good), &h, &err), 0);
    assert_true(slice_eq_str(h.key_id, "AKID") && slice_eq_str(h.region, "us-east-1") && slice_eq_str(h.signed_headers, "host;x-amz-date"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_signature_is_accepted),
        cmocka_unit_test(an_unknown_key_is_refused),
        cmocka_unit_test(a_wrong_secret_is_refused),
        cmocka_unit_test(a_body_changed_after_signing_is_refused),
        cmocka_unit_test(a_request_without_signature_is_refused),
        cmocka_unit_test(a_date_off_by_more_than_fifteen_minutes_is_refused),
        cmocka_unit_test(a_date_off_by_fourteen_minutes_is_accepted),
        cmocka_unit_test(a_scope_of_another_service_or_host_is_refused),
        cmocka_unit_test(an_amz_header_that_was_not_signed_is_refused),
        cmocka_unit_test(a_region_without_a_world_is_not_enabled_and_two_regions_are_separate),
        cmocka_unit_test(task_role_keys_need_their_token_and_expire),
        cmocka_unit_test(the_metadata_of_the_task_names_cluster_and_region),
        cmocka_unit_test(assume_role_gives_keys_of_the_role),
        cmocka_unit_test(authorization_headers_are_taken_apart_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
