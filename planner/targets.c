#include "planner/targets.h"

#include <assert.h>
#include <string.h>

#include "planner/capacity_rebalance.h"
#include "planner/drain.h"
#include "planner/explain.h"
#include "planner/fallback.h"
#include "planner/groups.h"
#include "planner/modes.h"
#include "planner/on_demand.h"
#include "planner/owner.h"
#include "planner/parts.h"
#include "planner/scale_in.h"
#include "planner/targets_internal.h"

#define UNSEEN_MS (30 * 60 * 1000)          // what a fleet counts and no look shows for this long is no member that a look left out
#define END_AGAIN_MS (60 * 1000)            // TerminateInstances is repeated for the same id after this

static bool of_fleet(const struct work *w, size_t i, int f)
{
    return w->s->instances[i].fleet == f && w->inst[i].live && !capacity_rebalance_forgets(w->s, (int)i);
}

static bool waits_to_end(struct work *w, size_t i, enum drain_state s)
{
    const struct memo_drain *d = work_drain(w, (int)i);
    return d && d->state == s && !w->inst[i].planned_undo;
}

// Only what ECS shows as DRAINING may end.
static bool may_end(struct work *w, size_t i, enum drain_state s)
{
    return waits_to_end(w, i, s) && w->s->instances[i].ecs == ECS_DRAINING;
}

// A3: its weight may have left the target, and comes back with it; by a later look where the fleet is being modified as it is undone.
static bool undone_low(const struct work *w, size_t i, const struct memo_drain *d)
{
    return w->inst[i].undone_empty || (w->inst[i].planned_undo && d && (d->state == DRAIN_EMPTY || d->state == DRAIN_LOWERED));
}

static struct sums add_up(struct work *w, int f)
{
    const struct work_fleet *y = &w->fleet[f];
    struct sums x = {.first_empty = -1, .undo_action = -1};
    int64_t od_empty_milli = 0, od_most_milli = w->s->fleets[f].on_demand_target * 1000;
    for (size_t i = 0; i < w->s->instance_count; i++) {
        if (!of_fleet(w, i, f))
            continue;
        const struct memo_drain *d = work_drain(w, (int)i);
        if (undone_low(w, i, d)) {
            x.undone_low = true;
            x.undo_action = w->inst[i].undo_action;
        }
        x.drains += work_drains(w, (int)i) || w->inst[i].planned_undo;
        x.lowered += waits_to_end(w, i, DRAIN_LOWERED) || waits_to_end(w, i, DRAIN_ENDING);
        if (may_end(w, i, DRAIN_EMPTY) && w->s->instances[i].notice_ms == 0) {
            x.empty++;
            x.empty_milli += w->s->instances[i].weight_milli;
            od_empty_milli += w->s->instances[i].spot ? 0 : w->s->instances[i].weight_milli;
            x.first_empty = x.first_empty < 0 ? (int)i : x.first_empty;
        }
    }
    // Each part is a sum of its own: a victim lowers the part that it is of.
    if (od_most_milli > 0) {
        int64_t od_stay_milli = i64_min(y->od_stay_milli, od_most_milli), od_keep_milli = i64_min(y->od_stay_milli - od_empty_milli, od_most_milli);
        int64_t spot_milli = y->stay_milli - od_stay_milli - (x.empty_milli - od_empty_milli);
        x.on_demand = od_keep_milli / 1000;
        x.part_falls = od_empty_milli > 0 && od_keep_milli < od_stay_milli;
        x.keep_milli = x.on_demand * 1000 + spot_milli;
    } else {
        x.keep_milli = y->stay_milli - x.empty_milli;
    }
    x.open = i64_max(0, y->target - y->live_milli / 1000);
    assert(x.keep_milli >= 0);
    return x;
}

static struct usd raise_cost(struct work *w, int f, bool on_demand)
{
    const struct fleet *x = &w->s->fleets[f];
    for (size_t k = 0; k < x->pool_count; k++) {
        const struct instance_type *t = x->pools[k].type < 0 ? NULL : &w->s->types[x->pools[k].type];
        int64_t micro = !t ? 0 : on_demand ? t->on_demand_usd_micro : t->spot_usd_micro;
        if (micro > 0)
            return (struct usd){micro * w->fleet[f].need_instances};
    }
    return (struct usd){0};
}

void targets_say(struct work *w, int f, enum verdict_code code, const char *fact, const char *verdict)
{
    struct work_fleet *y = &w->fleet[f];
    y->code = code;
    y->fact = fact;
    y->verdict = verdict;
}

