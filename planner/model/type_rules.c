#include "planner/model/type_rules.h"

#include <string.h>

#include "base/arena.h"

struct type_rules type_rules_any(void)
{
    return (struct type_rules){.gpus_max = -1, .arch = "", .current = TRAIT_INCLUDED, .previous = TRAIT_INCLUDED,
                               .burstable = TRAIT_INCLUDED, .bare_metal = TRAIT_INCLUDED};
}

// Back to the last star where letters differ: linear in both for each star, and never deeper than one.
bool type_pattern_match(const char *pattern, const char *name)
{
    const char *star = NULL, *from = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            from = name;
        } else if (*pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static bool matches_any(const char *const *patterns, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (type_pattern_match(patterns[i], name))
            return true;
    return false;
}

static bool misses(enum trait_rule rule, bool has)
{
    return (rule == TRAIT_EXCLUDED && has) || (rule == TRAIT_REQUIRED && !has);
}

const char *type_rules_miss(const struct type_rules *r, const struct type_facts *t)
{
    if (matches_any(r->except, r->except_count, t->name))
        return "excluded by name";
    if (r->only_count > 0 && !matches_any(r->only, r->only_count, t->name))
        return "not among the allowed names";
    if (*r->arch && strcmp(r->arch, t->arch) != 0)
        return "another architecture";
    if (t->vcpus < r->vcpus_min)
        return "fewer vCPUs";
    if (r->vcpus_max > 0 && t->vcpus > r->vcpus_max)
        return "more vCPUs";
    if (t->memory_mib < r->memory_min_mib)
        return "less memory";
    if (r->memory_max_mib > 0 && t->memory_mib > r->memory_max_mib)
        return "more memory";
    if (t->gpus < r->gpus_min)
        return r->gpus_min == 1 ? "no GPU" : "fewer GPUs";
    if (r->gpus_max >= 0 && t->gpus > r->gpus_max)
        return r->gpus_max == 0 ? "has GPUs" : "more GPUs";
    if (misses(r->current, t->current))
        return t->current ? "current generation" : "previous generation";
    if (misses(r->previous, !t->current))
        return t->current ? "current generation" : "previous generation";
    if (misses(r->burstable, t->burstable))
        return t->burstable ? "burstable" : "not burstable";
    if (misses(r->bare_metal, t->bare_metal))
        return t->bare_metal ? "bare metal" : "not bare metal";
    return NULL;
}

static const char *const *copy_patterns(struct arena *a, const char *const *v, size_t count)
{
    const char **to = arena_array(a, const char *, count);
    for (size_t i = 0; i < count; i++)
        to[i] = arena_strdup(a, v[i]);
    return to;
}

struct type_rules *type_rules_copy(struct arena *a, const struct type_rules *r)
{
    struct type_rules *to = arena_new(a, struct type_rules);
    *to = *r;
    to->arch = arena_strdup(a, r->arch);
    to->only = copy_patterns(a, r->only, r->only_count);
    to->except = copy_patterns(a, r->except, r->except_count);
    return to;
}
