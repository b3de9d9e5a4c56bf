// What masu remembers: one SQLite file with history (state/history.h), the journal of ticks, intents and outcomes, and the newest memo.
//
// One writing connection, used by the loop's thread alone; readers (web, CLI) have their own read-only connection, see
// state/query.h. WAL, STRICT tables, foreign keys, a busy timeout of 2 s; migrations are append-only and a newer schema is refused.
//
// Durability. An intent is on the disk (fsync of the WAL) when state_intent returns. All else is committed before its function
// returns or with its tick, and survives the death of the process but, for seconds, not that of the machine: what is lost then
// is history, or an outcome, which leaves an open intent that the next tick completes or undoes from AWS's own facts.
// Writes of a tick without intents are one transaction: state_tick_begin opens it, state_tick_record closes it.
//
// Errors: ERR_IO when the file cannot be written (full disk, read-only, locked by another for 2 s): the shell turns to add-only
// and writes intents to stdout; what was open is rolled back, and each later call tries anew. ERR_CORRUPT when the file breaks
// under us: state_renew moves it aside. ERR_INVALID: a newer schema, or an unknown id.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "planner/model/memo.h"
#include "planner/model/plan.h"
#include "planner/model/snapshot.h"
#include "state/history.h"

struct state;

struct state_options {
    const char *path;           // a file, ":memory:" (no reader can see it), or ":temp:" (a private file, gone at close)
    const struct clock *clock;  // world time, for created and finished stamps
    bool no_sync;               // virtual worlds: never fsync
    int64_t keep_days;          // 0 = 35: ticks and intents older than this go; history has its own limits
    int64_t keep_mib;           // 0 = 1,024: above this the oldest go, of the journal first, down to a day; then of the history
};

// What opening found; the shell logs it.
struct state_opened {
    bool fresh;                   // no database was there, or it was moved aside
    bool moved_aside;             // it was corrupt
    char moved_to[512], why[256];
    int schema_before, schema;
    bool after_crash;             // the run before did not end with state_close
    int crashes_60min;            // starts after a crash within the last 60 min of the clock, this one included (safety.md I5)
    int closed_intents;           // had no outcome: they got "unknown", what AWS shows decides
};

// ERR_IO: cannot be opened or written; ERR_CONFLICT: another masu has it open; ERR_INVALID: a newer schema. Intents that an earlier
// run left without an outcome are closed.
int state_open(const struct state_options *o, struct state **ret, struct state_opened *ret_opened, struct err *err);
// After ERR_CORRUPT: moves the file aside and begins a new one in its place, under the same lock. Ticks that were begun are forgotten,
// ids of clusters are to be asked for anew. On failure (ERR_IO) the state refuses all calls until a later state_renew succeeds.
// *err holds why it is done.
int state_renew(struct state *s, struct state_opened *ret_opened, struct err *err);
void state_close(struct state *s);    // a clean end; NULL-safe
void state_abandon(struct state *s);  // closes without saying that the end was clean; NULL-safe
const char *state_path(const struct state *s);  // for state_reader_open; "" when in memory

// The id of a cluster, made when new. Ids stay for the life of the file. name: short, or an ARN (its last part counts).
int state_cluster(struct state *s, const char *account, const char *region, const char *name, int64_t *ret_id, struct err *err);

// ---- journal --------------------------------------------------------------------------------------------------------------
struct state_tick_start {
    int64_t cluster, at_ms;
    const char *policy_hash, *mode;
    bool dry_run;
};
// Before the first intent of a tick. The id is also the tick's name on the page; ids grow over all clusters.
int state_tick_begin(struct state *s, const struct state_tick_start *t, int64_t *ret_tick, struct err *err);

struct state_intent {
    int64_t tick;
    int action;                // index in the plan
    enum action_kind kind;
    const char *target;
    const char *params;        // JSON of the call's arguments, "" none
    const char *client_token;  // "" where AWS takes none
    const char *fact, *verdict;
};
// Stored on the disk before the call is made; *ret_intent is never 0.
int state_intent(struct state *s, const struct state_intent *i, int64_t *ret_intent, struct err *err);

enum outcome_kind {
    OUTCOME_OK,
    OUTCOME_FAILED,   // err says how; kind ERR_TRANSIENT with a timeout means the effect is unknown
    OUTCOME_SKIPPED,  // not called: the re-check or the action before it said no
    OUTCOME_DRY_RUN,  // would have been called
    OUTCOME_COUNT
};
const char *outcome_kind_name(enum outcome_kind k);  // "ok", "failed", "skipped", "dry_run"
// Exactly one an intent; a second is ERR_INVALID. err_of_call: NULL for OK and DRY_RUN; for SKIPPED its msg says why.
int state_outcome(struct state *s, int64_t intent, enum outcome_kind kind, const struct err *err_of_call, struct err *err);

struct state_tick_end {
    int64_t tick, duration_ms;
    int32_t ok, failed, skipped;         // actions by outcome; dry-run ones count as ok
    const char *error;                   // why the tick ended early, "" or NULL when it did not
    const struct snapshot *snapshot;     // NULL: gather failed
    const struct memo *memo_before;      // what the plan was made with, NULL none
    const struct plan *plan;             // NULL: no plan was made
    const struct memo *memo;             // the new memo, saved as the cluster's; NULL: the old one stays
    const struct memo *planned_memo;     // as the planner made it, for the journal; NULL: as memo
    struct slice policy;                 // the policy that the plan was made with, as JSON; empty: none. Stored once for each hash
};
// Samples, summary, memo and body (state/bodies.h): all that masu explain and masu replay need. Commits, then prunes a little when
// it is time to.
int state_tick_record(struct state *s, const struct state_tick_end *t, struct err *err);

int state_memo_save(struct state *s, int64_t cluster, const struct memo *m, struct err *err);

// Orders of instances (ACTION_LAUNCH) since then whose effect may be there: without an answer, cut short on the wire, or answered well.
// As a memo holds them, oldest first, each token once. A restart reads back what the memo of before does not know yet.
int state_launches_load(struct state *s, int64_t cluster, int64_t since_ms, struct arena *a, struct memo_launch **ret, size_t *ret_count,
                        struct err *err);

// ---- warnings -------------------------------------------------------------------------------------------------------------
enum { STATE_WARNINGS_MAX = 2048 };
struct state_warning {
    const char *instance;
    int64_t risk_ms, event_ms;  // since when it is at risk; when a scheduled event stops it, 0 none
};
// All of the cluster, in place of what was saved before.
int state_warnings_save(struct state *s, int64_t cluster, const struct state_warning *v, size_t count, struct err *err);
int state_warnings_load(struct state *s, int64_t cluster, struct arena *a, struct state_warning **ret, size_t *ret_count, struct err *err);

// ---- odds and ends --------------------------------------------------------------------------------------------------------
int state_kv_set(struct state *s, const char *key, const char *value, struct err *err);  // value NULL removes
int state_kv_get(struct state *s, const char *key, struct arena *a, const char **ret, struct err *err);  // NULL when absent
// Removes at most a few thousand rows past the limits; called by state_tick_record. *ret_more: there is more to remove.
int state_prune(struct state *s, bool *ret_more, struct err *err);
