// Byte strings: struct slice looks at bytes owned by someone else, struct buf builds them.
//
// A buf has a stated maximum; passing it marks the buf as failed (buf_failed) and drops the rest, so a builder checks once at
// the end. A buf's data always has a NUL behind its last byte. Not thread-safe.
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/check.h"

struct slice {
    const char *ptr;  // not NUL-terminated; may be NULL when len is 0
    size_t len;
};

#define SLICE_LIT(s) ((struct slice){(s), sizeof(s) - 1})

static inline struct slice slice_of(const char *s)
{
    return (struct slice){s, s ? strlen(s) : 0};
}
bool slice_eq(struct slice a, struct slice b);
bool slice_eq_str(struct slice a, const char *s);
bool slice_eq_nocase(struct slice a, struct slice b);  // ASCII only
bool slice_starts(struct slice s, const char *prefix);
struct slice slice_trim(struct slice s);  // without leading and trailing space, tab, CR, LF
// Cuts the part before the first `sep` off *s and returns it; *s becomes what follows (or empty). Always progresses.
struct slice slice_cut(struct slice *s, char sep);

struct buf {
    char *data;
    size_t len, cap, max;
    bool failed;
};

void buf_init(struct buf *b, size_t max_bytes);  // max_bytes > 0
void buf_release(struct buf *b);                 // NULL-safe
void buf_clear(struct buf *b);                   // keeps the memory, resets failed
void buf_add(struct buf *b, const void *p, size_t len);
void buf_add_str(struct buf *b, const char *s);
void buf_add_slice(struct buf *b, struct slice s);
void buf_add_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) _printf_(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) _printf_(2, 0);
bool buf_failed(const struct buf *b);
const char *buf_str(struct buf *b);  // NUL-terminated, valid until the next change; "" when empty
static inline struct slice buf_slice(const struct buf *b)
{
    return (struct slice){b->data, b->len};
}
// Percent-encodes all but A-Z a-z 0-9 - _ . ~ (RFC 3986 unreserved), upper-case hex.
void buf_add_uri(struct buf *b, struct slice s);
