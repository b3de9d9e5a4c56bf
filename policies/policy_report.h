// The mistakes of a policy file: collected while it is read, then shown in the order of the file, each with its line, a caret and
// the remedy. Private to policies/.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"

enum mistake_at { AT_VALUE, AT_KEY };

struct mistake {
    struct json_place place;
    enum mistake_at at;
    bool warning;
    const char *message;  // "clusters[0].x: unknown key"
    const char *remedy;   // after "-> "
};

enum { POLICY_MISTAKES_MAX = 100 };  // reading stops there

struct policy_report {
    struct slice text;
    const char *name;  // of the file
    struct arena *arena;
    struct mistake mistakes[POLICY_MISTAKES_MAX];
    size_t count;
    size_t errors, warnings;
};

// A mistake at the value or key of `path` (or of its nearest parent that is there); message and remedy are copied.
void policy_report_add(struct policy_report *r, bool warning, enum mistake_at at, const char *path, const char *message,
                       const char *remedy);
void policy_report_add_at(struct policy_report *r, struct json_place place, const char *message, const char *remedy);
bool policy_report_full(const struct policy_report *r);
// All of them, and a last line that counts them where there is one.
void policy_report_write(struct policy_report *r, struct buf *out);
