// The address to listen on, and which Host headers are let in. Parses addresses and compares; never by prefix of text.
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"

struct web_address {
    struct sockaddr_storage addr;
    socklen_t len;
    char host[64];  // as given, without brackets
};

// "127.0.0.1:8080", "[::1]:8080", "localhost:8080" (127.0.0.1), ":8080" (all of IPv4). ERR_INVALID.
int web_address_parse(const char *text, struct web_address *ret, struct err *err);
bool web_address_is_any(const struct web_address *a);
uint16_t web_address_port(const struct web_address *a);
void web_address_set_port(struct web_address *a, uint16_t port);

struct web_hosts {
    const struct web_address *listen;
    const char *const *names;
    size_t count;
};
// A Host header's value (with or without a port) that a browser on a foreign site could not have made by rebinding a name: an
// address literal that is loopback, the one listened on, or any where all are listened on; localhost; a configured name.
bool web_host_allowed(const struct web_hosts *h, struct slice host);
