#include "scaler/aws/credentials_sources.h"

#define FILES_ARENA_MAX (8u << 20)

bool aws_region_valid(const char *region)
{
    size_t len = strlen(region), dashes = 0;
    for (size_t i = 0; i < len; i++) {
        bool letter = (region[i] >= 'a' && region[i] <= 'z') || (region[i] >= '0' && region[i] <= '9');
        dashes += region[i] == '-';
        if (!letter && region[i] != '-')
            return false;
    }
    return len > 0 && len < 32 && dashes >= 1 && region[0] != '-' && region[len - 1] != '-';
}

int aws_region_resolve(const struct aws_env *env, char ret[64], struct err *err)
{
    struct arena a;
    arena_init(&a, FILES_ARENA_MAX);
    const char *region = aws_env_get(env, "AWS_REGION");
    if (!region)
        region = aws_env_get(env, "AWS_DEFAULT_REGION");
    if (!region)
        region = credentials_profile_value(env, &a, "region");
    int rc = 0;
    if (!region)
        rc = err_set(err, ERR_INVALID, "no AWS region: set it in the policy, or AWS_REGION");
    else if (!aws_region_valid(region))
        rc = err_set(err, ERR_INVALID, "not an AWS region: %.40s", region);
    else
        snprintf(ret, 64, "%s", region);
    arena_release(&a);
    return rc;
}
