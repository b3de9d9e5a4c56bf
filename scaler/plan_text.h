// A plan as people read it: like a diff, one row a decision, with its reason.
//
// + capacity, - drain or end, ~ target or mark, = stays as it is, ! needs attention. Rows are aligned; colour is never the only
// carrier of meaning.
#pragma once

#include "base/buf.h"
#include "planner/model/plan.h"
#include "planner/model/snapshot.h"

struct plan_text_options {
    bool colour;
    const char *policy_path, *policy_hash;
};
void plan_text(const struct plan *p, const struct snapshot *s, const struct plan_text_options *o, struct buf *out);
