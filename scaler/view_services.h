// What each service costs, and what becomes of its tasks when their instance goes: a part of a cluster's view (scaler/view.h).
//
// A task costs its share of the instance it is on: of the price, half by CPU and half by memory of what the instance registered. What
// nobody reserves is not shared out; it is the cluster's free part. So services, standalone tasks and the free part add up to the price.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum view_risk_kind {
    VIEW_RISK_CANNOT_MOVE,  // can neither start nor stop a task
    VIEW_RISK_SLOW_STOP,    // may need longer to stop than a spot notice gives
    VIEW_RISK_PROTECTED,    // has protected tasks now
    VIEW_RISK_AWAY,         // its minimum allows that none of its tasks runs
    VIEW_RISK_COUNT
};
const char *view_risk_name(enum view_risk_kind k);  // "cannot_move", "slow_stop", "protected", "away"

struct view_risk {
    enum view_risk_kind kind;
    const char *fact, *verdict;
};

// Prices are micro-dollars an hour.
struct view_cost {
    int64_t usd_micro;
    bool known;  // false: an instance that it is on has no known price
};

struct view_cluster;
// Fills cost and risks of the services of a view, and what is free of it. Private to scaler/view_facts.c; after services and instances.
void view_services_fill(struct view_cluster *c);
