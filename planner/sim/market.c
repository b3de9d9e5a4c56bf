// The spot market: a price, a depth and a risk for each pool, moved by chance that returns to a mean, or by a record.
//
// A record (world_options.market) drives what it tells of, and chance the rest:
//   available       its share of the most that the record ever shows is the share of the pool's usual stock that is there. At 0 the
//                   pool is out: launches fail. When it falls, as large a share of the pool's members gets its notice; nobody else
//                   is interrupted. Prices move by chance.
//   price_usd_hour  is the pool's price. Where it is above the on-demand price, the highest that is paid unless one says otherwise,
//                   the pool is out and its members get their notice; the price is told as the on-demand price. Of a type that
//                   the world does not have only the movement counts: the record's median is the pool's usual price.
// A pool follows the record of its own type and zone where there is one. Otherwise the record's types are dealt to the world's in
// turn, staggered so that the sizes of a family differ, and its zones to the world's zones, so that pools of a type fail together as
// the recorded ones did. Where records are fewer than pools, they are used again from another point of time.
#include "planner/sim/market.h"

#include <math.h>
#include <string.h>

#include "planner/sim/world_internal.h"

enum { STEP_MS = 600000, DRAW_MS = 60000, DEEPEST = 80 };

// On spot, and not yet told that it ends.
static bool is_member(const struct world_instance *i, int pool)
{
    return i->used && i->spot && i->pool == pool && i->notice_ms == 0 && (i->state.now == WL_RUNNING || i->state.now == WL_PENDING);
}

static const double GOLDEN = 0.6180339887498949;  // multiples of it are far apart, modulo 1

static size_t deal_series(const struct world *w, const struct world_pool *p, int64_t *ret_lap)
{
    const struct market_trace *m = w->o.market;
    size_t type = (size_t)p->type, zone = (size_t)p->zone, zones = 0, at = 0;
    const char *name = m->types[(type + type / m->type_count) % m->type_count];
    for (size_t s = 0; s < m->series_count; s++)
        zones += !strcmp(m->series[s].type, name);
    for (size_t s = 0, seen = 0; s < m->series_count; s++)
        if (!strcmp(m->series[s].type, name) && seen++ == zone % zones)
            at = s;
    *ret_lap = (int64_t)(type / m->type_count * 8 + zone / zones);
    return at;
}

static int64_t record_s(const struct world *w, const struct world_pool *p)
{
    return (w->now_ms - w->o.start_ms) / 1000 + p->shift_s;
}

static void set_price(struct world *w, struct world_pool *p, double usd_micro)
{
    int64_t full = w->types[p->type].on_demand_usd_micro, price = usd_micro < (double)full ? (int64_t)usd_micro : full;
    price -= price % 100;  // EC2 tells ten-thousandths of a dollar
    price = price < 100 ? 100 : price;
    if (price != p->spot_usd_micro) {
        p->spot_usd_micro = price;
        p->price_changed_ms = w->now_ms;
    }
}

// The record's word for now; returns the share of the usual stock that there is.
static double read_record(struct world *w, struct world_pool *p)
{
    const struct market_series *s = &w->o.market->series[p->series];
    double value = market_trace_at(s, record_s(w, p));
    if (!w->o.market->prices)
        return s->most > 0 ? value / s->most : 0;
    double full = (double)w->types[p->type].on_demand_usd_micro;
    bool own = !strcmp(s->type, w->types[p->type].name);
    double price = own ? value * 1e6 : full * (double)p->mean_permyriad / 10000 * value / s->median;
    set_price(w, p, price);
    return price > full ? 0 : 1;
}

static void set_share(struct world_pool *p, double share)
{
    p->share = share;
    p->shortage_until_ms = share > 0 ? 0 : INT64_MAX;
    p->depth = share > 0 ? 1 + (int32_t)(share * (p->calm_depth - 1)) : 0;
}

static void push_change(struct world *w, int pool)
{
    const struct world_pool *p = &w->pools[pool];
    int64_t next_s = market_trace_next_s(&w->o.market->series[p->series], record_s(w, p)) - p->shift_s;
    queue_push(w, w->o.start_ms + next_s * 1000, WEV_MARKET_CHANGE, pool, 0, 0);
}

