// What a cluster ran on, what that cost and what the market took back, as a scene.
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/parse.h"
#include "scaler/recorded_internal.h"

enum { ZONES = 3, OTHER_ENIS = 4, OTHER_TRUNK_SLOTS = 20 };

// The zones of the virtual world.
static const char *const world_zones[ZONES] = {"us-east-1a", "us-east-1b", "us-east-1c"};

// ---- types and market -------------------------------------------------------------------------------------------------------

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void note_zone(struct reading *g, const char *zone)
{
    for (size_t i = 0; i < g->zone_count; i++)
        if (!strcmp(g->zones[i], zone))
            return;
    if (*zone && g->zone_count < ARRAY_LEN(g->zones))
        g->zones[g->zone_count++] = arena_strdup(g->a, zone);
}

static const char *world_zone(const struct reading *g, const char *zone)
{
    for (size_t i = 0; i < g->zone_count; i++)
        if (!strcmp(g->zones[i], zone))
            return world_zones[i % ZONES];
    return "";
}

// "FLEET TYPE ZONE"
static bool split_pool(const char *subject, struct arena *a, const char **ret_type, const char **ret_zone)
{
    struct slice rest = slice_of(subject);
    slice_cut(&rest, ' ');
    struct slice type = slice_cut(&rest, ' ');
    *ret_type = arena_strndup(a, type.ptr, type.len);
    *ret_zone = arena_strndup(a, rest.ptr, rest.len);
    return type.len > 0 && rest.len > 0;
}

void recorded_zones(struct reading *g, const struct state_subject *subjects, size_t count)
{
    const char *type, *zone;
    for (size_t i = 0; i < count; i++)
        if (subjects[i].kind == HISTORY_POOL && split_pool(subjects[i].subject, g->a, &type, &zone))
            note_zone(g, zone);
    qsort(g->zones, g->zone_count, sizeof *g->zones, by_name);
    for (size_t i = 0; i < ZONES && i < g->zone_count; i++)
        g->s->zone_names[i] = g->zones[i];
}

// What the world must know of a type that it has not, or has at another price.
static bool world_knows(struct reading *g, const struct instance_type *t, const struct world *w)
{
    int at = world_type_index(w, t->name);
    struct world_type x = {.max_enis = OTHER_ENIS, .trunk_slots = OTHER_TRUNK_SLOTS};
    if (at >= 0)
        x = world_view(w).types[at];
    if (at < 0 && (t->nominal.v[RES_MEMORY] <= 0 || t->on_demand_usd_micro <= 0 || strlen(t->name) >= sizeof x.name))
        return false;
    if (at >= 0 && (t->on_demand_usd_micro <= 0 || t->on_demand_usd_micro == x.on_demand_usd_micro))
        return true;
    if (at < 0) {
        snprintf(x.name, sizeof x.name, "%s", t->name);
        snprintf(x.arch, sizeof x.arch, "%s", *t->arch ? t->arch : "x86_64");
        x.vcpus = (int32_t)(t->nominal.v[RES_CPU] / 1024);
        x.memory_mib = (int32_t)t->nominal.v[RES_MEMORY];
    }
    x.on_demand_usd_micro = t->on_demand_usd_micro;
    g->types = arena_grow(g->a, g->types, g->s->world_type_count, &g->type_cap, sizeof *g->types);
    g->types[g->s->world_type_count++] = x;
    g->s->world_types = g->types;
    return true;
}

static void add_type(struct reading *g, const struct fleet_pool *p, const struct world *w)
{
    for (size_t t = 0; t < g->s->type_count; t++)
        if (!strcmp(g->s->types[t].name, p->type_name))
            return;
    const struct snapshot *s = &g->newest->snapshot;
    if (p->type < 0 || g->s->type_count == WORLD_OVERRIDES || !world_knows(g, &s->types[p->type], w)) {
        recorded_leave_out(g, "type %s: %s", p->type_name, g->s->type_count == WORLD_OVERRIDES ? "more types than a simulated fleet has" : "its size or its price is not recorded");
        return;
    }
    g->s->types[g->s->type_count++] = (struct scene_type){arena_strdup(g->a, p->type_name), p->weight_milli >= 1000 ? p->weight_milli / 1000 : 1};
}

