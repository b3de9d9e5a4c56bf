// A secret that a policy names and does not hold: in an environment variable, or the first line of a file. Read anew at each use.
#pragma once

#include "base/err.h"
#include "scaler/aws/env.h"

enum { SECRET_MAX = 8192 };

// Without the line's end. ERR_IO with the reason where there is none, or it is empty; ERR_LIMIT where it is longer.
int secret_read(const struct aws_env *env, const char *variable, const char *file, char ret[SECRET_MAX], struct err *err);
