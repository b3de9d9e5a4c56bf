// One tick of one cluster: gather → check → plan → guard → re-check → execute → record → publish, in tick_run().
//
// What each step does is behind struct tick_ops, so that a test can wrap a step and plant a bug in it. The order, the `after`
// chain, and the rule that a journal which cannot be written makes the tick add-only (safety.md I5) are here and nowhere else.
// Two arenas alternate: the snapshot and plan of the tick before stay readable during a tick. The memo is kept in its own.
//
// A notice does not wait for the next look: tick_run_notice() plans from the last one with the notice added, between two waits of
// whatever look is under way, and executes only what answers it: drains of what is doomed, orders, undone drains, all at once.
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "planner/planner.h"
#include "state/state.h"

struct tick_act {                 // what became of an action
    bool unsure;                  // the call failed, and may have had its effect all the same
    enum outcome_kind outcome;
    const char *detail;           // "" when fine
    bool known;                   // false: not reached
};

struct tick_frame {               // one tick in the making; lives until the tick after the next
    struct arena *arena;
    int64_t id;                   // of the journal; 0 = not recorded
    int64_t begun_ms, duration_ms;
    struct policy_cluster policy; // as weakened by the shell
    struct snapshot snapshot;
    const struct memo *memo_before;  // NULL none; else memo_was
    struct memo memo_was;
    struct planner_result result;
    struct memo memo_after;       // the plan's, without targets that were not sent: what the next tick begins with
    struct tick_act *acts;        // one for each action
    int32_t ok, failed, skipped;
    bool has_snapshot, has_plan;
    bool removals_held;           // the journal cannot be written: nothing is removed
    bool notice;                  // of tick_run_notice
    const char *error;            // why it ended early, "" when it did not
};

struct tick_ops {
    void *arg;
    int (*gather)(void *arg, struct tick_frame *f, struct snapshot *ret, struct err *err);
    int (*plan)(void *arg, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err);
    int (*begin)(void *arg, struct tick_frame *f, struct err *err);        // sets f->id
    int (*recheck)(void *arg, struct tick_frame *f, const struct action *a, struct err *err);
    int (*intent)(void *arg, struct tick_frame *f, int action, int64_t *ret_intent, struct err *err);
    int (*apply)(void *arg, struct tick_frame *f, const struct action *a, struct err *err);
    // NULL: one after the other. errs[i] is of actions[i], an index into the plan's.
    void (*apply_many)(void *arg, struct tick_frame *f, const int *actions, size_t count, struct err *errs);
    int (*outcome)(void *arg, struct tick_frame *f, int action, int64_t intent, enum outcome_kind kind,
                   const struct err *of_call, struct err *err);
    int (*record)(void *arg, struct tick_frame *f, struct err *err);
    void (*publish)(void *arg, struct tick_frame *f);
};

struct tick {
    const struct clock *clock;
    const struct policy_cluster *policy;  // as in the file; may be replaced between ticks
    bool add_only;                        // weakened by the shell
    bool hold_drains;                     // no new drains (policy changed)
    bool dry_run;
    int64_t hold_orders_until_ms;         // notices still come: what they take is ordered together then
    bool executing, interrupted;          // executing: no notice tick may run; interrupted: the rest of the plan is left
    struct tick_ops ops;
    // private
    struct arena arenas[2], memo_arenas[2], notice_arena;
    struct tick_frame frames[2], notice_frame;
    unsigned turn, memo_turn;
    struct memo memo;
    bool has_memo, journal_broken;
    struct err journal_err;               // while journal_broken: why
};

void tick_init(struct tick *t, const struct clock *clock, const struct policy_cluster *policy, const struct tick_ops *ops);
void tick_release(struct tick *t);                      // NULL-safe
void tick_restore(struct tick *t, const struct memo *m);  // copied
// One tick; *ret_frame always is set and readable until the tick after the next. Fails when gather or plan fail (nothing was
// done then); a failed action does not fail the tick.
int tick_run(struct tick *t, struct tick_frame **ret_frame, struct err *err);
// The same for a notice, in its own frame, which lives until the next of these. While t->executing: not allowed.
int tick_run_notice(struct tick *t, struct tick_frame **ret_frame, struct err *err);

// Does the action take capacity away, or begin to, without a spot notice that takes it anyway?
bool action_removes(const struct action *a, const struct snapshot *s);
