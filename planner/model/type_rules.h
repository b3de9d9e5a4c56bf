// Which instance types are meant by a description: of the policy (`requirements`), or of a fleet that AWS picks types for by
// attributes. Pure; strings are borrowed.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum trait_rule { TRAIT_EXCLUDED, TRAIT_INCLUDED, TRAIT_REQUIRED };

struct type_rules {
    int64_t vcpus_min, vcpus_max;            // a max of 0: no bound
    int64_t memory_min_mib, memory_max_mib;
    int64_t gpus_min, gpus_max;              // a max of -1: no bound; of 0: none
    const char *arch;                        // "x86_64", "arm64", "" any
    enum trait_rule current, previous;       // generations; both INCLUDED: any
    enum trait_rule burstable, bare_metal;
    const char *const *only;                 // patterns, "c5.*"; none: every type
    size_t only_count;
    const char *const *except;
    size_t except_count;
};

struct type_facts {
    const char *name, *arch;
    int64_t vcpus, memory_mib, gpus;
    bool current, burstable, bare_metal;
};

// Every type.
struct type_rules type_rules_any(void);
// Why the type is not meant, a constant in words such as "fewer vCPUs"; NULL: it is.
const char *type_rules_miss(const struct type_rules *r, const struct type_facts *t);
struct type_rules *type_rules_copy(struct arena *a, const struct type_rules *r);  // deep
// `*` stands for any letters, none too.
bool type_pattern_match(const char *pattern, const char *name);
