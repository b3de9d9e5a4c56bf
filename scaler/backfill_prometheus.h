// A cluster's past as a Prometheus has it, as series of the history: use, tasks and need of the cluster, and of each service.
//
// The queries are the policy's, summed by the label that names a task definition's family. A family of one service of the cluster tells of it; one
// that several share, or that no service's newest deployment has, counts for the cluster alone, as all do where no look tells the services. Tasks
// that ran stand for tasks wanted; what containers were given, by cAdvisor's container_spec_* families, for need and reservation: of memory
// the reservation, else the limit. Where circuit breakers were open, by the policy's overflow_query, that is told too. Points that are missing stay unknown.
#pragma once

#include "base/strmap.h"
#include "planner/model/snapshot.h"
#include "policies/policy.h"
#include "scaler/aws/aws.h"
#include "scaler/backfill_line.h"

struct prometheus_past {
    const struct policy_cluster *policy;
    struct strmap families;        // -> index into services
    const char **services;         // NULL: shared, or none on EC2
};

#define PROMETHEUS_PAST_STEP_MS INT64_C(300000)

// s: a look at the cluster; NULL: none, so that no services are known. Strings are borrowed from both.
void prometheus_past_of(struct prometheus_past *ret, const struct policy_cluster *p, const struct snapshot *s, struct arena *a);
// Points of [from_ms, to_ms), a step each; waits on the transport. Lives in the arena. Errors: those of usage_server and of the last of three tries
// of prometheus_ask; ERR_TRANSIENT too where it answered in part.
int prometheus_past_read(const struct prometheus_past *p, struct aws_clients *clients, struct transport *t, int64_t from_ms, int64_t to_ms, struct arena *a,
                         struct past_line **ret, size_t *ret_count, struct err *err);
