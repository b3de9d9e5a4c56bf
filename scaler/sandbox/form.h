// Parameters of a query string or form body (application/x-www-form-urlencoded), decoded, for the EC2 and STS protocols.
//
// Names keep their dots: lists are "InstanceId.1", nested ones "Filter.1.Value.2". Memory comes from the arena.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define FORM_PARAMS_MAX 8192

struct form_param {
    struct slice name, value;
};

struct form {
    struct form_param *params;  // sorted by name
    size_t count;
};

// ERR_INVALID: a broken percent escape, or a name twice. ERR_LIMIT: more than FORM_PARAMS_MAX.
int form_parse(struct slice text, struct arena *a, struct form *ret, struct err *err);
// Value of a parameter; .ptr is NULL where it is absent (and not where it is empty).
struct slice form_get(const struct form *f, const char *name);
const char *form_str(const struct form *f, const char *name, struct arena *a);  // NULL if absent
// All values of "PREFIX.N" by ascending N (gaps are fine). Numbers outside 1 … 9,999 do not count.
struct slice *form_list(const struct form *f, const char *prefix, struct arena *a, size_t *ret_count);
// Whether a name fits a pattern in which "N" as a whole part stands for a number: "Filter.N.Value.N".
bool form_name_fits(struct slice name, const char *pattern);
// Decodes %xx and, in forms, '+'. False for a broken escape.
bool form_decode(struct slice text, bool plus_is_space, struct arena *a, struct slice *ret);
