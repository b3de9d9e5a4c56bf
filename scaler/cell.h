// A cell: one cluster under the loop, with its gather, executor and tick, and the steps of the tick bound to them.
//
// Intents and outcomes go to the journal; where it cannot be written, as JSON lines to stdout, and the step says so.
#pragma once

#include <signal.h>

#include "base/log.h"
#include "planner/forecast/outlook.h"
#include "scaler/calendar_look.h"
#include "scaler/desk.h"
#include "scaler/execute.h"
#include "scaler/gather.h"
#include "scaler/tick.h"
#include "scaler/requests.h"
#include "scaler/usage.h"
#include "scaler/view.h"

struct cell_shared {                 // what the cells of a loop have in common
    struct state *state;             // NULL: none
    struct view_box *box;            // NULL: none
    const struct logger *log;        // NULL: none
    struct desk *desk;               // says what is allowed
    FILE *intents;
    const char *policy_hash, *owner, *confirmed;  // of the policy in force
    const struct aws_env *env;       // of secrets; NULL: the process environment
    bool dry_run;
    int open_pages;                  // of the hosts' cAdvisors, by all cells
    int answers;                     // to notices, under way: one inside of the other's wait
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
    struct usage *usage;
    struct requests *requests;
    struct aws_executor aws;
    struct executor executor;
    struct tick tick;
    struct tick_frame *frame;        // newest, NULL before the first tick
    struct tick_frame *looked;       // newest that has a snapshot, also while its tick goes on; NULL none
    int64_t state_id, next_ms, hold_drains_until_ms;
    int64_t learned_changes;         // of what gather learned of types, so far in the state
    bool restored;
    struct calendar_keeper calendar;
    struct outlook_keeper outlook;   // of a policy with waiting_costs
    uint64_t warnings_saved;         // warnings_save's mark
    int64_t dearest_usd_micro, dearest_read_ms;  // the dearest hour of 14 days (L15), read once an hour
    int64_t urgent_ms;               // due then, whatever next_ms says; 0 none
    bool noticed;                    // a notice waits for its answer
    bool answering;                  // one is being answered: its frame is in use
    int64_t order_due_ms;            // an order for what notices take is tried again then; 0 none
    int64_t look_due_ms;             // one that was noticed is not drained yet: looked at again then; 0 none
    int order_tries;                 // so often since the newest notice
    int64_t burst_ms, burst_last_ms; // when the notices that come one after the other began; the newest
    int burst_count;
    bool burst_ordered, fresh_fleets;
};

void cell_init(struct cell *c, struct cell_shared *shared, size_t index, const struct policy_cluster *policy, struct region *r,
               const struct clock *clock);
void cell_release(struct cell *c);
struct tick_ops cell_ops(struct cell *c);
void cell_add_facts(struct cell *c, struct arena *a, struct snapshot *s);  // what is known beside the look (cell_facts.c)
// The answer to a notice, by the last look; between two waits of another cell's look, or of its own. fresh_fleets: those that we changed are
// read again before.
int cell_answer_notice(struct cell *c, bool fresh_fleets, struct err *err);
bool cell_order_waits(const struct cell *c, const struct tick_frame *f, int64_t now_ms);
// Whether one that AWS takes back is not drained yet, because it boots or holds the last task of a service (safety.md D2, D3): to be looked
// at again soon. *ret_due_ms: when the latter are drained at the latest, 0 none.
bool cell_drain_waits(const struct tick_frame *f, int64_t now_ms, int64_t *ret_due_ms);
// A memo that is read back: targets sent more than two minutes ago are AWS's to tell (safety.md I2); stamps of the future start now.
void cell_age_memo(struct memo *m, int64_t now_ms);
// Before the first tick, once the account is known: the cluster's id and memo from the state.
int cell_restore(struct cell *c, struct err *err);
