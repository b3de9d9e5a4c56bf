// Invariants of the whole program, judged by the world's truth at every call and step, never by masu's own snapshot.
//
// V1 ended instances are empty; V2 marked, drained, read back, seen empty twice; V3 AWS ends nothing by its own choice because of us;
// V4 targets are sums; V5 a drain begins only where no task may be hurt; V6 drains leave each service enough; V7 what is drained fits
// elsewhere, all together; V8 how many at once, of a service, and in ten minutes; V9 orphans are old, few and one at a time, and only
// what EC2 has terminated is deregistered; V16 nothing is written to what is another's; V18 bounds; V19 growth at once; V20 nothing is
// done where nothing changes; V21 who waits has capacity there or on its way; V22 orders answer a need, once; V23 targets agree with
// members at rest; V24 every drain ends or is reported; V25 undo only what is ours and fit; V28 notices are answered in time; V29
// nothing is ordered for what no member can hold; V30 where nothing registers little is launched; V31 nothing but tasks and replacements
// is bought above the limit of an hour, and money told is money spent; V33 zones stay even; V36 events only speed up. Plans: V10 no
// removal on bad facts; V11 a worse source, V12 a forecast, V13 one task more remove and lower nothing; V14 nothing that the mode
// forbids; V17 the same input gives the same plan; V26 one verdict a candidate, a reason an action; V27 an intent before each call and
// one outcome after; V34 a dry run calls nothing; V35 a step of the clock removes nothing.
//
// Not judged here: V15 speaks of a lease that this build does not have; V32 is about reads too, which the world never sees: the client's
// budget keeps it and the sandbox refuses what is above (tests/aws, tests/sandbox).
// Violations are collected, never fatal. A violation of the world's calls is charged to calls by WORLD_OURS only.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/planner.h"
#include "planner/sim/world.h"

enum invariant { V1 = 1, V2, V3, V4, V5, V6, V7, V8, V9, V10, V11, V12, V13, V14, V16 = 16, V17, V18, V19, V20, V21, V22, V23, V24, V25, V26, V27, V28, V29, V30, V31, V33 = 33, V34, V35, V36, V_LIMIT };

struct violation {
    enum invariant id;
    int64_t at_ms;
    char text[256];   // fact -> what it breaks
};

struct invariants_options {       // invariants_options_default() fills all; from the policy of the cluster
    int64_t drain_deadline_ms;    // V24: and two looks of grace
    int64_t facts_age_ms;         // V5, V7: facts may be so old, 10 s
    int64_t empty_ms;             // V2: between the two looks, 15 s
    int64_t drain_percent, service_percent, shrink_percent;  // V8: L4, L5, L7
    int64_t headroom_permyriad;   // V7; 0 = not part of the judgement
    const char *owner;            // V16: what ours writes into masu:owner
    int64_t step_instances;       // V19
    int64_t notice_ms;            // V28: from telling a notice to the intent of its drain; 0 = not part of the judgement
    int64_t under_way_ms;         // V25: what was sent before a notice was told takes effect within; 0 without a wire
    int64_t rest_ms;              // V23: how long nothing must have moved
    int64_t calm_ms;              // V20: no call after demand and market stood still for so long; 0 = not judged
    int64_t serve_ms;             // V21: a need that was seen so long; 0 = not judged
    bool judge_orders;            // V22, V29; false: not judged
    bool judge_money;             // V31: what plans tell; prices are seen as they are
    bool dry_run;                 // V34: not one call
    int64_t headroom_tasks;       // V22: whole tasks
    int64_t spare_instances;      // V22: for demand that no task of the world tells of: messages, metrics
    int64_t max_usd_micro;        // V31: an hour; 0 = no limit
};

struct invariants;
void invariants_options_default(struct invariants_options *o);
// Hooks itself into the world (world_set_hook). Free it before the world.
struct invariants *invariants_attach(struct world *w, const struct invariants_options *o);
void invariants_free(struct invariants *inv);  // NULL-safe; unhooks
// Bounds of a fleet as the policy has them (V18); unknown fleets are unbounded.
void invariants_bounds(struct invariants *inv, int fleet, int64_t min, int64_t max);
// V17, which takes longer than the plan, on every n-th plan alone: for long simulations.
void invariants_again_every(struct invariants *inv, int64_t n);
// V20 from now on: the caller's world has nothing that moves by itself (prices that pay for a replacement, holds that end).
void invariants_calm(struct invariants *inv, int64_t calm_ms);
// Of the instances that carry the tag masu:fleet with this value.
void invariants_instant_bound(struct invariants *inv, const char *tag, int64_t max);

// After each planner_run by the loop: re-plans and compares (V17), judges the plan (V10, V26).
void invariants_check_plan(struct invariants *inv, const struct planner_input *in, const struct planner_result *result);
// From the journal's decorator. op is the action's name (action_kind_name), target the instance or fleet id.
void invariants_intent(struct invariants *inv, const char *op, const char *target);
void invariants_outcome(struct invariants *inv, const char *op, const char *target);
// A crash between intent and outcome: open intents are forgiven (the next life looks at AWS).
void invariants_crashed(struct invariants *inv);
// A call of ours was refused, or its answer lost: what must come to rest (V23) has its time anew, as after a plan on facts that are not whole.
void invariants_hindered(struct invariants *inv);
// From now on answers are so much older than they say (0: no more): needs of then count too (V22), and where two daemons act neither knows what the
// other has just begun, so each has its share of a service (V8).
void invariants_stale(struct invariants *inv, int64_t older_ms, bool two);
void invariants_reported(struct invariants *inv, const char *instance_id);  // V24: its holder was named, by log or alert
// V36: after ten quiet minutes the world is as the other one, which saw the same but for its events.
void invariants_same_rest(struct invariants *inv, const struct world *other);
// When the run ends: open intents (V27), drains past their deadline (V24).
void invariants_finish(struct invariants *inv);

// How much was judged: calls by ours, and plans. A run that judged nothing proves nothing.
void invariants_judged(const struct invariants *inv, int64_t *ret_calls, int64_t *ret_plans);
int64_t invariants_count(const struct invariants *inv);                      // all violations
int64_t invariants_count_of(const struct invariants *inv, enum invariant id);
const struct violation *invariants_list(const struct invariants *inv, size_t *ret_n);  // the first 200
