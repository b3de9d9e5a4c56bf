#include "base/strmap.h"

#include <string.h>

uint64_t strmap_hash(const char *s)
{
    uint64_t h = 14695981039346656037u;  // FNV-1a
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    return h ^ (h >> 29);
}

static size_t slot_of(const struct strmap *m, const char *key)
{
    size_t i = strmap_hash(key) & (m->cap - 1);
    while (m->keys[i] && strcmp(m->keys[i], key) != 0)
        i = (i + 1) & (m->cap - 1);
    return i;
}

void strmap_init(struct strmap *m, struct arena *a, size_t expected)
{
    size_t cap = 16;
    while (cap < expected * 2)
        cap *= 2;
    *m = (struct strmap){.arena = a, .keys = arena_array(a, const char *, cap), .values = arena_array(a, int, cap), .cap = cap};
}

static void grow(struct strmap *m)
{
    struct strmap bigger;
    strmap_init(&bigger, m->arena, m->cap);
    for (size_t i = 0; i < m->cap; i++)
        if (m->keys[i])
            strmap_put(&bigger, m->keys[i], m->values[i]);
    *m = bigger;
}

void strmap_put(struct strmap *m, const char *key, int value)
{
    if (m->count * 2 >= m->cap)
        grow(m);
    size_t i = slot_of(m, key);
    if (m->keys[i] == NULL)
        m->count++;
    m->keys[i] = key;
    m->values[i] = value;
}

int strmap_get(const struct strmap *m, const char *key)
{
    size_t i = slot_of(m, key);
    return m->keys[i] ? m->values[i] : -1;
}
