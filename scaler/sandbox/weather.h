// Weather: faults that come by themselves, seeded, as an operator meets them over a day: now and then one call fails; a few times
// an hour a spell of throttling, errors, lost answers or late reads covers some operations for minutes.
//
// Made of the same faults as those by order (sandbox.h). A spell begins and ends in world time; equal seeds and calls give equal
// weather. Reads that lag show states as they were up to two minutes ago, never older.
#pragma once

#include "base/rng.h"
#include "scaler/sandbox/faults.h"

enum weather_spell {
    SPELL_CALM,      // one call in 500 fails
    SPELL_THROTTLE,  // another tool uses up the buckets
    SPELL_ERRORS,    // 500 and 503
    SPELL_LOST,      // no answer, with the effect applied or not
    SPELL_BROKEN,    // half answers and garbage
    SPELL_LAG,       // reads are late
    SPELL_COUNT
};

struct weather {
    struct rng rng;
    enum weather_spell spell;
    const char *operation;  // glob over "ecs:ListTasks": what the spell covers
    int permille;           // of the covered calls
    int64_t until_ms;       // world time; 0: not begun
    int64_t lag_ms;         // of reads, now
    int64_t served;         // faults so far
};

void weather_init(struct weather *w, uint64_t seed);
// Whether this call meets a fault, and which; *ret is written then. To be asked once a call.
bool weather_strikes(struct weather *w, const char *operation, int64_t world_ms, struct fault *ret);
