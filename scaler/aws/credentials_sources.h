// The single sources behind credentials.h: each yields credentials or an error, and keeps nothing.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "scaler/aws/credentials.h"

// Keys as found, in an arena; NULL: not there.
struct credentials_keys {
    const char *access_key_id, *secret, *session_token;
    int64_t expires_ms;  // 0: never
};

enum credentials_found { CREDENTIALS_NONE, CREDENTIALS_FOUND, CREDENTIALS_BROKEN };

enum credentials_found credentials_from_env(const struct aws_env *env, struct credentials_keys *ret, struct err *err);
// Shared credentials and config files, the profile of AWS_PROFILE. NONE: no keys there, and none were asked for by name.
enum credentials_found credentials_from_files(const struct aws_env *env, struct arena *a, struct credentials_keys *ret,
                                              struct err *err);
const char *credentials_profile(const struct aws_env *env);  // "default" when unset
// A key of the profile, config file first (as for the region); NULL if absent or the files cannot be read.
const char *credentials_profile_value(const struct aws_env *env, struct arena *a, const char *key);

// Looks for `key` under [section] of an INI text; false if the section is absent. *ret NULL: key absent.
bool credentials_ini_find(struct slice text, const char *section, const char *key, struct arena *a, const char **ret);

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
