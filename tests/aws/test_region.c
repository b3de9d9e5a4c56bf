// Where the region comes from: environment, profile, the task's metadata, the instance's; and what a wrong answer of these does.
#include <stdlib.h>

#include "scaler/aws/aws.h"
#include "scaler/aws/credentials_sources.h"
#include "tests/aws/scripted_transport.h"
#include "tests/cm.h"

#define TASK "http://169.254.170.2/v4/abc"

static int discover(struct scripted *s, const struct aws_env_pair *pairs, size_t count, struct aws_region *ret, struct err *err)
{
    struct aws_env env = {pairs, count};
    return aws_region_discover(&env, &s->base, ret, err);
}

static void begin(struct scripted *s)
{
    scripted_init(s, 1767225600000);
}

static void environment_comes_first_and_nobody_is_asked(void **state)
{
    (void)state;
    struct scripted s;
    struct aws_region r;
    struct err err = {0};
    begin(&s);
    const struct aws_env_pair both[] = {{"AWS_REGION", "eu-west-1"}, {"AWS_DEFAULT_REGION", "eu-west-2"}, {"ECS_CONTAINER_METADATA_URI_V4", TASK}};
    assert_int_equal(discover(&s, both, 3, &r, &err), 0);
    assert_string_equal(r.name, "eu-west-1");
    assert_string_equal(r.source, "AWS_REGION");
    assert_int_equal(discover(&s, both + 1, 2, &r, &err), 0);
    assert_string_equal(r.name, "eu-west-2");
    assert_int_equal(s.request_count, 0);
    scripted_release(&s);
}

static void a_wrong_word_is_an_error_not_a_reason_to_look_further(void **state)
{
    (void)state;
    struct scripted s;
    struct aws_region r;
    struct err err = {0};
    begin(&s);
    const struct aws_env_pair wrong[] = {{"AWS_REGION", "eu.example.org/"}, {"ECS_CONTAINER_METADATA_URI_V4", TASK}};
    assert_int_equal(discover(&s, wrong, 2, &r, &err), ERR_INVALID);
    assert_int_equal(s.request_count, 0);
    scripted_release(&s);
}

static void a_task_learns_its_region_from_its_arn(void **state)
{
    (void)state;
    struct scripted s;
    struct aws_region r;
    struct err err = {0};
    begin(&s);
    scripted_add(&s, (struct scripted_reply){.status = 503});
    scripted_add_body(&s, "{\"Cluster\":\"demo\",\"TaskARN\":\"arn:aws:ecs:ap-northeast-1:111122223333:task/demo/fedc\"}");
    assert_int_equal(discover(&s, (struct aws_env_pair[]){{"ECS_CONTAINER_METADATA_URI_V4", TASK}}, 1, &r, &err), 0);
    assert_string_equal(r.name, "ap-northeast-1");
    assert_string_equal(r.source, "task metadata");
    assert_int_equal(s.request_count, 2);
    assert_string_equal(s.requests[1].url, TASK "/task");
    assert_true(s.requests[1].direct);
    scripted_release(&s);
}

static void a_wrong_answer_of_the_task_is_told_and_never_part_of_a_host_name(void **state)
{
    (void)state;
    static const char *const BODIES[] = {
        "", "{", "{}", "[]", "{\"TaskARN\":7}", "{\"TaskARN\":\"\"}", "{\"TaskARN\":\"arn:aws:ecs\"}", "{\"TaskARN\":\"arn:aws:ecs::1:task/x\"}",
        "{\"TaskARN\":\"arn:aws:ecs:evil.example.org/:1:task/x\"}",
        "{\"TaskARN\":\"arn:aws:ecs:eu-west-1-eu-west-1-eu-west-1-eu-west-1-eu-west-1-eu-west-1-eu-west-1-eu-west-1:1:task/x\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(BODIES); i++) {
        struct scripted s;
        struct aws_region r;
        struct err err = {0};
        begin(&s);
        scripted_add_body(&s, BODIES[i]);
        assert_int_equal(discover(&s, (struct aws_env_pair[]){{"ECS_CONTAINER_METADATA_URI_V4", TASK}}, 1, &r, &err), ERR_CORRUPT);
        assert_non_null(strstr(err.msg, "task metadata"));
        scripted_release(&s);
    }
}

