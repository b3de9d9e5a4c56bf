// Is the masu that listens there alive? Its /healthz, asked as a container's health check does.
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "scaler/aws/transport.h"
#include "scaler/options.h"

// 0: it says that it is well. An address of all interfaces is asked on loopback. ERR_TRANSIENT: no answer within limit_ms, or
// nobody listens; ERR_CONFLICT: an answer, but not that it is well.
int health_ask(struct transport *t, const struct option_address *listen, int64_t limit_ms, struct err *err);
