#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

// What a reset left, or is not cut yet, is nobody's: the address sanitizer is told, else it would not see who uses it all the same.
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum { BLOCK_BYTES = 64 * 1024, BLOCK_MAX_BYTES = 1024 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t cap, used;
    alignas(max_align_t) unsigned char data[];
};

static void die(const char *why, size_t bytes) __attribute__((noreturn));

static void die(const char *why, size_t bytes)
{
    fprintf(stderr, "masu: arena: %s (%zu bytes)\n", why, bytes);
    abort();
}

static struct arena_block *block_new(size_t cap)
{
    struct arena_block *b = malloc(sizeof *b + cap);
    if (!b)
        die("out of memory", cap);
    b->next = NULL;
    b->cap = cap;
    b->used = 0;
    ASAN_POISON_MEMORY_REGION(b->data, cap);
    return b;
}

void arena_init(struct arena *a, size_t max_bytes)
{
    *a = (struct arena){.max_bytes = max_bytes};
}

static void free_chain(struct arena_block *b)
{
    while (b) {
        struct arena_block *next = b->next;
        ASAN_UNPOISON_MEMORY_REGION(b->data, b->cap);
        free(b);
        b = next;
    }
}

void arena_release(struct arena *a)
{
    if (!a)
        return;
    free_chain(a->blocks);
    a->blocks = NULL;
    a->used_bytes = 0;
}

void arena_reset(struct arena *a)
{
    a->used_bytes = 0;
    if (!a->blocks)
        return;
    free_chain(a->blocks->next);
    a->blocks->next = NULL;
    a->blocks->used = 0;
    ASAN_POISON_MEMORY_REGION(a->blocks->data, a->blocks->cap);
    // A larger one is not worth keeping for the next tick: there may be an arena for each of many clusters.
    if (a->blocks->cap > BLOCK_BYTES)
        arena_release(a);
}

// Twice the last: many small blocks freed at once would go back to the system, page by page, and come again with the next tick.
static size_t next_bytes(const struct arena_block *last)
{
    size_t twice = last ? 2 * last->cap : 0;
    return twice < BLOCK_BYTES ? BLOCK_BYTES : twice < BLOCK_MAX_BYTES ? twice : BLOCK_MAX_BYTES;
}

// The newest block that small pieces are cut from is first in the chain.
static void *cut(struct arena *a, size_t bytes)
{
    struct arena_block *b = a->blocks;
    if (b && b->cap - b->used >= bytes) {
        void *p = b->data + b->used;
        b->used += bytes;
        return p;
    }
    if (bytes > BLOCK_BYTES / 4) {
        // Large pieces get a block of their own behind the first, so that the room left in the first is not lost.
        struct arena_block *own = block_new(bytes);
        own->used = bytes;
        if (b) {
            own->next = b->next;
            b->next = own;
        } else {
            a->blocks = own;
        }
        return own->data;
    }
    struct arena_block *fresh = block_new(next_bytes(b));
    fresh->next = b;
    fresh->used = bytes;
    a->blocks = fresh;
    return fresh->data;
}

// Not zeroed.
static void *take(struct arena *a, size_t count, size_t size)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes))
        die("size overflows", count);
    const size_t align = alignof(max_align_t);
    if (bytes > SIZE_MAX - align)
        die("size overflows", bytes);
    bytes = bytes ? (bytes + align - 1) / align * align : align;
    if (a->max_bytes && (bytes > a->max_bytes || a->used_bytes > a->max_bytes - bytes))
        die("limit reached", a->max_bytes);
    a->used_bytes += bytes;
    void *p = cut(a, bytes);
    ASAN_UNPOISON_MEMORY_REGION(p, bytes);
    assert((uintptr_t)p % align == 0);
    return p;
}

void *arena_alloc(struct arena *a, size_t count, size_t size)
{
    return memset(take(a, count, size), 0, count * size);
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
    char *p = take(a, len + 1, 1);
    if (len)
        memcpy(p, s, len);
    p[len] = '\0';
    return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    char most[256];  // of what is written; only longer texts are formatted twice
    va_list again;
    va_copy(again, ap);
    int n = text_vformat(most, sizeof most, fmt, again);
    va_end(again);
    assert(n >= 0);
    if ((size_t)n < sizeof most)
        return arena_strndup(a, most, (size_t)n);
    char *p = arena_alloc(a, (size_t)n + 1, 1);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *p = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return p;
}

void *arena_grow(struct arena *a, void *items, size_t count, size_t *cap, size_t size)
{
    assert(count <= *cap);
    if (count < *cap)
        return items;
    size_t want = *cap ? *cap * 2 : 8;
    unsigned char *larger = take(a, want, size);
    if (count)
        memcpy(larger, items, count * size);
    memset(larger + count * size, 0, (want - count) * size);
    *cap = want;
    return larger;
}
