#include "planner/pool_memory.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "planner/explain.h"

#define AVOID_MS (3 * 60 * 1000LL)
#define AVOID_MAX_MS (30 * 60 * 1000LL)
#define QUIET_MS (30 * 60 * 1000LL)   // after which the count of failures halves
#define FRESH_MS (30 * 60 * 1000LL)   // what is older is no news, even where the memo was lost
#define DOUBLINGS_MAX 10
#define SCORE_HALF_MS (3 * 60 * 60 * 1000LL)
#define SCORE_LIFE_MS (24 * 60 * 60 * 1000LL)
#define SCORE_BEST 10

static int64_t avoid_ms(int32_t count)
{
    assert(count > 0);
    int doublings = count - 1 < DOUBLINGS_MAX ? count - 1 : DOUBLINGS_MAX;
    return i64_min(AVOID_MS << doublings, AVOID_MAX_MS);
}

// What is left of the count after the quiet since it was avoided.
static int32_t decayed(const struct memo_stamp *x, int64_t now_ms)
{
    int64_t quiet = (now_ms - i64_max(x->since_ms, x->until_ms)) / QUIET_MS;
    return quiet <= 0 ? x->count : quiet > DOUBLINGS_MAX ? 0 : x->count >> quiet;
}

static bool is_of(const struct memo_stamp *x, const char *type, const char *zone)
{
    size_t n = strlen(type);
    return strncmp(x->key, type, n) == 0 && x->key[n] == ' ' && strcmp(x->key + n + 1, zone) == 0;
}

static void carry(struct work *w)
{
    for (size_t k = 0; w->old && k < w->old->stamp_count; k++) {
        const struct memo_stamp *x = &w->old->stamps[k];
        if (x->kind == STAMP_POOL && x->since_ms <= w->s->now_ms && x->count > 0 && x->until_ms - x->since_ms <= AVOID_MAX_MS &&
            decayed(x, w->s->now_ms) > 0)
            work_stamp_set(w, *x);
    }
}

static void failed(struct work *w, const char *type, const char *zone, int64_t at_ms, enum pool_trouble trouble)
{
    if (!type[0] || !zone[0] || at_ms <= 0 || at_ms > w->s->now_ms || w->s->now_ms - at_ms > FRESH_MS)
        return;
    const char *key = explain_text(w, "%s %s", type, zone);
    const struct memo_stamp *was = work_stamp(w, STAMP_POOL, key);
    struct memo_stamp x = {STAMP_POOL, key, at_ms, 0, 1, trouble};
    if (was && at_ms <= was->since_ms)
        return;
    if (was && at_ms < was->until_ms) {
        x.count = was->count;
        x.amount = was->amount | trouble;
    } else if (was) {
        x.count = decayed(was, at_ms) + 1;
        x.count = x.count > DOUBLINGS_MAX ? DOUBLINGS_MAX : x.count;
    }
    x.until_ms = at_ms + avoid_ms(x.count);
    work_stamp_set(w, x);
}

static void see_instances(struct work *w)
{
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *x = &w->s->instances[i];
        if (x->fleet < 0)
            continue;
        if (x->spot && x->notice_ms > 0)
            failed(w, x->type, x->zone, x->notice_ms, POOL_INTERRUPTED);
        else if (x->spot && x->rebalance_ms > 0 && x->event_ms == 0)
            failed(w, x->type, x->zone, x->rebalance_ms, POOL_WARNED);
        if (w->inst[i].role == ROLE_LATE)
            failed(w, x->type, x->zone, x->launched_ms + w->p->boot_limit_ms, POOL_SLOW);
    }
}

static bool zone_down(const struct work *w, const char *zone)
{
    for (int z = 0; z < w->zone_count && zone[0]; z++)
        if (strcmp(w->zones[z], zone) == 0)
            return w->zone_down[z];
    return false;
}

static bool avoided_entry(const struct work *w, const struct fleet_pool *p)
{
    return pool_memory_avoided(w, p->type_name, p->zone) != NULL;
}

// A pool of the list stands for its type in all zones: it is out of stock where each of these is.
static bool out_of_stock(const struct work *w, int f, const struct pool *x)
{
    const struct fleet *fleet = &w->s->fleets[f];
    bool any = false;
    for (size_t k = 0; k < fleet->pool_count; k++) {
        const struct fleet_pool *p = &fleet->pools[k];
        if (p->type != x->type || p->weight_milli != x->weight_milli || p->subnet_full)
            continue;
        const struct memo_stamp *s = pool_memory_avoided(w, p->type_name, p->zone);
        if (!s || !(s->amount & (POOL_REFUSED | POOL_IMPAIRED)))
            return false;
        any = true;
    }
    return any;
}

