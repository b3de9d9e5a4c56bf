#include "planner/sim/rule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_MS = 86400000, STEP_MS = 900000, MINUTE_MS = 60000, REACTION_MS = 300000, STOCK_EVERY_MS = 600000 };
static const double WHOLE = 1e-9;  // what is a whole number but for rounding is one

static const struct rule_kind_info infos[RULE_COUNT] = {
    [RULE_MASU] = {"masu", "waiting_costs", 0, 6, {0.5, 1, 2, 3, 6, 60}, 0, 10000, SCENE_SPOT},
    [RULE_THRESHOLD] = {"reservation-threshold", "out_percent", 75, 5, {90, 80, 75, 65, 50}, 30, 99, SCENE_SPOT},
    [RULE_MANAGED] = {"ecs-managed-scaling", "target_capacity", 100, 5, {100, 90, 75, 60, 45}, 1, 100, SCENE_GROUP},
    [RULE_REACTIVE] = {"reactive", "hold_s", 300, 5, {0, 300, 900, 2700, 7200}, 0, 86400, SCENE_SPOT},
    [RULE_HEADROOM] = {"reactive-headroom", "headroom_percent", 10, 5, {0, 5, 10, 20, 40}, 0, 500, SCENE_SPOT},
    [RULE_YESTERDAY] = {"yesterday", "headroom_percent", 10, 5, {0, 5, 10, 20, 40}, 0, 500, SCENE_SPOT},
    [RULE_SAFETY] = {"safety-stock", "quantile_percent", 90, 5, {50, 80, 90, 97, 99.5}, 1, 99.99, SCENE_SPOT},
    [RULE_ON_DEMAND] = {"all-on-demand", "headroom_percent", 10, 5, {0, 5, 10, 20, 40}, 0, 500, SCENE_ON_DEMAND},
    [RULE_CLAIRVOYANT] = {"clairvoyant", "waiting_price", 0, 5, {1.5, 3, 10, 50, 0}, 0, 1e6, SCENE_SPOT},
};

const struct rule_kind_info *rule_info(enum rule_kind kind)
{
    return &infos[kind];
}

bool rule_find(const char *name, enum rule_kind *ret)
{
    for (int k = 0; k < RULE_COUNT; k++) {
        if (strcmp(infos[k].name, name))
            continue;
        *ret = (enum rule_kind)k;
        return true;
    }
    return false;
}

void rule_init(struct rule *r, enum rule_kind kind, double knob, const struct scene *s, struct arena *a)
{
    *r = (struct rule){.kind = kind, .knob = knob, .period_ms = s->period_ms, .boot_ms = s->boot_p50_ms, .arena = a};
}

static int64_t whole(double units)
{
    return (int64_t)ceil(units - WHOLE);
}

// The most that was needed within the last so many ms, now included.
static double most_since(const struct rule *r, int64_t ms)
{
    double most = 0;
    size_t n = (size_t)(ms / r->period_ms) + 1;
    for (size_t i = r->count > n ? r->count - n : 0; i < r->count; i++)
        most = fmax(most, r->need[i]);
    return most;
}

// ---- the rules --------------------------------------------------------------------------------------------------------------

// One step every 15 minutes: the metric is the share that is reserved of what is registered.
static void by_threshold(struct rule *r, const struct crew_facts *f, int64_t *ret_up, int64_t *ret_keep)
{
    double share = 100 * fmax(f->cpu_share, f->memory_share), in = fmax(r->knob - 25, 5);
    int64_t have = f->active + f->coming;
    *ret_up = *ret_keep = have;
    if (f->now_ms - r->stepped_ms < STEP_MS)
        return;
    if (share > r->knob)
        *ret_up = *ret_keep = have + f->unit_of_one;
    else if (share < in && f->active > f->unit_of_one)
        *ret_up = *ret_keep = have - f->unit_of_one;
    else
        return;
    r->stepped_ms = f->now_ms;
}

static double yesterdays(const struct rule *r)
{
    size_t day = (size_t)(DAY_MS / r->period_ms), ahead = (size_t)((r->boot_ms + REACTION_MS) / r->period_ms);
    double most = 0;
    for (size_t i = 0; r->count > day && i <= ahead && i < day; i++)
        most = fmax(most, r->need[r->count - 1 - day + i]);
    return most;
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

// Looked at again every ten minutes.
static double safety_stock(struct rule *r)
{
    size_t lead = (size_t)(r->boot_ms / r->period_ms) + 1, day = (size_t)(DAY_MS / r->period_ms);
    size_t from = r->count > day + lead ? r->count - day - lead : 0, n = r->count > from + lead ? r->count - from - lead : 0;
    if (n == 0 || (r->stock_at > 0 && (int64_t)(r->count - r->stock_at) * r->period_ms < STOCK_EVERY_MS))
        return r->stock;
    double *rise = malloc(n * sizeof *rise);
    if (!rise)
        return r->stock;
    for (size_t i = 0; i < n; i++)
        rise[i] = r->need[from + i + lead] - r->need[from + i];
    qsort(rise, n, sizeof *rise, by_value);
    r->stock = fmax(0, rise[(size_t)(r->knob / 100 * (double)(n - 1) + 0.5)]);
    r->stock_at = r->count;
    free(rise);
    return r->stock;
}

void rule_decide(struct rule *r, const struct crew_facts *f, int64_t *ret_up, int64_t *ret_keep)
{
    double more = f->need * (1 + r->knob / 100);
    r->need = arena_grow(r->arena, r->need, r->count, &r->cap, sizeof *r->need);
    r->need[r->count++] = f->need;
    switch (r->kind) {
    case RULE_THRESHOLD:
        by_threshold(r, f, ret_up, ret_keep);
        return;
    case RULE_REACTIVE:
        *ret_up = whole(f->need);
        *ret_keep = whole(most_since(r, (int64_t)(r->knob * 1000)));
        return;
    case RULE_HEADROOM:
    case RULE_ON_DEMAND:
        *ret_up = whole(more);
        *ret_keep = whole(most_since(r, MINUTE_MS) * (1 + r->knob / 100));
        return;
    case RULE_YESTERDAY: {
        double past = yesterdays(r) * fmin(1, 0.5 + r->knob / 40);
        *ret_up = whole(fmax(more, past));
        *ret_keep = whole(fmax(most_since(r, MINUTE_MS) * (1 + r->knob / 100), past));
        return;
    }
    case RULE_SAFETY:
        *ret_up = whole(f->need + safety_stock(r));
        *ret_keep = whole(most_since(r, MINUTE_MS) + r->stock);
        return;
    case RULE_MASU:
    case RULE_MANAGED:
    case RULE_CLAIRVOYANT:
    case RULE_COUNT:
        break;
    }
    assert(!"this rule has hands of its own");
}
