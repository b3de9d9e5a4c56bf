// Whether a look shows the cluster in trouble that says nothing of its demand: what is forecast then is frozen (safety.md, D8).
//
// Wider than L8, and at once: it holds no action, only what is foreseen. Pure.
#pragma once

#include "planner/model/snapshot.h"

#define FORECAST_FREEZES_MS INT64_C(86400000)  // the longest: what lasts is how things are

// Services, definitions, container instances or EC2 instances are unknown or known in part; or of the registered members of the cluster or of a zone
// more than 20 % and at least 3 are without their agent or have a notice.
bool snapshot_troubled(const struct snapshot *s);
