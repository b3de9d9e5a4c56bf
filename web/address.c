#include "web/address.h"

#include <arpa/inet.h>

#include "base/parse.h"

static bool parse_literal(struct slice host, struct web_address *ret)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&ret->addr;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ret->addr;
    if (host.len >= sizeof(ret->host) || host.len == 0)
        return false;
    *ret = (struct web_address){0};
    memcpy(ret->host, host.ptr, host.len);
    if (inet_pton(AF_INET, ret->host, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        ret->len = sizeof(*in);
        return true;
    }
    if (inet_pton(AF_INET6, ret->host, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        ret->len = sizeof(*in6);
        return true;
    }
    return false;
}

// Cuts "host:port", "[v6]:port", "host" or "[v6]" into its parts; the port is empty where there is none.
static bool split(struct slice text, struct slice *ret_host, struct slice *ret_port)
{
    struct slice rest;
    if (text.len && text.ptr[0] == '[') {
        const char *end = memchr(text.ptr, ']', text.len);
        if (!end)
            return false;
        *ret_host = (struct slice){text.ptr + 1, (size_t)(end - text.ptr - 1)};
        rest = (struct slice){end + 1, text.len - ret_host->len - 2};
    } else {
        const char *colon = text.len ? memchr(text.ptr, ':', text.len) : NULL;
        *ret_host = (struct slice){text.ptr, colon ? (size_t)(colon - text.ptr) : text.len};
        rest = (struct slice){text.ptr + ret_host->len, text.len - ret_host->len};
    }
    *ret_port = (struct slice){NULL, 0};
    if (rest.len == 0)
        return true;
    if (rest.ptr[0] != ':')
        return false;
    *ret_port = (struct slice){rest.ptr + 1, rest.len - 1};
    return true;
}

int web_address_parse(const char *text, struct web_address *ret, struct err *err)
{
    struct slice host, port;
    uint64_t number = 0;
    if (!split(slice_of(text), &host, &port) || !parse_u64(port, &number) || number > 65535)
        return err_set(err, ERR_INVALID, "listen %s: HOST:PORT is expected, like 127.0.0.1:8080 or [::1]:8080", text);
    if (slice_eq_nocase(host, SLICE_LIT("localhost")))
        host = SLICE_LIT("127.0.0.1");
    if (host.len == 0)
        host = SLICE_LIT("0.0.0.0");
    if (!parse_literal(host, ret))
        return err_set(err, ERR_INVALID, "listen %s: an address is expected before the port, like 127.0.0.1", text);
    web_address_set_port(ret, (uint16_t)number);
    return 0;
}

uint16_t web_address_port(const struct web_address *a)
{
    if (a->addr.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&a->addr)->sin_port);
    return ntohs(((const struct sockaddr_in6 *)&a->addr)->sin6_port);
}

void web_address_set_port(struct web_address *a, uint16_t port)
{
    if (a->addr.ss_family == AF_INET)
        ((struct sockaddr_in *)&a->addr)->sin_port = htons(port);
    else
        ((struct sockaddr_in6 *)&a->addr)->sin6_port = htons(port);
}

bool web_address_is_any(const struct web_address *a)
{
    if (a->addr.ss_family == AF_INET)
        return ((const struct sockaddr_in *)&a->addr)->sin_addr.s_addr == htonl(INADDR_ANY);
    return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)&a->addr)->sin6_addr);
}

static bool is_loopback(const struct web_address *a)
{
    if (a->addr.ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)&a->addr)->sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)&a->addr)->sin6_addr);
}

static bool same_address(const struct web_address *a, const struct web_address *b)
{
    if (a->addr.ss_family != b->addr.ss_family)
        return false;
    if (a->addr.ss_family == AF_INET)
        return ((const struct sockaddr_in *)&a->addr)->sin_addr.s_addr == ((const struct sockaddr_in *)&b->addr)->sin_addr.s_addr;
    return memcmp(&((const struct sockaddr_in6 *)&a->addr)->sin6_addr, &((const struct sockaddr_in6 *)&b->addr)->sin6_addr,
                  sizeof(struct in6_addr)) == 0;
}

bool web_host_allowed(const struct web_hosts *h, struct slice host)
{
    struct slice name, port;
    struct web_address literal;
    if (!split(host, &name, &port))
        return false;
    if (parse_literal(name, &literal))
        return is_loopback(&literal) || same_address(&literal, h->listen) || web_address_is_any(h->listen);
    if (slice_eq_nocase(name, SLICE_LIT("localhost")))
        return true;
    for (size_t i = 0; i < h->count; i++)
        if (slice_eq_nocase(name, slice_of(h->names[i])))
            return true;
    return false;
}
