#include "planner/planner.h"

#include <assert.h>
#include <string.h>

#include "planner/breaker.h"
#include "planner/check.h"
#include "planner/confirm.h"
#include "planner/consolidate.h"
#include "planner/demand.h"
#include "planner/drain.h"
#include "planner/explain.h"
#include "planner/fallback.h"
#include "planner/groups.h"
#include "planner/guard.h"
#include "planner/invariant.h"
#include "planner/launch.h"
#include "planner/loop_guard.h"
#include "planner/modes.h"
#include "planner/occasions.h"
#include "planner/on_demand.h"
#include "planner/orphans.h"
#include "planner/owner.h"
#include "planner/placement.h"
#include "planner/pool_memory.h"
#include "planner/pool_share.h"
#include "planner/quota.h"
#include "planner/risk.h"
#include "planner/runaway.h"
#include "planner/scale_in.h"
#include "planner/scale_out.h"
#include "planner/service_hold.h"
#include "planner/spend.h"
#include "planner/targets.h"
#include "planner/use.h"
#include "planner/watch.h"
#include "planner/work.h"
#include "planner/zones.h"

#define RESTORED_MAX_AGE_MS (15 * 60 * 1000)  // L1: a memo older than this helps nothing
#define EXCLUDED_KEPT_MS (48 * 3600 * 1000LL)  // failures are counted over this

// L1: after a start nothing is drained for a while; for half of it when the memo went on without a gap.
static void stamp_start(struct work *w)
{
    const struct memo_stamp *was = work_old_stamp(w, STAMP_EXCLUDED, w->s->cluster);
    bool kept = w->old && w->old->now_ms <= w->s->now_ms && w->s->started_ms - w->old->now_ms <= RESTORED_MAX_AGE_MS;
    if (was && was->since_ms == w->s->started_ms) {
        work_stamp_set(w, *was);
        return;
    }
    int64_t hold = kept ? w->p->start_hold_ms / 2 : w->p->start_hold_ms;
    work_stamp_set(w, (struct memo_stamp){STAMP_EXCLUDED, w->s->cluster, w->s->started_ms, w->s->started_ms + hold, 0, 0});
}

// What stays true until its time: exclusions, and capacity kept for a demand while some of that still waits (F2).
static void carry_stamps(struct work *w)
{
    for (size_t k = 0; w->old && k < w->old->stamp_count; k++) {
        const struct memo_stamp *x = &w->old->stamps[k];
        bool past = x->since_ms <= w->s->now_ms;
        if (x->kind == STAMP_EXCLUDED && past && work_find(w, x->key) >= 0 &&
            (x->until_ms > w->s->now_ms || w->s->now_ms - x->since_ms < EXCLUDED_KEPT_MS))
            work_stamp_set(w, *x);
        if (x->kind == STAMP_ORDER && past && x->until_ms > w->s->now_ms)
            work_stamp_set(w, *x);
    }
    stamp_start(w);
}

static void release_orders(struct work *w)
{
    int64_t missing = 0;
    for (size_t k = 0; k < w->now.item_count; k++)
        missing += w->now.items[k].hopeless ? 0 : w->now.items[k].missing;
    if (missing > 0)
        return;
    for (size_t k = 0; k < w->memo->stamp_count; k++)
        if (w->memo->stamps[k].kind == STAMP_ORDER && w->memo->stamps[k].since_ms < w->s->now_ms)
            w->memo->stamps[k].until_ms = w->s->now_ms;
}

static void stamp_orders(struct work *w)
{
    for (size_t k = 0; k < w->plan->action_count; k++) {
        const struct action *x = &w->plan->actions[k];
        if (x->kind != ACTION_SET_TARGET || w->fleet[x->fleet].need_target == 0 || x->capacity <= w->fleet[x->fleet].target)
            continue;
        const struct memo_stamp *was = work_stamp(w, STAMP_ORDER, x->target);
        int64_t since = was && was->until_ms > w->s->now_ms ? was->since_ms : w->s->now_ms;
        work_stamp_set(w, (struct memo_stamp){STAMP_ORDER, x->target, since, w->s->now_ms + w->p->demand_hold_ms,
                                              was ? was->count + 1 : 1, 0});
    }
}

static void stamp_waiting(struct work *w)
{
    for (size_t k = 0; k < w->now.item_count; k++) {
        const struct item *it = &w->now.items[k];
        if (it->headroom || it->now == it->count || it->shape < 0)
            continue;
        const char *key = w->s->shapes[it->shape].name;
        const struct memo_stamp *was = work_old_stamp(w, STAMP_WAITING, key);
        int64_t since = was && was->since_ms <= w->s->now_ms ? was->since_ms : w->s->now_ms;
        work_stamp_set(w, (struct memo_stamp){STAMP_WAITING, key, since, 0, it->count - it->now, 0});
    }
}

// What is sent becomes memo.
static void commit(struct work *w)
{
    drain_commit(w);
    targets_commit(w);
    service_hold_settle(w);
    stamp_orders(w);
    fallback_commit(w);
    on_demand_commit(w);
    runaway_commit(w);
    loop_commit(w);
    consolidate_commit(w);
    stamp_waiting(w);
    launch_plan(w);
    invariant_memo(w);
}

int planner_run(const struct planner_input *in, struct arena *a, struct planner_result *ret, struct err *err)
{
    struct work w;
    struct planner_result out;
    int r = check_snapshot(in->snapshot, err);
    if (r)
        return r;
    work_init(&w, in, a, &out);
    modes_init(&w);
    confirm_init(&w);
    carry_stamps(&w);
    drain_observe(&w);  // what became true
    work_roles(&w);
    check_facts(&w);
    drain_undo_own(&w);  // what must not go on
    work_roles(&w);
    work_fleets(&w);
    owner_claim(&w);
    owner_watch_targets(&w);
    breaker_observe(&w);
    pool_memory_observe(&w);
    quota_observe(&w);
    pool_share_init(&w);
    fallback_observe(&w);
    on_demand_observe(&w);
    loop_observe(&w);
    consolidate_observe(&w);
    occasions_observe(&w);
    risk_choose(&w);
    placement_pass(&w, (struct pass_options){0}, &w.now);  // demand, and where it goes
    release_orders(&w);
    scale_out_undo(&w);
    work_fleets(&w);
    spend_init(&w);
    scale_out_order(&w);
    consolidate_order(&w);
    groups_hooks(&w);
    drain_advance(&w);  // the next step of each drain
    targets_plan(&w);
    orphans_plan(&w);
    risk_release(&w);
    scale_in(&w);
    guard_run(&w);  // may only weaken
    explain_demand(&w);
    targets_explain(&w);
    pool_memory_explain(&w);
    explain_collect(&w);
    explain_summary(&w);
    modes_alert(&w);
    spend_alert(&w);
    spend_explain(&w);
    quota_alert(&w);
    use_explain(&w);
    watch_run(&w);
    pool_share_watch(&w);
    zones_watch(&w);
    if (w.p->mode == MODE_OBSERVE)
        explain_would(&w);
    invariant_plan(&w);
    commit(&w);
    *ret = out;
    assert(ret->plan.verdict_count >= in->snapshot->instance_count);
    return 0;
}
