#include "planner/bins.h"

#include <assert.h>
#include <string.h>

enum { BLOCK = 4, ORDERS = 2, FAILED_MAX = 12 };  // RES_CPU and RES_MEMORY have orders

struct tree {
    size_t leaves;      // a power of two; 0: not there
    struct small *max;  // node n has the children 2n and 2n + 1; leaves from [leaves]
};

struct order {
    struct bin_key *v;
    size_t n;
};

// Needs that found no room in a kind, none of which is met by another.
struct failed {
    struct small v[FAILED_MAX];
    int n;
};

struct bins {
    struct failed *failed[2];           // by takes (now, later), then kind
    bool trial;
    struct tree *trees[2];              // by takes (now, later), then kind
    struct small *rooms[2];             // by takes, then place in kinds.bins: 0 where it does not take tasks
    struct order *orders[2][ORDERS];    // by takes, component, then kind
    int64_t *keys[ORDERS];              // by instance: under which it is in its order
};

// ---- the tree -------------------------------------------------------------------------------------------------------------
static struct small block_max(const struct small *rooms, const struct kind *k, size_t block)
{
    struct small most = {0, 0};
    size_t end = (block + 1) * BLOCK < k->count ? (block + 1) * BLOCK : k->count;
    for (size_t n = block * BLOCK; n < end; n++)
        most = small_max(most, rooms[k->first + n]);
    return most;
}

static struct tree tree_make(struct work *w, const struct small *rooms, const struct kind *k)
{
    struct tree t = {.leaves = 1};
    size_t blocks = (k->count + BLOCK - 1) / BLOCK;
    while (t.leaves < blocks)
        t.leaves *= 2;
    t.max = arena_array(w->a, struct small, 2 * t.leaves);
    for (size_t n = 0; n < blocks; n++)
        t.max[t.leaves + n] = block_max(rooms, k, n);
    for (size_t n = t.leaves - 1; n > 0; n--)
        t.max[n] = small_max(t.max[2 * n], t.max[2 * n + 1]);
    return t;
}

static void trees_make(struct work *w, struct pass *p, int t)
{
    struct bins *b = p->bins;
    bool any = false;
    b->failed[t] = arena_array(w->a, struct failed, w->kinds.count + 1);
    b->trees[t] = arena_array(w->a, struct tree, w->kinds.count + 1);
    for (size_t i = 0; i < w->s->instance_count && !any; i++)
        any = p->takes[i] == TAKES_NOW + t;
    if (!any)
        return;
    b->rooms[t] = arena_array(w->a, struct small, w->s->instance_count + 1);
    for (size_t n = 0; n < w->s->instance_count; n++) {
        int i = w->kinds.bins[n];
        if (p->takes[i] == TAKES_NOW + t)
            b->rooms[t][n] = small_of(p->free[i]);
    }
    for (size_t k = 0; k < w->kinds.count; k++)
        b->trees[t][k] = tree_make(w, b->rooms[t], &w->kinds.v[k]);
}

void bins_init(struct work *w, struct pass *p)
{
    p->bins = arena_new(w->a, struct bins);
    for (int t = 0; t < 2; t++)
        trees_make(w, p, t);
}

void bins_trial(struct pass *p, bool on)
{
    p->bins->trial = on;
}

static bool known_to_fail(const struct failed *f, struct small need)
{
    for (int k = 0; k < f->n; k++)
        if (small_fits(f->v[k], need))
            return true;
    return false;
}

static void note_failed(struct failed *f, struct small need)
{
    int n = 0;
    for (int k = 0; k < f->n; k++)  // those that this one now speaks for
        if (!small_fits(need, f->v[k]))
            f->v[n++] = f->v[k];
    f->n = n;
    if (f->n < FAILED_MAX)
        f->v[f->n++] = need;
}

static int find_first(const struct work *w, const struct pass *p, enum takes takes, int kind, int shape, size_t from)
{
    const struct tree *t = &p->bins->trees[takes - TAKES_NOW][kind];
    const struct kind *k = &w->kinds.v[kind];
    const struct small *rooms = p->bins->rooms[takes - TAKES_NOW] + k->first, need = w->facts[shape].need;
    for (size_t node = from == 0 ? 1 : t->leaves + from / BLOCK;;) {
        if (small_fits(need, t->max[node])) {
            if (node < t->leaves) {
                node *= 2;
                continue;
            }
            size_t n = (node - t->leaves) * BLOCK, end = n + BLOCK < k->count ? n + BLOCK : k->count;
            for (n = n < from ? from : n; n < end; n++) {
                int i = w->kinds.bins[k->first + n];
                if (small_fits(need, rooms[n]) && p->takes[i] == takes && res_fits(work_shape(w, shape)->need, p->free[i]))
                    return (int)n;
            }
        }
        // On to the right: up while this is a right child; the root is one.
        while (node & 1)
            node /= 2;
        if (node == 0)
            return -1;
        node++;
    }
}

