// The breaker (L12, E1): instances that boot and never register, by launch template version and zone.
//
//   closed ── 2 of the last 4 launches never registered ──► open for 5 min ──► half open: one probe at a time
//     ▲                                                       ▲  doubling to 30 min   │ the probe never registers
//     └──────────── a later launch registers ─────────────────┴───────────────────────┘
//
// AWS chooses the zone of what a fleet launches. So a fleet of which every pool is open gets no order until a probe is due; one
// with pools that are well goes on slowly, 1 instance at a time, then 2, 4 … as they register. Memo: STAMP_LAUNCH holds the last
// four outcomes of each template and zone, STAMP_BREAKER what is open.
#pragma once

#include "planner/work.h"

// Reads the outcomes of launches and moves each breaker. Needs work_fleets.
void breaker_observe(struct work *w);
// How many instances may be coming to the fleet at once; INT64_MAX where nothing is open.
int64_t breaker_room(const struct work *w, int fleet);
// Why, in words; NULL where nothing is open.
const char *breaker_why(struct work *w, int fleet);
// Whether launches of the fleet may go wrong: some pool of it is open, its probe not due or under way.
bool breaker_open(const struct work *w, int fleet);
