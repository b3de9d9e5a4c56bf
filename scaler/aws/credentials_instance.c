// Instance metadata, version 2: a token by PUT, then the role's name and its keys by GET.
#include "base/json.h"
#include "scaler/aws/credentials_sources.h"

#define ENDPOINT_V4 "http://169.254.169.254"
#define ENDPOINT_V6 "http://[fd00:ec2::254]"
#define LINE_BYTES_MAX 1024u

bool credentials_instance_disabled(const struct aws_env *env)
{
    const char *set = aws_env_get(env, "AWS_EC2_METADATA_DISABLED");
    return set && slice_eq_nocase(slice_of(set), SLICE_LIT("true"));
}

const char *credentials_instance_url(const struct aws_env *env, struct arena *a, const char *path)
{
    const char *set = aws_env_get(env, "AWS_EC2_METADATA_SERVICE_ENDPOINT"), *mode = aws_env_get(env, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    bool v6 = mode && slice_eq_nocase(slice_of(mode), SLICE_LIT("ipv6"));
    const char *base = set ? set : v6 ? ENDPOINT_V6 : ENDPOINT_V4;
    size_t len = strlen(base);
    return arena_printf(a, "%.*s%s", (int)(len && base[len - 1] == '/' ? len - 1 : len), base, path);
}

int credentials_instance_line(struct slice body, struct arena *a, const char **ret, struct err *err)
{
    struct slice line = slice_trim(slice_cut(&body, '\n'));
    bool ok = line.len > 0 && line.len <= LINE_BYTES_MAX;
    for (size_t i = 0; ok && i < line.len; i++)
        ok = line.ptr[i] > ' ' && line.ptr[i] < 0x7f && !strchr("?#%\\", line.ptr[i]);
    if (!ok)
        return err_set(err, ERR_CORRUPT, "the answer is not one word");
    *ret = arena_strndup(a, line.ptr, line.len);
    return 0;
}

int credentials_instance_decode(struct slice body, struct arena *a, struct credentials_keys *ret, struct err *err)
{
    json_t *root = NULL;
    struct err ignored;
    if (json_parse(body, "answer", &root, &ignored))
        return err_set(err, ERR_CORRUPT, "the answer is not JSON");
    const char *code = json_str(root, "Code");
    int rc = 0;
    if (code && strcmp(code, "Success") != 0)
        rc = err_set(err, ERR_AUTH, "the answer's code is %.60s", code);
    json_decref(root);
    return rc ? rc : credentials_container_decode(body, a, ret, err);
}
