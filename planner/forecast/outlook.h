// A cluster's demand as one number, tick by tick, and what the forecast makes of it for the plan: `struct outlook` of the snapshot.
//
// Demand is what the services want to run on EC2, in eighths of the mean instance of the cluster when its first look was seen: of CPU and memory
// the one that fills instances first. Every 30 s of the snapshots' time it goes to the forecast bank, which is about the level rule's own
// unit (decision.md, section 3: tasks of which eight fill an instance). A gap is filled with what was seen last, so that times of day
// stay where they are, but is not known: of less than 24 hours that are known nothing is said (L13). A longer gap than a day begins anew. While
// circuit breakers are open demand does not fall. Facts that are stale are not demand. In trouble (planner/model/trouble.h) the outlook is frozen as it was
// said last, with its time and beside what is needed now, for a day at most (D8); what is learned meanwhile is said after it. It looks a boot ahead,
// and follows when boots become longer or shorter. Pure.
#pragma once

#include "base/arena.h"
#include "base/zone.h"
#include "planner/forecast/bank.h"
#include "planner/model/snapshot.h"

enum { OUTLOOK_MOST_DAYS = 28, OUTLOOK_CLOCK_S = 15 * 86400 };  // older changes of the clock are of no weight

// Zeroed at the start.
struct outlook_keeper {
    struct arena arena;
    struct bank *bank;
    struct res unit;        // the instance that demand is counted in
    int64_t pushed_ms, boot_s;
    int64_t known_ms;       // so much of what was pushed was seen
    int64_t boot_changed_ms;  // 0 never
    int64_t calm_ms;        // when it saw no trouble last, or began
    struct outlook last;    // as said then
    double demand;          // pushed last
    struct zone_change clock;  // the newest one of the clock that demand follows, as whoever asks knows it (OUTLOOK_CLOCK_S); by_s 0: none
    double most[OUTLOOK_MOST_DAYS + 1];  // the largest demand of each day (UTC), by its number: 28 and the one that goes on
    int64_t most_day;
};

void outlook_release(struct outlook_keeper *k);
// Begins with the past: how many tasks the services wanted, a value each step_ms until end_ms (NaN: unknown). They count as tasks do now. What lies
// before a gap of over a day is only the most of 28 days. Nothing where the snapshot wants none or has no instance, or the last is over a day ago.
// Before the first outlook_see, on its snapshot.
void outlook_recall(struct outlook_keeper *k, const struct snapshot *s, const double *tasks, size_t count, int64_t step_ms, int64_t end_ms);
// Sees a snapshot, in the order of their times, and returns its outlook by the price of waiting (policy key scale_out.waiting_costs);
// at_ms is 0 until a day and a quarter has passed, a day of it known; in trouble it is when the outlook was made that is frozen.
struct outlook outlook_see(struct outlook_keeper *k, const struct snapshot *s, int64_t waiting_costs_milli);
