// A hash table from things to their index in an array of the caller's, who compares them: private to planner/.
//
//   size_t at = intern_start(hash);
//   while ((k = intern_next(t, hash, &at)) >= 0)
//       if (v[k] is it) return k;
//   intern_put(t, arena, hash, n);  // v[n++] = it
//
// Memory is the arena's. Entries are never removed; the order of what is found does not depend on anything but what was put.
#pragma once

#include <stdint.h>
#include <string.h>

#include "base/arena.h"

struct intern {
    struct intern_slot {
        uint32_t hash;  // half of it
        int id;         // + 1; 0 is free
    } *slots;
    size_t cap, count;  // cap is a power of two, or 0
};

#define INTERN_SEED UINT64_C(0xcbf29ce484222325)

static inline uint64_t intern_mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ (h >> 29);
}

static inline uint64_t intern_hash(uint64_t h, const char *s)
{
    size_t n = strlen(s);
    uint64_t last = n;  // so that "a", "bc" is not "ab", "c"
    for (; n >= sizeof h; s += sizeof h, n -= sizeof h) {
        uint64_t x;
        memcpy(&x, s, sizeof x);
        h = intern_mix(h, x);
    }
    for (size_t k = 0; k < n; k++)
        last = last << 8 | (unsigned char)s[k];
    return intern_mix(h, last);
}

static inline size_t intern_start(uint64_t hash)
{
    return (uint32_t)hash;
}

// The next entry of this hash, -1 when there is none left.
static inline int intern_next(const struct intern *t, uint64_t hash, size_t *at)
{
    while (t->cap > 0) {
        const struct intern_slot *s = &t->slots[(*at)++ & (t->cap - 1)];
        if (s->id == 0)
            break;
        if (s->hash == (uint32_t)hash)
            return s->id - 1;
    }
    return -1;
}

void intern_put(struct intern *t, struct arena *a, uint64_t hash, int id);
