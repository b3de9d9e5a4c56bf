// The loop: staggers the clusters over their period, runs their ticks, listens to signals. One thread, one transport.
//
// World time (the transport's clock) drives it, so the same loop runs against AWS, an accelerated world and a virtual one.
// loop_stop and loop_reload may be called from a signal handler. After a stop no read goes on, no change is begun, and one that
// is under way is finished (at most one call, 8 s). A policy that cannot be read, names other clusters, or drops a fleet
// without being confirmed changes nothing.
#pragma once

#include "base/log.h"
#include "policies/policy.h"
#include "scaler/aws/aws.h"
#include "scaler/tick.h"
#include "scaler/view.h"
#include "state/state.h"

struct loop;

struct loop_options {
    struct transport *transport;      // borrowed, as all below
    const struct aws_env *env;        // NULL: the process environment
    const struct policy *policy;      // the first one; lives as long as the loop
    const char *policy_path;          // for reload; NULL: never
    struct state *state;              // NULL: no journal but stdout's, so nothing is removed
    const struct state_opened *opened;  // NULL: as if fresh
    struct view_box *box;             // NULL: nothing is published
    struct inbox *inbox;              // of what people switch; NULL: none
    const struct logger *log;         // NULL: silent
    bool dry_run;
    uint64_t seed;
    double speed;                     // of the world clock, for the page; 0 = 1
    // Wraps the steps of a cluster's ticks: invariants, progress, planted bugs. NULL: none.
    void (*decorate)(void *arg, size_t cluster, struct tick_ops *ops);
    void *decorate_arg;
    FILE *intents;                    // where intents go when there is no journal; NULL = stdout
};

int loop_new(const struct loop_options *o, struct loop **ret, struct err *err);  // ERR_INVALID: a region or endpoint is wrong
void loop_free(struct loop *l);                             // NULL-safe
// Until `end_ms` (world time; 0 = for ever) or a stop. Returns how many ticks were run.
int64_t loop_run(struct loop *l, int64_t end_ms);
// One tick of each cluster, now. 0, or the error of the last one that failed.
int loop_once(struct loop *l, struct err *err);
void loop_stop(struct loop *l);
void loop_reload(struct loop *l);
bool loop_stopped(const struct loop *l);
// Holds all clusters back, as POST /api/v1/pause does, or takes that back. From any thread or a signal handler.
void loop_pause(struct loop *l);
void loop_resume(struct loop *l);
// SIGTERM and SIGINT stop, SIGHUP reloads, SIGUSR1 pauses, SIGUSR2 resumes; NULL restores the defaults. One loop a process.
void loop_signals(struct loop *l);
struct aws_clients *loop_clients(struct loop *l);
size_t loop_cluster_count(const struct loop *l);
// The newest tick of a cluster, NULL before the first.
const struct tick_frame *loop_frame(const struct loop *l, size_t cluster);
int64_t loop_ticks(const struct loop *l);
