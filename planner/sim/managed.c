#include "planner/sim/managed.h"

#include <math.h>

enum { NOTHING = -1 };

void managed_init(struct managed *m, double target_percent)
{
    *m = (struct managed){.target = target_percent, .warmup_ms = 300000, .step_min = 1, .step_max = 10000, .metric = NOTHING};
}

// Instances of the largest type that so many equal tasks fill.
static int64_t packed(struct res need, int64_t tasks, struct res on)
{
    int64_t fit = res_times(need, on);
    return fit == 0 ? 0 : (tasks + fit - 1) / fit;
}

static double metric(const struct managed *m, const struct managed_facts *f)
{
    int64_t more = 0;
    for (size_t g = 0; g < f->waiting_count; g++) {
        if (!res_fits(f->waiting[g].need, f->smallest))
            continue;
        int64_t n = packed(f->waiting[g].need, f->waiting[g].tasks, f->largest);
        more = n > more ? n : more;
    }
    if (f->running == 0)
        return more > 0 ? 200 : 100;
    if (f->waiting_count > 0 && more == 0)
        return 100;
    if (more == 0)
        return 100 * (double)(f->running - f->empty) / (double)f->running;
    more = more < m->step_min ? m->step_min : more > m->step_max ? m->step_max : more;
    return 100 * (double)(f->running + more) / (double)f->running;
}

static int64_t whole(double x)
{
    return (int64_t)ceil(x - 1e-9);
}

static int64_t removed(int64_t running, int64_t wanted, int64_t empty)
{
    int64_t most = (running - 1) / 2, n = running - wanted;
    n = n > most ? most : n;
    n = n < 1 ? 1 : n;
    return n < empty ? n : empty;
}

struct managed_answer managed_minute(struct managed *m, const struct managed_facts *f)
{
    double seen = m->metric;
    struct managed_answer a = {.desired = f->running};
    m->metric = metric(m, f);
    if (seen > m->target + 1e-9) {
        m->low_minutes = 0;
        if (f->warming == 0)
            a.desired = f->running == 0 ? 2 : whole((double)f->running * seen / m->target);
        return a;
    }
    bool low = seen >= 0 && seen < m->target - 1e-9;
    m->low_minutes = low ? m->low_minutes + 1 : 0;
    if (m->low_minutes > MANAGED_LOW_MINUTES && f->running > 0) {
        a.end = removed(f->running, whole((double)f->running * seen / m->target), f->empty);
        a.desired = f->running - a.end;
    }
    return a;
}
