// Surge: tasks that a deployment starts beside those that it replaces (F7 of safety.md).
//
// They are needed for minutes only, so a deployment of many services at once must not double the cluster: the largest few (policy,
// scale_out.surge_services) get capacity for their whole surge, the others take turns and meanwhile use the room that is there.
#pragma once

#include "planner/work.h"

// Holds back orders for the surge of items whose turn has not come; before orders are placed.
void surge_hold(struct work *w);
