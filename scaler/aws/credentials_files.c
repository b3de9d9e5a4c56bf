#include "scaler/aws/credentials_sources.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1u << 20)

// What a profile may ask for and this build cannot do: named, so that nobody runs with other credentials than intended.
static const struct {
    const char *key, *what;
} unsupported[] = {
    {"role_arn", "assuming a role"},
    {"web_identity_token_file", "web identity"},
    {"sso_session", "single sign-on"},
    {"sso_start_url", "single sign-on"},
    {"credential_process", "a credential process"},
};

enum credentials_found credentials_from_env(const struct aws_env *env, struct credentials_keys *ret, struct err *err)
{
    const char *id = aws_env_get(env, "AWS_ACCESS_KEY_ID"), *secret = aws_env_get(env, "AWS_SECRET_ACCESS_KEY");
    if (!id)
        return CREDENTIALS_NONE;
    if (!secret) {
        err_set(err, ERR_AUTH, "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not");
        return CREDENTIALS_BROKEN;
    }
    *ret = (struct credentials_keys){id, secret, aws_env_get(env, "AWS_SESSION_TOKEN"), 0};
    return CREDENTIALS_FOUND;
}

const char *credentials_profile(const struct aws_env *env)
{
    const char *name = aws_env_get(env, "AWS_PROFILE");
    return name ? name : "default";
}

// "[ profile  name ]" -> "profile name"; false when the line is no section.
static bool section_of(struct slice line, struct slice *ret)
{
    if (line.len < 2 || line.ptr[0] != '[')
        return false;
    const char *end = memchr(line.ptr, ']', line.len);
    if (!end)
        return false;
    *ret = slice_trim((struct slice){line.ptr + 1, (size_t)(end - line.ptr) - 1});
    return true;
}

static bool section_is(struct slice section, const char *wanted)
{
    static const char prefix[] = "profile";
    size_t n = sizeof prefix - 1;
    bool is_profile = slice_starts(section, prefix) && section.len > n && (section.ptr[n] == ' ' || section.ptr[n] == '\t');
    if (is_profile && slice_starts(slice_of(wanted), "profile ")) {
        struct slice name = slice_trim((struct slice){section.ptr + n, section.len - n});
        return slice_eq(name, slice_trim(slice_of(wanted + n)));
    }
    return slice_eq_str(section, wanted);
}

bool credentials_ini_find(struct slice text, const char *section, const char *key, struct arena *a, const char **ret)
{
    bool inside = false, seen = false;
    *ret = NULL;
    while (text.len) {
        struct slice raw = slice_cut(&text, '\n');
        struct slice line = slice_trim(raw), name;
        if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';')
            continue;
        if (section_of(line, &name)) {
            inside = section_is(name, section);
            seen |= inside;
            continue;
        }
        bool nested = raw.ptr[0] == ' ' || raw.ptr[0] == '\t';  // sub-keys such as those under "s3 ="
        if (!inside || nested)
            continue;
        name = slice_trim(slice_cut(&line, '='));
        if (slice_eq_nocase(name, slice_of(key))) {
            line = slice_trim(line);
            *ret = line.len ? arena_strndup(a, line.ptr, line.len) : NULL;
        }
    }
    return seen;
}

// The file a variable names, else one under $HOME; NULL where there is no home.
static const char *file_of(const struct aws_env *env, const char *variable, const char *under_home, struct arena *a)
{
    const char *path = aws_env_get(env, variable), *home = aws_env_get(env, "HOME");
    if (path && path[0] == '~' && path[1] == '/' && home)
        return arena_printf(a, "%s%s", home, path + 1);
    if (path)
        return path;
    return home ? arena_printf(a, "%s/%s", home, under_home) : NULL;
}

