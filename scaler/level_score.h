// How good what sizes a cluster was: the levels that the level rule asked for, held against the need that came when their boots were over.
//
// An instance that was ordered is ready a boot later; by then the need may be above what was asked for. The rule orders while another instance is
// missed with a chance of at least 1 / waiting_costs, so that of all moments at most about that share may come out above it. Of seven days, by the
// hour, in memory: a restart begins anew. Pure.
#pragma once

#include "planner/model/snapshot.h"

enum { LEVEL_PROMISES = 160, LEVEL_HOURS = 7 * 24 };

// Zeroed at the start.
struct level_score {
    struct {
        int64_t due_ms;
        int32_t up;
    } promise[LEVEL_PROMISES];                        // a ring, oldest first
    size_t first, count;
    int64_t hour;                                     // the newest one, since 1970
    int32_t judged[LEVEL_HOURS], covered[LEVEL_HOURS];  // moments, by hour modulo LEVEL_HOURS
};

// The outlook of a tick, in the order of their times; one without a forecast (at_ms 0) is left out, and what was due long before is not judged.
void level_score_see(struct level_score *s, const struct outlook *o);
// Moments that were judged; *ret_cover: the share whose need was at most what had been asked for, written where there are any.
int64_t level_score_of(const struct level_score *s, double *ret_cover);
