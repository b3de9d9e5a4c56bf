// A cluster's past as CloudWatch recorded it, as series of the history: need, use, tasks, and the requests of load balancers.
//
// Container Insights tells amounts, of the cluster and of each service; by the sum of a period over its minutes, which is right whether it
// has a sample a minute or one a task. The highs of a service are the larger of that and of the highest sample. Where it is off, AWS/ECS tells what per cent of the registered capacity was reserved and used, and
// AWS/EC2Spot how large the Spot Fleets were: amounts follow from what one unit of each fleet registers now. Where a fleet is none of
// these, or has no instance now, that is not known, and percentages alone are worth nothing. Points that are missing stay unknown.
//
// AWS/ApplicationELB tells of each target group what a target got (RequestCountPerTarget: called a sum, it is the mean over the targets);
// times the tasks of the same step, by Container Insights or else by our own history, that is what the service got, summed over its target
// groups. A group that tells nothing at all is not an Application Load Balancer's; where one that tells is silent, the service's is unknown.
#pragma once

#include "planner/model/snapshot.h"
#include "policies/policy.h"
#include "scaler/aws/aws.h"
#include "scaler/backfill_line.h"

enum { CLOUDWATCH_FLEETS_MAX = 64, CLOUDWATCH_SERVICES_MAX = 1000 };

struct cloudwatch_fleet {
    const char *id;
    double units[RES_MEMORY + 1];  // CPU units and MiB that one unit of its capacity registers
};

struct cloudwatch_past {
    const char *cluster;           // short name
    struct cloudwatch_fleet fleets[CLOUDWATCH_FLEETS_MAX];
    size_t fleet_count;
    const struct service *const *services;
    size_t service_count;
    struct state *state;           // whose history tells the tasks where Container Insights do not, set by the caller; NULL: none
    int64_t state_cluster;         // in there
    bool sizes_known;              // all of the cluster's capacity is in these fleets, and each one's units are known
};

// s: a look at the cluster; NULL: none, so that neither sizes nor services are known. Strings are borrowed from both.
void cloudwatch_past_of(struct cloudwatch_past *ret, const struct policy_cluster *p, const struct snapshot *s, struct arena *a);
// Points of [from_ms, to_ms), a step each, by until_ms; of services only requests where Container Insights is off. Lives in the arena. Errors: those of the call; ERR_TRANSIENT too where AWS gave a part.
int cloudwatch_past_read(const struct cloudwatch_past *p, struct aws_clients *clients, struct aws *aws, int64_t from_ms, int64_t to_ms, int64_t step_ms,
                         int64_t until_ms, struct arena *a, struct past_line **ret, size_t *ret_count, struct err *err);
