// What is corrected at rest: doomed weight that leaves, orders that nothing waits for, targets left low, the on-demand part.
#include <string.h>

#include "planner/explain.h"
#include "planner/fallback.h"
#include "planner/loop_guard.h"
#include "planner/modes.h"
#include "planner/on_demand.h"
#include "planner/owner.h"
#include "planner/parts.h"
#include "planner/scale_in.h"
#include "planner/targets_internal.h"

#define FOREIGN_RAISE_MS (30 * 60 * 1000)   // L16: a target raised by another is kept
#define REST_MS (60 * 1000)                 // at least, before a target at rest is corrected

static bool sent_by_us(const struct work *w, int f)
{
    for (size_t k = 0; w->old && k < w->old->target_count; k++)
        if (strcmp(w->old->targets[k].fleet, w->s->fleets[f].id) == 0)
            return w->old->targets[k].target == w->s->fleets[f].target;
    return false;
}

// True once the deviation has lasted; the first tick that sees it only takes the time.
static bool lasted(struct work *w, int f, int64_t for_ms)
{
    const char *id = w->s->fleets[f].id;
    const struct memo_stamp *was = work_old_stamp(w, STAMP_UNNEEDED, id);
    int64_t since = was && was->since_ms <= w->s->now_ms ? was->since_ms : w->s->now_ms;
    work_stamp_set(w, (struct memo_stamp){STAMP_UNNEEDED, id, since, 0, 0, 0});
    return since < w->s->now_ms && w->s->now_ms - since >= for_ms;
}

// A4: whether the doomed weight can still leave the target before it ends, and whether this is the last tick to do it.
static bool in_time(const struct work *w, const struct work_fleet *y, bool *ret_late)
{
    int64_t due_ms = y->first_notice_ms + WORK_DOOMED_MS, now_ms = modes_aws_now_ms(w);
    *ret_late = now_ms + w->p->period_ms > due_ms;
    return y->first_notice_ms > 0 && now_ms <= due_ms;
}

// Where all that was ordered is still on order as the doomed are about to end, only that stays: the fleet would launch their weight on top of it.
static bool order_stays(const struct work *w, int f)
{
    const struct work_fleet *y = &w->fleet[f];
    bool late;
    bool more = y->need_target > 0 || !y->launched;
    return in_time(w, y, &late) && late && more && y->doomed_milli >= 1000 && y->need_target <= y->target &&
           y->target * 1000 > y->stay_milli + y->doomed_milli + y->unseen_milli;
}

// A4: why the doomed weight leaves the target now, NULL: it does not. Later than WORK_DOOMED_MS it may have ended, and been replaced
// by the fleet, without a look that shows either. What the fleet still has on order may be there as well and not yet be seen: as
// long as there is time, wait until it has all it counts. A fleet that forgot the doomed at the notice is replacing them by now.
// Where pools are dry and more is wanted, that stays on order; the doomed weight on top of it would be launched for nothing.
static const char *doomed_leave(struct work *w, int f)
{
    const struct work_fleet *y = &w->fleet[f];
    bool late;
    if (!in_time(w, y, &late))
        return NULL;
    if (y->need_target > 0)
        return y->launched && late ? "what is still wanted stays on order, the doomed weight leaves the target" : NULL;
    bool full = y->stay_milli + y->doomed_milli >= y->target * 1000;
    if (y->launched)
        return full || late ? "the replacement is launched, the doomed weight leaves the target" : NULL;
    // Where none is wanted, to order none is scale-in.
    if (!full || !y->leaving || scale_in_hold(w) || owner_hold(w, f) || loop_hold(w, f))
        return NULL;
    return "no replacement is wanted, the doomed weight leaves the target";
}

// On-demand members above their part count for nothing there: such a part was left low as well.
static bool left_low(struct work *w, int f)
{
    const struct work_fleet *y = &w->fleet[f];
    int64_t part = w->s->fleets[f].on_demand_target;
    return y->target * 1000 + y->weight_max_milli <= y->live_milli || (part > 0 && part * 1000 + y->weight_max_milli <= y->od_stay_milli);
}

