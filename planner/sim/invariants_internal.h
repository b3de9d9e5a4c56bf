// The inside of the invariant checkers, for planner/sim/inv_*.c only. They see the world through world_view alone.
//
// Moments: masu decides on a snapshot, so a fact may be up to facts_age_ms older than the call. What is judged by facts is judged
// at several moments of that time (the world keeps enough of the past for it) and passes when one of them allows it.
#pragma once

#include "base/arena.h"
#include "planner/sim/invariants.h"

#define INV_MARK "masu:drain"
#define INV_KEEP "masu:keep"
enum { INV_LISTED = 200, INV_CLUSTERS = 64, INV_BOUNDS = 16, INV_INTENTS = 1024, INV_TARGET = 64, INV_TEMPLATES = 16, INV_SENT_MS = 120000 };

// What we saw ours do to an instance; one a slot of the world, cleared when another instance takes the slot.
struct inv_instance {
    uint64_t serial;
    int64_t marked_ms;         // our mark is on it since; 0 = not
    bool marked_first;         // it was marked when ours set DRAINING
    bool voluntary;            // drained by ours without a notice or hint
    int64_t draining_ms;       // by ours; 0 = not draining by ours
    int64_t read_back_ms;      // the first answer that showed DRAINING
    int64_t empty_first_ms, empty_last_ms;  // looks since then that saw it empty, in a row
    int64_t empty_since_ms;    // by the truth; 0 = holds tasks
    int64_t asked_ms, asked_look_ms;  // ours asked its group to end it, the last look then; it may wait in a hook; 0 = not
    int64_t reported_ms, told_ms;
    int64_t noticed_ms;        // ours was first told of its notice, in this life
    int64_t registered_ms;     // ours was first told that it is registered; 0 = not, or nothing tells what is read
    bool answered;
};

// V6: a service some of whose tasks stand on instances that ours drains.
struct inv_service {
    bool watched, told;
    int64_t since_ms;
    int was;                   // healthy when it began
    int32_t desired;           // then; a service that grows since lacks tasks for reasons of its own
    int32_t desired_least;     // since then
    int64_t waits_ms;          // V21: since when it waits in vain; 0 = not
    bool waits_told;
};

struct inv_fleet {
    bool bounded;
    int64_t min, max;
    int64_t orders;            // target − what was to be kept, at the last accepted modify
    int64_t modified_ms;
    int64_t rest_told_ms;
};

struct inv_bound {
    char tag[INV_TARGET];
    int64_t max;
};

// V22: an order of consolidation, in the lightest members of its fleet.
struct inv_swap {
    char fleet[INV_TARGET];    // or the tag of an instant one
    int cluster;
    int64_t size, noted_ms;    // 0: none is under way
};

// V30: a template whose instances register nowhere, since when, and what was launched of it from then on.
struct inv_template {
    int64_t since_ms, first_ms, first, later;
    uint64_t newest;           // serial
    bool told;
};

struct inv_intent {
    bool open;
    char op[24], target[INV_TARGET];
};

struct invariants {
    struct world *w;
    struct invariants_options o;
    struct arena arena, scratch;  // scratch: of one judgement
    struct inv_instance *instances;
    struct inv_service *services;
    struct inv_fleet *fleets;
    size_t instance_cap, service_cap, fleet_cap;
    bool reads_known;          // the sandbox tells what it answered
    int64_t life_ms[INV_CLUSTERS];  // the first plan of this life that knew the cluster's instances; 0 none yet
    int64_t silent_until_ms;   // a mode answers nothing
    int64_t hindered_ms;       // V23: when the daemon last could not see all, or a call of its failed
    int64_t older_ms;          // V22: answers are so much older than they say
    bool apart;                // V8: two daemons act on such
    int64_t slow_ms;           // when the slower checks ran last
    int64_t calm_since_ms;     // V20: since demand and market stand still, as `outside` tells
    uint64_t outside;
    int64_t ahead_permyriad[INV_CLUSTERS];  // V22, by the world's cluster: what outlook and calendar of the last plan asked for beside the need
    int64_t most_tasks[INV_CLUSTERS];
    struct inv_bound bounds[INV_BOUNDS];
    int bound_count;
    struct inv_swap swaps[INV_BOUNDS];
    int swap_count;
    struct inv_template templates[INV_TEMPLATES];
    struct inv_intent intents[INV_INTENTS];
    struct violation list[INV_LISTED];
    size_t listed;
    int64_t count, count_of[V_LIMIT];
    int64_t calls, plans;      // judged
    int64_t again_every;       // V17 on each so-manieth plan; 0 or 1: on all
};

void inv_tell(struct invariants *inv, enum invariant id, const char *fmt, ...) _printf_(3, 4);
struct inv_instance *inv_of(struct invariants *inv, const struct world_view *v, int instance);
bool inv_drained_by_ours(const struct world_instance *i);
// A target that all members who are not doomed still fit in takes back what was ordered: nothing ends by it.
bool inv_takes_back(const struct snapshot *s, int fleet, int64_t target);
int64_t inv_lightest_milli(const struct world_fleet *f);  // the least weight that may come, 1000 where none is told
int64_t inv_moments_stale(const struct invariants *inv, int64_t now_ms, int k);  // of answers that are older than they say, too
int64_t inv_moments(const struct invariants *inv, int64_t now_ms, int k);  // the k-th moment to judge at; -1: no more
bool inv_alive_nondaemon(const struct world_view *v, const struct world_task *t);

