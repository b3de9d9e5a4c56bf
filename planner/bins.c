#include "planner/bins.h"

#include <assert.h>
#include <string.h>

enum { BLOCK = 4, ORDERS = 2, FAILED_MAX = 12 };  // RES_CPU and RES_MEMORY have orders

struct tree {
    size_t leaves;    // a power of two; 0: not there
    struct res *max;  // node n has the children 2n and 2n + 1; leaves from [leaves]
};

struct order {
    struct bin_key *v;
    size_t n;
};

// Needs that found no room in a kind, none of which is met by another.
struct failed {
    struct res v[FAILED_MAX];
    int n;
};

struct bins {
    struct failed *failed[2];           // by takes (now, later), then kind
    bool trial;
    struct tree *trees[2];              // by takes (now, later), then kind
    struct order *orders[2][ORDERS];    // then component
    int64_t *keys[ORDERS];              // by instance: under which it is in its order
};

static const struct res nothing = {{-1, -1, -1, -1}};

static struct res block_max(const struct work *w, const struct pass *p, enum takes takes, const struct kind *k, size_t block)
{
    struct res most = nothing;
    size_t end = (block + 1) * BLOCK < k->count ? (block + 1) * BLOCK : k->count;
    for (size_t n = block * BLOCK; n < end; n++) {
        int i = w->kinds.bins[k->first + n];
        if (p->takes[i] == takes)
            most = res_max(most, p->free[i]);
    }
    return most;
}

static struct tree tree_make(struct work *w, const struct pass *p, enum takes takes, const struct kind *k)
{
    struct tree t = {.leaves = 1};
    size_t blocks = (k->count + BLOCK - 1) / BLOCK;
    while (t.leaves < blocks)
        t.leaves *= 2;
    t.max = arena_array(w->a, struct res, 2 * t.leaves);
    for (size_t n = 0; n < t.leaves; n++)
        t.max[t.leaves + n] = n < blocks ? block_max(w, p, takes, k, n) : nothing;
    for (size_t n = t.leaves - 1; n > 0; n--)
        t.max[n] = res_max(t.max[2 * n], t.max[2 * n + 1]);
    return t;
}

void bins_init(struct work *w, struct pass *p)
{
    bool any[2] = {false, false};
    p->bins = arena_new(w->a, struct bins);
    for (size_t i = 0; i < w->s->instance_count; i++)
        if (p->takes[i] != TAKES_NONE)
            any[p->takes[i] - TAKES_NOW] = true;
    for (int t = 0; t < 2; t++) {
        p->bins->failed[t] = arena_array(w->a, struct failed, w->kinds.count + 1);
        p->bins->trees[t] = arena_array(w->a, struct tree, w->kinds.count + 1);
        for (size_t k = 0; k < w->kinds.count && any[t]; k++)
            p->bins->trees[t][k] = tree_make(w, p, (enum takes)(TAKES_NOW + t), &w->kinds.v[k]);
    }
}

void bins_trial(struct pass *p, bool on)
{
    p->bins->trial = on;
}

static bool known_to_fail(const struct failed *f, struct res need)
{
    for (int k = 0; k < f->n; k++)
        if (res_fits(f->v[k], need))
            return true;
    return false;
}

static void note_failed(struct failed *f, struct res need)
{
    int n = 0;
    for (int k = 0; k < f->n; k++)  // those that this one now speaks for
        if (!res_fits(need, f->v[k]))
            f->v[n++] = f->v[k];
    f->n = n;
    if (f->n < FAILED_MAX)
        f->v[f->n++] = need;
}

static int find_first(const struct work *w, const struct pass *p, enum takes takes, int kind, struct res need, size_t from)
{
    const struct tree *t = &p->bins->trees[takes - TAKES_NOW][kind];
    const struct kind *k = &w->kinds.v[kind];
    if (t->leaves == 0 || from >= k->count)
        return -1;
    for (size_t node = from == 0 ? 1 : t->leaves + from / BLOCK;;) {
        if (res_fits(need, t->max[node])) {
            if (node < t->leaves) {
                node *= 2;
                continue;
            }
            size_t n = (node - t->leaves) * BLOCK, end = n + BLOCK < k->count ? n + BLOCK : k->count;
            for (n = n < from ? from : n; n < end; n++) {
                int i = w->kinds.bins[k->first + n];
                if (p->takes[i] == takes && res_fits(need, p->free[i]))
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

int bins_first(const struct work *w, const struct pass *p, enum takes takes, int kind, struct res need, size_t from)
{
    struct failed *f = &p->bins->failed[takes - TAKES_NOW][kind];
    const struct tree *t = &p->bins->trees[takes - TAKES_NOW][kind];
    if (t->leaves == 0 || !res_fits(need, t->max[1]) || known_to_fail(f, need))
        return -1;
    int n = find_first(w, p, takes, kind, need, from);
    if (n < 0 && from == 0 && !p->bins->trial)
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
    int kind = w->kinds.kind_of[bin];
    assert(bin >= 0 && bin < (int)w->s->instance_count);
    for (int t = 0; t < 2; t++) {
        struct tree *x = &p->bins->trees[t][kind];
        enum takes takes = (enum takes)(TAKES_NOW + t);
        for (int c = 0; c < ORDERS; c++) {
            struct order *o = p->bins->orders[t][c] ? &p->bins->orders[t][c][kind] : NULL;
            if (!o || !o->v)
                continue;
            order_move(o, bin, p->bins->keys[c][bin], p->free[bin].v[c], p->takes[bin] == takes);
            if (p->takes[bin] == takes)
                p->bins->keys[c][bin] = p->free[bin].v[c];
        }
        if (x->leaves == 0)
            continue;
        size_t block = (size_t)w->kinds.pos_of[bin] / BLOCK, node = x->leaves + block;
        struct res most = block_max(w, p, takes, &w->kinds.v[kind], block);
        while (node > 0 && !res_eq(x->max[node], most)) {
            x->max[node] = most;
            node /= 2;
            if (node > 0)
                most = res_max(x->max[2 * node], x->max[2 * node + 1]);
        }
    }
}
