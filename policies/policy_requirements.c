#include "policies/policy_requirements.h"

static const char *const *patterns(const struct policy_word *v, size_t count, struct arena *a)
{
    const char **to = arena_array(a, const char *, count);
    for (size_t i = 0; i < count; i++)
        to[i] = v[i].text;
    return to;
}

struct type_rules policy_type_rules(const struct policy_requirements *r, const char *arch, struct arena *a)
{
    return (struct type_rules){
        .vcpus_min = r->vcpus_min, .vcpus_max = r->vcpus_max, .memory_min_mib = r->memory_mib_min, .memory_max_mib = r->memory_mib_max,
        .gpus_min = r->gpus == GPUS_ONLY, .gpus_max = r->gpus == GPUS_NONE ? 0 : -1, .arch = arch ? arch : "",
        .current = TRAIT_INCLUDED, .previous = r->generation == GENERATION_ANY ? TRAIT_INCLUDED : TRAIT_EXCLUDED,
        .burstable = r->burstable ? TRAIT_INCLUDED : TRAIT_EXCLUDED, .bare_metal = TRAIT_EXCLUDED,
        .only = patterns(r->allow, r->allow_count, a), .only_count = r->allow_count,
        .except = patterns(r->exclude, r->exclude_count, a), .except_count = r->exclude_count,
    };
}
