// masu simulate: rules through the same worlds, one trial for each rule, knob and seed, and how the results are shown.
//
// Every number is of the time after the warm-up. The clairvoyant is no trial: its runs are bounds (planner/sim/bound.h), and `waited` of it is the
// share of needed instance-time that it leaves out, of the tasks' time.
#pragma once

#include "base/buf.h"
#include "planner/sim/course.h"
#include "planner/sim/trial.h"

struct simulate_run {
    enum rule_kind kind;
    double knob;
    uint64_t seed;
    int64_t bound_usd_micro;
    struct trial_result r;
};

struct simulate {
    struct scene scene;
    bool chosen[RULE_COUNT], sweep;
    double knob[RULE_COUNT];           // where nothing is swept
    uint64_t first_seed;
    int64_t seeds;
    struct simulate_run *runs;         // by rule, knob, seed
    size_t run_count;
    const char **left_out;             // of a recorded past, in words
    size_t left_out_count;
    // Told before each run, and within it now and then: which of how many, and the share of it that is done. May be NULL.
    void (*progress)(void *arg, size_t at, size_t of, const char *rule, double share);
    void *arg;
};

void simulate_defaults(struct simulate *s);
// Runs all; what it makes lives in the arena.
int simulate_all(struct simulate *s, struct arena *a, struct err *err);

// Of the runs of one rule and knob over the seeds.
struct simulate_figure {
    double mean, least, most;
};
struct simulate_row {
    enum rule_kind kind;
    double knob;
    struct simulate_figure cost_usd, over_bound, waiting_percent, wait_p50_s, wait_p99_s, instances, use_percent, interruptions, drains, tasks_moved, restarts_usd;
    int64_t violations;
};
size_t simulate_rows(const struct simulate *s, struct arena *a, struct simulate_row **ret);

void simulate_text(const struct simulate *s, struct arena *a, struct buf *out);
void simulate_json(const struct simulate *s, struct arena *a, struct buf *out);
void simulate_plot(const struct simulate *s, struct arena *a, struct buf *out);  // SVG: cost over the bound against waiting, a line a rule
