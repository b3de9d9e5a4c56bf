#include "planner/vector_pack.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"

enum { RUIN_MIN = 1, RUIN_MAX = 7, TRIES_TYPES = 6 };

enum rule { RULE_DOT, RULE_NORM, RULES };

// One item as the search sees it: exact in doubles (every amount is below 2^53).
struct item {
    double need[RES_COUNT];
    double share[RES_COUNT];  // of the unit
    double bias;              // of its score, in this round
};

struct list {
    size_t *v, count, cap;
};

// A bin under work; its items are indices of struct search.item.
struct bin {
    int type;
    double load[RES_COUNT];
    struct list items;
};

struct search {
    struct arena *a;
    struct rng rng;
    const struct vector_type *types;
    size_t type_count;
    double unit[RES_COUNT];       // the largest room
    double value[RES_COUNT];      // of a unit share: what weighs bins
    double weight[RES_COUNT];     // of a unit share, in this round: what chooses items
    enum rule rule;
    struct item *item;
    struct bin *bins, *fresh;     // the packing, and what a round makes of a part of it
    size_t bin_count, fresh_count;
    size_t *left, left_count;     // items to be packed in this round
    size_t *picks, *best_picks;
    int64_t effort;               // comparisons left
};

static void list_add(struct arena *a, struct list *l, size_t x)
{
    l->v = arena_grow(a, l->v, l->count, &l->cap, sizeof *l->v);
    l->v[l->count++] = x;
}

// ---- filling one bin ----------------------------------------------------------------------------------------------------------
static bool fits(const double need[RES_COUNT], const double room[RES_COUNT])
{
    bool yes = true;
    for (int k = 0; k < RES_COUNT; k++)
        yes &= need[k] <= room[k];
    return yes;
}

// The larger the better. `room` is as shares of the unit.
static double score(const struct search *s, const struct item *x, const double room[RES_COUNT])
{
    double dot = 0, norm = 0;
    for (int k = 0; k < RES_COUNT; k++) {
        double rest = room[k] - x->share[k];
        dot += s->weight[k] * x->share[k] * room[k];
        norm -= s->weight[k] * rest * rest;
    }
    return s->rule == RULE_DOT ? dot * x->bias : norm / x->bias;
}

static void room_of(const struct search *s, const struct vector_type *type, double room[RES_COUNT], double share[RES_COUNT])
{
    for (int k = 0; k < RES_COUNT; k++) {
        room[k] = (double)type->room.v[k];
        share[k] = s->unit[k] > 0 ? room[k] / s->unit[k] : 0;
    }
}

// Fills an empty bin from `left`; the places in `left` of what it takes go to picks, ascending by time. Returns their number.
static size_t fill(struct search *s, const struct vector_type *type, size_t *picks)
{
    double room[RES_COUNT], share[RES_COUNT];
    room_of(s, type, room, share);
    size_t count = 0;
    // what does not fit once never does again
    size_t *open = s->best_picks + s->left_count, n = s->left_count;
    for (size_t i = 0; i < n; i++)
        open[i] = i;
    for (;;) {
        size_t kept = 0, best = SIZE_MAX;
        double best_score = -INFINITY;
        s->effort -= (int64_t)n;
        for (size_t i = 0; i < n; i++) {
            const struct item *x = &s->item[s->left[open[i]]];
            if (!fits(x->need, room))
                continue;
            double y = score(s, x, share);
            if (y > best_score) {
                best_score = y;
                best = kept;
            }
            open[kept++] = open[i];
        }
        if (best == SIZE_MAX)
            return count;
        picks[count++] = open[best];
        const struct item *x = &s->item[s->left[open[best]]];
        for (int k = 0; k < RES_COUNT; k++) {
            room[k] -= x->need[k];
            share[k] -= x->share[k];
        }
        memmove(&open[best], &open[best + 1], (kept - best - 1) * sizeof *open);
        n = kept - 1;
    }
}

static double value_of(const struct search *s, const double load[RES_COUNT])
{
    double sum = 0;
    for (int k = 0; k < RES_COUNT; k++)
        sum += s->unit[k] > 0 ? s->value[k] * load[k] / s->unit[k] : 0;
    return sum;
}