static enum world_allocation allocation_of(const char *name)
{
    char letters[40] = "";
    size_t n = 0;
    for (; *name && n + 1 < sizeof letters; name++)
        if (isalpha((unsigned char)*name))
            letters[n++] = (char)tolower((unsigned char)*name);
    return !strncmp(letters, "lowestprice", 11) ? WALLOC_LOWEST_PRICE : !strncmp(letters, "diversified", 11) ? WALLOC_DIVERSIFIED
           : !strncmp(letters, "capacityoptimized", 17) ? WALLOC_CAPACITY_OPTIMIZED : WALLOC_PRICE_CAPACITY_OPTIMIZED;
}

int recorded_types(struct reading *g)
{
    const struct snapshot *s = &g->newest->snapshot;
    struct world_options o;
    struct world *w;
    world_options_default(&o);
    int rc = world_empty(0, &o, &w, g->err);
    if (rc)
        return rc;
    g->s->type_count = g->s->world_type_count = 0;
    for (size_t f = 0; f < s->fleet_count; f++) {
        for (size_t p = 0; p < s->fleets[f].pool_count; p++)
            add_type(g, &s->fleets[f].pools[p], w);
        static const enum scene_kind kinds[] = {[FLEET_SPOT_FLEET] = SCENE_SPOT_FLEET, [FLEET_EC2_FLEET] = SCENE_EC2_FLEET, [FLEET_GROUP] = SCENE_AUTO_SCALING,
                                                [FLEET_INSTANT] = SCENE_INSTANT};
        if (f == 0)
            g->s->fleet = kinds[s->fleets[f].kind];
        if (f == 0)
            g->s->allocation = allocation_of(s->fleets[f].allocation ? s->fleets[f].allocation : "");
    }
    world_free(w);
    if (g->s->type_count == 0)
        return err_set(g->err, ERR_NOT_FOUND, "no fleet of %s had a type whose size and price are known: name them with --types", g->ret->cluster);
    return 0;
}

static void add_prices(struct reading *g, struct market_trace *m, const char *type, const char *zone, const int64_t *price)
{
    struct market_series x = {.zone = zone, .type = type, .length_s = (g->ret->to_ms - g->ret->from_ms) / 1000, .points = arena_array(g->a, struct market_point, g->buckets)};
    double sum = 0;
    for (size_t i = 0; i < g->buckets; i++) {
        double usd = (double)price[i] / 1e6;
        if (price[i] <= 0 || (x.count > 0 && x.points[x.count - 1].value == usd))
            continue;
        x.points[x.count++] = (struct market_point){(int64_t)i * g->step_ms / 1000, usd};
        x.most = fmax(x.most, usd);
        sum += usd;
    }
    if (x.count == 0)
        return;
    x.median = sum / (double)x.count;  // of a type that the world has, it is not used
    m->series[m->series_count++] = x;
    for (size_t t = 0; t < m->type_count; t++)
        if (!strcmp(m->types[t], type))
            return;
    m->types[m->type_count++] = type;
}

int recorded_market(struct reading *g, const struct state_subject *subjects, size_t count)
{
    static const enum series series = SERIES_POOL_SPOT_USD_MICRO_PER_HOUR;
    struct market_trace *m = arena_new(g->a, struct market_trace);
    int64_t *price = arena_array(g->a, int64_t, g->buckets);
    *m = (struct market_trace){.prices = true, .series = arena_array(g->a, struct market_series, count + 1), .types = arena_array(g->a, const char *, count + 1)};
    for (size_t i = 0; i < count; i++) {
        const char *type, *zone;
        if (subjects[i].kind != HISTORY_POOL || !split_pool(subjects[i].subject, g->a, &type, &zone))
            continue;
        int rc = recorded_series(g, HISTORY_POOL, subjects[i].subject, &series, &price, 1);
        if (rc)
            return rc;
        add_prices(g, m, type, world_zone(g, zone), price);
    }
    if (m->series_count > 0)
        g->s->market = m;
    else
        recorded_leave_out(g, "spot prices: none is recorded in that time, so they move by chance");
    g->s->shortages_per_pool_day = 0;
    return 0;
}

