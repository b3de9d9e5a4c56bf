#include "planner/sim/bound.h"

#include <math.h>

double bound_one_size(const int32_t *need, size_t count, double step_s, double boot_s)
{
    double cost = 0;
    int32_t most = 0;
    for (size_t i = 0; i < count; i++)
        most = need[i] > most ? need[i] : most;
    for (int32_t k = 1; k <= most; k++) {
        size_t last = 0;
        bool seen = false;
        for (size_t i = 0; i < count; i++) {
            if (need[i] < k)
                continue;
            cost += step_s + (seen ? fmin((double)(i - last - 1) * step_s, boot_s) : boot_s);
            last = i;
            seen = true;
        }
    }
    return cost;
}

// ---- levels -----------------------------------------------------------------------------------------------------------------

struct path {
    double all, cost, waited;  // all: what is made least
};

static struct path longer(struct path p, double cost, double waited, double waiting_price)
{
    return (struct path){p.all + cost + waited * waiting_price, p.cost + cost, p.waited + waited};
}

static struct path better(struct path a, struct path b)
{
    return b.all < a.all ? b : a;
}

// The least that a boot before step i can cost: whichever price was the lowest while it lasted.
static double boot_price(const struct bound_levels *b, size_t i)
{
    size_t back = (size_t)ceil(b->boot_s / b->step_s), from = i > back ? i - back : 0;
    double least = b->price[i];
    for (size_t k = from; k < i; k++)
        least = fmin(least, b->price[k]);
    return least * b->boot_s;
}

static struct path level(const struct bound_levels *b, int32_t k, double waiting_price)
{
    struct path on = {.all = b->free_start ? 0 : INFINITY}, off = {0};
    for (size_t i = 0; i < b->count; i++) {
        bool needed = b->need[i] >= k;
        struct path start = longer(off, i == 0 && b->free_start ? 0 : boot_price(b, i), 0, 0);
        struct path is_on = longer(better(on, start), b->price[i] * b->step_s, 0, 0);
        off = better(on, off);
        if (needed && waiting_price > 0)
            off = longer(off, 0, b->step_s, waiting_price);
        else if (needed)
            off.all = INFINITY;
        on = is_on;
    }
    return better(off, on);
}

void bound_levels(const struct bound_levels *b, struct bound_point *ret)
{
    double mean = 0;
    int32_t most = 0;
    for (size_t i = 0; i < b->count; i++) {
        mean += b->price[i] / (double)b->count;
        most = b->need[i] > most ? b->need[i] : most;
    }
    *ret = (struct bound_point){0};
    for (int32_t k = 1; k <= most; k++) {
        struct path p = level(b, k, b->waiting_price * mean);
        ret->cost += p.cost;
        ret->waited_s += p.waited;
    }
}
