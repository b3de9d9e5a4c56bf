#include "planner/model/res.h"

static inline int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct res res_add(struct res a, struct res b)
{
    for (int k = 0; k < RES_COUNT; k++)
        a.v[k] += b.v[k];
    return a;
}

struct res res_sub(struct res a, struct res b)
{
    for (int k = 0; k < RES_COUNT; k++)
        a.v[k] -= b.v[k];
    return a;
}

struct res res_scale(struct res a, int64_t n)
{
    for (int k = 0; k < RES_COUNT; k++)
        a.v[k] *= n;
    return a;
}

struct res res_max(struct res a, struct res b)
{
    for (int k = 0; k < RES_COUNT; k++)
        a.v[k] = a.v[k] > b.v[k] ? a.v[k] : b.v[k];
    return a;
}

struct res res_min(struct res a, struct res b)
{
    for (int k = 0; k < RES_COUNT; k++)
        a.v[k] = min_i64(a.v[k], b.v[k]);
    return a;
}

bool res_fits(struct res need, struct res room)
{
    for (int k = 0; k < RES_COUNT; k++)
        if (need.v[k] > 0 && need.v[k] > room.v[k])
            return false;
    return true;
}

bool res_is_zero(struct res a)
{
    for (int k = 0; k < RES_COUNT; k++)
        if (a.v[k] != 0)
            return false;
    return true;
}

bool res_eq(struct res a, struct res b)
{
    for (int k = 0; k < RES_COUNT; k++)
        if (a.v[k] != b.v[k])
            return false;
    return true;
}

int64_t res_times(struct res need, struct res room)
{
    int64_t times = INT32_MAX;
    for (int k = 0; k < RES_COUNT; k++)
        if (need.v[k] > 0)
            times = min_i64(times, room.v[k] > 0 ? room.v[k] / need.v[k] : 0);
    return times;
}

double res_share(struct res part, struct res whole)
{
    double share = 0;
    for (int k = 0; k < RES_COUNT; k++)
        if (whole.v[k] > 0) {
            double s = (double)part.v[k] / (double)whole.v[k];
            share = s > share ? s : share;
        }
    return share;
}

const char *res_kind_name(enum res_kind k)
{
    static const char *const names[RES_COUNT] = {"cpu", "memory", "gpu", "eni"};
    return k >= 0 && k < RES_COUNT ? names[k] : "unknown";
}