void targets_send(struct work *w, int f, int64_t target, int64_t on_demand, int after, const char *fact, enum verdict_code code)
{
    const struct fleet *x = &w->s->fleets[f];
    const struct work_fleet *y = &w->fleet[f];
    bool up = target > y->target;
    assert(on_demand <= target);
    const char *verdict = target == y->target ? explain_text(w, "keep the target at %" PRId64, target)
                          : up                ? explain_raise(w, f, target)
                                              : explain_text(w, "lower the target from %" PRId64 " to %" PRId64, y->target, target);
    if (on_demand != x->on_demand_target)
        verdict = explain_text(w, "%s, on demand %" PRId64 " of it", verdict, on_demand);
    assert(target >= 0);
    assert(target != y->target || on_demand != x->on_demand_target);
    assert(x->state == FLEET_ACTIVE);
    work_action(w, (struct action){.kind = ACTION_SET_TARGET,
                                   .target = x->id,
                                   .instance = -1,
                                   .fleet = f,
                                   .capacity = target,
                                   .target_before = x->target,
                                   .on_demand = on_demand,
                                   .recheck = !up ? RECHECK_FLEET_ACTIVE : x->kind == FLEET_GROUP ? RECHECK_RAISE : RECHECK_NONE,
                                   .after = after >= 0 ? after : owner_after(w, f),
                                   .fact = fact,
                                   .verdict = verdict,
                                   .hourly_delta = up ? raise_cost(w, f, on_demand > x->on_demand_target) : (struct usd){0}});
    targets_say(w, f, code, fact, verdict);
}

const char *targets_fact(struct work *w, int f)
{
    const struct work_fleet *y = &w->fleet[f];
    return explain_text(w, "target %" PRId64 ", %d members weigh %g", y->target, y->live, (double)y->live_milli / 1000);
}

// ---- up -------------------------------------------------------------------------------------------------------------------
// V4: what the fleet counts with the members that a look left out, as far as its bound goes; 0: none is. It launches nothing for these.
static int64_t with_unseen(const struct work *w, int f)
{
    const struct work_fleet *y = &w->fleet[f];
    const struct fleet *x = &w->s->fleets[f];
    int64_t doomed = y->doomed_milli / 1000, sum = (y->stay_milli + y->unseen_milli) / 1000 + (y->replaced ? 0 : doomed);
    int64_t most = y->policy->max + doomed;
    return y->unseen_milli == 0 || x->kind == FLEET_INSTANT ? 0 : i64_min(sum, x->kind == FLEET_GROUP ? i64_min(most, x->max_size) : most);
}

static bool plan_raise(struct work *w, int f, const struct sums *x)
{
    const struct fleet *fleet = &w->s->fleets[f];
    const struct work_fleet *y = &w->fleet[f];
    // What an undone drain was taken out of comes back, the on-demand part too.
    int64_t part = x->undone_low ? parts_that_stays(w, f) : fleet->on_demand_target;
    int64_t back = x->undone_low ? parts_sum(w, f, part) : 0;
    int64_t min = y->target < y->policy->min ? y->policy->min : 0;
    if (fleet->kind == FLEET_INSTANT)
        part = back = min = 0;
    int64_t need = y->need_target > 0 ? y->need_target + part - fleet->on_demand_target : 0;
    int64_t asked = i64_max(need, i64_max(back, min));
    if (fleet->kind == FLEET_GROUP)
        asked = i64_min(i64_max(asked, fleet->min_size), fleet->max_size);  // what Auto Scaling takes
    if (asked <= y->target || w->no_order)
        return false;
    int64_t want = i64_max(asked, with_unseen(w, f));
    const char *fact = need >= asked   ? y->need_fact
                       : back >= asked ? "a drain is undone, members that stay weigh more than the target"
                       : min >= asked  ? explain_text(w, "min %" PRId64 " by policy", y->policy->min)
                                       : explain_text(w, "min %" PRId64 " of the group", fleet->min_size);
    if (fleet->state != FLEET_ACTIVE) {
        targets_say(w, f, VERDICT_HOLD, explain_text(w, "%s; fleet is %s", fact, fleet_state_name(fleet->state)),
            explain_text(w, "raise the target to %" PRId64 " once it is active", want));
        return true;
    }
    if (want <= fleet->target) {
        // Either AWS still shows the target before our lowering, or somebody raised it since: then ours would lower it.
        targets_say(w, f, VERDICT_HOLD, explain_text(w, "target %" PRId64 " sent, %" PRId64 " shown", y->target, fleet->target),
            explain_text(w, "raise the target to %" PRId64 " once ours is shown", want));
        return true;
    }
    struct fallback_target t = {want, 0};
    if (fleet->kind != FLEET_INSTANT) {  // launch.c says so of each launch
        t = on_demand_raise(w, f, want, part);
        if (t.on_demand > part)
            fact = explain_text(w, "%s; of it %s", fact, on_demand_fact(w, f));
        t = fallback_on_demand(w, f, t.target, t.on_demand);
    }
    targets_send(w, f, t.target, t.on_demand, need >= back ? -1 : x->undo_action, fact, VERDICT_LAUNCH);
    return true;
}

