#include "planner/risk.h"

#include <assert.h>
#include <string.h>

#include "planner/capacity_rebalance.h"
#include "planner/explain.h"
#include "planner/fallback.h"
#include "planner/modes.h"
#include "planner/pool_memory.h"
#include "planner/scale_in_rules.h"

#define AT_ONCE_PERCENT 20

struct risk {
    int i;
    int64_t event_ms;     // INT64_MAX: only a recommendation
    double pool_share;    // of its pool that is warned or noticed
    int64_t since_ms;     // INT64_MAX: only its fleet is gone
    int32_t zone_members; // of the cluster in its zone
};

static bool warned(const struct instance *x)
{
    return x->rebalance_ms > 0 || x->event_ms > 0;
}

// A7: its fleet is cancelled, so that nothing replaces it.
static bool abandoned(const struct work *w, const struct instance *x)
{
    return w->fleet[x->fleet].loose && w->s->fleets[x->fleet].state == FLEET_CANCELLED_RUNNING;
}

static bool at_risk(const struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    return x->notice_ms == 0 && x->fleet >= 0 && w->inst[i].live && (warned(x) || abandoned(w, x));
}

// A9: its replacement is the fleet's business.
static bool is_replaced(const struct work *w, int i)
{
    return w->s->instances[i].event_ms == 0 && capacity_rebalance_replaces(w->s, i);
}

// ---- pools ----------------------------------------------------------------------------------------------------------------
struct pools_warned {
    int32_t *members, *ill;  // by type and zone
};

static size_t pool_of(const struct work *w, int type, int zone)
{
    return (size_t)type * (size_t)(w->zone_count + 1) + (size_t)zone;
}

static struct pools_warned count_pools(struct work *w)
{
    size_t n = (w->s->type_count + 1) * (size_t)(w->zone_count + 1);
    struct pools_warned p = {arena_array(w->a, int32_t, n), arena_array(w->a, int32_t, n)};
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *x = &w->s->instances[i];
        const struct work_instance *y = &w->inst[i];
        if (!y->live || y->type < 0 || y->zone < 0)
            continue;
        p.members[pool_of(w, y->type, y->zone)]++;
        p.ill[pool_of(w, y->type, y->zone)] += x->spot && (x->rebalance_ms > 0 || x->notice_ms > 0) && x->event_ms == 0;
    }
    return p;
}

static bool entry_well(const struct work *w, const struct pools_warned *p, const struct fleet_pool *x)
{
    if (x->subnet_full || pool_memory_avoided(w, x->type_name, x->zone))
        return false;
    bool any = false;
    for (int z = 0; z < w->zone_count && x->type >= 0; z++) {
        if (x->zone[0] && strcmp(x->zone, w->zones[z]) != 0)
            continue;
        if (p->ill[pool_of(w, x->type, z)] == 0)
            return true;
        any = true;
    }
    return !any;  // nobody of ours is there
}

// A fleet that can grow without a pool that is warned itself.
static bool some_fleet_helps(struct work *w, const struct pools_warned *p)
{
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        const struct fleet *x = &w->s->fleets[f];
        bool grows = !w->fleet[f].closed && !fallback_dry(w, (int)f) && modes_may(w, (int)f, DEED_RAISE);
        for (size_t k = 0; grows && k < x->pool_count; k++)
            if (entry_well(w, p, &x->pools[k]))
                return true;
    }
    return false;
}

// ---- who ------------------------------------------------------------------------------------------------------------------
static int by_risk(const void *a, const void *b)
{
    const struct risk *x = a, *y = b;
    if (x->event_ms != y->event_ms)
        return x->event_ms < y->event_ms ? -1 : 1;
    if (x->pool_share != y->pool_share)
        return x->pool_share > y->pool_share ? -1 : 1;
    if (x->since_ms != y->since_ms)
        return x->since_ms < y->since_ms ? -1 : 1;
    if (x->since_ms == INT64_MAX && x->zone_members != y->zone_members)
        return x->zone_members > y->zone_members ? -1 : 1;  // from the fullest zone, so that none becomes too thin (V33)
    return x->i - y->i;
}

static double size_of(const struct work *w, int i)
{
    double size = res_share(w->s->instances[i].registered, w->reference);
    return size > 0 ? size : 1;
}

static bool leaves_already(const struct work *w, int i)
{
    return work_drains(w, i) || w->s->instances[i].ecs == ECS_DRAINING;
}

