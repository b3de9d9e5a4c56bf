// Roles of a profile, web identity, instance metadata: what is asked, in which order, and what is refused in words.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/parse.h"
#include "scaler/aws/ecs.h"
#include "tests/aws/credentials_world.h"

#define HOUR_MS (3600 * 1000)

static const char *assumed(struct world *w, const char *action, const char *id, int64_t expires_ms)
{
    char text[32];
    return arena_printf(&w->arena, "<%sResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><%sResult><Credentials><AccessKeyId>%s"
                        "</AccessKeyId><SecretAccessKey>s&amp;%s</SecretAccessKey><SessionToken>t-%s</SessionToken><Expiration>%s</Expiration>"
                        "</Credentials></%sResult></%sResponse>", action, action, id, id, id, format_iso8601(expires_ms, false, text), action, action);
}

static const char *answer(struct world *w, const char *id, int64_t expires_ms)
{
    char text[32];
    return arena_printf(&w->arena, "{\"Code\":\"Success\",\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"%s\"}", id,
                        format_iso8601(expires_ms, false, text));
}

static void with_config(struct world *w, const char *config)
{
    const char *path = write_file(w, "config", config);
    struct aws_env_pair *pairs = arena_array(&w->arena, struct aws_env_pair, 3);
    pairs[0] = (struct aws_env_pair){"AWS_CONFIG_FILE", path};
    pairs[1] = (struct aws_env_pair){"AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/x"};
    pairs[2] = (struct aws_env_pair){"AWS_PROFILE", "p"};
    w->env = (struct aws_env){pairs, 3};
}

// ---- roles ------------------------------------------------------------------------------------------------------------------
static void a_role_is_assumed_with_the_keys_of_its_source_profile(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    with_config(&w, "[profile p]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = base\nrole_session_name = night.shift\n"
                    "external_id = a b\nduration_seconds = 7200\n[profile base]\naws_access_key_id = BASE\naws_secret_access_key = s\n");
    scripted_add_body(&w.s, assumed(&w, "AssumeRole", "ASIA1", T0_MS + 2 * HOUR_MS));
    const struct credentials *c;
    struct err err = {0};
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_string_equal(c->access_key_id, "ASIA1");
    assert_string_equal(c->secret, "s&ASIA1");
    assert_string_equal(c->session_token, "t-ASIA1");
    assert_int_equal(c->expires_ms, T0_MS + 2 * HOUR_MS);
    assert_string_equal(c->source, "profile p, role arn:aws:iam::111122223333:role/r");
    assert_string_equal(w.s.requests[0].url, "https://sts.eu-west-1.amazonaws.com/");
    assert_string_equal(w.s.requests[0].body, "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fr"
                                              "&RoleSessionName=night.shift&ExternalId=a%20b&DurationSeconds=7200");
    assert_non_null(strstr(w.s.requests[0].headers, "Credential=BASE/20260202/eu-west-1/sts/aws4_request"));
    assert_null(strstr(w.s.requests[0].headers, "Security-Token"));
    end(&w);
}

static void roles_are_assumed_one_from_another_and_chained_ones_for_an_hour(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    with_config(&w, "[profile p]\nrole_arn = arn:p\nsource_profile = middle\nduration_seconds = 43200\n[profile middle]\nrole_arn = arn:m\n"
                    "source_profile = middle\naws_access_key_id = SELF\naws_secret_access_key = s\n");
    // A source profile that has keys gives them, whatever role it names.
    scripted_add_body(&w.s, assumed(&w, "AssumeRole", "ASIAP", T0_MS + HOUR_MS));
    const struct credentials *c;
    struct err err = {0};
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_int_equal(w.s.request_count, 1);
    assert_non_null(strstr(w.s.requests[0].body, "DurationSeconds=43200"));
    end(&w);
    begin(&w);
    with_config(&w, "[profile p]\nrole_arn = arn:p\nsource_profile = middle\nduration_seconds = 43200\n[profile middle]\nrole_arn = arn:m\n"
                    "source_profile = base\n[profile base]\naws_access_key_id = BASE\naws_secret_access_key = s\n");
    scripted_add_body(&w.s, assumed(&w, "AssumeRole", "ASIAM", T0_MS + HOUR_MS));
    scripted_add_body(&w.s, assumed(&w, "AssumeRole", "ASIAP", T0_MS + HOUR_MS));
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_string_equal(c->access_key_id, "ASIAP");
    assert_int_equal(w.s.request_count, 2);
    assert_non_null(strstr(w.s.requests[0].body, "RoleArn=arn%3Am&RoleSessionName=masu"));
    assert_null(strstr(w.s.requests[0].body, "Duration"));
    assert_non_null(strstr(w.s.requests[1].body, "RoleArn=arn%3Ap"));
    assert_non_null(strstr(w.s.requests[1].body, "DurationSeconds=3600"));
    assert_non_null(strstr(w.s.requests[1].headers, "Credential=ASIAM/"));
    assert_non_null(strstr(w.s.requests[1].headers, "X-Amz-Security-Token: t-ASIAM\n"));
    end(&w);
}

