// What targets were really sent, as the next tick has to know it.
#include <string.h>

#include "planner/targets.h"

void targets_commit(struct work *w)
{
    struct memo *m = w->memo;
    m->targets = arena_array(w->a, struct memo_target, w->s->fleet_count + 1);
    m->target_cap = w->s->fleet_count + 1;
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        struct memo_target t = {0};
        for (size_t k = 0; w->old && k < w->old->target_count; k++)
            if (strcmp(w->old->targets[k].fleet, w->s->fleets[f].id) == 0)
                t = w->old->targets[k];
        for (size_t k = 0; k < w->plan->action_count; k++) {
            const struct action *x = &w->plan->actions[k];
            if (x->kind == ACTION_SET_TARGET && x->fleet == (int)f)
                t = (struct memo_target){x->target, x->capacity, w->s->now_ms};
        }
        if (t.fleet && w->s->fleets[f].kind != FLEET_INSTANT)  // it has none: its launches are remembered
            m->targets[m->target_count++] = t;
    }
}
