// Makes a failing ordeal small: fewer faults, a shorter run, the same invariant broken (delta debugging, Zeller 2002).
#pragma once

#include "planner/sim/ordeal.h"

// Runs an ordeal: tells whether it still breaks what it broke, and when.
struct shrink {
    int (*run)(void *arg, const struct ordeal *o, struct ordeal_result *ret, struct err *err);
    void *arg;
    int64_t runs;                // done so far
};

// `o` breaks the invariant `id`. *ret breaks it too, and no longer does so without any one of its faults, unless `most` runs did not suffice.
// It ends in the minute after the first violation. Its items are the arena's.
int shrink_ordeal(struct shrink *s, const struct ordeal *o, enum invariant id, int64_t most, struct arena *a, struct ordeal *ret,
                  struct err *err);