static void a_profile_may_be_its_own_source(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    with_config(&w, "[profile p]\nrole_arn = arn:p\nsource_profile = p\naws_access_key_id = SELF\naws_secret_access_key = s\n");
    scripted_add_body(&w.s, assumed(&w, "AssumeRole", "ASIA", T0_MS + HOUR_MS));
    const struct credentials *c;
    struct err err = {0};
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_non_null(strstr(w.s.requests[0].headers, "Credential=SELF/"));
    assert_string_equal(c->access_key_id, "ASIA");
    end(&w);
}

static void each_credential_source_is_where_the_role_begins(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        size_t requests;
        const char *credential;
    } cases[] = {{"Environment", 1, "Credential=FROMENV/"}, {"EcsContainer", 2, "Credential=FROMTASK/"}, {"ec2instancemetadata", 4, "Credential=FROMHOST/"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w;
        begin(&w);
        const char *config = write_file(&w, "config", arena_printf(&w.arena, "[default]\nrole_arn = arn:p\ncredential_source = %s\n", cases[i].source));
        struct aws_env_pair pairs[] = {{"AWS_CONFIG_FILE", config}, {"AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/x"},
                                       {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c"}, {"AWS_SECRET_ACCESS_KEY", "s"},
                                       {i == 0 ? "AWS_ACCESS_KEY_ID" : "X", "FROMENV"}};
        // Keys in the environment alone would win before any profile: here they are asked for by the profile only.
        w.env = (struct aws_env){pairs, ARRAY_LEN(pairs)};
        if (i == 1)
            scripted_add_body(&w.s, answer(&w, "FROMTASK", T0_MS + HOUR_MS));
        if (i == 2) {
            scripted_add_body(&w.s, "imds-token");
            scripted_add_body(&w.s, "host-role\n");
            scripted_add_body(&w.s, answer(&w, "FROMHOST", T0_MS + HOUR_MS));
        }
        scripted_add_body(&w.s, assumed(&w, "AssumeRole", "ASIA", T0_MS + HOUR_MS));
        const struct credentials *c;
        struct err err = {0};
        assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
        if (i == 0) {
            assert_string_equal(c->access_key_id, "FROMENV");
            assert_int_equal(w.s.request_count, 0);
        } else {
            assert_string_equal(c->access_key_id, "ASIA");
            assert_int_equal(w.s.request_count, cases[i].requests);
            assert_non_null(strstr(w.s.requests[cases[i].requests - 1].headers, cases[i].credential));
        }
        end(&w);
    }
}

static void what_a_role_cannot_have_is_refused_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *config, *word;
    } cases[] = {
        {"[profile p]\nrole_arn = a\nsource_profile = q\nmfa_serial = arn:aws:iam::1:mfa/me\n[profile q]\naws_access_key_id=A\naws_secret_access_key=s\n", "mfa_serial"},
        {"[profile p]\nrole_arn = a\n", "neither source_profile nor credential_source"},
        {"[profile p]\nrole_arn = a\nsource_profile = q\ncredential_source = Environment\n", "both source_profile and credential_source"},
        {"[profile p]\nrole_arn = a\nsource_profile = q\n", "source_profile names q"},
        {"[profile p]\nrole_arn = a\nsource_profile = q\n[profile q]\nregion = x\n", "source profile q has no credentials"},
        {"[profile p]\nrole_arn = a\nsource_profile = p\n", "its own source_profile"},
        {"[profile p]\nrole_arn = a\nsource_profile = q\n[profile q]\nrole_arn = b\nsource_profile = p\n", "circle"},
        {"[profile p]\nrole_arn = a\ncredential_source = Moon\n", "not Moon"},
        {"[profile p]\nrole_arn = a\ncredential_source = EcsContainer\n", "no container endpoint"},
        {"[profile p]\nrole_arn = a\ncredential_source = Environment\n", "AWS_ACCESS_KEY_ID is not set"},
        {"[profile p]\nrole_arn = a\ncredential_source = Ec2InstanceMetadata\nduration_seconds = 60\n", "duration_seconds"},
        {"[profile p]\nrole_arn = a\ncredential_source = Ec2InstanceMetadata\nrole_session_name = a b\n", "role_session_name"},
        {"[profile p]\nrole_arn = a\ncredential_source = Ec2InstanceMetadata\nexternal_id = x\n", "external_id"},
        {"[profile p]\nrole_arn = a\nsource_profile = q\n[profile q]\nsso_session = s\n", "sso_session"},
        {"[profile p]\nweb_identity_token_file = /nonexistent/t\n", "AWS_ROLE_ARN"},
        {"[profile p]\nweb_identity_token_file = /nonexistent/t\nrole_arn = a\n", "/nonexistent/t"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w;
        begin(&w);
        with_config(&w, cases[i].config);
        const struct credentials *c;
        struct err err = {0};
        assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_FAILED);
        if (!strstr(err.msg, cases[i].word))
            print_message("case %zu: %s\n", i, err.msg);
        assert_non_null(strstr(err.msg, cases[i].word));
        assert_true(err.kind == ERR_AUTH || err.kind == ERR_IO);
        assert_int_equal(w.s.request_count, 0);
        end(&w);
    }
}

