#include "planner/patience.h"

#include "planner/explain.h"

void patience_hold(struct work *w)
{
    int64_t limit_ms = patience_of(w->p);
    for (size_t k = 0; k < w->now.item_count && limit_ms > 0; k++) {
        struct item *it = &w->now.items[k];
        int32_t wait = it->count - it->now - it->later - it->leaving;
        bool peak = !it->headroom && !it->hopeless && it->held == 0 && it->service >= 0;  // what is held has its reason
        if (!peak || wait <= 0 || w->s->services[it->service].deployment_count > 1)
            continue;
        const struct memo_stamp *was = work_old_stamp(w, STAMP_WAITING, w->s->shapes[it->shape].name);
        int64_t since_ms = was && was->since_ms <= w->s->now_ms ? was->since_ms : w->s->now_ms;
        if (w->s->now_ms - since_ms >= limit_ms)
            continue;
        it->held += wait;
        it->in_turn = true;
        it->hold = "it may be a short peak, and waiting costs less than an instance";
        it->remedy = explain_text(w, "they use room that is there, or one is ordered at %s; scale_out.waiting_costs of 1 or more orders at once",
                                  explain_time(w, since_ms + limit_ms));
    }
}
