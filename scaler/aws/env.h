// Where the AWS variables come from: the process environment, or a fixed list (the demo's own account, tests).
//
// Credentials, region, endpoints and AWS_MAX_ATTEMPTS are all read through it, so a world in process cannot pick up the
// operator's real account by accident.
#pragma once

#include <stddef.h>

struct aws_env_pair {
    const char *name, *value;
};

struct aws_env {
    const struct aws_env_pair *pairs;  // NULL: the process environment
    size_t count;
};

extern const struct aws_env aws_env_process;

const char *aws_env_get(const struct aws_env *env, const char *name);  // NULL when unset or empty
