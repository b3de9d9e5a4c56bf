// Numbers in few bytes: seven bits a byte, low ones first, the top bit says that more follow. Signed ones are folded (0, -1, 1, -2, …).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

static inline void varint_add(struct buf *out, uint64_t v)
{
    char bytes[10];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        bytes[n++] = (char)(v | 0x80);
    bytes[n++] = (char)v;
    buf_add(out, bytes, n);
}

static inline uint64_t varint_fold(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static inline int64_t varint_unfold(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

// False where none stands there whole, or one of more than 64 bits; *in is cut to what follows.
static inline bool varint_take(struct slice *in, uint64_t *ret)
{
    uint64_t v = 0;
    for (size_t i = 0; i < in->len && i < 10; i++) {
        uint64_t part = (unsigned char)in->ptr[i];
        if (i == 9 && part > 1)
            return false;
        v |= (part & 0x7f) << (7 * i);
        if (part < 0x80) {
            in->ptr += i + 1;
            in->len -= i + 1;
            *ret = v;
            return true;
        }
    }
    return false;
}
