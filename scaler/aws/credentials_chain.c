// Which source: the environment and the profile, in botocore's order.
#include "base/parse.h"
#include "scaler/aws/credentials_sources.h"

#define DURATION_MIN_S 900
#define DURATION_MAX_S 43200
#define DURATION_CHAINED_MAX_S 3600  // a role that is assumed by a role
#define EXTERNAL_ID_MAX 1224
#define NOTHING_CONFIGURED                                                                                                    \
    "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, or give the task or the instance a role"

// What a profile may ask for and this program does not do: named, so that nobody runs with other credentials than intended.
static const struct refusal {
    const char *key, *what;
} sso_refusals[] = {{"sso_session", "single sign-on"}, {"sso_start_url", "single sign-on"}},
  process_refusals[] = {{"login_session", "a console login"}, {"credential_process", "a credential process"}};

struct resolving {
    const struct aws_env *env;
    struct arena *a;
    struct credentials_files files;
    const char *visited[CREDENTIALS_ROLES_MAX];
    size_t visited_count;
    struct credentials_chain *ret;
    struct err *err;
};

static const char *value_of(const struct resolving *r, const char *profile, const char *key)
{
    const char *value = credentials_file_value(r->files.credentials, false, profile, key, r->a, NULL);
    return value ? value : credentials_file_value(r->files.config, true, profile, key, r->a, NULL);
}

static bool profile_there(const struct resolving *r, const char *profile)
{
    bool in_credentials, in_config;
    credentials_file_value(r->files.credentials, false, profile, "region", r->a, &in_credentials);
    credentials_file_value(r->files.config, true, profile, "region", r->a, &in_config);
    return in_credentials || in_config;
}

static int refuse(const struct resolving *r, const char *profile, const struct refusal *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (value_of(r, profile, list[i].key))
            return err_set(r->err, ERR_AUTH, "profile %s asks for %s (%s), which masu does not do: use a role, a web identity or keys",
                           profile, list[i].what, list[i].key);
    return 0;
}

// ---- keys as written --------------------------------------------------------------------------------------------------------
static int env_keys(const struct aws_env *env, struct credentials_keys *ret, bool *ret_found, struct err *err)
{
    const char *id = aws_env_get(env, "AWS_ACCESS_KEY_ID"), *secret = aws_env_get(env, "AWS_SECRET_ACCESS_KEY");
    *ret_found = id != NULL;
    if (!id)
        return 0;
    if (!secret)
        return err_set(err, ERR_AUTH, "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not");
    *ret = (struct credentials_keys){id, secret, aws_env_get(env, "AWS_SESSION_TOKEN"), 0};
    return 0;
}

static int file_keys(struct resolving *r, bool config, const char *profile, bool *ret_found)
{
    struct slice text = config ? r->files.config : r->files.credentials;
    struct credentials_keys k = {.access_key_id = credentials_file_value(text, config, profile, "aws_access_key_id", r->a, NULL)};
    *ret_found = k.access_key_id != NULL;
    if (!*ret_found)
        return 0;
    k.secret = credentials_file_value(text, config, profile, "aws_secret_access_key", r->a, NULL);
    k.session_token = credentials_file_value(text, config, profile, "aws_session_token", r->a, NULL);
    if (!k.secret)
        return err_set(r->err, ERR_AUTH, "profile %s has aws_access_key_id but no aws_secret_access_key", profile);
    r->ret->base = CREDENTIALS_STATIC;
    r->ret->keys = k;
    r->ret->from_files = true;
    return 0;
}

static int file_keys_of_either(struct resolving *r, const char *profile, bool *ret_found)
{
    int rc = file_keys(r, false, profile, ret_found);
    return rc || *ret_found ? rc : file_keys(r, true, profile, ret_found);
}

// ---- roles ------------------------------------------------------------------------------------------------------------------
static bool session_name_valid(const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!alnum && !strchr("_+=,.@-", c))
            return false;
    }
    return n >= 2 && n <= 64;
}