static void sts_that_refuses_is_an_error_in_its_own_words(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    with_config(&w, "[profile p]\nrole_arn = arn:p\nsource_profile = p\naws_access_key_id = SELF\naws_secret_access_key = top-secret\n");
    scripted_add_error(&w.s, 403, "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not yours</Message></Error></ErrorResponse>");
    const struct credentials *c;
    struct err err = {0};
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_FAILED);
    assert_int_equal(err.kind, ERR_DENIED);
    assert_string_equal(err.msg, "AssumeRole arn:p: AccessDenied: not yours");
    assert_int_equal(w.s.request_count, 1);  // no use in asking three times
    clock_advance_to(&w.s.clock, w.s.clock.virtual_ms + 6000);
    static const char *const bad[] = {"", "<AssumeRoleResponse><cut", "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId>"
                                      "</Credentials></AssumeRoleResult></AssumeRoleResponse>"};
    for (size_t i = 0; i < 3; i++)
        scripted_add_body(&w.s, bad[i]);
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_FAILED);
    assert_int_equal(err.kind, ERR_CORRUPT);
    assert_int_equal(w.s.request_count, 4);
    end(&w);
}

static void an_hour_of_skew_is_corrected_when_the_role_is_assumed(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    w.s.wire_offset_ms = HOUR_MS;  // our clock is early: what AWS gives for an hour would look expired
    with_config(&w, "[profile p]\nrole_arn = arn:p\nsource_profile = p\naws_access_key_id = SELF\naws_secret_access_key = s\n");
    scripted_add(&w.s, (struct scripted_reply){.status = 403, .body = "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>",
                                               .header = "Date", .value = "Mon, 02 Feb 2026 02:40:00 GMT"});
    scripted_add_body(&w.s, assumed(&w, "AssumeRole", "ASIA", T0_MS + HOUR_MS));
    const struct credentials *c;
    struct err err = {0};
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_non_null(strstr(w.s.requests[0].headers, "X-Amz-Date: 20260202T034000Z\n"));
    assert_non_null(strstr(w.s.requests[1].headers, "X-Amz-Date: 20260202T024000Z\n"));
    assert_int_equal(w.s.request_count, 2);
    end(&w);
}

