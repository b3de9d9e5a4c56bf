// The outlook of a cell: the forecast of the level rule, which begins with what the history knows of the cluster.
#pragma once

#include "planner/forecast/outlook.h"
#include "policies/policy.h"
#include "state/query.h"

// Writes s->outlook where the policy prices waiting. On the first look four weeks of tasks wanted are read from the past (NULL: none; cluster: the
// cluster's id in it); where they cannot be read, it learns from now on.
void outlook_look(struct outlook_keeper *k, const struct policy_cluster *p, struct state_reader *past, int64_t cluster, struct snapshot *s);
