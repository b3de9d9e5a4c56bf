// Where credentials and region come from, and what is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/parse.h"
#include "scaler/aws/ecs.h"
#include "tests/aws/credentials_world.h"
#include "tests/aws/fixture.h"

static void environment_wins_over_a_profile(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    const char *file = write_file(&w, "credentials", "[default]\naws_access_key_id=FILE\naws_secret_access_key=s\n");
    SET_ENV(&w, {"AWS_ACCESS_KEY_ID", "ENV"}, {"AWS_SECRET_ACCESS_KEY", "x"}, {"AWS_SESSION_TOKEN", "t"},
            {"AWS_SHARED_CREDENTIALS_FILE", file}, {"AWS_PROFILE", "nowhere"});
    const struct credentials *c;
    struct err err = {0};
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_string_equal(c->access_key_id, "ENV");
    assert_string_equal(c->session_token, "t");
    assert_string_equal(c->source, "environment");
    assert_int_equal(c->expires_ms, 0);
    end(&w);
}

static void half_an_environment_is_an_error(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    SET_ENV(&w, {"AWS_ACCESS_KEY_ID", "ENV"}, {"HOME", "/nonexistent"});
    const struct credentials *c;
    struct err err = {0};
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_FAILED);
    assert_int_equal(err.kind, ERR_AUTH);
    assert_non_null(strstr(err.msg, "AWS_SECRET_ACCESS_KEY"));
    end(&w);
}

static void nothing_configured_says_what_to_do(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    SET_ENV(&w, {"HOME", w.folder}, {"AWS_EC2_METADATA_DISABLED", "true"});
    const struct credentials *c;
    struct err err = {0};
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_FAILED);
    assert_int_equal(err.kind, ERR_AUTH);
    assert_non_null(strstr(err.msg, "AWS_ACCESS_KEY_ID"));
    end(&w);
}