// The count halves in each half hour of quiet: at a steady rate it is that rate times 0.5 h / ln 2.
static double rate_per_hour(const struct memo_stamp *x, int64_t now_ms)
{
    return x->amount & POOL_INTERRUPTED ? decayed(x, now_ms) * 1.386 : 0;
}

static double interruptions_per_hour(const struct work *w, int f, const struct pool *x, const struct memo_stamp *v, size_t count)
{
    const struct fleet *fleet = &w->s->fleets[f];
    double sum = 0;
    int zones = 0;
    for (size_t k = 0; k < fleet->pool_count; k++) {
        const struct fleet_pool *p = &fleet->pools[k];
        if (p->type != x->type || p->weight_milli != x->weight_milli)
            continue;
        zones++;
        for (size_t m = 0; m < count; m++)
            if (is_of(&v[m], p->type_name, p->zone))
                sum += rate_per_hour(&v[m], w->s->now_ms);
    }
    return zones > 0 ? sum / zones : 0;
}

double pool_memory_rate(const struct work *w, const char *type, const char *zone)
{
    for (size_t k = 0; k < w->memo->stamp_count; k++)
        if (w->memo->stamps[k].kind == STAMP_POOL && is_of(&w->memo->stamps[k], type, zone))
            return rate_per_hour(&w->memo->stamps[k], w->s->now_ms);
    return 0;
}

// Of a choice among fleets, or among the types of an instant one; few pools have stamps.
static void find_rates(struct work *w)
{
    struct memo_stamp *v = NULL;
    size_t count = 0, cap = 0;
    bool chooses = w->s->fleet_count > 1 || (w->s->fleet_count == 1 && w->s->fleets[0].kind == FLEET_INSTANT);
    for (size_t k = 0; chooses && k < w->memo->stamp_count; k++) {
        if (w->memo->stamps[k].kind != STAMP_POOL || !(w->memo->stamps[k].amount & POOL_INTERRUPTED))
            continue;
        v = arena_grow(w->a, v, count, &cap, sizeof *v);
        v[count++] = w->memo->stamps[k];
    }
    for (size_t f = 0; count > 0 && f < w->s->fleet_count; f++)
        for (size_t n = 0; n < w->fleet_pools[f].count; n++)
            w->fleet_pools[f].v[n].interruptions_per_hour = interruptions_per_hour(w, (int)f, &w->fleet_pools[f].v[n], v, count);
}

// Few pools fail; asking about one need not search through all stamps.
static void list_avoided(struct work *w)
{
    size_t cap = 0;
    for (size_t k = 0; k < w->memo->stamp_count; k++) {
        const struct memo_stamp *x = &w->memo->stamps[k];
        if (x->kind != STAMP_POOL || x->until_ms <= w->s->now_ms)
            continue;
        w->avoided.v = arena_grow(w->a, w->avoided.v, w->avoided.count, &cap, sizeof *w->avoided.v);
        w->avoided.v[w->avoided.count++] = *x;
    }
}

// ---- placement scores -----------------------------------------------------------------------------------------------------
static void carry_scores(struct work *w)
{
    for (size_t k = 0; w->old && k < w->old->stamp_count; k++) {
        const struct memo_stamp *x = &w->old->stamps[k];
        if (x->kind == STAMP_SCORE && x->count >= 1 && x->count <= SCORE_BEST && x->since_ms <= w->s->now_ms && w->s->now_ms - x->since_ms < SCORE_LIFE_MS)
            work_stamp_set(w, *x);
    }
}

static const char *score_key(struct work *w, int fleet, const char *zone)
{
    return explain_text(w, "%s %s", w->s->fleets[fleet].id, zone);
}

static void see_scores(struct work *w)
{
    for (size_t f = 0; f < w->s->fleet_count; f++)
        for (size_t k = 0; k < w->s->fleets[f].pool_count; k++) {
            const struct fleet_pool *p = &w->s->fleets[f].pools[k];
            bool news = p->score >= 1 && p->score <= SCORE_BEST && p->scored_ms <= w->s->now_ms && w->s->now_ms - p->scored_ms < SCORE_LIFE_MS;
            const char *key = news ? score_key(w, (int)f, p->zone) : NULL;
            const struct memo_stamp *was = news ? work_stamp(w, STAMP_SCORE, key) : NULL;
            if (news && (!was || was->since_ms < p->scored_ms))
                work_stamp_set(w, (struct memo_stamp){STAMP_SCORE, key, p->scored_ms, 0, p->score, 0});
        }
}

