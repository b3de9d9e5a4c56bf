// What instance types registered with in a cluster, kept over restarts: ECS gets less than EC2 sells, by what the agent reserves, so a
// type that has no instance now is reckoned with what it had. The newest registration counts. Errors as in state/state.h.
#pragma once

#include "planner/model/res.h"
#include "state/query.h"

struct learned_type {
    const char *type;
    struct res registered;   // CPU, memory and GPUs; slots are EC2's to say
    bool trunk;              // with a trunk interface
    int64_t registered_ms;
};

// Adds or replaces all of them, or none.
int state_learned_save(struct state *s, int64_t cluster, const struct learned_type *v, size_t count, struct err *err);
// By name; what cannot be (no CPU or memory) is left out.
int state_learned_load(struct state_reader *r, int64_t cluster, struct arena *a, struct learned_type **ret, size_t *ret_count, struct err *err);
