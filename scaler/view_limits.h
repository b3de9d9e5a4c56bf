// What there may be of what a cluster uses, as its view has it, and the history of that: fleets up to their max, quotas, addresses of subnets.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "state/query.h"

enum { VIEW_LIMIT_DAYS = 91 };

enum view_limit_kind { VIEW_LIMIT_FLEET, VIEW_LIMIT_QUOTA, VIEW_LIMIT_SUBNET, VIEW_LIMIT_KIND_COUNT };

struct view_limit {
    enum view_limit_kind kind;
    const char *name;      // for people
    const char *subject;   // in the history
    int64_t now, most;     // in the fleet's units; vCPUs; addresses
};

struct view_cluster;
// In the arena, names too. 0 before the first tick.
size_t view_limits_of(const struct view_cluster *c, struct arena *a, struct view_limit **ret);
// The start of the newest whole day of the world's clock (UTC), and the peaks of the days up to it, oldest first; NaN unknown.
int64_t view_limit_last_day_ms(int64_t now_ms);
int view_limit_peaks(struct state_reader *r, int64_t cluster, const struct view_limit *x, int64_t now_ms, double ret[VIEW_LIMIT_DAYS], struct err *err);
