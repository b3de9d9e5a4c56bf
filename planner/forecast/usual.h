// What is usual at a time of day: how many tasks a cluster's services wanted then on the last seven days, for the calendar's entries that
// multiply (planner/occasions.h).
//
// Kept by five minutes, the most of each. Times at which an entry multiplied are left out, so that an event is never taken for a usual day and
// multiplied again; the median of what is left says what is usual. A day on the other side of a change of the clock counts as the larger of
// both phases. Facts that are stale are not seen. Pure.
#pragma once

#include "base/zone.h"
#include "planner/model/snapshot.h"

#define USUAL_STEP_MS INT64_C(300000)
enum { USUAL_DAYS = 7, USUAL_DAY_STEPS = 288, USUAL_STEPS = USUAL_DAYS * USUAL_DAY_STEPS };

// Zeroed at the start.
struct usual {
    int64_t step;                  // the newest one seen, in steps since 1970
    struct zone_change clock;      // the newest one, from whoever asks; by_s 0: none
    int32_t tasks[USUAL_STEPS];    // by step modulo USUAL_STEPS: tasks + 1; 0 unknown
};

void usual_note(struct usual *u, int64_t at_ms, double tasks);  // NaN and negative: unknown. Older than what was seen by seven days: nothing
void usual_see(struct usual *u, const struct snapshot *s);
// Fills usual_tasks of the snapshot's occasions that hold or begin within a day: the most within a quarter of an hour.
void usual_tell(const struct usual *u, struct snapshot *s);
