// From strings to indices, in an arena: for joining what several APIs tell of the same ids. Keys are borrowed.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct strmap {
    struct arena *arena;
    const char **keys;
    int *values;
    size_t count, cap;  // cap is a power of two
};

void strmap_init(struct strmap *m, struct arena *a, size_t expected);
void strmap_put(struct strmap *m, const char *key, int value);  // the newest value wins
int strmap_get(const struct strmap *m, const char *key);        // -1 when absent
uint64_t strmap_hash(const char *s);