bool targets_rest(struct work *w, int f, const struct sums *x)
{
    const struct work_fleet *y = &w->fleet[f];
    if (w->no_removal || y->lagging || w->s->fleets[f].state != FLEET_ACTIVE)
        return false;
    int64_t on_demand = w->s->fleets[f].on_demand_target;  // what it lacks of this part comes from no order of ours: it stays on order
    if (order_stays(w, f) && x->drains == 0) {
        targets_send(w, f, y->target - y->doomed_milli / 1000, on_demand, -1, "what was ordered stays on order, the doomed weight leaves the target", VERDICT_LOWER);
        return true;
    }
    if (y->sizes_in_doubt && scale_in_waiting(w))
        return false;  // what was ordered may hold what waits
    int64_t sum = (y->stay_milli + y->od_short_milli + y->unseen_milli) / 1000, least = i64_max(sum, y->policy->min);
    int64_t wanted = i64_max(least, y->need_target);
    const char *leave = y->target > wanted ? doomed_leave(w, f) : NULL;
    if (leave) {
        targets_send(w, f, wanted, on_demand, -1, leave, VERDICT_LOWER);
        return true;
    }
    if (x->lowered > 0 || y->doomed_milli > 0 || y->need_target > 0)
        return false;
    if (y->target > least && sent_by_us(w, f) && fallback_moved(w, f)) {
        targets_send(w, f, least, on_demand, -1, explain_text(w, "%s, its need moved", fallback_why(w, f)), VERDICT_LOWER);
        return true;
    }
    if (y->target * 1000 > y->live_milli && y->target > least) {
        if (y->ending || y->unseen_milli > 0)
            return false;  // a fleet that replaces it has launched, or has members that we do not see yet: the time begins anew then
        int64_t hold = sent_by_us(w, f) ? i64_max(w->p->unneeded_ms, REST_MS) : FOREIGN_RAISE_MS;
        if (!lasted(w, f, hold) || scale_in_waiting(w))
            return false;  // what waits elsewhere may come here first
        targets_send(w, f, least, on_demand, -1,
                    explain_text(w, "%s, nothing waits for the rest", targets_fact(w, f)), VERDICT_LOWER);
        return true;
    }
    if (x->drains > 0)
        return false;
    bool shrinking = strcmp(w->s->fleets[f].activity, "pending_termination") == 0;
    if (left_low(w, f) && !shrinking && lasted(w, f, REST_MS)) {
        int64_t part = parts_that_stays(w, f), target = i64_min(parts_sum(w, f, part), i64_max(y->policy->max, y->target));
        if (target > y->target) {
            targets_send(w, f, target, i64_min(part, target), -1, explain_text(w, "%s, left low", targets_fact(w, f)), VERDICT_KEEP);
            return true;
        }
    }
    return false;
}

// The on-demand part: up where spot gives nothing or the policy asks for more, back down when that is over. Nothing ends by it.
bool targets_on_demand(struct work *w, int f)
{
    const struct fleet *x = &w->s->fleets[f];
    const struct work_fleet *y = &w->fleet[f];
    if (x->state != FLEET_ACTIVE || y->lagging || w->no_order)
        return false;
    int64_t target = i64_max(y->target, i64_min(y->stay_milli / 1000, i64_max(y->policy->max, y->target)));
    struct fallback_target t = fallback_on_demand(w, f, target, x->on_demand_target);
    const char *fact = NULL;
    if (t.on_demand == x->on_demand_target && !fallback_returns(w, f, &t) && !on_demand_lacks(w, f, &t, &fact))
        return false;
    bool more = t.on_demand > x->on_demand_target;
    targets_send(w, f, t.target, t.on_demand, -1, fact ? fact : fallback_on_demand_fact(w, f), more ? VERDICT_LAUNCH : VERDICT_LOWER);
    return true;
}
