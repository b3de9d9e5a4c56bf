// The rules that masu is compared with: how much capacity to have, each as people really do it, in a table with the one knob of each.
//
// A rule is asked once a period with what the crew sees (crew.h) and answers in units of the fleet. It remembers the demand that it saw and
// nothing else: no rule sees the future. `masu` itself, ECS managed scaling (managed.h) and the clairvoyant bound (bound.h) stand in the
// table too, for their names and knobs; trial.h runs them all.
//
//   masu                   the planner of the daemon; knob: scale_out.waiting_costs, the price by which its forecast works, with no headroom per
//                          cent beside it unless the scene says so; 0: all as the policy says
//   reservation-threshold  out above so many per cent CPU or memory reservation (75), in below 25 less (50), one instance a step, 15 min
//                          between steps
//   ecs-managed-scaling    the capacity provider's managed scaling; knob: its target capacity
//   reactive               what is needed now; knob: for how long what was needed is kept
//   reactive-headroom      what is needed now and so many per cent more, kept for a minute
//   yesterday              the same, or what was needed yesterday within the next boot and five minutes (half of it at no headroom, all of it
//                          from 20 per cent on), whichever is more
//   safety-stock           what is needed now, and what the need rose by in the time of a boot in so many of a hundred moments of the last 24 h
//   all-on-demand          as reactive-headroom, on instances that cost the on-demand price and are never taken
//   clairvoyant            no rule: the least that anybody could have paid who had known all; knob: the price of a waiting instance-second
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "planner/sim/crew.h"
#include "planner/sim/scene.h"

enum rule_kind {
    RULE_MASU, RULE_THRESHOLD, RULE_MANAGED, RULE_REACTIVE, RULE_HEADROOM, RULE_YESTERDAY, RULE_SAFETY, RULE_ON_DEMAND, RULE_CLAIRVOYANT, RULE_COUNT
};

enum { RULE_SWEEP_MAX = 6 };

struct rule_kind_info {
    const char *name, *knob;
    double usual;                  // the knob, where nobody says otherwise
    int sweep_count;
    double sweep[RULE_SWEEP_MAX];  // from few waiting tasks to low cost, or the other way round
    double least, most;            // what the knob may be
    enum scene_fleet fleet;
};
const struct rule_kind_info *rule_info(enum rule_kind kind);
bool rule_find(const char *name, enum rule_kind *ret);

struct rule {
    enum rule_kind kind;
    double knob;
    int64_t period_ms, boot_ms;    // between two decisions; what a boot takes, about
    double *need;                  // of each decision so far
    size_t count, cap;
    int64_t stepped_ms;            // of the last step of the threshold
    double stock;                  // of the safety stock, as of `stock_at` decisions
    size_t stock_at;
    struct arena *arena;           // of the history
};

void rule_init(struct rule *r, enum rule_kind kind, double knob, const struct scene *s, struct arena *a);
// Not for masu, ECS managed scaling and the bound.
void rule_decide(struct rule *r, const struct crew_facts *f, int64_t *ret_up, int64_t *ret_keep);
