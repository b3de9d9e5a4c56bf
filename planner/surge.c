#include "planner/surge.h"

#include <stdlib.h>

#include "planner/explain.h"

#define TURN_MS (60 * 60 * 1000LL)  // C4: a deployment that takes longer is stuck and keeps nobody waiting

struct turn {
    struct item *item;
    double size;  // of the whole service: as it does not change while it is deployed, the order stays
};

static int by_size(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return x->item->service - y->item->service;
}

static bool takes_turn(const struct work *w, const struct item *it)
{
    if (it->headroom || it->hopeless || it->surge == 0)
        return false;
    const struct service *s = &w->s->services[it->service];
    assert(s->primary >= 0);
    int64_t created_ms = s->deployments[s->primary].created_ms;
    return created_ms == 0 || w->s->now_ms - created_ms < TURN_MS;
}

void surge_hold(struct work *w)
{
    struct turn *turns = arena_array(w->a, struct turn, w->now.item_count + 1);
    size_t n = 0;
    for (size_t k = 0; k < w->now.item_count; k++) {
        struct item *it = &w->now.items[k];
        if (takes_turn(w, it))
            turns[n++] = (struct turn){it, it->size * w->s->services[it->service].desired};
    }
    if (n > 1)
        qsort(turns, n, sizeof *turns, by_size);
    for (size_t k = (size_t)w->p->surge_services; k < n; k++) {
        struct item *it = turns[k].item;
        int32_t left = it->count - it->now - it->later - it->held;
        int32_t wait = left < it->surge ? left : it->surge;
        if (wait <= 0)
            continue;
        it->held += wait;
        it->in_turn = true;
        it->hold = explain_text(w, "%d of them beside those that its deployment replaces, %zu larger deployments first", wait, k);
        it->remedy = "they use room that is there, or wait their turn; scale_out.surge_services says how many go at once";
    }
}