static void follow_record(struct world *w, int pool)
{
    struct world_pool *p = &w->pools[pool];
    const struct market_trace *m = w->o.market;
    for (size_t s = 0; s < m->series_count && p->series < 0; s++)
        if (!strcmp(m->series[s].type, w->types[p->type].name) && !strcmp(m->series[s].zone, w->zones[p->zone]))
            p->series = (int)s;
    if (p->series < 0) {
        int64_t lap;
        p->series = (int)deal_series(w, p, &lap);
        double part = (double)lap * GOLDEN;
        p->shift_s = (int64_t)((part - floor(part)) * (double)m->series[p->series].length_s);
    }
    set_share(p, read_record(w, p));
    push_change(w, pool);
}

void market_interrupt_part(struct world *w, int pool, double part)
{
    int64_t members = 0, go;
    for (size_t n = 0; n < w->instance_count; n++)
        members += is_member(&w->instances[n], pool);
    go = (int64_t)ceil((double)members * part - 1e-9);
    for (size_t n = 0; n < w->instance_count && go > 0; n++) {
        if (!is_member(&w->instances[n], pool))
            continue;
        if (rng_below(&w->market, (uint64_t)members) < (uint64_t)go) {
            go--;
            world_interrupt(w, (int)n);
        }
        members--;
    }
}

void market_change_step(struct world *w, int pool)
{
    struct world_pool *p = &w->pools[pool];
    double was = p->share, share = read_record(w, p);
    push_change(w, pool);
    w->dirty = true;
    if (fabs(share - was) < 1e-9)
        return;
    set_share(p, share);
    if (share < was)
        market_interrupt_part(w, pool, (was - share) / was);
}

void market_add_type(struct world *w, int type)
{
    for (int z = 0; z < w->zone_count; z++) {
        w->pools = arena_grow(&w->arena, w->pools, w->pool_count, &w->pool_cap, sizeof *w->pools);
        struct world_pool *p = &w->pools[w->pool_count++];
        *p = (struct world_pool){.type = type, .zone = z, .price_changed_ms = w->now_ms, .series = -1, .share = 1};
        p->mean_permyriad = rng_between(&w->market, 2800, 4800);
        p->mean_permyriad = w->o.flat_permyriad > 0 ? w->o.flat_permyriad : p->mean_permyriad;
        p->spot_usd_micro = w->types[type].on_demand_usd_micro * p->mean_permyriad / 10000;
        p->depth = (int32_t)rng_between(&w->market, DEEPEST / 4, DEEPEST);
        // uneven over the pools: most are calm, some are not; the mean over all is the option's
        p->calm_depth = p->depth;
        p->interruptions_per_hour = rng_exponential(&w->market, w->o.interruptions_per_instance_day / 24);
        if (w->o.market)
            follow_record(w, (int)w->pool_count - 1);
    }
}

void market_init(struct world *w)
{
    for (size_t t = 0; t < w->type_count; t++)
        market_add_type(w, (int)t);
    queue_push(w, w->now_ms + STEP_MS, WEV_MARKET, 0, 0, 0);
    queue_push(w, w->now_ms + DRAW_MS, WEV_DRAW, 0, 0, 0);
}

static int32_t deepest(const struct world_pool *p)
{
    return p->series < 0 ? DEEPEST : 1 + (int32_t)(p->share * (DEEPEST - 1));
}

void market_take_back(struct world *w, int pool)
{
    struct world_pool *p = &w->pools[pool];
    if (p->shortage_until_ms <= w->now_ms && p->depth < deepest(p))
        p->depth++;
}

static void move_price(struct world *w, struct world_pool *p)
{
    double full = (double)w->types[p->type].on_demand_usd_micro;
    double mean = log(full * (double)p->mean_permyriad / 10000), at = log((double)p->spot_usd_micro);
    at += 0.02 * (mean - at) + 0.01 * rng_normal(w->o.prices_apart ? &w->prices : &w->market);
    set_price(w, p, fmin(fmax(exp(at), full * 0.1), full * 0.95));
}

void market_step(struct world *w)
{
    for (size_t n = 0; n < w->pool_count; n++) {
        struct world_pool *p = &w->pools[n];
        int32_t most = deepest(p);
        if (w->o.flat_permyriad == 0 && (p->series < 0 || !w->o.market->prices))
            move_price(w, p);
        if (p->shortage_until_ms <= w->now_ms) {
            p->shortage_until_ms = 0;
            p->depth += (int32_t)rng_between(&w->market, -4, 5);
            p->depth = p->depth < 4 ? 4 : p->depth;
            p->depth = p->depth > most ? most : p->depth;
        }
        if (p->series < 0 && rng_double(&w->market) < w->o.shortages_per_pool_day * STEP_MS / 86400000.0)
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
        if (!is_member(i, i->pool) || i->state.now != WL_RUNNING || w->pools[i->pool].series >= 0)
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
