// Scale-out, its first part: drains of ours are undone where that gives waiting tasks room.
#include "planner/drain.h"
#include "planner/explain.h"
#include "planner/modes.h"
#include "planner/placement.h"
#include "planner/scale_out.h"

#define UNDO_MAX 64  // drains looked at in one tick

static bool undoable(struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    const struct memo_drain *d = work_drain(w, i);
    return d && d->state <= DRAIN_LOWERED && !w->inst[i].planned_undo && !w->inst[i].judged && x->notice_ms == 0 &&
           x->rebalance_ms == 0 && x->ec2 == EC2_RUNNING && x->agent_connected && modes_may(w, x->fleet, DEED_UNDO);
}

// How many waiting tasks would find room, its own ones among them: those need not move at all.
static int64_t undo_helps(struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    int64_t helps = 0;
    for (size_t k = 0; k < w->now.item_count; k++) {
        const struct item *it = &w->now.items[k];
        int64_t left = it->count - it->now - it->later;
        if (left == 0 || it->hopeless)
            continue;
        if (placement_fits(w, it->shape, i, w->inst[i].free))
            helps += i64_min(left, res_times(work_shape(w, it->shape)->need, w->inst[i].free));
        for (size_t h = 0; h < x->holding_count; h++)
            if (x->holdings[h].service == it->service)
                helps += i64_min(left, (int64_t)x->holdings[h].running + x->holdings[h].pending);
    }
    return helps;
}

static int best_undo(struct work *w, const bool *tried)
{
    int best = -1;
    int64_t best_helps = 0;
    for (size_t i = 0; i < w->s->instance_count; i++) {
        if (tried[i] || !undoable(w, (int)i))
            continue;
        int64_t helps = undo_helps(w, (int)i);
        if (helps > best_helps) {
            best = (int)i;
            best_helps = helps;
        }
    }
    return best;
}

void scale_out_undo(struct work *w)
{
    bool *tried = arena_array(w->a, bool, w->s->instance_count + 1);
    for (int n = 0; n < UNDO_MAX && w->now.unplaced > 0; n++) {
        int i = best_undo(w, tried);
        if (i < 0)
            break;
        tried[i] = true;
        struct pass after;
        int64_t waiting = w->now.unplaced;
        w->inst[i].planned_undo = true;
        work_roles(w);
        placement_pass(w, (struct pass_options){0}, &after);
        if (after.unplaced < waiting) {
            drain_undo(w, i,
                       explain_text(w, "%" PRId64 " task%s no room, %" PRId64 " with its %s", waiting, waiting == 1 ? " has" : "s have",
                                    after.unplaced, explain_res(w, w->inst[i].free)),
                       "undo the drain");
            w->now = after;
            w->ahead.undid = true;
        } else {
            w->inst[i].planned_undo = false;
            work_roles(w);
        }
    }
}
