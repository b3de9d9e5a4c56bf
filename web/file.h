// The report as one file: the page, its script and style, and the answers it would ask the daemon for. It loads nothing, its CSP names
// script and style by their hashes, and it works from mail or paper. Made from a view and the history; nothing is asked of AWS.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "scaler/view.h"

struct web_file_options {
    const struct view *view;
    const char *state_path;
    int64_t now_ms;            // the present of the report: its newest tick
    size_t data_max_bytes;     // of what is optional (long ranges, explanations), the most wanted first; the rest is always there
};

// Appends the whole HTML file. ERR_LIMIT: what must be there is beyond the buf.
int web_file_write(const struct web_file_options *o, struct buf *out, struct err *err);
// Appends the answer of one route of the API ("/api/v1/" left out): "clusters", "services". ERR_NOT_FOUND: it is no JSON answer.
int web_file_answer(const struct web_file_options *o, const char *route, struct buf *out, struct err *err);
