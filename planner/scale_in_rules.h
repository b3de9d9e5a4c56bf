// The never-touch rules: what keeps one instance from being a candidate, whatever it would save.
#pragma once

#include "planner/work.h"

// Before the first instance: which fleets no rule about the fleet holds.
void scale_in_ask_fleets(struct work *w);
// True when a rule speaks; the instance then has its verdict.
bool scale_in_spares(struct work *w, int instance);
