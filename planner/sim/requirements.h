// What a fleet or a group of the virtual world asks for in place of instance types: InstanceRequirements, played from AWS's documentation.
//
// AWS launches any type that meets all of it. What is left out: no bound, but burstable and bare-metal types, which are excluded unless
// asked for. A type must also be of the architecture of the image, which the launch template names.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { WORLD_PATTERNS = 4 };

struct world_requirements {
    int32_t vcpus_min, vcpus_max;            // min is required; a max of 0: no bound
    int32_t memory_mib_min, memory_mib_max;  // min is required
    bool burstable;                          // "included"
    char allowed[WORLD_PATTERNS][24], excluded[WORLD_PATTERNS][24];  // "c5.*": * is any letters; one of the two lists
    int allowed_count, excluded_count;
    char arch[12];                           // of the image
};

struct world;
struct world_type;
struct world_override;

bool world_meets(const struct world_requirements *r, const struct world_type *t);
// The types that meet it, each for any zone and of weight 1; ret holds WORLD_OVERRIDES. Returns how many.
int world_meeting(const struct world *w, const struct world_requirements *r, struct world_override *ret);
