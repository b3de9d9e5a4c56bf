// Reading the history: buckets and percentiles of tracks, from packed days and the rows that are not packed yet. Not for other folders;
// they ask state/query.h.
#pragma once

#include "base/arena.h"
#include "state/db.h"
#include "state/history_day.h"

struct history_window {
    int64_t from_ms, step_ms;  // the first bucket's start, a multiple of step_ms
    size_t count;              // buckets
    enum history_resolution resolution;  // of the packed days that are read; divides step_ms
};

// The finest window of at most points_max buckets that covers [from_ms, to_ms): step_ms is raised as far as points, and what is still kept of
// that time, ask for. 0 <= from_ms <= to_ms.
struct history_window history_window_of(int64_t from_ms, int64_t to_ms, int64_t step_ms, size_t points_max, int64_t now_ms);

struct history_track {
    int64_t id;
    struct history_bucket *bucket;  // window.count, zeroed before
    struct sketch *sketch;          // NULL: not wanted; zeroed before. Of all samples in the window
};
// tracks: of one cluster, by id. A packed day or row that cannot be read is unknown, as if it had never been there.
int history_read(struct db *d, int64_t cluster, const struct history_window *w, struct history_track *tracks, size_t count, struct err *err);
