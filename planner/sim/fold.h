// The planner folded over the virtual world, without a wire between: weeks in seconds. What `masu simulate`, benches and sweeps run.
//
// Each cluster of the world is looked at every period, and at once when a spot notice came (asked for every 15 s, as against AWS). The
// snapshot is the world's truth of that moment, the plan's actions are carried out in the same moment, those whose `after` failed
// or whose re-check says no are left out; the invariants watch as on the wire. With a schedule (faults.h) calls are
// throttled, fail and lose their answers, reads lag and are partial, the daemon ends and begins again, or is two. Left out against the wire:
// credentials, pages and bytes, the journal and what takes time. Fleets of all four kinds (instant ones by the tag of their members and the
// answers of their orders), services and standalone tasks whose definitions ask for nothing that world_attributes does not tell.
#pragma once

#include "base/err.h"
#include "planner/sim/faults.h"
#include "planner/sim/invariants.h"
#include "planner/sim/world.h"
#include "policies/policy.h"

struct fold;

// One policy a cluster of the world, with fleets named by id, group or instant; copied, what it points to must outlive the fold. The world is the
// caller's and outlives the fold, too. ERR_INVALID: a policy names no cluster, fleet or launch template of the world.
int fold_new(struct world *w, const struct policy_cluster *policies, size_t count, struct fold **ret, struct err *err);
void fold_free(struct fold *f);                     // NULL-safe
int fold_run(struct fold *f, int64_t to_ms, struct err *err);
void fold_finish(struct fold *f);                   // the run is over: what is still open is judged
// Before the first fold_run. The schedule is the caller's and outlives the fold; its times count from fold_new.
void fold_set_faults(struct fold *f, const struct faults *faults);
int64_t fold_faults_met(const struct fold *f);      // looks and calls that met one
// A planted bug: what it makes of a plan is carried out, after the invariants judged the plan.
void fold_set_plant(struct fold *f, void (*plant)(void *arg, const struct planner_input *in, struct planner_result *r, struct arena *a), void *arg);
// A forecaster that lies: it may write anything over the outlook of a cluster that prices waiting, before each plan.
void fold_set_forecaster(struct fold *f, void (*lie)(void *arg, const struct snapshot *s, struct outlook *x), void *arg);
int64_t fold_ticks(const struct fold *f);
struct invariants *fold_invariants(struct fold *f);
// What the planner remembers of the cluster after its last look, NULL before the first; valid until the next fold_run.
const struct memo *fold_memo(const struct fold *f, size_t cluster);
