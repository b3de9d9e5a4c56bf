#include "base/fsm.h"

#include <string.h>

#include "base/check.h"

static bool is_state(const struct fsm_table *t, int state)
{
    assert(t->count <= 32);
    return state >= 0 && state < t->count;
}

bool fsm_allows(const struct fsm_table *t, int from, int to)
{
    return is_state(t, from) && is_state(t, to) && (t->states[from].next_mask >> to & 1u);
}

void fsm_move(const struct fsm_table *t, int *state, int to)
{
    assert(fsm_allows(t, *state, to));
    *state = to;
}

const char *fsm_name(const struct fsm_table *t, int state)
{
    return is_state(t, state) ? t->states[state].name : "unknown";
}

int fsm_by_name(const struct fsm_table *t, const char *name)
{
    for (int i = 0; name && i < t->count; i++)
        if (t->states[i].name && strcmp(t->states[i].name, name) == 0)
            return i;
    return -1;
}
