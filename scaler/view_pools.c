#include "scaler/view_pools.h"

#include <assert.h>
#include <string.h>

#include "scaler/view.h"

static int by_place(const void *x, const void *y)
{
    const struct view_pool *a = x, *b = y;
    int order = a->fleet != b->fleet ? (a->fleet > b->fleet) - (a->fleet < b->fleet) : strcmp(a->type, b->type);
    return order != 0 ? order : strcmp(a->zone, b->zone);
}

static int by_use(const void *x, const void *y)
{
    const struct view_pool *a = x, *b = y;
    bool a_ails = a->failed || a->full_subnets > 0, b_ails = b->failed || b->full_subnets > 0;
    int32_t n = a->spot_instances + a->on_demand_instances, m = b->spot_instances + b->on_demand_instances;
    return n != m ? (n < m) - (n > m) : a_ails != b_ails ? b_ails - a_ails : by_place(a, b);
}

static struct view_pool make(const struct snapshot *s, size_t fleet, const struct fleet_pool *p)
{
    struct view_pool x = {
        .fleet = (int)fleet, .type = p->type_name ? p->type_name : "", .zone = p->zone ? p->zone : "", .weight_milli = p->weight_milli,
        .spot_usd_micro = p->spot_usd_micro, .subnets = 1, .full_subnets = p->subnet_full,
    };
    if (p->type < 0)
        return x;
    const struct instance_type *t = &s->types[p->type];
    x.spot_usd_micro = x.spot_usd_micro > 0 ? x.spot_usd_micro : t->spot_usd_micro;
    x.on_demand_usd_micro = t->on_demand_usd_micro;
    x.nominal = t->nominal;
    x.capacity = instance_type_capacity(t);
    x.measured = !res_is_zero(t->registered);
    return x;
}

// Overrides of a type and zone that differ only in their subnet are one pool.
static void merge(struct view_cluster *c)
{
    size_t kept = 0;
    for (size_t k = 0; k < c->pool_count; k++) {
        struct view_pool *x = &c->pools[k];
        if (kept > 0 && by_place(&c->pools[kept - 1], x) == 0) {
            c->pools[kept - 1].subnets++;
            c->pools[kept - 1].full_subnets += x->full_subnets;
        } else {
            c->pools[kept++] = *x;
        }
    }
    c->pool_count = kept;
}

static struct view_pool *find(struct view_cluster *c, int fleet, const char *type, const char *zone)
{
    const struct view_pool key = {.fleet = fleet, .type = type, .zone = zone};
    return c->pool_count > 0 ? bsearch(&key, c->pools, c->pool_count, sizeof key, by_place) : NULL;
}

static bool is_member(const struct instance *i)
{
    return i->fleet >= 0 && i->ec2 != EC2_TERMINATED && i->ec2 != EC2_SHUTTING_DOWN;
}

// Of a pool of any zone the zones are told in which it has something: members, or a memory.
static void tell_zone(struct view_cluster *c, int fleet, const char *type, const char *zone, size_t *known)
{
    const struct view_pool *any = *zone ? find(c, fleet, type, "") : NULL;
    if (!any || find(c, fleet, type, zone))
        return;
    struct view_pool x = *any;
    x.zone = zone;
    for (size_t k = c->pool_count; k < *known; k++)
        if (by_place(&c->pools[k], &x) == 0)
            return;
    c->pools[(*known)++] = x;
}

static void tell_zones(struct view_cluster *c)
{
    const struct snapshot *s = c->snapshot;
    size_t known = c->pool_count;
    for (size_t k = 0; k < s->instance_count; k++)
        if (is_member(&s->instances[k]))
            tell_zone(c, s->instances[k].fleet, s->instances[k].type, s->instances[k].zone, &known);
    for (size_t k = 0; k < c->memo->stamp_count; k++) {
        const char *key = c->memo->stamps[k].key, *space = c->memo->stamps[k].kind == STAMP_POOL ? strrchr(key, ' ') : NULL;
        const char *type = space ? arena_strndup(&c->arena, key, (size_t)(space - key)) : "";
        for (size_t f = 0; space && f < s->fleet_count; f++)
            tell_zone(c, (int)f, type, space + 1, &known);
    }
    c->pool_count = known;
    if (known > 0)
        qsort(c->pools, known, sizeof *c->pools, by_place);
}

static void count_members(struct view_cluster *c)
{
    for (size_t k = 0; k < c->snapshot->instance_count; k++) {
        const struct instance *i = &c->snapshot->instances[k];
        struct view_pool *x = is_member(i) ? find(c, i->fleet, i->type, i->zone) : NULL;
        if (is_member(i) && !x)
            x = find(c, i->fleet, i->type, "");
        if (x && i->spot)
            x->spot_instances++;
        else if (x)
            x->on_demand_instances++;
    }
}

// The key of the stamp is "type zone", of a score "fleet zone".
static void remember(struct view_cluster *c)
{
    for (size_t k = 0; k < c->memo->stamp_count; k++) {
        const struct memo_stamp *s = &c->memo->stamps[k];
        const char *space = s->kind == STAMP_POOL || s->kind == STAMP_SCORE ? strrchr(s->key, ' ') : NULL;
        size_t n = space ? (size_t)(space - s->key) : 0;
        for (size_t p = 0; space && p < c->pool_count; p++) {
            struct view_pool *x = &c->pools[p];
            const char *name = s->kind == STAMP_POOL ? x->type : c->snapshot->fleets[x->fleet].id;
            if (strlen(name) == n && strncmp(name, s->key, n) == 0 && strcmp(x->zone, space + 1) == 0)
                *(s->kind == STAMP_POOL ? &x->failed : &x->score) = s;
        }
    }
}

void view_pools_fill(struct view_cluster *c)
{
    const struct snapshot *s = c->snapshot;
    size_t most = 0;
    for (size_t f = 0; f < s->fleet_count; f++)
        most += s->fleets[f].pool_count;
    c->pools = arena_array(&c->arena, struct view_pool, most + s->instance_count + c->memo->stamp_count * (s->fleet_count + 1));
    for (size_t f = 0; f < s->fleet_count; f++)
        for (size_t k = 0; k < s->fleets[f].pool_count; k++)
            c->pools[c->pool_count++] = make(s, f, &s->fleets[f].pools[k]);
    assert(c->pool_count == most);
    if (most > 0)
        qsort(c->pools, most, sizeof *c->pools, by_place);
    merge(c);
    tell_zones(c);
    count_members(c);
    remember(c);
    if (c->pool_count > 0)
        qsort(c->pools, c->pool_count, sizeof *c->pools, by_use);
}
