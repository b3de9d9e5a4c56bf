// State machines as tables (after dqlite's sm.h): every state has a name, the states it may move to, and flags.
//
// A move that the table does not allow is a bug and asserts. The caller records the move with its reason.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct fsm_state {
    const char *name;
    uint32_t next_mask;  // bit i set: may move to state i
    bool final;
};

struct fsm_table {
    const struct fsm_state *states;
    int count;  // <= 32
};

bool fsm_allows(const struct fsm_table *t, int from, int to);
void fsm_move(const struct fsm_table *t, int *state, int to);  // asserts that the edge exists
const char *fsm_name(const struct fsm_table *t, int state);
int fsm_by_name(const struct fsm_table *t, const char *name);  // -1 if unknown
