// What load balancers send to the services of one cluster: asked of CloudWatch at the policy's pace (requests.every_s), kept in the history.
//
// CloudWatch tells of each target group what a target got (RequestCountPerTarget: its statistic is called Sum, it is the mean over the targets);
// times the tasks of the same time that is what the service got, summed over its target groups. A group that tells nothing at all is not an
// Application Load Balancer's; where one that tells is silent, the service's is unknown, and so it is where its tasks are: never zero.
// For people only: ECS's own service scaling turns requests into desired tasks, which the forecast learns; no plan reads them.
//
// Nothing waits for it: a question is sent in a look's turn, in the lane of what takes long, and a later turn takes what came. What failed is asked for
// again with the next question, for as long as a day. By five minutes, ten of them late, since points come late.
#pragma once

#include "planner/model/snapshot.h"
#include "policies/policy.h"
#include "scaler/aws/cloudwatch.h"
#include "scaler/gather.h"
#include "state/state.h"

struct requests;
struct requests *requests_new(struct region *r, const struct clock *clock);  // both borrowed
void requests_free(struct requests *q);  // NULL-safe; cancels what is open
// s: the newest look; cluster: its id in the state, 0: none yet.
void requests_turn(struct requests *q, const struct policy_cluster *p, const struct snapshot *s, struct state *state, int64_t cluster);
// Writes s->requests, its text in the arena. Nothing where the policy does not ask.
void requests_tell(const struct requests *q, const struct policy_cluster *p, struct arena *a, struct snapshot *s);

// ---- shared with masu backfill ----------------------------------------------------------------------------------------------
// A metric for each of its target groups; how many.
size_t requests_metrics(const struct service *s, struct cloudwatch_metric *ret);
// What it got a minute, NaN where unknown, from the series of these metrics and its tasks in each step; NULL: none of them tells anything.
const double *requests_per_minute(const struct cloudwatch_series *groups, size_t count, const double *tasks, int64_t from_ms, int64_t step_ms,
                                  size_t steps, struct arena *a);
