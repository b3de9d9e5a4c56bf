#include "planner/capacity_rebalance.h"

#include <assert.h>
#include <string.h>

#include "planner/drain.h"
#include "planner/explain.h"

#define END_AGAIN_MS (60 * 1000)     // TerminateInstances is repeated for the same id after this
#define DRAIN_LEAST_MS (2 * 60 * 1000)  // a drain is two looks at its emptiness and the stop timeouts of its tasks

static bool replaces(const struct fleet *f)
{
    return f->replaces && f->replaces[0];
}

static bool leaves_the_end_to_us(const struct fleet *f)
{
    return strcmp(f->replaces, "launch") == 0;
}

bool capacity_rebalance_replaces(const struct snapshot *s, int i)
{
    const struct instance *x = &s->instances[i];
    return x->fleet >= 0 && x->spot && x->rebalance_ms > 0 && replaces(&s->fleets[x->fleet]);
}

bool capacity_rebalance_forgets(const struct snapshot *s, int i)
{
    return capacity_rebalance_replaces(s, i) && s->fleets[s->instances[i].fleet].kind != FLEET_GROUP;
}

int64_t capacity_rebalance_ends_ms(const struct snapshot *s, int i)
{
    if (!capacity_rebalance_forgets(s, i) || leaves_the_end_to_us(&s->fleets[s->instances[i].fleet]))
        return INT64_MAX;
    return s->instances[i].rebalance_ms + s->fleets[s->instances[i].fleet].replace_delay_ms;
}

static void send_end(struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    assert(x->ecs == ECS_DRAINING);
    work_action(w, (struct action){.kind = ACTION_TERMINATE,
                                   .target = x->id,
                                   .instance = i,
                                   .fleet = x->fleet,
                                   .target_before = w->s->fleets[x->fleet].target,
                                   .recheck = RECHECK_EMPTY | RECHECK_DRAINING,
                                   .after = -1,
                                   .fact = "empty, replaced by its fleet, which counts it no longer",
                                   .verdict = "end",
                                   .hourly_delta = {-work_price(w, i).micro}});
    explain_judge(w, i, VERDICT_END, "empty, replaced by its fleet, which counts it no longer", "end");
}

static void end_one(struct work *w, int i, struct memo_drain *d, const char *hold)
{
    const struct fleet *f = &w->s->fleets[w->s->instances[i].fleet];
    if (!leaves_the_end_to_us(f)) {
        explain_judge(w, i, VERDICT_GO_ON, explain_text(w, "empty, its fleet replaces by %s", f->replaces), "ends by itself");
    } else if (hold) {
        explain_judge(w, i, VERDICT_HOLD, explain_text(w, "empty; %s", hold), "wait");
    } else if (d->state == DRAIN_ENDING && w->s->now_ms - d->state_since_ms < END_AGAIN_MS) {
        explain_judge(w, i, VERDICT_END, "TerminateInstances sent", "ends");
    } else {
        if (d->state == DRAIN_EMPTY)
            drain_move(w, d, DRAIN_LOWERED);
        send_end(w, i);
    }
}

void capacity_rebalance_ends(struct work *w, int fleet, const char *hold)
{
    for (size_t i = 0; i < w->s->instance_count && replaces(&w->s->fleets[fleet]); i++) {
        const struct instance *x = &w->s->instances[i];
        struct memo_drain *d = work_drain(w, (int)i);
        bool ours = d && !w->inst[i].planned_undo && d->state >= DRAIN_EMPTY && d->state <= DRAIN_ENDING;
        if (x->fleet == fleet && ours && !w->inst[i].judged && w->inst[i].live && x->ecs == ECS_DRAINING && x->notice_ms == 0 &&
            capacity_rebalance_replaces(w->s, (int)i))
            end_one(w, (int)i, d, hold);
    }
}

const char *capacity_rebalance_too_short(struct work *w, const struct fleet *f)
{
    if (!replaces(f) || leaves_the_end_to_us(f))
        return NULL;
    if (f->kind == FLEET_GROUP)
        return f->hook && f->hook[0] ? NULL : "the group ends members at risk as soon as their replacements are in service, and no hook of ours keeps them";
    int64_t need_ms = w->s->boot_p95_ms + DRAIN_LEAST_MS;
    return f->replace_delay_ms >= need_ms ? NULL
                                          : explain_text(w, "%s after it has launched the replacement the fleet ends a member at risk; to boot and to drain takes %s",
                                                         explain_duration(w, f->replace_delay_ms), explain_duration(w, need_ms));
}
