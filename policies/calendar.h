// When the entries of a policy's calendar hold: their windows, on the world's clock.
//
// Zones are read when it is loaded, so whoever makes snapshots does that and asks; the planner is told windows that lie absolute. Local
// times that a change of the clock leaves out move forward, doubled ones count at the first (base/zone.h); a window that would be empty by
// that lasts as long as its clock times say. One of 02-29 comes in leap years only.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "planner/model/snapshot.h"
#include "policies/policy.h"

struct calendar;

// Owned by the arena, and keeps nothing of the policy. An entry whose zone cannot be read, or that policy_check refuses, has no window.
const struct calendar *calendar_load(const struct policy_calendar *c, struct arena *a);
// The first window of the entry that ends after after_ms; false: there is none in the ten years behind it.
bool calendar_next(const struct calendar *k, size_t entry, int64_t after_ms, int64_t *ret_start_ms, int64_t *ret_end_ms);
// Some entry that multiplies holds at that time.
bool calendar_multiplies(const struct calendar *k, int64_t at_ms);
// Writes the snapshot's occasions: of each entry the next CALENDAR_NEXT windows that are not over, in the policy's order, as the
// arena's. NULL: none.
enum { CALENDAR_NEXT = 3 };
void calendar_tell(const struct calendar *k, struct arena *a, struct snapshot *s);
// "MM-DD", a day that some year has. False: not such a text.
bool calendar_date(const char *text, int *ret_month, int *ret_day);
