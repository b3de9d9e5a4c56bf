// Demand ahead: what the forecast wants ready or kept beside what is needed now (planner/forecast/outlook.h), as headroom in whole tasks.
//
// A level of the outlook is an instance; it becomes per mille of the tasks that the services want, so that packing and placement judge
// it as they do all headroom: orders are for `up`, the proof of scale-in is for `keep`. Neither is believed beyond L13: a forecast adds at most
// as much as is needed now, and with it no more is there than 1.2 times the largest need of 28 days. One that is late or that contradicts itself is none;
// in trouble one is late after a day (D8, planner/model/trouble.h).
#pragma once

#include "planner/work.h"

#define AHEAD_NONE (-1)                                    // without a forecast: nothing wanted is a level too
int64_t ahead_level(const struct work *w, bool keep);     // in instances of the outlook, within L13
int64_t ahead_need(const struct work *w);                 // what is wanted now, in whole instances of the outlook
// Of each service's desired tasks, at most 1000; 0 without a forecast, and where nothing is wanted.
int64_t ahead_permille(const struct work *w, bool keep);
// Forecast or calendar want more kept than there is a need for. While ahead.off of the work is set nothing counts of what they want: scale-in
// chooses so, and proves it again with it (use.h), for they may hold an instance and not be why another goes (V12).
bool ahead_keeps(const struct work *w);
void ahead_explain(struct work *w);  // one verdict where there is an outlook
