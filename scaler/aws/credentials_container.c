#include "scaler/aws/credentials_sources.h"

#include <arpa/inet.h>
#include <curl/curl.h>

#include "base/json.h"
#include "base/parse.h"

#define TOKEN_BYTES_MAX 16384u
#define ECS_ENDPOINT "http://169.254.170.2"

bool credentials_container_configured(const struct aws_env *env)
{
    return aws_env_get(env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") || aws_env_get(env, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
}

// Compares parsed addresses: a name that merely begins like one ("127.0.0.1.example.com") is a name.
static bool address_allowed(const char *host)
{
    static const char *const allowed4[] = {"169.254.170.2", "169.254.170.23"};
    struct in_addr v4, other4;
    if (inet_pton(AF_INET, host, &v4) == 1) {
        if ((ntohl(v4.s_addr) >> 24) == 127)
            return true;
        for (size_t i = 0; i < ARRAY_LEN(allowed4); i++)
            if (inet_pton(AF_INET, allowed4[i], &other4) == 1 && other4.s_addr == v4.s_addr)
                return true;
        return false;
    }
    static const char *const allowed6[] = {"::1", "fd00:ec2::23"};
    struct in6_addr v6, other6;
    size_t len = strlen(host);
    char bare[64];
    if (len < 2 || len >= sizeof bare || host[0] != '[' || host[len - 1] != ']')
        return false;
    memcpy(bare, host + 1, len - 2);
    bare[len - 2] = '\0';
    if (inet_pton(AF_INET6, bare, &v6) != 1)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(allowed6); i++)
        if (inet_pton(AF_INET6, allowed6[i], &other6) == 1 && memcmp(&other6, &v6, sizeof v6) == 0)
            return true;
    return false;
}

bool credentials_container_uri_allowed(const char *uri)
{
    CURLU *u = curl_url();
    char *scheme = NULL, *host = NULL, *user = NULL;
    bool ok = u && curl_url_set(u, CURLUPART_URL, uri, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_NO_USER;
    if (ok && strcmp(scheme, "https") != 0)
        ok = strcmp(scheme, "http") == 0 && (slice_eq_nocase(slice_of(host), SLICE_LIT("localhost")) || address_allowed(host));
    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    curl_url_cleanup(u);
    return ok;
}

static int read_token(const char *path, struct arena *a, const char **ret, struct err *err)
{
    struct slice text;
    int rc = credentials_read_file(path, TOKEN_BYTES_MAX, a, &text, err);
    if (rc)
        return err_wrap(err, "container credentials: token file");
    if (text.len && memchr(text.ptr, '\0', text.len))
        return err_set(err, ERR_AUTH, "container credentials: token file %s is not text", path);
    *ret = arena_strndup(a, text.len ? text.ptr : "", text.len);
    return 0;
}

int credentials_container_target(const struct aws_env *env, struct arena *a, struct credentials_container_target *ret,
                                 struct err *err)
{
    const char *relative = aws_env_get(env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = aws_env_get(env, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *token_file = aws_env_get(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    struct credentials_container_target t = {full, aws_env_get(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN")};
    if (relative) {
        if (relative[0] != '/')
            return err_set(err, ERR_AUTH, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with a slash");
        t.url = arena_printf(a, "%s%s", ECS_ENDPOINT, relative);
    } else if (!credentials_container_uri_allowed(full)) {
        return err_set(err, ERR_AUTH, "AWS_CONTAINER_CREDENTIALS_FULL_URI names a host that is not allowed: https, loopback or a "
                                      "metadata address is");
    }
    if (token_file) {
        int rc = read_token(token_file, a, &t.authorization, err);
        if (rc)
            return rc;
    }
    if (t.authorization && strpbrk(t.authorization, "\r\n"))
        return err_set(err, ERR_AUTH, "container credentials: the authorization token holds a line break");
    *ret = t;
    return 0;
}

int credentials_container_decode(struct slice body, struct arena *a, struct credentials_keys *ret, struct err *err)
{
    json_t *root = NULL;
    struct err ignored;  // jansson's text may quote the input
    if (json_parse(body, "answer", &root, &ignored))
        return err_set(err, ERR_CORRUPT, "container credentials: the answer is not JSON");
    struct credentials_keys k = {
        json_str_arena(root, "AccessKeyId", a), json_str_arena(root, "SecretAccessKey", a), json_str_arena(root, "Token", a), 0};
    const char *expires = json_str(root, "Expiration");
    bool ok = k.access_key_id && *k.access_key_id && k.secret && *k.secret;
    ok = ok && (!expires || parse_iso8601_ms(slice_of(expires), &k.expires_ms));
    json_decref(root);
    if (!ok)
        return err_set(err, ERR_CORRUPT, "container credentials: the answer lacks a key or has a bad Expiration");
    *ret = k;
    return 0;
}
