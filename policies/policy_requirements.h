// The part of a policy that says which instance types a fleet may be made of. Where the fleet itself names its types masu cannot
// choose: then a type outside is told by the doctor. Strings and arrays are owned by the loader's arena.
#pragma once

#include "base/arena.h"
#include "planner/model/type_rules.h"
#include "policies/policy_instant.h"

enum gpu_rule { GPUS_NONE, GPUS_ANY, GPUS_ONLY, GPUS_COUNT };
enum generation_rule { GENERATION_CURRENT, GENERATION_ANY, GENERATION_COUNT };

struct policy_requirements {
    int64_t vcpus_min;         // required: 0 = the policy has no requirements here
    int64_t vcpus_max;         // 0 no bound
    int64_t memory_mib_min, memory_mib_max;
    enum gpu_rule gpus;
    enum generation_rule generation;
    bool burstable;
    struct policy_word *allow, *exclude;  // patterns; no `allow`: all
    size_t allow_count, exclude_count;
};

// What a type must meet; `arch` is the fleet's, "" any. Bare metal is never meant. Patterns are in the arena.
struct type_rules policy_type_rules(const struct policy_requirements *r, const char *arch, struct arena *a);