// ---- web identity -----------------------------------------------------------------------------------------------------------
static void web_identity_is_unsigned_and_its_file_is_read_at_each_fetch(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    const char *file = write_file(&w, "token", "jwt.one\n");
    const char *config = write_file(&w, "config", "[default]\nweb_identity_token_file = /nonexistent/loses\nrole_arn = arn:loses\nrole_session_name = profile\n");
    SET_ENV(&w, {"AWS_WEB_IDENTITY_TOKEN_FILE", file}, {"AWS_ROLE_ARN", "arn:wins"}, {"AWS_CONFIG_FILE", config}, {"AWS_ROLE_SESSION_NAME", "pod"},
            {"AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/x"}, {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/loses"});
    scripted_add_body(&w.s, assumed(&w, "AssumeRoleWithWebIdentity", "ASIA1", T0_MS + HOUR_MS));
    scripted_add_body(&w.s, assumed(&w, "AssumeRoleWithWebIdentity", "ASIA2", T0_MS + 2 * HOUR_MS));
    const struct credentials *c;
    struct err err = {0};
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_string_equal(c->access_key_id, "ASIA1");
    assert_string_equal(c->source, "web identity, role arn:wins");
    assert_string_equal(w.s.requests[0].body, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Awins&RoleSessionName=pod"
                                              "&WebIdentityToken=jwt.one");
    assert_null(strstr(w.s.requests[0].headers, "Authorization"));
    assert_null(strstr(w.s.requests[0].headers, "X-Amz-Date"));
    write_file(&w, "token", "jwt.two");
    assert_true(credentials_provider_expire(w.p, c->generation));
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_string_equal(c->access_key_id, "ASIA2");
    assert_non_null(strstr(w.s.requests[1].body, "WebIdentityToken=jwt.two"));
    end(&w);
}

static void a_web_identity_that_fails_is_an_error_and_not_a_reason_to_go_on(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    const char *file = write_file(&w, "token", "");
    SET_ENV(&w, {"AWS_WEB_IDENTITY_TOKEN_FILE", file}, {"AWS_ROLE_ARN", "arn:r"}, {"HOME", "/nonexistent"},
            {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/loses"});
    const struct credentials *c;
    struct err err = {0};
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_FAILED);
    assert_non_null(strstr(err.msg, "empty"));
    assert_int_equal(w.s.request_count, 0);
    write_file(&w, "token", "jwt.old");
    clock_advance_to(&w.s.clock, w.s.clock.virtual_ms + 6000);
    scripted_add_error(&w.s, 400, "<ErrorResponse><Error><Code>ExpiredTokenException</Code><Message>Token expired</Message></Error></ErrorResponse>");
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_FAILED);
    assert_string_equal(err.msg, "AssumeRoleWithWebIdentity arn:r: ExpiredTokenException: Token expired");
    assert_int_equal(w.s.request_count, 1);
    end(&w);
}

// ---- instance metadata ------------------------------------------------------------------------------------------------------
static void instance_metadata_is_asked_with_a_token(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    SET_ENV(&w, {"HOME", "/nonexistent"});
    scripted_add_body(&w.s, "TOKEN==");
    scripted_add_body(&w.s, "scaler-role");
    scripted_add_body(&w.s, answer(&w, "ASIA", T0_MS + 6 * HOUR_MS));
    const struct credentials *c;
    struct err err = {0};
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_string_equal(c->source, "instance metadata");
    assert_string_equal(w.s.requests[0].method, "PUT");
    assert_string_equal(w.s.requests[0].url, "http://169.254.169.254/latest/api/token");
    assert_non_null(strstr(w.s.requests[0].headers, "X-aws-ec2-metadata-token-ttl-seconds: 21600\n"));
    assert_string_equal(w.s.requests[1].url, "http://169.254.169.254/latest/meta-data/iam/security-credentials/");
    assert_string_equal(w.s.requests[2].url, "http://169.254.169.254/latest/meta-data/iam/security-credentials/scaler-role");
    for (size_t i = 0; i < 3; i++)
        assert_true(w.s.requests[i].direct);
    for (size_t i = 1; i < 3; i++)
        assert_non_null(strstr(w.s.requests[i].headers, "X-aws-ec2-metadata-token: TOKEN==\n"));
    end(&w);
}

static void instance_metadata_can_be_elsewhere_or_off(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    SET_ENV(&w, {"HOME", "/nonexistent"}, {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"});
    for (int i = 0; i < 3; i++)
        scripted_add(&w.s, (struct scripted_reply){.kind = SCRIPTED_HANG});
    const struct credentials *c;
    struct err err = {0};
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_FAILED);
    assert_string_equal(w.s.requests[0].url, "http://[fd00:ec2::254]/latest/api/token");
    assert_int_equal(w.s.clock.virtual_ms, T0_MS + 3000);  // a second each
    assert_non_null(strstr(err.msg, "no AWS credentials: set AWS_ACCESS_KEY_ID"));
    assert_non_null(strstr(err.msg, "hop limit"));
    end(&w);
    begin(&w);
    SET_ENV(&w, {"HOME", "/nonexistent"}, {"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1338/"});
    scripted_add_error(&w.s, 403, "");
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_FAILED);
    assert_string_equal(w.s.requests[0].url, "http://127.0.0.1:1338/latest/api/token");
    assert_int_equal(w.s.request_count, 1);
    end(&w);
    begin(&w);
    SET_ENV(&w, {"HOME", "/nonexistent"}, {"AWS_EC2_METADATA_DISABLED", "TRUE"});
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_FAILED);
    assert_int_equal(w.s.request_count, 0);
    end(&w);
}

static void instance_metadata_that_says_failed_or_nonsense_is_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *name, *keys, *word;
        int status;
    } cases[] = {
        {"role", "{\"Code\":\"Failed\",\"Message\":\"m\"}", "Failed", 200},
        {"", "", "no role", 404},
        {"<html>not a role</html>", "", "not one word", 200},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w;
        begin(&w);
        SET_ENV(&w, {"HOME", "/nonexistent"});
        w.s.repeat_last = true;
        scripted_add_body(&w.s, "TOKEN");
        scripted_add_error(&w.s, cases[i].status, cases[i].name);
        if (cases[i].keys[0])
            scripted_add_body(&w.s, cases[i].keys);
        const struct credentials *c;
        struct err err = {0};
        assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_FAILED);
        assert_int_equal(err.kind, ERR_AUTH);
        assert_non_null(strstr(err.msg, cases[i].word));
        end(&w);
    }
}

