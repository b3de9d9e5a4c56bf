// How many instances to have, level by level: start the k-th while a missing one would cost more than an idle one, keep it while it is
// likelier to be wanted again than its return is worth. The level rule; its one knob is a price.
//
// A level is one instance of `per_instance` tasks. `lambda` is the price of one instance-second that tasks wait, in instance-seconds billed;
// `phi` the share of returns that are waited for. Pure.
#pragma once

#include <stdint.h>

#include "planner/forecast/bank.h"

enum { LEVEL_MEMORY_MAX = 16 };

struct level_rule {
    double lambda, phi;
    double per_instance;   // tasks
    double boot_s;
    int most;              // never a level above it
    int memory;            // earlier decisions whose `up` still holds releases: with the present one a minute's
};

// Of one caller; zero at the start.
struct level_memory {
    int up[LEVEL_MEMORY_MAX], next, count;
};

struct level_answer {
    int now;   // needed at this moment
    int up;    // running and booting together should be at least this
    int keep;  // running ones above it may go
};

// `demand` is what was pushed to the bank last. The bank must be ready.
struct level_answer level_decide(const struct level_rule *r, const struct bank *b, double demand, struct level_memory *m);
