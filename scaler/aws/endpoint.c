#include "scaler/aws/endpoint.h"

#include <arpa/inet.h>
#include <curl/curl.h>

// Host suffixes of AWS's partitions, by the beginning of the region's name. Source: the SDKs' partitions.json, mid 2026.
static const struct {
    const char *region_prefix, *suffix;
} partitions[] = {
    {"cn-", "amazonaws.com.cn"},    {"us-iso-", "c2s.ic.gov"},       {"us-isob-", "sc2s.sgov.gov"},
    {"us-isof-", "csp.hci.ic.gov"}, {"eu-isoe-", "cloud.adc-e.uk"}, {"eusc-", "amazonaws.eu"},
    {"", "amazonaws.com"},
};

static const struct {
    const char *variable, *host;
} services[AWS_SERVICE_COUNT] = {
    [AWS_ECS] = {"AWS_ENDPOINT_URL_ECS", "ecs"},
    [AWS_EC2] = {"AWS_ENDPOINT_URL_EC2", "ec2"},
    [AWS_STS] = {"AWS_ENDPOINT_URL_STS", "sts"},
    [AWS_SERVICEQUOTAS] = {"AWS_ENDPOINT_URL_SERVICE_QUOTAS", "servicequotas"},
    [AWS_APPLICATION_AUTOSCALING] = {"AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING", "application-autoscaling"},
    [AWS_SQS] = {"AWS_ENDPOINT_URL_SQS", "sqs"},
    [AWS_AUTOSCALING] = {"AWS_ENDPOINT_URL_AUTO_SCALING", "autoscaling"},
    [AWS_CLOUDWATCH] = {"AWS_ENDPOINT_URL_CLOUDWATCH", "monitoring"},
};

const char *aws_service_name(enum aws_service s)
{
    return services[s].host;
}

bool aws_host_is_local(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    char bare[INET6_ADDRSTRLEN + 1];
    size_t len = strlen(host);
    if (inet_pton(AF_INET, host, &v4) == 1) {
        uint32_t address = ntohl(v4.s_addr);
        return address >> 24 == 127 || address >> 16 == 0xa9fe;
    }
    if (len < 2 || len - 2 >= sizeof bare || host[0] != '[')
        return strcasecmp(host, "localhost") == 0;
    memcpy(bare, host + 1, len - 2);
    bare[len - 2] = '\0';
    static const unsigned char metadata[] = {0xfd, 0x00, 0x0e, 0xc2};
    return inet_pton(AF_INET6, bare, &v6) == 1 &&
           (IN6_IS_ADDR_LOOPBACK(&v6) || IN6_IS_ADDR_LINKLOCAL(&v6) || memcmp(v6.s6_addr, metadata, sizeof metadata) == 0);
}

static void lower(char *s)
{
    for (; s && *s; s++)
        *s = (char)(*s >= 'A' && *s <= 'Z' ? *s - 'A' + 'a' : *s);
}

static bool has_part(CURLU *u, CURLUPart part)
{
    char *value = NULL;
    bool there = curl_url_get(u, part, &value, 0) == CURLUE_OK;
    curl_free(value);
    return there;
}

static bool take_parts(CURLU *u, struct aws_endpoint *ret)
{
    char *scheme = NULL, *host = NULL, *port = NULL, *path = NULL;
    bool ok = curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK && curl_url_get(u, CURLUPART_PATH, &path, 0) == CURLUE_OK;
    ok = ok && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    bool has_port = ok && curl_url_get(u, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT) == CURLUE_OK;
    if (ok) {
        lower(host);
        int n = snprintf(ret->host, sizeof ret->host, "%s%s%s", host, has_port ? ":" : "", has_port ? port : "");
        int m = snprintf(ret->path, sizeof ret->path, "%s", path);
        int k = snprintf(ret->url, sizeof ret->url, "%s://%s%s", scheme, ret->host, ret->path);
        ok = n > 0 && (size_t)n < sizeof ret->host && m > 0 && (size_t)m < sizeof ret->path && k > 0 && (size_t)k < sizeof ret->url;
        ret->direct = aws_host_is_local(host);
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(path);
    return ok;
}

static int parse_endpoint(const char *text, const char *variable, struct aws_endpoint *ret, struct err *err)
{
    CURLU *u = curl_url();
    bool ok = u && curl_url_set(u, CURLUPART_URL, text, 0) == CURLUE_OK && !has_part(u, CURLUPART_USER) &&
              !has_part(u, CURLUPART_QUERY) && !has_part(u, CURLUPART_FRAGMENT) && take_parts(u, ret);
    curl_url_cleanup(u);
    return ok ? 0 : err_set(err, ERR_INVALID, "%s is not an http or https URL without user and query", variable);
}

int aws_endpoint_resolve(const struct aws_env *env, enum aws_service service, const char *region, struct aws_endpoint *ret,
                         struct err *err)
{
    const char *variable = services[service].variable;
    const char *url = aws_env_get(env, variable);
    if (!url)
        url = aws_env_get(env, variable = "AWS_ENDPOINT_URL");
    if (url)
        return parse_endpoint(url, variable, ret, err);
    size_t i = 0;
    while (!slice_starts(slice_of(region), partitions[i].region_prefix))
        i++;
    char text[256];
    snprintf(text, sizeof text, "https://%s.%s.%s/", services[service].host, region, partitions[i].suffix);
    return parse_endpoint(text, "the regional endpoint", ret, err);
}