static void expired_keys_of_the_instance_serve_on_and_are_tried_anew(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    SET_ENV(&w, {"HOME", "/nonexistent"});
    int64_t expires_ms = T0_MS + 6 * HOUR_MS;
    scripted_add_body(&w.s, "TOKEN");
    scripted_add_body(&w.s, "role");
    scripted_add_body(&w.s, answer(&w, "FIRST", expires_ms));
    const struct credentials *c;
    struct err err = {0};
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    // Metadata gives the same ones, expired: they serve, and it is left alone for 2 to 10 minutes.
    clock_advance_to(&w.s.clock, expires_ms + 1000);
    scripted_add_body(&w.s, "TOKEN");
    scripted_add_body(&w.s, "role");
    scripted_add_body(&w.s, answer(&w, "FIRST", expires_ms));
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_string_equal(c->access_key_id, "FIRST");
    assert_int_equal(w.s.request_count, 6);
    clock_advance_to(&w.s.clock, expires_ms + 1000 + 2 * 60 * 1000);
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_int_equal(w.s.request_count, 6);
    // Then it does not answer at all: they serve on.
    clock_advance_to(&w.s.clock, expires_ms + 1000 + 10 * 60 * 1000 + 1);
    for (int i = 0; i < 3; i++)
        scripted_add(&w.s, (struct scripted_reply){.kind = SCRIPTED_REFUSED});
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_string_equal(c->access_key_id, "FIRST");
    assert_int_equal(w.s.request_count, 9);
    // AWS has the last word: refused, they are fetched at once.
    scripted_add_body(&w.s, "TOKEN");
    scripted_add_body(&w.s, "role");
    scripted_add_body(&w.s, answer(&w, "SECOND", expires_ms + 6 * HOUR_MS));
    assert_true(credentials_provider_expire(w.p, c->generation));
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_string_equal(c->access_key_id, "SECOND");
    end(&w);
}

