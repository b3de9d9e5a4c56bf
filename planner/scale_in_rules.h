// The never-touch rules: what keeps one instance from being a candidate, whatever it would save.
#pragma once

#include "planner/work.h"

// Before the first instance: which fleets no rule about the fleet holds.
void scale_in_ask_fleets(struct work *w);
// True when a rule speaks; the instance then has its verdict.
bool scale_in_spares(struct work *w, int instance);
// Whether any but those about its age, its room and what holds its fleet for a time would speak, for one at risk. No verdict.
bool scale_in_spoken_for(struct work *w, int instance);
