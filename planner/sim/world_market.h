// The part of the virtual world's truth that is about the spot market: part of world_state.h, under its rules.
#pragma once

#include <stdint.h>

// A type in a zone: its spot price and what is left of it.
struct world_pool {
    int type, zone;                // zone: index into world.zones
    int64_t spot_usd_micro;        // an hour, now
    int64_t price_changed_ms;
    int32_t depth;                 // instances that the market would still give; 0 = out of stock
    int64_t shortage_until_ms;     // 0 = none
    int64_t mean_permyriad;        // of the on-demand price, to which the spot price returns
    double interruptions_per_hour; // per instance
    int series;                    // of the recorded market that it follows, -1: it moves by chance
    int64_t shift_s;               // how far into that record the world began
    double share;                  // of its usual stock that the record leaves, 0 to 1
    int32_t calm_depth;            // its usual stock
};

// An entry of a fleet's history that is about no instance.
struct world_fleet_event {
    int64_t at_ms;                 // 0: none
    const char *type, *sub_type;   // static: "error", "information"; "launchSpecTemporarilyBlacklisted", …
    int pool;                      // -1: about all
};

// Tasks of a service that ran on an instance at its spot notice.
struct world_held {
    int service;
    int32_t count;
};
