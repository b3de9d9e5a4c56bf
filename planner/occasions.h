// The calendar in the plan: what its entries want ready or kept beside what is needed now, as headroom in whole tasks.
//
// An entry multiplies what services usually want at its time (the snapshot says how much that is; where it does not, what they wanted
// when it began, the forecast of a boot with it), or is a floor of what there is room for. The largest of all that hold counts. From a
// boot before its start on, boots enough for the largest step each, it is ordered; kept it is from as long before that as an instance must
// be idle to be worth its return. It only ever adds.
#pragma once

#include "planner/work.h"

enum { OCCASION_MOST_PERMILLE = 100000 };

// Sets w->ahead, stamps what lies ahead, and raises an alert where all fleets at their max are not enough for what begins within a week.
void occasions_observe(struct work *w);
void occasions_explain(struct work *w);  // one verdict for each that is ordered or kept for