static void load_of(const struct search *s, const size_t *picks, size_t n, double ret[RES_COUNT])
{
    memset(ret, 0, RES_COUNT * sizeof *ret);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < RES_COUNT; k++)
            ret[k] += s->item[s->left[picks[i]]].need[k];
}

// The cheapest type that holds the load, the first of equals.
static int cheapest(const struct search *s, const double load[RES_COUNT], int type)
{
    for (size_t j = 0; j < s->type_count; j++) {
        double room[RES_COUNT], share[RES_COUNT];
        room_of(s, &s->types[j], room, share);
        if (s->types[j].price < s->types[type].price && fits(load, room))
            type = (int)j;
    }
    return type;
}

// ---- packing what is left into bins --------------------------------------------------------------------------------------------
static void weigh(struct search *s)
{
    memset(s->weight, 0, sizeof s->weight);
    for (size_t i = 0; i < s->left_count; i++)
        for (int k = 0; k < RES_COUNT; k++)
            s->weight[k] += s->item[s->left[i]].share[k];
}

static int by_place(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

// Takes the picks out of `left` into a new bin.
static void commit(struct search *s, int type, size_t *picks, size_t n)
{
    struct bin *b = &s->fresh[s->fresh_count++];
    load_of(s, picks, n, b->load);
    b->type = cheapest(s, b->load, type);
    b->items.count = 0;
    for (size_t i = 0; i < n; i++)
        list_add(s->a, &b->items, s->left[picks[i]]);
    qsort(picks, n, sizeof *picks, by_place);
    size_t kept = picks[0];
    for (size_t i = picks[0], taken = 0; i < s->left_count; i++) {
        if (taken < n && picks[taken] == i)
            taken++;
        else
            s->left[kept++] = s->left[i];
    }
    s->left_count = kept;
}

// Which type to open: the most value for its price, among those tried.
static int best_type(struct search *s, const int *tried, size_t tried_count, size_t *ret_count)
{
    int best = -1;
    double best_price = INFINITY;
    for (size_t j = 0; j < tried_count; j++) {
        const struct vector_type *type = &s->types[tried[j]];
        size_t n = fill(s, type, s->picks);
        double load[RES_COUNT];
        load_of(s, s->picks, n, load);
        double price = n > 0 ? (double)s->types[cheapest(s, load, tried[j])].price / value_of(s, load) : INFINITY;
        if (n > 0 && (best < 0 || price < best_price)) {
            best = tried[j];
            best_price = price;
            *ret_count = n;
            memcpy(s->best_picks, s->picks, n * sizeof *s->picks);
        }
    }
    return best;
}

// False: some item has no place in the types tried, or the price passes `most`.
static bool pack_left(struct search *s, const int *tried, size_t tried_count, const double bend[RES_COUNT], double most)
{
    double price = 0;
    s->fresh_count = 0;
    while (s->left_count > 0) {
        size_t n = 0;
        weigh(s);
        for (int k = 0; k < RES_COUNT; k++)
            s->weight[k] *= bend[k];
        int type = best_type(s, tried, tried_count, &n);
        if (type < 0)
            return false;
        commit(s, type, s->best_picks, n);
        price += (double)s->types[s->fresh[s->fresh_count - 1].type].price;
        if (price > most)
            return false;
    }
    return true;
}

// ---- the plain heuristics --------------------------------------------------------------------------------------------------------
static double price_of(const struct search *s, const struct bin *bins, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)s->types[bins[i].type].price;
    return sum;
}

// Of packings of one price, that is better whose bins are less even: the emptiest can go next.
static double worth(const struct search *s, const struct bin *bins, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double v = value_of(s, bins[i].load);
        sum += v * v / (double)s->types[bins[i].type].price;
    }
    return sum;
}

static void take_all(struct search *s, const size_t *packable, size_t n)
{
    s->left_count = n;
    memcpy(s->left, packable, n * sizeof *packable);
}