// What the profile says of the role's session.
static int role_settings(const struct resolving *r, const char *profile, struct credentials_role *role)
{
    const char *session = value_of(r, profile, "role_session_name"), *duration = value_of(r, profile, "duration_seconds");
    role->session_name = session ? session : CREDENTIALS_SESSION_NAME;
    role->external_id = value_of(r, profile, "external_id");
    if (!session_name_valid(role->session_name))
        return err_set(r->err, ERR_AUTH, "profile %s: role_session_name needs 2 to 64 letters, digits or _+=,.@-", profile);
    if (role->external_id && (strlen(role->external_id) < 2 || strlen(role->external_id) > EXTERNAL_ID_MAX))
        return err_set(r->err, ERR_AUTH, "profile %s: external_id needs 2 to %d characters", profile, EXTERNAL_ID_MAX);
    if (duration && (!parse_i64(slice_of(duration), &role->duration_s) || role->duration_s < DURATION_MIN_S || role->duration_s > DURATION_MAX_S))
        return err_set(r->err, ERR_AUTH, "profile %s: duration_seconds must be %d to %d", profile, DURATION_MIN_S, DURATION_MAX_S);
    return 0;
}

static int from_role(struct resolving *r, const char *profile);

static int web_identity(struct resolving *r, const char *profile, const char *token_file, const char *arn, const char *session)
{
    struct credentials_role *role = &r->ret->identity;
    *role = (struct credentials_role){.arn = arn, .token_file = token_file};
    int rc = role_settings(r, profile, role);
    if (rc)
        return rc;
    role->external_id = NULL;  // not a parameter of this operation
    if (session)
        role->session_name = session;
    if (!session_name_valid(role->session_name))
        return err_set(r->err, ERR_AUTH, "AWS_ROLE_SESSION_NAME needs 2 to 64 letters, digits or _+=,.@-");
    if (!role->arn)
        return err_set(r->err, ERR_AUTH, "a web identity token file is named but no role: set AWS_ROLE_ARN or the profile's role_arn");
    r->ret->base = CREDENTIALS_WEB_IDENTITY;
    return 0;
}

// A profile that another one takes its keys from: the environment is not asked.
static int from_source_profile(struct resolving *r, const char *profile)
{
    bool found;
    if (!profile_there(r, profile))
        return err_set(r->err, ERR_AUTH, "source_profile names %s, which is in neither the credentials nor the config file", profile);
    int rc = file_keys_of_either(r, profile, &found);
    if (rc || found)
        return rc;
    const char *token_file = value_of(r, profile, "web_identity_token_file"), *arn = value_of(r, profile, "role_arn");
    if (arn && !token_file)
        return from_role(r, profile);
    if (token_file)
        return web_identity(r, profile, token_file, arn, NULL);
    rc = refuse(r, profile, sso_refusals, ARRAY_LEN(sso_refusals));
    rc = rc ? rc : refuse(r, profile, process_refusals, ARRAY_LEN(process_refusals));
    return rc ? rc : err_set(r->err, ERR_AUTH, "source profile %s has no credentials", profile);
}

static int from_credential_source(struct resolving *r, const char *profile, const char *name)
{
    bool found;
    struct slice s = slice_of(name);
    if (slice_eq_nocase(s, SLICE_LIT("Environment"))) {
        int rc = env_keys(r->env, &r->ret->keys, &found, r->err);
        r->ret->base = CREDENTIALS_STATIC;
        return rc || found ? rc : err_set(r->err, ERR_AUTH, "profile %s: credential_source Environment, but AWS_ACCESS_KEY_ID is not set", profile);
    }
    if (slice_eq_nocase(s, SLICE_LIT("EcsContainer"))) {
        r->ret->base = CREDENTIALS_CONTAINER;
        return credentials_container_configured(r->env) ? 0
                   : err_set(r->err, ERR_AUTH, "profile %s: credential_source EcsContainer, but there is no container endpoint", profile);
    }
    if (slice_eq_nocase(s, SLICE_LIT("Ec2InstanceMetadata"))) {
        r->ret->base = CREDENTIALS_INSTANCE;
        return !credentials_instance_disabled(r->env) ? 0
                   : err_set(r->err, ERR_AUTH, "profile %s: credential_source Ec2InstanceMetadata, but AWS_EC2_METADATA_DISABLED is true", profile);
    }
    return err_set(r->err, ERR_AUTH, "profile %s: credential_source is Environment, Ec2InstanceMetadata or EcsContainer, not %.60s", profile, name);
}

static int visit(struct resolving *r, const char *profile)
{
    for (size_t i = 0; i < r->visited_count; i++)
        if (strcmp(r->visited[i], profile) == 0)
            return err_set(r->err, ERR_AUTH, "source_profile leads in a circle back to %s", profile);
    if (r->visited_count == CREDENTIALS_ROLES_MAX)
        return err_set(r->err, ERR_AUTH, "profile %s: more than %d roles assumed one from another", profile, CREDENTIALS_ROLES_MAX);
    r->visited[r->visited_count++] = profile;
    return 0;
}

