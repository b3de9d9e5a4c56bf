// Secrets that are given by a file or the environment, never by the command line or the policy.
#pragma once

#include "base/arena.h"
#include "base/err.h"

// The file's first line (path NULL: the environment variable), without blanks around it; "" when neither is there. ERR_INVALID: shorter
// than 16 or longer than 512 bytes, or with blanks inside; ERR_IO: the file cannot be read.
int token_load(const char *path, const char *variable, struct arena *a, const char **ret, struct err *err);