double pool_memory_scarcity(struct work *w, int fleet, const char *zone)
{
    const struct memo_stamp *x = w->scored ? work_stamp(w, STAMP_SCORE, score_key(w, fleet, zone)) : NULL;
    if (!x)
        return 0;
    return (double)(SCORE_BEST - x->count) / (SCORE_BEST - 1) * exp2(-(double)(w->s->now_ms - x->since_ms) / SCORE_HALF_MS);
}

// Of a pool of the list, which stands for its type in all zones, the mean.
static void rate_scarcity(struct work *w, int f)
{
    const struct fleet *fleet = &w->s->fleets[f];
    double *by_pool = arena_array(w->a, double, fleet->pool_count + 1);
    for (size_t k = 0; k < fleet->pool_count; k++)
        by_pool[k] = pool_memory_scarcity(w, f, fleet->pools[k].zone);
    for (size_t n = 0; n < w->fleet_pools[f].count; n++) {
        struct pool *x = &w->fleet_pools[f].v[n];
        double sum = 0;
        int zones = 0;
        for (size_t k = 0; k < fleet->pool_count; k++)
            if (fleet->pools[k].type == x->type && fleet->pools[k].weight_milli == x->weight_milli) {
                sum += by_pool[k];
                zones++;
            }
        x->scarcity = zones > 0 ? sum / zones : 0;
    }
}

static void observe_scores(struct work *w)
{
    if (w->p->placement_scores_ms == 0)
        return;
    carry_scores(w);
    see_scores(w);
    for (size_t k = 0; k < w->memo->stamp_count && !w->scored; k++)
        w->scored = w->memo->stamps[k].kind == STAMP_SCORE;
    for (size_t f = 0; f < w->s->fleet_count && w->scored; f++)
        rate_scarcity(w, (int)f);
}

void pool_memory_observe(struct work *w)
{
    carry(w);
    observe_scores(w);
    see_instances(w);
    for (size_t f = 0; f < w->s->fleet_count; f++)
        for (size_t k = 0; k < w->s->fleets[f].pool_count; k++) {
            const struct fleet_pool *p = &w->s->fleets[f].pools[k];
            failed(w, p->type_name, p->zone, p->refused_ms, POOL_REFUSED);
            if (zone_down(w, p->zone))
                failed(w, p->type_name, p->zone, w->s->now_ms, POOL_IMPAIRED);
        }
    list_avoided(w);
    find_rates(w);
    for (size_t f = 0; f < w->s->fleet_count; f++)
        for (size_t n = 0; n < w->fleet_pools[f].count; n++)
            w->fleet_pools[f].v[n].out = out_of_stock(w, (int)f, &w->fleet_pools[f].v[n]);
}

const struct memo_stamp *pool_memory_avoided(const struct work *w, const char *type, const char *zone)
{
    for (size_t k = 0; k < w->avoided.count; k++)
        if (is_of(&w->avoided.v[k], type, zone))
            return &w->avoided.v[k];
    return NULL;
}

bool pool_memory_all_avoided(const struct work *w, int fleet)
{
    const struct fleet *f = &w->s->fleets[fleet];
    for (size_t k = 0; k < f->pool_count; k++)
        if (!f->pools[k].subnet_full && !avoided_entry(w, &f->pools[k]))
            return false;
    return f->pool_count > 0;
}

static const char *trouble_fact(struct work *w, const struct memo_stamp *x)
{
    static const struct {
        enum pool_trouble trouble;
        const char *words;
    } WORDS[] = {{POOL_INTERRUPTED, "interrupted"}, {POOL_REFUSED, "out of stock"}, {POOL_SLOW, "slow to register"}, {POOL_WARNED, "warned"}, {POOL_IMPAIRED, "zone down"}};
    const char *what = "";
    for (size_t k = 0; k < ARRAY_LEN(WORDS); k++)
        if (x->amount & WORDS[k].trouble)
            what = explain_text(w, "%s%s%s", what, what[0] ? ", " : "", WORDS[k].words);
    return x->count == 1 ? explain_text(w, "%s %s", what, explain_time(w, x->since_ms))
                         : explain_text(w, "%s %s, %d failures", what, explain_time(w, x->since_ms), x->count);
}

void pool_memory_explain(struct work *w)
{
    for (size_t k = 0; k < w->avoided.count; k++) {
        const struct memo_stamp *x = &w->avoided.v[k];
        explain_verdict(w, (struct verdict){.kind = CANDIDATE_POOL, .code = VERDICT_HOLD, .target = x->key, .fact = trouble_fact(w, x),
                                            .verdict = explain_text(w, "avoid until %s", explain_time(w, x->until_ms))});
    }
}
