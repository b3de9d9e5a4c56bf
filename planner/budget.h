// Budgets of scale-in: how many drains of a reason there may be at once, in the windows in which each holds (policies/window.h). The
// strictest that holds counts. Where the local time of a window's zone is not known, it holds: a limit is never lost by a fact.
#pragma once

#include "planner/work.h"

// `drains` by reason, the any included; members of the cluster; whether the next one has no tasks. NULL when it may begin.
const char *budget_hold(struct work *w, const int32_t drains[BUDGET_REASON_COUNT], int32_t members, bool empty);