static void an_endpoint_that_hangs_is_given_up(void **state)
{
    (void)state;
    struct scripted s;
    struct aws_region r;
    struct err err = {0};
    begin(&s);
    scripted_add(&s, (struct scripted_reply){.kind = SCRIPTED_HANG});
    s.repeat_last = true;
    assert_int_equal(discover(&s, (struct aws_env_pair[]){{"ECS_CONTAINER_METADATA_URI_V4", TASK}}, 1, &r, &err), ERR_TRANSIENT);
    assert_int_equal(s.request_count, 3);
    assert_in_range(clock_wall_ms(&s.clock) - 1767225600000, 1, 8000);
    scripted_release(&s);
}

static void an_instance_is_asked_with_a_token_and_once_for_all_clusters(void **state)
{
    (void)state;
    struct scripted s;
    struct err err = {0};
    begin(&s);
    scripted_add_body(&s, "token-of-imds");
    scripted_add_body(&s, "us-west-2\n");
    struct aws_env env = {(struct aws_env_pair[]){{"HOME", "/no/such/home"}}, 1};
    struct aws_clients *c = aws_clients_new(&(struct aws_options){.transport = &s.base, .env = &env});
    struct aws *one, *two;
    assert_string_equal(aws_clients_region_source(c), "");
    assert_int_equal(aws_clients_get(c, "", "", &one, &err), 0);
    assert_int_equal(aws_clients_get(c, "111122223333", "", &two, &err), 0);
    assert_string_equal(aws_region(one), "us-west-2");
    assert_string_equal(aws_region(two), "us-west-2");
    assert_string_equal(aws_clients_region_source(c), "instance metadata");
    assert_int_equal(s.request_count, 2);
    assert_string_equal(s.requests[0].method, "PUT");
    assert_string_equal(s.requests[0].url, "http://169.254.169.254/latest/api/token");
    assert_string_equal(s.requests[1].url, "http://169.254.169.254/latest/meta-data/placement/region");
    assert_non_null(strstr(s.requests[1].headers, "X-aws-ec2-metadata-token: token-of-imds"));
    aws_clients_free(c);
    scripted_release(&s);
}

static void outside_of_aws_there_is_no_region_and_the_words_say_where_to_set_it(void **state)
{
    (void)state;
    struct scripted s;
    struct aws_region r;
    struct err err = {0};
    begin(&s);
    scripted_add(&s, (struct scripted_reply){.kind = SCRIPTED_REFUSED});
    assert_int_equal(discover(&s, (struct aws_env_pair[]){{"HOME", "/no/such/home"}}, 1, &r, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "AWS_REGION"));
    assert_int_equal(discover(&s, (struct aws_env_pair[]){{"AWS_EC2_METADATA_DISABLED", "true"}}, 1, &r, &err), ERR_INVALID);
    assert_int_equal(s.request_count, 1);
    scripted_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(environment_comes_first_and_nobody_is_asked),
        cmocka_unit_test(a_wrong_word_is_an_error_not_a_reason_to_look_further),
        cmocka_unit_test(a_task_learns_its_region_from_its_arn),
        cmocka_unit_test(a_wrong_answer_of_the_task_is_told_and_never_part_of_a_host_name),
        cmocka_unit_test(an_endpoint_that_hangs_is_given_up),
        cmocka_unit_test(an_instance_is_asked_with_a_token_and_once_for_all_clusters),
        cmocka_unit_test(outside_of_aws_there_is_no_region_and_the_words_say_where_to_set_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
