// Scale-in: which instances are not needed, proven by placing everything that is on them, and on every other drain of ours,
// somewhere else at the same time; and which of these may begin to leave now.
//
// Each instance that no earlier stage judged gets its verdict here: the first rule of the table that speaks for it, or that it
// is needed, or which interlock holds it, or that it is drained. Rules look at one instance; interlocks (L1, L2, L4 … L8) at the
// cluster and at all drains together.
#pragma once

#include "planner/work.h"

void scale_in(struct work *w);
// L1: why nothing may be removed so soon after the start, NULL when it may.
const char *scale_in_start_hold(struct work *w);
// The first interlock that holds all new drains of the cluster, NULL when none does.
const char *scale_in_hold(struct work *w);
// Tasks that wait, for room or for ECS: while there are any, nothing is taken away, ended or begun (V13). NULL when there are none.
const char *scale_in_waiting(struct work *w);
// The same for one at risk: it waits for its replacement, not for all that comes; tasks that wait for room are part of the proof.
const char *scale_in_risk_waiting(struct work *w);
