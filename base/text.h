// Short texts put together fast: what printf does with plain words and whole numbers, at a fraction of its cost, where some text is
// made for each thing of a large list.
//
// A text has a limit; past it the rest is dropped and text_cut says so. It holds no memory of its own.
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

struct text {
    char *out;      // the caller's; no NUL is kept behind the last byte
    size_t n, max;  // n <= max
    bool cut;
};

void text_put_bytes(struct text *t, const char *s, size_t len);
void text_put(struct text *t, const char *s);
void text_put_i64(struct text *t, int64_t x);
void text_put_u64(struct text *t, uint64_t x);

// As vsnprintf, which it asks where the format has more than plain %s, %d, %ld, %zu, %c and %%, or the text is too long for `out`.
int text_vformat(char *out, size_t max, const char *fmt, va_list ap) _printf_(3, 0);
