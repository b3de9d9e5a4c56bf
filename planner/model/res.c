#include "planner/model/res.h"

static inline int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
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
