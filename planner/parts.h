// The two parts of a target: on-demand and spot, which a fleet fulfils each by itself.
//
// On-demand members count up to their part and no further; of a target without such a part all members count, whatever they are.
#pragma once

#include "planner/work.h"

int64_t parts_counted_milli(int64_t on_demand_milli, int64_t part);
// What stays of the fleet, with an on-demand part of this size; needs work_fleets.
int64_t parts_sum(const struct work *w, int fleet, int64_t part);
// The on-demand part that counts all that stays on demand, never less than it is; 0 where there is none.
int64_t parts_that_stays(const struct work *w, int fleet);
