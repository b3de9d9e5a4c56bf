// Fills the derived facts of a view_cluster from its copies of snapshot, plan and memo: services by size, what is in progress,
// one word, price and reservation an instance, which sources are stale. Private to scaler/view.c.
#pragma once

#include "scaler/view.h"

void view_facts_fill(struct view_cluster *c, const struct policy_cluster *policy);
