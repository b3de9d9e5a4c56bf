// Why and why not: one tick of the journal, and one candidate of it, as a JSON object. masu explain prints it, the web API gives it.
//
//   tick, cluster, account, region, at, duration_ms, mode, dry_run, recorded, error, masu, policy_hash, planned_policy
//   facts       {instances, services, tasks, fleets, sources [{source, state, age_ms, detail}]}; null when the look failed
//   summary, verdicts[], demands[]   as in the plan (planner/model/model_json.h); null and empty without one
//   actions[]   as in the plan, each with outcome, outcome_detail, began, finished
//   capped[]    the verdicts that a bound weakened, with wanted and allowed
//   drains[]    as the memo knows them after the tick
//   candidate   only when one was asked for: {id, kind, verdicts[], facts, services[], holds[], actions[], drain, stamps[],
//               history[], looked_back_to, acts[]}
//
// It knows the JSON form of the model only, so that new facts show without a change here.
#pragma once

#include <jansson.h>

#include "state/query.h"

struct state_question {
    int64_t cluster;        // 0: any
    int64_t tick;           // 0: the newest
    const char *candidate;  // NULL: none; an instance, fleet, service or shape, or the beginning of exactly one's name
};

// A new reference. ERR_NOT_FOUND: no tick at all, not this one (pruned, not yet, of another cluster), or no such candidate;
// ERR_INVALID: the beginning of several; ERR_CORRUPT: the journal is damaged there.
int state_explain(struct state_reader *r, const struct state_question *q, struct arena *a, json_t **ret, struct err *err);
