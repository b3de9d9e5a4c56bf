// The hands of a rule: what it may know of a cluster at a decision, and how its wish for so much capacity is carried out.
//
// Capacity is in the fleet's units (its weights). A wish has two sides: `up`, what running and coming members together should be at least,
// and `keep`, what may stay of the registered ones. More is had by taking back drains of its own, then by a raised target; less by draining
// the members with the fewest tasks. A member is ended by id when its drain has left no task on it, the target lowered before; one that has
// a notice is drained at the next decision. That is how a careful operator scales a fleet by hand, and better than most tools do: the rules
// that are compared with masu (rule.h) all have these hands, but ECS managed scaling, which has its own (managed.h). Acts as a person
// (WORLD_PERSON) on cluster 0 and fleet 0 of its world.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "planner/sim/world.h"

struct crew_facts {
    int64_t now_ms;
    double need;                    // units that the tasks wanted now would fill, packed without loss
    int64_t active, coming, draining;  // units: registered and to stay; launched or ordered; on drains of its own
    double cpu_share, memory_share; // of what is registered and to stay, reserved by tasks wanted now
    int64_t unit_of_one;            // units of one more instance, on average
};

struct crew {
    struct world *w;
    int64_t drains;                 // begun, those of a notice left out
};

void crew_look(const struct crew *c, struct crew_facts *ret);
void crew_order(struct crew *c, int64_t up, int64_t keep);
// The first half of a decision: ends what is empty, drains what has a notice.
void crew_tidy(struct crew *c);
