// What the files of the history share: tracks (one series of one subject), the rows of looks, and where a packed day lies.
#pragma once

#include "state/history_day.h"
#include "state/internal.h"

enum { HISTORY_KEPT_AHEAD_DAYS = 3 };
#define HISTORY_DAY_MS INT64_C(86400000)
#define HISTORY_AT_MS_MAX (INT64_C(200000) * HISTORY_DAY_MS)  // year 2517: what a key has room for

// The key of a packed day. Days of a track lie together, by resolution and time.
static inline int64_t history_key(int64_t track, enum history_resolution r, int64_t day)
{
    return track << 20 | (int64_t)r << 18 | day;
}
static inline int64_t history_day_of(int64_t at_ms)
{
    return at_ms / HISTORY_DAY_MS;
}
int64_t history_kept_days(enum history_resolution r);  // 3, 35 and 395 whole ones, and today

// A sample as it stands in a row of looks.
struct look_sample {
    int64_t track, value;
};
void look_write(const struct look_sample *v, size_t count, struct buf *out);  // by track
// Calls for each sample; ERR_CORRUPT for what look_write cannot have written.
int look_read(struct slice body, void (*each)(void *arg, const struct look_sample *x), void *arg, struct err *err);

// The id of a track, made when new. Inside a transaction; after one that failed: tracks_forget.
int track_id(struct state *s, int64_t cluster, enum series series, const char *subject, int64_t *ret, struct err *err);
void tracks_forget(struct state *s);
void tracks_free(struct state *s);

// The packed day, cleared when there is none. One statement each.
int history_get(struct db *d, int64_t track, enum history_resolution r, int64_t day, struct history_day *ret, bool *ret_found, struct err *err);
int history_put(struct db *d, int64_t track, int64_t day, const struct history_day *v, struct err *err);

// Inside a transaction of the caller.
int history_write_look(struct state *s, int64_t cluster, int64_t at_ms, const struct state_sample *v, size_t count, struct err *err);
// A slice of what is due to be packed of a cluster; in its own transaction.
int history_fold_some(struct state *s, int64_t cluster, struct err *err);
// Removes a little of what is too old. Inside a transaction. all_older_ms: besides, all before it goes (0: nothing).
int history_prune(struct state *s, int64_t now_ms, int64_t all_older_ms, bool *more, struct err *err);
// Schema step 4: packs the rows of the table `samples`.
int history_adopt_samples(struct db *d, struct err *err);
