// The loop detector (L24, H5): capacity that is raised for tasks and drained in turn, again and again, by rules that disagree. Three reversals
// of a fleet within an hour hold its drains for an hour, doubling to six; orders are never held. No reversal is an act that follows demand: a
// raise when services want more than at the drain before, a drain when they want less than at the raise before it, or, with a forecast
// (ahead.h), an act to a level that it wants since; nor are raises while members are interrupted, which are the market's doing. A raise for
// more than was wanted at the drain ends a hold, as what is new has no part in the loop.
#pragma once

#include "planner/work.h"

// Carries the stamps on and tells of what is held. Needs work_fleets.
void loop_observe(struct work *w);
const char *loop_hold(struct work *w, int fleet);  // why no new drain begins in the fleet, NULL when they may
void loop_commit(struct work *w);                  // counts what is really sent
