#include "planner/intern.h"

static void place(struct intern *t, struct intern_slot s)
{
    size_t at = intern_start(s.hash);
    while (t->slots[at & (t->cap - 1)].id != 0)
        at++;
    t->slots[at & (t->cap - 1)] = s;
}

void intern_put(struct intern *t, struct arena *a, uint64_t hash, int id)
{
    assert(id >= 0);
    if (2 * (t->count + 1) > t->cap) {
        struct intern old = *t;
        t->cap = old.cap ? 2 * old.cap : 64;
        t->slots = arena_array(a, struct intern_slot, t->cap);
        for (size_t k = 0; k < old.cap; k++)
            if (old.slots[k].id != 0)
                place(t, old.slots[k]);
    }
    place(t, (struct intern_slot){(uint32_t)hash, id + 1});
    t->count++;
}
