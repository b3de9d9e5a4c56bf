// The virtual AWS on a socket: libmicrohttpd in front of sandbox_handle, for real clients (curl, awscli, masu run).
//
// Wire time is the real clock; the worlds run on the sandbox's own clock (accelerated as you like) and are brought to its
// present before each request. Requests above 1 MiB are refused (413), connections idle for 30 s are closed.
#pragma once

#include "base/err.h"
#include "scaler/sandbox/sandbox.h"

struct listener;

// host: a numeric address, loopback unless the caller wants otherwise; port 0 = any free one. ERR_IO if it cannot bind.
int listener_start(struct sandbox *s, const char *host, int port, struct listener **ret, struct err *err);
int listener_port(const struct listener *l);
void listener_stop(struct listener *l);  // NULL-safe; waits for its threads
