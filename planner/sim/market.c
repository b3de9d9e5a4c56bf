// The spot market: a price, a depth and a risk for each pool, moved by chance that returns to a mean.
#include <math.h>

#include "planner/sim/world_internal.h"

enum { STEP_MS = 600000, DRAW_MS = 60000, DEEPEST = 80 };

void market_add_type(struct world *w, int type)
{
    for (int z = 0; z < w->zone_count; z++) {
        w->pools = arena_grow(&w->arena, w->pools, w->pool_count, &w->pool_cap, sizeof *w->pools);
        struct world_pool *p = &w->pools[w->pool_count++];
        *p = (struct world_pool){.type = type, .zone = z, .price_changed_ms = w->now_ms};
        p->mean_permyriad = rng_between(&w->market, 2800, 4800);
        p->spot_usd_micro = w->types[type].on_demand_usd_micro * p->mean_permyriad / 10000;
        p->depth = (int32_t)rng_between(&w->market, DEEPEST / 4, DEEPEST);
        // uneven over the pools: most are calm, some are not; the mean over all is the option's
        p->interruptions_per_hour = rng_exponential(&w->market, w->o.interruptions_per_instance_day / 24);
    }
}

void market_init(struct world *w)
{
    for (size_t t = 0; t < w->type_count; t++)
        market_add_type(w, (int)t);
    queue_push(w, w->now_ms + STEP_MS, WEV_MARKET, 0, 0, 0);
    queue_push(w, w->now_ms + DRAW_MS, WEV_DRAW, 0, 0, 0);
}

void market_step(struct world *w)
{
    for (size_t n = 0; n < w->pool_count; n++) {
        struct world_pool *p = &w->pools[n];
        double full = (double)w->types[p->type].on_demand_usd_micro;
        double mean = log(full * (double)p->mean_permyriad / 10000), at = log((double)p->spot_usd_micro);
        at += 0.02 * (mean - at) + 0.01 * rng_normal(&w->market);
        int64_t price = (int64_t)fmin(fmax(exp(at), full * 0.1), full * 0.95);
        price -= price % 100;  // EC2 tells ten-thousandths of a dollar
        if (price != p->spot_usd_micro) {
            p->spot_usd_micro = price;
            p->price_changed_ms = w->now_ms;
        }
        if (p->shortage_until_ms <= w->now_ms) {
            p->shortage_until_ms = 0;
            p->depth += (int32_t)rng_between(&w->market, -4, 5);
            p->depth = p->depth < 4 ? 4 : p->depth > DEEPEST ? DEEPEST : p->depth;
        }
        if (rng_double(&w->market) < w->o.shortages_per_pool_day * STEP_MS / 86400000.0)
            world_set_shortage(w, (int)n, w->now_ms + (int64_t)rng_exponential(&w->market, 1800000));
    }
    w->dirty = true;
    queue_push(w, w->now_ms + STEP_MS, WEV_MARKET, 0, 0, 0);
}

// Members of one pool often go together: after a first one, each other follows with a chance of one in four.
static void follow(struct world *w, int pool)
{
    for (size_t n = 0; n < w->instance_count; n++) {
        struct world_instance *i = &w->instances[n];
        if (i->used && i->spot && i->pool == pool && i->state.now == WL_RUNNING && rng_below(&w->market, 4) == 0)
            world_interrupt(w, (int)n);
    }
    world_set_shortage(w, pool, w->now_ms + (int64_t)rng_exponential(&w->market, 1200000));
}

void market_draw_step(struct world *w)
{
    for (size_t n = 0; n < w->instance_count; n++) {
        const struct world_instance *i = &w->instances[n];
        if (!i->used || !i->spot || i->notice_ms > 0 || i->state.now != WL_RUNNING)
            continue;
        // 0.6: what the followers add is taken off, about
        double chance = 0.6 * w->pools[i->pool].interruptions_per_hour * DRAW_MS / 3600000.0;
        if (rng_double(&w->market) < chance) {
            int pool = i->pool;
            world_interrupt(w, (int)n);
            follow(w, pool);
        }
    }
    queue_push(w, w->now_ms + DRAW_MS, WEV_DRAW, 0, 0, 0);
}
