// The guard: last stage, and it may only weaken. Bounds, step limits, freshness and mode; each number that it capped is kept
// beside the cap in a verdict of its own.
#pragma once

#include "planner/work.h"

void guard_run(struct work *w);
