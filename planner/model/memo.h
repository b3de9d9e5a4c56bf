// The memo: all that the planner remembers from one tick to the next for one cluster, explicit, in and out.
//
// It may be lost at any time: AWS holds the truth (mark, DRAINING, targets), so an empty memo only makes masu slower to act.
// Plain data; strings owned by the arena it was made in. Times are wall milliseconds, 0 is never.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

//            ┌───────────────┐ undo                      ┌────────┐
//   CHOSEN ──┤► DRAINING ──► EMPTY ──► LOWERED ──► ENDING ──► GONE │
//            └───────────────┴─────────┴────────► UNDOING ─► UNDONE│
// Undo is possible from any state before ENDING. HELD is not a state: a drain past its deadline is undone or says what holds it.
enum drain_state {
    DRAIN_CHOSEN,    // mark and DRAINING sent, not yet read back
    DRAIN_DRAINING,  // DRAINING read back, tasks are leaving
    DRAIN_EMPTY,     // two empty looks ≥ 15 s apart
    DRAIN_LOWERED,   // the fleet shows the target without it
    DRAIN_ENDING,    // TerminateInstances sent
    DRAIN_GONE,      // EC2 says terminated (or no longer lists it)
    DRAIN_UNDOING,   // ACTIVE sent, not yet read back
    DRAIN_UNDONE,    // ACTIVE read back, unmarked
    DRAIN_STATE_COUNT
};

struct memo_drain {
    const char *instance;       // EC2 id
    enum drain_state state;
    int64_t since_ms;           // chosen
    int64_t state_since_ms;
    int64_t read_back_ms;       // DRAINING first read back, 0 not yet
    int64_t empty_first_ms;     // first of the consecutive empty looks, 0 = not empty
    int64_t deadline_ms;        // by which it is empty, else undone or reported
    int64_t reported_ms;        // last report of what holds it
    const char *reason;         // why it was chosen
};

enum memo_stamp_kind {
    STAMP_UNNEEDED,   // instance: since when proven removable
    STAMP_EMPTY,      // instance: since when it is seen without tasks while nothing holds scale-in (L7)
    STAMP_EXCLUDED,   // instance: no candidate until `until_ms`
    STAMP_ORDER,      // fleet: capacity ordered for demand at since_ms, reserved until until_ms (F2)
    STAMP_WAITING,    // shape: since when demand has no place
    STAMP_SETTLING,   // service: since when its tasks were last moved
    STAMP_ALERT,      // "id target": since when the alert holds
    STAMP_RUNAWAY,    // shape: `count` orders without effect (L11); no order until `until_ms`
    STAMP_REVERSAL,   // fleet: `count` reversals since since_ms (L24); no new drain until `until_ms`
    STAMP_BREAKER,    // "launch template zone": no order there until `until_ms`, `count` times in a row (L12)
    STAMP_PROBE,      // "launch template zone", or shape: one instance was ordered at since_ms to find out
    STAMP_ORPHAN,     // instance: since when it looks like an orphan, seen `count` times (L9)
    STAMP_TARGET_SEEN, // fleet: target `count` as first seen at since_ms when it was not ours (L16, A6)
    STAMP_RAISED,     // fleet: when its target was last raised; `count` CPU units were wanted then (loop_guard.h)
    STAMP_LOWERED,    // fleet: when a drain in it last began; `count` likewise
    STAMP_LAUNCH,     // "launch template zone instance": launched at since_ms; count 1 = never registered, 0 = registered (L12)
    STAMP_MODE,       // cluster or fleet: mode `count` since; no new drain until `until_ms`, where pause or freeze was left (L1)
    STAMP_FLEET,      // fleet of the policy, since when
    STAMP_CONFIRM,    // policy hash: a person confirms it (`count` 1) or not yet; `amount` instances it would remove more (L14)
    STAMP_MEMBERS,    // cluster: `count` registered and `amount` ended at since_ms; no removal until `until_ms` (L8)
    STAMP_VICTIM,     // instance: replaced by cheaper ones, see planner/consolidate.h
    STAMP_REPLACE,    // fleet: the order for that
    STAMP_SWAP,       // "fleet, fleet": so moved; not back before `until_ms`
    STAMP_POOL,       // "type zone": it failed at since_ms, for the `count`th time in a row, and is avoided until `until_ms`; `amount`: enum pool_trouble
    STAMP_SHORT,      // fleet: unfulfilled since, with a live weight of `amount` thousandths; errors since `until_ms` are about it
    STAMP_DRY,        // fleet: its need moves on from since_ms until `until_ms`, `count` times in a row (L17)
    STAMP_ON_DEMAND,  // fleet: its on-demand part was raised at since_ms; `amount` is what it was before
    STAMP_HOOK,       // instance: since when it waits in our lifecycle hook; next heartbeat at `until_ms`
    STAMP_TROUBLE,    // cluster: mass trouble or a zone down, seen last at since_ms; no new drain until `until_ms` (D8)
    STAMP_SCORE,      // "fleet zone": AWS's placement score `count`, 1 to 10, told at since_ms
    STAMP_QUOTA,      // quota code: AWS refused a launch at since_ms, for the `count`th time in a row; no order of that class until `until_ms` (L23)
    STAMP_SHARE,      // fleet: weight of `amount` units that on-demand was ordered in place of at since_ms, and that is to leave (on_demand.h)
    STAMP_REFUSED,    // instance: `count` times its end was sent to its group and it stayed in service, the last seen at since_ms (B2)
    STAMP_UNSEEN,     // fleet: since when it counts more than its members that are seen weigh
    STAMP_OCCASION,   // "entry start" of the calendar: `amount` tasks were wanted when it was last seen to lie ahead, `count` per mille of what is usual then
    STAMP_COUNT
};

