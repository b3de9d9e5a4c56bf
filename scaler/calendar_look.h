// The calendar of a cell: when its entries hold, and what is usual at their times, told to each snapshot; and when the clock that demand
// follows was changed.
#pragma once

#include "base/zone.h"
#include "planner/forecast/outlook.h"
#include "planner/forecast/usual.h"
#include "policies/calendar.h"
#include "state/query.h"

// Zeroed at the start.
struct calendar_keeper {
    struct arena arena;
    char hash[17];                    // of the policy that it was read from
    const struct calendar *calendar;  // NULL: not read yet, or no entry
    const struct zone *zone;          // of the policy's time_zone; NULL: UTC
    struct usual usual;
    bool loaded, recalled;            // zones; the week before the first look
    struct zone_change clock;         // as of the last look; of the last OUTLOOK_CLOCK_S
};

void calendar_release(struct calendar_keeper *k);
// On the first look, and with another policy (hash), zones are read; on the first a week of tasks wanted from the past (NULL: none; cluster: the cluster's id in it); where that cannot be
// read it learns from now on. Nothing where the policy has no entry, but for the clock.
void calendar_look(struct calendar_keeper *k, const struct policy_cluster *p, const char *hash, struct state_reader *past, int64_t cluster, struct arena *a, struct snapshot *s);