// ---- down -----------------------------------------------------------------------------------------------------------------
static const char *end_hold(struct work *w, int f)
{
    const struct fleet *fleet = &w->s->fleets[f];
    if (w->no_removal)
        return w->no_removal;
    if (w->p->mode == MODE_OBSERVE)
        return "mode observe";
    if (!modes_may(w, f, DEED_REMOVE))
        return modes_why(w, f);
    if (fleet->state != FLEET_ACTIVE)
        return explain_text(w, "fleet is %s", fleet_state_name(fleet->state));
    if (w->fleet[f].lagging)
        return explain_text(w, "target %" PRId64 " sent, %" PRId64 " shown", w->fleet[f].target, fleet->target);
    return scale_in_waiting(w);
}

static void hold_ends(struct work *w, int f, const char *why)
{
    for (size_t i = 0; i < w->s->instance_count; i++) {
        bool ours = waits_to_end(w, i, DRAIN_EMPTY) || waits_to_end(w, i, DRAIN_LOWERED) || waits_to_end(w, i, DRAIN_ENDING);
        if (w->s->instances[i].fleet == f && ours && !w->inst[i].judged)
            explain_judge(w, (int)i, VERDICT_HOLD, explain_text(w, "empty; %s", why), "wait");
    }
}

// A min that rose since the drain began: what stays must weigh it.
static bool undo_below_min(struct work *w, int f, const struct sums *x)
{
    const struct work_fleet *y = &w->fleet[f];
    if (x->keep_milli / 1000 >= y->policy->min)
        return false;
    for (size_t i = w->s->instance_count; i-- > 0;) {
        if (!of_fleet(w, i, f) || !waits_to_end(w, i, DRAIN_EMPTY) || w->s->instances[i].notice_ms > 0 || w->inst[i].judged)
            continue;
        drain_undo(w, (int)i,
                   explain_text(w, "without it %g of min %" PRId64 " stay", (double)x->keep_milli / 1000, y->policy->min),
                   "undo the drain");
        return true;
    }
    return false;
}

static void judge_empty(struct work *w, int f, enum verdict_code code, const char *fact, const char *verdict)
{
    for (size_t i = 0; i < w->s->instance_count; i++)
        if (of_fleet(w, i, f) && may_end(w, i, DRAIN_EMPTY) && !w->inst[i].judged)
            explain_judge(w, (int)i, code, fact, verdict);
}

// V4: a look that leaves a member out would make a sum without it. NULL once that has lasted: then it is no member.
static const char *unseen_hold(struct work *w, int f)
{
    const struct work_fleet *y = &w->fleet[f];
    const struct fleet *x = &w->s->fleets[f];
    if (y->unseen_milli == 0)
        return NULL;
    const struct memo_stamp *was = work_old_stamp(w, STAMP_UNSEEN, x->id);
    int64_t since = was && was->since_ms <= w->s->now_ms ? was->since_ms : w->s->now_ms;
    work_stamp_set(w, (struct memo_stamp){STAMP_UNSEEN, x->id, since, 0, 0, 0});
    if (w->s->now_ms - since >= UNSEEN_MS)
        return NULL;
    return explain_text(w, "%s counts %g, its members that are seen weigh %g", x->id, (double)x->fulfilled_milli / 1000, (double)(x->fulfilled_milli - y->unseen_milli) / 1000);
}