int bins_first(const struct work *w, const struct pass *p, enum takes takes, int kind, int shape, size_t from)
{
    struct failed *f = &p->bins->failed[takes - TAKES_NOW][kind];
    const struct tree *t = &p->bins->trees[takes - TAKES_NOW][kind];
    const struct small need = w->facts[shape].need;
    if (t->leaves == 0 || from >= w->kinds.v[kind].count || !small_fits(need, t->max[1]) || known_to_fail(f, need))
        return -1;
    int n = find_first(w, p, takes, kind, shape, from);
    if (n < 0 && from == 0 && !p->bins->trial && small_exact(need))
        note_failed(f, need);
    return n;
}

// ---- orders ---------------------------------------------------------------------------------------------------------------
static int by_free(const void *a, const void *b)
{
    const struct bin_key *x = a, *y = b;
    if (x->free != y->free)
        return x->free < y->free ? -1 : 1;
    return (x->bin > y->bin) - (x->bin < y->bin);
}

// The first place that does not come before the key.
static size_t order_find(const struct order *o, struct bin_key key)
{
    size_t low = 0, high = o->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (by_free(&o->v[mid], &key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void order_make(struct work *w, struct pass *p, enum takes takes, int kind, int component, struct order *o)
{
    const struct kind *k = &w->kinds.v[kind];
    if (!p->bins->keys[component])
        p->bins->keys[component] = arena_array(w->a, int64_t, w->s->instance_count + 1);
    o->v = arena_array(w->a, struct bin_key, k->count + 1);
    for (size_t n = 0; n < k->count; n++) {
        int i = w->kinds.bins[k->first + n];
        if (p->takes[i] != takes)
            continue;
        o->v[o->n++] = (struct bin_key){p->free[i].v[component], i};
        p->bins->keys[component][i] = p->free[i].v[component];
    }
    if (o->n > 1)
        qsort(o->v, o->n, sizeof *o->v, by_free);
}

const struct bin_key *bins_order(struct work *w, struct pass *p, enum takes takes, int kind, enum res_kind component, int64_t least,
                                 size_t *ret_from, size_t *ret_count)
{
    struct order **orders = &p->bins->orders[takes - TAKES_NOW][component];
    assert(component == RES_CPU || component == RES_MEMORY);
    if (!*orders)
        *orders = arena_array(w->a, struct order, w->kinds.count + 1);
    struct order *o = &(*orders)[kind];
    if (!o->v)
        order_make(w, p, takes, kind, (int)component, o);
    *ret_from = order_find(o, (struct bin_key){least, -1});
    *ret_count = o->n;
    return o->v;
}

// Moves an instance to where its key now belongs, or out.
static void order_move(struct order *o, int bin, int64_t was, int64_t is, bool stays)
{
    size_t from = order_find(o, (struct bin_key){was, bin});
    if (from >= o->n || o->v[from].bin != bin)
        return;
    size_t to = stays ? order_find(o, (struct bin_key){is, bin}) : o->n;
    if (to > from) {
        to--;
        memmove(&o->v[from], &o->v[from + 1], (to - from) * sizeof *o->v);
    } else {
        memmove(&o->v[to + 1], &o->v[to], (from - to) * sizeof *o->v);
    }
    if (stays)
        o->v[to] = (struct bin_key){is, bin};
    else
        o->n--;
}

void bins_touch(struct work *w, struct pass *p, int bin)
{
    assert(bin >= 0 && bin < (int)w->s->instance_count);
    int kind = w->kinds.kind_of[bin];
    const struct kind *k = &w->kinds.v[kind];
    size_t pos = (size_t)w->kinds.pos_of[bin];
    for (int t = 0; t < 2; t++) {
        struct tree *x = &p->bins->trees[t][kind];
        bool takes = p->takes[bin] == TAKES_NOW + t;
        for (int c = 0; c < ORDERS; c++) {
            struct order *o = p->bins->orders[t][c] ? &p->bins->orders[t][c][kind] : NULL;
            if (!o || !o->v)
                continue;
            order_move(o, bin, p->bins->keys[c][bin], p->free[bin].v[c], takes);
            if (takes)
                p->bins->keys[c][bin] = p->free[bin].v[c];
        }
        if (x->leaves == 0)
            continue;
        p->bins->rooms[t][k->first + pos] = takes ? small_of(p->free[bin]) : (struct small){0, 0};
        size_t node = x->leaves + pos / BLOCK;
        struct small most = block_max(p->bins->rooms[t], k, pos / BLOCK);
        while (node > 0 && !small_eq(x->max[node], most)) {
            x->max[node] = most;
            node /= 2;
            if (node > 0)
                most = small_max(x->max[2 * node], x->max[2 * node + 1]);
        }
    }
}
