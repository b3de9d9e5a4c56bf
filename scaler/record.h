// Files with a recorded demand or spot market: read whole, with a limit.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define RECORD_MAX_BYTES ((size_t)64 << 20)

// The bytes live in the arena. ERR_IO: cannot be read; ERR_LIMIT: larger than RECORD_MAX_BYTES. The message names the file.
int record_read(const char *path, struct arena *a, struct slice *ret, struct err *err);