// An absent file is an empty one; one that is there and cannot be read is an error.
static int read_file(const char *path, struct arena *a, struct slice *ret, struct err *err)
{
    *ret = (struct slice){NULL, 0};
    if (!path)
        return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (fd < 0)
        return err_set(err, ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    char *data = arena_alloc(a, FILE_BYTES_MAX + 1, 1);
    size_t len = 0;
    ssize_t n;
    while ((n = read(fd, data + len, FILE_BYTES_MAX + 1 - len)) > 0)
        len += (size_t)n;
    int failed = n < 0 ? errno : 0;
    close(fd);
    if (failed)
        return err_set(err, ERR_IO, "%s: cannot be read: %s", path, strerror(failed));
    if (len > FILE_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "%s: larger than %u bytes", path, FILE_BYTES_MAX);
    *ret = (struct slice){data, len};
    return 0;
}

struct files {
    struct slice credentials, config;
    const char *config_section;
};

static int read_files(const struct aws_env *env, struct arena *a, struct files *ret, struct err *err)
{
    int rc = read_file(file_of(env, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", a), a, &ret->credentials, err);
    if (rc == 0)
        rc = read_file(file_of(env, "AWS_CONFIG_FILE", ".aws/config", a), a, &ret->config, err);
    const char *profile = credentials_profile(env);
    ret->config_section = strcmp(profile, "default") == 0 ? profile : arena_printf(a, "profile %s", profile);
    return rc;
}

static enum credentials_found keys_of(struct slice text, const char *section, struct arena *a, struct credentials_keys *ret,
                                      struct err *err)
{
    struct credentials_keys k = {0};
    if (!credentials_ini_find(text, section, "aws_access_key_id", a, &k.access_key_id) || !k.access_key_id)
        return CREDENTIALS_NONE;
    credentials_ini_find(text, section, "aws_secret_access_key", a, &k.secret);
    credentials_ini_find(text, section, "aws_session_token", a, &k.session_token);
    if (!k.secret) {
        err_set(err, ERR_AUTH, "profile %s has aws_access_key_id but no aws_secret_access_key", section);
        return CREDENTIALS_BROKEN;
    }
    *ret = k;
    return CREDENTIALS_FOUND;
}

static enum credentials_found find_keys(const struct aws_env *env, const struct files *f, struct arena *a,
                                        struct credentials_keys *ret, struct err *err)
{
    const char *profile = credentials_profile(env), *value;
    if (aws_env_get(env, "AWS_WEB_IDENTITY_TOKEN_FILE")) {
        err_set(err, ERR_AUTH, "AWS_WEB_IDENTITY_TOKEN_FILE is set, but web identity is not supported yet");
        return CREDENTIALS_BROKEN;
    }
    bool in_credentials = credentials_ini_find(f->credentials, profile, "role_arn", a, &value);
    bool in_config = credentials_ini_find(f->config, f->config_section, "role_arn", a, &value);
    for (size_t i = 0; i < ARRAY_LEN(unsupported); i++) {
        const char *first, *second;
        credentials_ini_find(f->credentials, profile, unsupported[i].key, a, &first);
        credentials_ini_find(f->config, f->config_section, unsupported[i].key, a, &second);
        if (!first && !second)
            continue;
        err_set(err, ERR_AUTH, "profile %s asks for %s (%s), which is not supported yet", profile, unsupported[i].what,
                unsupported[i].key);
        return CREDENTIALS_BROKEN;
    }
    enum credentials_found found = keys_of(f->credentials, profile, a, ret, err);
    if (found == CREDENTIALS_NONE)
        found = keys_of(f->config, f->config_section, a, ret, err);
    if (found == CREDENTIALS_NONE && aws_env_get(env, "AWS_PROFILE") && !in_credentials && !in_config) {
        err_set(err, ERR_AUTH, "AWS_PROFILE names %s, which is in neither the credentials nor the config file", profile);
        return CREDENTIALS_BROKEN;
    }
    return found;
}

enum credentials_found credentials_from_files(const struct aws_env *env, struct arena *a, struct credentials_keys *ret,
                                              struct err *err)
{
    struct files f;
    if (read_files(env, a, &f, err))
        return CREDENTIALS_BROKEN;
    return find_keys(env, &f, a, ret, err);
}

const char *credentials_profile_value(const struct aws_env *env, struct arena *a, const char *key)
{
    struct files f;
    struct err err;
    const char *value = NULL;
    if (read_files(env, a, &f, &err))
        return NULL;
    credentials_ini_find(f.config, f.config_section, key, a, &value);
    if (!value)
        credentials_ini_find(f.credentials, credentials_profile(env), key, a, &value);
    return value;
}
