// A small builder of snapshots for the planner's tests: a world of one fleet, one type and services of equal tasks, which each test
// bends as it needs. Times start at T0; every source is fresh unless aged. All memory is the builder's arena.
#pragma once

#include "tests/cm.h"

#include "base/arena.h"
#include "planner/planner.h"

#define T0 1790000000000LL
#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

struct build {
    struct arena a;
    struct snapshot s;
    struct policy_cluster p;
    struct memo memo;       // given to the next plan
    bool has_memo;
    int64_t unseen_milli;   // what each fleet counts beyond the members that the looks show
    struct planner_result r;
    size_t instance_cap, service_cap, shape_cap, type_cap, fleet_cap;
};

// An empty cluster "c", seen for two hours, mode act, no headroom, interlocks of time as by default.
void build_init(struct build *b);
void build_release(struct build *b);

int build_type(struct build *b, const char *name, int64_t cpu_units, int64_t memory_mib);
// A fleet of the policy and the snapshot, max 1,000; pools are added with build_pool.
int build_fleet(struct build *b, const char *id, int64_t target);
void build_pool(struct build *b, int fleet, int type, int64_t weight_milli);
int build_shape(struct build *b, const char *name, int64_t cpu_units, int64_t memory_mib);
// A steady replica service on EC2 at 100/200 %, nothing running yet.
int build_service(struct build *b, const char *name, int shape, int32_t desired);
int build_daemon(struct build *b, const char *name, int shape);
// An ACTIVE, connected, running instance, an hour old, of the fleet's pool 0, with nothing on it. Ids are i-001, i-002 …
int build_instance(struct build *b, int fleet, int type);
// Puts running tasks on it; counts of service, instance and remaining room follow.
void build_hold(struct build *b, int instance, int service, int32_t running);
void build_hold_shape(struct build *b, int instance, int service, int shape, int32_t running);
void build_drained(struct build *b, int instance);  // DRAINING with our mark
void build_noticed(struct build *b, int instance);  // spot notice 10 s ago

// Sets fulfilled capacity from the members; called by build_plan.
void build_settle(struct build *b);
// Plans; asserts success. The new memo is given to the next plan.
struct plan *build_plan(struct build *b);
// Moves time on and makes each source fresh again.
void build_later(struct build *b, int64_t ms);
void build_age(struct build *b, enum source_kind k, int64_t ms);
// Plans and moves time on n times, 30 s each; the snapshot stays as it is.
struct plan *build_ticks(struct build *b, int n);

// ---- questions about the plan ---------------------------------------------------------------------------------------------
int plan_count(const struct plan *p, enum action_kind k);
const struct action *plan_action(const struct plan *p, enum action_kind k, const char *target);  // NULL: none
int64_t plan_target(const struct plan *p, const char *fleet);  // -1: none sent
// The one verdict of an instance, fleet or shape; fails the test when there is not exactly one.
const struct verdict *plan_verdict(const struct plan *p, const char *target);
const struct verdict *plan_capped(const struct plan *p, const char *target);
const struct alert *plan_alert(const struct plan *p, const char *id, const char *target);  // fails the test when there is none
void plan_print(const struct plan *p);  // for people, when a test fails
const struct memo_drain *memo_drain_of(const struct memo *m, const char *instance);
const struct memo_stamp *memo_stamp_of(const struct memo *m, enum memo_stamp_kind k, const char *key);
