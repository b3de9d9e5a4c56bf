// Part of the AWS executor (execute.h, apply_many): what is answered at once rather than one after the other.
#pragma once

#include "scaler/execute.h"

struct executor_many {
    void *arg;
    struct aws_with with;          // arena is not used
    const char *cluster;
    int (*one)(void *arg, const struct snapshot *s, const struct action *a, struct err *err);  // any action that is in no batch
    void (*run)(void *arg);        // until what was submitted is answered
    void (*told)(void *arg, const struct snapshot *s, const struct action *a, int rc);  // after each of a batch
};
void execute_many(const struct executor_many *m, const struct snapshot *s, const struct action *const *actions, size_t count, struct err *errs);