// inv_moment.c: the world as it was at_ms ago or now
bool moment_wanted(const struct world_task *t, int64_t at_ms);
bool moment_healthy(const struct world_task *t, int64_t at_ms);
int64_t moment_desired(const struct world_service *s, int64_t at_ms);
bool moment_in_deployment(const struct world_service *s, int64_t at_ms);
int moment_healthy_count(const struct world_view *v, int service, int64_t at_ms);
bool moment_movable(const struct world_view *v, int service, int64_t at_ms);
bool moment_stays(const struct world_instance *i, int64_t at_ms);  // ACTIVE, connected, without a notice

// inv_pack.c
bool pack_possible(const struct world *w, const struct world_view *v, int victim, int64_t at_ms, int64_t headroom_permyriad, struct arena *a, char *why,
                   size_t why_size);

// inv_drain.c, inv_fleet.c, inv_plan.c
void inv_before_state(struct invariants *inv, const struct world_view *v, const struct world_call *c);
void inv_after_state(struct invariants *inv, const struct world_view *v, const struct world_call *c);
void inv_before_tag(struct invariants *inv, const struct world_view *v, const struct world_call *c);
void inv_after_tag(struct invariants *inv, const struct world_view *v, const struct world_call *c);
void inv_after_group_end(struct invariants *inv, const struct world_view *v, const struct world_call *c);
void inv_ending(struct invariants *inv, const struct world_view *v, int instance);
void inv_read(struct invariants *inv, const struct world_view *v, int instance, int kind);
void inv_drain_step(struct invariants *inv, const struct world_view *v);
void inv_drain_slow(struct invariants *inv, const struct world_view *v);
void inv_before_modify(struct invariants *inv, const struct world_view *v, const struct world_call *c);
void inv_after_modify(struct invariants *inv, const struct world_view *v, const struct world_call *c);
void inv_before_terminate(struct invariants *inv, const struct world_view *v, const struct world_call *c);
void inv_fleet_slow(struct invariants *inv, const struct world_view *v);
// inv_need.c
void inv_need_step(struct invariants *inv, const struct world_view *v);
void inv_need_foreign(struct invariants *inv, const struct world_view *v);  // another did something
void inv_judge_calm(struct invariants *inv, const struct world_view *v);
void inv_judge_need(struct invariants *inv, const struct world_view *v, const struct world_call *c);
void inv_judge_money(struct invariants *inv, const struct world_view *v, const struct planner_input *in, const struct plan *p);
int64_t inv_missing_of(const struct world_view *v, int service, int64_t at_ms);  // tasks that no instance which stays holds
int64_t inv_missing_alone(const struct world_view *v, int cluster);               // of no service
// inv_orders.c
void inv_note_orders(struct invariants *inv, const struct planner_input *in, const struct planner_result *result);
void inv_unregistered_slow(struct invariants *inv, const struct world_view *v);
void inv_judge_orders(struct invariants *inv, const struct world_view *v, const struct world_call *c);
// inv_serve.c
void inv_served_slow(struct invariants *inv, const struct world_view *v);
// inv_reach.c
void inv_before_reap(struct invariants *inv, const struct world_view *v, const struct world_call *c);
void inv_before_write(struct invariants *inv, const struct world_view *v, int fleet, const char *what);
void inv_judge_growth(struct invariants *inv, const struct world_view *v, const struct world_call *c);
void inv_judge_zones(struct invariants *inv, const struct world_view *v, int instance);
void inv_judge_mode(struct invariants *inv, const struct planner_input *in, const struct plan *p);
void inv_judge_again(struct invariants *inv, const struct planner_input *in, const struct planner_result *result);  // inv_again_json.c
void inv_judge_beside(struct invariants *inv, const struct planner_input *in, const struct planner_result *result);  // inv_beside.c
void inv_before_any(struct invariants *inv, const struct world_view *v, const struct world_call *c);
// inv_launch.c
void inv_before_launch(struct invariants *inv, const struct world_view *v, const struct world_call *c);
const char *inv_launch_tag(const struct world_call *c, const char *key);  // of the instances that it will launch, "" none
// inv_events.c
void inv_notice_read(struct invariants *inv, const struct world_view *v, int instance);
void inv_answered(struct invariants *inv, const struct world_view *v, const char *instance_id);
void inv_notices_slow(struct invariants *inv, const struct world_view *v);
void inv_plan_made(struct invariants *inv, const struct world_view *v, int cluster, bool sees, bool silent);
int64_t inv_life_ms(const struct invariants *inv, int cluster);
void inv_life_over(struct invariants *inv);
// inv_group.c
void inv_before_foreign(struct invariants *inv, const struct world_view *v, int fleet, const char *what);
void inv_before_desired(struct invariants *inv, const struct world_view *v, const struct world_call *c);
void inv_before_group_end(struct invariants *inv, const struct world_view *v, const struct world_call *c);