// Returns true when a lower target was sent. When the others cover the target as it is, the empty ones go straight on. Open
// orders and empty ones of ours together would make a sum that drifts as they are filled: the orders go first.
static bool plan_lower(struct work *w, int f, const struct sums *x)
{
    const struct work_fleet *y = &w->fleet[f];
    int64_t target = (x->keep_milli + y->doomed_milli) / 1000;
    if (x->empty + x->lowered == 0)
        return false;
    if (x->open > 0) {
        judge_empty(w, f, VERDICT_HOLD, explain_text(w, "empty; %s: %" PRId64 " on order", w->s->fleets[f].id, x->open),
                    "wait for them");
        return false;
    }
    const char *unseen = unseen_hold(w, f);
    if (unseen) {
        judge_empty(w, f, VERDICT_HOLD, explain_text(w, "empty; %s", unseen), "wait until all are seen");
        return false;
    }
    // Also once more, when a neighbour died after ours was lowered. An on-demand victim lowers its own part, whatever the others weigh.
    if (target < y->target || (x->part_falls && !w->no_order)) {
        const char *fact = explain_text(w, "%d empty of ours to end, the others weigh %g", x->empty + x->lowered,
                                        (double)x->keep_milli / 1000);
        targets_send(w, f, target, x->on_demand, -1, fact, VERDICT_LOWER);
        struct action *a = &w->plan->actions[w->plan->action_count - 1];
        if (x->empty == 1) {
            a->instance = x->first_empty;
            a->recheck |= RECHECK_EMPTY | RECHECK_DRAINING;
        }
        judge_empty(w, f, VERDICT_LOWER, fact, explain_text(w, "lower the target to %" PRId64, target));
        return true;
    }
    for (size_t i = 0; i < w->s->instance_count; i++)
        if (of_fleet(w, i, f) && may_end(w, i, DRAIN_EMPTY))
            drain_move(w, work_drain(w, (int)i), DRAIN_LOWERED);
    return false;
}

static void send_terminate(struct work *w, int i, const char *fact)
{
    int f = w->s->instances[i].fleet;
    bool replaced = !w->fleet[f].loose && w->s->fleets[f].kind != FLEET_INSTANT;
    assert(w->s->instances[i].ecs == ECS_DRAINING);
    work_action(w, (struct action){.kind = ACTION_TERMINATE,
                                   .target = w->s->instances[i].id,
                                   .instance = i,
                                   .fleet = f,
                                   .target_before = w->s->fleets[f].target,
                                   .recheck = RECHECK_EMPTY | RECHECK_DRAINING | (replaced ? RECHECK_FLEET_ACTIVE : RECHECK_NONE),
                                   .after = -1,
                                   .fact = fact,
                                   .verdict = "end",
                                   .hourly_delta = {-work_price(w, i).micro}});
}

static void plan_ends(struct work *w, int f)
{
    const struct work_fleet *y = &w->fleet[f];
    int64_t others_milli = 0, doomed_milli = y->doomed_milli, on_demand_milli = 0, most_milli = w->s->fleets[f].on_demand_target * 1000;
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *x = &w->s->instances[i];
        if (!of_fleet(w, i, f))
            continue;
        bool ends = waits_to_end(w, i, DRAIN_LOWERED) || waits_to_end(w, i, DRAIN_ENDING);
        if (ends && x->notice_ms > 0)
            doomed_milli -= x->weight_milli;  // doomed as it is, it goes by our call: no other that covers
        else if (!ends && x->notice_ms == 0)
            *(x->spot ? &others_milli : &on_demand_milli) += x->weight_milli;
    }
    others_milli += i64_max(0, doomed_milli);
    // Of a target with an on-demand part each part is asked for by itself.
    bool od_short = most_milli > 0 && on_demand_milli < most_milli, spot_short = most_milli > 0 && others_milli < w->s->fleets[f].target * 1000 - most_milli;
    others_milli += most_milli > 0 ? i64_min(on_demand_milli, most_milli) : on_demand_milli;
    // V3: what the others and the orders still wanted do not cover, the fleet would replace.
    int64_t covered = i64_max(others_milli / 1000, y->need_target);
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct memo_drain *d = work_drain(w, (int)i);
        if (!of_fleet(w, i, f) || w->inst[i].judged || (!may_end(w, i, DRAIN_LOWERED) && !may_end(w, i, DRAIN_ENDING)))
            continue;
        const char *fact = explain_text(w, "empty, target %" PRId64 ", the others weigh %g", w->s->fleets[f].target,
                                        (double)others_milli / 1000);
        bool due = d->state == DRAIN_LOWERED || w->s->now_ms - d->state_since_ms >= END_AGAIN_MS;
        bool part_short = y->need_target == 0 && (w->s->instances[i].spot ? spot_short : od_short);
        if (w->s->fleets[f].target > covered || part_short) {
            explain_judge(w, (int)i, VERDICT_HOLD, fact, "wait, the fleet would replace it");
        } else if (!due) {
            explain_judge(w, (int)i, VERDICT_END, "TerminateInstances sent", "ends");
        } else {
            send_terminate(w, (int)i, fact);
            explain_judge(w, (int)i, VERDICT_END, fact, "end");
        }
    }
}

