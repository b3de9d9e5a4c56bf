#include "planner/zones.h"

#include <assert.h>
#include <string.h>

#include "planner/alert.h"
#include "planner/explain.h"
#include "planner/fallback.h"
#include "planner/pool_memory.h"

#define TOLD_AFTER_MS (60 * 60 * 1000LL)  // scale-in and new orders level most by then
enum { UNEVEN_MIN = 3 };                  // a difference below is chance

void zones_deal(struct zone_shares *x, int64_t n)
{
    assert(x->count > 0 || n == 0);
    for (; n > 0; n--) {
        struct zone_share *least = &x->v[0];
        for (size_t k = 1; k < x->count; k++)
            if (x->v[k].has + x->v[k].given < least->has + least->given)
                least = &x->v[k];
        least->given++;
    }
}

static bool stays(const struct work *w, size_t i)
{
    return w->inst[i].role <= ROLE_COMING && w->s->instances[i].notice_ms == 0;
}

int64_t zones_count(const struct work *w, const char *zone)
{
    int64_t n = 0;
    for (size_t i = 0; i < w->s->instance_count; i++)
        n += stays(w, i) && strcmp(w->s->instances[i].zone, zone) == 0;
    return n;
}

// The zones in which the fleet could launch now, with its own members there. A zone whose pools all failed is no reason to tell.
static struct zone_shares shares_of(struct work *w, int f)
{
    const struct fleet *x = &w->s->fleets[f];
    struct zone_shares ret = {.count = 0};
    for (size_t k = 0; k < x->pool_count; k++) {
        const struct fleet_pool *p = &x->pools[k];
        size_t at = 0;
        while (at < ret.count && strcmp(ret.v[at].zone, p->zone) != 0)
            at++;
        if (at == ZONES_DEALT_MAX || !p->zone[0] || p->subnet_full || pool_memory_avoided(w, p->type_name, p->zone) != NULL)
            continue;
        if (at == ret.count)
            ret.v[ret.count++] = (struct zone_share){p->zone, 0, 0};
    }
    for (size_t i = 0; i < w->s->instance_count; i++)
        for (size_t k = 0; k < ret.count && w->s->instances[i].fleet == f && stays(w, i); k++)
            ret.v[k].has += strcmp(ret.v[k].zone, w->s->instances[i].zone) == 0;
    return ret;
}

void zones_watch(struct work *w)
{
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        const struct fleet *x = &w->s->fleets[f];
        if (x->kind == FLEET_INSTANT || w->fleet[f].closed || fallback_dry(w, (int)f))
            continue;
        struct zone_shares z = shares_of(w, (int)f);
        const struct zone_share *most = &z.v[0], *least = &z.v[0];
        for (size_t k = 1; k < z.count; k++) {
            most = z.v[k].has > most->has ? &z.v[k] : most;
            least = z.v[k].has < least->has ? &z.v[k] : least;
        }
        if (z.count < 2 || most->has - least->has < UNEVEN_MIN || most->has < 2 * least->has)
            continue;
        alert_raise_after(w, ALERT_ZONES_UNEVEN, x->id, TOLD_AFTER_MS,
                          explain_text(w, "%" PRId64 " members of %s are in %s and %" PRId64 " in %s, where it could launch as well; its allocation strategy is %s",
                                       most->has, x->id, most->zone, least->has, least->zone, x->allocation && x->allocation[0] ? x->allocation : "not known"),
                          NULL);
    }
}
