// What lies behind credentials.h: which source, by environment and profile, and the single sources. Nothing here keeps anything.
//
// A chain is where credentials begin (keys as written, the container endpoint, instance metadata, a web identity) and the roles
// that are assumed from there, one after the other.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "scaler/aws/credentials.h"

// Keys as found, in an arena; NULL: not there.
struct credentials_keys {
    const char *access_key_id, *secret, *session_token;
    int64_t expires_ms;  // 0: never
};

enum credentials_base { CREDENTIALS_STATIC, CREDENTIALS_CONTAINER, CREDENTIALS_INSTANCE, CREDENTIALS_WEB_IDENTITY };

struct credentials_role {
    const char *arn, *session_name;
    const char *external_id;  // NULL: none
    const char *token_file;   // of a web identity, read at each fetch; NULL: the role is assumed with keys
    int64_t duration_s;       // 0: AWS's default, an hour
};

#define CREDENTIALS_ROLES_MAX 8
#define CREDENTIALS_SESSION_NAME "masu"

struct credentials_chain {
    enum credentials_base base;
    struct credentials_keys keys;      // STATIC
    bool from_files;                   // STATIC: of a profile, which may be written anew
    bool by_default;                   // INSTANCE: only because nothing else is configured
    struct credentials_role identity;  // WEB_IDENTITY
    struct credentials_role roles[CREDENTIALS_ROLES_MAX];  // in the order of assuming
    size_t role_count;
    const char *source;                // for people
};
// In botocore's order: keys of the environment, the profile's role, web identity, the profile's keys, container endpoint,
// instance metadata. ERR_AUTH: what is configured cannot be done, or nothing is; ERR_IO, ERR_LIMIT: a file.
int credentials_chain_resolve(const struct aws_env *env, struct arena *a, struct credentials_chain *ret, struct err *err);
const char *credentials_profile(const struct aws_env *env);  // "default" when unset

// ---- files ------------------------------------------------------------------------------------------------------------------
// A whole file. ERR_IO; ERR_LIMIT: longer than max. The message begins with the path.
int credentials_read_file(const char *path, size_t max, struct arena *a, struct slice *ret, struct err *err);
struct credentials_files {
    struct slice credentials, config;
};
int credentials_files_read(const struct aws_env *env, struct arena *a, struct credentials_files *ret, struct err *err);
// A key of a profile in one of the files; NULL absent. *ret_there (may be NULL): the profile is there.
const char *credentials_file_value(struct slice text, bool config, const char *profile, const char *key, struct arena *a,
                                   bool *ret_there);
// A key of AWS_PROFILE's profile, config file first (as for the region); NULL if absent or the files cannot be read.
const char *credentials_profile_value(const struct aws_env *env, struct arena *a, const char *key);
// Looks for `key` under [section] of an INI text; false if the section is absent. *ret NULL: key absent.
bool credentials_ini_find(struct slice text, const char *section, const char *key, struct arena *a, const char **ret);

// ---- the container endpoint -------------------------------------------------------------------------------------------------
bool credentials_container_configured(const struct aws_env *env);
struct credentials_container_target {
    const char *url;
    const char *authorization;  // NULL: none
};
// The URL to ask and the token, read anew. ERR_AUTH: host not allowed, token with a line break; ERR_IO: token file.
int credentials_container_target(const struct aws_env *env, struct arena *a, struct credentials_container_target *ret,
                                 struct err *err);
// Decodes the answer of the endpoint. ERR_CORRUPT without a word of its content.
int credentials_container_decode(struct slice body, struct arena *a, struct credentials_keys *ret, struct err *err);

// ---- instance metadata, version 2 -------------------------------------------------------------------------------------------
bool credentials_instance_disabled(const struct aws_env *env);
const char *credentials_instance_url(const struct aws_env *env, struct arena *a, const char *path);
// The role's name in the list, or the token: one printable line. ERR_CORRUPT.
int credentials_instance_line(struct slice body, struct arena *a, const char **ret, struct err *err);
// As the container endpoint's, besides: a Code other than Success is ERR_AUTH.
int credentials_instance_decode(struct slice body, struct arena *a, struct credentials_keys *ret, struct err *err);

// The region in the answer of the task metadata endpoint, version 4. ERR_CORRUPT.
int aws_region_of_task(struct slice metadata, char ret[64], struct err *err);

// ---- roles ------------------------------------------------------------------------------------------------------------------
// "AssumeRole" or "AssumeRoleWithWebIdentity".
const char *credentials_role_action(const struct credentials_role *r);
// The form to post to STS; reads the token file. ERR_IO, ERR_AUTH: the file.
int credentials_role_body(const struct credentials_role *r, struct arena *a, struct slice *ret, struct err *err);
int credentials_role_decode(const struct credentials_role *r, struct slice body, struct arena *a, struct credentials_keys *ret,
                            struct err *err);
