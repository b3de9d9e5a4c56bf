// A cell: one cluster under the loop, with its gather, executor and tick, and the steps of the tick bound to them.
//
// Intents and outcomes go to the journal; where it cannot be written, as JSON lines to stdout, and the step says so.
#pragma once

#include <signal.h>

#include "base/log.h"
#include "scaler/desk.h"
#include "scaler/execute.h"
#include "scaler/gather.h"
#include "scaler/tick.h"
#include "scaler/view.h"

struct cell_shared {                 // what the cells of a loop have in common
    struct state *state;             // NULL: none
    struct view_box *box;            // NULL: none
    const struct logger *log;        // NULL: none
    struct desk *desk;               // says what is allowed
    FILE *intents;
    const char *policy_hash, *owner, *confirmed;  // of the policy in force
    bool dry_run;
    volatile sig_atomic_t *stop;     // no read is waited for, no change begun
    volatile sig_atomic_t *in_change;  // set while a change is under way: a stop waits for it
    volatile sig_atomic_t *cut;      // aborts what aws_run waits for
};

struct cell {
    struct cell_shared *shared;
    size_t index;                    // in the policy
    const struct policy_cluster *policy;
    struct region *region;
    struct gather *gather;
    struct aws_executor aws;
    struct executor executor;
    struct tick tick;
    struct tick_frame *frame;        // newest, NULL before the first tick
    int64_t state_id, next_ms, hold_drains_until_ms;
    bool restored;
    int64_t urgent_ms;               // due then, whatever next_ms says; 0 none
};

void cell_init(struct cell *c, struct cell_shared *shared, size_t index, const struct policy_cluster *policy, struct region *r,
               const struct clock *clock);
void cell_release(struct cell *c);
struct tick_ops cell_ops(struct cell *c);
// Before the first tick, once the account is known: the cluster's id and memo from the state.
int cell_restore(struct cell *c, struct err *err);