// ---- notices ----------------------------------------------------------------------------------------------------------------

static bool told_before(const struct reading *g, const struct scene_notice *n)
{
    for (size_t i = 0; i < g->s->notice_count; i++)
        if (g->notices[i].at_ms == n->at_ms && !strcmp(g->notices[i].zone, n->zone) && !strcmp(g->notices[i].type, n->type))
            return true;
    return false;
}

// Of each pool the part whose two minutes began at the same moment.
static void note_interrupted(struct reading *g, const struct snapshot *s)
{
    for (size_t k = 0; k < s->instance_count; k++) {
        const struct instance *x = &s->instances[k];
        if (x->notice_ms < g->ret->from_ms || x->notice_ms >= g->ret->to_ms)
            continue;
        struct scene_notice n = {.zone = world_zone(g, x->zone), .type = arena_strdup(g->a, x->type), .at_ms = x->notice_ms - g->ret->from_ms};
        double members = 0, gone = 0;
        for (size_t i = 0; i < s->instance_count; i++) {
            const struct instance *y = &s->instances[i];
            if (!y->spot || strcmp(y->type, x->type) || strcmp(world_zone(g, y->zone), n.zone) || (y->notice_ms && y->notice_ms < x->notice_ms))
                continue;
            members++;
            gone += y->notice_ms == x->notice_ms;
        }
        n.part = members > 0 ? gone / members : 1;
        if (told_before(g, &n))
            continue;
        g->notices = arena_grow(g->a, g->notices, g->s->notice_count, &g->notice_cap, sizeof *g->notices);
        g->notices[g->s->notice_count++] = n;
    }
}

static int by_time(const void *a, const void *b)
{
    const struct scene_notice *x = a, *y = b;
    return x->at_ms != y->at_ms ? (x->at_ms > y->at_ms) - (x->at_ms < y->at_ms) : strcmp(x->zone, y->zone) ? strcmp(x->zone, y->zone) : strcmp(x->type, y->type);
}

// From the newest tick back; each body is let go before the next.
int recorded_notices(struct reading *g)
{
    int64_t before = 0;
    struct arena one;
    int rc = 0;
    arena_init(&one, 0);
    for (bool more = true, early = false; rc == 0 && more && !early;) {
        const struct state_ticks_query q = {.cluster = g->cluster, .before = before, .limit = STATE_PAGE_MAX};
        struct arena page;
        struct state_tick *ticks;
        size_t count;
        arena_init(&page, 0);
        rc = state_query_ticks(g->r, &q, &page, &ticks, &count, &more, g->err);
        for (size_t i = 0; rc == 0 && i < count && !early; i++) {
            struct state_tick_whole whole;
            struct snapshot s;
            before = ticks[i].id;
            early = ticks[i].at_ms < g->ret->from_ms;
            if (early || ticks[i].at_ms > g->ret->to_ms || !ticks[i].planned || ticks[i].summary.interrupted == 0 || !ticks[i].has_body)
                continue;
            rc = state_query_tick(g->r, ticks[i].id, &one, &whole, g->err);
            rc = rc ? rc : replay_read_snapshot(&whole, &one, &s, g->err);
            if (rc == 0)
                note_interrupted(g, &s);
            arena_reset(&one);
        }
        more = more && count > 0;
        arena_release(&page);
    }
    arena_release(&one);
    if (g->s->notice_count > 0)
        qsort(g->notices, g->s->notice_count, sizeof *g->notices, by_time);
    g->s->notices = g->notices;
    g->s->interruptions_per_instance_day = 0;
    return rc;
}
