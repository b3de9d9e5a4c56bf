// Reading the history back: for reports, the web and the CLI. Never writes.
//
// A reader is a read-only connection of its own (state_reader_open) or the writer's (state_reader_of, the loop's thread only).
// Not thread-safe: web puts a mutex around its one. Each query ends with ERR_LIMIT when it passes the reader's deadline.
// Results live in the caller's arena. ERR_NOT_FOUND where one named thing is asked for and is not there; ERR_IO, ERR_CORRUPT.
#pragma once

#include "base/buf.h"
#include "state/history.h"
#include "state/state.h"

struct state_reader;

// ERR_NOT_FOUND: no file. ERR_INVALID: no journal of masu, or one of another schema. The message holds the remedy.
int state_reader_open(const char *path, struct state_reader **ret, struct err *err);
void state_reader_free(struct state_reader *r);                                       // NULL-safe; never one of state_reader_of
struct state_reader *state_reader_of(struct state *s);
void state_reader_set_deadline(struct state_reader *r, int64_t max_ms);  // of real time a query; 2,000 by default, 0 = none

struct state_cluster_row {
    int64_t id;
    const char *account, *region, *name;
};
// The ids and times of the oldest and newest tick; all 0 when there is none. cluster 0: of all.
struct state_span {
    int64_t first, last, first_ms, last_ms;
};
int state_query_span(struct state_reader *r, int64_t cluster, struct state_span *ret, struct err *err);
int state_query_clusters(struct state_reader *r, struct arena *a, struct state_cluster_row **ret, size_t *ret_count, struct err *err);

struct state_act {
    int64_t intent, tick;
    int action;                 // index in the plan
    const char *kind, *target, *params, *client_token, *fact, *verdict;
    int64_t created_ms;
    bool finished;              // has an outcome; the rest is valid then
    const char *outcome;        // outcome_kind_name
    const char *err_kind;       // "ok", "throttled", …
    int http_status;
    const char *message;
    int64_t finished_ms;
};

struct state_tick {
    int64_t id, cluster, at_ms, duration_ms;
    const char *account, *region, *cluster_name, *policy_hash, *mode, *error;
    bool dry_run;
    bool recorded;              // false: cut short by a crash between its first intent and its record
    bool planned;               // false: no plan was made, summary is zero
    int32_t actions, ok, failed, skipped;
    struct plan_summary summary;
    const char *masu;           // version of the masu that made it, "" unknown
    const char *planned_policy; // hash of the policy that the plan was made with, see state_query_policy; "" none
    bool has_body;              // its facts are in the journal
    struct state_act *acts;
    size_t act_count;
};

#define STATE_PAGE_MAX 200
struct state_ticks_query {
    int64_t cluster;    // 0 = all
    int64_t before;     // ids below this; 0 = from the newest
    int limit;          // 1 … STATE_PAGE_MAX
    bool acting_only;   // only ticks with actions or an error
};
// Newest first, each with its acts. *ret_more: older ones follow.
int state_query_ticks(struct state_reader *r, const struct state_ticks_query *q, struct arena *a, struct state_tick **ret,
                      size_t *ret_count, bool *ret_more, struct err *err);

struct state_tick_whole {
    struct state_tick tick;
    struct slice snapshot_json, plan_json, memo_before_json, memo_json;  // empty where not stored
};
// ERR_CORRUPT: its body cannot be read.
int state_query_tick(struct state_reader *r, int64_t id, struct arena *a, struct state_tick_whole *ret, struct err *err);

// The newest memo of a cluster. *ret_found false when there is none, or one of another version.
int state_query_memo(struct state_reader *r, int64_t cluster, struct arena *a, struct memo *ret, bool *ret_found, struct err *err);

// Ticks of one cluster with their bodies, one after the other. Steps forward are cheap, a first step or one back is an hour's ticks.
struct state_walk;
int state_walk_new(struct state_reader *r, int64_t cluster, struct state_walk **ret, struct err *err);
void state_walk_free(struct state_walk *w);  // NULL-safe; before its reader
// The first tick with from <= id <= to; *ret_found false when there is none. In the body's part, slices are borrowed until the next
// call. An ERR_CORRUPT body leaves ret->tick valid, so that the caller can name it and go on behind it.
int state_walk_next(struct state_walk *w, int64_t from, int64_t to, struct arena *a, struct state_tick_whole *ret, bool *ret_found,
                    struct err *err);

// A policy by its hash (planned_policy): JSON as in a policy file, one cluster, every key with its effective value.
void state_policy_hash(struct slice json, char ret[17]);  // FNV-1a 64 of the text, not of the file: what weakened it is in it
int state_query_policy(struct state_reader *r, const char *hash, struct arena *a, struct slice *ret, struct err *err);

#define STATE_POINTS_MAX 1500
#define STATE_NO_VALUE INT64_MIN
struct state_series_query {
    int64_t cluster;
    enum history_kind kind;
    const char *subject;      // NULL: ""
    int64_t from_ms, to_ms, step_ms;
    int64_t now_ms;           // of the world, for what is still kept of that time
    bool spread;              // percentiles too
    uint64_t only;            // series as bits; 0: all of the kind
};
// Of all samples of the window; percentiles are at most 2 % off (state/sketch.h), but for its first and last day, where buckets' means
// stand for their samples.
struct state_spread {
    int64_t samples;          // 0: unknown, and so is the rest
    int64_t min, mean, p50, p95, p99, max;
};
struct state_series {
    int64_t step_ms;          // raised so that at most STATE_POINTS_MAX points remain, and to what is kept of that time: 1 min, 5 min, 1 h
    int64_t from_ms;          // start of the first bucket, a multiple of step
    size_t count;             // buckets
    bool known;               // anything was ever recorded of the subject
    int64_t *values[SERIES_COUNT];  // STATE_NO_VALUE where a bucket has no sample; NULL: not of the kind, or not asked for
    struct state_spread spread[SERIES_COUNT];
};
// Of a subject that is not known, all is unknown.
int state_query_series(struct state_reader *r, const struct state_series_query *q, struct arena *a, struct state_series *ret, struct err *err);

// As state_history_values (state/history.h), of any reader.
int state_query_values(struct state_reader *r, int64_t cluster, enum series series, const char *subject, int64_t from_ms, int64_t step_ms, size_t count,
                       double *ret, struct err *err);
// The same of what was wanted: NaN as well where circuit breakers were open, since then less was asked for than was wanted (G7). For who learns.
int state_query_wanted(struct state_reader *r, int64_t cluster, enum series series, int64_t from_ms, int64_t step_ms, size_t count, double *ret, struct err *err);

// The largest mean of one whole hour in [from_ms, to_ms); 0 where samples cover less than a day of it.
int state_query_highest_hour(struct state_reader *r, int64_t cluster, enum series series, int64_t from_ms, int64_t to_ms, int64_t *ret, struct err *err);

// Whom the history of a cluster knows, by kind and name; by whole days, both included.
struct state_subject {
    enum history_kind kind;
    const char *subject;
    int64_t first_ms, last_ms;  // starts of the days; 0 where nothing is packed yet
};
int state_query_subjects(struct state_reader *r, int64_t cluster, struct arena *a, struct state_subject **ret, size_t *ret_count, struct err *err);
