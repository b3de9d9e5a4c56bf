// A state in a directory of its own and short ways to use it, for the tests of state/. Failures fail the test.
#pragma once

#include "state/internal.h"
#include "tests/state/facts.h"

struct box {
    char dir[128], path[160];
    struct clock clock;
    struct arena arena;
    struct facts facts;
};

int box_setup(void **state);
int box_teardown(void **state);
struct state *box_open(struct box *b, const char *path, struct state_opened *ret);
int64_t box_cluster(struct state *s);
int64_t box_begin(struct state *s, int64_t cluster, int64_t at_ms);
void box_record(struct box *b, struct state *s, int64_t tick, const struct plan *plan);
int64_t box_quiet_tick(struct box *b, struct state *s, int64_t cluster, int64_t at_ms);
struct state_intent box_intent(struct box *b, int64_t tick);
struct state_tick_whole box_whole(struct box *b, struct state *s, int64_t tick);
int64_t box_count_ticks(struct state *s);
// As of FACTS_NOW_MS where q has no now_ms.
struct state_series box_series(struct box *b, struct state *s, const struct state_series_query *q);
