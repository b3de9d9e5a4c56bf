// Assertions, cleanup attributes and small compile-time helpers.
//
// assert() states what only a bug of ours can break; it stays on in release builds (NDEBUG is an error). Input from outside is
// never asserted. Macros here never change control flow.
#pragma once

#include <assert.h>
#include <stdlib.h>

#ifdef NDEBUG
#error "assertions stay on in release builds"
#endif

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define _cleanup_(f) __attribute__((cleanup(f)))
#define TAKE_PTR(p)                  \
    (__extension__({                 \
        __typeof__(p) taken_ = (p);  \
        (p) = NULL;                  \
        taken_;                      \
    }))
#define _printf_(fmt, first) __attribute__((format(printf, fmt, first)))

static inline void free_charp(char **p)
{
    free(*p);
}
