#include "planner/sim/queue.h"

#include "planner/sim/world_internal.h"

static bool sooner(const struct world_item *a, const struct world_item *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->seq < b->seq;
}

void queue_push(struct world *w, int64_t at_ms, enum world_ev kind, int a, int b, uint64_t serial)
{
    struct world_queue *q = &w->queue;
    assert(q->count < WORLD_EVENTS_MAX);
    assert(at_ms >= w->now_ms);
    q->items = arena_grow(&w->arena, q->items, q->count, &q->cap, sizeof *q->items);
    struct world_item it = {at_ms, q->seq++, kind, a, b, serial};
    size_t i = q->count++;
    while (i > 0 && sooner(&it, &q->items[(i - 1) / 2])) {
        q->items[i] = q->items[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    q->items[i] = it;
}

bool queue_pop(struct world *w, int64_t until_ms, struct world_item *ret)
{
    struct world_queue *q = &w->queue;
    if (q->count == 0 || q->items[0].at_ms > until_ms)
        return false;
    *ret = q->items[0];
    struct world_item last = q->items[--q->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= q->count)
            break;
        if (child + 1 < q->count && sooner(&q->items[child + 1], &q->items[child]))
            child++;
        if (!sooner(&q->items[child], &last))
            break;
        q->items[i] = q->items[child];
        i = child;
    }
    if (q->count > 0)
        q->items[i] = last;
    return true;
}

int64_t queue_next_ms(const struct world *w)
{
    return w->queue.count ? w->queue.items[0].at_ms : INT64_MAX;
}