// What a pool failed by: bits of the amount of STAMP_POOL.
enum pool_trouble { POOL_INTERRUPTED = 1, POOL_REFUSED = 2, POOL_SLOW = 4, POOL_WARNED = 8, POOL_IMPAIRED = 16 };

struct memo_stamp {
    enum memo_stamp_kind kind;
    const char *key;            // instance id, fleet id, service name
    int64_t since_ms, until_ms;
    int32_t count;
    int64_t amount;
};

struct memo_target {
    const char *fleet;
    int64_t target;             // the absolute target last sent
    int64_t sent_ms;
};

// An order of an instant fleet, kept for two minutes: as long as AWS has not said what became of it, it is sent again by the same
// token with the same content, and counts as coming.
struct memo_launch {
    const char *token, *fleet, *value;
    int64_t capacity, on_demand;
    int64_t sent_ms;            // first
    bool answered;
};

struct memo {
    int32_t version;            // MEMO_VERSION; another version is set aside
    int64_t now_ms;             // the tick it was made in
    struct memo_drain *drains;
    size_t drain_count, drain_cap;
    struct memo_stamp *stamps;
    size_t stamp_count, stamp_cap;
    struct memo_target *targets;
    size_t target_count, target_cap;
    struct memo_launch *launches;
    size_t launch_count, launch_cap;
    int64_t drains_begun, drains_finished, drains_undone;  // since the memo began, for the report
    const char *policy_hash;    // that the last plan was made with, "" none
    int64_t policy_since_ms;    // since when (L14)
};

#define MEMO_VERSION 1

struct arena;
struct action;
void memo_copy(struct arena *a, const struct memo *m, struct memo *ret);  // deep
// The memo as of a clock that may have been set back since: what would lie ahead of now_ms begins now and ends as much earlier. The memo itself
// where the clock went on; else a copy.
const struct memo *memo_at(struct arena *a, const struct memo *m, int64_t now_ms);
// The action did not happen as far as we know: what it would have made true is taken out.
void memo_forget(struct memo *m, const struct action *a);
// A launch was answered: its instances are facts now. memo_forget is for one that AWS refused.
void memo_answered(struct memo *m, const struct action *a);

const char *drain_state_name(enum drain_state s);
const char *memo_stamp_kind_name(enum memo_stamp_kind k);