// Another type has as much room for no more money.
static bool dominated(const struct search *s, size_t j)
{
    for (size_t i = 0; i < s->type_count; i++) {
        const struct vector_type *x = &s->types[i], *y = &s->types[j];
        bool same = x->price == y->price && res_eq(x->room, y->room);
        if (i != j && x->price <= y->price && res_eq(res_max(x->room, y->room), x->room) && (!same || i < j))
            return true;
    }
    return false;
}

static void start(struct search *s, const size_t *packable, size_t n)
{
    static const double even[RES_COUNT] = {1, 1, 1, 1};
    int *all = arena_array(s->a, int, s->type_count + 1);
    size_t all_count = 0;
    for (size_t j = 0; j < s->type_count; j++)
        if (!dominated(s, j))
            all[all_count++] = (int)j;
    double best = INFINITY;
    for (int rule = 0; rule < RULES; rule++) {
        s->rule = (enum rule)rule;
        take_all(s, packable, n);
        if (!pack_left(s, all, all_count, even, INFINITY))
            continue;
        double price = price_of(s, s->fresh, s->fresh_count);
        if (price < best) {
            struct bin *x = s->bins;
            s->bins = s->fresh;
            s->fresh = x;
            s->bin_count = s->fresh_count;
            best = price;
        }
    }
}

// ---- ruin and recreate -----------------------------------------------------------------------------------------------------------
// A few different bins: the emptiest of three drawn, then any.
static size_t draw_bins(struct search *s, size_t *ret)
{
    size_t n = (size_t)rng_between(&s->rng, RUIN_MIN, RUIN_MAX), count = 0;
    n = n < s->bin_count ? n : s->bin_count;
    double least = INFINITY;
    for (int i = 0; i < 3; i++) {
        size_t b = (size_t)rng_below(&s->rng, s->bin_count);
        double v = value_of(s, s->bins[b].load) / (double)s->types[s->bins[b].type].price;
        if (v < least) {
            least = v;
            ret[0] = b;
        }
    }
    for (count = 1; count < n;) {
        size_t b = (size_t)rng_below(&s->rng, s->bin_count), k = 0;
        while (k < count && ret[k] != b)
            k++;
        if (k == count)
            ret[count++] = b;
    }
    return count;
}

static size_t draw_types(struct search *s, const size_t *at, size_t n, int *ret)
{
    size_t count = 0;
    for (size_t i = 0; i < n + TRIES_TYPES; i++) {
        int type = i < n ? s->bins[at[i]].type : (int)rng_below(&s->rng, s->type_count);
        size_t k = 0;
        while (k < count && ret[k] != type)
            k++;
        if (k == count)
            ret[count++] = type;
    }
    return count;
}

static void exchange(struct bin *a, struct bin *b)
{
    struct bin x = *a;
    *a = *b;
    *b = x;
}

// The fresh bins take the place of those n (ascending).
static void replace(struct search *s, const size_t *at, size_t n)
{
    for (size_t i = 0; i < s->fresh_count; i++)
        exchange(&s->fresh[i], &s->bins[i < n ? at[i] : s->bin_count++]);
    for (size_t i = n; i-- > s->fresh_count;)
        exchange(&s->bins[at[i]], &s->bins[--s->bin_count]);
}

static void round_once(struct search *s)
{
    size_t at[RUIN_MAX], n = draw_bins(s, at);
    int tried[RUIN_MAX + TRIES_TYPES];
    qsort(at, n, sizeof *at, by_place);
    size_t tried_count = draw_types(s, at, n, tried);
    double spread = 0.5 * rng_double(&s->rng), bend[RES_COUNT], price = 0, old = 0;
    s->rule = (enum rule)rng_below(&s->rng, RULES);
    for (int k = 0; k < RES_COUNT; k++)
        bend[k] = exp(rng_double(&s->rng) * 2 - 1);
    s->left_count = 0;
    for (size_t i = 0; i < n; i++) {
        const struct bin *b = &s->bins[at[i]];
        price += (double)s->types[b->type].price;
        old += worth(s, b, 1);
        for (size_t k = 0; k < b->items.count; k++) {
            s->left[s->left_count++] = b->items.v[k];
            s->item[b->items.v[k]].bias = 1 + spread * (rng_double(&s->rng) * 2 - 1);
        }
    }
    if (!pack_left(s, tried, tried_count, bend, price))
        return;
    double now = price_of(s, s->fresh, s->fresh_count);
    if (now < price || worth(s, s->fresh, s->fresh_count) >= old)
        replace(s, at, n);
}