// ---- one fleet ------------------------------------------------------------------------------------------------------------
static void say_closed(struct work *w, int f)
{
    const struct work_fleet *y = &w->fleet[f];
    const struct fleet *x = &w->s->fleets[f];
    enum verdict_code code = !y->policy || x->foreign_scaling || owner_other(w, x) ? VERDICT_FOREIGN : !x->found ? VERDICT_UNKNOWN : VERDICT_HOLD;
    targets_say(w, f, code, y->closed, "not changed");
    hold_ends(w, f, explain_text(w, "its fleet: %s", y->closed));
}

// Its members are ended by id: there is no target that anything could be replaced for.
static void end_by_id(struct work *w, int f, const char *fact)
{
    const char *hold = w->no_removal                    ? w->no_removal
                       : w->p->mode == MODE_OBSERVE     ? "mode observe"
                       : !modes_may(w, f, DEED_REMOVE)  ? modes_why(w, f)
                                                        : scale_in_waiting(w);
    if (hold) {
        hold_ends(w, f, hold);
        return;
    }
    for (size_t i = 0; i < w->s->instance_count; i++) {
        struct memo_drain *d = work_drain(w, (int)i);
        if (!of_fleet(w, i, f) || w->inst[i].judged)
            continue;
        if (may_end(w, i, DRAIN_EMPTY))
            drain_move(w, d, DRAIN_LOWERED);
        bool due = may_end(w, i, DRAIN_LOWERED) || (may_end(w, i, DRAIN_ENDING) && w->s->now_ms - d->state_since_ms >= END_AGAIN_MS);
        if (!due)
            continue;
        send_terminate(w, (int)i, fact);
        explain_judge(w, (int)i, VERDICT_END, "empty, nothing replaces it", "end");
    }
    hold_ends(w, f, "TerminateInstances sent");
}

static void plan_fleet(struct work *w, int f)
{
    struct work_fleet *y = &w->fleet[f];
    targets_say(w, f, VERDICT_KEEP, targets_fact(w, f), "keep");
    if (y->loose) {
        targets_say(w, f, VERDICT_HOLD, y->closed, "its members leave first");
        end_by_id(w, f, explain_text(w, "empty, nothing replaces it: its fleet is %s", y->closed));
        return;
    }
    if (y->closed) {
        say_closed(w, f);
        return;
    }
    struct sums x = add_up(w, f);
    const char *hold = end_hold(w, f);
    if (w->s->fleets[f].kind == FLEET_INSTANT) {
        plan_raise(w, f, &x);
        end_by_id(w, f, "empty, nothing replaces it");
        return;
    }
    capacity_rebalance_ends(w, f, hold);
    if (w->s->fleets[f].kind == FLEET_GROUP) {  // B5: one call ends and lowers; nothing else ever lowers
        plan_raise(w, f, &x);
        groups_end(w, f, hold);
        return;
    }
    if (!hold && undo_below_min(w, f, &x)) {
        work_roles(w);
        x = add_up(w, f);
    }
    // A fleet takes one change at a time: what is empty waits until it shows the new target.
    bool changed = plan_raise(w, f, &x) || targets_rest(w, f, &x) || targets_on_demand(w, f);
    if (hold)
        hold_ends(w, f, hold);
    else if (changed || plan_lower(w, f, &x))
        hold_ends(w, f, "its fleet changes in this tick");
    else
        plan_ends(w, f);
}

void targets_plan(struct work *w)
{
    for (size_t f = 0; f < w->s->fleet_count; f++)
        plan_fleet(w, (int)f);
    for (size_t i = 0; i < w->s->instance_count; i++) {
        bool ours = waits_to_end(w, i, DRAIN_EMPTY) || waits_to_end(w, i, DRAIN_LOWERED) || waits_to_end(w, i, DRAIN_ENDING);
        if (ours && !w->inst[i].judged)
            explain_judge(w, (int)i, VERDICT_HOLD,
                          w->s->instances[i].ecs == ECS_DRAINING
                              ? "empty; it is in no fleet that we change"
                              : explain_text(w, "drained by us, ECS says %s", ecs_state_name(w->s->instances[i].ecs)),
                          "wait");
    }
}

void targets_explain(struct work *w)
{
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        const struct work_fleet *y = &w->fleet[f];
        explain_verdict(w, (struct verdict){.kind = CANDIDATE_FLEET,
                                            .code = y->code,
                                            .target = w->s->fleets[f].id,
                                            .fact = y->fact,
                                            .verdict = y->verdict,
                                            .wanted = y->wanted,
                                            .allowed = y->allowed});
    }
}
