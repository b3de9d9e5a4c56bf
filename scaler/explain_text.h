// An explained tick (state/explain.h) as people read it: aligned, one row a decision, a label where a group begins.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"

struct explain_text_options {
    bool colour;
    const char *state_path;  // to be named in the hints; NULL: the default
};
void explain_print(const json_t *doc, const struct explain_text_options *o, struct buf *out);