// ---- in and out ------------------------------------------------------------------------------------------------------------------
static void set_units(struct search *s, struct res total)
{
    for (size_t j = 0; j < s->type_count; j++)
        for (int k = 0; k < RES_COUNT; k++)
            s->unit[k] = fmax(s->unit[k], (double)s->types[j].room.v[k]);
    double dual[RES_COUNT], sum = 0;
    double bound = vector_bound(s->a, s->types, s->type_count, total, dual);
    // A resource that the LP holds for free still fills bins: half by the LP, half by what is asked for.
    for (int k = 0; k < RES_COUNT; k++)
        sum += s->unit[k] > 0 ? (double)total.v[k] / s->unit[k] : 0;
    for (int k = 0; k < RES_COUNT; k++)
        if (s->unit[k] > 0 && sum > 0 && bound < INFINITY)
            s->value[k] = 0.5 * dual[k] * s->unit[k] + 0.5 * bound * ((double)total.v[k] / s->unit[k]) / (sum * sum);
}

static bool in_a_type(const struct search *s, const struct item *x)
{
    for (size_t j = 0; j < s->type_count; j++) {
        double room[RES_COUNT], share[RES_COUNT];
        room_of(s, &s->types[j], room, share);
        if (fits(x->need, room))
            return true;
    }
    return false;
}

// Reads the items; those that some type holds go to packable.
static struct res read_items(struct search *s, const struct res *items, size_t n, size_t *packable, size_t *ret_count, struct vector_packing *p)
{
    struct res total = {0};
    for (size_t i = 0; i < n; i++) {
        struct item *x = &s->item[i];
        x->bias = 1;
        for (int k = 0; k < RES_COUNT; k++) {
            assert(items[i].v[k] >= 0);
            x->need[k] = (double)items[i].v[k];
        }
        if (in_a_type(s, x)) {
            packable[(*ret_count)++] = i;
            total = res_add(total, items[i]);
        } else {
            p->unpacked[p->unpacked_count++] = i;
        }
    }
    return total;
}

static void give(const struct search *s, struct vector_packing *p)
{
    p->bins = arena_array(s->a, struct vector_bin, s->bin_count + 1);
    p->bin_count = s->bin_count;
    for (size_t i = 0; i < s->bin_count; i++) {
        const struct bin *b = &s->bins[i];
        p->bins[i] = (struct vector_bin){.type = b->type, .items = b->items.v, .count = b->items.count};
        for (int k = 0; k < RES_COUNT; k++)
            p->bins[i].load.v[k] = (int64_t)b->load[k];
        p->price += s->types[b->type].price;
    }
}

struct vector_packing vector_pack(struct arena *a, const struct vector_type *types, size_t type_count, const struct res *items, size_t n,
                                  int64_t effort)
{
    struct vector_packing p = {.unpacked = arena_array(a, size_t, n + 1)};
    struct search s = {.a = a, .types = types, .type_count = type_count};
    s.item = arena_array(a, struct item, n + 1);
    s.bins = arena_array(a, struct bin, n + 1);
    s.fresh = arena_array(a, struct bin, n + 1);
    s.left = arena_array(a, size_t, n + 1);
    s.picks = arena_array(a, size_t, n + 1);
    s.best_picks = arena_array(a, size_t, 2 * n + 1);
    size_t *packable = arena_array(a, size_t, n + 1), count = 0;
    struct res total = read_items(&s, items, n, packable, &count, &p);
    set_units(&s, total);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < RES_COUNT; k++)
            s.item[i].share[k] = s.unit[k] > 0 ? s.item[i].need[k] / s.unit[k] : 0;
    rng_init(&s.rng, 1);
    if (count > 0)
        start(&s, packable, count);
    s.effort = effort;
    while (s.effort > 0 && s.bin_count > 0)
        round_once(&s);
    give(&s, &p);
    return p;
}
