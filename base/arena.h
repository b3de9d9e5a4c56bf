// Memory that lives and dies together: one arena a tick, a request or a file.
//
// All memory from an arena is zeroed, aligned for any type and freed at once. Allocation never fails to the caller: the input
// is limited where it enters (pages, bytes, items), so running out is a bug or a machine without memory, and the process
// ends with a message; that is safe, because every action has its intent in the journal before it. Not thread-safe.
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/check.h"

struct arena_block;

struct arena {
    struct arena_block *blocks;
    size_t used_bytes;  // all handed out since init or reset
    size_t max_bytes;   // 0 = no limit; passing it ends the process
};

void arena_init(struct arena *a, size_t max_bytes);
void arena_release(struct arena *a);  // frees all; NULL-safe, may be called twice
void arena_reset(struct arena *a);    // frees all but one block for reuse

void *arena_alloc(struct arena *a, size_t count, size_t size);  // count * size zeroed bytes, overflow-checked
char *arena_strdup(struct arena *a, const char *s);             // NULL gives NULL
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) _printf_(2, 3);
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) _printf_(2, 0);

#define arena_new(a, type) ((type *)arena_alloc((a), 1, sizeof(type)))
#define arena_array(a, type, count) ((type *)arena_alloc((a), (count), sizeof(type)))

// Makes room for one more element in an arena array: returns `items` or a larger copy (doubling). `*cap` is updated.
// Use: v = arena_grow(a, v, n, &cap, sizeof *v); v[n++] = x;
void *arena_grow(struct arena *a, void *items, size_t count, size_t *cap, size_t size);
