// Small sums that every stage needs: private to planner/.
#pragma once

#include <stdint.h>

static inline int64_t i64_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
static inline int64_t i64_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
// ECS rounds the minimum up and the maximum down.
static inline int64_t percent_floor(int64_t n, int64_t percent)
{
    return n * percent / 100;
}
static inline int64_t percent_ceil(int64_t n, int64_t percent)
{
    return (n * percent + 99) / 100;
}
