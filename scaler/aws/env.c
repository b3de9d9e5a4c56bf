#include "scaler/aws/env.h"

const struct aws_env aws_env_process = {NULL, 0};

const char *aws_env_get(const struct aws_env *env, const char *name)
{
    if (!env->pairs) {
        const char *value = getenv(name);
        return value && *value ? value : NULL;
    }
    for (size_t i = 0; i < env->count; i++)
        if (strcmp(env->pairs[i].name, name) == 0)
            return env->pairs[i].value && *env->pairs[i].value ? env->pairs[i].value : NULL;
    return NULL;
}
