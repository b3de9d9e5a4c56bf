// The loop detector (L24, H5): capacity that is raised for tasks and drained in turn, again and again. Three reversals of a fleet
// within an hour hold its drains for an hour, doubling to six; orders are never held. Raises while members are interrupted are the
// market's doing and no reversal; nor, with a forecast (ahead.h), is an act to a level that it wants since: there turning back has a price,
// and a raise of that kind ends a hold, as what is new has no part in the loop.
#pragma once

#include "planner/work.h"

// Carries the stamps on and tells of what is held. Needs work_fleets.
void loop_observe(struct work *w);
const char *loop_hold(struct work *w, int fleet);  // why no new drain begins in the fleet, NULL when they may
void loop_commit(struct work *w);                  // counts what is really sent