static void profiles_are_read_from_both_files(void **state)
{
    (void)state;
    static const char credentials[] = "# comment\n[default]\naws_access_key_id = D\naws_secret_access_key = d\n\n"
                                      "[ci]\r\nAWS_ACCESS_KEY_ID=C\r\naws_secret_access_key = a=b/+=\r\naws_session_token=tok\r\n";
    static const char config[] = "[default]\nregion = us-west-1\n[profile  ops]\ns3 =\n  aws_access_key_id = NESTED\n"
                                 "aws_access_key_id = O\naws_secret_access_key = o\nregion = eu-central-1\n[ops]\naws_access_key_id = WRONG\n";
    static const struct {
        const char *profile, *id, *secret, *region;
    } cases[] = {{"", "D", "d", "us-west-1"}, {"ci", "C", "a=b/+=", NULL}, {"ops", "O", "o", "eu-central-1"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w;
        begin(&w);
        const char *a = write_file(&w, "credentials", credentials), *b = write_file(&w, "config", config);
        SET_ENV(&w, {"AWS_SHARED_CREDENTIALS_FILE", a}, {"AWS_CONFIG_FILE", b}, {"AWS_PROFILE", cases[i].profile});
        const struct credentials *c;
        struct err err = {0};
        assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
        assert_string_equal(c->access_key_id, cases[i].id);
        assert_string_equal(c->secret, cases[i].secret);
        struct aws_region region;
        int rc = aws_region_resolve(&w.env, &region, &err);
        assert_int_equal(rc, cases[i].region ? 0 : ERR_INVALID);
        if (cases[i].region)
            assert_string_equal(region.name, cases[i].region);
        end(&w);
    }
}

static void a_profile_that_cannot_be_served_stops_the_search(void **state)
{
    (void)state;
    static const struct {
        const char *config, *word;
    } cases[] = {
        {"[profile p]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = q\n[profile q]\ncredential_process = /bin/x\n", "credential_process"},
        {"[profile p]\ncredential_process = /bin/x\n", "credential_process"},
        {"[profile p]\nsso_session = s\n", "sso_session"},
        {"[profile p]\naws_access_key_id = A\n", "aws_secret_access_key"},
        {"[profile q]\naws_access_key_id = A\n", "neither"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w;
        begin(&w);
        const char *config = write_file(&w, "config", cases[i].config);
        SET_ENV(&w, {"AWS_CONFIG_FILE", config}, {"AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/x"}, {"AWS_PROFILE", "p"},
                {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/role"});
        const struct credentials *c;
        struct err err = {0};
        assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_FAILED);
        assert_int_equal(err.kind, ERR_AUTH);
        assert_non_null(strstr(err.msg, cases[i].word));
        assert_int_equal(w.s.request_count, 0);
        end(&w);
    }
}

static void a_rotated_file_serves_after_expiry_and_an_old_one_does_not(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    const char *file = write_file(&w, "credentials", "[default]\naws_access_key_id=OLD\naws_secret_access_key=s\n");
    SET_ENV(&w, {"AWS_SHARED_CREDENTIALS_FILE", file}, {"AWS_CONFIG_FILE", "/nonexistent/x"});
    const struct credentials *c;
    struct err err = {0};
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    uint64_t generation = c->generation;
    assert_false(credentials_provider_expire(w.p, generation));
    write_file(&w, "credentials", "[default]\naws_access_key_id=NEW\naws_secret_access_key=s\n");
    assert_true(credentials_provider_expire(w.p, generation));
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_string_equal(c->access_key_id, "NEW");
    assert_true(c->generation > generation);
    assert_true(credentials_provider_expire(w.p, generation));  // another caller's late word about the old ones
    end(&w);
}

// ---- the container endpoint -------------------------------------------------------------------------------------------------
static const char *answer(struct world *w, const char *id, int64_t expires_ms)
{
    char text[32];
    return arena_printf(&w->arena, "{\"RoleArn\":\"r\",\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"%s\"}", id,
                        format_iso8601(expires_ms, false, text));
}

static void relative_uri_asks_the_ecs_agent_directly(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    SET_ENV(&w, {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/x"}, {"HOME", "/nonexistent"},
            {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "tok"});
    scripted_add_body(&w.s, answer(&w, "ASIA1", T0_MS + 3600 * 1000));
    const struct credentials *c;
    struct err err = {0};
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_string_equal(c->access_key_id, "ASIA1");
    assert_string_equal(c->session_token, "t");
    assert_int_equal(c->expires_ms, T0_MS + 3600 * 1000);
    assert_string_equal(w.s.requests[0].url, "http://169.254.170.2/v2/credentials/x");
    assert_string_equal(w.s.requests[0].method, "GET");
    assert_true(w.s.requests[0].direct);
    assert_non_null(strstr(w.s.requests[0].headers, "Authorization: tok\n"));
    end(&w);
}

static void endpoint_is_tried_three_times_and_then_an_error(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    SET_ENV(&w, {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x"}, {"HOME", "/nonexistent"});
    scripted_add(&w.s, (struct scripted_reply){.kind = SCRIPTED_HANG});
    scripted_add_error(&w.s, 500, "");
    scripted_add_body(&w.s, "{\"AccessKeyId\":\"onlyhalf\"}");
    const struct credentials *c;
    struct err err = {0};
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_FAILED);
    assert_int_equal(w.s.request_count, 3);
    assert_int_equal(w.s.clock.virtual_ms, T0_MS + 2000);
    assert_null(strstr(err.msg, "onlyhalf"));
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_FAILED);  // not asked again at once
    assert_int_equal(w.s.request_count, 3);
    clock_advance_to(&w.s.clock, w.s.clock.virtual_ms + 6000);
    scripted_add_body(&w.s, answer(&w, "ASIA2", T0_MS + 3600 * 1000));
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    end(&w);
}

static void old_ones_serve_while_a_refresh_fails(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    SET_ENV(&w, {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x"}, {"HOME", "/nonexistent"});
    int64_t expires_ms = T0_MS + 3600 * 1000;
    scripted_add_body(&w.s, answer(&w, "FIRST", expires_ms));
    const struct credentials *c;
    struct err err = {0};
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    clock_advance_to(&w.s.clock, expires_ms - 15 * 60 * 1000 - 1);
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_int_equal(w.s.request_count, 1);  // too early
    clock_advance_to(&w.s.clock, expires_ms - 14 * 60 * 1000);
    for (int i = 0; i < 3; i++)
        scripted_add_error(&w.s, 500, "");
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_int_equal(w.s.request_count, 2);  // one fetch at a time
    while (w.s.open)
        w.s.base.ops->wait(&w.s.base, w.s.clock.virtual_ms + 1);
    assert_int_equal(w.s.request_count, 4);
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_string_equal(c->access_key_id, "FIRST");
    clock_advance_to(&w.s.clock, expires_ms + 1);
    scripted_add_body(&w.s, answer(&w, "SECOND", expires_ms + 3600 * 1000));
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_string_equal(c->access_key_id, "SECOND");
    end(&w);
}

static void token_file_is_read_at_each_fetch_and_line_breaks_are_refused(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    const char *file = write_file(&w, "token", "one");
    SET_ENV(&w, {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:8080/c"}, {"HOME", "/nonexistent"},
            {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "loses"});
    scripted_add_body(&w.s, answer(&w, "A", T0_MS + 3600 * 1000));
    scripted_add_body(&w.s, answer(&w, "B", T0_MS + 3600 * 1000));
    const struct credentials *c;
    struct err err = {0};
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_non_null(strstr(w.s.requests[0].headers, "Authorization: one\n"));
    write_file(&w, "token", "two");
    assert_true(credentials_provider_expire(w.p, c->generation));
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_string_equal(c->access_key_id, "B");
    assert_non_null(strstr(w.s.requests[1].headers, "Authorization: two\n"));
    write_file(&w, "token", "two\r\nX-Evil: 1");
    assert_true(credentials_provider_expire(w.p, c->generation));
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_FAILED);
    assert_int_equal(err.kind, ERR_AUTH);
    assert_int_equal(w.s.request_count, 2);
    end(&w);
}

static void full_uri_is_compared_as_an_address_not_by_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        bool allowed;
    } cases[] = {
        {"https://anything.example.com/x", true},
        {"http://localhost:9000/x", true},
        {"http://127.0.0.1/x", true},
        {"http://127.9.9.9:1/x", true},
        {"http://[::1]/x", true},
        {"http://169.254.170.2/x", true},
        {"http://169.254.170.23/x", true},
        {"http://[fd00:ec2::23]/x", true},
        {"http://[fd00:ec2:0:0::23]/x", true},
        {"http://127.0.0.1.example.com/x", false},
        {"http://localhost.example.com/x", false},
        {"http://169.254.170.20/x", false},
        {"http://169.254.169.254/x", false},
        {"http://[::2]/x", false},
        {"http://example.com/::1", false},
        {"http://127.0.0.1@example.com/x", false},
        {"http://user@127.0.0.1/x", false},
        {"ftp://127.0.0.1/x", false},
        {"file:///etc/passwd", false},
        {"127.0.0.1", false},
        {"", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (credentials_container_uri_allowed(cases[i].uri) != cases[i].allowed)
            print_message("%s\n", cases[i].uri);
        assert_int_equal(credentials_container_uri_allowed(cases[i].uri), cases[i].allowed);
    }
    struct world w;
    begin(&w);
    SET_ENV(&w, {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/c"}, {"HOME", "/nonexistent"});
    const struct credentials *c;
    struct err err = {0};
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_FAILED);
    assert_int_equal(err.kind, ERR_AUTH);
    assert_int_equal(w.s.request_count, 0);
    end(&w);
}

// ---- with the client --------------------------------------------------------------------------------------------------------
static void expired_token_is_refreshed_once_for_all_calls(void **state)
{
    (void)state;
    static const struct aws_env_pair env[] = {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x"}, {"HOME", "/nonexistent"}};
    static const char expired[] = "{\"__type\":\"ExpiredTokenException\",\"message\":\"m\"}";
    struct fixture f;
    fixture_begin_env(&f, env, ARRAY_LEN(env));
    static const char credentials[] = "{\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s\",\"Token\":\"%s\"}";
    scripted_add_body(&f.s, arena_printf(&f.arena, credentials, "ASIA1", "tok1"));
    scripted_add(&f.s, (struct scripted_reply){.status = 400, .body = expired, .delay_ms = 10});
    scripted_add(&f.s, (struct scripted_reply){.status = 400, .body = expired, .delay_ms = 20});
    scripted_add(&f.s, (struct scripted_reply){.body = arena_printf(&f.arena, credentials, "ASIA2", "tok2"), .delay_ms = 100});
    scripted_add_body(&f.s, "{\"clusterArns\":[]}");
    scripted_add_body(&f.s, "{\"clusterArns\":[]}");
    struct ecs_arns one, two;
    ecs_list_clusters(f.with, &one);
    ecs_list_clusters(f.with, &two);
    assert_int_equal(aws_run(f.clients, DEADLINE_MS), 0);
    assert_int_equal(one.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(two.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(f.s.request_count, 6);
    assert_non_null(strstr(f.s.requests[1].headers, "X-Amz-Security-Token: tok1\n"));
    assert_non_null(strstr(f.s.requests[4].headers, "X-Amz-Security-Token: tok2\n"));
    assert_non_null(strstr(f.s.requests[5].headers, "Credential=ASIA2/"));
    fixture_end(&f);
}

static void token_that_stays_expired_is_an_error_after_one_refresh(void **state)
{
    (void)state;
    static const struct aws_env_pair env[] = {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x"}, {"HOME", "/nonexistent"}};
    struct fixture f;
    fixture_begin_env(&f, env, ARRAY_LEN(env));
    static const char credentials[] = "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Token\":\"t\"}";
    for (int i = 0; i < 2; i++) {
        scripted_add_body(&f.s, credentials);
        scripted_add_error(&f.s, 400, "{\"__type\":\"ExpiredTokenException\"}");
    }
    struct ecs_arns ret;
    ecs_list_clusters(f.with, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(ret.call.state, AWS_CALL_FAILED);
    assert_int_equal(ret.call.err.kind, ERR_AUTH);
    assert_int_equal(f.s.request_count, 4);
    fixture_end(&f);
}

static void missing_credentials_fail_the_call_not_the_process(void **state)
{
    (void)state;
    static const struct aws_env_pair env[] = {{"HOME", "/nonexistent"}, {"AWS_EC2_METADATA_DISABLED", "true"}};
    struct fixture f;
    fixture_begin_env(&f, env, ARRAY_LEN(env));
    struct ecs_arns ret;
    ecs_list_clusters(f.with, &ret);
    assert_int_equal(aws_run(f.clients, DEADLINE_MS), 0);
    assert_int_equal(ret.call.err.kind, ERR_AUTH);
    const char *source;
    struct err err = {0};
    assert_int_equal(aws_check_credentials(f.aws, DEADLINE_MS, &source, &err), ERR_AUTH);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(environment_wins_over_a_profile),
        cmocka_unit_test(half_an_environment_is_an_error),
        cmocka_unit_test(nothing_configured_says_what_to_do),
        cmocka_unit_test(profiles_are_read_from_both_files),
        cmocka_unit_test(a_profile_that_cannot_be_served_stops_the_search),
        cmocka_unit_test(a_rotated_file_serves_after_expiry_and_an_old_one_does_not),
        cmocka_unit_test(relative_uri_asks_the_ecs_agent_directly),
        cmocka_unit_test(endpoint_is_tried_three_times_and_then_an_error),
        cmocka_unit_test(old_ones_serve_while_a_refresh_fails),
        cmocka_unit_test(token_file_is_read_at_each_fetch_and_line_breaks_are_refused),
        cmocka_unit_test(full_uri_is_compared_as_an_address_not_by_prefix),
        cmocka_unit_test(expired_token_is_refreshed_once_for_all_calls),
        cmocka_unit_test(token_that_stays_expired_is_an_error_after_one_refresh),
        cmocka_unit_test(missing_credentials_fail_the_call_not_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
