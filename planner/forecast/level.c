#include "planner/forecast/level.h"

#include <math.h>

#include "base/check.h"

// That level k is needed: more than k - 1 instances' tasks, which come whole.
static double needed(const struct level_rule *r, const struct bank *b, int target, int k, double demand)
{
    return bank_survivor(b, target, r->per_instance * (k - 1) + 0.5 - demand);
}

// (a) one tick of waiting would cost more than it saves; (b) over some run of leads it earns its boot.
static bool worth_starting(const struct level_rule *r, const struct bank *b, int k, double demand)
{
    double gain = 0;
    for (int i = 0; i < BANK_LEADS; i++) {
        double p = needed(r, b, i, k, demand);
        if (i == 0 && r->lambda * p < 1)
            return false;
        gain += (r->lambda * p - 1) * (double)bank_lead_s(i);
        if (gain >= r->boot_s)
            return true;
    }
    return false;
}

// What a return costs, times its chance, against the idle time until then: half of the window if it comes.
static bool worth_keeping(const struct level_rule *r, const struct bank *b, int k, double demand)
{
    double back = r->boot_s * (1 + r->lambda * r->phi);
    for (int i = 0; i < BANK_WINDOWS; i++) {
        double p = needed(r, b, BANK_LEADS + i, k, demand);
        if (p * back >= (double)bank_window_s(i) * (1 - p / 2))
            return true;
    }
    return false;
}

struct level_answer level_decide(const struct level_rule *r, const struct bank *b, double demand, struct level_memory *m)
{
    struct level_answer a;
    assert(r->lambda > 0 && r->per_instance > 0 && r->boot_s > 0 && r->memory >= 0 && r->memory <= LEVEL_MEMORY_MAX);
    double now = ceil(demand / r->per_instance);
    a.now = (int)fmin(fmax(now, 0), r->most);
    a.up = a.now;
    while (a.up < r->most && worth_starting(r, b, a.up + 1, demand))
        a.up++;
    a.keep = a.up;
    while (a.keep < r->most && worth_keeping(r, b, a.keep + 1, demand))
        a.keep++;
    for (int i = 0; i < m->count; i++)
        a.keep = a.keep < m->up[i] ? m->up[i] : a.keep;
    if (r->memory) {
        m->up[m->next] = a.up;
        m->next = (m->next + 1) % r->memory;
        m->count += m->count < r->memory;
    }
    return a;
}