// ---- renewal ----------------------------------------------------------------------------------------------------------------
static void near_the_end_a_call_waits_for_the_renewal_but_an_urgent_one_does_not(void **state)
{
    (void)state;
    static const struct aws_env_pair env[] = {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x"}, {"HOME", "/nonexistent"}};
    struct fixture f;
    fixture_begin_env(&f, env, ARRAY_LEN(env));
    static const char keys[] = "{\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"%s\"}";
    char until[32];
    int64_t expires_ms = T0_MS + HOUR_MS;
    scripted_add_body(&f.s, arena_printf(&f.arena, keys, "OLD", format_iso8601(expires_ms, false, until)));
    scripted_add_body(&f.s, "{\"clusterArns\":[]}");
    struct ecs_arns first, urgent, patient;
    ecs_list_clusters(f.with, &first);
    aws_run(f.clients, DEADLINE_MS);
    clock_advance_to(&f.s.clock, expires_ms - 9 * 60 * 1000);
    scripted_add(&f.s, (struct scripted_reply){.body = arena_printf(&f.arena, keys, "NEW", format_iso8601(expires_ms + HOUR_MS, false, until)), .delay_ms = 500});
    scripted_add_body(&f.s, "{\"clusterArns\":[]}");
    scripted_add_body(&f.s, "{\"clusterArns\":[]}");
    ecs_list_clusters(f.with, &patient);
    ecs_list_clusters((struct aws_with){.aws = f.aws, .arena = &f.arena, .urgent = true}, &urgent);
    aws_run(f.clients, f.s.clock.virtual_ms + 60000);
    assert_int_equal(urgent.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(patient.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(f.s.request_count, 5);
    assert_non_null(strstr(f.s.requests[3].headers, "Credential=OLD/"));
    assert_int_equal(f.s.requests[3].at_ms, expires_ms - 9 * 60 * 1000);
    assert_non_null(strstr(f.s.requests[4].headers, "Credential=NEW/"));
    fixture_end(&f);
}

static void a_session_of_minutes_is_not_renewed_at_each_call(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    with_config(&w, "[profile p]\nrole_arn = arn:p\nsource_profile = p\nduration_seconds = 900\naws_access_key_id = SELF\naws_secret_access_key = s\n");
    scripted_add_body(&w.s, assumed(&w, "AssumeRole", "ASIA1", T0_MS + 900 * 1000));
    const struct credentials *c;
    struct err err = {0};
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    clock_advance_to(&w.s.clock, T0_MS + 449 * 1000);
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_int_equal(w.s.request_count, 1);
    clock_advance_to(&w.s.clock, T0_MS + 451 * 1000);
    scripted_add_body(&w.s, assumed(&w, "AssumeRole", "ASIA2", T0_MS + 1800 * 1000));
    assert_int_equal(poll_to_end(&w, &c, &err), CREDENTIALS_READY);
    assert_string_equal(c->access_key_id, "ASIA1");  // the new ones are under way
    assert_int_equal(w.s.request_count, 2);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_role_is_assumed_with_the_keys_of_its_source_profile),
        cmocka_unit_test(roles_are_assumed_one_from_another_and_chained_ones_for_an_hour),
        cmocka_unit_test(a_profile_may_be_its_own_source),
        cmocka_unit_test(each_credential_source_is_where_the_role_begins),
        cmocka_unit_test(what_a_role_cannot_have_is_refused_in_words),
        cmocka_unit_test(sts_that_refuses_is_an_error_in_its_own_words),
        cmocka_unit_test(an_hour_of_skew_is_corrected_when_the_role_is_assumed),
        cmocka_unit_test(web_identity_is_unsigned_and_its_file_is_read_at_each_fetch),
        cmocka_unit_test(a_web_identity_that_fails_is_an_error_and_not_a_reason_to_go_on),
        cmocka_unit_test(instance_metadata_is_asked_with_a_token),
        cmocka_unit_test(instance_metadata_can_be_elsewhere_or_off),
        cmocka_unit_test(instance_metadata_that_says_failed_or_nonsense_is_an_error),
        cmocka_unit_test(expired_keys_of_the_instance_serve_on_and_are_tried_anew),
        cmocka_unit_test(near_the_end_a_call_waits_for_the_renewal_but_an_urgent_one_does_not),
        cmocka_unit_test(a_session_of_minutes_is_not_renewed_at_each_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
