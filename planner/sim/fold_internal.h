// One cluster of a fold: what is kept between looks. For planner/sim/fold*.c only.
#pragma once

#include "planner/forecast/outlook.h"
#include "planner/forecast/usual.h"
#include "planner/sim/faults.h"
#include "planner/sim/fold.h"
#include "planner/sim/world_internal.h"
#include "policies/calendar.h"

struct fold_service {
    int64_t unsteady_since_ms, unplaced_since_ms;
    int32_t failed_base;             // of the primary deployment when it was first seen
    char deployment[WORLD_ID];
};

enum { FOLD_REFUSALS_MAX = 64 };

// A fleet of the policy. An instant one is none of the world's: it is the instances with its tag, and what its orders were answered.
struct fold_fleet {
    const struct policy_fleet *policy;
    enum fleet_kind kind;
    int fleet;                       // the world's, -1: instant
    const char *id;
    int template;                    // of an instant fleet
    const char *last_error;
    int64_t last_error_ms, capacity_error_ms;
    struct {
        int pool;
        int64_t at_ms;
    } refusals[FOLD_REFUSALS_MAX];   // the newest of each pool
    int refusal_count;
};

// How a look sees each source: as of a moment, each second thing alone (`half`), in the daemon's own words.
struct fold_sight {
    struct source sources[SOURCE_COUNT];
    int64_t seen_ms[SOURCE_COUNT];
    bool half[SOURCE_COUNT];
};

enum { FOLD_LOST_MAX = 64 };

struct fold_cluster {
    struct world *w;
    int cluster;
    const struct policy_cluster *policy;
    struct fold_fleet *fleets;       // in the policy's order
    struct arena arena;              // of this tick
    unsigned turn;
    struct arena memo_arenas[2];
    struct memo memo;
    struct outlook_keeper outlook;
    const struct calendar *calendar; // NULL: the policy has no entry
    const struct zone *zone;         // of the policy's time_zone; NULL: UTC
    struct usual usual;
    bool has_memo;
    int64_t next_ms, started_ms;
    int64_t soon_ms;                 // one more tick then, for a drain's next step; INT64_MAX: none
    int32_t looks;
    uint64_t notices_seen;
    struct fold_service *services;   // by the world's index
    size_t service_cap;
    struct attribute_set *pool_sets; // by the world's pool: as its first member registered; count 0: none seen
    struct arena kept;
    // under faults
    bool off;                        // the second daemon's, while there is none
    int64_t clock_off_ms;            // our clock less the world's
    int64_t read_ms[SOURCE_COUNT];   // world time of the last whole read
    int64_t listed_ms;
    uint64_t calls;
    bool again;                      // the events of the last poll come once more
    int lost[FOLD_LOST_MAX];         // fleets of orders whose answer never came: nothing tells of their instances but a look
    int lost_count;
};

struct fold {
    struct world *w;
    struct invariants *invariants;
    struct fold_cluster *clusters;   // with faults, as many again of a second daemon
    struct policy_cluster *policies;
    size_t count, all;
    int64_t ticks, began_ms;
    const struct faults *faults;     // NULL: none
    int64_t faults_met;
    void (*plant)(void *arg, const struct planner_input *in, struct planner_result *r, struct arena *a);
    void *plant_arg;
    void (*lie)(void *arg, const struct snapshot *s, struct outlook *x);
    void *lie_arg;
};

// A look while it is made.
struct look {
    struct fold_cluster *c;
    struct fold_sight sight;
    struct world *w;
    struct arena *a;
    struct snapshot *s;
    int *service_of;         // by the world's service, -1: not of this cluster
    int *service_at;         // by the snapshot's service
    int *shape_service, *shape_taskdef;  // by shape, world's indices
    size_t shape_cap;
};

// fold_fleets.c
int fold_find_fleets(struct fold_cluster *c, struct err *err);  // ERR_INVALID: a fleet or template of the policy is not in the world
void fold_look_types(struct look *l);
void fold_look_fleets(struct look *l);
int fold_fleet_of(const struct look *l, const struct world_instance *i);  // the snapshot's; -1: of none
const char *fold_template_name(struct look *l, int template);
const struct attribute_set *fold_pool_set(struct look *l, int pool, int instance);  // fold_look.c
// Of the source, when the thing is seen as it was; things are told apart by their serial numbers.
int64_t fold_seen(const struct fold_sight *s, enum source_kind k, uint64_t serial);

// fold_faults.c
enum fold_call { CALL_ANSWERED, CALL_REFUSED, CALL_LOST };
void fold_faults_sight(struct fold *f, struct fold_cluster *c, struct fold_sight *ret);
enum fold_call fold_faults_call(struct fold *f, struct fold_cluster *c);      // what becomes of one call that changes something
bool fold_faults_deaf(const struct fold *f);
bool fold_faults_twice(const struct fold *f);
int64_t fold_faults_next_ms(const struct fold *f);    // when one begins or ends after now; INT64_MAX: never
int fold_faults_step(struct fold *f, struct err *err);  // those that begin or end now
// fold.c
int64_t fold_now_ms(const struct fold_cluster *c);    // by the daemon's clock
int fold_tick(struct fold *f, struct fold_cluster *c, int most, struct err *err);  // carries out `most` actions, then the daemon ends; -1: all
void fold_restart(struct fold *f, struct fold_cluster *c, bool disk);

// fold_recheck.c: what the action depends on is still so.
bool fold_recheck(const struct fold_cluster *c, const struct fold_sight *sight, const struct snapshot *s, const struct action *a);
// fold_act.c: one action, now. WORLD_NO_ROOM: a launch brought nothing. lost: the answer never comes.
enum world_answer fold_act(struct fold_cluster *c, const struct snapshot *s, const struct action *a, bool lost);

// The snapshot of this moment; `a` owns it, strings may be the world's.
void fold_look(struct fold_cluster *c, const struct fold_sight *sight, struct arena *a, struct snapshot *ret);