static int32_t zone_members(const struct work *w, int zone)
{
    int32_t n = 0;
    for (size_t i = 0; i < w->s->instance_count; i++)
        n += w->inst[i].live && w->inst[i].zone == zone && w->inst[i].role == ROLE_ACTIVE;
    return n;
}

// Those that could be drained but for the room; the size of all capacity and of what leaves already for its risk.
static size_t collect(struct work *w, const struct pools_warned *p, struct risk *v, double *ret_all, double *ret_taken)
{
    size_t n = 0;
    *ret_all = *ret_taken = 0;
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *x = &w->s->instances[i];
        const struct work_instance *y = &w->inst[i];
        if (x->fleet < 0 || !y->live || (x->ecs != ECS_ACTIVE && x->ecs != ECS_DRAINING))
            continue;
        *ret_all += size_of(w, (int)i);
        if (!at_risk(w, (int)i) || (w->risk.why && !is_replaced(w, (int)i)))
            continue;
        if (leaves_already(w, (int)i))
            *ret_taken += size_of(w, (int)i);
        else if (y->role == ROLE_ACTIVE && !scale_in_spoken_for(w, (int)i))
            v[n++] = (struct risk){.i = (int)i, .event_ms = x->event_ms > 0 ? x->event_ms : INT64_MAX, .since_ms = warned(x) ? x->rebalance_ms : INT64_MAX,
                                   .zone_members = warned(x) ? 0 : zone_members(w, y->zone),
                                   .pool_share = y->type < 0 || y->zone < 0 ? 0 : (double)p->ill[pool_of(w, y->type, y->zone)] / p->members[pool_of(w, y->type, y->zone)]};
    }
    return n;
}

static bool any_at_risk(const struct work *w)
{
    for (size_t i = 0; i < w->s->instance_count; i++)
        if (at_risk(w, (int)i))
            return true;
    return false;
}

// What holds drains for a time (a start, a changed policy, a loop) holds no order: the replacement may be there before.
static const char *nobody_moves(struct work *w)
{
    const char *why = w->no_removal;
    if (!why && !modes_may(w, -1, DEED_DRAIN))
        why = modes_why(w, -1);
    return why || w->p->scale_in ? why : "scale_in is false in the policy";
}

void risk_choose(struct work *w)
{
    double all, taken;
    if (!any_at_risk(w))
        return;
    struct pools_warned p = count_pools(w);
    w->risk.why = nobody_moves(w);
    if (w->risk.why)
        return;
    if (!some_fleet_helps(w, &p))
        w->risk.why = "no fleet has a pool without warnings";
    scale_in_ask_fleets(w);
    struct risk *v = arena_array(w->a, struct risk, w->s->instance_count + 1);
    size_t n = collect(w, &p, v, &all, &taken);
    if (n > 1)
        qsort(v, n, sizeof *v, by_risk);
    for (size_t k = 0; k < n; k++) {
        taken += size_of(w, v[k].i);
        if (taken > all * AT_ONCE_PERCENT / 100 && taken > size_of(w, v[k].i))
            break;
        w->inst[v[k].i].moves = !is_replaced(w, v[k].i);
        w->inst[v[k].i].risk_order = ++w->risk.count;
    }
    work_roles(w);
}

void risk_release(struct work *w)
{
    if (w->risk.count == 0)
        return;
    for (size_t i = 0; i < w->s->instance_count; i++)
        w->inst[i].moves = false;
    work_roles(w);
}

int risk_order(const struct work *w, int i)
{
    return w->inst[i].risk_order;
}

const char *risk_fact(struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    if (!warned(x))
        return explain_text(w, "fleet %s is cancelled, nothing replaces it", w->s->fleets[x->fleet].id);
    return x->event_ms > 0 ? explain_text(w, "EC2 stops it %s", explain_time(w, x->event_ms))
                           : explain_text(w, "rebalance recommendation %s", explain_time(w, x->rebalance_ms));
}

const char *risk_hold(struct work *w, int i)
{
    if (!at_risk(w, i) || risk_order(w, i) > 0 || !warned(&w->s->instances[i]))
        return NULL;
    return explain_text(w, "%s; %s", risk_fact(w, i), w->risk.why ? w->risk.why : "20 % of capacity at a time are replaced");
}

const char *risk_first(struct work *w)
{
    for (size_t i = 0; w->risk.count > 0 && i < w->s->instance_count; i++)
        if (w->inst[i].risk_order > 0 && !w->inst[i].planned_drain)
            return explain_text(w, "%d at risk, %s first, move before it", w->risk.count, w->s->instances[i].id);
    return NULL;
}
