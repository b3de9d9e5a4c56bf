// The drain machine: how an instance of ours leaves, step by step, and how it comes back.
//
// The truth is in AWS (our mark, DRAINING, the fleet's target); the memo only remembers since when. Each tick first reads what
// became true (drain_observe), then, once demand is known, says what to send next (drain_advance). One destructive step a
// tick and instance; the next one waits until the last one can be read back. The edges are drain_fsm, drawn in memo.h.
//
// The mark is the value of the tag masu:drain, set before DRAINING and removed after ACTIVE:
//   owner=masu;at=2026-01-15T12:34:56Z;reason=unneeded
#pragma once

#include "base/arena.h"
#include "base/fsm.h"
#include "planner/model/memo.h"

struct work;

#define DRAIN_MARK_OWNER "masu"
#define DRAIN_TAG "masu:drain"
#define DRAIN_REASON_EMPTY "empty"  // of a drain that began without tasks
#define DRAIN_LOOKS_APART_MS (15 * 1000)  // C8: two looks see it empty

struct drain_mark {
    int64_t at_ms;        // 0 when the value names none
    const char *reason;   // one word; "" when the value names none
    bool ours;            // owner=masu
};

// `reason` is one word without ';'. The text is owned by the arena.
const char *drain_mark_format(struct arena *a, int64_t at_ms, const char *reason);
// Reads any text; what it does not understand stays at its zero. True when the owner is ours. Strings are owned by the arena.
bool drain_mark_parse(struct arena *a, const char *value, struct drain_mark *ret);

// The life of a drain as a table, names as in the memo's JSON form.
extern const struct fsm_table drain_fsm;

// Takes the memo's drains over into the work, finds drains by their mark where the memo does not know them, and moves each to
// what the facts show. Sends nothing.
void drain_observe(struct work *w);
// Undoes what must not go on for a reason on the instance itself (deployment, protection, deadline, veto). Before demand.
void drain_undo_own(struct work *w);
// The next step of each drain that goes on, and the drain of each interrupted instance. After demand and scale-out.
void drain_advance(struct work *w);
// Sends ACTIVE, then removes the mark; the fleet's target follows where it was lowered. For drains before ENDING.
void drain_undo(struct work *w, int instance, const char *fact, const char *verdict);
// Sends mark, then DRAINING; what is protected is read again in between. after_drains: only when all drains before it in the plan succeed.
void drain_begin(struct work *w, int instance, bool after_drains, const char *fact, const char *verdict);
// Sends DRAINING alone, for what ends by itself: no mark, so nothing to resume. `why` is the word of its reason, `fact` for people. Held, in
// words, where the mode answers no notices.
void drain_doomed(struct work *w, int instance, const char *why, const char *fact);
// The answer to a spot notice: drain_doomed, but where it holds the last running task of a service that ECS may stop before its replacement
// runs and there is no room, only once there is, or 60 s after the notice (D2).
void drain_noticed(struct work *w, int instance);
// An event of EC2 is near, no nearer than the slowest drain takes: begins a drain without a proof. False: it did not.
bool drain_before_event(struct work *w, int instance);
// The one host of all running tasks of a service that ECS may stop to the last one; -1: it has none, or several.
int drain_only_host(const struct work *w, int service);
bool drain_room_elsewhere(struct work *w, int service, int host);  // for one task of it, on an instance that takes tasks now
// After the guard: what was really sent becomes state, and the memo is complete.
void drain_commit(struct work *w);
// How long after the memo's tick a look takes a drain its next step, where that waits for facts alone: read back, its tasks gone, empty once more, lowered
// and ended by a look each. 0: its cluster's turn is early enough; also where what should have come within a minute has not, as something holds it.
int64_t drain_look_again_ms(const struct memo *m);
// Moves a drain of ours along an edge of drain_fsm.
void drain_move(struct work *w, struct memo_drain *d, enum drain_state to);
// Whether it began on an instance without tasks.
bool drain_was_empty(const struct memo_drain *d);
// What keeps the tasks of a drain where they are: task, service and rule, for people.
const char *drain_holder(struct work *w, int instance);
