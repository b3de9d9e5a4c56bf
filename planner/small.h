// A vector of resources in two words, so that all components are compared at once: private to planner/.
//
// 31 bits a component, below a bit that is 0. Negative components are 0, those of SMALL_MAX or more are SMALL_MAX. So small_fits says
// yes wherever res_fits does; where a component of the need is cut (2 PiB, 2 million vCPU) it may say yes where res_fits does not.
#pragma once

#include <assert.h>
#include <stdint.h>

#include "planner/model/res.h"

struct small {
    uint64_t lo, hi;
};

#define SMALL_MAX INT32_MAX
#define SMALL_GUARDS UINT64_C(0x8000000080000000)

static inline uint64_t small_part(int64_t x)
{
    return x < 0 ? 0 : x < SMALL_MAX ? (uint64_t)x : SMALL_MAX;
}

static inline struct small small_of(struct res x)
{
    static_assert(RES_COUNT == 4, "two components a word");
    return (struct small){small_part(x.v[0]) | small_part(x.v[1]) << 32, small_part(x.v[2]) | small_part(x.v[3]) << 32};
}

// Each guard stays where the need takes no more than there is.
static inline bool small_fits(struct small need, struct small room)
{
    return (((room.lo | SMALL_GUARDS) - need.lo) & ((room.hi | SMALL_GUARDS) - need.hi) & SMALL_GUARDS) == SMALL_GUARDS;
}

static inline uint64_t small_word_max(uint64_t a, uint64_t b)
{
    uint64_t not_less = ((a | SMALL_GUARDS) - b) & SMALL_GUARDS, mask = not_less - (not_less >> 31);
    return (a & mask) | (b & ~mask);
}

static inline struct small small_max(struct small a, struct small b)  // by component
{
    return (struct small){small_word_max(a.lo, b.lo), small_word_max(a.hi, b.hi)};
}

static inline bool small_eq(struct small a, struct small b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

// No component is cut at the upper end.
static inline bool small_exact(struct small x)
{
    return !small_fits((struct small){SMALL_MAX, 0}, x) && !small_fits((struct small){(uint64_t)SMALL_MAX << 32, 0}, x) &&
           !small_fits((struct small){0, SMALL_MAX}, x) && !small_fits((struct small){0, (uint64_t)SMALL_MAX << 32}, x);
}
