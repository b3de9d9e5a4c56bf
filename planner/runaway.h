// Orders that must not repeat themselves: L11 and F5 of safety.md.
//
// What a fleet launches for a shape that not all its pools hold may be of no use to it: another zone (A8), a smaller type, a registration
// that is less than learned (E3). After two orders of which nothing could hold the shape there are none for it for 30 minutes. And
// where only missing facts speak for a pool, one instance is ordered, and no more until it has registered. Both are in the memo
// (STAMP_RUNAWAY, STAMP_PROBE; key "service shape") and end with the need.
#pragma once

#include "planner/work.h"

// Sets `held`, `hold`, `remedy` and `probing` of the items that wait; before orders are placed.
void runaway_hold(struct work *w);
// Stamps what was really ordered; after the guard.
void runaway_commit(struct work *w);
