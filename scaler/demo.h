// What a demo prints: the summary of a run, as text and as one JSON object.
#pragma once

#include "base/buf.h"
#include "scaler/rig.h"

struct demo_run {
    uint64_t seed;
    int64_t virtual_ms, real_ms;
};
void demo_summary_json(struct rig *r, const struct demo_run *run, struct buf *out);
void demo_summary_text(struct rig *r, const struct demo_run *run, struct buf *out);
