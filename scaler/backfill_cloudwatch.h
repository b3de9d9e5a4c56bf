// A cluster's past as CloudWatch recorded it, as series of the history: need, use and tasks.
//
// Container Insights tells amounts. Where it is off, AWS/ECS tells what per cent of the registered capacity was reserved and used, and
// AWS/EC2Spot how large the Spot Fleets were: amounts follow from what one unit of each fleet registers now. Where a fleet is none of
// these, or has no instance now, that is not known, and percentages alone are worth nothing. Points that are missing stay unknown.
#pragma once

#include "planner/model/snapshot.h"
#include "policies/policy.h"
#include "scaler/aws/aws.h"
#include "state/history.h"

enum { CLOUDWATCH_LINES = 6, CLOUDWATCH_FLEETS_MAX = 64 };

struct cloudwatch_fleet {
    const char *id;
    double units[RES_MEMORY + 1];  // CPU units and MiB that one unit of its capacity registers
};

struct cloudwatch_past {
    const char *cluster;           // short name
    struct cloudwatch_fleet fleets[CLOUDWATCH_FLEETS_MAX];
    size_t fleet_count;
    bool sizes_known;              // all of the cluster's capacity is in these fleets, and each one's units are known
};

struct cloudwatch_line {
    enum series series;
    struct history_point *points;
    size_t count;
};

// s: a look at the cluster; NULL: none, so that no sizes are known. Strings are borrowed from the policy.
void cloudwatch_past_of(struct cloudwatch_past *ret, const struct policy_cluster *p, const struct snapshot *s);
// Points of [from_ms, to_ms), a step each; asks once, by until_ms. Lives in the arena. Errors: those of the call; ERR_TRANSIENT too where AWS gave a part.
int cloudwatch_past_read(const struct cloudwatch_past *p, struct aws_clients *clients, struct aws *aws, int64_t from_ms, int64_t to_ms, int64_t step_ms,
                         int64_t until_ms, struct arena *a, struct cloudwatch_line ret[CLOUDWATCH_LINES], struct err *err);
