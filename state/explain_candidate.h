// One candidate of a tick, for state/explain.c (private to state/): what it is called, its facts, and its verdicts over time.
#pragma once

#include <jansson.h>

#include "state/query.h"

struct explain_parts {
    json_t *snapshot, *plan, *memo;  // NULL where the tick has none
};

// A new reference in *ret. actions: those of the tick, with their outcomes.
int explain_candidate(struct state_reader *r, const struct state_tick *t, const struct explain_parts *p, const char *asked,
                      const json_t *actions, struct arena *a, json_t **ret, struct err *err);