static int from_own_keys(struct resolving *r, const char *profile)
{
    bool found;
    int rc = file_keys_of_either(r, profile, &found);
    return rc || found ? rc : err_set(r->err, ERR_AUTH, "profile %s is its own source_profile but has no keys", profile);
}

// The role of a profile, after what it is assumed with.
static int from_role(struct resolving *r, const char *profile)
{
    struct credentials_role role = {.arn = value_of(r, profile, "role_arn")};
    const char *source = value_of(r, profile, "source_profile"), *kind = value_of(r, profile, "credential_source");
    int rc = visit(r, profile);
    if (rc)
        return rc;
    if (value_of(r, profile, "mfa_serial"))
        return err_set(r->err, ERR_AUTH, "profile %s wants a code of %s (mfa_serial), and nobody is there to type it: use a role without it",
                       profile, value_of(r, profile, "mfa_serial"));
    if ((source != NULL) == (kind != NULL))
        return err_set(r->err, ERR_AUTH, "profile %s has role_arn and %s source_profile %s credential_source: one of them is needed", profile,
                       source ? "both" : "neither", source ? "and" : "nor");
    rc = role_settings(r, profile, &role);
    if (rc)
        return rc;
    if (kind)
        rc = from_credential_source(r, profile, kind);
    else if (strcmp(source, profile) == 0)
        rc = from_own_keys(r, profile);
    else
        rc = from_source_profile(r, source);
    if (rc)
        return rc;
    bool chained = r->ret->role_count > 0 || r->ret->base != CREDENTIALS_STATIC;
    if (chained && role.duration_s > DURATION_CHAINED_MAX_S)
        role.duration_s = DURATION_CHAINED_MAX_S;
    r->ret->roles[r->ret->role_count++] = role;
    return 0;
}

// ---- the order --------------------------------------------------------------------------------------------------------------
static int from_profile(struct resolving *r, const char *profile, bool *ret_found)
{
    const char *arn = value_of(r, profile, "role_arn"), *its_file = value_of(r, profile, "web_identity_token_file");
    const char *token_file = aws_env_get(r->env, "AWS_WEB_IDENTITY_TOKEN_FILE"), *env_arn = aws_env_get(r->env, "AWS_ROLE_ARN");
    *ret_found = true;
    r->ret->source = arena_printf(r->a, "profile %s", profile);
    if (arn && !its_file) {
        r->ret->source = arena_printf(r->a, "profile %s, role %s", profile, arn);
        return from_role(r, profile);
    }
    if (token_file || its_file) {
        arn = env_arn ? env_arn : arn;
        r->ret->source = arena_printf(r->a, "web identity, role %s", arn ? arn : "");
        return web_identity(r, profile, token_file ? token_file : its_file, arn, aws_env_get(r->env, "AWS_ROLE_SESSION_NAME"));
    }
    int rc = refuse(r, profile, sso_refusals, ARRAY_LEN(sso_refusals));
    rc = rc ? rc : file_keys(r, false, profile, ret_found);
    if (rc || *ret_found)
        return rc;
    rc = refuse(r, profile, process_refusals, ARRAY_LEN(process_refusals));
    rc = rc ? rc : file_keys(r, true, profile, ret_found);
    if (rc == 0 && !*ret_found && aws_env_get(r->env, "AWS_PROFILE") && !profile_there(r, profile))
        rc = err_set(r->err, ERR_AUTH, "AWS_PROFILE names %s, which is in neither the credentials nor the config file", profile);
    return rc;
}

int credentials_chain_resolve(const struct aws_env *env, struct arena *a, struct credentials_chain *ret, struct err *err)
{
    bool found;
    struct resolving r = {.env = env, .a = a, .ret = ret, .err = err};
    *ret = (struct credentials_chain){.base = CREDENTIALS_STATIC, .source = "environment"};
    int rc = env_keys(env, &ret->keys, &found, err);
    if (rc || found)
        return rc;
    rc = credentials_files_read(env, a, &r.files, err);
    if (rc == 0)
        rc = from_profile(&r, credentials_profile(env), &found);
    if (rc || found)
        return rc;
    ret->base = CREDENTIALS_CONTAINER;
    ret->source = "container endpoint";
    if (credentials_container_configured(env))
        return 0;
    ret->base = CREDENTIALS_INSTANCE;
    ret->source = "instance metadata";
    ret->by_default = true;
    return credentials_instance_disabled(env) ? err_set(err, ERR_AUTH, NOTHING_CONFIGURED) : 0;
}
