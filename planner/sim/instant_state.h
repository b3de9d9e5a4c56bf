// What the world knows of the launch of an EC2 Fleet of type instant. Part of world_state.h.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define WORLD_TEXT 256
#define WORLD_OVERRIDES 32
#define WORLD_LAUNCH_TAGS 6

struct world_tag {
    char key[64], value[WORLD_TEXT];
};

struct world_refusal {
    int override;
    bool spot;
    const char *code, *message;    // static text
};

struct world_launch {
    char token[65];                // ClientToken of the creation, "" none
    uint64_t asked;                // digest of the whole request
    struct world_tag tags[WORLD_LAUNCH_TAGS];  // of the instances
    int tag_count;
    struct world_refusal refusals[WORLD_OVERRIDES];
    int refusal_count;
};
