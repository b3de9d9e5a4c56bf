#include "planner/sim/shrink.h"

#include <string.h>

#define MINUTE_MS 60000

struct state {
    struct shrink *s;
    struct ordeal best;
    enum invariant id;
    int64_t most;
    struct arena *a;
    struct err *err;
    int rc;
};

// When it first breaks the invariant, -1: it does not.
static int64_t breaks_ms(struct state *x, const struct ordeal *o, int64_t began_ms)
{
    struct ordeal_result r;
    if (x->rc || x->s->runs >= x->most)
        return -1;
    x->s->runs++;
    x->rc = x->s->run(x->s->arg, o, &r, x->err);
    for (int64_t k = 0; x->rc == 0 && k < r.violation_count && k < ORDEAL_VIOLATIONS_MAX; k++)
        if (r.violations[k].id == x->id)
            return r.violations[k].at_ms - began_ms;
    return -1;
}

// Takes it if it still fails; cut short after the violation, if that still fails.
static bool take(struct state *x, const struct ordeal *o)
{
    struct world_options options;
    ordeal_world(o, &options);
    int64_t at_ms = breaks_ms(x, o, options.start_ms);
    if (at_ms < 0)
        return false;
    x->best = *o;
    struct ordeal shorter = *o;
    shorter.for_ms = (at_ms / MINUTE_MS + 1) * MINUTE_MS;
    if (shorter.for_ms < o->for_ms && breaks_ms(x, &shorter, options.start_ms) >= 0)
        x->best.for_ms = shorter.for_ms;
    return true;
}

// Without the items from `from` to `to`.
static bool without(struct state *x, size_t from, size_t to)
{
    struct ordeal o = x->best;
    size_t *only = arena_array(x->a, size_t, o.only_count + 1);
    o.only_count = 0;
    for (size_t k = 0; k < x->best.only_count; k++)
        if (k < from || k >= to)
            only[o.only_count++] = x->best.only[k];
    o.only = only;
    return take(x, &o);
}

// Items that begin after the end of the run.
static void drop_unreached(struct state *x)
{
    struct faults all = faults_make(x->best.seed, x->best.for_ms, x->a);
    while (x->best.only_count > 0 && x->best.only[x->best.only_count - 1] >= all.count)
        x->best.only_count--;
}

int shrink_ordeal(struct shrink *s, const struct ordeal *o, enum invariant id, int64_t most, struct arena *a, struct ordeal *ret, struct err *err)
{
    struct state x = {.s = s, .best = *o, .id = id, .most = most, .a = a, .err = err};
    if (!o->only) {
        size_t count = faults_make(o->seed, o->for_ms, a).count, *only = arena_array(a, size_t, count + 1);
        for (size_t k = 0; k < count; k++)
            only[k] = k;
        x.best.only = only;
        x.best.only_count = count;
    }
    struct ordeal first = x.best;
    take(&x, &first);
    drop_unreached(&x);
    size_t size = x.best.only_count;
    while (size > 0 && x.rc == 0 && s->runs < most) {
        bool smaller = false;
        for (size_t from = 0; from < x.best.only_count && x.rc == 0;) {
            bool gone = without(&x, from, from + size);
            smaller |= gone;
            drop_unreached(&x);
            from += gone ? 0 : size;
        }
        size = size == 1 && !smaller ? 0 : size > 1 ? (size + 1) / 2 : 1;
        size = size > x.best.only_count ? x.best.only_count : size;
    }
    *ret = x.best;
    return x.rc;
}
