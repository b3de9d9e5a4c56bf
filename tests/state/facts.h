// A small cluster for the tests of state/ and web/: two services, a daemon, four instances (one drains and is held, one boots,
// one has a notice), a plan with one action. Literal structs; strings live as long as the program.
#pragma once

#include "planner/model/memo.h"
#include "planner/model/plan.h"
#include "planner/model/snapshot.h"
#include "policies/policy.h"

#define FACTS_NOW_MS 1768485874000  // 2026-01-15T14:04:34Z

struct facts {
    struct snapshot snapshot;
    struct plan plan;
    struct plan quiet_plan;  // the same without its action
    struct memo memo;
    struct policy_fleet policy_fleets[1];
    struct policy_event event;
    struct occasion occasions[2];
    struct policy_cluster policy_clusters[2];
    struct policy policy;
    // what they point to
    struct instance_type types[2];
    struct fleet fleets[1];
    struct fleet_pool pools[1];
    struct shape shapes[3];
    struct service services[3];
    struct deployment deployments[3];
    struct instance instances[4];
    struct holding holdings[6];
    struct action actions[1];
    struct verdict verdicts[3];
    struct demand demands[1];
    struct memo_drain drains[1];
    struct memo_target targets[1];
    struct memo_stamp stamps[2];
};

void facts_fill(struct facts *f, int64_t now_ms);
