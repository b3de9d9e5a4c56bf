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
