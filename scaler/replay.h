// A tick of the journal planned once more: same snapshot, memo and policy in, and to be the same plan and memo out, to the byte.
//
// What differs then was changed in the journal, or comes from another version of the planner. Nothing is asked of AWS.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "planner/model/memo.h"
#include "planner/model/snapshot.h"
#include "policies/policy.h"
#include "state/query.h"

enum replay_outcome {
    REPLAY_IDENTICAL,
    REPLAY_DIFFERENT,   // part, path, journal and now say where first
    REPLAY_UNREADABLE,  // why says what is broken in the journal
    REPLAY_NO_PLAN,     // nothing was planned in this tick, or not all is kept of it: why says which
    REPLAY_OUTCOMES
};

struct replay {
    enum replay_outcome outcome;
    const char *part;           // "plan", "memo"
    const char *path;           // "verdicts[3].reason"
    const char *journal, *now;  // compact JSON of the values there, cut when long; "" where there is none
    const char *why, *cause;    // cause: what may have made it different; "" nothing known
};
// What a tick was planned from.
struct replay_input {
    struct snapshot snapshot;
    struct memo memo;      // zero where memo_before_json is empty
    struct policy policy;  // one cluster
};
// ERR_CORRUPT, ERR_INVALID, ERR_NOT_FOUND: what the journal holds of it cannot be read.
int replay_read_snapshot(const struct state_tick_whole *t, struct arena *a, struct snapshot *ret, struct err *err);  // only what was seen
int replay_read(struct state_reader *r, const struct state_tick_whole *t, struct arena *a, struct replay_input *ret, struct err *err);
// All text in the arena. The cursor's slices of *t are only borrowed.
void replay_tick(struct state_reader *r, const struct state_tick_whole *t, struct arena *a, struct replay *ret);
const char *replay_outcome_name(enum replay_outcome o);  // "identical", "different", "unreadable", "no_plan"
