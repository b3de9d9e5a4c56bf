// A rig: a virtual world, the virtual AWS in front of it, the daemon's loop against that, and the invariants watching both.
//
// `masu demo` and the tests are rigs. With speed 0 the clock is virtual and a day passes as fast as the machine allows; with a
// speed it is paced and the rig has a view for the page. Nothing of the operator's environment is read.
#pragma once

#include "planner/sim/invariants.h"
#include "planner/sim/summary.h"
#include "planner/sim/world.h"
#include "scaler/loop.h"
#include "scaler/sandbox/sandbox.h"

#define RIG_REGIONS_MAX 2

struct rig_options {
    uint64_t seed;
    double speed;                       // 0: virtual
    bool daemon_elsewhere;  // with a speed: another process lives by this clock, so it waits for nobody
    const char *trace_path, *trace_service;  // NULL: the seeded profile
    int64_t trace_mean;                 // 0 = 100
    const char *market_path;            // a recorded spot market; NULL: chance
    const char *policy_path;            // settings in place of the built-in ones; NULL: those
    const char *state_path;             // NULL: in memory (a private file when there is a page)
    void (*settings)(struct policy_cluster *c);  // changes the built-in settings of each cluster; NULL: none
    bool dry_run;
    struct inbox *inbox;                // of what people switch, outlives the rig; NULL: none
    bool events;                        // the daemon reads each region's queue of events
    int64_t latency_ms;                 // of each call; 0: 20 to 80
    int regions;                        // 0 = 1; each has a world of its own
    const struct world_options *world;  // NULL: defaults
    int (*build)(const struct world_options *o, struct world **ret, struct err *err);  // a scripted world; NULL: the default one
    const struct sandbox_options *sandbox;  // NULL: defaults
    const struct logger *log;
    int64_t notice_ms;                  // V28: so long may the answer to a notice take; 0: as fits the sandbox
    FILE *intents;                      // for lines of the journal of last resort; NULL = stdout
    // Planted bugs. `plant` sits between the daemon and its invariants; `plant_outer` above both: what it changes in a plan is
    // executed, but the invariants judged the plan before.
    void (*plant)(void *arg, struct tick_ops *ops);
    void (*plant_outer)(void *arg, struct tick_ops *ops);
    void *plant_arg;
};

struct rig_watch;

struct rig_daemon {
    struct transport *transport;
    struct state *state;
    struct loop *loop;
    struct rig_watch *watches;
};

struct rig {
    struct arena arena;
    struct clock clock;
    struct world *worlds[RIG_REGIONS_MAX];
    struct invariants *invariants[RIG_REGIONS_MAX];
    int region_count;
    struct workload_trace trace;
    struct market_trace market;
    struct sandbox *sandbox;
    struct transport *transport;
    struct policy policy;
    struct state *state;
    struct view_box box;
    bool has_box;
    struct loop *loop;
    struct rig_watch *watches;
    struct rig_daemon second;           // loop NULL: there is none
    struct rig_options o;
    int64_t start_ms;
};

// On failure nothing is left behind. ERR_INVALID, ERR_IO: trace, policy or state cannot be used.
int rig_open(const struct rig_options *o, struct rig *ret, struct err *err);
void rig_close(struct rig *r);           // NULL-safe; zeroed is fine
// Ends the daemon's life as a crash does (nothing is told to anybody) and starts a new one, with its state or without.
int rig_restart(struct rig *r, bool keep_state, struct err *err);
// A second daemon with the same policy and a disk of its own, from now on or no more. Who runs the rig gives each its turns.
int rig_second(struct rig *r, bool on, struct err *err);
void rig_finish(struct rig *r);          // the run is over: what is still open is judged
int64_t rig_violations(const struct rig *r);

struct rig_figures {                     // over all regions
    struct world_summary sum;            // counts added; min and max as of the sum of the regions' own
    int64_t ticks, violations;
};
void rig_figures(struct rig *r, struct rig_figures *ret);
